/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - counted, failable allocation and arenas. See mem.h.
 *
 * The two counters are the only mutable globals of the library. They are statistics and a test's
 * switch: nothing that Tarn computes depends on them. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_BORDER = 2 << 20, HUGE_FROM = 4 << 20, ARENA_PAGE = 16 << 10 };

static atomic_llong live_blocks;
static atomic_llong fail_countdown; /* 0: off; 1: fail from now on; n: n - 1 more succeed */

static bool must_fail(void)
{
    long long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);

    if (left == 0) return false;
    if (left == 1) return true;
    atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
    return false;
}

static bool overflows(size_t count, size_t size) { return size != 0 && count > SIZE_MAX / 2 / size; }

tarn_code tarn_alloc(void *out, size_t count, size_t size, tarn_err *err)
{
    void *block = NULL;

    memcpy(out, &block, sizeof block);
    if (overflows(count, size) || must_fail())
        return TARN_FAIL(err, TARN_NOMEM, "cannot get %zu x %zu bytes of memory", count, size);
    size_t bytes = count * size;
    if (bytes >= HUGE_FROM) {
        if (posix_memalign(&block, HUGE_BORDER, bytes) != 0) block = NULL;
        if (block) {
            (void)madvise(block, bytes, MADV_HUGEPAGE); /* a wish, not a need */
            memset(block, 0, bytes);
        }
    } else {
        block = calloc(1, bytes ? bytes : 1);
    }
    if (!block) return TARN_FAIL(err, TARN_NOMEM, "cannot get %zu bytes of memory", bytes);
    atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    memcpy(out, &block, sizeof block);
    return TARN_OK;
}

tarn_code tarn_resize(void *block, size_t count, size_t size, tarn_err *err)
{
    void *old, *grown;

    memcpy(&old, block, sizeof old);
    if (overflows(count, size) || must_fail())
        return TARN_FAIL(err, TARN_NOMEM, "cannot get %zu x %zu bytes of memory", count, size);
    size_t bytes = count * size;
    grown = realloc(old, bytes ? bytes : 1);
    if (!grown) return TARN_FAIL(err, TARN_NOMEM, "cannot get %zu bytes of memory", bytes);
    if (!old) atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    memcpy(block, &grown, sizeof grown);
    return TARN_OK;
}

void tarn_free(void *block)
{
    if (!block) return;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
    free(block);
}

tarn_code tarn_strndup(const char *text, size_t len, char **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, len + 1, 1, err);

    if (rc == TARN_OK && len > 0) memcpy(*out, text, len);
    return rc;
}

void tarn_mem_lend(void *bytes, size_t len)
{
    enum { PAGE = 4096 };
    uintptr_t from = ((uintptr_t)bytes + PAGE - 1) / PAGE * PAGE, to = ((uintptr_t)bytes + len) / PAGE * PAGE;

    if (to > from) (void)madvise((void *)from, to - from, MADV_FREE); /* else they are only kept */
}

tarn_code tarn_strdup(const char *text, char **out, tarn_err *err)
{
    return tarn_strndup(text, strlen(text), out, err);
}

/* The limit of the control group; 0: none, or none that can be read. */
static int64_t group_limit(void)
{
    long long bytes = 0;
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");

    if (!f) return 0;
    if (fscanf(f, "%lld", &bytes) != 1) bytes = 0; /* "max" */
    (void)fclose(f);
    return bytes;
}

int64_t tarn_mem_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t all = pages > 0 && page > 0 ? (int64_t)pages * page : (int64_t)4 << 30, limit = group_limit();

    return limit > 0 && limit < all ? limit : all;
}

int64_t tarn_mem_live(void) { return atomic_load_explicit(&live_blocks, memory_order_relaxed); }

void tarn_mem_fail_after(int64_t n) { atomic_store_explicit(&fail_countdown, n, memory_order_relaxed); }

typedef struct page {
    struct page *next;
    size_t used, cap;
    _Alignas(16) unsigned char bytes[];
} page;

struct tarn_arena {
    page *pages; /* the newest first */
};

tarn_code tarn_arena_new(tarn_arena **out, tarn_err *err) { return tarn_alloc(out, 1, sizeof **out, err); }

void tarn_arena_free(tarn_arena *arena)
{
    if (!arena) return;
    for (page *p = arena->pages, *next; p; p = next) {
        next = p->next;
        tarn_free(p);
    }
    tarn_free(arena);
}

void tarn_arena_reset(tarn_arena *arena)
{
    page *keep = arena->pages;

    if (!keep) return;
    for (page *p = keep->next, *next; p; p = next) {
        next = p->next;
        tarn_free(p);
    }
    keep->next = NULL;
    memset(keep->bytes, 0, keep->used);
    keep->used = 0;
}

tarn_code tarn_arena_alloc(tarn_arena *arena, void *out, size_t count, size_t size, tarn_err *err)
{
    void *block = NULL;
    page *p = arena->pages;

    memcpy(out, &block, sizeof block);
    if (overflows(count, size)) return TARN_FAIL(err, TARN_NOMEM, "cannot get %zu x %zu bytes of memory", count, size);
    size_t bytes = (count * size + 15) & ~(size_t)15;
    if (!p || p->cap - p->used < bytes) {
        size_t cap = bytes > ARENA_PAGE ? bytes : ARENA_PAGE;
        tarn_code rc = tarn_alloc(&p, 1, sizeof *p + cap, err);
        if (rc != TARN_OK) return rc;
        p->cap = cap;
        p->next = arena->pages;
        arena->pages = p;
    }
    block = p->bytes + p->used;
    p->used += bytes;
    memcpy(out, &block, sizeof block);
    return TARN_OK;
}

tarn_code tarn_arena_strndup(tarn_arena *arena, const char *text, size_t len, char **out, tarn_err *err)
{
    tarn_code rc = tarn_arena_alloc(arena, out, len + 1, 1, err);

    if (rc == TARN_OK && len > 0) memcpy(*out, text, len);
    return rc;
}
