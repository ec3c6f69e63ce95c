/* SPDX-License-Identifier: Apache-2.0 */
/* comparison.c - the table of tests, and the checks that every test relies on. */
#include "assess/put.h"
#include "assess/resample.h"

#include <math.h>
#include <string.h>

#define TARN_COMPARISON(name) extern const tarn_comparison tarn_comparison_##name;
#include "assess/comparisons.def"
#undef TARN_COMPARISON

static const tarn_comparison *const table[] = {
#define TARN_COMPARISON(name) &tarn_comparison_##name,
#include "assess/comparisons.def"
#undef TARN_COMPARISON
};

enum { TESTS = sizeof(table) / sizeof(table[0]), MOST_MODELS = 1000 };

int tarn_comparison_count(void) { return TESTS; }

const tarn_comparison *tarn_comparison_at(int i) { return table[i]; }

tarn_code tarn_comparison_find(const char *name, const tarn_comparison **out, tarn_err *err)
{
    const char *names[TESTS];

    for (int i = 0; i < TESTS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = table[i];
        return TARN_OK;
    }
    const char *near = tarn_nearest_word(name, names, TESTS);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no test '%s'%s%s%s", name, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
}

bool tarn_comparison_suits(const tarn_comparison *test, const tarn_contest *c)
{
    if (!test->tasks)
        return c->score && c->models >= 2 && (!test->most || c->models <= test->most) && c->sets >= test->least;
    return c->a && c->b && (test->tasks >> c->a->task & 1u) && (test->weights || tarn_judged_plain(c->a));
}

static bool same_numbers(const double *a, const double *b, int64_t n)
{
    if (a == b) return true;
    for (int64_t i = 0; a && b && i < n; i++)
        if (a[i] < b[i] || a[i] > b[i]) return false;
    return a && b;
}

static bool same_ids(const int64_t *a, const int64_t *b, int64_t n)
{
    return a == b || (a && b && memcmp(a, b, (size_t)n * sizeof *a) == 0);
}

static tarn_code check_same_rows(const tarn_judged *a, const tarn_judged *b, tarn_err *err)
{
    if (a->task != b->task || a->classes != b->classes || a->rows != b->rows)
        return TARN_FAIL(err, TARN_INVALID, "the two models were not judged on the same rows for the same task");
    if (!same_numbers(a->y, b->y, a->rows))
        return TARN_FAIL(err, TARN_INVALID, "the rows of the two models have other true values; put them in one order");
    bool groups = same_ids(a->group, b->group, a->rows) && same_ids(a->cluster, b->cluster, a->rows);
    if (!groups || !same_numbers(a->weight, b->weight, a->rows))
        return TARN_FAIL(err, TARN_INVALID, "the rows of the two models have other weights or groups");
    return TARN_OK;
}

static tarn_code check_rows(const tarn_comparison *test, const tarn_contest *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (!c->a || !c->b)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "test '%s' needs the predictions of two models", test->name));
    TARN_TRY(tarn_judged_check(c->a, err));
    TARN_TRY(tarn_judged_check(c->b, err));
    TARN_TRY(check_same_rows(c->a, c->b, err));
    if (!(test->tasks >> c->a->task & 1u))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "test '%s' does not suit this task; try bootstrap", test->name));
    if (!test->weights && !tarn_judged_plain(c->a))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID,
                           "test '%s' counts every row once, and these have weights or groups; try bootstrap",
                           test->name));
    if (test->weights && (!c->metric || !tarn_metric_suits(c->metric, c->a)))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "test '%s' needs a metric that suits the rows", test->name));
done:
    return rc;
}

static tarn_code check_scores(const tarn_comparison *test, const tarn_contest *c, tarn_err *err)
{
    if (!c->score) return TARN_FAIL(err, TARN_INVALID, "test '%s' needs scores of models on sets of rows", test->name);
    if (c->models < 2 || c->models > (test->most ? test->most : MOST_MODELS))
        return TARN_FAIL(err, TARN_INVALID, "test '%s' compares 2 to %d models, not %d", test->name,
                         test->most ? test->most : MOST_MODELS, c->models);
    if (c->sets < test->least || c->sets > INT32_MAX)
        return TARN_FAIL(err, TARN_INVALID, "test '%s' needs scores on %lld sets of rows or more, not %lld", test->name,
                         (long long)test->least, (long long)c->sets);
    for (int64_t i = 0; i < c->models * c->sets; i++)
        if (!isfinite(c->score[i]))
            return TARN_FAIL(err, TARN_INVALID, "score of model %lld on set %lld is not a number",
                             (long long)(i / c->sets), (long long)(i % c->sets));
    return TARN_OK;
}

static tarn_code put_outcome(const tarn_comparison *test, const tarn_outcome *found, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool interval = isfinite(found->low) && isfinite(found->high);

    TARN_TRY(tarn_put_text(out, "test", test->name, err));
    TARN_TRY(tarn_put_text(out, "title", test->title, err));
    TARN_TRY(tarn_put_number(out, "statistic", found->statistic, err));
    TARN_TRY(tarn_put_number(out, "p", found->p, err));
    TARN_TRY(tarn_put_number(out, "difference", found->difference, err));
    TARN_TRY(tarn_json_set(out, "interval", interval ? json_pack("[f,f]", found->low, found->high) : json_null(), err));
done:
    return rc;
}

tarn_code tarn_compare(const tarn_comparison *test, const tarn_contest *c, tarn_pool *pool, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_contest filled = *c;
    tarn_outcome found = {NAN, NAN, NAN, NAN, NAN};
    json_t *all = json_object();

    if (!all) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for a comparison"));
    TARN_TRY(test->tasks ? check_rows(test, c, err) : check_scores(test, c, err));
    if (test->tasks) filled.how = tarn_resampling_of(&c->how, c->a);
    if (!(filled.how.level > 0)) filled.how.level = 0.95;
    if (!(filled.how.level < 1) || filled.how.resamples > 1000000)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "level %g is not between 0 and 1, or %d resamples are too many",
                           filled.how.level, filled.how.resamples));
    TARN_TRY(test->compute(&filled, pool, &found, all, err));
    TARN_TRY(put_outcome(test, &found, all, err));
    *out = all;
    all = NULL;
done:
    if (rc != TARN_OK) tarn_err_note(err, "test '%s'", test->name);
    json_decref(all);
    return rc;
}
