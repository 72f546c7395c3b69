// SPDX-License-Identifier: Apache-2.0
/* The path to one viewer: division, ladder, pacing and probes put together. */
#include "media/relay/downlink.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/list.h"
#include "media/relay/allocate.h"
#include "media/relay/pacer.h"
#include "media/relay/relay.h"

#define START_BPS 1500000u
#define START_PACE_BPS 8000000u /* until the first report: so a picture is there at once */
#define MIN_BPS 20000u
#define MAX_BPS 30000000u
#define WIRE_BYTES 28        /* IP and UDP */
#define PACE_TIMES 2.5       /* of the estimate, so that pictures are not late, */
#define PACE_TIMES_FULL 1.1  /* but for a path whose queue is not empty */
#define PACE_TIMES_LIMIT 1.5 /* one whose capacity is known, */
#define PACE_QUEUE_US 60000u
#define BURST_US 20000u
#define REPLAY_US 700000u
#define LOOK_EVERY_US 100000u  /* with every report, but not more often; */
#define LOOK_LATEST_US 500000u /* without reports */
#define MEASURE_US 500000u
#define FEEDBACK_MISSING_US 2500000u /* agreed, but none came: there is no limit */
#define RETRY_PROBE_US 50000u
#define SPARE 1.15          /* layers are added when the estimate exceeds them so much */
#define SOUND_MIN_BPS 40000 /* of a line that sounds, whatever was measured */
#define LONE_TOLERATED                                                                             \
    0.85 /* of what a lone layer is measured at counts: it sways about what was asked */
#define LONE_LEAST_BPS 300000u
#define LONE_BPS 2500000u  /* a picture without layers may be worth so much */
#define LONE_PIXELS_BPS 3u /* bits a second for each pixel that is looked at */
#define VIEW_WEIGHT (640u * 360u)
#define SLIDESHOW_EVERY_US 1000000u
#define CHANGE_SHARE 0.05
#define RATES_MAX 12
#define SHARERS_LOOKED_AT 64

struct attached {
    struct list in_downlink;
    struct slot *slot;
    bool rtx;
    bool trimmed; /* the viewer has no use for the layers above */
    bool lone;    /* its track has pictures of one size: the publisher may be asked for less */
    struct downlink_view view;
    struct ladder ladder;
    const struct track *track; /* of the last look */
    enum downlink_state told;
    uint32_t told_bps;
    uint32_t may_cost_bps; /* UINT32_MAX: no limit */
    uint64_t counted_bytes, counted_us;
    uint32_t bps;        /* measured, with headers */
    uint64_t picture_us; /* last one asked for, as slideshow */
    /* While looking: */
    size_t count, fits, fits_well;
    struct layer_rate rates[RATES_MAX];
    uint32_t costs[RATES_MAX];
};

struct downlink {
    struct downlink_config config;
    struct bwe *bwe; /* from the first packet on; NULL: no limit */
    struct pacer pacer;
    struct list slots; /* struct attached */
    size_t slot_count;
    uint64_t first_us; /* the first packet left; 0: none yet */
    uint64_t sent;     /* packets */
    uint64_t looked_us, look_us;
    uint64_t probe_us; /* not before */
    bool reported;     /* by REMB or receiver reports, at least */
};

static void look(struct downlink *d, uint64_t now_us);

int downlink_new(struct downlink **ret, const struct downlink_config *config, uint64_t now_us)
{
    struct downlink *d = calloc(1, sizeof *d);
    (void)now_us;
    if (!d)
        return ER_NOMEM;
    d->config = *config;
    d->look_us = UINT64_MAX;
    list_init(&d->slots);
    *ret = d;
    return 0;
}

void downlink_free(struct downlink *d)
{
    if (!d)
        return;
    list_each_safe (a, &d->slots, struct attached, in_downlink)
        free(a);
    bwe_free(d->bwe);
    free(d);
}

void downlink_set_twcc(struct downlink *d, bool twcc)
{
    d->config.twcc = twcc;
}

/* Slots */

static struct attached *find_attached(const struct downlink *d, const struct slot *slot)
{
    list_each (a, &d->slots, struct attached, in_downlink) {
        if (a->slot == slot)
            return a;
    }
    return NULL;
}

int downlink_attach(struct downlink *d, struct slot *slot, bool rtx, uint64_t now_us)
{
    struct attached *a = calloc(1, sizeof *a);
    if (!a)
        return ER_NOMEM;
    a->slot = slot;
    a->rtx = rtx;
    a->view = DOWNLINK_VIEW_ALL;
    a->may_cost_bps = a->told_bps = UINT32_MAX;
    list_append(&d->slots, &a->in_downlink);
    d->slot_count++;
    look(d, now_us);
    return 0;
}

void downlink_detach(struct downlink *d, struct slot *slot)
{
    struct attached *a = find_attached(d, slot);
    if (!a)
        return;
    list_remove(&a->in_downlink);
    d->slot_count--;
    free(a);
}

void downlink_view(struct downlink *d, struct slot *slot, const struct downlink_view *view,
                   uint64_t now_us)
{
    struct attached *a = find_attached(d, slot);
    if (!a)
        return;
    a->view = *view;
    if (a->ladder.step == LADDER_VIDEO)
        a->ladder = (struct ladder){0}; /* as much as fits, at once */
    look(d, now_us);
}

/* The limit */

static struct bwe_state path_state(const struct downlink *d)
{
    struct bwe_state s = {0};
    if (d->bwe)
        bwe_get_state(d->bwe, &s);
    return s;
}

/** Has the viewer said, or is about to say, what the path carries? */
static bool is_limited(const struct downlink *d, uint64_t now_us)
{
    if (!d->bwe)
        return d->config.twcc && d->first_us == 0;
    if (path_state(d).measured)
        return true;
    if (d->config.twcc && now_us - d->first_us < FEEDBACK_MISSING_US)
        return true;
    return d->reported && bwe_bps(d->bwe) < MAX_BPS;
}

/** Has the viewer said anything yet? */
static bool is_told(const struct downlink *d)
{
    return d->reported || path_state(d).measured;
}

static uint32_t estimate(const struct downlink *d)
{
    return d->bwe ? bwe_bps(d->bwe) : START_BPS;
}

static void set_pace(struct downlink *d, uint64_t now_us)
{
    struct bwe_state s = path_state(d);
    if (!is_limited(d, now_us)) {
        pacer_set_rate(&d->pacer, now_us, 0);
        return;
    }
    bool full = s.overuse || s.queue_us > PACE_QUEUE_US + s.jitter_us;
    double times = full ? PACE_TIMES_FULL : s.at_limit ? PACE_TIMES_LIMIT : PACE_TIMES;
    double bps = estimate(d) * times;
    pacer_set_rate(&d->pacer, now_us, is_told(d) ? (uint32_t)bps : START_PACE_BPS);
    pacer_set_burst(&d->pacer, BURST_US);
}

bool downlink_may_send(const struct downlink *d, uint64_t now_us)
{
    return pacer_may_send(&d->pacer, now_us);
}

uint64_t downlink_next_us(const struct downlink *d)
{
    return pacer_next_us(&d->pacer);
}

uint32_t downlink_replay_bytes(const struct downlink *d)
{
    if (d->pacer.rate_bps == 0)
        return d->config.twcc ? (uint32_t)((uint64_t)START_PACE_BPS * REPLAY_US / 8000000u)
                              : UINT32_MAX;
    return (uint32_t)((uint64_t)d->pacer.rate_bps * REPLAY_US / 8000000u);
}

static void first_packet(struct downlink *d, uint64_t now_us)
{
    struct bwe_config config = {
        .start_bps = START_BPS, .min_bps = MIN_BPS, .max_bps = MAX_BPS, .twcc = d->config.twcc};
    d->first_us = now_us;
    if (bwe_new(&d->bwe, &config, now_us) != 0)
        d->bwe = NULL;
    set_pace(d, now_us);
    if (d->config.twcc)
        d->look_us = now_us;
}

uint16_t downlink_sent(struct downlink *d, uint64_t now_us, uint32_t bytes, unsigned probe)
{
    if (d->first_us == 0)
        first_packet(d, now_us);
    bytes += WIRE_BYTES;
    d->sent++;
    pacer_sent(&d->pacer, now_us, bytes);
    return d->bwe ? bwe_send(d->bwe, now_us, bytes, probe) : (uint16_t)d->sent;
}

void downlink_sent_unnumbered(struct downlink *d, uint64_t now_us, uint32_t bytes)
{
    if (d->first_us == 0)
        first_packet(d, now_us);
    pacer_sent(&d->pacer, now_us, bytes + WIRE_BYTES);
}

/* Looking at what is shown */

/** What would be shown at most is what the viewer has use for. */
static void trim_to_view(struct attached *a)
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

static bool is_shown(const struct attached *a)
{
    return a->slot->track && a->slot->kind == MEDIA_VIDEO && !a->view.paused;
}

static void gather(struct attached *a, uint64_t now_us)
{
    a->count = 0;
    if (a->track != a->slot->track) {
        a->track = a->slot->track;
        a->ladder = (struct ladder){.step = a->ladder.step};
    }
    if (!is_shown(a))
        return;
    a->count = track_layer_rates(a->track, now_us, a->rates, RATES_MAX);
    a->lone = a->count == 0 || (a->rates[0].encoding == a->rates[a->count - 1].encoding &&
                                a->rates[0].spatial == a->rates[a->count - 1].spatial);
    trim_to_view(a);
    for (size_t i = 0; i < a->count; i++)
        a->costs[i] = a->lone ? (uint32_t)(a->rates[i].bps * LONE_TOLERATED) : a->rates[i].bps;
}

static void measure(struct attached *a, uint64_t now_us)
{
    uint64_t bytes = a->slot->counters.bytes + a->slot->counters.packets * (WIRE_BYTES + 30);
    if (a->counted_us && now_us - a->counted_us < MEASURE_US)
        return;
    if (a->counted_us && bytes >= a->counted_bytes)
        a->bps = (uint32_t)((bytes - a->counted_bytes) * 8000000u / (now_us - a->counted_us));
    a->counted_bytes = bytes;
    a->counted_us = now_us;
}

static uint32_t weight_of(const struct attached *a)
{
    uint32_t pixels = (uint32_t)a->view.max_width * a->view.max_height;
    return pixels ? pixels : VIEW_WEIGHT;
}

/** What the best of it would cost. */
static uint32_t top_bps(const struct attached *a)
{
    uint32_t top = a->count ? a->rates[a->count - 1].bps : 0;
    uint32_t pixels = (uint32_t)a->view.max_width * a->view.max_height;
    uint32_t lone = pixels ? pixels * LONE_PIXELS_BPS : LONE_BPS;
    if (lone > LONE_BPS)
        lone = LONE_BPS;
    if (lone < LONE_LEAST_BPS)
        lone = LONE_LEAST_BPS;
    return a->lone && top < lone ? lone : top;
}

/** All that is to be divided, and among what. */
struct division {
    uint64_t bps; /* for pictures */
    uint64_t top; /* what they would cost at best */
    uint64_t weight;
    uint64_t used;
    size_t lone;
    struct allocate_want wants[LIMIT_SDP_MEDIA];
    struct attached *pictures[LIMIT_SDP_MEDIA];
    size_t count;
};

static void divide(const struct downlink *d, uint64_t now_us, struct division *v)
{
    uint64_t sound = 0;
    *v = (struct division){0};
    list_each (a, &d->slots, struct attached, in_downlink) {
        measure(a, now_us);
        gather(a, now_us);
        if (a->slot->kind == MEDIA_AUDIO && a->slot->track)
            sound += a->bps > SOUND_MIN_BPS ? a->bps : SOUND_MIN_BPS;
        if (!is_shown(a) || v->count == LIMIT_SDP_MEDIA)
            continue;
        v->wants[v->count] = (struct allocate_want){
            .bps = a->costs, .count = a->count, .weight = weight_of(a)};
        v->pictures[v->count++] = a;
        v->top += top_bps(a);
        v->weight += weight_of(a);
        v->lone += a->lone;
    }
    uint64_t bps = estimate(d);
    v->bps = bps > sound ? bps - sound : 0;
    v->bps = (uint64_t)((double)v->bps / (1 + path_state(d).inherent_loss));
    v->top += sound;
    (void)allocate_layers(v->wants, v->count, (uint64_t)((double)v->bps / SPARE));
    for (size_t i = 0; i < v->count; i++)
        v->pictures[i]->fits_well = v->wants[i].ret_level;
    v->used = allocate_layers(v->wants, v->count, v->bps);
    for (size_t i = 0; i < v->count; i++)
        v->pictures[i]->fits = v->wants[i].ret_level;
}

/** Its fair part, or what it has with its part of what is left over. */
static uint32_t may_cost(const struct division *v, const struct attached *a)
{
    uint64_t fair = v->bps * weight_of(a) / v->weight;
    uint64_t own = a->fits ? a->costs[a->fits - 1] : 0;
    uint64_t left = v->bps > v->used ? v->bps - v->used : 0;
    uint64_t more = own + left / (v->lone ? v->lone : 1);
    uint64_t bps = more > fair ? more : fair;
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX - 1;
}

/** Is no other viewer of the publisher's only layer better off, so that it may be lowered? */
static bool can_be_asked(const struct attached *a)
{
    unsigned looked_at = 0;
    if (!a->lone)
        return false;
    list_each (s, &a->track->slots, struct slot, in_track) {
        if (s == a->slot)
            continue;
        uint32_t other = s->downlink ? downlink_slot_bps(s->downlink, s) : UINT32_MAX;
        if (other > a->may_cost_bps + a->may_cost_bps / 4 || ++looked_at > SHARERS_LOOKED_AT)
            return false;
    }
    return true;
}

static enum downlink_state state_of(const struct attached *a)
{
    static const enum downlink_state steps[] = {[LADDER_VIDEO] = DOWNLINK_VIDEO,
                                                [LADDER_SLIDESHOW] = DOWNLINK_SLIDESHOW,
                                                [LADDER_AUDIO_ONLY] = DOWNLINK_AUDIO_ONLY};
    return a->view.paused ? DOWNLINK_PAUSED : steps[a->ladder.step];
}

static struct layer_aim aim_for(const struct attached *a, bool limited)
{
    struct layer_aim aim = LAYER_AIM_BEST;
    enum downlink_state state = state_of(a);
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
static void ask_pictures(struct attached *a, uint64_t now_us)
{
    bool slideshow = state_of(a) == DOWNLINK_SLIDESHOW;
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

static void apply(struct attached *a, uint64_t now_us, bool limited)
{
    struct layer_aim aim = aim_for(a, limited), now = a->slot->aim;
    if (a->count == 0 && state_of(a) == DOWNLINK_VIDEO && !a->slot->aimed)
        return; /* nothing is known of its layers: the slot's own choice */
    if (aim.encoding != now.encoding || aim.spatial != now.spatial ||
        aim.temporal != now.temporal || !a->slot->aimed)
        slot_aim(a->slot, &aim, now_us);
    ask_pictures(a, now_us);
}

static void tell(const struct downlink *d, struct attached *a, uint64_t now_us)
{
    enum downlink_state state = state_of(a);
    double away = (double)a->may_cost_bps - a->told_bps;
    bool cost = away > CHANGE_SHARE * a->told_bps || away < -CHANGE_SHARE * a->told_bps;
    if (state == a->told && !cost)
        return;
    a->told = state;
    a->told_bps = a->may_cost_bps;
    if (d->config.changed)
        d->config.changed(d->config.ctx, a->slot, now_us);
}

static void look_at(struct downlink *d, struct attached *a, const struct division *v,
                    uint64_t now_us, bool limited)
{
    a->may_cost_bps = limited && is_told(d) ? may_cost(v, a) : UINT32_MAX;
    if (limited) {
        struct ladder_input in = {
            .fits = a->fits,
            .fits_well = a->fits_well,
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

static void look(struct downlink *d, uint64_t now_us)
{
    struct division v;
    bool limited = is_limited(d, now_us), again = limited;
    divide(d, now_us, &v);
    for (size_t i = 0; i < v.count; i++)
        look_at(d, v.pictures[i], &v, now_us, limited);
    list_each (a, &d->slots, struct attached, in_downlink) {
        if (a->slot->kind != MEDIA_VIDEO)
            continue;
        again = again || a->view.layer >= 0 || a->view.max_width || a->view.max_height;
        if (a->view.paused) {
            apply(a, now_us, limited);
            tell(d, a, now_us);
        }
    }
    if (d->bwe)
        bwe_set_wanted(d->bwe, v.count ? (uint32_t)(v.top < MAX_BPS ? v.top : MAX_BPS) : 0);
    d->looked_us = now_us;
    d->look_us = again ? now_us + LOOK_LATEST_US : UINT64_MAX;
    set_pace(d, now_us);
}

/* Reports */

static void after_report(struct downlink *d, uint64_t now_us)
{
    set_pace(d, now_us);
    if (now_us - d->looked_us >= LOOK_EVERY_US)
        look(d, now_us);
    else if (d->look_us > d->looked_us + LOOK_EVERY_US)
        d->look_us = d->looked_us + LOOK_EVERY_US;
}

void downlink_feedback(struct downlink *d, uint64_t now_us, const struct twcc_arrival *arrivals,
                       size_t count)
{
    if (!d->bwe)
        return;
    bwe_feedback(d->bwe, now_us, arrivals, count);
    after_report(d, now_us);
    downlink_expire(d, now_us);
}

void downlink_remb(struct downlink *d, uint64_t now_us, uint32_t bps)
{
    if (!d->bwe)
        return;
    d->reported = true;
    bwe_remb(d->bwe, now_us, bps);
    after_report(d, now_us);
}

void downlink_receiver_report(struct downlink *d, uint64_t now_us, uint8_t fraction_lost,
                              uint64_t rtt_us)
{
    if (!d->bwe)
        return;
    d->reported = true;
    bwe_receiver_report(d->bwe, now_us, fraction_lost, rtt_us);
    if (!path_state(d).measured)
        after_report(d, now_us);
}

/* Time */

/** One packet of a probe: an old one of some picture once more. */
static bool send_probe(struct downlink *d, uint64_t now_us, uint32_t bytes)
{
    uint64_t sent = d->sent;
    list_each (a, &d->slots, struct attached, in_downlink) {
        if (a->rtx && is_shown(a) && slot_probe(a->slot, now_us, bytes))
            return d->sent > sent;
    }
    return false;
}

void downlink_expire(struct downlink *d, uint64_t now_us)
{
    struct bwe_probe probe;
    if (now_us >= d->look_us)
        look(d, now_us);
    while (d->bwe && now_us >= d->probe_us && bwe_probe(d->bwe, now_us, &probe))
        if (!send_probe(d, now_us, probe.bytes))
            d->probe_us = now_us + RETRY_PROBE_US;
}

uint64_t downlink_deadline_us(const struct downlink *d)
{
    uint64_t probe_us = d->bwe ? bwe_deadline_us(d->bwe) : UINT64_MAX;
    if (probe_us < d->probe_us)
        probe_us = d->probe_us;
    return probe_us < d->look_us ? probe_us : d->look_us;
}

/* Seeing */

uint32_t downlink_bps(const struct downlink *d)
{
    return d->pacer.rate_bps ? estimate(d) : 0;
}

bool downlink_get_bwe(const struct downlink *d, struct bwe_state *ret)
{
    if (d->bwe)
        bwe_get_state(d->bwe, ret);
    return d->bwe != NULL;
}

enum downlink_state downlink_slot_state(const struct downlink *d, const struct slot *slot)
{
    const struct attached *a = find_attached(d, slot);
    return a ? state_of(a) : DOWNLINK_VIDEO;
}

uint32_t downlink_slot_bps(const struct downlink *d, const struct slot *slot)
{
    const struct attached *a = find_attached(d, slot);
    if (!a || a->view.paused)
        return a ? 0 : UINT32_MAX;
    return a->may_cost_bps;
}
