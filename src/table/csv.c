/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - delimited text into a SQL table, with every row accounted for.
 *
 * The SQL engine reads CSV fast, but where a file is not clean it guesses: it drops rows behind an unclosed
 * quote, takes a cut gzip file for a shorter one, turns times it cannot read into nulls, rounds 3.7 into a
 * column of whole numbers. So the bytes are looked at first, once, record by record (csv_scan.c): structure,
 * UTF-8, and whether each cell fits its column. A clean file is then read by the engine as it is; of any other
 * a clean copy of the good records is made for it (csv_load.c). In the end the engine must have as many rows,
 * and as many values in each column, as were seen here.
 *
 * Order of calls: open_text, pick_delimiter, read_header, declare, look_at_records, tarn_csv_load. */
#include "table/csv_read.h"

#include "base/mem.h"
#include "base/str.h"
#include "table/csv_type.h"
#include "table/words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the bytes ---- */

static void place_of(const char *text, size_t at, int64_t *line, int64_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((text[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

/* What a file that is not text may be. */
static const char *foreign(const char *bytes, size_t len)
{
    static const struct {
        const char *start, *what;
        size_t len;
    } known[] = {
        {"PAR1", "a Parquet file; set format: parquet", 4},
        {"PK\3\4", "a zip or Excel file; save it as CSV", 4},
        {"\xFF\xFE", "UTF-16 text; convert it to UTF-8", 2},
        {"\xFE\xFF", "UTF-16 text; convert it to UTF-8", 2},
        {"\x89PNG", "a picture", 4},
        {"%PDF", "a PDF file", 4},
        {"BZh", "packed with bzip2; unpack it", 3},
        {"\xFD"
         "7zXZ",
         "packed with xz; unpack it", 5},
        {"SQLite", "a SQLite database", 6},
        {"TARNCOLS", "a file of columns in Tarn's own form", 8},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (len >= known[i].len && memcmp(bytes, known[i].start, known[i].len) == 0) return known[i].what;
    return NULL;
}

static tarn_code check_text(const char *text, size_t len, tarn_err *err)
{
    const char *nul = memchr(text, '\0', len), *what = foreign(text, len);
    int64_t line, column;
    size_t bad;

    if (what) return TARN_FAIL(err, TARN_INVALID, "this is %s", what);
    if (nul) {
        place_of(text, (size_t)(nul - text), &line, &column);
        return TARN_FAIL(err, TARN_INVALID, "line %lld, column %lld: a zero byte; this is not a text file",
                         (long long)line, (long long)column);
    }
    if (tarn_utf8_valid(text, len, &bad)) return TARN_OK;
    place_of(text, bad, &line, &column);
    return TARN_FAIL(err, TARN_INVALID,
                     "line %lld, column %lld: byte 0x%02X is not UTF-8; convert the file to UTF-8 (from "
                     "Latin-1 or Windows-1252?)",
                     (long long)line, (long long)column, (unsigned char)text[bad]);
}

static tarn_code open_text(tarn_csv *csv, const char *path, const char *folder, tarn_err *err)
{
    tarn_code rc = tarn_plain_open(path, folder, &csv->plain, err);

    if (rc != TARN_OK) return rc;
    csv->text = csv->plain.map.bytes;
    csv->len = csv->plain.map.len;
    if (csv->len >= 3 && memcmp(csv->text, "\xEF\xBB\xBF", 3) == 0) {
        csv->text += 3;
        csv->len -= 3;
        csv->irregular = true;
    }
    return check_text(csv->text, csv->len, err);
}

static tarn_code pick_delimiter(tarn_csv *csv, tarn_err *err)
{
    const char *given = csv->options->delimiter;

    if (!given || !*given) return tarn_csv_sniff(csv->text, csv->len, &csv->delimiter, err);
    if (strcmp(given, "\\t") == 0 || strcmp(given, "tab") == 0) given = "\t";
    if (given[1] || strchr("\"\r\n", *given) || isalnum((unsigned char)*given) || (*given & 0x80))
        return TARN_FAIL(err, TARN_INVALID, "delimiter '%s': one character was expected, such as , ; | or tab", given);
    csv->delimiter = *given;
    return TARN_OK;
}

/* ---- the header ---- */

/* 0,1,2... or 1,2,3...: names that a program made, not data. */
static bool counts_up(const tarn_csv_record *r)
{
    int64_t first = 0, x;

    for (int i = 0; i < r->count; i++) {
        if (!tarn_int_parse(r->fields[i].at, r->fields[i].len, &x)) return false;
        if (i == 0) first = x;
        if ((first != 0 && first != 1) || x != first + i) return false;
    }
    return r->count > 1;
}

static bool repeats(const tarn_csv_record *r, int i)
{
    for (int k = 0; k < i; k++)
        if (r->fields[k].len == r->fields[i].len && memcmp(r->fields[k].at, r->fields[i].at, r->fields[i].len) == 0)
            return true;
    return false;
}

/* The first record is data: numbers only, or a number that is no name, or a number twice. */
static bool looks_like_data(const tarn_csv_record *r)
{
    int numbers = 0, there = 0;
    bool odd = false;

    for (int i = 0; i < r->count; i++) {
        const tarn_csv_field *f = &r->fields[i];
        if (f->len == 0) continue;
        unsigned kind = tarn_csv_kind(f->at, f->len);
        there++;
        if (kind & (TARN_CSV_TEXT | TARN_CSV_BOOL) || isalpha((unsigned char)*f->at)) continue;
        numbers++;
        if (kind != TARN_CSV_INT || *f->at == '-' || (r->count < 4096 && repeats(r, i))) odd = true;
    }
    return there > 0 && !counts_up(r) && (odd || numbers == there);
}

static tarn_code name_column(tarn_csv *csv, int i, const tarn_csv_field *f, int64_t line, tarn_words *seen,
                             tarn_err *err)
{
    tarn_csv_column *c = &csv->columns[i];
    char name[256], lower[128];
    int32_t code;

    tarn_csv_text(f, name, sizeof name);
    char *start = name + strspn(name, " \t"), *end = start + strlen(start);
    while (end > start && strchr(" \t\r\n", end[-1])) *--end = '\0';
    if (strlen(start) >= sizeof c->name)
        return TARN_FAIL(err, TARN_LIMIT, "line %lld: the name of column %d is longer than %zu bytes ('%.40s...')",
                         (long long)line, i + 1, sizeof c->name - 1, start);
    if (csv->options->no_header || !*start) (void)snprintf(c->name, sizeof c->name, "column%d", i + 1);
    else (void)strcpy(c->name, start);
    for (size_t k = 0; k <= strlen(c->name); k++) lower[k] = (char)tolower((unsigned char)c->name[k]);
    tarn_code rc = tarn_words_put(seen, lower, strlen(lower), &code, err);
    if (rc == TARN_OK && code != i)
        return TARN_FAIL(err, TARN_INVALID,
                         "line %lld: columns %d and %d have the same name '%s' (SQL does not tell A from a)",
                         (long long)line, code + 1, i + 1, c->name);
    return rc;
}

static tarn_code check_header(const tarn_csv *csv, const tarn_csv_record *r, tarn_err *err)
{
    char sniffed, first[64];

    if (!r) return TARN_FAIL(err, TARN_INVALID, "the file is empty; a header line with column names was expected");
    if (r->bad)
        return TARN_FAIL(err, TARN_INVALID, "line %lld, field %d: %s", (long long)r->line, r->bad_field + 1, r->bad);
    if (r->count == 1 && csv->options->delimiter) {
        tarn_code rc = tarn_csv_sniff(csv->text, csv->len, &sniffed, err);
        if (rc != TARN_OK) return rc;
        if (sniffed != csv->delimiter && memchr(r->start, sniffed, r->len))
            return TARN_FAIL(err, TARN_INVALID,
                             "line %lld: delimiter '%s' gives one column; the file looks delimited by '%s'",
                             (long long)r->line, csv->delimiter == '\t' ? "tab" : csv->options->delimiter,
                             sniffed == '\t' ? "tab" : (char[]){sniffed, '\0'});
    }
    if (csv->options->no_header || !looks_like_data(r)) return TARN_OK;
    tarn_csv_text(&r->fields[0], first, sizeof first);
    return TARN_FAIL(err, TARN_INVALID,
                     "line %lld, column 1: '%s...' looks like data, not like a header; put column names "
                     "there, or set header: false",
                     (long long)r->line, first);
}

static tarn_code read_header(tarn_csv *csv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_csv_scan s;
    const tarn_csv_record *r;
    tarn_words seen = {0};

    tarn_csv_start(&s, csv->text, csv->len, csv->delimiter);
    TARN_TRY(tarn_csv_next(&s, &r, err));
    TARN_TRY(check_header(csv, r, err));
    TARN_TRY(tarn_alloc(&csv->columns, (size_t)r->count, sizeof *csv->columns, err));
    TARN_TRY(tarn_alloc(&csv->kinds, (size_t)r->count, sizeof *csv->kinds, err));
    csv->count = r->count;
    for (int i = 0; i < r->count; i++) TARN_TRY(name_column(csv, i, &r->fields[i], r->line, &seen, err));
done:
    tarn_csv_stop(&s);
    tarn_words_clear(&seen);
    return rc;
}

tarn_code tarn_csv_rewind(const tarn_csv *csv, tarn_csv_scan *s, tarn_err *err)
{
    const tarn_csv_record *r;

    tarn_csv_start(s, csv->text, csv->len, csv->delimiter);
    return csv->options->no_header ? TARN_OK : tarn_csv_next(s, &r, err);
}

/* ---- declared types ---- */

/* What kind of cell a column of this type takes: a tarn type's own name, or that of a SQL type's. */
static const char *class_of(const char *type)
{
    static const char *const wholes[] = {"BIGINT",  "INT",      "INTEGER",   "SMALLINT", "TINYINT",
                                         "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT"};
    static const char *const reals[] = {"DOUBLE", "FLOAT", "DECIMAL", "NUMERIC"};
    tarn_type known;
    size_t len = strcspn(type, "( ");

    if (tarn_type_parse(type, &known)) return tarn_type_name(known);
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++)
        if (strlen(wholes[i]) == len && strncasecmp(type, wholes[i], len) == 0) return "int";
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        if (strlen(reals[i]) == len && strncasecmp(type, reals[i], len) == 0) return "real";
    if (strncasecmp(type, "BOOL", 4) == 0) return "bool";
    if (strcasecmp(type, "DATE") == 0 || strncasecmp(type, "TIMESTAMP", 9) == 0) return "time";
    return "text";
}

static int find_column(const tarn_csv *csv, const char *name)
{
    for (int i = 0; i < csv->count; i++)
        if (strcmp(csv->columns[i].name, name) == 0) return i;
    return -1;
}

static tarn_code no_such_column(const tarn_csv *csv, const char *name, tarn_err *err)
{
    const char **names = NULL;
    tarn_code rc = tarn_alloc(&names, (size_t)csv->count, sizeof *names, err);

    if (rc != TARN_OK) return rc;
    for (int i = 0; i < csv->count; i++) names[i] = csv->columns[i].name;
    const char *near = tarn_nearest_word(name, names, (size_t)csv->count);
    rc = near ? TARN_FAIL(err, TARN_INVALID, "line 1: no column '%s'; did you mean '%s'?", name, near)
              : TARN_FAIL(err, TARN_INVALID, "line 1: no column '%s' among %d; the first is '%s'", name, csv->count,
                          names[0]);
    tarn_free(names);
    return rc;
}

static tarn_code declare(tarn_csv *csv, tarn_err *err)
{
    for (const char *const *pair = csv->options->type_names; pair && pair[0]; pair += 2) {
        int at = find_column(csv, pair[0]);
        if (at < 0) return no_such_column(csv, pair[0], err);
        if (strspn(pair[1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_(), ") != strlen(pair[1]))
            return TARN_FAIL(err, TARN_INVALID, "column '%s': '%s' is not a type", pair[0], pair[1]);
        csv->columns[at].declared = pair[1];
        csv->columns[at].class = class_of(pair[1]);
    }
    return TARN_OK;
}

/* ---- the records ---- */

bool tarn_csv_is_null(const tarn_csv *csv, const tarn_csv_field *f)
{
    const char *word = csv->options->null_text;

    return f->len == 0 || (word && strlen(word) == f->len && memcmp(word, f->at, f->len) == 0);
}

bool tarn_csv_judge(tarn_csv *csv, const tarn_csv_record *r, char column[128], char reason[256])
{
    column[0] = reason[0] = '\0';
    if (r->bad || r->count != csv->count) {
        int at = r->bad ? r->bad_field : r->count < csv->count ? r->count : csv->count;
        if (at < csv->count) (void)strcpy(column, csv->columns[at].name);
        else (void)snprintf(column, 128, "field %d", at + 1);
        if (r->bad) (void)snprintf(reason, 256, "%s", r->bad);
        else
            (void)snprintf(reason, 256, "%d field%s where the header has %d", r->count, r->count == 1 ? "" : "s",
                           csv->count);
        return false;
    }
    for (int i = 0; i < csv->count; i++) {
        const tarn_csv_field *f = &r->fields[i];
        const tarn_csv_column *c = &csv->columns[i];
        csv->kinds[i] = 0;
        if (tarn_csv_is_null(csv, f) || (!c->class && c->kinds & TARN_CSV_TEXT)) continue;
        csv->kinds[i] = tarn_csv_kind(f->at, f->len);
        if (!c->class || tarn_csv_fits(csv->kinds[i], f->at, f->len, c->class)) continue;
        char cell[96];
        tarn_csv_text(f, cell, sizeof cell);
        (void)strcpy(column, c->name);
        (void)snprintf(reason, 256, "'%s' is not %s", cell, tarn_csv_expects(c->class));
        return false;
    }
    return true;
}

static void count_record(tarn_csv *csv, const tarn_csv_record *r)
{
    csv->rows++;
    for (int i = 0; i < csv->count; i++) {
        csv->columns[i].kinds |= csv->kinds[i];
        csv->columns[i].nulls += tarn_csv_is_null(csv, &r->fields[i]);
    }
}

static tarn_code look_at_records(tarn_csv *csv, tarn_rejects *rejects, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_csv_scan s;
    const tarn_csv_record *r;
    char column[128], reason[256];

    TARN_TRY(tarn_csv_rewind(csv, &s, err));
    for (;;) {
        TARN_TRY(tarn_csv_next(&s, &r, err));
        if (!r) break;
        if (tarn_csv_judge(csv, r, column, reason)) {
            count_record(csv, r);
            continue;
        }
        csv->bad++;
        if (!rejects)
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "line %lld, column '%s': %s", (long long)r->line, column, reason));
        TARN_TRY(tarn_rejects_add(rejects, r->line, column, reason, r->start, r->len, err));
    }
    csv->irregular = csv->irregular || s.irregular || csv->bad > 0;
    csv->longest = s.longest;
    csv->ends = s.ends;
done:
    tarn_csv_stop(&s);
    return rc;
}

tarn_code tarn_db_read_csv(tarn_db *db, const char *path, const char *table, const tarn_csv_options *options,
                           int64_t *rows, tarn_rejects *rejects, tarn_err *err)
{
    static const tarn_csv_options presets = {0};
    tarn_code rc = TARN_OK;
    tarn_csv csv = {.options = options ? options : &presets, .first_reject = rejects ? rejects->kept : 0};

    TARN_TRY(open_text(&csv, path, tarn_db_folder(db), err));
    TARN_TRY(pick_delimiter(&csv, err));
    TARN_TRY(read_header(&csv, err));
    TARN_TRY(declare(&csv, err));
    TARN_TRY(look_at_records(&csv, rejects, err));
    TARN_TRY(tarn_csv_load(db, &csv, table, rejects, rows, err));
done:
    if (rc != TARN_OK && err && !strstr(err->msg, path)) tarn_err_note(err, "'%s'", path);
    tarn_plain_close(&csv.plain);
    tarn_free(csv.columns);
    tarn_free(csv.kinds);
    return rc;
}
