/* SPDX-License-Identifier: Apache-2.0 */
/* algos_bytes.c - learn one model of each kind and print a hash of its bytes and of its predictions, a line each.
 * tools/check.sh runs it from two builds (gcc with all the machine's instructions; clang, sanitized, AVX2 only) and
 * wants the same lines from both. */
#include "algos_sample.h"

enum { ROWS = 20000 };

static uint64_t hash_of(const void *bytes, size_t len)
{
    const unsigned char *b = bytes;
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < len; i++) h = (h ^ b[i]) * 1099511628211u;
    return h;
}

static void print_one(const tarn_algo *algo, tarn_task task, bool as_text)
{
    static const char *const names[] = {"binary", "multiclass", "regression", "ranking"};
    sample s;
    tarn_model *model = NULL;
    double *out = NULL;
    size_t len = 0;

    sample_as_text = as_text;
    sample_make(&s, algo, task, ROWS, 21);
    must(learn(algo, &s, &(run_as){.weighted = true}, NULL, &model, err));
    const void *bytes = tarn_model_bytes(model, &len);
    size_t outputs = (size_t)s.rows * (size_t)tarn_model_outputs(model);
    must(tarn_alloc(&out, outputs, sizeof *out, err));
    must(tarn_model_run(model, NULL, s.rows, s.columns, out, err));
    printf("%s %s%s %016llx %016llx\n", algo->name, names[task], as_text ? " text" : "",
           (unsigned long long)hash_of(bytes, len), (unsigned long long)hash_of(out, outputs * sizeof *out));
    tarn_free(out);
    tarn_model_free(model);
    sample_free(&s);
}

int main(void)
{
    static const unsigned bits[] = {TARN_DOES_BINARY, TARN_DOES_MULTICLASS, TARN_DOES_REGRESSION, TARN_DOES_RANKING};

    for (int i = 0; i < tarn_algo_count(); i++)
        for (int task = TARN_BINARY; task <= (int)RANKING; task++)
            if (tarn_algo_at(i)->does & bits[task]) {
                print_one(tarn_algo_at(i), (tarn_task)task, false);
                if (tarn_algo_at(i)->takes & TARN_TAKES_SPARSE) print_one(tarn_algo_at(i), (tarn_task)task, true);
            }
    return 0;
}
