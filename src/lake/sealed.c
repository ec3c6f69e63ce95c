/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.c - the key of an encrypted lake while it is open: found in the metadata, used for packs, for values of the
 * metadata and for pieces of files, and changed. See key.h and ring.h.
 *
 * Sealed values of the metadata are the hexadecimal of a piece behind "sealed:". */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char fact[] = "lake/keys", mark[] = "sealed:";

/* ---- where the keys stand ---- */

/* The copy beside the metadata, for its owner alone. */
static tarn_code save_copy(const char *inside, const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64], fresh[TARN_LAKE_PATH + 80];
    int fd = -1;

    (void)snprintf(path, sizeof path, "%s/keys", inside);
    (void)snprintf(fresh, sizeof fresh, "%s-new-%ld", path, (long)getpid());
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return TARN_FAIL_ERRNO(err, "create", fresh);
    TARN_TRY(tarn_fd_write(fd, text, strlen(text), fresh, err));
    TARN_TRY(tarn_fd_sync(fd, fresh, err));
    if (rename(fresh, path) != 0) rc = TARN_FAIL_ERRNO(err, "rename into", path);
    else TARN_TRY(tarn_dir_sync(inside, err));
done:
    if (rc != TARN_OK) (void)unlink(fresh);
    (void)close(fd);
    return rc;
}

/* The copy is brought in line with the metadata, which is the truth. Failing costs only the copy. */
static void refresh_copy(const tarn_lake *lake, const char *text)
{
    char path[TARN_LAKE_PATH + 64], *there = NULL;
    size_t len = 0;

    if (lake->readonly) return;
    (void)snprintf(path, sizeof path, "%s/keys", lake->inside);
    bool same = tarn_file_read(path, 1 << 20, &there, &len, NULL) == TARN_OK && strcmp(there, text) == 0;
    tarn_free(there);
    if (!same && save_copy(lake->inside, text, NULL) != TARN_OK) return;
}

/* ---- the copy in a store that is elsewhere: keys/<generations>-<hash>, the newest counts ---- */

enum { KEYS_MOST = 4 << 20, KEYS_KEPT = 64 };

typedef struct key_blobs {
    char names[KEYS_KEPT][96];
    uint64_t sizes[KEYS_KEPT];
    size_t n;
} key_blobs;

static tarn_code keep_blob(void *arg, const char *name, uint64_t size, tarn_err *err)
{
    key_blobs *list = arg;

    (void)err;
    if (list->n == KEYS_KEPT || strlen(name) >= sizeof list->names[0]) return TARN_OK;
    list->sizes[list->n] = size;
    (void)strcpy(list->names[list->n++], name);
    return TARN_OK;
}

tarn_code tarn_sealed_to_store(const tarn_backend *store, void *packs, const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[96], hex[TARN_ID_HEX];
    tarn_key_status status;
    tarn_id hash;
    key_blobs *there = NULL;

    TARN_TRY(tarn_ring_look(text, strlen(text), &status, err));
    TARN_TRY(tarn_digest(text, strlen(text), &hash, err));
    TARN_TRY(tarn_alloc(&there, 1, sizeof *there, err));
    (void)snprintf(name, sizeof name, "keys/%06d-%.16s", status.generations, tarn_id_hex(&hash, hex));
    TARN_TRY(store->put(packs, name, text, strlen(text), err));
    TARN_TRY(store->list(packs, "keys/", keep_blob, there, err));
    for (size_t i = 0; i < there->n; i++) {
        if (strcmp(there->names[i], name) == 0) continue;
        rc = store->remove(packs, there->names[i], err);
        if (rc == TARN_NOT_FOUND) rc = TARN_OK;
        TARN_TRY(rc);
    }
done:
    if (rc != TARN_OK) tarn_err_note(err, "the copy of the lake's sealed keys in the store");
    tarn_free(there);
    return rc;
}

/* *text NULL: there is none. */
static tarn_code from_store(const tarn_backend *store, void *packs, char **text, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    key_blobs *there = NULL;
    size_t best = 0;

    *text = NULL;
    TARN_TRY(tarn_alloc(&there, 1, sizeof *there, err));
    TARN_TRY(store->list(packs, "keys/", keep_blob, there, err));
    if (there->n == 0) goto done;
    for (size_t i = 1; i < there->n; i++)
        if (strcmp(there->names[i], there->names[best]) > 0) best = i;
    if (there->sizes[best] > KEYS_MOST) return TARN_FAIL(err, TARN_CORRUPT, "the store's copy of the keys is no keys");
    *len = (size_t)there->sizes[best];
    TARN_TRY(tarn_alloc(text, *len + 1, 1, err));
    rc = store->get(packs, there->names[best], 0, *len, *text, err);
done:
    if (rc != TARN_OK) {
        tarn_free(*text);
        *text = NULL;
    }
    tarn_free(there);
    return rc;
}

tarn_code tarn_sealed_restore(const char *inside, const tarn_backend *store, void *packs, tarn_meta *meta, bool *found,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64], *text = NULL;
    size_t len = 0;
    tarn_key_status status;

    *found = true;
    rc = tarn_meta_fact_get(meta, fact, &text, err);
    if (rc != TARN_NOT_FOUND) goto done;
    (void)snprintf(path, sizeof path, "%s/keys", inside);
    rc = tarn_file_read(path, KEYS_MOST, &text, &len, err);
    if (rc == TARN_OK && tarn_ring_look(text, len, &status, NULL) != TARN_OK) rc = TARN_NOT_FOUND;
    if (rc == TARN_NOT_FOUND) {
        tarn_free(text);
        TARN_TRY(from_store(store, packs, &text, &len, err));
    }
    *found = rc == TARN_OK && text && tarn_ring_look(text, len, &status, NULL) == TARN_OK;
    if (!*found) goto done;
    TARN_TRY(tarn_meta_begin(meta, err));
    rc = tarn_meta_fact_set(meta, fact, text, err);
    if (rc == TARN_OK) rc = tarn_meta_commit(meta, err);
    if (rc != TARN_OK) tarn_meta_rollback(meta);
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_sealed_make(const char *inside, const char *where, const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 64];
    tarn_meta *meta = NULL;

    TARN_TRY(tarn_path_join(path, sizeof path, inside, "meta.db", err));
    TARN_TRY(tarn_meta_open(*where ? where : path, false, &meta, err));
    TARN_TRY(tarn_meta_begin(meta, err));
    TARN_TRY(tarn_meta_fact_set(meta, fact, text, err));
    TARN_TRY(tarn_meta_commit(meta, err));
    TARN_TRY(save_copy(inside, text, err));
done:
    tarn_meta_close(meta);
    return rc;
}

static tarn_code read_keys(tarn_lake *lake, char **text, tarn_err *err)
{
    tarn_code rc = tarn_meta_fact_get(lake->meta, fact, text, err);

    if (rc != TARN_NOT_FOUND) return rc;
    return TARN_FAIL(err, TARN_CORRUPT,
                     "the lake is encrypted and its metadata has lost the sealed keys; restore the "
                     "metadata from a copy (.tarn/keys holds a copy of the keys alone)");
}

tarn_code tarn_sealed_none(tarn_lake *lake, tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_meta_fact_get(lake->meta, fact, &text, err);

    tarn_free(text);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) return rc;
    return TARN_FAIL(err, TARN_CORRUPT,
                     "'%s/format' says that the lake is plain, its metadata that it is encrypted: "
                     "somebody changed it; restore it from a copy",
                     lake->inside);
}

/* A copy of an open lake is opened with that one's keys: the copy may be older than the last change of the key. */
static bool share_ring(tarn_lake *lake, const tarn_lake *as, const char *text)
{
    tarn_key_status status;

    if (!as || !as->ring) return false;
    if (text && (tarn_ring_look(text, strlen(text), &status, NULL) != TARN_OK ||
                 strcmp(status.lake, tarn_ring_lake(as->ring)) != 0))
        return false;
    lake->ring = tarn_ring_share(as->ring);
    return true;
}

tarn_code tarn_sealed_open(tarn_lake *lake, const tarn_lake_key *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    rc = read_keys(lake, &text, err);
    if (rc != TARN_OK && rc != TARN_CORRUPT) goto done;
    if (!share_ring(lake, key ? key->as : NULL, text)) {
        TARN_TRY(rc);
        TARN_TRY(tarn_ring_open(text, strlen(text), key, &lake->ring, err));
        refresh_copy(lake, text);
    }
    rc = TARN_OK;
    lake->open.ring = lake->ring;
    tarn_meta_seal_with(lake->meta, lake->ring);
done:
    tarn_free(text);
    return rc;
}

/* ---- packs ---- */

tarn_code tarn_sealed_pack_key(tarn_lake *lake, const char *pack, tarn_key *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    uint8_t head[TARN_PACK_SEALED_HEAD];
    unsigned at = 0;

    for (const char *p = pack; *p; p++) at = at * 31 + (unsigned char)*p;
    at %= TARN_KEYS_KEPT;
    tarn_lake_lock(lake);
    bool kept = strcmp(lake->keys[at].pack, pack) == 0 && *pack;
    if (kept) *out = lake->keys[at].key;
    tarn_lake_unlock(lake);
    if (kept) return TARN_OK;
    (void)snprintf(blob, sizeof blob, "packs/%.63s", pack);
    TARN_TRY(lake->backend->get(lake->packs, blob, 0, sizeof head, head, err));
    TARN_TRY(tarn_pack_key(lake->ring, head, out, err));
    tarn_lake_lock(lake);
    (void)snprintf(lake->keys[at].pack, sizeof lake->keys[at].pack, "%s", pack);
    lake->keys[at].key = *out;
    tarn_lake_unlock(lake);
done:
    return rc;
}

tarn_code tarn_sealed_take(tarn_lake *lake, const char *pack, const tarn_indexed *e, tarn_slab *slab, tarn_id *id,
                           tarn_where *where, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    size_t len = TARN_RECORD_HEAD + (size_t)e->where.stored;
    tarn_key key;

    *id = e->id;
    *where = e->where;
    (void)snprintf(blob, sizeof blob, "packs/%.63s", pack);
    TARN_TRY(tarn_slab_need(&slab->stored, &slab->stored_cap, len, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, e->where.offset, len, slab->stored, err));
    if (lake->ring) {
        TARN_TRY(tarn_sealed_pack_key(lake, pack, &key, err));
        rc = tarn_record_unseal(lake->ring, &key, &e->id, where, slab, id, err);
        tarn_secret_wipe(&key, sizeof key);
    }
    if (rc == TARN_OK) rc = tarn_record_check(id, where, slab->stored, err);
done:
    return rc;
}

/* ---- pieces and values ---- */

bool tarn_lake_encrypted(const tarn_lake *lake) { return lake->ring != NULL; }

static tarn_code not_encrypted(tarn_err *err)
{
    return TARN_FAIL(err, TARN_INVALID, "the lake is not encrypted; 'tarn init --encrypt' makes one that is");
}

tarn_code tarn_lake_seal(tarn_lake *lake, const char *where, const void *bytes, size_t len, char **out, size_t *out_len,
                         tarn_err *err)
{
    uint8_t *sealed = NULL;

    if (!lake->ring) return not_encrypted(err);
    tarn_code rc = tarn_alloc(&sealed, len + TARN_PIECE_MORE, 1, err);
    if (rc == TARN_OK) rc = tarn_ring_seal(lake->ring, where, bytes, len, sealed, err);
    if (rc != TARN_OK) {
        tarn_free(sealed);
        return rc;
    }
    *out = (char *)sealed;
    *out_len = len + TARN_PIECE_MORE;
    return TARN_OK;
}

tarn_code tarn_lake_unseal(tarn_lake *lake, const char *where, const void *bytes, size_t len, char **out,
                           size_t *out_len, tarn_err *err)
{
    char *plain = NULL;

    if (!lake->ring) return not_encrypted(err);
    if (len < TARN_PIECE_MORE) return TARN_FAIL(err, TARN_CORRUPT, "%s: sealed bytes are cut short", where);
    tarn_code rc = tarn_alloc(&plain, len - TARN_PIECE_MORE + 1, 1, err);
    if (rc == TARN_OK) rc = tarn_ring_unseal(lake->ring, where, bytes, len, plain, err);
    if (rc != TARN_OK) {
        tarn_free(plain);
        return rc;
    }
    plain[len - TARN_PIECE_MORE] = '\0';
    *out = plain;
    if (out_len) *out_len = len - TARN_PIECE_MORE;
    return TARN_OK;
}

tarn_code tarn_sealed_text(const tarn_lake *lake, const char *where, const char *text, char **out, tarn_err *err)
{
    static const char digits[] = "0123456789abcdef";
    tarn_code rc = TARN_OK;
    size_t len = strlen(text), n = len + TARN_PIECE_MORE, head = sizeof mark - 1;
    uint8_t *sealed = NULL;
    char *t = NULL;

    if (!lake->ring) return tarn_strdup(text, out, err);
    TARN_TRY(tarn_alloc(&sealed, n, 1, err));
    TARN_TRY(tarn_ring_seal(lake->ring, where, text, len, sealed, err));
    TARN_TRY(tarn_alloc(&t, head + 2 * n + 1, 1, err));
    memcpy(t, mark, head);
    for (size_t i = 0; i < n; i++) {
        t[head + 2 * i] = digits[sealed[i] >> 4];
        t[head + 2 * i + 1] = digits[sealed[i] & 15];
    }
    *out = t;
done:
    tarn_free(sealed);
    return rc;
}

static tarn_code value_damaged(const char *where, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT, "the metadata is damaged: the sealed value '%.100s' cannot be opened", where);
}

tarn_code tarn_unsealed_text(const tarn_lake *lake, const char *where, const char *text, char **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t head = sizeof mark - 1, n = strlen(text);
    uint8_t *sealed = NULL;
    char *plain = NULL;

    if (!lake->ring) return tarn_strdup(text, out, err);
    if (strncmp(text, mark, head) != 0 || (n - head) % 2 != 0 || (n - head) / 2 < TARN_PIECE_MORE ||
        strspn(text + head, "0123456789abcdef") != n - head)
        return value_damaged(where, err);
    n = (n - head) / 2;
    TARN_TRY(tarn_alloc(&sealed, n, 1, err));
    for (size_t i = 0; i < 2 * n; i++) {
        char c = text[head + i];
        sealed[i / 2] = (uint8_t)(sealed[i / 2] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
    }
    TARN_TRY(tarn_alloc(&plain, n - TARN_PIECE_MORE + 1, 1, err));
    rc = tarn_ring_unseal(lake->ring, where, sealed, n, plain, err);
    if (rc == TARN_CORRUPT) rc = value_damaged(where, err);
    if (rc != TARN_OK) goto done;
    *out = plain;
    plain = NULL;
done:
    tarn_free(sealed);
    tarn_free(plain);
    return rc;
}

/* ---- looking and changing ---- */

tarn_code tarn_lake_key_status(tarn_lake *lake, tarn_key_status *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    *out = (tarn_key_status){.kind = TARN_KEY_NONE};
    if (!lake->ring) return TARN_OK;
    tarn_lake_lock(lake);
    rc = read_keys(lake, &text, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK) rc = tarn_ring_look(text, strlen(text), out, err);
    tarn_free(text);
    return rc;
}

/* In a transaction: nobody else may have changed the keys since they were opened. */
static tarn_code change_keys(tarn_lake *lake, const tarn_lake_key *key, char **text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *now = NULL;
    tarn_key_status status;

    TARN_TRY(read_keys(lake, &now, err));
    TARN_TRY(tarn_ring_look(now, strlen(now), &status, err));
    if (status.generations != (int)tarn_ring_newest(lake->ring)) {
        rc =
            TARN_FAIL(err, TARN_CONFLICT, "another process has changed the key meanwhile; open the lake again with it");
        goto done;
    }
    TARN_TRY(tarn_ring_rotate(lake->ring, key, text, err));
    TARN_TRY(tarn_meta_fact_set(lake->meta, fact, *text, err));
done:
    tarn_free(now);
    return rc;
}

tarn_code tarn_lake_key_rotate(tarn_lake *lake, const tarn_lake_key *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;
    tarn_ring *fresh = NULL;

    if (!lake->ring) return not_encrypted(err);
    if (!key->file && !key->passphrase)
        return TARN_FAIL(err, TARN_INVALID, "say which key is to be the new one: a key file or a passphrase");
    TARN_TRY(tarn_tx_begin(lake, err));
    rc = change_keys(lake, key, &text, err);
    if (rc == TARN_OK) rc = tarn_ring_open(text, strlen(text), key, &fresh, err); /* nobody is locked out */
    rc = tarn_tx_end(lake, rc, err);
    if (rc == TARN_OK) refresh_copy(lake, text);
    if (rc == TARN_OK && strcmp(lake->store_url, "disk:.") != 0) {
        rc = tarn_sealed_to_store(lake->origin, lake->origin_packs, text, err);
        if (rc != TARN_OK) tarn_err_note(err, "the key was changed, but the old key still opens (change it once more)");
    }
done:
    tarn_ring_free(fresh);
    tarn_free(text);
    return rc;
}
