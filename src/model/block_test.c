/* SPDX-License-Identifier: Apache-2.0 */
/* block_test.c - the form of a model's bytes does not change, and bytes that nobody vouches for are refused, or run
 * clean. The checksum is put right after each change here, so that the checks behind it are what is tested. */
#include "model/block.h"

#include "model/model_sample.h"
#include "support/tarn_test.h"

/* The checksum of the sample model: it may only change together with TARN_BLOCK_VERSION (or with the sample). */
static const uint64_t golden_low = 0xe2843b291a6ba9f7, golden_high = 0x0fb6186fdab5d797;

/* A copy with room behind it, to be broken. */
static unsigned char *sample_bytes(size_t *len)
{
    tarn_model *m = NULL;
    unsigned char *copy = NULL;

    must(sample_model(&m, err));
    const void *bytes = tarn_model_bytes(m, len);
    must(tarn_alloc(&copy, *len + 64, 1, err));
    memcpy(copy, bytes, *len);
    tarn_model_free(m);
    return copy;
}

static void run_odd_rows(const tarn_model *m)
{
    static const double odd[] = {NAN, -1, 0, 0.5, 1, 2, 3, 64, 1e9, 4294967296.0, -1e300, INFINITY, -INFINITY, 1.4e15};
    const int n = sizeof odd / sizeof *odd;
    double *in = NULL, *scratch = NULL, *out = NULL;

    must(tarn_alloc(&in, (size_t)tarn_model_inputs(m), sizeof *in, err));
    must(tarn_alloc(&scratch, tarn_model_scratch(m), sizeof *scratch, err));
    must(tarn_alloc(&out, (size_t)tarn_model_outputs(m), sizeof *out, err));
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < tarn_model_inputs(m); i++) in[i] = odd[(k + 3 * i) % n];
        tarn_model_row(m, in, scratch, out);
    }
    tarn_free(out);
    tarn_free(scratch);
    tarn_free(in);
}

/* Load a copy of exactly this size (so that a sanitizer sees a step beyond); true if it was taken, and ran. */
static bool load_sealed(const unsigned char *bytes, size_t len)
{
    tarn_err err = {0};
    tarn_model *m = NULL;
    tarn_code rc = tarn_model_load(bytes, len, &m, &err);

    if (rc != TARN_OK) {
        assert_true(rc == TARN_CORRUPT || rc == TARN_UNSUPPORTED);
        assert_true(strlen(err.msg) > 10);
        return false;
    }
    char line[200];
    for (int i = 0; i < tarn_model_nodes(m); i++) (void)tarn_model_node_text(m, i, line, sizeof line);
    run_odd_rows(m);
    tarn_model_free(m);
    return true;
}

static void the_bytes_of_the_sample_are_what_they_always_were(void **state)
{
    size_t len = 0;
    unsigned char *bytes = sample_bytes(&len);
    tarn_block_head head;

    (void)state;
    memcpy(&head, bytes, sizeof head);
    if (head.sum_low != golden_low || head.sum_high != golden_high)
        fail_msg("the form of models changed: 0x%016llx 0x%016llx", (unsigned long long)head.sum_low,
                 (unsigned long long)head.sum_high);
    tarn_free(bytes);
}

static void every_flipped_bit_is_noticed_by_the_checksum(void **state)
{
    size_t len = 0;
    unsigned char *bytes = sample_bytes(&len);

    (void)state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(load_sealed(bytes, len));
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(load_sealed(bytes, len));
    tarn_free(bytes);
}

static void a_model_cut_anywhere_is_refused(void **state)
{
    size_t len = 0;
    unsigned char *bytes = sample_bytes(&len);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) assert_false(load_sealed(bytes, cut));
    for (size_t cut = sizeof(tarn_block_head); cut < len; cut++) {
        tarn_block_seal(bytes, cut);
        assert_false(load_sealed(bytes, cut));
    }
    for (size_t more = len + 1; more < len + 64; more++) {
        tarn_block_seal(bytes, more);
        assert_false(load_sealed(bytes, more));
    }
    tarn_free(bytes);
}

static void a_flipped_bit_behind_a_right_checksum_is_refused_or_runs_clean(void **state)
{
    size_t len = 0, taken = 0;
    unsigned char *bytes = sample_bytes(&len);

    (void)state;
    for (size_t bit = TARN_BLOCK_SUMMED_FROM * 8; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        tarn_block_seal(bytes, len);
        taken += load_sealed(bytes, len);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(taken > 0 && taken < len * 8); /* weights and letters may change; structure may not */
    tarn_free(bytes);
}

static void random_damage_is_refused_or_runs_clean(void **state)
{
    static const uint32_t telling[] = {0,   1,     2,          7,          8,          63,        64,
                                       255, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    size_t len = 0;
    unsigned char *bytes = sample_bytes(&len), *work = NULL;

    (void)state;
    must(tarn_alloc(&work, len, 1, err));
    for (uint64_t round = 0; round < 40000; round++) {
        memcpy(work, bytes, len);
        uint64_t changes = 1 + tarn_random_below(3, 5, TARN_STREAM_TEST, round, 0);
        for (uint32_t c = 0; c < changes; c++) {
            tarn_random4 r = tarn_philox(6, TARN_STREAM_TEST, round, c);
            size_t at = TARN_BLOCK_SUMMED_FROM + r.v[0] % (len - TARN_BLOCK_SUMMED_FROM - 4) / 4 * 4;
            uint32_t value = r.v[1] % 4 ? telling[r.v[2] % (sizeof telling / sizeof *telling)] : r.v[2];
            memcpy(work + at, &value, sizeof value);
        }
        tarn_block_seal(work, len);
        (void)load_sealed(work, len);
    }
    tarn_free(work);
    tarn_free(bytes);
}

/* Change one field of the sample and expect a message. */
#define REFUSES(want, text, change)                                         \
    do {                                                                    \
        size_t len = 0;                                                     \
        unsigned char *bytes = sample_bytes(&len);                          \
        void *at = bytes;                                                   \
        tarn_block_head *head = at;                                         \
        tarn_block_layout where;                                            \
        tarn_block_layout_of(head, &where);                                 \
        void *in_at = bytes + where.inputs, *node_at = bytes + where.nodes; \
        tarn_block_input *input = in_at;                                    \
        tarn_block_node *node = node_at;                                    \
        tarn_model *m = NULL;                                               \
        (void)input, (void)node;                                            \
        change;                                                             \
        tarn_block_seal(bytes, len);                                        \
        must_fail_with(want, text, tarn_model_load(bytes, len, &m, err));   \
        tarn_free(bytes);                                                   \
    } while (0)

static void messages_name_the_place(void **state)
{
    (void)state;
    REFUSES(TARN_CORRUPT, "head: task 7", head->task = 7);
    REFUSES(TARN_CORRUPT, "too many", head->inputs = 70000);
    REFUSES(TARN_CORRUPT, "too many", head->registers = (1 << 20) + 1);
    REFUSES(TARN_CORRUPT, "sections end at", head->levels = 70000);
    REFUSES(TARN_CORRUPT, "payloads are longer", head->data = UINT64_MAX - 6);
    REFUSES(TARN_CORRUPT, "threshold", head->threshold = NAN);
    REFUSES(TARN_CORRUPT, "target: a text", head->target.len = 500);
    REFUSES(TARN_CORRUPT, "target: a text", head->target.at = 1);
    REFUSES(TARN_CORRUPT, "empty", head->target.len = 0; bytes[where.strings] = 0);
    REFUSES(TARN_CORRUPT, "not UTF-8", bytes[where.strings + 1] = 0xff);
    REFUSES(TARN_CORRUPT, "without NUL", bytes[where.strings + 4] = 'x');
    REFUSES(TARN_CORRUPT, "classes: a text of 5 bytes", bytes[where.classes + 12] = 5);
    REFUSES(TARN_CORRUPT, "input 2: kind 9", input[2].kind = 9);
    REFUSES(TARN_CORRUPT, "levels without a category", input[0].levels = 1);
    REFUSES(TARN_CORRUPT, "input 1: levels", input[1].levels = 4);
    REFUSES(TARN_CORRUPT, "of which they use 2", input[1].levels = 2);
    REFUSES(TARN_CORRUPT, "level 1 of 'carrier'", bytes[where.strings + 39] = 'A'; bytes[where.strings + 40] = 'A');
    REFUSES(TARN_CORRUPT, "by_name[0] is input 4", bytes[where.by_name] = 4);
    REFUSES(TARN_CORRUPT, "does not come after", bytes[where.by_name] = 0);
    REFUSES(TARN_CORRUPT, "node 1: reads register", bytes[where.reads + 4] = 6);
    REFUSES(TARN_CORRUPT, "node 0: reads 1000 from", node[0].n_in = 1000);
    REFUSES(TARN_CORRUPT, "node 0: writes", node[0].n_out = 0xffffffff);
    REFUSES(TARN_CORRUPT, "node 3: payload", node[3].at += 8);
    REFUSES(TARN_CORRUPT, "node 6: payload", node[6].len = UINT64_MAX - 4);
    REFUSES(TARN_CORRUPT, "output 0 is register 17", bytes[where.outputs] = 17);
    REFUSES(TARN_CORRUPT, "reads register 0, which is a text", input[0].kind = TARN_STRING);
    REFUSES(TARN_CORRUPT, "reads register 3, which is a text", input[3].kind = TARN_STRING);
    REFUSES(TARN_CORRUPT, "output 0 is register 3, a text", input[3].kind = TARN_STRING; bytes[where.outputs] = 3);
    REFUSES(TARN_CORRUPT, "importance[0]", bytes[where.importance + 7] = 0x80);
    REFUSES(TARN_UNSUPPORTED, "node 2 is of kind 77", node[2].kind = 77);
    REFUSES(TARN_CORRUPT, "node 0 (dateparts): part[1] is 99", bytes[where.data + 4] = 99);
    REFUSES(TARN_CORRUPT, "behind strings is not zero", bytes[where.data - 1] = 1);
}

static void a_newer_format_says_so(void **state)
{
    size_t len = 0;
    unsigned char *bytes = sample_bytes(&len);
    tarn_model *m = NULL;

    (void)state;
    bytes[8] = 2;
    must_fail_with(TARN_UNSUPPORTED, "format 2 is newer", tarn_model_load(bytes, len, &m, err));
    bytes[8] = 0;
    must_fail_with(TARN_CORRUPT, "format 0", tarn_model_load(bytes, len, &m, err));
    tarn_free(bytes);
}

TARN_TESTS(TARN_TEST(the_bytes_of_the_sample_are_what_they_always_were),
           TARN_TEST(every_flipped_bit_is_noticed_by_the_checksum), TARN_TEST(a_model_cut_anywhere_is_refused),
           TARN_TEST(a_flipped_bit_behind_a_right_checksum_is_refused_or_runs_clean),
           TARN_TEST(random_damage_is_refused_or_runs_clean), TARN_TEST(messages_name_the_place),
           TARN_TEST(a_newer_format_says_so))
