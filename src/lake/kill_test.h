/* SPDX-License-Identifier: Apache-2.0 */
/* kill_test.h - a child that works and tells each number that is done, killed at a moment of its own. */
#ifndef TARN_LAKE_KILL_TEST_H
#define TARN_LAKE_KILL_TEST_H

#include "support/tarn_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Works from number `from` on and never returns; writes each number that was acknowledged to `pipe_fd`, as an int. */
typedef void kill_work(const void *arg, int from, int pipe_fd);

/* Let it acknowledge `least`, go on for some microseconds, and kill it. *acknowledged: the last it told. */
static inline void kill_after(kill_work *work, const void *arg, int from, int least, long us, int *acknowledged)
{
    int ends[2], status, i;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        work(arg, from, ends[1]);
    }
    (void)close(ends[1]);
    for (int k = 0; k < least && read(ends[0], &i, sizeof i) == sizeof i; k++) *acknowledged = i;
    (void)nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it had not failed by itself */
    while (read(ends[0], &i, sizeof i) == sizeof i) *acknowledged = i;
    (void)close(ends[0]);
}

#endif
