/* SPDX-License-Identifier: Apache-2.0 */
/* rowgroups.c - see rowgroups.h.
 *
 * A row group is the bytes of its column chunks, which stand at any place of the file, and what the file's metadata
 * says of them: codec, number of values, where the first data page is. If all that is equal, and the schemas are, then
 * a reader sees equal rows. Statistics do not matter, since nothing is filtered by them here.
 *
 * Method: each group gets a sign, a checksum of its metadata (`shape`), later also of its bytes. Groups in the same
 * place are compared first: versions of one table are mostly that, and a comparison ends at the first difference. What
 * is left is paired by sign, and only where a shape stands in both files are bytes read at all. A pair is believed only
 * after its bytes were compared. */
#include "table/rowgroups.h"

#include "base/file.h"
#include "table/checksum.h"

#include <stdlib.h>
#include <string.h>

/* MOST_RANGES: the engine tries each range on each row group (about 6 microseconds), so many small ones cost more than
 * they save. */
enum { SHAPE_WORDS = 4, MOST_RANGES = 64 };
#define MOST_ROWS ((int64_t)1 << 40) /* of a group that is believed, so that no sum overflows */

typedef struct chunk {
    int64_t at, len;
} chunk;

typedef struct group {
    int64_t first, rows;
    chunk *chunks;
    int n_chunks;
    uint64_t shape, sign;
    bool usable;
    struct group *pair; /* NULL: none, its rows are to be read */
} group;

typedef struct grouped {
    tarn_mapped file;
    group *groups;
    int64_t n;
} grouped;

/* ---- metadata ---- */

static int64_t whole_at(const tarn_columns *c, int column, int64_t row)
{
    const tarn_column *a = tarn_columns_at(c, column);
    return tarn_column_has(a, row) ? ((const int64_t *)a->values)[row] : -1;
}

/* One column chunk: group, rows of the group, values, codec, dictionary, data, bytes. */
static void add_chunk(group *g, const tarn_columns *c, int64_t row, size_t file_len)
{
    int64_t dictionary = whole_at(c, 4, row), data = whole_at(c, 5, row), len = whole_at(c, 6, row);
    int64_t at = dictionary > 0 && dictionary < data ? dictionary : data;
    int64_t shape[SHAPE_WORDS] = {whole_at(c, 2, row), whole_at(c, 3, row), data - at, len};

    g->rows = whole_at(c, 1, row);
    g->shape = tarn_table_checksum(shape, sizeof shape, g->shape);
    if (at < 4 || len < 0 || at > (int64_t)file_len || len > (int64_t)file_len - at) g->usable = false;
    g->chunks[g->n_chunks++] = (chunk){at, len};
}

static tarn_code read_groups(tarn_db *db, tarn_arena *arena, const char *path, grouped *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    tarn_columns *c = NULL;
    chunk *chunks = NULL;
    int64_t first = 0;

    TARN_TRY(tarn_map_open(path, &out->file, err));
    tarn_text_add(&sql, "SELECT row_group_id, row_group_num_rows, num_values, (hash(compression) >> 1)::BIGINT, "
                        "dictionary_page_offset, data_page_offset, total_compressed_size FROM parquet_metadata(");
    tarn_sql_path(&sql, path);
    tarn_text_add(&sql, ") ORDER BY row_group_id, column_id");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db, sql.data, -1, &c, err));
    int64_t n = tarn_columns_rows(c);
    TARN_TRY(tarn_arena_alloc(arena, &out->groups, (size_t)n + 1, sizeof *out->groups, err));
    TARN_TRY(tarn_arena_alloc(arena, &chunks, (size_t)n + 1, sizeof *chunks, err));
    for (int64_t i = 0; i < n; i++) {
        bool starts = i == 0 || whole_at(c, 0, i) != whole_at(c, 0, i - 1);
        if (starts) out->groups[out->n++] = (group){.chunks = chunks + i, .usable = true};
        add_chunk(&out->groups[out->n - 1], c, i, out->file.len);
    }
    for (int64_t i = 0; i < out->n; i++) {
        group *g = &out->groups[i];
        bool possible = g->rows > 0 && g->rows <= MOST_ROWS;
        g->first = first;
        g->shape = tarn_table_checksum(&g->rows, sizeof g->rows, g->shape);
        g->usable = g->usable && possible;
        first += possible ? g->rows : 0;
    }
done:
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    return rc;
}

/* As the engine reads them; what a file says beside its schema can make other types of the same bytes. */
static bool same_columns(const tarn_rowside *a, const tarn_rowside *b)
{
    if (a->n_columns != b->n_columns) return false;
    for (int i = 0; i < a->n_columns; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 || strcmp(a->columns[i].type, b->columns[i].type) != 0)
            return false;
    return true;
}

/* Do both files describe their columns in the same way, to the last detail? */
static tarn_code same_schema(tarn_db *db, const char *a, const char *b, bool *same, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t differ = 1;

    tarn_text_add(&sql, "WITH a AS (SELECT row_number() OVER () AS i, * EXCLUDE (file_name) FROM parquet_schema(");
    tarn_sql_path(&sql, a);
    tarn_text_add(&sql, ")), b AS (SELECT row_number() OVER () AS i, * EXCLUDE (file_name) FROM parquet_schema(");
    tarn_sql_path(&sql, b);
    tarn_text_add(&sql,
                  ")) SELECT (SELECT count(*) FROM (FROM a EXCEPT FROM b)) + (SELECT count(*) FROM (FROM b EXCEPT "
                  "FROM a))");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db, sql.data, &differ, err));
    *same = differ == 0;
done:
    tarn_text_clear(&sql);
    return rc;
}

/* ---- pairing ---- */

static bool same_bytes(const grouped *a, const group *x, const grouped *b, const group *y)
{
    if (!x->usable || !y->usable || x->n_chunks != y->n_chunks || x->shape != y->shape) return false;
    for (int i = 0; i < x->n_chunks; i++)
        if (x->chunks[i].len != y->chunks[i].len ||
            memcmp((const char *)a->file.bytes + x->chunks[i].at, (const char *)b->file.bytes + y->chunks[i].at,
                   (size_t)x->chunks[i].len) != 0)
            return false;
    return true;
}

static void join(group *x, group *y)
{
    x->pair = y;
    y->pair = x;
}

static int by_shape(const void *x, const void *y)
{
    const group *a = *(group *const *)x, *b = *(group *const *)y;
    return a->shape != b->shape ? (a->shape < b->shape ? -1 : 1) : (a->first > b->first) - (a->first < b->first);
}

static int by_sign(const void *x, const void *y)
{
    const group *a = *(group *const *)x, *b = *(group *const *)y;
    return a->sign != b->sign ? (a->sign < b->sign ? -1 : 1) : (a->first > b->first) - (a->first < b->first);
}

/* The groups that are not paired yet, in order of their shapes. */
static tarn_code left_over(tarn_arena *arena, const grouped *f, group ***out, size_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *n = 0;
    TARN_TRY(tarn_arena_alloc(arena, out, (size_t)f->n + 1, sizeof **out, err));
    for (int64_t i = 0; i < f->n; i++)
        if (f->groups[i].usable && !f->groups[i].pair) (*out)[(*n)++] = &f->groups[i];
    qsort(*out, *n, sizeof **out, by_shape);
done:
    return rc;
}

/* Keep those of list whose shape stands in other too, and sign them. */
static size_t sign_shared(const grouped *f, group **list, size_t n, group *const *other, size_t n_other)
{
    size_t kept = 0, k = 0;

    for (size_t i = 0; i < n; i++) {
        group *g = list[i];
        while (k < n_other && other[k]->shape < g->shape) k++;
        if (k == n_other || other[k]->shape != g->shape) continue;
        g->sign = g->shape;
        for (int c = 0; c < g->n_chunks; c++)
            g->sign =
                tarn_table_checksum((const char *)f->file.bytes + g->chunks[c].at, (size_t)g->chunks[c].len, g->sign);
        list[kept++] = g;
    }
    return kept;
}

static tarn_code pair_moved(tarn_arena *arena, grouped *a, grouped *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    group **x = NULL, **y = NULL;
    size_t n_x, n_y, k = 0;

    TARN_TRY(left_over(arena, a, &x, &n_x, err));
    TARN_TRY(left_over(arena, b, &y, &n_y, err));
    size_t shared_x = sign_shared(a, x, n_x, y, n_y), all_x = shared_x;
    size_t shared_y = sign_shared(b, y, n_y, x, all_x);
    qsort(x, shared_x, sizeof *x, by_sign);
    qsort(y, shared_y, sizeof *y, by_sign);
    for (size_t i = 0; i < shared_x && k < shared_y;) {
        if (x[i]->sign < y[k]->sign) {
            i++;
        } else if (x[i]->sign > y[k]->sign) {
            k++;
        } else {
            if (same_bytes(a, x[i], b, y[k])) join(x[i], y[k]);
            i++;
            k++;
        }
    }
done:
    return rc;
}

/* ---- what is left ---- */

/* Stretches of paired groups between others, from the shortest: (rows, index of the first group). */
typedef struct gap {
    int64_t rows, first;
} gap;

static int by_rows(const void *x, const void *y)
{
    const gap *a = x, *b = y;
    return a->rows != b->rows ? (a->rows < b->rows ? -1 : 1) : (a->first > b->first) - (a->first < b->first);
}

/* Give up the pairs in the shortest gaps until at most MOST_RANGES ranges are left to read. True if any was given up.
 */
static tarn_code close_gaps(tarn_arena *arena, grouped *f, bool *any, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    gap *gaps = NULL;
    size_t n = 0;
    bool behind = false; /* a group without a pair */

    TARN_TRY(tarn_arena_alloc(arena, &gaps, (size_t)f->n + 1, sizeof *gaps, err));
    for (int64_t i = 0; i < f->n; i++) {
        bool starts = f->groups[i].pair && (i == 0 || !f->groups[i - 1].pair);
        if (!f->groups[i].pair) behind = true;
        else if (starts && behind) gaps[n++] = (gap){0, i};
        if (f->groups[i].pair && behind) gaps[n - 1].rows += f->groups[i].rows;
    }
    if (n > 0 && f->groups[f->n - 1].pair) n--; /* nothing to read is behind the last one */
    *any = n + 1 > MOST_RANGES;
    if (!*any) goto done;
    qsort(gaps, n, sizeof *gaps, by_rows);
    for (size_t k = 0; k + MOST_RANGES < n + 1; k++)
        for (int64_t i = gaps[k].first; i < f->n && f->groups[i].pair; i++)
            f->groups[i].pair = f->groups[i].pair->pair = NULL;
done:
    return rc;
}

static tarn_code take_ranges(tarn_arena *arena, const grouped *f, tarn_rowside *side, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_row_range *ranges = NULL;
    size_t n = 0;

    TARN_TRY(tarn_arena_alloc(arena, &ranges, (size_t)f->n + 1, sizeof *ranges, err));
    for (int64_t i = 0; i < f->n; i++) {
        const group *g = &f->groups[i];
        if (g->pair || g->rows <= 0) continue;
        if (g->rows > MOST_ROWS)
            return TARN_FAIL(err, TARN_CORRUPT, "%s: a row group of %lld rows", side->label, (long long)g->rows);
        if (n > 0 && ranges[n - 1].last + 1 == g->first) ranges[n - 1].last += g->rows;
        else ranges[n++] = (tarn_row_range){g->first, g->first + g->rows - 1};
    }
    side->part = true;
    side->ranges = ranges;
    side->n_ranges = n;
done:
    return rc;
}

static tarn_code pair_groups(tarn_arena *arena, grouped *x, grouped *y, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool in_x = true, in_y = true;

    for (int64_t i = 0; i < x->n && i < y->n; i++)
        if (same_bytes(x, &x->groups[i], y, &y->groups[i])) join(&x->groups[i], &y->groups[i]);
    TARN_TRY(pair_moved(arena, x, y, err));
    while (in_x || in_y) { /* a pair given up here may open a range there; each round gives up at least one */
        TARN_TRY(close_gaps(arena, x, &in_x, err));
        TARN_TRY(close_gaps(arena, y, &in_y, err));
    }
done:
    return rc;
}

tarn_code tarn_rowside_skip_same(tarn_db *db, tarn_arena *arena, tarn_rowside *a, tarn_rowside *b, int64_t *groups_a,
                                 int64_t *groups_b, int64_t *same, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    grouped x = {0}, y = {0};
    bool comparable = same_columns(a, b);

    *groups_a = *groups_b = *same = 0;
    if (a->path) TARN_TRY(read_groups(db, arena, a->path, &x, err));
    if (b->path) TARN_TRY(read_groups(db, arena, b->path, &y, err));
    *groups_a = x.n;
    *groups_b = y.n;
    if (!a->path || !b->path) goto done;
    if (comparable) TARN_TRY(same_schema(db, a->path, b->path, &comparable, err));
    if (!comparable) goto done;
    TARN_TRY(pair_groups(arena, &x, &y, err));
    for (int64_t i = 0; i < x.n; i++) *same += x.groups[i].pair != NULL;
    if (*same == 0) goto done;
    TARN_TRY(take_ranges(arena, &x, a, err));
    TARN_TRY(take_ranges(arena, &y, b, err));
done:
    tarn_map_close(&x.file);
    tarn_map_close(&y.file);
    return rc;
}
