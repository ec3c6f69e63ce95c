/* SPDX-License-Identifier: Apache-2.0 */
/* lake_put.c - tarn lake put: stage files and folders.
 *
 * Everything that can be known beforehand is checked before the first file is stored: names that cannot be paths, two
 * files of one name, and a file where the branch has a folder or the other way round. The lake itself could hold both
 * (a store of objects does), but no folder of a person's can. */
#include "base/mem.h"
#include "cli/command.h"
#include "lake/history.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ASK_STAGED = 1000 };

typedef struct put_params {
    char branch[200], to[1000], as[256];
} put_params;

static const tarn_param params[] = {
    TARN_TEXT(put_params, branch, "", "branch to stage on (default: the project's)"),
    TARN_TEXT(put_params, to, "", "path in the lake (default: the file's own name)"),
    TARN_TEXT(put_params, as, "", "whose staging area (default: your own)"),
    TARN_PARAMS_END,
};

/* Files found so far: where each is, and what it is called in the lake. */
typedef struct put_job {
    tarn_cli *cli;
    tarn_lake *lake;
    tarn_arena *names;
    char **files;
    tarn_entry *entries;
    size_t n, cap;
    size_t left_out;       /* links, devices and the like inside of folders */
    char first_left[1000]; /* one of them */
} put_job;

static tarn_code add_file(put_job *j, const char *file, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (strlen(path) >= sizeof j->entries->path)
        return TARN_FAIL(err, TARN_LIMIT, "'%.100s...' is longer than a path in the lake may be (1,024 bytes)", path);
    if (j->n == j->cap) {
        size_t cap = j->cap ? 2 * j->cap : 64;
        TARN_TRY(tarn_resize(&j->entries, cap, sizeof *j->entries, err));
        TARN_TRY(tarn_resize(&j->files, cap, sizeof *j->files, err));
        j->cap = cap;
    }
    tarn_entry *e = &j->entries[j->n];
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    TARN_TRY(tarn_path_check(path, strlen(path), err));
    TARN_TRY(tarn_arena_strndup(j->names, file, strlen(file), &j->files[j->n], err));
    j->n++;
done:
    return rc;
}

static tarn_code take_object(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)err;
    *(tarn_entry *)arg = *e;
    return TARN_CANCELLED; /* one is enough */
}

/* What the file will replace; none if nothing. Of very many files only what is committed is asked for. */
static tarn_id object_before(const put_job *j, const char *branch, const char *who, const tarn_id *head,
                             const char *path)
{
    tarn_entry e = {.path = ""};
    tarn_code rc = TARN_OK;

    if (j->n <= ASK_STAGED) rc = tarn_lake_list_staged(j->lake, branch, who, path, "", 0, take_object, &e, NULL);
    else rc = tarn_lake_lookup(j->lake, head, path, &e, NULL);
    return rc == TARN_OK && strcmp(e.path, path) == 0 ? e.object.id : (tarn_id){{0}};
}

/* ---- what cannot be in one folder ---- */

typedef struct found {
    const char *path, *file;
} found;

static int by_path(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* Where to look for what is there already: with what is staged, or of very many files only what is committed. */
typedef struct place {
    const put_job *job;
    const char *branch, *who;
    tarn_id head;
} place;

/* *there: the path is a file of the branch. */
static tarn_code is_file(const place *at, const char *path, bool *there, tarn_err *err)
{
    tarn_entry e;
    tarn_lake *lake = at->job->lake;
    tarn_code rc = at->job->n <= ASK_STAGED ? tarn_lake_lookup_staged(lake, at->branch, at->who, path, &e, err)
                                            : tarn_lake_lookup(lake, &at->head, path, &e, err);

    *there = rc == TARN_OK;
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* below: something of the branch below the folder; "" there is nothing. */
static tarn_code first_below(const place *at, const char *folder, tarn_entry *below, tarn_err *err)
{
    char prefix[1026];
    tarn_lake *lake = at->job->lake;

    below->path[0] = '\0';
    (void)snprintf(prefix, sizeof prefix, "%s/", folder);
    if (at->job->n > ASK_STAGED) return tarn_lake_list(lake, &at->head, prefix, "", 0, take_object, below, err);
    return tarn_lake_list_staged(lake, at->branch, at->who, prefix, "", 0, take_object, below, err);
}

/* The folders that hold the path, as far as the path before it (seen) is not in them: none may be a file. */
static tarn_code check_above(const place *at, const found *list, const char *path, const char *seen, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char above[1025];
    bool there = false;

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        if (seen && strncmp(seen, path, len + 1) == 0) continue;
        (void)snprintf(above, sizeof above, "%.*s", (int)len, path);
        const found *own = bsearch(&(found){.path = above}, list, at->job->n, sizeof *list, by_path);
        if (own)
            return TARN_FAIL(err, TARN_CONFLICT, "'%.200s' would be a file and '%.200s' in a folder of that name",
                             own->file, path);
        TARN_TRY(is_file(at, above, &there, err));
        if (there)
            return TARN_FAIL(err, TARN_CONFLICT,
                             "'%.200s' is a file on %s and cannot be a folder, too; 'tarn lake rm %.200s' takes it out",
                             above, at->branch, above);
    }
done:
    return rc;
}

static tarn_code check_found(const put_job *j, const char *branch, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    place at = {.job = j, .branch = branch, .who = who};
    found *list = NULL;
    tarn_entry below;
    bool empty = tarn_lake_resolve(j->lake, branch, &at.head, NULL) != TARN_OK && j->n > ASK_STAGED;

    TARN_TRY(tarn_alloc(&list, j->n + 1, sizeof *list, err));
    for (size_t i = 0; i < j->n; i++) list[i] = (found){j->entries[i].path, j->files[i]};
    qsort(list, j->n, sizeof *list, by_path);
    for (size_t i = 0; i < j->n; i++) {
        const char *path = list[i].path, *seen = i > 0 ? list[i - 1].path : NULL;
        if (seen && strcmp(seen, path) == 0 && strcmp(list[i].file, list[i - 1].file) != 0) {
            rc = TARN_FAIL(err, TARN_CONFLICT,
                           "'%.300s' and '%.300s' would both be '%.200s'; put them one by one with --to",
                           list[i - 1].file, list[i].file, path);
            goto done;
        }
        if (empty) continue;
        TARN_TRY(check_above(&at, list, path, seen, err));
        TARN_TRY(first_below(&at, path, &below, err));
        if (below.path[0]) {
            rc = TARN_FAIL(err, TARN_CONFLICT,
                           "'%.200s' is a folder on %s (with '%.200s'); 'tarn lake rm -r %.200s/' takes it out", path,
                           branch, below.path, path);
            goto done;
        }
    }
done:
    tarn_free(list);
    return rc;
}

/* ---- storing ---- */

/* Store what was found, some thousand files at a time so that progress can be shown. */
static tarn_code put_found(put_job *j, const char *branch, const char *who, tarn_err *err)
{
    enum { AT_A_TIME = 4096 };
    tarn_code rc = TARN_OK;
    tarn_object *objects = NULL;
    tarn_id *likes = NULL, head = {{0}};
    bool replaces = tarn_lake_resolve(j->lake, branch, &head, NULL) == TARN_OK || j->n <= ASK_STAGED;

    TARN_TRY(tarn_alloc(&objects, AT_A_TIME, sizeof *objects, err));
    TARN_TRY(tarn_alloc(&likes, AT_A_TIME, sizeof *likes, err));
    for (size_t at = 0; at < j->n; at += AT_A_TIME) {
        size_t n = j->n - at < AT_A_TIME ? j->n - at : AT_A_TIME;
        TARN_TRY(tarn_cancel_check(j->cli->sink, err));
        for (size_t i = 0; i < n && replaces; i++)
            likes[i] = object_before(j, branch, who, &head, j->entries[at + i].path);
        TARN_TRY(
            tarn_lake_put_files(j->lake, j->cli->pool, (const char *const *)(j->files + at), likes, n, objects, err));
        for (size_t i = 0; i < n; i++) j->entries[at + i].object = objects[i];
        tarn_progress(j->cli->sink, "put", (int64_t)(at + n), (int64_t)j->n, "files");
    }
done:
    tarn_free(objects);
    tarn_free(likes);
    return rc;
}

/* Stage all of it at once. A garbage collection without grace may take away what was found to be there already; then
 * it is put again. */
static tarn_code put_all(put_job *j, const char *branch, const char *who, tarn_err *err)
{
    enum { ATTEMPTS = 4 };
    tarn_code rc = TARN_CONFLICT;

    for (int attempt = 0; attempt < ATTEMPTS && (rc == TARN_CONFLICT || rc == TARN_NOT_FOUND); attempt++) {
        rc = put_found(j, branch, who, err);
        if (rc != TARN_OK) break;
        rc = tarn_lake_stage(j->lake, branch, who, j->entries, j->n, err);
    }
    return rc;
}

/* A folder: every regular file in it, in order of name, hidden ones too; .tarn is left out, and what a killed checkout
 * may have left half written. */
static tarn_code find_in_folder(put_job *j, const char *folder, const char *to, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *roots[2] = {NULL, NULL}, path[4096];
    FTSENT *e;

    TARN_TRY(tarn_strdup(folder, &roots[0], err));
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        rc = TARN_FAIL_ERRNO(err, "read folder", folder);
        goto done;
    }
    size_t skip = strlen(folder);
    while (rc == TARN_OK && (errno = 0, e = fts_read(walk)) != NULL) {
        if (e->fts_info == FTS_D && strcmp(e->fts_name, ".tarn") == 0) (void)fts_set(walk, e, FTS_SKIP);
        if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS) {
            errno = e->fts_errno;
            rc = TARN_FAIL_ERRNO(err, "read", e->fts_path);
        }
        if ((e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE || e->fts_info == FTS_DEFAULT) && j->left_out++ == 0)
            (void)snprintf(j->first_left, sizeof j->first_left, "%s", e->fts_path);
        bool half = strncmp(e->fts_name, TARN_CHECKOUT_TEMPORARY, sizeof TARN_CHECKOUT_TEMPORARY - 1) == 0;
        if (e->fts_info != FTS_F || half || rc != TARN_OK) continue;
        const char *rest = e->fts_path + skip;
        while (*rest == '/') rest++;
        int n = snprintf(path, sizeof path, "%s%s%s", to, to[0] ? "/" : "", rest);
        rc = n < 0 || (size_t)n >= sizeof path ? TARN_FAIL(err, TARN_LIMIT, "path '%.60s...' is too long", e->fts_path)
                                               : add_file(j, e->fts_path, path, err);
    }
    if (rc == TARN_OK && errno != 0) rc = TARN_FAIL_ERRNO(err, "read folder", folder);
    (void)fts_close(walk);
done:
    tarn_free(roots[0]);
    return rc;
}

static tarn_code find_argument(put_job *j, const char *file, const char *to, tarn_err *err)
{
    struct stat st;
    char name[4096];
    size_t len = strlen(file);

    if (stat(file, &st) != 0) return TARN_FAIL_ERRNO(err, "read", file);
    while (len > 1 && file[len - 1] == '/') len--;
    if (len >= sizeof name) return TARN_FAIL(err, TARN_LIMIT, "path '%.60s...' is too long", file);
    memcpy(name, file, len);
    name[len] = '\0';
    const char *slash = strrchr(name, '/'), *own = slash ? slash + 1 : name;
    if (!S_ISDIR(st.st_mode)) return add_file(j, name, to[0] ? to : own, err);
    return find_in_folder(j, name, to[0] ? to : strcmp(own, ".") == 0 ? "" : own, err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const put_params *p = values;
    put_job j = {.cli = cli};
    char branch[256], who[256];
    const char *on = p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch);

    if (p->to[0] && argc > 1)
        return TARN_FAIL(err, TARN_USAGE, "--to names one path; put one file or folder at a time with it");
    TARN_TRY(tarn_cli_lake(cli, &j.lake, err));
    TARN_TRY(tarn_arena_new(&j.names, err));
    for (int i = 0; i < argc; i++) TARN_TRY(find_argument(&j, argv[i], p->to, err));
    (void)tarn_cli_who(p->as, who, sizeof who);
    TARN_TRY(check_found(&j, on, who, err));
    TARN_TRY(put_all(&j, on, who, err));
    if (j.left_out > 0)
        tarn_say(cli->sink, TARN_WARN, "%zu left out, as %s not files (links, devices): '%s'%s", j.left_out,
                 j.left_out == 1 ? "it is" : "they are", j.first_left, j.left_out > 1 ? " ..." : "");
    tarn_id head;
    bool fresh = p->branch[0] && tarn_lake_resolve(j.lake, on, &head, NULL) != TARN_OK;
    tarn_out(cli, "%zu file%s staged on %s%s; `tarn lake commit --message ...` commits %s\n", j.n, j.n == 1 ? "" : "s",
             on, fresh ? ", which is a new branch" : "", j.n == 1 ? "it" : "them");
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer((json_int_t)j.n), err));
    TARN_TRY(tarn_json_set(cli->result, "left_out", json_integer((json_int_t)j.left_out), err));
done:
    tarn_free(j.entries);
    tarn_free(j.files);
    tarn_arena_free(j.names);
    tarn_lake_close(j.lake);
    return rc;
}

const tarn_command tarn_command_lake_put = {
    .name = "lake put",
    .stage = "lake",
    .title = "stage files and folders",
    .usage = "FILE...",
    .help = "Stores the files and stages them on a branch. Symbolic links are not followed inside folders.\nExample: "
            "`tarn lake put photos/ --to raw/photos`",
    .least = 1,
    .most = -1,
    .params_size = sizeof(put_params),
    .params = params,
    .run = run,
};
