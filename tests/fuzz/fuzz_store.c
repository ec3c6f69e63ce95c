/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_store.c - any bytes as what a store or one who asks us sends: XML, an Authorization header, a credentials file,
 * the URL of a store, a lake's description. Refused; or read, within bounds. The first byte chooses.
 *
 * Build with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line. */
#include "base/file.h"
#include "base/mem.h"
#include "base/sigv4.h"
#include "base/xml.h"
#include "lake/format.h"
#include "lake/remote.h"
#include "lake/s3_login.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tarn_code see(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    (void)err;
    if (strlen(path) > 2000 || (text && strlen(text) > len)) abort();
    *(size_t *)arg += len;
    return TARN_OK;
}

static void use_signature(const char *text)
{
    tarn_sigv4_claim claim;
    tarn_sigv4_pair query[] = {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                               {"X-Amz-Credential", text},
                               {"X-Amz-SignedHeaders", text},
                               {"X-Amz-Signature", text},
                               {"X-Amz-Date", text},
                               {"X-Amz-Expires", text}};
    tarn_sigv4 r = {.method = "GET",
                    .path = text,
                    .query = query,
                    .n_query = 6,
                    .payload = "x",
                    .time = "20130524T000000Z",
                    .region = "r",
                    .service = "s3"};
    tarn_text canonical = {0};

    if (tarn_sigv4_read(text, &claim, NULL) == TARN_OK &&
        (strlen(claim.signature) != 64 || strlen(claim.date) != 8 || !claim.access[0] || !claim.signed_headers[0]))
        abort();
    if (tarn_sigv4_read_query(query, 6, &claim, NULL) == TARN_OK) abort(); /* no text is all of these */
    if (tarn_sigv4_canonical(&r, &canonical, NULL) == TARN_OK && !strstr(canonical.data, "GET\n/")) abort();
    tarn_text_clear(&canonical);
}

static void use_url(const char *text)
{
    tarn_remote r;

    if (tarn_remote_open(&r, "s3", text, NULL) == TARN_OK && (!r.bucket[0] || strstr(r.prefix, ".."))) abort();
    tarn_remote_clear(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t seen = 0;
    char *text = NULL;
    tarn_s3_login login;
    tarn_format format;

    if (len < 1 || tarn_strndup((const char *)bytes + 1, len - 1, &text, NULL) != TARN_OK) return 0;
    switch (bytes[0] % 5) {
    case 0: (void)!tarn_xml_read(text, len - 1, 1 << 20, "it", see, &seen, NULL); break;
    case 1: use_signature(text); break;
    case 2:
        if (tarn_s3_login_parse(text, "default", &login) && (!login.access[0] || !login.secret[0])) abort();
        break;
    case 3: use_url(text); break;
    default: (void)!tarn_format_read(text, len - 1, "it", &format, NULL); break;
    }
    tarn_free(text);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
