/* SPDX-License-Identifier: Apache-2.0 */
/* project_test.c - the project file: what is planned from a good one, and what is said of a bad one. */
#include "support/tarn_test.h"

#include "flow/project.h"

static const char good[] = "project: small\n"
                           "problem: Will it rain?\n"
                           "ingest:\n"
                           "  days: {source: file, path: days.csv, types: {rain: bool}}\n"
                           "  places: {source: file, path: places.csv}\n"
                           "tables:\n"
                           "  days:\n"
                           "    key: [day, place]\n"
                           "    columns:\n"
                           "      place: {type: text, values: [A, B]}\n"
                           "    references:\n"
                           "      - {columns: place, table: places}\n"
                           "prepare:\n"
                           "  cleanse:\n"
                           "    days:\n"
                           "      - {kind: duplicates, action: drop}\n"
                           "  join:\n"
                           "    ready:\n"
                           "      sql: SELECT d.*, p.height FROM \"clean/days\" d JOIN places p ON p.place = d.place\n"
                           "      key: [day, place]\n"
                           "  split: {by: random, valid: 0.2, test: 0.2}\n"
                           "train:\n"
                           "  table: joined/ready\n"
                           "  target: rain\n"
                           "  features: [height]\n"
                           "  candidates:\n"
                           "    a: {algo: logistic, prepare: [{step: impute}, {step: scale}]}\n"
                           "    b: {algo: forest}\n"
                           "registry: {name: rain}\n";

static const tarn_planned *step_named(const tarn_project *p, const char *name)
{
    for (size_t i = 0; i < p->n_steps; i++)
        if (strcmp(p->steps[i].name, name) == 0) return &p->steps[i];
    fail_msg("no step %s", name);
    return NULL;
}

static bool has_input(const tarn_planned *s, const char *path)
{
    for (size_t i = 0; i < s->n_inputs; i++)
        if (strcmp(s->inputs[i], path) == 0) return true;
    return false;
}

/* What rows depend on each other is known by what they are split by. */
static void judging_knows_the_groups_of_the_split(void **state)
{
    tarn_project *p = NULL;
    char other[sizeof good + 64];
    const char *split = "by: random", *at = strstr(good, split);

    (void)state;
    (void)snprintf(other, sizeof other, "%.*sby: group, column: place%s", (int)(at - good), good, at + strlen(split));
    must(tarn_project_parse(good, strlen(good), "tarn.yaml", ".", &p, NULL, err));
    assert_null(json_object_get(step_named(p, "assess/test")->params, "cluster"));
    tarn_project_free(p);
    must(tarn_project_parse(other, strlen(other), "tarn.yaml", ".", &p, NULL, err));
    assert_string_equal(tarn_json_text(step_named(p, "assess/test")->params, "cluster", ""), "place");
    tarn_project_free(p);
}

static void plans_every_step_after_what_it_needs(void **state)
{
    static const char *const names[] = {"ingest/days",
                                        "ingest/places",
                                        "lake/check",
                                        "prepare/profile/days",
                                        "prepare/profile/places",
                                        "prepare/clean/days",
                                        "prepare/join/ready",
                                        "prepare/split",
                                        "train/a",
                                        "train/b",
                                        "train/choose",
                                        "assess/test",
                                        "assess/report"};
    tarn_project *p = NULL;

    (void)state;
    must(tarn_project_parse(good, strlen(good), "tarn.yaml", ".", &p, NULL, err));
    assert_int_equal(p->n_steps, sizeof names / sizeof *names);
    for (size_t i = 0; i < p->n_steps; i++) assert_string_equal(p->steps[i].name, names[i]);
    assert_true(has_input(step_named(p, "prepare/join/ready"), "clean/days.parquet"));
    assert_true(has_input(step_named(p, "prepare/join/ready"), "places.parquet"));
    assert_false(has_input(step_named(p, "prepare/join/ready"), "days.parquet")); /* only as part of clean/days */
    assert_true(has_input(step_named(p, "train/a"), "prepare/split.parts"));
    assert_string_equal(p->model, "rain");
    assert_string_equal(p->alias, "champion");
    tarn_project_free(p);
}

static void equal_settings_give_equal_parameters_whatever_the_spelling(void **state)
{
    tarn_project *p = NULL, *q = NULL;
    char other[sizeof good + 64];

    (void)state;
    (void)snprintf(other, sizeof other, "%s", good);
    char *at = strstr(other, "valid: 0.2");
    assert_non_null(at);
    memcpy(at, "valid: .20", 10);
    must(tarn_project_parse(good, strlen(good), "tarn.yaml", ".", &p, NULL, err));
    must(tarn_project_parse(other, strlen(other), "tarn.yaml", ".", &q, NULL, err));
    assert_true(json_equal(step_named(p, "prepare/split")->params, step_named(q, "prepare/split")->params));
    tarn_project_free(p);
    tarn_project_free(q);
}

/* Replace `from` by `to` in the good file; the result must be refused at this place with this text. */
static void refused(const char *from, const char *to, int line, int column, const char *text)
{
    tarn_text t = {0};
    tarn_problems problems = {0};
    tarn_project *p = NULL;
    const char *at = strstr(good, from);

    assert_non_null(at);
    tarn_text_addn(&t, good, (size_t)(at - good));
    tarn_text_add(&t, to);
    tarn_text_add(&t, at + strlen(from));
    must_fail_with(TARN_INVALID, "tarn.yaml:", tarn_project_parse(t.data, t.len, "tarn.yaml", ".", &p, &problems, err));
    assert_null(p);
    assert_true(problems.n > 0);
    bool found = false;
    for (size_t i = 0; i < problems.n; i++)
        found = found || (problems.items[i].line == line && problems.items[i].column == column &&
                          strstr(problems.items[i].text, text));
    if (!found)
        fail_msg("'%s' -> '%s': wanted %d:%d %s, got %d:%d %s", from, to, line, column, text, problems.items[0].line,
                 problems.items[0].column, problems.items[0].text);
    tarn_problems_clear(&problems);
    tarn_text_clear(&t);
}

static void mistakes_are_told_with_place_and_nearest_word(void **state)
{
    (void)state;
    refused("problem:", "probelm:", 2, 1, "did you mean 'problem'");
    refused("source: file", "source: fiel", 4, 18, "file");
    refused("types: {rain: bool}", "types: {rain: boolean}", 4, 54, "bool, int, real, text or time");
    refused("table: places}", "table: place}", 12, 33, "did you mean 'places'");
    refused("algo: forest", "algo: forrest", 28, 15, "forest");
    refused("step: scale", "step: scael", 27, 58, "scale");
    refused("kind: duplicates", "knd: duplicates", 16, 10, "did you mean 'kind'");
    refused("valid: 0.2", "valid: 1.2", 21, 30, "valid");
    refused("table: joined/ready", "table: joined/redy", 23, 10, "did you mean 'joined/ready'");
    refused("  target: rain\n", "  target: rain\n  metric: rmsee\n", 25, 11, "did you mean 'rmse'");
    refused("  target: rain\n", "  target: rain\n  metric: rmse\n", 25, 11, "does not suit this task");
    refused("  target: rain\n", "  target: rain\n  metric: ndcg\n", 25, 11, "ranks within groups");
    refused("  target: rain\n", "", 23, 3, "'target' is missing");
    refused("  split: {by: random, valid: 0.2, test: 0.2}\n", "", 22, 3, "needs 'prepare.split'");
    refused("{name: rain}", "{name: \"a/b\"}", 29, 19, "cannot be a name");
    refused("project: small", "project: &x small", 1, 13, "anchors");
    refused("project: small", "project: [", 2, 1, "not YAML");
}

static void all_mistakes_are_told_at_once(void **state)
{
    static const char bad[] = "project: x\nproblem: y\ningest:\n  a: {source: nothing, path: p}\n  b: {sorce: "
                              "file}\nserve: {port: 99999}\nextra: 1\n";
    tarn_problems problems = {0};
    tarn_project *p = NULL;

    (void)state;
    must_fail_with(TARN_INVALID, "more)", tarn_project_parse(bad, strlen(bad), "tarn.yaml", ".", &p, &problems, err));
    assert_true(problems.n >= 4);
    for (size_t i = 1; i < problems.n; i++) assert_true(problems.items[i - 1].line <= problems.items[i].line);
    tarn_problems_clear(&problems);
}

static void no_bytes_at_all_crash_the_reader(void **state)
{
    tarn_problems problems = {0};
    tarn_project *p = NULL;
    char copy[sizeof good];

    (void)state;
    for (size_t cut = 0; cut < sizeof good - 1; cut += 7) {
        tarn_code rc = tarn_project_parse(good, cut, "tarn.yaml", ".", &p, &problems, NULL);
        assert_true(rc == TARN_OK || rc == TARN_INVALID);
        tarn_project_free(p);
        tarn_problems_clear(&problems);
    }
    for (size_t i = 0; i < sizeof good - 1; i += 3) {
        memcpy(copy, good, sizeof good);
        copy[i] = (char)(copy[i] ^ (1 << (i % 7)));
        tarn_code rc = tarn_project_parse(copy, sizeof good - 1, "tarn.yaml", ".", &p, &problems, NULL);
        assert_true(rc == TARN_OK || rc == TARN_INVALID);
        tarn_project_free(p);
        tarn_problems_clear(&problems);
    }
}

static void running_out_of_memory_is_an_error(void **state)
{
    tarn_code rc = TARN_NOMEM;

    (void)state;
    for (int64_t n = 1; rc != TARN_OK && n < 5000; n++) {
        tarn_project *p = NULL;
        tarn_problems problems = {0};
        tarn_mem_fail_after(n);
        rc = tarn_project_parse(good, strlen(good), "tarn.yaml", ".", &p, &problems, NULL);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK) assert_null(p);
        tarn_project_free(p);
        tarn_problems_clear(&problems);
        assert_int_equal(tarn_mem_live(), tarn_test_blocks);
    }
    assert_int_equal(rc, TARN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(judging_knows_the_groups_of_the_split),
        TARN_TEST(plans_every_step_after_what_it_needs),
        TARN_TEST(equal_settings_give_equal_parameters_whatever_the_spelling),
        TARN_TEST(mistakes_are_told_with_place_and_nearest_word),
        TARN_TEST(all_mistakes_are_told_at_once),
        TARN_TEST(no_bytes_at_all_crash_the_reader),
        TARN_TEST(running_out_of_memory_is_an_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
