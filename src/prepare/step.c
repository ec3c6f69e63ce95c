/* SPDX-License-Identifier: Apache-2.0 */
/* step.c - the table of preparation steps, and which columns one works on. See step.h. */
#include "prepare/step.h"

#include "base/mem.h"
#include "prepare/names.h"

#include <string.h>

#define TARN_STEP(name) extern const tarn_step tarn_step_##name;
#include "prepare/steps.def"
#undef TARN_STEP
static const tarn_step *const table[] = {
#define TARN_STEP(name) &tarn_step_##name,
#include "prepare/steps.def"
#undef TARN_STEP
};
enum { STEPS = sizeof table / sizeof *table };

int tarn_step_count(void) { return STEPS; }

const tarn_step *tarn_step_at(int i) { return i >= 0 && i < STEPS ? table[i] : NULL; }

tarn_code tarn_step_find(const char *name, const tarn_step **out, tarn_err *err)
{
    const char *names[STEPS];

    for (int i = 0; i < STEPS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    return tarn_name_fail(TARN_NOT_FOUND, "step", name, "is unknown", names, STEPS, err);
}

bool tarn_step_next_name(const char **at, char *name, size_t cap) { return tarn_name_next(at, name, cap); }

/* ---- which columns ---- */

static const char *kind_name(tarn_kind kind)
{
    static const char *const names[] = {"a number", "a category", "a time", "a text"};

    return names[kind];
}

static tarn_code unknown_column(const tarn_step_job *job, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL;

    TARN_TRY(tarn_alloc(&names, (size_t)job->n_regs, sizeof *names, err));
    for (int32_t r = 0; r < job->n_regs; r++) names[r] = tarn_graph_feature(job->graph, job->regs[r])->name;
    rc = tarn_name_fail(TARN_INVALID, "column", name, "is not among the columns here", names, (size_t)job->n_regs, err);
done:
    tarn_free(names);
    return rc;
}

/* Mark the columns that `name` means: of that name, or else made from the raw field of that name. */
static tarn_code mark(const tarn_step_job *job, const char *name, tarn_kind kind, uint8_t *marked, tarn_err *err)
{
    bool found = false;

    for (int pass = 0; pass < 2 && !found; pass++)
        for (int32_t r = 0; r < job->n_regs; r++) {
            const tarn_feature *f = tarn_graph_feature(job->graph, job->regs[r]);
            const tarn_feature *raw = pass == 0 ? f : tarn_graph_feature(job->graph, f->input);
            if (strcmp(raw->name, name) != 0) continue;
            if (f->kind != kind)
                return TARN_FAIL(err, TARN_INVALID, "column '%s' is %s, but this step takes %s", f->name,
                                 kind_name(f->kind), kind_name(kind));
            marked[r] = 1;
            found = true;
        }
    return found ? TARN_OK : unknown_column(job, name, err);
}

/* The work of one rank for itself. */
static tarn_code pick(const tarn_step_job *job, const char *names, tarn_kind kind, uint32_t *regs, int32_t *n,
                      tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t *marked = NULL;
    char name[TARN_NAME_CAP];
    const char *at = names;
    bool all = true;

    TARN_TRY(tarn_alloc(&marked, (size_t)job->n_regs, 1, err));
    while (tarn_name_next(&at, name, sizeof name)) {
        all = false;
        TARN_TRY(mark(job, name, kind, marked, err));
    }
    *n = 0;
    for (int32_t r = 0; r < job->n_regs; r++)
        if (all ? tarn_graph_feature(job->graph, job->regs[r])->kind == kind : marked[r]) regs[(*n)++] = job->regs[r];
done:
    tarn_free(marked);
    return rc;
}

tarn_code tarn_step_pick(const tarn_step_job *job, const char *names, tarn_kind kind, uint32_t *regs, int32_t *n,
                         tarn_err *err)
{
    tarn_code rc = pick(job, names, kind, regs, n, err);

    return tarn_comm_agree(job->comm, rc, err);
}

tarn_code tarn_step_map(const tarn_step_job *job, const char *node, const uint32_t *regs, int32_t n, const void *data,
                        size_t len, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_feature *features = NULL;
    uint32_t first = 0;
    int32_t k = 0;

    if (*n_out < job->n_regs) return TARN_FAIL(err, TARN_LIMIT, "no room for %d columns", (int)job->n_regs);
    if (n > 0) {
        TARN_TRY(tarn_alloc(&features, (size_t)n, sizeof *features, err));
        for (int32_t i = 0; i < n; i++) features[i] = *tarn_graph_feature(job->graph, regs[i]);
        TARN_TRY(tarn_graph_node(job->graph, node, regs, (uint32_t)n, (uint32_t)n, features, data, len, &first, err));
    }
    for (int32_t r = 0; r < job->n_regs; r++) {
        bool mapped = k < n && job->regs[r] == regs[k];
        out_regs[r] = mapped ? first + (uint32_t)k++ : job->regs[r];
    }
    *n_out = job->n_regs;
done:
    tarn_free(features);
    return tarn_comm_agree(job->comm, rc, err);
}
