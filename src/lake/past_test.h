/* SPDX-License-Identifier: Apache-2.0 */
/* past_test.h - for model_test.c: logs, blame, merge bases and references against the model; and one way of looking by
 * chance. */
#ifndef TARN_LAKE_PAST_TEST_H
#define TARN_LAKE_PAST_TEST_H

#include "lake/looks_test.h"

/* ---- history ---- */

typedef struct history {
    const play *p;
    int *v;
    size_t n, at;
} history;

static inline tarn_code compare_commit(void *arg, const tarn_commit *c, tarn_err *err)
{
    history *h = arg;

    (void)err;
    if (h->at == h->n) fail_msg("the log tells more than the %zu commits that there are", h->n);
    const naive_commit *want = &h->p->m.commits[h->v[h->at++]];
    assert_true(tarn_id_equal(&c->id, &want->id));
    assert_int_equal(c->n_parents, want->n_parents);
    assert_int_equal(c->paths, count_paths(&h->p->m, want->map));
    return TARN_OK;
}

/* Differs in the place (a path, or a folder, with '/' behind or without) from every parent, a first commit from
 * nothing. */
static inline bool changed_there(const play *p, const naive_commit *c, const char *place)
{
    int n = c->n_parents ? c->n_parents : 1;
    size_t len = strlen(place);
    bool folder = len == 0 || place[len - 1] == '/';

    for (int k = 0; k < n; k++) {
        const uint32_t *before = c->n_parents ? p->m.commits[c->parent[k]].map : NULL;
        bool differs = false;
        for (uint32_t i = 0; i < p->m.paths.n && !differs; i++)
            differs = c->map[i] != value_in(before, i) && begins(p->m.paths.v[i], place) &&
                      (folder || strchr("/", p->m.paths.v[i][strlen(place)]));
        if (!differs) return false;
    }
    return true;
}

static inline void look_at_log(play *p, int from)
{
    history h = {.p = p, .v = calloc(COMMITS, sizeof *h.v)};
    tarn_log_options o = {.limit = one_in(&p->d, 3) ? 1 + below(&p->d, 9) : 0};
    char place[1025];

    any_prefix(p, place);
    if (one_in(&p->d, 2)) o.path = place;
    assert_non_null(h.v);
    reach(&p->m, from, p->m.met);
    for (int i = from; i >= 0; i--) {
        if (!p->m.met[i] || (o.path && !changed_there(p, &p->m.commits[i], o.path))) continue;
        size_t k = h.n++;
        for (; k > 0 && is_newer(&p->m.commits[i], &p->m.commits[h.v[k - 1]]); k--) h.v[k] = h.v[k - 1];
        h.v[k] = i;
    }
    if (o.limit && (size_t)o.limit < h.n) h.n = (size_t)o.limit;
    must(tarn_lake_log_some(either(p), id_of(p, from), &o, compare_commit, &h, err));
    assert_int_equal(h.at, h.n);
    free(h.v);
}

typedef struct blamed {
    const play *p;
    int commit;
    uint32_t path;
    int told;
} blamed;

static inline tarn_code compare_blame(void *arg, const tarn_entry *e, const tarn_commit *c, tarn_err *err)
{
    blamed *b = arg;
    const naive *m = &b->p->m;
    uint32_t value = m->commits[b->commit].map[b->path];

    (void)err;
    same_entry(b->p->contents, m->paths.v[b->path], value, e);
    assert_true(tarn_id_equal(&c->id, &m->commits[b->commit].id));
    b->told++;
    return TARN_OK;
}

static inline void look_at_blame(play *p, int from, uint32_t path)
{
    blamed b = {.p = p, .commit = from, .path = path};
    const char *name = p->m.paths.v[path];

    if (!map_of(p, from)[path]) {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_blame(either(p), id_of(p, from), name, compare_blame, &b, err));
        return;
    }
    for (bool on = true; on;) {
        const naive_commit *c = &p->m.commits[b.commit];
        on = false;
        for (int k = 0; k < c->n_parents && !on; k++) {
            on = p->m.commits[c->parent[k]].map[path] == c->map[path];
            if (on) b.commit = c->parent[k];
        }
    }
    must(tarn_lake_blame(either(p), id_of(p, from), name, compare_blame, &b, err));
    assert_int_equal(b.told, 1);
}

static inline void look_at_merge_base(play *p, int a, int b)
{
    tarn_id got = {{0}};
    int want = naive_merge_base(&p->m, a, b);

    must(tarn_lake_merge_base(either(p), id_of(p, a), id_of(p, b), &got, err));
    if (want < 0) assert_true(tarn_id_none(&got));
    else assert_true(tarn_id_equal(&got, id_of(p, want)));
}

/* ---- references ---- */

/* -1: it must not be found. */
static inline void resolves_to(play *p, const char *text, int commit)
{
    tarn_id got = {{0}};

    if (commit < 0) {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_resolve(either(p), text, &got, err));
        return;
    }
    must(tarn_lake_resolve(either(p), text, &got, err));
    if (!tarn_id_equal(&got, id_of(p, commit))) fail_msg("'%s' is not commit %d", text, commit);
}

/* The ref that a name means; -1: none. */
static inline int find_ref(const play *p, const char *name, size_t len)
{
    static const char *const tops[] = {"heads/", "tags/", ""};
    char full[300];

    for (size_t t = 0; t < 3; t++) {
        (void)snprintf(full, sizeof full, "%s%.*s", tops[t], (int)(len < 250 ? len : 250), name);
        for (int r = 0; r < REFS; r++)
            if (p->m.refs[r].commit >= 0 && strcmp(p->m.refs[r].name, full) == 0) return r;
    }
    return -1;
}

/* main~2^2~0 and so on. */
static inline void look_at_modifiers(play *p)
{
    char text[200];
    int r = (int)below(&p->d, REFS), steps = (int)below(&p->d, 4);
    const char *name = short_name(p->m.refs[r].name);
    int found = find_ref(p, name, strlen(name)), at = found < 0 ? -1 : p->m.refs[found].commit;
    int n = snprintf(text, sizeof text, "%s", name);

    for (int i = 0; i < steps && at >= 0; i++) {
        uint32_t back = below(&p->d, 4), which = 1 + below(&p->d, 2);
        const naive_commit *c = &p->m.commits[at];
        if (one_in(&p->d, 2)) {
            n += snprintf(text + n, sizeof text - (size_t)n, "^%u", which);
            at = (int)which <= c->n_parents ? c->parent[which - 1] : -1;
            continue;
        }
        n += snprintf(text + n, sizeof text - (size_t)n, "~%u", back);
        for (; back > 0 && at >= 0; back--) at = p->m.commits[at].n_parents ? p->m.commits[at].parent[0] : -1;
    }
    resolves_to(p, text, at);
    if (at < 0) return;
    (void)tarn_id_hex(id_of(p, at), text);
    resolves_to(p, text, at);
    text[20] = '\0';
    resolves_to(p, text, at);
}

/* "main/data/x": the longest ref that exists wins. */
static inline void look_at_ref_and_path(play *p)
{
    char text[1400], path[1025] = "?";
    const char *rest = NULL;
    tarn_id got = {{0}};
    int found = -1;

    (void)snprintf(text, sizeof text, "%s/%s", short_name(p->m.refs[below(&p->d, REFS)].name),
                   p->m.paths.v[below(&p->d, p->m.paths.n)]);
    for (size_t i = strlen(text) + 1; i-- > 0 && found < 0;) {
        if (text[i] && text[i] != '/') continue;
        found = find_ref(p, text, i);
        rest = text[i] ? text + i + 1 : "";
    }
    if (found < 0) {
        must_fail_with(TARN_NOT_FOUND, "", tarn_lake_resolve_path(either(p), text, &got, path, err));
        return;
    }
    must(tarn_lake_resolve_path(either(p), text, &got, path, err));
    assert_true(tarn_id_equal(&got, id_of(p, p->m.refs[found].commit)));
    assert_string_equal(path, rest);
}

typedef struct past_moves {
    const play *p;
    const naive_ref *ref;
    size_t left;
    int64_t *time_us;
} past_moves;

static inline bool is_commit(const play *p, const tarn_id *id, int commit)
{
    return commit < 0 ? tarn_id_none(id) : tarn_id_equal(id, id_of(p, commit));
}

static inline tarn_code compare_move(void *arg, const tarn_move *move, tarn_err *err)
{
    past_moves *x = arg;

    (void)err;
    if (x->left == 0) fail_msg("the log of %s tells a move that was not made", x->ref->name);
    const naive_move *want = &x->ref->moves[--x->left];
    if (!is_commit(x->p, &move->was, want->was) || !is_commit(x->p, &move->to, want->to))
        fail_msg("move %zu of %s is another", x->left, x->ref->name);
    x->time_us[x->left] = move->time_us;
    return TARN_OK;
}

static inline void at_time(play *p, const naive_ref *r, const int64_t *times, int64_t us)
{
    char text[128], when[40];
    time_t second = (time_t)(us / 1000000);
    struct tm tm;
    int at = -1;

    for (size_t i = 0; i < r->n_moves; i++)
        if (times[i] <= us) at = r->moves[i].to;
    assert_non_null(gmtime_r(&second, &tm));
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, sizeof text, "%s@{%s.%06dZ}", r->name, when, (int)(us % 1000000));
    resolves_to(p, text, at);
}

/* What happened to a ref, and what it was at those times. */
static inline void look_at_moves(play *p)
{
    const naive_ref *r = &p->m.refs[below(&p->d, REFS)];
    past_moves x = {.p = p, .ref = r, .left = r->n_moves, .time_us = calloc(r->n_moves + 1, sizeof(int64_t))};

    assert_non_null(x.time_us);
    must(tarn_lake_ref_moves(either(p), r->name, compare_move, &x, err));
    assert_int_equal(x.left, 0);
    for (int i = 0; i < 4 && r->n_moves > 0; i++)
        at_time(p, r, x.time_us, x.time_us[below(&p->d, (uint32_t)r->n_moves)] - (int64_t)below(&p->d, 2));
    free(x.time_us);
}

typedef struct ref_rows {
    const play *p;
    int n;
} ref_rows;

static inline tarn_code compare_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    ref_rows *x = arg;
    int found = -1;

    (void)err;
    for (int r = 0; r < REFS; r++)
        if (strcmp(x->p->m.refs[r].name, ref->name) == 0) found = r;
    if (found < 0 || x->p->m.refs[found].commit < 0) fail_msg("there is a ref '%s'", ref->name);
    if (!is_commit(x->p, &ref->commit, x->p->m.refs[found].commit)) fail_msg("%s is another commit", ref->name);
    x->n++;
    return TARN_OK;
}

static inline void look_at_refs(play *p)
{
    ref_rows x = {.p = p};
    int wanted = 0;

    for (int r = 0; r < REFS; r++) wanted += p->m.refs[r].commit >= 0;
    must(tarn_lake_refs(either(p), "", compare_ref, &x, err));
    assert_int_equal(x.n, wanted);
}

/* ---- by chance ---- */

/* One way of looking, by chance. */
static inline void look_somehow(play *p)
{
    int a = any_commit(p), b = any_commit(p), branch = (int)below(&p->d, BRANCHES);
    uint32_t path = below(&p->d, p->m.paths.n), how = below(&p->d, 14);
    place_of at = {.commit = id_of(p, a)};

    if (how == 0) look_at_area(p, branch, (int)below(&p->d, USERS));
    if (how == 1) look_at_staging_text(p, branch);
    if (how == 2) look_at_modifiers(p);
    if (how == 3) look_at_moves(p);
    if (how == 4) look_at_ref_and_path(p);
    if (a < 0) return;
    if (how < 6) list_somehow(p, &at, map_of(p, a));
    if (how == 6) look_at_diff(p, one_in(&p->d, 9) ? -1 : a, one_in(&p->d, 9) ? -1 : b);
    if (how == 7) look_at_log(p, a);
    if (how == 8) look_at_blame(p, a, path);
    if (how == 9) look_at_merge_base(p, a, b);
    if (how == 10) look_at_tree(p, a, true);
    if (how == 11) look_at_files(p, a);
    if (how == 12) look_up(p, &at, map_of(p, a), path);
    if (how == 13 && map_of(p, a)[path]) read_part(p, map_of(p, a)[path]);
}

#endif
