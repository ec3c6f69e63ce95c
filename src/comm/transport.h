/* SPDX-License-Identifier: Apache-2.0 */
/* transport.h - what a way of carrying bytes between ranks must do (plug-ins of comm).
 *
 * The collectives of comm.h are written once, over these.
 */
#ifndef TARN_COMM_TRANSPORT_H
#define TARN_COMM_TRANSPORT_H

#include "comm/comm.h"

typedef struct tarn_transport {
    const char *name, *title;
    /* Send len bytes to rank `to`. May return before they arrive; the bytes are copied or gone by then. */
    tarn_code (*send)(void *self, int to, const void *bytes, size_t len, tarn_err *err);
    /* Receive exactly len bytes from rank `from`; messages of one pair of ranks keep their order. A
     * length that differs from the sender's is TARN_INVALID. Returns TARN_CANCELLED if a peer is gone. */
    tarn_code (*receive)(void *self, int from, void *bytes, size_t len, tarn_err *err);
    void (*close)(void *self);
} tarn_transport;

struct tarn_comm {
    const tarn_transport *transport; /* NULL: one rank */
    void *self;
    int rank, size;
};

#endif
