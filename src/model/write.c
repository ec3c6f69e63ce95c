/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - a finished graph becomes a block. See block.h for the form.
 *
 * First all is counted, which gives the layout and the length; then each section is filled from its beginning, with a
 * running end for strings, levels, reads and payloads; then the block is sealed and opened as any stranger's would be,
 * so that what we write is what we read. */
#include "model/draft.h"
#include "model/handle.h"

#include <math.h>
#include <stdlib.h>

typedef struct writer {
    tarn_graph *g;
    tarn_block_head head; /* the counts */
    tarn_block_layout at;
    unsigned char *bytes;
    uint32_t strings; /* so far */
    uint32_t moved;   /* the node whose payload is in its place already; none: the number of nodes */
} writer;

static uint64_t padded(size_t len) { return (len + 7) & ~(uint64_t)7; }

static tarn_code count(writer *w, tarn_err *err)
{
    const tarn_graph *g = w->g;
    uint64_t strings = (uint64_t)g->target.len + 1, levels = 0, reads = 0, data = 0;

    for (uint32_t i = 0; i < g->n_inputs; i++) {
        strings += (uint64_t)g->inputs[i].name.len + 1;
        levels += g->inputs[i].n_levels;
        for (uint32_t j = 0; j < g->inputs[i].n_levels; j++) strings += (uint64_t)g->inputs[i].levels[j].len + 1;
    }
    for (uint32_t i = 0; i < g->n_classes; i++) strings += (uint64_t)g->classes[i].len + 1;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        reads += g->nodes[i].view.n_in;
        data += padded(g->nodes[i].view.len);
    }
    if (strings > UINT32_MAX || levels > UINT32_MAX || reads > UINT32_MAX || data > (uint64_t)1 << 40)
        return TARN_FAIL(err, TARN_LIMIT, "the model is too large: %llu bytes of texts, %llu levels, %llu reads",
                         (unsigned long long)strings, (unsigned long long)levels, (unsigned long long)reads);
    w->head = (tarn_block_head){.task = (uint32_t)g->task,
                                .inputs = g->n_inputs,
                                .levels = (uint32_t)levels,
                                .classes = g->n_classes,
                                .nodes = g->n_nodes,
                                .reads = (uint32_t)reads,
                                .registers = g->registers,
                                .outputs = g->n_outputs,
                                .importance = g->importance != NULL,
                                .strings = (uint32_t)strings,
                                .threshold = g->threshold,
                                .data = data};
    tarn_block_layout_of(&w->head, &w->at);
    return TARN_OK;
}

/* The largest of the payloads that the graph was given: where the graph holds it. NULL: it was given none. */
static void **find_largest(writer *w)
{
    tarn_graph *g = w->g;
    void **found = NULL;

    w->moved = g->n_nodes;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        for (uint32_t k = 0; k < g->n_taken; k++) {
            if (g->taken[k] != g->nodes[i].view.data) continue;
            if (found && g->nodes[i].view.len <= g->nodes[w->moved].view.len) continue;
            found = &g->taken[k];
            w->moved = i;
        }
    return found;
}

/* Memory for the block. The largest payload that the graph was given is made longer and pushed to its place in it, so
 * that there are never two of it. */
static tarn_code make_room(writer *w, void **block, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void **given = find_largest(w);
    size_t from = (size_t)w->at.data, end = (size_t)w->at.end;

    if (!given) return tarn_alloc(block, end, 1, err);
    size_t len = w->g->nodes[w->moved].view.len;
    for (uint32_t i = 0; i < w->moved; i++) from += (size_t)padded(w->g->nodes[i].view.len);
    TARN_TRY(tarn_resize(given, end, 1, err));
    *block = *given;
    *given = NULL;
    w->g->spent = true;
    char *bytes = *block;
    memmove(bytes + from, bytes, len);
    memset(bytes, 0, from);
    memset(bytes + from + len, 0, end - from - len);
done:
    return rc;
}

static tarn_block_string put_text(writer *w, tarn_draft_text text)
{
    tarn_block_string s = {w->strings, text.len};

    memcpy(w->bytes + w->at.strings + w->strings, text.text, (size_t)text.len + 1);
    w->strings += text.len + 1;
    return s;
}

static void put_inputs(writer *w)
{
    void *to = w->bytes + w->at.inputs;
    tarn_block_input *out = to;
    uint32_t levels = 0;

    for (uint32_t i = 0; i < w->g->n_inputs; i++) {
        const tarn_draft_input *in = &w->g->inputs[i];
        out[i] = (tarn_block_input){.name = put_text(w, in->name),
                                    .kind = (uint32_t)in->kind,
                                    .required = in->required,
                                    .first_level = in->kind == TARN_CATEGORY ? levels : 0,
                                    .levels = in->n_levels,
                                    .least = in->least,
                                    .most = in->most};
        levels += in->n_levels;
    }
}

static void put_levels(writer *w)
{
    void *to = w->bytes + w->at.levels;
    tarn_block_string *out = to;

    for (uint32_t i = 0; i < w->g->n_inputs; i++)
        for (uint32_t j = 0; j < w->g->inputs[i].n_levels; j++) *out++ = put_text(w, w->g->inputs[i].levels[j]);
    to = w->bytes + w->at.classes;
    out = to;
    for (uint32_t i = 0; i < w->g->n_classes; i++) *out++ = put_text(w, w->g->classes[i]);
}

static void put_nodes(writer *w)
{
    void *to = w->bytes + w->at.nodes, *to_reads = w->bytes + w->at.reads;
    tarn_block_node *out = to;
    uint32_t *reads = to_reads, n_reads = 0;
    uint64_t data = 0;

    for (uint32_t i = 0; i < w->g->n_nodes; i++) {
        const tarn_node *node = &w->g->nodes[i];
        const tarn_node_view *v = &node->view;
        out[i] = (tarn_block_node){node->kind->id, v->n_in, v->n_out, n_reads, data, v->len};
        if (v->n_in > 0) memcpy(reads + n_reads, v->in, v->n_in * sizeof *reads);
        if (v->len > 0 && i != w->moved) memcpy(w->bytes + w->at.data + data, v->data, v->len);
        n_reads += v->n_in;
        data += padded(v->len);
    }
}

typedef struct named {
    tarn_draft_text name;
    uint32_t input;
} named;

static int by_name(const void *a, const void *b)
{
    const named *x = a, *y = b;
    return tarn_bytes_compare(x->name.text, x->name.len, y->name.text, y->name.len);
}

static tarn_code put_by_name(writer *w, tarn_err *err)
{
    const tarn_graph *g = w->g;
    named *list = NULL;
    void *to = w->bytes + w->at.by_name;
    uint32_t *out = to;
    tarn_code rc = tarn_alloc(&list, g->n_inputs, sizeof *list, err);

    if (rc != TARN_OK) return rc;
    for (uint32_t i = 0; i < g->n_inputs; i++) list[i] = (named){g->inputs[i].name, i};
    if (g->n_inputs > 0) qsort(list, g->n_inputs, sizeof *list, by_name);
    for (uint32_t i = 0; i < g->n_inputs; i++) out[i] = list[i].input;
    tarn_free(list);
    return TARN_OK;
}

tarn_code tarn_graph_finish(tarn_graph *g, tarn_model **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    writer w = {.g = g};
    void *block = NULL;

    *out = NULL;
    if (!g->has_output) return TARN_FAIL(err, TARN_INVALID, "the graph has no output yet");
    if (g->spent) return TARN_FAIL(err, TARN_INVALID, "the graph has given its payloads to a model already");
    TARN_TRY(count(&w, err));
    TARN_TRY(make_room(&w, &block, err));
    w.bytes = block;
    w.head.target = put_text(&w, g->target);
    put_inputs(&w);
    put_levels(&w);
    put_nodes(&w);
    TARN_TRY(put_by_name(&w, err));
    memcpy(w.bytes + w.at.outputs, g->outputs, g->n_outputs * sizeof *g->outputs);
    if (g->importance) memcpy(w.bytes + w.at.importance, g->importance, g->n_inputs * sizeof *g->importance);
    memcpy(w.bytes, &w.head, sizeof w.head);
    tarn_block_seal(block, w.at.end);
    TARN_TRY(tarn_model_take(&block, (size_t)w.at.end, out, err));
done:
    tarn_free(block);
    if (rc != TARN_OK) tarn_err_note(err, "model");
    return rc;
}

tarn_code tarn_model_rethreshold(tarn_model *m, double threshold, tarn_err *err)
{
    tarn_block_head *head = m->copy;

    if (tarn_model_task(m) != TARN_BINARY || !isfinite(threshold))
        return TARN_FAIL(err, TARN_INVALID, "a threshold is a finite number, of a model of two classes");
    if (!head) return TARN_FAIL(err, TARN_INVALID, "the model is a mapped file's");
    head->threshold = threshold;
    tarn_block_seal(head, m->len);
    return TARN_OK;
}
