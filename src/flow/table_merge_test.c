/* SPDX-License-Identifier: Apache-2.0 */
/* table_merge_test.c - what becomes of tables that both sides of a merge changed; and what is declared of tables. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "flow/declared.h"
#include "flow/table_merge.h"

#include <unistd.h>

static const char text[] = "project: shop\n"
                           "problem: Will it come back?\n"
                           "ingest:\n"
                           "  products: {source: file, path: products.csv}\n"
                           "  orders: {source: file, path: orders.csv}\n"
                           "  notes: {source: file, path: notes.csv}\n"
                           "tables:\n"
                           "  products:\n"
                           "    key: product\n"
                           "  orders:\n"
                           "    key: [id]\n"
                           "    columns:\n"
                           "      code: {type: int, unique: true}\n"
                           "    references:\n"
                           "      - {columns: product, table: products}\n"
                           "  clean/notes:\n"
                           "    columns:\n"
                           "      note: {type: text}\n"
                           "prepare:\n"
                           "  cleanse:\n"
                           "    orders: [{kind: duplicates, columns: id, action: drop}]\n"
                           "    notes: [{kind: duplicates, columns: note, action: drop}]\n"
                           "  join:\n"
                           "    both: {sql: SELECT id FROM orders, key: [id, code]}\n";

static tarn_project *project(void)
{
    tarn_project *p = NULL;

    must(tarn_project_parse(text, sizeof text - 1, "tarn.yaml", "/nowhere", &p, NULL, err));
    return p;
}

static void keys_are_those_of_the_rules_or_of_the_making(void **state)
{
    static const struct {
        const char *table, *key;
    } want[] = {{"orders", "id"},
                {"orders.parquet", "id"},
                {"clean/orders.parquet", "id"},
                {"joined/both", "id,code"},
                {"products", "product"},
                {"notes", NULL},
                {"clean/notes", NULL},
                {"dead/orders", NULL},
                {"order", NULL},
                {"orders.csv", NULL},
                {"", NULL}};
    tarn_project *p;
    int n = 0;

    (void)state;
    tarn_json_setup();
    p = project();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const char *key = tarn_declared_key(p, want[i].table);
        if (!want[i].key) assert_null(key);
        else assert_string_equal(key, want[i].key);
    }
    assert_non_null(tarn_declared_rules(p, "orders.parquet"));
    assert_null(tarn_declared_rules(p, "notes"));
    while (tarn_declared_rules_at(p, (size_t)n)) n++;
    assert_int_equal(n, 3);
    tarn_project_free(p);
}

/* ---- a lake with three commits ---- */

enum { BASE, OURS, THEIRS, SIDES };

typedef struct world {
    char folder[64];
    tarn_lake *lake;
    tarn_db *db;
    tarn_project *project;
    tarn_id commits[SIDES];
    tarn_table_merger m;
} world;

static world world_new(void)
{
    world w = {.folder = "/tmp/tarn-merge-test-XXXXXX"};

    tarn_json_setup();
    assert_non_null(mkdtemp(w.folder));
    must(tarn_lake_init(w.folder, err));
    must(tarn_lake_open(w.folder, &w.lake, err));
    must(tarn_db_open(NULL, &w.db, err));
    w.project = project();
    w.m = (tarn_table_merger){.lake = w.lake, .project = w.project};
    return w;
}

static void world_free(world *w)
{
    tarn_table_merger_clear(&w->m);
    tarn_project_free(w->project);
    tarn_db_close(w->db);
    tarn_lake_close(w->lake);
    must(tarn_dir_remove(w->folder, err));
}

/* A table of rows "(1, 'a'), (2, 'b')" as an entry; rows NULL: none. */
static tarn_entry table(world *w, const char *path, const char *columns, const char *rows)
{
    char file[128], sql[1024];
    tarn_entry e = {.path = ""};

    (void)snprintf(e.path, sizeof e.path, "%s", path);
    if (!rows) return e;
    (void)snprintf(file, sizeof file, "%s/t.parquet", w->folder);
    (void)snprintf(sql, sizeof sql, "SELECT * FROM (VALUES %s) t(%s)", rows, columns);
    must(tarn_db_write_parquet(w->db, sql, "", file, NULL, err));
    must(tarn_lake_put_file(w->lake, file, NULL, &e.object, err));
    return e;
}

/* Commit orders (id, product, code) and products (product, price) of each side. */
static void commit_sides(world *w, const char *const orders[SIDES], const char *const products[SIDES])
{
    static const char *const names[] = {"base", "ours", "theirs"};

    for (int i = 0; i < SIDES; i++) {
        tarn_entry e[2] = {table(w, "orders.parquet", "id, product, code", orders[i]),
                           table(w, "products.parquet", "product, price", products[i])};
        tarn_commit_options o = {.author = "Ann", .message = names[i], .even_if_same = true};
        must(tarn_lake_commit_entries(w->lake, names[i], e, 2, &o, &w->commits[i], err));
    }
    w->m.base = &w->commits[BASE];
    w->m.ours = &w->commits[OURS];
    w->m.theirs = &w->commits[THEIRS];
}

/* Ask about a path as it is in the three commits; the reason in out, "" if it was settled. */
static void ask(world *w, const char *path, tarn_entry *merged, char out[1200])
{
    tarn_entry e[SIDES];
    const tarn_entry *side[SIDES] = {NULL, NULL, NULL};
    tarn_text why = {0};
    bool settled = false;

    for (int i = 0; i < SIDES; i++)
        if (tarn_lake_lookup(w->lake, &w->commits[i], path, &e[i], NULL) == TARN_OK) side[i] = &e[i];
    must(tarn_table_merge(&w->m, path, side[BASE], side[OURS], side[THEIRS], merged, &settled, &why, err));
    assert_true(settled == (why.len == 0));
    (void)snprintf(out, 1200, "%s", why.data ? why.data : "");
    tarn_text_clear(&why);
}

static void holds(world *w, const tarn_entry *e, const char *want)
{
    char file[4096], sql[4300];
    tarn_columns *c = NULL;
    int32_t len;

    must(tarn_lake_cached(w->lake, &e->object.id, ".parquet", file, sizeof file, err));
    (void)snprintf(sql, sizeof sql, "SELECT string_agg(CAST(t AS VARCHAR), ' ') FROM (FROM '%s') t", file);
    must(tarn_db_query(w->db, sql, -1, &c, err));
    const char *word = tarn_column_word(tarn_columns_at(c, 0), 0, &len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(word, want, strlen(want));
    tarn_columns_release(c);
}

static const char *const products_same[] = {"('a', 1), ('b', 2)", "('a', 1), ('b', 2)", "('a', 1), ('b', 2)"};

static void rows_of_tables_with_a_key_are_merged_and_stored(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10), (2, 'b', 20), (3, 'a', 30)",
                                         "(1, 'a', 11), (2, 'b', 20), (3, 'a', 30), (4, 'b', 40)",
                                         "(1, 'a', 10), (3, 'b', 30), (5, 'a', 50)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products_same);
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why, "");
    assert_string_equal(merged.path, "orders.parquet");
    assert_true(tarn_id_none(&merged.recipe));
    holds(&w, &merged,
          "{'id': 1, 'product': a, 'code': 11} {'id': 3, 'product': b, 'code': 30} {'id': 4, 'product': b, 'code': 40} "
          "{'id': 5, 'product': a, 'code': 50}");
    world_free(&w);
}

static void conflicts_are_told_row_by_row_and_can_be_decided(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10), (2, 'b', 20), (3, 'a', 30)",
                                         "(1, 'a', 11), (3, 'b', 30), (7, 'a', NULL)",
                                         "(1, 'a', 12), (2, 'a', 20), (7, 'a', 70)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products_same);
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why,
                        "4 rows: id 1 column code: 10 | 11 | 12; id 2 column product: b | row removed | a; id 3 column "
                        "product: a | b | row removed; ...");
    w.m.resolve = TARN_ROWS_THEIRS;
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why, "");
    holds(
        &w, &merged,
        "{'id': 1, 'product': a, 'code': 12} {'id': 7, 'product': a, 'code': 70} {'id': 2, 'product': a, 'code': 20}");
    world_free(&w);
}

static void what_is_not_ours_stays_a_conflict(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 11)", NULL};
    static const char *const bad[] = {"('a', 1)", "('a', 1), ('a', 2)", "('a', 3)"};
    world w = world_new();
    tarn_entry merged, e = {.path = "notes.parquet"};
    char why[1200];
    tarn_text said = {0};
    bool settled = true;

    (void)state;
    commit_sides(&w, orders, bad);
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why, "theirs removed it, ours changed it");
    ask(&w, "products.parquet", &merged, why);
    assert_string_equal(
        why, "ours: key product a stands in 2 rows; 1 key has more than one row, so rows cannot be told apart");
    must(tarn_table_merge(&w.m, "notes.parquet", &e, &e, &e, &merged, &settled, &said, err));
    assert_false(settled);
    assert_non_null(strstr(said.data, "cannot be merged without a key: declare one under `tables`"));
    said.len = 0;
    must(tarn_table_merge(&w.m, "readme.txt", &e, &e, &e, &merged, &settled, &said, err));
    assert_false(settled);
    assert_string_equal(said.data, "both sides changed it");
    said.len = 0;
    must(tarn_table_merge(&w.m, "readme.txt", &e, NULL, &e, &merged, &settled, &said, err));
    assert_string_equal(said.data, "ours removed it, theirs changed it");
    tarn_text_clear(&said);
    w.m.project = NULL;
    ask(&w, "products.parquet", &merged, why);
    assert_non_null(strstr(why, "without a key"));
    world_free(&w);
}

static void tables_that_both_sides_added_have_no_base(void **state)
{
    static const char *const orders[] = {NULL, "(1, 'a', 10), (2, 'b', 20)", "(2, 'b', 20), (3, 'a', 30)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products_same);
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why, "");
    holds(
        &w, &merged,
        "{'id': 1, 'product': a, 'code': 10} {'id': 2, 'product': b, 'code': 20} {'id': 3, 'product': a, 'code': 30}");
    world_free(&w);
}

static void a_clean_merge_that_breaks_a_rule_is_not_settled(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 10), (2, 'a', 77)", "(1, 'a', 10), (3, 'a', 77)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products_same);
    ask(&w, "orders.parquet", &merged, why);
    assert_non_null(strstr(why, "rows merge, but table 'orders', column 'code': rule 'unique' is broken by 2 rows"));
    assert_int_equal(w.m.n_made, 0);
    world_free(&w);
}

static void references_are_held_in_the_tree_as_it_will_be(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 10), (2, 'b', 20)", "(1, 'a', 11)"};
    static const char *const gone[] = {"('a', 1), ('b', 2)", "('a', 1), ('b', 2)", "('a', 1)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, gone); /* only theirs changed products */
    ask(&w, "orders.parquet", &merged, why);
    assert_non_null(
        strstr(why, "rows merge, but table 'orders', column 'product': rule 'references products(product)'"));
    w.m.ours = NULL; /* without the commits, references are not looked at */
    ask(&w, "orders.parquet", &merged, why);
    assert_string_equal(why, "");
    world_free(&w);
}

static void tables_that_refer_to_the_merged_one_are_held_too(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 10), (2, 'b', 20)", "(1, 'a', 10)"};
    static const char *const products[] = {"('a', 1), ('b', 2)", "('a', 9), ('b', 2)", "('a', 1), ('c', 3)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products); /* only ours changed orders: nobody asks about it */
    ask(&w, "products.parquet", &merged, why);
    assert_non_null(
        strstr(why, "rows merge, but table 'orders', column 'product': rule 'references products(product)'"));
    world_free(&w);
}

static void tables_that_both_sides_changed_are_held_together(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 11)", "(1, 'a', 10), (9, 'z', 90)"};
    static const char *const products[] = {"('a', 1), ('b', 2)", "('a', 5), ('b', 2)", "('a', 1), ('b', 2), ('z', 9)"};
    world w = world_new();
    tarn_entry merged;
    char why[1200];

    (void)state;
    commit_sides(&w, orders, products);
    ask(&w, "orders.parquet", &merged, why); /* z is only in the merge of products, which comes later */
    assert_string_equal(why, "");
    ask(&w, "products.parquet", &merged, why);
    assert_string_equal(why, "");
    holds(&w, &merged, "{'product': a, 'price': 5} {'product': b, 'price': 2} {'product': z, 'price': 9}");
    assert_int_equal(w.m.n_made, 2);
    world_free(&w);
}

static bool scratch_is_empty(const world *w)
{
    char command[200];

    (void)snprintf(command, sizeof command, "test -z \"$(ls %s/.tarn/tmp | grep step-)\"", w->folder);
    return system(command) == 0;
}

static void running_out_of_memory_is_an_error_and_leaves_nothing(void **state)
{
    static const char *const orders[] = {"(1, 'a', 10)", "(1, 'a', 11)", "(1, 'a', 10), (9, 'z', 90)"};
    static const char *const products[] = {"('a', 1)", "('a', 5)", "('a', 1), ('z', 9)"};
    world w = world_new();
    tarn_entry e[SIDES], merged;
    tarn_code rc = TARN_NOMEM;
    bool settled = false;

    (void)state;
    commit_sides(&w, orders, products);
    for (int i = 0; i < SIDES; i++) must(tarn_lake_lookup(w.lake, &w.commits[i], "orders.parquet", &e[i], err));
    for (int64_t n = 1; rc != TARN_OK; n += 1 + n / 12) {
        tarn_text why = {0};
        tarn_err err = {0};
        tarn_mem_fail_after(n);
        rc = tarn_table_merge(&w.m, "orders.parquet", &e[BASE], &e[OURS], &e[THEIRS], &merged, &settled, &why, &err);
        tarn_mem_fail_after(0);
        if (rc != TARN_OK && rc != TARN_NOMEM) fail_msg("allocation %lld: %s", (long long)n, err.msg);
        if (rc != TARN_OK) assert_false(settled);
        assert_true(scratch_is_empty(&w));
        tarn_text_clear(&why);
        assert_true(n < 20000);
    }
    assert_true(settled);
    world_free(&w);
}

TARN_TESTS(TARN_TEST(keys_are_those_of_the_rules_or_of_the_making),
           TARN_TEST(rows_of_tables_with_a_key_are_merged_and_stored),
           TARN_TEST(conflicts_are_told_row_by_row_and_can_be_decided), TARN_TEST(what_is_not_ours_stays_a_conflict),
           TARN_TEST(tables_that_both_sides_added_have_no_base),
           TARN_TEST(a_clean_merge_that_breaks_a_rule_is_not_settled),
           TARN_TEST(references_are_held_in_the_tree_as_it_will_be),
           TARN_TEST(tables_that_refer_to_the_merged_one_are_held_too),
           TARN_TEST(tables_that_both_sides_changed_are_held_together),
           TARN_TEST(running_out_of_memory_is_an_error_and_leaves_nothing))
