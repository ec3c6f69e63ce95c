/* SPDX-License-Identifier: Apache-2.0 */
/* models.c - see models.h. */
#include "serve/models.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 64, NAME_CAP = 270 };
static const double look_again_s = 0.1;

typedef struct name_entry {
    char name[NAME_CAP];
    tarn_loaded *loaded;
    double looked, used; /* seconds */
} name_entry;

struct tarn_models {
    tarn_lake *lake;
    tarn_metrics *metrics;
    pthread_mutex_t lock;    /* of names; held for moments */
    pthread_mutex_t loading; /* held while a model is read, so that it is read once */
    name_entry names[NAMES];
};

tarn_code tarn_models_new(tarn_lake *lake, tarn_metrics *metrics, tarn_models **out, tarn_err *err)
{
    tarn_models *m = NULL;
    tarn_code rc = tarn_alloc(&m, 1, sizeof *m, err);

    if (rc != TARN_OK) return rc;
    m->lake = lake;
    m->metrics = metrics;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_mutex_init(&m->loading, NULL);
    *out = m;
    return TARN_OK;
}

void tarn_models_free(tarn_models *m)
{
    if (!m) return;
    for (int i = 0; i < NAMES; i++) tarn_loaded_release(m->names[i].loaded);
    (void)pthread_mutex_destroy(&m->lock);
    (void)pthread_mutex_destroy(&m->loading);
    tarn_free(m);
}

void tarn_loaded_release(tarn_loaded *loaded)
{
    if (!loaded || atomic_fetch_sub(&loaded->uses, 1) != 1) return;
    tarn_model_free(loaded->model);
    tarn_free(loaded);
}

static tarn_loaded *retain(tarn_loaded *loaded)
{
    (void)atomic_fetch_add(&loaded->uses, 1);
    return loaded;
}

static name_entry *entry_of(tarn_models *m, const char *name)
{
    for (int i = 0; i < NAMES; i++)
        if (m->names[i].loaded && strcmp(m->names[i].name, name) == 0) return &m->names[i];
    return NULL;
}

/* ---- loading ---- */

/* From the lake's plain-file cache, mapped; if that file has been spoilt, from the lake itself. */
static tarn_code read_model(tarn_lake *lake, const tarn_id *object, tarn_model **out, tarn_err *err)
{
    tarn_code rc;
    char path[4096], *bytes = NULL;
    size_t len = 0;

    rc = tarn_lake_cached(lake, object, ".tarn", path, sizeof path, err);
    if (rc == TARN_OK && tarn_model_map(path, out, err) == TARN_OK) return TARN_OK;
    TARN_TRY(tarn_lake_get(lake, object, 0, &bytes, &len, err));
    TARN_TRY(tarn_model_load(bytes, len, out, err));
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code load(tarn_models *m, const tarn_version *version, tarn_loaded **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_loaded *fresh = NULL;

    TARN_TRY(tarn_alloc(&fresh, 1, sizeof *fresh, err));
    fresh->uses = 1;
    fresh->version = *version;
    fresh->version.meta = NULL;
    (void)tarn_id_hex(&version->object, fresh->object);
    rc = read_model(m->lake, &version->object, &fresh->model, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "model '%s' version %lld", version->model, (long long)version->number);
        goto done;
    }
    *out = fresh;
    fresh = NULL;
done:
    tarn_loaded_release(fresh);
    return rc;
}

/* A version that is loaded under any name, retained; NULL if none is. The lock is held. */
static tarn_loaded *find_loaded(tarn_models *m, const tarn_version *version)
{
    for (int i = 0; i < NAMES; i++)
        if (m->names[i].loaded && tarn_id_equal(&m->names[i].loaded->version.commit, &version->commit))
            return retain(m->names[i].loaded);
    return NULL;
}

static tarn_loaded *find_loaded_locked(tarn_models *m, const tarn_version *version)
{
    (void)pthread_mutex_lock(&m->lock);
    tarn_loaded *found = find_loaded(m, version);
    (void)pthread_mutex_unlock(&m->lock);
    return found;
}

/* Let name mean `loaded`, in place of what it meant or of the name that was not used for the longest time. */
static void set_name(tarn_models *m, const char *name, tarn_loaded *loaded, double now)
{
    name_entry *at = entry_of(m, name);

    if (!at) {
        at = &m->names[0];
        for (int i = 1; i < NAMES && at->loaded; i++)
            if (!m->names[i].loaded || m->names[i].used < at->used) at = &m->names[i];
    }
    tarn_loaded *old = at->loaded;
    (void)snprintf(at->name, sizeof at->name, "%s", name);
    at->loaded = retain(loaded);
    at->looked = at->used = now;
    tarn_loaded_release(old);
}

/* Take the version from those that are loaded, or load it. */
static tarn_code take_version(tarn_models *m, const char *name, const tarn_version *version, tarn_loaded **out,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_loaded *loaded = find_loaded_locked(m, version);

    if (!loaded) {
        (void)pthread_mutex_lock(&m->loading);
        loaded = find_loaded_locked(m, version);
        bool fresh = !loaded; /* else another thread loaded it, and answers by it already */
        if (fresh) rc = load(m, version, &loaded, err);
        if (rc == TARN_OK) {
            (void)pthread_mutex_lock(&m->lock);
            if (fresh) loaded->metrics = tarn_metrics_model(m->metrics, version->model, version->number);
            set_name(m, name, loaded, tarn_seconds());
            (void)pthread_mutex_unlock(&m->lock);
        }
        (void)pthread_mutex_unlock(&m->loading);
        if (rc != TARN_OK) return rc;
    } else {
        (void)pthread_mutex_lock(&m->lock);
        set_name(m, name, loaded, tarn_seconds());
        (void)pthread_mutex_unlock(&m->lock);
    }
    *out = loaded;
    return TARN_OK;
}

static void forget(tarn_models *m, const char *name)
{
    (void)pthread_mutex_lock(&m->lock);
    name_entry *at = entry_of(m, name);
    tarn_loaded *old = at ? at->loaded : NULL;
    if (at) *at = (name_entry){0};
    (void)pthread_mutex_unlock(&m->lock);
    tarn_loaded_release(old);
}

tarn_code tarn_models_get(tarn_models *m, const char *name, tarn_loaded **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_version version = {0};
    tarn_loaded *known = NULL;
    double now = tarn_seconds();

    if (strlen(name) >= NAME_CAP)
        return TARN_FAIL(err, TARN_INVALID, "'%.60s...' is too long for a model's name", name);
    (void)pthread_mutex_lock(&m->lock);
    name_entry *at = entry_of(m, name);
    bool due = !at || now - at->looked >= look_again_s;
    if (at) {
        known = retain(at->loaded);
        at->used = now;
        if (due) at->looked = now; /* others go on with what is known while we look */
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (!due) {
        *out = known;
        return TARN_OK;
    }
    rc = tarn_registry_find(m->lake, name, &version, err);
    if (rc == TARN_OK && !(known && tarn_id_equal(&known->version.commit, &version.commit)))
        rc = take_version(m, name, &version, out, err);
    else if (rc == TARN_OK) *out = retain(known);
    else if (rc == TARN_NOT_FOUND) forget(m, name);
    else if (known &&
             tarn_code_retry(rc)) { /* the registry cannot be asked at the moment: go on with what was served */
        *out = retain(known);
        rc = TARN_OK;
    }
    tarn_version_clear(&version);
    tarn_loaded_release(known);
    return rc;
}
