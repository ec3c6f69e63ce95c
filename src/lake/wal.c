/* SPDX-License-Identifier: Apache-2.0 */
/* wal.c - see wal.h.
 *
 *     log     header, frames                                       all numbers big-endian
 *     header  magic 4, version 4, page size 4, sequence 4, salt 8, checksum 8 of the 24 bytes before
 *     frame   page number 4, pages of the database at the end of a transaction (else 0) 4, salt 8,
 *             checksum 8 of all pages so far: of the 8 bytes before the salt and of the page; then the page
 *
 * SQLite reads frames until one does not fit and takes it for the end, since a crash may have torn the last
 * transaction. But a transaction is synced before the next one is begun (synchronous=FULL): so if the ends of two
 * transactions stand behind a frame that does not fit, the first of them was acknowledged, and a disk has damaged what
 * it had stored. The header is synced before the first frame, too. With one end behind it the two cannot be told apart.
 *
 * A checksum goes on from the one before, as it stands in the file or as it should be; if either fits, the frame is
 * sound. Frames of an earlier use of the file have other salts. If the header is damaged, salt and page size are taken
 * from the frames.
 *
 * Source: sqlite.org, "Database File Format", section 4, The Write-Ahead Log. */
#include "lake/wal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 32, FRAME = 24, PAGE_LEAST = 512, PAGE_MOST = 65536, PATH_CAP = 4096 };
static const uint32_t magic = 0x377f0682; /* the last bit: words of checksums are big-endian */

typedef struct sums {
    uint32_t a, b;
} sums;

typedef struct wal {
    int fd;
    uint32_t page;
    bool big, header_sound;
    uint8_t salt[8];
    sums stored, should; /* of the frame before, as it stands and as it should be */
    uint8_t *frame;
    int64_t n; /* frames read */
} wal;

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static sums sums_at(const uint8_t *p) { return (sums){big32(p), big32(p + 4)}; }
static bool same(sums x, sums y) { return x.a == y.a && x.b == y.b; }

static sums add(sums s, const uint8_t *p, size_t len, bool big)
{
    for (size_t i = 0; i < len; i += 8) {
        uint32_t x, y;
        memcpy(&x, p + i, 4);
        memcpy(&y, p + i + 4, 4);
        if (big) x = __builtin_bswap32(x), y = __builtin_bswap32(y);
        s.a += x + s.b;
        s.b += y + s.a;
    }
    return s;
}

/* ---- reading ---- */

/* Of a log whose header is damaged: the salt that two frames in a row have. */
static bool guess_salt(wal *w, const char *path)
{
    enum { TRIED = 16 };
    uint8_t before[FRAME] = {0}, frame[FRAME];
    static const uint8_t none[8];

    for (uint64_t i = 0; i < TRIED; i++) {
        if (tarn_fd_read(w->fd, frame, sizeof frame, HEADER + i * (FRAME + w->page), path, NULL) != TARN_OK) break;
        if (memcmp(frame + 8, before + 8, 8) == 0 && memcmp(frame + 8, none, 8) != 0) {
            memcpy(w->salt, frame + 8, 8);
            return true;
        }
        memcpy(before, frame, sizeof before);
    }
    return false;
}

/* A header that is damaged is guessed: our page size, and the salt. */
static tarn_code start(wal *w, const char *path, tarn_err *err)
{
    uint8_t h[HEADER] = {0};
    struct stat st;

    w->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0) return errno == ENOENT ? TARN_NOT_FOUND : TARN_FAIL_ERRNO(err, "open", path);
    if (fstat(w->fd, &st) != 0 || st.st_size < HEADER + FRAME) return TARN_NOT_FOUND;
    if (tarn_fd_read(w->fd, h, sizeof h, 0, path, err) != TARN_OK) memset(h, 0, sizeof h);
    w->page = big32(h + 8);
    w->big = (big32(h) & 1) != 0;
    w->should = add((sums){0, 0}, h, 24, w->big);
    w->header_sound = (big32(h) & ~1u) == magic && same(w->should, sums_at(h + 24)) && w->page >= PAGE_LEAST &&
                      w->page <= PAGE_MOST && (w->page & (w->page - 1)) == 0;
    memcpy(w->salt, h + 16, sizeof w->salt);
    w->stored = w->should;
    if (!w->header_sound) {
        w->page = 4096;
        w->big = false;
        if (!guess_salt(w, path)) return TARN_NOT_FOUND;
    }
    return tarn_alloc(&w->frame, FRAME + w->page, 1, err);
}

static void finish(wal *w)
{
    if (w->fd >= 0) (void)close(w->fd);
    tarn_free(w->frame);
}

/* The next frame into w->frame; false at the end. *mine: of this use of the log; *sound: its checksum fits. */
static bool next(wal *w, const char *path, bool *mine, bool *sound)
{
    uint64_t at = HEADER + (uint64_t)w->n * (FRAME + w->page);

    if (tarn_fd_read(w->fd, w->frame, FRAME + w->page, at, path, NULL) != TARN_OK) {
        struct stat st; /* a part that the disk does not give is a damaged frame, not the end */
        if (fstat(w->fd, &st) != 0 || (uint64_t)st.st_size < at + FRAME + w->page) return false;
        memset(w->frame, 0, FRAME + w->page);
    }
    w->n++;
    *mine = memcmp(w->frame + 8, w->salt, sizeof w->salt) == 0;
    sums now = sums_at(w->frame + 16);
    sums x = add(add(w->stored, w->frame, 8, w->big), w->frame + FRAME, w->page, w->big);
    sums y = add(add(w->should, w->frame, 8, w->big), w->frame + FRAME, w->page, w->big);
    *sound = *mine && (same(x, now) || same(y, now));
    w->stored = now;
    w->should = y;
    return true;
}

static tarn_code log_of(const char *database, char out[PATH_CAP], tarn_err *err)
{
    int n = snprintf(out, PATH_CAP, "%s-wal", database);
    return n > 0 && n < PATH_CAP ? TARN_OK : TARN_FAIL(err, TARN_LIMIT, "the path of the lake is too long");
}

/* ---- checking ---- */

typedef struct verdict {
    int64_t bad;  /* the first frame that does not fit, from 1; 0 the header; -1 none */
    int64_t ends; /* of transactions, from there on */
    uint8_t salt[8];
} verdict;

static tarn_code look(const char *path, verdict *v, tarn_err *err)
{
    wal w = {.fd = -1};
    bool mine, sound, held = false; /* an end whose salt is damaged counts if the next frame goes on from it */
    tarn_code rc = start(&w, path, err);

    *v = (verdict){.bad = -1};
    if (rc == TARN_OK) {
        memcpy(v->salt, w.salt, sizeof v->salt);
        if (!w.header_sound) v->bad = 0;
        while (next(&w, path, &mine, &sound)) {
            if (!sound && v->bad < 0) v->bad = w.n;
            /* of a log whose header is damaged only what fits counts: perhaps it is no log at all */
            bool end = big32(w.frame + 4) != 0;
            if (v->bad >= 0) v->ends += (mine && end && (sound || v->bad > 0)) + (held && sound);
            held = !mine && end && v->bad > 0;
        }
    }
    finish(&w);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

static bool is_loss(const verdict *v) { return v->bad == 0 ? v->ends > 0 : v->bad > 0 && v->ends > 1; }

tarn_code tarn_wal_check(const char *database, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[PATH_CAP];
    verdict first, again;

    TARN_TRY(log_of(database, path, err));
    TARN_TRY(look(path, &first, err));
    if (!is_loss(&first)) goto done;
    TARN_TRY(look(path, &again, err)); /* another process may have begun anew and written while we read */
    if (!is_loss(&again) || again.bad != first.bad || memcmp(first.salt, again.salt, sizeof first.salt) != 0) goto done;
    rc = TARN_FAIL(err, TARN_CORRUPT,
                   "meta.db-wal is damaged %s%lld, and acknowledged changes stand behind it; nothing was changed; "
                   "'tarn lake fsck --repair' brings back what can be read",
                   first.bad == 0 ? "at byte " : "in page ", (long long)first.bad);
done:
    return rc;
}

/* ---- healing ---- */

/* The last frame with the end of a transaction. */
static tarn_code find_end(const char *path, int64_t *last, tarn_err *err)
{
    wal w = {.fd = -1};
    bool mine, sound;
    tarn_code rc = start(&w, path, err);

    *last = 0;
    while (rc == TARN_OK && next(&w, path, &mine, &sound))
        if (mine && big32(w.frame + 4) != 0) *last = w.n;
    finish(&w);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

static tarn_code write_at(int fd, const uint8_t *bytes, size_t len, uint64_t at, const char *path, tarn_err *err)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, bytes, len, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return TARN_FAIL_ERRNO(err, "write", path);
        bytes += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return TARN_OK;
}

static tarn_code play(const char *path, int fd, const char *to, int64_t last, int64_t *frames, int64_t *damaged,
                      tarn_err *err)
{
    wal w = {.fd = -1};
    bool mine, sound;
    tarn_code rc = start(&w, path, err);

    while (rc == TARN_OK && w.n < last && next(&w, path, &mine, &sound)) {
        uint32_t page = big32(w.frame);
        sound = sound && page > 0;
        ++*(sound ? frames : damaged);
        if (sound) rc = write_at(fd, w.frame + FRAME, w.page, (uint64_t)(page - 1) * w.page, to, err);
    }
    if (rc == TARN_OK && w.n > 0) rc = tarn_fd_sync(fd, to, err);
    finish(&w);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

tarn_code tarn_wal_heal(const char *database, const char *to, int64_t *frames, int64_t *damaged, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[PATH_CAP], *bytes = NULL;
    size_t len = 0;
    int64_t last = 0;
    int fd = -1;

    *frames = *damaged = 0;
    TARN_TRY(log_of(database, path, err));
    TARN_TRY(tarn_file_read(database, SIZE_MAX, &bytes, &len, err));
    TARN_TRY(tarn_file_save(to, bytes, len, err));
    TARN_TRY(find_end(path, &last, err));
    fd = open(to, O_RDWR | O_CLOEXEC);
    if (fd < 0) return TARN_FAIL_ERRNO(err, "open", to);
    rc = play(path, fd, to, last, frames, damaged, err);
done:
    if (fd >= 0) (void)close(fd);
    tarn_free(bytes);
    return rc;
}
