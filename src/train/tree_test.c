/* SPDX-License-Identifier: Apache-2.0 */
/* tree_test.c - trees on bins against the served form of the same trees; groves joined, cut and gathered. */
#include "train/tree_sample.h"

#include "train/tree.h"
#include "train/tree_rows.h"

enum { ROWS = 2000, COLS = 4 };

typedef struct sample {
    fixture t;
    tarn_feature features[FIXTURE_COLS];
    tarn_dense dense;
    tarn_matrix x;
    tarn_fit job;
    tarn_bins *bins;
    tarn_binned rows;
    uint32_t regs[FIXTURE_COLS];
    double sum[ROWS]; /* what the trees of the grove say */
} sample;

static void sample_new(sample *s)
{
    fixture_new(&s->t, ROWS, COLS, 0);
    s->t.levels[2] = 70;
    s->t.levels[3] = 290; /* more than have bins */
    for (int64_t i = 0; i < ROWS; i++)
        for (int32_t j = 0; j < COLS; j++) {
            double u = fixture_unit(i, (uint32_t)j);
            s->t.column[j][i] = fixture_unit(i, 10 + (uint32_t)j) < 0.1 ? NAN
                                : s->t.levels[j]                        ? floor(u * u * s->t.levels[j])
                                                                        : u;
        }
    fixture_features(&s->t, s->features);
    fixture_matrix(&s->t, NULL, s->features, &s->dense, &s->x);
    s->job = (tarn_fit){.x = &s->x, .regs = s->regs};
    must(tarn_bins_make(&s->job, 40, false, &s->bins, err));
    must(tarn_bins_rows(s->bins, &s->x, NULL, true, false, &s->rows, err));
    memset(s->sum, 0, sizeof s->sum);
}

static void sample_clear(sample *s)
{
    tarn_binned_clear(&s->rows);
    tarn_bins_free(s->bins);
    fixture_clear(&s->t);
}

static tarn_branch random_branch(const sample *s, uint32_t key)
{
    tarn_branch b = {.feature = (int32_t)(fixture_unit(key, 50) * COLS), .missing_left = fixture_unit(key, 51) < 0.5};
    const tarn_bin_feature *f = &s->bins->feature[b.feature];

    b.category = f->category;
    b.bin = (uint8_t)(fixture_unit(key, 52) * f->bins);
    for (int32_t bin = 0; b.category && bin < f->bins; bin++)
        if (fixture_unit(key, 100 + (uint32_t)bin) < 0.5) b.set[bin >> 6] |= UINT64_C(1) << (bin & 63);
    if (b.category && b.missing_left) b.set[f->bins >> 6] |= UINT64_C(1) << (f->bins & 63);
    return b;
}

/* Split leaves at random; children are numbered in the order of splitting, which is no preorder. */
static void random_tree(sample *s, tarn_tree *t, uint32_t key)
{
    int32_t splits = (int32_t)(key % 9);

    tarn_tree_reset(t, 0);
    for (int32_t k = 0; k < splits; k++) {
        int32_t node = (int32_t)(fixture_unit(key, 900 + (uint32_t)k) * t->nodes);
        while (t->node[node].feature >= 0) node = (node + 1) % t->nodes;
        tarn_branch b = random_branch(s, 1000 * key + (uint32_t)k);
        must(tarn_tree_split(t, node, &b, err));
    }
    for (int32_t i = 0; i < t->nodes; i++)
        if (t->node[i].feature < 0) t->node[i].value = fixture_unit(key, 5000 + (uint32_t)i);
}

static void add_trees(sample *s, tarn_grove *g, uint32_t from, uint32_t to)
{
    tarn_tree t;

    must(tarn_tree_init(&t, 1, 0, err));
    for (uint32_t k = from; k < to; k++) {
        random_tree(s, &t, k);
        must(tarn_grove_add(g, &t, s->bins, 0, err));
        for (int64_t i = 0; i < ROWS; i++)
            s->sum[i] += tarn_tree_value(&t, s->bins, s->rows.by_row + (size_t)i * s->rows.row_bytes);
    }
    tarn_tree_clear(&t);
}

/* The served trees must say the same, on the values. */
static void compare(sample *s, const tarn_grove *g)
{
    fixture_job j = {.t = &s->t};
    double base = 0;

    must(tarn_graph_new(&s->job.graph, err));
    must(fixture_inputs(&s->t, s->job.graph, s->regs, err));
    must(tarn_grove_finish(g, &s->job, 1, &base, 1, &j.fitted[0].out, err));
    must(golden_finish(s->job.graph, s->t.classes, j.fitted[0].out, &j.model[0], err));
    double *p = fixture_predict(&j, &s->t);
    for (int64_t i = 0; i < ROWS; i++) assert_true(p[i] == s->sum[i]);
    tarn_free(p);
    fixture_job_clear(&j);
    tarn_graph_free(s->job.graph);
}

static void served_trees_say_what_grown_ones_say(void **state)
{
    (void)state;
    static sample s;
    tarn_grove g = {0};

    sample_new(&s);
    add_trees(&s, &g, 0, 40);
    assert_int_equal(g.trees, 40);
    compare(&s, &g);
    tarn_grove_clear(&g);
    sample_clear(&s);
}

static void groves_may_be_joined_and_cut(void **state)
{
    (void)state;
    static sample s;
    tarn_grove a = {0}, b = {0}, none = {0};

    sample_new(&s);
    add_trees(&s, &a, 0, 7);
    add_trees(&s, &b, 7, 20);
    must(tarn_grove_join(&a, &none, err));
    must(tarn_grove_join(&a, &b, err));
    compare(&s, &a);
    double kept[ROWS];
    memcpy(kept, s.sum, sizeof kept);
    add_trees(&s, &a, 20, 31);
    tarn_grove_cut(&a, 20);
    memcpy(s.sum, kept, sizeof kept);
    compare(&s, &a);
    add_trees(&s, &a, 31, 33); /* and grown on */
    compare(&s, &a);
    tarn_grove_clear(&a);
    tarn_grove_clear(&b);
    sample_clear(&s);
}

typedef struct gathering {
    tarn_grove grove[3];
    const tarn_bins *bins;
} gathering;

static tarn_code gather(void *arg, tarn_comm *comm, tarn_err *err)
{
    gathering *g = arg;

    return tarn_grove_gather(&g->grove[tarn_comm_rank(comm)], comm, err);
}

static void ranks_gather_their_trees_in_order(void **state)
{
    (void)state;
    static sample s;
    gathering g = {0};

    sample_new(&s);
    add_trees(&s, &g.grove[0], 0, 5);
    add_trees(&s, &g.grove[2], 5, 12); /* rank 1 has none */
    must(tarn_comm_run_threads(3, gather, &g, err));
    for (int r = 0; r < 3; r++) {
        assert_int_equal(g.grove[r].trees, 12);
        compare(&s, &g.grove[r]);
        tarn_grove_clear(&g.grove[r]);
    }
    sample_clear(&s);
}

static void a_lack_of_memory_leaves_the_grove_as_it_was(void **state)
{
    (void)state;
    static sample s;
    tarn_tree t;
    tarn_grove g = {0};

    sample_new(&s);
    must(tarn_tree_init(&t, 1, 0, err));
    random_tree(&s, &t, 8);
    for (int64_t n = 1;; n++) {
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_grove_add(&g, &t, s.bins, 0, &err);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(g.trees, 0);
        assert_int_equal(g.nodes, 0);
    }
    assert_int_equal(g.trees, 1);
    tarn_grove_clear(&g);
    tarn_tree_clear(&t);
    sample_clear(&s);
}

TARN_TESTS(TARN_TEST(served_trees_say_what_grown_ones_say), TARN_TEST(groves_may_be_joined_and_cut),
           TARN_TEST(ranks_gather_their_trees_in_order), TARN_TEST(a_lack_of_memory_leaves_the_grove_as_it_was))
