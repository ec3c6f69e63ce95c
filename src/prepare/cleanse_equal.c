/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse_equal.c - repairs of what is the same: equal rows, and words spelt in two ways. See cleansing.h. */
#include "prepare/cleansing.h"

#include "base/mem.h"
#include "prepare/names.h"

#include <string.h>

/* ---- duplicates ---- */

/* "a, b desc" as an ORDER BY list, ending with the row number. */
static tarn_code add_order(const tarn_cleansing *c, const char *order, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *list = order;
    char name[TARN_NAME_CAP];
    int at;

    while (tarn_name_next(&list, name, sizeof name)) {
        size_t len = strlen(name);
        bool down = len > 5 && strcmp(name + len - 5, " desc") == 0;
        if (down) name[len - 5] = '\0';
        TARN_TRY(tarn_cleanse_field(c, name, &at, err));
        tarn_sql_name(out, c->fields[at].name);
        tarn_text_add(out, down ? " DESC NULLS LAST, " : " ASC NULLS LAST, ");
    }
    tarn_sql_name(out, c->row);
done:
    if (rc != TARN_OK) tarn_err_note(err, "order");
    return rc;
}

/* `where` for the rows that are not the first of their kind; names for the report. */
static tarn_code where_surplus(const tarn_cleansing *c, const tarn_repair *r, tarn_text *where, tarn_text *names,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *marked = NULL;
    bool first = true;

    TARN_TRY(tarn_alloc(&marked, (size_t)c->n_fields, 1, err));
    TARN_TRY(tarn_cleanse_pick(c, r, NULL, "", marked, err));
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
    tarn_text_add(where, ") AS k FROM " TARN_CLEANSE_COPY ") WHERE k > 1)");
    TARN_TRY(tarn_text_check(where, err));
    TARN_TRY(tarn_text_check(names, err));
done:
    tarn_free(marked);
    return rc;
}

tarn_code tarn_cleanse_duplicates(tarn_cleansing *c, const tarn_repair *r, const char *action, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, names = {0};
    tarn_outcome o = {.action = action, .examples = json_array()};

    TARN_TRY(where_surplus(c, r, &where, &names, err));
    o.column = names.data;
    TARN_TRY(tarn_cleanse_count_where(c, &where, &o.found, err));
    if (o.found > 0) {
        TARN_TRY(tarn_cleanse_examples(c, &where, NULL, o.examples, err));
        TARN_TRY(tarn_cleanse_delete(c, &where, err));
        o.repaired = o.found;
    }
    TARN_TRY(tarn_cleanse_tell(c, r, &o, err));
done:
    json_decref(o.examples);
    tarn_text_clear(&names);
    tarn_text_clear(&where);
    return rc;
}

/* ---- category ---- */

/* TARN_CLEANSE_MAP from a JSON object. */
static tarn_code map_given(const tarn_cleansing *c, const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *map = NULL, *proper;
    const char *variant;
    tarn_text sql = {0};

    TARN_TRY(tarn_json_read(text, strlen(text), "map", &map, err));
    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " TARN_CLEANSE_MAP " (a VARCHAR, b VARCHAR)");
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
    json_object_foreach(map, variant, proper)
    {
        if (strcmp(variant, json_string_value(proper)) == 0) continue;
        tarn_text_add(&sql, sql.len == 0 ? "INSERT INTO " TARN_CLEANSE_MAP " VALUES (" : ", (");
        tarn_sql_text(&sql, variant);
        tarn_text_add(&sql, ", ");
        tarn_sql_text(&sql, json_string_value(proper));
        tarn_text_add(&sql, ")");
    }
    if (sql.len > 0 || sql.failed != TARN_OK) TARN_TRY(tarn_cleanse_run(c, &sql, err));
done:
    tarn_text_clear(&sql);
    json_decref(map);
    return rc;
}

/* TARN_CLEANSE_MAP from the column: spellings that are equal but for case and spaces become the most frequent one, of
 * equally frequent ones the first by bytes. */
static tarn_code map_folded(const tarn_cleansing *c, const tarn_field *f, tarn_err *err)
{
    tarn_text sql = {0};

    tarn_text_add(&sql, "CREATE OR REPLACE TEMP TABLE " TARN_CLEANSE_MAP " AS ");
    tarn_text_add(&sql, "WITH spelt AS (SELECT a, n, lower(trim(regexp_replace(a, '[\\s\\p{Z}]+', ' ', 'g'))) AS k ");
    tarn_text_add(&sql, "FROM (SELECT CAST(");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql,
                  " AS VARCHAR) AS a, count(*) AS n FROM " TARN_CLEANSE_COPY " GROUP BY 1) WHERE a IS NOT NULL), ");
    tarn_text_add(&sql, "ranked AS (SELECT a, k, row_number() OVER (PARTITION BY k ORDER BY n DESC, a) AS place ");
    tarn_text_add(&sql, "FROM spelt) SELECT v.a AS a, p.a AS b FROM ranked v ");
    tarn_text_add(&sql, "JOIN ranked p ON p.k = v.k AND p.place = 1 WHERE v.place > 1");
    return tarn_cleanse_run(c, &sql, err);
}

/* FROM and WHERE that join the working copy with TARN_CLEANSE_MAP. */
static void add_joined(tarn_text *out, const tarn_field *f)
{
    tarn_text_add(out, " FROM " TARN_CLEANSE_MAP " m WHERE CAST(" TARN_CLEANSE_COPY ".");
    tarn_sql_name(out, f->name);
    tarn_text_add(out, " AS VARCHAR) = m.a");
}

tarn_code tarn_cleanse_category(tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, tarn_outcome *o,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};

    if (r->map && *r->map) TARN_TRY(map_given(c, r->map, err));
    else TARN_TRY(map_folded(c, f, err));
    tarn_text_add(&sql, "SELECT count(*) FROM " TARN_CLEANSE_COPY " WHERE EXISTS (SELECT 1");
    add_joined(&sql, f);
    tarn_text_add(&sql, ")");
    TARN_TRY(tarn_cleanse_count(c, &sql, &o->found, err));
    if (o->found == 0) goto done;
    tarn_text_add(&sql, "SELECT '''' || m.a || ''' -> ''' || m.b || ''' (' || count(*) || ");
    tarn_text_add(&sql, "CASE count(*) WHEN 1 THEN ' row)' ELSE ' rows)' END FROM ");
    tarn_text_add(&sql, TARN_CLEANSE_COPY ", " TARN_CLEANSE_MAP " m WHERE CAST(" TARN_CLEANSE_COPY ".");
    tarn_sql_name(&sql, f->name);
    tarn_text_addf(&sql, " AS VARCHAR) = m.a GROUP BY m.a, m.b ORDER BY count(*) DESC, m.a LIMIT %d",
                   TARN_CLEANSE_EXAMPLES);
    TARN_TRY(tarn_cleanse_texts(c, &sql, o->examples, err));
    tarn_text_add(&sql, "UPDATE " TARN_CLEANSE_COPY " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql, " = m.b");
    add_joined(&sql, f);
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
    o->repaired = o->found;
done:
    tarn_text_clear(&sql);
    return rc;
}
