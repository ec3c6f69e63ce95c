/* SPDX-License-Identifier: Apache-2.0 */
/* audit_test.c - the chain holds, over processes, kills and failures; whatever is changed in it is found and named. */
#include "lake/scratch_test.h"

#include "base/sink.h"
#include "lake/access.h"
#include "lake/access_inside.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

typedef struct seen {
    int n;
    char last[4096], all[64][600];
} seen;

static tarn_code see(void *arg, int64_t seq, const char *record, tarn_err *err)
{
    seen *s = arg;

    (void)err;
    assert_int_equal(seq, s->n + 1);
    if (s->n < 64) (void)snprintf(s->all[s->n], sizeof s->all[0], "%s", record);
    (void)snprintf(s->last, sizeof s->last, "%s", record);
    s->n++;
    return TARN_OK;
}

static int count(tarn_lake *lake, const char *text)
{
    static seen s; /* large */
    int n = 0;

    memset(&s, 0, sizeof s);
    must(tarn_audit_read(lake, 1, see, &s, err));
    for (int i = 0; i < s.n && i < 64; i++) n += strstr(s.all[i], text) != NULL;
    return n;
}

static void must_verify(tarn_lake *lake, int64_t records)
{
    tarn_audit_check check;

    must(tarn_audit_verify(lake, &check, err));
    if (check.bad) fail_msg("record %lld: %s", (long long)check.bad, check.why);
    if (records >= 0) assert_int_equal(check.records, records);
}

static void must_find(tarn_lake *lake, int64_t bad, const char *why)
{
    tarn_audit_check check;

    must(tarn_audit_verify(lake, &check, err));
    if (check.bad != bad || !strstr(check.why, why))
        fail_msg("wanted record %lld (%s), got %lld: %s", (long long)bad, why, (long long)check.bad, check.why);
}

/* Put a row in the place of record seq, past the lake; record NULL takes it away. */
static void forge(const scratch *s, int64_t seq, const char *record, bool with_hash)
{
    static tarn_id hashes[64]; /* as they were when last written with their hash */
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    char path[200];

    (void)snprintf(path, sizeof path, "%s/.tarn/meta.db", s->folder);
    if (record && with_hash) must(tarn_digest(record, strlen(record), &hashes[seq], err));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    const char *sql = !record     ? "DELETE FROM audit WHERE seq = ?"
                      : with_hash ? "INSERT OR REPLACE INTO audit(seq, record, hash) VALUES(?, ?, ?)"
                                  : "UPDATE audit SET record = ?2 WHERE seq = ?1";
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_int64(st, 1, seq), SQLITE_OK);
    if (record) assert_int_equal(sqlite3_bind_text(st, 2, record, -1, SQLITE_STATIC), SQLITE_OK);
    if (record && with_hash) assert_int_equal(sqlite3_bind_blob(st, 3, hashes[seq].b, 32, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    (void)sqlite3_finalize(st);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void commits_refs_and_users_are_recorded(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local();
    tarn_id id = commit_text(s.lake, "main", "a", "1");
    char by[100];

    (void)state;
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &id, "Ann", "release", err));
    must(tarn_lake_ref_move(s.lake, "tags/v1", &id, NULL, "Ann", "not yet", err));
    must(tarn_lake_ref_move(s.lake, "models/m/champion", NULL, &id, "Ann", "best", err));
    must(tarn_access_user_add(s.lake, &local, "ann", "long enough", 11, err));
    assert_int_equal(count(s.lake, "\"action\":\"commit\",\"target\":\"heads/main\",\"result\":\"ok\""), 1);
    assert_int_equal(count(s.lake, "\"action\":\"tag.create\",\"target\":\"tags/v1\""), 1);
    assert_int_equal(count(s.lake, "\"action\":\"tag.delete\",\"target\":\"tags/v1\""), 1);
    assert_int_equal(count(s.lake, "\"action\":\"model.create\""), 1);
    assert_int_equal(count(s.lake, "\"action\":\"user.add\",\"target\":\"ann\""), 1);
    (void)snprintf(by, sizeof by, "\"who\":\"local:%s\"", local.user);
    assert_int_equal(count(s.lake, by), 5);
    must_verify(s.lake, 5);
    scratch_reopen(&s);
    must_verify(s.lake, 5);
    scratch_free(&s);
}

static void who_acts_on_a_thread_is_named(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = {.kind = TARN_WHO_USER, .user = "ann", .via = "token x", .from = "10.0.0.7", .request = "r-1"};
    tarn_entry e = entry_of(s.lake, "a/b", "text");

    (void)state;
    must(tarn_lake_stage(s.lake, "main", "", &e, 1, err)); /* on the folder itself: shows in the commit */
    tarn_access_enter(s.lake, &ann);
    (void)commit_text(s.lake, "main", "a", "1");
    must(tarn_lake_stage(s.lake, "main", "", &e, 1, err));
    tarn_access_leave(s.lake);
    (void)commit_text(s.lake, "main", "a", "2");
    assert_int_equal(
        count(s.lake, "\"who\":\"user:ann\",\"via\":\"token x\",\"from\":\"10.0.0.7\",\"action\":\"commit\""), 1);
    assert_int_equal(count(s.lake, "\"request\":\"r-1\""), 2);
    assert_int_equal(count(s.lake,
                           "\"action\":\"object.write\",\"target\":\"heads/main\",\"result\":\"ok\",\"request\":"
                           "\"r-1\",\"detail\":\"a/b\""),
                     1);
    assert_int_equal(count(s.lake, "\"who\":\"local:"), 1);
    scratch_free(&s);
}

static void denials_are_gathered_and_written(void **state)
{
    scratch s = scratch_new();
    tarn_who nobody = {.kind = TARN_WHO_ANONYMOUS, .from = "10.0.0.8"};
    char name[40];

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tarn_access_check(s.lake, &nobody, TARN_ACT_OBJECT_WRITE, "main", "x", NULL), TARN_DENIED);
    must(tarn_audit_flush(s.lake, false, err));
    assert_int_equal(count(s.lake, "\"result\":\"denied\""), 1);
    assert_int_equal(count(s.lake, "\"count\":1000"), 1);
    for (int i = 0; i < TARN_NOTES + 10; i++) { /* more kinds than are kept */
        (void)snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(tarn_access_check(s.lake, &nobody, TARN_ACT_OBJECT_WRITE, "main", name, NULL), TARN_DENIED);
    }
    must(tarn_audit_flush(s.lake, false, err));
    int64_t last = 0;
    must(tarn_audit_last(s.lake, &last, err));
    assert_int_equal(last, 1 + TARN_NOTES + 1);
    assert_int_equal(tarn_access_check(s.lake, &nobody, TARN_ACT_OBJECT_WRITE, "main", "y", NULL), TARN_DENIED);
    scratch_reopen(&s); /* closing writes what waits */
    must(tarn_audit_last(s.lake, &last, err));
    assert_int_equal(last, 1 + TARN_NOTES + 2);
    must_verify(s.lake, last);
    scratch_free(&s);
}

/* What comes from outside cannot end a record or start another. */
static void hostile_texts_stay_inside_their_record(void **state)
{
    scratch s = scratch_new();
    tarn_who who = {.kind = TARN_WHO_USER, .user = "ann", .request = "a\"},{\"seq\":9"};
    json_t *value = NULL;
    static seen got;

    (void)state;
    memset(&got, 0, sizeof got);
    must(tarn_audit_note(s.lake, &who, "x", "a\"b\\c\nd\x01\x7f\xff\xfe", "denied", "\",\"before\":\"0", err));
    must(tarn_audit_flush(s.lake, false, err));
    must(tarn_audit_read(s.lake, 1, see, &got, err));
    assert_int_equal(got.n, 1);
    must(tarn_json_read(got.last, strlen(got.last), "record", &value, err));
    assert_string_equal(tarn_json_text(value, "request", ""), "a\"},{\"seq\":9");
    assert_null(json_object_get(value, "before"));
    json_decref(value);
    must_verify(s.lake, 1);
    scratch_free(&s);
}

/* ---- tampering ---- */

static void what_is_changed_is_named(void **state)
{
    scratch s = scratch_new();
    static seen got;
    char changed[4200];

    (void)state;
    for (int i = 0; i < 8; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", i);
        (void)commit_text(s.lake, "main", "a", text);
    }
    memset(&got, 0, sizeof got);
    must(tarn_audit_read(s.lake, 1, see, &got, err));
    must_verify(s.lake, 8);
    for (int k = 1; k <= 8; k++) { /* each record in turn: another text, with and without its hash; then as it was */
        char *who = NULL;
        (void)snprintf(changed, sizeof changed, "%s", got.all[k - 1]);
        who = strstr(changed, "commit");
        assert_non_null(who);
        memcpy(who, "cOmmit", 6);
        forge(&s, k, changed, false);
        must_find(s.lake, k, "does not match its hash");
        forge(&s, k, changed, true);
        if (k < 8) must_find(s.lake, k, "changed together with its hash");
        else must_verify(s.lake, 8); /* the last one: only an anchor, or a noted hash, can tell */
        forge(&s, k, got.all[k - 1], true);
        must_verify(s.lake, 8);
    }
    forge(&s, 3, NULL, false);
    must_find(s.lake, 3, "record 3 is missing");
    forge(&s, 3, got.all[3], true); /* another's record in its place */
    must_find(s.lake, 3, "does not name its own number");
    forge(&s, 3, got.all[2], true);
    forge(&s, 1, NULL, false);
    must_find(s.lake, 1, "record 1 is missing");
    scratch_free(&s);
}

/* Somebody who does the whole chain again, or cuts its end off, is found by the anchors. */
static void anchors_tell_of_a_new_chain_and_a_cut_one(void **state)
{
    scratch s = scratch_new();
    static seen got;
    tarn_id before = {{0}};
    tarn_audit_check check;

    (void)state;
    for (int i = 0; i < 4; i++) (void)commit_text(s.lake, "main", "a", i % 2 ? "1" : "2");
    must(tarn_audit_anchor(s.lake, err)); /* of record 4; its commit is record 5 */
    (void)commit_text(s.lake, "main", "a", "3");
    must(tarn_audit_verify(s.lake, &check, err));
    assert_int_equal(check.bad, 0);
    assert_int_equal(check.anchors, 1);
    assert_int_equal(check.records, 6);
    memset(&got, 0, sizeof got);
    must(tarn_audit_read(s.lake, 1, see, &got, err));
    for (int k = 5; k <= 6; k++) forge(&s, k, NULL, false);
    must_verify(s.lake, 4);
    forge(&s, 4, NULL, false);
    must_find(s.lake, 4, "the log ends at record 3, but record 4 was there");
    for (int k = 1; k <= 6; k++) { /* all of it anew, with another first record */
        char line[1000], hex[TARN_ID_HEX], *end;
        (void)snprintf(line, sizeof line, "%s", got.all[k - 1]);
        if (k == 1) memcpy(strstr(line, "commit"), "cOmmit", 6);
        end = strstr(line, ",\"before\"");
        if (end) (void)sprintf(end, ",\"before\":\"%s\"}", tarn_id_hex(&before, hex));
        forge(&s, k, line, true);
        must(tarn_digest(line, strlen(line), &before, err));
    }
    must_find(s.lake, 1, "the records from 1 to 4 were written anew");
    scratch_free(&s);
}

static void a_thousand_records_make_an_anchor(void **state)
{
    scratch s = scratch_new();
    tarn_who who = {.kind = TARN_WHO_USER, .user = "ann"};
    char target[20];
    tarn_id id;
    tarn_audit_check check;

    (void)state;
    for (int i = 0; i < TARN_ANCHOR_EVERY + 300; i++) {
        (void)snprintf(target, sizeof target, "t%d", i);
        must(tarn_audit_note(s.lake, &who, "x", target, "ok", NULL, err));
        if (i % 200 == 199) must(tarn_audit_flush(s.lake, false, err));
    }
    must(tarn_lake_ref_get(s.lake, "audit", &id, err));
    must(tarn_audit_verify(s.lake, &check, err));
    assert_int_equal(check.bad, 0);
    assert_int_equal(check.anchors, 1);
    scratch_free(&s);
}

/* ---- many at once, kills, failures ---- */

enum { COMMITTERS = 8, EACH = 12 };

static void *commit_some(void *arg)
{
    tarn_lake *lake = arg;
    char path[40], text[80];

    for (int i = 0; i < EACH; i++) {
        tarn_entry e = {.path = ""};
        tarn_id id;
        tarn_commit_options o = {.author = "t", .message = "m", .even_if_same = true};
        (void)snprintf(path, sizeof path, "p%lx", (unsigned long)pthread_self());
        (void)snprintf(text, sizeof text, "%s %d", path, i);
        (void)strcpy(e.path, path);
        if (tarn_lake_put(lake, text, strlen(text), &e.object, NULL) != TARN_OK ||
            tarn_lake_commit_entries(lake, "main", &e, 1, &o, &id, NULL) != TARN_OK)
            return arg;
    }
    return NULL;
}

static void threads_and_processes_write_one_chain(void **state)
{
    scratch s = scratch_new();
    pthread_t threads[COMMITTERS];
    void *failed;
    int status;

    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tarn_lake *other = NULL;
        _exit(tarn_lake_open(s.folder, &other, NULL) != TARN_OK || commit_some(other) != NULL);
    }
    for (int i = 0; i < COMMITTERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, commit_some, s.lake), 0);
    for (int i = 0; i < COMMITTERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    must_verify(s.lake, (COMMITTERS + 1) * EACH);
    scratch_free(&s);
}

static void a_kill_leaves_a_whole_chain(void **state)
{
    scratch s = scratch_new();
    int status;

    (void)state;
    tarn_lake_close(s.lake);
    s.lake = NULL;
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            tarn_lake *other = NULL;
            if (tarn_lake_open(s.folder, &other, NULL) != TARN_OK) _exit(1);
            for (;;)
                if (commit_some(other)) _exit(1);
        }
        (void)usleep(20000 + 7000 * (unsigned)round);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
    }
    must(tarn_lake_open(s.folder, &s.lake, err));
    must_verify(s.lake, -1);
    scratch_free(&s);
}

static void without_memory_nothing_is_half_recorded(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local();
    tarn_code rc = TARN_NOMEM;

    (void)state;
    for (int64_t n = 1; rc != TARN_OK; n++) {
        tarn_err why = {0};
        int64_t before = 0, after = 0;
        must(tarn_audit_last(s.lake, &before, err));
        tarn_mem_fail_after(n);
        rc = tarn_audit_note(s.lake, &local, "x", "y", "ok", NULL, &why);
        if (rc == TARN_OK) rc = tarn_audit_flush(s.lake, false, &why);
        tarn_mem_fail_after(0);
        must(tarn_audit_last(s.lake, &after, err));
        assert_true(rc == TARN_OK ? after > before : after == before);
        must_verify(s.lake, after);
    }
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(commits_refs_and_users_are_recorded), TARN_TEST(who_acts_on_a_thread_is_named),
           TARN_TEST(denials_are_gathered_and_written), TARN_TEST(hostile_texts_stay_inside_their_record),
           TARN_TEST(what_is_changed_is_named), TARN_TEST(anchors_tell_of_a_new_chain_and_a_cut_one),
           TARN_TEST(a_thousand_records_make_an_anchor), TARN_TEST(threads_and_processes_write_one_chain),
           TARN_TEST(a_kill_leaves_a_whole_chain), TARN_TEST(without_memory_nothing_is_half_recorded))
