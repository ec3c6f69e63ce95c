/* SPDX-License-Identifier: Apache-2.0 */
/* cleanse_values.c - repairs of single values: missing ones, numbers outside their range, and those that
 * few rows have. See cleansing.h. */
#include "prepare/cleansing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_float(const tarn_field *f)
{
    return strcmp(f->sql_type, "FLOAT") == 0 || strcmp(f->sql_type, "DOUBLE") == 0;
}

/* ---- missing ---- */

static void where_missing(tarn_text *out, const tarn_field *f)
{
    tarn_sql_name(out, f->name);
    tarn_text_add(out, " IS NULL");
    if (!is_float(f)) return;
    tarn_text_add(out, " OR isnan(");
    tarn_sql_name(out, f->name);
    tarn_text_add(out, ")");
}

static void add_value(tarn_text *out, const char *text, const tarn_field *f)
{
    tarn_text_add(out, "CAST(");
    tarn_sql_text(out, text);
    tarn_text_addf(out, " AS %s)", f->sql_type);
}

/* A value must be one of the column's type: nothing is rounded on the way. */
static tarn_code check_value(const tarn_cleansing *c, const char *text, const tarn_field *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    int64_t whole, good = 1;
    double x;
    size_t len = strlen(text);

    if (f->type == TARN_INT) good = tarn_int_parse(text, len, &whole);
    else if (f->type == TARN_REAL) good = tarn_num_parse(text, len, false, &x);
    if (good) {
        tarn_text_add(&sql, "SELECT count(TRY_");
        add_value(&sql, text, f);
        tarn_text_add(&sql, ")");
        TARN_TRY(tarn_cleanse_count(c, &sql, &good, err));
    }
    if (!good)
        rc = TARN_FAIL(err, TARN_INVALID, "value '%.60s' is not of type %s (%s)", text, tarn_type_name(f->type),
                       f->sql_type);
done:
    return rc;
}

/* An expression for what missing values become. INT has the lower of two medians, so that it stays whole. */
static void add_fill(tarn_text *out, const tarn_repair *r, const char *action, const tarn_field *f,
                     const tarn_text *where)
{
    tarn_text name = {0};

    tarn_sql_name(&name, f->name);
    const char *n = name.data ? name.data : "", *w = where->data ? where->data : "false";
    if (strcmp(action, "value") == 0) add_value(out, r->value, f);
    else if (strcmp(action, "median") == 0)
        tarn_text_addf(out, "(SELECT CAST(quantile_%s(%s, 0.5) AS %s) FROM " TARN_CLEANSE_COPY " WHERE NOT (%s))",
                       f->type == TARN_INT ? "disc" : "cont", n, f->sql_type, w);
    else
        tarn_text_addf(
            out, "(SELECT %s FROM " TARN_CLEANSE_COPY " WHERE NOT (%s) GROUP BY %s ORDER BY count(*) DESC, %s LIMIT 1)",
            n, w, n, n);
    if (name.failed != TARN_OK) out->failed = name.failed;
    tarn_text_clear(&name);
}

static void tell_with(tarn_outcome *o, const char *text)
{
    size_t bad;

    (void)snprintf(o->with, sizeof o->with, "%s", text);
    if (!tarn_utf8_valid(o->with, strlen(o->with), &bad)) o->with[bad] = '\0';
}

static tarn_code fill_missing(const tarn_cleansing *c, const tarn_field *f, const tarn_text *fill,
                              const tarn_text *where, tarn_outcome *o, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text sql = {0};
    json_t *with = json_array();

    tarn_text_addf(&sql, "SELECT CAST(%s AS VARCHAR)", fill->data);
    TARN_TRY(tarn_cleanse_texts(c, &sql, with, err));
    if (json_array_size(with) == 0) goto done; /* no value to learn from: nothing is repaired, as the report says */
    tell_with(o, json_string_value(json_array_get(with, 0)));
    tarn_text_add(&sql, "UPDATE " TARN_CLEANSE_COPY " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_addf(&sql, " = %s WHERE %s", fill->data, where->data);
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
    o->repaired = o->found;
done:
    json_decref(with);
    return rc;
}

tarn_code tarn_cleanse_missing(tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, tarn_outcome *o,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, fill = {0};

    if (strcmp(o->action, "value") == 0) TARN_TRY(check_value(c, r->value, f, err));
    where_missing(&where, f);
    TARN_TRY(tarn_text_check(&where, err));
    TARN_TRY(tarn_cleanse_count_where(c, &where, &o->found, err));
    if (o->found == 0) goto done;
    TARN_TRY(tarn_cleanse_examples(c, &where, NULL, o->examples, err));
    if (strcmp(o->action, "drop_row") == 0) {
        TARN_TRY(tarn_cleanse_delete(c, &where, err));
        o->repaired = o->found;
        goto done;
    }
    add_fill(&fill, r, o->action, f, &where);
    TARN_TRY(tarn_text_check(&fill, err));
    TARN_TRY(fill_missing(c, f, &fill, &where, o, err));
done:
    tarn_text_clear(&fill);
    tarn_text_clear(&where);
    return rc;
}

/* ---- range ---- */

static void add_double(tarn_text *out, double x)
{
    char text[32];

    tarn_text_addf(out, "CAST('%s' AS DOUBLE)", tarn_num_format(x, text));
}

/* A value under least or over most; NaN is missing, not large. */
static void where_outside(tarn_text *out, const tarn_repair *r, const tarn_field *f, bool under, bool over)
{
    tarn_text name = {0};

    tarn_sql_name(&name, f->name);
    const char *n = name.data ? name.data : "";
    tarn_text_addf(out, "%s IS NOT NULL", n);
    if (is_float(f)) tarn_text_addf(out, " AND NOT isnan(%s)", n);
    tarn_text_add(out, " AND (false");
    if (under && !isnan(r->least)) {
        tarn_text_addf(out, " OR %s < ", n);
        add_double(out, r->least);
    }
    if (over && !isnan(r->most)) {
        tarn_text_addf(out, " OR %s > ", n);
        add_double(out, r->most);
    }
    tarn_text_add(out, ")");
    if (name.failed != TARN_OK) out->failed = name.failed;
    tarn_text_clear(&name);
}

/* Values on one side become NULL or the border. */
static tarn_code set_outside(const tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, bool under, bool clip,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, sql = {0};
    double border = under ? r->least : r->most;
    char text[32];

    if (isnan(border)) return TARN_OK;
    where_outside(&where, r, f, under, !under);
    TARN_TRY(tarn_text_check(&where, err));
    if (f->type == TARN_INT) border = under ? ceil(border) : floor(border);
    tarn_text_add(&sql, "UPDATE " TARN_CLEANSE_COPY " SET ");
    tarn_sql_name(&sql, f->name);
    tarn_text_add(&sql, " = ");
    if (clip) add_value(&sql, tarn_num_format(border, text), f);
    else tarn_text_add(&sql, "NULL");
    tarn_text_addf(&sql, " WHERE %s", where.data);
    TARN_TRY(tarn_cleanse_run(c, &sql, err));
done:
    tarn_text_clear(&sql);
    tarn_text_clear(&where);
    return rc;
}

/* How many rows are meant, and some of them. */
static tarn_code find_where(const tarn_cleansing *c, const tarn_text *where, const tarn_field *f, tarn_outcome *o,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_text_check(where, err));
    TARN_TRY(tarn_cleanse_count_where(c, where, &o->found, err));
    if (o->found > 0) TARN_TRY(tarn_cleanse_examples(c, where, f->name, o->examples, err));
done:
    return rc;
}

tarn_code tarn_cleanse_range(tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, tarn_outcome *o,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0};
    bool clip = strcmp(o->action, "clip") == 0;

    where_outside(&where, r, f, true, true);
    TARN_TRY(find_where(c, &where, f, o, err));
    if (o->found == 0) goto done;
    if (strcmp(o->action, "drop_row") == 0) {
        TARN_TRY(tarn_cleanse_delete(c, &where, err));
    } else {
        TARN_TRY(set_outside(c, r, f, true, clip, err));
        TARN_TRY(set_outside(c, r, f, false, clip, err));
    }
    o->repaired = o->found;
done:
    tarn_text_clear(&where);
    return rc;
}

/* ---- rare ---- */

tarn_code tarn_cleanse_rare(tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, tarn_outcome *o,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text where = {0}, sql = {0};
    bool other = strcmp(o->action, "value") == 0;

    if (other) TARN_TRY(check_value(c, r->value, f, err));
    tarn_sql_name(&where, f->name);
    tarn_text_add(&where, " IN (SELECT ");
    tarn_sql_name(&where, f->name);
    tarn_text_add(&where, " FROM " TARN_CLEANSE_COPY " GROUP BY 1 HAVING count(*) < ");
    add_double(&where, r->least);
    tarn_text_add(&where, ")");
    TARN_TRY(find_where(c, &where, f, o, err));
    if (o->found == 0) goto done;
    if (strcmp(o->action, "drop_row") == 0) {
        TARN_TRY(tarn_cleanse_delete(c, &where, err));
    } else {
        tarn_text_add(&sql, "UPDATE " TARN_CLEANSE_COPY " SET ");
        tarn_sql_name(&sql, f->name);
        tarn_text_add(&sql, " = ");
        if (other) add_value(&sql, r->value, f);
        else tarn_text_add(&sql, "NULL");
        tarn_text_addf(&sql, " WHERE %s", where.data);
        TARN_TRY(tarn_cleanse_run(c, &sql, err));
    }
    if (other) tell_with(o, r->value);
    o->repaired = o->found;
done:
    tarn_text_clear(&where);
    tarn_text_clear(&sql);
    return rc;
}
