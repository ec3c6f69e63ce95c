/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_test.c - numbers behind names as the slow reader reads them, and entries as a plain sum by column gives them,
 * whichever way a text's length and the number of columns choose. */
#include "model/tokens.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "support/tarn_test.h"

#include <float.h>
#include <math.h>

enum { SEED = 11, ROUNDS = 200000, MOST_COLS = 8192 };

static tarn_bag_data recipe(uint32_t cols)
{
    return (tarn_bag_data){
        .tokens = TARN_TOKENS_VALUES, .norm = TARN_NORM_NONE, .least = 1, .most = 1, .hashed = 1, .cols = cols};
}

/* What name:NUMBER must come out as, by the slow reader. True: as the name, with *value. */
static bool expected(const char *number, float *value)
{
    double x;

    if (!tarn_num_parse(number, strlen(number), false, &x) || !(fabs(x) <= (double)FLT_MAX)) return false;
    *value = (float)x;
    return true;
}

/* The last token of a text: its length and number. */
static void last_of(const char *text, size_t *len, float *value)
{
    tarn_bag_data head = recipe(4);
    tarn_grams g;
    const char *token;

    tarn_grams_start(&g, &head, text, strlen(text));
    while (tarn_grams_next(&g, &token, len, value)) continue;
}

static void check_number(const char *number)
{
    static const char *const before[] = {"", "k ", "a longer beginning:17 ", "sixteen-bytes-12 "};
    char text[128];

    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        size_t len = 0;
        float value = 0, right = 1;
        (void)snprintf(text, sizeof text, "%sname:%s", before[i], number);
        last_of(text, &len, &value);
        bool is_number = expected(number, &right);
        if (len != (is_number ? 4 : 5 + strlen(number)) || memcmp(&value, &right, sizeof value) != 0)
            fail_msg("'%s' came out as %.9g and %zu bytes", text, (double)value, len);
    }
}

static void numbers_are_as_the_slow_reader_has_them(void **state)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      ".",
                                      "-",
                                      "-.",
                                      "",
                                      "5.",
                                      ".5",
                                      "-.5",
                                      "1.2.3",
                                      "1..",
                                      "..1",
                                      "1e5",
                                      "-1e-3",
                                      "+1",
                                      "--1",
                                      "1-",
                                      "1:2",
                                      "inf",
                                      "nan",
                                      "0x10",
                                      "1,5",
                                      "1/2",
                                      "9999999999999999",
                                      "999999999999999",
                                      "-999999999999999",
                                      "99999999999999.9",
                                      "-9999999999999.99",
                                      "0.00000000000001",
                                      "000000000000000",
                                      "0000000000000000",
                                      "0.000000000000000000001",
                                      "123456789012345678901234567890",
                                      "3.4028236e38",
                                      "340282356779733661637539395458142568448",
                                      "1\xc3\xa9",
                                      "\xff",
                                      "1\x7f",
                                      "7/",
                                      "7;",
                                      "/7"};
    static const char signs[] = "0123456789012345678901234567890123456789.....---e:";
    char number[32];

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        if (strchr(odd[i], ':')) continue;
        check_number(odd[i]);
    }
    for (uint64_t r = 0; r < ROUNDS; r++) {
        size_t n = (size_t)tarn_random_below(20, SEED, 1, r, 0);
        for (size_t i = 0; i < n; i++)
            number[i] = signs[tarn_random_below(sizeof signs - 2, SEED, 2, r, (uint32_t)i)]; /* no colon */
        number[n] = '\0';
        check_number(number);
    }
    for (uint64_t r = 0; r < ROUNDS; r++) { /* well made ones */
        double x = (tarn_random_unit(SEED, 3, r, 0) - 0.5) * pow(10, (double)tarn_random_below(9, SEED, 4, r, 0));
        (void)snprintf(number, sizeof number, "%.*f", (int)tarn_random_below(9, SEED, 5, r, 0), x);
        check_number(number);
    }
}

/* A sum for each column, in the order of the tokens. */
static void sums_of(const tarn_bag_data *head, const char *text, float *sums, bool *seen)
{
    tarn_grams g;
    const char *token;
    size_t len;
    float value;

    memset(sums, 0, MOST_COLS * sizeof *sums);
    memset(seen, 0, MOST_COLS * sizeof *seen);
    tarn_grams_start(&g, head, text, strlen(text));
    while (tarn_grams_next(&g, &token, &len, &value)) {
        uint32_t hash = tarn_token_hash(token, len), col = (hash >> 31 ? 0u - hash : hash) & (head->cols - 1);
        sums[col] = (float)((double)sums[col] + (double)value);
        seen[col] = true;
    }
}

static void entries_are_sums_by_column(void **state)
{
    static const uint32_t cols[] = {1, 2, 64, 128, 2048, 4096, 8192};
    static float sums[MOST_COLS];
    static bool seen[MOST_COLS];
    char text[4000];

    (void)state;
    for (uint64_t r = 0; r < 700; r++) {
        tarn_bag_data head = recipe(cols[r % 7]);
        tarn_bag bag = {.head = &head};
        tarn_bag_entry *e = NULL;
        void *scratch = NULL;
        size_t at = 0, tokens = (size_t)tarn_random_below(r % 3 ? 12 : 250, SEED, 6, r, 0);
        for (size_t i = 0; i < tokens; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%c%d:%d", i ? " " : "", 'a' + (int)(i % 5),
                                   (int)tarn_random_below(300, SEED, 7, r, (uint32_t)i),
                                   (int)tarn_random_below(7, SEED, 8, r, (uint32_t)i) - 3);
        text[at] = '\0';
        sums_of(&head, text, sums, seen);
        must(tarn_alloc(&scratch, tarn_bag_scratch(&head, at), 1, err));
        memset(scratch, 0xa5, tarn_bag_scratch(&head, at));
        uint32_t n = tarn_bag_read(&bag, text, at, scratch, &e), next = 0;
        for (uint32_t j = 0; j < head.cols; j++) {
            if (!seen[j] || sums[j] == 0) continue;
            assert_true(next < n);
            assert_int_equal(e[next].col, j);
            assert_true(e[next].value == sums[j]);
            next++;
        }
        assert_int_equal(next, n);
        tarn_free(scratch);
    }
}

TARN_TESTS(TARN_TEST(numbers_are_as_the_slow_reader_has_them), TARN_TEST(entries_are_sums_by_column))
