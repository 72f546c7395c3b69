// SPDX-License-Identifier: Apache-2.0
/* What the disk did not take: tried again, later each time, and at the next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/clip_request.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

/** What the disk did not take is tried again, later each time, and nobody hears of tries that fail. */
static void test_full_disk_is_tried_again(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    clip_request_consent(&buyer, &c);
    fake_media_manual_clips(w.media);
    struct clip_request r = clip_request_start(&w, &agent, c.room.text, "bo");
    struct media_event e = {.type = MEDIA_CLIP_FAILED, .er = ER_IO};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    fake_media_say(w.media, &e);
    world_pass(&w, 4000);
    assert_int_equal(clip_request_row(&w, r.clip).state, CLIP_FAILED);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 0);
    world_pass(&w, 2000);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 1);
    client_forget(&buyer);
    fake_media_say(w.media, &e);
    world_pass(&w, 8000);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 1);
    assert_false(client_has(&buyer, "clip"));
    assert_int_equal(world_events(&w, &c.id, "clip_failed"), 1);
    world_pass(&w, 4000);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 2);
    e = (struct media_event){
        .type = MEDIA_CLIP_READY, .clip = e.clip, .result = {.duration_ms = 5, .repaired = true}};
    fake_media_say(w.media, &e);
    world_pass(&w, 1000);
    assert_string_equal(text_at(client_expect(&buyer, "clip"), "clip.state"), "ready");
    assert_int_equal(clip_request_row(&w, r.clip).state, CLIP_READY);
    assert_string_equal(clip_request_row(&w, r.clip).reason, "");
    world_pass(&w, 100000);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 2);
    client_free(&buyer);
    world_stop(&w);
}

/** Only clips of which something was kept are tried at the start. */
static void test_failed_ones_at_the_start(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    clip_request_consent(&buyer, &c);
    fake_media_manual_clips(w.media);
    struct media_event e = {.type = MEDIA_CLIP_FAILED, .er = ER_IO};
    for (int i = 0; i < 2; i++) {
        struct clip_request r = clip_request_start(&w, &agent, c.room.text, "bo");
        assert_int_equal(id_parse(r.clip, &e.clip), 0);
        fake_media_say(w.media, &e);
        world_settle(&w);
    }
    char part[STORE_PATH_BYTES + 8];
    (void)snprintf(part, sizeof part, "%s.part", clip_request_row(&w, e.clip.text).path);
    FILE *f = fopen(part, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    client_cut(&buyer);
    world_restart(&w);
    world_settle(&w);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 1);
    assert_non_null(strstr(fake_media_last(w.media, "clip_repair"), e.clip.text));
    assert_int_equal(remove(part), 0);
    client_free(&buyer);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk_is_tried_again),
        cmocka_unit_test(test_failed_ones_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
