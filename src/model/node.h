/* SPDX-License-Identifier: Apache-2.0 */
/* node.h - what a kind of node must do (plug-ins of model, one file each in model/nodes/). */
#ifndef TARN_MODEL_NODE_H
#define TARN_MODEL_NODE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_node_view {
    uint32_t n_in, n_out;
    const uint32_t *in;   /* registers read */
    uint32_t out;         /* first register written */
    const void *data;     /* the kind's own bytes, 8-byte aligned, len of them */
    size_t len;
} tarn_node_view;

typedef struct tarn_node_kind {
    const char *name, *title;
    uint32_t id; /* in files: never reused, never changed */
    /* Prove that run() stays inside its memory for any register content, whatever the bytes. */
    tarn_code (*check)(const tarn_node_view *n, tarn_err *err);
    /* Registers are columns: register r of row i is regs[r * stride + i]. rows <= stride. */
    void (*run)(const tarn_node_view *n, size_t rows, size_t stride, double *regs);
    /* One line for people. */
    void (*text)(const tarn_node_view *n, char *out, size_t cap);
} tarn_node_kind;

#endif
