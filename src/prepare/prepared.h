/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.h - what a fitted preparation holds, and rows run through it (private to prepare). */
#ifndef TARN_PREPARED_H
#define TARN_PREPARED_H

#include "prepare/fields.h"
#include "prepare/kept.h"
#include "prepare/labels.h"

#include <pthread.h>

/* A raw field of the graph. */
typedef struct tarn_input {
    const char *name;
    tarn_kind kind;
    bool required;
    double least, most;
    const char **level; /* CATEGORY: sorted by bytes */
    int32_t *len, levels;
} tarn_input;

struct tarn_prepared {
    tarn_arena *arena; /* all texts and arrays below */
    tarn_graph *graph;
    tarn_input *inputs;
    int n_inputs;
    uint32_t *regs; /* the columns after the last step so far */
    int32_t n_regs;
    tarn_feature *features; /* of regs */
    tarn_labels labels;
    tarn_text_source *sources; /* (n_sources) sparse columns, in order */
    int32_t n_sources, sparse_cols;
};

/* Some rows of a table as registers of the graph. */
typedef struct tarn_scratch tarn_scratch;
typedef struct tarn_feed {
    const tarn_prepared *p;
    tarn_reader *readers; /* (p->n_inputs) */
    const int64_t *rows;
    int64_t n;
    pthread_mutex_t lock; /* guards spare */
    tarn_scratch *spare;
    bool ready; /* lock is there */
} tarn_feed;

/* The estimator's view of rows. */
struct tarn_rows {
    tarn_feed flow;
    tarn_kept kept;
    double *y;
    tarn_text_columns texts; /* start is NULL before they are made */
};

TARN_MUST tarn_code tarn_feed_init(tarn_feed *f, const tarn_prepared *p, const tarn_columns *data, const int64_t *rows,
                                   int64_t n, tarn_err *err);
void tarn_feed_clear(tarn_feed *f);
/* out (n_regs, n): registers of rows at .. at + n - 1. Threads: any. */
TARN_MUST tarn_code tarn_feed_run(tarn_feed *f, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n,
                                  double *out, tarn_err *err);

#endif
