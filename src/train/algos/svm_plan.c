/* SPDX-License-Identifier: Apache-2.0 */
/* svm_plan.c - which problems a fit consists of, and who solves them. See svm_parts.h.
 *
 * A pair of classes is solved once with all its rows and, for probabilities, once without each fold. These parts do not
 * depend on each other: ranks share them out, part by part, and tell each other the outcomes. */
#include "base/mem.h"
#include "base/random.h"
#include "train/algos/svm_parts.h"

#include <math.h>
#include <string.h>

static size_t count_rows(const svm_rows *rows, const svm_pair *pair, bool regression)
{
    size_t n = 0;

    for (int64_t i = 0; i < rows->n; i++) n += regression || rows->y[i] == pair->a || rows->y[i] == pair->b;
    return n;
}

/* class_weight (classes) or NULL. */
static void take_rows(const svm_plan *plan, svm_pair *pair, int32_t label, const double *class_weight, size_t *at)
{
    const svm_rows *rows = plan->rows;
    bool regression = plan->job->x->classes == 0;

    for (int64_t i = 0; i < rows->n; i++) {
        if (!regression && rows->y[i] != label) continue;
        pair->row[*at] = (int32_t)i;
        pair->y[*at] = regression ? rows->y[i] : label == pair->a ? 1 : -1;
        pair->cost[*at] = plan->set->C * rows->weight[i] * (class_weight ? class_weight[label] : 1);
        if (plan->folds > 0)
            pair->fold[*at] =
                (uint8_t)tarn_random_below((uint64_t)plan->folds, plan->job->seed, TARN_STREAM_FOLDS, (uint64_t)i, 0);
        ++*at;
    }
}

static tarn_code make_pair(const svm_plan *plan, svm_pair *pair, const double *class_weight, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool regression = plan->job->x->classes == 0;
    size_t n = count_rows(plan->rows, pair, regression), at = 0;

    pair->n = n;
    TARN_TRY(tarn_alloc(&pair->row, n, sizeof *pair->row, err));
    TARN_TRY(tarn_alloc(&pair->y, n, sizeof *pair->y, err));
    TARN_TRY(tarn_alloc(&pair->cost, n, sizeof *pair->cost, err));
    TARN_TRY(tarn_alloc(&pair->fold, n, sizeof *pair->fold, err));
    TARN_TRY(tarn_alloc(&pair->held_out, n, sizeof *pair->held_out, err));
    TARN_TRY(tarn_alloc(&pair->full.beta, n, sizeof *pair->full.beta, err));
    if (plan->folds == 0 && !regression) pair->full.decision = pair->held_out;
    take_rows(plan, pair, pair->a, class_weight, &at);
    if (!regression) take_rows(plan, pair, pair->b, class_weight, &at);
done:
    return rc;
}

static tarn_code balance(const svm_plan *plan, double **out, tarn_err *err)
{
    const svm_rows *rows = plan->rows;
    int32_t classes = plan->job->x->classes;

    if (plan->set->class_weight == 0 || classes == 0) return TARN_OK;
    tarn_code rc = tarn_alloc(out, (size_t)classes, sizeof **out, err);
    if (rc != TARN_OK) return rc;
    for (int64_t i = 0; i < rows->n; i++) (*out)[(size_t)rows->y[i]]++;
    for (int32_t k = 0; k < classes; k++) (*out)[k] = (double)rows->n / classes / (*out)[k];
    return TARN_OK;
}

tarn_code svm_plan_make(const tarn_fit *job, const svm_params *set, const svm_rows *rows, svm_plan *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t classes = job->x->classes;
    double *class_weight = NULL;

    *out = (svm_plan){.job = job, .set = set, .rows = rows, .pairs = 1};
    out->kernel = (tarn_kernel){.kind = (tarn_kernel_kind)set->kernel,
                                .degree = (int)set->degree,
                                .gamma = (float)rows->gamma,
                                .coef0 = (float)set->coef0};
    if (classes > 0) out->folds = set->folds;
    if (classes > 2) out->pairs = (int64_t)classes * (classes - 1) / 2;
    TARN_TRY(tarn_alloc(&out->pair, (size_t)out->pairs, sizeof *out->pair, err));
    TARN_TRY(balance(out, &class_weight, err));
    int64_t p = 0;
    for (int32_t a = 0; a < classes - 1; a++)
        for (int32_t b = a + 1; b < classes; b++, p++) {
            out->pair[p].a = a;
            out->pair[p].b = b;
            TARN_TRY(make_pair(out, &out->pair[p], class_weight, err));
        }
    if (classes == 0) TARN_TRY(make_pair(out, &out->pair[0], NULL, err));
done:
    tarn_free(class_weight);
    return rc;
}

void svm_plan_clear(svm_plan *plan)
{
    for (int64_t p = 0; plan->pair && p < plan->pairs; p++) {
        svm_pair *pair = &plan->pair[p];
        tarn_free(pair->row);
        tarn_free(pair->y);
        tarn_free(pair->cost);
        tarn_free(pair->fold);
        tarn_free(pair->held_out);
        tarn_free(pair->full.beta);
    }
    tarn_free(plan->pair);
}

/* ---- solving ---- */

/* Parts are numbered: all pairs with all their rows, all pairs without fold 0, ... */
typedef struct solving {
    svm_plan *plan;
    size_t cache_bytes;
    svm_team *team;
} solving;

static svm_problem problem_of(const solving *s, const svm_pair *pair)
{
    const svm_plan *plan = s->plan;
    double n = (double)pair->n;

    return (svm_problem){.kernel = plan->kernel,
                         .n = pair->n,
                         .d = plan->rows->d,
                         .x = plan->rows->x,
                         .row = pair->row,
                         .y = pair->y,
                         .cost = pair->cost,
                         .regression = plan->job->x->classes == 0,
                         .shrinking = plan->set->shrinking,
                         .epsilon = plan->job->x->classes == 0 ? (double)(float)plan->set->epsilon : 0,
                         .tol = plan->set->tol,
                         .max_iter = plan->set->max_iter > 0 ? plan->set->max_iter : (int64_t)fmax(1e7, 100 * n),
                         .cache_bytes = s->cache_bytes,
                         .team = s->team,
                         .sink = plan->job->sink};
}

/* What a fold's fit is made of and what it is asked. */
typedef struct part {
    int32_t *row, *asked; /* (n) rows learnt from, and in front of their end the others */
    double *y, *cost, *beta, *decided;
    float *packed, *square;
    size_t learnt, held_out;
} part;

static void part_clear(part *t)
{
    tarn_free(t->row);
    tarn_free(t->asked);
    tarn_free(t->y);
    tarn_free(t->cost);
    tarn_free(t->beta);
    tarn_free(t->decided);
    tarn_free(t->packed);
    tarn_free(t->square);
}

static tarn_code part_make(const svm_plan *plan, const svm_pair *pair, uint8_t fold, part *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t d = plan->rows->d;

    TARN_TRY(tarn_alloc(&t->row, pair->n, sizeof *t->row, err));
    TARN_TRY(tarn_alloc(&t->asked, pair->n, sizeof *t->asked, err));
    TARN_TRY(tarn_alloc(&t->y, pair->n, sizeof *t->y, err));
    TARN_TRY(tarn_alloc(&t->cost, pair->n, sizeof *t->cost, err));
    TARN_TRY(tarn_alloc(&t->beta, pair->n, sizeof *t->beta, err));
    for (size_t i = 0; i < pair->n; i++) {
        if (pair->fold[i] == fold) {
            t->asked[t->held_out++] = pair->row[i];
            continue;
        }
        t->row[t->learnt] = pair->row[i];
        t->y[t->learnt] = pair->y[i];
        t->cost[t->learnt++] = pair->cost[i];
    }
    size_t room = tarn_kernel_padded(t->held_out);
    TARN_TRY(tarn_alloc(&t->decided, room, sizeof *t->decided, err));
    TARN_TRY(tarn_alloc(&t->packed, room * d, sizeof *t->packed, err));
    TARN_TRY(tarn_alloc(&t->square, room, sizeof *t->square, err));
    for (size_t i = 0; i < t->held_out; i++)
        tarn_kernel_pack(d, i, plan->rows->x + (size_t)t->asked[i] * d, t->packed, t->square);
done:
    return rc;
}

static void decide_held_out(const svm_plan *plan, part *t, double rho)
{
    size_t count = 0;

    for (size_t i = 0; i < t->learnt; i++) {
        if (t->beta[i] == 0) continue;
        t->row[count] = t->row[i];
        t->beta[count++] = t->beta[i];
    }
    for (size_t i = 0; i < t->held_out; i++) t->decided[i] = -rho;
    svm_decide(&plan->kernel, plan->rows->d, plan->rows->x, count, t->row, t->beta, t->held_out, t->packed, t->square,
               t->decided);
}

/* Without rows of both classes there is nothing to solve: all is the one class, or nothing is known. */
static bool one_sided(const part *t, double *said)
{
    size_t above = 0;

    for (size_t i = 0; i < t->learnt; i++) above += t->y[i] > 0;
    *said = t->learnt == 0 ? 0 : above > 0 ? 1 : -1;
    return above == 0 || above == t->learnt;
}

static tarn_code solve_fold(const solving *s, svm_pair *pair, uint8_t fold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    part t = {0};
    svm_problem p = problem_of(s, pair);
    svm_solution out = {0};
    double said = 0;

    TARN_TRY(part_make(s->plan, pair, fold, &t, err));
    if (!one_sided(&t, &said)) {
        p.n = t.learnt;
        p.row = t.row;
        p.y = t.y;
        p.cost = t.cost;
        out.beta = t.beta;
        TARN_TRY(svm_solve(&p, &out, err));
        decide_held_out(s->plan, &t, out.rho);
    } else {
        for (size_t i = 0; i < t.held_out; i++) t.decided[i] = said;
    }
    for (size_t i = 0, k = 0; i < pair->n; i++)
        if (pair->fold[i] == fold) pair->held_out[i] = t.decided[k++];
done:
    part_clear(&t);
    return rc;
}

static tarn_code solve_part(const solving *s, int64_t number, tarn_err *err)
{
    const svm_plan *plan = s->plan;
    svm_pair *pair = &plan->pair[number % plan->pairs];

    if (number >= plan->pairs) return solve_fold(s, pair, (uint8_t)(number / plan->pairs - 1), err);
    svm_problem p = problem_of(s, pair);
    return svm_solve(&p, &pair->full, err);
}

/* This rank's parts are every size-th one. */
static int64_t parts_of(const svm_plan *plan)
{
    int64_t all = plan->pairs * (1 + plan->folds), size = tarn_comm_size(plan->job->comm);
    int64_t me = tarn_comm_rank(plan->job->comm);

    return (all - me + size - 1) / size;
}

static tarn_code solve_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const solving *s = arg;
    tarn_comm *comm = s->plan->job->comm;

    (void)worker;
    return solve_part(s, block * tarn_comm_size(comm) + tarn_comm_rank(comm), err);
}

static tarn_code solve_in_turn(void *arg, svm_team *team, tarn_err *err)
{
    solving *s = arg;
    tarn_code rc = TARN_OK;

    s->team = team;
    for (int64_t i = 0; i < parts_of(s->plan); i++) TARN_TRY(solve_block(s, i, 0, err));
done:
    return rc;
}

/* The owner of a part tells its outcome. */
static tarn_code share_part(const svm_plan *plan, int64_t number, double *buffer, tarn_err *err)
{
    tarn_comm *comm = plan->job->comm;
    svm_pair *pair = &plan->pair[number % plan->pairs];
    svm_solution *full = &pair->full;
    uint8_t fold = (uint8_t)(number / plan->pairs - 1);
    int owner = (int)(number % tarn_comm_size(comm));
    size_t k = 0;

    if (number < plan->pairs) {
        double rest[4] = {full->rho, full->objective, (double)full->iterations, full->converged};
        tarn_code rc = tarn_comm_share(comm, owner, full->beta, pair->n * sizeof *full->beta, err);
        if (rc == TARN_OK) rc = tarn_comm_share(comm, owner, rest, sizeof rest, err);
        if (rc == TARN_OK && full->decision)
            rc = tarn_comm_share(comm, owner, full->decision, pair->n * sizeof *full->decision, err);
        full->rho = rest[0];
        full->objective = rest[1];
        full->iterations = (int64_t)rest[2];
        full->converged = rest[3] > 0;
        return rc;
    }
    for (size_t i = 0; i < pair->n; i++)
        if (pair->fold[i] == fold) buffer[k++] = pair->held_out[i];
    tarn_code rc = tarn_comm_share(comm, owner, buffer, k * sizeof *buffer, err);
    k = 0;
    for (size_t i = 0; i < pair->n; i++)
        if (pair->fold[i] == fold) pair->held_out[i] = buffer[k++];
    return rc;
}

tarn_code svm_plan_solve(svm_plan *plan, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_pool *pool = plan->job->pool;
    int64_t parts = parts_of(plan), threads = tarn_pool_threads(pool);
    size_t bytes = (size_t)(plan->set->cache_mb * 1e6);
    solving s = {.plan = plan, .cache_bytes = bytes};
    double *buffer = NULL;

    if (parts >= 2 * threads) {
        s.cache_bytes = bytes / (size_t)threads;
        rc = tarn_pool_run(pool, parts, solve_block, &s, err);
    } else rc = svm_team_lead(pool, solve_in_turn, &s, err);
    if (rc == TARN_OK) rc = tarn_alloc(&buffer, (size_t)plan->rows->n, sizeof *buffer, err);
    TARN_TRY(tarn_comm_agree(plan->job->comm, rc, err));
    for (int64_t i = 0; tarn_comm_size(plan->job->comm) > 1 && i < plan->pairs * (1 + plan->folds); i++)
        TARN_TRY(share_part(plan, i, buffer, err));
done:
    tarn_free(buffer);
    return rc;
}
