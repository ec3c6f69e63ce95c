/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - the keys of the project file and their check. See keys.h. */
#include "flow/keys.h"

#include <string.h>

#define KEYS(id, place_, open_, help_, ...)                            \
    static const tarn_key id##_list[] = {__VA_ARGS__, {.name = NULL}}; \
    const tarn_keys tarn_keys_##id = {.place = place_, .help = help_, .keys = id##_list, .open = open_};
#define KEY(name_, shape_, required_, help_)                                              \
    {                                                                                     \
        .name = name_, .shape = TARN_SHAPE_##shape_, .required = required_, .help = help_ \
    }

KEYS(file, "(top)", false, "the whole file", KEY("project", WORD, true, "name of the project"),
     KEY("problem", WORD, true, "what is to be predicted and for whom, in a sentence; stands on the report"),
     KEY("lake", MAP, false, "where versions go"),
     KEY("ingest", MAP, true, "one entry per table to collect: its name and its source"),
     KEY("tables", MAP, false, "what tables must look like, checked before each commit"),
     KEY("prepare", MAP, false, "cleanse, join and split"),
     KEY("train", MAP, false, "what to learn, from which columns, with which candidates"),
     KEY("assess", MAP, false, "how to judge, and what outcomes are worth"),
     KEY("registry", MAP, false, "under which name the winner is registered"),
     KEY("serve", MAP, false, "where `tarn serve` listens"))
KEYS(lake, "lake", false, "where versions go", KEY("branch", WORD, false, "branch that runs commit to (default main)"))
KEYS(source, "ingest.<table>", true, "a table to collect; further keys are the source's parameters",
     KEY("source", WORD, true, "kind of source"),
     KEY("types", MAP, false, "column: type (bool, int, real, text, time), where the inferred one is wrong"))
KEYS(table, "tables.<table>", false, "rules for a table: one that is ingested, clean/<table> or joined/<table>",
     KEY("key", WORDS, false,
         "columns that identify a row: never missing, never twice; rows are stored in their order"),
     KEY("closed", BOOL, false, "refuse columns that are not declared here"),
     KEY("columns", MAP, false, "rules per column"),
     KEY("references", LIST, false, "columns whose values must be found in another table"))
KEYS(column, "tables.<table>.columns.<column>", false, "rules for a column",
     KEY("type", WORD, false, "bool, int, real, text or time"), KEY("not_null", BOOL, false, "no value may be missing"),
     KEY("unique", BOOL, false, "no value may stand twice"), KEY("range", PAIR, false, "[least, most] of a number"),
     KEY("values", WORDS, false, "the values allowed"))
KEYS(reference, "tables.<table>.references[]", false, "a reference; rows with a missing value pass",
     KEY("columns", WORDS, true, "columns here"), KEY("table", WORD, true, "the other table"),
     KEY("to", WORDS, false, "its columns (default: of the same names)"))
KEYS(prepare, "prepare", false, "from committed tables to rows to learn from",
     KEY("cleanse", MAP, false, "per table, a list of repairs; gives table clean/<table>"),
     KEY("join", MAP, false, "tables made by SQL; gives joined/<name>"),
     KEY("split", MAP, false, "rows into train, valid, test and holdout"))
KEYS(repair, "prepare.cleanse.<table>[]", false, "one repair; what it found and changed is counted and reported",
     KEY("kind", WORD, true, "missing, range, rare, duplicates or category"),
     KEY("columns", WORDS, false, "columns to look at (default: all that the kind suits)"),
     KEY("action", WORD, false,
         "missing: drop_row, value, median, mode; range: null, clip, drop_row; rare: null, value, drop_row; "
         "duplicates: drop; category: spelling"),
     KEY("value", WORD, false, "missing and rare with action value: what to put there"),
     KEY("least", WORD, false, "range: smallest good number; rare: rows that a value needs to stay"),
     KEY("most", WORD, false, "range: largest good number"),
     KEY("order", WORDS, false, "duplicates: columns that decide which row comes first and stays"),
     KEY("map", MAP, false, "category: spelling: proper spelling"))
KEYS(join, "prepare.join.<name>", false, "a table made by SQL",
     KEY("sql", WORD, true, "one SELECT; tables of the lake by name, \"clean/planes\" in double quotes"),
     KEY("key", WORDS, false, "columns that identify a row of the result; rows are stored in their order"),
     KEY("matches", LIST, false, "pairs of tables whose matching and unmatched rows are to be counted"))
KEYS(match, "prepare.join.<name>.matches[]", false, "how many rows of left find a row of right",
     KEY("left", WORD, true, "a table"), KEY("right", WORD, true, "a table"),
     KEY("on", WORDS, true, "columns; left=right where the names differ"))
KEYS(split, "prepare.split", true, "rows into parts; further keys are the split's parameters",
     KEY("key", WORDS, false, "columns that identify a row, so that the order of rows makes no difference"))
KEYS(train, "train", false, "what to learn", KEY("table", WORD, true, "the table to learn from"),
     KEY("target", WORD, true, "the column to predict"),
     KEY("task", WORD, false, "binary (default), multiclass or regression"),
     KEY("positive", WORD, false, "binary: the value of target that counts as yes"),
     KEY("features", WORDS, true, "columns to learn from: only what is known when the prediction is needed"),
     KEY("metric", WORD, false,
         "figure on the validation rows that chooses the winner (default roc_auc, log_loss or rmse)"),
     KEY("threshold", WORD, false,
         "binary: `profit` (best on the validation rows by assess.costs) or a number (default 0.5)"),
     KEY("seed", INT, false, "seed of everything random (default 1)"),
     KEY("weight", WORD, false, "column that says how much a row counts, in learning and in judging"),
     KEY("class_weight", ANY, false,
         "classes: `balanced` (each weighs the same in total), or {class: weight}; in learning only"),
     KEY("group", WORD, false, "ranking: the column that says which rows are put in order among each other (a query)"),
     KEY("folds", MAP, false, "cross-validation of the train rows: n, by, column, seed, repeats"),
     KEY("candidates", MAP, true, "the candidates to train side by side"))
KEYS(candidate, "train.candidates.<name>", true, "a candidate; further keys are the estimator's parameters",
     KEY("algo", WORD, true, "estimator"),
     KEY("features", WORDS, false, "columns that this candidate learns from (default: train.features)"),
     KEY("prepare", LIST, false, "steps fitted on the train rows, in order"),
     KEY("search", ANY, false, "which settings to try: a map, or `auto` for 20 tries in the estimator's own space"),
     KEY("learn_on", BOOL, false,
         "go on from the model of the run before and learn from the new train rows alone (default false)"))
KEYS(search, "train.candidates.<name>.search", false, "tries of settings, each a step of the run",
     KEY("by", WORD, false, "random (default), grid, or halving: many tries on few rows, the best of them on more"),
     KEY("tries", INT, false, "how many, 1 to 1,000 (default 20; by grid: all its points)"),
     KEY("keep", WORD, false, "halving: which share goes on to the next round (default 0.333)"),
     KEY("space", MAP, false,
         "by parameter: a list of values, or {from: a, to: b, scale: log}; left out: the estimator's own"),
     KEY("nested", BOOL, false, "also judge the whole search by cross-validation, which costs folds times as much"))
KEYS(step, "train.candidates.<name>.prepare[]", true, "a step; further keys are the step's parameters",
     KEY("step", WORD, true, "kind of step"))
KEYS(assess, "assess", false, "how to judge", KEY("costs", MAP, false, "what each outcome of a decision is worth"),
     KEY("noun", WORD, false, "what a row is, in the plural, for the report's sentences: flights"),
     KEY("notes", WORDS, false, "sentences that a reader of the report must know"))
KEYS(costs, "assess.costs", false, "value of each outcome per row; losses are negative",
     KEY("true_positive", WORD, true, "flagged, and it was so"),
     KEY("false_positive", WORD, true, "flagged, and it was not so"),
     KEY("true_negative", WORD, true, "not flagged, and it was not so"),
     KEY("false_negative", WORD, true, "not flagged, and it was so"), KEY("unit", WORD, true, "the money's name"))
KEYS(registry, "registry", false, "under which name the winner is registered",
     KEY("name", WORD, true, "the model's name"),
     KEY("alias", WORD, false, "alias that moves to the winner (default champion)"))
KEYS(serve, "serve", false, "where `tarn serve` listens", KEY("port", INT, false, "TCP port (default 8471)"),
     KEY("bind", WORD, false, "address (default 127.0.0.1)"),
     KEY("s3_port", INT, false, "TCP port of the S3 gateway (default: no gateway)"),
     KEY("s3_bucket", WORD, false, "bucket that is the lake (default: the project's name)"),
     KEY("s3_domain", WORD, false, "also answer for <bucket>.<domain> (default: only /<bucket>/)"),
     KEY("s3_commit_after_s", INT, false,
         "commit what was written after so many quiet seconds (default 5; 0: when asked)"),
     KEY("s3_signature_v2", BOOL, false, "whether to accept old clients' Signature Version 2 (default false)"),
     KEY("s3_most_requests", INT, false, "requests at a time; others are answered 503 SlowDown (default 256)"),
     KEY("s3_copies_mb", INT, false,
         "disk space for plain copies of what is read often, in MB (default 4096; 0: no copies)"),
     KEY("s3_anonymous_reads", BOOL, false, "whether requests without a signature may read (default false)"),
     KEY("anonymous", WORD, false,
         "what may be done without a credential: none, predict or read (default: read on 127.0.0.1, none elsewhere)"),
     KEY("open_metrics", BOOL, false, "/metrics needs no credential, whatever the address (default false)"),
     KEY("audit_reads", BOOL, false, "what is only read through the server goes to the audit log, too (default false)"),
     KEY("tls_cert", WORD, false, "PEM file with the certificate; with tls_key the server speaks TLS alone"),
     KEY("tls_key", WORD, false, "PEM file with the certificate's key"))

const tarn_keys *const tarn_all_keys[] = {
    &tarn_keys_file,      &tarn_keys_lake,    &tarn_keys_source,    &tarn_keys_table,  &tarn_keys_column,
    &tarn_keys_reference, &tarn_keys_prepare, &tarn_keys_repair,    &tarn_keys_join,   &tarn_keys_match,
    &tarn_keys_split,     &tarn_keys_train,   &tarn_keys_candidate, &tarn_keys_search, &tarn_keys_step,
    &tarn_keys_assess,    &tarn_keys_costs,   &tarn_keys_registry,  &tarn_keys_serve,  NULL};

static const char *shape_text(tarn_shape shape)
{
    switch (shape) {
    case TARN_SHAPE_WORD: return "a single value";
    case TARN_SHAPE_WORDS: return "a list of names, like [a, b]";
    case TARN_SHAPE_INT: return "a whole number";
    case TARN_SHAPE_BOOL: return "true or false";
    case TARN_SHAPE_PAIR: return "two numbers, like [0, 24]";
    case TARN_SHAPE_LIST: return "a list of entries, each starting with '-'";
    case TARN_SHAPE_MAP: return "a group of 'key: value' lines";
    case TARN_SHAPE_ANY: return "a value, or a group of 'key: value' lines";
    }
    return "";
}

static bool all_texts(const tarn_yaml *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->kind != TARN_YAML_TEXT || list->items[i]->text[0] == '\0') return false;
    return list->n > 0;
}

static bool has_shape(const tarn_yaml *v, tarn_shape shape)
{
    double x;
    int64_t n;

    switch (shape) {
    case TARN_SHAPE_WORD: return v->kind == TARN_YAML_TEXT && (v->quoted || v->text[0] != '\0');
    case TARN_SHAPE_WORDS:
        return v->kind == TARN_YAML_TEXT ? v->text[0] != '\0' : v->kind == TARN_YAML_LIST && all_texts(v);
    case TARN_SHAPE_INT: return v->kind == TARN_YAML_TEXT && tarn_int_parse(v->text, strlen(v->text), &n);
    case TARN_SHAPE_BOOL:
        return v->kind == TARN_YAML_TEXT && (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0);
    case TARN_SHAPE_PAIR:
        return v->kind == TARN_YAML_LIST && v->n == 2 && all_texts(v) &&
               tarn_num_parse(v->items[0]->text, strlen(v->items[0]->text), true, &x) &&
               tarn_num_parse(v->items[1]->text, strlen(v->items[1]->text), true, &x);
    case TARN_SHAPE_LIST: return v->kind == TARN_YAML_LIST;
    case TARN_SHAPE_MAP: return v->kind == TARN_YAML_MAP;
    case TARN_SHAPE_ANY: return v->kind != TARN_YAML_LIST;
    }
    return false;
}

static const tarn_key *find_key(const tarn_keys *keys, const char *name)
{
    for (const tarn_key *k = keys->keys; k->name; k++)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

static void report_unknown(const tarn_keys *keys, const tarn_yaml *key, tarn_problems *problems)
{
    const char *names[32] = {0};
    size_t n = 0;
    tarn_text list = {0};

    for (const tarn_key *k = keys->keys; k->name && n < 32; k++) names[n++] = k->name;
    const char *near = tarn_nearest_word(key->text, names, n);
    for (size_t i = 0; i < n; i++) tarn_text_addf(&list, "%s%s", i ? ", " : "", names[i]);
    if (near) {
        tarn_problems_add(problems, key->line, key->column, "unknown key '%s' in %s; did you mean '%s'?", key->text,
                          keys->place, near);
    } else {
        tarn_problems_add(problems, key->line, key->column, "unknown key '%s' in %s; known are: %s", key->text,
                          keys->place, list.data ? list.data : "");
    }
    tarn_text_clear(&list);
}

bool tarn_keys_check(const tarn_keys *keys, const tarn_yaml *map, int line, int column, tarn_problems *problems)
{
    size_t before = problems->n;

    if (!map || map->kind != TARN_YAML_MAP) {
        tarn_problems_add(problems, map ? map->line : line, map ? map->column : column, "%s should be %s", keys->place,
                          shape_text(TARN_SHAPE_MAP));
        return false;
    }
    for (size_t i = 0; i < map->n; i++) {
        const tarn_key *k = find_key(keys, map->keys[i]->text);
        const tarn_yaml *v = map->items[i];
        if (!k && !keys->open) report_unknown(keys, map->keys[i], problems);
        if (k && !has_shape(v, k->shape))
            tarn_problems_add(problems, v->line ? v->line : map->keys[i]->line,
                              v->column ? v->column : map->keys[i]->column, "'%s' should be %s", k->name,
                              shape_text(k->shape));
    }
    for (const tarn_key *k = keys->keys; k->name; k++)
        if (k->required && !tarn_yaml_get(map, k->name))
            tarn_problems_add(problems, line, column, "'%s' is missing in %s: %s", k->name, keys->place, k->help);
    return problems->n == before;
}
