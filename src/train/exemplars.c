/* SPDX-License-Identifier: Apache-2.0 */
/* exemplars.c - all rows on every rank, and what a later fit goes on from. See exemplars.h. */
#include "train/exemplars.h"
#include "base/mem.h"
#include "train/held.h"

#include <math.h>
#include <string.h>

/* What an earlier fit left: this, double y[rows], weight[rows], x[rows][cols]. */
typedef struct state_head {
    char kind[8];
    uint64_t rows, cols;
    int64_t classes;
} state_head;

static const char state_kind[8] = {'k', 'n', 'n', ' ', 'r', 'o', 'w', 's'};

/* This rank's rows: as floats, as long as that loses nothing. */
typedef struct reading {
    tarn_held rows;
    float *narrow;
    double *wide;
    atomic_bool lossy;
    bool squares; /* will be taken */
} reading;

static tarn_code take_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    reading *r = arg;
    const double *values;
    int64_t n, cols = r->rows.job->x->cols, first = block * TARN_BLOCK_ROWS * cols;

    if (r->narrow && atomic_load(&r->lossy)) return TARN_OK;
    tarn_code rc = tarn_held_block(&r->rows, block, worker, &n, &values, err);
    if (rc != TARN_OK) return rc;
    if (r->narrow) tarn_held_turn_narrow(n, cols, values, r->narrow + first, &r->lossy);
    else tarn_held_turn(n, cols, values, r->wide + first);
    return r->wide && r->squares ? tarn_held_squares(r->rows.job, n, values, err)
                                 : TARN_OK; /* those of floats do not */
}

/* Read them, into r->narrow or r->wide. */
static tarn_code take_all(reading *r, bool narrow, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = r->rows.job;
    size_t values = (size_t)job->x->rows * (size_t)job->x->cols;

    rc = tarn_cancel_check(job->sink, err);
    if (rc == TARN_OK && narrow) rc = tarn_alloc(&r->narrow, values, sizeof *r->narrow, err);
    if (rc == TARN_OK && !narrow) rc = tarn_alloc(&r->wide, values, sizeof *r->wide, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, tarn_blocks(job->x->rows), take_block, r, err);
    return tarn_comm_agree(job->comm, rc, err);
}

/* The same on every rank: floats, or doubles if some rank's rows need them. */
static tarn_code read_mine(reading *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t lossy = atomic_load(&r->lossy);

    if (!lossy) {
        TARN_TRY(take_all(r, true, err));
        lossy = atomic_load(&r->lossy);
        TARN_TRY(tarn_comm_sum_i64(r->rows.job->comm, &lossy, 1, err));
    }
    if (!lossy) return TARN_OK;
    tarn_free(r->narrow);
    r->narrow = NULL;
    TARN_TRY(take_all(r, false, err));
done:
    return rc;
}

/* The rows of an earlier fit; foreign bytes. */
static tarn_code check_before(const tarn_fit *job, state_head *head, tarn_err *err)
{
    memset(head, 0, sizeof *head);
    if (!job->before) return TARN_OK;
    if (job->before_len < sizeof *head)
        return TARN_FAIL(err, TARN_CORRUPT, "what an earlier fit left has %zu bytes, no head", job->before_len);
    memcpy(head, job->before, sizeof *head);
    if (memcmp(head->kind, state_kind, sizeof state_kind) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "what an earlier fit left is not from this estimator");
    if (head->cols != (uint64_t)job->x->cols || head->classes != job->x->classes)
        return TARN_FAIL(
            err, TARN_INVALID, "the earlier fit had %llu columns and %lld classes, the new rows have %d and %d",
            (unsigned long long)head->cols, (long long)head->classes, (int)job->x->cols, (int)job->x->classes);
    size_t rest = job->before_len - sizeof *head, each = 8 * (2 + (size_t)head->cols);
    if (rest % each != 0 || rest / each != head->rows)
        return TARN_FAIL(err, TARN_CORRUPT, "what an earlier fit left has %zu bytes for %llu rows", job->before_len,
                         (unsigned long long)head->rows);
    return TARN_OK;
}

/* Number i of those behind the head. */
static double before_at(const tarn_fit *job, size_t i)
{
    double x;

    memcpy(&x, (const char *)job->before + sizeof(state_head) + i * sizeof x, sizeof x);
    return x;
}

/* The numbers behind the head make sense; and whether some value is no float. */
static tarn_code check_numbers(const tarn_fit *job, const state_head *head, bool *lossy, tarn_err *err)
{
    size_t rows = (size_t)head->rows, d = (size_t)head->cols;
    int32_t classes = job->x->classes;

    for (size_t i = 0; i < rows; i++) {
        double y = before_at(job, i), weight = before_at(job, rows + i);
        bool fine = isfinite(y) && (classes == 0 || (y >= 0 && y < classes && y == floor(y)));
        for (size_t j = 0; j < d; j++) {
            double x = before_at(job, 2 * rows + i * d + j);
            fine = fine && isfinite(x);
            *lossy = *lossy || (double)(float)x != x;
        }
        if (!fine || !(weight > 0) || !isfinite(weight))
            return TARN_FAIL(err, TARN_CORRUPT, "row %zu of what an earlier fit left makes no sense", i + 1);
    }
    return TARN_OK;
}

/* The old numbers, from number `from` on, go in front. *all (n) becomes (old + n). */
static tarn_code prepend(const tarn_fit *job, double **all, size_t n, size_t from, size_t old, tarn_err *err)
{
    double *both = NULL;
    tarn_code rc = tarn_alloc(&both, old + n, sizeof *both, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < old; i++) both[i] = before_at(job, from + i);
    memcpy(both + old, *all, n * sizeof *both);
    tarn_free(*all);
    *all = both;
    return TARN_OK;
}

static tarn_code prepend_narrow(const tarn_fit *job, float **all, size_t n, size_t from, size_t old, tarn_err *err)
{
    float *both = NULL;
    tarn_code rc = tarn_alloc(&both, old + n, sizeof *both, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < old; i++) both[i] = (float)before_at(job, from + i);
    memcpy(both + old, *all, n * sizeof *both);
    tarn_free(*all);
    *all = both;
    return TARN_OK;
}

static tarn_code add_before(const tarn_fit *job, size_t old, tarn_exemplars *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = out->n, d = out->d;

    if (old == 0) return TARN_OK;
    TARN_TRY(prepend(job, &out->y, n, 0, old, err));
    TARN_TRY(prepend(job, &out->weight, n, old, old, err));
    if (out->narrow) TARN_TRY(prepend_narrow(job, &out->narrow, n * d, 2 * old, old * d, err));
    else TARN_TRY(prepend(job, &out->wide, n * d, 2 * old, old * d, err));
    out->n += old;
done:
    return rc;
}

/* This rank's rows become everyone's. */
static tarn_code join(reading *r, tarn_exemplars *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = r->rows.job;

    if (r->narrow) TARN_TRY(tarn_held_join(job, &r->narrow, out->d * sizeof *r->narrow, err));
    else TARN_TRY(tarn_held_join(job, &r->wide, out->d * sizeof *r->wide, err));
    out->narrow = r->narrow;
    out->wide = r->wide;
    r->narrow = NULL;
    r->wide = NULL;
    TARN_TRY(tarn_held_labels(job, &out->y, &out->weight, err));
done:
    return rc;
}

tarn_code tarn_exemplars_read(const tarn_fit *job, tarn_metric metric, tarn_exemplars *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reading r = {.squares = metric == TARN_METRIC_EUCLIDEAN || metric == TARN_METRIC_COSINE};
    state_head head;
    bool lossy = false;

    *out = (tarn_exemplars){.n = (size_t)job->x->all_rows, .d = (size_t)job->x->cols};
    rc = check_before(job, &head, err);
    if (rc == TARN_OK && head.rows + out->n >= UINT32_MAX)
        rc = TARN_FAIL(err, TARN_LIMIT, "%zu rows are more than can be kept (4294967294)", out->n);
    if (rc == TARN_OK) rc = check_numbers(job, &head, &lossy, err);
    if (rc == TARN_OK) rc = tarn_held_open(&r.rows, job, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    atomic_store(&r.lossy, lossy);
    TARN_TRY(read_mine(&r, err));
    tarn_held_close(&r.rows);
    TARN_TRY(join(&r, out, err));
    rc = add_before(job, (size_t)head.rows, out, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (size_t i = 0; i < out->n; i++) out->weighted = out->weighted || out->weight[i] != 1;
done:
    tarn_held_close(&r.rows);
    tarn_free(r.narrow);
    tarn_free(r.wide);
    return rc;
}

void tarn_exemplars_clear(tarn_exemplars *rows)
{
    tarn_free(rows->narrow);
    tarn_free(rows->wide);
    tarn_free(rows->y);
    tarn_free(rows->weight);
    *rows = (tarn_exemplars){.n = rows->n, .d = rows->d, .weighted = rows->weighted};
}

void tarn_exemplars_row(const tarn_exemplars *rows, size_t i, double *out)
{
    for (size_t j = 0; j < rows->d; j++)
        out[j] = rows->wide ? rows->wide[i * rows->d + j] : (double)rows->narrow[i * rows->d + j];
}

tarn_code tarn_exemplars_numbered(tarn_exemplars *rows, double **out, tarn_err *err)
{
    size_t each = rows->d + 1;
    tarn_code rc = tarn_alloc(out, rows->n * each, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < rows->n; i++) {
        tarn_exemplars_row(rows, i, *out + i * each);
        (*out)[i * each + rows->d] = (double)i;
    }
    tarn_free(rows->narrow);
    tarn_free(rows->wide);
    rows->narrow = NULL;
    rows->wide = NULL;
    return TARN_OK;
}

tarn_code tarn_exemplars_state(const tarn_exemplars *rows, int32_t classes, void **out, size_t *len, tarn_err *err)
{
    state_head head = {.rows = rows->n, .cols = rows->d, .classes = classes};
    double *to = NULL;

    memcpy(head.kind, state_kind, sizeof state_kind);
    *len = sizeof head + 8 * rows->n * (2 + rows->d);
    tarn_code rc = tarn_alloc(&to, *len, 1, err);
    if (rc != TARN_OK) return rc;
    *out = to;
    memcpy(to, &head, sizeof head);
    memcpy(to += sizeof head / sizeof *to, rows->y, 8 * rows->n);
    memcpy(to += rows->n, rows->weight, 8 * rows->n);
    to += rows->n;
    for (size_t i = 0; i < rows->n; i++) tarn_exemplars_row(rows, i, to + i * rows->d);
    return TARN_OK;
}
