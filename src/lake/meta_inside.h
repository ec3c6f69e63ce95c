/* SPDX-License-Identifier: Apache-2.0 */
/* meta_inside.h - what the files that keep the metadata's rows share; private to meta.c and meta_*.c.
 *
 * meta.c has the tables, transactions and the running of statements (meta_statements.def); what rows mean stands in
 * meta_packs.c (packs, runs), meta_refs.c (refs and their log), meta_entries.c (staging, what recipes made) and
 * meta_facts.c (facts, access, audit); meta_check.c looks whether they are sound.
 *
 * A statement runs so: tarn_meta_start, then tarn_stmt_next as long as it gives rows, and tarn_stmt_done if that is
 * left early; or tarn_stmt_run for one that gives none.
 */
#ifndef TARN_LAKE_META_INSIDE_H
#define TARN_LAKE_META_INSIDE_H

#include "lake/meta_db.h"
#include "lake/veil.h"

typedef enum tarn_statement {
#define TARN_STATEMENT(name, sql) S_##name,
#include "lake/meta_statements.def"
#undef TARN_STATEMENT
    TARN_STATEMENTS
} tarn_statement;

/* A statement kept; `own` is the driver's. */
typedef struct tarn_stmt {
    const tarn_meta_driver *driver;
    void *own;
} tarn_stmt;

struct tarn_meta {
    const tarn_meta_driver *driver;
    void *db;
    tarn_stmt kept[TARN_STATEMENTS];
    int64_t stage_next, stage_last; /* numbers that this transaction has taken and not used */
    const tarn_ring *ring;
    tarn_veil_list veiled; /* staged rows of an area, opened */
};

/* ---- meta.c: running statements ---- */

/* The statement, reset and bound: t const char *, p path (bytes), i int64_t, d const tarn_id * (NULL or none: SQL's
 * NULL), b bytes and size_t. */
TARN_MUST tarn_code tarn_meta_start(tarn_meta *m, tarn_statement which, tarn_stmt **out, tarn_err *err,
                                    const char *format, ...);
/* *row tells whether there is one; at the end (or on failure) the statement is reset. */
TARN_MUST tarn_code tarn_stmt_next(tarn_stmt *st, bool *row, tarn_err *err);
/* No more of it is wanted. NULL is fine. */
void tarn_stmt_done(tarn_stmt *st);
/* The whole of a statement whose rows nobody wants. */
TARN_MUST tarn_code tarn_stmt_run(tarn_stmt *st, tarn_err *err);
int64_t tarn_stmt_int(tarn_stmt *st, int column);
const char *tarn_stmt_text(tarn_stmt *st, int column);
/* An id column; none for NULL. False if it is something else. */
bool tarn_stmt_id(tarn_stmt *st, int column, tarn_id *out);
/* TARN_CORRUPT: a row of that table is not what its checksum says. */
tarn_code tarn_meta_row_damaged(const char *table, tarn_err *err);

/* Each with its length in front. */
void tarn_sum_bytes(uint32_t *sum, const void *bytes, size_t len);
void tarn_sum_text(uint32_t *sum, const char *text);
void tarn_sum_int(uint32_t *sum, int64_t x);
void tarn_sum_id(uint32_t *sum, const tarn_id *id);

/* ---- rows, checked: TARN_CORRUPT; for meta_check.c ---- */

TARN_MUST tarn_code tarn_meta_row_ref(tarn_stmt *st, tarn_ref *out, tarn_err *err);
TARN_MUST tarn_code tarn_meta_row_log(tarn_stmt *st, tarn_id *was, tarn_id *target, tarn_err *err);
/* owner, path, object, size, recipe, attrs [, seq], sum [, who] */
TARN_MUST tarn_code tarn_meta_row_entry(tarn_meta *m, tarn_stmt *st, bool staged, tarn_entry *out, int64_t *seq,
                                        tarn_err *err);
/* Is a sealed row of these columns what was written? Needs no key. */
bool tarn_meta_row_veiled_sound(tarn_stmt *st, bool staged);
TARN_MUST tarn_code tarn_meta_row_fact(tarn_stmt *st, tarn_err *err);
uint32_t tarn_sum_fact(const char *key, const char *value);
/* fn may be NULL. */
TARN_MUST tarn_code tarn_meta_row_access(tarn_stmt *st, tarn_access_row_fn *fn, void *arg, tarn_err *err);

#endif
