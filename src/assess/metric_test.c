/* SPDX-License-Identifier: Apache-2.0 */
/* metric_test.c - every figure against scikit-learn 1.2.1: tests/golden/assess.txt, made by tests/golden/assess.py. */
#include "assess/assess.h"
#include "base/file.h"
#include "support/tarn_test.h"

#include <math.h>

/* One stored case; y, p and w own their numbers. */
typedef struct golden {
    char name[64];
    tarn_judged judged;
    double *y, *p, *w;
    int64_t *group;
} golden;

static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end) return NULL;
    *end = 0;
    *at = end + 1;
    return line;
}

static double number(const char *text)
{
    double x = 0;

    if (!tarn_num_parse(text, strlen(text), true, &x)) fail_msg("'%s' is not a number", text);
    return x;
}

static double *numbers(char *text, int64_t n)
{
    double *out = NULL;
    char *save = NULL;

    must(tarn_alloc(&out, (size_t)n, sizeof(double), err));
    for (int64_t i = 0; i < n; i++) {
        char *word = strtok_r(i ? NULL : text, " ", &save);
        assert_non_null(word);
        out[i] = number(word);
    }
    assert_null(strtok_r(NULL, " ", &save));
    return out;
}

static int64_t *groups(char *text, int64_t n)
{
    int64_t *out = NULL;
    double *x = numbers(text, n);

    must(tarn_alloc(&out, (size_t)n, sizeof(*out), err));
    for (int64_t i = 0; i < n; i++) out[i] = (int64_t)x[i];
    tarn_free(x);
    return out;
}

static void begin(golden *g, const char *line)
{
    static const char *const words[] = {"binary", "multiclass", "regression"};
    char task[16], threshold[32];
    long long rows;

    *g = (golden){0};
    assert_int_equal(sscanf(line, "case %63s %15s %lld %d %31s", g->name, task, &rows, &g->judged.classes, threshold),
                     5);
    g->judged.rows = rows;
    g->judged.threshold = number(threshold);
    for (int t = 0; t < 3; t++)
        if (strcmp(task, words[t]) == 0) g->judged.task = (tarn_task)t;
}

static void check_metric(const golden *g, char *line)
{
    char name[32], value[32];
    const tarn_metric *metric = NULL;
    double got = 0;

    assert_int_equal(sscanf(line, "metric %31s %31s", name, value), 2);
    double want = number(value);
    must(tarn_metric_find(name, &metric, err));
    must(tarn_metric_value(metric, &g->judged, &got, err));
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-12 * fmax(1, fabs(want))))
        fail_msg("%s: %s is %.17g, scikit-learn says %.17g", g->name, name, got, want);
}

static void end(golden *g)
{
    tarn_free(g->y);
    tarn_free(g->p);
    tarn_free(g->w);
    tarn_free(g->group);
    *g = (golden){0};
}

static void figures_equal_those_of_scikit_learn(void **state)
{
    char *text = NULL, *at = NULL, *line = NULL;
    size_t len = 0;
    golden g = {0};
    int cases = 0, figures = 0;

    (void)state;
    must(tarn_file_read("tests/golden/assess.txt", 0, &text, &len, err));
    at = text;
    while ((line = next_line(&at))) {
        int64_t outputs = g.judged.task == TARN_MULTICLASS ? g.judged.classes : 1;
        if (strncmp(line, "case ", 5) == 0) begin(&g, line);
        if (strncmp(line, "y ", 2) == 0) g.judged.y = g.y = numbers(line + 2, g.judged.rows);
        if (strncmp(line, "p ", 2) == 0) g.judged.p = g.p = numbers(line + 2, g.judged.rows * outputs);
        if (strncmp(line, "w ", 2) == 0) g.judged.weight = g.w = numbers(line + 2, g.judged.rows);
        if (strncmp(line, "g ", 2) == 0) g.judged.group = g.group = groups(line + 2, g.judged.rows);
        if (strncmp(line, "metric ", 7) == 0) check_metric(&g, line), figures++;
        if (strcmp(line, "end") == 0) end(&g), cases++;
    }
    assert_int_equal(cases, 38);
    assert_int_equal(figures, 13 * 24 + 6 * 22 + 12 * 17 - 3 + 7 * 6);
    tarn_free(text);
}

static void unknown_names_get_the_nearest_known_one(void **state)
{
    const tarn_metric *metric = NULL;

    (void)state;
    must_fail_with(TARN_NOT_FOUND, "did you mean 'roc_auc'", tarn_metric_find("roc_acu", &metric, err));
    must_fail_with(TARN_NOT_FOUND, "there is no metric 'zzzzzzzzzzzz'", tarn_metric_find("zzzzzzzzzzzz", &metric, err));
    assert_null(metric);
}

static void what_cannot_be_judged_is_named(void **state)
{
    double y[] = {0, 1, 1}, p[] = {0.1, 0.2, 0.9}, w[] = {1, 1, 1},
           three[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5, 0.3, 0.0};
    tarn_judged j = {.task = TARN_BINARY, .rows = 3, .classes = 2, .y = y, .p = p, .weight = w, .threshold = 0.5};
    tarn_judged m = {.task = TARN_MULTICLASS, .rows = 3, .classes = 3, .y = y, .p = three};

    (void)state;
    must(tarn_judged_check(&j, err));
    p[1] = NAN;
    must_fail_with(TARN_INVALID, "row 1: prediction nan is not a probability", tarn_judged_check(&j, err));
    p[1] = 1.5;
    must_fail_with(TARN_INVALID, "row 1: prediction 1.5 is not a probability", tarn_judged_check(&j, err));
    p[1] = 0.2, y[2] = 2;
    must_fail_with(TARN_INVALID, "row 2: true class 2 is not one of 0 to 1", tarn_judged_check(&j, err));
    y[2] = 0.5;
    must_fail_with(TARN_INVALID, "row 2: true class 0.5", tarn_judged_check(&j, err));
    y[2] = NAN;
    must_fail_with(TARN_INVALID, "row 2: true class nan", tarn_judged_check(&j, err));
    y[2] = 1, w[0] = -1;
    must_fail_with(TARN_INVALID, "row 0: weight -1", tarn_judged_check(&j, err));
    w[0] = w[1] = w[2] = 0;
    must_fail_with(TARN_INVALID, "all rows have weight 0", tarn_judged_check(&j, err));
    must_fail_with(TARN_INVALID, "row 1: the probabilities sum to 1.0", (three[4] = 0.501, tarn_judged_check(&m, err)));
    j.rows = 0;
    must_fail_with(TARN_INVALID, "no rows to judge", tarn_judged_check(&j, err));
    j.rows = INT64_C(1) << 40;
    must_fail_with(TARN_LIMIT, "more than 4294967295 rows", tarn_judged_check(&j, err));
    j.rows = 3, j.classes = 3;
    must_fail_with(TARN_INVALID, "has 2 classes, not 3", tarn_judged_check(&j, err));
    j.classes = 2, j.threshold = NAN;
    must_fail_with(TARN_INVALID, "the threshold is not a number", tarn_judged_check(&j, err));
    m.classes = 1;
    must_fail_with(TARN_INVALID, "2 to 1,000 classes", tarn_judged_check(&m, err));
    j.task = (tarn_task)7;
    must_fail_with(TARN_INVALID, "task 7", tarn_judged_check(&j, err));
}

TARN_TESTS(TARN_TEST(figures_equal_those_of_scikit_learn), TARN_TEST(unknown_names_get_the_nearest_known_one),
           TARN_TEST(what_cannot_be_judged_is_named))
