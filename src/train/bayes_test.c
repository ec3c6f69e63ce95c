/* SPDX-License-Identifier: Apache-2.0 */
/* bayes_test.c - naive Bayes against scikit-learn 1.2.1 (tests/golden/bayes.py): dense, and the same columns as a text;
 * what is missing; learning on. */
#include "train/golden_sample.h"

#include "base/file.h"
#include "base/str.h"
#include "model/tokens.h"
#include "train/train.h"

#include <math.h>

enum { MOST_ROWS = 80, MOST_COLS = 8, MOST_CLASSES = 4, SLOTS = 16 };

typedef struct sample {
    char name[48], algo[32], settings[64];
    int rows, cols, classes, asked;
    double value[MOST_COLS][MOST_ROWS], y[MOST_ROWS], weight[MOST_ROWS];
    double ask[MOST_COLS][MOST_ROWS], want[MOST_CLASSES][MOST_ROWS];
} sample;

/* ---- the golden file ---- */

static double next_number(char **at)
{
    char *word = *at + strspn(*at, " \n");
    size_t len = strcspn(word, " \n");
    double x = NAN;

    assert_true(tarn_num_parse(word, len, false, &x));
    *at = word + len;
    return x;
}

static bool next_case(char **at, sample *s)
{
    char *line = strstr(*at, "case ");
    int used = 0;

    if (!line) return false;
    memset(s, 0, sizeof *s);
    assert_int_equal(sscanf(line, "case %47s %31s %63s %d %d %d %d%n", s->name, s->algo, s->settings, &s->rows,
                            &s->cols, &s->classes, &s->asked, &used),
                     7);
    assert_true(s->rows <= MOST_ROWS && s->cols <= MOST_COLS && s->classes <= MOST_CLASSES && s->asked <= MOST_ROWS);
    *at = line + used;
    for (int i = 0; i < s->rows; i++) {
        for (int j = 0; j < s->cols; j++) s->value[j][i] = next_number(at);
        s->y[i] = next_number(at);
        s->weight[i] = next_number(at);
    }
    for (int i = 0; i < s->asked; i++) {
        for (int j = 0; j < s->cols; j++) s->ask[j][i] = next_number(at);
        for (int k = 0; k < s->classes; k++) s->want[k][i] = next_number(at);
    }
    return true;
}

/* ---- a fit ---- */

/* Columns a, b, c ... as one text of name:value tokens. */
typedef struct texts {
    uint32_t recipe[64];
    tarn_sparse_source source;
    tarn_sparse sparse;
    int64_t start[MOST_ROWS + 1];
    int32_t index[MOST_ROWS * MOST_COLS];
    float value[MOST_ROWS * MOST_COLS];
    char bytes[MOST_ROWS][MOST_COLS * 32];
    tarn_string strings[MOST_ROWS];
    double field[MOST_ROWS];
} texts;

static void texts_fill(texts *t, int rows, int cols, double (*value)[MOST_ROWS])
{
    static const char letters[] = "abcdefgh";
    const tarn_bag_data head = {.tokens = TARN_TOKENS_VALUES,
                                .least = 1,
                                .most = 1,
                                .cols = (uint32_t)cols,
                                .slots = SLOTS,
                                .text = (uint32_t)cols};
    uint32_t *at = t->recipe + sizeof head / 4;
    void *words = at + cols + 1 + SLOTS;
    int64_t n = 0;

    memset(t, 0, sizeof *t);
    memcpy(t->recipe, &head, sizeof head);
    for (int j = 0; j <= cols; j++) at[j] = (uint32_t)j;
    memcpy(words, letters, (size_t)cols);
    tarn_bag_index((uint32_t)cols, at, words, SLOTS, at + cols + 1);
    size_t len = sizeof head + (size_t)(cols + 1 + SLOTS) * 4 + (size_t)cols;
    t->source = (tarn_sparse_source){.cols = cols, .head = t->recipe, .len = (len + 7) / 8 * 8};
    for (int i = 0; i < rows; i++) {
        size_t used = 0;
        for (int j = 0; j < cols; j++) {
            char digits[32];
            if (value[j][i] == 0) continue;
            used +=
                (size_t)snprintf(t->bytes[i] + used, 32, "%c:%s ", letters[j], tarn_num_format(value[j][i], digits));
            t->index[n] = j;
            t->value[n++] = (float)value[j][i];
        }
        t->strings[i] = (tarn_string){t->bytes[i], used};
        t->field[i] = tarn_string_value(&t->strings[i]);
        t->start[i + 1] = n;
    }
    t->sparse = (tarn_sparse){
        .cols = cols, .start = t->start, .index = t->index, .value = t->value, .source = &t->source, .sources = 1};
}

static bool is_categorical(const sample *s) { return strcmp(s->algo, "categorical_nb") == 0; }

static void add_inputs(const sample *s, bool text, tarn_graph *g, tarn_feature *features)
{
    static const char *const levels[] = {"0", "1", "2", "3", "4"};

    for (int j = 0; j < s->cols && !text; j++) {
        char name[8] = {'x', (char)('0' + j), '\0'};
        bool category = is_categorical(s);
        must(tarn_graph_input(g, name, category ? TARN_CATEGORY : TARN_NUMBER, false, NAN, NAN,
                              category ? levels : NULL, NULL, category ? 5 : 0, NULL, err));
        features[j] = *tarn_graph_feature(g, (uint32_t)j);
    }
    if (text) must(tarn_graph_input(g, "text", TARN_STRING, false, NAN, NAN, NULL, NULL, 0, NULL, err));
}

static void set_all(const tarn_algo *algo, void *params, const char *text)
{
    char copy[64], *rest = copy, *one;

    tarn_params_default(algo->params, params);
    (void)snprintf(copy, sizeof copy, "%s", text);
    while ((one = strsep(&rest, ",")) != NULL) {
        char *is = strchr(one, '=');
        if (!is) return;
        *is = '\0';
        must(tarn_param_set(algo->params, params, one, is + 1, err));
    }
}

typedef struct way {
    bool text;
    int from, to; /* rows */
    const void *before;
    size_t before_len;
    const char *fails; /* NULL: it does not */
} way;

static tarn_model *fit(const sample *s, const way *how, tarn_fitted *fitted)
{
    static texts words;
    tarn_feature features[MOST_COLS];
    const double *columns[MOST_COLS];
    uint32_t regs[MOST_COLS];
    const tarn_algo *algo = NULL;
    tarn_model *model = NULL;
    tarn_matrix x;
    tarn_dense dense;
    double params[16];
    tarn_fit job = {.x = &x, .regs = regs, .before = how->before, .before_len = how->before_len, .keep_state = true};

    must(tarn_algo_find(s->algo, &algo, err));
    set_all(algo, params, s->settings);
    must(tarn_graph_new(&job.graph, err));
    add_inputs(s, how->text, job.graph, features);
    for (int j = 0; j < s->cols; j++) columns[j] = s->value[j] + how->from;
    for (int j = 0; j < s->cols; j++) regs[j] = (uint32_t)j;
    tarn_matrix_dense(&x, &dense, NULL, how->to - how->from, how->text ? 0 : s->cols, columns, features);
    if (how->text) {
        double copy[MOST_COLS][MOST_ROWS];
        memcpy(copy, s->value, sizeof copy);
        texts_fill(&words, s->rows, s->cols, copy);
        words.sparse.start += how->from;
        x.sparse = &words.sparse;
    }
    x.y = s->y + how->from;
    x.weight = strstr(s->name, "_w") ? s->weight + how->from : NULL;
    x.classes = s->classes;
    if (how->fails) must_fail_with(TARN_NUMERIC, how->fails, tarn_train(algo, params, &job, fitted, err));
    else {
        must(tarn_train(algo, params, &job, fitted, err));
        must(golden_finish(job.graph, s->classes, fitted->out, &model, err));
    }
    tarn_graph_free(job.graph);
    return model;
}

static double predicts(const sample *s, const tarn_model *m, bool text)
{
    static texts words;
    const double *columns[MOST_COLS];
    double out[MOST_CLASSES * MOST_ROWS], worst = 0, copy[MOST_COLS][MOST_ROWS];

    for (int j = 0; j < s->cols; j++) columns[j] = s->ask[j];
    if (text) {
        memcpy(copy, s->ask, sizeof copy);
        texts_fill(&words, s->asked, s->cols, copy);
        columns[0] = words.field;
    }
    must(tarn_model_run(m, NULL, s->asked, columns, out, err));
    for (int i = 0; i < s->asked; i++)
        for (int k = 0; k < s->classes; k++) {
            double p = s->classes > 2 ? out[k * s->asked + i] : k == 1 ? out[i] : 1 - out[i];
            worst = fmax(worst, fabs(p - s->want[k][i]));
        }
    return worst;
}

/* ---- tests ---- */

static char *golden(void)
{
    char *text = NULL;
    size_t len;

    must(tarn_file_read("tests/golden/bayes.txt", 0, &text, &len, err));
    return text;
}

static void probabilities_are_those_of_scikit_learn(void **state)
{
    static sample s;
    char *text = golden(), *at = text;
    int cases = 0;

    (void)state;
    for (; next_case(&at, &s); cases++) {
        tarn_fitted fitted = {0};
        tarn_model *m = fit(&s, &(way){.to = s.rows}, &fitted);
        double off = predicts(&s, m, false);
        if (!(off < 1e-9)) fail_msg("%s: off by %g", s.name, off);
        tarn_free(fitted.importance);
        tarn_free(fitted.state);
        tarn_model_free(m);
    }
    assert_true(cases > 25);
    tarn_free(text);
}

/* Values are floats there: as near as those are. */
static void a_text_of_values_gives_the_same(void **state)
{
    static sample s;
    char *text = golden(), *at = text;

    (void)state;
    while (next_case(&at, &s)) {
        tarn_fitted fitted = {0};
        if (strcmp(s.algo, "gaussian_nb") == 0 || is_categorical(&s) || strcmp(s.name, "above") == 0) continue;
        tarn_model *m = fit(&s, &(way){.text = true, .to = s.rows}, &fitted);
        double off = predicts(&s, m, true);
        if (!(off < (strcmp(s.algo, "bernoulli_nb") == 0 ? 1e-9 : 1e-6))) fail_msg("%s: off by %g", s.name, off);
        tarn_free(fitted.importance);
        tarn_free(fitted.state);
        tarn_model_free(m);
    }
    tarn_free(text);
}

/* Twenty rows, then the others: as all at once. */
static void learning_on_is_as_learning_at_once(void **state)
{
    static sample s;
    char *text = golden(), *at = text;

    (void)state;
    while (next_case(&at, &s))
        for (int t = 0; t < 2; t++) {
            tarn_fitted first = {0}, then = {0};
            if (t && (strcmp(s.algo, "gaussian_nb") == 0 || is_categorical(&s) || strcmp(s.name, "above") == 0))
                continue;
            tarn_model_free(fit(&s, &(way){.text = t, .to = 20}, &first));
            tarn_model *m = fit(
                &s, &(way){.text = t, .from = 20, .to = s.rows, .before = first.state, .before_len = first.state_len},
                &then);
            double off = predicts(&s, m, t);
            if (!(off < (t ? 1e-6 : 1e-9))) fail_msg("%s: off by %g", s.name, off);
            tarn_free(first.importance);
            tarn_free(first.state);
            tarn_free(then.importance);
            tarn_free(then.state);
            tarn_model_free(m);
        }
    tarn_free(text);
}

/* A class's column is described by the values that are there: a missing one changes nothing. */
static void what_is_missing_is_left_out(void **state)
{
    static sample s;
    tarn_fitted fitted = {0};
    double p[MOST_ROWS];
    const double *columns[MOST_COLS];

    (void)state;
    s = (sample){.name = "missing", .algo = "gaussian_nb", .settings = "-", .rows = 8, .cols = 2, .classes = 2};
    for (int i = 0; i < 8; i++) {
        s.y[i] = i % 2;
        s.value[0][i] = i >= 6 ? NAN : (i % 2) * 2 + (i / 2 - 1); /* class 0: -1 0 1, class 1: 1 2 3 */
        s.value[1][i] = 5;
    }
    tarn_model *m = fit(&s, &(way){.to = 8}, &fitted);
    s.ask[0][0] = 2, s.ask[0][1] = NAN, s.ask[1][0] = s.ask[1][1] = NAN;
    columns[0] = s.ask[0], columns[1] = s.ask[1];
    must(tarn_model_run(m, NULL, 2, columns, p, err));
    assert_true(fabs(p[0] - 1 / (1 + exp(-3.0))) < 1e-8); /* variance 2/3: 2^2 / (2 * 2/3) */
    assert_true(fabs(p[1] - 0.5) < 1e-12);
    tarn_free(fitted.importance);
    tarn_free(fitted.state);
    tarn_model_free(m);
}

static void says_which_column_overflows(void **state)
{
    static sample s;
    tarn_fitted fitted = {0};

    (void)state;
    s = (sample){.name = "huge", .algo = "gaussian_nb", .settings = "-", .rows = 8, .cols = 2, .classes = 2};
    for (int i = 0; i < 8; i++) {
        s.y[i] = i % 2;
        s.value[0][i] = i;
        s.value[1][i] = i * 1e200;
    }
    assert_null(fit(&s, &(way){.to = 8, .fails = "the squares of column 'x1' overflow"}, &fitted));
}

TARN_TESTS(TARN_TEST(probabilities_are_those_of_scikit_learn), TARN_TEST(a_text_of_values_gives_the_same),
           TARN_TEST(learning_on_is_as_learning_at_once), TARN_TEST(what_is_missing_is_left_out),
           TARN_TEST(says_which_column_overflows))
