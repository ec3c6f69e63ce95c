/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - see search.h. */
#include "flow/search.h"

#include "base/random.h"
#include "flow/keys.h"
#include "math/elementary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DIMENSIONS = 32 };

/* One parameter that varies: over a list of values, or from `from` to `to`, evenly or, if log, in ratio. */
typedef struct dimension {
    const tarn_param *param;
    const tarn_yaml *list;
    double from, to;
    bool log;
} dimension;

typedef struct plan {
    const tarn_algo *algo;
    const json_t *settings;
    int64_t seed, tries;
    dimension dim[MOST_DIMENSIONS];
    size_t n_dims;
    void *values; /* the estimator's struct, to read texts back in one spelling */
    tarn_problems *problems;
} plan;

static double number_at(const tarn_yaml *map, const char *key, double otherwise)
{
    const tarn_yaml *v = tarn_yaml_get(map, key);
    double x = otherwise;

    if (v && v->kind == TARN_YAML_TEXT && !tarn_num_parse(v->text, strlen(v->text), false, &x)) return NAN;
    return x;
}

/* A value as the estimator spells it; false if it does not take it. */
static bool spell(const plan *p, const dimension *d, const char *text, int line, int column, char *out, size_t cap)
{
    tarn_err why = {0};

    if (tarn_param_set(p->algo->params, p->values, d->param->name, text, &why) != TARN_OK) {
        tarn_problems_add(p->problems, line, column, "%s", why.msg);
        return false;
    }
    (void)tarn_param_get(d->param, p->values, out, cap);
    return true;
}

static void read_dimension(plan *p, const tarn_yaml *key, const tarn_yaml *v)
{
    dimension d = {.param = tarn_param_find(p->algo->params, key->text)};
    const tarn_yaml *scale = tarn_yaml_get(v, "scale");
    char text[256];

    if (!d.param) {
        tarn_problems_add(p->problems, key->line, key->column, "estimator '%s' has no parameter '%.40s'", p->algo->name,
                          key->text);
        return;
    }
    if (v->kind == TARN_YAML_LIST) {
        d.list = v;
        for (size_t i = 0; i < v->n; i++)
            if (!spell(p, &d, v->items[i]->kind == TARN_YAML_TEXT ? v->items[i]->text : "", v->items[i]->line,
                       v->items[i]->column, text, sizeof text))
                return;
    } else {
        d.from = number_at(v, "from", NAN);
        d.to = number_at(v, "to", NAN);
        d.log = scale && scale->kind == TARN_YAML_TEXT && strcmp(scale->text, "log") == 0;
        bool numeric = d.param->type == TARN_P_INT || d.param->type == TARN_P_REAL;
        if (!numeric || !(d.from <= d.to) || (d.log && !(d.from > 0)) || d.from < d.param->least ||
            d.to > d.param->most) {
            tarn_problems_add(p->problems, v->line, v->column,
                              "'%s' should be a list of values, or {from: a, to: b, scale: log} within %g to %g",
                              key->text, d.param->least, d.param->most);
            return;
        }
    }
    if (p->n_dims == MOST_DIMENSIONS || (d.list && d.list->n == 0)) {
        tarn_problems_add(p->problems, key->line, key->column,
                          "'%s': a search varies at most %d parameters, each with a value", key->text,
                          (int)MOST_DIMENSIONS);
        return;
    }
    p->dim[p->n_dims++] = d;
}

static tarn_code set_text(json_t *settings, const char *name, const char *text, tarn_err *err)
{
    return tarn_json_set(settings, name, json_string(text), err);
}

/* The value of a dimension at u, 0 <= u < 1. */
static bool draw(const plan *p, const dimension *d, double u, char *out, size_t cap)
{
    char text[64];
    double x;

    if (d->list) {
        const tarn_yaml *v = d->list->items[(size_t)(u * (double)d->list->n)];
        return spell(p, d, v->text, v->line, v->column, out, cap);
    }
    x = d->log ? d->from * tarn_exp(u * tarn_log(d->to / d->from)) : d->from + u * (d->to - d->from);
    if (d->param->type == TARN_P_INT) (void)snprintf(text, sizeof text, "%.0f", x);
    else (void)snprintf(text, sizeof text, "%.3g", x);
    return spell(p, d, text, 0, 0, out, cap);
}

/* Appends unless it is there already. */
static tarn_code append(json_t *tries, json_t *settings, tarn_err *err)
{
    for (size_t i = 0; i < json_array_size(tries); i++)
        if (json_equal(json_array_get(tries, i), settings)) {
            json_decref(settings);
            return TARN_OK;
        }
    return tarn_json_append(tries, settings, err);
}

static tarn_code draw_random(const plan *p, json_t *tries, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char text[256];

    TARN_TRY(append(tries, json_deep_copy(p->settings), err));
    for (int64_t i = 1; (int64_t)json_array_size(tries) < p->tries && i < 20 * p->tries; i++) {
        json_t *settings = json_deep_copy(p->settings);
        for (size_t d = 0; d < p->n_dims && rc == TARN_OK; d++) {
            double u = tarn_random_unit((uint64_t)p->seed, TARN_STREAM_SAMPLE, (uint64_t)i, 100 + (uint32_t)d);
            if (draw(p, &p->dim[d], u, text, sizeof text)) rc = set_text(settings, p->dim[d].param->name, text, err);
        }
        if (rc != TARN_OK) json_decref(settings);
        TARN_TRY(rc);
        TARN_TRY(append(tries, settings, err));
    }
done:
    return rc;
}

static tarn_code draw_grid(const plan *p, const tarn_yaml *at, json_t *tries, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double all = 1;
    char text[256];

    for (size_t d = 0; d < p->n_dims; d++) {
        if (!p->dim[d].list) {
            tarn_problems_add(p->problems, at->line, at->column, "by grid, '%s' should be a list of values",
                              p->dim[d].param->name);
            return TARN_OK;
        }
        all *= (double)p->dim[d].list->n;
    }
    if (all > TARN_TRIES_MOST) {
        tarn_problems_add(p->problems, at->line, at->column, "this grid has %.0f points; at most %d are tried", all,
                          (int)TARN_TRIES_MOST);
        return TARN_OK;
    }
    for (size_t i = 0; i < (size_t)all; i++) {
        json_t *settings = json_deep_copy(p->settings);
        size_t rest = i;
        for (size_t d = p->n_dims; d-- > 0 && rc == TARN_OK;) {
            const tarn_yaml *v = p->dim[d].list->items[rest % p->dim[d].list->n];
            rest /= p->dim[d].list->n;
            if (spell(p, &p->dim[d], v->text, v->line, v->column, text, sizeof text))
                rc = set_text(settings, p->dim[d].param->name, text, err);
        }
        if (rc != TARN_OK) json_decref(settings);
        TARN_TRY(rc);
        TARN_TRY(append(tries, settings, err));
    }
done:
    return rc;
}

/* The estimator's own space, as it declares it. */
static tarn_code own_space(plan *p, const tarn_yaml *at, tarn_arena *arena, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_yaml *space = NULL;

    if (!p->algo->space) {
        tarn_problems_add(p->problems, at->line, at->column,
                          "estimator '%s' has no search space of its own; say in `space` what should vary",
                          p->algo->name);
        return TARN_OK;
    }
    TARN_TRY(tarn_yaml_read(p->algo->space, strlen(p->algo->space), arena, &space, p->problems, err));
    for (size_t i = 0; space && i < space->n; i++) read_dimension(p, space->keys[i], space->items[i]);
done:
    return rc;
}

static void read_manner(const tarn_yaml *search, tarn_search *out, plan *p)
{
    static const char *const words[] = {"random", "grid", "halving"};
    const tarn_yaml *by = tarn_yaml_get(search, "by"), *nested = tarn_yaml_get(search, "nested");
    const tarn_yaml *tries = tarn_yaml_get(search, "tries");
    double most = number_at(search, "tries", 20), keep = number_at(search, "keep", 1.0 / 3);
    int found = by ? -1 : 0;

    for (int i = 0; by && i < 3; i++)
        if (strcmp(by->text, words[i]) == 0) found = i;
    if (found < 0)
        tarn_problems_add(p->problems, by->line, by->column, "by should be random, grid or halving, not '%.40s'",
                          by->text);
    if (!(most >= 1 && most <= TARN_TRIES_MOST && most == floor(most)))
        tarn_problems_add(p->problems, tries->line, tries->column, "tries should be 1 to %d", (int)TARN_TRIES_MOST);
    if (!(keep >= 0.05 && keep <= 0.9))
        tarn_problems_add(p->problems, search->line, search->column, "keep should be 0.05 to 0.9");
    out->by = (tarn_search_by)(found < 0 ? 0 : found);
    out->nested = nested && nested->kind == TARN_YAML_TEXT && strcmp(nested->text, "true") == 0;
    out->keep = keep >= 0.05 && keep <= 0.9 ? keep : 1.0 / 3; /* rounds must come to an end */
    p->tries = most >= 1 && most <= TARN_TRIES_MOST ? (int64_t)most : 1;
}

int64_t tarn_search_round(const tarn_search *s, int64_t round, double *share)
{
    int64_t n = (int64_t)json_array_size(s->tries);
    double left = (double)n;

    for (int64_t r = 0; r < round; r++) left *= s->keep;
    *share = 1;
    for (int64_t r = round + 1; r < s->rounds; r++) *share *= s->keep;
    return left < 1 ? 1 : (int64_t)(left + 0.5);
}

tarn_code tarn_search_read(const tarn_algo *algo, const tarn_yaml *search, const json_t *settings, int64_t seed,
                           tarn_search *out, tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool automatic = search->kind == TARN_YAML_TEXT && strcmp(search->text, "auto") == 0;
    plan p = {.algo = algo, .settings = settings, .seed = seed, .tries = 20, .problems = problems};
    tarn_arena *arena = NULL;

    *out = (tarn_search){.rounds = 1, .keep = 1.0 / 3, .tries = json_array()};
    TARN_TRY(tarn_arena_new(&arena, err));
    TARN_TRY(tarn_alloc(&p.values, 1, algo->params_size + 1, err));
    tarn_params_default(algo->params, p.values);
    if (!automatic) {
        if (!tarn_keys_check(&tarn_keys_search, search, search->line, search->column, problems)) goto done;
        read_manner(search, out, &p);
    }
    const tarn_yaml *space = automatic ? NULL : tarn_yaml_get(search, "space");
    for (size_t i = 0; space && i < space->n; i++) read_dimension(&p, space->keys[i], space->items[i]);
    if (!space) TARN_TRY(own_space(&p, search, arena, err));
    if (out->by == TARN_SEARCH_GRID) TARN_TRY(draw_grid(&p, search, out->tries, err));
    else TARN_TRY(draw_random(&p, out->tries, err));
    double left = (double)json_array_size(out->tries);
    for (; out->by == TARN_SEARCH_HALVING && left * out->keep >= 1; left *= out->keep) out->rounds++;
done:
    tarn_free(p.values);
    tarn_arena_free(arena);
    if (rc != TARN_OK) tarn_search_clear(out);
    return rc;
}

void tarn_search_clear(tarn_search *s)
{
    json_decref(s->tries);
    *s = (tarn_search){0};
}
