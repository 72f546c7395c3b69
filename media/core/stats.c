// SPDX-License-Identifier: Apache-2.0
/* A room's figures, asked for now and then. */
#include <stdlib.h>

#include "base/er.h"
#include "media/core/hub_private.h"

static void fill_layers(const struct track *t, uint64_t now_us, struct media_track_stats *ret)
{
    struct layer_rate rates[MEDIA_LAYERS_MAX];
    size_t count = t->kind == MEDIA_VIDEO ? track_layer_rates(t, now_us, rates, MEDIA_LAYERS_MAX)
                                          : 0;
    if (count < 2)
        return; /* it has no layers */
    ret->layer_count = count;
    for (size_t i = 0; i < count; i++)
        ret->layers[i] = (struct media_layer_stats){.encoding = rates[i].encoding,
                                                    .spatial = rates[i].spatial,
                                                    .temporal = rates[i].temporal,
                                                    .width = rates[i].width,
                                                    .height = rates[i].height,
                                                    .bitrate_bps = rates[i].bps};
}

static void fill_track(const struct member_line *l, uint64_t now_us, struct media_track_stats *ret)
{
    const struct track *t = l->track;
    const struct encoding *best = track_best(t);
    if (!best)
        return;
    const struct reception *reception = &best->reception;
    *ret = (struct media_track_stats){
        .track = t->id,
        .peer = l->member->config.peer,
        .kind = t->kind,
        .codec = t->codec,
        .width = best->width,
        .height = best->height,
        .packets = t->counters.packets,
        .bytes = t->counters.bytes,
        .recovered = t->counters.recovered,
        .bitrate_bps = l->rate_in.bps,
        .jitter_us = (uint32_t)((uint64_t)(reception->jitter_q4 >> 4) * 1000000u / t->clock_rate),
        .rtt_us = (uint32_t)t->rtt_us,
    };
    for (size_t i = 0; i < t->encoding_count; i++)
        ret->lost += reception_lost(&t->encodings[i]->reception);
    fill_layers(t, now_us, ret);
    (void)str_copy(ret->identity, sizeof ret->identity, t->identity);
}

static void fill_slot(const struct member_line *l, struct media_slot_stats *ret)
{
    const struct slot *s = l->slot;
    *ret = (struct media_slot_stats){
        .peer = l->member->config.peer,
        .track = s->track ? s->track->id : 0,
        .kind = s->kind,
        .packets = s->counters.packets,
        .bytes = s->counters.bytes,
        .retransmitted = s->counters.retransmitted,
        .bitrate_bps = l->rate_out.bps,
        .rtt_us = (uint32_t)s->rtt_us,
        .jitter_us = l->viewer_jitter_us,
        .fraction_lost = l->viewer_fraction_lost,
        .state = l->shown_told,
        .estimate_bps = l->member->downlink ? downlink_bps(l->member->downlink) : 0,
        .encoding = s->encoding ? (int8_t)s->encoding->index : -1,
    };
    slot_layers(s, &ret->spatial, &ret->temporal);
    slot_size(s, &ret->width, &ret->height);
    (void)str_copy(ret->mid, sizeof ret->mid, member_line_agreed(l)->mid);
    (void)str_copy(ret->identity, sizeof ret->identity, l->member->config.identity);
}

static struct media_room_stats *stats_new(const struct hub_room *r)
{
    struct media_room_stats *s = calloc(1, sizeof *s);
    size_t lines = 1;
    list_each (m, &r->members, struct member, in_room)
        lines += m->line_count;
    if (!s)
        return NULL;
    s->tracks = calloc(lines, sizeof *s->tracks);
    s->slots = calloc(lines, sizeof *s->slots);
    if (s->tracks && s->slots)
        return s;
    media_room_stats_free(s);
    return NULL;
}

void hub_stats(struct hub *h, uint64_t now_us, const struct id *room, uint64_t request)
{
    struct hub_room *r = hub_find_room(h, room);
    struct media_event event = {.type = MEDIA_STATS, .room = *room, .request = request};
    event.er = r ? 0 : ER_NOT_FOUND;
    if (r) {
        event.stats = stats_new(r);
        event.er = event.stats ? 0 : ER_NOMEM;
    }
    if (event.stats) {
        list_each (m, &r->members, struct member, in_room) {
            for (size_t i = 0; i < m->line_count; i++) {
                if (m->lines[i]->track)
                    fill_track(m->lines[i], now_us,
                               &event.stats->tracks[event.stats->track_count++]);
                if (m->lines[i]->slot)
                    fill_slot(m->lines[i], &event.stats->slots[event.stats->slot_count++]);
            }
        }
    }
    h->config.io->event(h->config.io_ctx, &event);
}
