/* SPDX-License-Identifier: Apache-2.0 */
/* column_test.c - columns in memory and as files, good and hostile. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "table/checksum.h"
#include "table/column.h"

#include <math.h>
#include <unistd.h>

#define FOLDER "/tmp/tarn-column-test"
static const char *const texts[5] = {"pear", NULL, "apple", "pear", "\xC3\xA9t\xC3\xA9"};
static const int64_t ints[5] = {1, -2, INT64_MAX, INT64_MIN, 0};
static const double reals[5] = {0.5, -INFINITY, NAN, 1e300, -0.0};
static const uint8_t bools[5] = {1, 0, 7, 0, 1};

static char *file_name(char out[256], const char *name)
{
    tarn_err err = {0};
    tarn_code rc = tarn_dir_make(FOLDER, &err);

    assert_int_equal(rc, TARN_OK);
    (void)snprintf(out, 256, FOLDER "/%ld-%s", (long)getpid(), name);
    return out;
}

static tarn_code make_sample(tarn_columns **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_columns_maker *m = NULL;
    const uint8_t valid = 0xFD; /* row 1 is null; bits past row 4 are noise */

    *out = NULL;
    TARN_TRY(tarn_columns_maker_new(5, &m, err));
    TARN_TRY(tarn_columns_maker_add(m, "n", TARN_INT, ints, &valid, err));
    TARN_TRY(tarn_columns_maker_add(m, "x", TARN_REAL, reals, NULL, err));
    TARN_TRY(tarn_columns_maker_text(m, "fruit", texts, NULL, err));
    TARN_TRY(tarn_columns_maker_add(m, "late", TARN_BOOL, bools, NULL, err));
    TARN_TRY(tarn_columns_maker_add(m, "at", TARN_TIME, ints, NULL, err));
    TARN_TRY(tarn_columns_maker_finish(m, out, err));
done:
    tarn_columns_maker_free(m);
    return rc;
}

static void check_sample(const tarn_columns *c)
{
    int32_t len;

    assert_int_equal(tarn_columns_rows(c), 5);
    assert_int_equal(tarn_columns_count(c), 5);
    assert_int_equal(tarn_columns_find(c, "late"), 3);
    assert_int_equal(tarn_columns_find(c, "Late"), -1);
    const tarn_column *n = tarn_columns_at(c, 0), *x = tarn_columns_at(c, 1), *f = tarn_columns_at(c, 2);
    assert_int_equal(n->nulls, 1);
    assert_false(tarn_column_has(n, 1));
    assert_true(isnan(tarn_column_number(n, 1)));
    assert_true(tarn_column_number(n, 0) == 1);
    assert_int_equal(((const int64_t *)n->values)[1], 0); /* settled under the null */
    assert_null(x->valid);
    assert_true(isnan(tarn_column_number(x, 2)) && tarn_column_number(x, 3) == 1e300);
    assert_int_equal(f->words, 3); /* apple, pear, été */
    assert_int_equal(f->nulls, 1);
    assert_memory_equal(tarn_column_word(f, 0, &len), "apple", 5);
    assert_int_equal(len, 5);
    assert_memory_equal(tarn_column_word(f, 2, &len), "\xC3\xA9t\xC3\xA9", 5);
    assert_true(tarn_column_number(f, 0) == 1 && tarn_column_number(f, 3) == 1 && tarn_column_number(f, 2) == 0);
    assert_true(tarn_column_number(tarn_columns_at(c, 3), 2) == 1);
}

static void columns_are_what_was_put_in(void **state)
{
    tarn_columns *c = NULL, *again;

    (void)state;
    must(make_sample(&c, err));
    check_sample(c);
    again = tarn_columns_retain(c);
    tarn_columns_release(c);
    check_sample(again);
    tarn_columns_release(again);
}

static void the_file_form_comes_back_the_same(void **state)
{
    char path[256], other[256], *a = NULL, *b = NULL;
    tarn_columns *c = NULL, *d = NULL;
    size_t n, m;

    (void)state;
    must(make_sample(&c, err));
    must(tarn_columns_save(c, file_name(path, "a"), err));
    must(tarn_columns_map(path, &d, err));
    check_sample(d);
    for (int i = 0; i < 5; i++) assert_int_equal((uintptr_t)tarn_columns_at(d, i)->values % 64, 0);
    must(tarn_columns_save(d, file_name(other, "b"), err));
    must(tarn_file_read(path, 0, &a, &n, err));
    must(tarn_file_read(other, 0, &b, &m, err));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    tarn_free(a);
    tarn_free(b);
    tarn_columns_release(c);
    tarn_columns_release(d);
    (void)unlink(path);
    (void)unlink(other);
}

static void nothing_at_all_is_a_table_too(void **state)
{
    char path[256];
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;

    (void)state;
    for (int columns = 0; columns < 2; columns++) {
        must(tarn_columns_maker_new(0, &m, err));
        if (columns) must(tarn_columns_maker_text(m, "t", NULL, NULL, err));
        must(tarn_columns_maker_finish(m, &c, err));
        tarn_columns_maker_free(m);
        must(tarn_columns_save(c, file_name(path, "empty"), err));
        tarn_columns_release(c);
        must(tarn_columns_map(path, &c, err));
        assert_int_equal(tarn_columns_count(c), columns);
        assert_int_equal(tarn_columns_rows(c), 0);
        tarn_columns_release(c);
    }
    (void)unlink(path);
}

static void the_maker_refuses_nonsense(void **state)
{
    tarn_columns_maker *m = NULL;
    const char *bad[1] = {"caf\xE9"};
    const int64_t one = 1;

    (void)state;
    must_fail_with(TARN_LIMIT, "-1 rows", tarn_columns_maker_new(-1, &m, err));
    must(tarn_columns_maker_new(1, &m, err));
    must(tarn_columns_maker_add(m, "a", TARN_INT, &one, NULL, err));
    must_fail_with(TARN_INVALID, "'a' is there twice", tarn_columns_maker_add(m, "a", TARN_INT, &one, NULL, err));
    must_fail_with(TARN_INVALID, "no name", tarn_columns_maker_add(m, "", TARN_INT, &one, NULL, err));
    must_fail_with(TARN_INVALID, "maker_text", tarn_columns_maker_add(m, "b", TARN_TEXT, &one, NULL, err));
    must_fail_with(TARN_INVALID, "column 'c', row 1: not UTF-8", tarn_columns_maker_text(m, "c", bad, NULL, err));
    tarn_columns_maker_free(m);
}

static void dictionaries_are_sorted_and_hold_each_text_once(void **state)
{
    enum { ROWS = 20000 };
    tarn_columns_maker *m = NULL;
    tarn_columns *c = NULL;
    char(*store)[16];
    const char **list;

    (void)state;
    must(tarn_alloc(&store, ROWS, sizeof *store, err));
    must(tarn_alloc(&list, ROWS, sizeof *list, err));
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(store[i], sizeof store[i], "w%d", (int)((unsigned)i * 7919u % 5000u));
        list[i] = store[i];
    }
    must(tarn_columns_maker_new(ROWS, &m, err));
    must(tarn_columns_maker_text(m, "t", list, NULL, err));
    must(tarn_columns_maker_finish(m, &c, err));
    const tarn_column *t = tarn_columns_at(c, 0);
    assert_int_equal(t->words, 5000);
    for (int i = 0; i < ROWS; i++) {
        int32_t len;
        const char *word = tarn_column_word(t, ((const int32_t *)t->values)[i], &len);
        assert_int_equal(len, strlen(list[i]));
        assert_memory_equal(word, list[i], (size_t)len);
    }
    tarn_columns_maker_free(m);
    tarn_columns_release(c);
    tarn_free(store);
    tarn_free(list);
}

/* The bytes of the sample's file. */
static char *sample_bytes(size_t *len)
{
    char path[256], *bytes = NULL;
    tarn_columns *c = NULL;

    must(make_sample(&c, err));
    must(tarn_columns_save(c, file_name(path, "sample"), err));
    must(tarn_file_read(path, 0, &bytes, len, err));
    tarn_columns_release(c);
    (void)unlink(path);
    return bytes;
}

static void a_file_cut_at_any_length_is_damaged(void **state)
{
    size_t len;
    char path[256], *bytes = sample_bytes(&len);

    (void)state;
    (void)file_name(path, "cut");
    for (size_t n = 0; n < len; n++) {
        tarn_columns *c = NULL;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        (void)fclose(f);
        must_fail_with(TARN_CORRUPT, path, tarn_columns_map(path, &c, err));
        assert_null(c);
    }
    tarn_free(bytes);
    (void)unlink(path);
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    (void)fclose(f);
}

static void any_flipped_byte_is_damage(void **state)
{
    size_t len;
    char path[256], *bytes = sample_bytes(&len);

    (void)state;
    (void)file_name(path, "flip");
    for (size_t i = 0; i < len; i++) {
        tarn_columns *c = NULL;
        bytes[i] ^= 0x41;
        write_bytes(path, bytes, len);
        must_fail_with(TARN_CORRUPT, path, tarn_columns_map(path, &c, err));
        bytes[i] ^= 0x41;
    }
    tarn_free(bytes);
    (void)unlink(path);
}

/* Touch everything that a caller may touch. */
static double read_all(const tarn_columns *c)
{
    double sum = 0;

    for (int i = 0; i < tarn_columns_count(c); i++) {
        const tarn_column *a = tarn_columns_at(c, i);
        for (int64_t r = 0; r < a->rows; r++) sum += tarn_column_number(a, r);
        for (int32_t w = 0; w < a->words; w++) {
            int32_t len;
            const char *word = tarn_column_word(a, w, &len);
            for (int32_t k = 0; k < len; k++) sum += word[k];
        }
    }
    return sum;
}

/* What tarn_columns_map will compute for these bytes, learnt from its own layout: the parts of the sample. */
static void fix_checksum(char *bytes, size_t len)
{
    static const size_t heads = 64, columns = 5;
    uint64_t sum = 0;
    size_t at = heads + columns * 32, names[5] = {2, 2, 6, 5, 3};
    size_t parts[] = {1, 40, 40, 1, 20, 16, 14, 5, 40};

    char header[64];
    memcpy(header, bytes, 64);
    memset(header + 32, 0, 8);
    sum = tarn_table_checksum(header, 64, 0);
    for (size_t i = 0; i < columns; i++) sum = tarn_table_checksum(bytes + heads + i * 32, 32, sum);
    for (size_t i = 0; i < columns; i++) {
        sum = tarn_table_checksum(bytes + at, names[i], sum);
        at += names[i];
    }
    for (size_t i = 0; i <= sizeof parts / sizeof parts[0]; i++) {
        size_t up = (at + 63) / 64 * 64;
        if (up > at) sum = tarn_table_checksum(bytes + at, up - at, sum);
        at = up;
        if (i == sizeof parts / sizeof parts[0]) break;
        sum = tarn_table_checksum(bytes + at, parts[i], sum);
        at += parts[i];
    }
    assert_int_equal(at, len);
    memcpy(bytes + 32, &sum, sizeof sum);
}

static void flipped_bytes_under_a_good_checksum_never_crash(void **state)
{
    size_t len, taken = 0, refused = 0;
    char path[256], *bytes = sample_bytes(&len), *bad = NULL;

    (void)state;
    (void)file_name(path, "fixed");
    must(tarn_alloc(&bad, len, 1, err));
    memcpy(bad, bytes, len);
    fix_checksum(bad, len);
    assert_memory_equal(bad, bytes, len); /* the test's idea of the checksum is the program's */
    for (size_t i = 0; i < len; i++) {
        for (int flip = 0; flip < 4; flip++) {
            static const unsigned char flips[] = {0x01, 0x80, 0xFF, 0x10};
            tarn_columns *c = NULL;
            tarn_err err = {0};
            memcpy(bad, bytes, len);
            bad[i] = (char)((unsigned char)bad[i] ^ flips[flip]);
            if (i < 32 || i >= 40) fix_checksum(bad, len);
            write_bytes(path, bad, len);
            if (tarn_columns_map(path, &c, &err) == TARN_OK) {
                taken++;
                (void)read_all(c);
                tarn_columns_release(c);
            } else {
                refused++;
                assert_int_equal(err.code, TARN_CORRUPT);
            }
        }
    }
    assert_true(taken > 100);   /* other numbers in the values are other, good content */
    assert_true(refused > 400); /* heads, names, bitmaps, codes, offsets and words are not */
    tarn_free(bytes);
    tarn_free(bad);
    (void)unlink(path);
}

static void running_out_of_memory_is_an_error_each_time(void **state)
{
    char path[256];
    tarn_columns *c = NULL, *mapped = NULL;
    tarn_err e = {0};
    int64_t live, n = 1;

    (void)state;
    live = tarn_mem_live();
    for (;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = make_sample(&c, &e);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_true(n > 10);
    must(tarn_columns_save(c, file_name(path, "nomem"), err));
    live = tarn_mem_live();
    for (n = 1;; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_columns_map(path, &mapped, &e);
        tarn_mem_fail_after(0);
        if (rc == TARN_OK) break;
        assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
    assert_true(n > 2);
    tarn_columns_release(mapped);
    tarn_columns_release(c);
    (void)unlink(path);
}

static void type_names_read_back(void **state)
{
    tarn_type type;

    (void)state;
    for (int i = TARN_BOOL; i <= TARN_TIME; i++) {
        assert_true(tarn_type_parse(tarn_type_name((tarn_type)i), &type));
        assert_int_equal(type, i);
    }
    assert_false(tarn_type_parse("integer", &type));
    assert_string_equal(tarn_type_name((tarn_type)9), "?");
}

TARN_TESTS(TARN_TEST(columns_are_what_was_put_in), TARN_TEST(the_file_form_comes_back_the_same),
           TARN_TEST(nothing_at_all_is_a_table_too), TARN_TEST(the_maker_refuses_nonsense),
           TARN_TEST(dictionaries_are_sorted_and_hold_each_text_once), TARN_TEST(a_file_cut_at_any_length_is_damaged),
           TARN_TEST(any_flipped_byte_is_damage), TARN_TEST(flipped_bytes_under_a_good_checksum_never_crash),
           TARN_TEST(running_out_of_memory_is_an_error_each_time), TARN_TEST(type_names_read_back))
