/* SPDX-License-Identifier: Apache-2.0 */
/* holdaccess.c - holds and the rights of users: who may set and release them, and the audit records of it. */
#include "lake/access_inside.h"
#include "lake/holding.h"

#include <stdio.h>
#include <string.h>

tarn_code tarn_hold_may(tarn_lake *lake, bool bypass, const char *branch, const char *path, tarn_err *err)
{
    const tarn_who *who = pthread_getspecific(lake->access->acting);

    if (!who) return TARN_OK; /* the owner of the folder, on its own command line */
    return tarn_access_check(lake, who, bypass ? TARN_ACT_HOLD_BYPASS : TARN_ACT_HOLD_SET, *branch ? branch : NULL,
                             *path ? path : NULL, err);
}

tarn_code tarn_hold_record(tarn_lake *lake, const char *action, const tarn_hold *h, const char *by, const char *why,
                           tarn_err *err)
{
    char detail[256], hex[TARN_ID_HEX], when[32] = "";

    if (h->mode != TARN_HOLD_LEGAL) (void)tarn_time_text(h->until_us, when);
    (void)snprintf(detail, sizeof detail, "%.12s %s%s%s of %s %.12s by %.60s: %.100s", h->name,
                   tarn_hold_modes[h->mode], *when ? " until " : "", when,
                   h->kind == TARN_HOLD_COMMIT ? "commit" : "object", tarn_id_hex(&h->id, hex), by ? by : "",
                   why ? why : "");
    detail[strcspn(detail, "\n")] = '\0';
    return tarn_audit_add(lake, NULL, action, h->branch[0] ? h->branch : "the lake", detail, err);
}

tarn_code tarn_hold_rule_record(tarn_lake *lake, const tarn_hold_rule *rule, const char *by, tarn_err *err)
{
    char detail[256];

    if (rule->days == 0) (void)snprintf(detail, sizeof detail, "none any more, by %.60s", by ? by : "");
    else
        (void)snprintf(detail, sizeof detail, "%s, %lld days, by %.60s", tarn_hold_modes[rule->mode],
                       (long long)rule->days, by ? by : "");
    return tarn_audit_add(lake, NULL, "hold.rule", rule->pattern, detail, err);
}
