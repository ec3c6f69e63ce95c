/* SPDX-License-Identifier: Apache-2.0 */
/* csv_scan.c - one pass over delimited text. See csv_scan.h.
 *
 * Cost: O(bytes), about 1 ns a byte. A bad quote makes one line be read again; a file of nothing but bad
 * quotes would take quadratic time, so what is read again is counted and limited. */
#include "table/csv_scan.h"

#include "base/mem.h"

#include <string.h>

enum { MOST_RECORD = 16 << 20, SNIFF_RECORDS = 200, SNIFF_BYTES = 1 << 20 };

void tarn_csv_start(tarn_csv_scan *s, const char *bytes, size_t len, char delimiter)
{
    *s = (tarn_csv_scan){.at = bytes, .start = bytes, .end = bytes + len, .line = 1, .delimiter = delimiter};
}

void tarn_csv_stop(tarn_csv_scan *s)
{
    tarn_free(s->record.fields);
    s->record.fields = NULL;
    s->cap = 0;
}

static tarn_code add_field(tarn_csv_scan *s, tarn_csv_field f, tarn_err *err)
{
    tarn_csv_record *r = &s->record;

    if (r->count == s->cap) {
        int cap = s->cap ? s->cap * 2 : 32;
        tarn_code rc = tarn_resize(&r->fields, (size_t)cap, sizeof *r->fields, err);
        if (rc != TARN_OK) return rc;
        s->cap = cap;
    }
    r->fields[r->count++] = f;
    return TARN_OK;
}

/* An unquoted field from p; returns where it stopped: at the delimiter, a line end or the end. */
static const char *plain_field(const tarn_csv_scan *s, const char *p, tarn_csv_field *f)
{
    char delimiter = s->delimiter;

    *f = (tarn_csv_field){.at = p};
    for (; p < s->end && *p != delimiter && *p != '\n'; p++)
        if (*p == '"') f->has_quote = true;
    f->len = (size_t)(p - f->at);
    return p;
}

/* A quoted field; p is behind the opening quote. NULL if the quote never closes. */
static const char *quoted_field(const tarn_csv_scan *s, const char *p, tarn_csv_field *f, int64_t *lines)
{
    *f = (tarn_csv_field){.at = p, .quoted = true};
    for (;;) {
        for (; p < s->end && *p != '"'; p++)
            if (*p == '\n') ++*lines;
        if (p == s->end) return NULL;
        if (p + 1 == s->end || p[1] != '"') break;
        f->has_quote = true;
        p += 2;
    }
    f->len = (size_t)(p - f->at);
    return p + 1;
}

static bool at_line_end(const tarn_csv_scan *s, const char *p)
{
    return p == s->end || *p == '\n' || (*p == '\r' && (p + 1 == s->end || p[1] == '\n'));
}

/* One field from p and what follows it. Returns where it stopped; sets record.bad if it cannot be read. */
static const char *one_field(tarn_csv_scan *s, const char *p, tarn_csv_field *f, int64_t *lines)
{
    const char *q = p;

    while (q < s->end && *q == ' ' && s->delimiter != ' ') q++;
    if (q == s->end || *q != '"') {
        q = plain_field(s, p, f);
        if (f->has_quote) s->irregular = true;
        if (f->len > 0 && f->at[f->len - 1] == '\r' && (q == s->end || *q == '\n')) {
            f->len--;
            q--;
        }
        if (memchr(f->at, '\r', f->len)) s->record.bad = "a carriage return stands inside the field";
        return q;
    }
    if (q > p) s->irregular = true;
    p = quoted_field(s, q + 1, f, lines);
    if (!p) {
        s->record.bad = "its quote is never closed";
        return s->end;
    }
    for (; p < s->end && *p == ' ' && s->delimiter != ' '; p++) s->irregular = true;
    if (p < s->end && *p != s->delimiter && !at_line_end(s, p)) s->record.bad = "text stands behind its closing quote";
    return p;
}

/* Behind the line end at p, noting which kind it was. */
static const char *past_line_end(tarn_csv_scan *s, const char *p)
{
    char kind = p < s->end && *p == '\r' ? 'r' : 'n';

    if (p < s->end && *p == '\r') p++;
    if (p == s->end) return p;
    if (s->ends && s->ends != kind) s->irregular = true;
    s->ends = kind;
    s->line++;
    return p + 1;
}

/* The bad record becomes its first line. */
static tarn_code shrink_to_line(tarn_csv_scan *s, const char *reached, tarn_err *err)
{
    tarn_csv_record *r = &s->record;
    const char *stop = memchr(r->start, '\n', (size_t)(s->end - r->start));
    const char *end = stop ? stop : s->end;

    s->irregular = true;
    if (reached > end) s->reread += (uint64_t)(reached - end);
    if (s->reread > 64ull * (uint64_t)(s->end - s->start) + (64u << 20))
        return TARN_FAIL(err, TARN_LIMIT,
                         "line %lld: quotes do not pair in too many lines; is '%c' the delimiter and are "
                         "quotes inside fields doubled?",
                         (long long)r->line, s->delimiter);
    if (end > r->start && end[-1] == '\r') end--;
    r->len = (size_t)(end - r->start);
    s->line = r->line;
    s->at = past_line_end(s, end);
    return TARN_OK;
}

tarn_code tarn_csv_next(tarn_csv_scan *s, const tarn_csv_record **record, tarn_err *err)
{
    tarn_csv_record *r = &s->record;
    const char *p = s->at;
    int64_t lines = 0;
    tarn_code rc;

    *record = NULL;
    while (p < s->end && at_line_end(s, p)) { /* blank lines */
        s->irregular = true;
        p = past_line_end(s, p);
    }
    s->at = p;
    if (p == s->end) return TARN_OK;
    r->start = p;
    r->line = s->line;
    r->count = 0;
    r->bad = NULL;
    for (;; p++) {
        tarn_csv_field f;
        p = one_field(s, p, &f, &lines);
        if (r->bad) r->bad_field = r->count;
        rc = add_field(s, f, err);
        if (rc != TARN_OK) return rc;
        if (r->bad || p == s->end || *p != s->delimiter) break;
    }
    *record = r;
    if (r->bad) return shrink_to_line(s, p, err);
    r->len = (size_t)(p - r->start);
    s->line += lines;
    s->at = past_line_end(s, p);
    if (r->len > s->longest) s->longest = r->len;
    if (r->len > MOST_RECORD)
        return TARN_FAIL(err, TARN_LIMIT, "line %lld: a record of %zu bytes; at most 16 MiB are possible",
                         (long long)r->line, r->len);
    return TARN_OK;
}

/* How well the delimiter cuts the first records: fields of the first, records that agree with it. */
static tarn_code try_delimiter(const char *bytes, size_t len, char delimiter, int *fields, int *agree, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_csv_scan s;
    const tarn_csv_record *r;
    int n = 0;

    *fields = *agree = 0;
    tarn_csv_start(&s, bytes, len, delimiter);
    for (; n < SNIFF_RECORDS; n++) {
        TARN_TRY(tarn_csv_next(&s, &r, err));
        if (!r || (n > 0 && s.at == s.end && len == SNIFF_BYTES)) break; /* the last one may be cut */
        if (n == 0) *fields = r->count;
        if (!r->bad && r->count == *fields) ++*agree;
    }
    *agree = n > 0 ? *agree * 1000 / n : 0;
done:
    tarn_csv_stop(&s);
    return rc;
}

tarn_code tarn_csv_sniff(const char *bytes, size_t len, char *delimiter, tarn_err *err)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    int best_agree = 0, best_fields = 1;

    *delimiter = ',';
    if (len > SNIFF_BYTES) len = SNIFF_BYTES;
    for (size_t i = 0; i < sizeof candidates; i++) {
        int fields, agree;
        tarn_code rc = try_delimiter(bytes, len, candidates[i], &fields, &agree, err);
        if (rc != TARN_OK) return rc;
        if (fields < 2 || agree < best_agree || (agree == best_agree && fields <= best_fields)) continue;
        best_agree = agree;
        best_fields = fields;
        *delimiter = candidates[i];
    }
    return TARN_OK;
}

void tarn_csv_text(const tarn_csv_field *f, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < f->len && n + 1 < cap; i++) {
        out[n++] = f->at[i];
        if (f->quoted && f->at[i] == '"') i++;
        if (n + 1 == cap && i + 1 < f->len) /* cut: not inside a character */
            while (n > 0 && (f->at[i + 1] & 0xC0) == 0x80 && (out[--n] & 0xC0) == 0x80) continue;
    }
    out[n] = '\0';
}
