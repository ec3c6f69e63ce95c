/* SPDX-License-Identifier: Apache-2.0 */
/* model_test.c - long random sequences of operations on a lake and on a naive model of it (naive_test.h), which must
 * agree after every step in every way of looking (looks_test.h, past_test.h).
 *
 * A sequence is a function of its seed: names (numbered as logs are, beside '/', nested, long, UTF-8), how many, plain
 * or encrypted, and then one operation after the other, each through one of two handles of the lake. Trees grow and
 * shrink one path at a time at either end, by scattered changes, and all at once, so that their height keeps changing.
 *
 * Seeds 1 to SEQUENCES, which are the same work each time. TARN_MODEL_SECONDS=n: for so long instead, from a seed that
 * the clock gives. TARN_MODEL_SEED=n: that sequence alone, telling each operation. */
#include "lake/joins_test.h"

enum { SEQUENCES = 24, OPERATIONS = 110 };

/* ---- commits ---- */

static int a_ref_for_commits(play *p) { return one_in(&p->d, 12) ? REFS - 1 : (int)below(&p->d, BRANCHES - 1); }

static size_t some_paths(play *p)
{
    uint32_t how = below(&p->d, 6), n = p->m.paths.n;
    return how < 3 ? 1 : how < 5 ? 1 + below(&p->d, 12) : 1 + below(&p->d, 1 + n / 4);
}

/* Another value for a path; sometimes the content that is there, made in another way. */
static uint32_t another_value(play *p, uint32_t now)
{
    if (now < FIRST_VALUE || !one_in(&p->d, 3)) return any_value(&p->d);
    return value_of(content_of(now), below(&p->d, MARKS), below(&p->d, MARKS));
}

static void commit_some(play *p)
{
    tarn_lake *lake = either(p);
    int ref = a_ref_for_commits(p);
    size_t n = one_in(&p->d, 30) ? 0 : some_paths(p);
    edits e = edits_new(p, map_of(p, p->m.refs[ref].commit), n);

    told(p, "commit %zu entries to %s\n", n, p->m.refs[ref].name);
    for (size_t i = 0; i < n; i++) {
        uint32_t path = below(&p->d, p->m.paths.n);
        edit_path(p, &e, lake, path, one_in(&p->d, 3) ? 0 : another_value(p, e.map[path]));
    }
    commit_edits(p, lake, ref, &e);
}

/* The next path to come (or go, where the tree shrinks) at the end; paths.n: none. */
static uint32_t at_the_end(const play *p, const uint32_t *map)
{
    uint32_t n = p->m.paths.n, found = n;

    for (uint32_t i = 0; i < n; i++) { /* from the far end of what is there inwards */
        uint32_t at = p->behind ? n - 1 - i : i;
        if (value_in(map, at)) return p->shrink ? at : found;
        found = at;
    }
    return p->shrink || n == 0 ? n : p->behind ? 0 : n - 1;
}

/* One path at a time, as a log grows; sometimes from the lake's staging area. */
static void grow(play *p)
{
    int ref = (int)below(&p->d, BRANCHES - 1), steps = 1 + (int)below(&p->d, 40);
    bool staged = one_in(&p->d, 4);

    told(p, "%s %s by %d on %s\n", p->shrink ? "shrink" : "grow", p->behind ? "behind" : "in front", steps,
         p->m.refs[ref].name);
    for (int i = 0; i < steps && p->m.n_commits < COMMITS - 2; i++) {
        const uint32_t *map = map_of(p, p->m.refs[ref].commit);
        uint32_t path = at_the_end(p, map);
        if (path == p->m.paths.n) break;
        tarn_lake *lake = either(p);
        edits e = edits_new(p, map, 1);
        memset(p->put, 0, sizeof p->put);
        edit_path(p, &e, lake, path, p->shrink ? 0 : any_value(&p->d));
        commit_edits(p, lake, ref, &e);
        int head = p->m.refs[ref].commit;
        if (head >= 0 && (p->m.paths.n < 300 || staged)) look_at_tree(p, head, true);
    }
    if (one_in(&p->d, 4)) p->behind = !p->behind;
    if (one_in(&p->d, 3)) p->shrink = !p->shrink;
}

/* Nearly all comes or goes at once, or a stretch of it. */
static void change_much(play *p)
{
    tarn_lake *lake = either(p);
    int ref = (int)below(&p->d, BRANCHES - 1);
    uint32_t n = p->m.paths.n, from = one_in(&p->d, 2) ? 0 : below(&p->d, n),
             to = one_in(&p->d, 2) ? n : below(&p->d, n);
    uint32_t left_out = 2 + below(&p->d, 50), kinds[4];
    bool remove = one_in(&p->d, 2);
    edits e = edits_new(p, map_of(p, p->m.refs[ref].commit), n);

    for (int i = 0; i < 4; i++) kinds[i] = any_value(&p->d);
    told(p, "%s %u to %u on %s\n", remove ? "remove" : "put", from, to, p->m.refs[ref].name);
    for (uint32_t i = from; i < to; i++) {
        if (one_in(&p->d, left_out)) continue;
        edit_path(p, &e, lake, i, remove ? 0 : kinds[below(&p->d, 4)]);
    }
    commit_edits(p, lake, ref, &e);
}

/* ---- staging ---- */

static void stage_some(play *p)
{
    tarn_lake *lake = either(p);
    int branch = (int)below(&p->d, BRANCHES), user = (int)below(&p->d, USERS);
    naive_area *a = &p->m.areas[branch][user];
    size_t n = some_paths(p);
    edits e = edits_new(p, NULL, n);

    told(p, "stage %zu on %s for '%s'\n", n, p->m.refs[branch].name, user_names[user]);
    for (size_t i = 0; i < n; i++) {
        uint32_t path = below(&p->d, p->m.paths.n), value = one_in(&p->d, 3) ? 0 : any_value(&p->d);
        edit_path(p, &e, lake, path, value);
        a->row[path] = value ? value : ABSENT;
    }
    must(stage_or_again(p, lake, branch, user, &e, err));
    edits_free(&e);
}

/* A stretch of the paths in one call. */
static void stage_much(play *p)
{
    tarn_lake *lake = either(p);
    int branch = (int)below(&p->d, BRANCHES), user = (int)below(&p->d, USERS);
    naive_area *a = &p->m.areas[branch][user];
    uint32_t n = p->m.paths.n, from = below(&p->d, n), some = 1 + below(&p->d, 3), value = any_value(&p->d);
    bool remove = one_in(&p->d, 4);
    edits e = edits_new(p, NULL, n);

    told(p, "stage much on %s for '%s'\n", p->m.refs[branch].name, user_names[user]);
    for (uint32_t i = from; i < n; i += some) {
        edit_path(p, &e, lake, i, remove ? 0 : value);
        a->row[i] = remove ? ABSENT : value;
    }
    must(stage_or_again(p, lake, branch, user, &e, err));
    edits_free(&e);
}

/* A folder goes, and sometimes a path in it comes, in one call. */
/* Mostly the top folder of a path that is there. */
static uint32_t some_folder(play *p, int branch)
{
    const uint32_t *map = map_of(p, p->m.refs[branch].commit);
    uint32_t n = p->m.paths.n, from = below(&p->d, n), folder = below(&p->d, p->m.folders.n);

    if (one_in(&p->d, 3)) return folder;
    for (uint32_t i = 0; i < n; i++) {
        const char *path = p->m.paths.v[(from + i) % n], *slash = strchr(path, '/');
        if (!slash || !value_in(map, (from + i) % n)) continue;
        for (uint32_t f = 0; f < p->m.folders.n; f++)
            if (strncmp(p->m.folders.v[f], path, (size_t)(slash - path) + 1) == 0) return f;
    }
    return folder;
}

static void stage_one_folder(play *p, int branch, int user)
{
    tarn_lake *lake = either(p);
    naive_area *a = &p->m.areas[branch][user];
    uint32_t folder = some_folder(p, branch), path = below(&p->d, p->m.paths.n);
    edits e = edits_new(p, NULL, 2);

    told(p, "stage the end of %.60s on %s for '%s'\n", p->m.folders.v[folder], p->m.refs[branch].name,
         user_names[user]);
    (void)snprintf(e.v[e.n++].path, sizeof e.v->path, "%s", p->m.folders.v[folder]);
    area_clear(&p->m, a, folder);
    if (one_in(&p->d, 3)) {
        edit_path(p, &e, lake, path, any_value(&p->d));
        a->row[path] = e.map[path];
    }
    must(stage_or_again(p, lake, branch, user, &e, err));
    edits_free(&e);
}

static void stage_folder(play *p)
{
    if (p->m.folders.n > 0) stage_one_folder(p, (int)below(&p->d, BRANCHES), (int)below(&p->d, USERS));
}

static void unstage(play *p)
{
    int branch = (int)below(&p->d, BRANCHES), user = (int)below(&p->d, USERS);
    char prefix[1025];

    any_prefix(p, prefix);
    told(p, "unstage '%.60s' on %s for '%s'\n", prefix, p->m.refs[branch].name, user_names[user]);
    must(tarn_lake_unstage(either(p), p->m.refs[branch].name, user_names[user], prefix, err));
    area_unstage(&p->m, &p->m.areas[branch][user], prefix);
}

static void commit_area(play *p, int branch, int user)
{
    naive_area *a = &p->m.areas[branch][user];
    naive_ref *r = &p->m.refs[branch];
    const uint32_t *before = map_of(p, r->commit);
    uint32_t *view = area_view(&p->m, a, before);
    tarn_commit_options o = {.author = "Ann", .message = "staged", .even_if_same = one_in(&p->d, 8)};
    tarn_id out;

    told(p, "commit what '%s' staged on %s\n", user_names[user], r->name);
    if (!o.even_if_same && same_map(&p->m, before, view)) {
        must_fail_with(TARN_NOT_FOUND, "nothing to commit",
                       tarn_lake_commit(either(p), r->name, user_names[user], &o, &out, err));
        free(view);
        return;
    }
    must(tarn_lake_commit(either(p), r->name, user_names[user], &o, &out, err));
    note_commit(p, branch, &out, view, -1);
    area_unstage(&p->m, a, "");
}

static void commit_staged(play *p) { commit_area(p, (int)below(&p->d, BRANCHES), (int)below(&p->d, USERS)); }

/* One folder after the other goes, each with a commit. */
static void drop_folders(play *p)
{
    int branch = (int)below(&p->d, BRANCHES), user = (int)below(&p->d, USERS), steps = 1 + (int)below(&p->d, 20);

    for (int i = 0; i < steps && p->m.folders.n > 0 && p->m.n_commits < COMMITS - 2; i++) {
        memset(p->put, 0, sizeof p->put);
        stage_one_folder(p, branch, user);
        commit_area(p, branch, user);
        if (p->m.refs[branch].commit >= 0) look_at_tree(p, p->m.refs[branch].commit, true);
    }
}

/* Content that nobody put this time: it is there to the last byte, or the lake says that it is not. */
static void stage_without_putting(play *p)
{
    uint32_t value = any_value(&p->d), path = below(&p->d, p->m.paths.n);
    tarn_entry e = entry_for(p->contents, p->m.paths.v[path], value);
    int branch = (int)below(&p->d, BRANCHES);
    tarn_err err = {0};
    tarn_code rc = tarn_lake_stage(either(p), p->m.refs[branch].name, "", &e, 1, &err);

    told(p, "stage %.60s without putting: %s\n", e.path, tarn_code_name(rc));
    if (rc == TARN_NOT_FOUND) return;
    if (rc != TARN_OK) fail_msg("staging what may be there: %s", err.msg);
    p->m.areas[branch][0].row[path] = value;
    read_content(p, &p->contents->v[content_of(value)]);
}

/* ---- refs ---- */

static void set_ref(play *p, int ref, int to)
{
    naive_ref *r = &p->m.refs[ref];
    tarn_id wrong = some_other_id(p);

    if (one_in(&p->d, 5) && !is_commit(p, &wrong, r->commit))
        must_fail_with(TARN_CONFLICT, "",
                       tarn_lake_ref_move(either(p), r->name, &wrong, id_of(p, to), "Ann", "wrong", err));
    must(tarn_lake_ref_move(either(p), r->name, id_of(p, r->commit), id_of(p, to), "Ann", "why", err));
    move_ref(&p->m, ref, to);
}

static void make_ref(play *p)
{
    int ref = (int)below(&p->d, REFS), to = any_commit(p);

    if (to < 0 || p->m.refs[ref].commit >= 0) return;
    told(p, "make %s\n", p->m.refs[ref].name);
    set_ref(p, ref, to);
}

static void remove_ref(play *p)
{
    int ref = 1 + (int)below(&p->d, REFS - 1);

    if (p->m.refs[ref].commit < 0) return;
    told(p, "remove %s\n", p->m.refs[ref].name);
    set_ref(p, ref, -1);
}

static void reset(play *p)
{
    int branch = (int)below(&p->d, BRANCHES), to = any_commit(p);
    tarn_id was;
    int64_t when;

    if (to < 0) return;
    told(p, "reset %s to commit %d\n", p->m.refs[branch].name, to);
    if (p->m.refs[branch].commit < 0) {
        must_fail_with(TARN_NOT_FOUND, "",
                       tarn_lake_reset(either(p), p->m.refs[branch].name, id_of(p, to), "Ann", "", &was, &when, err));
        return;
    }
    must(tarn_lake_reset(either(p), p->m.refs[branch].name, id_of(p, to), "Ann", "", &was, &when, err));
    assert_true(is_commit(p, &was, p->m.refs[branch].commit));
    move_ref(&p->m, branch, to);
}

/* A commit that garbage collection may have taken: a tag on it is refused, or all of it is there. */
static void name_what_was_lost(play *p)
{
    int ref = BRANCHES + (int)below(&p->d, 3), lost = -1;
    tarn_err err = {0};

    for (int i = 0; i < 30 && p->m.n_commits > 0 && lost < 0; i++) {
        int c = (int)below(&p->d, (uint32_t)p->m.n_commits);
        if (p->m.commits[c].lost) lost = c;
    }
    if (lost < 0 || p->m.refs[ref].commit >= 0) return;
    tarn_code rc = tarn_lake_ref_move(either(p), p->m.refs[ref].name, NULL, id_of(p, lost), "Ann", "", &err);
    told(p, "name lost commit %d: %s\n", lost, tarn_code_name(rc));
    if (rc == TARN_NOT_FOUND) return;
    if (rc != TARN_OK) fail_msg("naming a commit that may be lost: %s", err.msg);
    move_ref(&p->m, ref, lost);
    reach(&p->m, lost, p->m.met);
    for (int i = 0; i <= lost; i++) {
        if (!p->m.met[i] || !p->m.commits[i].lost) continue;
        p->m.commits[i].lost = false;
        look_at_tree(p, i, false);
        read_all(p, p->m.commits[i].map);
    }
}

/* ---- the whole lake ---- */

static tarn_lake *open_lake(const play *p)
{
    tarn_lake *lake = NULL;

    if (p->sealed) must(tarn_lake_open_with(p->s.folder, &(tarn_lake_key){.file = p->key}, &lake, err));
    else must(tarn_lake_open(p->s.folder, &lake, err));
    return lake;
}

static void reopen(play *p)
{
    tarn_lake **lake = one_in(&p->d, 2) ? &p->s.lake : &p->second;

    told(p, "close and open a handle\n");
    tarn_lake_close(*lake);
    *lake = open_lake(p);
}

static void collect(play *p)
{
    tarn_gc_options o = {.no_grace = true, .dry_run = one_in(&p->d, 4)};
    tarn_gc r;

    told(p, "collect garbage%s\n", o.dry_run ? ", dry run" : "");
    tarn_lake *lake = either(p);
    must(tarn_lake_gc(lake, &o, &r, NULL, err));
    if (o.dry_run) return;
    naive_collect(&p->m);
    p->may_be_gone[lake != p->second] = 2;
}

static void check(play *p)
{
    told(p, "fsck\n");
    look_at_fsck(p);
}

static const struct {
    void (*run)(play *p);
    uint32_t weight;
} operations[] = {{commit_some, 10},  {grow, 12},
                  {change_much, 5},   {stage_some, 9},
                  {stage_folder, 5},  {stage_much, 3},
                  {drop_folders, 4},  {unstage, 3},
                  {commit_staged, 8}, {stage_without_putting, 3},
                  {make_ref, 5},      {remove_ref, 3},
                  {reset, 4},         {name_what_was_lost, 2},
                  {merge, 12},        {undo_or_redo, 7},
                  {reopen, 3},        {collect, 3},
                  {check, 2}};

static void operate(play *p)
{
    uint32_t all = 0, i = 0, at;

    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++) all += operations[k].weight;
    at = below(&p->d, all);
    while (at >= operations[i].weight) at -= operations[i++].weight;
    memset(p->put, 0, sizeof p->put);
    operations[i].run(p);
}

/* ---- a sequence ---- */

static void make_sealed(play *p)
{
    uint8_t bytes[32] = {1, 2, 3};

    (void)snprintf(p->key, sizeof p->key, "%s/key", p->s.folder);
    must(tarn_file_save(p->key, bytes, sizeof bytes, err));
    assert_int_equal(chmod(p->key, 0600), 0);
    must(tarn_lake_init_encrypted(p->s.folder, NULL, NULL, &(tarn_lake_key){.file = p->key}, err));
    p->s.lake = open_lake(p);
}

static void open_play(play *p)
{
    static const uint32_t sizes[] = {1, 2, 8, 40, 150, 400, 400, 1200, 5000};
    uint32_t scheme = below(&p->d, SCHEMES + 3), n = sizes[below(&p->d, sizeof sizes / sizeof *sizes)];

    if (scheme > SCHEMES) scheme = LONG_FOLDERS;
    if ((scheme == LONG_NAMES || scheme == LONG_FOLDERS) && n > 1200) n = 1200; /* few to a node already */
    p->m = naive_new(&p->d, scheme, n);
    p->sealed = one_in(&p->d, 4) && scratch_is_local();
    p->behind = !one_in(&p->d, 3);
    if (p->sealed) {
        tarn_json_setup();
        (void)snprintf(p->s.folder, sizeof p->s.folder, "%s/tarn-lake-test-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(p->s.folder));
        make_sealed(p);
    } else {
        p->s = scratch_new();
    }
    p->second = open_lake(p);
    print_message("seed %llu: %u paths of scheme %u, %s\n", (unsigned long long)p->d.seed, p->m.paths.n, scheme,
                  p->sealed ? "encrypted" : "plain");
}

/* Every commit that must be there, and the lake once more when all else is gone from it. */
static void look_at_all(play *p)
{
    look_at_refs(p);
    for (int i = 0; i < p->m.n_commits; i++)
        if (!p->m.commits[i].lost) look_at_tree(p, i, false);
    bool named[ALL_CONTENTS] = {false};
    for (int i = 0; i < p->m.n_commits; i++)
        for (uint32_t k = 0; k < p->m.paths.n && !p->m.commits[i].lost; k++)
            if (p->m.commits[i].map[k]) note_contents(p->m.commits[i].map[k], named);
    for (int i = 0; i < ALL_CONTENTS; i++)
        if (named[i]) read_content(p, &p->contents->v[i]);
    for (int i = 0; i < BRANCHES * USERS; i++) look_at_area(p, i / USERS, i % USERS);
    look_at_fsck(p);
}

static void run_sequence(uint64_t seed, contents *c, bool trace, double until)
{
    play *p = calloc(1, sizeof *p);

    assert_non_null(p);
    p->d.seed = seed;
    p->contents = c;
    p->trace = trace;
    open_play(p);
    for (int i = 0; i < OPERATIONS && p->m.n_commits < COMMITS - 50 && tarn_seconds() < until; i++) {
        operate(p);
        look_at_refs(p);
        int head = p->m.refs[below(&p->d, REFS)].commit;
        if (head >= 0) look_at_tree(p, head, one_in(&p->d, 4));
        look_somehow(p);
        look_somehow(p);
    }
    look_at_all(p);
    must(tarn_lake_gc(either(p), &(tarn_gc_options){.no_grace = true}, &(tarn_gc){0}, NULL, err));
    naive_collect(&p->m);
    tarn_lake_close(p->second);
    p->second = open_lake(p);
    look_at_all(p);
    tarn_lake_close(p->second);
    scratch_free(&p->s);
    naive_free(&p->m);
    free(p);
}

static void a_lake_does_what_its_model_does(void **state)
{
    const char *one = getenv("TARN_MODEL_SEED"), *seconds = getenv("TARN_MODEL_SECONDS");
    contents *c = contents_new();
    uint64_t seed = one ? strtoull(one, NULL, 10) : seconds ? (uint64_t)tarn_now_us() / 1000 : 1;
    double until = seconds ? tarn_seconds() + atof(seconds) : 1e300;

    (void)state;
    for (int i = 0; one ? i < 1 : seconds ? tarn_seconds() < until : i < SEQUENCES; i++)
        run_sequence(seed + (uint64_t)i, c, one != NULL, one ? 1e300 : until);
    contents_free(c);
}

TARN_TESTS(TARN_TEST(a_lake_does_what_its_model_does))
