// SPDX-License-Identifier: Apache-2.0
/* What clients may say in `loupe.v1` (signaling/PROTOCOL.md): a table of verbs and their members
 * turns JSON into a typed struct, and trusts nothing. */
#ifndef LOUPE_SIGNALING_PROTO_H
#define LOUPE_SIGNALING_PROTO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/limits.h"

#define PROTO_ID_BYTES 65   /* a request's id with its NUL */
#define PROTO_LIST_MAX 16   /* items of a list such as `languages` */
#define PROTO_WORD_BYTES 65 /* a language or skill with its NUL */
#define PROTO_MID_BYTES 33
#define PROTO_WANTS_MAX LIMIT_SDP_MEDIA
#define PROTO_LINES_MAX 32
#define PROTO_REASON_MAX 200
#define PROTO_TEAM_MAX 64
#define PROTO_CAPACITY_MAX 8

enum proto_error {
    PROTO_MALFORMED,
    PROTO_UNKNOWN_TYPE,
    PROTO_INVALID,
    PROTO_UNAUTHENTICATED,
    PROTO_DENIED,
    PROTO_NOT_FOUND,
    PROTO_CONFLICT,
    PROTO_FULL,
    PROTO_RATE_LIMITED,
    PROTO_UNSUPPORTED,
    PROTO_INTERNAL,
    PROTO_DRAINING,
    PROTO_ERRORS,
};
/** "malformed", .. */
const char *proto_error_name(enum proto_error error);
/** For an error of base/er.h. */
enum proto_error proto_error_of(int er);

enum proto_type {
    PROTO_HELLO,
    PROTO_PING,
    PROTO_BYE,
    PROTO_JOIN,
    PROTO_LEAVE,
    PROTO_MEDIA_STATE,
    PROTO_CONSENT,
    PROTO_CHAT,
    PROTO_OFFER,
    PROTO_VIEW,
    PROTO_STATS,
    PROTO_PHOTOGRAPH,
    PROTO_PHOTOGRAPH_FAILED,
    PROTO_LIGHT_CHALLENGE,
    PROTO_CAMERA,
    PROTO_CAMERA_STATE,
    PROTO_POINTER,
    PROTO_DRAW,
    PROTO_UNDO,
    PROTO_CLEAR,
    PROTO_FREEZE,
    PROTO_WAIT,
    PROTO_STOP_WAITING,
    PROTO_AVAILABLE,
    PROTO_ACCEPT,
    PROTO_DECLINE,
    PROTO_HANG_UP,
    PROTO_ACT,
    PROTO_TAKE_OVER,
    PROTO_WRAP_UP,
    PROTO_EXTEND_WRAP_UP,
    PROTO_TYPES,
};
const char *proto_type_name(enum proto_type type);

enum proto_facing { PROTO_FACING_NONE, PROTO_FACING_USER, PROTO_FACING_ENVIRONMENT };
/** "user", "environment", or NULL. */
const char *proto_facing_name(enum proto_facing facing);

/** How a person's network carries the call, as their own client measures it, and what is wrong. */
enum proto_quality {
    PROTO_QUALITY_NONE,
    PROTO_QUALITY_GOOD,
    PROTO_QUALITY_FAIR,
    PROTO_QUALITY_POOR,
};
enum proto_trouble {
    PROTO_TROUBLE_NONE,
    PROTO_TROUBLE_LOSS,      /* packets do not arrive */
    PROTO_TROUBLE_DELAY,     /* they take long */
    PROTO_TROUBLE_JITTER,    /* they take now long, now short */
    PROTO_TROUBLE_SLOW_UP,   /* it sends less than it has */
    PROTO_TROUBLE_SLOW_DOWN, /* it gets less than there is */
    PROTO_TROUBLE_STALLED,   /* nothing arrives at all */
};
/** "good", "loss", ..; NULL for NONE. */
const char *proto_quality_name(enum proto_quality quality);
const char *proto_trouble_name(enum proto_trouble trouble);

/** Short words, copied. */
struct proto_list {
    size_t count;
    char items[PROTO_LIST_MAX][PROTO_WORD_BYTES];
};

/** A wish for one receiving line. */
struct proto_want {
    const char *mid;
    const char *identity;
    uint64_t track; /* 0: any */
};
struct proto_wants {
    size_t count;
    struct proto_want items[PROTO_WANTS_MAX];
};

/** What a client has seen of one receiving line since it was made. */
struct proto_line_stats {
    const char *mid;
    uint64_t fps, width, height; /* now */
    uint64_t freezes, frozen_ms;
    uint64_t concealed_permille; /* of the sound of the last report's time */
};
struct proto_lines {
    size_t count;
    struct proto_line_stats items[PROTO_LINES_MAX];
};

/** Texts are borrowed from the message; members that were left out are NULL, false or zero. */
struct proto_message {
    enum proto_type type;
    char id[PROTO_ID_BYTES]; /* "" without one */
    union {
        struct {
            const char *token;
            struct id session, was;
            bool has_received;
            uint64_t received;
        } hello;
        struct {
            struct id room, case_id; /* one of them */
        } join;
        struct {
            bool audio, video;
            enum proto_facing facing;
        } media_state;
        struct {
            bool recording;
        } consent;
        struct {
            const char *text; /* may hold control characters */
        } chat;
        struct {
            const char *sdp;
            struct proto_wants wants;
        } offer;
        struct {
            const char *mid;
            bool paused;
            uint64_t max_width, max_height; /* 0: any */
            unsigned layer;                 /* 0: auto; n: none above the n-th from below */
        } view;
        struct {
            enum proto_quality quality;
            enum proto_trouble why;
            bool has_rtt;
            uint64_t rtt_ms;
            struct proto_lines lines;
        } stats;
        struct {
            const char *identity, *label; /* NULL: the buyer; none */
        } photograph;
        struct {
            const char *identity; /* NULL: the buyer */
        } light_challenge;
        struct {
            struct id photo;
            const char *reason;
        } photograph_failed;
        struct {
            const char *of;      /* whose */
            const json_t *wish;  /* objects, for signaling/camera.h */
            const json_t *state; /* of camera_state */
        } camera;
        struct {
            const char *of; /* whose picture */
            bool has_x, has_y;
            double x, y; /* shares of it */
        } pointer;
        struct {
            const char *of;
            const json_t *shape; /* an object; of undo NULL or its id alone, below */
            const char *id;
            uint64_t age_ms; /* of the picture that was looked at */
        } draw;              /* draw, undo, clear */
        struct {
            const char *of;
            bool on;
            struct id still; /* zeroed: none */
            uint64_t age_ms;
        } freeze;
        struct {
            bool on;
            struct proto_list languages, skills;
            const char *team;  /* NULL: none */
            uint64_t capacity; /* 0: 1 */
        } available;
        struct {
            struct id reservation;
            const char *reason;
        } reservation; /* accept, decline */
        struct {
            const char *action;
            const json_t *data; /* an object; NULL: none */
            uint64_t version;   /* of the case; 0: any */
        } act;
        struct {
            struct id case_id;
            const char *agent; /* NULL: whoever says it */
            const char *disposition, *note;
        } wrap_up; /* and extend_wrap_up */
    };
    json_t *json; /* owned: what the texts belong to */
};

/** Parse one message. Whatever comes back, ret->id holds the request's id when there was a usable
 *  one, and proto_clear() is due. 0; or -1 with *ret_error and *ret_why, a static text. */
int proto_parse(const char *text, size_t len, struct proto_message *ret,
                enum proto_error *ret_error, const char **ret_why);
void proto_clear(struct proto_message *m);

/** {"type": type}; NULL without memory, as every jansson function downstream takes it. */
json_t *proto_new(const char *type);
/** {"type":"error","code","message","re"?}. `re` may be NULL or "". */
json_t *proto_new_error(enum proto_error code, const char *message, const char *re);

#endif
