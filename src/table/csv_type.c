/* SPDX-License-Identifier: Apache-2.0 */
/* csv_type.c - recognising numbers, truth values and times in cells. See csv_type.h. */
#include "table/csv_type.h"

#include "base/sink.h"
#include "base/str.h"

#include <string.h>
#include <strings.h>

static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool word(const char *text, size_t len, const char *want)
{
    return strlen(want) == len && strncasecmp(text, want, len) == 0;
}

static unsigned kind_of_word(const char *text, size_t len)
{
    if (word(text, len, "true") || word(text, len, "false")) return TARN_CSV_BOOL;
    if (len > 0 && (*text == '-' || *text == '+')) {
        text++;
        len--;
    }
    if (word(text, len, "nan") || word(text, len, "inf") || word(text, len, "infinity")) return TARN_CSV_REAL;
    return TARN_CSV_TEXT;
}

/* 2026-01-31, perhaps with a time of day. */
static unsigned kind_of_time(const char *text, size_t len)
{
    int64_t us;

    if (len < 10 || text[4] != '-' || text[7] != '-' || !tarn_time_parse(text, len, &us)) return TARN_CSV_TEXT;
    if (len == 10) return TARN_CSV_DATE;
    for (size_t i = 11; i < len; i++) {
        if (text[i] != 'Z' && text[i] != '+' && text[i] != '-') continue;
        return text[16] == ':' ? TARN_CSV_ZONED : TARN_CSV_TEXT; /* the engine wants seconds before a zone */
    }
    return TARN_CSV_STAMP;
}

/* Digits, one point, an exponent. */
static unsigned kind_of_number(const char *text, size_t len)
{
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0, first = i, digits = 0;
    bool point = false, exponent = false;
    int64_t whole;
    double x;

    for (; i < len; i++) {
        if (digit(text[i])) {
            digits++;
        } else if (text[i] == '.' && !point) {
            point = true;
        } else if ((text[i] == 'e' || text[i] == 'E') && digits > 0) {
            exponent = true;
            break;
        } else {
            return TARN_CSV_TEXT;
        }
    }
    if (digits == 0) return TARN_CSV_TEXT;
    bool code = text[first] == '0' && first + 1 < len && digit(text[first + 1]);
    if (exponent || digits > 300) return tarn_num_parse(text, len, false, &x) ? TARN_CSV_REAL : TARN_CSV_TEXT;
    if (point) return code ? TARN_CSV_CODE | TARN_CSV_REAL : TARN_CSV_REAL;
    if (code) return tarn_int_parse(text, len, &whole) ? TARN_CSV_CODE | TARN_CSV_INT : TARN_CSV_CODE | TARN_CSV_REAL;
    if (digits < 19 || tarn_int_parse(text, len, &whole)) return TARN_CSV_INT;
    return TARN_CSV_CODE | TARN_CSV_REAL;
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && **text == ' ') {
        ++*text;
        --*len;
    }
    while (*len > 0 && (*text)[*len - 1] == ' ') --*len;
}

unsigned tarn_csv_kind(const char *text, size_t len)
{
    trim(&text, &len);
    if (len == 0) return TARN_CSV_TEXT;
    char c = *text, next = len > 1 ? text[1] : '\0';
    if (digit(c) || (c == '.' && digit(next))) {
        unsigned kind = kind_of_number(text, len);
        return kind == TARN_CSV_TEXT ? kind_of_time(text, len) : kind;
    }
    if ((c == '-' || c == '+') && (digit(next) || next == '.')) return kind_of_number(text, len);
    return strchr("tTfFnNiI+-", c) ? kind_of_word(text, len) : TARN_CSV_TEXT;
}

const char *tarn_csv_sql_type(unsigned kinds)
{
    if (kinds == 0 || kinds & (TARN_CSV_TEXT | TARN_CSV_CODE)) return "VARCHAR";
    if (kinds == TARN_CSV_INT) return "BIGINT";
    if ((kinds & ~(unsigned)(TARN_CSV_INT | TARN_CSV_REAL)) == 0) return "DOUBLE";
    if (kinds == TARN_CSV_BOOL) return "BOOLEAN";
    if (kinds == TARN_CSV_DATE) return "DATE";
    if ((kinds & ~(unsigned)(TARN_CSV_DATE | TARN_CSV_STAMP)) == 0) return "TIMESTAMP";
    if ((kinds & ~(unsigned)(TARN_CSV_DATE | TARN_CSV_STAMP | TARN_CSV_ZONED)) == 0) return "TIMESTAMPTZ";
    return "VARCHAR";
}

bool tarn_csv_fits(unsigned kind, const char *text, size_t len, const char *type)
{
    trim(&text, &len);
    if (strcmp(type, "int") == 0) return kind & TARN_CSV_INT;
    if (strcmp(type, "real") == 0) return kind & (TARN_CSV_INT | TARN_CSV_REAL);
    if (strcmp(type, "time") == 0) return kind & (TARN_CSV_DATE | TARN_CSV_STAMP | TARN_CSV_ZONED);
    if (strcmp(type, "bool") == 0) return kind == TARN_CSV_BOOL || (len == 1 && strchr("01tTfF", *text));
    return true;
}

const char *tarn_csv_expects(const char *type)
{
    if (strcmp(type, "int") == 0) return "a whole number of 64 bits";
    if (strcmp(type, "real") == 0) return "a number";
    if (strcmp(type, "time") == 0) return "a date or time such as 2026-01-31 or 2026-01-31T12:00:05Z";
    if (strcmp(type, "bool") == 0) return "true or false";
    return "text";
}
