/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - opening a model, asking it what it is, and running it. See model.h.
 *
 * Opening checks the block (block.c), then each node's payload (its kind's check), then makes the decoded table: input
 * descriptions, node views that point into the block, and marks for the nodes that the outputs need. From there on
 * nothing is parsed and nothing can fail: rows are copied into registers and the nodes run in order. */
#include "model/handle.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows of one piece of work for a thread of the pool, unless a node wants more rows together than usual, which is then
 * the piece. A multiple of every tarn_run_rows is not needed: a row's numbers depend on the row alone. */
enum { PIECE_ROWS = 2048, USUAL_ROWS = 256 };

static tarn_code decode_inputs(tarn_model *m, tarn_err *err)
{
    const tarn_block *b = &m->block;
    tarn_code rc = tarn_alloc(&m->inputs, b->head->inputs, sizeof *m->inputs, err);

    for (uint32_t i = 0; rc == TARN_OK && i < b->head->inputs; i++) {
        const tarn_block_input *in = &b->inputs[i];
        m->inputs[i] = (tarn_model_input){.name = tarn_block_text(b, in->name),
                                          .kind = (tarn_kind)in->kind,
                                          .required = in->required,
                                          .levels = (int32_t)in->levels,
                                          .least = in->least,
                                          .most = in->most};
    }
    return rc;
}

static bool is_text(const void *arg, uint32_t reg)
{
    const tarn_block *b = arg;

    return reg < b->head->inputs && b->inputs[reg].kind == TARN_STRING;
}

static tarn_code decode_node(const tarn_block *b, uint32_t i, uint32_t out, tarn_node *node, tarn_err *err)
{
    const tarn_block_node *from = &b->nodes[i];

    node->kind = tarn_node_by_id(from->kind);
    if (!node->kind)
        return TARN_FAIL(err, TARN_UNSUPPORTED, "node %u is of kind %u, which this program does not know; update it", i,
                         from->kind);
    node->view = (tarn_node_view){.n_in = from->n_in,
                                  .n_out = from->n_out,
                                  .in = b->reads + from->first_read,
                                  .out = out,
                                  .data = b->data + from->at,
                                  .len = (size_t)from->len};
    tarn_code rc = node->kind->check(&node->view, err);
    if (rc == TARN_OK) rc = tarn_run_check_reads(node, is_text, b, err);
    if (rc != TARN_OK) tarn_err_note(err, "node %u (%s)", i, node->kind->name);
    return rc;
}

static tarn_code decode_nodes(tarn_model *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_block *b = &m->block;
    uint32_t out = b->head->inputs;

    TARN_TRY(tarn_alloc(&m->nodes, b->head->nodes, sizeof *m->nodes, err));
    for (uint32_t i = 0; i < b->head->nodes; i++) {
        TARN_TRY(decode_node(b, i, out, &m->nodes[i], err));
        out += b->nodes[i].n_out;
    }
    TARN_TRY(tarn_alloc(&m->live, b->head->registers, 1, err));
    for (uint32_t i = 0; i < b->head->outputs; i++) m->live[b->outputs[i]] = 1;
    tarn_run_mark(m->nodes, b->head->nodes, m->live);
done:
    return rc;
}

/* m owns its bytes already. */
static tarn_code decode(tarn_model *m, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    m->len = len;
    TARN_TRY(tarn_block_open(bytes, len, &m->block, err));
    TARN_TRY(decode_inputs(m, err));
    TARN_TRY(decode_nodes(m, err));
done:
    return rc;
}

tarn_code tarn_model_take(void **take_block, size_t len, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;
    void *block = *take_block;

    *take_block = NULL;
    TARN_TRY(tarn_alloc(&m, 1, sizeof *m, err));
    m->copy = block;
    block = NULL;
    TARN_TRY(decode(m, m->copy, len, err));
    *out = m;
    m = NULL;
done:
    tarn_free(block);
    tarn_model_free(m);
    return rc;
}

tarn_code tarn_model_load(const void *bytes, size_t len, tarn_model **out, tarn_err *err)
{
    void *copy = NULL;
    tarn_code rc = tarn_alloc(&copy, len, 1, err);

    *out = NULL;
    if (rc != TARN_OK) return rc;
    if (len > 0) memcpy(copy, bytes, len);
    rc = tarn_model_take(&copy, len, out, err);
    if (rc != TARN_OK) tarn_err_note(err, "model");
    return rc;
}

tarn_code tarn_model_map(const char *path, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_model *m = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&m, 1, sizeof *m, err));
    TARN_TRY(tarn_map_open(path, &m->map, err));
    rc = decode(m, m->map.bytes, m->map.len, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "model '%s'", path);
        goto done;
    }
    *out = m;
    m = NULL;
done:
    tarn_model_free(m);
    return rc;
}

void tarn_model_free(tarn_model *m)
{
    if (!m) return;
    tarn_free(m->live);
    tarn_free(m->nodes);
    tarn_free(m->inputs);
    tarn_free(m->copy);
    tarn_map_close(&m->map);
    tarn_free(m);
}

const void *tarn_model_bytes(const tarn_model *m, size_t *len)
{
    *len = m->len;
    return m->block.head;
}

tarn_task tarn_model_task(const tarn_model *m) { return (tarn_task)m->block.head->task; }

const char *tarn_model_target(const tarn_model *m) { return tarn_block_text(&m->block, m->block.head->target); }

int tarn_model_inputs(const tarn_model *m) { return (int)m->block.head->inputs; }

const tarn_model_input *tarn_model_input_at(const tarn_model *m, int i)
{
    return i >= 0 && i < tarn_model_inputs(m) ? &m->inputs[i] : NULL;
}

int tarn_model_find_input(const tarn_model *m, const char *name, size_t len)
{
    const tarn_block *b = &m->block;
    uint32_t from = 0, to = b->head->inputs;

    while (from < to) {
        uint32_t mid = from + (to - from) / 2, i = b->by_name[mid];
        tarn_block_string s = b->inputs[i].name;
        int order = tarn_bytes_compare(name, len, tarn_block_text(b, s), s.len);
        if (order == 0) return (int)i;
        if (order < 0) to = mid;
        else from = mid + 1;
    }
    return -1;
}

const char *tarn_model_level(const tarn_model *m, int input, int32_t code, size_t *len)
{
    const tarn_model_input *in = tarn_model_input_at(m, input);

    if (!in || code < 0 || code >= in->levels) return NULL;
    tarn_block_string s = m->block.levels[m->block.inputs[input].first_level + (uint32_t)code];
    if (len) *len = s.len;
    return tarn_block_text(&m->block, s);
}

double tarn_model_code(const tarn_model *m, int input, const char *text, size_t len)
{
    const tarn_model_input *in = tarn_model_input_at(m, input);

    if (!in || in->levels == 0) return TARN_UNSEEN;
    const tarn_block_string *levels = m->block.levels + m->block.inputs[input].first_level;
    int32_t from = 0, to = in->levels;
    while (from < to) {
        int32_t mid = from + (to - from) / 2;
        int order = tarn_bytes_compare(text, len, tarn_block_text(&m->block, levels[mid]), levels[mid].len);
        if (order == 0) return mid;
        if (order < 0) to = mid;
        else from = mid + 1;
    }
    return TARN_UNSEEN;
}

int tarn_model_outputs(const tarn_model *m) { return (int)m->block.head->outputs; }

int tarn_model_classes(const tarn_model *m) { return (int)m->block.head->classes; }

const char *tarn_model_class(const tarn_model *m, int i)
{
    return i >= 0 && i < tarn_model_classes(m) ? tarn_block_text(&m->block, m->block.classes[i]) : NULL;
}

double tarn_model_threshold(const tarn_model *m) { return m->block.head->threshold; }

int tarn_model_nodes(const tarn_model *m) { return (int)m->block.head->nodes; }

const char *tarn_model_node_kind(const tarn_model *m, int node)
{
    return node >= 0 && node < tarn_model_nodes(m) ? m->nodes[node].kind->name : NULL;
}

const char *tarn_model_node_text(const tarn_model *m, int node, char *out, size_t cap)
{
    if (cap == 0) return out;
    out[0] = '\0';
    if (node < 0 || node >= tarn_model_nodes(m)) return out;
    int at = snprintf(out, cap, "%s: ", m->nodes[node].kind->name);
    if (at > 0 && (size_t)at < cap) m->nodes[node].kind->text(&m->nodes[node].view, out + at, cap - (size_t)at);
    return out;
}

const double *tarn_model_importance(const tarn_model *m) { return m->block.importance; }

double tarn_string_value(const tarn_string *s) { return s ? (double)(uintptr_t)s : (double)NAN; }

/* Registers, then what nodes need while they run. */
static size_t scratch_for(const tarn_model *m, size_t rows, size_t longest)
{
    return m->block.head->registers * rows + tarn_run_scratch(m->nodes, m->block.head->nodes, m->live, rows, longest);
}

/* The longest text of some rows in the field that a node may read; 0: none. */
static size_t longest_text(const tarn_model *m, uint32_t input, const double *x, int64_t rows)
{
    size_t longest = 0;

    if (!m->live[input] || m->inputs[input].kind != TARN_STRING) return 0;
    for (int64_t i = 0; i < rows; i++) {
        const tarn_string *s = tarn_string_at(x[i]);
        if (s && s->len > longest) longest = s->len;
    }
    return longest;
}

size_t tarn_model_scratch(const tarn_model *m) { return scratch_for(m, 1, TARN_STRING_MOST); }

size_t tarn_model_scratch_row(const tarn_model *m, const double *in)
{
    size_t longest = 0;

    for (uint32_t i = 0; i < m->block.head->inputs; i++) {
        size_t len = longest_text(m, i, in + i, 1);
        if (len > longest) longest = len;
    }
    return scratch_for(m, 1, longest);
}

void tarn_model_row(const tarn_model *m, const double *in, double *scratch, double *out)
{
    const tarn_block *b = &m->block;

    if (b->head->inputs > 0) memcpy(scratch, in, b->head->inputs * sizeof *in);
    tarn_run_nodes(m->nodes, b->head->nodes, m->live, 1, 1, scratch, scratch + b->head->registers);
    for (uint32_t k = 0; k < b->head->outputs; k++) out[k] = scratch[b->outputs[k]];
}

/* Many rows: what all pieces share. */
typedef struct run_job {
    const tarn_model *m;
    int64_t rows;
    const double *const *columns;
    double *out, *scratch; /* scratch: for each worker `stride` rows of registers, and what nodes need: `each` */
    size_t stride, each;
    int64_t piece;
} run_job;

static void run_rows(const run_job *job, int64_t at, size_t rows, double *regs)
{
    const tarn_block *b = &job->m->block;

    for (uint32_t i = 0; i < b->head->inputs; i++)
        if (job->m->live[i]) memcpy(regs + i * job->stride, job->columns[i] + at, rows * sizeof *regs);
    tarn_run_nodes(job->m->nodes, b->head->nodes, job->m->live, rows, job->stride, regs,
                   regs + b->head->registers * job->stride);
    for (uint32_t k = 0; k < b->head->outputs; k++)
        memcpy(job->out + (int64_t)k * job->rows + at, regs + b->outputs[k] * job->stride, rows * sizeof *regs);
}

static tarn_code run_piece(void *arg, int64_t block, int worker, tarn_err *err)
{
    const run_job *job = arg;
    int64_t from = block * job->piece, to = from + job->piece < job->rows ? from + job->piece : job->rows;
    double *regs = job->scratch + (size_t)worker * job->each;

    (void)err;
    for (int64_t at = from; at < to; at += (int64_t)job->stride)
        run_rows(job, at, to - at < (int64_t)job->stride ? (size_t)(to - at) : job->stride, regs);
    return TARN_OK;
}

/* How many rows at a time, and as one piece of work. */
static void set_stride(run_job *job, int threads)
{
    const tarn_block_head *head = job->m->block.head;
    int64_t share = (job->rows + threads - 1) / threads;

    job->stride = tarn_run_rows(job->m->nodes, head->nodes, job->m->live, head->registers);
    job->piece = PIECE_ROWS;
    if (job->stride <= USUAL_ROWS) return;
    if (share < (int64_t)job->stride) job->stride = share > 8 ? (size_t)(share + 7) / 8 * 8 : 8;
    job->piece = (int64_t)job->stride;
}

tarn_code tarn_model_run(const tarn_model *m, tarn_pool *pool, int64_t rows, const double *const *columns, double *out,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    run_job job = {.m = m, .rows = rows, .columns = columns, .out = out};
    double *scratch = NULL;
    size_t longest = 0;

    if (rows < 0) return TARN_FAIL(err, TARN_INVALID, "%lld rows to predict", (long long)rows);
    for (uint32_t i = 0; i < m->block.head->inputs; i++) {
        size_t len = m->inputs[i].kind == TARN_STRING && m->live[i] ? longest_text(m, i, columns[i], rows) : 0;
        if (len > longest) longest = len;
    }
    set_stride(&job, tarn_pool_threads(pool));
    job.each = scratch_for(m, job.stride, longest);
    TARN_TRY(tarn_alloc(&scratch, (size_t)tarn_pool_threads(pool), job.each * sizeof *scratch, err));
    job.scratch = scratch;
    TARN_TRY(tarn_pool_run(pool, (rows + job.piece - 1) / job.piece, run_piece, &job, err));
done:
    tarn_free(scratch);
    return rc;
}
