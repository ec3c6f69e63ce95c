/* SPDX-License-Identifier: Apache-2.0 */
/* lake_print.c - see lake_print.h. */
#include "cli/lake_print.h"

#include <string.h>

json_t *tarn_commit_json(const tarn_commit *c)
{
    char hex[TARN_ID_HEX], when[32];
    json_t *parents = json_array();

    for (int i = 0; i < c->n_parents; i++)
        (void)json_array_append_new(parents, json_string(tarn_id_hex(&c->parents[i], hex)));
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:I, s:O*}", "id", tarn_id_hex(&c->id, hex), "parents", parents, "time",
                     tarn_time_text(c->time_us, when), "author", c->author, "message", c->message, "paths",
                     (json_int_t)c->paths, "meta", c->meta);
}

void tarn_out_commit(const tarn_cli *cli, const tarn_commit *c, bool full)
{
    char hex[TARN_ID_HEX], when[32];

    int line = (int)(full ? strlen(c->message) : strcspn(c->message, "\n"));
    tarn_out(cli, "%s%.*s%s  %s  %-10s  %.*s\n", tarn_color(cli, "yellow"), full ? 64 : 12, tarn_id_hex(&c->id, hex),
             tarn_color(cli, NULL), tarn_time_text(c->time_us, when), c->author, line, c->message);
    if (!full) return;
    for (int i = 0; i < c->n_parents; i++) tarn_out(cli, "  parent  %s\n", tarn_id_hex(&c->parents[i], hex));
    tarn_out(cli, "  paths   %llu\n", (unsigned long long)c->paths);
    const char *key;
    json_t *value;
    json_object_foreach(c->meta, key, value)
    {
        if (json_is_string(value)) tarn_out(cli, "  %-7s %s\n", key, json_string_value(value));
    }
}

tarn_code tarn_print_change(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                            tarn_err *err)
{
    static const char *const words[] = {"added", "removed", "changed"};
    static const char marks[] = "+-~";
    static const char *const colors[] = {"green", "red", "yellow"};
    tarn_change_list *l = arg;
    const tarn_entry *e = after ? after : before;
    char size[32], hex[TARN_ID_HEX];
    json_t *j = json_pack("{s:s, s:s}", "path", e->path, "change", words[kind]);

    l->added += kind == TARN_ADDED;
    l->removed += kind == TARN_REMOVED;
    l->changed += kind == TARN_CHANGED;
    tarn_out(l->cli, "%s%c %s%s", tarn_color(l->cli, colors[kind]), marks[kind], e->path, tarn_color(l->cli, NULL));
    if (kind != TARN_REMOVED && after) tarn_out(l->cli, "  %s", tarn_num_bytes(after->object.size, size));
    tarn_out(l->cli, "\n");
    if (before && kind != TARN_ADDED)
        (void)json_object_set_new(j, "before", json_string(tarn_id_hex(&before->object.id, hex)));
    if (after && kind != TARN_REMOVED)
        (void)json_object_set_new(j, "after", json_string(tarn_id_hex(&after->object.id, hex)));
    return tarn_json_append(l->list, j, err);
}
