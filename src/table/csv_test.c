/* SPDX-License-Identifier: Apache-2.0 */
/* csv_test.c - delimited text: what is read, what is put aside and where, what is refused. */
#include "support/tarn_test.h"

#include "base/file.h"
#include "base/random.h"
#include "base/str.h"
#include "table/csv_scan.h"
#include "table/csv_type.h"
#include "table/table.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define FOLDER "/tmp/tarn-csv-test"

static char path[256];

static int set_up(void **state)
{
    (void)state;
    must(tarn_dir_make(FOLDER, err));
    (void)snprintf(path, sizeof path, FOLDER "/%ld [x].csv", (long)getpid());
    return tarn_test_setup(state);
}

static int tear_down(void **state)
{
    (void)unlink(path);
    return tarn_test_teardown(state);
}

static tarn_db *open_db(void)
{
    tarn_db *db = NULL;

    must(tarn_db_open(&(tarn_db_options){.threads = 2, .memory_bytes = 1 << 30, .spill_folder = FOLDER}, &db, err));
    return db;
}

static void put_bytes(const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    (void)fclose(f);
}

static void put_text(const char *text) { put_bytes(text, strlen(text)); }

static const char *one_text(tarn_db *db, const char *sql, char out[1024])
{
    tarn_columns *c = NULL;
    int32_t len;

    must(tarn_db_query(db, sql, 1, &c, err));
    assert_int_equal(tarn_columns_rows(c), 1);
    const tarn_column *a = tarn_columns_at(c, 0);
    if (a->nulls) {
        (void)strcpy(out, "(null)");
    } else {
        const char *word = tarn_column_word(a, *(const int32_t *)a->values, &len);
        (void)snprintf(out, 1024, "%.*s", (int)len, word);
    }
    tarn_columns_release(c);
    return out;
}

/* The whole table as text: "," between cells, ";" between rows; concat_ws leaves nulls out. */
static void table_is(tarn_db *db, const char *columns, const char *want)
{
    char sql[1024], got[1024];

    (void)snprintf(sql, sizeof sql, "SELECT string_agg(concat_ws(',', %s), ';' ORDER BY rowid) FROM t", columns);
    assert_string_equal(one_text(db, sql, got), want);
}

static void types_are(tarn_db *db, const char *want)
{
    char got[1024];

    assert_string_equal(one_text(db, "SELECT string_agg(column_type, ' ') FROM (DESCRIBE t)", got), want);
}

static void reject_is(const tarn_rejects *r, int64_t i, int64_t line, const char *column, const char *reason,
                      const char *text)
{
    assert_true(i < r->kept);
    assert_int_equal(r->rows[i].line, line);
    assert_string_equal(r->rows[i].column, column);
    assert_string_equal(r->rows[i].reason, reason);
    assert_string_equal(r->rows[i].text, text);
}

static void a_clean_file_is_read_as_it_is(void **state)
{
    tarn_db *db = open_db();
    int64_t rows = 0;

    (void)state;
    put_text("n,x,name,yes,day,at,zip,big\n1,0.5,a,true,2026-01-31,2026-01-31 "
             "12:00,007,1\n-2,3,\"b,\"\"c\"\"\nd\",FALSE,1999-12-31,2026-01-31,12,99999999999999999999\n,,,,,,,\n");
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    assert_int_equal(rows, 3);
    types_are(db, "BIGINT DOUBLE VARCHAR BOOLEAN DATE TIMESTAMP VARCHAR VARCHAR");
    table_is(db, "n, x, name, zip", "1,0.5,a,007;-2,3.0,b,\"c\"\nd,12;");
    tarn_db_close(db);
}

static void every_bad_row_is_put_aside_once_with_its_line(void **state)
{
    static const char *const types[] = {"a", "int", "b", "real", NULL};
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows = 0;

    (void)state;
    put_text("\xEF\xBB\xBF"
             "a,b,c\r\n1,2,\"x\r\ny\"\r\n2,zz,y\r\n\r\n3,4\r\n4,5,6,7\r\n3.7,qq,8\r\n5,6,\"open\r\n6,7,z\r\n7,8,"
             "\"q\"x\r\n8,9,w\rw\r\n9,1e3,\"\"");
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, &r, err));
    assert_int_equal(rows, 3);
    table_is(db, "a, b, c", "1,2.0,x\r\ny;6,7.0,z;9,1000.0");
    assert_int_equal(r.count, 7);
    assert_int_equal(r.kept, 7);
    reject_is(&r, 0, 4, "b", "'zz' is not a number", "2,zz,y");
    reject_is(&r, 1, 6, "c", "2 fields where the header has 3", "3,4");
    reject_is(&r, 2, 7, "field 4", "4 fields where the header has 3", "4,5,6,7");
    reject_is(&r, 3, 8, "a", "'3.7' is not a whole number of 64 bits", "3.7,qq,8");
    reject_is(&r, 4, 9, "c", "text stands behind its closing quote", "5,6,\"open");
    reject_is(&r, 5, 11, "c", "text stands behind its closing quote", "7,8,\"q\"x");
    reject_is(&r, 6, 12, "c", "a carriage return stands inside the field", "8,9,w\rw");
    tarn_rejects_clear(&r);
    must_fail_with(TARN_INVALID, "line 4, column 'b': 'zz' is not a number",
                   tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, NULL, err));
    tarn_db_close(db);
}

static void a_quote_that_never_closes_costs_one_line(void **state)
{
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows = 0;

    (void)state;
    put_text("a,b\n1,\"open\n2,x\n3,y\n");
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, &r, err));
    assert_int_equal(rows, 2);
    assert_int_equal(r.count, 1);
    reject_is(&r, 0, 2, "b", "its quote is never closed", "1,\"open");
    table_is(db, "a, b", "2,x;3,y");
    tarn_rejects_clear(&r);
    tarn_db_close(db);
}

static void types_of_sql_are_cast_and_misfits_put_aside(void **state)
{
    static const char *const types[] = {"id", "UUID", "price", "DECIMAL(5,2)", "n", "TINYINT", NULL};
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows = 0;

    (void)state;
    put_text("id,price,n,note\n00000000-0000-0000-0000-000000000001,1.25,1,\"a\nb\"\nnope,2,2,\n"
             "00000000-0000-0000-0000-000000000002,x,3,\n00000000-0000-0000-0000-000000000003,99999,3,\n"
             "00000000-0000-0000-0000-000000000004,3,300,\n,,,end\n");
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, &r, err));
    assert_int_equal(rows, 2);
    types_are(db, "UUID DECIMAL(5,2) TINYINT VARCHAR");
    table_is(db, "price, n, note", "1.25,1,a\nb;end");
    assert_int_equal(r.count, 4);
    reject_is(&r, 0, 4, "id", "'nope' is not of type UUID", "nope,2,2,");
    reject_is(&r, 1, 5, "price", "'x' is not a number", "00000000-0000-0000-0000-000000000002,x,3,");
    reject_is(&r, 2, 6, "price", "'99999' is not of type DECIMAL(5,2)",
              "00000000-0000-0000-0000-000000000003,99999,3,");
    reject_is(&r, 3, 7, "n", "'300' is not of type TINYINT", "00000000-0000-0000-0000-000000000004,3,300,");
    tarn_rejects_clear(&r);
    must_fail_with(TARN_INVALID, "'x; DROP' is not a type",
                   tarn_db_read_csv(db, path, "t",
                                    &(tarn_csv_options){.type_names = (const char *const[]){"n", "x; DROP", NULL}},
                                    &rows, NULL, err));
    must_fail_with(TARN_INVALID, "NONSENSE",
                   tarn_db_read_csv(db, path, "t",
                                    &(tarn_csv_options){.type_names = (const char *const[]){"note", "NONSENSE", NULL}},
                                    &rows, NULL, err));
    tarn_db_close(db);
}

static void files_that_are_no_table_are_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "the file is empty; a header line with column names was expected"},
        {"\n\n", "the file is empty"},
        {"a,b\n1,caf\xE9\n", "line 2, column 6: byte 0xE9 is not UTF-8"},
        {"1,5,3\n4,5,6\n", "line 1, column 1: '1...' looks like data, not like a header"},
        {"5.1,3.5,setosa\n4.9,3,setosa\n", "looks like data"},
        {"2014,1,1,x\n", "looks like data"},
        {"a,b,A\n1,2,3\n", "line 1: columns 1 and 3 have the same name 'A'"},
        {"a,\"b\n1,2\n", "line 1, field 2: its quote is never closed"},
        {"PK\3\4", "a zip or Excel file; save it as CSV"},
        {"PAR1....", "a Parquet file; set format: parquet"},
        {"\xFF\xFE"
         "a",
         "UTF-16 text; convert it to UTF-8"},
    };
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_text(cases[i].text);
        must_fail_with(TARN_INVALID, cases[i].want, tarn_db_read_csv(db, path, "t", NULL, &rows, &r, err));
        must_fail_with(TARN_INVALID, path, tarn_db_read_csv(db, path, "t", NULL, &rows, &r, err));
    }
    put_bytes("a,b\n1,2\n3,\0\0", 13);
    must_fail_with(TARN_INVALID, "line 3, column 3: a zero byte",
                   tarn_db_read_csv(db, path, "t", NULL, &rows, &r, err));
    assert_int_equal(r.count, 0);
    must_fail_with(TARN_NOT_FOUND, "/nowhere/x.csv", tarn_db_read_csv(db, "/nowhere/x.csv", "t", NULL, &rows, &r, err));
    tarn_db_close(db);
}

static void a_declared_column_must_be_there(void **state)
{
    tarn_db *db = open_db();
    int64_t rows;

    (void)state;
    put_text("tail_num,origin\nN1,PDX\n");
    must_fail_with(TARN_INVALID, "line 1: no column 'tailnum'; did you mean 'tail_num'?",
                   tarn_db_read_csv(db, path, "t",
                                    &(tarn_csv_options){.type_names = (const char *const[]){"tailnum", "text", NULL}},
                                    &rows, NULL, err));
    must_fail_with(TARN_INVALID, "no column 'xyzzy' among 2; the first is 'tail_num'",
                   tarn_db_read_csv(db, path, "t",
                                    &(tarn_csv_options){.type_names = (const char *const[]){"xyzzy", "text", NULL}},
                                    &rows, NULL, err));
    tarn_db_close(db);
}

static void delimiters_are_sniffed_given_or_wrong(void **state)
{
    static const char *const texts[] = {"a,b;x\n1,2;3\n", "a;b\n1,5;2\n", "a\tb c\n1\t2\n", "a|b\n1|2\n", "only\nx\n"};
    static const int64_t columns[] = {2, 2, 2, 2, 1};
    tarn_db *db = open_db();
    int64_t rows, n;

    (void)state;
    for (int i = 0; i < 5; i++) {
        put_text(texts[i]);
        must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
        assert_int_equal(rows, 1);
        must(tarn_db_count(db, "SELECT count(*) FROM (DESCRIBE t)", &n, err));
        assert_int_equal(n, columns[i]);
    }
    put_text("a,b,c\n1,2,3\n");
    must_fail_with(TARN_INVALID, "line 1: delimiter ';' gives one column; the file looks delimited by ','",
                   tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.delimiter = ";"}, &rows, NULL, err));
    must_fail_with(TARN_INVALID, "delimiter 'ab': one character",
                   tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.delimiter = "ab"}, &rows, NULL, err));
    put_text("a\tb\n1\t2\n");
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.delimiter = "\\t"}, &rows, NULL, err));
    tarn_db_close(db);
}

static void no_rows_and_no_header_are_fine_when_meant(void **state)
{
    tarn_db *db = open_db();
    int64_t rows = -1;

    (void)state;
    put_text("a,b");
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = (const char *const[]){"b", "time", NULL}},
                          &rows, NULL, err));
    assert_int_equal(rows, 0);
    types_are(db, "VARCHAR TIMESTAMP");
    put_text("1,x\n2,NA\n");
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.no_header = true, .null_text = "NA"}, &rows, NULL, err));
    assert_int_equal(rows, 2);
    table_is(db, "column1, coalesce(column2, '~')", "1,x;2,~");
    put_text("0,1,2\n5,6,7\n"); /* names that a program made */
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    assert_int_equal(rows, 1);
    put_text(",b\n0,x\n"); /* an index without a name */
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    table_is(db, "column1, b", "0,x");
    tarn_db_close(db);
}

static void zoned_times_are_utc(void **state)
{
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;

    (void)state;
    put_text("at\n2014-01-01T10:00:00+02:00\n2014-01-01T08:00:00Z\n2014-01-01\n");
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    types_are(db, "TIMESTAMP WITH TIME ZONE");
    table_is(db, "epoch_us(\"at\")", "1388563200000000;1388563200000000;1388534400000000");
    put_text(
        "at\n2014-01-01T10:00+02:00\n2014-02-29\n2014-02-28 10:00\n"); /* no seconds: the engine would make it null */
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = (const char *const[]){"at", "time", NULL}},
                          &rows, &r, err));
    assert_int_equal(rows, 1);
    assert_int_equal(r.count, 2);
    tarn_rejects_clear(&r);
    tarn_db_close(db);
}

static void kinds_are_recognised(void **state)
{
    static const struct {
        const char *text;
        unsigned kind;
    } cases[] = {
        {"0", TARN_CSV_INT},
        {"-12", TARN_CSV_INT},
        {"+5", TARN_CSV_INT},
        {" 12 ", TARN_CSV_INT},
        {"9223372036854775807", TARN_CSV_INT},
        {"-9223372036854775808", TARN_CSV_INT},
        {"9223372036854775808", TARN_CSV_CODE | TARN_CSV_REAL},
        {"007", TARN_CSV_CODE | TARN_CSV_INT},
        {"00.5", TARN_CSV_CODE | TARN_CSV_REAL},
        {"0.5", TARN_CSV_REAL},
        {".5", TARN_CSV_REAL},
        {"5.", TARN_CSV_REAL},
        {"-.5e-3", TARN_CSV_REAL},
        {"1e400", TARN_CSV_TEXT},
        {"1e", TARN_CSV_TEXT},
        {"1_000", TARN_CSV_TEXT},
        {"1,5", TARN_CSV_TEXT},
        {"0x10", TARN_CSV_TEXT},
        {"nan", TARN_CSV_REAL},
        {"-Inf", TARN_CSV_REAL},
        {"+", TARN_CSV_TEXT},
        {".", TARN_CSV_TEXT},
        {"-", TARN_CSV_TEXT},
        {"True", TARN_CSV_BOOL},
        {"yes", TARN_CSV_TEXT},
        {"trueish", TARN_CSV_TEXT},
        {"2014-02-28", TARN_CSV_DATE},
        {"2014-02-29", TARN_CSV_TEXT},
        {"2014-1-1", TARN_CSV_TEXT},
        {"2014-01-01T08:00", TARN_CSV_STAMP},
        {"2014-01-01 08:00:01.5Z", TARN_CSV_ZONED},
        {"2014-01-01 08:00Z", TARN_CSV_TEXT},
        {"", TARN_CSV_TEXT},
        {"  ", TARN_CSV_TEXT},
        {"1.2.3", TARN_CSV_TEXT},
        {"-2014-01-01", TARN_CSV_TEXT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned kind = tarn_csv_kind(cases[i].text, strlen(cases[i].text));
        if (kind != cases[i].kind) fail_msg("'%s' is read as %u, not %u", cases[i].text, kind, cases[i].kind);
    }
}

/* What is recognised as a kind, the engine must read to a value of that type: on texts made at random. */
static void the_engine_reads_what_is_recognised(void **state)
{
    static const char letters[] = "0123456789012345678900--::..  T+eEZ_x";
    tarn_text file = {0};
    tarn_db *db = open_db();
    int64_t made = 0, rows;

    (void)state;
    static const char *const types[] = {"a", "int", "b", "real", "c", "time", NULL};
    tarn_text_add(&file, "a,b,c\n");
    for (uint32_t i = 0; i < 60000; i++) {
        char cell[16] = "";
        size_t len = 1 + tarn_random_below(12, 7, TARN_STREAM_TEST, i, 0);
        if (i % 3 == 0) (void)snprintf(cell, sizeof cell, "2014-0%u-1%uT0", i % 7 + 1, i % 9);
        size_t from = strlen(cell);
        for (size_t k = 0; k < len && from + k < 15; k++)
            cell[from + k] = letters[tarn_random_below(sizeof letters - 1, 7, TARN_STREAM_TEST, i, (uint32_t)k + 1)];
        unsigned kind = tarn_csv_kind(cell, strlen(cell));
        bool whole = tarn_csv_fits(kind, cell, strlen(cell), "int"),
             real = tarn_csv_fits(kind, cell, strlen(cell), "real");
        bool time = tarn_csv_fits(kind, cell, strlen(cell), "time");
        if (!whole && !real && !time) continue;
        made++;
        tarn_text_addf(&file, "%s,%s,%s\n", whole ? cell : "0", real ? cell : "0", time ? cell : "2014-01-01");
    }
    assert_true(made > 1000);
    put_text(file.data);
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, NULL, err));
    assert_int_equal(rows, made); /* read_csv itself compares all counts with the engine's */
    tarn_text_clear(&file);
    tarn_db_close(db);
}

static void packed_files_are_read_and_cut_ones_refused(void **state)
{
    tarn_text text = {0};
    tarn_db *db = open_db();
    int64_t rows = 0;
    unsigned char *packed;

    (void)state;
    tarn_text_add(&text, "n,name\n");
    for (int i = 0; i < 20000; i++) tarn_text_addf(&text, "%d,name %d\n", i, i * 7919 % 1000);
    size_t cap = compressBound(text.len) + 64;
    must(tarn_alloc(&packed, cap, 1, err));
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)text.data;
    z.avail_in = (uInt)text.len;
    z.next_out = packed;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t len = z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    put_bytes(packed, len);
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    assert_int_equal(rows, 20000);
    for (size_t cut = 3; cut < len; cut += len / 37) {
        put_bytes(packed, cut);
        must_fail_with(TARN_CORRUPT, "the gzip data ends early",
                       tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    }
    packed[len / 2] ^= 0x55;
    put_bytes(packed, len);
    must_fail_with(TARN_CORRUPT, "gzip", tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));

    ZSTD_CCtx *c = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    len = ZSTD_compress2(c, packed, cap, text.data, text.len);
    (void)ZSTD_freeCCtx(c);
    assert_false(ZSTD_isError(len));
    put_bytes(packed, len);
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    assert_int_equal(rows, 20000);
    for (size_t cut = 4; cut < len; cut += len / 37) {
        put_bytes(packed, cut);
        must_fail_with(TARN_CORRUPT, "the zstd data ends early",
                       tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    }
    packed[len / 2] ^= 0x55;
    put_bytes(packed, len);
    must_fail_with(TARN_CORRUPT, "zstd", tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    tarn_free(packed);
    tarn_text_clear(&text);
    tarn_db_close(db);
}

/* Fields of random bytes, written by the rules, come back the same. */
static void what_is_written_by_the_rules_reads_back(void **state)
{
    enum { ROWS = 500, COLUMNS = 4 };
    static const char *const bits[] = {"a", "\"\"", ",", "\n", "\r\n", " ", "\xC3\xA9", "7", ";", "x"};
    static char want[ROWS][COLUMNS][64];
    tarn_text file = {0};
    tarn_csv_scan s;
    const tarn_csv_record *r;
    char got[64];

    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t k = 0; k < COLUMNS; k++) {
            uint32_t n = (uint32_t)tarn_random_below(7, 3, TARN_STREAM_TEST, i, k);
            tarn_text_add(&file, k ? ",\"" : "\"");
            want[i][k][0] = '\0';
            for (uint32_t b = 0; b < n; b++) {
                const char *bit = bits[tarn_random_below(10, 4, TARN_STREAM_TEST, i * 4 + k, b)];
                tarn_text_add(&file, bit);
                (void)strcat(want[i][k], *bit == '"' ? "\"" : bit);
            }
            tarn_text_add(&file, "\"");
        }
        tarn_text_add(&file, i % 3 ? "\n" : "\r\n");
    }
    tarn_csv_start(&s, file.data, file.len, ',');
    for (uint32_t i = 0; i < ROWS; i++) {
        must(tarn_csv_next(&s, &r, err));
        assert_non_null(r);
        assert_null(r->bad);
        assert_int_equal(r->count, COLUMNS);
        for (uint32_t k = 0; k < COLUMNS; k++) {
            tarn_csv_text(&r->fields[k], got, sizeof got);
            assert_string_equal(got, want[i][k]);
        }
    }
    must(tarn_csv_next(&s, &r, err));
    assert_null(r);
    tarn_csv_stop(&s);
    put_bytes(file.data, file.len);
    tarn_db *db = open_db();
    int64_t rows;
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.no_header = true, .delimiter = ","}, &rows, NULL, err));
    assert_int_equal(rows, ROWS);
    tarn_columns *c = NULL;
    must(tarn_db_query(db, "SELECT * FROM t", -1, &c, err));
    for (int64_t i = 0; i < ROWS; i++)
        for (int k = 0; k < COLUMNS; k++) {
            const tarn_column *a = tarn_columns_at(c, k);
            int32_t len = 0;
            const char *word = tarn_column_has(a, i) ? tarn_column_word(a, ((const int32_t *)a->values)[i], &len) : "";
            assert_int_equal(len, strlen(want[i][k]));
            assert_memory_equal(word, want[i][k], (size_t)len);
        }
    tarn_columns_release(c);
    tarn_db_close(db);
    tarn_text_clear(&file);
}

/* Whatever the bytes: an error, or each record of the file in the table or among the rejects; never a crash. */
static void damaged_files_never_lose_a_row_silently(void **state)
{
    tarn_text text = {0};
    tarn_db *db = open_db();
    char *bytes;
    int read = 0;

    (void)state;
    tarn_text_add(&text, "a,b,c\n");
    for (int i = 0; i < 6; i++) tarn_text_addf(&text, "%d,\"x %d\",%s\r\n", i, i, i % 2 ? "1.5" : "\"p\nq\"");
    must(tarn_alloc(&bytes, text.len, 1, err));
    for (uint32_t turn = 0; turn < 400; turn++) {
        static const char noise[] = "\"\",\n\r \xC3\xA9;1-";
        size_t len = text.len;
        memcpy(bytes, text.data, len);
        for (uint32_t k = 0; k < 1 + turn % 4; k++)
            bytes[tarn_random_below(len, 5, TARN_STREAM_TEST, turn, k * 2)] =
                noise[tarn_random_below(12, 5, TARN_STREAM_TEST, turn, k * 2 + 1)];
        if (turn % 5 == 0) len = tarn_random_below(len, 6, TARN_STREAM_TEST, turn, 0);
        put_bytes(bytes, len);
        tarn_rejects r = {0};
        tarn_err e = {0};
        int64_t rows = 0, n;
        tarn_code rc = tarn_db_read_csv(db, path, "t", NULL, &rows, &r, &e);
        if (rc == TARN_OK) {
            read++;
            must(tarn_db_count(db, "SELECT count(*) FROM t", &n, err));
            assert_int_equal(n, rows);
            assert_int_equal(r.kept, r.count);
            for (int64_t i = 1; i < r.kept; i++) assert_true(r.rows[i].line > r.rows[i - 1].line);
        } else {
            if (rc != TARN_INVALID) fail_msg("turn %u: %s: %s", turn, tarn_code_name(rc), e.msg);
        }
        tarn_rejects_clear(&r);
    }
    assert_true(read > 200);
    tarn_free(bytes);
    tarn_text_clear(&text);
    tarn_db_close(db);
}

static void more_rejects_than_are_kept_are_counted(void **state)
{
    static const char *const types[] = {"a", "TINYINT", NULL};
    tarn_text text = {0};
    tarn_db *db = open_db();
    tarn_rejects r = {0};
    int64_t rows;

    (void)state;
    tarn_text_add(&text, "a,b\n");
    for (int i = 0; i < 20000; i++)
        tarn_text_add(&text, i % 4 == 0 ? "1,2\n" : i % 4 == 1 ? "x,2\n" : i % 4 == 2 ? "300,2\n" : "4\n");
    put_text(text.data);
    must(tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, &r, err));
    assert_int_equal(rows, 5000);
    assert_int_equal(r.count, 15000);
    assert_int_equal(r.kept, 10000);
    reject_is(&r, 0, 3, "a", "'x' is not a whole number of 64 bits", "x,2");
    reject_is(&r, 1, 4, "a", "'300' is not of type TINYINT", "300,2");
    reject_is(&r, 2, 5, "b", "1 field where the header has 2", "4");
    tarn_rejects_clear(&r);
    tarn_text_clear(&text);
    tarn_db_close(db);
}

static void memory_running_out_is_an_error_each_time(void **state)
{
    static const char *const types[] = {"a", "TINYINT", NULL};
    tarn_db *db = open_db();
    int64_t live, n = 1, rows = 0;
    tarn_err e = {0};

    (void)state;
    put_text("a,b\n1,x\n300,\"q\"\"\"\n7\n2,y\n");
    live = tarn_mem_live();
    for (;; n++) {
        tarn_rejects r = {0};
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_db_read_csv(db, path, "t", &(tarn_csv_options){.type_names = types}, &rows, &r, &e);
        tarn_mem_fail_after(0);
        tarn_rejects_clear(&r);
        assert_int_equal(tarn_mem_live(), live);
        if (rc == TARN_OK) break;
        if (rc != TARN_NOMEM) fail_msg("allocation %lld: %s: %s", (long long)n, tarn_code_name(rc), e.msg);
    }
    assert_true(n > 10);
    assert_int_equal(rows, 2);
    tarn_db_close(db);
}

static void long_records_and_long_cells_are_read(void **state)
{
    enum { LONG = 3000000 };
    tarn_db *db = open_db();
    char *text;
    int64_t n, rows;

    (void)state;
    must(tarn_alloc(&text, LONG + 64, 1, err));
    int at = snprintf(text, 64, "a,b\n1,");
    memset(text + at, 'x', LONG);
    (void)strcpy(text + at + LONG, "\n2,y\n");
    put_text(text);
    must(tarn_db_read_csv(db, path, "t", NULL, &rows, NULL, err));
    must(tarn_db_count(db, "SELECT max(length(b)) FROM t", &n, err));
    assert_int_equal(n, LONG);
    tarn_free(text);
    tarn_db_close(db);
}

#define CSV_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CSV_TEST(a_clean_file_is_read_as_it_is),
        CSV_TEST(every_bad_row_is_put_aside_once_with_its_line),
        CSV_TEST(a_quote_that_never_closes_costs_one_line),
        CSV_TEST(types_of_sql_are_cast_and_misfits_put_aside),
        CSV_TEST(files_that_are_no_table_are_refused),
        CSV_TEST(a_declared_column_must_be_there),
        CSV_TEST(delimiters_are_sniffed_given_or_wrong),
        CSV_TEST(no_rows_and_no_header_are_fine_when_meant),
        CSV_TEST(zoned_times_are_utc),
        CSV_TEST(kinds_are_recognised),
        CSV_TEST(the_engine_reads_what_is_recognised),
        CSV_TEST(packed_files_are_read_and_cut_ones_refused),
        CSV_TEST(what_is_written_by_the_rules_reads_back),
        CSV_TEST(damaged_files_never_lose_a_row_silently),
        CSV_TEST(more_rejects_than_are_kept_are_counted),
        CSV_TEST(memory_running_out_is_an_error_each_time),
        CSV_TEST(long_records_and_long_cells_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
