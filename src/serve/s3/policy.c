/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - what a form may send, as whoever signed its policy has it: every field is held to a condition. */
#include "serve/s3/auth.h"

#include "base/base64.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Fields that need no condition. */
static bool is_free(const char *name)
{
    static const char *const names[] = {"policy", "x-amz-signature", "file", "filename", "bucket"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return strncmp(name, "x-ignore-", 9) == 0;
}

static const char *field_of(const tarn_s3_call *call, const json_t *fields, const char *name)
{
    char lower[128];
    size_t n = 0;

    for (; name[n] && n + 1 < sizeof lower; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
    lower[n] = '\0';
    return strcmp(lower, "bucket") == 0 ? call->bucket : tarn_json_text(fields, lower, "");
}

static tarn_code broken(tarn_s3_call *call, const char *name, tarn_err *err)
{
    return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the field '%.60s' of the form is not as its policy has it",
                        name);
}

static tarn_code hold(tarn_s3_call *call, const json_t *fields, const char *how, const char *name, const char *value,
                      json_t *held, tarn_err *err)
{
    const char *has = field_of(call, fields, name);
    bool starts = strcasecmp(how, "starts-with") == 0;

    if (!starts && strcasecmp(how, "eq") != 0)
        return tarn_s3_fail(call, err, TARN_S3_InvalidPolicyDocument, "the policy has a condition '%.40s'", how);
    if (starts ? strncmp(has, value, strlen(value)) != 0 : strcmp(has, value) != 0) return broken(call, name, err);
    char lower[128];
    (void)snprintf(lower, sizeof lower, "%s", name);
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    return tarn_json_set(held, lower, json_true(), err);
}

static tarn_code one_condition(tarn_s3_call *call, const json_t *fields, const json_t *c, json_t *held,
                               uint64_t range[2], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *key;
    json_t *value;

    if (json_is_object(c)) {
        json_object_foreach((json_t *)(uintptr_t)c, key, value)
        {
            const char *text = json_string_value(value);
            rc = hold(call, fields, "eq", key, text ? text : "", held, err);
            if (rc != TARN_OK) return rc;
        }
        return TARN_OK;
    }
    const char *how = json_string_value(json_array_get(c, 0)), *name = json_string_value(json_array_get(c, 1)),
               *text = json_string_value(json_array_get(c, 2));
    if (how && strcasecmp(how, "content-length-range") == 0 && json_is_integer(json_array_get(c, 2))) {
        range[0] = (uint64_t)json_integer_value(json_array_get(c, 1));
        range[1] = (uint64_t)json_integer_value(json_array_get(c, 2));
        return TARN_OK;
    }
    if (!how || !name || name[0] != '$' || !text)
        return tarn_s3_fail(call, err, TARN_S3_InvalidPolicyDocument, "the policy has a condition that is none");
    return hold(call, fields, how, name + 1, text, held, err);
}

static tarn_code all_conditions(tarn_s3_call *call, const json_t *fields, const json_t *policy, uint64_t range[2],
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *held = json_object(), *value;
    const json_t *conditions = json_object_get(policy, "conditions");
    const char *key;

    if (!json_is_array(conditions))
        rc = tarn_s3_fail(call, err, TARN_S3_InvalidPolicyDocument, "the policy has no conditions");
    for (size_t i = 0; i < json_array_size(conditions) && rc == TARN_OK; i++)
        rc = one_condition(call, fields, json_array_get(conditions, i), held, range, err);
    if (rc != TARN_OK) goto done;
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        if (!is_free(key) && !json_object_get(held, key)) rc = broken(call, key, err);
        if (rc != TARN_OK) goto done;
    }
done:
    json_decref(held);
    return rc;
}

static tarn_code decode(tarn_s3_call *call, const char *text, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;
    size_t len = strlen(text), n = 0;

    TARN_TRY(tarn_arena_alloc(call->arena, &bytes, len + 1, 1, err));
    if (!tarn_base64_read(text, len, bytes, len, &n) || tarn_json_read(bytes, n, "policy", out, err) != TARN_OK)
        rc = tarn_s3_fail(call, err, TARN_S3_InvalidPolicyDocument, "the policy of the form is not JSON in base64");
done:
    return rc;
}

tarn_code tarn_s3_policy_check(tarn_s3_call *call, const json_t *fields, uint64_t range[2], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *policy = tarn_json_text(fields, "policy", NULL);
    json_t *json = NULL;
    int64_t until = 0;

    range[0] = 0;
    range[1] = UINT64_MAX;
    if (!policy) return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "a form needs a signed policy");
    TARN_TRY(tarn_s3_check_form(call, tarn_json_text(fields, "x-amz-credential", ""),
                                tarn_json_text(fields, "x-amz-signature", ""), tarn_json_text(fields, "x-amz-date", ""),
                                policy, err));
    TARN_TRY(decode(call, policy, &json, err));
    const char *expiration = tarn_json_text(json, "expiration", "");
    if (!tarn_time_parse(expiration, strlen(expiration), &until) || until < tarn_now_us())
        rc = tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the policy of the form has expired");
    if (rc == TARN_OK) rc = all_conditions(call, fields, json, range, err);
done:
    json_decref(json);
    return rc;
}
