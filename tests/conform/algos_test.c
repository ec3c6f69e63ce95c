/* SPDX-License-Identifier: Apache-2.0 */
/* algos_test.c - what every estimator must keep to, whatever it does. A new line in algos.def is tested by being there;
 * docs/adding/estimator.md says what each test wants. */
#include "algos_sample.h"

#include <ctype.h>

enum { SMALL = 400, BIG = 30000, BIG_ENOUGH = 2 * TARN_BLOCK_ROWS + 1 /* for three ranks */ };

typedef void check(const tarn_algo *algo, tarn_task task);

static unsigned bit_of(tarn_task task)
{
    return task == TARN_BINARY       ? TARN_DOES_BINARY
           : task == TARN_MULTICLASS ? TARN_DOES_MULTICLASS
           : task == RANKING         ? TARN_DOES_RANKING
                                     : TARN_DOES_REGRESSION;
}

/* Whether it is this estimator's turn: the one that TARN_TRY_ALGO names, or each. */
static bool is_tried(const tarn_algo *algo)
{
    const char *only = getenv("TARN_TRY_ALGO");

    return !only || strcmp(only, algo->name) == 0;
}

/* The check for every estimator and each task that it does; with a text, too, where it takes one. */
static void each(check *fn)
{
    for (int i = 0; i < tarn_algo_count(); i++) {
        if (!is_tried(tarn_algo_at(i))) continue;
        for (int task = TARN_BINARY; task <= (int)RANKING; task++) {
            if (!(tarn_algo_at(i)->does & bit_of((tarn_task)task))) continue;
            fn(tarn_algo_at(i), (tarn_task)task);
            sample_as_text = tarn_algo_at(i)->takes & TARN_TAKES_SPARSE;
            if (sample_as_text) fn(tarn_algo_at(i), (tarn_task)task);
            sample_as_text = false;
        }
    }
}

/* ---- described ---- */

static void is_word(const char *name)
{
    assert_true(name && *name);
    for (const char *c = name; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_') fail_msg("'%s' is no name", name);
}

static void is_sentence(const char *name, const char *what, const char *text)
{
    if (!text || strlen(text) < 8 || strchr(text, '\n') || text[strlen(text) - 1] == '.')
        fail_msg("%s: the %s should be a line of text without full stop, not '%s'", name, what, text ? text : "NULL");
}

static void every_estimator_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_algo_count(); i++) {
        const tarn_algo *algo = tarn_algo_at(i);
        is_word(algo->name);
        is_sentence(algo->name, "title", algo->title);
        is_sentence(algo->name, "paper", algo->paper);
        assert_non_null(algo->fit);
        assert_true(algo->does > 0 && algo->does < 16 && algo->takes < 8);
        for (int k = 0; k < i; k++) assert_string_not_equal(tarn_algo_at(k)->name, algo->name);
    }
}

static size_t size_of(const tarn_param *p)
{
    return p->type == TARN_P_TEXT   ? (size_t)p->most
           : p->type == TARN_P_BOOL ? sizeof(bool)
           : p->type == TARN_P_WORD ? sizeof(int)
                                    : 8;
}

static void param_is_described(const tarn_algo *algo, const tarn_param *p, void *values)
{
    char preset[128], now[128];

    is_sentence(p->name, "help", p->help);
    assert_ptr_equal(tarn_param_find(algo->params, p->name), p); /* else the name is there twice */
    assert_true(p->at + size_of(p) <= algo->params_size);
    if (p->type == TARN_P_INT || p->type == TARN_P_REAL)
        if (!(p->least <= p->preset && p->preset <= p->most)) fail_msg("%s: default out of range", p->name);
    must(tarn_param_set(algo->params, values, p->name, tarn_param_preset(p, preset, sizeof preset), err));
    assert_string_equal(tarn_param_get(p, values, now, sizeof now), preset);
}

static void every_parameter_has_help_and_a_default_in_range(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_algo_count(); i++) {
        const tarn_algo *algo = tarn_algo_at(i);
        void *values = NULL;
        must(tarn_alloc(&values, 1, algo->params_size, err));
        tarn_params_default(algo->params, values);
        for (const tarn_param *p = algo->params; p && p->type != TARN_P_END; p++) param_is_described(algo, p, values);
        tarn_free(values);
    }
}

/* ---- learns ---- */

/* DCG of rows from .. to-1, put in the order of by (ties: the earlier row). */
static double dcg_of(const sample *s, const double *by, int64_t from, int64_t to)
{
    double sum = 0;

    for (int64_t i = from; i < to; i++) {
        int64_t place = 0;
        for (int64_t k = from; k < to; k++) place += by[k] > by[i] || (by[k] == by[i] && k < i);
        sum += (exp2(s->y[i]) - 1) / log2(2 + (double)place);
    }
    return sum;
}

/* 1 - the mean NDCG of queries in the order of by. */
static double disorder_of(const sample *s, const double *by)
{
    double sum = 0, queries = 0;

    for (int64_t i = 0, end; i < s->rows; i = end) {
        for (end = i + 1; end < s->rows && s->group[end] == s->group[i]; end++) {}
        double best = dcg_of(s, s->y, i, end);
        sum += best > 0 ? 1 - dcg_of(s, by, i, end) / best : 0;
        queries++;
    }
    return sum / queries;
}

/* Mean loss of predictions on s: log-loss, squared error or disorder. guess: the same constant for all rows instead
 * (ranking: the order in which the rows come, which is chance). Of an estimator that votes a probability below 1 %
 * counts as 1 %; of all others 0 for what happens is an infinite loss. */
static double loss_of(const tarn_algo *algo, const sample *s, const double *p, const double *guess)
{
    double sum = 0, least = algo->votes ? 0.01 : 0;

    if (s->task == RANKING) return disorder_of(s, guess ? s->columns[7] : p); /* column 7 is constant */
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t k = s->task == TARN_REGRESSION ? 0 : (int64_t)s->y[i], at = s->task == TARN_MULTICLASS ? k : 0;
        double said = guess ? guess[at] : p[at * s->rows + i];
        if (s->task == TARN_REGRESSION) sum += (said - s->y[i]) * (said - s->y[i]);
        else sum -= log(fmax(s->task == TARN_BINARY && k == 0 ? 1 - said : said, least));
    }
    return sum / (double)s->rows;
}

static void constant_guess(const sample *s, double guess[MOST_CLASSES])
{
    memset(guess, 0, MOST_CLASSES * sizeof *guess);
    for (int64_t i = 0; i < s->rows; i++) {
        if (s->task == TARN_MULTICLASS) guess[(int)s->y[i]] += 1 / (double)s->rows;
        else guess[0] += s->y[i] / (double)s->rows;
    }
}

/* Caller frees. */
static double *predict(const tarn_model *m, const sample *s, tarn_pool *pool)
{
    double *out = NULL;

    must(tarn_alloc(&out, (size_t)(s->rows * tarn_model_outputs(m)), sizeof *out, err));
    must(tarn_model_run(m, pool, s->rows, s->columns, out, err));
    return out;
}

static void learns(const tarn_algo *algo, tarn_task task)
{
    sample train, held_out;
    tarn_fitted fitted = {0};
    tarn_model *model = NULL;
    double guess[MOST_CLASSES], important = 0, rest = 0;

    sample_make(&train, algo, task, 3000, 1);
    sample_make(&held_out, algo, task, 2000, 2);
    must(learn(algo, &train, &(run_as){0}, &fitted, &model, err));
    double *p = predict(model, &held_out, NULL);
    constant_guess(&held_out, guess);
    double ours = loss_of(algo, &held_out, p, NULL), theirs = loss_of(algo, &held_out, NULL, guess);
    if (!(ours < 0.9 * theirs)) fail_msg("%s: loss %g on new rows, a constant has %g", algo->name, ours, theirs);
    assert_true(fitted.iterations > 0);
    assert_false(isinf(fitted.objective));
    for (int j = 0; fitted.importance && j < train.dense + (train.text != NULL); j++) {
        assert_true(fitted.importance[j] >= 0 && isfinite(fitted.importance[j]));
        *(j < 4 || (train.categories && j == 9) ? &important : &rest) += fitted.importance[j];
    }
    if (fitted.importance && !(important > rest))
        fail_msg("%s: columns that matter have importance %g, noise %g", algo->name, important, rest);
    tarn_free(fitted.importance);
    tarn_free(p);
    tarn_model_free(model);
    sample_free(&train);
    sample_free(&held_out);
}

static void every_estimator_learns_more_than_a_constant(void **state)
{
    (void)state;
    each(learns);
}

/* Rows far outside of what was learnt from: empty, unseen, huge. */
static void predicts_sanely(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;

    sample_make(&s, algo, task, SMALL, 3);
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    for (int j = 0; j < COLS; j++) {
        double *x = s.values + j * s.rows;
        x[0] = s.missing ? NAN : 0;
        x[1] = s.features[j].kind == TARN_CATEGORY ? TARN_UNSEEN : 1e300;
        x[2] = s.features[j].kind == TARN_CATEGORY ? 4 : -1e300;
    }
    sample_changed(&s);
    double *p = predict(model, &s, NULL);
    for (int64_t i = 0; i < s.rows && task < TARN_REGRESSION; i++) {
        double sum = 0;
        for (int k = 0; k < tarn_model_outputs(model); k++) {
            double share = p[k * s.rows + i];
            if (!(share >= 0 && share <= 1)) fail_msg("%s: row %d has probability %g", algo->name, (int)i, share);
            sum += share;
        }
        if (task == TARN_MULTICLASS) assert_true(fabs(sum - 1) < 1e-9);
    }
    for (int64_t i = 3; i < s.rows; i++) assert_true(isfinite(p[i]));
    tarn_free(p);
    tarn_model_free(model);
    sample_free(&s);
}

static void every_estimator_predicts_sanely(void **state)
{
    (void)state;
    each(predicts_sanely);
}

/* ---- the same bytes ---- */

static void same_bytes(const tarn_algo *algo, const char *what, const tarn_model *a, const tarn_model *b)
{
    size_t la = 0, lb = 0;
    const void *x = tarn_model_bytes(a, &la), *y = tarn_model_bytes(b, &lb);

    if (la != lb || memcmp(x, y, la) != 0) fail_msg("%s: %s gives another model", algo->name, what);
}

typedef struct ranks_job {
    const tarn_algo *algo;
    const sample *s;
    run_as how;
    int threads;
    tarn_model *models[3];
} ranks_job;

static tarn_code learn_as_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    ranks_job *job = arg;
    run_as how = job->how;
    tarn_code rc = TARN_OK;

    how.comm = comm;
    if (job->threads > 1) rc = tarn_pool_new(job->threads, &how.pool, err);
    rc = tarn_comm_agree(comm, rc, err);
    if (rc == TARN_OK) rc = learn(job->algo, job->s, &how, NULL, &job->models[tarn_comm_rank(comm)], err);
    tarn_pool_free(how.pool);
    return rc;
}

static void on_ranks(const tarn_algo *algo, const sample *s, run_as how, int ranks, int threads, const tarn_model *want)
{
    ranks_job job = {.algo = algo, .s = s, .how = how, .threads = threads};
    char what[64];

    must(tarn_comm_run_threads(ranks, learn_as_rank, &job, err));
    for (int k = 0; k < ranks; k++) {
        (void)snprintf(what, sizeof what, "rank %d of %d with %d threads", k, ranks, threads);
        same_bytes(algo, what, want, job.models[k]);
        tarn_model_free(job.models[k]);
    }
}

static void on_threads(const tarn_algo *algo, const sample *s, run_as how, int threads, const tarn_model *want)
{
    tarn_model *model = NULL;
    char what[64];

    must(tarn_pool_new(threads, &how.pool, err));
    must(learn(algo, s, &how, NULL, &model, err));
    (void)snprintf(what, sizeof what, "a pool of %d threads", threads);
    same_bytes(algo, what, want, model);
    tarn_model_free(model);
    tarn_pool_free(how.pool);
}

static void same_for_all_workers(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL, *again = NULL;

    sample_make(&s, algo, task, algo->quadratic ? BIG_ENOUGH : BIG, 4);
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    must(learn(algo, &s, &(run_as){0}, NULL, &again, err));
    same_bytes(algo, "a second fit", model, again);
    for (int threads = 1; threads <= 7; threads += threads < 3 ? 1 : 4)
        on_threads(algo, &s, (run_as){0}, threads, model);
    for (int ranks = 1; ranks <= 3; ranks++) on_ranks(algo, &s, (run_as){0}, ranks, 1, model);
    tarn_model_free(model);
    tarn_model_free(again);
    sample_free(&s);
}

static void threads_and_ranks_make_no_difference(void **state)
{
    (void)state;
    each(same_for_all_workers);
}

/* The same with row weights and validation rows. */
static void same_with_weights_and_validation(const tarn_algo *algo, tarn_task task)
{
    sample s, valid;
    tarn_model *model = NULL;

    sample_make(&s, algo, task, 2 * TARN_BLOCK_ROWS + 77, 5);
    sample_make(&valid, algo, task, TARN_BLOCK_ROWS + 5, 6);
    run_as how = {.weighted = true, .valid = &valid};
    must(learn(algo, &s, &how, NULL, &model, err));
    on_threads(algo, &s, how, 3, model);
    on_ranks(algo, &s, how, 3, 2, model);
    tarn_model_free(model);
    sample_free(&s);
    sample_free(&valid);
}

static void nor_do_they_with_weights_and_validation_rows(void **state)
{
    (void)state;
    each(same_with_weights_and_validation);
}

/* What was learned goes on with new rows, the same for all workers: learning on makes a better model of new rows than
 * the first rows alone made, or at least no worse. */
static void goes_on(const tarn_algo *algo, tarn_task task)
{
    sample one, two, held_out;
    tarn_fitted first = {0};
    tarn_model *before = NULL, *after = NULL;

    sample_make(&one, algo, task, 500, 21);
    if (!algo->learns_on && !(algo->learns_on_numbers && !one.text)) {
        sample_free(&one);
        return;
    }
    sample_make(&two, algo, task, 2 * TARN_BLOCK_ROWS + 99, 22);
    sample_make(&held_out, algo, task, 2000, 23);
    must(learn(algo, &one, &(run_as){.keep_state = true}, &first, &before, err));
    assert_true(first.state && first.state_len > 0);
    run_as how = {.before = first.state, .before_len = first.state_len};
    must(learn(algo, &two, &how, NULL, &after, err));
    double *p = predict(before, &held_out, NULL), *q = predict(after, &held_out, NULL);
    double was = loss_of(algo, &held_out, p, NULL), is = loss_of(algo, &held_out, q, NULL);
    if (!(is <= 1.01 * was)) fail_msg("%s: loss %g after learning on, %g before", algo->name, is, was);
    on_threads(algo, &two, how, 3, after);
    on_ranks(algo, &two, how, 3, 2, after);
    for (size_t cut = 0; cut < first.state_len; cut += first.state_len / 20 + 1) { /* foreign bytes */
        tarn_model *model = NULL;
        how.before_len = cut;
        tarn_code rc = learn(algo, &two, &how, NULL, &model, NULL);
        assert_true(rc == TARN_CORRUPT || rc == TARN_INVALID);
    }
    tarn_free(p);
    tarn_free(q);
    tarn_free(first.importance);
    tarn_free(first.state);
    tarn_model_free(before);
    tarn_model_free(after);
    sample_free(&one);
    sample_free(&two);
    sample_free(&held_out);
}

static void learning_on_goes_on(void **state)
{
    (void)state;
    each(goes_on);
}

/* Columns that tell nothing, and weights of 9 for rows with high labels, 1 for the others. share[] becomes the weighted
 * mean or shares. */
static void make_telling_nothing(sample *s, const tarn_algo *algo, tarn_task task, double share[MOST_CLASSES])
{
    double total = 0;

    sample_make(s, algo, task, 4000, 16);
    for (int64_t i = 0; i < COLS * s->rows; i++) s->values[i] = 1;
    sample_changed(s);
    for (int64_t i = 0; i < s->rows; i++) {
        s->weight[i] = task == TARN_REGRESSION ? (s->y[i] > 10 ? 9 : 1) : s->y[i] > 0 ? 9 : 1;
        total += s->weight[i];
        share[task == TARN_MULTICLASS ? (int)s->y[i] : 0] += s->weight[i] * (task == TARN_MULTICLASS ? 1 : s->y[i]);
    }
    for (int k = 0; k < MOST_CLASSES; k++) share[k] /= total;
}

/* Of a method that then predicts something else than the mean, weights must move the prediction towards the heavy rows:
 * up, and of several classes the first one's down. */
static void moves_with_weights(const tarn_algo *algo, tarn_task task, const sample *s, const double *with)
{
    tarn_model *plain = NULL;

    must(learn(algo, s, &(run_as){0}, NULL, &plain, err));
    double *p = predict(plain, s, NULL), up = task == TARN_MULTICLASS ? p[0] - with[0] : with[0] - p[0];
    if (!(up > 0)) fail_msg("%s: predicts %g with weights, %g without", algo->name, with[0], p[0]);
    tarn_free(p);
    tarn_model_free(plain);
}

/* How far from the weighted mean or share an estimator may be where nothing else can be learnt: rounding and the end of
 * its iterations, unless a line here says why it is more. */
static double weight_slack(const tarn_algo *algo)
{
    static const struct {
        const char *name;
        double slack;
    } rough[] = {
        {"bernoulli_nb", 0.001},  /* smoothing: it counts a row more of each kind */
        {"categorical_nb", 0.02}, /* the same, of each column */
        {"forest", 0.01},         /* its trees see rows drawn by chance */
        {"huber", 0.01},          /* less than the mean far from the middle */
        {"linear_svm", 0.005},    /* the constant is penalised; probabilities from two folds */
        {"sgd", 0.02},            /* the last steps' noise */
        {"svm", 0.001},           /* probabilities from two folds */
    };

    for (size_t i = 0; i < sizeof rough / sizeof *rough; i++)
        if (strcmp(rough[i].name, algo->name) == 0) return rough[i].slack;
    return 1e-5;
}

/* With columns that tell nothing, all that is left to predict is the weighted mean or share. Of classes, the weights
 * are by class: so they come from a project's class_weight (flow/fitting.c), to every estimator alike. */
static void heeds_weights(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;
    double share[MOST_CLASSES] = {0};

    if (task == RANKING) return; /* scores of a ranking are not of any place or size */
    make_telling_nothing(&s, algo, task, share);
    must(learn(algo, &s, &(run_as){.weighted = true}, NULL, &model, err));
    double *p = predict(model, &s, NULL);
    if (algo->other_centre & bit_of(task)) moves_with_weights(algo, task, &s, p);
    for (int k = 0; !(algo->other_centre & bit_of(task)) && k < tarn_model_outputs(model); k++)
        if (!(fabs(p[k * s.rows] - share[k]) <= weight_slack(algo)))
            fail_msg("%s: predicts %g where the weighted share is %g (is there a reason for weight_slack?)", algo->name,
                     p[k * s.rows], share[k]);
    tarn_free(p);
    tarn_model_free(model);
    sample_free(&s);
}

static void rows_count_by_their_weight(void **state)
{
    (void)state;
    each(heeds_weights);
}

/* Not to the bit: without weights a method may count where it would otherwise add, and so round otherwise. */
static void ones_are_no_weights(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *with = NULL, *without = NULL;

    sample_make(&s, algo, task, SMALL, 7);
    for (int64_t i = 0; i < s.rows; i++) s.weight[i] = 1;
    must(learn(algo, &s, &(run_as){.weighted = true}, NULL, &with, err));
    must(learn(algo, &s, &(run_as){0}, NULL, &without, err));
    double *p = predict(with, &s, NULL), *q = predict(without, &s, NULL);
    double one = loss_of(algo, &s, p, NULL), none = loss_of(algo, &s, q, NULL);
    if (!(fabs(one - none) <= 1e-6 * none))
        fail_msg("%s: loss %g with weights of 1, %g without", algo->name, one, none);
    tarn_free(p);
    tarn_free(q);
    tarn_model_free(with);
    tarn_model_free(without);
    sample_free(&s);
}

static void weights_of_one_are_as_no_weights(void **state)
{
    (void)state;
    each(ones_are_no_weights);
}

/* ---- the model as bytes ---- */

static void survives(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL, *loaded = NULL;
    double *scratch = NULL, in[COLS + 1], out[MOST_CLASSES];
    size_t len = 0;

    sample_make(&s, algo, task, SMALL, 8);
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    const void *bytes = tarn_model_bytes(model, &len);
    must(tarn_model_load(bytes, len, &loaded, err));
    same_bytes(algo, "loading", model, loaded);
    double *before = predict(model, &s, NULL), *after = predict(loaded, &s, NULL);
    int outputs = tarn_model_outputs(model);
    assert_memory_equal(before, after, (size_t)(s.rows * outputs) * sizeof *before);
    must(tarn_alloc(&scratch, tarn_model_scratch(loaded), sizeof *scratch, err));
    for (int64_t i = 0; i < s.rows; i++) {
        for (int j = 0; j < COLS + (s.text != NULL); j++) in[j] = s.columns[j][i];
        tarn_model_row(loaded, in, scratch, out);
        for (int k = 0; k < outputs; k++) assert_memory_equal(&out[k], &before[k * s.rows + i], sizeof out[k]);
    }
    tarn_free(scratch);
    tarn_free(before);
    tarn_free(after);
    tarn_model_free(model);
    tarn_model_free(loaded);
    sample_free(&s);
}

static void a_loaded_model_predicts_the_same_to_the_bit(void **state)
{
    (void)state;
    each(survives);
}

static void withstands(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL, *loaded = NULL;
    size_t len = 0;
    char *copy = NULL;

    sample_make(&s, algo, task, SMALL, 9);
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    const void *bytes = tarn_model_bytes(model, &len);
    must(tarn_alloc(&copy, len, 1, err));
    memcpy(copy, bytes, len);
    size_t step = len / 300 + 1;
    for (size_t cut = 0; cut < len; cut += cut < 200 ? 1 : step)
        must_fail_with(TARN_CORRUPT, "", tarn_model_load(copy, cut, &loaded, err));
    must_fail_with(TARN_CORRUPT, "", tarn_model_load(copy, len - 1, &loaded, err));
    for (size_t at = 0; at < len; at += at < 200 ? 1 : step) {
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
        tarn_code rc = tarn_model_load(copy, len, &loaded, NULL);
        assert_true(rc == TARN_CORRUPT || rc == TARN_UNSUPPORTED); /* a version that is to come */
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
    }
    must(tarn_model_load(copy, len, &loaded, err));
    tarn_free(copy);
    tarn_model_free(model);
    tarn_model_free(loaded);
    sample_free(&s);
}

static void a_cut_or_flipped_model_is_refused(void **state)
{
    (void)state;
    each(withstands);
}

/* ---- refuses ---- */

static void refuses(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;

    sample_make(&s, algo, task, SMALL, 10);
    if (!s.missing && !s.text) {
        s.values[2 * s.rows + 17] = NAN;
        must_fail_with(TARN_INVALID, "column 'column2' is missing in row 18",
                       learn(algo, &s, &(run_as){0}, NULL, &model, err));
        s.values[2 * s.rows + 17] = 0;
    }
    if (!s.categories && !s.text) {
        s.features[4].kind = TARN_CATEGORY;
        s.features[4].levels = 3;
        must_fail_with(TARN_INVALID, "column 'column4' holds categories",
                       learn(algo, &s, &(run_as){0}, NULL, &model, err));
        s.features[4].kind = TARN_NUMBER;
        s.features[4].levels = 0;
    }
    s.y[5] = NAN;
    must_fail_with(TARN_INVALID, "label of row 6", learn(algo, &s, &(run_as){0}, NULL, &model, err));
    for (int64_t i = 0; i < s.rows; i++) s.y[i] = 0;
    if (task < TARN_REGRESSION) must_fail_with(TARN_INVALID, "class", learn(algo, &s, &(run_as){0}, NULL, &model, err));
    s.rows = 0;
    must_fail_with(TARN_INVALID, "no rows", learn(algo, &s, &(run_as){0}, NULL, &model, err));
    assert_null(model);
    sample_free(&s);
}

static void bad_data_are_refused_with_a_useful_message(void **state)
{
    (void)state;
    each(refuses);
}

/* Numbers of 1e200 and more, whose squares overflow, are taken for what they are, or refused by the column's name. */
static void takes_or_refuses_the_huge(const tarn_algo *algo, tarn_task task)
{
    enum { HUGE_COLUMN = 2 };
    sample s;
    tarn_model *model = NULL;
    tarn_err err = {0};

    sample_make(&s, algo, task, SMALL, 10);
    if (s.features[HUGE_COLUMN].kind == TARN_CATEGORY) goto done;
    for (int64_t i = 0; i < s.rows; i++) s.values[HUGE_COLUMN * s.rows + i] *= 1e200;
    sample_changed(&s);
    tarn_code rc = learn(algo, &s, &(run_as){0}, NULL, &model, &err);
    if (rc == TARN_OK) {
        double *p = predict(model, &s, NULL);
        for (int64_t i = 0; i < s.rows * tarn_model_outputs(model); i++)
            if (!isfinite(p[i])) fail_msg("%s: predicts %g of rows with huge numbers", algo->name, p[i]);
        tarn_free(p);
    } else if (rc != TARN_NUMERIC || !strstr(err.msg, "squares of column 'column2' overflow")) {
        fail_msg("%s: of huge numbers it says: %s", algo->name, err.msg);
    }
done:
    tarn_model_free(model);
    sample_free(&s);
}

static void huge_numbers_are_taken_or_refused(void **state)
{
    (void)state;
    each(takes_or_refuses_the_huge);
}

static void tasks_that_it_does_not_do_are_refused(void **state)
{
    sample s;
    tarn_model *model = NULL;
    (void)state;

    for (int i = 0; i < tarn_algo_count(); i++)
        for (int task = TARN_BINARY; task <= (int)RANKING; task++) {
            if (!is_tried(tarn_algo_at(i))) break;
            if (tarn_algo_at(i)->does & bit_of((tarn_task)task)) continue;
            sample_make(&s, tarn_algo_at(i), (tarn_task)task, SMALL, 11);
            must_fail_with(TARN_INVALID, "does not do", learn(tarn_algo_at(i), &s, &(run_as){0}, NULL, &model, err));
            sample_free(&s);
        }
}

/* Two rows and a single value in every column: nothing to learn, but no reason to fail. */
static void hardly_any_data(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;

    sample_make(&s, algo, task, 3, 12);
    for (int64_t i = 0; i < s.rows; i++) s.y[i] = task == TARN_BINARY ? i > 0 : (double)i;
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    tarn_model_free(model);
    model = NULL;
    for (int j = 0; j < COLS; j++)
        for (int64_t i = 0; i < s.rows; i++) s.values[j * s.rows + i] = s.missing && j % 2 ? NAN : 1;
    sample_changed(&s);
    must(learn(algo, &s, &(run_as){0}, NULL, &model, err));
    double *p = predict(model, &s, NULL);
    for (int64_t i = 0; i < s.rows; i++) assert_true(isfinite(p[i]));
    tarn_free(p);
    tarn_model_free(model);
    sample_free(&s);
}

static void hardly_any_data_are_enough(void **state)
{
    (void)state;
    each(hardly_any_data);
}

/* ---- ends cleanly ---- */

static bool yes(void *self)
{
    (void)self;
    return true;
}

static void cancels(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;
    tarn_sink sink = {.cancelled = yes};

    sample_make(&s, algo, task, SMALL, 13);
    must_fail_with(TARN_CANCELLED, "", learn(algo, &s, &(run_as){.sink = &sink}, NULL, &model, err));
    sample_free(&s);
}

static void a_fit_stops_when_cancelled(void **state)
{
    (void)state;
    each(cancels);
}

static void no_memory(const tarn_algo *algo, tarn_task task)
{
    sample s;
    tarn_model *model = NULL;
    int64_t live;
    int n = 0;

    sample_make(&s, algo, task, 120, 14);
    live = tarn_mem_live();
    for (tarn_code rc = TARN_NOMEM; rc != TARN_OK;) {
        tarn_err err = {0};
        tarn_mem_fail_after(++n);
        rc = learn(algo, &s, &(run_as){0}, NULL, &model, &err);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        if (rc != TARN_NOMEM) fail_msg("%s: allocation %d failed, and it says: %s", algo->name, n, err.msg);
        if (tarn_mem_live() != live) fail_msg("%s: allocation %d failed, and memory is lost", algo->name, n);
    }
    assert_true(n > 10); /* else nothing was made to fail */
    tarn_model_free(model);
    sample_free(&s);
}

static void memory_running_out_anywhere_is_a_clean_error(void **state)
{
    (void)state;
    each(no_memory);
}

/* A matrix whose reads fail on one rank from the n-th on. */
typedef struct flaw {
    const sample *s;
    tarn_dense dense;
    int rank, left;
} flaw;

typedef struct flaw_job {
    const tarn_algo *algo;
    const sample *s;
    int at; /* the read that fails, on rank 1 */
    tarn_code rc[3];
} flaw_job;

static tarn_code flawed_block(void *self, int64_t at, int64_t n, double *out, tarn_err *err)
{
    flaw *f = self;

    if (f->rank == 1 && --f->left <= 0) return TARN_FAIL(err, TARN_IO, "this rank cannot read its rows");
    for (int j = 0; j < f->s->dense; j++)
        memcpy(out + j * n, f->s->columns[j] + f->dense.first + at, (size_t)n * sizeof *out);
    return TARN_OK;
}

static tarn_code learn_flawed(void *arg, tarn_comm *comm, tarn_err *err)
{
    flaw_job *job = arg;
    int me = tarn_comm_rank(comm);
    flaw f = {.s = job->s, .rank = me, .left = job->at};
    tarn_model *model = NULL;
    tarn_matrix place;
    tarn_sparse sparse;

    sample_matrix(job->s, comm, false, &f.dense, &sparse, &place);
    job->rc[me] =
        learn(job->algo, job->s, &(run_as){.comm = comm, .block = flawed_block, .self = &f}, NULL, &model, err);
    tarn_model_free(model);
    return TARN_OK;
}

static void fails_on_one_rank(const tarn_algo *algo, tarn_task task)
{
    sample s;
    flaw_job job = {.algo = algo, .s = &s};

    sample_make(&s, algo, task, 2 * TARN_BLOCK_ROWS + 500, 15);
    do {
        assert_true(job.at++ < 1000);
        must(tarn_comm_run_threads(3, learn_flawed, &job, err));
        for (int k = 0; k < 3; k++) {
            assert_int_equal(job.rc[k], job.rc[0]);
            assert_true(job.rc[k] == TARN_OK || job.rc[k] == TARN_IO);
        }
    } while (job.rc[0] != TARN_OK);
    assert_true(job.at > 1);
    sample_free(&s);
}

static void one_ranks_failure_is_everyones_clean_return(void **state)
{
    (void)state;
    each(fails_on_one_rank);
}

TARN_TESTS(TARN_TEST(every_estimator_is_described), TARN_TEST(every_parameter_has_help_and_a_default_in_range),
           TARN_TEST(every_estimator_learns_more_than_a_constant), TARN_TEST(every_estimator_predicts_sanely),
           TARN_TEST(threads_and_ranks_make_no_difference), TARN_TEST(nor_do_they_with_weights_and_validation_rows),
           TARN_TEST(learning_on_goes_on), TARN_TEST(rows_count_by_their_weight),
           TARN_TEST(weights_of_one_are_as_no_weights), TARN_TEST(a_loaded_model_predicts_the_same_to_the_bit),
           TARN_TEST(a_cut_or_flipped_model_is_refused), TARN_TEST(bad_data_are_refused_with_a_useful_message),
           TARN_TEST(huge_numbers_are_taken_or_refused), TARN_TEST(tasks_that_it_does_not_do_are_refused),
           TARN_TEST(hardly_any_data_are_enough), TARN_TEST(a_fit_stops_when_cancelled),
           TARN_TEST(memory_running_out_anywhere_is_a_clean_error),
           TARN_TEST(one_ranks_failure_is_everyones_clean_return))
