/* SPDX-License-Identifier: Apache-2.0 */
/* kept_test.c - blocks are kept from the third time on, while there is room, and come back as they were. */
#include "support/tarn_test.h"

#include "base/pool.h"
#include "prepare/kept.h"

enum { ROWS = TARN_BLOCK_ROWS + 100 };

static void blocks_are_kept_from_the_third_time(void **state)
{
    tarn_kept k;
    double values[200];

    (void)state;
    for (int i = 0; i < 200; i++) values[i] = i;
    must(tarn_kept_init(&k, ROWS, 1, 2, err));
    for (int i = 0; i < 2; i++) {
        tarn_kept_offer(&k, TARN_BLOCK_ROWS, 100, values);
        assert_null(tarn_kept_find(&k, TARN_BLOCK_ROWS, 100));
    }
    tarn_kept_offer(&k, TARN_BLOCK_ROWS, 100, values);
    const double *kept = tarn_kept_find(&k, TARN_BLOCK_ROWS, 100);
    assert_non_null(kept);
    assert_memory_equal(kept, values, sizeof values);
    tarn_kept_offer(&k, TARN_BLOCK_ROWS, 100, values); /* two threads made it at once */
    assert_ptr_equal(tarn_kept_find(&k, TARN_BLOCK_ROWS, 100), kept);
    assert_null(tarn_kept_find(&k, 0, TARN_BLOCK_ROWS));
    assert_null(tarn_kept_find(&k, TARN_BLOCK_ROWS, 99)); /* no whole block, or none at all */
    assert_null(tarn_kept_find(&k, 1, TARN_BLOCK_ROWS));
    assert_null(tarn_kept_find(&k, -TARN_BLOCK_ROWS, TARN_BLOCK_ROWS));
    assert_null(tarn_kept_find(&k, 2 * TARN_BLOCK_ROWS, 0));
    tarn_kept_clear(&k);
}

static void room_is_that_of_the_raw_fields(void **state)
{
    tarn_kept k;
    double *values = NULL;

    (void)state;
    must(tarn_alloc(&values, 2 * TARN_BLOCK_ROWS, sizeof *values, err));
    must(tarn_kept_init(&k, ROWS, 1, 2, err)); /* two columns for one field: the first block has no room */
    for (int i = 0; i < 5; i++) tarn_kept_offer(&k, 0, TARN_BLOCK_ROWS, values);
    assert_null(tarn_kept_find(&k, 0, TARN_BLOCK_ROWS));
    for (int i = 0; i < 3; i++) tarn_kept_offer(&k, TARN_BLOCK_ROWS, 100, values); /* and took none */
    assert_non_null(tarn_kept_find(&k, TARN_BLOCK_ROWS, 100));
    tarn_kept_clear(&k);
    tarn_free(values);
}

static void without_memory_a_block_is_not_kept(void **state)
{
    tarn_kept k;
    double values[200] = {0};

    (void)state;
    must(tarn_kept_init(&k, ROWS, 2, 2, err));
    tarn_mem_fail_after(1);
    for (int i = 0; i < 4; i++) tarn_kept_offer(&k, TARN_BLOCK_ROWS, 100, values);
    tarn_mem_fail_after(0);
    assert_null(tarn_kept_find(&k, TARN_BLOCK_ROWS, 100));
    tarn_kept_clear(&k);
}

TARN_TESTS(TARN_TEST(blocks_are_kept_from_the_third_time), TARN_TEST(room_is_that_of_the_raw_fields),
           TARN_TEST(without_memory_a_block_is_not_kept))
