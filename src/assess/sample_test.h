/* SPDX-License-Identifier: Apache-2.0 */
/* sample_test.h - for tests: assessments of each task, with hostile names, and all ways to spoil them. */
#ifndef TARN_ASSESS_SAMPLE_TEST_H
#define TARN_ASSESS_SAMPLE_TEST_H

#include "assess/assess.h"
#include "base/random.h"
#include "support/tarn_test.h"

#define HOSTILE \
    "<script>alert(\"1\")</script>&'\x01 \u00fc\u6e56 so long a name that it fits nowhere at all, not even here"

enum { SAMPLE_ROWS = 300 };

static double sample_unit(int64_t row, uint32_t index)
{
    return tarn_random_unit(9, TARN_STREAM_TEST, (uint64_t)row, index);
}

static json_t *sample_importance(void)
{
    json_t *list = json_array();

    for (int i = 0; i < 20; i++)
        must(tarn_json_append(
            list, json_pack("{s:s,s:f}", "name", i ? "input" : HOSTILE, "share", i < 10 ? 0.05 + 0.01 * i : 0.0), err));
    return list;
}

/* classes > 2: MULTICLASS. Caller decrefs. */
static json_t *sample_assessment(tarn_task task, int64_t rows, int classes)
{
    static double y[SAMPLE_ROWS], p[SAMPLE_ROWS * 16];
    static const char *const names[16] = {"on time", HOSTILE, "",  "a", "b", "c", "d", "e",
                                          "f",       "g",     "h", "i", "j", "k", "l", "m"};
    tarn_judged j = {
        .task = task, .rows = rows, .classes = classes, .class_names = names, .y = y, .p = p, .threshold = 0.4};
    tarn_costs costs = {30, -10, 0, -20, "<EUR>", true};
    json_t *all = NULL;

    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        y[i] = task == TARN_REGRESSION ? 1000 * sample_unit(i, 0) : (double)(int)(sample_unit(i, 0) * classes);
        p[i] = task == TARN_REGRESSION ? y[i] + 200 * (sample_unit(i, 1) - 0.5) : 0.3 * y[i] + 0.7 * sample_unit(i, 1);
        for (int c = 0; c < classes && task == TARN_MULTICLASS; c++)
            sum += p[c * rows + i] = sample_unit(i, 2 + (uint32_t)c) + ((int)y[i] == c);
        for (int c = 0; c < classes && task == TARN_MULTICLASS; c++) p[c * rows + i] /= sum;
    }
    must(tarn_assess(&j, &costs, &all, err));
    must(tarn_put_intervals(&j, &(tarn_resampling){0.95, 10, 1}, NULL, all, err));
    must(tarn_json_set(all, "importance", sample_importance(), err));
    return all;
}

/* What a field may be in a file from a stranger. */
static json_t *sample_junk(int i)
{
    switch (i) {
    case 0: return json_null();
    case 1: return json_string(HOSTILE);
    case 2: return json_array();
    case 3: return json_object();
    case 4: return json_real(1.7e308);
    case 5: return json_real(-1.7e308);
    case 6: return json_integer(0);
    case 7: return json_pack("[i,s]", 1, "x");
    case 8: return json_pack("[f,f,f]", 1e308, -1e308, 5e-324);
    case 9: return json_pack("[{},{}]");
    case 10: return json_pack("[[f],[f]]", 1e300, -3.0);
    case 11: return json_true();
    case 12: return json_pack("{s:[{s:[f,f],s:[f,f]}]}", "curves", "fpr", 0.5, 0.5, "tpr", 0.1, 0.1);
    default: return NULL;
    }
}

typedef void sample_use(json_t *spoilt, void *arg);

/* Put each kind of junk in each place of root, up to a depth, and use the result. */
static void sample_spoil(json_t *root, json_t *part, int depth, sample_use *use, void *arg)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(part, next, key, value)
    {
        json_incref(value);
        for (int i = 0;; i++) {
            json_t *junk = sample_junk(i);
            if (!junk) break;
            must(tarn_json_set(part, key, junk, err));
            use(root, arg);
        }
        assert_int_equal(json_object_set(part, key, value), 0);
        if (depth > 0) sample_spoil(root, json_is_array(value) ? json_array_get(value, 0) : value, depth - 1, use, arg);
        json_decref(value);
    }
}

#endif
