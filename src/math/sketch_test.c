/* SPDX-License-Identifier: Apache-2.0 */
/* sketch_test.c - keys against sums worked out plainly. */
#include "base/random.h"
#include "math/sketch.h"
#include "support/tarn_test.h"

#include <math.h>

enum { MOST = 300 };

static double draw(uint64_t i, uint32_t j) { return tarn_random_unit(3, TARN_STREAM_TEST, i, j); }

/* Two sketches of d columns of range 1, of which the first is at 5. */
typedef struct pair {
    double low[MOST], x[2][MOST];
    unsigned char bytes[2][MOST * 4 + 64];
    tarn_sketches s;
} pair;

static void pair_make(pair *p, tarn_metric metric, tarn_sketch_kind kind, size_t d, uint64_t seed)
{
    for (size_t j = 0; j < d; j++) {
        p->low[j] = j == 0 ? 5 : 0;
        for (int i = 0; i < 2; i++) p->x[i][j] = p->low[j] + draw(seed * 2 + (uint64_t)i, (uint32_t)j);
    }
    p->s = (tarn_sketches){.metric = metric, .kind = kind, .d = d, .low = p->low, .steps = kind ? 1 : 255};
    for (int i = 0; i < 2; i++) {
        memset(p->bytes[i], 0xa5, sizeof p->bytes[i]);
        tarn_sketch_make(&p->s, p->x[i], p->bytes[i]);
        assert_int_equal(p->bytes[i][tarn_sketch_size(kind, d)], 0xa5); /* nothing behind it */
    }
}

static double plain(tarn_metric metric, double sum, double difference)
{
    difference = fabs(difference);
    if (metric == TARN_METRIC_MANHATTAN) return sum + difference;
    if (metric == TARN_METRIC_CHEBYSHEV) return fmax(sum, difference);
    return sum + difference * difference;
}

static void keys_of_bytes_are_distances_in_steps(void **state)
{
    pair p;
    (void)state;

    for (int metric = 0; metric < TARN_METRIC_COSINE; metric++)
        for (size_t d = 1; d < MOST; d++) {
            double want = 0;
            pair_make(&p, (tarn_metric)metric, TARN_SKETCH_BYTES, d, d);
            for (size_t j = 0; j < d; j++) {
                for (int i = 0; i < 2; i++)
                    assert_int_equal(p.bytes[i][j], (int)nearbyint((p.x[i][j] - p.low[j]) * 255));
                want = plain((tarn_metric)metric, want, p.bytes[0][j] - p.bytes[1][j]);
            }
            tarn_sketch_key *key = tarn_sketch_keys((tarn_metric)metric, TARN_SKETCH_BYTES);
            size_t body = tarn_sketch_body(TARN_SKETCH_BYTES, d);
            assert_true((double)key(p.bytes[0], p.bytes[1], body) == want);
            assert_true((double)key(p.bytes[1], p.bytes[0], body) == want);
            assert_int_equal(key(p.bytes[0], p.bytes[0], body), 0);
        }
}

/* As many columns as may be, all as far apart as may be. */
static void keys_of_bytes_do_not_run_over(void **state)
{
    enum { D = TARN_SKETCH_COLUMNS };
    double *x = NULL;
    unsigned char *bytes = NULL;
    size_t size = tarn_sketch_size(TARN_SKETCH_BYTES, D), body = tarn_sketch_body(TARN_SKETCH_BYTES, D);
    (void)state;

    must(tarn_alloc(&x, (size_t)2 * D, sizeof *x, err));
    must(tarn_alloc(&bytes, 2, size, err));
    const tarn_sketches s = {.kind = TARN_SKETCH_BYTES, .d = D, .low = x, .steps = 1};
    tarn_sketch_make(&s, x, bytes);
    for (size_t j = 0; j < D; j++) x[D + j] = 255;
    tarn_sketch_make(&s, x + D, bytes + size);
    tarn_sketch_key *key = tarn_sketch_keys(TARN_METRIC_EUCLIDEAN, TARN_SKETCH_BYTES);
    assert_true(key(bytes, bytes + size, body) == (uint32_t)D * 255 * 255);
    assert_true(key(bytes + size, bytes, body) == (uint32_t)D * 255 * 255);
    tarn_free(x);
    tarn_free(bytes);
}

static void keys_of_floats_are_the_bits_of_distances(void **state)
{
    pair p;
    (void)state;

    for (int metric = 0; metric < TARN_METRIC_COSINE; metric++)
        for (size_t d = 1; d < MOST; d++) {
            double want = 0;
            float said;
            pair_make(&p, (tarn_metric)metric, TARN_SKETCH_FLOATS, d, d);
            for (size_t j = 0; j < d; j++) want = plain((tarn_metric)metric, want, p.x[0][j] - p.x[1][j]);
            tarn_sketch_key *keys = tarn_sketch_keys((tarn_metric)metric, TARN_SKETCH_FLOATS);
            uint32_t key = keys(p.bytes[0], p.bytes[1], tarn_sketch_body(TARN_SKETCH_FLOATS, d));
            assert_int_equal(key, keys(p.bytes[1], p.bytes[0], tarn_sketch_body(TARN_SKETCH_FLOATS, d)));
            memcpy(&said, &key, sizeof said);
            assert_true(fabs((double)said - want) <= 1e-5 * want);
        }
}

/* Whatever their lengths, rows of one direction have one sketch. */
static void a_cosine_sketch_knows_no_length(void **state)
{
    double x[40], y[40], low[40], zero[40] = {0};
    unsigned char a[200], b[200];
    (void)state;

    for (int j = 0; j < 40; j++) {
        low[j] = -1;
        x[j] = draw(1, (uint32_t)j) - 0.5;
        y[j] = 1024 * x[j];
    }
    for (int kind = 0; kind < TARN_SKETCH_COUNT; kind++) {
        const tarn_sketches s = {
            .metric = TARN_METRIC_COSINE, .kind = (tarn_sketch_kind)kind, .d = 40, .low = low, .steps = 100};
        tarn_sketch_make(&s, x, a);
        tarn_sketch_make(&s, y, b);
        assert_memory_equal(a, b, tarn_sketch_size(s.kind, 40));
    }
    assert_true(tarn_sketch_scale(TARN_METRIC_COSINE, 40, zero) == 0);
    assert_true(tarn_sketch_scale(TARN_METRIC_EUCLIDEAN, 40, zero) == 1);
}

static void numbers_out_of_range_are_taken_as_the_nearest_in_it(void **state)
{
    const double x[9] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0.4, 254.6, 254.4, 300}, low[9] = {0};
    const int want[9] = {0, 255, 0, 255, 0, 0, 255, 254, 255};
    unsigned char bytes[72];
    float number[16];
    (void)state;

    const tarn_sketches s = {.kind = TARN_SKETCH_BYTES, .d = 9, .low = low, .steps = 1};
    tarn_sketch_make(&s, x, bytes);
    for (int j = 0; j < 9; j++) assert_int_equal(bytes[j], want[j]);
    const tarn_sketches f = {.kind = TARN_SKETCH_FLOATS, .d = 9, .low = low, .steps = 1};
    tarn_sketch_make(&f, x, (unsigned char *)number);
    for (int j = 0; j < 16; j++) assert_true(isfinite(number[j]));
}

TARN_TESTS(TARN_TEST(keys_of_bytes_are_distances_in_steps), TARN_TEST(keys_of_bytes_do_not_run_over),
           TARN_TEST(keys_of_floats_are_the_bits_of_distances), TARN_TEST(a_cosine_sketch_knows_no_length),
           TARN_TEST(numbers_out_of_range_are_taken_as_the_nearest_in_it))
