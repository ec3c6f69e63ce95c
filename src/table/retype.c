/* SPDX-License-Identifier: Apache-2.0 */
/* retype.c - casting the columns of a table that was read from typed data (JSON, Parquet). See retype.h. */
#include "table/retype.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* A column whose type is not the declared one. */
typedef struct change {
    const char *name, *declared, *sql;
    bool whole; /* 3.7 must not become 4 */
} change;

static const char *sql_of(const char *type)
{
    static const char *const names[] = {"BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP"};
    tarn_type known;

    return tarn_type_parse(type, &known) ? names[known] : type;
}

static tarn_code add_change(const tarn_field *fields, int n, const char *name, const char *type, change *out,
                            bool *needed, tarn_err *err)
{
    const char *names[1024] = {0};
    tarn_type want;
    size_t count = 0;

    *needed = false;
    if (strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_(), ") != strlen(type))
        return TARN_FAIL(err, TARN_INVALID, "column '%s': '%s' is not a type", name, type);
    for (int i = 0; i < n; i++) {
        if (count < 1024) names[count++] = fields[i].name;
        if (strcmp(fields[i].name, name) != 0) continue;
        bool tarn = tarn_type_parse(type, &want);
        *needed = tarn ? fields[i].type != want : strcmp(fields[i].sql_type, type) != 0;
        bool zoned = tarn && want == TARN_TIME; /* a plain TIMESTAMP would forget +02:00 */
        *out = (change){name, type, zoned ? "TIMESTAMPTZ" : sql_of(type), tarn && want == TARN_INT};
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, count);
    if (near) return TARN_FAIL(err, TARN_INVALID, "no column '%s'; did you mean '%s'?", name, near);
    return TARN_FAIL(err, TARN_INVALID, "no column '%s' among %d", name, n);
}

/* (c IS NOT NULL AND TRY_CAST(c AS type) IS NULL), and not a whole number */
static void add_misfit(tarn_text *sql, const change *c)
{
    tarn_text_add(sql, "(");
    tarn_sql_name(sql, c->name);
    tarn_text_add(sql, " IS NOT NULL AND (TRY_CAST(");
    tarn_sql_name(sql, c->name);
    tarn_text_addf(sql, " AS %s) IS NULL", c->sql);
    if (c->whole) {
        tarn_text_add(sql, " OR TRY_CAST(");
        tarn_sql_name(sql, c->name);
        tarn_text_add(sql, " AS DOUBLE) <> floor(TRY_CAST(");
        tarn_sql_name(sql, c->name);
        tarn_text_add(sql, " AS DOUBLE))");
    }
    tarn_text_add(sql, "))");
}

static void add_misfits(tarn_text *sql, const change *c, int n)
{
    for (int i = 0; i < n; i++) {
        tarn_text_add(sql, i > 0 ? " OR " : "(");
        add_misfit(sql, &c[i]);
    }
    tarn_text_add(sql, ")");
}

/* rowid, index of the change, value, whole row. */
static tarn_code find_misfits(tarn_db *db, const char *table, const change *c, int n, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT rowid, CASE");
    for (int part = 0; part < 2; part++) {
        for (int i = 0; i < n; i++) {
            tarn_text_add(&sql, " WHEN ");
            add_misfit(&sql, &c[i]);
            if (part == 0) {
                tarn_text_addf(&sql, " THEN %d", i);
                continue;
            }
            tarn_text_add(&sql, " THEN left(CAST(");
            tarn_sql_name(&sql, c[i].name);
            tarn_text_add(&sql, " AS VARCHAR), 80)");
        }
        tarn_text_add(&sql, part == 0 ? " END, CASE" : " END, left(CAST(to_json(t) AS VARCHAR), 600) FROM ");
    }
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS t WHERE ");
    add_misfits(&sql, c, n);
    tarn_text_add(&sql, " ORDER BY rowid");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, out, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

static const char *text_at(const tarn_columns *c, int column, int64_t row, int32_t *len)
{
    const tarn_column *a = tarn_columns_at(c, column);

    *len = 0;
    return tarn_column_has(a, row) ? tarn_column_word(a, ((const int32_t *)a->values)[row], len) : "";
}

static tarn_code reject_misfits(const tarn_columns *found, const change *c, const int64_t *lines, tarn_rejects *rejects,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int64_t i = 0; i < tarn_columns_rows(found); i++) {
        int64_t row = ((const int64_t *)tarn_columns_at(found, 0)->values)[i];
        const change *at = &c[((const int64_t *)tarn_columns_at(found, 1)->values)[i]];
        int64_t line = lines ? lines[row] : row + 1;
        int32_t len, whole_len;
        const char *value = text_at(found, 2, i, &len), *whole = text_at(found, 3, i, &whole_len);
        char reason[256];
        (void)snprintf(reason, sizeof reason, "'%.*s' is not of type %.60s", (int)len, value, at->declared);
        if (!rejects)
            return TARN_FAIL(err, TARN_INVALID, "%s %lld, column '%s': %s", lines ? "line" : "row", (long long)line,
                             at->name, reason);
        TARN_TRY(tarn_rejects_add(rejects, line, at->name, reason, whole, (size_t)whole_len, err));
    }
done:
    return rc;
}

static tarn_code cast_columns(tarn_db *db, const char *table, const change *c, int n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * REPLACE (");
    for (int i = 0; i < n; i++) {
        tarn_text_add(&sql, i > 0 ? ", TRY_CAST(" : "TRY_CAST(");
        tarn_sql_name(&sql, c[i].name);
        tarn_text_addf(&sql, " AS %s) AS ", c[i].sql);
        tarn_sql_name(&sql, c[i].name);
    }
    tarn_text_add(&sql, ") FROM ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " WHERE NOT ");
    add_misfits(&sql, c, n);
    tarn_text_add(&sql, " ORDER BY rowid");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_retype(tarn_db *db, const char *table, const char *const *type_names, const int64_t *lines,
                      int64_t *rows, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0};
    tarn_field *fields = NULL;
    change *changes = NULL;
    tarn_columns *found = NULL;
    int n_fields, n = 0;
    bool needed;

    if (!type_names || !type_names[0]) return TARN_OK;
    tarn_sql_name(&from, table);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(db, from.data, &fields, &n_fields, err));
    for (const char *const *pair = type_names; pair[0]; pair += 2) {
        TARN_TRY(tarn_resize(&changes, (size_t)n + 1, sizeof *changes, err));
        TARN_TRY(add_change(fields, n_fields, pair[0], pair[1], &changes[n], &needed, err));
        n += needed;
    }
    if (n == 0) goto done;
    TARN_TRY(find_misfits(db, table, changes, n, &found, err));
    TARN_TRY(reject_misfits(found, changes, lines, rejects, err));
    TARN_TRY(cast_columns(db, table, changes, n, err));
    *rows -= tarn_columns_rows(found);
done:
    tarn_columns_release(found);
    tarn_free(changes);
    tarn_free(fields);
    tarn_text_clear(&from);
    return rc;
}
