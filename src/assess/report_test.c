/* SPDX-License-Identifier: Apache-2.0 */
/* report_test.c - the report: what it says, that names are escaped, and that junk in a story does no harm. */
#include "assess/markup_test.h"
#include "assess/sample_test.h"

/* A story in which every text is hostile. */
static json_t *hostile_story(tarn_task task, int64_t rows, int classes)
{
    json_t *assessed = sample_assessment(task, rows, classes), *story = NULL;

    story = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "title", HOSTILE, "problem", HOSTILE, "target", HOSTILE,
                      "positive", HOSTILE, "noun", HOSTILE, "champion", HOSTILE, "model_id", HOSTILE);
    must(tarn_json_set(story, "candidates",
                       json_pack("[{s:s,s:s,s:O},{s:s}]", "name", HOSTILE, "title", HOSTILE, "valid",
                                 json_object_get(assessed, "metrics"), "name", "other"),
                       err));
    must(tarn_json_set(story, "baseline", json_pack("{s:O}", "metrics", json_object_get(assessed, "metrics")), err));
    must(tarn_json_set(story, "importance", sample_importance(), err));
    must(tarn_json_set(story, "parts", json_pack("[{s:s,s:i,s:s}]", "name", HOSTILE, "rows", 1234, "from", HOSTILE),
                       err));
    must(tarn_json_set(story, "data", json_pack("[s,{s:s,s:f}]", HOSTILE, "name", HOSTILE, "value", 0.25), err));
    must(tarn_json_set(story, "notes", json_pack("[s]", HOSTILE), err));
    must(tarn_json_set(story, "commands", json_pack("[s,{s:s,s:s}]", HOSTILE, "what", HOSTILE, "command", HOSTILE),
                       err));
    must(tarn_json_set(story, "assessed", assessed, err));
    return story;
}

static void check_page(const char *html)
{
    markup_check(html);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "href"));
    assert_null(strstr(html, "alert(\""));
    assert_non_null(strstr(html, "default-src 'none'"));
}

static void hostile_texts_are_shown_not_obeyed(void **state)
{
    static const int classes[] = {2, 3, 0};

    (void)state;
    for (int t = TARN_BINARY; t <= TARN_REGRESSION; t++)
        for (int64_t rows = 1; rows <= SAMPLE_ROWS; rows += SAMPLE_ROWS - 1) {
            json_t *story = hostile_story((tarn_task)t, rows, classes[t]);
            char *a = NULL, *b = NULL;
            must(tarn_report_html(story, &a, err));
            must(tarn_report_html(story, &b, err));
            check_page(a);
            assert_string_equal(a, b);
            assert_non_null(strstr(a, "<pre>&lt;script&gt;alert"));
            tarn_free(a);
            tarn_free(b);
            json_decref(story);
        }
}

/* Ten flights; at 0.5 four are flagged, three of them rightly; one late flight is missed. */
static void the_verdict_counts_in_hundreds(void **state)
{
    const char *names[] = {"on time", "late"};
    double y[] = {1, 1, 1, 0, 1, 0, 0, 0, 0, 0}, p[] = {0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.2, 0.1, 0.1};
    tarn_judged j = {
        .task = TARN_BINARY, .rows = 10, .classes = 2, .class_names = names, .y = y, .p = p, .threshold = 0.5};
    tarn_costs costs = {30, -10, 0, -20, "EUR", true};
    json_t *assessed = NULL, *story = json_pack("{s:s}", "noun", "flights");
    char *html = NULL;

    (void)state;
    must(tarn_assess(&j, &costs, &assessed, err));
    must(tarn_json_set(story, "assessed", assessed, err));
    must(tarn_report_html(story, &html, err));
    check_page(html);
    static const char *const wanted[] = {
        "Of 100 flights that the model flags as \u201clate\u201d, 75 are. Of 100 that are, it finds 75.",
        "40 of 100 flagged at random would be",
        "Flag nothing",
        "<td class=\"n\">\u221280.00 EUR</td>",
        "worth <b>0.00 EUR</b> more than the better of",
        "not defined"};
    for (int i = 0; i < 5; i++)
        if (!strstr(html, wanted[i])) fail_msg("the page does not say: %s", wanted[i]);
    assert_null(strstr(html, wanted[5]));
    tarn_free(html);
    json_decref(story);
}

static void other_tasks_have_their_own_verdict(void **state)
{
    json_t *three = hostile_story(TARN_MULTICLASS, SAMPLE_ROWS, 3),
           *value = hostile_story(TARN_REGRESSION, SAMPLE_ROWS, 0);
    char *a = NULL, *b = NULL;

    (void)state;
    must(tarn_report_html(three, &a, err));
    must(tarn_report_html(value, &b, err));
    assert_non_null(strstr(a, "the model names the right class for "));
    assert_non_null(strstr(a, "Class by class"));
    assert_null(strstr(a, "Money"));
    assert_non_null(strstr(b, "Half of the predictions are within "));
    assert_non_null(strstr(b, "Without a model, the average error would be "));
    tarn_free(a);
    tarn_free(b);
    json_decref(three);
    json_decref(value);
}

/* What groups were drawn for the intervals is said; of single rows nothing is. */
static void whole_groups_are_told(void **state)
{
    json_t *all = sample_assessment(TARN_BINARY, 50, 2), *story = json_pack("{s:o}", "assessed", all);
    json_t *about = json_object_get(all, "interval");
    char *html = NULL;

    (void)state;
    must(tarn_report_html(story, &html, err));
    assert_null(strstr(html, "whole groups"));
    tarn_free(html);
    must(tarn_json_set(about, "by_group", json_true(), err));
    must(tarn_json_set(about, "groups", json_integer(1234), err));
    must(tarn_json_set(about, "groups_of", json_string("<b>customer</b>"), err));
    must(tarn_report_html(story, &html, err));
    check_page(html);
    assert_non_null(strstr(html, "1,234 groups of rows with the same &lt;b&gt;customer&lt;/b&gt;."));
    tarn_free(html);
    json_decref(story);
}

static void a_bare_story_is_enough(void **state)
{
    json_t *story = json_object();
    char *html = NULL;

    (void)state;
    must_fail_with(TARN_INVALID, "the story has no 'assessed' object", tarn_report_html(story, &html, err));
    must_fail_with(TARN_INVALID, "not an object", tarn_report_html(NULL, &html, err));
    must(tarn_json_set(story, "assessed", json_pack("{s:s}", "task", "clustering"), err));
    must_fail_with(TARN_INVALID, "assessed.task is not one of", tarn_report_html(story, &html, err));
    must(tarn_json_set(story, "assessed", json_pack("{s:s}", "task", "binary"), err));
    must(tarn_report_html(story, &html, err));
    check_page(html);
    tarn_free(html);
    json_decref(story);
}

static void show(json_t *story, void *arg)
{
    char *html = NULL;
    tarn_err err = {0};
    tarn_code rc = tarn_report_html(story, &html, &err);

    (void)arg;
    if (rc == TARN_OK) check_page(html);
    else assert_true(rc == TARN_INVALID && err.msg[0] && !html);
    tarn_free(html);
}

static void spoilt_stories_give_a_page_or_an_error(void **state)
{
    static const int classes[] = {2, 3, 0};

    (void)state;
    for (int t = TARN_BINARY; t <= TARN_REGRESSION; t++) {
        json_t *story = hostile_story((tarn_task)t, 10, classes[t]);
        sample_spoil(story, story, 2, show, NULL);
        json_decref(story);
    }
}

static void memory_running_out_is_a_clean_error(void **state)
{
    json_t *story = hostile_story(TARN_BINARY, 10, 2);
    int64_t live = tarn_mem_live();
    tarn_code rc = TARN_NOMEM;

    (void)state;
    for (int n = 1; rc != TARN_OK; n++) {
        char *html = NULL;
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = tarn_report_html(story, &html, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_true(rc == TARN_NOMEM && !html && err.msg[0]);
        tarn_free(html);
        assert_int_equal(tarn_mem_live(), live);
    }
    json_decref(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(hostile_texts_are_shown_not_obeyed),
        TARN_TEST(the_verdict_counts_in_hundreds),
        TARN_TEST(other_tasks_have_their_own_verdict),
        TARN_TEST(whole_groups_are_told),
        TARN_TEST(a_bare_story_is_enough),
        TARN_TEST(spoilt_stories_give_a_page_or_an_error),
        TARN_TEST(memory_running_out_is_a_clean_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
