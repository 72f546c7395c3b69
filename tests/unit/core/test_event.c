// SPDX-License-Identifier: Apache-2.0
/* What events own is released once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/media.h"

static void releases_what_it_owns(void **state)
{
    (void)state;
    struct media_event e = {.type = MEDIA_STATS, .sdp = strdup("v=0\r\n")};
    e.stats = calloc(1, sizeof *e.stats);
    e.stats->tracks = calloc(3, sizeof *e.stats->tracks);
    e.stats->slots = calloc(2, sizeof *e.stats->slots);
    media_event_clear(&e);
    assert_null(e.sdp);
    assert_null(e.stats);
    media_event_clear(&e); /* a second time is fine */
    media_room_stats_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(releases_what_it_owns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
