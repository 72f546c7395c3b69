// SPDX-License-Identifier: Apache-2.0
/* libavcodec's decoders: pictures come out one after the other, and what is none is refused. */
#include "tests/unit/record/still_bench.h"

struct fixture {
    enum media_codec codec;
    struct depack *depack;
    struct depack_frame frame; /* a key frame */
    struct still_av *decoder;
};

static int setup(void **state, enum media_codec codec)
{
    static struct fixture f;
    f = (struct fixture){.codec = codec};
    *state = &f;
    return depack_new(&f.depack);
}

static int setup_h264(void **state)
{
    return setup(state, CODEC_H264_CONSTRAINED_1);
}

static int setup_av1(void **state)
{
    return setup(state, CODEC_AV1);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    still_av_free(f->decoder);
    still_av_free(NULL);
    depack_free(f->depack);
    return 0;
}

/** The fixture with a frame and a decoder for it; not made in the setup, which must not skip. */
static struct fixture *with_frame(void **state)
{
    struct fixture *f = *state;
    make(f->codec, f->depack, &f->frame);
    assert_int_equal(still_av_new(&f->decoder, f->frame.format, f->frame.data, f->frame.len), 0);
    return f;
}

static int push(struct fixture *f, size_t len)
{
    return still_av_push(f->decoder, f->frame.data, len, true);
}

static void test_decodes(void **state)
{
    struct fixture *f = with_frame(state);
    struct still still;
    assert_int_equal(still_av_picture(f->decoder, &still), ER_AGAIN);
    assert_int_equal(push(f, f->frame.len), 0);
    assert_int_equal(still_av_picture(f->decoder, &still), 0);
    assert_is_the_pattern(&still);
    assert_true(still.quantizer == STILL_NO_QUANTIZER || still.quantizer > 0);
    /* It stays, until there is another one. */
    assert_int_equal(still_av_picture(f->decoder, &still), 0);
    assert_is_the_pattern(&still);
    assert_int_equal(push(f, f->frame.len), 0);
    assert_int_equal(still_av_picture(f->decoder, &still), 0);
    assert_is_the_pattern(&still);
}

/* H264 has it from the parameter sets, without which there is none. */
static void test_h264_needs_a_head(void **state)
{
    struct fixture *f = with_frame(state);
    struct still_av *other = NULL;
    for (size_t len = 0; len < 12; len++)
        assert_int_equal(still_av_new(&other, FORMAT_H264, f->frame.data, len), ER_MALFORMED);
    assert_null(other);
}

static void test_a_torn_frame_shows_nothing(void **state)
{
    struct fixture *f = with_frame(state);
    struct still still;
    for (size_t len = 0; len < 12; len++) {
        (void)push(f, len);
        assert_int_equal(still_av_picture(f->decoder, &still), ER_AGAIN);
    }
}

/* Torn off or changed anywhere it may be refused or shown, but does no harm, and a whole one comes out. */
static void test_damage_is_survived(void **state)
{
    struct fixture *f = with_frame(state);
    struct still still;
    if (getenv("LOUPE_VALGRIND") && f->codec == CODEC_AV1)
        skip(); /* it cannot translate the decoder's code for what such frames may have */
    uint8_t *copy = malloc(f->frame.len);
    assert_non_null(copy);
    for (size_t i = 0; i < f->frame.len; i += 1 + f->frame.len / 20) {
        memcpy(copy, f->frame.data, f->frame.len);
        copy[i] ^= 0xff;
        (void)still_av_push(f->decoder, copy, f->frame.len, true);
        (void)still_av_picture(f->decoder, &still);
        (void)push(f, i);
        (void)still_av_picture(f->decoder, &still);
    }
    free(copy);
    assert_int_equal(push(f, f->frame.len), 0);
    assert_int_equal(still_av_picture(f->decoder, &still), 0);
    assert_is_the_pattern(&still);
}

static void test_others_decode_elsewhere(void **state)
{
    (void)state;
    static const enum codec_format others[] = {FORMAT_OPUS, FORMAT_RED, FORMAT_VP8, FORMAT_VP9};
    const uint8_t bytes[64] = {0x10};
    struct still_av *decoder = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(still_av_new(&decoder, others[i], bytes, sizeof bytes), ER_UNSUPPORTED);
    assert_null(decoder);
}

int main(void)
{
#define BOTH(f)                                                                                    \
    {#f " (H264)", f, setup_h264, teardown, NULL},                                                 \
    {                                                                                              \
#f " (AV1)", f, setup_av1, teardown, NULL                                                  \
    }
    const struct CMUnitTest tests[] = {
        BOTH(test_decodes),
        BOTH(test_a_torn_frame_shows_nothing),
        BOTH(test_damage_is_survived),
        cmocka_unit_test_setup_teardown(test_h264_needs_a_head, setup_h264, teardown),
        cmocka_unit_test(test_others_decode_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
