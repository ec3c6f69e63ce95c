/* SPDX-License-Identifier: Apache-2.0 */
/* guess.c - see guess.h. The limits are those of common sense: what a person who sees the table for the first time
 * would take a column for. */
#include "flow/guess.h"

#include "base/mem.h"
#include "base/sink.h"
#include "flow/leak.h"
#include "flow/spelt.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_ROWS = 30,     /* below, there is nothing to split */
    MOST_CLASSES = 20,   /* whole numbers with so many values may be classes, */
    MOST_LABELS = 200,   /* and texts with so many */
    LEAST_OF_CLASS = 5,  /* for each part of the rows to have one; classes with fewer rows are left out ... */
    MOST_RARE = 10,      /* ... if they are no more than a share of 1 / MOST_RARE of the rows */
    LEAST_PRESENT = 10,  /* values that a column needs, for some to be among those learned from */
    HOLDOUT_ROWS = 1000, /* with so many rows some are kept apart */
    LEVEL_ROWS = 5,      /* that teach something of a level of a category */
    FEW_ROWS = 10,       /* a category of which no level has so many teaches nothing */
    MOST_LEVELS = 1000,  /* that get a column each, */
    CROWD_LEVELS = 300,  /* and about how many do if there are more */
    MANY_WORDS = 20,     /* different texts: more may be names, or numbers that are not spelt as such */
    LONG_WORDS = 4       /* a text with so many words on average is a sentence */
};

/* A value and how many rows have it. */
typedef struct tally {
    double value;
    int64_t rows;
} tally;

static int by_value(const void *a_, const void *b_)
{
    double a = *(const double *)a_, b = *(const double *)b_;
    return (a > b) - (a < b);
}

/* The column's values in order, without the missing ones; tarn_free(*out). */
static tarn_code sorted(const tarn_column *c, double **out, int64_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *n = 0;
    TARN_TRY(tarn_alloc(out, (size_t)c->rows + 1, sizeof **out, err));
    for (int64_t i = 0; i < c->rows; i++) {
        double x = tarn_column_has(c, i) ? tarn_column_number(c, i) : NAN;
        if (!isnan(x)) (*out)[(*n)++] = x;
    }
    qsort(*out, (size_t)*n, sizeof **out, by_value);
done:
    return rc;
}

/* Each value of a sorted list with its rows, in place of the list's first entries; returns how many. */
static int64_t count_values(const double *x, int64_t n, tally *out, int64_t most)
{
    int64_t k = 0;

    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || x[i] != x[i - 1]) {
            if (k < most) out[k] = (tally){x[i], 0};
            k++;
        }
        if (k <= most) out[k - 1].rows++;
    }
    return k;
}

/* ---- the target ---- */

/* A value of the target as the project file spells it. */
static void label_of(const tarn_column *c, double x, char *out, size_t cap)
{
    char number[32];
    int32_t len = 0;

    if (c->type == TARN_TEXT) {
        const char *word = tarn_column_word(c, (int32_t)x, &len);
        (void)snprintf(out, cap, "%.*s", (int)len, word);
    } else if (c->type == TARN_BOOL) (void)snprintf(out, cap, "%s", x != 0 ? "true" : "false");
    else (void)snprintf(out, cap, "%s", tarn_num_format(x, number));
}

static tarn_code decide_task(const tarn_column *c, const char *asked, int64_t values, tarn_guess *g, tarn_err *err)
{
    bool number = c->type == TARN_INT || c->type == TARN_REAL;
    const char *shown = c->type == TARN_TEXT ? "texts" : "whole numbers";

    if (asked && *asked) {
        bool known = strcmp(asked, "binary") == 0 || strcmp(asked, "multiclass") == 0;
        g->task = strcmp(asked, "binary") == 0 ? TARN_BINARY : known ? TARN_MULTICLASS : TARN_REGRESSION;
        (void)snprintf(g->why, sizeof g->why, "as asked");
        if (!known && strcmp(asked, "regression") != 0)
            return TARN_FAIL(err, TARN_USAGE, "task should be binary, multiclass or regression, not '%.40s'", asked);
        if ((g->task == TARN_BINARY) != (values == 2) && g->task != TARN_REGRESSION)
            return TARN_FAIL(err, TARN_INVALID, "target '%.80s' has %lld values, which does not suit task %s", c->name,
                             (long long)values, asked);
        if (g->task == TARN_REGRESSION && !number)
            return TARN_FAIL(err, TARN_INVALID, "target '%.80s' holds no numbers; regression needs them", c->name);
        return TARN_OK;
    }
    if (values == 2) {
        g->task = TARN_BINARY;
        (void)snprintf(g->why, sizeof g->why, "it has two values");
    } else if (c->type == TARN_TEXT || (c->type == TARN_INT && values <= MOST_CLASSES)) {
        g->task = TARN_MULTICLASS;
        (void)snprintf(g->why, sizeof g->why, "it has %lld values, which are %s", (long long)values, shown);
    } else {
        g->task = TARN_REGRESSION;
        (void)snprintf(g->why, sizeof g->why, "it is a number of many values");
    }
    return TARN_OK;
}

/* binary: the value that counts as yes, the rarer one if none is asked for; the rows of the rarest class. */
static tarn_code look_at_classes(const tarn_column *c, const char *positive, const tally *values, tarn_guess *g,
                                 tarn_err *err)
{
    int64_t rarest = 0;
    char label[256];
    bool found = false;

    for (int64_t k = 0; k < g->classes; k++) {
        int32_t len = 0;
        if (c->type == TARN_TEXT) (void)tarn_column_word(c, (int32_t)values[k].value, &len);
        if (len >= (int32_t)sizeof label)
            return TARN_FAIL(err, TARN_INVALID, "target '%.80s' has a text of %d bytes; names of classes have up to %d",
                             c->name, (int)len, (int)sizeof label - 1);
        if (values[k].rows <= values[rarest].rows) rarest = k;
    }
    g->rarest = values[rarest].rows;
    label_of(c, values[rarest].value, label, sizeof label);
    if (g->rarest < LEAST_OF_CLASS)
        return TARN_FAIL(
            err, TARN_INVALID, "only %lld row%s '%.60s' in '%.60s'; each class needs %d (take those rows out%s)",
            (long long)g->rarest, g->rarest == 1 ? " has" : "s have", label, c->name, (int)LEAST_OF_CLASS,
            c->type == TARN_INT || c->type == TARN_REAL ? ", or give --task regression if it is a number to predict"
                                                        : "");
    if (g->task != TARN_BINARY) return TARN_OK;
    (void)snprintf(g->positive, sizeof g->positive, "%s", positive && *positive ? positive : label);
    for (int64_t k = 0; k < g->classes; k++) {
        label_of(c, values[k].value, label, sizeof label);
        found = found || strcmp(label, g->positive) == 0;
    }
    return found ? TARN_OK
                 : TARN_FAIL(err, TARN_INVALID, "target '%.80s' has no value '%.80s' that could be positive", c->name,
                             g->positive);
}

/* Classes of too few rows to be learned and judged are left out, if that leaves most rows and two classes at least.
 * Whole numbers may as well be amounts: of them only if classes are asked for. */
static void leave_rare_out(const tarn_column *c, const tarn_wish *wish, tally *values, int64_t *k, tarn_guess *g)
{
    bool asked = wish->task && *wish->task;
    int64_t rare = 0, left = 0;
    char label[256] = "";

    for (int64_t i = 0; i < *k; i++) {
        if (values[i].rows >= LEAST_OF_CLASS) left++;
        else rare += values[i].rows;
    }
    if (rare == 0 || rare > g->rows / MOST_RARE || g->rows - rare < LEAST_ROWS || left < 2 ||
        (c->type != TARN_TEXT && !asked))
        return;
    left = 0;
    for (int64_t i = 0; i < *k; i++) {
        if (values[i].rows >= LEAST_OF_CLASS) values[left++] = values[i];
        else label_of(c, values[i].value, label, sizeof label);
    }
    *k = left;
    (void)snprintf(g->rare_class, sizeof g->rare_class, "%.*s", (int)sizeof g->rare_class - 1, label);
    g->rare = rare;
    g->rare_least = LEAST_OF_CLASS;
    g->rows -= rare;
}

static tarn_code look_at_target(const tarn_column *c, const tarn_wish *wish, tarn_guess *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *x = NULL;
    tally values[MOST_LABELS];
    int64_t n = 0, infinite = -1;

    if (c->type == TARN_TIME)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "target '%.80s' is a time; what is predicted is a class or a number",
                           c->name));
    for (int64_t i = 0; i < c->rows && infinite < 0; i++)
        if (isinf(tarn_column_number(c, i))) infinite = i;
    if (infinite >= 0)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID,
                           "target '%.80s' is infinite in row %lld; leave the cell empty, and the row is left out",
                           c->name, (long long)infinite + 1));
    TARN_TRY(sorted(c, &x, &n, err));
    g->rows = n;
    g->missing = c->rows - n;
    if (n < LEAST_ROWS)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "%lld rows have a '%.80s'; at least %d are needed", (long long)n, c->name,
                           (int)LEAST_ROWS));
    if (c->type == TARN_INT && strcmp(wish->task ? wish->task : "", "regression") != 0 &&
        fmax(-x[0], x[n - 1]) >= 0x1p53)
        TARN_TRY(
            TARN_FAIL(err, TARN_INVALID,
                      "target '%.80s' has whole numbers of 2^53 and more, which are rounded when they are compared; if "
                      "they name classes, make texts of them, else give --task regression",
                      c->name));
    int64_t k = count_values(x, n, values, MOST_LABELS);
    if (k < 2) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "target '%.80s' is the same in every row", c->name));
    bool numbers = wish->task && strcmp(wish->task, "regression") == 0;
    if (k <= MOST_LABELS && !numbers) leave_rare_out(c, wish, values, &k, g);
    TARN_TRY(decide_task(c, wish->task, k, g, err));
    if (g->task == TARN_REGRESSION) goto done;
    g->classes = k;
    if (k > MOST_LABELS)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "target '%.80s' has %lld values; at most %d classes are told apart",
                           c->name, (long long)k, (int)MOST_LABELS));
    TARN_TRY(look_at_classes(c, wish->positive, values, g, err));
done:
    tarn_free(x);
    return rc;
}

/* ---- features ---- */

static void leave_out(tarn_guessed *g, const char *why, ...) TARN_PRINTF(2, 3);
static void leave_out(tarn_guessed *g, const char *why, ...)
{
    va_list args;

    g->role = TARN_ROLE_OUT;
    va_start(args, why);
    (void)vsnprintf(g->why, sizeof g->why, why, args);
    va_end(args);
}

static bool is_constant(const tarn_column *c)
{
    double first = NAN;

    for (int64_t i = 0; i < c->rows; i++) {
        if (!tarn_column_has(c, i)) return false; /* that it is missing may tell something */
        double x = tarn_column_number(c, i);
        if (i > 0 && x != first) return false;
        first = x;
    }
    return true;
}

/* "id", "order_id", "orderId", "key", "row" ...: the name of a column that names rows. */
static bool sounds_like_key(const char *name)
{
    static const char *const words[] = {"id", "key", "index", "row", "rownum", "uuid", "guid", "no", "nr"};
    size_t len = strlen(name);
    char low[64];

    if (len >= sizeof low) return false;
    for (size_t i = 0; i <= len; i++) low[i] = (char)tolower((unsigned char)name[i]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t w = strlen(words[i]);
        if (len < w || strcmp(low + len - w, words[i]) != 0) continue;
        if (len == w || strchr("_- .", name[len - w - 1])) return true;
    }
    return len > 2 && strcmp(name + len - 2, "Id") == 0;
}

/* Whole numbers that are another one in each row: counted up without a gap, or called a key. */
static tarn_code look_at_int(const tarn_column *c, tarn_guessed *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *x = NULL, least = INFINITY, most = -INFINITY;
    int64_t n = 0, values = 0;
    bool named = sounds_like_key(c->name);

    for (int64_t i = 0; i < c->rows; i++) {
        if (!tarn_column_has(c, i)) continue;
        least = fmin(least, tarn_column_number(c, i));
        most = fmax(most, tarn_column_number(c, i));
        n++;
    }
    bool counted = n == c->rows && most - least == (double)(n - 1);
    if (!named && !counted) goto done;
    TARN_TRY(sorted(c, &x, &n, err));
    for (int64_t i = 0; i < n; i++) values += i == 0 || x[i] != x[i - 1];
    if (counted && values == n) leave_out(g, "it counts the rows");
    else if (named && 2 * values > n)
        leave_out(g, "its name says that it is a key, and it has %lld values", (long long)values);
done:
    tarn_free(x);
    return rc;
}

static int more_rows(const void *a_, const void *b_)
{
    int64_t a = *(const int64_t *)a_, b = *(const int64_t *)b_;
    return (a < b) - (a > b);
}

/* Which levels are worth a column. Some two thirds of the rows are learned from, or half of them with folds. */
static tarn_code look_at_levels(const tarn_column *c, tarn_guessed *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t *count = NULL;

    TARN_TRY(tarn_alloc(&count, (size_t)c->words + 1, sizeof *count, err));
    for (int64_t i = 0; i < c->rows; i++)
        if (tarn_column_has(c, i)) count[((const int32_t *)c->values)[i]]++;
    qsort(count, (size_t)c->words, sizeof *count, more_rows);
    g->level_rows = count[0] / 4 > LEVEL_ROWS ? LEVEL_ROWS : count[0] / 4 > 1 ? count[0] / 4 : 1;
    g->crowded = c->words > MOST_LEVELS;
    if (g->crowded && g->level_rows < count[CROWD_LEVELS] * 2 / 3) g->level_rows = count[CROWD_LEVELS] * 2 / 3;
    if (c->words > MANY_WORDS && count[0] < FEW_ROWS)
        leave_out(g, "none of its %lld texts comes in %d rows", (long long)c->words, (int)FEW_ROWS);
done:
    tarn_free(count);
    return rc;
}

static tarn_code look_at_text(const tarn_column *c, tarn_guessed *g, tarn_err *err)
{
    int64_t present = c->rows - c->nulls, words = 0;
    int32_t len = 0;

    for (int32_t w = 0; w < c->words; w++) {
        const char *s = tarn_column_word(c, w, &len);
        for (int32_t i = 0; i < len; i++) words += s[i] == ' ' && i > 0 && s[i - 1] != ' ';
        words++;
    }
    g->role = TARN_ROLE_CATEGORY;
    if (c->words > 50 && words >= (int64_t)LONG_WORDS * c->words) g->role = TARN_ROLE_TEXT;
    else if (c->words > MANY_WORDS) tarn_spelt_look(c, g->doubt, sizeof g->doubt);
    if (g->role == TARN_ROLE_TEXT) return TARN_OK;
    if (c->words <= MANY_WORDS || 2 * (int64_t)c->words <= present) return look_at_levels(c, g, err);
    if (g->doubt[0]) leave_out(g, "%s", g->doubt);
    else leave_out(g, "nearly every row has another text: a name or a key");
    g->doubt[0] = '\0';
    return TARN_OK;
}

static void look_at_time(const tarn_column *c, tarn_guessed *g)
{
    static const int64_t day_us = (int64_t)86400 * 1000000;

    g->role = TARN_ROLE_TIME;
    for (int64_t i = 0; i < c->rows && !g->hours; i++)
        g->hours = tarn_column_has(c, i) && ((const int64_t *)c->values)[i] % day_us != 0;
}

static tarn_code look_at_feature(const tarn_column *c, tarn_guessed *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t present = c->rows - c->nulls;

    g->role = TARN_ROLE_NUMBER;
    if (present < LEAST_PRESENT) leave_out(g, "only %lld rows have a value", (long long)present);
    else if (is_constant(c)) leave_out(g, "it is the same in every row");
    else if (c->type == TARN_INT) return look_at_int(c, g, err);
    else if (c->type == TARN_TEXT) TARN_TRY(look_at_text(c, g, err));
    else if (c->type == TARN_TIME) look_at_time(c, g);
    if (g->role == TARN_ROLE_TEXT && strchr(c->name, ','))
        leave_out(g, "a step cannot name it: a comma is in its name");
done:
    return rc;
}

/* Columns that tell the target all by themselves; of that by which rows are split it is no news. */
static tarn_code look_for_leaks(const tarn_columns *c, int target, int split_by, tarn_guess *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_leak *leak = NULL;
    char found[120];

    TARN_TRY(tarn_leak_new(c, target, g->task != TARN_REGRESSION, &leak, err));
    for (int i = 0; i < g->n; i++) {
        tarn_guessed *at = &g->columns[i];
        if (at->role >= TARN_ROLE_TARGET || i == split_by) continue;
        TARN_TRY(tarn_leak_look(leak, i, found, sizeof found, err));
        if (found[0])
            (void)snprintf(at->doubt, sizeof at->doubt, "%s; %s", found,
                           at->role == TARN_ROLE_TIME ? "if rows close in time are alike, test on later ones (--time)"
                                                      : "will it be known when that is not?");
    }
done:
    tarn_leak_free(leak);
    return rc;
}

/* ---- the split ---- */

/* Borders between parts: 70 of 100 rows are learned from, 15 (or 10) are valid, the rest test, and holdout. */
static tarn_code find_borders(const tarn_column *c, tarn_guess *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    static const double at[2][3] = {{0.7, 0.85, 1}, {0.7, 0.8, 0.9}};
    bool holdout = g->rows >= HOLDOUT_ROWS;
    double *x = NULL, before = -INFINITY;
    int64_t n = 0;
    char number[32];

    if (c->type == TARN_TEXT || c->type == TARN_BOOL || c->nulls > 0)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID,
                           "rows are split by time by a time or a number that no row lacks, not '%s'", c->name));
    TARN_TRY(sorted(c, &x, &n, err));
    for (int i = 0; i < (holdout ? 3 : 2); i++) {
        double border = x[(int64_t)((double)n * at[holdout][i])];
        if (!(border > before) || border == x[0])
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' has too few different values to split rows by", c->name));
        before = border;
        (void)snprintf(g->from[i], sizeof g->from[i], "%s",
                       c->type == TARN_TIME ? tarn_time_text((int64_t)border, number)
                                            : tarn_num_format(border, number));
    }
done:
    tarn_free(x);
    return rc;
}

/* ---- the whole ---- */

static tarn_code find_column(const tarn_columns *c, const char *what, const char *name, int *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char **names = NULL, *near = NULL;
    int n = tarn_columns_count(c);

    *out = tarn_columns_find(c, name);
    if (*out >= 0) return TARN_OK;
    TARN_TRY(tarn_alloc(&names, (size_t)n + 1, sizeof *names, err));
    for (int i = 0; i < n; i++) names[i] = tarn_columns_at(c, i)->name;
    near = tarn_nearest_word(name, names, (size_t)n);
    rc = TARN_FAIL(err, TARN_NOT_FOUND, "%s: the table has no column '%.80s'%s%.80s%s", what, name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
done:
    tarn_free(names);
    return rc;
}

tarn_code tarn_guess_problem(const tarn_columns *c, const tarn_wish *wish, tarn_guess *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int target = -1, time = -1, used = 0;
    tarn_guess g = {.n = tarn_columns_count(c), .time = ""};

    TARN_TRY(find_column(c, "target", wish->target, &target, err));
    if (wish->time && *wish->time) TARN_TRY(find_column(c, "time", wish->time, &time, err));
    TARN_TRY(look_at_target(tarn_columns_at(c, target), wish, &g, err));
    TARN_TRY(tarn_alloc(&g.columns, (size_t)g.n, sizeof *g.columns, err));
    for (int i = 0; i < g.n; i++) {
        g.columns[i].name = tarn_columns_at(c, i)->name;
        g.columns[i].role = TARN_ROLE_TARGET;
        if (i != target) TARN_TRY(look_at_feature(tarn_columns_at(c, i), &g.columns[i], err));
        used += g.columns[i].role < TARN_ROLE_TARGET;
    }
    if (used == 0)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "no column but '%.80s' could be learned from: they are constant, or keys",
                           wish->target));
    TARN_TRY(look_for_leaks(c, target, time, &g, err));
    if (time >= 0) {
        g.time = tarn_columns_at(c, time)->name;
        TARN_TRY(find_borders(tarn_columns_at(c, time), &g, err));
    }
    *out = g;
    g.columns = NULL;
done:
    tarn_free(g.columns);
    return rc;
}

void tarn_guess_clear(tarn_guess *g)
{
    tarn_free(g->columns);
    *g = (tarn_guess){0};
}

bool tarn_guess_has(const tarn_guess *g, tarn_role role)
{
    for (int i = 0; i < g->n; i++)
        if (g->columns[i].role == role) return true;
    return false;
}
