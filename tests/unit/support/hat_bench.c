// SPDX-License-Identifier: Apache-2.0
/* The case of a hat. */
#include "tests/unit/support/hat_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/sealer.h"

struct store_still hat_still(struct api_bench *b, const struct store_case *of, const char *sha)
{
    struct store_still s = {.case_id = of->id, .room = of->room, .kind = "still"};
    (void)str_copy(s.taken_by, sizeof s.taken_by, "ann");
    (void)snprintf(s.path, sizeof s.path, "%s/sample", b->w.data);
    assert_int_equal(store_still_add(b->w.store, &s, b->unix_us), 0);
    s.at_us = b->unix_us;
    (void)str_copy(s.sha256, sizeof s.sha256, sha);
    (void)str_copy(s.facts, sizeof s.facts, "{}");
    assert_int_equal(store_still_finish(b->w.store, &s, b->unix_us), 0);
    return s;
}

int hat_ask(struct hat_bench *b, void (*handler)(struct store *s, struct api_call *c),
            enum role role, const char *who, const char *param, const char *body)
{
    return api_on_store(&b->api, handler,
                        (struct api_ask){.role = role,
                                         .who = who,
                                         .of_case = &b->hat.id,
                                         .jti = b->jti,
                                         .method = HTTP_POST,
                                         .param = {b->hat.id.text, param},
                                         .body = body});
}

int hat_setup(void **state)
{
    struct hat_bench *b = calloc(1, sizeof *b);
    struct store_case *c = &b->hat;
    bool repeated;
    assert_non_null(b);
    api_bench_start(&b->api);
    char keys[80];
    (void)snprintf(keys, sizeof keys, "%s/keys", b->api.w.data);
    const struct sealer_config seal = {
        .keys = keys, .unix_us = b->api.unix_us, .entropy = b->api.w.entropy};
    assert_int_equal(sealer_new(&b->api.app.sealer, &seal), 0);
    struct api_ask hats = {
        .role = ROLE_SERVICE, .method = HTTP_PUT, .param = {"hats"}, .body = HATS};
    assert_int_equal(api_on_store(&b->api, api_checklist_put, hats), 201);
    *c = (struct store_case){.kind = CASE_AUTHENTICATION, .merchant = "default"};
    (void)str_copy(c->title, sizeof c->title, "a hat");
    (void)str_copy(c->buyer, sizeof c->buyer, "lin");
    (void)str_copy(c->buyer_name, sizeof c->buyer_name, "Lin");
    c->more = json_pack("{s:s}", "category", "Hat");
    assert_int_equal(
        store_case_create(b->api.w.store, c, "shop", "k", NULL, NULL, b->api.unix_us, &repeated),
        0);
    store_case_clear(c);
    b->still = hat_still(&b->api, c, SHA);
    b->foreign = hat_still(&b->api, &b->api.sc, SHA);
    *state = b;
    return 0;
}

int hat_teardown(void **state)
{
    struct hat_bench *b = *state;
    sealer_free(b->api.app.sealer);
    api_bench_stop(&b->api);
    free(b);
    return 0;
}

int hat_point(struct hat_bench *b, const char *name, const char *format)
{
    char body[400];
    (void)snprintf(body, sizeof body, format, b->still.id.text);
    return hat_ask(b, api_examination_point, ROLE_APPRAISER, "ann", name, body);
}

int hat_verdict(struct hat_bench *b, enum role role, const char *body)
{
    return hat_ask(b, api_case_act, role, "ann", "verdict", body);
}

void hat_fill(struct hat_bench *b)
{
    assert_int_equal(
        hat_point(b, "label",
                  "{'evidence':[{'still':'%s'}],'judgement':'consistent','note':'Fits.'}"),
        200);
    assert_int_equal(hat_point(b, "seam", "{'judgement':'not_applicable','note':'It has none.'}"),
                     200);
}
