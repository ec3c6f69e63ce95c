/* SPDX-License-Identifier: Apache-2.0 */
/* s3.c - Amazon S3 and what speaks like it (MinIO, Ceph, R2, another Tarn's gateway): lake/s3.h does it. */
#include "lake/s3.h"

static const tarn_s3_kind kind = {.scheme = "s3", .if_none = true};

static tarn_code open_s3(const char *url, void **self, tarn_err *err) { return tarn_s3_open(&kind, url, self, err); }

extern const tarn_backend tarn_backend_s3;
const tarn_backend tarn_backend_s3 = {
    .name = "s3",
    .title = "Amazon S3, or a store that speaks S3: s3://bucket/prefix?endpoint=URL&region=NAME",
    .remote = true,
    .open = open_s3,
    .close = tarn_s3_close,
    .put = tarn_s3_put,
    .get = tarn_s3_get,
    .get_some = tarn_s3_get_some,
    .size = tarn_s3_size,
    .list = tarn_s3_list,
    .remove = tarn_s3_remove,
};
