/* SPDX-License-Identifier: Apache-2.0 */
/* backends_test.c - what every place for packs must do, walked over backends.def. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "lake/backends.h"

#include <unistd.h>

/* A URL (behind the colon) where a backend of that name can be tried here; false: not here. */
static bool place_for(const char *name, char out[64])
{
    if (strcmp(name, "disk") != 0) return false;
    (void)strcpy(out, "/tmp/tarn-backend-XXXXXX");
    return mkdtemp(out) != NULL;
}

static tarn_code join_names(void *arg, const char *name, uint64_t size, tarn_err *err)
{
    tarn_text_addf(arg, "%s=%llu ", name, (unsigned long long)size);
    return tarn_text_check(arg, err);
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
    must(b->get(self, "packs/p-1", 0, sizeof back, back, err));
    assert_memory_equal(back, bytes, sizeof back);
    must(b->get(self, "packs/p-1", 990, 10, back, err));
    assert_memory_equal(back, bytes + 990, 10);
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

/* More blobs than any cache of open files holds, read in turn and again. */
static void check_many(const tarn_backend *b, const char *url)
{
    void *self = NULL;
    char name[32], back;

    must(b->open(url, &self, err));
    for (int i = 0; i < 150; i++) {
        char byte = (char)i;
        (void)snprintf(name, sizeof name, "packs/m-%d", i);
        must(b->put(self, name, &byte, 1, err));
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "packs/m-%d", i * 7 % 150);
        must(b->get(self, name, 0, 1, &back, err));
        assert_int_equal(back, (char)(i * 7 % 150));
    }
    b->close(self);
}

static void every_backend_keeps_the_contract(void **state)
{
    char place[64];

    (void)state;
    assert_true(tarn_backend_count() > 0);
    for (size_t i = 0; i < tarn_backend_count(); i++) {
        const tarn_backend *b = tarn_backend_at(i), *found = NULL;
        char url[128];
        const char *rest = NULL;
        assert_true(b->name && b->name[0] && b->title && b->title[0]);
        (void)snprintf(url, sizeof url, "%s:rest", b->name);
        must(tarn_backend_find(url, &found, &rest, err));
        assert_true(found == b && strcmp(rest, "rest") == 0);
        if (!place_for(b->name, place)) continue;
        check_backend(b, place);
        check_many(b, place);
        must(tarn_dir_remove(place, err));
    }
    const tarn_backend *found = NULL;
    const char *rest = NULL;
    must_fail_with(TARN_UNSUPPORTED, "tape:", tarn_backend_find("tape:x", &found, &rest, err));
    must_fail_with(TARN_UNSUPPORTED, "nothing", tarn_backend_find("nothing", &found, &rest, err));
}

TARN_TESTS(TARN_TEST(every_backend_keeps_the_contract))
