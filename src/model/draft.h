/* SPDX-License-Identifier: Apache-2.0 */
/* draft.h - what a tarn_graph is in memory. Private to model: graph.c fills it, write.c makes a block of it. */
#ifndef TARN_MODEL_DRAFT_H
#define TARN_MODEL_DRAFT_H

#include "base/mem.h"
#include "model/graph.h"
#include "model/run.h"

typedef struct tarn_draft_text {
    const char *text; /* in the arena, NUL-terminated */
    uint32_t len;
} tarn_draft_text;

typedef struct tarn_draft_input {
    tarn_draft_text name;
    tarn_kind kind;
    bool required;
    double least, most;
    const tarn_draft_text *levels;
    uint32_t n_levels;
} tarn_draft_input;

struct tarn_graph {
    tarn_arena *arena; /* names, levels, reads, payloads */
    tarn_draft_input *inputs;
    tarn_node *nodes;
    tarn_feature *features; /* (registers) */
    void **taken;           /* payloads that were given to the graph */
    uint32_t n_inputs, n_nodes, registers, n_taken;
    uint32_t inputs_cap, nodes_cap, features_cap, taken_cap;

    bool spent; /* a payload went into a model: nothing can be run any more */
    bool has_output;
    tarn_task task;
    tarn_draft_text target;
    const uint32_t *outputs;
    uint32_t n_outputs;
    const tarn_draft_text *classes;
    uint32_t n_classes;
    double threshold;
    const double *importance; /* (n_inputs) sums to 1; NULL: none */
};

#endif
