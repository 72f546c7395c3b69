// SPDX-License-Identifier: Apache-2.0
/* A room of the relay in virtual time, with hands that only note what is sent and asked. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_FAKE_RELAY_H
#define LOUPE_TESTS_UNIT_SUPPORT_FAKE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/relay/relay.h"

#define FAKE_UNIX_US UINT64_C(1700000000000000)

struct fake_sent {
    struct slot *slot;
    uint64_t at_us;
    int64_t source_seq;
    uint32_t timestamp;
    uint16_t seq;
    uint16_t len;
    bool retransmission;
    bool leading;
    bool marker;
    bool empty;
    uint8_t patch_len;
    uint8_t patch[RELAY_PATCH_MAX];
};

struct fake_asked {
    struct track *track;
    struct encoding *encoding;
    uint64_t at_us;
    int64_t seq; /* 0: a key frame */
};

struct fake_relay {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct sender_clock clock;
    struct room *room;
    uint64_t now_us;
    uint64_t next_track; /* ids count up from 1 */
    size_t sent_count, asked_count, changed_count;
    struct fake_sent sent[4096]; /* the last ones when there are more */
    struct fake_asked asked[1024];
};

struct fake_relay *fake_relay_new(void);
void fake_relay_free(struct fake_relay *f);
/** Forget what was noted. */
void fake_relay_forget(struct fake_relay *f);
/** Let time pass, expiring whatever falls due on the way. */
void fake_relay_run(struct fake_relay *f, uint64_t us);

struct track *fake_track(struct fake_relay *f, const char *identity, uint8_t rank,
                         enum media_codec codec);
struct slot *fake_slot(struct fake_relay *f, uint64_t viewer, const char *identity,
                       enum media_kind kind, enum slot_pick pick, const char *person);

enum fake_flag {
    FAKE_START = 1,
    FAKE_KEY = 3,
    FAKE_END = 4,
    FAKE_RECOVERED = 8,
    FAKE_PADDING = 16
};
/** A packet of VP8 or Opus, as the track's codec is; the result of track_receive. */
int fake_packet(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                unsigned flags);
/** The same of one encoding of VP8. */
int fake_packet_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                   unsigned flags);
/** A key frame in one packet. */
void fake_key_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                 unsigned width, unsigned height);
/** A picture of VP8 in one packet of `len` bytes, with picture id, TL0PICIDX and temporal layer. */
void fake_layer_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                   uint8_t tl0_index, uint8_t temporal_id, size_t len);
/** The same with a payload of `len` bytes. */
int fake_packet_sized(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                      unsigned flags, size_t len);
/** One picture in one packet, FAKE_KEY or FAKE_START; fails the test when it is not taken. */
void fake_picture(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                  unsigned flags);

/** Packets sent to a slot (not retransmissions), and the last of them. */
size_t fake_sent_to(const struct fake_relay *f, const struct slot *s);
const struct fake_sent *fake_last_sent(const struct fake_relay *f, const struct slot *s);
/** Key frames asked of a track. */
size_t fake_keys_asked(const struct fake_relay *f, const struct track *t);

#endif
