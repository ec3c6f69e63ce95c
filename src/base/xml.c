/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - XML by expat. See xml.h. */
#include "base/xml.h"

#include "base/mem.h"
#include "base/str.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

enum { DEEPEST = 16, NAME_MOST = 100, TEXT_MOST = 1 << 20 };

typedef struct reading {
    XML_Parser parser;
    tarn_xml_fn *fn;
    void *arg;
    const char *what;
    char path[DEEPEST * (NAME_MOST + 1) + 1];
    size_t ends[DEEPEST + 1]; /* of the path at each depth */
    tarn_text text[DEEPEST + 1];
    int depth;
    tarn_code rc;
    tarn_err *err;
} reading;

/* ---- memory ---- */

static void *grow(void *block, size_t size) { return tarn_resize(&block, size, 1, NULL) == TARN_OK ? block : NULL; }

static void *get(size_t size) { return grow(NULL, size); }

/* ---- what expat tells ---- */

static void stop(reading *r, tarn_code rc)
{
    r->rc = rc;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    reading *r = arg;
    const char *colon = strrchr(name, ':'), *local = colon ? colon + 1 : name;
    size_t len = strlen(local), at = r->ends[r->depth];

    (void)attributes;
    if (r->rc != TARN_OK) return;
    if (r->depth == DEEPEST || len > NAME_MOST) {
        stop(r, TARN_FAIL(r->err, TARN_LIMIT, "%s is nested too deeply or has too long names", r->what));
        return;
    }
    if (at > 0) r->path[at++] = '/';
    memcpy(r->path + at, local, len + 1);
    r->depth++;
    r->ends[r->depth] = at + len;
    tarn_text_clear(&r->text[r->depth]);
    tarn_code rc = r->fn(r->arg, r->path, NULL, 0, r->err);
    if (rc != TARN_OK) stop(r, rc);
}

static void on_end(void *arg, const XML_Char *name)
{
    reading *r = arg;
    tarn_text *t = &r->text[r->depth];

    (void)name;
    if (r->rc != TARN_OK || r->depth == 0) return;
    tarn_code rc = tarn_text_check(t, r->err);
    if (rc == TARN_OK) rc = r->fn(r->arg, r->path, t->data ? t->data : "", t->len, r->err);
    r->depth--;
    r->path[r->ends[r->depth]] = '\0';
    if (rc != TARN_OK) stop(r, rc);
}

static void on_text(void *arg, const XML_Char *bytes, int len)
{
    reading *r = arg;
    tarn_text *t = &r->text[r->depth];

    if (r->rc != TARN_OK) return;
    if (t->len + (size_t)len > TEXT_MOST) {
        stop(r, TARN_FAIL(r->err, TARN_LIMIT, "%s has a text of over 1 MiB in '%.100s'", r->what, r->path));
        return;
    }
    tarn_text_addn(t, bytes, (size_t)len);
}

static void on_type(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has_inside)
{
    reading *r = arg;

    (void)name, (void)system, (void)public, (void)has_inside;
    stop(r, TARN_FAIL(r->err, TARN_INVALID, "%s declares a document type, which is not accepted", r->what));
}

/* ---- reading ---- */

static tarn_code parse(reading *r, const char *bytes, size_t len)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_type);
    enum XML_Status status = XML_Parse(r->parser, bytes, (int)len, 1);
    if (r->rc != TARN_OK) return r->rc;
    if (status == XML_STATUS_OK) return TARN_OK;
    enum XML_Error why = XML_GetErrorCode(r->parser);
    if (why == XML_ERROR_NO_MEMORY) return TARN_FAIL(r->err, TARN_NOMEM, "no memory to read %s", r->what);
    return TARN_FAIL(r->err, TARN_INVALID, "%s is not well-formed XML: line %lu: %s", r->what,
                     (unsigned long)XML_GetCurrentLineNumber(r->parser), XML_ErrorString(why));
}

tarn_code tarn_xml_read(const char *bytes, size_t len, size_t most, const char *what, tarn_xml_fn *fn, void *arg,
                        tarn_err *err)
{
    static const XML_Memory_Handling_Suite memory = {get, grow, tarn_free};
    tarn_code rc = TARN_OK;
    reading *r = NULL;

    if (len > most || len > INT_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "%s has %zu bytes, more than the %zu that are read", what, len, most);
    TARN_TRY(tarn_alloc(&r, 1, sizeof *r, err));
    *r = (reading){.fn = fn, .arg = arg, .what = what, .err = err};
    r->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    rc = r->parser ? parse(r, bytes, len) : TARN_FAIL(err, TARN_NOMEM, "no memory to read %s", what);
    XML_ParserFree(r->parser);
done:
    for (int i = 0; r && i <= DEEPEST; i++) tarn_text_clear(&r->text[i]);
    tarn_free(r);
    return rc;
}
