/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h - which vector instructions a kernel may use beyond the AVX2 and FMA that every build assumes.
 *
 * A kernel with an AVX-512 form has an AVX2 form that gives the same bits (the same lanes, added in the same order),
 * and asks once per call. A build with -DTARN_ISA=avx2 never takes the AVX-512 forms: tools/check.sh learns one model
 * of each kind with both builds and compares the bytes. */
#ifndef TARN_BASE_CPU_H
#define TARN_BASE_CPU_H

#include <stdbool.h>

/* What such a function is marked with: TARN_AVX512 static void kernel(...). */
#define TARN_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

/* The same with products of bytes, added up as whole numbers. */
#define TARN_VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

static inline bool tarn_cpu_avx512(void)
{
#ifdef TARN_AVX2_ONLY
    return false;
#else
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
}

static inline bool tarn_cpu_vnni(void) { return tarn_cpu_avx512() && __builtin_cpu_supports("avx512vnni"); }

#endif
