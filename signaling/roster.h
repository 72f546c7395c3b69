// SPDX-License-Identifier: Apache-2.0
/* Who is in a room, in the order they came. Sans-IO. */
#ifndef LOUPE_SIGNALING_ROSTER_H
#define LOUPE_SIGNALING_ROSTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/list.h"
#include "signaling/proto.h"
#include "signaling/role.h"

struct session;

/** As the person's client said last. */
struct roster_network {
    enum proto_quality quality;
    enum proto_trouble why;
    bool has_rtt;
    uint32_t rtt_ms;
};

struct roster_person {
    struct list node;
    char identity[LIMIT_IDENTITY + 1];
    char name[LIMIT_NAME + 1];
    enum role role;
    bool online;          /* has a connection, or a WHIP or WHEP session */
    bool consent;         /* to being recorded */
    uint64_t consent_seq; /* the caller's: which word of the person it was */
    bool audio, video;
    enum proto_facing facing;
    json_t *camera; /* owned: as its page says (signaling/camera.h); NULL: nothing */
    struct roster_network network, network_told; /* now, and as the others heard of it */
    uint64_t network_told_us;
    uint64_t joined_unix_us;
    struct session *session; /* NULL: here by WHIP or WHEP alone */
    unsigned doors;          /* WHIP and WHEP sessions */
};

struct roster;

/** At most LIMIT_PEERS_PER_ROOM people. ER_NOMEM. */
int roster_new(struct roster **ret, uint64_t seed);
void roster_free(struct roster *r);
/** ER_CONFLICT: is here already; ER_FULL, ER_NOMEM. *ret is the roster's; zeroed but for what is
 *  given. */
int roster_add(struct roster *r, const char *identity, const char *name, enum role role,
               struct roster_person **ret);
void roster_remove(struct roster *r, struct roster_person *p);
/** NULL. */
struct roster_person *roster_find(const struct roster *r, const char *identity);
size_t roster_count(const struct roster *r);
/** For list_each over struct roster_person, node. */
struct list *roster_people(struct roster *r);

/** New objects; NULL without memory. */
json_t *roster_person_json(const struct roster_person *p);
/** {"quality", "why"?, "rtt_ms"?}; null when nothing is known. */
json_t *roster_network_json(const struct roster_network *n);
json_t *roster_json(struct roster *r);

#endif
