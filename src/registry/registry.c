/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - versions as commits, aliases as refs. See registry.h. */
#include "registry/registry.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { REF_CAP = 256 };

void tarn_version_clear(tarn_version *v)
{
    json_decref(v->meta);
    v->meta = NULL;
}

static tarn_code ref_name(const char *model, const char *last, char out[REF_CAP], tarn_err *err)
{
    bool good = *model && strlen(model) < 100 && *last && strlen(last) < 100;

    for (const char *s = model; good && *s; s++) good = isalnum((unsigned char)*s) || strchr("_-.", *s);
    for (const char *s = last; good && *s; s++) good = isalnum((unsigned char)*s) || strchr("_-.", *s);
    if (!good)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.60s@%.60s': names of models and aliases are letters, digits, '_', '-' and '.'", model,
                         last);
    (void)snprintf(out, REF_CAP, "models/%s/%s", model, last);
    return TARN_OK;
}

static bool id_in(const json_t *meta, const char *key, tarn_id *out)
{
    const char *hex = tarn_json_text(meta, key, "");

    memset(out, 0, sizeof *out);
    return tarn_id_parse(hex, strlen(hex), out);
}

/* Fill *out from a version's commit; takes over commit->meta. */
static tarn_code from_commit(const char *model, tarn_commit *commit, tarn_version *out, tarn_err *err)
{
    char hex[TARN_ID_HEX];

    *out = (tarn_version){.number = json_integer_value(json_object_get(commit->meta, "version")),
                          .commit = commit->id,
                          .time_us = commit->time_us};
    if (out->number < 1 || !id_in(commit->meta, "model", &out->object))
        return TARN_FAIL(err, TARN_CORRUPT, "commit %.12s is not a version of model '%s'",
                         tarn_id_hex(&commit->id, hex), model);
    (void)id_in(commit->meta, "recipe", &out->recipe);
    (void)id_in(commit->meta, "data", &out->data);
    (void)snprintf(out->model, sizeof out->model, "%s", model);
    (void)snprintf(out->author, sizeof out->author, "%s", commit->author);
    (void)snprintf(out->note, sizeof out->note, "%.1000s", commit->message);
    out->meta = commit->meta;
    commit->meta = NULL;
    return TARN_OK;
}

static tarn_code read_version(tarn_lake *lake, const char *model, const tarn_id *id, tarn_version *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit commit = {0};

    TARN_TRY(tarn_lake_commit_read(lake, id, &commit, err));
    TARN_TRY(from_commit(model, &commit, out, err));
done:
    tarn_commit_clear(&commit);
    return rc;
}

static json_t *version_meta(const tarn_entry *entry, int64_t number, const tarn_id *data, const json_t *more)
{
    char hex[TARN_ID_HEX];
    json_t *meta = more ? json_deep_copy(more) : json_object();

    (void)json_object_set_new(meta, "version", json_integer(number));
    (void)json_object_set_new(meta, "model", json_string(tarn_id_hex(&entry->object.id, hex)));
    if (!tarn_id_none(&entry->recipe))
        (void)json_object_set_new(meta, "recipe", json_string(tarn_id_hex(&entry->recipe, hex)));
    if (data && !tarn_id_none(data)) (void)json_object_set_new(meta, "data", json_string(tarn_id_hex(data, hex)));
    return meta;
}

/* One attempt: the chain's head is read, and must still be it when the commit lands. */
static tarn_code add_once(tarn_lake *lake, const char *model, const tarn_entry *entries, size_t n,
                          const tarn_entry *file, const tarn_id *data, const json_t *more, const char *author,
                          const char *note, tarn_version *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[REF_CAP];
    tarn_id head = {{0}}, id;
    tarn_version last = {0};
    json_t *meta = NULL;
    tarn_err none = {0};

    TARN_TRY(ref_name(model, "versions", ref, err));
    rc = tarn_lake_ref_get(lake, ref, &head, &none);
    if (rc == TARN_OK) rc = read_version(lake, model, &head, &last, err);
    else if (rc == TARN_NOT_FOUND) rc = TARN_OK;
    else if (err) *err = none;
    if (rc != TARN_OK) goto done;
    meta = version_meta(file, last.number + 1, data, more);
    tarn_commit_options options = {
        .author = author, .message = note, .meta = meta, .even_if_same = true, .expect = &head};
    TARN_TRY(tarn_lake_commit_entries(lake, ref, entries, n, &options, &id, err));
    TARN_TRY(read_version(lake, model, &id, out, err));
done:
    tarn_version_clear(&last);
    json_decref(meta);
    return rc;
}

tarn_code tarn_registry_add(tarn_lake *lake, const char *model, const tarn_entry *entries, size_t n,
                            const tarn_id *data, const json_t *more, const char *author, const char *note,
                            tarn_version *out, tarn_err *err)
{
    const tarn_entry *file = NULL;
    tarn_code rc = TARN_CONFLICT;

    *out = (tarn_version){0};
    for (size_t i = 0; i < n; i++)
        if (strcmp(entries[i].path, "model.tarn") == 0) file = &entries[i];
    if (!file) return TARN_FAIL(err, TARN_INVALID, "a version of model '%s' needs a file model.tarn", model);
    for (int attempt = 0; attempt < 20 && rc == TARN_CONFLICT; attempt++)
        rc = add_once(lake, model, entries, n, file, data, more, author, note, out, err);
    return rc;
}

/* The commit of version `number`, walking back from the newest. */
static tarn_code find_number(tarn_lake *lake, const char *model, int64_t number, tarn_version *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[REF_CAP];
    tarn_id id;
    tarn_commit commit = {0};

    TARN_TRY(ref_name(model, "versions", ref, err));
    rc = tarn_lake_ref_get(lake, ref, &id, NULL);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no model '%s'; `tarn models` lists them", model);
    if (rc != TARN_OK) goto done;
    for (int64_t newest = -1;;) {
        TARN_TRY(tarn_lake_commit_read(lake, &id, &commit, err));
        int64_t at = json_integer_value(json_object_get(commit.meta, "version"));
        if (newest < 0) newest = at;
        if (at == number) {
            rc = from_commit(model, &commit, out, err);
            goto done;
        }
        if (at < number || commit.n_parents == 0) {
            rc = TARN_FAIL(err, TARN_NOT_FOUND, "model '%s' has no version %lld; it has 1 to %lld", model,
                           (long long)number, (long long)newest);
            goto done;
        }
        id = commit.parents[0];
        tarn_commit_clear(&commit);
    }
done:
    tarn_commit_clear(&commit);
    return rc;
}

tarn_code tarn_registry_alias(tarn_lake *lake, const char *model, const char *alias, int64_t number, const char *who,
                              const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[REF_CAP];
    tarn_version v = {0};
    tarn_id was;

    if (strcmp(alias, "versions") == 0)
        return TARN_FAIL(err, TARN_INVALID, "'versions' cannot be an alias: it names the chain of versions");
    TARN_TRY(ref_name(model, alias, ref, err));
    TARN_TRY(find_number(lake, model, number, &v, err));
    for (int attempt = 0; attempt < 20; attempt++) {
        rc = tarn_lake_ref_get(lake, ref, &was, NULL);
        bool there = rc == TARN_OK;
        if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
        if (there && tarn_id_equal(&was, &v.commit)) {
            rc = TARN_OK;
            goto done;
        }
        rc = tarn_lake_ref_move(lake, ref, there ? &was : NULL, &v.commit, who, why, err);
        if (rc != TARN_CONFLICT) goto done;
    }
done:
    tarn_version_clear(&v);
    return rc;
}

/* ---- finding by object, and listing ---- */

typedef struct ref_list {
    tarn_ref *refs;
    size_t n, cap;
} ref_list;

static tarn_code keep_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    ref_list *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        tarn_code rc = tarn_resize(&list->refs, cap, sizeof *list->refs, err);
        if (rc != TARN_OK) return rc;
        list->cap = cap;
    }
    list->refs[list->n++] = *ref;
    return TARN_OK;
}

/* "models/M/last": copy M and say where `last` starts; false if it is not of that form. */
static bool split_ref(const char *name, char model[128], const char **last)
{
    if (strncmp(name, "models/", 7) != 0) return false;
    const char *slash = strrchr(name, '/');
    size_t len = slash > name + 7 ? (size_t)(slash - name - 7) : 0;
    if (len == 0 || len >= 128) return false;
    memcpy(model, name + 7, len);
    model[len] = '\0';
    *last = slash + 1;
    return true;
}

static void aliases_of(const ref_list *refs, const char *model, const tarn_id *commit, char *out, size_t cap)
{
    size_t at = 0;
    char m[128];
    const char *last;

    out[0] = '\0';
    for (size_t i = 0; i < refs->n; i++) {
        if (!split_ref(refs->refs[i].name, m, &last) || strcmp(m, model) != 0 || strcmp(last, "versions") == 0)
            continue;
        if (!tarn_id_equal(&refs->refs[i].commit, commit)) continue;
        int n = snprintf(out + at, cap - at, "%s%s", at ? ", " : "", last);
        if (n > 0 && (size_t)n < cap - at) at += (size_t)n;
    }
}

static tarn_code list_chain(tarn_lake *lake, const ref_list *refs, const char *model, tarn_id id, tarn_version_fn *fn,
                            void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char aliases[512];

    for (;;) {
        tarn_commit commit = {0};
        tarn_version v = {0};
        rc = tarn_lake_commit_read(lake, &id, &commit, err);
        int parents = commit.n_parents;
        if (parents > 0) id = commit.parents[0];
        if (rc == TARN_OK) rc = from_commit(model, &commit, &v, err);
        if (rc == TARN_OK) {
            aliases_of(refs, model, &v.commit, aliases, sizeof aliases);
            rc = fn(arg, &v, aliases, err);
        }
        tarn_version_clear(&v);
        tarn_commit_clear(&commit);
        if (rc != TARN_OK || parents == 0) return rc;
    }
}

tarn_code tarn_registry_list(tarn_lake *lake, const char *model, tarn_version_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    ref_list refs = {0};
    char name[128];
    const char *last;

    TARN_TRY(tarn_lake_refs(lake, "models/", keep_ref, &refs, err));
    for (size_t i = 0; i < refs.n; i++) {
        if (!split_ref(refs.refs[i].name, name, &last) || strcmp(last, "versions") != 0) continue;
        if (model && strcmp(model, name) != 0) continue;
        TARN_TRY(list_chain(lake, &refs, name, refs.refs[i].commit, fn, arg, err));
    }
done:
    tarn_free(refs.refs);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

typedef struct object_search {
    const char *hex; /* beginning of the id wanted */
    tarn_lake *lake;
    tarn_id commit;
    char model[128];
    bool found;
} object_search;

static tarn_code match_object(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    object_search *s = arg;
    char hex[TARN_ID_HEX];

    (void)aliases;
    (void)err;
    if (strncmp(tarn_id_hex(&v->object, hex), s->hex, strlen(s->hex)) != 0) return TARN_OK;
    s->found = true;
    s->commit = v->commit;
    (void)snprintf(s->model, sizeof s->model, "%s", v->model);
    return TARN_CANCELLED;
}

static tarn_code find_by_hex(tarn_lake *lake, const char *hex, tarn_version *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    object_search s = {.hex = hex, .lake = lake};

    TARN_TRY(tarn_registry_list(lake, NULL, match_object, &s, err));
    if (!s.found)
        return TARN_FAIL(err, TARN_NOT_FOUND,
                         "no registered model has an id that begins with '%.64s'; `tarn models` lists them", hex);
    rc = read_version(lake, s.model, &s.commit, out, err);
done:
    return rc;
}

tarn_code tarn_registry_find_object(tarn_lake *lake, const tarn_id *object, tarn_version *out, tarn_err *err)
{
    char hex[TARN_ID_HEX];

    *out = (tarn_version){0};
    return find_by_hex(lake, tarn_id_hex(object, hex), out, err);
}

static bool all_hex(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= 6 && n <= 64 && text[n] == '\0';
}

tarn_code tarn_registry_find(tarn_lake *lake, const char *text, tarn_version *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char model[128], ref[REF_CAP];
    const char *at = strchr(text, '@'), *slash = strchr(text, '/');
    size_t len = at ? (size_t)(at - text) : slash ? (size_t)(slash - text) : strlen(text);
    int64_t number = 0;
    tarn_id id;

    *out = (tarn_version){0};
    if (len == 0 || len >= sizeof model)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%.60s' does not name a model; write name, name@alias, name/version or a model's id", text);
    memcpy(model, text, len);
    model[len] = '\0';
    if (!at && slash) {
        if (!tarn_int_parse(slash + 1, strlen(slash + 1), &number) || number < 1)
            return TARN_FAIL(err, TARN_INVALID, "'%.60s': the version after '/' should be a number from 1", text);
        return find_number(lake, model, number, out, err);
    }
    TARN_TRY(ref_name(model, at ? at + 1 : "champion", ref, err));
    rc = tarn_lake_ref_get(lake, ref, &id, NULL);
    if (rc == TARN_OK) return read_version(lake, model, &id, out, err);
    if (rc == TARN_NOT_FOUND && !at && all_hex(text)) return find_by_hex(lake, text, out, err);
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no model '%s' with alias '%s'; `tarn models` lists what there is",
                       model, at ? at + 1 : "champion");
done:
    return rc;
}
