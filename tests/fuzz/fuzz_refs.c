/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_refs.c - any text as a reference (main~3^2@{date}), as a reference with a path, as a staging area, and as
 * patterns of refs. Refused with a message; or it names a commit that is there, and the same one when it is taken for a
 * reference with a path.
 *
 * The lake has a history with a merge, a tag, an alias, a branch that was removed, and a staging area. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lake/history.h"
#include "lake/inside.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 2000 };

static char folder[64];
static tarn_lake *lake;

static void clean_up(void)
{
    tarn_lake_close(lake);
    if (tarn_dir_remove(folder, NULL) != TARN_OK) (void)fprintf(stderr, "%s stays behind\n", folder);
}

static tarn_code commit(const char *ref, const char *text, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e = {.path = "a/b"};

    TARN_TRY(tarn_lake_put(lake, text, strlen(text), &e.object, err));
    rc = tarn_lake_commit_entries(lake, ref, &e, 1, &(tarn_commit_options){.author = "Ann"}, out, err);
done:
    return rc;
}

/* main: 1 - 2 - 4 - merge;  side: 1 - 3 (gone, but in the log) */
static tarn_code fill(tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id, first, head;
    tarn_merge_result merged;
    tarn_entry e = {.path = "c/d"};

    TARN_TRY(commit("main", "1", &first, err));
    TARN_TRY(tarn_lake_ref_move(lake, "heads/side", NULL, &first, "Ann", "test", err));
    TARN_TRY(commit("main", "2", &id, err));
    TARN_TRY(tarn_lake_put(lake, "3", 1, &e.object, err));
    TARN_TRY(tarn_lake_commit_entries(lake, "side", &e, 1, &(tarn_commit_options){.author = "Ben"}, &head, err));
    TARN_TRY(tarn_lake_merge(lake, "side", "main", &(tarn_merge_options){.author = "Ann"}, &merged, err));
    TARN_TRY(tarn_lake_ref_move(lake, "heads/side", &head, NULL, "Ann", "test", err));
    TARN_TRY(tarn_lake_ref_move(lake, "tags/v1", NULL, &first, "Ann", "test", err));
    TARN_TRY(tarn_lake_ref_move(lake, "models/m/live", NULL, &first, "Ann", "test", err));
    TARN_TRY(tarn_lake_ref_move(lake, "heads/a/b", NULL, &merged.commit, "Ann", "test", err));
    rc = tarn_lake_stage(lake, "main", "", &e, 1, err);
done:
    return rc;
}

static void open_lake(void)
{
    tarn_err err = {0};

    tarn_json_setup();
    (void)snprintf(folder, sizeof folder, "%s/tarn-fuzz-refs-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder) || atexit(clean_up) != 0) abort();
    tarn_code rc = tarn_lake_init(folder, &err);
    if (rc == TARN_OK) rc = tarn_lake_open(folder, &lake, &err);
    if (rc == TARN_OK) rc = fill(&err);
    if (rc == TARN_OK) return;
    (void)fprintf(stderr, "no lake to ask: %s\n", err.msg);
    abort();
}

static bool fair(tarn_code rc, const tarn_err *err)
{
    return rc == TARN_OK || ((rc == TARN_INVALID || rc == TARN_NOT_FOUND) && err->msg[0] && !strchr(err->msg, '\n'));
}

static void ask(const char *text)
{
    tarn_err err = {0};
    tarn_id id, again;
    tarn_commit *c = NULL;
    char path[1025], branch[256];
    bool staged = false;

    tarn_code rc = tarn_lake_resolve(lake, text, &id, &err);
    if (rc != TARN_OK && rc != TARN_INVALID && rc != TARN_NOT_FOUND) abort();
    if (rc == TARN_OK) {
        if (tarn_lake_resolve_path(lake, text, &again, path, &err) != TARN_OK) abort();
        if (!tarn_id_equal(&id, &again) || path[0]) abort();
        if (tarn_alloc(&c, 1, sizeof *c, &err) != TARN_OK) abort();
        if (tarn_lake_commit_read(lake, &id, c, &err) != TARN_OK) abort();
        tarn_commit_clear(c);
        tarn_free(c);
    }
    rc = tarn_lake_resolve_path(lake, text, &again, path, &err);
    if (rc != TARN_OK && rc != TARN_INVALID && rc != TARN_NOT_FOUND) abort();
    rc = tarn_lake_resolve_staged(lake, text, &staged, branch, path, &err);
    if (!fair(rc, &err)) abort();
    if (rc == TARN_OK && staged && strncmp(branch, "heads/", 6) != 0) abort();
    (void)tarn_glob_any(text, "heads/main");
    (void)tarn_glob_any("heads/**\nmodels/*", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[MOST + 1];

    if (!lake) open_lake();
    if (len > MOST) return 0;
    memcpy(text, bytes, len);
    text[len] = '\0';
    ask(text);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
int main(int argc, char **argv) { return replay(argc, argv, NULL); }
#endif
