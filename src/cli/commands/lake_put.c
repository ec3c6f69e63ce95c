/* SPDX-License-Identifier: Apache-2.0 */
/* lake_put.c - tarn lake put: stage files and folders. */
#include "base/mem.h"
#include "cli/command.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct put_params {
    char branch[200], to[1000];
} put_params;

static const tarn_param params[] = {
    TARN_TEXT(put_params, branch, "", "branch to stage on (default: the project's)"),
    TARN_TEXT(put_params, to, "", "path in the lake (default: the file's own name)"),
    TARN_PARAMS_END,
};

typedef struct put_job {
    tarn_cli *cli;
    tarn_lake *lake;
    tarn_entry *entries;
    size_t n, cap;
} put_job;

static tarn_code put_one(put_job *j, const char *file, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (strlen(path) >= sizeof j->entries->path) return TARN_FAIL(err, TARN_LIMIT, "'%.100s...' is longer than a path in the lake may be (1,024 bytes)", path);
    if (j->n == j->cap) {
        size_t cap = j->cap ? 2 * j->cap : 64;
        TARN_TRY(tarn_resize(&j->entries, cap, sizeof *j->entries, err));
        j->cap = cap;
    }
    tarn_entry *e = &j->entries[j->n];
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    TARN_TRY(tarn_lake_put_file(j->lake, file, &e->object, err));
    j->n++;
    if (j->n % 1000 == 0) tarn_progress(j->cli->sink, "put", (int64_t)j->n, 0, "files");
done:
    return rc;
}

/* A folder: every regular file in it, in order of name, hidden ones too; .tarn is left out. */
static tarn_code put_folder(put_job *j, const char *folder, const char *to, tarn_err *err)
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
                                               : put_one(j, e->fts_path, path, err);
    }
    if (rc == TARN_OK && errno != 0) rc = TARN_FAIL_ERRNO(err, "read folder", folder);
    (void)fts_close(walk);
done:
    tarn_free(roots[0]);
    return rc;
}

static tarn_code put_argument(put_job *j, const char *file, const char *to, tarn_err *err)
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
    if (!S_ISDIR(st.st_mode)) return put_one(j, name, to[0] ? to : own, err);
    return put_folder(j, name, to[0] ? to : strcmp(own, ".") == 0 ? "" : own, err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const put_params *p = values;
    put_job j = {.cli = cli};
    char branch[256];
    const char *on = p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch);

    if (p->to[0] && argc > 1) return TARN_FAIL(err, TARN_USAGE, "--to names one path; put one file or folder at a time with it");
    TARN_TRY(tarn_cli_lake(cli, &j.lake, err));
    for (int i = 0; i < argc; i++) TARN_TRY(put_argument(&j, argv[i], p->to, err));
    TARN_TRY(tarn_lake_stage(j.lake, on, j.entries, j.n, err));
    tarn_out(cli, "%zu files staged on %s; `tarn lake commit --message ...` commits them\n", j.n, on);
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer((json_int_t)j.n), err));
done:
    tarn_free(j.entries);
    tarn_lake_close(j.lake);
    return rc;
}

const tarn_command tarn_command_lake_put = {
    .name = "lake put",
    .stage = "lake",
    .title = "stage files and folders",
    .usage = "FILE...",
    .help = "Stores the files and stages them on a branch. Symbolic links are not followed inside folders.\nExample: `tarn lake put photos/ --to raw/photos`",
    .least = 1,
    .most = -1,
    .params_size = sizeof(put_params),
    .params = params,
    .run = run,
};
