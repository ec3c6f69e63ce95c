/* SPDX-License-Identifier: Apache-2.0 */
/* model_test.c - a model says what it is, and gives the same bits one row or many, on any number of threads. */
#include "model/model.h"

#include "base/file.h"
#include "model/model_sample.h"
#include "support/tarn_test.h"

#include <unistd.h>

enum { INPUTS = 4, ROWS = 5003 };

static double sample_field(int input, uint64_t row)
{
    static const double day = 86400e6;
    uint64_t r = tarn_random_below(1000, 11, TARN_STREAM_TEST, row, (uint32_t)input);

    if (r < 50) return NAN;
    if (r < 60) return r % 2 ? INFINITY : -1e308;
    switch (input) {
    case 0: return (double)(r % 12 + 1);
    case 1: return (double)(r % 5) - 1;
    case 2: return (double)(r * 4) + 0.5;
    default: return (double)r * day / 7;
    }
}

static void fill_columns(double *data, const double **columns, int64_t rows)
{
    for (int j = 0; j < INPUTS; j++) {
        columns[j] = data + j * rows;
        for (int64_t i = 0; i < rows; i++) data[j * rows + i] = sample_field(j, (uint64_t)i);
    }
}

static void a_model_says_what_it_is(void **state)
{
    tarn_model *m = NULL;
    char line[100];
    size_t len = 0;

    (void)state;
    must(sample_model(&m, err));
    assert_int_equal(tarn_model_task(m), TARN_BINARY);
    assert_string_equal(tarn_model_target(m), "late");
    assert_int_equal(tarn_model_inputs(m), INPUTS);
    const tarn_model_input *distance = tarn_model_input_at(m, 2);
    assert_string_equal(distance->name, "distance");
    assert_true(distance->kind == TARN_NUMBER && distance->required && distance->levels == 0);
    assert_true(distance->least == 95 && distance->most == 4243);
    assert_true(tarn_model_input_at(m, 1)->kind == TARN_CATEGORY && tarn_model_input_at(m, 1)->levels == 3);
    assert_true(isnan(tarn_model_input_at(m, 1)->least) && isnan(tarn_model_input_at(m, 3)->most));
    assert_null(tarn_model_input_at(m, 4));
    assert_null(tarn_model_input_at(m, -1));
    assert_int_equal(tarn_model_outputs(m), 1);
    assert_int_equal(tarn_model_classes(m), 2);
    assert_string_equal(tarn_model_class(m, 1), "late");
    assert_null(tarn_model_class(m, 2));
    assert_true(tarn_model_threshold(m) == 0.375);
    assert_true(tarn_model_importance(m)[2] == 0.5 && tarn_model_importance(m)[0] == 0.125);
    assert_int_equal(tarn_model_nodes(m), 7);
    assert_string_equal(tarn_model_node_kind(m, 0), "dateparts");
    assert_string_equal(tarn_model_node_text(m, 0, line, sizeof line), "dateparts: weekday, hour");
    assert_string_equal(tarn_model_node_text(m, 4, line, sizeof line), "trees: 3 trees, 4 leaves at most, 5 columns");
    assert_string_equal(tarn_model_node_text(m, 4, line, 10), "trees: 3 ");
    assert_string_equal(tarn_model_node_text(m, 7, line, sizeof line), "");
    assert_null(tarn_model_node_kind(m, 7));
    assert_string_equal(tarn_model_level(m, 1, 2, &len), "UA");
    assert_int_equal(len, 2);
    assert_null(tarn_model_level(m, 1, 3, &len));
    assert_null(tarn_model_level(m, 0, 0, &len));
    tarn_model_free(m);
}

static void names_and_levels_are_found_by_their_text(void **state)
{
    tarn_model *m = NULL;

    (void)state;
    must(sample_model(&m, err));
    for (int i = 0; i < INPUTS; i++) {
        const char *name = tarn_model_input_at(m, i)->name;
        assert_int_equal(tarn_model_find_input(m, name, strlen(name)), i);
    }
    assert_int_equal(tarn_model_find_input(m, "mont", 4), -1);
    assert_int_equal(tarn_model_find_input(m, "months", 6), -1);
    assert_int_equal(tarn_model_find_input(m, "monthly", 5), 0);
    assert_int_equal(tarn_model_find_input(m, "", 0), -1);
    assert_true(tarn_model_code(m, 1, "AA", 2) == 0);
    assert_true(tarn_model_code(m, 1, "UAX", 2) == 2);
    assert_true(tarn_model_code(m, 1, "A", 1) == TARN_UNSEEN);
    assert_true(tarn_model_code(m, 1, "UAX", 3) == TARN_UNSEEN);
    assert_true(tarn_model_code(m, 1, "", 0) == TARN_UNSEEN);
    assert_true(tarn_model_code(m, 0, "AA", 2) == TARN_UNSEEN);
    assert_true(tarn_model_code(m, 9, "AA", 2) == TARN_UNSEEN);
    tarn_model_free(m);
}

static void one_row_gives_the_bits_of_many_on_any_number_of_threads(void **state)
{
    static const int threads[] = {1, 2, 3, 7};
    static double data[INPUTS * ROWS], first[ROWS], out[ROWS];
    const double *columns[INPUTS];
    double in[INPUTS], *scratch = NULL;
    tarn_model *m = NULL;

    (void)state;
    must(sample_model(&m, err));
    fill_columns(data, columns, ROWS);
    must(tarn_alloc(&scratch, tarn_model_scratch(m), sizeof *scratch, err));
    for (int64_t i = 0; i < ROWS; i++) {
        for (int j = 0; j < INPUTS; j++) in[j] = columns[j][i];
        tarn_model_row(m, in, scratch, &first[i]);
    }
    for (int t = 0; t < 4; t++) {
        tarn_pool *pool = NULL;
        must(tarn_pool_new(threads[t], &pool, err));
        memset(out, 0, sizeof out);
        must(tarn_model_run(m, pool, ROWS, columns, out, err));
        assert_memory_equal(out, first, sizeof out);
        tarn_pool_free(pool);
    }
    for (int64_t rows = 0; rows < 20; rows++) {
        memset(out, 0, sizeof out);
        must(tarn_model_run(m, NULL, rows, columns, out, err));
        assert_memory_equal(out, first, (size_t)rows * sizeof *out);
        assert_true(out[rows] == 0);
    }
    must_fail_with(TARN_INVALID, "-1 rows", tarn_model_run(m, NULL, -1, columns, out, err));
    int64_t inside = 0;
    for (int64_t i = 0; i < ROWS; i++) inside += first[i] >= 0 && first[i] <= 1;
    assert_int_equal(inside, ROWS);
    tarn_free(scratch);
    tarn_model_free(m);
}

static void a_worked_row_has_its_known_probability(void **state)
{
    /* month 3, carrier AS, distance 1200.5, departs Sunday 2014-03-09T17:30Z:
     * weekday 6, hour 17; scaled (3 - 6.5) / 4 and (1200.5 - 800) / 1000; the one-hot column of AS is 1. */
    double in[INPUTS] = {3, 1, 1200.5, 1394386200e6}, regs[17], out;
    tarn_model *m = NULL;

    (void)state;
    must(sample_model(&m, err));
    tarn_model_row(m, in, regs, &out);
    static const double want[] = {6, 17, 3, 1200.5, -0.875, 0.4005, 0, 1, 0, 0};
    for (int i = 0; i < 10; i++)
        if (fabs(regs[4 + i] - want[i]) > 1e-15)
            fail_msg("register %d is %.17g, wanted %.17g", 4 + i, regs[4 + i], want[i]);
    double sum = 0.125 + regs[14] + 0.5 * -0.875 - 0.25 * 0.4005 - 0.5;
    assert_true(fabs(regs[15] - sum) < 1e-15);
    assert_true(fabs(out - 1 / (1 + exp(-sum))) < 1e-15);
    tarn_model_free(m);
}

static void a_mapped_file_is_the_loaded_model(void **state)
{
    char path[] = "/tmp/tarn-model-XXXXXX";
    tarn_model *m = NULL, *mapped = NULL, *loaded = NULL;
    size_t len = 0, len2 = 0;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    must(sample_model(&m, err));
    const void *bytes = tarn_model_bytes(m, &len);
    must(tarn_file_save(path, bytes, len, err));
    must(tarn_model_map(path, &mapped, err));
    assert_memory_equal(tarn_model_bytes(mapped, &len2), bytes, len);
    assert_int_equal(len2, len);
    must(tarn_model_load(bytes, len, &loaded, err));
    assert_memory_equal(tarn_model_bytes(loaded, &len2), bytes, len);
    double in[INPUTS] = {3, 1, 1200.5, 1394386200e6}, regs[17], a, b;
    tarn_model_row(mapped, in, regs, &a);
    tarn_model_row(loaded, in, regs, &b);
    assert_memory_equal(&a, &b, sizeof a);
    tarn_model_free(mapped);
    tarn_model_free(loaded);

    must(tarn_file_save(path, bytes, len - 1, err));
    must_fail_with(TARN_CORRUPT, "it was cut", tarn_model_map(path, &mapped, err));
    must_fail_with(TARN_CORRUPT, path, tarn_model_map(path, &mapped, err));
    must(tarn_file_save(path, "month,carrier\n", 14, err));
    must_fail_with(TARN_CORRUPT, "not a model", tarn_model_map(path, &mapped, err));
    must(tarn_file_save(path, "", 0, err));
    must_fail_with(TARN_CORRUPT, "not a model", tarn_model_map(path, &mapped, err));
    assert_null(mapped);
    (void)unlink(path);
    must_fail_with(TARN_NOT_FOUND, path, tarn_model_map(path, &mapped, err));
    tarn_model_free(m);
}

static tarn_code load_and_run(const void *bytes, size_t len, tarn_err *err)
{
    tarn_model *m = NULL;
    const double zeros[3] = {0}, *columns[INPUTS] = {zeros, zeros, zeros, zeros};
    double out[3];
    tarn_code rc = tarn_model_load(bytes, len, &m, err);

    if (rc == TARN_OK) rc = tarn_model_run(m, NULL, 3, columns, out, err);
    tarn_model_free(m);
    return rc;
}

static void no_memory_is_a_clean_error_wherever_it_happens(void **state)
{
    tarn_model *m = NULL, *again = NULL;
    tarn_code rc = TARN_NOMEM;
    size_t len = 0;
    int64_t n;

    (void)state;
    must(sample_model(&m, err));
    const void *bytes = tarn_model_bytes(m, &len);
    for (n = 1; rc != TARN_OK && n < 100; n++) {
        tarn_err err = {0};
        int64_t before = tarn_mem_live();
        tarn_mem_fail_after(n);
        rc = load_and_run(bytes, len, &err);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || (rc == TARN_NOMEM && strstr(err.msg, "memory")));
        assert_int_equal(tarn_mem_live(), before);
    }
    assert_true(rc == TARN_OK && n > 5);
    for (n = 1, rc = TARN_NOMEM; rc != TARN_OK && n < 300; n++) {
        tarn_err err = {0};
        int64_t before = tarn_mem_live();
        tarn_mem_fail_after(n);
        rc = sample_model(&again, &err);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || (rc == TARN_NOMEM && strstr(err.msg, "memory")));
        if (rc != TARN_OK) assert_int_equal(tarn_mem_live(), before);
    }
    assert_true(rc == TARN_OK && n > 10);
    tarn_model_free(again);
    tarn_model_free(m);
}

TARN_TESTS(TARN_TEST(a_model_says_what_it_is), TARN_TEST(names_and_levels_are_found_by_their_text),
           TARN_TEST(one_row_gives_the_bits_of_many_on_any_number_of_threads),
           TARN_TEST(a_worked_row_has_its_known_probability), TARN_TEST(a_mapped_file_is_the_loaded_model),
           TARN_TEST(no_memory_is_a_clean_error_wherever_it_happens))
