/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse.c - repairs carried out on a working copy of a table, each counted. See prepare.h.
 *
 * Order: the table is copied with its row numbers; each rule counts what it finds, notes a few examples, and repairs;
 * at the end the copy, in the order of its row numbers, takes the table's place in one statement. So a failure at
 * any point leaves the table as it was. All choices (which row is first, which spelling wins, the most frequent value)
 * have a total order, so the result does not depend on how the engine works.
 */
#include "prepare/cleansing.h"

#include "base/mem.h"
#include "prepare/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- statements ---- */

/* These take the text and leave it empty. */
tarn_code tarn_cleanse_run(const tarn_cleansing *c, tarn_text *sql, tarn_err *err)
{
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_run(c->db, sql->data, err);
    tarn_text_clear(sql);
    return rc;
}

tarn_code tarn_cleanse_count(const tarn_cleansing *c, tarn_text *sql, int64_t *n, tarn_err *err)
{
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_count(c->db, sql->data, n, err);
    tarn_text_clear(sql);
    return rc;
}

/* Append the texts of a one-column query to a JSON array. */
tarn_code tarn_cleanse_texts(const tarn_cleansing *c, tarn_text *sql, json_t *array, tarn_err *err)
{
    tarn_columns *rows = NULL;
    tarn_code rc = tarn_text_check(sql, err);

    if (rc == TARN_OK) rc = tarn_db_query(c->db, sql->data, TARN_CLEANSE_EXAMPLES, &rows, err);
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
tarn_code tarn_cleanse_count_where(const tarn_cleansing *c, const tarn_text *where, int64_t *n, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_addf(&sql, "SELECT count(*) FROM " TARN_CLEANSE_COPY " WHERE %s", where->data ? where->data : "false");
    return tarn_cleanse_count(c, &sql, n, err);
}

/* The first rows where it holds, each as "row 7" or "row 7: value". */
tarn_code tarn_cleanse_examples(const tarn_cleansing *c, const tarn_text *where, const char *column, json_t *array,
                                tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT 'row ' || ");
    tarn_sql_name(&sql, c->row);
    if (column) {
        tarn_text_add(&sql, " || ': ' || CAST(");
        tarn_sql_name(&sql, column);
        tarn_text_add(&sql, " AS VARCHAR)");
    }
    tarn_text_addf(&sql, " FROM " TARN_CLEANSE_COPY " WHERE %s ORDER BY ", where->data ? where->data : "false");
    tarn_sql_name(&sql, c->row);
    tarn_text_addf(&sql, " LIMIT %d", TARN_CLEANSE_EXAMPLES);
    return tarn_cleanse_texts(c, &sql, array, err);
}

tarn_code tarn_cleanse_delete(const tarn_cleansing *c, const tarn_text *where, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_addf(&sql, "DELETE FROM " TARN_CLEANSE_COPY " WHERE %s", where->data ? where->data : "false");
    return tarn_cleanse_run(c, &sql, err);
}

/* ---- report ---- */

tarn_code tarn_cleanse_tell(tarn_cleansing *c, const tarn_repair *r, tarn_outcome *o, tarn_err *err)
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

static bool is_text(const tarn_field *f) { return f->type == TARN_TEXT; }

static bool is_counted(const tarn_field *f)
{
    return f->type == TARN_TEXT || f->type == TARN_INT || f->type == TARN_BOOL;
}

static bool is_number(const tarn_field *f) { return f->type == TARN_INT || f->type == TARN_REAL; }

tarn_code tarn_cleanse_field(const tarn_cleansing *c, const char *name, int *at, tarn_err *err)
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
tarn_code tarn_cleanse_pick(const tarn_cleansing *c, const tarn_repair *r, bool (*suits)(const tarn_field *),
                            const char *wants, uint8_t *marked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *list = r->columns;
    char name[TARN_NAME_CAP];
    bool named = false;
    int at;

    while (tarn_name_next(&list, name, sizeof name)) {
        named = true;
        TARN_TRY(tarn_cleanse_field(c, name, &at, err));
        if (suits && !suits(&c->fields[at]))
            return TARN_FAIL(err, TARN_INVALID, "column '%s' is %s; this takes %s", name,
                             tarn_type_name(c->fields[at].type), wants);
        marked[at] = 1;
    }
    for (int i = 0; !named && i < c->n_fields; i++) marked[i] = !suits || suits(&c->fields[i]);
done:
    return rc;
}

/* One rule, one column after the other; each makes an entry of the report. */
static tarn_code each_column(tarn_cleansing *c, const tarn_repair *r, const char *action,
                             bool (*suits)(const tarn_field *), const char *wants, tarn_cleanse_column *repair,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *marked = NULL;
    tarn_outcome o = {0};
    int done_columns = 0;

    TARN_TRY(tarn_alloc(&marked, (size_t)c->n_fields, 1, err));
    TARN_TRY(tarn_cleanse_pick(c, r, suits, wants, marked, err));
    for (int i = 0; i <= c->n_fields; i++) {
        bool none = i == c->n_fields;
        if (none ? done_columns > 0 : !marked[i]) continue;
        done_columns++;
        o = (tarn_outcome){.column = none ? "" : c->fields[i].name, .action = action, .examples = json_array()};
        if (!none) TARN_TRY(repair(c, r, &c->fields[i], &o, err));
        TARN_TRY(tarn_cleanse_tell(c, r, &o, err));
        json_decref(o.examples);
        o.examples = NULL;
    }
done:
    if (rc != TARN_OK && o.column && *o.column) tarn_err_note(err, "column '%s'", o.column);
    json_decref(o.examples);
    tarn_free(marked);
    return rc;
}

/* ---- all rules ---- */

static tarn_code repair(tarn_cleansing *c, const tarn_repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_repair_kind *kind;
    char first[32] = {0};

    TARN_TRY(tarn_repair_kind_find(r->kind, &kind, err));
    memcpy(first, kind->actions, strcspn(kind->actions, "|"));
    const char *action = r->action && *r->action ? r->action : first;
    if (strcmp(kind->name, "missing") == 0) {
        bool median = strcmp(action, "median") == 0;
        rc = each_column(c, r, action, median ? is_number : NULL, "numbers", tarn_cleanse_missing, err);
    } else if (strcmp(kind->name, "range") == 0) {
        rc = each_column(c, r, action, is_number, "numbers", tarn_cleanse_range, err);
    } else if (strcmp(kind->name, "rare") == 0) {
        rc = each_column(c, r, action, is_counted, "texts, whole numbers and bool", tarn_cleanse_rare, err);
    } else if (strcmp(kind->name, "category") == 0) {
        rc = each_column(c, r, action, is_text, "texts", tarn_cleanse_category, err);
    } else {
        rc = tarn_cleanse_duplicates(c, r, action, err);
    }
done:
    if (rc != TARN_OK) tarn_err_note(err, "repair '%s'", r->kind);
    if (rc != TARN_OK && r->line > 0) tarn_err_note(err, "line %d, column %d", r->line, r->column);
    return rc;
}

/* Name the row number's column so that it meets no other. */
static void name_row(tarn_cleansing *c)
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

static tarn_code open_copy(tarn_cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text from = {0}, sql = {0};

    tarn_sql_name(&from, table);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(c->db, from.data, &c->fields, &c->n_fields, err));
    name_row(c);
    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " TARN_CLEANSE_COPY " AS SELECT row_number() OVER () AS ");
    tarn_sql_name(&sql, c->row);
    tarn_text_addf(&sql, ", * FROM %s", from.data);
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
done:
    tarn_text_clear(&from);
    tarn_text_clear(&sql);
    return rc;
}

/* A view of that name would be in the way of the table. */
static tarn_code drop_view(const tarn_cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t views;

    tarn_text_add(&sql, "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND lower(view_name) = lower(");
    tarn_sql_text(&sql, table);
    tarn_text_add(&sql, ")");
    TARN_TRY(tarn_cleanse_count(c, &sql, &views, err));
    if (views == 0) goto done;
    tarn_text_add(&sql, "DROP VIEW ");
    tarn_sql_name(&sql, table);
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
done:
    return rc;
}

static tarn_code close_copy(const tarn_cleansing *c, const char *table, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    TARN_TRY(tarn_db_run(c->db, "BEGIN TRANSACTION", err));
    rc = drop_view(c, table, err);
    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    tarn_text_add(&sql, " AS SELECT * EXCLUDE (");
    tarn_sql_name(&sql, c->row);
    tarn_text_add(&sql, ") FROM " TARN_CLEANSE_COPY " ORDER BY ");
    tarn_sql_name(&sql, c->row);
    if (rc == TARN_OK) rc = tarn_cleanse_run(c, &sql, err);
    if (rc == TARN_OK) rc = tarn_db_run(c->db, "COMMIT", err);
    if (rc != TARN_OK) (void)!tarn_db_run(c->db, "ROLLBACK", NULL);
done:
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_cleanse(tarn_db *db, const char *table, const tarn_repair *repairs, int n, json_t **report,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_cleansing c = {.db = db};

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
    (void)!tarn_db_run(db, "DROP TABLE IF EXISTS " TARN_CLEANSE_COPY "; DROP TABLE IF EXISTS " TARN_CLEANSE_MAP, NULL);
    json_decref(c.report);
    tarn_free(c.fields);
    return rc;
}
