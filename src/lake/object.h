/* SPDX-License-Identifier: Apache-2.0 */
/* object.h - objects as lists of chunks: what checkers of a lake need to see of them.
 *
 * Content of up to TARN_CHUNK_MOST bytes is one chunk, whose id is the object's. Longer content has a list record
 * under the object's id: chunks, or for very long content parts, which are lists of chunks (or of parts).
 *
 *     "TARNLST1", level u8, 3 zeros, n u32, total u64, n x { id 32, bytes u64 }, and in the list record (not in
 *     parts) the SHA-256 of the object's id and all before
 */
#ifndef TARN_LAKE_OBJECT_H
#define TARN_LAKE_OBJECT_H

#include "lake/inside.h"

enum { TARN_LIST_LEVELS = 4 };

typedef struct tarn_list_view {
    int level; /* 0: of chunks */
    uint32_t n;
    uint64_t total;
    const uint8_t *entries;
} tarn_list_view;

/* Check the bytes of a list (object: its id) or of a part (object NULL). */
TARN_MUST tarn_code tarn_list_open(const uint8_t *bytes, size_t len, const tarn_id *object, tarn_list_view *out,
                                   tarn_err *err);
void tarn_list_at(const tarn_list_view *list, uint32_t i, tarn_id *id, uint64_t *size);

/* The same without any check, of bytes that were opened before. */
void tarn_list_again(const uint8_t *bytes, tarn_list_view *out);

/* A list being written: the entries of the unfinished part of each level, as they will be stored. Start with {lake};
 * clear at the end. like, if has_like: the old list of chunks that what is stored next resembles. */
typedef struct tarn_list_writer {
    tarn_lake *lake;
    bool has_like;
    tarn_id like;
    struct {
        uint8_t *bytes; /* head, entries, room for the sum */
        uint32_t n;
        uint64_t total;
    } level[TARN_LIST_LEVELS];
} tarn_list_writer;
/* The next chunk. */
TARN_MUST tarn_code tarn_list_add(tarn_list_writer *w, const tarn_id *id, uint64_t size, tarn_err *err);
/* Store the list record under the object's id. */
TARN_MUST tarn_code tarn_list_end(tarn_list_writer *w, const tarn_id *object, tarn_err *err);
void tarn_list_clear(tarn_list_writer *w);

/* What an object's list names, in order: parts (level above 0; *enter false passes over what is in it) and chunks. An
 * object without a list is one chunk. Stops where fn does not return TARN_OK, and returns that. */
typedef struct tarn_piece {
    int level;
    tarn_id id;
    uint64_t at, size;
} tarn_piece;
typedef tarn_code tarn_piece_fn(void *arg, const tarn_piece *piece, bool *enter, tarn_err *err);
TARN_MUST tarn_code tarn_object_pieces(tarn_lake *lake, const tarn_id *object, tarn_piece_fn *fn, void *arg,
                                       tarn_err *err);

/* rc, with the object named in the error. */
TARN_MUST tarn_code tarn_object_note(tarn_code rc, const tarn_id *id, tarn_err *err);
/* Size of an object and whether it has a list. */
TARN_MUST tarn_code tarn_object_look(tarn_lake *lake, const tarn_id *id, uint64_t *size, bool *list, tarn_err *err);
/* Read all of it and compare with its id. */
TARN_MUST tarn_code tarn_object_check(tarn_lake *lake, const tarn_id *id, tarn_err *err);

#endif
