// SPDX-License-Identifier: Apache-2.0
/* Both ends of a room's mirroring: what the home tells, and what a mirror does with it. A letter that
 * cannot be posted is made up for: packets look lost, and of everything else the mirror is told anew. */
#include "media/core/mirror.h"

#include <stdlib.h>

#include "base/er.h"
#include "media/core/hub_private.h"

#define DEMAND_EVERY_US 200000u
#define JOIN_AGAIN_US 1000000u /* a home that says nothing is told again */

/** A track of another worker's, as this one mirrors it. */
struct mirrored {
    struct list in_room;
    struct hub_room *room;
    struct track *track;
    uint64_t id;
    struct sender_clock clock;
    bool demand_told; /* to the home: */
    struct demand demand;
};

void mirror_message_clear(struct mirror_message *message)
{
    if (message->type == MIRROR_PACKET)
        slab_release(message->slab);
    else if (message->type == MIRROR_TRACK)
        free(message->info);
    else if (message->type == MIRROR_CLOCK)
        free(message->clock);
    else if (message->type == MIRROR_DEMAND)
        free(message->demand);
    message->type = MIRROR_LEAVE; /* owns nothing */
}

static int post(struct hub *h, unsigned to, struct mirror_message *letter)
{
    int er = h->config.io->post ? h->config.io->post(h->config.io_ctx, to, letter) : ER_UNSUPPORTED;
    if (er != 0)
        mirror_message_clear(letter);
    return er;
}

static size_t post_room(const struct hub *h, unsigned to)
{
    return h->config.io->post_room ? h->config.io->post_room(h->config.io_ctx, to) : 0;
}

/** Packets leave some of it to what cannot be done without. */
static size_t packet_room(const struct hub *h, unsigned to)
{
    size_t room = post_room(h, to);
    return room > LIMIT_MAIL_RESERVE ? room - LIMIT_MAIL_RESERVE : 0;
}

/* The home's end */

/** The mirror has missed something: it is told everything anew when there is room. */
static void mark_stale(struct hub_room *r, unsigned worker)
{
    r->stale_mirrors |= (uint64_t)1 << worker;
    if (!list_linked(&r->in_stale))
        list_append(&r->hub->stale_rooms, &r->in_stale);
}

static int tell_track(struct hub_room *r, unsigned worker, const struct track *t)
{
    struct mirror_message m = {.type = MIRROR_TRACK, .track = t->id, .info_room = r->id};
    m.info = calloc(1, sizeof *m.info);
    if (!m.info)
        return ER_NOMEM;
    (void)str_copy(m.info->identity, sizeof m.info->identity, t->identity);
    m.info->rank = t->rank;
    m.info->codec = t->codec;
    return post(r->hub, worker, &m);
}

static int tell_clock(struct hub_room *r, unsigned worker, const struct encoding *e)
{
    struct mirror_message m = {.type = MIRROR_CLOCK, .track = e->track->id, .encoding = e->rid};
    m.clock = malloc(sizeof *m.clock);
    if (!m.clock)
        return ER_NOMEM;
    *m.clock = (struct mirror_clock){.sender = *e->track->sender_clock, .track = e->clock};
    return post(r->hub, worker, &m);
}

static void hand_packet(struct hub_room *r, unsigned worker, const struct encoding *e, int64_t seq)
{
    struct mirror_message m = {.type = MIRROR_PACKET, .track = e->track->id, .encoding = e->rid};
    m.packet = tape_find_hold(e->tape, seq, &m.slab);
    if (m.packet && post(r->hub, worker, &m) != 0)
        r->hub->counters.mirror_dropped++;
}

/** The last group of pictures, so that whoever joins at the mirror is served at once; of `room` letters
 *  what is left. */
static size_t hand_backlog(struct hub_room *r, unsigned worker, const struct encoding *e,
                           size_t room)
{
    const struct tape_frame *key = tape_last_key(e->tape);
    if (!key || tape_head(e->tape) - key->first_seq >= (int64_t)room)
        return room; /* part of it is of no use: a key frame is asked for */
    for (int64_t seq = key->first_seq; seq <= tape_head(e->tape); seq++)
        hand_packet(r, worker, e, seq);
    return room - (size_t)(tape_head(e->tape) - key->first_seq + 1);
}

/** Letters that say which tracks there are. */
static size_t letters_of(const struct hub_room *r)
{
    size_t letters = 1;
    list_each (t, &r->relay->tracks, struct track, in_room)
        letters += 1 + t->encoding_count;
    return letters < LIMIT_MAIL ? letters : LIMIT_MAIL;
}

/** Not before the mail takes all tracks: whoever is told to forget those it has shows nothing until it is
 *  told of them again. What they have sent is left out where it does not fit. */
static int tell_all(struct hub_room *r, unsigned worker)
{
    struct mirror_message reset = {.type = MIRROR_RESET, .room = r->id};
    if (post_room(r->hub, worker) < letters_of(r))
        return ER_FULL;
    int er = post(r->hub, worker, &reset);
    list_each (t, &r->relay->tracks, struct track, in_room) {
        if (er == 0)
            er = tell_track(r, worker, t);
        for (size_t i = 0; er == 0 && i < t->encoding_count; i++)
            er = tell_clock(r, worker, t->encodings[i]);
    }
    size_t room = packet_room(r->hub, worker);
    room = room < LIMIT_MAIL_BACKLOG ? room : LIMIT_MAIL_BACKLOG;
    list_each (t, &r->relay->tracks, struct track, in_room) {
        for (size_t i = 0; i < t->encoding_count; i++)
            room = hand_backlog(r, worker, t->encodings[i], room);
    }
    return er == ER_FULL ? 0 : er; /* more tracks than the mail ever takes: those that it took */
}

/** The home may have opened its room later than the letter came. */
static void join_again(struct hub_room *r, uint64_t now_us)
{
    struct mirror_message join = {.type = MIRROR_JOIN, .room = r->id};
    if (r->joined_us && now_us - r->joined_us < JOIN_AGAIN_US)
        return;
    if (r->joined_us)
        (void)post(r->hub, r->home, &join);
    r->joined_us = now_us;
}

void mirror_tell_stale(struct hub *h, uint64_t now_us)
{
    list_each_safe (r, &h->stale_rooms, struct hub_room, in_stale) {
        if (r->is_mirror) {
            join_again(r, now_us);
            continue;
        }
        for (unsigned i = 0; i < LIMIT_WORKERS; i++)
            if ((r->stale_mirrors >> i & 1) && tell_all(r, i) == 0)
                r->stale_mirrors &= ~((uint64_t)1 << i);
        if (r->stale_mirrors == 0)
            list_remove(&r->in_stale);
    }
}

void mirror_track_added(struct hub_room *r, const struct track *t)
{
    for (unsigned i = 0; i < LIMIT_WORKERS && r->mirrors >> i; i++)
        if ((r->mirrors >> i & 1) && tell_track(r, i, t) != 0)
            mark_stale(r, i);
}

void mirror_track_removed(struct hub_room *r, const struct track *t)
{
    for (unsigned i = 0; i < LIMIT_WORKERS && r->mirrors >> i; i++) {
        struct mirror_message m = {.type = MIRROR_TRACK_GONE, .track = t->id};
        if ((r->mirrors >> i & 1) && post(r->hub, i, &m) != 0)
            mark_stale(r, i);
    }
}

void mirror_clock_noted(struct hub_room *r, const struct encoding *e)
{
    for (unsigned i = 0; i < LIMIT_WORKERS && r->mirrors >> i; i++)
        if (r->mirrors >> i & 1)
            (void)tell_clock(r, i, e); /* the next report comes in a second */
}

void mirror_packets(void *ctx, const struct encoding *e, const int64_t *seqs, size_t count)
{
    const struct member_line *l = e->track->owner;
    struct hub_room *r = l->member->room;
    (void)ctx;
    for (unsigned worker = 0; worker < LIMIT_WORKERS && r->mirrors >> worker; worker++) {
        if (!(r->mirrors >> worker & 1))
            continue;
        size_t room = packet_room(r->hub, worker);
        for (size_t i = 0; i < count && i < room; i++)
            hand_packet(r, worker, e, seqs[i]);
        r->hub->counters.mirror_dropped += count > room ? count - room : 0;
    }
}

/* The mirror's end */

static void mirrored_free(struct mirrored *m, uint64_t now_us)
{
    (void)map_remove_u64(m->room->hub->mirrored, m->id);
    list_remove(&m->in_room);
    track_free(m->track, now_us);
    free(m);
}

static void forget_tracks(struct hub_room *r, uint64_t now_us)
{
    list_each_safe (m, &r->mirrored, struct mirrored, in_room)
        mirrored_free(m, now_us);
}

int hub_room_mirror(struct hub *h, const struct id *room, unsigned home)
{
    int er = hub_room_open(h, room);
    if (er != 0)
        return er;
    struct hub_room *r = hub_find_room(h, room);
    r->is_mirror = true;
    r->home = home;
    list_append(&h->stale_rooms, &r->in_stale); /* until the home has told its tracks */
    list_append(&h->mirrors, &r->in_mirrors);
    struct mirror_message join = {.type = MIRROR_JOIN, .room = *room};
    return post(h, home, &join);
}

void mirror_room_gone(struct hub_room *r, uint64_t now_us)
{
    struct mirror_message leave = {.type = MIRROR_LEAVE, .room = r->id};
    if (r->is_mirror)
        (void)post(r->hub, r->home, &leave); /* a home that misses it is about to close as well */
    forget_tracks(r, now_us);
    list_remove(&r->in_stale);
    list_remove(&r->in_mirrors);
}

struct hub_room *mirror_room_of(const struct track *t)
{
    const struct mirrored *m = t->owner;
    return m->room;
}

void mirror_ask_key_frame(const struct encoding *e)
{
    const struct mirrored *m = e->track->owner;
    struct mirror_message wish = {
        .type = MIRROR_KEY_FRAME, .track = m->id, .encoding = e->rid, .room = m->room->id};
    (void)post(m->room->hub, m->room->home, &wish); /* the relay asks again each second */
}

static void tell_codecs(struct hub_room *r)
{
    struct mirror_message m = {.type = MIRROR_CODECS, .codecs_room = r->id};
    m.codecs = member_codecs_here(r, NULL);
    if (m.codecs != r->codecs_told && post(r->hub, r->home, &m) == 0)
        r->codecs_told = m.codecs;
}

static void tell_demand(struct mirrored *mine)
{
    struct demand now = demand_here(mine->track);
    struct mirror_message m = {.type = MIRROR_DEMAND, .track = mine->id};
    if (mine->track->kind != MEDIA_VIDEO ||
        (mine->demand_told && !demand_differs(&now, &mine->demand)))
        return;
    m.demand = malloc(sizeof *m.demand);
    if (!m.demand)
        return;
    *m.demand = (struct mirror_demand){.room = mine->room->id, .demand = now};
    if (post(mine->room->hub, mine->room->home, &m) != 0)
        return; /* the next time */
    mine->demand = now;
    mine->demand_told = true;
}

uint64_t mirror_deadline_us(const struct hub *h)
{
    return list_empty(&h->mirrors) ? UINT64_MAX : h->demand_at_us;
}

void mirror_tell_demand(struct hub *h, uint64_t now_us)
{
    if (now_us < mirror_deadline_us(h))
        return;
    h->demand_at_us = now_us + DEMAND_EVERY_US;
    list_each (r, &h->mirrors, struct hub_room, in_mirrors) {
        tell_codecs(r);
        list_each (m, &r->mirrored, struct mirrored, in_room)
            tell_demand(m);
    }
}

/* Letters */

static void on_join(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->room);
    (void)now_us;
    if (!r || r->is_mirror) /* of before: the room that is the home is not open yet */
        return;
    r->mirrors |= (uint64_t)1 << from;
    r->relay->mirrored = true;
    mark_stale(r, from);
}

static void on_leave(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->room);
    if (!r)
        return;
    r->mirrors &= ~((uint64_t)1 << from);
    r->stale_mirrors &= r->mirrors;
    r->relay->mirrored = r->mirrors != 0;
    if (r->codecs_elsewhere)
        r->codecs_elsewhere[from] = 0;
    list_each (t, &r->relay->tracks, struct track, in_room) {
        struct member_line *l = t->mirror ? NULL : t->owner;
        if (l) {
            demand_forget(&l->elsewhere, from);
            member_want_hint(l, now_us);
        }
    }
}

/** Of a room that is at home here. */
static bool is_mirrored_by(const struct hub_room *r, unsigned from)
{
    return r && !r->is_mirror && (r->mirrors >> from & 1);
}

static void on_demand(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->demand->room);
    if (!is_mirrored_by(r, from))
        return;
    list_each (t, &r->relay->tracks, struct track, in_room) {
        if (t->id != m->track)
            continue;
        struct member_line *l = t->owner;
        if (demand_note(&l->elsewhere, from, &m->demand->demand) == 0)
            member_want_hint(l, now_us);
    }
}

static void on_codecs(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->codecs_room);
    (void)now_us;
    if (!is_mirrored_by(r, from))
        return;
    if (!r->codecs_elsewhere)
        r->codecs_elsewhere = calloc(LIMIT_WORKERS, sizeof *r->codecs_elsewhere);
    if (r->codecs_elsewhere)
        r->codecs_elsewhere[from] = m->codecs;
}

static void on_reset(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->room);
    if (!r || !r->is_mirror || r->home != from)
        return;
    list_remove(&r->in_stale);
    r->codecs_told = 0; /* whatever the home knew */
    forget_tracks(r, now_us);
}

static void on_track(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->info_room);
    if (!r || !r->is_mirror || r->home != from)
        return;
    struct mirrored *mine = calloc(1, sizeof *mine);
    if (!mine)
        return;
    mine->room = r;
    mine->id = m->track;
    const struct track_config config = {.id = m->track,
                                        .identity = m->info->identity,
                                        .rank = m->info->rank,
                                        .codec = m->info->codec,
                                        .mirror = true,
                                        .clock = &mine->clock,
                                        .owner = mine};
    if (map_add_u64(h->mirrored, m->track, mine) != 0) {
        free(mine);
        return;
    }
    list_append(&r->mirrored, &mine->in_room);
    if (track_new(&mine->track, r->relay, &config, now_us) != 0)
        mirrored_free(mine, now_us);
}

static void on_track_gone(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct mirrored *mine = map_get_u64(h->mirrored, m->track);
    (void)from;
    if (mine)
        mirrored_free(mine, now_us);
}

static struct encoding *encoding_of(struct mirrored *mine, uint64_t now_us, unsigned rid)
{
    return mine ? track_encoding(mine->track, rid, now_us) : NULL;
}

static void on_packet(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct mirrored *mine = map_get_u64(h->mirrored, m->track);
    struct encoding *e = encoding_of(mine, now_us, m->encoding);
    (void)from;
    if (!e)
        return;
    if (encoding_share(e, now_us, m->slab, m->packet) == ER_NOMEM)
        h->counters.mirror_dropped++;
    hub_room_arm(mine->room);
}

static void on_clock(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct mirrored *mine = map_get_u64(h->mirrored, m->track);
    struct encoding *e = encoding_of(mine, now_us, m->encoding);
    (void)from;
    if (!e)
        return;
    mine->clock = m->clock->sender;
    e->clock = m->clock->track;
}

static void on_key_frame(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *m)
{
    struct hub_room *r = hub_find_room(h, &m->room);
    (void)from;
    if (!r || r->is_mirror)
        return;
    list_each (t, &r->relay->tracks, struct track, in_room) {
        for (size_t i = 0; t->id == m->track && i < t->encoding_count; i++)
            if (t->encodings[i]->rid == m->encoding)
                encoding_want_key_frame(t->encodings[i], now_us);
    }
    hub_room_arm(r);
}

void hub_mirror(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *letter)
{
    static void (*const handlers[])(struct hub *, uint64_t, unsigned, struct mirror_message *) = {
        [MIRROR_JOIN] = on_join,
        [MIRROR_LEAVE] = on_leave,
        [MIRROR_RESET] = on_reset,
        [MIRROR_TRACK] = on_track,
        [MIRROR_TRACK_GONE] = on_track_gone,
        [MIRROR_PACKET] = on_packet,
        [MIRROR_CLOCK] = on_clock,
        [MIRROR_KEY_FRAME] = on_key_frame,
        [MIRROR_DEMAND] = on_demand,
        [MIRROR_CODECS] = on_codecs,
    };
    handlers[letter->type](h, now_us, from, letter);
    mirror_message_clear(letter);
}
