/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c - trying again, later and later. See http.h.
 *
 * Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter). */
#include "base/http.h"

#include <limits.h>
#include <sys/random.h>
#include <time.h>

enum { STRANGER_TRIES = 8 };

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&t, &t) != 0) {}
}

/* 0 .. most, evenly: no result depends on it. */
static int64_t jitter(int64_t most)
{
    uint64_t x = 0;

    if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x) x = (uint64_t)now_ms();
    return (int64_t)(x % (uint64_t)(most + 1));
}

tarn_code tarn_retry_run(const tarn_retry *retry, tarn_retry_fn *fn, void *arg, tarn_err *err)
{
    int tries = retry && retry->tries > 0 ? retry->tries : INT_MAX;
    int64_t first = retry && retry->first_ms > 0 ? retry->first_ms : 100;
    int64_t longest = retry && retry->longest_ms > 0 ? retry->longest_ms : 10000;
    int64_t total = retry && retry->total_ms > 0 ? retry->total_ms : 60000, began = now_ms();

    for (int n = 1;; n++) {
        tarn_retry_hint hint = {.again = false};
        tarn_code rc = fn(arg, &hint, err);
        if (rc == TARN_OK || !hint.again) return rc;
        int64_t most = n < 20 && first << (n - 1) < longest ? first << (n - 1) : longest, wait = jitter(most);
        if (wait < hint.after_ms) wait = hint.after_ms + jitter(first);
        int64_t left = total - (now_ms() - began);
        if (wait > left && hint.after_ms <= left) wait = left; /* the last try is when patience ends */
        if (n >= tries || (hint.stranger && n >= STRANGER_TRIES) || left <= 0 || wait > left) {
            if (n > 1) tarn_err_note(err, "tried %d times", n);
            return rc;
        }
        sleep_ms(wait);
    }
}
