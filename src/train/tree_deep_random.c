/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep_random.c - cuts drawn at random, for extremely randomised trees. See tree_deep.h. */
#include "train/tree_deep_parts.h"

#include "base/random.h"

#include <immintrin.h>
#include <string.h>

/* Draws of a node's cuts stand at places of the index that its draws of columns do not reach. */
static const uint32_t CUTS = UINT32_C(1) << 30;

/* The places of the node's rows in a column. */
static void fetch_places(const tarn_deep_search *s, int32_t feature)
{
    const tarn_deep *d = s->d;
    const tarn_deep_item *item = d->list + s->node->at;
    tarn_deep_column column = tarn_deep_column_of(d, s->node, feature);
    const uint8_t *place = d->place + (size_t)feature * TARN_DEEP_PLACES;
    int64_t n = s->node->items;

    for (int64_t i = 0; i < n; i++) d->bin[i] = tarn_deep_bin(column, item[i].row);
    for (int64_t i = 0; d->data->bins->feature[feature].category && i < n; i++) d->bin[i] = place[d->bin[i]];
}

static uint8_t least_of(__m256i x)
{
    __m128i a = _mm_min_epu8(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    __m128i pairs = _mm_min_epu8(a, _mm_srli_epi16(a, 8)); /* the low byte of each is the lesser one */

    return (uint8_t)_mm_extract_epi16(_mm_minpos_epu16(_mm_and_si128(pairs, _mm_set1_epi16(255))), 0);
}

/* The range of the places that are not missing (-1: none is); returns how many are missing. */
static int64_t look_at_places(const tarn_deep_search *s, int32_t missing, uint8_t *least, uint8_t *most)
{
    uint8_t *bin = s->d->bin;
    int64_t n = s->node->items, none = 0;
    __m256i low = _mm256_set1_epi8(-1), high = low, gone = _mm256_set1_epi8((char)missing); /* high: 255 less it */

    memset(bin + n, bin[0], 31);
    for (int64_t i = 0; i < n; i += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(bin + i));
        __m256i is_gone = missing < 0 ? _mm256_setzero_si256() : _mm256_cmpeq_epi8(x, gone);
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(is_gone);
        none += __builtin_popcount(i + 32 <= n ? mask : mask & ((UINT32_C(1) << (n - i)) - 1));
        low = _mm256_min_epu8(low, _mm256_or_si256(x, is_gone));
        high = _mm256_min_epu8(high, _mm256_or_si256(_mm256_xor_si256(x, _mm256_set1_epi8(-1)), is_gone));
    }
    *least = least_of(low);
    *most = 255 - least_of(high);
    return none;
}

/* COUNTS: rows at places up to `last`, or missing ones if they go left, as n << 32 | n times label. */
static uint64_t count_left(const tarn_deep_search *s, int32_t last, int32_t missing)
{
    const tarn_deep *d = s->d;
    const tarn_deep_item *item = d->list + s->node->at;
    const __m256i last4 = _mm256_set1_epi64x(last), missing4 = _mm256_set1_epi64x(missing);
    __m256i times = _mm256_setzero_si256(), ones = times, low16 = _mm256_set1_epi64x(65535);
    uint64_t t[4], o[4], counts = 0;
    int64_t i = 0, n = s->node->items;

    for (; i + 4 <= n; i += 4) {
        int32_t four;
        memcpy(&four, d->bin + i, sizeof four);
        __m256i bin = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
        __m256i left = _mm256_or_si256(_mm256_andnot_si256(_mm256_cmpgt_epi64(bin, last4), _mm256_set1_epi64x(-1)),
                                       _mm256_cmpeq_epi64(bin, missing4));
        __m256i w = _mm256_and_si256(left, _mm256_loadu_si256((const __m256i *)(const void *)(item + i)));
        times = _mm256_add_epi64(times, _mm256_srli_epi64(w, 48));
        ones = _mm256_add_epi64(ones, _mm256_and_si256(_mm256_srli_epi64(w, 32), low16));
    }
    for (; i < n; i++)
        if (d->bin[i] <= last || d->bin[i] == missing)
            counts += (uint64_t)(item[i].w >> 16) << 32 | (item[i].w & 65535);
    memcpy(t, &times, sizeof t);
    memcpy(o, &ones, sizeof o);
    return counts + ((t[0] + t[1] + t[2] + t[3]) << 32) + o[0] + o[1] + o[2] + o[3];
}

/* Sums of rows at places up to `last`, and missing ones if they go left; of more classes also d->side's second row. */
static tarn_deep_sums sum_left(const tarn_deep_search *s, int32_t last, int32_t missing, bool missing_left)
{
    const tarn_deep *d = s->d;
    const tarn_deep_item *item = d->list + s->node->at;
    int32_t classes = d->data->classes;
    double *share = d->side ? d->side + classes : NULL;
    tarn_deep_sums l = {0};

    if (share) memset(share, 0, (size_t)classes * sizeof *share);
    if (d->mode == TARN_DEEP_COUNTS) {
        uint64_t counts = count_left(s, last, missing_left ? missing : -1);
        return (tarn_deep_sums){(double)(counts >> 32), (double)(counts & UINT32_MAX), (int64_t)(counts >> 32)};
    }
    for (int64_t i = 0; i < s->node->items; i++) {
        bool left = d->bin[i] == missing ? missing_left : d->bin[i] <= last;
        if (!left) continue;
        l.w += d->w[i];
        l.s += d->s[i];
        l.n += item[i].w;
        if (share) share[d->label[i]] += d->w[i];
    }
    return l;
}

static double score_of(const tarn_deep_search *s, const tarn_deep_sums *l)
{
    const tarn_deep *d = s->d;
    int32_t classes = d->data->classes;
    double rw = s->total.w - l->w, rs = s->total.s - l->s, left = 0, right = 0;

    if (d->mode != TARN_DEEP_SHARES) return l->s * l->s / l->w + rs * rs / rw;
    for (int32_t k = 0; k < classes; k++) {
        double a = d->side[classes + k], b = d->side[k] - a;
        left += a * a;
        right += b * b;
    }
    return left / l->w + right / rw;
}

bool tarn_deep_try_random(tarn_deep_search *s, int32_t feature)
{
    tarn_deep *d = s->d;
    const tarn_bin_feature *f = &d->data->bins->feature[feature];
    int32_t missing = f->category ? -1 : f->bins, last;
    uint8_t least, most;
    fetch_places(s, feature);
    int64_t none = look_at_places(s, missing, &least, &most);
    tarn_random4 r = tarn_philox(d->seed, TARN_STREAM_FEATURES, s->node->id, CUTS + (uint32_t)feature);
    bool missing_left = none > 0 && r.v[1] & 1;

    if (none == s->node->items || (none == 0 && least == most)) return false;
    last = least + (int32_t)((uint64_t)r.v[0] * (uint64_t)(most - least) >> 32);
    if (least == most) missing_left = false; /* values against missing ones */
    tarn_deep_sums l = sum_left(s, last, missing, missing_left);
    int64_t rest = s->total.n - l.n;
    if (l.n < d->shape.min_rows || rest < d->shape.min_rows || !(l.w > 0) || !(s->total.w - l.w > 0)) return true;
    double score = score_of(s, &l);
    if (!(score > s->score)) return true;
    s->score = score;
    s->feature = feature;
    s->after = last;
    s->before = least == most ? f->bins : last + 1;
    s->left_larger = 2 * l.w >= s->total.w;
    s->missing = none > 0;
    s->missing_left = missing_left;
    return true;
}
