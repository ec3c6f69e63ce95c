/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - making and reading commits.
 *
 * A commit reads the ref, applies the entries to its tree, stores nodes and record, and swaps the ref in the
 * transaction that makes all of it durable. If another commit came first, the same entries are applied to the new
 * head, which costs only the nodes changed: nothing is lost and nobody is sent away. From the second attempt on
 * committers queue for the lake's `turn` file, so that many of them do not keep undoing each other's work. */
#include "lake/commit.h"

#include "base/mem.h"
#include "base/str.h"
#include "lake/access_inside.h"
#include "lake/bytes.h"
#include "lake/tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { STAGED_BATCH = 4096, MOST_ATTEMPTS = 10000 };

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
    tarn_lake_lock(lake);
    lake->trees[at].commit = *commit;
    lake->trees[at].tree = *tree;
    tarn_lake_unlock(lake);
done:
    tarn_free(c);
    return rc;
}

/* ---- committing ---- */

/* What is to be committed: entries, or (entries NULL) what is staged on the ref. */
typedef struct change {
    const char *ref;
    const tarn_entry *entries;
    size_t n;
    const tarn_commit_options *options;
    int64_t upto; /* staged rows up to this number are in the commit */
} change;

typedef struct batch {
    tarn_entry *v;
    size_t n;
    int64_t upto;
    size_t seen;
    char last[1025];
} batch;

static tarn_code take_staged(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    batch *b = arg;

    (void)err;
    b->seen++;
    memcpy(b->last, entry->path, sizeof b->last);
    if (seq <= b->upto) b->v[b->n++] = *entry;
    return TARN_OK;
}

/* The staged rows in batches, so that a million of them need no gigabyte. */
static tarn_code apply_staged(tarn_lake *lake, change *c, tarn_id *tree, uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    batch b = {0};
    char from[1026] = "";

    TARN_TRY(tarn_alloc(&b.v, STAGED_BATCH, sizeof *b.v, err));
    tarn_lake_lock(lake);
    rc = tarn_meta_stage_seq(lake->meta, &c->upto, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK) goto done;
    b.upto = c->upto;
    do {
        b.n = b.seen = 0;
        tarn_lake_lock(lake);
        rc = tarn_meta_staged(lake->meta, c->ref, from, STAGED_BATCH, take_staged, &b, err);
        tarn_lake_unlock(lake);
        if (rc != TARN_OK) goto done;
        if (b.n > 0) TARN_TRY(tarn_tree_update(lake, tree, b.v, b.n, tree, paths, err));
        (void)snprintf(from, sizeof from, "%s\001", b.last); /* no path holds a byte below a space */
    } while (b.seen == STAGED_BATCH);
done:
    tarn_free(b.v);
    return rc;
}

static tarn_code fill_commit(const change *c, const tarn_id *head, tarn_commit *out, tarn_err *err)
{
    const char *author = c->options->author && *c->options->author ? c->options->author : "unknown";
    const char *message = c->options->message ? c->options->message : "";

    if (strlen(author) >= sizeof out->author)
        return TARN_FAIL(err, TARN_INVALID, "the author has %zu bytes; at most %zu are possible", strlen(author),
                         sizeof out->author - 1);
    if (strlen(message) >= sizeof out->message)
        return TARN_FAIL(err, TARN_INVALID, "the message has %zu bytes; at most %zu are possible", strlen(message),
                         sizeof out->message - 1);
    if (!tarn_utf8_valid(author, strlen(author), NULL) || !tarn_utf8_valid(message, strlen(message), NULL))
        return TARN_FAIL(err, TARN_INVALID, "author and message of a commit must be UTF-8");
    if (c->options->meta && !json_is_object(c->options->meta))
        return TARN_FAIL(err, TARN_INVALID, "the metadata of a commit must be a JSON object");
    (void)strcpy(out->author, author);
    (void)strcpy(out->message, message);
    out->n_parents = !tarn_id_none(head);
    out->parents[0] = *head;
    out->time_us = tarn_now_us();
    return TARN_OK;
}

static tarn_code store_commit(tarn_lake *lake, tarn_commit *c, const json_t *meta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;
    size_t len = 0;

    TARN_TRY(tarn_commit_encode(c, meta, &bytes, &len, err));
    TARN_TRY(tarn_digest(bytes, len, &c->id, err));
    TARN_TRY(tarn_store_put(lake, &c->id, TARN_KIND_COMMIT, bytes, len, err));
done:
    tarn_free(bytes);
    return rc;
}

/* Move the ref and forget what was staged, durably and together. */
static tarn_code publish(tarn_lake *lake, const change *c, const tarn_id *head, const tarn_commit *commit,
                         tarn_err *err)
{
    tarn_code rc = tarn_tx_begin(lake, err);

    if (rc != TARN_OK) return rc;
    rc = tarn_ref_swap_as(lake, "commit", c->ref, tarn_id_none(head) ? NULL : head, &commit->id, commit->author,
                          commit->message, err);
    if (rc == TARN_OK && !c->entries) rc = tarn_meta_unstage(lake->meta, c->ref, "", c->upto, err);
    return tarn_tx_end(lake, rc, err);
}

static tarn_code read_head(tarn_lake *lake, const char *ref, tarn_id *head, tarn_err *err)
{
    tarn_ref r;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_ref_get(lake->meta, ref, &r, err);
    tarn_lake_unlock(lake);
    *head = rc == TARN_OK ? r.commit : (tarn_id){{0}};
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* TARN_CONFLICT: the head moved meanwhile. */
static tarn_code commit_once(tarn_lake *lake, change *c, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *commit = NULL;
    tarn_id head, before, tree;

    TARN_TRY(tarn_alloc(&commit, 1, sizeof *commit, err));
    TARN_TRY(read_head(lake, c->ref, &head, err));
    if (c->options->expect && !tarn_id_equal(c->options->expect, &head)) {
        rc = TARN_FAIL(err, TARN_CONFLICT, "'%s' has moved since you looked; look at what came in and commit again",
                       c->ref);
        goto done;
    }
    TARN_TRY(fill_commit(c, &head, commit, err));
    TARN_TRY(tarn_commit_tree(lake, &head, &before, err));
    tree = before;
    if (!c->entries) TARN_TRY(apply_staged(lake, c, &tree, &commit->paths, err));
    else TARN_TRY(tarn_tree_update(lake, &before, c->entries, c->n, &tree, &commit->paths, err));
    if (tarn_id_none(&tree) ||
        (tarn_id_equal(&tree, &before) && commit->paths == 0)) /* counts, and stores the empty tree */
        TARN_TRY(tarn_tree_update(lake, &tree, NULL, 0, &tree, &commit->paths, err));
    bool same = tarn_id_none(&before) ? commit->paths == 0 : tarn_id_equal(&tree, &before);
    if (same && !c->options->even_if_same) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "nothing to commit: '%s' has these contents already", c->ref);
        goto done;
    }
    commit->tree = tree;
    TARN_TRY(store_commit(lake, commit, c->options->meta, err));
    TARN_TRY(publish(lake, c, &head, commit, err));
    *out = commit->id;
done:
    tarn_free(commit);
    return rc;
}

/* Wait for the turn among the threads of this handle and all processes. -1: no such file can be made; then there is
 * only luck. */
static int take_turn(tarn_lake *lake)
{
    char path[TARN_LAKE_PATH + 8];

    (void)pthread_mutex_lock(&lake->turn);
    (void)snprintf(path, sizeof path, "%s/turn", lake->inside);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) (void)flock(fd, LOCK_EX);
    return fd;
}

static void give_turn(tarn_lake *lake, int fd)
{
    if (fd >= 0) (void)close(fd);
    (void)pthread_mutex_unlock(&lake->turn);
}

static tarn_code commit_change(tarn_lake *lake, change *c, tarn_id *out, tarn_err *err)
{
    tarn_code rc = commit_once(lake, c, out, err);

    if (rc == TARN_CONFLICT && !c->options->expect) {
        int turn = take_turn(lake);
        for (int attempt = 0; attempt < MOST_ATTEMPTS && rc == TARN_CONFLICT; attempt++)
            rc = commit_once(lake, c, out, err);
        give_turn(lake, turn);
    }
    if (rc == TARN_OK) tarn_audit_settle(lake, false);
    return rc;
}

tarn_code tarn_lake_commit(tarn_lake *lake, const char *branch, const tarn_commit_options *options, tarn_id *out,
                           tarn_err *err)
{
    char ref[256];
    tarn_code rc = tarn_ref_branch(branch, ref, err);

    if (rc != TARN_OK) return rc;
    return commit_change(lake, &(change){.ref = ref, .options = options}, out, err);
}

tarn_code tarn_lake_commit_entries(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                   const tarn_commit_options *options, tarn_id *out, tarn_err *err)
{
    static const tarn_entry no_entry;
    char full[256];
    tarn_code rc = tarn_ref_full(ref, full, err);

    if (rc == TARN_OK) rc = tarn_entries_check(lake, entries, n, true, err);
    if (rc != TARN_OK) return rc;
    return commit_change(
        lake, &(change){.ref = full, .entries = n > 0 ? entries : &no_entry, .n = n, .options = options}, out, err);
}
