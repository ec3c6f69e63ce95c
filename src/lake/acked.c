/* SPDX-License-Identifier: Apache-2.0 */
/* acked.c - a note beside meta.db of the newest move of a ref that was acknowledged.
 *
 * If a disk damages the last transaction of SQLite's log, SQLite takes it for one that a crash tore, and the lake would
 * go one step back without a word. So after each transaction the number of the newest line of the ref log is written to
 * .tarn/acked, with the ref and its commit. The note is not synced, which costs nothing and is enough: it is written
 * after the log was synced, so it never tells more than what was acknowledged; a machine that is lost soon afterwards
 * takes it along, and the note before it, or none, is still true. Two processes may write theirs in another order than
 * that of their transactions; then the note tells of the one before the newest. A note that is torn is none. */
#include "lake/inside.h"

#include "lake/bytes.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_MOST = 512 };

static int open_note(const char *inside, int flags)
{
    char path[TARN_LAKE_PATH + 16];

    (void)snprintf(path, sizeof path, "%s/acked", inside);
    return open(path, flags | O_CLOEXEC, 0666);
}

/* In one block of the disk, filled up with newlines. */
static void write_note(const char *inside, const tarn_acked *a)
{
    char text[NOTE_MOST + 1], hex[TARN_ID_HEX];
    int fd = open_note(inside, O_WRONLY | O_CREAT);
    int n = snprintf(text, sizeof text, "%lld %s %.255s ", (long long)a->seq, tarn_id_hex(&a->commit, hex), a->ref);

    n += snprintf(text + n, sizeof text - (size_t)n, "%08x", tarn_crc32c(0, text, (size_t)n));
    memset(text + n, '\n', NOTE_MOST - (size_t)n);
    if (fd >= 0 && pwrite(fd, text, NOTE_MOST, 0) != NOTE_MOST) (void)ftruncate(fd, 0);
    if (fd >= 0) (void)close(fd);
}

bool tarn_acked_read(const char *inside, tarn_acked *out)
{
    char text[NOTE_MOST + 1] = "", hex[65] = "";
    int fd = open_note(inside, O_RDONLY), taken = 0;
    ssize_t n = fd >= 0 ? pread(fd, text, NOTE_MOST, 0) : 0;
    long long seq = 0;
    unsigned sum = 0;

    if (fd >= 0) (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    *out = (tarn_acked){.seq = 0};
    if (sscanf(text, "%lld %64s %255s %n%x", &seq, hex, out->ref, &taken, &sum) != 4) return false;
    out->seq = seq;
    return taken > 0 && sum == tarn_crc32c(0, text, (size_t)taken) && tarn_id_parse(hex, strlen(hex), &out->commit);
}

void tarn_acked_forget(const char *inside)
{
    char path[TARN_LAKE_PATH + 16];

    (void)snprintf(path, sizeof path, "%s/acked", inside);
    (void)unlink(path); /* may not be there */
}

void tarn_acked_note(tarn_lake *lake)
{
    tarn_acked a;

    if (tarn_meta_is_shared(lake->meta) || tarn_meta_ref_newest(lake->meta, &a, NULL) != TARN_OK) return;
    if (a.seq == lake->acked) return;
    lake->acked = a.seq;
    write_note(lake->inside, &a);
}

tarn_code tarn_acked_check(const char *inside, tarn_meta *meta, tarn_err *err)
{
    tarn_acked noted, newest;
    char hex[TARN_ID_HEX];

    if (!tarn_acked_read(inside, &noted)) return TARN_OK;
    tarn_code rc = tarn_meta_ref_newest(meta, &newest, err);
    if (rc != TARN_OK || newest.seq >= noted.seq) return rc;
    return TARN_FAIL(
        err, TARN_CORRUPT,
        "meta.db has lost its last steps (its log was cut or damaged): '%.100s' was at commit %.12s, which "
        "was acknowledged; 'tarn lake fsck --repair' looks for it in the packs",
        noted.ref, tarn_id_hex(&noted.commit, hex));
}
