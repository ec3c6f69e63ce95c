/* SPDX-License-Identifier: Apache-2.0 */
/* rows_sample.h - small tables with random edits, for the tests of diff and merge, kept twice: as Parquet and as an
 * array.
 *
 * A sample table has columns id (the key), a (whole numbers), b (fractions, and NaN) and c (texts). A cell is a small
 * code, 0 is null; cell_text says what it reads as.
 */
#ifndef TARN_TABLE_ROWS_SAMPLE_H
#define TARN_TABLE_ROWS_SAMPLE_H

#include "support/tarn_test.h"

#include "base/file.h"
#include "base/random.h"
#include "base/str.h"
#include "table/rows.h"

#include <unistd.h>

#define FOLDER "/tmp/tarn-rows-test"

enum { IDS = 12000, CELLS = 3, NAN_CODE = 7 };

typedef struct sample_row {
    int id;
    int cells[CELLS];
} sample_row;

typedef struct sample {
    sample_row rows[IDS];
    int n;
} sample;

typedef struct dice {
    uint64_t seed, at;
} dice;

static inline int roll(dice *d, int n)
{
    return (int)(tarn_random_u64(d->seed, TARN_STREAM_TEST, ++d->at, 0) % (uint64_t)n);
}

static inline const char *file_name(char out[256], const char *name)
{
    (void)snprintf(out, 256, FOLDER "/%ld-%s", (long)getpid(), name);
    return out;
}

static inline tarn_db *open_db(int threads)
{
    tarn_db *db = NULL;

    must(tarn_dir_make(FOLDER, err));
    must(tarn_db_open(&(tarn_db_options){.threads = threads, .memory_bytes = 1 << 30, .spill_folder = FOLDER}, &db,
                      err));
    return db;
}

/* NULL for null. */
static inline const char *cell_text(int column, int code, char out[32])
{
    if (code == 0) return NULL;
    if (column == 0) (void)snprintf(out, 32, "%d", code * 3);
    else if (column == 1 && code == NAN_CODE) (void)snprintf(out, 32, "nan");
    else if (column == 1) (void)snprintf(out, 32, "%d.5", code);
    else (void)snprintf(out, 32, "w%d'\xC3\xA9", code);
    return out;
}

static inline int find_row(const sample *s, int id)
{
    for (int i = 0; i < s->n; i++)
        if (s->rows[i].id == id) return i;
    return -1;
}

/* Position of each id, -1 where there is none: at[IDS]. */
static inline void index_rows(const sample *s, int *at)
{
    for (int i = 0; i < IDS; i++) at[i] = -1;
    for (int i = 0; i < s->n; i++) at[s->rows[i].id] = i;
}

static inline void fill(sample *s, int n, dice *d)
{
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->rows[i].id = i;
        for (int c = 0; c < CELLS; c++) s->rows[i].cells[c] = roll(d, 9);
    }
}

static inline void remove_row(sample *s, int i)
{
    s->n--;
    memmove(&s->rows[i], &s->rows[i + 1], (size_t)(s->n - i) * sizeof *s->rows);
}

static inline void insert_row(sample *s, int i, int id, dice *d)
{
    memmove(&s->rows[i + 1], &s->rows[i], (size_t)(s->n - i) * sizeof *s->rows);
    s->n++;
    s->rows[i].id = id;
    for (int c = 0; c < CELLS; c++) s->rows[i].cells[c] = roll(d, 9);
}

/* Change cells, remove, insert (ids from first_new on), move rows; within positions from..to only. */
static inline void edit(sample *s, int edits, int from, int to, int first_new, dice *d)
{
    for (int i = 0; i < edits; i++) {
        int last = to < s->n ? to : s->n;
        if (last <= from) return;
        int at = from + roll(d, last - from);
        switch (roll(d, 8)) {
        case 0: remove_row(s, at); break;
        case 1:
            if (s->n < IDS && find_row(s, first_new + i) < 0) insert_row(s, at, first_new + i, d);
            break;
        case 2: {
            int other = from + roll(d, last - from);
            sample_row moved = s->rows[at];
            s->rows[at] = s->rows[other];
            s->rows[other] = moved;
            break;
        }
        default: s->rows[at].cells[roll(d, CELLS)] = roll(d, 9); break;
        }
    }
}

/* As Parquet with row groups of 2,048 rows, the smallest that the engine writes. */
static inline void save(tarn_db *db, const sample *s, const char *path)
{
    tarn_text csv = {0}, sql = {0};
    char text[32], csv_path[300];

    for (int i = 0; i < s->n; i++) {
        tarn_text_addf(&csv, "%d", s->rows[i].id);
        for (int c = 0; c < CELLS; c++) {
            const char *cell = cell_text(c, s->rows[i].cells[c], text);
            tarn_text_addf(&csv, ",%s", cell ? cell : "");
        }
        tarn_text_add(&csv, "\n");
    }
    (void)snprintf(csv_path, sizeof csv_path, "%s.csv", path);
    must(tarn_file_save(csv_path, csv.data ? csv.data : "", csv.len, err));
    tarn_text_addf(&sql,
                   "COPY (SELECT * FROM read_csv('%s', auto_detect = false, header = false, delim = ',', quote = '', "
                   "escape = '', columns = "
                   "{'id': 'INTEGER', 'a': 'INTEGER', 'b': 'DOUBLE', 'c': 'VARCHAR'})) TO '%s' (FORMAT parquet, "
                   "ROW_GROUP_SIZE 2048, USE_TMP_FILE false)",
                   csv_path, path);
    must(tarn_db_run(db, sql.data, err));
    (void)unlink(csv_path);
    tarn_text_clear(&csv);
    tarn_text_clear(&sql);
}

/* A table from SQL. */
static inline void make(tarn_db *db, const char *path, const char *query)
{
    tarn_text sql = {0};

    tarn_text_addf(&sql, "COPY (%s) TO '%s' (FORMAT parquet, USE_TMP_FILE false)", query, path);
    must(tarn_db_run(db, sql.data, err));
    tarn_text_clear(&sql);
}

static inline bool same_text(const char *x, const char *y) { return x && y ? strcmp(x, y) == 0 : x == y; }

/* Column of the sample by its name; -1 if it is another. */
static inline int cell_of(const char *name)
{
    return strlen(name) == 1 && *name >= 'a' && *name <= 'c' ? *name - 'a' : -1;
}

#endif
