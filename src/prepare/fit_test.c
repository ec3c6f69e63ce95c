/* SPDX-License-Identifier: Apache-2.0 */
/* fit_test.c - a preparation learns from train rows alone, and serving runs what training ran. */
#include "prepare/prepare_sample.h"

enum { ROWS = 3000, MANY = 4 * TARN_BLOCK_ROWS + 777 };

/* All four steps, as a project would use them. */
static sample_params params[4];

static void all_steps(tarn_step_use steps[4])
{
    steps[0] = sample_step(&params[0], "dateparts", "parts", "month, weekday,hour,days", NULL);
    steps[1] = sample_step(&params[1], "impute", NULL);
    steps[2] = sample_step(&params[2], "scale", "method", "standard", NULL);
    steps[3] = sample_step(&params[3], "onehot", "min_rows", "5", NULL);
}

static int input_of(const tarn_model *m, const char *name) { return tarn_model_find_input(m, name, strlen(name)); }

/* ---- raw fields ---- */

static void fields_are_what_train_rows_say(void **state)
{
    (void)state;
    static const char *const texts[] = {"b", "a", NULL, "c", "a"};
    static const double numbers[] = {5, -0.0, INFINITY, 99, 3};
    static const int64_t times[] = {10, 30, 20, -99, 15};
    static const uint8_t label[] = {0, 1, 0, 1, 0};
    const char *const features[] = {"time", "text", "number", NULL};
    const int64_t rows[] = {0, 1, 2, 4}; /* row 3 is not a train row */
    tarn_columns_maker *mk = NULL;
    tarn_columns *c = NULL;
    tarn_prepared *p = NULL;
    size_t len;

    must(tarn_columns_maker_new(5, &mk, err));
    must(tarn_columns_maker_text(mk, "text", texts, NULL, err));
    must(tarn_columns_maker_add(mk, "number", TARN_REAL, numbers, NULL, err));
    must(tarn_columns_maker_add(mk, "time", TARN_TIME, times, NULL, err));
    must(tarn_columns_maker_add(mk, "late", TARN_BOOL, label, NULL, err));
    must(tarn_columns_maker_finish(mk, &c, err));
    tarn_columns_maker_free(mk);
    tarn_prepare_job job = sample_job(c, rows, 4, NULL, 0);
    job.features = features;
    must(tarn_prepare(&job, &p, err));
    tarn_model *m = sample_model(p, 2);

    assert_int_equal(tarn_model_inputs(m), 3);
    const tarn_model_input *time = tarn_model_input_at(m, 0), *text = tarn_model_input_at(m, 1),
                           *number = tarn_model_input_at(m, 2);
    assert_string_equal(time->name, "time");
    assert_int_equal(time->kind, TARN_MOMENT);
    assert_true(time->required && time->least == 10 && time->most == 30);
    assert_int_equal(text->kind, TARN_CATEGORY);
    assert_false(text->required);
    assert_int_equal(text->levels, 2);
    assert_memory_equal(tarn_model_level(m, 1, 0, &len), "a", 1);
    assert_memory_equal(tarn_model_level(m, 1, 1, &len), "b", 1);
    assert_true(tarn_model_code(m, 1, "c", 1) == TARN_UNSEEN);
    assert_int_equal(number->kind, TARN_NUMBER);
    assert_true(number->required && number->least == 0 && !signbit(number->least) && number->most == 5);
    int32_t n;
    assert_int_equal(tarn_prepared_regs(p, &n)[2], 2);
    assert_int_equal(n, 3);
    tarn_model_free(m);
    tarn_prepared_free(p);
    tarn_columns_release(c);
}

static void absurd_test_rows_change_nothing(void **state)
{
    (void)state;
    uint8_t *poison = NULL;
    int64_t n, *rows = sample_rows(ROWS, 3, &n);
    tarn_step_use steps[4];
    char *bytes[2] = {NULL, NULL};
    size_t len[2];

    must(tarn_alloc(&poison, ROWS, 1, err));
    for (int64_t i = 0; i < ROWS; i++) poison[i] = i % 3 != 0;
    all_steps(steps);
    for (int k = 0; k < 2; k++) {
        tarn_columns *c = sample_table(ROWS, (sample_options){.poison = k ? poison : NULL});
        tarn_prepared *p = NULL;
        tarn_prepare_job job = sample_job(c, rows, n, steps, 4);
        job.target = "class"; /* poison rows have a label of their own */
        job.task = TARN_MULTICLASS;
        must(tarn_prepare(&job, &p, err));
        assert_int_equal(tarn_prepared_classes(p), 3);
        must(sample_bytes(p, &bytes[k], &len[k], err));
        tarn_prepared_free(p);
        tarn_columns_release(c);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    tarn_free(bytes[0]);
    tarn_free(bytes[1]);
    tarn_free(poison);
    tarn_free(rows);
}

/* ---- threads and ranks ---- */

typedef struct many {
    const tarn_columns *data;
    const int64_t *rows;
    int64_t n;
    tarn_step_use steps[4];
    int threads;
    char *bytes[8];
    size_t len[8];
} many;

static tarn_code prepare_rank(void *arg, tarn_comm *comm, tarn_err *err)
{
    many *a = arg;
    tarn_code rc = TARN_OK;
    tarn_pool *pool = NULL;
    tarn_prepared *p = NULL;
    int rank = tarn_comm_rank(comm);
    tarn_prepare_job job = sample_job(a->data, a->rows, a->n, a->steps, 4);

    rc = tarn_pool_new(a->threads, &pool, err);
    TARN_TRY(tarn_comm_agree(comm, rc, err));
    job.pool = pool;
    job.comm = comm;
    TARN_TRY(tarn_prepare(&job, &p, err));
    TARN_TRY(sample_bytes(p, &a->bytes[rank], &a->len[rank], err));
done:
    tarn_prepared_free(p);
    tarn_pool_free(pool);
    return rc;
}

static void any_number_of_threads_and_ranks_gives_the_same_bytes(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7, 1, 2, 1}, ranks[] = {1, 1, 1, 1, 2, 3, 6};
    static const char *const strategies[][4] = {
        {"median", "0", "robust", "yes"}, {"mean", "0", "standard", "auto"}, {"constant", "-3", "minmax", "no"}};
    tarn_columns *c = sample_table(MANY, (sample_options){0});
    many a = {.data = c};
    int64_t *rows = sample_rows(MANY, 1, &a.n);
    char *first = NULL;
    size_t first_len = 0;

    a.rows = rows;
    for (int s = 0; s < 3; s++) {
        all_steps(a.steps);
        a.steps[1] = sample_step(&params[1], "impute", "strategy", strategies[s][0], "value", strategies[s][1], NULL);
        a.steps[2] = sample_step(&params[2], "scale", "method", strategies[s][2], NULL);
        a.steps[3] = sample_step(&params[3], "onehot", "missing", strategies[s][3], NULL);
        for (int k = 0; k < 7; k++) {
            a.threads = threads[k];
            if (ranks[k] == 1) must(prepare_rank(&a, NULL, err));
            else must(tarn_comm_run_threads(ranks[k], prepare_rank, &a, err));
            if (!first) {
                first_len = a.len[0];
                must(tarn_alloc(&first, first_len, 1, err));
                memcpy(first, a.bytes[0], first_len);
            }
            for (int r = 0; r < ranks[k]; r++) {
                assert_int_equal(a.len[r], first_len);
                assert_memory_equal(a.bytes[r], first, first_len);
                tarn_free(a.bytes[r]);
            }
        }
        tarn_free(first);
        first = NULL;
    }
    tarn_free(rows);
    tarn_columns_release(c);
}

/* ---- serving is training ---- */

static void the_model_sees_what_training_saw(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    int64_t n, all, *train = sample_rows(ROWS, 2, &n), *rows = sample_rows(ROWS, 1, &all);
    tarn_step_use steps[4];
    tarn_prepared *p = NULL;
    tarn_rows *view = NULL;
    double *matrix = NULL, *fields = NULL, *scratch = NULL, *in = NULL, out;
    int32_t cols;

    all_steps(steps);
    tarn_prepare_job job = sample_job(c, train, n, steps, 4);
    must(tarn_prepare(&job, &p, err));
    must(tarn_rows_new(p, c, rows, all, &view, err));
    const uint32_t *regs = tarn_prepared_regs(p, &cols);
    must(tarn_alloc(&matrix, (size_t)cols * ROWS, sizeof *matrix, err));
    must(tarn_rows_block(view, 0, all, matrix, err));
    for (int32_t k = 0; k < cols; k++) {
        tarn_model *m = sample_model(p, regs[k]);
        int inputs = tarn_model_inputs(m);
        must(tarn_alloc(&fields, (size_t)inputs * ROWS, sizeof *fields, err));
        must(tarn_alloc(&in, (size_t)inputs, sizeof *in, err));
        must(tarn_alloc(&scratch, tarn_model_scratch(m), sizeof *scratch, err));
        must(tarn_model_fields(m, c, rows, all, NULL, fields, err));
        for (int64_t i = 0; i < all; i++) {
            for (int f = 0; f < inputs; f++) in[f] = fields[f * all + i];
            tarn_model_row(m, in, scratch, &out);
            assert_memory_equal(&out, &matrix[k * all + i], sizeof out);
        }
        tarn_free(fields);
        tarn_free(in);
        tarn_free(scratch);
        tarn_model_free(m);
    }
    tarn_free(matrix);
    tarn_rows_free(view);
    tarn_prepared_free(p);
    tarn_free(train);
    tarn_free(rows);
    tarn_columns_release(c);
}

/* Blocks in any order from many threads are the same blocks. */
typedef struct reading {
    tarn_rows *view;
    int64_t rows;
    double *out;
    int32_t cols;
} reading;

static tarn_code read_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    reading *r = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = r->rows - at < TARN_BLOCK_ROWS ? r->rows - at : TARN_BLOCK_ROWS;

    (void)worker;
    return tarn_rows_block(r->view, at, n, r->out + at * r->cols, err);
}

static void blocks_are_the_same_from_any_thread(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(MANY, (sample_options){0});
    int64_t n, *rows = sample_rows(MANY, 1, &n);
    tarn_step_use steps[4];
    tarn_prepared *p = NULL;
    reading r[2] = {{.rows = n}, {.rows = n}};

    all_steps(steps);
    tarn_prepare_job job = sample_job(c, rows, 1000, steps, 4);
    must(tarn_prepare(&job, &p, err));
    for (int k = 0; k < 2; k++) {
        tarn_pool *pool = NULL;
        must(tarn_pool_new(k ? 3 : 1, &pool, err));
        must(tarn_rows_new(p, c, rows, n, &r[k].view, err));
        (void)tarn_prepared_regs(p, &r[k].cols);
        must(tarn_alloc(&r[k].out, (size_t)r[k].cols * MANY, sizeof(double), err));
        must(tarn_pool_run(pool, tarn_blocks(n), read_block, &r[k], err));
        int64_t blocks = tarn_mem_live();
        must(tarn_rows_block(r[k].view, 0, TARN_BLOCK_ROWS, r[k].out, err)); /* scratch is there already */
        assert_int_equal(tarn_mem_live(), blocks);
        tarn_pool_free(pool);
    }
    assert_memory_equal(r[0].out, r[1].out, (size_t)r[0].cols * MANY * sizeof(double));
    for (int64_t i = 0; i < n; i++) assert_true(tarn_rows_y(r[0].view)[i] == 0 || tarn_rows_y(r[0].view)[i] == 1);
    must_fail_with(TARN_INVALID, "asked for in one block", tarn_rows_block(r[0].view, n - 5, 6, r[0].out, err));
    must_fail_with(TARN_INVALID, "a block has", tarn_rows_block(r[0].view, 0, TARN_BLOCK_ROWS + 1, r[0].out, err));
    for (int k = 0; k < 2; k++) {
        tarn_rows_free(r[k].view);
        tarn_free(r[k].out);
    }
    tarn_prepared_free(p);
    tarn_free(rows);
    tarn_columns_release(c);
}

/* A table whose dictionary is another one gives the same codes; what training did not see is unseen. */
static void another_table_is_read_by_its_words(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0}), *few = NULL;
    int64_t n, *rows = sample_rows(ROWS, 1, &n);
    const int64_t three[] = {0, 1, 2};
    static const char *const texts[] = {"WN", "Aeroflot", NULL};
    static const uint8_t label[] = {1, 0, 1};
    const char *const features[] = {"carrier", NULL};
    tarn_columns_maker *mk = NULL;
    tarn_prepared *p = NULL;
    tarn_rows *view = NULL;
    double out[3];

    tarn_prepare_job job = sample_job(c, rows, n, NULL, 0);
    job.features = features;
    must(tarn_prepare(&job, &p, err));
    must(tarn_columns_maker_new(3, &mk, err));
    must(tarn_columns_maker_text(mk, "carrier", texts, NULL, err));
    must(tarn_columns_maker_add(mk, "late", TARN_BOOL, label, NULL, err));
    must(tarn_columns_maker_finish(mk, &few, err));
    tarn_columns_maker_free(mk);
    must(tarn_rows_new(p, few, three, 3, &view, err));
    must(tarn_rows_block(view, 0, 3, out, err));
    assert_true(out[0] == 5 && out[1] == TARN_UNSEEN && isnan(out[2]));
    tarn_rows_free(view);
    tarn_prepared_free(p);
    tarn_columns_release(few);
    tarn_columns_release(c);
    tarn_free(rows);
}

/* ---- refusals ---- */

static void refused(const tarn_prepare_job *job, const char *text)
{
    tarn_prepared *p = NULL;

    must_fail_with(TARN_INVALID, text, tarn_prepare(job, &p, err));
    assert_null(p);
}

static void a_job_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(200, (sample_options){0});
    int64_t n, *rows = sample_rows(200, 1, &n);
    const tarn_prepare_job good = sample_job(c, rows, n, NULL, 0);
    const char *const misspelt[] = {"age", "carier", NULL}, *const leak[] = {"age", "late", NULL},
                      *const twice[] = {"age", "age", NULL}, *const none[] = {NULL};
    const int64_t down[] = {5, 4}, outside[] = {5, 200}, below[] = {-1, 5};
    tarn_prepare_job job;

    job = good, job.features = misspelt, refused(&job, "feature 'carier' is not in the table; did you mean 'carrier'?");
    job = good, job.features = leak, refused(&job, "feature 'late' is the target");
    job = good, job.features = twice, refused(&job, "named twice");
    job = good, job.features = none, refused(&job, "no features");
    job = good, job.target = "lat", refused(&job, "target 'lat' is not in the table; did you mean 'late'?");
    job = good, job.target = "", refused(&job, "no target");
    job = good, job.target = "id", job.task = TARN_BINARY, refused(&job, "but yes or no needs two");
    job = good, job.target = "class", job.task = TARN_BINARY, refused(&job, "3 different labels");
    job = good, job.target = "class", job.task = TARN_REGRESSION,
    refused(&job, "is text, but a regression predicts a number");
    job = good, job.positive = "ture",
    refused(&job, "positive 'ture' is not a label of the target; did you mean 'true'?");
    job = good, job.target = "seats", job.task = TARN_REGRESSION, job.features = leak,
    refused(&job, "is missing or not finite in");
    job = good, job.n_train = 0, refused(&job, "no train rows");
    job = good, job.train_rows = down, job.n_train = 2, refused(&job, "ascending");
    job = good, job.train_rows = outside, job.n_train = 2, refused(&job, "row 200 is outside the table");
    job = good, job.train_rows = below, job.n_train = 2, refused(&job, "row -1 is outside the table");
    job = good, job.n_train = 1, refused(&job, "1 different labels");
    tarn_free(rows);
    tarn_columns_release(c);
    c = sample_table(2000, (sample_options){0});
    rows = sample_rows(2000, 1, &n);
    job = sample_job(c, rows, n, NULL, 0);
    job.target = "delay", job.task = TARN_MULTICLASS, refused(&job, "is it a number to predict (regression)?");
    tarn_free(rows);
    tarn_columns_release(c);
}

static void a_feature_without_values_in_train_rows_is_refused(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(500, (sample_options){0});
    const tarn_column *seats = tarn_columns_at(c, tarn_columns_find(c, "seats"));
    int64_t rows[2], n = 0;

    for (int64_t i = 0; i < 500 && n < 2; i++)
        if (!tarn_column_has(seats, i)) rows[n++] = i;
    tarn_prepare_job job = sample_job(c, rows, n, NULL, 0);
    job.target = "delay";
    job.task = TARN_REGRESSION;
    refused(&job, "feature 'seats' has no value in any of the 2 train rows; leave it out");
    tarn_columns_release(c);
}

static void a_failing_step_is_named_with_its_place(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(200, (sample_options){0});
    int64_t n, *rows = sample_rows(200, 1, &n);
    tarn_step_use step = sample_step(&params[0], "scale", "columns", "aeg", NULL);
    tarn_prepare_job job = sample_job(c, rows, n, &step, 1);
    tarn_prepared *p = NULL;

    step.line = 12;
    step.column = 7;
    refused(&job, "line 12, column 7: step 'scale': column 'aeg' is not among the columns here; did you mean 'age'?");
    step.name = "scael";
    must_fail_with(TARN_NOT_FOUND, "step 'scael' is unknown; did you mean 'scale'?", tarn_prepare(&job, &p, err));
    tarn_free(rows);
    tarn_columns_release(c);
}

static void a_missing_field_is_refused_unless_it_may_be_missing(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(200, (sample_options){0}), *bare = NULL;
    int64_t n, *rows = sample_rows(200, 1, &n);
    const double fare[] = {1.5, NAN};
    const char *const features[] = {"age", "fare", NULL};
    tarn_columns_maker *mk = NULL;
    tarn_prepared *p = NULL;
    double out[4];

    tarn_prepare_job job = sample_job(c, rows, n, NULL, 0);
    job.features = features;
    must(tarn_prepare(&job, &p, err));
    tarn_model *m = sample_model(p, 0);
    must(tarn_columns_maker_new(2, &mk, err));
    must(tarn_columns_maker_add(mk, "fare", TARN_REAL, fare, NULL, err));
    must(tarn_columns_maker_finish(mk, &bare, err));
    must(tarn_model_fields(m, bare, rows, 2, NULL, out, err)); /* age is not required */
    assert_true(isnan(out[0]) && isnan(out[1]) && out[2] == 1.5 && isnan(out[3]));
    tarn_columns_release(bare);
    tarn_columns_maker_free(mk);
    must(tarn_columns_maker_new(2, &mk, err));
    must(tarn_columns_maker_add(mk, "fair", TARN_REAL, fare, NULL, err));
    must(tarn_columns_maker_finish(mk, &bare, err));
    tarn_columns_maker_free(mk);
    must_fail_with(TARN_INVALID, "field 'fare' is not in the table; did you mean 'fair'?",
                   tarn_model_fields(m, bare, rows, 2, NULL, out, err));
    tarn_columns_release(bare);
    static const char *const words[] = {"1", "2"};
    must(tarn_columns_maker_new(2, &mk, err));
    must(tarn_columns_maker_text(mk, "fare", words, NULL, err));
    must(tarn_columns_maker_finish(mk, &bare, err));
    tarn_columns_maker_free(mk);
    must_fail_with(TARN_INVALID, "field 'fare' is text in the table, but the model takes a number",
                   tarn_model_fields(m, bare, rows, 2, NULL, out, err));
    tarn_columns_release(bare);
    tarn_model_free(m);
    tarn_prepared_free(p);
    tarn_free(rows);
    tarn_columns_release(c);
}

/* ---- memory ---- */

static tarn_code whole_way(const tarn_columns *c, const int64_t *rows, int64_t n, const tarn_step_use *steps,
                           tarn_pool *pool, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_prepared *p = NULL;
    tarn_rows *view = NULL;
    tarn_prepare_job job = sample_job(c, rows, n, steps, 4);

    job.pool = pool;
    TARN_TRY(tarn_prepare(&job, &p, err));
    TARN_TRY(tarn_rows_new(p, c, rows, n, &view, err));
    TARN_TRY(tarn_rows_block(view, 0, n, out, err));
done:
    tarn_rows_free(view);
    tarn_prepared_free(p);
    return rc;
}

static void running_out_of_memory_anywhere_is_a_clean_error(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(300, (sample_options){0});
    int64_t n, *rows = sample_rows(300, 1, &n);
    tarn_step_use steps[4];
    tarn_code rc = TARN_NOMEM;
    double *out = NULL;

    must(tarn_alloc(&out, 300 * 64, sizeof *out, err));
    for (int mean = 0; mean < 2; mean++) {
        all_steps(steps);
        if (mean) steps[1] = sample_step(&params[1], "impute", "strategy", "mean", NULL);
        rc = TARN_NOMEM;
        for (int64_t k = 1; rc != TARN_OK; k++) {
            tarn_err err = {0};
            int64_t live = tarn_mem_live();
            tarn_mem_fail_after(k);
            rc = whole_way(c, rows, n, steps, NULL, out, &err);
            tarn_mem_fail_after(0);
            if (rc != TARN_OK && (rc != TARN_NOMEM || !*err.msg))
                fail_msg("allocation %d: %s: %s", (int)k, tarn_code_name(rc), err.msg);
            assert_int_equal(tarn_mem_live(), live);
            assert_true(k < 5000);
        }
    }
    tarn_free(out);
    tarn_free(rows);
    tarn_columns_release(c);
}

/* Whichever rank has no memory, all return: one that waited for ever would hang this test. */
static void ranks_without_memory_end_together(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(MANY, (sample_options){0});
    many a = {.data = c, .threads = 2};
    int64_t *rows = sample_rows(MANY, 1, &a.n);
    tarn_code rc = TARN_NOMEM;

    a.rows = rows;
    all_steps(a.steps);
    for (int64_t k = 1; rc != TARN_OK; k += 1 + k / 8) {
        int64_t live = tarn_mem_live();
        tarn_mem_fail_after(k);
        rc = tarn_comm_run_threads(3, prepare_rank, &a, NULL);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        for (int r = 0; r < 3; r++) {
            tarn_free(a.bytes[r]);
            a.bytes[r] = NULL;
        }
        assert_int_equal(tarn_mem_live(), live);
        assert_true(k < 20000);
    }
    tarn_free(rows);
    tarn_columns_release(c);
}

static void importance_can_be_traced_to_the_field(void **state)
{
    (void)state;
    tarn_columns *c = sample_table(ROWS, (sample_options){0});
    int64_t n, *rows = sample_rows(ROWS, 1, &n);
    tarn_step_use steps[4];
    tarn_prepared *p = NULL;
    int32_t cols;
    bool seen[SAMPLE_FEATURES] = {false};

    all_steps(steps);
    tarn_prepare_job job = sample_job(c, rows, n, steps, 4);
    must(tarn_prepare(&job, &p, err));
    (void)tarn_prepared_regs(p, &cols);
    for (int32_t k = 0; k < cols; k++) {
        const tarn_feature *f = &tarn_prepared_features(p)[k];
        assert_true(f->input < SAMPLE_FEATURES);
        assert_int_equal(f->kind, TARN_NUMBER);
        assert_memory_equal(f->name, sample_features[f->input], strlen(sample_features[f->input]));
        seen[f->input] = true;
    }
    for (int i = 0; i < SAMPLE_FEATURES; i++) assert_true(seen[i]);
    tarn_model *m = sample_model(p, 0);
    assert_int_equal(input_of(m, "dest"), 6);
    tarn_model_free(m);
    tarn_prepared_free(p);
    tarn_free(rows);
    tarn_columns_release(c);
}

TARN_TESTS(TARN_TEST(fields_are_what_train_rows_say), TARN_TEST(absurd_test_rows_change_nothing),
           TARN_TEST(any_number_of_threads_and_ranks_gives_the_same_bytes), TARN_TEST(the_model_sees_what_training_saw),
           TARN_TEST(blocks_are_the_same_from_any_thread), TARN_TEST(another_table_is_read_by_its_words),

           TARN_TEST(a_job_that_makes_no_sense_is_refused),
           TARN_TEST(a_feature_without_values_in_train_rows_is_refused),
           TARN_TEST(a_failing_step_is_named_with_its_place),
           TARN_TEST(a_missing_field_is_refused_unless_it_may_be_missing),
           TARN_TEST(running_out_of_memory_anywhere_is_a_clean_error), TARN_TEST(ranks_without_memory_end_together),
           TARN_TEST(importance_can_be_traced_to_the_field))
