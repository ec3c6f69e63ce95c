/* SPDX-License-Identifier: Apache-2.0 */
/* near_test.c - sifting finds what measuring every row finds, to the bit, whatever the rows; and briefs say truly how
 * far from their rows they are. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "base/random.h"
#include "math/near.h"

#include <math.h>

enum { MOST_ASKED = 100 };

/* Kinds of rows: what is hard about each is said in draw(). */
typedef enum kind { EVEN, TAILS, PLACES, BYTES, FAR, MIXED, GIANT, ZEROS, KINDS } kind;

typedef struct world {
    size_t rows, d, asked, k;
    tarn_near near;
    double *wide, *values, *spare;
    float *narrow, *norm, *centre;
    tarn_brief_note *note;
    int8_t *code;
} world;

static double unit(uint64_t row, uint64_t column)
{
    return tarn_random_unit(5, TARN_STREAM_TEST, row, (uint32_t)column);
}

static double draw(kind how, uint64_t row, uint64_t j)
{
    double u = unit(row, j), v = unit(row, 100000);

    switch (how) {
    case TAILS: return u < 0.01 ? 1 / (u + 1e-6) : u;       /* a few values far above the rest */
    case PLACES: return floor(v * 7) + (double)(j % 3);     /* seven places: most rows are equally far */
    case BYTES: return floor(u * 256);                      /* whole numbers: ties of distances */
    case FAR: return 1e6 * (double)(j + 1) + u;             /* columns far from zero, beside their spread */
    case MIXED: return (u - 0.5) * pow(10, floor(v * 9));   /* rows of very different length */
    case GIANT: return row % 50 == 7 ? u * 1e14 : u * 1e-3; /* nearly too far for a brief */
    case ZEROS: return row % 3 == 0 ? 0 : u - 0.3;          /* no direction */
    default: return u - 0.5;
    }
}

static void world_make(world *w, kind how, tarn_metric metric, size_t rows, size_t d, bool wide)
{
    *w = (world){.rows = rows, .d = d, .asked = MOST_ASKED};
    must(tarn_alloc(&w->wide, rows * d, sizeof *w->wide, err));
    must(tarn_alloc(&w->narrow, rows * d, sizeof *w->narrow, err));
    must(tarn_alloc(&w->norm, rows, sizeof *w->norm, err));
    must(tarn_alloc(&w->centre, d, sizeof *w->centre, err));
    must(tarn_alloc(&w->note, rows, sizeof *w->note, err));
    must(tarn_alloc(&w->code, tarn_brief_places(rows) * tarn_brief_stride(d), 1, err));
    must(tarn_alloc(&w->values, d * w->asked, sizeof *w->values, err));
    must(tarn_alloc(&w->spare, d, sizeof *w->spare, err));
    for (size_t i = 0; i < rows * d; i++) {
        w->narrow[i] = (float)draw(how, i / d, i % d);
        w->wide[i] = wide ? draw(how, i / d, i % d) : (double)w->narrow[i];
    }
    w->near = (tarn_near){.metric = metric, .rows = rows, .d = d, .norm = w->norm};
    w->near.wide = wide ? w->wide : NULL;
    w->near.narrow = wide ? NULL : w->narrow;
    w->near.brief = (tarn_brief){.centre = w->centre, .note = w->note, .code = w->code};
    bool cosine = metric == TARN_METRIC_COSINE;
    for (size_t j = 0; j < d; j++) w->centre[j] = cosine ? 0.01f : w->narrow[d + j];
    for (size_t i = 0; i < rows; i++) {
        float length;
        w->norm[i] = tarn_near_norm(&w->near, i, &length);
        w->near.most = length > w->near.most ? length : w->near.most;
        memcpy(w->spare, w->wide + i * d, d * sizeof *w->spare);
        assert_true(tarn_brief_make(cosine, d, w->centre, w->spare, w->code + i * tarn_brief_stride(d), &w->note[i]));
    }
    for (size_t i = 0; i < w->asked; i++) /* some are stored rows, and some are odd */
        for (size_t j = 0; j < d; j++) {
            double x = i % 4 == 0 ? w->wide[i * 3 % rows * d + j] : draw(how, 900000 + i, j);
            w->values[j * w->asked + i] = i == 5 && j == 2 ? NAN : i == 6 && j == 1 ? -INFINITY : i == 7 ? 0 : x;
        }
}

static void world_free(world *w)
{
    tarn_free(w->wide);
    tarn_free(w->narrow);
    tarn_free(w->norm);
    tarn_free(w->centre);
    tarn_free(w->note);
    tarn_free(w->code);
    tarn_free(w->values);
    tarn_free(w->spare);
}

/* The first `count` rows asked about, k of each: as by measuring all. */
static void compare(const world *w, size_t count, size_t k)
{
    tarn_asked q = {.values = w->values, .stride = w->asked};
    tarn_best sifted[MOST_ASKED], *best = sifted;
    tarn_hit *hit = NULL, *want = NULL;
    void *scratch = NULL;

    must(tarn_alloc(&hit, count * k, sizeof *hit, err));
    must(tarn_alloc(&want, k, sizeof *want, err));
    must(tarn_alloc(&scratch, tarn_near_sift_bytes(w->d, k, count), 1, err));
    memset(scratch, 0xa5, tarn_near_sift_bytes(w->d, k, count));
    for (size_t i = 0; i < count; i++) best[i] = (tarn_best){.hit = hit + i * k, .k = k};
    tarn_near_sift(&w->near, &q, count, best, scratch);
    for (size_t i = 0; i < count; i++) {
        tarn_best all = {.hit = want, .k = k};
        for (size_t row = 0; row < w->rows; row++)
            tarn_best_add(&all, tarn_near_distance(&w->near, &q, i, row, INFINITY), (uint32_t)row);
        tarn_best_sort(&all);
        tarn_best_sort(&best[i]);
        assert_int_equal(best[i].n, all.n);
        for (size_t n = 0; n < all.n; n++) {
            assert_int_equal(best[i].hit[n].row, all.hit[n].row);
            assert_memory_equal(&best[i].hit[n].distance, &all.hit[n].distance, sizeof(double));
        }
    }
    tarn_free(hit);
    tarn_free(want);
    tarn_free(scratch);
}

static void compare_all(kind how, tarn_metric metric, size_t rows, size_t d, bool wide)
{
    static const size_t counts[] = {1, 16, 17, MOST_ASKED};
    world w;

    world_make(&w, how, metric, rows, d, wide);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) compare(&w, counts[c], c == 2 ? 1 : 7);
    world_free(&w);
}

static void sifting_finds_what_measuring_finds(void **state)
{
    (void)state;
    for (int how = 0; how < KINDS; how++)
        for (int metric = TARN_METRIC_EUCLIDEAN; metric <= TARN_METRIC_COSINE; metric += TARN_METRIC_COSINE)
            for (int wide = 0; wide < 2; wide++) {
                compare_all((kind)how, (tarn_metric)metric, 1501, wide ? 33 : 30, wide);
                compare_all((kind)how, (tarn_metric)metric, 300, 1 + (size_t)how % 3, wide);
            }
}

static void also_with_many_columns_and_with_few_rows(void **state)
{
    (void)state;
    compare_all(EVEN, TARN_METRIC_EUCLIDEAN, 700, 1100, false);
    compare_all(BYTES, TARN_METRIC_EUCLIDEAN, 700, 785, false);
    compare_all(EVEN, TARN_METRIC_COSINE, 700, 513, true);
    for (size_t rows = 3; rows < 20; rows += 5) compare_all(EVEN, TARN_METRIC_EUCLIDEAN, rows, 20, false);
}

/* So many places at the same distance that lists overflow, and rows are left to the other way. */
static void more_equals_than_lists_have_room_for(void **state)
{
    (void)state;
    compare_all(PLACES, TARN_METRIC_EUCLIDEAN, 9000, 16, false);
}

/* |z - centre - step code| <= error, in long double. */
static void a_brief_says_how_wrong_it_is(void **state)
{
    (void)state;
    for (int how = 0; how < KINDS; how++) {
        world w;
        world_make(&w, (kind)how, TARN_METRIC_EUCLIDEAN, 200, 50, true);
        for (size_t i = 0; i < w.rows; i++) {
            long double lost = 0, square = 0;
            int32_t sum = 0;
            for (size_t j = 0; j < w.d; j++) {
                int8_t code = w.code[i * tarn_brief_stride(w.d) + j];
                long double part = (long double)w.note[i].step * code, off = w.wide[i * w.d + j] - w.centre[j] - part;
                assert_true(code >= -127);
                lost += off * off;
                square += part * part;
                sum += code;
            }
            assert_true(sqrtl(lost) <= (long double)w.note[i].error);
            assert_true((long double)w.note[i].error <= 1.001L * sqrtl(lost) + 1e-9L * (sqrtl(square) + 1e-20L));
            assert_true(fabsl(square - (long double)w.note[i].square) <= 1e-6L * square);
            assert_int_equal(w.note[i].shift, -128 * sum);
        }
        world_free(&w);
    }
}

static void rows_too_far_have_no_brief(void **state)
{
    static const double far[] = {1e16, -1e16, NAN, INFINITY, 1e300};
    const float centre[5] = {0};
    tarn_brief_note note;
    int8_t code[8];

    (void)state;
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        for (size_t at = 0; at < 5; at++) {
            double x[5] = {1, 2, 3, 4, 5};
            x[at] = far[i];
            assert_false(tarn_brief_make(false, 5, centre, x, code, &note));
        }
}

TARN_TESTS(TARN_TEST(sifting_finds_what_measuring_finds), TARN_TEST(also_with_many_columns_and_with_few_rows),
           TARN_TEST(more_equals_than_lists_have_room_for), TARN_TEST(a_brief_says_how_wrong_it_is),
           TARN_TEST(rows_too_far_have_no_brief))
