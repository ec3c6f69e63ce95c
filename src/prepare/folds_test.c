/* SPDX-License-Identifier: Apache-2.0 */
/* folds_test.c - every row in one fold, folds of equal size, classes shared out, groups whole, time never looks ahead.
 */
#include "support/tarn_test.h"

#include "prepare/prepare.h"

#include <string.h>

enum { ROWS = 1000 };

typedef struct table {
    tarn_columns *c;
    int64_t rows[ROWS];
    int32_t fold[ROWS];
    double when[ROWS];
    int64_t group[ROWS];
    const char *label[ROWS];
} table;

static void open_table(table *t)
{
    tarn_columns_maker *m = NULL;
    int32_t lens[ROWS];

    for (int64_t i = 0; i < ROWS; i++) {
        t->rows[i] = i;
        t->when[i] = (double)((i * 7919) % ROWS / 2); /* every moment twice */
        t->group[i] = i % 10 == 0 ? 1 : i % 37;
        t->label[i] = i % 10 == 0 ? "rare" : "common";
        lens[i] = (int32_t)strlen(t->label[i]);
    }
    must(tarn_columns_maker_new(ROWS, &m, err));
    must(tarn_columns_maker_add(m, "when", TARN_REAL, t->when, NULL, err));
    must(tarn_columns_maker_add(m, "group", TARN_INT, t->group, NULL, err));
    must(tarn_columns_maker_text(m, "label", t->label, lens, err));
    must(tarn_columns_maker_finish(m, &t->c, err));
    tarn_columns_maker_free(m);
}

static tarn_fold_params params_of(int64_t n, const char *by, const char *column)
{
    tarn_fold_params p;

    tarn_params_default(tarn_fold_table, &p);
    p.n = n;
    must(tarn_param_set(tarn_fold_table, &p, "by", by, err));
    must(tarn_param_set(tarn_fold_table, &p, "column", column, err));
    return p;
}

static void folds_are_even_and_share_out_the_classes(void **state)
{
    static table t;
    (void)state;

    open_table(&t);
    for (int strata = 0; strata < 2; strata++) {
        int64_t held[5] = {0}, rare[5] = {0};
        tarn_fold_params p = params_of(5, strata ? "stratified" : "random", "");
        must(tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err));
        for (int i = 0; i < ROWS; i++) {
            assert_in_range(t.fold[i], 0, 4);
            held[t.fold[i]]++;
            rare[t.fold[i]] += t.label[i][0] == 'r';
        }
        for (int k = 0; k < 5; k++) {
            assert_int_equal(held[k], ROWS / 5);
            if (strata) assert_int_equal(rare[k], 20);
        }
    }
    tarn_columns_release(t.c);
}

static void groups_stay_whole(void **state)
{
    static table t;
    int64_t held[4] = {0};
    (void)state;

    open_table(&t);
    tarn_fold_params p = params_of(4, "group", "group");
    must(tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err));
    for (int i = 0; i < ROWS; i++) {
        held[t.fold[i]]++;
        for (int j = 0; j < i; j++)
            if (t.group[i] == t.group[j]) assert_int_equal(t.fold[i], t.fold[j]);
    }
    for (int k = 0; k < 4; k++) assert_in_range(held[k], ROWS / 4 - 40, ROWS / 4 + 40);
    p.n = 38;
    must_fail_with(TARN_INVALID, "37 groups", tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err));
    tarn_columns_release(t.c);
}

static void time_is_judged_on_what_came_after(void **state)
{
    static table t;
    (void)state;

    open_table(&t);
    tarn_fold_params p = params_of(4, "time", "when");
    must(tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++)
            if (t.fold[i] >= 0 && tarn_fold_learns(&p, t.fold[i], t.fold[j])) assert_true(t.when[j] < t.when[i]);
    must_fail_with(TARN_INVALID, "no column 'whn'",
                   (strcpy(p.column, "whn"), tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err)));
    p.n = ROWS + 1;
    must_fail_with(TARN_INVALID, "no more than rows", tarn_folds(t.c, &p, "label", t.rows, ROWS, t.fold, err));
    tarn_columns_release(t.c);
}

TARN_TESTS(TARN_TEST(folds_are_even_and_share_out_the_classes), TARN_TEST(groups_stay_whole),
           TARN_TEST(time_is_judged_on_what_came_after))
