/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - content in and out. See object.h for how an object is stored.
 *
 * A part of a list ends where a chunk's id says so (or at PART_MOST chunks), so that an insertion into a huge
 * object changes few parts. */
#include "lake/object.h"

#include "base/mem.h"
#include "lake/bytes.h"
#include "lake/like.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LIST_HEAD = 24,
    LIST_ENTRY = 40,
    PART_LEAST = 256,
    PART_MOST = 4096,
    BUFFER = 1 << 20,
    FILES_AT_ONCE = 64,
    WORTH_LOOKING = 512
};

static const char magic[8] = {'T', 'A', 'R', 'N', 'L', 'S', 'T', '1'};

/* ---- lists ---- */

static tarn_code sum_of(const uint8_t *bytes, size_t len, const tarn_id *object, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *h = NULL;

    TARN_TRY(tarn_hasher_new(&h, err));
    TARN_TRY(tarn_hasher_add(h, object->b, TARN_ID_BYTES, err));
    TARN_TRY(tarn_hasher_add(h, bytes, len, err));
    TARN_TRY(tarn_hasher_end(h, out, err));
done:
    tarn_hasher_free(h);
    return rc;
}

tarn_code tarn_list_open(const uint8_t *bytes, size_t len, const tarn_id *object, tarn_list_view *out, tarn_err *err)
{
    tarn_id sum;
    uint64_t total = 0;
    size_t body = object ? len - TARN_ID_BYTES : len;

    if (len < LIST_HEAD + LIST_ENTRY + (object ? TARN_ID_BYTES : 0) || memcmp(bytes, magic, sizeof magic) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks is not one");
    *out = (tarn_list_view){
        .level = bytes[8], .n = tarn_get32(bytes + 12), .total = tarn_get64(bytes + 16), .entries = bytes + LIST_HEAD};
    if (out->level >= TARN_LIST_LEVELS || out->n != (body - LIST_HEAD) / LIST_ENTRY ||
        (body - LIST_HEAD) % LIST_ENTRY != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks has the wrong length");
    for (uint32_t i = 0; i < out->n; i++) {
        uint64_t size = tarn_get64(out->entries + (size_t)i * LIST_ENTRY + TARN_ID_BYTES);
        if (size == 0 || size > UINT64_MAX / 2 - total || (out->level == 0 && size > TARN_CHUNK_MOST))
            return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks has impossible sizes");
        total += size;
    }
    if (total != out->total) return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks does not add up");
    if (!object) return TARN_OK;
    tarn_code rc = sum_of(bytes, body, object, &sum, err);
    if (rc != TARN_OK) return rc;
    if (memcmp(sum.b, bytes + body, TARN_ID_BYTES) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "the list of chunks does not match its sum");
    return TARN_OK;
}

void tarn_list_at(const tarn_list_view *list, uint32_t i, tarn_id *id, uint64_t *size)
{
    const uint8_t *p = list->entries + (size_t)i * LIST_ENTRY;

    memcpy(id->b, p, TARN_ID_BYTES);
    *size = tarn_get64(p + TARN_ID_BYTES);
}

/* A list being written: the entries of the unfinished part of each level, as they will be stored. */
typedef struct list_writer {
    tarn_lake *lake;
    tarn_like *like; /* the object that this one replaces, or NULL */
    struct {
        uint8_t *bytes; /* LIST_HEAD, entries, room for the sum */
        uint32_t n;
        uint64_t total;
    } level[TARN_LIST_LEVELS];
} list_writer;

static void list_clear(list_writer *w)
{
    for (int i = 0; i < TARN_LIST_LEVELS; i++) tarn_free(w->level[i].bytes);
}

static size_t list_finish(list_writer *w, int level)
{
    uint8_t *b = w->level[level].bytes;

    memset(b, 0, LIST_HEAD);
    memcpy(b, magic, sizeof magic);
    b[8] = (uint8_t)level;
    tarn_put32(b + 12, w->level[level].n);
    tarn_put64(b + 16, w->level[level].total);
    return LIST_HEAD + (size_t)w->level[level].n * LIST_ENTRY;
}

static tarn_code list_add(list_writer *w, int level, const tarn_id *id, uint64_t size, tarn_err *err);

static tarn_code list_store(list_writer *w, int level, tarn_kind kind, const tarn_id *id, size_t len, tarn_err *err)
{
    tarn_id base;
    bool has_base = w->like && level == 0;

    if (has_base) tarn_like_list(w->like, &base);
    return tarn_store_put_like(w->lake, id, kind, w->level[level].bytes, len, &base, has_base, err);
}

/* The part is full: store it and name it one level up. */
static tarn_code list_part(list_writer *w, int level, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;

    if (level + 1 == TARN_LIST_LEVELS) return TARN_FAIL(err, TARN_LIMIT, "the content is larger than an object can be");
    size_t len = list_finish(w, level);
    TARN_TRY(tarn_digest(w->level[level].bytes, len, &id, err));
    TARN_TRY(list_store(w, level, TARN_KIND_PART, &id, len, err));
    uint64_t total = w->level[level].total;
    w->level[level].n = 0;
    w->level[level].total = 0;
    TARN_TRY(list_add(w, level + 1, &id, total, err));
done:
    return rc;
}

static tarn_code list_add(list_writer *w, int level, const tarn_id *id, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (w->level[level].n == PART_MOST ||
        (w->level[level].n >= PART_LEAST &&
         (tarn_get16(w->level[level].bytes + LIST_HEAD + ((size_t)w->level[level].n - 1) * LIST_ENTRY) & 1023) == 0))
        TARN_TRY(list_part(w, level, err));
    if (!w->level[level].bytes)
        TARN_TRY(
            tarn_alloc(&w->level[level].bytes, LIST_HEAD + (size_t)PART_MOST * LIST_ENTRY + TARN_ID_BYTES, 1, err));
    uint8_t *p = w->level[level].bytes + LIST_HEAD + (size_t)w->level[level].n * LIST_ENTRY;
    memcpy(p, id->b, TARN_ID_BYTES);
    tarn_put64(p + TARN_ID_BYTES, size);
    w->level[level].n++;
    w->level[level].total += size;
done:
    return rc;
}

/* Store the list record under the object's id. */
static tarn_code list_end(list_writer *w, const tarn_id *object, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id sum;
    int top = 0;

    for (int level = 1; level < TARN_LIST_LEVELS; level++) {
        if (w->level[level].n == 0) break;
        TARN_TRY(list_part(w, level - 1, err));
        top = level;
    }
    size_t len = list_finish(w, top);
    TARN_TRY(sum_of(w->level[top].bytes, len, object, &sum, err));
    memcpy(w->level[top].bytes + len, sum.b, TARN_ID_BYTES);
    TARN_TRY(list_store(w, top, TARN_KIND_LIST, object, len + TARN_ID_BYTES, err));
done:
    return rc;
}

/* ---- in ---- */

/* like NULL: nothing is known that it replaces. */
static tarn_code put_piece(tarn_lake *lake, tarn_like *like, const tarn_id *id, const uint8_t *bytes, size_t len,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id base[TARN_DELTA_BASES];
    int n = 0;

    if (like) TARN_TRY(tarn_like_chunk(like, id, bytes, len, base, &n, err));
    TARN_TRY(tarn_store_put_like(lake, id, TARN_KIND_CHUNK, bytes, len, base, n, err));
done:
    return rc;
}

static tarn_code start_like(tarn_lake *lake, const tarn_id *like, tarn_like **out, tarn_err *err)
{
    *out = NULL;
    return like && !tarn_id_none(like) ? tarn_like_new(lake, like, out, err) : TARN_OK;
}

static tarn_code put_small(tarn_lake *lake, const void *bytes, size_t len, const tarn_id *like, tarn_object *out,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object o = {.size = len};
    tarn_like *old = NULL;

    TARN_TRY(tarn_digest(bytes, len, &o.id, err));
    if (len >= WORTH_LOOKING) TARN_TRY(start_like(lake, like, &old, err));
    TARN_TRY(put_piece(lake, old, &o.id, bytes, len, err));
    *out = o;
done:
    tarn_like_free(old);
    return rc;
}

struct tarn_writer {
    tarn_lake *lake;
    list_writer list;
    tarn_hasher *hasher;
    uint8_t *buffer; /* BUFFER bytes, made when needed */
    size_t have;     /* of them, not yet cut */
    uint64_t size;   /* cut so far */
    tarn_id like;    /* what it replaces; none */
};

static tarn_code put_chunk(tarn_writer *w, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;

    TARN_TRY(tarn_hasher_add(w->hasher, bytes, len, err));
    TARN_TRY(tarn_digest(bytes, len, &id, err));
    if (w->size == 0 && !w->list.like) TARN_TRY(start_like(w->lake, &w->like, &w->list.like, err));
    TARN_TRY(put_piece(w->lake, w->list.like, &id, bytes, len, err));
    TARN_TRY(list_add(&w->list, 0, &id, len, err));
    w->size += len;
done:
    return rc;
}

/* Cut what can be cut: a border is certain when TARN_CHUNK_MOST bytes are there, or no more will come. */
static tarn_code cut(tarn_writer *w, const uint8_t *bytes, size_t len, bool last, size_t *taken, tarn_err *err)
{
    for (*taken = 0; len - *taken > (last ? 0 : TARN_CHUNK_MOST);) {
        size_t n = tarn_chunk_cut(&w->lake->gear, bytes + *taken, len - *taken);
        tarn_code rc = put_chunk(w, bytes + *taken, n, err);
        if (rc != TARN_OK) return rc;
        *taken += n;
    }
    return TARN_OK;
}

static tarn_code cut_buffer(tarn_writer *w, tarn_err *err)
{
    size_t taken = 0;
    tarn_code rc = cut(w, w->buffer, w->have, false, &taken, err);

    w->have -= taken;
    if (taken > 0) memmove(w->buffer, w->buffer + taken, w->have);
    return rc;
}

tarn_code tarn_lake_writer_new(tarn_lake *lake, const tarn_id *like, tarn_writer **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    (*out)->lake = (*out)->list.lake = lake;
    if (like) (*out)->like = *like;
    rc = tarn_hasher_new(&(*out)->hasher, err);
    if (rc == TARN_OK) return TARN_OK;
    tarn_lake_writer_free(*out);
    *out = NULL;
    return rc;
}

static tarn_code need_buffer(tarn_writer *w, tarn_err *err)
{
    return w->buffer ? TARN_OK : tarn_alloc(&w->buffer, BUFFER, 1, err);
}

tarn_code tarn_lake_writer_add(tarn_writer *w, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const uint8_t *at = bytes;
    size_t taken = 0;

    if (w->have == 0) TARN_TRY(cut(w, at, len, false, &taken, err)); /* without copying */
    if (taken < len) TARN_TRY(need_buffer(w, err));
    while (taken < len) {
        size_t n = len - taken < BUFFER - w->have ? len - taken : BUFFER - w->have;
        memcpy(w->buffer + w->have, at + taken, n);
        w->have += n;
        taken += n;
        TARN_TRY(cut_buffer(w, err));
    }
done:
    return rc;
}

tarn_code tarn_lake_writer_end(tarn_writer *w, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object o = {0};
    size_t taken = 0;

    if (w->size == 0 && w->have <= TARN_CHUNK_MOST)
        return put_small(w->lake, w->have > 0 ? (const void *)w->buffer : "", w->have, &w->like, out, err);
    TARN_TRY(cut(w, w->buffer, w->have, true, &taken, err));
    w->have = 0;
    o.size = w->size;
    TARN_TRY(tarn_hasher_end(w->hasher, &o.id, err));
    TARN_TRY(list_end(&w->list, &o.id, err));
    *out = o;
done:
    return rc;
}

void tarn_lake_writer_free(tarn_writer *w)
{
    if (!w) return;
    list_clear(&w->list);
    tarn_like_free(w->list.like);
    tarn_hasher_free(w->hasher);
    tarn_free(w->buffer);
    tarn_free(w);
}

tarn_code tarn_lake_put(tarn_lake *lake, const void *bytes, size_t len, tarn_object *out, tarn_err *err)
{
    return tarn_lake_put_like(lake, bytes, len, NULL, out, err);
}

tarn_code tarn_lake_put_like(tarn_lake *lake, const void *bytes, size_t len, const tarn_id *like, tarn_object *out,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_writer *w = NULL;

    if (len <= TARN_CHUNK_MOST) return put_small(lake, len > 0 ? bytes : "", len, like, out, err);
    TARN_TRY(tarn_lake_writer_new(lake, like, &w, err));
    TARN_TRY(tarn_lake_writer_add(w, bytes, len, err));
    TARN_TRY(tarn_lake_writer_end(w, out, err));
done:
    tarn_lake_writer_free(w);
    return rc;
}

/* Straight into the writer's buffer, until it is full or the file ends. */
static tarn_code read_some(tarn_writer *w, int fd, const char *path, bool *ended, tarn_err *err)
{
    while (w->have < BUFFER) {
        ssize_t n = read(fd, w->buffer + w->have, BUFFER - w->have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TARN_FAIL_ERRNO(err, "read", path);
        *ended = n == 0;
        if (*ended) break;
        w->have += (size_t)n;
    }
    return TARN_OK;
}

static tarn_code put_open_file(tarn_lake *lake, int fd, const char *path, const tarn_id *like, tarn_object *out,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    struct stat st;
    tarn_writer *w = NULL;
    uint8_t little[8192];
    size_t got = 0;

    if (fstat(fd, &st) != 0) return TARN_FAIL_ERRNO(err, "look at", path);
    if (!S_ISREG(st.st_mode)) return TARN_FAIL(err, TARN_INVALID, "'%s' is not a regular file", path);
    if (st.st_size < (off_t)sizeof little) {
        ssize_t n = read(fd, little, sizeof little); /* one read is all of a file that nobody writes to */
        if (n == st.st_size) return put_small(lake, little, (size_t)n, like, out, err);
        got = n > 0 ? (size_t)n : 0;
    }
    TARN_TRY(tarn_lake_writer_new(lake, like, &w, err)); /* not small, or growing under our eyes */
    TARN_TRY(need_buffer(w, err));
    memcpy(w->buffer, little, got);
    w->have = got;
    for (bool ended = false; !ended;) {
        TARN_TRY(read_some(w, fd, path, &ended, err));
        TARN_TRY(cut_buffer(w, err));
    }
    TARN_TRY(tarn_lake_writer_end(w, out, err));
done:
    tarn_lake_writer_free(w);
    return rc;
}

tarn_code tarn_lake_put_file(tarn_lake *lake, const char *path, const tarn_id *like, tarn_object *out, tarn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    tarn_code rc = put_open_file(lake, fd, path, like, out, err);
    (void)close(fd);
    return rc;
}

typedef struct many {
    tarn_lake *lake;
    const char *const *paths;
    const tarn_id *likes;
    size_t n;
    tarn_object *out;
} many;

static tarn_code put_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const many *m = arg;
    size_t from = (size_t)block * FILES_AT_ONCE, to = m->n - from < FILES_AT_ONCE ? m->n : from + FILES_AT_ONCE;

    (void)worker;
    for (size_t i = from; i < to && rc == TARN_OK; i++)
        rc = tarn_lake_put_file(m->lake, m->paths[i], m->likes ? &m->likes[i] : NULL, &m->out[i], err);
    return rc;
}

tarn_code tarn_lake_put_files(tarn_lake *lake, tarn_pool *pool, const char *const *paths, const tarn_id *likes,
                              size_t n, tarn_object *out, tarn_err *err)
{
    many m = {lake, paths, likes, n, out};

    return tarn_pool_run(pool, (int64_t)((n + FILES_AT_ONCE - 1) / FILES_AT_ONCE), put_block, &m, err);
}

/* ---- out ---- */

typedef struct reader {
    tarn_lake *lake;
    uint64_t at, left; /* bytes still to skip, and to give */
    tarn_give_fn *give;
    void *arg;
    tarn_slab chunk, part[TARN_LIST_LEVELS];
} reader;

static tarn_code give_some(reader *r, const uint8_t *bytes, size_t len, tarn_err *err)
{
    size_t from = r->at < len ? (size_t)r->at : len;
    size_t n = len - from < r->left ? len - from : (size_t)r->left;

    r->at -= from;
    r->left -= n;
    return n > 0 ? r->give(r->arg, bytes + from, n, err) : TARN_OK;
}

static tarn_code read_list(reader *r, const tarn_list_view *list, tarn_err *err);

static tarn_code read_entry(reader *r, int level, const tarn_id *id, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_list_view part;

    if (level == 0) {
        TARN_TRY(tarn_store_get(r->lake, id, "chunk", &r->chunk, NULL, err));
        if (r->chunk.len != size)
            return TARN_FAIL(err, TARN_CORRUPT, "a chunk has %zu bytes, its list tells %llu", r->chunk.len,
                             (unsigned long long)size);
        return give_some(r, r->chunk.bytes, r->chunk.len, err);
    }
    TARN_TRY(tarn_store_get(r->lake, id, "part of a list", &r->part[level], NULL, err));
    TARN_TRY(tarn_list_open(r->part[level].bytes, r->part[level].len, NULL, &part, err));
    if (part.level != level - 1 || part.total != size)
        return TARN_FAIL(err, TARN_CORRUPT, "a part of a list of chunks does not fit");
    TARN_TRY(read_list(r, &part, err));
done:
    return rc;
}

static tarn_code read_list(reader *r, const tarn_list_view *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    uint64_t size;

    for (uint32_t i = 0; i < list->n && r->left > 0; i++) {
        tarn_list_at(list, i, &id, &size);
        if (r->at >= size) r->at -= size;
        else TARN_TRY(read_entry(r, list->level, &id, size, err));
    }
done:
    return rc;
}

static tarn_code note_object(tarn_code rc, const tarn_id *id, tarn_err *err)
{
    char hex[TARN_ID_HEX];

    if (rc != TARN_OK && rc != TARN_CANCELLED) tarn_err_note(err, "object %.12s", tarn_id_hex(id, hex));
    return rc;
}

tarn_code tarn_lake_read(tarn_lake *lake, const tarn_id *id, uint64_t at, uint64_t length, tarn_give_fn *give,
                         void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reader r = {.lake = lake, .at = at, .left = length, .give = give, .arg = arg};
    tarn_slab top = {0};
    tarn_where where = {0};
    tarn_list_view list = {0};

    TARN_TRY(tarn_store_get(lake, id, "object", &top, &where, err));
    if (where.kind == TARN_KIND_LIST)
        TARN_TRY(note_object(tarn_list_open(top.bytes, top.len, id, &list, err), id, err));
    uint64_t size = where.kind == TARN_KIND_LIST ? list.total : top.len;
    if (at > size) {
        rc = TARN_FAIL(err, TARN_INVALID, "the object has %llu bytes; a range cannot start at %llu",
                       (unsigned long long)size, (unsigned long long)at);
        goto done;
    }
    if (where.kind == TARN_KIND_LIST) TARN_TRY(note_object(read_list(&r, &list, err), id, err));
    else TARN_TRY(give_some(&r, top.bytes, top.len, err));
done:
    tarn_slab_clear(&top);
    tarn_slab_clear(&r.chunk);
    for (int i = 0; i < TARN_LIST_LEVELS; i++) tarn_slab_clear(&r.part[i]);
    return rc;
}

tarn_code tarn_object_look(tarn_lake *lake, const tarn_id *id, uint64_t *size, bool *is_list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where where = {0};
    tarn_slab slab = {0};
    tarn_list_view list;
    bool found = false;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_find(lake, id, &where, &found, err));
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "object %.12s is not in the lake", tarn_id_hex(id, hex));
    *is_list = where.kind == TARN_KIND_LIST;
    *size = where.raw;
    if (!*is_list) goto done;
    TARN_TRY(tarn_store_get(lake, id, "object", &slab, NULL, err));
    TARN_TRY(note_object(tarn_list_open(slab.bytes, slab.len, id, &list, err), id, err));
    *size = list.total;
done:
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code give_to_hasher(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_hasher_add(arg, bytes, len, err);
}

static tarn_code check_hash(tarn_hasher *hasher, const tarn_id *id, tarn_err *err)
{
    tarn_id hash;
    char hex[TARN_ID_HEX];
    tarn_code rc = tarn_hasher_end(hasher, &hash, err);

    if (rc != TARN_OK || tarn_id_equal(&hash, id)) return rc;
    return TARN_FAIL(err, TARN_CORRUPT, "object %.12s: bytes do not match their name", tarn_id_hex(id, hex));
}

tarn_code tarn_object_check(tarn_lake *lake, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *hasher = NULL;

    TARN_TRY(tarn_hasher_new(&hasher, err));
    TARN_TRY(tarn_lake_read(lake, id, 0, UINT64_MAX, give_to_hasher, hasher, err));
    TARN_TRY(check_hash(hasher, id, err));
done:
    tarn_hasher_free(hasher);
    return rc;
}

typedef struct filling {
    char *bytes;
    size_t at;
    tarn_hasher *hasher;
} filling;

static tarn_code give_to_memory(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    filling *f = arg;

    memcpy(f->bytes + f->at, bytes, len);
    f->at += len;
    return tarn_hasher_add(f->hasher, bytes, len, err);
}

tarn_code tarn_lake_get(tarn_lake *lake, const tarn_id *id, size_t most, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    filling f = {0};
    uint64_t size = 0;
    bool list = false;
    char hex[TARN_ID_HEX];

    if (most == 0) most = (size_t)1 << 30;
    TARN_TRY(tarn_object_look(lake, id, &size, &list, err));
    if (size > most)
        return TARN_FAIL(err, TARN_LIMIT, "object %.12s has %llu bytes, more than the %zu wanted at most",
                         tarn_id_hex(id, hex), (unsigned long long)size, most);
    TARN_TRY(tarn_alloc(&f.bytes, (size_t)size + 1, 1, err));
    TARN_TRY(tarn_hasher_new(&f.hasher, err));
    TARN_TRY(tarn_lake_read(lake, id, 0, size, give_to_memory, &f, err));
    if (list) TARN_TRY(check_hash(f.hasher, id, err));
    if (f.at != size) return note_object(TARN_FAIL(err, TARN_CORRUPT, "ends early"), id, err);
    *out = f.bytes;
    if (len) *len = (size_t)size;
    f.bytes = NULL;
done:
    tarn_free(f.bytes);
    tarn_hasher_free(f.hasher);
    return rc;
}

tarn_code tarn_lake_has(tarn_lake *lake, const tarn_id *id, bool *has, tarn_err *err)
{
    tarn_where where;

    return tarn_store_find(lake, id, &where, has, err);
}
