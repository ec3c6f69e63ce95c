/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c - the table of pictures, and the careful reading of what they show. */
#include "assess/picture.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static const tarn_picture_kind *const table[] = {
    &tarn_picture_roc,        &tarn_picture_pr,        &tarn_picture_calibration,
    &tarn_picture_confusion,  &tarn_picture_profit,    &tarn_picture_histogram,
    &tarn_picture_importance, &tarn_picture_residuals, &tarn_picture_predicted,
};

enum { PICTURES = sizeof(table) / sizeof(table[0]) };

const char *const *tarn_pictures(tarn_task task)
{
    static const char *const binary[] = {"roc",    "pr",        "calibration", "confusion",
                                         "profit", "histogram", "importance",  NULL};
    static const char *const multiclass[] = {"roc", "pr", "calibration", "confusion", "histogram", "importance", NULL};
    static const char *const regression[] = {"predicted", "residuals", "importance", NULL};

    return task == TARN_BINARY ? binary : task == TARN_MULTICLASS ? multiclass : regression;
}

const tarn_picture_kind *tarn_picture_find(const char *name)
{
    for (int i = 0; i < PICTURES; i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}

tarn_code tarn_picture(const char *which, const json_t *assessed, char **svg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_picture_kind *kind = tarn_picture_find(which);
    tarn_chart chart = {0};
    tarn_text about = {0};

    if (!kind) {
        const char *names[PICTURES];
        for (int i = 0; i < PICTURES; i++) names[i] = table[i]->name;
        const char *near = tarn_nearest_word(which, names, PICTURES);
        TARN_TRY(TARN_FAIL(err, TARN_NOT_FOUND, "there is no picture '%s'%s%s%s", which, near ? "; did you mean '" : "",
                           near ? near : "", near ? "'?" : ""));
    }
    kind->say(assessed, &about);
    TARN_TRY(tarn_text_check(&about, err));
    TARN_TRY(kind->draw(assessed, &chart, about.data ? about.data : "", err));
    TARN_TRY(tarn_chart_end(&chart, svg, err));
done:
    if (rc != TARN_OK && kind) tarn_err_note(err, "picture '%s'", kind->name);
    tarn_chart_clear(&chart);
    tarn_text_clear(&about);
    return rc;
}

tarn_code tarn_series_read(const json_t *object, const char *key, tarn_series *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *array = json_object_get(object, key), *item;
    tarn_series s = {.n = json_array_size(array)};
    size_t i;

    if (!json_is_array(array)) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' is not an array of numbers", key));
    TARN_TRY(tarn_alloc(&s.x, s.n, sizeof(double), err));
    json_array_foreach(array, i, item)
    {
        if (!json_is_number(item))
            TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' holds something else than a number at %zu", key, i));
        s.x[i] = json_number_value(item);
    }
    *out = s;
    s = (tarn_series){0};
done:
    tarn_series_clear(&s);
    return rc;
}

tarn_code tarn_series_read_n(const json_t *object, const char *key, size_t n, tarn_series *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_series s = {0};

    TARN_TRY(tarn_series_read(object, key, &s, err));
    if (s.n != n) TARN_TRY(TARN_FAIL(err, TARN_INVALID, "'%s' has %zu numbers where %zu belong", key, s.n, n));
    *out = s;
    s = (tarn_series){0};
done:
    tarn_series_clear(&s);
    return rc;
}

void tarn_series_clear(tarn_series *s)
{
    tarn_free(s->x);
    *s = (tarn_series){0};
}

double tarn_picture_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

double tarn_picture_metric(const json_t *assessed, const char *name)
{
    return tarn_picture_number(json_object_get(assessed, "metrics"), name);
}

bool tarn_picture_interval(const json_t *assessed, const char *name, double *low, double *high)
{
    const json_t *ends = json_object_get(json_object_get(assessed, "intervals"), name);
    const json_t *a = json_array_get(ends, 0), *b = json_array_get(ends, 1);

    if (!json_is_number(a) || !json_is_number(b)) return false;
    *low = json_number_value(a);
    *high = json_number_value(b);
    return true;
}

tarn_code tarn_picture_part(const json_t *assessed, const char *key, const json_t **out, tarn_err *err)
{
    *out = json_object_get(assessed, key);
    if (*out && !json_is_null(*out)) return TARN_OK;
    return TARN_FAIL(err, TARN_NOT_FOUND, "the assessment has no '%s' to draw", key);
}
