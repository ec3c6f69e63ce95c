/* SPDX-License-Identifier: Apache-2.0 */
/* sealed_test.c - encrypted lakes: they do what plain ones do, show nothing on the disk, notice every change, and open
 * with no other key. */
#include "lake/scratch_test.h"

#include "lake/inside.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SECRET "Zanzibar-7714"

static const char passphrase[] = "five random words are better";

typedef struct sealed {
    scratch s;
    char key[96], cache[96]; /* a key file, a folder for plain content */
} sealed;

static void write_key(const char *path, uint8_t first)
{
    uint8_t bytes[32] = {first, 1, 2, 3};

    (void)unlink(path);
    must(tarn_file_save(path, bytes, sizeof bytes, err));
    assert_int_equal(chmod(path, 0600), 0);
}

static tarn_lake *open_sealed(const sealed *x)
{
    tarn_lake *lake = NULL;

    must(tarn_lake_open_with(x->s.folder, &(tarn_lake_key){.file = x->key}, &lake, err));
    return lake;
}

static sealed sealed_new(void)
{
    sealed x = {.key = ""};

    tarn_json_setup();
    (void)snprintf(x.s.folder, sizeof x.s.folder, "%s/tarn-sealed-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(x.s.folder));
    (void)snprintf(x.key, sizeof x.key, "%s/key", x.s.folder);
    (void)snprintf(x.cache, sizeof x.cache, "%s/plain", x.s.folder);
    must(tarn_dir_make(x.cache, err));
    assert_int_equal(setenv("TARN_CACHE", x.cache, 1), 0);
    assert_int_equal(unsetenv("TARN_KEY_FILE"), 0);
    assert_int_equal(unsetenv("TARN_PASSPHRASE"), 0);
    write_key(x.key, 9);
    must(tarn_lake_init_encrypted(x.s.folder, NULL, NULL, &(tarn_lake_key){.file = x.key}, err));
    x.s.lake = open_sealed(&x);
    return x;
}

static void sealed_reopen(sealed *x)
{
    tarn_lake_close(x->s.lake);
    x->s.lake = open_sealed(x);
}

static void sealed_free(sealed *x)
{
    scratch_free(&x->s);
    assert_int_equal(unsetenv("TARN_CACHE"), 0);
}

/* ---- what stands on the disk ---- */

typedef struct needle {
    const void *bytes;
    size_t len;
    const char *what;
} needle;

static void search_file(const char *path, const needle *needles, size_t n)
{
    char *bytes = NULL;
    size_t len = 0;

    must(tarn_file_read(path, 0, &bytes, &len, err));
    for (size_t i = 0; i < n; i++)
        if (memmem(bytes, len, needles[i].bytes, needles[i].len)) fail_msg("%s shows %s", path, needles[i].what);
    tarn_free(bytes);
}

static int search(const char *folder, const needle *needles, size_t n)
{
    char path[600];
    struct stat st;
    struct dirent *e;
    int files = 0;
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.')) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(lstat(path, &st), 0);
        for (size_t i = 0; i < n; i++) assert_null(strstr(e->d_name, needles[i].bytes));
        if (S_ISDIR(st.st_mode)) files += search(path, needles, n);
        else if (st.st_size > 0) search_file(path, needles, n), files++;
    }
    (void)closedir(dir);
    return files;
}

static tarn_code join_fact(void *arg, const char *key, const char *value, tarn_err *err)
{
    char *line = arg;
    (void)err;
    (void)snprintf(line + strlen(line), 200 - strlen(line), "%s=%s ", key, value);
    return TARN_OK;
}

/* Stage, commit, tag, remember and copy things that all bear the secret; then look for it, and for the hash of content
 * that a thief may know, in every file. */
static void nothing_is_to_be_seen_on_the_disk(void **state)
{
    sealed x = sealed_new();
    tarn_entry e[2];
    tarn_id commit;
    tarn_object recipe;
    char path[4096], inside[200], hex[TARN_ID_HEX], *text = NULL;
    tarn_commit_options o = {.author = SECRET " Ann", .message = "message " SECRET};

    (void)state;
    e[0] = entry_of(x.s.lake, "folder " SECRET "/a.txt", "content " SECRET);
    must(tarn_lake_put(x.s.lake, "{\"" SECRET "\":1}", 19, &recipe, err));
    e[0].recipe = recipe.id;
    char *big = calloc(1, 3 << 20);
    for (int i = 0; i < 3 << 20; i += 64) (void)snprintf(big + i, 64, SECRET " line %d", i);
    e[1] = (tarn_entry){.path = "big " SECRET};
    must(tarn_lake_put(x.s.lake, big, 3 << 20, &e[1].object, err));
    must(tarn_lake_stage(x.s.lake, "main", "", e, 2, err));
    must(tarn_lake_commit(x.s.lake, "main", "", &o, &commit, err));
    must(tarn_lake_stage(x.s.lake, "main", "", &(tarn_entry){.path = "staged " SECRET, .object = e[0].object}, 1, err));
    must(tarn_lake_made(x.s.lake, &recipe.id, e, 2, err));
    must(tarn_lake_fact_set(x.s.lake, "run/last", "value " SECRET, err));
    must(tarn_lake_fact_set(x.s.lake, "run/" SECRET, "", err));
    must(tarn_lake_fact_set(x.s.lake, "other", "o", err));
    must(tarn_lake_cached(x.s.lake, &e[0].object.id, ".txt", path, sizeof path, err));
    assert_int_equal(strncmp(path, x.cache, strlen(x.cache)), 0);
    (void)snprintf(inside, sizeof inside, "%s/.tarn", x.s.folder);
    const needle needles[] = {{SECRET, strlen(SECRET), "the secret"},
                              {tarn_id_hex(&e[0].object.id, hex), 64, "the hash of content as text"},
                              {e[0].object.id.b, 32, "the hash of content"},
                              {e[1].object.id.b, 32, "the hash of larger content"},
                              {recipe.id.b, 32, "the hash of a recipe"}};
    assert_true(search(inside, needles, 2) >= 4);
    assert_true(search(inside, needles, 1) >= 4);
    for (size_t i = 2; i < 5; i++) { /* not as names: they are no text */
        char meta[300];
        (void)snprintf(meta, sizeof meta, "%s/meta.db", inside);
        search_file(meta, &needles[i], 1);
        (void)snprintf(meta, sizeof meta, "%s/meta.db-wal", inside);
        if (access(meta, R_OK) == 0) search_file(meta, &needles[i], 1);
    }
    sealed_reopen(&x);
    must(tarn_lake_get(x.s.lake, &e[1].object.id, 0, &text, NULL, err));
    assert_memory_equal(text, big, 3 << 20);
    tarn_free(text);
    must(tarn_lake_fact_get(x.s.lake, "run/last", &text, err));
    assert_string_equal(text, "value " SECRET);
    tarn_free(text);
    char facts[200] = "";
    must(tarn_lake_facts(x.s.lake, "run/", join_fact, facts, err));
    assert_string_equal(facts, "run/" SECRET "= run/last=value " SECRET " ");
    facts[0] = '\0';
    must(tarn_lake_facts(x.s.lake, "", join_fact, facts, err));
    assert_string_equal(facts, "other=o run/" SECRET "= run/last=value " SECRET " ");
    must_fail_with(TARN_NOT_FOUND, "'nothing'", tarn_lake_fact_get(x.s.lake, "nothing", &text, err));
    must_fail_with(TARN_INVALID, "the lake's own", tarn_lake_fact_set(x.s.lake, "lake/keys", "x", err));
    free(big);
    sealed_free(&x);
}

static void raw_hashes_are_in_no_pack(void **state)
{
    sealed x = sealed_new();
    char folder[200], path[500];
    tarn_entry e = entry_of(x.s.lake, "known", "content that a thief knows");
    tarn_id commit;
    struct dirent *d;

    (void)state;
    must(tarn_lake_commit_entries(x.s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &commit, err));
    (void)snprintf(folder, sizeof folder, "%s/.tarn/packs", x.s.folder);
    DIR *dir = opendir(folder);
    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
        search_file(path, &(needle){e.object.id.b, 32, "the hash"}, 1);
        search_file(path, &(needle){e.object.id.b, 8, "a part of the hash"}, 1);
    }
    (void)closedir(dir);
    sealed_free(&x);
}

/* ---- it does what a plain one does ---- */

static tarn_code count_entry(void *arg, const tarn_entry *entry, tarn_err *err)
{
    char *line = arg;
    (void)err;
    (void)strcat(line, entry->path);
    (void)strcat(line, " ");
    return TARN_OK;
}

static tarn_code count_change(void *arg, tarn_change_kind kind, const tarn_entry *a, const tarn_entry *b, tarn_err *err)
{
    (void)a, (void)b, (void)err, (void)kind;
    ++*(int *)arg;
    return TARN_OK;
}

static void staging_is_in_the_order_of_paths(void **state)
{
    sealed x = sealed_new();
    char line[400] = "", name[8];
    int changes = 0;
    tarn_id commit;
    tarn_object recipe;

    (void)state;
    for (int i = 9; i >= 0; i--) {
        (void)snprintf(name, sizeof name, "%c/%d", 'a' + i % 2, i);
        tarn_entry e = entry_of(x.s.lake, name, name);
        must(tarn_lake_stage(x.s.lake, "main", "", &e, 1, err));
    }
    must(tarn_lake_list_staged(x.s.lake, "main", "", "", "", 0, count_entry, line, err));
    assert_string_equal(line, "a/0 a/2 a/4 a/6 a/8 b/1 b/3 b/5 b/7 b/9 ");
    must(tarn_lake_unstage(x.s.lake, "main", "", "b/", err));
    must(tarn_lake_staged(x.s.lake, "main", "", count_change, &changes, err));
    assert_int_equal(changes, 5);
    tarn_entry again = entry_of(x.s.lake, "a/0", "other");
    must(tarn_lake_stage(x.s.lake, "main", "", &again, 1, err)); /* the same row */
    sealed_reopen(&x);
    changes = 0;
    must(tarn_lake_staged(x.s.lake, "main", "", count_change, &changes, err));
    assert_int_equal(changes, 5);
    must(tarn_lake_commit(x.s.lake, "main", "", &(tarn_commit_options){.author = "Ann"}, &commit, err));
    changes = 0;
    must(tarn_lake_staged(x.s.lake, "main", "", count_change, &changes, err));
    assert_int_equal(changes, 0);
    tarn_entry e[2] = {entry_of(x.s.lake, "z", "1"), entry_of(x.s.lake, "a", "2")};
    must(tarn_lake_put(x.s.lake, "{}", 2, &recipe, err));
    must(tarn_lake_made(x.s.lake, &recipe.id, e, 2, err));
    line[0] = '\0';
    must(tarn_lake_find_made(x.s.lake, &recipe.id, count_entry, line, err));
    assert_string_equal(line, "a z ");
    sealed_free(&x);
}

static void commits_are_found_by_the_beginning_of_their_ids(void **state)
{
    sealed x = sealed_new();
    char hex[TARN_ID_HEX], text[16];
    tarn_id first, found;

    (void)state;
    first = commit_text(x.s.lake, "main", "a", "1");
    for (int i = 0; i < 40; i++) { /* over several packs and a run */
        (void)snprintf(text, sizeof text, "text %d", i);
        (void)commit_text(x.s.lake, "main", "a", text);
    }
    sealed_reopen(&x);
    (void)tarn_id_hex(&first, hex);
    hex[12] = '\0';
    must(tarn_lake_resolve(x.s.lake, hex, &found, err));
    assert_true(tarn_id_equal(&found, &first));
    must(tarn_lake_resolve(x.s.lake, "main~40", &found, err));
    assert_true(tarn_id_equal(&found, &first));
    problems p = {.n = 0};
    tarn_fsck counts;
    must(tarn_lake_fsck(x.s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 0);
    assert_int_equal(counts.commits, 41);
    sealed_free(&x);
}

/* ---- keys ---- */

static void no_other_key_opens_it(void **state)
{
    sealed x = sealed_new();
    char other[120];
    tarn_lake *lake = NULL;
    tarn_key_kind kind;

    (void)state;
    (void)commit_text(x.s.lake, "main", "a", "1");
    (void)snprintf(other, sizeof other, "%s/other", x.s.folder);
    write_key(other, 10);
    must_fail_with(TARN_DENIED, "not the lake's key",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.file = other}, &lake, err));
    must_fail_with(TARN_DENIED, "TARN_KEY_FILE", tarn_lake_open(x.s.folder, &lake, err));
    must_fail_with(TARN_DENIED, "no key file",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.passphrase = "x"}, &lake, err));
    assert_null(lake);
    must(tarn_lake_key_needed(x.s.folder, &kind, err));
    assert_int_equal(kind, TARN_KEY_FILE);
    assert_int_equal(setenv("TARN_KEY_FILE", x.key, 1), 0);
    must(tarn_lake_open(x.s.folder, &lake, err));
    tarn_lake_close(lake);
    must(tarn_lake_key_rotate(x.s.lake, &(tarn_lake_key){.passphrase = passphrase}, err));
    assert_int_equal(setenv("TARN_PASSPHRASE", passphrase, 1), 0); /* beside the key file of another lake */
    must(tarn_lake_open(x.s.folder, &lake, err));
    tarn_lake_close(lake);
    assert_int_equal(unsetenv("TARN_KEY_FILE") | unsetenv("TARN_PASSPHRASE"), 0);
    must_fail_with(TARN_DENIED, "needs a key", tarn_lake_init_encrypted(x.s.folder, NULL, NULL, NULL, err));
    must_fail_with(TARN_EXISTS, "",
                   tarn_lake_init_encrypted(x.s.folder, NULL, NULL, &(tarn_lake_key){.file = other}, err));
    sealed_free(&x);
}

static void a_key_changes_without_the_data(void **state)
{
    sealed x = sealed_new();
    tarn_id a = commit_text(x.s.lake, "main", "a", "before"), b;
    tarn_lake *lake = NULL;
    tarn_key_status status;
    tarn_entry e;
    char *text = NULL, *keys = NULL, path[200];
    const tarn_lake_key words = {.passphrase = passphrase};

    (void)state;
    must(tarn_lake_fact_set(x.s.lake, "k", "old", err));
    must_fail_with(TARN_INVALID, "at least 8",
                   tarn_lake_key_rotate(x.s.lake, &(tarn_lake_key){.passphrase = "short"}, err));
    must_fail_with(TARN_INVALID, "which key", tarn_lake_key_rotate(x.s.lake, &(tarn_lake_key){.file = NULL}, err));
    must(tarn_lake_key_rotate(x.s.lake, &words, err));
    must_fail_with(TARN_CONFLICT, "another process", tarn_lake_key_rotate(x.s.lake, &words, err));
    must_fail_with(TARN_DENIED, "passphrase",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.file = x.key}, &lake, err));
    must_fail_with(TARN_DENIED, "not the lake's passphrase",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.passphrase = "five other words"}, &lake, err));
    must(tarn_lake_open_with(x.s.folder, &words, &lake, err));
    must(tarn_lake_key_status(lake, &status, err));
    assert_int_equal(status.kind, TARN_KEY_PASSPHRASE);
    assert_int_equal(status.generations, 2);
    b = commit_text(lake, "main", "b", "after");
    must(tarn_lake_lookup(lake, &b, "a", &e, err));
    must(tarn_lake_get(lake, &e.object.id, 0, &text, NULL, err));
    assert_string_equal(text, "before");
    tarn_free(text);
    must(tarn_lake_fact_get(lake, "k", &text, err));
    assert_string_equal(text, "old");
    tarn_free(text);
    /* the handle with the old keys reads what is old, and says why it cannot read what is new */
    must(tarn_lake_lookup(x.s.lake, &a, "a", &e, err));
    must_fail_with(TARN_DENIED, "open the lake again", tarn_lake_lookup(x.s.lake, &b, "b", &e, err));
    (void)snprintf(path, sizeof path, "%s/.tarn/keys", x.s.folder);
    must(tarn_file_read(path, 0, &keys, NULL, err));
    assert_non_null(strstr(keys, "passphrase"));
    tarn_free(keys);
    tarn_lake_close(lake);
    sealed_free(&x);
}

/* ---- changes ---- */

static void find_packs(const char *folder, char paths[][600], int most, int *n)
{
    char inside[300];
    struct dirent *d;

    (void)snprintf(inside, sizeof inside, "%s/.tarn/packs", folder);
    DIR *dir = opendir(inside);
    assert_non_null(dir);
    for (*n = 0; *n < most && (d = readdir(dir)) != NULL;)
        if (d->d_name[0] == 'p') {
            (void)snprintf(paths[*n], 600, "%s/%s", inside, d->d_name);
            assert_int_equal(chmod(paths[*n], 0644), 0);
            ++*n;
        }
    (void)closedir(dir);
}

static void put_file(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Whether all of the one path reads as it should; it may never read as anything else. */
static bool reads_well(const sealed *x, const char *ref, const char *path, const char *want)
{
    tarn_lake *lake = NULL;
    tarn_id commit;
    tarn_entry e;
    char *text = NULL;
    bool good = false;

    if (tarn_lake_open_with(x->s.folder, &(tarn_lake_key){.file = x->key}, &lake, NULL) != TARN_OK) return false;
    if (tarn_lake_resolve(lake, ref, &commit, NULL) == TARN_OK &&
        tarn_lake_lookup(lake, &commit, path, &e, NULL) == TARN_OK &&
        tarn_lake_get(lake, &e.object.id, 0, &text, NULL, NULL) == TARN_OK) {
        assert_string_equal(text, want);
        good = true;
    }
    tarn_free(text);
    tarn_lake_close(lake);
    return good;
}

static int problems_of(const sealed *x)
{
    problems p = {.n = 0};
    tarn_lake *lake = open_sealed(x);
    tarn_fsck counts;

    must(tarn_lake_fsck(lake, keep_problem, &p, &counts, NULL, err));
    tarn_lake_close(lake);
    return p.n;
}

/* Also where the checksums, which anybody can compute, are put right. */
static void every_flipped_bit_of_a_pack_is_noticed(void **state)
{
    sealed x = sealed_new();
    char paths[4][600], *bytes = NULL;
    size_t len = 0;
    int n = 0;

    (void)state;
    (void)commit_text(x.s.lake, "main", "a", "the text");
    tarn_lake_close(x.s.lake);
    x.s.lake = NULL;
    find_packs(x.s.folder, paths, 4, &n);
    assert_int_equal(n, 1);
    must(tarn_file_read(paths[0], 0, &bytes, &len, err));
    assert_true(reads_well(&x, "main", "a", "the text"));
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= (char)(1 << i % 8);
        put_file(paths[0], bytes, len);
        (void)reads_well(&x, "main", "a", "the text"); /* that, or an error */
        if (problems_of(&x) == 0) fail_msg("a changed byte %zu of %zu went unnoticed", i, len);
        bytes[i] ^= (char)(1 << i % 8);
    }
    put_file(paths[0], bytes, len - 1);
    assert_true(problems_of(&x) > 0);
    put_file(paths[0], bytes, len);
    assert_int_equal(problems_of(&x), 0);
    tarn_free(bytes);
    sealed_free(&x);
}

static void packs_and_records_stay_in_their_places(void **state)
{
    sealed x = sealed_new();
    char paths[4][600], *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;
    int n = 0;

    (void)state;
    (void)commit_text(x.s.lake, "main", "a", "first text");
    (void)commit_text(x.s.lake, "main", "a", "other text");
    tarn_lake_close(x.s.lake);
    x.s.lake = NULL;
    find_packs(x.s.folder, paths, 4, &n);
    assert_int_equal(n, 2);
    must(tarn_file_read(paths[0], 0, &a, &a_len, err));
    must(tarn_file_read(paths[1], 0, &b, &b_len, err));
    put_file(paths[0], b, b_len); /* two packs, exchanged */
    put_file(paths[1], a, a_len);
    assert_false(reads_well(&x, "main", "a", "other text") && reads_well(&x, "main~1", "a", "first text"));
    assert_true(problems_of(&x) > 0);
    put_file(paths[0], a, a_len);
    put_file(paths[1], b, b_len);
    assert_true(reads_well(&x, "main", "a", "other text"));

    /* The two records of text have the same length, both are the first of their pack. */
    size_t at = TARN_PACK_SEALED_HEAD, one = TARN_RECORD_HEAD + 10 + TARN_RECORD_MORE;
    for (size_t i = at; i < at + one; i++) {
        char c = a[i];
        a[i] = b[i], b[i] = c;
    }
    put_file(paths[0], a, a_len);
    put_file(paths[1], b, b_len);
    assert_false(reads_well(&x, "main", "a", "other text"));
    assert_false(reads_well(&x, "main~1", "a", "first text"));
    assert_true(problems_of(&x) > 0);
    tarn_free(a);
    tarn_free(b);
    sealed_free(&x);
}

/* ---- pieces, and the folder for plain content ---- */

static void pieces_belong_to_their_places(void **state)
{
    sealed x = sealed_new();
    char *piece = NULL, *text = NULL;
    size_t len = 0, got = 0;

    (void)state;
    assert_true(tarn_lake_encrypted(x.s.lake));
    must(tarn_lake_seal(x.s.lake, "log 1", "some text", 9, &piece, &len, err));
    must(tarn_lake_unseal(x.s.lake, "log 1", piece, len, &text, &got, err));
    assert_string_equal(text, "some text");
    assert_int_equal(got, 9);
    tarn_free(text);
    must_fail_with(TARN_CORRUPT, "", tarn_lake_unseal(x.s.lake, "log 2", piece, len, &text, &got, err));
    for (size_t i = 0; i < len; i++)
        must_fail_with(TARN_CORRUPT, "", tarn_lake_unseal(x.s.lake, "log 1", piece, i, &text, &got, err));
    for (size_t i = 4; i < len; i++) {
        piece[i] ^= 64;
        must_fail_with(TARN_CORRUPT, "", tarn_lake_unseal(x.s.lake, "log 1", piece, len, &text, &got, err));
        piece[i] ^= 64;
    }
    tarn_free(piece);
    sealed_free(&x);
}

static void plain_content_has_a_private_place(void **state)
{
    sealed x = sealed_new();
    char folder[300];
    struct stat st;
    tarn_lake *second = open_sealed(&x), *third = NULL;

    (void)state;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strlen(tarn_lake_tmp_dir(second)) - 4),
                   tarn_lake_tmp_dir(second));
    assert_int_equal(strncmp(folder, x.cache, strlen(x.cache)), 0);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    tarn_lake_close(second);
    assert_int_equal(stat(folder, &st), 0); /* the first one is still there */
    tarn_lake_close(x.s.lake);
    x.s.lake = NULL;
    assert_int_equal(stat(folder, &st), -1);
    assert_int_equal(mkdir(folder, 0755), 0); /* somebody else's */
    must_fail_with(TARN_DENIED, "others may look",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.file = x.key}, &third, err));
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(symlink("/tmp", folder), 0);
    must_fail_with(TARN_DENIED, "not a folder",
                   tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.file = x.key}, &third, err));
    assert_int_equal(unlink(folder), 0);
    sealed_free(&x);
}

/* ---- failures ---- */

static void memory_may_run_out_anywhere(void **state)
{
    sealed x = sealed_new();
    tarn_id id;
    bool done = false;

    (void)state;
    tarn_lake_close(x.s.lake);
    x.s.lake = NULL;
    for (int64_t n = 1; !done && n < 100000; n += 1 + n / 30) { /* the lake grows meanwhile */
        tarn_lake *lake = NULL;
        tarn_object o = {.size = 0};
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_lake_open_with(x.s.folder, &(tarn_lake_key){.file = x.key}, &lake, NULL);
        tarn_entry e = {.path = "a"};
        if (rc == TARN_OK) rc = tarn_lake_put(lake, &n, sizeof n, &o, NULL);
        e.object = o;
        if (rc == TARN_OK) rc = tarn_lake_stage(lake, "main", "", &e, 1, NULL);
        if (rc == TARN_OK) rc = tarn_lake_commit(lake, "main", "", &(tarn_commit_options){.message = "m"}, &id, NULL);
        if (rc == TARN_OK) rc = tarn_lake_fact_set(lake, "k", "v", NULL);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        done = rc == TARN_OK;
        tarn_lake_close(lake);
    }
    assert_true(done);
    assert_int_equal(problems_of(&x), 0);
    sealed_free(&x);
}

TARN_TESTS(TARN_TEST(nothing_is_to_be_seen_on_the_disk), TARN_TEST(raw_hashes_are_in_no_pack),
           TARN_TEST(staging_is_in_the_order_of_paths), TARN_TEST(commits_are_found_by_the_beginning_of_their_ids),
           TARN_TEST(no_other_key_opens_it), TARN_TEST(a_key_changes_without_the_data),
           TARN_TEST(every_flipped_bit_of_a_pack_is_noticed), TARN_TEST(packs_and_records_stay_in_their_places),
           TARN_TEST(pieces_belong_to_their_places), TARN_TEST(plain_content_has_a_private_place),
           TARN_TEST(memory_may_run_out_anywhere))
