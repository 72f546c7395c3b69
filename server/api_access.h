// SPDX-License-Identifier: Apache-2.0
/* The access log: each view and each download of a clip, a still or an attachment stands on its case's timeline before
 * the first byte goes out. */
#ifndef LOUPE_SERVER_API_ACCESS_H
#define LOUPE_SERVER_API_ACCESS_H

#include "server/api.h"

#define ACCESS_PIECES_US UINT64_C(60000000)  /* pieces of what was begun are told again after it */
#define ACCESS_POSTER_US UINT64_C(600000000) /* small pictures, which lists show, once in it */

struct access {
    const struct id *case_id;
    const char *object; /* of keep_object_name */
    const struct id *id;
    const char *what;   /* "media", "poster", "manifest", "record" */
    const char *person; /* who looks */
    uint64_t once_us;   /* not told again within it; 0: each time that it is begun */
};

/** Whether the answer to this request, its ETag set, carries any of the file. */
bool access_is_sent(const struct api_call *c);
/** The event "clip_viewed", "still_viewed" or "attachment_viewed" {clip, still or attachment, what}, if the answer to this request, its file
 *  and ETag set, begins a view: by what it will carry, however it was asked for. Pieces that do not begin
 *  the file are not told again within a minute of what was told, but pieces of none that was told begin a
 *  view, wherever in the file they lie. 0 or the store's error: then nothing may be sent. */
int access_tell(struct store *s, struct api_call *c, const struct access *a);

#endif
