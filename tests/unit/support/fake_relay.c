// SPDX-License-Identifier: Apache-2.0
/* The relay's surroundings, played by notes in arrays. */
#include "tests/unit/support/fake_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SENT (sizeof((struct fake_relay *)0)->sent / sizeof(struct fake_sent))
#define ASKED (sizeof((struct fake_relay *)0)->asked / sizeof(struct fake_asked))

static void note_sent(void *ctx, struct slot *s, const struct relay_packet *p)
{
    struct fake_relay *f = ctx;
    struct fake_sent *sent = &f->sent[f->sent_count++ % SENT];
    *sent = (struct fake_sent){.slot = s,
                               .at_us = f->now_us,
                               .source_seq = p->from->seq,
                               .timestamp = p->timestamp,
                               .seq = p->seq,
                               .len = p->empty ? 0 : p->from->payload_len,
                               .retransmission = p->retransmission,
                               .leading = p->leading,
                               .marker = p->marker,
                               .empty = p->empty,
                               .patch_len = p->patch_len};
    memcpy(sent->patch, p->patch, sizeof sent->patch);
}

static void note_asked(struct fake_relay *f, struct encoding *e, int64_t seq)
{
    f->asked[f->asked_count++ % ASKED] = (struct fake_asked){
        .track = e->track, .encoding = e, .at_us = f->now_us, .seq = seq};
}

static void note_key_frame(void *ctx, struct encoding *e)
{
    note_asked(ctx, e, 0);
}

static void note_packets(void *ctx, struct encoding *e, const int64_t *seqs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note_asked(ctx, e, seqs[i]);
}

static void note_changed(void *ctx, struct slot *s)
{
    struct fake_relay *f = ctx;
    assert_non_null(s);
    f->changed_count++;
}

static const struct relay_ops ops = {.send = note_sent,
                                     .ask_key_frame = note_key_frame,
                                     .ask_packets = note_packets,
                                     .slot_changed = note_changed};

struct fake_relay *fake_relay_new(void)
{
    struct fake_relay *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->entropy = entropy_seeded_init(&f->seeded, 3);
    f->now_us = 5000000;
    const struct relay_config config = {
        .ops = &ops, .ops_ctx = f, .entropy = &f->entropy, .unix_offset_us = FAKE_UNIX_US};
    assert_int_equal(room_new(&f->room, &config), 0);
    return f;
}

void fake_relay_free(struct fake_relay *f)
{
    fake_relay_forget(f);
    room_free(f->room);
    assert_int_equal(f->sent_count + f->asked_count + f->changed_count, 0);
    free(f);
}

void fake_relay_forget(struct fake_relay *f)
{
    f->sent_count = f->asked_count = f->changed_count = 0;
}

void fake_relay_run(struct fake_relay *f, uint64_t us)
{
    uint64_t until_us = f->now_us + us;
    for (unsigned turns = 0; room_deadline_us(f->room) <= until_us; turns++) {
        assert_true(turns < 100000);
        if (room_deadline_us(f->room) > f->now_us)
            f->now_us = room_deadline_us(f->room);
        room_expire(f->room, f->now_us);
    }
    f->now_us = until_us;
}

struct track *fake_track(struct fake_relay *f, const char *identity, uint8_t rank,
                         enum media_codec codec)
{
    struct track *t = NULL;
    const struct track_config config = {.id = ++f->next_track,
                                        .identity = identity,
                                        .rank = rank,
                                        .codec = codec,
                                        .nack = codec == CODEC_VP8,
                                        .clock = &f->clock};
    assert_int_equal(track_new(&t, f->room, &config, f->now_us), 0);
    assert_non_null(track_encoding(t, 0, f->now_us));
    return t;
}

struct slot *fake_slot(struct fake_relay *f, uint64_t viewer, const char *identity,
                       enum media_kind kind, enum slot_pick pick, const char *person)
{
    struct slot *s = NULL;
    const struct slot_config config = {.kind = kind,
                                       .codecs = 1u << CODEC_OPUS | 1u << CODEC_VP8,
                                       .viewer = viewer,
                                       .identity = identity,
                                       .pick = pick,
                                       .person = person};
    assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
    return s;
}

static const uint8_t key[] = {0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};

static int packet_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                     unsigned flags, size_t len)
{
    uint8_t payload[LIMIT_RTP_PACKET + 1] = {0};
    const struct track_extras none = {0};
    assert_true(len <= sizeof payload);
    if (e->track->codec == CODEC_OPUS) {
        payload[0] = 0xf8; /* CELT, fullband, 20 ms, one frame */
    } else if ((flags & FAKE_KEY) == FAKE_KEY) {
        memcpy(payload, key, sizeof key);
    } else if (flags & FAKE_START) {
        payload[0] = 0x10;
        payload[1] = 0x01;
    }
    const struct rtp_packet packet = {.marker = flags & FAKE_END,
                                      .seq = seq,
                                      .timestamp = timestamp,
                                      .payload = payload,
                                      .payload_len = flags & FAKE_PADDING ? 0 : len};
    return encoding_receive(e, f->now_us, &packet, &none, flags & FAKE_RECOVERED);
}

int fake_packet_sized(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                      unsigned flags, size_t len)
{
    return packet_of(f, t->encodings[0], seq, timestamp, flags, len);
}

int fake_packet_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                   unsigned flags)
{
    return packet_of(f, e, seq, timestamp, flags | FAKE_END, 100);
}

static void receive(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                    const uint8_t *payload, size_t len)
{
    const struct track_extras none = {0};
    const struct rtp_packet packet = {
        .marker = true, .seq = seq, .timestamp = timestamp, .payload = payload, .payload_len = len};
    assert_int_equal(encoding_receive(e, f->now_us, &packet, &none, false), 0);
}

void fake_key_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                 unsigned width, unsigned height)
{
    uint8_t payload[100] = {0};
    memcpy(payload, key, sizeof key);
    payload[7] = (uint8_t)width;
    payload[8] = (uint8_t)(width >> 8);
    payload[9] = (uint8_t)height;
    payload[10] = (uint8_t)(height >> 8);
    receive(f, e, seq, timestamp, payload, sizeof payload);
}

void fake_layer_of(struct fake_relay *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                   uint8_t tl0_index, uint8_t temporal_id, size_t len)
{
    uint8_t payload[LIMIT_RTP_PACKET] = {0x90, 0xe0, 0x80, (uint8_t)seq, tl0_index};
    payload[5] = (uint8_t)(temporal_id << 6);
    payload[6] = 1; /* no key frame */
    receive(f, e, seq, timestamp, payload, len);
}

int fake_packet(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                unsigned flags)
{
    return fake_packet_sized(f, t, seq, timestamp, flags, 100);
}

void fake_picture(struct fake_relay *f, struct track *t, uint16_t seq, uint32_t timestamp,
                  unsigned flags)
{
    assert_int_equal(fake_packet(f, t, seq, timestamp, flags | FAKE_END), 0);
}

size_t fake_sent_to(const struct fake_relay *f, const struct slot *s)
{
    size_t count = 0;
    assert_true(f->sent_count <= SENT);
    for (size_t i = 0; i < f->sent_count; i++)
        count += f->sent[i].slot == s && !f->sent[i].retransmission;
    return count;
}

const struct fake_sent *fake_last_sent(const struct fake_relay *f, const struct slot *s)
{
    for (size_t i = f->sent_count; i-- > 0 && i + SENT > f->sent_count;)
        if (f->sent[i % SENT].slot == s)
            return &f->sent[i % SENT];
    return NULL;
}

size_t fake_keys_asked(const struct fake_relay *f, const struct track *t)
{
    size_t count = 0;
    assert_true(f->asked_count <= ASKED);
    for (size_t i = 0; i < f->asked_count; i++)
        count += f->asked[i].track == t && f->asked[i].seq == 0;
    return count;
}
