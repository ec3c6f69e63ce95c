/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - reading the small XML documents of object stores; expat is behind this one file.
 *
 * Elements are told by their path of local names ("ListBucketResult/Contents/Key"), namespaces and attributes are left
 * out. Foreign bytes: a document type (so any entity of its own), nesting over 16, names over 100 bytes and a text over
 * 1 MiB are refused; of one document not more than `most` bytes are read.
 *
 * Threads: any.
 */
#ifndef TARN_BASE_XML_H
#define TARN_BASE_XML_H

#include "base/err.h"

#include <stddef.h>

/* Called when an element begins, with text NULL, and when it ends, with the text that stands in it directly (NUL-
 * terminated, may be ""). Return other than TARN_OK to stop with that error. */
typedef tarn_code tarn_xml_fn(void *arg, const char *path, const char *text, size_t len, tarn_err *err);

/* what is for messages: "the answer of the store". Errors: TARN_INVALID with the line; TARN_LIMIT; TARN_NOMEM. */
TARN_MUST tarn_code tarn_xml_read(const char *bytes, size_t len, size_t most, const char *what, tarn_xml_fn *fn,
                                  void *arg, tarn_err *err);

#endif
