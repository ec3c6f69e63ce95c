/* SPDX-License-Identifier: Apache-2.0 */
/* rowside.c - see rowside.h.
 *
 * That a key is unique is first looked for the cheap way: tables are mostly stored in the order of their key, and then
 * each row only has to be above the one before it. Only if that fails the keys are grouped, which also finds what to
 * name in the message. */
#include "table/rowside.h"

#include "base/file.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_KEY = 16 };

tarn_code tarn_rowside_key(tarn_arena *arena, const char *key, const char ***names, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *name = NULL;

    *n = 0;
    TARN_TRY(tarn_arena_alloc(arena, names, MOST_KEY, sizeof **names, err));
    for (const char *at = key ? key : ""; *at; at += *at == ',') {
        size_t len;
        at += strspn(at, " ");
        size_t stop = strcspn(at, ",");
        for (len = stop; len > 0 && at[len - 1] == ' ';) len--;
        if (len > 0 && *n == MOST_KEY)
            return TARN_FAIL(err, TARN_LIMIT, "a key has at most %d columns, here are more: %.100s", MOST_KEY, key);
        if (len > 0) {
            TARN_TRY(tarn_arena_strndup(arena, at, len, &name, err));
            int same = 0; /* a column that is named twice counts once */
            while (same < *n && strcasecmp((*names)[same], name) != 0) same++;
            if (same == *n) (*names)[(*n)++] = name;
        }
        at += stop;
    }
    if (*n == 0) rc = TARN_FAIL(err, TARN_INVALID, "a key is needed: the columns that together name a row");
done:
    return rc;
}

void tarn_cell_keep(tarn_text *store, const tarn_column *c, int64_t row, size_t *out)
{
    int32_t len = 0;

    *out = SIZE_MAX;
    if (!tarn_column_has(c, row)) return;
    *out = store->len;
    const char *word = tarn_column_word(c, ((const int32_t *)c->values)[row], &len);
    tarn_text_addn(store, word, (size_t)len);
    tarn_text_addn(store, "", 1);
}

/* ---- opening ---- */

static tarn_code word_at(tarn_arena *arena, const tarn_columns *c, int column, int64_t row, const char **out,
                         tarn_err *err)
{
    const tarn_column *a = tarn_columns_at(c, column);
    int32_t len = 0;
    char *copy = NULL;
    const char *word = tarn_column_has(a, row) ? tarn_column_word(a, ((const int32_t *)a->values)[row], &len) : "";
    tarn_code rc = tarn_arena_strndup(arena, word, (size_t)len, &copy, err);

    *out = copy;
    return rc;
}

static void read_of(tarn_text *sql, const tarn_rowside *side)
{
    tarn_text_add(sql, "read_parquet(");
    tarn_sql_path(sql, side->path);
    tarn_text_add(sql, ", file_row_number = true)");
}

static bool is_parquet(const char *path)
{
    char mark[4] = "";
    FILE *f = fopen(path, "rb");

    if (!f) return true; /* the engine says why it cannot be read */
    bool yes = fseek(f, -4, SEEK_END) == 0 && fread(mark, 1, 4, f) == 4 && memcmp(mark, "PAR1", 4) == 0;
    (void)fclose(f);
    return yes;
}

tarn_code tarn_rowside_open(tarn_db *db, tarn_arena *arena, const char *path, const char *label, tarn_rowside *out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;

    *out = (tarn_rowside){.path = path, .label = label ? label : path ? path : "no table"};
    if (!path) return TARN_OK;
    if (!tarn_path_exists(path)) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no file '%s'", path);
    if (!is_parquet(path)) {
        rc = TARN_FAIL(err, TARN_INVALID, "the content is no Parquet table, whatever the path says");
        goto done;
    }
    tarn_text_add(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ");
    read_of(&sql, out);
    tarn_text_add(&sql, ")");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, &c, err));
    int64_t n = tarn_columns_rows(c);
    TARN_TRY(tarn_arena_alloc(arena, &out->columns, (size_t)n + 1, sizeof *out->columns, err));
    for (; out->n_columns < n; out->n_columns++) {
        TARN_TRY(word_at(arena, c, 0, out->n_columns, &out->columns[out->n_columns].name, err));
        TARN_TRY(word_at(arena, c, 1, out->n_columns, &out->columns[out->n_columns].type, err));
    }
    sql.len = 0;
    tarn_text_add(&sql, "SELECT count(*) FROM ");
    read_of(&sql, out);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &out->rows, err));
done:
    if (rc != TARN_OK) tarn_err_note(err, "%s", out->label);
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}

int tarn_rowside_find(const tarn_rowside *side, const char *name)
{
    for (int i = 0; i < side->n_columns; i++)
        if (strcasecmp(side->columns[i].name, name) == 0) return i;
    return -1;
}

void tarn_rowside_from(tarn_text *sql, const tarn_rowside *side)
{
    tarn_text_add(sql, " FROM ");
    read_of(sql, side);
    if (!side->part) return;
    tarn_text_add(sql, " WHERE ");
    for (size_t i = 0; i < side->n_ranges; i++)
        tarn_text_addf(sql, "%sfile_row_number BETWEEN %lld AND %lld", i ? " OR " : "",
                       (long long)side->ranges[i].first, (long long)side->ranges[i].last);
    if (side->n_ranges == 0) tarn_text_add(sql, "false");
}

/* ---- the key ---- */

static tarn_code no_such_column(const tarn_rowside *side, const char *name, tarn_err *err)
{
    const char *names[1024];
    size_t n = side->n_columns < 1024 ? (size_t)side->n_columns : 1024;
    tarn_text list = {0};

    for (size_t i = 0; i < n; i++) {
        names[i] = side->columns[i].name;
        tarn_text_addf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = tarn_nearest_word(name, names, n);
    tarn_code rc = near
                       ? TARN_FAIL(err, TARN_INVALID, "%.150s has no column '%.80s' for its key; did you mean '%.80s'?",
                                   side->label, name, near)
                       : TARN_FAIL(err, TARN_INVALID, "%.150s has no column '%.80s' for its key; there are: %.120s",
                                   side->label, name, list.data ? list.data : "none");
    tarn_text_clear(&list);
    return rc;
}

/* SELECT r, k0, k1, ... FROM the whole side */
static void select_key(tarn_text *sql, const tarn_rowside *side, const int *at, int n_key)
{
    tarn_text_add(sql, "SELECT file_row_number AS r");
    for (int i = 0; i < n_key; i++) {
        tarn_text_add(sql, ", ");
        tarn_sql_name(sql, side->columns[at[i]].name);
        tarn_text_addf(sql, " AS k%d", i);
    }
    tarn_text_add(sql, " FROM ");
    read_of(sql, side);
}

/* k0 > p0 OR (k0 = p0 AND (k1 > p1 ...)) */
static void add_above(tarn_text *sql, int n_key)
{
    for (int i = 0; i + 1 < n_key; i++) tarn_text_addf(sql, "(k%d > p%d OR (k%d = p%d AND ", i, i, i, i);
    tarn_text_addf(sql, "k%d > p%d", n_key - 1, n_key - 1);
    for (int i = 0; i + 1 < n_key; i++) tarn_text_add(sql, "))");
}

static void add_nulls(tarn_text *sql, int n_key)
{
    for (int i = 0; i < n_key; i++) tarn_text_addf(sql, "%sk%d IS NULL", i ? " OR " : "", i);
}

/* Is every row above the row before it, and no key null? Proves that the key is unique. */
static tarn_code in_order(tarn_db *db, const tarn_rowside *side, const int *at, int n_key, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t bad = 0;

    tarn_text_add(&sql, "SELECT count(*) FILTER (WHERE (");
    add_above(&sql, n_key);
    tarn_text_add(&sql, ") IS NOT TRUE) + 2 * count(*) FILTER (WHERE ");
    add_nulls(&sql, n_key);
    tarn_text_add(&sql, ") FROM (SELECT *");
    for (int i = 0; i < n_key; i++) tarn_text_addf(&sql, ", lag(k%d) OVER () AS p%d", i, i);
    tarn_text_add(&sql, " FROM (");
    select_key(&sql, side, at, n_key);
    tarn_text_add(&sql, "))");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &bad, err));
    *yes = bad <= 1; /* nothing is before the first */
done:
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code check_nulls(tarn_db *db, const tarn_rowside *side, const int *at, int n_key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;

    tarn_text_add(&sql, "SELECT count(*), coalesce(min(r), 0) FROM (");
    select_key(&sql, side, at, n_key);
    tarn_text_add(&sql, ") WHERE ");
    add_nulls(&sql, n_key);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, 1, &c, err));
    int64_t count = *(const int64_t *)tarn_columns_at(c, 0)->values;
    int64_t first = *(const int64_t *)tarn_columns_at(c, 1)->values;
    if (count > 0)
        rc = TARN_FAIL(
            err, TARN_INVALID,
            "%.150s: the key (%s) is missing in %lld row%s, first in row %lld; give those rows a key or name "
            "other columns",
            side->label, side->columns[at[0]].name, (long long)count, count == 1 ? "" : "s", (long long)first + 1);
done:
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}

/* "order_id 17, line 2" */
static void say_key(tarn_text *out, const tarn_rowside *side, const int *at, int n_key, const tarn_columns *c, int from)
{
    for (int i = 0; i < n_key; i++) {
        size_t start = 0;
        tarn_text_addf(out, "%s%s ", i ? ", " : "", side->columns[at[i]].name);
        tarn_cell_keep(out, tarn_columns_at(c, from + i), 0, &start);
        if (start != SIZE_MAX && out->failed == TARN_OK) out->len--; /* the NUL behind it */
    }
}

static tarn_code check_twice(tarn_db *db, const tarn_rowside *side, const int *at, int n_key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0}, key = {0};
    tarn_columns *c = NULL;

    tarn_text_add(&sql, "SELECT count(*) OVER () AS keys, n");
    for (int i = 0; i < n_key; i++) tarn_text_addf(&sql, ", CAST(k%d AS VARCHAR) AS t%d", i, i);
    tarn_text_add(&sql, " FROM (SELECT count(*) AS n");
    for (int i = 0; i < n_key; i++) tarn_text_addf(&sql, ", k%d", i);
    tarn_text_add(&sql, " FROM (");
    select_key(&sql, side, at, n_key);
    tarn_text_add(&sql, ") GROUP BY ");
    for (int i = 0; i < n_key; i++) tarn_text_addf(&sql, "%sk%d", i ? ", " : "", i);
    tarn_text_add(&sql, " HAVING count(*) > 1) ORDER BY ");
    for (int i = 0; i < n_key; i++) tarn_text_addf(&sql, "%sk%d", i ? ", " : "", i);
    tarn_text_add(&sql, " LIMIT 1");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, 1, &c, err));
    if (tarn_columns_rows(c) == 0) goto done;
    int64_t keys = *(const int64_t *)tarn_columns_at(c, 0)->values;
    int64_t count = *(const int64_t *)tarn_columns_at(c, 1)->values;
    say_key(&key, side, at, n_key, c, 2);
    TARN_TRY(tarn_text_check(&key, err));
    rc = TARN_FAIL(err, TARN_INVALID,
                   "%.150s: key %.120s stands in %lld rows; %lld key%s more than one row, so rows cannot be told apart",
                   side->label, key.data, (long long)count, (long long)keys, keys == 1 ? " has" : "s have");
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&key);
    tarn_columns_release(c);
    return rc;
}

tarn_code tarn_rowside_check_key(tarn_db *db, const tarn_rowside *side, const char *const *key, int n_key,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int at[MOST_KEY];
    bool fine = false;

    if (!side->path) return TARN_OK;
    for (int i = 0; i < n_key; i++) {
        at[i] = tarn_rowside_find(side, key[i]);
        if (at[i] < 0) return no_such_column(side, key[i], err);
    }
    TARN_TRY(in_order(db, side, at, n_key, &fine, err));
    if (fine) goto done;
    TARN_TRY(check_nulls(db, side, at, n_key, err));
    TARN_TRY(check_twice(db, side, at, n_key, err));
done:
    return rc;
}
