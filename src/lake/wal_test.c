/* SPDX-License-Identifier: Apache-2.0 */
/* wal_test.c - the log beside meta.db cut at every border of a page and between, and flipped in its header, in the
 * header of every frame and in its page. Every state that opens without a word is one that was acknowledged; what stood
 * behind damage is told, and comes back from the sound pages and from the packs. */
#include "lake/scratch_test.h"

#include "lake/care.h"
#include "lake/inside.h"
#include "lake/wal.h"

#include <sys/stat.h>
#include <sys/wait.h>

enum { COMMITS = 9, HEADER = 32, FRAME = 24 + 4096 };

typedef struct killed {
    scratch s;
    tarn_id heads[COMMITS + 1]; /* as they were acknowledged; 0: before */
    char db_path[128], wal_path[128], shm_path[128], note_path[128];
    char *db, *wal, *note;
    size_t db_len, wal_len, note_len;
} killed;

/* A process commits and ends without closing: its log stays. */
static void commit_and_die(const char *folder, int pipe_fd)
{
    tarn_lake *lake = NULL;
    char path[32];

    if (tarn_lake_open(folder, &lake, NULL) != TARN_OK) _exit(9);
    for (int i = 1; i <= COMMITS; i++) {
        (void)snprintf(path, sizeof path, "f/%d", i);
        tarn_id id = commit_text(lake, i % 3 ? "main" : "other", path, path);
        if (tarn_lake_ref_get(lake, "heads/main", &id, NULL) != TARN_OK) _exit(9);
        if (write(pipe_fd, &id, sizeof id) != sizeof id) _exit(9);
    }
    _exit(0);
}

static killed killed_new(void)
{
    killed k = {.s = scratch_new()};
    int ends[2], status;

    k.heads[0] = commit_text(k.s.lake, "main", "first", "1");
    tarn_lake_close(k.s.lake);
    k.s.lake = NULL;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) commit_and_die(k.s.folder, ends[1]);
    (void)close(ends[1]);
    for (int i = 1; i <= COMMITS; i++) assert_int_equal(read(ends[0], &k.heads[i], sizeof k.heads[i]), TARN_ID_BYTES);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)snprintf(k.db_path, sizeof k.db_path, "%s/.tarn/meta.db", k.s.folder);
    (void)snprintf(k.wal_path, sizeof k.wal_path, "%s/.tarn/meta.db-wal", k.s.folder);
    (void)snprintf(k.shm_path, sizeof k.shm_path, "%s/.tarn/meta.db-shm", k.s.folder);
    (void)snprintf(k.note_path, sizeof k.note_path, "%s/.tarn/acked", k.s.folder);
    must(tarn_file_read(k.db_path, 0, &k.db, &k.db_len, err));
    must(tarn_file_read(k.note_path, 0, &k.note, &k.note_len, err));
    must(tarn_file_read(k.wal_path, 0, &k.wal, &k.wal_len, err));
    assert_true(k.wal_len > HEADER + 3 * COMMITS * FRAME);
    return k;
}

static void killed_free(killed *k)
{
    tarn_free(k->db);
    tarn_free(k->wal);
    tarn_free(k->note);
    scratch_free(&k->s);
}

/* As the process left it, but for the log, which has these bytes. */
static void put_back(killed *k, const char *wal, size_t len)
{
    (void)unlink(k->shm_path);
    must(tarn_file_save(k->db_path, k->db, k->db_len, err));
    must(tarn_file_save(k->wal_path, wal, len, err));
    must(tarn_file_save(k->note_path, k->note, k->note_len, err));
}

/* Which acknowledged state the lake shows; fails if none. */
static int state_of(killed *k)
{
    tarn_id head;
    tarn_fsck counts = {0};
    problems p = {0};

    must(tarn_lake_ref_get(k->s.lake, "heads/main", &head, err));
    must(tarn_lake_fsck(k->s.lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
    for (int i = COMMITS; i >= 0; i--)
        if (tarn_id_equal(&head, &k->heads[i])) return i;
    fail_msg("the branch names a commit that was never acknowledged");
    return -1;
}

/* Afterwards the newest commit is in the lake again, whatever its branch names. */
static void repair_it(killed *k)
{
    tarn_repair sum;
    tarn_commit *c = calloc(1, sizeof *c);

    assert_non_null(c);
    must(tarn_lake_repair(k->s.lake, &(tarn_repair_options){.n_from = 0}, &sum, err));
    assert_int_equal(sum.left, 0);
    must(tarn_lake_commit_read(k->s.lake, &k->heads[COMMITS], c, err));
    tarn_commit_clear(c);
    free(c);
}

static void close_it(killed *k)
{
    tarn_lake_close(k->s.lake);
    k->s.lake = NULL;
}

static void say_nothing(void *arg, const char *line) { keep_problem(arg, line); }

/* What became of the lake with this log: the state, and whether the damage was told. */
static int open_or_mend(killed *k, bool *told)
{
    tarn_err e = {0};
    problems p = {0};
    bool mended = false;
    tarn_id head;

    tarn_code rc = tarn_lake_open(k->s.folder, &k->s.lake, &e);
    *told = rc == TARN_CORRUPT;
    if (rc != TARN_OK && rc != TARN_CORRUPT) fail_msg("%s", e.msg);
    if (*told) {
        assert_non_null(strstr(e.msg, "fsck --repair"));
        must(tarn_lake_mend_meta(k->s.folder, say_nothing, &p, &mended, err));
        assert_true(mended && (said(&p, "pages are sound and used") || said(&p, "lacks steps that were acknowledged")));
        must(tarn_lake_open(k->s.folder, &k->s.lake, err));
    }
    repair_it(k);
    if (tarn_lake_ref_get(k->s.lake, "heads/main", &head, NULL) == TARN_OK) return state_of(k);
    return -1; /* its row, and its lines in the log, were on the lost page */
}

static void a_log_cut_anywhere_gives_an_acknowledged_state_and_the_packs_have_the_rest(void **state)
{
    killed k = killed_new();
    static const long around[] = {0, 1, 23, 24, 2000};
    int last = 0, seen[COMMITS + 1] = {0};

    (void)state;
    for (size_t at = 0; at < k.wal_len; at = at < HEADER ? HEADER : at + FRAME)
        for (size_t i = 0; i < sizeof around / sizeof *around && at + (size_t)around[i] < k.wal_len; i++) {
            bool told = false;
            put_back(&k, k.wal, at + (size_t)around[i]);
            int now = open_or_mend(&k, &told);
            assert_true(told);        /* the note beside it knows of the last one */
            assert_true(now >= last); /* more of the log is never less */
            last = now;
            seen[now] = 1;
            close_it(&k);
        }
    for (int i = 0; i < COMMITS; i++) assert_true(seen[i] || i % 3 == 0 || (i + 1) % 3 == 0);
    put_back(&k, k.wal, k.wal_len);
    must(tarn_lake_open(k.s.folder, &k.s.lake, err));
    assert_int_equal(state_of(&k), COMMITS);
    killed_free(&k);
}

static void a_flipped_log_is_told_and_what_is_sound_comes_back(void **state)
{
    killed k = killed_new();
    static const size_t places[] = {1, 9, 17, 24 + 1000};
    int n = 0, told_times = 0, whole = 0;
    char *wal = malloc(k.wal_len);

    (void)state;
    assert_non_null(wal);
    for (size_t frame = HEADER; frame < k.wal_len; frame += FRAME)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++, n++) {
            bool told = false;
            memcpy(wal, k.wal, k.wal_len);
            wal[frame + places[i]] ^= 0x21;
            put_back(&k, wal, k.wal_len);
            int now = open_or_mend(&k, &told);
            if (!told) assert_int_equal(now, COMMITS);
            told_times += told;
            whole += now == COMMITS;
            close_it(&k);
        }
    print_message("%d flips: %d told, after %d of them the branch is where it was\n", n, told_times, whole);
    assert_true(told_times > n * 8 / 10 && whole > n * 8 / 10);
    for (size_t at = 0; at < HEADER; at++) { /* the header hides all of the log */
        bool told = false;
        memcpy(wal, k.wal, k.wal_len);
        wal[at] ^= 0x21;
        put_back(&k, wal, k.wal_len);
        int now = open_or_mend(&k, &told);
        assert_true(told || now == COMMITS);
        assert_int_equal(now, COMMITS);
        close_it(&k);
    }
    free(wal);
    killed_free(&k);
}

static void a_hole_of_zeros_in_the_log_is_told(void **state)
{
    killed k = killed_new();
    char *wal = malloc(k.wal_len);

    (void)state;
    assert_non_null(wal);
    for (size_t at = 0; at + 3 * 4096 < k.wal_len / 2; at += 4096) { /* blocks of a disk */
        bool told = false;
        memcpy(wal, k.wal, k.wal_len);
        memset(wal + at, 0, 4096);
        put_back(&k, wal, k.wal_len);
        (void)open_or_mend(&k, &told);
        assert_true(told);
        close_it(&k);
    }
    free(wal);
    killed_free(&k);
}

static void what_a_crash_leaves_is_no_damage(void **state)
{
    killed k = killed_new();
    char *wal = calloc(1, k.wal_len + 8 * FRAME);

    (void)state;
    assert_non_null(wal);
    memcpy(wal, k.wal, k.wal_len);
    for (int i = 0; i < 4; i++) { /* an unfinished transaction behind: zeros, noise, frames of an earlier use */
        if (i == 1) memset(wal + k.wal_len, 'x', 3 * FRAME);
        if (i == 2) memcpy(wal + k.wal_len, k.wal + HEADER, 8 * FRAME);
        for (size_t f = 0; i == 2 && f < 8; f++) wal[k.wal_len + f * FRAME + 8] ^= 1;
        if (i == 3) memcpy(wal + k.wal_len, k.wal + HEADER, 2 * FRAME); /* its second page came, the first did not */
        put_back(&k, wal, k.wal_len + (i == 3 ? 2 : 8) * FRAME);
        must(tarn_lake_open(k.s.folder, &k.s.lake, err));
        assert_int_equal(state_of(&k), COMMITS);
        close_it(&k);
    }
    put_back(&k, wal, 0); /* an empty log, and one that never got further than its size */
    must(tarn_wal_check(k.db_path, err));
    memset(wal, 0, k.wal_len);
    put_back(&k, wal, k.wal_len);
    must(tarn_wal_check(k.db_path, err));
    free(wal);
    killed_free(&k);
}

TARN_TESTS(TARN_TEST(a_log_cut_anywhere_gives_an_acknowledged_state_and_the_packs_have_the_rest),
           TARN_TEST(a_flipped_log_is_told_and_what_is_sound_comes_back), TARN_TEST(a_hole_of_zeros_in_the_log_is_told),
           TARN_TEST(what_a_crash_leaves_is_no_damage))
