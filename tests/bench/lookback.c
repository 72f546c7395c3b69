// SPDX-License-Identifier: Apache-2.0
/* The recorder's modules and the sealer, called as job threads and sealing threads do. */
#include "tests/bench/lookback.h"

#include <opus/opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/file.h"
#include "media/record/clip.h"
#include "server/sealer.h"
#include "tests/bench/load_film.h"

enum {
    VOICES = 2,
    SOUND_BYTES = 100,
    PAYLOAD_BYTES = 1100,
    RATE = 48000,
    SAMPLES = RATE / 50,
    ROUNDS_MAX = 99,
};
enum { BEFORE, WRITE, FINISH, SEAL, ALL, PARTS };
#define START_US UINT64_C(1700000000000000)
#define PICTURE_US UINT64_C(33333)
#define SOUND_US UINT64_C(20000)
#define STEP_US UINT64_C(200000)
#define PICTURES 9 /* the number of their track */

struct call {
    uint64_t length_us;
    struct tape_packet **packets; /* of pictures, in order */
    size_t count, size;
    uint8_t sound[SOUND_BYTES]; /* of everybody, all the time */
    uint64_t hashed, bytes;
    struct sealer *sealer;
    struct entropy entropy;
    char path[600];
};

/* What was said and shown */

static int add_packet(struct call *c, size_t picture, const uint8_t *data, size_t len,
                      unsigned flags)
{
    struct tape_packet *p = calloc(1, sizeof *p + len + 1);
    if (c->count == c->size) {
        c->size = c->size ? c->size * 2 : 1024;
        c->packets = reallocarray(c->packets, c->size, sizeof *c->packets);
    }
    if (!p || !c->packets)
        return ER_NOMEM;
    *p = (struct tape_packet){.seq = (int64_t)c->count + 1,
                              .timestamp = 90000 + (int64_t)picture * 3000,
                              .arrival_us = 1000000 + picture * PICTURE_US,
                              .payload_len = (uint16_t)(len + 1),
                              .flags = (uint16_t)flags,
                              .codec = CODEC_VP8};
    p->payload[0] = flags & TAPE_FRAME_START ? 0x10 : 0; /* RFC 7741, 4.2 */
    memcpy(p->payload + 1, data, len);
    c->packets[c->count++] = p;
    return 0;
}

static int add_picture(struct call *c, size_t picture, const uint8_t *data, size_t len)
{
    unsigned key = data[0] & 1 ? 0 : TAPE_KEY_FRAME; /* RFC 6386, 9.1 */
    for (size_t at = 0; at < len; at += PAYLOAD_BYTES) {
        size_t step = len - at < PAYLOAD_BYTES ? len - at : PAYLOAD_BYTES;
        unsigned flags = at == 0 ? TAPE_FRAME_START | key : 0;
        int er = add_packet(c, picture, data + at, step,
                            flags | (at + step == len ? TAPE_MARKER : 0));
        if (er < 0)
            return er;
    }
    return 0;
}

static int make_pictures(struct call *c, const char *path)
{
    struct load_film *film;
    int er = load_film_open(&film, path);
    for (size_t i = 0; er == 0 && i * PICTURE_US < c->length_us; i++) {
        size_t len;
        const uint8_t *data = load_film_frame(film, i, &len);
        er = add_picture(c, i, data, len);
    }
    if (er == 0)
        load_film_free(film);
    return er;
}

/** A packet of the usual size: a hum of which nothing depends on the one before. */
static int make_sound(struct call *c)
{
    int16_t pcm[SAMPLES];
    int status;
    for (int i = 0; i < SAMPLES; i++)
        pcm[i] = (int16_t)((i * 97 % 480 - 240) * 20);
    OpusEncoder *e = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &status);
    if (!e)
        return ER_NOMEM;
    (void)opus_encoder_ctl(e, OPUS_SET_VBR(0));
    (void)opus_encoder_ctl(e, OPUS_SET_BITRATE(SOUND_BYTES * 8 * 50));
    status = opus_encode(e, pcm, SAMPLES, c->sound, SOUND_BYTES);
    opus_encoder_destroy(e);
    return status == SOUND_BYTES ? 0 : ER_INTERNAL;
}

/** The packet of everybody's at `at_us`. */
static const struct tape_packet *sound_at(const struct call *c, uint64_t at_us,
                                          struct tape_packet *ret)
{
    *ret = (struct tape_packet){.seq = (int64_t)(at_us / SOUND_US) + 1,
                                .timestamp = (int64_t)(at_us / SOUND_US + 1) * SAMPLES,
                                .arrival_us = 1000000 + at_us,
                                .payload_len = SOUND_BYTES,
                                .codec = CODEC_OPUS};
    memcpy(ret->payload, c->sound, SOUND_BYTES);
    return ret;
}

/* Reading it */

/** Goes through the call by steps, for the standing mix or for a clip. */
static int go_through(const struct call *c, struct standing *s, struct clip *clip)
{
    size_t picture = 0;
    uint64_t sound_us = 0;
    int er = 0;
    struct tape_packet *packet = calloc(1, sizeof *packet + SOUND_BYTES);
    if (!packet)
        return ER_NOMEM;
    for (uint64_t now_us = STEP_US; er == 0 && now_us <= c->length_us; now_us += STEP_US) {
        for (; er == 0 && picture < c->count; picture++) {
            const struct tape_packet *p = c->packets[picture];
            uint64_t at_us = p->arrival_us - 1000000;
            if (at_us >= now_us)
                break;
            if (clip)
                er = clip_video(clip, p, START_US + at_us);
            else
                standing_video(s, PICTURES, p);
        }
        for (; er == 0 && sound_us < now_us; sound_us += SOUND_US) {
            (void)sound_at(c, sound_us, packet);
            for (uint64_t v = 0; er == 0 && v < VOICES; v++)
                er = clip ? clip_audio(clip, v, packet, START_US + sound_us)
                          : standing_audio(s, v, packet, START_US + sound_us);
        }
        if (er == 0)
            er = clip ? clip_tick(clip, START_US + now_us, 0)
                      : standing_tick(s, START_US + now_us, 0);
    }
    free(packet);
    return er;
}

static double cpu_ms(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int seal(struct call *c)
{
    struct sealer_hashes hashes;
    struct id id = id_make(START_US, &c->entropy);
    json_t *facts = json_object();
    int er = sealer_seal(c->sealer, &id, c->path, facts, START_US + c->length_us, &hashes);
    json_decref(facts);
    return er;
}

static int look_back(struct call *c, struct standing *s, double ret[PARTS])
{
    const struct clip_config config = {
        .path = c->path, .start_unix_us = START_US, .publisher = "buyer", .hurry = true};
    struct clip *clip;
    struct clip_result result = {0};
    double begin = cpu_ms();
    int er = clip_new(&clip, &config);
    if (er < 0)
        return er;
    clip_follow(clip, s);
    for (uint64_t v = 0; v < VOICES; v++)
        clip_voice(clip, v, v ? "agent" : "buyer");
    er = go_through(c, NULL, clip);
    double written = cpu_ms();
    if (er == 0)
        er = clip_finish(clip, START_US + c->length_us, &result);
    clip_free(clip);
    double finished = cpu_ms();
    if (er == 0)
        er = seal(c);
    double sealed = cpu_ms();
    ret[WRITE] = written - begin;
    ret[FINISH] = finished - written;
    ret[SEAL] = sealed - finished;
    ret[ALL] = sealed - begin;
    c->hashed = result.hashed;
    c->bytes = result.bytes;
    return er;
}

static int one_round(struct call *c, double ret[PARTS])
{
    static const char *const suffixes[] = {".webm",     ".voices.mka",    ".jpg",
                                           ".framelog", ".manifest.json", ".part"};
    struct standing *s;
    double begin = cpu_ms();
    int er = standing_new(&s, START_US - 1000000, 0, c->length_us + 1000000);
    if (er < 0)
        return er;
    er = go_through(c, s, NULL);
    ret[BEFORE] = cpu_ms() - begin;
    if (er == 0)
        er = look_back(c, s, ret);
    standing_free(s);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *name = file_name(c->path, suffixes[i]);
        if (name)
            (void)file_remove(name);
        free(name);
    }
    return er;
}

/* Figures */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const struct call *c, double all[PARTS][ROUNDS_MAX], size_t rounds)
{
    for (size_t i = 0; i < PARTS; i++)
        qsort(all[i], rounds, sizeof(double), by_size);
    size_t middle = rounds / 2;
    double seconds = (double)c->length_us / 1e6;
    printf("{\"seconds\":%.0f,\"mib\":%.2f,\"pictures_hashed_before\":%llu,\"cpu_ms\":%.1f,"
           "\"cpu_ms_least\":%.1f,\"write_ms\":%.1f,\"finish_ms\":%.1f,\"seal_ms\":%.1f,"
           "\"before_of_a_core\":%.5f}\n",
           seconds, (double)c->bytes / 1048576, (unsigned long long)c->hashed, all[ALL][middle],
           all[ALL][0], all[WRITE][middle], all[FINISH][middle], all[SEAL][middle],
           all[BEFORE][middle] / 1e3 / seconds);
}

static void call_clear(struct call *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->packets[i]);
    free(c->packets);
    sealer_free(c->sealer);
}

int lookback_main(int argc, char **argv)
{
    static double all[PARTS][ROUNDS_MAX];
    char keys[600];
    if (argc != 4)
        return 2;
    long seconds = strtol(argv[2], NULL, 10), rounds = strtol(argv[3], NULL, 10);
    if (seconds < 1 || seconds > 240 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    struct call c = {.length_us = (uint64_t)seconds * 1000000, .entropy = entropy_system()};
    (void)snprintf(c.path, sizeof c.path, "%s/clip", argv[0]);
    (void)snprintf(keys, sizeof keys, "%s/keys", argv[0]);
    const struct sealer_config config = {.keys = keys, .unix_us = START_US, .entropy = c.entropy};
    int er = make_pictures(&c, argv[1]);
    if (er == 0)
        er = make_sound(&c);
    if (er == 0)
        er = sealer_new(&c.sealer, &config);
    for (long i = 0; er == 0 && i < rounds; i++) {
        double found[PARTS];
        er = one_round(&c, found);
        for (size_t n = 0; n < PARTS; n++)
            all[n][i] = found[n];
    }
    if (er == 0)
        print(&c, all, (size_t)rounds);
    else
        fprintf(stderr, "loupe-bench: lookback: %s\n", er_name(er));
    call_clear(&c);
    return er ? 1 : 0;
}
