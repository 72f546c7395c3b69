// SPDX-License-Identifier: Apache-2.0
/* What viewers have use for, and what they and the publishers are told of it. */
#include <string.h>

#include "media/core/hub_private.h"

void hub_view(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer, const char *mid,
              const struct media_view *view)
{
    struct hub_room *r = hub_find_room(h, room);
    struct member *m = r ? member_find(r, peer) : NULL;
    (void)now_us;
    for (size_t i = 0; m && i < m->line_count; i++) {
        struct member_line *l = m->lines[i];
        const struct line *agreed = member_line_agreed(l);
        if (agreed->rejected || strcmp(agreed->mid, mid) != 0)
            continue;
        l->view = *view;
    }
}

void member_tell_layer(struct member_line *l, enum media_slot_state state, unsigned width,
                       unsigned height)
{
    if (l->shown_told == state && l->shown_width_told == width && l->shown_height_told == height)
        return;
    struct media_event event = {.type = MEDIA_SLOT_LAYER,
                                .peer = l->member->config.peer,
                                .kind = member_line_agreed(l)->kind,
                                .state = state,
                                .width = width,
                                .height = height};
    l->shown_told = state;
    l->shown_width_told = width;
    l->shown_height_told = height;
    (void)str_copy(event.mid, sizeof event.mid, member_line_agreed(l)->mid);
    hub_tell(l->member->room, &event);
}

void member_tell_hint(struct member_line *l, uint32_t max_bps, bool slideshow)
{
    if (l->hint_bps_told == max_bps && l->hint_slideshow_told == slideshow)
        return;
    struct media_event event = {.type = MEDIA_PUBLISH_HINT,
                                .peer = l->member->config.peer,
                                .kind = member_line_agreed(l)->kind,
                                .max_bps = max_bps,
                                .slideshow = slideshow};
    l->hint_bps_told = max_bps;
    l->hint_slideshow_told = slideshow;
    (void)str_copy(event.mid, sizeof event.mid, member_line_agreed(l)->mid);
    hub_tell(l->member->room, &event);
}
