/* SPDX-License-Identifier: Apache-2.0 */
/* rows_print.c - see rows_print.h.
 *
 * Rows are printed in batches, each aligned in itself, as they come: so any number of them can be shown.
 *
 * A CSV file is made into a Parquet one for this, all of its columns texts: what is compared is what stands there. */
#include "cli/rows_print.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/declared.h"
#include "table/rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 100, CELL_CHARS = 40, PATH_CAP = 4096 };

static const char marks[] = "+-~";

/* A table that differs; before or after is missing when it was added or removed. */
typedef struct tarn_table_pair {
    tarn_entry before, after;
    bool was, is;
} tarn_table_pair;

/* The rows of one table while they come. */
typedef struct showing {
    tarn_cli *cli;
    const tarn_rows_difference *d;
    json_t *rows;
    tarn_text *cells; /* (BATCH, 1 + n_columns): mark, then each column; empty: nothing told */
    bool *used;       /* (n_columns) in this batch */
    size_t n;
} showing;

static bool ends_with(const char *path, const char *end)
{
    size_t len = strlen(path), n = strlen(end);
    return len > n && strcmp(path + len - n, end) == 0;
}

/* ---- one row ---- */

/* For a terminal: one line, no control characters, not too long. */
static void add_plain(tarn_text *out, const char *text)
{
    size_t chars = 0;

    for (const char *c = text ? text : "null"; *c; c++) {
        if (((unsigned char)*c & 0xC0) != 0x80 && chars++ == CELL_CHARS) {
            tarn_text_add(out, "...");
            return;
        }
        if (*c == '\n') tarn_text_add(out, "\\n");
        else if ((unsigned char)*c < ' ' || *c == 0x7F) tarn_text_add(out, "?");
        else tarn_text_addn(out, c, 1);
    }
}

json_t *tarn_row_value_json(tarn_type type, const char *text)
{
    int64_t whole;
    double real;

    if (!text) return json_null();
    if (type == TARN_BOOL) return json_boolean(strcmp(text, "true") == 0);
    if (type == TARN_INT && tarn_int_parse(text, strlen(text), &whole)) return json_integer((json_int_t)whole);
    if (type == TARN_REAL && tarn_num_parse(text, strlen(text), false, &real)) return tarn_json_num(real);
    return json_string(text);
}

static tarn_code row_json(const tarn_row_change *row, json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *j = json_object(), *key = json_object(), *cells = json_array();

    TARN_TRY(tarn_json_set(j, "change", json_string(tarn_row_kind_name(row->kind)), err));
    TARN_TRY(tarn_json_set(j, "key", json_incref(key), err));
    TARN_TRY(tarn_json_set(j, "cells", json_incref(cells), err));
    for (int i = 0; i < row->n_key; i++) {
        const tarn_rows_column *c = row->key[i].column;
        TARN_TRY(tarn_json_set(key, c->name,
                               tarn_row_value_json(c->after ? c->type_after : c->type_before, row->key[i].after), err));
    }
    for (int i = 0; i < row->n_cells; i++) {
        const tarn_row_cell *cell = &row->cells[i];
        json_t *one = json_object();
        TARN_TRY(tarn_json_append(cells, one, err));
        TARN_TRY(tarn_json_set(one, "column", json_string(cell->column->name), err));
        if (row->kind != TARN_ROW_ADDED)
            TARN_TRY(tarn_json_set(one, "before", tarn_row_value_json(cell->column->type_before, cell->before), err));
        if (row->kind != TARN_ROW_REMOVED)
            TARN_TRY(tarn_json_set(one, "after", tarn_row_value_json(cell->column->type_after, cell->after), err));
    }
    TARN_TRY(tarn_json_append(list, json_incref(j), err));
done:
    json_decref(key);
    json_decref(cells);
    json_decref(j);
    return rc;
}

/* Print the batch: key columns first, then those that a row of it tells. */
static tarn_code flush(showing *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **cells = NULL;
    size_t width = (size_t)s->d->n_columns + 1, cols = 0, at = 0;

    if (s->n == 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&cells, (s->n + 1) * width, sizeof *cells, err));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < s->d->n_columns; i++) cols += s->d->columns[i].key == (pass == 0) && s->used[i];
    for (size_t r = 0; r <= s->n; r++) {
        cells[at++] = r ? s->cells[(r - 1) * width].data : "";
        for (int pass = 0; pass < 2; pass++)
            for (int i = 0; i < s->d->n_columns; i++) {
                if (s->d->columns[i].key != (pass == 0) || !s->used[i]) continue;
                const tarn_text *t = r ? &s->cells[(r - 1) * width + 1 + (size_t)i] : NULL;
                cells[at++] = !t ? s->d->columns[i].name : t->data ? t->data : "";
            }
    }
    tarn_out_table(s->cli, cells, s->n + 1, cols + 1);
done:
    for (size_t i = 0; i < s->n * width; i++) tarn_text_clear(&s->cells[i]);
    memset(s->used, 0, (size_t)s->d->n_columns * sizeof *s->used);
    s->n = 0;
    tarn_free(cells);
    return rc;
}

static void fill_cell(showing *s, const tarn_row_change *row, const tarn_row_cell *cell, tarn_text *out)
{
    s->used[cell->column - s->d->columns] = true;
    if (row->kind == TARN_ROW_CHANGED && !cell->column->key) {
        add_plain(out, cell->before);
        tarn_text_add(out, " -> ");
        add_plain(out, cell->after);
        return;
    }
    const char *text = row->kind == TARN_ROW_REMOVED ? cell->before : cell->after;
    if (text) add_plain(out, text);
}

static tarn_code show_row(void *arg, const tarn_row_change *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    showing *s = arg;
    size_t width = (size_t)s->d->n_columns + 1;

    if (s->cli->json) return row_json(row, s->rows, err);
    if (!s->cells) {
        TARN_TRY(tarn_alloc(&s->cells, BATCH * width, sizeof *s->cells, err));
        TARN_TRY(tarn_alloc(&s->used, width, sizeof *s->used, err));
    }
    tarn_text *line = &s->cells[s->n * width];
    s->n++;
    tarn_text_addn(line, &marks[row->kind], 1);
    for (int i = 0; i < row->n_key; i++)
        fill_cell(s, row, &row->key[i], &line[1 + (row->key[i].column - s->d->columns)]);
    for (int i = 0; i < row->n_cells; i++)
        fill_cell(s, row, &row->cells[i], &line[1 + (row->cells[i].column - s->d->columns)]);
    for (size_t i = 0; i < width; i++) TARN_TRY(tarn_text_check(&line[i], err));
    if (s->n == BATCH) TARN_TRY(flush(s, err));
done:
    return rc;
}

static void showing_clear(showing *s)
{
    for (size_t i = 0; s->cells && i < s->n * ((size_t)s->d->n_columns + 1); i++) tarn_text_clear(&s->cells[i]);
    tarn_free(s->cells);
    tarn_free(s->used);
}

/* ---- one table ---- */

static void out_counts(const tarn_cli *cli, const tarn_rows_difference *d)
{
    char a[4][32];

    tarn_out(cli, "  %s%s added%s, %s%s removed%s, %s%s changed%s, %s unchanged\n", tarn_color(cli, "green"),
             tarn_num_group(d->added, a[0]), tarn_color(cli, NULL), tarn_color(cli, "red"),
             tarn_num_group(d->removed, a[1]), tarn_color(cli, NULL), tarn_color(cli, "yellow"),
             tarn_num_group(d->changed, a[2]), tarn_color(cli, NULL), tarn_num_group(d->unchanged, a[3]));
    for (int i = 0; i < d->n_columns; i++) {
        const tarn_rows_column *c = &d->columns[i];
        if (!c->before) tarn_out(cli, "  column %s: added, %s\n", c->name, c->after);
        else if (!c->after) tarn_out(cli, "  column %s: removed, was %s\n", c->name, c->before);
        else if (strcmp(c->before, c->after) != 0)
            tarn_out(cli, "  column %s: %s -> %s\n", c->name, c->before, c->after);
        if (c->changed)
            tarn_out(cli, "  column %s: %s cell%s changed\n", c->name, tarn_num_group(c->changed, a[0]),
                     c->changed == 1 ? "" : "s");
    }
}

static tarn_code counts_json(const tarn_rows_difference *d, json_t *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *columns = json_array();

    TARN_TRY(tarn_json_set(j, "added", json_integer((json_int_t)d->added), err));
    TARN_TRY(tarn_json_set(j, "removed", json_integer((json_int_t)d->removed), err));
    TARN_TRY(tarn_json_set(j, "changed", json_integer((json_int_t)d->changed), err));
    TARN_TRY(tarn_json_set(j, "unchanged", json_integer((json_int_t)d->unchanged), err));
    TARN_TRY(tarn_json_set(j, "columns", json_incref(columns), err));
    for (int i = 0; i < d->n_columns; i++) {
        const tarn_rows_column *c = &d->columns[i];
        TARN_TRY(tarn_json_append(columns,
                                  json_pack("{s:s, s:s?, s:s?, s:b, s:I}", "name", c->name, "before", c->before,
                                            "after", c->after, "key", c->key, "changed", (json_int_t)c->changed),
                                  err));
    }
done:
    json_decref(columns);
    return rc;
}

/* The entry's content as a Parquet file: that of the cache, or one in the folder of the engine. */
static tarn_code as_parquet(tarn_lake *lake, tarn_db *db, const tarn_entry *e, const char *folder, const char *side,
                            char out[PATH_CAP], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    char file[PATH_CAP];
    const char *delim = ends_with(e->path, ".tsv") ? "\t" : ",";

    if (ends_with(e->path, ".parquet")) return tarn_lake_cached(lake, &e->object.id, ".parquet", out, PATH_CAP, err);
    TARN_TRY(tarn_lake_cached(lake, &e->object.id, ".csv", file, sizeof file, err));
    TARN_TRY(tarn_path_join(out, PATH_CAP, folder, side, err));
    tarn_text_add(&sql, "COPY (SELECT * FROM read_csv(");
    tarn_sql_path(&sql, file);
    tarn_text_addf(&sql, ", header = true, all_varchar = true, delim = '%s')) TO ", delim);
    tarn_sql_path(&sql, out);
    tarn_text_add(&sql, " (FORMAT parquet)");
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
done:
    if (rc != TARN_OK) tarn_err_note(err, "%s is no table", side);
    tarn_text_clear(&sql);
    return rc;
}

static tarn_code compare(tarn_cli *cli, tarn_lake *lake, tarn_db *db, const tarn_table_pair *t, const char *folder,
                         const char *key, int64_t limit, json_t *j, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char a[PATH_CAP], b[PATH_CAP], shown[32], all[32];
    tarn_rows_difference d = {0};
    showing s = {.cli = cli, .d = &d, .rows = json_array()};
    tarn_rows_options options = {
        .key = key, .a_name = "before", .b_name = "after", .limit = limit, .row = show_row, .arg = &s};

    if (t->was) TARN_TRY(as_parquet(lake, db, &t->before, folder, "before", a, err));
    if (t->is) TARN_TRY(as_parquet(lake, db, &t->after, folder, "after", b, err));
    TARN_TRY(tarn_rows_diff(db, t->was ? a : NULL, t->is ? b : NULL, &options, &d, err));
    TARN_TRY(flush(&s, err));
    int64_t differ = d.added + d.removed + d.changed;
    if (limit && differ > limit)
        tarn_out(cli, "  %s... %s of %s; --limit shows more%s\n", tarn_color(cli, "dim"), tarn_num_group(limit, shown),
                 tarn_num_group(differ, all), tarn_color(cli, NULL));
    out_counts(cli, &d);
    TARN_TRY(counts_json(&d, j, err));
    if (limit) TARN_TRY(tarn_json_set(j, "rows", json_incref(s.rows), err));
done:
    showing_clear(&s);
    json_decref(s.rows);
    tarn_rows_difference_clear(&d);
    return rc;
}

static tarn_code no_key(const char *path, tarn_err *err)
{
    int len = (int)strlen(path) - 8;

    if (!ends_with(path, ".parquet"))
        return TARN_FAIL(err, TARN_INVALID, "%s: its rows cannot be compared without a key; give --key COLUMNS", path);
    return TARN_FAIL(
        err, TARN_INVALID,
        "%s: no key is declared, so its rows cannot be compared; give --key COLUMNS, or declare tables: %.*s: key: "
        "COLUMNS in tarn.yaml",
        path, len, path);
}

/* One table, head and all; an error that is the table's own is put in its place unless it was asked for by name. */
static tarn_code show_table(tarn_cli *cli, tarn_lake *lake, tarn_db *db, const tarn_table_pair *t, const char *folder,
                            const char *key, int64_t limit, bool named, json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    static const char *const words[] = {"added", "removed", "changed"};
    static const char *const colors[] = {"green", "red", "yellow"};
    int kind = !t->was ? TARN_ROW_ADDED : !t->is ? TARN_ROW_REMOVED : TARN_ROW_CHANGED;
    const char *path = t->is ? t->after.path : t->before.path;
    tarn_err said = {0};
    json_t *j = json_pack("{s:s, s:s, s:s?}", "path", path, "change", words[kind], "key", key);

    tarn_out(cli, "%s%c %s%s%s%s\n", tarn_color(cli, colors[kind]), marks[kind], path, tarn_color(cli, NULL),
             key ? "  by " : "", key ? key : "");
    TARN_TRY(tarn_json_append(list, json_incref(j), err));
    rc = key ? compare(cli, lake, db, t, folder, key, limit, j, &said) : no_key(path, &said);
    if (rc == TARN_INVALID && !named) {
        tarn_out(cli, "  %s%s%s\n", tarn_color(cli, "dim"), said.msg, tarn_color(cli, NULL));
        rc = tarn_json_set(j, "error", json_string(said.msg), err);
    } else if (rc != TARN_OK && err) {
        *err = said;
        if (key) tarn_err_note(err, "%s", path);
    }
done:
    json_decref(j);
    return rc;
}

/* ---- all tables ---- */

static bool is_table(const char *path)
{
    return ends_with(path, ".parquet") || ends_with(path, ".csv") || ends_with(path, ".tsv");
}

/* Is `path` the table that `name` names, with or without ".parquet"? */
static bool named_so(const char *path, const char *name)
{
    size_t len = strlen(name);
    return strcmp(path, name) == 0 || (strncmp(path, name, len) == 0 && strcmp(path + len, ".parquet") == 0);
}

tarn_code tarn_keep_table(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_table_list *l = arg;
    tarn_table_pair t = {.was = kind != TARN_ADDED, .is = kind != TARN_REMOVED};
    const char *path = t.is ? after->path : before->path;

    if (l->exact || strncmp(path, l->path, strlen(l->path)) != 0) return TARN_OK;
    if (!is_table(path)) {
        if (l->others++ == 0) (void)snprintf(l->other, sizeof l->other, "%s", path);
        return TARN_OK;
    }
    if (t.was && t.is && tarn_id_equal(&before->object.id, &after->object.id)) return TARN_OK; /* its recipe did */
    if (t.was) t.before = *before;
    if (t.is) t.after = *after;
    TARN_TRY(tarn_resize(&l->pairs, l->n + 1, sizeof *l->pairs, err));
    l->exact = l->path[0] && named_so(path, l->path);
    if (l->exact) l->n = 0;
    l->pairs[l->n++] = t;
done:
    return rc;
}

void tarn_table_list_clear(tarn_table_list *l)
{
    tarn_free(l->pairs);
    l->pairs = NULL;
    l->n = 0;
}

/* Nothing differs: is what was named there at all? */
static tarn_code say_same(const tarn_cli *cli, tarn_lake *lake, const tarn_table_list *tables,
                          const tarn_rows_print *what, tarn_err *err)
{
    const char *path = tables->path;
    tarn_entry e;
    char with[1040];

    if (!path[0]) {
        tarn_out(cli, "no table differs between %s%s\n", what->where,
                 tables->others ? "; files that are none do: without --rows they are listed" : "");
        return TARN_OK;
    }
    if (tables->others)
        return TARN_FAIL(err, TARN_INVALID,
                         "'%s' differs, but is no table (Parquet, CSV), so it has no rows to compare", tables->other);
    (void)snprintf(with, sizeof with, "%.1000s%s", path, is_table(path) ? "" : ".parquet");
    if (!what->commit || tarn_lake_lookup(lake, what->commit, with, &e, NULL) != TARN_OK)
        return TARN_FAIL(err, TARN_NOT_FOUND, "no table that starts with '%s' differs between %s", path, what->where);
    tarn_out(cli, "%s is the same in %s\n", path, what->where);
    return TARN_OK;
}

static tarn_code open_engine(const tarn_cli *cli, tarn_lake *lake, char folder[PATH_CAP], tarn_db **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)snprintf(folder, PATH_CAP, "%s/step-diff-%ld", tarn_lake_tmp_dir(lake), (long)getpid());
    TARN_TRY(tarn_dir_make(folder, err));
    TARN_TRY(tarn_db_open(&(tarn_db_options){.threads = cli->threads, .spill_folder = folder}, out, err));
done:
    return rc;
}

static tarn_code show_all(tarn_cli *cli, tarn_lake *lake, const tarn_table_list *tables, const tarn_rows_print *what,
                          json_t *list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = what->key[0] ? NULL : tarn_cli_declared(cli);
    tarn_db *db = NULL;
    char folder[PATH_CAP] = "";

    TARN_TRY(open_engine(cli, lake, folder, &db, err));
    for (size_t i = 0; i < tables->n; i++) {
        const tarn_table_pair *t = &tables->pairs[i];
        const char *path = t->is ? t->after.path : t->before.path;
        const char *key = what->key[0] ? what->key : p ? tarn_declared_key(p, path) : NULL;
        TARN_TRY(show_table(cli, lake, db, t, folder, key, what->limit, tables->exact, list, err));
    }
done:
    tarn_db_close(db);
    if (folder[0] && tarn_dir_remove(folder, rc == TARN_OK ? err : NULL) != TARN_OK && rc == TARN_OK) rc = TARN_IO;
    tarn_project_free(p);
    return rc;
}

tarn_code tarn_out_rows(tarn_cli *cli, tarn_lake *lake, const tarn_table_list *tables, const tarn_rows_print *what,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_array();

    if (tables->n == 0) TARN_TRY(say_same(cli, lake, tables, what, err));
    else TARN_TRY(show_all(cli, lake, tables, what, list, err));
    TARN_TRY(tarn_json_set(cli->result, "tables", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}
