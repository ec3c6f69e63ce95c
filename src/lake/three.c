/* SPDX-License-Identifier: Apache-2.0 */
/* three.c - merging two trees that come from a third.
 *
 * Only paths that one side changed can differ from the other side in the result. So the result starts as the tree of
 * the side that changed more, whole, and takes the changes of the side that changed less: its difference to the base is
 * walked (equal subtrees are passed), and each changed path is looked up on the other side. Which side that is comes
 * from counting both differences in turns, each up to a bound that doubles. Cost: O(fewer changes x log n) time; memory
 * for one batch of edits. A tree is a function of its set of paths, so both ways give the same root. */
#include "lake/tree.h"

#include "base/mem.h"

#include <string.h>

enum { BATCH = 1024, FIRST_BATCH = 4 /* times 4, again and again */, FIRST_BOUND = 64 };

bool tarn_entry_same(const tarn_entry *a, const tarn_entry *b)
{
    if (!a || !b) return a == b;
    return tarn_id_equal(&a->object.id, &b->object.id) && a->object.size == b->object.size &&
           tarn_id_equal(&a->recipe, &b->recipe) && tarn_id_equal(&a->attrs, &b->attrs);
}

typedef struct counter {
    uint64_t n, most;
} counter;

static tarn_code count_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    counter *c = arg;

    (void)kind, (void)before, (void)after, (void)err;
    return ++c->n > c->most ? TARN_CANCELLED : TARN_OK;
}

static tarn_code has_few(tarn_lake *lake, const tarn_id *a, const tarn_id *b, uint64_t most, bool *few, tarn_err *err)
{
    counter c = {.most = most};
    tarn_code rc = tarn_tree_diff(lake, a, b, "", count_change, &c, err);

    *few = rc == TARN_OK;
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* Which side has fewer changes, about. */
static tarn_code find_smaller(tarn_lake *lake, const tarn_id *base, const tarn_id *ours, const tarn_id *theirs,
                              bool *theirs_is, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool few = false;

    for (uint64_t bound = FIRST_BOUND; !few; bound *= 2) {
        *theirs_is = true;
        TARN_TRY(has_few(lake, base, theirs, bound, &few, err));
        if (few) break;
        *theirs_is = false;
        TARN_TRY(has_few(lake, base, ours, bound, &few, err));
    }
done:
    return rc;
}

typedef struct merger {
    tarn_lake *lake;
    tarn_id big, now; /* the other side's tree; the result so far */
    bool small_is_theirs;
    tarn_clash_fn *clash;
    void *arg;
    tarn_entry *edits;
    size_t n, cap;
    uint64_t paths;
    tarn_entry there; /* on the other side */
} merger;

static tarn_code flush(merger *m, tarn_err *err)
{
    tarn_code rc = tarn_tree_update(m->lake, &m->now, m->edits, m->n, &m->now, &m->paths, err);

    m->n = 0;
    return rc;
}

/* Equal content that was made differently (recipe, attributes) is no conflict: what only one side changed holds, and
 * of two new ones the smaller id, so that both ways of merging agree. */
static tarn_id one_of(const tarn_id *base, const tarn_id *a, const tarn_id *b)
{
    if (base && tarn_id_equal(base, a)) return *b;
    if (base && tarn_id_equal(base, b)) return *a;
    return memcmp(a->b, b->b, TARN_ID_BYTES) < 0 ? *a : *b;
}

static void blend(const tarn_entry *base, const tarn_entry *small, const tarn_entry *big, tarn_entry *out)
{
    *out = *small;
    out->recipe = one_of(base ? &base->recipe : NULL, &small->recipe, &big->recipe);
    out->attrs = one_of(base ? &base->attrs : NULL, &small->attrs, &big->attrs);
}

/* Room for one more edit: a few at first, since most merges bring few. */
static tarn_code reserve(merger *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (m->n < m->cap) return TARN_OK;
    size_t cap = m->cap ? m->cap * 4 : FIRST_BATCH;
    TARN_TRY(tarn_resize(&m->edits, cap, sizeof *m->edits, err));
    m->cap = cap;
done:
    return rc;
}

/* A path that the smaller side changed from base to small. */
static tarn_code take(void *arg, tarn_change_kind kind, const tarn_entry *base, const tarn_entry *small, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    merger *m = arg;
    const char *path = small ? small->path : base->path;

    (void)kind;
    TARN_TRY(reserve(m, err));
    tarn_entry *out = &m->edits[m->n];
    rc = tarn_tree_lookup(m->lake, &m->big, path, &m->there, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) return rc;
    const tarn_entry *big = rc == TARN_OK ? &m->there : NULL;
    rc = TARN_OK;
    if (tarn_entry_same(small, big)) return TARN_OK; /* changed alike */
    if (tarn_entry_same(base, big)) {
        *out = small ? *small : (tarn_entry){.object.size = 0};
    } else if (small && big && tarn_id_equal(&small->object.id, &big->object.id)) {
        blend(base, small, big, out);
    } else {
        const tarn_entry *ours = m->small_is_theirs ? big : small, *theirs = m->small_is_theirs ? small : big;
        *out = ours ? *ours : (tarn_entry){.object.size = 0};
        memcpy(out->path, path, strlen(path) + 1);
        TARN_TRY(m->clash(m->arg, path, base, ours, theirs, out, err));
    }
    memmove(out->path, path, strlen(path) + 1);
    if (++m->n == BATCH) TARN_TRY(flush(m, err));
done:
    return rc;
}

tarn_code tarn_tree_merge(tarn_lake *lake, const tarn_id *base, const tarn_id *ours, const tarn_id *theirs,
                          tarn_clash_fn *clash, void *arg, tarn_id *out, uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    merger *m = NULL;

    TARN_TRY(tarn_alloc(&m, 1, sizeof *m, err));
    m->lake = lake;
    m->clash = clash;
    m->arg = arg;
    m->small_is_theirs = true;
    m->big = *ours;
    if (tarn_id_equal(base, ours)) m->big = *theirs; /* all of theirs, and nothing of ours to bring in */
    bool whole = tarn_id_equal(base, ours) || tarn_id_equal(base, theirs) || tarn_id_equal(ours, theirs);
    if (!whole) TARN_TRY(find_smaller(lake, base, ours, theirs, &m->small_is_theirs, err));
    if (!whole && !m->small_is_theirs) m->big = *theirs;
    m->now = m->big;
    if (!whole) TARN_TRY(tarn_tree_diff(lake, base, m->small_is_theirs ? theirs : ours, "", take, m, err));
    TARN_TRY(flush(m, err)); /* with no edit it counts the paths */
    *out = m->now;
    *paths = m->paths;
done:
    if (m) tarn_free(m->edits);
    tarn_free(m);
    return rc;
}
