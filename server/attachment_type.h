// SPDX-License-Identifier: Apache-2.0
/* What kind of file somebody sent: told by its bytes, whatever its sender calls it. What is none of these is not taken.
 * Pure. */
#ifndef LOUPE_SERVER_ATTACHMENT_TYPE_H
#define LOUPE_SERVER_ATTACHMENT_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum attachment_type {
    ATTACHMENT_JPEG,
    ATTACHMENT_PNG,
    ATTACHMENT_WEBP,
    ATTACHMENT_HEIC,
    ATTACHMENT_PDF,
    ATTACHMENT_MP4,
    ATTACHMENT_WEBM,
    ATTACHMENT_TEXT,
    ATTACHMENT_TYPES, /* how many; none of them */
};

/** "image/jpeg", ..; text is "text/plain". NULL: none of them. */
const char *attachment_media_type(enum attachment_type type);
/** ".jpg", ..; NULL likewise. */
const char *attachment_suffix(enum attachment_type type);
/** Of a media type as above; ATTACHMENT_TYPES: none of them. */
enum attachment_type attachment_type_of(const char *media_type);

#define ATTACHMENT_HEAD_BYTES 1024 /* all that types but text are told by */

/** A file as it is gone through, from its begin on. */
struct attachment_look {
    uint8_t head[ATTACHMENT_HEAD_BYTES];
    size_t head_len;
    uint64_t bytes;
    bool not_text;    /* a control character, or no UTF-8 */
    unsigned pending; /* bytes that the last character still lacks */
    uint32_t code;    /* of it, so far */
    uint32_t least;   /* what it must be at least, to be written as long as it is */
};
/** Begins with a look that is all zero. */
void attachment_look_on(struct attachment_look *l, const uint8_t *data, size_t len);
/** When all was seen. */
enum attachment_type attachment_look_end(const struct attachment_look *l);

#endif
