/* SPDX-License-Identifier: Apache-2.0 */
/* places_test.c - a lake over a store and a PostgreSQL: made, joined, used by two folders at once, with connections
 * that break. The store is S3, or what TARN_TEST_PLACE names: azure. The lake's own tests run over the same places
 * (tests.cmake). */
#include "support/peer.h"
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/str.h"
#include "lake/lake.h"

#include <dirent.h>

enum { URL_CAP = 300, EACH = 24 };

/* The servers, started once for all tests. */
static peer store, database;
static bool here, azure;

static int start_servers(void **state)
{
    (void)state;
    peer_keys();
    static const char *const names[] = {"PGPASSWORD", "PGUSER", "PGSERVICE", "PGDATABASE", "PGHOST"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unsetenv(names[i]);
    const char *place = getenv("TARN_TEST_PLACE");
    azure = place && strcmp(place, "azure") == 0;
    here = peer_start(&store, azure ? "azure" : "s3", 0, "") && peer_start(&database, "postgres", 0, "");
    tarn_json_setup();
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    peer_stop(&store);
    peer_stop(&database);
    return 0;
}

/* By way of that port, with that patience in seconds. */
static const char *store_url_at(const char *name, int port, int patience, char out[URL_CAP])
{
    (void)snprintf(out, URL_CAP, "%s://packs/%s?endpoint=http://127.0.0.1:%d%s&patience=%d", azure ? "azure" : "s3",
                   name, port, azure ? "/devstoreaccount1" : "", patience);
    return out;
}

static const char *store_url(const char *name, char out[URL_CAP]) { return store_url_at(name, store.port, 5, out); }

static const char *meta_url(const char *schema, int port, char out[URL_CAP])
{
    (void)snprintf(out, URL_CAP, "postgresql://tarn@127.0.0.1:%d/postgres?schema=%s", port, schema);
    return out;
}

/* Folders that are removed at the end. */
static void new_folder(char out[64])
{
    (void)snprintf(out, 64, "%s/tarn-places-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(out));
}

static tarn_code commit_file(tarn_lake *lake, const char *path, const char *text, tarn_err *err)
{
    tarn_entry e = {.path = ""};
    tarn_id id;
    tarn_commit_options o = {.author = "Ann", .message = path};

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    tarn_code rc = tarn_lake_put(lake, text, strlen(text), &e.object, err);
    return rc == TARN_OK ? tarn_lake_commit_entries(lake, "main", &e, 1, &o, &id, err) : rc;
}

static tarn_code count_entry(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)e, (void)err;
    (*(int *)arg)++;
    return TARN_OK;
}

static int count_files(tarn_lake *lake)
{
    tarn_id head;
    int n = 0;

    must(tarn_lake_resolve(lake, "main", &head, err));
    must(tarn_lake_list(lake, &head, "", "", 0, count_entry, &n, err));
    return n;
}

static tarn_code count_commit(void *arg, const tarn_commit *c, tarn_err *err)
{
    (void)c, (void)err;
    (*(int *)arg)++;
    return TARN_OK;
}

static void print_problem(void *arg, const char *line)
{
    (void)arg;
    print_message("%s\n", line);
}

static int64_t problems_of(tarn_lake *lake)
{
    tarn_fsck f = {0};

    must(tarn_lake_fsck(lake, print_problem, NULL, &f, NULL, err));
    return f.problems;
}

static void places_that_cannot_be_are_refused(void **state)
{
    char folder[64], s[URL_CAP], m[URL_CAP], other[URL_CAP];

    (void)state;
    if (!here) return;
    new_folder(folder);
    must_fail_with(TARN_INVALID, "PGPASSWORD",
                   tarn_lake_init_at(folder, NULL, "postgresql://a:secret@127.0.0.1/x", err));
    must_fail_with(TARN_INVALID, "PGPASSWORD",
                   tarn_lake_init_at(folder, NULL, "postgresql://127.0.0.1/x?password=s", err));
    must_fail_with(TARN_INVALID, "schema", tarn_lake_init_at(folder, NULL, "postgresql://h/x?schema=a%22b", err));
    must_fail_with(TARN_INVALID, "not understood", tarn_lake_init_at(folder, NULL, "postgresql://h/x?nonsense=1", err));
    must_fail_with(TARN_IO, "cannot connect", tarn_lake_init_at(folder, NULL, "postgresql://127.0.0.1:1/x", err));
    must_fail_with(TARN_UNSUPPORTED, "mysql", tarn_lake_init_at(folder, NULL, "mysql://h/x", err));
    must_fail_with(TARN_UNSUPPORTED, "tape:", tarn_lake_init_at(folder, "tape://x", NULL, err));
    must_fail_with(TARN_USAGE, "--store", tarn_lake_join(folder, NULL, NULL, err));
    must_fail_with(TARN_NOT_FOUND, "no lake in the store",
                   tarn_lake_join(folder, store_url("none", s), meta_url("none", database.port, m), err));
    must(tarn_lake_init(folder, err));
    must_fail_with(TARN_EXISTS, "already", tarn_lake_init_at(folder, store_url("x", s), NULL, err));
    must(tarn_dir_remove(folder, err));

    new_folder(folder); /* two lakes, and a third that would mix them */
    char second[64], third[64];
    new_folder(second);
    new_folder(third);
    tarn_lake *lake = NULL;
    must(tarn_lake_init_at(folder, store_url("mix-a", s), meta_url("mix_a", database.port, m), err));
    must_fail_with(TARN_EXISTS, "schema 'mix_a'", tarn_lake_init_at(second, store_url("mix-c", other), m, err));
    must(tarn_lake_init_at(second, store_url("mix-b", s), meta_url("mix_b", database.port, m), err));
    must_fail_with(TARN_CONFLICT, "another lake", tarn_lake_join(third, store_url("mix-a", s), m, err));
    must(tarn_lake_open(folder, &lake, err));
    must(commit_file(lake, "a", "a", err));
    tarn_lake_close(lake);
    must_fail_with(TARN_EXISTS, "--join", tarn_lake_init_at(third, s, NULL, err));
    must(tarn_dir_remove(folder, err));
    must(tarn_dir_remove(second, err));
    must(tarn_dir_remove(third, err));
}

static void a_folder_can_be_the_store_of_many(void **state)
{
    char packs[64], one[64], two[64], m[URL_CAP];
    tarn_lake *a = NULL, *b = NULL;

    (void)state;
    if (!here) return;
    new_folder(packs);
    new_folder(one);
    new_folder(two);
    must(tarn_lake_init_at(one, packs, meta_url("folder", database.port, m), err));
    must(tarn_lake_join(two, packs, m, err));
    must(tarn_lake_open(one, &a, err));
    must(tarn_lake_open(two, &b, err));
    must(commit_file(a, "x", "from a", err));
    must(commit_file(b, "y", "from b", err));
    assert_int_equal(count_files(a), 2);
    assert_int_equal(problems_of(a) + problems_of(b), 0);
    must(tarn_lake_probe(b, err));
    tarn_lake_close(a);
    tarn_lake_close(b);
    must(tarn_dir_remove(packs, err));
    must(tarn_dir_remove(one, err));
    must(tarn_dir_remove(two, err));
}

/* Commit EACH files of a writer, in a process of its own. */
static pid_t start_writer(const char *folder, int who)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child > 0) return child;
    tarn_lake *lake = NULL;
    tarn_err err = {0};
    tarn_code rc = tarn_lake_open(folder, &lake, &err);
    for (int i = 0; i < EACH && rc == TARN_OK; i++) {
        char path[32], text[64];
        (void)snprintf(path, sizeof path, "w%d/%d", who, i);
        (void)snprintf(text, sizeof text, "file %d of writer %d", i, who);
        rc = commit_file(lake, path, text, &err);
    }
    if (rc != TARN_OK) (void)fprintf(stderr, "writer %d: %s\n", who, err.msg);
    tarn_lake_close(lake);
    _exit(rc != TARN_OK);
}

static int files_in(const char *folder, const char *below)
{
    char path[200];
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, below);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) n += e->d_name[0] != '.';
    if (dir) (void)closedir(dir);
    return n;
}

/* Two servers, each with a folder of its own, on one branch: enough commits that indexes are united by both. */
static void two_servers_on_one_branch_lose_nothing(void **state)
{
    char one[64], two[64], three[64], s[URL_CAP], m[URL_CAP], path[200];
    tarn_lake *lake = NULL;
    int status, commits = 0;
    tarn_id head;

    (void)state;
    if (!here) return;
    new_folder(one);
    new_folder(two);
    new_folder(three);
    must(tarn_lake_init_at(one, store_url("two", s), meta_url("two", database.port, m), err));
    must(tarn_lake_join(two, s, m, err));
    pid_t writers[] = {start_writer(one, 1), start_writer(two, 2), start_writer(two, 3)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    must(tarn_lake_join(three, s, m, err)); /* it has none of the indexes that the others made */
    assert_int_equal(files_in(three, ".tarn/index"), 0);
    const char *const folders[] = {three, one, two};
    for (int i = 0; i < 3; i++) {
        must(tarn_lake_open(folders[i], &lake, err));
        assert_int_equal(count_files(lake), 3 * EACH);
        commits = 0;
        must(tarn_lake_resolve(lake, "main", &head, err));
        must(tarn_lake_log(lake, &head, count_commit, &commits, err));
        assert_int_equal(commits, 3 * EACH);
        assert_int_equal(problems_of(lake), 0);
        tarn_lake_close(lake);
        int runs =
            files_in(folders[i], ".tarn/index"); /* united, fetched by who lacked them, dropped when out of use */
        assert_true(runs > 0 && runs == files_in(three, ".tarn/index"));
    }
    (void)snprintf(path, sizeof path, "%s/.tarn/index", one); /* local copies may go at any time */
    must(tarn_dir_remove(path, err));
    (void)snprintf(path, sizeof path, "%s/.tarn/cache", one);
    must(tarn_dir_remove(path, err));
    must(tarn_dir_make(path, err));
    (void)snprintf(path, sizeof path, "%s/.tarn/index", one);
    must(tarn_dir_make(path, err));
    must(tarn_lake_open(one, &lake, err));
    assert_int_equal(count_files(lake), 3 * EACH);
    must(commit_file(lake, "more", "more", err));
    tarn_lake_close(lake);
    must(tarn_dir_remove(one, err));
    must(tarn_dir_remove(two, err));
    must(tarn_dir_remove(three, err));
}

/* A connection to PostgreSQL that breaks: between commits, inside one, and when the answer to COMMIT is lost. */
static void broken_connections_lose_and_double_nothing(void **state)
{
    char folder[64], s[URL_CAP], m[URL_CAP], path[32];
    peer proxy;
    tarn_lake *lake = NULL;
    int acknowledged = 0, commits = 0;
    tarn_id head;

    (void)state;
    if (!here) return;
    new_folder(folder);
    peer_start_faults(&proxy, "pgfaults", &database);
    must(tarn_lake_init_at(folder, store_url("broken", s), meta_url("broken", proxy.port, m), err));
    must(tarn_lake_open(folder, &lake, err));
    must(commit_file(lake, "first", "first", err));
    acknowledged = 1;
    for (int i = 0; i < 12; i++) {
        bool lost = i % 2 == 1;
        tarn_err why = {0};
        (void)snprintf(path, sizeof path, "f/%d", i);
        peer_fault(&proxy, lost ? "commit" : "drop", 1);
        tarn_code rc = commit_file(lake, path, path, &why);
        if (rc != TARN_OK) assert_non_null(strstr(why.msg, "PostgreSQL"));
        if (lost) assert_int_equal(rc, TARN_OK);                     /* it took place, and we were told so in the end */
        if (rc != TARN_OK) must(commit_file(lake, path, path, err)); /* nothing is stuck */
        acknowledged++;
        peer_fault(&proxy, "", 0);
    }
    assert_int_equal(count_files(lake), acknowledged);
    must(tarn_lake_resolve(lake, "main", &head, err));
    must(tarn_lake_log(lake, &head, count_commit, &commits, err));
    assert_int_equal(commits, acknowledged);
    peer_fault(&proxy, "drop", 1); /* while reading */
    assert_int_equal(count_files(lake), acknowledged);
    assert_int_equal(problems_of(lake), 0);
    peer_stop(&proxy);
    must_fail_with(TARN_IO, "PostgreSQL", commit_file(lake, "late", "late", err));
    tarn_lake_close(lake);
    must_fail_with(TARN_IO, "cannot connect", tarn_lake_open(folder, &lake, err));
    must(tarn_dir_remove(folder, err));
}

/* A store that goes wrong for a while, or for good. */
static void a_failing_store_fails_cleanly(void **state)
{
    char folder[64], s[URL_CAP], m[URL_CAP], path[32];
    peer proxy;
    tarn_lake *lake = NULL;
    static const char *const kinds[] = {"500", "cut", "reset", "lost"};

    (void)state;
    if (!here) return;
    new_folder(folder);
    peer_start_faults(&proxy, "faults", &store);
    (void)store_url_at("failing", proxy.port, 1, s);
    must(tarn_lake_init_at(folder, s, meta_url("failing", database.port, m), err));
    must(tarn_lake_open(folder, &lake, err));
    for (int i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "f/%d", i);
        peer_fault(&proxy, kinds[i], 1);
        must(commit_file(lake, path, path, err));
    }
    peer_fault(&proxy, "500", 10000);
    must_fail_with(TARN_IO, "answers 500", commit_file(lake, "f/4", "4", err));
    peer_fault(&proxy, "", 0);
    must(commit_file(lake, "f/5", "5", err)); /* as soon as it is well again */
    assert_int_equal(count_files(lake), 5);
    assert_int_equal(problems_of(lake), 0);
    tarn_lake_close(lake);
    peer_stop(&proxy);
    must(tarn_dir_remove(folder, err));
}

/* Memory that runs out anywhere in a commit: an error, and nothing that is half done or stuck. */
static void memory_may_run_out_in_a_commit(void **state)
{
    char folder[64], s[URL_CAP], m[URL_CAP], path[32];
    tarn_lake *lake = NULL;
    tarn_code rc = TARN_NOMEM;
    int n_failed = 0;

    (void)state;
    if (!here) return;
    new_folder(folder);
    must(tarn_lake_init_at(folder, store_url("memory", s), meta_url("memory", database.port, m), err));
    must(tarn_lake_open(folder, &lake, err));
    must(commit_file(lake, "first", "first", err));
    for (int64_t n = 1; rc != TARN_OK && n < 5000; n += 1 + n / 16) {
        (void)snprintf(path, sizeof path, "f/%d", (int)n);
        tarn_mem_fail_after(n);
        rc = commit_file(lake, path, path, NULL);
        tarn_mem_fail_after(0);
        assert_true(rc == TARN_OK || rc == TARN_NOMEM);
        n_failed += rc != TARN_OK;
    }
    assert_int_equal(rc, TARN_OK);
    assert_true(n_failed > 10);
    must(commit_file(lake, "last", "last", err));
    assert_int_equal(count_files(lake), 3);
    assert_int_equal(problems_of(lake), 0);
    tarn_lake_close(lake);
    must(tarn_dir_remove(folder, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARN_TEST(places_that_cannot_be_are_refused),      TARN_TEST(a_folder_can_be_the_store_of_many),
        TARN_TEST(two_servers_on_one_branch_lose_nothing), TARN_TEST(broken_connections_lose_and_double_nothing),
        TARN_TEST(a_failing_store_fails_cleanly),          TARN_TEST(memory_may_run_out_in_a_commit),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
