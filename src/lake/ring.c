/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - see ring.h. Keys are wiped when they are no longer needed. */
#include "lake/ring.h"

#include "base/mem.h"
#include "base/sink.h"
#include "base/str.h"
#include "lake/bytes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GENERATIONS = 4096, PASSES = 3, MIB = 64, WRAPPED = TARN_NONCE + TARN_KEY_BYTES + TARN_SEAL_TAG };

typedef struct generation {
    tarn_key key;
    tarn_mac *pieces;
    int64_t made_us;
} generation;

struct tarn_ring {
    atomic_int others; /* who share it */
    char lake[33];
    tarn_cipher *cipher;
    tarn_key root;
    tarn_mac *names;
    generation *generations;
    uint32_t n;
};

/* ---- text ---- */

static void to_hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool from_hex(const char *text, uint8_t *out, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(text) != 2 * len) return false;
    for (size_t i = 0; i < 2 * len; i++) {
        const char *at = strchr(digits, text[i]);
        if (!at) return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | (at - digits) : (at - digits) << 4);
    }
    return true;
}

static tarn_code damaged(tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT,
                     "the lake's sealed keys are damaged; restore the metadata or .tarn/keys from a "
                     "copy");
}

static tarn_code read_text(const char *text, size_t len, json_t **out, tarn_err *err)
{
    tarn_code rc = tarn_json_read(text, len, "the lake's keys", out, NULL);

    if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "no memory for the lake's keys");
    if (rc != TARN_OK) return damaged(err);
    if (json_is_object(*out) && strcmp(tarn_json_text(*out, "what", ""), "tarn keys") == 0) {
        if (json_integer_value(json_object_get(*out, "version")) == 1) return TARN_OK;
        rc = TARN_FAIL(err, TARN_UNSUPPORTED, "the lake's keys are of another version; use a newer tarn");
    } else {
        rc = damaged(err);
    }
    json_decref(*out);
    *out = NULL;
    return rc;
}

tarn_code tarn_ring_look(const char *text, size_t len, tarn_key_status *out, tarn_err *err)
{
    json_t *o = NULL;
    tarn_code rc = read_text(text, len, &o, err);

    if (rc != TARN_OK) return rc;
    const json_t *kek = json_object_get(o, "kek"), *all = json_object_get(o, "generations");
    const char *kind = tarn_json_text(kek, "kind", ""), *lake = tarn_json_text(o, "lake", "");
    *out = (tarn_key_status){.kind = strcmp(kind, "file") == 0         ? TARN_KEY_FILE
                                     : strcmp(kind, "passphrase") == 0 ? TARN_KEY_PASSPHRASE
                                                                       : TARN_KEY_NONE,
                             .generations = (int)json_array_size(all),
                             .passes = json_integer_value(json_object_get(kek, "passes")),
                             .mib = json_integer_value(json_object_get(kek, "mib"))};
    if (out->kind == TARN_KEY_NONE || strlen(lake) != 32 || out->generations < 1 || out->generations > MOST_GENERATIONS)
        rc = damaged(err);
    else
        out->made_us =
            json_integer_value(json_object_get(json_array_get(all, (size_t)out->generations - 1), "made_us"));
    if (rc == TARN_OK) memcpy(out->lake, lake, 33);
    json_decref(o);
    return rc;
}

/* ---- the key that seals the keys ---- */

static void from_environment(const tarn_lake_key *key, tarn_lake_key *out)
{
    *out = key ? *key : (tarn_lake_key){.file = NULL};
    if (out->file || out->passphrase) return;
    out->file = getenv("TARN_KEY_FILE");
    if (out->file && !*out->file) out->file = NULL;
    out->passphrase = getenv("TARN_PASSPHRASE"); /* beside the file: each lake takes the one of its kind */
    if (out->passphrase && !*out->passphrase) out->passphrase = NULL;
}

static tarn_code no_key(tarn_key_kind kind, tarn_err *err)
{
    return TARN_FAIL(err, TARN_DENIED, "the lake is encrypted and no %s was given; set %s",
                     kind == TARN_KEY_FILE ? "key file" : "passphrase",
                     kind == TARN_KEY_FILE ? "TARN_KEY_FILE to the path of its key file" : "TARN_PASSPHRASE");
}

/* The costs come from outside: they are not to take all of the machine. */
static tarn_code key_of_passphrase(const char *passphrase, const uint8_t salt[TARN_SALT], const json_t *kek,
                                   tarn_key *out, tarn_err *err)
{
    int64_t passes = json_integer_value(json_object_get(kek, "passes")),
            mib = json_integer_value(json_object_get(kek, "mib"));

    if (passes < 1 || passes > 16 || mib < 8 || mib > 1024)
        return TARN_FAIL(err, TARN_LIMIT, "%lld passes over %lld MiB for a passphrase are out of bounds (16, 1024 MiB)",
                         (long long)passes, (long long)mib);
    const tarn_secret_cost cost = {.passes = (uint32_t)passes, .mib = (uint32_t)mib};
    return tarn_secret_derive(passphrase, strlen(passphrase), salt, cost, out->b, sizeof out->b, err);
}

/* From the outer key, of the kind that the text says, the one that seals. */
static tarn_code kek_of(const json_t *o, const tarn_lake_key *given, tarn_key *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *kek = json_object_get(o, "kek");
    bool file = strcmp(tarn_json_text(kek, "kind", ""), "file") == 0;
    const char *lake = tarn_json_text(o, "lake", "");
    uint8_t salt[TARN_SALT];
    tarn_key outer = {{0}};

    if (file ? !given->file : !given->passphrase) return no_key(file ? TARN_KEY_FILE : TARN_KEY_PASSPHRASE, err);
    if (file) {
        TARN_TRY(tarn_key_read(given->file, &outer, err));
    } else {
        if (!from_hex(tarn_json_text(kek, "salt", ""), salt, sizeof salt)) return damaged(err);
        TARN_TRY(key_of_passphrase(given->passphrase, salt, kek, &outer, err));
    }
    TARN_TRY(tarn_key_derive(&outer, lake, strlen(lake), "tarn kek", out, err));
done:
    tarn_secret_wipe(&outer, sizeof outer);
    return rc;
}

static json_t *kek_json(const tarn_lake_key *key, tarn_err *err)
{
    uint8_t salt[TARN_SALT];
    char hex[2 * TARN_SALT + 1];

    if (key->file) return json_pack("{s:s}", "kind", "file");
    if (tarn_secret_random(salt, sizeof salt, err) != TARN_OK) return NULL;
    to_hex(salt, sizeof salt, hex);
    return json_pack("{s:s, s:s, s:i, s:i}", "kind", "passphrase", "salt", hex, "passes", PASSES, "mib", MIB);
}

static tarn_code wrap(tarn_cipher *c, const tarn_key *kek, const char *lake, int number, const tarn_key *key,
                      char out[2 * WRAPPED + 1], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t bytes[WRAPPED];
    char beside[64];

    int n = snprintf(beside, sizeof beside, number < 0 ? "%s root" : "%s %d", lake, number);
    TARN_TRY(tarn_secret_random(bytes, TARN_NONCE, err));
    TARN_TRY(tarn_seal(c, kek, bytes, beside, (size_t)n, key->b, sizeof key->b, bytes + TARN_NONCE, err));
    to_hex(bytes, sizeof bytes, out);
done:
    return rc;
}

/* TARN_CORRUPT: another kek, or changed. */
static tarn_code unwrap(tarn_cipher *c, const tarn_key *kek, const char *lake, int number, const char *text,
                        tarn_key *out, tarn_err *err)
{
    uint8_t bytes[WRAPPED];
    char beside[64];

    int n = snprintf(beside, sizeof beside, number < 0 ? "%s root" : "%s %d", lake, number);
    if (!from_hex(text, bytes, sizeof bytes)) return damaged(err);
    return tarn_unseal(c, kek, bytes, beside, (size_t)n, bytes + TARN_NONCE, sizeof bytes - TARN_NONCE, out->b, err);
}

/* ---- the ring ---- */

tarn_ring *tarn_ring_share(tarn_ring *r)
{
    (void)atomic_fetch_add(&r->others, 1);
    return r;
}

void tarn_ring_free(tarn_ring *r)
{
    if (!r || atomic_fetch_sub(&r->others, 1) > 0) return;
    for (uint32_t i = 0; i < r->n; i++) tarn_mac_free(r->generations[i].pieces);
    if (r->generations) tarn_secret_wipe(r->generations, r->n * sizeof *r->generations);
    tarn_free(r->generations);
    tarn_mac_free(r->names);
    tarn_cipher_free(r->cipher);
    tarn_secret_wipe(r, sizeof *r);
    tarn_free(r);
}

static tarn_code set_root(tarn_ring *r, tarn_err *err)
{
    tarn_key names;
    tarn_code rc = tarn_key_derive(&r->root, NULL, 0, "names", &names, err);

    if (rc == TARN_OK) rc = tarn_mac_new(names.b, &r->names, err);
    tarn_secret_wipe(&names, sizeof names);
    return rc;
}

static tarn_code set_generation(generation *g, tarn_err *err)
{
    tarn_key pieces;
    tarn_code rc = tarn_key_derive(&g->key, NULL, 0, "pieces", &pieces, err);

    if (rc == TARN_OK) rc = tarn_mac_new(pieces.b, &g->pieces, err);
    tarn_secret_wipe(&pieces, sizeof pieces);
    return rc;
}

static tarn_code wrong_key(const json_t *o, const tarn_lake_key *given, tarn_err *err)
{
    if (strcmp(tarn_json_text(json_object_get(o, "kek"), "kind", ""), "file") != 0)
        return TARN_FAIL(err, TARN_DENIED, "this is not the lake's passphrase; nothing was read or changed");
    return TARN_FAIL(err, TARN_DENIED, "'%.150s' is not the lake's key; nothing was read or changed", given->file);
}

static tarn_code fill(tarn_ring *r, const json_t *o, const tarn_key *kek, const tarn_lake_key *given, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *all = json_object_get(o, "generations");

    (void)snprintf(r->lake, sizeof r->lake, "%s", tarn_json_text(o, "lake", ""));
    rc = unwrap(r->cipher, kek, r->lake, -1, tarn_json_text(o, "root", ""), &r->root, err);
    if (rc == TARN_CORRUPT) rc = wrong_key(o, given, err);
    if (rc != TARN_OK) return rc;
    TARN_TRY(set_root(r, err));
    TARN_TRY(tarn_alloc(&r->generations, json_array_size(all), sizeof *r->generations, err));
    for (; r->n < json_array_size(all); r->n++) {
        const json_t *one = json_array_get(all, r->n);
        generation *g = &r->generations[r->n];
        rc = unwrap(r->cipher, kek, r->lake, (int)r->n + 1, tarn_json_text(one, "key", ""), &g->key, err);
        if (rc == TARN_CORRUPT) rc = damaged(err);
        TARN_TRY(rc);
        g->made_us = json_integer_value(json_object_get(one, "made_us"));
        TARN_TRY(set_generation(g, err));
    }
done:
    return rc;
}

tarn_code tarn_ring_open(const char *text, size_t len, const tarn_lake_key *key, tarn_ring **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_ring *r = NULL;
    json_t *o = NULL;
    tarn_key kek = {{0}};
    tarn_lake_key given;
    tarn_key_status status;

    *out = NULL;
    from_environment(key, &given);
    TARN_TRY(tarn_ring_look(text, len, &status, err));
    TARN_TRY(read_text(text, len, &o, err));
    TARN_TRY(kek_of(o, &given, &kek, err));
    TARN_TRY(tarn_alloc(&r, 1, sizeof *r, err));
    TARN_TRY(tarn_cipher_new(&r->cipher, err));
    TARN_TRY(fill(r, o, &kek, &given, err));
    *out = r;
    r = NULL;
done:
    tarn_secret_wipe(&kek, sizeof kek);
    tarn_ring_free(r);
    json_decref(o);
    return rc;
}

/* The text of a ring's keys and, behind them, of a fresh one. */
static tarn_code write_keys(const tarn_ring *r, const json_t *o, const tarn_key *kek, json_t *all, char *hex,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *lake = tarn_json_text(o, "lake", "");
    tarn_key fresh = {{0}};

    for (uint32_t i = 0; i < r->n; i++) {
        TARN_TRY(wrap(r->cipher, kek, lake, (int)i + 1, &r->generations[i].key, hex, err));
        TARN_TRY(tarn_json_append(
            all, json_pack("{s:I, s:s}", "made_us", (json_int_t)r->generations[i].made_us, "key", hex), err));
    }
    TARN_TRY(tarn_secret_random(&fresh, sizeof fresh, err));
    TARN_TRY(wrap(r->cipher, kek, lake, (int)r->n + 1, &fresh, hex, err));
    TARN_TRY(tarn_json_append(all, json_pack("{s:I, s:s}", "made_us", (json_int_t)tarn_now_us(), "key", hex), err));
    TARN_TRY(wrap(r->cipher, kek, lake, -1, &r->root, hex, err));
done:
    tarn_secret_wipe(&fresh, sizeof fresh);
    return rc;
}

tarn_code tarn_ring_rotate(const tarn_ring *r, const tarn_lake_key *key, char **text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *o = NULL, *all = json_array();
    tarn_key kek = {{0}};
    char hex[2 * WRAPPED + 1];

    if (r->n >= MOST_GENERATIONS) {
        rc = TARN_FAIL(err, TARN_LIMIT, "the lake has %u generations of keys, which is the most", r->n);
        goto done;
    }
    if (key->passphrase && !key->file && strlen(key->passphrase) < 8) {
        rc = TARN_FAIL(err, TARN_INVALID, "a passphrase needs at least 8 bytes; better are five random words");
        goto done;
    }
    o = json_pack("{s:s, s:i, s:s, s:o}", "what", "tarn keys", "version", 1, "lake", r->lake, "kek",
                  kek_json(key, err));
    if (!o || !all) {
        rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the lake's keys");
        goto done;
    }
    TARN_TRY(kek_of(o, key, &kek, err));
    TARN_TRY(write_keys(r, o, &kek, all, hex, err));
    TARN_TRY(tarn_json_set(o, "root", json_string(hex), err));
    TARN_TRY(tarn_json_set(o, "generations", json_incref(all), err));
    TARN_TRY(tarn_json_compact(o, text, err));
done:
    tarn_secret_wipe(&kek, sizeof kek);
    json_decref(o);
    json_decref(all);
    return rc;
}

tarn_code tarn_ring_make(const tarn_lake_key *key, char **text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_ring *r = NULL;
    uint8_t number[16];
    tarn_lake_key given;

    from_environment(key, &given);
    if (!given.file && !given.passphrase)
        return TARN_FAIL(err, TARN_DENIED, "an encrypted lake needs a key: a key file or a passphrase");
    TARN_TRY(tarn_alloc(&r, 1, sizeof *r, err));
    TARN_TRY(tarn_cipher_new(&r->cipher, err));
    TARN_TRY(tarn_secret_random(&r->root, sizeof r->root, err));
    TARN_TRY(tarn_secret_random(number, sizeof number, err));
    to_hex(number, sizeof number, r->lake);
    TARN_TRY(tarn_ring_rotate(r, &given, text, err));
done:
    tarn_ring_free(r);
    return rc;
}

/* ---- use ---- */

const char *tarn_ring_lake(const tarn_ring *r) { return r->lake; }
tarn_cipher *tarn_ring_cipher(const tarn_ring *r) { return r->cipher; }
uint32_t tarn_ring_newest(const tarn_ring *r) { return r->n; }

static tarn_code find_generation(const tarn_ring *r, uint32_t number, const generation **out, tarn_err *err)
{
    if (number == 0) return TARN_FAIL(err, TARN_CORRUPT, "sealed bytes name no generation of keys");
    if (number > r->n)
        return TARN_FAIL(err, TARN_DENIED,
                         "sealed with generation %u of the lake's keys, this process knows %u: the key was changed; "
                         "open the lake again with the new one",
                         number, r->n);
    *out = &r->generations[number - 1];
    return TARN_OK;
}

tarn_code tarn_ring_pack_key(const tarn_ring *r, uint32_t number, const uint8_t salt[TARN_PACK_SALT], tarn_key *out,
                             tarn_err *err)
{
    const generation *g = NULL;
    tarn_code rc = find_generation(r, number, &g, err);

    return rc == TARN_OK ? tarn_key_derive(&g->key, salt, TARN_PACK_SALT, "packs", out, err) : rc;
}

void tarn_ring_name(const tarn_ring *r, tarn_kind kind, const tarn_id *id, tarn_id *name)
{
    if (kind == TARN_KIND_COMMIT) *name = *id;
    else tarn_mac_of(r->names, id->b, TARN_ID_BYTES, name->b);
}

void tarn_ring_name_bytes(const tarn_ring *r, const void *bytes, size_t len, tarn_id *name)
{
    uint8_t inner[1 + 32] = {1}; /* 33 bytes: never the name of an id */

    tarn_mac_of(r->names, bytes, len, inner + 1);
    tarn_mac_of(r->names, inner, sizeof inner, name->b);
}

static void piece_key(const generation *g, const uint8_t *salt, tarn_key *out)
{
    tarn_mac_of(g->pieces, salt, TARN_SALT, out->b);
}

tarn_code tarn_ring_seal(const tarn_ring *r, const char *where, const void *bytes, size_t len, uint8_t *out,
                         tarn_err *err)
{
    static const uint8_t nonce[TARN_NONCE]; /* the key is used once */
    tarn_key key;
    tarn_code rc = tarn_secret_random(out + 4, TARN_SALT, err);

    if (rc != TARN_OK) return rc;
    tarn_put32(out, r->n);
    piece_key(&r->generations[r->n - 1], out + 4, &key);
    rc = tarn_seal(r->cipher, &key, nonce, where, strlen(where), bytes, len, out + 4 + TARN_SALT, err);
    tarn_secret_wipe(&key, sizeof key);
    return rc;
}

tarn_code tarn_ring_unseal(const tarn_ring *r, const char *where, const uint8_t *bytes, size_t len, void *out,
                           tarn_err *err)
{
    static const uint8_t nonce[TARN_NONCE];
    const generation *g = NULL;
    tarn_key key;

    if (len < TARN_PIECE_MORE) return TARN_FAIL(err, TARN_CORRUPT, "sealed bytes are cut short");
    tarn_code rc = find_generation(r, tarn_get32(bytes), &g, err);
    if (rc != TARN_OK) return rc;
    piece_key(g, bytes + 4, &key);
    rc =
        tarn_unseal(r->cipher, &key, nonce, where, strlen(where), bytes + 4 + TARN_SALT, len - 4 - TARN_SALT, out, err);
    tarn_secret_wipe(&key, sizeof key);
    return rc;
}
