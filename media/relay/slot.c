// SPDX-License-Identifier: Apache-2.0
/* A slot: one viewer's line. Which track it shows is said by assign.c; here is which encoding of it,
 * and when that begins. A joiner is served from a tape's last key frame at once. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/relay/downlink.h"
#include "media/relay/relay.h"

#define PACKET_BYTES 1000       /* or so */
#define BEGIN_AGAIN_US 1000000u /* a key frame asked for this soon means that the first was lost */
#define BEGIN_APART_US 5000u    /* the first time; then twice that, .. */
#define REPLAY_PACKETS 32 /* so many behind a key frame are sent again to change over at once */

/** Link the slot to the others of its viewer, which most often are the last ones made: so choosing
 *  what to show need not look through a large room's slots. */
static void join_viewer(struct room *r, struct slot *s)
{
    list_init(&s->beside);
    for (struct list *at = r->slots.prev; at != &r->slots; at = at->prev) {
        struct slot *other = container_of(at, struct slot, in_room);
        if (other->viewer == s->viewer) {
            list_append(&other->beside, &s->beside);
            return;
        }
    }
}

int slot_new(struct slot **ret, struct room *r, const struct slot_config *config, uint64_t now_us)
{
    struct slot *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->room = r;
    s->owner = config->owner;
    s->downlink = config->downlink;
    s->flat = config->flat;
    s->kind = config->kind;
    s->pick = config->pick;
    s->codecs = config->codecs;
    s->nack = config->nack;
    s->viewer = config->viewer;
    s->person_track = config->track;
    s->aim = LAYER_AIM_BEST;
    s->identity = strdup(config->identity);
    s->person = strdup(config->person ? config->person : "");
    if (!s->identity || !s->person) {
        slot_free(s);
        return ER_NOMEM;
    }
    join_viewer(r, s);
    list_append(&r->slots, &s->in_room);
    *ret = s;
    room_assign_slot(r, s, now_us);
    return 0;
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    heap_remove(&s->room->slot_timers, &s->timer);
    heap_remove(&s->room->copy_timers, &s->copies);
    list_remove(&s->in_track);
    list_remove(&s->in_encoding);
    list_remove(&s->in_waiting);
    list_remove(&s->in_room);
    list_remove(&s->beside);
    free(s->sent);
    free(s->resent);
    free(s->identity);
    free(s->person);
    free(s);
}

int slot_wish(struct slot *s, enum slot_pick pick, const char *person, uint64_t track,
              uint64_t now_us)
{
    char *copy = strdup(person ? person : "");
    if (!copy)
        return ER_NOMEM;
    free(s->person);
    s->person = copy;
    s->pick = pick;
    s->person_track = track;
    room_assign_slot(s->room, s, now_us);
    return 0;
}

/* What flows */

static void tell_layer(struct slot *s)
{
    if (s->room->config.ops->slot_layer)
        s->room->config.ops->slot_layer(s->room->config.ops_ctx, s);
}

static void stop(struct slot *s)
{
    list_remove(&s->in_encoding);
    list_remove(&s->in_waiting);
    heap_remove(&s->room->slot_timers, &s->timer);
    s->encoding = NULL;
    s->target = NULL;
    s->catching_up = false;
}

static void begin(struct slot *s, struct encoding *e, int64_t first_seq, uint64_t now_us)
{
    if (slot_begin(s, e, first_seq, now_us) != 0)
        return; /* waits on: there may be memory at the next key frame */
    if (e == s->target)
        list_remove(&s->in_waiting);
    tell_layer(s);
}

/** How many packets behind a key frame are worth sending: what the path carries at once. */
static int64_t replay_packets(const struct slot *s)
{
    int64_t most = s->encoding ? REPLAY_PACKETS : LIMIT_GOP_PACKETS;
    int64_t carried = s->downlink ? downlink_replay_bytes(s->downlink) / PACKET_BYTES : most;
    return carried < most ? carried : most;
}

static bool begin_from_tape(struct slot *s, struct encoding *e, uint64_t now_us)
{
    const struct tape_packet *key = encoding_whole_since_key(e, replay_packets(s));
    if (key)
        begin(s, e, key->seq, now_us);
    return key && s->encoding == e;
}

/** Nothing flows yet: whatever the tapes have of what may be shown, best that which is aimed at. While
 *  nobody has said what the viewer's path carries, the middle is better than most of all. */
static void begin_with_any(struct slot *s, uint64_t now_us)
{
    const struct track *t = s->track;
    size_t first = s->aimed ? s->target->index : s->target->index / 2;
    for (size_t i = first + 1; i-- > 0 && !s->encoding;)
        if (encoding_flows(t->encodings[i]))
            begin_from_tape(s, t->encodings[i], now_us);
    for (size_t i = first + 1; i <= s->target->index && !s->encoding; i++)
        if (encoding_flows(t->encodings[i]))
            begin_from_tape(s, t->encodings[i], now_us);
}

static struct encoding *choose(const struct slot *s)
{
    const struct track *t = s->track;
    struct encoding *best = NULL;
    if (!t || s->aim.encoding < 0)
        return NULL;
    for (size_t i = 0; i < t->encoding_count; i++) {
        struct encoding *e = t->encodings[i];
        if (encoding_flows(e) && (!best || e->index <= s->aim.encoding))
            best = e;
    }
    return best;
}

struct layer_aim slot_limits(const struct slot *s)
{
    struct layer_aim aim = s->aim;
    if (s->flat && s->track->codec == CODEC_AV1 && aim.spatial > 0)
        aim.spatial = 0;
    return aim;
}

/** More spatial layers than flow to it now can begin at a key frame only. */
static bool lacks_layers(const struct slot *s)
{
    const struct encoding *e = s->encoding;
    int8_t most = slot_limits(s).spatial;
    int top = most < e->top_spatial ? most : e->top_spatial;
    bool keys_only = s->layers.temporal < 0 && s->aim.temporal >= 0;
    return s->kind == MEDIA_VIDEO && (s->layers.spatial < top || keys_only);
}

/* A publisher sends more for a key frame, and everybody's picture is the worse for it: who asks for many
 * is heard now and then. */
void slot_ask_key_frame(struct slot *s, struct encoding *e, uint64_t now_us)
{
    if (!e->key_wanted) {
        uint64_t from_us = s->keys_until_us > now_us ? s->keys_until_us : now_us;
        if (from_us - now_us > (uint64_t)(LIMIT_SLOT_KEY_FRAMES - 1) * LIMIT_SLOT_KEY_INTERVAL_US)
            return;
        s->keys_until_us = from_us + LIMIT_SLOT_KEY_INTERVAL_US;
    }
    encoding_want_key_frame(e, now_us);
}

/** To show something else. One who watches alone takes from nobody. */
static void ask_target(struct slot *s, uint64_t now_us)
{
    const struct track *t = s->track;
    bool alone = t->slots.next->next == &t->slots && !t->mirror && !t->room->mirrored;
    if (alone && s->encoding)
        encoding_want_key_frame(s->target, now_us);
    else
        slot_ask_key_frame(s, s->target, now_us);
}

static void wait_for_target(struct slot *s, uint64_t now_us)
{
    for (size_t i = 0; i < s->track->encoding_count; i++)
        encoding_flush(s->track->encodings[i], now_us); /* not for this slot: the tapes have it */
    if (s->encoding == s->target)
        return; /* it waited for another one, and began with what was flushed */
    if (!list_linked(&s->in_waiting))
        list_append(&s->track->waiting, &s->in_waiting);
    if (s->kind == MEDIA_AUDIO)
        return;
    if (s->encoding)
        (void)begin_from_tape(s, s->target, now_us);
    else
        begin_with_any(s, now_us);
    if (s->encoding != s->target)
        ask_target(s, now_us);
}

void slot_retarget(struct slot *s, uint64_t now_us)
{
    struct encoding *e = choose(s);
    if (!e) {
        bool flowed = s->encoding != NULL;
        stop(s);
        if (flowed)
            tell_layer(s);
        return;
    }
    bool same = e == s->target;
    s->target = e;
    if (e != s->encoding) {
        if (!same || !list_linked(&s->in_waiting))
            wait_for_target(s, now_us);
        else if (!e->key_wanted)
            ask_target(s, now_us);
        return;
    }
    list_remove(&s->in_waiting);
    if (lacks_layers(s))
        slot_ask_key_frame(s, e, now_us);
}

void slots_begin_with(struct encoding *e, uint64_t now_us, const struct tape_packet *const *packets,
                      size_t count)
{
    bool video = e->track->kind == MEDIA_VIDEO;
    size_t at = 0;
    while (at < count && video && !(packets[at]->flags & TAPE_KEY_FRAME))
        at++;
    if (at == count)
        return;
    list_each_safe (s, &e->track->waiting, struct slot, in_waiting) {
        if (s->target == e || (!s->encoding && e->index <= s->target->index))
            begin(s, e, packets[at]->seq, now_us);
    }
}

void slot_show(struct slot *s, struct track *t, uint64_t now_us)
{
    stop(s);
    list_remove(&s->in_track);
    s->track = t;
    if (!t)
        return;
    list_append(&t->slots, &s->in_track);
    slot_retarget(s, now_us);
}

void slot_aim(struct slot *s, const struct layer_aim *aim, uint64_t now_us)
{
    if (!s->aimed || aim->encoding != s->aim.encoding)
        list_remove(&s->in_waiting); /* the tape may have just that */
    s->aimed = true;
    s->aim = *aim;
    slot_retarget(s, now_us);
}

void slot_skip(struct slot *s, uint64_t now_us)
{
    struct encoding *e = s->encoding, *target = s->target;
    int64_t at = s->cursor.next;
    const struct tape_packet *key = encoding_whole_since_key(e, replay_packets(s));
    stop(s);
    if (key && key->seq > at) {
        begin(s, e, key->seq, now_us);
        slot_retarget(s, now_us);
        return;
    }
    s->target = target;
    list_append(&s->track->waiting, &s->in_waiting);
    slot_ask_key_frame(s, target, now_us);
}

static int8_t lower(int8_t a, uint8_t b)
{
    return a < b ? a : (int8_t)b;
}

void slot_layers(const struct slot *s, int8_t *ret_spatial, int8_t *ret_temporal)
{
    *ret_spatial = s->encoding ? lower(s->layers.spatial, s->encoding->top_spatial) : 0;
    *ret_temporal = s->encoding ? lower(s->layers.temporal, s->encoding->top_temporal) : 0;
}

void slot_size(const struct slot *s, unsigned *ret_width, unsigned *ret_height)
{
    const struct encoding *e = s->encoding;
    *ret_width = *ret_height = 0;
    if (!e)
        return;
    int left_out = e->top_spatial - s->layers.spatial;
    unsigned halved = left_out > 0 ? (unsigned)left_out : 0;
    *ret_width = e->width >> halved;
    *ret_height = e->height >> halved;
}

/** A viewer that has only just begun and asks for a key frame has lost its beginning, as clients do that
 *  are not done with the handshake yet. The tape has it still: sooner, and free for the publisher. */
static bool begin_again(struct slot *s, uint64_t now_us)
{
    struct encoding *e = s->encoding;
    uint64_t since_us = now_us - s->stretch_us;
    uint64_t apart_us = BEGIN_APART_US << s->begun_again;
    if (!e || e != s->target || s->kind != MEDIA_VIDEO || s->begun_again == LIMIT_BEGIN_AGAIN ||
        since_us > BEGIN_AGAIN_US || since_us < (s->rtt_us > apart_us ? s->rtt_us : apart_us))
        return false;
    encoding_flush(e, now_us);
    int64_t most = s->downlink ? downlink_replay_bytes(s->downlink) / PACKET_BYTES : INT64_MAX;
    const struct tape_packet *key = encoding_whole_since_key(
        e, most < LIMIT_GOP_PACKETS ? most : LIMIT_GOP_PACKETS);
    if (!key)
        return false;
    s->begun_again++;
    begin(s, e, key->seq, now_us);
    return true;
}

void slot_key_frame(struct slot *s, uint64_t now_us)
{
    struct encoding *e = s->encoding ? s->encoding : s->target;
    if (e && !begin_again(s, now_us))
        slot_ask_key_frame(s, e, now_us);
}
