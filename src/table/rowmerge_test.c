/* SPDX-License-Identifier: Apache-2.0 */
/* rowmerge_test.c - three-way merges: against a naive merge of random edits, as properties, and case by case. */
#include "table/rows_sample.h"

/* ---- the oracle ---- */

typedef struct naive {
    sample table;
    int conflict_rows, conflict_cells;
} naive;

/* One row of the result into out (0: it is not in it); conflicts are counted. b, o, t: NULL where there is no row. */
static int merge_row(const sample_row *b, const sample_row *o, const sample_row *t, tarn_rows_side resolve, naive *n,
                     sample_row *out)
{
    bool theirs = resolve == TARN_ROWS_THEIRS;
    int cells = 0;

    if (!o && !t) return 0;
    if (!o || !t) {
        const sample_row *left = o ? o : t;
        *out = *left;
        if (!b) return 1; /* added by one side */
        if (memcmp(b->cells, left->cells, sizeof b->cells) == 0) return 0;
        n->conflict_rows++;
        for (int c = 0; c < CELLS; c++) n->conflict_cells += b->cells[c] != left->cells[c];
        return theirs == (left == t);
    }
    *out = *o;
    for (int c = 0; c < CELLS; c++) {
        if (o->cells[c] == t->cells[c]) continue;
        if (b && t->cells[c] == b->cells[c]) continue;
        if (b && o->cells[c] == b->cells[c]) {
            out->cells[c] = t->cells[c];
            continue;
        }
        cells++;
        if (theirs) out->cells[c] = t->cells[c];
    }
    n->conflict_rows += cells > 0;
    n->conflict_cells += cells;
    return 1;
}

static const sample_row *row_or_null(const sample *s, int at) { return at < 0 ? NULL : &s->rows[at]; }

static void merge_naively(const sample *b, const sample *o, const sample *t, tarn_rows_side resolve, naive *n)
{
    static int at_b[IDS], at_o[IDS], at_t[IDS];

    index_rows(b, at_b);
    index_rows(o, at_o);
    index_rows(t, at_t);
    n->table.n = n->conflict_rows = n->conflict_cells = 0;
    for (int i = 0; i < o->n; i++) {
        int id = o->rows[i].id;
        n->table.n += merge_row(row_or_null(b, at_b[id]), &o->rows[i], row_or_null(t, at_t[id]), resolve, n,
                                &n->table.rows[n->table.n]);
    }
    for (int i = 0; i < t->n; i++) {
        int id = t->rows[i].id;
        if (at_o[id] >= 0) continue;
        n->table.n += merge_row(row_or_null(b, at_b[id]), NULL, &t->rows[i], resolve, n, &n->table.rows[n->table.n]);
    }
}

typedef struct told {
    int cells, last_id;
} told;

static tarn_code count_conflict(void *arg, const tarn_row_conflict *c, tarn_err *err)
{
    told *t = arg;
    int id = atoi(c->key[0].after);

    (void)err;
    assert_true(c->kind != TARN_CLASH_COLUMN && cell_of(c->column) >= 0);
    assert_true(id >= t->last_id); /* in key order */
    t->last_id = id;
    t->cells++;
    if (c->kind == TARN_CLASH_CELL || c->kind == TARN_CLASH_ADDED) assert_false(same_text(c->ours, c->theirs));
    if (c->kind == TARN_CLASH_THEIRS) assert_false(same_text(c->base, c->ours));
    if (c->kind == TARN_CLASH_OURS) assert_false(same_text(c->base, c->theirs));
    return TARN_OK;
}

/* The file must have these rows, in this order. */
static void holds(tarn_db *db, const char *path, const sample *want)
{
    char sql[512], text[32];
    tarn_columns *c = NULL;

    (void)snprintf(sql, sizeof sql, "SELECT id, CAST(a AS VARCHAR), CAST(b AS VARCHAR), c FROM read_parquet('%s')",
                   path);
    must(tarn_db_query(db, sql, -1, &c, err));
    assert_int_equal(tarn_columns_rows(c), want->n);
    for (int i = 0; i < want->n; i++) {
        assert_int_equal(((const int64_t *)tarn_columns_at(c, 0)->values)[i], want->rows[i].id);
        for (int k = 0; k < CELLS; k++) {
            const tarn_column *a = tarn_columns_at(c, k + 1);
            const char *cell = cell_text(k, want->rows[i].cells[k], text);
            int32_t len = 0;
            assert_true(tarn_column_has(a, i) == (cell != NULL));
            if (!cell) continue;
            const char *word = tarn_column_word(a, ((const int32_t *)a->values)[i], &len);
            assert_true((size_t)len == strlen(cell) && memcmp(word, cell, strlen(cell)) == 0);
        }
    }
    tarn_columns_release(c);
}

typedef struct files {
    char b[256], o[256], t[256], m[256];
} files;

static void name_files(files *f)
{
    file_name(f->b, "base.parquet");
    file_name(f->o, "ours.parquet");
    file_name(f->t, "theirs.parquet");
    file_name(f->m, "merged.parquet");
}

static void remove_files(const files *f)
{
    (void)unlink(f->b);
    (void)unlink(f->o);
    (void)unlink(f->t);
    (void)unlink(f->m);
}

/* Merge and hold the result against n; conflicts without `resolve` must leave no file. */
static void check_merge(tarn_db *db, const files *f, bool with_base, tarn_rows_side resolve, const naive *n)
{
    told t = {.last_id = -1};
    tarn_rows_merged out;
    tarn_rows_merge_options o = {.key = "id", .resolve = resolve, .limit = -1, .conflict = count_conflict, .arg = &t};

    (void)unlink(f->m);
    must(tarn_rows_merge(db, with_base ? f->b : NULL, f->o, f->t, &o, f->m, &out, err));
    assert_int_equal(out.conflict_rows, n->conflict_rows);
    assert_int_equal(out.conflict_columns, 0);
    assert_int_equal(t.cells, n->conflict_cells);
    bool written = n->conflict_rows == 0 || resolve != TARN_ROWS_NONE;
    assert_true(out.written == written && tarn_path_exists(f->m) == written);
    if (!written) return;
    assert_int_equal(out.rows, n->table.n);
    holds(db, f->m, &n->table);
}

static void merges_are_what_a_naive_merge_gives(void **state)
{
    tarn_db *db = open_db(2);
    static sample base, ours, theirs, none;
    static naive n;
    files f;
    int conflicts = 0, clean = 0;

    (void)state;
    name_files(&f);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        dice d = {.seed = 100 + seed};
        bool with_base = seed % 5 != 0;
        fill(&base, 1 + roll(&d, seed % 2 ? 200 : 6000), &d);
        ours = theirs = base;
        /* disjoint regions and ids, or all over each other */
        edit(&ours, roll(&d, 120), 0, seed % 3 ? IDS : ours.n / 2, 8000, &d);
        edit(&theirs, roll(&d, 120), seed % 3 ? 0 : theirs.n / 2 + 60, IDS, seed % 3 ? 8000 : 9000, &d);
        if (with_base) save(db, &base, f.b);
        save(db, &ours, f.o);
        save(db, &theirs, f.t);
        for (int resolve = 0; resolve < 3; resolve++) {
            merge_naively(with_base ? &base : &none, &ours, &theirs, (tarn_rows_side)resolve, &n);
            check_merge(db, &f, with_base, (tarn_rows_side)resolve, &n);
        }
        if (n.conflict_rows) conflicts++;
        else clean++;
    }
    assert_true(conflicts >= 3 && clean >= 3);
    remove_files(&f);
    tarn_db_close(db);
}

static int by_id(const void *x, const void *y) { return ((const sample_row *)x)->id - ((const sample_row *)y)->id; }

/* merge(a, a, b) and merge(a, b, a) are b; ours and theirs may change places, up to the order of rows. */
static void merging_with_nothing_changes_nothing_and_sides_are_alike(void **state)
{
    tarn_db *db = open_db(1);
    static sample a, b, sorted;
    static naive n;
    files f;
    tarn_rows_merged out;
    tarn_rows_merge_options o = {.key = "id"};

    (void)state;
    name_files(&f);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        dice d = {.seed = 300 + seed};
        fill(&a, 3000, &d);
        b = a;
        edit(&b, 80, 0, IDS, 9000, &d);
        save(db, &a, f.b);
        save(db, &b, f.o);
        must(tarn_rows_merge(db, f.b, f.o, f.b, &o, f.m, &out, err));
        holds(db, f.m, &b);
        assert_int_equal(out.added + out.removed + out.changed, 0);
        must(tarn_rows_merge(db, f.b, f.b, f.o, &o, f.m, &out, err));
        merge_naively(&a, &a, &b, TARN_ROWS_NONE, &n);
        holds(db, f.m, &n.table); /* in the order of a, then what is new */
        sorted = b;
        qsort(sorted.rows, (size_t)sorted.n, sizeof *sorted.rows, by_id);
        qsort(n.table.rows, (size_t)n.table.n, sizeof *n.table.rows, by_id);
        assert_int_equal(n.table.n, sorted.n);
        assert_memory_equal(n.table.rows, sorted.rows, (size_t)sorted.n * sizeof *sorted.rows);
        must(tarn_rows_merge(db, f.b, f.o, f.o, &o, f.m, &out, err));
        holds(db, f.m, &b);
    }
    remove_files(&f);
    tarn_db_close(db);
}

static void the_sides_may_change_places(void **state)
{
    tarn_db *db = open_db(1);
    static sample base, ours, theirs;
    static naive x, y;
    tarn_rows_merged one, two;
    tarn_rows_merge_options o = {.key = "id"};
    files f;

    (void)state;
    name_files(&f);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        dice d = {.seed = 400 + seed};
        fill(&base, 500, &d);
        ours = theirs = base;
        edit(&ours, seed < 3 ? 10 : 60, 0, IDS, 8000, &d);
        edit(&theirs, seed < 3 ? 10 : 60, 0, IDS, 9000, &d);
        save(db, &base, f.b);
        save(db, &ours, f.o);
        save(db, &theirs, f.t);
        must(tarn_rows_merge(db, f.b, f.o, f.t, &o, f.m, &one, err));
        must(tarn_rows_merge(db, f.b, f.t, f.o, &o, f.m, &two, err));
        assert_int_equal(one.conflict_rows, two.conflict_rows);
        merge_naively(&base, &ours, &theirs, TARN_ROWS_NONE, &x);
        merge_naively(&base, &theirs, &ours, TARN_ROWS_NONE, &y);
        assert_int_equal(x.conflict_rows, one.conflict_rows);
        if (x.conflict_rows > 0) continue;
        holds(db, f.m, &y.table);
        qsort(x.table.rows, (size_t)x.table.n, sizeof *x.table.rows, by_id);
        qsort(y.table.rows, (size_t)y.table.n, sizeof *y.table.rows, by_id);
        assert_int_equal(x.table.n, y.table.n);
        assert_memory_equal(x.table.rows, y.table.rows, (size_t)x.table.n * sizeof *x.table.rows);
    }
    remove_files(&f);
    tarn_db_close(db);
}

/* ---- case by case ---- */

typedef struct heard {
    tarn_text text;
} heard;

static tarn_code hear(void *arg, const tarn_row_conflict *c, tarn_err *err)
{
    heard *h = arg;

    (void)err;
    tarn_text_addf(&h->text, "%s", tarn_clash_name(c->kind));
    for (int i = 0; i < c->n_key; i++) tarn_text_addf(&h->text, " %s=%s", c->key[i].column->name, c->key[i].after);
    tarn_text_addf(&h->text, " %s: %s|%s|%s", c->column, c->base ? c->base : "-", c->ours ? c->ours : "-",
                   c->theirs ? c->theirs : "-");
    if (c->why) tarn_text_addf(&h->text, " (%s)", c->why);
    tarn_text_add(&h->text, ";");
    return TARN_OK;
}

/* Merge three queries (base may be NULL). conflicts: as hear() writes them. rows: the result as text, "" if none. */
static void merge_queries(const char *base, const char *ours, const char *theirs, tarn_rows_side resolve,
                          const char *conflicts, const char *rows)
{
    tarn_db *db = open_db(1);
    tarn_rows_merged out;
    tarn_columns *c = NULL;
    heard h = {0};
    files f;
    char sql[512];
    int32_t len = 0;
    const char *word = "";
    tarn_rows_merge_options o = {.key = "k", .resolve = resolve, .limit = -1, .conflict = hear, .arg = &h};

    name_files(&f);
    if (base) make(db, f.b, base);
    make(db, f.o, ours);
    make(db, f.t, theirs);
    (void)unlink(f.m);
    must(tarn_rows_merge(db, base ? f.b : NULL, f.o, f.t, &o, f.m, &out, err));
    assert_string_equal(h.text.data ? h.text.data : "", conflicts);
    if (out.written) {
        (void)snprintf(sql, sizeof sql, "SELECT string_agg(CAST(t AS VARCHAR), ' ') FROM (FROM read_parquet('%s')) t",
                       f.m);
        must(tarn_db_query(db, sql, -1, &c, err));
        const tarn_column *a = tarn_columns_at(c, 0);
        if (tarn_column_has(a, 0)) word = tarn_column_word(a, 0, &len);
    }
    char *got = NULL;
    must(tarn_strndup(word, (size_t)len, &got, err));
    assert_string_equal(got, rows);
    tarn_free(got);
    tarn_columns_release(c);
    tarn_text_clear(&h.text);
    remove_files(&f);
    tarn_db_close(db);
}

static void each_kind_of_conflict_is_told_and_decided(void **state)
{
    static const char *const b = "SELECT * FROM (VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)) t(k, x, y)",
                             *const o = "SELECT * FROM (VALUES (1, 'o', 1), (3, 'c', 33), (9, 'n', 5)) t(k, x, y)",
                             *const t = "SELECT * FROM (VALUES (1, 't', 7), (2, 'bb', 2), (9, 'n', 6)) t(k, x, y)",
                             *const all =
                                 "cell k=1 x: a|o|t;removed by ours k=2 x: b|-|bb;removed by theirs k=3 y: 3|33|-;"
                                 "added by both k=9 y: -|5|6;";

    (void)state;
    merge_queries(b, o, t, TARN_ROWS_NONE, all, "");
    merge_queries(b, o, t, TARN_ROWS_OURS, all,
                  "{'k': 1, 'x': o, 'y': 7} {'k': 3, 'x': c, 'y': 33} {'k': 9, 'x': n, 'y': 5}");
    merge_queries(b, o, t, TARN_ROWS_THEIRS, all,
                  "{'k': 1, 'x': t, 'y': 7} {'k': 9, 'x': n, 'y': 6} {'k': 2, 'x': bb, 'y': 2}");
}

static void columns_that_one_side_added_are_added(void **state)
{
    (void)state;
    merge_queries("SELECT * FROM (VALUES (1, 1), (2, 2)) t(k, x)",
                  "SELECT * FROM (VALUES (1, 1, 'o1'), (2, 5, 'o2'), (4, 4, "
                  "'o4')) t(k, x, mine)",
                  "SELECT * FROM (VALUES (0.5, 1, 1), (NULL, 2, 2), (1.5, 3, 3)) t(new, k, x)", TARN_ROWS_NONE, "",
                  "{'k': 1, 'x': 1, 'mine': o1, 'new': 0.5} {'k': 2, 'x': 5, 'mine': o2, 'new': NULL} "
                  "{'k': 4, 'x': 4, 'mine': o4, 'new': NULL} {'k': 3, 'x': 3, 'mine': NULL, 'new': 1.5}");
    /* a row that ours removed stays removed, though theirs gave it a value in a new column */
    merge_queries("SELECT * FROM (VALUES (1, 1), (2, 2)) t(k, x)", "SELECT 1 AS k, 1 AS x",
                  "SELECT * FROM (VALUES (1, 1, 7), (2, 2, 8)) t(k, x, new)", TARN_ROWS_NONE, "",
                  "{'k': 1, 'x': 1, 'new': 7}");
    /* both added it, with one type: cell by cell */
    merge_queries("SELECT 1 AS k UNION ALL SELECT 2", "SELECT * FROM (VALUES (1, 5), (2, NULL)) t(k, n)",
                  "SELECT * FROM (VALUES (1, NULL), (2, 6)) t(k, n)", TARN_ROWS_NONE, "",
                  "{'k': 1, 'n': 5} {'k': 2, 'n': 6}");
    merge_queries("SELECT 1 AS k", "SELECT 1 AS k, 5 AS n", "SELECT 1 AS k, 6 AS n", TARN_ROWS_NONE,
                  "cell k=1 n: -|5|6;", "");
    static const char *const why =
        "column n: -|INTEGER|VARCHAR (added by both, as INTEGER by ours and as VARCHAR by theirs);";
    merge_queries("SELECT 1 AS k", "SELECT 1 AS k, 5 AS n", "SELECT 1 AS k, 'x' AS n", TARN_ROWS_NONE, why, "");
    merge_queries("SELECT 1 AS k", "SELECT 1 AS k, 5 AS n", "SELECT 1 AS k, 'x' AS n UNION ALL SELECT 2, 'y'",
                  TARN_ROWS_OURS, why, "{'k': 1, 'n': 5} {'k': 2, 'n': NULL}");
    merge_queries("SELECT 1 AS k", "SELECT 1 AS k, 5 AS n UNION ALL SELECT 3, 7", "SELECT 1 AS k, 'x' AS n",
                  TARN_ROWS_THEIRS, why, "{'k': 1, 'n': x} {'k': 3, 'n': 7}");
}

static void columns_that_one_side_dropped_are_dropped_unless_changed(void **state)
{
    static const char *const base = "SELECT * FROM (VALUES (1, 1, 'a'), (2, 2, 'b')) t(k, x, old)",
                             *const gone = "SELECT * FROM (VALUES (1, 1), (2, 22)) t(k, x)",
                             *const kept = "SELECT * FROM (VALUES (1, 10, 'a'), (2, 2, 'b'), (3, 3, 'c')) t(k, x, old)",
                             *const touched = "SELECT * FROM (VALUES (1, 1, 'A'), (2, 2, 'b')) t(k, x, old)";

    (void)state;
    merge_queries(base, kept, gone, TARN_ROWS_NONE, "", "{'k': 1, 'x': 10} {'k': 2, 'x': 22} {'k': 3, 'x': 3}");
    merge_queries(base, gone, kept, TARN_ROWS_NONE, "", "{'k': 1, 'x': 10} {'k': 2, 'x': 22} {'k': 3, 'x': 3}");
    merge_queries(base, gone, gone, TARN_ROWS_NONE, "", "{'k': 1, 'x': 1} {'k': 2, 'x': 22}");
    static const char *const ours = "column old: VARCHAR|VARCHAR|- (theirs dropped it, and ours changed it in 1 row);",
                             *const theirs =
                                 "column old: VARCHAR|-|VARCHAR (ours dropped it, and theirs changed it in 1 row);";
    merge_queries(base, touched, gone, TARN_ROWS_NONE, ours, "");
    merge_queries(base, touched, gone, TARN_ROWS_OURS, ours, "{'k': 1, 'x': 1, 'old': A} {'k': 2, 'x': 22, 'old': b}");
    merge_queries(base, touched, gone, TARN_ROWS_THEIRS, ours, "{'k': 1, 'x': 1} {'k': 2, 'x': 22}");
    merge_queries(base, gone, touched, TARN_ROWS_OURS, theirs, "{'k': 1, 'x': 1} {'k': 2, 'x': 22}");
    merge_queries(base, gone, touched, TARN_ROWS_THEIRS, theirs,
                  "{'k': 1, 'x': 1, 'old': A} {'k': 2, 'x': 22, 'old': b}");
    merge_queries(base, "SELECT 1 AS k, 1 AS x, 5 AS old", gone, TARN_ROWS_NONE,
                  "column old: VARCHAR|INTEGER|- (theirs dropped it, and ours made it INTEGER);"
                  "removed by ours k=2 x: 2|-|22;",
                  "");
}

static void types_that_one_side_changed_are_taken(void **state)
{
    static const char *const base = "SELECT * FROM (VALUES (1, '10'), (2, '20'), (3, 'x')) t(k, v)";

    (void)state;
    /* theirs made whole numbers of texts, ours changed a text that is one */
    merge_queries(base, "SELECT * FROM (VALUES (1, '10'), (2, '21'), (3, 'x'), (4, '40')) t(k, v)",
                  "SELECT * FROM (VALUES (1, 11), (2, 20), (3, NULL)) t(k, v)", TARN_ROWS_NONE, "",
                  "{'k': 1, 'v': 11} {'k': 2, 'v': 21} {'k': 3, 'v': NULL} {'k': 4, 'v': 40}");
    merge_queries(base, "SELECT * FROM (VALUES (1, 11), (2, 20), (3, NULL)) t(k, v)",
                  "SELECT * FROM (VALUES (1, '10'), (2, '21'), (3, 'x'), (4, '40')) t(k, v)", TARN_ROWS_NONE, "",
                  "{'k': 1, 'v': 11} {'k': 2, 'v': 21} {'k': 3, 'v': NULL} {'k': 4, 'v': 40}");
    /* ... or wrote something that is none */
    static const char *const lost = "column v: VARCHAR|VARCHAR|INTEGER (theirs made it INTEGER, and ours wrote 1 value "
                                    "that cannot be that, like '007');";
    merge_queries(base, "SELECT * FROM (VALUES (1, '10'), (2, '007'), (3, 'x')) t(k, v)",
                  "SELECT * FROM (VALUES (1, 11), (2, 20), (3, NULL)) t(k, v)", TARN_ROWS_NONE, lost, "");
    merge_queries(base, "SELECT * FROM (VALUES (1, '10'), (2, '007'), (3, 'x')) t(k, v)",
                  "SELECT * FROM (VALUES (1, 11), (2, 20), (3, NULL)) t(k, v)", TARN_ROWS_OURS, lost,
                  "{'k': 1, 'v': 10} {'k': 2, 'v': 007} {'k': 3, 'v': x}");
    merge_queries(base, "SELECT * FROM (VALUES (1, '10'), (2, '007'), (3, 'x')) t(k, v)",
                  "SELECT * FROM (VALUES (1, 11), (2, 20), (3, NULL)) t(k, v)", TARN_ROWS_THEIRS, lost,
                  "{'k': 1, 'v': 11} {'k': 2, 'v': 20} {'k': 3, 'v': NULL}");
    merge_queries(
        "SELECT 1 AS k, 1 AS v", "SELECT 1 AS k, 2.5::DOUBLE AS v", "SELECT 1 AS k, 'two' AS v", TARN_ROWS_NONE,
        "column v: INTEGER|DOUBLE|VARCHAR (retyped by both, as DOUBLE by ours and as VARCHAR by theirs);", "");
}

static void a_merge_has_the_same_bytes_each_time_and_the_stored_form(void **state)
{
    tarn_db *db = NULL;
    static sample base, ours, theirs;
    tarn_rows_merged out;
    tarn_rows_merge_options o = {.key = "id"};
    char *first = NULL, *bytes = NULL;
    size_t n = 0, len = 0;
    dice d = {.seed = 77};
    files f;

    (void)state;
    name_files(&f);
    fill(&base, 7000, &d);
    ours = theirs = base;
    edit(&ours, 50, 0, 3000, 8000, &d);
    edit(&theirs, 50, 3500, 7000, 9000, &d);
    for (int i = 0; i < 4; i++) {
        db = open_db(1 + i % 3);
        save(db, &base, f.b);
        save(db, &ours, f.o);
        save(db, &theirs, f.t);
        must(tarn_rows_merge(db, f.b, f.o, f.t, &o, f.m, &out, err));
        assert_true(out.written);
        must(tarn_file_read(f.m, 0, &bytes, &len, err));
        if (first) {
            assert_int_equal(len, n);
            assert_memory_equal(bytes, first, n);
            tarn_free(bytes);
        } else {
            first = bytes;
            n = len;
        }
        tarn_db_close(db);
    }
    tarn_free(first);
    remove_files(&f);
}

static void tables_that_cannot_be_merged_are_refused(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_merged out;
    tarn_rows_merge_options o = {.key = "k", .theirs_name = "orders at next"};
    files f;

    (void)state;
    name_files(&f);
    make(db, f.b, "SELECT 1 AS k, 1 AS v");
    make(db, f.o, "SELECT 'a' AS k, 1 AS v");
    make(db, f.t, "SELECT 1 AS k, 1 AS v UNION ALL SELECT 1, 2");
    must_fail_with(TARN_INVALID, "orders at next: key k 1 stands in 2 rows",
                   tarn_rows_merge(db, f.b, f.b, f.t, &o, f.m, &out, err));
    must_fail_with(TARN_INVALID, "key column 'k' is INTEGER in base, VARCHAR in ours and INTEGER in theirs",
                   tarn_rows_merge(db, f.b, f.o, f.b, &o, f.m, &out, err));
    o.key = "q";
    must_fail_with(TARN_INVALID, "has no column 'q' for its key",
                   tarn_rows_merge(db, f.b, f.o, f.b, &o, f.m, &out, err));
    o.key = "k";
    make(db, f.t, "SELECT 1 AS k, 2 AS v");
    must_fail_with(TARN_NOT_FOUND, "no-such-folder",
                   tarn_rows_merge(db, f.b, f.b, f.t, &o, FOLDER "/no-such-folder/x.parquet", &out, err));
    assert_false(tarn_path_exists(f.m));
    must(tarn_rows_merge(db, f.b, f.b, f.t, &o, f.m, &out, err)); /* the engine is as before */
    remove_files(&f);
    tarn_db_close(db);
}

static void running_out_of_memory_is_an_error(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_merged out;
    tarn_code rc = TARN_NOMEM;
    files f;

    (void)state;
    name_files(&f);
    make(db, f.b, "SELECT range AS k, 'v' || range AS v, 1 AS gone, '5' AS t FROM range(10)");
    make(
        db, f.o,
        "SELECT range AS k, CASE range WHEN 4 THEN 'o' ELSE 'v' || range END AS v, 2 AS gone, '5' AS t FROM range(10)");
    make(db, f.t, "SELECT range AS k, CASE range WHEN 4 THEN 't' ELSE 'v' || range END AS v, 5 AS t FROM range(12)");
    for (int64_t n = 1; rc != TARN_OK; n += 1 + n / 40) { /* thinning out: each try is a whole run */
        heard h = {0};
        tarn_err err = {0};
        tarn_rows_merge_options o = {.key = "k", .resolve = TARN_ROWS_OURS, .limit = -1, .conflict = hear, .arg = &h};
        tarn_mem_fail_after(n);
        rc = tarn_rows_merge(db, f.b, f.o, f.t, &o, f.m, &out, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %lld: %s", (long long)n, err.msg);
        tarn_text_clear(&h.text);
        assert_true(n < 20000);
    }
    assert_int_equal(out.conflict_rows, 1);
    assert_int_equal(out.conflict_columns, 1);
    remove_files(&f);
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(merges_are_what_a_naive_merge_gives),
           TARN_TEST(merging_with_nothing_changes_nothing_and_sides_are_alike), TARN_TEST(the_sides_may_change_places),
           TARN_TEST(each_kind_of_conflict_is_told_and_decided), TARN_TEST(columns_that_one_side_added_are_added),
           TARN_TEST(columns_that_one_side_dropped_are_dropped_unless_changed),
           TARN_TEST(types_that_one_side_changed_are_taken),
           TARN_TEST(a_merge_has_the_same_bytes_each_time_and_the_stored_form),
           TARN_TEST(tables_that_cannot_be_merged_are_refused), TARN_TEST(running_out_of_memory_is_an_error))
