/* SPDX-License-Identifier: Apache-2.0 */
/* form.c - multipart/form-data in pieces. See form.h.
 *
 *     FIRST -> HEAD -> VALUE -> HEAD ... -> HEAD -> FILE -> OVER
 *
 * What cannot be judged yet waits in `pending`; of the file that is less than a delimiter. The body is read as if an
 * empty line stood in front, so that the first delimiter looks like the others. Source: RFC 7578, RFC 2046 section 5.1.
 */
#include "serve/s3/form.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MOST = 70, HEAD_MOST = 4096, NAME_MOST = 128 };

typedef enum state { FIRST, HEAD, VALUE, FILE_BYTES, OVER } state;

struct tarn_form {
    tarn_form_options o;
    state state;
    char delimiter[BOUNDARY_MOST + 8];
    size_t delimiter_len, fields_len;
    tarn_text pending;
    size_t at; /* of pending, taken */
    char name[NAME_MOST];
    json_t *fields;
};

tarn_code tarn_form_new(const tarn_form_options *options, tarn_form **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_form *f = NULL;
    const char *type = options->type ? options->type : "", *at = strcasestr(type, "boundary=");

    *out = NULL;
    if (strncasecmp(type, "multipart/form-data", 19) != 0 || !at)
        return TARN_FAIL(err, TARN_INVALID, "a form is multipart/form-data with a boundary, not '%.60s'", type);
    at += 9;
    bool quoted = *at == '"';
    at += quoted;
    size_t len = strcspn(at, quoted ? "\"" : "; \t");
    if (len == 0 || len > BOUNDARY_MOST)
        return TARN_FAIL(err, TARN_INVALID, "the boundary of a form has 1 to 70 letters");
    TARN_TRY(tarn_alloc(&f, 1, sizeof *f, err));
    f->o = *options;
    f->delimiter_len = (size_t)snprintf(f->delimiter, sizeof f->delimiter, "\r\n--%.*s", (int)len, at);
    f->fields = json_object();
    tarn_text_add(&f->pending, "\r\n");
    if (!f->fields) rc = TARN_FAIL(err, TARN_NOMEM, "a form");
    if (rc == TARN_OK) rc = tarn_text_check(&f->pending, err);
    if (rc != TARN_OK) goto done;
    *out = f;
    f = NULL;
done:
    tarn_form_free(f);
    return rc;
}

/* ---- parts ---- */

/* The value of a parameter of Content-Disposition, such as name="x", into out; false if it is not there or too long. */
static bool parameter(const char *head, const char *name, char *out, size_t cap)
{
    char wanted[32];
    int n = snprintf(wanted, sizeof wanted, "; %s=\"", name);
    const char *at = strcasestr(head, wanted);

    if (!at) return false;
    at += n;
    size_t len = strcspn(at, "\"\r\n");
    if (len >= cap) return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

static tarn_code set_field(tarn_form *f, const char *name, const char *value, size_t len, tarn_err *err)
{
    char lower[NAME_MOST];
    size_t n = 0;

    for (; name[n] && n + 1 < sizeof lower; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
    lower[n] = '\0';
    f->fields_len += n + len;
    if (f->fields_len > TARN_FORM_FIELDS_MOST)
        return TARN_FAIL(err, TARN_INVALID, "the fields of the form have more than %d bytes",
                         (int)TARN_FORM_FIELDS_MOST);
    if (!tarn_utf8_valid(lower, n, NULL) || !tarn_utf8_valid(value, len, NULL) || memchr(value, '\0', len))
        return TARN_FAIL(err, TARN_INVALID, "a field of the form is not UTF-8 text");
    return tarn_json_set(f->fields, lower, json_stringn(value, len), err);
}

static tarn_code head_over(tarn_form *f, const char *head, tarn_err *err)
{
    char filename[1025];

    if (!parameter(head, "name", f->name, sizeof f->name))
        return TARN_FAIL(err, TARN_INVALID, "a part of the form has no name");
    if (strcasecmp(f->name, "file") != 0) {
        f->state = VALUE;
        return TARN_OK;
    }
    tarn_code rc = TARN_OK;
    if (parameter(head, "filename", filename, sizeof filename))
        rc = set_field(f, "filename", filename, strlen(filename), err);
    f->state = FILE_BYTES;
    return rc == TARN_OK ? f->o.file(f->o.arg, f->fields, err) : rc;
}

/* ---- steps; *more: pending may hold another one ---- */

static const char *rest_of(const tarn_form *f, size_t *len)
{
    *len = f->pending.len - f->at;
    return f->pending.data + f->at;
}

/* Whether a delimiter and the two bytes behind it are there: its place. Behind it a next part begins, or nothing. */
static const char *find_delimiter(const tarn_form *f)
{
    size_t len;
    const char *rest = rest_of(f, &len), *at = memmem(rest, len, f->delimiter, f->delimiter_len);

    return at && (size_t)(at - rest) + f->delimiter_len + 2 <= len ? at : NULL;
}

static void pass_delimiter(tarn_form *f, const char *at)
{
    bool last = strncmp(at + f->delimiter_len, "--", 2) == 0;

    f->at = (size_t)(at - f->pending.data) + f->delimiter_len + 2;
    f->state = f->state == FILE_BYTES || last ? OVER : HEAD;
}

static tarn_code step_head(tarn_form *f, bool *more, tarn_err *err)
{
    size_t len;
    char head[HEAD_MOST + 1];
    const char *rest = rest_of(f, &len), *end = memmem(rest, len, "\r\n\r\n", 4);

    if ((end ? (size_t)(end - rest) : len) > HEAD_MOST)
        return TARN_FAIL(err, TARN_INVALID, "the head of a part of the form has more than %d bytes", (int)HEAD_MOST);
    *more = end != NULL;
    if (!end) return TARN_OK;
    (void)snprintf(head, sizeof head, "%.*s", (int)(end - rest), rest);
    f->at += (size_t)(end - rest) + 4;
    return head_over(f, head, err);
}

static tarn_code step_value(tarn_form *f, bool *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len;
    const char *rest = rest_of(f, &len), *at = find_delimiter(f);

    *more = at != NULL;
    if (!at && len > TARN_FORM_FIELDS_MOST + sizeof f->delimiter)
        return TARN_FAIL(err, TARN_INVALID, "the fields of the form have more than %d bytes",
                         (int)TARN_FORM_FIELDS_MOST);
    if (!at) return TARN_OK;
    if (f->state == VALUE) rc = set_field(f, f->name, rest, (size_t)(at - rest), err);
    pass_delimiter(f, at);
    return rc;
}

static tarn_code step_file(tarn_form *f, bool *more, tarn_err *err)
{
    size_t len, keep = f->delimiter_len + 1;
    const char *rest = rest_of(f, &len), *at = find_delimiter(f);
    size_t n = at ? (size_t)(at - rest) : len > keep ? len - keep : 0;
    tarn_code rc = n > 0 ? f->o.give(f->o.arg, rest, n, err) : TARN_OK;

    *more = at != NULL;
    f->at += n;
    if (at) pass_delimiter(f, at);
    return rc;
}

tarn_code tarn_form_add(tarn_form *f, const char *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (f->state == OVER) return TARN_OK;
    tarn_text_addn(&f->pending, bytes, len);
    rc = tarn_text_check(&f->pending, err);
    for (bool more = true; more && rc == TARN_OK && f->state != OVER;) {
        if (f->state == HEAD) rc = step_head(f, &more, err);
        else if (f->state == FILE_BYTES) rc = step_file(f, &more, err);
        else rc = step_value(f, &more, err);
    }
    if (rc != TARN_OK) return rc;
    f->pending.len -= f->at;
    memmove(f->pending.data, f->pending.data + f->at, f->pending.len);
    f->pending.data[f->pending.len] = '\0';
    f->at = 0;
    return TARN_OK;
}

tarn_code tarn_form_end(tarn_form *f, tarn_err *err)
{
    if (f->state == OVER && json_object_get(f->fields, "key")) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "the form ends inside a part, or has no key or file");
}

void tarn_form_free(tarn_form *f)
{
    if (!f) return;
    json_decref(f->fields);
    tarn_text_clear(&f->pending);
    tarn_free(f);
}
