/* SPDX-License-Identifier: Apache-2.0 */
/* repair_test.c - damage at random and at every place, of plain and of encrypted lakes, repaired from copies of every
 * kind; memory that runs out meanwhile. */
#include "lake/scratch_test.h"

#include "lake/bytes.h"
#include "lake/care.h"
#include "lake/inside.h"

#include "base/crc.h"
#include "base/mem.h"

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

static const uint8_t key_bytes[32] = {3, 1, 4, 1, 5, 9};
static char key_path[100], cache_path[100];

/* An encrypted lake with its key in the environment, where every opening finds it. */
static scratch scratch_new_sealed(void)
{
    scratch s = scratch_new();

    tarn_lake_close(s.lake);
    (void)snprintf(key_path, sizeof key_path, "%s-key", s.folder);
    (void)snprintf(cache_path, sizeof cache_path, "%s-cache", s.folder);
    must(tarn_dir_remove(s.folder, err));
    must(tarn_dir_make(s.folder, err));
    must(tarn_dir_make(cache_path, err));
    must(tarn_file_save(key_path, key_bytes, sizeof key_bytes, err));
    assert_int_equal(chmod(key_path, 0600), 0);
    assert_int_equal(setenv("TARN_KEY_FILE", key_path, 1) | setenv("TARN_CACHE", cache_path, 1), 0);
    must(tarn_lake_init_encrypted(s.folder, NULL, NULL, &(tarn_lake_key){.file = key_path}, err));
    must(tarn_lake_open(s.folder, &s.lake, err));
    return s;
}

static scratch scratch_of(bool sealed) { return sealed ? scratch_new_sealed() : scratch_new(); }

static void forget_key(void)
{
    if (!key_path[0]) return;
    assert_int_equal(unsetenv("TARN_KEY_FILE") | unsetenv("TARN_CACHE"), 0);
    (void)unlink(key_path);
    must(tarn_dir_remove(cache_path, err));
    key_path[0] = '\0';
}

/* A lake with some packs of several kinds of records, closed, and a copy of it, open. */
static pair pair_new(bool sealed)
{
    pair p = {.hurt = scratch_of(sealed)};
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
    forget_key();
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

static void repair_random_damage(bool sealed)
{
    pair p = pair_new(sealed);
    char path[400];
    long len = 0;
    int64_t found = 0, total = 0;
    tarn_repair sum;

    for (uint32_t round = 0; round < (sealed ? 40 : 60); round++) {
        tarn_random4 r = tarn_philox(sealed ? 12 : 11, TARN_STREAM_TEST, round, 0);
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
    assert_true(total > (sealed ? 25 : 40));
    pair_free(&p);
}

static void damage_at_random_is_repaired_from_a_copy(void **state)
{
    (void)state;
    repair_random_damage(false);
}

static void damage_of_an_encrypted_lake_is_repaired_from_a_copy(void **state)
{
    (void)state;
    repair_random_damage(true);
}

/* Each field of the head (of a sealed pack: the salt of its key, too) and of the tail. */
static void repair_frames(bool sealed)
{
    const long head = sealed ? TARN_PACK_SEALED_HEAD : TARN_PACK_HEAD;
    pair p = pair_new(sealed);
    char path[400];
    long len = 0;
    int64_t found = 0;
    tarn_repair sum;

    for (long i = 0; i < head + 64; i += 3) {
        pair_again(&p);
        assert_true(pack_at(&p, 2, path, &len));
        long at = i < head ? i : len - 64 + (i - head);
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

static void every_byte_of_head_and_tail_is_repaired_without_a_copy_if_no_content_is_lost(void **state)
{
    (void)state;
    repair_frames(false);
}

static void every_byte_of_a_sealed_head_and_tail_is_repaired_without_a_copy(void **state)
{
    (void)state;
    repair_frames(true);
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

static void run_out_of_memory(bool sealed)
{
    pair p = pair_new(sealed);
    char path[400];
    long len = 0;
    tarn_code rc = TARN_NOMEM;
    int64_t n = 0, before = tarn_mem_live();

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

static void memory_may_run_out_at_any_allocation_of_a_repair(void **state)
{
    (void)state;
    run_out_of_memory(false);
}

static void memory_may_run_out_at_any_allocation_of_a_sealed_repair(void **state)
{
    (void)state;
    run_out_of_memory(true);
}

/* Packs of versions: the first whole, the others as what changed. */
static scratch versions_new(bool sealed, tarn_object out[4])
{
    scratch s = scratch_of(sealed);
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

static pair pair_of_versions(bool sealed, tarn_object objects[4])
{
    pair p = {.hurt = versions_new(sealed, objects)};

    tarn_lake_close(p.hurt.lake);
    p.hurt.lake = NULL;
    (void)snprintf(p.copy, sizeof p.copy, "%s-copy", p.hurt.folder);
    shell("cp -a ", p.hurt.folder, " ", p.copy);
    must(tarn_lake_open(p.copy, &p.from, err));
    return p;
}

static void repair_deltas(bool sealed)
{
    tarn_object objects[4];
    pair p = pair_of_versions(sealed, objects);
    tarn_repair sum;
    int spoiled = 0;

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

static void deltas_are_saved_and_what_they_are_made_from_is_fetched(void **state)
{
    (void)state;
    repair_deltas(false);
    repair_deltas(true);
}

/* ---- copies of every kind ---- */

static void say_line(void *arg, const char *line) { keep_problem(arg, line); }

/* The content of version v of versions_new as a file. */
static void write_version(int v, const char *path)
{
    char *bytes = noise(300000, 9);

    for (int i = 0; i <= v; i++) bytes[150000 + i] ^= 0x55;
    must(tarn_file_save(path, bytes, 300000, err));
    free(bytes);
}

static bool version_reads(tarn_lake *lake, const tarn_object *o)
{
    char *bytes = NULL;
    size_t len = 0;
    bool reads = tarn_lake_get(lake, &o->id, 0, &bytes, &len, NULL) == TARN_OK && len == 300000;

    tarn_free(bytes);
    return reads;
}

/* The first version is lost with what the others are made from; the third stands in the project as a plain file, or is
 * in another lake that never had the first. */
static void a_version_whose_base_is_lost_is_stored_whole_where_its_content_is_found(void **state)
{
    tarn_object objects[4], other;
    tarn_repair sum;
    int spoiled = 0;

    (void)state;
    for (int way = 0; way < 6; way++) {
        bool sealed = way % 2 == 1;
        pair p = pair_of_versions(sealed, objects);
        scratch elsewhere = scratch_new();
        char path[200];
        tarn_lake *from[1] = {elsewhere.lake};
        const char *folders[1] = {elsewhere.folder};

        spoil_packs(&p, true, 150000, &spoiled);
        (void)snprintf(path, sizeof path, "%s/third.bin", way < 2 ? p.hurt.folder : elsewhere.folder);
        write_version(2, path);
        if (way >= 4) {
            must(tarn_lake_put_file(elsewhere.lake, path, NULL, &other, err));
            assert_true(tarn_id_equal(&other.id, &objects[2].id));
            must(tarn_lake_sync(elsewhere.lake, err));
            (void)unlink(path);
        }
        must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
        assert_false(version_reads(p.hurt.lake, &objects[2]));
        tarn_repair_options o = {.from = from, .n_from = way >= 4, .folders = folders, .n_folders = way / 2 == 1};
        must(tarn_lake_repair(p.hurt.lake, &o, &sum, err));
        if (sum.left != 1) fail_msg("way %d: %lld are left", way, (long long)sum.left); /* the first version itself */
        assert_int_equal(sum.files, way < 4);
        scratch_reopen(&p.hurt);
        assert_false(version_reads(p.hurt.lake, &objects[0]));
        assert_true(version_reads(p.hurt.lake, &objects[2]));
        repair_from_copy(&p, &sum); /* and the rest is not spoiled by that */
        must_have_versions(&p.hurt, objects);
        scratch_free(&elsewhere);
        pair_free(&p);
    }
}

/* Checksums may be right although the content is not: that is repaired, too. */
static void a_changed_record_with_right_checksums_is_repaired(void **state)
{
    pair p = pair_new(false);
    char path[400], *bytes = NULL;
    long size = 0;
    size_t len = 0;
    int64_t found = 0;
    tarn_repair sum;

    (void)state;
    for (int k = 0; pack_at(&p, k, path, &size) && size < 500000;) k++;
    must(tarn_file_read(path, 0, &bytes, &len, err));
    uint8_t *b = (uint8_t *)bytes, *tail = b + len - TARN_PACK_TAIL;
    uint32_t stored = tarn_get32(b + TARN_PACK_HEAD + 32);
    b[TARN_PACK_HEAD + TARN_RECORD_HEAD + 100] ^= 1;
    tarn_put32(b + TARN_PACK_HEAD + 44,
               tarn_crc32c(tarn_crc32c(0, b + TARN_PACK_HEAD, 44), b + TARN_PACK_HEAD + TARN_RECORD_HEAD, stored));
    tarn_put32(tail + 28, tarn_crc32c(0, b, tarn_get64(tail + 8)));
    tarn_put32(tail + 60, tarn_crc32c(0, tail, 60));
    (void)unlink(path);
    must(tarn_file_save(path, bytes, len, err));
    tarn_free(bytes);
    open_damaged(&p, &found);
    assert_true(found > 0);
    repair_from_copy(&p, &sum);
    assert_int_equal(sum.packs, 1);
    must_be_whole(&p);
    pair_free(&p);
}

/* A copy with all, without metadata, without anything but packs; as a folder and as a URL. */
static void repair_from_places(bool sealed)
{
    pair p = pair_new(sealed);
    char path[400], where[500], outside[120];
    long len = 0;
    int64_t found = 0;

    (void)snprintf(outside, sizeof outside, "%s-packs", p.hurt.folder);
    must(tarn_dir_make(outside, err));
    (void)snprintf(where, sizeof where, "/.tarn/packs %.119s/", outside);
    shell("cp -a ", p.copy, where, "");
    for (int way = 0; way < 5; way++) {
        tarn_lake *from[1] = {NULL};
        tarn_repair sum;
        problems told = {0};
        pair_again(&p);
        assert_true(pack_at(&p, way, path, &len));
        assert_int_equal(truncate(path, len / 2), 0);
        if (way == 4) shell("rm -f ", p.copy, "/.tarn/meta.db*", "");
        open_damaged(&p, &found);
        assert_true(found > 0);
        static const char *const schemes[] = {"", "disk:", "", "file://", ""};
        (void)snprintf(where, sizeof where, "%s%s", schemes[way], way == 0 || way == 4 ? p.copy : outside);
        must(tarn_lake_source_open(p.hurt.lake, where, &from[0], say_line, &told, err));
        assert_non_null(from[0]);
        must(tarn_lake_repair(p.hurt.lake, &(tarn_repair_options){.from = from, .n_from = 1}, &sum, err));
        assert_int_equal(sum.left, 0);
        assert_int_equal(said(&told, "only the packs are used"), way == 4);
        tarn_lake_close(from[0]);
        must_be_whole(&p);
    }
    must(tarn_dir_remove(outside, err));
    tarn_lake *none = NULL;
    must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
    must(tarn_lake_source_open(p.hurt.lake, "/usr/include", &none, NULL, NULL, err));
    assert_null(none); /* a folder of files */
    must_fail_with(TARN_NOT_FOUND, "nowhere", tarn_lake_source_open(p.hurt.lake, "/nowhere", &none, NULL, NULL, err));
    must_fail_with(TARN_UNSUPPORTED, "ftp", tarn_lake_source_open(p.hurt.lake, "ftp://x", &none, NULL, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "no packs", tarn_lake_source_open(p.hurt.lake, "disk:/usr", &none, NULL, NULL, err));
    assert_int_equal(tarn_path_exists(p.hurt.lake->tmp) && rmdir(p.hurt.lake->tmp) != 0, 0); /* no scratch is left */
    pair_free(&p);
}

static void copies_of_every_kind_are_read(void **state)
{
    (void)state;
    repair_from_places(false);
    repair_from_places(true);
}

/* ---- metadata and keys of an encrypted lake ---- */

static void a_copy_from_before_the_key_was_changed_still_repairs(void **state)
{
    pair p = pair_new(true);
    char path[400], other[120];
    long len = 0;
    int64_t found = 0;
    tarn_lake *from[1] = {NULL};
    tarn_repair sum;

    (void)state;
    tarn_lake_close(p.from); /* its keys stay those of the old key file */
    p.from = NULL;
    (void)snprintf(other, sizeof other, "%s/other.key", p.hurt.folder);
    must(tarn_file_save(other, "0123456789abcdef0123456789abcdef", 32, err));
    assert_int_equal(chmod(other, 0600), 0);
    must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
    must(tarn_lake_key_rotate(p.hurt.lake, &(tarn_lake_key){.file = other}, err));
    assert_int_equal(setenv("TARN_KEY_FILE", other, 1), 0);
    scratch_reopen(&p.hurt);
    p.head = commit_text(p.hurt.lake, "main", "after", "sealed with the new generation");
    tarn_lake_close(p.hurt.lake);
    p.hurt.lake = NULL;
    for (int k = 0; pack_at(&p, k, path, &len) && len < 500000;) k++;
    assert_int_equal(truncate(path, len / 2), 0);
    open_damaged(&p, &found);
    must_fail_with(TARN_DENIED, "not the lake's key", tarn_lake_open(p.copy, &from[0], err));
    must(tarn_lake_source_open(p.hurt.lake, p.copy, &from[0], NULL, NULL, err));
    must(tarn_lake_repair(p.hurt.lake, &(tarn_repair_options){.from = from, .n_from = 1}, &sum, err));
    assert_true(sum.left == 0 && sum.fetched > 0);
    tarn_lake_close(p.hurt.lake); /* the copy shares its keys */
    p.hurt.lake = NULL;
    tarn_lake_close(from[0]);
    must_be_whole(&p);
    pair_free(&p);
}

static void mend_sealed(pair *p, const char *command, bool refs_are_lost)
{
    bool mended = false;
    int64_t found = 0;
    problems told = {0};

    pair_again(p);
    shell("cd ", p->hurt.folder, "/.tarn && ", command);
    must(tarn_lake_mend_meta(p->hurt.folder, say_line, &told, &mended, err)); /* needs no key */
    assert_true(mended);
    open_damaged(p, &found);
    assert_int_equal(found, 0);
    if (refs_are_lost) {
        int counts[2] = {0};
        must(tarn_lake_lost(p->hurt.lake, count_lost, counts, err));
        assert_int_equal(counts[1], 1);
        must(tarn_lake_ref_move(p->hurt.lake, "heads/main", NULL, &p->head, "Ann", "test", err));
    }
    tarn_lake_close(p->hurt.lake);
    p->hurt.lake = NULL;
    must_be_whole(p);
}

static tarn_code count_staged(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    (void)kind, (void)before, (void)err;
    *(int *)arg += after && strcmp(after->path, "staged") == 0;
    return TARN_OK;
}

static void metadata_of_an_encrypted_lake_are_made_again(void **state)
{
    pair p = pair_new(true);
    bool mended;

    (void)state;
    tarn_entry e = entry_of(p.from, "staged", "not committed yet");
    must(tarn_lake_stage(p.from, "main", "ann", &e, 1, err));
    tarn_lake_close(p.from); /* the copy is what the hurt one begins with */
    must(tarn_lake_open(p.copy, &p.from, err));
    mend_sealed(&p, "rm -f meta.db*", true);
    mend_sealed(&p, "rm -f format", false);
    mend_sealed(&p, "rm -f format keys", false); /* meta.db tells that there are keys */
    mend_sealed(&p, "rm -f meta.db-* && head -c 30000 /dev/urandom >meta.db", true);
    mend_sealed(&p,
                "python3 -c 'import sqlite3; db = sqlite3.connect(\"meta.db\");"
                " db.execute(\"UPDATE refs SET time_us = time_us + 1\"); db.commit()'",
                false);
    must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err)); /* rows are kept sealed, as they stood */
    int staged = 0;
    must(tarn_lake_staged(p.hurt.lake, "main", "ann", count_staged, &staged, err));
    assert_int_equal(staged, 1);
    tarn_lake_close(p.hurt.lake);
    p.hurt.lake = NULL;
    pair_again(&p);
    shell("cd ", p.hurt.folder, "/.tarn && rm -f meta.db* keys", "");
    must_fail_with(TARN_CORRUPT, "copy the file 'keys'", tarn_lake_mend_meta(p.hurt.folder, NULL, NULL, &mended, err));
    shell("cp ", p.copy, "/.tarn/keys ", p.hurt.folder);
    shell("cd ", p.hurt.folder, " && mv keys .tarn/", "");
    must(tarn_lake_mend_meta(p.hurt.folder, NULL, NULL, &mended, err));
    must(tarn_lake_open(p.hurt.folder, &p.hurt.lake, err));
    must(tarn_lake_ref_move(p.hurt.lake, "heads/main", NULL, &p.head, "Ann", "test", err));
    must_be_whole(&p);
    pair_free(&p);
}

TARN_TESTS(TARN_TEST(damage_at_random_is_repaired_from_a_copy),
           TARN_TEST(damage_of_an_encrypted_lake_is_repaired_from_a_copy),
           TARN_TEST(every_byte_of_head_and_tail_is_repaired_without_a_copy_if_no_content_is_lost),
           TARN_TEST(every_byte_of_a_sealed_head_and_tail_is_repaired_without_a_copy),
           TARN_TEST(a_version_whose_base_is_lost_is_stored_whole_where_its_content_is_found),
           TARN_TEST(a_changed_record_with_right_checksums_is_repaired), TARN_TEST(copies_of_every_kind_are_read),
           TARN_TEST(a_copy_from_before_the_key_was_changed_still_repairs),
           TARN_TEST(metadata_of_an_encrypted_lake_are_made_again),
           TARN_TEST(memory_may_run_out_at_any_allocation_of_a_sealed_repair),
           TARN_TEST(hurt_names_every_ref_and_what_only_history_has), TARN_TEST(commits_that_no_ref_reaches_are_listed),
           TARN_TEST(deltas_are_saved_and_what_they_are_made_from_is_fetched),
           TARN_TEST(memory_may_run_out_at_any_allocation_of_a_repair))
