// SPDX-License-Identifier: Apache-2.0
/* The face of the media engine: commands in, events out. Behind it run N workers (each with its own
 * UDP port, rooms and peers) and a few job threads (files, codecs). All functions are for one
 * thread, the signalling thread, and none of them blocks. */
#ifndef LOUPE_MEDIA_MEDIA_H
#define LOUPE_MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/entropy.h"
#include "base/histogram.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/vault.h"
#include "media/codec.h"
#include "media/framelog.h"
#include "media/seenlog.h"

#define MEDIA_MID_BYTES 33
#define MEDIA_PATH_BYTES 512
#define MEDIA_IDENTITY_BYTES (LIMIT_IDENTITY + 1)

struct media;

struct media_config {
    struct addr udp;  /* worker i listens on port + i; port 0: free ones */
    bool has_tcp;     /* media over TCP too (RFC 6544): */
    struct addr tcp;  /* one port for all workers; port 0: a free one */
    bool shares_tcp;  /* what is not media there goes to media_next_socket */
    unsigned workers; /* 1..LIMIT_WORKERS */
    unsigned jobs;    /* job threads, 1..8 */
    bool realtime; /* workers go before all that has no real-time priority, where that is allowed */
    unsigned lookback_seconds;           /* kept of those who have consented; 0: nothing */
    const struct addr *public_addresses; /* announced instead of `udp` (ports are filled in) */
    size_t public_address_count;
    struct log *log;     /* may be NULL; outlives the engine */
    struct vault *vault; /* files are encrypted where it has keys; likewise */
};

/** Starts the threads. ER_IO when a port cannot be bound, ER_INVALID. */
int media_start(struct media **ret, const struct media_config *config);
/** Ends every call at once (DTLS close_notify), finalises clips that are recording, joins all
 *  threads. Events not fetched are lost. NULL is fine. */
void media_stop(struct media *m);
/** The address worker `i` really listens on. */
struct addr media_worker_address(const struct media *m, unsigned i);
/** The address media over TCP really is at; port 0: it is not served. */
struct addr media_tcp_address(const struct media *m);
/** Of media_config.shares_tcp: a connection that is for somebody else, nothing read from it yet. True
 *  and *ret_fd, which is the caller's then; or false. */
bool media_next_socket(struct media *m, int *ret_fd);
/** Readable while there may be one. */
int media_socket_fd(const struct media *m);
/** Readable while events may be waiting (see msgq_fd). */
int media_event_fd(const struct media *m);

/* Rooms. A room lives on one worker from open to close. */

/** ER_FULL, ER_CONFLICT (open already). */
int media_room_open(struct media *m, const struct id *room);
/** Its peers go with it (without MEDIA_PEER_GONE each); clips are finalised. ER_FULL: a worker's queue
 *  is; the room is still open there, and is to be closed again. ER_NOT_FOUND. */
int media_room_close(struct media *m, const struct id *room);

/* Peers: one transport each; a person may have several. The caller chooses their numbers, never
 * twice the same. */

/** How a receiving line without a wish of its own picks what it shows. */
enum media_pick {
    MEDIA_PICK_OTHERS, /* each line another track of somebody else, by rank, then age */
    MEDIA_PICK_MAIN,   /* the room's main publisher: highest rank, then longest there */
    MEDIA_PICK_PERSON, /* one identity's tracks */
};

/** A wish for one receiving line: the publisher's identity. "" takes the peer's `pick`. */
struct media_want {
    char mid[MEDIA_MID_BYTES];
    char identity[MEDIA_IDENTITY_BYTES];
    uint64_t track; /* 0: any of that person's of the line's kind */
};

struct media_peer_config {
    uint64_t peer;
    char identity[MEDIA_IDENTITY_BYTES];
    bool may_publish;
    bool may_subscribe;
    bool keep_seen; /* MEDIA_SEEN is told of what it is shown, from time to time */
    uint8_t rank;   /* as publisher: host 2, buyer 1, others 0 */
    enum media_pick pick;
    char pick_identity[MEDIA_IDENTITY_BYTES]; /* for MEDIA_PICK_PERSON */
};

/** First offer. Answered by MEDIA_ANSWER or MEDIA_REFUSED with the same `request`. `offer` is copied.
 *  ER_NOT_FOUND: no such room; ER_FULL: the worker's queue is full; ER_INVALID: offer too long. */
int media_peer_add(struct media *m, const struct id *room, const struct media_peer_config *config,
                   uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                   size_t want_count);
/** Renegotiation or ICE restart of a peer; answered likewise. */
int media_peer_offer(struct media *m, const struct id *room, uint64_t peer, uint64_t request,
                     const char *offer, size_t len, const struct media_want *wants,
                     size_t want_count);
/** No MEDIA_PEER_GONE follows. Unknown peers are ignored. */
int media_peer_remove(struct media *m, const struct id *room, uint64_t peer);

/** What a viewer has use for on one receiving line of video. MEDIA_VIEW_ALL: as good as the path carries. */
struct media_view {
    bool paused;                    /* nothing at all */
    uint16_t max_width, max_height; /* pixels on the screen; a larger layer is not needed. 0: any */
    int8_t layer;                   /* MEDIA_LAYER_AUTO, or none above this: 0 the lowest.. */
};
#define MEDIA_LAYER_AUTO (-1)
#define MEDIA_VIEW_ALL ((struct media_view){.layer = MEDIA_LAYER_AUTO})
/** Holds until the next one, and through renegotiations. Unknown peers and mids are ignored. */
int media_view(struct media *m, const struct id *room, uint64_t peer, const char *mid,
               const struct media_view *view);

/** Consent to recording of a person, whatever peers they have or will have. False stops at once what
 *  records them (clips of which they are the publisher are finalised; of others they fall silent). */
int media_consent(struct media *m, const struct id *room, const char *identity, bool recording);

/* Clips */

struct media_clip_config {
    struct id clip;
    char publisher[MEDIA_IDENTITY_BYTES]; /* whose picture; must have consented */
    uint32_t
        preroll_ms; /* it begins so long ago, with the key frame at or before that moment, as far
                            back as was kept (media_config.lookback_seconds) */
    bool lookback;  /* and ends at once */
    char path
        [MEDIA_PATH_BYTES]; /* without suffix: <path>.part while recording, then <path>.webm and <path>.jpg */
};
/** Answered by MEDIA_CLIP_STARTED, then MEDIA_CLIP_READY or MEDIA_CLIP_FAILED; or by FAILED at once:
 *  ER_DENIED no consent, ER_NOT_FOUND nobody of that name publishes video, ER_FULL. */
int media_clip_start(struct media *m, const struct id *room,
                     const struct media_clip_config *config);
int media_clip_stop(struct media *m, const struct id *room, const struct id *clip);
/** Something happened to this person's picture (muted, unmuted, another camera: `text`, at most 15 bytes;
 *  may be NULL), which stands in the frame logs of clips of it, also of those that look back to it. For
 *  nothing before the person's consent. */
int media_mark(struct media *m, const struct id *room, const char *identity,
               enum framelog_mark mark, const char *text);
/** Finish a <path>.part left by a process that died: MEDIA_CLIP_READY with `repaired` set, or FAILED
 *  (ER_NOT_FOUND when nothing playable is there). */
int media_clip_repair(struct media *m, const struct id *clip, const char *path);

struct media_trim_config {
    struct id clip;
    char from[MEDIA_PATH_BYTES]; /* of the finished clip that it is a part of, without suffix; */
    char path[MEDIA_PATH_BYTES]; /* and its own */
    uint64_t from_ms, to_ms;     /* [from_ms, to_ms) of that one; begins with a key frame */
};
/** A part of a finished clip as another one. Answered by MEDIA_CLIP_READY or MEDIA_CLIP_FAILED. */
int media_clip_trim(struct media *m, const struct media_trim_config *config);

/* Stills */

struct media_still_config {
    struct id still;
    char publisher[MEDIA_IDENTITY_BYTES]; /* whose picture; must have consented */
    char path[MEDIA_PATH_BYTES];          /* without suffix: <path>.jpg, <path>.small.jpg */
};
/** The last whole picture as a JPEG; or the next key frame, where that is sooner decoded. Answered by
 *  MEDIA_STILL, within LIMIT_STILL_WAIT_US and the time to decode it. */
int media_still(struct media *m, const struct id *room, const struct media_still_config *config);

struct media_light_config {
    struct id light;
    char publisher[MEDIA_IDENTITY_BYTES]; /* must have consented */
    uint64_t from_unix_us;
};
/** How bright the pictures were from a moment on that is not longer ago than what is kept (lookback_seconds).
 *  Answered by MEDIA_LIGHT. */
int media_light(struct media *m, const struct id *room, const struct media_light_config *config);
/** A moment before, so that there is a key frame then. Unknown people are ignored. */
int media_light_begins(struct media *m, const struct id *room, const char *publisher);

/** A photograph that was uploaded to <path>.upload: checked, freed of its metadata, measured; <path>.jpg
 *  and <path>.small.jpg are made of it, and it stays. Answered by MEDIA_STILL, in which codec is NULL and
 *  nothing is said of a frame. */
struct media_photo_config {
    struct id still;
    char path[MEDIA_PATH_BYTES]; /* without suffix */
    uint8_t sha256[32];          /* of what was uploaded: else ER_UNAUTHENTIC */
    bool keep_place;             /* who took it agreed that it says where */
};
int media_photo(struct media *m, const struct id *room, const struct media_photo_config *config);

/* Seeing */

/** Answered by MEDIA_STATS with the same `request`. */
int media_stats(struct media *m, const struct id *room, uint64_t request);

/** Totals over all workers since start; read without stopping anyone. */
struct media_counters {
    uint64_t packets_in, bytes_in;
    uint64_t packets_out, bytes_out;
    uint64_t packets_dropped_send; /* the socket took no more and the queue was full */
    uint64_t nacks_sent, nacks_received, retransmissions_sent, retransmissions_received;
    uint64_t plis_sent, plis_received;
    uint64_t probes_sent;                      /* packets */
    uint64_t feedback_sent, feedback_received; /* transport-wide, messages */
    uint64_t reports_received;                 /* of senders and receivers */
    uint64_t layer_switches;                   /* of what viewers are sent; counted each second */
    uint64_t stun_bad, stun_unauthentic, dtls_bad, rtp_bad, rtp_unauthentic, rtcp_bad, unknown_path;
    uint64_t handshakes_ok, handshakes_failed;
    uint64_t peers, rooms, tracks, clips_recording; /* now */
    uint64_t record_dropped;                        /* packets the recorder was too slow for */
    uint64_t record_healed;  /* packets that came when viewers no longer waited for them */
    uint64_t record_missing; /* packets that are not in clips because they never came */
    uint64_t lookbacks;      /* clips made of what was before */
    uint64_t mirror_dropped; /* packets another worker was too slow for */
    /* Media over TCP: connections now and delivered to a worker so far, refused over a bound, and
     * sent away because they said nothing that fits. */
    uint64_t tcp_connections, tcp_delivered, tcp_refused, tcp_dismissed;
    uint64_t tcp_queued,
        tcp_dropped;   /* bytes for what waits there now; packets for which none were */
    uint64_t realtime; /* workers that have real-time priority */
    /* Receiving lines of video now, and those of them that show less than a moving picture. */
    uint64_t views, views_slideshow, views_audio_only, views_paused;
    uint64_t hints_told;   /* to publishers: what their viewers can take */
    struct histogram join; /* offer to connected */
    struct histogram
        first_picture;            /* offer, or the publisher's first packet if that is later, to the
                                       first video packet sent */
    struct histogram relay_delay; /* of each turn that sent media: from the oldest packet's arrival
                                       until all that came of the turn was handed to the system */
};
void media_read_counters(const struct media *m, struct media_counters *ret);

/* Events */

enum media_event_type {
    MEDIA_ANSWER,         /* request, peer, sdp */
    MEDIA_REFUSED,        /* request, peer, er, why */
    MEDIA_PEER_CONNECTED, /* peer: DTLS done */
    MEDIA_PEER_GONE,      /* peer, er: ER_STALE consent lapsed, ER_UNAUTHENTIC handshake failed,
                            ER_CLOSED the client closed, ER_AGAIN never connected */
    MEDIA_PEER_MOVED,     /* peer: the remote address changed */
    MEDIA_TRACK_ADDED,    /* peer, identity, track, kind, label: first packet came */
    MEDIA_TRACK_REMOVED,  /* peer, identity, track */
    MEDIA_SLOT,           /* peer, mid, track (0: none now), identity of its publisher, kind; er:
                            ER_UNSUPPORTED when there would be one, in a codec the viewer lacks */
    MEDIA_PUBLISH_HINT, /* peer, mid, max_bps (0: no limit), slideshow, layers: what the viewers of
                            what is published on that line can take now. Told when it changes */
    MEDIA_SLOT_LAYER,   /* peer, mid, width, height (0: unknown), state: what the line shows now */
    MEDIA_CLIP_STARTED, /* clip: unix_us */
    MEDIA_CLIP_READY,   /* clip: result */
    MEDIA_CLIP_FAILED,  /* clip, er */
    MEDIA_STILL, /* clip: the still's id; er or still. ER_DENIED no consent, ER_NOT_FOUND no picture
                            is published, ER_STALE none comes, ER_MALFORMED and ER_UNSUPPORTED it
                            cannot be decoded, ER_FULL, ER_IO, .. */
    MEDIA_LIGHT, /* clip: the challenge's id; er or light. As MEDIA_STILL */
    MEDIA_STATS, /* request, er, stats */
    MEDIA_SEEN,  /* seen; unix_us: when it was told */
};

/** What a viewer gets on a line. */
enum media_slot_state {
    MEDIA_SLOT_VIDEO,
    MEDIA_SLOT_SLIDESHOW,  /* one sharp picture a second */
    MEDIA_SLOT_AUDIO_ONLY, /* the path carries no picture */
    MEDIA_SLOT_PAUSED,     /* as the viewer wished */
};

struct media_clip_result {
    uint64_t started_unix_us; /* wall clock of media time 0; 0 after a repair */
    uint64_t duration_ms;
    uint64_t bytes;
    unsigned width, height; /* of the first picture */
    bool repaired;
    bool has_poster;
    bool has_video, has_audio;
    const char *video_codec; /* of the first picture: "VP8"; static text, NULL without */
    unsigned gaps;           /* stretches of missing pictures */
    uint64_t gap_ms;         /* their sum */
    unsigned covered;        /* stretches where the lens was covered, as far as it was looked at */
    uint64_t
        hashed; /* pictures whose hash was made when they came, before the clip was asked for */
};

struct media_still_result {
    unsigned width, height;
    uint64_t bytes; /* of the JPEG */
    char sha256[65];
    uint64_t capture_unix_us;
    uint64_t track;
    const char *codec;     /* "VP8"; static text */
    char frame_sha256[65]; /* of the frame it was decoded from, as it lies in clips */
    uint64_t frame_bytes;
    int64_t frame_timestamp; /* RTP, extended */
    bool frame_key;
    unsigned orientation;              /* of a photograph: Exif's, 1..8 */
    bool placed;                       /* a photograph says where it was taken, and may: */
    int32_t latitude_e7, longitude_e7; /* degrees north and east, times 10^7 */
    int quantizer;                     /* in the codec's own units; -1: not told */
    double sharpness;                  /* variance of the Laplacian of luma (0..255) */
    double luma;                       /* mean, 0..255 */
    double dark;                       /* share of pixels at black or next to it, 0..1 */
    double bright;                     /* at white */
};

struct media_light_sample {
    uint64_t unix_us; /* captured */
    double luma;      /* mean, 0..255 */
};
struct media_light_curve {
    size_t count;
    struct media_light_sample samples[LIMIT_LIGHT_SAMPLES];
};

/** What a publisher sends on one layer, the ones below included. */
struct media_layer_stats {
    int8_t encoding, spatial, temporal;
    uint16_t width, height; /* 0: unknown */
    uint32_t bitrate_bps;
};
#define MEDIA_LAYERS_MAX 12

struct media_track_stats {
    uint64_t track, peer;
    char identity[MEDIA_IDENTITY_BYTES];
    enum media_kind kind;
    enum media_codec codec;
    unsigned width, height;
    uint64_t packets, bytes, lost, recovered;
    uint32_t bitrate_bps, jitter_us, rtt_us;
    size_t layer_count; /* 0: it has none */
    struct media_layer_stats layers[MEDIA_LAYERS_MAX];
};
struct media_slot_stats {
    uint64_t peer, track;
    char identity[MEDIA_IDENTITY_BYTES]; /* of the viewer */
    char mid[MEDIA_MID_BYTES];
    enum media_kind kind;
    uint64_t packets, bytes, retransmitted;
    uint32_t bitrate_bps, rtt_us, jitter_us;
    uint8_t fraction_lost; /* of 256, as the viewer reported last */
    uint32_t estimate_bps; /* what the viewer's path carries, all lines together; 0: unknown */
    enum media_slot_state state;
    int8_t encoding, spatial, temporal; /* the layer shown */
    unsigned width, height;             /* of what is shown; 0: unknown */
};
struct media_room_stats {
    size_t track_count, slot_count;
    struct media_track_stats *tracks;
    struct media_slot_stats *slots;
};
void media_room_stats_free(struct media_room_stats *s);

/** What viewers were shown since it was told last, as seenlog.h has it. Seconds that were told before, at
 *  the end of a clip, may be told again: what is told later holds. */
struct media_seen {
    size_t len;
    uint8_t bytes[];
};

/** Fields not named at a type above are zero. */
struct media_event {
    enum media_event_type type;
    struct id room;
    uint64_t request;
    uint64_t peer;
    uint64_t track;
    enum media_kind kind;
    int er;
    const char *why; /* static text */
    char *sdp;       /* owned by the event */
    char mid[MEDIA_MID_BYTES];
    char identity[MEDIA_IDENTITY_BYTES];
    char label[65];
    struct id clip;
    uint64_t unix_us;
    struct media_clip_result result;
    struct media_room_stats *stats;   /* owned by the event */
    struct media_still_result *still; /* owned by the event */
    struct media_light_curve *light;  /* owned by the event */
    struct media_seen *seen;          /* owned by the event */
    uint32_t max_bps;
    bool slideshow;
    bool layers; /* viewers' paths or wishes differ: one picture cannot serve them all */
    unsigned width, height;
    enum media_slot_state state;
};

/** Fetch the next event: true and *ret filled (release with media_event_clear), or false. */
bool media_next_event(struct media *m, struct media_event *ret);
void media_event_clear(struct media_event *event);

#endif
