/* SPDX-License-Identifier: Apache-2.0 */
/* join_command.c - see join_command.h. */
#include "cli/join_command.h"

#include "cli/lake_print.h"
#include "cli/rows_print.h"
#include "flow/project.h"
#include "flow/table_merge.h"

#include <stdio.h>

#define STRATEGIES "none|ours|theirs"
#define COMMON                                                                                                       \
    TARN_TEXT(tarn_join_params, message, "", "message of the commit (default: one is made)"),                        \
        TARN_WORD(tarn_join_params, strategy, 0, STRATEGIES, "who wins where nothing else decides: none reports"),   \
        TARN_TEXTS(tarn_join_params, ours, "paths whose conflicts the branch wins, like clean/**; may be repeated"), \
        TARN_TEXTS(tarn_join_params, theirs, "paths whose conflicts the other side wins; may be repeated"),          \
        TARN_BOOL_PARAM(tarn_join_params, dry_run, false, "tell what would happen, and change nothing"),             \
        TARN_INT(tarn_join_params, limit, 3, 1, 1000000000, "conflicting cells to tell of each table"),              \
        TARN_TEXT(tarn_join_params, as, "", "author (default: you)")

const tarn_param tarn_merge_table[] = {
    COMMON,
    TARN_BOOL_PARAM(tarn_join_params, no_ff, false, "make a merge commit even where moving the branch would do"),
    TARN_PARAMS_END,
};

const tarn_param tarn_pick_table[] = {
    COMMON,
    TARN_INT(tarn_join_params, mainline, 0, 0, 2, "of a merge: which parent counts as what was before, 1 or 2"),
    TARN_PARAMS_END,
};

typedef struct told {
    tarn_change_list changes; /* first: arg of tarn_print_change */
    json_t *conflicts;
    json_t *rows; /* of the table that was asked about last */
} told;

/* "12 B", or "-" where nothing is. */
static const char *size_text(const tarn_entry *e, char out[32])
{
    if (e) return tarn_num_bytes(e->object.size, out);
    (void)snprintf(out, 32, "-");
    return out;
}

static json_t *side_json(const tarn_entry *e)
{
    char hex[TARN_ID_HEX];

    if (!e) return json_null();
    return json_pack("{s:s, s:I}", "object", tarn_id_hex(&e->object.id, hex), "bytes", (json_int_t)e->object.size);
}

/* One cell, or one column, of a table that both sides changed. */
static tarn_code keep_row(void *arg, const tarn_row_conflict *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    told *t = arg;
    json_t *j = json_object(), *key = json_object();

    if (!t->changes.cli->json) goto done;
    for (int i = 0; i < c->n_key; i++)
        TARN_TRY(tarn_json_set(key, c->key[i].column->name,
                               tarn_row_value_json(c->key[i].column->type_after, c->key[i].after), err));
    TARN_TRY(tarn_json_set(j, "conflict", json_string(tarn_clash_name(c->kind)), err));
    if (c->n_key > 0) TARN_TRY(tarn_json_set(j, "key", json_incref(key), err));
    TARN_TRY(tarn_json_set(j, "column", json_string(c->column), err));
    if (c->why) {
        TARN_TRY(tarn_json_set(j, "why", json_string(c->why), err));
    } else {
        TARN_TRY(tarn_json_set(j, "base", tarn_row_value_json(c->type, c->base), err));
        TARN_TRY(tarn_json_set(j, "ours", tarn_row_value_json(c->type, c->ours), err));
        TARN_TRY(tarn_json_set(j, "theirs", tarn_row_value_json(c->type, c->theirs), err));
    }
    TARN_TRY(tarn_json_append(t->rows, json_incref(j), err));
done:
    json_decref(key);
    json_decref(j);
    return rc;
}

static tarn_code print_conflict(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                const tarn_entry *theirs, const char *why, tarn_err *err)
{
    told *t = arg;
    const tarn_cli *cli = t->changes.cli;
    char a[32], b[32], c[32];
    json_t *rows = json_deep_copy(t->rows);

    tarn_out(cli, "%sconflict%s  %s  base %s, ours %s, theirs %s%s%s\n", tarn_color(cli, "red"), tarn_color(cli, NULL),
             path, size_text(base, a), size_text(ours, b), size_text(theirs, c), why[0] ? ": " : "", why);
    return tarn_json_append(t->conflicts,
                            json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "path", path, "base", side_json(base), "ours",
                                      side_json(ours), "theirs", side_json(theirs), "why", why, "rows", rows),
                            err);
}

static tarn_code keep_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                             tarn_err *err)
{
    return tarn_print_change(&((told *)arg)->changes, kind, before, after, err);
}

static void print_result(const tarn_cli *cli, const tarn_join_params *p, const tarn_merge_result *r, const char *into)
{
    char hex[TARN_ID_HEX];

    (void)tarn_id_hex(&r->commit, hex);
    if (p->dry_run) tarn_out(cli, "Nothing was changed: %s is at %.12s", into, hex);
    else if (r->nothing) tarn_out(cli, "Nothing to do: %s is at %.12s", into, hex);
    else tarn_out(cli, "%s is at %.12s now%s", into, hex, r->fast_forward ? " (fast-forward)" : "");
    if (r->settled > 0) tarn_out(cli, "; %lld conflict%s settled", (long long)r->settled, r->settled == 1 ? "" : "s");
    if (r->conflicts > 0)
        tarn_out(cli, "; %lld conflict%s would stay", (long long)r->conflicts, r->conflicts == 1 ? "" : "s");
    tarn_out(cli, "\n");
}

static tarn_code keep_result(tarn_cli *cli, const told *t, const tarn_merge_result *r, const char *into, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char commit[TARN_ID_HEX], base[TARN_ID_HEX];

    TARN_TRY(tarn_json_set(cli->result, "branch", json_string(into), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(tarn_id_hex(&r->commit, commit)), err));
    if (!tarn_id_none(&r->base))
        TARN_TRY(tarn_json_set(cli->result, "base", json_string(tarn_id_hex(&r->base, base)), err));
    TARN_TRY(tarn_json_set(cli->result, "fast_forward", json_boolean(r->fast_forward), err));
    TARN_TRY(tarn_json_set(cli->result, "nothing", json_boolean(r->nothing), err));
    TARN_TRY(tarn_json_set(cli->result, "settled", json_integer(r->settled), err));
    TARN_TRY(tarn_json_set(cli->result, "conflicts", json_incref(t->conflicts), err));
    TARN_TRY(tarn_json_set(cli->result, "changes", json_incref(t->changes.list), err));
done:
    return rc;
}

/* Rows of tables are merged where files conflict, by what the project file declares. */
typedef struct tables {
    tarn_project *project;
    tarn_id base, ours, theirs; /* of a merge: where referenced tables are looked up */
    tarn_table_merger merger;
    told *told;
} tables;

static tarn_code merge_table(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                             const tarn_entry *theirs, tarn_entry *merged, bool *settled, tarn_text *why, tarn_err *err)
{
    tables *t = arg;

    (void)json_array_clear(t->told->rows);
    return tarn_table_merge(&t->merger, path, base, ours, theirs, merged, settled, why, err);
}

static tarn_code open_tables(tables *t, tarn_cli *cli, tarn_lake *lake, const tarn_join_params *p, bool merge,
                             const char *from, const char *into, tarn_err *err)
{
    static const tarn_rows_side sides[] = {
        [TARN_SIDE_NONE] = TARN_ROWS_NONE, [TARN_SIDE_OURS] = TARN_ROWS_OURS, [TARN_SIDE_THEIRS] = TARN_ROWS_THEIRS};
    tarn_code rc = TARN_OK;

    t->project = tarn_cli_declared(cli);
    t->merger = (tarn_table_merger){.lake = lake,
                                    .project = t->project,
                                    .threads = tarn_pool_threads(cli->pool),
                                    .resolve = sides[p->strategy],
                                    .shown = p->limit,
                                    .conflict = keep_row,
                                    .conflict_arg = t->told};
    if (!merge) goto done;
    TARN_TRY(tarn_lake_resolve(lake, from, &t->theirs, err));
    TARN_TRY(tarn_lake_ref_get(lake, into, &t->ours, err));
    TARN_TRY(tarn_lake_merge_base(lake, &t->ours, &t->theirs, &t->base, err));
    t->merger.theirs = &t->theirs;
    t->merger.ours = &t->ours;
    t->merger.base = tarn_id_none(&t->base) ? NULL : &t->base;
done:
    return rc;
}

static void close_tables(tables *t)
{
    tarn_table_merger_clear(&t->merger);
    tarn_project_free(t->project);
}

tarn_code tarn_cli_join(tarn_cli *cli, const tarn_join_params *p, tarn_join_fn *join, int argc, char *const *argv,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    char branch[256], who[256];
    const char *into = argc > 1 ? argv[1] : tarn_cli_branch(cli, branch, sizeof branch);
    told t = {.changes = {.cli = cli, .list = json_array()}, .conflicts = json_array(), .rows = json_array()};
    tarn_merge_result r = {.nothing = false};
    tables rows = {.told = &t};
    tarn_merge_options o = {.author = tarn_cli_who(p->as, who, sizeof who),
                            .message = p->message[0] ? p->message : NULL,
                            .strategy = (tarn_side)p->strategy,
                            .ours = p->ours,
                            .theirs = p->theirs,
                            .resolve = merge_table,
                            .conflict = print_conflict,
                            .change = keep_change,
                            .resolve_arg = &rows,
                            .told_arg = &t,
                            .mainline = (int)p->mainline,
                            .no_ff = p->no_ff,
                            .dry_run = p->dry_run};

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(open_tables(&rows, cli, lake, p, join == tarn_lake_merge, argv[0], into, err));
    rc = join(lake, argv[0], into, &o, &r, err);
    if (rc == TARN_OK) print_result(cli, p, &r, into);
    if (r.idle[0] && (rc == TARN_OK || r.conflicts > 0))
        tarn_say(cli->sink, TARN_WARN, "no conflict fits the pattern '%s'", r.idle);
    if (rc == TARN_OK || r.conflicts > 0) {
        tarn_code kept = keep_result(cli, &t, &r, into, rc == TARN_OK ? err : NULL);
        if (rc == TARN_OK) rc = kept;
    }
done:
    json_decref(t.changes.list);
    json_decref(t.conflicts);
    json_decref(t.rows);
    close_tables(&rows);
    tarn_lake_close(lake);
    return rc;
}
