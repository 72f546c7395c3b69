// SPDX-License-Identifier: Apache-2.0
/* What events own. */
#include <stdlib.h>

#include "media/media.h"

void media_room_stats_free(struct media_room_stats *s)
{
    if (!s)
        return;
    free(s->tracks);
    free(s->slots);
    free(s);
}

void media_event_clear(struct media_event *event)
{
    free(event->sdp);
    media_room_stats_free(event->stats);
    free(event->still);
    free(event->light);
    free(event->seen);
    event->sdp = NULL;
    event->stats = NULL;
    event->still = NULL;
    event->light = NULL;
    event->seen = NULL;
}
