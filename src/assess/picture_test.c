/* SPDX-License-Identifier: Apache-2.0 */
/* picture_test.c - pictures are well-formed, repeat to the byte, and survive any text and number. */
#include "assess/markup_test.h"
#include "assess/sample_test.h"

#include "assess/chart.h"

#include <math.h>

static const struct {
    tarn_task task;
    int64_t rows;
    int classes;
} samples[] = {{TARN_BINARY, SAMPLE_ROWS, 2},     {TARN_MULTICLASS, SAMPLE_ROWS, 3},
               {TARN_MULTICLASS, SAMPLE_ROWS, 7}, {TARN_MULTICLASS, SAMPLE_ROWS, 16},
               {TARN_REGRESSION, SAMPLE_ROWS, 0}, {TARN_BINARY, 1, 2},
               {TARN_MULTICLASS, 1, 3},           {TARN_REGRESSION, 1, 0}};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void check_picture(const char *svg)
{
    markup_check(svg);
    assert_true(strncmp(svg, "<svg class=\"tarn-chart\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"", 60) == 0);
    assert_non_null(strstr(svg, "<title>"));
    assert_non_null(strstr(svg, "<desc>"));
    assert_null(strstr(svg, "<script"));
    assert_null(strstr(svg, "href"));
    assert_true(strlen(svg) < 60000);
}

static void every_picture_is_well_formed_and_repeatable(void **state)
{
    (void)state;
    for (int s = 0; s < SAMPLES; s++) {
        json_t *all = sample_assessment(samples[s].task, samples[s].rows, samples[s].classes);
        for (const char *const *name = tarn_pictures(samples[s].task); *name; name++) {
            char *a = NULL, *b = NULL;
            must(tarn_picture(*name, all, &a, err));
            must(tarn_picture(*name, all, &b, err));
            check_picture(a);
            assert_string_equal(a, b);
            tarn_free(a);
            tarn_free(b);
        }
        json_decref(all);
    }
}

/* Numbers of every x, y, cx, cy lie in the picture. */
static void marks_stay_inside(void **state)
{
    static const char *const names[] = {" x=\"", " y=\"", " cx=\"", " cy=\"", " x1=\"", " y1=\"", " x2=\"", " y2=\""};
    json_t *all = sample_assessment(TARN_BINARY, SAMPLE_ROWS, 2);

    (void)state;
    for (const char *const *name = tarn_pictures(TARN_BINARY); *name; name++) {
        char *svg = NULL;
        must(tarn_picture(*name, all, &svg, err));
        for (int k = 0; k < 8; k++)
            for (const char *at = strstr(svg, names[k]); at; at = strstr(at + 1, names[k])) {
                double x = strtod(at + strlen(names[k]), NULL);
                if (!(x >= 0 && x <= 560)) fail_msg("%s: %.30s", *name, at);
            }
        tarn_free(svg);
    }
    json_decref(all);
}

static void a_chart_has_round_ticks_and_whole_numbers_of_tenths(void **state)
{
    static const double x[] = {0, 0.123456, 1}, y[] = {-3000, 17000, 500};
    tarn_axis ax = {.title = "share", .most = 1, .scale = TARN_SCALE_SHARE},
              ay = {.title = "money", .least = -3000, .most = 17000};
    tarn_chart c;
    char *svg = NULL;

    (void)state;
    tarn_chart_begin(&c, 400, 300, "A <title>", "about & about");
    tarn_chart_axes(&c, &ax, &ay);
    tarn_chart_line(&c, 0, TARN_SOLID, x, y, 3);
    must(tarn_chart_end(&c, &svg, err));
    markup_check(svg);
    static const char *const wanted[] = {">0%<", ">20%<", ">100%<",          ">\u22125k<",
                                         ">0<",  ">20k<", "A &lt;title&gt;", "about &amp; about"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(svg, wanted[i])) fail_msg("no %s", wanted[i]);
    assert_null(strstr(svg, ">25k<"));
    tarn_free(svg);
}

static void what_lies_outside_is_drawn_on_the_border(void **state)
{
    static const double x[] = {-7, 2, 0.5}, y[] = {0.5, 1e300, -1e300};
    tarn_axis unit = {.most = 1};
    tarn_chart c;
    char *svg = NULL;

    (void)state;
    tarn_chart_begin(&c, 400, 300, "", "");
    tarn_chart_axes(&c, &unit, &unit);
    assert_true(tarn_chart_x(&c, x[0]) == c.left && tarn_chart_x(&c, x[1]) == c.right);
    assert_true(tarn_chart_y(&c, y[1]) == c.top && tarn_chart_y(&c, y[2]) == c.bottom);
    tarn_chart_line(&c, 0, TARN_SOLID, x, y, 3);
    must(tarn_chart_end(&c, &svg, err));
    markup_check(svg);
    tarn_free(svg);
}

static void unknown_and_absent_pictures_are_named(void **state)
{
    json_t *all = sample_assessment(TARN_REGRESSION, SAMPLE_ROWS, 0), *empty = json_object();
    char *svg = NULL;

    (void)state;
    must_fail_with(TARN_NOT_FOUND, "no picture 'calibratoin'; did you mean 'calibration'?",
                   tarn_picture("calibratoin", all, &svg, err));
    must_fail_with(TARN_NOT_FOUND, "picture 'roc': the assessment has no 'roc'", tarn_picture("roc", all, &svg, err));
    must_fail_with(TARN_NOT_FOUND, "has no 'profit'", tarn_picture("profit", empty, &svg, err));
    must_fail_with(TARN_NOT_FOUND, "has no 'scatter'", tarn_picture("predicted", NULL, &svg, err));
    assert_null(svg);
    json_decref(all);
    json_decref(empty);
}

static void arrays_that_do_not_fit_are_named(void **state)
{
    json_t *all = sample_assessment(TARN_BINARY, SAMPLE_ROWS, 2), *bins = json_object_get(all, "calibration");
    char *svg = NULL;

    (void)state;
    must(tarn_json_append(json_object_get(bins, "rows"), json_integer(1), err));
    must_fail_with(TARN_INVALID, "picture 'calibration': 'rows' has", tarn_picture("calibration", all, &svg, err));
    must(tarn_json_append(json_object_get(bins, "stated"), json_string("x"), err));
    must_fail_with(TARN_INVALID, "'stated' holds something else than a number",
                   tarn_picture("calibration", all, &svg, err));
    json_decref(all);
}

static void draw_all(json_t *assessed, void *arg)
{
    const tarn_task *task = arg;

    for (const char *const *name = tarn_pictures(*task); *name; name++) {
        char *svg = NULL;
        tarn_err err = {0};
        tarn_code rc = tarn_picture(*name, assessed, &svg, &err);
        if (rc == TARN_OK) check_picture(svg);
        else assert_true((rc == TARN_INVALID || rc == TARN_NOT_FOUND) && err.msg[0] && !svg);
        tarn_free(svg);
    }
}

static void spoilt_assessments_give_a_picture_or_an_error(void **state)
{
    static const int classes[] = {2, 3, 0};

    (void)state;
    for (int t = TARN_BINARY; t <= TARN_REGRESSION; t++) {
        tarn_task task = (tarn_task)t;
        json_t *all = sample_assessment(task, 20, classes[t]);
        sample_spoil(all, all, 2, draw_all, &task);
        json_decref(all);
    }
}

static void memory_running_out_is_a_clean_error(void **state)
{
    static const int classes[] = {2, 3, 0};

    (void)state;
    for (int t = TARN_BINARY; t <= TARN_REGRESSION; t++) {
        json_t *all = sample_assessment((tarn_task)t, 30, classes[t]);
        int64_t live = tarn_mem_live();
        for (const char *const *name = tarn_pictures((tarn_task)t); *name; name++) {
            tarn_code rc = TARN_NOMEM;
            for (int n = 1; rc != TARN_OK; n++) {
                char *svg = NULL;
                tarn_err err = {0};
                tarn_mem_fail_after(n);
                rc = tarn_picture(*name, all, &svg, &err);
                tarn_mem_fail_after(0);
                if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && !svg && err.msg[0]);
                tarn_free(svg);
                assert_int_equal(tarn_mem_live(), live);
            }
        }
        json_decref(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(every_picture_is_well_formed_and_repeatable),
        TARN_TEST(marks_stay_inside),
        TARN_TEST(a_chart_has_round_ticks_and_whole_numbers_of_tenths),
        TARN_TEST(what_lies_outside_is_drawn_on_the_border),
        TARN_TEST(unknown_and_absent_pictures_are_named),
        TARN_TEST(arrays_that_do_not_fit_are_named),
        TARN_TEST(spoilt_assessments_give_a_picture_or_an_error),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
