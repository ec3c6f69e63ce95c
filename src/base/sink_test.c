/* SPDX-License-Identifier: Apache-2.0 */
/* sink_test.c - sinks are heard, and times are read and written as the calendar says. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "base/sink.h"

#include <time.h>

typedef struct ear {
    char line[64], what[32];
    tarn_level level;
    int64_t done, total;
    bool stop;
} ear;

static void hear(void *self, tarn_level level, const char *line)
{
    ear *e = self;

    e->level = level;
    (void)snprintf(e->line, sizeof e->line, "%s", line);
}

static void follow(void *self, const char *what, int64_t done, int64_t total, const char *unit)
{
    ear *e = self;

    e->done = done;
    e->total = total;
    (void)snprintf(e->what, sizeof e->what, "%s %s", what, unit);
}

static bool stop(void *self) { return ((const ear *)self)->stop; }

static void sinks_hear_what_is_said(void **state)
{
    ear e = {0};
    const tarn_sink sink = {&e, hear, follow, stop};

    (void)state;
    tarn_say(&sink, TARN_WARN, "%d rows", 3);
    assert_string_equal(e.line, "3 rows");
    assert_int_equal(e.level, TARN_WARN);
    tarn_progress(&sink, "read", 5, 10, "rows");
    assert_string_equal(e.what, "read rows");
    assert_true(e.done == 5 && e.total == 10);
    must(tarn_cancel_check(&sink, err));
    e.stop = true;
    must_fail_with(TARN_CANCELLED, "stopped on request", tarn_cancel_check(&sink, err));
}

static void no_sink_hears_nothing(void **state)
{
    const tarn_sink deaf = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        tarn_say(i ? &deaf : NULL, TARN_INFO, "hello");
        tarn_progress(i ? &deaf : NULL, "x", 1, 2, "y");
        must(tarn_cancel_check(i ? &deaf : NULL, err));
    }
}

static void clocks_go_forward(void **state)
{
    const double a = tarn_seconds();
    const int64_t b = tarn_now_us();

    (void)state;
    assert_true(tarn_seconds() >= a);
    assert_true(b > 1700000000000000 && b < 7000000000000000);
}

static void check_time(const char *text, int64_t want)
{
    int64_t us = 42;

    if (!tarn_time_parse(text, strlen(text), &us)) fail_msg("'%s' was not read", text);
    if (us != want) fail_msg("'%s' is %lld, not %lld", text, (long long)us, (long long)want);
}

static void times_are_read(void **state)
{
    const int64_t day = 86400000000, jan31 = 1769817600000000; /* date -u -d 2026-01-31 +%s */

    (void)state;
    check_time("1970-01-01", 0);
    check_time("1969-12-31", -day);
    check_time("2026-01-31", jan31);
    check_time("2026-01-31T12:00", jan31 + day / 2);
    check_time("2026-01-31 12:00", jan31 + day / 2);
    check_time("2026-01-31T12:00:05", jan31 + day / 2 + 5000000);
    check_time("2026-01-31T12:00:05Z", jan31 + day / 2 + 5000000);
    check_time("2026-01-31T12:00:05.25", jan31 + day / 2 + 5250000);
    check_time("2026-01-31T12:00:05.1234567899Z", jan31 + day / 2 + 5123456);
    check_time("2026-01-31T12:00:05+02:00", jan31 + day / 2 + 5000000 - 7200000000);
    check_time("2026-01-31T12:00-0530", jan31 + day / 2 + 19800000000);
    check_time("2026-01-31T12:00+01", jan31 + day / 2 - 3600000000);
    check_time("2000-02-29", 951782400000000);
    check_time("0000-01-01", -62167219200000000);
    check_time("9999-12-31T23:59:59.999999", 253402300799999999);
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-01",
                                      "2026-1-31",
                                      "2026-00-10",
                                      "2026-13-01",
                                      "2026-01-00",
                                      "2026-01-32",
                                      "2026-02-29",
                                      "1900-02-29",
                                      "2026-04-31",
                                      "2026-01-31T",
                                      "2026-01-31 ",
                                      "2026-01-31T12",
                                      "2026-01-31T24:00",
                                      "2026-01-31T12:60",
                                      "2026-01-31T12:00:60",
                                      "2026-01-31T12:00:5",
                                      "2026-01-31T12:00:05.",
                                      "2026-01-31T12:00:05.Z",
                                      "2026-01-31T12:00Zx",
                                      "2026-01-31T12:00+",
                                      "2026-01-31T12:00+1",
                                      "2026-01-31T12:00+01:",
                                      "2026-01-31T12:00+24:00",
                                      "2026-01-31T12:00 Z",
                                      "2026-01-31x12:00",
                                      " 2026-01-31",
                                      "-026-01-31",
                                      "+2026-01-31",
                                      "2026/01/31",
                                      "31.01.2026"};
    int64_t us = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tarn_time_parse(bad[i], strlen(bad[i]), &us)) fail_msg("'%s' was read as a time", bad[i]);
    assert_false(tarn_time_parse("2026-01-31", 9, &us));
    assert_false(tarn_time_parse("2026-01-31\0", 11, &us));
    assert_int_equal(us, 42);
}

/* Against the C library, and there and back. */
static void written_times_read_back(void **state)
{
    char text[32], want[96];

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        const int64_t s = (int64_t)tarn_random_below(315537897600, 1, TARN_STREAM_TEST, 0, i) - 62135596800;
        const time_t t = s;
        struct tm tm;
        int64_t us = 0;

        assert_non_null(gmtime_r(&t, &tm));
        (void)snprintf(want, sizeof want, "%d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                       tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(tarn_time_text(s * 1000000 + i % 1000000, text), want);
        if (tm.tm_year + 1900 < 1000) continue;
        assert_true(tarn_time_parse(text, strlen(text), &us));
        assert_true(us == s * 1000000);
    }
    assert_string_equal(tarn_time_text(-1, text), "1969-12-31T23:59:59Z");
    assert_true(strlen(tarn_time_text(INT64_MIN, text)) < sizeof text);
    assert_true(strlen(tarn_time_text(INT64_MAX, text)) < sizeof text);
}

TARN_TESTS(TARN_TEST(sinks_hear_what_is_said), TARN_TEST(no_sink_hears_nothing), TARN_TEST(clocks_go_forward),
           TARN_TEST(times_are_read), TARN_TEST(what_is_no_time_is_refused), TARN_TEST(written_times_read_back))
