/* SPDX-License-Identifier: Apache-2.0 */
/* roots.c - see roots.h. */
#include "lake/roots.h"

#include "lake/holding.h"

#include "base/mem.h"

#include <string.h>

static tarn_code add(tarn_roots *roots, const tarn_id *id, bool may_lack, const char *of, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_id_none(id)) return TARN_OK;
    if (roots->n == roots->cap) {
        size_t cap = roots->cap ? roots->cap * 2 : 256;
        TARN_TRY(tarn_resize(&roots->v, cap, sizeof *roots->v, err));
        roots->cap = cap;
    }
    roots->v[roots->n++] = (tarn_root){.id = *id, .may_lack = may_lack, .of = of};
done:
    return rc;
}

/* ---- the sources ---- */

static tarn_code add_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    tarn_roots *roots = arg;
    tarn_code rc = add(roots, &ref->commit, false, "refs", err);

    if (rc == TARN_OK) roots->v[roots->n - 1].ref = true;
    return rc;
}

static tarn_code from_refs(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return tarn_meta_refs(lake->meta, "", add_ref, roots, err);
}

static tarn_code add_change(void *arg, const tarn_id *was, const tarn_id *to, tarn_err *err)
{
    tarn_code rc = add(arg, was, true, "earlier values of refs", err);
    return rc == TARN_OK ? add(arg, to, true, "earlier values of refs", err) : rc;
}

static tarn_code from_ref_log(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return tarn_meta_ref_log(lake->meta, roots->since_us, add_change, roots, err);
}

static tarn_code add_entry(tarn_roots *roots, const tarn_entry *e, const char *of, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(add(roots, &e->object.id, false, of, err));
    TARN_TRY(add(roots, &e->recipe, false, of, err));
    TARN_TRY(add(roots, &e->attrs, false, of, err));
done:
    return rc;
}

static tarn_code add_staged(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    (void)seq;
    return add_entry(arg, e, "staged", err);
}

static tarn_code from_staging(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return tarn_meta_staged_all(lake->meta, add_staged, roots, err);
}

static tarn_code add_made(void *arg, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = add(arg, recipe, true, "results of runs", err); /* not every recipe is kept as an object */
    return rc == TARN_OK ? add_entry(arg, e, "results of runs", err) : rc;
}

static tarn_code from_run_index(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return tarn_meta_made_all(lake->meta, add_made, roots, err);
}

/* Facts are text of the stages above: whatever in them could be an id is taken for one. */
static tarn_code add_fact(void *arg, const char *key, const char *value, tarn_err *err)
{
    static const char digits[] = "0123456789abcdef";
    tarn_id id;

    if (strncmp(key, "gc/", 3) == 0 || strncmp(key, "lake/", 5) == 0) return TARN_OK;
    for (const char *at = value; *at;) {
        size_t len = strspn(at, digits);
        if (len == 2 * TARN_ID_BYTES && tarn_id_parse(at, len, &id)) {
            tarn_code rc = add(arg, &id, true, "results of runs", err);
            if (rc != TARN_OK) return rc;
        }
        at += len > 0 ? len : 1;
    }
    return TARN_OK;
}

static tarn_code from_facts(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return lake->ring ? tarn_lake_facts(lake, "", add_fact, roots, err)
                      : tarn_meta_facts(lake->meta, "", add_fact, roots, err);
}

static tarn_code add_hold(void *arg, const tarn_hold *hold, tarn_err *err)
{
    return add(arg, &hold->id, false, "holds", err);
}

static tarn_code from_holds(tarn_lake *lake, tarn_roots *roots, tarn_err *err)
{
    return tarn_holds_seen(lake, add_hold, roots, err);
}

/* Every place in the metadata that names things. */
static tarn_code (*const sources[])(tarn_lake *lake, tarn_roots *roots, tarn_err *err) = {
    from_refs, from_ref_log, from_staging, from_run_index, from_facts, from_holds,
};

tarn_code tarn_roots_gather(tarn_lake *lake, int64_t since_us, tarn_roots *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = (tarn_roots){.since_us = since_us};
    tarn_lake_lock(lake);
    for (size_t i = 0; i < sizeof sources / sizeof *sources && rc == TARN_OK; i++) rc = sources[i](lake, out, err);
    tarn_lake_unlock(lake);
    return rc;
}

void tarn_roots_clear(tarn_roots *roots)
{
    tarn_free(roots->v);
    *roots = (tarn_roots){0};
}
