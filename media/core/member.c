// SPDX-License-Identifier: Apache-2.0
/* A member: one peer in a room, its agreed m-lines tied to tracks and slots. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"

#define FIRST_REPORT_US 100000u

int member_new(struct member **ret, struct hub_room *r, const struct media_peer_config *config,
               uint64_t now_us)
{
    struct hub *h = r->hub;
    struct member *m = calloc(1, sizeof *m);
    if (!m)
        return ER_NOMEM;
    m->hub = h;
    m->room = r;
    m->config = *config;
    m->joined_us = now_us;
    m->rtcp_ssrc = (uint32_t)entropy_u64(&h->config.entropy) | 1u;
    list_append(&r->members, &m->in_room);
    r->member_count++;
    h->member_count++;
    h->counters.peers++;
    struct peer_config peer = {.identity = h->config.identity,
                               .entropy = &h->config.entropy,
                               .send = member_send_datagram,
                               .send_ctx = m,
                               .candidates = h->candidates,
                               .candidate_count = h->config.candidate_count,
                               .tcp_candidates = h->candidates + h->config.candidate_count,
                               .tcp_candidate_count = h->config.tcp_candidate_count,
                               .ufrag_mark = h->config.ufrag_mark};
    int er = peer_new(&m->peer, &peer, now_us);
    if (er != 0) {
        member_free(m, now_us);
        return er;
    }
    *ret = m;
    return 0;
}

void member_drop_track(struct member_line *l, uint64_t now_us)
{
    struct member *m = l->member;
    if (!l->track)
        return;
    struct media_event event = {.type = MEDIA_TRACK_REMOVED,
                                .peer = m->config.peer,
                                .track = l->track->id,
                                .kind = l->track->kind};
    (void)str_copy(event.identity, sizeof event.identity, m->config.identity);
    tap_track_gone(m->room, l->track, now_us);
    mirror_track_removed(m->room, l->track);
    track_free(l->track, now_us);
    l->track = NULL;
    demand_clear(&l->elsewhere);
    for (size_t i = 0; i < LIMIT_ENCODINGS; i++) {
        struct member_source *source = &l->sources[i];
        if (source->encoding && map_get_u64(m->hub->sources, source->ssrc) == m)
            (void)map_remove_u64(m->hub->sources, source->ssrc);
        *source = (struct member_source){0};
    }
    m->hub->counters.tracks--;
    hub_tell(m->room, &event);
}

void member_count_switches(struct member_line *l)
{
    l->member->hub->counters.layer_switches += l->slot->counters.switches - l->switches_counted;
    l->switches_counted = l->slot->counters.switches;
}

static void drop_slot(struct member_line *l, uint64_t now_us)
{
    if (!l->slot)
        return;
    seen_line_end(l, now_us);
    member_count_switches(l);
    l->switches_counted = 0;
    if (l->member->downlink)
        downlink_detach(l->member->downlink, l->slot);
    member_forget_layer(l);
    l->member->hub->counters.views -= l->slot->kind == MEDIA_VIDEO;
    slot_free(l->slot);
    l->slot = NULL;
    l->slot_told_once = false;
}

void member_drop_slots(struct member *m, uint64_t now_us)
{
    seen_member_end(m, now_us);
    for (size_t i = 0; i < m->line_count; i++)
        drop_slot(m->lines[i], now_us);
}

static void forget_path(struct member *m, size_t i)
{
    const struct hub_io *io = m->hub->config.io;
    struct map *paths = m->hub->paths;
    struct path path = m->mapped_paths[i];
    bool ours = map_get(paths, &path, sizeof path) == m;
    if (ours)
        (void)map_remove(paths, &path, sizeof path);
    m->mapped_paths[i] = m->mapped_paths[--m->mapped_path_count];
    if (ours && path.via && io->release)
        io->release(m->hub->config.io_ctx, &path);
}

void member_free(struct member *m, uint64_t now_us)
{
    if (!m)
        return;
    struct hub *h = m->hub;
    member_drop_slots(m, now_us);
    for (size_t i = 0; i < m->line_count; i++)
        member_drop_track(m->lines[i], now_us);
    for (size_t i = 0; i < m->line_count; i++)
        free(m->lines[i]);
    free(m->lines);
    downlink_free(m->downlink);
    while (m->mapped_path_count)
        forget_path(m, 0);
    if (m->mapped_ufrag[0])
        (void)map_remove_str(h->ufrags, m->mapped_ufrag);
    peer_free(m->peer);
    seen_path_free(m->seen);
    free(m->uplink);
    heap_remove(&h->member_timers, &m->timer); /* what its lines let go may have set it */
    list_remove(&m->in_room);
    m->room->member_count--;
    h->member_count--;
    h->counters.peers--;
    free(m);
}

struct member *member_find(struct hub_room *r, uint64_t peer)
{
    list_each (m, &r->members, struct member, in_room) {
        if (m->config.peer == peer)
            return m;
    }
    return NULL;
}

struct member_line *member_line_by_local(const struct member *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->line_count; i++)
        if (m->lines[i]->slot && member_line_agreed(m->lines[i])->local_ssrc == ssrc)
            return m->lines[i];
    return NULL;
}

struct encoding *member_encoding_by_remote(const struct member *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->line_count; i++)
        for (size_t k = 0; k < LIMIT_ENCODINGS; k++)
            if (m->lines[i]->sources[k].encoding && m->lines[i]->sources[k].ssrc == ssrc)
                return m->lines[i]->sources[k].encoding;
    return NULL;
}

/* Lines */

static enum slot_pick slot_pick_for(const struct member_line *l, const char **ret_person)
{
    const struct media_peer_config *config = &l->member->config;
    *ret_person = l->want_identity[0] ? l->want_identity : config->pick_identity;
    if (l->want_identity[0] || config->pick == MEDIA_PICK_PERSON)
        return SLOT_PICK_PERSON;
    return config->pick == MEDIA_PICK_MAIN ? SLOT_PICK_MAIN : SLOT_PICK_OTHERS;
}

/** Sound has no RTX: it is sent again under the same number, and SRTP must then see the same bytes.
 *  Redundancy and transport-wide numbers are others the second time. */
static bool can_repeat_sound(const struct line *agreed)
{
    return agreed->nack && agreed->payload_type[CODEC_RED] == LINE_PAYLOAD_NONE &&
           !agreed->extensions.transport_cc;
}

static void add_slot(struct member_line *l, uint64_t now_us)
{
    struct member *m = l->member;
    const struct line *agreed = member_line_agreed(l);
    struct slot_config config = {.kind = agreed->kind,
                                 .codecs = agreed->send_codecs,
                                 .viewer = m->config.peer,
                                 .identity = m->config.identity,
                                 .track = l->want_track,
                                 .downlink = member_path(m, now_us),
                                 .nack = can_repeat_sound(agreed),
                                 .flat = !agreed->extensions.dependency_descriptor,
                                 .owner = l};
    config.pick = slot_pick_for(l, &config.person);
    seen_line_begin(l, agreed->kind, now_us); /* it may be sent something at once */
    if (slot_new(&l->slot, m->room->relay, &config, now_us) != 0) {
        seen_line_end(l, now_us);
        return;
    }
    m->hub->counters.views += config.kind == MEDIA_VIDEO;
    member_line_attach(l, now_us);
    if (!l->slot->track)
        hub_relay_ops.slot_changed(m->hub, l->slot);
}

static bool line_sends(const struct member_line *l)
{
    return member_line_agreed(l)->sends && !member_line_agreed(l)->rejected;
}

/** End the track and the slot that are no longer agreed. */
static void stop_line(struct member_line *l, uint64_t now_us)
{
    const struct line *agreed = member_line_agreed(l);
    if (agreed->rejected || !agreed->receives || agreed->rids_changed)
        member_drop_track(l, now_us);
    if (!line_sends(l))
        drop_slot(l, now_us);
    if (agreed->rejected) { /* whoever takes the line's place has wishes of its own */
        l->want_identity[0] = '\0';
        l->want_track = 0;
        l->view = MEDIA_VIEW_ALL;
    }
}

static void start_line(struct member_line *l, uint64_t now_us)
{
    const struct member *m = l->member;
    if (line_sends(l) && l->slot)
        slot_set_codecs(l->slot, member_line_agreed(l)->send_codecs, now_us);
    if (line_sends(l) && !l->slot && m->peer->state == PEER_CONNECTED && m->begin_us == 0)
        add_slot(l, now_us);
}

static int grow_lines(struct member *m)
{
    size_t count = m->peer->negotiation.line_count;
    if (count <= m->line_count)
        return 0;
    struct member_line **lines = realloc(m->lines, count * sizeof(struct member_line *));
    if (!lines)
        return ER_NOMEM;
    m->lines = lines;
    while (m->line_count < count) {
        struct member_line *l = calloc(1, sizeof *l);
        if (!l)
            return ER_NOMEM;
        l->member = m;
        l->index = m->line_count;
        l->view = MEDIA_VIEW_ALL;
        lines[m->line_count++] = l;
    }
    return 0;
}

static void apply_wants(struct member *m, uint64_t now_us, const struct media_want *wants,
                        size_t count)
{
    for (size_t w = 0; w < count; w++) {
        for (size_t i = 0; i < m->line_count; i++) {
            struct member_line *l = m->lines[i];
            const char *person;
            if (strcmp(member_line_agreed(l)->mid, wants[w].mid) != 0)
                continue;
            (void)str_copy(l->want_identity, sizeof l->want_identity, wants[w].identity);
            l->want_track = wants[w].track;
            enum slot_pick pick = slot_pick_for(l, &person);
            if (l->slot)
                (void)slot_wish(l->slot, pick, person, l->want_track, now_us);
        }
    }
}

static int map_ufrag(struct member *m)
{
    const char *ufrag = m->peer->ice.ufrag;
    if (strcmp(m->mapped_ufrag, ufrag) == 0)
        return 0;
    if (m->mapped_ufrag[0]) /* first: there may be room for one only */
        (void)map_remove_str(m->hub->ufrags, m->mapped_ufrag);
    m->mapped_ufrag[0] = '\0';
    int er = map_add_str(m->hub->ufrags, ufrag, m);
    if (er != 0)
        return er;
    return str_copy(m->mapped_ufrag, sizeof m->mapped_ufrag, ufrag);
}

uint32_t member_codecs_here(const struct hub_room *r, const struct member *but)
{
    uint32_t all = UINT32_MAX;
    bool any = false;
    list_each (m, &r->members, struct member, in_room) {
        uint32_t codecs = 0;
        for (size_t i = 0; i < m->line_count; i++)
            if (m != but && line_sends(m->lines[i]) &&
                member_line_agreed(m->lines[i])->kind == MEDIA_VIDEO)
                codecs |= member_line_agreed(m->lines[i])->send_codecs;
        any = any || codecs;
        all &= codecs ? codecs : UINT32_MAX;
    }
    return any ? all : 0;
}

/** Of all workers, so that a publisher is asked for one of those. */
static uint32_t codecs_of_all(const struct member *m)
{
    uint32_t all = member_codecs_here(m->room, m);
    for (unsigned i = 0; m->room->codecs_elsewhere && i < LIMIT_WORKERS; i++) {
        uint32_t there = m->room->codecs_elsewhere[i];
        if (there)
            all = all ? all & there : there;
    }
    return all;
}

int member_offer(struct member *m, uint64_t now_us, uint64_t request, const char *offer, size_t len,
                 const struct media_want *wants, size_t want_count)
{
    struct negotiate_rules rules = {.may_publish = m->config.may_publish,
                                    .may_subscribe = m->config.may_subscribe,
                                    .prefer = m->config.may_publish ? codecs_of_all(m) : 0,
                                    .max_published = LIMIT_TRACKS_PER_PEER};
    struct media_event event = {.peer = m->config.peer, .request = request};
    char *answer = NULL;
    const char *why = NULL;
    int er = peer_offer(m->peer, &rules, offer, len, &answer, &why);
    if (er == 0)
        er = grow_lines(m);
    if (er == 0)
        er = map_ufrag(m);
    if (er != 0) {
        free(answer);
        event.type = MEDIA_REFUSED;
        event.er = er;
        event.why = why ? why : "the server has no room for it";
        hub_tell(m->room, &event);
        return er;
    }
    event.type = MEDIA_ANSWER;
    event.sdp = answer;
    hub_tell(m->room, &event);
    for (size_t i = 0; i < m->line_count; i++)
        stop_line(m->lines[i], now_us);
    member_path_agreed(m);
    apply_wants(m, now_us, wants, want_count);
    for (size_t i = 0; i < m->line_count; i++)
        start_line(m->lines[i], now_us);
    member_arm(m);
    hub_room_arm(m->room);
    return 0;
}

/* Changes */

static void forget_path_if_known(struct member *m, const struct path *path)
{
    for (size_t i = 0; i < m->mapped_path_count; i++) {
        if (path_equal(&m->mapped_paths[i], path)) {
            forget_path(m, i);
            return;
        }
    }
}

void member_map_path(struct member *m, const struct path *path)
{
    struct map *paths = m->hub->paths;
    if (map_get(paths, path, sizeof *path) == m)
        return;
    forget_path_if_known(m, path); /* it was ours, then somebody else's */
    for (size_t i = 0; m->mapped_path_count == MEMBER_PATHS && i < MEMBER_PATHS; i++)
        if (!icelite_is_valid_path(&m->peer->ice, &m->mapped_paths[i]) || i == MEMBER_PATHS - 1)
            forget_path(m, i);
    /* The same address now proves another member's credentials: it is that member's. */
    (void)map_remove(paths, path, sizeof *path);
    if (map_add(paths, path, sizeof *path, m) == 0)
        m->mapped_paths[m->mapped_path_count++] = *path;
}

void member_path_gone(struct member *m, uint64_t now_us, const struct path *path)
{
    forget_path_if_known(m, path);
    if (member_changed(m, now_us, peer_path_gone(m->peer, path)))
        member_arm(m);
}

static void tell_simple(struct member *m, enum media_event_type type, int er)
{
    struct media_event event = {.type = type, .peer = m->config.peer, .er = er};
    hub_tell(m->room, &event);
}

static void on_connected(struct member *m, uint64_t now_us)
{
    m->hub->counters.handshakes_ok++;
    histogram_add(&m->hub->counters.join, now_us - m->joined_us);
    m->report_at_us = now_us + FIRST_REPORT_US;
    m->begin_us = now_us + LIMIT_BEGIN_AFTER_US;
    tell_simple(m, MEDIA_PEER_CONNECTED, 0);
}

/** What is sent begins. */
static void begin_lines(struct member *m, uint64_t now_us)
{
    m->begin_us = 0;
    for (size_t i = 0; i < m->line_count; i++)
        start_line(m->lines[i], now_us);
    hub_room_arm(m->room);
}

static int reason_gone(const struct member *m)
{
    if (m->peer->state == PEER_CLOSED)
        return ER_CLOSED;
    if (m->peer->connected_us)
        return ER_STALE;
    bool handshake_failed = m->peer->dtls && dtls_get_state(m->peer->dtls) == DTLS_FAILED;
    return handshake_failed ? ER_UNAUTHENTIC : ER_AGAIN;
}

static void on_gone(struct member *m, uint64_t now_us)
{
    struct hub_room *r = m->room;
    int er = reason_gone(m);
    if (er == ER_UNAUTHENTIC)
        m->hub->counters.handshakes_failed++;
    tell_simple(m, MEDIA_PEER_GONE, er);
    member_free(m, now_us);
    hub_room_arm(r);
}

bool member_changed(struct member *m, uint64_t now_us, int change)
{
    if ((change & PEER_CHANGED_PATH) && m->peer->state == PEER_CONNECTED)
        tell_simple(m, MEDIA_PEER_MOVED, 0);
    if (!(change & PEER_CHANGED_STATE))
        return true;
    if (m->peer->state == PEER_CONNECTED)
        on_connected(m, now_us);
    if (m->peer->state != PEER_FAILED && m->peer->state != PEER_CLOSED)
        return true;
    on_gone(m, now_us);
    return false;
}

void member_arm(struct member *m)
{
    uint64_t at = peer_deadline_us(m->peer);
    if (m->report_at_us && m->report_at_us < at)
        at = m->report_at_us;
    if (m->twcc_at_us && m->twcc_at_us < at)
        at = m->twcc_at_us;
    if (m->dark_at_us && m->dark_at_us < at)
        at = m->dark_at_us;
    if (m->begin_us && m->begin_us < at)
        at = m->begin_us;
    if (m->hint_at_us && m->hint_at_us < at)
        at = m->hint_at_us;
    uint64_t path_us = m->downlink ? downlink_deadline_us(m->downlink) : UINT64_MAX;
    if (path_us < at)
        at = path_us;
    if (m->timer.place == 0 || at != m->timer.at_us)
        (void)heap_set(&m->hub->member_timers, &m->timer, at);
}

void member_expire(struct member *m, uint64_t now_us)
{
    if (m->begin_us && now_us >= m->begin_us)
        begin_lines(m, now_us);
    if (m->twcc_at_us && now_us >= m->twcc_at_us)
        member_report_twcc(m, now_us);
    if (m->dark_at_us && now_us >= m->dark_at_us)
        member_ask_in_the_dark(m, now_us);
    if (m->report_at_us && now_us >= m->report_at_us)
        member_report(m, now_us);
    if (m->downlink && now_us >= downlink_deadline_us(m->downlink)) {
        downlink_expire(m->downlink, now_us);
        hub_room_arm(m->room);
    }
    if (m->hint_at_us && now_us >= m->hint_at_us)
        member_hint(m, now_us);
    int change = now_us >= peer_deadline_us(m->peer) ? peer_expire(m->peer, now_us) : 0;
    if (change >= 0 && !member_changed(m, now_us, change))
        return;
    member_arm(m);
}
