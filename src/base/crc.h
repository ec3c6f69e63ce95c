/* SPDX-License-Identifier: Apache-2.0 */
/* crc.h - the cyclic checks that object stores send along: CRC-32 (zip's), CRC-32C (Castagnoli), CRC-64/NVME.
 *
 * They find damage on the way, nothing else. new, add ..., value; free.
 */
#ifndef TARN_BASE_CRC_H
#define TARN_BASE_CRC_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tarn_crc_kind { TARN_CRC32, TARN_CRC32C, TARN_CRC64NVME } tarn_crc_kind;
typedef struct tarn_crc tarn_crc;

TARN_MUST tarn_code tarn_crc_new(tarn_crc_kind kind, tarn_crc **out, tarn_err *err);
void tarn_crc_add(tarn_crc *c, const void *bytes, size_t len);
/* Of all bytes so far. */
uint64_t tarn_crc_value(const tarn_crc *c);
void tarn_crc_free(tarn_crc *c);

#endif
