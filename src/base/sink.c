/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - talking to sinks; clocks and times. See sink.h. */
#include "base/sink.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

void tarn_say(const tarn_sink *sink, tarn_level level, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    if (!sink || !sink->say) return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    sink->say(sink->self, level, line);
}

void tarn_progress(const tarn_sink *sink, const char *what, int64_t done, int64_t total, const char *unit)
{
    if (sink && sink->progress) sink->progress(sink->self, what, done, total, unit);
}

tarn_code tarn_cancel_check(const tarn_sink *sink, tarn_err *err)
{
    if (sink && sink->cancelled && sink->cancelled(sink->self))
        return TARN_FAIL(err, TARN_CANCELLED, "stopped on request; run the command again to go on");
    return TARN_OK;
}

double tarn_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t tarn_now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *tarn_time_text(int64_t us, char out[32])
{
    time_t s = (time_t)(us / 1000000 - (us % 1000000 < 0));
    struct tm tm;

    if (!gmtime_r(&s, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) (void)strcpy(out, "?");
    return out;
}

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar.
 * Source: Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* n digits at *p as a number, or -1. */
static int digits(const char **p, const char *end, int n)
{
    int x = 0;

    if (end - *p < n) return -1;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9') return -1;
        x = x * 10 + (**p - '0');
    }
    return x;
}

static bool take(const char **p, const char *end, char c)
{
    if (*p == end || **p != c) return false;
    (*p)++;
    return true;
}

/* hh:mm[:ss[.ffffff]] as microseconds of the day. */
static bool read_clock(const char **p, const char *end, int64_t *us)
{
    int h = digits(p, end, 2), m, s = 0;

    if (h < 0 || h > 23 || !take(p, end, ':')) return false;
    m = digits(p, end, 2);
    if (m < 0 || m > 59) return false;
    int64_t fraction = 0, unit = 100000;
    if (take(p, end, ':')) {
        s = digits(p, end, 2);
        if (s < 0 || s > 59) return false;
        if (take(p, end, '.')) {
            const char *first = *p;
            for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, unit /= 10) fraction += unit * (**p - '0');
            if (*p == first) return false;
        }
    }
    *us = (((int64_t)h * 60 + m) * 60 + s) * 1000000 + fraction;
    return true;
}

static bool read_zone(const char **p, const char *end, int64_t *us)
{
    *us = 0;
    if (*p == end || take(p, end, 'Z')) return true;
    int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
    if (sign == 0) return false;
    (*p)++;
    int h = digits(p, end, 2);
    bool colon = take(p, end, ':');
    int m = *p == end && !colon ? 0 : digits(p, end, 2);
    if (h < 0 || h > 23 || m < 0 || m > 59) return false;
    *us = sign * ((int64_t)h * 60 + m) * 60000000;
    return true;
}

bool tarn_time_parse(const char *text, size_t len, int64_t *us)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = text, *end = text + len;
    int64_t of_day = 0, zone = 0;

    int y = digits(&p, end, 4);
    if (y < 0 || !take(&p, end, '-')) return false;
    int m = digits(&p, end, 2);
    if (m < 1 || m > 12 || !take(&p, end, '-')) return false;
    int d = digits(&p, end, 2);
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d < 1 || d > month_days[m - 1] || (m == 2 && d == 29 && !leap)) return false;
    if (p < end) {
        if (!take(&p, end, 'T') && !take(&p, end, ' ')) return false;
        if (!read_clock(&p, end, &of_day) || !read_zone(&p, end, &zone)) return false;
    }
    if (p != end) return false;
    *us = days_from_civil(y, m, d) * 86400000000LL + of_day - zone;
    return true;
}
