/* SPDX-License-Identifier: Apache-2.0 */
/* boosting.c - histogram gradient boosting: trees that each correct what those before them left over.
 *
 * Per round: gradients of the loss at the present scores (boosting_loss.h, boosting_rank.h), rounded to whole steps;
 * one tree per output, grown leaf-wise on histograms of these (tree_leafwise.h); its values are added to the scores.
 * Missing values take the side that they do better on, categories are split by subsets (tree_split.h).
 *
 * With a validation set, rounds stop when its loss or another measure (boosting_judge.h) has not improved for
 * early_stopping rounds, and the trees after the best round are dropped.
 *
 * Going on from an earlier fit (boosting_before.h), its trees stay as they are, rounds begin at its scores, and columns
 * are cut into bins by the new rows alone. If validation finds no round better than the earlier fit, nothing is added.
 *
 * Order of calls in fit: set_up (may fail on one rank alone; then all agree), base scores, rounds, finish. */
#include "train/algos/boosting_parts.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

typedef tarn_boosting boosting;

static const tarn_param params[] = {
    TARN_INT(tarn_boosting_params, trees, 200, 1, 100000, "rounds (each is one tree, or one per class with 3 or more)"),
    TARN_REAL(tarn_boosting_params, learning_rate, 0.1, 1e-6, 1, "share of each tree's correction that is used"),
    TARN_INT(tarn_boosting_params, leaves, 31, 2, 65536, "most leaves of a tree"),
    TARN_INT(tarn_boosting_params, depth, 0, 0, 1000, "most splits from root to leaf; 0: no limit"),
    TARN_INT(tarn_boosting_params, min_rows, 20, 1, 1e9, "least training rows in a leaf"),
    TARN_WORD(tarn_boosting_params, objective, TARN_LOSS_AUTO, TARN_LOSS_WORDS,
              "what is made smaller, for regression; auto: squared errors (classes: log loss, ranking: LambdaMART)"),
    TARN_REAL(tarn_boosting_params, quantile, 0.5, 0.001, 0.999, "the share of rows below the prediction (quantile)"),
    TARN_REAL(tarn_boosting_params, delta, 1, 1e-9, 1e12, "from this error on it counts linearly (huber)"),
    TARN_REAL(tarn_boosting_params, power, 1.5, 1.001, 1.999,
              "of the mean, to which the variance is proportional (tweedie)"),
    TARN_INT(tarn_boosting_params, ndcg_at, 30, 1, 100000, "how many places of a ranking count (ranking)"),
    TARN_TEXT(tarn_boosting_params, monotone, "",
              "columns that the prediction must rise (+1) or fall (-1) with, like price:-1,area:+1"),
    TARN_REAL(tarn_boosting_params, l1, 0, 0, 1e9, "penalty on leaf values; pulls small ones to 0"),
    TARN_REAL(tarn_boosting_params, l2, 0, 0, 1e9, "penalty on squared leaf values"),
    TARN_REAL(
        tarn_boosting_params, max_step, 10, 0, 1e9,
        "most that a tree may move a score, before learning_rate, where it is a log (classes, counts); 0: no limit"),
    TARN_REAL(tarn_boosting_params, min_gain, 0, 0, 1e12, "least gain of a split"),
    TARN_REAL(tarn_boosting_params, min_hessian, 1e-3, 1e-9, 1e9, "least sum of second derivatives in a leaf"),
    TARN_REAL(tarn_boosting_params, row_share, 1, 0.001, 1,
              "share of the rows that each round looks at, chosen at random"),
    TARN_REAL(tarn_boosting_params, column_share, 1, 0.001, 1, "share of the columns that each tree may use"),
    TARN_INT(tarn_boosting_params, max_bins, 255, 2, TARN_BINS_MOST, "most bins that a number is cut into"),
    TARN_INT(tarn_boosting_params, early_stopping, 20, 0, 100000,
             "stop after so many rounds without a better validation loss, where there is a validation set; 0: never"),
    TARN_WORD(tarn_boosting_params, stop_on, TARN_JUDGE_LOSS, TARN_JUDGE_WORDS,
              "what early stopping looks at; loss: what is made smaller"),
    TARN_WORD(tarn_boosting_params, importance, 0, "gain|splits",
              "of columns: what their splits gained, or their number"),
    TARN_REAL(tarn_boosting_params, category_smooth, 10, 0, 1e6, "rows' worth of doubt about a category level"),
    TARN_REAL(tarn_boosting_params, category_l2, 1, 0, 1e9, "added to l2 when levels are grouped"),
    TARN_INT(tarn_boosting_params, category_rows, 20, 1, 1e9, "least rows on each side when levels are grouped"),
    TARN_REAL(
        tarn_boosting_params, category_doubt, 0.64, 0, 1000,
        "gain taken off for each level when levels are grouped, in units of what chance gives to one (2/pi is fair)"),
    TARN_PARAMS_END,
};

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
    if (b->g) tarn_loss_pack_rows(x, &b->rounding, b->share, at, n, b->g + at, b->h + at, b->packed);
    else b->seen[block] = tarn_loss_pack(&b->loss, x, &b->rounding, b->score, b->share, at, n, scratch, b->packed);
    return TARN_OK;
}

/* The largest g and h of a block, of a loss that is open. */
static tarn_code see_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    boosting *b = arg;
    const tarn_matrix *x = b->job->x;
    int64_t at = block * TARN_BLOCK_ROWS, n = x->rows - at < TARN_BLOCK_ROWS ? x->rows - at : TARN_BLOCK_ROWS;
    double *g = b->scratch + (size_t)worker * (size_t)(b->loss.outputs + 1) * TARN_BLOCK_ROWS, *h = g + n;
    double *most_g = &b->seen[block], *most_h = most_g + tarn_blocks(x->rows);

    (void)err;
    *most_g = *most_h = 0;
    if (b->g) g = b->g + at, h = b->h + at;
    else tarn_loss_rows(&b->loss, x, b->score, at, n, g, h);
    for (int64_t i = 0; i < n; i++) {
        *most_g = fmax(*most_g, fabs(g[i]));
        *most_h = fmax(*most_h, h[i]);
    }
    return TARN_OK;
}

/* most[0], most[1]: what see_block (or tarn_loss_pack) saw, over all ranks. */
static tarn_code most_seen(boosting *b, double most[2], tarn_err *err)
{
    int64_t blocks = tarn_blocks(b->job->x->rows);

    most[0] = most[1] = 0;
    for (int64_t i = 0; i < blocks; i++) {
        most[0] = fmax(most[0], b->seen[i]);
        most[1] = fmax(most[1], b->seen[blocks + i]);
    }
    return tarn_comm_max_f64(b->job->comm, most, 2, err);
}

/* How large g may be: 1 for probabilities; for residuals, the largest of the round before and what one tree can add to
 * it; open losses are looked at. */
static tarn_code most_gradient(boosting *b, double *most, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double seen[2];

    *most = b->loss.kind == TARN_LOSS_SQUARED ? b->most_residual * (1 + b->p->learning_rate)
            : b->loss.kind == TARN_LOSS_HUBER ? b->loss.delta
                                              : 1;
    if (b->g) TARN_TRY(tarn_lambda_gradients(b->ranking, b->score, b->g, b->h, err));
    if (tarn_loss_is_open(&b->loss)) {
        TARN_TRY(tarn_pool_run(b->job->pool, tarn_blocks(b->job->x->rows), see_block, b, err));
        TARN_TRY(most_seen(b, seen, err));
        *most = seen[0];
        tarn_boosting_set_h_unit(b, seen[1] > 0 ? seen[1] : 1);
    }
    if (!(*most > 0)) *most = 1;
done:
    return rc;
}

/* Gradients at the present scores. */
static tarn_code make_gradients(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    double most = 1, seen[2];
    tarn_random4 turn = tarn_philox(job->seed, TARN_STREAM_BAGGING, (uint64_t)b->round, (uint32_t)TURN_PLACE);

    TARN_TRY(most_gradient(b, &most, err));
    if (b->categories && (b->round == 0 || b->loss.classes == 0)) {
        TARN_TRY(tarn_loss_noise(&b->loss, job, b->score, b->g, b->h, &b->rules.level_noise, err));
        b->rules.level_noise *= b->p->category_doubt;
    }
    b->rules.g_unit = most * b->most_weight / (double)b->rounding.pack.g_most;
    b->rounding.g_scale = 1 / b->rules.g_unit;
    b->rounding.turn_g = (uint16_t)turn.v[0];
    b->rounding.turn_h = (uint16_t)turn.v[1];
    TARN_TRY(tarn_pool_run(job->pool, tarn_blocks(job->x->rows), pack_block, b, err));
    if (b->loss.kind != TARN_LOSS_SQUARED) return TARN_OK;
    TARN_TRY(most_seen(b, seen, err));
    b->most_residual = seen[0];
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
        if (tarn_loss_refits(&b->loss))
            TARN_TRY(
                tarn_leafwise_refit(b->trees, job->x->y, job->x->weight, b->most_weight, b->score, b->loss.level, err));
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

/* The loss over the training rows. */
static tarn_code set_objective(boosting *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;

    if (!b->ranking) return tarn_loss_mean(&b->loss, job->x, job->pool, job->comm, b->score, &b->best_objective, err);
    TARN_TRY(tarn_lambda_ndcg(b->ranking, b->score, &b->best_objective, err));
    b->best_objective = 1 - b->best_objective;
done:
    return rc;
}

/* Is this the best round so far? *stop when the last best one is too long ago. */
static tarn_code judge_round(boosting *b, bool *stop, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = b->job;
    double loss = 0;

    rc = tarn_judge(&b->loss, (tarn_judge_by)b->p->stop_on, job->valid, b->valid_ranking, job->pool, b->valid_score,
                    &loss, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err)); /* every rank has the whole set, but may lack memory */
    if (!b->judged || loss < b->best_loss) {
        b->judged = true;
        b->best_loss = loss;
        b->best_round = b->round;
        memcpy(b->best_gain, b->gain, (size_t)job->x->cols * sizeof *b->gain);
        TARN_TRY(set_objective(b, err));
    }
    *stop = b->round - b->best_round >= b->p->early_stopping;
done:
    return rc;
}

static tarn_code run_rounds(boosting *b, bool *converged, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool sampling = b->p->row_share < 1 || b->p->column_share < 1, early = false;

    if (tarn_boosting_stops_early(b) && b->before.rounds > 0)
        TARN_TRY(judge_round(b, &early, err)); /* what is to be bettered */
    for (bool stop = false; !stop && b->round < b->p->trees;) {
        bool grew = false;
        TARN_TRY(make_gradients(b, err));
        TARN_TRY(grow_round(b, &grew, err));
        b->round++;
        tarn_progress(b->job->sink, "boosting", b->round, b->p->trees, "rounds");
        if (tarn_boosting_stops_early(b)) TARN_TRY(judge_round(b, &stop, err));
        if (!grew && !sampling) stop = true;
        *converged = stop;
    }
    if (!tarn_boosting_stops_early(b)) {
        b->best_round = b->round;
        memcpy(b->best_gain, b->gain, (size_t)b->job->x->cols * sizeof *b->gain);
        TARN_TRY(set_objective(b, err));
    }
    tarn_grove_cut(&b->grove, (uint32_t)((b->before.rounds + b->best_round) * b->loss.outputs));
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
    if (tarn_loss_has_log_link(&b->loss)) link.link = TARN_LINK_EXP;
    if (b->loss.classes > 0 || tarn_loss_has_log_link(&b->loss)) {
        if (outputs > 1) TARN_TRY(tarn_alloc(&regs, outputs, sizeof *regs, err));
        for (uint32_t k = 0; k < outputs; k++) regs[k] = first + k;
        TARN_TRY(
            tarn_graph_node(b->job->graph, "link", regs, outputs, outputs, NULL, &link, sizeof link, &out->out, err));
    }
    out->iterations = b->before.rounds + b->best_round;
    if (b->job->keep_state)
        TARN_TRY(tarn_boosted_keep(b->job, &b->loss, &b->grove, b->base, b->best_gain, out->iterations, out, err));
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
    boosting b = {.job = job, .p = settings};

    TARN_TRY(tarn_boosting_set_up(&b, err));
    TARN_TRY(tarn_boosting_set_scores(&b, err));
    TARN_TRY(run_rounds(&b, &out->converged, err));
    rc = finish(&b, out, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
done:
    if (rc != TARN_OK) {
        tarn_free(out->importance);
        tarn_free(out->state);
        out->importance = NULL;
        out->state = NULL;
    }
    tarn_boosting_tear_down(&b);
    return rc;
}

const tarn_algo tarn_algo_boosting = {
    .name = "boosting",
    .title = "Histogram gradient boosting",
    .paper = "Friedman 2001, Ann. Statist. 29(5); Ke et al. 2017, NIPS (LightGBM); Burges 2010 (LambdaMART)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION | TARN_DOES_RANKING,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .learns_on = true,
    .params_size = sizeof(tarn_boosting_params),
    .params = params,
    .space = "{learning_rate: {from: 0.02, to: 0.3, scale: log}, leaves: [7, 15, 31, 63], min_rows: [5, 20, 80], "
             "l2: [0, 1, 10], row_share: [0.7, 1], column_share: [0.5, 0.8, 1]}",
    .fit = fit,
};
