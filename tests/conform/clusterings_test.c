/* SPDX-License-Identifier: Apache-2.0 */
/* What every figure of clusters must keep to. A new line in clusterings.def is tested by being there. */
#include "assess/assess.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <ctype.h>
#include <math.h>

enum { ROWS = 90, GROUPS = 3 };

typedef struct sample {
    tarn_clustered c;
    double x[ROWS], z[ROWS];
    int64_t label[ROWS], truth[ROWS];
    const double *column[2];
} sample;

static int64_t draw(uint64_t row, uint32_t index, uint64_t below)
{
    return (int64_t)tarn_random_below(below, 8, TARN_STREAM_TEST, row, index);
}

/* Points of each group in one place; `wrong` of 100 rows are put into another cluster. */
static void fill(sample *s, int wrong)
{
    *s = (sample){.c = {.rows = ROWS, .columns = 2}};
    for (uint64_t i = 0; i < ROWS; i++) {
        int64_t truth = (int64_t)(i % GROUPS);
        s->truth[i] = truth;
        s->label[i] = draw(i, 0, 100) < wrong ? (truth + 1 + draw(i, 1, 2)) % GROUPS : truth;
        s->x[i] = (double)truth * 8;
        s->z[i] = (double)(truth * truth) * 8;
    }
    s->column[0] = s->x, s->column[1] = s->z;
    s->c.column = s->column, s->c.label = s->label, s->c.truth = s->truth;
}

static double value(const tarn_clustering *f, const sample *s)
{
    double out = -12345;

    must(tarn_clustering_value(f, &s->c, NULL, &out, err));
    return out;
}

static void every_figure_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_clustering_count(); i++) {
        const tarn_clustering *f = tarn_clustering_at(i), *found = NULL;
        must(tarn_clustering_find(f->name, &found, err));
        assert_ptr_equal(found, f);
        for (const char *c = f->name; *c; c++) assert_true(islower((unsigned char)*c) || *c == '_');
        assert_true(strlen(f->title) > 2 && isupper((unsigned char)f->title[0]) && f->unit);
        assert_true(strlen(f->help) > 20 && strlen(f->help) < 120 && f->help[strlen(f->help) - 1] != '.');
        assert_false(isinf(f->best));
    }
}

static void the_right_clusters_get_the_best_value_and_wrong_ones_worse(void **state)
{
    static const int wrong[] = {0, 10, 35};

    (void)state;
    for (int i = 0; i < tarn_clustering_count(); i++) {
        const tarn_clustering *f = tarn_clustering_at(i);
        double sign = f->higher_is_better ? 1 : -1, before = 1e300;
        for (int k = strcmp(f->name, "calinski_harabasz") == 0; k < 3; k++) { /* that is 1 where nothing is within */
            sample s;
            fill(&s, wrong[k]);
            double now = value(f, &s);
            if (k == 0 && !isnan(f->best) && !(fabs(now - f->best) <= 1e-12)) fail_msg("%s: best is %g", f->name, now);
            if (!(sign * now < before)) fail_msg("%s does not get worse: %g", f->name, now);
            before = sign * now;
        }
    }
}

static void names_and_order_make_no_difference(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_clustering_count(); i++) {
        const tarn_clustering *f = tarn_clustering_at(i);
        sample a, b;
        fill(&a, 30);
        fill(&b, 30);
        for (int r = 0; r < ROWS; r++) {
            b.x[r] = a.x[ROWS - 1 - r], b.z[r] = a.z[ROWS - 1 - r];
            b.label[r] = 100 - 7 * a.label[ROWS - 1 - r], b.truth[r] = -a.truth[ROWS - 1 - r];
        }
        if (!(fabs(value(f, &a) - value(f, &b)) <= 1e-12 * fmax(1, fabs(value(f, &a)))))
            fail_msg("%s depends on names or order", f->name);
    }
}

TARN_TESTS(TARN_TEST(every_figure_is_described), TARN_TEST(the_right_clusters_get_the_best_value_and_wrong_ones_worse),
           TARN_TEST(names_and_order_make_no_difference))
