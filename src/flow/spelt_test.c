/* SPDX-License-Identifier: Apache-2.0 */
/* spelt_test.c - numbers and dates in foreign spellings are told from names. */
#include "support/tarn_test.h"

#include "base/str.h"
#include "flow/spelt.h"

static void look(const char *const *texts, int64_t n, char *found, size_t cap)
{
    tarn_columns_maker *maker = NULL;
    tarn_columns *c = NULL;

    must(tarn_columns_maker_new(n, &maker, err));
    must(tarn_columns_maker_text(maker, "x", texts, NULL, err));
    must(tarn_columns_maker_finish(maker, &c, err));
    tarn_columns_maker_free(maker);
    tarn_spelt_look(tarn_columns_at(c, 0), found, cap);
    tarn_columns_release(c);
}

static void foreign_spellings_are_recognised(void **state)
{
    static const struct {
        const char *texts[12], *said;
    } cases[] = {{{"1,234", "12,345.50", "7", "-1,000,000"}, "numbers, spelt like '-1,000,000'"},
                 {{"12,5", "0,25", "-1.234,5", "7"}, "numbers, spelt like '-1.234,5': spell them like 1234.5"},
                 {{"1 234,5", "12 345", "9"}, "numbers, spelt like '1 234,5'"},
                 {{"$7", "$ 12.50", "\xE2\x82\xAC 9"}, "numbers, spelt like '$ 12.50'"},
                 {{"12 %", "7%", "3.5 %"}, "numbers, spelt like '12 %'"},
                 {{"31.12.2024", "1.2.2024"}, "dates, spelt like '1.2.2024': spell them like 2024-12-31"},
                 {{"12/31/24", "1/2/24"}, "dates, spelt like '1/2/24'"},
                 {{"1.5", "2", "3", "4", "5", "6", "7", "8", "9", "10", "n/a"}, "numbers but for texts like 'n/a'"},
                 {{"1.5", "2", "n/a"}, ""},
                 {{"Anna", "Bert"}, ""},
                 {{"A-1", "A-2"}, ""},
                 {{"1.2.3.4", "10.0.0.1"}, ""},
                 {{"12,34,56", "1,2,3"}, ""},
                 {{"555-1234", "0170/123"}, ""},
                 {{"$", "%"}, ""},
                 {{",5", "5,"}, ""},
                 {{"1/2/", "/1/2"}, ""},
                 {{"Gr\xc3\xb6\xc3\x9f\x65", "\xe6\x97\xa5\xe6\x9c\xac"}, ""}};
    char found[160];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t n = 0;
        while (n < 12 && cases[i].texts[n]) n++;
        look(cases[i].texts, n, found, sizeof found);
        bool right = cases[i].said[0] ? strstr(found, cases[i].said) != NULL : found[0] == '\0';
        if (!right) fail_msg("%s ...: '%s', not '%s'", cases[i].texts[0], found, cases[i].said);
    }
}

static void a_long_example_is_cut_between_letters(void **state)
{
    static const char *const texts[] = {"1",
                                        "2",
                                        "3",
                                        "4",
                                        "5",
                                        "6",
                                        "7",
                                        "8",
                                        "9",
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
                                        "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                        "a\xc3\xa4\xc3\xa4"};
    char found[160];
    size_t bad = 0;

    (void)state;
    look(texts, sizeof texts / sizeof *texts, found, sizeof found);
    assert_true(found[0] && tarn_utf8_valid(found, strlen(found), &bad));
}

TARN_TESTS(TARN_TEST(foreign_spellings_are_recognised), TARN_TEST(a_long_example_is_cut_between_letters))
