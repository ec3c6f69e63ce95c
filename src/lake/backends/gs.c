/* SPDX-License-Identifier: Apache-2.0 */
/* gs.c - Google Cloud Storage through its S3 interface, with HMAC keys (GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY, or
 * Amazon's variables): lake/s3.h does it. It has other words for "only if there is none yet", so names that are there
 * are written again, with the same bytes. */
#include "lake/s3.h"

static const tarn_s3_kind kind = {.scheme = "gs",
                                  .endpoint = "https://storage.googleapis.com",
                                  .region = "auto",
                                  .access = "GS_ACCESS_KEY_ID",
                                  .secret = "GS_SECRET_ACCESS_KEY"};

static tarn_code open_gs(const char *url, void **self, tarn_err *err) { return tarn_s3_open(&kind, url, self, err); }

extern const tarn_backend tarn_backend_gs;
const tarn_backend tarn_backend_gs = {
    .name = "gs",
    .title = "Google Cloud Storage, with HMAC keys: gs://bucket/prefix",
    .remote = true,
    .open = open_gs,
    .close = tarn_s3_close,
    .put = tarn_s3_put,
    .get = tarn_s3_get,
    .get_some = tarn_s3_get_some,
    .size = tarn_s3_size,
    .list = tarn_s3_list,
    .remove = tarn_s3_remove,
};
