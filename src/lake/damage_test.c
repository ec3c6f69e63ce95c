/* SPDX-License-Identifier: Apache-2.0 */
/* damage_test.c - bytes that are not what they were: each flip and each cut is reported, none accepted, none
 * crashes; and memory that runs out at each allocation in turn. */
#include "lake/scratch_test.h"

#include "lake/commit.h"
#include "lake/tree.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A lake with a small commit whose files are all in one pack; path is that pack's file. */
static scratch small_lake(char path[512], tarn_id *commit)
{
    scratch s = scratch_new();
    tarn_entry e[3] = {
        entry_of(s.lake, "a/one", "the first text"), entry_of(s.lake, "b/two", "the second text"), {.path = "c"}};
    char folder[256];
    struct dirent *d;

    static const char repeated[1500];
    must(tarn_lake_put(s.lake, repeated, sizeof repeated, &e[2].object, err));
    must(tarn_lake_commit_entries(s.lake, "main", e, 3, &(tarn_commit_options){.author = "Ann", .message = "m"}, commit,
                                  err));
    tarn_lake_close(s.lake);
    s.lake = NULL;
    (void)snprintf(folder, sizeof folder, "%s/.tarn/packs", s.folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    path[0] = '\0';
    while ((d = readdir(dir)) != NULL)
        if (d->d_name[0] == 'p') (void)snprintf(path, 512, "%s/%s", folder, d->d_name);
    (void)closedir(dir);
    assert_int_equal(chmod(path, 0644), 0);
    return s;
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int problems_of(const char *folder, problems *p)
{
    tarn_lake *lake = NULL;
    tarn_fsck counts;

    p->n = 0;
    must(tarn_lake_open(folder, &lake, err));
    must(tarn_lake_fsck(lake, keep_problem, p, &counts, NULL, err));
    assert_int_equal(counts.problems, p->n);
    tarn_lake_close(lake);
    return p->n;
}

/* Reading every path gives the right bytes or an error, never others. */
static void check_reads(const char *folder, const tarn_id *commit)
{
    static const char *const want[][2] = {{"a/one", "the first text"}, {"b/two", "the second text"}};
    tarn_lake *lake = NULL;
    tarn_entry e;
    char *back = NULL;

    must(tarn_lake_open(folder, &lake, err));
    for (int i = 0; i < 2; i++) {
        if (tarn_lake_lookup(lake, commit, want[i][0], &e, NULL) != TARN_OK) continue;
        if (tarn_lake_get(lake, &e.object.id, 0, &back, NULL, NULL) != TARN_OK) continue;
        assert_string_equal(back, want[i][1]);
        tarn_free(back);
    }
    tarn_lake_close(lake);
}

static void a_flipped_byte_anywhere_in_a_pack_is_reported(void **state)
{
    char path[512], *bytes = NULL;
    size_t len;
    tarn_id commit;
    scratch s = small_lake(path, &commit);
    problems p = {0};

    (void)state;
    assert_int_equal(problems_of(s.folder, &p), 0);
    must(tarn_file_read(path, 0, &bytes, &len, err));
    assert_true(len > 800 && len < 2500);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= (char)(1 << (i % 8));
        write_bytes(path, bytes, len);
        if (problems_of(s.folder, &p) == 0) fail_msg("a flip of byte %zu of %zu was not seen", i, len);
        if (i % 4 == 0) check_reads(s.folder, &commit);
        bytes[i] ^= (char)(1 << (i % 8));
    }
    write_bytes(path, bytes, len);
    assert_int_equal(problems_of(s.folder, &p), 0);
    tarn_free(bytes);
    scratch_free(&s);
}

static void a_pack_cut_at_any_length_is_reported(void **state)
{
    char path[512], *bytes = NULL;
    size_t len;
    tarn_id commit;
    scratch s = small_lake(path, &commit);
    problems p = {0};

    (void)state;
    must(tarn_file_read(path, 0, &bytes, &len, err));
    for (size_t cut = 0; cut < len; cut += cut < len - 80 ? 7 : 1) {
        write_bytes(path, bytes, cut);
        if (problems_of(s.folder, &p) == 0) fail_msg("a cut at byte %zu of %zu was not seen", cut, len);
        if (cut % 5 == 0) check_reads(s.folder, &commit);
    }
    assert_int_equal(unlink(path), 0);
    assert_true(problems_of(s.folder, &p) > 0 && said(&p, "missing"));
    tarn_free(bytes);
    scratch_free(&s);
}

static void damage_is_told_with_path_commit_pack_and_offset(void **state)
{
    char path[512], *bytes = NULL, hex[TARN_ID_HEX], want[128];
    size_t len;
    tarn_id commit;
    scratch s = small_lake(path, &commit);
    problems p = {0};
    tarn_entry e;

    (void)state;
    must(tarn_file_read(path, 0, &bytes, &len, err));
    char *at = memmem(bytes, len, "the second text", 15);
    assert_non_null(at);
    at[4] ^= 1;
    write_bytes(path, bytes, len);
    assert_int_equal(problems_of(s.folder, &p), 1);
    (void)snprintf(want, sizeof want, "of b/two in commit %.12s: bytes do not match their name (pack p-",
                   tarn_id_hex(&commit, hex));
    assert_true(said(&p, want) && said(&p, ", offset "));
    must(tarn_lake_open(s.folder, &s.lake, err));
    must(tarn_lake_lookup(s.lake, &commit, "b/two", &e, err));
    char *back = NULL;
    must_fail_with(TARN_CORRUPT, "bytes do not match their name",
                   tarn_lake_get(s.lake, &e.object.id, 0, &back, NULL, err));
    tarn_free(bytes);
    scratch_free(&s);
}

static void a_chunk_of_a_large_object_is_named_by_its_path(void **state)
{
    scratch s = scratch_new();
    char *content = noise(1000000, 5), command[256];
    tarn_entry e = {.path = "tables/flights.parquet"};
    tarn_id id;
    problems p = {0};

    (void)state;
    must(tarn_lake_put(s.lake, content, 1000000, &e.object, err));
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    (void)snprintf(command, sizeof command,
                   "f=$(ls -S %s/.tarn/packs/p-* | head -1); chmod u+w $f; printf XYZ | dd of=$f bs=1 seek=500000 "
                   "conv=notrunc status=none",
                   s.folder);
    assert_int_equal(system(command), 0);
    scratch_reopen(&s);
    tarn_fsck counts;
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(counts.problems, 1);
    assert_true(said(&p, "chunk ") && said(&p, "of tables/flights.parquet in commit"));
    char *back = NULL;
    must_fail_with(TARN_CORRUPT, "object", tarn_lake_get(s.lake, &e.object.id, 0, &back, NULL, err));
    /* and good content put again beside the damage is not dropped for the sake of the damaged copy's name */
    free(content);
    scratch_free(&s);
}

/* As zeros in the page of meta.db would: the rows are there, the names in them are not. */
static void forget_runs(const scratch *s)
{
    sqlite3 *db = NULL;
    char path[200];

    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE runs SET name = ''", NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Many commits give runs; a damaged one is told and made again. */
static void a_damaged_run_is_told_and_made_again(void **state)
{
    scratch s = scratch_new();
    char name[32], command[256];
    problems p = {0};
    tarn_fsck counts;
    tarn_id id = {{0}};
    tarn_entry e;

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "file-%d", i);
        id = commit_text(s.lake, "main", name, name);
    }
    (void)snprintf(command, sizeof command, "ls %s/.tarn/index/r-* | wc -l | grep -qx '[123]'", s.folder);
    assert_int_equal(system(command), 0);
    for (int how = 0; how < 5; how++) {
        static const char *const ways[] = {"printf X | dd of=$f bs=1 seek=900 conv=notrunc status=none",
                                           "truncate -s 100 $f", "rm $f", "rm $f; mkdir $f", "true"};
        (void)snprintf(command, sizeof command, "f=$(ls -S %s/.tarn/index/r-* | head -1); chmod u+w $f; %s", s.folder,
                       ways[how]);
        assert_int_equal(system(command), 0);
        if (how == 4) forget_runs(&s);
        scratch_reopen(&s);
        p.n = 0;
        must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
        assert_true(counts.problems > 0 && said(&p, "made again"));
        p.n = 0;
        must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
        assert_int_equal(counts.problems, 0);
        must(tarn_lake_lookup(s.lake, &id, "file-7", &e, err));
        for (int i = 0; i < 20; i++) { /* so that there is a run to damage */
            (void)snprintf(name, sizeof name, "again-%d-%d", how, i);
            id = commit_text(s.lake, "main", name, name);
        }
    }
    scratch_free(&s);
}

/* In a child, since SQLite may do what it wants with a damaged file except crash us. */
static int check_damaged_meta(const char *folder, const tarn_id *commit)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        tarn_lake *lake = NULL;
        tarn_fsck counts = {0};
        problems p = {0};
        tarn_id head;
        if (tarn_lake_open(folder, &lake, NULL) != TARN_OK) _exit(1);
        tarn_code rc = tarn_lake_fsck(lake, keep_problem, &p, &counts, NULL, NULL);
        tarn_code got = tarn_lake_ref_get(lake, "heads/main", &head, NULL);
        tarn_lake_close(lake);
        if (got == TARN_OK && !tarn_id_equal(&head, commit)) _exit(2); /* another commit was accepted */
        _exit(rc != TARN_OK || counts.problems > 0 || got != TARN_OK ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_flipped_byte_in_meta_db_never_gives_another_answer(void **state)
{
    char path[512], meta[256], *bytes = NULL;
    size_t len, unseen = 0, tried = 0;
    tarn_id commit;
    scratch s = small_lake(path, &commit);

    (void)state;
    (void)snprintf(meta, sizeof meta, "%s/.tarn/meta.db", s.folder);
    must(tarn_file_read(meta, 0, &bytes, &len, err));
    for (size_t i = 0; i < len; i += 1) {
        bool filled = bytes[i] != 0; /* most of the file is empty pages' zeros */
        if (!filled && i % 1913 != 0) continue;
        if (filled && i % 31 != 0) continue;
        bytes[i] ^= 0x10;
        write_bytes(meta, bytes, len);
        int answer = check_damaged_meta(s.folder, &commit);
        if (answer == 2) fail_msg("a flip of byte %zu made another commit the head", i);
        unseen += answer == 0;
        tried++;
        bytes[i] ^= 0x10;
    }
    write_bytes(meta, bytes, len);
    assert_int_equal(check_damaged_meta(s.folder, &commit), 0);
    assert_true(tried > 60);
    (void)unseen; /* flips in free space and in the text of the schema change nothing */
    tarn_free(bytes);
    scratch_free(&s);
}

static void a_lost_meta_db_is_said(void **state)
{
    char path[512];
    tarn_id commit;
    scratch s = small_lake(path, &commit);

    (void)state;
    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s.folder);
    must(tarn_file_save(path, "not a database, but long enough to look like one", 48, err));
    must_fail_with(TARN_CORRUPT, "meta.db", tarn_lake_open(s.folder, &s.lake, err));
    assert_int_equal(unlink(path), 0);
    must_fail_with(TARN_CORRUPT, "lost its meta.db", tarn_lake_open(s.folder, &s.lake, err));
    scratch_free(&s);
}

/* ---- parsers, on every flip and cut ---- */

static void commit_records_survive_flips_and_cuts(void **state)
{
    tarn_commit c = {.time_us = 5, .paths = 3, .author = "Ann", .message = "text", .n_parents = 1}, back;
    char *bytes = NULL;
    size_t len;

    (void)state;
    tarn_json_setup();
    must(tarn_commit_encode(&c, NULL, &bytes, &len, err));
    must(tarn_commit_decode(bytes, len, &back, err));
    assert_int_equal(back.time_us, 5);
    tarn_commit_clear(&back);
    for (size_t i = 0; i < len; i++) {
        must_fail_with(TARN_CORRUPT, "", tarn_commit_decode(bytes, i, &back, err));
        bytes[i] ^= 4;
        if (tarn_commit_decode(bytes, len, &back, NULL) == TARN_OK) tarn_commit_clear(&back);
        bytes[i] ^= 4;
    }
    tarn_free(bytes);
}

static void tree_nodes_and_indexes_survive_flips_and_cuts(void **state)
{
    tarn_indexed e[40];
    uint8_t *bytes = NULL, *copy;
    size_t len;
    tarn_index index;
    tarn_where where;
    bool found;

    (void)state;
    memset(e, 0, sizeof e);
    for (int i = 0; i < 40; i++)
        e[i] = (tarn_indexed){.id = {{(uint8_t)(i * 37), (uint8_t)i}}, .where = {.kind = 1, .offset = (uint32_t)i}};
    must(tarn_index_build(e, 40, &bytes, &len, err));
    copy = malloc(len);
    for (size_t i = 0; i < len; i++) {
        memcpy(copy, bytes, len); /* its own block, so that a step outside is seen */
        copy[i] ^= 0x21;
        tarn_code rc = tarn_index_open(&index, copy, len, "test", NULL);
        if (rc == TARN_OK) rc = tarn_index_find(&index, &e[7].id, "test", &where, &found, NULL);
        if (rc == TARN_OK) fail_msg("a flip of byte %zu of the index was not seen", i);
        tarn_index_close(&index);
        assert_true(tarn_index_open(&index, copy, i, "test", NULL) == TARN_CORRUPT);
        tarn_index_close(&index);
    }
    free(copy);
    tarn_free(bytes);
}

/* ---- memory running out ---- */

static tarn_code work(const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_entry e[2] = {{.path = "a/x"}, {.path = "b"}}, found;
    tarn_id id;
    char *back = NULL, *big = NULL, path[4200];
    tarn_fsck counts;

    TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(tarn_alloc(&big, 200000, 1, err));
    for (size_t i = 0; i < 200000; i++) big[i] = (char)(i * i >> 7);
    TARN_TRY(tarn_lake_put(lake, big, 200000, &e[0].object, err));
    TARN_TRY(tarn_lake_put(lake, "small", 5, &e[1].object, err));
    TARN_TRY(tarn_lake_stage(lake, "main", "ann", e, 2, err));
    rc = tarn_lake_commit(lake, "main", "ann", &(tarn_commit_options){.author = "Ann"}, &id, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done; /* an earlier round may have committed it */
    TARN_TRY(tarn_lake_resolve(lake, "main~0", &id, err));
    TARN_TRY(tarn_lake_lookup(lake, &id, "a/x", &found, err));
    TARN_TRY(tarn_lake_get(lake, &found.object.id, 0, &back, NULL, err));
    TARN_TRY(tarn_lake_cached(lake, &found.object.id, ".bin", path, sizeof path, err));
    TARN_TRY(tarn_lake_fsck(lake, NULL, NULL, &counts, NULL, err));
    if (counts.problems > 0) rc = TARN_FAIL(err, TARN_CORRUPT, "%lld problems", (long long)counts.problems);
done:
    tarn_free(back);
    tarn_free(big);
    tarn_lake_close(lake);
    return rc;
}

static void memory_may_run_out_at_any_allocation(void **state)
{
    scratch s = scratch_new();
    int64_t n = 0, before;
    tarn_code rc = TARN_NOMEM;

    (void)state;
    tarn_lake_close(s.lake);
    s.lake = NULL;
    before = tarn_mem_live();
    while (rc != TARN_OK) {
        tarn_err err = {0};
        tarn_mem_fail_after(++n);
        rc = work(s.folder, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM)
            fail_msg("allocation %lld: %s: %s", (long long)n, tarn_code_name(rc), err.msg);
        assert_true(rc == TARN_OK || err.msg[0]);
        if (tarn_mem_live() != before)
            fail_msg("allocation %lld: %lld blocks did not come back", (long long)n,
                     (long long)(tarn_mem_live() - before));
        assert_true(n < 5000);
    }
    assert_true(n > 50);
    must(tarn_lake_open(s.folder, &s.lake, err));
    problems p = {0};
    tarn_fsck counts;
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(counts.problems, 0);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(a_flipped_byte_anywhere_in_a_pack_is_reported), TARN_TEST(a_pack_cut_at_any_length_is_reported),
           TARN_TEST(damage_is_told_with_path_commit_pack_and_offset),
           TARN_TEST(a_chunk_of_a_large_object_is_named_by_its_path), TARN_TEST(a_damaged_run_is_told_and_made_again),
           TARN_TEST(a_flipped_byte_in_meta_db_never_gives_another_answer), TARN_TEST(a_lost_meta_db_is_said),
           TARN_TEST(commit_records_survive_flips_and_cuts), TARN_TEST(tree_nodes_and_indexes_survive_flips_and_cuts),
           TARN_TEST(memory_may_run_out_at_any_allocation))
