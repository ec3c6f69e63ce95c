/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - from bucket and key to branch (or commit) and path.
 *
 * The lake's bucket has keys <ref>/<path>; the longest beginning that is a ref counts. A branch is seen with what is
 * staged on it; tags, commits and refs with ~, ^ or @{} are fixed and cannot be written to. A bound bucket is a branch
 * and its keys are paths. The key "x/" is a marker of a folder, kept as the path "x/ folder" (a space sorts before all
 * other names, so that listings are in the order of keys). */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>

enum { REF_MOST = 200 };

static const char marker[] = " folder", versions[] = " versions", fact_prefix[] = "s3/bucket/";

tarn_lake *tarn_s3_lake(const tarn_s3_call *call) { return call->gateway->options.lake; }

/* ---- keys and paths ---- */

void tarn_s3_key_of(const char *path, char key[1025])
{
    size_t len = strlen(path), n = sizeof marker - 1;
    bool folder = len >= n && strcmp(path + len - n, marker) == 0 && (len == n || path[len - n - 1] == '/');

    (void)snprintf(key, 1025, "%.*s", (int)(folder ? len - n : len), path);
}

static const char *part_fault(const char *part, size_t len)
{
    if (len == 0) return "an empty part ('//' or '/' in front)";
    if (len == 1 && part[0] == '.') return "a part '.'";
    if (len == 2 && part[0] == '.' && part[1] == '.') return "a part '..'";
    if (len == sizeof marker - 1 && strncmp(part, marker, len) == 0)
        return "a part ' folder', which marks folders here";
    return len == sizeof versions - 1 && strncmp(part, versions, len) == 0
               ? "a part ' versions', which holds versions here"
               : NULL;
}

/* The rest of a key, behind its ref, as a lake path. */
static tarn_code path_of(tarn_s3_call *call, const char *rest, char path[1025], tarn_err *err)
{
    const char *fault = NULL;
    size_t len = strlen(rest);
    bool folder = len == 0 || rest[len - 1] == '/';

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)rest[i] < 32 || rest[i] == 127) fault = "a control character";
    for (const char *p = rest; *p && !fault;) {
        size_t n = strcspn(p, "/");
        fault = part_fault(p, n);
        p += n + (p[n] == '/');
    }
    if (fault)
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "the key '%.100s' cannot be a path in the lake: it has %s", rest, fault);
    if (len + (folder ? sizeof marker - 1 : 0) > 1024)
        return tarn_s3_fail(call, err, TARN_S3_KeyTooLongError, "a path in the lake has at most 1,024 bytes");
    (void)snprintf(path, 1025, "%s%s", rest, folder ? marker : "");
    return TARN_OK;
}

/* ---- refs ---- */

static bool is_branch(tarn_s3_call *call, const char *name)
{
    tarn_id id;
    tarn_err ignored = {0};

    if (strncmp(name, "tags/", 5) == 0 || strncmp(name, "models/", 7) == 0) return false;
    return strcmp(name, "main") == 0 || tarn_lake_ref_get(tarn_s3_lake(call), name, &id, &ignored) == TARN_OK;
}

/* The longest beginning of key up to a '/' (or its end) that names something; its length, 0 if none does. */
static size_t find_ref(tarn_s3_call *call, const char *key, tarn_s3_place *out)
{
    tarn_err ignored = {0};
    size_t ends[16], n = 0;

    for (size_t i = 0; n < 16 && i <= REF_MOST; i++) {
        if (key[i] != '/' && key[i] != '\0') continue;
        if (i > 0) ends[n++] = i;
        if (key[i] == '\0') break;
    }
    for (int fixed = 0; fixed < 2; fixed++)
        for (size_t k = n; k-- > 0;) {
            (void)snprintf(out->ref, sizeof out->ref, "%.*s", (int)ends[k], key);
            if (!fixed && is_branch(call, out->ref)) (void)snprintf(out->branch, sizeof out->branch, "%s", out->ref);
            else if (!fixed || tarn_lake_resolve(tarn_s3_lake(call), out->ref, &out->commit, &ignored) != TARN_OK)
                continue;
            return ends[k];
        }
    out->ref[0] = '\0';
    return 0;
}

tarn_code tarn_s3_place_find(tarn_s3_call *call, const char *bucket, const char *key, tarn_s3_place *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_bucket b;
    size_t n = 0;

    *out = (tarn_s3_place){.bound = false};
    TARN_TRY(tarn_s3_bucket_find(call, bucket, &b, err));
    (void)snprintf(out->bucket, sizeof out->bucket, "%s", b.name);
    out->bound = b.bound;
    out->versioning = b.versioning;
    out->locked = b.locked;
    out->retain_days = b.retain_days;
    out->compliance = b.compliance;
    if (b.bound) {
        (void)snprintf(out->ref, sizeof out->ref, "%s", b.branch);
        (void)snprintf(out->branch, sizeof out->branch, "%s", b.branch);
    }
    if (!*key) return TARN_OK;
    if (!b.bound) {
        n = find_ref(call, key, out);
        if (n == 0)
            return tarn_s3_fail(call, err, TARN_S3_NoSuchKey,
                                "'%.100s' begins with no branch, tag or commit; keys of this bucket are <ref>/<path>",
                                key);
        out->bare = key[n] == '\0';
        n += key[n] == '/';
    }
    rc = path_of(call, key + n, out->path, err);
done:
    return rc;
}

tarn_code tarn_s3_place_writable(tarn_s3_call *call, const tarn_s3_place *place, tarn_err *err)
{
    if (place->bare && call->op->right != TARN_ACT_COMMIT)
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "the key '%.100s' names a branch and no path in it; write to '%.100s/...'", place->ref,
                            place->ref);
    if (place->branch[0]) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_MethodNotAllowed,
                        "'%.100s' is a tag or a commit, which never changes; write to a branch", place->ref);
}

tarn_code tarn_s3_look(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *out, tarn_err *err)
{
    if (place->bare) return tarn_s3_fail(call, err, TARN_S3_NoSuchKey, "The specified key does not exist");
    tarn_code rc = place->branch[0] ? tarn_s3_staged_lookup(call, place->branch, place->path, out, err)
                                    : tarn_lake_lookup(tarn_s3_lake(call), &place->commit, place->path, out, err);

    if (rc == TARN_NOT_FOUND) return tarn_s3_fail(call, err, TARN_S3_NoSuchKey, "The specified key does not exist");
    return rc;
}

/* ---- buckets ---- */

static tarn_code name_check(tarn_s3_call *call, const char *name, tarn_err *err)
{
    size_t len = strlen(name);
    bool ok = len >= 3 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
              name[0] != '.' && name[0] != '-' && name[len - 1] != '.' && name[len - 1] != '-' && !strstr(name, "..");

    if (ok) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidBucketName,
                        "'%.70s' is no name for a bucket: 3 to 63 lower-case letters, digits, '-' and single '.'",
                        name);
}

static tarn_code read_bucket(const char *key, const char *value, tarn_s3_bucket *out, tarn_err *err)
{
    json_t *json = NULL;
    tarn_code rc = tarn_json_read(value, strlen(value), key, &json, err);

    if (rc != TARN_OK) return rc;
    const char *versioning = tarn_json_text(json, "versioning", "");
    *out = (tarn_s3_bucket){.bound = true,
                            .time_us = json_integer_value(json_object_get(json, "time")),
                            .locked = json_is_true(json_object_get(json, "locked")),
                            .retain_days = json_integer_value(json_object_get(json, "retain_days")),
                            .compliance = json_is_true(json_object_get(json, "compliance")),
                            .versioning = strcmp(versioning, "Enabled") == 0     ? TARN_S3_VERSIONED
                                          : strcmp(versioning, "Suspended") == 0 ? TARN_S3_SUSPENDED
                                                                                 : TARN_S3_UNVERSIONED};
    (void)snprintf(out->name, sizeof out->name, "%s", key + sizeof fact_prefix - 1);
    (void)snprintf(out->branch, sizeof out->branch, "%s", tarn_json_text(json, "branch", ""));
    json_decref(json);
    return TARN_OK;
}

static void lake_bucket(const tarn_s3_call *call, tarn_s3_bucket *out)
{
    *out = (tarn_s3_bucket){.bound = false};
    (void)snprintf(out->name, sizeof out->name, "%s", call->gateway->bucket);
}

tarn_code tarn_s3_bucket_find(tarn_s3_call *call, const char *name, tarn_s3_bucket *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[128], *value = NULL;

    if (strcmp(name, call->gateway->bucket) == 0) {
        lake_bucket(call, out);
        return TARN_OK;
    }
    TARN_TRY(name_check(call, name, err));
    (void)snprintf(key, sizeof key, "%s%s", fact_prefix, name);
    rc = tarn_lake_fact_get(tarn_s3_lake(call), key, &value, err);
    if (rc == TARN_NOT_FOUND)
        rc = tarn_s3_fail(call, err, TARN_S3_NoSuchBucket, "there is no bucket '%s'; the lake is '%s'", name,
                          call->gateway->bucket);
    if (rc == TARN_OK) rc = read_bucket(key, value, out, err);
done:
    tarn_free(value);
    return rc;
}

typedef struct bucket_arg {
    tarn_s3_bucket_fn *fn;
    void *arg;
} bucket_arg;

static tarn_code each_bucket(void *arg, const char *key, const char *value, tarn_err *err)
{
    bucket_arg *a = arg;
    tarn_s3_bucket b;
    tarn_code rc = read_bucket(key, value, &b, err);

    return rc == TARN_OK ? a->fn(a->arg, &b, err) : rc;
}

tarn_code tarn_s3_buckets(tarn_s3_call *call, tarn_s3_bucket_fn *fn, void *arg, tarn_err *err)
{
    bucket_arg a = {fn, arg};
    tarn_s3_bucket b;

    lake_bucket(call, &b);
    tarn_code rc = fn(arg, &b, err);
    return rc == TARN_OK ? tarn_lake_facts(tarn_s3_lake(call), fact_prefix, each_bucket, &a, err) : rc;
}

tarn_code tarn_s3_bucket_set(tarn_s3_call *call, const tarn_s3_bucket *bucket, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[128], *text = NULL;
    json_t *json = json_object();

    TARN_TRY(tarn_json_set(json, "branch", json_string(bucket->branch), err));
    TARN_TRY(tarn_json_set(json, "time", json_integer(bucket->time_us), err));
    if (bucket->versioning != TARN_S3_UNVERSIONED)
        TARN_TRY(tarn_json_set(json, "versioning",
                               json_string(bucket->versioning == TARN_S3_VERSIONED ? "Enabled" : "Suspended"), err));
    if (bucket->locked) TARN_TRY(tarn_json_set(json, "locked", json_true(), err));
    if (bucket->retain_days) TARN_TRY(tarn_json_set(json, "retain_days", json_integer(bucket->retain_days), err));
    if (bucket->compliance) TARN_TRY(tarn_json_set(json, "compliance", json_true(), err));
    TARN_TRY(tarn_json_compact(json, &text, err));
    (void)snprintf(key, sizeof key, "%s%s", fact_prefix, bucket->name);
    TARN_TRY(tarn_s3_fact(call, key, text, err));
done:
    json_decref(json);
    tarn_free(text);
    return rc;
}

tarn_code tarn_s3_bucket_add(tarn_s3_call *call, const char *name, const char *branch, bool locked, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_bucket b;

    TARN_TRY(name_check(call, name, err));
    (void)pthread_mutex_lock(&call->gateway->write_lock);
    rc = tarn_s3_bucket_find(call, name, &b, NULL);
    if (rc == TARN_OK) {
        rc = tarn_s3_fail(call, err, TARN_S3_BucketAlreadyOwnedByYou, "the bucket '%s' is there already", name);
    } else if (rc == TARN_NOT_FOUND) {
        call->failed = false;
        b = (tarn_s3_bucket){.bound = true, .time_us = tarn_now_us(), .locked = locked};
        if (locked) b.versioning = TARN_S3_VERSIONED;
        (void)snprintf(b.name, sizeof b.name, "%s", name);
        (void)snprintf(b.branch, sizeof b.branch, "%s", branch);
        rc = tarn_s3_bucket_set(call, &b, err);
    }
    (void)pthread_mutex_unlock(&call->gateway->write_lock);
done:
    return rc;
}

static tarn_code found_one(void *arg, const tarn_entry *entry, tarn_err *err)
{
    (void)entry, (void)err;
    *(bool *)arg = true;
    return TARN_CANCELLED;
}

static tarn_code forget_bucket(tarn_s3_call *call, const tarn_s3_bucket *bucket, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[128], name[300];
    bool any = false;
    tarn_id head;

    TARN_TRY(tarn_s3_staged_list(call, bucket->branch, "", "", 0, found_one, &any, err));
    if (!any) TARN_TRY(tarn_s3_staged_by_others(call, bucket->branch, &any, err));
    if (any) return tarn_s3_fail(call, err, TARN_S3_BucketNotEmpty, "the bucket '%s' is not empty", bucket->name);
    TARN_TRY(tarn_s3_staged_forget(call, bucket->branch, err));
    (void)snprintf(key, sizeof key, "%s%s", fact_prefix, bucket->name);
    (void)snprintf(name, sizeof name, "s3/%s", bucket->name);
    if (strcmp(name, bucket->branch) == 0) { /* made with the bucket, goes with it; its commits stay in the ref log */
        (void)snprintf(name, sizeof name, "heads/%s", bucket->branch);
        rc = tarn_lake_ref_get(tarn_s3_lake(call), name, &head, NULL);
        if (rc == TARN_OK)
            rc = tarn_lake_ref_move(tarn_s3_lake(call), name, &head, NULL, call->who.user, "DeleteBucket", err);
        if (rc != TARN_OK && rc != TARN_NOT_FOUND) goto done;
    }
    rc = tarn_s3_fact(call, key, NULL, err);
done:
    return rc;
}

tarn_code tarn_s3_bucket_drop(tarn_s3_call *call, const tarn_s3_bucket *bucket, tarn_err *err)
{
    (void)pthread_mutex_lock(&call->gateway->write_lock);
    tarn_code rc = forget_bucket(call, bucket, err);
    (void)pthread_mutex_unlock(&call->gateway->write_lock);
    return rc;
}
