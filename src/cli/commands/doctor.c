/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - tarn doctor: is everything as Tarn needs it? */
#include "base/file.h"
#include "cli/flow_run.h"
#include "table/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct checkup {
    tarn_cli *cli;
    json_t *list;
    int bad;
} checkup;

static void note(checkup *c, bool good, const char *what, const char *fmt, ...) TARN_PRINTF(4, 5);
static void note(checkup *c, bool good, const char *what, const char *fmt, ...)
{
    char line[600];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    c->bad += !good;
    tarn_out(c->cli, "%s%-4s%s %-14s %s\n", tarn_color(c->cli, good ? "green" : "red"), good ? "ok" : "BAD",
             tarn_color(c->cli, NULL), what, line);
    (void)json_array_append_new(c->list, json_pack("{s:s, s:b, s:s}", "check", what, "ok", (int)good, "found", line));
}

static void look_at_machine(checkup *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t memory = tarn_mem_machine();
    char bytes[32];
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");

    note(c, true, "program", "tarn %s, code %.12s", tarn_version_text(), tarn_code_hash());
    note(c, avx2, "processor", "%ld cores, %s", cores, avx2 ? "AVX2 and FMA" : "without AVX2 or FMA, which Tarn needs");
    note(c, memory > 1000000000, "memory", "%s", tarn_num_bytes((uint64_t)memory, bytes));
}

static void look_at_disk(checkup *c)
{
    struct statvfs disk;
    char bytes[32];

    if (statvfs(c->cli->folder, &disk) != 0)
        note(c, false, "disk", "cannot look at '%s': %s", c->cli->folder, strerror(errno));
    else
        note(c, (uint64_t)disk.f_bavail * disk.f_frsize > 1000000000u, "disk", "%s free%s",
             tarn_num_bytes((uint64_t)disk.f_bavail * disk.f_frsize, bytes),
             (uint64_t)disk.f_bavail * disk.f_frsize > 1000000000u ? "" : "; less than 1 GB is little");
    note(c, access(c->cli->folder, W_OK) == 0, "folder", "'%s' is %swritable", c->cli->folder,
         access(c->cli->folder, W_OK) == 0 ? "" : "not ");
}

static void look_at_engine(checkup *c)
{
    tarn_db *db = NULL;
    tarn_db_options options = {.threads = 1};
    int64_t answer = 0;
    tarn_err err = {0};
    tarn_code rc = tarn_db_open(&options, &db, &err);

    if (rc == TARN_OK) rc = tarn_db_count(db, "SELECT 6 * 7", &answer, &err);
    tarn_db_close(db);
    note(c, rc == TARN_OK && answer == 42, "SQL engine", "%s", rc == TARN_OK ? "answers" : err.msg);
}

/* Where packs and metadata live, and whether they answer. */
static void look_at_places(checkup *c, tarn_lake *lake)
{
    tarn_err err = {0};
    tarn_code rc = tarn_lake_probe(lake, &err);

    note(c, rc == TARN_OK, "places", "packs at %s, metadata at %s%s%s", tarn_lake_store_at(lake),
         tarn_lake_meta_at(lake), rc == TARN_OK ? "" : ": ", rc == TARN_OK ? "" : err.msg);
}

static void look_at_project(checkup *c)
{
    tarn_err err = {0};
    tarn_lake *lake = NULL;
    tarn_project *p = NULL;

    tarn_code rc = tarn_lake_open(c->cli->folder, &lake, &err); /* that there is none yet is no fault */
    note(c, rc == TARN_OK || rc == TARN_NOT_FOUND, "lake", "%s", rc == TARN_OK ? tarn_lake_inside(lake) : err.msg);
    if (rc == TARN_OK) look_at_places(c, lake);
    tarn_lake_close(lake);
    rc = tarn_project_read(c->cli->folder, &p, NULL, &err);
    if (rc == TARN_OK) note(c, true, "project file", "%s: %zu steps", p->name, p->n_steps);
    else note(c, rc == TARN_NOT_FOUND, "project file", "%s", err.msg);
    tarn_project_free(p);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    checkup c = {.cli = cli, .list = json_array()};

    (void)values, (void)argc, (void)argv;
    look_at_machine(&c);
    look_at_disk(&c);
    look_at_engine(&c);
    look_at_project(&c);
    TARN_TRY(tarn_json_set(cli->result, "checks", json_incref(c.list), err));
    if (c.bad > 0) rc = TARN_FAIL(err, TARN_CHECK, "%d check%s failed, see above", c.bad, c.bad == 1 ? "" : "s");
done:
    json_decref(c.list);
    return rc;
}

const tarn_command tarn_command_doctor = {
    .name = "doctor",
    .stage = "project",
    .title = "is everything as Tarn needs it?",
    .usage = "",
    .run = run,
};
