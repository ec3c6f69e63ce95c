/* SPDX-License-Identifier: Apache-2.0 */
/* meta_entries.c - the rows of entries: staged ones, and what recipes made. See meta.h.
 *
 * In an encrypted lake (veil.h) a staged row has a keyed name for its path and a sealed piece for all the rest but
 * branch and user; since names are in no order of use, the rows of an area are opened and sorted when they are first
 * listed. */
#include "lake/meta_inside.h"

#include <stdio.h>
#include <string.h>

/* who: of a staged row, else NULL */
static uint32_t sum_entry(const char *owner, size_t owner_len, const char *who, const tarn_entry *e, int64_t seq)
{
    uint32_t sum = 0;

    tarn_sum_bytes(&sum, owner, owner_len);
    tarn_sum_text(&sum, e->path);
    tarn_sum_id(&sum, &e->object.id);
    tarn_sum_int(&sum, (int64_t)e->object.size);
    tarn_sum_id(&sum, &e->recipe);
    tarn_sum_id(&sum, &e->attrs);
    tarn_sum_int(&sum, seq);
    if (who) tarn_sum_text(&sum, who);
    return sum;
}

/* who: of a staged row, else NULL */
static uint32_t sum_veiled(const void *owner, size_t owner_len, const char *who, const tarn_id *name, const void *piece,
                           size_t len, int64_t seq)
{
    uint32_t sum = 0;

    tarn_sum_bytes(&sum, owner, owner_len);
    tarn_sum_id(&sum, name);
    tarn_sum_bytes(&sum, piece, len);
    tarn_sum_int(&sum, seq);
    if (who) tarn_sum_text(&sum, who);
    return sum;
}

/* The owner of a row as text: the hexadecimal of a recipe's name; of a staged row (who is not NULL) branch and user. */
static const char *owner_text(const char *who, const void *owner, size_t len, char out[TARN_VEIL_OWNER])
{
    tarn_id id = {{0}};

    if (who) {
        (void)snprintf(out, TARN_VEIL_OWNER, "%.*s\n%.300s", len < 255 ? (int)len : 255, (const char *)owner, who);
        return out;
    }
    if (len == TARN_ID_BYTES) memcpy(id.b, owner, TARN_ID_BYTES);
    return tarn_id_hex(&id, out);
}

/* Is a sealed row of these columns what was written? Needs no key. */
bool tarn_meta_row_veiled_sound(tarn_stmt *st, bool staged)
{
    const void *owner = NULL, *piece = NULL;
    size_t owner_len = 0, len = 0;
    tarn_id name;

    return tarn_stmt_id(st, 1, &name) && st->driver->bytes_at(st->own, 0, &owner, &owner_len) &&
           st->driver->bytes_at(st->own, 2, &piece, &len) && owner && piece && len >= TARN_PIECE_MORE &&
           sum_veiled(owner, owner_len, staged ? tarn_stmt_text(st, 8) : NULL, &name, piece, len,
                      staged ? tarn_stmt_int(st, 6) : 0) == (uint32_t)tarn_stmt_int(st, staged ? 7 : 6);
}

static tarn_code read_veiled(tarn_meta *m, tarn_stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    const char *table = staged ? "staged" : "made", *who = staged ? tarn_stmt_text(st, 8) : NULL;
    const void *owner = NULL, *piece = NULL;
    size_t owner_len = 0, len = 0;
    char text[TARN_VEIL_OWNER];
    tarn_id name;

    *seq = staged ? tarn_stmt_int(st, 6) : 0;
    if (!tarn_stmt_id(st, 1, &name) || !st->driver->bytes_at(st->own, 0, &owner, &owner_len) ||
        !st->driver->bytes_at(st->own, 2, &piece, &len) || !owner || !piece ||
        sum_veiled(owner, owner_len, who, &name, piece, len, *seq) != (uint32_t)tarn_stmt_int(st, staged ? 7 : 6))
        return tarn_meta_row_damaged(table, err);
    return tarn_unveil(m->ring, table, owner_text(who, owner, owner_len, text), &name, piece, len, out, err);
}

/* owner, path, object, size, recipe, attrs [, seq], sum [, who] */
tarn_code tarn_meta_row_entry(tarn_meta *m, tarn_stmt *st, bool staged, tarn_entry *out, int64_t *seq, tarn_err *err)
{
    if (m->ring) return read_veiled(m, st, staged, out, seq, err);
    const char *table = staged ? "staged" : "made";
    const void *path = NULL, *owner = NULL;
    size_t len = 0, owner_len = 0;

    (void)st->driver->bytes_at(st->own, 1, &path, &len);
    (void)st->driver->bytes_at(st->own, 0, &owner, &owner_len);

    *out = (tarn_entry){.object.size = (uint64_t)tarn_stmt_int(st, 3)};
    *seq = staged ? tarn_stmt_int(st, 6) : 0;
    if (len >= sizeof out->path) return tarn_meta_row_damaged(table, err);
    if (len > 0) memcpy(out->path, path, len);
    if (!tarn_stmt_id(st, 2, &out->object.id) || !tarn_stmt_id(st, 4, &out->recipe) ||
        !tarn_stmt_id(st, 5, &out->attrs) ||
        sum_entry(owner, owner_len, staged ? tarn_stmt_text(st, 8) : NULL, out, *seq) !=
            (uint32_t)tarn_stmt_int(st, staged ? 7 : 6))
        return tarn_meta_row_damaged(table, err);
    return TARN_OK;
}

/* ---- staging ---- */

enum { SEQS_TAKEN = 500 };

/* The next number of the transaction. They are taken by the hundred: the counter's row would be written as often as
 * rows are staged, which PostgreSQL pays for dearly. */
static tarn_code next_stage_seq(tarn_meta *m, int64_t *seq, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    if (m->stage_next == m->stage_last) {
        int64_t n = m->stage_next == 0 ? 1 : SEQS_TAKEN;
        TARN_TRY(tarn_meta_start(m, S_STAGE_COUNT, &st, err, "i", n));
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) return TARN_FAIL(err, TARN_CORRUPT, "meta.db is damaged: the counter of staged paths is gone");
        m->stage_last = tarn_stmt_int(st, 0);
        m->stage_next = m->stage_last - n;
        tarn_stmt_done(st);
    }
    *seq = ++m->stage_next;
done:
    return rc;
}

static tarn_code stage_veiled(tarn_meta *m, const char *branch, const char *who, const tarn_entry *e, int64_t seq,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0, n = strlen(branch);
    char owner[TARN_VEIL_OWNER];
    tarn_id name;

    (void)owner_text(who, branch, n, owner);
    tarn_veil_name(m->ring, owner, e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "staged", owner, e, piece, &len, err));
    TARN_TRY(tarn_meta_start(m, S_STAGE, &st, err, "ttdbiddii", branch, who, &name, piece, len, (int64_t)0,
                             (tarn_id *)NULL, (tarn_id *)NULL, seq,
                             (int64_t)sum_veiled(branch, n, who, &name, piece, len, seq)));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage(tarn_meta *m, const char *branch, const char *who, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    int64_t seq = 0;

    TARN_TRY(next_stage_seq(m, &seq, err));
    m->veiled.good = false;
    if (m->ring) return stage_veiled(m, branch, who, e, seq, err);
    TARN_TRY(tarn_meta_start(m, S_STAGE, &st, err, "ttpdiddii", branch, who, e->path, &e->object.id,
                             (int64_t)e->object.size, &e->recipe, &e->attrs, seq,
                             (int64_t)sum_entry(branch, strlen(branch), who, e, seq)));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

tarn_code tarn_meta_stage_seq(tarn_meta *m, int64_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = false;

    TARN_TRY(tarn_meta_start(m, S_STAGE_SEQ, &st, err, ""));
    TARN_TRY(tarn_stmt_next(st, &row, err));
    *out = row ? tarn_stmt_int(st, 0) : 0;
    if (row) tarn_stmt_done(st);
done:
    return rc;
}

static tarn_code each_staged(tarn_meta *m, tarn_stmt *st, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool row = true;
    tarn_entry e;
    int64_t seq;

    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_entry(m, st, true, &e, &seq, err));
        TARN_TRY(fn(arg, &e, seq, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

static tarn_code keep_veiled(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    return tarn_veil_list_add(arg, entry, seq, err);
}

/* The opened rows of the area, read anew if they may have changed. */
static tarn_code open_veiled(tarn_meta *m, const char *branch, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    int64_t version = 0;
    char owner[TARN_VEIL_OWNER];

    (void)owner_text(who, branch, strlen(branch), owner);
    TARN_TRY(tarn_meta_version(m, &version, err));
    if (m->veiled.good && m->veiled.version == version && strcmp(m->veiled.owner, owner) == 0) return TARN_OK;
    tarn_veil_list_clear(&m->veiled);
    TARN_TRY(tarn_meta_start(m, S_STAGED, &st, err, "ttpi", branch, who, "", INT64_MAX));
    TARN_TRY(each_staged(m, st, keep_veiled, &m->veiled, err));
    tarn_veil_list_sort(&m->veiled);
    (void)snprintf(m->veiled.owner, sizeof m->veiled.owner, "%s", owner);
    m->veiled.version = version;
    m->veiled.good = true;
done:
    return rc;
}

tarn_code tarn_meta_staged(tarn_meta *m, const char *branch, const char *who, const char *from, int64_t most,
                           tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    tarn_stmt *st = NULL;

    if (m->ring) {
        tarn_code opened = open_veiled(m, branch, who, err);
        return opened == TARN_OK ? tarn_veil_list_each(&m->veiled, from, most, fn, arg, err) : opened;
    }
    tarn_code rc = tarn_meta_start(m, S_STAGED, &st, err, "ttpi", branch, who, from, most > 0 ? most : INT64_MAX);

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

tarn_code tarn_meta_staged_all(tarn_meta *m, tarn_staged_fn *fn, void *arg, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_code rc = tarn_meta_start(m, S_STAGED_ALL, &st, err, "");

    return rc == TARN_OK ? each_staged(m, st, fn, arg, err) : rc;
}

tarn_code tarn_meta_areas(tarn_meta *m, const char *branch, tarn_area_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;

    TARN_TRY(tarn_meta_start(m, S_STAGED_AREAS, &st, err, "t", branch));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(fn(arg, tarn_stmt_text(st, 0), tarn_stmt_int(st, 1), err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}

typedef struct unstaging {
    tarn_meta *m;
    const char *branch, *who, *to;
    int64_t upto;
} unstaging;

static tarn_code unstage_one(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    const unstaging *u = arg;
    tarn_stmt *st = NULL;
    char owner[TARN_VEIL_OWNER];
    tarn_id name;

    (void)seq;
    if (strcmp(e->path, u->to) >= 0) return TARN_CANCELLED; /* in the order of paths */
    (void)owner_text(u->who, u->branch, strlen(u->branch), owner);
    tarn_veil_name(u->m->ring, owner, e->path, &name);
    tarn_code rc = tarn_meta_start(u->m, S_UNSTAGE_ONE, &st, err, "ttdi", u->branch, u->who, &name, u->upto);
    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

static tarn_code unstage_veiled(tarn_meta *m, const char *from, unstaging *u, tarn_err *err)
{
    tarn_code rc = tarn_meta_staged(m, u->branch, u->who, from, 0, unstage_one, u, err);

    m->veiled.good = false;
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

tarn_code tarn_meta_unstage(tarn_meta *m, const char *branch, const char *who, const char *from, const char *to,
                            int64_t upto, tarn_err *err)
{
    tarn_stmt *st = NULL;

    if (m->ring) return unstage_veiled(m, from, &(unstaging){m, branch, who, to, upto}, err);
    tarn_code rc = tarn_meta_start(m, S_UNSTAGE, &st, err, "ttppi", branch, who, from, to, upto);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

/* ---- what recipes made ---- */

/* What a recipe is called in table made. */
static tarn_id recipe_name(const tarn_meta *m, const tarn_id *recipe)
{
    tarn_id name = *recipe;

    if (m->ring) tarn_ring_name(m->ring, TARN_KIND_CHUNK, recipe, &name);
    return name;
}

tarn_code tarn_meta_made_forget(tarn_meta *m, const tarn_id *recipe, tarn_err *err)
{
    tarn_stmt *st = NULL;
    tarn_id name = recipe_name(m, recipe);
    tarn_code rc = tarn_meta_start(m, S_MADE_FORGET, &st, err, "d", &name);

    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

static tarn_code made_add_veiled(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    uint8_t piece[TARN_VEIL_MOST];
    size_t len = 0;
    char hex[TARN_ID_HEX];
    tarn_id made_by = recipe_name(m, recipe), name;

    tarn_veil_name(m->ring, tarn_id_hex(&made_by, hex), e->path, &name);
    TARN_TRY(tarn_veil(m->ring, "made", hex, e, piece, &len, err));
    TARN_TRY(tarn_meta_start(m, S_MADE_ADD, &st, err, "ddbiddi", &made_by, &name, piece, len, (int64_t)0,
                             (tarn_id *)NULL, (tarn_id *)NULL,
                             (int64_t)sum_veiled(made_by.b, sizeof made_by.b, NULL, &name, piece, len, 0)));
    TARN_TRY(tarn_stmt_run(st, err));
done:
    return rc;
}

tarn_code tarn_meta_made_add(tarn_meta *m, const tarn_id *recipe, const tarn_entry *e, tarn_err *err)
{
    tarn_stmt *st = NULL;
    char owner[TARN_ID_BYTES];

    if (m->ring) return made_add_veiled(m, recipe, e, err);
    memcpy(owner, recipe->b, sizeof owner);
    tarn_code rc =
        tarn_meta_start(m, S_MADE_ADD, &st, err, "dpdiddi", recipe, e->path, &e->object.id, (int64_t)e->object.size,
                        &e->recipe, &e->attrs, (int64_t)sum_entry(owner, sizeof owner, NULL, e, 0));
    return rc == TARN_OK ? tarn_stmt_run(st, err) : rc;
}

typedef struct made_call {
    tarn_entry_fn *fn;
    void *arg;
} made_call;

static tarn_code give_made(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    const made_call *call = arg;

    (void)seq;
    return call->fn(call->arg, entry, err);
}

tarn_code tarn_meta_made(tarn_meta *m, const tarn_id *recipe, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;
    tarn_entry e;
    int64_t seq;
    tarn_id name = recipe_name(m, recipe);
    tarn_veil_list list = {.good = false};

    TARN_TRY(tarn_meta_start(m, S_MADE, &st, err, "d", &name));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_entry(m, st, false, &e, &seq, err));
        if (m->ring) TARN_TRY(tarn_veil_list_add(&list, &e, 0, err));
        else TARN_TRY(fn(arg, &e, err));
    }
    tarn_veil_list_sort(&list);
    TARN_TRY(tarn_veil_list_each(&list, "", 0, give_made, &(made_call){fn, arg}, err));
done:
    tarn_stmt_done(st);
    tarn_veil_list_clear(&list);
    return rc;
}

tarn_code tarn_meta_made_all(tarn_meta *m, tarn_made_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stmt *st = NULL;
    bool row = true;
    tarn_entry e;
    tarn_id recipe;
    int64_t seq;

    TARN_TRY(tarn_meta_start(m, S_MADE_ALL, &st, err, ""));
    for (;;) {
        TARN_TRY(tarn_stmt_next(st, &row, err));
        if (!row) break;
        TARN_TRY(tarn_meta_row_entry(m, st, false, &e, &seq, err));
        if (m->ring || !tarn_stmt_id(st, 0, &recipe))
            recipe = (tarn_id){{0}}; /* behind a name nobody finds the recipe */
        TARN_TRY(fn(arg, &recipe, &e, err));
    }
done:
    tarn_stmt_done(st);
    return rc;
}
