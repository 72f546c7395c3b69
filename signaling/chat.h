// SPDX-License-Identifier: Apache-2.0
/* A room's chat: text made harmless, and the last messages for those who come later. Sans-IO. */
#ifndef LOUPE_SIGNALING_CHAT_H
#define LOUPE_SIGNALING_CHAT_H

#include <jansson.h>
#include <stddef.h>

#include "base/limits.h"

#define CHAT_HISTORY 200 /* older messages are forgotten here; the timeline has them */
/* The same beyond so much text: the history of a room must fit well into a newcomer's outbox. */
#define CHAT_HISTORY_BYTES (LIMIT_OUTBOX_BYTES / 4)
#define CHAT_TEXT_BYTES (LIMIT_CHAT_BYTES + 1)

/** Zeroed memory is an empty one. */
struct chat {
    json_t *messages[CHAT_HISTORY]; /* a ring */
    size_t sizes[CHAT_HISTORY];     /* of their JSON */
    size_t next, count, bytes;
};

void chat_clear(struct chat *c);
/** Without control characters (but for line feeds and tabs), without marks that turn the direction
 *  of other people's text, without blanks at the ends. ER_INVALID when nothing is left. */
int chat_clean(const char *text, char ret_text[CHAT_TEXT_BYTES]);
/** Keeps a reference of its own to `message`. */
void chat_add(struct chat *c, json_t *message);
/** A new array, oldest first; NULL without memory. */
json_t *chat_history(const struct chat *c);

#endif
