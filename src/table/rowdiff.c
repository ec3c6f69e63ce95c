/* SPDX-License-Identifier: Apache-2.0 */
/* rowdiff.c - which rows differ between two tables. See rows.h.
 *
 * Both files are read where their row groups are not the same bytes (rowgroups.c) and joined by key. A pair of groups
 * that is left out holds the same rows with the same keys in both; since a key stands once in a file, none of those
 * keys is among the rows that are read. So a row that moved from one group to another is found, whatever groups are
 * left out.
 *
 * What differs goes into a temporary table of the engine (which spills), with both values of each column: from there
 * come the counts and the rows, in key order, a few thousand at a time.
 *
 * Order of calls: match_columns, check_keys, skip, join_sides, count, hand_over. */
#include "table/rows.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/rowgroups.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A column that either table has. */
typedef struct both {
    int a, b;  /* index in the side, or -1 */
    int key;   /* place in the key, or -1 */
    bool text; /* compared as text */
} both;

typedef struct differ {
    tarn_db *db;
    const tarn_rows_options *options;
    tarn_rows_difference *out;
    tarn_rowside a, b;
    const char **key;
    int n_key;
    both *columns; /* as out->columns */
    int n;
    tarn_row_cell *keys, *cells;
    tarn_text store; /* of the row that is handed over */
    size_t *at;      /* its texts in store */
} differ;

const char *tarn_row_kind_name(tarn_row_kind kind)
{
    static const char *const names[] = {"added", "removed", "changed"};
    return (unsigned)kind < 3 ? names[kind] : "?";
}

/* ---- columns ---- */

/* Whether the engine compares values of both types as what they are. */
static bool comparable(const char *a, const char *b)
{
    tarn_type x = tarn_type_of_sql(a), y = tarn_type_of_sql(b);
    bool numbers = (x == TARN_INT || x == TARN_REAL) && (y == TARN_INT || y == TARN_REAL);

    return strcmp(a, b) == 0 || numbers || (x == TARN_TIME && y == TARN_TIME);
}

static void add_column(differ *d, int a, int b)
{
    const tarn_rowside_column *x = a < 0 ? NULL : &d->a.columns[a], *y = b < 0 ? NULL : &d->b.columns[b];
    both *c = &d->columns[d->n];
    tarn_rows_column *r = &d->out->columns[d->n++];

    *c = (both){.a = a, .b = b, .key = -1, .text = x && y && !comparable(x->type, y->type)};
    *r = (tarn_rows_column){.name = y ? y->name : x->name, .before = x ? x->type : NULL, .after = y ? y->type : NULL};
    if (x) r->type_before = tarn_type_of_sql(x->type);
    if (y) r->type_after = tarn_type_of_sql(y->type);
    for (int i = 0; i < d->n_key; i++)
        if (strcasecmp(d->key[i], r->name) == 0) c->key = i;
    r->key = c->key >= 0;
}

static tarn_code match_columns(differ *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_arena *arena = d->out->arena;
    size_t most = (size_t)d->a.n_columns + (size_t)d->b.n_columns + 1;

    if (!d->a.path) d->a = (tarn_rowside){.label = d->a.label, .columns = d->b.columns, .n_columns = d->b.n_columns};
    if (!d->b.path) d->b = (tarn_rowside){.label = d->b.label, .columns = d->a.columns, .n_columns = d->a.n_columns};
    most *= 2;
    TARN_TRY(tarn_arena_alloc(arena, &d->columns, most, sizeof *d->columns, err));
    TARN_TRY(tarn_arena_alloc(arena, &d->out->columns, most, sizeof *d->out->columns, err));
    for (int i = 0; i < d->b.n_columns; i++) add_column(d, tarn_rowside_find(&d->a, d->b.columns[i].name), i);
    for (int i = 0; i < d->a.n_columns; i++)
        if (tarn_rowside_find(&d->b, d->a.columns[i].name) < 0) add_column(d, i, -1);
    d->out->n_columns = d->n;
    TARN_TRY(tarn_arena_alloc(arena, &d->keys, (size_t)d->n_key, sizeof *d->keys, err));
    TARN_TRY(tarn_arena_alloc(arena, &d->cells, (size_t)d->n + 1, sizeof *d->cells, err));
    TARN_TRY(tarn_arena_alloc(arena, &d->at, 2 * (size_t)d->n + (size_t)d->n_key + 1, sizeof *d->at, err));
done:
    return rc;
}

static bool shared(const both *c) { return c->a >= 0 && c->b >= 0 && c->key < 0; }

/* ---- the join ---- */

/* Column i of side x ('a' or 'b') as it is compared. */
static void add_value(tarn_text *sql, const both *c, char x, int i)
{
    tarn_text_addf(sql, c->text ? "CAST(%c.%c%d AS VARCHAR)" : "%c.%c%d", x, x, i);
}

static void add_distinct(tarn_text *sql, const both *c, int i)
{
    add_value(sql, c, 'a', i);
    tarn_text_add(sql, " IS DISTINCT FROM ");
    add_value(sql, c, 'b', i);
}

/* (SELECT r, a0, a1, ... FROM the side) a, or (SELECT r, ... b1, b0 FROM the side) b. The engine's hash of a comparison
 * is the exclusive-or of those of its columns' names, and of their places once they are bound. Were these the same on
 * both sides, they would cancel out, all comparisons would have one hash, and 5,000 columns take minutes to plan. */
static void add_side(tarn_text *sql, const differ *d, char x)
{
    const tarn_rowside *side = x == 'a' ? &d->a : &d->b;

    tarn_text_add(sql, side->path ? "(SELECT file_row_number AS r" : "(SELECT NULL::BIGINT AS r");
    for (int k = 0; k < d->n; k++) {
        int i = x == 'a' ? k : d->n - 1 - k, at = x == 'a' ? d->columns[i].a : d->columns[i].b;
        if (at < 0) continue;
        tarn_text_add(sql, ", ");
        if (side->path) tarn_sql_name(sql, side->columns[at].name);
        else tarn_text_addf(sql, "NULL::%s", side->columns[at].type);
        tarn_text_addf(sql, " AS %c%d", x, i);
    }
    if (side->path) tarn_rowside_from(sql, side);
    else tarn_text_add(sql, " WHERE false");
    tarn_text_addf(sql, ") %c", x);
}

/* kind, k0.. (key), a0.. and b0.. (values), d0.. (differs) of the rows that differ. */
static void add_join(tarn_text *sql, const differ *d)
{
    const char *and = "";

    tarn_text_addf(sql, "SELECT CASE WHEN a.r IS NULL THEN %d WHEN b.r IS NULL THEN %d ELSE %d END AS kind",
                   TARN_ROW_ADDED, TARN_ROW_REMOVED, TARN_ROW_CHANGED);
    for (int i = 0; i < d->n; i++) {
        const both *c = &d->columns[i];
        if (c->key >= 0) {
            tarn_text_add(sql, ", coalesce(");
            add_value(sql, c, 'b', i);
            tarn_text_add(sql, ", ");
            add_value(sql, c, 'a', i);
            tarn_text_addf(sql, ") AS k%d", c->key);
            continue;
        }
        if (c->a >= 0) tarn_text_addf(sql, ", a.a%d AS a%d", i, i);
        if (c->b >= 0) tarn_text_addf(sql, ", b.b%d AS b%d", i, i);
        if (!shared(c)) continue;
        tarn_text_add(sql, ", (a.r IS NOT NULL AND b.r IS NOT NULL AND ");
        add_distinct(sql, c, i);
        tarn_text_addf(sql, ") AS d%d", i);
    }
    tarn_text_add(sql, " FROM ");
    add_side(sql, d, 'a');
    tarn_text_add(sql, " FULL OUTER JOIN ");
    add_side(sql, d, 'b');
    tarn_text_add(sql, " ON ");
    for (int i = 0; i < d->n; i++) {
        if (d->columns[i].key < 0) continue;
        tarn_text_add(sql, and);
        add_value(sql, &d->columns[i], 'a', i);
        tarn_text_add(sql, " = ");
        add_value(sql, &d->columns[i], 'b', i);
        and = " AND ";
    }
    tarn_text_add(sql, " WHERE a.r IS NULL OR b.r IS NULL");
    for (int i = 0; i < d->n; i++) {
        if (!shared(&d->columns[i])) continue;
        tarn_text_add(sql, " OR ");
        add_distinct(sql, &d->columns[i], i);
    }
}

/* ---- counts ---- */

/* from: a table, or a query in brackets. */
static tarn_code count(differ *d, const char *from, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rows_difference *out = d->out;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    int at = 3;

    tarn_text_addf(&sql, "SELECT count(*) FILTER (kind = %d), count(*) FILTER (kind = %d), count(*) FILTER (kind = %d)",
                   TARN_ROW_ADDED, TARN_ROW_REMOVED, TARN_ROW_CHANGED);
    for (int i = 0; i < d->n; i++)
        if (shared(&d->columns[i])) tarn_text_addf(&sql, ", count_if(d%d)", i);
    tarn_text_addf(&sql, " FROM %s", from);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(d->db, sql.data, 1, &c, err));
    int64_t *into[] = {&out->added, &out->removed, &out->changed};
    for (int i = 0; i < 3; i++) *into[i] = *(const int64_t *)tarn_columns_at(c, i)->values;
    for (int i = 0; i < d->n; i++)
        if (shared(&d->columns[i])) out->columns[i].changed = *(const int64_t *)tarn_columns_at(c, at++)->values;
    out->unchanged = out->rows_a - out->removed - out->changed;
done:
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}

/* ---- rows ---- */

static void select_rows(tarn_text *sql, const differ *d)
{
    tarn_text_add(sql, "SELECT kind");
    for (int i = 0; i < d->n_key; i++) tarn_text_addf(sql, ", CAST(k%d AS VARCHAR) AS t%d", i, i);
    for (int i = 0; i < d->n; i++) {
        const both *c = &d->columns[i];
        if (c->key >= 0) continue;
        tarn_text_addf(sql, c->a >= 0 ? ", CAST(a%d AS VARCHAR)" : ", NULL::VARCHAR", i);
        tarn_text_addf(sql, c->b >= 0 ? ", CAST(b%d AS VARCHAR)" : ", NULL::VARCHAR", i);
        tarn_text_addf(sql, shared(c) ? ", d%d" : ", false", i);
    }
    tarn_text_add(sql, " FROM tarn_rows_differ ORDER BY ");
    for (int i = 0; i < d->n_key; i++) tarn_text_addf(sql, "%sk%d", i ? ", " : "", i);
    if (d->options->limit > 0) tarn_text_addf(sql, " LIMIT %lld", (long long)d->options->limit);
}

static const char *kept(const differ *d, size_t at) { return at == SIZE_MAX ? NULL : d->store.data + at; }

/* Is this cell of the row told? */
static bool told(const both *c, tarn_row_kind kind, bool differs)
{
    if (kind == TARN_ROW_ADDED) return c->b >= 0;
    if (kind == TARN_ROW_REMOVED) return c->a >= 0;
    return differs;
}

/* Texts go to the store first, since it moves while it grows; then the cells point into it. */
static tarn_code hand_row(differ *d, const tarn_columns *piece, int64_t row, tarn_err *err)
{
    tarn_row_change change = {.key = d->keys, .n_key = d->n_key, .cells = d->cells};
    int column = 1, n = 0;

    change.kind = (tarn_row_kind)((const int64_t *)tarn_columns_at(piece, 0)->values)[row];
    d->store.len = 0;
    for (int i = 0; i < d->n_key; i++) tarn_cell_keep(&d->store, tarn_columns_at(piece, column++), row, &d->at[i]);
    size_t *at = d->at + d->n_key;
    for (int i = 0; i < d->n; i++) {
        if (d->columns[i].key >= 0) continue;
        bool differs = ((const uint8_t *)tarn_columns_at(piece, column + 2)->values)[row];
        if (told(&d->columns[i], change.kind, differs)) {
            tarn_cell_keep(&d->store, tarn_columns_at(piece, column), row, &at[2 * n]);
            tarn_cell_keep(&d->store, tarn_columns_at(piece, column + 1), row, &at[2 * n + 1]);
            d->cells[n++].column = &d->out->columns[i];
        }
        column += 3;
    }
    tarn_code rc = tarn_text_check(&d->store, err);
    if (rc != TARN_OK) return rc;
    for (int i = 0; i < d->n_key; i++) d->keys[i].before = d->keys[i].after = kept(d, d->at[i]);
    for (int i = 0; i < n; i++) {
        d->cells[i].before = kept(d, at[2 * i]);
        d->cells[i].after = kept(d, at[2 * i + 1]);
    }
    change.n_cells = n;
    return d->options->row(d->options->arg, &change, err);
}

static tarn_code hand_piece(void *arg, const tarn_columns *piece, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int64_t i = 0; rc == TARN_OK && i < tarn_columns_rows(piece); i++) rc = hand_row(arg, piece, i, err);
    return rc;
}

static tarn_code hand_over(differ *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    for (int i = 0; i < d->n; i++)
        if (d->columns[i].key >= 0) d->keys[d->columns[i].key].column = &d->out->columns[i];
    select_rows(&sql, d);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_each(d->db, sql.data, hand_piece, d, err));
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&d->store);
    return rc;
}

/* ---- the whole ---- */

static tarn_code open_sides(differ *d, const char *a, const char *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_arena *arena = d->out->arena;

    TARN_TRY(tarn_rowside_key(arena, d->options->key, &d->key, &d->n_key, err));
    TARN_TRY(tarn_rowside_open(d->db, arena, a, d->options->a_name, &d->a, err));
    TARN_TRY(tarn_rowside_open(d->db, arena, b, d->options->b_name, &d->b, err));
    TARN_TRY(tarn_rowside_check_key(d->db, &d->a, d->key, d->n_key, err));
    TARN_TRY(tarn_rowside_check_key(d->db, &d->b, d->key, d->n_key, err));
    d->out->rows_a = d->a.rows;
    d->out->rows_b = d->b.rows;
    TARN_TRY(match_columns(d, err));
    TARN_TRY(tarn_rowside_skip_same(d->db, arena, &d->a, &d->b, &d->out->groups_a, &d->out->groups_b,
                                    &d->out->groups_same, err));
done:
    return rc;
}

/* Without rows to hand over, counting runs over the join itself. */
static tarn_code look(differ *d, tarn_err *err)
{
    tarn_code rc = TARN_OK, back;
    tarn_text sql = {0};
    bool rows = d->options->row && d->options->limit != 0;

    tarn_text_add(&sql, rows ? "CREATE OR REPLACE TEMP TABLE tarn_rows_differ AS " : "(");
    add_join(&sql, d);
    if (!rows) tarn_text_add(&sql, ")");
    TARN_TRY(tarn_text_check(&sql, err));
    if (!rows) {
        TARN_TRY(count(d, sql.data, err));
        goto done;
    }
    TARN_TRY(tarn_db_run(d->db, sql.data, err));
    rc = count(d, "tarn_rows_differ", err);
    if (rc == TARN_OK) rc = hand_over(d, err);
    back = tarn_db_run(d->db, "DROP TABLE tarn_rows_differ", rc == TARN_OK ? err : NULL);
    if (rc == TARN_OK) rc = back;
done:
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_rows_diff(tarn_db *db, const char *a, const char *b, const tarn_rows_options *options,
                         tarn_rows_difference *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    differ d = {.db = db, .options = options, .out = out};

    *out = (tarn_rows_difference){0};
    if (!a && !b) return TARN_FAIL(err, TARN_INVALID, "there is no table to compare");
    TARN_TRY(tarn_arena_new(&out->arena, err));
    TARN_TRY(open_sides(&d, a, b, err));
    bool nothing = d.a.part && d.a.n_ranges == 0 && d.b.n_ranges == 0;
    if (nothing) out->unchanged = out->rows_a;
    else TARN_TRY(look(&d, err));
done:
    return rc;
}

void tarn_rows_difference_clear(tarn_rows_difference *d)
{
    tarn_arena_free(d->arena);
    *d = (tarn_rows_difference){0};
}
