/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows.h - which rows are in which leaf of a tree that grows.
 *
 * The rows of a large leaf carry its *mark*, a byte per row: to part it, marks and bins of all rows are run through, in
 * order, many at once. Those of a small leaf are *listed*, each with its packed gradient beside it, so that only they
 * are touched. The root has all rows. At most one in TARN_TREE_MARKED of the rows must be in a leaf that is marked, so
 * there are never more marks than that.
 *
 * Rows are cut into strips of neighbours, by the number of rows alone. A leaf has a piece of each strip, so that
 * threads may part a leaf strip by strip without waiting for each other. A piece owns places in two buffers, as many as
 * it has rows. A list stands in one of them; parting it writes the other one, the left rows upwards from where the
 * piece began, the right ones downwards from its end: nothing is moved twice. In which order a list holds its rows is
 * nobody's business.
 */
#ifndef TARN_TRAIN_TREE_ROWS_H
#define TARN_TRAIN_TREE_ROWS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { TARN_TREE_MARKED = 16 };

typedef enum tarn_tree_form { TARN_ROWS_ALL, TARN_ROWS_MARKED, TARN_ROWS_LISTED } tarn_tree_form;

/* Where the rows of a leaf are found. */
typedef struct tarn_tree_place {
    tarn_tree_form form;
    uint8_t mark;   /* MARKED, 0 .. TARN_TREE_MARKED - 1; of ALL: 0 */
    uint8_t buffer; /* LISTED: 0 or 1 */
} tarn_tree_place;

typedef struct tarn_tree_piece {
    int32_t at, n; /* places at .. at + n - 1 of the buffers */
} tarn_tree_piece;

typedef struct tarn_tree_rows {
    int64_t rows;
    int32_t strips;
    uint8_t *mark;      /* (rows, and some more) */
    int32_t *list[2];   /* (rows) numbers */
    int64_t *packed[2]; /* (rows) gradients */
} tarn_tree_rows;

/* Errors: TARN_LIMIT more than 2^31 - 1 rows, TARN_NOMEM */
TARN_MUST tarn_code tarn_tree_rows_init(tarn_tree_rows *r, int64_t rows, tarn_err *err);
void tarn_tree_rows_clear(tarn_tree_rows *r);
/* All rows are the root's; its pieces to piece[strips]. */
void tarn_tree_rows_reset(tarn_tree_rows *r, tarn_tree_piece *piece);

/* How a leaf is parted. A list is parted into lists in the other buffer. */
typedef struct tarn_tree_parting {
    tarn_tree_place of, child[2];
    const int64_t *packed; /* (rows) in order of the rows: of the whole tree */
    const uint8_t *column; /* the bin of row i is column[i * stride]; stride 1 unless listed, and 128 bytes behind may
                              be read then */
    size_t stride;
    uint8_t left[256]; /* 1: rows with this bin go left, else 0 */
} tarn_tree_parting;

/* Part the piece of a strip into left and right. Different strips may be parted at once, and so may lists. */
void tarn_tree_rows_part(tarn_tree_rows *r, const tarn_tree_parting *p, int64_t strip, const tarn_tree_piece *of,
                         tarn_tree_piece *left, tarn_tree_piece *right);

/* Rows of a piece, some at a time. */
enum { TARN_TREE_BATCH = 1024 };
typedef struct tarn_tree_batch {
    int64_t n, first;
    const int32_t *row;    /* (n) numbers; NULL: first .. first + n - 1 */
    const int64_t *packed; /* (n) */
    int64_t next;
    int32_t room[TARN_TREE_BATCH + 32];
    int64_t packed_room[TARN_TREE_BATCH + 32];
} tarn_tree_batch;

/* Begin with b->next = -1; false: there are no more. packed: as for parting. */
bool tarn_tree_rows_next(const tarn_tree_rows *r, tarn_tree_place place, int64_t strip, const tarn_tree_piece *piece,
                         const int64_t *packed, tarn_tree_batch *b);
/* The rows of a strip: begin .. *end - 1. */
int64_t tarn_tree_rows_strip(const tarn_tree_rows *r, int64_t strip, int64_t *end);

#endif
