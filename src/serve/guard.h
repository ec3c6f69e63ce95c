/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - the server's door: who asks, may they, have they tried too often, sessions of the page.
 *
 * Sessions and counts of wrong passwords live in memory only: a restart logs everybody out and forgives.
 *
 * Threads: any, with an internal lock.
 */
#ifndef TARN_SERVE_GUARD_H
#define TARN_SERVE_GUARD_H

#include "serve/route.h"

struct tarn_server;
typedef struct tarn_guard tarn_guard;

TARN_MUST tarn_code tarn_guard_new(tarn_guard **out, tarn_err *err);
void tarn_guard_free(tarn_guard *g);

/* Find who asks (call->who) and ask whether they may do what the path and method mean. 0, or the status of a refusal:
 * 401 (who?), 403 (not you), 429 (not now); *why says more. A path that is no route is let through. */
int tarn_guard_admit(struct tarn_server *s, tarn_call *call, tarn_err *why);

/* How long this address has to wait before its next password, in seconds; 0: it may try. Addresses of one IPv6 /64 are
 * one. `now` is tarn_seconds(). */
int tarn_guard_wait(tarn_guard *g, const char *peer, double now);
/* Count a wrong password, or forget the wrong ones. After five wrong ones the wait is 1 s and doubles, up to a minute.
 */
void tarn_guard_wrong(tarn_guard *g, const char *peer, double now);
void tarn_guard_right(tarn_guard *g, const char *peer);

#endif
