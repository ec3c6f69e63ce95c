/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - random numbers that come from a counter, never from a thread.
 *
 * A number is a function of (seed, stream, index): which row, which tree and node, which epoch. So
 * the order in which threads ask makes no difference. Streams are numbered in this file, so that no
 * two purposes share one.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 * (Philox4x32-10).
 */
#ifndef TARN_BASE_RANDOM_H
#define TARN_BASE_RANDOM_H

#include <stdint.h>

/* What a stream is for. Add at the end; a changed number changes models. */
typedef enum tarn_stream {
    TARN_STREAM_SPLIT = 1,
    TARN_STREAM_SAMPLE,
    TARN_STREAM_BINS,
    TARN_STREAM_BAGGING,
    TARN_STREAM_FEATURES,
    TARN_STREAM_BOOTSTRAP,
    TARN_STREAM_TEST,
    TARN_STREAM_SHUFFLE,
    TARN_STREAM_FOLDS = 30
} tarn_stream;

typedef struct tarn_random4 {
    uint32_t v[4];
} tarn_random4;

/* Four 32-bit numbers for the key (seed) and the counter (stream, item, index). */
static inline tarn_random4 tarn_philox(uint64_t seed, uint32_t stream, uint64_t item, uint32_t index)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = index, c1 = (uint32_t)item, c2 = (uint32_t)(item >> 32), c3 = stream;

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    tarn_random4 out = {{c0, c1, c2, c3}};
    return out;
}

static inline uint64_t tarn_random_u64(uint64_t seed, uint32_t stream, uint64_t item, uint32_t index)
{
    tarn_random4 r = tarn_philox(seed, stream, item, index);
    return (uint64_t)r.v[0] << 32 | r.v[1];
}

/* Uniform in [0, 1), 53 bits. */
static inline double tarn_random_unit(uint64_t seed, uint32_t stream, uint64_t item, uint32_t index)
{
    return (double)(tarn_random_u64(seed, stream, item, index) >> 11) * 0x1p-53;
}

/* Uniform in 0 .. n-1 (n > 0), by multiplication; the bias is below n / 2^64. */
static inline uint64_t tarn_random_below(uint64_t n, uint64_t seed, uint32_t stream, uint64_t item, uint32_t index)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)tarn_random_u64(seed, stream, item, index) * n) >> 64);
}

#endif
