// SPDX-License-Identifier: Apache-2.0
/* A room on several workers. The room's publishers, its recorder and its rules live on one, its home;
 * others mirror it for viewers whom one core could not serve. The home tells its mirrors of tracks and
 * hands them the packets as they lie on its tapes, by reference; mirrors tell the home which key frames
 * their viewers need. Nothing that a mirror does can block the home: what does not fit its mail is
 * dropped, counted, and looks like loss. */
#ifndef LOUPE_MEDIA_CORE_MIRROR_H
#define LOUPE_MEDIA_CORE_MIRROR_H

#include "base/id.h"
#include "media/codec.h"
#include "media/core/demand.h"
#include "media/media.h"
#include "media/relay/reception.h"
#include "media/tape/slab.h"
#include "media/tape/tape.h"

enum mirror_type {
    MIRROR_JOIN,       /* to the home, room: this worker mirrors it from now on */
    MIRROR_LEAVE,      /* to the home, room: no more */
    MIRROR_RESET,      /* room: forget all tracks; those that are there are told next */
    MIRROR_TRACK,      /* room, track, info */
    MIRROR_TRACK_GONE, /* track */
    MIRROR_PACKET,     /* track, encoding, slab, packet */
    MIRROR_CLOCK,      /* track, encoding, clock: for the lip-sync of the mirror's sender reports */
    MIRROR_KEY_FRAME,  /* to the home, room, track, encoding: viewers want one */
    MIRROR_DEMAND,     /* to the home, track, demand: what the viewers of the mirror can take */
    MIRROR_CODECS,     /* to the home, codecs_room, codecs: what they all can be sent */
};

struct mirror_track_info {
    char identity[MEDIA_IDENTITY_BYTES];
    uint8_t rank;
    enum media_codec codec;
};

struct mirror_clock {
    struct sender_clock sender;
    struct track_clock track;
};

struct mirror_demand {
    struct id room;
    struct demand demand;
};

/** What a message points to moves with it: one reference of the slab, or the block. */
struct mirror_message {
    enum mirror_type type;
    uint8_t encoding; /* its rid */
    uint64_t track;   /* its id, which no two tracks of one process share */
    union {
        struct id room;
        struct {
            struct slab *slab;
            const struct tape_packet *packet;
        };
        struct {
            struct id info_room;
            struct mirror_track_info *info;
        };
        struct mirror_clock *clock;
        struct mirror_demand *demand;
        struct {
            struct id codecs_room;
            uint32_t codecs; /* bits 1 << enum media_codec; 0: nobody views, or there is none */
        };
    };
};

/** Release what the message owns. */
void mirror_message_clear(struct mirror_message *message);

#endif
