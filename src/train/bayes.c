/* SPDX-License-Identifier: Apache-2.0 */
/* bayes.c - see bayes.h: the pass over the rows.
 *
 * In a block, rows are put in order of their classes once; each column is then summed class by class, eight rows side
 * by side, through that order. Sparse rows are added class by class, each by one worker, so
 * that the sums of one class stay in its cache. */
#include "train/bayes.h"

#include "base/mem.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { LANES = 8, SUMS = 3 };

/* The nearest integer, of two the even one. */
static int64_t nearest(double x) { return _mm_cvtsd_si64(_mm_set_sd(x)); }

/* ---- memory ---- */

void tarn_bayes_clear(tarn_bayes *b)
{
    tarn_free(b->count);
    tarn_free(b->dense.shift);
    tarn_free(b->dense.weight);
    tarn_free(b->dense.sum);
    tarn_free(b->dense.square);
    tarn_free(b->dense.plain);
    tarn_free(b->sums);
    tarn_free(b->first);
    tarn_free(b->levels);
    *b = (tarn_bayes){0};
}

static tarn_code make_room(tarn_bayes *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cells = b->classes * b->cols;

    TARN_TRY(tarn_alloc(&b->count, b->classes, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->dense.shift, b->cols, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->dense.weight, cells, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->dense.sum, cells, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->dense.square, cells, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->dense.plain, SUMS * b->cols, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->sums, b->job->before ? b->classes * b->sparse : 0, sizeof(double), err));
    TARN_TRY(tarn_alloc(&b->first, b->cols + 1, sizeof *b->first, err));
    for (size_t j = 0; j < b->cols; j++) {
        const tarn_feature *f = &b->job->x->features[j];
        b->first[j + 1] = b->first[j] + (f->kind == TARN_CATEGORY ? (uint32_t)f->levels : 0);
    }
    TARN_TRY(tarn_alloc(&b->levels, b->first[b->cols] * b->classes, sizeof(double), err));
    TARN_TRY(tarn_cancel_check(b->job->sink, err));
done:
    return rc;
}

/* ---- dense columns ---- */

typedef struct pass {
    tarn_bayes *b;
    tarn_bayes_way way;
    double threshold;
    bool shifted;    /* weights and squares are wanted, and values may be missing */
    double *values;  /* (threads, cols, TARN_BLOCK_ROWS) */
    int32_t *order;  /* (threads, TARN_BLOCK_ROWS) rows of a block by class */
    double *weights; /* (threads, TARN_BLOCK_ROWS) their weights, in that order */
    int32_t *ends;   /* (threads, classes + 1) */
    int64_t *levels; /* (threads, first[cols], classes) weights in row units */
    double row_unit;
} pass;

static void pass_clear(pass *p)
{
    tarn_free(p->values);
    tarn_free(p->order);
    tarn_free(p->weights);
    tarn_free(p->ends);
    tarn_free(p->levels);
}

static tarn_code pass_init(pass *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(p->b->job->pool);

    TARN_TRY(tarn_alloc(&p->values, threads * p->b->cols * TARN_BLOCK_ROWS, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->order, threads * TARN_BLOCK_ROWS, sizeof(int32_t), err));
    TARN_TRY(tarn_alloc(&p->weights, threads * TARN_BLOCK_ROWS, sizeof(double), err));
    TARN_TRY(tarn_alloc(&p->ends, threads * (p->b->classes + 1), sizeof(int32_t), err));
    TARN_TRY(tarn_alloc(&p->levels, threads * p->b->first[p->b->cols] * p->b->classes, sizeof(int64_t), err));
done:
    return rc;
}

static void put_in_order(const tarn_matrix *x, int64_t at, int64_t n, int32_t *order, double *weights, int32_t *ends)
{
    const double *y = x->y + at;
    size_t classes = (size_t)x->classes;

    memset(ends, 0, (classes + 1) * sizeof *ends);
    for (int64_t i = 0; i < n; i++) ends[(size_t)y[i] + 1]++;
    for (size_t k = 0; k < classes; k++) ends[k + 1] += ends[k];
    for (int64_t i = 0; i < n; i++) {
        int32_t to = ends[(size_t)y[i]]++;
        order[to] = (int32_t)i;
        weights[to] = x->weight ? x->weight[at + i] : 1;
    }
    for (size_t k = classes; k > 0; k--) ends[k] = ends[k - 1];
    ends[0] = 0;
}

/* Weight, sum and square over n rows of one class. */
typedef struct three {
    double weight, sum, square;
} three;

static three add_lanes(const double *x, double shift, const int32_t *order, const double *w, int32_t n)
{
    double weight[LANES] = {0}, sum[LANES] = {0}, square[LANES] = {0};
    three out = {0};
    int32_t i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double v = x[order[i + l]] - shift, wv = w[i + l] * v;
            weight[l] += w[i + l];
            sum[l] += wv;
            square[l] = fma(wv, v, square[l]);
        }
    for (int l = 0; i < n; i++, l++) {
        double v = x[order[i]] - shift, wv = w[i] * v;
        weight[l] += w[i];
        sum[l] += wv;
        square[l] = fma(wv, v, square[l]);
    }
    for (int l = 0; l < LANES; l++) {
        out.weight += weight[l];
        out.sum += sum[l];
        out.square += square[l];
    }
    return out;
}

static __m256d four(const double *x, const int32_t *order)
{
    return _mm256_set_pd(x[order[3]], x[order[2]], x[order[1]], x[order[0]]);
}

/* The sum of w x alone, or of w where x is above the threshold. */
static three add_plain(const double *x, const int32_t *order, const double *w, int32_t n)
{
    double sum[LANES];
    three out = {0};
    int32_t i = 0;
    __m256d s0 = _mm256_setzero_pd(), s1 = s0;

    for (; i + LANES <= n; i += LANES) {
        s0 = _mm256_fmadd_pd(_mm256_loadu_pd(w + i), four(x, order + i), s0);
        s1 = _mm256_fmadd_pd(_mm256_loadu_pd(w + i + 4), four(x, order + i + 4), s1);
    }
    _mm256_storeu_pd(sum, s0);
    _mm256_storeu_pd(sum + 4, s1);
    for (int l = 0; i < n; i++, l++) sum[l] = fma(w[i], x[order[i]], sum[l]);
    for (int l = 0; l < LANES; l++) out.sum += sum[l];
    return out;
}

/* A comparison makes a mask, not a branch: half of them would be guessed wrong. */
static three add_above(const double *x, double threshold, const int32_t *order, const double *w, int32_t n)
{
    double sum[LANES];
    three out = {0};
    int32_t i = 0;
    __m256d s0 = _mm256_setzero_pd(), s1 = s0, t = _mm256_set1_pd(threshold);

    for (; i + LANES <= n; i += LANES) {
        __m256d yes0 = _mm256_cmp_pd(four(x, order + i), t, _CMP_GT_OQ);
        __m256d yes1 = _mm256_cmp_pd(four(x, order + i + 4), t, _CMP_GT_OQ);
        s0 = _mm256_add_pd(s0, _mm256_and_pd(_mm256_loadu_pd(w + i), yes0));
        s1 = _mm256_add_pd(s1, _mm256_and_pd(_mm256_loadu_pd(w + i + 4), yes1));
    }
    _mm256_storeu_pd(sum, s0);
    _mm256_storeu_pd(sum + 4, s1);
    for (int l = 0; i < n; i++, l++) sum[l] += x[order[i]] > threshold ? w[i] : 0;
    for (int l = 0; l < LANES; l++) out.sum += sum[l];
    return out;
}

/* The same as add_lanes where values may be missing. */
static three add_present(const double *x, double shift, const int32_t *order, const double *w, int32_t n)
{
    three out = {0};

    for (int32_t i = 0; i < n; i++) {
        double v = x[order[i]] - shift;
        if (!isfinite(v)) continue;
        out.weight += w[i];
        out.sum += w[i] * v;
        out.square = fma(w[i] * v, v, out.square);
    }
    return out;
}

static bool all_finite(const double *x, int64_t n)
{
    double lost = 0;

    for (int64_t i = 0; i < n; i++) lost += x[i] * 0;
    return lost == 0;
}

static void add_column(const pass *p, size_t j, const double *x, int64_t n, int worker, double *sum)
{
    const tarn_bayes *b = p->b;
    const int32_t *order = p->order + (size_t)worker * TARN_BLOCK_ROWS;
    const int32_t *ends = p->ends + (size_t)worker * (b->classes + 1);
    const double *w = p->weights + (size_t)worker * TARN_BLOCK_ROWS;
    size_t cells = b->classes * b->cols;
    bool finite = p->shifted && all_finite(x, n);
    double shift = b->dense.shift[j];

    for (size_t k = 0; k < b->classes; k++) {
        int32_t from = ends[k], rows = ends[k + 1] - ends[k];
        three t = p->way == TARN_BAYES_ABOVE ? add_above(x, p->threshold, order + from, w + from, rows)
                  : !p->shifted              ? add_plain(x, order + from, w + from, rows)
                  : finite                   ? add_lanes(x, shift, order + from, w + from, rows)
                                             : add_present(x, shift, order + from, w + from, rows);
        sum[k * b->cols + j] += t.weight;
        sum[cells + k * b->cols + j] += t.sum;
        sum[2 * cells + k * b->cols + j] += t.square;
    }
    double *plain = sum + SUMS * cells;
    for (int64_t i = 0; p->shifted && b->job->x->weight && i < n; i++) {
        double v = x[i] - shift;
        if (!isfinite(v)) continue;
        plain[j] += 1;
        plain[b->cols + j] += v;
        plain[2 * b->cols + j] = fma(v, v, plain[2 * b->cols + j]);
    }
}

/* Levels of a category; missing and unseen are passed over. */
static void count_levels(const pass *p, size_t j, const double *x, int64_t at, int64_t n, int worker)
{
    const tarn_bayes *b = p->b;
    const tarn_matrix *m = b->job->x;
    int64_t *table = p->levels + ((size_t)worker * b->first[b->cols] + b->first[j]) * b->classes;
    double levels = (double)(b->first[j + 1] - b->first[j]);

    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] >= 0 && x[i] < levels)) continue;
        double w = m->weight ? m->weight[at + i] : 1;
        table[(size_t)x[i] * b->classes + (size_t)m->y[at + i]] += nearest(w * p->row_unit);
    }
}

static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const pass *p = arg;
    const tarn_bayes *b = p->b;
    const tarn_matrix *x = b->job->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    double *values = p->values + (size_t)worker * b->cols * TARN_BLOCK_ROWS;

    tarn_code rc = x->block(x->self, at, n, values, err);
    if (rc != TARN_OK) return rc;
    put_in_order(x, at, n, p->order + (size_t)worker * TARN_BLOCK_ROWS, p->weights + (size_t)worker * TARN_BLOCK_ROWS,
                 p->ends + (size_t)worker * (b->classes + 1));
    for (size_t j = 0; j < b->cols; j++) {
        double *v = values + j * (size_t)n;
        if (x->features[j].kind == TARN_CATEGORY) {
            count_levels(p, j, v, at, n, worker);
            continue;
        }
        add_column(p, j, v, n, worker, sum);
    }
    return TARN_OK;
}

/* Rank 0's first block says where the columns are, about. */
static tarn_code find_shift(pass *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bayes *b = p->b;
    const tarn_matrix *x = b->job->x;
    int64_t n = x->rows < TARN_BLOCK_ROWS ? x->rows : TARN_BLOCK_ROWS;

    if (tarn_comm_rank(b->job->comm) == 0) rc = x->block(x->self, 0, n, p->values, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    for (size_t j = 0; j < b->cols && tarn_comm_rank(b->job->comm) == 0; j++) {
        double sum = 0, count = 0;
        for (int64_t i = 0; i < n; i++) {
            double v = p->values[j * (size_t)n + (size_t)i];
            if (!isfinite(v)) continue;
            sum += v;
            count++;
        }
        b->dense.shift[j] = count > 0 && isfinite(sum) ? sum / count : 0;
    }
    TARN_TRY(tarn_comm_share(b->job->comm, 0, b->dense.shift, b->cols * sizeof(double), err));
done:
    return rc;
}

static tarn_code add_levels(pass *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bayes *b = p->b;
    size_t cells = b->first[b->cols] * b->classes;

    for (int w = 1; w < tarn_pool_threads(b->job->pool); w++)
        for (size_t i = 0; i < cells; i++) p->levels[i] += p->levels[(size_t)w * cells + i];
    TARN_TRY(tarn_comm_sum_i64(b->job->comm, p->levels, cells, err));
    for (size_t i = 0; i < cells; i++) b->levels[i] += (double)p->levels[i] / p->row_unit;
done:
    return rc;
}

static tarn_code gather_dense(pass *p, bool shifted, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bayes *b = p->b;
    size_t cells = b->classes * b->cols, n = SUMS * (cells + b->cols);
    double *sum = NULL;

    rc = pass_init(p, err);
    if (rc == TARN_OK) rc = tarn_alloc(&sum, n, sizeof *sum, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    if (shifted) TARN_TRY(find_shift(p, err));
    TARN_TRY(tarn_comm_sum_blocks(b->job->comm, b->job->pool, tarn_blocks(b->job->x->rows), (int64_t)n, add_block, p,
                                  sum, err));
    for (size_t i = 0; i < cells; i++) {
        b->dense.weight[i] += sum[i];
        b->dense.sum[i] += sum[cells + i];
        b->dense.square[i] += sum[2 * cells + i];
    }
    TARN_TRY(add_levels(p, err));
    const double *plain = sum + SUMS * cells;
    for (size_t i = 0; i < SUMS * b->cols; i++) b->dense.plain[i] += plain[i];
    for (size_t i = 0; !b->job->x->weight && i < cells; i++)
        for (size_t s = 0; s < SUMS; s++) b->dense.plain[s * b->cols + i % b->cols] += sum[s * cells + i];
done:
    tarn_free(sum);
    return rc;
}

/* ---- sparse columns, and rows of each class ---- */

typedef struct tally {
    const tarn_bayes *b;
    tarn_bayes_way way;
    double unit, row_unit; /* integers are numbers times these */
    int64_t *table;        /* (classes, sparse) */
    int64_t *rows;         /* (classes) */
    int64_t *ends, *order; /* (classes + 1), (rows): see order_by_class */
    double *most;          /* (threads, 2): see find_largest */
} tally;

static void tally_clear(tally *t)
{
    tarn_free(t->table);
    tarn_free(t->rows);
    tarn_free(t->ends);
    tarn_free(t->order);
    tarn_free(t->most);
}

/* The largest power of two by which numbers of this size can be multiplied so that `rows` of them do not overflow. */
static double unit_for(double largest, int64_t rows)
{
    int exponent;

    (void)frexp(largest * (double)rows, &exponent);
    exponent = 61 - exponent;
    return ldexp(1, exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent);
}

/* The largest weight, and the largest weight times value, of a block: to this worker's two places. */
static tarn_code find_largest(void *arg, int64_t block, int worker, tarn_err *err)
{
    tally *t = arg;
    const tarn_matrix *x = t->b->job->x;
    const tarn_sparse *s = t->way == TARN_BAYES_VALUES ? x->sparse : NULL;
    double *most = t->most + 2 * (size_t)worker;

    (void)err;
    for (int64_t i = block * TARN_BLOCK_ROWS; i < x->rows && i < (block + 1) * TARN_BLOCK_ROWS; i++) {
        double w = x->weight ? x->weight[i] : 1;
        float largest = 0;
        for (int64_t e = s ? s->start[i] : 0; s && e < s->start[i + 1]; e++) {
            float v = fabsf(s->value[e]);
            largest = v > largest ? v : largest;
        }
        most[0] = w > most[0] ? w : most[0];
        most[1] = w * (double)largest > most[1] ? w * (double)largest : most[1];
    }
    return TARN_OK;
}

static tarn_code find_units(tally *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = t->b->job;

    rc = tarn_pool_run(job->pool, tarn_blocks(job->x->rows), find_largest, t, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (int w = 1; w < tarn_pool_threads(job->pool); w++)
        for (int k = 0; k < 2; k++) t->most[k] = fmax(t->most[k], t->most[2 * w + k]);
    TARN_TRY(tarn_comm_max_f64(job->comm, t->most, 2, err));
    if (t->way == TARN_BAYES_ABOVE) t->most[1] = t->most[0];
    t->row_unit = unit_for(t->most[0], job->x->all_rows);
    t->unit = unit_for(t->most[1], job->x->all_rows);
done:
    return rc;
}

/* Numbers of the rows, class by class: those of class k are order[ends[k - 1]] .. order[ends[k] - 1]. */
static void order_by_class(tally *t)
{
    const tarn_matrix *x = t->b->job->x;
    size_t classes = t->b->classes;

    for (int64_t i = 0; i < x->rows; i++) t->ends[(size_t)x->y[i] + 1]++;
    for (size_t k = 0; k < classes; k++) t->ends[k + 1] += t->ends[k];
    for (int64_t i = 0; i < x->rows; i++) t->order[t->ends[(size_t)x->y[i]]++] = i;
}

/* A row of a class lies far from the one before: its entries will soon be asked for. */
static void fetch(const tarn_sparse *s, int64_t i, bool values)
{
    for (int64_t e = s->start[i]; e < s->start[i + 1]; e += 16) {
        __builtin_prefetch(s->index + e);
        if (values) __builtin_prefetch(s->value + e);
    }
}

/* The rows of one class. */
static tarn_code tally_class(void *arg, int64_t class, int worker, tarn_err *err)
{
    const tally *t = arg;
    const tarn_matrix *x = t->b->job->x;
    const tarn_sparse *s = x->sparse;
    const bool values = t->way == TARN_BAYES_VALUES;
    int64_t *row = t->table + (size_t) class * t->b->sparse, rows = 0, end = t->ends[class];

    (void)worker, (void)err;
    for (int64_t r = class > 0 ? t->ends[class - 1] : 0; r < end; r++) {
        int64_t i = t->order[r];
        double w = x->weight ? x->weight[i] : 1, unit = w * t->unit;
        rows += nearest(w * t->row_unit);
        if (!s) continue;
        if (r + 1 < end) fetch(s, t->order[r + 1], values);
        if (values) {
            for (int64_t e = s->start[i]; e < s->start[i + 1]; e++)
                row[s->index[e]] += nearest(unit * (double)s->value[e]);
        } else {
            int64_t one = nearest(unit);
            for (int64_t e = s->start[i]; e < s->start[i + 1]; e++) row[s->index[e]] += one;
        }
    }
    t->rows[class] = rows;
    return TARN_OK;
}

/* Sums of this job on top of those of an earlier one, in the memory of the integers. */
static void take_table(tarn_bayes *b, tally *t)
{
    size_t cells = b->classes * b->sparse;
    void *memory = t->table;
    double *sums = memory, inverse = 1 / t->unit; /* a power of two, within 2^-1000 .. 2^1000 */

    for (size_t i = 0; i < cells; i++) {
        double x = (double)t->table[i] * inverse + (b->job->before ? b->sums[i] : 0);
        memcpy(&sums[i], &x, sizeof x);
    }
    tarn_free(b->sums);
    b->sums = sums;
    t->table = NULL;
}

static tarn_code gather_sparse(tally *t, tarn_bayes *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cells = b->classes * b->sparse;

    rc = tarn_alloc(&t->table, cells, sizeof *t->table, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t->rows, b->classes, sizeof *t->rows, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t->ends, b->classes + 1, sizeof *t->ends, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t->order, (size_t)b->job->x->rows, sizeof *t->order, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t->most, 2 * (size_t)tarn_pool_threads(b->job->pool), sizeof *t->most, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    TARN_TRY(find_units(t, err));
    order_by_class(t);
    rc = tarn_pool_run(b->job->pool, (int64_t)b->classes, tally_class, t, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_i64(b->job->comm, t->table, cells, err));
    TARN_TRY(tarn_comm_sum_i64(b->job->comm, t->rows, b->classes, err));
    take_table(b, t);
    for (size_t k = 0; k < b->classes; k++) b->count[k] += (double)t->rows[k] / t->row_unit;
done:
    return rc;
}

/* ---- what an earlier fit left ---- */

typedef struct state_head {
    char magic[8];
    uint32_t state, classes;
    uint64_t cols, sparse, levels;
} state_head;
static const char magic[8] = "TARNNB1";

/* The arrays in their order in a state. */
enum { PARTS = 8 };
static void parts(const tarn_bayes *b, double *part[PARTS], size_t len[PARTS])
{
    double *all[] = {b->count,        b->dense.shift, b->dense.weight, b->dense.sum,
                     b->dense.square, b->dense.plain, b->sums,         b->levels};
    size_t cells = b->classes * b->cols;
    size_t lens[] = {b->classes,
                     b->cols,
                     cells,
                     cells,
                     cells,
                     SUMS * b->cols,
                     b->classes * b->sparse,
                     b->first[b->cols] * b->classes};

    memcpy(part, all, sizeof all);
    memcpy(len, lens, sizeof lens);
}

static tarn_code read_state(tarn_bayes *b, uint32_t state, tarn_err *err)
{
    const char *at = b->job->before;
    size_t left = b->job->before_len, len[PARTS];
    double *part[PARTS];
    state_head head;

    if (left < sizeof head) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left has %zu bytes", left);
    memcpy(&head, at, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.state != state)
        return TARN_FAIL(err, TARN_INVALID, "what the earlier fit left is not from this estimator");
    if (head.classes != b->classes || head.cols != b->cols || head.sparse != b->sparse ||
        head.levels != b->first[b->cols])
        return TARN_FAIL(err, TARN_INVALID, "the earlier fit had %llu columns and %u classes, this one %zu and %zu",
                         (unsigned long long)(head.cols + head.sparse), head.classes, b->cols + b->sparse, b->classes);
    at += sizeof head;
    left -= sizeof head;
    parts(b, part, len);
    for (size_t k = 0; k < PARTS; k++) {
        if (left / sizeof(double) < len[k]) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left was cut");
        if (len[k] > 0) memcpy(part[k], at, len[k] * sizeof(double));
        for (size_t i = 0; i < len[k]; i++)
            if (!isfinite(part[k][i])) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is damaged");
        at += len[k] * sizeof(double);
        left -= len[k] * sizeof(double);
    }
    if (left > 0) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is %zu bytes too long", left);
    for (size_t k = 0; k < b->classes; k++)
        if (b->count[k] < 0) return TARN_FAIL(err, TARN_CORRUPT, "what the earlier fit left is damaged");
    return TARN_OK;
}

tarn_code tarn_bayes_keep(const tarn_bayes *b, uint32_t state, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    state_head head = {.state = state,
                       .classes = (uint32_t)b->classes,
                       .cols = b->cols,
                       .sparse = b->sparse,
                       .levels = b->first[b->cols]};
    size_t len[PARTS], total = sizeof head;
    double *part[PARTS];
    char *at;

    if (!b->job->keep_state) return TARN_OK;
    parts(b, part, len);
    for (size_t k = 0; k < PARTS; k++) total += len[k] * sizeof(double);
    TARN_TRY(tarn_alloc(&out->state, total, 1, err));
    out->state_len = total;
    memcpy(head.magic, magic, sizeof magic);
    at = out->state;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    for (size_t k = 0; k < PARTS; k++) {
        if (len[k] > 0) memcpy(at, part[k], len[k] * sizeof(double));
        at += len[k] * sizeof(double);
    }
done:
    return rc;
}

tarn_code tarn_bayes_gather(tarn_bayes *b, const tarn_fit *job, tarn_bayes_way way, double threshold, bool shifted,
                            uint32_t state, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;

    *b = (tarn_bayes){.job = job,
                      .classes = (size_t)x->classes,
                      .cols = (size_t)x->cols,
                      .sparse = x->sparse ? (size_t)x->sparse->cols : 0};
    pass p = {.b = b, .way = way, .threshold = threshold, .shifted = shifted};
    tally t = {.b = b, .way = way};
    rc = make_room(b, err);
    if (rc == TARN_OK && job->before) rc = read_state(b, state, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(gather_sparse(&t, b, err));
    p.row_unit = t.row_unit;
    if (b->cols > 0) TARN_TRY(gather_dense(&p, shifted && !job->before, err));
done:
    pass_clear(&p);
    tally_clear(&t);
    return rc;
}

/* ---- columns of each class ---- */

typedef struct per_class {
    const tarn_bayes *b;
    tarn_bayes_class_fn *fn;
    const void *settings;
    double *linear;
} per_class;

static tarn_code run_class(void *arg, int64_t class, int worker, tarn_err *err)
{
    const per_class *c = arg;
    const tarn_bayes *b = c->b;

    (void)worker, (void)err;
    c->fn(b, (size_t) class, c->settings, &c->linear[class],
          c->linear + b->classes + (size_t) class * (b->cols + b->sparse));
    return TARN_OK;
}

tarn_code tarn_bayes_each(const tarn_bayes *b, tarn_bayes_class_fn *fn, const void *settings, double *linear,
                          tarn_err *err)
{
    per_class c = {b, fn, settings, linear};

    return tarn_pool_run(b->job->pool, (int64_t)b->classes, run_class, &c, err);
}
