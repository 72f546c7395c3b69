// SPDX-License-Identifier: Apache-2.0
/* The WebSocket door's face; what it does on real connections is tested in tests/net/ws.test.mjs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/ws.h"
#include "tests/unit/support/talk.h"

static void test_protocol(void **state)
{
    (void)state;
    struct talk t;
    struct ws *ws;
    talk_start(&t);
    const struct ws_config config = {.sessions = t.table};
    assert_int_equal(ws_new(&ws, &config), 0);
    struct lws_protocols protocol = ws_protocol(ws);
    assert_string_equal(protocol.name, "loupe.v1");
    assert_ptr_equal(protocol.user, ws);
    assert_non_null(protocol.callback);
    assert_true(protocol.per_session_data_size > 0);
    ws_free(ws);
    ws_free(NULL);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_protocol)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
