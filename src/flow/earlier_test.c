/* SPDX-License-Identifier: Apache-2.0 */
/* earlier_test.c - what a candidate that learns on remembers: bytes that are checked, and which rows are new. */
#include "support/tarn_test.h"

#include "base/mem.h"
#include "flow/earlier.h"

#include <string.h>

/* A table of one feature and a label, seen by a candidate. */
typedef struct seen {
    tarn_columns *data;
    json_t *spec;
    const char *features[2];
    tarn_fitting f;
    tarn_id id;
} seen;

static seen see(const double *a, const char *const *label, int64_t n)
{
    seen s = {.features = {"a", NULL}};
    tarn_columns_maker *m = NULL;
    int32_t lens[16];

    for (int64_t i = 0; i < n; i++) lens[i] = (int32_t)strlen(label[i]);
    must(tarn_columns_maker_new(n, &m, err));
    must(tarn_columns_maker_add(m, "a", TARN_REAL, a, NULL, err));
    must(tarn_columns_maker_text(m, "label", label, lens, err));
    must(tarn_columns_maker_finish(m, &s.data, err));
    tarn_columns_maker_free(m);
    s.spec = json_pack("{s:[s], s:s, s:s}", "features", "a", "target", "label", "algo", "sgd");
    s.f = (tarn_fitting){
        .spec = s.spec, .data = s.data, .features = s.features, .task = TARN_MULTICLASS, .weight = -1, .group = -1};
    must(tarn_earlier_spec(&s.f, s.spec, &s.id, err));
    return s;
}

static void unsee(seen *s)
{
    tarn_columns_release(s->data);
    json_decref(s->spec);
}

static tarn_news compare(seen *s, const tarn_earlier *earlier, const int64_t *train, int64_t n)
{
    tarn_news news;

    s->f.features = s->features; /* the sample may have moved */
    must(tarn_earlier_compare(earlier, &s->id, &s->f, train, n, &news, err));
    return news;
}

static const char *const abc[] = {"x", "y", "x", "y", "x", "x", "y", "x"};
static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};

static void only_rows_of_new_content_are_new(void **state)
{
    /* Rows 1 and 2 are the same; later they stand elsewhere, with a third of them. */
    seen before = see((const double[]){1, 2, 2, 4}, (const char *const[]){"x", "y", "y", "x"}, 4);
    seen after =
        see((const double[]){9, 2, 4, 2, 1, 2, 7}, (const char *const[]){"x", "y", "x", "y", "x", "y", "y"}, 7);
    tarn_news first = compare(&before, NULL, all, 4);
    tarn_earlier earlier = {.spec = before.id, .rows = first.rows, .n = first.n_rows};

    (void)state;
    assert_non_null(first.afresh);
    assert_int_equal(first.n_fresh, 4);
    tarn_news news = compare(&after, &earlier, all, 7);
    assert_null(news.afresh);
    assert_int_equal(news.n_prepare, 4);
    assert_int_equal(news.n_fresh, 3);
    assert_int_equal(news.fresh[0], 0);
    assert_int_equal(news.fresh[1], 5);
    assert_int_equal(news.fresh[2], 6);
    assert_int_equal(news.prepare[0], 1);
    assert_int_equal(news.prepare[3], 4);
    assert_int_equal(news.n_rows, 7);
    tarn_earlier then = {.spec = after.id, .rows = news.rows, .n = news.n_rows};
    tarn_news none = compare(&after, &then, all, 7);
    assert_null(none.afresh);
    assert_int_equal(none.n_fresh, 0);
    assert_int_equal(none.n_prepare, 4);
    assert_memory_equal(none.rows, news.rows, 7 * sizeof *news.rows);
    tarn_news_clear(&none);
    tarn_news_clear(&news);
    tarn_news_clear(&first);
    unsee(&after);
    unsee(&before);
}

static void what_cannot_be_gone_on_from_is_learned_afresh(void **state)
{
    static const double a[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const int64_t fewer[] = {0, 1, 3, 4, 5, 6, 7};
    static const char *const changed[] = {"x", "y", "y", "y", "x", "x", "y", "x"};
    static const char *const grown[] = {"x", "y", "x", "y", "x", "x", "y", "z"};
    seen before = see(a, abc, 6), gone = see(a, abc, 8), other = see(a, changed, 8), class = see(a, grown, 8);
    tarn_news first = compare(&before, NULL, all, 6);
    tarn_earlier earlier = {.spec = before.id, .rows = first.rows, .n = first.n_rows};
    tarn_news news = compare(&gone, &earlier, fewer, 7);

    (void)state;
    assert_non_null(strstr(news.afresh, "is gone"));
    assert_int_equal(news.n_fresh, 7);
    assert_int_equal(news.n_prepare, 7);
    tarn_news_clear(&news);
    news = compare(&other, &earlier, all, 8);
    assert_non_null(strstr(news.afresh, "has changed"));
    tarn_news_clear(&news);
    news = compare(&class, &earlier, all, 8);
    assert_non_null(strstr(news.afresh, "class"));
    tarn_news_clear(&news);
    earlier.spec.b[0] ^= 1;
    news = compare(&gone, &earlier, all, 8);
    assert_non_null(strstr(news.afresh, "settings"));
    tarn_news_clear(&news);
    tarn_news_clear(&first);
    unsee(&before);
    unsee(&gone);
    unsee(&other);
    unsee(&class);
}

static void bytes_come_back_and_others_are_refused(void **state)
{
    uint64_t rows[] = {3, 8, 8, 21};
    tarn_earlier in = {.rows = rows, .n = 4, .model = "model", .model_len = 5, .state = "st\0te", .state_len = 5}, out;
    char *bytes = NULL;
    size_t len = 0;

    (void)state;
    memset(&in.spec, 7, sizeof in.spec);
    must(tarn_earlier_write(&in, &bytes, &len, err));
    must(tarn_earlier_read(bytes, len, &out, err));
    assert_true(tarn_id_equal(&in.spec, &out.spec));
    assert_int_equal(out.n, 4);
    assert_memory_equal(out.rows, rows, sizeof rows);
    assert_int_equal(out.model_len, 5);
    assert_memory_equal(out.model, "model", 5);
    assert_int_equal(out.state_len, 5);
    assert_memory_equal(out.state, "st\0te", 5);
    tarn_earlier_clear(&out);
    for (size_t i = 0; i < len; i++) must_fail_with(TARN_CORRUPT, "remember", tarn_earlier_read(bytes, i, &out, err));
    for (size_t i = 8; i < 32; i += 8) {
        memset(bytes + i, 0xff, 8);
        must_fail_with(TARN_CORRUPT, "remember", tarn_earlier_read(bytes, len, &out, err));
        memset(bytes + i, 0, 8);
        bytes[i] = i == 8 ? 4 : 5;
    }
    bytes[64] = 9; /* the first row's number */
    must_fail_with(TARN_CORRUPT, "order", tarn_earlier_read(bytes, len, &out, err));
    tarn_free(bytes);
}

TARN_TESTS(TARN_TEST(only_rows_of_new_content_are_new), TARN_TEST(what_cannot_be_gone_on_from_is_learned_afresh),
           TARN_TEST(bytes_come_back_and_others_are_refused))
