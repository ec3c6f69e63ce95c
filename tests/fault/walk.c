/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - every call of every operation on a lake fails once: run with libfault.so preloaded.
 *
 *     LD_PRELOAD=libfault.so fault_walk [SCENARIO ...]        FAULT_STRIDE=n: only every n-th call
 *
 * For each scenario (a table at the end), each way of failing and n = 1, 2, 3 ... until the operation gets through: a
 * fresh copy of a prepared lake; the operation in a forked child whose n-th call fails; then, with nothing failing:
 *
 *   - the child died as told, or ended with a code for what happened and a message, or the operation went through;
 *   - after a failed sync the same open lake writes nothing more;
 *   - the lake opens, fsck is clean, what was committed before and what was acknowledged reads with the right bytes;
 *   - the operation can be done again, and succeeds.  */
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/sink.h"
#include "lake/care.h"
#include "lake/history.h"
#include "lake/lake.h"
#include "serve/predlog.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells its parent; shared memory, so that it outlives a kill. */
typedef struct told {
    tarn_code code, later; /* of the operation; of a commit after it failed */
    int hit;
    bool acknowledged, tried_later;
    char message[300];
} told;

typedef struct scene {
    const char *name;
    void (*prepare)(tarn_lake *lake); /* NULL: there is no lake yet */
    tarn_code (*act)(const char *folder, told *t, tarn_err *err);
    void (*verify)(tarn_lake *lake, bool acknowledged); /* may be NULL */
    const char *damage;                                 /* a command in the prepared folder; the act repairs it */
} scene;

static const struct way {
    const char *text;
    bool dies, sync;

} ways[] = {
    {"kinds=open,create,write,pwrite,rename,link,unlink,mkdir,ftruncate,close do=EIO", false, false},
    {"kinds=read,pread,mmap do=EIO", false, false},
    {"kinds=create,write,pwrite,mkdir,rename,link,ftruncate do=ENOSPC lasting", false, false},
    {"kinds=read,pread,write,pwrite do=short", false, false},
    {"kinds=fsync,fdatasync do=EIO", false, true},
    {"kinds=all do=kill-before", true, false},
    {"kinds=write,pwrite,fsync,fdatasync,rename,ftruncate do=kill-after", true, false},
};

static void (*arm)(const char *text);
static int (*was_hit)(void);
static char work[128], ready[128], where[700];
static told *shared;
static tarn_lake *kept; /* the child's lake after it failed */

static void fail(const char *what, const char *more)
{
    (void)fprintf(stderr, "FAILED: %s: %s: %s\n", where, what, more);
    exit(1);
}

static void need(tarn_code rc, const tarn_err *err, const char *what)
{
    if (rc != TARN_OK) fail(what, err->msg);
}

static char *noise(size_t len, uint64_t seed)
{
    char *bytes = malloc(len + 8);

    if (!bytes) exit(2);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t x = tarn_random_u64(seed, TARN_STREAM_TEST, i, 0);
        memcpy(bytes + i, &x, 8);
    }
    return bytes;
}

/* ---- parts of operations ---- */

static const tarn_commit_options by_ann = {.author = "Ann <ann@example.org>", .message = "m", .even_if_same = true};

static tarn_code put_text(tarn_lake *lake, const char *path, const char *text, tarn_entry *e, tarn_err *err)
{
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    return tarn_lake_put(lake, text, strlen(text), &e->object, err);
}

static tarn_code commit_text(tarn_lake *lake, const char *branch, const char *path, const char *text, tarn_err *err)
{
    tarn_entry e;
    tarn_id id;
    tarn_code rc = put_text(lake, path, text, &e, err);

    return rc == TARN_OK ? tarn_lake_commit_entries(lake, branch, &e, 1, &by_ann, &id, err) : rc;
}

/* Every operation: open, do it, note what was acknowledged. The lake stays open for what comes after a failure. */
#define WITH_LAKE(call)                           \
    tarn_code rc = TARN_OK;                       \
    tarn_lake *lake = NULL;                       \
    TARN_TRY(tarn_lake_open(folder, &lake, err)); \
    TARN_TRY(call);                               \
    t->acknowledged = true;                       \
    done:                                         \
    kept = lake;                                  \
    return rc

static void base(tarn_lake *lake)
{
    tarn_err err = {0};
    char *big = noise(400000, 1);
    tarn_entry e = {.path = "big"};
    tarn_id id;

    need(commit_text(lake, "main", "a/one", "the first text", &err), &err, "preparing");
    need(tarn_lake_put(lake, big, 400000, &e.object, &err), &err, "preparing");
    need(tarn_lake_commit_entries(lake, "main", &e, 1, &by_ann, &id, &err), &err, "preparing");
    free(big);
}

static void reads(tarn_lake *lake, const char *ref, const char *path, const char *want, size_t want_len)
{
    tarn_err err = {0};
    tarn_id id;
    tarn_entry e;
    char *bytes = NULL;
    size_t len = 0;

    need(tarn_lake_resolve(lake, ref, &id, &err), &err, ref);
    need(tarn_lake_lookup(lake, &id, path, &e, &err), &err, path);
    need(tarn_lake_get(lake, &e.object.id, 0, &bytes, &len, &err), &err, path);
    if (len != want_len || memcmp(bytes, want, len) != 0) fail(path, "other bytes than were committed");
    tarn_free(bytes);
}

/* ---- scenes ---- */

static tarn_code do_init(const char *folder, told *t, tarn_err *err)
{
    tarn_code rc = tarn_lake_init(folder, err);
    t->acknowledged = rc == TARN_OK;
    return rc == TARN_EXISTS ? TARN_OK : rc;
}

static tarn_code do_small(const char *folder, told *t, tarn_err *err)
{
    WITH_LAKE(commit_text(lake, "main", "b/two", "the second text", err));
}

static void see_small(tarn_lake *lake, bool acknowledged)
{
    if (acknowledged) reads(lake, "main", "b/two", "the second text", 15);
}

static tarn_code put_large(tarn_lake *lake, tarn_err *err)
{
    char *bytes = noise(1500000, 2);
    tarn_entry e = {.path = "large"};
    tarn_id id;
    tarn_code rc = tarn_lake_put(lake, bytes, 1500000, &e.object, err);

    free(bytes);
    if (rc == TARN_OK) rc = tarn_lake_sync(lake, err);
    return rc == TARN_OK ? tarn_lake_commit_entries(lake, "main", &e, 1, &by_ann, &id, err) : rc;
}

static tarn_code do_large(const char *folder, told *t, tarn_err *err) { WITH_LAKE(put_large(lake, err)); }

static void see_large(tarn_lake *lake, bool acknowledged)
{
    char *bytes = noise(1500000, 2);
    if (acknowledged) reads(lake, "main", "large", bytes, 1500000);
    free(bytes);
}

static tarn_code stage_and_commit(tarn_lake *lake, tarn_err *err)
{
    tarn_entry e;
    tarn_id id;
    tarn_code rc = put_text(lake, "c/staged", "third", &e, err);

    if (rc == TARN_OK) rc = tarn_lake_stage(lake, "main", "ann", &e, 1, err);
    return rc == TARN_OK ? tarn_lake_commit(lake, "main", "ann", &by_ann, &id, err) : rc;
}

static tarn_code do_stage(const char *folder, told *t, tarn_err *err) { WITH_LAKE(stage_and_commit(lake, err)); }

static void see_stage(tarn_lake *lake, bool acknowledged)
{
    if (acknowledged) reads(lake, "main", "c/staged", "third", 5);
}

/* So many packs that the next commit unites their indexes. */
static void many_packs(tarn_lake *lake)
{
    tarn_err err = {0};
    char path[32];

    base(lake);
    for (int i = 0; i < 13; i++) {
        (void)snprintf(path, sizeof path, "n/%d", i);
        need(commit_text(lake, "main", path, path, &err), &err, "preparing");
    }
}

static void two_branches(tarn_lake *lake)
{
    tarn_err err = {0};
    tarn_id id;

    base(lake);
    need(tarn_lake_resolve(lake, "main", &id, &err), &err, "preparing");
    need(tarn_lake_ref_move(lake, "heads/side", NULL, &id, "Ann", "test", &err), &err, "preparing");
    need(commit_text(lake, "side", "side", "of side", &err), &err, "preparing");
}

static tarn_code do_merge(const char *folder, told *t, tarn_err *err)
{
    tarn_merge_result out;
    WITH_LAKE(tarn_lake_merge(lake, "side", "main", &(tarn_merge_options){.author = "Ann"}, &out, err));
}

static void see_merge(tarn_lake *lake, bool acknowledged)
{
    if (acknowledged) reads(lake, "main", "side", "of side", 7);
}

static tarn_code make_ref(tarn_lake *lake, const char *name, tarn_err *err)
{
    tarn_id id;
    tarn_code rc = tarn_lake_resolve(lake, "main", &id, err);

    if (rc == TARN_OK) rc = tarn_lake_ref_move(lake, name, NULL, &id, "Ann", "test", err);
    return rc == TARN_CONFLICT ? TARN_OK : rc;
}

static tarn_code do_branch(const char *folder, told *t, tarn_err *err) { WITH_LAKE(make_ref(lake, "heads/new", err)); }
static tarn_code do_tag(const char *folder, told *t, tarn_err *err) { WITH_LAKE(make_ref(lake, "tags/v1", err)); }

static void see_branch(tarn_lake *lake, bool acknowledged)
{
    if (acknowledged) reads(lake, "heads/new", "a/one", "the first text", 14);
}

static void see_tag(tarn_lake *lake, bool acknowledged)
{
    if (acknowledged) reads(lake, "tags/v1", "a/one", "the first text", 14);
}

static tarn_code check_out(tarn_lake *lake, const char *folder, tarn_err *err)
{
    char to[200];
    tarn_id id;
    int64_t files = 0;
    tarn_code rc = tarn_lake_resolve(lake, "main", &id, err);

    (void)snprintf(to, sizeof to, "%s/out", folder);
    return rc == TARN_OK ? tarn_lake_checkout(lake, &id, "", to, true, &files, NULL, err) : rc;
}

static tarn_code do_checkout(const char *folder, told *t, tarn_err *err) { WITH_LAKE(check_out(lake, folder, err)); }

static void see_file(const char *name, const char *want, size_t want_len)
{
    char path[260], *bytes = NULL;
    size_t len = 0;
    tarn_err err = {0};

    (void)snprintf(path, sizeof path, "%s/%s", work, name);
    need(tarn_file_read(path, 0, &bytes, &len, &err), &err, path);
    if (len != want_len || memcmp(bytes, want, len) != 0) fail(path, "other bytes than were committed");
    tarn_free(bytes);
}

static void see_checkout(tarn_lake *lake, bool acknowledged)
{
    char *big = noise(400000, 1);

    (void)lake;
    if (acknowledged) {
        see_file("out/a/one", "the first text", 14);
        see_file("out/big", big, 400000);
    }
    free(big);
}

/* What a step of a run does: outputs put, recipe recorded, a cached copy, a fact. */
static tarn_code made_and_cached(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry recipe, output;
    char path[4200];

    TARN_TRY(put_text(lake, "recipe", "{\"step\":\"test\"}", &recipe, err));
    TARN_TRY(put_text(lake, "output", "what it made", &output, err));
    TARN_TRY(tarn_lake_made(lake, &recipe.object.id, &output, 1, err));
    TARN_TRY(tarn_lake_cached(lake, &output.object.id, ".txt", path, sizeof path, err));
    TARN_TRY(tarn_lake_fact_set(lake, "step/test", "done", err));
done:
    return rc;
}

static tarn_code do_made(const char *folder, told *t, tarn_err *err) { WITH_LAKE(made_and_cached(lake, err)); }

static void see_made(tarn_lake *lake, bool acknowledged)
{
    tarn_err err = {0};
    char *fact = NULL;

    if (acknowledged) need(tarn_lake_fact_get(lake, "step/test", &fact, &err), &err, "the fact");
    tarn_free(fact);
}

/* The prediction log: records are acknowledged by sync. */
static tarn_code log_some(tarn_lake *lake, told *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_predlog *log = NULL;
    static const char tail[] = ",\"model\":\"m\",\"out\":1}";
    size_t end = sizeof tail - 1;
    char segment[TARN_SEGMENT_NAME];
    int64_t first = 0;

    TARN_TRY(tarn_predlog_open(lake, &(tarn_predlog_options){.commit_s = 3600}, &log, err));
    TARN_TRY(tarn_predlog_add(log, "m", tail, &end, 1, segment, &first, err));
    TARN_TRY(tarn_predlog_sync(log, err));
    t->acknowledged = true;
done:
    if (log) {
        tarn_code closed = tarn_predlog_close(log, rc == TARN_OK ? err : NULL);
        if (rc == TARN_OK) rc = closed;
    }
    return rc;
}

static tarn_code do_predlog(const char *folder, told *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;

    TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(log_some(lake, t, err));
done:
    kept = lake;
    return rc;
}

static tarn_code count_path(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)e, (void)err;
    ++*(int *)arg;
    return TARN_OK;
}

static void see_predlog(tarn_lake *lake, bool acknowledged)
{
    tarn_err err = {0};
    int64_t records = 0;
    int segments = 0;
    tarn_id id;

    need(tarn_segments_recover(lake, &records, &err), &err, "taking up the prediction log");
    if (!acknowledged) return;
    need(tarn_lake_resolve(lake, TARN_PREDICTIONS_REF, &id, &err), &err, "predictions");
    need(tarn_lake_list(lake, &id, "predictions/m/", "", 0, count_path, &segments, &err), &err, "predictions");
    if (segments == 0) fail("predictions", "a record that was on the disk is gone");
}

/* A branch with content of its own is gone: its packs are garbage, but for what main needs. */
static void with_garbage(tarn_lake *lake)
{
    tarn_err err = {0};
    tarn_id id;

    two_branches(lake);
    need(tarn_lake_resolve(lake, "side", &id, &err), &err, "preparing");
    need(tarn_lake_ref_move(lake, "heads/side", &id, NULL, "Ann", "test", &err), &err, "preparing");
}

static tarn_code do_gc(const char *folder, told *t, tarn_err *err)
{
    tarn_gc out;
    WITH_LAKE(tarn_lake_gc(lake, &(tarn_gc_options){.no_grace = true}, &out, NULL, err));
}

/* ---- repair: every pack has lost its end, and a row of meta.db is not what it was ---- */

static void with_fact(tarn_lake *lake)
{
    tarn_err err = {0};

    base(lake);
    need(tarn_lake_fact_set(lake, "some/fact", "some value", &err), &err, "preparing");
}

static tarn_code do_repair(const char *folder, told *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_repair sum;
    bool mended = false;

    TARN_TRY(tarn_lake_mend_meta(folder, NULL, NULL, &mended, err));
    TARN_TRY(tarn_lake_open(folder, &kept, err));
    TARN_TRY(tarn_lake_repair(kept, &(tarn_repair_options){0}, &sum, err));
    t->acknowledged = true;
done:
    return rc;
}

static const char spoil[] = "chmod u+w .tarn/packs/* && truncate -s -10 .tarn/packs/p-* && "
                            "grep -q 'some value' .tarn/meta.db && sed -i 's/some value/same value/' .tarn/meta.db";

static const scene scenes[] = {
    {"init", NULL, do_init, NULL, NULL},
    {"small", base, do_small, see_small, NULL},
    {"large", base, do_large, see_large, NULL},
    {"stage", base, do_stage, see_stage, NULL},
    {"unite", many_packs, do_stage, see_stage, NULL},
    {"merge", two_branches, do_merge, see_merge, NULL},
    {"branch", base, do_branch, see_branch, NULL},
    {"tag", base, do_tag, see_tag, NULL},
    {"checkout", base, do_checkout, see_checkout, NULL},
    {"made", base, do_made, see_made, NULL},
    {"gc", with_garbage, do_gc, NULL, NULL},
    {"predlog", base, do_predlog, see_predlog, NULL},
    {"repair", with_fact, do_repair, NULL, spoil},
};

/* ---- the walk ---- */

static void shell(const char *command)
{
    if (system(command) != 0) fail("the shell", command);
}

static void fresh_copy(const scene *s)
{
    char command[600];

    (void)snprintf(command, sizeof command, "rm -rf %s && %s %s %s", work, s->prepare ? "cp -a" : "mkdir",
                   s->prepare ? ready : "", work);
    shell(command);
}

static void prepare(const scene *s)
{
    tarn_err err = {0};
    tarn_lake *lake = NULL;
    char command[600];

    (void)snprintf(command, sizeof command, "rm -rf %s && mkdir %s", ready, ready);
    shell(command);
    if (!s->prepare) return;
    need(tarn_lake_init(ready, &err), &err, "preparing");
    need(tarn_lake_open(ready, &lake, &err), &err, "preparing");
    s->prepare(lake);
    tarn_lake_close(lake);
    if (!s->damage) return;
    (void)snprintf(command, sizeof command, "cd %s && %.400s", ready, s->damage);
    shell(command);
}

/* In the child. After a failed sync the same lake may not say that it stored something. */
static void act(const scene *s, const char *plan)
{
    tarn_err err = {0};

    arm(plan);
    shared->code = s->act(work, shared, &err);
    shared->hit = was_hit();
    arm("");
    (void)snprintf(shared->message, sizeof shared->message, "%.290s", err.msg);
    if (shared->code != TARN_OK && kept && !s->damage) {
        shared->later = commit_text(kept, "later", "later", "later", &err);
        shared->tried_later = true;
    }
    tarn_lake_close(kept);
    _exit(0);
}

static void look(const scene *s, bool acknowledged, const char *when)
{
    tarn_err err = {0};
    tarn_lake *lake = NULL;
    tarn_fsck counts = {0};
    char *big = noise(400000, 1);

    if (!s->prepare && !acknowledged && tarn_lake_open(work, &lake, &err) == TARN_NOT_FOUND) goto done;
    if (!lake) need(tarn_lake_open(work, &lake, &err), &err, when);
    need(tarn_lake_fsck(lake, NULL, NULL, &counts, NULL, &err), &err, when);
    if (counts.problems > 0) fail(when, "fsck finds problems");
    if (s->prepare) {
        reads(lake, "main", "a/one", "the first text", 14);
        reads(lake, "main", "big", big, 400000);
    }
    if (s->verify) s->verify(lake, acknowledged);
    tarn_lake_close(lake);
done:
    free(big);
}

static void judge(const struct way *w, int status)
{
    tarn_code rc = shared->code;

    if (WIFSIGNALED(status) && (!w->dies || WTERMSIG(status) != SIGKILL)) fail("the program", "died by itself");
    if (WIFSIGNALED(status)) return;
    if (w->dies && shared->hit) fail("the program", "did not die");
    if (rc == TARN_OK) return;
    if (!shared->hit) fail("without a fault", shared->message);
    bool unreadable = strstr(w->text, "kinds=read") && rc == TARN_CORRUPT; /* SQLite's word for some of them */
    if (rc != TARN_IO && rc != TARN_FULL && !unreadable) fail(tarn_code_name(rc), shared->message);
    if (strlen(shared->message) < 10) fail(tarn_code_name(rc), "it does not say what happened");
    if (strstr(w->text, "ENOSPC") && rc != TARN_FULL && !strstr(shared->message, "full"))
        fail("a full disk is not called one", shared->message);
    /* The cache and the segments of the prediction log are files of their own, which have their own rules. */
    bool of_lake = !strstr(shared->message, "cached copy") && !strstr(shared->message, "prediction log");
    if (w->sync && of_lake && shared->tried_later && shared->later == TARN_OK)
        fail("after a failed sync the same lake committed", shared->message);
}

/* One fault; false when the operation has fewer calls than n. */
static bool step(const scene *s, const struct way *w, int n)
{
    char plan[500];
    int status = 0;

    (void)snprintf(where, sizeof where, "%.30s, %.400s, call %d", s->name, w->text, n);
    (void)snprintf(plan, sizeof plan, "under=%s nth=%d %s", work, n, w->text);
    fresh_copy(s);
    memset(shared, 0, sizeof *shared);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0) fail("fork", "");
    if (child == 0) act(s, plan);
    if (waitpid(child, &status, 0) != child) fail("waitpid", "");
    judge(w, status);
    if (!s->damage || shared->acknowledged) look(s, shared->acknowledged, "afterwards");
    tarn_err err = {0};
    told again = {0};
    need(s->act(work, &again, &err), &err, "doing it again");
    tarn_lake_close(kept);
    kept = NULL;
    look(s, true, "after doing it again");
    return WIFSIGNALED(status) || shared->hit;
}

static bool wanted(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    const char *stride_text = getenv("FAULT_STRIDE");
    int stride = stride_text ? atoi(stride_text) : 1, steps = 0;
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    *(void **)&arm = dlsym(RTLD_DEFAULT, "fault_arm");
    *(void **)&was_hit = dlsym(RTLD_DEFAULT, "fault_hit");
    if (!arm || !was_hit) return (void)fprintf(stderr, "preload libfault.so\n"), 2;
    tarn_json_setup();
    (void)snprintf(work, sizeof work, "%s/tarn-fault-%ld-work", root, (long)getpid());
    (void)snprintf(ready, sizeof ready, "%s/tarn-fault-%ld-ready", root, (long)getpid());
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    for (size_t k = 0; k < sizeof scenes / sizeof *scenes; k++) {
        if (!wanted(argc, argv, scenes[k].name)) continue;
        prepare(&scenes[k]);
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            int n = 1, before = steps;
            for (; step(&scenes[k], &ways[w], n); n += stride > 0 ? stride : 1) steps++;
            (void)printf("%s, %s: %d faults\n", scenes[k].name, ways[w].text, steps - before);
        }
    }
    char command[600];
    (void)snprintf(command, sizeof command, "rm -rf %s %s", work, ready);
    shell(command);
    (void)printf("%d faults, each survived\n", steps);
    return 0;
}
