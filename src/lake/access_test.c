/* SPDX-License-Identifier: Apache-2.0 */
/* access_test.c - who may do what: every action by every role on every kind of pattern against a second, plainer
 * statement of the rules; credentials that are right, wrong, ended, revoked; the rules of copying, listing and tags. */
#include "lake/scratch_test.h"

#include "base/sink.h"
#include "lake/access.h"

#include <sys/stat.h>

static tarn_who user_of(const char *name)
{
    tarn_who who = {.kind = TARN_WHO_USER};
    (void)snprintf(who.user, sizeof who.user, "%s", name);
    return who;
}

static void add_user(tarn_lake *lake, const char *name)
{
    tarn_who local = tarn_who_local();
    must(tarn_access_user_add(lake, &local, name, "long enough", 11, err));
}

static tarn_grant grant_of(const char *user, const char *what, const char *branch, const char *path, const char *model)
{
    tarn_grant g = {.deny = false};

    (void)snprintf(g.user, sizeof g.user, "%s", user);
    (void)snprintf(g.what, sizeof g.what, "%s", what);
    (void)snprintf(g.branch, sizeof g.branch, "%s", branch);
    (void)snprintf(g.path, sizeof g.path, "%s", path);
    (void)snprintf(g.model, sizeof g.model, "%s", model);
    return g;
}

static void put_grant(tarn_lake *lake, tarn_grant g, bool deny, bool add)
{
    tarn_who local = tarn_who_local();

    g.deny = deny;
    if (add) must(tarn_access_grant(lake, &local, &g, err));
    else must(tarn_access_revoke(lake, &local, &g, err));
}

static bool may(tarn_lake *lake, const tarn_who *who, tarn_action action, const char *branch, const char *name)
{
    tarn_err err = {0};
    tarn_code rc = tarn_access_check(lake, who, action, branch, name, &err);

    if (rc != TARN_OK && rc != TARN_DENIED) fail_msg("%s", err.msg);
    if (rc == TARN_DENIED) assert_true(err.msg[0] != '\0' && err.msg[strlen(err.msg) - 1] != '.');
    return rc == TARN_OK;
}

/* ---- the matrix ---- */

static const struct {
    const char *branch, *path, *model;
} places[] = {{"", "", ""},        {"main", "", ""},  {"exp/*", "", ""}, {"*", "", ""}, {"", "data", ""},
              {"main", "a/b", ""}, {"", "", "churn"}, {"", "", "ch*"},   {"", "", "*"}};
enum { PLACES = sizeof places / sizeof *places };

static const struct {
    const char *branch, *name;
} asked[] = {{"main", NULL},         {"heads/main", "data/x.csv"}, {"main", "data"},
             {"main", "database/x"}, {"exp/one", "a/b/c"},         {"exp/one", NULL},
             {"main", "a/b"},        {"main", "data/*"},           {"main", "da*"},
             {"main", "*"},          {"experiment", "data/x"}};
enum { ASKED = sizeof asked / sizeof *asked };
static const char *const models[] = {"churn", "chess", "other", NULL};

/* The rules once more, in other words and without patterns: which of the places above cover which of the questions. */
static bool place_covers(int place, int question, const char *model, tarn_scope on, tarn_action action, bool deny)
{
    static const char branch_hits[PLACES][ASKED + 1] = {
        "yyyyyyyyyyy", "yyyy..yyyy.", "....yy.....", "yyyyyyyyyyy", "", "",
        "...........", "...........", "..........."};
    static const char data_allow[] = ".yy....y..y", data_deny[] = "yyy..y.yyyy", ab_allow[] = "......y....",
                      ab_deny[] = "y.....y..y.";
    const char *p = place == 4 ? (deny ? data_deny : data_allow) : place == 5 ? (deny ? ab_deny : ab_allow) : NULL;

    if (on == TARN_ON_LAKE) return place == 0;
    if (on == TARN_ON_MODEL) {
        if (place == 0 || place == 8) return true;
        if (place < 6) return false;
        if (!model) return deny;
        return strcmp(model, "churn") == 0 || (place == 7 && strcmp(model, "chess") == 0);
    }
    if (p && action == TARN_ACT_COMMIT && !asked[question].name)
        return !deny && (place == 4 || strncmp(asked[question].branch, "exp", 3) != 0);
    return (p ? p : branch_hits[place])[question] == 'y';
}

static void ask_all(tarn_lake *lake, const tarn_who *who, int place, int role, bool deny)
{
    for (int a = 0; a < TARN_ACT_COUNT; a++) {
        const tarn_action_info *info = tarn_action_at((tarn_action)a);
        int n = info->on == TARN_ON_LAKE ? 1 : info->on == TARN_ON_BRANCH ? ASKED : 4;
        for (int i = 0; i < n; i++) {
            const char *branch = info->on == TARN_ON_BRANCH ? asked[i].branch : NULL;
            const char *name = info->on == TARN_ON_LAKE ? NULL : info->on == TARN_ON_BRANCH ? asked[i].name : models[i];
            if (a == TARN_ACT_TAG) continue; /* below */
            bool hit = place_covers(place, i, name, info->on, (tarn_action)a, deny) &&
                       (deny ? (int)info->least >= role : (int)info->least <= role);
            bool want = info->least == TARN_ROLE_ANYBODY || (deny ? !hit : hit);
            if (may(lake, who, (tarn_action)a, branch, name) != want)
                fail_msg("%s of %s at place %d: %s on %s, %s should be %s", deny ? "deny" : "grant",
                         tarn_role_name((tarn_role)role), place, info->word, branch ? branch : "-", name ? name : "-",
                         want ? "allowed" : "refused");
        }
    }
}

static void every_action_role_and_pattern(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann");

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    (void)commit_text(s.lake, "exp/one", "a", "1");
    (void)commit_text(s.lake, "experiment", "a", "1");
    add_user(s.lake, "ann");
    for (int role = TARN_ROLE_READER; role <= TARN_ROLE_ADMIN; role++)
        for (int place = 0; place < PLACES; place++) {
            tarn_grant g = grant_of("ann", tarn_role_name((tarn_role)role), places[place].branch, places[place].path,
                                    places[place].model);
            put_grant(s.lake, g, false, true);
            ask_all(s.lake, &ann, place, role, false);
            put_grant(s.lake, g, false, false);
        }
    put_grant(s.lake, grant_of("*", "admin", "", "", ""), false, true);
    for (int role = TARN_ROLE_READER; role <= TARN_ROLE_ADMIN; role++)
        for (int place = 0; place < PLACES; place++) {
            tarn_grant g = grant_of("ann", tarn_role_name((tarn_role)role), places[place].branch, places[place].path,
                                    places[place].model);
            put_grant(s.lake, g, true, true);
            ask_all(s.lake, &ann, place, role, true);
            put_grant(s.lake, g, true, false);
        }
    scratch_free(&s);
}

static void single_actions_and_everybodys_grants(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann"), ben = user_of("ben"), stranger = user_of("zoe");

    (void)state;
    add_user(s.lake, "ann");
    add_user(s.lake, "ben");
    put_grant(s.lake, grant_of("*", "reader", "", "", ""), false, true);
    put_grant(s.lake, grant_of("ann", "hold.bypass", "main", "", ""), false, true);
    assert_true(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "main", "a"));
    assert_true(may(s.lake, &ben, TARN_ACT_OBJECT_READ, "main", "a"));
    assert_false(may(s.lake, &stranger, TARN_ACT_OBJECT_READ, "main", "a")); /* no such user any more */
    assert_true(may(s.lake, &ann, TARN_ACT_HOLD_BYPASS, "main", NULL));
    assert_false(may(s.lake, &ann, TARN_ACT_HOLD_BYPASS, "exp", NULL));
    assert_false(may(s.lake, &ben, TARN_ACT_HOLD_BYPASS, "main", NULL));
    put_grant(s.lake, grant_of("ben", "predict", "", "", "churn"), true, true);
    assert_false(may(s.lake, &ben, TARN_ACT_PREDICT, NULL, "churn"));
    assert_true(may(s.lake, &ben, TARN_ACT_PREDICT, NULL, "other"));
    assert_true(may(s.lake, &ben, TARN_ACT_MODEL_READ, NULL, "churn"));
    scratch_free(&s);
}

static void anonymous_may_what_it_is_told(void **state)
{
    scratch s = scratch_new();
    tarn_who nobody = {.kind = TARN_WHO_ANONYMOUS};

    (void)state;
    add_user(s.lake, "ann");
    put_grant(s.lake, grant_of("*", "admin", "", "", ""), false, true); /* speaks of users */
    for (int level = TARN_ANONYMOUS_NONE; level <= TARN_ANONYMOUS_READ; level++) {
        nobody.anonymous = (tarn_anonymous)level;
        for (int a = 0; a < TARN_ACT_COUNT; a++) {
            const tarn_action_info *info = tarn_action_at((tarn_action)a);
            bool predict = a == TARN_ACT_PREDICT || a == TARN_ACT_MODEL_READ;
            bool want = info->least == TARN_ROLE_ANYBODY ||
                        (predict ? level >= TARN_ANONYMOUS_PREDICT
                                 : level == TARN_ANONYMOUS_READ && info->least == TARN_ROLE_READER);
            assert_int_equal(may(s.lake, &nobody, (tarn_action)a, "main", "x"), want);
        }
    }
    put_grant(s.lake, grant_of("*", "reader", "main", "secret", ""), true, true);
    assert_false(may(s.lake, &nobody, TARN_ACT_OBJECT_READ, "main", "secret/x"));
    assert_false(may(s.lake, &nobody, TARN_ACT_OBJECT_READ, "main", "s*"));
    assert_true(may(s.lake, &nobody, TARN_ACT_OBJECT_READ, "main", "open/x"));
    scratch_free(&s);
}

/* What lakeFS once missed (GHSA-m836): copying asks for the source too. */
static void copying_needs_the_source(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann");

    (void)state;
    (void)commit_text(s.lake, "main", "a", "1");
    add_user(s.lake, "ann");
    put_grant(s.lake, grant_of("ann", "writer", "exp/*", "", ""), false, true);
    must_fail_with(TARN_DENIED, "object.read", tarn_access_check_copy(s.lake, &ann, "main", "a", "exp/1", "a", err));
    put_grant(s.lake, grant_of("ann", "reader", "main", "", ""), false, true);
    must(tarn_access_check_copy(s.lake, &ann, "main", "a", "exp/1", "a", err));
    must_fail_with(TARN_DENIED, "object.write", tarn_access_check_copy(s.lake, &ann, "main", "a", "main", "b", err));
    scratch_free(&s);
}

/* A denied branch cannot be read by the id of its commit or by a tag. */
static void ids_and_tags_do_not_lead_around_a_deny(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann");
    tarn_id id = commit_text(s.lake, "main", "a", "1");
    char hex[TARN_ID_HEX];

    (void)state;
    (void)commit_text(s.lake, "open", "a", "2");
    must(tarn_lake_ref_move(s.lake, "tags/v1", NULL, &id, "t", "t", err));
    (void)tarn_id_hex(&id, hex);
    add_user(s.lake, "ann");
    put_grant(s.lake, grant_of("ann", "reader", "", "", ""), false, true);
    assert_true(may(s.lake, &ann, TARN_ACT_OBJECT_READ, hex, "a"));
    assert_true(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "v1", "a"));
    put_grant(s.lake, grant_of("ann", "reader", "main", "", ""), true, true);
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "main~1", "a"));
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "heads/main@{2026-01-01}", "a"));
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, hex, "a"));
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "v1", "a"));
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "tags/v1", "a"));
    assert_true(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "open", "a"));
    scratch_free(&s);
}

static void tags_are_granted_by_their_names(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann");

    (void)state;
    add_user(s.lake, "ann");
    put_grant(s.lake, grant_of("ann", "maintainer", "tags/v*", "", ""), false, true);
    assert_true(may(s.lake, &ann, TARN_ACT_TAG, "v1", NULL));
    assert_true(may(s.lake, &ann, TARN_ACT_TAG, "tags/v1", NULL));
    assert_false(may(s.lake, &ann, TARN_ACT_TAG, "w1", NULL));
    assert_false(may(s.lake, &ann, TARN_ACT_MERGE, "v1", NULL));
    scratch_free(&s);
}

static void nobody_writes_the_audit_branch(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann"), owner = tarn_who_local();

    (void)state;
    add_user(s.lake, "ann");
    put_grant(s.lake, grant_of("ann", "admin", "", "", ""), false, true);
    assert_true(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "audit", "x"));
    assert_true(may(s.lake, &ann, TARN_ACT_BRANCH_DELETE, "audits", NULL));
    must_fail_with(TARN_DENIED, "only Tarn",
                   tarn_access_check(s.lake, &ann, TARN_ACT_BRANCH_DELETE, "audit", NULL, err));
    must_fail_with(TARN_DENIED, "only Tarn",
                   tarn_access_check(s.lake, &ann, TARN_ACT_OBJECT_WRITE, "heads/audit", "x", err));
    must(tarn_access_check(s.lake, &owner, TARN_ACT_OBJECT_WRITE, "audit", "x", err));
    (void)snprintf(owner.from, sizeof owner.from, "127.0.0.1");
    must(tarn_access_check(s.lake, &owner, TARN_ACT_OBJECT_READ, "audit", "x", err));
    must(tarn_access_check(s.lake, &owner, TARN_ACT_OBJECT_WRITE, "main", "x", err));
    must_fail_with(TARN_DENIED, "only Tarn",
                   tarn_access_check(s.lake, &owner, TARN_ACT_OBJECT_WRITE, "audit", "x", err));
    must_fail_with(TARN_DENIED, "only Tarn",
                   tarn_access_check(s.lake, &owner, TARN_ACT_BRANCH_CREATE, "heads/audit", NULL, err));
    scratch_free(&s);
}

static void a_refusal_says_what_is_missing_and_who_can_help(void **state)
{
    scratch s = scratch_new();
    tarn_who ann = user_of("ann"), nobody = {.kind = TARN_WHO_ANONYMOUS};

    (void)state;
    add_user(s.lake, "ann");
    add_user(s.lake, "root");
    put_grant(s.lake, grant_of("root", "admin", "", "", ""), false, true);
    must_fail_with(TARN_DENIED,
                   "it needs the role writer, which `tarn grant ann writer --branch main` gives; ask root, ",
                   tarn_access_check(s.lake, &ann, TARN_ACT_OBJECT_WRITE, "main", "a/b", err));
    must_fail_with(TARN_DENIED, "needs a credential",
                   tarn_access_check(s.lake, &nobody, TARN_ACT_OBJECT_WRITE, "main", "a/b", err));
    put_grant(s.lake, grant_of("ann", "writer", "", "", ""), false, true);
    put_grant(s.lake, grant_of("*", "writer", "main", "", ""), true, true);
    must_fail_with(TARN_DENIED, "a deny of writer for '*' forbids it",
                   tarn_access_check(s.lake, &ann, TARN_ACT_OBJECT_WRITE, "main", "a/b", err));
    ann.most = TARN_ROLE_READER;
    (void)strcpy(ann.via, "token abcdefgh");
    must_fail_with(TARN_DENIED, "carries reader and no more",
                   tarn_access_check(s.lake, &ann, TARN_ACT_OBJECT_WRITE, "exp", "a/b", err));
    scratch_free(&s);
}

/* The table in the docs says what actions.def says. */
static void the_docs_list_every_action(void **state)
{
    static const char *const on[] = {"lake", "branch, path", "model"};
    char *docs = NULL, line[200];
    size_t len = 0, listed = 0;

    (void)state;
    must(tarn_file_read("docs/security/access.md", 0, &docs, &len, err));
    for (int a = 0; a < TARN_ACT_COUNT; a++) {
        const tarn_action_info *info = tarn_action_at((tarn_action)a);
        if (info->least == TARN_ROLE_ANYBODY) continue;
        (void)snprintf(line, sizeof line, "\n| `%s` | %s | %s |\n", info->word, on[info->on],
                       tarn_role_name(info->least));
        if (!strstr(docs, line)) fail_msg("docs/security/access.md lacks:%s", line);
        listed++;
    }
    size_t there = 0;
    for (const char *p = docs; (p = strstr(p, "\n| `")) != NULL; p++) there++;
    assert_int_equal(there, listed + 4); /* and the head and words of `anonymous:` */
    tarn_free(docs);
}

/* ---- credentials ---- */

static void tokens_live_and_end(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local(), who = {.kind = TARN_WHO_ANONYMOUS};
    char token[TARN_TOKEN_TEXT], ending[TARN_TOKEN_TEXT], wrong[TARN_TOKEN_TEXT];
    tarn_credential what = {.user = "ann", .most = TARN_ROLE_READER, .note = "ci"};

    (void)state;
    must_fail_with(TARN_NOT_FOUND, "no user 'ann'", tarn_access_token_new(s.lake, &local, &what, token, err));
    add_user(s.lake, "ann");
    must(tarn_access_token_new(s.lake, &local, &what, token, err));
    assert_int_equal(strlen(token), TARN_TOKEN_TEXT - 1);
    must(tarn_access_token(s.lake, token, &who, err));
    assert_string_equal(who.user, "ann");
    assert_int_equal(who.most, TARN_ROLE_READER);
    for (size_t i = 0; i < sizeof wrong - 1; i++) { /* any other character, anywhere */
        memcpy(wrong, token, sizeof wrong);
        wrong[i] = wrong[i] == 'q' ? 'r' : 'q';
        must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, wrong, &who, err));
    }
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, "", &who, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, "tarn_", &who, err));
    what.expires_us = 1;
    must_fail_with(TARN_INVALID, "passed already", tarn_access_token_new(s.lake, &local, &what, ending, err));
    what.expires_us = tarn_now_us() + 60000;
    must(tarn_access_token_new(s.lake, &local, &what, ending, err));
    must(tarn_access_token(s.lake, ending, &who, err));
    (void)usleep(80000);
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, ending, &who, err));
    must(tarn_access_user_enable(s.lake, &local, "ann", false, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, token, &who, err));
    must(tarn_access_user_enable(s.lake, &local, "ann", true, err));
    must(tarn_access_token(s.lake, token, &who, err));
    token[13] = '\0'; /* leaves the id */
    must(tarn_access_token_drop(s.lake, &local, token + 5, err));
    must_fail_with(TARN_NOT_FOUND, "no token", tarn_access_token_drop(s.lake, &local, token + 5, err));
    scratch_free(&s);
}

/* Revoking in one process is seen by another's next check. */
static void another_handle_sees_it_at_once(void **state)
{
    scratch s = scratch_new();
    tarn_lake *other = NULL;
    tarn_who local = tarn_who_local(), who, ann = user_of("ann");
    char token[TARN_TOKEN_TEXT], id[TARN_TOKEN_ID];
    tarn_credential what = {.user = "ann"};

    (void)state;
    must(tarn_lake_open(s.folder, &other, err));
    add_user(s.lake, "ann");
    must(tarn_access_token_new(s.lake, &local, &what, token, err));
    must(tarn_access_token(other, token, &who, err));
    assert_false(may(other, &ann, TARN_ACT_COMMIT, "main", NULL));
    put_grant(s.lake, grant_of("ann", "writer", "", "", ""), false, true);
    assert_true(may(other, &ann, TARN_ACT_COMMIT, "main", NULL));
    put_grant(s.lake, grant_of("ann", "writer", "", "", ""), false, false);
    assert_false(may(other, &ann, TARN_ACT_COMMIT, "main", NULL));
    (void)snprintf(id, sizeof id, "%.8s", token + 5);
    must(tarn_access_token_drop(s.lake, &local, id, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(other, token, &who, err));
    tarn_lake_close(other);
    scratch_free(&s);
}

static void passwords_are_checked(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local(), who = {.kind = TARN_WHO_ANONYMOUS};

    (void)state;
    must_fail_with(TARN_INVALID, "expected 8 to", tarn_access_user_add(s.lake, &local, "ann", "short", 5, err));
    must_fail_with(TARN_INVALID, "cannot name a user", tarn_access_user_add(s.lake, &local, "a b", "x", 1, err));
    must_fail_with(TARN_INVALID, "cannot name a user", tarn_access_user_add(s.lake, &local, "*", "x", 1, err));
    must_fail_with(TARN_INVALID, "cannot name a user", tarn_access_user_add(s.lake, &local, "", "x", 1, err));
    add_user(s.lake, "ann");
    must_fail_with(TARN_EXISTS, "there is a user 'ann'",
                   tarn_access_user_add(s.lake, &local, "ann", "long enough", 11, err));
    must(tarn_access_password(s.lake, "ann", "long enough", 11, &who, err));
    assert_string_equal(who.user, "ann");
    must(tarn_access_password(s.lake, "ann", "long enough", 11, &who, err)); /* remembered */
    must_fail_with(TARN_DENIED, "not valid", tarn_access_password(s.lake, "ann", "long enougi", 11, &who, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_password(s.lake, "bob", "long enough", 11, &who, err));
    must(tarn_access_user_password(s.lake, &local, "ann", "another one", 11, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_password(s.lake, "ann", "long enough", 11, &who, err));
    must(tarn_access_password(s.lake, "ann", "another one", 11, &who, err));
    must(tarn_access_user_enable(s.lake, &local, "ann", false, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_password(s.lake, "ann", "another one", 11, &who, err));
    scratch_free(&s);
}

static void keys_give_their_secret_back(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local(), who = {.kind = TARN_WHO_ANONYMOUS};
    tarn_credential what = {.user = "ann"};
    char id[TARN_KEY_ID], secret[TARN_KEY_SECRET], found[TARN_KEY_SECRET], path[200];
    struct stat st;

    (void)state;
    add_user(s.lake, "ann");
    must(tarn_access_key_new(s.lake, &local, &what, id, secret, err));
    assert_int_equal(strncmp(id, "TARN", 4), 0);
    assert_int_equal(strlen(id), 20);
    assert_int_equal(strlen(secret), 40);
    must(tarn_access_key_find(s.lake, id, found, &who, err));
    assert_string_equal(found, secret);
    assert_string_equal(who.user, "ann");
    (void)snprintf(path, sizeof path, "%s/.tarn/server.key", s.folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    must_fail_with(TARN_DENIED, "chmod 600", tarn_access_key_find(s.lake, id, found, &who, err));
    assert_int_equal(unlink(path), 0);
    must_fail_with(TARN_NOT_FOUND, "is gone", tarn_access_key_find(s.lake, id, found, &who, err));
    must(tarn_access_key_drop(s.lake, &local, id, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_key_find(s.lake, id, found, &who, err));
    must_fail_with(TARN_DENIED, "not valid", tarn_access_key_find(s.lake, "TARN", found, &who, err));
    scratch_free(&s);
}

/* Neither the metadata nor the packs hold a secret in clear. */
static void no_secret_is_on_the_disk(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local();
    tarn_credential what = {.user = "ann"};
    char id[TARN_KEY_ID], secret[TARN_KEY_SECRET], token[TARN_TOKEN_TEXT], path[200], *bytes = NULL;
    static const char *const files[] = {"meta.db", "meta.db-wal"};
    size_t len = 0;

    (void)state;
    must(tarn_access_user_add(s.lake, &local, "ann", "p4ssw0rd-marker", 15, err));
    must(tarn_access_key_new(s.lake, &local, &what, id, secret, err));
    must(tarn_access_token_new(s.lake, &local, &what, token, err));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/.tarn/%s", s.folder, files[i]);
        must(tarn_file_read(path, 0, &bytes, &len, err));
        assert_null(memmem(bytes, len, "p4ssw0rd-marker", 15));
        assert_null(memmem(bytes, len, secret, 40));
        assert_null(memmem(bytes, len, token + 13, 32));
        tarn_free(bytes);
    }
    scratch_free(&s);
}

static void removing_a_user_takes_all_that_was_theirs(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local(), who;
    tarn_credential what = {.user = "ann"};
    char token[TARN_TOKEN_TEXT], id[TARN_KEY_ID], secret[TARN_KEY_SECRET];
    static const char *const kinds[] = {"user", "token", "key", "grant"};
    bool any = true;

    (void)state;
    must(tarn_access_any_user(s.lake, &any, err));
    assert_false(any);
    add_user(s.lake, "ann");
    must(tarn_access_any_user(s.lake, &any, err));
    assert_true(any);
    must(tarn_access_token_new(s.lake, &local, &what, token, err));
    must(tarn_access_key_new(s.lake, &local, &what, id, secret, err));
    put_grant(s.lake, grant_of("ann", "writer", "", "", ""), false, true);
    for (int i = 0; i < 4; i++) {
        json_t *list = NULL;
        must(tarn_access_list(s.lake, kinds[i], &list, err));
        assert_int_equal(json_array_size(list), 1);
        assert_null(json_object_get(json_array_get(list, 0), "hash"));
        assert_null(json_object_get(json_array_get(list, 0), "sealed"));
        assert_null(json_object_get(json_array_get(list, 0), "sha256"));
        json_decref(list);
    }
    must(tarn_access_user_remove(s.lake, &local, "ann", err));
    must_fail_with(TARN_NOT_FOUND, "no user", tarn_access_user_remove(s.lake, &local, "ann", err));
    for (int i = 0; i < 4; i++) {
        json_t *list = NULL;
        must(tarn_access_list(s.lake, kinds[i], &list, err));
        assert_int_equal(json_array_size(list), 0);
        json_decref(list);
    }
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, token, &who, err));
    add_user(s.lake, "ann"); /* somebody else by that name has nothing of it */
    must_fail_with(TARN_DENIED, "not valid", tarn_access_token(s.lake, token, &who, err));
    tarn_who ann = user_of("ann");
    assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_WRITE, "main", "a"));
    scratch_free(&s);
}

static void wrong_grants_are_refused(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local();
    tarn_grant g = grant_of("ann", "boss", "", "", "");

    (void)state;
    add_user(s.lake, "ann");
    must_fail_with(TARN_INVALID, "neither a role", tarn_access_grant(s.lake, &local, &g, err));
    g = grant_of("bob", "reader", "", "", "");
    must_fail_with(TARN_NOT_FOUND, "no user 'bob'", tarn_access_grant(s.lake, &local, &g, err));
    g = grant_of("ann", "predict", "main", "", "");
    must_fail_with(TARN_INVALID, "nothing to do with branches", tarn_access_grant(s.lake, &local, &g, err));
    g = grant_of("ann", "commit", "", "", "churn");
    must_fail_with(TARN_INVALID, "nothing to do with models", tarn_access_grant(s.lake, &local, &g, err));
    g = grant_of("ann", "reader", "main", "", "");
    must_fail_with(TARN_NOT_FOUND, "no grant", tarn_access_revoke(s.lake, &local, &g, err));
    scratch_free(&s);
}

/* Whatever allocation fails, the answer is an error or a refusal, and the lake is as before. */
static void without_memory_nothing_is_allowed(void **state)
{
    scratch s = scratch_new();
    tarn_who local = tarn_who_local(), ann = user_of("ann"), who;
    tarn_credential what = {.user = "ann"};
    char token[TARN_TOKEN_TEXT], made[TARN_TOKEN_TEXT];
    tarn_grant g = grant_of("ann", "reader", "", "", "");

    (void)state;
    add_user(s.lake, "ann");
    must(tarn_access_token_new(s.lake, &local, &what, token, err));
    for (int64_t n = 1, done = 0; !done; n++) {
        tarn_err why = {0};
        scratch_reopen(&s);
        tarn_mem_fail_after(n);
        tarn_code a = tarn_access_token(s.lake, token, &who, &why);
        tarn_code b = tarn_access_check(s.lake, &ann, TARN_ACT_OBJECT_READ, "main", "a", &why);
        tarn_code c = tarn_access_token_new(s.lake, &local, &what, made, &why);
        tarn_code d = tarn_access_grant(s.lake, &local, &g, &why);
        tarn_code e = tarn_access_revoke(s.lake, &local, &g, &why);
        tarn_mem_fail_after(0);
        assert_int_not_equal(b, TARN_OK);
        done = a == TARN_OK && b == TARN_DENIED && c == TARN_OK && d == TARN_OK && e == TARN_OK;
        must(tarn_access_token(s.lake, token, &who, err));
        if (d == TARN_OK && e != TARN_OK) must(tarn_access_revoke(s.lake, &local, &g, err));
        assert_false(may(s.lake, &ann, TARN_ACT_OBJECT_READ, "main", "a"));
    }
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(every_action_role_and_pattern), TARN_TEST(single_actions_and_everybodys_grants),
           TARN_TEST(anonymous_may_what_it_is_told), TARN_TEST(copying_needs_the_source),
           TARN_TEST(ids_and_tags_do_not_lead_around_a_deny), TARN_TEST(tags_are_granted_by_their_names),
           TARN_TEST(nobody_writes_the_audit_branch), TARN_TEST(a_refusal_says_what_is_missing_and_who_can_help),
           TARN_TEST(the_docs_list_every_action), TARN_TEST(tokens_live_and_end),
           TARN_TEST(another_handle_sees_it_at_once), TARN_TEST(passwords_are_checked),
           TARN_TEST(keys_give_their_secret_back), TARN_TEST(no_secret_is_on_the_disk),
           TARN_TEST(removing_a_user_takes_all_that_was_theirs), TARN_TEST(wrong_grants_are_refused),
           TARN_TEST(without_memory_nothing_is_allowed))
