/* SPDX-License-Identifier: Apache-2.0 */
/* bins.h - columns cut into at most 255 bins and a missing one, as trees want them.
 *
 * A number's bins lie between edges: bin b holds edges[b-1] < x <= edges[b], the last one all that is above. Edges
 * stand midway between neighbouring distinct values of a sample of rows, and are the very doubles that a served tree
 * compares with, so a training row takes the same way through a tree by its bin as by its value. Up to max_bins
 * distinct values have a bin each; beyond that, bins hold about equally many rows.
 *
 * A category's level is a bin of its own. With more than 254 levels the most frequent 254 have one (ties: the lower
 * code), and the rest are treated as missing, like levels never seen and missing values. Or, if levels may be grouped,
 * the most frequent 128 have one, and of the rest those that the sample has at least 10 times are put together by their
 * mean label (shrunk towards the overall mean by 10 rows; with more than two classes: by their share of the most
 * frequent class) in up to 126 bins of about equally many rows. The labels chose these bins, so whoever splits by them
 * must pay for each level in them (tree_split.h); with less than 10 rows a level could not be charged fairly.
 *
 * The sample is every row, or about 200,000 chosen by (seed, global row number): the same for any number of ranks.
 *
 * Calls, in order: tarn_bins_make (all ranks), tarn_bins_rows (per matrix), tarn_binned_clear, tarn_bins_free.
 */
#ifndef TARN_TRAIN_BINS_H
#define TARN_TRAIN_BINS_H

#include "train/algo.h"

enum { TARN_BINS_MOST = 255, TARN_BIN_LEVELS_MOST = 254 };

typedef struct tarn_bin_feature {
    bool category;
    int32_t bins;            /* 0 .. bins-1 hold values (0: every value is missing); `bins` is the missing bin */
    int32_t levels;          /* category: codes 0 .. levels-1 are known */
    const double *edges;     /* number: (256) bins - 1 edges, then infinity */
    const uint8_t *of_level; /* category: (levels) the bin of each */
    const int32_t *merged;   /* category: (256) how many levels are in each bin; NULL: one */
} tarn_bin_feature;

typedef struct tarn_bins {
    int32_t cols, cells;       /* cells: the sum of bins + 1 over the features */
    tarn_bin_feature *feature; /* (cols) */
    int32_t *cell;             /* (cols) number of cells before the feature's first */
    double *edges;             /* what feature[].edges point into */
    uint8_t *of_level;         /* what feature[].of_level point into */
    int32_t *merged;           /* what feature[].merged point into; NULL: nothing is grouped */
} tarn_bins;

/* Rows as bins, in either layout or both (NULL: not asked for). */
typedef struct tarn_binned {
    int64_t rows;
    size_t row_bytes;   /* from row to row in by_row: the columns, padded so that a row touches few cache lines */
    uint8_t *by_row;    /* (rows, row_bytes) */
    uint8_t *by_column; /* (cols, rows), and 128 bytes that may be read */
} tarn_binned;

/* Choose edges and levels' bins. Every rank gets the same. group: levels may be grouped by their labels.
 *
 * Errors:  TARN_NOMEM, or what the matrix's block function gives; all ranks the same
 * Cost:    O(s cols) for s sampled rows, one pass over the matrix */
TARN_MUST tarn_code tarn_bins_make(const tarn_fit *job, int64_t max_bins, bool group, tarn_bins **out, tarn_err *err);
void tarn_bins_free(tarn_bins *bins);

/* This rank's rows of x as bins. No collective: a caller with ranks agrees afterwards. */
TARN_MUST tarn_code tarn_bins_rows(const tarn_bins *bins, const tarn_matrix *x, tarn_pool *pool, bool by_row,
                                   bool by_column, tarn_binned *out, tarn_err *err);
void tarn_binned_clear(tarn_binned *rows);

/* Bins of n values of one column. */
void tarn_bins_of(const tarn_bin_feature *f, const double *x, int64_t n, uint8_t *out);

#endif
