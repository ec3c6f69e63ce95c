/* SPDX-License-Identifier: Apache-2.0 */
/* columns_print.c - see columns_print.h. */
#include "cli/columns_print.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void tarn_cell_text(const tarn_column *c, int64_t row, tarn_text *out)
{
    char text[32];

    if (!tarn_column_has(c, row)) return;
    if (c->type == TARN_TEXT) {
        int32_t len = 0;
        const char *word = tarn_column_word(c, ((const int32_t *)c->values)[row], &len);
        tarn_text_addn(out, word, (size_t)len);
    } else if (c->type == TARN_TIME) {
        tarn_text_add(out, tarn_time_text(((const int64_t *)c->values)[row], text));
    } else if (c->type == TARN_BOOL) {
        tarn_text_add(out, ((const uint8_t *)c->values)[row] ? "true" : "false");
    } else if (c->type == TARN_INT) {
        tarn_text_addf(out, "%lld", (long long)((const int64_t *)c->values)[row]);
    } else {
        tarn_text_num(out, ((const double *)c->values)[row]);
    }
}

static json_t *cell_json(const tarn_column *c, int64_t row)
{
    tarn_text t = {0};
    json_t *value;

    if (!tarn_column_has(c, row)) return json_null();
    if (c->type == TARN_BOOL) return json_boolean(((const uint8_t *)c->values)[row]);
    if (c->type == TARN_INT) return json_integer((json_int_t)((const int64_t *)c->values)[row]);
    if (c->type == TARN_REAL) return tarn_json_num(((const double *)c->values)[row]);
    tarn_cell_text(c, row, &t);
    value = json_stringn(t.data ? t.data : "", t.len);
    tarn_text_clear(&t);
    return value;
}

static tarn_code keep_result(tarn_cli *cli, const tarn_columns *c, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *names = json_array(), *list = json_array();
    int n = tarn_columns_count(c);

    for (int i = 0; i < n; i++)
        TARN_TRY(tarn_json_append(names,
                                  json_pack("{s:s, s:s}", "name", tarn_columns_at(c, i)->name, "type",
                                            tarn_type_name(tarn_columns_at(c, i)->type)),
                                  err));
    for (int64_t r = 0; r < rows; r++) {
        json_t *row = json_array();
        for (int i = 0; i < n; i++) (void)json_array_append_new(row, cell_json(tarn_columns_at(c, i), r));
        TARN_TRY(tarn_json_append(list, row, err));
    }
    TARN_TRY(tarn_json_set(cli->result, "columns", json_incref(names), err));
    TARN_TRY(tarn_json_set(cli->result, "rows", json_incref(list), err));
done:
    json_decref(list);
    json_decref(names);
    return rc;
}

tarn_code tarn_out_columns(tarn_cli *cli, const tarn_columns *c, int64_t most, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int cols = tarn_columns_count(c);
    int64_t all = tarn_columns_rows(c), rows = all < most ? all : most;
    tarn_text *texts = NULL;
    const char **cells = NULL;
    size_t n = (size_t)(rows + 1) * (size_t)cols;
    char a[32];

    if (cli->json) return keep_result(cli, c, rows, err);
    TARN_TRY(tarn_alloc(&texts, n, sizeof *texts, err));
    TARN_TRY(tarn_alloc(&cells, n, sizeof *cells, err));
    for (int i = 0; i < cols; i++) {
        cells[i] = tarn_columns_at(c, i)->name;
        for (int64_t r = 0; r < rows; r++) {
            size_t at = (size_t)(r + 1) * (size_t)cols + (size_t)i;
            tarn_cell_text(tarn_columns_at(c, i), r, &texts[at]);
            cells[at] = texts[at].data ? texts[at].data : "";
        }
    }
    tarn_out_table(cli, cells, (size_t)rows + 1, (size_t)cols);
    if (rows < all)
        tarn_out(cli, "%s... %s rows in all; --limit shows more%s\n", tarn_color(cli, "dim"), tarn_num_group(all, a),
                 tarn_color(cli, NULL));
done:
    for (size_t i = 0; texts && i < n; i++) tarn_text_clear(&texts[i]);
    tarn_free(texts);
    tarn_free(cells);
    return rc;
}

static void add_csv(tarn_text *line, const char *cell, size_t len)
{
    if (!memchr(cell, '"', len) && !memchr(cell, ',', len) && !memchr(cell, '\n', len) && !memchr(cell, '\r', len)) {
        tarn_text_addn(line, cell, len);
        return;
    }
    tarn_text_add(line, "\"");
    for (size_t i = 0; i < len; i++) tarn_text_addn(line, cell[i] == '"' ? "\"\"" : cell + i, cell[i] == '"' ? 2 : 1);
    tarn_text_add(line, "\"");
}

tarn_code tarn_columns_csv(const tarn_columns *c, tarn_text *out, tarn_err *err)
{
    tarn_text cell = {0};
    int cols = tarn_columns_count(c);

    for (int64_t r = -1; r < tarn_columns_rows(c); r++) {
        for (int i = 0; i < cols; i++) {
            const tarn_column *column = tarn_columns_at(c, i);
            cell.len = 0;
            if (r < 0) tarn_text_add(&cell, column->name);
            else tarn_cell_text(column, r, &cell);
            if (i) tarn_text_add(out, ",");
            add_csv(out, cell.data ? cell.data : "", cell.len);
        }
        tarn_text_add(out, "\n");
    }
    tarn_code rc = tarn_text_check(&cell, err);
    tarn_text_clear(&cell);
    return rc == TARN_OK ? tarn_text_check(out, err) : rc;
}
