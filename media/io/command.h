// SPDX-License-Identifier: Apache-2.0
/* Commands on their way from the signalling thread, or the door, to a worker. Pointers move with the
 * command. */
#ifndef LOUPE_MEDIA_IO_COMMAND_H
#define LOUPE_MEDIA_IO_COMMAND_H

#include "media/io/tcp.h"
#include "media/media.h"

enum command_type {
    COMMAND_ROOM_OPEN,
    COMMAND_ROOM_CLOSE,
    COMMAND_PEER_ADD,
    COMMAND_PEER_OFFER,
    COMMAND_PEER_REMOVE,
    COMMAND_VIEW,
    COMMAND_CONSENT,
    COMMAND_MARK,
    COMMAND_CLIP_START,
    COMMAND_CLIP_STOP,
    COMMAND_STILL,
    COMMAND_LIGHT,
    COMMAND_LIGHT_BEGINS,
    COMMAND_STATS,
    COMMAND_CONNECTION,
    COMMAND_STOP, /* close everything and end the thread */
};

/** What needs more room than most; owned by the command. */
struct command_offer {
    struct media_peer_config config; /* PEER_ADD */
    size_t want_count;
    struct media_want *wants; /* owned */
    size_t len;
    char text[];
};

struct command {
    enum command_type type;
    struct id room;
    uint64_t peer;
    uint64_t request;
    bool flag;                             /* CONSENT; ROOM_OPEN: a mirror, of the room at */
    unsigned home;                         /* this worker */
    struct id clip;                        /* CLIP_STOP */
    char mid[MEDIA_MID_BYTES];             /* VIEW */
    struct media_view view;                /* VIEW */
    struct command_offer *offer;           /* PEER_ADD, PEER_OFFER */
    struct media_clip_config *clip_config; /* CLIP_START */
    struct media_still_config *still;      /* STILL */
    struct media_light_config *light;      /* LIGHT */
    char *identity;                        /* CONSENT, MARK */
    enum framelog_mark mark;               /* MARK */
    char text[16];                         /* MARK */
    struct tcp_arrival *arrival;           /* CONNECTION */
};

/** Releases what the command owns. */
void command_clear(struct command *c);

#endif
