// SPDX-License-Identifier: Apache-2.0
/* The bounds other code relies on being of a certain form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

static void ring_sizes_are_powers_of_two(void **state)
{
    (void)state;
    const unsigned sizes[] = {LIMIT_TAPE_VIDEO_PACKETS, LIMIT_TAPE_AUDIO_PACKETS, LIMIT_TAPE_FRAMES,
                              LIMIT_SENT_HISTORY, LIMIT_SLAB_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(sizes[i] & (sizes[i] - 1), 0);
}

static void smaller_things_fit_into_larger(void **state)
{
    (void)state;
    assert_true(LIMIT_RTP_PACKET < LIMIT_DATAGRAM);
    assert_true(LIMIT_DTLS_MTU < LIMIT_DATAGRAM);
    assert_true(LIMIT_SDP_BYTES < LIMIT_WS_FRAME);
    assert_true(LIMIT_CHAT_BYTES < LIMIT_WS_FRAME);
    assert_true(LIMIT_GOP_PACKETS < LIMIT_TAPE_VIDEO_PACKETS);
    assert_true(LIMIT_PEERS_PER_ROOM <= LIMIT_PEERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_sizes_are_powers_of_two),
        cmocka_unit_test(smaller_things_fit_into_larger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
