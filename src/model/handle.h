/* SPDX-License-Identifier: Apache-2.0 */
/* handle.h - what a tarn_model is in memory: a block, and a small decoded table. Private to model. */
#ifndef TARN_MODEL_HANDLE_H
#define TARN_MODEL_HANDLE_H

#include "base/file.h"
#include "model/block.h"
#include "model/model.h"
#include "model/run.h"

struct tarn_model {
    tarn_mapped map; /* of a mapped file */
    void *copy;      /* of a loaded one; NULL when mapped */
    tarn_block block;
    size_t len;
    tarn_model_input *inputs; /* (inputs) */
    tarn_node *nodes;         /* (nodes) point into the block */
    unsigned char *live;      /* (registers) see tarn_run_mark */
};

/* Make a model of a block of its own (take_block is 8-byte aligned, from tarn_alloc; freed on failure). */
TARN_MUST tarn_code tarn_model_take(void **take_block, size_t len, tarn_model **out, tarn_err *err);

#endif
