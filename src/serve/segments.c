/* SPDX-License-Identifier: Apache-2.0 */
/* segments.c - from log files to the lake, also after a crash; and finding a record again. See predlog.h.
 *
 * A segment's path and bytes never depend on who commits it, so committing twice is committing once. Whoever works on a
 * file holds its lock, and a file without name (another process was faster) is left alone. */
#include "base/file.h"
#include "base/mem.h"
#include "lake/key.h"
#include "serve/predlog.h"
#include "serve/serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE = 256 }; /* segments in one commit */

tarn_code tarn_segment_path(tarn_lake *lake, const char *name, char out[4096], tarn_err *err)
{
    int n = snprintf(out, 4096, "%s/log/%s.ndjson", tarn_lake_inside(lake), name);
    return n > 0 && n < 4096 ? TARN_OK : TARN_FAIL(err, TARN_LIMIT, "the lake's folder name is too long");
}

/* ---- whole records ---- */

/* One line without its end as record number `number` of the segment. */
static bool is_record(const char *name, int64_t number, const char *line, size_t len, char model[128])
{
    char id[TARN_PREDICTION_ID], head[TARN_PREDICTION_ID + 16];
    json_t *record = NULL;

    int n = snprintf(head, sizeof head, "{\"id\":\"%s\",", tarn_prediction_id(name, number, id));
    if (len <= (size_t)n || memcmp(line, head, (size_t)n) != 0) return false;
    bool good = tarn_json_read(line, len, "record", &record, NULL) == TARN_OK && json_is_object(record);
    const char *said = good ? tarn_json_text(record, "model", "") : "";
    good = *said && strlen(said) < 128;
    if (good && number == 0) (void)snprintf(model, 128, "%s", said);
    json_decref(record);
    return good;
}

size_t tarn_segment_whole(const char *name, const char *bytes, size_t len, char model[128], int64_t *records)
{
    size_t at = 0;

    *records = 0;
    while (at < len) {
        const char *end = memchr(bytes + at, '\n', len - at);
        if (!end || !is_record(name, *records, bytes + at, (size_t)(end - bytes) - at, model)) break;
        at = (size_t)(end - bytes) + 1;
        ++*records;
    }
    return at;
}

/* ---- into the lake ---- */

static tarn_code put_segment(tarn_lake *lake, const char *name, tarn_object *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], *bytes = NULL;
    size_t len = 0, sound = 0;

    TARN_TRY(tarn_segment_path(lake, name, path, err));
    if (!tarn_lake_encrypted(lake)) return tarn_lake_put_file(lake, path, NULL, out, err);
    TARN_TRY(tarn_segment_read(lake, name, &bytes, &len, &sound, err));
    TARN_TRY(tarn_lake_put(lake, bytes, len, out, err));
done:
    tarn_free(bytes);
    return rc;
}

tarn_code tarn_segments_commit(tarn_lake *lake, tarn_segment_file *files, size_t n, int64_t records, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *entries = NULL;
    json_t *meta = NULL;
    tarn_id id;
    char path[4096], message[64];
    size_t used = 0;

    TARN_TRY(tarn_alloc(&entries, n, sizeof *entries, err));
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        if (fstat(files[i].fd, &st) != 0 || st.st_nlink == 0) continue; /* another process has done it */
        TARN_TRY(put_segment(lake, files[i].name, &entries[used].object, err));
        (void)snprintf(entries[used].path, sizeof entries[used].path, "predictions/%s/%s.ndjson", files[i].model,
                       files[i].name);
        used++;
    }
    if (used == 0) goto done;
    meta = json_pack("{s:I, s:I}", "records", (json_int_t)records, "segments", (json_int_t)used);
    (void)snprintf(message, sizeof message, "%lld prediction%s", (long long)records, records == 1 ? "" : "s");
    tarn_commit_options options = {.author = "tarn serve", .message = message, .meta = meta};
    rc = tarn_lake_commit_entries(lake, TARN_PREDICTIONS_REF, entries, used, &options, &id, err);
    if (rc == TARN_NOT_FOUND) rc = TARN_OK; /* all of it is there already */
    if (rc != TARN_OK) goto done;
    for (size_t i = 0; i < n; i++) {
        TARN_TRY(tarn_segment_path(lake, files[i].name, path, err));
        if (unlink(path) != 0 && errno != ENOENT) {
            rc = TARN_FAIL_ERRNO(err, "remove", path);
            goto done;
        }
    }
done:
    json_decref(meta);
    tarn_free(entries);
    return rc;
}

/* ---- after a crash ---- */

/* Lock a left segment and cut it to whole records. file->fd is -1 when there is nothing to commit. */
static tarn_code take_up(tarn_lake *lake, const char *name, tarn_segment_file *file, int64_t *records, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], *bytes = NULL;
    size_t len = 0, sound = 0;
    struct stat st;
    int fd = -1;

    *file = (tarn_segment_file){.fd = -1};
    *records = 0;
    TARN_TRY(tarn_segment_path(lake, name, path, err));
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 || st.st_nlink == 0) goto done;
    TARN_TRY(tarn_segment_read(lake, name, &bytes, &len, &sound, err));
    size_t whole = tarn_segment_whole(name, bytes, len, file->model, records);
    if (tarn_lake_encrypted(lake)) { /* pieces are whole lines */
        if (whole != len)
            TARN_TRY(
                TARN_FAIL(err, TARN_CORRUPT, "segment %s of the prediction log holds lines that are no records", name));
        whole = sound;
    }
    if (whole == 0 || len == 0) {
        if (unlink(path) != 0) rc = TARN_FAIL_ERRNO(err, "remove", path);
        goto done;
    }
    if (whole < (size_t)st.st_size && ftruncate(fd, (off_t)whole) != 0) {
        rc = TARN_FAIL_ERRNO(err, "shorten", path);
        goto done;
    }
    TARN_TRY(tarn_fd_sync(fd, path, err));
    memcpy(file->name, name, TARN_SEGMENT_NAME);
    file->fd = fd;
    fd = -1;
done:
    if (fd >= 0) (void)close(fd);
    tarn_free(bytes);
    return rc;
}

static tarn_code recover_some(tarn_lake *lake, char (*names)[TARN_SEGMENT_NAME], size_t n, int64_t *records,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_segment_file files[AT_ONCE];
    size_t used = 0;
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t more = 0;
        TARN_TRY(take_up(lake, names[i], &files[used], &more, err));
        if (files[used].fd >= 0) used++, sum += more;
    }
    if (used > 0) TARN_TRY(tarn_segments_commit(lake, files, used, sum, err));
    *records += sum;
done:
    for (size_t i = 0; i < used; i++) (void)close(files[i].fd);
    return rc;
}

tarn_code tarn_segments_recover(tarn_lake *lake, int64_t *records, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], (*names)[TARN_SEGMENT_NAME] = NULL;
    size_t n = 0, cap = 0;
    DIR *dir = NULL;

    *records = 0;
    TARN_TRY(tarn_path_join(path, sizeof path, tarn_lake_inside(lake), "log", err));
    dir = opendir(path);
    if (!dir) return errno == ENOENT ? TARN_OK : TARN_FAIL_ERRNO(err, "open", path);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len != TARN_SEGMENT_NAME - 1 + 7 || strcmp(e->d_name + len - 7, ".ndjson") != 0) continue;
        if (!tarn_segment_name_valid(e->d_name, len - 7)) continue;
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            TARN_TRY(tarn_resize(&names, cap, sizeof *names, err));
        }
        memcpy(names[n], e->d_name, len - 7);
        names[n++][len - 7] = '\0';
    }
    for (size_t i = 0; i < n; i += AT_ONCE)
        TARN_TRY(recover_some(lake, names + i, n - i < AT_ONCE ? n - i : AT_ONCE, records, err));
done:
    if (dir) (void)closedir(dir);
    tarn_free(names);
    return rc;
}

/* ---- finding ---- */

/* Line `number` of bytes as a record with this id; *out stays NULL if it is not there (yet). */
static tarn_code pick(const char *bytes, size_t len, int64_t number, const char *id, json_t **out, tarn_err *err)
{
    const char *at = bytes, *end = NULL;
    tarn_code rc;

    for (int64_t i = 0; (end = memchr(at, '\n', len - (size_t)(at - bytes))) != NULL && i < number; i++) at = end + 1;
    if (!end) return TARN_OK;
    rc = tarn_json_read(at, (size_t)(end - at), id, out, err);
    if (rc == TARN_OK && strcmp(tarn_json_text(*out, "id", ""), id) == 0) return TARN_OK;
    if (rc == TARN_OK) rc = TARN_FAIL(err, TARN_CORRUPT, "the line where prediction '%s' should be holds another", id);
    json_decref(*out);
    *out = NULL;
    return rc;
}

static tarn_code find_in_file(tarn_lake *lake, const char *segment, int64_t line, const char *id, json_t **out,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[4096], *bytes = NULL;
    size_t len = 0, sound = 0;

    TARN_TRY(tarn_segment_path(lake, segment, path, err));
    if (!tarn_path_exists(path)) return TARN_OK;
    rc = tarn_segment_read(lake, segment, &bytes, &len, &sound, err);
    if (rc == TARN_NOT_FOUND) return TARN_OK; /* committed between the two looks */
    if (rc == TARN_OK) rc = pick(bytes, len, line, id, out, err);
    if (rc != TARN_OK || !*out) goto done;
    (void)snprintf(path, sizeof path, ".tarn/log/%s.ndjson", segment);
    TARN_TRY(tarn_json_set(*out, "commit", json_null(), err));
    TARN_TRY(tarn_json_set(*out, "path", json_string(path), err));
done:
    tarn_free(bytes);
    return rc;
}

typedef struct model_search {
    tarn_lake *lake;
    const tarn_id *commit;
    const char *segment;
    tarn_entry found;
    bool there;
} model_search;

static tarn_code look_in_model(void *arg, const tarn_entry *folder, tarn_err *err)
{
    model_search *s = arg;
    char path[1200];

    int n = snprintf(path, sizeof path, "%s%s.ndjson", folder->path, s->segment);
    if (n < 0 || n > 1024) return TARN_OK;
    tarn_code rc = tarn_lake_lookup(s->lake, s->commit, path, &s->found, err);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    s->there = rc == TARN_OK;
    return rc == TARN_OK ? TARN_CANCELLED : rc;
}

static tarn_code find_in_lake(tarn_lake *lake, const char *segment, int64_t line, const char *id, json_t **out,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id commit;
    model_search s = {.lake = lake, .commit = &commit, .segment = segment};
    char *bytes = NULL, hex[TARN_ID_HEX];
    size_t len = 0;

    rc = tarn_lake_ref_get(lake, TARN_PREDICTIONS_REF, &commit, err);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) return rc;
    TARN_TRY(tarn_lake_list(lake, &commit, "predictions/", "", '/', look_in_model, &s, err));
    if (!s.there) goto done;
    TARN_TRY(tarn_lake_get(lake, &s.found.object.id, 0, &bytes, &len, err));
    TARN_TRY(pick(bytes, len, line, id, out, err));
    if (!*out) goto done;
    TARN_TRY(tarn_json_set(*out, "commit", json_string(tarn_id_hex(&commit, hex)), err));
    TARN_TRY(tarn_json_set(*out, "path", json_string(s.found.path), err));
done:
    tarn_free(bytes);
    return rc;
}

tarn_code tarn_prediction_find(tarn_lake *lake, const char *id, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char segment[TARN_SEGMENT_NAME];
    int64_t line;
    json_t *record = NULL;

    *out = NULL;
    TARN_TRY(tarn_prediction_id_read(id, segment, &line, err));
    TARN_TRY(find_in_file(lake, segment, line, id, &record, err));
    if (!record) TARN_TRY(find_in_lake(lake, segment, line, id, &record, err));
    if (!record) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND,
                       "prediction '%s' is neither in .tarn/log nor on branch 'predictions' of this lake", id);
        goto done;
    }
    TARN_TRY(tarn_json_set(record, "line", json_integer(line), err));
    *out = record;
    record = NULL;
done:
    json_decref(record);
    return rc;
}
