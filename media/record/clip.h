// SPDX-License-Identifier: Apache-2.0
/* One clip being recorded: packets of one picture and any number of voices go in, in order; a WebM
 * with the picture as relayed (H264: the same as Matroska) and one Opus track (mixed) comes out, always
 * both; beside it the voices as received, and the log of all frames. Runs on a job thread; reads no
 * clock: time comes with the packets and the ticks. */
#ifndef LOUPE_MEDIA_RECORD_CLIP_H
#define LOUPE_MEDIA_RECORD_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/codec.h"
#include "media/framelog.h"
#include "media/record/standing.h"
#include "media/tape/tape.h"

struct clip;

struct clip_config {
    const char *path;       /* without suffix; see media.h. Copied */
    uint64_t start_unix_us; /* media time 0 */
    const char *publisher;  /* whose picture; copied. NULL: nobody's */
    struct vault *vault;    /* as base/file.h has it; outlives the clip */
    bool hurry;             /* all of it comes at once: it is on the disk at the end, not before */
};

struct clip_result {
    uint64_t duration_us;
    uint64_t bytes; /* of the finished file */
    unsigned width, height;
    enum codec_format format;  /* of the first picture */
    bool has_video, has_audio; /* a picture; a voice (after a repair: a sound track) */
    bool has_poster;
    bool repaired; /* made from a .part that was cut: by the process's death or a failing disk */
    unsigned gaps; /* stretches without picture since the first one; 0 after a repair */
    uint64_t gap_us;
    unsigned covered; /* stretches where the lens was covered */
    uint64_t
        hashed; /* pictures whose hash was made when they came, before the clip was asked for */
};

/** Opens <path>.part and <path>.framelog. ER_IO, ER_NOMEM, ER_CONFLICT (there is one: repair that first).
 *  The picture begins with the first key frame; media time 0 is `start_unix_us` all the same. */
int clip_new(struct clip **ret, const struct clip_config *config);
/** Without clip_finish: the .part stays for repair. NULL is fine. */
void clip_free(struct clip *c);

/** Before any packet: the mix is copied from the room's, which covers the clip's beginning; its packets are
 *  the caller's to put there, too. */
void clip_follow(struct clip *c, struct standing *standing);
/** The room's mix is about to go: the clip goes on by itself. ER_NOMEM, ER_IO. */
int clip_unfollow(struct clip *c);

/** A packet of the picture, in sequence order, as a tape cursor gives them. `capture_unix_us`: when it
 *  was captured, on the server's clock (from sender reports). The caller keeps slab ownership.
 *  Packets that make no picture are no error. ER_IO once the disk failed or is full: the clip must
 *  then be finished (what is on disk counts). */
int clip_video(struct clip *c, const struct tape_packet *packet, uint64_t capture_unix_us);
/** Packets of the picture are missing before the next one given. 0: what follows is another track's,
 *  with numbers of its own. */
void clip_video_gap(struct clip *c, uint32_t packets);
/** The picture goes on in another encoding, from a key frame on. */
void clip_video_switch(struct clip *c);
/** A voice: `source` is any number that stays the same for one track. Captured more than LATENESS_DELAY_US
 *  ago it is too late, but the delay grows for voices that are always late. Beyond LIMIT_MIX_SOURCES
 *  voices a further one is left out. */
int clip_audio(struct clip *c, uint64_t source, const struct tape_packet *packet,
               uint64_t capture_unix_us);
/** A voice falls silent (left, muted or withdrew consent): later packets may bring it back. */
void clip_audio_end(struct clip *c, uint64_t source);
/** Whose voice `source` is, before its first packet. */
void clip_voice(struct clip *c, uint64_t source, const char *identity);
/** Something for the frame log, which happened at `unix_us`. `text` may be NULL. */
void clip_mark(struct clip *c, enum framelog_mark mark, uint64_t unix_us, const char *text);
/** Let time pass: mixes and writes sound up to what can no longer get packets, closes clusters older
 *  than a second. Call every 100 ms or so with the server's clock. `sound_until_unix_us`: packets of a
 *  voice are missing from there on, but may still come; 0: none are. */
int clip_tick(struct clip *c, uint64_t now_unix_us, uint64_t sound_until_unix_us);
/** Ends at `end_unix_us`: flushes, makes <path>.webm (duration, cues; atomically renamed, fsynced),
 *  <path>.voices.mka where somebody spoke, and <path>.jpg from the first complete key frame, closes
 *  <path>.framelog, removes <path>.part and .voices.part. The clip is still to be freed. ER_IO: what is
 *  there stays for clip_repair. */
int clip_finish(struct clip *c, uint64_t end_unix_us, struct clip_result *ret);

/** The same from a <path>.part that a dead process left; the frame log tells then of what is in the files,
 *  and of nothing else. ER_NOT_FOUND: nothing playable in it. When <path>.webm already exists whole,
 *  reports that. */
int clip_repair(struct vault *vault, const char *path, struct clip_result *ret);

#endif
