/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - memory that is counted and may fail.
 *
 * Everything Tarn allocates goes through here. Running out is an error (TARN_NOMEM), not an exit.
 * Tests ask for the number of live blocks, and make the n-th allocation fail.
 *
 * Threads: any, except tarn_mem_fail_after, which a test calls while no other thread allocates.
 */
#ifndef TARN_BASE_MEM_H
#define TARN_BASE_MEM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed memory for count things of size bytes; *out is NULL on failure. count * size may be 0: the
 * block is then valid to free, not to read. Blocks of 4 MiB and more start on a 2 MiB border and ask
 * the kernel for huge pages, since a page fault costs more than touching the page. */
TARN_MUST tarn_code tarn_alloc(void *out, size_t count, size_t size, tarn_err *err);

/* Grow or shrink *block (from tarn_alloc, or NULL) to count things; new bytes are not zeroed.
 * On failure *block is untouched. */
TARN_MUST tarn_code tarn_resize(void *block, size_t count, size_t size, tarn_err *err);

/* NULL is fine. */
void tarn_free(void *block);

/* What is in these bytes of a block is not needed any more: the kernel may take the pages when memory is short, and
 * costs nothing if it does not. They may be written again at any time; until then they hold anything. */
void tarn_mem_lend(void *bytes, size_t len);

/* Copies, NUL-terminated; free with tarn_free. */
TARN_MUST tarn_code tarn_strdup(const char *text, char **out, tarn_err *err);
TARN_MUST tarn_code tarn_strndup(const char *text, size_t len, char **out, tarn_err *err);

/* Bytes of memory that this process may count on: the machine's, or less where its control group is held to less. */
int64_t tarn_mem_machine(void);

/* Blocks allocated and not yet freed, in this process. */
int64_t tarn_mem_live(void);

/* Make the n-th allocation from now fail (1 = the next), and every one after it; 0 = never. */
void tarn_mem_fail_after(int64_t n);

/* An arena: many small blocks with one lifetime, freed together. Blocks are zeroed and aligned to 16
 * bytes. One thread at a time. */
typedef struct tarn_arena tarn_arena;
TARN_MUST tarn_code tarn_arena_new(tarn_arena **out, tarn_err *err);
void tarn_arena_free(tarn_arena *arena);
/* Forget all blocks, keep the first page for reuse. */
void tarn_arena_reset(tarn_arena *arena);
TARN_MUST tarn_code tarn_arena_alloc(tarn_arena *arena, void *out, size_t count, size_t size, tarn_err *err);
TARN_MUST tarn_code tarn_arena_strndup(tarn_arena *arena, const char *text, size_t len, char **out, tarn_err *err);

#ifdef __cplusplus
}
#endif
#endif
