/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - users, tokens, access keys and grants: making, changing, listing. See access.h.
 *
 * Every change is one transaction: the row, the count of changes by which every process knows that it has to look
 * again, and the audit record. */
#include "lake/access_inside.h"

#include "base/mem.h"
#include "base/sink.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

enum { NOTE_MOST = 200 };

/* ---- rows ---- */

static tarn_code check_user_name(const char *name, tarn_err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len >= TARN_USER_NAME || name[0] == '-' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@") != len)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.80s' cannot name a user: use 1 to 64 letters, digits and . _ - @, not "
                         "beginning with '-'",
                         name);
    return TARN_OK;
}

static tarn_code there(tarn_lake *lake, const char *kind, const char *name, bool *yes, tarn_err *err)
{
    char *value = NULL;
    tarn_code rc = tarn_meta_access_get(lake->meta, kind, name, &value, err);

    *yes = rc == TARN_OK;
    tarn_free(value);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* A change of one row: begin, look, put, count, record, end. fresh: must not be there; else it must. */
static tarn_code change(tarn_lake *lake, const tarn_who *by, const char *kind, const char *name, const char *value,
                        bool fresh, const char *action, const char *detail, tarn_err *err)
{
    bool yes = false;
    tarn_code rc = tarn_tx_begin_anew(lake, err);

    if (rc != TARN_OK) return rc;
    rc = there(lake, kind, name, &yes, err);
    if (rc == TARN_OK && fresh && yes) rc = TARN_FAIL(err, TARN_EXISTS, "there is a %s '%.200s' already", kind, name);
    if (rc == TARN_OK && !fresh && !yes) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s '%.200s'", kind, name);
    if (rc == TARN_OK) rc = tarn_meta_access_set(lake->meta, kind, name, value, err);
    if (rc == TARN_OK) rc = tarn_access_changed(lake, err);
    if (rc == TARN_OK) rc = tarn_audit_add(lake, by, action, name, detail, err);
    return tarn_tx_end(lake, rc, err);
}

/* ---- users ---- */

/* A row's lines may hold a secret's hash: wiped with the memory. */
static void drop_text(tarn_text *t)
{
    if (t->data) tarn_secret_wipe(t->data, t->cap);
    tarn_text_clear(t);
}

static tarn_code user_value(const char *password, size_t len, bool enabled, int64_t created, tarn_text *out,
                            tarn_err *err)
{
    char hash[TARN_SECRET_HASH];
    tarn_code rc = tarn_access_password_ok(password, len, err);

    if (rc == TARN_OK) rc = tarn_secret_hash(password, len, hash, err);
    if (rc != TARN_OK) return rc;
    tarn_text_addf(out, "hash %s\nenabled %d\ncreated %lld\n", hash, (int)enabled, (long long)created);
    tarn_secret_wipe(hash, sizeof hash);
    return tarn_text_check(out, err);
}

tarn_code tarn_access_user_add(tarn_lake *lake, const tarn_who *by, const char *name, const char *password, size_t len,
                               tarn_err *err)
{
    tarn_text value = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(check_user_name(name, err));
    TARN_TRY(user_value(password, len, true, tarn_now_us(), &value, err));
    TARN_TRY(change(lake, by, "user", name, value.data, true, "user.add", NULL, err));
done:
    drop_text(&value);
    return rc;
}

/* The user's row; tarn_free(*out). */
static tarn_code read_user(tarn_lake *lake, const char *name, char **out, tarn_err *err)
{
    tarn_code rc = check_user_name(name, err);

    if (rc != TARN_OK) return rc;
    tarn_lake_lock(lake);
    rc = tarn_meta_access_get(lake->meta, "user", name, out, err);
    tarn_lake_unlock(lake);
    return rc;
}

tarn_code tarn_access_user_password(tarn_lake *lake, const tarn_who *by, const char *name, const char *password,
                                    size_t len, tarn_err *err)
{
    char *old = NULL;
    tarn_text value = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(read_user(lake, name, &old, err));
    TARN_TRY(user_value(password, len, tarn_row_int(old, "enabled") != 0, tarn_row_int(old, "created"), &value, err));
    TARN_TRY(change(lake, by, "user", name, value.data, false, "user.password", NULL, err));
done:
    tarn_free(old);
    drop_text(&value);
    return rc;
}

tarn_code tarn_access_user_enable(tarn_lake *lake, const tarn_who *by, const char *name, bool enabled, tarn_err *err)
{
    char *old = NULL, hash[TARN_SECRET_HASH];
    tarn_text value = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(read_user(lake, name, &old, err));
    tarn_text_addf(&value, "hash %s\nenabled %d\ncreated %lld\n", tarn_row_text(old, "hash", hash, sizeof hash),
                   (int)enabled, (long long)tarn_row_int(old, "created"));
    TARN_TRY(tarn_text_check(&value, err));
    TARN_TRY(change(lake, by, "user", name, value.data, false, enabled ? "user.enable" : "user.disable", NULL, err));
done:
    tarn_free(old);
    drop_text(&value);
    return rc;
}

/* Names of the rows that belong to a user, as "kind name", each ended by a NUL. */
typedef struct owned {
    const char *user;
    tarn_text rows;
} owned;

static tarn_code find_owned(void *arg, const char *kind, const char *name, const char *value, tarn_err *err)
{
    owned *o = arg;
    char user[TARN_USER_NAME];

    if (strcmp(kind, "user") == 0 || strcmp(kind, "state") == 0) return TARN_OK;
    if (strcmp(tarn_row_text(value, "user", user, sizeof user), o->user) != 0) return TARN_OK;
    tarn_text_addn(&o->rows, kind, strlen(kind) + 1);
    tarn_text_addn(&o->rows, name, strlen(name) + 1);
    return tarn_text_check(&o->rows, err);
}

static tarn_code remove_owned(tarn_lake *lake, const char *user, tarn_err *err)
{
    owned o = {.user = user};
    tarn_code rc = tarn_meta_access_all(lake->meta, find_owned, &o, err);

    for (size_t at = 0; rc == TARN_OK && at < o.rows.len;) {
        const char *kind = o.rows.data + at, *name = kind + strlen(kind) + 1;
        rc = tarn_meta_access_set(lake->meta, kind, name, NULL, err);
        at = (size_t)(name + strlen(name) + 1 - o.rows.data);
    }
    tarn_text_clear(&o.rows);
    return rc;
}

tarn_code tarn_access_user_remove(tarn_lake *lake, const tarn_who *by, const char *name, tarn_err *err)
{
    bool yes = false;
    tarn_code rc = check_user_name(name, err);

    if (rc == TARN_OK) rc = tarn_tx_begin_anew(lake, err);
    if (rc != TARN_OK) return rc;
    rc = there(lake, "user", name, &yes, err);
    if (rc == TARN_OK && !yes) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no user '%s'", name);
    if (rc == TARN_OK) rc = remove_owned(lake, name, err);
    if (rc == TARN_OK) rc = tarn_meta_access_set(lake->meta, "user", name, NULL, err);
    if (rc == TARN_OK) rc = tarn_access_changed(lake, err);
    if (rc == TARN_OK) rc = tarn_audit_add(lake, by, "user.remove", name, NULL, err);
    return tarn_tx_end(lake, rc, err);
}

/* ---- tokens and keys ---- */

/* One line of UTF-8 without control characters. */
static tarn_code check_line(const char *text, size_t most, const char *what, tarn_err *err)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20)
            return TARN_FAIL(err, TARN_INVALID, "the %s holds a control character", what);
    if (len > most || !tarn_utf8_valid(text, len, NULL))
        return TARN_FAIL(err, TARN_INVALID, "the %s has %zu bytes; expected UTF-8, %zu bytes at most", what, len, most);
    return TARN_OK;
}

/* The lines of a token or key, without what is secret. */
static tarn_code credential_value(tarn_lake *lake, const tarn_credential *what, tarn_text *out, tarn_err *err)
{
    char *user = NULL;
    const char *note = what->note ? what->note : "";
    tarn_code rc = read_user(lake, what->user, &user, err);

    tarn_free(user);
    if (rc == TARN_OK) rc = check_line(note, NOTE_MOST, "note", err);
    if (rc != TARN_OK) return rc;
    if (what->expires_us != 0 && what->expires_us <= tarn_now_us())
        return TARN_FAIL(err, TARN_INVALID, "the time at which it should end has passed already");
    tarn_text_addf(out, "user %s\nmost %d\ncreated %lld\nexpires %lld\nnote %s\n", what->user, (int)what->most,
                   (long long)tarn_now_us(), (long long)what->expires_us, note);
    return tarn_text_check(out, err);
}

static void put_detail(const tarn_credential *what, char out[160])
{
    (void)snprintf(out, 160, "for %s%s%s", what->user, what->most ? ", at most " : "",
                   what->most ? tarn_role_name(what->most) : "");
}

tarn_code tarn_access_token_new(tarn_lake *lake, const tarn_who *by, const tarn_credential *what,
                                char token[TARN_TOKEN_TEXT], tarn_err *err)
{
    char id[TARN_TOKEN_ID], hex[TARN_ID_HEX], detail[160];
    tarn_text value = {0};
    tarn_id hash;
    tarn_code rc = TARN_OK;

    TARN_TRY(credential_value(lake, what, &value, err));
    (void)strcpy(token, "tarn_");
    TARN_TRY(tarn_secret_text(letters, token + 5, TARN_TOKEN_TEXT - 6, err));
    (void)snprintf(id, sizeof id, "%.8s", token + 5);
    TARN_TRY(tarn_digest(token, TARN_TOKEN_TEXT - 1, &hash, err));
    tarn_text_addf(&value, "sha256 %s\n", tarn_id_hex(&hash, hex));
    TARN_TRY(tarn_text_check(&value, err));
    put_detail(what, detail);
    TARN_TRY(change(lake, by, "token", id, value.data, true, "token.create", detail, err));
done:
    if (rc != TARN_OK) tarn_secret_wipe(token, TARN_TOKEN_TEXT);
    tarn_text_clear(&value);
    return rc;
}

static tarn_code seal_secret(tarn_lake *lake, const char *secret, tarn_text *value, tarn_err *err)
{
    uint8_t key[TARN_SECRET_KEY], sealed[TARN_KEY_SECRET - 1 + TARN_SECRET_BOX];
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_access_server_key(lake, true, key, err));
    TARN_TRY(tarn_secret_box(key, secret, TARN_KEY_SECRET - 1, sealed, err));
    tarn_text_add(value, "sealed ");
    for (size_t i = 0; i < sizeof sealed; i++) tarn_text_addf(value, "%02x", sealed[i]);
    tarn_text_add(value, "\n");
    TARN_TRY(tarn_text_check(value, err));
done:
    tarn_secret_wipe(key, sizeof key);
    return rc;
}

tarn_code tarn_access_key_new(tarn_lake *lake, const tarn_who *by, const tarn_credential *what,
                              char key_id[TARN_KEY_ID], char secret[TARN_KEY_SECRET], tarn_err *err)
{
    char detail[160];
    tarn_text value = {0};
    tarn_code rc = TARN_OK;

    TARN_TRY(credential_value(lake, what, &value, err));
    (void)strcpy(key_id, "TARN");
    TARN_TRY(tarn_secret_text(letters + 26, key_id + 4, TARN_KEY_ID - 5, err)); /* capitals and digits */
    TARN_TRY(tarn_secret_text(letters, secret, TARN_KEY_SECRET - 1, err));
    TARN_TRY(seal_secret(lake, secret, &value, err));
    put_detail(what, detail);
    TARN_TRY(change(lake, by, "key", key_id, value.data, true, "key.create", detail, err));
done:
    if (rc != TARN_OK) tarn_secret_wipe(secret, TARN_KEY_SECRET);
    tarn_text_clear(&value);
    return rc;
}

tarn_code tarn_access_token_drop(tarn_lake *lake, const tarn_who *by, const char *id, tarn_err *err)
{
    return change(lake, by, "token", id, NULL, false, "token.revoke", NULL, err);
}

tarn_code tarn_access_key_drop(tarn_lake *lake, const tarn_who *by, const char *id, tarn_err *err)
{
    return change(lake, by, "key", id, NULL, false, "key.revoke", NULL, err);
}

/* ---- grants ---- */

static tarn_code check_grant(tarn_lake *lake, const tarn_grant *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_action action;
    char *user = NULL;
    bool role = false;

    for (int i = TARN_ROLE_READER; i <= TARN_ROLE_ADMIN; i++)
        role = role || strcmp(g->what, tarn_role_name((tarn_role)i)) == 0;
    if (!role && !tarn_action_find(g->what, &action))
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.31s' is neither a role (reader, writer, maintainer, admin) nor an action "
                         "like object.read; docs/security/access.md lists them",
                         g->what);
    if (!role && tarn_action_at(action)->on != TARN_ON_BRANCH && (g->branch[0] || g->path[0]))
        return TARN_FAIL(err, TARN_INVALID, "%s has nothing to do with branches and paths", g->what);
    if (!role && tarn_action_at(action)->on != TARN_ON_MODEL && g->model[0])
        return TARN_FAIL(err, TARN_INVALID, "%s has nothing to do with models", g->what);
    TARN_TRY(check_line(g->path, sizeof g->path, "path", err));
    TARN_TRY(check_line(g->branch, sizeof g->branch, "pattern of branches", err));
    TARN_TRY(check_line(g->model, sizeof g->model, "pattern of models", err));
    if (strcmp(g->user, "*") != 0) TARN_TRY(read_user(lake, g->user, &user, err));
done:
    tarn_free(user);
    return rc;
}

/* One line that says all of it; the row's name, and what the audit log shows. */
static void grant_name(const tarn_grant *g, char out[1600])
{
    (void)snprintf(out, 1600, "%s %s %s%s%s%s%s%s%s", g->deny ? "deny" : "allow", g->user, g->what,
                   g->branch[0] ? " branch " : "", g->branch, g->model[0] ? " model " : "", g->model,
                   g->path[0] ? " path " : "", g->path);
}

/* A folder's last slash says nothing that the folder does not. heads/ in front of a branch neither. */
static void tidy_grant(const tarn_grant *g, tarn_grant *out)
{
    *out = *g;
    if (strncmp(out->branch, "heads/", 6) == 0) memmove(out->branch, out->branch + 6, strlen(out->branch) - 5);
    for (size_t len = strlen(out->path); len > 0 && out->path[len - 1] == '/';) out->path[--len] = '\0';
}

static tarn_code set_grant(tarn_lake *lake, const tarn_who *by, const tarn_grant *grant, bool add, tarn_err *err)
{
    char name[1600];
    tarn_text value = {0};
    tarn_grant g;
    tarn_code rc = TARN_OK;

    tidy_grant(grant, &g);
    grant_name(&g, name);
    if (add) {
        TARN_TRY(check_grant(lake, &g, err));
        tarn_text_addf(&value, "user %s\nwhat %s\ndeny %d\nbranch %s\npath %s\nmodel %s\n", g.user, g.what, (int)g.deny,
                       g.branch, g.path, g.model);
        TARN_TRY(tarn_text_check(&value, err));
    }
    rc = change(lake, by, "grant", name, value.data, add, add ? "grant.add" : "grant.remove", NULL, err);
    if (add && rc == TARN_EXISTS) rc = TARN_OK;
done:
    tarn_text_clear(&value);
    return rc;
}

tarn_code tarn_access_grant(tarn_lake *lake, const tarn_who *by, const tarn_grant *grant, tarn_err *err)
{
    return set_grant(lake, by, grant, true, err);
}

tarn_code tarn_access_revoke(tarn_lake *lake, const tarn_who *by, const tarn_grant *grant, tarn_err *err)
{
    return set_grant(lake, by, grant, false, err);
}

/* ---- looking ---- */

typedef struct listing {
    const char *kind;
    json_t *out;
} listing;

/* Times as texts; a day as a date; null for never. */
static tarn_code put_time(json_t *o, const char *row, const char *key, bool day, tarn_err *err)
{
    int64_t at = tarn_row_int(row, key);
    char text[32] = "";

    if (at != 0) (void)tarn_time_text(day ? at * INT64_C(86400000000) : at, text);
    if (day && text[0]) text[10] = '\0';
    return tarn_json_set(o, key, text[0] ? json_string(text) : json_null(), err);
}

static tarn_code put_text(json_t *o, const char *row, const char *key, tarn_err *err)
{
    char text[1100];
    return tarn_json_set(o, key, json_string(tarn_row_text(row, key, text, sizeof text)), err);
}

static tarn_code list_credential(const char *name, const char *row, json_t *o, tarn_err *err)
{
    const char *most = tarn_role_name((tarn_role)tarn_row_int(row, "most"));
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_json_set(o, "id", json_string(name), err));
    TARN_TRY(put_text(o, row, "user", err));
    TARN_TRY(tarn_json_set(o, "role", json_string(most && strcmp(most, "anybody") != 0 ? most : "as its user"), err));
    TARN_TRY(put_text(o, row, "note", err));
    TARN_TRY(put_time(o, row, "created", false, err));
    TARN_TRY(put_time(o, row, "expires", false, err));
    TARN_TRY(put_time(o, row, "used", true, err));
done:
    return rc;
}

static tarn_code list_grant(const char *row, json_t *o, tarn_err *err)
{
    static const char *const keys[] = {"user", "what", "branch", "path", "model"};
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) TARN_TRY(put_text(o, row, keys[i], err));
    TARN_TRY(tarn_json_set(o, "deny", json_boolean(tarn_row_int(row, "deny") != 0), err));
done:
    return rc;
}

static tarn_code list_user(const char *name, const char *row, json_t *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_json_set(o, "name", json_string(name), err));
    TARN_TRY(tarn_json_set(o, "enabled", json_boolean(tarn_row_int(row, "enabled") != 0), err));
    TARN_TRY(put_time(o, row, "created", false, err));
done:
    return rc;
}

static tarn_code list_row(void *arg, const char *kind, const char *name, const char *value, tarn_err *err)
{
    listing *l = arg;
    json_t *o = NULL;
    tarn_code rc = TARN_OK;

    if (strcmp(kind, l->kind) != 0) return TARN_OK;
    o = json_object();
    if (!o) return TARN_FAIL(err, TARN_NOMEM, "no memory for a list");
    if (strcmp(kind, "user") == 0) TARN_TRY(list_user(name, value, o, err));
    else if (strcmp(kind, "grant") == 0) TARN_TRY(list_grant(value, o, err));
    else TARN_TRY(list_credential(name, value, o, err));
    TARN_TRY(tarn_json_append(l->out, json_incref(o), err));
done:
    json_decref(o);
    return rc;
}

tarn_code tarn_access_list(tarn_lake *lake, const char *kind, json_t **out, tarn_err *err)
{
    listing l = {kind, json_array()};
    tarn_code rc = TARN_OK;

    if (!l.out) return TARN_FAIL(err, TARN_NOMEM, "no memory for a list");
    tarn_lake_lock(lake);
    rc = tarn_meta_access_all(lake->meta, list_row, &l, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK) *out = json_incref(l.out);
    json_decref(l.out);
    return rc;
}
