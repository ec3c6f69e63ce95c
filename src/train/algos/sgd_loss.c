/* SPDX-License-Identifier: Apache-2.0 */
/* sgd_loss.c - losses, and steps that do not overshoot. See sgd_parts.h.
 *
 * A step of rate r moves z by -r g u, where u (the reach) is what the row's own numbers make of it. Where the loss
 * bends with at most h, r g / (1 + r h u) is the minimum of the bound; where it is straight, the step ends at the kink.
 * Source: Karampatziakis, Langford, Online importance weight aware updates, UAI 2011, for the idea.
 */
#include "math/elementary.h"
#include "train/algos/sgd_parts.h"

#include <math.h>
#include <string.h>

static double softmax(const sgd_learner *s, const double *z, double y, double *g)
{
    double top = z[0], sum = 0;
    size_t k = s->k, own = (size_t)y;

    for (size_t c = 1; c < k; c++) top = z[c] > top ? z[c] : top;
    for (size_t c = 0; c < k; c++) g[c] = z[c] - top;
    double said = g[own];
    tarn_exp_n(k, g, g);
    for (size_t c = 0; c < k; c++) sum += g[c];
    for (size_t c = 0; c < k; c++) g[c] /= sum;
    g[own] -= 1;
    return tarn_log(sum) - said;
}

/* Each output against the rest: log loss. */
static double logistic(const sgd_learner *s, const double *z, double y, double *g, double *t)
{
    double sum = 0;

    tarn_sigmoid_n(s->k, z, g);
    tarn_softplus_n(s->k, z, t);
    for (size_t c = 0; c < s->k; c++) sum += t[c];
    if (s->k == 1) {
        g[0] -= y;
        return sum - y * z[0];
    }
    g[(size_t)y] -= 1;
    return sum - z[(size_t)y];
}

static double margin_loss(const sgd_learner *s, double z, double sign, double *g)
{
    double m = sign * z, short_of = 1 - m;

    *g = 0;
    if (short_of <= 0) return 0;
    if (s->loss == SGD_HINGE) {
        *g = -sign;
        return short_of;
    }
    *g = m < -1 ? -4 * sign : -2 * sign * short_of;
    return m < -1 ? -4 * m : short_of * short_of;
}

static double distance_loss(const sgd_learner *s, double z, double y, double *g)
{
    double off = z - y, far = fabs(off), sign = off < 0 ? -1 : 1, e = s->epsilon;

    *g = 0;
    switch (s->loss) {
    case SGD_HUBER: *g = far <= e ? off : sign * e; return far <= e ? off * off / 2 : e * (far - e / 2);
    case SGD_EPSILON:
        if (far > e) *g = sign;
        return far > e ? far - e : 0;
    case SGD_QUANTILE:
        if (off != 0) *g = off < 0 ? -s->set->quantile : 1 - s->set->quantile;
        return off * *g;
    default: *g = off; return off * off / 2;
    }
}

double sgd_gradient(const sgd_learner *s, const double *z, double y, double *g, double *t)
{
    double sum = 0;

    if (s->loss == SGD_SOFTMAX) return softmax(s, z, y, g);
    if (s->loss == SGD_LOG) return logistic(s, z, y, g, t);
    if (s->job->x->classes == 0) return distance_loss(s, z[0], y, g);
    for (size_t c = 0; c < s->k; c++) {
        bool own = s->k == 1 ? y > 0 : (size_t)y == c;
        sum += margin_loss(s, z[c], own ? 1 : -1, &g[c]);
    }
    return sum;
}

/* Where the loss is straight: no further than to the kink at this distance. */
static double to_kink(double distance, double g, double rate, double reach)
{
    double move = rate * fabs(g) * reach;

    return move > distance ? distance / move : 1;
}

/* Where it bends with at most h: no further than to the minimum of the bound. */
static double to_bound(double h, double rate, double reach)
{
    double bend = h * rate * reach;

    return bend > 1 ? 1 / bend : 1;
}

double sgd_damping(const sgd_learner *s, double z, double y, double g, double rate, double reach)
{
    double off = fabs(z - y), m;

    if (g == 0) return 1;
    switch (s->loss) {
    case SGD_LOG: return to_bound(0.25, rate, reach);
    case SGD_SOFTMAX: return to_bound(0.5, rate, reach);
    case SGD_HINGE:
    case SGD_MODIFIED_HUBER:
        m = g < 0 ? z : -z; /* the gradient has the sign of the wrong side */
        if (s->loss == SGD_HINGE || m < -1) return to_kink(1 - m, g, rate, reach);
        return to_bound(2, rate, reach);
    case SGD_HUBER: return off <= s->epsilon ? to_bound(1, rate, reach) : to_kink(off, g, rate, reach);
    case SGD_EPSILON: return to_kink(off - s->epsilon, g, rate, reach);
    case SGD_QUANTILE: return to_kink(off, g, rate, reach);
    default: return to_bound(1, rate, reach);
    }
}
