/* SPDX-License-Identifier: Apache-2.0 */
/* predlog.h - the prediction log: every answer, by its id, on the disk at once and in the lake soon after.
 *
 * Records are lines of JSON in segments, .tarn/log/<segment>.ndjson, one open segment a model. Requests hand lines to a
 * bounded queue; one thread writes them (within about 2 ms) and syncs them together (at most every 50 ms); another
 * commits finished segments to branch `predictions` as predictions/<model>/<segment>.ndjson, then removes the file.
 *
 * What an answered request may rely on: its record is handed to the operating system within about 2 ms of the reply and
 * on the disk within 50 ms, plus the time of one sync. A process killed sooner loses only those records. A full queue
 * lets requests wait; nothing is dropped. When the disk is full, requests fail (TARN_FULL) until there is room again.
 * After a failed sync all requests fail until the next start, since nobody knows what the disk holds.
 *
 * A crash between commit and removal does no harm: the next start commits the same bytes under the same path, which
 * changes nothing. A torn last line is cut off at the next start, and never read as a record.
 *
 * In an encrypted lake the lines of one write are sealed together (logfile.c); nothing else changes.
 *
 * An id is p-<segment>-<line>-<check>: it says where the record is, and a typing error in it is noticed.
 *
 * Threads: any. Several processes may serve one lake: each locks the segments that it writes.
 */
#ifndef TARN_SERVE_PREDLOG_H
#define TARN_SERVE_PREDLOG_H

#include "base/sink.h"
#include "lake/lake.h"

enum { TARN_SEGMENT_NAME = 14, TARN_PREDICTION_ID = 48 };

#define TARN_PREDICTIONS_REF "heads/predictions"

typedef struct tarn_predlog tarn_predlog;

typedef struct tarn_predlog_options {
    const tarn_sink *sink;
    int commit_s;           /* 0: 60 */
    int64_t commit_records; /* 0: 10,000 */
    size_t queue_bytes;     /* 0: 32 MiB */
} tarn_predlog_options;

/* Take up what an earlier process left, then start both threads. */
TARN_MUST tarn_code tarn_predlog_open(tarn_lake *lake, const tarn_predlog_options *options, tarn_predlog **out,
                                      tarn_err *err);
/* Write, sync and commit everything; log is gone afterwards. After an error the segments stay for the next start. */
TARN_MUST tarn_code tarn_predlog_close(tarn_predlog *log, tarn_err *err);

/* Add n records of `model`. Each is {"id":"<its id>" followed by its tail; tails stand behind one another, tail i ends
 * at ends[i] and must be `,"key":...}` without line end. Their lines are *first .. *first + n - 1 of segment. */
TARN_MUST tarn_code tarn_predlog_add(tarn_predlog *log, const char *model, const char *tails, const size_t *ends,
                                     size_t n, char segment[TARN_SEGMENT_NAME], int64_t *first, tarn_err *err);
/* Wait until all that was added before is on the disk. */
TARN_MUST tarn_code tarn_predlog_sync(tarn_predlog *log, tarn_err *err);

typedef struct tarn_predlog_counts {
    int64_t records, waiting_bytes, commits;
} tarn_predlog_counts;
void tarn_predlog_count(tarn_predlog *log, tarn_predlog_counts *out);

/* ---- ids (predid.c) ---- */

const char *tarn_prediction_id(const char *segment, int64_t line, char out[TARN_PREDICTION_ID]);
/* TARN_INVALID says whether it is no id at all or has a typing error. */
TARN_MUST tarn_code tarn_prediction_id_read(const char *id, char segment[TARN_SEGMENT_NAME], int64_t *line,
                                            tarn_err *err);
/* A name no other segment has: time in milliseconds, then what `salt` gives. */
void tarn_segment_name(int64_t now_us, uint64_t salt, char out[TARN_SEGMENT_NAME]);
bool tarn_segment_name_valid(const char *name, size_t len);

/* ---- segments on the disk and in the lake (segments.c) ---- */

typedef struct tarn_segment_file {
    char name[TARN_SEGMENT_NAME], model[128];
    int fd; /* holds the lock */
} tarn_segment_file;

/* Length of the longest beginning of `bytes` that is whole records of this segment; model (128) gets what they name. */
size_t tarn_segment_whole(const char *name, const char *bytes, size_t len, char model[128], int64_t *records);
/* Put the files into the lake and take them away. */
TARN_MUST tarn_code tarn_segments_commit(tarn_lake *lake, tarn_segment_file *files, size_t n, int64_t records,
                                         tarn_err *err);
/* Segments that no living process holds: cut torn ends, commit, remove. *records gets how many were taken up. */
TARN_MUST tarn_code tarn_segments_recover(tarn_lake *lake, int64_t *records, tarn_err *err);
/* ---- a segment's file (logfile.c) ---- */

/* Append whole lines at byte `at`, the file's end; *written bytes were added. */
TARN_MUST tarn_code tarn_segment_append(tarn_lake *lake, const char *name, int fd, const char *path, uint64_t at,
                                        const char *lines, size_t len, uint64_t *written, tarn_err *err);
/* Its lines, NUL behind them; tarn_free(*out). *sound bytes of the file hold them: what stands behind is a torn write.
 * TARN_CORRUPT: damaged within. */
TARN_MUST tarn_code tarn_segment_read(tarn_lake *lake, const char *name, char **out, size_t *out_len, size_t *sound,
                                      tarn_err *err);
/* Path of a segment's file. */
TARN_MUST tarn_code tarn_segment_path(tarn_lake *lake, const char *name, char out[4096], tarn_err *err);

#endif
