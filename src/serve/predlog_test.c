/* SPDX-License-Identifier: Apache-2.0 */
/* predlog_test.c - ids, the queue, segments after crashes. */
#include "serve/predlog.h"
#include "serve/serve_sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>

static const char tail[] = ",\"model\":\"m\",\"inputs\":{\"x\":1}}";

static void ids_read_back_and_notice_typing_errors(void **state)
{
    char name[TARN_SEGMENT_NAME], id[TARN_PREDICTION_ID], wrong[TARN_PREDICTION_ID], back[TARN_SEGMENT_NAME];
    int64_t line;

    (void)state;
    tarn_segment_name(1795344000000000, 12345, name);
    assert_int_equal(strlen(name), TARN_SEGMENT_NAME - 1);
    for (int64_t n = 0; n < 100000000000; n = 3 * n + 1) {
        (void)tarn_prediction_id(name, n, id);
        must(tarn_prediction_id_read(id, back, &line, err));
        assert_string_equal(back, name);
        assert_true(line == n);
        for (size_t i = 0; id[i]; i++) { /* any one wrong character */
            (void)strcpy(wrong, id);
            wrong[i] = id[i] == '7' ? '8' : '7';
            must_fail_with(TARN_INVALID, "'", tarn_prediction_id_read(wrong, back, &line, err));
        }
        for (size_t i = 2; id[i + 1]; i++) { /* two that changed places */
            (void)strcpy(wrong, id);
            wrong[i] = id[i + 1], wrong[i + 1] = id[i];
            if (id[i] != id[i + 1]) must_fail_with(TARN_INVALID, "'", tarn_prediction_id_read(wrong, back, &line, err));
        }
        for (size_t len = 0; len < strlen(id); len++) {
            (void)snprintf(wrong, sizeof wrong, "%.*s", (int)len, id);
            must_fail_with(TARN_INVALID, "'", tarn_prediction_id_read(wrong, back, &line, err));
        }
    }
    must_fail_with(TARN_INVALID, "not the id", tarn_prediction_id_read("p-../../etc/pass-1-aa", back, &line, err));
}

/* A segment's file of n records in the log of the lake; bytes get its content. */
static void make_segment(tarn_lake *lake, const char *name, int n, tarn_text *bytes)
{
    char id[TARN_PREDICTION_ID], path[4096], folder[4096];

    must(tarn_path_join(folder, sizeof folder, tarn_lake_inside(lake), "log", err));
    must(tarn_dir_make(folder, err));
    for (int i = 0; i < n; i++) tarn_text_addf(bytes, "{\"id\":\"%s\"%s\n", tarn_prediction_id(name, i, id), tail);
    must(tarn_segment_path(lake, name, path, err));
    must(tarn_file_save(path, bytes->data, bytes->len, err));
}

static void only_whole_records_count_wherever_the_file_is_cut(void **state)
{
    char name[TARN_SEGMENT_NAME], model[128], id[TARN_PREDICTION_ID];
    tarn_text bytes = {0};
    int64_t records;

    (void)state;
    tarn_segment_name(1795344000000000, 1, name);
    for (int i = 0; i < 3; i++) tarn_text_addf(&bytes, "{\"id\":\"%s\"%s\n", tarn_prediction_id(name, i, id), tail);
    size_t one = bytes.len / 3;
    for (size_t len = 0; len <= bytes.len; len++) {
        char *cut = malloc(len + 1); /* so that a step over the end is seen */
        memcpy(cut, bytes.data, len);
        assert_int_equal(tarn_segment_whole(name, cut, len, model, &records), len / one * one);
        assert_int_equal(records, len / one);
        free(cut);
    }
    for (size_t at = one; at < 2 * one; at++) { /* a block of zeros, as a lost page leaves it */
        char kept = bytes.data[at];
        bytes.data[at] = '\0';
        assert_int_equal(tarn_segment_whole(name, bytes.data, bytes.len, model, &records), one);
        bytes.data[at] = kept;
    }
    assert_string_equal(model, "m");
    tarn_text_clear(&bytes);
}

static int files_in_log(tarn_lake *lake)
{
    char folder[4096];
    int n = 0;

    must(tarn_path_join(folder, sizeof folder, tarn_lake_inside(lake), "log", err));
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir)) n++;
    (void)closedir(dir);
    return n - 2;
}

static void recovery_cuts_commits_and_may_come_twice(void **state)
{
    tarn_lake *lake = NULL;
    char name[TARN_SEGMENT_NAME], path[4096], id[TARN_PREDICTION_ID];
    tarn_text bytes = {0};
    int64_t records;
    tarn_id first, second;
    json_t *found = NULL;

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&lake);
    tarn_segment_name(1795344000000000, 2, name);
    make_segment(lake, name, 3, &bytes);
    must(tarn_segment_path(lake, name, path, err));
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    (void)fprintf(f, "{\"id\":\"%s\",\"mod", tarn_prediction_id(name, 3, id)); /* torn */
    (void)fclose(f);
    must_fail_with(TARN_NOT_FOUND, "neither", tarn_prediction_find(lake, id, &found, err));
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(records, 3);
    assert_int_equal(files_in_log(lake), 0);
    must(tarn_lake_ref_get(lake, TARN_PREDICTIONS_REF, &first, err));
    must(tarn_file_save(path, bytes.data, bytes.len, err)); /* as if the crash had come between commit and removal */
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(files_in_log(lake), 0);
    must(tarn_lake_ref_get(lake, TARN_PREDICTIONS_REF, &second, err));
    assert_memory_equal(&first, &second, sizeof first);
    must_fail_with(TARN_NOT_FOUND, "neither", tarn_prediction_find(lake, id, &found, err));
    must(tarn_prediction_find(lake, tarn_prediction_id(name, 2, id), &found, err));
    assert_int_equal(json_integer_value(json_object_get(found, "line")), 2);
    json_decref(found);
    tarn_text_clear(&bytes);
    serve_sample_remove(lake);
}

static void recovery_leaves_what_a_living_process_holds(void **state)
{
    tarn_lake *lake = NULL;
    char name[TARN_SEGMENT_NAME], path[4096];
    tarn_text bytes = {0};
    int64_t records;

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&lake);
    tarn_segment_name(1795344000000000, 3, name);
    make_segment(lake, name, 1, &bytes);
    must(tarn_segment_path(lake, name, path, err));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(records, 0);
    assert_true(tarn_path_exists(path));
    (void)close(fd);
    must(tarn_segments_recover(lake, &records, err));
    assert_int_equal(records, 1);
    tarn_text_clear(&bytes);
    serve_sample_remove(lake);
}

typedef struct writer_job {
    tarn_predlog *log;
    const char *model;
    int n;
} writer_job;

enum { THREADS = 3, ROUNDS = 400 };

static void *add_many(void *arg)
{
    const writer_job *job = arg;
    char name[TARN_SEGMENT_NAME], tails[200];
    size_t ends[2], one;
    int64_t first;
    tarn_err err = {0};

    one = (size_t)snprintf(tails, sizeof tails, ",\"model\":\"%s\",\"inputs\":{}}", job->model);
    (void)snprintf(tails + one, sizeof tails - one, ",\"model\":\"%s\",\"inputs\":{}}", job->model);
    ends[0] = one, ends[1] = 2 * one;
    for (int i = 0; i < job->n; i++)
        if (tarn_predlog_add(job->log, job->model, tails, ends, 2, name, &first, &err) != TARN_OK) return arg;
    return NULL;
}

static tarn_code count_lines(void *arg, const tarn_entry *entry, tarn_err *err)
{
    int64_t *lines = arg;
    char *bytes = NULL;
    size_t len;
    tarn_lake *lake = NULL;
    tarn_code rc = tarn_lake_open(serve_sample_folder, &lake, err);

    if (rc == TARN_OK) rc = tarn_lake_get(lake, &entry->object.id, 0, &bytes, &len, err);
    for (size_t i = 0; rc == TARN_OK && i < len; i++)
        lines[strncmp(entry->path, "predictions/b/", 14) == 0] += bytes[i] == '\n';
    tarn_free(bytes);
    tarn_lake_close(lake);
    return rc;
}

/* Little room in the queue and short segments: everybody waits for everybody, and nothing is lost or doubled. */
static void a_full_queue_waits_and_loses_nothing(void **state)
{
    tarn_lake *lake = NULL;
    tarn_predlog *log = NULL;
    tarn_predlog_options options = {.queue_bytes = 2000, .commit_records = 100};
    pthread_t threads[THREADS];
    writer_job jobs[THREADS];
    tarn_id commit;
    int64_t lines[2] = {0};

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&lake);
    must(tarn_predlog_open(lake, &options, &log, err));
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (writer_job){log, i == 1 ? "b" : "a", ROUNDS};
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        (void)pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    must(tarn_predlog_sync(log, err));
    must(tarn_predlog_close(log, err));
    assert_int_equal(files_in_log(lake), 0);
    must(tarn_lake_ref_get(lake, TARN_PREDICTIONS_REF, &commit, err));
    must(tarn_lake_list(lake, &commit, "predictions/", "", 0, count_lines, lines, err));
    assert_int_equal(lines[0], 2 * ROUNDS * 2);
    assert_int_equal(lines[1], 2 * ROUNDS);
    serve_sample_remove(lake);
}

/* When the folder of the log is gone, as with a broken disk, requests fail and say so; and go on when it is back. */
static void says_when_it_cannot_write(void **state)
{
    tarn_lake *lake = NULL;
    tarn_predlog *log = NULL;
    tarn_predlog_options options = {0};
    char folder[4096], name[TARN_SEGMENT_NAME];
    size_t ends[1] = {sizeof tail - 1};
    int64_t first;

    (void)state;
    tarn_json_setup();
    serve_sample_lake(&lake);
    must(tarn_predlog_open(lake, &options, &log, err));
    must(tarn_path_join(folder, sizeof folder, tarn_lake_inside(lake), "log", err));
    must(tarn_dir_remove(folder, err));
    must_fail_with(TARN_NOT_FOUND, "log", tarn_predlog_add(log, "m", tail, ends, 1, name, &first, err));
    must(tarn_dir_make(folder, err));
    must(tarn_predlog_add(log, "m", tail, ends, 1, name, &first, err));
    assert_int_equal(first, 0);
    must(tarn_predlog_close(log, err));
    serve_sample_remove(lake);
}

TARN_TESTS(TARN_TEST(ids_read_back_and_notice_typing_errors),
           TARN_TEST(only_whole_records_count_wherever_the_file_is_cut),
           TARN_TEST(recovery_cuts_commits_and_may_come_twice), TARN_TEST(recovery_leaves_what_a_living_process_holds),
           TARN_TEST(a_full_queue_waits_and_loses_nothing), TARN_TEST(says_when_it_cannot_write))
