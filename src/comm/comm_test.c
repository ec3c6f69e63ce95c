/* SPDX-License-Identifier: Apache-2.0 */
/* comm_test.c - the collectives against sums, maxima and copies made by hand, on every transport of the table, with any
 * number of ranks; and what happens when a rank fails. */
#include "support/tarn_test.h"

#include "base/random.h"
#include "comm/transport.h"

#include <math.h>
#include <unistd.h>

static const int rank_counts[] = {1, 2, 3, 5, 7};
enum { RANK_COUNTS = sizeof rank_counts / sizeof *rank_counts };

/* Fail the rank (and with it the test) where a cmocka assertion would jump out of a foreign thread. */
#define WANT(condition)                                                                           \
    do {                                                                                          \
        if (!(condition)) return TARN_FAIL(err, TARN_CHECK, "line %d: %s", __LINE__, #condition); \
    } while (0)

static void on_all(tarn_rank_fn *fn, void *arg)
{
    for (int t = 0; t < tarn_transport_count(); t++)
        for (int r = 0; r < RANK_COUNTS; r++) must(tarn_transport_at(t)->run(rank_counts[r], fn, arg, err));
}

static int64_t number(int rank, size_t i) { return (int64_t)tarn_random_u64(1, TARN_STREAM_TEST, i, (uint32_t)rank); }

static tarn_code check_sum_of(tarn_comm *comm, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t *x = NULL;
    double *y = NULL;

    TARN_TRY(tarn_alloc(&x, n, sizeof *x, err));
    TARN_TRY(tarn_alloc(&y, n, sizeof *y, err));
    for (size_t i = 0; i < n; i++) {
        x[i] = number(tarn_comm_rank(comm), i);
        y[i] = (double)x[i];
    }
    TARN_TRY(tarn_comm_sum_i64(comm, x, n, err));
    TARN_TRY(tarn_comm_max_f64(comm, y, n, err));
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0;
        double most = -INFINITY;

        for (int k = 0; k < tarn_comm_size(comm); k++) {
            sum += (uint64_t)number(k, i);
            most = fmax(most, (double)number(k, i));
        }
        if ((uint64_t)x[i] != sum || y[i] != most)
            rc = TARN_FAIL(err, TARN_CHECK, "element %zu of %zu is wrong on rank %d", i, n, tarn_comm_rank(comm));
    }
done:
    tarn_free(x);
    tarn_free(y);
    return rc;
}

static tarn_code check_sums(void *arg, tarn_comm *comm, tarn_err *err)
{
    static const size_t sizes[] = {0, 1, 2, 6, 7, 8, 1000, 50000};
    tarn_code rc = TARN_OK;

    (void)arg;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) TARN_TRY(check_sum_of(comm, sizes[i], err));
done:
    return rc;
}

static void sums_and_maxima_are_those_of_all_ranks(void **state)
{
    (void)state;
    on_all(check_sums, NULL);
}

static tarn_code check_share(void *arg, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char bytes[100];

    (void)arg;
    for (int from = 0; from < tarn_comm_size(comm); from++)
        for (size_t len = 0; len <= sizeof bytes; len += 50) {
            memset(bytes, tarn_comm_rank(comm) + 1, sizeof bytes);
            TARN_TRY(tarn_comm_share(comm, from, bytes, len, err));
            for (size_t i = 0; i < sizeof bytes; i++) WANT(bytes[i] == (i < len ? from : tarn_comm_rank(comm)) + 1);
        }
    WANT(tarn_comm_share(comm, tarn_comm_size(comm), bytes, 1, NULL) == TARN_INVALID);
    WANT(tarn_comm_share(comm, -1, bytes, 1, NULL) == TARN_INVALID);
done:
    return rc;
}

static void shares_from_any_rank(void **state)
{
    (void)state;
    on_all(check_share, NULL);
}

/* Rank k brings k * 3 bytes of value k (rank 0 none). */
static tarn_code check_gather(void *arg, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const int me = tarn_comm_rank(comm), size = tarn_comm_size(comm);
    char mine[3 * 7], *all = NULL;
    size_t len = 0, sizes[7], at = 0;

    (void)arg;
    memset(mine, me, sizeof mine);
    TARN_TRY(tarn_comm_gather(comm, mine, 3 * (size_t)me, (void **)&all, &len, sizes, err));
    for (int k = 0; k < size; k++) {
        if (sizes[k] != 3 * (size_t)k) rc = TARN_FAIL(err, TARN_CHECK, "size of rank %d", k);
        for (int i = 0; i < 3 * k; i++)
            if (all[at++] != k) rc = TARN_FAIL(err, TARN_CHECK, "byte of rank %d", k);
    }
    if (at != len) rc = TARN_FAIL(err, TARN_CHECK, "%zu bytes, not %zu", len, at);
    tarn_free(all);
    all = NULL;
    TARN_TRY(tarn_comm_gather(comm, NULL, 0, (void **)&all, &len, NULL, err));
    if (len != 0) rc = TARN_FAIL(err, TARN_CHECK, "something from nothing");
done:
    tarn_free(all);
    return rc;
}

static void gathers_in_rank_order(void **state)
{
    (void)state;
    on_all(check_gather, NULL);
}

/* ---- sums over blocks ---- */

enum { BLOCKS = 23, WIDTH = 5 };

typedef struct block_sum {
    tarn_pool *pool;
    int64_t width, blocks, first, fail_at;
    double *out; /* of rank 0 */
} block_sum;

/* Numbers of very different sizes, so that any other order of additions shows. */
static double block_value(int64_t block, int64_t i)
{
    double u = tarn_random_unit(2, TARN_STREAM_TEST, (uint64_t)block, (uint32_t)i);

    return (u - 0.5) * exp2((double)(block * 7 % 40));
}

static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const block_sum *s = arg;

    (void)worker;
    if (s->first + block == s->fail_at) return TARN_FAIL(err, TARN_NUMERIC, "block %d is bad", (int)s->fail_at);
    for (int64_t i = 0; i < s->width; i++) sum[i] += block_value(s->first + block, i);
    return TARN_OK;
}

static tarn_code sum_blocks(void *arg, tarn_comm *comm, tarn_err *err)
{
    block_sum s = *(block_sum *)arg;
    tarn_code rc = TARN_OK;
    int64_t rows;
    double *out = NULL;

    tarn_comm_rows(comm, s.blocks * TARN_BLOCK_ROWS, &s.first, &rows);
    s.first /= TARN_BLOCK_ROWS;
    TARN_TRY(tarn_alloc(&out, (size_t)s.width, sizeof *out, err));
    memset(out, 0xff, (size_t)s.width * sizeof *out);
    TARN_TRY(tarn_comm_sum_blocks(comm, s.pool, tarn_blocks(rows), s.width, add_block, &s, out, err));
    if (tarn_comm_rank(comm) == 0) memcpy(s.out, out, (size_t)s.width * sizeof *out);
    TARN_TRY(tarn_comm_share(comm, 0, out, (size_t)s.width * sizeof *out, err));
    if (memcmp(out, s.out, (size_t)s.width * sizeof *out) != 0) rc = TARN_FAIL(err, TARN_CHECK, "ranks differ");
done:
    tarn_free(out);
    return rc;
}

static void by_hand(int64_t blocks, int64_t width, double *out)
{
    for (int64_t i = 0; i < width; i++) {
        out[i] = 0;
        for (int64_t b = 0; b < blocks; b++) out[i] += block_value(b, i);
    }
}

static void block_sums_have_the_same_bits_for_any_ranks_and_threads(void **state)
{
    double want[WIDTH], got[WIDTH];

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        tarn_pool *pool = NULL;

        must(tarn_pool_new(threads, &pool, err));
        for (int64_t blocks = 0; blocks <= BLOCKS; blocks += blocks < 8 ? 1 : 5) {
            block_sum s = {.pool = pool, .width = WIDTH, .blocks = blocks, .fail_at = -1, .out = got};

            by_hand(blocks, WIDTH, want);
            for (int r = 0; r < RANK_COUNTS; r++) {
                must(tarn_comm_run_threads(rank_counts[r], sum_blocks, &s, err));
                assert_memory_equal(want, got, sizeof want);
            }
            must(sum_blocks(&s, NULL, err));
            assert_memory_equal(want, got, sizeof want);
        }
        tarn_pool_free(pool);
    }
}

/* Sums so wide that a rank cannot hold the shares of all its blocks at once: blocks of 16 MB, of which 4 go ahead. */
static void block_sums_too_large_to_work_ahead_are_the_same(void **state)
{
    enum { WIDE = 2 << 20, FEW = 11 };
    block_sum s = {.width = WIDE, .blocks = FEW, .fail_at = -1};
    double *want = NULL;

    (void)state;
    must(tarn_alloc(&s.out, WIDE, sizeof *s.out, err));
    must(tarn_alloc(&want, WIDE, sizeof *want, err));
    must(sum_blocks(&s, NULL, err));
    memcpy(want, s.out, WIDE * sizeof *want);
    must(tarn_comm_run_threads(2, sum_blocks, &s, err));
    assert_memory_equal(want, s.out, WIDE * sizeof *want);
    tarn_free(want);
    tarn_free(s.out);
}

static void a_failed_block_is_every_rank_s_failure(void **state)
{
    double got[WIDTH];

    (void)state;
    for (int r = 0; r < RANK_COUNTS; r++)
        for (int64_t bad = 0; bad < BLOCKS; bad += 4) {
            block_sum s = {.width = WIDTH, .blocks = BLOCKS, .fail_at = bad, .out = got};
            char text[32];

            (void)snprintf(text, sizeof text, "block %d is bad", (int)bad);
            must_fail_with(TARN_NUMERIC, text, tarn_comm_run_threads(rank_counts[r], sum_blocks, &s, err));
        }
}

/* ---- failure ---- */

/* The ranks in `bad` (bits) fail before they agree; then all go on, if they may. */
typedef struct failing {
    unsigned bad, cancelled;
    bool agree;
    tarn_code seen[8];
    char message[8][64];
} failing;

static tarn_code fail_then_agree(void *arg, tarn_comm *comm, tarn_err *err)
{
    failing *f = arg;
    const int me = tarn_comm_rank(comm);
    tarn_code rc = TARN_OK;
    tarn_err seen = {0};
    int64_t one = 1;

    if (f->bad >> me & 1) rc = TARN_FAIL(&seen, me % 2 ? TARN_INVALID : TARN_IO, "rank %d is ill", me);
    else if (f->cancelled >> me & 1) rc = TARN_FAIL(&seen, TARN_CANCELLED, "rank %d was told to stop", me);
    if (f->agree || rc == TARN_OK) rc = tarn_comm_agree(comm, rc, &seen);
    if (rc == TARN_OK) rc = tarn_comm_sum_i64(comm, &one, 1, &seen);
    f->seen[me] = rc;
    (void)snprintf(f->message[me], sizeof f->message[me], "%.60s", seen.msg);
    if (err) *err = seen;
    return rc;
}

static void agreement_tells_everyone_the_same(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 5; ranks++)
        for (unsigned bad = 1; bad < 1u << ranks; bad++) {
            failing f = {.bad = bad, .cancelled = 1, .agree = true};
            const int lowest = __builtin_ctz(bad);
            const tarn_code want = lowest % 2 ? TARN_INVALID : TARN_IO;
            char text[32];

            (void)snprintf(text, sizeof text, "rank %d is ill", lowest);
            must_fail_with(want, text, tarn_comm_run_threads(ranks, fail_then_agree, &f, err));
            for (int k = 0; k < ranks; k++) {
                assert_int_equal(f.seen[k], want);
                assert_string_equal(f.message[k], text);
            }
        }
}

static void agreement_without_failure_goes_on(void **state)
{
    failing f = {.agree = true};

    (void)state;
    must(tarn_comm_run_threads(5, fail_then_agree, &f, err));
    f.cancelled = 4;
    must_fail_with(TARN_CANCELLED, "rank 2 was told to stop", tarn_comm_run_threads(5, fail_then_agree, &f, err));
}

static void a_rank_that_just_returns_hangs_nobody(void **state)
{
    (void)state;
    for (int ranks = 2; ranks <= 5; ranks++)
        for (int ill = 0; ill < ranks; ill++) {
            failing f = {.bad = 1u << ill};
            char text[32];

            (void)snprintf(text, sizeof text, "rank %d is ill", ill);
            must_fail_with(ill % 2 ? TARN_INVALID : TARN_IO, text,
                           tarn_comm_run_threads(ranks, fail_then_agree, &f, err));
            for (int k = 0; k < ranks; k++)
                if (k != ill) assert_int_equal(f.seen[k], TARN_CANCELLED);
        }
}

/* Rank 1 goes home early without an error; the others notice. */
static tarn_code leave_early(void *arg, tarn_comm *comm, tarn_err *err)
{
    int64_t x = 1;

    (void)arg;
    if (tarn_comm_rank(comm) == 1) return TARN_OK;
    tarn_code rc = tarn_comm_sum_i64(comm, &x, 1, err);
    if (rc != TARN_CANCELLED) return TARN_FAIL(err, TARN_CHECK, "the sum went on without rank 1");
    WANT(tarn_comm_sum_i64(comm, &x, 1, NULL) == TARN_CANCELLED); /* and stays so */
    WANT(tarn_comm_agree(comm, TARN_IO, NULL) == TARN_IO);
    return tarn_comm_agree(comm, TARN_OK, err);
}

static void a_rank_that_left_is_noticed(void **state)
{
    (void)state;
    must_fail_with(TARN_CANCELLED, "left the job", tarn_comm_run_threads(3, leave_early, NULL, err));
}

static tarn_code differ_in_length(void *arg, tarn_comm *comm, tarn_err *err)
{
    char bytes[8] = {0};

    (void)arg;
    return tarn_comm_share(comm, 0, bytes, tarn_comm_rank(comm) == 0 ? 8 : 4, err);
}

static void different_lengths_are_an_error(void **state)
{
    (void)state;
    must_fail_with(TARN_INVALID, "rank 0 sent 8 bytes where rank 1 expected 4",
                   tarn_comm_run_threads(2, differ_in_length, NULL, err));
}

static tarn_code a_bit_of_everything(void *arg, tarn_comm *comm, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(check_sum_of(comm, 10, err));
    TARN_TRY(check_gather(NULL, comm, err));
    TARN_TRY(sum_blocks(arg, comm, err));
done:
    return rc;
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    double got[WIDTH];
    block_sum s = {.width = WIDTH, .blocks = 5, .fail_at = -1, .out = got};
    const int64_t live = tarn_mem_live();

    (void)state;
    for (int ranks = 1; ranks <= 3; ranks++) {
        tarn_code rc = TARN_NOMEM;

        for (int64_t n = 1; rc != TARN_OK; n++) {
            tarn_err err = {0};

            assert_true(n < 1000);
            tarn_mem_fail_after(n);
            rc = tarn_comm_run_threads(ranks, a_bit_of_everything, &s, &err);
            tarn_mem_fail_after(0);
            assert_true(rc == TARN_OK || rc == TARN_NOMEM);
            assert_true(rc == TARN_OK || err.msg[0]);
            assert_int_equal(tarn_mem_live(), live);
        }
    }
}

static tarn_code nothing(void *arg, tarn_comm *comm, tarn_err *err)
{
    (void)arg, (void)comm, (void)err;
    return TARN_OK;
}

static void refuses_an_impossible_number_of_ranks(void **state)
{
    (void)state;
    must_fail_with(TARN_INVALID, "ranks must be 1 to 1024, not 0", tarn_comm_run_threads(0, nothing, NULL, err));
    must_fail_with(TARN_INVALID, "not 1025", tarn_comm_run_threads(1025, nothing, NULL, err));
}

/* ---- one rank, and rows ---- */

static void no_comm_is_one_rank(void **state)
{
    tarn_comm *local = NULL;

    (void)state;
    must(tarn_comm_local(&local, err));
    for (int i = 0; i < 2; i++) {
        tarn_comm *comm = i ? local : NULL;

        assert_int_equal(tarn_comm_rank(comm), 0);
        assert_int_equal(tarn_comm_size(comm), 1);
        must(check_sums(NULL, comm, err));
        must(check_share(NULL, comm, err));
        must(check_gather(NULL, comm, err));
        must(tarn_comm_agree(comm, TARN_OK, err));
        assert_int_equal(tarn_comm_agree(comm, TARN_FULL, NULL), TARN_FULL);
    }
    tarn_comm_free(local);
    tarn_comm_free(NULL);
}

static void rows_are_whole_blocks_in_rank_order(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows < 12 * TARN_BLOCK_ROWS; rows += 5001)
        for (int size = 1; size <= 9; size++) {
            int64_t next = 0, least = INT64_MAX, most = 0;

            for (int k = 0; k < size; k++) {
                const tarn_comm comm = {.rank = k, .size = size};
                int64_t first, count;

                tarn_comm_rows(&comm, rows, &first, &count);
                assert_int_equal(first, next);
                assert_true(first % TARN_BLOCK_ROWS == 0 || first == rows);
                assert_true(count >= 0 && (count % TARN_BLOCK_ROWS == 0 || first + count == rows));
                least = tarn_blocks(count) < least ? tarn_blocks(count) : least;
                most = tarn_blocks(count) > most ? tarn_blocks(count) : most;
                next += count;
            }
            assert_int_equal(next, rows);
            assert_true(most - least <= 1);
        }
}

static void every_transport_is_described(void **state)
{
    (void)state;
    assert_true(tarn_transport_count() > 0);
    for (int i = 0; i < tarn_transport_count(); i++) {
        const tarn_transport *t = tarn_transport_at(i);

        assert_true(t->name && *t->name && t->title && *t->title);
        assert_true(t->run && t->send && t->receive && t->close);
    }
    assert_null(tarn_transport_at(-1));
    assert_null(tarn_transport_at(tarn_transport_count()));
}

TARN_TESTS(TARN_TEST(sums_and_maxima_are_those_of_all_ranks), TARN_TEST(shares_from_any_rank),
           TARN_TEST(gathers_in_rank_order), TARN_TEST(block_sums_have_the_same_bits_for_any_ranks_and_threads),
           TARN_TEST(block_sums_too_large_to_work_ahead_are_the_same),
           TARN_TEST(a_failed_block_is_every_rank_s_failure), TARN_TEST(agreement_tells_everyone_the_same),
           TARN_TEST(agreement_without_failure_goes_on), TARN_TEST(a_rank_that_just_returns_hangs_nobody),
           TARN_TEST(a_rank_that_left_is_noticed), TARN_TEST(different_lengths_are_an_error),
           TARN_TEST(running_out_of_memory_is_a_clean_error), TARN_TEST(refuses_an_impossible_number_of_ranks),
           TARN_TEST(no_comm_is_one_rank), TARN_TEST(rows_are_whole_blocks_in_rank_order),
           TARN_TEST(every_transport_is_described))
