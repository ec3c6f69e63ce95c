/* SPDX-License-Identifier: Apache-2.0 */
/* three_test.c - merging trees and cutting folders out of them, against a naive map of paths. */
#include "lake/scratch_test.h"

#include "lake/tree.h"

enum { KEYS = 3000 };

/* The naive map: a value (0: absent) for each numbered path. */
typedef struct model {
    uint32_t value[KEYS];
} model;

static void path_of(uint32_t key, char out[1025])
{
    (void)snprintf(out, 1025, "dir%u/%u/part-%u", key % 7, (key * 31) % 40, key);
}

static tarn_entry entry_at(uint32_t key, uint32_t value)
{
    tarn_entry e = {.path = ""};

    path_of(key, e.path);
    if (value == 0) return e;
    e.object.size = value;
    memcpy(e.object.id.b, &value, sizeof value);
    e.object.id.b[31] = 1;
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

static uint32_t below(uint32_t n, uint64_t *item)
{
    return (uint32_t)tarn_random_below(n, 23, TARN_STREAM_TEST, ++*item, 0);
}

/* Some changes; few values, so that both sides often change alike. */
static void change(model *m, uint32_t n, uint64_t *item)
{
    for (uint32_t i = 0; i < n; i++) m->value[below(KEYS, item)] = below(4, item);
}

typedef struct seen {
    uint64_t sum; /* over conflicts, whatever their order */
    int64_t n;
    bool remove; /* settle by removing, which is the same from both sides */
} seen;

static tarn_code note(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                      const tarn_entry *theirs, tarn_entry *merged, tarn_err *err)
{
    seen *s = arg;

    (void)err;
    assert_false(tarn_entry_same(ours, theirs));
    assert_false(tarn_entry_same(base, ours) || tarn_entry_same(base, theirs));
    assert_string_equal(merged->path, path);
    s->n++;
    s->sum += tarn_random_u64(strlen(path), TARN_STREAM_TEST, (uint64_t)atoi(strrchr(path, '-') + 1), 1);
    if (s->remove) merged->object = (tarn_object){.size = 0};
    return TARN_OK;
}

typedef struct expected {
    model merged; /* conflicts removed */
    seen seen;
} expected;

static void merge_naively(const model *base, const model *a, const model *b, expected *out)
{
    *out = (expected){.seen = {0}};
    for (uint32_t k = 0; k < KEYS; k++) {
        uint32_t x = base->value[k], y = a->value[k], z = b->value[k];
        bool conflict = y != z && x != y && x != z;
        out->merged.value[k] = conflict ? 0 : x == y ? z : y;
        if (!conflict) continue;
        char path[1025];
        path_of(k, path);
        out->seen.n++;
        out->seen.sum += tarn_random_u64(strlen(path), TARN_STREAM_TEST, k, 1);
    }
}

static void merging_is_what_the_map_says_from_both_sides(void **state)
{
    scratch s = scratch_new();
    model *base = calloc(1, sizeof *base), *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    expected *want = calloc(1, sizeof *want);
    uint64_t item = 0, paths = 0, built_paths = 0;

    (void)state;
    for (int round = 0; round < 60; round++) {
        static const uint32_t sizes[] = {0, 1, 5, 60, 700, 3000};
        uint32_t first = sizes[below(6, &item)];
        change(base, first, &item);
        *a = *b = *base;
        first = sizes[below(6, &item)];
        change(a, first, &item);
        first = sizes[below(6, &item)];
        change(b, first, &item);
        merge_naively(base, a, b, want);
        tarn_id x = build(s.lake, base, &paths), y = build(s.lake, a, &paths), z = build(s.lake, b, &paths), out, back;
        tarn_id wanted = build(s.lake, &want->merged, &built_paths);
        seen one = {.remove = true}, two = {.remove = true};
        must(tarn_tree_merge(s.lake, &x, &y, &z, note, &one, &out, &paths, err));
        assert_true(tarn_id_equal(&out, &wanted));
        assert_int_equal(paths, built_paths);
        assert_int_equal(one.n, want->seen.n);
        assert_true(one.sum == want->seen.sum);
        must(tarn_tree_merge(s.lake, &x, &z, &y, note, &two, &back, &paths, err));
        assert_true(tarn_id_equal(&out, &back) && two.sum == one.sum && two.n == one.n);
        must(tarn_tree_merge(s.lake, &x, &x, &z, note, NULL, &out, &paths, err)); /* merge(a, a, b) = b */
        assert_true(tarn_id_equal(&out, &z));
        must(tarn_tree_merge(s.lake, &x, &z, &z, note, NULL, &out, &paths, err));
        assert_true(tarn_id_equal(&out, &z));
    }
    free(base), free(a), free(b), free(want);
    scratch_free(&s);
}

typedef struct patch {
    tarn_entry *v;
    size_t n;
} patch;

static tarn_code collect(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                         tarn_err *err)
{
    patch *p = arg;

    (void)kind, (void)err;
    if (after) p->v[p->n++] = *after;
    else (void)snprintf(p->v[p->n++].path, 1025, "%s", before->path);
    return TARN_OK;
}

static void a_difference_applied_gives_the_other_tree(void **state)
{
    scratch s = scratch_new();
    model *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    uint64_t item = 1000000, paths;

    (void)state;
    for (int round = 0; round < 20; round++) {
        patch p = {.v = calloc(KEYS, sizeof *p.v)};
        change(a, 500, &item);
        *b = *a;
        change(b, 1 + below(200, &item), &item);
        tarn_id x = build(s.lake, a, &paths), y = build(s.lake, b, &paths), out;
        must(tarn_tree_diff(s.lake, &x, &y, "", collect, &p, err));
        must(tarn_tree_update(s.lake, &x, p.v, p.n, &out, &paths, err));
        assert_true(tarn_id_equal(&out, &y));
        free(p.v);
    }
    free(a), free(b);
    scratch_free(&s);
}

static void cutting_a_folder_gives_the_tree_without_it(void **state)
{
    static const char *const folders[] = {"dir0/",    "dir3/", "dir6/", "dir3/7/", "dir0/0/",
                                          "dir6/39/", "dir9/", "aaa/",  "zzz/",    "dir3/7"};
    scratch s = scratch_new();
    model *m = calloc(1, sizeof *m), *rest = calloc(1, sizeof *rest);
    uint64_t item = 2000000, paths, built_paths;
    tarn_id out;
    char path[1025];

    (void)state;
    for (int round = 0; round < 12; round++) {
        change(m, round == 0 ? 3 : 900, &item);
        tarn_id root = build(s.lake, m, &paths);
        for (size_t i = 0; i < 9; i++) {
            *rest = *m;
            for (uint32_t k = 0; k < KEYS; k++) {
                path_of(k, path);
                if (strncmp(path, folders[i], strlen(folders[i])) == 0) rest->value[k] = 0;
            }
            tarn_id wanted = build(s.lake, rest, &built_paths);
            must(tarn_tree_cut(s.lake, &root, folders[i], &out, &paths, err));
            assert_true(tarn_id_equal(&out, &wanted));
            assert_int_equal(paths, built_paths);
        }
        must_fail_with(TARN_INVALID, "not a folder", tarn_tree_cut(s.lake, &root, folders[9], &out, &paths, err));
    }
    for (uint32_t k = 0; k < KEYS; k++) m->value[k] = k % 7 == 2 ? 1 : 0; /* all there is */
    tarn_id root = build(s.lake, m, &paths), empty = {{0}};
    must(tarn_tree_update(s.lake, &empty, NULL, 0, &empty, &paths, err));
    must(tarn_tree_cut(s.lake, &root, "dir2/", &out, &paths, err));
    assert_true(tarn_id_equal(&out, &empty) && paths == 0);
    free(m), free(rest);
    scratch_free(&s);
}

/* ---- how much is read ---- */

static const tarn_backend *disk;
static int64_t reads;

static tarn_code counting_get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err)
{
    reads++;
    return disk->get(self, name, at, len, out, err);
}

/* A hundred thousand paths, ten changes on each side far apart: what is read is near the changes. */
static void few_nodes_of_a_large_tree_are_read(void **state)
{
    enum { MANY = 100000, SOME = 10 };
    scratch s = scratch_new();
    tarn_entry *e = calloc(MANY, sizeof *e);
    tarn_id base = {{0}}, ours, theirs, out, cut;
    uint64_t paths = 0;
    seen none = {0};

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(e[i].path, sizeof e[i].path, "folder%02u/file-%06u", i / 5000, i);
        e[i].object.size = i + 1;
        memcpy(e[i].object.id.b, &i, sizeof i);
        e[i].object.id.b[31] = 1;
    }
    must(tarn_tree_update(s.lake, &base, e, MANY, &base, &paths, err));
    for (uint32_t i = 0; i < SOME; i++) e[i * 9000].object.size = e[i * 9000 + 4000].object.size = 7;
    tarn_entry change_a[SOME], change_b[SOME];
    for (uint32_t i = 0; i < SOME; i++) change_a[i] = e[i * 9000], change_b[i] = e[i * 9000 + 4000];
    must(tarn_tree_update(s.lake, &base, change_a, SOME, &ours, &paths, err));
    must(tarn_tree_update(s.lake, &base, change_b, SOME, &theirs, &paths, err));
    must(tarn_lake_sync(s.lake, err));
    scratch_reopen(&s); /* nothing is cached */
    disk = s.lake->backend;
    tarn_backend counting = *disk;
    counting.get = counting_get;
    s.lake->backend = &counting;
    reads = 0;
    must(tarn_tree_merge(s.lake, &base, &ours, &theirs, note, &none, &out, &paths, err));
    print_message("merge of 2 x %d changes in %d paths: %d reads\n", SOME, MANY, (int)reads);
    assert_true(reads > 0 && reads < 150); /* of some 1,700 nodes a tree */
    assert_int_equal(paths, MANY);
    assert_int_equal(none.n, 0);
    reads = 0;
    must(tarn_tree_cut(s.lake, &base, "folder07/", &cut, &paths, err));
    print_message("cutting 5,000 of them: %d reads\n", (int)reads);
    assert_true(reads < 20);
    assert_int_equal(paths, MANY - 5000);
    s.lake->backend = disk;
    free(e);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(merging_is_what_the_map_says_from_both_sides),
           TARN_TEST(a_difference_applied_gives_the_other_tree), TARN_TEST(cutting_a_folder_gives_the_tree_without_it),
           TARN_TEST(few_nodes_of_a_large_tree_are_read))
