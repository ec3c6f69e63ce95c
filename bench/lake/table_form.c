/* SPDX-License-Identifier: Apache-2.0 */
/* table_form.c - versions of a table written as Parquet in a given form; see table_form.sh.
 *
 *     table_form FOLDER ROWS VERSIONS "OPTIONS OF COPY"
 *
 * Version 0 is ROWS rows of 8 mixed columns. Each further one changes 1 % of the rows (one cell or two of each),
 * deletes 200 rows in 4 places, inserts 200 between others, and appends 1,000: by fixed hashes, so that every form gets
 * the same rows. Prints a line a version: bytes, seconds to write (one thread, as Tarn does), seconds to read all
 * columns (one thread). */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static duckdb_connection connection;

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double run(const char *sql)
{
    duckdb_result result;
    double from = now();

    if (duckdb_query(connection, sql, &result) != DuckDBSuccess) {
        fprintf(stderr, "%s\n%s\n", duckdb_result_error(&result), sql);
        exit(1);
    }
    duckdb_destroy_result(&result);
    return now() - from;
}

static void make(long rows)
{
    char sql[4096];

    snprintf(
        sql, sizeof sql,
        "CREATE TABLE t AS SELECT i * 8 AS id, DATE '2020-01-01' + (i // 700)::INT AS day, "
        "['books', 'garden', 'toys', 'kitchen', 'music', 'sport'][1 + (hash(i * 11) %% 6)::INT] AS kind, "
        "'C' || lpad((hash(i * 13) %% 40000)::VARCHAR, 6, '0') AS customer, (1 + hash(i * 17) %% 20)::INTEGER AS "
        "quantity, round((hash(i * 19) %% 100000) / 100.0, 2)::DOUBLE AS price, CASE WHEN hash(i * 23) %% 9 = 0 THEN "
        "NULL ELSE (hash(i * 29) %% 1000000) / 1000000.0 END::DOUBLE AS score, 'order ' || md5((i %% "
        "5000)::VARCHAR)[1:12] || ' note ' || (hash(i * 31) %% 1000)::VARCHAR AS note FROM range(%ld) r(i)",
        rows);
    run(sql);
}

static void change(int v)
{
    char sql[4096];

    snprintf(
        sql, sizeof sql,
        "UPDATE t SET price = CASE WHEN hash(id + %d) %% 3 = 0 THEN price + 1 ELSE price END, quantity = CASE WHEN "
        "hash(id + %d) %% 3 = 1 THEN quantity %% 20 + 1 ELSE quantity END, note = CASE WHEN hash(id + %d) %% 5 = 2 "
        "THEN "
        "note || ' changed' ELSE note END, kind = CASE WHEN hash(id + %d) %% 7 = 0 THEN 'sport' ELSE kind END WHERE "
        "hash(id * 37 + %d) %% 100 = 0",
        v, v, v, v, v);
    run(sql);
    for (int i = 0; i < 4; i++) {
        snprintf(sql, sizeof sql,
                 "DELETE FROM t WHERE id >= (SELECT max(id) FROM t) // 5 * %d + %d AND id < (SELECT max(id) FROM t) // "
                 "5 * %d + "
                 "%d + 400",
                 i + 1, v * 8000, i + 1, v * 8000);
        run(sql);
    }
    snprintf(
        sql, sizeof sql,
        "INSERT INTO t SELECT id + %d %% 7 + 1, day, kind, customer, quantity, price / 2, score, 'new ' || note FROM t "
        "WHERE id %% 8 = 0 AND hash(id + %d) %% 5000 = 7",
        v, v * 41);
    run(sql);
    snprintf(
        sql, sizeof sql,
        "INSERT INTO t SELECT (SELECT max(id) FROM t) // 8 * 8 + 8 + i * 8, DATE '2024-01-01', 'toys', 'C' || i, i %% "
        "20, i / 7.0, NULL, 'order appended ' || i FROM range(1000) r(i)");
    run(sql);
}

int main(int argc, char **argv)
{
    char path[1024], sql[4096];
    struct stat st;
    duckdb_database database;

    if (argc != 5) return 64;
    if (duckdb_open(NULL, &database) != DuckDBSuccess || duckdb_connect(database, &connection) != DuckDBSuccess)
        return 1;
    run("SET threads = 1");
    make(atol(argv[2]));
    for (int v = 0; v < atoi(argv[3]); v++) {
        if (v > 0) change(v);
        run("CREATE OR REPLACE TABLE s AS FROM t ORDER BY id");
        snprintf(path, sizeof path, "%s/v%d.parquet", argv[1], v);
        snprintf(sql, sizeof sql, "COPY s TO '%s' (FORMAT parquet, USE_TMP_FILE false, %s)", path, argv[4]);
        double write = run(sql);
        snprintf(sql, sizeof sql,
                 "SELECT count(id), count(day), min(kind), min(customer), sum(quantity), sum(price), sum(score), "
                 "min(note) FROM "
                 "'%s'",
                 path);
        run(sql);
        double read = run(sql);
        if (stat(path, &st) != 0) return 1;
        printf("%d %lld %.3f %.3f\n", v, (long long)st.st_size, write, read);
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
