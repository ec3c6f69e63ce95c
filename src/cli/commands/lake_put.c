/* SPDX-License-Identifier: Apache-2.0 */
/* lake_put.c - tarn lake put: stage files and folders. */
#include "base/mem.h"
#include "cli/command.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
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

/* A folder: every regular file in it, in order of name, hidden ones too; .tarn is left out. */
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
        if (e->fts_info != FTS_F || rc != TARN_OK) continue;
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
    TARN_TRY(put_all(&j, on, tarn_cli_who(p->as, who, sizeof who), err));
    tarn_out(cli, "%zu files staged on %s; `tarn lake commit --message ...` commits them\n", j.n, on);
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer((json_int_t)j.n), err));
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
