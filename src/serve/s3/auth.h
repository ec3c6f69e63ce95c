/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - the seam between who signs (auth.c) and who that is (access.c), and what a signature starts (body.c). */
#ifndef TARN_SERVE_S3_AUTH_H
#define TARN_SERVE_S3_AUTH_H

#include "serve/s3/inside.h"

/* Keep what signed chunks go on from. */
TARN_MUST tarn_code tarn_s3_keep_seed(tarn_s3_call *call, const tarn_sigv4 *r, const tarn_id *key,
                                      const char *signature, tarn_err *err);

/* The old kind; what stands behind "AWS " in the header, or NULL: it is in the query. */
TARN_MUST tarn_code tarn_s3_version2(tarn_s3_call *call, const char *signature, tarn_err *err);

#endif
