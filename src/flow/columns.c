/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c - see columns.h. */
#include "flow/columns.h"

#include "base/file.h"
#include "table/table.h"

#include <stdio.h>

static tarn_code make_columns(tarn_lake *lake, const tarn_id *object, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char parquet[4096];
    tarn_db *db = NULL;
    tarn_columns *c = NULL;
    tarn_text sql = {0};
    tarn_db_options options = {.threads = 1};

    TARN_TRY(tarn_lake_cached(lake, object, ".parquet", parquet, sizeof parquet, err));
    tarn_text_add(&sql, "SELECT * FROM read_parquet(");
    tarn_sql_text(&sql, parquet);
    tarn_text_add(&sql, ")");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_open(&options, &db, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, &c, err));
    TARN_TRY(tarn_columns_save(c, path, err));
done:
    tarn_columns_release(c);
    tarn_db_close(db);
    tarn_text_clear(&sql);
    return rc;
}

tarn_code tarn_columns_of(tarn_lake *lake, const tarn_id *object, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char folder[4096], path[4200], hex[TARN_ID_HEX];

    *out = NULL;
    TARN_TRY(tarn_path_join(folder, sizeof folder, tarn_lake_cache_dir(lake), "columns", err));
    TARN_TRY(tarn_dir_make(folder, err));
    (void)snprintf(path, sizeof path, "%s/%s.columns", folder, tarn_id_hex(object, hex));
    if (tarn_path_exists(path) && tarn_columns_map(path, out, NULL) == TARN_OK) return TARN_OK;
    TARN_TRY(make_columns(lake, object, path, err));
    TARN_TRY(tarn_columns_map(path, out, err));
done:
    return rc;
}
