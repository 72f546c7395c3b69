// SPDX-License-Identifier: Apache-2.0
/* A media engine that is only its face: it writes down what it is told, answers offers at once, and
 * says whatever a test makes it say. Linked instead of the real one by whoever refers to it. */
#ifndef LOUPE_TESTS_FAKE_MEDIA_H
#define LOUPE_TESTS_FAKE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

#include "media/media.h"

struct media *fake_media_new(void);
void fake_media_free(struct media *m);

/** Commands in order, as one line each: "peer_add 1 ann", "clip_start <clip> ann", .. */
size_t fake_media_count(const struct media *m, const char *prefix);
/** The last command with this beginning, or NULL. */
const char *fake_media_last(const struct media *m, const char *prefix);
/** The number in the last "peer_add". */
uint64_t fake_media_last_peer(const struct media *m);

/** The next offer is refused with this. */
void fake_media_refuse_next(struct media *m, int er, const char *why);
/** What the next media_stats gets; taken over. */
void fake_media_next_stats(struct media *m, struct media_room_stats *stats);
/** What opens rooms, consents, stops, removes and closes is refused with ER_FULL. */
void fake_media_full(struct media *m, bool full);
/** What stills come to: 0 (the default), or an error. */
void fake_media_refuse_stills(struct media *m, int er);
/** Clips start and become ready by themselves (the default), or only as a test says. */
void fake_media_manual_clips(struct media *m);
/** `sdp` is taken over. */
void fake_media_say(struct media *m, const struct media_event *event);

#endif
