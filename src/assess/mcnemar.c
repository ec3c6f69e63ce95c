/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar.c - see mcnemar.h. The interval is that of a difference of paired shares by the normal distribution. */
#include "assess/mcnemar.h"

#include "assess/confusion.h"
#include "assess/put.h"
#include "math/distribution.h"

#include <math.h>

tarn_code tarn_mcnemar_count(const tarn_contest *c, double *only_a, double *only_b, tarn_outcome *out, json_t *more,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double a = 0, b = 0, n = (double)c->a->rows;

    for (int64_t i = 0; i < c->a->rows; i++) {
        int y = (int)c->a->y[i];
        bool right_a = tarn_judged_class(c->a, i) == y, right_b = tarn_judged_class(c->b, i) == y;
        a += right_a && !right_b;
        b += right_b && !right_a;
    }
    double half = tarn_normal_quantile((1 + c->how.level) / 2) * sqrt(a + b - (a - b) * (a - b) / n) / n;
    out->difference = (a - b) / n;
    out->low = out->difference - half;
    out->high = out->difference + half;
    *only_a = a;
    *only_b = b;
    TARN_TRY(tarn_put_number(more, "only_a", a, err));
    TARN_TRY(tarn_put_number(more, "only_b", b, err));
done:
    return rc;
}
