/* SPDX-License-Identifier: Apache-2.0 */
/* draft_test.c - from columns to a project file: what a person would take each column for, and a file that the reader
 * of project files takes whatever the names are. */
#include "support/tarn_test.h"

#include "flow/draft.h"
#include "flow/project.h"

enum { ROWS = 1200 };

typedef struct table {
    tarn_columns_maker *maker;
    tarn_columns *columns;
} table;

static void begin(table *t)
{
    *t = (table){0};
    must(tarn_columns_maker_new(ROWS, &t->maker, err));
}

/* A column of numbers by a rule over the row; NaN is missing. */
static void add_real(table *t, const char *name, tarn_type type, double (*rule)(int row))
{
    static double real[ROWS];
    static int64_t whole[ROWS];
    static uint8_t valid[ROWS / 8], flag[ROWS];

    memset(valid, 0, sizeof valid);
    for (int i = 0; i < ROWS; i++) {
        double x = rule(i);
        real[i] = x;
        whole[i] = x == x ? (int64_t)x : 0;
        flag[i] = x > 0;
        if (x == x) valid[i / 8] = (uint8_t)(valid[i / 8] | 1 << i % 8);
    }
    const void *values = type == TARN_REAL ? (const void *)real : type == TARN_BOOL ? (const void *)flag : whole;
    must(tarn_columns_maker_add(t->maker, name, type, values, valid, err));
}

/* A column of texts: format with the row's number. */
static void add_text(table *t, const char *name, const char *const *words, int n)
{
    static char text[ROWS][80];
    static const char *at[ROWS];

    for (int i = 0; i < ROWS; i++) {
        if (n > 0) (void)snprintf(text[i], sizeof text[i], "%s", words[i % n]);
        else (void)snprintf(text[i], sizeof text[i], "%s%d", words[0], i);
        at[i] = text[i];
    }
    must(tarn_columns_maker_text(t->maker, name, at, NULL, err));
}

static void end(table *t)
{
    must(tarn_columns_maker_finish(t->maker, &t->columns, err));
    tarn_columns_maker_free(t->maker);
}

static double count(int row) { return row; }
static double constant(int row) { return 3 + 0 * row; }
static double amount(int row) { return (row * 7919 % 1201) * 0.5; }
static double gaps(int row) { return row % 5 == 0 ? 0.0 / 0.0 : row % 17; }
static double dice(int row) { return 1 + row % 6; }
static double rare(int row) { return row % 4 == 0; }
static double few(int row) { return row < 3 ? 1 : 0.0 / 0.0; }
static double moment(int row) { return 1.6e15 + (double)row * 3.6e9; }
static double scattered(int row) { return (row * 7919 % 1201) * 1000.0; }

static void make(table *t)
{
    static const char *const colours[] = {"red", "green", "blue"}, *const kinds[] = {"no", "no", "yes"};
    static const char *const code[] = {"X-"}, *const sentence[] = {"a sentence of several words number "};

    begin(t);
    add_real(t, "row", TARN_INT, count);
    add_real(t, "same", TARN_REAL, constant);
    add_real(t, "amount", TARN_REAL, amount);
    add_real(t, "gaps", TARN_REAL, gaps);
    add_real(t, "dice", TARN_INT, dice);
    add_real(t, "rare", TARN_BOOL, rare);
    add_real(t, "few", TARN_REAL, few);
    add_real(t, "when", TARN_TIME, moment);
    add_real(t, "customer_id", TARN_INT, scattered);
    add_real(t, "income", TARN_INT, scattered);
    add_text(t, "colour", colours, 3);
    add_text(t, "kind", kinds, 3);
    add_text(t, "code", code, 0);
    add_text(t, "remark", sentence, 0);
    end(t);
}

static const tarn_guessed *column(const tarn_guess *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->columns[i].name, name) == 0) return &g->columns[i];
    fail_msg("no column %s", name);
    return NULL;
}

static void columns_are_taken_for_what_they_are(void **state)
{
    static const struct {
        const char *name;
        tarn_role role;
    } want[] = {{"row", TARN_ROLE_OUT},       {"same", TARN_ROLE_OUT},    {"amount", TARN_ROLE_NUMBER},
                {"gaps", TARN_ROLE_NUMBER},   {"dice", TARN_ROLE_NUMBER}, {"rare", TARN_ROLE_NUMBER},
                {"few", TARN_ROLE_OUT},       {"when", TARN_ROLE_TIME},   {"customer_id", TARN_ROLE_OUT},
                {"income", TARN_ROLE_NUMBER}, {"kind", TARN_ROLE_TARGET}, {"colour", TARN_ROLE_CATEGORY},
                {"code", TARN_ROLE_OUT},      {"remark", TARN_ROLE_TEXT}};
    table t;
    tarn_guess g;
    tarn_wish wish = {.target = "kind"};

    (void)state;
    make(&t);
    must(tarn_guess_problem(t.columns, &wish, &g, err));
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (column(&g, want[i].name)->role != want[i].role)
            fail_msg("%s: role %d, not %d (%s)", want[i].name, column(&g, want[i].name)->role, want[i].role,
                     column(&g, want[i].name)->why);
    assert_true(column(&g, "when")->hours);
    tarn_guess_clear(&g);
    tarn_columns_release(t.columns);
}

static void the_task_follows_from_the_target(void **state)
{
    static const struct {
        const char *target, *positive;
        tarn_task task;
    } want[] = {{"kind", "yes", TARN_BINARY},    {"rare", "true", TARN_BINARY},   {"dice", "", TARN_MULTICLASS},
                {"colour", "", TARN_MULTICLASS}, {"amount", "", TARN_REGRESSION}, {"income", "", TARN_REGRESSION},
                {"gaps", "", TARN_REGRESSION}};
    table t;

    (void)state;
    make(&t);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        tarn_guess g;
        tarn_wish wish = {.target = want[i].target};
        must(tarn_guess_problem(t.columns, &wish, &g, err));
        assert_int_equal(g.task, want[i].task);
        assert_string_equal(g.positive, want[i].positive);
        assert_int_equal(g.missing, strcmp(want[i].target, "gaps") == 0 ? ROWS / 5 : 0);
        tarn_guess_clear(&g);
    }
    tarn_columns_release(t.columns);
}

static void what_does_not_suit_is_refused(void **state)
{
    static const struct {
        tarn_wish wish;
        tarn_code code;
        const char *said;
    } cases[] = {{{.target = "kinds"}, TARN_NOT_FOUND, "did you mean 'kind'"},
                 {{.target = "same"}, TARN_INVALID, "is the same in every row"},
                 {{.target = "when"}, TARN_INVALID, "is a time"},
                 {{.target = "few"}, TARN_INVALID, "3 rows have a 'few'; at least 30 are needed"},
                 {{.target = "code"}, TARN_INVALID, "has 1200 values"},
                 {{.target = "colour", .task = "binary"}, TARN_INVALID, "has 3 values"},
                 {{.target = "colour", .task = "regression"}, TARN_INVALID, "holds no numbers"},
                 {{.target = "colour", .task = "ranking"}, TARN_USAGE, "binary, multiclass or regression"},
                 {{.target = "kind", .positive = "maybe"}, TARN_INVALID, "no value 'maybe'"},
                 {{.target = "kind", .time = "whem"}, TARN_NOT_FOUND, "did you mean 'when'"},
                 {{.target = "kind", .time = "colour"}, TARN_INVALID, "by a time or a number"},
                 {{.target = "kind", .time = "same"}, TARN_INVALID, "too few different values"}};
    table t;

    (void)state;
    make(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_guess g;
        must_fail_with(cases[i].code, cases[i].said, tarn_guess_problem(t.columns, &cases[i].wish, &g, err));
    }
    tarn_columns_release(t.columns);
}

/* The draft as text, read back; p is the caller's. */
static void draft_and_read(const tarn_guess *g, tarn_text *text, tarn_project **p)
{
    tarn_draft_candidate candidates[100];
    tarn_draft d = {.name = "t", .path = "a \"b\"/c.csv", .metric = "", .candidates = candidates};
    tarn_problems problems = {0};
    tarn_err why = {0};

    assert_true(tarn_algo_count() <= 100);
    tarn_draft_choose(g, 3, candidates);
    must(tarn_draft_write(g, &d, text, err));
    if (tarn_project_parse(text->data, text->len, "tarn.yaml", ".", p, &problems, &why) != TARN_OK)
        fail_msg("%s\n%s", why.msg, text->data);
    tarn_problems_clear(&problems);
}

static void a_draft_is_a_project_for_every_task(void **state)
{
    static const char *const targets[] = {"kind", "colour", "amount", "gaps"};
    table t;

    (void)state;
    make(&t);
    for (size_t i = 0; i < 4; i++)
        for (int timed = 0; timed < 2; timed++) {
            tarn_guess g;
            tarn_text text = {0};
            tarn_project *p = NULL;
            tarn_wish wish = {.target = targets[i], .time = timed ? "when" : ""};
            must(tarn_guess_problem(t.columns, &wish, &g, err));
            draft_and_read(&g, &text, &p);
            assert_string_equal(p->target, targets[i]);
            assert_true(strstr(text.data, "# left out: customer_id (") != NULL);
            assert_true((strstr(text.data, "by: time, column: when") != NULL) == timed);
            assert_true((strstr(text.data, "holdout") != NULL) == (g.rows >= 1000));
            tarn_project_free(p);
            tarn_text_clear(&text);
            tarn_guess_clear(&g);
        }
    tarn_columns_release(t.columns);
}

static void any_name_can_stand_in_a_draft(void **state)
{
    static const char *const names[] = {
        "a b",       "\"quoted\"", "back\\slash", "colon: here", "# hash", "null", "- dash", "Gr\xc3\xb6\xc3\x9f",
        "tab\there", "{brace}",    "'",           "1",           "true",   "a,b"};
    static const char *const words[] = {"y: \"1\"", "# n"};
    table t;
    tarn_guess g;
    tarn_text text = {0};
    tarn_project *p = NULL;
    tarn_wish wish = {.target = "to be: or \"not\""};

    (void)state;
    begin(&t);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) add_real(&t, names[i], TARN_REAL, amount);
    add_text(&t, wish.target, words, 2);
    end(&t);
    must(tarn_guess_problem(t.columns, &wish, &g, err));
    draft_and_read(&g, &text, &p);
    assert_string_equal(p->target, wish.target);
    assert_true(strcmp(p->positive, words[0]) == 0 || strcmp(p->positive, words[1]) == 0);
    for (size_t i = 0; i < p->n_steps; i++) {
        const json_t *features = json_object_get(p->steps[i].params, "features");
        if (strcmp(p->steps[i].kind, "learn") != 0) continue;
        assert_int_equal(json_array_size(features), sizeof names / sizeof *names);
        for (size_t k = 0; k < json_array_size(features); k++)
            assert_string_equal(json_string_value(json_array_get(features, k)), names[k]);
    }
    tarn_project_free(p);
    tarn_text_clear(&text);
    tarn_guess_clear(&g);
    tarn_columns_release(t.columns);
}

/* Categories of few rows a level, of thousands of levels, and of none that teaches something. */
static void levels_get_columns_where_they_are_worth_it(void **state)
{
    enum { MANY = ROWS * 5 };
    static char text[3][MANY][24];
    static const char *at[3][MANY];
    static double y[MANY];
    tarn_columns_maker *maker = NULL;
    tarn_columns *c = NULL;
    tarn_guess g;
    tarn_text file = {0};
    tarn_project *p = NULL;
    tarn_wish wish = {.target = "y", .task = "binary"};

    (void)state;
    must(tarn_columns_maker_new(MANY, &maker, err));
    for (int i = 0; i < MANY; i++) {
        y[i] = (i * 7919 % 1201) % 2;
        (void)snprintf(text[0][i], sizeof text[0][i], "k%d", i % 3);
        (void)snprintf(text[1][i], sizeof text[1][i], "z%d", i % 2 == 0 ? i % 100 : 100 + i / 4);
        (void)snprintf(text[2][i], sizeof text[2][i], "p%d", i / 4);
        for (int k = 0; k < 3; k++) at[k][i] = text[k][i];
    }
    must(tarn_columns_maker_add(maker, "y", TARN_REAL, y, NULL, err));
    must(tarn_columns_maker_text(maker, "kind", at[0], NULL, err));
    must(tarn_columns_maker_text(maker, "zip code", at[1], NULL, err));
    must(tarn_columns_maker_text(maker, "pair", at[2], NULL, err));
    must(tarn_columns_maker_finish(maker, &c, err));
    tarn_columns_maker_free(maker);
    must(tarn_guess_problem(c, &wish, &g, err));
    assert_int_equal(column(&g, "kind")->level_rows, 5);
    assert_true(column(&g, "zip code")->crowded && !column(&g, "kind")->crowded);
    assert_string_equal(column(&g, "pair")->why, "none of its 1500 texts comes in 10 rows");
    draft_and_read(&g, &file, &p);
    assert_non_null(strstr(file.data, "- {step: text, columns: [\"zip code\"], tokens: whole, min_df: 2}\n"
                                      "        - {step: onehot, min_rows: 5}\n"));
    assert_non_null(strstr(file.data, "- {step: onehot, columns: [\"zip code\"], min_rows: 5}\n"));
    tarn_project_free(p);
    tarn_text_clear(&file);
    tarn_guess_clear(&g);
    tarn_columns_release(c);
}

static void names_come_from_paths(void **state)
{
    static const char *const cases[][2] = {{"/a/b/Big Data.csv.gz", "big_data"},
                                           {"x", "x"},
                                           {"joined/sales", "sales"},
                                           {"data/2020.csv", "rows"},
                                           {"/", "rows"},
                                           {"\xff.csv", "rows"}};
    char name[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_draft_name(cases[i][0], name, sizeof name);
        assert_string_equal(name, cases[i][1]);
    }
}

static void running_out_of_memory_is_an_error(void **state)
{
    table t;
    tarn_wish wish = {.target = "kind", .time = "when"};
    tarn_code rc = TARN_NOMEM;

    (void)state;
    make(&t);
    for (int64_t at = 1; rc != TARN_OK && at < 10000; at++) {
        tarn_guess g = {0};
        int64_t live = tarn_mem_live();
        tarn_err why = {0};
        tarn_mem_fail_after(at);
        rc = tarn_guess_problem(t.columns, &wish, &g, &why);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) tarn_guess_clear(&g);
        else assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_int_equal(rc, TARN_OK);
    tarn_columns_release(t.columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(columns_are_taken_for_what_they_are),
        TARN_TEST(the_task_follows_from_the_target),
        TARN_TEST(what_does_not_suit_is_refused),
        TARN_TEST(a_draft_is_a_project_for_every_task),
        TARN_TEST(any_name_can_stand_in_a_draft),
        TARN_TEST(levels_get_columns_where_they_are_worth_it),
        TARN_TEST(names_come_from_paths),
        TARN_TEST(running_out_of_memory_is_an_error),
    };
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
