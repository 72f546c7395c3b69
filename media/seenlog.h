// SPDX-License-Identifier: Apache-2.0
/* What viewers were shown, second by second, in few bytes: for each receiving line of a viewer the
 * layer, the pictures forwarded and arrived, the time it stood still and what was lost. Written by the
 * workers, kept by the server, read for the API and for seals. */
#ifndef LOUPE_MEDIA_SEENLOG_H
#define LOUPE_MEDIA_SEENLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/** A log is a version byte and lines; bytes that follow a whole line begin the next one:
 *
 *      line    = kind:u8  viewer:text  publisher:text  peer:varint  number:varint
 *                first:varint  length:varint  seconds
 *      text    = length:u8 bytes; length 0: as in the line before
 *      seconds = `length` bytes of operations, each of which is of one second or more:
 *        0nnnnnnn            n + 1 seconds like the one before
 *        10aaabbb            like it, but sent + aaa - 4, arrived + bbb - 4
 *        110000m0..          like it, but for what the lower bits name, in this order:
 *          bit 0  sent, arrived   varint each
 *          bit 1  frozen          varint
 *          bit 2  lost            varint
 *          bit 3  the layer: state:u8 encoding:u8 spatial:u8 temporal:u8 width:varint height:varint
 *
 *  Before the first second all is 0. Values that may be unknown are written plus one, 0 for unknown.
 *  Varints are of seven bits a byte, lowest first, without needless bytes. */
#define SEENLOG_VERSION 1
#define SEENLOG_UNKNOWN UINT16_MAX
#define SEENLOG_FROZEN_MOST 1000  /* ms of a second */
#define SEENLOG_LINE_SECONDS 4096 /* of one line in one log; more are malformed */

enum seenlog_kind { SEENLOG_VIDEO, SEENLOG_AUDIO, SEENLOG_KINDS };
/** As enum media_slot_state. */
enum seenlog_state {
    SEENLOG_MOVING,
    SEENLOG_SLIDESHOW,
    SEENLOG_AUDIO_ONLY,
    SEENLOG_PAUSED,
    SEENLOG_STATES
};

/** Of pictures; all 0 for sound, and as long as nothing was forwarded. */
struct seenlog_layer {
    uint8_t state;                       /* enum seenlog_state */
    uint8_t encoding, spatial, temporal; /* from 0, the lowest */
    uint16_t width, height;              /* 0: unknown */
};
/** One second of the wall clock. */
struct seenlog_second {
    uint16_t sent;      /* pictures that began to be forwarded; of sound, packets */
    uint16_t arrived;   /* whole pictures with all that they need; packets. SEENLOG_UNKNOWN */
    uint16_t frozen_ms; /* of it without a new picture for unusually long; SEENLOG_UNKNOWN */
    uint16_t lost;      /* packets that never arrived, however often sent; SEENLOG_UNKNOWN */
    struct seenlog_layer layer;
};

/* Writing */

#define SEENLOG_SECOND_BYTES 24 /* the most that one takes */
#define SEENLOG_BUFFER_BYTES 768

/** The seconds of one line; zeroed memory has none. A value: it may be copied. */
struct seenlog_writer {
    uint32_t first; /* unix time of the first */
    uint32_t count;
    struct seenlog_second last;
    bool runs; /* the last operation is a run that may grow */
    uint16_t len;
    uint8_t bytes[SEENLOG_BUFFER_BYTES];
};
/** The second behind the last one; `at` (unix time) counts for the first only. False: it is full. */
bool seenlog_put(struct seenlog_writer *w, uint32_t at, const struct seenlog_second *s);

/** Whose line it is. Texts of at most LIMIT_IDENTITY bytes, not empty. */
struct seenlog_head {
    enum seenlog_kind kind;
    const char *viewer, *publisher;
    uint64_t peer;   /* the viewer's connection */
    uint32_t number; /* and which of its lines */
};
#define SEENLOG_HEAD_BYTES (2 * (LIMIT_IDENTITY + 1) + 32) /* the most */

/** Begins a log in `ret`; its length. */
size_t seenlog_begin(uint8_t *ret, size_t size);
/** Appends a line to a log of `len` bytes whose last line, if there is any, had the head `before`. The
 *  new length; `len` when there is no room, or nothing in `w`. */
size_t seenlog_append(uint8_t *log, size_t len, size_t size, const struct seenlog_head *before,
                      const struct seenlog_head *head, const struct seenlog_writer *w);

/* Reading: any bytes may be handed in */

struct seenlog_line {
    enum seenlog_kind kind;
    char viewer[LIMIT_IDENTITY + 1], publisher[LIMIT_IDENTITY + 1];
    uint64_t peer;
    uint32_t number;
    uint32_t first; /* unix time of its first second */
};
struct seenlog_reader {
    const uint8_t *at, *end; /* of the log */
    const uint8_t *line_end; /* NULL: no line is being read */
    bool begun;
    struct seenlog_line line;
    struct seenlog_second last;
    uint32_t run;  /* so many more like the last */
    uint32_t read; /* seconds of the line */
};
struct seenlog_reader seenlog_read(const void *log, size_t len);
/** The next line, ret->line; seconds that were not read are passed over unchecked. ER_NOT_FOUND: no
 *  more; ER_MALFORMED, and nothing more can be had. */
int seenlog_next_line(struct seenlog_reader *r);
/** The line's next second; its time is the line's first plus the number of those read before. As above. */
int seenlog_next(struct seenlog_reader *r, struct seenlog_second *ret);

#endif
