/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_before.c - see boosting_before.h. The trees are foreign bytes until a graph has taken them. */
#include "train/algos/boosting_before.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct state_head {
    char kind[8];
    uint64_t cols;
    int64_t classes, loss, rounds;
} state_head;

static const char state_kind[8] = {'b', 'o', 'o', 's', 't', 'e', 'd', '1'};

void tarn_boosted_clear(tarn_boosted *b)
{
    tarn_model_free(b->model);
    tarn_free(b->bytes);
    *b = (tarn_boosted){0};
}

static tarn_code check_head(const tarn_fit *job, const tarn_loss *loss, const state_head *head, tarn_err *err)
{
    size_t gains = (size_t)job->x->cols * sizeof(double);

    if (job->before_len < sizeof *head + gains + sizeof(tarn_trees_data))
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left has %zu bytes only", job->before_len);
    if (memcmp(head->kind, state_kind, sizeof state_kind) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "what an earlier fit left is not from this estimator");
    if (head->cols != (uint64_t)job->x->cols || head->classes != job->x->classes)
        return TARN_FAIL(
            err, TARN_INVALID, "the earlier fit had %llu columns and %lld classes, the new rows have %d and %d",
            (unsigned long long)head->cols, (long long)head->classes, (int)job->x->cols, (int)job->x->classes);
    if (head->loss != loss->kind)
        return TARN_FAIL(err, TARN_INVALID, "the earlier fit had another objective; go on with the same");
    if (head->rounds < 1 || head->rounds > INT32_MAX)
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left has %lld rounds", (long long)head->rounds);
    return TARN_OK;
}

/* A model whose outputs are the scores: the check of its node proves the payload. */
static tarn_code make_model(const tarn_fit *job, const tarn_loss *loss, tarn_boosted *b, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = NULL;
    size_t cols = (size_t)job->x->cols, outputs = (size_t)loss->outputs;
    uint32_t *regs = NULL, first = 0;
    char(*names)[24] = NULL;
    const char **classes = NULL;

    TARN_TRY(tarn_graph_new(&g, err));
    TARN_TRY(tarn_alloc(&regs, cols + outputs, sizeof *regs, err));
    TARN_TRY(tarn_alloc(&names, cols + outputs, sizeof *names, err));
    TARN_TRY(tarn_alloc(&classes, outputs, sizeof *classes, err));
    for (size_t j = 0; j < cols + outputs; j++) (void)snprintf(names[j], sizeof names[j], "%09zu", j);
    for (size_t j = 0; j < cols; j++)
        TARN_TRY(tarn_graph_input(g, names[j], TARN_NUMBER, false, NAN, NAN, NULL, NULL, 0, &regs[j], err));
    rc = tarn_graph_node(g, "trees", regs, (uint32_t)cols, (uint32_t)outputs, NULL, b->payload, len, &first, err);
    if (rc == TARN_INVALID) rc = TARN_CORRUPT;
    if (rc != TARN_OK) goto done;
    for (size_t k = 0; k < outputs; k++) {
        regs[cols + k] = first + (uint32_t)k;
        classes[k] = names[k];
    }
    TARN_TRY(tarn_graph_output(g, outputs > 1 ? TARN_MULTICLASS : TARN_REGRESSION, "score", regs + cols, (int)outputs,
                               outputs > 1 ? classes : NULL, outputs > 1 ? (int)outputs : 0, 0.5, err));
    TARN_TRY(tarn_graph_finish(g, &b->model, err));
done:
    tarn_graph_free(g);
    tarn_free(regs);
    tarn_free(names);
    tarn_free(classes);
    return rc;
}

tarn_code tarn_boosted_read(const tarn_fit *job, const tarn_loss *loss, tarn_boosted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    state_head head = {.cols = 0};
    tarn_boosted b = {0};

    *out = b;
    if (!job->before) return TARN_OK;
    if (job->before_len >= sizeof head) memcpy(&head, job->before, sizeof head);
    TARN_TRY(check_head(job, loss, &head, err));
    TARN_TRY(tarn_alloc(&b.bytes, job->before_len, 1, err));
    memcpy(b.bytes, job->before, job->before_len);
    const double *numbers = (const double *)(const void *)((const char *)b.bytes + sizeof head);
    b.rounds = head.rounds;
    b.gain = numbers;
    b.payload = numbers + job->x->cols;
    for (int32_t j = 0; j < job->x->cols; j++)
        if (!isfinite(b.gain[j]) || b.gain[j] < 0) {
            rc = TARN_FAIL(err, TARN_CORRUPT, "the gain of column %d in what the earlier fit left is %g", (int)j + 1,
                           b.gain[j]);
            goto done;
        }
    TARN_TRY(make_model(job, loss, &b, job->before_len - sizeof head - (size_t)job->x->cols * sizeof(double), err));
    const tarn_trees_data *trees = b.payload;
    if (trees->factor != 1 || trees->trees != (uint64_t)head.rounds * (uint64_t)loss->outputs)
        rc = TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left has %u trees in %lld rounds", trees->trees,
                       (long long)head.rounds);
    b.base = (const double *)(trees + 1);
    if (rc != TARN_OK) goto done;
    *out = b;
    b = (tarn_boosted){0};
done:
    tarn_boosted_clear(&b);
    return rc;
}

typedef struct scoring {
    const tarn_boosted *b;
    const tarn_matrix *x;
    int32_t outputs;
    double *score;
    double *values, *out;   /* (threads, cols, TARN_BLOCK_ROWS), (threads, outputs, TARN_BLOCK_ROWS) */
    const double **columns; /* (threads, cols) */
} scoring;

static tarn_code score_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const scoring *s = arg;
    const tarn_matrix *x = s->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    double *values = s->values + (int64_t)worker * x->cols * TARN_BLOCK_ROWS;
    double *out = s->out + (int64_t)worker * s->outputs * TARN_BLOCK_ROWS;
    const double **columns = s->columns + (int64_t)worker * x->cols;

    TARN_TRY(x->block(x->self, at, n, values, err));
    for (int32_t j = 0; j < x->cols; j++) columns[j] = values + j * n;
    TARN_TRY(tarn_model_run(s->b->model, NULL, n, columns, out, err));
    for (int32_t k = 0; k < s->outputs; k++) memcpy(s->score + k * x->rows + at, out + k * n, (size_t)n * sizeof *out);
done:
    return rc;
}

tarn_code tarn_boosted_scores(const tarn_boosted *b, const tarn_loss *loss, const tarn_matrix *x, tarn_pool *pool,
                              double *score, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)x->cols, threads = (size_t)tarn_pool_threads(pool), outputs = (size_t)loss->outputs;
    scoring s = {.b = b, .x = x, .outputs = loss->outputs, .score = score};

    TARN_TRY(tarn_alloc(&s.values, threads * cols * TARN_BLOCK_ROWS, sizeof *s.values, err));
    TARN_TRY(tarn_alloc(&s.out, threads * outputs * TARN_BLOCK_ROWS, sizeof *s.out, err));
    TARN_TRY(tarn_alloc(&s.columns, threads * cols, sizeof *s.columns, err));
    TARN_TRY(tarn_pool_run(pool, tarn_blocks(x->rows), score_block, &s, err));
done:
    tarn_free(s.values);
    tarn_free(s.out);
    tarn_free(s.columns);
    return rc;
}

tarn_code tarn_boosted_keep(const tarn_fit *job, const tarn_loss *loss, const tarn_grove *trees, const double *base,
                            const double *gain, int64_t rounds, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    state_head head = {
        .cols = (uint64_t)job->x->cols, .classes = job->x->classes, .loss = loss->kind, .rounds = rounds};
    size_t gains = (size_t)job->x->cols * sizeof *gain, len = 0;
    void *payload = NULL;
    char *state = NULL;

    memcpy(head.kind, state_kind, sizeof state_kind);
    TARN_TRY(tarn_grove_payload(trees, (uint32_t)loss->outputs, base, 1, &payload, &len, err));
    TARN_TRY(tarn_alloc(&state, sizeof head + gains + len, 1, err));
    memcpy(state, &head, sizeof head);
    memcpy(state + sizeof head, gain, gains);
    memcpy(state + sizeof head + gains, payload, len);
    out->state = state;
    out->state_len = sizeof head + gains + len;
done:
    tarn_free(payload);
    return rc;
}
