/* SPDX-License-Identifier: Apache-2.0 */
/* scoring.c - see scoring.h. */
#include "flow/scoring.h"

#include "base/mem.h"
#include "prepare/rowhash.h"

#include <stdio.h>

tarn_code tarn_part_rows(const tarn_stage_job *job, int64_t table_rows, tarn_part part, int64_t **rows, int64_t *n,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_entry *entry = tarn_stage_input(job, "prepare/split.parts");
    char *parts = NULL;
    size_t len = 0;

    *rows = NULL;
    *n = 0;
    if (!entry) return TARN_FAIL(err, TARN_INVALID, "this step has no input 'prepare/split.parts'");
    TARN_TRY(tarn_lake_get(job->lake, &entry->object.id, 0, &parts, &len, err));
    if ((int64_t)len != table_rows) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "the split has %zu rows, the table %lld", len, (long long)table_rows);
        goto done;
    }
    TARN_TRY(tarn_alloc(rows, len, sizeof **rows, err));
    for (size_t i = 0; i < len; i++)
        if (parts[i] == (char)part) (*rows)[(*n)++] = (int64_t)i;
done:
    tarn_free(parts);
    return rc;
}

tarn_code tarn_score(const tarn_model *m, tarn_pool *pool, const tarn_columns *c, const int64_t *rows, int64_t n,
                     tarn_scored *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double **columns = NULL;
    int inputs = tarn_model_inputs(m), classes = tarn_model_classes(m);

    *out = (tarn_scored){0};
    TARN_TRY(tarn_alloc(&out->fields, (size_t)inputs * (size_t)n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&out->p, (size_t)tarn_model_outputs(m) * (size_t)n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&out->y, (size_t)n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&out->classes, (size_t)classes + 1, sizeof *out->classes, err));
    TARN_TRY(tarn_alloc(&columns, (size_t)inputs + 1, sizeof *columns, err));
    TARN_TRY(tarn_arena_new(&out->texts, err));
    TARN_TRY(tarn_model_fields(m, c, rows, n, out->texts, out->fields, err));
    TARN_TRY(tarn_model_labels(m, c, rows, n, out->y, err));
    for (int i = 0; i < inputs; i++) columns[i] = out->fields + (size_t)i * (size_t)n;
    TARN_TRY(tarn_model_run(m, pool, n, columns, out->p, err));
    for (int i = 0; i < classes; i++) out->classes[i] = tarn_model_class(m, i);
    out->judged = (tarn_judged){.task = tarn_model_task(m),
                                .rows = n,
                                .classes = classes,
                                .class_names = out->classes,
                                .y = out->y,
                                .p = out->p,
                                .threshold = tarn_model_threshold(m)};
done:
    tarn_free(columns);
    if (rc != TARN_OK) tarn_scored_clear(out);
    return rc;
}

void tarn_scored_clear(tarn_scored *s)
{
    tarn_arena_free(s->texts);
    tarn_free(s->fields);
    tarn_free(s->p);
    tarn_free(s->y);
    tarn_free(s->classes);
    tarn_free(s->weight);
    tarn_free(s->group);
    tarn_free(s->cluster);
    *s = (tarn_scored){0};
}

tarn_code tarn_row_clusters(const tarn_columns *c, const char *column, const int64_t *rows, int64_t n, int64_t **out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int at = tarn_columns_find(c, column);
    int64_t *cluster = NULL;
    uint64_t bits = 0;

    if (at < 0) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "split by group: the table has no column '%s'", column));
    TARN_TRY(tarn_alloc(&cluster, (size_t)n, sizeof *cluster, err));
    for (int64_t i = 0; i < n; i++) {
        if (!tarn_value_bits(tarn_columns_at(c, at), rows[i], &bits))
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "split by group: column '%s' is missing in row %lld", column,
                               (long long)rows[i] + 1));
        cluster[i] = (int64_t)bits;
    }
    *out = cluster;
    cluster = NULL;
done:
    tarn_free(cluster);
    return rc;
}

tarn_costs tarn_costs_of(const json_t *j)
{
    tarn_costs costs = {0};

    if (!j) return costs;
    costs.true_positive = json_number_value(json_object_get(j, "true_positive"));
    costs.false_positive = json_number_value(json_object_get(j, "false_positive"));
    costs.true_negative = json_number_value(json_object_get(j, "true_negative"));
    costs.false_negative = json_number_value(json_object_get(j, "false_negative"));
    (void)snprintf(costs.unit, sizeof costs.unit, "%s", tarn_json_text(j, "unit", ""));
    costs.given = true;
    return costs;
}

tarn_code tarn_put_importance(const tarn_model *m, json_t *report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const double *share = tarn_model_importance(m);
    json_t *list = json_array();

    for (int i = 0; share && i < tarn_model_inputs(m); i++)
        TARN_TRY(tarn_json_append(
            list, json_pack("{s:s, s:o}", "name", tarn_model_input_at(m, i)->name, "share", tarn_json_num(share[i])),
            err));
    TARN_TRY(tarn_json_set(report, "importance", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}
