/* SPDX-License-Identifier: Apache-2.0 */
/* small_files.c - how long the lake takes for a folder of many small files, for small_files.sh.
 *
 *     small_files make FOLDER N      write N files of 100 to 1,000 bytes (the same for every run)
 *     small_files import LAKE FOLDER [THREADS]  put all of them and commit once; prints seconds of wall and of CPU
 *     small_files change LAKE TIMES  commit one changed file TIMES times in one process; prints the median in ms
 *     small_files once LAKE          one changed file in a new process: open, put, commit, close; prints ms
 *     small_files look LAKE          list all paths, look one up 100,000 times; prints seconds and microseconds
 * With TARN_KEY_FILE set, the lake is made encrypted.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/sink.h"
#include "lake/key.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double cpu_seconds(void)
{
    struct rusage r;

    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static void path_of(int64_t i, char out[64])
{
    (void)snprintf(out, 64, "d%02lld/%02lld/file-%06lld.txt", (long long)(i % 100), (long long)(i / 100 % 100),
                   (long long)i);
}

static tarn_code make(const char *folder, int64_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[64], whole[4096], text[1024];

    for (int64_t i = 0; i < n; i++) {
        path_of(i, path);
        (void)snprintf(whole, sizeof whole, "%s/%.6s", folder, path);
        if (i < 10000) TARN_TRY(tarn_dir_make(whole, err));
        (void)snprintf(whole, sizeof whole, "%s/%s", folder, path);
        size_t len = 100 + (size_t)tarn_random_below(900, 1, TARN_STREAM_TEST, (uint64_t)i, 0);
        for (size_t k = 0; k < len; k++)
            text[k] = "0123456789abcdef,.\n "[tarn_random_below(20, 2, TARN_STREAM_TEST, (uint64_t)i, (uint32_t)k)];
        FILE *f = fopen(whole, "wb");
        if (!f) return TARN_FAIL_ERRNO(err, "create", whole);
        bool ok = fwrite(text, 1, len, f) == len;
        if (fclose(f) != 0 || !ok) return TARN_FAIL_ERRNO(err, "write", whole);
    }
done:
    return rc;
}

/* What is below a folder: entries with paths relative to the first one, and full names. */
typedef struct found {
    tarn_arena *arena;
    tarn_entry *entries;
    const char **names;
    size_t n, cap, root;
} found;

static tarn_code add_file(found *f, const char *whole, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *copy = NULL;

    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16384;
        TARN_TRY(tarn_resize(&f->entries, cap, sizeof *f->entries, err));
        TARN_TRY(tarn_resize(&f->names, cap, sizeof *f->names, err));
        f->cap = cap;
    }
    TARN_TRY(tarn_arena_strndup(f->arena, whole, len, &copy, err));
    f->names[f->n] = copy;
    tarn_entry *e = &f->entries[f->n];
    (void)snprintf(e->path, sizeof e->path, "%s", whole + f->root + 1);
    e->recipe = (tarn_id){{0}};
    f->n++;
done:
    return rc;
}

static tarn_code find_files(found *f, const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    DIR *dir = opendir(folder);
    struct dirent *d;

    if (!dir) return TARN_FAIL_ERRNO(err, "read folder", folder);
    while (rc == TARN_OK && (d = readdir(dir)) != NULL) {
        char whole[2048];
        int len = snprintf(whole, sizeof whole, "%s/%s", folder, d->d_name);
        if (d->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof whole) continue;
        if (d->d_type == DT_DIR) rc = find_files(f, whole, err);
        else if (d->d_type == DT_REG) rc = add_file(f, whole, (size_t)len, err);
    }
    (void)closedir(dir);
    return rc;
}

static tarn_code import(tarn_lake *lake, const char *folder, int threads, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    found f = {.root = strlen(folder)};
    tarn_object *objects = NULL;
    tarn_pool *pool = NULL;
    double start = tarn_seconds(), cpu = cpu_seconds();
    tarn_id id;

    TARN_TRY(tarn_arena_new(&f.arena, err));
    TARN_TRY(tarn_pool_new(threads, &pool, err));
    TARN_TRY(find_files(&f, folder, err));
    TARN_TRY(tarn_alloc(&objects, f.n, sizeof *objects, err));
    double found_at = tarn_seconds();
    TARN_TRY(tarn_lake_put_files(lake, pool, f.names, NULL, f.n, objects, err));
    for (size_t i = 0; i < f.n; i++) f.entries[i].object = objects[i];
    double put = tarn_seconds();
    TARN_TRY(tarn_lake_commit_entries(lake, "main", f.entries, f.n,
                                      &(tarn_commit_options){.author = "bench", .message = "import"}, &id, err));
    (void)printf("%zu files, %d threads: %.3f s wall (find %.3f, put %.3f, commit %.3f), %.3f s CPU\n", f.n,
                 tarn_pool_threads(pool), tarn_seconds() - start, found_at - start, put - found_at,
                 tarn_seconds() - put, cpu_seconds() - cpu);
done:
    tarn_free(f.entries);
    tarn_free(f.names);
    tarn_free(objects);
    tarn_arena_free(f.arena);
    tarn_pool_free(pool);
    return rc;
}

static tarn_code change_one(tarn_lake *lake, int64_t k, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e = {.path = ""};
    char text[64];
    tarn_id id;

    path_of(k * 7919 % 100000, e.path);
    (void)snprintf(text, sizeof text, "changed %lld at %lld\n", (long long)k, (long long)tarn_now_us());
    TARN_TRY(tarn_lake_put(lake, text, strlen(text), &e.object, err));
    TARN_TRY(tarn_lake_commit_entries(lake, "main", &e, 1,
                                      &(tarn_commit_options){.author = "bench", .message = "change"}, &id, err));
done:
    return rc;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static tarn_code change(tarn_lake *lake, int64_t times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *ms = NULL, cpu = cpu_seconds();

    TARN_TRY(tarn_alloc(&ms, (size_t)times, sizeof *ms, err));
    for (int64_t i = 0; i < times; i++) {
        double start = tarn_seconds();
        TARN_TRY(change_one(lake, i, err));
        ms[i] = (tarn_seconds() - start) * 1e3;
    }
    cpu = (cpu_seconds() - cpu) * 1e3 / (double)times;
    qsort(ms, (size_t)times, sizeof *ms, ascending);
    (void)printf("change one file, %lld times: median %.2f ms, 90 %% %.2f ms, CPU %.2f ms each\n", (long long)times,
                 ms[times / 2], ms[times * 9 / 10], cpu);
done:
    tarn_free(ms);
    return rc;
}

static tarn_code count_entry(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)e, (void)err;
    ++*(int64_t *)arg;
    return TARN_OK;
}

static tarn_code look(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    tarn_entry e;
    int64_t n = 0;
    double start = tarn_seconds();
    char path[64];

    TARN_TRY(tarn_lake_resolve(lake, "main", &id, err));
    TARN_TRY(tarn_lake_list(lake, &id, "", "", 0, count_entry, &n, err));
    (void)printf("list %lld paths: %.3f s\n", (long long)n, tarn_seconds() - start);
    start = tarn_seconds();
    for (int64_t i = 0; i < 100000; i++) {
        path_of(i * 7919 % n, path);
        TARN_TRY(tarn_lake_lookup(lake, &id, path, &e, err));
    }
    (void)printf("look up a path: %.2f us\n", (tarn_seconds() - start) * 10);
done:
    return rc;
}

static tarn_code make_lake(const char *folder, tarn_err *err)
{
    return getenv("TARN_KEY_FILE") ? tarn_lake_init_encrypted(folder, "", "", &(tarn_lake_key){0}, err)
                                   : tarn_lake_init(folder, err);
}

static tarn_code run(int argc, char **argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    double start = tarn_seconds();
    const char *what = argc > 2 ? argv[1] : "";

    if (strcmp(what, "make") == 0 && argc == 4) return make(argv[2], atoll(argv[3]), err);
    if (argc < 3) return TARN_FAIL(err, TARN_USAGE, "see the head of small_files.c");
    if (strcmp(what, "import") == 0) TARN_TRY(make_lake(argv[2], err));
    TARN_TRY(tarn_lake_open(argv[2], &lake, err));
    if (strcmp(what, "import") == 0 && argc >= 4) rc = import(lake, argv[3], argc > 4 ? atoi(argv[4]) : 0, err);
    else if (strcmp(what, "change") == 0 && argc == 4) rc = change(lake, atoll(argv[3]), err);
    else if (strcmp(what, "once") == 0) rc = change_one(lake, (int64_t)getpid(), err);
    else if (strcmp(what, "look") == 0) rc = look(lake, err);
    else rc = TARN_FAIL(err, TARN_USAGE, "see the head of small_files.c");
done:
    tarn_lake_close(lake);
    if (rc == TARN_OK && strcmp(what, "once") == 0) (void)printf("%.2f\n", (tarn_seconds() - start) * 1e3);
    return rc;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};

    tarn_json_setup();
    if (run(argc, argv, &err) == TARN_OK) return 0;
    (void)fprintf(stderr, "small_files: %s\n", err.msg);
    return 1;
}
