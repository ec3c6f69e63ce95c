/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c - the sparse columns that texts become. See prepare.h.
 *
 * Blocks of rows are read in parallel, each into a piece of its own; then the pieces are put one behind the other. A
 * row's entries come source by source, each in ascending order, so they ascend over all. */
#include "prepare/prepared.h"

#include "model/tokens.h"

#include <string.h>

const tarn_text_source *tarn_prepared_texts(const tarn_prepared *p, int32_t *n)
{
    *n = p->n_sources;
    return p->sources;
}

typedef struct piece {
    int32_t *index;
    float *value;
    int64_t n, cap;
} piece;

typedef struct reading {
    tarn_rows *rows;
    const tarn_text_source *source;
    int32_t sources;
    tarn_bag *bags;   /* (sources) */
    piece *pieces;    /* (blocks) */
    int64_t *start;   /* (rows + 1); first how many entries each row has */
    double *values;   /* (threads, sources, TARN_BLOCK_ROWS) */
    uint64_t *memory; /* (threads, each) */
    size_t each;
    int32_t *index;
    float *value;
} reading;

static tarn_code append(piece *p, const tarn_bag_entry *e, uint32_t n, int32_t first, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (p->n + n > p->cap) {
        int64_t cap = 2 * (p->n + n) + 1024;
        TARN_TRY(tarn_resize(&p->index, (size_t)cap, sizeof *p->index, err));
        TARN_TRY(tarn_resize(&p->value, (size_t)cap, sizeof *p->value, err));
        p->cap = cap;
    }
    for (uint32_t k = 0; k < n; k++) {
        p->index[p->n] = first + (int32_t)e[k].col;
        p->value[p->n++] = e[k].value;
    }
done:
    return rc;
}

static tarn_code read_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const reading *r = arg;
    const tarn_feed *feed = &r->rows->flow;
    int64_t at = block * TARN_BLOCK_ROWS, n = feed->n - at < TARN_BLOCK_ROWS ? feed->n - at : TARN_BLOCK_ROWS;
    double *values = r->values + (int64_t)worker * r->sources * TARN_BLOCK_ROWS;
    piece *p = &r->pieces[block];

    for (int32_t s = 0; s < r->sources; s++)
        tarn_reader_read(&feed->readers[r->source[s].reg], feed->rows + at, n, values + (int64_t)s * TARN_BLOCK_ROWS);
    for (int64_t i = 0; i < n; i++) {
        int64_t before = p->n;
        for (int32_t s = 0; s < r->sources; s++) {
            double x = values[(int64_t)s * TARN_BLOCK_ROWS + i];
            const tarn_string *text = x == x ? (const tarn_string *)(uintptr_t)x : NULL;
            tarn_bag_entry *e = NULL;
            if (!text) continue;
            uint32_t found =
                tarn_bag_read(&r->bags[s], text->bytes, text->len, r->memory + (size_t)worker * r->each, &e);
            tarn_code rc = append(p, e, found, r->source[s].first, err);
            if (rc != TARN_OK) return rc;
        }
        r->start[at + i + 1] = p->n - before;
    }
    return TARN_OK;
}

static tarn_code place_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const reading *r = arg;
    piece *p = &r->pieces[block];
    int64_t to = r->start[block * TARN_BLOCK_ROWS];

    (void)worker, (void)err;
    if (p->n > 0) {
        memcpy(r->index + to, p->index, (size_t)p->n * sizeof *r->index);
        memcpy(r->value + to, p->value, (size_t)p->n * sizeof *r->value);
    }
    tarn_free(p->index);
    tarn_free(p->value);
    *p = (piece){0};
    return TARN_OK;
}

static tarn_code get_ready(reading *r, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(pool), sources = (size_t)r->sources;
    const tarn_feed *feed = &r->rows->flow;

    TARN_TRY(tarn_alloc(&r->bags, sources, sizeof *r->bags, err));
    for (int32_t s = 0; s < r->sources; s++) {
        tarn_bag_point(r->source[s].head, &r->bags[s]);
        size_t bytes = tarn_bag_scratch(r->source[s].head, feed->readers[r->source[s].reg].longest);
        if ((bytes + 63) / 64 * 8 > r->each) r->each = (bytes + 63) / 64 * 8;
    }
    TARN_TRY(tarn_alloc(&r->pieces, (size_t)tarn_blocks(feed->n), sizeof *r->pieces, err));
    TARN_TRY(tarn_alloc(&r->start, (size_t)feed->n + 1, sizeof *r->start, err));
    TARN_TRY(tarn_alloc(&r->values, threads * sources * TARN_BLOCK_ROWS, sizeof *r->values, err));
    TARN_TRY(tarn_alloc(&r->memory, threads * r->each, sizeof *r->memory, err));
done:
    return rc;
}

static tarn_code read_texts(reading *r, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t n = r->rows->flow.n, blocks = tarn_blocks(n);

    TARN_TRY(get_ready(r, pool, err));
    TARN_TRY(tarn_pool_run(pool, blocks, read_block, r, err));
    for (int64_t i = 0; i < n; i++) r->start[i + 1] += r->start[i];
    TARN_TRY(tarn_alloc(&r->index, (size_t)r->start[n], sizeof *r->index, err));
    TARN_TRY(tarn_alloc(&r->value, (size_t)r->start[n], sizeof *r->value, err));
    TARN_TRY(tarn_pool_run(pool, blocks, place_block, r, err));
done:
    return rc;
}

tarn_code tarn_rows_sparse(tarn_rows *rows, tarn_pool *pool, tarn_text_columns *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_prepared *p = rows->flow.p;
    reading r = {.rows = rows, .source = p->sources, .sources = p->n_sources};

    *out = (tarn_text_columns){0};
    if (p->n_sources == 0) return TARN_OK;
    if (!rows->texts.start) {
        TARN_TRY(read_texts(&r, pool, err));
        rows->texts = (tarn_text_columns){.cols = p->sparse_cols,
                                          .start = r.start,
                                          .index = r.index,
                                          .value = r.value,
                                          .source = p->sources,
                                          .sources = p->n_sources};
        r.start = NULL;
        r.index = NULL;
        r.value = NULL;
    }
    *out = rows->texts;
done:
    for (int64_t b = 0; r.pieces && b < tarn_blocks(rows->flow.n); b++) {
        tarn_free(r.pieces[b].index);
        tarn_free(r.pieces[b].value);
    }
    tarn_free(r.pieces);
    tarn_free(r.bags);
    tarn_free(r.start);
    tarn_free(r.values);
    tarn_free(r.memory);
    tarn_free(r.index);
    tarn_free(r.value);
    return rc;
}
