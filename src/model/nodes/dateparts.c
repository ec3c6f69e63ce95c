/* SPDX-License-Identifier: Apache-2.0 */
/* dateparts.c - month, weekday, hour ... of a moment, in UTC. Payload: uint32_t part[n_out] (tarn_date_part).
 *
 * A moment is microseconds since 1970-01-01T00:00Z; fractions of a microsecond are dropped downwards. The calendar is
 * the proleptic Gregorian one. Missing gives missing, and so does what lies beyond +-2^62 us (146,000 years).
 *
 * Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days (eras of 400 years of
 * 146,097 days, the year beginning in March so that the leap day comes last). */
#include "model/node.h"
#include "model/payload.h"

#include <math.h>
#include <stdio.h>

static const char *const part_names[TARN_PART_COUNT] = {
    [TARN_PART_YEAR] = "year", [TARN_PART_MONTH] = "month",     [TARN_PART_DAY] = "day",
    [TARN_PART_HOUR] = "hour", [TARN_PART_MINUTE] = "minute",   [TARN_PART_WEEKDAY] = "weekday",
    [TARN_PART_DAYS] = "days", [TARN_PART_YEARDAY] = "yearday",
};

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const uint32_t *part = n->data;

    if (n->n_in != 1) return TARN_FAIL(err, TARN_CORRUPT, "%u columns in; one moment belongs here", n->n_in);
    TARN_TRY(tarn_node_check_len(n, (uint64_t)n->n_out * sizeof *part, err));
    for (uint32_t j = 0; j < n->n_out; j++)
        if (part[j] >= TARN_PART_COUNT)
            return TARN_FAIL(err, TARN_CORRUPT, "part[%u] is %u; parts go from 0 to %d", j, part[j],
                             TARN_PART_COUNT - 1);
done:
    return rc;
}

typedef struct date {
    int64_t days; /* since 1970-01-01 */
    int year, month, day, yearday;
} date;

static date date_of(int64_t days)
{
    int64_t z = days + 719468; /* since 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int in_era = (int)(z - era * 146097);
    int year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int from_march = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int mp = (5 * from_march + 2) / 153;
    date d = {.days = days, .day = from_march - (153 * mp + 2) / 5 + 1, .month = mp < 10 ? mp + 3 : mp - 9};

    d.year = (int)(year_of_era + era * 400) + (d.month <= 2);
    int leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
    d.yearday = d.month <= 2 ? from_march - 305 : from_march + 60 + leap;
    return d;
}

static double part_of(uint32_t part, const date *d, int64_t us, double moment)
{
    switch ((tarn_date_part)part) {
    case TARN_PART_YEAR: return d->year;
    case TARN_PART_MONTH: return d->month;
    case TARN_PART_DAY: return d->day;
    case TARN_PART_WEEKDAY: return (double)(((d->days + 3) % 7 + 7) % 7);
    case TARN_PART_HOUR: return (double)(us / 3600000000);
    case TARN_PART_MINUTE: return (double)(us / 60000000 % 60);
    case TARN_PART_YEARDAY: return d->yearday;
    case TARN_PART_DAYS: return moment / 86400e6;
    case TARN_PART_COUNT: break;
    }
    return NAN;
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    const uint32_t *part = n->data;
    const double *x = regs + n->in[0] * stride;
    double *out = regs + n->out * stride;
    const int64_t day_us = 86400000000;

    for (size_t i = 0; i < rows; i++) {
        bool known = x[i] >= -0x1p62 && x[i] <= 0x1p62;
        int64_t moment = known ? (int64_t)floor(x[i]) : 0;
        int64_t days = moment / day_us - (moment % day_us < 0);
        date d = date_of(days);
        for (uint32_t j = 0; j < n->n_out; j++)
            out[j * stride + i] = known ? part_of(part[j], &d, moment - days * day_us, x[i]) : NAN;
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    const uint32_t *part = n->data;
    size_t at = 0;

    if (cap > 0) out[0] = '\0';
    for (uint32_t j = 0; j < n->n_out && at < cap; j++) {
        int wrote = snprintf(out + at, cap - at, "%s%s", j ? ", " : "", part_names[part[j]]);
        if (wrote < 0) return;
        at += (size_t)wrote;
    }
}

const tarn_node_kind tarn_node_dateparts = {
    .name = "dateparts",
    .title = "Month, weekday, hour ... of a moment",
    .id = 1,
    .check = check,
    .run = run,
    .text = text,
};
