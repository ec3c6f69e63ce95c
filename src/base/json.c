/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - reading and writing JSON through jansson. See json.h. */
#include "base/json.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* ---- memory that runs out in the middle of a text ----
 *
 * jansson 2.14 does not look whether its buffer for the token at hand could grow: it then reads behind the token's end,
 * or ends the process by an assertion. So while a text is read, a failed allocation does not come back to jansson at
 * all: we jump out of it and free what it holds. For that each block has a head, and the blocks of a reading are a
 * list; blocks outlive their reading, whose number tells that they are in no list any more. */

typedef struct block {
    struct block *before, *after;
    uint64_t reading;
    uint64_t unused; /* what stands behind is aligned as malloc's blocks are */
} block;

typedef struct reading {
    uint64_t number; /* no two are the same */
    block all;       /* a ring with this as its head */
    jmp_buf out;
} reading;

static _Thread_local reading *now; /* of this thread; NULL: none */
static atomic_uint_fast64_t readings;

static void *json_take(size_t size)
{
    block *b = NULL;

    if (size > SIZE_MAX - sizeof *b || tarn_alloc(&b, sizeof *b + size, 1, NULL) != TARN_OK) {
        if (now) longjmp(now->out, 1);
        return NULL;
    }
    b->reading = now ? now->number : 0;
    if (now) {
        b->before = &now->all;
        b->after = now->all.after;
        b->after->before = b;
        now->all.after = b;
    }
    return b + 1;
}

static void json_give(void *memory)
{
    block *b = memory;

    if (!b) return;
    b--;
    if (now && b->reading == now->number) {
        b->before->after = b->after;
        b->after->before = b->before;
    }
    tarn_free(b);
}

void tarn_json_setup(void) { json_set_alloc_funcs(json_take, json_give); }

static void start_reading(reading *r)
{
    r->number = atomic_fetch_add_explicit(&readings, 1, memory_order_relaxed) + 1;
    r->all.before = r->all.after = &r->all;
}

static void free_reading(reading *r)
{
    for (block *b = r->all.after, *after; b != &r->all; b = after) {
        after = b->after;
        tarn_free(b);
    }
}

/* *ran_out: there was no memory, and *e tells nothing. */
static json_t *load(const char *text, size_t len, json_error_t *e, bool *ran_out)
{
    reading r;
    json_t *value = NULL;

    *ran_out = false;
    start_reading(&r);
    now = &r;
    if (setjmp(r.out) == 0) {
        value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, e);
        now = NULL;
        return value;
    }
    now = NULL;
    free_reading(&r);
    *ran_out = true;
    return NULL;
}

enum { MOST_NESTED = 512 };

/* Where brackets outside of strings are nested deeper than that. jansson allows 2048, which is much stack for some. */
static bool too_deep(const char *text, size_t len, int *line, int *column)
{
    int depth = 0;
    bool quoted = false;

    *line = 1;
    *column = 0;
    for (size_t i = 0; i < len; i++) {
        ++*column;
        if (text[i] == '\n') {
            ++*line;
            *column = 0;
        }
        if (quoted && text[i] == '\\') {
            i++;
            ++*column;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (text[i] == '[' || text[i] == '{')) {
            if (++depth > MOST_NESTED) return true;
        } else if (!quoted && (text[i] == ']' || text[i] == '}')) {
            depth--;
        }
    }
    return false;
}

tarn_code tarn_json_read(const char *text, size_t len, const char *what, json_t **out, tarn_err *err)
{
    json_error_t e;
    int line, column;
    bool ran_out = false;

    *out = NULL;
    if (too_deep(text, len, &line, &column))
        return TARN_FAIL(err, TARN_LIMIT, "%s: line %d, column %d: nested deeper than %d", what, line, column,
                         MOST_NESTED);
    *out = load(text, len, &e, &ran_out);
    if (*out) return TARN_OK;
    if (ran_out || json_error_code(&e) == json_error_out_of_memory)
        return TARN_FAIL(err, TARN_NOMEM, "%s: no memory to read %zu bytes of JSON", what, len);
    return TARN_FAIL(err, TARN_INVALID, "%s is not JSON: line %d, column %d: %s", what, e.line, e.column, e.text);
}

static tarn_code dump(const json_t *value, size_t flags, char **out, tarn_err *err)
{
    *out = NULL;
    size_t len = json_dumpb(value, NULL, 0, flags);
    if (len == 0) return TARN_FAIL(err, TARN_NOMEM, "cannot write JSON");
    tarn_code rc = tarn_alloc(out, len + 1, 1, err);
    if (rc != TARN_OK) return rc;
    if (json_dumpb(value, *out, len, flags) == len) return TARN_OK;
    tarn_free(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_NOMEM, "cannot write JSON");
}

tarn_code tarn_json_compact(const json_t *value, char **out, tarn_err *err)
{
    return dump(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY, out, err);
}

tarn_code tarn_json_pretty(const json_t *value, char **out, tarn_err *err)
{
    return dump(value, JSON_INDENT(2) | JSON_ENCODE_ANY, out, err);
}

tarn_code tarn_json_set(json_t *object, const char *key, json_t *take_value, tarn_err *err)
{
    if (json_object_set_new(object, key, take_value) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot put '%s' into a JSON object (no memory, or not UTF-8)", key);
    return TARN_OK;
}

tarn_code tarn_json_append(json_t *array, json_t *take_value, tarn_err *err)
{
    if (json_array_append_new(array, take_value) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "cannot add to a JSON array (no memory, or not UTF-8)");
    return TARN_OK;
}

const char *tarn_json_text(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

json_t *tarn_json_num(double x)
{
    if (!isfinite(x)) return json_null();
    if (x == floor(x) && fabs(x) < 9e15) return json_integer((json_int_t)x);
    return json_real(x);
}
