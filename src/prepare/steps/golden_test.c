/* SPDX-License-Identifier: Apache-2.0 */
/* golden_test.c - the steps against scikit-learn 1.2.1 on one small table (tests/golden/prepare.py made the numbers).
 */
#include "base/file.h"
#include "prepare/prepare_sample.h"

enum { ROWS = 12, TRAIN = 9, LINES = 64, NUMBERS = 4 };

/* One line of the file. */
typedef struct line {
    char kind[64], name[64];
    char text[ROWS][32];
    double value[ROWS];
} line;

typedef struct golden {
    line lines[LINES];
    int n;
    tarn_columns *table;
} golden;

static const char *const features[] = {"age", "fare", "same", "even", "city", NULL};

static char *word(char **at)
{
    char *start = *at + strspn(*at, " ");
    char *end = start + strcspn(start, " \n");

    if (*end) *end++ = '\0';
    *at = end;
    return start;
}

static void make_table(golden *g)
{
    tarn_columns_maker *m = NULL;
    static const uint8_t label[ROWS] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
    const char *texts[ROWS];

    must(tarn_columns_maker_new(ROWS, &m, err));
    for (int k = 0; k < NUMBERS; k++)
        must(tarn_columns_maker_add(m, g->lines[k].name, TARN_REAL, g->lines[k].value, NULL, err));
    for (int i = 0; i < ROWS; i++) texts[i] = strcmp(g->lines[NUMBERS].text[i], "-") ? g->lines[NUMBERS].text[i] : NULL;
    must(tarn_columns_maker_text(m, "city", texts, NULL, err));
    must(tarn_columns_maker_add(m, "late", TARN_BOOL, label, NULL, err));
    must(tarn_columns_maker_finish(m, &g->table, err));
    tarn_columns_maker_free(m);
}

static void read_golden(golden *g)
{
    char *text = NULL;
    size_t len;

    must(tarn_file_read("tests/golden/prepare.txt", 0, &text, &len, err));
    for (char *row = strtok(text, "\n"); row; row = strtok(NULL, "\n")) {
        assert_true(g->n < LINES);
        line *l = &g->lines[g->n++];
        char *at = row;
        (void)snprintf(l->kind, sizeof l->kind, "%s", word(&at));
        (void)snprintf(l->name, sizeof l->name, "%s", word(&at));
        for (int i = 0; i < ROWS; i++) {
            (void)snprintf(l->text[i], sizeof l->text[i], "%s", word(&at));
            if (!tarn_num_parse(l->text[i], strlen(l->text[i]), false, &l->value[i])) l->value[i] = NAN;
        }
    }
    tarn_free(text);
    assert_string_equal(g->lines[NUMBERS].name, "city");
    make_table(g);
}

/* scikit-learn scales by x * scale + min or by division, we by (x - shift) * factor: a few units in the last place of
 * the largest number on the way. */
static void same_number(const line *l, int row, double ours)
{
    double theirs = l->value[row];

    if (isnan(theirs) && isnan(ours)) return;
    if (!(fabs(ours - theirs) <= 1e-14 + 4e-15 * fabs(theirs)))
        fail_msg("%s %s row %d: %.17g, but scikit-learn has %.17g", l->kind, l->name, row, ours, theirs);
}

/* Fit on the first rows, run on all, compare each column that the file has of this case. */
static void compare(const char *kind, const char *name, const char *key, const char *value)
{
    static golden g;
    static sample_params params;
    int64_t rows[ROWS];
    tarn_prepared *p = NULL;
    tarn_rows *r = NULL;
    double *out = NULL;
    int32_t n;
    int compared = 0;

    g = (golden){0};
    read_golden(&g);
    for (int i = 0; i < ROWS; i++) rows[i] = i;
    bool constant = strcmp(value, "constant") == 0;
    tarn_step_use step = sample_step(&params, name, key, value, constant ? "value" : NULL, "-1.5", NULL);
    tarn_prepare_job job = sample_job(g.table, rows, TRAIN, &step, 1);
    job.features = features;
    must(tarn_prepare(&job, &p, err));
    must(tarn_rows_new(p, g.table, rows, ROWS, &r, err));
    (void)tarn_prepared_regs(p, &n);
    must(tarn_alloc(&out, (size_t)n * ROWS, sizeof *out, err));
    must(tarn_rows_block(r, 0, ROWS, out, err));
    for (int k = 0; k < g.n; k++) {
        if (strcmp(g.lines[k].kind, kind) != 0) continue;
        int32_t at = 0;
        while (at < n && strcmp(tarn_prepared_features(p)[at].name, g.lines[k].name) != 0) at++;
        if (at == n) fail_msg("no column '%s'", g.lines[k].name);
        for (int i = 0; i < ROWS; i++) same_number(&g.lines[k], i, out[at * ROWS + i]);
        compared++;
    }
    if (strcmp(name, "onehot") == 0) assert_int_equal(n, NUMBERS + compared);
    else assert_int_equal(compared, NUMBERS);
    tarn_free(out);
    tarn_rows_free(r);
    tarn_prepared_free(p);
    tarn_columns_release(g.table);
}

static void impute_fills_as_scikit_learn_does(void **state)
{
    (void)state;
    compare("impute.median", "impute", "strategy", "median");
    compare("impute.mean", "impute", "strategy", "mean");
    compare("impute.constant", "impute", "strategy", "constant");
}

static void scale_scales_as_scikit_learn_does(void **state)
{
    (void)state;
    compare("scale.standard", "scale", "method", "standard");
    compare("scale.minmax", "scale", "method", "minmax");
    compare("scale.robust", "scale", "method", "robust");
}

static void onehot_expands_as_scikit_learn_does(void **state)
{
    (void)state;
    compare("onehot.1", "onehot", "min_rows", "1");
    compare("onehot.2", "onehot", "min_rows", "2");
}

TARN_TESTS(TARN_TEST(impute_fills_as_scikit_learn_does), TARN_TEST(scale_scales_as_scikit_learn_does),
           TARN_TEST(onehot_expands_as_scikit_learn_does))
