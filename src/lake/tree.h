/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - path trees: changing, walking, comparing. See node.h for what a tree is made of.
 *
 * A tree is the id of its root; the none id is the empty tree too. Trees never change: an update stores new nodes
 * beside the old ones and gives a new root. Update costs O(changed x log n), a step of a walk O(1), a diff
 * O(differences x log n).
 */
#ifndef TARN_LAKE_TREE_H
#define TARN_LAKE_TREE_H

#include "lake/node.h"

/* Put entries (object none: remove) into the tree `root`; of two entries with one path the later wins. *paths is
 * the number of paths in the new tree. TARN_INVALID for a path that cannot be. */
TARN_MUST tarn_code tarn_tree_update(tarn_lake *lake, const tarn_id *root, const tarn_entry *entries, size_t n,
                                     tarn_id *out, uint64_t *paths, tarn_err *err);
/* Remove all paths that start with prefix (which ends in '/'): subtrees go whole, so the cost is O(log n). */
TARN_MUST tarn_code tarn_tree_cut(tarn_lake *lake, const tarn_id *root, const char *prefix, tarn_id *out,
                                  uint64_t *paths, tarn_err *err);
/* TARN_NOT_FOUND. */
TARN_MUST tarn_code tarn_tree_lookup(tarn_lake *lake, const tarn_id *root, const char *path, tarn_entry *out,
                                     tarn_err *err);

/* A walk over items in order: either of leaves, or of subtrees that have not been entered (lazy). */
typedef struct tarn_walk {
    tarn_lake *lake;
    tarn_node *node[TARN_TREE_LEVELS]; /* from the root to the current node */
    uint32_t at[TARN_TREE_LEVELS];
    int depth; /* nodes in the stack; 0: at the end */
} tarn_walk;

/* At the first item, which is lazy. tarn_walk_close at the end, also after a failure. */
TARN_MUST tarn_code tarn_walk_open(tarn_walk *w, tarn_lake *lake, const tarn_id *root, tarn_err *err);
void tarn_walk_close(tarn_walk *w);
/* The current item, or NULL at the end; its key is valid until the walk moves. */
const tarn_item *tarn_walk_item(const tarn_walk *w);
/* 0: the item is a path; above: a node of the level below that. */
int tarn_walk_level(const tarn_walk *w);
/* Into the node that the current item names. */
TARN_MUST tarn_code tarn_walk_enter(tarn_walk *w, tarn_err *err);
/* Past the current item, and all below it. */
void tarn_walk_pass(tarn_walk *w);
/* To the first path that is not below key, from the root. */
TARN_MUST tarn_code tarn_walk_seek(tarn_walk *w, const char *key, tarn_err *err);
/* Enter until the current item is a path. */
TARN_MUST tarn_code tarn_walk_leaf(tarn_walk *w, tarn_err *err);

void tarn_entry_of(const tarn_item *item, tarn_entry *out);

/* Changes from root a to root b under prefix, in order of paths. */
TARN_MUST tarn_code tarn_tree_diff(tarn_lake *lake, const tarn_id *a, const tarn_id *b, const char *prefix,
                                   tarn_change_fn *fn, void *arg, tarn_err *err);

/* ---- three.c ---- */

bool tarn_entry_same(const tarn_entry *a, const tarn_entry *b); /* NULL: nothing there */
/* A path that both sides changed, differently: settle it (merged->path is set) or fail, or leave what ours has. */
typedef tarn_code tarn_clash_fn(void *arg, const char *path, const tarn_entry *base, const tarn_entry *ours,
                                const tarn_entry *theirs, tarn_entry *merged, tarn_err *err);
/* The merge of two trees that come from base. Reads what changed on the side that changed less. */
TARN_MUST tarn_code tarn_tree_merge(tarn_lake *lake, const tarn_id *base, const tarn_id *ours, const tarn_id *theirs,
                                    tarn_clash_fn *clash, void *arg, tarn_id *out, uint64_t *paths, tarn_err *err);

#endif
