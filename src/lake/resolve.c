/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.c - from the text of a reference to a commit.
 *
 *     ref   = base modifier...
 *     base  = full commit id, else branch, else tag, else heads/x tags/x models/m/alias, else a unique beginning of a
 *             commit id of at least 6 digits
 *     modifier = ~ [n]  n-th first parent (1)    ^ [n]  n-th parent (1)    @{time}  what the base named then
 *
 * Behind a branch alone: @  what is committed, $  that with what is staged on top (which is no commit). */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

enum { TEXT_MOST = 1400, LEAST_DIGITS = 6 };

/* What the base is, before modifiers. */
typedef struct base {
    char name[256]; /* full name of the ref; "" for a commit id */
    tarn_id commit;
} base;

static tarn_code try_ref(tarn_lake *lake, const char *top, const char *name, base *out, bool *found, tarn_err *err)
{
    char full[256];
    tarn_ref ref;

    *found = false;
    int n = snprintf(full, sizeof full, "%s%s", top, name);
    if (n < 0 || n >= (int)sizeof full) return TARN_OK;
    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_ref_get(lake->meta, full, &ref, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) return rc;
    *found = true;
    out->commit = ref.commit;
    (void)strcpy(out->name, full);
    return TARN_OK;
}

/* The ref is gone or was never; but its log may still tell what it named at a time. */
static tarn_code try_log(tarn_lake *lake, const char *top, const char *name, base *out, bool *found, tarn_err *err)
{
    char full[256];
    tarn_id at;
    int64_t first;

    *found = false;
    int n = snprintf(full, sizeof full, "%s%s", top, name);
    if (n < 0 || n >= (int)sizeof full) return TARN_OK;
    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_ref_at(lake->meta, full, 0, &at, found, &first, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK && *found) (void)strcpy(out->name, full);
    return rc;
}

static tarn_code try_prefix(tarn_lake *lake, const char *text, base *out, bool *found, tarn_err *err)
{
    char hex[TARN_ID_HEX], other[TARN_ID_HEX];
    tarn_id from, like[2];
    size_t digits = strlen(text);
    int n = 0;

    *found = false;
    if (digits < LEAST_DIGITS || digits > 64) return TARN_OK;
    memset(hex, '0', sizeof hex);
    memcpy(hex, text, digits);
    if (!tarn_id_parse(hex, 64, &from)) return TARN_OK;
    tarn_code rc = tarn_store_commits_like(lake, &from, (int)digits, like, &n, err);
    if (rc != TARN_OK || n == 0) return rc;
    if (n > 1)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%s' is the beginning of several commits (%.12s, %.12s ...); give more digits", text,
                         tarn_id_hex(&like[0], hex), tarn_id_hex(&like[1], other));
    *found = true;
    out->commit = like[0];
    return TARN_OK;
}

/* with_time: a ref that was removed counts as well. */
static tarn_code find_base(tarn_lake *lake, const char *text, bool with_time, base *out, bool *found, tarn_err *err)
{
    static const char *const tops[] = {"heads/", "tags/", ""};
    tarn_code rc = TARN_OK;

    *out = (base){.name = ""};
    *found = false;
    if (!*text) return TARN_OK;
    if (strlen(text) == 64) TARN_TRY(try_prefix(lake, text, out, found, err));
    for (size_t i = 0; i < 3 && !*found; i++) TARN_TRY(try_ref(lake, tops[i], text, out, found, err));
    for (size_t i = 0; i < 3 && !*found && with_time; i++) TARN_TRY(try_log(lake, tops[i], text, out, found, err));
    if (!*found && strlen(text) != 64) TARN_TRY(try_prefix(lake, text, out, found, err));
done:
    return rc;
}

/* ---- modifiers ---- */

static tarn_code go_to_parent(tarn_lake *lake, tarn_id *commit, int which, const char *text, tarn_err *err)
{
    tarn_commit *c = NULL;
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_commit_read(lake, commit, c, err));
    if (which > c->n_parents)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "'%.200s' goes past the beginning: commit %.12s has %d parent%s", text,
                       tarn_id_hex(&c->id, hex), c->n_parents, c->n_parents == 1 ? "" : "s");
    else *commit = c->parents[which - 1];
    tarn_commit_clear(c);
done:
    tarn_free(c);
    return rc;
}

/* Digits at *p, or 1 without. */
static bool take_count(const char **p, int64_t *out)
{
    size_t n = strspn(*p, "0123456789");

    *out = 1;
    if (n > 0 && !tarn_int_parse(*p, n, out)) return false;
    *p += n;
    return *out <= 100000000;
}

static tarn_code at_time(tarn_lake *lake, const base *b, const char *time, size_t len, tarn_id *commit, tarn_err *err)
{
    int64_t us = 0, first = 0;
    bool known = false;
    char when[32];

    if (!b->name[0])
        return TARN_FAIL(err, TARN_INVALID, "@{time} asks what a ref named then; a commit id always names itself");
    if (!tarn_time_parse(time, len, &us))
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.*s' is not a time; write @{2026-01-31}, @{2026-01-31T12:00} or @{2026-01-31T12:00:05Z}",
                         (int)(len < 60 ? len : 60), time);
    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_ref_at(lake->meta, b->name, us, commit, &known, &first, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK) return rc;
    if (!known || tarn_id_none(commit))
        return TARN_FAIL(err, TARN_NOT_FOUND, "'%s' did not exist at %.*s; its log begins at %s", b->name,
                         (int)(len < 60 ? len : 60), time, tarn_time_text(first, when));
    return TARN_OK;
}

static tarn_code apply(tarn_lake *lake, const base *b, const char *text, const char *p, tarn_id *commit, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n;

    while (*p) {
        if (*p == '~') {
            p++;
            if (!take_count(&p, &n))
                return TARN_FAIL(err, TARN_INVALID, "'%.200s': the number after ~ is too large", text);
            for (; n > 0; n--) TARN_TRY(go_to_parent(lake, commit, 1, text, err));
        } else if (*p == '^') {
            p++;
            if (!take_count(&p, &n) || n > 2)
                return TARN_FAIL(err, TARN_INVALID, "'%.200s': a commit has at most two parents, ^1 and ^2", text);
            if (n > 0) TARN_TRY(go_to_parent(lake, commit, (int)n, text, err));
        } else if (strcmp(p, "@") == 0 && strncmp(b->name, "heads/", 6) == 0 && strpbrk(text, "~^@") == p) {
            p++;
        } else if (strcmp(p, "@") == 0 || strcmp(p, "$") == 0) {
            return TARN_FAIL(err, TARN_INVALID,
                             *p == '@' ? "'%.200s': @ stands behind a branch alone"
                                       : "'%.200s' is a staging area, no commit; tarn lake ls, cat and diff read it",
                             text);
        } else if (p[0] == '@' && p[1] == '{' && strchr(p, '}')) {
            const char *end = strchr(p, '}');
            TARN_TRY(at_time(lake, b, p + 2, (size_t)(end - p - 2), commit, err));
            p = end + 1;
        } else {
            return TARN_FAIL(err, TARN_INVALID,
                             "'%.200s' is not a reference at '%.20s'; behind a name come ~n, ^n or @{time}", text, p);
        }
    }
done:
    return rc;
}

/* *found false: the base does not exist; anything else that is wrong is an error. */
static tarn_code try_text(tarn_lake *lake, const char *text, tarn_id *commit, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[TEXT_MOST + 1];
    size_t n = strcspn(text, "~^"), len = strlen(text);
    const char *at = strstr(text, "@{");
    base b;

    *found = false;
    if (len > 0 && n == len && (text[len - 1] == '@' || text[len - 1] == '$')) n = len - 1;
    if (at && (size_t)(at - text) < n) n = (size_t)(at - text);
    if (n >= sizeof name || strchr(text + n, '/'))
        return TARN_OK; /* no modifier holds a '/': a path stands behind it */
    memcpy(name, text, n);
    name[n] = '\0';
    TARN_TRY(find_base(lake, name, text[n] == '@' && text[n + 1] == '{', &b, found, err));
    if (!*found) goto done;
    tarn_id id = b.commit;
    TARN_TRY(apply(lake, &b, text, text + n, &id, err));
    *commit = id;
done:
    return rc;
}

/* ---- messages ---- */

typedef struct names {
    const char *words[256];
    tarn_arena *arena;
    size_t n;
} names;

static tarn_code keep_name(void *arg, const tarn_ref *ref, tarn_err *err)
{
    names *list = arg;
    char *copy = NULL;
    const char *shown = strncmp(ref->name, "heads/", 6) == 0  ? ref->name + 6
                        : strncmp(ref->name, "tags/", 5) == 0 ? ref->name + 5
                                                              : ref->name;

    if (list->n == 256) return TARN_CANCELLED;
    tarn_code rc = tarn_arena_strndup(list->arena, shown, strlen(shown), &copy, err);
    if (rc == TARN_OK) list->words[list->n++] = copy;
    return rc;
}

static tarn_code unknown(tarn_lake *lake, const char *text, tarn_err *err)
{
    names list = {.n = 0};
    const char *near = NULL;
    char word[200];
    tarn_code rc = TARN_OK;

    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "~^@/"), text);
    TARN_TRY(tarn_arena_new(&list.arena, err));
    TARN_TRY(tarn_lake_refs(lake, "", keep_name, &list, err));
    near = tarn_nearest_word(word, list.words, list.n);
    size_t digits = strspn(word, "0123456789abcdefABCDEF");
    if (!near && digits > 0 && digits < LEAST_DIGITS && !word[digits])
        rc = TARN_FAIL(err, TARN_NOT_FOUND,
                       "no branch or tag is called '%.200s', and the beginning of a commit id has at least %d digits",
                       text, LEAST_DIGITS);
    else
        rc = near ? TARN_FAIL(err, TARN_NOT_FOUND, "no branch, tag or commit is called '%.200s'; did you mean '%s'?",
                              text, near)
                  : TARN_FAIL(err, TARN_NOT_FOUND,
                              "no branch, tag or commit is called '%.200s'; 'tarn lake branch' lists them", text);
done:
    tarn_arena_free(list.arena);
    return rc;
}

tarn_code tarn_lake_resolve(tarn_lake *lake, const char *ref, tarn_id *commit, tarn_err *err)
{
    bool found = false;
    tarn_code rc = TARN_OK;

    if (strlen(ref) <= TEXT_MOST) rc = try_text(lake, ref, commit, &found, err);
    if (rc != TARN_OK || found) return rc;
    return unknown(lake, ref, err);
}

tarn_code tarn_lake_resolve_path(tarn_lake *lake, const char *text, tarn_id *commit, char path[1025], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char head[TEXT_MOST + 1];
    size_t len = strlen(text);
    bool found = false;

    if (len > TEXT_MOST) return TARN_FAIL(err, TARN_INVALID, "reference and path of %zu bytes are too long", len);
    for (size_t i = len + 1; i-- > 0 && !found;) { /* the longest beginning first */
        if (i < len && text[i] != '/') continue;
        memcpy(head, text, i);
        head[i] = '\0';
        TARN_TRY(try_text(lake, head, commit, &found, err));
        if (!found) continue;
        const char *rest = i < len ? text + i + 1 : "";
        if (strlen(rest) > 1024)
            return TARN_FAIL(err, TARN_INVALID, "path '%.40s...' has %zu bytes; at most 1,024 are possible", rest,
                             strlen(rest));
        (void)strcpy(path, rest);
    }
    if (!found) rc = unknown(lake, text, err);
done:
    return rc;
}

/* ---- staging areas ---- */

static tarn_code note_area(void *arg, const char *who, int64_t rows, tarn_err *err)
{
    (void)who, (void)rows, (void)err;
    *(bool *)arg = true;
    return TARN_CANCELLED;
}

tarn_code tarn_lake_resolve_staged(tarn_lake *lake, const char *text, bool *staged, char branch[256], char path[1025],
                                   tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[256];
    tarn_id head;

    *staged = false;
    for (const char *p = strchr(text, '$'); p && !*staged; p = strchr(p + 1, '$')) {
        if ((p[1] && p[1] != '/') || p - text >= (ptrdiff_t)sizeof name) continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)(p - text), text);
        if (tarn_ref_branch(name, branch, NULL) != TARN_OK) continue;
        rc = tarn_lake_ref_get(lake, branch, &head, NULL);
        *staged = rc == TARN_OK;
        if (!*staged) TARN_TRY(tarn_lake_areas(lake, branch, note_area, staged, err)); /* nothing committed yet */
        rc = TARN_OK;
        const char *rest = p[1] ? p + 2 : "";
        if (*staged && strlen(rest) > 1024)
            return TARN_FAIL(err, TARN_INVALID, "path '%.40s...' has %zu bytes; at most 1,024 are possible", rest,
                             strlen(rest));
        if (*staged) (void)strcpy(path, rest);
    }
done:
    return rc;
}
