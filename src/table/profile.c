/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - what is in a table, column by column.
 *
 * {"table", "rows", "duplicate_rows", "columns": [{
 *     "name", "type", "sql_type", "missing", "distinct",
 *     int, real, time: "minimum", "maximum", "mean", "quartiles" [3], and but for time "deviation", "zeros",
 *                      "negative", "not_finite"
 *     text:            "minimum", "maximum", "shortest", "longest", "mean_length", "empty",
 *     "top": [{"value", "count"} ...] up to 10, the most frequent first,
 *     text:            "spellings": [[{"value", "count"} ...] ...]  values equal but for case and space
 * }]}
 *
 * Numbers are of the finite values that are there; a column without any has null there. Times are texts in UTC.
 * Passes: for some columns at a time, one for means, one for counts and extremes, and one for deviations (around the
 * mean, so that no sum of squares cancels); one a column for its quartiles, which we select ourselves (the engine takes
 * ten times as long), and one for its values; one over whole rows. Those with sums run on one thread, since the last
 * digits of a sum depend on the order of rows; nothing else may depend on it, so 0 and -0, which are equal, are both
 * taken for 0. */
#include "table/table.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/single.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TOP = 10, SPELLINGS = 20, SPELLED_ALIKE = 8, TEXT_SHOWN = 200, AT_ONCE = 64 /* columns of a pass */ };

/* A query on a file reads what the file says of all its columns. So a wide table's are copied, some at a time, for the
 * queries on each of them, unless they are too long for that. */
enum { COPIED = 64, MOST_COPIED = 16000000 /* values */ };
#define COPY "\"profiled columns\""

typedef struct profile {
    tarn_db *db;
    char *from; /* the table as SQL */
    tarn_field *fields;
    int count;
    int64_t rows;
    double *means; /* of number columns and times; NaN where there is none */
} profile;

static bool is_number(const tarn_field *f) { return f->type == TARN_INT || f->type == TARN_REAL; }
static bool has_mean(const tarn_field *f) { return is_number(f) || f->type == TARN_TIME; }

/* The column as what is computed with: text as text whatever it is, times as microseconds. */
static void add_column(tarn_text *sql, const tarn_field *f)
{
    bool floats = strcmp(f->sql_type, "DOUBLE") == 0 || strcmp(f->sql_type, "FLOAT") == 0;
    bool cast = f->type == TARN_TEXT && strcmp(f->sql_type, "VARCHAR") != 0;

    tarn_text_add(sql, f->type == TARN_TIME ? "epoch_us(CAST(" : cast ? "CAST(" : "");
    tarn_sql_name(sql, f->name);
    tarn_text_add(sql, f->type == TARN_TIME ? " AS TIMESTAMP))" : cast ? " AS VARCHAR)" : "");
    if (floats) tarn_text_addf(sql, " + CAST(0 AS %s)", f->sql_type); /* -0 + 0 is 0 */
}

/* Columns from .. to-1 as r0, r1 ... and, of numbers and times, their finite values as f0, f1 ... The table may have
 * columns of these names, so the inner statement gives none. */
static void add_from(const profile *p, tarn_text *sql, int from, int to)
{
    tarn_text_add(sql, " FROM (SELECT 0");
    for (int i = from; i < to; i++) {
        const tarn_field *f = &p->fields[i];
        tarn_text_add(sql, ", ");
        if (f->type == TARN_TEXT) add_column(sql, f);
        else tarn_sql_name(sql, f->name);
        if (!has_mean(f)) continue;
        tarn_text_add(sql, ", CASE WHEN isfinite(");
        tarn_sql_name(sql, f->name);
        tarn_text_add(sql, ") THEN ");
        add_column(sql, f);
        tarn_text_add(sql, " END");
    }
    tarn_text_addf(sql, " FROM %s) AS x(nothing", p->from);
    for (int i = from; i < to; i++) tarn_text_addf(sql, has_mean(&p->fields[i]) ? ", r%d, f%d" : ", r%d", i, i);
    tarn_text_add(sql, ")");
}

/* ---- means ---- */

static tarn_code means_pass(profile *p, json_t *columns, int from, int to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    int at = 1;

    (void)columns;
    tarn_text_add(&sql, "SELECT count(*)");
    for (int i = from; i < to; i++)
        if (has_mean(&p->fields[i])) tarn_text_addf(&sql, ", avg(f%d)", i);
    add_from(p, &sql, from, to);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    p->rows = *(const int64_t *)tarn_columns_at(c, 0)->values;
    for (int i = from; i < to; i++) {
        if (!has_mean(&p->fields[i])) continue;
        const tarn_column *mean = tarn_columns_at(c, at++);
        p->means[i] = mean->nulls ? NAN : tarn_column_number(mean, 0);
    }
done:
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

/* ---- counts, extremes ---- */

static void add_numbers(tarn_text *sql, const tarn_field *f, int i)
{
    tarn_text_addf(sql, ", min(f%d), max(f%d)", i, i);
    if (!is_number(f)) return;
    tarn_text_addf(sql, ", count(CASE WHEN r%d = 0 THEN 1 END), count(CASE WHEN r%d < 0 THEN 1 END)", i, i);
    tarn_text_addf(sql, ", count(CASE WHEN NOT isfinite(r%d) THEN 1 END)", i);
}

static void add_texts(tarn_text *sql, int i)
{
    tarn_text_addf(sql, ", left(min(r%d), %d), left(max(r%d), %d)", i, TEXT_SHOWN, i, TEXT_SHOWN);
    tarn_text_addf(sql, ", min(length(r%d)), max(length(r%d)), avg(length(r%d))", i, i, i);
    tarn_text_addf(sql, ", count(CASE WHEN trim(r%d) = '' THEN 1 END)", i);
}

static json_t *time_json(double us)
{
    char text[32];
    return us > -9e18 && us < 9e18 ? json_string(tarn_time_text((int64_t)us, text)) : json_null();
}

static json_t *value_json(const tarn_column *c)
{
    int32_t len;

    if (c->nulls) return json_null();
    switch (c->type) {
    case TARN_INT: return json_integer(*(const int64_t *)c->values);
    case TARN_REAL: return tarn_json_num(*(const double *)c->values);
    case TARN_TEXT: {
        const char *word = tarn_column_word(c, *(const int32_t *)c->values, &len);
        return json_stringn(word, (size_t)len);
    }
    default: return json_null();
    }
}

/* A value of the column's kind. */
static json_t *point_json(const tarn_field *f, const tarn_column *c)
{
    char text[32];

    if (is_number(f) || c->nulls) return value_json(c);
    if (c->type == TARN_REAL) return time_json(*(const double *)c->values);
    return json_string(tarn_time_text(*(const int64_t *)c->values, text));
}

/* Results of the pass from column *at on into the column's object. */
static tarn_code take_counts(profile *p, int i, const tarn_columns *c, int *at, json_t *o, tarn_err *err)
{
    static const char *const counts[] = {"zeros", "negative", "not_finite"};
    static const char *const texts[] = {"minimum", "maximum", "shortest", "longest", "mean_length", "empty"};
    const tarn_field *f = &p->fields[i];
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_json_set(o, "missing", json_integer(p->rows - *(const int64_t *)tarn_columns_at(c, (*at)++)->values),
                           err));
    for (int k = 0; f->type == TARN_TEXT && k < 6; k++)
        TARN_TRY(tarn_json_set(o, texts[k], value_json(tarn_columns_at(c, (*at)++)), err));
    if (!has_mean(f)) return TARN_OK;
    TARN_TRY(tarn_json_set(o, "minimum", point_json(f, tarn_columns_at(c, (*at)++)), err));
    TARN_TRY(tarn_json_set(o, "maximum", point_json(f, tarn_columns_at(c, (*at)++)), err));
    TARN_TRY(tarn_json_set(o, "mean", is_number(f) ? tarn_json_num(p->means[i]) : time_json(p->means[i]), err));
    TARN_TRY(tarn_json_set(o, "quartiles", json_null(), err)); /* its place; it comes later */
    for (int k = 0; is_number(f) && k < 3; k++)
        TARN_TRY(tarn_json_set(o, counts[k], value_json(tarn_columns_at(c, (*at)++)), err));
done:
    return rc;
}

/* Columns from .. to-1. */
static tarn_code counts_pass(profile *p, json_t *columns, int from, int to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    int at = 1;

    tarn_text_add(&sql, "SELECT 0");
    for (int i = from; i < to; i++) {
        const tarn_field *f = &p->fields[i];
        tarn_text_addf(&sql, ", count(r%d)", i);
        if (f->type == TARN_TEXT) add_texts(&sql, i);
        else if (has_mean(f)) add_numbers(&sql, f, i);
    }
    add_from(p, &sql, from, to);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    for (int i = from; i < to; i++) {
        json_t *o = json_array_get(columns, (size_t)i);
        TARN_TRY(take_counts(p, i, c, &at, o, err));
    }
done:
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

/* ---- deviations ---- */

static tarn_code deviations_pass(profile *p, json_t *columns, int from, int to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    int at = 1;

    tarn_text_add(&sql, "SELECT 0");
    for (int i = from; i < to; i++) {
        if (!is_number(&p->fields[i]) || !isfinite(p->means[i])) continue;
        for (int k = 0; k < 2; k++)
            tarn_text_addf(&sql, "%s(CAST(f%d AS DOUBLE) - CAST('%.17g' AS DOUBLE))", k == 0 ? ", sum(" : " * ", i,
                           p->means[i]);
        tarn_text_addf(&sql, "), count(f%d)", i);
    }
    add_from(p, &sql, from, to);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    for (int i = from; i < to; i++) {
        double deviation = NAN;
        if (!is_number(&p->fields[i])) continue;
        if (isfinite(p->means[i])) {
            double squares = tarn_column_number(tarn_columns_at(c, at), 0),
                   n = tarn_column_number(tarn_columns_at(c, at + 1), 0);
            if (n > 1) deviation = sqrt(squares / (n - 1));
            at += 2;
        }
        TARN_TRY(tarn_json_set(json_array_get(columns, (size_t)i), "deviation", tarn_json_num(deviation), err));
    }
done:
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

/* ---- quartiles ---- */

/* The value that would stand at v[k] if v (n) were sorted; what is less stands before it then, what is more behind.
 * Source: Hoare, Commun. ACM 4(7), 1961 (Find), pivots at random. */
static double select_at(double *v, size_t n, size_t k)
{
    size_t from = 0, to = n - 1;
    uint64_t state = n;

    while (from < to) {
        size_t i = from, j = to;
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double pivot = v[from + (size_t)(state >> 33) % (to - from + 1)];
        while (i <= j) { /* nothing leaves from .. to: the pivot, then what was swapped, stops both */
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i > j) break;
            double x = v[i];
            v[i++] = v[j];
            v[j] = x;
            if (j == 0) break;
            j--;
        }
        if (k >= i) from = i;
        else if (k <= j) to = j;
        else break;
    }
    return v[k];
}

/* Linear between the two values it falls between, as SQL's percentile_cont. */
static double quantile_of(double *v, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t k = (size_t)at;
    double low = select_at(v, n, k), part = at - (double)k;

    return part > 0 ? low * (1 - part) + select_at(v + k + 1, n - k - 1, 0) * part : low;
}

static tarn_code add_quartiles(profile *p, int i, json_t *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    json_t *quartiles = json_array();
    double *v = NULL;

    tarn_text_addf(&sql, "SELECT CAST(f%d AS DOUBLE)", i);
    add_from(p, &sql, i, i + 1);
    tarn_text_addf(&sql, " WHERE f%d IS NOT NULL", i);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    size_t n = (size_t)tarn_columns_rows(c);
    TARN_TRY(tarn_alloc(&v, n + 1, sizeof *v, err));
    if (n > 0) memcpy(v, tarn_columns_at(c, 0)->values, n * sizeof *v);
    for (int k = 1; k <= 3; k++) {
        double q = n > 0 ? quantile_of(v, n, 0.25 * k) : NAN;
        TARN_TRY(tarn_json_append(quartiles, is_number(&p->fields[i]) ? tarn_json_num(q) : time_json(q), err));
    }
    rc = tarn_json_set(o, "quartiles", quartiles, err);
    quartiles = NULL;
done:
    json_decref(quartiles);
    tarn_free(v);
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

/* ---- values ---- */

static json_t *counted(const tarn_columns *c, int64_t row)
{
    const tarn_column *v = tarn_columns_at(c, 0), *n = tarn_columns_at(c, 1);
    int32_t len;
    const char *word = tarn_column_word(v, ((const int32_t *)v->values)[row], &len);

    return json_pack("{s:s%, s:I}", "value", word, (size_t)len, "count", (json_int_t)((const int64_t *)n->values)[row]);
}

/* The most frequent values; ties in the order of values. The table may have columns of our names (v, n), so its own
 * statement names none of them but in what it gives. Only those that are shown become texts: hence the outer statement.
 */
static tarn_code add_top(profile *p, int i, json_t *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    json_t *top = json_array();

    tarn_text_addf(&sql,
                   "SELECT left(CAST(v AS VARCHAR), %d), n, d FROM (SELECT v, n, count(*) OVER () AS d FROM (SELECT ",
                   TEXT_SHOWN);
    if (p->fields[i].type == TARN_REAL) add_column(&sql, &p->fields[i]);
    else tarn_sql_name(&sql, p->fields[i].name);
    tarn_text_addf(&sql,
                   " AS v, count(*) AS n FROM %s GROUP BY 1) WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT %d)"
                   " ORDER BY n DESC, v",
                   p->from, TOP);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    int64_t distinct = tarn_columns_rows(c) > 0 ? *(const int64_t *)tarn_columns_at(c, 2)->values : 0;
    TARN_TRY(tarn_json_set(o, "distinct", json_integer(distinct), err));
    for (int64_t r = 0; r < tarn_columns_rows(c); r++) TARN_TRY(tarn_json_append(top, counted(c, r), err));
    rc = tarn_json_set(o, "top", top, err);
    top = NULL;
done:
    json_decref(top);
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

/* Groups of values that are the same in small letters and with single spaces. */
static tarn_code add_spellings(profile *p, int i, json_t *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    json_t *groups = json_array(), *group = NULL;
    int64_t last = -1;

    tarn_text_addf(&sql,
                   "SELECT left(v, %d), n, g FROM (SELECT v, n, dense_rank() OVER (ORDER BY alike) AS g,"
                   " row_number() OVER (PARTITION BY alike ORDER BY n DESC, v) AS r FROM (SELECT v, n, alike,"
                   " count(*) OVER (PARTITION BY alike) AS m FROM (SELECT v, n,"
                   " lower(trim(regexp_replace(v, '\\s+', ' ', 'g'))) AS alike FROM (SELECT ",
                   TEXT_SHOWN);
    add_column(&sql, &p->fields[i]);
    tarn_text_addf(&sql,
                   " AS v, count(*) AS n FROM %s GROUP BY 1) WHERE v IS NOT NULL)) WHERE m > 1)"
                   " WHERE g <= %d AND r <= %d ORDER BY g, r",
                   p->from, SPELLINGS, SPELLED_ALIKE);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(p->db, sql.data, -1, &c, err));
    for (int64_t r = 0; r < tarn_columns_rows(c); r++) {
        int64_t g = ((const int64_t *)tarn_columns_at(c, 2)->values)[r];
        if (g != last) {
            group = json_array();
            TARN_TRY(tarn_json_append(groups, group, err));
        }
        last = g;
        TARN_TRY(tarn_json_append(group, counted(c, r), err));
    }
    rc = tarn_json_set(o, "spellings", groups, err);
    groups = NULL;
done:
    json_decref(groups);
    tarn_columns_release(c);
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code add_duplicates(profile *p, json_t *whole, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t different;

    tarn_text_addf(&sql, "SELECT count(*) FROM (SELECT DISTINCT * FROM %s)", p->from);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(p->db, sql.data, &different, err));
    TARN_TRY(tarn_json_set(whole, "rows", json_integer(p->rows), err));
    TARN_TRY(tarn_json_set(whole, "duplicate_rows", json_integer(p->rows - different), err));
done:
    tarn_text_clear(&sql);
    return rc;
}

/* ---- all of it ---- */

static tarn_code open_profile(profile *p, tarn_db *db, const char *table, json_t *whole, json_t *columns, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0};

    p->db = db;
    tarn_sql_name(&from, table);
    TARN_TRY(tarn_text_take(&from, &p->from, err));
    TARN_TRY(tarn_db_schema(db, p->from, &p->fields, &p->count, err));
    TARN_TRY(tarn_alloc(&p->means, (size_t)p->count, sizeof *p->means, err));
    TARN_TRY(tarn_json_set(whole, "table", json_string(table), err));
    for (int i = 0; i < p->count; i++) {
        const tarn_field *f = &p->fields[i];
        TARN_TRY(tarn_json_append(
            columns,
            json_pack("{s:s, s:s, s:s}", "name", f->name, "type", tarn_type_name(f->type), "sql_type", f->sql_type),
            err));
    }
done:
    tarn_text_clear(&from);
    return rc;
}

/* The passes for the values of columns from .. to-1. */
static tarn_code value_passes(profile *p, json_t *columns, int from, int to, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int i = from; i < to; i++) {
        json_t *o = json_array_get(columns, (size_t)i);
        if (has_mean(&p->fields[i])) TARN_TRY(add_quartiles(p, i, o, err));
        TARN_TRY(add_top(p, i, o, err));
        if (p->fields[i].type == TARN_TEXT) TARN_TRY(add_spellings(p, i, o, err));
    }
done:
    return rc;
}

static tarn_code values_of_copy(profile *p, json_t *columns, int from, int to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    char *whole = p->from, copy[] = COPY;

    for (int i = from; i < to; i++) {
        tarn_text_add(&sql, i == from ? "CREATE OR REPLACE TEMP TABLE " COPY " AS SELECT " : ", ");
        tarn_sql_name(&sql, p->fields[i].name);
    }
    tarn_text_addf(&sql, " FROM %s", whole);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(p->db, sql.data, err));
    p->from = copy;
    rc = value_passes(p, columns, from, to, err);
    p->from = whole;
    tarn_code dropped = tarn_db_run(p->db, "DROP TABLE " COPY, rc == TARN_OK ? err : NULL);
    if (rc == TARN_OK) rc = dropped;
done:
    tarn_text_clear(&sql);
    return rc;
}

typedef tarn_code pass_fn(profile *p, json_t *columns, int from, int to, tarn_err *err);

static tarn_code pass_by_groups(profile *p, pass_fn *pass, json_t *columns, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int from = 0; (from == 0 || from < p->count) && rc == TARN_OK; from += AT_ONCE)
        rc = pass(p, columns, from, from + AT_ONCE < p->count ? from + AT_ONCE : p->count, err);
    return rc;
}

/* On one thread. */
static tarn_code pass_with_sums(profile *p, pass_fn *pass, json_t *columns, tarn_err *err)
{
    tarn_code rc = tarn_db_single(p->db, true, err);

    if (rc != TARN_OK) return rc;
    rc = pass_by_groups(p, pass, columns, err);
    tarn_code back = tarn_db_single(p->db, false, rc == TARN_OK ? err : NULL);
    return rc == TARN_OK ? back : rc;
}

static tarn_code passes(profile *p, json_t *whole, json_t *columns, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(pass_with_sums(p, means_pass, columns, err));
    TARN_TRY(pass_by_groups(p, counts_pass, columns, err));
    TARN_TRY(pass_with_sums(p, deviations_pass, columns, err));
    bool copied = p->count > COPIED && p->rows <= MOST_COPIED / COPIED;
    for (int from = 0; from < p->count; from += COPIED) {
        int to = from + COPIED < p->count ? from + COPIED : p->count;
        TARN_TRY((copied ? values_of_copy : value_passes)(p, columns, from, to, err));
    }
    TARN_TRY(add_duplicates(p, whole, err));
done:
    return rc;
}

tarn_code tarn_table_profile(tarn_db *db, const char *table, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    profile p = {0};
    json_t *whole = json_object(), *columns = json_array();

    *out = NULL;
    if (!whole || !columns) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for a profile"));
    TARN_TRY(open_profile(&p, db, table, whole, columns, err));
    TARN_TRY(passes(&p, whole, columns, err));
    rc = tarn_json_set(whole, "columns", columns, err);
    columns = NULL;
    if (rc != TARN_OK) goto done;
    *out = whole;
    whole = NULL;
done:
    if (rc != TARN_OK) tarn_err_note(err, "profile of '%s'", table);
    json_decref(whole);
    json_decref(columns);
    tarn_free(p.from);
    tarn_free(p.fields);
    tarn_free(p.means);
    return rc;
}
