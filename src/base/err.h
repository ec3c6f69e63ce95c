/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - the one way a call says that it failed.
 *
 * A call that can fail returns a tarn_code and takes a `tarn_err *err` last, which may be NULL.
 * The place that notices a failure fills err once (TARN_FAIL); those above pass it on (TARN_TRY) or
 * put in front of it where they were (tarn_err_note). The library never prints and never aborts on
 * anything that came from outside. The message is one line, without full stop, names the thing at
 * fault and, where there is one, the remedy.
 *
 * Threads: any; an error belongs to the thread whose stack it is on.
 */
#ifndef TARN_BASE_ERR_H
#define TARN_BASE_ERR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tarn_code {
#define TARN_CODE(name, text, exit_status, http, retry) TARN_##name,
#include "base/codes.def"
#undef TARN_CODE
    TARN_CODE_COUNT
} tarn_code;

typedef struct tarn_err {
    tarn_code code;
    int line; /* of the C source that noticed */
    const char *file;
    char msg[488];
} tarn_err;

#if defined(__GNUC__)
#define TARN_MUST         __attribute__((warn_unused_result))
#define TARN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TARN_MUST
#define TARN_PRINTF(f, a)
#endif

/* What the code's line in codes.def says. Any int is accepted; unknown ones read as INVALID. */
const char *tarn_code_name(tarn_code code);
const char *tarn_code_text(tarn_code code);
int tarn_code_exit(tarn_code code);
int tarn_code_http(tarn_code code);
bool tarn_code_retry(tarn_code code);

/* Fill err (may be NULL) and return code. Overlong messages are cut at a whole UTF-8 character;
 * control characters become spaces, so that a message is always one printable line. */
tarn_code tarn_err_set(tarn_err *err, tarn_code code, const char *file, int line, const char *fmt, ...)
    TARN_PRINTF(5, 6);

/* Put "<note>: " in front of the message: where the caller was. Does nothing on an empty err. */
void tarn_err_note(tarn_err *err, const char *fmt, ...) TARN_PRINTF(2, 3);

/* Fill err from errno after `what` failed on `path`; ENOSPC and EDQUOT are TARN_FULL, ENOMEM is
 * TARN_NOMEM, EACCES, EPERM and EROFS are TARN_DENIED, ENOENT is TARN_NOT_FOUND, the rest TARN_IO. */
tarn_code tarn_err_errno(tarn_err *err, const char *file, int line, const char *what, const char *path);

#define TARN_FAIL(err, code, ...)        tarn_err_set((err), (code), __FILE__, __LINE__, __VA_ARGS__)
#define TARN_FAIL_ERRNO(err, what, path) tarn_err_errno((err), __FILE__, __LINE__, (what), (path))

/* The only macro that jumps: needs `tarn_code rc` and the label `done`. */
#define TARN_TRY(call)                \
    do {                              \
        rc = (call);                  \
        if (rc != TARN_OK) goto done; \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
