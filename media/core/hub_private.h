// SPDX-License-Identifier: Apache-2.0
/* What the parts of the hub share: hub.c (rooms, timers), datagram.c (bytes in), output.c (packets
 * out), report.c (RTCP both ways), member.c (a peer in a room), tap.c (the recorder's readers). */
#ifndef LOUPE_MEDIA_CORE_HUB_PRIVATE_H
#define LOUPE_MEDIA_CORE_HUB_PRIVATE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "media/core/demand.h"
#include "media/core/hub.h"
#include "media/core/seen.h"
#include "media/peer/peer.h"
#include "media/relay/downlink.h"
#include "media/relay/relay.h"
#include "media/relay/uplink.h"

#define MEMBER_PATHS 8 /* addresses of one member kept in the hub's map */

struct hub {
    struct hub_config config;
    struct addr *candidates; /* owned, with those over TCP behind them */
    struct media_counters counters;
    struct map *rooms;   /* id text -> struct hub_room */
    struct map *ufrags;  /* our ICE ufrag -> struct member */
    struct map *paths;   /* struct path -> struct member */
    struct map *sources; /* remote SSRC -> struct member, to recognise media after a rebinding */
    struct heap room_timers;
    struct heap member_timers;
    struct heap tap_timers;
    struct heap look_timers;
    struct tape_budget kept; /* tapes of those who consent to being recorded */
    struct list pending;     /* encodings whose packets of this turn wait to be forwarded */
    struct map *mirrored;    /* track id -> struct mirrored, of rooms that live elsewhere */
    struct list stale_rooms; /* struct hub_room, in_stale: with mirrors that have to be told all */
    struct list mirrors;     /* struct hub_room, in_mirrors: of rooms that live elsewhere */
    uint64_t demand_at_us;   /* when their homes are told next what viewers here can take */
    uint64_t next_track;
    size_t member_count;
};

/** To being recorded. */
struct consent {
    uint64_t since_us;
    size_t mark_count; /* of what happened to the person's picture since, the newest: */
    struct consent_mark {
        uint64_t unix_us;
        enum framelog_mark mark;
        char text[16];
    } marks[LIMIT_LOOKBACK_MARKS];
};

struct hub_room {
    struct hub *hub;
    struct id id;
    struct room *relay;
    struct heap_node timer;
    struct list members; /* struct member, in_room */
    size_t member_count;
    struct map *consents; /* identity -> struct consent, owned */
    struct list taps;     /* struct tap, in_room */
    struct list looks;    /* struct look, in_room */
    size_t look_count;
    struct list in_turn; /* linked while the turn's packets are forwarded */
    size_t tap_count;
    bool deafened;          /* a mix of it was forgotten, in which others were heard, too */
    size_t seen_lines;      /* of which it is kept what their viewers are shown; */
    uint64_t seen_at_us;    /* when that is handed over next; 0: not said yet */
    uint64_t mirrors;       /* bits of the workers that mirror it */
    uint64_t stale_mirrors; /* and have missed something */
    struct list in_stale;   /* of a mirror: until its home has told it anything */
    bool is_mirror;         /* of the room at worker */
    unsigned home;          /* this one: */
    uint64_t joined_us;     /* when it was told so last; 0: at first only */
    struct list mirrored;   /* struct mirrored, in_room: its tracks */
    struct list in_mirrors;
    uint32_t codecs_told;       /* of a mirror: those that all its viewers take, told to the home */
    uint32_t *codecs_elsewhere; /* of a home: the same, by worker; NULL: nobody told any */
};

/** Bits per second of a byte counter, measured between reports. */
struct rate_meter {
    uint64_t bytes;
    uint64_t at_us;
    uint32_t bps;
};

/** One of the streams that a line publishes. */
struct member_source {
    struct encoding *encoding; /* NULL until the first packet came */
    uint32_t ssrc;             /* what it is made from */
    uint64_t heard_us;         /* when it sent last */
};

/** What a negotiated m-line is to the relay. */
struct member_line {
    struct member *member;
    size_t index;                                  /* into negotiation.lines */
    struct track *track;                           /* NULL until the first packet came */
    struct member_source sources[LIMIT_ENCODINGS]; /* by rid; without simulcast, the first */
    struct slot *slot;                             /* NULL unless we send here and are connected */
    struct seen_line *seen;                        /* NULL: nothing is kept of what it shows */
    uint16_t rtx_seq;
    uint64_t slot_told; /* track id last told by MEDIA_SLOT, and whether a codec was lacking */
    bool slot_told_lack;
    bool slot_told_once;
    char want_identity[MEDIA_IDENTITY_BYTES];
    uint64_t want_track;
    struct media_view view;           /* what the viewer has use for */
    enum media_slot_state shown_told; /* the last told by MEDIA_SLOT_LAYER: */
    unsigned shown_width_told, shown_height_told;
    uint32_t hint_bps_told; /* and by MEDIA_PUBLISH_HINT: */
    bool hint_slideshow_told, hint_layers_told;
    uint64_t layers_until_us; /* viewers differed not long before that */
    uint64_t hint_us;         /* when it was told last, */
    uint64_t hint_looked_us;  /* and looked at */
    bool hint_wanted;         /* something has changed since */
    uint32_t limit_bps;       /* of all its encodings together, told as REMB; 0: none */
    uint64_t falls_since_us;  /* its best encoding is more than viewers can take; 0: it is not */
    struct demand_elsewhere elsewhere; /* of its track; once there are mirrors */
    bool limited;                      /* it was told a limit once */
    struct rate_meter rate_in, rate_out;
    uint64_t switches_counted; /* of its slot's, in the hub's total */
    uint32_t viewer_jitter_us;
    uint8_t viewer_fraction_lost;
};

struct member {
    struct list in_room;
    struct heap_node timer;
    struct hub *hub;
    struct hub_room *room;
    struct media_peer_config config;
    struct peer *peer;
    char mapped_ufrag[ICE_UFRAG_LEN + 1];
    struct path mapped_paths[MEMBER_PATHS];
    size_t mapped_path_count;
    size_t line_count;
    struct member_line **lines; /* pointers: slots and tracks refer to them */
    struct sender_clock clock;
    struct downlink *downlink; /* the path to it; NULL until it is sent something */
    struct uplink *uplink;     /* the path from it; NULL until it sends something numbered */
    struct seen_path *seen;    /* NULL: nothing is kept of what it is shown */
    uint64_t twcc_at_us;       /* 0: nothing to report */
    uint64_t report_at_us;     /* 0: not connected yet */
    uint64_t heard_us;         /* anything came from it, and was its own */
    uint64_t dark_at_us;       /* when to ask for pictures in the dark; 0: there is light */
    uint64_t hint_at_us;       /* when the lines with hint_wanted are due; 0: there are none */
    uint64_t begin_us;         /* when what it is sent begins; 0: it has, or is not connected */
    uint64_t rtt_us;
    uint64_t joined_us; /* its first offer */
    bool begun;         /* it was sent media, */
    bool pictured;      /* and video */
    uint32_t rtcp_ssrc; /* ours as a reporter */
};

/* hub.c */
struct hub_room *hub_find_room(struct hub *h, const struct id *room);
void hub_tell(struct hub_room *r, struct media_event *event);
/** Bring the timer of the room in line with what its relay waits for. */
void hub_room_arm(struct hub_room *r);
uint64_t hub_unix_us(const struct hub *h, uint64_t now_us);

/* member.c */
int member_new(struct member **ret, struct hub_room *r, const struct media_peer_config *config,
               uint64_t now_us);
void member_free(struct member *m, uint64_t now_us);
/** Nothing is sent to it any more. */
void member_drop_slots(struct member *m, uint64_t now_us);
struct member *member_find(struct hub_room *r, uint64_t peer);
/** Answers or refuses by an event. On the first offer a refusal leaves the member for the caller. */
int member_offer(struct member *m, uint64_t now_us, uint64_t request, const char *offer, size_t len,
                 const struct media_want *wants, size_t want_count);
/** After a change that peer_* reported. May free the member: returns false then. */
bool member_changed(struct member *m, uint64_t now_us, int change);
void member_arm(struct member *m);
/** The codecs in which all that view here, but for `but`, can be sent pictures; 0: nobody views, or
 *  there is none. */
uint32_t member_codecs_here(const struct hub_room *r, const struct member *but);
void member_expire(struct member *m, uint64_t now_us);
/** `path` proved just now that it is this member's. */
void member_map_path(struct member *m, const struct path *path);
/** `path` ended by itself. */
void member_path_gone(struct member *m, uint64_t now_us, const struct path *path);
/** Add to the hub's total how often the line's slot has changed layers since. */
void member_count_switches(struct member_line *l);
/** What the line published ends here. */
void member_drop_track(struct member_line *l, uint64_t now_us);
/** The line that sends with this SSRC of ours, or what is received under it; or NULL. */
struct member_line *member_line_by_local(const struct member *m, uint32_t ssrc);
struct encoding *member_encoding_by_remote(const struct member *m, uint32_t ssrc);
static inline const struct line *member_line_agreed(const struct member_line *l)
{
    return &l->member->peer->negotiation.lines[l->index];
}

/* view.c */
/** The path to the member, made when needed; NULL: no memory, and no limit. */
struct downlink *member_path(struct member *m, uint64_t now_us);
/** After an offer. */
void member_path_agreed(struct member *m);
/** The line's slot is there now, with the member's path. */
void member_line_attach(struct member_line *l, uint64_t now_us);
/** See relay_ops.slot_layer. */
void member_slot_layer(void *ctx, struct slot *s);
/** The line publishes: what do those who are shown it have use for? */
void member_line_hint(struct member_line *l, uint64_t now_us);
/** Soon; once for all changes of a turn and of a while: to look through all viewers takes its time. */
void member_want_hint(struct member_line *l, uint64_t now_us);
/** The same of the lines with viewers whose paths or wishes have changed. */
void member_hint(struct member *m, uint64_t now_us);
/** What the member may send of all it publishes together; 0: no limit. False: it never was limited. */
bool member_publish_limit(const struct member *m, uint32_t *ret_bps);
/** Tells the viewer what its line shows now, if that is another than before. */
void member_tell_layer(struct member_line *l, enum media_slot_state state, unsigned width,
                       unsigned height);
/** The line shows nothing any more, and nothing is told. */
void member_forget_layer(struct member_line *l);
/** Tells the publisher on whose line this is what the viewers can take, if that is another. */
void member_tell_hint(struct member_line *l, uint32_t max_bps, bool slideshow, bool layers);

/* mirror.c */
void mirror_track_added(struct hub_room *r, const struct track *t);
void mirror_track_removed(struct hub_room *r, const struct track *t);
/** A sender report came: mirrors need the clocks. */
void mirror_clock_noted(struct hub_room *r, const struct encoding *e);
/** See relay_ops.mirror. */
void mirror_packets(void *ctx, const struct encoding *e, const int64_t *seqs, size_t count);
/** Where a mirrored track is shown. */
struct hub_room *mirror_room_of(const struct track *t);
/** The viewers of a mirrored track want a key frame: the home is told. */
void mirror_ask_key_frame(const struct encoding *e);
/** Tell mirrors that missed something all there is, as far as the mail takes it, and homes that have
 *  said nothing yet that they are mirrored. */
void mirror_tell_stale(struct hub *h, uint64_t now_us);
/** Tell homes what the viewers of their rooms here can take, where that has changed. */
void mirror_tell_demand(struct hub *h, uint64_t now_us);
/** When that is due; UINT64_MAX while there is no mirror. */
uint64_t mirror_deadline_us(const struct hub *h);
/** Before a room goes: its home is told, its mirrored tracks end. */
void mirror_room_gone(struct hub_room *r, uint64_t now_us);

/* output.c */
extern const struct relay_ops hub_relay_ops;
/** Protects and sends a compound RTCP packet of `len` bytes (room for SRTP_OVERHEAD behind it). */
void member_send_rtcp(struct member *m, uint8_t *packet, size_t len);
void member_send_datagram(void *ctx, const struct path *to, const uint8_t *data, size_t len);

/* report.c */
void member_rtcp(struct member *m, uint64_t now_us, const uint8_t *data, size_t len);
void member_report(struct member *m, uint64_t now_us);
void member_report_twcc(struct member *m, uint64_t now_us);
/** Nothing at all has come from it for a while. */
void member_ask_in_the_dark(struct member *m, uint64_t now_us);
/** Tell the member what it may send, now. */
void member_report_limit(struct member *m);

/* tap.c */
/** The person's picture, or NULL. */
struct track *room_video_of(const struct hub_room *r, const char *identity);
struct tap;
/** Its tapes keep what a recorder and those who look back need, if its publisher has consented. */
void tap_keep_track(struct hub_room *r, struct track *t, uint64_t now_us);
void tap_expire_due(struct hub *h, uint64_t now_us);
/** For a room that goes: what the recorder does not take now it is told later. */
void tap_close_all(struct hub_room *r, uint64_t now_us);
void tap_free_all(struct hub *h);
/** A track is about to go: what it still has is read. */
void tap_track_gone(struct hub_room *r, struct track *t, uint64_t now_us);
void tap_consent_changed(struct hub_room *r, uint64_t now_us, const char *identity, bool recording);

/* look.c */
void look_expire_due(struct hub *h, uint64_t now_us);
void look_consent_withdrawn(struct hub_room *r, const char *identity);
/** For a room that goes. */
void look_fail_all(struct hub_room *r);

#endif
