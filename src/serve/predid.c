/* SPDX-License-Identifier: Apache-2.0 */
/* predid.c - ids of predictions and names of segments. See predlog.h.
 *
 * Both are written in Crockford's 32 digits, which leave out i, l, o and u. The check is ten bits of a polynomial sum
 * over everything before it: any one wrong character and any two that changed places are noticed, others 1,023 times in
 * 1,024. */
#include "base/str.h"
#include "serve/predlog.h"

#include <stdio.h>
#include <string.h>

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void put_digits(uint64_t x, int n, char *out)
{
    for (int i = n; i-- > 0; x >>= 5) out[i] = digits[x & 31];
}

void tarn_segment_name(int64_t now_us, uint64_t salt, char out[TARN_SEGMENT_NAME])
{
    put_digits((uint64_t)now_us / 1000, 9, out);
    put_digits(salt, 4, out + 9);
    out[13] = '\0';
}

bool tarn_segment_name_valid(const char *name, size_t len)
{
    if (len != TARN_SEGMENT_NAME - 1) return false;
    for (size_t i = 0; i < len; i++)
        if (!name[i] || !strchr(digits, name[i])) return false;
    return true;
}

/* CRC with x^10+x^9+x^5+x^4+x+1 (CRC-10/ATM, 0x233). */
static void put_check(const char *text, size_t len, char out[3])
{
    uint32_t crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)(unsigned char)text[i] << 2;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x200 ? (crc << 1 ^ 0x233) & 0x3FF : crc << 1;
    }
    put_digits(crc, 2, out);
    out[2] = '\0';
}

const char *tarn_prediction_id(const char *segment, int64_t line, char out[TARN_PREDICTION_ID])
{
    char number[24], *at = number + sizeof number;
    size_t n = 2, len;

    memcpy(out, "p-", 2);
    memcpy(out + n, segment, TARN_SEGMENT_NAME - 1);
    n += TARN_SEGMENT_NAME - 1;
    out[n++] = '-';
    do *--at = (char)('0' + line % 10);
    while ((line /= 10) > 0);
    len = (size_t)(number + sizeof number - at);
    memcpy(out + n, at, len);
    n += len;
    put_check(out, n, out + n + 1);
    out[n] = '-';
    return out;
}

tarn_code tarn_prediction_id_read(const char *id, char segment[TARN_SEGMENT_NAME], int64_t *line, tarn_err *err)
{
    char same[TARN_PREDICTION_ID];
    const char *number = id + 2 + TARN_SEGMENT_NAME;
    size_t len = strnlen(id, TARN_PREDICTION_ID), places = 0;

    bool shaped = len < TARN_PREDICTION_ID && len > 2 + TARN_SEGMENT_NAME && memcmp(id, "p-", 2) == 0 &&
                  number[-1] == '-' && tarn_segment_name_valid(id + 2, TARN_SEGMENT_NAME - 1);
    if (shaped) places = strspn(number, "0123456789");
    if (places == 0 || places > 15 || !tarn_int_parse(number, places, line))
        return TARN_FAIL(err, TARN_INVALID, "'%.60s' is not the id of a prediction, such as p-01jd8m3xq7a3f-152-q7",
                         id);
    memcpy(segment, id + 2, TARN_SEGMENT_NAME - 1);
    segment[TARN_SEGMENT_NAME - 1] = '\0';
    if (strcmp(tarn_prediction_id(segment, *line, same), id) != 0)
        return TARN_FAIL(
            err, TARN_INVALID,
            "the prediction id '%.60s' has a typing error in it: its last two characters do not fit the rest", id);
    return TARN_OK;
}
