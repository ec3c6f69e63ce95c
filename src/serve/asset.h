/* SPDX-License-Identifier: Apache-2.0 */
/* asset.h - the files of the page, which are part of the program (page.cmake makes the table from web/dist). */
#ifndef TARN_SERVE_ASSET_H
#define TARN_SERVE_ASSET_H

#include <stddef.h>

typedef struct tarn_asset {
    const char *name, *type, *etag; /* name as in web/dist: "index.html", "assets/page.js" */
    const unsigned char *bytes;
    size_t len;
    const unsigned char *gzip; /* NULL if it would not be smaller */
    size_t gzip_len;
} tarn_asset;

extern const tarn_asset tarn_assets[]; /* ends with a NULL name */

#endif
