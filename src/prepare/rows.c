/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - rows of a table run through the graph so far, block by block: the matrix that an estimator sees.
 *
 * A block reads its raw fields from the columns into scratch memory and runs the graph on them. Scratch is kept on a
 * small stack: a caller takes one or, if all are out, makes one; so after each thread's first block nothing is
 * allocated.
 */
#include "prepare/prepared.h"

#include <string.h>

struct tarn_scratch {
    tarn_scratch *next;
    const double **columns; /* (inputs) into mem */
    double *mem;            /* inputs * TARN_BLOCK_ROWS, then the graph's */
    size_t graph;           /* doubles of the graph's that there are */
};

static double code_in_prepared(const void *arg, int input, const char *text, size_t len)
{
    const tarn_prepared *p = arg;
    const tarn_input *in = &p->inputs[input];
    int32_t low = 0, high = in->levels;

    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        size_t n = (size_t)in->len[mid], most = n < len ? n : len;
        int order = most ? memcmp(in->level[mid], text, most) : 0;
        if (order == 0) order = (n > len) - (n < len);
        if (order == 0) return mid;
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return TARN_UNSEEN;
}

tarn_code tarn_feed_init(tarn_feed *f, const tarn_prepared *p, const tarn_columns *data, const int64_t *rows, int64_t n,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *f = (tarn_feed){.p = p, .rows = rows, .n = n};
    TARN_TRY(tarn_rows_check(data, rows, n, err));
    TARN_TRY(tarn_alloc(&f->readers, (size_t)p->n_inputs, sizeof *f->readers, err));
    for (int i = 0; i < p->n_inputs; i++) {
        const tarn_input *in = &p->inputs[i];
        TARN_TRY(tarn_reader_init(&f->readers[i], data, in->name, in->kind, true, code_in_prepared, p, i, err));
    }
    if (pthread_mutex_init(&f->lock, NULL) != 0) return TARN_FAIL(err, TARN_NOMEM, "no memory for a lock");
    f->ready = true;
done:
    return rc;
}

static void scratch_free(tarn_scratch *s)
{
    if (!s) return;
    tarn_free(s->columns);
    tarn_free(s->mem);
    tarn_free(s);
}

void tarn_feed_clear(tarn_feed *f)
{
    while (f->spare) {
        tarn_scratch *s = f->spare;
        f->spare = s->next;
        scratch_free(s);
    }
    for (int i = 0; f->readers && i < f->p->n_inputs; i++) tarn_reader_clear(&f->readers[i]);
    tarn_free(f->readers);
    if (f->ready) pthread_mutex_destroy(&f->lock);
    *f = (tarn_feed){0};
}

/* The graph may have grown since a scratch was made: then it is made anew. */
static tarn_code scratch_take(tarn_feed *f, tarn_scratch **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t graph = tarn_graph_scratch(f->p->graph), inputs = (size_t)f->p->n_inputs;

    pthread_mutex_lock(&f->lock);
    tarn_scratch *s = f->spare;
    if (s) f->spare = s->next;
    pthread_mutex_unlock(&f->lock);
    if (s && s->graph < graph) {
        scratch_free(s);
        s = NULL;
    }
    if (!s) {
        TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
        s->graph = graph;
        TARN_TRY(tarn_alloc(&s->columns, inputs, sizeof *s->columns, err));
        TARN_TRY(tarn_alloc(&s->mem, inputs * TARN_BLOCK_ROWS + graph, sizeof *s->mem, err));
        for (size_t i = 0; i < inputs; i++) s->columns[i] = s->mem + i * TARN_BLOCK_ROWS;
    }
    *out = s;
    return TARN_OK;
done:
    scratch_free(s);
    return rc;
}

static void scratch_give(tarn_feed *f, tarn_scratch *s)
{
    pthread_mutex_lock(&f->lock);
    s->next = f->spare;
    f->spare = s;
    pthread_mutex_unlock(&f->lock);
}

/* At most TARN_BLOCK_ROWS rows; register r of them goes to out + r * stride, so stride is n for the graph. */
static tarn_code run_piece(tarn_feed *f, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n, double *out,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_scratch *s = NULL;
    size_t inputs = (size_t)f->p->n_inputs;

    TARN_TRY(scratch_take(f, &s, err));
    for (size_t i = 0; i < inputs; i++) tarn_reader_read(&f->readers[i], f->rows + at, n, s->mem + i * TARN_BLOCK_ROWS);
    tarn_graph_run(f->p->graph, n, s->columns, regs, (uint32_t)n_regs, s->mem + inputs * TARN_BLOCK_ROWS, out);
    scratch_give(f, s);
done:
    return rc;
}

tarn_code tarn_feed_run(tarn_feed *f, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n, double *out,
                        tarn_err *err)
{
    bool raw = true;

    if (at < 0 || n < 0 || n > TARN_BLOCK_ROWS || at > f->n - n)
        return TARN_FAIL(err, TARN_INVALID,
                         "rows %lld to %lld were asked for in one block; there are %lld, and a block has %d",
                         (long long)at, (long long)(at + n), (long long)f->n, TARN_BLOCK_ROWS);
    for (int32_t r = 0; r < n_regs; r++) raw = raw && regs[r] < (uint32_t)f->p->n_inputs;
    if (!raw) return run_piece(f, regs, n_regs, at, n, out, err);
    for (int32_t r = 0; r < n_regs; r++)
        tarn_reader_read(&f->readers[regs[r]], f->rows + at, n, out + (size_t)r * (size_t)n);
    return TARN_OK;
}

/* ---- the estimator's view ---- */

tarn_code tarn_rows_new(const tarn_prepared *p, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                        tarn_rows **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rows *r = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&r, 1, sizeof *r, err));
    TARN_TRY(tarn_feed_init(&r->flow, p, data, rows_of, n, err));
    TARN_TRY(tarn_kept_init(&r->kept, n, p->n_inputs, p->n_regs, err));
    TARN_TRY(tarn_alloc(&r->y, (size_t)n, sizeof *r->y, err));
    TARN_TRY(tarn_labels_read(&p->labels, data, rows_of, n, r->y, err));
    *out = r;
    r = NULL;
done:
    tarn_rows_free(r);
    return rc;
}

void tarn_rows_free(tarn_rows *r)
{
    if (!r) return;
    tarn_feed_clear(&r->flow);
    tarn_kept_clear(&r->kept);
    tarn_free((void *)(uintptr_t)r->texts.start);
    tarn_free((void *)(uintptr_t)r->texts.index);
    tarn_free((void *)(uintptr_t)r->texts.value);
    tarn_free(r->y);
    tarn_free(r);
}

tarn_code tarn_rows_block(void *rows, int64_t at, int64_t n, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_rows *r = rows;
    const double *kept = tarn_kept_find(&r->kept, at, n);

    if (kept) {
        memcpy(out, kept, (size_t)n * (size_t)r->flow.p->n_regs * sizeof *out);
        return TARN_OK;
    }
    TARN_TRY(tarn_feed_run(&r->flow, r->flow.p->regs, r->flow.p->n_regs, at, n, out, err));
    tarn_kept_offer(&r->kept, at, n, out);
done:
    return rc;
}

const double *tarn_rows_view(const void *rows, int64_t at, int64_t n, int64_t *stride)
{
    const tarn_rows *r = rows;

    *stride = n;
    return tarn_kept_find(&r->kept, at, n);
}

const double *tarn_rows_y(const tarn_rows *r) { return r->y; }
