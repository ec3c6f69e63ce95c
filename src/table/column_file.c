/* SPDX-License-Identifier: Apache-2.0 */
/* column_file.c - the file form of columns: writing it, and mapping one that may be hostile.
 *
 *   0  header, 64 bytes        magic, version, columns, rows, length of the file, checksum
 *  64  one head a column, 32 bytes each        type, words, nulls, length of the name, bytes of the words
 *      names, each NUL-terminated
 *      for each column, each part on a 64-byte border:
 *          bitmap of values that are there (only if there are nulls), values,
 *          TEXT: words + 1 offsets, bytes of the words
 *
 * No position is stored: all follow from the heads, so there is none that could point wrongly. The
 * checksum (XXH3, chained piece by piece, the header with a zero checksum) finds damage; a
 * file that carries a good one is still checked value by value before anything is read through it.
 * Numbers are little-endian. */
#include "table/column.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/checksum.h"
#include "table/column_make.h"
#include "table/words.h"

#include <assert.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file form is little-endian");

enum { VERSION = 1, BORDER = 64, MOST_COLUMNS = 1 << 20, MOST_NAME = 1 << 16 };
#define MOST_ROWS ((int64_t)1 << 40)
static const char magic[8] = {'T', 'A', 'R', 'N', 'C', 'O', 'L', 'S'};

typedef struct header {
    char magic[8];
    uint32_t version, columns;
    int64_t rows;
    uint64_t length, checksum, zero[3];
} header;

typedef struct head {
    uint32_t type;
    int32_t words;
    int64_t nulls;
    uint64_t name_len, bytes_len;
} head;

_Static_assert(sizeof(header) == 64 && sizeof(head) == 32, "no padding inside the file form");

/* Where the parts of one column lie; 0: it has none. */
typedef struct places {
    uint64_t name, valid, values, offsets, bytes, end;
} places;

static uint64_t border(uint64_t at) { return (at + BORDER - 1) & ~(uint64_t)(BORDER - 1); }

/* Heads have been checked to be small enough that nothing here overflows. */
static uint64_t lay_out(const head *h, uint64_t name, uint64_t from, int64_t rows, places *p)
{
    uint64_t at = border(from);

    *p = (places){.name = name};
    if (h->nulls > 0) {
        p->valid = at;
        at = border(at + ((uint64_t)rows + 7) / 8);
    }
    p->values = at;
    at = border(at + (uint64_t)rows * tarn_type_width((tarn_type)h->type));
    if (h->type == TARN_TEXT) {
        p->offsets = at;
        at = border(at + ((uint64_t)h->words + 1) * sizeof(int32_t));
        p->bytes = at;
        at = border(at + h->bytes_len);
    }
    p->end = at;
    return at;
}

/* ---- writing ---- */

typedef struct writer {
    tarn_file *file;    /* NULL: only the checksum is wanted */
    const char *mapped; /* the file as it is, when checking: what lies between the parts counts too */
    uint64_t at, checksum;
} writer;

static tarn_code put(writer *w, const void *bytes, uint64_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (len == 0) return TARN_OK;
    if (w->file) rc = tarn_file_write(w->file, bytes, len, err);
    else w->checksum = tarn_table_checksum(bytes, len, w->checksum);
    w->at += len;
    return rc;
}

static tarn_code put_border(writer *w, tarn_err *err)
{
    static const char zeros[BORDER];
    return put(w, w->mapped ? w->mapped + w->at : zeros, border(w->at) - w->at, err);
}

static tarn_code put_part(writer *w, const void *bytes, uint64_t len, tarn_err *err)
{
    tarn_code rc = put_border(w, err);
    return rc == TARN_OK ? put(w, bytes, len, err) : rc;
}

static head head_of(const tarn_column *c)
{
    return (head){.type = (uint32_t)c->type,
                  .words = c->words,
                  .nulls = c->nulls,
                  .name_len = strlen(c->name),
                  .bytes_len = c->type == TARN_TEXT ? (uint64_t)c->offsets[c->words] : 0};
}

static tarn_code put_all(writer *w, const tarn_columns *c, const header *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(put(w, h, sizeof *h, err));
    for (int i = 0; i < c->count; i++) {
        head one = head_of(&c->at[i]);
        TARN_TRY(put(w, &one, sizeof one, err));
    }
    for (int i = 0; i < c->count; i++) TARN_TRY(put(w, c->at[i].name, strlen(c->at[i].name) + 1, err));
    for (int i = 0; i < c->count; i++) {
        const tarn_column *a = &c->at[i];
        uint64_t rows = (uint64_t)c->rows;
        if (a->valid) TARN_TRY(put_part(w, a->valid, (rows + 7) / 8, err));
        TARN_TRY(put_part(w, a->values, rows * tarn_type_width(a->type), err));
        if (a->type != TARN_TEXT) continue;
        TARN_TRY(put_part(w, a->offsets, ((uint64_t)a->words + 1) * sizeof(int32_t), err));
        TARN_TRY(put_part(w, a->bytes, (uint64_t)a->offsets[a->words], err));
    }
    TARN_TRY(put_border(w, err));
done:
    return rc;
}

tarn_code tarn_columns_save(const tarn_columns *c, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    header h = {.version = VERSION, .columns = (uint32_t)c->count, .rows = c->rows};
    writer dry = {0}, wet = {0};
    uint64_t at = sizeof(header) + (uint64_t)c->count * sizeof(head);
    places p;

    memcpy(h.magic, magic, sizeof magic);
    for (int i = 0; i < c->count; i++) at += strlen(c->at[i].name) + 1;
    at = border(at);
    for (int i = 0; i < c->count; i++) {
        head one = head_of(&c->at[i]);
        at = lay_out(&one, 0, at, c->rows, &p);
    }
    h.length = at;
    TARN_TRY(put_all(&dry, c, &h, err));
    assert(dry.at == h.length);
    h.checksum = dry.checksum;
    TARN_TRY(tarn_file_create(path, &wet.file, err));
    TARN_TRY(put_all(&wet, c, &h, err));
    TARN_TRY(tarn_file_commit(wet.file, err));
done:
    tarn_file_close(wet.file);
    return rc;
}

/* ---- mapping ---- */

#define DAMAGED(...) TARN_FAIL(err, TARN_CORRUPT, __VA_ARGS__)

/* The checksum as put_all makes it: piece by piece, in the same pieces. */
static uint64_t checksum_of(const tarn_columns *c, const header *h, const tarn_mapped *m)
{
    header clean = *h;
    writer dry = {.mapped = m->bytes};

    clean.checksum = 0;
    tarn_code rc = put_all(&dry, c, &clean, NULL);
    assert(rc == TARN_OK); /* nothing is written, nothing is allocated */
    (void)rc;
    return dry.checksum;
}

static tarn_code check_header(const tarn_mapped *m, header *h, tarn_err *err)
{
    if (m->len < sizeof *h) return DAMAGED("too short for a header: %zu bytes", m->len);
    memcpy(h, m->bytes, sizeof *h);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return DAMAGED("not a file of columns: it does not start with TARNCOLS");
    if (h->version != VERSION)
        return DAMAGED("version %u of the file form, this program reads %d", h->version, VERSION);
    if (h->length != m->len)
        return DAMAGED("the header says %llu bytes, the file has %zu", (unsigned long long)h->length, m->len);
    if (h->columns > MOST_COLUMNS || h->rows < 0 || h->rows > MOST_ROWS)
        return DAMAGED("%u columns of %lld rows are not possible", h->columns, (long long)h->rows);
    if (h->zero[0] | h->zero[1] | h->zero[2]) return DAMAGED("the header's spare bytes are not zero");
    if ((uint64_t)h->columns * sizeof(head) > m->len - sizeof *h)
        return DAMAGED("too short for the heads of %u columns", h->columns);
    return TARN_OK;
}

static tarn_code check_head(const head *h, uint32_t i, const header *of, tarn_err *err)
{
    if (h->type > TARN_TIME) return DAMAGED("column %u has the unknown type %u", i, h->type);
    if (h->nulls < 0 || h->nulls > of->rows)
        return DAMAGED("column %u: %lld nulls in %lld rows", i, (long long)h->nulls, (long long)of->rows);
    if (h->name_len == 0 || h->name_len > MOST_NAME || h->name_len >= of->length)
        return DAMAGED("column %u: a name of %llu bytes", i, (unsigned long long)h->name_len);
    if (h->type != TARN_TEXT && (h->words != 0 || h->bytes_len != 0))
        return DAMAGED("column %u has words but is not text", i);
    if (h->words < 0 || h->bytes_len > INT32_MAX) return DAMAGED("column %u has an impossible dictionary", i);
    return TARN_OK;
}

static tarn_code check_name(const char *name, uint64_t len, uint32_t i, tarn_words *seen, tarn_err *err)
{
    int32_t code;
    size_t bad;

    if (strnlen(name, len + 1) != len) return DAMAGED("the name of column %u is not as long as it says", i);
    if (!tarn_utf8_valid(name, len, &bad)) return DAMAGED("the name of column %u is not UTF-8", i);
    tarn_code rc = tarn_words_put(seen, name, len, &code, err);
    if (rc == TARN_OK && (uint32_t)code != i) rc = DAMAGED("column '%s' is there twice", name);
    return rc;
}

/* Where the parts of column i lie. `name` and `at` move on. */
static tarn_code place_column(tarn_column *c, uint32_t i, const header *h, const char *base, uint64_t *name,
                              uint64_t *at, tarn_err *err)
{
    head one;
    places p;

    memcpy(&one, base + sizeof(header) + i * sizeof(head), sizeof one);
    *at = lay_out(&one, *name, *at, h->rows, &p);
    if (*at > h->length) return DAMAGED("column %u does not fit into the file", i);
    *c = (tarn_column){.name = base + p.name,
                       .type = (tarn_type)one.type,
                       .rows = h->rows,
                       .nulls = one.nulls,
                       .words = one.words,
                       .values = base + p.values};
    if (p.valid) c->valid = (const uint8_t *)base + p.valid;
    if (one.type == TARN_TEXT) {
        c->offsets = (const int32_t *)(const void *)(base + p.offsets);
        c->bytes = base + p.bytes;
        if ((int64_t)c->offsets[one.words] != (int64_t)one.bytes_len)
            return DAMAGED("column %u: its dictionary does not end where it should", i);
    }
    *name += one.name_len + 1;
    return TARN_OK;
}

static tarn_code place_columns(tarn_columns *c, const tarn_mapped *m, const header *h, tarn_err *err)
{
    const char *base = m->bytes;
    uint64_t name = sizeof(header) + (uint64_t)h->columns * sizeof(head), at = name, first_name = name;
    tarn_code rc = TARN_OK;
    tarn_words seen = {0};
    head one;

    for (uint32_t i = 0; i < h->columns; i++) {
        memcpy(&one, base + sizeof(header) + i * sizeof(head), sizeof one);
        TARN_TRY(check_head(&one, i, h, err));
        at += one.name_len + 1;
    }
    if (at > m->len) TARN_TRY(DAMAGED("too short for the names of its columns"));
    for (uint32_t i = 0; i < h->columns; i++) {
        memcpy(&one, base + sizeof(header) + i * sizeof(head), sizeof one);
        TARN_TRY(check_name(base + first_name, one.name_len, i, &seen, err));
        first_name += one.name_len + 1;
    }
    for (uint32_t i = 0; i < h->columns; i++) TARN_TRY(place_column(&c->at[i], i, h, base, &name, &at, err));
    if (border(at) != m->len)
        TARN_TRY(DAMAGED("the last column ends at byte %llu of %zu", (unsigned long long)at, m->len));
done:
    tarn_words_clear(&seen);
    return rc;
}

static tarn_code check_nulls(const tarn_column *c, tarn_err *err)
{
    int64_t there = 0;

    if (!c->valid) return TARN_OK;
    for (int64_t i = 0; i < (c->rows + 7) / 8; i++) there += __builtin_popcount(c->valid[i]);
    if (c->rows % 8 && c->valid[c->rows / 8] >> c->rows % 8)
        return DAMAGED("column '%s': marks behind its last row", c->name);
    if (c->rows - there != c->nulls)
        return DAMAGED("column '%s': %lld nulls, the head says %lld", c->name, (long long)(c->rows - there),
                       (long long)c->nulls);
    return TARN_OK;
}

static tarn_code check_dictionary(const tarn_column *c, tarn_err *err)
{
    size_t bad;

    if (c->offsets[0] != 0) return DAMAGED("column '%s': its dictionary does not start at 0", c->name);
    for (int32_t w = 0; w < c->words; w++) /* first all: each later check reads through two of them */
        if (c->offsets[w + 1] < c->offsets[w] || c->offsets[w + 1] > c->offsets[c->words])
            return DAMAGED("column '%s': word %d ends before it starts", c->name, w);
    for (int32_t w = 0; w < c->words; w++) {
        int32_t len, before_len = 0;
        const char *word = tarn_column_word(c, w, &len);
        if (!tarn_utf8_valid(word, (size_t)len, &bad)) return DAMAGED("column '%s': word %d is not UTF-8", c->name, w);
        if (w == 0) continue;
        const char *before = tarn_column_word(c, w - 1, &before_len);
        int32_t shared = len < before_len ? len : before_len;
        int order = shared > 0 ? memcmp(before, word, (size_t)shared) : 0;
        if (order > 0 || (order == 0 && before_len >= len))
            return DAMAGED("column '%s': words %d and %d are not in order", c->name, w - 1, w);
    }
    return TARN_OK;
}

static tarn_code check_codes(const tarn_column *c, tarn_err *err)
{
    const int32_t *codes = c->values;

    for (int64_t i = 0; i < c->rows; i++) {
        bool has = tarn_column_has(c, i);
        if (has ? codes[i] < 0 || codes[i] >= c->words : codes[i] != 0)
            return DAMAGED("column '%s', row %lld: no word %d among %d", c->name, (long long)i, codes[i], c->words);
    }
    return TARN_OK;
}

static tarn_code check_bools(const tarn_column *c, tarn_err *err)
{
    const uint8_t *x = c->values;

    for (int64_t i = 0; i < c->rows; i++)
        if (x[i] > 1) return DAMAGED("column '%s', row %lld: %u is not a bool", c->name, (long long)i, x[i]);
    return TARN_OK;
}

static tarn_code check_column(const tarn_column *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(check_nulls(c, err));
    if (c->type == TARN_BOOL) TARN_TRY(check_bools(c, err));
    if (c->type != TARN_TEXT) return TARN_OK;
    TARN_TRY(check_dictionary(c, err));
    TARN_TRY(check_codes(c, err));
done:
    return rc;
}

tarn_code tarn_columns_map(const char *path, tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns *c = NULL;
    tarn_mapped map = {0};
    header h;

    *out = NULL;
    TARN_TRY(tarn_map_open(path, &map, err));
    TARN_TRY(check_header(&map, &h, err));
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_alloc(&c->at, h.columns, sizeof *c->at, err));
    TARN_TRY(place_columns(c, &map, &h, err));
    c->users = 1;
    c->rows = h.rows;
    c->count = (int)h.columns;
    if (checksum_of(c, &h, &map) != h.checksum) {
        rc = DAMAGED("the checksum does not fit the bytes");
        goto done;
    }
    for (int i = 0; i < c->count; i++) TARN_TRY(check_column(&c->at[i], err));
    c->map = map;
    map = (tarn_mapped){0};
    *out = c;
    c = NULL;
done:
    if (rc != TARN_OK) tarn_err_note(err, "columns '%s'", path);
    if (c) tarn_free(c->at);
    tarn_free(c);
    tarn_map_close(&map);
    return rc;
}

void tarn_columns_seal(void *bytes, size_t len)
{
    tarn_mapped map = {bytes, len};
    tarn_columns c = {0};
    header h;

    if (len < sizeof h) return;
    memcpy(&h, bytes, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.version = VERSION;
    h.length = len;
    memcpy(bytes, &h, sizeof h);
    if (check_header(&map, &h, NULL) != TARN_OK || tarn_alloc(&c.at, h.columns, sizeof *c.at, NULL) != TARN_OK) return;
    if (place_columns(&c, &map, &h, NULL) == TARN_OK) {
        c.rows = h.rows;
        c.count = (int)h.columns;
        h.checksum = checksum_of(&c, &h, &map);
        memcpy(bytes, &h, sizeof h);
    }
    tarn_free(c.at);
}
