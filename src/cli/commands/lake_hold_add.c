/* SPDX-License-Identifier: Apache-2.0 */
/* lake_hold_add.c - tarn lake hold add: keep a commit or an object until a day, whatever is asked meanwhile. */
#include "cli/command.h"
#include "lake/hold.h"

#include <stdio.h>
#include <string.h>

typedef struct hold_params {
    int mode;
    int64_t days;
    char until[64], why[512];
} hold_params;

static const tarn_param params[] = {
    TARN_WORD(hold_params, mode, 0, "governance|compliance|legal",
              "governance may be released early with --bypass, compliance never, legal has no end"),
    TARN_INT(hold_params, days, 0, 0, 36500, "hold for so many days from now"),
    TARN_TEXT(hold_params, until, "", "hold until this time, as 2030-12-31 or 2030-12-31T12:00"),
    TARN_TEXT(hold_params, why, "", "the reason, for those who find it held"),
    TARN_PARAMS_END,
};

/* The ref at the beginning of the text, by its full name; "" if it begins with a commit id. */
static void ref_of(tarn_lake *lake, const char *text, char out[256])
{
    static const char *const tops[] = {"heads/", "tags/", ""};
    size_t len = strcspn(text, "~^@");
    char name[300];
    tarn_id id;

    out[0] = '\0';
    for (; len > 0 && len < 200; len--) {
        if (text[len] && !strchr("/~^@", text[len])) continue;
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(name, sizeof name, "%s%.*s", tops[i], (int)len, text);
            if (!tops[i][0] && !strchr(name, '/')) continue;
            if (tarn_lake_ref_get(lake, name, &id, NULL) != TARN_OK) continue;
            (void)snprintf(out, 256, "%.255s", name);
            return;
        }
    }
}

static tarn_code target(tarn_lake *lake, const char *text, tarn_hold *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id commit;
    tarn_entry e;

    TARN_TRY(tarn_lake_resolve_path(lake, text, &commit, h->path, err));
    ref_of(lake, text, h->branch);
    h->id = commit;
    if (!h->path[0]) return TARN_OK;
    TARN_TRY(tarn_lake_lookup(lake, &commit, h->path, &e, err));
    h->kind = TARN_HOLD_OBJECT;
    h->id = e.object.id;
done:
    return rc;
}

static tarn_code read_time(const hold_params *p, tarn_hold *h, tarn_err *err)
{
    if (p->mode == TARN_HOLD_LEGAL) {
        if (p->days == 0 && !p->until[0]) return TARN_OK;
        return TARN_FAIL(err, TARN_USAGE, "a legal hold has no end; leave --days and --until away");
    }
    if ((p->days > 0) == (p->until[0] != '\0'))
        return TARN_FAIL(err, TARN_USAGE, "say how long: --days N or --until TIME%s", p->days > 0 ? ", not both" : "");
    h->until_us = tarn_now_us() + p->days * 86400000000;
    if (p->days == 0 && !tarn_time_parse(p->until, strlen(p->until), &h->until_us))
        return TARN_FAIL(err, TARN_INVALID, "'%.60s' is not a time; write 2030-12-31 or 2030-12-31T12:00", p->until);
    return TARN_OK;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const hold_params *p = values;
    tarn_lake *lake = NULL;
    tarn_hold h = {.mode = (tarn_hold_mode)p->mode};
    char when[32] = "for ever", hex[TARN_ID_HEX];

    (void)argc;
    TARN_TRY(read_time(p, &h, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(target(lake, argv[0], &h, err));
    (void)tarn_cli_author(h.who, sizeof h.who);
    (void)snprintf(h.why, sizeof h.why, "%s", p->why);
    TARN_TRY(tarn_lake_hold(lake, &h, err));
    if (h.until_us) (void)tarn_time_text(h.until_us, when);
    tarn_out(cli, "Hold %.12s (%s) keeps %s %.12s %s%s\n", h.name, tarn_hold_modes[h.mode],
             h.kind == TARN_HOLD_COMMIT ? "commit" : "object", tarn_id_hex(&h.id, hex), h.until_us ? "until " : "",
             when);
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "hold", h.name, "mode", tarn_hold_modes[h.mode], "id", hex,
                          "ref", h.branch, "path", h.path, "until", h.until_us ? when : "");
    (void)json_object_update(cli->result, j);
    json_decref(j);
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_hold_add = {
    .name = "lake hold add",
    .stage = "lake",
    .title = "keep a commit or an object until a day, whatever is asked meanwhile",
    .usage = "REF[/PATH]",
    .help =
        "Garbage collection keeps what is held, and the branch or tag through which it is held can be neither removed "
        "nor moved back behind it. A hold can be made longer by adding it again, never shorter. A clock set forward "
        "frees nothing.\n\nExample: tarn lake hold add v1 --mode compliance --days 365 --why 'audit 2026'",
    .least = 1,
    .most = 1,
    .params_size = sizeof(hold_params),
    .params = params,
    .run = run,
};
