/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_test.c - against long double libm (64 bits of mantissa), dense and at the borders. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "math/elementary.h"

#include <float.h>
#include <math.h>

typedef double one_fn(double x);
typedef void many_fn(size_t n, const double *x, double *out);
typedef long double true_fn(long double x);

static long double true_sigmoid(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static long double true_softplus(long double x) { return x < 0 ? log1pl(expl(x)) : x + log1pl(expl(-x)); }

static const struct function {
    const char *name;
    one_fn *one;
    many_fn *many;
    true_fn *truth;
    double from, to, most; /* range for dense tests; most: units in the last place */
} functions[] = {
    {"exp", tarn_exp, tarn_exp_n, expl, -746, 709.78, 0.65},
    {"log", tarn_log, tarn_log_n, logl, 0, 1e6, 0.65},
    {"log1p", tarn_log1p, NULL, log1pl, -1, 100, 0.65},
    {"sigmoid", tarn_sigmoid, tarn_sigmoid_n, true_sigmoid, -745, 50, 0.65},
    {"softplus", tarn_softplus, tarn_softplus_n, true_softplus, -745, 800, 0.65},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* How far got is from the truth, in units of the last place of the truth. */
static double ulps(double got, long double truth)
{
    int exponent;

    if (fabsl(truth) >= 0x1.fffffffffffff8p1023L) truth = truth > 0 ? INFINITY : -INFINITY;
    if (isnan(truth) || isinf(truth) || truth == 0)
        return (long double)got == truth || (isnan(got) && isnan(truth)) ? 0 : INFINITY;
    (void)frexpl(truth, &exponent);
    exponent = exponent - 53 < -1074 ? -1074 : exponent - 53;
    return (double)fabsl(((long double)got - truth) / ldexpl(1, exponent));
}

static void check(const struct function *f, double x, double most)
{
    double off = ulps(f->one(x), f->truth(x));

    if (fabsl(f->truth(x)) < 8 * DBL_MIN) most = 1; /* subnormal, or made from one: rounded twice */
    if (!(off <= most)) fail_msg("%s(%a) = %a is off by %.3f units", f->name, x, f->one(x), off);
}

static double from_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static void is_within_the_promise_on_its_range(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        const struct function *f = &functions[k];

        for (uint32_t i = 0; i < 400000; i++)
            check(f, f->from + (f->to - f->from) * tarn_random_unit(1, TARN_STREAM_TEST, k, i), f->most);
    }
}

static void is_within_the_promise_near_zero_and_one(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        const struct function *f = &functions[k];

        for (uint32_t i = 0; i < 200000; i++) {
            double u = tarn_random_unit(2, TARN_STREAM_TEST, k, i);
            double small = ldexp(u, -(int)(i % 80)), sign = i & 128 ? -1 : 1;

            check(f, 1 + sign * small, f->most);
            if (f->one != tarn_log) check(f, sign * small, f->most);
        }
    }
}

/* Every exponent there is, with random mantissas, both signs. */
static void is_within_the_promise_for_any_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++)
        for (uint32_t i = 0; i < 300000; i++)
            check(&functions[k], from_bits(tarn_random_u64(3, TARN_STREAM_TEST, k, i)), functions[k].most);
}

static void keeps_to_the_borders(void **state)
{
    static const double places[] = {0.0,
                                    DBL_MIN,
                                    4.9406564584124654e-324,
                                    2.2250738585072009e-308,
                                    DBL_MAX,
                                    INFINITY,
                                    709.782712893384,
                                    709.7827128933841,
                                    745.13,
                                    745.1332191019412,
                                    708.3964185322641,
                                    744.4400719213812,
                                    0x1p-54,
                                    0x1.fffffffffffffp-55,
                                    0x1p-53,
                                    1.0,
                                    0x1.6a09e667f3bccp-1,
                                    0x1.6a09e667f3bcdp-1,
                                    0x1.6a09e667f3bcdp0,
                                    0x1.fffffffffffffp-1,
                                    0x1.62e42fefa39efp-2,
                                    1000,
                                    1001,
                                    0x1p52,
                                    36.7368005696771,
                                    37.5};

    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            for (int sign = -1; sign <= 1; sign += 2)
                for (int step = -1; step <= 1; step++) {
                    double x = sign * places[i];

                    check(&functions[k], step ? nextafter(x, step * INFINITY) : x, functions[k].most);
                }
    for (size_t k = 0; k < FUNCTIONS; k++) assert_true(isnan(functions[k].one(NAN)));
    assert_true(tarn_exp(0) == 1 && tarn_exp(-INFINITY) == 0 && isinf(tarn_exp(710)));
    assert_true(tarn_log(1) == 0 && tarn_log(0) == -INFINITY && isnan(tarn_log(-1)) && isnan(tarn_log(-INFINITY)));
    assert_true(tarn_log(-0.0) == -INFINITY && tarn_log1p(-1) == -INFINITY && isnan(tarn_log1p(-1.5)));
    assert_true(tarn_log1p(-0.0) == 0 && signbit(tarn_log1p(-0.0)));
    assert_true(tarn_sigmoid(0) == 0.5 && tarn_sigmoid(INFINITY) == 1 && tarn_sigmoid(-INFINITY) == 0);
    assert_true(tarn_sigmoid(-800) == 0 && tarn_sigmoid(800) == 1 && tarn_softplus(-INFINITY) == 0);
    assert_true(tarn_softplus(1000) == 1000 && tarn_softplus(DBL_MAX) == DBL_MAX && isinf(tarn_softplus(INFINITY)));
}

/* None falls, walked over in steps of one unit at many places. */
static void never_falls_where_the_true_function_rises(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        const struct function *f = &functions[k];

        for (uint32_t i = 0; i < 2000; i++) {
            double x = f->from + (f->to - f->from) * tarn_random_unit(4, TARN_STREAM_TEST, k, i) * (i % 3 ? 1 : 0.01);
            double before = f->one(x);

            for (int step = 0; step < 50; step++) {
                double here = f->one(x = nextafter(x, INFINITY));

                if (!(here >= before)) fail_msg("%s falls at %a", f->name, x);
                before = here;
            }
        }
    }
}

static void gives_the_same_bits_n_at_a_time(void **state)
{
    enum { N = 1003 };
    double x[N], out[N + 1];

    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        if (!functions[k].many) continue;
        for (uint32_t round = 0; round < 40; round++) {
            size_t n = round < 20 ? round : N - round;

            for (uint32_t i = 0; i < n; i++) {
                uint64_t bits = tarn_random_u64(5, TARN_STREAM_TEST, round, i);

                x[i] = i % 2 ? from_bits(bits) : (double)(int64_t)bits * 0x1p-55;
            }
            out[n] = 42;
            functions[k].many(n, x, out);
            for (size_t i = 0; i < n; i++) {
                double one = functions[k].one(x[i]);

                assert_true(memcmp(&one, &out[i], sizeof one) == 0 || (isnan(one) && isnan(out[i])));
            }
            assert_true(out[n] == 42);
            functions[k].many(n, x, x);
            assert_memory_equal(x, out, n * sizeof *x);
        }
    }
}

/* Golden bits: a hash over many results. It may change only with a deliberate change of the arithmetic, which changes
 * every model. */
static void gives_the_bits_it_always_gave(void **state)
{
    static const uint64_t golden[FUNCTIONS] = {0xc5d0121fa6d146ac, 0x4ee8c12af11bea11, 0xfc689d7697957043,
                                               0x70bbb0528d3fb416, 0xb953e49e16e70958};

    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        uint64_t hash = 1469598103934665603u;

        for (uint32_t i = 0; i < 20000; i++) {
            double y = functions[k].one(-20 + 40 * tarn_random_unit(6, TARN_STREAM_TEST, k, i));
            uint64_t bits;

            memcpy(&bits, &y, sizeof bits);
            hash = isnan(y) ? hash : (hash ^ bits) * 1099511628211u;
        }
        if (hash != golden[k]) fail_msg("%s: 0x%llx", functions[k].name, (unsigned long long)hash);
    }
}

TARN_TESTS(TARN_TEST(is_within_the_promise_on_its_range), TARN_TEST(is_within_the_promise_near_zero_and_one),
           TARN_TEST(is_within_the_promise_for_any_bits), TARN_TEST(keeps_to_the_borders),
           TARN_TEST(never_falls_where_the_true_function_rises), TARN_TEST(gives_the_same_bits_n_at_a_time),
           TARN_TEST(gives_the_bits_it_always_gave))
