/* SPDX-License-Identifier: Apache-2.0 */
/* conditions.c - when a request only wants to be answered if, and which bytes of it. RFC 9110, sections 13 and 14. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a list of entity tags, or '*', holds this one. */
static bool tag_listed(const char *list, const char *etag)
{
    size_t n = strlen(etag);

    if (strcmp(list, "*") == 0) return true;
    for (const char *p = list; *p;) {
        p += strspn(p, " ,");
        if (strncmp(p, "W/", 2) == 0) p += 2;
        bool quoted = *p == '"';
        p += quoted;
        size_t len = strcspn(p, quoted ? "\"" : " ,");
        if (len == n && strncmp(p, etag, n) == 0) return true;
        p += len + (p[len] == '"');
    }
    return false;
}

static const char *header_of(tarn_s3_call *call, const char *prefix, const char *name)
{
    char full[80];

    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    return tarn_s3_header(call, full);
}

tarn_code tarn_s3_conditions(tarn_s3_call *call, const char *prefix, const char *etag, int64_t time_us,
                             bool *not_modified, tarn_err *err)
{
    const char *match = header_of(call, prefix, "If-Match"), *none = header_of(call, prefix, "If-None-Match");
    const char *since = header_of(call, prefix, "If-Modified-Since"),
               *before = header_of(call, prefix, "If-Unmodified-Since");
    int64_t us;
    bool failed = false, old = false;

    *not_modified = false;
    if (match) failed = !etag || !tag_listed(match, etag);
    else if (before && tarn_s3_read_date(before, &us)) failed = time_us / 1000000 > us / 1000000;
    if (none) old = etag && tag_listed(none, etag);
    else if (since && tarn_s3_read_date(since, &us)) old = time_us / 1000000 <= us / 1000000;
    if (!failed && !old) return TARN_OK;
    if (!failed && !*prefix && (strcmp(call->x->method, "GET") == 0 || strcmp(call->x->method, "HEAD") == 0)) {
        *not_modified = true;
        return TARN_OK;
    }
    return tarn_s3_fail(call, err, TARN_S3_PreconditionFailed,
                        "At least one of the pre-conditions you specified did not hold");
}

static bool digits(const char **p, uint64_t *out)
{
    size_t n = strspn(*p, "0123456789");

    if (n == 0) return false;
    *out = n > 18 ? UINT64_MAX / 2 : strtoull(*p, NULL, 10);
    *p += n;
    return true;
}

tarn_code tarn_s3_range(tarn_s3_call *call, const char *range, uint64_t size, bool *found, uint64_t *at,
                        uint64_t *length, tarn_err *err)
{
    uint64_t from = 0, to = UINT64_MAX;
    const char *p = range;

    *found = false;
    *at = 0;
    *length = size;
    if (!range || strncmp(range, "bytes=", 6) != 0) return TARN_OK;
    p += 6;
    bool first = digits(&p, &from);
    if (*p++ != '-') return TARN_OK;
    bool last = digits(&p, &to);
    if (*p || (!first && !last) || (first && last && to < from)) return TARN_OK; /* several, or none: all of it */
    if (!first) from = to < size ? size - to : 0;
    if (from >= size || (!first && to == 0)) {
        tarn_s3_reply_header(call, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return tarn_s3_fail(call, err, TARN_S3_InvalidRange, "The requested range is not satisfiable");
    }
    *found = true;
    *at = from;
    *length = (first && last && to < size ? to + 1 : size) - from;
    return TARN_OK;
}
