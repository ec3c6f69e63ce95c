/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - running a list of nodes, for models and for graphs that are still being made. Private to model. */
#ifndef TARN_MODEL_RUN_H
#define TARN_MODEL_RUN_H

#include "model/node.h"

#include <stdbool.h>

typedef struct tarn_node {
    tarn_node_view view;
    const tarn_node_kind *kind;
} tarn_node;

/* Rows to run at a time so that the registers stay in the cache: a multiple of 8, at most 256; more where a node marked
 * in live (NULL: any) wants them together. */
size_t tarn_run_rows(const tarn_node *nodes, uint32_t n, const unsigned char *live, uint32_t registers);

/* Which nodes are needed? live[registers]: on entry 1 for those wanted; on return also for all that they come from,
 * and 1 at the first register of every node that must run. */
void tarn_run_mark(const tarn_node *nodes, uint32_t n, unsigned char *live);

/* Doubles that the nodes marked in live (NULL: all) need while they run, for so many rows and texts of up to `longest`
 * bytes. */
size_t tarn_run_scratch(const tarn_node *nodes, uint32_t n, const unsigned char *live, size_t rows, size_t longest);

/* Prove that a kind that reads a text has one first, and that nobody has one elsewhere. is_text says which registers
 * are raw texts. TARN_CORRUPT names the register that is wrong. */
TARN_MUST tarn_code tarn_run_check_reads(const tarn_node *node, bool (*is_text)(const void *arg, uint32_t reg),
                                         const void *arg, tarn_err *err);

/* Run the nodes marked in live. regs: registers of `stride` doubles, the inputs filled in; rows <= stride; scratch as
 * tarn_run_scratch says. */
void tarn_run_nodes(const tarn_node *nodes, uint32_t n, const unsigned char *live, size_t rows, size_t stride,
                    double *regs, void *scratch);

#endif
