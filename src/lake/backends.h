/* SPDX-License-Identifier: Apache-2.0 */
/* backends.h - finding a backend by URL. */
#ifndef TARN_LAKE_BACKENDS_H
#define TARN_LAKE_BACKENDS_H

#include "lake/backend.h"

size_t tarn_backend_count(void);
/* NULL past the end. */
const tarn_backend *tarn_backend_at(size_t i);
/* "disk:." -> the backend named disk; *rest is what stands behind the colon. TARN_UNSUPPORTED. */
TARN_MUST tarn_code tarn_backend_find(const char *url, const tarn_backend **out, const char **rest, tarn_err *err);

#endif
