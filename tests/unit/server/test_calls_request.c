// SPDX-License-Identifier: Apache-2.0
/* Every word of the protocol that a client may say has somebody who answers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"

/** What each needs to be understood at all; the others need nothing. */
static const char *const members[PROTO_TYPES] = {
    [PROTO_JOIN] = ",'case':'01kc0h5v3n8q2w4x6y7z9abcde'",
    [PROTO_MEDIA_STATE] = ",'audio':true,'video':true",
    [PROTO_CONSENT] = ",'recording':true",
    [PROTO_CHAT] = ",'text':'x'",
    [PROTO_OFFER] = ",'sdp':'x'",
    [PROTO_VIEW] = ",'mid':'0'",
    [PROTO_PHOTOGRAPH_FAILED] = ",'photo':'01kc0h5v3n8q2w4x6y7z9abcde'",
    [PROTO_CAMERA] = ",'of':'bo','wish':{'torch':true}",
    [PROTO_CAMERA_STATE] = ",'state':{}",
    [PROTO_POINTER] = ",'of':'bo'",
    [PROTO_DRAW] = ",'of':'bo','shape':{}",
    [PROTO_UNDO] = ",'of':'bo'",
    [PROTO_CLEAR] = ",'of':'bo'",
    [PROTO_FREEZE] = ",'of':'bo','on':false",
    [PROTO_AVAILABLE] = ",'on':false",
    [PROTO_ACCEPT] = ",'reservation':'01kc0h5v3n8q2w4x6y7z9abcde'",
    [PROTO_DECLINE] = ",'reservation':'01kc0h5v3n8q2w4x6y7z9abcde'",
    [PROTO_ACT] = ",'action':'close'",
};

static void test_all_are_answered(void **state)
{
    struct in_room *in = *state;
    for (unsigned type = 0; type < PROTO_TYPES; type++) {
        if (type == PROTO_HELLO || type == PROTO_PING || type == PROTO_BYE)
            continue; /* the table of sessions answers those */
        const char *name = proto_type_name(type);
        client_forget(&in->buyer);
        world_pass(&in->w, 1000);
        client_say(&in->buyer, "{'type':'%s','id':'%s'%s}", name, name,
                   members[type] ? members[type] : "");
        if (client_has(&in->buyer, "error")) {
            json_t *error = client_expect(&in->buyer, "error");
            const char *code = text_at(error, "code");
            if (strcmp(code, "unsupported") == 0 || strcmp(code, "unknown_type") == 0)
                fail_msg("%s: %s", name, text_at(error, "message"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_are_answered, room_setup, room_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
