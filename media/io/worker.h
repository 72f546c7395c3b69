// SPDX-License-Identifier: Apache-2.0
/* A media worker: a thread with its own UDP port that drives one hub. */
#ifndef LOUPE_MEDIA_IO_WORKER_H
#define LOUPE_MEDIA_IO_WORKER_H

#include "base/msgq.h"
#include "media/io/command.h"
#include "media/io/jobs.h"
#include "media/io/mail.h"
#include "media/peer/dtls.h"

struct worker;

struct worker_config {
    unsigned index, count;
    struct addr udp;
    struct addr tcp;       /* where the door listens; port 0: no media over TCP */
    struct msgq *tcp_gone; /* see tcp_new; outlives the worker */
    const struct addr *public_addresses;
    size_t public_address_count;
    const struct dtls_identity *identity; /* outlives the worker */
    struct msgq *events;                  /* struct media_event; outlives the worker */
    struct jobs *jobs;                    /* outlives the worker */
    uint64_t lookback_us;                 /* see hub_config */
    bool realtime;                        /* see media_config */
    struct mail *mail;                    /* between the workers; outlives them */
    struct log *log;
};

/** Binds the port and starts the thread. */
int worker_start(struct worker **ret, const struct worker_config *config);
/** Ends the thread and frees. NULL is fine. */
void worker_stop(struct worker *w);
struct addr worker_address(const struct worker *w);
/** 0: ownership moved; ER_FULL: the caller keeps it. */
int worker_command(struct worker *w, const struct command *c);
/** Any thread. Adds this worker's totals to *sum. */
void worker_add_counters(const struct worker *w, struct media_counters *sum);

#endif
