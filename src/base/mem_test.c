/* SPDX-License-Identifier: Apache-2.0 */
/* mem_test.c - counted, zeroed, failing on demand; arenas. */
#include "support/tarn_test.h"

static bool all_zero(const void *bytes, size_t len)
{
    const unsigned char *b = bytes;

    for (size_t i = 0; i < len; i++)
        if (b[i]) return false;
    return true;
}

static void blocks_are_zeroed_and_counted(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 4095, (4 << 20) - 1, 4 << 20, (9 << 20) + 3};
    const int64_t before = tarn_mem_live();

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int round = 0; round < 2; round++) {
            char *block = NULL;

            must(tarn_alloc(&block, sizes[i], 1, err));
            assert_non_null(block);
            assert_true(all_zero(block, sizes[i]));
            if (sizes[i] >= 4 << 20) assert_int_equal((uintptr_t)block % (2 << 20), 0);
            assert_int_equal(tarn_mem_live(), before + 1);
            memset(block, 0xaa, sizes[i]);
            tarn_free(block);
            assert_int_equal(tarn_mem_live(), before);
        }
    tarn_free(NULL);
    assert_int_equal(tarn_mem_live(), before);
}

static void overflow_is_out_of_memory(void **state)
{
    void *block = &block;

    (void)state;
    must_fail_with(TARN_NOMEM, "memory", tarn_alloc(&block, SIZE_MAX / 2, 3, err));
    assert_null(block);
    must_fail_with(TARN_NOMEM, "memory", tarn_alloc(&block, SIZE_MAX, SIZE_MAX, err));
    assert_null(block);
}

static void growing_keeps_the_bytes(void **state)
{
    char *block = NULL, *same;

    (void)state;
    must(tarn_resize(&block, 3, 1, err));
    memcpy(block, "abc", 3);
    must(tarn_resize(&block, 6 << 20, 1, err));
    assert_memory_equal(block, "abc", 3);
    same = block;
    must_fail_with(TARN_NOMEM, "memory", tarn_resize(&block, SIZE_MAX / 2, 8, err));
    assert_ptr_equal(block, same);
    tarn_mem_fail_after(1);
    must_fail_with(TARN_NOMEM, "memory", tarn_resize(&block, 8 << 20, 1, err));
    tarn_mem_fail_after(0);
    assert_ptr_equal(block, same);
    must(tarn_resize(&block, 0, 1, err));
    tarn_free(block);
}

static void the_nth_allocation_fails_and_all_after(void **state)
{
    char *blocks[5] = {NULL};

    (void)state;
    tarn_mem_fail_after(3);
    must(tarn_alloc(&blocks[0], 1, 1, err));
    must(tarn_alloc(&blocks[1], 1, 1, err));
    for (int i = 0; i < 3; i++) must_fail_with(TARN_NOMEM, "memory", tarn_alloc(&blocks[2], 1, 1, err));
    assert_null(blocks[2]);
    tarn_mem_fail_after(0);
    must(tarn_alloc(&blocks[2], 1, 1, err));
    for (int i = 0; i < 3; i++) tarn_free(blocks[i]);
}

static void copies_end_with_nul(void **state)
{
    char *a = NULL, *b = NULL, *c = NULL;

    (void)state;
    must(tarn_strdup("tarn", &a, err));
    must(tarn_strndup("tarn", 2, &b, err));
    must(tarn_strndup(NULL, 0, &c, err));
    assert_string_equal(a, "tarn");
    assert_string_equal(b, "ta");
    assert_string_equal(c, "");
    tarn_free(a);
    tarn_free(b);
    tarn_free(c);
}

static void arenas_give_zeroed_aligned_blocks_that_do_not_overlap(void **state)
{
    enum { N = 2000 };
    tarn_arena *arena = NULL;
    unsigned char *blocks[N];

    (void)state;
    must(tarn_arena_new(&arena, err));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            const size_t len = i == 1000 ? 100000 : i % 97;

            must(tarn_arena_alloc(arena, &blocks[i], len, 1, err));
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            assert_true(all_zero(blocks[i], len));
            memset(blocks[i], (int)(i % 255) + 1, len);
        }
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < i % 97; k++) assert_int_equal(blocks[i][k], (int)(i % 255) + 1);
        tarn_arena_reset(arena);
    }
    char *text = NULL;
    must(tarn_arena_strndup(arena, "lake", 3, &text, err));
    assert_string_equal(text, "lak");
    must_fail_with(TARN_NOMEM, "memory", tarn_arena_alloc(arena, &text, SIZE_MAX / 2, 16, err));
    assert_null(text);
    tarn_arena_free(arena);
    tarn_arena_free(NULL);
}

static void arenas_survive_running_out(void **state)
{
    tarn_arena *arena = NULL;
    char *text = NULL;

    (void)state;
    tarn_mem_fail_after(1);
    must_fail_with(TARN_NOMEM, "memory", tarn_arena_new(&arena, err));
    tarn_mem_fail_after(2);
    must(tarn_arena_new(&arena, err));
    must_fail_with(TARN_NOMEM, "memory", tarn_arena_strndup(arena, "x", 1, &text, err));
    tarn_arena_reset(arena);
    tarn_mem_fail_after(0);
    must(tarn_arena_strndup(arena, "x", 1, &text, err));
    assert_string_equal(text, "x");
    tarn_arena_free(arena);
}

TARN_TESTS(TARN_TEST(blocks_are_zeroed_and_counted), TARN_TEST(overflow_is_out_of_memory),
           TARN_TEST(growing_keeps_the_bytes), TARN_TEST(the_nth_allocation_fails_and_all_after),
           TARN_TEST(copies_end_with_nul), TARN_TEST(arenas_give_zeroed_aligned_blocks_that_do_not_overlap),
           TARN_TEST(arenas_survive_running_out))
