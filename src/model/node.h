/* SPDX-License-Identifier: Apache-2.0 */
/* node.h - what a kind of node must do (plug-ins of model, one file each in model/nodes/).
 *
 * A node reads some registers and fills new ones, row by row: what it writes for a row depends on that row alone, so
 * that one row and a million rows give the same bits. Kinds are listed in nodes.def.
 *
 * Order of calls: check once, when the model is loaded or the node added; run as often as wanted, from any thread.
 */
#ifndef TARN_MODEL_NODE_H
#define TARN_MODEL_NODE_H

#include "base/err.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_node_view {
    uint32_t n_in, n_out; /* n_out >= 1 */
    const uint32_t *in;   /* registers read, all below `out` */
    uint32_t out;         /* first register written */
    const void *data;     /* the kind's own bytes, 8-byte aligned, len of them */
    size_t len;
} tarn_node_view;

typedef struct tarn_node_kind {
    const char *name, *title;
    uint32_t id; /* in files: never reused, never changed */
    /* Prove that run() stays inside its memory for any register content, whatever the bytes, and that its time is
     * bounded by len, n_in and n_out. Does not look at in[] and out: the graph has proved those. Errors: TARN_CORRUPT,
     * the message names the place in the payload. */
    tarn_code (*check)(const tarn_node_view *n, tarn_err *err);
    /* The first register that it reads is a text, the others are not: proved by the graph. Kinds without this read no
     * text. */
    bool reads_text;
    /* Registers are columns: register r of row i is regs[r * stride + i]. 1 <= rows <= stride. */
    void (*run)(const tarn_node_view *n, size_t rows, size_t stride, double *regs);
    /* Instead of run, for kinds that need memory while they run (NULL for others): bytes of it, for up to so many rows
     * and texts of up to `longest` bytes, not less when either grows; and run with that much, 8-byte aligned, whatever
     * is in it. */
    size_t (*scratch)(const tarn_node_view *n, size_t rows, size_t longest);
    void (*run_with)(const tarn_node_view *n, size_t rows, size_t stride, double *regs, void *scratch);
    /* How many rows are best run together, where more than usual are much the better; NULL: it does not matter. */
    size_t (*together)(const tarn_node_view *n);
    /* One line for people: what follows "<name>: ". */
    void (*text)(const tarn_node_view *n, char *out, size_t cap);
} tarn_node_kind;

/* The text that a register holds; NULL: missing. Only of a register that is proved to be one. */
static inline const tarn_string *tarn_string_at(double value)
{
    return value == value ? (const tarn_string *)(uintptr_t)value : NULL;
}

/* The list: at(0) .. at(count - 1), in alphabetical order; find and by_id give NULL for what is not in it. */
int tarn_node_count(void);
const tarn_node_kind *tarn_node_at(int i);
const tarn_node_kind *tarn_node_find(const char *name);
const tarn_node_kind *tarn_node_by_id(uint32_t id);

/* What most checks begin with: exactly `want` bytes of payload, and only finite numbers. */
TARN_MUST tarn_code tarn_node_check_len(const tarn_node_view *n, uint64_t want, tarn_err *err);
TARN_MUST tarn_code tarn_node_check_finite(const double *x, size_t count, const char *what, tarn_err *err);

#ifdef __cplusplus
}
#endif
#endif
