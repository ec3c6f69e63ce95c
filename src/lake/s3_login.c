/* SPDX-License-Identifier: Apache-2.0 */
/* s3_login.c - finding the keys. See s3_login.h. */
#include "lake/s3_login.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool keep(char *out, size_t cap, const char *text, size_t len)
{
    if (len == 0 || len >= cap) return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static bool from_environment(const char *access, const char *secret, tarn_s3_login *out)
{
    const char *a = access ? getenv(access) : NULL, *s = secret ? getenv(secret) : NULL;

    return a && s && keep(out->access, sizeof out->access, a, strlen(a)) &&
           keep(out->secret, sizeof out->secret, s, strlen(s));
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Without space around. */
static size_t trim(const char **text, size_t len)
{
    while (len > 0 && is_space(**text)) (*text)++, len--;
    while (len > 0 && is_space((*text)[len - 1])) len--;
    return len;
}

static void read_line(const char *line, size_t len, tarn_s3_login *out)
{
    const char *equals = memchr(line, '=', len), *name = line;

    if (!equals) return;
    size_t name_len = trim(&name, (size_t)(equals - line));
    const char *value = equals + 1;
    size_t value_len = trim(&value, (size_t)(line + len - value));
    if (name_len == 17 && memcmp(name, "aws_access_key_id", 17) == 0)
        (void)keep(out->access, sizeof out->access, value, value_len);
    else if (name_len == 21 && memcmp(name, "aws_secret_access_key", 21) == 0)
        (void)keep(out->secret, sizeof out->secret, value, value_len);
    else if (name_len == 17 && memcmp(name, "aws_session_token", 17) == 0)
        (void)keep(out->token, sizeof out->token, value, value_len);
}

bool tarn_s3_login_parse(const char *text, const char *profile, tarn_s3_login *out)
{
    bool inside = false;

    *out = (tarn_s3_login){.access = ""};
    while (*text) {
        const char *line = text;
        size_t all = strcspn(text, "\n"), len = trim(&line, all);
        if (len > 1 && line[0] == '[' && line[len - 1] == ']')
            inside = strlen(profile) == len - 2 && memcmp(line + 1, profile, len - 2) == 0;
        else if (inside && len > 0 && line[0] != '#' && line[0] != ';') read_line(line, len, out);
        text += all + (text[all] == '\n');
    }
    return out->access[0] && out->secret[0];
}

static tarn_code from_file(const char *profile, tarn_s3_login *out, tarn_err *err)
{
    const char *named = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");
    char path[4096], *text = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof path, "%s%s",
                   named && *named ? named
                   : home          ? home
                                   : "",
                   named && *named ? "" : "/.aws/credentials");
    tarn_code rc = tarn_file_read(path, 1 << 20, &text, &len, err);
    bool found = rc == TARN_OK && tarn_s3_login_parse(text, profile, out);
    if (text) explicit_bzero(text, len);
    tarn_free(text);
    if (found) return TARN_OK;
    return TARN_FAIL(
        err, TARN_DENIED,
        "no keys for the store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into '%.200s' "
        "under [%s]",
        path, profile);
}

tarn_code tarn_s3_login_find(const tarn_s3_kind *kind, const char *profile, tarn_s3_login *out, tarn_err *err)
{
    const char *token = getenv("AWS_SESSION_TOKEN"), *usual = getenv("AWS_PROFILE");

    *out = (tarn_s3_login){.access = ""};
    if (*profile) return from_file(profile, out, err);
    if (from_environment(kind->access, kind->secret, out)) return TARN_OK;
    if (from_environment("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", out)) {
        if (token && *token && !keep(out->token, sizeof out->token, token, strlen(token)))
            return TARN_FAIL(err, TARN_LIMIT, "AWS_SESSION_TOKEN has over %zu bytes", sizeof out->token - 1);
        return TARN_OK;
    }
    return from_file(usual && *usual ? usual : "default", out, err);
}
