// SPDX-License-Identifier: Apache-2.0
/* The tape: what one published track sent, decrypted, written once. Packets lie in slabs in order of
 * arrival; an index finds them by sequence number; a list of frames finds pictures. Everything that
 * happens to media afterwards reads from here. */
#ifndef LOUPE_MEDIA_TAPE_TAPE_H
#define LOUPE_MEDIA_TAPE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/tape/slab.h"

/** Facts about a packet that readers need, found once when it is written. A picture may consist of
 *  several spatial layers' frames; without layers, the frame is the picture. */
enum tape_flag {
    TAPE_MARKER = 1,      /* the picture ends here */
    TAPE_FRAME_START = 2, /* a picture begins here */
    TAPE_KEY_FRAME = 4,   /* with FRAME_START: a picture that needs nothing before it */
    TAPE_NON_REFERENCE = 8,
    TAPE_RECOVERED = 16, /* came as a retransmission, or as redundancy */
    TAPE_HAS_AUDIO_LEVEL = 32,
    TAPE_SWITCH_UP = 64,    /* in a frame from which on the temporal layers above can be joined */
    TAPE_LAYER_START = 128, /* a spatial layer's frame begins here */
    TAPE_LAYER_END = 256, /* and here it ends: the marker's place when layers above are left out */
    TAPE_INDEPENDENT = 512, /* in a frame that needs no earlier picture: its spatial layer can be
                                joined by those who have the layers below */
    TAPE_LAYER_SYNC = 1024, /* in a frame that needs the lowest temporal layer only: its temporal
                                layer can be joined */
    TAPE_HAS_PICTURE_ID = 2048, /* VP8: what is below */
    TAPE_HAS_TL0_INDEX = 4096,
};

/** A packet as it lies on the tape; immutable. */
struct tape_packet {
    int64_t seq;       /* extended; > 0 */
    int64_t timestamp; /* extended, in the codec's clock; > 0 */
    uint64_t arrival_us;
    uint16_t payload_len;
    uint16_t flags;         /* enum tape_flag */
    uint8_t codec;          /* enum media_codec */
    uint8_t descriptor_len; /* of the dependency descriptor, which lies behind the payload */
    uint8_t temporal_id;
    uint8_t spatial_id;
    uint16_t width; /* of a key frame's first packet; of its highest layer */
    uint16_t height;
    uint8_t audio_level; /* the extension's byte */
    uint8_t tl0_index;
    uint16_t picture_id; /* 7 or 15 bits, as sent */
    uint8_t payload[];
};

/** The dependency descriptor a packet came with; of descriptor_len bytes. */
static inline const uint8_t *tape_descriptor(const struct tape_packet *p)
{
    return p->payload + p->payload_len;
}

/** A frame (video: one picture; audio: not kept). Complete: first, marker and all between are here. */
struct tape_frame {
    int64_t first_seq; /* 0 while the start is missing */
    int64_t last_seq;  /* 0 while the marker is missing */
    int64_t timestamp;
    uint64_t arrival_us; /* of the first packet that came */
    uint16_t packets;
    uint16_t width, height;
    bool key;
    bool complete;
};

struct tape_limits {
    uint32_t packets; /* index size; power of two */
    uint32_t frames;  /* 0 for audio */
    uint64_t keep_us; /* older packets go when they are also behind the current group of pictures */
    uint32_t gop_packets; /* a longer group of pictures is not kept for joiners; 0: any is */
};

/** What tapes that keep more may take together; those of one thread share it, and it outlives them. */
struct tape_budget {
    size_t bytes; /* of their slabs now */
    size_t limit;
};

/** More than the limits, for those who agreed to it. */
struct tape_keeping {
    uint64_t keep_us;           /* at least so far back, while the following allow it: */
    uint32_t packets;           /* the index grows to this; a power of two */
    size_t bytes;               /* of slabs; beyond this, or the budget, the oldest are forgotten */
    struct tape_budget *budget; /* may be NULL */
};

struct tape;

int tape_new(struct tape **ret, const struct tape_limits *limits);
/** Slabs that readers hold live on. NULL is fine. */
void tape_free(struct tape *t);

/** What to write. `payload` is copied (the only copy of the receiving side). */
struct tape_input {
    const struct tape_packet *head; /* lengths set; seq and timestamp extended */
    const uint8_t *payload;
    const uint8_t *descriptor; /* of descriptor_len bytes */
};
/** Append; *ret_packet is borrowed: valid while the packet is on the tape, or its slab is held.
 *  ER_STALE: there already, or older than the tape reaches. ER_NOMEM, ER_INVALID. Packets may come
 *  in any order; a jump of more than `packets` ahead (of a tape that keeps more: an eighth of its index)
 *  forgets all before it. */
int tape_append(struct tape *t, const struct tape_input *in, const struct tape_packet **ret_packet);
/** The same for a packet that another tape wrote and another thread may read too: `packet` lies in
 *  `slab`, of which the tape takes references of its own. No byte is copied. */
int tape_append_shared(struct tape *t, struct slab *slab, const struct tape_packet *packet);
/** Keep more from now on. NULL: no more, and what is beyond the limits is forgotten at once. */
void tape_keep(struct tape *t, const struct tape_keeping *keeping, uint64_t now_us);
/** Forget what is older than the limits allow; call now and then. */
void tape_trim(struct tape *t, uint64_t now_us);

/** By extended sequence number, or NULL when not here (any more, or yet). */
const struct tape_packet *tape_find(const struct tape *t, int64_t seq);
/** As tape_find; the slab is held for the caller, who releases it. */
const struct tape_packet *tape_find_hold(const struct tape *t, int64_t seq, struct slab **ret_slab);
/** Highest and lowest sequence numbers here; 0 while empty. */
int64_t tape_head(const struct tape *t);
int64_t tape_tail(const struct tape *t);

/** The youngest key frame whose first packet is here, or NULL. Borrowed until the next append. */
const struct tape_frame *tape_last_key(const struct tape *t);
/** The frame with this timestamp, or NULL. */
const struct tape_frame *tape_find_frame(const struct tape *t, int64_t timestamp);
/** Bytes of memory the tape holds now. */
size_t tape_bytes(const struct tape *t);

/** A reader in order of sequence that waits for missing packets up to a time, then passes over them. */
struct tape_cursor {
    int64_t next;              /* next sequence number wanted */
    uint64_t missing_since_us; /* 0: nothing is missing */
};
enum tape_step {
    TAPE_STEP_PACKET, /* *ret_packet, *ret_slab (held) */
    TAPE_STEP_GAP,    /* *ret_gap packets will not come any more; the cursor stands behind them */
    TAPE_STEP_WAIT,   /* nothing more now; *ret_deadline_us, or UINT64_MAX when only packets help */
};
struct tape_read {
    const struct tape_packet *packet;
    struct slab *slab;
    int64_t gap_first;
    uint32_t gap_count;
    uint64_t deadline_us;
};
/** Begin at `seq` (0: at the next packet to come). */
void tape_cursor_init(struct tape_cursor *c, const struct tape *t, int64_t seq);
/** One step. A packet missing for `patience_us` (counted from when a later one came) is a gap. */
enum tape_step tape_cursor_next(struct tape_cursor *c, const struct tape *t, uint64_t now_us,
                                uint64_t patience_us, struct tape_read *ret);

/** Has the processor fetch what the next packet will need (base/fetch.h): the tape, then, in step 1, where
 *  it is written. */
void tape_fetch(const struct tape *t, unsigned step);

#endif
