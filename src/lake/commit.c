/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - the records of commits, and committing entries or what is staged. Moving the ref is land.c's. */
#include "lake/commit.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/access_inside.h"
#include "lake/bytes.h"
#include "lake/tree.h"

#include <string.h>

static const char magic[8] = {'T', 'A', 'R', 'N', 'C', 'O', 'M', '1'};

/* ---- the record ---- */

static void add_bytes(tarn_text *t, const char *bytes, size_t len)
{
    uint8_t n[10];

    tarn_text_addn(t, n, tarn_put_varint(n, len));
    if (len > 0) tarn_text_addn(t, bytes, len);
}

tarn_code tarn_commit_encode(const tarn_commit *c, const json_t *meta, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *line = NULL;
    tarn_text t = {0};
    uint8_t parents = (uint8_t)c->n_parents, number[10];

    if (meta) TARN_TRY(tarn_json_compact(meta, &line, err));
    tarn_text_addn(&t, magic, sizeof magic);
    tarn_text_addn(&t, c->tree.b, TARN_ID_BYTES);
    tarn_text_addn(&t, &parents, 1);
    for (int i = 0; i < c->n_parents; i++) tarn_text_addn(&t, c->parents[i].b, TARN_ID_BYTES);
    tarn_put64(number, (uint64_t)c->time_us);
    tarn_text_addn(&t, number, 8);
    tarn_text_addn(&t, number, tarn_put_varint(number, c->paths));
    add_bytes(&t, c->author, strlen(c->author));
    add_bytes(&t, c->message, strlen(c->message));
    add_bytes(&t, line ? line : "{}", line ? strlen(line) : 2);
    TARN_TRY(tarn_text_check(&t, err));
    *len = t.len;
    TARN_TRY(tarn_text_take(&t, out, err));
done:
    tarn_free(line);
    tarn_text_clear(&t);
    return rc;
}

/* Text without NUL that fits cap with one. */
static void take_text(tarn_cursor *c, char *out, size_t cap)
{
    uint64_t len = tarn_take_varint(c);

    if (len >= cap) c->bad = true;
    const uint8_t *bytes = c->bad ? NULL : tarn_take(c, (size_t)len);
    if (c->bad || memchr(bytes, '\0', (size_t)len) || !tarn_utf8_valid(bytes, (size_t)len, NULL)) {
        c->bad = true;
        return;
    }
    memcpy(out, bytes, (size_t)len);
    out[len] = '\0';
}

static tarn_code take_meta(tarn_cursor *c, json_t **out, tarn_err *err)
{
    uint64_t len = tarn_take_varint(c);
    const uint8_t *bytes = c->bad || len > (size_t)(c->end - c->at) ? NULL : tarn_take(c, (size_t)len);

    if (!bytes || c->at != c->end) return TARN_FAIL(err, TARN_CORRUPT, "the commit's length is wrong");
    if (len == 2 && memcmp(bytes, "{}", 2) == 0) {
        *out = json_object();
        return *out ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "no memory for the metadata of a commit");
    }
    tarn_code rc = tarn_json_read((const char *)bytes, (size_t)len, "the commit's metadata", out, err);
    if (rc != TARN_OK) return rc == TARN_INVALID ? TARN_CORRUPT : rc;
    if (json_is_object(*out)) return TARN_OK;
    json_decref(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_CORRUPT, "the commit's metadata is not a JSON object");
}

tarn_code tarn_commit_decode(const char *bytes, size_t len, tarn_commit *out, tarn_err *err)
{
    const uint8_t *at = (const uint8_t *)bytes;
    tarn_cursor c = {at, at + len, false};

    *out = (tarn_commit){.id = out->id};
    if (memcmp(tarn_take(&c, sizeof magic), magic, sizeof magic) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "it is not a commit");
    tarn_take_id(&c, &out->tree);
    out->n_parents = *tarn_take(&c, 1);
    if (out->n_parents > 2) c.bad = true;
    for (int i = 0; i < out->n_parents && !c.bad; i++) tarn_take_id(&c, &out->parents[i]);
    out->time_us = (int64_t)tarn_get64(tarn_take(&c, 8));
    out->paths = tarn_take_varint(&c);
    take_text(&c, out->author, sizeof out->author);
    take_text(&c, out->message, sizeof out->message);
    if (c.bad) return TARN_FAIL(err, TARN_CORRUPT, "the commit lacks a field or holds a wrong one");
    return take_meta(&c, &out->meta, err);
}

void tarn_commit_clear(tarn_commit *c)
{
    json_decref(c->meta);
    c->meta = NULL;
}

tarn_code tarn_lake_commit_read(tarn_lake *lake, const tarn_id *id, tarn_commit *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_id wanted = *id; /* id may be a field of *out */
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_get(lake, &wanted, "commit", &slab, NULL, err));
    out->id = wanted;
    rc = tarn_commit_decode((const char *)slab.bytes, slab.len, out, err);
    if (rc != TARN_OK) tarn_err_note(err, "commit %.12s", tarn_id_hex(&wanted, hex));
done:
    if (rc != TARN_OK) *out = (tarn_commit){0};
    tarn_slab_clear(&slab);
    return rc;
}

void tarn_commit_tree_keep(tarn_lake *lake, const tarn_id *commit, const tarn_id *tree)
{
    uint8_t at = commit->b[TARN_ID_BYTES - 1] % TARN_TREES_KEPT;

    tarn_lake_lock(lake);
    lake->trees[at].commit = *commit;
    lake->trees[at].tree = *tree;
    tarn_lake_unlock(lake);
}

tarn_code tarn_commit_tree(tarn_lake *lake, const tarn_id *commit, tarn_id *tree, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;

    *tree = (tarn_id){{0}};
    if (!commit || tarn_id_none(commit)) return TARN_OK;
    uint8_t at = commit->b[TARN_ID_BYTES - 1] % TARN_TREES_KEPT;
    tarn_lake_lock(lake);
    bool kept = tarn_id_equal(&lake->trees[at].commit, commit);
    if (kept) *tree = lake->trees[at].tree;
    tarn_lake_unlock(lake);
    if (kept) return TARN_OK;
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_commit_read(lake, commit, c, err));
    *tree = c->tree;
    tarn_commit_clear(c);
    tarn_commit_tree_keep(lake, commit, tree);
done:
    tarn_free(c);
    return rc;
}

/* ---- links: one place for each value of some bits of the id ---- */

enum { LINKS_KEPT = 16384 }; /* a merge asks for all commits since the last one of the same branch */

struct tarn_links_cache {
    pthread_mutex_t lock; /* guards the slots */
    tarn_links slots[LINKS_KEPT];
};

tarn_code tarn_links_cache_new(tarn_links_cache **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)pthread_mutex_init(&(*out)->lock, NULL);
    return rc;
}

void tarn_links_cache_free(tarn_links_cache *cache)
{
    if (!cache) return;
    (void)pthread_mutex_destroy(&cache->lock);
    tarn_free(cache);
}

static tarn_links *slot_of(tarn_lake *lake, const tarn_id *id)
{
    return &lake->links->slots[tarn_get32(id->b + 4) % LINKS_KEPT];
}

static bool links_at_hand(tarn_lake *lake, const tarn_id *id, tarn_links *out)
{
    (void)pthread_mutex_lock(&lake->links->lock);
    const tarn_links *slot = slot_of(lake, id);
    bool found = tarn_id_equal(&slot->id, id) && !tarn_id_none(id);
    if (found) *out = *slot;
    (void)pthread_mutex_unlock(&lake->links->lock);
    return found;
}

static void keep_links(tarn_lake *lake, const tarn_links *links)
{
    (void)pthread_mutex_lock(&lake->links->lock);
    *slot_of(lake, &links->id) = *links;
    (void)pthread_mutex_unlock(&lake->links->lock);
}

void tarn_commit_links_keep(tarn_lake *lake, const tarn_commit *c)
{
    keep_links(lake, &(tarn_links){.id = c->id,
                                   .tree = c->tree,
                                   .parents = {c->parents[0], c->parents[1]},
                                   .n_parents = c->n_parents,
                                   .time_us = c->time_us});
}

static tarn_code read_links(tarn_lake *lake, const tarn_id *id, tarn_links *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_get(lake, id, "commit", &slab, NULL, err));
    tarn_cursor c = {slab.bytes, slab.bytes + slab.len, false};
    *out = (tarn_links){.id = *id};
    if (memcmp(tarn_take(&c, sizeof magic), magic, sizeof magic) != 0) c.bad = true;
    tarn_take_id(&c, &out->tree);
    out->n_parents = *tarn_take(&c, 1);
    if (out->n_parents > 2) c.bad = true;
    for (int i = 0; i < out->n_parents && !c.bad; i++) tarn_take_id(&c, &out->parents[i]);
    out->time_us = (int64_t)tarn_get64(tarn_take(&c, 8));
    if (c.bad) rc = TARN_FAIL(err, TARN_CORRUPT, "commit %.12s is malformed", tarn_id_hex(id, hex));
done:
    tarn_slab_clear(&slab);
    return rc;
}

tarn_code tarn_commit_links(tarn_lake *lake, const tarn_id *id, tarn_links *out, tarn_err *err)
{
    tarn_id wanted = *id; /* id may be a field of *out */
    if (links_at_hand(lake, &wanted, out)) return TARN_OK;
    tarn_code rc = read_links(lake, &wanted, out, err);
    if (rc == TARN_OK) keep_links(lake, out);
    else *out = (tarn_links){.n_parents = 0};
    return rc;
}

/* ---- committing ---- */

/* What is to be committed: entries, or (entries NULL) what `who` staged on the ref. */
typedef struct change {
    tarn_lake *lake;
    const char *ref, *who;
    const tarn_entry *entries;
    size_t n;
    const tarn_commit_options *options;
    int64_t upto;                                /* staged rows up to this number are in the commit */
    tarn_code (*with)(void *arg, tarn_err *err); /* may be NULL */
    void *arg;
} change;

static tarn_code apply_change(change *c, const tarn_id *before, tarn_id *tree, uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *tree = *before;
    if (c->entries) return tarn_tree_update(c->lake, before, c->entries, c->n, tree, paths, err);
    tarn_lake_lock(c->lake);
    rc = tarn_meta_stage_seq(c->lake->meta, &c->upto, err);
    tarn_lake_unlock(c->lake);
    return rc == TARN_OK ? tarn_staged_apply(c->lake, c->ref, c->who, c->upto, tree, paths, err) : rc;
}

static tarn_code build(void *arg, const tarn_id *head, tarn_draft *draft, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    change *c = arg;
    tarn_id before, tree;
    uint64_t paths = 0;
    int64_t swept = 0; /* tarn_land looks for sweeps since before this */

    if (c->entries) TARN_TRY(tarn_entries_check(c->lake, c->entries, c->n, true, &swept, err));
    TARN_TRY(tarn_commit_tree(c->lake, head, &before, err));
    TARN_TRY(apply_change(c, &before, &tree, &paths, err));
    if (tarn_id_none(&tree) || (tarn_id_equal(&tree, &before) && paths == 0)) /* counts, and stores the empty tree */
        TARN_TRY(tarn_tree_update(c->lake, &tree, NULL, 0, &tree, &paths, err));
    bool same = tarn_id_none(&before) ? paths == 0 : tarn_id_equal(&tree, &before);
    if (same && !c->options->even_if_same) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "nothing to commit: '%s' has these contents already", c->ref);
        goto done;
    }
    draft->commit.tree = tree;
    draft->commit.paths = paths;
    draft->commit.n_parents = !tarn_id_none(head);
    draft->commit.parents[0] = *head;
    draft->meta = c->options->meta;
done:
    return rc;
}

/* What is in the commit is staged no more. */
static tarn_code finish(void *arg, tarn_err *err)
{
    const change *c = arg;

    if (c->with) return c->with(c->arg, err);
    return c->entries ? TARN_OK : tarn_meta_unstage(c->lake->meta, c->ref, c->who, "", "\xff", c->upto, err);
}

static tarn_code commit_change(change *c, tarn_id *out, tarn_err *err)
{
    tarn_landing l = {.ref = c->ref,
                      .event = "commit",
                      .author = c->options->author,
                      .message = c->options->message,
                      .direct = true,
                      .expect = c->options->expect,
                      .build = build,
                      .with = finish,
                      .arg = c};

    return tarn_land(c->lake, &l, out, err);
}

tarn_code tarn_lake_commit(tarn_lake *lake, const char *branch, const char *who, const tarn_commit_options *options,
                           tarn_id *out, tarn_err *err)
{
    char ref[256];
    tarn_code rc = tarn_ref_branch(branch, ref, err);

    if (rc == TARN_OK) rc = tarn_who_check(who, err);
    if (rc != TARN_OK) return rc;
    return commit_change(&(change){.lake = lake, .ref = ref, .who = who ? who : "", .options = options}, out, err);
}

tarn_code tarn_commit_entries_with(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                   const tarn_commit_options *options, tarn_code (*with)(void *arg, tarn_err *err),
                                   void *arg, tarn_id *out, tarn_err *err)
{
    static const tarn_entry no_entry;
    char full[256];
    change c = {.lake = lake,
                .ref = full,
                .entries = n > 0 ? entries : &no_entry,
                .n = n,
                .options = options,
                .with = with,
                .arg = arg};
    tarn_code rc = tarn_ref_full(ref, full, err);

    return rc == TARN_OK ? commit_change(&c, out, err) : rc;
}

tarn_code tarn_lake_commit_entries(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                   const tarn_commit_options *options, tarn_id *out, tarn_err *err)
{
    return tarn_commit_entries_with(lake, ref, entries, n, options, NULL, NULL, out, err);
}
