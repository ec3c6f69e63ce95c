/* SPDX-License-Identifier: Apache-2.0 */
/* xml_test.c - a store's answer is read by paths; what could hurt is refused. */
#include "support/tarn_test.h"

#include "base/str.h"
#include "base/xml.h"

static tarn_code note(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    if (text) tarn_text_addf(arg, "%s=%s(%zu) ", path, text, len);
    if (text && strcmp(text, "stop") == 0) return TARN_FAIL(err, TARN_CANCELLED, "stopped at %s", path);
    return TARN_OK;
}

static tarn_code read_text(const char *xml, tarn_text *out, tarn_err *err)
{
    return tarn_xml_read(xml, strlen(xml), 1 << 22, "the answer", note, out, err);
}

static void elements_are_told_by_path(void **state)
{
    tarn_text t = {0};

    (void)state;
    must(read_text(
        "<?xml version='1.0'?><L xmlns='http://x/'><a:C xmlns:a='u'><Key>a&amp;b &#228;<!-- c --></Key><E/></a:C>"
        "<K><![CDATA[<&]]></K></L>",
        &t, err));
    assert_string_equal(t.data, "L/C/Key=a&b \xc3\xa4(6) L/C/E=(0) L/C=(0) L/K=<&(2) L=(0) ");
    tarn_text_clear(&t);
    must_fail_with(TARN_CANCELLED, "L/K", read_text("<L><K>stop</K><K>more</K></L>", &t, err));
    assert_string_equal(t.data, "L/K=stop(4) ");
    tarn_text_clear(&t);
}

static void what_could_hurt_is_refused(void **state)
{
    static const char *const bad[] = {"",         "<a>",         "<a></b>",    "<a/><b/>", "x", "<a>&lol;</a>",
                                      "<a b=1/>", "<a>\x01</a>", "<a>\xff</a>"};
    tarn_text t = {0}, deep = {0}, big = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail_with(TARN_INVALID, "line", read_text(bad[i], &t, err));
    must_fail_with(
        TARN_INVALID, "document type",
        read_text("<!DOCTYPE a [<!ENTITY x 'y'><!ENTITY z SYSTEM 'file:///etc/passwd'>]><a>&x;&z;</a>", &t, err));
    for (int i = 0; i < 17; i++) tarn_text_add(&deep, "<a>");
    must_fail_with(TARN_LIMIT, "nested", read_text(deep.data, &t, err));
    tarn_text_add(&big, "<a>");
    for (int i = 0; i < (1 << 20) / 64 + 1; i++)
        tarn_text_add(&big, "0123456789012345678901234567890123456789012345678901234567890123");
    tarn_text_add(&big, "</a>");
    must_fail_with(TARN_LIMIT, "1 MiB", read_text(big.data, &t, err));
    must_fail_with(TARN_LIMIT, "more than the 3", tarn_xml_read("<a/>", 4, 3, "the answer", note, &t, err));
    tarn_text_clear(&deep);
    tarn_text_clear(&big);
    tarn_text_clear(&t);
}

static void running_out_of_memory_is_a_clean_error(void **state)
{
    tarn_code rc = TARN_NOMEM;
    tarn_text t = {0};

    (void)state;
    for (int64_t n = 1; rc == TARN_NOMEM && n < 1000; n++) {
        tarn_text_clear(&t);
        tarn_mem_fail_after(n);
        rc = read_text("<a><b>text</b></a>", &t, NULL);
        tarn_mem_fail_after(0);
    }
    assert_int_equal(rc, TARN_OK);
    tarn_text_clear(&t);
}

TARN_TESTS(TARN_TEST(elements_are_told_by_path), TARN_TEST(what_could_hurt_is_refused),
           TARN_TEST(running_out_of_memory_is_a_clean_error))
