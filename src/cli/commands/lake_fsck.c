/* SPDX-License-Identifier: Apache-2.0 */
/* lake_fsck.c - tarn lake fsck: read everything and check every hash and link; say what damage hurts; repair it. */
#include "cli/command.h"

#include "base/mem.h"
#include "lake/care.h"

#include <stdio.h>
#include <string.h>

enum { SOURCES = 16 };

typedef struct fsck_params {
    bool repair, lost;
    char from[4000];
} fsck_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(fsck_params, repair, false,
                    "set damaged files aside, store what is sound again, fetch what is missing from where it still is"),
    TARN_TEXT(fsck_params, from, "",
              "a copy of the lake to repair from: a folder, or a store as s3://..., gs://... or azure://... (more may "
              "follow as arguments)"),
    TARN_BOOL_PARAM(fsck_params, lost, false, "list the commits that no branch, tag or alias reaches"),
    TARN_PARAMS_END,
};

typedef struct findings {
    tarn_cli *cli;
    json_t *damaged, *hurt, *done, *lost;
    int64_t hurts, derived;
} findings;

static void show(void *arg, const char *line)
{
    findings *f = arg;

    tarn_out(f->cli, "%sdamaged%s  %s\n", tarn_color(f->cli, "red"), tarn_color(f->cli, NULL), line);
    (void)json_array_append_new(f->damaged, json_string(line));
}

static void show_done(void *arg, const char *line)
{
    findings *f = arg;

    tarn_out(f->cli, "%srepair%s   %s\n", tarn_color(f->cli, "yellow"), tarn_color(f->cli, NULL), line);
    (void)json_array_append_new(f->done, json_string(line));
}

/* heads/main is called main, as people type it. */
static const char *short_ref(const char *ref) { return strncmp(ref, "heads/", 6) == 0 ? ref + 6 : ref; }

static tarn_code show_hurt(void *arg, const tarn_hurt *h, tarn_err *err)
{
    findings *f = arg;
    char commit[TARN_ID_HEX], object[TARN_ID_HEX], when[40] = "";
    const char *ref = h->ref[0] ? short_ref(h->ref) : "(staged)";

    (void)tarn_id_hex(&h->commit, commit);
    (void)tarn_id_hex(&h->object, object);
    if (!h->now && h->ref[0]) (void)snprintf(when, sizeof when, " (in commit %.12s)", commit);
    if (f->hurts++ == 0) tarn_out(f->cli, "\nWhat cannot be read:\n");
    if (f->hurts <= 200)
        tarn_out(f->cli, "  %s: %s%s%s\n", ref, h->path[0] ? h->path : "the whole commit", when,
                 h->derived ? "  (derived: `tarn run` makes it again)" : "");
    f->derived += h->derived;
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "ref", h->ref, "path", h->path, "commit",
                          h->ref[0] ? commit : "", "object", tarn_id_none(&h->object) ? "" : object, "newest",
                          h->now ? 1 : 0, "derived", h->derived ? 1 : 0);
    return tarn_json_append(f->hurt, j, err);
}

static tarn_code show_lost(void *arg, const tarn_commit *c, bool tip, tarn_err *err)
{
    findings *f = arg;
    char id[TARN_ID_HEX], time[32];

    (void)tarn_id_hex(&c->id, id);
    (void)tarn_time_text(c->time_us, time);
    tarn_out(f->cli, "%s %.12s  %s  %.60s  %.*s\n", tip ? "*" : " ", id, time, c->author,
             (int)strcspn(c->message, "\n"), c->message);
    json_t *j = json_pack("{s:s, s:b, s:I, s:s, s:s}", "id", id, "tip", tip ? 1 : 0, "time_us", (json_int_t)c->time_us,
                          "author", c->author, "message", c->message);
    return tarn_json_append(f->lost, j, err);
}

/* ---- repairing ---- */

typedef struct sources {
    tarn_lake *lakes[SOURCES];
    const char *names[SOURCES]; /* (n_lakes) */
    const char *folders[SOURCES];
    size_t n_lakes, n_folders;
} sources;

static tarn_code open_source(tarn_lake *lake, const char *where, findings *f, sources *out, tarn_err *err)
{
    tarn_lake **at = &out->lakes[out->n_lakes];
    tarn_code rc = tarn_lake_source_open(lake, where, at, show_done, f, err);

    if (rc != TARN_OK) {
        tarn_err_note(err, "the copy '%s'", where);
        return rc;
    }
    if (!*at) {
        out->folders[out->n_folders++] = where;
        return TARN_OK;
    }
    out->names[out->n_lakes++] = where;
    if (strcmp(tarn_lake_inside(*at), tarn_lake_inside(lake)) != 0) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "'%s' is the lake to be repaired; give another copy of it", where);
}

/* The copies to repair from: --from and the arguments. */
static tarn_code open_sources(tarn_lake *lake, const fsck_params *p, int argc, char *const *argv, findings *f,
                              sources *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (p->from[0]) TARN_TRY(open_source(lake, p->from, f, out, err));
    for (int i = 0; i < argc; i++) TARN_TRY(open_source(lake, argv[i], f, out, err));
done:
    return rc;
}

typedef struct copy_refs {
    findings *f;
    tarn_lake *lake;  /* the one that was repaired */
    const char *name; /* of the copy */
} copy_refs;

/* A branch or tag that a copy knows and the new metadata do not. */
static tarn_code tell_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    copy_refs *r = arg;
    bool branch = strncmp(ref->name, "heads/", 6) == 0;
    char hex[TARN_ID_HEX], line[1200];
    tarn_commit c = {.n_parents = 0};
    tarn_id now;

    if (!branch && strncmp(ref->name, "tags/", 5) != 0) return TARN_OK;
    tarn_code rc = tarn_lake_ref_get(r->lake, ref->name, &now, err);
    if (rc != TARN_NOT_FOUND) return rc;
    rc = tarn_lake_commit_read(r->lake, &ref->commit, &c, err);
    tarn_commit_clear(&c);
    if (rc != TARN_OK) return rc == TARN_NOT_FOUND ? TARN_OK : rc;
    (void)tarn_id_hex(&ref->commit, hex);
    (void)snprintf(line, sizeof line,
                   "the copy '%.400s' has '%.250s' at commit %.12s; 'tarn lake %s %.250s %.12s' puts it there again",
                   r->name, short_ref(ref->name), hex, branch ? "branch" : "tag", ref->name + (branch ? 6 : 5), hex);
    show_done(r->f, line);
    return TARN_OK;
}

/* Told, not taken: a copy may be older than what was lost. */
static tarn_code tell_refs(tarn_lake *lake, const sources *s, findings *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < s->n_lakes; i++)
        TARN_TRY(
            tarn_lake_refs(s->lakes[i], "", tell_ref, &(copy_refs){.f = f, .lake = lake, .name = s->names[i]}, err));
done:
    return rc;
}

static tarn_code repair(tarn_cli *cli, const fsck_params *p, int argc, char *const *argv, findings *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    sources s = {.n_lakes = 0};
    tarn_repair sum = {0};
    bool mended = false;

    if (argc + 1 > SOURCES) return TARN_FAIL(err, TARN_LIMIT, "at most %d copies at a time", SOURCES - 1);
    TARN_TRY(tarn_lake_mend_meta(cli->folder, show_done, f, &mended, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(open_sources(lake, p, argc, argv, f, &s, err));
    tarn_repair_options o = {.from = s.lakes,
                             .n_from = s.n_lakes,
                             .folders = s.folders,
                             .n_folders = s.n_folders,
                             .say = show_done,
                             .arg = f,
                             .sink = cli->sink};
    TARN_TRY(tarn_lake_repair(lake, &o, &sum, err));
    if (mended) TARN_TRY(tell_refs(lake, &s, f, err));
    json_t *j = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:O}", "metadata", mended ? 1 : 0, "packs",
                          (json_int_t)sum.packs, "saved", (json_int_t)sum.saved, "fetched", (json_int_t)sum.fetched,
                          "files", (json_int_t)sum.files, "left", (json_int_t)sum.left, "done", f->done);
    TARN_TRY(tarn_json_set(cli->result, "repair", j, err));
done:
    for (size_t i = 0; i < s.n_lakes; i++) tarn_lake_close(s.lakes[i]);
    tarn_lake_close(lake);
    return rc;
}

/* ---- checking ---- */

static tarn_code result(tarn_cli *cli, const tarn_fsck *sum, const findings *f, tarn_err *err)
{
    json_t *j =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "refs", (json_int_t)sum->refs, "commits",
                  (json_int_t)sum->commits, "trees", (json_int_t)sum->trees, "objects", (json_int_t)sum->objects,
                  "chunks", (json_int_t)sum->chunks, "packs", (json_int_t)sum->packs, "bytes", (json_int_t)sum->bytes,
                  "problems", (json_int_t)sum->problems, "damaged", f->damaged, "hurt", f->hurt);

    if (!j || json_object_update(cli->result, j) != 0) {
        json_decref(j);
        return TARN_FAIL(err, TARN_NOMEM, "no memory for the result");
    }
    json_decref(j);
    return TARN_OK;
}

static tarn_code verdict(tarn_cli *cli, const tarn_fsck *sum, const findings *f, bool repaired, tarn_err *err)
{
    if (sum->problems == 0) {
        tarn_out(cli, "%sclean%s\n", tarn_color(cli, "green"), tarn_color(cli, NULL));
        return TARN_OK;
    }
    if (f->hurts > 200) tarn_out(cli, "  ... and %lld more (--json lists all)\n", (long long)f->hurts - 200);
    if (f->hurts > 0) tarn_out(cli, "\n");
    return TARN_FAIL(err, TARN_CORRUPT,
                     "%lld problem%s found%s; what is named above cannot be read, everything else can; %s",
                     (long long)sum->problems, sum->problems == 1 ? "" : "s", repaired ? " after the repair" : "",
                     repaired ? "give a copy of the lake that has it with --from"
                              : "'tarn lake fsck --repair [--from COPY]' mends what it can");
}

static tarn_code check(tarn_cli *cli, const fsck_params *p, findings *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_fsck sum = {0};
    char bytes[32];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_fsck(lake, show, f, &sum, cli->sink, err));
    if (sum.problems > 0) TARN_TRY(tarn_lake_hurt(lake, show_hurt, f, cli->sink, err));
    tarn_out(cli, "%lld refs, %lld commits, %lld trees, %lld objects, %lld chunks in %lld packs, %s\n",
             (long long)sum.refs, (long long)sum.commits, (long long)sum.trees, (long long)sum.objects,
             (long long)sum.chunks, (long long)sum.packs, tarn_num_bytes((uint64_t)sum.bytes, bytes));
    TARN_TRY(result(cli, &sum, f, err));
    rc = verdict(cli, &sum, f, p->repair, err);
done:
    tarn_lake_close(lake);
    return rc;
}

static tarn_code list_lost(tarn_cli *cli, findings *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_lost(lake, show_lost, f, err));
    TARN_TRY(tarn_json_set(cli->result, "lost", json_incref(f->lost), err));
    if (json_array_size(f->lost) == 0) tarn_out(cli, "every commit is reached by a branch, tag or alias\n");
    else
        tarn_out(cli,
                 "`tarn lake branch NAME ID` makes a branch of one; * marks those that no other lost commit follows\n");
done:
    tarn_lake_close(lake);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const fsck_params *p = values;
    findings f = {
        .cli = cli, .damaged = json_array(), .hurt = json_array(), .done = json_array(), .lost = json_array()};

    if (!p->repair && (p->from[0] || argc > 0)) {
        rc = TARN_FAIL(err, TARN_USAGE, "copies of the lake are for --repair");
        goto done;
    }
    if (p->repair) TARN_TRY(repair(cli, p, argc, argv, &f, err));
    TARN_TRY(p->lost ? list_lost(cli, &f, err) : check(cli, p, &f, err));
done:
    json_decref(f.damaged);
    json_decref(f.hurt);
    json_decref(f.done);
    json_decref(f.lost);
    return rc;
}

const tarn_command tarn_command_lake_fsck = {
    .name = "lake fsck",
    .stage = "lake",
    .title = "read everything and check every hash and link; repair",
    .usage = "[COPY...]",
    .help = "Says what is damaged and which paths of which branches that hurts. With --repair: damaged packs are set "
            "aside in .tarn/damaged (never deleted), their sound records stored again; what is then missing is fetched "
            "from copies of the lake (folders, also ones without metadata or without a lake, and stores), from "
            ".tarn/cache, and from files of the project's folder that have the right content; a lost or damaged "
            "meta.db is made again from what is there. No other tarn should be at work in "
            "the lake meanwhile.\nExample: `tarn lake fsck --repair --from /backup/project`",
    .most = -1,
    .params_size = sizeof(fsck_params),
    .params = params,
    .run = run,
};
