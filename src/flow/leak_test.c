/* SPDX-License-Identifier: Apache-2.0 */
/* leak_test.c - columns that tell the target by themselves are found, and good columns are not blamed. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "flow/leak.h"

#include <math.h>

enum { ROWS = 12000 };

static double draw(int row, uint32_t which) { return tarn_random_unit(9, TARN_STREAM_TEST, (uint64_t)row, which); }

/* The targets: one row in eight, three classes, a number, and a number with gaps. */
static double rare(int row) { return draw(row, 0) < 0.125; }
static double kind(int row) { return floor(3 * draw(row, 0)); }
static double amount(int row) { return -log(1 - draw(row, 0)); }
static double gaps(int row) { return row % 3 == 0 ? NAN : amount(row); }

/* What tells them, and what does not. */
static double code(int row) { return 5 - 2 * rare(row); }
static double only_then(int row) { return rare(row) > 0 ? floor(1000 * draw(row, 1)) : NAN; }
static double with_errors(int row) { return draw(row, 2) < 0.001 ? 1 - rare(row) : rare(row); }
static double beyond(int row) { return rare(row) > 0 ? 3 + draw(row, 1) : draw(row, 1); }
static double middle(int row)
{
    return kind(row) == 1 ? draw(row, 1) : 2 * (draw(row, 1) < 0.5) - 1 + 0.1 * draw(row, 3);
}
static double taxed(int row) { return round(1190 * amount(row)) / 1000 + 3; }
static double squared(int row) { return amount(row) * amount(row); }
static double good(int row) { return rare(row) + 1.6 * draw(row, 1); }
static double near_good(int row) { return draw(row, 2) < 0.05 ? 1 - rare(row) : rare(row); }
static double nearly(int row) { return amount(row) + 0.2 * draw(row, 1); }
static double chance(int row) { return draw(row, 1); }
static double counter(int row) { return row; }
static double same(int row) { return 1 + 0 * row; }
static double none(int row) { return (double)NAN + row; }
static double infinite(int row) { return rare(row) > 0 ? INFINITY : -INFINITY; }

typedef double (*rule)(int row);

static void add(tarn_columns_maker *maker, const char *name, rule value)
{
    static double x[ROWS];
    static uint8_t valid[ROWS / 8];

    memset(valid, 0, sizeof valid);
    for (int i = 0; i < ROWS; i++) {
        x[i] = value(i);
        if (!isnan(x[i])) valid[i / 8] = (uint8_t)(valid[i / 8] | 1 << i % 8);
    }
    must(tarn_columns_maker_add(maker, name, TARN_REAL, x, valid, err));
}

/* What is found of a column by the rule, for a target by the other. */
static void look(rule target, bool classes, rule column, char *found, size_t cap)
{
    tarn_columns_maker *maker = NULL;
    tarn_columns *c = NULL;
    tarn_leak *l = NULL;

    must(tarn_columns_maker_new(ROWS, &maker, err));
    add(maker, "y", target);
    add(maker, "x", column);
    must(tarn_columns_maker_finish(maker, &c, err));
    tarn_columns_maker_free(maker);
    must(tarn_leak_new(c, 0, classes, &l, err));
    must(tarn_leak_look(l, 1, found, cap, err));
    tarn_leak_free(l);
    tarn_columns_release(c);
}

static void numbers_that_tell_the_target_are_found(void **state)
{
    static const struct {
        const char *name;
        rule target, column;
        bool classes, found;
    } cases[] = {{"code", rare, code, true, true},
                 {"only_then", rare, only_then, true, true},
                 {"with_errors", rare, with_errors, true, true},
                 {"beyond", rare, beyond, true, true},
                 {"infinite", rare, infinite, true, true},
                 {"kind itself", kind, kind, true, true},
                 {"good", rare, good, true, false},
                 {"near_good", rare, near_good, true, false},
                 {"middle", kind, middle, true, false},
                 {"chance", rare, chance, true, false},
                 {"counter", rare, counter, true, false},
                 {"same", rare, same, true, false},
                 {"none", rare, none, true, false},
                 {"amount itself", amount, amount, false, true},
                 {"taxed", amount, taxed, false, true},
                 {"taxed, gaps", gaps, taxed, false, true},
                 {"squared", amount, squared, false, true},
                 {"nearly", amount, nearly, false, false},
                 {"chance of an amount", amount, chance, false, false},
                 {"same for all amounts", amount, same, false, false},
                 {"nothing of an amount", amount, none, false, false}};
    char found[120];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        look(cases[i].target, cases[i].classes, cases[i].column, found, sizeof found);
        if ((found[0] != '\0') != cases[i].found) fail_msg("%s: '%s'", cases[i].name, found);
    }
    look(rare, true, code, found, sizeof found);
    assert_string_equal(found, "alone it tells 'y' in 10000 of 10000 rows");
    look(amount, false, taxed, found, sizeof found);
    assert_string_equal(found, "alone it explains over 99.9 % of 'y'");
}

/* A reason that only one class has, in words that hardly come twice; and words by chance. */
static void texts_that_tell_the_target_are_found(void **state)
{
    static char text[2][ROWS][24];
    static const char *at[2][ROWS];
    tarn_columns_maker *maker = NULL;
    tarn_columns *c = NULL;
    tarn_leak *l = NULL;
    char found[120];

    (void)state;
    must(tarn_columns_maker_new(ROWS, &maker, err));
    add(maker,
        "Gr\xc3\xb6\xc3\x9f"
        "e",
        rare);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(text[0][i], sizeof text[0][i], "because %d", i);
        (void)snprintf(text[1][i], sizeof text[1][i], "word %d", (int)(50 * draw(i, 4)));
        at[0][i] = rare(i) > 0 ? text[0][i] : NULL;
        at[1][i] = text[1][i];
    }
    must(tarn_columns_maker_text(maker, "reason", at[0], NULL, err));
    must(tarn_columns_maker_text(maker, "word", at[1], NULL, err));
    must(tarn_columns_maker_finish(maker, &c, err));
    tarn_columns_maker_free(maker);
    must(tarn_leak_new(c, 0, true, &l, err));
    must(tarn_leak_look(l, 1, found, sizeof found, err));
    assert_non_null(strstr(found, "in 10000 of 10000 rows"));
    must(tarn_leak_look(l, 2, found, sizeof found, err));
    assert_string_equal(found, "");
    tarn_leak_free(l);
    tarn_columns_release(c);
}

static void few_rows_prove_nothing(void **state)
{
    static const double y[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    tarn_columns_maker *maker = NULL;
    tarn_columns *c = NULL;
    tarn_leak *l = NULL;
    char found[120] = "?";

    (void)state;
    must(tarn_columns_maker_new(19, &maker, err));
    must(tarn_columns_maker_add(maker, "y", TARN_REAL, y, NULL, err));
    must(tarn_columns_maker_add(maker, "x", TARN_REAL, y, NULL, err));
    must(tarn_columns_maker_finish(maker, &c, err));
    tarn_columns_maker_free(maker);
    must(tarn_leak_new(c, 0, true, &l, err));
    must(tarn_leak_look(l, 1, found, sizeof found, err));
    assert_string_equal(found, "");
    tarn_leak_free(l);
    tarn_columns_release(c);
}

TARN_TESTS(TARN_TEST(numbers_that_tell_the_target_are_found), TARN_TEST(texts_that_tell_the_target_are_found),
           TARN_TEST(few_rows_prove_nothing))
