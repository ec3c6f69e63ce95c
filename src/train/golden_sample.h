/* SPDX-License-Identifier: Apache-2.0 */
/* golden_sample.h - what the tests of estimators share: reading golden files word by word, their data by formula, and
 * from a fit to a model. */
#ifndef TARN_TRAIN_GOLDEN_SAMPLE_H
#define TARN_TRAIN_GOLDEN_SAMPLE_H

#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "train/train.h"

/* The h-th number of the data that tests/golden/knn.py and svm.py make, 0 to 1. */
static inline double golden_formula(int64_t h) { return (double)((h * h % 10007 * 31 + h * 7919) % 10007) / 10007; }

/* The next word of a line; false at its end. */
static inline bool golden_word(const char **at, char *out, size_t cap)
{
    size_t len = strcspn(*at, " \n");

    if (len == 0) return false;
    assert_true(len < cap);
    memcpy(out, *at, len);
    out[len] = 0;
    *at += len + ((*at)[len] == ' ');
    return true;
}

static inline double golden_number(const char **at)
{
    char text[64];
    double x = 0;

    assert_true(golden_word(at, text, sizeof text));
    assert_true(tarn_num_parse(text, strlen(text), false, &x));
    return x;
}

/* A setting is the next word. */
static inline void golden_set(const tarn_algo *algo, void *params, const char *name, const char **at)
{
    char text[64];

    assert_true(golden_word(at, text, sizeof text));
    must(tarn_param_set(algo->params, params, name, text, err));
}

/* fn for each line of a file that is no comment, of which there are `want`. */
static inline void golden_lines(const char *path, int want, void (*fn)(const char *line))
{
    char *text = NULL;
    size_t len = 0;
    int lines = 0;

    must(tarn_file_read(path, 0, &text, &len, err));
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        if (*at == '#') continue;
        fn(at);
        lines++;
    }
    assert_int_equal(lines, want);
    tarn_free(text);
}

/* The outputs of a fit, from register `first` on, make a model. Up to 5 classes. */
static inline tarn_code golden_finish(tarn_graph *g, int32_t classes, uint32_t first, tarn_model **out, tarn_err *err)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    const uint32_t regs[] = {first, first + 1, first + 2, first + 3, first + 4};
    tarn_task task = classes == 0 ? TARN_REGRESSION : classes == 2 ? TARN_BINARY : TARN_MULTICLASS;
    tarn_code rc = TARN_OK;

    assert_true(classes <= (int32_t)(sizeof names / sizeof *names));
    TARN_TRY(
        tarn_graph_output(g, task, "y", regs, classes > 2 ? classes : 1, classes ? names : NULL, classes, 0.5, err));
    TARN_TRY(tarn_graph_finish(g, out, err));
done:
    return rc;
}

#endif
