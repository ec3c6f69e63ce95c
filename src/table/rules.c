/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - what a table is declared to be, checked against what it is.
 *
 * Each rule becomes one test: an SQL predicate that is true for the rows that break it. The tests that look at
 * one row only are counted in one pass over the table; those that look at others (unique, key, references) in
 * one query each. Only for a test that finds something are the rows fetched that show it, grouped by the
 * values at fault. A null passes every rule but "not null" and "key".
 *
 * Rules that cannot be tested (a column that is not there, a range on text) are violations themselves. */
#include "table/table.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 4, MOST_COLUMNS = 16 };

typedef struct test {
    const char *names[MOST_COLUMNS]; /* columns that it is about, borrowed from fields */
    int count;
    char rule[160];
    char *broken; /* predicate over the table as t */
    bool alone;   /* a row by itself tells */
    int64_t rows; /* that break it */
} test;

typedef struct checking {
    tarn_db *db;
    const tarn_table_rules *rules;
    tarn_field *fields;
    int n_fields;
    int64_t rows;
    test *tests;
    int n_tests;
    tarn_violation *found;
    int n_found;
    tarn_arena *arena; /* for the call: names and predicates */
} checking;

static const tarn_field *field_of(const tarn_field *fields, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

/* ---- violations ---- */

static void fit(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text);

    if (len >= cap) {
        len = cap - 4;
        while (len > 0 && (text[len] & 0xC0) == 0x80) len--;
        memcpy(out, text, len);
        (void)strcpy(out + len, "...");
        return;
    }
    memcpy(out, text, len + 1);
}

static tarn_code violate(checking *c, const char *column, const char *rule, int64_t count, const char *rows,
                         tarn_err *err)
{
    tarn_code rc = tarn_resize(&c->found, (size_t)c->n_found + 1, sizeof *c->found, err);

    if (rc != TARN_OK) return rc;
    tarn_violation *v = &c->found[c->n_found++];
    *v = (tarn_violation){.count = count};
    fit(v->table, sizeof v->table, c->rules->name);
    fit(v->column, sizeof v->column, column);
    fit(v->rule, sizeof v->rule, rule);
    fit(v->rows, sizeof v->rows, rows);
    return TARN_OK;
}

/* "did you mean 'tailnum'?" or the columns that there are. */
static void say_nearest(const tarn_field *fields, int n, const char *name, char *out, size_t cap)
{
    const char *names[1024] = {0};
    size_t count = n > 1024 ? 1024 : (size_t)n;
    tarn_text text = {0};

    for (size_t i = 0; i < count; i++) names[i] = fields[i].name;
    const char *near = tarn_nearest_word(name, names, count);
    if (near) tarn_text_addf(&text, "did you mean '%s'?", near);
    for (size_t i = 0; i < count && !near; i++) tarn_text_addf(&text, "%s%s", i == 0 ? "there are: " : ", ", names[i]);
    fit(out, cap, text.data ? text.data : "the table has no columns");
    tarn_text_clear(&text);
}

/* Whole tables break a rule too: an empty one counts as one. */
static int64_t all_rows(const checking *c) { return c->rows > 0 ? c->rows : 1; }

static tarn_code column_missing(checking *c, const char *name, tarn_err *err)
{
    char rows[512];

    for (int i = 0; i < c->n_found; i++)
        if (strcmp(c->found[i].column, name) == 0 && strcmp(c->found[i].rule, "column missing") == 0) return TARN_OK;
    say_nearest(c->fields, c->n_fields, name, rows, sizeof rows);
    return violate(c, name, "column missing", all_rows(c), rows, err);
}

/* ---- tests ---- */

/* take_broken's text is moved into the arena and cleared. */
static tarn_code add_test(checking *c, const char *const *names, int count, const char *rule, tarn_text *take_broken,
                          bool alone, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    test t = {.count = count, .alone = alone};

    TARN_TRY(tarn_text_check(take_broken, err));
    TARN_TRY(tarn_resize(&c->tests, (size_t)c->n_tests + 1, sizeof *c->tests, err));
    for (int i = 0; i < count; i++) t.names[i] = names[i];
    fit(t.rule, sizeof t.rule, rule);
    TARN_TRY(tarn_arena_strndup(c->arena, take_broken->data, take_broken->len, &t.broken, err));
    c->tests[c->n_tests++] = t;
done:
    tarn_text_clear(take_broken);
    return rc;
}

static void add_name(tarn_text *sql, const char *table, const char *column)
{
    tarn_text_addf(sql, "%s.", table);
    tarn_sql_name(sql, column);
}

/* t."a", t."b" */
static void add_names(tarn_text *sql, const char *table, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0) tarn_text_add(sql, ", ");
        add_name(sql, table, names[i]);
    }
}

static tarn_code test_not_null(checking *c, const char *name, const char *rule, tarn_err *err)
{
    tarn_text sql = {0};

    add_name(&sql, "t", name);
    tarn_text_add(&sql, " IS NULL");
    return add_test(c, &name, 1, rule, &sql, true, err);
}

static tarn_code test_unique(checking *c, const char *const *names, int count, const char *rule, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "(");
    add_names(&sql, "t", names, count);
    tarn_text_add(&sql, ") IN (SELECT (");
    add_names(&sql, "u", names, count);
    tarn_text_add(&sql, ") FROM ");
    tarn_sql_name(&sql, c->rules->name);
    tarn_text_add(&sql, " AS u WHERE true");
    for (int i = 0; i < count; i++) {
        tarn_text_add(&sql, " AND ");
        add_name(&sql, "u", names[i]);
        tarn_text_add(&sql, " IS NOT NULL");
    }
    tarn_text_add(&sql, " GROUP BY ");
    add_names(&sql, "u", names, count);
    tarn_text_add(&sql, " HAVING count(*) > 1)");
    return add_test(c, names, count, rule, &sql, false, err);
}

static tarn_code test_range(checking *c, const tarn_column_rule *r, const tarn_field *f, tarn_err *err)
{
    tarn_text sql = {0};
    char rule[160], least[32], most[32];

    (void)tarn_num_format(r->least, least);
    (void)tarn_num_format(r->most, most);
    if (r->has_least && r->has_most) (void)snprintf(rule, sizeof rule, "range %s to %s", least, most);
    else (void)snprintf(rule, sizeof rule, r->has_least ? "at least %s" : "at most %s", r->has_least ? least : most);
    if (f->type != TARN_INT && f->type != TARN_REAL) {
        char rows[512];
        (void)snprintf(rows, sizeof rows, "the column is %s (%s); ranges are for numbers", tarn_type_name(f->type),
                       f->sql_type);
        return violate(c, f->name, rule, all_rows(c), rows, err);
    }
    tarn_text_add(&sql, "(false");
    if (r->has_least) {
        tarn_text_add(&sql, " OR ");
        add_name(&sql, "t", f->name);
        tarn_text_addf(&sql, " < %s", least);
    }
    if (r->has_most) {
        tarn_text_add(&sql, " OR ");
        add_name(&sql, "t", f->name);
        tarn_text_addf(&sql, " > %s", most);
    }
    if (f->type == TARN_REAL) {
        tarn_text_add(&sql, " OR isnan(CAST(");
        add_name(&sql, "t", f->name);
        tarn_text_add(&sql, " AS DOUBLE))");
    }
    tarn_text_add(&sql, ")");
    return add_test(c, (const char *const[]){f->name}, 1, rule, &sql, true, err);
}

static tarn_code test_values(checking *c, const tarn_column_rule *r, const tarn_field *f, tarn_err *err)
{
    tarn_code rc;
    tarn_text sql = {0}, rule = {0};

    tarn_text_add(&sql, "CAST(");
    add_name(&sql, "t", f->name);
    tarn_text_add(&sql, " AS VARCHAR) NOT IN (");
    for (int i = 0; r->values[i]; i++) {
        tarn_text_addf(&rule, "%s%s", i == 0 ? "one of " : ", ", r->values[i]);
        if (i > 0) tarn_text_add(&sql, ", ");
        tarn_sql_text(&sql, r->values[i]);
    }
    if (!r->values[0]) { /* nothing is allowed */
        tarn_text_add(&rule, "no value");
        tarn_text_add(&sql, "''");
    }
    tarn_text_add(&sql, ")");
    rc = tarn_text_check(&rule, err);
    if (rc == TARN_OK) rc = add_test(c, (const char *const[]){f->name}, 1, rule.data, &sql, true, err);
    tarn_text_clear(&sql);
    tarn_text_clear(&rule);
    return rc;
}

static tarn_code check_type(checking *c, const tarn_column_rule *r, const tarn_field *f, tarn_err *err)
{
    tarn_type want;
    char rule[160], rows[512];

    if (!tarn_type_parse(r->type, &want))
        return TARN_FAIL(err, TARN_INVALID, "column '%s': '%s' is not a type; there are bool, int, real, text, time",
                         r->name, r->type);
    if (f->type == want || (want == TARN_REAL && f->type == TARN_INT)) return TARN_OK;
    (void)snprintf(rule, sizeof rule, "type %s", r->type);
    (void)snprintf(rows, sizeof rows, "the column is %s (%s)", tarn_type_name(f->type), f->sql_type);
    return violate(c, r->name, rule, all_rows(c), rows, err);
}

static tarn_code plan_column(checking *c, const tarn_column_rule *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_field *f = field_of(c->fields, c->n_fields, r->name);

    if (!f) return column_missing(c, r->name, err);
    const char *name = f->name;
    if (r->type) TARN_TRY(check_type(c, r, f, err));
    if (r->not_null) TARN_TRY(test_not_null(c, name, "not null", err));
    if (r->unique) TARN_TRY(test_unique(c, &name, 1, "unique", err));
    if (r->has_least || r->has_most) TARN_TRY(test_range(c, r, f, err));
    if (r->values) TARN_TRY(test_values(c, r, f, err));
done:
    return rc;
}

/* "a, b" -> names in the arena. */
static tarn_code split(checking *c, const char *list, const char *names[MOST_COLUMNS], int *count, tarn_err *err)
{
    *count = 0;
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ","), from = strspn(at, " ");
        size_t end = len;
        char *name;
        while (end > from && at[end - 1] == ' ') end--;
        if (end <= from) return TARN_FAIL(err, TARN_INVALID, "'%s': a column name is empty", list);
        if (*count == MOST_COLUMNS) return TARN_FAIL(err, TARN_LIMIT, "'%s': more than %d columns", list, MOST_COLUMNS);
        tarn_code rc = tarn_arena_strndup(c->arena, at + from, end - from, &name, err);
        if (rc != TARN_OK) return rc;
        names[(*count)++] = name;
        at += len + (at[len] == ',');
    }
    return *count > 0 ? TARN_OK : TARN_FAIL(err, TARN_INVALID, "no columns are named");
}

static tarn_code plan_key(checking *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *names[MOST_COLUMNS];
    char rule[160];
    int count;
    bool whole = true;

    TARN_TRY(split(c, c->rules->key, names, &count, err));
    (void)snprintf(rule, sizeof rule, "key (%.150s)", c->rules->key);
    for (int i = 0; i < count; i++) {
        if (field_of(c->fields, c->n_fields, names[i])) {
            TARN_TRY(test_not_null(c, names[i], rule, err));
        } else {
            TARN_TRY(column_missing(c, names[i], err));
            whole = false;
        }
    }
    if (whole) TARN_TRY(test_unique(c, names, count, rule, err));
done:
    return rc;
}

/* ---- references ---- */

typedef struct link {
    const char *from[MOST_COLUMNS], *to[MOST_COLUMNS];
    int count;
    tarn_field *fields; /* of the other table */
    int n_fields;
} link;

/* o."x" = t."a" for each pair; as text where the types differ. */
static tarn_code add_reference(checking *c, const tarn_reference *r, const link *l, const char *rule, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "(");
    for (int i = 0; i < l->count; i++) {
        add_name(&sql, "t", l->from[i]);
        tarn_text_add(&sql, " IS NOT NULL AND ");
    }
    tarn_text_add(&sql, "NOT EXISTS (SELECT 1 FROM ");
    tarn_sql_name(&sql, r->table);
    tarn_text_add(&sql, " AS o WHERE ");
    for (int i = 0; i < l->count; i++) {
        const tarn_field *a = field_of(c->fields, c->n_fields, l->from[i]),
                         *b = field_of(l->fields, l->n_fields, l->to[i]);
        bool cast = a->type != b->type &&
                    (a->type == TARN_TEXT || b->type == TARN_TEXT || a->type == TARN_TIME || b->type == TARN_TIME);
        tarn_text_add(&sql, i > 0 ? " AND " : "");
        tarn_text_add(&sql, cast ? "CAST(" : "");
        add_name(&sql, "o", l->to[i]);
        tarn_text_add(&sql, cast ? " AS VARCHAR) = CAST(" : " = ");
        add_name(&sql, "t", l->from[i]);
        tarn_text_add(&sql, cast ? " AS VARCHAR)" : "");
    }
    tarn_text_add(&sql, "))");
    return add_test(c, l->from, l->count, rule, &sql, false, err);
}

static tarn_code plan_reference(checking *c, const tarn_reference *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    link l = {0};
    tarn_text other = {0};
    char rule[160], rows[512];
    int to;
    bool whole = true;
    tarn_err e = {0};

    TARN_TRY(split(c, r->columns, l.from, &l.count, err));
    TARN_TRY(split(c, r->to && *r->to ? r->to : r->columns, l.to, &to, err));
    (void)snprintf(rule, sizeof rule, "references %.60s(%.80s)", r->table, r->to && *r->to ? r->to : r->columns);
    if (to != l.count) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "%s: %d columns cannot refer to %d", rule, l.count, to));
    tarn_sql_name(&other, r->table);
    TARN_TRY(tarn_text_check(&other, err));
    rc = tarn_db_schema(c->db, other.data, &l.fields, &l.n_fields, &e);
    if (rc == TARN_INVALID || rc == TARN_NOT_FOUND) {
        rc = violate(c, r->columns, rule, all_rows(c), e.msg, err);
        goto done;
    }
    if (rc != TARN_OK) {
        if (err) *err = e;
        goto done;
    }
    for (int i = 0; i < l.count; i++) {
        if (!field_of(c->fields, c->n_fields, l.from[i])) {
            TARN_TRY(column_missing(c, l.from[i], err));
            whole = false;
        }
        if (!field_of(l.fields, l.n_fields, l.to[i])) {
            char text[768];
            say_nearest(l.fields, l.n_fields, l.to[i], rows, sizeof rows);
            (void)snprintf(text, sizeof text, "%.60s has no column '%.60s'; %s", r->table, l.to[i], rows);
            TARN_TRY(violate(c, r->columns, rule, all_rows(c), text, err));
            whole = false;
        }
    }
    if (whole) TARN_TRY(add_reference(c, r, &l, rule, err));
done:
    tarn_free(l.fields);
    tarn_text_clear(&other);
    return rc;
}

static tarn_code plan_closed(checking *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *keys[MOST_COLUMNS];
    int n_keys = 0;

    if (c->rules->key) TARN_TRY(split(c, c->rules->key, keys, &n_keys, err));
    for (int i = 0; i < c->n_fields; i++) {
        bool declared = false;
        for (int k = 0; k < c->rules->n_columns; k++)
            declared = declared || strcmp(c->rules->columns[k].name, c->fields[i].name) == 0;
        for (int k = 0; k < n_keys; k++) declared = declared || strcmp(keys[k], c->fields[i].name) == 0;
        if (!declared)
            TARN_TRY(violate(c, c->fields[i].name, "not declared", all_rows(c), "the table is closed to other columns",
                             err));
    }
done:
    return rc;
}

/* ---- running ---- */

static tarn_code run_counts(checking *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *counts = NULL;
    int at = 0;

    tarn_text_add(&sql, "SELECT count(*)");
    for (int i = 0; i < c->n_tests; i++)
        if (c->tests[i].alone) tarn_text_addf(&sql, ", count_if(%s)", c->tests[i].broken);
    tarn_text_add(&sql, " FROM ");
    tarn_sql_name(&sql, c->rules->name);
    tarn_text_add(&sql, " AS t");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(c->db, sql.data, -1, &counts, err));
    for (int i = 0; i < c->n_tests; i++)
        if (c->tests[i].alone) c->tests[i].rows = *(const int64_t *)tarn_columns_at(counts, ++at)->values;
    for (int i = 0; i < c->n_tests; i++) {
        if (c->tests[i].alone) continue;
        sql.len = 0;
        tarn_text_add(&sql, "SELECT count(*) FROM ");
        tarn_sql_name(&sql, c->rules->name);
        tarn_text_addf(&sql, " AS t WHERE %s", c->tests[i].broken);
        TARN_TRY(tarn_text_check(&sql, err));
        TARN_TRY(tarn_db_count(c->db, sql.data, &c->tests[i].rows, err));
    }
done:
    tarn_columns_release(counts);
    tarn_text_clear(&sql);
    return rc;
}

/* concat_ws(', ', 'a=' || ..., ...): the row as `a='x', b=7`. */
static void add_row_text(const checking *c, tarn_text *sql, const char *const *names, int count)
{
    tarn_text label = {0};

    if (count == 0) {
        tarn_text_add(sql, "''");
        return;
    }
    tarn_text_add(sql, "concat_ws(', '");
    for (int i = 0; i < count; i++) {
        const tarn_field *f = field_of(c->fields, c->n_fields, names[i]);
        label.len = 0;
        tarn_text_addf(&label, "%s=", names[i]);
        tarn_text_add(sql, ", ");
        tarn_sql_text(sql, label.data ? label.data : "");
        tarn_text_add(sql, f->type == TARN_TEXT ? " || coalesce('''' || left(CAST(" : " || coalesce(CAST(");
        add_name(sql, "t", names[i]);
        tarn_text_add(sql, f->type == TARN_TEXT ? " AS VARCHAR), 60) || '''', 'null')" : " AS VARCHAR), 'null')");
    }
    tarn_text_add(sql, ")");
    if (label.failed != TARN_OK) sql->failed = label.failed;
    tarn_text_clear(&label);
}

static bool among(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Columns that tell a row apart: the key's, else the first ones; without those of the test. */
static tarn_code telling(checking *c, const test *t, const char *out[MOST_COLUMNS], int *count, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *keys[MOST_COLUMNS];
    int n_keys = 0, n = 0;

    if (c->rules->key) TARN_TRY(split(c, c->rules->key, keys, &n_keys, err));
    for (int i = 0; i < n_keys; i++)
        if (field_of(c->fields, c->n_fields, keys[i]) && !among(keys[i], t->names, t->count)) out[n++] = keys[i];
    bool none = n == 0;
    for (int i = 0; none && i < c->n_fields && n < SHOWN; i++)
        if (!among(c->fields[i].name, t->names, t->count)) out[n++] = c->fields[i].name;
    *count = n;
done:
    return rc;
}

static void add_example(tarn_text *text, const char *what, int what_len, int64_t n, const char *example,
                        int example_len)
{
    char number[32];

    tarn_text_addf(text, "%s%.*s (%s row%s", text->len ? "; " : "", what_len, what, tarn_num_group(n, number),
                   n == 1 ? "" : "s");
    if (example_len > 0) tarn_text_addf(text, "%s%.*s", n == 1 ? ": " : ", e.g. ", example_len, example);
    tarn_text_add(text, ")");
}

/* The values at fault, the most frequent first, each with how many rows and one of them. */
static tarn_code show(checking *c, const test *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0}, text = {0}, column = {0};
    tarn_columns *rows = NULL;
    const char *others[MOST_COLUMNS];
    int n_others = 0;

    TARN_TRY(telling(c, t, others, &n_others, err));
    tarn_text_add(&sql, "SELECT v, count(*) AS n, min(e) FROM (SELECT ");
    add_row_text(c, &sql, t->names, t->count);
    tarn_text_add(&sql, " AS v, ");
    add_row_text(c, &sql, others, n_others);
    tarn_text_add(&sql, " AS e FROM ");
    tarn_sql_name(&sql, c->rules->name);
    tarn_text_addf(&sql, " AS t WHERE %s) GROUP BY v ORDER BY n DESC, v LIMIT 6", t->broken);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(c->db, sql.data, -1, &rows, err));
    for (int64_t i = 0; i < tarn_columns_rows(rows); i++) {
        const tarn_column *v = tarn_columns_at(rows, 0), *n = tarn_columns_at(rows, 1), *e = tarn_columns_at(rows, 2);
        int32_t v_len = 0, e_len = 0;
        const char *what = tarn_column_word(v, ((const int32_t *)v->values)[i], &v_len);
        const char *example = tarn_column_has(e, i) ? tarn_column_word(e, ((const int32_t *)e->values)[i], &e_len) : "";
        if (i == 5) tarn_text_add(&text, "; ...");
        else add_example(&text, what, v_len, ((const int64_t *)n->values)[i], example, e_len);
    }
    for (int i = 0; i < t->count; i++) tarn_text_addf(&column, "%s%s", i > 0 ? ", " : "", t->names[i]);
    TARN_TRY(tarn_text_check(&text, err));
    TARN_TRY(tarn_text_check(&column, err));
    TARN_TRY(violate(c, column.data, t->rule, t->rows, text.data ? text.data : "", err));
done:
    tarn_columns_release(rows);
    tarn_text_clear(&sql);
    tarn_text_clear(&text);
    tarn_text_clear(&column);
    return rc;
}

static tarn_code read_table(checking *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0}, sql = {0};

    tarn_sql_name(&from, c->rules->name);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(c->db, from.data, &c->fields, &c->n_fields, err));
    tarn_text_addf(&sql, "SELECT count(*) FROM %s", from.data);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(c->db, sql.data, &c->rows, err));
done:
    tarn_text_clear(&from);
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_table_check(tarn_db *db, const tarn_table_rules *rules, tarn_violation **out, int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    checking c = {.db = db, .rules = rules};

    *out = NULL;
    *n = 0;
    TARN_TRY(tarn_arena_new(&c.arena, err));
    TARN_TRY(read_table(&c, err));
    if (rules->closed) TARN_TRY(plan_closed(&c, err));
    for (int i = 0; i < rules->n_columns; i++) TARN_TRY(plan_column(&c, &rules->columns[i], err));
    if (rules->key) TARN_TRY(plan_key(&c, err));
    for (int i = 0; i < rules->n_references; i++) TARN_TRY(plan_reference(&c, &rules->references[i], err));
    TARN_TRY(run_counts(&c, err));
    for (int i = 0; i < c.n_tests; i++)
        if (c.tests[i].rows > 0) TARN_TRY(show(&c, &c.tests[i], err));
    *out = c.found;
    *n = c.n_found;
    c.found = NULL;
done:
    if (rc != TARN_OK) tarn_err_note(err, "rules of table '%s'", rules->name);
    tarn_free(c.found);
    tarn_free(c.tests);
    tarn_free(c.fields);
    tarn_arena_free(c.arena);
    return rc;
}
