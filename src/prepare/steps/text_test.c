/* SPDX-License-Identifier: Apache-2.0 */
/* text_test.c - step `text` against scikit-learn 1.2.1 (tests/golden/text.py), and what only this step does. */
#include "prepare/prepare_sample.h"

#include "base/file.h"
#include "base/random.h"
#include "model/tokens.h"

enum { MOST = 64 };

static json_t *golden(void)
{
    char *text = NULL;
    json_t *j = NULL;
    size_t len;

    must(tarn_file_read("tests/golden/text.json", 0, &text, &len, err));
    j = json_loadb(text, len, 0, NULL);
    assert_non_null(j);
    tarn_free(text);
    return j;
}

/* A table of texts (NULL: missing) and a target. */
static tarn_columns *table_of(const char *const *texts, int64_t rows)
{
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;
    uint8_t late[MOST] = {0};

    late[0] = 1;
    must(tarn_columns_maker_new(rows, &m, err));
    must(tarn_columns_maker_text(m, "note", texts, NULL, err));
    must(tarn_columns_maker_add(m, "late", TARN_BOOL, late, NULL, err));
    must(tarn_columns_maker_finish(m, &c, err));
    tarn_columns_maker_free(m);
    return c;
}

static tarn_columns *table_of_json(const json_t *list)
{
    const char *texts[MOST];
    size_t n = json_array_size(list);

    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) texts[i] = json_string_value(json_array_get(list, i));
    return table_of(texts, (int64_t)n);
}

static const char *const note_only[] = {"note", NULL};

/* Fit on all of c; the caller frees. */
static tarn_code prepare(const tarn_columns *c, const tarn_step_use *steps, int n, tarn_prepared **out, tarn_err *err)
{
    int64_t count, *rows = sample_rows(tarn_columns_rows(c), 1, &count);
    tarn_prepare_job job = sample_job(c, rows, count, steps, n);

    job.features = note_only;
    tarn_code rc = tarn_prepare(&job, out, err);
    tarn_free(rows);
    return rc;
}

static void words_are(const tarn_text_source *s, const json_t *words)
{
    tarn_bag bag;

    tarn_bag_point(s->head, &bag);
    for (size_t j = 0; j < json_array_size(words) && j < bag.head->cols; j++) {
        const char *want = json_string_value(json_array_get(words, j));
        size_t len = bag.at[j + 1] - bag.at[j];
        if (strlen(want) != len || memcmp(bag.words + bag.at[j], want, len) != 0)
            fail_msg("word %d is '%.*s', wanted '%s'", (int)j, (int)len, bag.words + bag.at[j], want);
    }
    assert_int_equal(bag.head->cols, json_array_size(words));
}

static void rows_are(const tarn_text_columns *t, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int64_t at = t->start[i];
        assert_int_equal(t->start[i + 1] - at, json_array_size(row));
        for (size_t k = 0; k < json_array_size(row); k++) {
            const json_t *cell = json_array_get(row, k);
            double want = json_number_value(json_array_get(cell, 1));
            assert_int_equal(t->index[at + (int64_t)k], json_integer_value(json_array_get(cell, 0)));
            if (!(fabs((double)t->value[at + (int64_t)k] - want) <= 1e-7 * fabs(want)))
                fail_msg("row %d: %g, wanted %g", (int)i, (double)t->value[at + (int64_t)k], want);
        }
    }
}

static void columns_and_numbers_are_those_of_scikit_learn(void **state)
{
    static sample_params params;
    json_t *j = golden();
    const json_t *cases = json_object_get(j, "cases");
    tarn_columns *train = table_of_json(json_object_get(j, "train")), *ask = table_of_json(json_object_get(j, "ask"));
    int64_t n, *rows = sample_rows(tarn_columns_rows(ask), 1, &n);

    (void)state;
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *one = json_array_get(cases, c);
        tarn_step_use step = sample_step(&params, "text", NULL);
        const tarn_step *kind = NULL;
        tarn_prepared *p = NULL;
        tarn_rows *r = NULL;
        tarn_text_columns t;
        const char *key;
        json_t *value;
        int32_t texts;
        must(tarn_step_find("text", &kind, err));
        json_object_foreach(json_object_get(one, "settings"), key, value)
            must(tarn_param_set(kind->params, &params, key, json_string_value(value), err));
        must(prepare(train, &step, 1, &p, err));
        if (json_is_array(json_object_get(one, "words")))
            words_are(tarn_prepared_texts(p, &texts), json_object_get(one, "words"));
        must(tarn_rows_new(p, ask, rows, n, &r, err));
        must(tarn_rows_sparse(r, NULL, &t, err));
        rows_are(&t, json_object_get(one, "rows"));
        tarn_rows_free(r);
        tarn_prepared_free(p);
    }
    tarn_free(rows);
    tarn_columns_release(train);
    tarn_columns_release(ask);
    json_decref(j);
}

/* A model that gives the sum of the text's numbers, read by node `bag`, agrees with the matrix to the bit. */
static void a_model_reads_what_the_matrix_has(void **state)
{
    static const char *const texts[] = {"one two two", NULL, "two three:4 one one one", "", "four five one"};
    static sample_params params;
    tarn_step_use step = sample_step(&params, "text", "sublinear_tf", "true", NULL);
    tarn_columns *c = table_of(texts, 5);
    tarn_prepared *p = NULL;
    tarn_rows *r = NULL;
    tarn_text_columns t;
    int64_t n, *rows = sample_rows(5, 1, &n);
    int32_t count;
    uint32_t out;
    double fields[5], got[5], *payload = NULL;
    const double zero[1] = {0}, *columns[] = {fields};
    tarn_arena *arena = NULL;
    tarn_bag_data head;

    (void)state;
    must(prepare(c, &step, 1, &p, err));
    const tarn_text_source *s = tarn_prepared_texts(p, &count);
    assert_int_equal(count, 1);
    must(tarn_alloc(&payload, s->len + (size_t)s->cols * sizeof(double), 1, err));
    memcpy(&head, s->head, sizeof head);
    head.outputs = 1;
    memcpy(payload, s->head, s->len);
    memcpy(payload, &head, sizeof head);
    for (int32_t j = 0; j < s->cols; j++) payload[s->len / sizeof(double) + (size_t)j] = 1 + j;
    must(tarn_graph_node(tarn_prepared_graph(p), "linear", NULL, 0, 1, NULL, zero, sizeof zero, &out, err));
    must(tarn_graph_node(tarn_prepared_graph(p), "bag", (const uint32_t[]){s->reg, out}, 2, 1, NULL, payload,
                         s->len + (size_t)s->cols * sizeof(double), &out, err));
    tarn_model *m = sample_model(p, out);
    must(tarn_arena_new(&arena, err));
    must(tarn_model_fields(m, c, rows, n, arena, fields, err));
    must(tarn_model_run(m, NULL, n, columns, got, err));
    must(tarn_rows_new(p, c, rows, n, &r, err));
    must(tarn_rows_sparse(r, NULL, &t, err));
    for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int64_t e = t.start[i]; e < t.start[i + 1]; e++) sum = fma(1 + t.index[e], (double)t.value[e], sum);
        assert_true(sum == got[i] && isnan(fields[i]) == !texts[i]);
    }
    tarn_arena_free(arena);
    tarn_rows_free(r);
    tarn_model_free(m);
    tarn_prepared_free(p);
    tarn_free(payload);
    tarn_free(rows);
    tarn_columns_release(c);
}

static void values_and_whole_cells_are_tokens(void **state)
{
    static const char *const texts[] = {"a:2.5 b c:-1e1 a:0.5 d:x :3 e:", "New York", "New York"};
    static sample_params params, more;
    tarn_step_use steps[] = {sample_step(&params, "text", "tokens", "values", NULL),
                             sample_step(&more, "text", "tokens", "whole", "columns", "note", "min_df", "2", NULL)};
    tarn_columns *c = table_of(texts, 3);
    tarn_prepared *p = NULL;
    tarn_rows *r = NULL;
    tarn_text_columns t;
    int64_t n, *rows = sample_rows(3, 1, &n);
    int32_t cols;

    (void)state;
    must(prepare(c, steps, 2, &p, err));
    (void)tarn_prepared_regs(p, &cols);
    assert_int_equal(cols, 0);
    must(tarn_rows_new(p, c, rows, n, &r, err));
    must(tarn_rows_sparse(r, NULL, &t, err));
    assert_int_equal(t.cols, 9); /* :3 New York a b c d:x e: and, of the second step, New York */
    assert_int_equal(t.sources, 2);
    static const int32_t index[] = {0, 3, 4, 5, 6, 7, 1, 2, 8, 1, 2, 8};
    static const float value[] = {1, 3, 1, -10, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(t.start[3], 12);
    assert_memory_equal(t.index, index, sizeof index);
    assert_memory_equal(t.value, value, sizeof value);
    tarn_rows_free(r);
    tarn_prepared_free(p);
    tarn_free(rows);
    tarn_columns_release(c);
}

static void the_most_frequent_words_stay(void **state)
{
    static const char *const texts[] = {"bb bb aa cc", "dd dd aa", "cc ee"};
    static sample_params params;
    tarn_step_use step = sample_step(&params, "text", "max_features", "3", NULL);
    tarn_columns *c = table_of(texts, 3);
    tarn_prepared *p = NULL;
    tarn_bag bag;
    int32_t n;

    (void)state;
    must(prepare(c, &step, 1, &p, err)); /* aa bb cc dd stand twice each: the first by bytes */
    tarn_bag_point(tarn_prepared_texts(p, &n)->head, &bag);
    assert_int_equal(bag.head->cols, 3);
    assert_memory_equal(bag.words, "aabbcc", 6);
    tarn_prepared_free(p);
    tarn_columns_release(c);
}

static void settings_that_make_no_sense_are_told(void **state)
{
    static const char *const texts[] = {"one", "two"};
    static sample_params params;
    tarn_columns *c = table_of(texts, 2);
    tarn_prepared *p = NULL;

    (void)state;
    tarn_step_use step = sample_step(&params, "text", "ngram_min", "3", NULL);
    must_fail_with(TARN_INVALID, "ngram_min 3 is above ngram_max 1", prepare(c, &step, 1, &p, err));
    step = sample_step(&params, "text", "tokens", "whole", "ngram_max", "2", NULL);
    must_fail_with(TARN_INVALID, "ngram_max is for words and chars", prepare(c, &step, 1, &p, err));
    step = sample_step(&params, "text", "min_df", "2", NULL);
    must_fail_with(TARN_INVALID, "no token is left of 2 in 2 train rows", prepare(c, &step, 1, &p, err));
    tarn_columns_release(c);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    static sample_params params;
    tarn_step_use step = sample_step(&params, "text", NULL);
    char *text = NULL;
    tarn_prepared *p = NULL;

    (void)state;
    must(tarn_alloc(&text, TARN_STRING_MOST + 2, 1, err));
    memset(text, 'a', TARN_STRING_MOST + 1);
    const char *const texts[] = {text, "bb"};
    tarn_columns *c = table_of(texts, 2);
    must_fail_with(TARN_LIMIT, "field 'note' has a text of 1048577 bytes", prepare(c, &step, 1, &p, err));
    tarn_columns_release(c);
    tarn_free(text);
}

/* Texts that are cut already are copied 32 bytes at a time; a tab in front makes them go the slow way. */
static void texts_are_cut_alike_fast_and_slowly(void **state)
{
    static const char *const pieces[] = {"a",        "b:1",  " ",    " x:2.5 ", "  ", "\t",
                                         "\xc3\xa9", "\x7f", "\x1f", "\xff",    "w"};
    const tarn_bag_data head = {.tokens = TARN_TOKENS_VALUES, .least = 1, .most = 1, .hashed = 1, .cols = 64};
    char text[400] = "\t", fast[400], slow[400];
    (void)state;

    for (uint64_t round = 0; round < 2000; round++) {
        size_t len = 1, n = tarn_random_below(60, 1, TARN_STREAM_SAMPLE, round, 0);
        for (uint32_t i = 0; i < n; i++) { /* most pieces are letters, so that long texts are tried too */
            uint64_t which = tarn_random_below(round % 2 ? 11 : 80, 1, TARN_STREAM_SAMPLE, round, i + 1);
            const char *piece = which < 11 ? pieces[which] : i % 5 < 4 ? "abcd" : " ";
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        size_t a = tarn_tokens_cut(&head, text + 1, len - 1, fast), b = tarn_tokens_cut(&head, text, len, slow);
        assert_int_equal(a, b);
        assert_memory_equal(fast, slow, a);
    }
}

TARN_TESTS(TARN_TEST(texts_are_cut_alike_fast_and_slowly), TARN_TEST(columns_and_numbers_are_those_of_scikit_learn),
           TARN_TEST(a_model_reads_what_the_matrix_has), TARN_TEST(values_and_whole_cells_are_tokens),
           TARN_TEST(the_most_frequent_words_stay), TARN_TEST(settings_that_make_no_sense_are_told),
           TARN_TEST(a_text_that_is_too_long_is_refused))
