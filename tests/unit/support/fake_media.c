// SPDX-License-Identifier: Apache-2.0
/* The fake media engine. */
#include "tests/unit/support/fake_media.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"

#define LINES 4096
#define EVENTS 1024

struct media {
    char *lines[LINES];
    size_t line_count;
    struct media_event events[EVENTS];
    size_t event_first, event_count;
    uint64_t last_peer;
    int refuse_er;
    const char *refuse_why;
    bool manual_clips, full;
    int still_er;
    struct media_room_stats *next_stats;
};

struct media *fake_media_new(void)
{
    return calloc(1, sizeof(struct media));
}

void fake_media_free(struct media *m)
{
    struct media_event e;
    while (media_next_event(m, &e))
        media_event_clear(&e);
    for (size_t i = 0; i < m->line_count; i++)
        free(m->lines[i]);
    free(m);
}

static void __attribute__((format(printf, 2, 3))) note(struct media *m, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (m->line_count < LINES && vasprintf(&m->lines[m->line_count], fmt, args) >= 0)
        m->line_count++;
    va_end(args);
}

size_t fake_media_count(const struct media *m, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < m->line_count; i++)
        count += strncmp(m->lines[i], prefix, strlen(prefix)) == 0;
    return count;
}

const char *fake_media_last(const struct media *m, const char *prefix)
{
    for (size_t i = m->line_count; i-- > 0;) {
        if (strncmp(m->lines[i], prefix, strlen(prefix)) == 0)
            return m->lines[i];
    }
    return NULL;
}

uint64_t fake_media_last_peer(const struct media *m)
{
    return m->last_peer;
}

void fake_media_refuse_next(struct media *m, int er, const char *why)
{
    m->refuse_er = er;
    m->refuse_why = why;
}

void fake_media_full(struct media *m, bool full)
{
    m->full = full;
}

void fake_media_refuse_stills(struct media *m, int er)
{
    m->still_er = er;
}

void fake_media_manual_clips(struct media *m)
{
    m->manual_clips = true;
}

void fake_media_say(struct media *m, const struct media_event *event)
{
    if (m->event_count < EVENTS)
        m->events[(m->event_first + m->event_count++) % EVENTS] = *event;
}

void fake_media_next_stats(struct media *m, struct media_room_stats *stats)
{
    m->next_stats = stats;
}

bool media_next_event(struct media *m, struct media_event *ret)
{
    if (!m->event_count)
        return false;
    *ret = m->events[m->event_first];
    m->event_first = (m->event_first + 1) % EVENTS;
    m->event_count--;
    return true;
}

void media_event_clear(struct media_event *event)
{
    free(event->sdp);
    if (event->stats)
        media_room_stats_free(event->stats);
    free(event->still);
    free(event->light);
    memset(event, 0, sizeof *event);
}

void media_room_stats_free(struct media_room_stats *s)
{
    free(s->tracks);
    free(s->slots);
    free(s);
}

int media_start(struct media **ret, const struct media_config *config)
{
    (void)config;
    *ret = fake_media_new();
    return *ret ? 0 : ER_NOMEM;
}

void media_stop(struct media *m)
{
    if (m)
        fake_media_free(m);
}

struct addr media_worker_address(const struct media *m, unsigned i)
{
    (void)m;
    return (struct addr){.port = (uint16_t)(10000 + i)};
}

int media_event_fd(const struct media *m)
{
    (void)m;
    return -1;
}

void media_read_counters(const struct media *m, struct media_counters *ret)
{
    (void)m;
    memset(ret, 0, sizeof *ret);
}

int media_room_open(struct media *m, const struct id *room)
{
    if (m->full)
        return ER_FULL;
    note(m, "room_open %s", room->text);
    return 0;
}

int media_room_close(struct media *m, const struct id *room)
{
    if (m->full)
        return ER_FULL;
    note(m, "room_close %s", room->text);
    return 0;
}

static int answer(struct media *m, const struct id *room, uint64_t peer, uint64_t request)
{
    struct media_event e = {.type = MEDIA_ANSWER, .room = *room, .peer = peer, .request = request};
    if (m->refuse_er) {
        e.type = MEDIA_REFUSED;
        e.er = m->refuse_er;
        e.why = m->refuse_why;
        m->refuse_er = 0;
    } else {
        e.sdp = strdup("v=0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                       "a=ice-ufrag:serv\r\na=ice-pwd:serverserverserverserver\r\n");
    }
    fake_media_say(m, &e);
    return 0;
}

int media_peer_add(struct media *m, const struct id *room, const struct media_peer_config *config,
                   uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                   size_t want_count)
{
    (void)offer;
    (void)len;
    (void)wants;
    m->last_peer = config->peer;
    note(m, "peer_add %" PRIu64 " %s %s%s%s wants=%zu", config->peer, config->identity,
         config->may_publish ? "p" : "", config->may_subscribe ? "s" : "",
         config->pick == MEDIA_PICK_OTHERS ? " others"
         : config->pick == MEDIA_PICK_MAIN ? " main"
                                           : config->pick_identity,
         want_count);
    return answer(m, room, config->peer, request);
}

int media_peer_offer(struct media *m, const struct id *room, uint64_t peer, uint64_t request,
                     const char *offer, size_t len, const struct media_want *wants,
                     size_t want_count)
{
    (void)len;
    (void)wants;
    (void)want_count;
    const char *ufrag = strstr(offer, "a=ice-ufrag:");
    note(m, "peer_offer %" PRIu64 " %.*s", peer, ufrag ? (int)strcspn(ufrag, "\r\n") : 0,
         ufrag ? ufrag : "");
    return answer(m, room, peer, request);
}

int media_peer_remove(struct media *m, const struct id *room, uint64_t peer)
{
    if (m->full)
        return ER_FULL;
    (void)room;
    note(m, "peer_remove %" PRIu64, peer);
    return 0;
}

int media_view(struct media *m, const struct id *room, uint64_t peer, const char *mid,
               const struct media_view *view)
{
    if (m->full)
        return ER_FULL;
    (void)room;
    note(m, "view %" PRIu64 " %s%s %ux%u layer=%d", peer, mid, view->paused ? " paused" : "",
         view->max_width, view->max_height, view->layer);
    return 0;
}

int media_consent(struct media *m, const struct id *room, const char *identity, bool recording)
{
    if (m->full)
        return ER_FULL;
    (void)room;
    note(m, "consent %s %d", identity, recording);
    return 0;
}

int media_still(struct media *m, const struct id *room, const struct media_still_config *config)
{
    if (m->full)
        return ER_FULL;
    note(m, "still %s %s %s", config->still.text, config->publisher, config->path);
    struct media_event e = {
        .type = MEDIA_STILL, .room = *room, .clip = config->still, .er = m->still_er};
    if (!e.er)
        e.still = calloc(1, sizeof *e.still);
    if (e.still)
        *e.still = (struct media_still_result){.width = 1280,
                                               .height = 720,
                                               .bytes = 70000,
                                               .sha256 = "5e",
                                               .capture_unix_us = 1700000000000000u,
                                               .track = 7,
                                               .codec = "VP8",
                                               .frame_sha256 = "f5",
                                               .frame_bytes = 9000,
                                               .frame_timestamp = 90000,
                                               .quantizer = 21,
                                               .sharpness = 123.456,
                                               .luma = 99.5,
                                               .bright = 0.25};
    fake_media_say(m, &e);
    return 0;
}

int media_light_begins(struct media *m, const struct id *room, const char *publisher)
{
    (void)room;
    note(m, "light_begins %s", publisher);
    return m->full ? ER_FULL : 0;
}

int media_light(struct media *m, const struct id *room, const struct media_light_config *config)
{
    (void)room;
    note(m, "light %s %s", config->light.text, config->publisher);
    return m->full ? ER_FULL : 0;
}

int media_photo(struct media *m, const struct id *room, const struct media_photo_config *config)
{
    if (m->full)
        return ER_FULL;
    note(m, "photo %s %s %02x%s", config->still.text, config->path, config->sha256[0],
         config->keep_place ? " place" : "");
    struct media_event e = {
        .type = MEDIA_STILL, .room = *room, .clip = config->still, .er = m->still_er};
    if (!e.er)
        e.still = calloc(1, sizeof *e.still);
    if (e.still)
        *e.still = (struct media_still_result){.width = 4000,
                                               .height = 3000,
                                               .bytes = 9,
                                               .sha256 = "5f",
                                               .orientation = 6,
                                               .placed = config->keep_place,
                                               .latitude_e7 = 312304000,
                                               .longitude_e7 = -1214737000,
                                               .quantizer = -1};
    fake_media_say(m, &e);
    return 0;
}

int media_clip_start(struct media *m, const struct id *room, const struct media_clip_config *config)
{
    note(m, "clip_start %s %s %s", config->clip.text, config->publisher, config->path);
    if (config->preroll_ms)
        note(m, "clip_past %s %u %s", config->clip.text, (unsigned)config->preroll_ms,
             config->lookback ? "ends" : "goes on");
    const struct media_event e = {.type = MEDIA_CLIP_STARTED,
                                  .room = *room,
                                  .clip = config->clip,
                                  .unix_us = 1700000000000000u};
    if (!m->manual_clips)
        fake_media_say(m, &e);
    return 0;
}

static void say_ready(struct media *m, const struct id *clip, bool repaired)
{
    struct media_event e = {.type = MEDIA_CLIP_READY, .clip = *clip};
    e.result = (struct media_clip_result){.started_unix_us = 1700000000000000u,
                                          .duration_ms = 10000,
                                          .bytes = 123456,
                                          .width = 640,
                                          .height = 480,
                                          .has_video = true,
                                          .video_codec = "VP8",
                                          .has_audio = true,
                                          .repaired = repaired};
    fake_media_say(m, &e);
}

int media_mark(struct media *m, const struct id *room, const char *identity,
               enum framelog_mark mark, const char *text)
{
    (void)room;
    note(m, "mark %s %s %s", identity, framelog_mark_name(mark), text ? text : "");
    return 0;
}

int media_clip_stop(struct media *m, const struct id *room, const struct id *clip)
{
    if (m->full)
        return ER_FULL;
    (void)room;
    note(m, "clip_stop %s", clip->text);
    if (!m->manual_clips)
        say_ready(m, clip, false);
    return 0;
}

int media_clip_repair(struct media *m, const struct id *clip, const char *path)
{
    note(m, "clip_repair %s %s", clip->text, path);
    if (!m->manual_clips)
        say_ready(m, clip, true);
    return 0;
}

int media_clip_trim(struct media *m, const struct media_trim_config *config)
{
    note(m, "clip_trim %s %llu %llu", config->clip.text, (unsigned long long)config->from_ms,
         (unsigned long long)config->to_ms);
    if (!m->manual_clips)
        say_ready(m, &config->clip, false);
    return 0;
}

int media_stats(struct media *m, const struct id *room, uint64_t request)
{
    const struct media_event e = {
        .type = MEDIA_STATS,
        .room = *room,
        .request = request,
        .stats = m->next_stats ? m->next_stats : calloc(1, sizeof(struct media_room_stats))};
    m->next_stats = NULL;
    fake_media_say(m, &e);
    return 0;
}
