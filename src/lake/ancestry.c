/* SPDX-License-Identifier: Apache-2.0 */
/* ancestry.c - walking over commits, and the best common ancestor of two.
 *
 * Two colours run down from the two commits, newest commit first. A commit that has both is a common ancestor, and what
 * lies behind it is stale: ancestor of one. The walk ends when all that waits of one colour is stale: what the other
 * colour would still find is an ancestor of what was found. So a branch that never takes from main is merged there at
 * the cost of what is new, however old its fork is. Commits are younger than their parents (land.c sees to that), so a
 * commit has all its colours when its turn comes, and nothing older than the answer is read beyond what waits. In
 * commits with times out of order a colour may come late; then the commit is gone through again, which costs time but
 * no truth. */
#include "lake/ancestry.h"

#include "base/mem.h"

#include <string.h>

/* ---- the queue ---- */

static bool newer(const tarn_links *a, const tarn_links *b)
{
    if (a->time_us != b->time_us) return a->time_us > b->time_us;
    return memcmp(a->id.b, b->id.b, TARN_ID_BYTES) < 0;
}

tarn_code tarn_queue_push(tarn_queue *q, const tarn_links *links, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (q->n == q->cap) {
        size_t cap = q->cap ? q->cap * 2 : 32;
        TARN_TRY(tarn_resize(&q->heap, cap, sizeof *q->heap, err));
        q->cap = cap;
    }
    size_t at = q->n++;
    for (; at > 0 && newer(links, &q->heap[(at - 1) / 2]); at = (at - 1) / 2) q->heap[at] = q->heap[(at - 1) / 2];
    q->heap[at] = *links;
done:
    return rc;
}

tarn_links tarn_queue_pop(tarn_queue *q)
{
    tarn_links top = q->heap[0];
    const tarn_links *last = &q->heap[--q->n];
    size_t at = 0;

    for (size_t next = 1; next < q->n; next = 2 * at + 1) {
        if (next + 1 < q->n && newer(&q->heap[next + 1], &q->heap[next])) next++;
        if (newer(last, &q->heap[next])) break;
        q->heap[at] = q->heap[next];
        at = next;
    }
    q->heap[at] = *last;
    return top;
}

void tarn_queue_clear(tarn_queue *q)
{
    tarn_free(q->heap);
    *q = (tarn_queue){0};
}

/* ---- all of the past ---- */

tarn_code tarn_past_links(tarn_past *p, const tarn_id *id, tarn_links *out, tarn_err *err)
{
    tarn_links *kept = &p->kept[id->b[TARN_ID_BYTES - 1] % TARN_LINKS_KEPT];

    if (!tarn_id_equal(&kept->id, id)) {
        tarn_code rc = tarn_commit_links(p->lake, id, kept, err);
        if (rc != TARN_OK) return rc;
    }
    *out = *kept;
    return TARN_OK;
}

tarn_code tarn_past_add(tarn_past *p, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links links;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&p->seen, id, 1, &fresh, err));
    if (!fresh) goto done;
    TARN_TRY(tarn_past_links(p, id, &links, err));
    TARN_TRY(tarn_queue_push(&p->queue, &links, err));
done:
    return rc;
}

tarn_code tarn_past_next(tarn_past *p, tarn_links *out, bool *ended, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *ended = p->queue.n == 0;
    if (*ended) goto done;
    *out = tarn_queue_pop(&p->queue);
    for (int i = 0; i < out->n_parents; i++) TARN_TRY(tarn_past_add(p, &out->parents[i], err));
done:
    return rc;
}

void tarn_past_clear(tarn_past *p)
{
    tarn_queue_clear(&p->queue);
    tarn_idmap_clear(&p->seen);
}

/* ---- the best common ancestor ---- */

enum { COLOUR_A = 1, COLOUR_B = 2, BOTH = 3, STALE = 4, WAITING = 8 };

typedef struct painting {
    tarn_lake *lake;
    tarn_queue queue;
    tarn_idmap colours;
    size_t fresh[2]; /* waiting and not stale, of each colour */
    tarn_links *common;
    size_t n_common, cap_common;
} painting;

static void count_fresh(painting *p, uint64_t colours, int step)
{
    if (!(colours & WAITING) || (colours & STALE)) return;
    if (colours & COLOUR_A) p->fresh[0] += (size_t)step;
    if (colours & COLOUR_B) p->fresh[1] += (size_t)step;
}

static tarn_code paint(painting *p, const tarn_id *id, uint64_t colours, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *found = tarn_idmap_find(&p->colours, id), was = found ? *found : 0, now = was | colours;
    tarn_links links;

    if (now == was) goto done;
    if (!(was & WAITING)) {
        TARN_TRY(tarn_commit_links(p->lake, id, &links, err));
        TARN_TRY(tarn_queue_push(&p->queue, &links, err));
    }
    now |= WAITING;
    TARN_TRY(tarn_idmap_put(&p->colours, id, now, NULL, err));
    count_fresh(p, was, -1);
    count_fresh(p, now, 1);
done:
    return rc;
}

static tarn_code keep_common(painting *p, const tarn_links *links, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (p->n_common == p->cap_common) {
        size_t cap = p->cap_common ? p->cap_common * 2 : 8;
        TARN_TRY(tarn_resize(&p->common, cap, sizeof *p->common, err));
        p->cap_common = cap;
    }
    p->common[p->n_common++] = *links;
done:
    return rc;
}

static tarn_code paint_next(painting *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links top = tarn_queue_pop(&p->queue);
    uint64_t *colours = tarn_idmap_find(&p->colours, &top.id);

    count_fresh(p, *colours, -1);
    *colours &= ~(uint64_t)WAITING;
    uint64_t pass = *colours;
    if ((pass & BOTH) == BOTH) {
        if (!(pass & STALE)) TARN_TRY(keep_common(p, &top, err));
        pass |= STALE;
    }
    for (int i = 0; i < top.n_parents; i++) TARN_TRY(paint(p, &top.parents[i], pass, err));
done:
    return rc;
}

tarn_code tarn_lake_merge_base(tarn_lake *lake, const tarn_id *a, const tarn_id *b, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    painting p = {.lake = lake};
    const tarn_links *best = NULL;

    if (tarn_id_equal(a, b)) {
        *out = *a;
        return TARN_OK;
    }
    TARN_TRY(paint(&p, a, COLOUR_A, err));
    TARN_TRY(paint(&p, b, COLOUR_B, err));
    while (p.fresh[0] > 0 && p.fresh[1] > 0) TARN_TRY(paint_next(&p, err));
    for (size_t i = 0; i < p.n_common; i++) {
        if (*tarn_idmap_find(&p.colours, &p.common[i].id) & STALE) continue; /* found out later */
        if (!best || newer(&p.common[i], best)) best = &p.common[i];
    }
    *out = best ? best->id : (tarn_id){{0}};
done:
    tarn_queue_clear(&p.queue);
    tarn_idmap_clear(&p.colours);
    tarn_free(p.common);
    return rc;
}
