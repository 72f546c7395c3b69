// SPDX-License-Identifier: Apache-2.0
/* A room on two workers: viewers of the mirror see what the home's see, ask for what they need, and
 * nothing that the mail loses lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "tests/unit/support/fake_client.h"

#define HOME 0u
#define MIRROR 1u

struct pair {
    struct fake_hub *home, *mirror;
};

static void hand_over(struct fake_hub *from, unsigned from_worker, struct fake_hub *to,
                      unsigned to_worker)
{
    for (size_t i = 0; i < from->mail_count; i++) {
        assert_int_equal(from->mail[i].to, to_worker);
        hub_mirror(to->hub, to->now_us, from_worker, &from->mail[i].letter);
    }
    from->mail_count = 0;
    hub_expire(to->hub, to->now_us);
}

/** Both workers take turns until there is nothing to do. */
static void settle(struct pair *p)
{
    for (int i = 0; i < 4; i++) {
        hand_over(p->home, HOME, p->mirror, MIRROR);
        fake_hub_pump(p->mirror);
        hand_over(p->mirror, MIRROR, p->home, HOME);
        fake_hub_pump(p->home);
    }
    assert_int_equal(p->home->mail_count + p->mirror->mail_count, 0);
}

static int open_pair(void **state)
{
    static struct pair p;
    p.home = fake_hub_new();
    p.mirror = fake_hub_new();
    assert_int_equal(hub_room_close(p.mirror->hub, 1, &p.mirror->room), 0);
    p.mirror->room = p.home->room;
    assert_int_equal(hub_room_mirror(p.mirror->hub, &p.home->room, HOME), 0);
    *state = &p;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *p = *state;
    fake_hub_free(p->home);
    fake_hub_free(p->mirror);
    return 0;
}

static void viewers_of_the_mirror_see_the_same(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(p->home, 2, "bob", "ar vr");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "ar vr");
    fake_client_media(ann, 1, 500, 90000, FAKE_MEDIA_KEY);
    fake_client_media(ann, 0, 700, 48000, 0);
    fake_client_media(ann, 1, 501, 93000, 0);
    settle(p);
    assert_int_equal(bob->rtp_count, 3);
    assert_int_equal(eve->rtp_count, 3);
    const struct media_event *slot = fake_hub_last(p->mirror, MEDIA_SLOT);
    assert_string_equal(slot->identity, "ann");
    assert_int_equal(slot->track, fake_hub_last(p->home, MEDIA_SLOT)->track);
    assert_int_equal(fake_hub_count(p->mirror, MEDIA_TRACK_ADDED), 0); /* the home told it */
}

static void a_late_mirror_gets_the_picture_at_once(void **state)
{
    struct pair *p = *state;
    fake_hub_forget(p->mirror); /* its letter is lost: */
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    for (uint16_t i = 0; i < 20; i++)
        fake_client_media(ann, 0, (uint16_t)(500 + i), 90000u + 3000u * i,
                          i == 4 ? FAKE_MEDIA_KEY : 0);
    struct mirror_message join = {.type = MIRROR_JOIN, .room = p->home->room};
    hub_mirror(p->home->hub, p->home->now_us, MIRROR, &join);
    hub_expire(p->home->hub, p->home->now_us);
    settle(p);
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    fake_hub_run(p->mirror, 100000);
    assert_int_equal(eve->rtp_count, 16);
    assert_int_equal(ann->plis, 0);
}

static void key_frames_are_asked_of_the_publisher(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    settle(p);
    fake_hub_run(p->home, 2000000);
    fake_hub_run(p->mirror, 2000000);
    settle(p);
    unsigned before = ann->plis;
    uint8_t buf[100];
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, NULL, 0);
    rtcp_write_pli(&w, 1, eve->rtp[0].ssrc);
    fake_client_rtcp(eve, &w);
    settle(p);
    assert_int_equal(ann->plis, before + 1);
}

static void lip_sync_is_kept(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(p->home, 2, "bob", "vr");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    fake_client_media(ann, 1, 500, 90000, FAKE_MEDIA_KEY);
    uint8_t buf[100];
    struct wr w = wr_make(buf, sizeof buf);
    struct rtcp_sender_info info = {
        .ssrc = ann->ssrc[1],
        .ntp = ntp_from_unix_us(FAKE_HUB_UNIX_US + p->home->now_us - 3000000u),
        .rtp_timestamp = 90000 + 9000}; /* the picture was a tenth of a second on its way */
    rtcp_write_sr(&w, &info, NULL, 0);
    fake_client_rtcp(ann, &w);
    settle(p);
    fake_hub_run(p->home, 1000000);
    fake_hub_run(p->mirror, 1000000);
    assert_true(bob->senders > 0 && eve->senders > 0);
    /* Times since each one's first packet, and what lies between the two reports. */
    int32_t at_home = (int32_t)(bob->sender.rtp_timestamp - bob->rtp[0].timestamp);
    int32_t at_mirror = (int32_t)(eve->sender.rtp_timestamp - eve->rtp[0].timestamp);
    int64_t between = (int64_t)(bob->sender.ntp - eve->sender.ntp); /* 1/2^32 s */
    int64_t ticks = between * 90000 / (INT64_C(1) << 32);
    assert_in_range(at_home - at_mirror - ticks + 2, 0, 4);
}

static void what_the_mail_lost_is_told_anew(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    p->home->mail_full = true;
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    fake_client_media(ann, 0, 501, 93000, 0);
    assert_true(fake_hub_counters(p->home)->mirror_dropped >= 2);
    settle(p);
    assert_int_equal(eve->rtp_count, 0);
    p->home->mail_full = false;
    hub_expire(p->home->hub, p->home->now_us);
    settle(p);
    fake_hub_run(p->mirror, 100000);
    assert_int_equal(eve->rtp_count, 2);
}

/** A mirror does not forget what it shows before it can be told of it again. */
static void nothing_is_forgotten_before_its_time(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    settle(p);
    assert_int_equal(eve->rtp_count, 1);
    struct mirror_message again = {.type = MIRROR_JOIN, .room = p->home->room};
    hub_mirror(p->home->hub, p->home->now_us, MIRROR, &again);
    p->home->mail_limit = 2; /* "forget all tracks", the track, but not its clock */
    for (int i = 0; i < 5; i++) {
        hub_expire(p->home->hub, p->home->now_us);
        assert_int_equal(p->home->mail_count, 0);
    }
    p->home->mail_limit = 3;
    hub_expire(p->home->hub, p->home->now_us);
    assert_int_equal(p->home->mail_count, 3);
    assert_true(list_empty(&p->home->hub->stale_rooms));
    settle(p);
    assert_int_equal(map_count(p->mirror->hub->mirrored), 1);
}

/** However many packets a slow mirror leaves lying: it hears of a track that ends. */
static void packets_leave_room_for_letters(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "as vs");
    fake_client_media(ann, 1, 500, 90000, FAKE_MEDIA_KEY);
    fake_client_media(ann, 0, 500, 48000, 0);
    settle(p);
    p->home->mail_limit = LIMIT_MAIL_RESERVE + 3;
    for (uint16_t i = 1; i <= 10; i++)
        fake_client_media(ann, 1, (uint16_t)(500 + i), 90000u + 3000u * i, 0);
    hub_expire(p->home->hub, p->home->now_us);
    assert_int_equal(p->home->mail_count, 3);
    assert_int_equal(fake_hub_counters(p->home)->mirror_dropped, 7);
    hub_peer_remove(p->home->hub, p->home->now_us, &p->home->room, 1);
    assert_true(list_empty(&p->home->hub->stale_rooms));
    settle(p);
    assert_int_equal(map_count(p->mirror->hub->mirrored), 0);
}

/** More than the mail takes at a time: the tracks are told once, and what else fits. */
static void much_is_told_once(void **state)
{
    struct pair *p = *state;
    fake_hub_forget(p->mirror);
    static const char *const names[] = {"ann", "bob", "cat"};
    p->home->mail_limit = LIMIT_MAIL_RESERVE + 500;
    for (uint64_t i = 0; i < 3; i++) {
        struct fake_client *c = fake_client_join(p->home, 1 + i, names[i], "vs");
        for (uint16_t n = 0; n < 300; n++)
            fake_client_media(c, 0, (uint16_t)(500 + n), 90000u + 3000u * n,
                              n == 0 ? FAKE_MEDIA_KEY : 0);
    }
    struct mirror_message join = {.type = MIRROR_JOIN, .room = p->home->room};
    hub_mirror(p->home->hub, p->home->now_us, MIRROR, &join);
    hub_expire(p->home->hub, p->home->now_us);
    assert_true(list_empty(&p->home->hub->stale_rooms));
    settle(p);
    assert_int_equal(map_count(p->mirror->hub->mirrored), 3);
}

static void the_home_may_open_last(void **state)
{
    struct pair *p = *state;
    fake_hub_forget(p->mirror); /* nobody knew the room */
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    fake_hub_run(p->mirror, 2500000);
    settle(p);
    fake_hub_run(p->mirror, 100000);
    assert_int_equal(eve->rtp_count, 1);
    fake_hub_run(p->mirror, 300000);
    settle(p);
    fake_hub_run(p->mirror, 2500000);
    assert_int_equal(p->mirror->mail_count, 0); /* and then it keeps still */
}

/** It is about to be closed, and to be the home afterwards. */
static void a_mirror_is_nobodys_home(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    struct mirror_message join = {.type = MIRROR_JOIN, .room = p->home->room};
    hub_mirror(p->mirror->hub, p->mirror->now_us, HOME, &join);
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    settle(p);
    assert_int_equal(hub_find_room(p->mirror->hub, &p->home->room)->mirrors, 0);
}

static void say_what_the_path_carries(struct fake_client *c, uint32_t bps)
{
    uint8_t buf[100];
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, NULL, 0);
    rtcp_write_remb(&w, 1, bps, &c->rtp[0].ssrc, 1);
    fake_client_rtcp(c, &w);
}

/** Three seconds in which those who view here say what their paths carry; 0: nothing. */
static void watch(struct pair *p, struct fake_client *ann, struct fake_client *there, uint32_t bps)
{
    for (uint16_t i = 0; i < 75; i++) {
        fake_client_media(ann, 0, ann->next_seq[0]++, ann->next_timestamp[0],
                          i == 0 ? FAKE_MEDIA_KEY : 0);
        ann->next_timestamp[0] += 3600;
        settle(p);
        if (bps && i % 10 == 5)
            say_what_the_path_carries(there, bps);
        fake_hub_run(p->home, 40000);
        fake_hub_run(p->mirror, 40000);
    }
    settle(p);
}

static uint32_t hinted_bps(struct pair *p)
{
    const struct media_event *hint = fake_hub_last(p->home, MEDIA_PUBLISH_HINT);
    return hint ? hint->max_bps : 0;
}

static void publishers_hear_of_the_mirrors_viewers(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    watch(p, ann, eve, 0);
    assert_int_equal(hinted_bps(p), 0); /* nobody said anything */
    watch(p, ann, eve, 300000);
    assert_in_range(hinted_bps(p), 150000, 300000);
    fake_client_join(p->home, 2, "bob", "vr"); /* has no limit */
    watch(p, ann, eve, 300000);
    assert_int_equal(hinted_bps(p), 0);
    hub_peer_remove(p->home->hub, p->home->now_us, &p->home->room, 2);
    watch(p, ann, eve, 300000);
    assert_in_range(hinted_bps(p), 150000, 300000);
    assert_int_equal(hub_room_close(p->mirror->hub, p->mirror->now_us, &p->home->room), 0);
    settle(p);
    fake_hub_run(p->home, 1000000);
    assert_int_equal(hinted_bps(p), 0); /* and no viewer is left */
}

static void publishers_are_asked_for_what_the_mirrors_viewers_take(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *eve = fake_client_new(p->mirror, 3, "eve");
    eve->video = FAKE_VP9;
    assert_true(fake_client_offer(eve, "vr", NULL, 0));
    fake_client_connect(eve);
    fake_hub_run(p->mirror, 300000);
    settle(p);
    struct fake_client *ann = fake_client_new(p->home, 1, "ann");
    ann->video = FAKE_VP8_AND_VP9;
    assert_true(fake_client_offer(ann, "vs", NULL, 0));
    struct hub_room *r = hub_find_room(p->home->hub, &p->home->room);
    assert_int_equal(member_find(r, 1)->peer->negotiation.prefer, 1u << CODEC_VP9);
    hub_peer_remove(p->mirror->hub, p->mirror->now_us, &p->home->room, 3);
    fake_hub_run(p->mirror, 300000);
    settle(p);
    assert_true(fake_client_offer(ann, "vs", NULL, 0));
    assert_int_equal(member_find(r, 1)->peer->negotiation.prefer, 0);
}

static void tracks_end_everywhere(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    struct fake_client *eve = fake_client_join(p->mirror, 3, "eve", "vr");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    settle(p);
    assert_int_equal(eve->rtp_count, 1);
    hub_peer_remove(p->home->hub, p->home->now_us, &p->home->room, 1);
    settle(p);
    assert_int_equal(fake_hub_last(p->mirror, MEDIA_SLOT)->track, 0);
    assert_int_equal(map_count(p->mirror->hub->mirrored), 0);
}

static void either_may_close_first(void **state)
{
    struct pair *p = *state;
    settle(p);
    struct fake_client *ann = fake_client_join(p->home, 1, "ann", "vs");
    fake_client_join(p->mirror, 3, "eve", "vr");
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    settle(p);
    assert_int_equal(hub_room_close(p->mirror->hub, p->mirror->now_us, &p->home->room), 0);
    settle(p);
    fake_client_media(ann, 0, 501, 93000, 0);
    assert_int_equal(p->home->mail_count, 0);
    assert_int_equal(hub_room_mirror(p->mirror->hub, &p->home->room, HOME), 0);
    settle(p);
    assert_int_equal(map_count(p->mirror->hub->mirrored), 1);
    fake_client_media(ann, 0, 502, 96000, 0);
    assert_int_equal(hub_room_close(p->home->hub, p->home->now_us, &p->home->room), 0);
    settle(p);
    assert_int_equal(hub_room_close(p->mirror->hub, p->mirror->now_us, &p->home->room), 0);
    settle(p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(viewers_of_the_mirror_see_the_same),
        CASE(a_late_mirror_gets_the_picture_at_once),
        CASE(key_frames_are_asked_of_the_publisher),
        CASE(lip_sync_is_kept),
        CASE(what_the_mail_lost_is_told_anew),
        CASE(nothing_is_forgotten_before_its_time),
        CASE(packets_leave_room_for_letters),
        CASE(much_is_told_once),
        CASE(the_home_may_open_last),
        CASE(a_mirror_is_nobodys_home),
        CASE(publishers_hear_of_the_mirrors_viewers),
        CASE(publishers_are_asked_for_what_the_mirrors_viewers_take),
        CASE(tracks_end_everywhere),
        CASE(either_may_close_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
