/* SPDX-License-Identifier: Apache-2.0 */
/* hnsw_test.c - graphs of neighbours: the same for all threads, no node out of reach, and the nearest found. */
#include "base/random.h"
#include "math/hnsw_build.h"
#include "support/tarn_test.h"

#include <math.h>

enum { NODES = 3000, D = 12, ASKED = 100, K = 10 };

/* Rows as sketches; those asked about come behind. */
typedef struct sample {
    double low[D];
    tarn_sketches s;
    unsigned char *rows;
    size_t size, body;
} sample;

static double draw(uint64_t i, uint32_t j) { return tarn_random_unit(9, TARN_STREAM_TEST, i, j); }

/* clouds 0: evenly in a cube; else that many narrow clouds of rows, far apart. same: all rows at one place but 1 in 10.
 */
static void sample_make(sample *p, tarn_sketch_kind kind, uint64_t clouds, bool same)
{
    double x[D];

    memset(p, 0, sizeof *p);
    p->size = tarn_sketch_size(kind, D);
    p->body = tarn_sketch_body(kind, D);
    must(tarn_alloc(&p->rows, NODES + ASKED, p->size, err));
    p->s = (tarn_sketches){.kind = kind, .d = D, .low = p->low, .steps = kind ? 1 : 255, .row = p->rows};
    for (size_t i = 0; i < NODES + ASKED; i++) {
        for (uint32_t j = 0; j < D; j++) {
            x[j] = clouds ? 0.9 * draw(1000000 + i % clouds, j) + 0.02 * draw(i, j) : draw(i, j);
            if (same && i < NODES && i % 10 != 0) x[j] = 0.5;
        }
        tarn_sketch_make(&p->s, x, p->rows + i * p->size);
    }
}

static tarn_hnsw_build *build(const sample *p, size_t m, int threads)
{
    tarn_hnsw_build *b = NULL;
    tarn_pool *pool = NULL;

    must(tarn_pool_new(threads, &pool, err));
    must(tarn_hnsw_build_new(&p->s, NODES, m, 60, &b, err));
    must(tarn_hnsw_build_add(b, NODES / 2, pool, NULL, err));
    must(tarn_hnsw_build_add(b, NODES, pool, NULL, err));
    must(tarn_hnsw_build_join(b, err));
    tarn_pool_free(pool);
    return b;
}

/* start, then link. Caller frees. */
static uint32_t *packed(const tarn_hnsw_build *b, size_t *lists, size_t *links)
{
    uint32_t *out = NULL;

    tarn_hnsw_build_size(b, lists, links);
    must(tarn_alloc(&out, *lists + 1 + *links, sizeof *out, err));
    tarn_hnsw_build_pack(b, out, out + *lists + 1);
    return out;
}

static void view(const tarn_hnsw_build *b, const uint32_t *start, size_t lists, tarn_hnsw *g)
{
    const uint32_t *link = start + lists + 1;

    tarn_hnsw_build_view(b, g);
    for (uint32_t l = 0; l < g->levels; start += g->level[l++].nodes)
        g->level[l] = (tarn_hnsw_level){.nodes = g->level[l].nodes, .start = start, .link = link};
}

static double recall(const sample *p, const tarn_hnsw *g, size_t ef)
{
    tarn_hnsw_work exact, w;
    char *bytes = NULL, *more = NULL;
    size_t found = 0;

    must(tarn_alloc(&bytes, 1, tarn_hnsw_work_bytes(NODES, K), err));
    must(tarn_alloc(&more, 1, tarn_hnsw_work_bytes(NODES, ef), err));
    tarn_hnsw_work_set(&exact, NODES, K, bytes);
    tarn_hnsw_work_set(&w, NODES, ef, more);
    tarn_sketch_key *key = tarn_sketch_keys(p->s.metric, p->s.kind);
    for (size_t i = NODES; i < NODES + ASKED; i++) {
        const unsigned char *asked = p->rows + i * p->size;
        exact.n = 0;
        for (uint32_t r = 0; r < NODES; r++)
            (void)tarn_hnsw_put(&exact, K, (uint64_t)key(p->rows + r * p->size, asked, p->body) << 32 | r << 1);
        tarn_hnsw_search(g, asked, ef, &w);
        assert_true(w.n == ef);
        for (size_t k = 1; k < ef; k++) assert_true(w.found[k - 1] < w.found[k]);
        for (size_t k = 0; k < K; k++) found += tarn_hnsw_key(w.found[k]) <= tarn_hnsw_key(exact.found[K - 1]);
    }
    tarn_free(bytes);
    tarn_free(more);
    return (double)found / (ASKED * K);
}

static void everything_is_reached(const uint32_t *start, const uint32_t *link)
{
    bool reached[NODES] = {true};
    uint32_t stack[NODES] = {0};
    size_t n = 1, all = 1;

    while (n > 0) {
        uint32_t node = stack[--n];
        for (uint32_t i = start[node]; i < start[node + 1]; i++) {
            assert_true(link[i] < NODES && link[i] != node);
            if (reached[link[i]]) continue;
            reached[link[i]] = true;
            stack[n++] = link[i];
            all++;
        }
    }
    assert_int_equal(all, NODES);
}

static void threads_make_no_difference(void **state)
{
    sample p;
    size_t lists, links, other_lists, other_links;
    (void)state;

    for (int kind = 0; kind < TARN_SKETCH_COUNT; kind++) {
        sample_make(&p, (tarn_sketch_kind)kind, 0, false);
        tarn_hnsw_build *b = build(&p, 8, 1);
        uint32_t *one = packed(b, &lists, &links);
        tarn_hnsw_build_free(b);
        for (int threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
            b = build(&p, 8, threads);
            uint32_t *more = packed(b, &other_lists, &other_links);
            assert_int_equal(lists, other_lists);
            assert_int_equal(links, other_links);
            assert_memory_equal(one, more, (lists + 1 + links) * sizeof *one);
            tarn_free(more);
            tarn_hnsw_build_free(b);
        }
        tarn_free(one);
        tarn_free(p.rows);
    }
}

static void finds(tarn_sketch_kind kind, uint64_t clouds, bool same, size_t m, size_t ef, double least)
{
    sample p;
    size_t lists, links;
    tarn_hnsw g;

    sample_make(&p, kind, clouds, same);
    tarn_hnsw_build *b = build(&p, m, 2);
    uint32_t *start = packed(b, &lists, &links);
    everything_is_reached(start, start + lists + 1);
    view(b, start, lists, &g);
    double share = recall(&p, &g, ef);
    if (!(share >= least)) fail_msg("recall %g, with %d clouds", share, (int)clouds);
    tarn_free(start);
    tarn_hnsw_build_free(b);
    tarn_free(p.rows);
}

static void the_nearest_are_found(void **state)
{
    (void)state;
    for (int kind = 0; kind < TARN_SKETCH_COUNT; kind++) {
        finds((tarn_sketch_kind)kind, 0, false, 16, 50, 0.98);
        finds((tarn_sketch_kind)kind, 0, false, 4, 200, 0.97);
        finds((tarn_sketch_kind)kind, 0, false, 2, NODES, 1); /* all are looked at */
    }
}

static void the_nearest_are_found_in_narrow_clouds(void **state)
{
    (void)state;
    finds(TARN_SKETCH_BYTES, 30, false, 16, 50, 0.98);
    finds(TARN_SKETCH_FLOATS, 30, false, 16, 50, 0.98);
    finds(TARN_SKETCH_FLOATS, 3, false, 16, 50, 0.98);
    finds(TARN_SKETCH_FLOATS, 500, false, 16, 50, 0.98);
}

/* 2700 of 3000 are the same, and have nothing but each other to lead to: an estimator gives such rows one node, but
 * what stands behind them must be within reach in any case. */
static void nothing_is_out_of_reach_behind_many_of_the_same(void **state)
{
    (void)state;
    finds(TARN_SKETCH_BYTES, 0, true, 16, 400, 0.7);
}

static bool yes(void *self)
{
    (void)self;
    return true;
}

static void it_stops_and_it_fails_cleanly(void **state)
{
    sample p;
    tarn_sink sink = {.cancelled = yes};
    tarn_hnsw_build *b = NULL;
    int n = 0;
    (void)state;

    sample_make(&p, TARN_SKETCH_BYTES, 0, false);
    must(tarn_hnsw_build_new(&p.s, NODES, 8, 20, &b, err));
    must_fail_with(TARN_CANCELLED, "", tarn_hnsw_build_add(b, NODES, NULL, &sink, err));
    tarn_hnsw_build_free(b);
    int64_t live = tarn_mem_live();
    for (tarn_code rc = TARN_NOMEM; rc != TARN_OK;) {
        tarn_err problem = {0};
        b = NULL;
        tarn_mem_fail_after(++n);
        rc = tarn_hnsw_build_new(&p.s, 300, 8, 20, &b, &problem);
        if (rc == TARN_OK) rc = tarn_hnsw_build_add(b, 300, NULL, NULL, &problem);
        if (rc == TARN_OK) rc = tarn_hnsw_build_join(b, &problem);
        tarn_mem_fail_after(0);
        tarn_hnsw_build_free(b);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_true(n > 15);
    tarn_free(p.rows);
}

TARN_TESTS(TARN_TEST(threads_make_no_difference), TARN_TEST(the_nearest_are_found),
           TARN_TEST(the_nearest_are_found_in_narrow_clouds),
           TARN_TEST(nothing_is_out_of_reach_behind_many_of_the_same), TARN_TEST(it_stops_and_it_fails_cleanly))
