/* SPDX-License-Identifier: Apache-2.0 */
/* stages_test.c - what every kind of step of a run must be, walking stages.def: described, in order, and failing
 * cleanly when its inputs are not there. */
#include "support/tarn_test.h"

#include "flow/stage.h"

#include <unistd.h>

static const char *const words[] = {"ingest", "lake", "prepare", "train", "assess", "registry"};

static int order_of(const char *word)
{
    for (int i = 0; i < 6; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static void every_kind_is_described_and_in_the_order_of_a_run(void **state)
{
    int last = 0;

    (void)state;
    assert_true(tarn_stage_count() >= 10);
    for (int i = 0; i < tarn_stage_count(); i++) {
        const tarn_stage *s = tarn_stage_at(i);
        assert_true(order_of(s->stage) >= last);
        last = order_of(s->stage);
        assert_true(strlen(s->title) >= 10);
        assert_non_null(s->run);
        assert_ptr_equal(tarn_stage_find(s->name), s);
    }
    assert_null(tarn_stage_find("no such kind"));
}

/* A recipe is bytes of the lake: whatever stands in it, a step must end with an error that says something. */
static void a_step_without_its_parameters_and_inputs_fails_with_a_message(void **state)
{
    char folder[] = "/tmp/tarn-stages-XXXXXX";
    tarn_lake *lake = NULL;

    (void)state;
    assert_non_null(mkdtemp(folder));
    must(tarn_lake_init(folder, err));
    must(tarn_lake_open(folder, &lake, err));
    for (int i = 0; i < tarn_stage_count(); i++) {
        json_t *empty = json_object();
        tarn_err err = {0};
        tarn_stage_job job = {.lake = lake, .folder = folder, .scratch = folder, .params = empty};
        tarn_code rc = tarn_stage_at(i)->run(&job, &err);
        if (strcmp(tarn_stage_at(i)->name, "check") != 0) { /* no rules: nothing can be broken */
            assert_int_not_equal(rc, TARN_OK);
            assert_true(strlen(err.msg) > 10);
        }
        tarn_free(job.outputs);
        tarn_text_clear(&job.said);
        json_decref(empty);
    }
    tarn_lake_close(lake);
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TARN_TEST(every_kind_is_described_and_in_the_order_of_a_run),
                                       TARN_TEST(a_step_without_its_parameters_and_inputs_fails_with_a_message)};
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
