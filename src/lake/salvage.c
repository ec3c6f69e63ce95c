/* SPDX-License-Identifier: Apache-2.0 */
/* salvage.c - sound records out of damaged packs.
 *
 * A pack is sound if its size, name, tail, index, the checksum of all its records and each record are right. Of another
 * one every record whose header and checksum are right is stored again; they are looked for from byte to byte, so
 * neither the index nor the lengths of damaged records need to be believed. A delta whose base cannot be read any more
 * is kept by its checksum alone: the base may come back from elsewhere (repair.c), and reading it then checks the hash.
 * The copy in .tarn/damaged is made first; then one transaction enters the new packs and forgets the damaged ones, so
 * that a crash leaves the old state or the new.
 *
 * Of a store behind a network the cache of blocks in front of it may still have what the store has lost: its blocks are
 * read as a second copy of the pack. A store that does not answer is no damage, and ends the repair.
 *
 * Records of sealed packs (ring.h) are opened with the key that the pack's head gives. A head that is damaged is that
 * of another copy of the pack, or is found by trying: one of the lake's generations, and up to one other byte in the
 * salt. What is stored again is sealed anew, in another pack. */
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

/* A pack as it was read. */
typedef struct pack_copy {
    uint8_t *bytes;
    size_t size;
    bool keyed; /* the records are sealed, and this is their key */
    tarn_key key;
} pack_copy;

typedef struct salvage {
    tarn_lake *lake;
    const tarn_repair_options *options;
    tarn_repair *out;
    tarn_pack_row *rows;
    size_t n_rows, cap_rows;
    bad_pack *bad;
    size_t n_bad, cap_bad;
    tarn_slab slab;
    const tarn_idmap *drop; /* names of records that no pack shall have any more; NULL: none */
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

/* Where a disk fails, that is damage: the parts that it does not give stay zeros. */
static tarn_code read_all(const tarn_lake *lake, const tarn_backend *backend, void *self, const char *blob,
                          uint8_t *bytes, size_t size, tarn_err *err)
{
    tarn_err why = {0};

    if (size == 0 || backend->get(self, blob, 0, size, bytes, NULL) == TARN_OK) return TARN_OK;
    for (size_t at = 0; at < size; at += PIECE) {
        size_t n = size - at < PIECE ? size - at : PIECE;
        tarn_code rc = backend->get(self, blob, at, n, bytes + at, &why);
        if (rc == TARN_OK) continue;
        if (tarn_check_stops(lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
        memset(bytes + at, 0, n);
    }
    return TARN_OK;
}

static bool frame_sound(const tarn_pack_row *row, const pack_copy *copy, tarn_index *index)
{
    tarn_tail tail;
    tarn_id hash;
    char hex[TARN_ID_HEX];
    const uint8_t *bytes = copy->bytes;
    uint64_t size = copy->size;

    if (size != row->bytes || size < TARN_PACK_HEAD + TARN_PACK_TAIL) return false;
    if (tarn_tail_read(bytes + size - TARN_PACK_TAIL, size, row->name, &tail, NULL) != TARN_OK) return false;
    if (tarn_crc32c(0, bytes, tail.index_at) != tail.crc ||
        tarn_crc32c(0, bytes + tail.index_at, tail.index_len) != tail.index_crc)
        return false;
    if (tarn_digest(bytes + tail.index_at, tail.index_len + TARN_PACK_TAIL, &hash, NULL) != TARN_OK) return false;
    return strncmp(row->name, "p-", 2) == 0 && strncmp(row->name + 2, tarn_id_hex(&hash, hex), 32) == 0 &&
           tarn_index_open(index, bytes + tail.index_at, tail.index_len, row->name, NULL) == TARN_OK;
}

/* ---- records ---- */

/* Could a record stand at `at`? Its place is filled in. Cheap, and wrong often enough. */
static bool may_be_record(const pack_copy *copy, size_t at, tarn_where *w)
{
    const uint8_t *p = copy->bytes + at;
    size_t left = copy->size - at, more = copy->keyed ? TARN_RECORD_MORE : 0;

    if (left < TARN_RECORD_HEAD || p[40] == 0 || p[40] >= TARN_KIND_COUNT || p[42] || p[43]) return false;
    *w = (tarn_where){.offset = (uint32_t)at,
                      .stored = tarn_get32(p + 32),
                      .raw = tarn_get32(p + 36),
                      .kind = p[40],
                      .coding = p[41]};
    if (w->raw > TARN_RECORD_MOST || w->stored < more || w->stored - more > w->raw ||
        w->stored > left - TARN_RECORD_HEAD)
        return false;
    return tarn_crc32c(tarn_crc32c(0, p, 44), p + TARN_RECORD_HEAD, w->stored) == tarn_get32(p + 44);
}

/* The record at w->offset into s->slab.stored, opened if it is sealed; *id and *w are then those of a plain one. */
static tarn_code take_record(salvage *s, const pack_copy *copy, const tarn_id *name, tarn_id *id, tarn_where *w,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = TARN_RECORD_HEAD + (size_t)w->stored;

    *id = *name;
    TARN_TRY(tarn_slab_need(&s->slab.stored, &s->slab.stored_cap, len, err));
    memcpy(s->slab.stored, copy->bytes + w->offset, len);
    if (copy->keyed) rc = tarn_record_unseal(s->lake->ring, &copy->key, name, w, &s->slab, id, err);
done:
    return rc;
}

/* Is the record right? Running out of memory is no answer. Afterwards it is in s->slab.stored as a plain one. */
static tarn_code record_right(salvage *s, const pack_copy *copy, const tarn_id *name, tarn_id *id, tarn_where *w,
                              bool *yes, tarn_err *err)
{
    tarn_list_view list;
    tarn_err why = {0};
    int work = TARN_DELTA_WORK;
    tarn_before before = {.lake = s->lake, .work = &work};
    const tarn_opening how = {
        .codec = s->lake->codec, .proof = TARN_PROOF_HASH, .before = tarn_before_get, .arg = &before};

    *yes = false;
    tarn_code rc = take_record(s, copy, name, id, w, &why);
    if (rc == TARN_OK) rc = tarn_record_open(&how, id, w, &s->slab, &why);
    if (rc == TARN_OK && w->kind == TARN_KIND_LIST) rc = tarn_list_open(s->slab.bytes, s->slab.len, id, &list, &why);
    *yes = rc == TARN_OK || (before.failed && rc != TARN_NOMEM);
    tarn_before_clear(&before);
    return tarn_check_stops(s->lake, rc) ? TARN_FAIL(err, rc, "%s", why.msg) : TARN_OK;
}

static bool dropped(const salvage *s, const tarn_id *name) { return s->drop && tarn_idmap_find(s->drop, name); }

/* Every record that the index names. A delta is what was written if its checksum (or its seal) says so: whether its
 * hash is right hangs on others, too. */
static tarn_code records_sound(salvage *s, const tarn_pack_row *row, const pack_copy *copy, const tarn_index *index,
                               bool *sound, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;
    tarn_where w;
    tarn_id id;
    tarn_err why = {0};

    for (uint32_t i = 0; i < index->n && *sound; i++) {
        *sound = tarn_index_at(index, i, row->name, &e, NULL) == TARN_OK && !dropped(s, &e.id) &&
                 e.where.offset < copy->size && may_be_record(copy, e.where.offset, &w);
        if (!*sound) break;
        if (w.coding != TARN_CODING_DELTA) {
            TARN_TRY(record_right(s, copy, &e.id, &id, &w, sound, err));
            continue;
        }
        rc = take_record(s, copy, &e.id, &id, &w, &why);
        if (rc == TARN_NOMEM) return TARN_FAIL(err, rc, "%s", why.msg);
        *sound = rc == TARN_OK;
        rc = TARN_OK;
    }
done:
    return rc;
}

static tarn_code pack_sound(salvage *s, const tarn_pack_row *row, pack_copy *copy, bool *sound, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_index index = {0};
    tarn_err why = {0};

    *sound = frame_sound(row, copy, &index);
    if (*sound && s->lake->ring) { /* by a key that we do not know yet: no damage, but nothing can be told of it */
        rc = tarn_pack_key(s->lake->ring, copy->bytes, &copy->key, &why);
        copy->keyed = *sound = rc == TARN_OK;
        if (rc == TARN_CORRUPT) rc = TARN_OK;
        if (rc != TARN_OK) (void)TARN_FAIL(err, rc, "pack %s: %s", row->name, why.msg);
    }
    if (rc == TARN_OK && *sound) rc = records_sound(s, row, copy, &index, sound, err);
    tarn_index_close(&index);
    return rc;
}

/* Under the lock: the record in s->slab.stored into the open pack. */
static tarn_code keep_record(salvage *s, const tarn_id *name, const tarn_id *id, const tarn_where *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (tarn_pack_find(&s->lake->open, name) || dropped(s, name)) return TARN_OK;
    if (tarn_pack_full(&s->lake->open, w->stored)) TARN_TRY(tarn_store_seal(s->lake, err));
    TARN_TRY(tarn_pack_add_named(&s->lake->open, name, id, (tarn_kind)w->kind, (tarn_coding)w->coding,
                                 s->slab.stored + TARN_RECORD_HEAD, w->stored, w->raw, err));
    s->out->saved++;
done:
    return rc;
}

static tarn_code keep_records(salvage *s, const pack_copy *copy, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id name, id;
    tarn_where w;
    bool yes = false;

    if (s->lake->ring && !copy->keyed) return TARN_OK; /* nobody can open them */
    for (size_t at = copy->keyed ? TARN_PACK_SEALED_HEAD : TARN_PACK_HEAD; at + TARN_RECORD_HEAD <= copy->size;) {
        size_t len = 1;
        if (may_be_record(copy, at, &w)) {
            memcpy(name.b, copy->bytes + at, TARN_ID_BYTES);
            size_t whole = TARN_RECORD_HEAD + (size_t)w.stored;
            TARN_TRY(record_right(s, copy, &name, &id, &w, &yes, err));
            if (yes) TARN_TRY(keep_record(s, &name, &id, &w, err));
            if (yes) len = whole;
        }
        at += len;
    }
done:
    return rc;
}

/* ---- the key of a sealed pack whose head may be damaged ---- */

/* The shortest of some records; false: there is none. */
static bool some_record(pack_copy *copy, tarn_where *out)
{
    enum { ENOUGH = 16 };
    tarn_where w;
    int n = 0;

    copy->keyed = true; /* they are sealed */
    for (size_t at = TARN_PACK_SEALED_HEAD; at + TARN_RECORD_HEAD <= copy->size && n < ENOUGH;) {
        bool yes = may_be_record(copy, at, &w);
        if (yes && (n++ == 0 || w.stored < out->stored)) *out = w;
        at += yes ? TARN_RECORD_HEAD + (size_t)w.stored : 1;
    }
    copy->keyed = false;
    return n > 0;
}

/* Does the salt open that record, in a generation? Then copy->key is set. */
static tarn_code try_salt(salvage *s, pack_copy *copy, const tarn_where *probe, uint32_t generation,
                          const uint8_t salt[TARN_PACK_SALT], tarn_err *err)
{
    tarn_id name, id;
    tarn_where w = *probe;
    tarn_err why = {0};
    tarn_code rc = tarn_ring_pack_key(s->lake->ring, generation, salt, &copy->key, err);

    if (rc != TARN_OK) return rc;
    memcpy(name.b, copy->bytes + w.offset, TARN_ID_BYTES);
    copy->keyed = true;
    rc = take_record(s, copy, &name, &id, &w, &why);
    copy->keyed = rc == TARN_OK;
    return rc == TARN_NOMEM ? TARN_FAIL(err, rc, "%s", why.msg) : TARN_OK;
}

static tarn_code try_head(salvage *s, pack_copy *copy, const tarn_where *probe, const uint8_t *head, tarn_err *err)
{
    uint32_t generation = tarn_get32(head + 12);

    if (copy->keyed || generation == 0 || generation > tarn_ring_newest(s->lake->ring)) return TARN_OK;
    return try_salt(s, copy, probe, generation, head + 16, err);
}

/* Every generation with the salt as it stands, then with one other byte. */
static tarn_code search_key(salvage *s, pack_copy *copy, const tarn_where *probe, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t salt[TARN_PACK_SALT];
    uint32_t newest = tarn_ring_newest(s->lake->ring), told = tarn_get32(copy->bytes + 12);
    bool known = told > 0 && told <= newest;

    memcpy(salt, copy->bytes + 16, sizeof salt);
    for (uint32_t g = newest; g > 0 && !copy->keyed; g--) TARN_TRY(try_salt(s, copy, probe, g, salt, err));
    for (size_t at = 0; at < sizeof salt && !copy->keyed && known; at++) {
        uint8_t was = salt[at];
        TARN_TRY(tarn_cancel_check(s->options->sink, err));
        for (int change = 1; change < 256 && !copy->keyed; change++) {
            salt[at] = (uint8_t)(was ^ change);
            TARN_TRY(try_salt(s, copy, probe, told, salt, err));
        }
        salt[at] = was;
    }
done:
    return rc;
}

static tarn_code find_key(salvage *s, const char *blob, pack_copy *copy, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where probe = {0};
    uint8_t head[TARN_PACK_SEALED_HEAD];

    copy->keyed = false;
    if (copy->size < TARN_PACK_SEALED_HEAD || !some_record(copy, &probe)) return TARN_OK;
    TARN_TRY(try_head(s, copy, &probe, copy->bytes, err));
    for (size_t i = 0; i < s->options->n_from && !copy->keyed; i++) {
        tarn_lake *from = s->options->from[i];
        if (from->backend->get(from->packs, blob, 0, sizeof head, head, NULL) == TARN_OK)
            TARN_TRY(try_head(s, copy, &probe, head, err));
    }
    if (!copy->keyed) TARN_TRY(search_key(s, copy, &probe, err));
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

/* The cache of blocks in front of a remote store as a second copy of the pack; size 0: there is none. */
static tarn_code read_cached(salvage *s, const tarn_pack_row *row, const char *blob, pack_copy *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = s->lake;

    if (lake->backend == lake->origin || row->bytes > UINT32_MAX) return TARN_OK;
    TARN_TRY(tarn_alloc(&out->bytes, (size_t)row->bytes + TARN_PACK_SEALED_HEAD, 1, err));
    out->size = (size_t)row->bytes;
    rc = read_all(lake, lake->backend, lake->packs, blob, out->bytes, out->size, err);
done:
    return rc;
}

/* What the store has of the pack goes to .tarn/damaged. */
static tarn_code keep_damaged(const salvage *s, const tarn_pack_row *row, const pack_copy *copy,
                              char path[TARN_LAKE_PATH + 128], tarn_err *err)
{
    tarn_code rc = tarn_damaged_path(s->lake->inside, row->name, path, TARN_LAKE_PATH + 128, err);

    return rc == TARN_OK ? tarn_file_save(path, copy->bytes, copy->size, err) : rc;
}

/* All of it is in the cache: the store gets it again, in place of what stands there, which a store may keep rather than
 * have it replaced. */
static tarn_code put_back(salvage *s, const tarn_pack_row *row, const char *blob, const pack_copy copies[2],
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 128];

    if (copies[0].size > 0) {
        TARN_TRY(keep_damaged(s, row, &copies[0], path, err));
        TARN_TRY(s->lake->origin->remove(s->lake->origin_packs, blob, err));
    }
    TARN_TRY(s->lake->origin->put(s->lake->origin_packs, blob, copies[1].bytes, copies[1].size, err));
    s->out->packs++;
    s->out->saved += (int64_t)row->records;
    tarn_repair_say(s->options, "pack %s is put into the store again from .tarn/cache", row->name);
done:
    return rc;
}

static tarn_code set_aside(salvage *s, const tarn_pack_row *row, const char *blob, pack_copy copies[2], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 128] = "";
    int64_t before = s->out->saved;
    bool there = copies[0].size > 0;

    if (there) TARN_TRY(keep_damaged(s, row, &copies[0], path, err));
    for (int i = 0; i < 2; i++) {
        if (copies[i].size == 0) continue;
        if (s->lake->ring && !copies[i].keyed) TARN_TRY(find_key(s, blob, &copies[i], err));
        TARN_TRY(keep_records(s, &copies[i], err));
    }
    TARN_TRY(note_bad(s, row, there, err));
    long long saved = (long long)(s->out->saved - before);
    if (there)
        tarn_repair_say(s->options, "pack %s is damaged: %lld sound records are stored again, its bytes are kept as %s",
                        row->name, saved, path);
    else if (saved > 0)
        tarn_repair_say(s->options, "pack %s is missing: %lld of its records were in .tarn/cache", row->name, saved);
    else tarn_repair_say(s->options, "pack %s is missing", row->name);
done:
    return rc;
}

static tarn_code read_copies(salvage *s, const tarn_pack_row *row, const char *blob, pack_copy copies[2], bool sound[2],
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = s->lake;
    uint64_t size = 0;

    rc = lake->origin->size(lake->origin_packs, blob, &size, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
    if (size > UINT32_MAX) return TARN_FAIL(err, TARN_CORRUPT, "pack %s is larger than packs are", row->name);
    copies[0].size = rc == TARN_OK ? (size_t)size : 0;
    TARN_TRY(tarn_alloc(&copies[0].bytes, copies[0].size + TARN_PACK_SEALED_HEAD, 1, err));
    TARN_TRY(read_all(lake, lake->origin, lake->origin_packs, blob, copies[0].bytes, copies[0].size, err));
    TARN_TRY(pack_sound(s, row, &copies[0], &sound[0], err));
    if (sound[0]) goto done;
    TARN_TRY(read_cached(s, row, blob, &copies[1], err));
    if (copies[1].size > 0) TARN_TRY(pack_sound(s, row, &copies[1], &sound[1], err));
done:
    return rc;
}

static tarn_code look_at_pack(salvage *s, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    pack_copy copies[2] = {{0}};
    bool sound[2] = {false, false};

    (void)snprintf(blob, sizeof blob, "packs/%s", row->name);
    TARN_TRY(read_copies(s, row, blob, copies, sound, err));
    if (sound[1]) TARN_TRY(put_back(s, row, blob, copies, err));
    else if (!sound[0]) TARN_TRY(set_aside(s, row, blob, copies, err));
done:
    for (int i = 0; i < 2; i++) {
        tarn_secret_wipe(&copies[i].key, sizeof copies[i].key);
        tarn_free(copies[i].bytes);
    }
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

tarn_code tarn_salvage_packs(tarn_lake *lake, const tarn_repair_options *options, const tarn_idmap *drop,
                             tarn_repair *out, tarn_err *err)
{
    salvage s = {.lake = lake, .options = options, .out = out, .drop = drop};

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
    bool commits; /* only packs with commits that the lake has not */
} strays;

static tarn_code has_new_commit(strays *s, const tarn_pack_row *row, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_segment g = {.row = *row, .map = {.bytes = ""}};
    tarn_indexed e;
    tarn_where where;
    tarn_err why = {0};
    bool found = false;

    *yes = false;
    rc = tarn_segment_open(s->lake, &g, NULL, &why);
    for (uint32_t i = 0; rc == TARN_OK && i < g.index.n && !*yes; i++) {
        rc = tarn_index_at(&g.index, i, row->name, &e, &why);
        if (rc != TARN_OK || e.where.kind != TARN_KIND_COMMIT) continue;
        rc = tarn_store_find(s->lake, &e.id, &where, &found, &why);
        *yes = rc == TARN_OK && !found;
    }
    tarn_segment_close(&g);
    return tarn_check_stops(s->lake, rc) ? TARN_FAIL(err, rc, "%s", why.msg) : TARN_OK;
}

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
    bool wanted = true;
    if (s->commits) TARN_TRY(has_new_commit(s, &row, &wanted, err));
    if (!wanted) goto done;
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
        tarn_repair_say(s->options, "pack %s was there but not named in meta.db; it is now%s", s->rows[i].name,
                        s->commits ? ", with a commit that no branch has ('tarn lake fsck --lost')" : "");
done:
    return rc;
}

tarn_code tarn_salvage_strays(tarn_lake *lake, const tarn_repair_options *options, bool commits, bool *some,
                              tarn_err *err)
{
    strays s = {.lake = lake, .options = options, .commits = commits};

    tarn_lake_lock(lake);
    tarn_code rc = enter_strays(&s, err);
    tarn_lake_unlock(lake);
    *some = s.n > 0;
    tarn_free(s.rows);
    return rc;
}
