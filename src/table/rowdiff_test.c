/* SPDX-License-Identifier: Apache-2.0 */
/* rowdiff_test.c - which rows differ: against a naive comparison of random edits, and case by case. */
#include "table/rows_sample.h"

/* ---- the oracle ---- */

/* What a diff handed over, and the table that it makes of the first one. */
typedef struct patched {
    sample *table;
    int *at; /* position of each id in the table as it was */
    bool gone[IDS];
    sample_row added[IDS];
    int n_added, n_removed, n_changed, last_id;
    int64_t cells[CELLS];
} patched;

/* The code of a text; every text of a column belongs to one code. */
static int code_of(int column, const char *text)
{
    char known[32];

    for (int code = 0; code < 9; code++)
        if (same_text(cell_text(column, code, known), text)) return code;
    fail_msg("column %d has no value '%s'", column, text);
    return -1;
}

static tarn_code patch(void *arg, const tarn_row_change *row, tarn_err *err)
{
    patched *p = arg;
    int id = atoi(row->key[0].after);

    (void)err;
    assert_int_equal(row->n_key, 1);
    assert_string_equal(row->key[0].column->name, "id");
    assert_true(id > p->last_id); /* in key order, each once */
    p->last_id = id;
    if (row->kind == TARN_ROW_ADDED) {
        sample_row *r = &p->added[p->n_added++];
        assert_true(p->at[id] < 0);
        assert_int_equal(row->n_cells, CELLS);
        r->id = id;
        for (int i = 0; i < row->n_cells; i++) {
            assert_null(row->cells[i].before);
            r->cells[cell_of(row->cells[i].column->name)] =
                code_of(cell_of(row->cells[i].column->name), row->cells[i].after);
        }
        return TARN_OK;
    }
    assert_true(p->at[id] >= 0);
    sample_row *r = &p->table->rows[p->at[id]];
    for (int i = 0; i < row->n_cells; i++) {
        int c = cell_of(row->cells[i].column->name);
        assert_int_equal(code_of(c, row->cells[i].before), r->cells[c]);
        if (row->kind == TARN_ROW_CHANGED) {
            int code = code_of(c, row->cells[i].after);
            assert_int_not_equal(code, r->cells[c]); /* only what differs is told */
            r->cells[c] = code;
            p->cells[c]++;
        }
    }
    if (row->kind == TARN_ROW_REMOVED) {
        assert_int_equal(row->n_cells, CELLS);
        p->gone[id] = true;
        p->n_removed++;
    } else {
        assert_true(row->n_cells > 0);
        p->n_changed++;
    }
    return TARN_OK;
}

static bool same_row(const sample_row *x, const sample_row *y)
{
    return x->id == y->id && memcmp(x->cells, y->cells, sizeof x->cells) == 0;
}

/* The patched table must be b, as a set of rows. */
static void is_patched_into(const patched *p, const sample *b)
{
    static int at[IDS];
    int n = 0;

    index_rows(b, at);
    for (int i = 0; i < p->table->n; i++) {
        const sample_row *r = &p->table->rows[i];
        if (p->gone[r->id]) continue;
        assert_true(at[r->id] >= 0 && same_row(r, &b->rows[at[r->id]]));
        n++;
    }
    for (int i = 0; i < p->n_added; i++) {
        const sample_row *r = &p->added[i];
        assert_true(at[r->id] >= 0 && same_row(r, &b->rows[at[r->id]]));
        n++;
    }
    assert_int_equal(n, b->n);
}

/* Diff a and b, patch a (which is changed) and compare; how many row groups were left out. */
static int64_t check_pair(tarn_db *db, sample *a, const sample *b, const char *a_path, const char *b_path)
{
    static patched p;
    static int at[IDS];
    tarn_rows_difference d, counted;
    int64_t same;
    int rows_a = a->n;

    memset(&p, 0, sizeof p);
    index_rows(a, at);
    p.table = a;
    p.at = at;
    p.last_id = -1;
    must(tarn_rows_diff(db, a_path, b_path, &(tarn_rows_options){.key = "id", .limit = -1, .row = patch, .arg = &p}, &d,
                        err));
    is_patched_into(&p, b);
    assert_int_equal(d.rows_a, rows_a);
    assert_int_equal(d.rows_b, b->n);
    assert_int_equal(d.added, p.n_added);
    assert_int_equal(d.removed, p.n_removed);
    assert_int_equal(d.changed, p.n_changed);
    assert_int_equal(d.unchanged, rows_a - p.n_removed - p.n_changed);
    for (int i = 0; i < d.n_columns; i++) {
        assert_true(d.columns[i].key == (strcmp(d.columns[i].name, "id") == 0));
        if (!d.columns[i].key) assert_int_equal(d.columns[i].changed, p.cells[cell_of(d.columns[i].name)]);
    }
    must(tarn_rows_diff(db, a_path, b_path, &(tarn_rows_options){.key = "id"}, &counted, err));
    assert_int_equal(counted.added, d.added);
    assert_int_equal(counted.removed, d.removed);
    assert_int_equal(counted.changed, d.changed);
    assert_int_equal(counted.unchanged, d.unchanged);
    same = d.groups_same;
    tarn_rows_difference_clear(&d);
    tarn_rows_difference_clear(&counted);
    return same;
}

/* Random tables of up to four row groups; edits all over, in one place, or at the end; also sorted the other way, so
 * that groups move. */
static void a_diff_patches_one_table_into_the_other(void **state)
{
    tarn_db *db = open_db(2);
    static sample a, b;
    char a_path[256], b_path[256];
    int64_t left_out = 0;

    (void)state;
    file_name(a_path, "a.parquet");
    file_name(b_path, "b.parquet");
    for (uint64_t seed = 1; seed <= 24; seed++) {
        dice d = {.seed = seed};
        fill(&a, seed % 6 == 0 ? roll(&d, 3) : roll(&d, 8000), &d);
        if (seed % 3 == 0) edit(&a, 50, 0, a.n, 9000, &d);
        b = a;
        switch (seed % 4) {
        case 0: edit(&b, roll(&d, 400), 0, IDS, 10000, &d); break;
        case 1: edit(&b, roll(&d, 60), 2048, 3000, 10000, &d); break;
        case 2: /* the same groups in other places */
            for (int i = 0; i < 2048 && b.n >= 4096; i++) {
                sample_row r = b.rows[i];
                b.rows[i] = b.rows[2048 + i];
                b.rows[2048 + i] = r;
            }
            edit(&b, roll(&d, 10), b.n > 4096 ? 4096 : 0, IDS, 10000, &d);
            break;
        default: /* only at the end */
            for (int i = 0; i < 100; i++) insert_row(&b, b.n, 11000 + i, &d);
        }
        save(db, &a, a_path);
        save(db, &b, b_path);
        left_out += check_pair(db, &a, &b, a_path, b_path);
    }
    assert_true(left_out >= 15); /* else this tests nothing about leaving groups out */
    (void)unlink(a_path);
    (void)unlink(b_path);
    tarn_db_close(db);
}

/* ---- case by case ---- */

typedef struct seen {
    tarn_text text;
    int rows, stop_after;
} seen;

static tarn_code see(void *arg, const tarn_row_change *row, tarn_err *err)
{
    seen *s = arg;

    (void)err;
    tarn_text_addf(&s->text, "%c", "+-~"[row->kind]);
    for (int i = 0; i < row->n_key; i++) tarn_text_addf(&s->text, "%s%s", i ? "/" : "", row->key[i].after);
    for (int i = 0; i < row->n_cells; i++)
        tarn_text_addf(&s->text, " %s:%s>%s", row->cells[i].column->name,
                       row->cells[i].before ? row->cells[i].before : "-",
                       row->cells[i].after ? row->cells[i].after : "-");
    tarn_text_add(&s->text, ";");
    return s->stop_after > 0 && ++s->rows == s->stop_after ? TARN_CANCELLED : TARN_OK;
}

/* Diff two queries; the rows as see() writes them. *d is cleared by the caller. */
static void diff_queries(tarn_db *db, const char *a, const char *b, const char *key, int64_t limit, seen *s,
                         tarn_rows_difference *d)
{
    char a_path[256], b_path[256];

    make(db, file_name(a_path, "a.parquet"), a);
    make(db, file_name(b_path, "b.parquet"), b);
    must(tarn_rows_diff(db, a_path, b_path, &(tarn_rows_options){.key = key, .limit = limit, .row = see, .arg = s}, d,
                        err));
    (void)unlink(a_path);
    (void)unlink(b_path);
}

static void rows_are(const char *a, const char *b, const char *key, const char *want)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    seen s = {0};

    diff_queries(db, a, b, key, -1, &s, &d);
    assert_string_equal(s.text.data ? s.text.data : "", want);
    tarn_text_clear(&s.text);
    tarn_rows_difference_clear(&d);
    tarn_db_close(db);
}

static void nothing_differs_in_what_is_equal(void **state)
{
    (void)state;
    rows_are("SELECT 1 AS k, 'nan'::DOUBLE AS x, NULL::INT AS y, -0.0::DOUBLE AS z, [1, NULL] AS l",
             "SELECT 1 AS k, '-nan'::DOUBLE AS x, NULL::INT AS y, 0.0::DOUBLE AS z, [1, NULL] AS l", "k", "");
    rows_are("SELECT 1 AS k, 'nan'::DOUBLE AS x", "SELECT 1 AS k, NULL::DOUBLE AS x", "k", "~1 x:nan>-;");
    rows_are("SELECT 1 AS k, '' AS x", "SELECT 1 AS k, NULL::VARCHAR AS x", "k", "~1 x:>-;");
    rows_are("SELECT 1 AS k, [1, 2] AS x, {'a': 1} AS s", "SELECT 1 AS k, [1, 3] AS x, {'a': 1} AS s", "k",
             "~1 x:[1, 2]>[1, 3];");
}

static void keys_of_several_columns_and_odd_names(void **state)
{
    (void)state;
    rows_are("SELECT * FROM (VALUES ('x', 2, 1), ('x', 10, 1), ('y', 2, 1)) t(\"k 1\", \"k\"\"2\", v)",
             "SELECT * FROM (VALUES ('y', 2, 7), ('x', 10, 1), ('x', 3, 4)) t(\"k 1\", \"k\"\"2\", v)", " k 1 , k\"2,",
             "-x/2 v:1>-;+x/3 v:->4;~y/2 v:1>7;");
    rows_are("SELECT 1 AS r, 2 AS c0, 3 AS kind", "SELECT 1 AS r, 3 AS c0, 3 AS kind", "R", "~1 c0:2>3;");
    rows_are("SELECT 'nan'::DOUBLE AS k, 1 AS v UNION ALL SELECT 0.0, 2",
             "SELECT 'nan'::DOUBLE AS k, 1 AS v UNION ALL "
             "SELECT '-0.0'::DOUBLE, 3",
             "k", "~-0.0 v:2>3;");
}

static void rows_come_in_the_order_of_the_key_and_stop_where_told(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    seen s = {0};

    (void)state;
    diff_queries(db, "SELECT range AS k, 1 AS v FROM range(5000) ORDER BY hash(range)",
                 "SELECT range AS k, 2 AS v FROM range(5000) ORDER BY hash(range + 1)", "k", 3, &s, &d);
    assert_string_equal(s.text.data, "~0 v:1>2;~1 v:1>2;~2 v:1>2;");
    assert_int_equal(d.changed, 5000);
    tarn_rows_difference_clear(&d);
    s.text.len = 0;
    s.stop_after = 2;
    diff_queries(db, "SELECT range AS k, 1 AS v FROM range(5000)", "SELECT range AS k, 2 AS v FROM range(5000)", "k",
                 -1, &s, &d);
    assert_string_equal(s.text.data, "~0 v:1>2;~1 v:1>2;");
    tarn_rows_difference_clear(&d);
    tarn_text_clear(&s.text);
    tarn_db_close(db);
}

static void changed_schemas_are_reported(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    seen s = {0};

    (void)state;
    diff_queries(
        db, "SELECT range::INT AS k, 'x' AS gone, range::INT AS wider, '1' AS text FROM range(3)",
        "SELECT 1.5 AS new, range::BIGINT AS k, (CASE range WHEN 1 THEN 9 ELSE range END)::DOUBLE AS WIDER, 1 AS text "
        "FROM range(4)",
        "k", -1, &s, &d);
    assert_string_equal(s.text.data, "~1 WIDER:1>9.0;+3 new:->1.5 WIDER:->3.0 text:->1;");
    assert_int_equal(d.n_columns, 5);
    static const char *const want[5][3] = {{"new", NULL, "DECIMAL(2,1)"},
                                           {"k", "INTEGER", "BIGINT"},
                                           {"WIDER", "INTEGER", "DOUBLE"},
                                           {"text", "VARCHAR", "INTEGER"},
                                           {"gone", "VARCHAR", NULL}};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(d.columns[i].name, want[i][0]);
        assert_true(same_text(d.columns[i].before, want[i][1]));
        assert_true(same_text(d.columns[i].after, want[i][2]));
        assert_int_equal(d.columns[i].changed, i == 2);
    }
    assert_int_equal(d.groups_same, 0);
    tarn_rows_difference_clear(&d);
    tarn_text_clear(&s.text);
    tarn_db_close(db);
}

static void keys_that_cannot_name_rows_are_refused(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    char a[256], b[256], c[256];

    (void)state;
    make(db, file_name(a, "a.parquet"),
         "SELECT range AS k, range // 2 AS half, CASE WHEN range > 3 THEN range END AS some "
         "FROM range(7)");
    make(db, file_name(b, "b.parquet"), "SELECT 1 AS k");
    make(db, file_name(c, "c.parquet"), "SELECT 1 AS file_row_number, 1 AS k");
    tarn_rows_options o = {.key = "half", .a_name = "flights at main~1"};
    must_fail_with(TARN_INVALID, "flights at main~1: key half 0 stands in 2 rows; 3 keys have more than one row",
                   tarn_rows_diff(db, a, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = "some";
    must_fail_with(TARN_INVALID, "the key (some) is missing in 4 rows, first in row 1",
                   tarn_rows_diff(db, a, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = "kk";
    must_fail_with(TARN_INVALID, "has no column 'kk' for its key; did you mean 'k'?",
                   tarn_rows_diff(db, a, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = "some, half";
    must_fail_with(TARN_INVALID, "missing in 4 rows", tarn_rows_diff(db, a, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = "half";
    must_fail_with(TARN_INVALID, "has no column 'half' for its key; there are: k",
                   tarn_rows_diff(db, b, a, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = " , ";
    must_fail_with(TARN_INVALID, "a key is needed", tarn_rows_diff(db, a, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    o.key = "k";
    must_fail_with(TARN_INVALID, "file_row_number", tarn_rows_diff(db, c, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    must_fail_with(TARN_NOT_FOUND, "no-such.parquet", tarn_rows_diff(db, "no-such.parquet", b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    must_fail_with(TARN_INVALID, "", tarn_rows_diff(db, __FILE__, b, &o, &d, err));
    tarn_rows_difference_clear(&d);
    (void)unlink(a);
    (void)unlink(b);
    (void)unlink(c);
    tarn_db_close(db);
}

/* A double key is an error wherever its rows are: also in groups that both files share. */
static void double_keys_in_shared_groups_are_found(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    static sample s;
    dice luck = {.seed = 5};
    char a[256], b[256];

    (void)state;
    fill(&s, 5000, &luck);
    s.rows[100].id = 99;
    save(db, &s, file_name(a, "a.parquet"));
    s.rows[4900].cells[0] = s.rows[4900].cells[0] % 8 + 1;
    save(db, &s, file_name(b, "b.parquet"));
    must_fail_with(TARN_INVALID, "key id 99 stands in 2 rows; 1 key has more than one row",
                   tarn_rows_diff(db, a, b, &(tarn_rows_options){.key = "id"}, &d, err));
    tarn_rows_difference_clear(&d);
    (void)unlink(a);
    (void)unlink(b);
    tarn_db_close(db);
}

static void a_table_that_is_not_there_is_empty(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    char a[256];
    seen s = {0};

    (void)state;
    make(db, file_name(a, "a.parquet"), "SELECT range AS k, 'v' AS v FROM range(2)");
    tarn_rows_options o = {.key = "k", .limit = -1, .row = see, .arg = &s};
    must(tarn_rows_diff(db, NULL, a, &o, &d, err));
    assert_string_equal(s.text.data, "+0 v:->v;+1 v:->v;");
    assert_int_equal(d.added, 2);
    assert_int_equal(d.unchanged, 0);
    tarn_rows_difference_clear(&d);
    s.text.len = 0;
    must(tarn_rows_diff(db, a, NULL, &o, &d, err));
    assert_string_equal(s.text.data, "-0 v:v>-;-1 v:v>-;");
    assert_int_equal(d.removed, 2);
    assert_int_equal(d.unchanged, 0);
    tarn_rows_difference_clear(&d);
    must_fail_with(TARN_INVALID, "no table", tarn_rows_diff(db, NULL, NULL, &o, &d, err));
    tarn_rows_difference_clear(&d);
    tarn_text_clear(&s.text);
    (void)unlink(a);
    tarn_db_close(db);
}

static void nearly_the_same_row_groups_are_told_apart(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    static sample s;
    dice luck = {.seed = 11};
    char a[256], b[256];

    (void)state;
    fill(&s, 3 * 2048, &luck);
    save(db, &s, file_name(a, "a.parquet"));
    s.rows[2500].cells[1] = s.rows[2500].cells[1] % 8 + 1;
    save(db, &s, file_name(b, "b.parquet"));
    must(tarn_rows_diff(db, a, b, &(tarn_rows_options){.key = "id"}, &d, err));
    assert_int_equal(d.groups_a, 3);
    assert_int_equal(d.groups_same, 2);
    assert_int_equal(d.changed, 1);
    assert_int_equal(d.unchanged, 3 * 2048 - 1);
    tarn_rows_difference_clear(&d);
    must(tarn_rows_diff(db, a, a, &(tarn_rows_options){.key = "id"}, &d, err));
    assert_int_equal(d.groups_same, 3);
    assert_int_equal(d.unchanged, 3 * 2048);
    tarn_rows_difference_clear(&d);
    (void)unlink(a);
    (void)unlink(b);
    tarn_db_close(db);
}

/* Bytes of the footer changed one by one: an error or an answer, never a crash. (What pages hold is the engine's
 * alone.) */
static void damaged_files_are_errors_or_answers(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    static sample s;
    dice luck = {.seed = 21};
    char a[256], b[256], *bytes = NULL;
    size_t len = 0;
    int errors = 0;

    (void)state;
    fill(&s, 5000, &luck);
    save(db, &s, file_name(a, "a.parquet"));
    must(tarn_file_read(a, 0, &bytes, &len, err));
    uint32_t footer;
    memcpy(&footer, bytes + len - 8, 4);
    file_name(b, "b.parquet");
    tarn_db_close(db);
    for (int i = 0; i < 100; i++) {
        size_t at = len - 8 - footer + (size_t)roll(&luck, (int)footer + 8);
        char was = bytes[at];
        bytes[at] = (char)(roll(&luck, 3) ? was ^ (1 << roll(&luck, 8)) : roll(&luck, 2) ? -1 : 0);
        must(tarn_file_save(b, bytes, len, err));
        db = open_db(1); /* an engine that found itself at fault answers nothing more */
        tarn_err err = {0};
        if (tarn_rows_diff(db, a, b, &(tarn_rows_options){.key = "id"}, &d, &err) != TARN_OK) {
            assert_true(err.msg[0] != '\0');
            errors++;
        }
        tarn_rows_difference_clear(&d);
        tarn_db_close(db);
        bytes[at] = was;
    }
    assert_true(errors > 20);
    tarn_free(bytes);
    (void)unlink(a);
    (void)unlink(b);
}

/* More scattered changes than there are ranges to read: some groups that are the same are read all the same. */
static void many_scattered_changes_are_all_found(void **state)
{
    tarn_db *db = open_db(2);
    tarn_rows_difference d;
    char a[256], b[256], sql[700];

    (void)state;
    static const char *const columns[] = {"0",
                                          "CASE WHEN range // 2048 % 2 = 1 AND range % 2048 = 7 THEN 1 ELSE 0 END"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(
            sql, sizeof sql,
            "COPY (SELECT range AS k, %s AS v FROM range(400000)) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2048)",
            columns[i], i ? file_name(b, "b.parquet") : file_name(a, "a.parquet"));
        must(tarn_db_run(db, sql, err));
    }
    must(tarn_rows_diff(db, a, b, &(tarn_rows_options){.key = "k"}, &d, err));
    assert_int_equal(d.groups_a, 196);
    assert_int_equal(d.changed, 98);
    assert_int_equal(d.unchanged, 400000 - 98);
    assert_true(d.groups_same >= 60 && d.groups_same <= 99);
    tarn_rows_difference_clear(&d);
    (void)unlink(a);
    (void)unlink(b);
    tarn_db_close(db);
}

static void running_out_of_memory_is_an_error(void **state)
{
    tarn_db *db = open_db(1);
    tarn_rows_difference d;
    tarn_code rc = TARN_NOMEM;
    char a[256], b[256];

    (void)state;
    make(db, file_name(a, "a.parquet"), "SELECT range AS k, 'v' || range AS v, 1 AS gone FROM range(3000)");
    make(db, file_name(b, "b.parquet"), "SELECT range AS k, 'w' || range AS v FROM range(3000)");
    for (int64_t n = 1; rc != TARN_OK; n += 1 + n / 40) { /* thinning out: each try is a whole run */
        seen s = {.stop_after = 10};
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = tarn_rows_diff(db, a, b, &(tarn_rows_options){.key = "k", .limit = -1, .row = see, .arg = &s}, &d, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %lld: %s", (long long)n, err.msg);
        tarn_rows_difference_clear(&d);
        tarn_text_clear(&s.text);
        assert_true(n < 20000);
    }
    (void)unlink(a);
    (void)unlink(b);
    tarn_db_close(db);
}

TARN_TESTS(TARN_TEST(a_diff_patches_one_table_into_the_other), TARN_TEST(nothing_differs_in_what_is_equal),
           TARN_TEST(keys_of_several_columns_and_odd_names),
           TARN_TEST(rows_come_in_the_order_of_the_key_and_stop_where_told), TARN_TEST(changed_schemas_are_reported),
           TARN_TEST(keys_that_cannot_name_rows_are_refused), TARN_TEST(double_keys_in_shared_groups_are_found),
           TARN_TEST(a_table_that_is_not_there_is_empty), TARN_TEST(nearly_the_same_row_groups_are_told_apart),
           TARN_TEST(many_scattered_changes_are_all_found), TARN_TEST(damaged_files_are_errors_or_answers),
           TARN_TEST(running_out_of_memory_is_an_error))
