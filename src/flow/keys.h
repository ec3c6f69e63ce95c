/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - which keys the project file has, declared once: for the check and for the reference page. */
#ifndef TARN_FLOW_KEYS_H
#define TARN_FLOW_KEYS_H

#include "base/str.h"
#include "flow/yaml.h"

typedef enum tarn_shape {
    TARN_SHAPE_WORD,  /* a single value, not empty */
    TARN_SHAPE_WORDS, /* a list of values, or one text with commas */
    TARN_SHAPE_INT,
    TARN_SHAPE_BOOL,
    TARN_SHAPE_PAIR, /* [least, most], numbers */
    TARN_SHAPE_LIST, /* of maps */
    TARN_SHAPE_MAP,
    TARN_SHAPE_ANY /* a single value or a map; who reads it says what */
} tarn_shape;

typedef struct tarn_key {
    const char *name;
    tarn_shape shape;
    bool required;
    const char *help;
} tarn_key;

/* A kind of map in the file: where it stands and its keys, ended by a NULL name. */
typedef struct tarn_keys {
    const char *place; /* "tables.<table>.columns.<column>" */
    const char *help;
    const tarn_key *keys;
    bool open; /* other keys are allowed: they belong to a part (source, step, estimator) */
} tarn_keys;

extern const tarn_keys tarn_keys_file, tarn_keys_lake, tarn_keys_source, tarn_keys_table, tarn_keys_column,
    tarn_keys_reference, tarn_keys_prepare, tarn_keys_repair, tarn_keys_join, tarn_keys_match, tarn_keys_split,
    tarn_keys_train, tarn_keys_candidate, tarn_keys_search, tarn_keys_step, tarn_keys_assess, tarn_keys_costs,
    tarn_keys_registry, tarn_keys_serve;

/* All of them, in the order of the file; NULL-terminated. */
extern const tarn_keys *const tarn_all_keys[];

/* Check that map is a map with these keys: unknown ones (with the nearest known word), missing required ones, wrong
 * shapes go to problems. A NULL map is reported at line, column as missing. False if anything was wrong. */
bool tarn_keys_check(const tarn_keys *keys, const tarn_yaml *map, int line, int column, tarn_problems *problems);

#endif
