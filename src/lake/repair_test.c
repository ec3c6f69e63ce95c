/* SPDX-License-Identifier: Apache-2.0 */
/* repair_test.c - damage at random and at every place, repaired from a copy; memory that runs out meanwhile. */
#include "lake/scratch_test.h"

#include "lake/care.h"

#include <dirent.h>
#include <sys/stat.h>

typedef struct pair {
    scratch hurt;
    char copy[80];
    tarn_lake *from;
    tarn_id head;
} pair;

static void shell(const char *before, const char *a, const char *between, const char *b)
{
    char command[600];

    (void)snprintf(command, sizeof command, "%s%s%s%s", before, a, between, b);
    if (system(command) != 0) fail_msg("%s", command);
}

/* A lake with some packs of several kinds of records, closed, and a copy of it, open. */
static pair pair_new(void)
{
    pair p = {.hurt = scratch_new()};
    char *big = noise(600000, 3), name[32];
    tarn_entry e = {.path = "big"};

    must(tarn_lake_put(p.hurt.lake, big, 600000, &e.object, err));
    must(tarn_lake_commit_entries(p.hurt.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &p.head, err));
    free(big);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "file-%d", i);
        p.head = commit_text(p.hurt.lake, "main", name, name);
    }
    tarn_lake_close(p.hurt.lake);
    p.hurt.lake = NULL;
    (void)snprintf(p.copy, sizeof p.copy, "%s-copy", p.hurt.folder);
    shell("cp -a ", p.hurt.folder, " ", p.copy);
    must(tarn_lake_open(p.copy, &p.from, err));
    return p;
}

static void pair_free(pair *p)
{
    tarn_lake_close(p->from);
    must(tarn_dir_remove(p->copy, err));
    scratch_free(&p->hurt);
}

/* The lake as it was. */
static void pair_again(pair *p)
{
    char command[300];

    (void)snprintf(command, sizeof command, "rm -rf %s/.tarn && cp -a %s/.tarn %s/", p->hurt.folder, p->copy,
                   p->hurt.folder);
    assert_int_equal(system(command), 0);
}

static void open_damaged(pair *p, int64_t *found)
{
    tarn_fsck counts = {0};

    must(tarn_lake_open(p->hurt.folder, &p->hurt.lake, err));
    must(tarn_lake_fsck(p->hurt.lake, NULL, NULL, &counts, NULL, err));
    *found = counts.problems;
}

static void must_be_whole(pair *p)
{
    problems said_ = {0};
    tarn_fsck counts = {0};
    tarn_id head;
    tarn_entry e;
    char *bytes = NULL;
    size_t len = 0;

    scratch_reopen(&p->hurt);
    must(tarn_lake_fsck(p->hurt.lake, keep_problem, &said_, &counts, NULL, err));
    if (counts.problems > 0) fail_msg("after the repair: %s", said_.lines[0]);
    must(tarn_lake_ref_get(p->hurt.lake, "heads/main", &head, err));
    assert_true(tarn_id_equal(&head, &p->head));
    must(tarn_lake_lookup(p->hurt.lake, &head, "big", &e, err));
    must(tarn_lake_get(p->hurt.lake, &e.object.id, 0, &bytes, &len, err));
    assert_int_equal(len, 600000);
    tarn_free(bytes);
    tarn_lake_close(p->hurt.lake);
    p->hurt.lake = NULL;
}

static void repair_from_copy(pair *p, tarn_repair *sum)
{
    tarn_lake *from[1] = {p->from};

    must(tarn_lake_repair(p->hurt.lake, &(tarn_repair_options){.from = from, .n_from = 1}, sum, err));
    assert_int_equal(sum->left, 0);
}

/* The k-th pack in order of names, its length. */
static bool pack_at(const pair *p, int k, char path[400], long *len)
{
    char folder[200];
    struct dirent **names = NULL;
    struct stat st;

    (void)snprintf(folder, sizeof folder, "%s/.tarn/packs", p->hurt.folder);
    int n = scandir(folder, &names, NULL, alphasort), at = 0;
    bool found = false;
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] == 'p' && at++ == k) {
            (void)snprintf(path, 400, "%s/%.100s", folder, names[i]->d_name);
            found = chmod(path, 0644) == 0 && stat(path, &st) == 0;
            *len = (long)st.st_size;
        }
        free(names[i]);
    }
    free(names);
    return found;
}

static void scribble(const char *path, long at, long n, int with)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    for (long i = 0; i < n; i++) (void)fputc(with, f);
    assert_int_equal(fclose(f), 0);
}

static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fclose(f), 0);
    scribble(path, at, 1, c ^ 0x11);
}

static void damage_at_random_is_repaired_from_a_copy(void **state)
{
    pair p = pair_new();
    char path[400];
    long len = 0;
    int64_t found = 0, total = 0;
    tarn_repair sum;

    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        tarn_random4 r = tarn_philox(11, TARN_STREAM_TEST, round, 0);
        pair_again(&p);
        assert_true(pack_at(&p, (int)(r.v[0] % 7), path, &len));
        long at = (long)(r.v[1] % (uint32_t)len), n = (long)(r.v[2] % 4000) + 1;
        switch (round % 4) {
        case 0: scribble(path, at, n < len - at ? n : len - at, 0); break; /* a hole of zeros */
        case 1: scribble(path, at, 1, (int)(r.v[3] % 256)); break;
        case 2: assert_int_equal(truncate(path, at), 0); break;
        default: scribble(path, len, n, 'x'); break; /* garbage behind */
        }
        open_damaged(&p, &found);
        total += found > 0;
        repair_from_copy(&p, &sum);
        assert_int_equal(sum.packs > 0, found > 0);
        must_be_whole(&p);
    }
    assert_true(total > 40);
    pair_free(&p);
}

/* Each field of the head, of the first record's header, of the tail. */
static void every_byte_of_head_header_and_tail_is_repaired_without_a_copy_if_no_content_is_lost(void **state)
{
    pair p = pair_new();
    char path[400];
    long len = 0;
    int64_t found = 0;
    tarn_repair sum;

    (void)state;
    for (long i = 0; i < 16 + 64; i += 3) {
        pair_again(&p);
        assert_true(pack_at(&p, 2, path, &len));
        long at = i < 16 ? i : len - 64 + (i - 16);
        flip(path, at);
        open_damaged(&p, &found);
        assert_true(found > 0);
        must(tarn_lake_repair(p.hurt.lake, &(tarn_repair_options){0}, &sum, err));
        assert_int_equal(sum.left, 0);
        assert_int_equal(sum.packs, 1);
        must_be_whole(&p);
    }
    pair_free(&p);
}

static tarn_code keep_hurt(void *arg, const tarn_hurt *h, tarn_err *err)
{
    problems *p = arg;

    (void)err;
    if (p->n < 64)
        (void)snprintf(p->lines[p->n], sizeof p->lines[0], "%.100s: %.100s%s", h->ref, h->path,
                       h->now ? "" : " (history)");
    p->n++;
    return TARN_OK;
}

static void hurt_names_every_ref_and_what_only_history_has(void **state)
{
    scratch s = scratch_new();
    problems p = {0};
    tarn_id first = commit_text(s.lake, "main", "old", "a text that will be damaged"), head;

    (void)state;
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &first, "Ann", "test", err));
    head = commit_text(s.lake, "main", "new", "another");
    must(tarn_lake_ref_move(s.lake, "heads/side", NULL, &head, "Ann", "test", err));
    (void)commit_text(s.lake, "main", "old", NULL); /* main has it in its history only */
    shell("cd ", s.folder, "/.tarn/packs && chmod u+w p-* && sed -i 's/will be damaged/will be DAMAGED/' p-*", "");
    scratch_reopen(&s);
    must(tarn_lake_hurt(s.lake, keep_hurt, &p, NULL, err));
    assert_true(said(&p, "heads/side: old") && said(&p, "tags/v1: old"));
    assert_int_equal(p.n, 2); /* told of the newest commits, so not again for the history */
    must(tarn_lake_ref_move(s.lake, "tags/v1", &first, NULL, "Ann", "test", err));
    must(tarn_lake_ref_move(s.lake, "heads/side", &head, NULL, "Ann", "test", err));
    p.n = 0;
    must(tarn_lake_hurt(s.lake, keep_hurt, &p, NULL, err));
    assert_true(p.n == 1 && said(&p, "heads/main: old (history)"));
    scratch_free(&s);
}

static tarn_code count_lost(void *arg, const tarn_commit *c, bool tip, tarn_err *err)
{
    int *counts = arg;

    (void)c, (void)err;
    counts[0]++;
    counts[1] += tip;
    return TARN_OK;
}

static void commits_that_no_ref_reaches_are_listed(void **state)
{
    scratch s = scratch_new();
    int counts[2] = {0};
    tarn_id head;

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    (void)commit_text(s.lake, "main", "a", "2");
    must(tarn_lake_lost(s.lake, count_lost, counts, err));
    assert_int_equal(counts[0], 0);
    must(tarn_lake_ref_get(s.lake, "heads/main", &head, err));
    must(tarn_lake_ref_move(s.lake, "heads/main", &head, NULL, "Ann", "test", err));
    must(tarn_lake_lost(s.lake, count_lost, counts, err));
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 1);
    scratch_free(&s);
}

static tarn_code work(pair *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL, *from[1] = {p->from};
    tarn_repair sum;
    problems said_ = {0};
    bool mended;

    TARN_TRY(tarn_lake_mend_meta(p->hurt.folder, NULL, NULL, &mended, err));
    TARN_TRY(tarn_lake_open(p->hurt.folder, &lake, err));
    TARN_TRY(tarn_lake_hurt(lake, keep_hurt, &said_, NULL, err));
    TARN_TRY(tarn_lake_repair(lake, &(tarn_repair_options){.from = from, .n_from = 1}, &sum, err));
    if (sum.left > 0) rc = TARN_FAIL(err, TARN_CORRUPT, "%lld are left", (long long)sum.left);
done:
    tarn_lake_close(lake);
    return rc;
}

static void memory_may_run_out_at_any_allocation_of_a_repair(void **state)
{
    pair p = pair_new();
    char path[400];
    long len = 0;
    tarn_code rc = TARN_NOMEM;
    int64_t n = 0, before = tarn_mem_live();

    (void)state;
    assert_true(pack_at(&p, 1, path, &len));
    scribble(path, 60, 300, 'y');
    for (; rc != TARN_OK; n += 1 + n / 40) {
        tarn_err e = {0};
        tarn_mem_fail_after(n + 1);
        rc = work(&p, &e);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM)
            fail_msg("allocation %lld: %s: %s", (long long)n, tarn_code_name(rc), e.msg);
        assert_true(tarn_mem_live() - before < 400); /* the copy stays open and keeps nodes it has read */
        assert_true(n < 100000);
    }
    assert_true(n > 30);
    must_be_whole(&p);
    pair_free(&p);
}

/* Packs of versions: the first whole, the others as what changed. */
static scratch versions_new(tarn_object out[4])
{
    scratch s = scratch_new();
    char *bytes = noise(300000, 9);
    tarn_entry e = {.path = "v"};
    tarn_id commit;

    for (int v = 0; v < 4; v++) {
        bytes[150000 + v] ^= 0x55;
        must(tarn_lake_put_like(s.lake, bytes, 300000, v > 0 ? &out[v - 1].id : NULL, &out[v], err));
        e.object = out[v];
        must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &commit, err));
    }
    free(bytes);
    return s;
}

static void must_have_versions(scratch *s, const tarn_object objects[4])
{
    problems p = {0};
    tarn_fsck counts = {0};
    char *want = noise(300000, 9), *bytes = NULL;
    size_t len = 0;

    scratch_reopen(s);
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (counts.problems > 0) fail_msg("after the repair: %s", p.lines[0]);
    for (int v = 0; v < 4; v++) {
        want[150000 + v] ^= 0x55;
        must(tarn_lake_get(s->lake, &objects[v].id, 0, &bytes, &len, err));
        assert_int_equal(len, 300000);
        assert_memory_equal(bytes, want, len);
        tarn_free(bytes);
    }
    free(want);
}

/* The packs of a lake by size: the one of the first version is by far the largest. */
static void spoil_packs(const pair *p, bool large, long at, int *spoiled)
{
    char path[400];
    long len = 0;

    *spoiled = 0;
    for (int k = 0; pack_at(p, k, path, &len); k++) {
        if ((len > 250000) != large) continue;
        flip(path, at < 0 ? len + at : at);
        ++*spoiled;
    }
}

static void deltas_are_saved_and_what_they_are_made_from_is_fetched(void **state)
{
    tarn_object objects[4];
    pair p = {.hurt = versions_new(objects)};
    tarn_repair sum;
    int spoiled = 0;

    (void)state;
    tarn_lake_close(p.hurt.lake);
    p.hurt.lake = NULL;
    (void)snprintf(p.copy, sizeof p.copy, "%s-copy", p.hurt.folder);
    shell("cp -a ", p.hurt.folder, " ", p.copy);
    must(tarn_lake_open(p.copy, &p.from, err));

    spoil_packs(&p, false, -10, &spoiled); /* packs of deltas have lost their tails */
    assert_int_equal(spoiled, 3);
    must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
    must(tarn_lake_repair(p.hurt.lake, &(tarn_repair_options){0}, &sum, err));
    assert_int_equal(sum.packs, 3);
    assert_int_equal(sum.left, 0);
    must_have_versions(&p.hurt, objects);

    for (int both = 0; both < 2; both++) { /* the record that they are made from; with their own tails, too */
        tarn_lake_close(p.hurt.lake);
        p.hurt.lake = NULL;
        pair_again(&p);
        spoil_packs(&p, true, 150000, &spoiled);
        assert_int_equal(spoiled, 1);
        if (both) spoil_packs(&p, false, -10, &spoiled);
        must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
        must(tarn_lake_repair(p.hurt.lake, &(tarn_repair_options){0}, &sum, err));
        assert_int_equal(sum.left, 1);
        repair_from_copy(&p, &sum);
        assert_int_equal(sum.fetched, 1);
        must_have_versions(&p.hurt, objects);
    }
    pair_free(&p);
}

TARN_TESTS(TARN_TEST(damage_at_random_is_repaired_from_a_copy),
           TARN_TEST(every_byte_of_head_header_and_tail_is_repaired_without_a_copy_if_no_content_is_lost),
           TARN_TEST(hurt_names_every_ref_and_what_only_history_has), TARN_TEST(commits_that_no_ref_reaches_are_listed),
           TARN_TEST(deltas_are_saved_and_what_they_are_made_from_is_fetched),
           TARN_TEST(memory_may_run_out_at_any_allocation_of_a_repair))
