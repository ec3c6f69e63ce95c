/* SPDX-License-Identifier: Apache-2.0 */
/* batch_test.c - bodies into cells, and cells into answers. */
#include "base/random.h"
#include "serve/batch.h"
#include "serve/predict.h"
#include "serve/serve_sample.h"

typedef tarn_code reader(tarn_batch *b, char *body, size_t len, tarn_err *err);

/* Read a copy of text, which must outlive the batch's cells; *copy is the caller's to free. */
static tarn_code read_copy(reader *read, const tarn_model *m, const char *text, size_t len, tarn_batch *b, char **copy,
                           tarn_err *err)
{
    *copy = malloc(len + 1);
    assert_non_null(*copy);
    memcpy(*copy, text, len);
    *b = (tarn_batch){.model = m};
    return read(b, *copy, len, err);
}

static const char records[] =
    "{\"records\": [{\"carrier\":\"AA\",\"distance\":100}, "
    "{\"distance\":2e3,\"carrier\":\"Z\\u00fcrich\",\"month\":true,\"departs\":\"2014-01-01\"}]}";
static const char tensors[] =
    "{\"id\":\"a\",\"inputs\":[{\"name\":\"carrier\",\"shape\":[2],\"datatype\":\"BYTES\",\"data\":[\"AA\",\"ZZ\"]},"
    "{\"name\":\"distance\",\"shape\":[2,1],\"datatype\":\"FP32\",\"data\":[[100],[2000]]},"
    "{\"name\":\"month\",\"shape\":[2],\"datatype\":\"BOOL\",\"data\":[null,true]}],\"outputs\":[{\"name\":\"label\"},{"
    "\"name\":\"prediction_id\"}]}";

static void records_become_cells(void **state)
{
    tarn_model *m = NULL;
    tarn_batch b;
    char *copy;

    (void)state;
    must(serve_sample_model(0, &m, err));
    must(read_copy(tarn_records_read, m, records, sizeof records - 1, &b, &copy, err));
    assert_int_equal(b.rows, 2);
    assert_true(isnan(b.cells[0].x));
    assert_int_equal(b.cells[0].kind, TARN_CELL_ABSENT);
    assert_true(b.cells[1].x == 0 && b.cells[2].x == 100);
    assert_true(b.cells[4].x == 1 && b.cells[5].x == TARN_UNSEEN && b.cells[6].x == 2000 &&
                b.cells[7].x == 1388534400e6);
    assert_int_equal(b.cells[5].len, 7);
    assert_memory_equal(b.cells[5].text, "Z\xc3\xbcrich", 7);
    tarn_batch_clear(&b);
    free(copy);
    tarn_model_free(m);
}

static void tensors_become_the_same_cells(void **state)
{
    tarn_model *m = NULL;
    tarn_batch b;
    char *copy;

    (void)state;
    must(serve_sample_model(0, &m, err));
    must(read_copy(tarn_tensors_read, m, tensors, sizeof tensors - 1, &b, &copy, err));
    assert_int_equal(b.rows, 2);
    assert_true(isnan(b.cells[0].x) && b.cells[4].x == 1);
    assert_true(b.cells[1].x == 0 && b.cells[5].x == TARN_UNSEEN && b.cells[2].x == 100 && b.cells[6].x == 2000);
    assert_int_equal(b.wanted, 1u << TARN_OUT_LABEL | 1u << TARN_OUT_ID);
    tarn_batch_clear(&b);
    free(copy);
    tarn_model_free(m);
}

/* Cut anywhere, any byte changed to any odd one: taken or refused with a message, never more. */
static void broken_bodies_are_refused_with_a_message(void **state)
{
    static const struct {
        reader *read;
        const char *text;
        size_t len;
    } kinds[] = {{tarn_records_read, records, sizeof records - 1}, {tarn_tensors_read, tensors, sizeof tensors - 1}};
    static const char odd[] = "\"\\{}[],:09-e.\0\xff";
    tarn_model *m = NULL;
    char *copy, changed[1000];
    tarn_batch b;

    (void)state;
    must(serve_sample_model(0, &m, err));
    for (size_t k = 0; k < 2; k++) {
        for (size_t len = 0; len < kinds[k].len; len++) {
            must_fail_with(TARN_INVALID, "", read_copy(kinds[k].read, m, kinds[k].text, len, &b, &copy, err));
            tarn_batch_clear(&b);
            free(copy);
        }
        for (size_t at = 0; at < kinds[k].len; at++) {
            for (size_t i = 0; i < sizeof odd - 1; i++) {
                tarn_err err = {0};
                memcpy(changed, kinds[k].text, kinds[k].len);
                changed[at] = odd[i];
                tarn_code rc = read_copy(kinds[k].read, m, changed, kinds[k].len, &b, &copy, &err);
                if (rc != TARN_OK) assert_true(err.msg[0] != '\0');
                tarn_batch_clear(&b);
                free(copy);
            }
        }
    }
    tarn_model_free(m);
}

static void more_cells_than_fit_are_refused(void **state)
{
    tarn_model *m = NULL;
    tarn_batch b;
    char *copy;
    tarn_text many = {0};

    (void)state;
    must(serve_sample_model(0, &m, err));
    must_fail_with(
        TARN_LIMIT, "more than 262144 records",
        read_copy(tarn_tensors_read, m,
                  "{\"inputs\":[{\"name\":\"distance\",\"shape\":[999999999],\"datatype\":\"FP64\",\"data\":[]}]}", 79,
                  &b, &copy, err));
    tarn_batch_clear(&b);
    free(copy);
    tarn_text_add(&many, "[");
    for (int i = 0; i <= 262144; i++)
        tarn_text_add(&many, i ? ",{\"carrier\":\"AA\",\"distance\":1}" : "{\"carrier\":\"AA\",\"distance\":1}");
    tarn_text_add(&many, "]");
    must_fail_with(TARN_LIMIT, "more than 262144 records",
                   read_copy(tarn_records_read, m, many.data, many.len, &b, &copy, err));
    tarn_batch_clear(&b);
    free(copy);
    tarn_text_clear(&many);
    tarn_model_free(m);
}

static tarn_code read_and_answer(const tarn_model *m, reader *read, const char *text, size_t len, tarn_text *out,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_batch b;
    tarn_answers a = {0};
    char *copy;
    tarn_loaded loaded = {.version = {.model = "flights", .number = 3}};

    TARN_TRY(read_copy(read, m, text, len, &b, &copy, err));
    TARN_TRY(tarn_answers_compute(&b, &a, err));
    tarn_segment_name(1795344000000000, 7, a.segment);
    if (b.tensors) tarn_answers_tensors(&loaded, &b, &a, out);
    else tarn_answers_plain(&loaded, &b, &a, out);
    rc = tarn_text_check(out, err);
done:
    tarn_answers_clear(&a);
    tarn_batch_clear(&b);
    free(copy);
    return rc;
}

static void replies_are_json_and_mark_what_is_new(void **state)
{
    tarn_model *m = NULL;
    tarn_text out = {0};
    json_t *got = NULL;

    (void)state;
    tarn_json_setup();
    must(serve_sample_model(-1, &m, err));
    must(read_and_answer(m, tarn_records_read, records, sizeof records - 1, &out, err));
    must(tarn_json_read(out.data, out.len, "reply", &got, err));
    const json_t *second = json_array_get(json_object_get(got, "predictions"), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(second, "unseen"), 0)), "carrier");
    assert_null(json_object_get(json_array_get(json_object_get(got, "predictions"), 0), "unseen"));
    double p = json_number_value(json_object_get(second, "probability"));
    assert_true(fabs(p - serve_sample_probability(-1, 1, 0, 2000)) < 1e-12);
    json_decref(got);
    tarn_text_clear(&out);
    must(read_and_answer(m, tarn_tensors_read, tensors, sizeof tensors - 1, &out, err));
    must(tarn_json_read(out.data, out.len, "reply", &got, err));
    assert_int_equal(json_array_size(json_object_get(got, "outputs")), 2);
    json_decref(got);
    tarn_text_clear(&out);
    tarn_model_free(m);
}

static void memory_may_run_out_at_any_moment(void **state)
{
    tarn_model *m = NULL;

    (void)state;
    must(serve_sample_model(0, &m, err));
    int64_t live = tarn_mem_live();
    for (int k = 0; k < 2; k++) {
        for (int64_t n = 1;; n++) {
            tarn_err err = {0};
            tarn_text out = {0};
            tarn_mem_fail_after(n);
            tarn_code rc = k ? read_and_answer(m, tarn_tensors_read, tensors, sizeof tensors - 1, &out, &err)
                             : read_and_answer(m, tarn_records_read, records, sizeof records - 1, &out, &err);
            tarn_mem_fail_after(0);
            tarn_text_clear(&out);
            assert_int_equal(tarn_mem_live(), live);
            if (rc == TARN_OK) break;
            assert_int_equal(rc, TARN_NOMEM);
            assert_true(n < 1000);
        }
    }
    tarn_model_free(m);
}

static void texts_are_quoted_as_json_wants_it(void **state)
{
    static const char text[] = "a\"\\\n\x01\xc3\xa9\t";
    tarn_text out = {0};
    json_t *back;

    (void)state;
    tarn_json_setup();
    for (size_t len = 0; len < sizeof text; len++) {
        if (len == 6) continue; /* in the middle of a character */
        out.len = 0;
        tarn_put_quoted(&out, text, len);
        back = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(back);
        assert_int_equal(json_string_length(back), len);
        assert_memory_equal(json_string_value(back), text, len);
        json_decref(back);
    }
    tarn_text_clear(&out);
}

TARN_TESTS(TARN_TEST(records_become_cells), TARN_TEST(tensors_become_the_same_cells),
           TARN_TEST(broken_bodies_are_refused_with_a_message), TARN_TEST(more_cells_than_fit_are_refused),
           TARN_TEST(replies_are_json_and_mark_what_is_new), TARN_TEST(memory_may_run_out_at_any_moment),
           TARN_TEST(texts_are_quoted_as_json_wants_it))
