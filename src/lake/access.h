/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - who may do what with a lake: users, tokens, access keys, grants, and the log of what was done.
 *
 * A request becomes a tarn_who (tarn_access_token, _password, _key_find; else anonymous), and every action of it is
 * asked of tarn_access_check before it is done. While it runs on a thread, tarn_access_enter tells the lake, so that
 * the audit records of commits and moved refs, which are written with them in one transaction, name the one who did
 * it. Whoever works on the folder itself is "local": the rights of files rule there, everything is allowed and
 * recorded.
 *
 * A grant gives a user (or "*", every user) a role - reader, writer, maintainer, admin, each holding the ones before -
 * or one action (actions.def), on the whole lake, on branches that fit a pattern and there on paths in a folder, or on
 * models that fit a pattern. A deny of a role takes what needs that role or a higher one, and wins over every grant.
 *
 * Secrets are seen once, when they are made. Passwords are kept as Argon2id, tokens as SHA-256. The secret of an access
 * key must be known again to check a signature: it is kept sealed with the key file .tarn/server.key (mode 0600), and
 * is as safe as that file.
 *
 * The audit log is a chain: each record holds the SHA-256 of the one before, and every thousand records (and when a
 * lake that wrote some is closed after a day) the last hash is committed to branch `audit`, which nobody may write
 * otherwise. Denials wait up to about a second to be written together (tarn_audit_flush), so that they cannot be used
 * to slow the lake; a kill loses those.
 *
 * Example (compiled by make check-docs):
 *
 *     tarn_code read_for(tarn_lake *lake, const char *token, const char *path, tarn_err *err)
 *     {
 *         tarn_who who;
 *         tarn_code rc = tarn_access_token(lake, token, &who, err);
 *         return rc == TARN_OK ? tarn_access_check(lake, &who, TARN_ACT_OBJECT_READ, "main", path, err) : rc;
 *     }
 *
 * Threads: any.
 */
#ifndef TARN_LAKE_ACCESS_H
#define TARN_LAKE_ACCESS_H

#include "lake/lake.h"

typedef enum tarn_role {
    TARN_ROLE_ANYBODY,
    TARN_ROLE_READER,
    TARN_ROLE_WRITER,
    TARN_ROLE_MAINTAINER,
    TARN_ROLE_ADMIN
} tarn_role;
/* "reader"; NULL beyond the last. */
const char *tarn_role_name(tarn_role role);

typedef enum tarn_scope { TARN_ON_LAKE, TARN_ON_BRANCH, TARN_ON_MODEL } tarn_scope;

typedef enum tarn_action {
#define TARN_ACTION(name, word, on, role, title) TARN_ACT_##name,
#include "lake/actions.def"
#undef TARN_ACTION
    TARN_ACT_COUNT
} tarn_action;

typedef struct tarn_action_info {
    const char *word, *title; /* "object.read" */
    tarn_scope on;
    tarn_role least;
} tarn_action_info;
const tarn_action_info *tarn_action_at(tarn_action action);
/* False if there is no such word. */
bool tarn_action_find(const char *word, tarn_action *out);

/* ---- who ---- */

enum { TARN_USER_NAME = 65, TARN_TOKEN_TEXT = 46, TARN_TOKEN_ID = 9, TARN_KEY_ID = 21, TARN_KEY_SECRET = 41 };

typedef enum tarn_who_kind { TARN_WHO_ANONYMOUS, TARN_WHO_USER, TARN_WHO_LOCAL } tarn_who_kind;
/* What somebody without a credential may do: nothing, predict (and see models), or read all and predict. */
typedef enum tarn_anonymous { TARN_ANONYMOUS_NONE, TARN_ANONYMOUS_PREDICT, TARN_ANONYMOUS_READ } tarn_anonymous;

typedef struct tarn_who {
    tarn_who_kind kind;
    tarn_anonymous anonymous; /* of that kind; set by who runs the server */
    tarn_role most;           /* a token or key may carry less than its user has */
    char user[TARN_USER_NAME];
    char via[32];     /* "password", "token Ab12Cd34", "key TARN..." */
    char from[64];    /* address of the peer, "" on this machine's own command line */
    char request[72]; /* id of the request */
} tarn_who;

/* The user of this process, with all rights. */
tarn_who tarn_who_local(void);

/* ---- asking ---- */

/* TARN_OK: it may be done. TARN_DENIED says what is missing and who can give it; the denial goes to the audit log.
 *
 * branch  of a BRANCH action: its name, with or without heads/; of a tag: its name. A commit read by id or tag has no
 *         branch: pass the ref text as it was given. Else NULL.
 * name    BRANCH: the path, or a beginning of paths with a star behind ("data/" and '*') when all of those are meant,
 * as when listing; NULL: the whole branch. MODEL: the model's name, NULL: every model. Else NULL.
 *
 * A grant on a folder covers what lies in it; asked for more than that, it does not help, and a deny on a folder also
 * hits what is asked above it. For TARN_ACT_COMMIT a grant on any folder of the branch is enough, since what is staged
 * was checked when it was staged. Nobody but Tarn itself changes branch `audit`. */
TARN_MUST tarn_code tarn_access_check(tarn_lake *lake, const tarn_who *who, tarn_action action, const char *branch,
                                      const char *name, tarn_err *err);
/* Copying asks for both: reading the source and writing the target. */
TARN_MUST tarn_code tarn_access_check_copy(tarn_lake *lake, const tarn_who *who, const char *from_branch,
                                           const char *from_path, const char *branch, const char *path, tarn_err *err);

/* Who a credential belongs to: kind, user, via and most of *who are set, the rest left alone. TARN_DENIED, with one
 * message for whatever is wrong, when it is none, or has ended, or its user is disabled. Unknown users cost as much
 * time as known ones. At most two passwords are hashed at a time; a password that was right lately is remembered as a
 * keyed hash until the user changes. */
TARN_MUST tarn_code tarn_access_token(tarn_lake *lake, const char *token, tarn_who *who, tarn_err *err);
TARN_MUST tarn_code tarn_access_password(tarn_lake *lake, const char *user, const char *password, size_t len,
                                         tarn_who *who, tarn_err *err);
/* The secret of an access key, for checking a signature; wipe it afterwards. TARN_DENIED: no such key, or its user is
 * disabled. */
TARN_MUST tarn_code tarn_access_key_find(tarn_lake *lake, const char *key_id, char secret[TARN_KEY_SECRET],
                                         tarn_who *who, tarn_err *err);
/* What stands for a user's password as it is now: another once it is changed, none when the user is disabled or gone.
 * A session that was opened with a password ends when this changes. */
TARN_MUST tarn_code tarn_access_stamp(tarn_lake *lake, const char *user, tarn_id *out, tarn_err *err);
/* Whether there is any enabled user. */
TARN_MUST tarn_code tarn_access_any_user(tarn_lake *lake, bool *any, tarn_err *err);

/* From now on this thread works for *who, who must live until leave. Nothing is nested. */
void tarn_access_enter(tarn_lake *lake, const tarn_who *who);
void tarn_access_leave(tarn_lake *lake);

/* ---- changing: each is one transaction with its audit record. `by` is who asks, and must have been checked ---- */

/* Names: letters, digits and . _ - @, up to 64, not beginning with '-'. Passwords: 8 to 1,024 bytes. TARN_EXISTS. */
TARN_MUST tarn_code tarn_access_user_add(tarn_lake *lake, const tarn_who *by, const char *name, const char *password,
                                         size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_access_user_password(tarn_lake *lake, const tarn_who *by, const char *name,
                                              const char *password, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_access_user_enable(tarn_lake *lake, const tarn_who *by, const char *name, bool enabled,
                                            tarn_err *err);
/* And the user's tokens, keys and grants. */
TARN_MUST tarn_code tarn_access_user_remove(tarn_lake *lake, const tarn_who *by, const char *name, tarn_err *err);

/* What a new token or key is for. */
typedef struct tarn_credential {
    const char *user;
    tarn_role most;     /* ANYBODY: as much as the user */
    int64_t expires_us; /* 0: never */
    const char *note;   /* up to 200 bytes, may be NULL */
} tarn_credential;
TARN_MUST tarn_code tarn_access_token_new(tarn_lake *lake, const tarn_who *by, const tarn_credential *what,
                                          char token[TARN_TOKEN_TEXT], tarn_err *err);
TARN_MUST tarn_code tarn_access_key_new(tarn_lake *lake, const tarn_who *by, const tarn_credential *what,
                                        char key_id[TARN_KEY_ID], char secret[TARN_KEY_SECRET], tarn_err *err);
/* By the id that the list shows. */
TARN_MUST tarn_code tarn_access_token_drop(tarn_lake *lake, const tarn_who *by, const char *id, tarn_err *err);
TARN_MUST tarn_code tarn_access_key_drop(tarn_lake *lake, const tarn_who *by, const char *id, tarn_err *err);

/* Patterns: '*' is any text, '?' one byte. branch, path and model "": everywhere; branch and path speak of branches
 * alone, model of models alone. path: a folder or file. */
typedef struct tarn_grant {
    char user[TARN_USER_NAME]; /* or "*" */
    char what[32];             /* a role's or an action's name */
    bool deny;
    char branch[256], path[1025], model[128];
} tarn_grant;
/* The same grant twice is one. */
TARN_MUST tarn_code tarn_access_grant(tarn_lake *lake, const tarn_who *by, const tarn_grant *grant, tarn_err *err);
/* TARN_NOT_FOUND if it is not there as it stands. */
TARN_MUST tarn_code tarn_access_revoke(tarn_lake *lake, const tarn_who *by, const tarn_grant *grant, tarn_err *err);

/* ---- looking ---- */

/* *out: an array of objects, by name, without secrets. "user": name, enabled, created; "token": id, user, role, note,
 * created, expires, used (day); "key": the same; "grant": user, what, deny, branch, path, model. Times are texts. */
TARN_MUST tarn_code tarn_access_list(tarn_lake *lake, const char *kind, json_t **out, tarn_err *err);

/* ---- the audit log ---- */

/* Record what was done, or asked for in vain. result: "ok", "denied", or a code's name; target and detail may be NULL.
 * Waits to be written together with others, see above; TARN_DENIED where the lake cannot be written. */
TARN_MUST tarn_code tarn_audit_note(tarn_lake *lake, const tarn_who *who, const char *action, const char *target,
                                    const char *result, const char *detail, tarn_err *err);
/* Write what waits, now, or (patient) if it has waited a second. */
TARN_MUST tarn_code tarn_audit_flush(tarn_lake *lake, bool patient, tarn_err *err);
/* Commit the last hash to branch `audit`, if there are records since. */
TARN_MUST tarn_code tarn_audit_anchor(tarn_lake *lake, tarn_err *err);

/* Records from number `from` on, oldest first; each as the JSON text that is hashed. Return TARN_CANCELLED to stop.
 * fn may not call the lake. */
typedef tarn_code tarn_audit_fn(void *arg, int64_t seq, const char *record, tarn_err *err);
TARN_MUST tarn_code tarn_audit_read(tarn_lake *lake, int64_t from, tarn_audit_fn *fn, void *arg, tarn_err *err);
/* The number of the last record; 0: there is none. */
TARN_MUST tarn_code tarn_audit_last(tarn_lake *lake, int64_t *seq, tarn_err *err);

typedef struct tarn_audit_check {
    int64_t records, anchors;
    int64_t bad;   /* number of the first record that is not as it was written; 0: all are */
    char why[240]; /* what is wrong with it */
    char head[65]; /* hash of the last record: noting it elsewhere proves the log up to here */
} tarn_audit_check;
/* Check every record's hash, the chain, and the anchors. Damage is no error: see out->bad. */
TARN_MUST tarn_code tarn_audit_verify(tarn_lake *lake, tarn_audit_check *out, tarn_err *err);

#endif
