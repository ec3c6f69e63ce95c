/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.h - XXH3 of some bytes, for damage and for hash tables; never for names (those are SHA-256).
 *
 * Private to table/. The same everywhere: not seeded by the process, independent of the machine.
 */
#ifndef TARN_TABLE_CHECKSUM_H
#define TARN_TABLE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* `from` chains pieces: checksum(b, checksum(a, 0)) covers a and then b. */
uint64_t tarn_table_checksum(const void *bytes, size_t len, uint64_t from);

#endif
