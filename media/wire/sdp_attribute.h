// SPDX-License-Identifier: Apache-2.0
/* Inside the SDP parser: what sdp.c (lines, m-lines, inheritance) and sdp_attribute.c share. */
#ifndef LOUPE_MEDIA_WIRE_SDP_ATTRIBUTE_H
#define LOUPE_MEDIA_WIRE_SDP_ATTRIBUTE_H

#include "media/wire/sdp.h"

enum { SDP_RIDS_MAX = sizeof(((struct sdp_media *)0)->rids) / sizeof(struct span) };

struct sdp_parser {
    struct sdp *sdp;
    struct sdp_media *media;  /* the m-line being read, or &session */
    struct sdp_media session; /* what the m-lines inherit */
    bool has_direction;       /* of `media` */
    struct span simulcast;    /* the send list of `media`; at == NULL: none */
    struct span legacy_msid;  /* from an a=ssrc of `media`; at == NULL: none */
    const char *why;          /* of the refusal */
};

/** Note why and return ER_MALFORMED. */
int sdp_refuse(struct sdp_parser *p, const char *why);
/** Cut at the next blank, passing over further ones. */
struct span sdp_next_word(struct span *rest);
bool sdp_same_span(struct span a, struct span b);

/** One attribute, without the "a=". Unknown ones are ignored. 0 or ER_MALFORMED. */
int sdp_take_attribute(struct sdp_parser *p, struct span line);

#endif
