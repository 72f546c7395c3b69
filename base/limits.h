// SPDX-License-Identifier: Apache-2.0
/* Every bound of the server, and what happens at it. Nothing grows without a line here. */
#ifndef LOUPE_BASE_LIMITS_H
#define LOUPE_BASE_LIMITS_H

/** Each bound names what happens at it: dropped and counted, refused with an error, or forgotten.
 *  Datagrams, packets, frames, texts and bodies are measured in bytes, times as the name says (_US,
 *  _MS, _S); all else is a count. */

/* Datagrams and packets */
#define LIMIT_DATAGRAM 1500     /* larger datagrams are dropped and counted */
#define LIMIT_RTP_PACKET 1400   /* larger decrypted packets are dropped and counted */
#define LIMIT_RTP_EXTENSIONS 14 /* further header extensions are ignored */
#define LIMIT_DTLS_MTU 1200     /* our DTLS flights are cut to this */
#define LIMIT_DTLS_FLIGHT 8192  /* bytes of one DTLS flight kept for retransmission */
#define LIMIT_SRTP_SOURCES                                                                         \
    128 /* authentic SSRCs of one peer; packets of more are dropped: ER_FULL */
#define LIMIT_SRTP_WINDOW 1024 /* numbers behind the highest; what is older is dropped: ER_STALE */
#define LIMIT_SEND_BYTES                                                                           \
    1048576 /* a worker's packets that wait for its socket; then dropped, counted */

/* SDP */
#define LIMIT_SDP_BYTES 60000   /* a longer offer is refused: ER_FULL */
#define LIMIT_SDP_LINE 2048     /* a longer line makes the offer malformed */
#define LIMIT_SDP_MEDIA 64      /* m-lines of one peer; more refuse the offer */
#define LIMIT_SDP_CODECS 48     /* payload types of one m-line; further ones are ignored */
#define LIMIT_SDP_EXTENSIONS 24 /* extmap lines of one m-line; further ones are ignored */
#define LIMIT_SDP_SSRCS 16      /* a=ssrc values of one m-line; further ones are ignored */

/* Rooms and peers of one worker */
#define LIMIT_WORKERS 64
#define LIMIT_ROOMS 4096          /* opening one more fails: ER_FULL */
#define LIMIT_PEERS 8192          /* of one worker; one more is refused: ER_FULL (HTTP 503) */
#define LIMIT_PEERS_PER_ROOM 4096 /* one more is refused: ER_FULL */
#define LIMIT_FANOUT_FROM 16      /* viewers of a room on one worker; further ones are spread */
#define LIMIT_TRACKS_PER_PEER 8   /* further published m-lines are answered with port 0 */
#define LIMIT_ENCODINGS 3         /* simulcast streams of one m-line; further ones are not agreed */
#define LIMIT_SPATIAL_LAYERS 3    /* of one encoding; higher ones count as the highest */
#define LIMIT_TEMPORAL_LAYERS 4
#define LIMIT_TURN_PACKETS 64 /* of a track, forwarded together; then at once, and gather anew */

/* Media over TCP (RFC 6544). A connection is pending until its first message named a peer of ours */
#define LIMIT_TCP_CONNECTIONS 8192 /* or 1/8 of the descriptors; one more is closed at once */
#define LIMIT_TCP_PER_ADDRESS 512  /* of one IPv4 address or IPv6 /64; one more is closed at once */
#define LIMIT_TCP_PENDING 512 /* the one that has been silent longest is closed for a new one */
#define LIMIT_TCP_HELLO_US 4000000u /* pending for so long: closed */
#define LIMIT_TCP_READ 4096         /* bytes of a stream kept until a packet is whole */
#define LIMIT_TCP_QUEUE 1048576     /* bytes waiting for a viewer: what comes then is dropped */
#define LIMIT_TCP_QUEUES                                                                           \
    67108864 /* of all of a worker's; beyond half of it, of each a 16th of its own only */
#define LIMIT_TCP_QUEUE_US                                                                         \
    1000000u /* bytes wait longer: large packets are dropped until none wait */

/* Tape: what NACK and a joiner need before consent */
#define LIMIT_SLAB_BYTES 65536
#define LIMIT_TAPE_VIDEO_PACKETS 2048 /* index size, a power of two; older packets are forgotten */
#define LIMIT_TAPE_AUDIO_PACKETS 256
#define LIMIT_TAPE_FRAMES 512
#define LIMIT_TAPE_SPARES 16 /* slabs a tape keeps to write again; further ones are given back */
#define LIMIT_TAPE_MS 2000   /* age kept beyond the current group of pictures */
#define LIMIT_BEGIN_AGAIN 3  /* times a joiner gets its beginning once more; then a new key frame */
#define LIMIT_GOP_PACKETS 1024 /* a longer group of pictures is not replayed to joiners: PLI */

/* Retransmission */
#define LIMIT_NACK_PENDING 512  /* missing packets tracked per source; beyond: PLI, start anew */
#define LIMIT_NACK_TRIES 10     /* then the packet is given up */
#define LIMIT_SENT_HISTORY 1024 /* sent packets of a viewer that a NACK can name; power of two */
#define LIMIT_SENT_AUDIO 64     /* the same of sound, where NACK was agreed for it */
#define LIMIT_RESENT 64         /* packets sent again lately, not to be again within a round trip */
#define LIMIT_RTX_KBPS_SHARE 100 /* retransmissions, percent of a viewer's media; then refused */

#define LIMIT_UNHEARD_PACKETS                                                                      \
    24576 /* sent since what the viewer reported last; then two packets a second until it does */

/* Bandwidth */
#define LIMIT_BWE_HISTORY 1024 /* sent packets of a viewer that feedback can name; power of two */

/* Timing, microseconds */
#define LIMIT_CONSENT_TIMEOUT_US 30000000u /* no valid STUN check: the peer is gone (RFC 7675) */
#define LIMIT_CONNECT_TIMEOUT_US 30000000u /* not connected by then: removed */
#define LIMIT_BEGIN_AFTER_US 10000u        /* media after a handshake: sooner, clients drop it */
#define LIMIT_PLI_INTERVAL_US 1000000u     /* one key-frame request per source at most */
#define LIMIT_SLOT_KEY_FRAMES 4 /* on behalf of one viewer's line at once; then one each: */
#define LIMIT_SLOT_KEY_INTERVAL_US 3000000u /* further requests are left out */
#define LIMIT_RTCP_INTERVAL_US 1000000u     /* SR and RR */
#define LIMIT_TWCC_INTERVAL_US 100000u

/* Queues between threads: a full media queue drops and counts, a full control queue refuses */
#define LIMIT_COMMAND_QUEUE 4096
#define LIMIT_MAIL                                                                                 \
    4096 /* between two workers; a power of two. Packets beyond are dropped, counted */
#define LIMIT_MAIL_RESERVE 512 /* of it is not for packets, but for what else a mirror must know */
#define LIMIT_MAIL_BACKLOG                                                                         \
    2048 /* old packets handed to a new mirror; more are left out, and a key frame asked for */
#define LIMIT_EVENT_QUEUE 16384
#define LIMIT_JOB_QUEUE 8192
#define LIMIT_STORE_QUEUE 4096

/* Recording */
#define LIMIT_SEEN_LINES 64       /* of a room, of which it is kept what was shown; not of others */
#define LIMIT_SEEN_BYTES 8388608  /* of that, of a case: a hundred hours; no more is kept */
#define LIMIT_CLIPS_PER_ROOM 8    /* recording at once; one more is refused: ER_FULL (HTTP 429) */
#define LIMIT_REPAIRS 256         /* waiting for room on the disk; others wait for the next start */
#define LIMIT_CLIP_SECONDS 14400  /* a clip is finished by itself then */
#define LIMIT_REORDER_US 400000u  /* how long the recorder waits for a missing packet; */
#define LIMIT_HEAL_US 3000000u    /* or so long, where it can be asked for again */
#define LIMIT_HEAL_BURST 64       /* old packets asked for at once, and one for two new ones */
#define LIMIT_FRAME_BYTES 4000000 /* a larger picture is a gap */
#define LIMIT_MIX_SOURCES 16      /* further voices are left out of the mix and counted */

#define LIMIT_STAMP_US                                                                             \
    UINT64_C(                                                                                      \
        2592000000000) /* thirty days: an older clip is not tried any more to be time-stamped */

/* Keeping and forgetting */
#define LIMIT_RETENTION_SECONDS 3155760000u /* a hundred years; a longer period is refused */
#define LIMIT_HOLDS 64       /* on one case and what is in it; one more is refused: ER_FULL (429) */
#define LIMIT_SWEEP_ROWS 256 /* looked at in one step of the search for what is due */
#define LIMIT_SWEEP_BATCH 8  /* deleted in one step; what is more waits for the next */
#define LIMIT_DELETIONS 64   /* under way; one more is refused: ER_FULL (HTTP 429) */
#define LIMIT_PARTS 256 /* of one clip deleted with it; with more it is refused: ER_FULL (429) */

/* Files that lie encrypted (base/vault.h, base/file.h) */
#define LIMIT_VAULT_KEYS 64       /* master keys; more are refused at the start */
#define LIMIT_VAULT_REWRITES 4096 /* chunks of a file written again before its end; then ER_FULL */

/* Stills. The limits of pixels are of what has to be decoded for one, pictures before it included */
#define LIMIT_PHOTO_BYTES 33554432 /* of an uploaded photograph; more is refused: ER_FULL (413) */
#define LIMIT_PHOTO_SCANS                                                                          \
    64 /* of one: each goes over all of it; more are refused: ER_UNSUPPORTED */
#define LIMIT_PHOTOS_PENDING 4 /* asked of one case's buyer and not there yet; then ER_FULL */
#define LIMIT_PHOTO_WAIT_US UINT64_C(3600000000) /* an unfinished one is forgotten then */
#define LIMIT_ATTACHMENT_BYTES 134217728         /* of one file; more is refused: ER_FULL (413) */
#define LIMIT_ATTACHMENTS 200                    /* on a case; one more is refused: 429 */
#define LIMIT_ATTACHMENTS_PERSON 100             /* of one person on a case; likewise */
#define LIMIT_ATTACHMENTS_PENDING 8              /* of one person that come at once; likewise */
#define LIMIT_ATTACHMENTS_BYTES INT64_C(8589934592) /* on a case, what comes included; likewise */
#define LIMIT_ATTACHMENTS_PERSON_BYTES INT64_C(2147483648) /* of one person; likewise */
#define LIMIT_ATTACHMENT_IDLE_US UINT64_C(600000000) /* one that came so long gives way to others */
#define LIMIT_ATTACHMENT_WAIT_US UINT64_C(86400000000) /* an unfinished one is forgotten then */
#define LIMIT_LIGHT_SAMPLES 1024  /* pictures of a light challenge; further ones are left out */
#define LIMIT_LIGHT_PACKETS 32768 /* of its picture; a key frame further back is none */
#define LIMIT_STILLS_PER_ROOM 8   /* asked for at once; one more is refused: ER_FULL (HTTP 429) */
#define LIMIT_STILL_QUEUE 64      /* waiting to be decoded; one more is refused: ER_FULL */
#define LIMIT_STILL_PACKETS 4096  /* of one group of pictures; what comes behind is not looked at */
#define LIMIT_STILL_PIXELS 80000000       /* more: a key frame is asked for first */
#define LIMIT_STILL_PIXELS_LATE 500000000 /* and still more: there is no still without it */
#define LIMIT_STILL_WAIT_US 1000000u      /* for that key frame */
#define LIMIT_STILL_AGE_US                                                                         \
    5000000u /* a picture that came longer ago is not the present one: none */

/* Look-back: what tapes of those who have consented keep */
#define LIMIT_LOOKBACK_SECONDS 180    /* no more can be asked for */
#define LIMIT_LOOKBACK_PACKETS 131072 /* of a picture, power of two; older ones are forgotten */
#define LIMIT_LOOKBACK_AUDIO_PACKETS 16384
#define LIMIT_LOOKBACK_TAPE_BYTES 67108864u /* of one stream; the oldest is forgotten */
#define LIMIT_LOOKBACK_BYTES 1073741824u    /* of a worker's streams together; likewise */
#define LIMIT_LOOKBACK_MARKS 32         /* of what happened to a person's picture; older ones go */
#define LIMIT_LOOKBACK_KEY_US 15000000u /* a key frame is asked for when the last one is older */

/* Signalling */
#define LIMIT_WS_FRAME 65536       /* a longer message closes with 1009 */
#define LIMIT_JSON_DEPTH 32        /* deeper nesting is an error */
#define LIMIT_WORKING_PEOPLE 10000 /* registered of a merchant; one more is refused: 429 */
#define LIMIT_DESK_CASES 64        /* that a desk is told of by name, each second; then "more" */
#define LIMIT_DESK_NOTED                                                                           \
    1024 /* changed cases that are kept in mind until then; beyond: "more" to all */
#define LIMIT_SESSIONS 20000          /* one more is answered with an error and closed */
#define LIMIT_SESSIONS_PER_IDENTITY 8 /* the oldest detached one goes first */
#define LIMIT_OUTBOX 512 /* unacknowledged messages of a session; beyond: no resuming */
#define LIMIT_OUTBOX_BYTES 1048576
#define LIMIT_MESSAGES_PER_SECOND 50 /* per session, burst 100; beyond: error rate_limited */
#define LIMIT_CHAT_BYTES 4000
#define LIMIT_BOARDS 8        /* pictures of a room that are drawn on; one more is refused: full */
#define LIMIT_BOARD_SHAPES 64 /* on one picture; likewise */
#define LIMIT_SHAPE_POINTS 1000 /* likewise */
#define LIMIT_SHAPE_TEXT 200
#define LIMIT_SHAPE_ID 32
#define LIMIT_DRAWINGS                                                                             \
    10000 /* kept of a case: strokes, and what was taken back; further ones are shown, not kept */
#define LIMIT_DRAWING_BYTES 4194304 /* of all these; likewise */
#define LIMIT_DRAWING_AGE_MS 5000   /* how old a picture is that somebody draws on, at most */
#define LIMIT_HELLO_MS 5000         /* no hello by then: closed */
#define LIMIT_RESUME_MS 60000       /* a dropped session waits so long */
#define LIMIT_PING_MS 20000
#define LIMIT_WRAP_UPS                                                                             \
    10000 /* owed that the server keeps in mind at once; agents of further ones are not held */
#define LIMIT_QUEUE_WAITING 10000 /* buyers waiting per merchant; one more is told to come back */

/* Webhooks */
#define LIMIT_HOOKS 16            /* of a merchant; one more is refused: ER_FULL (HTTP 429) */
#define LIMIT_HOOK_TYPES 32       /* of events that one asks for; more are refused: 400 */
#define LIMIT_HOOK_WAITING 100000 /* events for one; it is disabled then */
#define LIMIT_HOOK_PARALLEL 16    /* cases sent to one at once; others wait */
#define LIMIT_HOOK_FLIGHTS 256    /* sent to all of them at once; others wait */
#define LIMIT_HOOK_TROUBLED 4096  /* webhooks that fail: further ones are not spared */
#define LIMIT_HOOK_SECONDS 15     /* for an answer; then it has failed */
#define LIMIT_HOOK_CONNECT_SECONDS 5
#define LIMIT_HOOK_ANSWER_BYTES 65536     /* of an answer's body; what is more is not read */
#define LIMIT_HOOK_TRY_SECONDS 259200     /* three days of trying; then it is a dead letter */
#define LIMIT_HOOK_OVERLAP_SECONDS 604800 /* the old secret beside a new one, at most */
#define LIMIT_HOOK_KEPT_SECONDS 604800    /* what was delivered stays listed; */
#define LIMIT_HOOK_DEAD_SECONDS 2592000   /* dead letters, so long */
#define LIMIT_HOOK_STEP 500               /* rows tidied up, or replayed, at once */

/* Authentication and disputes */
#define LIMIT_CHECKLISTS 256      /* of a merchant's own; one more is refused: ER_FULL (HTTP 429) */
#define LIMIT_CHECKLIST_POINTS 64 /* of one; more are refused: 400 */
#define LIMIT_CHECKLIST_WORDS 32  /* categories of one, and brands; more are refused: 400 */
#define LIMIT_POINT_EVIDENCE 8    /* stills and clips of one point; more are refused: 400 */
#define LIMIT_OPINIONS 3          /* of an examination that is judged blind */
#define LIMIT_STATEMENTS 32       /* in a dispute, of either side; one more is refused: 429 */
#define LIMIT_QUESTIONS 64        /* of arbiters in a dispute; likewise */
#define LIMIT_ANSWER_SECONDS 2592000 /* a month: no question gives longer for its answer */
#define LIMIT_REVEAL_SECONDS 259200  /* three days to reveal an opinion; it lapses */
#define LIMIT_APPEAL_SECONDS 604800  /* a week after a ruling it stands */

/* HTTP */
#define LIMIT_HTTP_BODY 1048576      /* 413 */
#define LIMIT_HTTP_CONNECTIONS 20000 /* or 3/4 of the descriptors; closed at once beyond */
#define LIMIT_EXPORTS 8 /* cases being exported at once, until the last byte is out; 429 */
#define LIMIT_WHIP_SESSIONS_PER_IDENTITY 16 /* 429 */
#define LIMIT_ICE_URLS 4              /* of STUN, and of TURN; more are refused at the start */
#define LIMIT_TAG 64                  /* bytes of one; 400 beyond */
#define LIMIT_TAGS 32                 /* on a case; one more is refused: 409 */
#define LIMIT_TIMER_SECONDS 157680000 /* of a state's timer, five years; 400 beyond */
#define LIMIT_HOURS 256               /* documents of a merchant: its own, its teams'; more: 429 */
#define LIMIT_HOURS_ALL 65536         /* of all merchants; with more none hold: it is logged */
#define LIMIT_HOURS_OPENINGS 8        /* of a day; more are refused: 400 */
#define LIMIT_HOURS_CLOSURES 366      /* of a document; likewise */
#define LIMIT_HOURS_AHEAD_DAYS 400    /* further ahead nobody looks for an opening */
#define LIMIT_BOOKING_NOTE 1000       /* bytes; 400 beyond */
#define LIMIT_BOOKING_CHANGES 50      /* of a case, made and moved, by its buyer; 429 then */
#define LIMIT_BOOKING_STAFF 500       /* and by others */
#define LIMIT_BOOKING_SEATS 1000      /* calls booked for one time: so many people count */
#define LIMIT_BOOKING_SLOTS 500       /* told at once; `from` asks for later ones */
#define LIMIT_LINKS 64                /* from a case to others; likewise */
#define LIMIT_LOGO_BYTES 262144       /* of a merchant's logo; more is refused: 413 */
#define LIMIT_PAGE_ITEMS 200          /* a larger ?limit= is cut to this */
#define LIMIT_NAME 200        /* bytes of a person's name, a title and the like; 400 beyond */
#define LIMIT_IDENTITY 128    /* bytes of a token's sub; 401 beyond */
#define LIMIT_STATS_ROWS 2000 /* of figures by hour, day and so on; 400 beyond */
#define LIMIT_STATS_KEYS 1000 /* agents, teams, reasons of a merchant; others are one */
/* Requests a second, and at once; beyond: 429 with Retry-After */
#define LIMIT_REQUESTS_SERVICE 2000 /* of a back end */
#define LIMIT_REQUESTS_SERVICE_BURST 4000
#define LIMIT_REQUESTS_PERSON 100
#define LIMIT_REQUESTS_PERSON_BURST 400
#define LIMIT_REQUESTS_REFUSED                                                                     \
    20 /* of an address, with tokens that are none, or for certificates without one */
#define LIMIT_REQUESTS_REFUSED_BURST 200
#define LIMIT_REQUESTS_NAMES 65536     /* counted at once; others are not, until some are at rest */
#define LIMIT_API_KEYS_MERCHANT 32     /* one more is refused: 429 */
#define LIMIT_API_KEY_OVERLAP_S 604800 /* the old secret beside a new one, at most */
#define LIMIT_API_KEYS                                                                             \
    1024 /* of all merchants; one more is refused: 429. Of the store's, more are logged and left out */
#define LIMIT_TOKEN 4096          /* bytes of a JWT */
#define LIMIT_TOKEN_AHEAD_S 86400 /* exp further ahead is refused */

#endif
