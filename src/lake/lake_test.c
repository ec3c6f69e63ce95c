/* SPDX-License-Identifier: Apache-2.0 */
/* lake_test.c - the door: objects, paths, staging, commits, refs, records. */
#include "lake/format.h"
#include "lake/history.h"
#include "lake/scratch_test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utime.h>

static void a_lake_is_found_from_a_folder_below(void **state)
{
    scratch s = scratch_new();
    char below[128];
    tarn_lake *again = NULL;

    (void)state;
    (void)snprintf(below, sizeof below, "%s/a/b", s.folder);
    must(tarn_dir_make(below, err));
    must(tarn_lake_open(below, &again, err));
    assert_string_equal(tarn_lake_folder(again), tarn_lake_folder(s.lake));
    assert_string_equal(strrchr(tarn_lake_inside(again), '/'), "/.tarn");
    tarn_lake_close(again);
    must_fail_with(TARN_EXISTS, "already", tarn_lake_init(s.folder, err));
    must_fail_with(TARN_NOT_FOUND, "tarn init", tarn_lake_open("/", &again, err));
    must_fail_with(TARN_NOT_FOUND, "/nowhere", tarn_lake_open("/nowhere/at/all", &again, err));
    scratch_free(&s);
}

static void what_a_dead_maker_left_is_cleared_and_what_a_living_one_makes_is_not(void **state)
{
    char folder[] = "/tmp/tarn-XXXXXX", dead[64], file[80], living[64], made[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(dead, sizeof dead, "%s/.tarn-new-1", folder);
    (void)snprintf(file, sizeof file, "%s/packs", dead);
    (void)snprintf(living, sizeof living, "%s/.tarn-new-2", folder);
    (void)snprintf(made, sizeof made, "%s/.tarn", folder);
    must(tarn_dir_make(file, err));
    must(tarn_dir_make(living, err));
    int fd = open(living, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    must(tarn_lake_init(folder, err));
    assert_true(tarn_path_is_dir(made));
    assert_true(tarn_path_is_dir(living));
    assert_false(tarn_path_exists(dead));
    (void)close(fd);
    must(tarn_dir_remove(folder, err));
}

static void save_text(const char *path, const char *text) { must(tarn_file_save(path, text, strlen(text), err)); }

static void a_newer_or_foreign_format_is_refused(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    char path[128];
    tarn_lake *again = NULL;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/.tarn/format", s.folder);
    save_text(path, "{\"what\":\"tarn lake\",\"version\":3}");
    must_fail_with(TARN_UNSUPPORTED, "newer tarn", tarn_lake_open(s.folder, &again, err));
    save_text(path, "{\"what\":\"tarn lake\",\"version\":1,\"packs\":\"tape:x\"}");
    must_fail_with(TARN_UNSUPPORTED, "tape:x", tarn_lake_open(s.folder, &again, err));
    save_text(path, "{\"what\":");
    must_fail_with(TARN_CORRUPT, "format", tarn_lake_open(s.folder, &again, err));
    save_text(path, "{}");
    must_fail_with(TARN_CORRUPT, "does not describe a lake", tarn_lake_open(s.folder, &again, err));
    assert_int_equal(unlink(path), 0);
    must_fail_with(TARN_NOT_FOUND, "is not a lake", tarn_lake_open(s.folder, &again, err));
    scratch_free(&s);
}

/* Of the lake's description: damage is called damage, never a newer version, and changes nothing that is believed. */
static void every_flipped_bit_of_the_format_is_damage(void **state)
{
    tarn_format f = {.store = "disk:.", .id = "0123456789abcdef0123456789abcdef", .encrypted = true}, read;
    tarn_text text = {0};
    int believed = 0;

    (void)state;
    must(tarn_format_write(&f, true, &text, err));
    for (size_t i = 0; i < 8 * text.len; i++) {
        text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
        read = (tarn_format){.encrypted = false};
        tarn_code rc = tarn_format_read(text.data, text.len, "f", &read, NULL);
        assert_true(rc == TARN_OK || rc == TARN_CORRUPT);
        believed += rc == TARN_OK;
        if (rc == TARN_OK) assert_true(read.encrypted && !strcmp(read.store, f.store) && !strcmp(read.id, f.id));
        text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
    }
    assert_in_range(believed, 0, 80); /* within the name of the member that would tell */
    must(tarn_format_read(text.data, text.len, "f", &read, err));
    tarn_text_clear(&text);
}

static tarn_code gather(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    tarn_text *t = arg;
    tarn_text_addn(t, bytes, len);
    return tarn_text_check(t, err);
}

/* Sizes around every border: of chunks, and of objects that have a list. */
static void objects_of_all_sizes_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 8191, 8192, 8193, 131071, 131072, 131073, 262144, 1048576, 5000001};
    scratch s = scratch_new();
    char *bytes = noise(5000001, 1), path[128];
    tarn_id id;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", s.folder);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_object o, from_file;
        char *back = NULL;
        size_t len = 0;
        must(tarn_lake_put(s.lake, bytes, sizes[i], &o, err));
        must(tarn_digest(bytes, sizes[i], &id, err));
        assert_true(tarn_id_equal(&o.id, &id));
        assert_int_equal(o.size, sizes[i]);
        must(tarn_file_save(path, bytes, sizes[i], err));
        must(tarn_lake_put_file(s.lake, path, NULL, &from_file, err));
        assert_true(tarn_id_equal(&from_file.id, &id));
        assert_int_equal(from_file.size, sizes[i]);
        for (int synced = 0; synced < 2; synced++) {
            must(tarn_lake_get(s.lake, &o.id, 0, &back, &len, err));
            assert_int_equal(len, sizes[i]);
            assert_memory_equal(back, bytes, len);
            assert_int_equal(back[len], 0);
            tarn_free(back);
            must(tarn_lake_sync(s.lake, err));
        }
    }
    scratch_reopen(&s);
    must(tarn_digest(bytes, 5000001, &id, err));
    static const uint64_t ranges[][2] = {{0, 10},      {131071, 2}, {1, 4999999}, {4999990, UINT64_MAX},
                                         {5000001, 1}, {2500000, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        tarn_text t = {0};
        uint64_t most = 5000001 - ranges[i][0], want = ranges[i][1] < most ? ranges[i][1] : most;
        must(tarn_lake_read(s.lake, &id, ranges[i][0], ranges[i][1], gather, &t, err));
        assert_int_equal(t.len, want);
        if (want > 0) assert_memory_equal(t.data, bytes + ranges[i][0], want);
        tarn_text_clear(&t);
    }
    must_fail_with(TARN_INVALID, "cannot start", tarn_lake_read(s.lake, &id, 5000002, 1, gather, NULL, err));
    char *back = NULL;
    must_fail_with(TARN_LIMIT, "5000001 bytes", tarn_lake_get(s.lake, &id, 100, &back, NULL, err));
    free(bytes);
    scratch_free(&s);
}

static void what_is_not_there_is_said_to_be_missing(void **state)
{
    scratch s = scratch_new();
    tarn_id id = {{7}};
    char *back = NULL;
    bool has = true;
    tarn_entry e;

    (void)state;
    must(tarn_lake_has(s.lake, &id, &has, err));
    assert_false(has);
    must_fail_with(TARN_NOT_FOUND, "070000000000", tarn_lake_get(s.lake, &id, 0, &back, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "commit", tarn_lake_lookup(s.lake, &id, "a", &e, err));
    must_fail_with(TARN_NOT_FOUND, "open", tarn_lake_put_file(s.lake, "/nowhere", NULL, &e.object, err));
    must_fail_with(TARN_INVALID, "not a regular file", tarn_lake_put_file(s.lake, "/tmp", NULL, &e.object, err));
    e = (tarn_entry){.path = "a", .object = {.id = id}};
    must_fail_with(TARN_NOT_FOUND, "was not put", tarn_lake_stage(s.lake, "main", "ann", &e, 1, err));
    must_fail_with(TARN_NOT_FOUND, "names object",
                   tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){0}, &id, err));
    e = entry_of(s.lake, "a", "1");
    e.recipe.b[0] = 1;
    must_fail_with(TARN_NOT_FOUND, "names recipe",
                   tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){0}, &id, err));
    scratch_free(&s);
}

static void equal_content_is_stored_once(void **state)
{
    if (!scratch_is_local()) return;
    scratch s = scratch_new();
    char *bytes = noise(3000000, 3);
    char path[160];
    tarn_object a, b;
    struct stat st;

    (void)state;
    must(tarn_lake_put(s.lake, bytes, 3000000, &a, err));
    must(tarn_lake_sync(s.lake, err));
    must(tarn_lake_put(s.lake, bytes, 3000000, &b, err));
    assert_true(tarn_id_equal(&a.id, &b.id));
    /* an insertion near the start moves few borders: the new version adds a few chunks */
    memmove(bytes + 1001, bytes + 1000, 2998999);
    must(tarn_lake_put(s.lake, bytes, 3000000, &b, err));
    must(tarn_lake_sync(s.lake, err));
    (void)snprintf(path, sizeof path, "du -sb %s/.tarn/packs", s.folder);
    FILE *du = popen(path, "r");
    long long used = 0;
    assert_non_null(du);
    assert_int_equal(fscanf(du, "%lld", &used), 1);
    (void)pclose(du);
    assert_true(used > 3000000 && used < 3000000 + 400000);
    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s.folder);
    assert_int_equal(stat(path, &st), 0);
    free(bytes);
    scratch_free(&s);
}

static void a_cached_file_is_whole_and_made_again_when_touched(void **state)
{
    scratch s = scratch_new();
    tarn_object o;
    char path[4200], again[4200], *back = NULL;
    size_t len;
    struct stat before, after;
    char *bytes = noise(400000, 4);

    (void)state;
    must(tarn_lake_put(s.lake, bytes, 400000, &o, err));
    must(tarn_lake_cached(s.lake, &o.id, ".parquet", path, sizeof path, err));
    assert_non_null(strstr(path, ".parquet"));
    assert_int_equal(stat(path, &before), 0);
    must(tarn_lake_cached(s.lake, &o.id, ".parquet", again, sizeof again, err));
    assert_int_equal(stat(again, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    int fd = open(path, O_WRONLY); /* same size, other bytes */
    assert_true(fd >= 0 && pwrite(fd, "x", 1, 77) == 1 && close(fd) == 0);
    must(tarn_lake_cached(s.lake, &o.id, ".parquet", again, sizeof again, err));
    must(tarn_file_read(again, 0, &back, &len, err));
    assert_int_equal(len, 400000);
    assert_memory_equal(back, bytes, len);
    tarn_free(back);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(utime(path, NULL), 0); /* only touched: the hash says it is right */
    must(tarn_lake_cached(s.lake, &o.id, ".parquet", again, sizeof again, err));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    must_fail_with(TARN_INVALID, "cached file", tarn_lake_cached(s.lake, &o.id, "/../x", again, sizeof again, err));
    must_fail_with(TARN_LIMIT, "too long", tarn_lake_cached(s.lake, &o.id, "", again, 40, err));
    free(bytes);
    scratch_free(&s);
}

static tarn_code join_paths(void *arg, const tarn_entry *e, tarn_err *err)
{
    tarn_text *t = arg;
    tarn_text_addf(t, "%s%s", t->len ? " " : "", e->path);
    return tarn_text_check(t, err);
}

static tarn_code stop_at_once(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)e, (void)err;
    ++*(int *)arg;
    return TARN_CANCELLED;
}

#define LISTED(want, call)                               \
    do {                                                 \
        tarn_text t = {0};                               \
        must(call);                                      \
        assert_string_equal(t.data ? t.data : "", want); \
        tarn_text_clear(&t);                             \
    } while (0)

static void listings_fold_start_after_and_stop(void **state)
{
    static const char *const paths[] = {"a/1", "a/2", "a/b/3", "a-b", "b", "c/d/e/f", "z"};
    scratch s = scratch_new();
    tarn_entry e[7];
    tarn_id id;
    int calls = 0;

    (void)state;
    for (int i = 0; i < 7; i++) e[i] = entry_of(s.lake, paths[i], paths[i]);
    must(tarn_lake_commit_entries(s.lake, "main", e, 7, &(tarn_commit_options){.author = "Ann"}, &id, err));
    LISTED("a-b a/1 a/2 a/b/3 b c/d/e/f z", tarn_lake_list(s.lake, &id, "", "", 0, join_paths, &t, err));
    LISTED("a-b a/ b c/ z", tarn_lake_list(s.lake, &id, "", "", '/', join_paths, &t, err));
    LISTED("a/1 a/2 a/b/", tarn_lake_list(s.lake, &id, "a/", "", '/', join_paths, &t, err));
    LISTED("a-b a/", tarn_lake_list(s.lake, &id, "a", "", '/', join_paths, &t, err));
    LISTED("b c/ z", tarn_lake_list(s.lake, &id, "", "a/", '/', join_paths, &t, err));
    LISTED("a/b/3 b c/d/e/f z", tarn_lake_list(s.lake, &id, "", "a/2", 0, join_paths, &t, err));
    LISTED("c/d/e/", tarn_lake_list(s.lake, &id, "c/d/", "", '/', join_paths, &t, err));
    LISTED("", tarn_lake_list(s.lake, &id, "nothing", "", '/', join_paths, &t, err));
    must(tarn_lake_list(s.lake, &id, "", "", 0, stop_at_once, &calls, err));
    assert_int_equal(calls, 1);

    tarn_entry staged[3] = {entry_of(s.lake, "a/b/3", NULL), entry_of(s.lake, "n/new", "n"),
                            entry_of(s.lake, "b", "other")};
    must(tarn_lake_stage(s.lake, "main", "ann", staged, 3, err));
    LISTED("a-b a/ b c/ n/ z", tarn_lake_list_staged(s.lake, "main", "ann", "", "", '/', join_paths, &t, err));
    LISTED("a/1 a/2", tarn_lake_list_staged(s.lake, "heads/main", "ann", "a/", "", '/', join_paths, &t, err));
    LISTED("a-b a/ b c/ z", tarn_lake_list(s.lake, &id, "", "", '/', join_paths, &t, err));
    scratch_free(&s);
}

static tarn_code join_changes(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    tarn_text *t = arg;
    assert_true((kind != TARN_ADDED) == (before != NULL) && (kind != TARN_REMOVED) == (after != NULL));
    tarn_text_addf(t, "%s%c%s", t->len ? " " : "", "+-~"[kind], before ? before->path : after->path);
    return tarn_text_check(t, err);
}

static void staging_is_durable_visible_and_committed(void **state)
{
    scratch s = scratch_new();
    tarn_id first, second;
    tarn_commit c;
    tarn_commit_options o = {.author = "Ann", .message = "from the staging area"};

    (void)state;
    first = commit_text(s.lake, "heads/main", "keep", "1");
    tarn_entry staged[3] = {entry_of(s.lake, "new", "2"), entry_of(s.lake, "keep", "3"),
                            entry_of(s.lake, "not-there", NULL)};
    must(tarn_lake_stage(s.lake, "main", "ann", staged, 3, err));
    scratch_reopen(&s);
    LISTED("~keep +new", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    must(tarn_lake_commit(s.lake, "main", "ann", &o, &second, err));
    LISTED("", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    LISTED("~keep +new", tarn_lake_diff(s.lake, &first, &second, "", join_changes, &t, err));
    LISTED("~keep -new", tarn_lake_diff(s.lake, &second, &first, "", join_changes, &t, err));
    LISTED("+new", tarn_lake_diff(s.lake, &first, &second, "n", join_changes, &t, err));
    LISTED("+keep +new", tarn_lake_diff(s.lake, NULL, &second, NULL, join_changes, &t, err));
    must(tarn_lake_commit_read(s.lake, &second, &c, err));
    assert_int_equal(c.n_parents, 1);
    assert_true(tarn_id_equal(&c.parents[0], &first));
    assert_int_equal(c.paths, 2);
    assert_string_equal(c.message, "from the staging area");
    tarn_commit_clear(&c);
    must_fail_with(TARN_NOT_FOUND, "nothing to commit", tarn_lake_commit(s.lake, "main", "ann", &o, &second, err));
    o.even_if_same = true;
    must(tarn_lake_commit(s.lake, "main", "ann", &o, &second, err));
    must(tarn_lake_stage(s.lake, "main", "ann", staged, 1, err));
    must(tarn_lake_unstage(s.lake, "main", "ann", "other", err));
    staged[0].object = (tarn_object){.size = 0};
    must(tarn_lake_stage(s.lake, "main", "ann", staged, 1, err));
    LISTED("-new", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    must(tarn_lake_unstage(s.lake, "main", "ann", "ne", err));
    LISTED("", tarn_lake_staged(s.lake, "main", "ann", join_changes, &t, err));
    scratch_free(&s);
}

static void commits_carry_metadata_and_expectations(void **state)
{
    scratch s = scratch_new();
    json_t *meta = json_pack("{s:{s:i}, s:s}", "offsets", "p0", 12, "recipe", "abc");
    tarn_commit_options o = {.author = "Ann", .message = "m", .meta = meta};
    tarn_entry e = entry_of(s.lake, "a", "1");
    tarn_id id, other, none = {{0}};
    tarn_commit c;

    (void)state;
    must(tarn_lake_commit_entries(s.lake, "models/flights/versions", &e, 1, &o, &id, err));
    must(tarn_lake_commit_read(s.lake, &id, &c, err));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(c.meta, "offsets"), "p0")), 12);
    assert_true(c.time_us > 1600000000000000);
    tarn_commit_clear(&c);
    json_decref(meta);
    o.meta = NULL;
    e = entry_of(s.lake, "a", "2");
    o.expect = &none;
    must_fail_with(TARN_CONFLICT, "moved",
                   tarn_lake_commit_entries(s.lake, "models/flights/versions", &e, 1, &o, &other, err));
    o.expect = &id;
    must(tarn_lake_commit_entries(s.lake, "models/flights/versions", &e, 1, &o, &other, err));
    e.path[0] = '/';
    must_fail_with(TARN_INVALID, "path",
                   tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){0}, &other, err));
    scratch_free(&s);
}

static void refs_move_only_by_compare_and_swap(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1"), b = commit_text(s.lake, "main", "a", "2"), now, ghost = {{9}};

    (void)state;
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &a, "Ann", "first", err));
    must_fail_with(TARN_CONFLICT, "exists", tarn_lake_ref_move(s.lake, "tags/v1", NULL, &b, "Ann", "", err));
    must_fail_with(TARN_CONFLICT, "moved", tarn_lake_ref_move(s.lake, "tags/v1", &b, &a, "Ann", "", err));
    must(tarn_lake_ref_move(s.lake, "tags/v1", &a, &b, "Ann", "second", err));
    must(tarn_lake_ref_get(s.lake, "tags/v1", &now, err));
    assert_true(tarn_id_equal(&now, &b));
    must_fail_with(TARN_NOT_FOUND, "not in the lake",
                   tarn_lake_ref_move(s.lake, "tags/v2", NULL, &ghost, "Ann", "", err));
    must(tarn_lake_ref_move(s.lake, "tags/v1", &b, NULL, "Ann", "gone", err));
    must_fail_with(TARN_NOT_FOUND, "tags/v1", tarn_lake_ref_get(s.lake, "tags/v1", &now, err));
    static const char *const bad[] = {"",
                                      "a b",
                                      "heads/",
                                      "a//b",
                                      "../x",
                                      "a/..",
                                      ".a",
                                      "a.",
                                      "-x",
                                      "a~1",
                                      "a@{1}",
                                      "x\xff",
                                      "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail_with(TARN_INVALID, "cannot name a ref", tarn_lake_ref_move(s.lake, bad[i], NULL, &a, "", "", err));
    scratch_free(&s);
}

static void recipes_and_facts_are_remembered(void **state)
{
    scratch s = scratch_new();
    tarn_id recipe = {{1, 2, 3}}, other = {{4}};
    tarn_entry outputs[2] = {entry_of(s.lake, "model", "m"), entry_of(s.lake, "report", "r")};
    char *value = NULL;

    (void)state;
    must(tarn_lake_made(s.lake, &recipe, outputs, 2, err));
    must(tarn_lake_fact_set(s.lake, "segment/log", "12", err));
    must(tarn_lake_fact_set(s.lake, "segment/log", "13", err));
    must(tarn_lake_fact_set(s.lake, "other", "{}", err));
    scratch_reopen(&s);
    LISTED("model report", tarn_lake_find_made(s.lake, &recipe, join_paths, &t, err));
    must_fail_with(TARN_NOT_FOUND, "has not run", tarn_lake_find_made(s.lake, &other, join_paths, NULL, err));
    must(tarn_lake_made(s.lake, &recipe, outputs, 1, err));
    LISTED("model", tarn_lake_find_made(s.lake, &recipe, join_paths, &t, err));
    must(tarn_lake_fact_get(s.lake, "segment/log", &value, err));
    assert_string_equal(value, "13");
    tarn_free(value);
    must_fail_with(TARN_NOT_FOUND, "nothing", tarn_lake_fact_get(s.lake, "nothing", &value, err));
    must_fail_with(TARN_INVALID, "1 to 200", tarn_lake_fact_set(s.lake, "", "x", err));
    scratch_free(&s);
}

/* The same pieces or others, the same chunks: storing them again in another lake's order adds nothing. */
static void content_in_pieces_is_stored_as_content_at_once(void **state)
{
    static const size_t sizes[] = {0, 1, 131072, 131073, 5000001}, pieces[] = {1000, 8192, 131072, 131073, 4000000};
    scratch s = scratch_new();
    char *bytes = noise(5000001, 2);
    tarn_fsck before, after;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_object want;
        must(tarn_lake_put(s.lake, bytes, sizes[i], &want, err));
        must(tarn_lake_sync(s.lake, err));
        must(tarn_lake_fsck(s.lake, NULL, NULL, &before, NULL, err));
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            tarn_writer *w = NULL;
            tarn_object got;
            must(tarn_lake_writer_new(s.lake, NULL, &w, err));
            for (size_t at = 0; at < sizes[i]; at += pieces[k])
                must(tarn_lake_writer_add(w, bytes + at, sizes[i] - at < pieces[k] ? sizes[i] - at : pieces[k], err));
            must(tarn_lake_writer_end(w, &got, err));
            tarn_lake_writer_free(w);
            assert_true(tarn_id_equal(&got.id, &want.id));
            assert_int_equal(got.size, want.size);
        }
        must(tarn_lake_sync(s.lake, err));
        must(tarn_lake_fsck(s.lake, NULL, NULL, &after, NULL, err));
        assert_int_equal(after.chunks, before.chunks);
    }
    free(bytes);
    scratch_free(&s);
}

static tarn_code count_change(void *arg, tarn_change_kind kind, const tarn_entry *a, const tarn_entry *b, tarn_err *err)
{
    (void)kind, (void)a, (void)b, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static void attributes_go_with_the_path(void **state)
{
    scratch s = scratch_new();
    tarn_entry e = entry_of(s.lake, "a.csv", "x"), back;
    tarn_commit_options o = {.author = "t", .message = "m"};
    tarn_id first, second;
    tarn_object attrs;
    int changes = 0;

    (void)state;
    first = commit_text(s.lake, "main", "a.csv", "x");
    e.attrs.b[0] = 7;
    must_fail_with(TARN_NOT_FOUND, "attributes", tarn_lake_stage(s.lake, "main", "ann", &e, 1, err));
    must(tarn_lake_put(s.lake, "{\"type\":\"text/csv\"}", 19, &attrs, err));
    e.attrs = attrs.id;
    must(tarn_lake_stage(s.lake, "main", "ann", &e, 1, err));
    scratch_reopen(&s);
    must(tarn_lake_commit(s.lake, "main", "ann", &o, &second, err));
    must(tarn_lake_lookup(s.lake, &second, "a.csv", &back, err));
    assert_true(tarn_id_equal(&back.attrs, &attrs.id));
    assert_true(tarn_id_none(&back.recipe));
    must(tarn_lake_diff(s.lake, &first, &second, "", count_change, &changes, err));
    assert_int_equal(changes, 1);
    scratch_free(&s);
}

static void one_staged_path_is_looked_up_and_facts_are_forgotten(void **state)
{
    scratch s = scratch_new();
    tarn_entry e = {.path = "b"}, out;
    char *value = NULL;

    (void)state;
    (void)commit_text(s.lake, "main", "a", "committed");
    must(tarn_lake_put(s.lake, "staged", 6, &e.object, err));
    must(tarn_lake_stage(s.lake, "main", "ann", &e, 1, err));
    must(tarn_lake_lookup_staged(s.lake, "main", "ann", "a", &out, err));
    assert_int_equal(out.object.size, 9);
    must(tarn_lake_lookup_staged(s.lake, "main", "ann", "b", &out, err));
    assert_int_equal(out.object.size, 6);
    must_fail_with(TARN_NOT_FOUND, "", tarn_lake_lookup_staged(s.lake, "main", "ann", "aa", &out, err));
    e = (tarn_entry){.path = "a"};
    must(tarn_lake_stage(s.lake, "main", "ann", &e, 1, err));
    must_fail_with(TARN_NOT_FOUND, "staged", tarn_lake_lookup_staged(s.lake, "main", "ann", "a", &out, err));
    must_fail_with(TARN_NOT_FOUND, "", tarn_lake_lookup_staged(s.lake, "unborn", "ann", "a", &out, err));
    must(tarn_lake_fact_set(s.lake, "k", "v", err));
    must(tarn_lake_fact_set(s.lake, "k", NULL, err));
    must(tarn_lake_fact_set(s.lake, "k", NULL, err));
    must_fail_with(TARN_NOT_FOUND, "k", tarn_lake_fact_get(s.lake, "k", &value, err));
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(one_staged_path_is_looked_up_and_facts_are_forgotten),
           TARN_TEST(a_lake_is_found_from_a_folder_below),
           TARN_TEST(what_a_dead_maker_left_is_cleared_and_what_a_living_one_makes_is_not),
           TARN_TEST(a_newer_or_foreign_format_is_refused), TARN_TEST(every_flipped_bit_of_the_format_is_damage),
           TARN_TEST(objects_of_all_sizes_come_back), TARN_TEST(content_in_pieces_is_stored_as_content_at_once),
           TARN_TEST(attributes_go_with_the_path), TARN_TEST(what_is_not_there_is_said_to_be_missing),
           TARN_TEST(equal_content_is_stored_once), TARN_TEST(a_cached_file_is_whole_and_made_again_when_touched),
           TARN_TEST(listings_fold_start_after_and_stop), TARN_TEST(staging_is_durable_visible_and_committed),
           TARN_TEST(commits_carry_metadata_and_expectations), TARN_TEST(refs_move_only_by_compare_and_swap),
           TARN_TEST(recipes_and_facts_are_remembered))
