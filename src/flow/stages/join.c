/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - the step that makes a table by SQL, and counts what matched and what did not. */
#include "base/mem.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

/* What the questions about a pair of tables are made of. */
typedef struct match_sql {
    tarn_text left, right; /* the tables, as SQL names */
    tarn_text condition;   /* l."a" = r."b" AND ... */
    tarn_text keys;        /* l."a", ... */
} match_sql;

static void clear_match(match_sql *m)
{
    tarn_text_clear(&m->left);
    tarn_text_clear(&m->right);
    tarn_text_clear(&m->condition);
    tarn_text_clear(&m->keys);
}

/* len bytes without the spaces around them, as `<alias>."name"`. */
static void add_column(tarn_text *sql, const char *alias, const char *name, size_t len)
{
    char trimmed[200];

    while (len > 0 && *name == ' ') name++, len--;
    while (len > 0 && name[len - 1] == ' ') len--;
    (void)snprintf(trimmed, sizeof trimmed, "%.*s", (int)(len < sizeof trimmed ? len : sizeof trimmed - 1), name);
    tarn_text_addf(sql, "%s.", alias);
    tarn_sql_name(sql, trimmed);
}

/* From {"left", "right", "on": ["a", "left=right", ...]}. */
static tarn_code read_match(const json_t *match, match_sql *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t i;
    json_t *item, *on = json_object_get(match, "on");

    tarn_sql_name(&m->left, tarn_json_text(match, "left", ""));
    tarn_sql_name(&m->right, tarn_json_text(match, "right", ""));
    json_array_foreach(on, i, item)
    {
        const char *pair = json_string_value(item), *equals = strchr(pair, '=');
        const char *right = equals ? equals + 1 : pair;
        size_t len = equals ? (size_t)(equals - pair) : strlen(pair);
        if (i) tarn_text_add(&m->condition, " AND ");
        add_column(&m->condition, "l", pair, len);
        tarn_text_add(&m->condition, " = ");
        add_column(&m->condition, "r", right, strlen(right));
        if (i) tarn_text_add(&m->keys, ", ");
        add_column(&m->keys, "l", pair, len);
    }
    TARN_TRY(tarn_text_check(&m->left, err));
    TARN_TRY(tarn_text_check(&m->right, err));
    TARN_TRY(tarn_text_check(&m->condition, err));
    TARN_TRY(tarn_text_check(&m->keys, err));
done:
    return rc;
}

static tarn_code ask(tarn_db *db, int64_t *answer, tarn_err *err, const char *fmt, ...) TARN_PRINTF(4, 5);
static tarn_code ask(tarn_db *db, int64_t *answer, tarn_err *err, const char *fmt, ...)
{
    char sql[8192];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof sql) return TARN_FAIL(err, TARN_LIMIT, "too many columns to match on");
    return tarn_db_count(db, sql, answer, err);
}

static tarn_code count_match(tarn_stage_job *job, tarn_db *db, const json_t *match, json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *left = tarn_json_text(match, "left", ""), *right = tarn_json_text(match, "right", "");
    int64_t rows = 0, joined = 0, unmatched = 0, keys = 0;
    match_sql m = {0};
    char a[32], b[32];

    TARN_TRY(read_match(match, &m, err));
    const char *l = m.left.data, *r = m.right.data, *on = m.condition.data;
    TARN_TRY(ask(db, &rows, err, "SELECT count(*) FROM %s", l));
    TARN_TRY(ask(db, &joined, err, "SELECT count(*) FROM %s l JOIN %s r ON %s", l, r, on));
    TARN_TRY(
        ask(db, &unmatched, err, "SELECT count(*) FROM %s l WHERE NOT EXISTS (SELECT 1 FROM %s r WHERE %s)", l, r, on));
    TARN_TRY(ask(db, &keys, err, "SELECT count(DISTINCT (%s)) FROM %s l WHERE NOT EXISTS (SELECT 1 FROM %s r WHERE %s)",
                 m.keys.data, l, r, on));
    TARN_TRY(
        tarn_json_append(list,
                         json_pack("{s:s, s:s, s:O, s:I, s:I, s:I, s:I}", "left", left, "right", right, "on",
                                   json_object_get(match, "on"), "rows", (json_int_t)rows, "joined", (json_int_t)joined,
                                   "unmatched", (json_int_t)unmatched, "unmatched_keys", (json_int_t)keys),
                         err));
    tarn_say(job->sink, TARN_INFO, "%s with %s: %s rows join, %s rows find no match", left, right,
             tarn_num_group(joined, a), tarn_num_group(unmatched, b));
done:
    clear_match(&m);
    return rc;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *name = tarn_json_text(job->params, "name", ""), *key = tarn_json_text(job->params, "key", "");
    const json_t *matches = json_object_get(job->params, "matches");
    tarn_db *db = NULL;
    json_t *list = json_array(), *report = NULL;
    char file[4200], path[200], number[32];
    int64_t rows = 0;

    TARN_TRY(tarn_stage_db(job, 1, &db, err));
    for (size_t i = 0; i < json_array_size(matches); i++)
        TARN_TRY(count_match(job, db, json_array_get(matches, i), list, err));
    (void)snprintf(file, sizeof file, "%s/joined.parquet", job->scratch);
    (void)snprintf(path, sizeof path, "joined/%s.parquet", name);
    TARN_TRY(tarn_db_write_parquet(db, tarn_json_text(job->params, "sql", ""), key[0] ? key : NULL, file, &rows, err));
    TARN_TRY(tarn_stage_put_file(job, path, file, err));
    report = json_pack("{s:s, s:I, s:O}", "table", name, "rows", (json_int_t)rows, "matches", list);
    (void)snprintf(path, sizeof path, "prepare/join/%s.json", name);
    TARN_TRY(tarn_stage_put_json(job, path, report, err));
    tarn_text_addf(&job->said, "%s rows", tarn_num_group(rows, number));
done:
    json_decref(report);
    json_decref(list);
    tarn_db_close(db);
    if (rc != TARN_OK) tarn_err_note(err, "joined/%s", name);
    return rc;
}

const tarn_stage tarn_stage_join = {
    .name = "join", .stage = "prepare", .title = "make a table by SQL, counting matches", .run = run};
