// SPDX-License-Identifier: Apache-2.0
/* What the letters between a room's home and its mirrors own. */
#include "media/core/mirror.h"

#include <stdlib.h>

void mirror_message_clear(struct mirror_message *message)
{
    if (message->type == MIRROR_PACKET)
        slab_release(message->slab);
    else if (message->type == MIRROR_TRACK)
        free(message->info);
    else if (message->type == MIRROR_CLOCK)
        free(message->clock);
    message->type = MIRROR_LEAVE; /* owns nothing */
}
