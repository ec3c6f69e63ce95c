/* SPDX-License-Identifier: Apache-2.0 */
/* form.h - multipart/form-data as browsers send it: small fields, then one file, in pieces.
 *
 * new, add ..., end, free. Foreign bytes: the fields together are bounded; what follows the file is left out.
 */
#ifndef TARN_SERVE_S3_FORM_H
#define TARN_SERVE_S3_FORM_H

#include "base/json.h"

enum { TARN_FORM_FIELDS_MOST = 64 << 10 };

typedef struct tarn_form tarn_form;

typedef struct tarn_form_options {
    const char *type; /* the header Content-Type, which names the boundary */
    /* The file begins; fields: an object of texts by lower-case name, with "filename". */
    tarn_code (*file)(void *arg, const json_t *fields, tarn_err *err);
    tarn_code (*give)(void *arg, const char *bytes, size_t len, tarn_err *err); /* of the file */
    void *arg;
} tarn_form_options;

/* TARN_INVALID: not such a form. */
TARN_MUST tarn_code tarn_form_new(const tarn_form_options *options, tarn_form **out, tarn_err *err);
TARN_MUST tarn_code tarn_form_add(tarn_form *f, const char *bytes, size_t len, tarn_err *err);
/* TARN_INVALID if the file did not end, or there was none. */
TARN_MUST tarn_code tarn_form_end(tarn_form *f, tarn_err *err);
void tarn_form_free(tarn_form *f);

#endif
