/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - parameters of a part between YAML, JSON and the part's struct. */
#ifndef TARN_FLOW_SETTINGS_H
#define TARN_FLOW_SETTINGS_H

#include "base/json.h"
#include "base/param.h"
#include "flow/yaml.h"

/* The keys of map (NULL: none) as parameters of table, except those in skip[n_skip]. Mistakes go to problems. The
 * result holds every parameter of the table, defaults too, as text in one spelling: equal settings give equal JSON. */
TARN_MUST tarn_code tarn_settings_from_yaml(const tarn_param *table, size_t size, const tarn_yaml *map,
                                            const char *const *skip, size_t n_skip, json_t **out,
                                            tarn_problems *problems, tarn_err *err);

/* Fill the struct (of size bytes) from such JSON, over the defaults. Unknown names are TARN_INVALID. */
TARN_MUST tarn_code tarn_settings_read(const tarn_param *table, const json_t *settings, void *values, tarn_err *err);

#endif
