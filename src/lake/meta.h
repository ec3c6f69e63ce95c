/* SPDX-License-Identifier: Apache-2.0 */
/* meta.h - the small changing facts of a lake: which packs there are, refs and their log, staging, what
 * recipes made. One SQLite file; meta.c is the only file that knows SQLite.
 *
 * Writes stand between tarn_meta_begin and tarn_meta_commit: all of them happen or none, durably. Rows carry
 * a checksum of their own, since SQLite has none: a flipped bit is TARN_CORRUPT, not another answer.
 *
 * Threads: one at a time (the lake's lock). Processes: any number; a writer waits up to a minute for another.
 */
#ifndef TARN_LAKE_META_H
#define TARN_LAKE_META_H

#include "lake/lake.h"
#include "lake/ring.h"

typedef struct tarn_meta tarn_meta;

/* Make a new file with empty tables. */
TARN_MUST tarn_code tarn_meta_create(const char *path, tarn_err *err);
/* readonly: no byte is written, not even beside the file if SQLite can do without. */
TARN_MUST tarn_code tarn_meta_open(const char *path, bool readonly, tarn_meta **out, tarn_err *err);
void tarn_meta_close(tarn_meta *meta);

/* From now on rows with paths and content ids (staged, made) are sealed, as in an encrypted lake all of them are.
 * Texts (facts, who and why of the ref log) come sealed from above. ring is borrowed until closing. */
void tarn_meta_seal_with(tarn_meta *meta, const tarn_ring *ring);

TARN_MUST tarn_code tarn_meta_begin(tarn_meta *meta, tarn_err *err);
TARN_MUST tarn_code tarn_meta_commit(tarn_meta *meta, tarn_err *err);
void tarn_meta_rollback(tarn_meta *meta);
/* Changes when another connection has written. */
TARN_MUST tarn_code tarn_meta_version(tarn_meta *meta, int64_t *out, tarn_err *err);
/* SQLite's own check of the file, and the checksum of every row; each problem one line. */
TARN_MUST tarn_code tarn_meta_check(tarn_meta *meta, void (*problem)(void *arg, const char *line), void *arg,
                                    tarn_err *err);

/* ---- packs, and the runs that index many of them ---- */

typedef struct tarn_pack_row {
    bool run; /* a run, else a pack that is in no run */
    uint32_t num;
    char name[64];
    uint64_t bytes, records;
} tarn_pack_row;
typedef tarn_code tarn_pack_row_fn(void *arg, const tarn_pack_row *row, tarn_err *err);

/* *num of the pack, which may be known already (same name, same content). */
TARN_MUST tarn_code tarn_meta_pack_add(tarn_meta *meta, const char *name, uint64_t bytes, uint64_t records,
                                       uint32_t *num, tarn_err *err);
TARN_MUST tarn_code tarn_meta_pack_num(tarn_meta *meta, const char *name, uint32_t *num, tarn_err *err);
TARN_MUST tarn_code tarn_meta_pack_name(tarn_meta *meta, uint32_t num, char name[64], tarn_err *err);
/* Runs, and packs that are in none. */
TARN_MUST tarn_code tarn_meta_indexes(tarn_meta *meta, tarn_pack_row_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_meta_packs(tarn_meta *meta, tarn_pack_row_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_meta_run_add(tarn_meta *meta, const char *name, uint64_t records, uint32_t *num,
                                      tarn_err *err);
/* What `row` indexed is in `run` from now on (0: in none); if row is a run, it is gone. */
TARN_MUST tarn_code tarn_meta_run_absorb(tarn_meta *meta, uint32_t run, const tarn_pack_row *row, tarn_err *err);

/* ---- refs ---- */

/* TARN_NOT_FOUND without it. */
TARN_MUST tarn_code tarn_meta_ref_get(tarn_meta *meta, const char *name, tarn_ref *out, tarn_err *err);
/* `to` NULL removes. Writes the log too. */
TARN_MUST tarn_code tarn_meta_ref_set(tarn_meta *meta, const char *name, const tarn_id *was, const tarn_id *to,
                                      int64_t time_us, const char *who, const char *why, tarn_err *err);
TARN_MUST tarn_code tarn_meta_refs(tarn_meta *meta, const char *prefix, tarn_ref_fn *fn, void *arg, tarn_err *err);
/* The ref's value at a time by its log; none when it did not exist. *known false: it never existed. *first_us is the
 * time of its first log line. */
TARN_MUST tarn_code tarn_meta_ref_at(tarn_meta *meta, const char *name, int64_t time_us, tarn_id *out, bool *known,
                                     int64_t *first_us, tarn_err *err);

/* ---- staging: rows numbered in the order of their writing ---- */

typedef tarn_code tarn_staged_fn(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err);
TARN_MUST tarn_code tarn_meta_stage(tarn_meta *meta, const char *branch, const tarn_entry *entry, tarn_err *err);
/* The number that the newest row ever written got. */
TARN_MUST tarn_code tarn_meta_stage_seq(tarn_meta *meta, int64_t *out, tarn_err *err);
/* Up to `most` rows (0: all) with path >= from, in byte order. */
TARN_MUST tarn_code tarn_meta_staged(tarn_meta *meta, const char *branch, const char *from, int64_t most,
                                     tarn_staged_fn *fn, void *arg, tarn_err *err);
/* Every row of every branch. */
TARN_MUST tarn_code tarn_meta_staged_all(tarn_meta *meta, tarn_staged_fn *fn, void *arg, tarn_err *err);
/* Forget rows whose path starts with prefix and whose number is at most upto. */
TARN_MUST tarn_code tarn_meta_unstage(tarn_meta *meta, const char *branch, const char *prefix, int64_t upto,
                                      tarn_err *err);

/* ---- what recipes made; facts ---- */

TARN_MUST tarn_code tarn_meta_made_forget(tarn_meta *meta, const tarn_id *recipe, tarn_err *err);
TARN_MUST tarn_code tarn_meta_made_add(tarn_meta *meta, const tarn_id *recipe, const tarn_entry *output, tarn_err *err);
TARN_MUST tarn_code tarn_meta_made(tarn_meta *meta, const tarn_id *recipe, tarn_entry_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_meta_fact_set(tarn_meta *meta, const char *key, const char *value, tarn_err *err);
/* tarn_free(*out); TARN_NOT_FOUND without it. */
TARN_MUST tarn_code tarn_meta_fact_get(tarn_meta *meta, const char *key, char **out, tarn_err *err);
TARN_MUST tarn_code tarn_meta_facts(tarn_meta *meta, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err);

#endif
