/* SPDX-License-Identifier: Apache-2.0 */
/* graph_test.c - lanes beside a log, row by row. */
#include "support/tarn_test.h"

#include "cli/graph.h"

/* A history in a few letters: "d:bc" is commit d with parents b and c. Newest first. */
static void draw(const char *history, const char *want)
{
    tarn_graph g = {.n = 0};
    tarn_text all = {0};
    tarn_commit *c = calloc(1, sizeof *c);

    assert_non_null(c);
    for (const char *p = history; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        tarn_text row = {0}, below = {0};
        *c = (tarn_commit){.id = {{(uint8_t)*p}}};
        for (const char *q = p + 2; p[1] == ':' && *q && *q != ' '; q++) c->parents[c->n_parents++].b[0] = (uint8_t)*q;
        tarn_graph_next(&g, c, &row, &below);
        tarn_text_addf(&all, "%s%c\n%s", row.data, *p, below.data ? below.data : "");
        tarn_text_clear(&row);
        tarn_text_clear(&below);
    }
    must(tarn_text_check(&all, err));
    assert_string_equal(all.data, want);
    tarn_text_clear(&all);
    free(c);
}

static void a_line_is_a_line(void **state)
{
    (void)state;
    draw("c:b b:a a", "* c\n* b\n* a\n");
}

static void a_merge_parts_and_a_fork_joins(void **state)
{
    (void)state;
    draw("d:cb c:a b:a a", "* d\n"
                           "|\\  \n"
                           "* | c\n"
                           "| * b\n"
                           "|/  \n"
                           "* a\n");
}

static void lanes_are_used_again_and_wide_lines_bend(void **state)
{
    (void)state;
    draw("g:fe f:ad e:a d:a a", "* g\n"
                                "|\\  \n"
                                "* | f\n"
                                "|_|\\  \n"
                                "| * | e\n"
                                "| | * d\n"
                                "|_|/  \n"
                                "|/    \n"
                                "* a\n");
}

static void two_roots_and_a_second_parent_that_has_a_lane(void **state)
{
    (void)state;
    draw("e:dc d:bc c b", "* e\n"
                          "|\\  \n"
                          "* | d\n"
                          "|\\  \n"
                          "| * c\n"
                          "* b\n");
}

/* More lines at once than there are lanes: some are left out, nothing is overrun. */
static void too_many_lines_are_left_out(void **state)
{
    tarn_graph g = {.n = 0};
    tarn_commit *c = calloc(1, sizeof *c);

    (void)state;
    assert_non_null(c);
    for (uint32_t i = 0; i < 200; i++) {
        tarn_text row = {0}, below = {0};
        *c = (tarn_commit){.n_parents = 2};
        uint32_t n[3] = {i + 1, 1000 + i, 5000 + i};
        memcpy(c->id.b, &n[0], 4);
        memcpy(c->parents[0].b, &n[1], 4);
        memcpy(c->parents[1].b, &n[2], 4);
        tarn_graph_next(&g, c, &row, &below);
        must(tarn_text_check(&row, err));
        assert_true(g.n <= TARN_GRAPH_LANES);
        tarn_text_clear(&row);
        tarn_text_clear(&below);
    }
    free(c);
}

TARN_TESTS(TARN_TEST(a_line_is_a_line), TARN_TEST(a_merge_parts_and_a_fork_joins),
           TARN_TEST(lanes_are_used_again_and_wide_lines_bend),
           TARN_TEST(two_roots_and_a_second_parent_that_has_a_lane), TARN_TEST(too_many_lines_are_left_out))
