/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - what a preparation step must do (plug-ins of prepare, one file each in prepare/steps/). */
#ifndef TARN_PREPARE_STEP_H
#define TARN_PREPARE_STEP_H

#include "base/param.h"
#include "comm/comm.h"
#include "model/graph.h"

/* What a step sees while it is fitted: the registers so far, over the train rows only. */
typedef struct tarn_step_job {
    tarn_graph *graph;
    const uint32_t *regs; /* (n_regs) the columns so far */
    int32_t n_regs;
    int64_t rows; /* this rank's train rows */
    /* Values of column reg (an index into regs) for rows at .. at + n - 1, as matrix blocks. Any thread. */
    tarn_code (*column)(void *self, int32_t col, int64_t at, int64_t n, double *out, tarn_err *err);
    void *self;
    tarn_pool *pool;
    tarn_comm *comm;
} tarn_step_job;

typedef struct tarn_step {
    const char *name, *title;
    size_t params_size;
    const tarn_param *params;
    /* Fit on the train rows, add nodes, and write the new list of columns to out_regs (room for *n_out
     * on entry; set on return). */
    tarn_code (*fit)(const tarn_step_job *job, const void *params, uint32_t *out_regs, int32_t *n_out, tarn_err *err);
} tarn_step;

int tarn_step_count(void);
const tarn_step *tarn_step_at(int i);
TARN_MUST tarn_code tarn_step_find(const char *name, const tarn_step **out, tarn_err *err);

#endif
