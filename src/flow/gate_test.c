/* SPDX-License-Identifier: Apache-2.0 */
/* gate_test.c - checks of protected branches: commands that behave, and commands that do not. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "flow/child.h"
#include "flow/gate.h"

#include <unistd.h>

static tarn_child_end run_with(const char *command, int64_t seconds, int64_t memory)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "COLOUR=blue", NULL};
    tarn_child c = {.command = command,
                    .folder = "/tmp",
                    .environment = environment,
                    .seconds = seconds,
                    .memory_bytes = memory,
                    .file_bytes = 1 << 20,
                    .output_bytes = 1 << 16};
    tarn_child_end end;

    must(tarn_child_run(&c, &end, err));
    return end;
}

static void expect_end(const char *command, int64_t seconds, int status, const char *output)
{
    tarn_child_end end = run_with(command, seconds, 1LL << 30);

    if (end.status != status || !strstr(end.output.data ? end.output.data : "", output))
        fail_msg("'%s' ended with %d and said '%s'", command, end.status, end.output.data ? end.output.data : "");
    tarn_text_clear(&end.output);
}

static void a_command_gets_what_it_is_told_and_no_more(void **state)
{
    (void)state;
    expect_end("echo good; exit 0", 10, 0, "good\n");
    expect_end("echo bad >&2; exit 3", 10, 3, "bad");
    expect_end("kill -TERM $$", 10, 128 + 15, "");
    expect_end("no-such-program", 10, 127, "not found");
    expect_end("pwd; echo $COLOUR", 10, 0, "/tmp\nblue");
    expect_end("cat; echo end", 10, 0, "end"); /* nothing to read */
    expect_end("test -z \"$HOME$USER\"", 10, 0, "");
    expect_end("ls /proc/self/fd | wc -l", 10, 0, "4"); /* 0, 1, 2 and the one that ls has open */
    expect_end("exec >&- 2>&-; sleep 0.2; exit 5", 10, 5, "");
}

static void a_command_that_does_not_end_is_killed(void **state)
{
    (void)state;
    tarn_child_end end = run_with("while :; do :; done", 1, 1LL << 30);
    assert_true(end.too_long && end.seconds < 10);
    tarn_text_clear(&end.output);
    end = run_with("trap '' TERM INT; sleep 600", 1, 1LL << 30);
    assert_true(end.too_long);
    tarn_text_clear(&end.output);
}

/* Processes of ours whose command line holds the text. */
static int count_processes(const char *text)
{
    char command[200];
    int n = -1;

    (void)snprintf(command, sizeof command, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^%s$'",
                   text);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &n), 1);
    (void)pclose(f);
    return n;
}

static void what_a_command_leaves_behind_is_killed(void **state)
{
    char mark[32], command[200];

    (void)state;
    (void)snprintf(mark, sizeof mark, "6%d.25", (int)getpid());
    (void)snprintf(command, sizeof command, "for i in $(seq 60); do sleep %s & done; sleep 0.2; echo started", mark);
    expect_end(command, 20, 0, "started");
    for (int i = 0; i < 100 && count_processes(mark) > 0; i++) (void)usleep(20000);
    assert_int_equal(count_processes(mark), 0);
    /* a bomb of processes that start processes, held at some hundreds: all of it goes when the time is up */
    (void)snprintf(command, sizeof command,
                   "f() { [ $1 -gt 6 ] || { f $(($1 + 1)) & f $(($1 + 1)) & }; sleep %s; }; f 0", mark);
    tarn_child_end end = run_with(command, 1, 1LL << 30);
    assert_true(end.too_long);
    tarn_text_clear(&end.output);
    for (int i = 0; i < 100 && count_processes(mark) > 0; i++) (void)usleep(20000);
    assert_int_equal(count_processes(mark), 0);
}

static void memory_files_and_output_are_limited(void **state)
{
    (void)state;
    tarn_child_end end = run_with("head -c 200000000 /dev/zero | tail -c 150000000 | wc -c", 20, 64LL << 20);
    assert_true(!end.too_long && !strstr(end.output.data, "150000000"));
    tarn_text_clear(&end.output);
    end = run_with("yes", 20, 1LL << 30);
    assert_true(end.too_much && !end.too_long);
    tarn_text_clear(&end.output);
    end = run_with("head -c 3000000 /dev/zero > /tmp/tarn-gate-test-$$; echo $?; rm -f /tmp/tarn-gate-test-$$", 20,
                   1LL << 30);
    assert_true(end.output.data[0] != '0');
    tarn_text_clear(&end.output);
}

/* ---- the gate on a lake ---- */

typedef struct scratch {
    char folder[64];
    tarn_lake *lake;
    tarn_id commit;
} scratch;

static scratch scratch_new(void)
{
    scratch s = {.folder = "/tmp/tarn-gate-test-XXXXXX"};
    tarn_entry e = {.path = "a"};

    tarn_json_setup();
    assert_non_null(mkdtemp(s.folder));
    must(tarn_lake_init(s.folder, err));
    must(tarn_lake_open(s.folder, &s.lake, err));
    must(tarn_lake_put(s.lake, "one", 3, &e.object, err));
    must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &s.commit, err));
    return s;
}

static void scratch_free(scratch *s)
{
    tarn_lake_close(s->lake);
    must(tarn_dir_remove(s->folder, err));
}

static tarn_code ask(scratch *s, const char *const *checks, size_t n, int64_t seconds, json_t **results, tarn_err *err)
{
    json_t *require = json_array();
    tarn_gate_ask a = {.ref = "heads/main", .event = "commit", .commit = s->commit, .seconds = seconds};

    for (size_t i = 0; i < n; i++) (void)json_array_append_new(require, json_string(checks[i]));
    a.require = require;
    *results = json_array();
    tarn_code rc = tarn_flow_gate(NULL, s->lake, &a, *results, err);
    json_decref(require);
    return rc;
}

static void commands_pass_or_fail_and_say_so(void **state)
{
    static const char *const good[] = {
        "command: echo fine $TARN_REF $TARN_EVENT ${#TARN_COMMIT} \"[$TARN_HEAD]\"; test -d \"$TARN_LAKE/.tarn\"",
        "command: test \"$PWD\" = \"$HOME\" && test -z \"$(ls -A)\""};
    static const char *const bad[] = {"command: true", "command: printf 'first\\nthe last \\377 line\\n\\n'; exit 7"};
    static const char *const slow[] = {"command: sleep 60"};
    scratch s = scratch_new();
    json_t *results = NULL;

    (void)state;
    must(ask(&s, good, 2, 20, &results, err));
    assert_int_equal(json_array_size(results), 2);
    assert_string_equal(tarn_json_text(json_array_get(results, 0), "summary", ""), "fine main commit 64 []");
    assert_true(json_is_true(json_object_get(json_array_get(results, 1), "passed")));
    json_decref(results);
    must_fail_with(TARN_CHECK, "ended with status 7", ask(&s, bad, 2, 20, &results, err));
    assert_int_equal(json_array_size(results), 2); /* of all, and fit for JSON whatever it said */
    json_decref(results);
    must_fail_with(TARN_CHECK, "killed after 1 seconds", ask(&s, slow, 1, 1, &results, err));
    json_decref(results);
    scratch_free(&s);
}

static void a_schema_nobody_declared_is_not_kept(void **state)
{
    static const char *const schema[] = {"schema"};
    scratch s = scratch_new();
    json_t *results = NULL;

    (void)state;
    must_fail_with(TARN_CHECK, "tarn.yaml", ask(&s, schema, 1, 20, &results, err));
    json_decref(results);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(a_command_gets_what_it_is_told_and_no_more), TARN_TEST(a_command_that_does_not_end_is_killed),
           TARN_TEST(what_a_command_leaves_behind_is_killed), TARN_TEST(memory_files_and_output_are_limited),
           TARN_TEST(commands_pass_or_fail_and_say_so), TARN_TEST(a_schema_nobody_declared_is_not_kept))
