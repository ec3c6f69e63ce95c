/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - content out. See object.h for how an object is stored.
 *
 * The chunks that are wanted are gathered from the lists, then taken in groups: a group is read, decoded and its hashes
 * compared by one thread, while others do the next ones; what is proved is given away in order, when the group's turn
 * comes. A thread has memory for one group, which stays in its core's cache.
 *
 * Lists, and chunks of which only a part was wanted, are kept for a while once they are proved: whoever reads here and
 * there in an object, or on and on in small pieces, needs them again. Other chunks are proved by SHA-256 when they are
 * first read, and by a fingerprint after that (proved.c). */
#include "lake/object.h"

#include "base/mem.h"
#include "lake/delta.h"

enum { GROUP = 8, AT_ONCE = 1024 };

/* A chunk of which the bytes from..to are wanted. */
typedef struct wanted {
    tarn_id id;
    uint32_t size, from, to;
} wanted;

/* A thread's memory for a group: where its chunks are. */
typedef struct hand {
    tarn_slab slab[GROUP];
    tarn_plain *kept[GROUP];
    tarn_stretch content[GROUP];
} hand;

typedef struct reader {
    tarn_lake *lake;
    tarn_pool *pool;
    uint64_t at, left; /* bytes still to skip, and to want */
    tarn_give_fn *give;
    void *arg;
    wanted *chunks;
    size_t n, cap;
    hand *hands; /* one for each thread */
    int n_hands;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t turned;
    int64_t turn, failed; /* the group that may give; the first that will not (INT64_MAX: none) */
} reader;

/* ---- a group ---- */

static void let_go(hand *h)
{
    for (int i = 0; i < GROUP; i++) {
        tarn_plain_release(h->kept[i]);
        h->kept[i] = NULL;
    }
}

static bool in_part(const wanted *w) { return w->from > 0 || w->to < w->size; }

/* The chunk's bytes, proved already (*proved) or not. */
static tarn_code load_chunk(reader *r, hand *h, int i, const wanted *w, bool *proved, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    h->kept[i] = tarn_plain_kept(r->lake->looked, &w->id);
    *proved = h->kept[i] != NULL;
    if (!*proved) TARN_TRY(tarn_store_get_unproved(r->lake, &w->id, "chunk", &h->slab[i], err));
    h->content[i] =
        *proved ? (tarn_stretch){h->kept[i]->bytes, h->kept[i]->len} : (tarn_stretch){h->slab[i].bytes, h->slab[i].len};
done:
    return rc;
}

/* Once more, with every check: says what is wrong and where, unless it is right this time. */
static tarn_code load_again(reader *r, hand *h, int i, const wanted *w, tarn_err *err)
{
    tarn_code rc = tarn_store_get(r->lake, &w->id, "chunk", &h->slab[i], NULL, err);

    if (rc == TARN_OK) h->content[i] = (tarn_stretch){h->slab[i].bytes, h->slab[i].len};
    return rc;
}

static tarn_code finish_chunk(reader *r, hand *h, int i, const wanted *w, tarn_err *err)
{
    if (h->content[i].len != w->size)
        return TARN_FAIL(err, TARN_CORRUPT, "a chunk has %zu bytes, its list tells %llu", h->content[i].len,
                         (unsigned long long)w->size);
    if (!in_part(w) || h->kept[i]) return TARN_OK;
    return tarn_plain_keep(r->lake->looked, &w->id, TARN_KIND_CHUNK, h->content[i].bytes, h->content[i].len,
                           &h->kept[i], err);
}

static tarn_code load_group(reader *r, hand *h, const wanted *w, int n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stretch todo[GROUP];
    tarn_id ids[GROUP];
    int of[GROUP], n_todo = 0;
    bool proved, again[GROUP] = {false};

    let_go(h);
    for (int i = 0; i < n; i++) {
        rc = load_chunk(r, h, i, &w[i], &proved, NULL);
        if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "no memory to read a chunk");
        again[i] = rc != TARN_OK;
        if (again[i] || proved) continue;
        if (tarn_proved_known(r->lake->proved, &w[i].id, h->content[i].bytes, h->content[i].len)) continue;
        of[n_todo] = i;
        todo[n_todo++] = h->content[i];
    }
    TARN_TRY(tarn_digest_each(todo, (size_t)n_todo, NULL, ids, err));
    for (int k = 0; k < n_todo; k++) {
        again[of[k]] = !tarn_id_equal(&ids[k], &w[of[k]].id);
        if (!again[of[k]]) tarn_proved_note(r->lake->proved, &ids[k], todo[k].bytes, todo[k].len);
    }
    for (int i = 0; i < n; i++) {
        if (again[i]) TARN_TRY(load_again(r, h, i, &w[i], err));
        TARN_TRY(finish_chunk(r, h, i, &w[i], err));
    }
done:
    return rc;
}

/* Is it this group's turn, now or in a while? Not if one before it failed. */
static bool await_turn(reader *r, int64_t group)
{
    (void)pthread_mutex_lock(&r->lock);
    while (r->turn != group && r->failed > group) (void)pthread_cond_wait(&r->turned, &r->lock);
    bool mine = r->turn == group;
    (void)pthread_mutex_unlock(&r->lock);
    return mine;
}

static void end_turn(reader *r, int64_t group, bool ok)
{
    (void)pthread_mutex_lock(&r->lock);
    if (ok) r->turn++;
    else if (group < r->failed) r->failed = group;
    (void)pthread_cond_broadcast(&r->turned);
    (void)pthread_mutex_unlock(&r->lock);
}

static tarn_code give_group(void *arg, int64_t group, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reader *r = arg;
    hand *h = &r->hands[worker];
    const wanted *w = &r->chunks[group * GROUP];
    size_t left = r->n - (size_t)group * GROUP;
    int n = left < GROUP ? (int)left : GROUP;

    TARN_TRY(load_group(r, h, w, n, err));
    if (!await_turn(r, group)) return TARN_CANCELLED; /* the error is of one before */
    for (int i = 0; i < n; i++)
        TARN_TRY(r->give(r->arg, (const uint8_t *)h->content[i].bytes + w[i].from, w[i].to - w[i].from, err));
done:
    end_turn(r, group, rc == TARN_OK);
    return rc;
}

/* ---- what is wanted ---- */

static tarn_code give_all(reader *r, tarn_err *err)
{
    int64_t groups = (int64_t)((r->n + GROUP - 1) / GROUP);

    r->turn = 0;
    r->failed = INT64_MAX;
    tarn_code rc = tarn_pool_run(groups > 1 ? r->pool : NULL, groups, give_group, r, err);
    r->n = 0;
    return rc;
}

static tarn_code want(reader *r, const tarn_id *id, uint64_t size, tarn_err *err)
{
    uint64_t left = size - r->at, n = left < r->left ? left : r->left;

    r->chunks[r->n++] = (wanted){*id, (uint32_t)size, (uint32_t)r->at, (uint32_t)(r->at + n)};
    r->at = 0;
    r->left -= n;
    return r->n == r->cap ? give_all(r, err) : TARN_OK;
}

/* The list of that object or (object NULL) part, from memory if it is kept. */
static tarn_code open_list(reader *r, const tarn_id *id, const tarn_slab *slab, const tarn_id *object, tarn_plain **out,
                           tarn_list_view *list, tarn_err *err)
{
    tarn_code rc = tarn_list_open(slab->bytes, slab->len, object, list, err);

    if (rc != TARN_OK) return rc;
    rc = tarn_plain_keep(r->lake->looked, id, object ? TARN_KIND_LIST : TARN_KIND_PART, slab->bytes, slab->len, out,
                         err);
    if (rc == TARN_OK) tarn_list_again((*out)->bytes, list);
    return rc;
}

static tarn_code read_list(reader *r, const tarn_list_view *list, tarn_err *err);

static tarn_code read_part(reader *r, int level, const tarn_id *id, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_list_view part = {0};
    tarn_slab slab = {0};
    tarn_plain *plain = tarn_plain_kept(r->lake->looked, id);

    if (plain && plain->kind == TARN_KIND_PART) {
        tarn_list_again(plain->bytes, &part);
    } else {
        tarn_plain_release(plain);
        plain = NULL;
        TARN_TRY(tarn_store_get(r->lake, id, "part of a list", &slab, NULL, err));
        TARN_TRY(open_list(r, id, &slab, NULL, &plain, &part, err));
    }
    if (part.level != level - 1 || part.total != size) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "a part of a list of chunks does not fit");
        goto done;
    }
    TARN_TRY(read_list(r, &part, err));
done:
    tarn_plain_release(plain);
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code read_list(reader *r, const tarn_list_view *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    uint64_t size;

    for (uint32_t i = 0; i < list->n && r->left > 0; i++) {
        tarn_list_at(list, i, &id, &size);
        if (r->at >= size) r->at -= size;
        else if (list->level > 0) TARN_TRY(read_part(r, list->level, &id, size, err));
        else TARN_TRY(want(r, &id, size, err));
    }
done:
    return rc;
}

static tarn_code read_listed(reader *r, const tarn_list_view *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t usual = (r->left < list->total ? r->left : list->total) / TARN_CHUNK_LEAST + 2;

    r->cap = usual < AT_ONCE ? (size_t)usual : AT_ONCE;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->turned, NULL);
    r->n_hands = tarn_pool_threads(r->pool);
    TARN_TRY(tarn_alloc(&r->hands, (size_t)r->n_hands, sizeof *r->hands, err));
    TARN_TRY(tarn_alloc(&r->chunks, r->cap, sizeof *r->chunks, err));
    TARN_TRY(read_list(r, list, err));
    if (r->n > 0) TARN_TRY(give_all(r, err));
done:
    for (int k = 0; r->hands && k < r->n_hands; k++) {
        let_go(&r->hands[k]);
        for (int i = 0; i < GROUP; i++) tarn_slab_clear(&r->hands[k].slab[i]);
    }
    tarn_free(r->hands);
    tarn_free(r->chunks);
    (void)pthread_cond_destroy(&r->turned);
    (void)pthread_mutex_destroy(&r->lock);
    return rc;
}

/* ---- an object ---- */

static tarn_code check_range(uint64_t at, uint64_t size, tarn_err *err)
{
    if (at <= size) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "the object has %llu bytes; a range cannot start at %llu",
                     (unsigned long long)size, (unsigned long long)at);
}

/* Of an object that is one chunk, and here. */
static tarn_code give_small(reader *r, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = check_range(r->at, len, err);
    size_t left = rc == TARN_OK ? len - (size_t)r->at : 0, n = left < r->left ? left : (size_t)r->left;

    return n > 0 ? r->give(r->arg, bytes + r->at, n, err) : rc;
}

tarn_code tarn_lake_read_by(tarn_lake *lake, tarn_pool *pool, const tarn_id *id, uint64_t at, uint64_t length,
                            tarn_give_fn *give, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reader r = {.lake = lake, .pool = pool, .at = at, .left = length, .give = give, .arg = arg};
    tarn_slab top = {0};
    tarn_where where = {0};
    tarn_list_view list = {0};
    tarn_plain *plain = tarn_plain_kept(lake->looked, id);

    if (plain && plain->kind == TARN_KIND_LIST) {
        tarn_list_again(plain->bytes, &list);
    } else {
        tarn_plain_release(plain);
        plain = NULL;
        TARN_TRY(tarn_store_get(lake, id, "object", &top, &where, err));
        if (where.kind != TARN_KIND_LIST) {
            rc = give_small(&r, top.bytes, top.len, err);
            goto done;
        }
        TARN_TRY(tarn_object_note(open_list(&r, id, &top, id, &plain, &list, err), id, err));
    }
    TARN_TRY(check_range(at, list.total, err));
    TARN_TRY(tarn_object_note(read_listed(&r, &list, err), id, err));
done:
    tarn_plain_release(plain);
    tarn_slab_clear(&top);
    return rc;
}

tarn_code tarn_lake_read(tarn_lake *lake, const tarn_id *id, uint64_t at, uint64_t length, tarn_give_fn *give,
                         void *arg, tarn_err *err)
{
    return tarn_lake_read_by(lake, NULL, id, at, length, give, arg, err);
}
