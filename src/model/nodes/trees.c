/* SPDX-License-Identifier: Apache-2.0 */
/* trees.c - sums of decision trees. Payload: tarn_trees_data and its arrays (payload.h).
 *
 * out_k = base_k + factor * (((0 + leaf) + leaf) + ...), the leaves of output k's trees in tree order.
 *
 * A walk is a chain of dependent loads, so sixteen are done side by side: sixteen rows in one tree when there are many
 * rows, sixteen trees for one row when there is one. A step has no branch: a leaf steps to itself, and the walk ends
 * when none of the sixteen moved. Which walks stand side by side does not touch the order of the sums. The columns are
 * first copied together, row by row, so that a step finds its number at row + feature. Trees that read more than WIDE
 * columns take one plain walk after another.
 *
 * check() proves that each tree is exactly one preorder sequence, so that walks only go forward and end: the right
 * child of i must begin where the left subtree (from i + 1) ends. Going from the last node to the first, all behind i
 * is already proved, so the end of the left subtree is found by following its right children; each node is on one such
 * path only, which makes the whole linear, without memory. */
#include "model/node.h"
#include "model/payload.h"

#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LANES = 16,
    WIDE = 512,
    NODES = 1 << 30 /* at most */,
    FLAGS = TARN_TREE_LEAF | TARN_TREE_CATEGORY | TARN_TREE_MISSING_LEFT | TARN_TREE_FEATURE
};

typedef struct trees {
    const tarn_trees_data *head;
    const double *base;
    const uint32_t *root, *output;
    const tarn_tree_node *node;
    const uint64_t *bits;
} trees;

/* Where the arrays stand, and how many bytes they need in all. Counts are 32 bits, so nothing can overflow. */
static uint64_t layout(const void *data, uint32_t outputs, trees *t)
{
    const tarn_trees_data *head = data;
    uint64_t base = sizeof *head, root = base + (uint64_t)outputs * sizeof(double);
    uint64_t output = root + (uint64_t)head->trees * sizeof(uint32_t);
    uint64_t node = output + (uint64_t)head->trees * sizeof(uint32_t); /* a multiple of 8: two arrays as long */
    uint64_t bits = node + (uint64_t)head->nodes * sizeof(tarn_tree_node);
    const char *bytes = data;
    const void *const at[] = {bytes + base, bytes + root, bytes + output, bytes + node, bytes + bits};

    *t = (trees){.head = head, .base = at[0], .root = at[1], .output = at[2], .node = at[3], .bits = at[4]};
    return bits + (uint64_t)head->words * sizeof(uint64_t);
}

static bool is_leaf(const tarn_tree_node *node) { return node->flags & TARN_TREE_LEAF; }

/* A category node's value: which bits of which words. */
static void category_of(double value, uint32_t *first, uint32_t *covered)
{
    uint64_t both;

    memcpy(&both, &value, sizeof both);
    *first = (uint32_t)(both >> 32);
    *covered = (uint32_t)both;
}

static tarn_code check_category(const trees *t, uint32_t i, tarn_err *err)
{
    uint32_t first, covered;

    category_of(t->node[i].value, &first, &covered);
    if (covered == 0) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] is a category split that covers no level", i);
    if ((uint64_t)first + ((uint64_t)covered + 63) / 64 > t->head->words)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] wants bits of %u levels from word %u on; there are %u words", i,
                         covered, first, t->head->words);
    return TARN_OK;
}

/* The first node behind the subtree at i, whose nodes are proved already. */
static uint32_t subtree_end(const trees *t, uint32_t i)
{
    while (!is_leaf(&t->node[i])) i = t->node[i].right;
    return i + 1;
}

/* Node i of a tree that ends before node `end`; all nodes behind i are proved. */
static tarn_code check_node(const tarn_node_view *n, const trees *t, uint32_t i, uint32_t end, tarn_err *err)
{
    const tarn_tree_node *node = &t->node[i];
    uint32_t feature = node->flags & TARN_TREE_FEATURE;

    if (node->flags & ~(uint32_t)FLAGS)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has unknown flags 0x%x", i, node->flags);
    if (is_leaf(node)) {
        if (!isfinite(node->value)) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] is a leaf without a finite value", i);
        if (node->flags & TARN_TREE_CATEGORY)
            return TARN_FAIL(err, TARN_CORRUPT, "node[%u] is a leaf and a category", i);
        return TARN_OK;
    }
    if (feature >= n->n_in)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] asks for column %u of %u", i, feature, n->n_in);
    if (i + 1 >= end || node->right <= i + 1 || node->right >= end)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has its right child at %u; its tree ends before %u", i,
                         node->right, end);
    if (subtree_end(t, i + 1) != node->right)
        return TARN_FAIL(err, TARN_CORRUPT, "node[%u] has its right child at %u, but the left subtree ends at %u", i,
                         node->right, subtree_end(t, i + 1));
    if (node->flags & TARN_TREE_CATEGORY) return check_category(t, i, err);
    if (isnan(node->value)) return TARN_FAIL(err, TARN_CORRUPT, "node[%u] compares with NaN", i);
    return TARN_OK;
}

static tarn_code check_tree(const tarn_node_view *n, const trees *t, uint32_t k, uint32_t end, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t root = t->root[k];

    if (t->output[k] >= n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "output[%u] is %u of %u", k, t->output[k], n->n_out);
    if (root >= end) return TARN_FAIL(err, TARN_CORRUPT, "root[%u] is %u, not below %u", k, root, end);
    for (uint32_t i = end; i-- > root;) TARN_TRY(check_node(n, t, i, end, err));
    if (subtree_end(t, root) != end)
        rc = TARN_FAIL(err, TARN_CORRUPT, "tree %u ends before node[%u]; the next begins at %u", k,
                       subtree_end(t, root), end);
done:
    return rc;
}

static tarn_code check(const tarn_node_view *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    trees t;

    if (n->len < sizeof *t.head)
        return TARN_FAIL(err, TARN_CORRUPT, "payload of %zu bytes is too short for its head", n->len);
    uint64_t want = layout(n->data, n->n_out, &t);
    TARN_TRY(tarn_node_check_len(n, want, err));
    if (t.head->outputs != n->n_out)
        return TARN_FAIL(err, TARN_CORRUPT, "payload has %u outputs, the node %u", t.head->outputs, n->n_out);
    TARN_TRY(tarn_node_check_finite(&t.head->factor, 1, "factor", err));
    TARN_TRY(tarn_node_check_finite(t.base, n->n_out, "base", err));
    if (t.head->nodes > NODES) return TARN_FAIL(err, TARN_CORRUPT, "%u nodes are too many", t.head->nodes);
    for (uint32_t k = t.head->trees, end = t.head->nodes; k-- > 0; end = t.root[k])
        TARN_TRY(check_tree(n, &t, k, end, err));
    if (t.head->trees > 0 ? t.root[0] != 0 : t.head->nodes != 0)
        rc = TARN_FAIL(err, TARN_CORRUPT, "nodes before the first tree");
done:
    return rc;
}

/* Does a category's code go left? */
static bool category_left(const tarn_tree_node *node, const uint64_t *bits, double x)
{
    uint32_t first, covered;

    category_of(node->value, &first, &covered);
    if (!(x >= 0 && x < covered)) return node->flags & TARN_TREE_MISSING_LEFT;
    uint32_t code = (uint32_t)x;
    return bits[first + code / 64] >> (code % 64) & 1;
}

/* One row through one tree, a step after another; register r of the row is regs[r * stride]. */
static double walk_plain(const tarn_node_view *n, const trees *t, uint32_t i, size_t stride, const double *regs)
{
    for (;;) {
        const tarn_tree_node *node = &t->node[i];
        if (is_leaf(node)) return node->value;
        double x = regs[n->in[node->flags & TARN_TREE_FEATURE] * stride];
        bool left;
        if (node->flags & TARN_TREE_CATEGORY) left = category_left(node, t->bits, x);
        else left = x <= node->value || (isnan(x) && node->flags & TARN_TREE_MISSING_LEFT);
        i = left ? i + 1 : node->right;
    }
}

static void run_plain(const tarn_node_view *n, const trees *t, size_t rows, size_t stride, double *regs)
{
    for (uint32_t k = 0; k < t->head->trees; k++) {
        double *sum = regs + (n->out + t->output[k]) * stride;
        for (size_t i = 0; i < rows; i++) sum[i] += walk_plain(n, t, t->root[k], stride, regs + i);
    }
}

/* The address sanitizer does not see what a gather reads; in its builds each place is read plainly first. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITNESS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITNESS 1
#endif
#ifndef WITNESS
#define WITNESS 0
#endif

/* Lanes that are not wanted give 0, and nothing is read for them. */
static inline __m256i gather_bits4(const uint64_t *base, __m256i at, __m256i wanted)
{
    if (WITNESS) {
        int64_t places[4], want[4];
        memcpy(places, &at, sizeof places);
        memcpy(want, &wanted, sizeof want);
        for (int l = 0; l < 4; l++)
            if (want[l]) (void)*(const volatile uint64_t *)(base + places[l]);
    }
    return _mm256_mask_i64gather_epi64(_mm256_setzero_si256(), (const long long *)(const void *)base, at, wanted, 8);
}

/* Of a flag, as the sign bit of a 64-bit lane that holds `flags` below and `right` above. */
static inline __m256d flag_sign(__m256i lanes, int flag_bit)
{
    return _mm256_castsi256_pd(_mm256_slli_epi64(lanes, 63 - flag_bit));
}

enum { LEAF_BIT = 27, CATEGORY_BIT = 26, MISSING_BIT = 25 };
_Static_assert(TARN_TREE_LEAF == 1 << LEAF_BIT && TARN_TREE_CATEGORY == 1 << CATEGORY_BIT &&
                   TARN_TREE_MISSING_LEFT == 1 << MISSING_BIT,
               "flags are where the steps look for them");

/* Does the category in x go left, in the sign bit; lanes that are no category nodes give anything, and read nothing
 * (what their value means as words and bits was not proved). Codes and counts are
 * below 2^32, so adding 2^52 leaves them in the low bits of the double. */
static inline __m256d category_sign(const uint64_t *bits, __m256d x, __m256d value, __m256i lanes)
{
    const __m256d high = _mm256_set1_pd(0x1p52);
    const __m256i low32 = _mm256_set1_epi64x(0xffffffff), both = _mm256_castpd_si256(value);
    __m256i covered = _mm256_or_si256(_mm256_and_si256(both, low32), _mm256_castpd_si256(high));
    __m256d below = _mm256_cmp_pd(x, _mm256_sub_pd(_mm256_castsi256_pd(covered), high), _CMP_LT_OQ);
    __m256d known = _mm256_and_pd(below, _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_GE_OQ));
    __m256d whole = _mm256_floor_pd(_mm256_and_pd(x, known));
    __m256i code = _mm256_and_si256(_mm256_castpd_si256(_mm256_add_pd(whole, high)), low32);
    __m256i word = _mm256_add_epi64(_mm256_srli_epi64(both, 32), _mm256_srli_epi64(code, 6));
    __m256i category = _mm256_castpd_si256(flag_sign(lanes, CATEGORY_BIT));
    __m256i wanted = _mm256_and_si256(_mm256_cmpgt_epi64(_mm256_setzero_si256(), category), _mm256_castpd_si256(known));
    __m256i got = gather_bits4(bits, word, wanted);
    __m256i to_sign = _mm256_andnot_si256(code, _mm256_set1_epi64x(63)); /* 63 - code % 64 */
    return _mm256_blendv_pd(flag_sign(lanes, MISSING_BIT), _mm256_castsi256_pd(_mm256_sllv_epi64(got, to_sign)), known);
}

/* The low (0x88) or high (0xdd) halves of four 64-bit lanes. */
#define HALVES(lanes, which)                                                                                           \
    _mm_shuffle_ps(_mm256_castps256_ps128(_mm256_castpd_ps(lanes)), _mm256_extractf128_ps(_mm256_castpd_ps(lanes), 1), \
                   which)

/* Four places of a vector as numbers: loads of their own are faster than a gather. */
typedef struct places {
    size_t a, b, c, d;
} places;

static inline places places_of(__m128i at)
{
    uint64_t low = (uint64_t)_mm_cvtsi128_si64(at), high = (uint64_t)_mm_extract_epi64(at, 1);

    return (places){(uint32_t)low, low >> 32, (uint32_t)high, high >> 32};
}

static inline __m256d load4(const double *x, places p)
{
    __m128d ab = _mm_loadh_pd(_mm_load_sd(x + p.a), x + p.b), cd = _mm_loadh_pd(_mm_load_sd(x + p.c), x + p.d);

    return _mm256_insertf128_pd(_mm256_castpd128_pd256(ab), cd, 1);
}

/* Of four nodes the values, and their flags and right children. */
static inline __m256d load_nodes(const tarn_tree_node *node, places p, __m256d *rest)
{
    __m256d ac = _mm256_castpd128_pd256(_mm_loadu_pd(&node[p.a].value));
    __m256d bd = _mm256_castpd128_pd256(_mm_loadu_pd(&node[p.b].value));

    ac = _mm256_insertf128_pd(ac, _mm_loadu_pd(&node[p.c].value), 1);
    bd = _mm256_insertf128_pd(bd, _mm_loadu_pd(&node[p.d].value), 1);
    *rest = _mm256_unpackhi_pd(ac, bd);
    return _mm256_unpacklo_pd(ac, bd);
}

/* A step for four walks: at nodes `at`, with feature 0 of their rows at x + row. */
__attribute__((always_inline)) static inline __m128i step4(const trees *t, const double *x, __m128i at, __m128i row,
                                                           bool categories)
{
    __m256d rest, value = load_nodes(t->node, places_of(at), &rest);
    __m256i lanes = _mm256_castpd_si256(rest);
    __m128i flags = _mm_castps_si128(HALVES(rest, 0x88)), right = _mm_castps_si128(HALVES(rest, 0xdd));
    __m128i feature = _mm_and_si128(flags, _mm_set1_epi32(TARN_TREE_FEATURE));
    __m128i leaf = _mm_slli_epi32(flags, 31 - LEAF_BIT);

    feature = _mm_andnot_si128(_mm_srai_epi32(leaf, 31), feature); /* a leaf's may be anything */
    __m256d v = load4(x, places_of(_mm_add_epi32(feature, row)));
    __m256d missing = _mm256_cmp_pd(v, v, _CMP_UNORD_Q);
    __m256d left =
        _mm256_or_pd(_mm256_cmp_pd(v, value, _CMP_LE_OQ), _mm256_and_pd(missing, flag_sign(lanes, MISSING_BIT)));
    if (categories && _mm256_movemask_pd(flag_sign(lanes, CATEGORY_BIT)))
        left = _mm256_blendv_pd(left, category_sign(t->bits, v, value, lanes), flag_sign(lanes, CATEGORY_BIT));
    __m128i next = _mm_add_epi32(at, _mm_set1_epi32(1));
    __m128 to = _mm_blendv_ps(_mm_castsi128_ps(right), _mm_castsi128_ps(next), HALVES(left, 0xdd));
    return _mm_castps_si128(_mm_blendv_ps(to, _mm_castsi128_ps(at), _mm_castsi128_ps(leaf)));
}

/* Sixteen walks to their leaves. at: in roots, out leaves; row: where each walk's numbers begin. */
__attribute__((always_inline)) static inline void walk16(const trees *t, const double *x, uint32_t at[LANES],
                                                         const uint32_t row[LANES], bool categories)
{
    __m128i a[4], r[4], b[4];

    memcpy(a, at, sizeof a);
    memcpy(r, row, sizeof r);
    for (;;) {
        b[0] = step4(t, x, a[0], r[0], categories);
        b[1] = step4(t, x, a[1], r[1], categories);
        b[2] = step4(t, x, a[2], r[2], categories);
        b[3] = step4(t, x, a[3], r[3], categories);
        __m128i moved01 = _mm_or_si128(_mm_xor_si128(a[0], b[0]), _mm_xor_si128(a[1], b[1]));
        __m128i moved23 = _mm_or_si128(_mm_xor_si128(a[2], b[2]), _mm_xor_si128(a[3], b[3]));
        __m128i moved = _mm_or_si128(moved01, moved23);
        if (_mm_testz_si128(moved, moved)) break;
        a[0] = b[0], a[1] = b[1], a[2] = b[2], a[3] = b[3];
    }
    memcpy(at, a, sizeof a);
}

static void walk_numbers(const trees *t, const double *x, uint32_t at[LANES], const uint32_t row[LANES])
{
    walk16(t, x, at, row, false);
}

static void walk_categories(const trees *t, const double *x, uint32_t at[LANES], const uint32_t row[LANES])
{
    walk16(t, x, at, row, true);
}

static inline void walk(const trees *t, const double *x, uint32_t at[LANES], const uint32_t row[LANES])
{
    if (t->head->words > 0) walk_categories(t, x, at, row);
    else walk_numbers(t, x, at, row);
}

/* Rows through one tree; x (rows, d), added to sum[rows]. Lanes without a row repeat the last one. */
static void sum_rows(const trees *t, uint32_t root, const double *x, size_t rows, uint32_t d, double *sum)
{
    uint32_t at[LANES], row[LANES];

    for (size_t i = 0; i < rows; i += LANES) {
        uint32_t lanes = rows - i < LANES ? (uint32_t)(rows - i) : LANES;
        for (uint32_t l = 0; l < LANES; l++) {
            at[l] = root;
            row[l] = (l < lanes ? l : lanes - 1) * d;
        }
        walk(t, x + i * d, at, row);
        for (uint32_t l = 0; l < lanes; l++) sum[i + l] += t->node[at[l]].value;
    }
}

/* One row x through all trees. Lanes without a tree repeat the last one. */
static void sum_trees(const tarn_node_view *n, const trees *t, const double *x, size_t stride, double *regs)
{
    static const uint32_t row[LANES] = {0};
    uint32_t at[LANES], count = t->head->trees;

    for (uint32_t k = 0; k < count; k += LANES) {
        uint32_t lanes = count - k < LANES ? count - k : LANES;
        for (uint32_t l = 0; l < LANES; l++) at[l] = t->root[k + (l < lanes ? l : lanes - 1)];
        walk(t, x, at, row);
        for (uint32_t l = 0; l < lanes; l++) regs[(n->out + t->output[k + l]) * stride] += t->node[at[l]].value;
    }
}

/* The columns of some rows (n_in <= WIDE), copied together row by row, through all trees: as many as leave half of the
 * nearest cache to a tree. */
static void run_packed(const tarn_node_view *n, const trees *t, size_t rows, size_t stride, double *regs)
{
    double x[WIDE * LANES];
    size_t most = n->n_in > 0 ? WIDE * LANES / 4 / n->n_in / LANES * LANES : rows;

    if (most < LANES) most = LANES;
    if (n->n_in == 0) x[0] = 0;
    for (size_t at = 0; at < rows; at += most) {
        size_t some = rows - at < most ? rows - at : most;
        for (uint32_t j = 0; j < n->n_in; j++) {
            const double *from = regs + n->in[j] * stride + at;
            for (size_t i = 0; i < some; i++) x[i * n->n_in + j] = from[i];
        }
        if (some == 1) {
            sum_trees(n, t, x, stride, regs + at);
            continue;
        }
        for (uint32_t k = 0; k < t->head->trees; k++)
            sum_rows(t, t->root[k], x, some, n->n_in, regs + (n->out + t->output[k]) * stride + at);
    }
}

static void run(const tarn_node_view *n, size_t rows, size_t stride, double *regs)
{
    trees t;

    (void)layout(n->data, n->n_out, &t);
    for (uint32_t o = 0; o < n->n_out; o++) memset(regs + (n->out + o) * stride, 0, rows * sizeof *regs);
    if (n->n_in <= WIDE) run_packed(n, &t, rows, stride, regs);
    else run_plain(n, &t, rows, stride, regs);
    for (uint32_t o = 0; o < n->n_out; o++) {
        double *out = regs + (n->out + o) * stride;
        for (size_t i = 0; i < rows; i++) out[i] = t.base[o] + t.head->factor * out[i];
    }
}

static void text(const tarn_node_view *n, char *out, size_t cap)
{
    trees t;
    uint32_t most = 0;

    (void)layout(n->data, n->n_out, &t);
    for (uint32_t k = 0; k < t.head->trees; k++) {
        uint32_t end = k + 1 < t.head->trees ? t.root[k + 1] : t.head->nodes;
        uint32_t leaves = (end - t.root[k] + 1) / 2;
        if (leaves > most) most = leaves;
    }
    (void)snprintf(out, cap, "%u tree%s, %u leaves at most, %u columns", t.head->trees, t.head->trees == 1 ? "" : "s",
                   most, n->n_in);
}

const tarn_node_kind tarn_node_trees = {
    .name = "trees",
    .title = "A sum of decision trees",
    .id = 7,
    .check = check,
    .run = run,
    .text = text,
};
