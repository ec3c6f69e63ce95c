/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - reading a model's bytes that nobody vouches for. See block.h.
 *
 * Order: head (magic, version, length, checksum, limits), then each section against the head and those before it.
 * Every table runs on from where the one before ended (strings, levels, reads, data), so nothing overlaps and
 * nothing is left over. A register is read only after it is written: input, or an earlier node. */
#include "model/block.h"

#include "base/str.h"
#include "model/model.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t up8(uint64_t x) { return (x + 7) & ~(uint64_t)7; }

void tarn_block_layout_of(const tarn_block_head *head, tarn_block_layout *out)
{
    out->inputs = sizeof *head;
    out->by_name = out->inputs + (uint64_t)head->inputs * sizeof(tarn_block_input);
    out->levels = up8(out->by_name + (uint64_t)head->inputs * sizeof(uint32_t));
    out->classes = out->levels + (uint64_t)head->levels * sizeof(tarn_block_string);
    out->nodes = out->classes + (uint64_t)head->classes * sizeof(tarn_block_string);
    out->reads = out->nodes + (uint64_t)head->nodes * sizeof(tarn_block_node);
    out->outputs = up8(out->reads + (uint64_t)head->reads * sizeof(uint32_t));
    out->importance = up8(out->outputs + (uint64_t)head->outputs * sizeof(uint32_t));
    out->strings = out->importance + (head->importance ? (uint64_t)head->inputs * sizeof(double) : 0);
    out->data = up8(out->strings + head->strings);
    out->end = out->data + head->data;
}

static XXH128_hash_t checksum(const void *bytes, uint64_t length)
{
    const char *from = (const char *)bytes + TARN_BLOCK_SUMMED_FROM;
    return XXH3_128bits_withSeed(from, (size_t)length - TARN_BLOCK_SUMMED_FROM, length);
}

void tarn_block_seal(void *bytes, uint64_t length)
{
    tarn_block_head *head = bytes;

    memcpy(head->magic, TARN_BLOCK_MAGIC, sizeof head->magic);
    head->version = TARN_BLOCK_VERSION;
    head->head_bytes = sizeof *head;
    head->length = length;
    XXH128_hash_t sum = checksum(bytes, length);
    head->sum_low = sum.low64;
    head->sum_high = sum.high64;
}

static tarn_code check_frame(const tarn_block_head *head, size_t len, tarn_err *err)
{
    if (len < sizeof head->magic || memcmp(head->magic, TARN_BLOCK_MAGIC, sizeof head->magic) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "not a model: does not begin with " TARN_BLOCK_MAGIC);
    if (len < sizeof *head)
        return TARN_FAIL(err, TARN_CORRUPT, "ends after %zu bytes, within the head of %zu", len, sizeof *head);
    if (head->version > TARN_BLOCK_VERSION)
        return TARN_FAIL(err, TARN_UNSUPPORTED, "format %u is newer than this program, which reads up to %d; update it",
                         head->version, TARN_BLOCK_VERSION);
    if (head->version != TARN_BLOCK_VERSION || head->head_bytes != sizeof *head)
        return TARN_FAIL(err, TARN_CORRUPT, "head names format %u of %u bytes", head->version, head->head_bytes);
    if (head->length != len)
        return TARN_FAIL(err, TARN_CORRUPT, "has %zu bytes where the head says %llu: %s", len,
                         (unsigned long long)head->length, head->length > len ? "it was cut" : "something was added");
    XXH128_hash_t sum = checksum(head, len);
    if (sum.low64 != head->sum_low || sum.high64 != head->sum_high)
        return TARN_FAIL(err, TARN_CORRUPT, "the checksum does not fit the bytes; get the file again");
    return TARN_OK;
}

static tarn_code check_head(const tarn_block_head *head, size_t len, tarn_block_layout *at, tarn_err *err)
{
    static const uint32_t most_classes = 1 << 16;

    if (head->inputs > TARN_BLOCK_INPUTS || head->nodes > TARN_BLOCK_NODES || head->registers > TARN_BLOCK_REGISTERS ||
        head->classes > most_classes || head->outputs > most_classes)
        return TARN_FAIL(err, TARN_CORRUPT, "head: %u inputs, %u nodes, %u registers, %u classes, %u outputs: too many",
                         head->inputs, head->nodes, head->registers, head->classes, head->outputs);
    if (head->importance > 1) return TARN_FAIL(err, TARN_CORRUPT, "head: importance is %u", head->importance);
    if (head->data > len) return TARN_FAIL(err, TARN_CORRUPT, "head: payloads are longer than the model");
    tarn_block_layout_of(head, at);
    if (at->end != len)
        return TARN_FAIL(err, TARN_CORRUPT, "head: the sections end at byte %llu, the model at %zu",
                         (unsigned long long)at->end, len);
    if (!isfinite(head->threshold)) return TARN_FAIL(err, TARN_CORRUPT, "head: threshold is not a finite number");
    return TARN_OK;
}

static void point(const void *bytes, const tarn_block_layout *at, tarn_block *b)
{
    const unsigned char *p = bytes;
    const void *const to[] = {p + at->inputs, p + at->by_name, p + at->levels,     p + at->classes, p + at->nodes,
                              p + at->reads,  p + at->outputs, p + at->importance, p + at->strings};

    *b = (tarn_block){.head = bytes,
                      .inputs = to[0],
                      .by_name = to[1],
                      .levels = to[2],
                      .classes = to[3],
                      .nodes = to[4],
                      .reads = to[5],
                      .outputs = to[6],
                      .strings = to[8],
                      .data = p + at->data};
    if (b->head->importance) b->importance = to[7];
}

static tarn_code check_gap(const void *bytes, uint64_t from, uint64_t to, const char *what, tarn_err *err)
{
    const unsigned char *p = bytes;

    for (uint64_t i = from; i < to; i++)
        if (p[i] != 0)
            return TARN_FAIL(err, TARN_CORRUPT, "byte %llu behind %s is not zero", (unsigned long long)i, what);
    return TARN_OK;
}

static tarn_code check_gaps(const tarn_block *b, const tarn_block_layout *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_block_head *h = b->head;

    TARN_TRY(check_gap(h, at->by_name + h->inputs * sizeof(uint32_t), at->levels, "by_name", err));
    TARN_TRY(check_gap(h, at->reads + h->reads * sizeof(uint32_t), at->outputs, "reads", err));
    TARN_TRY(check_gap(h, at->outputs + h->outputs * sizeof(uint32_t), at->importance, "outputs", err));
    TARN_TRY(check_gap(h, at->strings + h->strings, at->data, "strings", err));
done:
    return rc;
}

/* The next string must stand at *next, where the one before ended. `plain`: not empty, and no NUL within. */
static tarn_code check_string(const tarn_block *b, tarn_block_string s, bool plain, uint64_t *next, tarn_err *err)
{
    size_t bad;

    if (s.at != *next || *next + s.len + 1 > b->head->strings)
        return TARN_FAIL(err, TARN_CORRUPT, "a text of %u bytes at %u of the strings; expected at %llu of %u", s.len,
                         s.at, (unsigned long long)*next, b->head->strings);
    const char *text = b->strings + s.at;
    if (text[s.len] != '\0') return TARN_FAIL(err, TARN_CORRUPT, "a text at %u without NUL at its end", s.at);
    if (plain && (s.len == 0 || memchr(text, '\0', s.len)))
        return TARN_FAIL(err, TARN_CORRUPT, "a name at %u is empty or has a NUL within", s.at);
    if (!tarn_utf8_valid(text, s.len, &bad))
        return TARN_FAIL(err, TARN_CORRUPT, "a text at %u is not UTF-8 from its byte %zu on", s.at, bad);
    *next += (uint64_t)s.len + 1;
    return TARN_OK;
}

static tarn_code check_input(const tarn_block *b, uint32_t i, uint64_t *levels, tarn_err *err)
{
    const tarn_block_input *in = &b->inputs[i];

    if (in->kind > TARN_STRING || in->required > 1)
        return TARN_FAIL(err, TARN_CORRUPT, "kind %u, required %u", in->kind, in->required);
    if (in->kind != TARN_CATEGORY) {
        if (in->levels != 0 || in->first_level != 0) return TARN_FAIL(err, TARN_CORRUPT, "levels without a category");
        return TARN_OK;
    }
    if (in->first_level != *levels || *levels + in->levels > b->head->levels)
        return TARN_FAIL(err, TARN_CORRUPT, "levels %u to %llu; expected from %llu on, of %u", in->first_level,
                         (unsigned long long)in->first_level + in->levels, (unsigned long long)*levels,
                         b->head->levels);
    *levels += in->levels;
    return TARN_OK;
}

static tarn_code check_inputs(const tarn_block *b, uint64_t *next, tarn_err *err)
{
    uint64_t levels = 0;

    for (uint32_t i = 0; i < b->head->inputs; i++) {
        tarn_code rc = check_input(b, i, &levels, err);
        if (rc == TARN_OK) rc = check_string(b, b->inputs[i].name, true, next, err);
        if (rc != TARN_OK) {
            tarn_err_note(err, "input %u", i);
            return rc;
        }
    }
    if (levels != b->head->levels)
        return TARN_FAIL(err, TARN_CORRUPT, "inputs: %u levels, of which they use %llu", b->head->levels,
                         (unsigned long long)levels);
    return TARN_OK;
}

/* Names strictly ascending: proves that by_name is a permutation and that no name is there twice. */
static tarn_code check_by_name(const tarn_block *b, tarn_err *err)
{
    for (uint32_t k = 0; k < b->head->inputs; k++) {
        if (b->by_name[k] >= b->head->inputs)
            return TARN_FAIL(err, TARN_CORRUPT, "by_name[%u] is input %u of %u", k, b->by_name[k], b->head->inputs);
        if (k == 0) continue;
        tarn_block_string last = b->inputs[b->by_name[k - 1]].name, here = b->inputs[b->by_name[k]].name;
        if (tarn_bytes_compare(tarn_block_text(b, last), last.len, tarn_block_text(b, here), here.len) >= 0)
            return TARN_FAIL(err, TARN_CORRUPT, "by_name[%u]: '%.60s' does not come after '%.60s'", k,
                             tarn_block_text(b, here), tarn_block_text(b, last));
    }
    return TARN_OK;
}

static tarn_code check_levels(const tarn_block *b, uint64_t *next, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (uint32_t i = 0; i < b->head->levels; i++) TARN_TRY(check_string(b, b->levels[i], false, next, err));
    for (uint32_t i = 0; i < b->head->inputs; i++) {
        const tarn_block_input *in = &b->inputs[i];
        for (uint32_t j = 1; j < in->levels; j++) {
            tarn_block_string last = b->levels[in->first_level + j - 1], here = b->levels[in->first_level + j];
            if (tarn_bytes_compare(tarn_block_text(b, last), last.len, tarn_block_text(b, here), here.len) < 0)
                continue;
            rc = TARN_FAIL(err, TARN_CORRUPT, "level %u of '%.60s' does not come after the one before it", j,
                           tarn_block_text(b, in->name));
            goto done;
        }
    }
done:
    if (rc != TARN_OK) tarn_err_note(err, "levels");
    return rc;
}

static tarn_code check_classes(const tarn_block *b, uint64_t *next, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_block_head *h = b->head;
    bool fits = h->task == TARN_BINARY       ? h->classes == 2 && h->outputs == 1
                : h->task == TARN_MULTICLASS ? h->classes >= 2 && h->outputs == h->classes
                : h->task == TARN_REGRESSION ? h->classes == 0 && h->outputs == 1
                                             : false;

    if (!fits)
        return TARN_FAIL(err, TARN_CORRUPT, "head: task %u with %u classes and %u outputs", h->task, h->classes,
                         h->outputs);
    for (uint32_t i = 0; i < h->classes; i++) TARN_TRY(check_string(b, b->classes[i], true, next, err));
    if (*next != h->strings)
        rc = TARN_FAIL(err, TARN_CORRUPT, "strings end at %llu of %u", (unsigned long long)*next, h->strings);
done:
    if (rc != TARN_OK) tarn_err_note(err, "classes");
    return rc;
}

/* Node i, when `registers`, `reads` and `data` of each are taken by those before it. */
static tarn_code check_node(const tarn_block *b, uint32_t i, uint64_t *registers, uint64_t *reads, uint64_t *data,
                            tarn_err *err)
{
    const tarn_block_node *node = &b->nodes[i];

    if (node->first_read != *reads || *reads + node->n_in > b->head->reads)
        return TARN_FAIL(err, TARN_CORRUPT, "reads %u from %u on; expected from %llu on, of %u", node->n_in,
                         node->first_read, (unsigned long long)*reads, b->head->reads);
    for (uint32_t j = 0; j < node->n_in; j++)
        if (b->reads[*reads + j] >= *registers)
            return TARN_FAIL(err, TARN_CORRUPT, "reads register %u; only %llu are written before it",
                             b->reads[*reads + j], (unsigned long long)*registers);
    if (node->n_out == 0 || *registers + node->n_out > b->head->registers)
        return TARN_FAIL(err, TARN_CORRUPT, "writes %u registers behind %llu of %u", node->n_out,
                         (unsigned long long)*registers, b->head->registers);
    if (node->at != *data || node->len > b->head->data || up8(*data + node->len) > b->head->data)
        return TARN_FAIL(err, TARN_CORRUPT, "payload of %llu bytes at %llu; expected at %llu of %llu",
                         (unsigned long long)node->len, (unsigned long long)node->at, (unsigned long long)*data,
                         (unsigned long long)b->head->data);
    *reads += node->n_in;
    *registers += node->n_out;
    *data = up8(*data + node->len);
    return check_gap(b->data, node->at + node->len, *data, "the payload", err);
}

static tarn_code check_nodes(const tarn_block *b, tarn_err *err)
{
    uint64_t registers = b->head->inputs, reads = 0, data = 0;

    for (uint32_t i = 0; i < b->head->nodes; i++) {
        tarn_code rc = check_node(b, i, &registers, &reads, &data, err);
        if (rc != TARN_OK) {
            tarn_err_note(err, "node %u", i);
            return rc;
        }
    }
    if (registers != b->head->registers || reads != b->head->reads || data != b->head->data)
        return TARN_FAIL(err, TARN_CORRUPT, "nodes: registers, reads or payloads are left over");
    for (uint32_t i = 0; i < b->head->outputs; i++)
        if (b->outputs[i] < b->head->inputs && b->inputs[b->outputs[i]].kind == TARN_STRING)
            return TARN_FAIL(err, TARN_CORRUPT, "output %u is register %u, a text", i, b->outputs[i]);
        else if (b->outputs[i] >= registers)
            return TARN_FAIL(err, TARN_CORRUPT, "output %u is register %u of %llu", i, b->outputs[i],
                             (unsigned long long)registers);
    return TARN_OK;
}

static tarn_code check_importance(const tarn_block *b, tarn_err *err)
{
    for (uint32_t i = 0; b->importance && i < b->head->inputs; i++)
        if (!(b->importance[i] >= 0 && b->importance[i] <= 1))
            return TARN_FAIL(err, TARN_CORRUPT, "importance[%u] is not from 0 to 1", i);
    return TARN_OK;
}

tarn_code tarn_block_open(const void *bytes, size_t len, tarn_block *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_block_layout at;
    uint64_t next = 0;
    tarn_block b;

    TARN_TRY(check_frame(bytes, len, err));
    TARN_TRY(check_head(bytes, len, &at, err));
    point(bytes, &at, &b);
    TARN_TRY(check_gaps(&b, &at, err));
    rc = check_string(&b, b.head->target, true, &next, err);
    if (rc != TARN_OK) {
        tarn_err_note(err, "target");
        goto done;
    }
    TARN_TRY(check_inputs(&b, &next, err));
    TARN_TRY(check_levels(&b, &next, err));
    TARN_TRY(check_by_name(&b, err));
    TARN_TRY(check_classes(&b, &next, err));
    TARN_TRY(check_nodes(&b, err));
    TARN_TRY(check_importance(&b, err));
    *out = b;
done:
    return rc;
}
