/* SPDX-License-Identifier: Apache-2.0 */
/* scratch_test.h - what the lake's tests share: a folder of their own with a lake in it, and content. */
#ifndef TARN_LAKE_SCRATCH_TEST_H
#define TARN_LAKE_SCRATCH_TEST_H

#include "support/tarn_test.h"

#include "base/file.h"
#include "base/random.h"
#include "base/sink.h"
#include "lake/lake.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct scratch {
    char folder[64];
    tarn_lake *lake;
} scratch;

/* Put `name` in place of the '@' of a URL. */
static inline const char *scratch_url(const char *variable, const char *name, char out[512])
{
    const char *url = getenv(variable), *at = url ? strchr(url, '@') : NULL;

    if (!at) return NULL;
    (void)snprintf(out, 512, "%.*s%s%s", (int)(at - url), url, name, at + 1);
    return out;
}

/* False: packs or metadata are elsewhere, and a test of the files in .tarn has nothing to look at. */
static inline bool scratch_is_local(void) { return !getenv("TARN_TEST_STORE") && !getenv("TARN_TEST_META"); }

/* A lake: in the folder, or where TARN_TEST_STORE and TARN_TEST_META tell, URLs with an '@' that becomes a name of its
 * own. So the same tests run on every place (tests/tests.cmake). */
static inline void scratch_init(const char *folder)
{
    char name[64], store[512], meta[512];
    const char *last = strrchr(folder, '-') + 1;
    int n = snprintf(name, sizeof name, "t%ld", (long)getpid());

    for (; *last; last++) n += snprintf(name + n, sizeof name - (size_t)n, "%x", (unsigned char)*last);
    must(tarn_lake_init_at(folder, scratch_url("TARN_TEST_STORE", name, store),
                           scratch_url("TARN_TEST_META", name, meta), err));
}

/* A new folder with a new, open lake; in memory where the system has a place for that, since the tests sync a
 * great deal. */
static inline scratch scratch_new(void)
{
    bool memory = access("/dev/shm", W_OK) == 0;
    scratch s = {.folder = ""};

    (void)snprintf(s.folder, sizeof s.folder, "%s/tarn-lake-test-XXXXXX", memory ? "/dev/shm" : "/tmp");
    tarn_json_setup();
    assert_non_null(mkdtemp(s.folder));
    scratch_init(s.folder);
    must(tarn_lake_open(s.folder, &s.lake, err));
    return s;
}

static inline void scratch_reopen(scratch *s)
{
    tarn_lake_close(s->lake);
    s->lake = NULL;
    must(tarn_lake_open(s->folder, &s->lake, err));
}

static inline void scratch_free(scratch *s)
{
    tarn_lake_close(s->lake);
    must(tarn_dir_remove(s->folder, err));
}

/* len bytes that do not compress, set by the seed. */
static inline char *noise(size_t len, uint64_t seed)
{
    char *bytes = malloc(len + 8);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t x = tarn_random_u64(seed, TARN_STREAM_TEST, i, 0);
        memcpy(bytes + i, &x, 8);
    }
    return bytes;
}

static inline tarn_entry entry_of(tarn_lake *lake, const char *path, const char *text)
{
    tarn_entry e = {.path = ""};

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    if (text) must(tarn_lake_put(lake, text, strlen(text), &e.object, err));
    return e;
}

/* Commit one path with a text (NULL: remove it). */
static inline tarn_id commit_text(tarn_lake *lake, const char *ref, const char *path, const char *text)
{
    tarn_entry e = entry_of(lake, path, text);
    tarn_id id;
    tarn_commit_options o = {.author = "Ann <ann@example.org>", .message = path};

    must(tarn_lake_commit_entries(lake, ref, &e, 1, &o, &id, err));
    return id;
}

typedef struct problems {
    int n;
    char lines[64][512];
} problems;

static inline void keep_problem(void *arg, const char *line)
{
    problems *p = arg;
    if (p->n < 64) (void)snprintf(p->lines[p->n], sizeof p->lines[0], "%s", line);
    p->n++;
}

static inline bool said(const problems *p, const char *text)
{
    for (int i = 0; i < p->n && i < 64; i++)
        if (strstr(p->lines[i], text)) return true;
    return false;
}

#endif
