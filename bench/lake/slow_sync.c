/* SPDX-License-Identifier: Apache-2.0 */
/* slow_sync.c - a disk that takes SLOW_SYNC_US microseconds (5,000) to acknowledge a sync, to be preloaded; for
 * scale.sh. Syncs at the same time wait at the same time, as on a disk that has a queue. Nothing is really synced. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int wait_for_disk(void)
{
    const char *text = getenv("SLOW_SYNC_US");
    long us = text ? atol(text) : 5000;
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    (void)nanosleep(&t, NULL);
    return 0;
}

int fsync(int fd)
{
    (void)fd;
    return wait_for_disk();
}

int fdatasync(int fd)
{
    (void)fd;
    return wait_for_disk();
}
