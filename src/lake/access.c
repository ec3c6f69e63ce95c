/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - the tables of roles and actions, and the one question: may this be done? See access.h. */
#include "lake/access_inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const role_names[] = {"anybody", "reader", "writer", "maintainer", "admin"};

static const tarn_action_info actions[TARN_ACT_COUNT] = {
#define TARN_ACTION(name_, word_, on_, role_, title_) \
    {.word = (word_), .title = (title_), .on = TARN_ON_##on_, .least = TARN_ROLE_##role_},
#include "lake/actions.def"
#undef TARN_ACTION
};

const char *tarn_role_name(tarn_role role)
{
    return (unsigned)role < sizeof role_names / sizeof *role_names ? role_names[role] : NULL;
}

const tarn_action_info *tarn_action_at(tarn_action action) { return &actions[action]; }

bool tarn_action_find(const char *word, tarn_action *out)
{
    for (int i = 0; i < TARN_ACT_COUNT; i++) {
        if (strcmp(actions[i].word, word) != 0) continue;
        *out = (tarn_action)i;
        return true;
    }
    return false;
}

/* ---- life ---- */

tarn_who tarn_who_local(void)
{
    tarn_who who = {.kind = TARN_WHO_LOCAL};
    struct passwd entry, *found = NULL;
    char room[2048];

    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found)
        (void)snprintf(who.user, sizeof who.user, "%.64s", found->pw_name);
    else (void)snprintf(who.user, sizeof who.user, "%ld", (long)getuid());
    return who;
}

tarn_code tarn_access_open(tarn_lake *lake, tarn_err *err)
{
    struct tarn_access *a = NULL;
    tarn_code rc = tarn_alloc(&a, 1, sizeof *a, err);

    if (rc != TARN_OK) return rc;
    a->rows.version = -1;
    a->local = tarn_who_local();
    rc = tarn_secret_random(a->kept_key, sizeof a->kept_key, err);
    if (rc == TARN_OK && pthread_key_create(&a->acting, NULL) != 0)
        rc = TARN_FAIL(err, TARN_LIMIT, "this process has too many lakes open");
    if (rc != TARN_OK) {
        tarn_free(a);
        return rc;
    }
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)sem_init(&a->hashing, 0, 2);
    lake->access = a;
    return TARN_OK;
}

void tarn_access_close(tarn_lake *lake)
{
    struct tarn_access *a = lake->access;

    if (!a) return;
    tarn_access_rows_clear(&a->rows);
    tarn_free(a->notes);
    (void)pthread_key_delete(a->acting);
    (void)pthread_mutex_destroy(&a->lock);
    (void)sem_destroy(&a->hashing);
    tarn_secret_wipe(a, sizeof *a);
    tarn_free(a);
    lake->access = NULL;
}

/* Threads keep a copy of the pointer only. */
void tarn_access_enter(tarn_lake *lake, const tarn_who *who) { (void)pthread_setspecific(lake->access->acting, who); }

void tarn_access_leave(tarn_lake *lake) { (void)pthread_setspecific(lake->access->acting, NULL); }

/* ---- what a grant covers ---- */

/* '*' any bytes, '?' one. Steps back to the last star only, so it is linear times the number of stars at most. */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *mark = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            mark = text;
        } else if (*pattern == *text || *pattern == '?') {
            pattern++, text++;
        } else if (star) {
            pattern = star;
            text = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

/* What is asked, made ready for comparing. */
typedef struct question {
    tarn_action action;
    const tarn_action_info *info;
    char branch[256];
    bool loose;       /* names no branch but a tag or a commit, which may be of any branch */
    const char *name; /* path or model, as given */
} question;

static bool starts(const char *text, size_t len, const char *start, size_t start_len)
{
    return len >= start_len && memcmp(text, start, start_len) == 0;
}

static bool path_covered(const tarn_grant *g, const question *q)
{
    char folder[1030];
    size_t len = strlen(g->path), asked = q->name ? strlen(q->name) : 0;

    if (len == 0) return true;
    if (!q->name) return q->action == TARN_ACT_COMMIT ? !g->deny : g->deny;
    (void)snprintf(folder, sizeof folder, "%s/", g->path);
    bool many = asked > 0 && q->name[asked - 1] == '*';
    if (starts(q->name, asked, folder, len + 1)) return true;
    if (!many) return asked == len && memcmp(q->name, g->path, len) == 0;
    return g->deny && (starts(folder, len + 1, q->name, asked - 1) || starts(g->path, len, q->name, asked - 1));
}

static bool place_covered(const tarn_grant *g, const question *q)
{
    bool branches = g->branch[0] || g->path[0], models = g->model[0];

    switch (q->info->on) {
    case TARN_ON_LAKE: return !branches && !models;
    case TARN_ON_MODEL:
        if (branches && !models) return false;
        if (!models) return true;
        return q->name ? fits(g->model, q->name) : g->deny || strcmp(g->model, "*") == 0;
    case TARN_ON_BRANCH:
    default:
        if (models && !branches) return false;
        if (g->branch[0] && !(q->loose && g->deny) && !fits(g->branch, q->branch)) return false;
        return path_covered(g, q);
    }
}

static bool action_covered(const tarn_grant *g, const question *q)
{
    for (int role = TARN_ROLE_READER; role <= TARN_ROLE_ADMIN; role++)
        if (strcmp(g->what, role_names[role]) == 0)
            return g->deny ? (int)q->info->least >= role : (int)q->info->least <= role;
    return strcmp(g->what, q->info->word) == 0;
}

static bool covers(const tarn_grant *g, const char *user, const question *q)
{
    return (strcmp(g->user, "*") == 0 || strcmp(g->user, user) == 0) && action_covered(g, q) && place_covered(g, q);
}

/* ---- the question ---- */

static bool is_branch(tarn_lake *lake, const char *name)
{
    char full[300];
    tarn_id id;

    (void)snprintf(full, sizeof full, "heads/%s", name);
    return tarn_lake_ref_get(lake, full, &id, NULL) == TARN_OK;
}

static void set_branch(tarn_lake *lake, const char *branch, bool by_branch, question *q)
{
    const char *text = branch ? branch : "";

    if (strncmp(text, "heads/", 6) == 0) text += 6;
    bool tag = q->action == TARN_ACT_TAG && strncmp(text, "tags/", 5) != 0;
    (void)snprintf(q->branch, sizeof q->branch, "%s%s", tag ? "tags/" : "", text);
    q->branch[strcspn(q->branch, "~^@")] = '\0';
    q->loose = by_branch && q->action == TARN_ACT_OBJECT_READ && !is_branch(lake, q->branch);
}

static bool anonymous_may(tarn_anonymous level, tarn_action action)
{
    switch (action) {
    case TARN_ACT_PREDICT:
    case TARN_ACT_MODEL_READ: return level >= TARN_ANONYMOUS_PREDICT;
    case TARN_ACT_LAKE_READ:
    case TARN_ACT_OBJECT_READ:
    case TARN_ACT_SERVER_READ: return level >= TARN_ANONYMOUS_READ;
    default: return false;
    }
}

typedef struct verdict {
    bool allowed;
    tarn_grant denied; /* by this one; user "" if none */
    char admins[160];
} verdict;

/* Under access->lock. */
static void judge(const tarn_access_rows *rows, const tarn_who *who, const question *q, verdict *v)
{
    const char *user = who->kind == TARN_WHO_USER ? who->user : "";
    size_t named = 0;

    v->allowed = who->kind == TARN_WHO_ANONYMOUS && anonymous_may(who->anonymous, q->action);
    for (size_t i = 0; i < rows->n_grants; i++) {
        const tarn_grant *g = &rows->grants[i];
        if (strcmp(g->what, "admin") == 0 && !g->deny && !g->branch[0] && !g->model[0] && !g->path[0] &&
            strcmp(g->user, "*") != 0 && named < 3) {
            size_t at = strlen(v->admins);
            (void)snprintf(v->admins + at, sizeof v->admins - at, "%.40s, ", g->user);
            named++;
        }
        if (!covers(g, user, q)) continue;
        if (g->deny) v->denied = *g;
        else if (who->kind == TARN_WHO_USER) v->allowed = true;
    }
    if (v->denied.user[0]) v->allowed = false;
    if (who->kind == TARN_WHO_USER) {
        const tarn_user_row *row = tarn_access_user(rows, who->user);
        v->allowed = v->allowed && row && row->enabled;
    }
}

static void put_place(const question *q, char out[400])
{
    if (q->info->on == TARN_ON_LAKE) (void)snprintf(out, 400, "this lake");
    else if (q->info->on == TARN_ON_MODEL) (void)snprintf(out, 400, "model '%.100s'", q->name ? q->name : "*");
    else if (q->name) (void)snprintf(out, 400, "'%.120s' on branch '%.80s'", q->name, q->branch);
    else (void)snprintf(out, 400, "branch '%.80s'", q->branch);
}

static tarn_code refuse(const tarn_who *who, const question *q, const verdict *v, tarn_err *err)
{
    char place[400], remedy[300];
    const char *role = role_names[q->info->least], *user = who->kind == TARN_WHO_USER ? who->user : "anonymous";

    put_place(q, place);
    if (who->kind == TARN_WHO_ANONYMOUS && !v->denied.user[0])
        return TARN_FAIL(err, TARN_DENIED, "%s on %s needs a credential: send a token or a user's password",
                         q->info->word, place);
    if (v->denied.user[0])
        return TARN_FAIL(err, TARN_DENIED,
                         "'%.64s' may not %s on %s: a deny of %s for '%s' forbids it; %sthe owner of "
                         "the folder can revoke it",
                         user, q->info->word, place, v->denied.what, v->denied.user, v->admins);
    if (who->most != TARN_ROLE_ANYBODY && q->info->least > who->most)
        return TARN_FAIL(err, TARN_DENIED,
                         "'%.64s' may not %s on %s with this %.10s, which carries %s and no more; use "
                         "one that carries %s",
                         who->user, q->info->word, place, who->via, role_names[who->most], role);
    if (q->info->on == TARN_ON_LAKE) (void)snprintf(remedy, sizeof remedy, "%.64s %s", who->user, role);
    else if (q->info->on == TARN_ON_MODEL)
        (void)snprintf(remedy, sizeof remedy, "%.64s %s --model %.60s", who->user, role, q->name ? q->name : "'*'");
    else (void)snprintf(remedy, sizeof remedy, "%.64s %s --branch %.60s", who->user, role, q->branch);
    return TARN_FAIL(err, TARN_DENIED,
                     "'%.64s' may not %s on %s: it needs the role %s, which `tarn grant %s` gives; "
                     "ask %sthe owner of the folder",
                     who->user, q->info->word, place, role, remedy, v->admins);
}

static tarn_code record_denial(tarn_lake *lake, const tarn_who *who, const question *q, tarn_err *err)
{
    char place[400];
    tarn_err ignored = {0};

    put_place(q, place);
    tarn_code noted = tarn_audit_note(lake, who, q->info->word, place, "denied", NULL, &ignored);
    (void)noted; /* a lake that cannot be written is told by what is tried on it */
    (void)err;
    return TARN_DENIED;
}

/* Branch audit is written by Tarn alone, and where its anchors stand nobody else may put anything: not the owner of the
 * folder either, when he comes over the network. */
static bool is_reserved(const question *q)
{
    return q->info->on == TARN_ON_BRANCH && q->info->least > TARN_ROLE_READER && strcmp(q->branch, "audit") == 0;
}

static tarn_code refuse_reserved(tarn_err *err)
{
    return TARN_FAIL(err, TARN_DENIED, "branch 'audit' holds the anchors of the audit log; only Tarn writes it");
}

tarn_code tarn_access_check(tarn_lake *lake, const tarn_who *who, tarn_action action, const char *branch,
                            const char *name, tarn_err *err)
{
    struct tarn_access *a = lake->access;
    question q = {.action = action, .info = &actions[action], .name = name};
    verdict v = {.admins = ""};
    tarn_code rc;

    if (q.info->least == TARN_ROLE_ANYBODY) return TARN_OK;
    if (who->kind == TARN_WHO_LOCAL) {
        set_branch(lake, branch, false, &q);
        if (!who->from[0] || !is_reserved(&q)) return TARN_OK;
        rc = refuse_reserved(err);
        return rc == TARN_OK ? rc : record_denial(lake, who, &q, err);
    }
    rc = tarn_access_refresh(lake, err);
    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_lock(&a->lock);
    bool by_branch = a->rows.by_branch;
    (void)pthread_mutex_unlock(&a->lock);
    set_branch(lake, branch, by_branch, &q);
    (void)pthread_mutex_lock(&a->lock);
    judge(&a->rows, who, &q, &v);
    (void)pthread_mutex_unlock(&a->lock);
    if (who->most != TARN_ROLE_ANYBODY && q.info->least > who->most) v.allowed = false;
    if (is_reserved(&q)) rc = refuse_reserved(err);
    else if (!v.allowed) rc = refuse(who, &q, &v, err);
    return rc == TARN_OK ? rc : record_denial(lake, who, &q, err);
}

tarn_code tarn_access_check_copy(tarn_lake *lake, const tarn_who *who, const char *from_branch, const char *from_path,
                                 const char *branch, const char *path, tarn_err *err)
{
    tarn_code rc = tarn_access_check(lake, who, TARN_ACT_OBJECT_READ, from_branch, from_path, err);

    return rc == TARN_OK ? tarn_access_check(lake, who, TARN_ACT_OBJECT_WRITE, branch, path, err) : rc;
}
