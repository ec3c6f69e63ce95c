/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - sums of kernel values: what a support vector machine decides. Payload: see payload.h.
 *
 * Rows go side by side, stored rows one after another: the kernel of a stored row against 16 or 64 rows at a time, and
 * each output adds what it is given in order of the stored rows. Every number is a chain of its own, so one row and
 * many give the same bits. With up to FEW columns 64 rows are packed together whole; else 16, in parts of FEW columns,
 * whose sums for STORED stored rows are kept meanwhile. */
#include "math/kernel.h"
#include "model/node.h"
#include "model/payload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEW = 256, NARROW = 16, STORED = 256, MOST_DEGREE = 64 };

typedef struct machine {
    const tarn_kernel_data *head;
    const double *shift, *bias, *coef;
    const uint32_t *start;
    const float *square, *row;
    tarn_kernel kernel;
} machine;

/* Where everything is; returns the length. Overflows are impossible below 2^64: each count is below 2^32, and rows by
 * sides, rows by columns are checked to stay below 2^40 first. */
static uint64_t layout(const tarn_node_view *n, machine *m)
{
    const tarn_kernel_data *head = m->head = n->data;
    uint64_t sides = head->classes > 1 ? head->classes - 1 : 1, rows = head->rows, starts = 0;

    if (head->classes > 0) starts = ((uint64_t)head->classes + 2) / 2 * 2;
    m->shift = (const double *)(const void *)(head + 1);
    m->bias = m->shift + n->n_in;
    m->coef = m->bias + n->n_out;
    m->start = (const uint32_t *)(const void *)(m->coef + sides * rows);
    m->square = (const float *)(const void *)(m->start + starts);
    m->row = m->square + rows;
    m->kernel = (tarn_kernel){
        .kind = (tarn_kernel_kind)head->kind, .degree = (int)head->degree, .gamma = head->gamma, .coef0 = head->coef0};
    uint64_t floats = rows + rows * n->n_in;
    return sizeof *head + 8 * ((uint64_t)n->n_in + n->n_out + sides * rows) + 4 * starts + (4 * floats + 7) / 8 * 8;
}

static tarn_code check_head(const tarn_node_view *n, const tarn_kernel_data *head, tarn_err *err)
{
    uint64_t sides = head->classes > 1 ? head->classes - 1 : 1,
             pairs = head->classes > 0 ? sides * head->classes / 2 : 1;

    if (head->kind >= TARN_KERNEL_KINDS || head->degree > MOST_DEGREE)
        return TARN_FAIL(err, TARN_CORRUPT, "kernel %u of degree %u is not known", head->kind, head->degree);
    if (!(head->gamma > 0) || !isfinite(head->gamma) || !isfinite(head->coef0))
        return TARN_FAIL(err, TARN_CORRUPT, "gamma or coef0 makes no sense");
    if (head->classes > 0 && (head->classes < 3 || head->classes > 10000))
        return TARN_FAIL(err, TARN_CORRUPT, "%u classes; there may be none, or 3 to 10000", head->classes);
    if (pairs != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "%u outputs, where %u classes have %llu", n->n_out, head->classes,
                         (unsigned long long)pairs);
    if ((uint64_t)head->rows * (sides + n->n_in) > UINT64_C(1) << 40)
        return TARN_FAIL(err, TARN_CORRUPT, "%u rows are too many", head->rows);
    return TARN_OK;
}

static tarn_code check_floats(const float *x, uint64_t count, const char *what, tarn_err *err)
{
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(x[i])) return TARN_FAIL(err, TARN_CORRUPT, "%s[%llu] is not finite", what, (unsigned long long)i);
    return TARN_OK;
}

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    machine m;

    if (n->len < sizeof *m.head)
        return TARN_FAIL(err, TARN_CORRUPT, "payload of %zu bytes is too short for its head", n->len);
    TARN_TRY(check_head(n, n->data, err));
    TARN_TRY(tarn_node_check_len(n, layout(n, &m), err));
    uint64_t rows = m.head->rows, classes = m.head->classes, sides = classes ? classes - 1 : 1;
    TARN_TRY(tarn_node_check_finite(m.shift, n->n_in, "shift", err));
    TARN_TRY(tarn_node_check_finite(m.bias, n->n_out, "bias", err));
    TARN_TRY(tarn_node_check_finite(m.coef, (size_t)(sides * rows), "coef", err));
    TARN_TRY(check_floats(m.square, rows, "square", err));
    TARN_TRY(check_floats(m.row, rows * n->n_in, "row", err));
    for (uint64_t k = 0; classes > 0 && k <= classes; k++)
        if (k == 0 ? m.start[0] != 0 : m.start[k] < m.start[k - 1] || (k == classes && m.start[k] != rows))
            return TARN_FAIL(err, TARN_CORRUPT, "start[%llu] is %u; the starts must rise from 0 to %llu",
                             (unsigned long long)k, m.start[k], (unsigned long long)rows);
done:
    return rc;
}

/* The number of a pair a < b of `classes`. */
static size_t pair_of(size_t a, size_t b, size_t classes) { return a * (2 * classes - a - 1) / 2 + (b - a - 1); }

/* What stored row r of class c adds; values: its kernel with `some` rows, which are at regs. */
static void add_row(const tarn_node_view *n, const machine *m, size_t r, size_t c, size_t some, const float *values,
                    size_t stride, double *regs)
{
    size_t classes = m->head->classes, outputs = classes > 0 ? classes - 1 : 1;

    for (size_t side = 0; side < outputs; side++) {
        double coef = m->coef[side * m->head->rows + r];
        size_t other = side < c ? side : side + 1;
        size_t k = classes == 0 ? 0 : c < other ? pair_of(c, other, classes) : pair_of(other, c, classes);
        double *out = regs + (n->out + k) * stride;
        for (size_t i = 0; i < some; i++) out[i] = fma(coef, (double)values[i], out[i]);
    }
}

/* Which class stored row r is of, going on from c. */
static size_t class_of(const machine *m, size_t r, size_t c)
{
    while (m->head->classes > 0 && m->start[c + 1] <= r) c++;
    return c;
}

/* Columns from .. from + count - 1 of some rows as floats: tile (count, width), the rest repeats the last row. */
static void pack(const tarn_node_view *n, const machine *m, size_t some, size_t width, uint32_t from, uint32_t count,
                 size_t stride, const double *regs, float *tile)
{
    for (uint32_t j = 0; j < count; j++) {
        const double *x = regs + n->in[from + j] * stride;
        double shift = m->shift[from + j];
        for (size_t i = 0; i < some; i++) tile[j * width + i] = tarn_kernel_number(x[i] - shift);
        for (size_t i = some; i < width; i++) tile[j * width + i] = tile[j * width + some - 1];
    }
}

/* Add the squares of a tile's rows, in order of the columns. */
static void add_squares(size_t width, uint32_t count, const float *tile, float *square)
{
    for (uint32_t j = 0; j < count; j++)
        for (size_t i = 0; i < width; i++) square[i] = fmaf(tile[j * width + i], tile[j * width + i], square[i]);
}

static void run_wide(const tarn_node_view *n, const machine *m, size_t some, size_t stride, double *regs)
{
    float tile[FEW * TARN_KERNEL_WIDE], square[TARN_KERNEL_WIDE] = {0}, values[TARN_KERNEL_WIDE];
    size_t c = 0;

    pack(n, m, some, TARN_KERNEL_WIDE, 0, n->n_in, stride, regs, tile);
    add_squares(TARN_KERNEL_WIDE, n->n_in, tile, square);
    for (size_t r = 0; r < m->head->rows; r++) {
        c = class_of(m, r, c);
        tarn_kernel_row(&m->kernel, n->n_in, some, tile, square, m->row + r * n->n_in, m->square[r], values);
        add_row(n, m, r, c, some, values, stride, regs);
    }
}

/* Dot products of `count` stored rows from `first` on; squares too if `square` is given. */
static void sum_narrow(const tarn_node_view *n, const machine *m, size_t first, size_t count, size_t some,
                       size_t stride, const double *regs, float *sum, float *square)
{
    float tile[FEW * NARROW];

    memset(sum, 0, count * NARROW * sizeof *sum);
    for (uint32_t from = 0; from < n->n_in; from += FEW) {
        uint32_t part = n->n_in - from < FEW ? n->n_in - from : FEW;
        pack(n, m, some, NARROW, from, part, stride, regs, tile);
        if (square) add_squares(NARROW, part, tile, square);
        tarn_kernel_dots(part, tile, count, m->row + first * n->n_in + from, n->n_in, sum);
    }
}

static void run_narrow(const tarn_node_view *n, const machine *m, size_t some, size_t stride, double *regs)
{
    float sum[STORED * NARROW], square[NARROW] = {0};
    size_t rows = m->head->rows, c = 0;

    for (size_t first = 0; first < rows; first += STORED) {
        size_t count = rows - first < STORED ? rows - first : STORED;
        sum_narrow(n, m, first, count, some, stride, regs, sum, first == 0 ? square : NULL);
        for (size_t r = 0; r < count; r++) {
            float *values = sum + r * NARROW;
            c = class_of(m, first + r, c);
            tarn_kernel_finish(&m->kernel, values, square, m->square[first + r], values);
            add_row(n, m, first + r, c, some, values, stride, regs);
        }
    }
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    machine m;

    (void)layout(n, &m);
    for (uint32_t k = 0; k < n->n_out; k++)
        for (size_t i = 0; i < rows; i++) regs[(n->out + k) * stride + i] = m.bias[k];
    for (size_t i = 0; i < rows;) {
        bool wide = n->n_in <= FEW && rows - i > NARROW;
        size_t width = wide ? TARN_KERNEL_WIDE : NARROW, some = rows - i < width ? rows - i : width;
        (wide ? run_wide : run_narrow)(n, &m, some, stride, regs + i);
        i += some;
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    static const char *const names[] = {"linear", "rbf", "poly", "sigmoid"};
    const tarn_kernel_data *head = n->data;

    (void)snprintf(out, cap, "%s kernel, %u support vectors, %u columns", names[head->kind], head->rows, n->n_in);
}

const tarn_node_kind tarn_node_kernel = {
    .name = "kernel",
    .title = "Sums of kernel values (support vectors)",
    .id = 30,
    .check = check,
    .run = run,
    .text = text,
};
