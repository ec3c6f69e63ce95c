/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - what a preparation step must do (plug-ins of prepare, one file each in prepare/steps/).
 *
 * A step looks at the columns so far, over train rows only, and adds nodes to the graph. It learns through
 * the helpers at the end of this file, which give the same numbers for any number of threads and ranks and
 * return the same code on all ranks; a step that has a phase of its own that may fail on one rank only ends
 * it with tarn_comm_agree.
 *
 * Every step has a parameter `columns`: comma-separated names, or empty for all columns that suit it.
 */
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
    /* The same for several registers at once: out (n_regs, n). */
    tarn_code (*columns)(void *self, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n, double *out,
                         tarn_err *err);
    /* Text of a category's level, not NUL-terminated; NULL if it has none. */
    const char *(*level)(void *self, uint32_t reg, int32_t code, int32_t *len);
    /* Of a text: make sparse columns of the text in this register by a recipe (model/payload.h), which is copied. */
    tarn_code (*sparse)(void *self, uint32_t reg, const void *recipe, size_t len, tarn_err *err);
    /* Bytes of the longest text in this register, in any row of the table. */
    size_t (*longest)(void *self, uint32_t reg);
    void *self;
    tarn_pool *pool;
    tarn_comm *comm;
} tarn_step_job;

typedef struct tarn_step {
    const char *name, *title;
    tarn_kind takes; /* the kind of column it works on. TARN_STRING: the texts that it names are then no categories, and
                        the columns stay as they are */
    size_t params_size;
    const tarn_param *params;
    /* Fit on the train rows, add nodes, and write the new list of columns to out_regs (room for *n_out
     * on entry, which is enough for TARN_PART_COUNT or, of a category, levels + 1 columns from each; set on return). */
    tarn_code (*fit)(const tarn_step_job *job, const void *params, uint32_t *out_regs, int32_t *n_out, tarn_err *err);
} tarn_step;

int tarn_step_count(void);
const tarn_step *tarn_step_at(int i);
TARN_MUST tarn_code tarn_step_find(const char *name, const tarn_step **out, tarn_err *err);

/* ---- what steps share ---- */

/* Which registers a step works on, in the order of job->regs: all of `kind` if names is empty; else those named, by
 * feature, or by the raw field they came from. regs has room for job->n_regs.
 * Errors: TARN_INVALID a name is unknown (names the nearest) or its column is of another kind. */
TARN_MUST tarn_code tarn_step_pick(const tarn_step_job *job, const char *names, tarn_kind kind, uint32_t *regs,
                                   int32_t *n, tarn_err *err);

/* Add one node over all of regs[n] that gives a new register for each, with the same name, and write the new list of
 * columns. */
TARN_MUST tarn_code tarn_step_map(const tarn_step_job *job, const char *node, const uint32_t *regs, int32_t n,
                                  const void *data, size_t len, uint32_t *out_regs, int32_t *n_out, tarn_err *err);

/* Called with pieces of column regs[col], rows in order within a piece. Pieces come in any order from any worker
 * (0 .. threads-1), so what is gathered must not depend on it. */
typedef void tarn_step_visit(void *arg, int worker, int32_t col, const double *x, int64_t n);
TARN_MUST tarn_code tarn_step_each(const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_step_visit *visit,
                                   void *arg, tarn_err *err);

/* Finite values of a column over all ranks. mean and variance (divided by count; infinite if
 * it overflows) are summed in block order. */
typedef struct tarn_step_moments {
    int64_t count;
    double mean, variance, least, most; /* NaN when count is 0 */
} tarn_step_moments;
/* Errors: TARN_NUMERIC values are so large that their sum overflows. */
TARN_MUST tarn_code tarn_step_measure(const tarn_step_job *job, const uint32_t *regs, int32_t n, tarn_step_moments *out,
                                      tarn_err *err);

/* Exact quantiles of the finite values, between order statistics linearly: out (n, n_q); NaN without values. 0 <= q
 * <= 1. Cost: 6 passes; 32 KB a thread for each of the n * n_q. */
TARN_MUST tarn_code tarn_step_quantiles(const tarn_step_job *job, const uint32_t *regs, int32_t n, const double *q,
                                        int32_t n_q, double *out, tarn_err *err);

/* The next of comma-separated names: trimmed, into name; false at the end. Start with *at at the text's start. A name
 * of cap bytes or more is cut (and so is not found). */
bool tarn_step_next_name(const char **at, char *name, size_t cap);

#endif
