/* SPDX-License-Identifier: Apache-2.0 */
/* draft.c - see draft.h. */
#include "flow/draft.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    FOLDS = 5,
    FOLDED_ROWS = 3000,  /* fewer rows are cross-validated; with more the validation rows tell enough */
    FOLDED_CLASS = 25,   /* and a class of fewer rows could be missing in a fold */
    HALVED_ROWS = 3000,  /* a part of so many rows still tells settings apart */
    HALVED_CLASS = 300,  /* ... if no class is rarer */
    HOLDOUT_ROWS = 1000, /* with so many rows some are kept apart */
    QUADRATIC_ROWS = 5000
};

static bool folded(const tarn_guess *g)
{
    return !g->time[0] && g->rows < FOLDED_ROWS && (g->classes == 0 || g->rarest >= FOLDED_CLASS);
}

static bool halved(const tarn_guess *g)
{
    return g->rows >= HALVED_ROWS && (g->classes == 0 || g->rarest >= HALVED_CLASS);
}

/* A text as YAML reads it back. */
static void put_text(tarn_text *out, const char *s)
{
    bool plain = isalpha((unsigned char)*s) || *s == '_';

    for (const char *c = s; *c; c++) plain = plain && (isalnum((unsigned char)*c) || *c == '_');
    if (plain && strcmp(s, "null") != 0) {
        tarn_text_add(out, s);
        return;
    }
    tarn_text_add(out, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') tarn_text_addf(out, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || *s == 0x7f) tarn_text_addf(out, "\\x%02x", (unsigned char)*s);
        else tarn_text_addn(out, s, 1);
    }
    tarn_text_add(out, "\"");
}

/* A message, perhaps cut in the middle of a letter, in a comment. */
static void put_comment(tarn_text *out, const char *s)
{
    size_t len = strlen(s), bad = 0;
    bool valid = tarn_utf8_valid(s, len, &bad);

    for (; *s; s++)
        tarn_text_addn(out, (unsigned char)*s < 0x20 || *s == 0x7f || (!valid && (unsigned char)*s > 0x7e) ? "?" : s,
                       1);
}

void tarn_draft_name(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t n = 0;

    for (; *base && *base != '.' && n + 1 < cap && n < 60; base++)
        out[n++] = (char)(isalnum((unsigned char)*base) ? tolower((unsigned char)*base) : '_');
    out[n] = '\0';
    if (n == 0 || !isalpha((unsigned char)out[0])) (void)snprintf(out, cap, "rows");
}

/* ---- candidates ---- */

static unsigned does(tarn_task task)
{
    return task == TARN_BINARY       ? TARN_DOES_BINARY
           : task == TARN_MULTICLASS ? TARN_DOES_MULTICLASS
                                     : TARN_DOES_REGRESSION;
}

/* Whether it learns from the other columns alone. */
static bool skips_texts(const tarn_guess *g, const tarn_algo *a)
{
    return tarn_guess_has(g, TARN_ROLE_TEXT) && !(a->takes & TARN_TAKES_SPARSE);
}

void tarn_draft_choose(const tarn_guess *g, int64_t tries, tarn_draft_candidate *candidates)
{
    bool numbers = tarn_guess_has(g, TARN_ROLE_NUMBER) || tarn_guess_has(g, TARN_ROLE_TIME);

    for (int i = 0; i < tarn_algo_count(); i++) {
        const tarn_algo *a = tarn_algo_at(i);
        tarn_draft_candidate *c = &candidates[i];
        *c = (tarn_draft_candidate){.tries = tries};
        if (!(a->does & does(g->task))) (void)snprintf(c->out, sizeof c->out, "does not do this task");
        else if (a->counts && numbers)
            (void)snprintf(c->out, sizeof c->out, "takes counts only, and there are numbers");
        else if (skips_texts(g, a) && !numbers && !tarn_guess_has(g, TARN_ROLE_CATEGORY))
            (void)snprintf(c->out, sizeof c->out, "does not take texts, and there is nothing else");
        else if (a->exact)
            (void)snprintf(c->out, sizeof c->out, "does nearly what %s does, for many more rows: ask for it", a->exact);
        else if (a->quadratic && g->rows > QUADRATIC_ROWS)
            (void)snprintf(c->out, sizeof c->out,
                           "its time grows with the square of the rows, and there are more than %d",
                           (int)QUADRATIC_ROWS);
    }
}

/* The columns of a role as a list. */
static void put_columns(tarn_text *out, const tarn_guess *g, tarn_role role)
{
    const char *between = "[";

    for (int i = 0; i < g->n; i++) {
        if (g->columns[i].role != role) continue;
        tarn_text_add(out, between);
        put_text(out, g->columns[i].name);
        between = ", ";
    }
    tarn_text_add(out, "]");
}

static bool has_hours(const tarn_guess *g)
{
    for (int i = 0; i < g->n; i++)
        if (g->columns[i].hours) return true;
    return false;
}

/* A category with thousands of levels that a step can name. */
static bool is_crowded(const tarn_guessed *c)
{
    return c->role == TARN_ROLE_CATEGORY && c->crowded && !strchr(c->name, ',');
}

/* A column of 0 and 1 for each level. Of a category with thousands of them: sparse ones, or the commonest. */
static void put_expansion(tarn_text *out, const tarn_guess *g, const tarn_algo *a)
{
    int64_t least = 0;

    for (int i = 0; i < g->n; i++) {
        const tarn_guessed *c = &g->columns[i];
        if (is_crowded(c)) {
            tarn_text_addf(out, "        - {step: %s, columns: [", a->takes & TARN_TAKES_SPARSE ? "text" : "onehot");
            put_text(out, c->name);
            if (a->takes & TARN_TAKES_SPARSE) tarn_text_add(out, "], tokens: whole, min_df: 2}\n");
            else tarn_text_addf(out, "], min_rows: %lld}\n", (long long)c->level_rows);
        } else if (c->role == TARN_ROLE_CATEGORY && (least == 0 || c->level_rows < least)) least = c->level_rows;
    }
    if (least > 0) tarn_text_addf(out, "        - {step: onehot, min_rows: %lld}\n", (long long)least);
}

/* What the estimator needs of the columns: times in parts, numbers without gaps and on one scale, categories as
 * numbers. */
static void put_steps(tarn_text *out, const tarn_guess *g, const tarn_algo *a)
{
    bool times = tarn_guess_has(g, TARN_ROLE_TIME), numbers = times || tarn_guess_has(g, TARN_ROLE_NUMBER);
    bool fill = numbers && !(a->takes & TARN_TAKES_MISSING);
    bool expand = tarn_guess_has(g, TARN_ROLE_CATEGORY) && !(a->takes & TARN_TAKES_CATEGORIES);
    bool texts = tarn_guess_has(g, TARN_ROLE_TEXT) && !skips_texts(g, a);

    if (!times && !fill && !expand && !texts) return;
    tarn_text_add(out, "      prepare:\n");
    if (times)
        tarn_text_addf(out, "        - {step: dateparts, parts: \"year,month,day,weekday%s\"}\n",
                       has_hours(g) ? ",hour" : "");
    if (texts) {
        tarn_text_add(out, "        - {step: text, columns: ");
        put_columns(out, g, TARN_ROLE_TEXT);
        tarn_text_add(out, "}\n");
    }
    if (fill) tarn_text_add(out, "        - {step: impute}\n        - {step: scale}\n");
    if (expand) put_expansion(out, g, a);
}

/* What is left without the texts. */
static void put_own_features(tarn_text *out, const tarn_guess *g)
{
    const char *between = "      features: [";

    for (int i = 0; i < g->n; i++) {
        if (g->columns[i].role >= TARN_ROLE_TARGET || g->columns[i].role == TARN_ROLE_TEXT) continue;
        tarn_text_add(out, between);
        put_text(out, g->columns[i].name);
        between = ", ";
    }
    tarn_text_add(out, "]   # it does not take texts\n");
}

static void put_candidates(tarn_text *out, const tarn_guess *g, const tarn_draft *d)
{
    tarn_text_add(out, "  candidates:\n");
    for (int i = 0; i < tarn_algo_count(); i++) {
        const tarn_algo *a = tarn_algo_at(i);
        if (d->candidates[i].out[0]) continue;
        tarn_text_addf(out, "    %s:\n      algo: %s\n", a->name, a->name);
        if (skips_texts(g, a)) put_own_features(out, g);
        put_steps(out, g, a);
        if (a->space && d->candidates[i].tries > 1)
            tarn_text_addf(out, "      search: {by: %s, tries: %lld}   # varies %s\n", halved(g) ? "halving" : "random",
                           (long long)d->candidates[i].tries, a->space);
    }
    for (int i = 0; i < tarn_algo_count(); i++) {
        if (!d->candidates[i].out[0] || !(tarn_algo_at(i)->does & does(g->task))) continue;
        tarn_text_addf(out, "    # not tried: %s (", tarn_algo_at(i)->name);
        put_comment(out, d->candidates[i].out);
        tarn_text_add(out, ")\n");
    }
}

/* ---- the file ---- */

static bool cleansed(const tarn_guess *g) { return g->missing > 0 || g->rare > 0; }

static void put_head(tarn_text *out, const tarn_guess *g, const tarn_draft *d, const char *target)
{
    static const char *const tasks[] = {"which of the two values", "which value", "which number"};

    tarn_text_addf(
        out,
        "# Made by `tarn train --auto`, to be read and changed. `tarn run` does what this file asks, and only "
        "what has changed\n# since; `tarn leaderboard` shows how the candidates did; `tarn reference project` "
        "explains every key.\nproject: %s\nproblem: ",
        d->name);
    tarn_text t = {0};
    tarn_text_addf(&t, "From the other columns, %s of %s does a row have?", tasks[g->task], target);
    put_text(out, t.data ? t.data : "");
    tarn_text_clear(&t);
    tarn_text_addf(out, "\n\ningest:\n  %s: {source: file, path: ", d->name);
    put_text(out, d->path);
    tarn_text_add(out, "}\n\nprepare:\n");
    if (!cleansed(g)) return;
    tarn_text_addf(out, "  cleanse:\n    %s:\n", d->name);
    if (g->missing > 0) {
        tarn_text_add(out, "      - {kind: missing, columns: ");
        put_text(out, target);
        tarn_text_addf(out, ", action: drop_row}   # %lld rows do not say what is to be predicted\n",
                       (long long)g->missing);
    }
    if (g->rare > 0) {
        tarn_text_add(out, "      - {kind: rare, columns: ");
        put_text(out, target);
        tarn_text_addf(out, ", least: %lld, action: drop_row}   # %lld row%s of such classes: no model knows them\n",
                       (long long)g->rare_least, (long long)g->rare, g->rare == 1 ? "" : "s");
    }
}

static void put_split(tarn_text *out, const tarn_guess *g)
{
    if (g->time[0]) {
        tarn_text_add(out, "  split: {by: time, column: ");
        put_text(out, g->time);
        tarn_text_addf(out, ", valid_from: \"%s\", test_from: \"%s\"", g->from[0], g->from[1]);
        if (g->from[2][0]) tarn_text_addf(out, ", holdout_from: \"%s\"", g->from[2]);
        tarn_text_add(out, "}   # later rows are tested on\n\n");
        return;
    }
    tarn_text_addf(out, "  split: {by: %s, valid: 0.15, test: 0.15", g->classes > 0 ? "stratified" : "random");
    if (g->rows >= HOLDOUT_ROWS) tarn_text_add(out, ", holdout: 0.1");
    tarn_text_addf(out, "}   # the rest is learned from%s\n\n",
                   g->rows >= HOLDOUT_ROWS ? "; the holdout is for `tarn holdout`, once, at the end" : "");
}

static void put_features(tarn_text *out, const tarn_guess *g)
{
    static const char *const roles[] = {"number", "category", "text", "time"};

    tarn_text_add(out, "  # Take out what will not be known yet when the prediction is needed.\n  features:\n");
    for (int i = 0; i < g->n; i++) {
        if (g->columns[i].role >= TARN_ROLE_TARGET) continue;
        tarn_text_add(out, "    - ");
        put_text(out, g->columns[i].name);
        tarn_text_addf(out, "   # %s", roles[g->columns[i].role]);
        if (g->columns[i].doubt[0]) {
            tarn_text_add(out, "; DOUBTFUL: ");
            put_comment(out, g->columns[i].doubt);
        }
        tarn_text_add(out, "\n");
    }
    for (int i = 0; i < g->n; i++) {
        if (g->columns[i].role != TARN_ROLE_OUT) continue;
        tarn_text_add(out, "    # left out: ");
        put_text(out, g->columns[i].name);
        tarn_text_add(out, " (");
        put_comment(out, g->columns[i].why);
        tarn_text_add(out, ")\n");
    }
}

static void put_train(tarn_text *out, const tarn_guess *g, const tarn_draft *d, const char *target)
{
    static const char *const words[] = {"binary", "multiclass", "regression"};
    static const char *const metrics[] = {"roc_auc", "log_loss", "rmse"};

    tarn_text_addf(out, "train:\n  table: %s%s\n  target: ", cleansed(g) ? "clean/" : "", d->name);
    put_text(out, target);
    tarn_text_addf(out, "\n  task: %s   # %s\n", words[g->task], g->why);
    if (g->task == TARN_BINARY) {
        tarn_text_add(out, "  positive: ");
        put_text(out, g->positive);
        tarn_text_addf(out, "   # the value that counts as yes\n");
    }
    tarn_text_addf(out, "  metric: %s   # chooses among settings and candidates; `tarn reference metrics` has others\n",
                   d->metric && d->metric[0] ? d->metric : metrics[g->task]);
    if (folded(g))
        tarn_text_addf(out, "  folds: {n: %d, by: %s}   # figures are means over %d folds of the rows to learn from\n",
                       (int)FOLDS, g->classes > 0 ? "stratified" : "random", (int)FOLDS);
    tarn_text_add(out, "  seed: 1\n");
    put_features(out, g);
    put_candidates(out, g, d);
}

tarn_code tarn_draft_write(const tarn_guess *g, const tarn_draft *d, tarn_text *out, tarn_err *err)
{
    const char *target = "";

    for (int i = 0; i < g->n; i++)
        if (g->columns[i].role == TARN_ROLE_TARGET) target = g->columns[i].name;
    put_head(out, g, d, target);
    put_split(out, g);
    put_train(out, g, d, target);
    tarn_text_addf(out, "\nregistry: {name: %s}\n", d->name);
    return tarn_text_check(out, err);
}
