/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows.c - marking, listing and parting rows. See tree_rows.h.
 *
 * Which bins go left is a set of 256 bits; whether a bin is in it is looked up 32 rows at a time, in the two halves of
 * the set that vectors can hold. Rows are pushed together by AVX-512 where there is one. */
#include "train/tree_rows.h"

#include "base/cpu.h"
#include "base/mem.h"

#include <immintrin.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum {
    STRIPS_MOST = 32,
    STRIP_ROWS_LEAST = 8192,
    WIDTH = 64, /* strips begin at a multiple of it, and so much may be read behind the last row */
    FAR = 64,   /* rows ahead, what is scattered is fetched from memory */
    NO_MARK = 255
};

static int32_t strips_for(int64_t rows)
{
    int32_t strips = 1;

    while (strips < STRIPS_MOST && rows / (2 * strips) >= STRIP_ROWS_LEAST) strips *= 2;
    return strips;
}

int64_t tarn_tree_rows_strip(const tarn_tree_rows *r, int64_t strip, int64_t *end)
{
    int64_t each = (r->rows / r->strips + WIDTH - 1) / WIDTH * WIDTH;

    *end = strip + 1 < r->strips ? each * (strip + 1) : r->rows;
    return each * strip;
}

tarn_code tarn_tree_rows_init(tarn_tree_rows *r, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)rows + WIDTH;

    *r = (tarn_tree_rows){.rows = rows, .strips = strips_for(rows)};
    if (rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "one rank has %lld rows, and may have %d; use more ranks", (long long)rows,
                         INT32_MAX);
    TARN_TRY(tarn_alloc(&r->mark, n, 1, err));
    memset(r->mark, NO_MARK, n);
    for (int i = 0; i < 2; i++) {
        TARN_TRY(tarn_alloc(&r->list[i], n, sizeof *r->list[i], err));
        TARN_TRY(tarn_alloc(&r->packed[i], n, sizeof *r->packed[i], err));
    }
done:
    if (rc != TARN_OK) tarn_tree_rows_clear(r);
    return rc;
}

void tarn_tree_rows_clear(tarn_tree_rows *r)
{
    tarn_free(r->mark);
    for (int i = 0; i < 2; i++) {
        tarn_free(r->list[i]);
        tarn_free(r->packed[i]);
    }
    *r = (tarn_tree_rows){0};
}

void tarn_tree_rows_reset(tarn_tree_rows *r, tarn_tree_piece *piece)
{
    memset(r->mark, 0, (size_t)r->rows);
    for (int32_t s = 0; s < r->strips; s++) {
        int64_t end, at = tarn_tree_rows_strip(r, s, &end);
        piece[s] = (tarn_tree_piece){(int32_t)at, (int32_t)(end - at)};
    }
}

/* ---- pushing rows together ---- */

/* Places a .. b - 1 of a list that are still free: rows go up from a, or down from b. */
typedef struct free_places {
    int32_t *row;
    int64_t *packed;
    int32_t a, b;
} free_places;

TARN_AVX512 static inline void put_up(free_places *f, __m512i rows, const int64_t *packed, __mmask16 which)
{
    __mmask8 low = (__mmask8)which, high = (__mmask8)(which >> 8);
    int n = __builtin_popcount(which), n_low = __builtin_popcount(low);
    __m512i p = _mm512_maskz_loadu_epi64(low, packed), q = _mm512_maskz_loadu_epi64(high, packed + 8);
    int64_t *to = f->packed + f->a;

    _mm512_mask_storeu_epi32(f->row + f->a, (__mmask16)((1U << n) - 1), _mm512_maskz_compress_epi32(which, rows));
    _mm512_mask_storeu_epi64(to, (__mmask8)((1U << n_low) - 1), _mm512_maskz_compress_epi64(low, p));
    _mm512_mask_storeu_epi64(to + n_low, (__mmask8)((1U << (n - n_low)) - 1), _mm512_maskz_compress_epi64(high, q));
    f->a += n;
}

TARN_AVX512 static inline void put_down(free_places *f, __m512i rows, const int64_t *packed, __mmask16 which)
{
    int n = __builtin_popcount(which);

    f->b -= n;
    free_places below = {f->row, f->packed, f->b, f->b};
    put_up(&below, rows, packed, which);
}

/* Numbers of rows first .. first + 15 only. `to` may be written 16 places far. */
TARN_AVX512 static inline int put_numbers16(int32_t *to, int32_t first, __mmask16 which)
{
    const __m512i iota = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(which, _mm512_add_epi32(iota, _mm512_set1_epi32(first))));
    return __builtin_popcount(which);
}

TARN_AVX512 static int put_numbers32(int32_t *to, int32_t first, uint32_t which)
{
    int n = put_numbers16(to, first, (__mmask16)which);

    return n + put_numbers16(to + n, first + 16, (__mmask16)(which >> 16));
}

/* Numbers of those of 32 rows that are in `which`; `to` has 32 places. */
static inline int put_numbers(bool vectors, int32_t *to, int32_t first, uint32_t which)
{
    int n = 0;

    if (vectors) return put_numbers32(to, first, which);
    for (; which; which &= which - 1) to[n++] = first + __builtin_ctz(which);
    return n;
}

/* ---- which bins go left ---- */

typedef struct bin_set {
    __m256i low, high; /* the bits of bins 0 .. 127 and of 128 .. 255, each twice */
} bin_set;

static bin_set set_of(const uint8_t left[256])
{
    uint8_t bits[32] = {0};

    for (int b = 0; b < 256; b++) bits[b >> 3] |= (uint8_t)(left[b] << (b & 7));
    __m128i low, high;
    memcpy(&low, bits, sizeof low);
    memcpy(&high, bits + 16, sizeof high);
    return (bin_set){_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high)};
}

/* 255 for each bin of the set. */
static inline __m256i in_set(const bin_set *s, __m256i bins)
{
    const __m256i powers = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    __m256i byte = _mm256_and_si256(_mm256_srli_epi16(bins, 3), _mm256_set1_epi8(15));
    __m256i from_low = _mm256_shuffle_epi8(s->low, byte), from_high = _mm256_shuffle_epi8(s->high, byte);
    __m256i bit = _mm256_shuffle_epi8(powers, _mm256_and_si256(bins, _mm256_set1_epi8(7)));

    return _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_blendv_epi8(from_low, from_high, bins), bit), bit);
}

/* ---- marked leaves ---- */

static inline __m256i load32(const uint8_t *x) { return _mm256_loadu_si256((const __m256i *)(const void *)x); }

/* Which of the 32 rows from `at` on carry the mark; what lies behind the last row carries none. */
static inline __m256i marked(const tarn_tree_rows *r, int64_t at, uint8_t mark)
{
    return _mm256_cmpeq_epi8(load32(r->mark + at), _mm256_set1_epi8((char)mark));
}

static __m256i mark_of(tarn_tree_place p)
{
    return _mm256_set1_epi8((char)(p.form == TARN_ROWS_MARKED ? p.mark : NO_MARK));
}

/* Numbers of rows on their way into a list. */
typedef struct listing {
    int32_t n, room[TARN_TREE_BATCH + 32];
} listing;

/* Empty it, upwards from f->a or downwards from f->b, and put the gradients beside the numbers. */
static void empty(listing *l, const int64_t *packed, free_places *f, bool up)
{
    int32_t at = up ? f->a : f->b - l->n;

    memcpy(f->row + at, l->room, (size_t)l->n * sizeof *f->row);
    for (int32_t k = 0; k < l->n; k++) f->packed[at + k] = packed[l->room[k]];
    if (up) f->a += l->n;
    else f->b -= l->n;
    l->n = 0;
}

static void part_marked(tarn_tree_rows *r, const tarn_tree_parting *p, int64_t strip, free_places *f)
{
    bin_set set = set_of(p->left);
    int64_t end, i = tarn_tree_rows_strip(r, strip, &end);
    __m256i left_mark = mark_of(p->child[0]), right_mark = mark_of(p->child[1]);
    bool list_left = p->child[0].form == TARN_ROWS_LISTED, list_right = p->child[1].form == TARN_ROWS_LISTED;
    bool vectors = tarn_cpu_avx512();
    listing up, down;

    for (up.n = down.n = 0; i < end; i += 32) {
        __m256i mine = marked(r, i, p->of.mark), goes = in_set(&set, load32(p->column + i));
        if (_mm256_testz_si256(mine, mine)) continue;
        __m256i lefts = _mm256_and_si256(mine, goes);
        __m256i marks = _mm256_blendv_epi8(load32(r->mark + i), _mm256_blendv_epi8(right_mark, left_mark, lefts), mine);
        _mm256_storeu_si256((__m256i *)(void *)(r->mark + i), marks);
        uint32_t left = (uint32_t)_mm256_movemask_epi8(lefts), right = (uint32_t)_mm256_movemask_epi8(mine) & ~left;
        if (list_left) up.n += put_numbers(vectors, up.room + up.n, (int32_t)i, left);
        else f->a += __builtin_popcount(left);
        if (list_right) down.n += put_numbers(vectors, down.room + down.n, (int32_t)i, right);
        else f->b -= __builtin_popcount(right);
        if (up.n > TARN_TREE_BATCH - 32) empty(&up, p->packed, f, true);
        if (down.n > TARN_TREE_BATCH - 32) empty(&down, p->packed, f, false);
    }
    if (list_left) empty(&up, p->packed, f, true);
    if (list_right) empty(&down, p->packed, f, false);
}

static bool next_marked(const tarn_tree_rows *r, tarn_tree_place place, int64_t strip, const int64_t *packed,
                        tarn_tree_batch *b)
{
    int64_t end, begin = tarn_tree_rows_strip(r, strip, &end), i = b->next < 0 ? begin : b->next;
    bool vectors = tarn_cpu_avx512();

    for (b->n = 0; i < end && b->n <= TARN_TREE_BATCH - 32; i += 32) {
        uint32_t mine = (uint32_t)_mm256_movemask_epi8(marked(r, i, place.mark));
        if (mine) b->n += put_numbers(vectors, b->room + b->n, (int32_t)i, mine);
    }
    b->next = i;
    b->row = b->room;
    b->packed = b->packed_room;
    for (int64_t k = 0; k < b->n; k++) b->packed_room[k] = packed[b->room[k]];
    return b->n > 0;
}

bool tarn_tree_rows_next(const tarn_tree_rows *r, tarn_tree_place place, int64_t strip, const tarn_tree_piece *piece,
                         const int64_t *packed, tarn_tree_batch *b)
{
    if (place.form == TARN_ROWS_MARKED) return next_marked(r, place, strip, packed, b);
    if (b->next >= 0 || piece->n == 0) return false;
    b->next = 0;
    b->n = piece->n;
    b->first = piece->at;
    b->row = place.form == TARN_ROWS_ALL ? NULL : r->list[place.buffer] + piece->at;
    b->packed = (place.form == TARN_ROWS_ALL ? packed : r->packed[place.buffer]) + piece->at;
    return true;
}

/* ---- listed leaves ---- */

static inline void fetch16(const tarn_tree_parting *p, const int32_t *row)
{
    for (int k = 0; k < 16; k++) __builtin_prefetch(p->column + (size_t)row[k] * p->stride, 0, 2);
}

/* The bins of 8 rows, side by side. */
static inline uint64_t bins8(const uint8_t *column, size_t stride, const int32_t *row)
{
    uint64_t bins = 0;

    for (int k = 0; k < 8; k++) bins |= (uint64_t)column[(size_t)row[k] * stride] << 8 * k;
    return bins;
}

TARN_AVX512 static int32_t part_sixteens(const tarn_tree_parting *p, const int32_t *row, const int64_t *packed,
                                         int32_t n, free_places *f)
{
    bin_set set = set_of(p->left);
    int32_t i = 0;

    for (; i + 16 <= n && i < FAR; i += 16) fetch16(p, row + i);
    for (i = 0; i + 16 <= n; i += 16) {
        if (i + 16 + FAR <= n) fetch16(p, row + i + FAR);
        __m256i bins = _mm256_set_epi64x(0, 0, (int64_t)bins8(p->column, p->stride, row + i + 8),
                                         (int64_t)bins8(p->column, p->stride, row + i));
        __mmask16 left = (__mmask16)_mm256_movemask_epi8(in_set(&set, bins));
        __m512i rows = _mm512_loadu_si512(row + i);
        put_up(f, rows, packed + i, left);
        put_down(f, rows, packed + i, (__mmask16)~left);
    }
    return i;
}

/* Without branches: each row is written to both ends, and only one of them moves on. */
static void part_list(const tarn_tree_parting *p, const int32_t *row, const int64_t *packed, int32_t n, free_places *f)
{
    int32_t i = tarn_cpu_avx512() ? part_sixteens(p, row, packed, n, f) : 0;

    for (; i < n; i++) {
        int32_t goes = p->left[p->column[(size_t)row[i] * p->stride]];
        f->row[f->a] = f->row[f->b - 1] = row[i];
        f->packed[f->a] = f->packed[f->b - 1] = packed[i];
        f->a += goes;
        f->b -= 1 - goes;
    }
}

void tarn_tree_rows_part(tarn_tree_rows *r, const tarn_tree_parting *p, int64_t strip, const tarn_tree_piece *of,
                         tarn_tree_piece *left, tarn_tree_piece *right)
{
    bool listed = p->of.form == TARN_ROWS_LISTED;
    int from = p->of.buffer, to = listed ? 1 - from : 0;
    free_places f = {r->list[to], r->packed[to], of->at, of->at + of->n};

    if (listed) part_list(p, r->list[from] + of->at, r->packed[from] + of->at, of->n, &f);
    else if (of->n > 0) part_marked(r, p, strip, &f);
    *left = (tarn_tree_piece){of->at, f.a - of->at};
    *right = (tarn_tree_piece){f.a, of->at + of->n - f.a};
}
