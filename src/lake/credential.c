/* SPDX-License-Identifier: Apache-2.0 */
/* credential.c - from a token, a password or a key's id to the one it belongs to. See access.h.
 *
 * Whatever is wrong with a credential, the answer is the same and takes about as long: an unknown user's password is
 * verified against a hash that nothing gives. */
#include "lake/access_inside.h"

#include "base/mem.h"
#include "base/sink.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSWORD_LEAST = 8, PASSWORD_MOST = 1024 };
static const int64_t us_per_day = INT64_C(86400000000);

static const char nobodys_hash[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRmb3Jub2JvZA$"
                                   "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

static tarn_code no(tarn_err *err)
{
    return TARN_FAIL(err, TARN_DENIED,
                     "the credential is not valid: it is unknown, has ended, or its user is disabled");
}

/* ---- the server's key ---- */

static tarn_code read_server_key(const char *path, uint8_t key[TARN_SECRET_KEY], tarn_err *err)
{
    struct stat st;
    char *text = NULL;
    size_t len = 0;
    tarn_id id;
    tarn_code rc = TARN_OK;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        return TARN_FAIL(err, TARN_DENIED,
                         "others may read '%s', which opens the secrets of all access keys; "
                         "chmod 600 it, and make new keys if somebody may have read it",
                         path);
    TARN_TRY(tarn_file_read(path, 4096, &text, &len, err));
    if (!tarn_id_parse(text, len > 0 && text[len - 1] == '\n' ? len - 1 : len, &id))
        rc = TARN_FAIL(err, TARN_CORRUPT,
                       "'%s' is damaged: restore it from a copy, or remove it and make new access "
                       "keys",
                       path);
    else memcpy(key, id.b, TARN_SECRET_KEY);
    tarn_secret_wipe(&id, sizeof id);
done:
    if (text) tarn_secret_wipe(text, len);
    tarn_free(text);
    return rc;
}

/* Under its name at once and whole, or not at all; if another process was first, theirs holds. */
static tarn_code make_server_key(tarn_lake *lake, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char fresh[TARN_LAKE_PATH + 64], hex[TARN_ID_HEX + 1];
    tarn_id id;
    int fd = -1;

    (void)snprintf(fresh, sizeof fresh, "%s/tmp/server.key-%ld", lake->inside, (long)getpid());
    TARN_TRY(tarn_secret_random(id.b, sizeof id.b, err));
    (void)tarn_id_hex(&id, hex);
    (void)strcat(hex, "\n");
    (void)unlink(fresh);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = TARN_FAIL_ERRNO(err, "make", fresh);
        goto done;
    }
    TARN_TRY(tarn_fd_write(fd, hex, strlen(hex), fresh, err));
    TARN_TRY(tarn_fd_sync(fd, fresh, err));
    if (link(fresh, path) != 0 && errno != EEXIST) rc = TARN_FAIL_ERRNO(err, "make", path);
    else rc = tarn_dir_sync(lake->inside, err);
done:
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(fresh);
    }
    tarn_secret_wipe(hex, sizeof hex);
    tarn_secret_wipe(&id, sizeof id);
    return rc;
}

tarn_code tarn_access_server_key(tarn_lake *lake, bool make, uint8_t key[TARN_SECRET_KEY], tarn_err *err)
{
    char path[TARN_LAKE_PATH + 32];

    (void)snprintf(path, sizeof path, "%s/server.key", lake->inside);
    if (!tarn_path_exists(path)) {
        if (!make)
            return TARN_FAIL(err, TARN_NOT_FOUND,
                             "'%s' is gone, which opens the secrets of access keys: restore it from "
                             "a copy, or make new keys",
                             path);
        tarn_code rc = make_server_key(lake, path, err);
        if (rc != TARN_OK) return rc;
    }
    return read_server_key(path, key, err);
}

/* ---- tokens and keys ---- */

/* The row of a live credential, copied, and whether its user is enabled. */
static bool take(tarn_lake *lake, bool key, const char *id, tarn_credential_row *out)
{
    struct tarn_access *a = lake->access;

    (void)pthread_mutex_lock(&a->lock);
    const tarn_credential_row *v = key ? a->rows.keys : a->rows.tokens;
    const tarn_credential_row *c = tarn_access_credential(v, key ? a->rows.n_keys : a->rows.n_tokens, id);
    const tarn_user_row *u = c ? tarn_access_user(&a->rows, c->user) : NULL;
    if (c) *out = *c;
    (void)pthread_mutex_unlock(&a->lock);
    return u && u->enabled && (out->expires_us == 0 || out->expires_us > tarn_now_us());
}

static tarn_code write_used(tarn_lake *lake, const char *kind, const char *id, int64_t today, tarn_err *err)
{
    char *value = NULL;
    tarn_text line = {0};
    tarn_code rc = tarn_meta_access_get(lake->meta, kind, id, &value, err);

    for (const char *at = rc == TARN_OK ? value : ""; *at;) {
        size_t n = strcspn(at, "\n") + 1;
        if (strncmp(at, "used ", 5) != 0) tarn_text_addn(&line, at, n);
        at += n;
    }
    if (rc == TARN_OK) tarn_text_addf(&line, "used %lld\n", (long long)today);
    if (rc == TARN_OK) rc = tarn_text_check(&line, err);
    if (rc == TARN_OK) rc = tarn_meta_access_set(lake->meta, kind, id, line.data, err);
    tarn_text_clear(&line);
    tarn_free(value);
    return rc;
}

/* The day of its last use, once a day; that it cannot be written is no reason to refuse. */
static void mark_used(tarn_lake *lake, const char *kind, const tarn_credential_row *c)
{
    int64_t today = tarn_now_us() / us_per_day;
    tarn_err ignored = {0};

    if (c->used_day == today || lake->readonly || tarn_tx_begin(lake, &ignored) != TARN_OK) return;
    tarn_code rc = tarn_tx_end(lake, write_used(lake, kind, c->id, today, &ignored), &ignored);
    (void)pthread_mutex_lock(&lake->access->lock);
    tarn_access_rows *r = &lake->access->rows;
    tarn_credential_row *v = kind[0] == 'k' ? r->keys : r->tokens;
    for (size_t i = 0; rc == TARN_OK && i < (kind[0] == 'k' ? r->n_keys : r->n_tokens); i++)
        if (strcmp(v[i].id, c->id) == 0) v[i].used_day = today;
    (void)pthread_mutex_unlock(&lake->access->lock);
}

static void become(tarn_who *who, const tarn_credential_row *c, const char *kind)
{
    who->kind = TARN_WHO_USER;
    who->most = c->most;
    (void)snprintf(who->user, sizeof who->user, "%s", c->user);
    (void)snprintf(who->via, sizeof who->via, "%s %s", kind, c->id);
}

tarn_code tarn_access_token(tarn_lake *lake, const char *token, tarn_who *who, tarn_err *err)
{
    static const char start[] = "tarn_", letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    tarn_credential_row c = {.id = ""};
    char id[TARN_TOKEN_ID];
    size_t len = strlen(token);
    tarn_id hash;
    tarn_code rc;

    if (len != TARN_TOKEN_TEXT - 1 || strncmp(token, start, sizeof start - 1) != 0 ||
        strspn(token + sizeof start - 1, letters) != len - (sizeof start - 1))
        return no(err);
    rc = tarn_access_refresh(lake, err);
    if (rc == TARN_OK) rc = tarn_digest(token, len, &hash, err);
    if (rc != TARN_OK) return rc;
    (void)snprintf(id, sizeof id, "%.8s", token + sizeof start - 1);
    bool alive = take(lake, false, id, &c);
    bool same = tarn_secret_equal(hash.b, c.hash.b, sizeof hash.b);
    if (!alive || !same) return no(err);
    become(who, &c, "token");
    mark_used(lake, "token", &c);
    return TARN_OK;
}

tarn_code tarn_access_key_find(tarn_lake *lake, const char *key_id, char secret[TARN_KEY_SECRET], tarn_who *who,
                               tarn_err *err)
{
    tarn_credential_row c = {.id = ""};
    uint8_t key[TARN_SECRET_KEY];
    tarn_code rc = TARN_OK;

    if (strlen(key_id) != TARN_KEY_ID - 1) return no(err);
    TARN_TRY(tarn_access_refresh(lake, err));
    if (!take(lake, true, key_id, &c)) return no(err);
    TARN_TRY(tarn_access_server_key(lake, false, key, err));
    TARN_TRY(tarn_secret_unbox(key, c.sealed, sizeof c.sealed, secret, err));
    secret[TARN_KEY_SECRET - 1] = '\0';
    become(who, &c, "key");
    mark_used(lake, "key", &c);
done:
    tarn_secret_wipe(key, sizeof key);
    if (rc != TARN_OK) tarn_err_note(err, "access key '%.20s'", key_id);
    return rc;
}

/* ---- passwords ---- */

tarn_code tarn_access_password_ok(const char *password, size_t len, tarn_err *err)
{
    if (len < PASSWORD_LEAST || len > PASSWORD_MOST)
        return TARN_FAIL(err, TARN_INVALID, "a password of %zu bytes: expected %d to %d", len, PASSWORD_LEAST,
                         PASSWORD_MOST);
    if (memchr(password, '\0', len)) return TARN_FAIL(err, TARN_INVALID, "a password may not hold a NUL byte");
    return TARN_OK;
}

/* What stands for user and password in memory: a hash under a key that lives as long as the lake is open. */
static tarn_code mac_of(struct tarn_access *a, const char *user, const char *password, size_t len, tarn_id *out,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *h = NULL;

    TARN_TRY(tarn_hasher_new(&h, err));
    TARN_TRY(tarn_hasher_add(h, a->kept_key, sizeof a->kept_key, err));
    TARN_TRY(tarn_hasher_add(h, user, strlen(user) + 1, err));
    TARN_TRY(tarn_hasher_add(h, password, len, err));
    TARN_TRY(tarn_hasher_end(h, out, err));
done:
    tarn_hasher_free(h);
    return rc;
}

/* Under access->lock. */
static bool is_kept(const struct tarn_access *a, const char *user, const tarn_id *mac)
{
    for (int i = 0; i < TARN_KEPT_PASSWORDS; i++)
        if (a->kept[i].user[0] && a->kept[i].version == a->rows.version && strcmp(a->kept[i].user, user) == 0 &&
            tarn_secret_equal(a->kept[i].mac.b, mac->b, sizeof mac->b))
            return true;
    return false;
}

static void keep(struct tarn_access *a, const char *user, const tarn_id *mac, int64_t version)
{
    (void)pthread_mutex_lock(&a->lock);
    int at = a->kept_next++ % TARN_KEPT_PASSWORDS;
    (void)snprintf(a->kept[at].user, sizeof a->kept[at].user, "%s", user);
    a->kept[at].mac = *mac;
    a->kept[at].version = version;
    if (a->kept_next == TARN_KEPT_PASSWORDS) a->kept_next = 0;
    (void)pthread_mutex_unlock(&a->lock);
}

static tarn_code slow_verify(struct tarn_access *a, const char *hash, const char *password, size_t len, bool *same,
                             tarn_err *err)
{
    while (sem_wait(&a->hashing) != 0 && errno == EINTR) continue;
    tarn_code rc = tarn_secret_verify(hash, password, len, same, err);
    (void)sem_post(&a->hashing);
    return rc;
}

tarn_code tarn_access_password(tarn_lake *lake, const char *user, const char *password, size_t len, tarn_who *who,
                               tarn_err *err)
{
    struct tarn_access *a = lake->access;
    char hash[TARN_SECRET_HASH];
    tarn_id mac;
    bool same = false;
    tarn_code rc = TARN_OK;

    if (strlen(user) >= TARN_USER_NAME || len > PASSWORD_MOST) return no(err);
    TARN_TRY(tarn_access_refresh(lake, err));
    TARN_TRY(mac_of(a, user, password, len, &mac, err));
    (void)pthread_mutex_lock(&a->lock);
    const tarn_user_row *u = tarn_access_user(&a->rows, user);
    bool enabled = u && u->enabled;
    int64_t version = a->rows.version;
    (void)snprintf(hash, sizeof hash, "%s", u ? u->hash : nobodys_hash);
    same = enabled && is_kept(a, user, &mac);
    (void)pthread_mutex_unlock(&a->lock);
    if (!same) {
        TARN_TRY(slow_verify(a, hash, password, len, &same, err));
        same = same && enabled;
        if (same) keep(a, user, &mac, version);
    }
    if (!same) return no(err);
    who->kind = TARN_WHO_USER;
    who->most = TARN_ROLE_ANYBODY;
    (void)snprintf(who->user, sizeof who->user, "%s", user);
    (void)snprintf(who->via, sizeof who->via, "password");
done:
    tarn_secret_wipe(hash, sizeof hash);
    return rc;
}

tarn_code tarn_access_stamp(tarn_lake *lake, const char *user, tarn_id *out, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    tarn_code rc = tarn_access_refresh(lake, err);

    *out = (tarn_id){{0}};
    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_lock(&a->lock);
    const tarn_user_row *u = tarn_access_user(&a->rows, user);
    if (u && u->enabled) rc = mac_of(a, u->name, u->hash, strlen(u->hash), out, err);
    (void)pthread_mutex_unlock(&a->lock);
    return rc;
}

tarn_code tarn_access_any_user(tarn_lake *lake, bool *any, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    tarn_code rc = tarn_access_refresh(lake, err);

    *any = false;
    (void)pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->rows.n_users; i++) *any = *any || a->rows.users[i].enabled;
    (void)pthread_mutex_unlock(&a->lock);
    return rc;
}
