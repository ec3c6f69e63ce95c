/* SPDX-License-Identifier: Apache-2.0 */
/* protect.c - which branches are protected, from what, and asking the gate.
 *
 * All rules are one fact of the lake, so they change and are read whole. A change of a ref reads them first and
 * looks again in the transaction that moves it: a rule that came in between counts. */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char fact[] = "protection";
static const char variable[] = "TARN_CHECKING";

enum { SECONDS = 300, SECONDS_MOST = 86400, PATTERN_MOST = 200 };

/* ---- the rules ---- */

/* In the lake's lock. *text NULL: there are none. */
static tarn_code read_text(tarn_lake *lake, char **text, tarn_err *err)
{
    char *stored = NULL;

    *text = NULL;
    tarn_code rc = tarn_meta_fact_get(lake->meta, fact, &stored, NULL);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) rc = tarn_meta_fact_get(lake->meta, fact, &stored, err);
    if (rc == TARN_OK) rc = tarn_unsealed_text(lake, fact, stored, text, err);
    tarn_free(stored);
    return rc;
}

static tarn_code stamp_of(const char *text, tarn_id *stamp, tarn_err *err)
{
    *stamp = (tarn_id){{0}};
    return text ? tarn_digest(text, strlen(text), stamp, err) : TARN_OK;
}

static tarn_code parse(const char *text, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = NULL;
    if (text) rc = tarn_json_read(text, strlen(text), "the lake's protection", out, err);
    if (rc == TARN_OK && !*out) *out = json_object();
    if (rc != TARN_OK) return rc == TARN_INVALID ? TARN_CORRUPT : rc;
    return *out ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "no memory for the lake's protection");
}

static tarn_code read_rules(tarn_lake *lake, json_t **out, tarn_id *stamp, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    *out = NULL;
    tarn_lake_lock(lake);
    rc = read_text(lake, &text, err);
    tarn_lake_unlock(lake);
    TARN_TRY(rc);
    TARN_TRY(stamp_of(text, stamp, err));
    TARN_TRY(parse(text, out, err));
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_lake_protection(tarn_lake *lake, json_t **out, tarn_err *err)
{
    tarn_id stamp;
    return read_rules(lake, out, &stamp, err);
}

static tarn_code check_requirement(const json_t *value, tarn_err *err)
{
    const char *text = json_string_value(value);

    if (text && strcmp(text, "schema") == 0) return TARN_OK;
    if (text && strncmp(text, "command:", 8) == 0 && text[8 + strspn(text + 8, " ")]) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID, "a check is 'schema' or 'command: ...', not '%.80s'", text ? text : "?");
}

static tarn_code check_rule(const char *pattern, const json_t *rule, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t i;
    json_t *value;
    const json_t *require = json_object_get(rule, "require"), *seconds = json_object_get(rule, "seconds");

    if (!*pattern || strlen(pattern) > PATTERN_MOST || strchr(pattern, '\n') ||
        !tarn_utf8_valid(pattern, strlen(pattern), NULL))
        return TARN_FAIL(err, TARN_INVALID, "a pattern of branches is one line of 1 to %d bytes", PATTERN_MOST);
    if (rule && !json_is_object(rule)) return TARN_FAIL(err, TARN_INVALID, "a rule of protection is a JSON object");
    if (require && !json_is_array(require)) return TARN_FAIL(err, TARN_INVALID, "'require' is a list of checks");
    if (seconds && (json_integer_value(seconds) < 1 || json_integer_value(seconds) > SECONDS_MOST))
        return TARN_FAIL(err, TARN_INVALID, "'seconds' is a whole number, 1 to %d", SECONDS_MOST);
    json_array_foreach(require, i, value) TARN_TRY(check_requirement(value, err));
done:
    return rc;
}

/* In a transaction. */
static tarn_code change_rules(tarn_lake *lake, const char *pattern, const json_t *rule, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, *changed = NULL, *stored = NULL;
    json_t *rules = NULL, *kept = rule ? json_deep_copy(rule) : NULL;

    TARN_TRY(read_text(lake, &text, err));
    TARN_TRY(parse(text, &rules, err));
    if (rule) {
        TARN_TRY(tarn_json_set(rules, pattern, json_incref(kept), err));
        if (who && *who) TARN_TRY(tarn_json_set(kept, "by", json_string(who), err));
    } else if (json_object_del(rules, pattern) != 0) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "no rule protects '%.200s'; 'tarn lake protect' lists them", pattern);
        goto done;
    }
    TARN_TRY(tarn_json_compact(rules, &changed, err));
    TARN_TRY(tarn_sealed_text(lake, fact, changed, &stored, err));
    TARN_TRY(tarn_meta_fact_set(lake->meta, fact, stored, err));
done:
    json_decref(kept);
    json_decref(rules);
    tarn_free(text);
    tarn_free(changed);
    tarn_free(stored);
    return rc;
}

tarn_code tarn_lake_protect(tarn_lake *lake, const char *pattern, const json_t *rule, const char *who, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(check_rule(pattern, rule, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_tx_end(lake, change_rules(lake, pattern, rule, who, err), err);
done:
    return rc;
}

/* ---- what holds for one ref ---- */

static tarn_code unite(json_t *all, const json_t *rule, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t i, k;
    json_t *value, *there, *require = json_object_get(all, "require");
    json_int_t seconds = json_integer_value(json_object_get(rule, "seconds"));

    if (json_is_true(json_object_get(rule, "no_direct"))) TARN_TRY(tarn_json_set(all, "no_direct", json_true(), err));
    if (seconds > json_integer_value(json_object_get(all, "seconds")))
        TARN_TRY(tarn_json_set(all, "seconds", json_integer(seconds), err));
    json_array_foreach(json_object_get(rule, "require"), i, value)
    {
        bool known = false;
        json_array_foreach(require, k, there) known = known || json_equal(there, value);
        if (!known) TARN_TRY(tarn_json_append(require, json_incref(value), err));
    }
done:
    return rc;
}

static tarn_code rule_of(json_t *rules, const char *branch, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *pattern;
    json_t *rule, *all = NULL;

    json_object_foreach(rules, pattern, rule)
    {
        if (!tarn_glob_any(pattern, branch)) continue;
        if (!all) {
            all = json_pack("{s:b, s:[], s:i}", "no_direct", 0, "require", "seconds", 0);
            if (!all) rc = TARN_FAIL(err, TARN_NOMEM, "no memory for the lake's protection");
            TARN_TRY(rc);
        }
        TARN_TRY(unite(all, rule, err));
    }
    *out = json_incref(all);
done:
    json_decref(all);
    return rc;
}

tarn_code tarn_guard_read(tarn_lake *lake, const char *ref, tarn_guard *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *rules = NULL;

    *out = (tarn_guard){.rule = NULL};
    TARN_TRY(read_rules(lake, &rules, &out->stamp, err));
    if (strncmp(ref, "heads/", 6) == 0) TARN_TRY(rule_of(rules, ref + 6, &out->rule, err));
done:
    json_decref(rules);
    return rc;
}

tarn_code tarn_guard_stamp(tarn_lake *lake, tarn_id *stamp, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;

    TARN_TRY(read_text(lake, &text, err));
    TARN_TRY(stamp_of(text, stamp, err));
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_guard_same(tarn_lake *lake, const tarn_guard *guard, bool *same, tarn_err *err)
{
    tarn_id stamp;
    tarn_code rc = tarn_guard_stamp(lake, &stamp, err);

    *same = rc == TARN_OK && tarn_id_equal(&stamp, &guard->stamp);
    return rc;
}

tarn_code tarn_lake_protection_of(tarn_lake *lake, const char *branch, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];
    tarn_guard guard;

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_guard_read(lake, ref, &guard, err));
    *out = guard.rule;
done:
    return rc;
}

/* ---- the gate ---- */

bool tarn_guard_requires(const tarn_guard *guard)
{
    return json_array_size(json_object_get(guard->rule, "require")) > 0;
}

void tarn_lake_set_gate(tarn_lake *lake, tarn_gate_fn *fn, const void *arg)
{
    lake->gate = fn;
    lake->gate_arg = arg;
}

tarn_code tarn_guard_pass(tarn_lake *lake, const tarn_guard *guard, const char *ref, const char *event,
                          const tarn_id *head, const tarn_id *candidate, json_t *results, tarn_err *err)
{
    json_int_t seconds = json_integer_value(json_object_get(guard->rule, "seconds"));
    tarn_gate_ask ask = {.ref = ref,
                         .event = event,
                         .head = *head,
                         .commit = *candidate,
                         .require = json_object_get(guard->rule, "require"),
                         .seconds = seconds > 0 ? seconds : SECONDS};

    if (!lake->gate)
        return TARN_FAIL(err, TARN_DENIED, "'%.100s' needs a check that this program cannot run; change it with tarn",
                         ref);
    return lake->gate(lake->gate_arg, lake, &ask, results, err);
}

tarn_code tarn_lake_checking(const tarn_lake *lake, const char *ref, tarn_text *out, tarn_err *err)
{
    tarn_text_addf(out, "%s %s", ref, lake->inside);
    return tarn_text_check(out, err);
}

tarn_code tarn_guard_reentry(const tarn_lake *lake, const char *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *now = getenv(variable);
    tarn_text own = {0};

    if (!now) return TARN_OK;
    TARN_TRY(tarn_lake_checking(lake, ref, &own, err));
    if (strcmp(now, own.data) == 0)
        rc = TARN_FAIL(err, TARN_DENIED,
                       "this is a check of '%.100s', which waits for it: a check cannot change the branch it checks",
                       ref);
done:
    tarn_text_clear(&own);
    return rc;
}
