/* SPDX-License-Identifier: Apache-2.0 */
/* gc_test.c - garbage collection: what goes, what stays, who notices, and every way in which it can be interrupted. */
#include "lake/scratch_test.h"

#include "base/pool.h"
#include "lake/care.h"
#include "lake/inside.h"

#include <dirent.h>
#include <sys/wait.h>

static const tarn_gc_options now = {.no_grace = true};

static tarn_gc collect(tarn_lake *lake, const tarn_gc_options *o)
{
    tarn_gc g;

    must(tarn_lake_gc(lake, o, &g, NULL, err));
    return g;
}

static tarn_fsck must_be_clean(tarn_lake *lake)
{
    problems p = {0};
    tarn_fsck counts;

    must(tarn_lake_fsck(lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
    return counts;
}

/* A commit of one file of noise. */
static tarn_id commit_noise(tarn_lake *lake, const char *ref, const char *path, size_t len, uint64_t seed,
                            tarn_object *object)
{
    char *bytes = noise(len, seed);
    tarn_entry e = {.path = ""};
    tarn_id id;

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    must(tarn_lake_put(lake, bytes, len, &e.object, err));
    must(tarn_lake_commit_entries(lake, ref, &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    if (object) *object = e.object;
    free(bytes);
    return id;
}

static void drop(tarn_lake *lake, const char *ref)
{
    tarn_id id;

    must(tarn_lake_ref_get(lake, ref, &id, err));
    must(tarn_lake_ref_move(lake, ref, &id, NULL, "Ann", "", err));
}

static bool has(tarn_lake *lake, const tarn_id *id)
{
    bool yes = false;

    must(tarn_lake_has(lake, id, &yes, err));
    return yes;
}

static bool reads(tarn_lake *lake, const tarn_id *id)
{
    char *back = NULL;
    tarn_code rc = tarn_lake_get(lake, id, 0, &back, NULL, NULL);

    tarn_free(back);
    return rc == TARN_OK;
}

/* A lake with 3 MB on main and 6 MB that only a removed branch had, in one pack. */
static scratch with_garbage(tarn_object *kept, tarn_object *gone)
{
    scratch s = scratch_new();
    char *bytes = noise(6000000, 2);

    must(tarn_lake_put(s.lake, bytes, 6000000, gone, err));
    free(bytes);
    (void)commit_noise(s.lake, "main", "kept", 3000000, 1, kept);
    (void)commit_noise(s.lake, "other", "gone", 6000000, 2, gone);
    (void)commit_noise(s.lake, "main", "more", 1000, 3, NULL);
    drop(s.lake, "heads/other");
    return s;
}

static int count_packs(const scratch *s)
{
    char path[128];
    struct dirent *e;
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/.tarn/packs", s->folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) n += e->d_name[0] == 'p';
    (void)closedir(dir);
    return n;
}

static void what_nothing_needs_goes_and_the_rest_stays(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    tarn_gc g = collect(s.lake, &(tarn_gc_options){0});

    (void)state;
    assert_int_equal(g.packs_dropped, 0); /* all of it is young */
    assert_true(has(s.lake, &gone.id));
    g = collect(s.lake, &(tarn_gc_options){.no_grace = true, .dry_run = true});
    assert_true(g.packs_dropped >= 1 && g.garbage_bytes > 6000000 && g.live_bytes > 3000000);
    assert_int_equal(g.live[0] + g.live[1] + g.live[2] + g.live[3], g.live_bytes);
    assert_true(has(s.lake, &gone.id)); /* it only told */
    g = collect(s.lake, &now);
    assert_true(g.bytes_dropped - g.bytes_written > 5900000);
    assert_false(has(s.lake, &gone.id));
    assert_true(reads(s.lake, &kept.id));
    tarn_fsck f = must_be_clean(s.lake);
    assert_true((double)f.bytes < 1.3 * (double)g.live_bytes);
    g = collect(s.lake, &now);
    assert_int_equal(g.packs_dropped, 0); /* nothing more to do */
    assert_int_equal(g.leftovers, 0);
    scratch_reopen(&s);
    assert_true(reads(s.lake, &kept.id));
    scratch_free(&s);
}

static void everything_that_names_something_keeps_it(void **state)
{
    scratch s = scratch_new();
    tarn_entry e[4] = {entry_of(s.lake, "staged", "a staged text"), entry_of(s.lake, "made", "a made text"),
                       entry_of(s.lake, "x", "a recipe"), entry_of(s.lake, "y", "named by a fact")};
    char hex[TARN_ID_HEX], fact[200];
    tarn_object old;
    tarn_id first = commit_noise(s.lake, "main", "a", 5000, 1, &old), second;
    tarn_object lonely;

    (void)state;
    second = commit_noise(s.lake, "tags/t", "b", 5000, 2, NULL);
    must(tarn_lake_put(s.lake, "lonely", 6, &lonely, err));
    must(tarn_lake_stage(s.lake, "main", "", e, 1, err));
    e[1].recipe = e[2].object.id;
    must(tarn_lake_made(s.lake, &first, e + 1, 1, err));
    (void)snprintf(fact, sizeof fact, "{\"step\": \"%s\"}", tarn_id_hex(&e[3].object.id, hex));
    must(tarn_lake_fact_set(s.lake, "run/1", fact, err));
    (void)commit_noise(s.lake, "main", "a", 5000, 3, NULL); /* history keeps the old one */
    (void)collect(s.lake, &now);
    for (int i = 0; i < 4; i++) assert_true(reads(s.lake, &e[i].object.id));
    assert_true(reads(s.lake, &old.id) && has(s.lake, &second));
    assert_false(has(s.lake, &lonely.id));
    (void)must_be_clean(s.lake);
    scratch_free(&s);
}

static void what_a_ref_was_in_the_days_of_the_grace_stays(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);

    (void)state;
    (void)collect(s.lake, &(tarn_gc_options){.no_grace = true, .grace_us = 3600000000});
    assert_true(reads(s.lake, &gone.id));
    (void)collect(s.lake, &now);
    assert_false(reads(s.lake, &gone.id));
    scratch_free(&s);
}

static void commits_that_lost_their_tree_are_refused(void **state)
{
    scratch s = scratch_new();
    tarn_id dead = commit_noise(s.lake, "other", "gone", 6000000, 2, NULL), to = dead;

    (void)state;
    drop(s.lake, "heads/other");
    (void)collect(s.lake, &now);
    must_fail_with(TARN_NOT_FOUND, "", tarn_lake_ref_move(s.lake, "heads/b", NULL, &to, "Ann", "", err));
    scratch_free(&s);
}

/* ---- those who are in the middle of writing ---- */

/* `other` relies on content that is swept before it names it. */
static void a_writer_that_relied_on_garbage_is_told_and_can_put_it_again(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    tarn_lake *other = NULL;
    char *bytes = noise(6000000, 2);
    tarn_entry e = {.path = "again"}, part = {.path = "part"};
    char hex[TARN_ID_HEX];
    tarn_id id;
    tarn_commit_options o = {.author = "Ann"};

    (void)state;
    must(tarn_lake_open(s.folder, &other, err));
    must(tarn_lake_put(other, bytes, 6000000, &e.object, err));    /* all of it is there */
    must(tarn_lake_put(other, bytes, 3000000, &part.object, err)); /* its chunks are, but not its list */
    (void)collect(s.lake, &now);
    must_fail_with(TARN_NOT_FOUND, "put", tarn_lake_commit_entries(other, "main", &e, 1, &o, &id, err));
    must_fail_with(TARN_NOT_FOUND, "put it again", tarn_lake_stage(other, "main", "", &part, 1, err));
    must_fail_with(TARN_NOT_FOUND, "put", tarn_lake_made(other, &gone.id, &e, 1, err));
    must_fail_with(TARN_NOT_FOUND, "put it again", tarn_lake_fact_naming(other, "f", "{}", &part.object.id, err));
    must(tarn_lake_put(other, bytes, 6000000, &e.object, err));
    must(tarn_lake_put(other, bytes, 3000000, &part.object, err));
    must(tarn_lake_commit_entries(other, "main", &e, 1, &o, &id, err));
    must(tarn_lake_fact_naming(other, "f", tarn_id_hex(&part.object.id, hex), &part.object.id, err));
    (void)must_be_clean(other);
    (void)collect(other, &now);
    assert_true(reads(s.lake, &e.object.id) && reads(s.lake, &part.object.id));
    tarn_lake_close(other);
    free(bytes);
    scratch_free(&s);
}

/* Content waits for its name in a pack of its own when another handle collects: who puts nothing is not bothered. */
static void what_was_put_and_swept_stops_nobody_else(void **state)
{
    scratch s = scratch_new();
    tarn_id head = commit_text(s.lake, "main", "f", "1"), other_head = commit_text(s.lake, "work", "g", "2");
    tarn_entry e = entry_of(s.lake, "late", "put and not named");
    tarn_lake *other = NULL;

    (void)state;
    must(tarn_lake_open(s.folder, &other, err));
    must_fail_with(
        TARN_CONFLICT, "moved",
        tarn_lake_ref_move(s.lake, "heads/main", &other_head, &head, "Ann", "", err)); /* the pack is written */
    (void)collect(other, &now);
    must(tarn_lake_ref_move(s.lake, "heads/new", NULL, &head, "Ann", "", err));
    must_fail_with(TARN_NOT_FOUND, "put", tarn_lake_stage(s.lake, "main", "", &e, 1, err));
    e = entry_of(s.lake, "late", "put and not named");
    must(tarn_lake_stage(s.lake, "main", "", &e, 1, err));
    (void)must_be_clean(s.lake);
    tarn_lake_close(other);
    scratch_free(&s);
}

/* One of ten blocks collects, the others put, commit, read back, and leave garbage behind. */
static tarn_code work_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = arg;
    char *bytes = noise(30000, (uint64_t)block % 5), branch[32];
    tarn_entry e = {.path = "f"};
    tarn_id id, like = {{0}};
    tarn_gc g;

    (void)snprintf(branch, sizeof branch, "heads/w%d", worker);
    if (block % 10 == 0) {
        rc = tarn_lake_gc(lake, &now, &g, NULL, err);
        if (rc == TARN_BUSY || rc == TARN_CONFLICT) rc = TARN_OK;
        goto done;
    }
    memcpy(bytes + 1000, &block, sizeof block);
    for (int attempt = 0; attempt < 20; attempt++) {
        TARN_TRY(tarn_lake_put_like(lake, bytes, 30000, &like, &e.object, err));
        rc = tarn_lake_commit_entries(lake, branch, &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err);
        if (rc != TARN_NOT_FOUND && rc != TARN_CONFLICT) break; /* else told to put it again */
    }
    if (rc != TARN_OK) goto done;
    if (!reads(lake, &e.object.id)) rc = TARN_FAIL(err, TARN_CORRUPT, "%s cannot be read", branch);
    if (rc == TARN_OK && block % 3 == 0) rc = tarn_lake_ref_move(lake, branch, &id, NULL, "Ann", "", err);
done:
    free(bytes);
    return rc;
}

static void threads_of_one_handle_work_while_one_collects(void **state)
{
    scratch s = scratch_new();
    tarn_pool *pool = NULL;

    (void)state;
    must(tarn_pool_new(4, &pool, err));
    must(tarn_pool_run(pool, 200, work_block, s.lake, err));
    tarn_pool_free(pool);
    (void)must_be_clean(s.lake);
    scratch_free(&s);
}

static void a_delta_whose_base_was_swept_is_not_named(void **state)
{
    scratch s = scratch_new();
    tarn_lake *other = NULL;
    char *bytes = noise(50000, 2);
    tarn_object base;
    tarn_entry e = {.path = "new"};
    tarn_id id;
    tarn_commit_options o = {.author = "Ann"};

    (void)state;
    (void)commit_noise(s.lake, "other", "old", 50000, 2, &base);
    drop(s.lake, "heads/other");
    must(tarn_lake_open(s.folder, &other, err));
    memcpy(bytes + 100, "changed", 7);
    must(tarn_lake_put_like(other, bytes, 50000, &base.id, &e.object, err));
    (void)collect(s.lake, &now);
    must_fail_with(TARN_CONFLICT, "put the content again", tarn_lake_sync(other, err));
    must_fail_with(TARN_NOT_FOUND, "not put", tarn_lake_commit_entries(other, "main", &e, 1, &o, &id, err));
    must(tarn_lake_put_like(other, bytes, 50000, &base.id, &e.object, err)); /* the base is still in memory there */
    must(tarn_lake_commit_entries(other, "main", &e, 1, &o, &id, err));
    tarn_lake_close(other);
    scratch_reopen(&s);
    assert_true(reads(s.lake, &e.object.id));
    (void)must_be_clean(s.lake);
    free(bytes);
    scratch_free(&s);
}

static void bases_of_what_stays_stay(void **state)
{
    scratch s = scratch_new();
    char *bytes = noise(50000, 2);
    tarn_object base;
    tarn_entry e = {.path = "new"};
    tarn_id id;

    (void)state;
    (void)commit_noise(s.lake, "other", "old", 50000, 2, &base);
    memcpy(bytes + 100, "changed", 7);
    must(tarn_lake_put_like(s.lake, bytes, 50000, &base.id, &e.object, err));
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &id, err));
    drop(s.lake, "heads/other");
    (void)collect(s.lake, &now);
    assert_true(reads(s.lake, &e.object.id) && reads(s.lake, &base.id));
    (void)must_be_clean(s.lake);
    free(bytes);
    scratch_free(&s);
}

static void readers_with_old_segments_find_what_was_moved(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    tarn_lake *other = NULL;

    (void)state;
    for (int i = 0; i < 40; i++) (void)commit_noise(s.lake, "main", "n", 300, 100 + (uint64_t)i, NULL); /* runs too */
    must(tarn_lake_open(s.folder, &other, err)); /* has looked at nothing yet */
    tarn_gc g = collect(s.lake, &now);
    assert_true(g.packs_dropped > 0);
    assert_true(reads(other, &kept.id));
    assert_false(reads(other, &gone.id));
    (void)must_be_clean(other);
    tarn_lake_close(other);
    scratch_free(&s);
}

static void many_small_packs_become_few(void **state)
{
    scratch s = scratch_new();

    (void)state;
    for (int i = 0; i < 60; i++) (void)commit_noise(s.lake, "main", "n", 300, 100 + (uint64_t)i, NULL);
    assert_int_equal(must_be_clean(s.lake).packs, 60);
    (void)collect(s.lake, &now);
    assert_true(must_be_clean(s.lake).packs <= 2);
    scratch_free(&s);
}

static void cached_files_of_what_is_gone_go(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    char a[4200], b[4200];

    (void)state;
    must(tarn_lake_cached(s.lake, &kept.id, ".x", a, sizeof a, err));
    must(tarn_lake_cached(s.lake, &gone.id, ".x", b, sizeof b, err));
    tarn_gc g = collect(s.lake, &now);
    assert_int_equal(g.cached, 1);
    assert_true(tarn_path_exists(a));
    assert_false(tarn_path_exists(b));
    scratch_free(&s);
}

static void damage_stops_it_before_anything_is_removed(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    char path[400];
    tarn_gc g;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/.tarn/packs/%s", s.folder, s.lake->segments[0].row.name);
    tarn_lake_close(s.lake);
    assert_int_equal(unlink(path), 0);
    must(tarn_lake_open(s.folder, &s.lake, err));
    int before = count_packs(&s);
    must_fail_with(TARN_CORRUPT, "nothing was removed", tarn_lake_gc(s.lake, &now, &g, NULL, err));
    assert_int_equal(count_packs(&s), before);
    scratch_free(&s);
}

/* ---- interruptions ---- */

/* A backend that dies, or fails, at its n-th change; the rest is the disk's. */
static const tarn_backend *disk;
static int changes_left;
static bool die;

static bool comes_now(void)
{
    if (--changes_left > 0) return false;
    if (changes_left == 0 && die) _exit(7);
    return changes_left == 0;
}

static tarn_code put_or_fail(void *self, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    if (comes_now()) return TARN_FAIL(err, TARN_FULL, "no room for %s", name);
    tarn_code rc = disk->put(self, name, bytes, len, err);
    if (rc == TARN_OK && comes_now()) return TARN_FAIL(err, TARN_FULL, "no room behind %s", name);
    return rc;
}

static tarn_code remove_or_fail(void *self, const char *name, tarn_err *err)
{
    if (comes_now()) return TARN_FAIL(err, TARN_IO, "cannot remove %s", name);
    tarn_code rc = disk->remove(self, name, err);
    if (rc == TARN_OK && comes_now()) return TARN_FAIL(err, TARN_IO, "cannot remove more than %s", name);
    return rc;
}

/* Ends with 7 where it died, 0 where gc came through before, 1 for anything unexpected. */
static int collect_and_die(const char *folder, int at)
{
    tarn_lake *lake = NULL;
    tarn_gc g;

    if (tarn_lake_open(folder, &lake, NULL) != TARN_OK) return 1;
    tarn_backend dying = *lake->backend;
    disk = lake->backend;
    dying.put = put_or_fail;
    dying.remove = remove_or_fail;
    lake->backend = &dying;
    changes_left = at;
    die = true;
    return tarn_lake_gc(lake, &now, &g, NULL, NULL) == TARN_OK ? 0 : 1;
}

static void killed_at_any_change_of_the_disk_it_leaves_a_whole_lake(void **state)
{
    int status = 0, deaths = 0;
    tarn_object kept, gone;

    (void)state;
    for (int at = 1; at < 100; at++) {
        scratch s = with_garbage(&kept, &gone);
        tarn_lake_close(s.lake);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(collect_and_die(s.folder, at));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        must(tarn_lake_open(s.folder, &s.lake, err));
        (void)must_be_clean(s.lake);
        assert_true(reads(s.lake, &kept.id));
        (void)collect(s.lake, &now); /* the next one ends it */
        tarn_gc g = collect(s.lake, &now);
        assert_int_equal(g.leftovers, 0);
        assert_true((double)must_be_clean(s.lake).bytes < 1.3 * (double)g.live_bytes);
        scratch_free(&s);
        if (WEXITSTATUS(status) == 0) break;
        deaths++;
    }
    assert_true(deaths >= 4);
}

static void a_failing_disk_is_an_error_and_leaves_a_whole_lake(void **state)
{
    tarn_object kept, gone;
    tarn_gc g;
    tarn_code rc = TARN_FULL;
    int at = 0;

    (void)state;
    while (rc != TARN_OK) {
        scratch s = with_garbage(&kept, &gone);
        tarn_backend failing = *s.lake->backend;
        tarn_err err = {0};
        disk = s.lake->backend;
        failing.put = put_or_fail;
        failing.remove = remove_or_fail;
        s.lake->backend = &failing;
        changes_left = ++at;
        die = false;
        rc = tarn_lake_gc(s.lake, &now, &g, NULL, &err);
        assert_true(rc == TARN_OK || rc == TARN_FULL || rc == TARN_IO);
        s.lake->backend = disk;
        scratch_reopen(&s);
        (void)must_be_clean(s.lake);
        assert_true(reads(s.lake, &kept.id));
        scratch_free(&s);
    }
    assert_true(at > 4);
}

static void memory_may_run_out_at_any_allocation(void **state)
{
    tarn_object kept, gone;
    scratch s = with_garbage(&kept, &gone);
    tarn_code rc = TARN_NOMEM;
    tarn_gc g;
    int64_t n = 0;

    (void)state;
    while (rc != TARN_OK) {
        tarn_err err = {0};
        tarn_mem_fail_after(++n);
        rc = tarn_lake_gc(s.lake, &now, &g, NULL, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %lld: %s", (long long)n, err.msg);
        assert_true(reads(s.lake, &kept.id));
        assert_true(n < 5000);
    }
    assert_true(n > 30); /* once the sweep is through there is less to do */
    (void)must_be_clean(s.lake);
    scratch_free(&s);
}

/* ---- du ---- */

typedef struct du_rows {
    tarn_du v[16];
    int n;
} du_rows;

static tarn_code keep_row(void *arg, const tarn_du *row, tarn_err *err)
{
    du_rows *d = arg;

    (void)err;
    if (d->n < 16) d->v[d->n++] = *row;
    return TARN_OK;
}

static void space_is_counted_once_and_by_holder(void **state)
{
    scratch s = scratch_new();
    du_rows *d = calloc(1, sizeof *d);
    tarn_du_total t;
    tarn_id head;

    (void)state;
    assert_non_null(d);
    head = commit_noise(s.lake, "main", "a/x", 200000, 1, NULL);
    must(tarn_lake_ref_move(s.lake, "heads/side", NULL, &head, "Ann", "", err));
    (void)commit_noise(s.lake, "side", "b", 100000, 2, NULL);
    head = commit_noise(s.lake, "side", "a/y", 200000, 1, NULL); /* the same content */
    must(tarn_lake_du(s.lake, NULL, 0, keep_row, d, &t, NULL, err));
    assert_int_equal(d->n, 3);
    assert_string_equal(d->v[0].name, "heads/main");
    assert_string_equal(d->v[1].name, "heads/side");
    assert_string_equal(d->v[2].name, "");
    assert_int_equal(d->v[0].logical, 200000);
    assert_int_equal(d->v[1].logical, 500000);
    assert_int_equal(d->v[1].paths, 3);
    assert_int_equal(d->v[0].alone, 0);
    assert_in_range(d->v[1].alone, 100000, 102000);
    assert_in_range(t.live, 300000, 303000);
    assert_int_equal(t.live, t.shared + d->v[0].alone + d->v[1].alone + d->v[2].alone);
    assert_int_equal(t.live, d->v[1].stored);
    uint64_t promised = d->v[1].alone;
    drop(s.lake, "heads/side");
    tarn_gc g = collect(s.lake, &now);
    assert_int_equal(g.garbage_bytes, promised); /* what du said would be freed */
    d->n = 0;
    must_fail_with(TARN_NOT_FOUND, "", tarn_lake_du_paths(s.lake, &head, "", keep_row, d, &t, NULL, err));
    must(tarn_lake_ref_get(s.lake, "main", &head, err));
    must(tarn_lake_du_paths(s.lake, &head, "", keep_row, d, &t, NULL, err));
    assert_int_equal(d->n, 1);
    assert_string_equal(d->v[0].name, "a/");
    assert_int_equal(d->v[0].stored, d->v[0].alone);
    d->n = 0;
    must_fail_with(TARN_NOT_FOUND, "nothing",
                   tarn_lake_du(s.lake, (const char *[]){"nothing"}, 1, keep_row, d, &t, NULL, err));
    free(d);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(what_nothing_needs_goes_and_the_rest_stays), TARN_TEST(everything_that_names_something_keeps_it),
           TARN_TEST(what_a_ref_was_in_the_days_of_the_grace_stays),
           TARN_TEST(commits_that_lost_their_tree_are_refused),
           TARN_TEST(a_writer_that_relied_on_garbage_is_told_and_can_put_it_again),
           TARN_TEST(what_was_put_and_swept_stops_nobody_else),
           TARN_TEST(threads_of_one_handle_work_while_one_collects),
           TARN_TEST(a_delta_whose_base_was_swept_is_not_named), TARN_TEST(bases_of_what_stays_stay),
           TARN_TEST(readers_with_old_segments_find_what_was_moved), TARN_TEST(many_small_packs_become_few),
           TARN_TEST(cached_files_of_what_is_gone_go), TARN_TEST(damage_stops_it_before_anything_is_removed),
           TARN_TEST(killed_at_any_change_of_the_disk_it_leaves_a_whole_lake),
           TARN_TEST(a_failing_disk_is_an_error_and_leaves_a_whole_lake),
           TARN_TEST(memory_may_run_out_at_any_allocation), TARN_TEST(space_is_counted_once_and_by_holder))
