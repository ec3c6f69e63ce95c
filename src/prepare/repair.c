/* SPDX-License-Identifier: Apache-2.0 */
/* repair.c - the kinds of repair, and what a rule must say to be one of them. See prepare.h; cleanse.c carries them
 * out. */
#include "prepare/prepare.h"

#include "prepare/names.h"

#include <math.h>
#include <string.h>

static const tarn_repair_setting missing_settings[] = {
    {"value", "what to put in; read as the column's type", "value", true},
    {0},
};

static const tarn_repair_setting range_settings[] = {
    {"least", "smallest value that is right", NULL, true},
    {"most", "largest value that is right", NULL, true},
    {0},
};

static const tarn_repair_setting rare_settings[] = {
    {"least", "rows that a value needs to stay, 2 or more", NULL, true},
    {"value", "what rare values become; read as the column's type", "value", true},
    {0},
};

static const tarn_repair_setting duplicates_settings[] = {
    {"order",
     "columns, each perhaps with ' desc', that decide which row is first and stays; else the first in the table", NULL,
     false},
    {0},
};

static const tarn_repair_setting category_settings[] = {
    {"map",
     "JSON object {\"variant\": \"proper\"}; without it, spellings that differ in case and spaces only become the most "
     "frequent one",
     NULL, false},
    {0},
};

static const tarn_repair_kind kinds[] = {
    {.name = "missing",
     .title = "Fill in missing values, or drop their rows",
     .suits = "all columns; median: numbers",
     .actions = "drop_row|value|median|mode",
     .settings = missing_settings},
    {.name = "range",
     .title = "Numbers outside a range become missing, or its border, or their rows are dropped",
     .suits = "numbers",
     .actions = "null|clip|drop_row",
     .settings = range_settings},
    {.name = "rare",
     .title = "Values that too few rows have become missing, or one other value, or their rows are dropped",
     .suits = "texts, whole numbers, bool; they must be named",
     .actions = "null|value|drop_row",
     .settings = rare_settings},
    {.name = "duplicates",
     .title = "Of rows that are equal in the columns, keep the first",
     .suits = "all columns",
     .actions = "drop",
     .settings = duplicates_settings},
    {.name = "category",
     .title = "One spelling for each text",
     .suits = "texts",
     .actions = "spelling",
     .settings = category_settings},
};
enum { KINDS = sizeof kinds / sizeof *kinds, WORDS = 16, WORD_CAP = 32 };

int tarn_repair_kind_count(void) { return KINDS; }

const tarn_repair_kind *tarn_repair_kind_at(int i) { return i >= 0 && i < KINDS ? &kinds[i] : NULL; }

tarn_code tarn_repair_kind_find(const char *name, const tarn_repair_kind **out, tarn_err *err)
{
    const char *names[KINDS];

    for (int i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (!name || strcmp(name, names[i]) != 0) continue;
        *out = &kinds[i];
        return TARN_OK;
    }
    return tarn_name_fail(TARN_NOT_FOUND, "kind of repair", name ? name : "", "is unknown", names, KINDS, err);
}

/* Is word one of "a|b|c". */
static bool among(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; at && *at;) {
        size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, word, n) == 0) return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static tarn_code unknown_action(const tarn_repair_kind *kind, const char *action, tarn_err *err)
{
    char words[WORDS][WORD_CAP] = {{0}};
    const char *list[WORDS], *at = kind->actions;
    size_t n = 0;

    while (*at && n < WORDS) {
        size_t len = strcspn(at, "|");
        memcpy(words[n], at, len < WORD_CAP ? len : WORD_CAP - 1);
        list[n] = words[n];
        n++;
        at += len + (at[len] == '|');
    }
    return tarn_name_fail(TARN_INVALID, "action", action, "is unknown to this repair", list, n, err);
}

static bool has_setting(const tarn_repair *r, const char *name)
{
    if (strcmp(name, "value") == 0) return r->value != NULL;
    if (strcmp(name, "order") == 0) return r->order && *r->order;
    if (strcmp(name, "map") == 0) return r->map && *r->map;
    if (strcmp(name, "least") == 0) return !isnan(r->least) && r->least != 0;
    return !isnan(r->most) && r->most != 0;
}

/* Settings that the kind or the action knows nothing of. A number of 0 may be one that nobody set. */
static tarn_code check_meaning(const tarn_repair *r, const tarn_repair_kind *kind, const char *action, tarn_err *err)
{
    static const char *const names[] = {"value", "order", "map", "least", "most"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool known = false;
        for (const tarn_repair_setting *s = kind->settings; s->name; s++)
            if (strcmp(s->name, names[i]) == 0) known = !s->actions || among(s->actions, action);
        if (!known && has_setting(r, names[i]))
            return TARN_FAIL(err, TARN_INVALID, "'%s' means nothing to action '%s'", names[i], action);
    }
    return TARN_OK;
}

static tarn_code check_map(const char *text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *map = NULL, *proper;
    const char *variant;

    TARN_TRY(tarn_json_read(text, strlen(text), "map", &map, err));
    if (!json_is_object(map)) {
        rc = TARN_FAIL(err, TARN_INVALID, "map should be a JSON object {\"variant\": \"proper\"}");
        goto done;
    }
    json_object_foreach(map, variant, proper)
    {
        if (json_is_string(proper)) continue;
        rc = TARN_FAIL(err, TARN_INVALID, "map: '%.60s' should become a text", variant);
        goto done;
    }
done:
    json_decref(map);
    return rc;
}

static tarn_code check_rule(const tarn_repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_repair_kind *kind;

    TARN_TRY(tarn_repair_kind_find(r->kind, &kind, err));
    char first[WORD_CAP] = {0};
    memcpy(first, kind->actions, strcspn(kind->actions, "|"));
    const char *action = r->action && *r->action ? r->action : first;
    if (!among(kind->actions, action)) {
        rc = unknown_action(kind, action, err);
        goto done;
    }
    TARN_TRY(check_meaning(r, kind, action, err));
    if (strcmp(action, "value") == 0 && !r->value) rc = TARN_FAIL(err, TARN_INVALID, "action 'value' needs a value");
    else if (strcmp(kind->name, "rare") == 0 && !(r->least >= 2))
        rc = TARN_FAIL(err, TARN_INVALID, "rare needs least: the rows that a value needs to stay, 2 or more");
    else if (strcmp(kind->name, "rare") == 0 && !(r->columns && *r->columns))
        rc = TARN_FAIL(err, TARN_INVALID, "rare needs columns: a key's values are all rare");
    else if (strcmp(kind->name, "range") == 0 && isnan(r->least) && isnan(r->most))
        rc = TARN_FAIL(err, TARN_INVALID, "range needs least or most");
    else if (strcmp(kind->name, "range") == 0 && r->least > r->most)
        rc = TARN_FAIL(err, TARN_INVALID, "least (%g) is above most (%g)", r->least, r->most);
    else if (r->map && *r->map) rc = check_map(r->map, err);
done:
    if (rc != TARN_OK && r->kind) tarn_err_note(err, "repair '%s'", r->kind);
    return rc;
}

tarn_code tarn_repair_check(const tarn_repair *r, tarn_err *err)
{
    tarn_code rc = check_rule(r, err);

    if (rc != TARN_OK && r->line > 0) tarn_err_note(err, "line %d, column %d", r->line, r->column);
    return rc;
}
