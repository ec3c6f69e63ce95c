/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - radix sort by the bits of a double, 11 bits a pass, least significant first.
 *
 * A finite double's bits, with the sign turned round, rise as the double rises. A pass in which all
 * rows share one digit is skipped: probabilities share most of their exponent.
 */
#include "assess/order.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

typedef struct item {
    uint64_t key;
    uint32_t row;
} item;

static uint64_t rising_key(double x)
{
    uint64_t bits;

    x += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof(bits));
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static unsigned digit(uint64_t key, int pass) { return (unsigned)(key >> (pass * DIGIT_BITS)) & (BUCKETS - 1); }

/* One pass from `from` to `to`; false if there was nothing to do. */
static bool distribute(const item *from, int64_t n, int pass, item *to)
{
    uint32_t at[BUCKETS] = {0}, sum = 0;

    for (int64_t i = 0; i < n; i++) at[digit(from[i].key, pass)]++;
    if (at[digit(from[0].key, pass)] == n) return false;
    for (int b = 0; b < BUCKETS; b++) {
        uint32_t here = at[b];
        at[b] = sum;
        sum += here;
    }
    for (int64_t i = 0; i < n; i++) to[at[digit(from[i].key, pass)]++] = from[i];
    return true;
}

/* items (n) sorted by key. */
static tarn_code sort(item **items, int64_t n, tarn_err *err)
{
    item *b = NULL;
    tarn_code rc = tarn_alloc(&b, (size_t)n, sizeof(*b), err);

    for (int pass = 0; rc == TARN_OK && pass < DIGITS && n > 0; pass++) {
        if (!distribute(*items, n, pass, b)) continue;
        item *swap = *items;
        *items = b;
        b = swap;
    }
    tarn_free(b);
    return rc;
}

tarn_code tarn_order(const double *x, int64_t n, uint32_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    item *items = NULL;
    uint32_t *rows = NULL;

    TARN_TRY(tarn_alloc(&items, (size_t)n, sizeof(*items), err));
    TARN_TRY(tarn_alloc(&rows, (size_t)n, sizeof(*rows), err));
    for (int64_t i = 0; i < n; i++) items[i] = (item){rising_key(x[i]), (uint32_t)i};
    TARN_TRY(sort(&items, n, err));
    for (int64_t i = 0; i < n; i++) rows[i] = items[i].row;
    *out = rows;
    rows = NULL;
done:
    tarn_free(items);
    tarn_free(rows);
    return rc;
}

tarn_code tarn_order_by(const int64_t *key, int64_t n, uint32_t *rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    item *items = NULL;

    TARN_TRY(tarn_alloc(&items, (size_t)n, sizeof(*items), err));
    for (int64_t i = 0; i < n; i++)
        items[i] = (item){(uint64_t)key[rows[i]] ^ UINT64_C(1) << 63, rows[i]}; /* negative ones first */
    TARN_TRY(sort(&items, n, err));
    for (int64_t i = 0; i < n; i++) rows[i] = items[i].row;
done:
    tarn_free(items);
    return rc;
}
