/* SPDX-License-Identifier: Apache-2.0 */
/* acl.c - access control lists, which this server has not: what clients that ask are told. */
#include "serve/s3/inside.h"

#include <string.h>

tarn_code tarn_s3_private_acl(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_xml_open(call, "AccessControlPolicy");
    tarn_text_add(&call->xml,
                  "<Owner><ID>tarn</ID><DisplayName>tarn</DisplayName></Owner><AccessControlList><Grant>"
                  "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">"
                  "<ID>tarn</ID><DisplayName>tarn</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
                  "</AccessControlList></AccessControlPolicy>");
    return tarn_text_check(&call->xml, err);
}

/* The body may be what private_acl says: one grant, to the owner. */
static tarn_code count_grants(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    int *grants = arg;

    (void)len, (void)err;
    if (text && strcmp(path, "AccessControlPolicy/AccessControlList/Grant/Grantee/ID") == 0 &&
        strcmp(text, "tarn") != 0)
        *grants += 2;
    if (!text && strcmp(path, "AccessControlPolicy/AccessControlList/Grant") == 0) ++*grants;
    return TARN_OK;
}

tarn_code tarn_s3_accept_acl(tarn_s3_call *call, tarn_err *err)
{
    const char *acl = tarn_s3_header(call, "x-amz-acl");
    int grants = 0;

    if (call->body_len > 0) {
        tarn_code rc = tarn_s3_read_xml(call, count_grants, &grants, err);
        if (rc != TARN_OK) return rc;
    }
    if (grants <= 1 && (!acl || strcmp(acl, "private") == 0)) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_NotImplemented,
                        "rights are given by tarn's grants here, not by access lists");
}

tarn_code tarn_s3_encoding(tarn_s3_call *call, bool *url, tarn_err *err)
{
    const char *text = tarn_s3_query(call, "encoding-type");

    *url = text && strcmp(text, "url") == 0;
    if (!text || !*text || *url) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "encoding-type is url, not '%.40s'", text);
}
