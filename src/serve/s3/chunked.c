/* SPDX-License-Identifier: Apache-2.0 */
/* chunked.c - a machine of five states over a body in AWS chunks. See chunked.h.
 *
 *     HEAD -> DATA -> AFTER -> HEAD ...          a chunk
 *     HEAD -> (size 0) TRAILERS or LAST -> OVER  the end
 *
 * Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", and "... with
 * trailing headers", Amazon S3 API Reference. */
#include "serve/s3/chunked.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 1024, TRAILERS_MOST = 8192 };

typedef enum state { HEAD, DATA, AFTER, TRAILERS, LAST, OVER } state;

struct tarn_chunked {
    tarn_chunked_options o;
    state state;
    char line[LINE_MOST];
    size_t line_len;
    uint64_t left; /* of the chunk's bytes */
    char before[TARN_SIGV4_HEX], claimed[TARN_SIGV4_HEX];
    tarn_hasher *hasher;
    tarn_text trailers; /* as they are signed */
    bool trailers_signed;
};

tarn_code tarn_chunked_new(const tarn_chunked_options *options, tarn_chunked **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    (*out)->o = *options;
    (void)snprintf((*out)->before, sizeof(*out)->before, "%s", options->seed ? options->seed : "");
    return TARN_OK;
}

static tarn_code check_signature(tarn_chunked *c, const tarn_id *hash, bool trailer, tarn_err *err)
{
    char mine[TARN_SIGV4_HEX];
    tarn_code rc = tarn_sigv4_chunk(&c->o.scope, &c->o.key, c->before, hash, trailer, mine, err);

    if (rc != TARN_OK) return rc;
    if (!tarn_sigv4_same(mine, c->claimed))
        return TARN_FAIL(err, TARN_DENIED, "the signature of %s does not match its bytes",
                         trailer ? "the trailing headers" : "a chunk");
    memcpy(c->before, mine, sizeof mine);
    return TARN_OK;
}

/* The chunk has passed. */
static tarn_code chunk_over(tarn_chunked *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id hash;

    if (!c->o.is_signed) return TARN_OK;
    if (!c->hasher) TARN_TRY(tarn_hasher_new(&c->hasher, err)); /* of nothing */
    TARN_TRY(tarn_hasher_end(c->hasher, &hash, err));
    tarn_hasher_free(c->hasher);
    c->hasher = NULL;
    TARN_TRY(check_signature(c, &hash, false, err));
done:
    return rc;
}

/* "1000;chunk-signature=<64 digits>" */
static tarn_code head_line(tarn_chunked *c, tarn_err *err)
{
    static const char name[] = ";chunk-signature=";
    size_t digits = strspn(c->line, "0123456789abcdefABCDEF");
    const char *rest = c->line + digits;

    if (digits == 0 || digits > 15)
        return TARN_FAIL(err, TARN_INVALID, "a chunk begins with its size in hexadecimal, not '%.40s'", c->line);
    c->left = strtoull(c->line, NULL, 16);
    if (c->o.is_signed) {
        if (strncmp(rest, name, sizeof name - 1) != 0 || strlen(rest) != sizeof name - 1 + TARN_SIGV4_HEX - 1)
            return TARN_FAIL(err, TARN_INVALID, "a chunk of a signed body has no chunk-signature of 64 digits");
        memcpy(c->claimed, rest + sizeof name - 1, TARN_SIGV4_HEX);
    } else if (*rest != '\0' && *rest != ';') {
        return TARN_FAIL(err, TARN_INVALID, "a chunk begins with its size in hexadecimal, not '%.40s'", c->line);
    }
    c->state = c->left > 0 ? DATA : c->o.trailer ? TRAILERS : LAST;
    return c->left > 0 ? TARN_OK : chunk_over(c, err);
}

static tarn_code trailer_line(tarn_chunked *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id hash;
    char *colon = strchr(c->line, ':'), *value;

    if (c->line[0] == '\0') {
        c->state = OVER;
        return c->o.is_signed && !c->trailers_signed
                   ? TARN_FAIL(err, TARN_DENIED, "the trailing headers of a signed body are not signed")
                   : TARN_OK;
    }
    if (!colon || c->trailers_signed)
        return TARN_FAIL(err, TARN_INVALID, "'%.60s' is not a trailing header in its place", c->line);
    *colon = '\0';
    for (char *p = c->line; *p; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    value = colon + 1 + strspn(colon + 1, " \t");
    if (strcmp(c->line, "x-amz-trailer-signature") == 0) {
        if (!c->o.is_signed) return TARN_OK;
        (void)snprintf(c->claimed, sizeof c->claimed, "%s", value);
        TARN_TRY(tarn_digest(c->trailers.data ? c->trailers.data : "", c->trailers.len, &hash, err));
        TARN_TRY(check_signature(c, &hash, true, err));
        c->trailers_signed = true;
        return TARN_OK;
    }
    if (c->trailers.len + strlen(value) > TRAILERS_MOST)
        return TARN_FAIL(err, TARN_LIMIT, "the trailing headers have more than %d bytes", (int)TRAILERS_MOST);
    tarn_text_addf(&c->trailers, "%s:%s\n", c->line, value);
    TARN_TRY(tarn_text_check(&c->trailers, err));
    rc = c->o.told ? c->o.told(c->o.arg, c->line, value, err) : TARN_OK;
done:
    return rc;
}

static tarn_code empty_line(tarn_chunked *c, state next, tarn_err *err)
{
    c->state = next;
    return c->line[0] == '\0' ? TARN_OK
                              : TARN_FAIL(err, TARN_INVALID, "a chunk is longer than it says, or its end is missing");
}

static tarn_code whole_line(tarn_chunked *c, tarn_err *err)
{
    switch (c->state) {
    case HEAD: return head_line(c, err);
    case AFTER: return empty_line(c, HEAD, err);
    case LAST: return empty_line(c, OVER, err);
    default: return trailer_line(c, err);
    }
}

/* Bytes up to the end of a line; *taken of them are read. */
static tarn_code take_line(tarn_chunked *c, const char *bytes, size_t len, size_t *taken, tarn_err *err)
{
    const char *end = memchr(bytes, '\n', len);

    *taken = end ? (size_t)(end - bytes) + 1 : len;
    if (c->line_len + *taken >= sizeof c->line || memchr(bytes, '\0', *taken))
        return TARN_FAIL(err, TARN_INVALID, "a line between chunks is longer than %d bytes or not text",
                         (int)LINE_MOST);
    memcpy(c->line + c->line_len, bytes, *taken);
    c->line_len += *taken;
    if (!end) return TARN_OK;
    c->line_len--;
    if (c->line_len > 0 && c->line[c->line_len - 1] == '\r') c->line_len--;
    c->line[c->line_len] = '\0';
    c->line_len = 0;
    return whole_line(c, err);
}

static tarn_code take_data(tarn_chunked *c, const char *bytes, size_t len, size_t *taken, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *taken = len < c->left ? len : (size_t)c->left;
    if (c->o.is_signed) {
        if (!c->hasher) TARN_TRY(tarn_hasher_new(&c->hasher, err));
        TARN_TRY(tarn_hasher_add(c->hasher, bytes, *taken, err));
    }
    TARN_TRY(c->o.give(c->o.arg, bytes, *taken, err));
    c->left -= *taken;
    if (c->left > 0) goto done;
    c->state = AFTER;
    TARN_TRY(chunk_over(c, err));
done:
    return rc;
}

tarn_code tarn_chunked_add(tarn_chunked *c, const char *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t taken = 0; len > 0 && rc == TARN_OK; bytes += taken, len -= taken) {
        if (c->state == OVER) return TARN_FAIL(err, TARN_INVALID, "bytes follow the end of the chunks");
        rc = c->state == DATA ? take_data(c, bytes, len, &taken, err) : take_line(c, bytes, len, &taken, err);
    }
    return rc;
}

tarn_code tarn_chunked_end(tarn_chunked *c, tarn_err *err)
{
    /* Some clients leave the empty line behind the last chunk out. */
    if (c->state == OVER || (c->state == LAST && c->line_len == 0)) return TARN_OK;
    if (c->state == TRAILERS && c->line_len == 0 && (!c->o.is_signed || c->trailers_signed)) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "the body ends inside its chunks");
}

void tarn_chunked_free(tarn_chunked *c)
{
    if (!c) return;
    tarn_hasher_free(c->hasher);
    tarn_text_clear(&c->trailers);
    tarn_free(c);
}
