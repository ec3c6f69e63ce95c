/* SPDX-License-Identifier: Apache-2.0 */
/* transport.h - what a way of carrying bytes between ranks must do (plug-ins of comm, one file each in
 * comm/transports/).
 *
 * The collectives of comm.h are written once, over these. They send and receive in an order in which a send that waits
 * for its receive can never close a circle, so that a transport may or may not keep messages on the way.
 */
#ifndef TARN_COMM_TRANSPORT_H
#define TARN_COMM_TRANSPORT_H

#include "comm/comm.h"

typedef struct tarn_transport {
    const char *name, *title;
    /* Call fn on the ranks and return when they are done; see tarn_comm_run_threads, also for the error. */
    tarn_code (*run)(int ranks, tarn_rank_fn *fn, void *arg, tarn_err *err);
    /* Send len bytes (> 0) to rank `to`. May return before they arrive; the bytes are copied or gone by then. Returns
     * TARN_CANCELLED if that rank has left. */
    tarn_code (*send)(void *self, int to, const void *bytes, size_t len, tarn_err *err);
    /* Receive exactly len bytes (> 0) from rank `from`; messages of one pair of ranks keep their order. A
     * length that differs from the sender's is TARN_INVALID. What a rank sent before it left arrives still; after that
     * TARN_CANCELLED. */
    tarn_code (*receive)(void *self, int from, void *bytes, size_t len, tarn_err *err);
    /* Leave: whoever waits for this rank, or will, gets TARN_CANCELLED. Called once, last. */
    void (*close)(void *self);
} tarn_transport;

struct tarn_comm {
    const tarn_transport *transport; /* NULL: one rank */
    void *self;
    int rank, size;
    bool left; /* after a failed send or receive: peers may be anywhere, nothing can be said any more */
};

/* Close the transport, unless that was done. For transports at the end of a rank, and for comm.c after a failure. */
void tarn_comm_leave(tarn_comm *comm);

/* The table: transports.def in its order; NULL when i is not 0 .. count-1. */
int tarn_transport_count(void);
const tarn_transport *tarn_transport_at(int i);

#endif
