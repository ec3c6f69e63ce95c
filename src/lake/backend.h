/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - where packs live (plug-ins of lake, one file each in lake/backends/). */
#ifndef TARN_LAKE_BACKEND_H
#define TARN_LAKE_BACKEND_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Blobs are named by us ([a-z0-9/.-]), immutable and whole. */
typedef struct tarn_backend {
    const char *name, *title; /* the URL's scheme */
    bool remote;              /* behind a network: what was read is kept in a cache, a failed put may be tried again */
    /* url is what stands behind "scheme:". Nothing is made, and nothing need be asked yet. */
    tarn_code (*open)(const char *url, void **self, tarn_err *err);
    void (*close)(void *self);
    /* Store the bytes so that a later get returns exactly them; durable on return; the blob appears whole or not
     * at all. Storing a name twice with the same bytes is not an error. Any thread. */
    tarn_code (*put)(void *self, const char *name, const void *bytes, size_t len, tarn_err *err);
    /* The same in two steps, where that saves waiting (else NULL): after the first the blob is there to be read, after
     * the second, which must follow if *rest is not NULL, it is durable. */
    tarn_code (*put_begin)(void *self, const char *name, const void *bytes, size_t len, void **rest, tarn_err *err);
    tarn_code (*put_end)(void *self, void *rest, tarn_err *err);
    /* A blob that is made bit by bit and has no name yet: its next bytes (*draft NULL: its first ones), which may go to
     * the disk while more are made; bytes NULL: it will not be (never fails). After a failure give it up. finish stores
     * what is behind them and names it: as put does, and *draft is gone then, also when it fails. Both or neither;
     * those behind a network have neither. One thread at a time for each draft. */
    tarn_code (*early)(void *self, void **draft, const void *bytes, size_t len, tarn_err *err);
    tarn_code (*finish)(void *self, void **draft, const char *name, const void *rest, size_t len, tarn_err *err);
    /* Exactly len bytes from offset at. TARN_NOT_FOUND, TARN_CORRUPT (shorter), TARN_IO (a retry may help: those that
     * are sensible have been made). Any thread. */
    tarn_code (*get)(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err);
    /* Of a remote one: up to len bytes, fewer at the blob's end (none behind it). Others: NULL. */
    tarn_code (*get_some)(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got, tarn_err *err);
    tarn_code (*size)(void *self, const char *name, uint64_t *out, tarn_err *err);
    /* Every blob whose name starts with prefix. */
    tarn_code (*list)(void *self, const char *prefix,
                      tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err), void *arg,
                      tarn_err *err);
    /* A name that is not there: TARN_NOT_FOUND, or TARN_OK where the store does not tell. */
    tarn_code (*remove)(void *self, const char *name, tarn_err *err);
} tarn_backend;

#endif
