/* SPDX-License-Identifier: Apache-2.0 */
/* exemplars_payload.c - the rows as node `neighbors` keeps them. See exemplars.h; model/payload.h has the form.
 *
 * Without a tree each row has its norm, its values and, beyond a few columns, its brief (math/brief.h): its distance
 * from a centre in bytes. The centre is the mean of rows taken evenly from all. */
#include "base/mem.h"
#include "math/near.h"
#include "train/exemplars.h"

#include <stdatomic.h>
#include <string.h>

/* Briefs begin to pay at so many columns. The centre is the mean of up to SAMPLE rows. */
enum { BRIEF_COLUMNS = 12, SAMPLE = 4096, PIECE_ROWS = 512 };

static size_t up(size_t bytes) { return (bytes + 7) / 8 * 8; }

static size_t head_bytes(const tarn_exemplars *rows)
{
    return sizeof(tarn_neighbors_data) + 8 * rows->n * (rows->weighted ? 2 : 1);
}

/* What every payload begins with. */
static void put_head(const tarn_fit *job, const tarn_exemplars_vote *vote, const tarn_exemplars *rows, bool wide,
                     bool tree, char *data)
{
    tarn_neighbors_data head = {.metric = (uint32_t)vote->metric,
                                .by_distance = (uint32_t)vote->by_distance,
                                .k = (uint32_t)(vote->k < (int64_t)rows->n ? vote->k : (int64_t)rows->n),
                                .classes = (uint32_t)job->x->classes,
                                .rows = (uint32_t)rows->n,
                                .wide = wide,
                                .tree = tree,
                                .weighted = rows->weighted};

    memcpy(data, &head, sizeof head);
    memcpy(data + sizeof head, rows->y, 8 * rows->n);
    if (rows->weighted) memcpy(data + sizeof head + 8 * rows->n, rows->weight, 8 * rows->n);
}

tarn_code tarn_exemplars_tree(const tarn_fit *job, const tarn_exemplars_vote *vote, tarn_exemplars *rows, bool wide,
                              size_t rest, char **data, size_t *len, char **behind, tarn_err *err)
{
    size_t head = head_bytes(rows);

    *len = head + rest;
    tarn_code rc = tarn_alloc(data, *len, 1, err);
    if (rc != TARN_OK) return rc;
    put_head(job, vote, rows, wide, true, *data);
    *behind = *data + head;
    tarn_exemplars_clear(rows);
    return TARN_OK;
}

/* Where the parts go, and what making them needs. */
typedef struct filling {
    tarn_exemplars rows; /* their values in the payload */
    bool cosine, brief;
    tarn_near near; /* of the payload */
    float *norm, *centre;
    tarn_brief_note *note;
    int8_t *code;
    double *spare;     /* (threads, d) */
    float *most;       /* (pieces) the largest length */
    atomic_bool apart; /* some row is too far from the centre for a brief */
} filling;

/* Bytes of norms and values, and of briefs. */
static size_t plain_bytes(const tarn_exemplars *rows, bool wide)
{
    return up(4 * rows->n) + up((wide ? 8 : 4) * rows->n * rows->d);
}

static size_t brief_bytes(const tarn_exemplars *rows)
{
    return up(4 * rows->d) + sizeof(tarn_brief_note) * rows->n +
           tarn_brief_places(rows->n) * tarn_brief_stride(rows->d);
}

/* The payload as far as it is there, as memory for all of it: the rows' values grow to it and move to their place. */
static tarn_code grow_values(tarn_exemplars *rows, size_t from, size_t len, char **data, tarn_err *err)
{
    size_t bytes = (rows->wide ? 8 : 4) * rows->n * rows->d;
    void *values = rows->wide ? (void *)rows->wide : rows->narrow;

    tarn_code rc = tarn_resize(&values, len, 1, err);
    if (rc != TARN_OK) return rc;
    rows->narrow = NULL;
    rows->wide = NULL;
    *data = values;
    memmove(*data + from, *data, bytes);
    memset(*data, 0, from);
    memset(*data + from + bytes, 0, len - from - bytes);
    return TARN_OK;
}

static void lay_out(filling *f, char *behind, bool wide)
{
    char *values = behind + up(4 * f->rows.n), *centre = behind + plain_bytes(&f->rows, wide), *note;

    note = centre + up(4 * f->rows.d);
    f->norm = (float *)(void *)behind;
    f->rows.narrow = wide ? NULL : (float *)(void *)values;
    f->rows.wide = wide ? (double *)(void *)values : NULL;
    f->near.narrow = f->rows.narrow;
    f->near.wide = f->rows.wide;
    f->centre = (float *)(void *)centre;
    f->note = (tarn_brief_note *)(void *)note;
    f->code = (int8_t *)(note + sizeof *f->note * f->rows.n);
}

/* The mean of some points. sum, row: memory for d each. */
static void find_centre(filling *f, double *sum, double *row)
{
    size_t n = f->rows.n, d = f->rows.d, some = n < SAMPLE ? n : SAMPLE;

    memset(sum, 0, d * sizeof *sum);
    for (size_t i = 0; i < some; i++) {
        tarn_exemplars_row(&f->rows, i * n / some, row);
        double scale = tarn_brief_scale(f->cosine, d, row);
        for (size_t j = 0; j < d; j++) sum[j] += row[j] * scale;
    }
    for (size_t j = 0; j < d; j++) f->centre[j] = (float)(sum[j] / (double)some);
}

static tarn_code fill_piece(void *arg, int64_t piece, int worker, tarn_err *err)
{
    filling *f = arg;
    const tarn_exemplars *rows = &f->rows;
    size_t d = rows->d, from = (size_t)piece * PIECE_ROWS,
           to = from + PIECE_ROWS < rows->n ? from + PIECE_ROWS : rows->n;
    double *x = f->spare + (size_t)worker * d;
    float length;

    (void)err;
    for (size_t i = from; i < to; i++) {
        f->norm[i] = tarn_near_norm(&f->near, i, &length);
        f->most[piece] = length > f->most[piece] ? length : f->most[piece];
        if (!f->brief) continue;
        tarn_exemplars_row(rows, i, x);
        if (!tarn_brief_make(f->cosine, d, f->centre, x, f->code + i * tarn_brief_stride(d), &f->note[i]))
            atomic_store(&f->apart, true);
    }
    return TARN_OK;
}

/* All parts; how far from 0 the farthest row is. */
static tarn_code fill(const tarn_fit *job, filling *f, float *most, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(job->pool), d = f->rows.d;
    size_t pieces = (f->rows.n + PIECE_ROWS - 1) / PIECE_ROWS;

    TARN_TRY(tarn_alloc(&f->spare, (threads > 2 ? threads : 2) * d, sizeof *f->spare, err));
    TARN_TRY(tarn_alloc(&f->most, pieces, sizeof *f->most, err));
    if (f->brief) find_centre(f, f->spare, f->spare + d);
    TARN_TRY(tarn_pool_run(job->pool, (int64_t)pieces, fill_piece, f, err));
    for (size_t p = 0; p < pieces; p++) *most = f->most[p] > *most ? f->most[p] : *most;
done:
    tarn_free(f->spare);
    tarn_free(f->most);
    return rc;
}

tarn_code tarn_exemplars_scan(const tarn_fit *job, const tarn_exemplars_vote *vote, tarn_exemplars *rows, bool briefs,
                              char **data, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_metric metric = (tarn_metric)vote->metric;
    filling f = {.rows = {.n = rows->n, .d = rows->d}, .cosine = metric == TARN_METRIC_COSINE};
    size_t start = head_bytes(rows);
    bool wide = rows->wide != NULL;
    tarn_neighbors_data *head;

    f.brief = briefs && (metric == TARN_METRIC_EUCLIDEAN || f.cosine) && rows->d >= BRIEF_COLUMNS &&
              rows->d <= TARN_BRIEF_COLUMNS;
    f.near = (tarn_near){.metric = metric, .rows = rows->n, .d = rows->d};
    *len = start + plain_bytes(rows, wide) + (f.brief ? brief_bytes(rows) : 0);
    TARN_TRY(grow_values(rows, start + up(4 * rows->n), *len, data, err));
    put_head(job, vote, rows, wide, false, *data);
    head = (tarn_neighbors_data *)(void *)*data;
    tarn_exemplars_clear(rows);
    lay_out(&f, *data + start, wide);
    TARN_TRY(fill(job, &f, &head->most, err));
    head->brief = f.brief && !atomic_load(&f.apart);
    if (f.brief && !head->brief) *len -= brief_bytes(rows);
done:
    return rc;
}
