// SPDX-License-Identifier: Apache-2.0
/* The ledger: numbers of tracks as they appear, gaps counted, voices told apart. */
#include "media/record/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "base/file.h"
#include "media/record/journal.h"
#include "media/wire/opus.h"

enum {
    PICTURE_TRACK = 1,
    MIX_TRACK = 2, /* further codecs' pictures follow it */
    FORMATS = FORMAT_H264 + 1,
    SMOOTHING = 8,
};

struct voice {
    uint64_t source;
    bool named, begun;
    int64_t next_seq;
    int64_t last_ms; /* -1: nothing was written */
    uint64_t end_ms;
};

/** What tells how many pictures were sent between two that are in the clip. */
struct picture_count {
    bool known;
    bool has_id;
    uint16_t id, id_mask;
    int64_t timestamp;
};

struct ledger {
    struct journal *journal;
    struct voices *voices;
    char publisher[FRAMELOG_TEXT_BYTES];
    uint32_t tracks[FORMATS]; /* number of each codec's pictures; 0: none yet */
    uint32_t next_track;
    bool mix_named;
    enum codec_format format;
    unsigned width, height;

    int64_t next_seq;                  /* of the picture; 0: any */
    uint32_t missing;                  /* packets since the last picture written */
    struct picture_count newest, last; /* that came; that was written */
    int64_t interval;                  /* between two pictures, smoothed; 0: not known */

    size_t voice_count;
    struct voice voice[VOICES_TRACKS];
    struct voices_name names[VOICES_TRACKS];
};

int ledger_new(struct ledger **ret, struct vault *vault, const char *path, uint64_t start_unix_us,
               const char *publisher)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        return ER_NOMEM;
    l->next_track = PICTURE_TRACK;
    (void)str_copy(l->publisher, sizeof l->publisher, publisher);
    char *log = file_name(path, ".framelog");
    char *part = file_name(path, ".voices.part");
    int er = log && part ? voices_new(&l->voices, vault, part) : ER_NOMEM;
    if (er == 0)
        er = journal_new(&l->journal, log, start_unix_us);
    free(log);
    free(part);
    if (er < 0) {
        ledger_free(l);
        return er;
    }
    *ret = l;
    return 0;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    journal_free(l->journal);
    voices_free(l->voices);
    free(l);
}

void ledger_hurry(struct ledger *l)
{
    journal_hurry(l->journal);
    voices_hurry(l->voices);
}

int ledger_mark(struct ledger *l, enum framelog_mark mark, uint64_t at_ms, const char *text)
{
    struct framelog_record r = {.type = FRAMELOG_MARK, .mark = mark, .at_ms = at_ms};
    (void)str_copy(r.text, sizeof r.text, text);
    return journal_add(l->journal, &r);
}

static int name_track(struct ledger *l, uint32_t track, enum framelog_track_kind kind,
                      enum codec_format format, const char *identity)
{
    struct framelog_record r = {.type = FRAMELOG_TRACK, .track = track, .kind = kind};
    (void)str_copy(r.codec, sizeof r.codec, codec_format_name(format));
    (void)str_copy(r.text, sizeof r.text, identity);
    return journal_add(l->journal, &r);
}

/* Pictures */

/** The PictureID of VP8 (RFC 7741, 4.2): its width is in the payload. */
static struct picture_count count_of(const struct tape_packet *p)
{
    struct picture_count c = {.known = true, .timestamp = p->timestamp};
    if ((p->flags & TAPE_HAS_PICTURE_ID) && p->payload_len > 2) {
        c.has_id = true;
        c.id = p->picture_id;
        c.id_mask = p->payload[2] & 0x80 ? 0x7fff : 0x7f;
    }
    return c;
}

int ledger_packet(struct ledger *l, const struct tape_packet *packet, uint64_t at_ms)
{
    int er = 0;
    if (l->next_seq && packet->seq > l->next_seq) { /* not told as missing: it did not get here */
        l->missing += (uint32_t)(packet->seq - l->next_seq);
        er = ledger_mark(l, FRAMELOG_OVERRUN, at_ms, NULL);
    }
    if (packet->seq >= l->next_seq)
        l->next_seq = packet->seq + 1;
    if (packet->payload_len > 0 && (!l->newest.known || packet->timestamp >= l->newest.timestamp))
        l->newest = count_of(packet);
    return er;
}

void ledger_gap(struct ledger *l, uint32_t packets)
{
    if (packets == 0) {
        ledger_switch(l);
    } else {
        l->missing += packets;
        l->next_seq += l->next_seq ? packets : 0;
    }
}

void ledger_switch(struct ledger *l)
{
    l->next_seq = 0;
    l->newest.known = l->last.known = false;
}

/** How many pictures were sent between the last one written and `now`. */
static uint32_t pictures_between(const struct ledger *l, const struct picture_count *now)
{
    if (!l->last.known || !now->known || now->timestamp <= l->last.timestamp)
        return 0;
    int64_t by_time = l->interval
                          ? (now->timestamp - l->last.timestamp + l->interval / 2) / l->interval
                          : 1;
    if (by_time < 1)
        by_time = 1;
    if (!now->has_id || !l->last.has_id)
        return (uint32_t)(by_time - 1);
    /* The number nearest to it that the ids allow. */
    int64_t round = now->id_mask + 1;
    int64_t by_id = (now->id - l->last.id) & now->id_mask;
    while (by_id + round / 2 < by_time)
        by_id += round;
    return by_id > 0 ? (uint32_t)(by_id - 1) : 0;
}

static int note_gap(struct ledger *l, uint32_t frames, uint64_t from_ms, uint64_t to_ms)
{
    const struct framelog_record r = {.type = FRAMELOG_GAP,
                                      .at_ms = from_ms,
                                      .to_ms = to_ms,
                                      .packets = l->missing,
                                      .frames = frames};
    return journal_add(l->journal, &r);
}

static int note_track(struct ledger *l, enum codec_format format, uint64_t at_ms)
{
    if (l->tracks[format] && l->format == format)
        return 0;
    bool other = l->next_track > PICTURE_TRACK;
    int er = 0;
    l->format = format;
    if (!l->tracks[format]) {
        l->tracks[format] = l->next_track;
        l->next_track = other ? l->next_track + 1 : MIX_TRACK + 1;
        er = name_track(l, l->tracks[format], FRAMELOG_VIDEO, format, l->publisher);
    }
    return er == 0 && other ? ledger_mark(l, FRAMELOG_CODEC, at_ms, codec_format_name(format)) : er;
}

static int note_size(struct ledger *l, const struct depack_frame *frame, uint64_t at_ms)
{
    if (!frame->key || (frame->width == l->width && frame->height == l->height))
        return 0;
    l->width = frame->width;
    l->height = frame->height;
    char size[32];
    (void)snprintf(size, sizeof size, "%ux%u", frame->width, frame->height);
    return ledger_mark(l, FRAMELOG_SIZE, at_ms, size);
}

int ledger_picture(struct ledger *l, const struct depack_frame *frame, const uint8_t *hash,
                   uint64_t at_ms, uint64_t capture_unix_us, uint64_t last_ms)
{
    struct picture_count now = l->newest;
    int64_t interval = l->last.known ? frame->timestamp - l->last.timestamp : 0;
    int er = frame->after_gap ? note_gap(l, pictures_between(l, &now), last_ms, at_ms) : 0;
    if (er == 0)
        er = note_track(l, frame->format, at_ms);
    if (er == 0)
        er = note_size(l, frame, at_ms);
    if (er < 0)
        return er;
    if (!frame->after_gap && interval > 0)
        l->interval += l->interval ? (interval - l->interval) / SMOOTHING : interval;
    l->last = now;
    l->missing = 0;
    struct framelog_record r = {.track = l->tracks[frame->format],
                                .at_ms = at_ms,
                                .unix_us = capture_unix_us,
                                .timestamp = (uint64_t)frame->timestamp,
                                .seq = (uint64_t)frame->first_seq,
                                .key = frame->key,
                                .recovered = frame->recovered,
                                .len = (uint32_t)frame->len};
    if (!hash)
        return journal_add_frame(l->journal, &r, frame->data, frame->len);
    memcpy(r.sha256, hash, sizeof r.sha256);
    return journal_add_hashed(l->journal, &r);
}

int ledger_gap_at_end(struct ledger *l, uint64_t last_ms, uint64_t end_ms)
{
    bool came = l->newest.known && l->last.known && l->newest.timestamp > l->last.timestamp;
    return note_gap(l, came ? pictures_between(l, &l->newest) + 1 : 0, last_ms, end_ms);
}

/* Sound */

int ledger_mix(struct ledger *l, const uint8_t *data, size_t len, uint64_t at_ms)
{
    if (!l->mix_named) {
        int er = name_track(l, MIX_TRACK, FRAMELOG_MIX, FORMAT_OPUS, NULL);
        if (er < 0)
            return er;
        l->mix_named = true;
    }
    struct framelog_record r = {.track = MIX_TRACK, .at_ms = at_ms, .key = true};
    return journal_add_frame(l->journal, &r, data, len);
}

static struct voice *find_voice(struct ledger *l, uint64_t source)
{
    for (size_t i = 0; i < l->voice_count; i++)
        if (l->voice[i].source == source)
            return &l->voice[i];
    if (l->voice_count == VOICES_TRACKS)
        return NULL;
    struct voice *v = &l->voice[l->voice_count];
    *v = (struct voice){.source = source, .last_ms = -1};
    l->names[l->voice_count].track = FRAMELOG_FIRST_VOICE + (uint32_t)l->voice_count;
    l->voice_count++;
    return v;
}

void ledger_voice(struct ledger *l, uint64_t source, const char *identity)
{
    struct voice *v = find_voice(l, source);
    if (v && !v->named)
        (void)str_copy(l->names[v - l->voice].identity, FRAMELOG_TEXT_BYTES, identity);
}

void ledger_voice_end(struct ledger *l, uint64_t source)
{
    for (size_t i = 0; i < l->voice_count; i++)
        if (l->voice[i].source == source)
            l->voice[i].begun = false;
}

/** The voice's track is known to the log, and so is what is missing before this packet. */
static int prepare_voice(struct ledger *l, struct voice *v, const struct tape_packet *packet,
                         uint64_t at_ms)
{
    const struct voices_name *name = &l->names[v - l->voice];
    if (!v->named) {
        v->named = true;
        int er = name_track(l, name->track, FRAMELOG_VOICE, FORMAT_OPUS, name->identity);
        if (er < 0)
            return er;
    }
    if (!v->begun || packet->seq <= v->next_seq)
        return 0;
    const struct framelog_record gap = {.type = FRAMELOG_VOICE_GAP,
                                        .track = name->track,
                                        .at_ms = v->end_ms < at_ms ? v->end_ms : at_ms,
                                        .to_ms = at_ms,
                                        .packets = (uint32_t)(packet->seq - v->next_seq)};
    return journal_add(l->journal, &gap);
}

int ledger_sound(struct ledger *l, uint64_t source, const struct tape_packet *packet, int64_t at_us,
                 uint64_t capture_unix_us)
{
    uint32_t samples;
    const int64_t longest_us = (int64_t)LIMIT_CLIP_SECONDS * 1000000;
    if (at_us < 0 || at_us > longest_us ||
        opus_duration(packet->payload, packet->payload_len, &samples) < 0)
        return 0;
    struct voice *v = find_voice(l, source);
    if (!v)
        return 0;
    int64_t at_ms = at_us / 1000 > v->last_ms ? at_us / 1000 : v->last_ms + 1;
    int er = prepare_voice(l, v, packet, (uint64_t)at_ms);
    struct framelog_record r = {.track = l->names[v - l->voice].track,
                                .at_ms = (uint64_t)at_ms,
                                .unix_us = capture_unix_us,
                                .timestamp = (uint64_t)packet->timestamp,
                                .seq = (uint64_t)packet->seq,
                                .key = true,
                                .recovered = packet->flags & TAPE_RECOVERED};
    if (er == 0)
        er = voices_write(l->voices, r.track, packet->payload, packet->payload_len, at_ms);
    if (er == 0)
        er = journal_add_frame(l->journal, &r, packet->payload, packet->payload_len);
    v->begun = true;
    v->next_seq = packet->seq + 1;
    v->last_ms = at_ms;
    v->end_ms = (uint64_t)at_ms + samples / 48;
    return er == ER_CONFLICT ? ER_IO : er == ER_INVALID ? 0 : er;
}

/* The end */

int ledger_close(struct ledger *l)
{
    return voices_end(l->voices);
}

int ledger_end(struct ledger *l, uint64_t pictures, uint64_t packets, uint64_t end_ms)
{
    if (journal_count(l->journal, FRAMELOG_VIDEO) != pictures ||
        journal_count(l->journal, FRAMELOG_MIX) != packets)
        return ER_CONFLICT;
    return journal_end(l->journal, end_ms);
}

int ledger_finish_voices(struct ledger *l, const char *out)
{
    return voices_finish(l->voices, out, l->names, l->voice_count);
}
