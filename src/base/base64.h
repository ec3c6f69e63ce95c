/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - bytes as letters, RFC 4648, with padding. */
#ifndef TARN_BASE_BASE64_H
#define TARN_BASE_BASE64_H

#include "base/err.h"

#include <stddef.h>

/* NUL-terminated into out, which has room for 4 * ((len + 2) / 3) + 1; returns out. */
char *tarn_base64_write(const void *bytes, size_t len, char *out);
/* The whole text; false if it is not base64, is not padded, or needs more than cap bytes. */
bool tarn_base64_read(const char *text, size_t text_len, void *out, size_t cap, size_t *len);

#endif
