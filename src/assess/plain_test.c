/* SPDX-License-Identifier: Apache-2.0 */
/* plain_test.c - figures and sentences in plain words. */
#include "assess/plain.h"
#include "support/tarn_test.h"

#include <float.h>
#include <math.h>

static void numbers_read_as_people_write_them(void **state)
{
    static const struct {
        double x;
        int decimals;
        const char *fixed, *figure, *share;
    } cases[] = {
        {0, 0, "0", "0.000", "0.0%"},
        {-0.0, 2, "0.00", "0.000", "0.0%"},
        {1234567.891, 2, "1,234,567.89", "1,234,568", "123,456,789%"},
        {-1234.5, 1, "\u22121,234.5", "\u22121,235", "\u2212123,450%"},
        {-0.004, 2, "0.00", "\u22120.00400", "\u22120.4%"},
        {0.8126, 3, "0.813", "0.813", "81%"},
        {0.0342, 2, "0.03", "0.0342", "3.4%"},
        {0.00024, 2, "0.00", "0.000240", "0.02%"},
        {0.9996, 1, "1.0", "1.000", "99.96%"},
        {1, 0, "1", "1.00", "100%"},
        {12.345, 0, "12", "12.3", "1,235%"},
        {NAN, 2, "not defined", "not defined", "not defined"},
        {INFINITY, 2, "not defined", "not defined", "not defined"},
        {1e20, 0, "1e+20", "1e+20", "1e+22%"},
    };
    char out[TARN_PLAIN];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(tarn_plain_fixed(cases[i].x, cases[i].decimals, out), cases[i].fixed);
        assert_string_equal(tarn_plain_figure(cases[i].x, out), cases[i].figure);
        assert_string_equal(tarn_plain_share(cases[i].x, out), cases[i].share);
    }
    for (int d = 0; d < 10; d++) assert_true(strlen(tarn_plain_fixed(-DBL_MAX, d, out)) < TARN_PLAIN);
}

static void ticks_are_short(void **state)
{
    static const struct {
        double x, step, most;
        const char *text;
    } cases[] = {
        {0, 0.2, 1, "0.0"},          {0.4, 0.2, 1, "0.4"},
        {0.25, 0.05, 0.5, "0.25"},   {5, 1, 9, "5"},
        {20000, 5000, 30000, "20k"}, {0, 5000, 30000, "0"},
        {2500, 2500, 12000, "2.5k"}, {-40000, 20000, 60000, "\u221240k"},
        {2e6, 1e6, 2e7, "2M"},       {3e9, 1e9, 3e10, "3bn"},
        {1e20, 1e19, 1e20, "1e+20"}, {1e-9, 1e-9, 5e-9, "1e-09"},
    };
    char out[TARN_PLAIN];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tarn_plain_tick(cases[i].x, cases[i].step, cases[i].most, out), cases[i].text);
}

static void long_texts_are_cut_at_whole_letters(void **state)
{
    char out[64], tiny[8];

    (void)state;
    assert_string_equal(tarn_plain_cut("short", 10, out, sizeof(out)), "short");
    assert_string_equal(tarn_plain_cut("a rather long name", 5, out, sizeof(out)), "a rathe\u2026");
    assert_string_equal(tarn_plain_cut("\u6e56\u6e56\u6e56\u6e56", 3, out, sizeof(out)), "\u6e56\u6e56\u2026");
    assert_string_equal(tarn_plain_cut("\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc", 100, tiny, sizeof(tiny)),
                        "\u00fc\u00fc\u2026");
    assert_string_equal(tarn_plain_cut("", 5, out, sizeof(out)), "");
    assert_true(tarn_plain_width("\xff\xfe") > 0);
    (void)tarn_plain_cut("cut \xe6\xb9", 2, out, sizeof(out));
}

static void markup_is_harmless(void **state)
{
    tarn_text t = {0};

    (void)state;
    tarn_plain_markup(&t, "<script>\"a\" & 'b'</script>\x01\x1f\t\u00fc\uffff.");
    assert_string_equal(t.data, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;  \t\u00fc .");
    tarn_text_clear(&t);
}

TARN_TESTS(TARN_TEST(numbers_read_as_people_write_them), TARN_TEST(ticks_are_short),
           TARN_TEST(long_texts_are_cut_at_whole_letters), TARN_TEST(markup_is_harmless))
