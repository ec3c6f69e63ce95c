/* SPDX-License-Identifier: Apache-2.0 */
/* large_file.c - reading a large object of a lake beside reading a plain file with read(2) and with mmap(2), in one
 * process, in turn.
 *
 *     large_file LAKE REF/PATH FILE RUNS
 *
 * Every side looks at every byte (the exclusive or of its words, which must agree). In order, warm: FILE is in memory,
 * and so are the packs. In order, cold: the kernel was asked to forget both. Here and there: pieces of 4 KiB, 64 KiB
 * and 1 MiB at places that are the same for all sides. Tarn compares every byte with its hash; the others trust the
 * disk. Prints medians of RUNS. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/sink.h"
#include "lake/lake.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PIECE = 1 << 20, RUNS_MOST = 99 };

typedef enum side { SIDE_READ, SIDE_MMAP, SIDE_TARN, SIDE_ONE, SIDES } side;
static const char *const side_names[] = {"read", "mmap", "tarn", "tarn, 1 thread"};

typedef struct bench {
    const char *folder, *file;
    int fd, runs;
    uint64_t size;
    uint8_t *buffer;
    tarn_lake *lake;
    tarn_pool *pool;
    tarn_id id;
    uint64_t sum;
} bench;

static uint64_t look_at(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t sum[4] = {0}, w[4], last = 0;

    for (; len >= sizeof w; p += sizeof w, len -= sizeof w) {
        memcpy(w, p, sizeof w);
        for (int i = 0; i < 4; i++) sum[i] ^= w[i];
    }
    for (; len > 0; p++, len--) last += *p;
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ last;
}

/* Pieces have other borders in the lake, so a whole is compared by what does not depend on them. */
static tarn_code look(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    bench *b = arg;

    (void)err;
    b->sum += look_at(bytes, len) != 0;
    b->size -= len;
    return TARN_OK;
}

static tarn_code by_read(bench *b, uint64_t at, uint64_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (uint64_t end = at + len; at < end && rc == TARN_OK; at += PIECE) {
        size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;
        rc = tarn_fd_read(b->fd, b->buffer, n, at, b->file, err);
        b->sum += look_at(b->buffer, n) != 0;
    }
    return rc;
}

/* Mapped anew for a whole, as a program does that opens the file; *map is kept for pieces. */
static tarn_code by_map(bench *b, tarn_mapped *map, uint64_t at, uint64_t len, tarn_err *err)
{
    tarn_code rc = map->bytes ? TARN_OK : tarn_map_open(b->file, map, err);

    if (rc == TARN_OK) b->sum += look_at((const uint8_t *)map->bytes + at, (size_t)len) != 0;
    return rc;
}

static tarn_code by_tarn(bench *b, tarn_pool *pool, uint64_t at, uint64_t len, tarn_err *err)
{
    uint64_t size = b->size;

    b->size = len;
    tarn_code rc = tarn_lake_read_by(b->lake, pool, &b->id, at, len, look, b, err);
    if (rc == TARN_OK && b->size != 0) rc = TARN_FAIL(err, TARN_CORRUPT, "the lake gave another number of bytes");
    b->size = size;
    return rc;
}

static tarn_code one(bench *b, side s, tarn_mapped *map, uint64_t at, uint64_t len, tarn_err *err)
{
    if (s == SIDE_READ) return by_read(b, at, len, err);
    if (s == SIDE_MMAP) return by_map(b, map, at, len, err);
    return by_tarn(b, s == SIDE_TARN ? b->pool : NULL, at, len, err);
}

/* ---- cold ---- */

static void forget_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return;
    (void)fdatasync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

static void forget_all(const bench *b)
{
    char folder[2048], path[4096];
    struct dirent *e;

    forget_file(b->file);
    (void)snprintf(folder, sizeof folder, "%s/.tarn/packs", b->folder);
    DIR *dir = opendir(folder);
    while (dir && (e = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.') forget_file(path);
    }
    if (dir) (void)closedir(dir);
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, ascending);
    return v[n / 2];
}

static void print_row(const char *what, const double m[SIDES], const char *unit)
{
    (void)printf("%-26s", what);
    for (int s = 0; s < SIDES; s++) (void)printf(" %9.3f %s", m[s], unit);
    (void)printf("   tarn/read %6.2f  tarn/mmap %6.2f\n", m[SIDE_TARN] / m[SIDE_READ], m[SIDE_TARN] / m[SIDE_MMAP]);
}

static tarn_code in_order(bench *b, bool cold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double t[SIDES][RUNS_MOST], m[SIDES];

    for (int run = -1; run < b->runs; run++) /* the first does not count */
        for (int s = 0; s < SIDES; s++) {
            tarn_mapped map = {0};
            if (cold) forget_all(b);
            double start = tarn_seconds();
            TARN_TRY(one(b, (side)s, &map, 0, b->size, err));
            if (run >= 0) t[s][run] = (tarn_seconds() - start) * 1e3;
            if (map.bytes) tarn_map_close(&map);
        }
    for (int s = 0; s < SIDES; s++) m[s] = median(t[s], b->runs);
    print_row(cold ? "all of it, cold" : "all of it, warm", m, "ms");
done:
    return rc;
}

static tarn_code here_and_there(bench *b, size_t len, int times, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double t[SIDES][RUNS_MOST], m[SIDES];
    tarn_mapped map = {0};
    char what[40];

    for (int run = -1; run < b->runs; run++)
        for (int s = 0; s < SIDES; s++) {
            double start = tarn_seconds();
            for (int i = 0; i < times; i++) {
                uint64_t at = tarn_random_u64(9, TARN_STREAM_TEST, (uint64_t)i, (uint64_t)(run + 1)) % (b->size - len);
                TARN_TRY(one(b, (side)s, &map, at, len, err));
            }
            if (run >= 0) t[s][run] = (tarn_seconds() - start) * 1e6 / times;
        }
    for (int s = 0; s < SIDES; s++) m[s] = median(t[s], b->runs);
    (void)snprintf(what, sizeof what, "%zu KiB here and there", len >> 10);
    print_row(what, m, "us");
done:
    if (map.bytes) tarn_map_close(&map);
    return rc;
}

static tarn_code run(int argc, char **argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bench b = {.fd = -1};
    tarn_id commit;
    char path[1025];
    tarn_entry e;
    struct rusage u;

    if (argc != 5) return TARN_FAIL(err, TARN_USAGE, "see the head of large_file.c");
    b.folder = argv[1];
    b.file = argv[3];
    b.runs = atoi(argv[4]) < 1 ? 1 : atoi(argv[4]) > RUNS_MOST ? RUNS_MOST : atoi(argv[4]);
    TARN_TRY(tarn_pool_new(0, &b.pool, err));
    TARN_TRY(tarn_alloc(&b.buffer, PIECE, 1, err));
    TARN_TRY(tarn_lake_open(b.folder, &b.lake, err));
    TARN_TRY(tarn_lake_resolve_path(b.lake, argv[2], &commit, path, err));
    TARN_TRY(tarn_lake_lookup(b.lake, &commit, path, &e, err));
    b.id = e.object.id;
    b.size = e.object.size;
    b.fd = open(b.file, O_RDONLY | O_CLOEXEC);
    if (b.fd < 0) {
        rc = TARN_FAIL_ERRNO(err, "open", b.file);
        goto done;
    }
    (void)printf("%-26s", "reading, medians");
    for (int s = 0; s < SIDES; s++) (void)printf(" %12s", side_names[s]);
    (void)printf("   (%d threads)\n", tarn_pool_threads(b.pool));
    TARN_TRY(in_order(&b, false, err));
    TARN_TRY(here_and_there(&b, 4 << 10, 2000, err));
    TARN_TRY(here_and_there(&b, 64 << 10, 1000, err));
    TARN_TRY(here_and_there(&b, 1 << 20, 200, err));
    TARN_TRY(in_order(&b, true, err));
    (void)getrusage(RUSAGE_SELF, &u);
    (void)printf("peak memory of all this (the mapped file counts): %ld MB\n", u.ru_maxrss / 1024);
done:
    if (b.fd >= 0) (void)close(b.fd);
    tarn_lake_close(b.lake);
    tarn_free(b.buffer);
    tarn_pool_free(b.pool);
    return rc;
}

int main(int argc, char **argv)
{
    tarn_err err = {0};

    tarn_json_setup();
    if (run(argc, argv, &err) == TARN_OK) return 0;
    (void)fprintf(stderr, "large_file: %s\n", err.msg);
    return 1;
}
