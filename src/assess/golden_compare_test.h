/* SPDX-License-Identifier: Apache-2.0 */
/* golden_compare_test.h - for tests: the cases of tests/golden/compare.json, which tests/golden/compare.py made. */
#ifndef TARN_ASSESS_GOLDEN_COMPARE_TEST_H
#define TARN_ASSESS_GOLDEN_COMPARE_TEST_H

#include "assess/assess.h"
#include "base/file.h"
#include "support/tarn_test.h"

#include <math.h>

enum { GOLDEN_MOST = 500 };

typedef struct golden_rows {
    tarn_judged a, b;
    double y[GOLDEN_MOST], p[GOLDEN_MOST], q[GOLDEN_MOST], weight[GOLDEN_MOST];
    int64_t group[GOLDEN_MOST];
} golden_rows;

/* Numbers of an array, and of arrays in it; how many. */
static int64_t golden_numbers(const json_t *array, double *out)
{
    const json_t *item;
    int64_t n = 0;
    size_t i;

    json_array_foreach(array, i, item)
    {
        assert_true(n < GOLDEN_MOST);
        if (json_is_array(item)) n += golden_numbers(item, out + n);
        else out[n++] = json_number_value(item);
    }
    return n;
}

static void golden_read_rows(const json_t *from, golden_rows *g)
{
    bool binary = strcmp(tarn_json_text(from, "task", ""), "binary") == 0;

    *g = (golden_rows){
        .a = {.task = binary ? TARN_BINARY : TARN_REGRESSION, .classes = binary ? 2 : 0, .threshold = 0.5}};
    g->a.rows = golden_numbers(json_object_get(from, "y"), g->y);
    g->a.y = g->y;
    g->a.p = g->p;
    assert_true(golden_numbers(json_object_get(from, "p"), g->p) == g->a.rows);
    if (golden_numbers(json_object_get(from, "weight"), g->weight) > 0) g->a.weight = g->weight;
    for (int64_t i = 0; i < g->a.rows && json_object_get(from, "group"); i++) {
        g->group[i] = json_integer_value(json_array_get(json_object_get(from, "group"), (size_t)i));
        g->a.group = g->group;
    }
    g->b = g->a;
    g->b.p = g->q;
    (void)golden_numbers(json_object_get(from, "q"), g->q);
}

static json_t *golden_read(void)
{
    char *text = NULL;
    size_t len = 0;
    json_t *all = NULL;

    must(tarn_file_read("tests/golden/compare.json", 0, &text, &len, err));
    must(tarn_json_read(text, len, "compare.json", &all, err));
    tarn_free(text);
    return all;
}

static double golden_number(const json_t *from, const char *key)
{
    const json_t *x = json_object_get(from, key);

    return json_is_number(x) ? json_number_value(x) : NAN;
}

static void golden_same(const char *name, const char *what, double got, double want, double tolerance)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
        fail_msg("%s: %s is %.17g, not %.17g", name, what, got, want);
}

#endif
