/* SPDX-License-Identifier: Apache-2.0 */
/* meta.h - the small changing facts of a lake: which packs there are, refs and their log, staging, what
 * recipes made. In a file of the lake (SQLite), or in a PostgreSQL that many servers share.
 *
 * Writes stand between tarn_meta_begin and tarn_meta_commit: all of them happen or none, durably. Rows carry
 * a checksum of their own, since SQLite has none: a flipped bit is TARN_CORRUPT, not another answer. With PostgreSQL
 * every call can fail with TARN_IO: reading again may help, and a transaction that failed has done nothing.
 *
 * Threads: one at a time (the lake's lock). Processes: any number; a writer waits up to a minute for another.
 */
#ifndef TARN_LAKE_META_H
#define TARN_LAKE_META_H

#include "lake/history.h"
#include "lake/ring.h"

typedef struct tarn_meta tarn_meta;

/* `where` is the path of a file, or postgresql://...; may be shared: several folders, each with a lake's .tarn. */
bool tarn_meta_shared(const char *where);
/* Make empty tables. TARN_EXISTS if a schema of PostgreSQL is there already. */
TARN_MUST tarn_code tarn_meta_create(const char *where, const char *id, tarn_err *err);
/* The lake's id, which was given to create ("": none), must be this; TARN_CONFLICT. */
TARN_MUST tarn_code tarn_meta_check_id(tarn_meta *meta, const char *id, tarn_err *err);
/* readonly: no byte is written, not even beside the file if SQLite can do without. */
TARN_MUST tarn_code tarn_meta_open(const char *where, bool readonly, tarn_meta **out, tarn_err *err);
void tarn_meta_close(tarn_meta *meta);

/* From now on rows with paths and content ids (staged, made) are sealed, as in an encrypted lake all of them are.
 * Texts (facts, who and why of the ref log) come sealed from above. ring is borrowed until closing. */
void tarn_meta_seal_with(tarn_meta *meta, const tarn_ring *ring);

TARN_MUST tarn_code tarn_meta_begin(tarn_meta *meta, tarn_err *err);
TARN_MUST tarn_code tarn_meta_commit(tarn_meta *meta, tarn_err *err);
void tarn_meta_rollback(tarn_meta *meta);
bool tarn_meta_is_shared(const tarn_meta *meta);
/* The turn among all who share the metadata: *got false if another has it; ask again later. Where nothing is shared it
 * is always got. */
TARN_MUST tarn_code tarn_meta_turn(tarn_meta *meta, bool *got, tarn_err *err);
void tarn_meta_turn_end(tarn_meta *meta);
/* Changes when another connection has written. */
TARN_MUST tarn_code tarn_meta_version(tarn_meta *meta, int64_t *out, tarn_err *err);
/* The database's own check, and the checksum of every row; each problem one line. */
TARN_MUST tarn_code tarn_meta_check(tarn_meta *meta, void (*problem)(void *arg, const char *line), void *arg,
                                    tarn_err *err);

/* Copy every row of the damaged file `from` that can be read and is sound into `to`, an empty one, but for packs and
 * runs; records of the audit log as they stand. Of a ref that is lost, or older than its last line in the ref log, that
 * line tells the place. say
 * gets one line for each table that lost something, and for each ref that the log gave. */
TARN_MUST tarn_code tarn_meta_salvage(const char *from, tarn_meta *to, void (*say)(void *arg, const char *line),
                                      void *arg, tarn_err *err);

/* Everything into the file itself, synced: the log beside it is empty, so that the file can be renamed. */
TARN_MUST tarn_code tarn_meta_settle(tarn_meta *meta, tarn_err *err);

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
/* The pack has these numbers and is in no run. */
TARN_MUST tarn_code tarn_meta_pack_mend(tarn_meta *meta, const char *name, uint64_t bytes, uint64_t records,
                                        tarn_err *err);
/* What `row` indexed is in `run` from now on (0: in none); if row is a run, it is gone. */
TARN_MUST tarn_code tarn_meta_run_absorb(tarn_meta *meta, uint32_t run, const tarn_pack_row *row, tarn_err *err);

/* Forget the pack, and the run that it was in: the run's other packs are in none then. TARN_NOT_FOUND if meta.db does
 * not name it. */
TARN_MUST tarn_code tarn_meta_pack_drop(tarn_meta *meta, uint32_t num, tarn_err *err);

/* The bytes of a pack in the transaction that names it (carry.c); not where metadata are shared. */
TARN_MUST tarn_code tarn_meta_carry(tarn_meta *meta, const char *name, const void *bytes, size_t len, tarn_err *err);
/* bytes NULL: they are of no use, the row is damaged or its pack not named any more. */
typedef tarn_code tarn_carried_fn(void *arg, const char *name, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_meta_carried(tarn_meta *meta, tarn_carried_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_meta_carried_drop(tarn_meta *meta, const char *name, tarn_err *err);

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

/* What happened to a ref, newest first; the texts live for the call. */
TARN_MUST tarn_code tarn_meta_ref_moves(tarn_meta *meta, const char *name, tarn_move_fn *fn, void *arg, tarn_err *err);
/* What refs were (was) and became (to; either may be none) in changes not before since_us. */
typedef tarn_code tarn_log_fn(void *arg, const tarn_id *was, const tarn_id *to, tarn_err *err);
TARN_MUST tarn_code tarn_meta_ref_log(tarn_meta *meta, int64_t since_us, tarn_log_fn *fn, void *arg, tarn_err *err);

/* The newest line of the log of all refs; seq 0 if there is none. */
struct tarn_acked;
TARN_MUST tarn_code tarn_meta_ref_newest(tarn_meta *meta, struct tarn_acked *out, tarn_err *err);

/* ---- staging: rows numbered in the order of their writing ---- */

typedef tarn_code tarn_staged_fn(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err);
TARN_MUST tarn_code tarn_meta_stage(tarn_meta *meta, const char *branch, const char *who, const tarn_entry *entry,
                                    tarn_err *err);
/* No row ever written has a larger number, and every later one has. */
TARN_MUST tarn_code tarn_meta_stage_seq(tarn_meta *meta, int64_t *out, tarn_err *err);
/* Up to `most` rows (0: all) with path >= from, in byte order. */
TARN_MUST tarn_code tarn_meta_staged(tarn_meta *meta, const char *branch, const char *who, const char *from,
                                     int64_t most, tarn_staged_fn *fn, void *arg, tarn_err *err);
/* Every row of every branch. */
TARN_MUST tarn_code tarn_meta_staged_all(tarn_meta *meta, tarn_staged_fn *fn, void *arg, tarn_err *err);
/* Who has rows on a branch, and how many. */
TARN_MUST tarn_code tarn_meta_areas(tarn_meta *meta, const char *branch, tarn_area_fn *fn, void *arg, tarn_err *err);
/* Forget rows with from <= path < to whose number is at most upto. */
TARN_MUST tarn_code tarn_meta_unstage(tarn_meta *meta, const char *branch, const char *who, const char *from,
                                      const char *to, int64_t upto, tarn_err *err);

/* ---- what recipes made; facts ---- */

TARN_MUST tarn_code tarn_meta_made_forget(tarn_meta *meta, const tarn_id *recipe, tarn_err *err);
TARN_MUST tarn_code tarn_meta_made_add(tarn_meta *meta, const tarn_id *recipe, const tarn_entry *output, tarn_err *err);
TARN_MUST tarn_code tarn_meta_made(tarn_meta *meta, const tarn_id *recipe, tarn_entry_fn *fn, void *arg, tarn_err *err);
/* Every output of every recipe. */
typedef tarn_code tarn_made_fn(void *arg, const tarn_id *recipe, const tarn_entry *output, tarn_err *err);
TARN_MUST tarn_code tarn_meta_made_all(tarn_meta *meta, tarn_made_fn *fn, void *arg, tarn_err *err);
/* value NULL: forget it. */
TARN_MUST tarn_code tarn_meta_fact_set(tarn_meta *meta, const char *key, const char *value, tarn_err *err);
/* tarn_free(*out); TARN_NOT_FOUND without it. */
TARN_MUST tarn_code tarn_meta_fact_get(tarn_meta *meta, const char *key, char **out, tarn_err *err);
TARN_MUST tarn_code tarn_meta_facts(tarn_meta *meta, const char *prefix, tarn_fact_fn *fn, void *arg, tarn_err *err);

/* ---- access: rows of a kind ("user", "token", "key", "grant", "state") under a name; and the audit log ---- */

typedef tarn_code tarn_access_row_fn(void *arg, const char *kind, const char *name, const char *value, tarn_err *err);
/* value NULL removes. */
TARN_MUST tarn_code tarn_meta_access_set(tarn_meta *meta, const char *kind, const char *name, const char *value,
                                         tarn_err *err);
/* tarn_free(*out); TARN_NOT_FOUND without it. */
TARN_MUST tarn_code tarn_meta_access_get(tarn_meta *meta, const char *kind, const char *name, char **out,
                                         tarn_err *err);
/* Every row, by kind and name. */
TARN_MUST tarn_code tarn_meta_access_all(tarn_meta *meta, tarn_access_row_fn *fn, void *arg, tarn_err *err);
/* No checksum of its own: the hash is one. */
TARN_MUST tarn_code tarn_meta_audit_add(tarn_meta *meta, int64_t seq, const char *record, const tarn_id *hash,
                                        tarn_err *err);
/* *seq 0 and no hash if there is none. */
TARN_MUST tarn_code tarn_meta_audit_last(tarn_meta *meta, int64_t *seq, tarn_id *hash, tarn_err *err);
/* Up to `most` records with seq >= from, as they stand. */
typedef tarn_code tarn_audit_row_fn(void *arg, int64_t seq, const char *record, const tarn_id *hash, tarn_err *err);
TARN_MUST tarn_code tarn_meta_audit(tarn_meta *meta, int64_t from, int64_t most, tarn_audit_row_fn *fn, void *arg,
                                    tarn_err *err);

#endif
