/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h. */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *tarn_base64_write(const void *bytes, size_t len, char *out)
{
    const uint8_t *p = bytes;
    char *to = out;

    for (; len >= 3; len -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int shift = 18; shift >= 0; shift -= 6) *to++ = letters[(v >> shift) & 63];
    }
    if (len > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0);
        *to++ = letters[v >> 18];
        *to++ = letters[(v >> 12) & 63];
        *to++ = '=';
        if (len > 1) to[-1] = letters[(v >> 6) & 63];
        *to++ = '=';
    }
    *to = '\0';
    return out;
}

bool tarn_base64_read(const char *text, size_t text_len, void *out, size_t cap, size_t *len)
{
    uint8_t *to = out;
    uint32_t v = 0;
    size_t pad = 0;

    *len = 0;
    if (text_len % 4 != 0) return false;
    for (size_t i = 0; i < text_len; i++) {
        const char *at = text[i] ? strchr(letters, text[i]) : NULL;
        if (text[i] == '=' && i + 2 >= text_len) pad++;
        else if (!at || pad > 0) return false;
        v = v << 6 | (at ? (uint32_t)(at - letters) : 0);
        if (i % 4 != 3) continue;
        if (*len + 3 - pad > cap || (pad > 0 && (v & (pad == 1 ? 0xffu : 0xffffu)) != 0)) return false;
        for (size_t k = 0; k < 3 - pad; k++) to[(*len)++] = (uint8_t)(v >> (16 - 8 * k));
        v = 0;
    }
    return true;
}
