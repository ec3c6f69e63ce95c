/* SPDX-License-Identifier: Apache-2.0 */
/* looks_test.h - for model_test.c: a lake with two handles and its model; trees, contents and staging areas compared
 * with what the model says. */
#ifndef TARN_LAKE_LOOKS_TEST_H
#define TARN_LAKE_LOOKS_TEST_H

#include "lake/naive_test.h"

#include "lake/care.h"
#include "lake/key.h"
#include "lake/tree.h"

#include <sys/stat.h>
#include <time.h>

typedef struct play {
    draws d;
    scratch s; /* one handle */
    tarn_lake *second;
    bool sealed, trace;
    char key[96];
    contents *contents;
    naive m;
    bool behind, shrink;    /* where and how trees grow just now */
    bool put[ALL_CONTENTS]; /* for one operation: it is there already */
    int may_be_gone[2]; /* of each handle: how often it may still ask to put again, behind whose back was collected */
    char patterns[2][2400], from[80]; /* of a merge */
} play;

/* What is done: told when one seed is asked for. */
__attribute__((format(printf, 2, 3))) static inline void told(const play *p, const char *format, ...)
{
    va_list args;

    if (!p->trace) return;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
}

static inline tarn_lake *either(play *p) { return one_in(&p->d, 2) ? p->s.lake : p->second; }

static inline const uint32_t *map_of(const play *p, int commit) { return commit < 0 ? NULL : p->m.commits[commit].map; }

static inline const tarn_id *id_of(const play *p, int commit) { return commit < 0 ? NULL : &p->m.commits[commit].id; }

/* A commit that is certainly there; -1: none is. */
static inline int any_commit(play *p)
{
    for (int i = 0; i < 50 && p->m.n_commits > 0; i++) {
        int c = (int)below(&p->d, (uint32_t)p->m.n_commits);
        if (!p->m.commits[c].lost) return c;
    }
    return p->m.refs[0].commit;
}

/* A beginning of a path: all of it, a folder, or cut anywhere; sometimes nothing, or what is not there. */
static inline void any_prefix(play *p, char out[1025])
{
    uint32_t how = below(&p->d, 8);
    const char *path = p->m.paths.v[below(&p->d, p->m.paths.n)];

    (void)snprintf(out, 1025, "%s", path);
    if (how == 0) out[0] = '\0';
    else if (how == 1) (void)snprintf(out, 1025, "%s", "zz/nothing");
    else if (how < 5 && p->m.folders.n > 0)
        (void)snprintf(out, 1025, "%s", p->m.folders.v[below(&p->d, p->m.folders.n)]);
    else if (how < 7) out[below(&p->d, (uint32_t)strlen(path) + 1)] = '\0';
}

/* ---- trees ---- */

/* What a listing must say. */
typedef struct listed {
    const char *name;
    size_t len;
    uint32_t value; /* 0: a folder */
} listed;

typedef struct listing {
    const play *p;
    listed *v;
    size_t n, at, most; /* at: told so far; most: then stop */
} listing;

static inline int compare_name(const listed *x, const char *text)
{
    int order = strncmp(x->name, text, x->len);
    return order != 0 ? order : -(text[x->len] != '\0');
}

static inline void listing_make(listing *l, const uint32_t *map, const char *prefix, const char *after, char delimiter)
{
    const names *paths = &l->p->m.paths;
    size_t from = strlen(prefix);

    l->v = calloc(paths->n, sizeof *l->v);
    l->n = l->at = 0;
    assert_non_null(l->v);
    for (uint32_t i = 0; i < paths->n; i++) {
        const char *path = paths->v[i];
        if (!map || !map[i] || !begins(path, prefix)) continue;
        const char *fold = delimiter ? strchr(path + from, delimiter) : NULL;
        listed x = {path, fold ? (size_t)(fold - path) + 1 : strlen(path), fold ? 0 : map[i]};
        const listed *last = l->n ? &l->v[l->n - 1] : NULL;
        if (last && last->value == 0 && x.value == 0 && last->len == x.len && memcmp(last->name, path, x.len) == 0)
            continue;
        if (compare_name(&x, after) > 0) l->v[l->n++] = x;
    }
}

static inline tarn_code compare_listed(void *arg, const tarn_entry *e, tarn_err *err)
{
    listing *l = arg;
    char name[1025];

    (void)err;
    if (l->at >= l->n) fail_msg("the lake lists '%s', where there is no more", e->path);
    const listed *x = &l->v[l->at];
    (void)snprintf(name, sizeof name, "%.*s", (int)x->len, x->name);
    same_entry(l->p->contents, name, x->value, e);
    return ++l->at == l->most ? TARN_CANCELLED : TARN_OK;
}

/* Of a commit, or (area's branch set) of a staging area. */
typedef struct place_of {
    const tarn_id *commit;
    const char *branch, *who;
} place_of;

static inline tarn_code list_some(tarn_lake *lake, const place_of *at, const char *prefix, const char *after,
                                  char delimiter, listing *l, tarn_err *err)
{
    tarn_code rc =
        at->branch ? tarn_lake_list_staged(lake, at->branch, at->who, prefix, after, delimiter, compare_listed, l, err)
                   : tarn_lake_list(lake, at->commit, prefix, after, delimiter, compare_listed, l, err);
    return rc == TARN_CANCELLED && l->at == l->most ? TARN_OK : rc;
}

/* Everything, page by page. */
static inline void look_at_list(play *p, const place_of *at, const uint32_t *map, const char *prefix, const char *after,
                                char delimiter, size_t page)
{
    listing l = {.p = p};
    char name[1025];

    listing_make(&l, map, prefix, after, delimiter);
    (void)snprintf(name, sizeof name, "%s", after);
    do {
        size_t left = l.n - l.at, before = l.at;
        l.most = page < left ? l.at + page : SIZE_MAX;
        must(list_some(either(p), at, prefix, name, delimiter, &l, err));
        size_t wanted = page < left ? page : left;
        if (l.at - before != wanted)
            fail_msg("a listing of '%s' behind '%s' ends after %zu of %zu", prefix, name, l.at - before, wanted);
        if (l.at > 0) (void)snprintf(name, sizeof name, "%.*s", (int)l.v[l.at - 1].len, l.v[l.at - 1].name);
    } while (l.at < l.n);
    free(l.v);
}

static inline void list_somehow(play *p, const place_of *at, const uint32_t *map)
{
    static const char delimiters[] = {'/', '/', '/', 0, 0, '-'};
    char prefix[1025], after[1025] = "";
    char delimiter = delimiters[below(&p->d, sizeof delimiters)];
    size_t page = one_in(&p->d, 2) ? SIZE_MAX : 1 + below(&p->d, 40) + p->m.paths.n / 50;

    any_prefix(p, prefix);
    if (one_in(&p->d, 3)) any_prefix(p, after);
    look_at_list(p, at, map, prefix, after, delimiter, page);
}

/* All of a commit; and its root must be that of the same set built at once. */
static inline void look_at_tree(play *p, int commit, bool build)
{
    const naive_commit *c = &p->m.commits[commit];
    tarn_commit *read = calloc(1, sizeof *read);
    tarn_entry *all = calloc(p->m.paths.n, sizeof *all);
    tarn_id root = {{0}};
    uint64_t n = 0, paths = 0;

    assert_true(read && all);
    look_at_list(p, &(place_of){.commit = &c->id}, c->map, "", "", 0, SIZE_MAX);
    must(tarn_lake_commit_read(either(p), &c->id, read, err));
    assert_int_equal(read->paths, count_paths(&p->m, c->map));
    for (uint32_t i = 0; i < p->m.paths.n && build; i++)
        if (c->map[i]) all[n++] = entry_for(p->contents, p->m.paths.v[i], c->map[i]);
    if (build) {
        must(tarn_tree_update(either(p), &root, all, n, &root, &paths, err));
        assert_int_equal(paths, n);
        if (!tarn_id_equal(&root, &read->tree)) fail_msg("the tree of commit %d is not that of its set", commit);
    }
    tarn_commit_clear(read);
    free(read);
    free(all);
}

static inline void look_up(play *p, const place_of *at, const uint32_t *map, uint32_t path)
{
    tarn_entry *e = calloc(1, sizeof *e);
    const char *name = p->m.paths.v[path];

    assert_non_null(e);
    if (map && map[path]) {
        if (at->branch) must(tarn_lake_lookup_staged(either(p), at->branch, at->who, name, e, err));
        else must(tarn_lake_lookup(either(p), at->commit, name, e, err));
        same_entry(p->contents, name, map[path], e);
    } else if (at->branch) {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_lookup_staged(either(p), at->branch, at->who, name, e, err));
    } else {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_lookup(either(p), at->commit, name, e, err));
    }
    free(e);
}

/* ---- differences ---- */

typedef struct changes {
    const play *p;
    const uint32_t *a, *b; /* NULL: empty */
    const char *prefix;
    uint32_t at; /* the next path to look at */
} changes;

static inline uint32_t value_in(const uint32_t *map, uint32_t path) { return map ? map[path] : 0; }

static inline uint32_t next_change(changes *c)
{
    const names *paths = &c->p->m.paths;

    while (c->at < paths->n && (value_in(c->a, c->at) == value_in(c->b, c->at) || !begins(paths->v[c->at], c->prefix)))
        c->at++;
    return c->at;
}

static inline tarn_code compare_change(void *arg, tarn_change_kind kind, const tarn_entry *before,
                                       const tarn_entry *after, tarn_err *err)
{
    changes *c = arg;
    uint32_t at = next_change(c);

    (void)err;
    if (at == c->p->m.paths.n) fail_msg("'%s' is said to differ and does not", (after ? after : before)->path);
    uint32_t x = value_in(c->a, at), y = value_in(c->b, at);
    const char *path = c->p->m.paths.v[at];
    if (strcmp((after ? after : before)->path, path) != 0)
        fail_msg("'%s' comes where '%s' differs", (after ? after : before)->path, path);
    assert_int_equal(kind, !x ? TARN_ADDED : !y ? TARN_REMOVED : TARN_CHANGED);
    assert_true(!before == !x && !after == !y);
    if (before) same_entry(c->p->contents, path, x, before);
    if (after) same_entry(c->p->contents, path, y, after);
    c->at++;
    return TARN_OK;
}

static inline void all_changes_told(changes *c)
{
    if (next_change(c) < c->p->m.paths.n) fail_msg("nobody said that '%s' differs", c->p->m.paths.v[c->at]);
}

static inline void look_at_diff(play *p, int a, int b)
{
    char prefix[1025] = "";
    changes c = {.p = p, .a = map_of(p, a), .b = map_of(p, b), .prefix = prefix};

    if (one_in(&p->d, 2)) any_prefix(p, prefix);
    must(tarn_lake_diff(either(p), id_of(p, a), id_of(p, b), prefix, compare_change, &c, err));
    all_changes_told(&c);
}

/* ---- content ---- */

static inline void read_content(play *p, const content *c)
{
    char *bytes = NULL;
    size_t len = 0;

    must(tarn_lake_get(either(p), &c->object.id, 0, &bytes, &len, err));
    assert_int_equal(len, c->object.size);
    assert_memory_equal(bytes, c->bytes, len);
    tarn_free(bytes);
}

static inline void note_contents(uint32_t value, bool *named)
{
    int recipe = recipe_content(recipe_of(value)), attrs = attrs_content(attrs_of(value));

    named[content_of(value)] = true;
    if (recipe >= 0) named[recipe] = true;
    if (attrs >= 0) named[attrs] = true;
}

/* All contents that a tree names, each once. */
static inline void read_all(play *p, const uint32_t *map)
{
    bool named[ALL_CONTENTS] = {false};

    for (uint32_t i = 0; i < p->m.paths.n; i++)
        if (map[i]) note_contents(map[i], named);
    for (int i = 0; i < ALL_CONTENTS; i++)
        if (named[i]) read_content(p, &p->contents->v[i]);
}

typedef struct piece {
    const char *want;
    size_t at, end;
} piece;

static inline tarn_code compare_part(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    piece *x = arg;

    (void)err;
    assert_true(len <= x->end - x->at);
    assert_memory_equal(x->want + x->at, bytes, len);
    x->at += len;
    return TARN_OK;
}

static inline void read_part(play *p, uint32_t value)
{
    const content *c = &p->contents->v[content_of(value)];
    size_t len = (size_t)c->object.size, from = below(&p->d, (uint32_t)len + 1), n = below(&p->d, (uint32_t)len + 1);
    piece x = {c->bytes, from, from + n < len ? from + n : len};

    must(tarn_lake_read(either(p), &c->object.id, from, n, compare_part, &x, err));
    assert_int_equal(x.at, x.end);
}

/* ---- checkout ---- */

static inline uint64_t bytes_in(const play *p, const uint32_t *map)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < p->m.paths.n; i++)
        if (map[i]) bytes += p->contents->v[content_of(map[i])].object.size;
    return bytes;
}

/* Files can stand on a disk: no path is a folder of another, no part of one is too long. */
static inline bool fits_a_disk(const play *p, const uint32_t *map)
{
    const names *paths = &p->m.paths;
    char folder[1026];

    for (uint32_t i = 0; i < paths->n; i++) {
        if (!map[i]) continue;
        for (const char *part = paths->v[i]; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
            if (strcspn(part, "/") > 200) return false;
        (void)snprintf(folder, sizeof folder, "%s/", paths->v[i]);
        for (uint32_t k = i + 1; k < paths->n; k++)
            if (map[k] && begins(paths->v[k], folder)) return false;
    }
    return true;
}

static inline bool checked_out(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (len == 0) return true;
    return begins(path, prefix) && (prefix[len - 1] == '/' || !path[len] || path[len] == '/');
}

static inline void compare_file(const play *p, const char *folder, const char *path, uint32_t value)
{
    const content *c = &p->contents->v[content_of(value ? value : FIRST_VALUE)];
    char full[1200], *bytes = NULL;
    size_t len = 0;

    (void)snprintf(full, sizeof full, "%s/%s", folder, path);
    struct stat st;
    bool file = stat(full, &st) == 0 && S_ISREG(st.st_mode);
    assert_int_equal(file, value != 0);
    if (!value) return;
    must(tarn_file_read(full, 0, &bytes, &len, err));
    assert_int_equal(len, c->object.size);
    assert_memory_equal(bytes, c->bytes, len);
    tarn_free(bytes);
}

static inline void look_at_files(play *p, int commit)
{
    const uint32_t *map = map_of(p, commit);
    char folder[128], prefix[1025];
    int64_t files = 0, wanted = 0;

    if (count_paths(&p->m, map) > 300 || bytes_in(p, map) > 20 << 20 || !fits_a_disk(p, map)) return;
    any_prefix(p, prefix);
    (void)snprintf(folder, sizeof folder, "%s/out", p->s.folder);
    for (uint32_t i = 0; i < p->m.paths.n; i++) wanted += map[i] && checked_out(p->m.paths.v[i], prefix);
    if (wanted == 0 && prefix[0]) {
        must_fail_with(TARN_NOT_FOUND, "no path",
                       tarn_lake_checkout(either(p), id_of(p, commit), prefix, folder, false, &files, NULL, err));
    } else {
        must(tarn_lake_checkout(either(p), id_of(p, commit), prefix, folder, false, &files, NULL, err));
        assert_int_equal(files, wanted);
        for (uint32_t i = 0; i < p->m.paths.n; i++)
            compare_file(p, folder, p->m.paths.v[i], checked_out(p->m.paths.v[i], prefix) ? map[i] : 0);
    }
    must(tarn_dir_remove(folder, err));
}

/* ---- staging ---- */

static inline const char *short_name(const char *ref)
{
    return begins(ref, "heads/") ? ref + 6 : begins(ref, "tags/") ? ref + 5 : ref;
}

typedef struct staged_rows {
    const play *p;
    const naive_area *area;
    const uint32_t *base;
    uint32_t path, folder; /* the next to be told */
} staged_rows;

static inline bool any_below(const play *p, const uint32_t *map, const char *folder)
{
    for (uint32_t i = 0; i < p->m.paths.n; i++)
        if (value_in(map, i) && begins(p->m.paths.v[i], folder)) return true;
    return false;
}

/* Rows that change nothing are not told. */
static inline void next_staged(staged_rows *s)
{
    const naive *m = &s->p->m;

    for (; s->path < m->paths.n; s->path++) {
        uint32_t row = s->area->row[s->path], now = value_in(s->base, s->path);
        if (row && (row == ABSENT ? 0 : row) != now) break;
    }
    while (s->folder < m->folders.n &&
           !(s->area->clear[s->folder] && any_below(s->p, s->base, m->folders.v[s->folder])))
        s->folder++;
}

static inline tarn_code compare_staged(void *arg, tarn_change_kind kind, const tarn_entry *before,
                                       const tarn_entry *after, tarn_err *err)
{
    staged_rows *s = arg;
    const naive *m = &s->p->m;

    (void)err;
    next_staged(s);
    const char *path = s->path < m->paths.n ? m->paths.v[s->path] : NULL;
    const char *folder = s->folder < m->folders.n ? m->folders.v[s->folder] : NULL;
    if (!path && !folder) fail_msg("'%s' is not staged", (after ? after : before)->path);
    if (folder && (!path || strcmp(folder, path) < 0)) {
        assert_string_equal(before->path, folder);
        assert_true(kind == TARN_REMOVED && !after);
        s->folder++;
        return TARN_OK;
    }
    uint32_t x = value_in(s->base, s->path), y = s->area->row[s->path];
    if (y == ABSENT) y = 0;
    assert_int_equal(kind, !x ? TARN_ADDED : !y ? TARN_REMOVED : TARN_CHANGED);
    if (before) same_entry(s->p->contents, path, x, before);
    if (after) same_entry(s->p->contents, path, y, after);
    s->path++;
    return TARN_OK;
}

static inline void look_at_area(play *p, int branch, int user)
{
    const naive_area *a = &p->m.areas[branch][user];
    const uint32_t *base = map_of(p, p->m.refs[branch].commit);
    place_of at = {.branch = p->m.refs[branch].name, .who = user_names[user]};
    staged_rows s = {.p = p, .area = a, .base = base};
    uint32_t *view = area_view(&p->m, a, base);
    int from = one_in(&p->d, 4) ? -1 : any_commit(p);
    changes c = {.p = p, .a = map_of(p, from), .b = view, .prefix = ""};

    must(tarn_lake_staged(either(p), at.branch, at.who, compare_staged, &s, err));
    next_staged(&s);
    assert_true(s.path == p->m.paths.n && s.folder == p->m.folders.n);
    list_somehow(p, &at, view);
    for (int i = 0; i < 5; i++) look_up(p, &at, view, below(&p->d, p->m.paths.n));
    must(tarn_lake_diff_staged(either(p), id_of(p, from), at.branch, at.who, "", compare_change, &c, err));
    all_changes_told(&c);
    free(view);
}

/* "main$/a/b" means the staging area of a branch that is there, or has something staged. */
static inline void look_at_staging_text(play *p, int branch)
{
    char text[1400], full[256], path[1025];
    bool staged = false, there = p->m.refs[branch].commit >= 0;

    for (int u = 0; u < USERS; u++) {
        for (uint32_t i = 0; i < p->m.paths.n; i++) there = there || p->m.areas[branch][u].row[i];
        for (uint32_t f = 0; f < p->m.folders.n; f++) there = there || p->m.areas[branch][u].clear[f];
    }
    const char *wanted = p->m.paths.v[below(&p->d, p->m.paths.n)];
    (void)snprintf(text, sizeof text, "%s$/%s", short_name(p->m.refs[branch].name), wanted);
    must(tarn_lake_resolve_staged(either(p), text, &staged, full, path, err));
    assert_int_equal(staged, there);
    if (!staged) return;
    assert_string_equal(full, p->m.refs[branch].name);
    assert_string_equal(path, wanted);
}

/* ---- all of it ---- */

static inline void look_at_fsck(play *p)
{
    problems found = {.n = 0};
    tarn_fsck r;

    must(tarn_lake_fsck(either(p), keep_problem, &found, &r, NULL, err));
    if (r.problems > 0) fail_msg("fsck finds %d problems: %s", (int)r.problems, found.lines[0]);
}

#endif
