/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows_test.c - rows are in the leaf where they belong, each with its gradient, however they are kept. */
#include "train/tree_sample.h"

#include "train/tree_rows.h"

enum { COLUMNS = 6, DEPTH = 6, MOST = 100000, STRIPS = 32, READ_BEHIND = 128 };

typedef struct sample {
    tarn_tree_rows rows;
    int64_t n;
    uint8_t *column; /* (COLUMNS, n), and some more */
    uint8_t *by_row; /* (n, 8) */
    int64_t *packed;
    uint8_t *seen; /* (n) */
} sample;

static void sample_new(sample *s, int64_t n)
{
    *s = (sample){.n = n};
    must(tarn_tree_rows_init(&s->rows, n, err));
    assert_true(s->rows.strips <= STRIPS);
    must(tarn_alloc(&s->column, (size_t)(COLUMNS * n + READ_BEHIND), 1, err));
    must(tarn_alloc(&s->by_row, (size_t)(8 * n), 1, err));
    must(tarn_alloc(&s->packed, (size_t)n, sizeof *s->packed, err));
    must(tarn_alloc(&s->seen, (size_t)n, 1, err));
    for (int64_t i = 0; i < n; i++) {
        s->packed[i] = (int64_t)(fixture_unit(i, 100) * 1e9);
        for (int c = 0; c < COLUMNS; c++)
            s->column[c * n + i] = s->by_row[8 * i + c] = (uint8_t)(256 * fixture_unit(i, (uint32_t)c));
    }
}

static void sample_clear(sample *s)
{
    tarn_tree_rows_clear(&s->rows);
    tarn_free(s->column);
    tarn_free(s->by_row);
    tarn_free(s->packed);
    tarn_free(s->seen);
}

/* A leaf: rows whose bins took a certain way through the columns. */
typedef struct leaf {
    tarn_tree_place place;
    tarn_tree_piece piece[STRIPS];
    const uint8_t (*left)[256]; /* of each column */
    int depth, way;             /* bit d: went left at column d */
} leaf;

static bool belongs(const sample *s, const leaf *l, int64_t row)
{
    for (int d = 0; d < l->depth; d++)
        if (l->left[d][s->column[d * s->n + row]] != (l->way >> d & 1)) return false;
    return true;
}

/* The leaf has just the rows that belong to it, each once. */
static void check(sample *s, const leaf *l)
{
    static tarn_tree_batch b;
    int64_t found = 0, want = 0, pieces = 0;

    memset(s->seen, 0, (size_t)s->n);
    for (int32_t strip = 0; strip < s->rows.strips; strip++) {
        int64_t end, begin = tarn_tree_rows_strip(&s->rows, strip, &end);
        pieces += l->piece[strip].n;
        b.next = -1;
        while (tarn_tree_rows_next(&s->rows, l->place, strip, &l->piece[strip], s->packed, &b))
            for (int64_t k = 0; k < b.n; k++) {
                int64_t row = b.row ? b.row[k] : b.first + k;
                assert_in_range(row, begin, end - 1);
                assert_int_equal(b.packed[k], s->packed[row]);
                assert_false(s->seen[row]);
                assert_true(belongs(s, l, row));
                s->seen[row] = 1;
                found++;
            }
    }
    for (int64_t i = 0; i < s->n; i++) want += belongs(s, l, i);
    assert_int_equal(found, want);
    assert_int_equal(pieces, want);
}

static void part(sample *s, const leaf *of, leaf child[2], const tarn_tree_place place[2])
{
    bool wide = of->depth % 2 == 1 && of->place.form == TARN_ROWS_LISTED;
    tarn_tree_parting p = {.of = of->place,
                           .child = {place[0], place[1]},
                           .packed = s->packed,
                           .column = wide ? s->by_row + of->depth : s->column + of->depth * s->n,
                           .stride = wide ? 8 : 1};

    memcpy(p.left, of->left[of->depth], sizeof p.left);
    for (int c = 0; c < 2; c++)
        child[c] =
            (leaf){.place = place[c], .left = of->left, .depth = of->depth + 1, .way = of->way | (c == 0) << of->depth};
    for (int32_t strip = s->rows.strips; strip-- > 0;)
        tarn_tree_rows_part(&s->rows, &p, strip, &of->piece[strip], &child[0].piece[strip], &child[1].piece[strip]);
}

/* Part down to DEPTH; from depth `listed` on as lists. A mark goes to the left child or, if only it keeps one, to the
 * right one. */
static void grow(sample *s, const leaf *l, int listed)
{
    static const uint8_t fresh[] = {1, 2, 3, 4, 5, 6, 7, 8};
    leaf child[2];
    tarn_tree_place place[2];

    check(s, l);
    if (l->depth == DEPTH) return;
    for (int c = 0; c < 2; c++) {
        bool list = l->place.form == TARN_ROWS_LISTED || l->depth + 1 >= listed + (c == 0);
        place[c] = (tarn_tree_place){.form = TARN_ROWS_LISTED,
                                     .buffer = l->place.form == TARN_ROWS_LISTED ? 1 - l->place.buffer : 0};
        if (!list) place[c] = (tarn_tree_place){.form = TARN_ROWS_MARKED, .mark = l->place.mark};
    }
    if (place[0].form == TARN_ROWS_MARKED && place[1].form == TARN_ROWS_MARKED) place[1].mark = fresh[l->depth];
    part(s, l, child, place);
    grow(s, &child[0], listed);
    grow(s, &child[1], listed);
}

/* Some sets of bins are a border with the missing bin beside it, some have no order. */
static void choose_sets(uint8_t left[DEPTH][256], uint32_t turn)
{
    for (int d = 0; d < DEPTH; d++)
        for (int b = 0; b < 256; b++) {
            left[d][b] = fixture_unit(b, turn * 64 + (uint32_t)d) < 0.4;
            if (d % 2 == 0) left[d][b] = b <= (int)(turn * 37 + 60) % 256 || b == 200;
        }
}

static void rows_are_where_they_belong(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 31, 33, 64, 1000, 32768, MOST};
    uint8_t left[DEPTH][256];

    for (uint32_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        sample s;
        sample_new(&s, sizes[k]);
        choose_sets(left, k);
        for (int listed = 0; listed <= 4; listed += 2) {
            leaf root = {.place = {.form = TARN_ROWS_ALL}, .left = (const uint8_t(*)[256])left};
            tarn_tree_rows_reset(&s.rows, root.piece);
            grow(&s, &root, listed);
        }
        sample_clear(&s);
    }
}

static void too_many_rows_and_too_little_memory_are_errors(void **state)
{
    (void)state;
    tarn_tree_rows r;
    tarn_err error = {0};
    int64_t live = tarn_mem_live();

    assert_int_equal(tarn_tree_rows_init(&r, INT64_C(1) << 31, &error), TARN_LIMIT);
    for (int64_t n = 1; n <= 5; n++) {
        tarn_mem_fail_after(n);
        tarn_code rc = tarn_tree_rows_init(&r, 1000, &error);
        tarn_mem_fail_after(0);
        assert_int_equal(rc, TARN_NOMEM);
        assert_int_equal(tarn_mem_live(), live);
    }
}

TARN_TESTS(TARN_TEST(rows_are_where_they_belong), TARN_TEST(too_many_rows_and_too_little_memory_are_errors))
