/* SPDX-License-Identifier: Apache-2.0 */
/* access_rows.c - users, tokens, keys and grants in memory, read again when the count of changes in meta has moved.
 *
 * Every check looks at that count, one small read, so that what is revoked is refused from the next request on. Only
 * while a commit holds the lake's lock, which can last as long as the disk takes to sync, rows up to a second old are
 * used instead of waiting. */
#include "lake/access_inside.h"

#include "base/mem.h"
#include "base/sink.h"
#include "lake/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double stale_s = 1.0;

void tarn_access_rows_clear(tarn_access_rows *rows)
{
    if (rows->keys) tarn_secret_wipe(rows->keys, rows->n_keys * sizeof *rows->keys);
    tarn_free(rows->users);
    tarn_free(rows->tokens);
    tarn_free(rows->keys);
    tarn_free(rows->grants);
    *rows = (tarn_access_rows){.version = -1};
}

/* Room for one more in an array that doubles. */
static tarn_code room(void *array, size_t n, size_t size, tarn_err *err)
{
    if (n != 0 && (n < 8 || (n & (n - 1)) != 0)) return TARN_OK;
    return tarn_resize(array, n < 8 ? 8 : 2 * n, size, err);
}

const char *tarn_row_text(const char *value, const char *key, char *out, size_t cap)
{
    size_t len = strlen(key);

    out[0] = '\0';
    for (const char *line = value; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > len && strncmp(line, key, len) == 0 && line[len] == ' ') {
            (void)snprintf(out, cap, "%.*s", (int)(n - len - 1), line + len + 1);
            break;
        }
        line += n + (line[n] == '\n');
    }
    return out;
}

int64_t tarn_row_int(const char *value, const char *key)
{
    char text[32];
    int64_t n = 0;

    (void)tarn_row_text(value, key, text, sizeof text);
    return tarn_int_parse(text, strlen(text), &n) ? n : 0;
}

static bool unhex(const char *hex, uint8_t *out, size_t len)
{
    if (strlen(hex) != 2 * len) return false;
    for (size_t i = 0; i < len; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'}, *end = NULL;
        out[i] = (uint8_t)strtoul(two, &end, 16);
        if (end != two + 2) return false;
    }
    return true;
}

static tarn_code add_credential(tarn_credential_row **v, size_t *n, const char *name, const char *value, bool key,
                                tarn_err *err)
{
    tarn_credential_row *c;
    char hex[2 * sizeof c->sealed + 8];
    tarn_code rc = room(v, *n, sizeof **v, err);

    if (rc != TARN_OK) return rc;
    c = &(*v)[*n];
    *c = (tarn_credential_row){.most = (tarn_role)tarn_row_int(value, "most"),
                               .expires_us = tarn_row_int(value, "expires"),
                               .used_day = tarn_row_int(value, "used")};
    (void)snprintf(c->id, sizeof c->id, "%s", name);
    (void)tarn_row_text(value, "user", c->user, sizeof c->user);
    (void)tarn_row_text(value, key ? "sealed" : "sha256", hex, sizeof hex);
    if (!(key ? unhex(hex, c->sealed, sizeof c->sealed) : tarn_id_parse(hex, strlen(hex), &c->hash)))
        return TARN_FAIL(err, TARN_CORRUPT, "the stored %s '%s' is damaged", key ? "key" : "token", name);
    ++*n;
    return TARN_OK;
}

static tarn_code add_user(tarn_access_rows *r, const char *name, const char *value, tarn_err *err)
{
    tarn_code rc = room(&r->users, r->n_users, sizeof *r->users, err);

    if (rc != TARN_OK) return rc;
    tarn_user_row *u = &r->users[r->n_users++];
    *u = (tarn_user_row){.enabled = tarn_row_int(value, "enabled") != 0};
    (void)snprintf(u->name, sizeof u->name, "%s", name);
    (void)tarn_row_text(value, "hash", u->hash, sizeof u->hash);
    return TARN_OK;
}

static tarn_code add_grant(tarn_access_rows *r, const char *value, tarn_err *err)
{
    tarn_code rc = room(&r->grants, r->n_grants, sizeof *r->grants, err);

    if (rc != TARN_OK) return rc;
    tarn_grant *g = &r->grants[r->n_grants++];
    *g = (tarn_grant){.deny = tarn_row_int(value, "deny") != 0};
    (void)tarn_row_text(value, "user", g->user, sizeof g->user);
    (void)tarn_row_text(value, "what", g->what, sizeof g->what);
    (void)tarn_row_text(value, "branch", g->branch, sizeof g->branch);
    (void)tarn_row_text(value, "path", g->path, sizeof g->path);
    (void)tarn_row_text(value, "model", g->model, sizeof g->model);
    r->by_branch = r->by_branch || g->branch[0];
    return TARN_OK;
}

static tarn_code add_row(void *arg, const char *kind, const char *name, const char *value, tarn_err *err)
{
    tarn_access_rows *r = arg;
    int64_t version = 0;

    if (strcmp(kind, "user") == 0) return add_user(r, name, value, err);
    if (strcmp(kind, "token") == 0) return add_credential(&r->tokens, &r->n_tokens, name, value, false, err);
    if (strcmp(kind, "key") == 0) return add_credential(&r->keys, &r->n_keys, name, value, true, err);
    if (strcmp(kind, "grant") == 0) return add_grant(r, value, err);
    if (strcmp(name, "version") == 0 && tarn_int_parse(value, strlen(value), &version)) r->version = version;
    return TARN_OK;
}

/* Under the lake's lock. */
static tarn_code read_version(tarn_lake *lake, int64_t *out, tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_meta_access_get(lake->meta, "state", "version", &text, err);

    *out = 0;
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc == TARN_OK && !tarn_int_parse(text, strlen(text), out))
        rc = TARN_FAIL(err, TARN_CORRUPT, "the count of changes of users and grants is damaged");
    tarn_free(text);
    return rc;
}

/* Take the lake's lock, or tell that rows will do without it. */
static bool need_lock(tarn_lake *lake, double now)
{
    struct tarn_access *a = lake->access;

    if (pthread_mutex_trylock(&lake->lock) == 0) return true;
    (void)pthread_mutex_lock(&a->lock);
    bool fresh = a->rows.version >= 0 && now - a->looked < stale_s;
    (void)pthread_mutex_unlock(&a->lock);
    if (!fresh) tarn_lake_lock(lake);
    return !fresh;
}

tarn_code tarn_access_refresh(tarn_lake *lake, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    tarn_access_rows fresh = {.version = 0}, old;
    double now = tarn_seconds();
    int64_t version = 0;
    tarn_code rc = TARN_OK;

    if (!need_lock(lake, now)) return TARN_OK;
    rc = read_version(lake, &version, err);
    (void)pthread_mutex_lock(&a->lock);
    bool same = rc == TARN_OK && version == a->rows.version;
    if (same) a->looked = now;
    (void)pthread_mutex_unlock(&a->lock);
    if (rc == TARN_OK && !same) rc = tarn_meta_access_all(lake->meta, add_row, &fresh, err);
    if (rc == TARN_OK && !same) {
        (void)pthread_mutex_lock(&a->lock);
        old = a->rows;
        a->rows = fresh;
        a->looked = now;
        fresh = old;
        (void)pthread_mutex_unlock(&a->lock);
    }
    tarn_lake_unlock(lake);
    tarn_access_rows_clear(&fresh);
    return rc;
}

tarn_code tarn_access_changed(tarn_lake *lake, tarn_err *err)
{
    int64_t version = 0;
    char text[32];
    tarn_code rc = read_version(lake, &version, err);

    if (rc != TARN_OK) return rc;
    (void)snprintf(text, sizeof text, "%lld", (long long)version + 1);
    return tarn_meta_access_set(lake->meta, "state", "version", text, err);
}

const tarn_user_row *tarn_access_user(const tarn_access_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_users; i++)
        if (strcmp(rows->users[i].name, name) == 0) return &rows->users[i];
    return NULL;
}

const tarn_credential_row *tarn_access_credential(const tarn_credential_row *v, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].id, id) == 0) return &v[i];
    return NULL;
}
