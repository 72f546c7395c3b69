// SPDX-License-Identifier: Apache-2.0
/* What a viewer's path carries, divided among its pictures: layers, the ladder, and what publishers
 * may be asked for. */
#include "media/relay/allocate.h"
#include "media/relay/downlink_impl.h"

#define LOOK_LATEST_US 500000u /* without reports */
#define MEASURE_US 500000u
#define CAPACITY_SHARE 0.95
#define DRAIN_QUEUE_US 100000u
#define DRAIN_LONG 0.6   /* of the capacity: less is estimated while a long queue stands */
#define DRAIN_PERCENT 85 /* of the capacity: drains a short one */
#define SPARE_MUCH 1.6
#define SPARE 1.15           /* layers are added when the estimate exceeds them so much */
#define SOUND_MIN_BPS 40000  /* of a line that sounds, whatever was measured */
#define ASKED_TOLERATED 0.85 /* of a layer that was asked for: it sways about what was asked */
#define LONE_LEAST_BPS 300000u
#define LONE_BPS 2500000u  /* a picture without layers may be worth so much */
#define LONE_PIXELS_BPS 3u /* bits a second for each pixel that is looked at */
#define VIEW_WEIGHT (640u * 360u)
#define SLIDESHOW_EVERY_US 1000000u
#define CHANGE_SHARE 0.05
#define SHARERS_LOOKED_AT 64

/** What would be shown at most is what the viewer has use for. */
static void trim_to_view(struct downlink_slot *a)
{
    const struct downlink_view *v = &a->view;
    a->trimmed = false;
    bool encodings = a->count > 0 && a->rates[0].encoding != a->rates[a->count - 1].encoding;
    for (size_t i = 1; i < a->count; i++) {
        const struct layer_rate *r = &a->rates[i], *below = &a->rates[i - 1];
        bool larger = r->width > below->width;
        bool enough = (v->max_width && below->width >= v->max_width) ||
                      (v->max_height && below->height >= v->max_height);
        int layer = encodings ? r->encoding : r->spatial;
        if ((larger && enough) || (v->layer >= 0 && layer > v->layer)) {
            a->count = i;
            a->trimmed = true;
            return;
        }
    }
}

bool downlink_is_shown(const struct downlink_slot *a)
{
    return a->slot->track && a->slot->kind == MEDIA_VIDEO && !a->view.paused;
}

/** Is no other viewer of the track better off? Then it is this one who says what the publisher sends. */
static bool is_best_off(const struct downlink_slot *a)
{
    unsigned looked_at = 0;
    if (a->track->mirror || a->track->room->mirrored)
        return false; /* there are viewers that we do not know */
    list_each (s, &a->track->slots, struct slot, in_track) {
        if (s == a->slot)
            continue;
        uint32_t other = s->downlink ? downlink_slot_bps(s->downlink, s) : UINT32_MAX;
        if (other > a->may_cost_bps + a->may_cost_bps / 4 || ++looked_at > SHARERS_LOOKED_AT)
            return false;
    }
    return true;
}

/** Of several encodings the publisher makes the best one as large as this viewer can take. */
static bool is_rerated(const struct downlink_slot *a)
{
    const struct encoding *best = track_best(a->track);
    return a->count > 0 && !a->lone && !a->trimmed && best && best->top_spatial == 0 &&
           is_best_off(a);
}

static void gather(struct downlink_slot *a, uint64_t now_us)
{
    a->count = 0;
    if (a->track != a->slot->track) {
        a->track = a->slot->track;
        a->ladder = (struct ladder){.step = a->ladder.step};
    }
    if (!downlink_is_shown(a))
        return;
    a->count = track_layer_rates(a->track, now_us, a->rates, DOWNLINK_RATES);
    a->lone = a->count == 0 || (a->rates[0].encoding == a->rates[a->count - 1].encoding &&
                                a->rates[0].spatial == a->rates[a->count - 1].spatial);
    trim_to_view(a);
    a->rerated = is_rerated(a);
    for (size_t i = 0; i < a->count; i++) {
        const struct layer_rate *r = &a->rates[i];
        bool asked = a->lone || (a->rerated && r->encoding == a->rates[a->count - 1].encoding);
        uint32_t below = i ? a->costs[i - 1] : 0;
        a->costs[i] = asked ? (uint32_t)(r->bps * ASKED_TOLERATED) : r->bps;
        if (a->costs[i] <= below)
            a->costs[i] = below + 1;
    }
}

static void measure(struct downlink_slot *a, uint64_t now_us)
{
    uint64_t bytes = a->slot->counters.bytes +
                     a->slot->counters.packets * (DOWNLINK_WIRE_BYTES + 30);
    if (a->counted_us && now_us - a->counted_us < MEASURE_US)
        return;
    if (a->counted_us && bytes >= a->counted_bytes)
        a->bps = (uint32_t)((bytes - a->counted_bytes) * 8000000u / (now_us - a->counted_us));
    a->counted_bytes = bytes;
    a->counted_us = now_us;
}

static uint32_t weight_of(const struct downlink_slot *a)
{
    uint32_t pixels = (uint32_t)a->view.max_width * a->view.max_height;
    return pixels ? pixels : VIEW_WEIGHT;
}

/** What the best of it would cost. */
static uint32_t top_bps(const struct downlink_slot *a)
{
    uint32_t top = a->count ? a->rates[a->count - 1].bps : 0;
    uint32_t pixels = (uint32_t)a->view.max_width * a->view.max_height;
    uint32_t lone = pixels ? pixels * LONE_PIXELS_BPS : LONE_BPS;
    if (lone > LONE_BPS)
        lone = LONE_BPS;
    if (lone < LONE_LEAST_BPS)
        lone = LONE_LEAST_BPS;
    return (a->lone || a->rerated) && top < lone ? lone : top;
}

/** All that is to be divided, and among what. */
struct division {
    uint64_t bps;       /* for pictures */
    uint64_t known_bps; /* what the link carried when it was met last; 0: unknown */
    uint64_t top;       /* what they would cost at best */
    uint64_t weight;
    uint64_t used;
    struct allocate_want wants[LIMIT_SDP_MEDIA];
    struct downlink_slot *pictures[LIMIT_SDP_MEDIA];
    size_t count;
};

/** What is left of a path's rate, and of that what need not be sent again. */
static uint64_t for_pictures(uint32_t bps, uint64_t sound, double loss)
{
    return bps > sound ? (uint64_t)((double)(bps - sound) / (1 + loss)) : 0;
}

static uint32_t known_capacity(const struct downlink *d)
{
    return (uint32_t)(downlink_path(d).capacity_bps * CAPACITY_SHARE);
}

/** The estimate sways below the link's capacity; while no queue stands, what is shown need not. */
static uint32_t sustained(const struct downlink *d)
{
    struct bwe_state s = downlink_path(d);
    uint32_t bps = downlink_estimate(d), known = known_capacity(d);
    bool drains = s.queue_us > DRAIN_QUEUE_US + s.jitter_us || bps < known * DRAIN_LONG;
    return known > bps && !drains ? known : bps;
}

static void divide(const struct downlink *d, uint64_t now_us, struct division *v)
{
    uint64_t sound = 0;
    *v = (struct division){0};
    list_each (a, &d->slots, struct downlink_slot, in_downlink) {
        measure(a, now_us);
        gather(a, now_us);
        if (a->slot->kind == MEDIA_AUDIO && a->slot->track)
            sound += a->bps > SOUND_MIN_BPS ? a->bps : SOUND_MIN_BPS;
        if (!downlink_is_shown(a) || v->count == LIMIT_SDP_MEDIA)
            continue;
        v->wants[v->count] = (struct allocate_want){
            .bps = a->costs, .count = a->count, .weight = weight_of(a)};
        v->pictures[v->count++] = a;
        v->top += top_bps(a);
        v->weight += weight_of(a);
    }
    struct bwe_state s = downlink_path(d);
    v->bps = for_pictures(downlink_estimate(d), sound, s.inherent_loss);
    v->known_bps = for_pictures(known_capacity(d), sound, s.inherent_loss);
    v->top += sound;
    (void)allocate_layers(v->wants, v->count, (uint64_t)((double)v->bps / SPARE_MUCH));
    for (size_t i = 0; i < v->count; i++)
        v->pictures[i]->fits_amply = v->wants[i].ret_level;
    (void)allocate_layers(v->wants, v->count, (uint64_t)((double)v->bps / SPARE));
    for (size_t i = 0; i < v->count; i++)
        v->pictures[i]->fits_well = v->wants[i].ret_level;
    v->used = allocate_layers(v->wants, v->count,
                              for_pictures(sustained(d), sound, s.inherent_loss));
    for (size_t i = 0; i < v->count; i++)
        v->pictures[i]->fits = v->wants[i].ret_level;
}

/** All that pictures may cost, for one of them. Of several encodings the best one does not follow all
 *  dips of the estimate; a long queue is drained by a lower one's being shown. */
static uint64_t rated_bps(const struct division *v, const struct downlink_slot *a)
{
    uint64_t known = a->fits < a->count ? v->known_bps : v->known_bps * DRAIN_PERCENT / 100;
    return a->lone || known < v->bps ? v->bps : known;
}

/** Its fair part, or what it has with its part of what is left over. */
static uint32_t may_cost(const struct division *v, const struct downlink_slot *a)
{
    uint64_t all = rated_bps(v, a);
    uint64_t fair = all * weight_of(a) / v->weight;
    uint64_t own = a->fits ? a->costs[a->fits - 1] : 0;
    uint64_t left = all > v->used ? all - v->used : 0;
    uint64_t more = own + left / v->count;
    uint64_t bps = more > fair ? more : fair;
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX - 1;
}

/** May the publisher's only layer be lowered for this viewer? */
static bool can_be_asked(const struct downlink_slot *a)
{
    return a->lone && is_best_off(a);
}

enum downlink_state downlink_state_of(const struct downlink_slot *a)
{
    static const enum downlink_state steps[] = {[LADDER_VIDEO] = DOWNLINK_VIDEO,
                                                [LADDER_SLIDESHOW] = DOWNLINK_SLIDESHOW,
                                                [LADDER_AUDIO_ONLY] = DOWNLINK_AUDIO_ONLY};
    return a->view.paused ? DOWNLINK_PAUSED : steps[a->ladder.step];
}

static struct layer_aim aim_for(const struct downlink_slot *a, bool limited)
{
    struct layer_aim aim = LAYER_AIM_BEST;
    enum downlink_state state = downlink_state_of(a);
    if (state == DOWNLINK_PAUSED || state == DOWNLINK_AUDIO_ONLY)
        return (struct layer_aim){.encoding = LAYER_PAUSED};
    if (state == DOWNLINK_SLIDESHOW)
        return (struct layer_aim){.encoding = 0, .spatial = LAYER_BEST, .temporal = LAYER_KEYS};
    size_t level = limited ? a->ladder.level : a->count;
    if (level == 0 || level > a->count)
        level = level ? a->count : 1;
    bool all = level == a->count && !a->trimmed && (a->lone || !limited);
    if (a->count == 0 || all)
        return aim;
    const struct layer_rate *r = &a->rates[level - 1];
    return (struct layer_aim){
        .encoding = r->encoding, .spatial = r->spatial, .temporal = r->temporal};
}

/** A slideshow is made of key frames; video begins with one again. A publisher whose other viewers are
 *  better off is not asked for many. */
static void ask_pictures(struct downlink_slot *a, uint64_t now_us)
{
    bool slideshow = downlink_state_of(a) == DOWNLINK_SLIDESHOW;
    bool resumes = a->slot->layers.temporal < 0 && a->slot->aim.temporal >= 0;
    struct encoding *e = a->slot->encoding;
    if (!e || !(slideshow || resumes) || now_us - a->picture_us < SLIDESHOW_EVERY_US)
        return;
    a->picture_us = now_us;
    if (can_be_asked(a))
        encoding_want_key_frame(e, now_us);
    else
        slot_key_frame(a->slot, now_us);
}

static void apply(struct downlink_slot *a, uint64_t now_us, bool limited)
{
    struct layer_aim aim = aim_for(a, limited), now = a->slot->aim;
    if (a->count == 0 && downlink_state_of(a) == DOWNLINK_VIDEO && !a->slot->aimed)
        return; /* nothing is known of its layers: the slot's own choice */
    if (aim.encoding != now.encoding || aim.spatial != now.spatial ||
        aim.temporal != now.temporal || !a->slot->aimed)
        slot_aim(a->slot, &aim, now_us);
    ask_pictures(a, now_us);
}

static void tell(const struct downlink *d, struct downlink_slot *a, uint64_t now_us)
{
    enum downlink_state state = downlink_state_of(a);
    double away = (double)a->may_cost_bps - a->told_bps;
    bool cost = away > CHANGE_SHARE * a->told_bps || away < -CHANGE_SHARE * a->told_bps;
    if (state == a->told && !cost)
        return;
    a->told = state;
    a->told_bps = a->may_cost_bps;
    if (d->config.changed)
        d->config.changed(d->config.ctx, a->slot, now_us);
}

static void look_at(struct downlink *d, struct downlink_slot *a, const struct division *v,
                    uint64_t now_us, bool limited)
{
    a->may_cost_bps = limited && downlink_is_told(d) ? may_cost(v, a) : UINT32_MAX;
    if (limited) {
        struct ladder_input in = {
            .fits = a->fits,
            .fits_well = a->fits_well,
            .fits_amply = a->fits_amply,
            .count = a->count,
            .bps = may_cost(v, a),
            .can_be_asked = (a->fits == 0 || a->ladder.step != LADDER_VIDEO) && can_be_asked(a)};
        (void)ladder_update(&a->ladder, now_us, &in);
    } else {
        a->ladder = (struct ladder){.level = a->count};
    }
    apply(a, now_us, limited);
    tell(d, a, now_us);
}

void downlink_look(struct downlink *d, uint64_t now_us)
{
    struct division v;
    bool limited = downlink_is_limited(d, now_us), again = limited;
    divide(d, now_us, &v);
    d->fitting = v.count > 0;
    for (size_t i = 0; i < v.count; i++)
        d->fitting = d->fitting && v.pictures[i]->fits > 0;
    d->easy = d->fitting;
    for (size_t i = 0; i < v.count; i++)
        d->easy = d->easy && v.pictures[i]->fits_amply == v.pictures[i]->count;
    d->looked_bps = downlink_estimate(d);
    for (size_t i = 0; i < v.count; i++)
        look_at(d, v.pictures[i], &v, now_us, limited);
    list_each (a, &d->slots, struct downlink_slot, in_downlink) {
        if (a->slot->kind != MEDIA_VIDEO)
            continue;
        again = again || a->view.layer >= 0 || a->view.max_width || a->view.max_height;
        if (a->view.paused) {
            apply(a, now_us, limited);
            tell(d, a, now_us);
        }
    }
    if (d->bwe)
        bwe_set_wanted(d->bwe, v.count ? (uint32_t)(v.top < UINT32_MAX ? v.top : UINT32_MAX) : 0);
    d->looked_us = now_us;
    d->look_us = again ? now_us + LOOK_LATEST_US : UINT64_MAX;
    downlink_set_pace(d, now_us);
}
