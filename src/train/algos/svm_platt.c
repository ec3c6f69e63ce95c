/* SPDX-License-Identifier: Apache-2.0 */
/* svm_platt.c - from decisions to probabilities. See svm_parts.h.
 *
 * Problem: the a and b that make sum w_i (t_i (a f_i + b) + log(1 + exp(-a f_i - b))) least, where the target t_i is
 * (W+ + 1) / (W+ + 2) for y_i > 0 and 1 / (W- + 2) else; W+ and W- are sums of weights.
 * Method: Newton's with backtracking. Source: Lin, Lin, Weng, Machine Learning 68(3), 2007, appendix C. */
#include "math/elementary.h"
#include "train/algos/svm_parts.h"

#include <math.h>

typedef struct platt {
    size_t n;
    const double *f, *y, *weight;
    double high, low;
} platt;

static double target(const platt *p, size_t i) { return p->y[i] > 0 ? p->high : p->low; }

static double loss(const platt *p, double a, double b)
{
    double sum = 0;

    for (size_t i = 0; i < p->n; i++) {
        double z = p->f[i] * a + b;
        sum += p->weight[i] * (tarn_softplus(-z) + target(p, i) * z);
    }
    return sum;
}

typedef struct slope {
    double a, b, aa, ab, bb;
} slope;

static slope slopes(const platt *p, double a, double b)
{
    slope s = {.aa = 1e-12, .bb = 1e-12};

    for (size_t i = 0; i < p->n; i++) {
        double f = p->f[i], q = tarn_sigmoid(f * a + b); /* 1 - probability */
        double curve = p->weight[i] * q * (1 - q), first = p->weight[i] * (target(p, i) - (1 - q));
        s.aa += f * f * curve;
        s.bb += curve;
        s.ab += f * curve;
        s.a += f * first;
        s.b += first;
    }
    return s;
}

void svm_platt(size_t n, const double *decision, const double *y, const double *weight, double *a, double *b)
{
    enum { MOST_STEPS = 100 };
    platt p = {.n = n, .f = decision, .y = y, .weight = weight};
    double above = 0, below = 0;

    for (size_t i = 0; i < n; i++) *(y[i] > 0 ? &above : &below) += weight[i];
    p.high = (above + 1) / (above + 2);
    p.low = 1 / (below + 2);
    *a = 0;
    *b = tarn_log((below + 1) / (above + 1));
    double now = loss(&p, *a, *b);
    for (int k = 0; k < MOST_STEPS; k++) {
        slope s = slopes(&p, *a, *b);
        if (fabs(s.a) < 1e-5 && fabs(s.b) < 1e-5) break;
        double det = s.aa * s.bb - s.ab * s.ab;
        double da = -(s.bb * s.a - s.ab * s.b) / det, db = -(-s.ab * s.a + s.aa * s.b) / det;
        double fall = s.a * da + s.b * db, size = 1, then = now;
        for (; size >= 1e-10; size /= 2) {
            then = loss(&p, *a + size * da, *b + size * db);
            if (then < now + 0.0001 * size * fall) break;
        }
        if (!(size >= 1e-10)) break;
        *a += size * da;
        *b += size * db;
        now = then;
    }
}
