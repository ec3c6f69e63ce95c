/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - the step that makes a table by SQL, and counts what matched and what did not. */
#include "base/mem.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

/* "a" or "left=right" as the condition l."left" = r."right". */
static void add_condition(tarn_text *sql, const char *on)
{
    const char *equals = strchr(on, '=');
    char left[200], right[200];
    size_t len = equals ? (size_t)(equals - on) : strlen(on);

    (void)snprintf(left, sizeof left, "%.*s", (int)(len < 199 ? len : 199), on);
    (void)snprintf(right, sizeof right, "%s", equals ? equals + 1 : left);
    for (char *end = left + strlen(left); end > left && end[-1] == ' ';) *--end = '\0';
    const char *start = right + strspn(right, " ");
    tarn_text_add(sql, "l.");
    tarn_sql_name(sql, left);
    tarn_text_add(sql, " = r.");
    tarn_sql_name(sql, start);
}

/* "<head> FROM left l <middle> right r <tail conditions>)". */
static void add_query(tarn_text *sql, const char *head, const char *left, const char *middle, const char *right,
                      const json_t *on, const char *tail)
{
    sql->len = 0;
    tarn_text_addf(sql, "SELECT %s FROM ", head);
    tarn_sql_name(sql, left);
    tarn_text_addf(sql, " l %s ", middle);
    tarn_sql_name(sql, right);
    tarn_text_add(sql, " r ");
    tarn_text_add(sql, tail[0] == 'O' ? "ON " : "WHERE ");
    for (size_t i = 0; i < json_array_size(on); i++) {
        if (i) tarn_text_add(sql, " AND ");
        add_condition(sql, json_string_value(json_array_get(on, i)));
    }
    if (tail[0] != 'O') tarn_text_add(sql, ")");
}

static tarn_code count_match(tarn_stage_job *job, tarn_db *db, const json_t *match, json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *left = tarn_json_text(match, "left", ""), *right = tarn_json_text(match, "right", "");
    const json_t *on = json_object_get(match, "on");
    int64_t rows = 0, joined = 0, unmatched = 0, keys = 0;
    tarn_text sql = {0}, columns = {0}, nulls = {0};
    char a[32], b[32];

    for (size_t i = 0; i < json_array_size(on); i++) {
        const char *text = json_string_value(json_array_get(on, i));
        char name[200];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text, " ="), text);
        tarn_text_add(&columns, i ? ", l." : "l.");
        tarn_sql_name(&columns, name);
    }
    tarn_text_addf(&nulls, "count(DISTINCT (%s))", columns.data ? columns.data : "");
    TARN_TRY(tarn_text_check(&nulls, err));
    tarn_text_add(&sql, "SELECT count(*) FROM ");
    tarn_sql_name(&sql, left);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &rows, err));
    add_query(&sql, "count(*)", left, "JOIN", right, on, "ON");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &joined, err));
    add_query(&sql, "count(*)", left, "WHERE NOT EXISTS (SELECT 1 FROM", right, on, "");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &unmatched, err));
    add_query(&sql, nulls.data, left, "WHERE NOT EXISTS (SELECT 1 FROM", right, on, "");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &keys, err));
    TARN_TRY(tarn_json_append(list,
                              json_pack("{s:s, s:s, s:O, s:I, s:I, s:I, s:I}", "left", left, "right", right, "on", on,
                                        "rows", (json_int_t)rows, "joined", (json_int_t)joined, "unmatched",
                                        (json_int_t)unmatched, "unmatched_keys", (json_int_t)keys),
                              err));
    tarn_say(job->sink, TARN_INFO, "%s with %s: %s rows join, %s rows find no match", left, right,
             tarn_num_group(joined, a), tarn_num_group(unmatched, b));
done:
    tarn_text_clear(&nulls);
    tarn_text_clear(&columns);
    tarn_text_clear(&sql);
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
