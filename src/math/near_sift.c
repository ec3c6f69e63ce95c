/* SPDX-License-Identifier: Apache-2.0 */
/* near_sift.c - the nearest of many rows, sifted by their briefs before any is measured. See near.h, brief.h.
 *
 * Symbols: x a stored row, q one asked about, b their briefs' distance, e the sum of both errors, U the k-th smallest
 * upper bound (b + e)^2 so far. A row may be among the k nearest only if b <= sqrt(U) + e; with R = sqrt(U) + e_q,
 *
 *     |x|^2 - e_x^2 - 2 s_x s_q P - 2 R e_x <= R^2 - |q|^2
 *
 * where s are the steps, P the product of the codes, |x| and |q| the lengths of step * code. The left side is a chain
 * of three multiply-adds in float for 8 asked rows at a time; every operation is off by no more than 2^-24 of
 * 2 (|x|^2 + |q|^2 + R^2 + e_x^2), for which SLACK of each is given away. What passes is looked at in double, and kept
 * in a list with its lower bound; at the end what is in the list and not beyond U is measured.
 *
 * A row asked about whose list overflows, or that has no brief, is left to tarn_near_scan.
 *
 * Method: stored rows in blocks that stay in the cache while all asked rows go over them, 48 at a time. */
#include "math/near_sift.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { TILE = TARN_NEAR_TILE, STEP = TARN_BRIEF_STEP, BLOCK_BYTES = 1 << 17, GROUP = 16 };
#define SLACK 0x1p-19

typedef struct suspect {
    float lower; /* bound of its distance */
    uint32_t row;
} suspect;

/* One row asked about. */
typedef struct sought {
    tarn_brief_note note;
    tarn_best high; /* the k smallest upper bounds */
    suspect *list;  /* (room) */
    size_t n;
    bool hard; /* left to tarn_near_scan */
} sought;

/* Up to TILE of them. */
typedef struct tile {
    float slope[TILE], reach[TILE], limit[TILE]; /* - 2 s_q, - 2 R, the right side */
    uint8_t *code;                               /* as tarn_near_dots wants it */
    size_t first, count;
    int groups;
    bool idle; /* all are hard */
} tile;

typedef struct sift {
    const tarn_near *s;
    size_t count, tiles, room, stride;
    bool cosine;
    double *own, *spare; /* (count, d) the rows asked about; (d) */
    int8_t *code;        /* (stride) */
    sought *sought;      /* (count) */
    tile *tile;          /* (tiles) */
} sift;

static size_t tiles_of(size_t count) { return (count + TILE - 1) / TILE; }

static size_t wide(size_t count) { return (count + GROUP - 1) / GROUP * GROUP; }

/* Take bytes from scratch. At NULL they are only counted. */
static size_t take(char *base, size_t at, size_t bytes, void *out)
{
    void *here = base ? base + at : NULL;

    memcpy(out, &here, sizeof here);
    return at + (bytes + 7) / 8 * 8;
}

/* Part scratch; base NULL: only say how much it is. */
static size_t lay_out(sift *f, size_t k, char *base)
{
    size_t at = 0, d = f->s->d;

    f->room = 8 * k + 512;
    f->tiles = tiles_of(f->count);
    f->stride = tarn_brief_stride(d);
    at = take(base, at, f->count * d * sizeof *f->own, &f->own);
    at = take(base, at, d * sizeof *f->spare, &f->spare);
    at = take(base, at, f->stride, &f->code);
    at = take(base, at, f->count * sizeof *f->sought, &f->sought);
    at = take(base, at, f->tiles * sizeof *f->tile, &f->tile);
    for (size_t i = 0; i < f->count; i++) {
        sought none = {0}, *a = base ? &f->sought[i] : &none;
        *a = (sought){.high = {.k = k}};
        at = take(base, at, k * sizeof *a->high.hit, &a->high.hit);
        at = take(base, at, f->room * sizeof *a->list, &a->list);
    }
    for (size_t t = 0; t < f->tiles; t++) {
        tile none, *own = base ? &f->tile[t] : &none;
        *own = (tile){.first = t * TILE};
        own->count = f->count - own->first < TILE ? f->count - own->first : TILE;
        own->groups = (int)(wide(own->count) / GROUP);
        at = take(base, at, wide(own->count) * f->stride, &own->code);
    }
    return at;
}

size_t tarn_near_sift_bytes(size_t d, size_t k, size_t count)
{
    const tarn_near s = {.d = d};
    sift f = {.s = &s, .count = count};

    return lay_out(&f, k, NULL);
}

static void set_limit(const sift *f, tile *t, size_t i)
{
    const sought *a = &f->sought[t->first + i];
    double most = tarn_best_limit(&a->high), reach = sqrt(most) * (1 + 1e-9) + (double)a->note.error;
    double right = reach * reach * (1 + SLACK) - (double)a->note.square * (1 - SLACK);

    t->reach[i] = isfinite(most) ? (float)(-2 * reach) : 0;
    t->limit[i] = isfinite(most) ? (float)(right + fabs(right) * 0x1p-22 + 1e-36) : INFINITY;
}

/* Give up on row i of a tile. */
static void leave(const sift *f, tile *t, size_t i)
{
    f->sought[t->first + i].hard = true;
    t->limit[i] = -INFINITY;
    t->idle = true;
    for (size_t k = 0; k < t->count; k++) t->idle = t->idle && f->sought[t->first + k].hard;
}

/* Row i of a tile, and its brief. */
static void begin_row(const sift *f, const tarn_asked *q, tile *t, size_t i)
{
    size_t at = t->first + i, d = f->s->d, width = (size_t)t->groups * GROUP;
    double *own = f->own + at * d;
    sought *a = &f->sought[at];

    tarn_near_fetch(q, at, d, own);
    memcpy(f->spare, own, d * sizeof *own);
    if ((f->cosine && !(tarn_brief_scale(true, d, own) > 0)) ||
        !tarn_brief_make(f->cosine, d, f->s->brief.centre, f->spare, f->code, &a->note)) {
        leave(f, t, i);
        return;
    }
    t->slope[i] = -2 * a->note.step;
    set_limit(f, t, i);
    for (size_t j = 0; j < f->stride; j++) t->code[(j / 4 * width + i) * 4 + j % 4] = (uint8_t)(f->code[j] + 128);
}

static void begin(const sift *f, const tarn_asked *q)
{
    for (size_t n = 0; n < f->tiles; n++) {
        tile *t = &f->tile[n];
        memset(t->code, 0, (size_t)t->groups * GROUP * f->stride);
        for (size_t i = 0; i < TILE; i++) {
            t->slope[i] = t->reach[i] = 0;
            t->limit[i] = -INFINITY;
        }
        for (size_t i = 0; i < t->count; i++) begin_row(f, q, t, i);
    }
}

/* Keep of a full list what is still of interest; false: most of it is. */
static bool squeeze(const sift *f, sought *a)
{
    double limit = tarn_best_limit(&a->high);
    size_t kept = 0;

    for (size_t i = 0; i < a->n; i++)
        if ((double)a->list[i].lower <= limit) a->list[kept++] = a->list[i];
    a->n = kept;
    return kept < f->room - f->room / 4;
}

/* Stored row `row`, whose product with row i of a tile is given, may be near. */
static void suspect_row(const sift *f, tile *t, size_t i, size_t row, int32_t product)
{
    sought *a = &f->sought[t->first + i];
    const tarn_brief_note *x = &f->s->brief.note[row];
    double both = (double)x->square + (double)a->note.square, slack = both * 0x1p-22;
    double square = both - 2 * ((double)x->step * (double)a->note.step * product);
    double error = (double)x->error + (double)a->note.error;
    double low = sqrt(square > slack ? square - slack : 0) - error,
           high = sqrt((square > 0 ? square : 0) + slack) + error;
    double lower = low > 0 ? low * low * (1 - 1e-6) : 0, upper = high * high * (1 + 1e-9) + (f->cosine ? 1e-11 : 0);

    if (a->hard || lower > tarn_best_limit(&a->high)) return;
    if (upper < tarn_best_limit(&a->high)) {
        tarn_best_add(&a->high, upper, (uint32_t)row);
        set_limit(f, t, i);
    }
    if (a->n == f->room && !squeeze(f, a)) {
        leave(f, t, i);
        return;
    }
    a->list[a->n++] = (suspect){.lower = (float)lower, .row = (uint32_t)row};
}

/* Which of 8 asked rows, from i on, may have a stored row among their nearest. */
static int may_be_near(const tile *t, size_t i, const int32_t *product, float left, float step, float error)
{
    __m256 p =
        _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_loadu_si256((const void *)product)), _mm256_loadu_ps(t->slope + i));
    __m256 sum = _mm256_fmadd_ps(p, _mm256_set1_ps(step), _mm256_set1_ps(left));

    sum = _mm256_fmadd_ps(_mm256_loadu_ps(t->reach + i), _mm256_set1_ps(error), sum);
    return _mm256_movemask_ps(_mm256_cmp_ps(sum, _mm256_loadu_ps(t->limit + i), _CMP_NGT_UQ));
}

/* The rows of one step, from `first` on, whose products are in sum. */
static void look(const sift *f, tile *t, size_t first, const int32_t *sum)
{
    for (size_t row = first; row < first + STEP && row < f->s->rows; row++, sum += TILE) {
        const tarn_brief_note *x = &f->s->brief.note[row];
        float left = x->square * (1 - (float)SLACK) - x->error * x->error * (1 + (float)SLACK);
        for (size_t i = 0; i < t->count; i += 8)
            for (int mask = may_be_near(t, i, sum + i, left, x->step, x->error); mask; mask &= mask - 1) {
                size_t at = i + (size_t)__builtin_ctz((unsigned)mask);
                if (at < t->count) suspect_row(f, t, at, row, sum[at]);
            }
    }
}

/* A block of stored rows against a tile; `ahead` bytes on, what comes next is fetched meanwhile. */
static void sift_block(const sift *f, tile *t, size_t first, size_t rows, size_t ahead)
{
    int32_t sum[STEP * TILE];

    for (size_t row = first; row < first + rows && !t->idle; row += STEP) {
        const int8_t *code = f->s->brief.code + row * f->stride;
        for (size_t at = 0; ahead > 0 && at < STEP * f->stride; at += 64)
            _mm_prefetch((const char *)code + ahead + at, _MM_HINT_T1);
        for (size_t r = 0; r < STEP; r++) {
            __m256i shift = _mm256_set1_epi32(row + r < f->s->rows ? f->s->brief.note[row + r].shift : 0);
            for (size_t i = 0; i < TILE; i += 8) _mm256_storeu_si256((void *)(sum + r * TILE + i), shift);
        }
        tarn_near_dots(f->stride, t->groups, t->code, code, sum);
        look(f, t, row, sum);
    }
}

/* Measure what is left in the lists. */
static void measure(const sift *f, tarn_best *best)
{
    for (size_t i = 0; i < f->count; i++) {
        const sought *a = &f->sought[i];
        const tarn_asked q = {.values = f->own + i * f->s->d, .stride = 1};
        double limit = tarn_best_limit(&a->high);
        for (size_t n = 0; n < a->n && !a->hard; n++) {
            if (!((double)a->list[n].lower <= limit)) continue;
            double distance = tarn_near_distance(f->s, &q, 0, a->list[n].row, tarn_best_limit(&best[i]));
            tarn_best_add(&best[i], distance, a->list[n].row);
        }
    }
}

/* Runs of rows that could not be sifted. */
static void scan_hard(const sift *f, const tarn_asked *q, tarn_best *best)
{
    for (size_t i = 0; i < f->count; i++) {
        tarn_asked some = *q;
        size_t n = 0;
        while (i + n < f->count && f->sought[i + n].hard) n++;
        some.values += i;
        if (n > 0) tarn_near_scan(f->s, &some, n, best + i);
        i += n;
    }
}

void tarn_near_sift(const tarn_near *s, const tarn_asked *q, size_t count, tarn_best *best, void *scratch)
{
    sift f = {.s = s, .count = count, .cosine = s->metric == TARN_METRIC_COSINE};
    size_t places = tarn_brief_places(s->rows);

    (void)lay_out(&f, best[0].k, scratch);
    size_t block = BLOCK_BYTES / f.stride / STEP * STEP + STEP;
    begin(&f, q);
    for (size_t first = 0; first < places; first += block) {
        size_t rows = places - first < block ? places - first : block;
        size_t ahead = places - first >= 2 * block ? block * f.stride : 0;
        for (size_t n = 0; n < f.tiles; n++) sift_block(&f, &f.tile[n], first, rows, n == 0 ? ahead : 0);
    }
    measure(&f, best);
    scan_hard(&f, q, best);
}
