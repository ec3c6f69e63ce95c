/* SPDX-License-Identifier: Apache-2.0 */
/* naive_test.h - what a lake must say, by plain arrays: the model of model_test.c.
 *
 * All paths that a run can use are drawn first and sorted, so a path is a number, byte order is the order of numbers,
 * and a tree is an array with a value for each path. A value stands for content, recipe and attributes together; equal
 * values are equal entries. Commits are numbered as they are made, so parents have smaller numbers.
 *
 * Nothing here calls the lake: it must be too simple to be wrong in the way the lake might be. */
#ifndef TARN_LAKE_NAIVE_TEST_H
#define TARN_LAKE_NAIVE_TEST_H

#include "lake/scratch_test.h"

#include "lake/bytes.h"
#include "lake/history.h"
#include "lake/inside.h"

enum {
    FAMILIES = 8,
    VERSIONS = 8,
    CONTENTS = FAMILIES * VERSIONS,
    MARKS = 3, /* no recipe or one of two; attributes likewise */
    ALL_CONTENTS = CONTENTS + 2 * (MARKS - 1),
    ABSENT = 1 /* a row that removes; 0: nothing there, no row */,
    FIRST_VALUE,
    COMMITS = 1200,
    BRANCHES = 4, /* of the refs, the first */
    REFS = 8,
    USERS = 2
};

/* ---- chance: a function of the seed alone ---- */

typedef struct draws {
    uint64_t seed, n;
} draws;

static inline uint32_t below(draws *d, uint32_t n)
{
    return (uint32_t)tarn_random_below(n, d->seed, TARN_STREAM_TEST, d->n++, 7);
}

static inline bool one_in(draws *d, uint32_t n) { return below(d, n) == 0; }

/* ---- values ---- */

typedef struct content {
    char *bytes;
    tarn_object object;
} content;

/* Contents, then the two recipes and the two attributes. */
typedef struct contents {
    content v[ALL_CONTENTS];
} contents;

static const size_t family_sizes[FAMILIES] = {0, 1, 40, 700, 5000, 70000, 300000, 3300000};

/* Versions of a family are alike; of the empty one there is only one. */
static inline void content_make(int number, content *out)
{
    int family = number / VERSIONS, version = family == 0 ? 0 : number % VERSIONS;
    size_t len = family_sizes[family] + (size_t)version;

    out->bytes = noise(len, (uint64_t)family);
    for (size_t i = 0; i < len && family % 2; i++) out->bytes[i] &= 15; /* every other one compresses */
    for (int k = 0; k < version && family > 1; k++) out->bytes[(size_t)(k * 977 + 11) % len] ^= (char)version;
    out->object.size = len;
    must(tarn_digest(out->bytes, len, &out->object.id, err));
}

static inline contents *contents_new(void)
{
    contents *c = calloc(1, sizeof *c);

    assert_non_null(c);
    for (int i = 0; i < CONTENTS; i++) content_make(i, &c->v[i]);
    for (int i = CONTENTS; i < ALL_CONTENTS; i++) {
        content *x = &c->v[i];
        x->bytes = calloc(1, 32);
        assert_non_null(x->bytes);
        x->object.size = (uint64_t)snprintf(x->bytes, 32, "{\"mark\":%d}", i);
        must(tarn_digest(x->bytes, (size_t)x->object.size, &x->object.id, err));
    }
    return c;
}

static inline void contents_free(contents *c)
{
    for (int i = 0; i < ALL_CONTENTS; i++) free(c->v[i].bytes);
    free(c);
}

static inline uint32_t value_of(uint32_t number, uint32_t recipe, uint32_t attrs)
{
    if (number / VERSIONS == 0) number = 0;
    return FIRST_VALUE + (number * MARKS + recipe) * MARKS + attrs;
}
static inline uint32_t content_of(uint32_t value) { return (value - FIRST_VALUE) / (MARKS * MARKS); }
static inline uint32_t recipe_of(uint32_t value) { return (value - FIRST_VALUE) / MARKS % MARKS; }
static inline uint32_t attrs_of(uint32_t value) { return (value - FIRST_VALUE) % MARKS; }

/* Where recipes and attributes stand among the contents; -1: none. */
static inline int recipe_content(uint32_t recipe) { return recipe ? CONTENTS + (int)recipe - 1 : -1; }
static inline int attrs_content(uint32_t attrs) { return attrs ? CONTENTS + MARKS - 1 + (int)attrs - 1 : -1; }

/* Mostly small ones. */
static inline uint32_t any_value(draws *d)
{
    static const uint8_t families[] = {0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5};
    uint32_t family = one_in(d, 400) ? 6 + below(d, 2) : families[below(d, sizeof families)];
    uint32_t number = family * VERSIONS + below(d, VERSIONS);

    if (!one_in(d, 4)) return value_of(number, 0, 0);
    return value_of(number, below(d, MARKS), below(d, MARKS));
}

static inline tarn_entry entry_for(const contents *c, const char *path, uint32_t value)
{
    tarn_entry e = {.path = ""};

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    if (value < FIRST_VALUE) return e;
    int recipe = recipe_content(recipe_of(value)), attrs = attrs_content(attrs_of(value));
    e.object = c->v[content_of(value)].object;
    if (recipe >= 0) e.recipe = c->v[recipe].object.id;
    if (attrs >= 0) e.attrs = c->v[attrs].object.id;
    return e;
}

static inline void same_entry(const contents *c, const char *path, uint32_t value, const tarn_entry *got)
{
    tarn_entry want = entry_for(c, path, value);

    assert_string_equal(got->path, path);
    if (!tarn_id_equal(&want.object.id, &got->object.id) || want.object.size != got->object.size)
        fail_msg("'%s' has another content", path);
    if (!tarn_id_equal(&want.recipe, &got->recipe) || !tarn_id_equal(&want.attrs, &got->attrs))
        fail_msg("'%s' has another recipe or other attributes", path);
}

/* ---- paths ---- */

typedef struct names {
    char **v;
    uint32_t n;
} names;

enum { SCHEMES = 9, LONG_NAMES = 3, LONG_FOLDERS = 8 };

static inline void chain_tokens(draws *d, const char *const *tokens, uint32_t n, uint32_t most, char out[1025])
{
    uint32_t count = 1 + below(d, most);

    out[0] = '\0';
    for (uint32_t i = 0; i < count && strlen(out) < 1000; i++) (void)strcat(out, tokens[below(d, n)]);
}

/* Names that differ early, in the middle or late, of a length that lets few into a node. */
static inline void long_name(draws *d, uint32_t i, char out[1025])
{
    uint32_t len = 250 + below(d, 775), at = below(d, 3) * (len - 8) / 2;

    for (uint32_t k = 0; k < len; k++) out[k] = k % 120 == 119 ? '/' : 'x';
    out[len] = '\0';
    if (out[len - 1] == '/') out[len - 1] = 'y';
    char number[9];
    (void)snprintf(number, sizeof number, "%08u", i);
    memcpy(out + at, number, 8);
}

static inline void draw_name(draws *d, uint32_t scheme, uint32_t i, char out[1025])
{
    static const char *const beside[] = {"a", "a", "b", "0", ".", "-", "/", "/", "a/b", "a-b", "a0", "a."};
    static const char *const utf8[] = {
        "\xc3\xa4", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9d\x84\x9e", "z", "\xc2\x80", "\xef\xbf\xbd", "/", " "};

    if (scheme == 0) (void)snprintf(out, 1025, "part-%06u", i);
    else if (scheme == 1) (void)snprintf(out, 1025, "%0200d/%05u", 7, i);
    else if (scheme == 2) chain_tokens(d, beside, sizeof beside / sizeof *beside, 9, out);
    else if (scheme == LONG_NAMES) long_name(d, i, out);
    else if (scheme == 4) chain_tokens(d, utf8, sizeof utf8 / sizeof *utf8, 12, out);
    else if (scheme == 5) (void)snprintf(out, 1025, "dir%u/%u/part-%u", i % 7, i * 31 % 40, i);
    else if (scheme == 6) (void)snprintf(out, 1025, "%u", i);
    else if (scheme == LONG_FOLDERS) (void)snprintf(out, 1025, "%02u/%0*u", i % 40, 300 + (int)(i % 3) * 200, i);
    else (void)snprintf(out, 1025, "%s%u", i % 3 == 0 ? "log." : i % 3 == 1 ? "log/" : "log0", i / 3);
}

static inline int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static inline void names_sort(names *list)
{
    uint32_t kept = 0;

    if (list->n > 0) qsort(list->v, list->n, sizeof *list->v, by_bytes);
    for (uint32_t i = 0; i < list->n; i++) {
        if (kept > 0 && strcmp(list->v[kept - 1], list->v[i]) == 0) free(list->v[i]);
        else list->v[kept++] = list->v[i];
    }
    list->n = kept;
}

static inline void names_free(names *list)
{
    for (uint32_t i = 0; i < list->n; i++) free(list->v[i]);
    free(list->v);
}

/* At most n paths of a scheme (SCHEMES: of all). */
static inline names paths_new(draws *d, uint32_t scheme, uint32_t n)
{
    names out = {.v = calloc(n, sizeof *out.v)};
    char path[1025];

    assert_non_null(out.v);
    for (uint32_t i = 0; i < n || out.n == 0; i++) {
        draw_name(d, scheme < SCHEMES ? scheme : below(d, SCHEMES), i, path);
        if (tarn_path_check(path, strlen(path), NULL) != TARN_OK) continue;
        out.v[out.n++] = strdup(path);
        assert_non_null(out.v[out.n - 1]);
    }
    names_sort(&out);
    return out;
}

/* All folders of the paths, with '/' behind. */
static inline names folders_new(const names *paths)
{
    names out = {.n = 0};
    size_t slashes = 0;

    for (uint32_t i = 0; i < paths->n; i++)
        for (const char *c = paths->v[i]; *c; c++) slashes += *c == '/';
    out.v = calloc(slashes + 1, sizeof *out.v);
    assert_non_null(out.v);
    for (uint32_t i = 0; i < paths->n; i++)
        for (const char *c = strchr(paths->v[i], '/'); c; c = strchr(c + 1, '/'))
            out.v[out.n++] = strndup(paths->v[i], (size_t)(c - paths->v[i]) + 1);
    names_sort(&out);
    return out;
}

static inline bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* ---- the model ---- */

typedef struct naive_commit {
    tarn_id id;
    uint32_t *map; /* a value for each path, 0: it is not there */
    int parent[2], n_parents;
    int64_t time_us;
    bool lost; /* no ref reached it when garbage was collected: nobody knows whether it is still there */
} naive_commit;

typedef struct naive_move {
    int was, to; /* -1: none */
} naive_move;

typedef struct naive_ref {
    const char *name;
    int commit; /* -1: there is none */
    naive_move *moves;
    size_t n_moves;
} naive_ref;

/* What one user staged on a branch. */
typedef struct naive_area {
    uint32_t *row; /* of each path: 0, ABSENT or a value */
    bool *clear;   /* of each folder */
} naive_area;

typedef struct naive {
    names paths, folders;
    naive_commit *commits;
    int n_commits;
    naive_ref refs[REFS];
    naive_area areas[BRANCHES][USERS];
    bool *met; /* for walks over commits */
} naive;

static const char *const user_names[USERS] = {"", "ann"};

static inline uint32_t *map_new(const naive *m, const uint32_t *like)
{
    uint32_t *map = calloc(m->paths.n, sizeof *map);

    assert_non_null(map);
    if (like) memcpy(map, like, m->paths.n * sizeof *map);
    return map;
}

static inline naive naive_new(draws *d, uint32_t scheme, uint32_t n)
{
    /* a branch below another, a tag called like a branch, a ref of models */
    static const char *const refs[REFS] = {"heads/main", "heads/main/data", "heads/work", "heads/a",
                                           "tags/v1",    "tags/main",       "tags/w/x",   "models/m/champion"};
    naive m = {.paths = paths_new(d, scheme, n)};

    m.folders = folders_new(&m.paths);
    m.commits = calloc(COMMITS, sizeof *m.commits);
    m.met = calloc(COMMITS, sizeof *m.met);
    assert_true(m.commits && m.met);
    for (int i = 0; i < REFS; i++) m.refs[i] = (naive_ref){.name = refs[i], .commit = -1};
    for (int i = 0; i < BRANCHES * USERS; i++) {
        naive_area *a = &m.areas[i / USERS][i % USERS];
        *a = (naive_area){map_new(&m, NULL), calloc(m.folders.n + 1, sizeof *a->clear)};
        assert_non_null(a->clear);
    }
    return m;
}

static inline void naive_free(naive *m)
{
    for (int i = 0; i < m->n_commits; i++) free(m->commits[i].map);
    for (int i = 0; i < REFS; i++) free(m->refs[i].moves);
    for (int i = 0; i < BRANCHES * USERS; i++) {
        free(m->areas[i / USERS][i % USERS].row);
        free(m->areas[i / USERS][i % USERS].clear);
    }
    free(m->commits);
    free(m->met);
    names_free(&m->folders);
    names_free(&m->paths);
}

static inline void move_ref(naive *m, int ref, int to)
{
    naive_ref *r = &m->refs[ref];

    r->moves = realloc(r->moves, (r->n_moves + 1) * sizeof *r->moves);
    assert_non_null(r->moves);
    r->moves[r->n_moves++] = (naive_move){r->commit, to};
    r->commit = to;
}

static inline uint64_t count_paths(const naive *m, const uint32_t *map)
{
    uint64_t n = 0;

    for (uint32_t p = 0; p < m->paths.n; p++) n += map[p] != 0;
    return n;
}

static inline bool same_map(const naive *m, const uint32_t *a, const uint32_t *b)
{
    for (uint32_t p = 0; p < m->paths.n; p++)
        if ((a ? a[p] : 0) != (b ? b[p] : 0)) return false;
    return true;
}

/* ---- staging ---- */

static inline void area_unstage(const naive *m, naive_area *a, const char *prefix)
{
    for (uint32_t p = 0; p < m->paths.n; p++)
        if (begins(m->paths.v[p], prefix)) a->row[p] = 0;
    for (uint32_t f = 0; f < m->folders.n; f++)
        if (begins(m->folders.v[f], prefix)) a->clear[f] = false;
}

static inline void area_clear(const naive *m, naive_area *a, uint32_t folder)
{
    area_unstage(m, a, m->folders.v[folder]);
    a->clear[folder] = true;
}

/* The branch with what is staged on top; free it. */
static inline uint32_t *area_view(const naive *m, const naive_area *a, const uint32_t *base)
{
    uint32_t *map = map_new(m, base);

    for (uint32_t f = 0; f < m->folders.n; f++)
        for (uint32_t p = 0; p < m->paths.n && a->clear[f]; p++)
            if (begins(m->paths.v[p], m->folders.v[f])) map[p] = 0;
    for (uint32_t p = 0; p < m->paths.n; p++)
        if (a->row[p]) map[p] = a->row[p] == ABSENT ? 0 : a->row[p];
    return map;
}

/* ---- history ---- */

/* met[i]: i is `from` or an ancestor of it. */
static inline void reach(const naive *m, int from, bool *met)
{
    memset(met, 0, COMMITS * sizeof *met);
    if (from < 0) return;
    met[from] = true;
    for (int i = from; i >= 0; i--)
        for (int k = 0; k < m->commits[i].n_parents && met[i]; k++) met[m->commits[i].parent[k]] = true;
}

static inline bool is_newer(const naive_commit *a, const naive_commit *b)
{
    return a->time_us != b->time_us ? a->time_us > b->time_us : memcmp(a->id.b, b->id.b, TARN_ID_BYTES) < 0;
}

/* -1: they share nothing. */
static inline int naive_merge_base(naive *m, int a, int b)
{
    bool other[COMMITS], stale[COMMITS] = {false};
    int best = -1;

    reach(m, a, m->met);
    reach(m, b, other);
    for (int i = m->n_commits - 1; i >= 0; i--) {
        const naive_commit *c = &m->commits[i];
        if (!m->met[i] || !other[i]) continue;
        for (int k = 0; k < c->n_parents; k++) stale[c->parent[k]] = true;
        if (!stale[i] && (best < 0 || is_newer(c, &m->commits[best]))) best = i;
    }
    return best;
}

/* What no ref reaches may be gone. */
static inline void naive_collect(naive *m)
{
    bool kept[COMMITS] = {false};

    for (int r = 0; r < REFS; r++) {
        reach(m, m->refs[r].commit, m->met);
        for (int i = 0; i < m->n_commits; i++) kept[i] = kept[i] || m->met[i];
    }
    for (int i = 0; i < m->n_commits; i++) m->commits[i].lost = m->commits[i].lost || !kept[i];
}

/* ---- merging ---- */

static inline const char *behind_character(const char *t)
{
    do t++;
    while (((unsigned char)*t & 0xC0) == 0x80);
    return t;
}

/* '*' and '?' (a character) stay within a part, '**' does not; "x/" is all below x. */
static inline bool glob_fits(const char *p, const char *end, const char *t, bool below_it)
{
    if (p == end) return below_it || !*t;
    if (*p == '?') return *t && *t != '/' && glob_fits(p + 1, end, behind_character(t), below_it);
    if (*p != '*') return *t && *p == *t && glob_fits(p + 1, end, t + 1, below_it);
    bool deep = p + 1 < end && p[1] == '*';
    for (p += deep ? 2 : 1;; t++) {
        if (glob_fits(p, end, t, below_it)) return true;
        if (!*t || (*t == '/' && !deep)) return false;
    }
}

static inline bool glob_any(const char *patterns, const char *text)
{
    for (const char *p = patterns, *end; p && *p; p = *end ? end + 1 : end) {
        end = p + strcspn(p, "\n");
        if (end > p && glob_fits(p, end, text, end[-1] == '/')) return true;
    }
    return false;
}

typedef struct naive_merge {
    const char *ours, *theirs; /* patterns */
    bool resolver;             /* naive_resolve is asked */
    int strategy;              /* tarn_side */
    uint32_t *map;             /* what comes out; free it */
    uint32_t *clash;           /* conflicts that stay; free it */
    uint32_t n_clash, settled;
} naive_merge;

enum { LEAVE, TAKE_THEIRS, REMOVE };

/* What the resolver does about a path. */
static inline int naive_resolve(const char *path) { return (int)(tarn_mix64(5, path, strlen(path)) % 3); }

static inline uint32_t blend_marks(const contents *c, int at_base, int a, int b)
{
    static const tarn_id none;

    if (a == at_base) return (uint32_t)b;
    if (b == at_base) return (uint32_t)a;
    const tarn_id *x = a < 0 ? &none : &c->v[a].object.id, *y = b < 0 ? &none : &c->v[b].object.id;
    return (uint32_t)(memcmp(x->b, y->b, TARN_ID_BYTES) < 0 ? a : b);
}

/* One content, made in two ways: what one side changed holds; of two new ones the smaller id. */
static inline uint32_t blended(const contents *c, uint32_t base, uint32_t a, uint32_t b)
{
    bool there = base >= FIRST_VALUE;
    int none = -2; /* like nothing */
    int recipe = (int)blend_marks(c, there ? recipe_content(recipe_of(base)) : none, recipe_content(recipe_of(a)),
                                  recipe_content(recipe_of(b)));
    int attrs = (int)blend_marks(c, there ? attrs_content(attrs_of(base)) : none, attrs_content(attrs_of(a)),
                                 attrs_content(attrs_of(b)));

    return value_of(content_of(a), recipe < 0 ? 0 : (uint32_t)(recipe - CONTENTS + 1),
                    attrs < 0 ? 0 : (uint32_t)(attrs - CONTENTS - (MARKS - 1) + 1));
}

/* A conflict: what stands there then. */
static inline uint32_t settle(naive_merge *g, const char *path, uint32_t ours, uint32_t theirs, bool *settled)
{
    int way = g->resolver ? naive_resolve(path) : LEAVE;

    *settled = true;
    if (glob_any(g->ours, path)) return ours;
    if (glob_any(g->theirs, path)) return theirs;
    if (way == REMOVE) return 0;
    if (way == TAKE_THEIRS || g->strategy == TARN_SIDE_THEIRS) return theirs;
    *settled = g->strategy == TARN_SIDE_OURS;
    return ours;
}

/* Maps may be NULL: empty. */
static inline void merge_naively(const naive *m, const contents *c, const uint32_t *base, const uint32_t *ours,
                                 const uint32_t *theirs, naive_merge *g)
{
    g->map = map_new(m, NULL);
    g->clash = map_new(m, NULL);
    g->n_clash = g->settled = 0;
    for (uint32_t p = 0; p < m->paths.n; p++) {
        uint32_t x = base ? base[p] : 0, y = ours ? ours[p] : 0, z = theirs ? theirs[p] : 0;
        bool settled = false;
        if (y == z || x == z) g->map[p] = y;
        else if (x == y) g->map[p] = z;
        else if (y && z && content_of(y) == content_of(z)) g->map[p] = blended(c, x, y, z);
        else {
            g->map[p] = settle(g, m->paths.v[p], y, z, &settled);
            if (settled) g->settled++;
            else g->clash[g->n_clash++] = p;
        }
    }
}

#endif
