/* SPDX-License-Identifier: Apache-2.0 */
/* carry.c - one wait for the disk instead of two, where a pack is small.
 *
 * What a ref names must be on the disk before the ref is. A pack by itself would have to be synced first, and the
 * metadata's log after it. Instead the transaction that names a small pack carries its bytes too (table `carried` of
 * meta.db), and the pack's file is synced at the same time as the log: whichever of the two is lost with the machine,
 *
 *   - without the log's last transaction the pack is a file that nobody names;
 *   - with it, the pack can be made again from its row, which is done before anything is read (tarn_carry_open).
 *
 * A row has done its work when the file is synced; the next transaction of the same process takes it away. A process
 * that ends leaves a line with the pack's name in .tarn/carried instead, and whoever comes next takes the row away; the
 * line itself need not be synced, since without it the pack is only written once more. While a process may have rows,
 * it holds a shared lock on that file: rows without a line whose process is alive are its own business, of others the
 * packs are written again. Of a sync that failed nothing is believed: such a row stays until the lake is opened anew.
 *
 * Only with packs in a folder and metadata beside it: elsewhere there are no two syncs of one disk. */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { CARRIED_MOST = 1 << 20, LINES_MOST = 64 << 10 };

typedef struct names {
    char (*v)[64];
    size_t n, cap;
} names;

struct tarn_carry {
    int fd;       /* .tarn/carried, locked: nobody else writes this handle's packs */
    char now[64]; /* in the transaction; "": none */
    names done;   /* rows that have done their work */
};

static tarn_code add_name(names *list, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    (void)snprintf(list->v[list->n++], sizeof *list->v, "%s", name);
done:
    return rc;
}

/* ---- committing ---- */

/* Nobody makes packs again now, and as long as this handle is open. False: somebody is about it. */
static bool may_carry(struct tarn_carry *c, const char *inside)
{
    char path[TARN_LAKE_PATH + 16];

    if (c->fd >= 0) return true;
    (void)snprintf(path, sizeof path, "%s/carried", inside);
    c->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (c->fd >= 0 && flock(c->fd, LOCK_SH | LOCK_NB) == 0) return true;
    if (c->fd >= 0) (void)close(c->fd);
    c->fd = -1;
    return false;
}

tarn_code tarn_carry_enter(tarn_lake *lake, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    struct tarn_carry *c = lake->carry;

    if (!c) return TARN_OK;
    for (size_t i = 0; i < c->done.n; i++) TARN_TRY(tarn_meta_carried_drop(lake->meta, c->done.v[i], err));
    if (len == 0 || len > CARRIED_MOST || !may_carry(c, lake->inside)) goto done;
    TARN_TRY(tarn_meta_carry(lake->meta, name, bytes, len, err));
    (void)snprintf(c->now, sizeof c->now, "%s", name);
done:
    return rc;
}

bool tarn_carry_holds(const tarn_lake *lake) { return lake->carry && lake->carry->now[0]; }

void tarn_carry_end(tarn_lake *lake, bool committed, bool synced)
{
    struct tarn_carry *c = lake->carry;

    if (!c) return;
    if (committed) c->done.n = 0;
    if (committed && synced && c->now[0] && add_name(&c->done, c->now, NULL) != TARN_OK) {
        /* then the row stays, and the pack is written once more some day */
    }
    c->now[0] = '\0';
}

/* ---- opening and closing ---- */

/* A carried pack, as its row has it. */
typedef struct loaf {
    char name[64];
    uint8_t *bytes; /* NULL: of no use */
    size_t len;
} loaf;

typedef struct left {
    loaf *v;
    size_t n, cap;
    const char *lines; /* of packs that are synced */
} left;

static tarn_code take_row(void *arg, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    left *l = arg;

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        TARN_TRY(tarn_resize(&l->v, cap, sizeof *l->v, err));
        l->cap = cap;
    }
    loaf *x = &l->v[l->n];
    *x = (loaf){.len = len};
    (void)snprintf(x->name, sizeof x->name, "%.63s", name);
    l->n++;
    if (!bytes || strstr(l->lines, x->name)) goto done;
    TARN_TRY(tarn_alloc(&x->bytes, len, 1, err));
    memcpy(x->bytes, bytes, len);
done:
    return rc;
}

static void clear_left(left *l)
{
    for (size_t i = 0; i < l->n; i++) tarn_free(l->v[i].bytes);
    tarn_free(l->v);
}

static bool is_whole(tarn_lake *lake, const char *blob, const loaf *x)
{
    uint8_t *there = NULL;
    bool whole = tarn_alloc(&there, x->len, 1, NULL) == TARN_OK &&
                 lake->backend->get(lake->packs, blob, 0, x->len, there, NULL) == TARN_OK &&
                 memcmp(there, x->bytes, x->len) == 0;

    tarn_free(there);
    return whole;
}

/* Write again what may not be on the disk, then forget all rows. On a disk that is full the rows stay, and what is
 * whole can be read. */
static tarn_code bake(tarn_lake *lake, const left *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];

    for (size_t i = 0; i < l->n && rc == TARN_OK; i++) {
        (void)snprintf(blob, sizeof blob, "packs/%s", l->v[i].name);
        if (!l->v[i].bytes) continue;
        rc = lake->backend->put(lake->packs, blob, l->v[i].bytes, l->v[i].len, err);
        if (rc == TARN_FULL && is_whole(lake, blob, &l->v[i])) return TARN_OK;
    }
    TARN_TRY(rc);
    TARN_TRY(tarn_meta_begin(lake->meta, err));
    for (size_t i = 0; i < l->n && rc == TARN_OK; i++) rc = tarn_meta_carried_drop(lake->meta, l->v[i].name, err);
    if (rc == TARN_OK) rc = tarn_meta_commit(lake->meta, err);
    if (rc != TARN_OK) tarn_meta_rollback(lake->meta);
done:
    if (rc != TARN_OK) tarn_err_note(err, "packs that were being written when a machine stopped");
    return rc;
}

static bool need_baking(const left *l)
{
    bool need = false;

    for (size_t i = 0; i < l->n; i++) need = need || l->v[i].bytes;
    return need;
}

/* If all of them are on the disk, the next transaction may take the rows away. */
static tarn_code look_at_rows(tarn_lake *lake, const char *lines, bool alone, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    left l = {.lines = lines};

    TARN_TRY(tarn_meta_carried(lake->meta, take_row, &l, err));
    if (need_baking(&l)) {
        if (alone) TARN_TRY(bake(lake, &l, err));
        goto done;
    }
    for (size_t i = 0; i < l.n; i++) TARN_TRY(add_name(&lake->carry->done, l.v[i].name, err));
done:
    clear_left(&l);
    return rc;
}

/* Nobody else has rows of its own then; else whoever makes packs again has ended. */
static bool lock_alone(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    (void)flock(fd, LOCK_SH);
    return false;
}

static tarn_code open_locked(tarn_lake *lake, int fd, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *lines = NULL;
    bool alone = lock_alone(fd);

    TARN_TRY(tarn_alloc(&lines, LINES_MOST + 1, 1, err));
    ssize_t n = pread(fd, lines, LINES_MOST, 0);
    lines[n > 0 ? n : 0] = '\0';
    TARN_TRY(look_at_rows(lake, lines, alone, err));
    if (alone && n > LINES_MOST / 2 && ftruncate(fd, 0) != 0) {
        /* it is only longer than it need be */
    }
done:
    tarn_free(lines);
    return rc;
}

tarn_code tarn_carry_open(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 16];

    if (lake->readonly || lake->origin->remote || !lake->backend->put_begin || tarn_meta_is_shared(lake->meta))
        return TARN_OK;
    TARN_TRY(tarn_alloc(&lake->carry, 1, sizeof *lake->carry, err));
    lake->carry->fd = -1;
    (void)snprintf(path, sizeof path, "%s/carried", lake->inside);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    rc = open_locked(lake, fd, err);
    (void)close(fd);
done:
    return rc;
}

void tarn_carry_close(tarn_lake *lake)
{
    struct tarn_carry *c = lake->carry;

    if (!c) return;
    for (size_t i = 0; i < c->done.n && c->fd >= 0 && !lake->broken; i++) {
        char line[72];
        int len = snprintf(line, sizeof line, "%s\n", c->done.v[i]);
        if (write(c->fd, line, (size_t)len) != len) break; /* then the pack is written once more */
    }
    if (c->fd >= 0) (void)close(c->fd);
    tarn_free(c->done.v);
    tarn_free(c);
    lake->carry = NULL;
}
