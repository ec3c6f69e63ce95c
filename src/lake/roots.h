/* SPDX-License-Identifier: Apache-2.0 */
/* roots.h - what in the metadata keeps things in the lake. A further source is a function and a line in roots.c. */
#ifndef TARN_LAKE_ROOTS_H
#define TARN_LAKE_ROOTS_H

#include "lake/inside.h"

typedef struct tarn_root {
    tarn_id id;     /* of a commit, or of an object */
    bool ref;       /* a ref names it now */
    bool may_lack;  /* an earlier sweep may have taken it (and then it keeps nothing) */
    const char *of; /* the source, for people */
} tarn_root;

typedef struct tarn_roots {
    tarn_root *v;
    size_t n, cap;
    int64_t since_us; /* of the ref log, what was not before that */
} tarn_roots;

/* As meta.db is now. tarn_roots_clear(out) also after a failure. */
TARN_MUST tarn_code tarn_roots_gather(tarn_lake *lake, int64_t since_us, tarn_roots *out, tarn_err *err);
void tarn_roots_clear(tarn_roots *roots);

#endif
