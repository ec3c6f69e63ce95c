/* SPDX-License-Identifier: Apache-2.0 */
/* sgd_rows.c - rows as a learner wants them, block by block, and its state from rank to rank. See sgd_parts.h.
 *
 * While one block is learned another thread makes the next: dense columns moved and scaled, row by row, in an order
 * drawn for the block. With several ranks each learns its rows in turn and hands its state on, so that rows are learned
 * in one order, whatever the number of ranks. */
#include "base/mem.h"
#include "base/random.h"
#include "train/algos/sgd_parts.h"

#include <math.h>
#include <string.h>

static const char magic[8] = "TARNSGD";
static const double most_deviations = 1e6;

/* ---- memory ---- */

void sgd_close(sgd_learner *s)
{
    tarn_free(s->state);
    tarn_free(s->values);
    for (int i = 0; i < 2; i++) {
        tarn_free(s->rows[i]);
        tarn_free(s->order[i]);
    }
    tarn_free(s->step);
    tarn_free(s->z);
    tarn_free(s->g);
    tarn_free(s->y);
    tarn_free(s->wide_z);
    *s = (sgd_learner){0};
}

static void point(sgd_learner *s)
{
    void *behind = (char *)s->state + sizeof(sgd_head);

    s->head = s->state;
    s->mean = behind;
    s->scale = s->mean + s->dense;
    void *floats = s->scale + s->dense;
    s->most = floats;
    s->coef = s->most + s->padded + s->sparse;
    s->mean_coef = s->coef + 2 * (s->padded + s->sparse) * s->wide;
}

static size_t longest_row(const tarn_matrix *x)
{
    int64_t most = 0;

    for (int64_t i = 0; x && x->sparse && i < x->rows; i++)
        if (x->sparse->start[i + 1] - x->sparse->start[i] > most) most = x->sparse->start[i + 1] - x->sparse->start[i];
    return (size_t)most;
}

/* Of a column: N, and of each output v, G and, if wanted, the mean of v. */
static size_t floats_each(const sgd_learner *s) { return 1 + (s->averages ? 3 : 2) * s->wide; }

static tarn_code make_room(sgd_learner *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = s->job;
    size_t longest = longest_row(job->x), valid = longest_row(job->valid);
    size_t columns = s->padded + s->sparse, entries = s->padded + (longest > valid ? longest : valid);

    s->state_len = sizeof(sgd_head) + 2 * s->dense * sizeof(double) + columns * floats_each(s) * sizeof(float);
    TARN_TRY(tarn_alloc(&s->state, s->state_len, 1, err));
    point(s);
    TARN_TRY(tarn_alloc(&s->values, s->dense * TARN_BLOCK_ROWS, sizeof *s->values, err));
    for (int i = 0; i < 2; i++) {
        TARN_TRY(tarn_alloc(&s->rows[i], s->padded * TARN_BLOCK_ROWS, sizeof(float), err));
        TARN_TRY(tarn_alloc(&s->order[i], TARN_BLOCK_ROWS, sizeof(int32_t), err));
    }
    TARN_TRY(tarn_alloc(&s->step, entries * (1 + s->wide), sizeof(float), err));
    TARN_TRY(tarn_alloc(&s->z, s->k, sizeof(double), err));
    TARN_TRY(tarn_alloc(&s->g, s->k, sizeof(double), err));
    TARN_TRY(tarn_alloc(&s->y, s->k, sizeof(double), err));
    TARN_TRY(tarn_alloc(&s->wide_z, 4 * s->wide, sizeof(float), err));
    TARN_TRY(tarn_cancel_check(job->sink, err));
done:
    return rc;
}

/* ---- what an earlier fit left ---- */

static tarn_code read_state(sgd_learner *s, tarn_err *err)
{
    const tarn_fit *job = s->job;
    sgd_head head;

    if (job->before_len < sizeof head) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left was cut");
    memcpy(&head, job->before, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0)
        return TARN_FAIL(err, TARN_INVALID, "what the earlier fit left is not from this estimator");
    if (head.outputs != s->k || head.dense != s->dense || head.sparse != s->sparse)
        return TARN_FAIL(err, TARN_INVALID, "the earlier fit had %llu columns and %u outputs, this one %zu and %zu",
                         (unsigned long long)(head.dense + head.sparse), head.outputs, s->dense + s->sparse, s->k);
    if (job->before_len != s->state_len)
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left has %zu bytes of %zu", job->before_len,
                         s->state_len);
    memcpy(s->state, job->before, s->state_len);
    double sane =
        s->head->weight + s->head->norms + s->head->steps + s->head->averaged + s->head->y_mean + s->head->y_scale;
    for (size_t j = 0; j < s->dense; j++) sane += s->mean[j] + s->scale[j];
    for (size_t i = 0; i < (s->padded + s->sparse) * floats_each(s); i++) sane += (double)s->most[i];
    if (!isfinite(sane) || !(s->head->y_scale > 0))
        return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is damaged");
    for (size_t j = 0; j < s->dense; j++)
        if (!(s->scale[j] > 0)) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is damaged");
    return TARN_OK;
}

/* Mean and deviation; 0 and 1 where there is none. */
static void describe(const double *x, int64_t n, double *mean, double *scale)
{
    double sum = 0, square = 0, most = 0;

    for (int64_t i = 0; i < n; i++) sum += x[i];
    *mean = isfinite(sum) && n > 0 ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i] - *mean));
    const double unit = most > 1e150 ? most : 1; /* so that no square overflows */
    for (int64_t i = 0; i < n; i++) square = fma((x[i] - *mean) / unit, (x[i] - *mean) / unit, square);
    double deviation = n > 0 ? unit * sqrt(square / (double)n) : 0;
    *scale = isfinite(deviation) && deviation > 1e-12 * fabs(*mean) && deviation > 0 ? deviation : 1;
}

/* Rank 0's first block says where columns and targets are. */
static tarn_code measure(sgd_learner *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = s->job->x;
    int64_t n = x->rows < TARN_BLOCK_ROWS ? x->rows : TARN_BLOCK_ROWS;

    s->head->y_scale = 1;
    if (tarn_comm_rank(s->job->comm) == 0) {
        if (s->dense > 0) rc = x->block(x->self, 0, n, s->values, err);
        for (size_t j = 0; rc == TARN_OK && j < s->dense; j++)
            describe(s->values + j * (size_t)n, n, &s->mean[j], &s->scale[j]);
        if (x->classes == 0) describe(x->y, n, &s->head->y_mean, &s->head->y_scale);
    }
    TARN_TRY(tarn_comm_agree(s->job->comm, rc, err));
    TARN_TRY(tarn_comm_share(s->job->comm, 0, s->state, s->state_len, err));
done:
    return rc;
}

tarn_code sgd_open(sgd_learner *s, const tarn_fit *job, const sgd_params *set, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;

    s->job = job;
    s->set = set;
    s->k = x->classes > 2 ? (size_t)x->classes : 1;
    s->wide = s->k == 1 ? 1 : (s->k + SGD_LANES - 1) / SGD_LANES * SGD_LANES;
    s->dense = (size_t)x->cols;
    s->padded = (s->dense + SGD_LANES) / SGD_LANES * SGD_LANES;
    s->sparse = x->sparse ? (size_t)x->sparse->cols : 0;
    s->few = (s->padded + s->sparse) * s->k <= SGD_FEW;
    s->averages = set->average == SGD_AVERAGE_YES || (set->average == SGD_AVERAGE_AUTO && s->few);
    rc = make_room(s, err);
    if (rc == TARN_OK && job->before) rc = read_state(s, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (!job->before) {
        memcpy(s->head->magic, magic, sizeof magic);
        s->head->outputs = (uint32_t)s->k;
        s->head->dense = (uint32_t)s->dense;
        s->head->sparse = s->sparse;
        TARN_TRY(measure(s, err));
    }
    s->epsilon = set->epsilon / s->head->y_scale;
done:
    if (rc != TARN_OK) sgd_close(s);
    return rc;
}

/* ---- blocks ---- */

typedef struct making {
    sgd_learner *s;
    const tarn_matrix *x;
    int64_t epoch, block; /* the block that is learned; -1: none yet */
    bool shuffle, learn;
    double loss;
} making;

static void draw_order(const making *m, int64_t at, int64_t n, int32_t *order)
{
    for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0 && m->shuffle; i--) {
        uint64_t k = tarn_random_below((uint64_t)i + 1, m->s->job->seed, TARN_STREAM_SAMPLE,
                                       (uint64_t)(m->x->first + at + i), (uint32_t)m->epoch);
        int32_t other = order[k];
        order[k] = order[i];
        order[i] = other;
    }
}

/* Make block number `block` in place block % 2. */
static tarn_code make_block(const making *m, int64_t block, tarn_err *err)
{
    const sgd_learner *s = m->s;
    const tarn_matrix *x = m->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    float *rows = s->rows[block % 2];

    if (s->dense > 0) {
        tarn_code rc = x->block(x->self, at, n, s->values, err);
        if (rc != TARN_OK) return rc;
    }
    draw_order(m, at, n, s->order[block % 2]);
    for (size_t j = 0; j < s->dense; j++) {
        const double *v = s->values + j * (size_t)n;
        for (int64_t i = 0; i < n; i++) {
            double z = (v[i] - s->mean[j]) / s->scale[j];
            rows[(size_t)i * s->padded + j] = (float)(z > most_deviations    ? most_deviations
                                                      : z < -most_deviations ? -most_deviations
                                                                             : z);
        }
    }
    for (int64_t i = 0; i < n; i++) rows[(size_t)i * s->padded + s->dense] = 1;
    return TARN_OK;
}

static sgd_row row_at(const making *m, int64_t block, int64_t i)
{
    const sgd_learner *s = m->s;
    const tarn_matrix *x = m->x;
    int64_t at = block * TARN_BLOCK_ROWS + i;
    sgd_row row = {.dense = s->rows[block % 2] + (size_t)i * s->padded, .weight = x->weight ? x->weight[at] : 1};

    row.y = x->classes > 0 ? x->y[at] : (x->y[at] - s->head->y_mean) / s->head->y_scale;
    if (x->sparse) {
        row.index = x->sparse->index + x->sparse->start[at];
        row.value = x->sparse->value + x->sparse->start[at];
        row.entries = (size_t)(x->sparse->start[at + 1] - x->sparse->start[at]);
    }
    return row;
}

/* Its coefficients will soon be asked for. */
static void fetch(const sgd_learner *s, const sgd_row *row)
{
    size_t each = 2 * s->wide;
    const float *coef = s->k == 1 ? s->coef + 2 * s->padded : s->coef + each * s->padded;

    for (size_t e = 0; e < row->entries; e++) {
        const float *v = coef + each * (size_t)row->index[e];
        for (size_t c = 0; c < each; c += 16) __builtin_prefetch(v + c);
        __builtin_prefetch(s->most + s->padded + row->index[e]);
    }
}

/* The first pass is averaged from its middle on. */
static void end_chunk(const making *m, int64_t at, int64_t rows)
{
    sgd_learner *s = m->s;

    if (rows > 0) sgd_shrink(s, (double)rows);
    bool late = m->epoch > 0 || s->job->before || 2 * (m->x->first + at) >= m->x->all_rows;
    if (s->averages && rows > 0 && late) sgd_average(s);
}

static void learn_block(making *m, int64_t block)
{
    sgd_learner *s = m->s;
    int64_t at = block * TARN_BLOCK_ROWS, n = m->x->rows - at < TARN_BLOCK_ROWS ? m->x->rows - at : TARN_BLOCK_ROWS;
    const int32_t *order = s->order[block % 2];

    for (int64_t i = 0; i < n; i++) {
        sgd_row row = row_at(m, block, order[i]);
        if (i + 1 < n) {
            sgd_row next = row_at(m, block, order[i + 1]);
            fetch(s, &next);
        }
        if (m->learn) {
            sgd_learn(s, &row);
        } else {
            sgd_predict(s, &row, s->z);
            s->loss_sum += row.weight * sgd_gradient(s, s->z, row.y, s->g, s->y);
            s->weight_sum += row.weight;
        }
        if (m->learn && s->few && (i + 1) % SGD_CHUNK == 0) end_chunk(m, at + i, SGD_CHUNK);
    }
    if (m->learn) end_chunk(m, at + n, s->few ? n % SGD_CHUNK : n);
}

/* Task 0 learns a block, task 1 makes the next. */
static tarn_code two_tasks(void *arg, int64_t task, int worker, tarn_err *err)
{
    making *m = arg;

    (void)worker;
    if (task == 1) return m->block + 1 < tarn_blocks(m->x->rows) ? make_block(m, m->block + 1, err) : TARN_OK;
    if (m->block >= 0) learn_block(m, m->block);
    return TARN_OK;
}

static tarn_code all_blocks(making *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (m->block = -1; m->block < tarn_blocks(m->x->rows); m->block++) {
        TARN_TRY(tarn_cancel_check(m->s->job->sink, err));
        TARN_TRY(tarn_pool_run(m->s->job->pool, 2, two_tasks, m, err));
    }
done:
    return rc;
}

tarn_code sgd_epoch(sgd_learner *s, int64_t epoch, double *mean_loss, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_comm *comm = s->job->comm;
    making m = {.s = s, .x = s->job->x, .epoch = epoch, .shuffle = s->set->shuffle, .learn = true};
    double sums[2] = {0};

    s->head->averaged = 0;
    for (int r = 0; r < tarn_comm_size(comm); r++) {
        s->loss_sum = sums[0];
        s->weight_sum = sums[1];
        if (tarn_comm_rank(comm) == r) rc = all_blocks(&m, err);
        TARN_TRY(tarn_comm_agree(comm, rc, err));
        sums[0] = s->loss_sum;
        sums[1] = s->weight_sum;
        TARN_TRY(tarn_comm_share(comm, r, s->state, s->state_len, err));
        TARN_TRY(tarn_comm_share(comm, r, sums, sizeof sums, err));
    }
    *mean_loss = sums[0] / sums[1];
done:
    return rc;
}

tarn_code sgd_judge(sgd_learner *s, const tarn_matrix *x, double *mean_loss, tarn_err *err)
{
    making m = {.s = s, .x = x};

    s->loss_sum = s->weight_sum = 0;
    sgd_swap_average(s);
    tarn_code rc = all_blocks(&m, err);
    sgd_swap_average(s);
    *mean_loss = s->loss_sum / s->weight_sum;
    return rc;
}

/* ---- the end ---- */

/* Coefficient of column j (dense, padding, sparse) and output c, for x_j. */
static double coefficient(const sgd_learner *s, size_t j, size_t c)
{
    const float *many = s->coef + 2 * s->wide * j, *mean = s->mean_coef + s->wide * j;
    double v = s->head->averaged > 0 ? (double)mean[c]
               : s->k > 1            ? (double)many[c]
               : j < s->padded       ? (double)s->coef[j]
                                     : (double)s->coef[2 * s->padded + 2 * (j - s->padded)];
    double most = (double)s->most[j];

    if (s->set->learning_rate != SGD_ADAPTIVE) return v;
    return most > 1e-30 ? v / most : 0;
}

void sgd_coefficients(const sgd_learner *s, double *out)
{
    size_t all = s->dense + s->sparse;
    double y_scale = s->head->y_scale;

    for (size_t c = 0; c < s->k; c++) {
        double *weight = out + s->k + c * all, bias = coefficient(s, s->dense, c);
        for (size_t j = 0; j < s->dense; j++) {
            double w = coefficient(s, j, c) / s->scale[j];
            bias -= w * s->mean[j];
            weight[j] = w * y_scale;
        }
        for (size_t j = 0; j < s->sparse; j++) weight[s->dense + j] = coefficient(s, s->padded + j, c) * y_scale;
        out[c] = bias * y_scale + s->head->y_mean;
    }
}
