/* SPDX-License-Identifier: Apache-2.0 */
/* registry: stage 6. In: a judged model with its recipe. Out: a named version, aliases, lineage.
 *
 * There is no second bookkeeping: the versions of model M are the chain of commits behind the lake's ref
 * models/M/versions (version n is the n-th commit), and an alias is a ref models/M/<alias> to one of them.
 * A version's tree holds model.tarn, report.html, card.json and the pictures; its metadata says which data
 * commit and which recipe made it.
 *
 * A version is asked for as "M" (alias champion), "M@alias", "M/3" or a model's id (at least 6 digits).
 */
#ifndef TARN_REGISTRY_H
#define TARN_REGISTRY_H

#include "base/json.h"
#include "lake/lake.h"

typedef struct tarn_version {
    char model[128];
    int64_t number; /* from 1 */
    tarn_id commit; /* of the version */
    tarn_id object; /* of model.tarn: what predictions carry */
    tarn_id recipe; /* that made it; none if it came from outside */
    tarn_id data;   /* commit of the branch it was learned from; none if unknown */
    int64_t time_us;
    char author[256], note[1024];
    json_t *meta; /* the commit's; tarn_version_clear */
} tarn_version;
void tarn_version_clear(tarn_version *v);

/* Add a version of `model` with these entries (one must be model.tarn); meta gets {"version", "model", "recipe",
 * "data"} and what `more` (may be NULL) has. *out is the caller's to clear. */
TARN_MUST tarn_code tarn_registry_add(tarn_lake *lake, const char *model, const tarn_entry *entries, size_t n,
                                      const tarn_id *data, const json_t *more, const char *author, const char *note,
                                      tarn_version *out, tarn_err *err);

/* Point alias at version `number`. Who and why go to the ref log. */
TARN_MUST tarn_code tarn_registry_alias(tarn_lake *lake, const char *model, const char *alias, int64_t number,
                                        const char *who, const char *why, tarn_err *err);

/* TARN_NOT_FOUND names what there is. */
TARN_MUST tarn_code tarn_registry_find(tarn_lake *lake, const char *text, tarn_version *out, tarn_err *err);
/* By the full id of a model object. */
TARN_MUST tarn_code tarn_registry_find_object(tarn_lake *lake, const tarn_id *object, tarn_version *out, tarn_err *err);

/* Every version of one model (NULL: of all), newest first, with the names of the aliases that point at it. */
typedef tarn_code tarn_version_fn(void *arg, const tarn_version *version, const char *aliases, tarn_err *err);
TARN_MUST tarn_code tarn_registry_list(tarn_lake *lake, const char *model, tarn_version_fn *fn, void *arg,
                                       tarn_err *err);

#endif
