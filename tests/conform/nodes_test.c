/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_test.c - what every kind of node must do, over the list in model/nodes.def. */
#include "math/brief.h"
#include "model/model_sample.h"
#include "model/node.h"
#include "support/tarn_test.h"

#include <ctype.h>

/* The numbers of kinds as they stand in files. A number is never changed and never given again: add a line for a new
 * kind, and change none. */
static const struct {
    const char *name;
    uint32_t id;
} for_ever[] = {
    {"dateparts", 1}, {"impute", 2},  {"linear", 3},    {"link", 4},       {"onehot", 5},
    {"scale", 6},     {"trees", 7},   {"bag", 20},      {"gaussian", 21},  {"levels", 22},
    {"above", 23},    {"kernel", 30}, {"coupling", 31}, {"neighbors", 40}, {"neighbor_graph", 41},
};

static void every_kind_is_described(void **state)
{
    (void)state;
    assert_true(tarn_node_count() > 0);
    for (int i = 0; i < tarn_node_count(); i++) {
        const tarn_node_kind *k = tarn_node_at(i);
        assert_true(strlen(k->name) > 0 && strlen(k->name) < 32);
        for (const char *c = k->name; *c; c++) assert_true(islower((unsigned char)*c) || *c == '_');
        assert_true(strlen(k->title) > 10 && k->title[strlen(k->title) - 1] != '.');
        assert_true(k->check && k->text && !k->run != !k->run_with && !k->scratch == !k->run_with);
        assert_ptr_equal(tarn_node_find(k->name), k);
        assert_ptr_equal(tarn_node_by_id(k->id), k);
    }
    assert_null(tarn_node_at(-1));
    assert_null(tarn_node_at(tarn_node_count()));
    assert_null(tarn_node_find("no such kind"));
    assert_null(tarn_node_by_id(0));
}

static void numbers_and_names_are_there_once_and_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_node_count(); i++)
        for (int j = 0; j < i; j++) {
            assert_true(strcmp(tarn_node_at(j)->name, tarn_node_at(i)->name) < 0);
            assert_int_not_equal(tarn_node_at(j)->id, tarn_node_at(i)->id);
        }
}

static void numbers_in_files_are_for_ever(void **state)
{
    const size_t n = sizeof for_ever / sizeof *for_ever;

    (void)state;
    for (int i = 0; i < tarn_node_count(); i++) {
        size_t at = 0;
        while (at < n && strcmp(for_ever[at].name, tarn_node_at(i)->name) != 0) at++;
        if (at == n) fail_msg("kind '%s' needs a line in this test", tarn_node_at(i)->name);
        assert_int_equal(for_ever[at].id, tarn_node_at(i)->id);
    }
    assert_int_equal(n, tarn_node_count());
}

/* Texts of every sort, and none. */
#define TEXT(s)         \
    {                   \
        s, sizeof s - 1 \
    }
static const tarn_string texts[] = {TEXT(""), TEXT("Free money, free 3:2 name:-1.5 x:1e400 \xc3\x84\xff\xe2\x82"),
                                    TEXT("a\0b cc dd cc"), TEXT("\xf0\x9f\x98\x80")};
enum { TEXTS = sizeof texts / sizeof *texts };

static void run_kind(const tarn_node_kind *k, const tarn_node_view *v, size_t rows, double *regs)
{
    void *scratch = NULL;

    if (k->run) {
        k->run(v, rows, rows, regs);
        return;
    }
    must(tarn_alloc(&scratch, k->scratch(v, rows, 64), 1, err));
    k->run_with(v, rows, rows, regs, scratch);
    tarn_free(scratch);
}

/* check on an exact copy of len bytes, so that a sanitizer sees a step beyond; what it takes must run and describe
 * itself within its memory. */
static bool taken(const tarn_node_kind *k, const void *bytes, size_t len, uint32_t n_in, uint32_t n_out)
{
    enum { ROWS = 11 };
    static const double odd[] = {NAN, 0, 1, -1, 0.5, 3, 1e300, -1e300, INFINITY, -INFINITY, 4294967296.0};
    uint64_t *data = NULL;
    double *regs = NULL;
    uint32_t in[8];
    char line[64];
    tarn_err problem = {0};

    must(tarn_alloc(&data, len, 1, err));
    if (len > 0) memcpy(data, bytes, len);
    for (uint32_t j = 0; j < n_in; j++) in[j] = j;
    const tarn_node_view v = {.n_in = n_in, .n_out = n_out, .in = in, .out = n_in, .data = data, .len = len};
    tarn_code rc = k->check(&v, &problem);
    if (rc == TARN_OK) {
        must(tarn_alloc(&regs, (size_t)(n_in + n_out) * ROWS, sizeof *regs, err));
        for (size_t i = 0; i < (size_t)n_in * ROWS; i++) regs[i] = odd[i * 7 % ROWS];
        for (size_t i = 0; i < ROWS && k->reads_text; i++)
            regs[i] = tarn_string_value(i % 5 < TEXTS ? &texts[i % 5] : NULL);
        run_kind(k, &v, ROWS, regs);
        run_kind(k, &v, 1, regs);
        k->text(&v, line, sizeof line);
        assert_true(strlen(line) < sizeof line && strlen(line) > 0);
        k->text(&v, line, 5);
        assert_true(strlen(line) < 5);
    } else {
        assert_int_equal(rc, TARN_CORRUPT);
        assert_true(strlen(problem.msg) > 10);
    }
    tarn_free(regs);
    tarn_free(data);
    return rc == TARN_OK;
}

static void no_payload_at_all_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_node_count(); i++)
        for (uint32_t n_out = 1; n_out < 4; n_out++) assert_false(taken(tarn_node_at(i), "", 0, 1, n_out));
}

static void garbage_is_refused_or_runs_clean(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_node_count(); i++) {
        int refused = 0;
        for (uint64_t round = 0; round < 3000; round++) {
            unsigned char bytes[96];
            tarn_random4 shape = tarn_philox(1, TARN_STREAM_TEST, round, (uint32_t)i);
            size_t len = shape.v[0] % (sizeof bytes + 1);
            for (size_t b = 0; b < len; b++) {
                uint64_t r = tarn_random_u64(2, TARN_STREAM_TEST, round, (uint32_t)(i * 1000 + (int)b));
                bytes[b] = shape.v[3] % 2 ? (unsigned char)r : r % 8 ? 0 : (unsigned char)(r >> 8) % 4;
            }
            if (shape.v[3] % 3) len = len / 8 * 8;
            refused += !taken(tarn_node_at(i), bytes, len, shape.v[1] % 5, 1 + shape.v[2] % 4);
        }
        assert_true(refused > 300);
    }
}

/* Each node of a real model: cut anywhere it is refused; with any bit flipped it is refused or runs clean. */
static void real_payloads_cut_or_flipped_are_refused_or_run_clean(void **state)
{
    sample_shape shape = {
        .seed = 7, .trees = 3, .leaves = 4, .features = 5, .outputs = 1, .categories = 1, .levels = 3};
    static const double numbers[] = {0.125, 1, 0.5, -0.25, 0.75, -0.5};
    static const double normal[] = {0.5, 1, 0.25, -2};
    static const struct {
        tarn_levels_data head;
        uint32_t first[4];
        double table[3];
    } levels = {{2, 1}, {0, 1, 3, 0}, {1, -1, 0.5}};
    static const uint32_t words[] = {3, 0, 1};
    static const tarn_onehot_data hot = {.levels = 3, .missing_column = 1};
    static const tarn_link_data link = {.link = TARN_LINK_SOFTMAX};
    static const tarn_coupling_data coupling = {.classes = 3};
    /* Three classes, a stored row each, of two columns. */
    static const struct {
        tarn_kernel_data head;
        double shift[2], bias[3], coef[2][3];
        uint32_t start[4];
        float square[3], row[3][2], pad;
    } kernel = {.head = {.kind = 1, .rows = 3, .classes = 3, .gamma = 0.5f},
                .coef = {{1, -1, 0.5}, {-0.5, 2, 1}},
                .start = {0, 1, 2, 3},
                .square = {1, 1, 2},
                .row = {{1, 0}, {0, 1}, {1, -1}}};
    static sample_bag bag;
    sample_trees t;

    (void)state;
    /* Three rows of two columns in one leaf; and plainly. */
    static const struct {
        tarn_neighbors_data head;
        double label[3];
        uint32_t number[16];
        float values[2][16];
    } tree = {.head = {.k = 2, .classes = 2, .rows = 3, .tree = 1},
              .label = {0, 1, 1},
              .number = {2, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
              .values = {{1, 2, 3}, {0.5f, 1, -1}}};
    static const struct {
        tarn_neighbors_data head;
        double label[3];
        float norm[4], values[3][2];
    } scan = {.head = {.k = 2, .by_distance = 1, .rows = 3, .most = 4},
              .label = {0.5, -1, 1.5},
              .norm = {1, 4, 9},
              .values = {{1, 0}, {0, 2}, {3, 0}}};
    /* The same with briefs: 8 places of 4 bytes. */
    static const struct {
        tarn_neighbors_data head;
        double label[3];
        float norm[4], values[3][2], centre[2];
        tarn_brief_note note[3];
        int8_t code[8][4];
    } briefs = {.head = {.k = 2, .rows = 3, .most = 4, .brief = 1},
                .label = {0.5, -1, 1.5},
                .norm = {1, 4, 9},
                .values = {{1, 0}, {0, 2}, {3, 0}},
                .note = {{0.01f, 0.01f, 1, -128 * 100}, {0.02f, 0.01f, 4, -128 * 100}, {0.03f, 0.01f, 9, -128 * 100}},
                .code = {{100, 0}, {0, 100}, {100, 0}}};
    /* Four rows, two of them the same: three nodes in a line, one of them on a second level. */
    static const struct {
        tarn_neighbors_data head;
        double label[4];
        float norm[4], values[4][2];
        tarn_neighbor_graph_data graph;
        uint32_t size[2];
        double low[2];
        unsigned char sketch[3][40];
        uint32_t first[4], member[4], start[5], link[4], pad;
    } graph = {.head = {.k = 1, .by_distance = 1, .rows = 4, .most = 4},
               .label = {0.5, -1, 1.5, 2},
               .norm = {1, 4, 9, 4},
               .values = {{1, 0}, {0, 2}, {3, 0}, {0, 2}},
               .graph = {.nodes = 3, .levels = 2, .links = 4, .ef = 2, .recall = 0.5, .steps = 1},
               .size = {3, 1},
               .sketch = {{0, 2}, {1, 0}, {3, 0}},
               .first = {0, 2, 3, 4},
               .member = {1, 3, 0, 2},
               .start = {0, 1, 3, 4, 4},
               .link = {1, 0, 2, 1}};
    must(sample_trees_make(&shape, &t, err));
    sample_bag_make(&bag, 2);
    const struct {
        const char *kind;
        uint32_t n_in, n_out;
        const void *data;
        size_t len;
    } real[] = {
        {"above", 3, 3, numbers, 24},
        {"bag", 3, 2, &bag, sizeof bag},
        {"gaussian", 1, 1, normal, 32},
        {"levels", 3, 1, &levels, sizeof levels},
        {"dateparts", 1, 3, words, 12},
        {"impute", 3, 3, numbers, 24},
        {"linear", 5, 1, numbers, 48},
        {"link", 3, 3, &link, 8},
        {"onehot", 1, 4, &hot, 8},
        {"scale", 3, 3, numbers, 48},
        {"trees", 5, 1, t.data, t.len},
        {"kernel", 2, 3, &kernel, sizeof kernel},
        {"coupling", 3, 3, &coupling, 8},
        {"neighbors", 2, 1, &tree, sizeof tree},
        {"neighbors", 2, 1, &scan, sizeof scan},
        {"neighbors", 2, 1, &briefs, sizeof briefs},
        {"neighbor_graph", 2, 1, &graph, sizeof graph},
    };
    for (int i = 0; i < tarn_node_count(); i++) {
        size_t at = 0;
        while (at < sizeof real / sizeof *real && strcmp(real[at].kind, tarn_node_at(i)->name) != 0) at++;
        if (at == sizeof real / sizeof *real) fail_msg("kind '%s' needs a payload in this test", tarn_node_at(i)->name);
    }
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        const tarn_node_kind *k = tarn_node_find(real[i].kind);
        unsigned char *work = NULL;
        assert_non_null(k);
        must(tarn_alloc(&work, real[i].len, 1, err));
        memcpy(work, real[i].data, real[i].len);
        assert_true(taken(k, work, real[i].len, real[i].n_in, real[i].n_out));
        for (size_t cut = 0; cut < real[i].len; cut++) assert_false(taken(k, work, cut, real[i].n_in, real[i].n_out));
        for (size_t bit = 0; bit < real[i].len * 8; bit++) {
            work[bit / 8] ^= (unsigned char)(1u << bit % 8);
            (void)taken(k, work, real[i].len, real[i].n_in, real[i].n_out);
            work[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        tarn_free(work);
    }
    tarn_free(t.data);
}

TARN_TESTS(TARN_TEST(every_kind_is_described), TARN_TEST(numbers_and_names_are_there_once_and_in_order),
           TARN_TEST(numbers_in_files_are_for_ever), TARN_TEST(no_payload_at_all_is_refused),
           TARN_TEST(garbage_is_refused_or_runs_clean),
           TARN_TEST(real_payloads_cut_or_flipped_are_refused_or_run_clean))
