/* SPDX-License-Identifier: Apache-2.0 */
/* ingest: stage 0. In: the world. Out: tables (Parquet files), with what could not be read put aside.
 *
 * The door: run one source into a Parquet file, and say what came. Committing is the caller's.
 */
#ifndef TARN_INGEST_H
#define TARN_INGEST_H

#include "base/json.h"
#include "base/param.h"
#include "base/sink.h"
#include "table/table.h"

/* What a source must do (plug-ins, one file each in ingest/sources/). A batch source reads all there is. */
typedef struct tarn_source {
    const char *name, *title;
    size_t params_size;
    const tarn_param *params;
    /* Make SQL table `table` in db, replacing one of that name. Rows that cannot be read are added to *rejects (may be
     * NULL: any is an error). base: folder that relative paths start from. type_names: as in tarn_csv_options, may be
     * NULL. */
    tarn_code (*read)(const void *params, const char *base, const char *const *type_names, tarn_db *db,
                      const char *table, int64_t *rows, tarn_rejects *rejects, const tarn_sink *sink, tarn_err *err);
    /* What would be read, without reading the rows, for deciding whether a run is needed: *out (json_decref) is an
     * array of {"file","bytes","sha256"}, in the order in which read takes them. */
    tarn_code (*facts)(const void *params, const char *base, json_t **out, tarn_err *err);
} tarn_source;
int tarn_source_count(void);
const tarn_source *tarn_source_at(int i);
TARN_MUST tarn_code tarn_source_find(const char *name, const tarn_source **out, tarn_err *err);

#endif
