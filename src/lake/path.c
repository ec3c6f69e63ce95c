/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - what a path may be. Checked when paths come in and again when a stored tree is read. */
#include "lake/inside.h"

#include "base/str.h"

#include <string.h>

static bool part_ok(const char *part, size_t len)
{
    return len > 0 && !(len == 1 && part[0] == '.') && !(len == 2 && part[0] == '.' && part[1] == '.');
}

static tarn_code refuse_bytes(const char *path, size_t len, size_t bad, tarn_err *err)
{
    char shown[201];
    size_t n = len < sizeof shown - 1 ? len : sizeof shown - 1;

    for (size_t i = 0; i < n; i++) shown[i] = (unsigned char)path[i] < 128 ? path[i] : '?';
    shown[n] = '\0';
    return TARN_FAIL(err, TARN_INVALID, "path '%s' is not UTF-8 at byte %zu; rename it", shown, bad);
}

tarn_code tarn_path_check(const char *path, size_t len, tarn_err *err)
{
    size_t bad = 0, from = 0;

    if (len == 0) return TARN_FAIL(err, TARN_INVALID, "an empty path names nothing");
    if (len > 1024)
        return TARN_FAIL(err, TARN_INVALID, "path '%.40s...' has %zu bytes; at most 1,024 are possible", path, len);
    if (!tarn_utf8_valid(path, len, &bad)) return refuse_bytes(path, len, bad, err);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)path[i] < 32 || path[i] == 127)
            return TARN_FAIL(err, TARN_INVALID, "path '%.200s' holds a control character at byte %zu", path, i);
    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/') continue;
        if (!part_ok(path + from, i - from))
            return TARN_FAIL(err, TARN_INVALID,
                             "path '%.*s' has an empty, '.' or '..' part; write it like tables/flights.csv",
                             (int)(len < 200 ? len : 200), path);
        from = i + 1;
    }
    return TARN_OK;
}

bool tarn_path_after(char *prefix)
{
    for (size_t n = strlen(prefix); n > 0; n--) {
        unsigned char last = (unsigned char)prefix[n - 1];
        prefix[n - 1] = '\0';
        if (last == 255) continue;
        prefix[n - 1] = (char)(last + 1);
        prefix[n] = '\0';
        return true;
    }
    return false;
}
