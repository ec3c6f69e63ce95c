/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_authorization.c - any bytes as an Authorization header, a Cookie header and a login form: refused with a
 * message, or read into what fits its place. A Basic header that is read gives the same when it is written again and
 * read.
 *
 * Build with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line. */
#include "base/file.h"
#include "base/mem.h"
#include "replay.h"
#include "serve/authorization.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_base64(const char *bytes, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t x = 0;
        for (size_t k = 0; k < 3; k++) x = x << 8 | (i + k < len ? (uint8_t)bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++) *out++ = i + k > len ? '=' : digits[x >> (18 - 6 * k) & 63];
    }
    *out = '\0';
}

static void check_header(const char *text)
{
    tarn_auth a, again;
    tarn_err err = {0};
    char plain[TARN_AUTH_USER + TARN_AUTH_SECRET], header[2000] = "Basic ";

    if (tarn_auth_read(text, &a, &err) != TARN_OK) {
        if (err.msg[0] == '\0') abort();
        return;
    }
    if (strlen(a.secret) != a.len || strlen(a.user) >= sizeof a.user) abort();
    if (!a.basic) return;
    int n = snprintf(plain, sizeof plain, "%s:%s", a.user, a.secret);
    write_base64(plain, (size_t)n, header + 6);
    if (tarn_auth_read(header, &again, &err) != TARN_OK || strcmp(a.user, again.user) != 0 ||
        strcmp(a.secret, again.secret) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = NULL, small[16];

    if (tarn_alloc(&text, len + 1, 1, NULL) != TARN_OK) return 0;
    if (len > 0) memcpy(text, bytes, len);
    check_header(text);
    if (tarn_cookie_find(text, "tarn", small, sizeof small) && strlen(small) >= sizeof small) abort();
    if (tarn_form_find(text, len, "user", small, sizeof small) && strlen(small) >= sizeof small) abort();
    tarn_free(text);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
