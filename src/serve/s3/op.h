/* SPDX-License-Identifier: Apache-2.0 */
/* op.h - the interface of S3 operations: what one says of itself, and what it can ask of the gateway.
 *
 * An operation is one file in serve/s3/ops/ and one line in ops.def. Its table entry tells how a request chooses it
 * (method, level, sub-resource), which query parameters it knows, and what right it needs. A request that chooses none,
 * or that has a parameter which the chosen one does not know, is answered 501 NotImplemented: never with another
 * action.
 *
 * Order for a request: read (request.c), who asks (auth.c), which operation, which bucket and place (place.c), may they
 * (access.c), `begin` if there is one, the body (body.c), `answer`. An error in any of them is the reply: its S3 code
 * is what tarn_s3_fail was given, or follows from the tarn_code.
 *
 * Threads: each request has its own.
 */
#ifndef TARN_SERVE_S3_OP_H
#define TARN_SERVE_S3_OP_H

#include "base/json.h"
#include "base/mem.h"
#include "base/sigv4.h"
#include "base/str.h"
#include "lake/access.h"
#include "lake/lake.h"

#include <strings.h>

typedef struct tarn_s3 tarn_s3;
typedef struct tarn_s3_call tarn_s3_call;

typedef enum tarn_s3_error {
#define TARN_S3_ERROR(code, status) TARN_S3_##code,
#include "serve/s3/errors.def"
#undef TARN_S3_ERROR
    TARN_S3_ERRORS
} tarn_s3_error;

typedef enum tarn_s3_level { TARN_S3_SERVICE, TARN_S3_BUCKET, TARN_S3_OBJECT } tarn_s3_level;
typedef enum tarn_s3_body {
    TARN_S3_NOTHING,  /* read and thrown away */
    TARN_S3_DOCUMENT, /* into call->body, NUL behind; at most TARN_S3_DOCUMENT_MOST bytes */
    TARN_S3_CONTENT,  /* into the lake: call->content */
    TARN_S3_FORM      /* its file into the lake: call->content; its fields: call->scratch. Who asks is in it */
} tarn_s3_body;

enum { TARN_S3_DOCUMENT_MOST = 8 << 20, TARN_S3_KEYS_MOST = 1000, TARN_S3_PARTS_MOST = 10000 };

typedef struct tarn_s3_op {
    const char *name;   /* as AWS calls it */
    const char *method; /* HEAD is its own */
    tarn_s3_level level;
    const char *select; /* query parameter ("acl") or one with value ("list-type=2") that chooses it; NULL: none does */
    const char *header; /* request header that chooses it besides, NULL: none */
    const char *takes;  /* further query parameters that it knows, with spaces between; NULL: none */
    tarn_action
        right; /* asked of the place that bucket and key name. ALWAYS: the operation asks itself, or none need be */
    tarn_s3_body body;
    bool sums_elsewhere; /* checksums among the headers are not of the body */
    bool finds_itself;   /* looks for its place itself: no bucket need be there */
    const char *title;
    tarn_code (*begin)(tarn_s3_call *call, tarn_err *err); /* before the body; may be NULL */
    tarn_code (*answer)(tarn_s3_call *call, tarn_err *err);
} tarn_s3_op;

int tarn_s3_op_count(void);
const tarn_s3_op *tarn_s3_op_at(int i);

typedef enum tarn_s3_versioning { TARN_S3_UNVERSIONED, TARN_S3_VERSIONED, TARN_S3_SUSPENDED } tarn_s3_versioning;

/* Where a bucket and a key lead. */
typedef struct tarn_s3_place {
    char bucket[64];
    bool bound;       /* the bucket is bound to a branch; else it is the lake, and keys begin with a ref */
    char ref[256];    /* as the key begins (the lake), or the branch (bound); "" a key of no ref */
    char branch[256]; /* "" a tag or a commit, which nobody can write to */
    tarn_id commit;   /* of a tag or commit */
    char path[1025];  /* lake path; "" none */
    bool bare;        /* the key is a ref and nothing behind it */
    tarn_s3_versioning versioning;
    bool locked;         /* the bucket was made with object lock */
    int64_t retain_days; /* of what is written there; 0: none */
    bool compliance;     /* mode of that */
} tarn_s3_place;

/* What is to be done about the locks of a version. */
typedef struct tarn_s3_lock {
    int64_t until_us;  /* retain it until then; 0: nothing is said */
    bool compliance;   /* nobody may shorten or pass over that */
    bool passes_over;  /* a retention before this one, which who asks may pass over, ends */
    bool legal, frees; /* a legal hold is to be set, or ends */
} tarn_s3_lock;

/* What came as content. */
typedef struct tarn_s3_content {
    tarn_object object;
    char md5[33];           /* hexadecimal */
    char checksum_name[16]; /* "crc32c", ...; "" none */
    char checksum[48];      /* base64 */
} tarn_s3_content;

struct tarn_s3_call {
    tarn_s3 *gateway;
    struct tarn_exchange *x;
    const tarn_s3_op *op;
    tarn_arena *arena; /* for the request's texts */
    const char *raw_path;
    bool secure;              /* by TLS */
    const char *bucket, *key; /* decoded; "" none */
    tarn_sigv4_pair *query;
    size_t n_query;
    tarn_sigv4_pair *headers;
    size_t n_headers;
    tarn_who who; /* who asks */
    tarn_s3_place place;
    struct tarn_s3_receiver *receiver;
    struct tarn_s3_posting *posting;
    char *body;
    size_t body_len;
    tarn_s3_content content;
    tarn_s3_lock lock;    /* of an operation that changes locks alone */
    tarn_s3_error error;  /* of the first failure, if `failed` */
    bool failed, counted; /* counted: among those under way */
    /* the reply */
    int status; /* 200 */
    tarn_text xml;
    void *scratch; /* an operation's own, on the arena */
};

/* ---- the request ---- */

const char *tarn_s3_query(const tarn_s3_call *call, const char *name);
bool tarn_s3_has_query(const tarn_s3_call *call, const char *name);
const char *tarn_s3_header(const tarn_s3_call *call, const char *name);
/* What a client sends for true: Debian's boto3 writes a Python program's True. NULL is not. */
static inline bool tarn_s3_is_true(const char *text) { return text && strcasecmp(text, "true") == 0; }
/* A whole number of the query, from least to most; `otherwise` without it. */
TARN_MUST tarn_code tarn_s3_number(tarn_s3_call *call, const char *name, int64_t least, int64_t most, int64_t otherwise,
                                   int64_t *out, tarn_err *err);

/* ---- places ---- */

/* NoSuchBucket; InvalidArgument for a key that cannot be a lake path (the message says why). A ref that is not there is
 * NoSuchKey. */
TARN_MUST tarn_code tarn_s3_place_find(tarn_s3_call *call, const char *bucket, const char *key, tarn_s3_place *out,
                                       tarn_err *err);
/* MethodNotAllowed unless the place can be written to. */
TARN_MUST tarn_code tarn_s3_place_writable(tarn_s3_call *call, const tarn_s3_place *place, tarn_err *err);
TARN_MUST tarn_code tarn_s3_may(tarn_s3_call *call, tarn_action action, const tarn_s3_place *place, tarn_err *err);
/* The entry as this user sees it (staged changes of a branch count). NoSuchKey. */
TARN_MUST tarn_code tarn_s3_look(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *out, tarn_err *err);
/* The key of a lake path: "folder/" for its marker. */
void tarn_s3_key_of(const char *path, char key[1025]);
/* Stage entries on the place's branch, noted for the next commit. */
TARN_MUST tarn_code tarn_s3_stage(tarn_s3_call *call, const char *branch, const tarn_entry *entries, size_t n,
                                  tarn_err *err);
TARN_MUST tarn_code tarn_s3_commit_now(tarn_s3_call *call, const char *branch, const char *message, tarn_id *out,
                                       tarn_err *err);
/* The object that a write to the call's place replaces, a hint for storing it small: in *room, or NULL. */
const tarn_id *tarn_s3_replaced(tarn_s3_call *call, tarn_entry *room);
tarn_lake *tarn_s3_lake(const tarn_s3_call *call);

typedef struct tarn_s3_bucket {
    char name[64], branch[256];
    bool bound;
    int64_t time_us;
    tarn_s3_versioning versioning;
    bool locked, compliance; /* compliance: mode of the default retention */
    int64_t retain_days;
} tarn_s3_bucket;
typedef tarn_code tarn_s3_bucket_fn(void *arg, const tarn_s3_bucket *bucket, tarn_err *err);
TARN_MUST tarn_code tarn_s3_buckets(tarn_s3_call *call, tarn_s3_bucket_fn *fn, void *arg, tarn_err *err);
TARN_MUST tarn_code tarn_s3_bucket_find(tarn_s3_call *call, const char *name, tarn_s3_bucket *out, tarn_err *err);
/* locked: with object lock, so with versioning. */
TARN_MUST tarn_code tarn_s3_bucket_add(tarn_s3_call *call, const char *name, const char *branch, bool locked,
                                       tarn_err *err);
TARN_MUST tarn_code tarn_s3_bucket_set(tarn_s3_call *call, const tarn_s3_bucket *bucket, tarn_err *err);
TARN_MUST tarn_code tarn_s3_bucket_drop(tarn_s3_call *call, const tarn_s3_bucket *bucket, tarn_err *err);

/* ---- versions (versions.c): of objects in bound buckets that ask for them ---- */

enum { TARN_S3_VERSION = 33 };

/* A version of the place's key: of the bucket (32 digits), of the lake (a commit id), "null", or "" the current one.
 * NoSuchVersion, NoSuchKey; MethodNotAllowed for a delete marker. */
TARN_MUST tarn_code tarn_s3_look_version(tarn_s3_call *call, tarn_s3_place *place, const char *version, tarn_entry *out,
                                         tarn_err *err);
/* Stage the entry as the current one; attrs gets its version. */
TARN_MUST tarn_code tarn_s3_version_put(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *entry,
                                        json_t *attrs, tarn_err *err);
/* Remove a version for good ("" : put a delete marker). *marker: what was removed, or put, is one. looks: only if the
 * call's place is as If-Match wants it. */
TARN_MUST tarn_code tarn_s3_version_delete(tarn_s3_call *call, const tarn_s3_place *place, const char *version,
                                           bool looks, char done[TARN_S3_VERSION], bool *marker, tarn_err *err);
/* The entry, which was found by look_version with the attributes `was`, gets its new ones. */
TARN_MUST tarn_code tarn_s3_version_change(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *e,
                                           const tarn_id *was, const json_t *attrs, tarn_err *err);
typedef struct tarn_s3_version {
    char key[1025], id[TARN_S3_VERSION]; /* "null" without one */
    tarn_entry entry;
    bool marker, latest;
} tarn_s3_version;
/* Up to `most` versions by key and newest first, behind (key, id); *more. The caller frees *out. */
TARN_MUST tarn_code tarn_s3_versions(tarn_s3_call *call, const char *prefix, const char *key, const char *id,
                                     size_t most, tarn_s3_version **out, size_t *n, bool *more, tarn_err *err);

/* ---- attributes: what came with a content, as JSON in the lake ----
 *
 * {"etag","time" (microseconds),"type","encoding","disposition","cache","language","expires","meta":{},"tags":{},
 * "checksum":{"crc32":base64},"parts":[bytes],"version","retain" (microseconds),"mode" (of that; else
 * GOVERNANCE),"held"}; all may be missing. */

/* From the request's headers, with time now. The caller decrefs. */
TARN_MUST tarn_code tarn_s3_attrs_of_request(tarn_s3_call *call, json_t **out, tarn_err *err);
/* Of an entry; one without gets an etag of its content's name and the time of its commit. */
TARN_MUST tarn_code tarn_s3_attrs_read(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *entry,
                                       json_t **out, tarn_err *err);
TARN_MUST tarn_code tarn_s3_attrs_put(tarn_s3_call *call, const json_t *attrs, tarn_id *out, tarn_err *err);
/* Headers of GET and HEAD; a part of the content has no checksum. */
void tarn_s3_attrs_reply(tarn_s3_call *call, const json_t *attrs, bool part);
/* x-amz-tagging: "a=b&c=d" into an object of texts. */
TARN_MUST tarn_code tarn_s3_tags_parse(tarn_s3_call *call, const char *text, json_t **out, tarn_err *err);
TARN_MUST tarn_code tarn_s3_tags_check(tarn_s3_call *call, const json_t *tags, tarn_err *err);

/* If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, or with `prefix` "x-amz-copy-source-". etag NULL:
 * there is none. *not_modified: 304. PreconditionFailed. */
TARN_MUST tarn_code tarn_s3_conditions(tarn_s3_call *call, const char *prefix, const char *etag, int64_t time_us,
                                       bool *not_modified, tarn_err *err);
/* A Range header over size bytes: *found false if there is none or it is to be ignored. InvalidRange. */
TARN_MUST tarn_code tarn_s3_range(tarn_s3_call *call, const char *range, uint64_t size, bool *found, uint64_t *at,
                                  uint64_t *length, tarn_err *err);

/* ---- the reply ---- */

tarn_code tarn_s3_fail(tarn_s3_call *call, tarn_err *err, tarn_s3_error error, const char *fmt, ...) TARN_PRINTF(4, 5);
/* How a failure is answered: as tarn_s3_fail said, else as the code of the lake's error asks. */
tarn_s3_error tarn_s3_error_of(const tarn_s3_call *call, tarn_code code);
const char *tarn_s3_error_name(tarn_s3_error error);
int tarn_s3_error_status(tarn_s3_error error);
void tarn_s3_reply_header(tarn_s3_call *call, const char *name, const char *fmt, ...) TARN_PRINTF(3, 4);
/* <name>text</name>, escaped; url: percent-encoded, as encoding-type=url wants it. */
void tarn_s3_xml(tarn_s3_call *call, const char *name, const char *text);
void tarn_s3_xml_url(tarn_s3_call *call, const char *name, const char *text, bool url);
void tarn_s3_xml_open(tarn_s3_call *call, const char *root);
/* encoding-type of a listing: "url" or none. */
TARN_MUST tarn_code tarn_s3_encoding(tarn_s3_call *call, bool *url, tarn_err *err);
/* The reply: only the owner, everything. And: accept an ACL that says just that. */
TARN_MUST tarn_code tarn_s3_private_acl(tarn_s3_call *call, tarn_err *err);
TARN_MUST tarn_code tarn_s3_accept_acl(tarn_s3_call *call, tarn_err *err);
/* The content as the reply's body, in pieces. */
TARN_MUST tarn_code tarn_s3_reply_content(tarn_s3_call *call, const tarn_object *object, uint64_t at, uint64_t length,
                                          tarn_err *err);
/* "Wed, 21 Oct 2015 07:28:00 GMT" and back; ISO form "2015-10-21T07:28:00.000Z". Return out. */
const char *tarn_s3_http_date(int64_t us, char out[40]);
const char *tarn_s3_iso_date(int64_t us, char out[40]);
bool tarn_s3_read_date(const char *text, int64_t *us);

/* ---- the body as XML ---- */

typedef tarn_code tarn_s3_element_fn(void *arg, const char *path, const char *text, size_t len, tarn_err *err);
/* MalformedXML. */
TARN_MUST tarn_code tarn_s3_read_xml(tarn_s3_call *call, tarn_s3_element_fn *fn, void *arg, tarn_err *err);

/* ---- multipart uploads (uploads.c): facts of the lake until they are complete ---- */

typedef struct tarn_s3_part {
    int number;
    tarn_object object;
    char md5[33], checksum_name[16], checksum[48];
    int64_t time_us;
} tarn_s3_part;
typedef struct tarn_s3_upload {
    char id[33], bucket[64], key[1025], user[256];
    int64_t time_us;
    json_t *attrs; /* of the object to be; decref with tarn_s3_upload_clear */
} tarn_s3_upload;

TARN_MUST tarn_code tarn_s3_upload_new(tarn_s3_call *call, const json_t *attrs, char id[33], tarn_err *err);
/* The upload that the query's uploadId names, which must be of this bucket and key. NoSuchUpload. */
TARN_MUST tarn_code tarn_s3_upload_find(tarn_s3_call *call, tarn_s3_upload *out, tarn_err *err);
void tarn_s3_upload_clear(tarn_s3_upload *u);
TARN_MUST tarn_code tarn_s3_upload_add(tarn_s3_call *call, const char *id, const tarn_s3_part *part, tarn_err *err);
typedef tarn_code tarn_s3_part_fn(void *arg, const tarn_s3_part *part, tarn_err *err);
TARN_MUST tarn_code tarn_s3_upload_parts(tarn_s3_call *call, const char *id, tarn_s3_part_fn *fn, void *arg,
                                         tarn_err *err);
/* Forget it and its parts. */
TARN_MUST tarn_code tarn_s3_upload_end(tarn_s3_call *call, const char *id, tarn_err *err);
typedef tarn_code tarn_s3_upload_fn(void *arg, const tarn_s3_upload *upload, tarn_err *err);
TARN_MUST tarn_code tarn_s3_uploads(tarn_s3_call *call, tarn_s3_upload_fn *fn, void *arg, tarn_err *err);

/* ---- what several operations share ---- */

/* GET and HEAD. */
TARN_MUST tarn_code tarn_s3_answer_object(tarn_s3_call *call, tarn_err *err);
/* etag and checksum of what came, into attributes and into headers. */
TARN_MUST tarn_code tarn_s3_attrs_content(json_t *attrs, const tarn_s3_content *content, tarn_err *err);
void tarn_s3_content_headers(tarn_s3_call *call, const tarn_s3_content *content);
/* The object of the call's place (its versionId) with edited attributes. */
typedef tarn_code tarn_s3_edit_fn(void *arg, json_t *attrs, tarn_err *err);
TARN_MUST tarn_code tarn_s3_edit(tarn_s3_call *call, tarn_s3_edit_fn *fn, void *arg, tarn_err *err);
/* ... with these tags (NULL: none). */
TARN_MUST tarn_code tarn_s3_retag(tarn_s3_call *call, json_t *tags, tarn_err *err);

/* ---- object lock (lock.c) ---- */

/* x-amz-object-lock-* of a write, and the bucket's default, into attributes; and back into headers. */
TARN_MUST tarn_code tarn_s3_lock_headers(tarn_s3_call *call, json_t *attrs, tarn_err *err);
void tarn_s3_lock_reply(tarn_s3_call *call, const json_t *attrs);
/* AccessDenied if the version may not be deleted now. */
TARN_MUST tarn_code tarn_s3_lock_check(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *version,
                                       tarn_err *err);
/* What the attributes of a new version ask for. */
tarn_s3_lock tarn_s3_lock_of(const json_t *attrs);
/* ... into holds of the lake (holding.c); version: its content, and the path that the version has on the branch. */
TARN_MUST tarn_code tarn_s3_hold_version(tarn_s3_call *call, const char *branch, const tarn_entry *version,
                                         const tarn_s3_lock *lock, tarn_err *err);
/* The version may be deleted, as far as its attributes go: AccessDenied if the lake still holds it. bypass: who asks
 * may pass over a retention, which ends. */
TARN_MUST tarn_code tarn_s3_hold_ended(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *version,
                                       bool bypass, tarn_err *err);
/* The whole operations: a legal hold or else a retention; the bucket's configuration. */
TARN_MUST tarn_code tarn_s3_lock_put(tarn_s3_call *call, bool hold, tarn_err *err);
TARN_MUST tarn_code tarn_s3_lock_get(tarn_s3_call *call, bool hold, tarn_err *err);
TARN_MUST tarn_code tarn_s3_lock_configure(tarn_s3_call *call, tarn_err *err);
TARN_MUST tarn_code tarn_s3_lock_configuration(tarn_s3_call *call, tarn_err *err);

/* x-amz-copy-source: the place (read right checked), its entry and attributes, conditions held. */
TARN_MUST tarn_code tarn_s3_copy_source(tarn_s3_call *call, tarn_entry *entry, json_t **attrs, tarn_err *err);
/* MD5 of a range of an object, and the range as an object. */
TARN_MUST tarn_code tarn_s3_copy_range(tarn_s3_call *call, const tarn_id *object, uint64_t at, uint64_t length,
                                       tarn_s3_content *out, tarn_err *err);
/* Put what came under the call's place: attributes, entry, stage. If-Match and If-None-Match are held. */
TARN_MUST tarn_code tarn_s3_put_entry(tarn_s3_call *call, const tarn_object *object, json_t *attrs, tarn_err *err);
/* If-Match and If-None-Match of a write. */
TARN_MUST tarn_code tarn_s3_put_conditions(tarn_s3_call *call, tarn_err *err);
/* The same, of what is there now; the gateway's write_lock is held. */
TARN_MUST tarn_code tarn_s3_check_now(tarn_s3_call *call, tarn_err *err);

typedef struct tarn_s3_listed {
    const char *key; /* or common prefix */
    bool folded;
    const tarn_entry *entry;
    const tarn_s3_place *place; /* path is not set */
} tarn_s3_listed;
typedef tarn_code tarn_s3_listed_fn(void *arg, const tarn_s3_listed *listed, tarn_err *err);
/* Keys of the bucket that begin with prefix, after `after`, in byte order; folded at the delimiter ("" none). */
TARN_MUST tarn_code tarn_s3_list_keys(tarn_s3_call *call, const char *prefix, const char *after, const char *delimiter,
                                      tarn_s3_listed_fn *fn, void *arg, tarn_err *err);
/* <Contents> ... of both kinds of listings; returns the last name in `last` and whether there are more. */
typedef struct tarn_s3_page {
    const char *prefix, *delimiter, *after;
    int64_t most;
    bool url, owner;
    char last[1025]; /* out */
    bool more;       /* out */
    int64_t count;   /* out */
} tarn_s3_page;
TARN_MUST tarn_code tarn_s3_list_page(tarn_s3_call *call, tarn_s3_page *page, tarn_err *err);

#endif
