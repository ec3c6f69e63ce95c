/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - keys in byte order: of a branch, of a ref inside the lake's bucket, or of all branches of it.
 *
 * A prefix that begins with a ref ("main/tables/") lists that ref, whatever it is. Another one lists the branches whose
 * names begin with it; tags and commits are there for who names them. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct lister {
    tarn_s3_call *call;
    const char *prefix, *after, *delimiter;
    tarn_s3_listed_fn *fn;
    void *arg;
    const tarn_s3_place *place;
    char front[260]; /* what keys of this source begin with: "main/" */
    char key[1400], folded[1400];
    bool stopped, hidden; /* hidden: the versions were met */
} lister;

static const char hidden[] = " versions/";

static tarn_code tell(lister *l, const char *key, bool folded, const tarn_entry *entry, tarn_err *err)
{
    tarn_s3_listed listed = {.key = key, .folded = folded, .entry = entry, .place = l->place};

    if (strcmp(key, l->after) <= 0) return TARN_OK;
    tarn_code rc = l->fn(l->arg, &listed, err);
    if (rc == TARN_CANCELLED) l->stopped = true;
    return rc;
}

/* Cut key behind the first delimiter that follows the prefix, into l->folded; false if there is none. */
static bool fold(lister *l, const char *key, bool *again)
{
    size_t n = strlen(l->prefix);
    const char *at = *l->delimiter && strlen(key) >= n ? strstr(key + n, l->delimiter) : NULL;

    if (!at) return false;
    int len = (int)(at - key + (ptrdiff_t)strlen(l->delimiter));
    *again = (int)strlen(l->folded) == len && strncmp(l->folded, key, (size_t)len) == 0;
    (void)snprintf(l->folded, sizeof l->folded, "%.*s", len, key);
    return true;
}

static tarn_code each(void *arg, const tarn_entry *entry, tarn_err *err)
{
    lister *l = arg;
    char key[1025];
    bool again = false;
    size_t len = strlen(entry->path);

    if (strncmp(entry->path, hidden, sizeof hidden - 1) == 0) {
        l->hidden = true;
        return strcmp(entry->path, hidden) == 0 ? TARN_OK : TARN_CANCELLED; /* folded, or go on behind them */
    }
    tarn_s3_key_of(entry->path, key);
    (void)snprintf(l->key, sizeof l->key, "%s%s", l->front, key);
    if (tarn_id_none(&entry->object.id) && len > 0 && entry->path[len - 1] == '/')
        return tell(l, l->key, true, NULL, err);
    if (!fold(l, l->key, &again)) return tell(l, l->key, false, entry, err);
    return again ? TARN_OK : tell(l, l->folded, true, NULL, err);
}

static tarn_code list_from(lister *l, const char *prefix, const char *after, char slash, tarn_err *err)
{
    const tarn_s3_place *p = l->place;

    if (p->branch[0]) return tarn_s3_staged_list(l->call, p->branch, prefix, after, slash, each, l, err);
    return tarn_lake_list(tarn_s3_lake(l->call), &p->commit, prefix, after, slash, each, l, err);
}

/* One ref, whose keys begin with l->front; prefix begins with front. */
static tarn_code list_source(lister *l, tarn_err *err)
{
    size_t n = strlen(l->front);
    const char *prefix = strncmp(l->prefix, l->front, n) == 0 ? l->prefix + n : "", *after = "";
    char slash = strcmp(l->delimiter, "/") == 0 ? '/' : '\0';

    int order = strncmp(l->after, l->front, n);
    if (order > 0) return TARN_OK; /* all of it is behind */
    if (order == 0) after = l->after + n;
    if (strlen(prefix) > 1024) return TARN_OK;
    l->hidden = false;
    tarn_code rc = list_from(l, prefix, after, slash, err);
    if (rc == TARN_OK && l->hidden && !slash) rc = list_from(l, prefix, " versions/\xff", slash, err);
    return rc;
}

/* ---- the lake's bucket ---- */

typedef struct names {
    tarn_arena *arena;
    char **v;
    size_t n, cap;
} names;

static tarn_code keep_name(void *arg, const tarn_ref *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    names *list = arg;
    char front[260];

    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    (void)snprintf(front, sizeof front, "%s/", ref->name + 6); /* behind heads/ */
    TARN_TRY(tarn_arena_strndup(list->arena, front, strlen(front), &list->v[list->n], err));
    list->n++;
done:
    return rc;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool has_main(const names *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], "main/") == 0) return true;
    return false;
}

static tarn_code list_branch(lister *l, const char *front, tarn_err *err)
{
    tarn_s3_place place = {.bound = false};
    bool again = false;

    if (strncmp(front, l->prefix, strlen(l->prefix)) != 0) return TARN_OK;
    if (fold(l, front, &again)) return again ? TARN_OK : tell(l, l->folded, true, NULL, err);
    (void)snprintf(l->front, sizeof l->front, "%s", front);
    (void)snprintf(place.bucket, sizeof place.bucket, "%s", l->call->gateway->bucket);
    (void)snprintf(place.ref, sizeof place.ref, "%.*s", (int)strlen(front) - 1, front);
    (void)snprintf(place.branch, sizeof place.branch, "%s", place.ref);
    l->place = &place;
    (void)snprintf(place.path, sizeof place.path, "*");
    if (tarn_s3_may(l->call, TARN_ACT_OBJECT_READ, &place, NULL) != TARN_OK) {
        l->call->failed = false;
        return TARN_OK; /* what they may not see is not there */
    }
    tarn_code rc = list_source(l, err);
    l->place = NULL;
    return rc;
}

static tarn_code list_branches(lister *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    names list = {.arena = l->call->arena};
    tarn_ref unborn = {.name = "heads/main"};

    TARN_TRY(tarn_lake_refs(tarn_s3_lake(l->call), "heads/", keep_name, &list, err));
    if (!has_main(&list)) TARN_TRY(keep_name(&list, &unborn, err));
    qsort(list.v, list.n, sizeof *list.v, by_text);
    for (size_t i = 0; i < list.n && !l->stopped; i++) TARN_TRY(list_branch(l, list.v[i], err));
done:
    tarn_free(list.v);
    return rc;
}

/* ---- the doors ---- */

/* The beginning of prefix, up to a '/', that is a ref. */
static bool find_front(tarn_s3_call *call, const char *prefix, tarn_s3_place *place, char front[260])
{
    tarn_err ignored = {0};
    const char *slash = strrchr(prefix, '/');
    char key[1100];

    if (!slash || strlen(prefix) > 1024) return false;
    (void)snprintf(key, sizeof key, "%.*s", (int)(slash - prefix), prefix);
    tarn_code rc = tarn_s3_place_find(call, call->gateway->bucket, key, place, &ignored);
    call->failed = false;
    if (rc != TARN_OK && !place->ref[0]) return false;
    (void)snprintf(front, 260, "%s/", place->ref);
    place->path[0] = '\0';
    return true;
}

tarn_code tarn_s3_list_keys(tarn_s3_call *call, const char *prefix, const char *after, const char *delimiter,
                            tarn_s3_listed_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    lister *l = NULL;
    tarn_s3_place place = call->place;

    TARN_TRY(tarn_arena_alloc(call->arena, &l, 1, sizeof *l, err));
    *l = (lister){.call = call, .prefix = prefix, .after = after, .delimiter = delimiter, .fn = fn, .arg = arg};
    if (call->place.bound || find_front(call, prefix, &place, l->front)) {
        const char *rest = strncmp(prefix, l->front, strlen(l->front)) == 0 ? prefix + strlen(l->front) : "";
        (void)snprintf(place.path, sizeof place.path, "%.1023s*", rest);
        TARN_TRY(tarn_s3_may(call, TARN_ACT_OBJECT_READ, &place, err));
        place.path[0] = '\0';
        l->place = &place;
        rc = list_source(l, err);
    } else {
        rc = list_branches(l, err);
    }
done:
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* ---- a page of ListObjects ---- */

typedef struct page_arg {
    tarn_s3_call *call;
    tarn_s3_page *page;
} page_arg;

static tarn_code put_contents(tarn_s3_call *call, const tarn_s3_page *page, const tarn_s3_listed *listed, tarn_err *err)
{
    json_t *attrs = NULL;
    char date[40], etag[80];
    tarn_code rc = tarn_s3_attrs_read(call, listed->place, listed->entry, &attrs, err);

    if (rc != TARN_OK) return rc;
    tarn_text_add(&call->xml, "<Contents>");
    tarn_s3_xml_url(call, "Key", listed->key, page->url);
    tarn_s3_xml(call, "LastModified", tarn_s3_iso_date(json_integer_value(json_object_get(attrs, "time")), date));
    (void)snprintf(etag, sizeof etag, "\"%.70s\"", tarn_json_text(attrs, "etag", ""));
    tarn_s3_xml(call, "ETag", etag);
    tarn_text_addf(&call->xml, "<Size>%llu</Size>", (unsigned long long)listed->entry->object.size);
    if (page->owner) tarn_text_add(&call->xml, "<Owner><ID>tarn</ID><DisplayName>tarn</DisplayName></Owner>");
    tarn_s3_xml(call, "StorageClass", tarn_json_text(attrs, "class", "STANDARD"));
    tarn_text_add(&call->xml, "</Contents>");
    json_decref(attrs);
    return tarn_text_check(&call->xml, err);
}

static tarn_code put_listed(void *arg, const tarn_s3_listed *listed, tarn_err *err)
{
    page_arg *a = arg;
    tarn_s3_page *page = a->page;

    if (page->count == page->most) {
        page->more = true;
        return TARN_CANCELLED;
    }
    page->count++;
    (void)snprintf(page->last, sizeof page->last, "%s", listed->key);
    if (!listed->folded) return put_contents(a->call, page, listed, err);
    tarn_text_add(&a->call->xml, "<CommonPrefixes>");
    tarn_s3_xml_url(a->call, "Prefix", listed->key, page->url);
    tarn_text_add(&a->call->xml, "</CommonPrefixes>");
    return TARN_OK;
}

tarn_code tarn_s3_list_page(tarn_s3_call *call, tarn_s3_page *page, tarn_err *err)
{
    page_arg a = {call, page};

    page->last[0] = '\0';
    page->more = false;
    page->count = 0;
    if (page->most == 0) return TARN_OK;
    return tarn_s3_list_keys(call, page->prefix, page->after, page->delimiter, put_listed, &a, err);
}
