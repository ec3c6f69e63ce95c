/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse.c - repairs carried out on a working copy of a table, each counted. See prepare.h.
 *
 * Order: the table is copied with its row numbers; each rule counts what it finds, notes a few examples, and repairs;
 * at the end the copy, in the order of its row numbers, takes the table's place in one statement. So a failure at
 * any point leaves the table as it was. All choices (which row is first, which spelling wins, the most frequent value)
 * have a total order, so the result does not depend on how the engine works.
 */
#include "prepare/prepare.h"

#include "base/mem.h"
#include "prepare/names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WORK "\"tarn cleanse\""    /* the working copy */
#define MAP "\"tarn cleanse map\"" /* a -> b, for spellings */
enum { EXAMPLES = 3 };

typedef struct cleansing {
    tarn_db *db;
    tarn_field *fields; /* of the table */
    int n_fields;
    char row[160];  /* column of row numbers in the working copy */
    json_t *report;
} cleansing;

/* What one rule did to one column. */
typedef struct outcome {
    const char *column, *action;
    int64_t found, repaired;
    char with[256]; /* what missing values were filled with; empty: nothing */
    json_t *examples;
} outcome;

/* ---- statements ---- */

/* These take the text and leave it empty. */
static tarn_code run(const cleansing *c, tarn_text *sql, tarn_err *err)
{
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_run(c->db, sql->data, err);
    tarn_text_clear(sql);
    return rc;
}

static tarn_code count(const cleansing *c, tarn_text *sql, int64_t *n, tarn_err *err)
{
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_count(c->db, sql->data, n, err);
    tarn_text_clear(sql);
    return rc;
}

/* Append the texts of a one-column query to a JSON array. */
static tarn_code texts(const cleansing *c, tarn_text *sql, json_t *array, tarn_err *err)
{
    tarn_columns *rows = NULL;
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_query(c->db, sql->data, EXAMPLES, &rows, err);
    tarn_text_clear(sql);
    for (int64_t i = 0; rc == TARN_OK && i < tarn_columns_rows(rows); i++) {
        const tarn_column *t = tarn_columns_at(rows, 0);
        int32_t len;
        if (!tarn_column_has(t, i)) continue;
        const char *text = tarn_column_word(t, ((const int32_t *)t->values)[i], &len);
        rc = tarn_json_append(array, json_stringn(text, (size_t)len), err);
    }
    tarn_columns_release(rows);
    return rc;
}

/* Rows of the working copy where `where` holds. */
static tarn_code count_where(const cleansing *c, const tarn_text *where, int64_t *n, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_addf(&sql, "SELECT count(*) FROM " WORK " WHERE %s", where->data ? where->data : "false");
    return count(c, &sql, n, err);
}

/* The first rows where it holds, each as "row 7" or "row 7: value". */
static tarn_code examples_where(const cleansing *c, const tarn_text *where, const char *column, json_t *array, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT 'row ' || ");
    tarn_sql_name(&sql, c->row);
    if (column) {
        tarn_text_add(&sql, " || ': ' || CAST(");
        tarn_sql_name(&sql, column);
        tarn_text_add(&sql, " AS VARCHAR)");
    }
    tarn_text_addf(&sql, " FROM " WORK " WHERE %s ORDER BY ", where->data ? where->data : "false");
    tarn_sql_name(&sql, c->row);
    tarn_text_addf(&sql, " LIMIT %d", EXAMPLES);
    return texts(c, &sql, array, err);
}

static tarn_code delete_where(const cleansing *c, const tarn_text *where, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_addf(&sql, "DELETE FROM " WORK " WHERE %s", where->data ? where->data : "false");
    return run(c, &sql, err);
}

/* ---- report ---- */

static tarn_code tell(cleansing *c, const tarn_repair *r, outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *one = json_object();

    TARN_TRY(tarn_json_append(c->report, one, err));
    TARN_TRY(tarn_json_set(one, "rule", json_string(r->kind), err));
    TARN_TRY(tarn_json_set(one, "column", json_string(o->column), err));
    TARN_TRY(tarn_json_set(one, "found", json_integer(o->found), err));
    TARN_TRY(tarn_json_set(one, "repaired", json_integer(o->repaired), err));
    TARN_TRY(tarn_json_set(one, "action", json_string(o->action), err));
    TARN_TRY(tarn_json_set(one, "examples", json_incref(o->examples), err));
    if (*o->with) TARN_TRY(tarn_json_set(one, "with", json_string(o->with), err));
done:
    return rc;
}

/* ---- columns ---- */

static bool is_number(const tarn_field *f) { return f->type == TARN_INT || f->type == TARN_REAL; }

static bool is_float(const tarn_field *f) { return strcmp(f->sql_type, "FLOAT") == 0 || strcmp(f->sql_type, "DOUBLE") == 0; }

static tarn_code find_field(const cleansing *c, const char *name, int *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL;

    for (*at = 0; *at < c->n_fields; ++*at)
        if (strcmp(c->fields[*at].name, name) == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&names, (size_t)c->n_fields, sizeof *names, err));
    for (int i = 0; i < c->n_fields; i++) names[i] = c->fields[i].name;
    rc = tarn_name_fail(TARN_INVALID, "column", name, "is not in the table", names, (size_t)c->n_fields, err);
done:
    tarn_free(names);
    return rc;
}

/* Mark the columns a rule works on; named ones must suit. `wants` is for the message. */
static tarn_code pick(const cleansing *c, const tarn_repair *r, bool (*suits)(const tarn_field *), const char *wants,
                      uint8_t *marked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *list = r->columns;
    char name[TARN_NAME_CAP];
    bool named = false;
    int at;

    while (tarn_name_next(&list, name, sizeof name)) {
        named = true;
        TARN_TRY(find_field(c, name, &at, err));
        if (suits && !suits(&c->fields[at]))
            return TARN_FAIL(err, TARN_INVALID, "column '%s' is %s; this takes %s", name, tarn_type_name(c->fields[at].type), wants);
        marked[at] = 1;
    }
    for (int i = 0; !named && i < c->n_fields; i++) marked[i] = !suits || suits(&c->fields[i]);
done:
    return rc;
}

/* One rule, one column after the other; each makes an entry of the report. */
typedef tarn_code repair_one(cleansing *c, const tarn_repair *r, const tarn_field *f, outcome *o, tarn_err *err);

static tarn_code each_column(cleansing *c, const tarn_repair *r, const char *action, bool (*suits)(const tarn_field *),
                             const char *wants, repair_one *repair, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *marked = NULL;
    outcome o = {0};
    int done_columns = 0;

    TARN_TRY(tarn_alloc(&marked, (size_t)c->n_fields, 1, err));
    TARN_TRY(pick(c, r, suits, wants, marked, err));
    for (int i = 0; i <= c->n_fields; i++) {
        bool none = i == c->n_fields;
        if (none ? done_columns > 0 : !marked[i]) continue;
        done_columns++;
        o = (outcome){.column = none ? "" : c->fields[i].name, .action = action, .examples = json_array()};
        if (!none) TARN_TRY(repair(c, r, &c->fields[i], &o, err));
        TARN_TRY(tell(c, r, &o, err));
        json_decref(o.examples);
        o.examples = NULL;
    }
done:
    if (rc != TARN_OK && o.column && *o.column) tarn_err_note(err, "column '%s'", o.column);
    json_decref(o.examples);
    tarn_free(marked);
    return rc;
}

/* ---- missing ---- */

static void where_missing(tarn_text *out, const tarn_field *f)
{
    tarn_sql_name(out, f->name);
    tarn_text_add(out, " IS NULL");
    if (!is_float(f)) return;
    tarn_text_add(out, " OR isnan(");
    tarn_sql_name(out, f->name);
    tarn_text_add(out, ")");
}

static void add_value(tarn_text *out, const char *text, const tarn_field *f)
{
    tarn_text_add(out, "CAST(");
    tarn_sql_text(out, text);
    tarn_text_addf(out, " AS %s)", f->sql_type);
}

/* A value must be one of the column's type: nothing is rounded on the way. */
static tarn_code check_value(const cleansing *c, const char *text, const tarn_field *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t whole, good = 1;
    double x;
    size_t len = strlen(text);

    if (f->type == TARN_INT) good = tarn_int_parse(text, len, &whole);
    else if (f->type == TARN_REAL) good = tarn_num_parse(text, len, false, &x);
    if (good) {
        tarn_text_add(&sql, "SELECT count(TRY_");
        add_value(&sql, text, f);
        tarn_text_add(&sql, ")");
        TARN_TRY(count(c, &sql, &good, err));
    }
    if (!good) rc = TARN_FAIL(err, TARN_INVALID, "value '%.60s' is not a %s (%s)", text, tarn_type_name(f->type), f->sql_type);
done:
    return rc;
}

/* An expression for what missing values become. INT has the lower of two medians, so that it stays whole. */
static void add_fill(tarn_text *out, const tarn_repair *r, const char *action, const tarn_field *f, const tarn_text *where)
{
    tarn_text name = {0};

    tarn_sql_name(&name, f->name);
    const char *n = name.data ? name.data : "", *w = where->data ? where->data : "false";
    if (strcmp(action, "value") == 0) add_value(out, r->value, f);
    else if (strcmp(action, "median") == 0)
        tarn_text_addf(out, "(SELECT CAST(quantile_%s(%s, 0.5) AS %s) FROM " WORK " WHERE NOT (%s))",
                       f->type == TARN_INT ? "disc" : "cont", n, f->sql_type, w);
    else
        tarn_text_addf(out, "(SELECT %s FROM " WORK " WHERE NOT (%s) GROUP BY %s ORDER BY count(*) DESC, %s LIMIT 1)", n, w, n, n);
    if (name.failed != TARN_OK) out->failed = name.failed;
    tarn_text_clear(&name);
}

static tarn_code fill_missing(const cleansing *c, const tarn_field *f, const tarn_text *fill, const tarn_text *where,
                              outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    json_t *with = json_array();

    tarn_text_addf(&sql, "SELECT CAST(%s AS VARCHAR)", fill->data);
    TARN_TRY(texts(c, &sql, with, err));
    if (json_array_size(with) == 0) goto done; /* no value to learn from: nothing is repaired, as the report says */
    const char *text = json_string_value(json_array_get(with, 0));
    (void)snprintf(o->with, sizeof o->with, "%s", text);
    size_t bad;
    if (!tarn_utf8_valid(o->with, strlen(o->with), &bad)) o->with[bad] = '\0';
    tarn_text_add(&sql, "UPDATE " WORK " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_addf(&sql, " = %s WHERE %s", fill->data, where->data);
    TARN_TRY(run(c, &sql, err));
    o->repaired = o->found;
done:
    json_decref(with);
    return rc;
}

static tarn_code repair_missing(cleansing *c, const tarn_repair *r, const tarn_field *f, outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, fill = {0};

    if (strcmp(o->action, "value") == 0) TARN_TRY(check_value(c, r->value, f, err));
    where_missing(&where, f);
    TARN_TRY(tarn_text_check(&where, err));
    TARN_TRY(count_where(c, &where, &o->found, err));
    if (o->found == 0) goto done;
    TARN_TRY(examples_where(c, &where, NULL, o->examples, err));
    if (strcmp(o->action, "drop_row") == 0) {
        TARN_TRY(delete_where(c, &where, err));
        o->repaired = o->found;
        goto done;
    }
    add_fill(&fill, r, o->action, f, &where);
    TARN_TRY(tarn_text_check(&fill, err));
    TARN_TRY(fill_missing(c, f, &fill, &where, o, err));
done:
    tarn_text_clear(&fill);
    tarn_text_clear(&where);
    return rc;
}

/* ---- range ---- */

static void add_double(tarn_text *out, double x)
{
    char text[32];

    tarn_text_addf(out, "CAST('%s' AS DOUBLE)", tarn_num_format(x, text));
}

/* A value under least or over most; NaN is missing, not large. */
static void where_outside(tarn_text *out, const tarn_repair *r, const tarn_field *f, bool under, bool over)
{
    tarn_text name = {0};

    tarn_sql_name(&name, f->name);
    const char *n = name.data ? name.data : "";
    tarn_text_addf(out, "%s IS NOT NULL", n);
    if (is_float(f)) tarn_text_addf(out, " AND NOT isnan(%s)", n);
    tarn_text_add(out, " AND (false");
    if (under && !isnan(r->least)) {
        tarn_text_addf(out, " OR %s < ", n);
        add_double(out, r->least);
    }
    if (over && !isnan(r->most)) {
        tarn_text_addf(out, " OR %s > ", n);
        add_double(out, r->most);
    }
    tarn_text_add(out, ")");
    if (name.failed != TARN_OK) out->failed = name.failed;
    tarn_text_clear(&name);
}

/* Values on one side become NULL or the border. */
static tarn_code set_outside(const cleansing *c, const tarn_repair *r, const tarn_field *f, bool under, bool clip, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, sql = {0};
    double border = under ? r->least : r->most;
    char text[32];

    if (isnan(border)) return TARN_OK;
    where_outside(&where, r, f, under, !under);
    TARN_TRY(tarn_text_check(&where, err));
    if (f->type == TARN_INT) border = under ? ceil(border) : floor(border);
    tarn_text_add(&sql, "UPDATE " WORK " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql, " = ");
    if (clip) add_value(&sql, tarn_num_format(border, text), f);
    else tarn_text_add(&sql, "NULL");
    tarn_text_addf(&sql, " WHERE %s", where.data);
    TARN_TRY(run(c, &sql, err));
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&where);
    return rc;
}

static tarn_code repair_range(cleansing *c, const tarn_repair *r, const tarn_field *f, outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0};
    bool clip = strcmp(o->action, "clip") == 0;

    where_outside(&where, r, f, true, true);
    TARN_TRY(tarn_text_check(&where, err));
    TARN_TRY(count_where(c, &where, &o->found, err));
    if (o->found == 0) goto done;
    TARN_TRY(examples_where(c, &where, f->name, o->examples, err));
    if (strcmp(o->action, "drop_row") == 0) {
        TARN_TRY(delete_where(c, &where, err));
    } else {
        TARN_TRY(set_outside(c, r, f, true, clip, err));
        TARN_TRY(set_outside(c, r, f, false, clip, err));
    }
    o->repaired = o->found;
done:
    tarn_text_clear(&where);
    return rc;
}

/* ---- duplicates ---- */

/* "a, b desc" as an ORDER BY list, ending with the row number. */
static tarn_code add_order(const cleansing *c, const char *order, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *list = order;
    char name[TARN_NAME_CAP];
    int at;

    while (tarn_name_next(&list, name, sizeof name)) {
        size_t len = strlen(name);
        bool down = len > 5 && strcmp(name + len - 5, " desc") == 0;
        if (down) name[len - 5] = '\0';
        TARN_TRY(find_field(c, name, &at, err));
        tarn_sql_name(out, c->fields[at].name);
        tarn_text_add(out, down ? " DESC NULLS LAST, " : " ASC NULLS LAST, ");
    }
    tarn_sql_name(out, c->row);
done:
    if (rc != TARN_OK) tarn_err_note(err, "order");
    return rc;
}

/* `where` for the rows that are not the first of their kind; names for the report. */
static tarn_code where_surplus(const cleansing *c, const tarn_repair *r, tarn_text *where, tarn_text *names, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *marked = NULL;
    bool first = true;

    TARN_TRY(tarn_alloc(&marked, (size_t)c->n_fields, 1, err));
    TARN_TRY(pick(c, r, NULL, "", marked, err));
    tarn_sql_name(where, c->row);
    tarn_text_add(where, " IN (SELECT r FROM (SELECT ");
    tarn_sql_name(where, c->row);
    tarn_text_add(where, " AS r, row_number() OVER (PARTITION BY ");
    for (int i = 0; i < c->n_fields; i++) {
        if (!marked[i]) continue;
        tarn_text_add(where, first ? "" : ", ");
        tarn_text_add(names, first ? "" : ", ");
        tarn_sql_name(where, c->fields[i].name);
        tarn_text_add(names, c->fields[i].name);
        first = false;
    }
    tarn_text_add(where, " ORDER BY ");
    TARN_TRY(add_order(c, r->order, where, err));
    tarn_text_add(where, ") AS k FROM " WORK ") WHERE k > 1)");
    TARN_TRY(tarn_text_check(where, err));
    TARN_TRY(tarn_text_check(names, err));
done:
    tarn_free(marked);
    return rc;
}

static tarn_code repair_duplicates(cleansing *c, const tarn_repair *r, const char *action, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, names = {0};
    outcome o = {.action = action, .examples = json_array()};

    TARN_TRY(where_surplus(c, r, &where, &names, err));
    o.column = names.data;
    TARN_TRY(count_where(c, &where, &o.found, err));
    if (o.found > 0) {
        TARN_TRY(examples_where(c, &where, NULL, o.examples, err));
        TARN_TRY(delete_where(c, &where, err));
        o.repaired = o.found;
    }
    TARN_TRY(tell(c, r, &o, err));
done:
    json_decref(o.examples);
    tarn_text_clear(&names);
    tarn_text_clear(&where);
    return rc;
}

/* ---- category ---- */

static bool is_text(const tarn_field *f) { return f->type == TARN_TEXT; }

/* MAP from a JSON object. */
static tarn_code map_given(const cleansing *c, const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *map = NULL, *proper;
    const char *variant;
    tarn_text sql = {0};

    TARN_TRY(tarn_json_read(text, strlen(text), "map", &map, err));
    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " MAP " (a VARCHAR, b VARCHAR)");
    TARN_TRY(run(c, &sql, err));
    json_object_foreach(map, variant, proper) {
        if (strcmp(variant, json_string_value(proper)) == 0) continue;
        tarn_text_add(&sql, sql.len == 0 ? "INSERT INTO " MAP " VALUES (" : ", (");
        tarn_sql_text(&sql, variant);
        tarn_text_add(&sql, ", ");
        tarn_sql_text(&sql, json_string_value(proper));
        tarn_text_add(&sql, ")");
    }
    if (sql.len > 0 || sql.failed != TARN_OK) TARN_TRY(run(c, &sql, err));
done:
    tarn_text_clear(&sql);
    json_decref(map);
    return rc;
}

/* MAP from the column: spellings that are equal but for case and spaces become the most frequent one, of equally
 * frequent ones the first by bytes. */
static tarn_code map_folded(const cleansing *c, const tarn_field *f, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " MAP " AS WITH spelt AS (SELECT a, n, "
                        "lower(trim(regexp_replace(a, '[\\s\\p{Z}]+', ' ', 'g'))) AS k FROM (SELECT CAST(");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql, " AS VARCHAR) AS a, count(*) AS n FROM " WORK " GROUP BY 1) WHERE a IS NOT NULL), ranked AS (SELECT a, k, "
                        "row_number() OVER (PARTITION BY k ORDER BY n DESC, a) AS place FROM spelt) "
                        "SELECT v.a AS a, p.a AS b FROM ranked v JOIN ranked p ON p.k = v.k AND p.place = 1 WHERE v.place > 1");
    return run(c, &sql, err);
}

/* FROM and WHERE that join the working copy with MAP. */
static void add_joined(tarn_text *out, const tarn_field *f)
{
    tarn_text_add(out, " FROM " MAP " m WHERE CAST(" WORK ".");
    tarn_sql_name(out, f->name);
    tarn_text_add(out, " AS VARCHAR) = m.a");
}

static tarn_code repair_category(cleansing *c, const tarn_repair *r, const tarn_field *f, outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    if (r->map && *r->map) TARN_TRY(map_given(c, r->map, err));
    else TARN_TRY(map_folded(c, f, err));
    tarn_text_add(&sql, "SELECT count(*) FROM " WORK " WHERE EXISTS (SELECT 1");
    add_joined(&sql, f);
    tarn_text_add(&sql, ")");
    TARN_TRY(count(c, &sql, &o->found, err));
    if (o->found == 0) goto done;
    tarn_text_add(&sql, "SELECT '''' || m.a || ''' -> ''' || m.b || ''' (' || count(*) || ' rows)' FROM " WORK ", " MAP
                        " m WHERE CAST(" WORK ".");
    tarn_sql_name(&sql, f->name);
    tarn_text_addf(&sql, " AS VARCHAR) = m.a GROUP BY m.a, m.b ORDER BY count(*) DESC, m.a LIMIT %d", EXAMPLES);
    TARN_TRY(texts(c, &sql, o->examples, err));
    tarn_text_add(&sql, "UPDATE " WORK " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql, " = m.b");
    add_joined(&sql, f);
    TARN_TRY(run(c, &sql, err));
    o->repaired = o->found;
done:
    tarn_text_clear(&sql);
    return rc;
}

/* ---- all rules ---- */

static tarn_code repair(cleansing *c, const tarn_repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_repair_kind *kind;
    char first[32] = {0};

    TARN_TRY(tarn_repair_kind_find(r->kind, &kind, err));
    memcpy(first, kind->actions, strcspn(kind->actions, "|"));
    const char *action = r->action && *r->action ? r->action : first;
    if (strcmp(kind->name, "missing") == 0) {
        bool median = strcmp(action, "median") == 0;
        rc = each_column(c, r, action, median ? is_number : NULL, "numbers", repair_missing, err);
    } else if (strcmp(kind->name, "range") == 0) {
        rc = each_column(c, r, action, is_number, "numbers", repair_range, err);
    } else if (strcmp(kind->name, "category") == 0) {
        rc = each_column(c, r, action, is_text, "texts", repair_category, err);
    } else {
        rc = repair_duplicates(c, r, action, err);
    }
done:
    if (rc != TARN_OK) tarn_err_note(err, "repair '%s'", r->kind);
    if (rc != TARN_OK && r->line > 0) tarn_err_note(err, "line %d, column %d", r->line, r->column);
    return rc;
}

/* Name the row number's column so that it meets no other. */
static void name_row(cleansing *c)
{
    (void)snprintf(c->row, sizeof c->row, "tarn row");
    for (int i = 0; i < c->n_fields;) {
        size_t len = strlen(c->row);
        if (strcasecmp(c->fields[i].name, c->row) == 0 && len + 1 < sizeof c->row) {
            c->row[len] = '_';
            c->row[len + 1] = '\0';
            i = 0;
        } else i++;
    }
}

static tarn_code open_copy(cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0}, sql = {0};

    tarn_sql_name(&from, table);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(c->db, from.data, &c->fields, &c->n_fields, err));
    name_row(c);
    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " WORK " AS SELECT row_number() OVER () AS ");
    tarn_sql_name(&sql, c->row);
    tarn_text_addf(&sql, ", * FROM %s", from.data);
    TARN_TRY(run(c, &sql, err));
done:
    tarn_text_clear(&from);
    tarn_text_clear(&sql);
    return rc;
}

/* A view of that name would be in the way of the table. */
static tarn_code drop_view(const cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t views;

    tarn_text_add(&sql, "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND lower(view_name) = lower(");
    tarn_sql_text(&sql, table);
    tarn_text_add(&sql, ")");
    TARN_TRY(count(c, &sql, &views, err));
    if (views == 0) goto done;
    tarn_text_add(&sql, "DROP VIEW ");
    tarn_sql_name(&sql, table);
    TARN_TRY(run(c, &sql, err));
done:
    return rc;
}

static tarn_code close_copy(const cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    TARN_TRY(tarn_db_run(c->db, "BEGIN TRANSACTION", err));
    rc = drop_view(c, table, err);
    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * EXCLUDE (");
    tarn_sql_name(&sql, c->row);
    tarn_text_add(&sql, ") FROM " WORK " ORDER BY ");
    tarn_sql_name(&sql, c->row);
    if (rc == TARN_OK) rc = run(c, &sql, err);
    if (rc == TARN_OK) rc = tarn_db_run(c->db, "COMMIT", err);
    if (rc != TARN_OK) (void)!tarn_db_run(c->db, "ROLLBACK", NULL);
done:
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_cleanse(tarn_db *db, const char *table, const tarn_repair *repairs, int n, json_t **report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    cleansing c = {.db = db};

    *report = NULL;
    for (int i = 0; i < n; i++) TARN_TRY(tarn_repair_check(&repairs[i], err));
    c.report = json_array();
    if (!c.report) return TARN_FAIL(err, TARN_NOMEM, "no memory for a report");
    TARN_TRY(open_copy(&c, table, err));
    for (int i = 0; i < n; i++) TARN_TRY(repair(&c, &repairs[i], err));
    TARN_TRY(close_copy(&c, table, err));
    *report = c.report;
    c.report = NULL;
done:
    if (rc != TARN_OK) tarn_err_note(err, "cleanse '%s'", table);
    (void)!tarn_db_run(db, "DROP TABLE IF EXISTS " WORK "; DROP TABLE IF EXISTS " MAP, NULL);
    json_decref(c.report);
    tarn_free(c.fields);
    return rc;
}
