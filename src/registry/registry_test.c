/* SPDX-License-Identifier: Apache-2.0 */
/* registry_test.c - versions, aliases and the ways to ask for a model. */
#include "support/tarn_test.h"

#include "registry/registry.h"

#include <unistd.h>

typedef struct scene {
    char folder[64];
    tarn_lake *lake;
} scene;

static void open_scene(scene *s)
{
    (void)strcpy(s->folder, "/tmp/tarn-registry-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    must(tarn_lake_init(s->folder, err));
    must(tarn_lake_open(s->folder, &s->lake, err));
}

static void close_scene(scene *s)
{
    char command[128];

    tarn_lake_close(s->lake);
    (void)snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
}

static tarn_version add(scene *s, const char *model, const char *content)
{
    tarn_entry e = {0};
    tarn_version v = {0};

    (void)strcpy(e.path, "model.tarn");
    must(tarn_lake_put(s->lake, content, strlen(content), &e.object, err));
    must(tarn_registry_add(s->lake, model, &e, 1, NULL, NULL, "me", "a note", &v, err));
    return v;
}

static void versions_count_up_and_are_found_in_every_way(void **state)
{
    scene s;
    char hex[TARN_ID_HEX], ask[80];

    (void)state;
    open_scene(&s);
    for (int i = 1; i <= 5; i++) {
        char content[32];
        (void)snprintf(content, sizeof content, "model number %d", i);
        tarn_version v = add(&s, "m", content);
        assert_int_equal(v.number, i);
        assert_string_equal(v.author, "me");
        tarn_version_clear(&v);
    }
    must(tarn_registry_alias(s.lake, "m", "champion", 2, "me", "best", err));
    must(tarn_registry_alias(s.lake, "m", "challenger", 4, "me", "next", err));
    const struct {
        const char *text;
        int64_t number;
    } ways[] = {{"m", 2}, {"m@champion", 2}, {"m@challenger", 4}, {"m/5", 5}, {"m/1", 1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tarn_version v = {0};
        must(tarn_registry_find(s.lake, ways[i].text, &v, err));
        assert_int_equal(v.number, ways[i].number);
        tarn_version_clear(&v);
    }
    tarn_version v = {0}, w = {0};
    must(tarn_registry_find(s.lake, "m/3", &v, err));
    (void)snprintf(ask, sizeof ask, "%.10s", tarn_id_hex(&v.object, hex));
    must(tarn_registry_find(s.lake, ask, &w, err));
    assert_int_equal(w.number, 3);
    tarn_version_clear(&v);
    tarn_version_clear(&w);
    close_scene(&s);
}

static void what_is_not_there_is_said_with_the_way_out(void **state)
{
    scene s;
    tarn_version v = {0};

    (void)state;
    open_scene(&s);
    must_fail_with(TARN_NOT_FOUND, "tarn models", tarn_registry_find(s.lake, "m", &v, err));
    tarn_version made = add(&s, "m", "x");
    tarn_version_clear(&made);
    must_fail_with(TARN_NOT_FOUND, "champion", tarn_registry_find(s.lake, "m", &v, err));
    must_fail_with(TARN_NOT_FOUND, "1 to 1", tarn_registry_find(s.lake, "m/2", &v, err));
    must_fail_with(TARN_INVALID, "number from 1", tarn_registry_find(s.lake, "m/x", &v, err));
    must_fail_with(TARN_INVALID, "letters", tarn_registry_find(s.lake, "m m@x", &v, err));
    must_fail_with(TARN_INVALID, "names of models", tarn_registry_alias(s.lake, "m", "a/b", 1, "me", "", err));
    must_fail_with(TARN_INVALID, "chain of versions", tarn_registry_alias(s.lake, "m", "versions", 1, "me", "", err));
    must_fail_with(TARN_NOT_FOUND, "no version 7", tarn_registry_alias(s.lake, "m", "champion", 7, "me", "", err));
    tarn_entry e = {.path = "other"};
    must_fail_with(TARN_INVALID, "model.tarn", tarn_registry_add(s.lake, "m", &e, 1, NULL, NULL, "me", "", &v, err));
    close_scene(&s);
}

typedef struct seen {
    int64_t numbers[8];
    char aliases[8][64];
    int n;
} seen;

static tarn_code note_version(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    seen *s = arg;

    (void)err;
    s->numbers[s->n] = v->number;
    (void)snprintf(s->aliases[s->n++], 64, "%s", aliases);
    return TARN_OK;
}

static void the_list_is_newest_first_with_aliases_and_survives_moves(void **state)
{
    scene s;
    seen list = {0};

    (void)state;
    open_scene(&s);
    for (int i = 0; i < 3; i++) {
        tarn_version v = add(&s, "m", i == 0 ? "a" : i == 1 ? "b" : "c");
        tarn_version_clear(&v);
    }
    must(tarn_registry_alias(s.lake, "m", "champion", 1, "me", "", err));
    must(tarn_registry_alias(s.lake, "m", "champion", 3, "me", "", err));
    must(tarn_registry_alias(s.lake, "m", "champion", 3, "me", "again: nothing happens", err));
    must(tarn_registry_alias(s.lake, "m", "best", 3, "me", "", err));
    must(tarn_registry_list(s.lake, "m", note_version, &list, err));
    assert_int_equal(list.n, 3);
    assert_int_equal(list.numbers[0], 3);
    assert_int_equal(list.numbers[2], 1);
    assert_string_equal(list.aliases[0], "best, champion");
    assert_string_equal(list.aliases[2], "");
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TARN_TEST(versions_count_up_and_are_found_in_every_way),
                                       TARN_TEST(what_is_not_there_is_said_with_the_way_out),
                                       TARN_TEST(the_list_is_newest_first_with_aliases_and_survives_moves)};
    tarn_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
