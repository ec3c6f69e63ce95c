/* SPDX-License-Identifier: Apache-2.0 */
/* edits_test.h - for model_test.c: putting content, and changing paths with a commit or in a staging area. */
#ifndef TARN_LAKE_EDITS_TEST_H
#define TARN_LAKE_EDITS_TEST_H

#include "lake/past_test.h"

/* ---- putting ---- */

static inline void put_content(play *p, tarn_lake *lake, int number, const tarn_id *like)
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
static inline void put_value(play *p, tarn_lake *lake, uint32_t value, uint32_t before)
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
static inline void note_commit(play *p, int ref, const tarn_id *id, uint32_t *map, int second_parent)
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

static inline edits edits_new(const play *p, const uint32_t *map, size_t most)
{
    edits e = {
        .v = calloc(most + 1, sizeof *e.v), .values = calloc(most + 1, sizeof *e.values), .map = map_new(&p->m, map)};

    assert_true(e.v && e.values);
    return e;
}

static inline void edits_free(edits *e)
{
    free(e->v);
    free(e->values);
    free(e->map);
}

static inline void edit_path(play *p, edits *e, tarn_lake *lake, uint32_t path, uint32_t value)
{
    uint32_t before = e->map[path];

    if (value) put_value(p, lake, value, before);
    e->map[path] = value;
    e->values[e->n] = value;
    e->v[e->n++] = entry_for(p->contents, p->m.paths.v[path], value);
}

/* Was the call refused because another handle's garbage collection took what this one believed to be there? Then it
 * knows now, and everything is put once more. */
static inline bool must_put_again(play *p, tarn_lake *lake, const edits *e, tarn_code rc, const tarn_err *err)
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

static inline tarn_code commit_or_again(play *p, tarn_lake *lake, int ref, const edits *e, const tarn_commit_options *o,
                                        tarn_id *out, tarn_err *err)
{
    tarn_code rc;

    do rc = tarn_lake_commit_entries(lake, p->m.refs[ref].name, e->v, e->n, o, out, err);
    while (must_put_again(p, lake, e, rc, err));
    return rc;
}

static inline tarn_code stage_or_again(play *p, tarn_lake *lake, int branch, int user, const edits *e, tarn_err *err)
{
    tarn_code rc;

    do rc = tarn_lake_stage(lake, p->m.refs[branch].name, user_names[user], e->v, e->n, err);
    while (must_put_again(p, lake, e, rc, err));
    return rc;
}

static inline tarn_id some_other_id(play *p)
{
    int c = any_commit(p);
    return c < 0 ? (tarn_id){{1}} : p->m.commits[c].id;
}

/* Commit the edits onto a ref; e is used up. */
static inline void commit_edits(play *p, tarn_lake *lake, int ref, edits *e)
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

#endif
