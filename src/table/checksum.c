/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.c - the one file that includes xxhash. See checksum.h. */
#include "table/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t tarn_table_checksum(const void *bytes, size_t len, uint64_t from)
{
    return XXH3_64bits_withSeed(bytes, len, from);
}
