/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - the one door to jansson: JSON read with clear errors, written the same way everywhere.
 *
 * Values are jansson's own (json_object_get, json_array_foreach ...): this file is the only one that
 * includes its header. Memory inside jansson goes through tarn_alloc once tarn_json_setup was called.
 */
#ifndef TARN_BASE_JSON_H
#define TARN_BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

/* Point jansson's allocator at ours; the first lines of main() and of the tests call it. */
void tarn_json_setup(void);

/* Read a whole text. Errors name line and column. Duplicate keys and NUL bytes are refused, nesting
 * is limited to 512. *out is yours: json_decref. `what` names the text in the message. */
TARN_MUST tarn_code tarn_json_read(const char *text, size_t len, const char *what, json_t **out, tarn_err *err);

/* One line with sorted keys, the same bytes for the same value: fit for hashing. */
TARN_MUST tarn_code tarn_json_compact(const json_t *value, char **out, tarn_err *err);
/* Indented by two, keys in the order in which they were set. */
TARN_MUST tarn_code tarn_json_pretty(const json_t *value, char **out, tarn_err *err);

/* Put take_value under key; a NULL take_value (jansson had no memory) or a failure is TARN_NOMEM. */
TARN_MUST tarn_code tarn_json_set(json_t *object, const char *key, json_t *take_value, tarn_err *err);
TARN_MUST tarn_code tarn_json_append(json_t *array, json_t *take_value, tarn_err *err);
/* The text under key, or `otherwise`. */
const char *tarn_json_text(const json_t *object, const char *key, const char *otherwise);
/* A number; null when x is not finite. NULL only when out of memory. */
json_t *tarn_json_num(double x);

#endif
