/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - object lock: retention and legal holds of versions in buckets made for it.
 *
 * They are attributes of the version, "retain" (microseconds), "mode" and "held", which S3 shows and deletes by, and
 * holds of the lake (holding.c), which keep the content and the branch from everybody else. Who may set them needs
 * hold.set; to shorten or pass over a retention for GOVERNANCE takes hold.bypass and x-amz-bypass-governance-retention.
 * One for COMPLIANCE can only be made longer. */
#include "serve/s3/inside.h"

#include <string.h>
#include <strings.h>

static tarn_code needs_lock(tarn_s3_call *call, tarn_err *err)
{
    if (call->place.locked) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidRequest, "the bucket was not made with object lock");
}

static const char governance[] = "GOVERNANCE", compliance[] = "COMPLIANCE";

static const char *mode_of(const json_t *attrs) { return tarn_json_text(attrs, "mode", governance); }

static bool is_compliance(const json_t *attrs) { return strcmp(mode_of(attrs), compliance) == 0; }

static tarn_code read_mode(tarn_s3_call *call, const char *mode, bool *strict, tarn_err *err)
{
    *strict = mode && strcmp(mode, compliance) == 0;
    if (*strict || (mode && strcmp(mode, governance) == 0)) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidRequest,
                        "the mode of a retention is GOVERNANCE or COMPLIANCE, not '%.20s'", mode ? mode : "");
}

/* Into the attributes; us 0: none. */
static tarn_code set_retention(json_t *attrs, int64_t us, bool strict, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)json_object_del(attrs, "retain");
    (void)json_object_del(attrs, "mode");
    if (us > 0) TARN_TRY(tarn_json_set(attrs, "retain", json_integer(us), err));
    if (us > 0 && strict) TARN_TRY(tarn_json_set(attrs, "mode", json_string(compliance), err));
done:
    return rc;
}

tarn_s3_lock tarn_s3_lock_of(const json_t *attrs)
{
    return (tarn_s3_lock){.until_us = json_integer_value(json_object_get(attrs, "retain")),
                          .compliance = is_compliance(attrs),
                          .legal = json_is_true(json_object_get(attrs, "held"))};
}

static tarn_code read_until(tarn_s3_call *call, const char *date, int64_t *us, tarn_err *err)
{
    if (!date || !tarn_s3_read_date(date, us))
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "'%.40s' is no date to retain until", date ? date : "");
    if (*us > tarn_now_us()) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "the date to retain until must be in the future");
}

static tarn_code read_status(tarn_s3_call *call, const char *status, bool *on, tarn_err *err)
{
    *on = status && strcmp(status, "ON") == 0;
    if (*on || (status && strcmp(status, "OFF") == 0)) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_MalformedXML, "a legal hold is ON or OFF, not '%.20s'",
                        status ? status : "");
}

tarn_code tarn_s3_lock_headers(tarn_s3_call *call, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *mode = tarn_s3_header(call, "x-amz-object-lock-mode"),
               *date = tarn_s3_header(call, "x-amz-object-lock-retain-until-date"),
               *hold = tarn_s3_header(call, "x-amz-object-lock-legal-hold");
    int64_t us = call->place.retain_days > 0 ? tarn_now_us() + call->place.retain_days * 86400000000 : 0;
    bool on = false, strict = call->place.compliance;

    if (mode || date || hold) {
        TARN_TRY(needs_lock(call, err));
        TARN_TRY(tarn_s3_may(call, TARN_ACT_HOLD_SET, &call->place, err));
    }
    if (mode || date) {
        TARN_TRY(read_mode(call, mode, &strict, err));
        TARN_TRY(read_until(call, date, &us, err));
    }
    if (hold) TARN_TRY(read_status(call, hold, &on, err));
    if (us > 0) TARN_TRY(set_retention(attrs, us, strict, err));
    if (on) TARN_TRY(tarn_json_set(attrs, "held", json_true(), err));
done:
    return rc;
}

void tarn_s3_lock_reply(tarn_s3_call *call, const json_t *attrs)
{
    int64_t us = json_integer_value(json_object_get(attrs, "retain"));
    char date[40];

    if (us > 0) {
        tarn_s3_reply_header(call, "x-amz-object-lock-mode", "%s", mode_of(attrs));
        tarn_s3_reply_header(call, "x-amz-object-lock-retain-until-date", "%s", tarn_s3_iso_date(us, date));
    }
    if (json_is_true(json_object_get(attrs, "held"))) tarn_s3_reply_header(call, "x-amz-object-lock-legal-hold", "ON");
}

/* Whether a retention may be passed over: it was asked for, and is allowed. */
static tarn_code bypass(tarn_s3_call *call, const tarn_s3_place *place, tarn_err *err)
{
    const char *asked = tarn_s3_header(call, "x-amz-bypass-governance-retention");

    if (tarn_s3_is_true(asked)) return tarn_s3_may(call, TARN_ACT_HOLD_BYPASS, place, err);
    return tarn_s3_fail(call, err, TARN_S3_AccessDenied,
                        "the version is retained; x-amz-bypass-governance-retention: true "
                        "passes over that for who may");
}

static tarn_code strict_until(tarn_s3_call *call, int64_t us, tarn_err *err)
{
    char date[40];

    return tarn_s3_fail(call, err, TARN_S3_AccessDenied,
                        "the version is retained for COMPLIANCE until %s, which nobody can shorten or pass over",
                        tarn_s3_iso_date(us, date));
}

tarn_code tarn_s3_lock_check(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *version, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = NULL;

    TARN_TRY(tarn_s3_attrs_read(call, place, version, &attrs, err));
    int64_t us = json_integer_value(json_object_get(attrs, "retain"));
    bool active = us > tarn_now_us();
    if (json_is_true(json_object_get(attrs, "held")))
        rc = tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the version is under a legal hold");
    else if (active && is_compliance(attrs)) rc = strict_until(call, us, err);
    else if (active) rc = bypass(call, place, err);
    if (rc == TARN_OK && us > 0) rc = tarn_s3_hold_ended(call, place, version, active, err);
done:
    json_decref(attrs);
    return rc;
}

/* ---- what the operations do ---- */

typedef struct words {
    tarn_s3_call *call;
    const char *mode, *date, *status, *days, *years;
} words;

static tarn_code read_word(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    words *w = arg;
    const char *name = strrchr(path, '/');
    char *copy = NULL;

    if (!text || !name) return TARN_OK;
    tarn_code rc = tarn_arena_strndup(w->call->arena, text, len, &copy, err);
    if (strcmp(name, "/Mode") == 0) w->mode = copy;
    if (strcmp(name, "/RetainUntilDate") == 0) w->date = copy;
    if (strcmp(name, "/Status") == 0) w->status = copy;
    if (strcmp(name, "/Days") == 0) w->days = copy;
    if (strcmp(name, "/Years") == 0) w->years = copy;
    return rc;
}

/* Another retention for a version: later is fine, sooner or none takes a bypass, if anything helps. */
static tarn_code edit_retention(void *arg, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const words *w = arg;
    tarn_s3_lock *lock = &w->call->lock;
    int64_t us = 0, was = json_integer_value(json_object_get(attrs, "retain"));
    bool strict = false, active = was > tarn_now_us();

    if (w->mode || w->date) {
        TARN_TRY(read_mode(w->call, w->mode, &strict, err));
        TARN_TRY(read_until(w->call, w->date, &us, err));
    }
    if (active && is_compliance(attrs) && (us < was || !strict)) return strict_until(w->call, was, err);
    lock->passes_over = active && us < was;
    if (lock->passes_over) TARN_TRY(bypass(w->call, &w->call->place, err));
    lock->until_us = us;
    lock->compliance = strict;
    rc = set_retention(attrs, us, strict, err);
done:
    return rc;
}

static tarn_code edit_hold(void *arg, json_t *attrs, tarn_err *err)
{
    const words *w = arg;
    bool on = false;
    tarn_code rc = read_status(w->call, w->status, &on, err);

    w->call->lock.legal = on;
    w->call->lock.frees = !on && json_is_true(json_object_get(attrs, "held"));
    if (rc == TARN_OK) rc = tarn_json_set(attrs, "held", json_boolean(on), err);
    return rc;
}

tarn_code tarn_s3_lock_put(tarn_s3_call *call, bool hold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    words w = {.call = call};

    TARN_TRY(needs_lock(call, err));
    TARN_TRY(tarn_s3_read_xml(call, read_word, &w, err));
    rc = tarn_s3_edit(call, hold ? edit_hold : edit_retention, &w, err);
done:
    return rc;
}

tarn_code tarn_s3_lock_get(tarn_s3_call *call, bool hold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    json_t *attrs = NULL;
    const char *version = tarn_s3_query(call, "versionId");
    char date[40];

    TARN_TRY(needs_lock(call, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    TARN_TRY(tarn_s3_look_version(call, &call->place, version ? version : "", e, err));
    TARN_TRY(tarn_s3_attrs_read(call, &call->place, e, &attrs, err));
    int64_t us = json_integer_value(json_object_get(attrs, "retain"));
    if (!hold && us == 0)
        rc = tarn_s3_fail(call, err, TARN_S3_NoSuchObjectLockConfiguration, "the version is not retained");
    if (rc != TARN_OK) goto done;
    tarn_s3_xml_open(call, hold ? "LegalHold" : "Retention");
    if (hold) tarn_s3_xml(call, "Status", json_is_true(json_object_get(attrs, "held")) ? "ON" : "OFF");
    if (!hold) tarn_s3_xml(call, "Mode", mode_of(attrs));
    if (!hold) tarn_s3_xml(call, "RetainUntilDate", tarn_s3_iso_date(us, date));
    tarn_text_addf(&call->xml, "</%s>", hold ? "LegalHold" : "Retention");
done:
    json_decref(attrs);
    return rc;
}

tarn_code tarn_s3_lock_configure(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    words w = {.call = call};
    tarn_s3_bucket b;
    int64_t n = 0;
    bool strict = false;

    TARN_TRY(tarn_s3_bucket_find(call, call->bucket, &b, err));
    TARN_TRY(needs_lock(call, err));
    TARN_TRY(tarn_s3_read_xml(call, read_word, &w, err));
    const char *text = w.days ? w.days : w.years;
    if (text || w.mode) {
        TARN_TRY(read_mode(call, w.mode, &strict, err));
        if (!text || (w.days && w.years) || !tarn_int_parse(text, strlen(text), &n) || n < 1 || n > 36500)
            return tarn_s3_fail(call, err, TARN_S3_MalformedXML,
                                "a default retention has either Days or Years, 1 to 36500");
        if (w.years) n *= 365;
    }
    b.retain_days = n;
    b.compliance = strict;
    rc = tarn_s3_bucket_set(call, &b, err);
done:
    return rc;
}

tarn_code tarn_s3_lock_configuration(tarn_s3_call *call, tarn_err *err)
{
    if (!call->place.locked)
        return tarn_s3_fail(call, err, TARN_S3_ObjectLockConfigurationNotFoundError,
                            "the bucket was not made with object lock");
    tarn_s3_xml_open(call, "ObjectLockConfiguration");
    tarn_s3_xml(call, "ObjectLockEnabled", "Enabled");
    if (call->place.retain_days > 0)
        tarn_text_addf(&call->xml, "<Rule><DefaultRetention><Mode>%s</Mode><Days>%lld</Days></DefaultRetention></Rule>",
                       call->place.compliance ? compliance : governance, (long long)call->place.retain_days);
    tarn_text_add(&call->xml, "</ObjectLockConfiguration>");
    return tarn_text_check(&call->xml, err);
}
