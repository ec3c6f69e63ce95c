/* SPDX-License-Identifier: Apache-2.0 */
/* param.h - typed parameters, declared once, printed everywhere.
 *
 * A part declares its settings as a struct and a table of tarn_param, one line a field. From the
 * table come defaults, checks, --help, the YAML check, the web form and the docs.
 *
 * Example (compiled by make check-docs):
 *
 *     typedef struct ridge_params { double l2; bool intercept; } ridge_params;
 *     static const tarn_param ridge_table[] = {
 *         TARN_REAL(ridge_params, l2, 1e-6, 0, 1e12, "penalty on squared weights"),
 *         TARN_BOOL_PARAM(ridge_params, intercept, true, "fit a constant term"),
 *         TARN_PARAMS_END,
 *     };
 *     tarn_code set_up(ridge_params *p, tarn_err *err)
 *     {
 *         tarn_params_default(ridge_table, p);
 *         return tarn_param_set(ridge_table, p, "l2", "0.5", err);
 *     }
 */
#ifndef TARN_BASE_PARAM_H
#define TARN_BASE_PARAM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tarn_param_type {
    TARN_P_END,
    TARN_P_INT,  /* int64_t */
    TARN_P_REAL, /* double */
    TARN_P_BOOL, /* bool */
    TARN_P_WORD, /* int: index into `words` */
    TARN_P_TEXT  /* char [cap], NUL-terminated */
} tarn_param_type;

typedef struct tarn_param {
    tarn_param_type type;
    const char *name, *help;
    size_t at;                  /* offsetof */
    double preset, least, most; /* INT, REAL; for BOOL and WORD preset is the value; TEXT: most = cap */
    const char *preset_text;    /* TEXT */
    const char *words;          /* WORD: "newton|lbfgs" */
    bool many;                  /* TEXT: set again, it keeps what was set before, one a line */
} tarn_param;

#define TARN_INT(s, f, preset_, least_, most_, help_)                                                                  \
    {                                                                                                                  \
        .type = TARN_P_INT, .name = #f, .at = offsetof(s, f), .preset = (preset_), .least = (least_), .most = (most_), \
        .help = (help_)                                                                                                \
    }
#define TARN_REAL(s, f, preset_, least_, most_, help_)                                                 \
    {                                                                                                  \
        .type = TARN_P_REAL, .name = #f, .at = offsetof(s, f), .preset = (preset_), .least = (least_), \
        .most = (most_), .help = (help_)                                                               \
    }
#define TARN_BOOL_PARAM(s, f, preset_, help_)                                                       \
    {                                                                                               \
        .type = TARN_P_BOOL, .name = #f, .at = offsetof(s, f), .preset = (preset_), .help = (help_) \
    }
#define TARN_WORD(s, f, preset_, words_, help_)                                                                        \
    {                                                                                                                  \
        .type = TARN_P_WORD, .name = #f, .at = offsetof(s, f), .preset = (preset_), .words = (words_), .help = (help_) \
    }
#define TARN_TEXT(s, f, preset_, help_)                                                                               \
    {                                                                                                                 \
        .type = TARN_P_TEXT, .name = #f, .at = offsetof(s, f), .preset_text = (preset_), .most = sizeof(((s *)0)->f), \
        .help = (help_)                                                                                               \
    }
#define TARN_TEXTS(s, f, help_)                                                                                \
    {                                                                                                          \
        .type = TARN_P_TEXT, .name = #f, .at = offsetof(s, f), .preset_text = "", .most = sizeof(((s *)0)->f), \
        .many = true, .help = (help_)                                                                          \
    }
#define TARN_PARAMS_END    \
    {                      \
        .type = TARN_P_END \
    }

/* All functions: table ends with TARN_PARAMS_END or is NULL (no parameters); values points to the
 * struct the table describes. */

void tarn_params_default(const tarn_param *table, void *values);
const tarn_param *tarn_param_find(const tarn_param *table, const char *name);

/* Read text into the field. Errors: TARN_INVALID names the parameter, what was expected and, for an
 * unknown name, the nearest known one. */
TARN_MUST tarn_code tarn_param_set(const tarn_param *table, void *values, const char *name, const char *text,
                                   tarn_err *err);

/* What may stand there: "real, 0 to 1e+12", "one of newton, lbfgs"; returns out. */
const char *tarn_param_expects(const tarn_param *p, char *out, size_t cap);
/* The value as text that tarn_param_set reads back; returns out. */
const char *tarn_param_get(const tarn_param *p, const void *values, char *out, size_t cap);
/* The default as text; returns out. */
const char *tarn_param_preset(const tarn_param *p, char *out, size_t cap);

#endif
