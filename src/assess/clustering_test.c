/* SPDX-License-Identifier: Apache-2.0 */
/* clustering_test.c - figures of clusters against scikit-learn 1.2.1: tests/golden/clusters.txt, made by
 * tests/golden/clusters.py. */
#include "assess/assess.h"
#include "base/file.h"
#include "support/tarn_test.h"

#include <math.h>

enum { MOST = 1500, MOST_COLUMNS = 3 };

typedef struct golden {
    char name[64];
    tarn_clustered c;
    double x[MOST * MOST_COLUMNS];
    int64_t label[MOST], truth[MOST];
    const double *column[MOST_COLUMNS];
} golden;

static void integers(const char *text, int64_t n, int64_t *out)
{
    char *end = NULL;

    for (int64_t i = 0; i < n; i++, text = end) out[i] = strtoll(text, &end, 10);
}

static void numbers(const char *text, int64_t n, double *out)
{
    char *end = NULL;

    for (int64_t i = 0; i < n; i++, text = end) out[i] = strtod(text, &end);
}

static void check(const golden *g, const char *line, tarn_pool *pool)
{
    char name[32];
    double want = 0, got = 0, alone = 0;
    const tarn_clustering *f = NULL;

    assert_int_equal(sscanf(line, "metric %31s %lf", name, &want), 2);
    must(tarn_clustering_find(name, &f, err));
    must(tarn_clustering_value(f, &g->c, pool, &got, err));
    must(tarn_clustering_value(f, &g->c, NULL, &alone, err));
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-12 * fmax(1, fabs(want))))
        fail_msg("%s: %s is %.17g, scikit-learn says %.17g", g->name, name, got, want);
    assert_memory_equal(&got, &alone, sizeof got);
}

static void read_line(golden *g, const char *line)
{
    long long rows = 0;

    if (sscanf(line, "case %63s %lld %d", g->name, &rows, &g->c.columns) == 3) {
        g->c = (tarn_clustered){.rows = rows, .columns = g->c.columns, .label = g->label};
        for (int k = 0; k < MOST_COLUMNS; k++) g->column[k] = g->x + k * rows;
    }
    if (strncmp(line, "l ", 2) == 0) integers(line + 2, g->c.rows, g->label);
    if (strncmp(line, "t ", 2) == 0) integers(line + 2, g->c.rows, g->truth), g->c.truth = g->truth;
    if (strncmp(line, "x ", 2) == 0) numbers(line + 2, g->c.rows * g->c.columns, g->x), g->c.column = g->column;
}

static void figures_equal_those_of_scikit_learn(void **state)
{
    static golden g;
    char *text = NULL, *save = NULL;
    size_t len = 0;
    int figures = 0;
    tarn_pool *pool = NULL;

    (void)state;
    must(tarn_pool_new(3, &pool, err));
    must(tarn_file_read("tests/golden/clusters.txt", 0, &text, &len, err));
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        read_line(&g, line);
        if (strncmp(line, "metric ", 7) == 0) check(&g, line, pool), figures++;
    }
    assert_int_equal(figures, 13 * 12 + 7 + 2 * 5);
    tarn_free(text);
    tarn_pool_free(pool);
}

/* Two clusters of three rows on a line. */
static const double line_x[] = {0, 1, 2, 10, 11, 12};
static const double *const line_column[] = {line_x};
static const int64_t line_label[] = {4, 4, 4, -9, -9, -9}, line_truth[] = {0, 0, 1, 1, 1, 1};

static void all_figures_come_in_one_object(void **state)
{
    tarn_clustered c = {.rows = 6, .columns = 1, .column = line_column, .label = line_label, .truth = line_truth};
    json_t *all = NULL;

    (void)state;
    must(tarn_assess_clusters(&c, NULL, &all, err));
    assert_int_equal(json_object_size(json_object_get(all, "metrics")), tarn_clustering_count());
    const json_t *first = json_array_get(json_object_get(all, "per_cluster"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "label")), -9);
    assert_int_equal(json_integer_value(json_object_get(first, "rows")), 3);
    assert_true(json_number_value(json_object_get(first, "cohesion")) == 2);
    assert_true(json_number_value(json_object_get(first, "silhouette")) > 0.8);
    json_decref(all);
    c.column = NULL;
    must(tarn_assess_clusters(&c, NULL, &all, err));
    assert_null(json_object_get(json_object_get(all, "metrics"), "silhouette"));
    assert_non_null(json_object_get(json_object_get(all, "metrics"), "v_measure"));
    json_decref(all);
}

static void what_cannot_be_judged_is_named(void **state)
{
    double bad[] = {0, 1, 2, 10, NAN, 12}, out = 0;
    const double *const column[] = {bad};
    tarn_clustered c = {.rows = 6, .columns = 1, .column = column, .label = line_label};
    json_t *all = NULL;

    (void)state;
    must_fail_with(TARN_INVALID, "row 4: column 0", tarn_assess_clusters(&c, NULL, &all, err));
    c.column = NULL;
    must_fail_with(TARN_INVALID, "'silhouette' needs the columns",
                   tarn_clustering_value(tarn_clustering_at(0), &c, NULL, &out, err));
    const tarn_clustering *f = NULL;
    must(tarn_clustering_find("homogeneity", &f, err));
    must_fail_with(TARN_INVALID, "needs the true groups", tarn_clustering_value(f, &c, NULL, &out, err));
    must_fail_with(TARN_NOT_FOUND, "did you mean 'silhouette'", tarn_clustering_find("silouette", &f, err));
    c.rows = 0;
    must_fail_with(TARN_INVALID, "no clustered rows", tarn_assess_clusters(&c, NULL, &all, err));
    c.rows = 6, c.label = NULL;
    must_fail_with(TARN_INVALID, "have no clusters", tarn_assess_clusters(&c, NULL, &all, err));
    assert_null(all);
}

static void memory_running_out_is_a_clean_error(void **state)
{
    tarn_clustered c = {.rows = 6, .columns = 1, .column = line_column, .label = line_label, .truth = line_truth};
    tarn_code rc = TARN_NOMEM;
    int64_t live = tarn_mem_live();

    (void)state;
    for (int n = 1; rc != TARN_OK; n++) {
        tarn_err err = {0};
        json_t *all = NULL;
        tarn_mem_fail_after(n);
        rc = tarn_assess_clusters(&c, NULL, &all, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && !all && err.msg[0]);
        json_decref(all);
        assert_int_equal(tarn_mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(figures_equal_those_of_scikit_learn),
        TARN_TEST(all_figures_come_in_one_object),
        TARN_TEST(what_cannot_be_judged_is_named),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
