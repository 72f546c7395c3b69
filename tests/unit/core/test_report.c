// SPDX-License-Identifier: Apache-2.0
/* RTCP both ways: reports, round trips, requests passed on, transport feedback, and bad bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/core/hub_private.h"
#include "tests/unit/support/fake_client.h"

static int open_hub(void **state)
{
    *state = fake_hub_new();
    return 0;
}

static int close_hub(void **state)
{
    fake_hub_free(*state);
    return 0;
}

static void publishers_get_receiver_reports(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 2.2);
    assert_int_equal(ann->receivers, 3); /* after 0.1 s, then each second */
    assert_int_equal(ann->senders, 0);
    assert_int_equal(ann->report.ssrc, ann->ssrc[1]);
    assert_int_equal(ann->report.cumulative_lost, 0);
    assert_int_equal(ann->report.last_sr, 0);
    assert_in_range(ann->report.highest_seq, 65536 + 50, 65536 + 56);
}

static void viewers_get_sender_reports(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_hub_run(f, 1500000);
    assert_int_equal(bob->senders + bob->receivers, 0); /* nothing flows: nothing to report */
    fake_client_stream(ann, 1.1);
    assert_int_equal(bob->senders, 1);
    assert_int_equal(bob->sender.ssrc, bob->rtp[0].ssrc);
    /* The timestamp belongs to the NTP time: what was sent 10 ms ago is 900 ticks back. */
    uint64_t at_us = ntp_to_unix_us(bob->sender.ntp) - FAKE_HUB_UNIX_US;
    const struct fake_rtp *near = NULL;
    for (size_t i = 0; i < bob->rtp_count && bob->rtp[i].at_us <= at_us; i++)
        near = &bob->rtp[i];
    assert_non_null(near);
    int32_t ticks = (int32_t)(bob->sender.rtp_timestamp - near->timestamp);
    int64_t expected = (int64_t)(at_us - near->at_us) * 9 / 100;
    assert_in_range(ticks - expected + 10, 0, 20);
    assert_in_range(bob->sender.packets, 10, 30);
    assert_int_equal(bob->sender.bytes, bob->sender.packets * 11);
}

/** Sound and picture of one publisher, captured together, must be told as captured together, however
 *  the publisher's reports were delayed. */
static void lip_sync_through_the_relay(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar vr");
    uint8_t buf[200];
    uint64_t theirs = ntp_from_unix_us(1234567890000000);
    fake_client_stream(ann, 0.1);
    uint32_t sound_ts = ann->next_timestamp[0], picture_ts = ann->next_timestamp[1];
    for (unsigned i = 0; i < 2; i++) {
        const struct rtcp_sender_info info = {
            .ssrc = ann->ssrc[i], .ntp = theirs, .rtp_timestamp = i ? picture_ts : sound_ts};
        struct wr w = wr_make(buf, sizeof buf);
        rtcp_write_sr(&w, &info, NULL, 0);
        fake_hub_run(f, i * 40000); /* the second one comes late */
        fake_client_rtcp(ann, &w);
    }
    bob->senders = 0;
    struct hub_room *r = hub_find_room(f->hub, &f->room);
    struct member *m = member_find(r, 2);
    uint32_t a, v;
    assert_true(slot_sender_clock(m->lines[0]->slot, f->now_us, &a));
    assert_true(slot_sender_clock(m->lines[1]->slot, f->now_us, &v));
    /* Undo each slot's own offset: both must name the same moment of capture. */
    int64_t sound_us = (int64_t)(int32_t)(a - (uint32_t)m->lines[0]->slot->ts_delta - sound_ts) *
                       1000 / 48;
    int64_t picture_us =
        (int64_t)(int32_t)(v - (uint32_t)m->lines[1]->slot->ts_delta - picture_ts) * 1000 / 90;
    assert_in_range(sound_us - picture_us + 50, 0, 100);
}

static void round_trips_are_measured(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    uint8_t buf[200];
    fake_client_stream(ann, 0.5);
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    uint32_t ssrc = bob->rtp[0].ssrc;
    uint64_t ntp = ntp_from_unix_us(f->now_us + FAKE_HUB_UNIX_US);
    fake_hub_run(f, 300000); /* 200 of them bob's */
    struct rtcp_report block = {.ssrc = ssrc,
                                .fraction_lost = 25,
                                .highest_seq = 65536u + bob->rtp[0].seq,
                                .jitter = 900,
                                .last_sr = ntp_middle(ntp),
                                .delay_since_last_sr = 65536 / 5};
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, &block, 1);
    fake_client_rtcp(bob, &w);
    assert_in_range(m->rtt_us, 99000, 101000);
    assert_in_range(m->lines[0]->slot->rtt_us, 99000, 101000);
    assert_int_equal(m->lines[0]->viewer_fraction_lost, 25);
    assert_int_equal((uint16_t)m->lines[0]->slot->heard, bob->rtp[0].seq);
    assert_int_equal(m->lines[0]->viewer_jitter_us, 10000);
    uint64_t before = m->rtt_us;
    block.last_sr -= 100 * 65536; /* an echo of nothing we sent */
    w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, &block, 1);
    fake_client_rtcp(bob, &w);
    block.last_sr = ntp_middle(ntp) + 10 * 65536; /* of the future */
    w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, &block, 1);
    fake_client_rtcp(bob, &w);
    assert_int_equal(m->rtt_us, before);
}

static void key_requests_are_passed_on(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    uint8_t buf[200];
    fake_client_stream(ann, 1.5);
    unsigned before = ann->plis;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, NULL, 0);
    rtcp_write_pli(&w, 1, bob->rtp[0].ssrc);
    fake_client_rtcp(bob, &w);
    assert_int_equal(ann->plis, before + 1);
    w = wr_make(buf, sizeof buf);
    rtcp_write_fir(&w, 1, bob->rtp[0].ssrc, 1);
    fake_client_rtcp(bob, &w);
    assert_int_equal(ann->plis, before + 1); /* one a second, whoever asks */
    assert_int_equal(fake_hub_counters(f)->plis_received, 2);
    fake_client_media(ann, 0, ann->next_seq[0]++, 900000, FAKE_MEDIA_KEY);
    fake_hub_run(f, 1100000);
    w = wr_make(buf, sizeof buf);
    rtcp_write_fir(&w, 1, bob->rtp[0].ssrc, 2);
    fake_client_rtcp(bob, &w);
    assert_int_equal(ann->plis, before + 2);
}

static void transport_feedback_ten_times_a_second(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 1);
    assert_in_range(ann->twccs, 7, 11);
    assert_int_equal(fake_hub_counters(f)->feedback_sent, ann->twccs);
    unsigned before = ann->twccs;
    fake_hub_run(f, 200000);
    before = ann->twccs;
    fake_hub_run(f, 5000000); /* nothing more to tell */
    assert_int_equal(ann->twccs, before);
}

static void feedback_is_prompt_after_an_outage(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 1);
    fake_hub_run(f, 1000000);
    unsigned before = ann->twccs;
    fake_client_stream(ann, 0.02);
    assert_int_equal(ann->twccs, before + 1);
}

static void pictures_are_asked_for_in_the_dark(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_join(f, 2, "bob", "vr");
    fake_client_stream(ann, 2);
    unsigned before = ann->plis;
    fake_hub_run(f, 2900000);
    assert_int_equal(ann->plis, before);
    fake_hub_run(f, 2000000); /* looked at each second, then 40 times a second */
    assert_in_range(ann->plis, before + 40, before + 90);
    fake_client_check_from(ann, &ann->at); /* it is there, and pauses */
    before = ann->plis;
    fake_hub_run(f, 1000000);
    assert_int_equal(ann->plis, before);
    fake_hub_run(f, 15000000);
    before = ann->plis; /* and not for ever */
    fake_hub_run(f, 5000000);
    assert_int_equal(ann->plis, before);
}

static void bad_rtcp_is_counted(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    static const uint8_t broken[][12] = {
        {0x80, 201, 0, 9, 0, 0, 0, 1},          /* longer than it is */
        {0x82, 201, 0, 1, 0, 0, 0, 1},          /* two blocks announced, none there */
        {0x81, 206, 0, 1, 0, 0, 0, 1},          /* a PLI without source */
        {0x81, 205, 0, 1, 0, 0, 0, 1},          /* a NACK without numbers */
        {0x80, 200, 0, 1, 0, 0, 0, 1},          /* an SR without its info */
        {0x80, 201, 0, 1, 0, 0, 0, 1, 1, 2, 3}, /* rubbish behind a good one */
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        uint8_t copy[12];
        struct wr w = wr_make(copy, sizeof copy);
        wr_bytes(&w, broken[i], i == 5 ? 11 : 8);
        fake_client_rtcp(ann, &w);
        assert_int_equal(fake_hub_counters(f)->rtcp_bad, i + 1);
    }
    uint8_t buf[64];
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_bye(&w, 1);
    rtcp_write_remb(&w, 1, 500000, &ann->ssrc[0], 1);
    fake_client_rtcp(ann, &w); /* not for us, and nothing wrong with it */
    assert_int_equal(fake_hub_counters(f)->rtcp_bad, 6);
    assert_int_equal(fake_hub_counters(f)->peers, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(publishers_get_receiver_reports),    TEST(viewers_get_sender_reports),
        TEST(lip_sync_through_the_relay),         TEST(round_trips_are_measured),
        TEST(key_requests_are_passed_on),         TEST(transport_feedback_ten_times_a_second),
        TEST(feedback_is_prompt_after_an_outage), TEST(bad_rtcp_is_counted),
        TEST(pictures_are_asked_for_in_the_dark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
