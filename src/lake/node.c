/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - encoding, decoding and keeping nodes. See node.h. */
#include "lake/node.h"

#include "base/mem.h"
#include "lake/bytes.h"

#include <string.h>

enum {
    HEAD = 20,
    LEAST_WEIGHT = 512,
    MOST_WEIGHT = 16 << 10,
    ITEM_WEIGHT = 40,
    SETS = 1024,
    WAYS = 4,
    HAS_RECIPE = 1,
    HAS_ATTRS = 2
};

/* Hazard of a Rayleigh distribution with mean 4,096: (step x weight) / sigma^2 in units of 2^-32. */
static const uint64_t hazard = 402;

static const uint8_t empty_head[HEAD]; /* filled in when the node ends */
static const char magic[8] = {'T', 'A', 'R', 'N', 'N', 'O', 'D', '1'};

int tarn_key_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

/* ---- writing ---- */

static bool is_border(const tarn_node_writer *w, const tarn_item *item, uint64_t step)
{
    if (w->level > 0 && w->n < 2) return false; /* every level must be shorter than the one below */
    if (w->weight >= MOST_WEIGHT) return true;
    if (w->weight < LEAST_WEIGHT) return false;
    return (uint32_t)tarn_mix64((uint64_t)w->level, item->key, item->len) < step * w->weight * hazard;
}

/* An item behind one whose key shares its first bytes; the number of bytes. */
static size_t encode_item(const tarn_item *item, bool leaf, uint32_t shared, uint8_t *out)
{
    uint8_t flags =
        (uint8_t)((tarn_id_none(&item->recipe) ? 0 : HAS_RECIPE) | (tarn_id_none(&item->attrs) ? 0 : HAS_ATTRS));
    size_t n = tarn_put_varint(out, shared);

    n += tarn_put_varint(out + n, item->len - shared);
    memcpy(out + n, item->key + shared, item->len - shared);
    n += item->len - shared;
    if (!leaf) flags = 0;
    else out[n++] = flags;
    memcpy(out + n, item->id.b, TARN_ID_BYTES);
    n += TARN_ID_BYTES;
    n += tarn_put_varint(out + n, item->size);
    if (flags & HAS_RECIPE) memcpy(out + n, item->recipe.b, TARN_ID_BYTES);
    n += flags & HAS_RECIPE ? TARN_ID_BYTES : 0;
    if (flags & HAS_ATTRS) memcpy(out + n, item->attrs.b, TARN_ID_BYTES);
    return n + (flags & HAS_ATTRS ? TARN_ID_BYTES : 0);
}

tarn_code tarn_node_add(tarn_node_writer *w, const tarn_item *item, bool *border, tarn_err *err)
{
    uint32_t shared = 0, most = w->last_len < item->len ? w->last_len : item->len;
    uint64_t step = item->len + ITEM_WEIGHT;
    uint8_t bytes[TARN_KEY_MOST + 4 * TARN_ID_BYTES];

    if (w->bytes.len == 0) tarn_text_addn(&w->bytes, empty_head, HEAD);
    while (shared < most && w->last[shared] == item->key[shared]) shared++;
    tarn_text_addn(&w->bytes, bytes, encode_item(item, w->level == 0, shared, bytes));
    memcpy(w->last, item->key, item->len);
    w->last_len = item->len;
    w->key_bytes += item->len;
    w->paths += w->level == 0 ? 1 : item->size;
    w->weight += step;
    w->n++;
    *border = is_border(w, item, step);
    return tarn_text_check(&w->bytes, err);
}

void tarn_node_writer_clear(tarn_node_writer *w) { tarn_text_clear(&w->bytes); }

/* ---- reading ---- */

static tarn_code not_a_node(tarn_err *err) { return TARN_FAIL(err, TARN_CORRUPT, "a tree node is malformed"); }

/* own: they come from a writer of ours, so their paths are good and in order. */
static tarn_code decode_items(tarn_node *node, bool own, tarn_cursor *c, char *keys, size_t key_bytes, tarn_err *err)
{
    const tarn_item *before = NULL;
    char *keys_end = keys + key_bytes;

    for (uint32_t i = 0; i < node->n; i++) {
        tarn_item *item = &node->items[i];
        uint64_t shared = tarn_take_varint(c), rest = tarn_take_varint(c);
        if (c->bad || shared > (before ? before->len : 0) || rest > TARN_KEY_MOST || shared + rest > TARN_KEY_MOST ||
            shared + rest > (size_t)(keys_end - keys))
            return not_a_node(err);
        const uint8_t *bytes = tarn_take(c, (size_t)rest);
        if (c->bad) return not_a_node(err);
        if (shared > 0) memcpy(keys, before->key, (size_t)shared);
        memcpy(keys + shared, bytes, (size_t)rest);
        item->key = keys;
        item->len = (uint32_t)(shared + rest);
        keys += item->len;
        if (!own && before && tarn_key_compare(before->key, before->len, item->key, item->len) >= 0)
            return not_a_node(err);
        tarn_code rc = own ? TARN_OK : tarn_path_check(item->key, item->len, err);
        if (rc != TARN_OK) return TARN_FAIL(err, TARN_CORRUPT, "a tree node holds a path that cannot be");
        uint8_t flags = node->level == 0 ? *tarn_take(c, 1) : 0;
        tarn_take_id(c, &item->id);
        item->size = tarn_take_varint(c);
        if (flags & HAS_RECIPE) tarn_take_id(c, &item->recipe);
        if (flags & HAS_ATTRS) tarn_take_id(c, &item->attrs);
        if (c->bad || flags > (HAS_RECIPE | HAS_ATTRS) || tarn_id_none(&item->id) || item->size > UINT64_MAX / 4)
            return not_a_node(err);
        node->paths += node->level == 0 ? 1 : item->size;
        before = item;
    }
    return keys == keys_end && c->at == c->end ? TARN_OK : not_a_node(err);
}

/* own (NULL: look at everything) is the id of bytes that this process has just written. */
static tarn_code decode(const tarn_id *own, const uint8_t *bytes, size_t len, tarn_node **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_node *node = NULL;

    *out = NULL;
    if (len < HEAD || len > TARN_NODE_MOST || memcmp(bytes, magic, sizeof magic) != 0) return not_a_node(err);
    uint32_t level = bytes[8], n = tarn_get32(bytes + 12), key_bytes = tarn_get32(bytes + 16);
    if (level >= TARN_TREE_LEVELS || (level > 0 && n == 0) || n > (len - HEAD) / 35 ||
        key_bytes > (size_t)n * TARN_KEY_MOST)
        return not_a_node(err);
    TARN_TRY(tarn_alloc(&node, 1, sizeof *node + n * sizeof *node->items + key_bytes, err));
    atomic_init(&node->users, 1);
    node->level = (int)level;
    node->n = n;
    tarn_cursor c = {bytes + HEAD, bytes + len, false};
    TARN_TRY(decode_items(node, own != NULL, &c, (char *)(node->items + n), key_bytes, err));
    if (own) node->id = *own;
    else TARN_TRY(tarn_digest(bytes, len, &node->id, err));
    *out = node;
    node = NULL;
done:
    tarn_node_release(node);
    return rc;
}

tarn_code tarn_node_decode(const uint8_t *bytes, size_t len, tarn_node **out, tarn_err *err)
{
    return decode(NULL, bytes, len, out, err);
}

void tarn_node_release(tarn_node *node)
{
    if (node && atomic_fetch_sub_explicit(&node->users, 1, memory_order_acq_rel) == 1) tarn_free(node);
}

uint32_t tarn_node_search(const tarn_node *node, const char *key, size_t len)
{
    uint32_t from = 0, to = node->n;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (tarn_key_compare(node->items[middle].key, node->items[middle].len, key, len) < 0) from = middle + 1;
        else to = middle;
    }
    return from;
}

/* ---- the cache: a set of a few places for each value of some bits of the id, the last used first ---- */

struct tarn_node_cache {
    pthread_mutex_t lock; /* guards the sets */
    tarn_node *sets[SETS][WAYS];
};

tarn_code tarn_node_cache_new(tarn_node_cache **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)pthread_mutex_init(&(*out)->lock, NULL);
    return rc;
}

void tarn_node_cache_free(tarn_node_cache *cache)
{
    if (!cache) return;
    for (int i = 0; i < SETS * WAYS; i++) tarn_node_release(cache->sets[i / WAYS][i % WAYS]);
    (void)pthread_mutex_destroy(&cache->lock);
    tarn_free(cache);
}

static tarn_node **set_of(tarn_node_cache *cache, const tarn_id *id)
{
    return cache->sets[tarn_get16(id->b + 4) % SETS];
}

static tarn_node *retain(tarn_node *node)
{
    (void)atomic_fetch_add_explicit(&node->users, 1, memory_order_relaxed);
    return node;
}

/* The node to the front; those before it one back. */
static void to_front(tarn_node **set, int way, tarn_node *node)
{
    memmove(set + 1, set, (size_t)way * sizeof *set);
    set[0] = node;
}

static tarn_node *take_cached(tarn_node_cache *cache, const tarn_id *id)
{
    tarn_node *node = NULL, **set = set_of(cache, id);

    (void)pthread_mutex_lock(&cache->lock);
    for (int i = 0; i < WAYS && set[i] && !node; i++) {
        if (!tarn_id_equal(&set[i]->id, id)) continue;
        node = retain(set[i]);
        to_front(set, i, node);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return node;
}

/* Two threads may have read the same node: then it is there twice until one is pushed out. */
static void keep(tarn_node_cache *cache, tarn_node *node)
{
    tarn_node **set = set_of(cache, &node->id);

    (void)pthread_mutex_lock(&cache->lock);
    tarn_node *oldest = set[WAYS - 1];
    to_front(set, WAYS - 1, retain(node));
    (void)pthread_mutex_unlock(&cache->lock);
    tarn_node_release(oldest);
}

tarn_code tarn_node_load(tarn_lake *lake, const tarn_id *id, tarn_node **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    char hex[TARN_ID_HEX];

    if (tarn_id_none(id)) {
        rc = tarn_alloc(out, 1, sizeof **out, err);
        if (rc == TARN_OK) atomic_init(&(*out)->users, 1);
        return rc;
    }
    *out = take_cached(lake->nodes, id);
    if (*out) return TARN_OK;
    TARN_TRY(tarn_store_get(lake, id, "tree node", &slab, NULL, err));
    rc = tarn_node_decode(slab.bytes, slab.len, out, err);
    if (rc != TARN_OK) tarn_err_note(err, "tree node %.12s", tarn_id_hex(id, hex));
    else keep(lake->nodes, *out);
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* ---- the end of writing one ---- */

static tarn_code keep_own(tarn_lake *lake, const tarn_id *id, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_node *node = NULL;
    tarn_code rc = decode(id, bytes, len, &node, err);

    if (rc == TARN_OK) keep(lake->nodes, node);
    tarn_node_release(node);
    return rc;
}

tarn_code tarn_node_end(tarn_node_writer *w, tarn_lake *lake, tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t head[HEAD] = {0};

    memcpy(head, magic, sizeof magic);
    head[8] = (uint8_t)w->level;
    tarn_put32(head + 12, w->n);
    tarn_put32(head + 16, w->key_bytes);
    if (w->bytes.len == 0) tarn_text_addn(&w->bytes, head, sizeof head);
    TARN_TRY(tarn_text_check(&w->bytes, err));
    memcpy(w->bytes.data, head, sizeof head);
    TARN_TRY(tarn_digest(w->bytes.data, w->bytes.len, id, err));
    TARN_TRY(tarn_store_put(lake, id, TARN_KIND_NODE, w->bytes.data, w->bytes.len, err));
    if (w->keep) TARN_TRY(keep_own(lake, id, (const uint8_t *)w->bytes.data, w->bytes.len, err));
    w->n = w->key_bytes = w->last_len = 0;
    w->weight = w->paths = 0;
    w->bytes.len = 0;
done:
    return rc;
}
