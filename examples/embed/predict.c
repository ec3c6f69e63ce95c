/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - a Tarn model inside another program: `predict MODEL field=value ...` prints the prediction. */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "month=3" or "carrier=AS" into the row, texts into strings too; a field that is not given stays missing. */
static int put_field(const tarn_model *m, const char *arg, tarn_string *strings, double *row)
{
    size_t name_len = strcspn(arg, "=");
    int i = tarn_model_find_input(m, arg, name_len);
    if (i < 0 || arg[name_len] == '\0') return fprintf(stderr, "'%s': the model has no such field\n", arg);
    const char *value = arg + name_len + 1;
    char *end = NULL;
    if (tarn_model_input_at(m, i)->kind == TARN_CATEGORY) row[i] = tarn_model_code(m, i, value, strlen(value));
    else if (tarn_model_input_at(m, i)->kind == TARN_STRING) {
        strings[i] = (tarn_string){value, strlen(value)};
        row[i] = tarn_string_value(&strings[i]);
    } else row[i] = strtod(value, &end); /* a moment is microseconds since 1970 */
    return end && (end == value || *end) ? fprintf(stderr, "'%s': not a number\n", arg) : 0;
}

int main(int argc, char **argv)
{
    tarn_model *m = NULL;
    tarn_err err = {0};
    if (argc < 2) return fprintf(stderr, "usage: predict MODEL field=value ...\n"), 64;
    if (tarn_model_map(argv[1], &m, &err) != TARN_OK) return fprintf(stderr, "%s\n", err.msg), tarn_code_exit(err.code);
    double *row = calloc((size_t)tarn_model_inputs(m) + 1, sizeof *row);
    tarn_string *strings = calloc((size_t)tarn_model_inputs(m) + 1, sizeof *strings);
    double *scratch = calloc(tarn_model_scratch(m) + 1, sizeof *scratch);
    double *out = calloc((size_t)tarn_model_outputs(m), sizeof *out);
    int bad = !row || !strings || !scratch || !out;
    for (int i = 0; !bad && i < tarn_model_inputs(m); i++) row[i] = NAN;
    for (int i = 2; i < argc && !bad; i++) bad = put_field(m, argv[i], strings, row);
    if (!bad) tarn_model_row(m, row, scratch, out); /* cannot fail, allocates nothing, any thread */
    for (int k = 0; !bad && k < tarn_model_outputs(m); k++)
        printf("%s%s%s = %.6f\n", tarn_model_target(m), tarn_model_task(m) == TARN_MULTICLASS ? "=" : "",
               tarn_model_task(m) == TARN_MULTICLASS ? tarn_model_class(m, k) : "", out[k]);
    free(out), free(scratch), free(strings), free(row), tarn_model_free(m);
    return bad ? 65 : 0;
}
