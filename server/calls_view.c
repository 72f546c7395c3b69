// SPDX-License-Identifier: Apache-2.0
/* GET /rooms/{room}: who is there, what is sent, and how it arrives. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/calls_impl.h"

struct view {
    struct id room;
    calls_done *done;
    void *ctx;
};

static json_t *view_layers(const struct media_track_stats *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->layer_count; i++) {
        const struct media_layer_stats *l = &t->layers[i];
        json_array_append_new(
            list, json_pack("{s:i,s:i,s:i,s:i,s:i,s:I}", "encoding", (int)l->encoding, "spatial",
                            (int)l->spatial, "temporal", (int)l->temporal, "width", (int)l->width,
                            "height", (int)l->height, "bitrate_bps", (json_int_t)l->bitrate_bps));
    }
    return list;
}

static json_t *view_tracks(const struct media_room_stats *stats)
{
    json_t *list = json_array();
    char number[TRACK_TEXT_BYTES];
    for (size_t i = 0; stats && i < stats->track_count; i++) {
        const struct media_track_stats *t = &stats->tracks[i];
        json_array_append_new(
            list,
            json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:o}", "track",
                      track_text(number, t->track), "identity", t->identity, "kind",
                      kind_name(t->kind), "codec", codec_describe(t->codec)->name, "width",
                      (int)t->width, "height", (int)t->height, "packets", (json_int_t)t->packets,
                      "bytes", (json_int_t)t->bytes, "lost", (json_int_t)t->lost, "recovered",
                      (json_int_t)t->recovered, "bitrate_bps", (json_int_t)t->bitrate_bps,
                      "jitter_ms", t->jitter_us / 1000.0, "rtt_ms", t->rtt_us / 1000.0, "layers",
                      view_layers(t)));
    }
    return list;
}

/** What the viewer's client said of the line. */
static void add_seen(json_t *slot, const struct peer_line *seen)
{
    json_t *said = json_pack("{s:i,s:i,s:i,s:I,s:I,s:f}", "fps", (int)seen->fps, "width",
                             (int)seen->width, "height", (int)seen->height, "freezes",
                             (json_int_t)seen->freezes, "frozen_ms", (json_int_t)seen->frozen_ms,
                             "concealed", seen->concealed_permille / 1000.0);
    json_object_set_new(slot, "seen", said);
}

static json_t *view_slots(const struct calls *c, const struct media_room_stats *stats)
{
    json_t *list = json_array();
    char number[TRACK_TEXT_BYTES];
    for (size_t i = 0; stats && i < stats->slot_count; i++) {
        const struct media_slot_stats *t = &stats->slots[i];
        const struct peer_line *seen = peer_seen(map_get_u64(c->peers, t->peer), t->mid);
        json_t *slot = json_pack(
            "{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:I}", "identity", t->identity, "mid",
            t->mid, "track", track_text(number, t->track), "kind", kind_name(t->kind), "packets",
            (json_int_t)t->packets, "bytes", (json_int_t)t->bytes, "retransmitted",
            (json_int_t)t->retransmitted, "bitrate_bps", (json_int_t)t->bitrate_bps, "loss",
            t->fraction_lost / 256.0, "jitter_ms", t->jitter_us / 1000.0, "rtt_ms",
            t->rtt_us / 1000.0, "estimate_bps", (json_int_t)t->estimate_bps);
        if (slot && t->kind == MEDIA_VIDEO && t->track) {
            json_object_set_new(slot, "state", json_string(slot_state_name(t->state)));
            json_object_set_new(slot, "layer",
                                json_pack("{s:i,s:i,s:i,s:i,s:i}", "encoding", (int)t->encoding,
                                          "spatial", (int)t->spatial, "temporal", (int)t->temporal,
                                          "width", (int)t->width, "height", (int)t->height));
        }
        if (slot && seen)
            add_seen(slot, seen);
        json_array_append_new(list, slot);
    }
    return list;
}

static void view_answer(struct calls *c, struct view *view, const struct media_event *event)
{
    struct room *r = room_find(c, &view->room);
    const struct media_room_stats *stats = event ? event->stats : NULL;
    if (!r) {
        view->done(view->ctx, ER_NOT_FOUND, "the room has closed", NULL);
        return;
    }
    json_t *recording = room_recording_json(r);
    json_object_del(recording, "type");
    json_t *body = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:b}", "room", r->id.text, "case",
                             r->case_id.text, "people", roster_json(r->roster), "tracks",
                             view_tracks(stats), "subscriptions", view_slots(c, stats), "recording",
                             recording, "call", r->call_on);
    view->done(view->ctx, body ? 0 : ER_NOMEM, NULL, body);
    json_decref(body);
}

static void view_stats(struct calls *c, void *ctx, const struct media_event *event)
{
    struct view *view = ctx;
    if (event)
        view_answer(c, view, event);
    free(view);
}

static void view_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    struct view *view = job->ctx;
    if (c && job->er < 0) {
        view->done(view->ctx, job->er,
                   job->er == ER_DENIED ? "this token is not for this room" : "no such room", NULL);
    } else if (c && !r) {
        json_t *body = json_pack("{s:s,s:s,s:[],s:[],s:[],s:b}", "room", job->found.room.text,
                                 "case", job->found.id.text, "people", "tracks", "subscriptions",
                                 "call", 0);
        view->done(view->ctx, body ? 0 : ER_NOMEM, NULL, body);
        json_decref(body);
    } else if (c) {
        uint64_t request = request_new(c, view_stats, view);
        if (request && media_stats(c->config.media, &r->id, request) == 0)
            return;
        if (request)
            request_drop(c, request);
        view_answer(c, view, NULL);
    }
    free(view);
}

void calls_room_view(struct calls *c, const struct claims *who, const char *room, calls_done *done,
                     void *ctx)
{
    struct view *view = calloc(1, sizeof *view);
    struct entry_job *job = calloc(1, sizeof *job);
    if (!view || !job || id_parse(room, &job->by_room) < 0) {
        done(ctx, view && job ? ER_NOT_FOUND : ER_NOMEM, "no such room", NULL);
        free(view);
        free(job);
        return;
    }
    view->room = job->by_room;
    view->done = done;
    view->ctx = ctx;
    job->claims = *who;
    job->look_only = true;
    job->entered = view_entered;
    job->ctx = view;
    calls_enter(c, job);
}
