/* SPDX-License-Identifier: Apache-2.0 */
/* approximate_knn_parts.h - what the files of approximate_knn.c share. */
#ifndef TARN_APPROXIMATE_KNN_PARTS_H
#define TARN_APPROXIMATE_KNN_PARTS_H

#include "math/hnsw_build.h"
#include "train/exemplars.h"

typedef struct approximate_knn_params {
    int64_t k;
    int weights, metric;
    int64_t m, ef_construction, ef;
    double recall;
} approximate_knn_params;

/* Rows that differ, in the order in which they are put in. Node i stands for rows member[first[i]] .. */
typedef struct knn_nodes {
    size_t rows, n;
    uint32_t *first, *member; /* (n + 1), (rows) */
    uint32_t *node;           /* (rows) of each row */
} knn_nodes;

TARN_MUST tarn_code knn_nodes_make(const tarn_near *near, uint64_t seed, knn_nodes *out, tarn_err *err);
void knn_nodes_clear(knn_nodes *nodes);

/* Row `row` as doubles: x (d). Beyond 1e150 is 1e150. */
void knn_clean_row(const tarn_near *near, size_t row, double *x);

/* The last nodes, whose nearest among the others are known before they are put in themselves. */
typedef struct knn_sample {
    size_t n, first; /* nodes first .. first + n - 1 */
    size_t k;
    double *x;     /* (n, d) */
    double *limit; /* (n) how far the last of the nearest is */
    size_t *want;  /* (n) how many there are up to it, at most k */
} knn_sample;

TARN_MUST tarn_code knn_sample_make(const tarn_near *near, const knn_nodes *nodes, size_t k, tarn_pool *pool,
                                    knn_sample *out, tarn_err *err);
void knn_sample_clear(knn_sample *s);

/* The share of the sample's nearest that a search `ef` wide finds. */
TARN_MUST tarn_code knn_recall(const knn_sample *s, const tarn_hnsw_index *index, size_t ef, tarn_pool *pool,
                               double *share, tarn_err *err);

/* Sketches of all nodes: bytes, unless the nearest get lost in them. low (d) and row (n, size) become the caller's. */
typedef struct knn_sketches {
    tarn_sketches as;
    double *low;
    unsigned char *row;
} knn_sketches;

TARN_MUST tarn_code knn_sketches_make(const tarn_hnsw_index *index, const knn_nodes *nodes, const knn_sample *s,
                                      tarn_pool *pool, knn_sketches *out, tarn_err *err);
void knn_sketches_clear(knn_sketches *s);

#endif
