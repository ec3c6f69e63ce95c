/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - writing and reading what a lake is. See format.h. */
#include "lake/format.h"

#include "lake/bytes.h"

#include <stdio.h>
#include <string.h>

static const char *const pins[][2] = {
    {"hash", "sha256"},
    {"chunks", "fastcdc 8192 65536 131072"},
    {"tree", "keys 512 4096 16384"},
};

static const char encryption[] = "aes-256-gcm hkdf-sha256 hmac-sha256";

/* The last member: the CRC-32C of all before it, so that damage is not taken for a newer version. */
static const char check_member[] = ",\n  \"check\": \"";

bool tarn_format_is_local(const tarn_format *f) { return strcmp(f->store, "disk:.") == 0 && !f->meta[0]; }

tarn_code tarn_format_write(const tarn_format *f, bool places, tarn_text *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_text_addf(out, "{\n  \"what\": \"tarn lake\",\n  \"version\": %d", f->encrypted ? 2 : 1);
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        tarn_text_addf(out, ",\n  \"%s\": \"%s\"", pins[i][0], pins[i][1]);
    /* URLs have no '"' and no '\': tarn_place_ok saw to it */
    if (places) tarn_text_addf(out, ",\n  \"packs\": \"%s\"", f->store);
    if (places && f->meta[0]) tarn_text_addf(out, ",\n  \"meta\": \"%s\"", f->meta);
    if (f->encrypted) tarn_text_addf(out, ",\n  \"encryption\": \"%s\"", encryption);
    if (f->id[0]) tarn_text_addf(out, ",\n  \"id\": \"%s\"", f->id);
    TARN_TRY(tarn_text_check(out, err));
    tarn_text_addf(out, "%s%08x\"\n}\n", check_member, tarn_crc32c(0, out->data, out->len));
    rc = tarn_text_check(out, err);
done:
    return rc;
}

/* A text without the member is believed: one that a person has changed on purpose. */
static bool is_whole(const char *text, size_t len)
{
    const char *at = memmem(text, len, check_member, sizeof check_member - 1);
    char end[sizeof check_member + 16];

    if (!at) return true;
    int n = snprintf(end, sizeof end, "%s%08x\"\n}\n", check_member, tarn_crc32c(0, text, (size_t)(at - text)));
    return len - (size_t)(at - text) == (size_t)n && memcmp(at, end, (size_t)n) == 0;
}

static tarn_code take(const json_t *o, const char *what, tarn_format *out, tarn_err *err)
{
    int64_t version = json_integer_value(json_object_get(o, "version"));
    const char *store = tarn_json_text(o, "packs", ""), *meta = tarn_json_text(o, "meta", "");
    const char *id = tarn_json_text(o, "id", "");

    if (strcmp(tarn_json_text(o, "what", ""), "tarn lake") != 0 || version < 1 || strlen(store) >= sizeof out->store ||
        strlen(meta) >= sizeof out->meta || strlen(id) >= sizeof out->id)
        return TARN_FAIL(err, TARN_CORRUPT, "'%s' is damaged: it does not describe a lake", what);
    if (version > TARN_LAKE_VERSION)
        return TARN_FAIL(err, TARN_UNSUPPORTED,
                         "the lake '%s' has format version %lld; this tarn knows up to %d: use a newer tarn", what,
                         (long long)version, TARN_LAKE_VERSION);
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        if (strcmp(tarn_json_text(o, pins[i][0], pins[i][1]), pins[i][1]) != 0)
            return TARN_FAIL(err, TARN_UNSUPPORTED,
                             "the lake '%s' has %s '%.60s'; this tarn knows '%s': use a newer tarn", what, pins[i][0],
                             tarn_json_text(o, pins[i][0], ""), pins[i][1]);
    out->encrypted = version > 1 && json_object_get(o, "encryption") != NULL;
    (void)strcpy(out->store, store);
    (void)strcpy(out->meta, meta);
    (void)strcpy(out->id, id);
    return TARN_OK;
}

tarn_code tarn_format_read(const char *text, size_t len, const char *what, tarn_format *out, tarn_err *err)
{
    json_t *o = NULL;

    if (!is_whole(text, len))
        return TARN_FAIL(
            err, TARN_CORRUPT,
            "'%s' is damaged; copy it from another copy of the lake, or 'tarn lake fsck --repair' makes it "
            "again (if it was changed on purpose, take its member 'check' out)",
            what);
    tarn_code rc = tarn_json_read(text, len, "the lake's file 'format'", &o, err);

    if (rc == TARN_INVALID) rc = TARN_CORRUPT;
    if (rc == TARN_OK) rc = take(o, what, out, err);
    json_decref(o);
    return rc;
}
