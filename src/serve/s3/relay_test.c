/* SPDX-License-Identifier: Apache-2.0 */
/* relay_test.c - every taker gets every byte in order, however they are added; a taker that fails, or is slow. */
#include "support/tarn_test.h"

#include "serve/s3/relay.h"

#include "base/digest.h"

#include <time.h>

typedef struct taking {
    tarn_hasher *hasher;
    size_t got, fails_at;
    int slow;
} taking;

static tarn_code take(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    taking *t = arg;

    if (t->slow && ++t->slow % 4 == 0) (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    t->got += len;
    if (t->fails_at && t->got >= t->fails_at) return TARN_FAIL(err, TARN_FULL, "the disk is full");
    return tarn_hasher_add(t->hasher, bytes, len, err);
}

static tarn_code relay(const char *bytes, size_t len, size_t piece, taking t[2], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_relay *r = NULL;

    TARN_TRY(tarn_relay_new((tarn_taker[]){{take, &t[0]}, {take, &t[1]}}, 2, &r, err));
    for (size_t at = 0; at < len; at += piece)
        TARN_TRY(tarn_relay_add(r, bytes + at, len - at < piece ? len - at : piece, err));
    TARN_TRY(tarn_relay_end(r, err));
done:
    tarn_relay_free(r);
    return rc;
}

static char *noise(size_t len)
{
    char *bytes = NULL;

    must(tarn_alloc(&bytes, len, 1, err));
    for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 2654435761u >> 13);
    return bytes;
}

static void everybody_gets_everything(void **state)
{
    enum { LEN = 20 << 20 };
    char *bytes = noise(LEN);
    tarn_id want, got;

    (void)state;
    must(tarn_digest(bytes, LEN, &want, err));
    for (size_t piece = 99999; piece <= LEN; piece = piece * 5 + 7) {
        taking t[2] = {{.slow = 1}, {.slow = 0}};
        for (int i = 0; i < 2; i++) must(tarn_hasher_new(&t[i].hasher, err));
        must(relay(bytes, LEN, piece, t, err));
        for (int i = 0; i < 2; i++) {
            must(tarn_hasher_end(t[i].hasher, &got, err));
            assert_true(tarn_id_equal(&got, &want));
            tarn_hasher_free(t[i].hasher);
        }
    }
    tarn_free(bytes);
}

static void a_failure_comes_back(void **state)
{
    enum { LEN = 24 << 20 };
    char *bytes = noise(LEN);

    (void)state;
    for (int which = 0; which < 2; which++)
        for (size_t at = 1; at <= LEN; at = at * 24 + (1 << 20)) {
            taking t[2] = {{.slow = 0}, {.slow = 0}};
            t[which].fails_at = at;
            for (int i = 0; i < 2; i++) must(tarn_hasher_new(&t[i].hasher, err));
            must_fail_with(TARN_FULL, "disk is full", relay(bytes, LEN, 100000, t, err));
            for (int i = 0; i < 2; i++) tarn_hasher_free(t[i].hasher);
        }
    tarn_free(bytes);
}

static void it_can_be_left(void **state)
{
    taking t = {.slow = 1};
    tarn_relay *r = NULL;
    char *bytes = noise(4 << 20);

    (void)state;
    must(tarn_hasher_new(&t.hasher, err));
    must(tarn_relay_new(&(tarn_taker){take, &t}, 1, &r, err));
    must(tarn_relay_add(r, bytes, 4 << 20, err));
    tarn_relay_free(r);
    tarn_hasher_free(t.hasher);
    tarn_free(bytes);
}

static tarn_code relay_once(const char *bytes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *h[2] = {NULL, NULL};

    TARN_TRY(tarn_hasher_new(&h[0], err));
    TARN_TRY(tarn_hasher_new(&h[1], err));
    taking t[2] = {{.hasher = h[0]}, {.hasher = h[1]}};
    TARN_TRY(relay(bytes, 2 << 20, 300000, t, err));
    assert_int_equal(t[0].got, 2 << 20);
    assert_int_equal(t[1].got, 2 << 20);
done:
    tarn_hasher_free(h[0]);
    tarn_hasher_free(h[1]);
    return rc;
}

static void running_out_of_memory_is_told(void **state)
{
    char *bytes = noise(2 << 20);

    (void)state;
    int64_t live = tarn_mem_live();
    for (int64_t n = 1;; n++) {
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = relay_once(bytes, &err);
        tarn_mem_fail_after(0);
        assert_int_equal(tarn_mem_live(), live);
        if (rc == TARN_OK && n > 5) break;
        assert_true(rc == TARN_OK || rc == TARN_NOMEM); /* without a ring it does without threads */
        assert_true(n < 1000);
    }
    tarn_free(bytes);
}

TARN_TESTS(TARN_TEST(everybody_gets_everything), TARN_TEST(a_failure_comes_back), TARN_TEST(it_can_be_left),
           TARN_TEST(running_out_of_memory_is_told))
