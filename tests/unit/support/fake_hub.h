// SPDX-License-Identifier: Apache-2.0
/* A hub in virtual time with one open room: what it tells, records and sends is kept in arrays. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_FAKE_HUB_H
#define LOUPE_TESTS_UNIT_SUPPORT_FAKE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/core/hub.h"

#define FAKE_HUB_UNIX_US UINT64_C(1700000000000000)
#define FAKE_HUB_CLIENTS 16

struct fake_client;

struct fake_datagram {
    struct path to;
    size_t len;
    uint8_t bytes[2048];
};

struct fake_hub {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct dtls_identity *identity;
    struct dtls_identity *client_identity; /* of all clients */
    struct addr candidate;
    struct hub *hub;
    struct id room;
    uint64_t now_us;
    bool link_full;                  /* the socket takes nothing */
    bool recorder_full;              /* the recorder takes nothing */
    size_t event_count, batch_count; /* the last 512 of each are kept */
    struct media_event events[512];
    struct record_batch *batches[512];
    size_t still_count; /* the last 16 are kept */
    struct still_batch *stills[16];
    size_t client_count;
    struct fake_client *clients[FAKE_HUB_CLIENTS];
    bool mail_full;    /* letters to other workers are not taken */
    size_t mail_limit; /* so many letters may wait; 0: as many as of a worker */
    size_t mail_count; /* not delivered yet; of mail_full nothing is kept */
    struct fake_letter {
        unsigned to;
        struct mirror_message letter;
    } mail[LIMIT_MAIL];
    size_t released_count; /* paths that the hub let go, the last of them */
    struct path released;
    size_t out_count; /* on their way to the clients */
    struct fake_datagram out[2048];
};

struct fake_hub *fake_hub_new(void);
/** The hub too, and the clients. */
void fake_hub_free(struct fake_hub *f);
/** Carry datagrams to the clients and their answers back, until both sides are silent. */
void fake_hub_pump(struct fake_hub *f);
/** Let time pass, in steps to each deadline. */
void fake_hub_run(struct fake_hub *f, uint64_t us);
/** Release the events and batches kept so far. */
void fake_hub_forget(struct fake_hub *f);
/** Events of this type that were told, and the last of them (NULL: none). */
size_t fake_hub_count(const struct fake_hub *f, enum media_event_type type);
const struct media_event *fake_hub_last(const struct fake_hub *f, enum media_event_type type);
/** Items of this kind in all batches kept; of any source for 0. */
size_t fake_hub_items(const struct fake_hub *f, enum record_item_kind kind, uint64_t source);
/** Batches of this step. */
size_t fake_hub_steps(const struct fake_hub *f, enum record_step step);
static inline const struct media_counters *fake_hub_counters(const struct fake_hub *f)
{
    return hub_counters(f->hub);
}

#endif
