/* SPDX-License-Identifier: Apache-2.0 */
/* ref_command.c - see ref_command.h. */
#include "cli/ref_command.h"

#include <stdio.h>
#include <string.h>

typedef struct listing {
    tarn_cli *cli;
    json_t *list;
    size_t skip;
} listing;

static tarn_code show(void *arg, const tarn_ref *ref, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], when[32];

    tarn_out(l->cli, "%.12s  %s  %s\n", tarn_id_hex(&ref->commit, hex), tarn_time_text(ref->time_us, when),
             ref->name + l->skip);
    return tarn_json_append(
        l->list, json_pack("{s:s, s:s, s:s}", "name", ref->name + l->skip, "commit", hex, "changed", when), err);
}

static tarn_code change(tarn_cli *cli, tarn_lake *lake, const char *name, const char *word, bool remove, const char *at,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char author[128], hex[TARN_ID_HEX];
    const char *slash = strchr(name, '/');
    tarn_id id;

    if (remove) {
        rc = tarn_lake_ref_get(lake, name, &id, NULL);
        if (rc == TARN_NOT_FOUND) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no %s '%s'", word, slash + 1);
        TARN_TRY(rc);
    } else {
        TARN_TRY(tarn_lake_resolve(lake, at, &id, err));
    }
    rc = tarn_lake_ref_move(lake, name, remove ? &id : NULL, remove ? NULL : &id,
                            tarn_cli_author(author, sizeof author), remove ? "removed" : "made", err);
    if (rc == TARN_CONFLICT && !remove)
        rc = TARN_FAIL(err, TARN_EXISTS, "there is a %s '%s' already; --remove takes it away", word, slash + 1);
    TARN_TRY(rc);
    tarn_out(cli, "%s %s %s %.12s\n", remove ? "removed" : "made", word, slash + 1, tarn_id_hex(&id, hex));
    TARN_TRY(tarn_json_set(cli->result, word, json_string(slash + 1), err));
    TARN_TRY(tarn_json_set(cli->result, "commit", json_string(hex), err));
done:
    return rc;
}

tarn_code tarn_cli_refs(tarn_cli *cli, const char *prefix, const char *word, bool remove, int argc, char *const *argv,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    listing l = {cli, json_array(), strlen(prefix)};
    char name[256], branch[256];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    if (argc == 0) {
        TARN_TRY(tarn_lake_refs(lake, prefix, show, &l, err));
        TARN_TRY(tarn_json_set(cli->result, "refs", json_incref(l.list), err));
        goto done;
    }
    if (strlen(argv[0]) > 200) {
        rc = TARN_FAIL(err, TARN_INVALID, "a %s's name has at most 200 bytes", word);
        goto done;
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, argv[0]);
    TARN_TRY(
        change(cli, lake, name, word, remove, argc > 1 ? argv[1] : tarn_cli_branch(cli, branch, sizeof branch), err));
done:
    json_decref(l.list);
    tarn_lake_close(lake);
    return rc;
}
