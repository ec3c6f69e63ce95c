/* SPDX-License-Identifier: Apache-2.0 */
/* typed_read.c - JSON and Parquet into a SQL table.
 *
 * JSON is read twice: once strictly, by ours, so that each bad line is known with its number, and once by the
 * SQL engine, from a copy without the bad lines if there are any. */
#include "table/table.h"

#include "base/json.h"
#include "base/mem.h"
#include "table/csv_read.h"
#include "table/retype.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OBJECT = 16 << 20 }; /* the engine's own limit */

typedef struct objects {
    tarn_plain plain;
    const char *text;
    size_t len;
    int64_t *lines; /* of the good ones */
    int64_t good, bad, cap;
} objects;

static tarn_code open_objects(objects *o, tarn_db *db, const char *path, tarn_err *err)
{
    size_t bad;
    tarn_code rc = tarn_plain_open(path, tarn_db_folder(db), &o->plain, err);

    if (rc != TARN_OK) return rc;
    o->text = o->plain.map.bytes;
    o->len = o->plain.map.len;
    if (o->len >= 3 && memcmp(o->text, "\xEF\xBB\xBF", 3) == 0) {
        o->text += 3;
        o->len -= 3;
    }
    if (!tarn_utf8_valid(o->text, o->len, &bad)) {
        size_t line = 1;
        for (size_t i = 0; i < bad; i++) line += o->text[i] == '\n';
        return TARN_FAIL(err, TARN_INVALID, "line %zu: byte 0x%02X is not UTF-8", line, (unsigned char)o->text[bad]);
    }
    return TARN_OK;
}

static bool blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r", text[i])) return false;
    return true;
}

/* NULL if the line is one JSON object, else why not. */
static const char *refuse_line(const char *text, size_t len, tarn_err *why)
{
    json_t *value = NULL;
    const char *reason = NULL;

    if (len > MOST_OBJECT) return "the line is longer than 16 MiB";
    if (tarn_json_read(text, len, "line", &value, why) != TARN_OK) return why->msg;
    if (!json_is_object(value)) reason = "not a JSON object";
    json_decref(value);
    return reason;
}

static tarn_code note_line(objects *o, int64_t line, tarn_err *err)
{
    if (o->good == o->cap) {
        int64_t cap = o->cap ? o->cap * 2 : 1024;
        tarn_code rc = tarn_resize(&o->lines, (size_t)cap, sizeof *o->lines, err);
        if (rc != TARN_OK) return rc;
        o->cap = cap;
    }
    o->lines[o->good++] = line;
    return TARN_OK;
}

/* Look at every line; the good ones go to copy (may be NULL). */
static tarn_code look_at_lines(objects *o, tarn_rejects *rejects, tarn_file *copy, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *at = o->text, *end = o->text + o->len;

    for (int64_t line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
        size_t len = (size_t)((stop ? stop : end) - at);
        tarn_err why = {0};
        const char *reason = blank(at, len) ? NULL : refuse_line(at, len, &why);
        if (reason && why.code == TARN_NOMEM) return TARN_FAIL(err, TARN_NOMEM, "%s", why.msg);
        if (reason && !rejects) return TARN_FAIL(err, TARN_INVALID, "line %lld: %s", (long long)line, reason);
        if (reason) {
            o->bad++;
            if (!copy) TARN_TRY(tarn_rejects_add(rejects, line, "", reason, at, len, err));
        } else if (!blank(at, len)) {
            if (!copy) TARN_TRY(note_line(o, line, err));
            else TARN_TRY(tarn_file_write(copy, at, len, err));
            if (copy) TARN_TRY(tarn_file_write(copy, "\n", 1, err));
        }
        at = next;
    }
done:
    return rc;
}

/* One array of objects: anything else is an error. */
static tarn_code look_at_array(objects *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *all = NULL, *one;
    size_t i;

    TARN_TRY(tarn_json_read(o->text, o->len, "file", &all, err));
    if (!json_is_array(all))
        TARN_TRY(
            TARN_FAIL(err, TARN_INVALID, "an array of objects was expected; for one object a line set format: ndjson"));
    json_array_foreach(all, i, one)
    {
        if (!json_is_object(one))
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "element %zu of the array is not an object", i + 1));
    }
    o->good = (int64_t)json_array_size(all);
done:
    json_decref(all);
    return rc;
}

static tarn_code write_copy(objects *o, tarn_rejects *rejects, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_file *file = NULL;

    TARN_TRY(tarn_file_create(path, &file, err));
    TARN_TRY(look_at_lines(o, rejects, file, err));
    TARN_TRY(tarn_file_commit(file, err));
done:
    tarn_file_close(file);
    return rc;
}

static tarn_code load(tarn_db *db, const char *path, const char *table, bool lines, int64_t want, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t got;

    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * FROM read_json(");
    tarn_sql_path(&sql, path);
    tarn_text_addf(&sql,
                   ", format='%s', records=true, sample_size=-1, compression='uncompressed', maximum_object_size=%d)",
                   lines ? "newline_delimited" : "array", MOST_OBJECT);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
    sql.len = 0;
    tarn_text_add(&sql, "SELECT count(*) FROM ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &got, err));
    if (got != want)
        rc = TARN_FAIL(err, TARN_UNSUPPORTED, "the SQL engine reads %lld objects where there are %lld", (long long)got,
                       (long long)want);
done:
    tarn_text_clear(&sql);
    return rc;
}

/* Rejects of two passes in the order of lines; those from `from` on are of this file. */
static int by_line(const void *a, const void *b)
{
    int64_t x = ((const tarn_reject *)a)->line, y = ((const tarn_reject *)b)->line;
    return (x > y) - (x < y);
}

tarn_code tarn_db_read_json(tarn_db *db, const char *path, const char *table, const char *const *type_names, bool lines,
                            int64_t *rows, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    objects o = {0};
    char temporary[4096] = "";
    int64_t from = rejects ? rejects->kept : 0;

    TARN_TRY(open_objects(&o, db, path, err));
    if (lines) TARN_TRY(look_at_lines(&o, rejects, NULL, err));
    else TARN_TRY(look_at_array(&o, err));
    if (o.good == 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "there is no JSON object in the file"));
    if (o.bad > 0 || o.text != o.plain.map.bytes) {
        TARN_TRY(tarn_temporary_name(tarn_db_folder(db), ".json", temporary, sizeof temporary, err));
        if (lines) TARN_TRY(write_copy(&o, rejects, temporary, err));
        else TARN_TRY(tarn_file_save(temporary, o.text, o.len, err));
    }
    TARN_TRY(load(db, *temporary ? temporary : o.plain.path, table, lines, o.good, err));
    TARN_TRY(tarn_retype(db, table, type_names, lines ? o.lines : NULL, &o.good, rejects, err));
    if (rejects && rejects->kept > from)
        qsort(rejects->rows + from, (size_t)(rejects->kept - from), sizeof *rejects->rows, by_line);
    if (rows) *rows = o.good;
done:
    if (rc != TARN_OK && err && !strstr(err->msg, path)) tarn_err_note(err, "'%s'", path);
    if (*temporary) (void)unlink(temporary);
    tarn_plain_close(&o.plain);
    tarn_free(o.lines);
    return rc;
}

tarn_code tarn_db_read_parquet(tarn_db *db, const char *path, const char *table, const char *const *type_names,
                               int64_t *rows, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_mapped map = {0};
    int64_t n;

    TARN_TRY(tarn_map_open(path, &map, err)); /* for its message, and to say what is no Parquet file */
    if (map.len < 12 || memcmp(map.bytes, "PAR1", 4) != 0 ||
        memcmp((const char *)map.bytes + map.len - 4, "PAR1", 4) != 0)
        TARN_TRY(TARN_FAIL(err, TARN_CORRUPT, "not a whole Parquet file: it does not %s with PAR1",
                           map.len >= 4 && memcmp(map.bytes, "PAR1", 4) == 0 ? "end" : "start"));
    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * FROM read_parquet(");
    tarn_sql_path(&sql, path);
    tarn_text_add(&sql, ")");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
    sql.len = 0;
    tarn_text_add(&sql, "SELECT count(*) FROM ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &n, err));
    TARN_TRY(tarn_retype(db, table, type_names, NULL, &n, rejects, err));
    if (rows) *rows = n;
done:
    if (rc != TARN_OK && err && !strstr(err->msg, path)) tarn_err_note(err, "'%s'", path);
    tarn_map_close(&map);
    tarn_text_clear(&sql);
    return rc;
}
