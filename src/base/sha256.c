/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.c - see sha256.h.
 *
 * A lane is a message being worked on: its state and the whole blocks that lie ready. Two lanes are advanced together
 * by as many blocks as both have; then whichever ran dry is given more.
 *
 * The instructions want the eight words of the state as ABEF and CDGH. There is no AVX form of them, and they run a
 * hundred times slower (measured: 12 instead of 1,360 MB/s) while the upper half of any register is in use, as a
 * caller's AVX code may leave it: so the halves are cleared first.
 *
 * Source: FIPS 180-4; Intel SHA Extensions, 2013. */
#include "base/sha256.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <string.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))

enum { BLOCK = 64, LANES = 2 };

static const uint32_t start_words[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const _Alignas(16) uint32_t round_words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

enum { NOT_ASKED, HERE, NOT_HERE };

/* What the processor answered. Asking takes tens of microseconds in a virtual machine, so it is asked once. The answer
 * is a fact of the machine: nothing that is computed depends on it. */
static atomic_int answer = NOT_ASKED;

bool tarn_sha256_here(void)
{
    unsigned a, b, c, d;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);

    if (known == NOT_ASKED) { /* two threads may both ask: they hear the same */
        known = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) ? HERE : NOT_HERE;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == HERE;
}

/* ---- blocks ---- */

typedef struct words {
    __m128i abef, cdgh;
} words;

WITH_SHA static inline words take(const uint32_t h[8])
{
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0xB1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(h + 4)), 0x1B);

    return (words){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xF0)};
}

WITH_SHA static inline void give(words w, uint32_t h[8])
{
    __m128i feba = _mm_shuffle_epi32(w.abef, 0x1B), dchg = _mm_shuffle_epi32(w.cdgh, 0xB1);

    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Rounds 4 r to 4 r + 3; m holds the 16 words of the message that they need, and gets the next four. */
WITH_SHA static inline void four_rounds(words *w, __m128i m[4], int r)
{
    __m128i now = m[r & 3];
    __m128i x = _mm_add_epi32(now, _mm_load_si128((const __m128i *)(round_words + 4 * (size_t)r)));

    w->cdgh = _mm_sha256rnds2_epu32(w->cdgh, w->abef, x);
    w->abef = _mm_sha256rnds2_epu32(w->abef, w->cdgh, _mm_shuffle_epi32(x, 0x0E));
    if (r >= 12) return;
    __m128i t = _mm_sha256msg1_epu32(now, m[(r + 1) & 3]);
    t = _mm_add_epi32(t, _mm_alignr_epi8(m[(r + 3) & 3], m[(r + 2) & 3], 4));
    m[r & 3] = _mm_sha256msg2_epu32(t, m[(r + 3) & 3]);
}

WITH_SHA static inline void load(const uint8_t *block, __m128i m[4])
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * (size_t)i)), swap);
}

WITH_SHA static inline words sum(words a, words b)
{
    return (words){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

WITH_SHA static void advance_one(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    _mm256_zeroupper();
    words w = take(h);

    for (; blocks > 0; blocks--, p += BLOCK) {
        words before = w;
        __m128i m[4];
        load(p, m);
#pragma GCC unroll 16
        for (int r = 0; r < 16; r++) four_rounds(&w, m, r);
        w = sum(w, before);
    }
    give(w, h);
}

WITH_SHA static void advance_two(uint32_t h[8], const uint8_t *p, uint32_t g[8], const uint8_t *q, size_t blocks)
{
    _mm256_zeroupper();
    words w = take(h), v = take(g);

    for (; blocks > 0; blocks--, p += BLOCK, q += BLOCK) {
        words w_before = w, v_before = v;
        __m128i m[4], k[4];
        load(p, m);
        load(q, k);
#pragma GCC unroll 16
        for (int r = 0; r < 16; r++) {
            four_rounds(&w, m, r);
            four_rounds(&v, k, r);
        }
        w = sum(w, w_before);
        v = sum(v, v_before);
    }
    give(w, h);
    give(v, g);
}

/* ---- one message ---- */

void tarn_sha256_init(tarn_sha256 *s)
{
    memcpy(s->h, start_words, sizeof s->h);
    s->len = 0;
}

/* Take what fills the block that was begun, and say where whole blocks begin, and how many there are; the bytes behind
 * them are kept. */
static size_t take_in(tarn_sha256 *s, const void *bytes, size_t len, const uint8_t **at)
{
    size_t have = s->len % BLOCK, first = have == 0 ? 0 : BLOCK - have < len ? BLOCK - have : len;
    const uint8_t *p = bytes;

    *at = p;
    if (len == 0) return 0; /* of nothing, bytes may be NULL */
    s->len += len;
    if (first > 0) memcpy(s->part + have, p, first);
    if (have > 0 && have + first == BLOCK) advance_one(s->h, s->part, 1);
    p += first;
    len -= first;
    *at = p;
    if (len % BLOCK > 0) memcpy(s->part, p + len - len % BLOCK, len % BLOCK);
    return len / BLOCK;
}

void tarn_sha256_add(tarn_sha256 *s, const void *bytes, size_t len)
{
    const uint8_t *at;
    size_t blocks = take_in(s, bytes, len, &at);

    if (blocks > 0) advance_one(s->h, at, blocks);
}

static void put_be64(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (56 - 8 * i));
}

void tarn_sha256_end(tarn_sha256 *s, uint8_t out[32])
{
    uint8_t tail[2 * BLOCK] = {0};
    size_t have = s->len % BLOCK, blocks = have + 9 > BLOCK ? 2 : 1;

    memcpy(tail, s->part, have);
    tail[have] = 0x80;
    put_be64(tail + blocks * BLOCK - 8, s->len * 8);
    advance_one(s->h, tail, blocks);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 4; k++) out[4 * i + k] = (uint8_t)(s->h[i] >> (24 - 8 * k));
}

/* ---- many ---- */

typedef struct lane {
    tarn_sha256 own, *s; /* s: whose blocks these are */
    const uint8_t *at;
    size_t blocks, piece; /* piece: that `own` is the digest of */
    bool open;            /* own is not finished */
} lane;

typedef struct pieces {
    const void *const *bytes;
    const size_t *len;
    size_t n;
    size_t next, next_of_whole;
    uint8_t *out;
} pieces;

/* The next blocks of all pieces one behind the other. */
static void refill_whole(pieces *p, lane *l)
{
    while (l->blocks == 0 && p->next_of_whole < p->n) {
        size_t i = p->next_of_whole++;
        l->blocks = take_in(l->s, p->bytes[i], p->len[i], &l->at);
    }
}

/* Finish the lane's piece, and begin the next that nobody has. */
static void refill(pieces *p, lane *l)
{
    while (l->blocks == 0) {
        if (l->open) tarn_sha256_end(&l->own, p->out + 32 * l->piece);
        l->open = p->next < p->n;
        if (!l->open) return;
        l->piece = p->next++;
        l->s = &l->own;
        tarn_sha256_init(&l->own);
        l->blocks = take_in(&l->own, p->bytes[l->piece], p->len[l->piece], &l->at);
    }
}

static void step(lane *l, size_t blocks)
{
    l->at += blocks * BLOCK;
    l->blocks -= blocks;
}

void tarn_sha256_each(tarn_sha256 *whole, const void *const *bytes, const size_t *len, size_t n, uint8_t *out)
{
    pieces p = {.bytes = bytes, .len = len, .n = n, .out = out};
    lane a = {.s = whole}, b = {.s = NULL};

    for (;;) {
        if (whole) refill_whole(&p, &a);
        else refill(&p, &a);
        refill(&p, &b);
        if (a.blocks == 0 && b.blocks == 0) break;
        size_t both = a.blocks < b.blocks ? a.blocks : b.blocks;
        if (both > 0) {
            advance_two(a.s->h, a.at, b.s->h, b.at, both);
            step(&a, both);
            step(&b, both);
            continue;
        }
        lane *one = a.blocks > 0 ? &a : &b; /* the other has no more */
        size_t left = one->blocks;
        advance_one(one->s->h, one->at, left);
        step(one, left);
    }
}
