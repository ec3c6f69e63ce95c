/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - filling, prefixing and naming errors. See err.h. */
#include "base/err.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
    int exit_status, http;
    bool retry;
} codes[] = {
#define TARN_CODE(name, text, exit_status, http, retry) {#name, text, exit_status, http, retry},
#include "base/codes.def"
#undef TARN_CODE
};

static int known(tarn_code code) { return (int)code >= 0 && (int)code < TARN_CODE_COUNT ? (int)code : TARN_INVALID; }

const char *tarn_code_name(tarn_code code) { return codes[known(code)].name; }
const char *tarn_code_text(tarn_code code) { return codes[known(code)].text; }
int tarn_code_exit(tarn_code code) { return codes[known(code)].exit_status; }
int tarn_code_http(tarn_code code) { return codes[known(code)].http; }
bool tarn_code_retry(tarn_code code) { return codes[known(code)].retry; }

/* The length of text[0 .. len-1] without a UTF-8 character that its end broke. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len;

    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xC0) return len;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    return len - start < want ? start - 1 : len;
}

/* Make msg one printable line of UTF-8, whatever bytes were quoted in it: it will stand in JSON and on terminals. */
static void tidy(char *msg, bool was_cut)
{
    size_t len = strlen(msg), bad;

    if (was_cut) len = whole_characters(msg, len);
    msg[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)msg[i] < 0x20 || msg[i] == 0x7f) msg[i] = ' ';
    for (size_t at = 0; !tarn_utf8_valid(msg + at, len - at, &bad); at += bad + 1) msg[at + bad] = '?';
}

tarn_code tarn_err_set(tarn_err *err, tarn_code code, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    if (!err) return code;
    err->code = code;
    err->file = file;
    err->line = line;
    va_start(args, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    if (n < 0) err->msg[0] = '\0';
    tidy(err->msg, n >= (int)sizeof err->msg);
    return code;
}

void tarn_err_note(tarn_err *err, const char *fmt, ...)
{
    char old[sizeof err->msg], note[sizeof err->msg];
    va_list args;

    if (!err || err->code == TARN_OK) return;
    memcpy(old, err->msg, sizeof old);
    va_start(args, fmt);
    (void)vsnprintf(note, sizeof note, fmt, args);
    va_end(args);
    size_t a = strlen(note), b = strlen(old), cap = sizeof err->msg;
    if (a > cap / 2) a = whole_characters(note, cap / 2); /* the cause matters more than where we were */
    bool cut = a + 2 + b >= cap;
    if (cut) b = cap - a - 3;
    memcpy(err->msg, note, a);
    memcpy(err->msg + a, ": ", 2);
    memcpy(err->msg + a + 2, old, b);
    err->msg[a + 2 + b] = '\0';
    tidy(err->msg, cut);
}

tarn_code tarn_err_errno(tarn_err *err, const char *file, int line, const char *what, const char *path)
{
    int e = errno;
    tarn_code code = TARN_IO;
    const char *remedy = "";

    if (e == ENOSPC || e == EDQUOT || e == EFBIG) {
        code = TARN_FULL;
        remedy = "; free some space and run the command again";
    } else if (e == ENOMEM) {
        code = TARN_NOMEM;
    } else if (e == EACCES || e == EPERM || e == EROFS) {
        code = TARN_DENIED;
        remedy = "; check the owner and the permissions";
    } else if (e == ENOENT) {
        code = TARN_NOT_FOUND;
    }
    char space[96];
    const char *why = strerror_r(e, space, sizeof space); /* GNU's: the text may be elsewhere */
    return tarn_err_set(err, code, file, line, "cannot %s '%s': %s%s", what, path, why, remedy);
}
