/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - history: commits from the newest back, all or some. */
#include "lake/ancestry.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- did a path change? ---- */

static tarn_code stop(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                      tarn_err *err)
{
    (void)arg, (void)kind, (void)before, (void)after, (void)err;
    return TARN_CANCELLED;
}

/* out NULL-able; *there tells. */
static tarn_code look(tarn_lake *lake, const tarn_id *tree, const char *path, tarn_entry *out, bool *there,
                      tarn_err *err)
{
    tarn_code rc = tarn_tree_lookup(lake, tree, path, out, err);

    *there = rc == TARN_OK;
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

typedef struct lens {
    const char *path; /* a file; NULL: none */
    char below[1027]; /* a folder, with '/' behind; "": everything */
    tarn_entry a, b;
} lens;

static tarn_code folder_differs(tarn_lake *lake, const lens *l, const tarn_id *a, const tarn_id *b, bool *yes,
                                tarn_err *err)
{
    tarn_code rc = tarn_tree_diff(lake, a, b, l->below, stop, NULL, err);

    *yes = rc == TARN_CANCELLED;
    return *yes ? TARN_OK : rc;
}

static tarn_code differs(tarn_lake *lake, lens *l, const tarn_id *a, const tarn_id *b, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool in_a = false, in_b = false;

    *yes = false;
    if (tarn_id_equal(a, b)) goto done;
    if (l->path) {
        TARN_TRY(look(lake, a, l->path, &l->a, &in_a, err));
        TARN_TRY(look(lake, b, l->path, &l->b, &in_b, err));
        *yes = !tarn_entry_same(in_a ? &l->a : NULL, in_b ? &l->b : NULL);
    }
    if (!*yes) TARN_TRY(folder_differs(lake, l, a, b, yes, err));
done:
    return rc;
}

/* From every parent that it has; a first commit from nothing. */
static tarn_code changed_here(tarn_past *past, lens *l, const tarn_links *c, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links parent;

    *yes = true;
    if (c->n_parents == 0) return differs(past->lake, l, &(tarn_id){{0}}, &c->tree, yes, err);
    for (int i = 0; i < c->n_parents && *yes; i++) {
        TARN_TRY(tarn_past_links(past, &c->parents[i], &parent, err));
        TARN_TRY(differs(past->lake, l, &parent.tree, &c->tree, yes, err));
    }
done:
    return rc;
}

/* ---- the log ---- */

typedef struct telling {
    const tarn_log_options *o;
    lens *lens; /* NULL: all paths */
    int64_t told;
    tarn_commit_fn *fn;
    void *arg;
    tarn_commit commit;
} telling;

static tarn_code tell(tarn_past *past, telling *t, const tarn_links *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool wanted = t->o->until_us == 0 || c->time_us <= t->o->until_us;

    if (wanted && t->lens) TARN_TRY(changed_here(past, t->lens, c, &wanted, err));
    if (!wanted) goto done;
    TARN_TRY(tarn_lake_commit_read(past->lake, &c->id, &t->commit, err));
    if (!t->o->author || strstr(t->commit.author, t->o->author)) {
        t->told++;
        rc = t->fn(t->arg, &t->commit, err);
    }
    tarn_commit_clear(&t->commit);
    if (rc == TARN_OK && t->told == t->o->limit) rc = TARN_CANCELLED; /* limit 0 is never reached */
done:
    return rc;
}

/* A path without '/' behind is a file, or a folder: a store of objects may have both. */
static tarn_code open_lens(const char *path, lens **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = strlen(path);
    bool folder = len == 0 || path[len - 1] == '/';

    if (len > 1024) return TARN_FAIL(err, TARN_INVALID, "a path has at most 1024 bytes, not %zu", len);
    TARN_TRY(tarn_alloc(out, 1, sizeof **out, err));
    (*out)->path = folder ? NULL : path;
    (void)snprintf((*out)->below, sizeof(*out)->below, "%s%s", path, folder ? "" : "/");
done:
    return rc;
}

tarn_code tarn_lake_log_some(tarn_lake *lake, const tarn_id *from, const tarn_log_options *options, tarn_commit_fn *fn,
                             void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_past past = {.lake = lake};
    telling *t = NULL;
    tarn_links c;
    bool ended = false;

    TARN_TRY(tarn_alloc(&t, 1, sizeof *t, err));
    t->o = options;
    t->fn = fn;
    t->arg = arg;
    if (options->path) TARN_TRY(open_lens(options->path, &t->lens, err));
    TARN_TRY(tarn_past_add(&past, from, err));
    for (;;) {
        TARN_TRY(tarn_past_next(&past, &c, &ended, err));
        if (ended || c.time_us < options->since_us) break;
        TARN_TRY(tell(&past, t, &c, err));
    }
done:
    tarn_past_clear(&past);
    if (t) tarn_free(t->lens);
    tarn_free(t);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_lake_log(tarn_lake *lake, const tarn_id *from, tarn_commit_fn *fn, void *arg, tarn_err *err)
{
    return tarn_lake_log_some(lake, from, &(tarn_log_options){.limit = 0}, fn, arg, err);
}
