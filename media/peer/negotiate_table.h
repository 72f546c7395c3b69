// SPDX-License-Identifier: Apache-2.0
/* What matching (negotiate.c, negotiate_codec.c) and writing (answer.c) share: the header extensions by
 * their URIs, and the codecs in the order in which they are asked for. */
#ifndef LOUPE_MEDIA_PEER_NEGOTIATE_TABLE_H
#define LOUPE_MEDIA_PEER_NEGOTIATE_TABLE_H

#include <stddef.h>

#include "base/buf.h"

#include "media/peer/negotiate.h"

#define NEGOTIATE_RID "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define NEGOTIATE_REPAIRED_RID "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

/** A header extension and where its id stands. */
struct negotiate_extension {
    const char *uri;
    size_t offset; /* of the id within struct line_extensions */
};

#define NEGOTIATE_EXTENSIONS 8
extern const struct negotiate_extension negotiate_extensions[NEGOTIATE_EXTENSIONS];

/** Which of the m-line's payload types are ours, what is echoed of them, and what can be sent as what.
 *  True when there is at least one codec to relay. `line` has its kind, and no codec yet. */
bool negotiate_codecs(struct line *line, const struct sdp_media *media);

/** All codecs, the one that publishers are rather to use before the others. */
extern const uint8_t negotiate_order[CODEC_COUNT];

/** Which streams of a line that receives are told apart by rid; its extensions are agreed. */
void negotiate_simulcast(struct line *line, const struct sdp_media *media);
/** The answer's lines about them. */
void answer_simulcast(struct wr *w, const struct line *line);

#endif
