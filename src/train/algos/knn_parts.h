/* SPDX-License-Identifier: Apache-2.0 */
/* knn_parts.h - what the files of knn.c share. */
#ifndef TARN_KNN_PARTS_H
#define TARN_KNN_PARTS_H

#include "math/kd.h"
#include "train/exemplars.h"

typedef enum knn_method { KNN_AUTO, KNN_TREE, KNN_SCAN } knn_method;

typedef struct knn_params {
    int64_t k;
    int weights, metric, method;
} knn_params;

#endif
