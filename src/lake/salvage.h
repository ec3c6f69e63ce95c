/* SPDX-License-Identifier: Apache-2.0 */
/* salvage.h - what is sound in damaged packs. Private to this folder; see care.h for the whole of it. */
#ifndef TARN_LAKE_SALVAGE_H
#define TARN_LAKE_SALVAGE_H

#include "lake/care.h"
#include "lake/idmap.h"
#include "lake/inside.h"

/* Set damaged packs aside and store their sound records again, as one change. drop (may be NULL): names of records that
 * are not stored again, and make their packs count as damaged. */
TARN_MUST tarn_code tarn_salvage_packs(tarn_lake *lake, const tarn_repair_options *options, const tarn_idmap *drop,
                                       tarn_repair *out, tarn_err *err);
/* Enter packs that are there although meta.db does not name them; `commits`: only those with commits that the lake has
 * not. */
TARN_MUST tarn_code tarn_salvage_strays(tarn_lake *lake, const tarn_repair_options *options, bool commits, bool *some,
                                        tarn_err *err);
/* Enter every pack that a store has into metadata that know none. A damaged pack is entered too, so that it is told and
 * repaired. */
TARN_MUST tarn_code tarn_salvage_enter(const tarn_backend *backend, void *packs, tarn_meta *meta, int *n,
                                       tarn_err *err);
/* One line to the caller. */
void tarn_repair_say(const tarn_repair_options *options, const char *fmt, ...) TARN_PRINTF(2, 3);
/* Path of `name` in .tarn/damaged, which is made; a number behind it if there is one already. */
TARN_MUST tarn_code tarn_damaged_path(const char *inside, const char *name, char *out, size_t cap, tarn_err *err);

#endif
