/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - running a command of the user's with limits. */
#ifndef TARN_FLOW_CHILD_H
#define TARN_FLOW_CHILD_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

typedef struct tarn_child {
    const char *command;            /* for /bin/sh -c */
    const char *folder;             /* where it runs */
    const char *const *environment; /* "NAME=value" ..., NULL: all that it gets */
    int64_t seconds;                /* then it is killed */
    int64_t memory_bytes;           /* address space of each process */
    int64_t file_bytes;             /* of any file that it writes */
    size_t output_bytes;            /* of what it says on both outputs together; more, and it is killed */
} tarn_child;

typedef struct tarn_child_end {
    int status; /* its exit status; 128 + n: ended by signal n */
    bool too_long, too_much;
    double seconds;
    tarn_text output; /* tarn_text_clear */
} tarn_child_end;

/* Run it in a process group of its own, with nothing to read, no open file of ours and no core file, and wait. When it
 * ends (or has to), all of its group is killed. A process that leaves the group is not followed. Any thread. */
TARN_MUST tarn_code tarn_child_run(const tarn_child *child, tarn_child_end *out, tarn_err *err);

#endif
