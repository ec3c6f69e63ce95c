/* SPDX-License-Identifier: Apache-2.0 */
/* curve_test.c - ROC and PR curves with ties, and thinning by shape. */
#include "assess/curve.h"
#include "assess/profit.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <math.h>

static double unit(uint64_t row, uint32_t index) { return tarn_random_unit(11, TARN_STREAM_TEST, row, index); }

/* Two classes whose scores overlap; `steps` distinct scores. */
static tarn_judged overlap(int64_t rows, int steps, double *y, double *p)
{
    for (int64_t i = 0; i < rows; i++) {
        y[i] = unit((uint64_t)i, 0) < 0.3;
        p[i] = floor((0.7 * unit((uint64_t)i, 1) + 0.3 * y[i]) * steps) / steps;
    }
    return (tarn_judged){.task = TARN_BINARY, .rows = rows, .classes = 2, .y = y, .p = p, .threshold = 0.5};
}

/* Scores .9 .8 .8 .3 of classes 1 1 0 0: ROC goes (0,0) (0,.5) (.5,1) (1,1), so the area is .25 + .125 + .5 = .875. */
static void a_curve_worked_by_hand(void **state)
{
    double y[] = {0, 1, 0, 1}, p[] = {0.3, 0.8, 0.8, 0.9};
    tarn_judged j = {.task = TARN_BINARY, .rows = 4, .classes = 2, .y = y, .p = p, .threshold = 0.5};
    tarn_curve c = {0};

    (void)state;
    must(tarn_curve_make(&j, 1, &c, err));
    assert_int_equal(c.n, 3);
    assert_true(c.threshold[0] == 0.9 && c.threshold[1] == 0.8 && c.threshold[2] == 0.3);
    assert_true(c.tp[0] == 1 && c.tp[1] == 2 && c.tp[2] == 2 && c.fp[0] == 0 && c.fp[1] == 1 && c.fp[2] == 2);
    assert_true(tarn_curve_roc_area(&c) == 0.875);
    assert_true(fabs(tarn_curve_average_precision(&c) - (0.5 * 1 + 0.5 * 2 / 3)) < 1e-15);
    tarn_curve_clear(&c);
}

static void thinning_keeps_ends_and_corners_only(void **state)
{
    double x[1000], y[1000];
    int64_t keep[64];
    int kept = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) { /* up, along, up: corners at 300 and 700 */
        x[i] = i < 300 ? 0 : i < 700 ? i - 300 : 400;
        y[i] = i < 300 ? i : i < 700 ? 300 : i - 400;
    }
    must(tarn_thin(x, y, 1000, 64, keep, &kept, err));
    assert_int_equal(kept, 4);
    assert_true(keep[0] == 0 && (keep[1] == 299 || keep[1] == 300) && (keep[2] == 699 || keep[2] == 700) &&
                keep[3] == 999);
    must(tarn_thin(x, y, 1, 64, keep, &kept, err));
    assert_int_equal(kept, 1);
    must(tarn_thin(x, y, 1000, 3, keep, &kept, err));
    assert_int_equal(kept, 3);
    must(tarn_thin(x, y, 1000, 2, keep, &kept, err));
    assert_true(kept == 2 && keep[0] == 0 && keep[1] == 999);
}

/* A curve of 20,000 points drawn with 512: nowhere farther from the true one than a thousandth of the picture. */
static void a_thinned_curve_looks_like_the_whole_one(void **state)
{
    enum { N = 20000, MOST = 512 };
    double *y = NULL, *p = NULL, worst = 0;
    int64_t keep[MOST];
    int kept = 0, at = 0;
    tarn_curve c = {0};

    (void)state;
    must(tarn_alloc(&y, N, sizeof(double), err));
    must(tarn_alloc(&p, N, sizeof(double), err));
    tarn_judged j = overlap(N, 1 << 30, y, p);
    must(tarn_curve_make(&j, 1, &c, err));
    must(tarn_thin(c.fp, c.tp, c.n, MOST, keep, &kept, err));
    assert_int_equal(kept, MOST);
    for (int64_t i = 0; i < c.n; i++) {
        while (at < kept - 2 && keep[at + 1] < i) at++;
        int64_t a = keep[at], b = keep[at + 1];
        double dx = (c.fp[b] - c.fp[a]) / c.negatives, dy = (c.tp[b] - c.tp[a]) / c.positives;
        double ax = (c.fp[i] - c.fp[a]) / c.negatives, ay = (c.tp[i] - c.tp[a]) / c.positives;
        double off = fabs(ax * dy - ay * dx) / sqrt(dx * dx + dy * dy);
        if (off > worst) worst = off;
    }
    if (!(worst < 1e-3)) fail_msg("off by %g", worst);
    tarn_curve_clear(&c);
    tarn_free(y);
    tarn_free(p);
}

static double earned(const tarn_judged *j, const tarn_costs *k, double threshold)
{
    double sum = 0;

    for (int64_t i = 0; i < j->rows; i++) {
        bool flag = j->p[i] >= threshold;
        sum += j->y[i] > 0 ? (flag ? k->true_positive : k->false_negative)
               : flag      ? k->false_positive
                           : k->true_negative;
    }
    return sum;
}

/* Against trying every score in turn. Whole-numbered costs, so that sums are exact. */
static void the_best_threshold_is_the_best(void **state)
{
    enum { N = 400 };
    double y[N], p[N], got = 0;
    tarn_costs costs[] = {
        {10, -4, 0, -3, "EUR", true}, {1, -100, 0, 0, "EUR", true}, {5, 0, 0, 0, "", true}, {0, 0, 0, 0, "", true}};
    tarn_judged j = overlap(N, 50, y, p);

    (void)state;
    for (int k = 0; k < 4; k++) {
        double best = earned(&j, &costs[k], 2), at = 2;
        for (int i = 0; i < N; i++) {
            double now = earned(&j, &costs[k], p[i]);
            if (now > best || (now >= best && p[i] < at)) best = now, at = p[i];
        }
        must(tarn_best_threshold(&j, &costs[k], &got, err));
        assert_true(at < 2 ? got == at : got > 0.9 && got < 2);
        assert_true(earned(&j, &costs[k], got) == best);
    }
}

static void costs_that_are_missing_or_not_numbers_are_refused(void **state)
{
    double y[] = {0, 1}, p[] = {0.2, 0.8}, out = 0;
    tarn_judged j = {.task = TARN_BINARY, .rows = 2, .classes = 2, .y = y, .p = p, .threshold = 0.5};
    tarn_judged r = {.task = TARN_REGRESSION, .rows = 2, .y = y, .p = p};
    tarn_costs costs = {1, 1, 1, NAN, "EUR", true}, none = {0};

    (void)state;
    must_fail_with(TARN_INVALID, "no costs are declared", tarn_best_threshold(&j, &none, &out, err));
    must_fail_with(TARN_INVALID, "no costs are declared", tarn_best_threshold(&j, NULL, &out, err));
    must_fail_with(TARN_INVALID, "not a finite number", tarn_best_threshold(&j, &costs, &out, err));
    costs.false_negative = 0;
    must_fail_with(TARN_INVALID, "two classes", tarn_best_threshold(&r, &costs, &out, err));
}

TARN_TESTS(TARN_TEST(a_curve_worked_by_hand), TARN_TEST(thinning_keeps_ends_and_corners_only),
           TARN_TEST(a_thinned_curve_looks_like_the_whole_one), TARN_TEST(the_best_threshold_is_the_best),
           TARN_TEST(costs_that_are_missing_or_not_numbers_are_refused))
