/* SPDX-License-Identifier: Apache-2.0 */
/* holdouts.h - which models were judged on the holdout, when and by whom: a file of the branch to which lines are only
 * added, so that everybody sees how often these rows have been looked at. */
#ifndef TARN_CLI_HOLDOUTS_H
#define TARN_CLI_HOLDOUTS_H

#include "cli/command.h"
#include "model/model.h"

#define TARN_HOLDOUT_PATH "assess/holdout.json"

/* The uses so far, oldest first: an array (decref), empty if there were none. Each: {"use", "time", "by", "model",
 * "id", "split", "table", "rows", "weighted", "metrics", "intervals"}, and "groups_of" if intervals drew whole groups.
 * Errors: TARN_CORRUPT it is not what it should be */
TARN_MUST tarn_code tarn_holdout_uses(tarn_lake *lake, const char *branch, json_t **out, tarn_err *err);

/* Those whose text under key is this one. */
int64_t tarn_holdout_count(const json_t *uses, const char *key, const char *text);

/* What a use says before there are figures: *out (decref). The rows are those of the split that the branch has. */
TARN_MUST tarn_code tarn_holdout_describe(tarn_lake *lake, const char *branch, const char *name,
                                          const tarn_model *model, int64_t rows, const char *why, const char *who,
                                          json_t **out, tarn_err *err);

/* Add a use (borrowed; gets its number "use") to the branch, as a commit by `who`; durable when it returns. */
TARN_MUST tarn_code tarn_holdout_add(tarn_lake *lake, const char *branch, json_t *use, const char *who, tarn_err *err);

/* Tell whose figures on how many rows follow, and how often these rows and the holdout of the branch were used. */
void tarn_holdout_tell(const tarn_cli *cli, const char *name, int64_t rows, int64_t same, int64_t all);

#endif
