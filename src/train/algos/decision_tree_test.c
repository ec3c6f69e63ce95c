/* SPDX-License-Identifier: Apache-2.0 */
/* decision_tree_test.c - trees against scikit-learn 1.2.1 (tests/golden/decision_tree.py), and what else is promised.
 */
#include "train/tree_sample.h"

#include "base/file.h"

extern const tarn_algo tarn_algo_decision_tree;

static fixture_settings with(const char *changes) { return fixture_with(&tarn_algo_decision_tree, changes); }

static void fit_with(fixture_job *j, const fixture *t, const char *changes)
{
    fixture_fit_with(j, &tarn_algo_decision_tree, t, changes);
}

/* ---- golden ---- */

static void read_numbers(char **at, double *to, int n)
{
    for (int i = 0; i < n; i++) {
        char *end = NULL;
        to[i] = strtod(*at, &end);
        assert_true(end != *at);
        *at = end;
    }
}

/* One case: fits, and compares what the tree says of new rows. */
static void compare_case(char **at)
{
    double head[7], row[5];
    fixture t, fresh;
    fixture_job j = {0};
    char text[160];

    *at += strlen("case");
    read_numbers(at, head, 7);
    int classes = (int)head[0], outputs = classes > 2 ? classes : 1;
    fixture_new(&t, (int64_t)head[4], 3, classes);
    fixture_new(&fresh, (int64_t)head[5], 3, classes);
    t.weighted = true;
    for (int64_t i = 0; i < t.rows; i++) {
        read_numbers(at, row, 5);
        for (int c = 0; c < 3; c++) t.column[c][i] = row[c];
        t.y[i] = row[3];
        t.weight[i] = row[4];
    }
    double *want = NULL;
    must(tarn_alloc(&want, (size_t)(fresh.rows * outputs), sizeof *want, err));
    for (int64_t i = 0; i < fresh.rows; i++) {
        read_numbers(at, row, 3);
        for (int c = 0; c < 3; c++) fresh.column[c][i] = row[c];
        read_numbers(at, want + i * outputs, outputs);
    }
    (void)snprintf(text, sizeof text, "smoothing=0 max_depth=%g min_samples_leaf=%g ccp_alpha=%g", head[1], head[2],
                   head[3]);
    fit_with(&j, &t, text);
    double *p = fixture_predict(&j, &fresh);
    for (int64_t i = 0; i < fresh.rows * outputs; i++) {
        double said = p[i % outputs * fresh.rows + i / outputs];
        if (!(fabs(said - want[i]) < 1e-9)) fail_msg("%d classes, %s: %g instead of %g", classes, text, said, want[i]);
    }
    tarn_free(p);
    tarn_free(want);
    fixture_job_clear(&j);
    fixture_clear(&t);
    fixture_clear(&fresh);
}

static void trees_are_those_of_scikit_learn(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    int cases = 0;

    must(tarn_file_read("tests/golden/decision_tree.txt", 0, &text, &len, err));
    char *copy = NULL;
    must(tarn_strndup(text, len, &copy, err));
    for (char *at = strstr(copy, "case"); at; at = strstr(at, "case")) {
        compare_case(&at);
        cases++;
    }
    assert_int_equal(cases, 15);
    tarn_free(copy);
    tarn_free(text);
}

/* ---- by hand ---- */

/* Four rows of class 0, then one of 1, then one of 0, two of 1: Gini 2 p (1 - p) = 0.46875 in all. The best cut, after
 * four rows, leaves 4 / 8 of 2 (3/4) (1/4) = 0.1875, so it saves 0.28125; the two below it save the rest between them,
 * 0.09375 each. */
static void pruning_is_worked_by_hand(void **state)
{
    (void)state;
    static const double y[] = {0, 0, 0, 0, 1, 0, 1, 1};
    static const struct {
        const char *alpha;
        double last;
    } expected[] = {{"ccp_alpha=0", 1},
                    {"ccp_alpha=0.09", 1},
                    {"ccp_alpha=0.0938", 0.75},
                    {"ccp_alpha=0.28", 0.75},
                    {"ccp_alpha=0.2813", 0.375}};

    for (int k = 0; k < 5; k++) {
        fixture t;
        fixture_job j = {0};
        char text[64];
        fixture_new(&t, 8, 1, 2);
        for (int64_t i = 0; i < 8; i++) {
            t.column[0][i] = (double)i;
            t.y[i] = y[i];
        }
        (void)snprintf(text, sizeof text, "smoothing=0 %s", expected[k].alpha);
        fit_with(&j, &t, text);
        double *p = fixture_predict(&j, &t);
        if (!(fabs(p[7] - expected[k].last) < 1e-12)) fail_msg("%s: %g", text, p[7]);
        assert_true((j.fitted[0].importance[0] == 0) == (k == 4)); /* of what is left */
        tarn_free(p);
        fixture_job_clear(&j);
        fixture_clear(&t);
    }
}

/* Smoothing by one row changes no class, and no leaf is certain. */
static void smoothing_changes_no_class(void **state)
{
    (void)state;

    for (int32_t classes = 2; classes <= 4; classes++) {
        fixture t;
        fixture_job sharp = {0}, smooth = {0};
        fixture_new(&t, 250, 2, classes);
        for (int64_t i = 0; i < t.rows; i++) {
            for (int64_t c = 0; c < 2; c++) t.column[c][i] = (double)(i * (7 + 2 * c) % 250);
            t.y[i] = floor(classes * pow(fixture_unit(i, 5), 3));
        }
        fit_with(&sharp, &t, "smoothing=0");
        fit_with(&smooth, &t, "smoothing=1");
        assert_true(fixture_accuracy(&sharp, &t) == 1);
        assert_true(fixture_accuracy(&smooth, &t) > 0.999);
        double *p = fixture_predict(&smooth, &t);
        for (int64_t i = 0; i < t.rows * (classes > 2 ? classes : 1); i++) assert_true(p[i] > 0 && p[i] < 1);
        tarn_free(p);
        fixture_job_clear(&sharp);
        fixture_job_clear(&smooth);
        fixture_clear(&t);
    }
}

static void threads_and_ranks_make_no_difference(void **state)
{
    (void)state;

    for (int32_t classes = 0; classes <= 3; classes += classes < 2 ? 2 : 1) {
        fixture t;
        fixture_settings s = with("ccp_alpha=0.0005");
        fixture_new(&t, 20000, 3, classes);
        for (int64_t i = 0; i < t.rows; i++) {
            for (uint32_t c = 0; c < 3; c++) t.column[c][i] = fixture_unit(i, c + 9) < 0.1 ? NAN : fixture_unit(i, c);
            t.y[i] = classes ? floor(classes * fixture_unit(i, 5)) : fixture_unit(i, 5);
            if (t.column[0][i] > 0.5) t.y[i] = classes ? classes - 1 : 1;
        }
        fixture_same_everywhere(&tarn_algo_decision_tree, s.bytes, &t, NULL);
        fixture_clear(&t);
    }
}

static void a_lack_of_memory_is_a_clean_error(void **state)
{
    (void)state;
    fixture t;
    fixture_settings s = with("ccp_alpha=0.01");

    fixture_new(&t, 300, 2, 3);
    for (int64_t i = 0; i < t.rows; i++) {
        for (uint32_t c = 0; c < 2; c++) t.column[c][i] = fixture_unit(i, c);
        t.y[i] = floor(3 * fixture_unit(i, 5));
    }
    fixture_survive_no_memory(&tarn_algo_decision_tree, s.bytes, &t, NULL);
    fixture_clear(&t);
}

TARN_TESTS(TARN_TEST(trees_are_those_of_scikit_learn), TARN_TEST(pruning_is_worked_by_hand),
           TARN_TEST(smoothing_changes_no_class), TARN_TEST(threads_and_ranks_make_no_difference),
           TARN_TEST(a_lack_of_memory_is_a_clean_error))
