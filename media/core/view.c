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

/** How many lines show what; moving pictures need no number of their own. */
static uint64_t *count_of(struct media_counters *n, enum media_slot_state state)
{
    switch (state) {
    case MEDIA_SLOT_SLIDESHOW:
        return &n->views_slideshow;
    case MEDIA_SLOT_AUDIO_ONLY:
        return &n->views_audio_only;
    case MEDIA_SLOT_PAUSED:
        return &n->views_paused;
    default:
        return NULL;
    }
}

static void take_state(struct member_line *l, enum media_slot_state state)
{
    struct media_counters *n = &l->member->hub->counters;
    uint64_t *before = count_of(n, l->shown_told), *after = count_of(n, state);
    if (before)
        --*before;
    if (after)
        ++*after;
    l->shown_told = state;
}

void member_forget_layer(struct member_line *l)
{
    take_state(l, MEDIA_SLOT_VIDEO);
    l->shown_width_told = l->shown_height_told = 0;
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
    take_state(l, state);
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
    l->member->hub->counters.hints_told++;
    l->hint_bps_told = max_bps;
    l->hint_slideshow_told = slideshow;
    (void)str_copy(event.mid, sizeof event.mid, member_line_agreed(l)->mid);
    hub_tell(l->member->room, &event);
}
