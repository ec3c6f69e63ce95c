/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - one page for a manager: what the model is worth, in words first, then figures, then pictures.
 *
 * The page is one file: no script, nothing fetched (its own policy forbids both), every text from outside escaped.
 * Parts of the story that are missing leave their section out.
 */
#include "assess/report.h"

#include "assess/picture.h"
#include "assess/plain.h"

#include "base/mem.h"

#include <string.h>

void tarn_report_text(tarn_report *r, const char *text) { tarn_plain_markup(&r->out, text); }

void tarn_report_element(tarn_report *r, const char *tag, const char *text)
{
    tarn_text_addf(&r->out, "<%s>", tag);
    tarn_report_text(r, text);
    tarn_text_addf(&r->out, "</%s>", tag);
}

void tarn_report_section(tarn_report *r, const char *title, const char *lead)
{
    tarn_text_add(&r->out, "<section>");
    tarn_report_element(r, "h2", title);
    if (!lead) return;
    tarn_text_add(&r->out, "<p class=\"lead\">");
    tarn_report_text(r, lead);
    tarn_text_add(&r->out, "</p>");
}

void tarn_report_section_end(tarn_report *r) { tarn_text_add(&r->out, "</section>\n"); }

/* One picture with what it says below; nothing if the assessment has none of it. */
static tarn_code add_picture(tarn_report *r, const char *which, const json_t *assessed, tarn_err *err)
{
    const tarn_picture_kind *kind = tarn_picture_find(which);
    tarn_text says = {0};
    tarn_err why = {0};
    char *svg = NULL;
    tarn_code rc = tarn_picture(which, assessed, &svg, &why);

    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) return TARN_FAIL(err, rc, "%s", why.msg);
    kind->say(assessed, &says);
    tarn_text_add(&r->out, "<figure>");
    tarn_text_add(&r->out, svg);
    tarn_text_add(&r->out, "<figcaption>");
    if (says.data) tarn_report_text(r, says.data);
    tarn_text_add(&r->out, "</figcaption></figure>\n");
    rc = tarn_text_check(&says, err);
    tarn_text_clear(&says);
    tarn_free(svg);
    return rc;
}

static tarn_code add_pictures(tarn_report *r, tarn_err *err)
{
    static const char *const shown[3][7] = {{"confusion", "profit", "pr", "roc", "calibration", "histogram", NULL},
                                            {"confusion", "roc", "pr", "calibration", "histogram", NULL},
                                            {"predicted", "residuals", NULL}};
    tarn_code rc = TARN_OK;

    tarn_report_section(r, "Pictures", NULL);
    tarn_text_add(&r->out, "<div class=\"pictures\">");
    for (int i = 0; shown[r->task][i]; i++) TARN_TRY(add_picture(r, shown[r->task][i], r->assessed, err));
    tarn_text_add(&r->out, "</div>");
    tarn_report_section_end(r);
done:
    return rc;
}

static tarn_code add_importance(tarn_report *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *list = json_object_get(r->story, "importance");
    const json_t *holder = list ? r->story : r->assessed;

    if (json_array_size(json_object_get(holder, "importance")) == 0) goto done;
    tarn_report_section(r, "What matters most",
                        "How much each input contributes to the model's decisions. This is what the model uses, "
                        "which need not be what causes the outcome.");
    TARN_TRY(add_picture(r, "importance", holder, err));
    tarn_report_section_end(r);
done:
    return rc;
}

/* The champion's title, as it stands among the candidates. */
static const char *champion_title(const json_t *story)
{
    const char *name = tarn_json_text(story, "champion", "one model");
    const json_t *candidate;
    size_t i;

    json_array_foreach(json_object_get(story, "candidates"), i, candidate)
    {
        if (strcmp(tarn_json_text(candidate, "name", ""), name) == 0) return tarn_json_text(candidate, "title", name);
    }
    return name;
}

static void add_head(tarn_report *r)
{
    const char *title = tarn_json_text(r->story, "title", "Model report");

    tarn_text_add(
        &r->out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    tarn_report_element(r, "title", title);
    tarn_text_add(&r->out, "<style>");
    tarn_text_add(&r->out, tarn_report_style);
    tarn_text_add(&r->out, "</style></head>\n<body><main>\n<header>");
    tarn_report_element(r, "h1", title);
    tarn_text_add(&r->out, "<p class=\"under\">");
    tarn_text_add(&r->out, "Predicts ");
    tarn_report_element(r, "b", tarn_json_text(r->story, "target", "the target"));
    tarn_text_add(&r->out, " with ");
    tarn_report_text(r, champion_title(r->story));
    tarn_text_add(&r->out, "</p></header>\n");
}

static void add_problem(tarn_report *r)
{
    const char *problem = tarn_json_text(r->story, "problem", "");

    if (!*problem) return;
    tarn_report_section(r, "The problem", NULL);
    tarn_report_element(r, "p", problem);
    tarn_report_section_end(r);
}

static tarn_code read_story(const json_t *story, tarn_report *r, tarn_err *err)
{
    static const char *const words[] = {"binary", "multiclass", "regression"};
    const json_t *baseline = json_object_get(story, "baseline");

    if (!json_is_object(story)) return TARN_FAIL(err, TARN_INVALID, "the story of a report is not an object");
    *r = (tarn_report){.story = story, .assessed = json_object_get(story, "assessed")};
    if (!json_is_object(r->assessed)) return TARN_FAIL(err, TARN_INVALID, "the story has no 'assessed' object");
    if (json_object_get(baseline, "metrics")) baseline = json_object_get(baseline, "metrics");
    if (json_object_size(baseline) > 0) r->baseline = baseline;
    for (int t = 0; t < 3; t++) {
        r->task = (tarn_task)t;
        if (strcmp(tarn_json_text(r->assessed, "task", ""), words[t]) == 0) return TARN_OK;
    }
    return TARN_FAIL(err, TARN_INVALID, "assessed.task is not one of binary, multiclass, regression");
}

tarn_code tarn_report_html(const json_t *story, char **html, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_report r = {0};

    TARN_TRY(read_story(story, &r, err));
    add_head(&r);
    tarn_report_verdict(&r);
    tarn_report_tiles(&r);
    add_problem(&r);
    tarn_report_money(&r);
    tarn_report_candidates(&r);
    TARN_TRY(add_pictures(&r, err));
    TARN_TRY(add_importance(&r, err));
    tarn_report_figures(&r);
    tarn_report_classes(&r);
    tarn_report_data(&r);
    tarn_report_notes(&r);
    tarn_report_reproduce(&r);
    tarn_text_add(&r.out, "</main></body></html>\n");
    TARN_TRY(tarn_text_take(&r.out, html, err));
done:
    if (rc != TARN_OK) tarn_err_note(err, "report");
    tarn_text_clear(&r.out);
    return rc;
}
