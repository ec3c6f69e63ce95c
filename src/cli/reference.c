/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - pages about parts, from the parts' own tables. See reference.h. */
#include "cli/reference.h"

#include "assess/assess.h"
#include "base/param.h"
#include "cli/command.h"
#include "flow/project.h"
#include "flow/stage.h"
#include "ingest/ingest.h"
#include "prepare/prepare.h"
#include "prepare/step.h"
#include "train/train.h"

static void write_params(const tarn_param *table, tarn_text *out)
{
    char preset[512], expects[256];

    if (!table || table->type == TARN_P_END) {
        tarn_text_add(out, "\nNo parameters.\n");
        return;
    }
    tarn_text_add(out, "\n| parameter | default | may be | meaning |\n|---|---|---|---|\n");
    for (const tarn_param *p = table; p->type != TARN_P_END; p++)
        tarn_text_addf(out, "| `%s` | %s | %s | %s |\n", p->name, tarn_param_preset(p, preset, sizeof preset),
                       tarn_param_expects(p, expects, sizeof expects), p->help);
}

static void write_sources(tarn_text *out)
{
    tarn_text_add(out, "# Sources\n\nWhere tables come from: `ingest.<table>.source` in the project file.\n");
    for (int i = 0; i < tarn_source_count(); i++) {
        const tarn_source *s = tarn_source_at(i);
        tarn_text_addf(out, "\n## %s\n\n%s.\n", s->name, s->title);
        write_params(s->params, out);
    }
}

static void write_steps(tarn_text *out)
{
    tarn_text_add(out, "# Preparation steps\n\nFitted on the train rows, stored in the model, run again at serving "
                       "time: `train.candidates.<name>.prepare` in the project file.\n");
    for (int i = 0; i < tarn_step_count(); i++) {
        const tarn_step *s = tarn_step_at(i);
        tarn_text_addf(out, "\n## %s\n\n%s.\n", s->name, s->title);
        write_params(s->params, out);
    }
    tarn_text_add(out, "\n## The split\n\n`prepare.split` in the project file.\n");
    write_params(tarn_split_table, out);
}

static void write_repairs(tarn_text *out)
{
    tarn_text_add(out, "# Repairs\n\nWhat is wrong in a table, found and repaired by rule, each repair counted: "
                       "`prepare.cleanse.<table>` in the project file.\n");
    for (int i = 0; i < tarn_repair_kind_count(); i++) {
        const tarn_repair_kind *k = tarn_repair_kind_at(i);
        tarn_text_addf(out, "\n## %s\n\n%s. Columns: %s.\n\nActions: `", k->name, k->title, k->suits);
        for (const char *c = k->actions; *c; c++) tarn_text_addn(out, *c == '|' ? "`, `" : c, *c == '|' ? 4 : 1);
        tarn_text_add(out, "` (the first is taken when none is given).\n");
        for (const tarn_repair_setting *s = k->settings; s && s->name; s++)
            tarn_text_addf(out, "%s- `%s`%s: %s\n", s == k->settings ? "\n" : "", s->name, s->needed ? " (needed)" : "",
                           s->help);
    }
}

static void write_algos(tarn_text *out)
{
    tarn_text_add(out, "# Estimators\n\n`train.candidates.<name>.algo` in the project file.\n");
    for (int i = 0; i < tarn_algo_count(); i++) {
        const tarn_algo *a = tarn_algo_at(i);
        tarn_text_addf(out, "\n## %s\n\n%s. Does%s%s%s. Takes%s%s%s.\n", a->name, a->title,
                       a->does & TARN_DOES_BINARY ? " binary" : "", a->does & TARN_DOES_MULTICLASS ? " multiclass" : "",
                       a->does & TARN_DOES_REGRESSION ? " regression" : "",
                       a->counts ? " numbers of 0 or more" : " numbers",
                       a->takes & TARN_TAKES_CATEGORIES ? ", categories" : "",
                       a->takes & TARN_TAKES_MISSING ? ", missing values" : "");
        if (a->takes & TARN_TAKES_SPARSE) tarn_text_add(out, "Takes texts, through step `text`.\n");
        if (a->learns_on) tarn_text_add(out, "Learns on from new rows alone (`learn_on`).\n");
        if (a->learns_on_numbers) tarn_text_add(out, "Learns on from new rows alone (`learn_on`), without texts.\n");
        if (a->paper) tarn_text_addf(out, "\nSource: %s.\n", a->paper);
        write_params(a->params, out);
    }
}

static void write_metrics(tarn_text *out)
{
    tarn_text_add(out, "# Metrics\n\nEqual to scikit-learn 1.2.1's to 1e-12 on the golden tables of the tests.\n\n| "
                       "metric | for | better | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < tarn_metric_count(); i++) {
        const tarn_metric *m = tarn_metric_at(i);
        static const char *const tasks[] = {"binary", "multiclass", "regression"};
        tarn_text_addf(out, "| `%s` |", m->name);
        for (int t = TARN_BINARY; t <= TARN_REGRESSION && !m->needs_group; t++)
            if (m->tasks >> t & 1) tarn_text_addf(out, " %s", tasks[t]);
        tarn_text_addf(out, "%s | %s | %s: %s |\n", m->needs_group ? " ranking in groups" : "",
                       m->higher_is_better ? "higher" : "lower", m->title, m->help);
    }
}

static void write_clusterings(tarn_text *out)
{
    tarn_text_add(
        out, "\n## Clusters\n\nFor programs that link Tarn (`tarn_assess_clusters`).\n\n| figure | needs | better | "
             "meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < tarn_clustering_count(); i++) {
        const tarn_clustering *f = tarn_clustering_at(i);
        tarn_text_addf(out, "| `%s` | %s | %s | %s: %s |\n", f->name, f->needs_truth ? "true groups" : "columns",
                       f->higher_is_better ? "higher" : "lower", f->title, f->help);
    }
}

static void write_comparisons(tarn_text *out)
{
    tarn_text_add(
        out, "\n## Intervals\n\nThe first that suits a metric is taken; `bca` on request.\n\n| kind | for | source "
             "|\n|---|---|---|\n");
    for (int i = 0; i < tarn_interval_count(); i++) {
        const tarn_interval_kind *k = tarn_interval_at(i);
        tarn_text_addf(out, "| `%s` | %s: %s | %s |\n", k->name, k->title, k->help, k->paper);
    }
    tarn_text_add(out, "\n## Comparisons\n\n| test | of | for | source |\n|---|---|---|---|\n");
    for (int i = 0; i < tarn_comparison_count(); i++) {
        const tarn_comparison *t = tarn_comparison_at(i);
        tarn_text_addf(out, "| `%s` | %s | %s: %s | %s |\n", t->name,
                       t->tasks       ? "two models on the same rows"
                       : t->most == 2 ? "scores of two models"
                                      : "scores of several models",
                       t->title, t->help, t->paper);
    }
}

static void write_metrics_page(tarn_text *out)
{
    write_metrics(out);
    write_clusterings(out);
    write_comparisons(out);
}

static void write_stages(tarn_text *out)
{
    tarn_text_add(
        out, "# Kinds of steps\n\nWhat a run is made of, in its order.\n\n| step | stage | does |\n|---|---|---|\n");
    for (int i = 0; i < tarn_stage_count(); i++) {
        const tarn_stage *s = tarn_stage_at(i);
        tarn_text_addf(out, "| %s | %s | %s |\n", s->name, s->stage, s->title);
    }
}

const tarn_page tarn_pages[] = {
    {"commands", "every command with its options", tarn_commands_reference},
    {"project", "the keys of tarn.yaml", tarn_project_reference},
    {"sources", "where tables come from", write_sources},
    {"steps", "preparation steps and the split", write_steps},
    {"repairs", "what can be repaired in a table", write_repairs},
    {"estimators", "what learns", write_algos},
    {"metrics", "how models are judged and compared", write_metrics_page},
    {"stages", "what a run is made of", write_stages},
    {NULL, NULL, NULL},
};
