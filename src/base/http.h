/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - asking other machines over HTTP; libcurl is behind this one file.
 *
 * A tarn_http is a set of connections, kept open between requests. TLS certificates are verified against the system's
 * authorities, or those of the file that the environment variable TARN_CA_FILE names. Redirects are not followed. A
 * server that cannot be reached, or sends nothing for a while, is an error, never a hang.
 *
 * tarn_retry_run repeats what may be repeated: see below.
 *
 * Threads: any; requests of several threads run side by side.
 */
#ifndef TARN_BASE_HTTP_H
#define TARN_BASE_HTTP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tarn_http tarn_http;

typedef struct tarn_http_options {
    int connect_ms; /* 0: 10 seconds */
    int stall_s;    /* give up when over this time fewer than stall_bytes a second came or went; 0: 30 */
    int stall_bytes;
} tarn_http_options;
TARN_MUST tarn_code tarn_http_new(const tarn_http_options *options, tarn_http **out, tarn_err *err);
void tarn_http_free(tarn_http *http);

typedef struct tarn_http_header {
    const char *name, *value;
} tarn_http_header;

/* Pieces of the body of an answer with status 2xx, in order. */
typedef tarn_code tarn_http_give_fn(void *arg, const void *bytes, size_t len, tarn_err *err);

typedef struct tarn_http_request {
    const char *method, *url; /* GET, HEAD, PUT, POST, DELETE; http:// or https:// */
    const tarn_http_header *headers;
    size_t n_headers;
    const void *body; /* NULL: none */
    size_t body_len;
    tarn_http_give_fn *give; /* NULL: the body is kept in the answer */
    void *give_arg;
    size_t most; /* bytes of body that are kept; 0: 1 MiB. More is TARN_LIMIT, of an error's text it is cut */
} tarn_http_request;

typedef struct tarn_http_answer {
    int status; /* 0: no answer */
    char *body; /* NUL-terminated; "" if there is none */
    size_t len;
    char *headers; /* their lines, as sent */
} tarn_http_answer;

/* Any status is TARN_OK here. Errors: TARN_IO not reached, timed out, cut off (a retry may help); TARN_DENIED the
 * certificate is not good; TARN_LIMIT; TARN_INVALID the URL; what give returned. The message names the host, never
 * the query. Clear the answer in any case. */
TARN_MUST tarn_code tarn_http_ask(tarn_http *http, const tarn_http_request *request, tarn_http_answer *answer,
                                  tarn_err *err);
void tarn_http_answer_clear(tarn_http_answer *answer);
/* The value of a header (name in any case) into out, cut to cap; false if it was not sent. */
bool tarn_http_header_get(const tarn_http_answer *answer, const char *name, char *out, size_t cap);

/* ---- repeating ---- */

/* May a request with this outcome be sent again, if it is one that can be repeated at all? */
bool tarn_http_again(int status);
/* What Retry-After asks for, in milliseconds (seconds or a date); 0 without it. */
int64_t tarn_http_retry_after_ms(const tarn_http_answer *answer);

typedef struct tarn_retry {
    int tries;                    /* 0: as many as fit into total_ms */
    int64_t first_ms, longest_ms; /* the first wait is up to this, doubled each time up to longest; 0: 100, 10,000 */
    int64_t total_ms;             /* no new try begins after this; 0: 60,000 */
} tarn_retry;
typedef struct tarn_retry_hint {
    bool again;       /* another try may help */
    bool stranger;    /* whoever is asked has never answered (a typing error?): 8 tries are enough */
    int64_t after_ms; /* and not before this */
} tarn_retry_hint;
typedef tarn_code tarn_retry_fn(void *arg, tarn_retry_hint *hint, tarn_err *err);
/* Call fn until it succeeds, says that trying again is no use, or patience ends: the last error then, with the number
 * of tries. Waits are drawn at random (full jitter), so that many clients do not come back at once. */
TARN_MUST tarn_code tarn_retry_run(const tarn_retry *retry, tarn_retry_fn *fn, void *arg, tarn_err *err);

#endif
