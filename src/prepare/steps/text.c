/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - a text becomes sparse columns: one for each word that train rows have, or 2^bits that words are hashed to.
 *
 * The definitions are those of scikit-learn: CountVectorizer, HashingVectorizer (the same columns), TfidfVectorizer.
 * With n texts (a missing one is an empty one) of which df have a word, idf is log((1 + n) / (1 + df)) + 1.
 *
 * Words are counted by each worker for itself, and counts added: integers, so any number of workers gives the same.
 * With max_features the most frequent words stay, of equally frequent ones the first by bytes.
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "model/tokens.h"
#include "prepare/step.h"
#include "prepare/steps/text_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct text_params {
    int tokens, lowercase, stop_words, features, weighting, norm;
    int64_t ngram_min, ngram_max, bits, max_features;
    double min_df, max_df;
    bool sublinear_tf, smooth_idf, alternate_sign;
    char columns[4096];
} text_params;

enum { AUTO, YES, NO };
enum { VOCABULARY, HASH };
enum { BY_TOKENS, COUNTS, BINARY, TFIDF };

static const tarn_param params[] = {
    TARN_WORD(text_params, tokens, TARN_TOKENS_WORDS, "words|chars|values|whole",
              "what a text is cut into; values: name:number pairs; whole: the cell is one token"),
    TARN_INT(text_params, ngram_min, 1, 1, TARN_GRAMS_MOST, "fewest words or characters in a row that make a token"),
    TARN_INT(text_params, ngram_max, 1, 1, TARN_GRAMS_MOST, "most words or characters in a row that make a token"),
    TARN_WORD(text_params, lowercase, AUTO, "auto|yes|no", "fold to lower case; auto: words and chars"),
    TARN_WORD(text_params, stop_words, 0, "none|english", "words to leave out"),
    TARN_WORD(text_params, features, VOCABULARY, "vocabulary|hash",
              "a column for each token that train rows have, or tokens hashed to 2^bits columns"),
    TARN_INT(text_params, bits, 18, 1, 24, "hash: 2^bits columns"),
    TARN_BOOL_PARAM(text_params, alternate_sign, false, "hash: count half of the tokens as -1, so that clashes cancel"),
    TARN_REAL(text_params, min_df, 1, 0, 1e12, "vocabulary: texts that must have a token; below 1: as a share"),
    TARN_REAL(text_params, max_df, 1, 0, 1e12, "vocabulary: most texts that may have a token; up to 1: as a share"),
    TARN_INT(text_params, max_features, 0, 0, 1 << 24, "vocabulary: keep the most frequent tokens only; 0: all"),
    TARN_WORD(text_params, weighting, BY_TOKENS, "auto|counts|binary|tfidf",
              "what a column holds; auto: tfidf for words and chars, else counts"),
    TARN_BOOL_PARAM(text_params, sublinear_tf, false, "tfidf: 1 + log(count) instead of the count"),
    TARN_BOOL_PARAM(text_params, smooth_idf, true, "tfidf: count one text more that has every token"),
    TARN_WORD(text_params, norm, 0, "auto|none|l1|l2", "length that a text's numbers get; auto: l2 for tfidf"),
    TARN_TEXT(text_params, columns, "", "texts to read, comma-separated; empty: all text columns"),
    TARN_PARAMS_END,
};

/* ---- settings ---- */

static tarn_code head_of(const text_params *p, tarn_bag_data *head, tarn_err *err)
{
    bool runs = p->tokens == TARN_TOKENS_WORDS || p->tokens == TARN_TOKENS_CHARS;
    bool tfidf = p->weighting == TFIDF || (p->weighting == BY_TOKENS && runs);
    bool low = p->lowercase == YES || (p->lowercase == AUTO && runs);

    if (p->ngram_min > p->ngram_max)
        return TARN_FAIL(err, TARN_INVALID, "ngram_min %lld is above ngram_max %lld", (long long)p->ngram_min,
                         (long long)p->ngram_max);
    if (!runs && p->ngram_max > 1)
        return TARN_FAIL(err, TARN_INVALID, "ngram_max is for words and chars; leave it out");
    *head = (tarn_bag_data){
        .tokens = (uint32_t)p->tokens,
        .flags = (low ? TARN_BAG_LOWER : 0u) | (p->stop_words ? TARN_BAG_STOP : 0u) |
                 (p->weighting == BINARY ? TARN_BAG_BINARY : 0u) | (tfidf ? TARN_BAG_IDF : 0u) |
                 (tfidf && p->sublinear_tf ? TARN_BAG_SUBLINEAR : 0u) |
                 (p->features == HASH && p->alternate_sign ? TARN_BAG_SIGN : 0u),
        .norm = p->norm > 0 ? (uint32_t)p->norm - 1
                : tfidf     ? TARN_NORM_L2
                            : TARN_NORM_NONE,
        .least = (uint32_t)p->ngram_min,
        .most = (uint32_t)p->ngram_max,
        .hashed = p->features == HASH,
        .cols = p->features == HASH ? 1u << p->bits : 0,
    };
    return TARN_OK;
}

/* ---- reading train rows ---- */

typedef struct look {
    const tarn_step_job *job;
    const text_params *p;
    uint32_t reg;
    tarn_bag_data head;
    double *values; /* (threads, TARN_BLOCK_ROWS) */
    char *memory;   /* (threads, each) */
    size_t each;
    text_words *words; /* (threads) vocabulary */
    int64_t *texts;    /* (threads, cols) hashed: how many texts have each column */
    int64_t all;       /* texts over all ranks */
} look;

static void look_clear(look *l)
{
    for (int w = 0; l->words && w < tarn_pool_threads(l->job->pool); w++) text_words_clear(&l->words[w]);
    tarn_free(l->words);
    tarn_free(l->texts);
    tarn_free(l->memory);
    tarn_free(l->values);
}

static tarn_code count_words(const look *l, const tarn_string *text, int64_t number, int worker, tarn_err *err)
{
    char *cut = l->memory + (size_t)worker * l->each;
    const char *token;
    size_t len;
    float value;
    tarn_grams g;

    tarn_grams_start(&g, &l->head, cut, tarn_tokens_cut(&l->head, text->bytes, text->len, cut));
    while (tarn_grams_next(&g, &token, &len, &value)) {
        tarn_code rc = text_words_add(&l->words[worker], token, len, number, err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

static void count_columns(const look *l, const tarn_string *text, int worker)
{
    tarn_bag_data plain = l->head;
    tarn_bag_entry *e;
    tarn_bag bag = {.head = &plain};

    plain.flags &= ~(uint32_t)(TARN_BAG_IDF | TARN_BAG_SIGN | TARN_BAG_SUBLINEAR);
    plain.norm = TARN_NORM_NONE;
    uint32_t n = tarn_bag_read(&bag, text->bytes, text->len, l->memory + (size_t)worker * l->each, &e);
    int64_t *texts = l->texts + (size_t)worker * l->head.cols;
    for (uint32_t k = 0; k < n; k++) texts[e[k].col]++;
}

static tarn_code look_at(void *arg, int64_t block, int worker, tarn_err *err)
{
    const look *l = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = l->job->rows - at < TARN_BLOCK_ROWS ? l->job->rows - at : TARN_BLOCK_ROWS;
    double *values = l->values + (size_t)worker * TARN_BLOCK_ROWS;

    tarn_code rc = l->job->columns(l->job->self, &l->reg, 1, at, n, values, err);
    for (int64_t i = 0; i < n && rc == TARN_OK; i++) {
        if (isnan(values[i])) continue;
        const tarn_string *text = (const tarn_string *)(uintptr_t)values[i];
        if (l->words) rc = count_words(l, text, at + i + 1, worker, err);
        else count_columns(l, text, worker);
    }
    return rc;
}

static tarn_code look_ready(look *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(l->job->pool);
    size_t longest = l->job->longest(l->job->self, l->reg);

    l->each = ((l->head.hashed ? tarn_bag_scratch(&l->head, longest) : longest) + 64) / 64 * 64;
    TARN_TRY(tarn_alloc(&l->values, threads * TARN_BLOCK_ROWS, sizeof *l->values, err));
    TARN_TRY(tarn_alloc(&l->memory, threads, l->each, err));
    if (l->head.hashed) TARN_TRY(tarn_alloc(&l->texts, threads * l->head.cols, sizeof *l->texts, err));
    else TARN_TRY(tarn_alloc(&l->words, threads, sizeof *l->words, err));
done:
    return rc;
}

/* After this the first worker's words, or counts, are those of all. */
static tarn_code look_through(look *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_step_job *job = l->job;
    int threads = tarn_pool_threads(job->pool);

    rc = look_ready(l, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, tarn_blocks(job->rows), look_at, l, err);
    for (int w = 1; l->words && w < threads && rc == TARN_OK; w++)
        rc = text_words_merge(&l->words[0], &l->words[w], err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    l->all = job->rows;
    TARN_TRY(tarn_comm_sum_i64(job->comm, &l->all, 1, err));
    if (l->words) {
        TARN_TRY(text_words_share(&l->words[0], job->comm, err));
        goto done;
    }
    for (int w = 1; w < threads; w++)
        for (size_t c = 0; c < l->head.cols; c++) l->texts[c] += l->texts[(size_t)w * l->head.cols + c];
    TARN_TRY(tarn_comm_sum_i64(job->comm, l->texts, l->head.cols, err));
done:
    return rc;
}

/* ---- the recipe ---- */

static double idf_of(const look *l, int64_t texts)
{
    double more = l->p->smooth_idf ? 1 : 0, n = (double)l->all + more, df = (double)texts + more;

    return tarn_log(n / (df > 0 ? df : 1)) + 1;
}

static int by_times(const void *a, const void *b)
{
    const text_word *x = *(const text_word *const *)a, *y = *(const text_word *const *)b;

    if (x->times != y->times) return x->times > y->times ? -1 : 1;
    return (x > y) - (x < y);
}

static int by_place(const void *a, const void *b)
{
    const text_word *x = *(const text_word *const *)a, *y = *(const text_word *const *)b;

    return (x > y) - (x < y);
}

/* The words that stay, in order of their bytes; tarn_free *kept. */
static tarn_code keep_words(const look *l, const text_word ***kept, size_t *n, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    text_words *w = &l->words[0];
    const text_params *p = l->p;
    double least = p->min_df < 1 ? p->min_df * (double)l->all : p->min_df;
    double most = p->max_df <= 1 ? p->max_df * (double)l->all : p->max_df;

    *n = 0;
    text_words_sort(w);
    TARN_TRY(tarn_alloc(kept, w->words, sizeof **kept, err));
    for (size_t k = 0; k < w->words; k++)
        if ((double)w->word[k].texts >= least && (double)w->word[k].texts <= most) (*kept)[(*n)++] = &w->word[k];
    if (p->max_features > 0 && *n > (size_t)p->max_features) {
        qsort(*kept, *n, sizeof **kept, by_times);
        *n = (size_t)p->max_features;
        qsort(*kept, *n, sizeof **kept, by_place);
    }
done:
    return rc;
}

static tarn_code check_words(const look *l, const text_word *const *kept, size_t n, uint64_t *bytes, tarn_err *err)
{
    *bytes = 0;
    for (size_t k = 0; k < n; k++) *bytes += kept[k]->len;
    if (n == 0)
        return TARN_FAIL(err, TARN_INVALID,
                         "no token is left of %zu in %lld train rows; lower min_df, raise max_df, or look at `tokens`",
                         l->words[0].words, (long long)l->all);
    if (n > 1 << 24 || *bytes > UINT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT,
                         "%zu different tokens are too many for a vocabulary; set max_features or min_df, "
                         "or use features: hash",
                         n);
    return TARN_OK;
}

static size_t up8(size_t x) { return (x + 7) & ~(size_t)7; }

/* The recipe with a vocabulary; tarn_free *out. */
static tarn_code vocabulary(look *l, void **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const text_word **kept = NULL;
    char *bytes = NULL;
    size_t n = 0, slots = 16;
    uint64_t text = 0;

    TARN_TRY(keep_words(l, &kept, &n, err));
    TARN_TRY(check_words(l, kept, n, &text, err));
    while (slots < 2 * n) slots *= 2;
    l->head.cols = (uint32_t)n;
    l->head.slots = (uint32_t)slots;
    l->head.text = (uint32_t)text;
    size_t words = sizeof l->head + (n + 1 + slots) * sizeof(uint32_t), idf = up8(words + (size_t)text);
    *len = idf + (l->head.flags & TARN_BAG_IDF ? n * sizeof(double) : 0);
    TARN_TRY(tarn_alloc(&bytes, *len, 1, err));
    memcpy(bytes, &l->head, sizeof l->head);
    void *at_place = bytes + sizeof l->head, *idf_place = bytes + idf;
    uint32_t *at = at_place;
    double *number = idf_place;
    for (size_t k = 0; k < n; k++) {
        memcpy(bytes + words + at[k], l->words[0].bytes + kept[k]->at, kept[k]->len);
        at[k + 1] = at[k] + kept[k]->len;
        if (l->head.flags & TARN_BAG_IDF) number[k] = idf_of(l, kept[k]->texts);
    }
    tarn_bag_index((uint32_t)n, at, bytes + words, (uint32_t)slots, at + n + 1);
    *out = bytes;
    bytes = NULL;
done:
    tarn_free(bytes);
    tarn_free(kept);
    return rc;
}

static tarn_code hashed(look *l, void **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;
    bool idf = l->head.flags & TARN_BAG_IDF;

    *len = sizeof l->head + (idf ? l->head.cols * sizeof(double) : 0);
    TARN_TRY(tarn_alloc(&bytes, *len, 1, err));
    memcpy(bytes, &l->head, sizeof l->head);
    for (size_t c = 0; idf && c < l->head.cols; c++) {
        double x = idf_of(l, l->texts[c]);
        memcpy(bytes + sizeof l->head + c * sizeof x, &x, sizeof x);
    }
    *out = bytes;
done:
    return rc;
}

/* One text: learn what must be learned, add its columns. */
static tarn_code read_text(const tarn_step_job *job, const text_params *p, uint32_t reg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    look l = {.job = job, .p = p, .reg = reg};
    void *recipe = NULL;
    size_t len = 0;

    TARN_TRY(head_of(p, &l.head, err));
    if (!l.head.hashed || l.head.flags & TARN_BAG_IDF) TARN_TRY(look_through(&l, err));
    rc = l.head.hashed ? hashed(&l, &recipe, &len, err) : vocabulary(&l, &recipe, &len, err);
    if (rc == TARN_OK) rc = job->sparse(job->self, reg, recipe, len, err);
    if (rc != TARN_OK) tarn_err_note(err, "column '%s'", tarn_graph_feature(job->graph, reg)->name);
    rc = tarn_comm_agree(job->comm, rc, err);
done:
    tarn_free(recipe);
    look_clear(&l);
    return rc;
}

static tarn_code fit(const tarn_step_job *job, const void *params_, uint32_t *out_regs, int32_t *n_out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const text_params *p = params_;
    uint32_t *regs = NULL;
    int32_t n = 0;

    rc = tarn_alloc(&regs, (size_t)job->n_regs, sizeof *regs, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_step_pick(job, p->columns, TARN_STRING, regs, &n, err));
    for (int32_t k = 0; k < n; k++) TARN_TRY(read_text(job, p, regs[k], err));
    memcpy(out_regs, job->regs, (size_t)job->n_regs * sizeof *out_regs);
    *n_out = job->n_regs;
done:
    tarn_free(regs);
    return rc;
}

const tarn_step tarn_step_text = {
    .name = "text",
    .title = "Sparse columns of the words of a text",
    .takes = TARN_STRING,
    .params_size = sizeof(text_params),
    .params = params,
    .fit = fit,
};
