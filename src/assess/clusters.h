/* SPDX-License-Identifier: Apache-2.0 */
/* clusters.h - what figures of clusters are made from, counted once for all of them. */
#ifndef TARN_ASSESS_CLUSTERS_H
#define TARN_ASSESS_CLUSTERS_H

#include "assess/assess.h"

typedef struct tarn_clusters {
    const tarn_clustered *of;
    tarn_pool *pool;
    int64_t rows, clusters, classes; /* classes: true groups; 0 without a truth */
    int columns;
    uint32_t *label;    /* (rows) numbered from 0 by rising label */
    int64_t *name;      /* (clusters) the label of each */
    double *size;       /* (clusters) rows */
    double *class_size; /* (classes) rows */
    /* with columns */
    double *centre;         /* (clusters, columns) */
    double *radius;         /* (clusters) mean distance of the rows from the centre */
    double *inside;         /* (clusters) sum of squared distances from the centre */
    double within, between; /* sums of squares */
    double *silhouette;     /* (rows) if it was made beforehand, else NULL */
    /* with a truth */
    double pairs_both, pairs_cluster, pairs_truth;      /* sums of n^2 over cells, clusters, groups */
    double information, entropy_cluster, entropy_truth; /* nats */
} tarn_clusters;

/* Start with {0}; tarn_clusters_clear in any case. */
TARN_MUST tarn_code tarn_clusters_make(const tarn_clustered *of, tarn_pool *pool, tarn_clusters *out, tarn_err *err);
void tarn_clusters_clear(tarn_clusters *c);

/* Two clusters or more, and fewer than rows: what figures of distances need. */
bool tarn_clusters_apart(const tarn_clusters *c);
/* The silhouette of each row, s (rows) out; tarn_clusters_apart holds. */
TARN_MUST tarn_code tarn_clusters_silhouette(const tarn_clusters *c, double *s, tarn_err *err);
/* The mutual information to expect of random clusters and groups of these sizes. */
TARN_MUST tarn_code tarn_clusters_chance_information(const tarn_clusters *c, double *out, tarn_err *err);

#endif
