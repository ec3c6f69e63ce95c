/* SPDX-License-Identifier: Apache-2.0 */
/* authorization.h - reading what a client says of itself: the Authorization header, a cookie, the login form.
 *
 * Nothing here knows users. All of it comes from strangers: what is not exactly right is refused, and nothing is longer
 * than its place.
 *
 * Threads: any.
 */
#ifndef TARN_SERVE_AUTHORIZATION_H
#define TARN_SERVE_AUTHORIZATION_H

#include "base/err.h"

#include <stddef.h>

enum { TARN_AUTH_USER = 65, TARN_AUTH_SECRET = 1025 };

typedef struct tarn_auth {
    bool basic;                    /* else a bearer token; then user is "" */
    char user[TARN_AUTH_USER];     /* may be empty */
    char secret[TARN_AUTH_SECRET]; /* password or token; wipe it */
    size_t len;                    /* of secret, which holds no NUL */
} tarn_auth;

/* "Bearer TOKEN" or "Basic base64(user:password)" (RFC 7617, RFC 6750; the scheme in any case of letters).
 * TARN_INVALID says what is wrong and never repeats what was sent. */
TARN_MUST tarn_code tarn_auth_read(const char *header, tarn_auth *out, tarn_err *err);

/* A cookie by name from a Cookie header; false if it is not there or longer than cap. */
bool tarn_cookie_find(const char *header, const char *name, char *out, size_t cap);

/* A field of an application/x-www-form-urlencoded body, decoded; false if it is not there, does not fit, or holds a
 * NUL. */
bool tarn_form_find(const char *body, size_t len, const char *name, char *out, size_t cap);

#endif
