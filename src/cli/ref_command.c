/* SPDX-License-Identifier: Apache-2.0 */
/* ref_command.c - see ref_command.h. */
#include "cli/ref_command.h"

#include "lake/history.h"

#include <stdio.h>
#include <string.h>

typedef struct listing {
    tarn_cli *cli;
    tarn_lake *lake;
    json_t *list;
    size_t skip;
} listing;

typedef struct message {
    char text[600];
} message;

static tarn_code keep_message(void *arg, const tarn_move *move, tarn_err *err)
{
    message *m = arg;

    (void)err;
    (void)snprintf(m->text, sizeof m->text, "%s", strcmp(move->why, "made") == 0 ? "" : move->why);
    return TARN_CANCELLED; /* the newest is enough */
}

static tarn_code show(void *arg, const tarn_ref *ref, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], when[32];
    message m = {.text = ""};
    bool tag = strncmp(ref->name, "tags/", 5) == 0;

    if (tag) {
        tarn_code rc = tarn_lake_ref_moves(l->lake, ref->name, keep_message, &m, err);
        if (rc != TARN_OK) return rc;
    }
    tarn_out(l->cli, "%.12s  %s  %s%s%.*s\n", tarn_id_hex(&ref->commit, hex), tarn_time_text(ref->time_us, when),
             ref->name + l->skip, m.text[0] ? "  " : "", (int)strcspn(m.text, "\n"), m.text);
    json_t *j = json_pack("{s:s, s:s, s:s}", "name", ref->name + l->skip, "commit", hex, "changed", when);
    if (m.text[0]) (void)json_object_set_new(j, "message", json_string(m.text));
    return tarn_json_append(l->list, j, err);
}

/* What it names now; *there false: there is none. */
static tarn_code find(tarn_lake *lake, const char *name, tarn_id *id, bool *there, tarn_err *err)
{
    tarn_code rc = tarn_lake_ref_get(lake, name, id, err);

    *there = rc == TARN_OK;
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

static tarn_code change_ref(tarn_cli *cli, tarn_lake *lake, const char *name, const tarn_ref_change *c, const char *at,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char author[128], hex[TARN_ID_HEX];
    const char *own = strchr(name, '/') + 1, *what = c->remove ? "removed" : c->force ? "moved" : "made";
    tarn_id was, id;
    bool there = false;

    TARN_TRY(find(lake, name, &was, &there, err));
    if (c->remove && !there) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s '%s'", c->word, own);
    else if (!c->remove && there && !c->force)
        rc = TARN_FAIL(err, TARN_EXISTS, "there is a %s '%s' already; %s", c->word, own,
                       strcmp(c->word, "tag") == 0 ? "--force moves it" : "--remove takes it away");
    TARN_TRY(rc);
    if (!c->remove) TARN_TRY(tarn_lake_resolve(lake, at, &id, err));
    TARN_TRY(tarn_lake_ref_move(lake, name, there ? &was : NULL, c->remove ? NULL : &id,
                                tarn_cli_author(author, sizeof author), c->message[0] ? c->message : what, err));
    tarn_out(cli, "%s %s %s %.12s\n", what, c->word, own, tarn_id_hex(c->remove ? &was : &id, hex));
    if (c->remove) tarn_out(cli, "To have it back: tarn lake %s %s %.12s\n", c->word, own, hex);
    TARN_TRY(tarn_json_set(cli->result, c->word, json_string(own), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(hex), err));
done:
    return rc;
}

tarn_code tarn_cli_refs(tarn_cli *cli, const tarn_ref_change *c, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    listing l = {.cli = cli, .list = json_array(), .skip = strlen(c->prefix)};
    char name[256], branch[256];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    l.lake = lake;
    if (argc == 0) {
        TARN_TRY(tarn_lake_refs(lake, c->prefix, show, &l, err));
        TARN_TRY(tarn_json_set(cli->result, "refs", json_incref(l.list), err));
        goto done;
    }
    if (strlen(argv[0]) > 200) {
        rc = TARN_FAIL(err, TARN_INVALID, "a %s's name has at most 200 bytes", c->word);
        goto done;
    }
    (void)snprintf(name, sizeof name, "%s%s", c->prefix, argv[0]);
    TARN_TRY(change_ref(cli, lake, name, c, argc > 1 ? argv[1] : tarn_cli_branch(cli, branch, sizeof branch), err));
done:
    json_decref(l.list);
    tarn_lake_close(lake);
    return rc;
}
