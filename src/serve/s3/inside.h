/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - what the gateway's files share and its operations do not see. */
#ifndef TARN_SERVE_S3_INSIDE_H
#define TARN_SERVE_S3_INSIDE_H

#include "serve/http.h"
#include "serve/s3/chunked.h"
#include "serve/s3/copies.h"
#include "serve/s3/op.h"
#include "serve/s3/s3.h"

#include "base/xml.h"

#include <pthread.h>
#include <stdatomic.h>

enum { TARN_S3_BRANCHES = 256 };

/* A branch on which somebody's writes wait for a commit. */
typedef struct tarn_s3_waiting {
    char branch[256];
    tarn_who who;
    double first, last; /* tarn_seconds() of the writes; last 0: the slot is free */
} tarn_s3_waiting;

struct tarn_s3 {
    tarn_s3_options options; /* texts are copies, in room */
    tarn_arena *room;
    char bucket[64];
    tarn_http *http;
    tarn_copies *copies;   /* NULL: no copies */
    _Atomic int under_way; /* requests */
    pthread_mutex_t lock;  /* guards waiting and stopping */
    pthread_cond_t wake;
    tarn_s3_waiting waiting[TARN_S3_BRANCHES];
    pthread_t committer;
    bool committing, stopping;
    pthread_mutex_t write_lock; /* held from looking whether a path is as If-Match wants it until it is staged */
};

/* ---- request.c ---- */

/* Path, query, headers of the exchange into the call. */
TARN_MUST tarn_code tarn_s3_request_read(tarn_s3_call *call, tarn_err *err);
/* Pairs of "a=b&c" (a copy on the arena). */
TARN_MUST tarn_code tarn_s3_pairs(tarn_s3_call *call, const char *text, tarn_sigv4_pair **out, size_t *n,
                                  tarn_err *err);
/* The operation that the request asks for: NotImplemented, MethodNotAllowed. */
TARN_MUST tarn_code tarn_s3_choose(tarn_s3_call *call, tarn_err *err);

/* ---- auth.c ---- */

/* Who asks, by header or query. */
TARN_MUST tarn_code tarn_s3_authenticate(tarn_s3_call *call, tarn_err *err);
/* A signature by key over a text, checked for POST forms: user is set. */
TARN_MUST tarn_code tarn_s3_check_form(tarn_s3_call *call, const char *credential, const char *signature,
                                       const char *date, const char *policy, tarn_err *err);

/* ---- body.c ---- */

typedef struct tarn_s3_receiver tarn_s3_receiver;
/* Ready for the body of call, by its operation and headers; seed and key of signed chunks come from auth.c. */
TARN_MUST tarn_code tarn_s3_receiver_new(tarn_s3_call *call, tarn_err *err);
TARN_MUST tarn_code tarn_s3_receiver_add(tarn_s3_receiver *r, const char *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_s3_receiver_end(tarn_s3_receiver *r, tarn_err *err);
void tarn_s3_receiver_free(tarn_s3_receiver *r);

/* ---- posting.c, policy.c: bodies that are forms ---- */

typedef struct tarn_s3_posting tarn_s3_posting;
TARN_MUST tarn_code tarn_s3_posting_new(tarn_s3_call *call, tarn_s3_posting **out, tarn_err *err);
TARN_MUST tarn_code tarn_s3_posting_add(tarn_s3_posting *p, const char *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_s3_posting_end(tarn_s3_posting *p, tarn_err *err);
void tarn_s3_posting_free(tarn_s3_posting *p);
/* Who signed the form's policy (call->who), and that the fields are as it has them; range: of the file's size. */
TARN_MUST tarn_code tarn_s3_policy_check(tarn_s3_call *call, const json_t *fields, uint64_t range[2], tarn_err *err);

/* ---- access.c ---- */

/* InvalidAccessKeyId. */
TARN_MUST tarn_code tarn_s3_secret(tarn_s3_call *call, const char *access, char secret[129],
                                   tarn_err *err); /* sets call->who */

/* ---- committer.c ---- */

TARN_MUST tarn_code tarn_s3_committer_start(tarn_s3 *s, tarn_err *err);
/* Ends the thread; commits all that waits. */
TARN_MUST tarn_code tarn_s3_committer_stop(tarn_s3 *s, tarn_err *err);
void tarn_s3_note_write(tarn_s3 *s, const char *branch, const tarn_who *who);

/* ---- staging.c: every call of the lake's staging area ---- */

TARN_MUST tarn_code tarn_s3_staged_lookup(tarn_s3_call *call, const char *branch, const char *path, tarn_entry *out,
                                          tarn_err *err);
TARN_MUST tarn_code tarn_s3_staged_list(tarn_s3_call *call, const char *branch, const char *prefix, const char *after,
                                        char delimiter, tarn_entry_fn *fn, void *arg, tarn_err *err);
/* Set a fact that names nothing (NULL: forget it), again where bytes that somebody else had put were swept. SlowDown.
 */
TARN_MUST tarn_code tarn_s3_fact(tarn_s3_call *call, const char *key, const char *value, tarn_err *err);
TARN_MUST tarn_code tarn_s3_staged_forget(tarn_s3_call *call, const char *branch, tarn_err *err);
/* Whether anybody else has writes on the branch that wait for a commit. */
TARN_MUST tarn_code tarn_s3_staged_by_others(tarn_s3_call *call, const char *branch, bool *found, tarn_err *err);
/* As `who`, who must be allowed to. message NULL: counts. TARN_NOT_FOUND: nothing is staged. */
TARN_MUST tarn_code tarn_s3_commit_branch(tarn_s3 *s, const char *branch, const tarn_who *who, const char *message,
                                          tarn_id *out, tarn_err *err);

#endif
