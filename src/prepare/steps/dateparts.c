/* SPDX-License-Identifier: Apache-2.0 */
/* dateparts.c - a moment becomes numbers: its year, month, weekday, hour and so on, in UTC.
 *
 * Nothing is learned. Parts that never repeat (year, days) let a model know what it cannot know of the future; the
 * default takes those that come round again.
 */
#include "base/mem.h"
#include "base/str.h"
#include "model/payload.h"
#include "prepare/step.h"

#include <stdio.h>
#include <string.h>

typedef struct dateparts_params {
    char parts[256];
    char columns[4096];
} dateparts_params;

static const tarn_param params[] = {
    TARN_TEXT(dateparts_params, parts, "month,weekday,hour",
              "comma-separated: year, month, day, weekday (Monday is 0), hour, minute, yearday, days (since 1970)"),
    TARN_TEXT(dateparts_params, columns, "", "times to take apart, comma-separated; empty: all"),
    TARN_PARAMS_END,
};

static const char *const part_names[TARN_PART_COUNT] = {
    [TARN_PART_YEAR] = "year",       [TARN_PART_MONTH] = "month", [TARN_PART_DAY] = "day",
    [TARN_PART_WEEKDAY] = "weekday", [TARN_PART_HOUR] = "hour",   [TARN_PART_MINUTE] = "minute",
    [TARN_PART_YEARDAY] = "yearday", [TARN_PART_DAYS] = "days",
};

static tarn_code read_parts(const char *text, uint32_t parts[TARN_PART_COUNT], uint32_t *n, tarn_err *err)
{
    char name[64];
    const char *at = text;

    *n = 0;
    while (tarn_step_next_name(&at, name, sizeof name)) {
        uint32_t part = 0;
        while (part < TARN_PART_COUNT && strcmp(part_names[part], name) != 0) part++;
        if (part == TARN_PART_COUNT) {
            const char *near = tarn_nearest_word(name, part_names, TARN_PART_COUNT);
            return TARN_FAIL(err, TARN_INVALID, "parts: '%s' is unknown; %s%s%s", name,
                             near ? "did you mean '" : "see the help of parts", near ? near : "", near ? "'?" : "");
        }
        for (uint32_t k = 0; k < *n; k++)
            if (parts[k] == part) return TARN_FAIL(err, TARN_INVALID, "parts: '%s' is named twice", name);
        parts[(*n)++] = part;
    }
    return *n > 0 ? TARN_OK : TARN_FAIL(err, TARN_INVALID, "parts: none is named; see the help of parts");
}

static tarn_code expand(const tarn_step_job *job, uint32_t reg, const uint32_t *parts, uint32_t n, uint32_t *out_regs,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_feature features[TARN_PART_COUNT] = {0}, from = *tarn_graph_feature(job->graph, reg);
    uint32_t first, data[TARN_PART_COUNT + 1] = {0};

    for (uint32_t k = 0; k < n; k++) {
        features[k].kind = TARN_NUMBER;
        features[k].input = from.input;
        (void)snprintf(features[k].name, sizeof features[k].name, "%.140s.%s", from.name, part_names[parts[k]]);
        data[k] = parts[k];
    }
    TARN_TRY(tarn_graph_node(job->graph, "dateparts", &reg, 1, n, features, data, n * sizeof *data, &first, err));
    for (uint32_t k = 0; k < n; k++) out_regs[k] = first + k;
done:
    return rc;
}

static tarn_code fit(const tarn_step_job *job, const void *params_, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const dateparts_params *p = params_;
    uint32_t *regs = NULL, parts[TARN_PART_COUNT], n_parts = 0;
    int32_t n = 0, k = 0, room = *n_out;

    TARN_TRY(read_parts(p->parts, parts, &n_parts, err));
    rc = tarn_alloc(&regs, (size_t)job->n_regs, sizeof *regs, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_pick(job, p->columns, TARN_MOMENT, regs, &n, err));
    *n_out = 0;
    for (int32_t r = 0; r < job->n_regs && rc == TARN_OK; r++) {
        bool mine = k < n && job->regs[r] == regs[k];
        int32_t more = mine ? (int32_t)n_parts : 1;
        if (*n_out > room - more) rc = TARN_FAIL(err, TARN_LIMIT, "no room for %d columns", (int)room);
        else if (mine) rc = expand(job, regs[k++], parts, n_parts, out_regs + *n_out, err);
        else out_regs[*n_out] = job->regs[r];
        *n_out += more;
    }
    rc = tarn_comm_agree(job->comm, rc, err);
done:
    tarn_free(regs);
    return rc;
}

const tarn_step tarn_step_dateparts = {
    .name = "dateparts",
    .title = "Take times apart into month, weekday, hour and so on",
    .takes = TARN_MOMENT,
    .params_size = sizeof(dateparts_params),
    .params = params,
    .fit = fit,
};
