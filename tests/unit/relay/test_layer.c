// SPDX-License-Identifier: Apache-2.0
/* Layers: what passes where, how VP8's pictures are numbered, what layers cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/relay/layer.h"

static struct layer_aim aim_at(int8_t spatial, int8_t temporal)
{
    return (struct layer_aim){.encoding = 0, .spatial = spatial, .temporal = temporal};
}

static bool passes(struct layer_filter *f, struct layer_aim aim, int64_t picture, uint8_t spatial,
                   uint8_t temporal, uint16_t flags)
{
    const struct tape_packet p = {.timestamp = picture * 3000,
                                  .spatial_id = spatial,
                                  .temporal_id = temporal,
                                  .flags = flags};
    return layer_filter_passes(f, &aim, &p);
}

static void fewer_layers_from_the_next_picture_on(void **state)
{
    (void)state;
    struct layer_filter f;
    struct layer_aim all = LAYER_AIM_BEST, one = aim_at(0, 0);
    layer_filter_begin(&f, &all);
    assert_true(passes(&f, all, 1, 0, 0, TAPE_FRAME_START | TAPE_KEY_FRAME));
    assert_true(passes(&f, all, 1, 2, 0, 0));
    assert_true(passes(&f, all, 2, 0, 2, 0));
    assert_true(passes(&f, one, 2, 2, 2, 0)); /* what has begun is finished */
    assert_false(passes(&f, one, 3, 0, 1, 0));
    assert_false(passes(&f, one, 3, 1, 0, 0));
    assert_true(passes(&f, one, 3, 0, 0, 0));
    assert_true(passes(&f, one, 2, 0, 2, 0)); /* late, but the rest of it passed */
    assert_true(passes(&f, all, 4, 0, 1, TAPE_LAYER_SYNC));
    assert_false(passes(&f, all, 3, 0, 1, 0));
    assert_true(passes(&f, one, 5, 0, 0, 0));
    assert_false(passes(&f, one, 3, 0, 1, 0));
    assert_true(passes(&f, one, 4, 0, 1, 0));
}

static void of_a_key_frame_nothing_is_left_out(void **state)
{
    (void)state;
    struct layer_filter f;
    struct layer_aim keys = aim_at(0, -1);
    layer_filter_begin(&f, &keys);
    assert_true(passes(&f, keys, 1, 0, 0, TAPE_FRAME_START | TAPE_KEY_FRAME));
    assert_true(passes(&f, keys, 1, 0, 0, 0));
    assert_false(passes(&f, keys, 2, 0, 0, TAPE_FRAME_START));
    assert_false(passes(&f, keys, 2, 0, 0, 0));
    assert_true(passes(&f, keys, 3, 0, 0, 0)); /* its first packet is missing */
    assert_true(passes(&f, keys, 3, 0, 0, TAPE_FRAME_START | TAPE_KEY_FRAME));
    assert_true(passes(&f, keys, 3, 0, 0, 0));
    assert_false(passes(&f, keys, 2, 0, 0, 0));
}

static void more_temporal_layers_where_they_can_be_joined(void **state)
{
    (void)state;
    struct layer_filter f;
    struct layer_aim all = LAYER_AIM_BEST, one = aim_at(0, 0);
    layer_filter_begin(&f, &one);
    assert_true(passes(&f, one, 1, 0, 0, TAPE_KEY_FRAME));
    assert_false(passes(&f, all, 2, 0, 1, 0));
    assert_false(passes(&f, all, 3, 0, 2, TAPE_LAYER_SYNC)); /* one at a time */
    assert_true(passes(&f, all, 4, 0, 1, TAPE_LAYER_SYNC));
    assert_false(passes(&f, all, 5, 0, 2, 0));
    assert_true(passes(&f, all, 6, 0, 2, TAPE_LAYER_SYNC));
    layer_filter_begin(&f, &one);
    assert_true(passes(&f, all, 7, 0, 0, TAPE_SWITCH_UP)); /* VP9: all of them, from here on */
    assert_true(passes(&f, all, 8, 0, 2, 0));
    layer_filter_begin(&f, &one);
    assert_false(passes(&f, one, 9, 0, 1, TAPE_NON_REFERENCE));
    assert_true(passes(&f, all, 10, 0, 1, TAPE_NON_REFERENCE));
    layer_filter_begin(&f, &one);
    assert_false(passes(&f, all, 9, 0, 1, TAPE_SWITCH_UP));
    assert_true(passes(&f, all, 10, 0, 0, TAPE_KEY_FRAME));
    assert_true(passes(&f, all, 11, 0, 2, 0));
}

static void more_spatial_layers_at_key_pictures(void **state)
{
    (void)state;
    struct layer_filter f;
    struct layer_aim one = aim_at(0, LAYER_BEST), two = aim_at(1, LAYER_BEST);
    layer_filter_begin(&f, &one);
    assert_true(passes(&f, one, 1, 0, 0, TAPE_KEY_FRAME));
    assert_false(passes(&f, one, 1, 1, 0, TAPE_INDEPENDENT));
    assert_true(passes(&f, two, 2, 0, 0, 0));
    assert_false(passes(&f, two, 2, 1, 0, 0));
    assert_true(passes(&f, two, 3, 0, 0, TAPE_KEY_FRAME | TAPE_INDEPENDENT));
    assert_true(passes(&f, two, 3, 1, 0, TAPE_INDEPENDENT));
    assert_false(passes(&f, two, 3, 2, 0, TAPE_INDEPENDENT)); /* not aimed at */
    assert_true(passes(&f, two, 4, 1, 0, 0));
    /* The key picture's first packet is lost, but its second layer says that it is one. */
    layer_filter_begin(&f, &one);
    assert_true(passes(&f, two, 5, 1, 0, TAPE_INDEPENDENT));
}

static void the_marker_stands_on_the_last_that_passes(void **state)
{
    (void)state;
    struct layer_filter f = {.spatial = 1};
    struct tape_packet p = {.flags = TAPE_LAYER_END, .spatial_id = 0};
    assert_false(layer_filter_marks(&f, &p));
    p.spatial_id = 1;
    assert_true(layer_filter_marks(&f, &p));
    p.flags = 0;
    assert_false(layer_filter_marks(&f, &p));
    p.flags = TAPE_MARKER;
    assert_true(layer_filter_marks(&f, &p));
}

/* VP8: the third byte of the payload tells whether numbers have 7 bits or 15. */
struct picture {
    _Alignas(struct tape_packet) uint8_t bytes[sizeof(struct tape_packet) + 8];
};

static const struct tape_packet *head_of(const struct picture *p)
{
    return (const struct tape_packet *)(const void *)p->bytes;
}

static struct picture picture_of(uint16_t number, uint8_t tl0, bool wide)
{
    struct picture p = {{0}};
    struct tape_packet *head = (struct tape_packet *)(void *)p.bytes;
    head->payload_len = 3;
    head->flags = TAPE_HAS_PICTURE_ID | TAPE_HAS_TL0_INDEX;
    head->picture_id = number;
    head->tl0_index = tl0;
    head->payload[2] = wide ? 0x80 : 0;
    return p;
}

static void expect_picture(struct picture_map *m, struct picture p, uint16_t number, uint8_t tl0)
{
    uint16_t got;
    uint8_t got_tl0;
    picture_map_pass(m, head_of(&p), &got, &got_tl0);
    assert_int_equal(got, number);
    assert_int_equal(got_tl0, tl0);
}

static void drop_picture(struct picture_map *m, struct picture p)
{
    picture_map_drop(m, head_of(&p));
}

static void pictures_left_out_leave_no_gap(void **state)
{
    (void)state;
    struct picture_map m = {0};
    picture_map_begin(&m);
    drop_picture(&m, picture_of(32764, 0, true)); /* before anything passed */
    expect_picture(&m, picture_of(32765, 254, true), 32765, 254);
    drop_picture(&m, picture_of(32766, 254, true));
    drop_picture(&m, picture_of(32766, 254, true)); /* its second packet */
    expect_picture(&m, picture_of(32767, 255, true), 32766, 255);
    drop_picture(&m, picture_of(0, 255, true));
    expect_picture(&m, picture_of(2, 0, true), 0, 0); /* 1 is missing */
    expect_picture(&m, picture_of(1, 255, true), 32767, 255);
    expect_picture(&m, picture_of(2, 0, true), 0, 0);
    expect_picture(&m, picture_of(32767, 255, true), 32766, 255); /* a late packet */
}

static void pictures_go_on_over_switches(void **state)
{
    (void)state;
    struct picture_map m = {0};
    picture_map_begin(&m);
    expect_picture(&m, picture_of(500, 20, true), 500, 20);
    expect_picture(&m, picture_of(501, 21, true), 501, 21);
    picture_map_begin(&m);
    picture_map_begin(&m); /* nothing of this one came */
    expect_picture(&m, picture_of(7000, 200, true), 502, 22);
    drop_picture(&m, picture_of(7001, 200, true));
    expect_picture(&m, picture_of(7002, 201, true), 503, 23);
    picture_map_begin(&m);
    expect_picture(&m, picture_of(100, 3, false), 504, 24);
}

static void short_numbers_wrap(void **state)
{
    (void)state;
    struct picture_map m = {0};
    picture_map_begin(&m);
    uint16_t want = 120;
    for (unsigned i = 120; i < 1000; i++) {
        struct picture p = picture_of(i & 0x7f, 0, false);
        uint16_t got;
        uint8_t tl0;
        if (i % 5 == 4) {
            drop_picture(&m, p);
            continue;
        }
        picture_map_pass(&m, head_of(&p), &got, &tl0);
        assert_int_equal(got & 0x7f, want++ & 0x7f);
    }
}

static void rates_by_layer(void **state)
{
    (void)state;
    struct layer_meter m = {0};
    assert_int_equal(layer_meter_bps(&m, 1000000, 0, 0), 0);
    /* 100 packets a second of 970 + 30 bytes, every second one of temporal layer 1. */
    for (unsigned i = 0; i < 20; i++) {
        const struct tape_packet p = {.payload_len = 970, .temporal_id = i % 2};
        layer_meter_note(&m, 1000000 + i * 10000u, &p);
    }
    assert_in_range(layer_meter_bps(&m, 1200000, 0, 0), 390000, 410000); /* not for long yet */
    for (unsigned i = 20; i < 200; i++) {
        const struct tape_packet p = {.payload_len = 970, .temporal_id = i % 2};
        layer_meter_note(&m, 1000000 + i * 10000u, &p);
    }
    assert_in_range(layer_meter_bps(&m, 3000000, 0, 0), 390000, 410000);
    assert_in_range(layer_meter_bps(&m, 3000000, 0, 1), 390000, 410000);
    assert_int_equal(layer_meter_bps(&m, 3000000, 1, 0), 0);
    const struct tape_packet high = {.payload_len = 970, .spatial_id = 200, .temporal_id = 200};
    for (unsigned i = 200; i < 400; i++)
        layer_meter_note(&m, 1000000 + i * 10000u, &high);
    assert_in_range(
        layer_meter_bps(&m, 5000000, LIMIT_SPATIAL_LAYERS - 1, LIMIT_TEMPORAL_LAYERS - 1), 600000,
        800000);
    assert_true(layer_meter_bps(&m, 5000000, 0, 0) < 60000); /* fades */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_layers_from_the_next_picture_on),
        cmocka_unit_test(of_a_key_frame_nothing_is_left_out),
        cmocka_unit_test(more_temporal_layers_where_they_can_be_joined),
        cmocka_unit_test(more_spatial_layers_at_key_pictures),
        cmocka_unit_test(the_marker_stands_on_the_last_that_passes),
        cmocka_unit_test(pictures_left_out_leave_no_gap),
        cmocka_unit_test(pictures_go_on_over_switches),
        cmocka_unit_test(short_numbers_wrap),
        cmocka_unit_test(rates_by_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
