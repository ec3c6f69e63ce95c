/* SPDX-License-Identifier: Apache-2.0 */
/* logfile_test.c - the prediction log of an encrypted lake: found, committed, cut anywhere, changed anywhere. */
#include "lake/key.h"
#include "serve/predlog.h"
#include "serve/serve_sample.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SECRET "Zanzibar"

static const char tail[] = ",\"model\":\"m\",\"inputs\":{\"x\":\"" SECRET "\"}}";

static void sealed_lake(tarn_lake **lake)
{
    uint8_t key[32] = {5};
    char path[200];

    tarn_json_setup();
    (void)strcpy(serve_sample_folder + sizeof serve_sample_folder - 7, "XXXXXX");
    assert_non_null(mkdtemp(serve_sample_folder));
    (void)snprintf(path, sizeof path, "%s/key", serve_sample_folder);
    must(tarn_file_save(path, key, sizeof key, err));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(setenv("TARN_CACHE", serve_sample_folder, 1), 0);
    must(tarn_lake_init_encrypted(serve_sample_folder, NULL, NULL, &(tarn_lake_key){.file = path}, err));
    must(tarn_lake_open_with(serve_sample_folder, &(tarn_lake_key){.file = path}, lake, err));
}

static void sealed_remove(tarn_lake *lake)
{
    serve_sample_remove(lake);
    assert_int_equal(unsetenv("TARN_CACHE"), 0);
}

/* A segment of three writes of two records each; sizes gets the file's length after each. */
static void make_segment(tarn_lake *lake, const char *name, size_t sizes[3])
{
    char id[TARN_PREDICTION_ID], path[4096], folder[4096];
    uint64_t at = 0, more = 0;

    must(tarn_path_join(folder, sizeof folder, tarn_lake_inside(lake), "log", err));
    must(tarn_dir_make(folder, err));
    must(tarn_segment_path(lake, name, path, err));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) {
        tarn_text lines = {0};
        for (int k = 0; k < 2; k++)
            tarn_text_addf(&lines, "{\"id\":\"%s\"%s\n", tarn_prediction_id(name, 2 * i + k, id), tail);
        must(tarn_segment_append(lake, name, fd, path, at, lines.data, lines.len, &more, err));
        at += more;
        sizes[i] = (size_t)at;
        tarn_text_clear(&lines);
    }
    (void)close(fd);
}

static void predictions_are_found_and_committed(void **state)
{
    tarn_lake *lake = NULL;
    char name[TARN_SEGMENT_NAME], path[4096], id[TARN_PREDICTION_ID], *bytes = NULL;
    size_t sizes[3], len = 0;
    int64_t records;
    json_t *found = NULL;

    (void)state;
    sealed_lake(&lake);
    tarn_segment_name(1795344000000000, 7, name);
    make_segment(lake, name, sizes);
    must(tarn_segment_path(lake, name, path, err));
    must(tarn_file_read(path, 0, &bytes, &len, err));
    assert_int_equal(len, sizes[2]);
    assert_null(memmem(bytes, len, SECRET, strlen(SECRET)));
    assert_null(memmem(bytes, len, "model", 5));
    tarn_free(bytes);
    for (int round = 0; round < 2; round++) { /* from the file, then from the lake */
        for (int i = 0; i < 6; i++) {
            must(tarn_prediction_find(lake, tarn_prediction_id(name, i, id), &found, err));
            assert_string_equal(tarn_json_text(json_object_get(found, "inputs"), "x", ""), SECRET);
            json_decref(found);
        }
        if (round) break;
        must(tarn_segments_recover(lake, &records, err));
        assert_int_equal(records, 6);
        assert_false(tarn_path_exists(path));
    }
    sealed_remove(lake);
}

static void the_log_writes_sealed(void **state)
{
    tarn_lake *lake = NULL;
    tarn_predlog *log = NULL;
    char name[TARN_SEGMENT_NAME], path[4096], id[TARN_PREDICTION_ID], *bytes = NULL;
    size_t ends[1] = {sizeof tail - 1}, len = 0;
    int64_t first;
    json_t *found = NULL;

    (void)state;
    sealed_lake(&lake);
    must(tarn_predlog_open(lake, &(tarn_predlog_options){.commit_s = 3600}, &log, err));
    for (int i = 0; i < 5; i++) {
        must(tarn_predlog_add(log, "m", tail, ends, 1, name, &first, err));
        must(tarn_predlog_sync(log, err));
    }
    must(tarn_segment_path(lake, name, path, err));
    must(tarn_file_read(path, 0, &bytes, &len, err));
    assert_true(len > 5 * sizeof tail);
    assert_null(memmem(bytes, len, SECRET, strlen(SECRET)));
    tarn_free(bytes);
    must(tarn_prediction_find(lake, tarn_prediction_id(name, 4, id), &found, err));
    json_decref(found);
    must(tarn_predlog_close(log, err));
    must(tarn_prediction_find(lake, id, &found, err));
    assert_non_null(strstr(tarn_json_text(found, "path", ""), "predictions/m/"));
    json_decref(found);
    sealed_remove(lake);
}

static void a_file_cut_anywhere_gives_whole_writes(void **state)
{
    tarn_lake *lake = NULL;
    char name[TARN_SEGMENT_NAME], path[4096], *whole = NULL, *bytes = NULL, model[128];
    size_t sizes[3], len = 0, got = 0, sound = 0;
    int64_t records;

    (void)state;
    sealed_lake(&lake);
    tarn_segment_name(1795344000000000, 8, name);
    make_segment(lake, name, sizes);
    must(tarn_segment_path(lake, name, path, err));
    must(tarn_file_read(path, 0, &whole, &len, err));
    for (size_t cut = 0; cut <= len; cut++) {
        must(tarn_file_save(path, whole, cut, err));
        must(tarn_segment_read(lake, name, &bytes, &got, &sound, err));
        size_t writes = (size_t)(cut >= sizes[0]) + (cut >= sizes[1]) + (cut >= sizes[2]);
        assert_int_equal(sound, writes ? sizes[writes - 1] : 0);
        assert_int_equal(tarn_segment_whole(name, bytes, got, model, &records), got);
        assert_int_equal(records, 2 * writes);
        tarn_free(bytes);
    }
    must(tarn_file_save(path, whole, sizes[1] + 9, err)); /* and recovered */
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(records, 4);
    must(tarn_file_save(path, whole, 9, err));
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(records, 0);
    assert_false(tarn_path_exists(path));
    tarn_free(whole);
    sealed_remove(lake);
}

/* A change in the middle is an error, one in the last write is that or a torn write; never another line. */
static void a_changed_byte_is_never_a_record(void **state)
{
    tarn_lake *lake = NULL;
    char name[TARN_SEGMENT_NAME], path[4096], *whole = NULL, *good = NULL, *bytes = NULL;
    size_t sizes[3], len = 0, good_len = 0, got = 0, sound = 0;

    (void)state;
    sealed_lake(&lake);
    tarn_segment_name(1795344000000000, 9, name);
    make_segment(lake, name, sizes);
    must(tarn_segment_path(lake, name, path, err));
    must(tarn_file_read(path, 0, &whole, &len, err));
    must(tarn_segment_read(lake, name, &good, &good_len, &sound, err));
    for (size_t i = 0; i < len; i++) {
        whole[i] ^= 16;
        must(tarn_file_save(path, whole, len, err));
        tarn_code rc = tarn_segment_read(lake, name, &bytes, &got, &sound, NULL);
        if (rc == TARN_OK) {
            assert_true(got < good_len && sound < len);
            assert_memory_equal(bytes, good, got);
            tarn_free(bytes);
        }
        whole[i] ^= 16;
    }
    must(tarn_file_save(path, whole + sizes[0], len - sizes[0], err)); /* the first write is gone */
    must_fail_with(TARN_CORRUPT, name, tarn_segment_read(lake, name, &bytes, &got, &sound, err));
    tarn_free(good);
    tarn_free(whole);
    sealed_remove(lake);
}

TARN_TESTS(TARN_TEST(predictions_are_found_and_committed), TARN_TEST(the_log_writes_sealed),
           TARN_TEST(a_file_cut_anywhere_gives_whole_writes), TARN_TEST(a_changed_byte_is_never_a_record))
