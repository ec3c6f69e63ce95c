/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - a fitted model: a graph of nodes in one relocatable block of bytes.
 *
 * A model reads raw fields (numbers, categories, times) and gives outputs. It is data, not code: loading one
 * from a stranger checks every offset and index first and runs nothing of theirs. Serving, batch
 * scoring, explaining and embedding all run this same graph.
 *
 * Inside, a model is a register machine on doubles. Registers 0 .. inputs-1 hold the raw fields (a
 * category is its code in the field's own sorted dictionary; NaN is missing; TARN_UNSEEN is a text
 * not in the dictionary; a time is microseconds since 1970 UTC; a text is where a tarn_string stands, see
 * tarn_string_value). Each node reads some registers and appends its own. Outputs are named registers.
 *
 * Calls, in order: tarn_model_map or _load; tarn_model_row (one row, no allocation) or
 * tarn_model_run (many rows, threads); tarn_model_free.
 *
 * A register that holds a text is followed, so only the caller may write one: a raw field of kind TARN_STRING. No node
 * writes texts, only nodes that are made for it read them, and no output is one; the graph's builder and the loader
 * prove that, so that no model, whoever made it, turns a number into an address.
 *
 * What is not a number in a row counts as missing, and no number is refused: infinities, codes that no level has and
 * fractions of codes all have a meaning (payload.h). Which inputs must be there (`required`) is for the caller to ask.
 *
 * Threads: any; a model is immutable.
 *
 * Example (compiled by make check-docs):
 *
 *     tarn_code predict(const char *path, const double *in, double *out, tarn_err *err)
 *     {
 *         enum { ROOM = 1000 };
 *         tarn_model *m = NULL;
 *         double scratch[ROOM];
 *         tarn_code rc = tarn_model_map(path, &m, err);
 *         if (rc == TARN_OK && tarn_model_scratch(m) > ROOM) rc = TARN_FAIL(err, TARN_LIMIT, "'%s' is too wide", path);
 *         if (rc == TARN_OK) tarn_model_row(m, in, scratch, out);
 *         tarn_model_free(m);
 *         return rc;
 *     }
 */
#ifndef TARN_MODEL_H
#define TARN_MODEL_H

#include "base/err.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_UNSEEN (-1.0)

typedef struct tarn_model tarn_model;

typedef enum tarn_kind { TARN_NUMBER, TARN_CATEGORY, TARN_MOMENT, TARN_STRING } tarn_kind;
typedef enum tarn_task { TARN_BINARY, TARN_MULTICLASS, TARN_REGRESSION } tarn_task;

typedef struct tarn_model_input {
    const char *name;
    tarn_kind kind;
    bool required;      /* a request without it is refused (else missing) */
    int32_t levels;     /* CATEGORY: dictionary entries */
    double least, most; /* NUMBER, MOMENT: seen in training; NaN when none was */
} tarn_model_input;

/* A text as a raw field: `len` bytes, UTF-8 or not, no NUL needed. Longer ones are for the caller to refuse; nodes look
 * at the first TARN_STRING_MOST bytes. */
enum { TARN_STRING_MOST = 1 << 20 };
typedef struct tarn_string {
    const char *bytes;
    size_t len;
} tarn_string;
/* What a field of kind TARN_STRING holds for the model: the address as a number (addresses of a process are below 2^53,
 * so it is exact), or NaN for NULL, which is missing. *s and its bytes must outlive the call that reads the field. */
double tarn_string_value(const tarn_string *s);

/* Map a file, or take a copy of bytes. A mapped file is used where it lies, so nobody may change or cut it while the
 * model lives: rename a new one over it instead (as tarn_file_save does), or load a copy.
 *
 * Cost:   one pass over the bytes (checksum and checks), memory only for a table of inputs and nodes
 * Errors: TARN_CORRUPT names the place and what is wrong; TARN_UNSUPPORTED made by a newer program; TARN_NOT_FOUND,
 *         TARN_IO, TARN_NOMEM */
TARN_MUST tarn_code tarn_model_map(const char *path, tarn_model **out, tarn_err *err);
TARN_MUST tarn_code tarn_model_load(const void *bytes, size_t len, tarn_model **out, tarn_err *err);
void tarn_model_free(tarn_model *m);
/* The block itself: what the lake stores and hashes. */
const void *tarn_model_bytes(const tarn_model *m, size_t *len);

tarn_task tarn_model_task(const tarn_model *m);
const char *tarn_model_target(const tarn_model *m); /* name of what is predicted */
int tarn_model_inputs(const tarn_model *m);
const tarn_model_input *tarn_model_input_at(const tarn_model *m, int i);
int tarn_model_find_input(const tarn_model *m, const char *name, size_t len); /* -1 */
/* Level `code` of a CATEGORY input, NUL-terminated; NULL if there is none. len may be NULL. */
const char *tarn_model_level(const tarn_model *m, int input, int32_t code, size_t *len);
/* Code of a text, TARN_UNSEEN if the input does not know it. No allocation; a search through the sorted levels. */
double tarn_model_code(const tarn_model *m, int input, const char *text, size_t len);
/* Outputs: BINARY has one, the probability of class 1; MULTICLASS one probability per class;
 * REGRESSION one value. */
int tarn_model_outputs(const tarn_model *m);
int tarn_model_classes(const tarn_model *m);              /* 0 for REGRESSION */
const char *tarn_model_class(const tarn_model *m, int i); /* label text */
double tarn_model_threshold(const tarn_model *m);         /* BINARY: at or above it is class 1 */

/* Doubles of scratch memory that tarn_model_row needs: for any row; for this one, which is less where a text is short.
 */
size_t tarn_model_scratch(const tarn_model *m);
size_t tarn_model_scratch_row(const tarn_model *m, const double *in);
/* One row: in[inputs], out[outputs], scratch from the caller. Cannot fail, allocates nothing. */
void tarn_model_row(const tarn_model *m, const double *in, double *scratch, double *out);
/* Many rows. columns[i] points to rows doubles of input i (not read, and may be NULL, if no output depends on it);
 * out is (outputs, rows). The same numbers as tarn_model_row, to the bit, for any number of threads. */
TARN_MUST tarn_code tarn_model_run(const tarn_model *m, tarn_pool *pool, int64_t rows, const double *const *columns,
                                   double *out, tarn_err *err);

/* Graph for pictures and cards: nodes in order. */
int tarn_model_nodes(const tarn_model *m);
const char *tarn_model_node_kind(const tarn_model *m, int node);
/* One line: "trees: 120 trees, 31 leaves at most, 22 inputs"; returns out. */
const char *tarn_model_node_text(const tarn_model *m, int node, char *out, size_t cap);
/* Trees of all nodes `trees` together, 0: none; and tree number 0 .. trees-1 as lines for people: a branch says what
 * its column must be for "yes", a leaf its value. Below `depth` branches, leaves are only counted. fn's failure ends
 * it. Errors: TARN_NOT_FOUND no such tree; TARN_INVALID depth is not 0 .. TARN_TREE_LINES_DEEP */
enum { TARN_TREE_LINES_DEEP = 100 };
typedef tarn_code tarn_line_fn(void *arg, const char *line, tarn_err *err);
int64_t tarn_model_trees(const tarn_model *m);
TARN_MUST tarn_code tarn_model_tree_lines(const tarn_model *m, int64_t tree, int depth, tarn_line_fn *fn, void *arg,
                                          tarn_err *err);
/* Importance per input as stored by training, summing to 1; NULL if none was stored. */
const double *tarn_model_importance(const tarn_model *m);

#ifdef __cplusplus
}
#endif
#endif
