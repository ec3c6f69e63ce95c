/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of interval and every test of models must keep to. New lines of intervals.def and comparisons.def are
 * tested by being there. */
#include "assess/assess.h"
#include "base/random.h"
#include "support/tarn_test.h"

#include <ctype.h>
#include <math.h>

enum { ROWS = 120, MODELS = 3, SETS = 10 };

typedef struct sample {
    tarn_judged a, b;
    double y[ROWS], p[ROWS], q[ROWS], score[MODELS * SETS];
} sample;

static double unit(uint64_t row, uint32_t index) { return tarn_random_unit(11, TARN_STREAM_TEST, row, index); }

/* Model b is worse by `worse`. */
static void fill(sample *s, tarn_task task, double worse)
{
    bool binary = task == TARN_BINARY;

    *s = (sample){.a = {.task = task, .classes = binary ? 2 : 0, .rows = ROWS, .threshold = 0.5}};
    for (uint64_t i = 0; i < ROWS; i++) {
        double noise = unit(i, 1);
        s->y[i] = binary ? (double)(i % 2) : 10 * unit(i, 0);
        s->p[i] = binary ? 0.4 * s->y[i] + 0.6 * noise : s->y[i] + noise;
        s->q[i] = binary ? (1 - worse) * s->p[i] + worse * unit(i, 2) : s->y[i] + noise + worse * 5 * unit(i, 2);
    }
    for (uint64_t i = 0; i < MODELS * SETS; i++)
        s->score[i] = 0.8 + 0.05 * unit(i % SETS, 3) + 0.01 * unit(i, 4) - worse * 0.2 * (double)(i / SETS);
    s->a.y = s->y, s->a.p = s->p;
    s->b = s->a;
    s->b.p = s->q;
}

static tarn_contest contest_of(const tarn_comparison *test, const sample *s)
{
    tarn_contest c = {.how = {.resamples = 200}};

    if (test->tasks) c.a = &s->a, c.b = &s->b;
    else c.score = s->score, c.models = test->most ? test->most : MODELS, c.sets = SETS, c.test_share = 0.1;
    if (test->weights) must(tarn_metric_find(s->a.task == TARN_BINARY ? "log_loss" : "rmse", &c.metric, err));
    return c;
}

static void check_words(const char *name, const char *title, const char *paper, const char *help)
{
    for (const char *c = name; *c; c++)
        assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    assert_true(strlen(title) > 4 && strlen(paper) > 10);
    assert_true(strlen(help) > 20 && strlen(help) < 120 && help[strlen(help) - 1] != '.');
}

static void every_kind_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < tarn_interval_count(); i++) {
        const tarn_interval_kind *k = tarn_interval_at(i), *found = NULL;
        must(tarn_interval_find(k->name, &found, err));
        assert_ptr_equal(found, k);
        check_words(k->name, k->title, k->paper, k->help);
    }
    for (int i = 0; i < tarn_comparison_count(); i++) {
        const tarn_comparison *t = tarn_comparison_at(i), *found = NULL;
        must(tarn_comparison_find(t->name, &found, err));
        assert_ptr_equal(found, t);
        check_words(t->name, t->title, t->paper, t->help);
    }
}

static double number(const json_t *o, const char *key)
{
    return json_is_number(json_object_get(o, key)) ? json_number_value(json_object_get(o, key)) : NAN;
}

typedef void check(const tarn_comparison *test, tarn_task task);

static void each(check *fn)
{
    for (int i = 0; i < tarn_comparison_count(); i++)
        for (int task = TARN_BINARY; task <= TARN_REGRESSION; task++) {
            const tarn_comparison *t = tarn_comparison_at(i);
            if (task == TARN_MULTICLASS) continue;
            if (t->tasks ? t->tasks >> task & 1u : task == TARN_BINARY) fn(t, (tarn_task)task);
        }
}

/* The same model twice does not differ; a much worse one does. */
static void check_verdict(const tarn_comparison *test, tarn_task task)
{
    static const double worse[] = {0, 0.9};
    double p[2];
    sample s;

    for (int i = 0; i < 2; i++) {
        json_t *out = NULL;
        fill(&s, task, worse[i]);
        if (i == 0)
            for (int k = 0; k < MODELS * SETS; k++) s.score[k] = s.score[k % SETS];
        tarn_contest c = contest_of(test, &s);
        must(tarn_compare(test, &c, NULL, &out, err));
        p[i] = number(out, "p");
        assert_string_equal(tarn_json_text(out, "test", ""), test->name);
        assert_non_null(json_object_get(out, "interval"));
        json_decref(out);
    }
    if (!(p[0] >= 0.999)) fail_msg("%s: p of equal models is %g", test->name, p[0]);
    if (!(p[1] < 0.02)) fail_msg("%s: p of a much worse model is %g", test->name, p[1]);
}

static void equal_models_do_not_differ_and_others_do(void **state)
{
    (void)state;
    each(check_verdict);
}

/* b against a is a against b with the sign turned. */
static void check_turned(const tarn_comparison *test, tarn_task task)
{
    sample s;
    json_t *out[2] = {NULL, NULL};

    fill(&s, task, 0.2);
    for (int i = 0; i < 2; i++) {
        tarn_contest c = contest_of(test, &s);
        if (i == 1 && test->tasks) c.a = &s.b, c.b = &s.a;
        for (int k = 0; k < SETS && i == 1; k++) {
            double keep = s.score[k];
            s.score[k] = s.score[SETS + k], s.score[SETS + k] = keep;
        }
        must(tarn_compare(test, &c, NULL, &out[i], err));
    }
    assert_true(fabs(number(out[0], "p") - number(out[1], "p")) < 1e-12);
    double there = number(out[0], "difference"), back = number(out[1], "difference");
    assert_true(isnan(there) ? isnan(back) : fabs(there + back) < 1e-12);
    json_decref(out[0]);
    json_decref(out[1]);
}

static void turning_the_models_round_turns_the_sign(void **state)
{
    (void)state;
    each(check_turned);
}

static void check_memory(const tarn_comparison *test, tarn_task task)
{
    sample s;
    tarn_code rc = TARN_NOMEM;
    int64_t live = tarn_mem_live();

    fill(&s, task, 0.2);
    for (int n = 1; rc != TARN_OK; n++) {
        tarn_err err = {0};
        json_t *out = NULL;
        tarn_contest c = contest_of(test, &s);
        c.how.resamples = 3;
        tarn_mem_fail_after(n);
        rc = tarn_compare(test, &c, NULL, &out, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && !out && err.msg[0]);
        json_decref(out);
        assert_int_equal(tarn_mem_live(), live);
        assert_true(n < 300);
    }
}

static void memory_running_out_is_a_clean_error(void **state)
{
    (void)state;
    each(check_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(every_kind_is_described),
        TARN_TEST(equal_models_do_not_differ_and_others_do),
        TARN_TEST(turning_the_models_round_turns_the_sign),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
