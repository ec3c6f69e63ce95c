/* SPDX-License-Identifier: Apache-2.0 */
/* delta_test.c - what replaces an object is stored as what changed, and comes back; damaged and hostile bases. */
#include "lake/scratch_test.h"

#include "lake/delta.h"
#include "lake/object.h"

#include <dirent.h>
#include <sys/stat.h>

enum { ROWS = 12000, ROW = 60 };

/* A table of text rows; the numbers in them do not compress. */
typedef struct rows {
    char *bytes;
    size_t len;
} rows;

static size_t put_row(char *out, uint64_t number, uint64_t seed)
{
    return (size_t)sprintf(out, "%llu,%llu,Oslo\n", (unsigned long long)number,
                           (unsigned long long)tarn_random_u64(seed, TARN_STREAM_TEST, number, 0));
}

static rows first_version(void)
{
    rows r = {malloc((size_t)ROWS * ROW * 2), 0};

    assert_non_null(r.bytes);
    for (uint64_t i = 0; i < ROWS; i++) r.len += put_row(r.bytes + r.len, i, 1);
    return r;
}

/* Some digits changed, some bytes gone from the middle, some rows more in the middle and at the end. */
static void next_version(rows *r, uint64_t version)
{
    for (uint64_t i = 0; i < 20; i++) {
        size_t at = (size_t)(tarn_random_u64(version, TARN_STREAM_TEST, i, 1) % r->len);
        if (r->bytes[at] >= '0' && r->bytes[at] <= '9') r->bytes[at] = (char)('0' + (r->bytes[at] - '0' + 1) % 10);
    }
    size_t at = (size_t)(tarn_random_u64(version, TARN_STREAM_TEST, 0, 2) % (r->len - 500));
    memmove(r->bytes + at, r->bytes + at + 300, r->len - at - 300);
    r->len -= 300;
    char more[20 * ROW];
    size_t len = 0;
    for (uint64_t i = 0; i < 10; i++) len += put_row(more + len, i, 1000 + version);
    at = (size_t)(tarn_random_u64(version, TARN_STREAM_TEST, 0, 3) % r->len);
    memmove(r->bytes + at + len, r->bytes + at, r->len - at);
    memcpy(r->bytes + at, more, len);
    r->len += len;
    for (uint64_t i = 0; i < 10; i++) r->len += put_row(r->bytes + r->len, i, 2000 + version);
}

static uint64_t stored_bytes(scratch *s)
{
    tarn_fsck counts;
    problems p = {0};

    must(tarn_lake_sync(s->lake, err));
    must(tarn_lake_fsck(s->lake, keep_problem, &p, &counts, NULL, err));
    if (p.n > 0) fail_msg("%s", p.lines[0]);
    return (uint64_t)counts.bytes;
}

static void check_object(tarn_lake *lake, const tarn_id *id, const rows *want)
{
    char *back = NULL;
    size_t len = 0;

    must(tarn_lake_get(lake, id, 0, &back, &len, err));
    assert_int_equal(len, want->len);
    assert_memory_equal(back, want->bytes, len);
    tarn_free(back);
}

typedef struct deltas {
    tarn_lake *lake;
    int n, deepest;
} deltas;

static tarn_code look_at_piece(void *arg, const tarn_piece *p, bool *enter, tarn_err *err)
{
    deltas *d = arg;
    tarn_delta delta;
    tarn_code rc = tarn_store_bases(d->lake, &p->id, &delta, err);

    (void)enter;
    d->n += delta.n > 0;
    if (delta.depth > d->deepest) d->deepest = delta.depth;
    return rc;
}

static int count_deltas(tarn_lake *lake, const tarn_id *id, int *deepest)
{
    deltas d = {.lake = lake};

    must(tarn_object_pieces(lake, id, look_at_piece, &d, err));
    *deepest = d.deepest;
    return d.n;
}

static void forty_versions_come_back_and_cost_what_changed(void **state)
{
    enum { VERSIONS = 40 };
    scratch s = scratch_new();
    rows r = first_version(), kept[3];
    tarn_object o = {.size = 0}, objects[VERSIONS];
    int deepest = 0, most = 0;
    uint64_t first = 0, before, now;

    (void)state;
    for (int v = 0; v < VERSIONS; v++) {
        before = v > 0 ? stored_bytes(&s) : 0;
        must(tarn_lake_put_like(s.lake, r.bytes, r.len, v > 0 ? &objects[v - 1].id : NULL, &o, err));
        objects[v] = o;
        now = stored_bytes(&s);
        if (v == 0) first = now;
        else if (now - before > first / 8)
            fail_msg("version %d adds %llu of %llu", v, (unsigned long long)(now - before), (unsigned long long)first);
        check_object(s.lake, &o.id, &r);
        if (v > 0) assert_true(count_deltas(s.lake, &o.id, &deepest) > 0);
        if (deepest > most) most = deepest;
        if (v == 0 || v == 20 || v == VERSIONS - 1) {
            rows *k = &kept[v == 0 ? 0 : v == 20 ? 1 : 2];
            *k = (rows){malloc(r.len), r.len};
            assert_non_null(k->bytes);
            memcpy(k->bytes, r.bytes, r.len);
        }
        next_version(&r, (uint64_t)v + 10);
    }
    assert_in_range(most, 2, TARN_DELTA_HOPS);
    if (stored_bytes(&s) > 3 * first)
        fail_msg("%llu against %llu", (unsigned long long)stored_bytes(&s), (unsigned long long)first);
    scratch_reopen(&s);
    check_object(s.lake, &objects[0].id, &kept[0]);
    check_object(s.lake, &objects[20].id, &kept[1]);
    check_object(s.lake, &objects[VERSIONS - 1].id, &kept[2]);
    for (int i = 0; i < 3; i++) free(kept[i].bytes);
    free(r.bytes);
    scratch_free(&s);
}

static void files_and_pieces_take_the_hint_too(void **state)
{
    scratch s = scratch_new();
    rows r = first_version();
    tarn_object a, b, c, d[2];
    char path[128];
    tarn_writer *w = NULL;
    int deepest;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", s.folder);
    must(tarn_lake_put(s.lake, r.bytes, r.len, &a, err));
    next_version(&r, 1);
    must(tarn_file_save(path, r.bytes, r.len, err));
    must(tarn_lake_put_file(s.lake, path, &a.id, &b, err));
    assert_true(count_deltas(s.lake, &b.id, &deepest) > 0);
    next_version(&r, 2);
    must(tarn_lake_writer_new(s.lake, &b.id, &w, err));
    for (size_t at = 0; at < r.len; at += 10000)
        must(tarn_lake_writer_add(w, r.bytes + at, r.len - at < 10000 ? r.len - at : 10000, err));
    must(tarn_lake_writer_end(w, &c, err));
    tarn_lake_writer_free(w);
    assert_true(count_deltas(s.lake, &c.id, &deepest) > 0);
    check_object(s.lake, &c.id, &r);
    next_version(&r, 3);
    must(tarn_file_save(path, r.bytes, r.len, err));
    const char *paths[2] = {path, path};
    tarn_id likes[2] = {c.id, {{0}}};
    must(tarn_lake_put_files(s.lake, NULL, paths, likes, 2, d, err));
    assert_true(count_deltas(s.lake, &d[0].id, &deepest) > 0);
    check_object(s.lake, &d[1].id, &r);
    (void)stored_bytes(&s);
    free(r.bytes);
    scratch_free(&s);
}

static void a_hint_that_does_not_fit_does_no_harm(void **state)
{
    scratch s = scratch_new();
    char *x = noise(400000, 3), *y = noise(300000, 4), *back = NULL;
    static const tarn_id nowhere = {{7}};
    tarn_object ox, oy, again;
    size_t len = 0;
    int deepest;

    (void)state;
    must(tarn_lake_put_like(s.lake, x, 400000, &nowhere, &ox, err));
    must(tarn_lake_put_like(s.lake, y, 300000, &ox.id, &oy, err));
    assert_int_equal(count_deltas(s.lake, &oy.id, &deepest), 0); /* nothing alike */
    must(tarn_lake_put_like(s.lake, x, 400000, &ox.id, &again, err));
    assert_true(tarn_id_equal(&ox.id, &again.id));
    must(tarn_lake_put_like(s.lake, "", 0, &ox.id, &again, err));
    must(tarn_lake_put_like(s.lake, x, 600, &again.id, &again, err)); /* like the empty object */
    must(tarn_lake_get(s.lake, &again.id, 0, &back, &len, err));
    assert_memory_equal(back, x, 600);
    tarn_free(back);
    (void)stored_bytes(&s);
    free(x);
    free(y);
    scratch_free(&s);
}

/* Small documents: one chunk each. */
static void a_small_text_with_a_changed_word_costs_little(void **state)
{
    scratch s = scratch_new();
    char *text = noise(20000, 9);
    tarn_object o, before;

    (void)state;
    must(tarn_lake_put(s.lake, text, 20000, &before, err));
    uint64_t first = stored_bytes(&s);
    memcpy(text + 7000, "changed", 7);
    must(tarn_lake_put_like(s.lake, text, 20000, &before.id, &o, err));
    assert_true(stored_bytes(&s) - first < 1000);
    free(text);
    scratch_free(&s);
}

/* ---- damage ---- */

static void flip_in_first_pack(scratch *s, const tarn_id *id)
{
    tarn_where where;
    bool found = false;
    char path[256], *bytes = NULL;
    size_t len = 0;

    must(tarn_store_find(s->lake, id, &where, &found, err));
    assert_true(found);
    (void)snprintf(path, sizeof path, "%s/.tarn/packs/%s", s->folder, s->lake->segments[0].row.name);
    must(tarn_file_read(path, 0, &bytes, &len, err));
    bytes[where.offset + TARN_RECORD_HEAD + 50] ^= 4;
    assert_int_equal(chmod(path, 0644), 0);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    tarn_free(bytes);
}

static void a_damaged_base_is_named_with_all_that_needs_it(void **state)
{
    scratch s = scratch_new();
    char *text = noise(20000, 9), base[TARN_ID_HEX], *back = NULL;
    tarn_entry e = {.path = "doc"};
    tarn_id first, commit;
    problems p = {0};
    tarn_fsck counts;

    (void)state;
    for (int v = 0; v < 3; v++) {
        tarn_id before = e.object.id;
        memcpy(text + 7000 + 100 * v, "changed", 7);
        must(tarn_lake_put_like(s.lake, text, 20000, &before, &e.object, err));
        must(tarn_lake_commit_entries(s.lake, "main", &e, 1, &(tarn_commit_options){.author = "Ann"}, &commit, err));
        if (v == 0) first = e.object.id;
    }
    flip_in_first_pack(&s, &first);
    scratch_reopen(&s);
    (void)tarn_id_hex(&first, base);
    base[12] = '\0';
    must_fail_with(TARN_CORRUPT, base, tarn_lake_get(s.lake, &e.object.id, 0, &back, NULL, err));
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 3); /* each version of doc, in its commit */
    for (int i = 0; i < 3; i++)
        if (!strstr(p.lines[i], base) || !strstr(p.lines[i], "doc in commit")) fail_msg("%s", p.lines[i]);
    free(text);
    scratch_free(&s);
}

/* A record of one delta, by hand. */
static void add_delta(tarn_lake *lake, const tarn_id *id, const tarn_id *base, int depth)
{
    uint8_t bytes[128] = {0};
    tarn_delta d = {.n = 1, .depth = depth, .generation = 1, .before_len = 1000, .base = {*base}};
    size_t head = tarn_delta_write(&d, bytes);

    must(tarn_pack_add(&lake->open, id, TARN_KIND_CHUNK, TARN_CODING_DELTA, bytes, head + 20, 1000, err));
}

static void bases_in_a_circle_or_missing_are_damage(void **state)
{
    scratch s = scratch_new();
    tarn_id a = {{1}}, b = {{2}}, c = {{3}}, gone = {{4}};
    char *back = NULL;
    problems p = {0};
    tarn_fsck counts;

    (void)state;
    add_delta(s.lake, &a, &b, 2);
    add_delta(s.lake, &b, &a, 1);
    add_delta(s.lake, &c, &gone, 1);
    must(tarn_lake_sync(s.lake, err));
    must_fail_with(TARN_CORRUPT, "more records than can be right", tarn_lake_get(s.lake, &a, 0, &back, NULL, err));
    must_fail_with(TARN_CORRUPT, "not in the lake", tarn_lake_get(s.lake, &c, 0, &back, NULL, err));
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 3);
    assert_true(said(&p, "base 040000000000"));
    scratch_free(&s);
}

static void a_delta_head_survives_flips_and_cuts(void **state)
{
    tarn_delta d = {.n = 2, .depth = 3, .generation = 7, .before_len = 99, .base = {{{1}}, {{2}}}}, back;
    uint8_t bytes[TARN_DELTA_HEAD + 2 * TARN_ID_BYTES];
    size_t len = tarn_delta_write(&d, bytes), head = 0;

    (void)state;
    assert_int_equal(len, sizeof bytes);
    must(tarn_delta_read(bytes, len, &back, &head, err));
    assert_int_equal(head, len);
    assert_int_equal(back.generation, 7);
    assert_true(tarn_id_equal(&back.base[1], &d.base[1]));
    for (size_t cut = 0; cut < len; cut++)
        must_fail_with(TARN_CORRUPT, "delta", tarn_delta_read(bytes, cut, &back, &head, err));
    for (int n = 0; n < 256; n++) {
        bytes[0] = (uint8_t)n;
        tarn_code rc = tarn_delta_read(bytes, len, &back, &head, NULL);
        assert_int_equal(rc, n == 1 || n == 2 ? TARN_OK : TARN_CORRUPT);
    }
}

/* ---- two writers ---- */

/* Both have the two contents, each makes one from the other in its own order; then what is named must not go round. */
static void two_writers_in_opposite_order_make_no_circle(void **state)
{
    scratch s = scratch_new();
    tarn_lake *other = NULL;
    char *x = noise(30000, 5), *y = noise(30000, 5), *back = NULL;
    tarn_object ox, oy;
    problems p = {0};
    tarn_fsck counts;

    (void)state;
    memcpy(y + 100, "another", 7);
    must(tarn_lake_open(s.folder, &other, err));
    must(tarn_lake_put(other, y, 30000, &oy, err));
    must(tarn_lake_put_like(other, x, 30000, &oy.id, &ox, err)); /* x from y, waiting */
    must(tarn_lake_put(s.lake, x, 30000, &ox, err));
    must(tarn_lake_put_like(s.lake, y, 30000, &ox.id, &oy, err)); /* y from x */
    must(tarn_lake_sync(s.lake, err));
    must(tarn_lake_sync(other, err));
    tarn_lake_close(other);
    scratch_reopen(&s);
    for (int i = 0; i < 2; i++) {
        must(tarn_lake_get(s.lake, i ? &ox.id : &oy.id, 0, &back, NULL, err));
        assert_memory_equal(back, i ? x : y, 30000);
        tarn_free(back);
    }
    must(tarn_lake_fsck(s.lake, keep_problem, &p, &counts, NULL, err));
    assert_int_equal(p.n, 0);
    int n_deltas = 0;
    for (size_t i = 0; i < s.lake->n_segments; i++) {
        tarn_segment *g = &s.lake->segments[i];
        tarn_indexed e;
        for (uint32_t k = 0; k < g->index.n; k++) {
            must(tarn_index_at(&g->index, k, "x", &e, err));
            n_deltas += e.where.coding == TARN_CODING_DELTA;
        }
    }
    assert_int_equal(n_deltas, 1); /* the other's second copy was left out */
    free(x);
    free(y);
    scratch_free(&s);
}

/* ---- memory ---- */

static tarn_code put_two(const char *folder, const char *x, const char *y, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_object a, b;
    char *back = NULL;

    TARN_TRY(tarn_lake_open(folder, &lake, err));
    TARN_TRY(tarn_lake_put(lake, x, 200000, &a, err));
    TARN_TRY(tarn_lake_put_like(lake, y, 200000, &a.id, &b, err));
    TARN_TRY(tarn_lake_sync(lake, err));
    TARN_TRY(tarn_lake_get(lake, &b.id, 0, &back, NULL, err));
    if (memcmp(back, y, 200000) != 0) rc = TARN_FAIL(err, TARN_CORRUPT, "other bytes came back");
done:
    tarn_free(back);
    tarn_lake_close(lake);
    return rc;
}

static void memory_may_run_out_at_any_allocation(void **state)
{
    scratch s = scratch_new();
    char *x = noise(200000, 5), *y = noise(200000, 5);
    tarn_code rc = TARN_NOMEM;
    int64_t n = 0;

    (void)state;
    memcpy(y + 150000, "another", 7);
    tarn_lake_close(s.lake);
    s.lake = NULL;
    int64_t before = tarn_mem_live();
    while (rc != TARN_OK) {
        tarn_err err = {0};
        tarn_mem_fail_after(++n);
        rc = put_two(s.folder, x, y, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %lld: %s", (long long)n, err.msg);
        assert_int_equal(tarn_mem_live(), before);
        assert_true(n < 2000);
    }
    assert_true(n > 30);
    must(tarn_lake_open(s.folder, &s.lake, err));
    (void)stored_bytes(&s);
    free(x);
    free(y);
    scratch_free(&s);
}

TARN_TESTS(TARN_TEST(forty_versions_come_back_and_cost_what_changed), TARN_TEST(files_and_pieces_take_the_hint_too),
           TARN_TEST(a_hint_that_does_not_fit_does_no_harm), TARN_TEST(a_small_text_with_a_changed_word_costs_little),
           TARN_TEST(a_damaged_base_is_named_with_all_that_needs_it),
           TARN_TEST(bases_in_a_circle_or_missing_are_damage), TARN_TEST(a_delta_head_survives_flips_and_cuts),
           TARN_TEST(two_writers_in_opposite_order_make_no_circle), TARN_TEST(memory_may_run_out_at_any_allocation))
