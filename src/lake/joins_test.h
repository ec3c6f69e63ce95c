/* SPDX-License-Identifier: Apache-2.0 */
/* joins_test.h - for model_test.c: merges, reverts and picks, with every option, against the naive three-way merge. */
#ifndef TARN_LAKE_JOINS_TEST_H
#define TARN_LAKE_JOINS_TEST_H

#include "lake/edits_test.h"

/* ---- merging ---- */

typedef struct joining {
    play *p;
    tarn_merge_options o;
    naive_merge g;
    const uint32_t *base, *ours, *theirs; /* maps */
    uint32_t at;                          /* conflicts told */
    changes changed;
} joining;

static inline void same_side(const joining *j, const uint32_t *map, uint32_t path, const tarn_entry *e)
{
    assert_int_equal(!e, !value_in(map, path));
    if (e) same_entry(j->p->contents, j->p->m.paths.v[path], map[path], e);
}

static inline tarn_code compare_conflict(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
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

static inline tarn_code compare_merged(void *arg, tarn_change_kind kind, const tarn_entry *before,
                                       const tarn_entry *after, tarn_err *err)
{
    joining *j = arg;
    return compare_change(&j->changed, kind, before, after, err);
}

static inline tarn_code resolve(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why,
                                tarn_err *err)
{
    int way = naive_resolve(path);

    (void)arg, (void)base, (void)ours, (void)err;
    *settled = way != LEAVE;
    tarn_text_add(why, "left");
    if (way == REMOVE || (way == TAKE_THEIRS && !theirs)) merged->object = (tarn_object){.size = 0};
    else if (way == TAKE_THEIRS) *merged = *theirs;
    return TARN_OK;
}

static inline const char *some_patterns(play *p, char *out, size_t cap)
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

static inline joining joining_new(play *p, const uint32_t *base, const uint32_t *ours, const uint32_t *theirs)
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
static inline void tell_to(joining *j, const uint32_t *out)
{
    j->changed = (changes){.p = j->p, .a = j->ours, .b = out, .prefix = ""};
    j->o.conflict = compare_conflict;
    j->o.change = compare_merged;
    j->o.told_arg = j;
}

static inline void joining_clear(joining *j)
{
    free(j->g.map);
    free(j->g.clash);
}

/* The outcome that has a map of its own; second: the other parent, or -1. */
static inline void note_join(joining *j, int branch, int second, bool nothing, const tarn_merge_result *r)
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
static inline void refused(joining *j, const tarn_merge_result *r)
{
    assert_int_equal(j->at, j->g.n_clash);
    assert_int_equal(r->conflicts, j->g.n_clash);
    assert_int_equal(r->settled, j->g.settled);
}

/* What to merge from: a ref by its name or a commit by its id. -1: what is not there. */
static inline int merge_from(play *p)
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
static inline bool merges_by_moving(joining *j, int branch, int other, int base)
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

static inline void merge(play *p)
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
static inline void undo_or_redo(play *p)
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

#endif
