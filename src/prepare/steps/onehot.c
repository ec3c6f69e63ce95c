/* SPDX-License-Identifier: Apache-2.0 */
/* onehot.c - a category becomes one 0/1 column for each of its levels.
 *
 * Levels that fewer than min_rows train rows have get no column: their rows have 0 everywhere, as an unseen text has.
 * A column for missing values is added when train rows have any (missing: auto), always, or never. The node itself
 * makes all levels; columns that are not wanted are simply not passed on.
 */
#include "base/mem.h"
#include "base/str.h"
#include "model/payload.h"
#include "prepare/step.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct onehot_params {
    int64_t min_rows, max_levels;
    int missing;
    char columns[4096];
} onehot_params;

enum { AUTO, YES, NO };

static const tarn_param params[] = {
    TARN_INT(onehot_params, min_rows, 1, 1, 1e12, "train rows that a level needs to get a column of its own"),
    TARN_INT(onehot_params, max_levels, 1000, 1, 1000000,
             "most columns that one category may become; more is an error"),
    TARN_WORD(onehot_params, missing, AUTO, "auto|yes|no",
              "a column for missing; auto: if train rows have missing values"),
    TARN_TEXT(onehot_params, columns, "", "categories to expand, comma-separated; empty: all"),
    TARN_PARAMS_END,
};

/* Rows of each level, and then of missing, of each column: at[c] is where column c starts. */
typedef struct tally {
    int64_t *counts; /* (workers, size) */
    size_t *at, size;
    int32_t *levels;
} tally;

static void tally_clear(tally *t)
{
    tarn_free(t->counts);
    tarn_free(t->at);
    tarn_free(t->levels);
}

static tarn_code tally_init(tally *t, const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_alloc(&t->at, (size_t)n, sizeof *t->at, err));
    TARN_TRY(tarn_alloc(&t->levels, (size_t)n, sizeof *t->levels, err));
    for (int32_t c = 0; c < n; c++) {
        t->levels[c] = tarn_graph_feature(job->graph, regs[c])->levels;
        t->at[c] = t->size;
        t->size += (size_t)t->levels[c] + 1;
    }
    TARN_TRY(tarn_alloc(&t->counts, (size_t)tarn_pool_threads(job->pool), t->size * sizeof *t->counts, err));
done:
    return rc;
}

static void count_piece(void *arg, int worker, int32_t col, const double *x, int64_t n)
{
    const tally *t = arg;
    int64_t *count = t->counts + (size_t)worker * t->size + t->at[col];
    int32_t levels = t->levels[col];

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) count[levels]++;
        else if (x[i] >= 0 && x[i] < levels) count[(int32_t)x[i]]++;
    }
}

/* After this the first worker's counts are those of all threads and ranks. */
static tarn_code count_levels(tally *t, const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_err *err)
{
    tarn_code rc = tally_init(t, job, regs, n, err);

    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_each(job, regs, n, count_piece, t, err));
    for (int w = 1; w < tarn_pool_threads(job->pool); w++)
        for (size_t i = 0; i < t->size; i++) t->counts[i] += t->counts[(size_t)w * t->size + i];
    TARN_TRY(tarn_comm_sum_i64(job->comm, t->counts, t->size, err));
done:
    return rc;
}

/* "carrier=AA", cut at a whole character if it is too long. */
static void name_level(tarn_feature *f, const char *column, const char *level)
{
    size_t bad;

    (void)snprintf(f->name, sizeof f->name, "%.90s=%.60s", column, level);
    if (!tarn_utf8_valid(f->name, strlen(f->name), &bad)) f->name[bad] = '\0';
}

/* Names of all columns that the node makes. */
static tarn_code describe(const tarn_step_job *job, uint32_t reg, int32_t levels, bool missing, tarn_feature **out,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_feature from = *tarn_graph_feature(job->graph, reg), *features = NULL;

    TARN_TRY(tarn_alloc(&features, (size_t)levels + 1, sizeof *features, err));
    for (int32_t k = 0; k < levels + missing; k++) {
        int32_t len = 0;
        const char *text = k < levels ? job->level(job->self, reg, k, &len) : NULL;
        char level[128];
        if (text) (void)snprintf(level, sizeof level, "%.*s", (int)len, text);
        else if (k < levels) (void)snprintf(level, sizeof level, "%d", (int)k);
        else (void)snprintf(level, sizeof level, "(missing)");
        features[k].kind = TARN_NUMBER;
        features[k].input = from.input;
        name_level(&features[k], from.name, level);
    }
    *out = features;
done:
    return rc;
}

/* Expand one category; count has levels + 1 entries. Appends to out_regs. */
static tarn_code expand(const tarn_step_job *job, const onehot_params *p, uint32_t reg, const int64_t *count,
                        uint32_t *out_regs, int32_t room, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_feature *features = NULL;
    const tarn_feature *from = tarn_graph_feature(job->graph, reg);
    int32_t levels = from->levels, kept = 0;
    bool missing = p->missing == YES || (p->missing == AUTO && count[levels] > 0);
    tarn_onehot_data data = {(uint32_t)levels, missing};
    uint32_t first;

    for (int32_t k = 0; k < levels; k++) kept += count[k] >= p->min_rows;
    if (kept > p->max_levels)
        return TARN_FAIL(
            err, TARN_LIMIT,
            "column '%s' would become %d columns, over max_levels %lld; raise min_rows, raise max_levels, or "
            "leave the column out",
            from->name, (int)kept, (long long)p->max_levels);
    if (kept + missing == 0)
        return TARN_FAIL(err, TARN_INVALID,
                         "column '%s': none of its %d levels has %lld train rows; lower min_rows or leave it out",
                         from->name, (int)levels, (long long)p->min_rows);
    if (*n_out > room - kept - missing)
        return TARN_FAIL(err, TARN_LIMIT, "no room for the columns of '%s'", from->name);
    TARN_TRY(describe(job, reg, levels, missing, &features, err));
    TARN_TRY(tarn_graph_node(job->graph, "onehot", &reg, 1, (uint32_t)levels + missing, features, &data, sizeof data,
                             &first, err));
    for (int32_t k = 0; k < levels; k++)
        if (count[k] >= p->min_rows) out_regs[(*n_out)++] = first + (uint32_t)k;
    if (missing) out_regs[(*n_out)++] = first + (uint32_t)levels;
done:
    tarn_free(features);
    return rc;
}

static tarn_code fit(const tarn_step_job *job, const void *params_, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const onehot_params *p = params_;
    uint32_t *regs = NULL;
    tally t = {0};
    int32_t n = 0, k = 0, room = *n_out;

    rc = tarn_alloc(&regs, (size_t)job->n_regs, sizeof *regs, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_pick(job, p->columns, TARN_CATEGORY, regs, &n, err));
    TARN_TRY(count_levels(&t, job, regs, n, err));
    *n_out = 0;
    for (int32_t r = 0; r < job->n_regs && rc == TARN_OK; r++) {
        if (k < n && job->regs[r] == regs[k]) {
            rc = expand(job, p, regs[k], t.counts + t.at[k], out_regs, room, n_out, err);
            k++;
        } else if (*n_out == room) rc = TARN_FAIL(err, TARN_LIMIT, "no room for %d columns", (int)room);
        else out_regs[(*n_out)++] = job->regs[r];
    }
    rc = tarn_comm_agree(job->comm, rc, err);
done:
    tally_clear(&t);
    tarn_free(regs);
    return rc;
}

const tarn_step tarn_step_onehot = {
    .name = "onehot",
    .title = "One 0/1 column for each level of a category",
    .takes = TARN_CATEGORY,
    .params_size = sizeof(onehot_params),
    .params = params,
    .fit = fit,
};
