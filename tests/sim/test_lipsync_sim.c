// SPDX-License-Identifier: Apache-2.0
/* Lip-sync of a long recording of two people whose clocks run apart: from sender reports and arrivals to
 * the times of pictures and the sound of the mix. Clicks are heard where they were made, pictures
 * stand where they were taken. `./dev soak lipsync`: an hour at 40 ppm; else six minutes at 400. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <opus/opus.h>

#include "media/record/mixer.h"
#include "media/relay/reception.h"
#include "tests/unit/support/opus_source.h"

#define START_US INT64_C(1700000000000000) /* the server's clock at the beginning */
enum {
    DELAY_US = 500000, /* sound is mixed so long after */
    PICTURE_US = 500000,
    WAY_US = 30000,
    JITTER_US = 15000,
    LIMIT_US = 40000,
    FRAME = OPUS_SOURCE_FRAME
};

/** All that one person's device says is in units of its clock, which runs `ppm` fast. */
struct person {
    double ppm;
    int64_t wall_us; /* of its clock at the beginning, against ours */
    unsigned click_ms;
    struct opus_source voice;
    struct sender_clock clock;
    struct track_clock sound, picture;
    struct steady_clock steady_sound, steady_picture;
    int64_t sent, pictures, reports;
    double picture_off_us, click_off_us; /* of the last */
    int64_t clicks;
};

struct call {
    struct mixer *mixer;
    OpusDecoder *player;
    struct click_finder finder;
    struct person people[2];
    uint32_t random;
    double worst_us; /* of this minute */
};

/** What the device's clock has counted when ours has `us`. */
static double device_us(const struct person *p, double us)
{
    return us * (1 + p->ppm / 1e6);
}

static double our_us(const struct person *p, double device)
{
    return device / (1 + p->ppm / 1e6);
}

static int64_t arrival_us(struct call *c, double captured_us)
{
    c->random = c->random * 1664525u + 1013904223u;
    return START_US + (int64_t)captured_us + WAY_US + (int64_t)(c->random >> 8) % JITTER_US;
}

static int64_t timestamp_of(double device, int64_t rate)
{
    return 1000000 + (int64_t)(device * (double)rate / 1e6);
}

static void report(struct call *c, struct person *p)
{
    double at_us = (double)p->reports * 1000000 + 1000 * p->click_ms;
    double device = device_us(p, at_us);
    uint64_t ntp = ntp_from_unix_us((uint64_t)(START_US + p->wall_us + (int64_t)device));
    uint64_t came_us = (uint64_t)arrival_us(c, at_us);
    sender_clock_note(&p->clock, ntp, came_us);
    sender_clock_note_rtt(&p->clock, 2 * WAY_US, came_us);
    track_clock_note_sr(&p->sound, timestamp_of(device, 48000), ntp);
    track_clock_note_sr(&p->picture, timestamp_of(device, 90000), ntp);
    p->reports++;
}

static void speak(struct call *c, struct person *p, uint64_t id)
{
    const struct tape_packet *packet = opus_source_packet(&p->voice, p->sent, 0);
    int64_t timestamp = timestamp_of((double)p->sent * 20000, 48000);
    uint64_t target = track_clock_unix_us(&p->sound, &p->clock, 48000, timestamp);
    uint64_t unix_us = steady_clock_unix_us(&p->steady_sound, 48000, timestamp, target);
    const struct mixer_packet in = {.source = id,
                                    .seq = p->sent + 1,
                                    .timestamp = timestamp,
                                    .at_us = (int64_t)unix_us - START_US,
                                    .payload = packet->payload,
                                    .len = packet->payload_len};
    assert_int_equal(mixer_put(c->mixer, &in), 0);
    p->sent++;
}

static void show(struct person *p)
{
    double device = (double)p->pictures * PICTURE_US;
    int64_t timestamp = timestamp_of(device, 90000);
    uint64_t target = track_clock_unix_us(&p->picture, &p->clock, 90000, timestamp);
    uint64_t unix_us = steady_clock_unix_us(&p->steady_picture, 90000, timestamp, target);
    p->picture_off_us = (double)((int64_t)unix_us - START_US) - our_us(p, device);
    p->pictures++;
}

/** Whose click it is, and how far from where it was made. */
static void hear_click(struct call *c, double heard_us)
{
    for (int i = 0; i < 2; i++) {
        struct person *p = &c->people[i];
        double device = device_us(p, heard_us);
        double second = round(device / 1e6 - p->click_ms / 1000.0);
        double off_us = heard_us - our_us(p, second * 1e6 + p->click_ms * 1000.0);
        if (fabs(off_us) > 100000)
            continue;
        p->click_off_us = off_us;
        p->clicks++;
        /* Against one's own lips, and against what the other one shows. */
        for (int k = 0; k < 2; k++)
            c->worst_us = fmax(c->worst_us, fabs(off_us - c->people[k].picture_off_us));
        return;
    }
    fail_msg("a click of nobody's at %.0f us", heard_us);
}

static void listen_until(struct call *c, int64_t until_us)
{
    struct mixer_frame frame;
    int16_t pcm[FRAME * 2];
    while (mixer_next(c->mixer, until_us, &frame) == 0) {
        assert_int_equal(opus_decode(c->player, frame.data, (opus_int32)frame.len, pcm, FRAME, 0),
                         FRAME);
        int64_t click = click_find(&c->finder, pcm, FRAME);
        if (click >= 0)
            hear_click(c, (double)click / 48 * 1000);
    }
}

/** One minute; *ret is the worst difference in it. */
static void run_minute(struct call *c, int minute)
{
    for (int64_t now_us = minute * INT64_C(60000000); now_us < (minute + 1) * INT64_C(60000000);
         now_us += 10000) {
        for (int i = 0; i < 2; i++) {
            struct person *p = &c->people[i];
            while (our_us(p, (double)p->sent * 20000) <= (double)now_us) {
                if (p->reports == 0)
                    report(c, p);
                speak(c, p, (uint64_t)i + 1);
            }
            if ((double)p->reports * 1000000 + 1000 * p->click_ms <= (double)now_us)
                report(c, p);
            if (our_us(p, (double)p->pictures * PICTURE_US) <= (double)now_us)
                show(p);
        }
        if (now_us % 100000 == 0)
            listen_until(c, now_us - DELAY_US);
    }
}

static void test_stays_in_step(void **state)
{
    (void)state;
    bool hour = getenv("LOUPE_HOUR") != NULL;
    int minutes = hour ? 60 : getenv("LOUPE_VALGRIND") ? 1 : 6;
    double apart_ppm = hour ? 40 : 400, worst_us = 0;
    static struct call c;
    c = (struct call){.random = 1};
    c.people[0] = (struct person){.ppm = apart_ppm / 2, .wall_us = 3000000, .click_ms = 250};
    c.people[1] = (struct person){.ppm = -apart_ppm / 2, .wall_us = -7777777, .click_ms = 750};
    int status;
    c.player = opus_decoder_create(48000, 2, &status);
    assert_int_equal(mixer_new(&c.mixer), 0);
    for (int i = 0; i < 2; i++)
        opus_source_click(&c.people[i].voice, c.people[i].click_ms);
    for (int minute = 0; minute < minutes; minute++) {
        c.worst_us = 0;
        run_minute(&c, minute);
        if (c.worst_us >= LIMIT_US)
            fail_msg("%.1f ms apart in minute %d", c.worst_us / 1000, minute + 1);
        worst_us = fmax(worst_us, c.worst_us);
    }
    print_message("%d minutes, clocks %.0f ppm apart (%.0f ms in all): sound and pictures are %.1f "
                  "ms apart at most\n",
                  minutes, apart_ppm, minutes * 60 * apart_ppm / 1000, worst_us / 1000);
    for (int i = 0; i < 2; i++)
        assert_in_range(c.people[i].clicks, minutes * 60 - 3, minutes * 60 + 1);
    mixer_free(c.mixer);
    opus_decoder_destroy(c.player);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
