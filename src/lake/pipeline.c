/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c - see pipeline.h.
 *
 * The content comes in batches. While one is read and cut, the hashes of the one before are made, and the one before
 * that is coded and entered:
 *
 *     step k:  read and cut batch k | hash batch k - 1 | code and enter batch k - 2
 *
 * Reading, and hashing the whole, must go on in order, so each is one block of the step's job for the pool; coding is a
 * block for each few chunks, and these enter their records in order, when their turn comes. So the threads are busy,
 * the records stand in the pack in the content's order, and none of it depends on how many threads there are. */
#include "lake/pipeline.h"

#include "base/mem.h"
#include "lake/like.h"
#include "lake/object.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH = 4 << 20,
    BATCHES = 3,
    ROOM = BATCH + TARN_CHUNK_MOST,       /* what was not cut of the batch before comes first */
    PIECES = ROOM / TARN_CHUNK_LEAST + 2, /* in a batch, at most */
    GROUP = 4,                            /* chunks that are one block of work */
    SERIAL = 2                            /* blocks of a step that are not coding */
};

/* What is known of a chunk besides its bytes and id. */
typedef struct hint {
    tarn_id base[TARN_DELTA_BASES], list;
    int n;
} hint;

typedef struct batch {
    uint8_t *bytes;
    size_t len, cut; /* bytes in it, and those that are in pieces */
    tarn_stretch *pieces;
    tarn_id *ids;
    hint *hints;
    size_t n;
} batch;

/* A thread's memory for what its group is coded into. */
typedef struct hand {
    uint8_t *room[GROUP];
    size_t cap[GROUP];
} hand;

typedef struct pipeline {
    tarn_lake *lake;
    int fd;
    const char *path;
    batch batches[BATCHES];
    batch *reading, *hashing, *coding; /* of this step; NULL: none */
    bool ended;
    tarn_hasher *hasher;
    tarn_like *old; /* what it replaces, being walked; or NULL */
    tarn_list_writer list;
    uint64_t size;
    hand *hands;
    int n_hands;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t turned;
    int64_t turn, failed; /* the group that may enter; the first that will not (INT64_MAX: none) */
} pipeline;

/* ---- reading and cutting ---- */

static tarn_code read_some(pipeline *p, batch *b, tarn_err *err)
{
    while (b->len < ROOM) {
        ssize_t n = read(p->fd, b->bytes + b->len, ROOM - b->len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TARN_FAIL_ERRNO(err, "read", p->path);
        p->ended = n == 0;
        if (p->ended) break;
        b->len += (size_t)n;
    }
    return TARN_OK;
}

/* A border is certain when TARN_CHUNK_MOST bytes are there, or no more will come. */
static void cut(pipeline *p, batch *b)
{
    size_t keep = p->ended ? 0 : TARN_CHUNK_MOST;

    for (b->cut = b->n = 0; b->len - b->cut > keep; b->n++) {
        size_t n = tarn_chunk_cut(&p->lake->gear, b->bytes + b->cut, b->len - b->cut);
        b->pieces[b->n] = (tarn_stretch){b->bytes + b->cut, n};
        b->cut += n;
    }
    p->size += b->cut;
}

static tarn_code read_batch(pipeline *p, tarn_err *err)
{
    batch *b = p->reading;
    const batch *before = p->hashing;

    b->len = before ? before->len - before->cut : 0;
    if (b->len > 0) memcpy(b->bytes, before->bytes + before->cut, b->len);
    tarn_code rc = read_some(p, b, err);
    if (rc == TARN_OK) cut(p, b);
    return rc;
}

/* ---- hashing ---- */

static tarn_code hash_batch(pipeline *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    batch *b = p->hashing;

    TARN_TRY(tarn_digest_each(b->pieces, b->n, p->hasher, b->ids, err));
    for (size_t i = 0; i < b->n && p->old; i++) {
        hint *h = &b->hints[i];
        TARN_TRY(tarn_like_chunk(p->old, &b->ids[i], b->pieces[i].bytes, b->pieces[i].len, h->base, &h->n, err));
        tarn_like_list(p->old, &h->list);
    }
done:
    return rc;
}

/* ---- coding and entering ---- */

static tarn_code code_group(pipeline *p, hand *h, size_t first, int n, tarn_coded *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const batch *b = p->coding;

    for (int i = 0; i < n; i++) {
        const tarn_stretch *piece = &b->pieces[first + (size_t)i];
        const hint *near = &b->hints[first + (size_t)i];
        int n_like = p->old ? near->n : 0;
        TARN_TRY(tarn_slab_need(&h->room[i], &h->cap[i], tarn_store_room(piece->len, n_like), err));
        TARN_TRY(tarn_store_code(p->lake, &b->ids[first + (size_t)i], TARN_KIND_CHUNK, piece->bytes, piece->len,
                                 near->base, n_like, h->room[i], &out[i], err));
    }
done:
    return rc;
}

static tarn_code enter_group(pipeline *p, size_t first, int n, const tarn_coded *coded, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const batch *b = p->coding;

    for (int i = 0; i < n; i++) {
        TARN_TRY(tarn_store_enter(p->lake, &coded[i], err));
        p->list.has_like = p->old != NULL;
        if (p->old) p->list.like = b->hints[first + (size_t)i].list;
        TARN_TRY(tarn_list_add(&p->list, &b->ids[first + (size_t)i], b->pieces[first + (size_t)i].len, err));
    }
done:
    return rc;
}

/* Is it this group's turn, now or in a while? Not if one before it failed. */
static bool await_turn(pipeline *p, int64_t group)
{
    (void)pthread_mutex_lock(&p->lock);
    while (p->turn != group && p->failed > group) (void)pthread_cond_wait(&p->turned, &p->lock);
    bool mine = p->turn == group;
    (void)pthread_mutex_unlock(&p->lock);
    return mine;
}

static void end_turn(pipeline *p, int64_t group, bool ok)
{
    (void)pthread_mutex_lock(&p->lock);
    if (ok) p->turn++;
    else if (group < p->failed) p->failed = group;
    (void)pthread_cond_broadcast(&p->turned);
    (void)pthread_mutex_unlock(&p->lock);
}

static tarn_code put_group(pipeline *p, int64_t group, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_coded coded[GROUP];
    size_t first = (size_t)group * GROUP, left = p->coding->n - first;
    int n = left < GROUP ? (int)left : GROUP;

    TARN_TRY(code_group(p, &p->hands[worker], first, n, coded, err));
    if (!await_turn(p, group)) return TARN_CANCELLED; /* the error is of one before */
    TARN_TRY(enter_group(p, first, n, coded, err));
done:
    end_turn(p, group, rc == TARN_OK);
    return rc;
}

/* ---- steps ---- */

static tarn_code one_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    pipeline *p = arg;

    if (block >= SERIAL) return put_group(p, block - SERIAL, worker, err);
    if (block == 0) return p->hashing ? hash_batch(p, err) : TARN_OK; /* the longest first */
    return p->reading ? read_batch(p, err) : TARN_OK;
}

static tarn_code step(pipeline *p, tarn_pool *pool, tarn_err *err)
{
    int64_t groups = p->coding ? (int64_t)((p->coding->n + GROUP - 1) / GROUP) : 0;

    p->turn = 0;
    p->failed = INT64_MAX;
    return tarn_pool_run(pool, SERIAL + groups, one_block, p, err);
}

static tarn_code run(pipeline *p, tarn_pool *pool, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t k = 1;; k++) { /* the first batch has been read */
        p->coding = p->hashing;
        p->hashing = p->reading;
        p->reading = p->ended ? NULL : &p->batches[k % BATCHES];
        if (!p->reading && !p->hashing && !p->coding) break;
        TARN_TRY(step(p, pool, err));
    }
done:
    return rc;
}

static tarn_code start(pipeline *p, tarn_pool *pool, const tarn_id *like, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    p->n_hands = tarn_pool_threads(pool);
    TARN_TRY(tarn_alloc(&p->hands, (size_t)p->n_hands, sizeof *p->hands, err));
    TARN_TRY(tarn_hasher_new(&p->hasher, err));
    if (like && !tarn_id_none(like)) TARN_TRY(tarn_like_new(p->lake, like, &p->old, err));
    for (int i = 0; i < BATCHES; i++) {
        batch *b = &p->batches[i];
        TARN_TRY(tarn_alloc(&b->bytes, ROOM, 1, err));
        TARN_TRY(tarn_alloc(&b->pieces, PIECES, sizeof *b->pieces, err));
        TARN_TRY(tarn_alloc(&b->ids, PIECES, sizeof *b->ids, err));
        TARN_TRY(tarn_alloc(&b->hints, PIECES, sizeof *b->hints, err));
    }
done:
    return rc;
}

static void clear(pipeline *p)
{
    for (int i = 0; i < BATCHES; i++) {
        tarn_free(p->batches[i].bytes);
        tarn_free(p->batches[i].pieces);
        tarn_free(p->batches[i].ids);
        tarn_free(p->batches[i].hints);
    }
    for (int k = 0; p->hands && k < p->n_hands; k++)
        for (int i = 0; i < GROUP; i++) tarn_free(p->hands[k].room[i]);
    tarn_free(p->hands);
    tarn_hasher_free(p->hasher);
    tarn_like_free(p->old);
    tarn_list_clear(&p->list);
    (void)pthread_cond_destroy(&p->turned);
    (void)pthread_mutex_destroy(&p->lock);
}

/* The file has shrunk under our eyes to what is one chunk. */
static tarn_code put_one_chunk(pipeline *p, const tarn_id *like, tarn_object *out, tarn_err *err)
{
    return tarn_lake_put_like(p->lake, p->batches[0].bytes, p->batches[0].len, like, out, err);
}

tarn_code tarn_pipeline_put(tarn_lake *lake, tarn_pool *pool, int fd, const char *path, const tarn_id *like,
                            tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    pipeline p = {.lake = lake, .fd = fd, .path = path, .list = {.lake = lake}};
    tarn_object o = {0};

    (void)pthread_mutex_init(&p.lock, NULL);
    (void)pthread_cond_init(&p.turned, NULL);
    TARN_TRY(start(&p, pool, like, err));
    p.reading = &p.batches[0];
    TARN_TRY(read_batch(&p, err));
    if (p.size <= TARN_CHUNK_MOST && p.ended) {
        rc = put_one_chunk(&p, like, out, err);
        goto done;
    }
    TARN_TRY(run(&p, pool, err));
    o.size = p.size;
    TARN_TRY(tarn_hasher_end(p.hasher, &o.id, err));
    TARN_TRY(tarn_list_end(&p.list, &o.id, err));
    *out = o;
done:
    clear(&p);
    return rc;
}
