/* SPDX-License-Identifier: Apache-2.0 */
/* s3_login.h - who asks: keys for S3, from the environment or the user's file. */
#ifndef TARN_LAKE_S3_LOGIN_H
#define TARN_LAKE_S3_LOGIN_H

#include "lake/s3.h"

typedef struct tarn_s3_login {
    char access[129], secret[129], token[4097]; /* token "": none */
} tarn_s3_login;

/* From the environment (the kind's variables, then AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), unless
 * a profile is named; else from AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, profile AWS_PROFILE or default.
 * TARN_DENIED tells what to set. Secrets are never in a message. */
TARN_MUST tarn_code tarn_s3_login_find(const tarn_s3_kind *kind, const char *profile, tarn_s3_login *out,
                                       tarn_err *err);
/* The part of a credentials file under [profile]; false if there is no pair of keys there. */
bool tarn_s3_login_parse(const char *text, const char *profile, tarn_s3_login *out);

#endif
