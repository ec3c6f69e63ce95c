/* SPDX-License-Identifier: Apache-2.0 */
/* backends_test.c - what every place for packs must do, walked over backends.def. */
#include "support/peer.h"
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "lake/backends.h"

#include <dirent.h>
#include <time.h>

enum { URL_CAP = 200 };

/* A URL (behind the colon) where a backend of that name can be tried here, and the server that it needs; false: it is
 * not installed, and may be skipped. A new backend needs a line here. */
static bool place_for(const char *name, char out[URL_CAP], peer *server)
{
    *server = (peer){.pid = 0};
    if (strcmp(name, "disk") == 0) {
        (void)strcpy(out, "/tmp/tarn-backend-XXXXXX");
        return mkdtemp(out) != NULL;
    }
    bool azure = strcmp(name, "azure") == 0;
    if (!azure && strcmp(name, "s3") != 0 && strcmp(name, "gs") != 0) fail_msg("nobody tests backend '%s'", name);
    if (!peer_start(server, azure ? "azure" : "s3", 0, "")) return false;
    (void)snprintf(out, URL_CAP, "//packs/some/prefix?endpoint=http://127.0.0.1:%d%s&patience=10", server->port,
                   azure ? "/devstoreaccount1" : "");
    return true;
}

static tarn_code join_names(void *arg, const char *name, uint64_t size, tarn_err *err)
{
    tarn_text_addf(arg, "%s=%llu ", name, (unsigned long long)size);
    return tarn_text_check(arg, err);
}

static int files_in(const char *folder, const char *below)
{
    char path[300];
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, below);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) n += e->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

static void check_backend(const tarn_backend *b, const char *url)
{
    void *self = NULL, *again = NULL;
    char bytes[1000], back[1000];
    uint64_t size = 0;
    tarn_text names = {0};

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    must(b->open(url, &self, err));
    must(b->list(self, "packs/", join_names, &names, err));
    assert_null(names.data); /* a new place is empty */
    must(b->put(self, "packs/p-1", bytes, sizeof bytes, err));
    must(b->put(self, "packs/p-1", bytes, sizeof bytes, err)); /* twice the same is fine */
    must(b->put(self, "packs/q", "", 0, err));
    must(b->size(self, "packs/p-1", &size, err));
    assert_int_equal(size, sizeof bytes);
    must(b->size(self, "packs/q", &size, err));
    assert_int_equal(size, 0);
    must(b->get(self, "packs/p-1", 0, sizeof back, back, err));
    assert_memory_equal(back, bytes, sizeof back);
    must(b->get(self, "packs/p-1", 990, 10, back, err));
    assert_memory_equal(back, bytes + 990, 10);
    if (b->remote) {
        size_t got = 0;
        must(b->get_some(self, "packs/p-1", 990, 100, back, &got, err));
        assert_int_equal(got, 10);
        must(b->get_some(self, "packs/p-1", 1000, 100, back, &got, err));
        assert_int_equal(got, 0);
    }
    must_fail_with(TARN_CORRUPT, "p-1", b->get(self, "packs/p-1", 991, 10, back, err));
    must_fail_with(TARN_NOT_FOUND, "p-2", b->get(self, "packs/p-2", 0, 1, back, err));
    must_fail_with(TARN_NOT_FOUND, "p-2", b->size(self, "packs/p-2", &size, err));
    static const char *const bad[] = {"", "../x", "/x", "packs/../../x", "packs/A", "packs/a b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail_with(TARN_INVALID, "cannot name", b->put(self, bad[i], bytes, 1, err));
    must(b->open(url, &again, err)); /* another handle sees the same */
    must(b->list(again, "packs/p", join_names, &names, err));
    assert_string_equal(names.data, "packs/p-1=1000 ");
    must(b->remove(self, "packs/p-1", err));
    must_fail_with(TARN_NOT_FOUND, "p-1", b->size(again, "packs/p-1", &size, err));
    tarn_text_clear(&names);
    b->close(again);
    b->close(self);
}

/* A blob that comes bit by bit: nothing is there until it has its name, nothing is left of one that is given up. */
static void check_drafts(const tarn_backend *b, const char *url)
{
    void *self = NULL, *draft = NULL, *other = NULL;
    char back[10];
    uint64_t size = 0;

    assert_true((b->early != NULL) == (b->finish != NULL));
    if (!b->early) return;
    must(b->open(url, &self, err));
    must(b->early(self, &draft, "abc", 3, err));
    must(b->early(self, &other, "nothing", 7, err));
    must_fail_with(TARN_NOT_FOUND, "draft", b->size(self, "packs/draft", &size, err));
    must(b->early(self, &draft, "def", 3, err));
    must(b->finish(self, &draft, "packs/draft", "ghij", 4, err));
    assert_null(draft);
    must(b->get(self, "packs/draft", 0, sizeof back, back, err));
    assert_memory_equal(back, "abcdefghij", sizeof back);
    must(b->early(self, &other, NULL, 0, err));
    assert_null(other);
    must(b->early(self, &draft, "abc", 3, err));
    must_fail_with(TARN_INVALID, "cannot name", b->finish(self, &draft, "../x", "", 0, err));
    assert_null(draft);
    must(b->finish(self, &draft, "packs/draft", "anew", 4, err)); /* nothing came early */
    must(b->size(self, "packs/draft", &size, err));
    assert_int_equal(size, 4);
    must(b->remove(self, "packs/draft", err));
    b->close(self);
    assert_int_equal(files_in(url, "tmp"), 0);
}

/* More than is sent in one piece, and not a whole number of them. */
static void check_large(const tarn_backend *b, const char *url)
{
    enum { LEN = (40 << 20) + 123 };
    void *self = NULL;
    char *bytes = malloc(LEN), *back = malloc(LEN);
    uint64_t size = 0;

    assert_true(bytes && back);
    for (size_t i = 0; i < LEN; i++) bytes[i] = (char)(i * 2654435761u >> 13);
    must(b->open(url, &self, err));
    must(b->put(self, "packs/large", bytes, LEN, err));
    must(b->put(self, "packs/large", bytes, LEN, err));
    must(b->size(self, "packs/large", &size, err));
    assert_int_equal(size, LEN);
    must(b->get(self, "packs/large", 0, LEN, back, err));
    assert_memory_equal(back, bytes, LEN);
    must(b->remove(self, "packs/large", err));
    b->close(self);
    free(bytes);
    free(back);
}

/* More blobs than any cache of open files holds or one page of a list names, read in turn and again. */
static void check_many(const tarn_backend *b, const char *url)
{
    void *self = NULL;
    char name[32], back;
    int most = strcmp(b->name, "s3") == 0 ? 1050 : 150; /* more than S3 lists on one page */

    must(b->open(url, &self, err));
    for (int i = 0; i < most; i++) {
        char byte = (char)i;
        (void)snprintf(name, sizeof name, "packs/m-%d", i);
        must(b->put(self, name, &byte, 1, err));
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "packs/m-%d", i * 7 % 150);
        must(b->get(self, name, 0, 1, &back, err));
        assert_int_equal(back, (char)(i * 7 % 150));
    }
    tarn_text names = {0};
    int n = 0;
    must(b->list(self, "packs/m-", join_names, &names, err));
    for (const char *p = names.data; p && (p = strstr(p, "=1 ")) != NULL; p++) n++;
    assert_int_equal(n, most);
    tarn_text_clear(&names);
    b->close(self);
}

/* ---- servers that go wrong ---- */

/* After each fault, what was acknowledged is there and whole, and what failed says who is at fault. */
static void check_faults(const tarn_backend *b, const char *url, const peer *server)
{
    static const char *const passing[] = {"500", "503", "slow", "cut", "reset", "lost"};
    void *self = NULL;
    peer proxy;
    char around[URL_CAP], name[40], bytes[5000], back[5000];
    const char *old = strstr(url, "http://127.0.0.1:"), *path = old + 17;

    peer_start_faults(&proxy, "faults", server);
    while (*path >= '0' && *path <= '9') path++;
    (void)snprintf(around, sizeof around, "%.*shttp://127.0.0.1:%d%s", (int)(old - url), url, proxy.port, path);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 11);
    must(b->open(around, &self, err));
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        (void)snprintf(name, sizeof name, "packs/f-%zu", i);
        bool waits = strcmp(passing[i], "slow") == 0 || strcmp(passing[i], "503") == 0;
        int n = waits ? 1 : 2;
        peer_fault(&proxy, passing[i], n);
        must(b->put(self, name, bytes, sizeof bytes, err));
        peer_fault(&proxy, passing[i], n);
        memset(back, 0, sizeof back);
        must(b->get(self, name, 0, sizeof back, back, err));
        assert_memory_equal(back, bytes, sizeof back);
        assert_true(peer_fault_is_over(&proxy));
    }
    peer_fault(&proxy, "damage", 1); /* seen by the store, sent again or refused, never stored */
    tarn_code rc = b->put(self, "packs/damaged", bytes, sizeof bytes, NULL);
    peer_fault(&proxy, "", 0);
    tarn_code there = b->get(self, "packs/damaged", 0, sizeof back, back, NULL);
    if (rc == TARN_OK) assert_int_equal(there, TARN_OK);
    if (there == TARN_OK) assert_memory_equal(back, bytes, sizeof back);
    else assert_int_equal(there, TARN_NOT_FOUND);
    b->close(self);
    (void)strcat(around, "&patience=1");
    must(b->open(around, &self, err));
    peer_fault(&proxy, "500", 1000);
    must_fail_with(TARN_IO, "answers 500", b->put(self, "packs/never", bytes, sizeof bytes, err));
    peer_fault(&proxy, "reset", 1000);
    must_fail_with(TARN_IO, "127.0.0.1", b->get(self, "packs/f-1", 0, 10, back, err));
    peer_fault(&proxy, "", 0);
    peer_stop(&proxy);
    time_t began = time(NULL);
    must_fail_with(TARN_IO, "cannot reach", b->get(self, "packs/f-1", 0, 10, back, err));
    assert_true(time(NULL) - began < 10);
    b->close(self);
}

static void check_keys(const tarn_backend *b, const char *url)
{
    void *self = NULL;
    uint64_t size;
    char other[URL_CAP];

    (void)setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    (void)setenv("AZURE_STORAGE_KEY", "d3Jvbmc=", 1);
    must(b->open(url, &self, err));
    must_fail_with(TARN_DENIED, "right", b->put(self, "packs/p", "x", 1, err));
    must_fail_with(TARN_DENIED, "127.0.0.1", b->get(self, "packs/p", 0, 1, other, err));
    b->close(self);
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)unsetenv("AZURE_STORAGE_KEY");
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    must_fail_with(TARN_DENIED, "set A", b->open(url, &self, err));
    peer_keys();
    (void)snprintf(other, sizeof other, "//nowhere%s", strstr(url, "/some"));
    must(b->open(other, &self, err));
    must_fail_with(TARN_IO, "nowhere", b->put(self, "packs/p", "x", 1, err));
    must_fail_with(TARN_IO, "make it first", b->get(self, "packs/p", 0, 1, other, err));
    b->close(self);
    (void)size;
    static const char *const bad[] = {"",
                                      "//",
                                      "///x",
                                      "//b?secret=x",
                                      "//b?endpoint=ftp://x",
                                      "//b?patience=0",
                                      "//b?endpoint=http://user:pw@host",
                                      "//b/../c",
                                      "//b?style=other",
                                      "//b?region"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad - 1; i++)
        must_fail_with(TARN_INVALID, "", b->open(bad[i], &self, err));
}

static void every_backend_keeps_the_contract(void **state)
{
    char place[URL_CAP];
    peer server;

    (void)state;
    peer_keys();
    assert_true(tarn_backend_count() > 0);
    for (size_t i = 0; i < tarn_backend_count(); i++) {
        const tarn_backend *b = tarn_backend_at(i), *found = NULL;
        char url[128];
        const char *rest = NULL;
        assert_true(b->name && b->name[0] && b->title && b->title[0]);
        (void)snprintf(url, sizeof url, "%s:rest", b->name);
        must(tarn_backend_find(url, &found, &rest, err));
        assert_true(found == b && strcmp(rest, "rest") == 0);
        if (!place_for(b->name, place, &server)) continue;
        check_backend(b, place);
        check_drafts(b, place);
        check_large(b, place);
        check_many(b, place);
        if (b->remote) check_keys(b, place);
        if (b->remote && strcmp(b->name, "gs") != 0) check_faults(b, place, &server); /* which is s3's code */
        if (b->remote) peer_stop(&server);
        else must(tarn_dir_remove(place, err));
    }
    const tarn_backend *found = NULL;
    const char *rest = NULL;
    must_fail_with(TARN_UNSUPPORTED, "tape:", tarn_backend_find("tape:x", &found, &rest, err));
    must_fail_with(TARN_UNSUPPORTED, "nothing", tarn_backend_find("nothing", &found, &rest, err));
}

TARN_TESTS(TARN_TEST(every_backend_keeps_the_contract))
