/* SPDX-License-Identifier: Apache-2.0 */
/* quantile.c - regression for a quantile instead of the mean: minimises
 *
 *     sum_i w_i rho(y_i - x_i b - a) + W alpha |b|_1,   rho(r) = q r where r > 0, (q - 1) r where r < 0
 *
 * with W the sum of weights, as scikit-learn's QuantileRegressor. It is a linear program; this finds its optimum, not
 * that of a smooth neighbour.
 *
 * Method: a primal-dual interior point method on the dual program, max y'a with X'a = X'(1 - q)w, 0 <= a <= w, whose
 * multipliers are the coefficients; a step solves two linear systems with one weighted cross product of the columns.
 * The penalty is d more rows of the program. Columns are moved and scaled within.
 *
 * Cost: O(n d^2) per step, some 20 to 40 steps; 9 numbers per row in memory.
 * Source: Portnoy, Koenker, Statistical Science 12(4), 1997; Mehrotra, SIAM J. Optim. 2(4), 1992.
 */
#include "base/mem.h"
#include "math/gram.h"
#include "train/linear.h"
#include "train/moments.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

typedef struct quantile_params {
    double quantile, alpha, tol;
    int64_t max_iter;
    bool intercept;
} quantile_params;

static const tarn_param params_table[] = {
    TARN_REAL(quantile_params, quantile, 0.5, 1e-6, 0.999999, "which quantile: 0.5 is the median"),
    TARN_REAL(quantile_params, alpha, 0, 0, 1e18, "penalty on absolute coefficients, per row; leaves columns out"),
    TARN_BOOL_PARAM(quantile_params, intercept, true, "fit a constant term, which is not penalised"),
    TARN_REAL(quantile_params, tol, 1e-9, 1e-14, 1, "stop when the objective is within this share of the optimum"),
    TARN_INT(quantile_params, max_iter, 200, 1, 1e9, "stop after as many steps in any case"),
    TARN_PARAMS_END,
};

/* One row of the program: a in 0 .. u with slack s, multipliers z and w of the two bounds, a step of these, and what
 * the corrector takes off: the products of the affine step over a and over s. */
typedef struct place {
    double a, s, z, w;
    double da, dz, dw;
    double off_z, off_w;
} place;

enum { SYSTEM, ALONG };
enum { STUCK = 5 /* steps that bring the gap no lower */ };

typedef struct work {
    const tarn_fit *job;
    const quantile_params *set;
    size_t cols, wide;
    double *mean, *factor; /* (cols) columns are moved and scaled by these */
    double weight;         /* W */
    place *row;            /* (rows) this rank's */
    place *extra;          /* (cols) those of the penalty, the same on every rank */
    double *scratch;       /* (threads, each) */
    size_t each;
    int stage;
    const double *y; /* (wide) ALONG: the direction of the coefficients */
    double mu;       /* 0: the affine step */
    double *room;    /* (blocks, 2) lengths that the bounds allow, primal and dual */
} work;

static double share(const place *p) { return 1 / (p->z / p->a + p->w / p->s); }

/* What a row asks of the coefficients, before the share: z - w less the corrector's shift. */
static double pull(const place *p, double mu)
{
    return p->z - p->w - (mu * (1 / p->a - 1 / p->s) - p->off_z - p->off_w);
}

/* A row's step when the coefficients' step moves its margin by m; shortens room to what the bounds allow. */
static void move(place *p, double m, double mu, double room[2])
{
    p->da = share(p) * (m - pull(p, mu));
    p->dz = mu / p->a - p->z - p->z * p->da / p->a - p->off_z;
    p->dw = mu / p->s - p->w + p->w * p->da / p->s + p->off_w;
    if (p->da < 0) room[0] = fmin(room[0], -p->a / p->da);
    if (p->da > 0) room[0] = fmin(room[0], p->s / p->da);
    if (p->dz < 0) room[1] = fmin(room[1], -p->z / p->dz);
    if (p->dw < 0) room[1] = fmin(room[1], -p->w / p->dw);
}

/* Products that say how large z'a + w's would be after a step of any lengths. */
static void measure(const place *p, double sum[4])
{
    sum[0] += p->z * p->a + p->w * p->s;
    sum[1] += (p->z - p->w) * p->da;
    sum[2] += p->dz * p->a + p->dw * p->s;
    sum[3] += (p->dz - p->dw) * p->da;
}

static void margins(const work *w, const double *tile, int64_t n, double *m)
{
    memset(m, 0, (size_t)n * sizeof *m);
    for (size_t j = 0; j < w->wide; j++) tarn_axpy((size_t)n, w->y[j], tile + j * TARN_TILE_STRIDE, m);
}

/* SYSTEM: sum is right side (wide), then cross products (wide, wide). ALONG: sum is what measure adds. */
static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->job->x;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(x, block);
    double *values = w->scratch + (size_t)worker * w->each, *tile = values + w->cols * TARN_BLOCK_ROWS;
    double *q = tile + w->wide * TARN_TILE_STRIDE, *m = q + TARN_TILE_STRIDE;

    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    w->room[2 * block] = w->room[2 * block + 1] = INFINITY;
    for (int64_t at = 0; at < rows; at += TARN_TILE) {
        int64_t n = rows - at < TARN_TILE ? rows - at : TARN_TILE;
        place *p = w->row + first + at;
        tarn_tile_take(values, x->cols, rows, at, n, w->mean, w->factor, w->wide > w->cols, tile);
        if (w->stage == ALONG) {
            margins(w, tile, n, m);
            for (int64_t i = 0; i < n; i++) move(&p[i], m[i], w->mu, w->room + 2 * block), measure(&p[i], sum);
            continue;
        }
        for (int64_t i = 0; i < n; i++) q[i] = share(&p[i]), m[i] = q[i] * pull(&p[i], w->mu);
        for (size_t j = 0; j < w->wide; j++) sum[j] += tarn_dot((size_t)n, tile + j * TARN_TILE_STRIDE, m);
        tarn_gram_add(w->wide, (size_t)n, TARN_TILE_STRIDE, tile, q, sum + w->wide);
    }
    return TARN_OK;
}

static tarn_code pass(work *w, int stage, const double *y, double mu, size_t count, double *sum, tarn_err *err)
{
    const tarn_fit *job = w->job;

    w->stage = stage;
    w->y = y;
    w->mu = mu;
    memset(sum, 0, count * sizeof *sum);
    return tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), (int64_t)count, add_block, w, sum,
                                err);
}

/* Right side and cross products of all rows, the penalty's too. */
static tarn_code look(work *w, double mu, double *system, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(pass(w, SYSTEM, NULL, mu, w->wide + w->wide * w->wide, system, err));
    for (size_t j = 0; j < w->cols && w->set->alpha > 0; j++) {
        double q = share(&w->extra[j]), f = w->factor[j];
        system[j] = fma(f * q, pull(&w->extra[j], mu), system[j]);
        system[w->wide + j * w->wide + j] += f * f * q;
    }
done:
    return rc;
}

/* The coefficients' step; columns that rounding finds dependent are told apart by a little more on the diagonal. */
static tarn_code solve(const work *w, const double *system, double *space, double *dy, tarn_err *err)
{
    tarn_code rc = TARN_NUMERIC;
    size_t n = w->wide;

    for (double raise = 0; raise <= 1 && rc == TARN_NUMERIC; raise = raise > 0 ? raise * 100 : 1e-14) {
        memcpy(space, system + n, n * n * sizeof *space);
        memcpy(dy, system, n * sizeof *dy);
        for (size_t j = 0; j < n; j++) space[j * n + j] = space[j * n + j] > 0 ? space[j * n + j] * (1 + raise) : 1;
        rc = tarn_cholesky_solve(n, space, dy, NULL, raise * 100 > 1 ? err : NULL);
    }
    return rc;
}

/* Every row's step along dy. sum (4); room: how far it may go. */
static tarn_code along(work *w, const double *dy, double mu, double *sum, double room[2], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double less[2] = {-INFINITY, -INFINITY};

    TARN_TRY(pass(w, ALONG, dy, mu, 4, sum, err));
    for (int64_t b = 0; b < tarn_blocks(w->job->x->rows); b++) {
        less[0] = fmax(less[0], -w->room[2 * b]);
        less[1] = fmax(less[1], -w->room[2 * b + 1]);
    }
    TARN_TRY(tarn_comm_max_f64(w->job->comm, less, 2, err));
    room[0] = -less[0];
    room[1] = -less[1];
    for (size_t j = 0; j < w->cols && w->set->alpha > 0; j++) {
        move(&w->extra[j], w->factor[j] * dy[j], mu, room);
        measure(&w->extra[j], sum);
    }
    room[0] = fmin(1, 0.99995 * room[0]);
    room[1] = fmin(1, 0.99995 * room[1]);
done:
    return rc;
}

static void each(work *w, void (*fn)(place *p, const double *by), const double *by)
{
    for (int64_t i = 0; i < w->job->x->rows; i++) fn(&w->row[i], by);
    for (size_t j = 0; j < w->cols && w->set->alpha > 0; j++) fn(&w->extra[j], by);
}

static void keep_products(place *p, const double *by)
{
    (void)by;
    p->off_z = p->da * p->dz / p->a;
    p->off_w = p->da * p->dw / p->s;
}

static void take(place *p, const double *by)
{
    p->a += by[0] * p->da;
    p->s -= by[0] * p->da;
    p->z += by[1] * p->dz;
    p->w += by[1] * p->dw;
    p->off_z = p->off_w = 0;
}

/* [gap, objective]: residuals are w - z, for the multipliers stay true to the coefficients. */
static tarn_code tell_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    int64_t first = block * TARN_BLOCK_ROWS;
    (void)worker, (void)err;

    for (int64_t i = first; i < first + tarn_block_size(w->job->x, block); i++) {
        const place *p = &w->row[i];
        double r = p->w - p->z;
        sum[0] += p->z * p->a + p->w * p->s;
        sum[1] += (p->a + p->s) * (r > 0 ? w->set->quantile * r : (w->set->quantile - 1) * r);
    }
    return TARN_OK;
}

static tarn_code tell(work *w, double *sum, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    sum[0] = sum[1] = 0;
    TARN_TRY(
        tarn_comm_sum_blocks(w->job->comm, w->job->pool, tarn_blocks(w->job->x->rows), 2, tell_block, w, sum, err));
    for (size_t j = 0; j < w->cols && w->set->alpha > 0; j++) {
        const place *p = &w->extra[j];
        sum[0] += p->z * p->a + p->w * p->s;
        sum[1] += (p->a + p->s) * fabs(p->w - p->z) / 2;
    }
done:
    return rc;
}

/* One step of predictor and corrector; y (wide) moves with it. */
static tarn_code step(work *w, double gap, double *system, double *space, double *y, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double sum[4], room[2], *dy = space + w->wide * w->wide;
    double places = (double)w->job->x->all_rows + (w->set->alpha > 0 ? (double)w->cols : 0);

    TARN_TRY(look(w, 0, system, err));
    TARN_TRY(solve(w, system, space, dy, err));
    TARN_TRY(along(w, dy, 0, sum, room, err));
    double after = sum[0] + room[0] * sum[1] + room[1] * sum[2] + room[0] * room[1] * sum[3], share_left = after / gap;
    double mu = gap * share_left * share_left * share_left / (2 * places);
    each(w, keep_products, NULL);
    TARN_TRY(look(w, mu, system, err));
    TARN_TRY(solve(w, system, space, dy, err));
    TARN_TRY(along(w, dy, mu, sum, room, err));
    each(w, take, room);
    tarn_axpy(w->wide, room[1], dy, y);
done:
    return rc;
}

/* ---- where it begins ---- */

/* Scales and, as the first coefficients, those of least squares (negated: y is the program's multiplier). */
static tarn_code begin(work *w, double *system, double *space, double *y, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_moments m = {0};
    tarn_cross c = {0};
    size_t n = w->wide, side = w->cols + 1;

    TARN_TRY(tarn_moments_make(w->job, w->set->intercept, 1, &m, err));
    rc = tarn_cross_new(&m, &c, err);
    TARN_TRY(tarn_comm_agree(w->job->comm, rc, err));
    tarn_moments_take(&m, TARN_FOLD_NONE, TARN_FOLD_NONE, &c);
    w->weight = c.weight;
    for (size_t j = 0; j < w->cols; j++) {
        double square = c.g[j * side + j] / c.weight;
        w->mean[j] = c.mean[j];
        w->factor[j] = square > 0 ? 1 / sqrt(square) : 0;
    }
    memset(system, 0, (n + n * n) * sizeof *system);
    for (size_t i = 0; i < w->cols; i++) {
        system[i] = -c.g[i * side + w->cols] * w->factor[i];
        for (size_t j = 0; j < w->cols; j++) system[n + i * n + j] = c.g[i * side + j] * w->factor[i] * w->factor[j];
    }
    if (n > w->cols) {
        system[w->cols] = -c.weight * c.mean[w->cols];
        system[n + w->cols * n + w->cols] = c.weight;
    }
    TARN_TRY(solve(w, system, space, y, err));
done:
    tarn_moments_clear(&m);
    tarn_cross_clear(&c);
    return rc;
}

static void place_at(place *p, double u, double q, double r, double apart)
{
    *p = (place){.a = (1 - q) * u, .s = q * u, .z = fmax(r, 0) + apart, .w = fmax(-r, 0) + apart};
}

/* [sum of |c - x'y|, sum of |c|]; leaves c - x'y in place.z. */
static tarn_code start_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->job->x;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(x, block);
    double *values = w->scratch + (size_t)worker * w->each, *tile = values + w->cols * TARN_BLOCK_ROWS;
    double *m = tile + w->wide * TARN_TILE_STRIDE;

    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += TARN_TILE) {
        int64_t n = rows - at < TARN_TILE ? rows - at : TARN_TILE;
        tarn_tile_take(values, x->cols, rows, at, n, w->mean, w->factor, w->wide > w->cols, tile);
        margins(w, tile, n, m);
        for (int64_t i = first + at; i < first + at + n; i++) {
            w->row[i].z = -x->y[i] - m[i - first - at];
            sum[0] += fabs(w->row[i].z);
            sum[1] += fabs(x->y[i]);
        }
    }
    return TARN_OK;
}

static tarn_code place_all(work *w, const double *y, double *apart, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = w->job;
    double sum[2] = {0};

    w->y = y;
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), 2, start_block, w, sum, err));
    *apart = sum[0] > 1e-12 * sum[1] ? 0.1 * sum[0] / (double)job->x->all_rows : 0; /* 0: nothing is left to fit */
    for (int64_t i = 0; i < job->x->rows; i++)
        place_at(&w->row[i], job->x->weight ? job->x->weight[i] : 1, w->set->quantile, w->row[i].z, *apart);
    for (size_t j = 0; j < w->cols; j++)
        place_at(&w->extra[j], 2 * w->set->alpha * w->weight, 0.5, -w->factor[j] * y[j], *apart);
done:
    return rc;
}

static tarn_code descend(work *w, double *system, double *space, double *y, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double apart = 0, now[2] = {0}, least = INFINITY;
    int stuck = 0;

    TARN_TRY(begin(w, system, space, y, err));
    TARN_TRY(place_all(w, y, &apart, err));
    out->converged = apart == 0; /* no errors at all */
    for (out->iterations = 0; !out->converged && out->iterations < w->set->max_iter; out->iterations++) {
        rc = tarn_cancel_check(w->job->sink, err);
        TARN_TRY(tarn_comm_agree(w->job->comm, rc, err));
        TARN_TRY(tell(w, now, err));
        out->converged = now[0] <= w->set->tol * now[1];
        stuck = now[0] < least ? 0 : stuck + 1;
        least = fmin(least, now[0]);
        if (out->converged || stuck == STUCK) break; /* there, or at rounding's floor */
        TARN_TRY(step(w, now[0], system, space, y, err));
    }
    if (!out->converged && out->iterations < w->set->max_iter) out->converged = now[0] <= 1e-5 * now[1];
    if (out->iterations == 0) out->iterations = 1;
    out->objective = now[1];
done:
    return rc;
}

static tarn_code finish(const work *w, const double *y, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *coefficients = NULL;

    TARN_TRY(tarn_alloc(&coefficients, w->cols + 1, sizeof *coefficients, err));
    TARN_TRY(tarn_alloc(&out->importance, w->cols, sizeof *out->importance, err));
    coefficients[0] = w->wide > w->cols ? -y[w->cols] : 0;
    for (size_t j = 0; j < w->cols; j++) {
        bool none = w->set->alpha > 0 && fabs(y[j]) * w->extra[j].a < 1e-9 * fabs(out->objective) && fabs(y[j]) < 1e-7;
        double b = none ? 0 : -y[j] * w->factor[j];
        coefficients[1 + j] = b;
        coefficients[0] = fma(-b, w->mean[j], coefficients[0]);
        out->importance[j] = none ? 0 : fabs(y[j]);
    }
    TARN_TRY(tarn_linear_add(w->job, 1, coefficients, TARN_LINK_IDENTITY, &out->out, err));
done:
    tarn_free(coefficients);
    return rc;
}

static tarn_code allocate(work *w, double **space, double **system, double **y, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = w->job;
    size_t n = w->wide;

    TARN_TRY(tarn_alloc(&w->mean, 2 * w->cols, sizeof *w->mean, err));
    w->factor = w->mean + w->cols;
    TARN_TRY(tarn_alloc(&w->row, (size_t)job->x->rows, sizeof *w->row, err));
    TARN_TRY(tarn_alloc(&w->extra, w->cols, sizeof *w->extra, err));
    TARN_TRY(tarn_alloc(&w->room, 2 * (size_t)tarn_blocks(job->x->rows), sizeof *w->room, err));
    TARN_TRY(tarn_alloc(&w->scratch, (size_t)tarn_pool_threads(job->pool) * w->each, sizeof *w->scratch, err));
    TARN_TRY(tarn_alloc(space, n * n + n, sizeof **space, err));
    TARN_TRY(tarn_alloc(system, n * n + n, sizeof **system, err));
    TARN_TRY(tarn_alloc(y, n, sizeof **y, err));
    TARN_TRY(tarn_cancel_check(job->sink, err));
done:
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    work w = {.job = job, .set = params, .cols = (size_t)job->x->cols};
    double *space = NULL, *system = NULL, *y = NULL;

    w.wide = w.cols + (w.set->intercept ? 1 : 0);
    w.each = w.cols * TARN_BLOCK_ROWS + (w.wide + 2) * TARN_TILE_STRIDE;
    rc = allocate(&w, &space, &system, &y, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(descend(&w, system, space, y, out, err));
    TARN_TRY(finish(&w, y, out, err));
done:
    tarn_free(w.mean);
    tarn_free(w.row);
    tarn_free(w.extra);
    tarn_free(w.room);
    tarn_free(w.scratch);
    tarn_free(space);
    tarn_free(system);
    tarn_free(y);
    return rc;
}

const tarn_algo tarn_algo_quantile = {
    .name = "quantile",
    .title = "Quantile regression (the median, or any other quantile)",
    .paper = "Koenker & Bassett 1978, Econometrica 46(1); Portnoy & Koenker 1997, Statistical Science 12(4)",
    .does = TARN_DOES_REGRESSION,
    .other_centre = TARN_DOES_REGRESSION,
    .params_size = sizeof(quantile_params),
    .params = params_table,
    .fit = fit,
};
