/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - merge, revert and cherry-pick: one three-way merge each, landed on a branch.
 *
 *             base                    ours    theirs
 *     merge   best common ancestor    head    the other commit
 *     revert  the commit              head    its parent
 *     pick    the commit's parent     head    the commit
 */
#include "lake/commit.h"
#include "lake/tree.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

typedef enum kind { MERGE, REVERT, PICK } kind;

typedef struct join {
    tarn_lake *lake;
    kind kind;
    const tarn_merge_options *o;
    const char *into, *from; /* for people */
    tarn_commit *commit;     /* the other commit */
    tarn_id ours;            /* tree of the head that was built on */
    json_t *meta;
    tarn_merge_result *out;
    uint64_t fit_ours, fit_theirs; /* patterns that fitted a conflict: tarn_glob_which */
    char first[1025];              /* path of the first conflict that stays */
} join;

/* ---- conflicts ---- */

static void take_theirs(const tarn_entry *theirs, tarn_entry *merged)
{
    if (theirs) *merged = *theirs;
    else merged->object = (tarn_object){.size = 0};
}

static tarn_code ask(join *j, const char *path, const tarn_entry *base, const tarn_entry *ours,
                     const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t swept = 0;

    if (!j->o->resolve) return TARN_OK;
    TARN_TRY(j->o->resolve(j->o->resolve_arg, path, base, ours, theirs, merged, settled, why, err));
    (void)snprintf(merged->path, sizeof merged->path, "%s", path);
    if (*settled) TARN_TRY(tarn_entries_check(j->lake, merged, 1, true, &swept, err));
done:
    return rc;
}

/* merged is ours unless something says otherwise. */
static tarn_code clash(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                       const tarn_entry *theirs, tarn_entry *merged, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    join *j = arg;
    tarn_text why = {0};
    bool keep = tarn_glob_any(j->o->ours, path), other = !keep && tarn_glob_any(j->o->theirs, path),
         settled = keep || other;

    j->fit_ours |= tarn_glob_which(j->o->ours, path);
    j->fit_theirs |= tarn_glob_which(j->o->theirs, path);
    if (!settled) TARN_TRY(ask(j, path, base, ours, theirs, merged, &settled, &why, err));
    if (!settled) other = j->o->strategy == TARN_SIDE_THEIRS;
    if (other) take_theirs(theirs, merged);
    if (settled || j->o->strategy != TARN_SIDE_NONE) {
        j->out->settled++;
        goto done;
    }
    if (j->out->conflicts++ == 0) (void)snprintf(j->first, sizeof j->first, "%s", path);
    if (j->o->conflict)
        TARN_TRY(j->o->conflict(j->o->told_arg, path, base, ours, theirs, why.data ? why.data : "", err));
done:
    tarn_text_clear(&why);
    return rc;
}

/* A pattern that fits nothing is most likely mistyped, and something else has decided then. */
static void find_idle(const char *patterns, uint64_t fit, tarn_merge_result *out)
{
    for (uint64_t bit = 1; patterns && *patterns && bit && !out->idle[0]; bit <<= 1) {
        size_t len = strcspn(patterns, "\n");
        if (len > 0 && !(fit & bit)) (void)snprintf(out->idle, sizeof out->idle, "%.*s", (int)len, patterns);
        patterns += len + (patterns[len] == '\n');
    }
}

static tarn_code tell_conflicts(const join *j, tarn_err *err)
{
    long long n = j->out->conflicts;

    return TARN_FAIL(err, TARN_CONFLICT,
                     "%lld conflict%s, nothing was changed: '%.60s' and '%.60s' both changed '%.40s'%s; choose with "
                     "--ours, --theirs or --strategy",
                     n, n == 1 ? "" : "s", j->into, j->from, j->first, n == 1 ? "" : " first");
}

/* ---- building ---- */

/* The trees of base and theirs. *ready: the draft says all. */
static tarn_code sides_of_merge(join *j, const tarn_id *head, tarn_draft *draft, tarn_id *base, tarn_id *theirs,
                                bool *ready, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_id *other = &j->commit->id;

    TARN_TRY(tarn_lake_merge_base(j->lake, head, other, &j->out->base, err));
    draft->nothing = tarn_id_equal(&j->out->base, other);
    draft->exists = !draft->nothing && tarn_id_equal(&j->out->base, head) && !j->o->no_ff && !draft->checked;
    *ready = draft->nothing || draft->exists;
    if (draft->exists) draft->commit.id = *other;
    TARN_TRY(tarn_commit_tree(j->lake, &j->out->base, base, err));
    *theirs = j->commit->tree;
    draft->commit.n_parents = 2;
    draft->commit.parents[1] = *other;
done:
    return rc;
}

static tarn_code sides_of_one(join *j, tarn_draft *draft, tarn_id *base, tarn_id *theirs, tarn_err *err)
{
    int n = j->commit->n_parents, which = j->o->mainline;
    char hex[TARN_ID_HEX];
    tarn_id parent = {{0}}, before;

    if (n > 1 && which == 0)
        return TARN_FAIL(err, TARN_INVALID,
                         "commit %.12s is a merge; say with --mainline 1 or 2 which of its parents counts as what was "
                         "before",
                         tarn_id_hex(&j->commit->id, hex));
    if (which > (n > 1 ? n : 1))
        return TARN_FAIL(err, TARN_INVALID, "commit %.12s has %d parent%s, so there is no mainline %d",
                         tarn_id_hex(&j->commit->id, hex), n, n == 1 ? "" : "s", which);
    if (n > 0) parent = j->commit->parents[which > 0 ? which - 1 : 0];
    tarn_code rc = tarn_commit_tree(j->lake, &parent, &before, err);
    *base = j->kind == REVERT ? j->commit->tree : before;
    *theirs = j->kind == REVERT ? before : j->commit->tree;
    draft->commit.n_parents = 1;
    return rc;
}

static tarn_code build(void *arg, const tarn_id *head, tarn_draft *draft, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    join *j = arg;
    tarn_id base, theirs;
    bool ready = false;

    if (tarn_id_none(head)) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no branch '%.200s'", j->into);
    *j->out = (tarn_merge_result){.commit = *head};
    j->fit_ours = j->fit_theirs = 0;
    TARN_TRY(tarn_commit_tree(j->lake, head, &j->ours, err));
    if (j->kind == MERGE) TARN_TRY(sides_of_merge(j, head, draft, &base, &theirs, &ready, err));
    else TARN_TRY(sides_of_one(j, draft, &base, &theirs, err));
    if (!ready) {
        TARN_TRY(tarn_tree_merge(j->lake, &base, &j->ours, &theirs, clash, j, &draft->commit.tree, &draft->commit.paths,
                                 err));
        find_idle(j->o->ours, j->fit_ours, j->out);
        find_idle(j->o->theirs, j->fit_theirs, j->out);
        if (j->out->conflicts > 0 && !j->o->dry_run) rc = tell_conflicts(j, err);
        TARN_TRY(rc);
        draft->nothing = j->kind != MERGE && tarn_id_equal(&draft->commit.tree, &j->ours);
    }
    draft->commit.parents[0] = *head;
    draft->meta = j->meta;
    j->out->tree = draft->exists ? theirs : draft->nothing ? j->ours : draft->commit.tree;
    j->out->fast_forward = draft->exists;
    j->out->nothing = draft->nothing;
done:
    return rc;
}

/* What would come out, on the branch as it is. */
static tarn_code try_build(join *j, const char *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_draft *draft = NULL;
    tarn_guard guard = {.rule = NULL};
    tarn_id head;

    TARN_TRY(tarn_alloc(&draft, 1, sizeof *draft, err));
    TARN_TRY(tarn_lake_ref_get(j->lake, ref, &head, err));
    TARN_TRY(tarn_guard_read(j->lake, ref, &guard, err));
    draft->checked = tarn_guard_requires(&guard);
    TARN_TRY(build(j, &head, draft, err));
done:
    json_decref(guard.rule);
    tarn_free(draft);
    return rc;
}

/* ---- messages ---- */

/* The first line of a message, at most 200 bytes, cut between characters. */
static void first_line(const char *message, char out[256])
{
    size_t n = strcspn(message, "\n");

    if (n > 200)
        for (n = 200; n > 0 && ((unsigned char)message[n] & 0xC0) == 0x80;) n--;
    (void)snprintf(out, 256, "%.*s", (int)n, message);
}

static tarn_code describe(join *j, char message[600], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char line[256], hex[TARN_ID_HEX];

    j->meta = j->o->meta ? json_deep_copy(j->o->meta) : json_object();
    if (!j->meta) return TARN_FAIL(err, TARN_NOMEM, "no memory for the metadata of a commit");
    first_line(j->commit->message, line);
    (void)tarn_id_hex(&j->commit->id, hex);
    if (j->kind == MERGE) {
        (void)snprintf(message, 600, "merge %.200s into %.200s", j->from, j->into);
        return TARN_OK;
    }
    (void)snprintf(message, 600, "%s %.12s: %s", j->kind == REVERT ? "revert" : "pick", hex, line);
    TARN_TRY(tarn_json_set(j->meta, j->kind == REVERT ? "reverts" : "picked", json_string(hex), err));
done:
    return rc;
}

/* ---- the door's calls ---- */

static tarn_code run(join *j, const char *branch, const tarn_id *other, tarn_err *err)
{
    static const char *const events[] = {"merge", "revert", "pick"};
    tarn_code rc = TARN_OK;
    char ref[256], message[600];

    *j->out = (tarn_merge_result){.nothing = false};
    TARN_TRY(tarn_ref_branch(branch, ref, err));
    j->into = ref + strlen("heads/");
    TARN_TRY(tarn_alloc(&j->commit, 1, sizeof *j->commit, err));
    TARN_TRY(tarn_lake_commit_read(j->lake, other, j->commit, err));
    TARN_TRY(describe(j, message, err));
    tarn_landing l = {.ref = ref,
                      .event = events[j->kind],
                      .author = j->o->author,
                      .message = j->o->message ? j->o->message : message,
                      .direct = j->kind != MERGE,
                      .slow = j->o->resolve != NULL,
                      .build = build,
                      .arg = j};
    if (j->o->dry_run) TARN_TRY(try_build(j, ref, err));
    else TARN_TRY(tarn_land(j->lake, &l, &j->out->commit, err));
    if (j->o->change) TARN_TRY(tarn_tree_diff(j->lake, &j->ours, &j->out->tree, "", j->o->change, j->o->told_arg, err));
done:
    if (j->commit) tarn_commit_clear(j->commit);
    tarn_free(j->commit);
    json_decref(j->meta);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_lake_merge(tarn_lake *lake, const char *from, const char *into, const tarn_merge_options *options,
                          tarn_merge_result *out, tarn_err *err)
{
    tarn_id other;
    tarn_code rc = tarn_lake_resolve(lake, from, &other, err);

    if (rc != TARN_OK) return rc;
    return run(&(join){.lake = lake, .kind = MERGE, .o = options, .from = from, .out = out}, into, &other, err);
}

tarn_code tarn_lake_revert(tarn_lake *lake, const char *branch, const tarn_id *commit,
                           const tarn_merge_options *options, tarn_merge_result *out, tarn_err *err)
{
    return run(&(join){.lake = lake, .kind = REVERT, .o = options, .from = "the revert", .out = out}, branch, commit,
               err);
}

tarn_code tarn_lake_pick(tarn_lake *lake, const char *branch, const tarn_id *commit, const tarn_merge_options *options,
                         tarn_merge_result *out, tarn_err *err)
{
    return run(&(join){.lake = lake, .kind = PICK, .o = options, .from = "the commit", .out = out}, branch, commit,
               err);
}
