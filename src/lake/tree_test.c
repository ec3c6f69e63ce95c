/* SPDX-License-Identifier: Apache-2.0 */
/* tree_test.c - the path tree against a naive map: one root for one set, lookups, walks, diffs. */
#include "lake/scratch_test.h"

#include "lake/tree.h"

enum { KEYS = 6000 };

/* The naive map: a value (0: absent) for each numbered path. */
typedef struct model {
    uint32_t value[KEYS];
} model;

/* Paths of many lengths and depths, not in the order of their numbers. */
static void path_of(uint32_t key, char out[1025])
{
    uint32_t mixed = (key * 2654435761u) % 1000003u;
    int n = snprintf(out, 1025, "dir%u/%u/part-%u", mixed % 7, mixed % 130, key);

    if (key % 97 == 0)
        for (int i = 0; i < 800; i++) out[n + i] = (char)('a' + (key + (uint32_t)i) % 26);
    if (key % 97 == 0) out[n + 800] = '\0';
}

static tarn_entry entry_at(uint32_t key, uint32_t value)
{
    tarn_entry e = {.path = ""};

    path_of(key, e.path);
    if (value == 0) return e;
    e.object.size = value;
    memcpy(e.object.id.b, &value, sizeof value);
    e.object.id.b[31] = 1;
    if (value % 5 == 0) e.recipe.b[0] = (uint8_t)value;
    if (value % 5 == 0) e.recipe.b[1] = 1;
    return e;
}

static tarn_id build(tarn_lake *lake, const model *m, uint64_t *paths)
{
    tarn_entry *e = calloc(KEYS, sizeof *e);
    size_t n = 0;
    tarn_id root = {{0}};

    for (uint32_t k = 0; k < KEYS; k++)
        if (m->value[k]) e[n++] = entry_at(k, m->value[k]);
    must(tarn_tree_update(lake, &root, e, n, &root, paths, err));
    free(e);
    return root;
}

static uint32_t random_below(uint32_t n, uint64_t item)
{
    return (uint32_t)tarn_random_below(n, 11, TARN_STREAM_TEST, item, 0);
}

/* Random batches of insertions, changes and removals, from one key to thousands: after each, the root is the one
 * that building the same set at once gives, and so is the count. */
static void the_root_depends_on_the_set_alone(void **state)
{
    scratch s = scratch_new();
    model *m = calloc(1, sizeof *m);
    tarn_entry *e = calloc(KEYS, sizeof *e);
    tarn_id root = {{0}};
    uint64_t paths = 0, built_paths = 0, item = 0;

    (void)state;
    for (int round = 0; round < 120; round++) {
        size_t n = round % 4 == 0 ? 1 : random_below(round % 10 == 9 ? 3000 : 40, ++item) + 1;
        bool removing = round % 7 >= 5;
        for (size_t i = 0; i < n; i++) {
            uint32_t k = random_below(KEYS, ++item),
                     v = removing && random_below(10, ++item) ? 0 : random_below(1000, ++item) + 1;
            e[i] = entry_at(k, v);
            m->value[k] = v;
        }
        must(tarn_tree_update(s.lake, &root, e, n, &root, &paths, err));
        tarn_id built = build(s.lake, m, &built_paths);
        assert_true(tarn_id_equal(&root, &built));
        assert_int_equal(paths, built_paths);
    }
    for (uint32_t k = 0; k < KEYS; k++) e[k] = entry_at(k, 0); /* and back to nothing */
    must(tarn_tree_update(s.lake, &root, e, KEYS, &root, &paths, err));
    assert_int_equal(paths, 0);
    tarn_id nothing = {{0}};
    must(tarn_tree_update(s.lake, &nothing, NULL, 0, &nothing, &paths, err));
    assert_true(tarn_id_equal(&root, &nothing));
    free(m);
    free(e);
    scratch_free(&s);
}

static void single_insertions_in_any_order_give_one_root(void **state)
{
    enum { N = 300 };
    scratch s = scratch_new();
    model *m = calloc(1, sizeof *m);
    uint64_t paths;

    (void)state;
    for (uint32_t k = 0; k < N; k++) m->value[k] = k + 1;
    tarn_id want = build(s.lake, m, &paths);
    for (int order = 0; order < 4; order++) {
        tarn_id root = {{0}};
        for (uint32_t i = 0; i < N; i++) {
            uint32_t k = order == 0 ? i : order == 1 ? N - 1 - i : order == 2 ? i * 7 % N : i * 89 % N;
            tarn_entry e = entry_at(k, k + 1);
            must(tarn_tree_update(s.lake, &root, &e, 1, &root, &paths, err));
        }
        assert_int_equal(paths, N);
        assert_true(tarn_id_equal(&root, &want));
    }
    free(m);
    scratch_free(&s);
}

static tarn_entry numbered(uint32_t k, bool there)
{
    tarn_entry e = {.path = ""};

    (void)snprintf(e.path, sizeof e.path, "part-%06u", k);
    if (!there) return e;
    e.object.size = k + 1;
    memcpy(e.object.id.b, &k, sizeof k);
    e.object.id.b[31] = 1;
    return e;
}

/* One at a time at an end, as a log grows and is cleared away: a node then ends exactly where the tree does, and the
 * root becomes one of two with itself unchanged. At each step the root is that of the same set built at once. */
static void a_tree_that_grows_and_shrinks_at_an_end_is_that_of_its_set(void **state)
{
    enum { N = 700 };
    scratch s = scratch_new();
    tarn_entry *all = calloc(N, sizeof *all);
    tarn_id empty = {{0}}, *first = calloc(N + 1, sizeof *first), built, root;
    uint64_t paths;

    (void)state;
    for (uint32_t k = 0; k < N; k++) all[k] = numbered(k, true);
    must(tarn_tree_update(s.lake, &empty, NULL, 0, &first[0], &paths, err));
    root = empty;
    for (uint32_t n = 1; n <= N; n++) { /* growing behind */
        must(tarn_tree_update(s.lake, &empty, all, n, &first[n], &paths, err));
        must(tarn_tree_update(s.lake, &root, &all[n - 1], 1, &root, &paths, err));
        assert_true(tarn_id_equal(&root, &first[n]));
        assert_int_equal(paths, n);
    }
    for (uint32_t n = N; n-- > 0;) { /* shrinking behind */
        tarn_entry gone = numbered(n, false);
        must(tarn_tree_update(s.lake, &root, &gone, 1, &root, &paths, err));
        assert_true(tarn_id_equal(&root, &first[n]));
    }
    for (uint32_t n = N; n-- > 0;) { /* growing in front */
        must(tarn_tree_update(s.lake, &root, &all[n], 1, &root, &paths, err));
        must(tarn_tree_update(s.lake, &empty, &all[n], N - n, &built, &paths, err));
        assert_true(tarn_id_equal(&root, &built));
    }
    for (uint32_t n = 0; n < N; n++) { /* shrinking in front */
        tarn_entry gone = numbered(n, false);
        must(tarn_tree_update(s.lake, &root, &gone, 1, &root, &paths, err));
        must(tarn_tree_update(s.lake, &empty, &all[n + 1], N - n - 1, &built, &paths, err));
        assert_true(tarn_id_equal(&root, &built));
    }
    free(first);
    free(all);
    scratch_free(&s);
}

static void of_two_entries_with_one_path_the_later_wins(void **state)
{
    scratch s = scratch_new();
    tarn_entry e[3] = {entry_at(1, 5), entry_at(0, 6), entry_at(1, 7)}, found;
    tarn_id root = {{0}};
    uint64_t paths;

    (void)state;
    must(tarn_tree_update(s.lake, &root, e, 3, &root, &paths, err));
    assert_int_equal(paths, 2);
    must(tarn_tree_lookup(s.lake, &root, e[0].path, &found, err));
    assert_int_equal(found.object.size, 7);
    must_fail_with(TARN_NOT_FOUND, "no path", tarn_tree_lookup(s.lake, &root, "dir", &found, err));
    scratch_free(&s);
}

/* What a node's size really is, and that a changed value moves no border. */
static void nodes_are_of_the_size_they_should_be(void **state)
{
    scratch s = scratch_new();
    model *m = calloc(1, sizeof *m);
    uint64_t paths = 0, nodes = 0, leaves = 0, bytes = 0, most = 0;
    tarn_walk a, b;

    (void)state;
    for (uint32_t k = 0; k < KEYS; k++) m->value[k] = 1;
    tarn_id root = build(s.lake, m, &paths);
    for (uint32_t k = 0; k < KEYS; k++) m->value[k] = 1000000007;
    tarn_id changed = build(s.lake, m, &paths);
    must(tarn_walk_open(&a, s.lake, &root, err));
    must(tarn_walk_open(&b, s.lake, &changed, err));
    while (a.depth > 0) {
        const tarn_item *x = tarn_walk_item(&a), *y = tarn_walk_item(&b);
        assert_true(x->len == y->len && memcmp(x->key, y->key, x->len) == 0);
        assert_int_equal(tarn_walk_level(&a), tarn_walk_level(&b));
        if (tarn_walk_level(&a) > 0) {
            tarn_slab slab = {0};
            must(tarn_store_get(s.lake, &x->id, "node", &slab, NULL, err));
            nodes++;
            leaves += tarn_walk_level(&a) == 1;
            bytes += tarn_walk_level(&a) == 1 ? slab.len : 0;
            if (slab.len > most) most = slab.len;
            tarn_slab_clear(&slab);
            must(tarn_walk_enter(&a, err));
            must(tarn_walk_enter(&b, err));
        } else {
            tarn_walk_pass(&a);
            tarn_walk_pass(&b);
        }
    }
    assert_int_equal(b.depth, 0);
    assert_true(leaves > 60 && nodes < leaves + 12);
    assert_true(bytes / leaves > 2500 &&
                bytes / leaves < 6500); /* 4 KiB of weight, some of it shared away, values added */
    assert_true(most < 40000);
    free(m);
    scratch_free(&s);
}

typedef struct expected {
    const model *a, *b;
    uint32_t *order; /* keys by path */
    uint32_t at;
    int64_t changes;
} expected;

static int compare_keys(const void *a, const void *b)
{
    char x[1025], y[1025];

    path_of(*(const uint32_t *)a, x);
    path_of(*(const uint32_t *)b, y);
    return strcmp(x, y);
}

/* Each change told must be the next one of the naive comparison. */
static tarn_code check_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    expected *x = arg;
    char path[1025];

    (void)err;
    while (x->at < KEYS && x->a->value[x->order[x->at]] == x->b->value[x->order[x->at]]) x->at++;
    assert_true(x->at < KEYS);
    uint32_t k = x->order[x->at++], va = x->a->value[k], vb = x->b->value[k];
    path_of(k, path);
    assert_int_equal(kind, !va ? TARN_ADDED : !vb ? TARN_REMOVED : TARN_CHANGED);
    if (va) assert_string_equal(before->path, path);
    if (va) assert_int_equal(before->object.size, va);
    if (vb) assert_string_equal(after->path, path);
    if (vb) assert_int_equal(after->object.size, vb);
    x->changes++;
    return TARN_OK;
}

static void diffs_are_those_of_a_naive_comparison(void **state)
{
    scratch s = scratch_new();
    model *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    uint32_t *order = calloc(KEYS, sizeof *order);
    uint64_t paths, item = 1000000;

    (void)state;
    for (uint32_t k = 0; k < KEYS; k++) order[k] = k;
    qsort(order, KEYS, sizeof *order, compare_keys);
    for (int round = 0; round < 25; round++) {
        uint32_t fill = round % 5 == 0 ? 0 : random_below(100, ++item);
        for (uint32_t k = 0; k < KEYS; k++) a->value[k] = random_below(100, ++item) < fill ? k + 1 : 0;
        *b = *a;
        uint32_t changes = round % 3 == 0 ? KEYS : random_below(30, ++item);
        for (uint32_t i = 0; i < changes; i++) {
            uint32_t k = random_below(KEYS, ++item);
            b->value[k] = random_below(4, ++item) * 10000;
        }
        tarn_id x = build(s.lake, a, &paths), y = build(s.lake, b, &paths);
        expected e = {a, b, order, 0, 0};
        must(tarn_tree_diff(s.lake, &x, &y, "", check_change, &e, err));
        while (e.at < KEYS && a->value[order[e.at]] == b->value[order[e.at]]) e.at++;
        assert_int_equal(e.at, KEYS); /* none was left out */
        expected back = {b, a, order, 0, 0};
        must(tarn_tree_diff(s.lake, &y, &x, "", check_change, &back, err));
        assert_int_equal(back.changes, e.changes);
    }
    free(a);
    free(b);
    free(order);
    scratch_free(&s);
}

/* Golden: these bytes are pinned by the format version. */
static void the_format_is_pinned(void **state)
{
    scratch s = scratch_new();
    model *m = calloc(1, sizeof *m);
    uint64_t paths;
    char hex[TARN_ID_HEX];

    (void)state;
    for (uint32_t k = 0; k < KEYS; k++) m->value[k] = k + 1;
    tarn_id root = build(s.lake, m, &paths);
    assert_string_equal(tarn_id_hex(&root, hex), "a61d12f3b8236cd169f2878b6bef73c7805441f915297b00f92f6bbe246173e7");
    free(m);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(the_root_depends_on_the_set_alone), TARN_TEST(single_insertions_in_any_order_give_one_root),
           TARN_TEST(a_tree_that_grows_and_shrinks_at_an_end_is_that_of_its_set),
           TARN_TEST(of_two_entries_with_one_path_the_later_wins), TARN_TEST(nodes_are_of_the_size_they_should_be),
           TARN_TEST(diffs_are_those_of_a_naive_comparison), TARN_TEST(the_format_is_pinned))
