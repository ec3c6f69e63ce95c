/* SPDX-License-Identifier: Apache-2.0 */
/* search.h - which settings of an estimator a project asks to be tried. */
#ifndef TARN_FLOW_SEARCH_H
#define TARN_FLOW_SEARCH_H

#include "base/json.h"
#include "flow/yaml.h"
#include "train/train.h"

enum { TARN_TRIES_MOST = 1000 };

typedef enum tarn_search_by { TARN_SEARCH_RANDOM, TARN_SEARCH_GRID, TARN_SEARCH_HALVING } tarn_search_by;

/* How a search goes. */
typedef struct tarn_search {
    tarn_search_by by;
    bool nested;
    double keep;    /* halving: this share of the settings goes on to the next round */
    json_t *tries;  /* array of settings, the estimator's own first, none twice */
    int64_t rounds; /* halving; else 1 */
} tarn_search;

/* `search` of a candidate: a map (see keys.c), or the word auto: 20 random tries in the estimator's own space. settings
 * are those that the candidate declares. The same seed gives the same tries. Mistakes go to problems. *out:
 * tarn_search_clear. Errors: TARN_NOMEM */
TARN_MUST tarn_code tarn_search_read(const tarn_algo *algo, const tarn_yaml *search, const json_t *settings,
                                     int64_t seed, tarn_search *out, tarn_problems *problems, tarn_err *err);
void tarn_search_clear(tarn_search *s);
/* Tries of a round of halving (0 ..), and the share of the rows that each learns from. */
int64_t tarn_search_round(const tarn_search *s, int64_t round, double *share);

#endif
