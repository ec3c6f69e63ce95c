/* SPDX-License-Identifier: Apache-2.0 */
/* hold_test.c - what is held stays: against release, moved refs, shorter times, and clocks that were set. */
#include "lake/scratch_test.h"

#include "lake/access.h"

#include "lake/care.h"
#include "lake/holding.h"
#include "lake/key.h"

static const int64_t day_us = 86400000000, hour_us = 3600000000;

/* ---- the clock ---- */

typedef struct clock_case {
    char *seen;
    int64_t now;
} clock_case;

static int64_t tick(clock_case *c, const char *boot, int64_t running_us, int64_t wall_us)
{
    tarn_machine_time m = {.wall_us = wall_us, .running_us = running_us};
    char *next = NULL;
    bool news = false;

    (void)snprintf(m.boot, sizeof m.boot, "%s", boot);
    must(tarn_hold_time(c->seen, &m, &c->now, &next, &news, err));
    tarn_free(c->seen);
    c->seen = next;
    return c->now;
}

static void time_is_what_was_proven(void **state)
{
    const int64_t t = 1795344000000000;
    clock_case c = {NULL, 0};

    (void)state;
    tarn_json_setup();
    assert_true(tick(&c, "a", hour_us, t) == t);
    assert_true(tick(&c, "a", 2 * hour_us, t + hour_us) == t + hour_us);
    assert_true(tick(&c, "a", 2 * hour_us, t + 3650 * day_us) == t + hour_us);     /* set ten years forward */
    assert_true(tick(&c, "a", 3 * hour_us, t + 3650 * day_us) == t + 2 * hour_us); /* only what ran counts */
    assert_true(tick(&c, "a", 4 * hour_us, t - day_us) == t + 3 * hour_us);        /* set back: time goes on */
    assert_true(tick(&c, "b", 60000000, t + 5 * hour_us) == t + 5 * hour_us);      /* restarted an hour later */
    assert_true(tick(&c, "c", 60000000, t + 3650 * day_us) == t + 5 * hour_us + TARN_HOLD_BOOT_DAYS * day_us);
    int64_t at = c.now;
    assert_true(tick(&c, "c", 60000000, t + 3650 * day_us) == at);
    assert_true(tick(&c, "b", 60000000, t + 3650 * day_us) == at); /* a known start proves no more than it ran */
    assert_true(tick(&c, "a", 0, t + 3650 * day_us) == at);
    assert_true(tick(&c, "d", 1, t) == at); /* never back */
    for (int i = 0; i < 100; i++) {
        char boot[8];
        (void)snprintf(boot, sizeof boot, "x%d", i);
        (void)tick(&c, boot, 1, t);
    }
    assert_true(c.now == at);
    tarn_free(c.seen);
    int64_t now;
    char *next = NULL;
    bool news;
    tarn_machine_time m = {.wall_us = t};
    must_fail_with(TARN_CORRUPT, "clock", tarn_hold_time("[]", &m, &now, &next, &news, err));
    must_fail_with(TARN_CORRUPT, "clock", tarn_hold_time("{\"starts\":", &m, &now, &next, &news, err));
}

/* ---- holds ---- */

static tarn_hold hold_of(const tarn_id *commit, tarn_hold_mode mode, const char *branch, int64_t for_us)
{
    tarn_hold h = {.kind = TARN_HOLD_COMMIT, .mode = mode, .id = *commit, .who = "Ann", .why = "audit"};

    (void)snprintf(h.branch, sizeof h.branch, "%s", branch);
    h.until_us = mode == TARN_HOLD_LEGAL ? 0 : tarn_now_us() + for_us;
    return h;
}

static tarn_code count(void *arg, const tarn_hold *hold, tarn_err *err)
{
    (void)hold, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static int active(tarn_lake *lake)
{
    int n = 0;
    must(tarn_lake_holds(lake, count, &n, err));
    return n;
}

static void modes_are_what_they_say(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1");

    (void)state;
    tarn_hold g = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", day_us);
    must(tarn_lake_hold(s.lake, &g, err));
    assert_string_equal(g.branch, "heads/main");
    must_fail_with(TARN_DENIED, "bypass", tarn_lake_hold_release(s.lake, g.name, false, "Bob", "", err));
    tarn_hold shorter = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", hour_us);
    must_fail_with(TARN_DENIED, "shorter", tarn_lake_hold(s.lake, &shorter, err));
    tarn_hold c = hold_of(&a, TARN_HOLD_COMPLIANCE, "main", 2 * day_us);
    must(tarn_lake_hold(s.lake, &c, err)); /* longer and stronger */
    assert_string_equal(c.name, g.name);
    assert_int_equal(active(s.lake), 1);
    scratch_reopen(&s);
    must_fail_with(TARN_DENIED, "nobody", tarn_lake_hold_release(s.lake, c.name, true, "Bob", "", err));
    tarn_hold weaker = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", 9 * day_us);
    must_fail_with(TARN_DENIED, "cannot become governance", tarn_lake_hold(s.lake, &weaker, err));
    tarn_hold l = hold_of(&a, TARN_HOLD_LEGAL, "main", 0);
    must(tarn_lake_hold(s.lake, &l, err));
    assert_int_equal(active(s.lake), 2);
    must(tarn_lake_hold_release(s.lake, l.name, false, "Ann", "settled", err));
    must_fail_with(TARN_NOT_FOUND, "released already", tarn_lake_hold_release(s.lake, l.name, false, "Ann", "", err));
    assert_int_equal(active(s.lake), 1);
    int all = 0;
    must(tarn_lake_holds_all(s.lake, count, &all, err));
    assert_int_equal(all, 2);
    must(tarn_lake_hold(s.lake, &l, err)); /* on again */
    assert_int_equal(active(s.lake), 2);
    scratch_free(&s);
}

typedef struct sought {
    const char *action, *text;
    int n;
} sought;

static tarn_code seek(void *arg, int64_t seq, const char *line, tarn_err *err)
{
    sought *s = arg;

    (void)seq, (void)err;
    s->n += strstr(line, s->action) && strstr(line, s->text);
    return TARN_OK;
}

static int recorded(tarn_lake *lake, const char *action, const char *text)
{
    char quoted[64];
    sought s = {quoted, text, 0};

    (void)snprintf(quoted, sizeof quoted, "\"action\":\"%s\"", action);
    must(tarn_audit_read(lake, 1, seek, &s, err));
    return s.n;
}

static void every_change_is_in_the_audit_log(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1");
    tarn_hold_rule rule = {.pattern = "kept", .mode = TARN_HOLD_COMPLIANCE, .days = 2};

    (void)state;
    tarn_hold g = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", day_us), l = hold_of(&a, TARN_HOLD_LEGAL, "main", 0);
    must(tarn_lake_hold(s.lake, &g, err));
    must(tarn_lake_hold(s.lake, &l, err));
    must_fail_with(TARN_DENIED, "bypass", tarn_lake_hold_release(s.lake, g.name, false, "Bob", "", err));
    must(tarn_lake_hold_release(s.lake, g.name, true, "Bob", "wrong file", err));
    must(tarn_lake_hold_release(s.lake, l.name, false, "Cid", "case closed", err));
    must(tarn_lake_hold_rule_set(s.lake, &rule, "Ann", err));
    (void)commit_text(s.lake, "kept", "a", "1");
    assert_int_equal(recorded(s.lake, "hold.set", "governance until"), 1);
    assert_int_equal(recorded(s.lake, "hold.set", "legal of commit"), 1);
    assert_int_equal(recorded(s.lake, "hold.bypass", "by Bob: wrong file"), 1);
    assert_int_equal(recorded(s.lake, "hold.release", "by Cid: case closed"), 1);
    assert_int_equal(recorded(s.lake, "hold.release", "\"target\":\"heads/main\""), 1);
    assert_int_equal(recorded(s.lake, "hold.rule", "compliance, 2 days, by Ann"), 1);
    assert_int_equal(recorded(s.lake, "hold.set", "rule kept"), 1);
    scratch_free(&s);
}

static void users_need_the_right_to_hold_and_to_pass_over(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1");
    tarn_who local = tarn_who_local(), ann = {.kind = TARN_WHO_USER, .user = "ann"},
             bob = {.kind = TARN_WHO_USER, .user = "bob"}, cid = {.kind = TARN_WHO_USER, .user = "cid"};

    (void)state;
    must(tarn_access_user_add(s.lake, &local, "ann", "a password", 10, err));
    must(tarn_access_user_add(s.lake, &local, "bob", "a password", 10, err));
    must(tarn_access_user_add(s.lake, &local, "cid", "a password", 10, err));
    must(tarn_access_grant(s.lake, &local, &(tarn_grant){.user = "ann", .what = "maintainer"}, err));
    must(tarn_access_grant(s.lake, &local, &(tarn_grant){.user = "bob", .what = "admin"}, err));
    must(tarn_access_grant(s.lake, &local, &(tarn_grant){.user = "cid", .what = "writer"}, err));
    tarn_hold g = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", day_us), l = hold_of(&a, TARN_HOLD_LEGAL, "main", 0);
    tarn_access_enter(s.lake, &cid);
    must_fail_with(TARN_DENIED, "hold.set", tarn_lake_hold(s.lake, &g, err));
    tarn_access_enter(s.lake, &ann);
    must(tarn_lake_hold(s.lake, &g, err));
    must(tarn_lake_hold(s.lake, &l, err));
    must_fail_with(TARN_DENIED, "hold.bypass", tarn_lake_hold_release(s.lake, g.name, true, "", "", err));
    must(tarn_lake_hold_release(s.lake, l.name, false, "", "", err));
    assert_int_equal(active(s.lake), 1);
    tarn_access_enter(s.lake, &bob);
    must(tarn_lake_hold_release(s.lake, g.name, true, "", "", err));
    tarn_access_leave(s.lake);
    assert_int_equal(active(s.lake), 0);
    assert_int_equal(recorded(s.lake, "hold.bypass", "\"who\":\"user:bob\""), 1);
    must(tarn_lake_hold(s.lake, &g, err));
    must(tarn_lake_hold_release(s.lake, g.name, true, "", "", err)); /* the owner of the folder */
    scratch_free(&s);
}

static void no_problem(void *arg, const char *line)
{
    (void)arg;
    fail_msg("%s", line);
}

/* Reopened: what is in memory does not count. */
static void collect(scratch *s)
{
    tarn_gc out;
    must(tarn_lake_gc(s->lake, &(tarn_gc_options){.no_grace = true}, &out, NULL, err));
    scratch_reopen(s);
}

static bool reads(tarn_lake *lake, const tarn_id *commit, const char *text)
{
    tarn_entry e;
    char *bytes = NULL;
    size_t len = 0;
    tarn_code rc = tarn_lake_lookup(lake, commit, "a", &e, NULL);

    if (rc == TARN_OK) rc = tarn_lake_get(lake, &e.object.id, 1 << 20, &bytes, &len, NULL);
    bool same = rc == TARN_OK && len == strlen(text) && memcmp(bytes, text, len) == 0;
    tarn_free(bytes);
    return same;
}

/* A commit of a branch that is gone, and an object of another, held and let go. */
static void held_through_collections(scratch *s)
{
    tarn_id kept = commit_text(s->lake, "main", "b", "main"), a = commit_text(s->lake, "side", "a", "held"),
            other = commit_text(s->lake, "other", "a", "an object");
    tarn_entry e;

    must(tarn_lake_lookup(s->lake, &other, "a", &e, err));
    tarn_hold h = hold_of(&a, TARN_HOLD_LEGAL, "", 0), o = hold_of(&e.object.id, TARN_HOLD_LEGAL, "", 0);
    o.kind = TARN_HOLD_OBJECT;
    must(tarn_lake_hold(s->lake, &h, err));
    must(tarn_lake_hold(s->lake, &o, err));
    must(tarn_lake_ref_move(s->lake, "side", &a, NULL, "Ann", "", err));
    must(tarn_lake_ref_move(s->lake, "other", &other, NULL, "Ann", "", err));
    usleep(2000);
    collect(s);
    assert_true(reads(s->lake, &a, "held"));
    assert_false(reads(s->lake, &other, "an object"));
    char *bytes = NULL;
    size_t len = 0;
    must(tarn_lake_get(s->lake, &e.object.id, 1 << 20, &bytes, &len, err));
    assert_int_equal(len, 9);
    tarn_free(bytes);
    must_fail_with(TARN_NOT_FOUND, "",
                   tarn_lake_hold(s->lake, &(tarn_hold){.id = other, .mode = TARN_HOLD_LEGAL}, err));
    must(tarn_lake_hold_release(s->lake, h.name, false, "Ann", "settled", err));
    must(tarn_lake_hold_release(s->lake, o.name, false, "Ann", "settled", err));
    collect(s);
    assert_false(reads(s->lake, &a, "held"));
    assert_int_equal(tarn_lake_get(s->lake, &e.object.id, 1 << 20, &bytes, &len, NULL), TARN_NOT_FOUND);
    tarn_fsck found;
    must(tarn_lake_fsck(s->lake, no_problem, NULL, &found, NULL, err));
    must(tarn_lake_lookup(s->lake, &kept, "b", &e, err));
}

static void what_is_held_is_not_collected(void **state)
{
    scratch s = scratch_new();

    (void)state;
    held_through_collections(&s);
    scratch_free(&s);
}

static void nor_in_an_encrypted_lake(void **state)
{
    scratch s = {.folder = "/tmp/tarn-lake-test-XXXXXX"};

    (void)state;
    tarn_json_setup();
    assert_non_null(mkdtemp(s.folder));
    assert_int_equal(setenv("TARN_PASSPHRASE", "a long phrase", 1), 0);
    must(tarn_lake_init_encrypted(s.folder, NULL, NULL, &(tarn_lake_key){.passphrase = "a long phrase"}, err));
    must(tarn_lake_open(s.folder, &s.lake, err));
    held_through_collections(&s);
    scratch_free(&s);
    assert_int_equal(unsetenv("TARN_PASSPHRASE"), 0);
}

static void what_is_not_right_is_refused(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1"), none = {{1}};
    tarn_entry e;

    (void)state;
    tarn_hold h = hold_of(&none, TARN_HOLD_GOVERNANCE, "main", day_us);
    must_fail_with(TARN_NOT_FOUND, "no commit", tarn_lake_hold(s.lake, &h, err));
    h = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", -day_us);
    must_fail_with(TARN_INVALID, "past", tarn_lake_hold(s.lake, &h, err));
    h = hold_of(&a, TARN_HOLD_GOVERNANCE, "main", 40000 * day_us);
    must_fail_with(TARN_LIMIT, "36500", tarn_lake_hold(s.lake, &h, err));
    h.until_us = 0;
    must_fail_with(TARN_INVALID, "needs the time", tarn_lake_hold(s.lake, &h, err));
    must(tarn_lake_lookup(s.lake, &a, "a", &e, err));
    h = hold_of(&e.object.id, TARN_HOLD_LEGAL, "main", 0);
    must_fail_with(TARN_NOT_FOUND, "no commit", tarn_lake_hold(s.lake, &h, err));
    h.kind = TARN_HOLD_OBJECT;
    (void)strcpy(h.path, "a");
    must(tarn_lake_hold(s.lake, &h, err));
    must_fail_with(TARN_INVALID, "6 to 32", tarn_lake_hold_release(s.lake, "abc", false, "", "", err));
    must_fail_with(TARN_NOT_FOUND, "no hold", tarn_lake_hold_release(s.lake, "zzzzzzzz", false, "", "", err));
    must_fail_with(TARN_INVALID, "the lake's own", tarn_lake_fact_set(s.lake, "lake/hold/x/y", "{}", err));
    assert_int_equal(active(s.lake), 1);
    scratch_free(&s);
}

static void held_refs_stay(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1"), b = commit_text(s.lake, "main", "a", "2"), c;

    (void)state;
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &a, "Ann", "", err));
    must(tarn_lake_ref_move(s.lake, "heads/other", NULL, &b, "Ann", "", err));
    tarn_hold h = hold_of(&b, TARN_HOLD_COMPLIANCE, "main", day_us), t = hold_of(&a, TARN_HOLD_LEGAL, "tags/v1", 0);
    must(tarn_lake_hold(s.lake, &h, err));
    must(tarn_lake_hold(s.lake, &t, err));
    must_fail_with(TARN_DENIED, "cannot be removed", tarn_lake_ref_move(s.lake, "main", &b, NULL, "Ann", "", err));
    must_fail_with(TARN_DENIED, "cannot be moved", tarn_lake_ref_move(s.lake, "main", &b, &a, "Ann", "", err));
    must_fail_with(TARN_DENIED, "legal", tarn_lake_ref_move(s.lake, "tags/v1", &a, NULL, "Ann", "", err));
    c = commit_text(s.lake, "main", "a", "3"); /* forward is fine */
    c = commit_text(s.lake, "main", "a", "4");
    must(tarn_lake_ref_move(s.lake, "main", &c, &b, "Ann", "", err));          /* back to what is held, too */
    must(tarn_lake_ref_move(s.lake, "heads/other", &b, NULL, "Ann", "", err)); /* another ref is free */
    must(tarn_lake_hold_release(s.lake, t.name, false, "Ann", "", err));
    must(tarn_lake_ref_move(s.lake, "tags/v1", &a, NULL, "Ann", "", err));
    scratch_free(&s);
}

static void an_end_is_an_end_only_by_the_lakes_clock(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1");
    tarn_hold h = hold_of(&a, TARN_HOLD_COMPLIANCE, "main", 700000), late = h;
    tarn_machine_time m;
    char seen[300];
    int64_t now = 0, ahead = 0;

    (void)state;
    must(tarn_lake_hold(s.lake, &h, err));
    assert_int_equal(active(s.lake), 1);
    (void)usleep(800000);
    assert_int_equal(active(s.lake), 0);
    late.until_us = tarn_now_us() + 500000;
    must(tarn_lake_hold(s.lake, &late, err));
    /* As if the machine's clock had been set forward by an hour since. */
    tarn_machine_now(&m);
    (void)snprintf(
        seen, sizeof seen,
        "{\"starts\":[{\"boot\":\"%s\",\"running_us\":%lld,\"lake_us\":%lld}],\"highest_seen_time_us\":%lld}", m.boot,
        (long long)m.running_us, (long long)(m.wall_us - hour_us), (long long)(m.wall_us - hour_us));
    tarn_lake_lock(s.lake);
    must(tarn_meta_begin(s.lake->meta, err));
    must(tarn_meta_fact_set(s.lake->meta, "lake/hold-clock", seen, err));
    must(tarn_meta_commit(s.lake->meta, err));
    tarn_lake_unlock(s.lake);
    (void)usleep(700000);
    assert_int_equal(active(s.lake), 1);
    must_fail_with(TARN_DENIED, "ahead", tarn_lake_hold_release(s.lake, late.name, false, "Ann", "", err));
    must(tarn_lake_hold_clock(s.lake, &now, &ahead, err));
    assert_true(ahead > hour_us - 2000000 && ahead < hour_us + 2000000);
    /* New holds are as long as they say, on that clock. */
    tarn_hold fresh = hold_of(&a, TARN_HOLD_GOVERNANCE, "", 300000);
    must(tarn_lake_hold(s.lake, &fresh, err));
    assert_int_equal(active(s.lake), 2);
    (void)usleep(400000);
    assert_int_equal(active(s.lake), 1);
    scratch_free(&s);
}

static tarn_code show_rule(void *arg, const tarn_hold_rule *rule, tarn_err *err)
{
    char *line = arg;
    (void)err;
    (void)sprintf(line + strlen(line), "%s %s %lld;", rule->pattern, tarn_hold_modes[rule->mode],
                  (long long)rule->days);
    return TARN_OK;
}

static void rules_hold_what_is_new(void **state)
{
    scratch s = scratch_new();
    tarn_id a = commit_text(s.lake, "main", "a", "1"), b;
    char line[300] = "";

    (void)state;
    must(tarn_lake_hold_rule_set(s.lake, &(tarn_hold_rule){"ma*", TARN_HOLD_GOVERNANCE, 30}, "Ann", err));
    must(tarn_lake_hold_rule_set(s.lake, &(tarn_hold_rule){"heads/m*n", TARN_HOLD_COMPLIANCE, 3}, "Ann", err));
    assert_int_equal(active(s.lake), 0);
    (void)commit_text(s.lake, "other", "a", "1");
    assert_int_equal(active(s.lake), 0);
    b = commit_text(s.lake, "main", "a", "2");
    assert_int_equal(active(s.lake), 1);
    must_fail_with(TARN_DENIED, "compliance", tarn_lake_ref_move(s.lake, "main", &b, &a, "Ann", "", err));
    must(tarn_lake_hold_rule_set(s.lake, &(tarn_hold_rule){"heads/m*n", TARN_HOLD_COMPLIANCE, 0}, "Ann", err));
    must(tarn_lake_hold_rules(s.lake, show_rule, line, err));
    assert_string_equal(line, "ma* governance 30;");
    must_fail_with(TARN_DENIED, "compliance", tarn_lake_ref_move(s.lake, "main", &b, &a, "Ann", "", err));
    must_fail_with(TARN_INVALID, "rule needs",
                   tarn_lake_hold_rule_set(s.lake, &(tarn_hold_rule){"x", TARN_HOLD_LEGAL, 3}, "Ann", err));
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(time_is_what_was_proven), TARN_TEST(modes_are_what_they_say),
           TARN_TEST(every_change_is_in_the_audit_log), TARN_TEST(users_need_the_right_to_hold_and_to_pass_over),
           TARN_TEST(what_is_held_is_not_collected), TARN_TEST(nor_in_an_encrypted_lake),
           TARN_TEST(what_is_not_right_is_refused), TARN_TEST(held_refs_stay),
           TARN_TEST(an_end_is_an_end_only_by_the_lakes_clock), TARN_TEST(rules_hold_what_is_new))
