/* SPDX-License-Identifier: Apache-2.0 */
/* like.c - see like.h.
 *
 * Of the old object a window of chunks is kept, from some way behind the current place to some way ahead, and an index
 * of their ids. `shift` is where the new object's bytes stand in the old one: old = new + shift. It is put right
 *
 *   - at a chunk that both have: they begin at the same place of the content;
 *   - at a chunk whose last bytes are those of the old one it was matched with: they end there.
 *
 * In between, inserted and deleted rows move it by their length, which is little against a chunk. A new chunk resembles
 * the one or two old ones that it overlaps most; one that it only touches is not worth its reading. */
#include "lake/like.h"

#include "base/mem.h"
#include "lake/idmap.h"
#include "lake/object.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 4096, BEHIND = 512, TOUCH = 4 << 10, TAIL = 32 };

typedef struct old_chunk {
    tarn_id id, part; /* part: the list of chunks that it stands in; none where that is the object's own */
    uint64_t at, size;
} old_chunk;

struct tarn_like {
    tarn_lake *lake;
    tarn_id object;
    old_chunk *window;
    size_t n;
    tarn_idmap places; /* id -> number in the window */
    bool whole;        /* the window reaches to the end of the object */
    bool no_more;      /* the old object cannot be read */
    uint64_t new_at;
    int64_t shift;
    tarn_id list, last_list; /* that the last chunk, and the one before it, stood in */
};

typedef struct filling {
    tarn_like *like;
    uint64_t from;
    tarn_id part;
} filling;

/* Chunks from `from` on, until the window is full. */
static tarn_code fill(void *arg, const tarn_piece *p, bool *enter, tarn_err *err)
{
    filling *f = arg;
    tarn_like *l = f->like;

    if (p->at + p->size <= f->from) {
        *enter = false;
        return TARN_OK;
    }
    if (p->level > 0) {
        f->part = p->id;
        return TARN_OK;
    }
    if (l->n == WINDOW) return TARN_CANCELLED;
    l->window[l->n] = (old_chunk){p->id, f->part, p->at, p->size};
    return tarn_idmap_put(&l->places, &p->id, l->n++, NULL, err);
}

/* Have the window begin at the chunk that holds byte `from` of the old object. */
static tarn_code move_window(tarn_like *l, uint64_t from, tarn_err *err)
{
    tarn_err why = {0};

    l->n = 0;
    tarn_idmap_reset(&l->places);
    tarn_code rc = tarn_object_pieces(l->lake, &l->object, fill, &(filling){.like = l, .from = from}, &why);
    l->whole = rc == TARN_OK;
    if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "%s", why.msg);
    l->no_more = rc != TARN_OK && rc != TARN_CANCELLED;
    return TARN_OK;
}

tarn_code tarn_like_new(tarn_lake *lake, const tarn_id *object, tarn_like **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_like *l = NULL;

    *out = NULL;
    TARN_TRY(tarn_alloc(&l, 1, sizeof *l, err));
    l->lake = lake;
    l->object = l->list = l->last_list = *object;
    TARN_TRY(tarn_alloc(&l->window, WINDOW, sizeof *l->window, err));
    TARN_TRY(move_window(l, 0, err));
    *out = l;
    l = NULL;
done:
    tarn_like_free(l);
    return rc;
}

void tarn_like_free(tarn_like *l)
{
    if (!l) return;
    tarn_free(l->window);
    tarn_idmap_clear(&l->places);
    tarn_free(l);
}

/* The number of the first chunk that ends after `at`. */
static size_t first_after(const tarn_like *l, uint64_t at)
{
    size_t from = 0, to = l->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (l->window[middle].at + l->window[middle].size <= at) from = middle + 1;
        else to = middle;
    }
    return from;
}

static uint64_t old_place(const tarn_like *l, uint64_t new_at)
{
    return l->shift < 0 && new_at < (uint64_t)-l->shift ? 0 : new_at + (uint64_t)l->shift;
}

static uint64_t overlap(const old_chunk *c, uint64_t from, uint64_t to)
{
    uint64_t a = c->at > from ? c->at : from, b = c->at + c->size < to ? c->at + c->size : to;
    return b > a ? b - a : 0;
}

/* Of the old chunks in from .. to the two that share most with it, the better one last. */
static int best_two(const tarn_like *l, uint64_t from, uint64_t to, const old_chunk *best[TARN_DELTA_BASES])
{
    const old_chunk *first = NULL, *second = NULL;

    for (size_t i = first_after(l, from); i < l->n && l->window[i].at < to; i++) {
        const old_chunk *c = &l->window[i];
        uint64_t share = overlap(c, from, to);
        if (!first || share > overlap(first, from, to)) second = first, first = c;
        else if (!second || share > overlap(second, from, to)) second = c;
    }
    if (!first) return 0;
    if (!second || overlap(second, from, to) < TOUCH) {
        best[0] = first;
        return 1;
    }
    best[0] = second;
    best[1] = first;
    return 2;
}

/* Do both end with the same bytes? Then they end at the same place. */
static tarn_code align_ends(tarn_like *l, const old_chunk *c, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_plain *plain = NULL;
    tarn_err why = {0};
    int work = TARN_DELTA_WORK;
    tarn_code rc = tarn_plain_load(l->lake, &c->id, &work, &plain, &why);

    if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "%s", why.msg);
    if (rc != TARN_OK) return TARN_OK;
    if (len >= TAIL && plain->len == c->size && plain->len >= TAIL &&
        memcmp(bytes + len - TAIL, plain->bytes + plain->len - TAIL, TAIL) == 0)
        l->shift = (int64_t)(c->at + c->size) - (int64_t)(l->new_at + len);
    tarn_plain_release(plain);
    return TARN_OK;
}

static tarn_code follow(tarn_like *l, tarn_err *err)
{
    uint64_t place = old_place(l, l->new_at);

    if (l->no_more || l->n == 0) return TARN_OK;
    size_t at = first_after(l, place);
    if (l->whole || at < WINDOW - BEHIND) return TARN_OK;
    uint64_t back = l->window[at < l->n ? at - BEHIND : l->n - BEHIND].at;
    return move_window(l, back, err);
}

tarn_code tarn_like_chunk(tarn_like *l, const tarn_id *id, const uint8_t *bytes, size_t len,
                          tarn_id base[TARN_DELTA_BASES], int *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const old_chunk *best[TARN_DELTA_BASES];

    *n = 0;
    TARN_TRY(follow(l, err));
    uint64_t from = old_place(l, l->new_at), here = first_after(l, from);
    l->last_list = l->list;
    if (here < l->n) l->list = tarn_id_none(&l->window[here].part) ? l->object : l->window[here].part;
    const uint64_t *same = tarn_idmap_find(&l->places, id);
    if (here < l->n && tarn_id_equal(&l->window[here].id, id)) same = &here; /* of equal chunks the nearest */
    if (same) {
        l->shift = (int64_t)l->window[*same].at - (int64_t)l->new_at;
    } else if (!l->no_more) {
        *n = best_two(l, from, from + len, best);
        for (int i = 0; i < *n; i++) base[i] = best[i]->id;
        for (int i = 0; i < *n; i++) TARN_TRY(align_ends(l, best[i], bytes, len, err));
    }
    l->new_at += len;
done:
    return rc;
}

void tarn_like_list(const tarn_like *l, tarn_id *base) { *base = l->last_list; }
