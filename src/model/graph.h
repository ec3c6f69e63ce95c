/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - making a model: inputs, then nodes, then finish. The second door of model, for training.
 *
 * Calls, in order: new, input ..., node ..., output, finish, free. Preparation adds its nodes first,
 * then the estimator adds its own. A graph under construction can already be run on its prefix
 * (tarn_graph_run), which is how the matrix that an estimator sees is made: block by block, so the
 * prepared data never has to fit in memory.
 *
 * Whatever would not load cannot be added: each call checks what the loader checks, and leaves the graph as it was when
 * it fails. Equal calls give equal bytes. Limits: 65,536 inputs, 65,536 nodes, 1,048,576 registers, names of 159 bytes.
 *
 * Threads: one at a time, except that tarn_graph_run and the questions may be called from any while nobody adds.
 * Errors:  TARN_INVALID and TARN_LIMIT name input, node or output and what is wrong; TARN_NOMEM
 */
#ifndef TARN_MODEL_GRAPH_H
#define TARN_MODEL_GRAPH_H

#include "model/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_graph tarn_graph;

TARN_MUST tarn_code tarn_graph_new(tarn_graph **out, tarn_err *err);
void tarn_graph_free(tarn_graph *g);

/* A raw field; levels (CATEGORY) sorted by bytes, each once, UTF-8; lens may be NULL for NUL-terminated. least and most
 * are kept for NUMBER and MOMENT (NaN: none seen). *reg (may be NULL) gets its register: inputs count from 0 in the
 * order of the calls. All inputs come before the first node. */
TARN_MUST tarn_code tarn_graph_input(tarn_graph *g, const char *name, tarn_kind kind, bool required, double least,
                                     double most, const char *const *levels, const int32_t *lens, int32_t n_levels,
                                     uint32_t *reg, tarn_err *err);

/* What a register holds, carried along so that the next step knows: features have names for reports. */
typedef struct tarn_feature {
    char name[160];
    tarn_kind kind;
    int32_t levels; /* CATEGORY: codes are 0 .. levels-1, NaN missing, TARN_UNSEEN unseen */
    uint32_t input; /* the raw input it came from, for importance */
} tarn_feature;
/* NULL if there is no such register; valid until the graph grows. */
const tarn_feature *tarn_graph_feature(const tarn_graph *g, uint32_t reg);

/* Add a node of a kind in nodes.def: reads regs[n_in], appends n_out registers described by
 * features[n_out] (NULL: as many out as in keep their names as numbers, others are named after the kind). data is the
 * kind's own flat bytes (payload.h), copied. *first (may be NULL) gets the first new register.
 * Errors: TARN_NOT_FOUND no such kind; TARN_INVALID the payload does not pass the kind's check */
TARN_MUST tarn_code tarn_graph_node(tarn_graph *g, const char *kind, const uint32_t *regs, uint32_t n_in,
                                    uint32_t n_out, const tarn_feature *features, const void *data, size_t len,
                                    uint32_t *first, tarn_err *err);

/* The same for large payloads, without a copy and with features NULL: take_data is the address of a pointer from
 * tarn_alloc, which becomes the graph's and NULL. On failure it is still the caller's. */
TARN_MUST tarn_code tarn_graph_node_take(tarn_graph *g, const char *kind, const uint32_t *regs, uint32_t n_in,
                                         uint32_t n_out, void *take_data, size_t len, uint32_t *first, tarn_err *err);

/* Which registers are the outputs, and what they mean: BINARY one register (the probability of class 1) and two
 * classes, MULTICLASS a register per class, REGRESSION one and no classes (NULL). threshold is for BINARY. A second
 * call replaces the first. */
TARN_MUST tarn_code tarn_graph_output(tarn_graph *g, tarn_task task, const char *target, const uint32_t *regs, int n,
                                      const char *const *classes, int n_classes, double threshold, tarn_err *err);
/* importance[inputs], any scale >= 0; stored normalised; all 0: none is stored. */
TARN_MUST tarn_code tarn_graph_importance(tarn_graph *g, const double *importance, tarn_err *err);

uint32_t tarn_graph_inputs(const tarn_graph *g);
uint32_t tarn_graph_registers(const tarn_graph *g);
/* Doubles of scratch that tarn_graph_run needs, whatever the rows; changes when the graph grows. */
size_t tarn_graph_scratch(const tarn_graph *g);
/* Run the graph so far: columns[inputs] of rows doubles each, wanted registers regs[n], out (n, rows). Only nodes that
 * the wanted registers come from are run, and only their columns are read (others may be NULL). The same bits as the
 * finished model gives. Cannot fail. */
void tarn_graph_run(const tarn_graph *g, int64_t rows, const double *const *columns, const uint32_t *regs, uint32_t n,
                    double *scratch, double *out);

/* Make the block. The graph stays usable, unless it was given payloads (tarn_graph_node_take): the largest becomes the
 * block, so that there are never two of it, and the graph can then be neither run nor finished again. */
TARN_MUST tarn_code tarn_graph_finish(tarn_graph *g, tarn_model **out, tarn_err *err);

/* Give a BINARY model another threshold. It must be nobody else's.
 * Errors: TARN_INVALID no such model, or it is of a mapped file */
TARN_MUST tarn_code tarn_model_rethreshold(tarn_model *m, double threshold, tarn_err *err);

#ifdef __cplusplus
}
#endif
#endif
