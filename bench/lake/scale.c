/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - what the lake's metadata costs as it grows, for scale.sh. Each call prints one line of JSON.
 *
 *     scale build LAKE N           make a lake whose branch main has N paths (contents: 4,096 small objects)
 *     scale change LAKE TIMES      commit one changed path TIMES times: median ms, bytes of packs a commit
 *     scale branch LAKE TIMES      make a branch TIMES times: median ms
 *     scale diff LAKE              commit 10 changes spread over all paths, compare with before: median ms
 *     scale staged LAKE N          stage N new paths, commit them: seconds of CPU and wall of each
 *     scale clients LAKE N TIMES   N threads commit to one branch, each TIMES times: commits a second, and how often
 * that is what the disk syncs a second (4 KiB appends, before and after) scale unlogged LAKE N TIMES  the same without
 * the records of the audit log scale merges LAKE N TIMES    the same, but each commits to a branch of its own and
 * merges that into the one: merges scale processes LAKE N TIMES as clients, with N processes
 *
 * It is linked with --wrap=tarn_audit_ref, so that it can leave the audit log out. */
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/sink.h"
#include "lake/access_inside.h"
#include "lake/history.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTENTS = 4096, BATCH = 50000 };

static const tarn_commit_options options = {.author = "bench", .message = "bench"};

tarn_code __real_tarn_audit_ref(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                const tarn_id *to, const char *who, const char *why, tarn_err *err);
tarn_code __wrap_tarn_audit_ref(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                const tarn_id *to, const char *who, const char *why, tarn_err *err);

static bool unlogged;

tarn_code __wrap_tarn_audit_ref(tarn_lake *lake, const char *action, const char *name, const tarn_id *was,
                                const tarn_id *to, const char *who, const char *why, tarn_err *err)
{
    return unlogged ? TARN_OK : __real_tarn_audit_ref(lake, action, name, was, to, who, why, err);
}

static double cpu_seconds(void)
{
    struct rusage r;

    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

static void path_of(int64_t i, char out[64])
{
    (void)snprintf(out, 64, "data/%03lld/%03lld/file-%08lld.bin", (long long)(i / 10000 % 1000),
                   (long long)(i / 100 % 100), (long long)i);
}

static tarn_code put_number(tarn_lake *lake, uint64_t number, tarn_object *out, tarn_err *err)
{
    char text[32];
    int len = snprintf(text, sizeof text, "content %llu\n", (unsigned long long)number);

    return tarn_lake_put(lake, text, (size_t)len, out, err);
}

static tarn_code fill(tarn_lake *lake, int64_t from, int64_t to, const tarn_object *contents, tarn_entry *entries,
                      tarn_err *err)
{
    tarn_id id;

    for (int64_t i = from; i < to; i++) {
        entries[i - from] = (tarn_entry){.path = ""};
        path_of(i, entries[i - from].path);
        entries[i - from].object = contents[tarn_random_below(CONTENTS, 1, TARN_STREAM_TEST, (uint64_t)i, 0)];
    }
    return tarn_lake_commit_entries(lake, "main", entries, (size_t)(to - from), &options, &id, err);
}

static tarn_code build(const char *folder, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_object contents[CONTENTS];
    tarn_entry *entries = NULL;
    double start = tarn_seconds(), cpu = cpu_seconds();

    TARN_TRY(tarn_dir_make(folder, err));
    TARN_TRY(tarn_lake_init(folder, err));
    TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(tarn_alloc(&entries, BATCH, sizeof *entries, err));
    for (uint64_t i = 0; i < CONTENTS; i++) TARN_TRY(put_number(lake, i, &contents[i], err));
    for (int64_t at = 0; at < n; at += BATCH)
        TARN_TRY(fill(lake, at, n - at < BATCH ? n : at + BATCH, contents, entries, err));
    printf("{\"what\":\"build\",\"paths\":%lld,\"seconds\":%.2f,\"cpu\":%.2f}\n", (long long)n, tarn_seconds() - start,
           cpu_seconds() - cpu);
done:
    tarn_free(entries);
    tarn_lake_close(lake);
    return rc;
}

static tarn_code count_paths(tarn_lake *lake, uint64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id head;
    tarn_commit *c = NULL;

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_resolve(lake, "main", &head, err));
    TARN_TRY(tarn_lake_commit_read(lake, &head, c, err));
    *out = c->paths;
    tarn_commit_clear(c);
done:
    tarn_free(c);
    return rc;
}

static uint64_t pack_bytes(const char *folder)
{
    char command[4200], line[64] = "0";
    uint64_t bytes = 0;

    (void)snprintf(command, sizeof command, "du -sb '%s/.tarn/packs' | cut -f1", folder);
    FILE *p = popen(command, "r");
    if (p && fgets(line, sizeof line, p)) bytes = strtoull(line, NULL, 10);
    if (p) (void)pclose(p);
    return bytes;
}

/* One path of n, spread over all of them, gets new content. */
static tarn_code change_one(tarn_lake *lake, uint64_t n, uint64_t at, uint64_t content, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e = {.path = ""};
    tarn_id id;

    path_of((int64_t)(at % n), e.path);
    TARN_TRY(put_number(lake, content, &e.object, err));
    TARN_TRY(tarn_lake_commit_entries(lake, "main", &e, 1, &options, &id, err));
done:
    return rc;
}

static tarn_code change(tarn_lake *lake, const char *folder, int times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double ms[1000], cpu = 0;
    uint64_t n = 0, before = pack_bytes(folder);

    if (times > 1000) times = 1000;
    TARN_TRY(count_paths(lake, &n, err));
    for (int i = 0; i < times; i++) {
        double start = tarn_seconds(), used = cpu_seconds();
        TARN_TRY(change_one(lake, n, (uint64_t)i * 7919 * 104729, (uint64_t)tarn_now_us(), err));
        ms[i] = (tarn_seconds() - start) * 1e3;
        cpu += cpu_seconds() - used;
    }
    printf("{\"what\":\"change\",\"paths\":%llu,\"ms\":%.3f,\"cpu_ms\":%.3f,\"bytes\":%.0f}\n", (unsigned long long)n,
           median(ms, (size_t)times), cpu * 1e3 / times, (double)(pack_bytes(folder) - before) / times);
done:
    return rc;
}

static tarn_code branch(tarn_lake *lake, int times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double ms[1000];
    uint64_t n = 0;
    tarn_id head;
    char name[64];

    if (times > 1000) times = 1000;
    TARN_TRY(count_paths(lake, &n, err));
    for (int i = 0; i < times; i++) {
        (void)snprintf(name, sizeof name, "heads/b%lld", (long long)tarn_now_us());
        double start = tarn_seconds();
        TARN_TRY(tarn_lake_resolve(lake, "main", &head, err));
        TARN_TRY(tarn_lake_ref_move(lake, name, NULL, &head, "bench", "", err));
        ms[i] = (tarn_seconds() - start) * 1e3;
    }
    printf("{\"what\":\"branch\",\"paths\":%llu,\"ms\":%.3f}\n", (unsigned long long)n, median(ms, (size_t)times));
done:
    return rc;
}

static tarn_code count_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    (void)kind, (void)before, (void)after, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static tarn_code diff(const char *folder, tarn_lake **lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e[10] = {{.path = ""}};
    tarn_id before, after;
    uint64_t n = 0;
    double ms[21], cold;
    int seen = 0;

    TARN_TRY(count_paths(*lake, &n, err));
    TARN_TRY(tarn_lake_resolve(*lake, "main", &before, err));
    for (uint64_t i = 0; i < 10; i++) {
        path_of((int64_t)(i * (n / 10) + 17 % n), e[i].path);
        TARN_TRY(put_number(*lake, (uint64_t)tarn_now_us() + i, &e[i].object, err));
    }
    TARN_TRY(tarn_lake_commit_entries(*lake, "main", e, 10, &options, &after, err));
    tarn_lake_close(*lake);
    *lake = NULL;
    TARN_TRY(tarn_lake_open(folder, lake, err));
    for (int i = 0; i < 21; i++) {
        double start = tarn_seconds();
        seen = 0;
        TARN_TRY(tarn_lake_diff(*lake, &before, &after, "", count_change, &seen, err));
        ms[i] = (tarn_seconds() - start) * 1e3;
    }
    cold = ms[0];
    printf("{\"what\":\"diff\",\"paths\":%llu,\"differences\":%d,\"first_ms\":%.3f,\"ms\":%.3f}\n",
           (unsigned long long)n, seen, cold, median(ms + 1, 20));
done:
    return rc;
}

static tarn_code staged(tarn_lake *lake, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *entries = NULL;
    tarn_object object;
    tarn_id id;

    TARN_TRY(put_number(lake, 1, &object, err));
    TARN_TRY(tarn_alloc(&entries, BATCH, sizeof *entries, err));
    double start = tarn_seconds(), cpu = cpu_seconds();
    for (int64_t at = 0; at < n; at += BATCH) {
        size_t some = (size_t)(n - at < BATCH ? n - at : BATCH);
        for (size_t i = 0; i < some; i++) {
            entries[i] = (tarn_entry){.object = object};
            (void)snprintf(entries[i].path, sizeof entries[i].path, "new/%02lld/file-%08lld.bin",
                           (long long)(at / BATCH), (long long)at + (long long)i);
        }
        TARN_TRY(tarn_lake_stage(lake, "main", "", entries, some, err));
    }
    double staged_s = tarn_seconds() - start, staged_cpu = cpu_seconds() - cpu;
    start = tarn_seconds();
    cpu = cpu_seconds();
    TARN_TRY(tarn_lake_commit(lake, "main", "", &options, &id, err));
    printf("{\"what\":\"staged\",\"objects\":%lld,\"stage_s\":%.2f,\"stage_cpu\":%.2f,\"commit_s\":%.2f,\"commit_cpu\":"
           "%.2f}\n",
           (long long)n, staged_s, staged_cpu, tarn_seconds() - start, cpu_seconds() - cpu);
done:
    tarn_free(entries);
    return rc;
}

/* ---- many clients ---- */

typedef struct client {
    tarn_lake *lake;
    pthread_t thread;
    int64_t run; /* tells runs apart */
    int number, times, failed;
    bool merges;
    tarn_err err;
} client;

/* Commit an entry to the branch, or to one of the client's own that is merged then. */
static tarn_code land(client *c, const tarn_entry *e)
{
    static const tarn_merge_options no_ff = {.author = "bench", .no_ff = true};
    char own[64];
    tarn_id id;
    tarn_merge_result m;

    (void)snprintf(own, sizeof own, "own-%lld-%d", (long long)c->run, c->number);
    tarn_code rc = tarn_lake_commit_entries(c->lake, c->merges ? own : "main", e, 1, &options, &id, &c->err);
    return rc == TARN_OK && c->merges ? tarn_lake_merge(c->lake, own, "main", &no_ff, &m, &c->err) : rc;
}

static tarn_code own_branch(client *c)
{
    char own[64];
    tarn_id head;
    tarn_code rc = tarn_lake_resolve(c->lake, "main", &head, &c->err);

    (void)snprintf(own, sizeof own, "heads/own-%lld-%d", (long long)c->run, c->number);
    return rc == TARN_OK ? tarn_lake_ref_move(c->lake, own, NULL, &head, "bench", "", &c->err) : rc;
}

static void *commit_times(void *arg)
{
    client *c = arg;

    for (int i = 0; i < c->times; i++) {
        tarn_entry e = {.path = ""};
        (void)snprintf(e.path, sizeof e.path, "clients/%lld/%03d/%05d", (long long)c->run, c->number, i);
        tarn_code rc = put_number(c->lake, (uint64_t)c->run + (uint64_t)i, &e.object, &c->err);
        if (rc == TARN_OK) rc = land(c, &e);
        c->failed += rc != TARN_OK;
    }
    return NULL;
}

static int as_threads(client *c, int n)
{
    int failed = 0;

    for (int i = 0; i < n; i++) {
        if (pthread_create(&c[i].thread, NULL, commit_times, &c[i]) != 0) exit(71);
    }
    for (int i = 0; i < n; i++) {
        (void)pthread_join(c[i].thread, NULL);
        failed += c[i].failed;
        if (c[i].failed) (void)fprintf(stderr, "%s\n", c[i].err.msg);
    }
    return failed;
}

static int as_processes(const char *folder, int n, int times)
{
    int failed = 0, status;

    for (int i = 0; i < n; i++) {
        if (fork() != 0) continue;
        client c = {.run = tarn_now_us(), .number = i, .times = times};
        if (tarn_lake_open(folder, &c.lake, &c.err) != TARN_OK) _exit(99);
        (void)commit_times(&c);
        if (c.failed) (void)fprintf(stderr, "%s\n", c.err.msg);
        tarn_lake_close(c.lake);
        _exit(c.failed);
    }
    while (wait(&status) > 0) failed += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return failed;
}

/* What the disk of a folder acknowledges, a second. */
static double syncs(const char *folder)
{
    char path[4096], block[4096] = "x";
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/syncs", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    double start = tarn_seconds();
    for (; fd >= 0 && tarn_seconds() - start < 1; n++)
        if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd) != 0) break;
    double rate = n / (tarn_seconds() - start);
    if (fd >= 0) (void)close(fd);
    (void)unlink(path);
    return rate;
}

static tarn_code prepare(const char *what, tarn_lake *lake, client *c, int n, int times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t run = tarn_now_us();

    unlogged = strcmp(what, "unlogged") == 0;
    for (int i = 0; i < n && rc == TARN_OK; i++) {
        c[i] = (client){.lake = lake, .run = run, .number = i, .times = times, .merges = strcmp(what, "merges") == 0};
        if (c[i].merges) rc = own_branch(&c[i]);
        if (rc != TARN_OK) *err = c[i].err;
    }
    return rc;
}

static tarn_code clients(const char *what, const char *folder, int n, int times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    client *c = NULL;
    uint64_t before = 0, after = 0;
    bool threads = strcmp(what, "processes") != 0;
    double disk = syncs(folder);

    TARN_TRY(tarn_alloc(&c, (size_t)n, sizeof *c, err));
    TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(count_paths(lake, &before, err));
    TARN_TRY(prepare(what, lake, c, n, times, err));
    if (!threads) tarn_lake_close(lake);
    if (!threads) lake = NULL;
    double start = tarn_seconds(), cpu = cpu_seconds();
    int failed = threads ? as_threads(c, n) : as_processes(folder, n, times);
    double seconds = tarn_seconds() - start, rate = n * times / seconds;
    cpu = cpu_seconds() - cpu;
    disk = (disk + syncs(folder)) / 2;
    if (!lake) TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(count_paths(lake, &after, err));
    printf("{\"what\":\"%s\",\"clients\":%d,\"times\":%d,\"failed\":%d,\"lost\":%lld,\"seconds\":%.2f,\"cpu_ms\":%.3f,"
           "\"per_s\":%.0f,\"syncs_per_s\":%.0f,\"ratio\":%.2f}\n",
           what, n, n * times, failed, (long long)n * times - failed - (long long)(after - before), seconds,
           threads ? cpu * 1e3 / (n * times) : 0, rate, disk, rate / disk);
done:
    tarn_free(c);
    tarn_lake_close(lake);
    return rc;
}

static tarn_code on_lake(const char *what, const char *folder, int n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;

    TARN_TRY(tarn_lake_open(folder, &lake, err));
    if (strcmp(what, "change") == 0) rc = change(lake, folder, n, err);
    else if (strcmp(what, "branch") == 0) rc = branch(lake, n, err);
    else if (strcmp(what, "diff") == 0) rc = diff(folder, &lake, err);
    else rc = staged(lake, n, err);
done:
    tarn_lake_close(lake);
    return rc;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};
    tarn_code rc = TARN_USAGE;
    const char *what = argc > 2 ? argv[1] : "";
    int n = argc > 3 ? atoi(argv[3]) : 1, times = argc > 4 ? atoi(argv[4]) : 1;

    tarn_json_setup();
    if (strcmp(what, "build") == 0) rc = build(argv[2], n, &err);
    else if (strcmp(what, "clients") == 0 || strcmp(what, "unlogged") == 0 || strcmp(what, "merges") == 0 ||
             strcmp(what, "processes") == 0)
        rc = clients(what, argv[2], n, times, &err);
    else if (argc > 2) rc = on_lake(what, argv[2], n, &err);
    if (rc != TARN_OK) (void)fprintf(stderr, "scale %s: %s\n", what, err.msg);
    return tarn_code_exit(rc);
}
