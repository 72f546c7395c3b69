// SPDX-License-Identifier: Apache-2.0
/* What viewers have use for, and what they and the publishers are told of it. */
#include <string.h>

#include "media/core/hub_private.h"
#include "media/relay/rerate.h"

#define HINT_EVERY_US 100000u      /* less is told so soon; */
#define HINT_MORE_EVERY_US 900000u /* more only so often, */
#define HINT_MUCH 1.4              /* but for so many times as much */
#define HINT_FALL_US 600000u
#define HINT_SHARE 0.9 /* of what the best viewer's path carries */
#define HINT_CHANGE 0.07
#define HINT_MIN_BPS 40000u
#define HINT_MAX_BPS 2500000u /* more is no limit */
#define SOUND_BPS 64000u
#define LAYERS_LINGER_US 30000000u

/* The path to a viewer */

static bool agrees_numbers(const struct member *m)
{
    for (size_t i = 0; i < m->line_count; i++) {
        const struct line *agreed = member_line_agreed(m->lines[i]);
        if (agreed->sends && !agreed->rejected && agreed->extensions.transport_cc)
            return true;
    }
    return false;
}

/** The publisher's line, of a track that is published here. */
static struct member_line *publisher_of(const struct track *t)
{
    return t && !t->mirror ? t->owner : NULL;
}

void member_want_hint(struct member_line *l, uint64_t now_us)
{
    struct member *m = l->member;
    uint64_t at_us = l->hint_looked_us + HINT_EVERY_US;
    if (l->hint_wanted)
        return;
    l->hint_wanted = true;
    if (at_us < now_us)
        at_us = now_us;
    if (m->hint_at_us == 0 || at_us < m->hint_at_us)
        m->hint_at_us = at_us;
    member_arm(m);
}

static void path_changed(void *ctx, struct slot *s, uint64_t now_us)
{
    struct member_line *l = publisher_of(s->track);
    member_slot_layer(ctx, s);
    if (l)
        member_want_hint(l, now_us);
}

struct downlink *member_path(struct member *m, uint64_t now_us)
{
    struct downlink_config config = {
        .twcc = agrees_numbers(m), .changed = path_changed, .ctx = m->hub};
    if (!m->downlink && downlink_new(&m->downlink, &config, now_us) != 0)
        m->downlink = NULL;
    return m->downlink;
}

void member_path_agreed(struct member *m)
{
    if (m->downlink)
        downlink_set_twcc(m->downlink, agrees_numbers(m));
}

static void apply_view(struct member_line *l, uint64_t now_us)
{
    struct downlink_view view = {.paused = l->view.paused,
                                 .max_width = l->view.max_width,
                                 .max_height = l->view.max_height,
                                 .layer = l->view.layer};
    if (l->slot && l->member->downlink)
        downlink_view(l->member->downlink, l->slot, &view, now_us);
}

void member_line_attach(struct member_line *l, uint64_t now_us)
{
    struct downlink *d = l->member->downlink;
    if (!d || downlink_attach(d, l->slot, member_line_agreed(l)->local_rtx_ssrc != 0, now_us) != 0)
        return;
    apply_view(l, now_us);
}

void hub_view(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer, const char *mid,
              const struct media_view *view)
{
    struct hub_room *r = hub_find_room(h, room);
    struct member *m = r ? member_find(r, peer) : NULL;
    for (size_t i = 0; m && i < m->line_count; i++) {
        struct member_line *l = m->lines[i];
        const struct line *agreed = member_line_agreed(l);
        if (agreed->rejected || strcmp(agreed->mid, mid) != 0)
            continue;
        l->view = *view;
        apply_view(l, now_us);
    }
    if (m) {
        member_arm(m);
        hub_room_arm(r);
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

void member_slot_layer(void *ctx, struct slot *s)
{
    static const enum media_slot_state states[] = {[DOWNLINK_VIDEO] = MEDIA_SLOT_VIDEO,
                                                   [DOWNLINK_SLIDESHOW] = MEDIA_SLOT_SLIDESHOW,
                                                   [DOWNLINK_AUDIO_ONLY] = MEDIA_SLOT_AUDIO_ONLY,
                                                   [DOWNLINK_PAUSED] = MEDIA_SLOT_PAUSED};
    struct member_line *l = s->owner;
    unsigned width, height;
    (void)ctx;
    if (s->kind != MEDIA_VIDEO || !l->slot || !s->track)
        return; /* not before it is there */
    slot_size(s, &width, &height);
    member_tell_layer(l, states[s->downlink ? downlink_slot_state(s->downlink, s) : 0], width,
                      height);
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

/** Of all viewers of what the line publishes. False: of some nothing is known yet. */
static bool demand_of_all(const struct member_line *l, struct demand *ret)
{
    *ret = demand_here(l->track);
    return demand_add(&l->elsewhere, l->member->room->mirrors, ret);
}

/** How many encodings flow now. */
static size_t flowing(const struct track *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->encoding_count; i++)
        count += encoding_flows(t->encodings[i]);
    return count;
}

static bool has_spatial_layers(const struct track *t)
{
    const struct encoding *best = track_best(t);
    return !best || best->top_spatial > 0;
}

/** What all encodings may come to so that the best one is of `bps`, where its viewers can take `most`.
 *  Estimates dip: one more encoding is given up only where they stay low. */
static uint32_t total_for(struct member_line *l, uint64_t now_us, uint32_t bps, uint32_t most)
{
    const struct track *t = l->track;
    struct rerate_encoding encodings[LIMIT_ENCODINGS] = {0};
    struct layer_rate rates[MEDIA_LAYERS_MAX];
    size_t count = track_layer_rates(t, now_us, rates, MEDIA_LAYERS_MAX);
    for (size_t i = 0; i < t->encoding_count; i++) {
        const struct encoding *e = t->encodings[i];
        encodings[i].flows = encoding_flows(e);
        encodings[i].pixels = (uint32_t)e->width * e->height;
    }
    for (size_t i = 0; i < count; i++)
        encodings[rates[i].encoding].bps = rates[i].bps;
    size_t now = track_best(t)->index, best = rerate_best(encodings, t->encoding_count, most);
    if (best >= now)
        l->falls_since_us = 0;
    else if (l->falls_since_us == 0)
        l->falls_since_us = now_us;
    if (best < now && now_us - l->falls_since_us < HINT_FALL_US)
        best = now;
    return rerate_total(encodings, t->encoding_count, best, bps);
}

/** Whether one picture cannot serve all: somebody's path does not carry it, or somebody wished for less.
 *  Lower pictures take from the best one, so that they are asked for only then, and for a while after. */
static bool wants_layers(struct member_line *l, const struct demand *d, bool all, uint64_t now_us)
{
    struct layer_rate rates[MEDIA_LAYERS_MAX];
    size_t count = track_layer_rates(l->track, now_us, rates, MEDIA_LAYERS_MAX);
    uint32_t whole = count ? rates[count - 1].bps : 0;
    if (d->viewers > 1 && (d->pinned || d->least_bps < whole))
        l->layers_until_us = now_us + LAYERS_LINGER_US;
    return !all || (d->viewers > 1 && now_us < l->layers_until_us);
}

static bool is_about(uint32_t bps, uint32_t told)
{
    return bps == told || (bps > told * (1 - HINT_CHANGE) && bps < told * (1 + HINT_CHANGE));
}

void member_line_hint(struct member_line *l, uint64_t now_us)
{
    if (!l->track || l->track->kind != MEDIA_VIDEO || now_us - l->hint_looked_us < HINT_EVERY_US)
        return;
    l->hint_looked_us = now_us;
    struct demand d;
    bool all = demand_of_all(l, &d);
    uint32_t bps = (uint32_t)(d.bps * HINT_SHARE), told = l->hint_bps_told;
    if (d.viewers == 0 || d.unlimited || !all || has_spatial_layers(l->track) ||
        bps >= HINT_MAX_BPS)
        bps = 0;
    else if (bps < HINT_MIN_BPS)
        bps = HINT_MIN_BPS;
    uint32_t total = bps ? total_for(l, now_us, bps, d.bps) : 0;
    bool slideshow = bps && !d.moving && flowing(l->track) == 1;
    bool layers = wants_layers(l, &d, all, now_us);
    bool more = told && (bps == 0 || total > l->limit_bps);
    bool much = bps == 0 || total > l->limit_bps * HINT_MUCH;
    uint64_t every_us = more && !much ? HINT_MORE_EVERY_US : HINT_EVERY_US;
    bool little = is_about(bps, told) && is_about(total, l->limit_bps);
    if (slideshow == l->hint_slideshow_told && layers == l->hint_layers_told &&
        (little || now_us - l->hint_us < every_us))
        return;
    l->hint_us = now_us;
    l->limit_bps = total;
    l->limited = l->limited || bps;
    member_tell_hint(l, bps, slideshow, layers);
    member_report_limit(l->member);
}

void member_hint(struct member *m, uint64_t now_us)
{
    m->hint_at_us = 0;
    for (size_t i = 0; i < m->line_count; i++) {
        struct member_line *l = m->lines[i];
        if (!l->hint_wanted)
            continue;
        l->hint_wanted = false;
        if (now_us - l->hint_looked_us < HINT_EVERY_US)
            member_want_hint(l, now_us);
        else
            member_line_hint(l, now_us);
    }
}

bool member_publish_limit(const struct member *m, uint32_t *ret_bps)
{
    bool limited = false, unlimited = false;
    *ret_bps = SOUND_BPS;
    for (size_t i = 0; i < m->line_count; i++) {
        const struct member_line *l = m->lines[i];
        if (!l->track || l->track->kind != MEDIA_VIDEO)
            continue;
        limited = limited || l->limited;
        unlimited = unlimited || l->limit_bps == 0;
        *ret_bps += l->limit_bps;
    }
    if (unlimited || !limited)
        *ret_bps = 0;
    uint32_t cap = m->uplink ? m->uplink->cap_bps : 0;
    if (cap && (*ret_bps == 0 || cap < *ret_bps))
        *ret_bps = cap;
    return limited || (m->uplink && m->uplink->was_capped);
}

void member_tell_hint(struct member_line *l, uint32_t max_bps, bool slideshow, bool layers)
{
    if (l->hint_bps_told == max_bps && l->hint_slideshow_told == slideshow &&
        l->hint_layers_told == layers)
        return;
    struct media_event event = {.type = MEDIA_PUBLISH_HINT,
                                .peer = l->member->config.peer,
                                .kind = member_line_agreed(l)->kind,
                                .max_bps = max_bps,
                                .slideshow = slideshow,
                                .layers = layers};
    l->member->hub->counters.hints_told++;
    l->hint_bps_told = max_bps;
    l->hint_slideshow_told = slideshow;
    l->hint_layers_told = layers;
    (void)str_copy(event.mid, sizeof event.mid, member_line_agreed(l)->mid);
    hub_tell(l->member->room, &event);
}
