// SPDX-License-Identifier: Apache-2.0
/* What matching (negotiate.c) and writing (answer.c) share: the header extensions by their URIs. */
#ifndef LOUPE_MEDIA_PEER_NEGOTIATE_TABLE_H
#define LOUPE_MEDIA_PEER_NEGOTIATE_TABLE_H

#include <stddef.h>

/** A header extension and where its id stands. */
struct negotiate_extension {
    const char *uri;
    size_t offset; /* of the id within struct line_extensions */
};

#define NEGOTIATE_EXTENSIONS 6
extern const struct negotiate_extension negotiate_extensions[NEGOTIATE_EXTENSIONS];

#endif
