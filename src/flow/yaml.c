/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - libfyaml's document as our own tree. See yaml.h. */
#include "flow/yaml.h"

#include "base/str.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 64, MOST_NODES = 100000, MOST_PROBLEMS = 200 };

void tarn_problems_add(tarn_problems *p, int line, int column, const char *fmt, ...)
{
    va_list args;

    if (p->n == MOST_PROBLEMS) return;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 8;
        if (tarn_resize(&p->items, cap, sizeof *p->items, NULL) != TARN_OK) return;
        p->cap = cap;
    }
    tarn_problem *item = &p->items[p->n++];
    *item = (tarn_problem){.line = line, .column = column};
    va_start(args, fmt);
    (void)vsnprintf(item->text, sizeof item->text, fmt, args);
    va_end(args);
}

static int by_place(const void *a, const void *b)
{
    const tarn_problem *x = a, *y = b;

    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->column != y->column) return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void tarn_problems_sort(tarn_problems *p)
{
    if (p->n > 1) qsort(p->items, p->n, sizeof *p->items, by_place);
}

void tarn_problems_clear(tarn_problems *p)
{
    tarn_free(p->items);
    *p = (tarn_problems){0};
}

typedef struct reader {
    tarn_arena *arena;
    tarn_problems *problems;
    tarn_err *err;
    int nodes;
} reader;

static tarn_code read_node(reader *r, struct fy_node *node, int depth, const tarn_yaml **out);

/* Where a node begins: its first token, or its first child's. */
static void place_of(struct fy_node *node, int *line, int *column)
{
    struct fy_token *token = fy_node_get_type(node) == FYNT_SCALAR ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    void *it = NULL;

    if (mark) {
        *line = mark->line + 1;
        *column = mark->column + 1;
        return;
    }
    if (fy_node_get_type(node) == FYNT_MAPPING) {
        struct fy_node_pair *pair = fy_node_mapping_iterate(node, &it);
        if (pair && fy_node_pair_key(pair)) place_of(fy_node_pair_key(pair), line, column);
    } else if (fy_node_get_type(node) == FYNT_SEQUENCE) {
        struct fy_node *item = fy_node_sequence_iterate(node, &it);
        if (item) place_of(item, line, column);
    }
}

static tarn_code read_text(reader *r, struct fy_node *node, tarn_yaml *y)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(node, &len);
    char *copy = NULL;

    if (!text) text = "";
    if (memchr(text, 0, len)) {
        tarn_problems_add(r->problems, y->line, y->column, "a NUL byte stands in this value");
        len = 0;
    }
    tarn_code rc = tarn_arena_strndup(r->arena, text, len, &copy, r->err);
    y->text = copy;
    enum fy_node_style style = fy_node_get_style(node);
    y->quoted = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
    return rc;
}

static tarn_code read_list(reader *r, struct fy_node *node, int depth, tarn_yaml *y)
{
    tarn_code rc = TARN_OK;
    void *it = NULL;
    struct fy_node *item;
    int count = fy_node_sequence_item_count(node);

    y->kind = TARN_YAML_LIST;
    if (count <= 0) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(r->arena, &y->items, (size_t)count, sizeof *y->items, r->err));
    while ((item = fy_node_sequence_iterate(node, &it)) != NULL) {
        TARN_TRY(read_node(r, item, depth + 1, &y->items[y->n]));
        y->n++;
    }
done:
    return rc;
}

static tarn_code read_map(reader *r, struct fy_node *node, int depth, tarn_yaml *y)
{
    tarn_code rc = TARN_OK;
    void *it = NULL;
    struct fy_node_pair *pair;
    int count = fy_node_mapping_item_count(node);

    y->kind = TARN_YAML_MAP;
    if (count <= 0) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(r->arena, &y->items, (size_t)count, sizeof *y->items, r->err));
    TARN_TRY(tarn_arena_alloc(r->arena, &y->keys, (size_t)count, sizeof *y->keys, r->err));
    while ((pair = fy_node_mapping_iterate(node, &it)) != NULL) {
        TARN_TRY(read_node(r, fy_node_pair_key(pair), depth + 1, &y->keys[y->n]));
        TARN_TRY(read_node(r, fy_node_pair_value(pair), depth + 1, &y->items[y->n]));
        if (y->keys[y->n]->kind != TARN_YAML_TEXT)
            tarn_problems_add(r->problems, y->keys[y->n]->line, y->keys[y->n]->column, "a key must be a word");
        y->n++;
    }
done:
    return rc;
}

static tarn_code read_node(reader *r, struct fy_node *node, int depth, const tarn_yaml **out)
{
    tarn_code rc = TARN_OK;
    tarn_yaml *y = NULL;

    TARN_TRY(tarn_arena_alloc(r->arena, &y, 1, sizeof *y, r->err));
    *out = y;
    y->text = "";
    if (!node) return TARN_OK;
    place_of(node, &y->line, &y->column);
    if (depth > MOST_DEPTH || ++r->nodes > MOST_NODES) {
        if (depth > MOST_DEPTH || r->nodes == MOST_NODES + 1)
            tarn_problems_add(r->problems, y->line, y->column,
                              "nested too deep, or too long (at most %d levels and %d values)", MOST_DEPTH, MOST_NODES);
        return TARN_OK;
    }
    if (fy_node_is_alias(node) || fy_node_get_anchor(node)) {
        tarn_problems_add(r->problems, y->line, y->column,
                          "anchors and aliases (& and *) are not used here; write the value out");
        return TARN_OK;
    }
    if (fy_node_get_tag(node, NULL)) {
        tarn_problems_add(r->problems, y->line, y->column, "tags (!) are not used here; leave it away");
        return TARN_OK;
    }
    switch (fy_node_get_type(node)) {
    case FYNT_SCALAR: rc = read_text(r, node, y); break;
    case FYNT_SEQUENCE: rc = read_list(r, node, depth, y); break;
    case FYNT_MAPPING: rc = read_map(r, node, depth, y); break;
    }
done:
    return rc;
}

static void take_diagnostics(struct fy_diag *diag, tarn_problems *problems)
{
    void *it = NULL;
    struct fy_diag_error *e;

    while ((e = fy_diag_errors_iterate(diag, &it)) != NULL)
        tarn_problems_add(problems, e->line > 0 ? e->line : 1, e->column > 0 ? e->column : 1, "not YAML: %s",
                          e->msg ? e->msg : "?");
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \n\r\t", text[i], 4)) return false;
    return true;
}

tarn_code tarn_yaml_read(const char *text, size_t len, tarn_arena *arena, const tarn_yaml **out,
                         tarn_problems *problems, tarn_err *err)
{
    struct fy_diag_cfg diag_settings;
    size_t before = problems->n, bad = 0;
    tarn_code rc = TARN_OK;

    *out = NULL;
    if (!tarn_utf8_valid(text, len, &bad)) {
        int line = 1;
        for (size_t i = 0; i < bad; i++) line += text[i] == '\n';
        tarn_problems_add(problems, line, 1, "not UTF-8 text (byte %zu); save the file as UTF-8", bad);
        return TARN_OK;
    }
    fy_diag_cfg_default(&diag_settings);
    diag_settings.fp = NULL;
    diag_settings.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_settings);
    if (!diag) return TARN_FAIL(err, TARN_NOMEM, "cannot start the YAML reader");
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg settings = {.search_path = "", .diag = diag, .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};
    struct fy_document *document = fy_document_build_from_string(&settings, text, len);
    take_diagnostics(diag, problems);
    if (problems->n == before && document) {
        reader r = {arena, problems, err, 0};
        rc = read_node(&r, fy_document_root(document), 0, out);
    } else if (problems->n == before && !is_blank(text, len)) {
        tarn_problems_add(problems, 1, 1, "not YAML");
    }
    if (problems->n > before) *out = NULL;
    if (document) fy_document_destroy(document);
    fy_diag_destroy(diag);
    return rc;
}

const tarn_yaml *tarn_yaml_get(const tarn_yaml *map, const char *key)
{
    if (!map || map->kind != TARN_YAML_MAP) return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0) return map->items[i];
    return NULL;
}
