/* SPDX-License-Identifier: Apache-2.0 */
/* holdouts.c - see holdouts.h. */
#include "cli/holdouts.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/sink.h"
#include "flow/flow.h"

#include <stdio.h>
#include <string.h>

/* The uses as of a commit (none: there are none yet). */
static tarn_code read_uses(tarn_lake *lake, const tarn_id *head, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry;
    char *text = NULL;
    size_t len = 0;
    json_t *read = NULL;

    *out = NULL;
    rc = tarn_id_none(head) ? TARN_NOT_FOUND : tarn_lake_lookup(lake, head, TARN_HOLDOUT_PATH, &entry, err);
    if (rc == TARN_NOT_FOUND) {
        *out = json_array();
        return *out ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "out of memory");
    }
    TARN_TRY(rc);
    TARN_TRY(tarn_lake_get(lake, &entry.object.id, 64 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, TARN_HOLDOUT_PATH, &read, err));
    json_t *uses = json_object_get(read, "uses");
    if (!json_is_array(uses))
        TARN_TRY(TARN_FAIL(err, TARN_CORRUPT, "%s has no list of uses; `tarn lake log` shows who changed it",
                           TARN_HOLDOUT_PATH));
    *out = json_incref(uses);
done:
    json_decref(read);
    tarn_free(text);
    return rc;
}

static void head_of(tarn_lake *lake, const char *branch, char ref[300], tarn_id *head)
{
    (void)snprintf(ref, 300, "heads/%.200s", branch);
    if (tarn_lake_ref_get(lake, ref, head, NULL) != TARN_OK) *head = (tarn_id){{0}};
}

tarn_code tarn_holdout_uses(tarn_lake *lake, const char *branch, json_t **out, tarn_err *err)
{
    char ref[300];
    tarn_id head;

    head_of(lake, branch, ref, &head);
    return read_uses(lake, &head, out, err);
}

int64_t tarn_holdout_count(const json_t *uses, const char *key, const char *text)
{
    int64_t n = 0;

    for (size_t i = 0; i < json_array_size(uses); i++)
        n += strcmp(tarn_json_text(json_array_get(uses, i), key, ""), text) == 0;
    return n;
}

tarn_code tarn_holdout_describe(tarn_lake *lake, const char *branch, const char *name, const tarn_model *model,
                                int64_t rows, const char *why, const char *who, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = 0;
    const void *bytes = tarn_model_bytes(model, &len);
    tarn_entry split;
    tarn_id id;
    char hex[TARN_ID_HEX], split_hex[TARN_ID_HEX], when[32];

    *out = NULL;
    TARN_TRY(tarn_digest(bytes, len, &id, err));
    TARN_TRY(tarn_lake_table(lake, branch, "prepare/split.parts", &split, err));
    *out = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "use", 0, "time", tarn_time_text(tarn_now_us(), when),
                     "by", who, "why", why, "model", name, "id", tarn_id_hex(&id, hex), "split",
                     tarn_id_hex(&split.object.id, split_hex), "rows", (json_int_t)rows);
    if (!*out) rc = TARN_FAIL(err, TARN_NOMEM, "out of memory");
done:
    return rc;
}

/* One try: what the branch has now, and the use behind it. TARN_CONFLICT if the branch has moved meanwhile. */
static tarn_code add_once(tarn_lake *lake, const char *branch, json_t *use, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *uses = NULL, *file = NULL;
    char ref[300], message[300], *text = NULL;
    tarn_id head, made;
    tarn_entry entry = {.path = TARN_HOLDOUT_PATH};

    head_of(lake, branch, ref, &head);
    TARN_TRY(read_uses(lake, &head, &uses, err));
    json_int_t number = (json_int_t)json_array_size(uses) + 1;
    TARN_TRY(tarn_json_set(use, "use", json_integer(number), err));
    TARN_TRY(tarn_json_append(uses, json_incref(use), err));
    file = json_pack("{s:O}", "uses", uses);
    if (!file) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "out of memory"));
    TARN_TRY(tarn_json_pretty(file, &text, err));
    TARN_TRY(tarn_lake_put(lake, text, strlen(text), &entry.object, err));
    (void)snprintf(message, sizeof message, "holdout: use %lld, model %.100s", (long long)number,
                   tarn_json_text(use, "model", ""));
    tarn_commit_options options = {.author = who, .message = message, .expect = &head};
    TARN_TRY(tarn_lake_commit_entries(lake, ref, &entry, 1, &options, &made, err));
done:
    tarn_free(text);
    json_decref(file);
    json_decref(uses);
    return rc;
}

tarn_code tarn_holdout_add(tarn_lake *lake, const char *branch, json_t *use, const char *who, tarn_err *err)
{
    enum { GOES = 20 };
    tarn_code rc = TARN_CONFLICT;

    for (int go = 0; go < GOES && rc == TARN_CONFLICT; go++) rc = add_once(lake, branch, use, who, err);
    return rc;
}

void tarn_holdout_tell(const tarn_cli *cli, const char *name, int64_t rows, int64_t same, int64_t all)
{
    char number[32];

    tarn_out(cli, "%s on %s holdout rows. This is use %lld of these rows", name, tarn_num_group(rows, number),
             (long long)same);
    if (all > same) tarn_out(cli, " (%lld of the holdout on this branch)", (long long)all);
    tarn_out(cli, "%s\n",
             same > 1 ? "; each choice made by the figures of earlier ones makes these less worth" : ", the first");
}
