/* SPDX-License-Identifier: Apache-2.0 */
/* tree_text.c - a tree as lines for people. See model.h. */
#include "model/handle.h"
#include "model/payload.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 1024, LEVELS_SHOWN = 8, STEPS_SHOWN = 4 };

typedef struct forest {
    const tarn_node_view *view;
    const tarn_trees_data *head;
    const uint32_t *root, *output;
    const tarn_tree_node *node;
    const uint64_t *bits;
} forest;

/* The arrays of a node `trees`, whose payload was proved when the model was loaded. */
static forest forest_of(const tarn_node_view *view)
{
    const tarn_trees_data *head = view->data;
    const char *at = (const char *)(head + 1) + view->n_out * sizeof(double);
    size_t list = head->trees * sizeof(uint32_t);
    const void *const parts[] = {at, at + list, at + 2 * list, at + 2 * list + head->nodes * sizeof(tarn_tree_node)};

    return (forest){view, head, parts[0], parts[1], parts[2], parts[3]};
}

static const tarn_node *trees_node(const tarn_model *m, uint32_t i)
{
    return strcmp(m->nodes[i].kind->name, "trees") == 0 ? &m->nodes[i] : NULL;
}

int64_t tarn_model_trees(const tarn_model *m)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < m->block.head->nodes; i++)
        if (trees_node(m, i)) n += forest_of(&m->nodes[i].view).head->trees;
    return n;
}

/* ---- what a register is called ---- */

static const tarn_node *maker_of(const tarn_model *m, uint32_t reg)
{
    uint32_t i = 0;

    while (reg - m->nodes[i].view.out >= m->nodes[i].view.n_out) i++; /* there is one */
    return &m->nodes[i];
}

/* A raw field, or one that steps (outermost first) have changed number by number, or number k of what a node made. */
static void name_register(const tarn_model *m, uint32_t reg, char *out, size_t cap)
{
    const char *steps[STEPS_SHOWN];
    int n = 0;
    size_t at = 0;

    while (reg >= (uint32_t)tarn_model_inputs(m)) {
        const tarn_node *by = maker_of(m, reg);
        uint32_t k = reg - by->view.out;
        if (by->view.n_in != by->view.n_out || n == STEPS_SHOWN) {
            const char *from = by->view.n_in > 0 && by->view.in[0] < (uint32_t)tarn_model_inputs(m)
                                   ? m->inputs[by->view.in[0]].name
                                   : "";
            (void)snprintf(out, cap, "%s(%.100s) %u", by->kind->name, from, k + 1);
            goto done;
        }
        steps[n++] = by->kind->name;
        reg = by->view.in[k];
    }
    (void)snprintf(out, cap, "%.300s", m->inputs[reg].name);
done:
    for (int i = n - 1; i >= 0 && (at = strlen(out)) < cap; i--)
        (void)snprintf(out + at, cap - at, "%s%s%s", i == n - 1 ? " (after " : ", ", steps[i], i == 0 ? ")" : "");
}

/* ---- a branch ---- */

static void append(char *line, const char *text)
{
    size_t at = strlen(line);

    (void)snprintf(line + at, LINE - at, "%s", text);
}

static bool goes_left(const forest *f, uint32_t first, uint32_t code)
{
    return f->bits[first + code / 64] >> (code % 64) & 1;
}

static void append_level(const tarn_model *m, uint32_t reg, uint32_t code, char *line)
{
    const char *text = reg < (uint32_t)tarn_model_inputs(m) ? tarn_model_level(m, (int)reg, (int32_t)code, NULL) : NULL;
    char word[120];

    if (text) (void)snprintf(word, sizeof word, "'%.100s'", text);
    else (void)snprintf(word, sizeof word, "level %u", code);
    append(line, word);
}

/* The levels of the smaller side. */
static void append_levels(const tarn_model *m, const forest *f, const tarn_tree_node *node, uint32_t reg, char *line)
{
    uint64_t both;
    uint32_t lefts = 0, shown = 0;

    memcpy(&both, &node->value, sizeof both);
    uint32_t first = (uint32_t)(both >> 32), levels = (uint32_t)both;
    for (uint32_t c = 0; c < levels; c++) lefts += goes_left(f, first, c);
    bool others = lefts * 2 > levels;
    uint32_t count = others ? levels - lefts : lefts;
    append(line, others ? " is none of " : " is ");
    for (uint32_t c = 0; c < levels && shown < LEVELS_SHOWN; c++) {
        if (goes_left(f, first, c) == others) continue;
        if (shown++ > 0) append(line, ", ");
        append_level(m, reg, c, line);
    }
    char more[60] = "";
    if (count == 0) (void)snprintf(more, sizeof more, "no known level");
    if (count > shown) (void)snprintf(more, sizeof more, " and %u more", count - shown);
    append(line, more);
}

static void append_branch(const tarn_model *m, const forest *f, const tarn_tree_node *node, char *line)
{
    uint32_t reg = f->view->in[node->flags & TARN_TREE_FEATURE];
    bool category = node->flags & TARN_TREE_CATEGORY;
    char text[480];

    name_register(m, reg, text, sizeof text);
    append(line, text);
    if (category) {
        append_levels(m, f, node, reg, line);
    } else {
        (void)snprintf(text, sizeof text, " <= %.7g", node->value);
        append(line, text);
    }
    append(line, node->flags & TARN_TREE_MISSING_LEFT ? ", or missing" : "");
}

/* ---- a tree ---- */

static bool is_leaf(const tarn_tree_node *node) { return node->flags & TARN_TREE_LEAF; }

/* The first node behind the subtree at i. */
static uint32_t subtree_end(const forest *f, uint32_t i)
{
    while (!is_leaf(&f->node[i])) i = f->node[i].right;
    return i + 1;
}

static tarn_code tree_lines(const tarn_model *m, const forest *f, uint32_t tree, int depth, tarn_line_fn *fn, void *arg,
                            tarn_err *err)
{
    uint32_t i = f->root[tree], end = subtree_end(f, i), right[TARN_TREE_LINES_DEEP + 1] = {0};
    int at = 0; /* branches above node i; right[k]: where branch k has its right child */
    bool is_right = false;
    char line[LINE], text[80];

    while (i < end) {
        const tarn_tree_node *node = &f->node[i];
        (void)snprintf(line, sizeof line, "%*s%s", 2 * at, "", at == 0 ? "" : is_right ? "no: " : "yes: ");
        bool branch = !is_leaf(node) && at < depth;
        if (branch) {
            append_branch(m, f, node, line);
        } else {
            uint32_t leaves = (subtree_end(f, i) - i + 1) / 2;
            if (is_leaf(node)) (void)snprintf(text, sizeof text, "%.7g", node->value);
            else (void)snprintf(text, sizeof text, "... %u leaves", leaves);
            append(line, text);
        }
        tarn_code rc = fn(arg, line, err);
        if (rc != TARN_OK) return rc;
        if (branch) {
            right[++at] = node->right;
            is_right = false;
            i++;
            continue;
        }
        i = subtree_end(f, i);
        while (at > 0 && right[at] != i) at--; /* right[at] is i: the other side of that branch comes */
        is_right = true;
    }
    return TARN_OK;
}

tarn_code tarn_model_tree_lines(const tarn_model *m, int64_t tree, int depth, tarn_line_fn *fn, void *arg,
                                tarn_err *err)
{
    int64_t before = 0;

    if (depth < 0 || depth > TARN_TREE_LINES_DEEP)
        return TARN_FAIL(err, TARN_INVALID, "depth %d; 0 to %d are possible", depth, TARN_TREE_LINES_DEEP);
    for (uint32_t i = 0; tree >= 0 && i < m->block.head->nodes; i++) {
        if (!trees_node(m, i)) continue;
        forest f = forest_of(&m->nodes[i].view);
        if (tree - before < f.head->trees) return tree_lines(m, &f, (uint32_t)(tree - before), depth, fn, arg, err);
        before += f.head->trees;
    }
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no tree %lld; the model has %lld", (long long)tree + 1,
                     (long long)tarn_model_trees(m));
}
