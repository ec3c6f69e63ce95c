/* SPDX-License-Identifier: Apache-2.0 */
/* table_merge.h - what a merge of branches does with a table that both sides changed: it merges rows.
 *
 * A merge of paths asks tarn_table_merge about each path that both sides changed. Tables (*.parquet) with a declared
 * key are merged row by row (table/rows.h), stored, and held against their declared rules: cells that merge cleanly can
 * still break a rule (two rows with one value of a unique column, a reference to a row that the other side removed).
 *
 * Threads: one at a time.
 */
#ifndef TARN_FLOW_TABLE_MERGE_H
#define TARN_FLOW_TABLE_MERGE_H

#include "flow/project.h"
#include "lake/history.h"
#include "table/rows.h"

/* The arg of tarn_table_merge. Zeros are defaults; tarn_table_merger_clear at the end. */
typedef struct tarn_table_merger {
    tarn_lake *lake;
    const tarn_project *project;    /* what is declared; NULL: nothing, so that nothing is settled */
    int threads;                    /* of the SQL engine; 0: 1 */
    int64_t memory_bytes;           /* of the SQL engine; 0: its own choice */
    tarn_rows_side resolve;         /* whose value stands where rows conflict */
    int64_t shown;                  /* conflicts to tell of each table; 0: 3 */
    tarn_row_conflict_fn *conflict; /* gets those that *why tells, one by one; NULL: none */
    void *conflict_arg;
    const tarn_id *base, *ours, *theirs; /* the commits that are merged: where the tables are that rules refer to. NULL
                                            (of ours or theirs): references are not checked */
    tarn_entry *made;                    /* what was settled so far (n_made) */
    size_t n_made;
} tarn_table_merger;

/* A tarn_resolve_fn; arg is a tarn_table_merger. Not settled, with the reason in *why: a path that is no table or has
 * no declared key, a table that one side removed, rows that conflict ("2 rows: order_id 17 column price: 3 | 4 | 5;
 * ..." are base, ours and theirs), a key that does not name rows, a broken rule. merged->recipe is none. */
TARN_MUST tarn_code tarn_table_merge(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                     const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why,
                                     tarn_err *err);
void tarn_table_merger_clear(tarn_table_merger *m);

#endif
