// SPDX-License-Identifier: Apache-2.0
/* Asking for clips. */
#include "tests/unit/support/clip_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

void clip_request_answer(void *ctx, int er, const char *why, const json_t *body)
{
    struct clip_request *r = ctx;
    (void)why;
    r->er = er;
    r->calls++;
    if (body) {
        const char *id = json_string_value(json_object_get(body, "id"));
        const char *state = json_string_value(json_object_get(body, "state"));
        (void)snprintf(r->clip, sizeof r->clip, "%s", id ? id : "");
        (void)snprintf(r->state, sizeof r->state, "%s", state ? state : "");
    }
}

struct clip_request clip_request_start(struct world *w, const struct claims *who, const char *room,
                                       const char *publisher)
{
    struct clip_request r = {0};
    calls_clip_start(w->calls, who, room, publisher, "cup", clip_request_answer, &r);
    world_settle(w);
    assert_int_equal(r.calls, 1);
    return r;
}

struct store_clip clip_request_row(struct world *w, const char *clip)
{
    struct id id;
    struct store_clip row;
    assert_int_equal(id_parse(clip, &id), 0);
    assert_int_equal(store_clip_get(w->store, &id, &row), 0);
    return row;
}

void clip_request_consent(struct client *buyer, const struct store_case *c)
{
    client_say(buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(buyer, &c->room, "bo");
    client_forget(buyer);
}
