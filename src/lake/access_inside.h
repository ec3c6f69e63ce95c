/* SPDX-License-Identifier: Apache-2.0 */
/* access_inside.h - what the files of access control share; private to this folder.
 *
 * access.c asks, access_rows.c keeps what is granted in memory, credential.c finds who somebody is, account.c changes,
 * audit.c writes the log, audit_verify.c reads it again.
 */
#ifndef TARN_LAKE_ACCESS_INSIDE_H
#define TARN_LAKE_ACCESS_INSIDE_H

#include "base/secret.h"
#include "lake/access.h"
#include "lake/inside.h"

#include <semaphore.h>

enum { TARN_KEPT_PASSWORDS = 64, TARN_NOTES = 256, TARN_ANCHOR_EVERY = 1000 };

typedef struct tarn_user_row {
    char name[TARN_USER_NAME], hash[TARN_SECRET_HASH];
    bool enabled;
} tarn_user_row;

typedef struct tarn_credential_row {
    char id[TARN_KEY_ID], user[TARN_USER_NAME];
    tarn_id hash;                                          /* of a token */
    uint8_t sealed[TARN_KEY_SECRET - 1 + TARN_SECRET_BOX]; /* of a key */
    tarn_role most;
    int64_t expires_us, used_day;
} tarn_credential_row;

/* All that is granted, as it stood at a version. */
typedef struct tarn_access_rows {
    int64_t version; /* -1: never read */
    tarn_user_row *users;
    tarn_credential_row *tokens, *keys;
    tarn_grant *grants;
    size_t n_users, n_tokens, n_keys, n_grants;
    bool by_branch; /* some grant names a branch */
} tarn_access_rows;

/* An audit record that waits. */
typedef struct tarn_audit_entry {
    int64_t time_us, count;
    char who[80], via[32], from[64], action[32], target[256], result[16], request[72], detail[256];
} tarn_audit_entry;

struct tarn_access {
    pthread_mutex_t lock; /* guards rows to waiting; never held while waiting for the lake's lock */
    tarn_access_rows rows;
    double looked; /* when rows was last known to be what meta holds */
    struct {
        char user[TARN_USER_NAME];
        tarn_id mac;
        int64_t version;
    } kept[TARN_KEPT_PASSWORDS]; /* passwords that were right */
    int kept_next;
    uint8_t kept_key[TARN_SECRET_KEY];
    tarn_audit_entry *notes; /* [TARN_NOTES], made on first use */
    size_t n_notes;
    int64_t lost_notes;
    double waiting; /* since when */

    sem_t hashing; /* two at a time */
    pthread_key_t acting;
    tarn_who local;
    /* guarded by the lake's lock: */
    int64_t audit_seq, anchor_seq, anchor_us; /* last record written by this handle; last anchor known */
    bool anchoring;
};

/* tarn_lake_open and tarn_lake_close call these. */
TARN_MUST tarn_code tarn_access_open(tarn_lake *lake, tarn_err *err);
void tarn_access_close(tarn_lake *lake);

/* ---- access_rows.c ---- */

void tarn_access_rows_clear(tarn_access_rows *rows);
/* Make access->rows what meta holds. While a commit holds the lake, rows up to a second old will do. */
TARN_MUST tarn_code tarn_access_refresh(tarn_lake *lake, tarn_err *err);
/* In a transaction: count a change. */
TARN_MUST tarn_code tarn_access_changed(tarn_lake *lake, tarn_err *err);
/* A row's value is lines of "key text". The text of one; "" if there is none; cut to what fits. Returns out. */
const char *tarn_row_text(const char *value, const char *key, char *out, size_t cap);
int64_t tarn_row_int(const char *value, const char *key);
/* Under access->lock; NULL if there is none. */
const tarn_user_row *tarn_access_user(const tarn_access_rows *rows, const char *name);
const tarn_credential_row *tarn_access_credential(const tarn_credential_row *v, size_t n, const char *id);

/* ---- credential.c ---- */

/* The key that seals the secrets of access keys; made if `make`. */
TARN_MUST tarn_code tarn_access_server_key(tarn_lake *lake, bool make, uint8_t key[TARN_SECRET_KEY], tarn_err *err);
TARN_MUST tarn_code tarn_access_password_ok(const char *password, size_t len, tarn_err *err);

/* ---- audit.c ---- */

/* In a transaction: add a record by who acts on this thread (who NULL). */
TARN_MUST tarn_code tarn_audit_add(tarn_lake *lake, const tarn_who *who, const char *action, const char *target,
                                   const char *detail, tarn_err *err);
/* The same for a moved ref. action NULL: seen from what moved. */
TARN_MUST tarn_code tarn_audit_ref(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                   const tarn_id *to, const char *who, const char *why, tarn_err *err);
/* The same for staged paths, if somebody acts on this thread: what is staged on the folder's own command line shows in
 * the commit. entries NULL: those under prefix were forgotten. */
TARN_MUST tarn_code tarn_audit_stage(tarn_lake *lake, const char *ref, const tarn_entry *entries, size_t n,
                                     const char *prefix, tarn_err *err);
/* Not in a transaction, no lock held: anchor if it is time. */
void tarn_audit_settle(tarn_lake *lake, bool closing);

#endif
