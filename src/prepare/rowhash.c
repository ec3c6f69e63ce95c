/* SPDX-License-Identifier: Apache-2.0 */
/* rowhash.c - a number for the content of a row. See rowhash.h.
 *
 * Values are mixed by the finisher of MurmurHash3 (64 bits); texts are first folded by FNV-1a. The result is a name,
 * not a random number: who needs one puts it through Philox. Source: Appleby, MurmurHash3 fmix64; Fowler, Noll, Vo,
 * FNV-1a 64 bits
 */
#include "prepare/rowhash.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xFF51AFD7ED558CCDu;
    x ^= x >> 33;
    x *= 0xC4CEB9FE1A85EC53u;
    return x ^ x >> 33;
}

static uint64_t hash_text(const char *text, int32_t len)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (int32_t i = 0; i < len; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
    return h;
}

bool tarn_value_bits(const tarn_column *c, int64_t row, uint64_t *out)
{
    double x;

    if (!tarn_column_has(c, row)) return false;
    switch (c->type) {
    case TARN_BOOL: *out = ((const uint8_t *)c->values)[row] != 0; return true;
    case TARN_INT:
    case TARN_TIME: *out = (uint64_t)((const int64_t *)c->values)[row]; return true;
    case TARN_TEXT: *out = (uint64_t)((const int32_t *)c->values)[row]; return true;
    case TARN_REAL:
        x = ((const double *)c->values)[row] + 0.0; /* -0 is 0 */
        memcpy(out, &x, sizeof x);
        return !isnan(x);
    }
    return false;
}

static tarn_code add_column(const tarn_column *c, uint64_t *hash, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t *words = NULL, v;

    if (c->type == TARN_TEXT) {
        TARN_TRY(tarn_alloc(&words, (size_t)c->words, sizeof *words, err));
        for (int32_t w = 0; w < c->words; w++) {
            int32_t len;
            const char *text = tarn_column_word(c, w, &len);
            words[w] = hash_text(text, len);
        }
    }
    for (int64_t i = 0; i < c->rows; i++) {
        uint64_t h = hash[i] * 0x9E3779B97F4A7C15u;
        if (!tarn_value_bits(c, i, &v)) hash[i] = mix(h + 1);
        else hash[i] = mix(h ^ mix((words ? words[v] : v) + 0x632BE59BD9B4E019u));
    }
done:
    tarn_free(words);
    return rc;
}

tarn_code tarn_row_hashes(const tarn_columns *c, const int *cols, int n_cols, uint64_t *hash, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t rows = tarn_columns_rows(c);

    for (int64_t i = 0; i < rows; i++) hash[i] = n_cols > 0 ? 0x243F6A8885A308D3u : mix((uint64_t)i + 1);
    for (int k = 0; k < n_cols; k++) TARN_TRY(add_column(tarn_columns_at(c, cols[k]), hash, err));
done:
    return rc;
}

bool tarn_rows_equal(const tarn_columns *c, const int *cols, int n_cols, int64_t a, int64_t b)
{
    for (int k = 0; k < n_cols; k++) {
        const tarn_column *col = tarn_columns_at(c, cols[k]);
        uint64_t x = 0, y = 0;
        bool has = tarn_value_bits(col, a, &x);
        if (has != tarn_value_bits(col, b, &y) || (has && x != y)) return false;
    }
    return true;
}
