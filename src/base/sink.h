/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - where long work says how far it is, and learns that it should stop.
 *
 * The library never prints: it talks to a sink. The terminal's sink draws progress bars; the
 * server's and the tests' collect lines. A NULL sink is fine everywhere and hears nothing.
 */
#ifndef TARN_BASE_SINK_H
#define TARN_BASE_SINK_H

#include "base/err.h"

#include <stdint.h>
#include <stdio.h>

typedef enum tarn_level { TARN_DEBUG, TARN_INFO, TARN_WARN } tarn_level;

typedef struct tarn_sink {
    void *self;
    /* One finished line, without newline. May be NULL. Called from any thread. */
    void (*say)(void *self, tarn_level level, const char *line);
    /* `done` of `total` units of `what` are done (total 0: unknown). May be NULL. Any thread. */
    void (*progress)(void *self, const char *what, int64_t done, int64_t total, const char *unit);
    /* True when the work should stop at its next safe place. May be NULL. Any thread. */
    bool (*cancelled)(void *self);
} tarn_sink;

void tarn_say(const tarn_sink *sink, tarn_level level, const char *fmt, ...) TARN_PRINTF(3, 4);
void tarn_progress(const tarn_sink *sink, const char *what, int64_t done, int64_t total, const char *unit);
/* TARN_CANCELLED if the sink wants the work to stop. */
TARN_MUST tarn_code tarn_cancel_check(const tarn_sink *sink, tarn_err *err);

/* Seconds since an arbitrary start, for measuring; and microseconds since 1970 (UTC), for records.
 * Nothing that is computed may depend on either. */
double tarn_seconds(void);
int64_t tarn_now_us(void);
/* "2026-11-22T10:44:32Z"; returns out. */
const char *tarn_time_text(int64_t us, char out[32]);
/* Reads 2026-01-31, 2026-01-31T12:00, 2026-01-31T12:00:05 with optional fraction and Z or +hh:mm
 * (without: UTC); 'T' may be a space. False if it is not a time. */
bool tarn_time_parse(const char *text, size_t len, int64_t *us);

#endif
