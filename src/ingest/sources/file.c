/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - a source: files of this machine, one, a folder of them or a pattern.
 *
 * Several files are one table: each is read by itself, all must have the same columns, and rows stand in the order
 * of the files' names (by bytes) and of the rows in them. Rejects of several files carry the file in their reason. */
#include "ingest/ingest.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { PATH_CAP = 1024, BY_NAME = 0, CSV, TSV, JSON, NDJSON, PARQUET };

typedef struct file_params {
    char path[PATH_CAP];
    int format;
    char delimiter[8], null_text[64];
    bool header;
} file_params;

static const tarn_param params[] = {
    TARN_TEXT(file_params, path, "", "file, folder or pattern (data/*.csv) to read; relative to the project"),
    TARN_WORD(file_params, format, BY_NAME, "auto|csv|tsv|json|ndjson|parquet",
              "what is in the files; auto goes by the name (.gz and .zst may follow), then by the first bytes"),
    TARN_TEXT(file_params, delimiter, "", "character between CSV fields, or tab; empty: found out"),
    TARN_TEXT(file_params, null_text, "", "text of a missing CSV value, such as NA; an empty cell is always one"),
    TARN_BOOL_PARAM(file_params, header, true, "whether the first CSV line has the column names"),
    TARN_PARAMS_END,
};

/* ---- which files ---- */

typedef struct files {
    char **names; /* as the path gave them; sorted by bytes */
    size_t count;
} files;

static void free_files(files *f)
{
    for (size_t i = 0; i < f->count; i++) tarn_free(f->names[i]);
    tarn_free(f->names);
    *f = (files){0};
}

static tarn_code add_file(files *f, const char *name, tarn_err *err)
{
    tarn_code rc = tarn_resize(&f->names, f->count + 1, sizeof *f->names, err);

    if (rc == TARN_OK) rc = tarn_strdup(name, &f->names[f->count], err);
    if (rc == TARN_OK) f->count++;
    return rc;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* name seen from base. */
static tarn_code full_path(const char *base, const char *name, char out[PATH_CAP * 2], tarn_err *err)
{
    if (*name != '/' && base && *base) return tarn_path_join(out, PATH_CAP * 2, base, name, err);
    (void)snprintf(out, PATH_CAP * 2, "%s", name);
    return TARN_OK;
}

static bool is_regular(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* Ends in `ending`, perhaps packed. */
static bool ends(const char *name, const char *ending)
{
    size_t len = strlen(name), n = strlen(ending);

    if (len > 3 && strcmp(name + len - 3, ".gz") == 0) len -= 3;
    else if (len > 4 && strcmp(name + len - 4, ".zst") == 0) len -= 4;
    return len > n && strncasecmp(name + len - n, ending, n) == 0;
}

static int format_by_name(const char *name)
{
    static const struct {
        const char *ending;
        int format;
    } known[] = {{".csv", CSV},      {".tsv", TSV},   {".tab", TSV},         {".txt", CSV},   {".ndjson", NDJSON},
                 {".jsonl", NDJSON}, {".json", JSON}, {".parquet", PARQUET}, {".pq", PARQUET}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (ends(name, known[i].ending)) return known[i].format;
    return BY_NAME;
}

/* Regular files of a folder; those whose names start with a point are none. With format auto, only known endings. */
static tarn_code list_folder(const file_params *p, const char *folder, files *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    DIR *dir = opendir(folder);
    char name[PATH_CAP * 2], path[PATH_CAP * 2 + 256];
    size_t len = strlen(p->path);

    if (!dir) return TARN_FAIL_ERRNO(err, "open", folder);
    while (len > 1 && p->path[len - 1] == '/') len--;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.' || (p->format == BY_NAME && format_by_name(e->d_name) == BY_NAME)) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!is_regular(path)) continue;
        (void)snprintf(name, sizeof name, "%.*s/%s", (int)len, p->path, e->d_name);
        TARN_TRY(add_file(f, name, err));
    }
done:
    (void)closedir(dir);
    return rc;
}

static tarn_code list_pattern(const char *base, const char *full, files *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    glob_t found = {0};
    size_t strip = base && *base ? strlen(base) + 1 : 0;
    int state = glob(full, GLOB_NOSORT | GLOB_ERR, NULL, &found);

    if (state == GLOB_NOSPACE) rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the files of '%s'", full);
    else if (state != 0 && state != GLOB_NOMATCH) rc = TARN_FAIL(err, TARN_IO, "cannot read a folder of '%s'", full);
    for (size_t i = 0; rc == TARN_OK && i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i];
        bool inside = strip > 0 && strncmp(name, base, strip - 1) == 0 && name[strip - 1] == '/';
        if (is_regular(name)) rc = add_file(f, inside ? name + strip : name, err);
    }
    globfree(&found);
    return rc;
}

static tarn_code list_files(const file_params *p, const char *base, files *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[PATH_CAP * 2];

    if (!p->path[0]) return TARN_FAIL(err, TARN_INVALID, "path: the file to read must be named");
    if (*p->path == '/') base = "";
    TARN_TRY(full_path(base, p->path, full, err));
    if (is_regular(full)) TARN_TRY(add_file(f, p->path, err));
    else if (tarn_path_is_dir(full)) TARN_TRY(list_folder(p, full, f, err));
    else if (strpbrk(p->path, "*?[")) TARN_TRY(list_pattern(base, full, f, err));
    else if (tarn_path_exists(full))
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' is neither a file nor a folder", full));
    else TARN_TRY(TARN_FAIL(err, TARN_NOT_FOUND, "there is no file '%s'", full));
    if (f->count == 0) TARN_TRY(TARN_FAIL(err, TARN_NOT_FOUND, "no file fits '%s'", full));
    qsort(f->names, f->count, sizeof *f->names, by_bytes);
done:
    if (rc != TARN_OK) free_files(f);
    return rc;
}

/* ---- reading ---- */

static tarn_code format_of(const file_params *p, const char *path, int *format, tarn_err *err)
{
    char start[64] = "";

    *format = p->format != BY_NAME ? p->format : format_by_name(path);
    if (*format != BY_NAME) return TARN_OK;
    FILE *file = fopen(path, "rb");
    if (!file) return TARN_FAIL_ERRNO(err, "open", path);
    size_t n = fread(start, 1, sizeof start - 1, file);
    (void)fclose(file);
    size_t at = strspn(start, " \t\r\n");
    *format = n >= 4 && memcmp(start, "PAR1", 4) == 0 ? PARQUET
              : start[at] == '{'                      ? NDJSON
              : start[at] == '['                      ? JSON
                                                      : CSV;
    return TARN_OK;
}

static tarn_code read_one(const file_params *p, const char *path, const char *const *type_names, tarn_db *db,
                          const char *table, int64_t *rows, tarn_rejects *rejects, tarn_err *err)
{
    int format;
    tarn_code rc = format_of(p, path, &format, err);
    tarn_csv_options csv = {.delimiter = p->delimiter[0] ? p->delimiter : NULL,
                            .null_text = p->null_text[0] ? p->null_text : NULL,
                            .type_names = type_names,
                            .no_header = !p->header};

    if (rc != TARN_OK) return rc;
    if (format == PARQUET) return tarn_db_read_parquet(db, path, table, type_names, rows, rejects, err);
    if (format == JSON || format == NDJSON)
        return tarn_db_read_json(db, path, table, type_names, format == NDJSON, rows, rejects, err);
    if (format == TSV && !csv.delimiter) csv.delimiter = "\t";
    return tarn_db_read_csv(db, path, table, &csv, rows, rejects, err);
}

/* One file's rejects go to all of them, with its name. */
static tarn_code pass_rejects(const tarn_rejects *from, const char *name, tarn_rejects *to, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int64_t i = 0; i < from->kept; i++) {
        const tarn_reject *r = &from->rows[i];
        char reason[512];
        (void)snprintf(reason, sizeof reason, "%.120s: %s", name, r->reason);
        TARN_TRY(tarn_rejects_add(to, r->line, r->column, reason, r->text, strlen(r->text), err));
    }
    to->count += from->count - from->kept;
done:
    return rc;
}

static void part_name(tarn_text *out, const char *table, size_t i)
{
    out->len = 0;
    tarn_text_addf(out, "%s part %zu", table, i);
}

/* Both tables must have the same columns, in any order. */
static tarn_code same_columns(tarn_db *db, const char *a, const char *b, const char *a_file, const char *b_file,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_field *f[2] = {NULL, NULL};
    int n[2] = {0, 0};
    tarn_text name = {0};

    for (int i = 0; i < 2; i++) {
        name.len = 0;
        tarn_sql_name(&name, i == 0 ? a : b);
        TARN_TRY(tarn_text_check(&name, err));
        TARN_TRY(tarn_db_schema(db, name.data, &f[i], &n[i], err));
    }
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < n[side]; i++) {
            bool there = false;
            for (int k = 0; k < n[!side]; k++) there = there || strcmp(f[side][i].name, f[!side][k].name) == 0;
            if (!there)
                TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' has no column '%s', which '%s' has", side ? a_file : b_file,
                                   f[side][i].name, side ? b_file : a_file));
        }
    }
done:
    tarn_free(f[0]);
    tarn_free(f[1]);
    tarn_text_clear(&name);
    return rc;
}

static tarn_code unite(tarn_db *db, const char *table, size_t count, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0}, name = {0};

    tarn_text_add(&sql, "CREATE OR REPLACE TABLE ");
    tarn_sql_name(&sql, table);
    for (size_t i = 0; i < count; i++) {
        part_name(&name, table, i);
        TARN_TRY(tarn_text_check(&name, err));
        tarn_text_add(&sql, i == 0 ? " AS SELECT * FROM " : " UNION ALL BY NAME SELECT * FROM ");
        tarn_sql_name(&sql, name.data);
    }
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_run(db, sql.data, err));
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&name);
    return rc;
}

static void drop_parts(tarn_db *db, const char *table, size_t count)
{
    tarn_text sql = {0}, name = {0};

    for (size_t i = 0; i < count; i++) {
        sql.len = 0;
        part_name(&name, table, i);
        tarn_text_add(&sql, "DROP TABLE IF EXISTS ");
        tarn_sql_name(&sql, name.data ? name.data : "");
        if (sql.failed == TARN_OK && name.failed == TARN_OK && tarn_db_run(db, sql.data, NULL) != TARN_OK) break;
    }
    tarn_text_clear(&sql);
    tarn_text_clear(&name);
}

static tarn_code read_all(const file_params *p, const char *base, const files *f, const char *const *type_names,
                          tarn_db *db, const char *table, int64_t *rows, tarn_rejects *rejects, const tarn_sink *sink,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text part = {0}, first = {0};
    tarn_rejects local = {0};
    char path[PATH_CAP * 2];

    part_name(&first, table, 0);
    for (size_t i = 0; i < f->count; i++) {
        int64_t n = 0;
        TARN_TRY(tarn_cancel_check(sink, err));
        part_name(&part, table, i);
        TARN_TRY(tarn_text_check(&part, err));
        TARN_TRY(full_path(base, f->names[i], path, err));
        TARN_TRY(read_one(p, path, type_names, db, part.data, &n, rejects ? &local : NULL, err));
        if (i > 0) TARN_TRY(same_columns(db, first.data, part.data, f->names[0], f->names[i], err));
        if (rejects) TARN_TRY(pass_rejects(&local, f->names[i], rejects, err));
        tarn_rejects_clear(&local);
        *rows += n;
        tarn_progress(sink, "reading", (int64_t)i + 1, (int64_t)f->count, "files");
    }
    TARN_TRY(unite(db, table, f->count, err));
done:
    tarn_rejects_clear(&local);
    tarn_text_clear(&part);
    tarn_text_clear(&first);
    drop_parts(db, table, f->count);
    return rc;
}

static tarn_code read_file(const void *values, const char *base, const char *const *type_names, tarn_db *db,
                           const char *table, int64_t *rows, tarn_rejects *rejects, const tarn_sink *sink,
                           tarn_err *err)
{
    const file_params *p = values;
    tarn_code rc = TARN_OK;
    files f = {0};
    char path[PATH_CAP * 2];
    int64_t n = 0;

    TARN_TRY(list_files(p, base, &f, err));
    TARN_TRY(tarn_cancel_check(sink, err));
    if (f.count == 1) {
        TARN_TRY(full_path(base, f.names[0], path, err));
        TARN_TRY(read_one(p, path, type_names, db, table, &n, rejects, err));
    } else {
        TARN_TRY(read_all(p, base, &f, type_names, db, table, &n, rejects, sink, err));
    }
    if (rows) *rows = n;
done:
    free_files(&f);
    return rc;
}

/* ---- facts ---- */

static tarn_code add_fact(json_t *facts, const char *base, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_mapped map = {0};
    char path[PATH_CAP * 2], hex[TARN_ID_HEX];
    tarn_id id;

    TARN_TRY(full_path(base, name, path, err));
    TARN_TRY(tarn_map_open(path, &map, err));
    TARN_TRY(tarn_digest(map.bytes, map.len, &id, err));
    TARN_TRY(tarn_json_append(
        facts,
        json_pack("{s:s, s:I, s:s}", "file", name, "bytes", (json_int_t)map.len, "sha256", tarn_id_hex(&id, hex)),
        err));
done:
    tarn_map_close(&map);
    return rc;
}

static tarn_code facts_of_files(const void *values, const char *base, json_t **out, tarn_err *err)
{
    const file_params *p = values;
    tarn_code rc = TARN_OK;
    files f = {0};
    json_t *facts = NULL;

    *out = NULL;
    TARN_TRY(list_files(p, base, &f, err));
    facts = json_array();
    if (!facts) TARN_TRY(TARN_FAIL(err, TARN_NOMEM, "no memory for the facts of '%s'", p->path));
    for (size_t i = 0; i < f.count; i++) TARN_TRY(add_fact(facts, base, f.names[i], err));
    *out = facts;
    facts = NULL;
done:
    json_decref(facts);
    free_files(&f);
    return rc;
}

const tarn_source tarn_source_file = {
    .name = "file",
    .title = "Files: CSV, TSV, JSON, NDJSON and Parquet, plain or packed",
    .params_size = sizeof(file_params),
    .params = params,
    .read = read_file,
    .facts = facts_of_files,
};
