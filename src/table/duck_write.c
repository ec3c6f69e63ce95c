/* SPDX-License-Identifier: Apache-2.0 */
/* duck_write.c - Parquet files with the same bytes for the same rows, and the schema of what SQL can name.
 *
 * Row order and the order of sums depend on the number of threads: writing runs on one, and sorts. Rows that
 * are equal in the given columns are ordered by all the others, so that only equal rows can change places.
 *
 * Stored form. Versions of a table are stored as what changed since the version before (lake/: chunks with borders set
 * by the content, each a delta of the one it replaces), which works as far as a changed cell changes few bytes near its
 * place. So pages are plain and not compressed: a value is its bytes, a row more moves the others. Compression spreads
 * a change over the rest of the page; dictionaries number values by their first appearance, so that one new value can
 * renumber the others (and they bring bloom filters, in which a change is anywhere); the encodings of version 2 pack
 * differences by blocks, so that a row more repacks all that follow. Statistics and sizes of pages stay: they are few
 * bytes in the footer.
 *
 * bench/lake/table_form.sh, 1 million rows of 8 mixed columns, 10 versions, each with 1 % changed rows, 200 deleted,
 * 200 inserted, 1,000 appended; what a version costs beside the one before (zstd -3 --patch-from):
 *
 *                                     MB   zstd -3   a version   all ten   write    read
 *     zstd (the form before)        17.2      16.5       15.99     160.4  0.63 s  0.112 s
 *     not compressed, dictionaries  66.2      17.6        1.10      27.6  0.39 s  0.056 s
 *     not compressed, plain         82.5      18.6        0.19      20.3  0.34 s  0.069 s   <- this one
 *     ..., groups of 30,720 rows    82.5      20.0        0.22      21.9  0.37 s  0.067 s
 *     ..., one group                82.5      18.1        0.18      19.8  0.36 s  0.074 s
 *     ..., version 2                56.0      19.7        1.38      32.1  0.25 s  0.061 s
 *
 * It is also written and read faster than the compressed form, so scratch files need no other. What it costs is space
 * where files stand by themselves (.tarn/cache, scratch, checkouts): five times as much here. Groups of 122,880 rows
 * are what a diff leaves out when they did not change (rowgroups.c), and what threads read side by side. */
#include "table/duck.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "table/single.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STORED_FORM \
    "FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 0, PARQUET_VERSION V1, ROW_GROUP_SIZE 122880"

/* "a, b c" -> "a" NULLS LAST, "b c" NULLS LAST, and then everything. */
static void add_order(tarn_text *sql, const char *columns)
{
    char name[512];

    tarn_text_add(sql, " ORDER BY ");
    while (columns && *columns) {
        size_t len = strcspn(columns, ","), from = strspn(columns, " ");
        size_t end = len;
        while (end > from && columns[end - 1] == ' ') end--;
        if (end > from && end - from < sizeof name) {
            memcpy(name, columns + from, end - from);
            name[end - from] = '\0';
            tarn_sql_name(sql, name);
            tarn_text_add(sql, " NULLS LAST, ");
        }
        columns += len + (columns[len] == ',');
    }
    tarn_text_add(sql, "COLUMNS(*) NULLS LAST");
}

/* *shift is where `query` starts. */
static tarn_code copy_sql(const char *query, const char *order_by, const char *to, char **out, size_t *shift,
                          tarn_err *err)
{
    tarn_code rc;
    tarn_text sql = {0};
    size_t len = strlen(query);

    while (len > 0 && strchr("; \t\r\n", query[len - 1])) len--;
    tarn_text_add(&sql, "COPY (SELECT * FROM (");
    *shift = sql.len;
    tarn_text_addn(&sql, query, len);
    tarn_text_add(&sql, "\n)");
    if (!order_by || *order_by) add_order(&sql, order_by);
    tarn_text_add(&sql, ") TO ");
    tarn_sql_text(&sql, to);
    tarn_text_add(&sql, " (" STORED_FORM ", USE_TMP_FILE false)");
    rc = tarn_text_take(&sql, out, err);
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_db_single(tarn_db *db, bool single, tarn_err *err)
{
    char sql[48];

    if (db->untrusted) return TARN_OK;
    (void)snprintf(sql, sizeof sql, "SET threads = %d", single ? 1 : db->threads);
    return tarn_db_run(db, sql, err);
}

/* Run the COPY; its result is one count. */
static tarn_code copy(tarn_db *db, const char *sql, size_t shift, int64_t *rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    duckdb_result result;
    duckdb_data_chunk chunk = NULL;

    db->asked = (tarn_err){0};
    if (duckdb_query(db->connection, sql, &result) != DuckDBSuccess) {
        rc = tarn_duck_fail(db, duckdb_result_error(&result), duckdb_result_error_type(&result), sql, shift, err);
    } else if ((chunk = duckdb_fetch_chunk(result)) && duckdb_data_chunk_get_size(chunk) == 1) {
        int64_t count = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        if (rows) *rows = count;
    } else {
        rc = TARN_FAIL(err, TARN_IO, "DuckDB did not say how many rows it wrote");
    }
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return rc;
}

static tarn_code sync_into_place(const char *temporary, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return TARN_FAIL_ERRNO(err, "open", temporary);
    rc = tarn_fd_sync(fd, path, err);
    (void)close(fd);
    if (rc != TARN_OK) return rc;
    if (rename(temporary, path) != 0) return TARN_FAIL_ERRNO(err, "rename into", path);
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return tarn_dir_sync(*folder ? folder : "/", err);
}

tarn_code tarn_db_write_parquet(tarn_db *db, const char *sql, const char *order_by, const char *path, int64_t *rows,
                                tarn_err *err)
{
    static atomic_uint counter;
    tarn_code rc = TARN_OK, back;
    char *statement = NULL, temporary[4096];
    size_t shift;

    if (db->untrusted) return TARN_FAIL(err, TARN_DENIED, "'%s': SQL from outside cannot write files", path);
    int n = snprintf(temporary, sizeof temporary, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    if (n < 0 || (size_t)n >= sizeof temporary)
        return TARN_FAIL(err, TARN_LIMIT, "path of %zu bytes is too long", strlen(path));
    TARN_TRY(copy_sql(sql, order_by, temporary, &statement, &shift, err));
    TARN_TRY(tarn_db_single(db, true, err));
    rc = copy(db, statement, shift, rows, err);
    back = tarn_db_single(db, false, rc == TARN_OK ? err : NULL);
    if (rc == TARN_OK) rc = back;
    if (rc == TARN_OK) rc = sync_into_place(temporary, path, err);
    if (rc != TARN_OK) (void)unlink(temporary);
done:
    tarn_free(statement);
    return rc;
}

/* ---- schema ---- */

tarn_type tarn_type_of_sql(const char *sql_type)
{
    size_t len = strlen(sql_type);

    static const struct {
        const char *start;
        tarn_type type;
    } known[] = {
        {"BOOLEAN", TARN_BOOL}, {"TINYINT", TARN_INT},   {"SMALLINT", TARN_INT},  {"INTEGER", TARN_INT},
        {"BIGINT", TARN_INT},   {"UTINYINT", TARN_INT},  {"USMALLINT", TARN_INT}, {"UINTEGER", TARN_INT},
        {"UBIGINT", TARN_INT},  {"HUGEINT", TARN_INT},   {"UHUGEINT", TARN_INT},  {"FLOAT", TARN_REAL},
        {"DOUBLE", TARN_REAL},  {"DECIMAL(", TARN_REAL}, {"DATE", TARN_TIME},     {"TIMESTAMP", TARN_TIME},
    };

    if (len > 0 && sql_type[len - 1] == ']') return TARN_TEXT; /* a list of something */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t start = strlen(known[i].start);
        if (len >= start && memcmp(sql_type, known[i].start, start) == 0) return known[i].type;
    }
    return TARN_TEXT;
}

static tarn_code fill_field(const tarn_columns *c, int64_t row, tarn_field *f, tarn_err *err)
{
    const char *texts[2];
    int32_t lens[2];

    for (int i = 0; i < 2; i++) {
        const tarn_column *a = tarn_columns_at(c, i);
        texts[i] = tarn_column_word(a, ((const int32_t *)a->values)[row], &lens[i]);
    }
    if ((size_t)lens[0] >= sizeof f->name)
        return TARN_FAIL(err, TARN_LIMIT, "column name '%.*s' is longer than %zu bytes", (int)lens[0], texts[0],
                         sizeof f->name - 1);
    memcpy(f->name, texts[0], (size_t)lens[0]);
    (void)snprintf(f->sql_type, sizeof f->sql_type, "%.*s", (int)lens[1], texts[1]);
    f->type = tarn_type_of_sql(f->sql_type);
    return TARN_OK;
}

tarn_code tarn_db_schema(tarn_db *db, const char *from, tarn_field **out, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *c = NULL;
    tarn_field *fields = NULL;
    tarn_text sql = {0};

    *out = NULL;
    *n = 0;
    tarn_text_addf(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM %s)", from);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, &c, err));
    TARN_TRY(tarn_alloc(&fields, (size_t)tarn_columns_rows(c), sizeof *fields, err));
    for (int64_t i = 0; i < tarn_columns_rows(c); i++) TARN_TRY(fill_field(c, i, &fields[i], err));
    *n = (int)tarn_columns_rows(c);
    *out = fields;
    fields = NULL;
done:
    tarn_free(fields);
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}
