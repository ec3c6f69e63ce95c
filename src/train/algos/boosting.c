/* SPDX-License-Identifier: Apache-2.0 */
/* boosting.c - histogram gradient boosting: trees that each correct what those before them left over.
 *
 * Per round: gradients of the loss at the present scores, rounded to whole steps; one tree per output, grown leaf-wise
 * on histograms of these (tree_leafwise.h); its values are added to the scores. Missing values take the side that they
 * do better on, categories are split by subsets (tree_split.h).
 *
 * With a validation set, rounds stop when its loss has not improved for early_stopping rounds, and the trees after the
 * best round are dropped.
 *
 * Order of calls in fit: set_up (may fail on one rank alone; then all agree), base scores, rounds, finish. */
#include "train/algos/boosting_loss.h"

#include "base/mem.h"
#include "base/random.h"
#include "train/tree_leafwise.h"

#include <math.h>
#include <string.h>

typedef struct boosting_params {
    int64_t trees, leaves, depth, min_rows, max_bins, early_stopping, category_rows;
    double learning_rate, l2, min_gain, min_hessian, row_share, column_share, category_smooth, category_l2,
        category_doubt;
} boosting_params;

static const tarn_param params[] = {
    TARN_INT(boosting_params, trees, 200, 1, 100000, "rounds (each is one tree, or one per class with 3 or more)"),
    TARN_REAL(boosting_params, learning_rate, 0.1, 1e-6, 1, "share of each tree's correction that is used"),
    TARN_INT(boosting_params, leaves, 31, 2, 65536, "most leaves of a tree"),
    TARN_INT(boosting_params, depth, 0, 0, 1000, "most splits from root to leaf; 0: no limit"),
    TARN_INT(boosting_params, min_rows, 20, 1, 1e9, "least training rows in a leaf"),
    TARN_REAL(boosting_params, l2, 0, 0, 1e9, "penalty on squared leaf values"),
    TARN_REAL(boosting_params, min_gain, 0, 0, 1e12, "least gain of a split"),
    TARN_REAL(boosting_params, min_hessian, 1e-3, 1e-9, 1e9, "least sum of second derivatives in a leaf"),
    TARN_REAL(boosting_params, row_share, 1, 0.001, 1, "share of the rows that each round looks at, chosen at random"),
    TARN_REAL(boosting_params, column_share, 1, 0.001, 1, "share of the columns that each tree may use"),
    TARN_INT(boosting_params, max_bins, 255, 2, TARN_BINS_MOST, "most bins that a number is cut into"),
    TARN_INT(boosting_params, early_stopping, 20, 0, 100000,
             "stop after so many rounds without a better validation loss, where there is a validation set; 0: never"),
    TARN_REAL(boosting_params, category_smooth, 10, 0, 1e6, "rows' worth of doubt about a category level"),
    TARN_REAL(boosting_params, category_l2, 1, 0, 1e9, "added to l2 when levels are grouped"),
    TARN_INT(boosting_params, category_rows, 20, 1, 1e9, "least rows on each side when levels are grouped"),
    TARN_REAL(
        boosting_params, category_doubt, 0.64, 0, 1000,
        "gain taken off for each level when levels are grouped, in units of what chance gives to one (2/pi is fair)"),
    TARN_PARAMS_END,
};

typedef struct boosting {
    const tarn_fit *job;
    const boosting_params *p;
    tarn_loss loss;
    tarn_bins *bins;
    tarn_binned rows, valid;
    double *score, *valid_score; /* (outputs, rows) */
    double *base;                /* (outputs) */
    int64_t *packed;             /* (outputs, rows) */
    double *scratch;             /* (threads, outputs + 1, TARN_BLOCK_ROWS) */
    uint16_t *dither;            /* (rows) */
    uint8_t *share;              /* (rows), NULL when all take part */
    double *seen;                /* (blocks) largest residual of each */
    int32_t *columns;            /* (cols) scratch for choosing */
    double *gain, *best_gain;    /* (cols) importance so far, and at the best round */
    tarn_leafwise *trees;
    tarn_grove grove;
    tarn_rounding rounding;
    tarn_split_rules rules;
    double most_weight, most_residual;
    bool categories; /* there are any */
    bool weighted, very_unequal;
    int64_t round, best_round; /* rounds done; after how many the validation loss was least */
    double best_loss, best_objective;
} boosting;

/* Dither comes from the stream of the row's sampling, at places of the index that no round reaches. */
enum { DITHER_PLACE = -1, TURN_PLACE = -2 };

enum { UNEQUAL = 100 /* times the least weight: the largest is too much for coarse steps */ };

/* ---- setting up ---- */

static void make_dither(boosting *b)
{
    const tarn_matrix *x = b->job->x;

    for (int64_t i = 0; i < x->rows; i += 8) {
        tarn_random4 r =
            tarn_philox(b->job->seed, TARN_STREAM_BAGGING, (uint64_t)(x->first + i) >> 3, (uint32_t)DITHER_PLACE);
        for (int64_t k = 0; k < 8 && i + k < x->rows; k++) b->dither[i + k] = (uint16_t)(r.v[k / 2] >> (k % 2 * 16));
    }
}

static tarn_code agree_on_weights(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;
    double most[3] = {0, -INFINITY, x->weight ? 1 : 0}; /* largest, least with the sign turned, any */

    for (int64_t i = 0; i < x->rows; i++) {
        double w = x->weight ? x->weight[i] : 1;
        most[0] = fmax(most[0], w);
        most[1] = fmax(most[1], -w);
    }
    TARN_TRY(tarn_comm_max_f64(b->job->comm, most, 3, err));
    b->most_weight = most[0];
    b->weighted = most[2] > 0;
    b->very_unequal = most[0] > UNEQUAL * -most[1];
done:
    return rc;
}

static tarn_code set_up_memory(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;
    size_t rows = (size_t)x->rows, outputs = (size_t)b->loss.outputs, cols = (size_t)x->cols;
    size_t threads = (size_t)tarn_pool_threads(b->job->pool);

    TARN_TRY(tarn_alloc(&b->score, outputs * rows, sizeof *b->score, err));
    TARN_TRY(tarn_alloc(&b->base, outputs, sizeof *b->base, err));
    TARN_TRY(tarn_alloc(&b->packed, outputs * rows, sizeof *b->packed, err));
    TARN_TRY(tarn_alloc(&b->scratch, threads * (outputs + 1) * TARN_BLOCK_ROWS, sizeof *b->scratch, err));
    TARN_TRY(tarn_alloc(&b->dither, rows, sizeof *b->dither, err));
    if (b->p->row_share < 1) TARN_TRY(tarn_alloc(&b->share, rows, 1, err));
    TARN_TRY(tarn_alloc(&b->seen, (size_t)tarn_blocks(x->rows), sizeof *b->seen, err));
    TARN_TRY(tarn_alloc(&b->columns, cols, sizeof *b->columns, err));
    TARN_TRY(tarn_alloc(&b->gain, cols, sizeof *b->gain, err));
    TARN_TRY(tarn_alloc(&b->best_gain, cols, sizeof *b->best_gain, err));
done:
    return rc;
}

static bool stops_early(const boosting *b) { return b->job->valid && b->p->early_stopping > 0; }

static tarn_code set_up_valid(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *v = b->job->valid;
    size_t values = (size_t)b->loss.outputs * (size_t)v->rows;

    TARN_TRY(tarn_bins_rows(b->bins, v, b->job->pool, true, false, &b->valid, err));
    TARN_TRY(tarn_alloc(&b->valid_score, values, sizeof *b->valid_score, err));
done:
    return rc;
}

/* What this rank does alone. */
static tarn_code set_up_alone(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    tarn_leafwise_shape shape = {(int32_t)b->p->leaves, (int32_t)b->p->depth, b->p->learning_rate};

    TARN_TRY(set_up_memory(b, err));
    TARN_TRY(tarn_bins_rows(b->bins, job->x, job->pool, true, true, &b->rows, err));
    if (stops_early(b)) TARN_TRY(set_up_valid(b, err));
    TARN_TRY(tarn_leafwise_new(job, b->bins, &b->rows, &b->rounding.pack, shape, &b->trees, err));
    make_dither(b);
done:
    return rc;
}

static void set_rules(boosting *b)
{
    const boosting_params *p = b->p;
    double h_most = b->loss.classes > 2 ? 0.25 * b->loss.classes / (b->loss.classes - 1) : 0.25;

    if (b->loss.classes == 0) h_most = 1;
    for (int32_t j = 0; j < b->bins->cols; j++) b->categories = b->categories || b->bins->feature[j].category;
    b->rules = (tarn_split_rules){.l2 = p->l2,
                                  .min_gain = p->min_gain,
                                  .min_hessian = p->min_hessian,
                                  .min_rows = p->min_rows,
                                  .category_smooth = p->category_smooth,
                                  .category_l2 = p->category_l2,
                                  .category_rows = p->category_rows};
    b->rules.h_unit = h_most * b->most_weight / (double)b->rounding.pack.h_most;
    b->rounding.h_scale = 1 / b->rules.h_unit;
    b->rounding.dither = b->dither;
}

static tarn_code set_up(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(agree_on_weights(b, err));
    b->rounding.pack = tarn_pack_for(b->job->x->all_rows, b->loss.classes == 0 && !b->weighted, b->very_unequal);
    TARN_TRY(tarn_bins_make(b->job, b->p->max_bins, &b->bins, err));
    rc = set_up_alone(b, err);
    TARN_TRY(tarn_comm_agree(b->job->comm, rc, err));
    set_rules(b);
done:
    return rc;
}

static tarn_code set_scores(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = b->job->x;

    TARN_TRY(tarn_loss_base(&b->loss, b->job, b->base, err));
    for (int32_t k = 0; k < b->loss.outputs; k++) {
        for (int64_t i = 0; i < x->rows; i++) b->score[k * x->rows + i] = b->base[k];
        for (int64_t i = 0; i < b->valid.rows; i++) b->valid_score[k * b->valid.rows + i] = b->base[k];
    }
    if (b->loss.classes > 0) return TARN_OK;
    for (int64_t i = 0; i < x->rows; i++) b->most_residual = fmax(b->most_residual, fabs(x->y[i] - b->base[0]));
    TARN_TRY(tarn_comm_max_f64(b->job->comm, &b->most_residual, 1, err));
done:
    return rc;
}

static void tear_down(boosting *b)
{
    tarn_leafwise_free(b->trees);
    tarn_bins_free(b->bins);
    tarn_binned_clear(&b->rows);
    tarn_binned_clear(&b->valid);
    tarn_grove_clear(&b->grove);
    tarn_free(b->score);
    tarn_free(b->valid_score);
    tarn_free(b->base);
    tarn_free(b->packed);
    tarn_free(b->scratch);
    tarn_free(b->dither);
    tarn_free(b->share);
    tarn_free(b->seen);
    tarn_free(b->columns);
    tarn_free(b->gain);
    tarn_free(b->best_gain);
}

/* ---- a round ---- */

static tarn_code pack_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    boosting *b = arg;
    const tarn_matrix *x = b->job->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    double *scratch = b->scratch + (size_t)worker * (size_t)(b->loss.outputs + 1) * TARN_BLOCK_ROWS;

    (void)err;
    for (int64_t i = at; b->share && i < at + n; i++)
        b->share[i] = tarn_random_unit(b->job->seed, TARN_STREAM_BAGGING, (uint64_t)(x->first + i),
                                       (uint32_t)b->round) < b->p->row_share;
    b->seen[block] = tarn_loss_pack(&b->loss, x, &b->rounding, b->score, b->share, at, n, scratch, b->packed);
    return TARN_OK;
}

/* Gradients at the present scores. Their largest is known beforehand: 1 for probabilities; for residuals, that of the
 * round before and what one tree can add to it. */
static tarn_code make_gradients(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    double most = b->loss.classes > 0 ? 1 : b->most_residual * (1 + b->p->learning_rate);
    tarn_random4 turn = tarn_philox(job->seed, TARN_STREAM_BAGGING, (uint64_t)b->round, (uint32_t)TURN_PLACE);

    if (b->categories && (b->round == 0 || b->loss.classes == 0)) {
        TARN_TRY(tarn_loss_noise(&b->loss, job, b->score, &b->rules.level_noise, err));
        b->rules.level_noise *= b->p->category_doubt;
    }
    if (!(most > 0)) most = 1;
    b->rules.g_unit = most * b->most_weight / (double)b->rounding.pack.g_most;
    b->rounding.g_scale = 1 / b->rules.g_unit;
    b->rounding.turn_g = (uint16_t)turn.v[0];
    b->rounding.turn_h = (uint16_t)turn.v[1];
    TARN_TRY(tarn_pool_run(job->pool, tarn_blocks(job->x->rows), pack_block, b, err));
    if (b->loss.classes > 0) return TARN_OK;
    b->most_residual = 0;
    for (int64_t i = 0; i < tarn_blocks(job->x->rows); i++) b->most_residual = fmax(b->most_residual, b->seen[i]);
    TARN_TRY(tarn_comm_max_f64(job->comm, &b->most_residual, 1, err));
done:
    return rc;
}

/* The columns that tree number `tree` may use, ascending. */
static tarn_hist_use choose_columns(boosting *b, uint64_t tree)
{
    int32_t cols = b->job->x->cols, count = (int32_t)ceil(b->p->column_share * cols);

    for (int32_t j = 0; j < cols; j++) b->columns[j] = j;
    if (count >= cols) return (tarn_hist_use){b->columns, cols, true};
    for (int32_t k = 0; k < count; k++) {
        int32_t other =
            k + (int32_t)tarn_random_below((uint64_t)(cols - k), b->job->seed, TARN_STREAM_FEATURES, tree, (uint32_t)k);
        int32_t t = b->columns[k];
        b->columns[k] = b->columns[other];
        b->columns[other] = t;
    }
    for (int32_t i = 1; i < count; i++) { /* ascending: insertion */
        int32_t c = b->columns[i], at = i;
        for (; at > 0 && b->columns[at - 1] > c; at--) b->columns[at] = b->columns[at - 1];
        b->columns[at] = c;
    }
    return (tarn_hist_use){b->columns, count, false};
}

typedef struct valid_adding {
    boosting *b;
    int32_t output;
} valid_adding;

static tarn_code add_valid_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const valid_adding *a = arg;
    boosting *b = a->b;
    int64_t at = block * TARN_BLOCK_ROWS, end = at + TARN_BLOCK_ROWS;
    double *score = b->valid_score + a->output * b->valid.rows;

    (void)worker, (void)err;
    if (end > b->valid.rows) end = b->valid.rows;
    for (int64_t i = at; i < end; i++)
        score[i] +=
            tarn_tree_value(tarn_leafwise_tree(b->trees), b->bins, b->valid.by_row + (size_t)i * b->valid.row_bytes);
    return TARN_OK;
}

/* One tree per output; *grew if any has a split. */
static tarn_code grow_round(boosting *b, bool *grew, tarn_err *err)
{
    tarn_code rc = TARN_OK, added = TARN_OK;
    const tarn_fit *job = b->job;

    *grew = false;
    for (int32_t k = 0; k < b->loss.outputs; k++) {
        valid_adding v = {b, k};
        tarn_hist_use use = choose_columns(b, (uint64_t)b->round * (uint64_t)b->loss.outputs + (uint64_t)k);
        TARN_TRY(tarn_leafwise_grow(b->trees, b->packed + k * job->x->rows, &b->rules, &use, b->gain, err));
        TARN_TRY(tarn_leafwise_add(b->trees, b->score + k * job->x->rows, err));
        if (b->valid_score) TARN_TRY(tarn_pool_run(job->pool, tarn_blocks(b->valid.rows), add_valid_block, &v, err));
        if (added == TARN_OK)
            added = tarn_grove_add(&b->grove, tarn_leafwise_tree(b->trees), b->bins, (uint32_t)k, err);
        *grew = *grew || tarn_leafwise_tree(b->trees)->nodes > 1;
    }
    if (added == TARN_OK) added = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, added, err));
done:
    return rc;
}

/* Is this the best round so far? *stop when the last best one is too long ago. */
static tarn_code judge_round(boosting *b, bool *stop, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    double loss = 0;

    rc = tarn_loss_mean(&b->loss, job->valid, job->pool, NULL, b->valid_score, &loss, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err)); /* every rank has the whole set, but may lack memory */
    if (b->best_round == 0 || loss < b->best_loss) {
        b->best_loss = loss;
        b->best_round = b->round;
        memcpy(b->best_gain, b->gain, (size_t)job->x->cols * sizeof *b->gain);
        TARN_TRY(tarn_loss_mean(&b->loss, job->x, job->pool, job->comm, b->score, &b->best_objective, err));
    }
    *stop = b->round - b->best_round >= b->p->early_stopping;
done:
    return rc;
}

static tarn_code run_rounds(boosting *b, bool *converged, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool sampling = b->p->row_share < 1 || b->p->column_share < 1;

    for (bool stop = false; !stop && b->round < b->p->trees;) {
        bool grew = false;
        TARN_TRY(make_gradients(b, err));
        TARN_TRY(grow_round(b, &grew, err));
        b->round++;
        tarn_progress(b->job->sink, "boosting", b->round, b->p->trees, "rounds");
        if (stops_early(b)) TARN_TRY(judge_round(b, &stop, err));
        if (!grew && !sampling) stop = true;
        *converged = stop;
    }
    if (!stops_early(b)) {
        b->best_round = b->round;
        memcpy(b->best_gain, b->gain, (size_t)b->job->x->cols * sizeof *b->gain);
        TARN_TRY(tarn_loss_mean(&b->loss, b->job->x, b->job->pool, b->job->comm, b->score, &b->best_objective, err));
    }
    tarn_grove_cut(&b->grove, (uint32_t)(b->best_round * b->loss.outputs));
done:
    return rc;
}

static tarn_code finish(boosting *b, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_link_data link = {.link = b->loss.classes > 2 ? TARN_LINK_SOFTMAX : TARN_LINK_SIGMOID};
    uint32_t outputs = (uint32_t)b->loss.outputs, first = 0, regs_stack[1], *regs = regs_stack;

    TARN_TRY(tarn_grove_finish(&b->grove, b->job, outputs, b->base, 1, &first, err));
    out->out = first;
    if (b->loss.classes > 0) {
        if (outputs > 1) TARN_TRY(tarn_alloc(&regs, outputs, sizeof *regs, err));
        for (uint32_t k = 0; k < outputs; k++) regs[k] = first + k;
        TARN_TRY(
            tarn_graph_node(b->job->graph, "link", regs, outputs, outputs, NULL, &link, sizeof link, &out->out, err));
    }
    out->iterations = b->best_round;
    out->objective = b->best_objective;
    out->importance = b->best_gain;
    b->best_gain = NULL;
done:
    if (regs != regs_stack) tarn_free(regs);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *settings, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    boosting b = {.job = job, .p = settings, .loss = tarn_loss_for(job->x->classes)};

    *out = (tarn_fitted){0};
    TARN_TRY(set_up(&b, err));
    TARN_TRY(set_scores(&b, err));
    TARN_TRY(run_rounds(&b, &out->converged, err));
    rc = finish(&b, out, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
done:
    if (rc != TARN_OK) {
        tarn_free(out->importance);
        out->importance = NULL;
    }
    tear_down(&b);
    return rc;
}

const tarn_algo tarn_algo_boosting = {
    .name = "boosting",
    .title = "Histogram gradient boosting",
    .paper = "Friedman 2001, Ann. Statist. 29(5); Ke et al. 2017, NIPS (LightGBM)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .params_size = sizeof(boosting_params),
    .params = params,
    .fit = fit,
};
