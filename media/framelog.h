// SPDX-License-Identifier: Apache-2.0
/* The frame log of a clip: what the recorder knew of each frame when it came, in text that is appended
 * while the clip grows. It stands beside the clip and says what was received, what never came, and what
 * happened meanwhile; the seal is made from it. */
#ifndef LOUPE_MEDIA_FRAMELOG_H
#define LOUPE_MEDIA_FRAMELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

/** One record a line, fields apart by one blank, ended by a newline; decimal numbers without sign or
 *  needless zeros; text with all but [A-Za-z0-9._~:@/+-] as %XX (upper case), "-" for none:
 *
 *      loupe-framelog 1 <start_unix_us>
 *      track <n> video|mix|voice <codec> <identity>
 *      frame <track> <at_ms> <capture_unix_us> <rtp_timestamp> <seq> <k|-><r|-> <len> <sha256>
 *      gap <from_ms> <to_ms> <packets> <frames>
 *      voice_gap <track> <from_ms> <to_ms> <packets>
 *      mark <at_ms> <kind> [text]
 *      end <at_ms>
 *
 *  Times in ms are the container's. A track stands before its frames; of one track, at_ms rises. A log
 *  that was cut has no `end`, and perhaps half a line, which does not count. In a finished clip the
 *  frames are those of its files, each once, and no others. */
#define FRAMELOG_LINE_BYTES 704 /* longest line, its newline included */
#define FRAMELOG_TEXT_BYTES 193 /* longest text decoded, its NUL included: holds LIMIT_IDENTITY */
#define FRAMELOG_CODEC_BYTES 16
/** Numbers of tracks: those of the .webm (1 is its first) as they stand in it, picture first; a voice's
 *  is its number in the .voices.mka, which begin here. */
#define FRAMELOG_FIRST_VOICE 16

enum framelog_type {
    FRAMELOG_HEAD,      /* unix_us: wall clock of media time 0 */
    FRAMELOG_TRACK,     /* track, kind, codec, text: whose */
    FRAMELOG_FRAME,     /* track, at_ms, unix_us, timestamp, seq, key, recovered, len, sha256 */
    FRAMELOG_GAP,       /* at_ms, to_ms, packets, frames: pictures between these two are missing */
    FRAMELOG_VOICE_GAP, /* track, at_ms, to_ms, packets */
    FRAMELOG_MARK,      /* at_ms, mark, text */
    FRAMELOG_END,       /* at_ms: the clip's length */
};

enum framelog_track_kind { FRAMELOG_VIDEO, FRAMELOG_MIX, FRAMELOG_VOICE };

/** What happened to what is recorded. */
enum framelog_mark {
    FRAMELOG_TRACK_CHANGED, /* the publisher's picture comes by another track */
    FRAMELOG_TRACK_ENDED,   /* and for now by none */
    FRAMELOG_ENCODING,      /* another stream of the same picture */
    FRAMELOG_SIZE,          /* text: "1280x720", of the key frame at at_ms; also the first one */
    FRAMELOG_CODEC,         /* text: its name */
    FRAMELOG_MUTED,         /* the publisher's camera is off, as the client says; */
    FRAMELOG_UNMUTED,
    FRAMELOG_CAMERA,       /* another camera; text: its label */
    FRAMELOG_COVERED,      /* the lens is covered */
    FRAMELOG_UNCOVERED,    /* and no more */
    FRAMELOG_CONSENT,      /* text: who; recorded from here on, */
    FRAMELOG_WITHDRAWN,    /* and no more */
    FRAMELOG_OVERRUN,      /* the recorder was too slow: what is missing here had come */
    FRAMELOG_LENS_CHECKED, /* at the end: it was looked for a covered lens, all over */
    FRAMELOG_MARKS
};

/** Fields not named at the type are zero. */
struct framelog_record {
    enum framelog_type type;
    uint32_t track;
    uint64_t at_ms, to_ms;
    uint64_t
        unix_us; /* captured, by the publisher's clock as sender reports tie it to ours; 0: made
                           here (the mix), or not known any more */
    uint64_t timestamp; /* extended RTP timestamp; 0 likewise */
    uint64_t seq;       /* extended number of its first packet; 0 likewise */
    bool key;
    bool recovered; /* part of it was sent again */
    uint32_t len;   /* of the frame as it lies in the container; */
    uint8_t sha256[32];
    uint32_t packets; /* that never came */
    uint32_t frames;  /* pictures sent, but not in the clip, as far as they can be counted */
    enum framelog_track_kind kind;
    enum framelog_mark mark;
    char codec[FRAMELOG_CODEC_BYTES]; /* "VP8", "VP9", "H264", "AV1", "opus" */
    char text[FRAMELOG_TEXT_BYTES];   /* without NUL and control characters */
};

/** The record as a line, newline and NUL behind it: its length without the NUL. ER_INVALID: a value
 *  that no line can have; ER_TRUNCATED: `size` is less than FRAMELOG_LINE_BYTES + 1 and too small. */
int framelog_write(char *ret, size_t size, const struct framelog_record *record);
/** One line without its newline. 0 or ER_MALFORMED: not exactly what framelog_write makes. */
int framelog_parse(struct span line, struct framelog_record *ret);

#define FRAMELOG_TRACKS 64 /* of one log; more are malformed */

/** Reads a log that lies in memory; a value. */
struct framelog_reader {
    struct span rest;
    bool begun, ended;
    size_t line; /* number of the last one read, from 1 */
    size_t track_count;
    struct framelog_reader_track {
        uint32_t number;
        uint64_t next_ms; /* its next frame is not earlier */
    } tracks[FRAMELOG_TRACKS];
};
struct framelog_reader framelog_read(struct span text);
/** The next record. ER_NOT_FOUND: no more, or but half a line. ER_MALFORMED: `line` is none, is not
 *  where it may be, or is of a track not named before or the like: what follows is not to be had. */
int framelog_next(struct framelog_reader *r, struct framelog_record *ret);

/** "track_changed", ...; NULL: none. */
const char *framelog_mark_name(enum framelog_mark mark);

#endif
