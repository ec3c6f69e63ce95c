/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML text as a plain tree in which every value knows its line and column.
 *
 * libfyaml is behind this one file's source. Anchors, aliases and tags are refused: a project file says what it
 * says. All memory is the arena's.
 */
#ifndef TARN_FLOW_YAML_H
#define TARN_FLOW_YAML_H

#include "base/mem.h"

typedef enum tarn_yaml_kind { TARN_YAML_TEXT, TARN_YAML_LIST, TARN_YAML_MAP } tarn_yaml_kind;

typedef struct tarn_yaml {
    tarn_yaml_kind kind;
    int line, column;               /* from 1 */
    const char *text;               /* TEXT: NUL-terminated, never NULL; "" for nothing */
    bool quoted;                    /* TEXT: stood in quotes, so "null" is a text */
    size_t n;                       /* LIST, MAP: children */
    const struct tarn_yaml **items; /* values, in order */
    const struct tarn_yaml **keys;  /* MAP: TEXT values */
} tarn_yaml;

/* What is wrong with a file, all of it at once, in order of place. */
typedef struct tarn_problem {
    int line, column;
    char text[320];
} tarn_problem;
typedef struct tarn_problems {
    tarn_problem *items; /* tarn_free */
    size_t n, cap;
} tarn_problems;
void tarn_problems_add(tarn_problems *p, int line, int column, const char *fmt, ...) TARN_PRINTF(4, 5);
void tarn_problems_sort(tarn_problems *p);
void tarn_problems_clear(tarn_problems *p);

/* Read a whole text. Mistakes in the YAML go to problems (then *out is NULL and the call is TARN_OK);
 * errors are for memory only. */
TARN_MUST tarn_code tarn_yaml_read(const char *text, size_t len, tarn_arena *arena, const tarn_yaml **out,
                                   tarn_problems *problems, tarn_err *err);

/* NULL if there is no such key, or map is NULL or no map. */
const tarn_yaml *tarn_yaml_get(const tarn_yaml *map, const char *key);

#endif
