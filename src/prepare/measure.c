/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - what steps learn from train rows: means, deviations, exact quantiles.
 *
 * Sums are made per block of TARN_BLOCK_ROWS rows and added in block order over all ranks (tarn_comm_sum_blocks).
 * Quantiles are exact order statistics, found digit by digit: a double's bits, turned so that they sort as the
 * number does, are read 11 at a time from the top; each pass counts which digit comes next among the values that share
 * the digits found so far. Counts are whole numbers, so threads and ranks add up to the same in any order, and memory
 * does not grow with the rows.
 */
#include "prepare/step.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { PIECE = 1024 }; /* rows read at a time; divides TARN_BLOCK_ROWS */

/* ---- reading columns piece by piece ---- */

typedef struct walk {
    const tarn_step_job *job;
    const uint32_t *regs;
    int32_t n;
    double *mem; /* (workers, n, PIECE) */
    tarn_step_visit *visit;
    void *arg;
} walk;

static tarn_code walk_init(walk *w, tarn_err *err)
{
    size_t workers = (size_t)tarn_pool_threads(w->job->pool);

    return tarn_alloc(&w->mem, workers * (size_t)w->n, PIECE * sizeof *w->mem, err);
}

static tarn_code walk_block(walk *w, int64_t block, int worker, tarn_step_visit *visit, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *mem = w->mem + (size_t)worker * (size_t)w->n * PIECE;
    int64_t at = block * TARN_BLOCK_ROWS, end = at + TARN_BLOCK_ROWS;

    if (end > w->job->rows) end = w->job->rows;
    for (; at < end; at += PIECE) {
        int64_t n = end - at < PIECE ? end - at : PIECE;
        TARN_TRY(w->job->columns(w->job->self, w->regs, w->n, at, n, mem, err));
        for (int32_t c = 0; c < w->n; c++) visit(arg, worker, c, mem + (size_t)c * (size_t)n, n);
    }
done:
    return rc;
}

static tarn_code each_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    walk *w = arg;

    return walk_block(w, block, worker, w->visit, w->arg, err);
}

tarn_code tarn_step_each(const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_step_visit *visit, void *arg,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    walk w = {.job = job, .regs = regs, .n = n, .visit = visit, .arg = arg};

    TARN_TRY(walk_init(&w, err));
    if (n > 0) TARN_TRY(tarn_pool_run(job->pool, tarn_blocks(job->rows), each_block, &w, err));
done:
    tarn_free(w.mem);
    return tarn_comm_agree(job->comm, rc, err);
}

/* ---- mean and deviation ---- */

typedef struct measure {
    walk w;
    const double *mean; /* (n) second pass; NULL in the first */
    double *most;       /* (workers, 2, n): most, and most of -x; -inf without values */
} measure;

typedef struct block_sum {
    const measure *m;
    double *sum; /* (2, n) */
} block_sum;

static void sum_piece(void *arg, int worker, int32_t col, const double *x, int64_t n)
{
    const block_sum *b = arg;
    int32_t cols = b->m->w.n;
    double *most = b->m->most + ((size_t)worker * 2) * (size_t)cols + col, *least = most + cols;
    double count = b->sum[col], sum = b->sum[cols + col];

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        count += 1;
        sum += x[i];
        if (x[i] > *most) *most = x[i] + 0.0; /* -0 is 0, or the order of rows would show */
        if (-x[i] > *least) *least = -x[i] + 0.0;
    }
    b->sum[col] = count;
    b->sum[cols + col] = sum;
}

/* Deviations from the mean and their squares; the former would be 0 but for rounding, and corrects the latter. */
static void square_piece(void *arg, int worker, int32_t col, const double *x, int64_t n)
{
    const block_sum *b = arg;
    int32_t cols = b->m->w.n;
    double mean = b->m->mean[col], off = b->sum[col], square = b->sum[cols + col];

    (void)worker;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        double d = x[i] - mean;
        off += d;
        square += d * d;
    }
    b->sum[col] = off;
    b->sum[cols + col] = square;
}

static tarn_code sum_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    measure *m = arg;
    block_sum b = {m, sum};

    return walk_block(&m->w, block, worker, m->mean ? square_piece : sum_piece, &b, err);
}

static tarn_code overflow(const tarn_step_job *job, uint32_t reg, tarn_err *err)
{
    return TARN_FAIL(err, TARN_NUMERIC, "column '%s': values are so large that their sum overflows; set a range for it",
                     tarn_graph_feature(job->graph, reg)->name);
}

/* Memory for the two passes. */
static tarn_code measure_init(measure *m, double **sums, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t workers = (size_t)tarn_pool_threads(m->w.job->pool), n = (size_t)m->w.n;

    TARN_TRY(walk_init(&m->w, err));
    TARN_TRY(tarn_alloc(&m->most, workers * 2, n * sizeof *m->most, err));
    for (size_t i = 0; i < workers * 2 * n; i++) m->most[i] = -INFINITY;
    TARN_TRY(tarn_alloc(sums, n * 4, sizeof **sums, err));
done:
    return rc;
}

static void most_of_workers(const measure *m)
{
    size_t workers = (size_t)tarn_pool_threads(m->w.job->pool), n = (size_t)m->w.n * 2;

    for (size_t w = 1; w < workers; w++)
        for (size_t i = 0; i < n; i++)
            if (m->most[w * n + i] > m->most[i]) m->most[i] = m->most[w * n + i];
}

tarn_code tarn_step_measure(const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_step_moments *out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    measure m = {.w = {.job = job, .regs = regs, .n = n}};
    double *sums = NULL; /* (count, sum, off, square) by n */
    int64_t blocks = tarn_blocks(job->rows);

    if (n == 0) return TARN_OK;
    rc = measure_init(&m, &sums, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, blocks, 2 * n, sum_block, &m, sums, err));
    most_of_workers(&m);
    TARN_TRY(tarn_comm_max_f64(job->comm, m.most, 2 * (size_t)n, err));
    for (int32_t c = 0; c < n; c++) {
        bool any = sums[c] > 0;
        out[c] = (tarn_step_moments){(int64_t)sums[c], any ? sums[n + c] / sums[c] : NAN, NAN,
                                     any ? -m.most[n + c] + 0.0 : NAN, any ? m.most[c] : NAN};
        if (any && !isfinite(out[c].mean)) {
            rc = overflow(job, regs[c], err);
            goto done;
        }
        sums[n + c] = out[c].mean;
    }
    m.mean = sums + n;
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, blocks, 2 * n, sum_block, &m, sums + 2 * n, err));
    for (int32_t c = 0; c < n; c++) {
        double count = sums[c], off = sums[2 * n + c], square = sums[3 * n + c];
        if (count == 0) continue;
        out[c].variance = out[c].least == out[c].most ? 0 : (square - off * off / count) / count;
        if (isnan(out[c].variance)) out[c].variance = INFINITY;
        if (out[c].variance < 0) out[c].variance = 0;
    }
done:
    tarn_free(sums);
    tarn_free(m.most);
    tarn_free(m.w.mem);
    return rc;
}

/* ---- quantiles ---- */

enum { DIGITS = 2048, PASSES = 6 };

static const int shift_of[PASSES] = {53, 42, 31, 20, 9, 0};
static const int bits_of[PASSES] = {11, 11, 11, 11, 11, 9};

/* Sorts as the number does; x is not NaN. */
static uint64_t key_of(double x)
{
    uint64_t u;

    x += 0.0; /* -0 is 0 */
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

static double value_of(uint64_t key)
{
    uint64_t u = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* One order statistic that is looked for. */
typedef struct target {
    uint64_t prefix; /* the digits found so far */
    int64_t rank;    /* among the values that share them, from 0 */
} target;

typedef struct hunt {
    target *targets; /* (n, per): of each column, two for each quantile */
    int32_t per;
    int pass;
    int64_t *counts; /* (workers, n * per, DIGITS) */
    size_t size;     /* counts of a worker */
} hunt;

static void count_piece(void *arg, int worker, int32_t col, const double *x, int64_t n)
{
    const hunt *h = arg;
    int shift = shift_of[h->pass], bits = bits_of[h->pass];
    uint64_t mask = ((uint64_t)1 << bits) - 1;

    for (int32_t t = 0; t < h->per; t++) {
        size_t at = (size_t)col * (size_t)h->per + (size_t)t;
        uint64_t prefix = h->targets[at].prefix;
        int64_t *count = h->counts + (size_t)worker * h->size + at * DIGITS;
        for (int64_t i = 0; i < n; i++) {
            if (!isfinite(x[i])) continue;
            uint64_t key = key_of(x[i]);
            if (h->pass == 0 || key >> (shift + bits) == prefix) count[key >> shift & mask]++;
        }
    }
}

/* The digit in which the target's rank falls. */
static void narrow(target *t, const int64_t *count, int bits)
{
    uint64_t digit = 0, last = ((uint64_t)1 << bits) - 1;

    while (digit < last && t->rank >= count[digit]) t->rank -= count[digit++];
    t->prefix = t->prefix << bits | digit;
}

static double rank_of(double q, int64_t count, double *fraction)
{
    double at = q * (double)(count - 1), whole = floor(at);

    *fraction = at - whole;
    return whole;
}

/* After the first pass it is known how many values there are: set the ranks. */
static void set_ranks(const hunt *h, int32_t n, const double *q, int32_t n_q, int64_t *total)
{
    for (int32_t c = 0; c < n; c++) {
        const int64_t *count = h->counts + (size_t)c * (size_t)h->per * DIGITS;
        double fraction;
        total[c] = 0;
        for (int d = 0; d < DIGITS; d++) total[c] += count[d];
        if (total[c] == 0) continue;
        for (int32_t k = 0; k < n_q; k++) {
            target *t = &h->targets[(size_t)c * (size_t)h->per + 2 * (size_t)k];
            t[0].rank = (int64_t)rank_of(q[k], total[c], &fraction);
            t[1].rank = t[0].rank + 1 < total[c] ? t[0].rank + 1 : t[0].rank;
        }
    }
}

static double between(double a, double b, double fraction)
{
    if (a == b) return a;
    if (fraction == 0.5) return a * 0.5 + b * 0.5;
    return fraction < 0.5 ? a + (b - a) * fraction : b - (b - a) * (1 - fraction);
}

static tarn_code hunt_init(hunt *h, const tarn_step_job *job, int32_t n, int32_t n_q, int64_t **total, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t workers = (size_t)tarn_pool_threads(job->pool), targets = (size_t)n * 2 * (size_t)n_q;

    h->per = 2 * n_q;
    h->size = targets * DIGITS;
    TARN_TRY(tarn_alloc(&h->targets, targets, sizeof *h->targets, err));
    TARN_TRY(tarn_alloc(&h->counts, workers, h->size * sizeof *h->counts, err));
    TARN_TRY(tarn_alloc(total, (size_t)n, sizeof **total, err));
done:
    return tarn_comm_agree(job->comm, rc, err);
}

static tarn_code hunt_pass(hunt *h, const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t workers = (size_t)tarn_pool_threads(job->pool);

    memset(h->counts, 0, workers * h->size * sizeof *h->counts);
    TARN_TRY(tarn_step_each(job, regs, n, count_piece, h, err));
    for (size_t w = 1; w < workers; w++)
        for (size_t i = 0; i < h->size; i++) h->counts[i] += h->counts[w * h->size + i];
    TARN_TRY(tarn_comm_sum_i64(job->comm, h->counts, h->size, err));
done:
    return rc;
}

tarn_code tarn_step_quantiles(const tarn_step_job *job, const uint32_t *regs, int32_t n, const double *q, int32_t n_q,
                              double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hunt h = {0};
    int64_t *total = NULL;

    if (n == 0 || n_q == 0) return TARN_OK;
    TARN_TRY(hunt_init(&h, job, n, n_q, &total, err));
    for (h.pass = 0; h.pass < PASSES; h.pass++) {
        TARN_TRY(hunt_pass(&h, job, regs, n, err));
        if (h.pass == 0) set_ranks(&h, n, q, n_q, total);
        for (size_t t = 0; t < (size_t)n * (size_t)h.per; t++)
            narrow(&h.targets[t], h.counts + t * DIGITS, bits_of[h.pass]);
    }
    for (int32_t c = 0; c < n; c++)
        for (int32_t k = 0; k < n_q; k++) {
            const target *t = &h.targets[(size_t)c * (size_t)h.per + 2 * (size_t)k];
            double fraction = 0;
            (void)rank_of(q[k], total[c], &fraction);
            out[(size_t)c * (size_t)n_q + (size_t)k] =
                total[c] == 0 ? NAN : between(value_of(t[0].prefix), value_of(t[1].prefix), fraction);
        }
done:
    tarn_free(total);
    tarn_free(h.counts);
    tarn_free(h.targets);
    return rc;
}
