/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - making and reading commits.
 *
 * A commit reads the ref, applies the entries to its tree, stores nodes and record, and swaps the ref in the
 * transaction that makes all of it durable. If another commit came first, the same entries are applied to the new
 * head, which costs only the nodes changed: nothing is lost and nobody is sent away. From the second attempt on
 * committers queue for the lake's `turn` file, so that many of them do not keep undoing each other's work. */
#include "lake/commit.h"

#include "base/mem.h"
#include "lake/tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { STAGED_BATCH = 4096, MOST_ATTEMPTS = 10000 };

static const char magic[] = "TARNCOM1\n";

/* ---- the record ---- */

static tarn_code set_id(json_t *o, const char *key, const tarn_id *id, tarn_err *err)
{
    char hex[TARN_ID_HEX];
    return tarn_json_set(o, key, json_string(tarn_id_hex(id, hex)), err);
}

static tarn_code as_json(const tarn_commit *c, const json_t *meta, json_t *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];
    json_t *parents = NULL;

    TARN_TRY(tarn_json_set(o, "author", json_string(c->author), err));
    TARN_TRY(tarn_json_set(o, "message", json_string(c->message), err));
    TARN_TRY(tarn_json_set(o, "meta", meta ? json_deep_copy(meta) : json_object(), err));
    TARN_TRY(tarn_json_set(o, "parents", json_array(), err));
    parents = json_object_get(o, "parents");
    for (int i = 0; i < c->n_parents; i++)
        TARN_TRY(tarn_json_append(parents, json_string(tarn_id_hex(&c->parents[i], hex)), err));
    TARN_TRY(tarn_json_set(o, "paths", json_integer((json_int_t)c->paths), err));
    TARN_TRY(tarn_json_set(o, "time_us", json_integer(c->time_us), err));
    TARN_TRY(set_id(o, "tree", &c->tree, err));
done:
    return rc;
}

tarn_code tarn_commit_encode(const tarn_commit *c, const json_t *meta, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *o = json_object();
    char *line = NULL;
    tarn_text text = {0};

    if (!o) return TARN_FAIL(err, TARN_NOMEM, "no memory for a commit");
    TARN_TRY(as_json(c, meta, o, err));
    TARN_TRY(tarn_json_compact(o, &line, err));
    tarn_text_add(&text, magic);
    tarn_text_add(&text, line);
    TARN_TRY(tarn_text_check(&text, err));
    *len = text.len;
    TARN_TRY(tarn_text_take(&text, out, err));
done:
    json_decref(o);
    tarn_free(line);
    tarn_text_clear(&text);
    return rc;
}

static bool take_text(const json_t *o, const char *key, char *out, size_t cap)
{
    const char *text = tarn_json_text(o, key, NULL);

    if (!text || strlen(text) >= cap) return false;
    (void)strcpy(out, text);
    return true;
}

static bool take_number(const json_t *o, const char *key, int64_t *out)
{
    const json_t *n = json_object_get(o, key);

    *out = json_integer_value(n);
    return json_is_integer(n);
}

static bool take_parents(const json_t *o, tarn_commit *out)
{
    const json_t *parents = json_object_get(o, "parents");
    size_t n = json_array_size(parents);

    if (!json_is_array(parents) || n > 2) return false;
    for (size_t i = 0; i < n; i++) {
        const char *hex = json_string_value(json_array_get(parents, i));
        if (!hex || !tarn_id_parse(hex, strlen(hex), &out->parents[i])) return false;
    }
    out->n_parents = (int)n;
    return true;
}

static bool take_all(const json_t *o, tarn_commit *out)
{
    char hex[TARN_ID_HEX];
    int64_t paths = 0;
    json_t *meta = json_object_get(o, "meta");

    if (!take_text(o, "author", out->author, sizeof out->author) ||
        !take_text(o, "message", out->message, sizeof out->message) || !take_text(o, "tree", hex, sizeof hex) ||
        !tarn_id_parse(hex, strlen(hex), &out->tree) || !take_parents(o, out) || !take_number(o, "paths", &paths) ||
        paths < 0 || !take_number(o, "time_us", &out->time_us) || !json_is_object(meta))
        return false;
    out->paths = (uint64_t)paths;
    out->meta = json_incref(meta);
    return true;
}

tarn_code tarn_commit_decode(const char *bytes, size_t len, tarn_commit *out, tarn_err *err)
{
    size_t head = sizeof magic - 1;
    json_t *o = NULL;

    *out = (tarn_commit){.id = out->id};
    if (len <= head || memcmp(bytes, magic, head) != 0) return TARN_FAIL(err, TARN_CORRUPT, "it is not a commit");
    tarn_code rc = tarn_json_read(bytes + head, len - head, "the commit", &o, err);
    if (rc != TARN_OK) return rc == TARN_INVALID ? TARN_CORRUPT : rc;
    if (!take_all(o, out)) rc = TARN_FAIL(err, TARN_CORRUPT, "the commit lacks a field or holds a wrong one");
    json_decref(o);
    return rc;
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
    tarn_commit c;

    *tree = (tarn_id){{0}};
    if (!commit || tarn_id_none(commit)) return TARN_OK;
    tarn_code rc = tarn_lake_commit_read(lake, commit, &c, err);
    if (rc != TARN_OK) return rc;
    *tree = c.tree;
    tarn_commit_clear(&c);
    return TARN_OK;
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
    rc = tarn_ref_swap(lake, c->ref, tarn_id_none(head) ? NULL : head, &commit->id, commit->author, commit->message,
                       err);
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

    if (rc != TARN_CONFLICT || c->options->expect) return rc;
    int turn = take_turn(lake);
    for (int attempt = 0; attempt < MOST_ATTEMPTS && rc == TARN_CONFLICT; attempt++)
        rc = commit_once(lake, c, out, err);
    give_turn(lake, turn);
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

    if (rc != TARN_OK) return rc;
    return commit_change(
        lake, &(change){.ref = full, .entries = n > 0 ? entries : &no_entry, .n = n, .options = options}, out, err);
}
