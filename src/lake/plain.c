/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - a cache of plain bytes by id: bases of deltas, lists, chunks of which parts are wanted. See delta.h.
 *
 * An id has WAYS places, at a number made from it; the one that was asked for longest ago gives way. Beside that all
 * bytes together are bounded: what lies next on a walk around the places goes. What somebody still uses lives until he
 * lets it go. */
#include "lake/delta.h"

#include "base/mem.h"
#include "lake/bytes.h"

enum { WAYS = 4, KEEP_BYTES = 256 << 10 };

typedef struct place {
    tarn_plain *plain;
    uint64_t asked;
} place;

struct tarn_plain_cache {
    pthread_mutex_t lock; /* guards all below */
    size_t sets, bytes, most, walk;
    uint64_t now;
    place places[];
};

tarn_code tarn_plain_cache_new(size_t sets, size_t most, tarn_plain_cache **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out + sets * WAYS * sizeof(place), err);

    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->sets = sets;
    (*out)->most = most;
    return TARN_OK;
}

/* Under the lock. */
static void clear_place(tarn_plain_cache *cache, place *p)
{
    if (p->plain) cache->bytes -= p->plain->len;
    tarn_plain_release(p->plain);
    *p = (place){.plain = NULL};
}

void tarn_plain_forget(tarn_plain_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < cache->sets * WAYS; i++) clear_place(cache, &cache->places[i]);
    (void)pthread_mutex_unlock(&cache->lock);
}

void tarn_plain_cache_free(tarn_plain_cache *cache)
{
    if (!cache) return;
    tarn_plain_forget(cache);
    (void)pthread_mutex_destroy(&cache->lock);
    tarn_free(cache);
}

static tarn_plain *retain(tarn_plain *plain)
{
    (void)atomic_fetch_add_explicit(&plain->users, 1, memory_order_relaxed);
    return plain;
}

void tarn_plain_release(tarn_plain *plain)
{
    if (plain && atomic_fetch_sub_explicit(&plain->users, 1, memory_order_acq_rel) == 1) tarn_free(plain);
}

static place *places_of(tarn_plain_cache *cache, const tarn_id *id)
{
    return &cache->places[tarn_get32(id->b + 4) % cache->sets * WAYS];
}

tarn_plain *tarn_plain_kept(tarn_plain_cache *cache, const tarn_id *id)
{
    tarn_plain *plain = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    place *p = places_of(cache, id);
    for (int i = 0; i < WAYS && !plain; i++) {
        if (!p[i].plain || !tarn_id_equal(&p[i].plain->id, id)) continue;
        plain = retain(p[i].plain);
        p[i].asked = ++cache->now;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return plain;
}

/* Under the lock: the place of that id, or the one that gives way for it. */
static place *place_for(tarn_plain_cache *cache, const tarn_id *id)
{
    place *p = places_of(cache, id), *best = p;

    for (int i = 0; i < WAYS; i++) {
        if (p[i].plain && tarn_id_equal(&p[i].plain->id, id)) return &p[i];
        if (p[i].asked < best->asked) best = &p[i];
    }
    return best;
}

void tarn_plain_enter(tarn_plain_cache *cache, tarn_plain *plain)
{
    if (plain->len > KEEP_BYTES) return;
    (void)pthread_mutex_lock(&cache->lock);
    place *p = place_for(cache, &plain->id);
    clear_place(cache, p);
    *p = (place){retain(plain), ++cache->now};
    cache->bytes += plain->len;
    while (cache->bytes > cache->most) {
        place *next = &cache->places[cache->walk++ % (cache->sets * WAYS)];
        if (next != p) clear_place(cache, next);
    }
    (void)pthread_mutex_unlock(&cache->lock);
}

tarn_code tarn_plain_make(const tarn_id *id, const void *bytes, size_t len, tarn_plain **out, tarn_err *err)
{
    tarn_plain *plain = NULL;
    tarn_code rc = tarn_alloc(&plain, 1, sizeof *plain + len, err);

    if (rc != TARN_OK) return rc;
    atomic_init(&plain->users, 1);
    plain->id = *id;
    plain->len = len;
    if (len > 0) memcpy(plain->bytes, bytes, len);
    *out = plain;
    return TARN_OK;
}

tarn_code tarn_plain_keep(tarn_plain_cache *cache, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                          tarn_plain **out, tarn_err *err)
{
    tarn_code rc = tarn_plain_make(id, bytes, len, out, err);

    if (rc != TARN_OK) return rc;
    (*out)->kind = kind;
    tarn_plain_enter(cache, *out);
    return TARN_OK;
}
