/* SPDX-License-Identifier: Apache-2.0 */
/* proved.c - SHA-256 once for each chunk and handle; after that a fingerprint, which takes a tenth of the time.
 *
 * What was read and compared with its SHA-256 is noted: XXH3 of the content under a random number of this handle and
 * the id. If the same chunk is read again and gives the same 64 bits, it is the content that was proved: damage is
 * found but for one case in 2^64, and whoever changes packs meanwhile does not know the number. If it gives others, or
 * the note is gone, SHA-256 decides.
 *
 * A table with one place for each value of some bits of the id. A place is two words that are written without a lock:
 * the fingerprint, and the same exclusive-or the id's key; halves of different notes do not fit together. */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/secret.h"

#include <stdatomic.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PLACES = 1 << 17 /* 2 MiB, which is 8 GiB of chunks */ };

typedef struct note {
    _Atomic uint64_t print, keyed;
} note;

struct tarn_proved {
    uint64_t seed;
    note places[PLACES];
};

tarn_code tarn_proved_new(struct tarn_proved **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    struct tarn_proved *p = NULL;

    TARN_TRY(tarn_alloc(&p, 1, sizeof *p, err));
    TARN_TRY(tarn_secret_random(&p->seed, sizeof p->seed, err));
    *out = p;
    p = NULL;
done:
    tarn_free(p);
    return rc;
}

void tarn_proved_free(struct tarn_proved *proved) { tarn_free(proved); }

static note *place_of(struct tarn_proved *p, const tarn_id *id, const void *bytes, size_t len, uint64_t *key,
                      uint64_t *print)
{
    *key = XXH3_64bits_withSeed(id->b, TARN_ID_BYTES, p->seed);
    *print = XXH3_64bits_withSeed(bytes, len, p->seed ^ *key);
    return &p->places[*key % PLACES];
}

void tarn_proved_note(struct tarn_proved *proved, const tarn_id *id, const void *bytes, size_t len)
{
    uint64_t key, print;
    note *n = place_of(proved, id, bytes, len, &key, &print);

    atomic_store_explicit(&n->print, print, memory_order_relaxed);
    atomic_store_explicit(&n->keyed, print ^ key, memory_order_relaxed);
}

bool tarn_proved_known(struct tarn_proved *proved, const tarn_id *id, const void *bytes, size_t len)
{
    uint64_t key, print;
    note *n = place_of(proved, id, bytes, len, &key, &print);

    return atomic_load_explicit(&n->print, memory_order_relaxed) == print &&
           atomic_load_explicit(&n->keyed, memory_order_relaxed) == (print ^ key);
}
