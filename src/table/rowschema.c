/* SPDX-License-Identifier: Apache-2.0 */
/* rowschema.c - which columns a merged table has, of which types, and where they come from. See rows.h for the rules.
 *
 * A column is looked at with its three types (base, ours, theirs; none: not there). What only its cells can tell (did
 * ours change a cell of what theirs dropped; does what ours wrote survive the type that theirs gave) is asked of the
 * files, and only where the types make it a question. */
#include "table/rowmerge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A column of any of the three, before it is decided. */
typedef struct three {
    const char *name;
    int b, o, t;
    const char *type_b, *type_o, *type_t; /* NULL: not there */
} three;

static three look(const tarn_merging *m, const char *name)
{
    three c = {.name = name, .b = tarn_rowside_find(&m->b, name), .o = tarn_rowside_find(&m->o, name)};

    c.t = tarn_rowside_find(&m->t, name);
    c.type_b = c.b < 0 ? NULL : m->b.columns[c.b].type;
    c.type_o = c.o < 0 ? NULL : m->o.columns[c.o].type;
    c.type_t = c.t < 0 ? NULL : m->t.columns[c.t].type;
    return c;
}

static bool same_type(const char *x, const char *y) { return x && y && strcmp(x, y) == 0; }

static int key_place(const tarn_merging *m, const char *name)
{
    for (int i = 0; i < m->n_key; i++)
        if (strcasecmp(m->key[i], name) == 0) return i;
    return -1;
}

static void take(tarn_merging *m, const three *c, const char *type, tarn_merge_from from)
{
    m->columns[m->n++] = (tarn_merge_column){
        .name = c->name, .type = type, .b = c->b, .o = c->o, .t = c->t, .key = key_place(m, c->name), .from = from};
}

/* Count the conflict and tell it. */
static tarn_code clash(tarn_merging *m, const three *c, tarn_err *err, const char *fmt, ...) TARN_PRINTF(4, 5);
static tarn_code clash(tarn_merging *m, const three *c, tarn_err *err, const char *fmt, ...)
{
    char why[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    m->out->conflict_columns++;
    if (!m->options->conflict || m->options->limit == 0) return TARN_OK;
    tarn_row_conflict conflict = {.kind = TARN_CLASH_COLUMN,
                                  .column = c->name,
                                  .type = TARN_TEXT,
                                  .base = c->type_b,
                                  .ours = c->type_o,
                                  .theirs = c->type_t,
                                  .why = why};
    return m->options->conflict(m->options->arg, &conflict, err);
}

/* ---- what the cells say ---- */

/* (SELECT file_row_number AS r, key, v FROM side) x; v is column `at`. */
static void add_value_of(tarn_text *sql, const tarn_merging *m, const tarn_rowside *side, int at, char x)
{
    tarn_text_add(sql, "(SELECT file_row_number AS r, ");
    for (int i = 0; i < m->n_key; i++) {
        tarn_sql_name(sql, side->columns[tarn_rowside_find(side, m->key[i])].name);
        tarn_text_addf(sql, " AS k%d, ", i);
    }
    tarn_sql_name(sql, side->columns[at].name);
    tarn_text_add(sql, " AS v");
    tarn_rowside_from(sql, side);
    tarn_text_addf(sql, ") %c", x);
}

static void add_keys(tarn_text *sql, const tarn_merging *m)
{
    for (int i = 0; i < m->n_key; i++) tarn_text_addf(sql, "%sx.k%d = b.k%d", i ? " AND " : "", i, i);
}

/* Cells of a column that this side changed, in rows that base has too. */
static tarn_code cells_changed(tarn_merging *m, const tarn_rowside *side, int at, int at_base, int64_t *n,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    tarn_text_add(&sql, "SELECT count(*) FROM ");
    add_value_of(&sql, m, side, at, 'x');
    tarn_text_add(&sql, " JOIN ");
    add_value_of(&sql, m, &m->b, at_base, 'b');
    tarn_text_add(&sql, " ON ");
    add_keys(&sql, m);
    tarn_text_add(&sql, " WHERE x.v IS DISTINCT FROM b.v");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(m->db, sql.data, n, err));
done:
    tarn_text_clear(&sql);
    return rc;
}

/* Cells that this side wrote and that are not the same any more once they have been `type`. sample: one of them. */
static tarn_code cells_lost(tarn_merging *m, const tarn_rowside *side, int at, int at_base, const char *type,
                            int64_t *n, char sample[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0}, text = {0};
    tarn_columns *c = NULL;
    size_t start = 0;

    tarn_text_add(&sql, "SELECT count(*), min(CAST(x.v AS VARCHAR)) FROM ");
    add_value_of(&sql, m, side, at, 'x');
    tarn_text_add(&sql, " LEFT JOIN ");
    add_value_of(&sql, m, &m->b, at_base, 'b');
    tarn_text_add(&sql, " ON ");
    add_keys(&sql, m);
    tarn_text_addf(&sql,
                   " WHERE x.v IS NOT NULL AND (b.r IS NULL OR x.v IS DISTINCT FROM b.v) AND "
                   "TRY_CAST(TRY_CAST(x.v AS %s) AS %s) IS DISTINCT FROM x.v",
                   type, side->columns[at].type);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(m->db, sql.data, 1, &c, err));
    *n = *(const int64_t *)tarn_columns_at(c, 0)->values;
    tarn_cell_keep(&text, tarn_columns_at(c, 1), 0, &start);
    TARN_TRY(tarn_text_check(&text, err));
    (void)snprintf(sample, 64, "%.40s", text.data ? text.data : "");
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&text);
    tarn_columns_release(c);
    return rc;
}

/* ---- deciding ---- */

static void take_resolved(tarn_merging *m, const three *c)
{
    bool theirs = m->options->resolve == TARN_ROWS_THEIRS;

    take(m, c, theirs ? c->type_t : c->type_o, theirs ? TARN_FROM_THEIRS : TARN_FROM_OURS);
}

/* All three have it, and one side gave it another type. */
static tarn_code retyped(tarn_merging *m, const three *c, bool by_theirs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *type = by_theirs ? c->type_t : c->type_o;
    int64_t lost = 0;
    char sample[64];

    TARN_TRY(cells_lost(m, by_theirs ? &m->o : &m->t, by_theirs ? c->o : c->t, c->b, type, &lost, sample, err));
    if (lost == 0) {
        take(m, c, type, TARN_FROM_BOTH);
        goto done;
    }
    TARN_TRY(clash(m, c, err, "%s made it %.80s, and %s wrote %lld value%s that cannot be that, like '%s'",
                   by_theirs ? "theirs" : "ours", type, by_theirs ? "ours" : "theirs", (long long)lost,
                   lost == 1 ? "" : "s", sample));
    take_resolved(m, c);
done:
    return rc;
}

/* Base had it, one side dropped it. */
static tarn_code dropped(tarn_merging *m, const three *c, bool by_theirs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *type = by_theirs ? c->type_o : c->type_t;
    bool kept = m->options->resolve == (by_theirs ? TARN_ROWS_OURS : TARN_ROWS_THEIRS);
    int64_t changed = 0;

    if (!same_type(type, c->type_b)) {
        TARN_TRY(clash(m, c, err, "%s dropped it, and %s made it %.80s", by_theirs ? "theirs" : "ours",
                       by_theirs ? "ours" : "theirs", type));
    } else {
        TARN_TRY(cells_changed(m, by_theirs ? &m->o : &m->t, by_theirs ? c->o : c->t, c->b, &changed, err));
        if (changed == 0) goto done;
        TARN_TRY(clash(m, c, err, "%s dropped it, and %s changed it in %lld row%s", by_theirs ? "theirs" : "ours",
                       by_theirs ? "ours" : "theirs", (long long)changed, changed == 1 ? "" : "s"));
    }
    if (kept) take(m, c, type, by_theirs ? TARN_FROM_OURS : TARN_FROM_THEIRS);
done:
    return rc;
}

static tarn_code decide_key(tarn_merging *m, const three *c, tarn_err *err)
{
    bool same = same_type(c->type_o, c->type_t) && (!m->b.path || same_type(c->type_o, c->type_b));

    if (!same)
        return TARN_FAIL(
            err, TARN_INVALID,
            "key column '%.80s' is %.60s in base, %.60s in ours and %.60s in theirs; a merge by key needs one "
            "type",
            c->name, c->type_b ? c->type_b : "not there", c->type_o ? c->type_o : "not there",
            c->type_t ? c->type_t : "not there");
    take(m, c, c->type_o, TARN_FROM_BOTH);
    return TARN_OK;
}

static tarn_code decide_three(tarn_merging *m, const three *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (same_type(c->type_o, c->type_t)) {
        take(m, c, c->type_o, TARN_FROM_BOTH);
    } else if (same_type(c->type_o, c->type_b) || same_type(c->type_t, c->type_b)) {
        rc = retyped(m, c, same_type(c->type_o, c->type_b), err);
    } else {
        rc = clash(m, c, err, "%s, as %.80s by ours and as %.80s by theirs",
                   c->type_b ? "retyped by both" : "added by both", c->type_o, c->type_t);
        take_resolved(m, c);
    }
    return rc;
}

static tarn_code decide(tarn_merging *m, const char *name, tarn_err *err)
{
    three c = look(m, name);

    if (key_place(m, name) >= 0) return decide_key(m, &c, err);
    if (c.o >= 0 && c.t >= 0) return decide_three(m, &c, err);
    if (c.b >= 0) return dropped(m, &c, c.t < 0, err);
    take(m, &c, c.o >= 0 ? c.type_o : c.type_t, c.o >= 0 ? TARN_FROM_OURS : TARN_FROM_THEIRS);
    return TARN_OK;
}

tarn_code tarn_merge_schema(tarn_merging *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t most = (size_t)m->o.n_columns + (size_t)m->t.n_columns + 1;

    TARN_TRY(tarn_arena_alloc(m->arena, &m->columns, most, sizeof *m->columns, err));
    for (int i = 0; i < m->o.n_columns; i++) TARN_TRY(decide(m, m->o.columns[i].name, err));
    for (int i = 0; i < m->t.n_columns; i++)
        if (tarn_rowside_find(&m->o, m->t.columns[i].name) < 0) TARN_TRY(decide(m, m->t.columns[i].name, err));
done:
    return rc;
}
