/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - errors, headers, XML, times: the small things that a reply is made of. */
#include "serve/s3/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    int status;
} errors[] = {
#define TARN_S3_ERROR(code, status) {#code, status},
#include "serve/s3/errors.def"
#undef TARN_S3_ERROR
};

const char *tarn_s3_error_name(tarn_s3_error error) { return errors[error].name; }
int tarn_s3_error_status(tarn_s3_error error) { return errors[error].status; }

tarn_s3_error tarn_s3_error_of(const tarn_s3_call *call, tarn_code code)
{
    if (call->failed) return call->error;
    switch (code) {
    case TARN_INVALID:
    case TARN_USAGE: return TARN_S3_InvalidArgument;
    case TARN_NOT_FOUND: return TARN_S3_NoSuchKey;
    case TARN_EXISTS:
    case TARN_CONFLICT: return TARN_S3_OperationAborted;
    case TARN_DENIED: return TARN_S3_AccessDenied;
    case TARN_UNSUPPORTED: return TARN_S3_NotImplemented;
    case TARN_FULL: return TARN_S3_InsufficientStorage;
    case TARN_LIMIT: return TARN_S3_EntityTooLarge;
    case TARN_NOMEM:
    case TARN_BUSY:
    case TARN_CANCELLED: return TARN_S3_ServiceUnavailable;
    default: return TARN_S3_InternalError;
    }
}

static tarn_code code_of(int status)
{
    switch (status) {
    case 403: return TARN_DENIED;
    case 404: return TARN_NOT_FOUND;
    case 409:
    case 412: return TARN_CONFLICT;
    case 501: return TARN_UNSUPPORTED;
    case 503: return TARN_BUSY;
    case 500: return TARN_IO;
    default: return TARN_INVALID;
    }
}

tarn_code tarn_s3_fail(tarn_s3_call *call, tarn_err *err, tarn_s3_error error, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    call->failed = true;
    call->error = error;
    return TARN_FAIL(err, code_of(errors[error].status), "%s", text);
}

/* ---- headers ---- */

void tarn_s3_reply_header(tarn_s3_call *call, const char *name, const char *fmt, ...)
{
    char text[8300];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) *p = ' ';
    tarn_text_addf(&call->x->headers, "%s: %s\n", name, text);
}

/* ---- XML ---- */

void tarn_s3_xml_open(tarn_s3_call *call, const char *root)
{
    tarn_text_addf(&call->xml,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
                   root);
}

void tarn_s3_xml(tarn_s3_call *call, const char *name, const char *text)
{
    tarn_text_addf(&call->xml, "<%s>", name);
    tarn_text_xml(&call->xml, text);
    tarn_text_addf(&call->xml, "</%s>", name);
}

void tarn_s3_xml_url(tarn_s3_call *call, const char *name, const char *text, bool url)
{
    if (!url) {
        tarn_s3_xml(call, name, text);
        return;
    }
    tarn_text_addf(&call->xml, "<%s>", name);
    tarn_sigv4_encode(&call->xml, text, strlen(text), true);
    tarn_text_addf(&call->xml, "</%s>", name);
}

tarn_code tarn_s3_read_xml(tarn_s3_call *call, tarn_s3_element_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc =
        tarn_xml_read(call->body ? call->body : "", call->body_len, TARN_S3_DOCUMENT_MOST, "the body", fn, arg, err);

    if (rc != TARN_OK && rc != TARN_NOMEM && !call->failed) {
        call->failed = true;
        call->error = TARN_S3_MalformedXML;
    }
    return rc;
}

/* ---- times ---- */

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char *tarn_s3_http_date(int64_t us, char out[40])
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm = {0};

    (void)gmtime_r(&t, &tm);
    (void)snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                   (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return out;
}

const char *tarn_s3_iso_date(int64_t us, char out[40])
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm = {0};

    (void)gmtime_r(&t, &tm);
    (void)snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us / 1000 % 1000));
    return out;
}

/* "Wed, 21 Oct 2015 07:28:00 GMT" (or +0000), or ISO 8601. */
bool tarn_s3_read_date(const char *text, int64_t *us)
{
    int day, year, hour, minute, second, n = 0, month = 0;
    char name[4], zone[6];

    if (tarn_time_parse(text, strlen(text), us)) return true;
    const char *comma = strchr(text, ',');
    if (!comma ||
        sscanf(comma + 1, " %2d %3s %4d %2d:%2d:%2d %5s%n", &day, name, &year, &hour, &minute, &second, zone, &n) != 7)
        return false;
    while (month < 12 && strcmp(months[month], name) != 0) month++;
    if (month == 12 || (strcmp(zone, "GMT") != 0 && strcmp(zone, "UTC") != 0 && strcmp(zone, "+0000") != 0))
        return false;
    struct tm tm = {
        .tm_mday = day, .tm_mon = month, .tm_year = year - 1900, .tm_hour = hour, .tm_min = minute, .tm_sec = second};
    *us = (int64_t)timegm(&tm) * 1000000;
    return true;
}
