/* SPDX-License-Identifier: Apache-2.0 */
/* model_test.c - long random sequences of operations on a lake and on a naive model of it (naive_test.h), which must
 * agree after every step in every way of looking (looks_test.h).
 *
 * A sequence is a function of its seed: names (numbered as logs are, beside '/', nested, long, UTF-8), how many, plain
 * or encrypted, and then one operation after the other, each through one of two handles of the lake. Trees grow and
 * shrink one path at a time at either end, by scattered changes, and all at once, so that their height keeps changing.
 *
 * Seeds 1 to SEQUENCES, which are the same work each time. TARN_MODEL_SECONDS=n: for so long instead, from a seed that
 * the clock gives. TARN_MODEL_SEED=n: that sequence alone, telling each operation. */
#include "lake/looks_test.h"

enum { SEQUENCES = 24, OPERATIONS = 110 };

/* ---- putting ---- */

static void put_content(play *p, tarn_lake *lake, int number, const tarn_id *like)
{
    const content *c = &p->contents->v[number];
    tarn_object o;
    tarn_writer *w = NULL;
    size_t len = (size_t)c->object.size, cut = below(&p->d, (uint32_t)len + 1);

    if (one_in(&p->d, 3)) {
        must(tarn_lake_writer_new(lake, like, &w, err));
        must(tarn_lake_writer_add(w, c->bytes, cut, err));
        must(tarn_lake_writer_add(w, c->bytes + cut, len - cut, err));
        must(tarn_lake_writer_end(w, &o, err));
        tarn_lake_writer_free(w);
    } else {
        must(tarn_lake_put_like(lake, c->bytes, len, like, &o, err));
    }
    assert_true(tarn_id_equal(&o.id, &c->object.id) && o.size == c->object.size);
}

/* What the value names, each once an operation. */
static void put_value(play *p, tarn_lake *lake, uint32_t value, uint32_t before)
{
    int numbers[] = {(int)content_of(value), recipe_content(recipe_of(value)), attrs_content(attrs_of(value))};
    const tarn_id *like =
        before >= FIRST_VALUE && one_in(&p->d, 2) ? &p->contents->v[content_of(before)].object.id : NULL;

    for (int i = 0; i < 3; i++) {
        if (numbers[i] < 0 || p->put[numbers[i]]) continue;
        put_content(p, lake, numbers[i], i == 0 ? like : NULL);
        p->put[numbers[i]] = true;
    }
}

/* ---- commits ---- */

/* A commit that was made on a ref, with a map that is taken. */
static void note_commit(play *p, int ref, const tarn_id *id, uint32_t *map, int second_parent)
{
    naive_commit *c = &p->m.commits[p->m.n_commits];
    tarn_commit *read = calloc(1, sizeof *read);
    int head = p->m.refs[ref].commit;

    assert_non_null(read);
    must(tarn_lake_commit_read(either(p), id, read, err));
    *c = (naive_commit){.id = *id, .map = map, .time_us = read->time_us};
    if (head >= 0) c->parent[c->n_parents++] = head;
    if (second_parent >= 0) c->parent[c->n_parents++] = second_parent;
    assert_int_equal(read->n_parents, c->n_parents);
    assert_int_equal(read->paths, count_paths(&p->m, map));
    for (int k = 0; k < c->n_parents; k++) assert_true(is_commit(p, &read->parents[k], c->parent[k]));
    tarn_commit_clear(read);
    free(read);
    move_ref(&p->m, ref, p->m.n_commits++);
}

/* Changes to some paths; later ones win. */
typedef struct edits {
    tarn_entry *v;
    uint32_t *values; /* of the entries */
    size_t n;
    uint32_t *map; /* what comes out */
} edits;

static edits edits_new(const play *p, const uint32_t *map, size_t most)
{
    edits e = {
        .v = calloc(most + 1, sizeof *e.v), .values = calloc(most + 1, sizeof *e.values), .map = map_new(&p->m, map)};

    assert_true(e.v && e.values);
    return e;
}

static void edits_free(edits *e)
{
    free(e->v);
    free(e->values);
    free(e->map);
}

static void edit_path(play *p, edits *e, tarn_lake *lake, uint32_t path, uint32_t value)
{
    uint32_t before = e->map[path];

    if (value) put_value(p, lake, value, before);
    e->map[path] = value;
    e->values[e->n] = value;
    e->v[e->n++] = entry_for(p->contents, p->m.paths.v[path], value);
}

/* Was the call refused because another handle's garbage collection took what this one believed to be there? Then it
 * knows now, and everything is put once more. */
static bool must_put_again(play *p, tarn_lake *lake, const edits *e, tarn_code rc, const tarn_err *err)
{
    int *left = &p->may_be_gone[lake == p->second];
    bool again = *left > 0 && (rc == TARN_NOT_FOUND || rc == TARN_CONFLICT) && strstr(err->msg, "put");

    *left = again ? *left - 1 : 0;
    if (again) told(p, "  once more: %s\n", err->msg);
    memset(p->put, 0, sizeof p->put);
    for (size_t i = 0; i < e->n && again; i++)
        if (e->values[i]) put_value(p, lake, e->values[i], 0);
    return again;
}

static tarn_code commit_or_again(play *p, tarn_lake *lake, int ref, const edits *e, const tarn_commit_options *o,
                                 tarn_id *out, tarn_err *err)
{
    tarn_code rc;

    do rc = tarn_lake_commit_entries(lake, p->m.refs[ref].name, e->v, e->n, o, out, err);
    while (must_put_again(p, lake, e, rc, err));
    return rc;
}

static tarn_code stage_or_again(play *p, tarn_lake *lake, int branch, int user, const edits *e, tarn_err *err)
{
    tarn_code rc;

    do rc = tarn_lake_stage(lake, p->m.refs[branch].name, user_names[user], e->v, e->n, err);
    while (must_put_again(p, lake, e, rc, err));
    return rc;
}

static tarn_id some_other_id(play *p)
{
    int c = any_commit(p);
    return c < 0 ? (tarn_id){{1}} : p->m.commits[c].id;
}

/* Commit the edits onto a ref; e is used up. */
static void commit_edits(play *p, tarn_lake *lake, int ref, edits *e)
{
    naive_ref *r = &p->m.refs[ref];
    const uint32_t *before = map_of(p, r->commit);
    tarn_id none = {{0}}, out, wrong = some_other_id(p);
    tarn_commit_options o = {.author = "Ann", .message = "entries", .even_if_same = one_in(&p->d, 6)};

    if (one_in(&p->d, 4)) o.expect = r->commit < 0 ? &none : id_of(p, r->commit);
    if (one_in(&p->d, 20) && !is_commit(p, &wrong, r->commit)) {
        o.expect = &wrong;
        must_fail_with(TARN_CONFLICT, "", commit_or_again(p, lake, ref, e, &o, &out, err));
    } else if (!o.even_if_same && same_map(&p->m, before, e->map)) {
        must_fail_with(TARN_NOT_FOUND, "nothing to commit", commit_or_again(p, lake, ref, e, &o, &out, err));
    } else {
        must(commit_or_again(p, lake, ref, e, &o, &out, err));
        note_commit(p, ref, &out, e->map, -1);
        e->map = NULL;
    }
    edits_free(e);
}

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
static void stage_one_folder(play *p, int branch, int user)
{
    tarn_lake *lake = either(p);
    naive_area *a = &p->m.areas[branch][user];
    uint32_t folder = below(&p->d, p->m.folders.n), path = below(&p->d, p->m.paths.n);
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

/* ---- merging ---- */

typedef struct joining {
    play *p;
    tarn_merge_options o;
    naive_merge g;
    const uint32_t *base, *ours, *theirs; /* maps */
    uint32_t at;                          /* conflicts told */
    changes changed;
} joining;

static void same_side(const joining *j, const uint32_t *map, uint32_t path, const tarn_entry *e)
{
    assert_int_equal(!e, !value_in(map, path));
    if (e) same_entry(j->p->contents, j->p->m.paths.v[path], map[path], e);
}

static tarn_code compare_conflict(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                  const tarn_entry *theirs, const char *why, tarn_err *err)
{
    joining *j = arg;

    (void)why, (void)err;
    if (j->at == j->g.n_clash) fail_msg("'%s' is called a conflict", path);
    uint32_t at = j->g.clash[j->at++];
    assert_string_equal(path, j->p->m.paths.v[at]);
    same_side(j, j->base, at, base);
    same_side(j, j->ours, at, ours);
    same_side(j, j->theirs, at, theirs);
    return TARN_OK;
}

static tarn_code compare_merged(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                                tarn_err *err)
{
    joining *j = arg;
    return compare_change(&j->changed, kind, before, after, err);
}

static tarn_code resolve(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                         const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why, tarn_err *err)
{
    int way = naive_resolve(path);

    (void)arg, (void)base, (void)ours, (void)err;
    *settled = way != LEAVE;
    tarn_text_add(why, "left");
    if (way == REMOVE || (way == TAKE_THEIRS && !theirs)) merged->object = (tarn_object){.size = 0};
    else if (way == TAKE_THEIRS) *merged = *theirs;
    return TARN_OK;
}

static const char *some_patterns(play *p, char *out, size_t cap)
{
    static const char *const fixed[] = {"**", "*", "a*", "?*0", "part-0000?1\n*/b", "**1*"};
    uint32_t how = below(&p->d, 4);
    char one[1025], two[1025];

    if (how == 0) return NULL;
    any_prefix(p, one);
    any_prefix(p, two);
    if (how == 1) (void)snprintf(out, cap, "%s", fixed[below(&p->d, 6)]);
    else if (how == 2) (void)snprintf(out, cap, "%s\n\n%s", one, two);
    else (void)snprintf(out, cap, "%s**", one);
    return out;
}

static joining joining_new(play *p, const uint32_t *base, const uint32_t *ours, const uint32_t *theirs)
{
    joining j = {.p = p, .base = base, .ours = ours, .theirs = theirs};

    j.o = (tarn_merge_options){.author = "Bo", .no_ff = one_in(&p->d, 3), .dry_run = one_in(&p->d, 6)};
    j.o.strategy = one_in(&p->d, 2) ? (tarn_side)below(&p->d, 3) : TARN_SIDE_NONE;
    if (one_in(&p->d, 3)) j.o.ours = some_patterns(p, p->patterns[0], sizeof p->patterns[0]);
    if (one_in(&p->d, 3)) j.o.theirs = some_patterns(p, p->patterns[1], sizeof p->patterns[1]);
    if (one_in(&p->d, 3)) j.o.resolve = resolve;
    j.g = (naive_merge){.ours = j.o.ours, .theirs = j.o.theirs, .strategy = (int)j.o.strategy, .resolver = j.o.resolve};
    merge_naively(&p->m, p->contents, base, ours, theirs, &j.g);
    return j;
}

/* The options that tell, once j stands where it will stay. */
static void tell_to(joining *j, const uint32_t *out)
{
    j->changed = (changes){.p = j->p, .a = j->ours, .b = out, .prefix = ""};
    j->o.conflict = compare_conflict;
    j->o.change = compare_merged;
    j->o.told_arg = j;
}

static void joining_clear(joining *j)
{
    free(j->g.map);
    free(j->g.clash);
}

/* The outcome that has a map of its own; second: the other parent, or -1. */
static void note_join(joining *j, int branch, int second, bool nothing, const tarn_merge_result *r)
{
    play *p = j->p;

    assert_int_equal(j->at, j->g.n_clash);
    assert_int_equal(r->conflicts, j->g.n_clash);
    assert_int_equal(r->settled, j->g.settled);
    assert_int_equal(r->nothing, nothing);
    assert_false(r->fast_forward);
    all_changes_told(&j->changed);
    if (j->o.dry_run || nothing) assert_true(is_commit(p, &r->commit, p->m.refs[branch].commit));
    if (j->o.dry_run || nothing) return;
    note_commit(p, branch, &r->commit, j->g.map, second);
    j->g.map = NULL;
}

/* Where conflicts stay the call fails, and nothing is told but them. */
static void refused(joining *j, const tarn_merge_result *r)
{
    assert_int_equal(j->at, j->g.n_clash);
    assert_int_equal(r->conflicts, j->g.n_clash);
    assert_int_equal(r->settled, j->g.settled);
}

/* What to merge from: a ref by its name or a commit by its id. -1: what is not there. */
static int merge_from(play *p)
{
    int ref = (int)below(&p->d, REFS), commit = any_commit(p);
    const char *name = short_name(p->m.refs[ref].name);

    if (one_in(&p->d, 4) && commit >= 0) {
        (void)tarn_id_hex(id_of(p, commit), p->from);
        return commit;
    }
    (void)snprintf(p->from, sizeof p->from, "%s", name);
    ref = find_ref(p, name, strlen(name));
    return ref < 0 ? -1 : p->m.refs[ref].commit;
}

/* The two ends of a merge that needs none: all is there already, or the branch can just move. */
static bool merges_by_moving(joining *j, int branch, int other, int base)
{
    play *p = j->p;
    int head = p->m.refs[branch].commit;
    bool nothing = base == other, forward = !nothing && base == head && !j->o.no_ff;
    tarn_merge_result r;

    if (!nothing && !forward) return false;
    tell_to(j, forward ? j->theirs : j->ours);
    must(tarn_lake_merge(either(p), p->from, p->m.refs[branch].name, &j->o, &r, err));
    assert_true(r.nothing == nothing && r.fast_forward == forward && r.conflicts == 0 && r.settled == 0);
    assert_true(is_commit(p, &r.base, base));
    assert_true(is_commit(p, &r.commit, forward && !j->o.dry_run ? other : head));
    all_changes_told(&j->changed);
    if (forward && !j->o.dry_run) move_ref(&p->m, branch, other);
    return true;
}

static void merge(play *p)
{
    int branch = (int)below(&p->d, BRANCHES), other = merge_from(p), head = p->m.refs[branch].commit;
    const char *into = p->m.refs[branch].name;
    tarn_merge_options plain = {.author = "Bo"};
    tarn_merge_result r;

    told(p, "merge %s into %s\n", p->from, into);
    if (other < 0 || head < 0) {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_merge(either(p), p->from, into, &plain, &r, err));
        return;
    }
    int base = naive_merge_base(&p->m, head, other);
    joining j = joining_new(p, map_of(p, base), map_of(p, head), map_of(p, other));
    if (!merges_by_moving(&j, branch, other, base)) {
        tell_to(&j, j.g.map);
        if (j.g.n_clash > 0 && !j.o.dry_run) {
            must_fail_with(TARN_CONFLICT, "conflict", tarn_lake_merge(either(p), p->from, into, &j.o, &r, err));
            refused(&j, &r);
        } else {
            must(tarn_lake_merge(either(p), p->from, into, &j.o, &r, err));
            assert_true(is_commit(p, &r.base, base));
            note_join(&j, branch, other, false, &r);
        }
    }
    joining_clear(&j);
}

typedef tarn_code join_fn(tarn_lake *lake, const char *branch, const tarn_id *commit, const tarn_merge_options *options,
                          tarn_merge_result *out, tarn_err *err);

/* Undo a commit, or do it once more. */
static void undo_or_redo(play *p)
{
    int branch = (int)below(&p->d, BRANCHES), what = any_commit(p), head = p->m.refs[branch].commit;
    const char *name = p->m.refs[branch].name;
    bool undo = one_in(&p->d, 2);
    join_fn *call = undo ? tarn_lake_revert : tarn_lake_pick;
    tarn_merge_result r;

    if (head < 0 || what < 0) return;
    const naive_commit *c = &p->m.commits[what];
    int line = c->n_parents > 1 ? 1 + (int)below(&p->d, 2) : (int)below(&p->d, 2);
    told(p, "%s commit %d on %s\n", undo ? "revert" : "pick", what, name);
    const uint32_t *before = c->n_parents ? map_of(p, c->parent[line > 0 ? line - 1 : 0]) : NULL;
    joining j = joining_new(p, undo ? c->map : before, map_of(p, head), undo ? before : c->map);
    j.o.mainline = line;
    tell_to(&j, j.g.map);
    if (j.g.n_clash > 0 && !j.o.dry_run) {
        must_fail_with(TARN_CONFLICT, "conflict", call(either(p), name, id_of(p, what), &j.o, &r, err));
        refused(&j, &r);
    } else {
        must(call(either(p), name, id_of(p, what), &j.o, &r, err));
        note_join(&j, branch, -1, same_map(&p->m, j.g.map, j.ours), &r);
    }
    joining_clear(&j);
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
    static const uint32_t sizes[] = {1, 2, 8, 40, 150, 400, 400, 1200, 4000};
    uint32_t scheme = below(&p->d, SCHEMES + 2), n = sizes[below(&p->d, sizeof sizes / sizeof *sizes)];

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
