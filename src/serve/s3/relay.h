/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - a stream of bytes given to several takers at once, each on a thread of its own.
 *
 * What is added goes into a ring of blocks; the adder waits only when the slowest taker is a whole ring behind. So
 * receiving, summing and storing a body overlap, and a store that waits for the disk holds up neither of the others.
 *
 * Calls: new, add ..., end; free in any case, which waits for the takers.
 *
 * Threads: one adds; the takers run on theirs, each alone.
 */
#ifndef TARN_SERVE_S3_RELAY_H
#define TARN_SERVE_S3_RELAY_H

#include "base/err.h"

#include <stddef.h>

enum { TARN_RELAY_TAKERS = 2 };

typedef struct tarn_relay tarn_relay;
typedef struct tarn_taker {
    tarn_code (*take)(void *arg, const void *bytes, size_t len, tarn_err *err);
    void *arg;
} tarn_taker;

/* takers: n of them, 1 to TARN_RELAY_TAKERS. Without memory or threads for a ring, add calls them itself. */
TARN_MUST tarn_code tarn_relay_new(const tarn_taker *takers, size_t n, tarn_relay **out, tarn_err *err);
/* The error may be a taker's, about bytes that were added earlier. */
TARN_MUST tarn_code tarn_relay_add(tarn_relay *r, const void *bytes, size_t len, tarn_err *err);
/* Every taker has everything, or the error says why not. */
TARN_MUST tarn_code tarn_relay_end(tarn_relay *r, tarn_err *err);
void tarn_relay_free(tarn_relay *r);

#endif
