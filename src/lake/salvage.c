/* SPDX-License-Identifier: Apache-2.0 */
/* salvage.c - sound records out of damaged packs.
 *
 * A pack is sound if its size, name, tail, index and the checksum of all its records are right. Of another one every
 * record whose header and checksum are right is stored again; they are looked for from byte to byte, so neither the
 * index nor the lengths of damaged records need to be believed. A delta whose base cannot be read any more is kept by
 * its checksum alone: the base may come back from elsewhere (repair.c), and reading it then checks the hash. The copy
 * in .tarn/damaged is made first; then one transaction enters the new packs and forgets the damaged ones, so that a
 * crash leaves the old state or the new. */
#include "lake/salvage.h"

#include "base/mem.h"
#include "lake/bytes.h"
#include "lake/delta.h"
#include "lake/object.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

typedef struct bad_pack {
    tarn_pack_row row;
    bool there, healed;      /* healed: stored again under its own name */
    uint64_t bytes, records; /* then */
} bad_pack;

typedef struct salvage {
    tarn_lake *lake;
    const tarn_repair_options *options;
    tarn_repair *out;
    tarn_pack_row *rows;
    size_t n_rows, cap_rows;
    bad_pack *bad;
    size_t n_bad, cap_bad;
    tarn_slab slab;
} salvage;

void tarn_repair_say(const tarn_repair_options *options, const char *fmt, ...)
{
    char line[1400];
    va_list args;

    if (!options->say) return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    options->say(options->arg, line);
}

tarn_code tarn_damaged_path(const char *inside, const char *name, char *out, size_t cap, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int n = snprintf(out, cap, "%s/damaged", inside);

    if (n < 0 || (size_t)n + strlen(name) + 16 > cap)
        return TARN_FAIL(err, TARN_LIMIT, "the path of the lake '%.100s' is too long", inside);
    TARN_TRY(tarn_dir_make(out, err));
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(out + n, cap - (size_t)n, i ? "/%s-%d" : "/%s", name, i);
        if (!tarn_path_exists(out)) return TARN_OK;
    }
    rc = TARN_FAIL(err, TARN_EXISTS, "'%s' and 10,000 like it are there already; move them elsewhere", out);
done:
    return rc;
}

/* ---- reading a pack as far as it can be read ---- */

static tarn_code read_all(tarn_lake *lake, const char *blob, uint8_t *bytes, size_t size, tarn_err *err)
{
    if (size == 0 || lake->backend->get(lake->packs, blob, 0, size, bytes, NULL) == TARN_OK) return TARN_OK;
    for (size_t at = 0; at < size; at += PIECE) { /* parts that the disk does not give stay zeros */
        size_t n = size - at < PIECE ? size - at : PIECE;
        tarn_code rc = lake->backend->get(lake->packs, blob, at, n, bytes + at, NULL);
        if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "no memory to read pack %s", blob);
    }
    return TARN_OK;
}

static bool pack_sound(const tarn_pack_row *row, const uint8_t *bytes, uint64_t size)
{
    tarn_tail tail;
    tarn_index index = {0};
    tarn_id hash;
    char hex[TARN_ID_HEX];

    if (size != row->bytes || size < TARN_PACK_HEAD + TARN_PACK_TAIL) return false;
    if (tarn_tail_read(bytes + size - TARN_PACK_TAIL, size, row->name, &tail, NULL) != TARN_OK) return false;
    if (tarn_crc32c(0, bytes, tail.index_at) != tail.crc ||
        tarn_crc32c(0, bytes + tail.index_at, tail.index_len) != tail.index_crc)
        return false;
    if (tarn_digest(bytes + tail.index_at, tail.index_len + TARN_PACK_TAIL, &hash, NULL) != TARN_OK) return false;
    bool sound = strncmp(row->name, "p-", 2) == 0 && strncmp(row->name + 2, tarn_id_hex(&hash, hex), 32) == 0 &&
                 tarn_index_open(&index, bytes + tail.index_at, tail.index_len, row->name, NULL) == TARN_OK;
    tarn_index_close(&index);
    return sound;
}

/* ---- records ---- */

/* Could a record stand at p? Its place is filled in. Cheap, and wrong often enough. */
static bool may_be_record(const uint8_t *p, size_t left, tarn_where *w)
{
    if (left < TARN_RECORD_HEAD || p[40] == 0 || p[40] >= TARN_KIND_COUNT || p[42] || p[43]) return false;
    *w = (tarn_where){.stored = tarn_get32(p + 32), .raw = tarn_get32(p + 36), .kind = p[40], .coding = p[41]};
    if (w->raw > TARN_RECORD_MOST || w->stored > w->raw || w->stored > left - TARN_RECORD_HEAD) return false;
    return tarn_crc32c(tarn_crc32c(0, p, 44), p + TARN_RECORD_HEAD, w->stored) == tarn_get32(p + 44);
}

/* Is there a sound record at p? Running out of memory is no answer. */
static tarn_code record_at(salvage *s, const uint8_t *p, size_t left, tarn_id *id, tarn_where *w, bool *yes,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_list_view list;
    tarn_err why = {0};
    int work = TARN_DELTA_WORK;
    tarn_before before = {.lake = s->lake, .work = &work};
    const tarn_opening how = {.codec = s->lake->codec, .hashed = true, .before = tarn_before_get, .arg = &before};

    *yes = false;
    if (!may_be_record(p, left, w)) return TARN_OK;
    memcpy(id->b, p, TARN_ID_BYTES);
    size_t len = TARN_RECORD_HEAD + (size_t)w->stored;
    TARN_TRY(tarn_slab_need(&s->slab.stored, &s->slab.stored_cap, len, err));
    memcpy(s->slab.stored, p, len);
    rc = tarn_record_open(&how, id, w, &s->slab, &why);
    if (rc == TARN_OK && w->kind == TARN_KIND_LIST) rc = tarn_list_open(s->slab.bytes, s->slab.len, id, &list, &why);
    *yes = rc == TARN_OK || (before.failed && rc != TARN_NOMEM);
    rc = rc == TARN_NOMEM ? TARN_FAIL(err, rc, "%s", why.msg) : TARN_OK;
done:
    tarn_before_clear(&before);
    return rc;
}

/* Under the lock: into the open pack, as it was stored. */
static tarn_code keep_record(salvage *s, const tarn_id *id, const tarn_where *w, const uint8_t *stored, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_pack_find(&s->lake->open, id)) return TARN_OK;
    if (tarn_pack_full(&s->lake->open, w->stored)) TARN_TRY(tarn_store_seal(s->lake, err));
    TARN_TRY(tarn_pack_add(&s->lake->open, id, w->kind, w->coding, stored, w->stored, w->raw, err));
    s->out->saved++;
done:
    return rc;
}

static tarn_code keep_records(salvage *s, const uint8_t *bytes, size_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    tarn_where w;
    bool yes = false;

    for (size_t at = TARN_PACK_HEAD; at + TARN_RECORD_HEAD <= size;) {
        TARN_TRY(record_at(s, bytes + at, size - at, &id, &w, &yes, err));
        if (yes) TARN_TRY(keep_record(s, &id, &w, bytes + at + TARN_RECORD_HEAD, err));
        at += yes ? TARN_RECORD_HEAD + (size_t)w.stored : 1;
    }
done:
    return rc;
}

/* ---- packs ---- */

static tarn_code note_bad(salvage *s, const tarn_pack_row *row, bool there, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (s->n_bad == s->cap_bad) {
        size_t cap = s->cap_bad ? s->cap_bad * 2 : 16;
        TARN_TRY(tarn_resize(&s->bad, cap, sizeof *s->bad, err));
        s->cap_bad = cap;
    }
    s->bad[s->n_bad++] = (bad_pack){.row = *row, .there = there};
    s->out->packs++;
done:
    return rc;
}

static tarn_code set_aside(salvage *s, const tarn_pack_row *row, const uint8_t *bytes, size_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 128];
    int64_t before = s->out->saved;

    TARN_TRY(tarn_damaged_path(s->lake->inside, row->name, path, sizeof path, err));
    TARN_TRY(tarn_file_save(path, bytes, size, err));
    TARN_TRY(keep_records(s, bytes, size, err));
    TARN_TRY(note_bad(s, row, true, err));
    tarn_repair_say(s->options, "pack %s is damaged: %lld sound records are stored again, its bytes are kept as %s",
                    row->name, (long long)(s->out->saved - before), path);
done:
    return rc;
}

static tarn_code look_at_pack(salvage *s, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = s->lake;
    char blob[80];
    uint64_t size = 0;
    uint8_t *bytes = NULL;

    (void)snprintf(blob, sizeof blob, "packs/%s", row->name);
    rc = lake->backend->size(lake->packs, blob, &size, err);
    if (rc == TARN_NOT_FOUND) {
        tarn_repair_say(s->options, "pack %s is missing", row->name);
        return note_bad(s, row, false, err);
    }
    if (rc != TARN_OK) goto done;
    if (size > UINT32_MAX) return TARN_FAIL(err, TARN_CORRUPT, "pack %s is larger than packs are", row->name);
    TARN_TRY(tarn_alloc(&bytes, (size_t)size + 1, 1, err));
    TARN_TRY(read_all(lake, blob, bytes, (size_t)size, err));
    if (!pack_sound(row, bytes, size)) TARN_TRY(set_aside(s, row, bytes, (size_t)size, err));
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code keep_row(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    salvage *s = arg;

    if (s->n_rows == s->cap_rows) {
        size_t cap = s->cap_rows ? s->cap_rows * 2 : 64;
        TARN_TRY(tarn_resize(&s->rows, cap, sizeof *s->rows, err));
        s->cap_rows = cap;
    }
    s->rows[s->n_rows++] = *row;
done:
    return rc;
}

/* A pack of which all records were sound comes out under its own name: it is healed, not retired. */
static void mark_healed(salvage *s)
{
    for (size_t i = 0; i < s->n_bad; i++)
        for (size_t k = 0; k < s->lake->n_segments; k++)
            if (s->lake->segments[k].row.num == 0 && s->lake->segments[k].index.bytes &&
                strcmp(s->lake->segments[k].row.name, s->bad[i].row.name) == 0) {
                s->bad[i].healed = true;
                s->bad[i].bytes = s->lake->segments[k].row.bytes;
                s->bad[i].records = s->lake->segments[k].row.records;
            }
}

/* Inside the transaction: runs are taken apart, damaged packs forgotten. */
static tarn_code retire(salvage *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = s->lake;

    mark_healed(s);
    for (size_t i = 0; i < lake->n_segments; i++)
        if (lake->segments[i].row.run) TARN_TRY(tarn_meta_run_absorb(lake->meta, 0, &lake->segments[i].row, err));
    for (size_t i = 0; i < s->n_bad; i++) {
        if (s->bad[i].healed)
            TARN_TRY(tarn_meta_pack_mend(lake->meta, s->bad[i].row.name, s->bad[i].bytes, s->bad[i].records, err));
        else TARN_TRY(tarn_meta_pack_drop(lake->meta, s->bad[i].row.num, err));
    }
done:
    return rc;
}

/* After the commit nothing names them. What cannot be removed only takes space. */
static void remove_retired(salvage *s)
{
    char blob[80];

    for (size_t i = 0; i < s->n_bad; i++) {
        if (!s->bad[i].there || s->bad[i].healed) continue;
        (void)snprintf(blob, sizeof blob, "packs/%s", s->bad[i].row.name);
        if (s->lake->backend->remove(s->lake->packs, blob, NULL) != TARN_OK)
            tarn_repair_say(s->options, "pack %s could not be removed; nothing uses it any more", s->bad[i].row.name);
    }
}

static tarn_code salvage_locked(salvage *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_lake_sync(s->lake, err));
    TARN_TRY(tarn_meta_packs(s->lake->meta, keep_row, s, err));
    for (size_t i = 0; i < s->n_rows; i++) {
        TARN_TRY(tarn_cancel_check(s->options->sink, err));
        TARN_TRY(look_at_pack(s, &s->rows[i], err));
        tarn_progress(s->options->sink, "checking packs", (int64_t)i + 1, (int64_t)s->n_rows, "packs");
    }
    if (s->n_bad == 0) goto done;
    TARN_TRY(tarn_tx_begin(s->lake, err));
    TARN_TRY(tarn_tx_end(s->lake, retire(s, err), err));
    remove_retired(s);
    rc = tarn_store_load(s->lake, err);
done:
    return rc;
}

tarn_code tarn_salvage_packs(tarn_lake *lake, const tarn_repair_options *options, tarn_repair *out, tarn_err *err)
{
    salvage s = {.lake = lake, .options = options, .out = out};

    tarn_lake_lock(lake);
    tarn_code rc = salvage_locked(&s, err);
    tarn_lake_unlock(lake);
    tarn_free(s.rows);
    tarn_free(s.bad);
    tarn_slab_clear(&s.slab);
    return rc;
}

/* ---- packs that meta.db does not name ---- */

typedef struct strays {
    tarn_lake *lake;
    const tarn_repair_options *options;
    tarn_pack_row *rows;
    size_t n, cap;
} strays;

static tarn_code note_stray(void *arg, const char *blob, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    strays *s = arg;
    tarn_pack_row row = {.bytes = size};
    uint8_t bytes[TARN_PACK_TAIL];
    tarn_tail tail;
    uint32_t num;

    if (strncmp(blob, "packs/p-", 8) != 0 || strlen(blob) >= 60 || size < TARN_PACK_TAIL) return TARN_OK;
    (void)snprintf(row.name, sizeof row.name, "%.60s", blob + 6);
    if (tarn_meta_pack_num(s->lake->meta, row.name, &num, NULL) != TARN_NOT_FOUND) return TARN_OK;
    if (s->lake->backend->get(s->lake->packs, blob, size - sizeof bytes, sizeof bytes, bytes, NULL) != TARN_OK ||
        tarn_tail_read(bytes, size, row.name, &tail, NULL) != TARN_OK)
        return TARN_OK;
    row.records = tail.records;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        TARN_TRY(tarn_resize(&s->rows, cap, sizeof *s->rows, err));
        s->cap = cap;
    }
    s->rows[s->n++] = row;
done:
    return rc;
}

static tarn_code enter_strays(strays *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t num;

    TARN_TRY(s->lake->backend->list(s->lake->packs, "packs/", note_stray, s, err));
    if (s->n == 0) goto done;
    TARN_TRY(tarn_tx_begin(s->lake, err));
    for (size_t i = 0; i < s->n && rc == TARN_OK; i++)
        rc = tarn_meta_pack_add(s->lake->meta, s->rows[i].name, s->rows[i].bytes, s->rows[i].records, &num, err);
    TARN_TRY(tarn_tx_end(s->lake, rc, err));
    TARN_TRY(tarn_store_load(s->lake, err));
    for (size_t i = 0; i < s->n; i++)
        tarn_repair_say(s->options, "pack %s was there but not named in meta.db; it is now", s->rows[i].name);
done:
    return rc;
}

tarn_code tarn_salvage_strays(tarn_lake *lake, const tarn_repair_options *options, bool *some, tarn_err *err)
{
    strays s = {.lake = lake, .options = options};

    tarn_lake_lock(lake);
    tarn_code rc = enter_strays(&s, err);
    tarn_lake_unlock(lake);
    *some = s.n > 0;
    tarn_free(s.rows);
    return rc;
}
