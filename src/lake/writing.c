/* SPDX-License-Identifier: Apache-2.0 */
/* writing.c - content in. See object.h for how an object is stored; pipeline.c for large files on several threads. */
#include "lake/object.h"

#include "base/mem.h"
#include "lake/like.h"
#include "lake/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, FILES_AT_ONCE = 64, WORTH_LOOKING = 512, LARGE = 2 << 20 };

/* Of a file up to LITTLE bytes one read is all, if nobody writes to it. BATCH bytes of them are put at a time. */
enum { LITTLE = 8192, BATCH = 128 << 10 };

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
    tarn_list_writer list;
    tarn_like *old; /* what it replaces, being walked; or NULL */
    tarn_hasher *hasher;
    uint8_t *buffer; /* BUFFER bytes, made when needed */
    size_t have;     /* of them, not yet cut */
    uint64_t size;   /* cut so far */
    tarn_id like;    /* the object that it replaces; none */
};

static tarn_code put_chunk(tarn_writer *w, const uint8_t *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;

    TARN_TRY(tarn_digest_each(&(tarn_stretch){bytes, len}, 1, w->hasher, &id, err));
    if (w->size == 0 && !w->old) TARN_TRY(start_like(w->lake, &w->like, &w->old, err));
    TARN_TRY(put_piece(w->lake, w->old, &id, bytes, len, err));
    w->list.has_like = w->old != NULL;
    if (w->old) tarn_like_list(w->old, &w->list.like);
    TARN_TRY(tarn_list_add(&w->list, &id, len, err));
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
    TARN_TRY(tarn_list_end(&w->list, &o.id, err));
    *out = o;
done:
    return rc;
}

void tarn_lake_writer_free(tarn_writer *w)
{
    if (!w) return;
    tarn_list_clear(&w->list);
    tarn_like_free(w->old);
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

/* A file that is not small, or growing under our eyes; what was read of it already is in front. */
static tarn_code put_by_writer(tarn_lake *lake, int fd, const char *path, const tarn_id *like, const uint8_t *front,
                               size_t got, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_writer *w = NULL;

    TARN_TRY(tarn_lake_writer_new(lake, like, &w, err));
    TARN_TRY(need_buffer(w, err));
    memcpy(w->buffer, front, got);
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

/* Little files of one thread that wait to be put together. */
typedef struct batch {
    tarn_lake *lake;
    uint8_t *bytes; /* (2 * BATCH) the files, then room to compress them into */
    size_t used, n;
    tarn_putting v[FILES_AT_ONCE];
} batch;

static tarn_code put_batch(batch *b, tarn_err *err)
{
    tarn_code rc = tarn_store_put_many(b->lake, b->v, b->n, err);

    b->n = b->used = 0;
    return rc;
}

/* The file was read to the end of the batch. */
static tarn_code add_to_batch(batch *b, size_t len, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_putting *p = &b->v[b->n];

    *p = (tarn_putting){.bytes = b->bytes + b->used, .len = len, .room = b->bytes + BATCH + b->used};
    TARN_TRY(tarn_digest(p->bytes, len, &p->id, err));
    *out = (tarn_object){.id = p->id, .size = len};
    b->used += len;
    b->n++;
    if (b->n == FILES_AT_ONCE || b->used + LITTLE > BATCH) TARN_TRY(put_batch(b, err));
done:
    return rc;
}

/* b (may be NULL): among others. *large (may be NULL): it is, so nothing was done. */
static tarn_code put_open_file(tarn_lake *lake, int fd, const char *path, const tarn_id *like, batch *b, bool *large,
                               tarn_object *out, tarn_err *err)
{
    struct stat st;
    uint8_t little[LITTLE], *to = b ? b->bytes + b->used : little;
    size_t got = 0;

    if (fstat(fd, &st) != 0) return TARN_FAIL_ERRNO(err, "look at", path);
    if (!S_ISREG(st.st_mode)) return TARN_FAIL(err, TARN_INVALID, "'%s' is not a regular file", path);
    if (large) *large = st.st_size >= LARGE;
    if (large && *large) return TARN_OK;
    if (st.st_size < LITTLE) {
        ssize_t n = read(fd, to, LITTLE);
        bool alone = !b || (like && !tarn_id_none(like) && n >= WORTH_LOOKING);
        if (n == st.st_size)
            return alone ? put_small(lake, to, (size_t)n, like, out, err) : add_to_batch(b, (size_t)n, out, err);
        got = n > 0 ? (size_t)n : 0;
    }
    return put_by_writer(lake, fd, path, like, to, got, out, err);
}

static tarn_code open_file(const char *path, int *fd, tarn_err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return *fd < 0 ? TARN_FAIL_ERRNO(err, "open", path) : TARN_OK;
}

static tarn_code put_file(tarn_lake *lake, const char *path, const tarn_id *like, batch *b, bool *large,
                          tarn_object *out, tarn_err *err)
{
    int fd = -1;
    tarn_code rc = open_file(path, &fd, err);

    if (rc != TARN_OK) return rc;
    rc = put_open_file(lake, fd, path, like, b, large, out, err);
    (void)close(fd);
    return rc;
}

tarn_code tarn_lake_put_file(tarn_lake *lake, const char *path, const tarn_id *like, tarn_object *out, tarn_err *err)
{
    return put_file(lake, path, like, NULL, NULL, out, err);
}

typedef struct many {
    tarn_lake *lake;
    const char *const *paths;
    const tarn_id *likes;
    bool *large;    /* (n) those come later; NULL: none does */
    batch *batches; /* (threads) */
    size_t n;
    tarn_object *out;
} many;

static const tarn_id *like_of(const many *m, size_t i) { return m->likes ? &m->likes[i] : NULL; }

static tarn_code put_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const many *m = arg;
    size_t from = (size_t)block * FILES_AT_ONCE, to = m->n - from < FILES_AT_ONCE ? m->n : from + FILES_AT_ONCE;

    batch *b = &m->batches[worker];
    b->n = b->used = 0;
    for (size_t i = from; i < to && rc == TARN_OK; i++)
        rc = put_file(m->lake, m->paths[i], like_of(m, i), b, m->large ? &m->large[i] : NULL, &m->out[i], err);
    return rc == TARN_OK ? put_batch(b, err) : rc;
}

static tarn_code put_large(const many *m, tarn_pool *pool, size_t i, tarn_err *err)
{
    struct stat st;
    int fd = -1;
    tarn_code rc = open_file(m->paths[i], &fd, err);

    if (rc != TARN_OK) return rc;
    bool still = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (still) rc = tarn_pipeline_put(m->lake, pool, fd, m->paths[i], like_of(m, i), &m->out[i], err);
    else rc = put_open_file(m->lake, fd, m->paths[i], like_of(m, i), NULL, NULL, &m->out[i], err);
    (void)close(fd);
    return rc;
}

static void free_batches(batch *b, size_t n)
{
    for (size_t i = 0; b && i < n; i++) tarn_free(b[i].bytes);
    tarn_free(b);
}

static tarn_code make_batches(tarn_lake *lake, size_t n, batch **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, n, sizeof **out, err);

    for (size_t i = 0; i < n && rc == TARN_OK; i++) {
        (*out)[i].lake = lake;
        rc = tarn_alloc(&(*out)[i].bytes, 2 * BATCH, 1, err);
    }
    return rc;
}

/* Of many files each is work for one thread; a large one is work for all of them. */
tarn_code tarn_lake_put_files(tarn_lake *lake, tarn_pool *pool, const char *const *paths, const tarn_id *likes,
                              size_t n, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    many m = {.lake = lake, .paths = paths, .likes = likes, .n = n, .out = out};
    size_t threads = (size_t)tarn_pool_threads(pool);

    TARN_TRY(make_batches(lake, threads, &m.batches, err));
    if (threads > 1) TARN_TRY(tarn_alloc(&m.large, n, sizeof *m.large, err));
    TARN_TRY(tarn_pool_run(pool, (int64_t)((n + FILES_AT_ONCE - 1) / FILES_AT_ONCE), put_block, &m, err));
    for (size_t i = 0; m.large && i < n; i++)
        if (m.large[i]) TARN_TRY(put_large(&m, pool, i, err));
done:
    free_batches(m.batches, threads);
    tarn_free(m.large);
    return rc;
}
