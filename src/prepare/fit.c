/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - from declared features and steps to the first part of a model's graph.
 *
 * Order: check the job; learn each raw field from train rows (levels, range, whether it is ever missing) and the
 * classes of the target; make the inputs; run the steps, each on the columns that the one before left. Rows outside
 * train_rows are never looked at: what a model knows about test rows is nothing.
 *
 * Ranks: every rank has the whole table (mapped), so raw fields and classes are learned by each for itself, one pass;
 * steps run on a rank's own rows and sum through comm. After each phase the ranks agree on how it went.
 */
#include "prepare/prepared.h"

#include "model/payload.h"
#include "model/tokens.h"
#include "prepare/names.h"
#include "prepare/step.h"

#include <math.h>
#include <string.h>

/* ---- the job ---- */

static tarn_code check_rows(const tarn_prepare_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (job->n_train <= 0) return TARN_FAIL(err, TARN_INVALID, "there are no train rows");
    TARN_TRY(tarn_rows_check(job->data, job->train_rows, job->n_train, err));
    for (int64_t i = 1; i < job->n_train; i++)
        if (job->train_rows[i] <= job->train_rows[i - 1])
            return TARN_FAIL(err, TARN_INVALID, "train rows are not in ascending order at %lld", (long long)i);
done:
    return rc;
}

static tarn_code check_job(const tarn_prepare_job *job, int *n_inputs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int n = 0, at;

    TARN_TRY(check_rows(job, err));
    if (!job->target || !*job->target) return TARN_FAIL(err, TARN_INVALID, "no target is declared");
    while (job->features && job->features[n]) n++;
    if (n == 0) return TARN_FAIL(err, TARN_INVALID, "no features are declared");
    for (int i = 0; i < n; i++) {
        TARN_TRY(tarn_name_column(job->data, "feature", job->features[i], &at, err));
        if (strcmp(job->features[i], job->target) == 0)
            return TARN_FAIL(err, TARN_INVALID, "feature '%s' is the target; leave it out of the features",
                             job->target);
        for (int k = 0; k < i; k++)
            if (strcmp(job->features[i], job->features[k]) == 0)
                return TARN_FAIL(err, TARN_INVALID, "feature '%s' is named twice", job->features[i]);
    }
    *n_inputs = n;
done:
    return rc;
}

/* ---- raw fields ---- */

/* Whether a step reads this column as text: it is named there, or the step names none. */
static tarn_code is_text(const tarn_prepare_job *job, const char *column, bool *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = false;
    for (int i = 0; i < job->n_steps; i++) {
        const tarn_step *step = NULL;
        char name[TARN_NAME_CAP];
        TARN_TRY(tarn_step_find(job->steps[i].name, &step, err));
        const tarn_param *p = tarn_param_find(step->params, "columns");
        if (step->takes != TARN_STRING || !p) continue;
        const char *start = (const char *)job->steps[i].params + p->at, *at = start;
        while (tarn_name_next(&at, name, sizeof name)) *out = *out || strcmp(name, column) == 0;
        at = start;
        *out = *out || !tarn_name_next(&at, name, sizeof name);
    }
done:
    return rc;
}

static tarn_code kind_of(const tarn_prepare_job *job, const tarn_column *c, tarn_kind *out, tarn_err *err)
{
    bool text = false;
    tarn_code rc = c->type == TARN_TEXT ? is_text(job, c->name, &text, err) : TARN_OK;

    *out = text ? TARN_STRING : c->type == TARN_TEXT ? TARN_CATEGORY : c->type == TARN_TIME ? TARN_MOMENT : TARN_NUMBER;
    return rc;
}

/* What train rows say about one field, gathered by one worker. */
typedef struct sight {
    int64_t present;
    double least, most;
    uint8_t *seen; /* TEXT: words that occur */
} sight;

typedef struct look {
    const tarn_prepare_job *job;
    sight *sights;
} look;

static tarn_code look_at(void *arg, int64_t block, int worker, tarn_err *err)
{
    const look *l = arg;
    const tarn_prepare_job *job = l->job;
    const tarn_column *c = tarn_columns_at(job->data, tarn_columns_find(job->data, job->features[block]));
    sight *s = &l->sights[block];

    (void)worker, (void)err;
    for (int64_t i = 0; i < job->n_train; i++) {
        double x = tarn_column_number(c, job->train_rows[i]) + 0.0; /* -0 is 0 */
        if (isnan(x)) continue;
        s->present++;
        if (s->seen) s->seen[((const int32_t *)c->values)[job->train_rows[i]]] = 1;
        if (!isfinite(x)) continue;
        if (!(s->least <= x)) s->least = x;
        if (!(s->most >= x)) s->most = x;
    }
    return TARN_OK;
}

static tarn_code copy_levels(tarn_arena *arena, const tarn_column *c, const sight *s, tarn_input *in, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = 0;

    for (int32_t w = 0; w < c->words; w++) n += s->seen[w];
    TARN_TRY(tarn_arena_alloc(arena, &in->level, n, sizeof *in->level, err));
    TARN_TRY(tarn_arena_alloc(arena, &in->len, n, sizeof *in->len, err));
    for (int32_t w = 0; w < c->words; w++) {
        int32_t len;
        const char *text = tarn_column_word(c, w, &len);
        char *copy;
        if (!s->seen[w]) continue;
        TARN_TRY(tarn_arena_strndup(arena, text, (size_t)len, &copy, err));
        in->level[in->levels] = copy;
        in->len[in->levels++] = len;
    }
done:
    return rc;
}

static tarn_code learn_input(tarn_prepared *p, const tarn_prepare_job *job, int i, const sight *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_column *c = tarn_columns_at(job->data, tarn_columns_find(job->data, job->features[i]));
    tarn_input *in = &p->inputs[i];
    char *name;
    uint32_t reg;

    if (s->present == 0)
        return TARN_FAIL(err, TARN_INVALID, "feature '%s' has no value in any of the %lld train rows; leave it out",
                         job->features[i], (long long)job->n_train);
    TARN_TRY(tarn_arena_strndup(p->arena, c->name, strlen(c->name), &name, err));
    in->name = name;
    TARN_TRY(kind_of(job, c, &in->kind, err));
    in->required = s->present == job->n_train;
    in->least = c->type == TARN_TEXT ? NAN : s->least;
    in->most = c->type == TARN_TEXT ? NAN : s->most;
    if (in->kind == TARN_CATEGORY) TARN_TRY(copy_levels(p->arena, c, s, in, err));
    TARN_TRY(tarn_graph_input(p->graph, in->name, in->kind, in->required, in->least, in->most, in->level, in->len,
                              in->levels, &reg, err));
    p->regs[p->n_regs++] = reg;
done:
    if (rc != TARN_OK) tarn_err_note(err, "feature '%s'", job->features[i]);
    return rc;
}

/* Inputs of the graph, and its first columns: the raw fields themselves. */
static tarn_code learn_inputs(tarn_prepared *p, const tarn_prepare_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    look l = {.job = job};
    int n = p->n_inputs;

    TARN_TRY(tarn_alloc(&l.sights, (size_t)n, sizeof *l.sights, err));
    for (int i = 0; i < n; i++) {
        const tarn_column *c = tarn_columns_at(job->data, tarn_columns_find(job->data, job->features[i]));
        l.sights[i].least = l.sights[i].most = NAN;
        if (c->type == TARN_TEXT) TARN_TRY(tarn_alloc(&l.sights[i].seen, (size_t)c->words, 1, err));
    }
    TARN_TRY(tarn_pool_run(job->pool, n, look_at, &l, err));
    TARN_TRY(tarn_arena_alloc(p->arena, &p->inputs, (size_t)n, sizeof *p->inputs, err));
    TARN_TRY(tarn_arena_alloc(p->arena, &p->regs, (size_t)n, sizeof *p->regs, err));
    for (int i = 0; i < n; i++) TARN_TRY(learn_input(p, job, i, &l.sights[i], err));
done:
    for (int i = 0; l.sights && i < n; i++) tarn_free(l.sights[i].seen);
    tarn_free(l.sights);
    return rc;
}

/* ---- steps ---- */

/* What a step sees through. */
typedef struct step_view {
    tarn_feed *feed;
    tarn_prepared *p;
} step_view;

static tarn_code step_columns(void *self, const uint32_t *regs, int32_t n_regs, int64_t at, int64_t n, double *out,
                              tarn_err *err)
{
    const step_view *v = self;

    return tarn_feed_run(v->feed, regs, n_regs, at, n, out, err);
}

/* p->regs does not change while a step is fitted. */
static tarn_code step_column(void *self, int32_t col, int64_t at, int64_t n, double *out, tarn_err *err)
{
    const step_view *v = self;

    if (col < 0 || col >= v->p->n_regs)
        return TARN_FAIL(err, TARN_INVALID, "column %d was asked for; there are %d", (int)col, (int)v->p->n_regs);
    return tarn_feed_run(v->feed, &v->p->regs[col], 1, at, n, out, err);
}

static const char *step_level(void *self, uint32_t reg, int32_t code, int32_t *len)
{
    const step_view *v = self;

    if (reg >= (uint32_t)v->p->n_inputs || code < 0 || code >= v->p->inputs[reg].levels) return NULL;
    *len = v->p->inputs[reg].len[code];
    return v->p->inputs[reg].level[code];
}

static size_t step_longest(void *self, uint32_t reg)
{
    const step_view *v = self;

    return reg < (uint32_t)v->p->n_inputs ? v->feed->readers[reg].longest : 0;
}

static tarn_code step_sparse(void *self, uint32_t reg, const void *recipe, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const step_view *v = self;
    tarn_prepared *p = v->p;
    tarn_text_source *sources = NULL;
    tarn_bag bag;
    void *head = NULL;

    TARN_TRY(tarn_arena_alloc(p->arena, &head, len, 1, err));
    memcpy(head, recipe, len);
    TARN_TRY(tarn_bag_open(head, len, &bag, err));
    if (reg >= (uint32_t)p->n_inputs || p->inputs[reg].kind != TARN_STRING || bag.len != len)
        return TARN_FAIL(err, TARN_INVALID, "register %u is no text, or the recipe is %zu bytes too long", reg,
                         len - bag.len);
    if (bag.head->cols > (uint32_t)(INT32_MAX - p->sparse_cols))
        return TARN_FAIL(err, TARN_LIMIT, "too many sparse columns; lower bits or set max_features");
    TARN_TRY(tarn_arena_alloc(p->arena, &sources, (size_t)p->n_sources + 1, sizeof *sources, err));
    if (p->n_sources > 0) memcpy(sources, p->sources, (size_t)p->n_sources * sizeof *sources);
    sources[p->n_sources++] = (tarn_text_source){
        .first = p->sparse_cols, .cols = (int32_t)bag.head->cols, .reg = reg, .head = head, .len = len};
    p->sparse_cols += (int32_t)bag.head->cols;
    p->sources = sources;
done:
    return rc;
}

/* Enough for what one step may make of each column. */
static size_t room_after(const tarn_prepared *p)
{
    size_t room = 0;

    for (int32_t r = 0; r < p->n_regs; r++) {
        const tarn_feature *f = tarn_graph_feature(p->graph, p->regs[r]);
        size_t levels = f->kind == TARN_CATEGORY && f->levels > 0 ? (size_t)f->levels + 1 : 1;
        room += levels > TARN_PART_COUNT ? levels : TARN_PART_COUNT;
    }
    return room;
}

static tarn_code run_step(tarn_prepared *p, const tarn_prepare_job *job, const tarn_step_use *use, tarn_feed *flow,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_step *step;
    uint32_t *out = NULL;
    size_t room = room_after(p);
    step_view view = {flow, p};

    TARN_TRY(tarn_step_find(use->name, &step, err));
    rc = room > INT32_MAX ? TARN_FAIL(err, TARN_LIMIT, "too many columns")
                          : tarn_arena_alloc(p->arena, &out, room, sizeof *out, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    tarn_step_job sj = {.graph = p->graph,
                        .regs = p->regs,
                        .n_regs = p->n_regs,
                        .rows = flow->n,
                        .column = step_column,
                        .columns = step_columns,
                        .level = step_level,
                        .sparse = step_sparse,
                        .longest = step_longest,
                        .self = &view,
                        .pool = job->pool,
                        .comm = job->comm};
    int32_t n = (int32_t)room;
    rc = step->fit(&sj, use->params, out, &n, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (n == 0) {
        rc = TARN_FAIL(err, TARN_INVALID, "no column is left");
        goto done;
    }
    p->regs = out;
    p->n_regs = n;
done:
    if (rc != TARN_OK && use->line > 0)
        tarn_err_note(err, "line %d, column %d: step '%s'", use->line, use->column, use->name);
    else if (rc != TARN_OK) tarn_err_note(err, "step '%s'", use->name);
    return rc;
}

/* Texts are no columns: what they became is sparse. */
static tarn_code keep_features(tarn_prepared *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t kept = 0;

    for (int32_t r = 0; r < p->n_regs; r++)
        if (tarn_graph_feature(p->graph, p->regs[r])->kind != TARN_STRING) p->regs[kept++] = p->regs[r];
    p->n_regs = kept;

    TARN_TRY(tarn_arena_alloc(p->arena, &p->features, (size_t)p->n_regs, sizeof *p->features, err));
    for (int32_t r = 0; r < p->n_regs; r++) p->features[r] = *tarn_graph_feature(p->graph, p->regs[r]);
done:
    return rc;
}

/* What each rank does for itself before the steps. */
static tarn_code begin(tarn_prepared *p, const tarn_prepare_job *job, tarn_feed *flow, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t first, count;

    TARN_TRY(check_job(job, &p->n_inputs, err));
    TARN_TRY(tarn_arena_new(&p->arena, err));
    TARN_TRY(tarn_graph_new(&p->graph, err));
    TARN_TRY(tarn_labels_learn(job, p->arena, &p->labels, err));
    TARN_TRY(learn_inputs(p, job, err));
    tarn_comm_rows(job->comm, job->n_train, &first, &count);
    TARN_TRY(tarn_feed_init(flow, p, job->data, job->train_rows + first, count, err));
done:
    return rc;
}

tarn_code tarn_prepare(const tarn_prepare_job *job, tarn_prepared **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_prepared *p = NULL;
    tarn_feed flow = {0};

    *out = NULL;
    rc = tarn_alloc(&p, 1, sizeof *p, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    rc = begin(p, job, &flow, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (int i = 0; i < job->n_steps; i++) {
        rc = tarn_cancel_check(job->sink, err);
        TARN_TRY(tarn_comm_agree(job->comm, rc, err));
        TARN_TRY(run_step(p, job, &job->steps[i], &flow, err));
        tarn_progress(job->sink, "prepare", i + 1, job->n_steps, "steps");
    }
    rc = keep_features(p, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    *out = p;
    p = NULL;
done:
    tarn_feed_clear(&flow);
    tarn_prepared_free(p);
    return rc;
}

void tarn_prepared_free(tarn_prepared *p)
{
    if (!p) return;
    tarn_graph_free(p->graph);
    tarn_arena_free(p->arena);
    tarn_free(p);
}

tarn_graph *tarn_prepared_graph(tarn_prepared *p) { return p->graph; }

const uint32_t *tarn_prepared_regs(const tarn_prepared *p, int32_t *n)
{
    *n = p->n_regs;
    return p->regs;
}

const tarn_feature *tarn_prepared_features(const tarn_prepared *p) { return p->features; }

int tarn_prepared_classes(const tarn_prepared *p) { return p->labels.classes; }

const char *const *tarn_prepared_class_names(const tarn_prepared *p) { return p->labels.names; }
