/* SPDX-License-Identifier: Apache-2.0 */
/* What every metric must keep to, whatever it measures. A new line in metrics.def is tested by being there. */
#include "assess/known.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <ctype.h>
#include <math.h>

enum { ROWS = 240, CLASSES = 6, GROUP = 12 };

/* Rows of a task; `wrong` of 100 rows are predicted as if they were something else. */
typedef struct sample {
    tarn_judged judged;
    double y[2 * ROWS], p[2 * ROWS * CLASSES], weight[2 * ROWS];
    int64_t group[2 * ROWS];
} sample;

static uint64_t draw(uint64_t row, uint32_t index, uint64_t below)
{
    return tarn_random_below(below, 7, TARN_STREAM_TEST, row, index);
}

/* For rankings: groups of twelve rows that do not stand together, of which a third is relevant. */
static void fill_groups(sample *s, tarn_task task, int wrong)
{
    s->judged.group = s->group;
    for (uint64_t i = 0; i < ROWS; i++) {
        int grade = (int)(i / (ROWS / GROUP)) % 3 == 0 ? 1 + (int)draw(i, 4, 3) : 0;
        s->group[i] = (int64_t)(i % (ROWS / GROUP)) - 3;
        s->weight[i] = 1 + (double)(i % (ROWS / GROUP) % 5);
        s->y[i] = task == TARN_BINARY ? grade > 0 : grade;
        bool miss = draw(i, 0, 100) < (uint64_t)wrong;
        s->p[i] = (miss ? 0.9 * (grade == 0) : s->y[i] / 4) + (double)draw(i, 5, 1000) / 1e4;
    }
}

/* `sure`: the probability that is given to the predicted class. */
static void fill(sample *s, const tarn_metric *metric, tarn_task task, int wrong, double sure)
{
    int classes = task == TARN_BINARY ? 2 : CLASSES;

    *s = (sample){
        .judged = {.task = task, .rows = ROWS, .classes = task == TARN_REGRESSION ? 0 : classes, .threshold = 0.5}};
    s->judged.y = s->y;
    s->judged.p = s->p;
    for (uint64_t i = 0; i < ROWS; i++) {
        bool miss = draw(i, 0, 100) < (uint64_t)wrong;
        int y = (int)(i % (uint64_t)classes), said = miss ? (y + 1) % classes : y;

        s->weight[i] = 1 + (double)draw(i, 1, 5);
        s->y[i] = task == TARN_REGRESSION ? 40 + (double)draw(i, 2, 1000) / 8 : y;
        if (task == TARN_REGRESSION) s->p[i] = s->y[i] + (miss ? (draw(i, 3, 2) ? 30 : -30) : 0);
        if (task == TARN_BINARY) s->p[i] = said ? sure : 1 - sure;
        for (int c = 0; c < classes && task == TARN_MULTICLASS; c++)
            s->p[c * ROWS + (int)i] = c == said ? sure : (1 - sure) / (classes - 1);
    }
    if (metric->needs_group && task != TARN_MULTICLASS) fill_groups(s, task, wrong);
}

typedef void check(const tarn_metric *metric, tarn_task task);

static void each(check *fn)
{
    for (int i = 0; i < tarn_metric_count(); i++)
        for (int task = TARN_BINARY; task <= TARN_REGRESSION; task++)
            if (tarn_metric_at(i)->tasks >> task & 1u) fn(tarn_metric_at(i), (tarn_task)task);
}

static double value(const tarn_metric *metric, const tarn_judged *j)
{
    double out = -12345;

    must(tarn_metric_value(metric, j, &out, err));
    return out;
}

static void every_metric_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i), *found = NULL;

        must(tarn_metric_find(m->name, &found, err));
        assert_ptr_equal(found, m);
        for (const char *c = m->name; *c; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
        assert_true(strlen(m->title) > 2 && isupper((unsigned char)m->title[0]));
        assert_true(strlen(m->help) > 20 && strlen(m->help) < 120 && m->help[strlen(m->help) - 1] != '.');
        assert_non_null(m->unit);
        assert_true(m->tasks > 0 && m->tasks < 8 && !isinf(m->best));
    }
}

static void check_perfect(const tarn_metric *metric, tarn_task task)
{
    sample s;

    fill(&s, metric, task, 0, 1);
    double got = value(metric, &s.judged);
    if (!(fabs(got - metric->best) <= 1e-12) && !isnan(metric->best))
        fail_msg("%s of a perfect prediction is %.17g", metric->name, got);
}

static void a_perfect_prediction_gets_the_best_value(void **state)
{
    (void)state;
    each(check_perfect);
}

static void check_worse(const tarn_metric *metric, tarn_task task)
{
    static const int wrong[] = {0, 10, 35, 70};
    double sign = metric->higher_is_better ? 1 : -1, before = isnan(metric->best) ? 1e300 : sign * metric->best;
    bool any = false;

    for (int i = 0; i < 4; i++) {
        sample s;
        fill(&s, metric, task, wrong[i], 0.999);
        double now = sign * value(metric, &s.judged);
        any |= i > 0 && now < before - 1e-3;
        if (!(now <= before + 1e-12))
            fail_msg("%s gets better as predictions get worse: %g, then %g", metric->name, before, now);
        before = now;
    }
    if (!any) fail_msg("%s does not notice wrong predictions", metric->name);
}

static void worse_predictions_score_worse(void **state)
{
    (void)state;
    each(check_worse);
}

/* Rows with weight 2 against every row twice with weight 1. */
static void check_weights(const tarn_metric *metric, tarn_task task)
{
    sample twice, weighted;
    int outputs = task == TARN_MULTICLASS ? CLASSES : 1;

    fill(&weighted, metric, task, 30, 0.9);
    fill(&twice, metric, task, 30, 0.9);
    weighted.judged.weight = weighted.weight;
    twice.judged.weight = twice.weight;
    twice.judged.rows = 2 * ROWS;
    for (int i = 0; i < ROWS; i++) weighted.weight[i] = 2;
    for (int i = 0; i < 2 * ROWS; i++) {
        twice.weight[i] = 1;
        twice.y[i] = weighted.y[i / 2];
        twice.group[i] = weighted.group[i / 2] + i % 2 * 1000; /* every group twice, not twice as long */
        for (int c = 0; c < outputs; c++) twice.p[c * 2 * ROWS + i] = weighted.p[c * ROWS + i / 2];
    }
    double a = value(metric, &weighted.judged), b = value(metric, &twice.judged);
    if (!(fabs(a - b) <= 1e-12)) fail_msg("%s: weights of 2 give %.17g, doubled rows %.17g", metric->name, a, b);
}

static void weights_of_two_are_doubled_rows(void **state)
{
    (void)state;
    each(check_weights);
}

/* Half of the rows have weight 0: the same as leaving them out. */
static void check_zero_weights(const tarn_metric *metric, tarn_task task)
{
    sample all, half;
    int outputs = task == TARN_MULTICLASS ? CLASSES : 1;

    fill(&all, metric, task, 30, 0.9);
    fill(&half, metric, task, 30, 0.9);
    all.judged.weight = all.weight;
    half.judged.weight = half.weight;
    half.judged.rows = ROWS / 2;
    for (int i = 0; i < ROWS; i++) all.weight[i] = i < ROWS / 2 ? half.weight[i] : 0;
    for (int c = 0; c < outputs; c++)
        for (int i = 0; i < ROWS / 2; i++) half.p[c * ROWS / 2 + i] = all.p[c * ROWS + i];
    double a = value(metric, &all.judged), b = value(metric, &half.judged);
    if (!(fabs(a - b) <= 1e-12)) fail_msg("%s: weights of 0 give %.17g, rows left out %.17g", metric->name, a, b);
}

static void rows_of_weight_zero_are_not_there(void **state)
{
    (void)state;
    each(check_zero_weights);
}

static void check_order(const tarn_metric *metric, tarn_task task)
{
    sample s, turned;
    int outputs = task == TARN_MULTICLASS ? CLASSES : 1;

    fill(&s, metric, task, 30, 0.9);
    fill(&turned, metric, task, 30, 0.9);
    s.judged.weight = s.weight;
    turned.judged.weight = turned.weight;
    for (int i = 0; i < ROWS; i++) {
        turned.y[i] = s.y[ROWS - 1 - i];
        turned.weight[i] = s.weight[ROWS - 1 - i];
        turned.group[i] = s.group[ROWS - 1 - i];
        for (int c = 0; c < outputs; c++) turned.p[c * ROWS + i] = s.p[c * ROWS + ROWS - 1 - i];
    }
    double a = value(metric, &s.judged), b = value(metric, &turned.judged);
    if (!(fabs(a - b) <= 1e-12)) fail_msg("%s depends on the order of rows: %.17g, %.17g", metric->name, a, b);
}

static void the_order_of_rows_makes_no_difference(void **state)
{
    (void)state;
    each(check_order);
}

static void check_refusals(const tarn_metric *metric, tarn_task task)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    sample s;
    double out = 0;

    for (int i = 0; i < 3; i++) {
        fill(&s, metric, task, 30, 0.9);
        s.p[17] = bad[i];
        must_fail_with(TARN_INVALID, "row 17", tarn_metric_value(metric, &s.judged, &out, err));
        fill(&s, metric, task, 30, 0.9);
        s.y[17] = bad[i];
        must_fail_with(TARN_INVALID, "row 17", tarn_metric_value(metric, &s.judged, &out, err));
        fill(&s, metric, task, 30, 0.9);
        s.weight[17] = bad[i];
        s.judged.weight = s.weight;
        must_fail_with(TARN_INVALID, "row 17", tarn_metric_value(metric, &s.judged, &out, err));
    }
    for (int other = TARN_BINARY; other <= TARN_REGRESSION; other++) {
        if (metric->tasks >> other & 1u) continue;
        fill(&s, metric, (tarn_task)other, 30, 0.9);
        must_fail_with(TARN_INVALID, metric->name, tarn_metric_value(metric, &s.judged, &out, err));
    }
}

static void what_is_not_a_number_is_refused_with_its_row(void **state)
{
    (void)state;
    each(check_refusals);
}

/* What is remembered between judgements of the same rows changes no figure. */
static void check_memory_of_facts(const tarn_metric *metric, tarn_task task)
{
    sample s;
    tarn_facts *facts = NULL;
    double learned = 0, again = 0, plain = 0;

    fill(&s, metric, task, 30, 0.9);
    tarn_judged j = s.judged;
    must(tarn_facts_new(&j, &facts, err));
    must(tarn_known_new(facts, j.rows, &j.known, err));
    must(metric->compute(&j, &learned, err));
    tarn_facts_settle(facts);
    j.weight = s.judged.weight = s.weight;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ROWS; i++) s.weight[i] = round ? i % GROUP : 1;
        tarn_known_forget(j.known);
        must(metric->compute(&j, &again, err));
        plain = value(metric, &s.judged);
        if (!(fabs(again - plain) <= 1e-13)) fail_msg("%s is %.17g, with a memory %.17g", metric->name, plain, again);
    }
    tarn_known_free(j.known);
    tarn_facts_free(facts);
}

static void a_memory_makes_no_difference(void **state)
{
    (void)state;
    each(check_memory_of_facts);
}

/* A share is the metric itself, as part of a whole. */
static void check_share(const tarn_metric *metric, tarn_task task)
{
    sample s;
    double part = 0, whole = 0;

    if (!metric->share) return;
    fill(&s, metric, task, 30, 0.9);
    must(metric->share(&s.judged, &part, &whole, err));
    if (!isnan(whole) && !(fabs(part / whole - value(metric, &s.judged)) <= 1e-12))
        fail_msg("%s is %g, its share %g of %g", metric->name, value(metric, &s.judged), part, whole);
    assert_true(whole > 0 || (task == TARN_MULTICLASS && isnan(whole)));
}

static void shares_are_the_figure(void **state)
{
    (void)state;
    each(check_share);
}

static void rankings_without_groups_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_metric_count(); i++) {
        sample s;
        double out = 0;
        const tarn_metric *m = tarn_metric_at(i);
        if (!m->needs_group) continue;
        fill(&s, m, TARN_REGRESSION, 30, 0.9);
        assert_true(tarn_metric_suits(m, &s.judged));
        s.judged.group = NULL;
        assert_false(tarn_metric_suits(m, &s.judged));
        must_fail_with(TARN_INVALID, "ranks within groups", tarn_metric_value(m, &s.judged, &out, err));
    }
}

static void check_memory(const tarn_metric *metric, tarn_task task)
{
    sample s;
    double out = 0;
    tarn_code rc = TARN_NOMEM;
    int64_t live = tarn_mem_live();

    fill(&s, metric, task, 30, 0.9);
    for (int n = 1; rc != TARN_OK; n++) {
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = tarn_metric_value(metric, &s.judged, &out, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
        assert_true(n < 100);
    }
}

static void memory_running_out_is_a_clean_error(void **state)
{
    (void)state;
    each(check_memory);
}

TARN_TESTS(TARN_TEST(every_metric_is_described), TARN_TEST(a_perfect_prediction_gets_the_best_value),
           TARN_TEST(worse_predictions_score_worse), TARN_TEST(weights_of_two_are_doubled_rows),
           TARN_TEST(rows_of_weight_zero_are_not_there), TARN_TEST(the_order_of_rows_makes_no_difference),
           TARN_TEST(what_is_not_a_number_is_refused_with_its_row), TARN_TEST(a_memory_makes_no_difference),
           TARN_TEST(shares_are_the_figure), TARN_TEST(rankings_without_groups_are_refused),
           TARN_TEST(memory_running_out_is_a_clean_error))
