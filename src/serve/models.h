/* SPDX-License-Identifier: Apache-2.0 */
/* models.h - the models that are loaded, by what requests call them.
 *
 * A name ("flights", "flights@challenger", "flights/3") is looked up in the registry at most every 100 ms; when it
 * means another version by then, the new one is loaded and the old one goes when its last request is done. So a request
 * that begins 100 ms after an alias has moved sees the new model, and none is ever dropped.
 *
 * Threads: any.
 */
#ifndef TARN_SERVE_MODELS_H
#define TARN_SERVE_MODELS_H

#include "model/model.h"
#include "registry/registry.h"
#include "serve/metrics.h"

typedef struct tarn_models tarn_models;

typedef struct tarn_loaded {
    tarn_model *model;
    tarn_version version; /* without meta */
    char object[TARN_ID_HEX];
    tarn_model_metrics *metrics;
    _Atomic int uses;
} tarn_loaded;

TARN_MUST tarn_code tarn_models_new(tarn_lake *lake, tarn_metrics *metrics, tarn_models **out, tarn_err *err);
/* Nobody may hold a model any more. */
void tarn_models_free(tarn_models *m);
/* Errors: TARN_NOT_FOUND names what there is; TARN_INVALID not a model's name */
TARN_MUST tarn_code tarn_models_get(tarn_models *m, const char *name, tarn_loaded **out, tarn_err *err);
void tarn_loaded_release(tarn_loaded *loaded); /* NULL is fine */

#endif
