/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - putting a graph together, and running what there is of it. See graph.h; write.c finishes it.
 *
 * What would not load cannot be added: every call checks what the loader would check, and leaves the graph as it was
 * when it fails (the arena may have grown, which nobody sees). */
#include "model/block.h"
#include "model/draft.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

enum { NAME_CAP = sizeof((tarn_feature *)0)->name, MOST_CLASSES = 1 << 16 };

tarn_code tarn_graph_new(tarn_graph **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *g = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&g, 1, sizeof *g, err));
    TARN_TRY(tarn_arena_new(&g->arena, err));
    *out = g;
    g = NULL;
done:
    tarn_graph_free(g);
    return rc;
}

void tarn_graph_free(tarn_graph *g)
{
    if (!g) return;
    tarn_arena_free(g->arena);
    for (uint32_t i = 0; i < g->n_taken; i++) tarn_free(g->taken[i]);
    tarn_free(g->taken);
    tarn_free(g->features);
    tarn_free(g->nodes);
    tarn_free(g->inputs);
    tarn_free(g);
}

/* Room for `more` behind `used` in *array. */
static tarn_code grow(void *array, uint32_t *cap, uint32_t used, uint32_t more, size_t size, tarn_err *err)
{
    uint64_t want = (uint64_t)used + more;

    if (want <= *cap) return TARN_OK;
    uint64_t bigger = (uint64_t)*cap * 2 > want ? (uint64_t)*cap * 2 : want + 8;
    tarn_code rc = tarn_resize(array, (size_t)bigger, size, err);
    if (rc == TARN_OK) *cap = (uint32_t)bigger;
    return rc;
}

/* A name as it may stand in a block: UTF-8, not empty. */
static tarn_code keep_name(tarn_graph *g, const char *name, const char *what, tarn_draft_text *out, tarn_err *err)
{
    size_t len = name ? strlen(name) : 0, bad;
    char *copy;

    if (len == 0) return TARN_FAIL(err, TARN_INVALID, "%s needs a name", what);
    if (len >= NAME_CAP)
        return TARN_FAIL(err, TARN_LIMIT, "%s '%.40s...' has a name of %zu bytes; at most %d", what, name, len,
                         NAME_CAP - 1);
    if (!tarn_utf8_valid(name, len, &bad))
        return TARN_FAIL(err, TARN_INVALID, "%s has a name that is not UTF-8 from byte %zu on", what, bad);
    tarn_code rc = tarn_arena_strndup(g->arena, name, len, &copy, err);
    if (rc == TARN_OK) *out = (tarn_draft_text){copy, (uint32_t)len};
    return rc;
}

static tarn_code keep_level(tarn_graph *g, const char *text, int32_t len, tarn_draft_text *out, tarn_err *err)
{
    char *copy;
    size_t bad;

    if (len < 0 || !tarn_utf8_valid(text, (size_t)len, &bad))
        return TARN_FAIL(err, TARN_INVALID, "it is not UTF-8; re-encode the column");
    tarn_code rc = tarn_arena_strndup(g->arena, text, (size_t)len, &copy, err);
    if (rc == TARN_OK) *out = (tarn_draft_text){copy, (uint32_t)len};
    return rc;
}

static tarn_code keep_levels(tarn_graph *g, const char *const *levels, const int32_t *lens, int32_t n,
                             tarn_draft_input *in, tarn_err *err)
{
    tarn_draft_text *kept = NULL;
    tarn_code rc = tarn_arena_alloc(g->arena, &kept, (size_t)n, sizeof *kept, err);

    for (int32_t j = 0; rc == TARN_OK && j < n; j++) {
        size_t len = lens ? (size_t)lens[j] : strlen(levels[j]);
        rc = keep_level(g, levels[j], len > INT32_MAX ? -1 : (int32_t)len, &kept[j], err);
        if (rc == TARN_OK && j > 0 &&
            tarn_bytes_compare(kept[j - 1].text, kept[j - 1].len, kept[j].text, kept[j].len) >= 0)
            rc = TARN_FAIL(err, TARN_INVALID,
                           "it does not come after the one before it; sort levels by bytes, each once");
        if (rc != TARN_OK) tarn_err_note(err, "level %d", j);
    }
    in->levels = kept;
    in->n_levels = (uint32_t)n;
    return rc;
}

/* Not a number in one way only, so that equal graphs are equal bytes. */
static double plain_nan(double x) { return isnan(x) ? (double)NAN : x; }

static tarn_code check_input(const tarn_graph *g, const char *name, tarn_kind kind, int32_t n_levels, tarn_err *err)
{
    if (g->n_nodes > 0) return TARN_FAIL(err, TARN_INVALID, "inputs come before the first node");
    if (g->n_inputs >= TARN_BLOCK_INPUTS)
        return TARN_FAIL(err, TARN_LIMIT, "a model has at most %d inputs", TARN_BLOCK_INPUTS);
    if (kind != TARN_NUMBER && kind != TARN_CATEGORY && kind != TARN_MOMENT && kind != TARN_STRING)
        return TARN_FAIL(err, TARN_INVALID, "kind %d is none of number, category, moment, text", (int)kind);
    if (n_levels < 0 || (n_levels > 0 && kind != TARN_CATEGORY))
        return TARN_FAIL(err, TARN_INVALID, "%d levels for something that is not a category", n_levels);
    for (uint32_t i = 0; name && i < g->n_inputs && g->n_inputs < 4096; i++) /* beyond, finish finds it */
        if (strcmp(g->inputs[i].name.text, name) == 0)
            return TARN_FAIL(err, TARN_INVALID, "there is an input of this name already");
    return TARN_OK;
}

tarn_code tarn_graph_input(tarn_graph *g, const char *name, tarn_kind kind, bool required, double least, double most,
                           const char *const *levels, const int32_t *lens, int32_t n_levels, uint32_t *reg,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool ranged = kind == TARN_NUMBER || kind == TARN_MOMENT;
    tarn_draft_input in = {.kind = kind,
                           .required = required,
                           .least = ranged ? plain_nan(least) : (double)NAN,
                           .most = ranged ? plain_nan(most) : (double)NAN};

    TARN_TRY(check_input(g, name, kind, n_levels, err));
    TARN_TRY(keep_name(g, name, "an input", &in.name, err));
    if (n_levels > 0) TARN_TRY(keep_levels(g, levels, lens, n_levels, &in, err));
    TARN_TRY(grow(&g->inputs, &g->inputs_cap, g->n_inputs, 1, sizeof *g->inputs, err));
    TARN_TRY(grow(&g->features, &g->features_cap, g->registers, 1, sizeof *g->features, err));
    tarn_feature *f = &g->features[g->registers];
    *f = (tarn_feature){.kind = kind, .levels = n_levels, .input = g->n_inputs};
    memcpy(f->name, in.name.text, in.name.len + 1);
    g->inputs[g->n_inputs++] = in;
    if (reg) *reg = g->registers;
    g->registers++;
done:
    if (rc != TARN_OK) tarn_err_note(err, "input '%.80s'", name ? name : "");
    return rc;
}

const tarn_feature *tarn_graph_feature(const tarn_graph *g, uint32_t reg)
{
    return reg < g->registers ? &g->features[reg] : NULL;
}

/* Features of a node whose maker gave none: as many out as in keep their names, others are numbered. */
static void name_features(tarn_graph *g, const tarn_node *node)
{
    const tarn_node_view *v = &node->view;

    for (uint32_t j = 0; j < v->n_out; j++) {
        tarn_feature *f = &g->features[v->out + j];
        *f = (tarn_feature){.kind = TARN_NUMBER};
        if (v->n_in > 0) f->input = g->features[v->in[v->n_in == v->n_out ? j : 0]].input;
        if (v->n_in == v->n_out) memcpy(f->name, g->features[v->in[j]].name, sizeof f->name);
        else (void)snprintf(f->name, sizeof f->name, v->n_out == 1 ? "%s" : "%s.%u", node->kind->name, j);
    }
}

static tarn_code check_reads(const tarn_graph *g, const uint32_t *regs, uint32_t n_in, uint32_t n_out, tarn_err *err)
{
    if (g->n_nodes >= TARN_BLOCK_NODES)
        return TARN_FAIL(err, TARN_LIMIT, "a model has at most %d nodes", TARN_BLOCK_NODES);
    if (n_out == 0) return TARN_FAIL(err, TARN_INVALID, "a node must have something to put out");
    if ((uint64_t)g->registers + n_out > TARN_BLOCK_REGISTERS)
        return TARN_FAIL(err, TARN_LIMIT, "%u columns and %u more are over the limit of %d", g->registers, n_out,
                         TARN_BLOCK_REGISTERS);
    for (uint32_t j = 0; j < n_in; j++)
        if (regs[j] >= g->registers)
            return TARN_FAIL(err, TARN_INVALID, "reads register %u of %u", regs[j], g->registers);
    return TARN_OK;
}

static tarn_code check_features(const tarn_graph *g, const tarn_feature *features, uint32_t n, tarn_err *err)
{
    for (uint32_t j = 0; features && j < n; j++)
        if (features[j].input >= g->n_inputs || !memchr(features[j].name, '\0', sizeof features[j].name))
            return TARN_FAIL(err, TARN_INVALID, "feature %u comes from input %u of %u, or its name has no end", j,
                             features[j].input, g->n_inputs);
    return TARN_OK;
}

static bool is_text(const void *arg, uint32_t reg)
{
    const tarn_graph *g = arg;

    return reg < g->n_inputs && g->inputs[reg].kind == TARN_STRING;
}

/* A copy of regs in the arena. */
static tarn_code keep_reads(tarn_graph *g, const uint32_t *regs, tarn_node_view *v, tarn_err *err)
{
    uint32_t *in = NULL;
    tarn_code rc = tarn_arena_alloc(g->arena, &in, v->n_in, sizeof *in, err);

    if (rc == TARN_OK && v->n_in > 0) memcpy(in, regs, v->n_in * sizeof *in);
    v->in = in;
    return rc;
}

/* A node whose payload stays where it is. */
static tarn_code add_node(tarn_graph *g, const char *kind, const uint32_t *regs, uint32_t n_in, uint32_t n_out,
                          const tarn_feature *features, const void *data, size_t len, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_node node = {.view = {.n_in = n_in, .n_out = n_out, .out = g->registers, .data = data, .len = len}};

    node.kind = tarn_node_find(kind);
    if (!node.kind) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no kind of node '%.60s'", kind);
    TARN_TRY(check_reads(g, regs, n_in, n_out, err));
    TARN_TRY(check_features(g, features, n_out, err));
    TARN_TRY(keep_reads(g, regs, &node.view, err));
    rc = node.kind->check(&node.view, err);
    if (rc == TARN_OK) rc = tarn_run_check_reads(&node, is_text, g, err);
    if (rc == TARN_CORRUPT) { /* not damage here, but a caller's mistake */
        rc = TARN_INVALID;
        if (err) err->code = rc;
    }
    TARN_TRY(rc);
    TARN_TRY(grow(&g->nodes, &g->nodes_cap, g->n_nodes, 1, sizeof *g->nodes, err));
    TARN_TRY(grow(&g->features, &g->features_cap, g->registers, n_out, sizeof *g->features, err));
    if (features) memcpy(g->features + g->registers, features, n_out * sizeof *features);
    else name_features(g, &node);
    g->nodes[g->n_nodes++] = node;
    if (first) *first = g->registers;
    g->registers += n_out;
done:
    if (rc != TARN_OK) tarn_err_note(err, "node %u (%s)", g->n_nodes, kind);
    return rc;
}

tarn_code tarn_graph_node(tarn_graph *g, const char *kind, const uint32_t *regs, uint32_t n_in, uint32_t n_out,
                          const tarn_feature *features, const void *data, size_t len, uint32_t *first, tarn_err *err)
{
    void *copy = NULL; /* 8-byte aligned */
    tarn_code rc = tarn_arena_alloc(g->arena, &copy, len, 1, err);

    if (rc != TARN_OK) return rc;
    if (len > 0) memcpy(copy, data, len);
    return add_node(g, kind, regs, n_in, n_out, features, copy, len, first, err);
}

tarn_code tarn_graph_node_take(tarn_graph *g, const char *kind, const uint32_t *regs, uint32_t n_in, uint32_t n_out,
                               void *take_data, size_t len, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    void *data, *none = NULL;

    memcpy(&data, take_data, sizeof data);
    TARN_TRY(grow(&g->taken, &g->taken_cap, g->n_taken, 1, sizeof *g->taken, err));
    TARN_TRY(add_node(g, kind, regs, n_in, n_out, NULL, data, len, first, err));
    g->taken[g->n_taken++] = data;
    memcpy(take_data, &none, sizeof none);
done:
    return rc;
}

static tarn_code check_output(const tarn_graph *g, tarn_task task, const uint32_t *regs, int n, int n_classes,
                              double threshold, tarn_err *err)
{
    int want = task == TARN_MULTICLASS ? n_classes : 1;
    bool classes_fit = task == TARN_BINARY       ? n_classes == 2
                       : task == TARN_MULTICLASS ? n_classes >= 2 && n_classes <= MOST_CLASSES
                       : task == TARN_REGRESSION ? n_classes == 0
                                                 : false;

    if (!classes_fit || n != want)
        return TARN_FAIL(err, TARN_INVALID, "%d outputs and %d classes do not make task %d", n, n_classes, (int)task);
    for (int k = 0; k < n; k++)
        if (regs[k] >= g->registers)
            return TARN_FAIL(err, TARN_INVALID, "output %d is register %u of %u", k, regs[k], g->registers);
    for (int k = 0; k < n; k++)
        if (is_text(g, regs[k])) return TARN_FAIL(err, TARN_INVALID, "output %d is a text", k);
    if (task == TARN_BINARY && !isfinite(threshold))
        return TARN_FAIL(err, TARN_INVALID, "the threshold is not a finite number");
    return TARN_OK;
}

static tarn_code check_labels(const tarn_draft_text *labels, uint32_t n, tarn_err *err)
{
    if (n > 4096) return TARN_OK; /* too many for pairs, and nobody's harm */
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(labels[i].text, labels[j].text) == 0)
                return TARN_FAIL(err, TARN_INVALID, "classes %u and %u are both '%.60s'", j, i, labels[i].text);
    return TARN_OK;
}

tarn_code tarn_graph_output(tarn_graph *g, tarn_task task, const char *target, const uint32_t *regs, int n,
                            const char *const *classes, int n_classes, double threshold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_draft_text name, *labels = NULL;
    uint32_t *outputs = NULL;

    TARN_TRY(check_output(g, task, regs, n, n_classes, threshold, err));
    TARN_TRY(keep_name(g, target, "the target", &name, err));
    TARN_TRY(tarn_arena_alloc(g->arena, &outputs, (size_t)n, sizeof *outputs, err));
    TARN_TRY(tarn_arena_alloc(g->arena, &labels, (size_t)n_classes, sizeof *labels, err));
    for (int i = 0; i < n_classes; i++) TARN_TRY(keep_name(g, classes[i], "a class", &labels[i], err));
    TARN_TRY(check_labels(labels, (uint32_t)n_classes, err));
    memcpy(outputs, regs, (size_t)n * sizeof *outputs);
    g->has_output = true;
    g->task = task;
    g->target = name;
    g->outputs = outputs;
    g->n_outputs = (uint32_t)n;
    g->classes = labels;
    g->n_classes = (uint32_t)n_classes;
    g->threshold = task == TARN_BINARY ? threshold : 0;
done:
    if (rc != TARN_OK) tarn_err_note(err, "output");
    return rc;
}

tarn_code tarn_graph_importance(tarn_graph *g, const double *importance, tarn_err *err)
{
    double sum = 0, *kept = NULL;

    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (!(importance[i] >= 0))
            return TARN_FAIL(err, TARN_INVALID, "importance of input '%s' is not at least 0", g->inputs[i].name.text);
        sum += importance[i];
    }
    if (!isfinite(sum)) return TARN_FAIL(err, TARN_INVALID, "importances do not have a finite sum");
    g->importance = NULL;
    if (sum == 0) return TARN_OK;
    tarn_code rc = tarn_arena_alloc(g->arena, &kept, g->n_inputs, sizeof *kept, err);
    if (rc != TARN_OK) return rc;
    for (uint32_t i = 0; i < g->n_inputs; i++) kept[i] = importance[i] / sum;
    g->importance = kept;
    return TARN_OK;
}

uint32_t tarn_graph_inputs(const tarn_graph *g) { return g->n_inputs; }

uint32_t tarn_graph_registers(const tarn_graph *g) { return g->registers; }

/* Registers for some rows, then the marks, a byte a register, then what nodes need. */
size_t tarn_graph_scratch(const tarn_graph *g)
{
    size_t rows = tarn_run_rows(g->nodes, g->n_nodes, NULL, g->registers);

    return g->registers * rows + (g->registers + sizeof(double) - 1) / sizeof(double) +
           tarn_run_scratch(g->nodes, g->n_nodes, NULL, rows, TARN_STRING_MOST);
}

void tarn_graph_run(const tarn_graph *g, int64_t rows, const double *const *columns, const uint32_t *regs, uint32_t n,
                    double *scratch, double *out)
{
    size_t stride = tarn_run_rows(g->nodes, g->n_nodes, NULL, g->registers);
    void *behind = scratch + g->registers * stride;
    unsigned char *live = behind;
    double *extra = scratch + g->registers * stride + (g->registers + sizeof(double) - 1) / sizeof(double);

    memset(live, 0, g->registers);
    for (uint32_t k = 0; k < n; k++) live[regs[k]] = 1;
    tarn_run_mark(g->nodes, g->n_nodes, live);
    for (int64_t at = 0; at < rows; at += (int64_t)stride) {
        size_t some = rows - at < (int64_t)stride ? (size_t)(rows - at) : stride;
        for (uint32_t i = 0; i < g->n_inputs; i++)
            if (live[i]) memcpy(scratch + i * stride, columns[i] + at, some * sizeof *out);
        tarn_run_nodes(g->nodes, g->n_nodes, live, some, stride, scratch, extra);
        for (uint32_t k = 0; k < n; k++)
            memcpy(out + (int64_t)k * rows + at, scratch + regs[k] * stride, some * sizeof *out);
    }
}
