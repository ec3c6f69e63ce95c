/* SPDX-License-Identifier: Apache-2.0 */
/* holdclock.c - a clock that can be trusted to be late, never early.
 *
 * Remembered are the highest time seen, and of each start of a machine (Linux tells them apart) one moment: its running
 * time and the lake's time then. Of a known start, the lake's time is that moment plus the running time since, whatever
 * the clock was set to. A start not seen before brings what the clock says, but at most TARN_HOLD_BOOT_DAYS beyond
 * the highest time seen. The lake's time never goes back. */
#include "lake/holding.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_STARTS = 32 };
static const int64_t day_us = 86400000000, write_after_us = 60000000;

void tarn_machine_now(tarn_machine_time *out)
{
    struct timespec t = {0};
    size_t len = 0;

    *out = (tarn_machine_time){.wall_us = tarn_now_us()};
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    out->running_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r"); /* no regular file */
    if (!f) return;
    len = fread(out->boot, 1, sizeof out->boot - 1, f);
    (void)fclose(f);
    out->boot[len < sizeof out->boot ? len : 0] = '\0';
    out->boot[strcspn(out->boot, "\n")] = '\0';
}

static json_t *find_start(json_t *starts, const char *boot)
{
    for (size_t i = 0; i < json_array_size(starts); i++)
        if (strcmp(tarn_json_text(json_array_get(starts, i), "boot", ""), boot) == 0) return json_array_get(starts, i);
    return NULL;
}

static int64_t number(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }

static tarn_code read_seen(const char *seen, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!seen) {
        *out = json_pack("{s:[]}", "starts");
        return *out ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "no memory for the clock of holds");
    }
    rc = tarn_json_read(seen, strlen(seen), "the clock of holds", out, err);
    if (rc == TARN_NOMEM) return rc;
    if (rc == TARN_OK && json_is_object(*out) && json_is_array(json_object_get(*out, "starts")) &&
        number(*out, "highest_seen_time_us") > 0)
        return TARN_OK;
    json_decref(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: the clock of holds cannot be read");
}

/* The latest time that can be believed. */
static int64_t bound(const json_t *o, const json_t *start, const tarn_machine_time *m)
{
    if (!json_object_get(o, "highest_seen_time_us")) return m->wall_us; /* the first look */
    if (!start) return number(o, "highest_seen_time_us") + TARN_HOLD_BOOT_DAYS * day_us;
    int64_t since = m->running_us - number(start, "running_us");
    return number(start, "lake_us") + (since > 0 ? since : 0);
}

static tarn_code remember_start(json_t *starts, const tarn_machine_time *m, int64_t now, tarn_err *err)
{
    if (json_array_size(starts) >= MOST_STARTS) (void)json_array_remove(starts, 0);
    return tarn_json_append(starts,
                            json_pack("{s:s, s:I, s:I}", "boot", m->boot, "running_us", (json_int_t)m->running_us,
                                      "lake_us", (json_int_t)now),
                            err);
}

tarn_code tarn_hold_time(const char *seen, const tarn_machine_time *m, int64_t *lake_us, char **next, bool *news,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *o = NULL;

    *next = NULL;
    TARN_TRY(read_seen(seen, &o, err));
    json_t *starts = json_object_get(o, "starts"), *start = find_start(starts, m->boot);
    int64_t before = number(o, "highest_seen_time_us"), now = bound(o, start, m);
    if (!start && now > m->wall_us) now = m->wall_us;
    if (now < before) now = before;
    *news = !start || now - before >= write_after_us;
    if (!start) TARN_TRY(remember_start(starts, m, now, err));
    TARN_TRY(tarn_json_set(o, "highest_seen_time_us", json_integer(now), err));
    TARN_TRY(tarn_json_compact(o, next, err));
    *lake_us = now;
done:
    json_decref(o);
    return rc;
}
