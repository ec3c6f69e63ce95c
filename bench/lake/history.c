/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - what branches, merges and looking back cost, for history.sh.
 *
 *     history merge LAKE PATHS     a tree of PATHS paths; branches made, and merged with 10 changes on each side
 *     history history LAKE N       N commits of one path each; the log of one path, of all, and blame
 *
 * Prints medians in milliseconds; every step is durable. */
#include "lake/history.h"
#include "base/mem.h"
#include "base/sink.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, CHANGES = 10 };

static const tarn_commit_options by_bench = {.author = "bench", .message = "m"};

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

static void path_of(int64_t i, char out[1025])
{
    (void)snprintf(out, 1025, "d%02lld/%02lld/file-%07lld.txt", (long long)(i % 100), (long long)(i / 100 % 100),
                   (long long)i);
}

static tarn_code fill(tarn_lake *lake, int64_t paths, tarn_id *head, tarn_err *err)
{
    enum { AT_A_TIME = 50000 };
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    tarn_object x;

    TARN_TRY(tarn_alloc(&e, AT_A_TIME, sizeof *e, err));
    TARN_TRY(tarn_lake_put(lake, "x", 1, &x, err));
    for (int64_t at = 0; at < paths; at += AT_A_TIME) {
        size_t n = 0;
        for (int64_t i = at; i < paths && n < AT_A_TIME; i++, n++) {
            e[n] = (tarn_entry){.object = x};
            path_of(i, e[n].path);
        }
        TARN_TRY(tarn_lake_commit_entries(lake, "main", e, n, &by_bench, head, err));
    }
done:
    tarn_free(e);
    return rc;
}

/* Ten paths far apart get a content of their own. */
static tarn_code change(tarn_lake *lake, const char *branch, int64_t paths, int64_t from, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    tarn_id id;
    char text[64];

    TARN_TRY(tarn_alloc(&e, CHANGES, sizeof *e, err));
    for (int64_t i = 0; i < CHANGES; i++) {
        path_of((from + i * (paths / CHANGES)) % paths, e[i].path);
        (void)snprintf(text, sizeof text, "%s %lld %lld", branch, (long long)from, (long long)i);
        TARN_TRY(tarn_lake_put(lake, text, strlen(text), &e[i].object, err));
    }
    TARN_TRY(tarn_lake_commit_entries(lake, branch, e, CHANGES, &by_bench, &id, err));
done:
    tarn_free(e);
    return rc;
}

static tarn_code measure_merge(tarn_lake *lake, int64_t paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double branch_ms[ROUNDS], merge_ms[ROUNDS];
    tarn_id head;
    tarn_merge_result r;
    char name[32];

    TARN_TRY(fill(lake, paths, &head, err));
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(name, sizeof name, "work%d", i);
        TARN_TRY(tarn_lake_ref_get(lake, "main", &head, err));
        double start = tarn_seconds();
        TARN_TRY(tarn_lake_ref_move(lake, name, NULL, &head, "bench", "made", err));
        branch_ms[i] = 1000 * (tarn_seconds() - start);
        TARN_TRY(change(lake, name, paths, 2 * i, err));
        TARN_TRY(change(lake, "main", paths, 2 * i + 1, err));
        start = tarn_seconds();
        TARN_TRY(tarn_lake_merge(lake, name, "main", &(tarn_merge_options){.author = "bench"}, &r, err));
        merge_ms[i] = 1000 * (tarn_seconds() - start);
    }
    (void)printf("%9lld paths: a branch %.2f ms, a merge of 2 x %d changes %.2f ms\n", (long long)paths,
                 median(branch_ms, ROUNDS), CHANGES, median(merge_ms, ROUNDS));
done:
    return rc;
}

static tarn_code count_commit(void *arg, const tarn_commit *c, tarn_err *err)
{
    (void)c, (void)err;
    ++*(int64_t *)arg;
    return TARN_OK;
}

static tarn_code count_blame(void *arg, const tarn_entry *e, const tarn_commit *c, tarn_err *err)
{
    (void)e;
    return count_commit(arg, c, err);
}

static tarn_code make_history(tarn_lake *lake, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e = {.path = ""};
    tarn_id id;
    char text[64];

    for (int64_t i = 0; i < n; i++) {
        path_of(i == n / 2 ? 1 : 2 + i % 5000, e.path);
        (void)snprintf(text, sizeof text, "text %lld", (long long)i);
        TARN_TRY(tarn_lake_put(lake, text, strlen(text), &e.object, err));
        TARN_TRY(tarn_lake_commit_entries(lake, "main", &e, 1, &by_bench, &id, err));
    }
done:
    return rc;
}

static tarn_code measure_history(tarn_lake *lake, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id head;
    char path[1025];
    int64_t all = 0, some = 0, folder = 0, blamed = 0;
    double at[6];

    TARN_TRY(make_history(lake, n, err));
    TARN_TRY(tarn_lake_ref_get(lake, "main", &head, err));
    path_of(1, path);
    at[0] = tarn_seconds();
    TARN_TRY(tarn_lake_log(lake, &head, count_commit, &all, err));
    at[1] = tarn_seconds();
    TARN_TRY(tarn_lake_log_some(lake, &head, &(tarn_log_options){.path = path}, count_commit, &some, err));
    at[2] = tarn_seconds();
    TARN_TRY(tarn_lake_log_some(lake, &head, &(tarn_log_options){.path = "d07/"}, count_commit, &folder, err));
    at[3] = tarn_seconds();
    TARN_TRY(tarn_lake_blame(lake, &head, path, count_blame, &blamed, err));
    at[4] = tarn_seconds();
    TARN_TRY(tarn_lake_blame(lake, &head, "", count_blame, &blamed, err));
    at[5] = tarn_seconds();
    (void)printf("%9lld commits: log of all %.0f ms, of a path %.0f ms (%lld), of a folder %.0f ms (%lld), blame of a "
                 "path %.0f ms, of the top %.0f ms (%lld)\n",
                 (long long)all, 1000 * (at[1] - at[0]), 1000 * (at[2] - at[1]), (long long)some,
                 1000 * (at[3] - at[2]), (long long)folder, 1000 * (at[4] - at[3]), 1000 * (at[5] - at[4]),
                 (long long)blamed - 1);
done:
    return rc;
}

int main(int argc, char **argv)
{
    tarn_code rc = TARN_OK;
    tarn_err e = {0}, *err = &e;
    tarn_lake *lake = NULL;

    tarn_json_setup();
    if (argc < 4) return (int)(fprintf(stderr, "usage: history merge|history LAKE N\n") > 0) + 1;
    TARN_TRY(tarn_lake_open(argv[2], &lake, err));
    if (strcmp(argv[1], "merge") == 0) TARN_TRY(measure_merge(lake, atoll(argv[3]), err));
    else TARN_TRY(measure_history(lake, atoll(argv[3]), err));
done:
    tarn_lake_close(lake);
    if (rc != TARN_OK) (void)fprintf(stderr, "versions: %s\n", e.msg);
    return rc != TARN_OK;
}
