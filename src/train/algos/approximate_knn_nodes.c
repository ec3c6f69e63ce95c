/* SPDX-License-Identifier: Apache-2.0 */
/* approximate_knn_nodes.c - which rows are the same, and the order in which they are put into the graph.
 *
 * Rows that are the same share a node, as many as there may be: otherwise their links would lead to each other only,
 * and nothing else would be found from them. The order is drawn at random, by the number of the first of the rows. */
#include "base/mem.h"
#include "base/random.h"
#include "train/algos/approximate_knn_parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct keyed {
    uint64_t key;
    uint32_t row;
} keyed;

static int by_key(const void *x, const void *y)
{
    const keyed *a = x, *b = y;

    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static size_t row_bytes(const tarn_near *near) { return near->d * (near->wide ? sizeof(double) : sizeof(float)); }

static const char *row_at(const tarn_near *near, size_t row)
{
    const char *all = near->wide ? (const char *)near->wide : (const char *)near->narrow;

    return all + row * row_bytes(near);
}

/* Rows with other hashes differ; rows with the same are compared. */
static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t h = len;

    for (size_t at = 0; at < len; at += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, bytes + at, sizeof word);
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    return h;
}

/* head[row] becomes the first row that is the same. Returns how many differ. */
static size_t find_same(const tarn_near *near, keyed *order, uint32_t *head)
{
    size_t differ = 0;

    for (size_t i = 0; i < near->rows; i++) order[i] = (keyed){hash_of(row_at(near, i), row_bytes(near)), (uint32_t)i};
    qsort(order, near->rows, sizeof *order, by_key);
    for (size_t i = 0, first = 0; i < near->rows; i++) {
        if (order[i].key != order[first].key) first = i;
        uint32_t row = order[i].row, candidate = order[first].row;
        bool same = memcmp(row_at(near, row), row_at(near, candidate), row_bytes(near)) == 0;
        head[row] = same ? candidate : row;
        differ += head[row] == row;
    }
    return differ;
}

/* Rows of each node, ascending: first and member, from node. */
static void list_members(knn_nodes *out)
{
    for (size_t i = 0; i < out->rows; i++) out->first[out->node[i] + 1]++;
    for (size_t i = 0; i < out->n; i++) out->first[i + 1] += out->first[i];
    for (size_t i = 0; i < out->rows; i++) out->member[out->first[out->node[i]]++] = (uint32_t)i;
    for (size_t i = out->n; i > 0; i--) out->first[i] = out->first[i - 1]; /* each has moved on to the next */
    out->first[0] = 0;
}

tarn_code knn_nodes_make(const tarn_near *near, uint64_t seed, knn_nodes *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    keyed *order = NULL;
    uint32_t *head = NULL;
    size_t n = 0;

    *out = (knn_nodes){.rows = near->rows};
    TARN_TRY(tarn_alloc(&order, near->rows, sizeof *order, err));
    TARN_TRY(tarn_alloc(&head, near->rows, sizeof *head, err));
    TARN_TRY(tarn_alloc(&out->node, near->rows, sizeof *out->node, err));
    TARN_TRY(tarn_alloc(&out->member, near->rows, sizeof *out->member, err));
    out->n = find_same(near, order, head);
    TARN_TRY(tarn_alloc(&out->first, out->n + 1, sizeof *out->first, err));
    for (uint32_t i = 0; i < near->rows; i++)
        if (head[i] == i) order[n++] = (keyed){tarn_random_u64(seed, TARN_STREAM_SHUFFLE, i, 0), i};
    qsort(order, n, sizeof *order, by_key);
    for (uint32_t i = 0; i < n; i++) out->node[order[i].row] = i;
    for (size_t i = 0; i < near->rows; i++) out->node[i] = out->node[head[i]];
    list_members(out);
done:
    tarn_free(order);
    tarn_free(head);
    return rc;
}

void knn_nodes_clear(knn_nodes *nodes)
{
    tarn_free(nodes->first);
    tarn_free(nodes->member);
    tarn_free(nodes->node);
}

void knn_clean_row(const tarn_near *near, size_t row, double *x)
{
    for (size_t j = 0; j < near->d; j++) {
        double value = near->wide ? near->wide[row * near->d + j] : (double)near->narrow[row * near->d + j];
        x[j] = value > -1e150 ? (value < 1e150 ? value : 1e150) : -1e150;
    }
}
