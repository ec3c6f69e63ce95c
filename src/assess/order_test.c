/* SPDX-License-Identifier: Apache-2.0 */
/* order_test.c - sorting scores with their labels, the same for any order of rows. */
#include "assess/order.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <float.h>

static void rises_and_keeps_the_order_of_equals(void **state)
{
    enum { N = 5000 };
    double x[N];
    uint32_t *order = NULL;
    bool seen[N] = {false};

    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t r = tarn_random_u64(3, TARN_STREAM_TEST, i, 0);
        x[i] = i % 3 == 0 ? (double)(r % 16) - 8 : ((double)(r >> 11) * 0x1p-53 - 0.5) * (i % 7 ? 1 : 1e300);
    }
    x[10] = -0.0, x[11] = 0, x[12] = -0.0, x[13] = DBL_MAX, x[14] = -DBL_MAX, x[15] = DBL_TRUE_MIN,
    x[16] = -DBL_TRUE_MIN;
    must(tarn_order(x, N, &order, err));
    for (int i = 0; i < N; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        if (i == 0) continue;
        assert_true(x[order[i - 1]] <= x[order[i]]);
        if (x[order[i - 1]] >= x[order[i]]) assert_true(order[i - 1] < order[i]);
    }
    tarn_free(order);
}

static void none_and_one_are_fine(void **state)
{
    double x = 3;
    uint32_t *order = NULL;

    (void)state;
    must(tarn_order(&x, 1, &order, err));
    assert_int_equal(order[0], 0);
    tarn_free(order);
    must(tarn_order(&x, 0, &order, err));
    tarn_free(order);
}

TARN_TESTS(TARN_TEST(rises_and_keeps_the_order_of_equals), TARN_TEST(none_and_one_are_fine))
