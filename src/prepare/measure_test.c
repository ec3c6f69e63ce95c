/* SPDX-License-Identifier: Apache-2.0 */
/* measure_test.c - what steps learn: against sorting and plain sums, and on numbers made to break them. */
#include "prepare/prepare_sample.h"

#include <float.h>

enum { COLS = 8, ROWS = 2 * TARN_BLOCK_ROWS + 1234 };

/* A step job over plain columns. */
typedef struct plain {
    const double *columns; /* (COLS, rows) */
    int64_t rows, first;   /* first: of this rank */
} plain;

static tarn_code plain_columns(void *self, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n, double *out,
                               tarn_err *err)
{
    const plain *p = self;

    (void)err;
    for (int32_t k = 0; k < n_regs; k++)
        memcpy(out + (int64_t)k * n, p->columns + (int64_t)regs[k] * p->rows + p->first + at, (size_t)n * sizeof *out);
    return TARN_OK;
}

static const uint32_t all[COLS] = {0, 1, 2, 3, 4, 5, 6, 7};

static tarn_step_job job_over(plain *p, tarn_graph *g, tarn_pool *pool, tarn_comm *comm)
{
    int64_t rows;

    tarn_comm_rows(comm, p->rows, &p->first, &rows);
    return (tarn_step_job){.graph = g,
                           .regs = all,
                           .n_regs = COLS,
                           .rows = rows,
                           .columns = plain_columns,
                           .self = p,
                           .pool = pool,
                           .comm = comm};
}

static tarn_graph *names(void)
{
    static const char *const name[COLS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    tarn_graph *g = NULL;

    must(tarn_graph_new(&g, err));
    for (int k = 0; k < COLS; k++)
        must(tarn_graph_input(g, name[k], TARN_NUMBER, false, NAN, NAN, NULL, NULL, 0, NULL, err));
    return g;
}

/* Columns of many characters: uniform, wide, few values, tiny, missing, infinities, constant, nothing. */
static double *numbers(int64_t rows)
{
    double *x = NULL;

    must(tarn_alloc(&x, (size_t)rows * COLS, sizeof *x, err));
    for (int64_t i = 0; i < rows; i++) {
        double u = sample_unit(i, 20), v = sample_unit(i, 21);
        x[i] = u;
        x[rows + i] = ldexp(u - 0.5, (int)(600 * v) - 300);
        x[2 * rows + i] = floor(u * 5) - 2;
        x[3 * rows + i] = v < 0.5 ? DBL_TRUE_MIN * floor(u * 9) : -DBL_TRUE_MIN * floor(u * 9); /* with -0 among them */
        x[4 * rows + i] = v < 0.7 ? NAN : u * 100;
        x[5 * rows + i] = v < 0.1 ? INFINITY : v < 0.2 ? -INFINITY : 1 / u;
        x[6 * rows + i] = 0.1;
        x[7 * rows + i] = NAN;
    }
    return x;
}

static int by_value(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return (*a > *b) - (*a < *b);
}

static int64_t finite_sorted(const double *x, int64_t rows, double *out)
{
    int64_t n = 0;

    for (int64_t i = 0; i < rows; i++)
        if (isfinite(x[i])) out[n++] = x[i] + 0.0;
    if (n > 0) qsort(out, (size_t)n, sizeof *out, by_value);
    return n;
}

static void quantiles_are_those_of_sorting(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 10, 1023, 1024, 1025, ROWS};
    static const double q[] = {0, 0.25, 0.5, 0.75, 1, 0.013};
    tarn_graph *g = names();

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t rows = sizes[s];
        double *x = numbers(rows), *sorted = NULL, out[COLS * 6];
        plain p = {.columns = x, .rows = rows};
        tarn_step_job job = job_over(&p, g, NULL, NULL);
        must(tarn_alloc(&sorted, (size_t)rows, sizeof *sorted, err));
        must(tarn_step_quantiles(&job, all, COLS, q, 6, out, err));
        for (int c = 0; c < COLS; c++) {
            int64_t n = finite_sorted(x + c * rows, rows, sorted);
            for (int k = 0; k < 6; k++) {
                double ours = out[c * 6 + k];
                if (n == 0) {
                    assert_true(isnan(ours));
                    continue;
                }
                int64_t low = (int64_t)floor(q[k] * (double)(n - 1)), high = low + 1 < n ? low + 1 : low;
                double f = q[k] * (double)(n - 1) - (double)low, want = sorted[low] * (1 - f) + sorted[high] * f;
                if (f == 0) assert_memory_equal(&ours, &sorted[low], sizeof ours);
                else
                    assert_true(ours >= sorted[low] && ours <= sorted[high] &&
                                fabs(ours - want) <= 1e-14 * fabs(want) + 1e-307);
            }
        }
        tarn_free(sorted);
        tarn_free(x);
    }
    tarn_graph_free(g);
}

static void moments_are_those_of_plain_sums(void **state)
{
    (void)state;
    double *x = numbers(ROWS);
    plain p = {.columns = x, .rows = ROWS};
    tarn_graph *g = names();
    tarn_step_job job = job_over(&p, g, NULL, NULL);
    tarn_step_moments m[COLS];

    must(tarn_step_measure(&job, all, COLS, m, err));
    for (int c = 0; c < COLS; c++) {
        long double sum = 0, square = 0;
        double least = INFINITY, most = -INFINITY;
        int64_t n = 0;
        for (int64_t i = 0; i < ROWS; i++) {
            double v = x[c * ROWS + i];
            if (!isfinite(v)) continue;
            n++;
            sum += v;
            least = v < least ? v : least;
            most = v > most ? v : most;
        }
        assert_int_equal(m[c].count, n);
        if (n == 0) {
            assert_true(isnan(m[c].mean) && isnan(m[c].variance) && isnan(m[c].least) && isnan(m[c].most));
            continue;
        }
        long double mean = sum / n;
        for (int64_t i = 0; i < ROWS; i++)
            if (isfinite(x[c * ROWS + i])) square += (x[c * ROWS + i] - mean) * (x[c * ROWS + i] - mean);
        assert_true(m[c].least == least && m[c].most == most);
        if (c == 3 || c == 6) continue; /* subnormal: the mean has no more than a digit; constant: see below */
        /* 17,618 numbers: an error of n / 2 units in the last place is the worst, root n the usual */
        assert_true(fabs(m[c].mean - (double)mean) <= 2e-13 * (fabs((double)mean) + (double)sqrtl(square / n)));
        assert_true(fabs(m[c].variance - (double)(square / n)) <= 1e-12 * (double)(square / n) + 1e-300);
    }
    assert_true(m[6].variance == 0);
    tarn_free(x);
    tarn_graph_free(g);
}

/* ---- threads and ranks ---- */

typedef struct ranked {
    const double *x;
    tarn_graph *g;
    int threads;
    tarn_step_moments m[4][COLS];
    double q[4][COLS * 3];
} ranked;

static tarn_code measure_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    static const double q[] = {0.25, 0.5, 0.9};
    ranked *r = arg;
    tarn_code rc = TARN_OK;
    tarn_pool *pool = NULL;
    plain p = {.columns = r->x, .rows = ROWS};
    int rank = tarn_comm_rank(comm);
    tarn_step_job job = {0};

    rc = tarn_pool_new(r->threads, &pool, err);
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    job = job_over(&p, r->g, pool, comm);
    TARN_TRY(tarn_step_measure(&job, all, COLS, r->m[rank], err));
    TARN_TRY(tarn_step_quantiles(&job, all, COLS, q, 3, r->q[rank], err));
done:
    tarn_pool_free(pool);
    return rc;
}

static void any_number_of_threads_and_ranks_learns_the_same_bits(void **state)
{
    (void)state;
    static ranked one, many;
    double *x = numbers(ROWS);

    one = (ranked){.x = x, .g = names(), .threads = 1};
    must(measure_rank(&one, NULL, err));
    for (int ranks = 1; ranks <= 4; ranks++)
        for (int threads = 1; threads <= 3; threads++) {
            many = (ranked){.x = x, .g = one.g, .threads = threads};
            must(tarn_comm_run_threads(ranks, measure_rank, &many, err));
            for (int r = 0; r < ranks; r++) {
                assert_memory_equal(many.m[r], one.m[0], sizeof one.m[0]);
                assert_memory_equal(many.q[r], one.q[0], sizeof one.q[0]);
            }
        }
    tarn_graph_free(one.g);
    tarn_free(x);
}

/* All ranks end, whoever it was that had no memory: a rank that waited for ever would hang this test. */
static void ranks_without_memory_end_together(void **state)
{
    (void)state;
    static ranked many;
    double *x = numbers(ROWS);
    tarn_code rc = TARN_NOMEM;

    many = (ranked){.x = x, .g = names(), .threads = 2};
    for (int64_t k = 1; rc != TARN_OK; k += 1 + k / 16) {
        int64_t live = tarn_mem_live();
        tarn_mem_fail_after(k);
        rc = tarn_comm_run_threads(3, measure_rank, &many, NULL);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
        assert_true(k < 5000);
    }
    tarn_graph_free(many.g);
    tarn_free(x);
}

static void sums_that_overflow_are_refused_by_name(void **state)
{
    (void)state;
    static double x[COLS * 4];
    plain p = {.columns = x, .rows = 4};
    tarn_graph *g = names();
    tarn_step_job job = job_over(&p, g, NULL, NULL);
    tarn_step_moments m[COLS];

    for (int i = 0; i < 4; i++) x[2 * 4 + i] = i & 1 ? 1e200 : -1e200;
    must(tarn_step_measure(&job, all, COLS, m, err));
    assert_true(m[2].mean == 0 && isinf(m[2].variance) && m[2].variance > 0);
    for (int i = 0; i < 4; i++) x[2 * 4 + i] = 1.5e308;
    must_fail_with(TARN_NUMERIC, "column 'c': values are so large", tarn_step_measure(&job, all, COLS, m, err));
    tarn_graph_free(g);
}

TARN_TESTS(TARN_TEST(quantiles_are_those_of_sorting), TARN_TEST(moments_are_those_of_plain_sums),
           TARN_TEST(any_number_of_threads_and_ranks_learns_the_same_bits),
           TARN_TEST(ranks_without_memory_end_together), TARN_TEST(sums_that_overflow_are_refused_by_name))
