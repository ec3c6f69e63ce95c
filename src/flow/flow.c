/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - walking the plan: kept or run, recorded, committed, registered. See flow.h.
 *
 * Order of writing, so that a kill at any moment loses at most the step that was running: a step's outputs are
 * stored, then the run's record says that it is done, then its recipe is recorded as made (durable), then the next step
 * starts: of every step that is kept later, a record says how long it took. Commits and the registry only name what is
 * recorded. A second run finds the recipes and goes on behind them. */
#include "flow/flow.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/code_hash.h"
#include "flow/recipe.h"
#include "lake/history.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const char *tarn_version_text(void) { return TARN_VERSION; }
const char *tarn_code_hash(void) { return TARN_CODE_HASH; }

const char *tarn_step_state_name(tarn_step_state state)
{
    static const char *const names[] = {"todo", "running", "done", "kept", "failed"};
    return names[state];
}

typedef struct walk {
    tarn_lake *lake;
    const tarn_project *p;
    const tarn_flow_options *options;
    tarn_entry *made; /* outputs so far */
    size_t n_made, cap_made;
    json_t *summary, *steps;
    size_t ran;
    char run_key[64];
    double started;
    const char *author;
    char author_name[128];
    tarn_id commit; /* newest commit of the branch that this run made or found */
} walk;

/* ---- what was made so far ---- */

static tarn_code add_made(walk *w, const tarn_entry *e, tarn_err *err)
{
    for (size_t i = 0; i < w->n_made; i++) {
        if (strcmp(w->made[i].path, e->path) != 0) continue;
        w->made[i] = *e;
        return TARN_OK;
    }
    if (w->n_made == w->cap_made) {
        size_t cap = w->cap_made ? 2 * w->cap_made : 64;
        tarn_code rc = tarn_resize(&w->made, cap, sizeof *w->made, err);
        if (rc != TARN_OK) return rc;
        w->cap_made = cap;
    }
    w->made[w->n_made++] = *e;
    return TARN_OK;
}

static const tarn_entry *find_made(const walk *w, const char *path)
{
    for (size_t i = 0; i < w->n_made; i++)
        if (strcmp(w->made[i].path, path) == 0) return &w->made[i];
    return NULL;
}

static tarn_code keep_output(void *arg, const tarn_entry *e, tarn_err *err) { return add_made(arg, e, err); }

/* ---- news and records ---- */

/* What became of a step, into the run's summary; the last word on a step counts. */
static void note(walk *w, const tarn_step_news *news)
{
    size_t n = json_array_size(w->steps);
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:f, s:s}", "name", news->name, "stage", news->stage, "title",
                               news->title, "state", tarn_step_state_name(news->state), "seconds", news->seconds,
                               "said", news->said ? news->said : "");

    if (!record) return;
    if (n > 0 && strcmp(tarn_json_text(json_array_get(w->steps, n - 1), "name", ""), news->name) == 0)
        (void)json_array_set_new(w->steps, n - 1, record);
    else (void)json_array_append_new(w->steps, record);
}

static void tell(walk *w, const tarn_planned *step, const tarn_stage *stage, tarn_step_state state, double seconds,
                 const char *said)
{
    tarn_step_news news = {.name = step->name,
                           .stage = stage->stage,
                           .title = stage->title,
                           .state = state,
                           .seconds = seconds,
                           .said = said};

    if (w->options->news) w->options->news(w->options->news_arg, &news);
    if (state != TARN_STEP_RUNNING) note(w, &news);
}

/* Keep the run's record; only runs that do something leave one. */
static tarn_code save_record(walk *w, const char *state, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    TARN_TRY(tarn_json_set(w->summary, "state", json_string(state), err));
    TARN_TRY(tarn_json_set(w->summary, "seconds", json_real(tarn_seconds() - w->started), err));
    if (w->ran == 0 && strcmp(state, "done") == 0) return TARN_OK;
    TARN_TRY(tarn_json_compact(w->summary, &text, err));
    TARN_TRY(tarn_lake_fact_set(w->lake, w->run_key, text, err));
done:
    tarn_free(text);
    return rc;
}

/* ---- one step ---- */

static void step_key(const walk *w, const tarn_planned *step, char *out, size_t cap)
{
    (void)snprintf(out, cap, "step/%.80s/%.100s", w->p->branch, step->name);
}

/* Why a step has to run: what differs from the recipe it had before. */
static void find_reason(walk *w, const tarn_planned *step, const json_t *recipe, char *out, size_t cap)
{
    char key[200];
    char *hex = NULL;
    tarn_id id;
    json_t *old = NULL;

    step_key(w, step, key, sizeof key);
    (void)snprintf(out, cap, "has not run yet");
    if (tarn_lake_fact_get(w->lake, key, &hex, NULL) == TARN_OK && tarn_id_parse(hex, strlen(hex), &id) &&
        tarn_recipe_get(w->lake, &id, &old, NULL) == TARN_OK) {
        tarn_recipe_difference(old, recipe, out, cap);
        if (json_equal(old, recipe)) (void)snprintf(out, cap, "its outputs are gone");
    }
    json_decref(old);
    tarn_free(hex);
}

/* A step as it would run now. */
typedef struct planned_run {
    tarn_entry *inputs;
    size_t n;
    json_t *sources, *recipe;
} planned_run;

static void clear_run(planned_run *r)
{
    tarn_free(r->inputs);
    json_decref(r->sources);
    json_decref(r->recipe);
}

static tarn_code make_recipe(const tarn_planned *step, const tarn_stage *stage, planned_run *r, tarn_err *err)
{
    json_decref(r->recipe);
    return tarn_recipe_make(stage, step->params, r->inputs, r->n, r->sources, &r->recipe, err);
}

static tarn_code find_in_branch(const walk *w, const char *path, tarn_entry *out, bool *there, tarn_err *err)
{
    char ref[200];
    tarn_id head;

    (void)snprintf(ref, sizeof ref, "heads/%.150s", w->p->branch);
    tarn_code rc = tarn_lake_ref_get(w->lake, ref, &head, err);
    if (rc == TARN_OK) rc = tarn_lake_lookup(w->lake, &head, path, out, err);
    *there = rc == TARN_OK;
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

/* For a step that goes on from its last run: what it goes on from, as one more input. If nothing else has changed since
 * that run, this is what that run itself went on from, so that the same recipe comes out and nothing has to run. */
static tarn_code add_before(walk *w, const tarn_planned *step, const tarn_stage *stage, planned_run *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry past, before;
    bool has_past = false, had_before = false;
    tarn_id id;
    size_t n = r->n;

    TARN_TRY(find_in_branch(w, step->state, &past, &has_past, err));
    if (!has_past) return TARN_OK;
    TARN_TRY(find_in_branch(w, step->before, &before, &had_before, err));
    if (had_before) r->inputs[r->n++] = before;
    TARN_TRY(make_recipe(step, stage, r, err));
    TARN_TRY(tarn_recipe_id(r->recipe, &id, NULL, err));
    if (!tarn_id_equal(&id, &past.recipe)) {
        r->n = n;
        (void)strcpy(past.path, step->before);
        r->inputs[r->n++] = past;
    }
    if (r->n > n) TARN_TRY(add_made(w, &r->inputs[n], err)); /* stands in the commit beside what came of it */
done:
    return rc;
}

/* The step's inputs (from what was made) and recipe. *out: clear_run, after a failure, too. */
static tarn_code plan_step(walk *w, const tarn_planned *step, const tarn_stage *stage, planned_run *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = (planned_run){.n = 0};
    TARN_TRY(tarn_alloc(&out->inputs, step->n_inputs + 2, sizeof *out->inputs, err));
    for (; out->n < step->n_inputs; out->n++) {
        const tarn_entry *e = find_made(w, step->inputs[out->n]);
        if (!e) return TARN_FAIL(err, TARN_INVALID, "no step before it makes '%s'", step->inputs[out->n]);
        out->inputs[out->n] = *e;
    }
    if (stage->facts) TARN_TRY(stage->facts(step->params, w->p->folder, &out->sources, err));
    if (step->state) TARN_TRY(add_before(w, step, stage, out, err));
    TARN_TRY(make_recipe(step, stage, out, err));
done:
    return rc;
}

static tarn_code record_made(walk *w, const tarn_planned *step, const tarn_id *id, const char *recipe_text,
                             const tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object object;
    char key[200], hex[TARN_ID_HEX];

    TARN_TRY(tarn_lake_put(w->lake, recipe_text, strlen(recipe_text), &object, err));
    TARN_TRY(tarn_lake_made(w->lake, id, job->outputs, job->n_outputs, err));
    step_key(w, step, key, sizeof key);
    TARN_TRY(tarn_lake_fact_set(w->lake, key, tarn_id_hex(id, hex), err));
    for (size_t i = 0; i < job->n_outputs; i++) TARN_TRY(add_made(w, &job->outputs[i], err));
done:
    return rc;
}

static tarn_code run_step(walk *w, const tarn_planned *step, const tarn_stage *stage, const planned_run *run,
                          const tarn_id *id, const char *recipe_text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double from = tarn_seconds();
    json_t *recipe = NULL;
    tarn_step_news done = {.name = step->name, .stage = stage->stage, .title = stage->title, .state = TARN_STEP_DONE};
    tarn_stage_job job = {.lake = w->lake,
                          .pool = w->options->pool,
                          .sink = w->options->sink,
                          .folder = w->p->folder,
                          .inputs = run->inputs,
                          .n_inputs = run->n};

    w->ran++;
    TARN_TRY(tarn_json_read(recipe_text, strlen(recipe_text), "recipe", &recipe,
                            err)); /* just what reproducing it will see */
    job.params = json_object_get(recipe, "params");
    char ref[200];
    (void)snprintf(ref, sizeof ref, "heads/%.150s", w->p->branch);
    if (tarn_lake_ref_get(w->lake, ref, &job.before, NULL) != TARN_OK) job.before = (tarn_id){{0}};
    if (w->ran == 1) TARN_TRY(save_record(w, "running", err));
    TARN_TRY(tarn_recipe_run(stage, id, &job, err));
    done.seconds = tarn_seconds() - from;
    done.said = job.said.data;
    note(w, &done);
    TARN_TRY(save_record(w, "running", err));
    TARN_TRY(record_made(w, step, id, recipe_text, &job, err));
    tell(w, step, stage, TARN_STEP_DONE, done.seconds, done.said);
done:
    if (rc != TARN_OK) {
        tarn_err_note(err, "step %s", step->name);
        tell(w, step, stage, TARN_STEP_FAILED, tarn_seconds() - from, err ? err->msg : tarn_code_text(rc));
    }
    tarn_stage_job_clear(&job);
    json_decref(recipe);
    return rc;
}

static tarn_code do_step(walk *w, const tarn_planned *step, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_stage *stage = tarn_stage_find(step->kind);
    planned_run run = {.n = 0};
    char *text = NULL, why[256];
    tarn_id id;

    TARN_TRY(tarn_cancel_check(w->options->sink, err));
    rc = plan_step(w, step, stage, &run, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "step %s", step->name);
        tell(w, step, stage, TARN_STEP_FAILED, 0, err ? err->msg : "");
        goto done;
    }
    TARN_TRY(tarn_recipe_id(run.recipe, &id, &text, err));
    if (!w->options->again) {
        rc = tarn_lake_find_made(w->lake, &id, keep_output, w, err);
        if (rc == TARN_OK) tell(w, step, stage, TARN_STEP_KEPT, 0, "nothing it depends on has changed");
        if (rc != TARN_NOT_FOUND) goto done;
    }
    find_reason(w, step, run.recipe, why, sizeof why);
    tell(w, step, stage, TARN_STEP_RUNNING, 0, why);
    TARN_TRY(run_step(w, step, stage, &run, &id, text, err));
done:
    tarn_free(text);
    clear_run(&run);
    return rc;
}

/* ---- commits ---- */

typedef struct stale_list {
    walk *w;
    tarn_entry *entries;
    size_t n, cap;
} stale_list;

/* Derived paths of the branch that this project does not make any more. */
static tarn_code find_stale(void *arg, const tarn_entry *e, tarn_err *err)
{
    stale_list *s = arg;

    if (tarn_id_none(&e->recipe) || find_made(s->w, e->path)) return TARN_OK;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        tarn_code rc = tarn_resize(&s->entries, cap, sizeof *s->entries, err);
        if (rc != TARN_OK) return rc;
        s->cap = cap;
    }
    tarn_entry *gone = &s->entries[s->n++];
    memset(gone, 0, sizeof *gone);
    (void)strcpy(gone->path, e->path);
    return TARN_OK;
}

static tarn_code commit_made(walk *w, const char *message, bool all, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[200];
    tarn_id head;
    stale_list stale = {.w = w};
    json_t *meta = json_pack("{s:s, s:s}", "project", w->p->name, "run", w->run_key);
    tarn_entry *entries = NULL;

    (void)snprintf(ref, sizeof ref, "heads/%.150s", w->p->branch);
    bool there = tarn_lake_ref_get(w->lake, ref, &head, NULL) == TARN_OK;
    if (there && all) TARN_TRY(tarn_lake_list(w->lake, &head, "", "", 0, find_stale, &stale, err));
    TARN_TRY(tarn_alloc(&entries, w->n_made + stale.n + 1, sizeof *entries, err));
    if (w->n_made > 0) memcpy(entries, w->made, w->n_made * sizeof *entries);
    if (stale.n > 0) memcpy(entries + w->n_made, stale.entries, stale.n * sizeof *entries);
    tarn_commit_options options = {.author = w->author, .message = message, .meta = meta};
    rc = tarn_lake_commit_entries(w->lake, ref, entries, w->n_made + stale.n, &options, &w->commit, err);
    if (rc == TARN_NOT_FOUND && there) {
        w->commit = head;
        rc = TARN_OK;
    }
done:
    tarn_free(entries);
    tarn_free(stale.entries);
    json_decref(meta);
    return rc;
}

/* ---- the registry ---- */

typedef struct known_version {
    const tarn_entry *model, *report;
    int64_t same; /* number of the newest version with these bytes; 0: none */
} known_version;

static tarn_code look_at_version(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    known_version *s = arg;
    char hex[TARN_ID_HEX];

    (void)aliases, (void)err;
    if (tarn_id_equal(&v->object, &s->model->object.id) &&
        strcmp(tarn_json_text(v->meta, "report", ""), tarn_id_hex(&s->report->object.id, hex)) == 0)
        s->same = v->number;
    return s->same ? TARN_CANCELLED : TARN_OK;
}

/* What goes into a version: the model and what was said of it. */
static bool belongs_to_version(const char *path)
{
    return strcmp(path, "model.tarn") == 0 || strcmp(path, "report.html") == 0 ||
           strcmp(path, "train/leaderboard.json") == 0 || strncmp(path, "assess/", 7) == 0;
}

static tarn_code add_version(walk *w, const tarn_entry *report, int64_t *number, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *entries = NULL;
    size_t n = 0;
    tarn_version v = {0};
    char hex[TARN_ID_HEX];
    json_t *more = json_pack("{s:s, s:s, s:s}", "project", w->p->name, "report", tarn_id_hex(&report->object.id, hex),
                             "run", w->run_key);

    TARN_TRY(tarn_alloc(&entries, w->n_made, sizeof *entries, err));
    for (size_t i = 0; i < w->n_made; i++)
        if (belongs_to_version(w->made[i].path)) entries[n++] = w->made[i];
    TARN_TRY(
        tarn_registry_add(w->lake, w->p->model, entries, n, &w->commit, more, w->author, "winner of a run", &v, err));
    *number = v.number;
done:
    tarn_version_clear(&v);
    tarn_free(entries);
    json_decref(more);
    return rc;
}

/* A model that was a version before (a parameter was set back, say) is that version again. */
static tarn_code register_winner(walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];
    known_version s = {.model = find_made(w, "model.tarn"), .report = find_made(w, "report.html")};

    if (!w->p->model[0] || !s.model || !s.report) return TARN_OK;
    TARN_TRY(tarn_registry_list(w->lake, w->p->model, look_at_version, &s, err));
    bool fresh = s.same == 0;
    if (fresh) TARN_TRY(add_version(w, s.report, &s.same, err));
    TARN_TRY(tarn_registry_alias(w->lake, w->p->model, w->p->alias, s.same, w->author, "winner of a run", err));
    TARN_TRY(
        tarn_json_set(w->summary, "model",
                      json_pack("{s:s, s:I, s:s, s:s, s:b}", "name", w->p->model, "version", (json_int_t)s.same,
                                "alias", w->p->alias, "id", tarn_id_hex(&s.model->object.id, hex), "new", (int)fresh),
                      err));
done:
    return rc;
}

/* ---- the whole ---- */

static const char *const stage_words[] = {"ingest", "lake", "prepare", "train", "assess", "registry"};

static int stage_order(const char *word)
{
    for (int i = 0; i < 6; i++)
        if (strcmp(stage_words[i], word) == 0) return i;
    return -1;
}

/* How many steps of the plan are to be done: all, those before the first of a later stage, or up to the step of that
 * name. */
static tarn_code find_end(const tarn_project *p, const char *until, size_t *end, tarn_err *err)
{
    int order = until ? stage_order(until) : 99;

    *end = 0;
    for (size_t i = 0; order >= 0 && i < p->n_steps; i++) {
        if (stage_order(tarn_stage_find(p->steps[i].kind)->stage) > order) break;
        *end = i + 1;
    }
    for (size_t i = 0; order < 0 && i < p->n_steps; i++)
        if (strcmp(p->steps[i].name, until) == 0) *end = i + 1;
    if (*end == 0) {
        const char *near = tarn_nearest_word(until, stage_words, 6);
        if (near)
            return TARN_FAIL(err, TARN_USAGE,
                             "'%.60s' is neither a stage nor a step of this project; did you mean '%s'?", until, near);
        return TARN_FAIL(err, TARN_USAGE,
                         "'%.60s' is neither a stage nor a step of this project; `tarn status` lists them", until);
    }
    return TARN_OK;
}

/* The raw tables are complete behind this step. */
static bool ends_collecting(const tarn_project *p, size_t i)
{
    bool now = strcmp(p->steps[i].kind, "ingest") == 0 || strcmp(p->steps[i].name, "lake/check") == 0;
    bool next = i + 1 < p->n_steps &&
                (strcmp(p->steps[i + 1].kind, "ingest") == 0 || strcmp(p->steps[i + 1].name, "lake/check") == 0);
    return now && !next;
}

static tarn_code take_figures(walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_entry *e = find_made(w, "assess/test.json");
    char *text = NULL;
    size_t len = 0;
    json_t *judged = NULL;

    if (!e) return TARN_OK;
    TARN_TRY(tarn_lake_get(w->lake, &e->object.id, 64 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, e->path, &judged, err));
    TARN_TRY(tarn_json_set(w->summary, "figures", json_deep_copy(json_object_get(judged, "metrics")), err));
done:
    json_decref(judged);
    tarn_free(text);
    return rc;
}

static tarn_code walk_plan(walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t end = 0, collected = SIZE_MAX - 1; /* the last step behind which the raw tables were committed */
    char message[160], hex[TARN_ID_HEX];

    TARN_TRY(find_end(w->p, w->options->until, &end, err));
    for (size_t i = 0; i < end; i++) {
        TARN_TRY(do_step(w, &w->p->steps[i], err));
        if (!ends_collecting(w->p, i)) continue;
        (void)snprintf(message, sizeof message, "ingest: tables of project %.80s", w->p->name);
        TARN_TRY(commit_made(w, message, false, err));
        collected = i;
    }
    if (end < w->p->n_steps && end > collected + 1) {
        (void)snprintf(message, sizeof message, "run: project %.80s up to %.50s", w->p->name,
                       w->p->steps[end - 1].name);
        TARN_TRY(commit_made(w, message, false, err));
    }
    if (end == w->p->n_steps) {
        (void)snprintf(message, sizeof message, "run: project %.80s, %zu of %zu steps ran", w->p->name, w->ran, end);
        TARN_TRY(commit_made(w, message, true, err));
        TARN_TRY(register_winner(w, err));
        TARN_TRY(take_figures(w, err));
    }
    if (!tarn_id_none(&w->commit))
        TARN_TRY(tarn_json_set(w->summary, "commit", json_string(tarn_id_hex(&w->commit, hex)), err));
    TARN_TRY(tarn_json_set(w->summary, "ran", json_integer((json_int_t)w->ran), err));
done:
    return rc;
}

/* One run at a time: the lock file says who has it, and is let go by the kernel if they die. */
static tarn_code take_lock(tarn_lake *lake, int *fd, tarn_err *err)
{
    char path[4096], who[32] = "";

    tarn_code rc = tarn_path_join(path, sizeof path, tarn_lake_inside(lake), "run.lock", err);
    if (rc != TARN_OK) return rc;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) return TARN_FAIL_ERRNO(err, "open", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(*fd, who, sizeof who - 1, 0);
        who[n > 0 ? n : 0] = '\0';
        return TARN_FAIL(err, TARN_BUSY, "another run is at work in this lake (process %s); wait for it, or stop it",
                         who[0] ? who : "unknown");
    }
    int len = snprintf(who, sizeof who, "%ld", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, who, (size_t)len, 0) != len) return TARN_FAIL_ERRNO(err, "write", path);
    return TARN_OK;
}

static void find_author(walk *w)
{
    struct passwd entry, *found = NULL;
    char buffer[2048];

    w->author = w->options->author;
    if (w->author) return;
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        (void)snprintf(w->author_name, sizeof w->author_name, "%.120s", found->pw_name);
    else (void)snprintf(w->author_name, sizeof w->author_name, "uid-%ld", (long)getuid());
    w->author = w->author_name;
}

/* A run ends in direct commits: better refused before the work than behind it. */
static tarn_code check_protection(tarn_lake *lake, const tarn_project *p, tarn_err *err)
{
    json_t *rule = NULL;
    tarn_code rc = tarn_lake_protection_of(lake, p->branch, &rule, err);

    if (rc == TARN_OK && json_is_true(json_object_get(rule, "no_direct")))
        rc = TARN_FAIL(err, TARN_DENIED,
                       "'%.100s' is protected from direct commits; run on a branch of your own (lake: branch: in "
                       "tarn.yaml) and merge that",
                       p->branch);
    json_decref(rule);
    return rc;
}

tarn_code tarn_flow_run(tarn_lake *lake, const tarn_project *p, const tarn_flow_options *options, json_t **summary,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int lock = -1;
    int64_t now = tarn_now_us();
    char started[32];
    walk w = {.lake = lake,
              .p = p,
              .options = options,
              .started = tarn_seconds(),
              .summary = json_object(),
              .steps = json_array()};

    (void)snprintf(w.run_key, sizeof w.run_key, "run/%016lld-%ld", (long long)now, (long)getpid());
    find_author(&w);
    TARN_TRY(tarn_json_set(w.summary, "run", json_string(w.run_key + 4), err));
    TARN_TRY(tarn_json_set(w.summary, "project", json_string(p->name), err));
    TARN_TRY(tarn_json_set(w.summary, "started", json_string(tarn_time_text(now, started)), err));
    TARN_TRY(tarn_json_set(w.summary, "steps", json_incref(w.steps), err));
    TARN_TRY(check_protection(lake, p, err));
    TARN_TRY(take_lock(lake, &lock, err));
    tarn_recipe_sweep(lake);
    rc = walk_plan(&w, err);
    if (rc == TARN_OK) rc = save_record(&w, "done", err);
    else {
        (void)json_object_set_new(w.summary, "error", json_string(err ? err->msg : tarn_code_text(rc)));
        tarn_code kept = w.ran > 0 ? save_record(&w, rc == TARN_CANCELLED ? "cancelled" : "failed", NULL) : TARN_OK;
        if (kept != TARN_OK)
            tarn_say(options->sink, TARN_WARN, "the record of this run could not be kept: %s", tarn_code_text(kept));
    }
done:
    if (lock >= 0) (void)close(lock);
    json_decref(w.steps);
    *summary = w.summary;
    tarn_free(w.made);
    return rc;
}

/* ---- status ---- */

static tarn_code look_at_step(walk *w, const tarn_planned *step, json_t *list, bool *known, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_stage *stage = tarn_stage_find(step->kind);
    planned_run run = {.n = 0};
    char why[256] = "nothing it depends on has changed";
    tarn_id id;
    bool kept = false;

    *known = true;
    for (size_t i = 0; i < step->n_inputs; i++) *known = *known && find_made(w, step->inputs[i]);
    if (!*known) {
        (void)snprintf(why, sizeof why, "waits for steps before it");
    } else {
        TARN_TRY(plan_step(w, step, stage, &run, err));
        TARN_TRY(tarn_recipe_id(run.recipe, &id, NULL, err));
        rc = tarn_lake_find_made(w->lake, &id, keep_output, w, err);
        if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
        kept = rc == TARN_OK;
        if (!kept) find_reason(w, step, run.recipe, why, sizeof why);
        rc = TARN_OK;
    }
    *known = kept;
    TARN_TRY(tarn_json_append(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", step->name, "stage", stage->stage, "title",
                                        stage->title, "state", kept ? "kept" : "todo", "why", why),
                              err));
done:
    clear_run(&run);
    return rc;
}

tarn_code tarn_flow_status(tarn_lake *lake, const tarn_project *p, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_flow_options options = {0};
    walk w = {.lake = lake, .p = p, .options = &options};
    json_t *list = json_array();
    json_int_t todo = 0;

    *out = NULL;
    for (size_t i = 0; i < p->n_steps; i++) {
        bool kept = false;
        TARN_TRY(look_at_step(&w, &p->steps[i], list, &kept, err));
        todo += !kept;
    }
    *out = json_pack("{s:s, s:s, s:O, s:I}", "project", p->name, "problem", p->problem, "steps", list, "todo", todo);
    if (!*out) rc = TARN_FAIL(err, TARN_NOMEM, "cannot make the status");
done:
    json_decref(list);
    tarn_free(w.made);
    return rc;
}

/* ---- past runs ---- */

static tarn_code take_run(void *arg, const char *key, const char *value, tarn_err *err)
{
    json_t *list = arg, *run = NULL;

    (void)key;
    tarn_code rc = tarn_json_read(value, strlen(value), "run record", &run, err);
    if (rc != TARN_OK) return rc;
    return tarn_json_append(list, run, err);
}

tarn_code tarn_flow_runs(tarn_lake *lake, size_t most, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *all = json_array(), *newest = json_array();

    *out = NULL;
    TARN_TRY(tarn_lake_facts(lake, "run/", take_run, all, err));
    for (size_t i = json_array_size(all); i > 0 && json_array_size(newest) < most; i--)
        TARN_TRY(tarn_json_append(newest, json_incref(json_array_get(all, i - 1)), err));
    *out = newest;
    newest = NULL;
done:
    json_decref(newest);
    json_decref(all);
    return rc;
}
