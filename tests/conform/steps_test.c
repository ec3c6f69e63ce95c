/* SPDX-License-Identifier: Apache-2.0 */
/* steps_test.c - what every preparation step must do, over the list in prepare/steps.def. */
#include "prepare/prepare_sample.h"

#include <ctype.h>

enum { ROWS = 3 * TARN_BLOCK_ROWS + 321 };

/* The defaults of step i. */
static tarn_step_use plain(int i, sample_params *params)
{
    const tarn_step *step = tarn_step_at(i);

    assert_true(step->params_size <= sizeof *params);
    tarn_params_default(step->params, params);
    return (tarn_step_use){.name = step->name, .params = params};
}

static void every_step_is_described(void **state)
{
    (void)state;
    assert_true(tarn_step_count() > 0);
    for (int i = 0; i < tarn_step_count(); i++) {
        const tarn_step *s = tarn_step_at(i), *found = NULL;
        assert_true(strlen(s->name) > 0 && strlen(s->name) < 32);
        for (const char *c = s->name; *c; c++) assert_true(islower((unsigned char)*c) || *c == '_');
        assert_true(strlen(s->title) > 10 && s->title[strlen(s->title) - 1] != '.');
        assert_true(s->fit && s->params && s->params_size > 0);
        must(tarn_step_find(s->name, &found, err));
        assert_ptr_equal(found, s);
        for (int k = 0; k < i; k++) assert_true(strcmp(tarn_step_at(k)->name, s->name) < 0);
    }
    assert_null(tarn_step_at(-1));
    assert_null(tarn_step_at(tarn_step_count()));
}

static void every_parameter_is_described_and_takes_its_default(void **state)
{
    (void)state;
    static sample_params params;

    for (int i = 0; i < tarn_step_count(); i++) {
        const tarn_step *s = tarn_step_at(i);
        bool columns = false;
        tarn_params_default(s->params, &params);
        for (const tarn_param *p = s->params; p->type != TARN_P_END; p++) {
            char expects[256], text[8192];
            assert_true(strlen(p->help) > 10 && strlen(tarn_param_expects(p, expects, sizeof expects)) > 0);
            assert_true(p->at < s->params_size);
            must(tarn_param_set(s->params, &params, p->name, tarn_param_preset(p, text, sizeof text), err));
            columns = columns || (strcmp(p->name, "columns") == 0 && p->type == TARN_P_TEXT);
        }
        if (!columns) fail_msg("step '%s' has no parameter 'columns'", s->name);
    }
}

/* ---- the same bytes ---- */

typedef struct way {
    const tarn_columns *data;
    const int64_t *rows;
    int64_t n;
    tarn_step_use step;
    int threads;
    char *bytes[4];
    size_t len[4];
} way;

static tarn_code fit_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    way *w = arg;
    tarn_code rc = TARN_OK;
    tarn_pool *pool = NULL;
    tarn_prepared *p = NULL;
    int rank = tarn_comm_rank(comm);
    tarn_prepare_job job = sample_job(w->data, w->rows, w->n, &w->step, 1);

    TARN_TRY(tarn_pool_new(w->threads, &pool, err));
    job.pool = pool;
    job.comm = comm;
    TARN_TRY(tarn_prepare(&job, &p, err));
    TARN_TRY(sample_bytes(p, &w->bytes[rank], &w->len[rank], err));
done:
    tarn_prepared_free(p);
    tarn_pool_free(pool);
    return rc;
}

static void same_as_first(way *w, int ranks, char **first, size_t *first_len)
{
    for (int r = 0; r < ranks; r++) {
        if (!*first) {
            *first = w->bytes[r];
            *first_len = w->len[r];
            continue;
        }
        assert_int_equal(w->len[r], *first_len);
        assert_memory_equal(w->bytes[r], *first, *first_len);
        tarn_free(w->bytes[r]);
    }
}

static void any_number_of_threads_and_ranks_gives_the_same_bytes(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7, 2, 1}, ranks[] = {1, 1, 1, 1, 2, 3};
    static sample_params params;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    way w = {.data = c};
    int64_t *rows = sample_rows(ROWS, 1, &w.n);

    w.rows = rows;
    for (int i = 0; i < tarn_step_count(); i++) {
        char *first = NULL;
        size_t first_len = 0;
        w.step = plain(i, &params);
        for (int k = 0; k < 6; k++) {
            w.threads = threads[k];
            if (ranks[k] == 1) must(fit_rank(&w, NULL, err));
            else must(tarn_comm_run_threads(ranks[k], fit_rank, &w, err));
            same_as_first(&w, ranks[k], &first, &first_len);
        }
        tarn_free(first);
    }
    tarn_free(rows);
    tarn_columns_release(c);
}

static void only_train_rows_are_looked_at(void **state)
{
    (void)state;
    static sample_params params;
    static uint8_t poison[ROWS];
    way w = {.threads = 1};
    int64_t *rows = sample_rows(ROWS, 5, &w.n);

    for (int64_t i = 0; i < ROWS; i++) poison[i] = i % 5 != 0;
    tarn_columns *clean = sample_table(ROWS, (sample_options){0}),
                 *foul = sample_table(ROWS, (sample_options){.poison = poison});
    w.rows = rows;
    for (int i = 0; i < tarn_step_count(); i++) {
        char *first = NULL;
        size_t first_len = 0;
        w.step = plain(i, &params);
        for (int k = 0; k < 2; k++) {
            w.data = k ? foul : clean;
            must(fit_rank(&w, NULL, err));
            same_as_first(&w, 1, &first, &first_len);
        }
        tarn_free(first);
    }
    tarn_free(rows);
    tarn_columns_release(clean);
    tarn_columns_release(foul);
}

/* ---- columns ---- */

static tarn_kind kind_of(const char *feature)
{
    return strcmp(feature, "when") == 0                                      ? TARN_MOMENT
           : strcmp(feature, "carrier") == 0 || strcmp(feature, "dest") == 0 ? TARN_CATEGORY
                                                                             : TARN_NUMBER;
}

/* A text is a category, or what a step for texts reads. */
static bool suits(const tarn_step *step, const char *feature)
{
    tarn_kind kind = kind_of(feature);

    return kind == step->takes || (kind == TARN_CATEGORY && step->takes == TARN_STRING);
}

/* Each step with each field: taken if it suits, else refused by name; others pass through untouched. */
static void named_columns_are_taken_or_refused(void **state)
{
    (void)state;
    static sample_params params;
    tarn_columns *c = sample_table(500, (sample_options){0});
    int64_t n, *rows = sample_rows(500, 1, &n);

    for (int i = 0; i < tarn_step_count(); i++) {
        for (int f = 0; f < SAMPLE_FEATURES; f++) {
            tarn_step_use step = plain(i, &params);
            tarn_prepare_job job = sample_job(c, rows, n, &step, 1);
            tarn_prepared *p = NULL;
            int32_t cols, raw = 0;
            char want[200];
            must(tarn_param_set(tarn_step_at(i)->params, &params, "columns", sample_features[f], err));
            if (!suits(tarn_step_at(i), sample_features[f])) {
                (void)snprintf(want, sizeof want, "step '%s': column '%s' is ", step.name, sample_features[f]);
                must_fail_with(TARN_INVALID, want, tarn_prepare(&job, &p, err));
                continue;
            }
            must(tarn_prepare(&job, &p, err));
            const uint32_t *regs = tarn_prepared_regs(p, &cols);
            for (int32_t k = 0; k < cols; k++) {
                assert_int_equal(tarn_prepared_features(p)[k].input == (uint32_t)f, regs[k] >= SAMPLE_FEATURES);
                raw += regs[k] < SAMPLE_FEATURES;
            }
            assert_int_equal(raw, SAMPLE_FEATURES - 1);
            tarn_prepared_free(p);
        }
        tarn_step_use step = plain(i, &params);
        tarn_prepare_job job = sample_job(c, rows, n, &step, 1);
        tarn_prepared *p = NULL;
        must(tarn_param_set(tarn_step_at(i)->params, &params, "columns", "age, nonsense", err));
        tarn_code rc = tarn_prepare(&job, &p, NULL);
        assert_int_equal(rc, TARN_INVALID);
    }
    tarn_free(rows);
    tarn_columns_release(c);
}

static void a_step_that_suits_nothing_passes_all_on(void **state)
{
    (void)state;
    static sample_params params;
    tarn_columns *c = sample_table(500, (sample_options){0});
    int64_t n, *rows = sample_rows(500, 1, &n);

    for (int i = 0; i < tarn_step_count(); i++)
        for (int f = 0; f < SAMPLE_FEATURES; f++) {
            const char *const one[] = {sample_features[f], NULL};
            tarn_step_use step = plain(i, &params);
            tarn_prepare_job job = sample_job(c, rows, n, &step, 1);
            tarn_prepared *p = NULL;
            int32_t cols;
            if (suits(tarn_step_at(i), sample_features[f])) continue;
            job.features = one;
            must(tarn_prepare(&job, &p, err));
            assert_int_equal(tarn_prepared_regs(p, &cols)[0], 0);
            assert_int_equal(cols, 1);
            tarn_prepared_free(p);
        }
    tarn_free(rows);
    tarn_columns_release(c);
}

static void running_out_of_memory_anywhere_is_a_clean_error(void **state)
{
    (void)state;
    static sample_params params;
    tarn_columns *c = sample_table(100, (sample_options){0});
    int64_t n, *rows = sample_rows(100, 1, &n);

    for (int i = 0; i < tarn_step_count(); i++) {
        tarn_step_use step = plain(i, &params);
        tarn_prepare_job job = sample_job(c, rows, n, &step, 1);
        tarn_code rc = TARN_NOMEM;
        for (int64_t k = 1; rc != TARN_OK; k++) {
            tarn_prepared *p = NULL;
            tarn_err err = {0};
            int64_t live = tarn_mem_live();
            tarn_mem_fail_after(k);
            rc = tarn_prepare(&job, &p, &err);
            tarn_mem_fail_after(0);
            if (rc != TARN_OK && (rc != TARN_NOMEM || p))
                fail_msg("step '%s', allocation %d: %s", step.name, (int)k, err.msg);
            tarn_prepared_free(p);
            assert_int_equal(tarn_mem_live(), live);
            assert_true(k < 5000);
        }
    }
    tarn_free(rows);
    tarn_columns_release(c);
}

TARN_TESTS(TARN_TEST(every_step_is_described), TARN_TEST(every_parameter_is_described_and_takes_its_default),
           TARN_TEST(any_number_of_threads_and_ranks_gives_the_same_bytes), TARN_TEST(only_train_rows_are_looked_at),
           TARN_TEST(named_columns_are_taken_or_refused), TARN_TEST(a_step_that_suits_nothing_passes_all_on),
           TARN_TEST(running_out_of_memory_anywhere_is_a_clean_error))
