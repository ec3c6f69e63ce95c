/* SPDX-License-Identifier: Apache-2.0 */
/* coupling.c - from the probabilities of pairs of classes to one probability per class. Payload: tarn_coupling_data.
 *
 * Problem: given r_ab, about p_a / (p_a + p_b), find p >= 0 with sum 1 that makes sum over a != b of
 * (r_ba p_a - r_ab p_b)^2 least: p'Qp with Q_aa = sum_b r_ba^2 and Q_ab = - r_ba r_ab.
 * Method: one class after another is set to its best and p scaled to sum 1, at most max(100, k) times round; it stops
 * when no entry of Qp - p'Qp is above 0.005 / k.
 * Source: Wu, Lin, Weng, J. Mach. Learn. Res. 5, 2004, algorithm 2. */
#include "model/node.h"
#include "model/payload.h"

#include <math.h>
#include <stdio.h>

/* Up to so many classes Q is kept; beyond, its entries are made when asked for. MOST: more pairs than a model has
 * registers. */
enum { KEPT = 64, MOST = 1449 };

typedef struct coupling {
    size_t k, stride;
    const double *r; /* of a row: pair number q at r[q * stride] */
    const uint32_t *in;
    double *q; /* (k, k) or NULL */
} coupling;

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_coupling_data *d = n->data;

    TARN_TRY(tarn_node_check_len(n, sizeof *d, err));
    if (d->pad != 0) return TARN_FAIL(err, TARN_CORRUPT, "pad is %u, not 0", d->pad);
    if (d->classes < 3 || d->classes > MOST || d->classes != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u classes but %u columns out; they must be as many, 3 to %d", d->classes,
                         n->n_out, MOST);
    if (n->n_in != d->classes * (d->classes - 1) / 2)
        return TARN_FAIL(err, TARN_CORRUPT, "%u columns in, where %u classes have %u pairs", n->n_in, d->classes,
                         d->classes * (d->classes - 1) / 2);
done:
    return rc;
}

/* The probability of a against b, kept off 0 and 1. */
static double against(const coupling *c, size_t a, size_t b)
{
    bool turned = a > b;
    size_t low = turned ? b : a, high = turned ? a : b;
    size_t pair = low * (2 * c->k - low - 1) / 2 + (high - low - 1);
    double r = c->r[c->in[pair] * c->stride];

    r = r > 1e-7 ? r : 1e-7; /* NaN too */
    r = r < 1 - 1e-7 ? r : 1 - 1e-7;
    return turned ? 1 - r : r;
}

static double make_entry(const coupling *c, size_t a, size_t b)
{
    double sum = 0;

    if (a != b) return -against(c, b, a) * against(c, a, b);
    for (size_t j = 0; j < c->k; j++)
        if (j != a) sum += against(c, j, a) * against(c, j, a);
    return sum;
}

static double entry(const coupling *c, size_t a, size_t b) { return c->q ? c->q[a * c->k + b] : make_entry(c, a, b); }

/* Qp and p'Qp; returns how far it is from the end. */
static double look(const coupling *c, const double *p, double *qp, double *pqp)
{
    double worst = 0;

    *pqp = 0;
    for (size_t a = 0; a < c->k; a++) {
        qp[a] = 0;
        for (size_t b = 0; b < c->k; b++) qp[a] += entry(c, a, b) * p[b];
        *pqp += p[a] * qp[a];
    }
    for (size_t a = 0; a < c->k; a++) worst = fmax(worst, fabs(qp[a] - *pqp));
    return worst;
}

static void improve(const coupling *c, double *p, double *qp, double *pqp)
{
    for (size_t a = 0; a < c->k; a++) {
        double own = entry(c, a, a), diff = (-qp[a] + *pqp) / own, scale = 1 + diff;
        p[a] += diff;
        *pqp = (*pqp + diff * (diff * own + 2 * qp[a])) / scale / scale;
        for (size_t b = 0; b < c->k; b++) {
            qp[b] = (qp[b] + diff * entry(c, a, b)) / scale;
            p[b] /= scale;
        }
    }
}

static void couple(const coupling *c, double *p)
{
    double qp[MOST], pqp;
    size_t most = c->k > 100 ? c->k : 100;

    for (size_t a = 0; a < c->k; a++) p[a] = 1 / (double)c->k;
    for (size_t step = 0; step < most; step++) {
        if (look(c, p, qp, &pqp) < 0.005 / (double)c->k) return;
        improve(c, p, qp, &pqp);
    }
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    double p[MOST], q[KEPT * KEPT];
    coupling c = {.k = n->n_out, .stride = stride, .in = n->in};

    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        c.r = regs + i;
        c.q = NULL;
        for (size_t a = 0; c.k <= KEPT && a < c.k; a++)
            for (size_t b = 0; b < c.k; b++) q[a * c.k + b] = make_entry(&c, a, b);
        if (c.k <= KEPT) c.q = q;
        couple(&c, p);
        for (size_t a = 0; a < c.k; a++) sum += p[a] = p[a] > 0 ? p[a] : 0;
        for (size_t a = 0; a < c.k; a++) regs[(n->out + a) * stride + i] = p[a] / sum;
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%u classes from %u pairs", n->n_out, n->n_in);
}

const tarn_node_kind tarn_node_coupling = {
    .name = "coupling",
    .title = "Probabilities of pairs of classes become those of classes",
    .id = 31,
    .check = check,
    .run = run,
    .text = text,
};
