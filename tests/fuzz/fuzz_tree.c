/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tree.c - any bytes as a tree node or a commit. Refused; or decoded, and then every path is one that can be,
 * the order is right, and writing a commit again gives the same bytes.
 *
 * Build with libFuzzer, or with TARN_FUZZ_REPLAY for a program that runs the files named on its command line;
 * `fuzz_tree --samples FOLDER` writes what the corpus began with. */
#include "base/file.h"
#include "base/mem.h"
#include "lake/commit.h"
#include "lake/node.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void use_node(const uint8_t *bytes, size_t len)
{
    tarn_node *node = NULL;

    if (tarn_node_decode(bytes, len, &node, NULL) != TARN_OK) return;
    for (uint32_t i = 0; i < node->n; i++) {
        const tarn_item *x = &node->items[i];
        if (tarn_path_check(x->key, x->len, NULL) != TARN_OK || tarn_node_search(node, x->key, x->len) != i) abort();
    }
    tarn_node_release(node);
}

static void use_commit(const uint8_t *bytes, size_t len)
{
    tarn_commit *c = NULL;
    char *again = NULL;
    size_t again_len = 0;

    if (tarn_alloc(&c, 1, sizeof *c, NULL) != TARN_OK) return;
    if (tarn_commit_decode((const char *)bytes, len, c, NULL) == TARN_OK) {
        if (tarn_commit_encode(c, c->meta, &again, &again_len, NULL) != TARN_OK) abort();
        if (json_object_size(c->meta) == 0 && again_len == len && memcmp(again, bytes, len) != 0) abort();
        tarn_free(again);
        tarn_commit_clear(c);
    }
    tarn_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    use_node(bytes, len);
    use_commit(bytes, len);
    return 0;
}

#ifdef TARN_FUZZ_REPLAY
/* A leaf of two paths, one with a recipe, and a commit with a parent and metadata. */
static tarn_code samples(const char *folder, tarn_err *err)
{
    static const char node[] = "TARNNOD1\0\0\0\0\2\0\0\0\10\0\0\0"
                               "\0\3a/b\0ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\7"
                               "\2\3cde\1ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\11ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;
    tarn_node *decoded = NULL;
    char *bytes = NULL;
    size_t len;
    json_t *meta = json_pack("{s:s, s:[i,i]}", "recipe", "ab", "offsets", 1, 2);

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    (void)strcpy(c->author, "Ann");
    (void)strcpy(c->message, "a message");
    c->n_parents = 1;
    c->time_us = 1;
    TARN_TRY(tarn_commit_encode(c, meta, &bytes, &len, err));
    TARN_TRY(save_sample(folder, "commit", bytes, len, err));
    TARN_TRY(tarn_node_decode((const uint8_t *)node, sizeof node - 1, &decoded, err));
    TARN_TRY(save_sample(folder, "node", node, sizeof node - 1, err));
done:
    tarn_node_release(decoded);
    json_decref(meta);
    tarn_free(bytes);
    tarn_free(c);
    return rc;
}

int main(int argc, char **argv) { return replay(argc, argv, samples); }
#endif
