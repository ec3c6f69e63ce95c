/* SPDX-License-Identifier: Apache-2.0 */
/* rowmerge.c - two changed copies of a table into one, cell by cell. See rows.h for the rules, rowschema.c for the
 * columns.
 *
 * Method: what theirs did to base is found as in rowdiff.c (row groups that are the same bytes are left out) and joined
 * with ours by key: that is the temporary table tarn_rows_merging, one row for each row that theirs touched, with the
 * value of each column in base (b<i>), ours (o<i>) and theirs (t<i>), what clashes (x<i>) and what it becomes (m<i>).
 * The result is ours, in its order, with those rows put in place, and then the rows that theirs added.
 *
 * fate of a touched row: UPDATE it in ours, REMOVE it from ours, ADD it behind ours, or NOTHING. */
#include "table/rowmerge.h"

#include "table/rowgroups.h"

#include <stdio.h>
#include <string.h>

enum { UPDATE, REMOVE, ADD, NOTHING };

#define TOUCHED "tarn_rows_merging"

const char *tarn_clash_name(tarn_clash clash)
{
    static const char *const names[] = {"cell", "removed by ours", "removed by theirs", "added by both", "column"};
    return (unsigned)clash < 5 ? names[clash] : "?";
}

/* ---- SQL ---- */

/* (SELECT r, c0, c1, ... FROM the side) x: the columns of the result as this side has them, in the result's types. */
static void add_side(tarn_text *sql, const tarn_merging *m, char x)
{
    const tarn_rowside *side = x == 'b' ? &m->b : x == 'o' ? &m->o : &m->t;

    tarn_text_add(sql, side->path ? "(SELECT file_row_number AS r" : "(SELECT NULL::BIGINT AS r");
    for (int i = 0; i < m->n; i++) {
        const tarn_merge_column *c = &m->columns[i];
        int at = x == 'b' ? c->b : x == 'o' ? c->o : c->t;
        tarn_text_add(sql, ", ");
        if (at < 0) {
            tarn_text_addf(sql, "CAST(NULL AS %s)", c->type);
        } else {
            bool cast = strcmp(side->columns[at].type, c->type) != 0;
            tarn_text_add(sql, cast ? "TRY_CAST(" : "");
            tarn_sql_name(sql, side->columns[at].name);
            if (cast) tarn_text_addf(sql, " AS %s)", c->type);
        }
        tarn_text_addf(sql, " AS c%d", i);
    }
    if (side->path) tarn_rowside_from(sql, side);
    else tarn_text_add(sql, " WHERE false");
    tarn_text_addf(sql, ") %c", x);
}

/* x.c0 = y.c0 AND ... over the key */
static void add_on(tarn_text *sql, const tarn_merging *m, const char *x, const char *y)
{
    const char *and = "";

    for (int i = 0; i < m->n; i++) {
        if (m->columns[i].key < 0) continue;
        tarn_text_addf(sql, "%s%s%d = %s%d", and, x, i, y, i);
        and = " AND ";
    }
}

static bool by_cell(const tarn_merge_column *c) { return c->key < 0 && c->from == TARN_FROM_BOTH; }

static bool any_theirs(const tarn_merging *m)
{
    for (int i = 0; i < m->n; i++)
        if (m->columns[i].from == TARN_FROM_THEIRS) return true;
    return false;
}

/* Rows in which base and theirs differ: br, tr, k<i> (key), b<i>, t<i>. */
static void add_theirs_work(tarn_text *sql, const tarn_merging *m)
{
    tarn_text_add(sql, "SELECT b.r AS br, t.r AS tr");
    for (int i = 0; i < m->n; i++) {
        if (m->columns[i].key >= 0) tarn_text_addf(sql, ", coalesce(t.c%d, b.c%d) AS k%d", i, i, i);
        else tarn_text_addf(sql, ", b.c%d AS b%d, t.c%d AS t%d", i, i, i, i);
    }
    tarn_text_add(sql, " FROM ");
    add_side(sql, m, 'b');
    tarn_text_add(sql, " FULL OUTER JOIN ");
    add_side(sql, m, 't');
    tarn_text_add(sql, " ON ");
    add_on(sql, m, "b.c", "t.c");
    tarn_text_add(sql, " WHERE b.r IS NULL OR t.r IS NULL");
    if (any_theirs(m)) tarn_text_add(sql, " OR true");
    for (int i = 0; i < m->n; i++)
        if (by_cell(&m->columns[i])) tarn_text_addf(sql, " OR b.c%d IS DISTINCT FROM t.c%d", i, i);
}

/* Did this side ('o', 't') change a cell of the row? Values in columns that base does not have do not count. */
static void add_edited(tarn_text *sql, const tarn_merging *m, char x)
{
    tarn_text_add(sql, "(false");
    for (int i = 0; i < m->n; i++)
        if (by_cell(&m->columns[i]) && m->columns[i].b >= 0)
            tarn_text_addf(sql, " OR b%d IS DISTINCT FROM %c%d", i, x, i);
    tarn_text_add(sql, ")");
}

/* What theirs did, beside ours: + orow, o<i>, oe, te (edited by ours, theirs), x<i> (clashes). */
static void add_beside(tarn_text *sql, const tarn_merging *m)
{
    tarn_text_add(sql, "SELECT *, br IS NOT NULL AND orow IS NOT NULL AND ");
    add_edited(sql, m, 'o');
    tarn_text_add(sql, " AS oe, br IS NOT NULL AND tr IS NOT NULL AND ");
    add_edited(sql, m, 't');
    tarn_text_add(sql, " AS te");
    for (int i = 0; i < m->n; i++)
        if (by_cell(&m->columns[i]))
            tarn_text_addf(
                sql,
                ", orow IS NOT NULL AND tr IS NOT NULL AND o%d IS DISTINCT FROM t%d AND (br IS NULL OR (o%d IS "
                "DISTINCT FROM b%d AND t%d IS DISTINCT FROM b%d)) AS x%d",
                i, i, i, i, i, i, i);
    tarn_text_add(sql, " FROM (SELECT d.*, o.r AS orow");
    for (int i = 0; i < m->n; i++)
        if (m->columns[i].key < 0) tarn_text_addf(sql, ", o.c%d AS o%d", i, i);
    tarn_text_add(sql, " FROM (");
    add_theirs_work(sql, m);
    tarn_text_add(sql, ") d LEFT JOIN ");
    add_side(sql, m, 'o');
    tarn_text_add(sql, " ON ");
    add_on(sql, m, "d.k", "o.c");
    tarn_text_add(sql, ")");
}

static void add_any_clash(tarn_text *sql, const tarn_merging *m)
{
    tarn_text_add(sql, "(false");
    for (int i = 0; i < m->n; i++)
        if (by_cell(&m->columns[i])) tarn_text_addf(sql, " OR x%d", i);
    tarn_text_add(sql, ")");
}

/* What column i becomes. */
static void add_merged(tarn_text *sql, const tarn_merging *m, int i)
{
    if (m->columns[i].from == TARN_FROM_OURS)
        tarn_text_addf(sql, ", CASE WHEN orow IS NOT NULL THEN o%d ELSE t%d END AS m%d", i, i, i);
    else if (m->columns[i].from == TARN_FROM_THEIRS)
        tarn_text_addf(sql, ", CASE WHEN tr IS NOT NULL THEN t%d ELSE o%d END AS m%d", i, i, i);
    else
        tarn_text_addf(
            sql,
            ", CASE WHEN orow IS NULL THEN t%d WHEN tr IS NULL THEN o%d WHEN x%d THEN %c%d WHEN br IS NULL OR "
            "t%d IS NOT DISTINCT FROM b%d THEN o%d ELSE t%d END AS m%d",
            i, i, i, m->options->resolve == TARN_ROWS_THEIRS ? 't' : 'o', i, i, i, i, i, i);
}

/* + clash (-1: none), fate, m<i> */
static void add_touched(tarn_text *sql, const tarn_merging *m)
{
    const char *theirs = m->options->resolve == TARN_ROWS_THEIRS ? "true" : "false";

    tarn_text_addf(
        sql, "SELECT *, CASE WHEN tr IS NULL AND oe THEN %d WHEN br IS NOT NULL AND orow IS NULL AND te THEN %d WHEN ",
        TARN_CLASH_THEIRS, TARN_CLASH_OURS);
    add_any_clash(sql, m);
    tarn_text_addf(sql, " THEN CASE WHEN br IS NULL THEN %d ELSE %d END ELSE -1 END AS clash", TARN_CLASH_ADDED,
                   TARN_CLASH_CELL);
    tarn_text_addf(
        sql,
        ", CASE WHEN orow IS NOT NULL AND tr IS NOT NULL THEN %d WHEN orow IS NOT NULL AND (NOT oe OR %s) THEN "
        "%d WHEN orow IS NULL AND tr IS NOT NULL AND (br IS NULL OR (te AND %s)) THEN %d ELSE %d END AS fate",
        UPDATE, theirs, REMOVE, theirs, ADD, NOTHING);
    for (int i = 0; i < m->n; i++)
        if (m->columns[i].key < 0) add_merged(sql, m, i);
    tarn_text_add(sql, " FROM (");
    add_beside(sql, m);
    tarn_text_add(sql, ")");
}

/* Ours with the touched rows in place, then what theirs added; columns by their names. */
static void add_result(tarn_text *sql, const tarn_merging *m)
{
    tarn_text_add(sql, "SELECT ");
    for (int i = 0; i < m->n; i++) {
        tarn_text_addf(sql, "%sv%d AS ", i ? ", " : "", i);
        tarn_sql_name(sql, m->columns[i].name);
    }
    tarn_text_add(sql, " FROM (SELECT 0 AS part, o.r AS place");
    for (int i = 0; i < m->n; i++) {
        if (m->columns[i].key >= 0) tarn_text_addf(sql, ", o.c%d AS v%d", i, i);
        else tarn_text_addf(sql, ", CASE WHEN p.orow IS NULL THEN o.c%d ELSE p.m%d END AS v%d", i, i, i);
    }
    tarn_text_add(sql, " FROM ");
    add_side(sql, m, 'o');
    tarn_text_addf(sql, " LEFT JOIN (FROM " TOUCHED " WHERE fate IN (%d, %d)) p ON o.r = p.orow", UPDATE, REMOVE);
    tarn_text_addf(sql, " WHERE p.fate IS DISTINCT FROM %d UNION ALL SELECT 1, tr", REMOVE);
    for (int i = 0; i < m->n; i++) tarn_text_addf(sql, ", %c%d", m->columns[i].key >= 0 ? 'k' : 'm', i);
    tarn_text_addf(sql, " FROM " TOUCHED " WHERE fate = %d) ORDER BY part, place", ADD);
}

/* ---- conflicts ---- */

typedef struct teller {
    tarn_merging *m;
    tarn_row_cell *key;
    tarn_rows_column *names;
    size_t *at;
    tarn_text store;
} teller;

/* clash, key, then base, ours, theirs and "this cell" of each column that is merged by cell. */
static void select_conflicts(tarn_text *sql, const tarn_merging *m)
{
    tarn_text_add(sql, "SELECT clash");
    for (int k = 0; k < m->n_key; k++)
        for (int i = 0; i < m->n; i++)
            if (m->columns[i].key == k) tarn_text_addf(sql, ", CAST(k%d AS VARCHAR)", i);
    for (int i = 0; i < m->n; i++)
        if (by_cell(&m->columns[i]))
            tarn_text_addf(
                sql,
                ", CAST(b%d AS VARCHAR), CAST(o%d AS VARCHAR), CAST(t%d AS VARCHAR), CASE clash WHEN %d THEN b%d "
                "IS DISTINCT FROM o%d WHEN %d THEN b%d IS DISTINCT FROM t%d ELSE x%d END",
                i, i, i, TARN_CLASH_THEIRS, i, i, TARN_CLASH_OURS, i, i, i);
    tarn_text_add(sql, " FROM " TOUCHED " WHERE clash >= 0 ORDER BY ");
    for (int k = 0; k < m->n_key; k++)
        for (int i = 0; i < m->n; i++)
            if (m->columns[i].key == k) tarn_text_addf(sql, "%sk%d", k ? ", " : "", i);
    if (m->options->limit > 0) tarn_text_addf(sql, " LIMIT %lld", (long long)m->options->limit);
}

static const char *kept(const teller *t, size_t at) { return at == SIZE_MAX ? NULL : t->store.data + at; }

static tarn_code tell_row(teller *t, const tarn_columns *piece, int64_t row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_merging *m = t->m;
    tarn_row_conflict conflict = {.key = t->key, .n_key = m->n_key};
    int column = 1, n = m->n_key;

    conflict.kind = (tarn_clash)((const int64_t *)tarn_columns_at(piece, 0)->values)[row];
    t->store.len = 0;
    for (int i = 0; i < m->n_key; i++) tarn_cell_keep(&t->store, tarn_columns_at(piece, column++), row, &t->at[i]);
    for (; column < tarn_columns_count(piece); column += 4)
        for (int i = 0; i < 3; i++) tarn_cell_keep(&t->store, tarn_columns_at(piece, column + i), row, &t->at[n++]);
    TARN_TRY(tarn_text_check(&t->store, err));
    for (int i = 0; i < m->n_key; i++) t->key[i].before = t->key[i].after = kept(t, t->at[i]);
    column = 1 + m->n_key;
    n = m->n_key;
    for (int i = 0; i < m->n; i++) {
        if (!by_cell(&m->columns[i])) continue;
        if (((const uint8_t *)tarn_columns_at(piece, column + 3)->values)[row]) {
            conflict.column = m->columns[i].name;
            conflict.type = tarn_type_of_sql(m->columns[i].type);
            conflict.base = kept(t, t->at[n]);
            conflict.ours = kept(t, t->at[n + 1]);
            conflict.theirs = kept(t, t->at[n + 2]);
            TARN_TRY(m->options->conflict(m->options->arg, &conflict, err));
        }
        column += 4;
        n += 3;
    }
done:
    return rc;
}

static tarn_code tell_piece(void *arg, const tarn_columns *piece, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int64_t i = 0; rc == TARN_OK && i < tarn_columns_rows(piece); i++) rc = tell_row(arg, piece, i, err);
    return rc;
}

static tarn_code tell_conflicts(tarn_merging *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    teller t = {.m = m};
    tarn_text sql = {0};

    if (!m->options->conflict || m->options->limit == 0 || m->out->conflict_rows == 0) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(m->arena, &t.key, (size_t)m->n_key, sizeof *t.key, err));
    TARN_TRY(tarn_arena_alloc(m->arena, &t.names, (size_t)m->n_key, sizeof *t.names, err));
    TARN_TRY(tarn_arena_alloc(m->arena, &t.at, 3 * (size_t)m->n + (size_t)m->n_key, sizeof *t.at, err));
    for (int i = 0; i < m->n; i++) {
        const tarn_merge_column *c = &m->columns[i];
        if (c->key < 0) continue;
        t.names[c->key] = (tarn_rows_column){.name = c->name, .before = c->type, .after = c->type, .key = true};
        t.names[c->key].type_before = t.names[c->key].type_after = tarn_type_of_sql(c->type);
        t.key[c->key].column = &t.names[c->key];
    }
    select_conflicts(&sql, m);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_each(m->db, sql.data, tell_piece, &t, err));
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&t.store);
    return rc;
}

/* ---- the whole ---- */

static tarn_code open_sides(tarn_merging *m, const char *base, const char *ours, const char *theirs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_rows_merge_options *o = m->options;
    tarn_rowside *const sides[] = {&m->b, &m->o, &m->t};

    TARN_TRY(tarn_rowside_key(m->arena, o->key, &m->key, &m->n_key, err));
    TARN_TRY(tarn_rowside_open(m->db, m->arena, base, o->base_name, &m->b, err));
    TARN_TRY(tarn_rowside_open(m->db, m->arena, ours, o->ours_name, &m->o, err));
    TARN_TRY(tarn_rowside_open(m->db, m->arena, theirs, o->theirs_name, &m->t, err));
    for (int i = 0; i < 3; i++) TARN_TRY(tarn_rowside_check_key(m->db, sides[i], m->key, m->n_key, err));
done:
    return rc;
}

static tarn_code make_touched(tarn_merging *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t a, b, same;

    if (!any_theirs(m)) TARN_TRY(tarn_rowside_skip_same(m->db, m->arena, &m->b, &m->t, &a, &b, &same, err));
    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " TOUCHED " AS ");
    add_touched(&sql, m);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(m->db, sql.data, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code count_fates(tarn_merging *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;

    tarn_text_addf(&sql,
                   "SELECT count(*) FILTER (clash >= 0), count(*) FILTER (fate = %d), count(*) FILTER (fate = %d), "
                   "count(*) FILTER (fate = %d AND (false",
                   ADD, REMOVE, UPDATE);
    for (int i = 0; i < m->n; i++)
        if (m->columns[i].key < 0) tarn_text_addf(&sql, " OR m%d IS DISTINCT FROM o%d", i, i);
    tarn_text_add(&sql, ")) FROM " TOUCHED);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(m->db, sql.data, 1, &c, err));
    int64_t *into[] = {&m->out->conflict_rows, &m->out->added, &m->out->removed, &m->out->changed};
    for (int i = 0; i < 4; i++) *into[i] = *(const int64_t *)tarn_columns_at(c, i)->values;
done:
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}

static tarn_code write_result(tarn_merging *m, const char *to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    add_result(&sql, m);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_write_parquet(m->db, sql.data, "", to, &m->out->rows, err));
    m->out->written = true;
done:
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code merge(tarn_merging *m, const char *to, tarn_err *err)
{
    tarn_code rc = TARN_OK, back;

    TARN_TRY(tarn_merge_schema(m, err));
    TARN_TRY(make_touched(m, err));
    rc = count_fates(m, err);
    if (rc == TARN_OK) rc = tell_conflicts(m, err);
    bool clean = m->out->conflict_rows + m->out->conflict_columns == 0;
    if (rc == TARN_OK && (clean || m->options->resolve != TARN_ROWS_NONE)) rc = write_result(m, to, err);
    back = tarn_db_run(m->db, "DROP TABLE " TOUCHED, rc == TARN_OK ? err : NULL);
    if (rc == TARN_OK) rc = back;
done:
    return rc;
}

tarn_code tarn_rows_merge(tarn_db *db, const char *base, const char *ours, const char *theirs,
                          const tarn_rows_merge_options *options, const char *to, tarn_rows_merged *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_merging m = {.db = db, .options = options, .out = out};

    *out = (tarn_rows_merged){0};
    TARN_TRY(tarn_arena_new(&m.arena, err));
    TARN_TRY(open_sides(&m, base, ours, theirs, err));
    TARN_TRY(merge(&m, to, err));
done:
    tarn_arena_free(m.arena);
    return rc;
}
