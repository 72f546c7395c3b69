// SPDX-License-Identifier: Apache-2.0
/* The log of who changed a merchant's settings and who read which case. */
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "server/api_keep.h"
#include "server/api_page.h"
#include "server/store_log.h"

void api_case_was_read(struct store *s, struct api_call *c, const struct store_case *sc)
{
    bool added;
    int er = store_log_daily(s, sc->merchant, c->claims.identity, "case_read", sc->id.text,
                             c->unix_us, &added);
    if (er)
        log_event(c->app->log, LOG_ERROR, "read_unlogged", "case=%s er=%s", sc->id.text,
                  er_name(er));
}

static void entry_add(void *ctx, const struct store_log_entry *e)
{
    struct api_page *page = ctx;
    char at[CLOCK_TEXT_BYTES];
    if (!api_page_takes(page, e->seq))
        return;
    clock_format(e->at_us, at);
    (void)json_array_append_new(page->items,
                                json_pack("{s:I,s:s,s:s,s:s,s:s,s:O}", "seq", (json_int_t)e->seq,
                                          "at", at, "actor", e->actor, "action", e->action,
                                          "subject", e->subject, "data", e->data));
}

void api_log(struct store *s, struct api_call *c)
{
    struct api_page page;
    bool may = c->claims.role == ROLE_SUPERVISOR || c->claims.role == ROLE_SERVICE;
    if (!api_role_may(c, may, "the log is for supervisor and service") ||
        !api_role_may(c, !claims_is_bound(&c->claims),
                      "a token for one case or room says nothing about the others") ||
        !api_page_read(c, &page))
        return;
    int er = store_log_list(s, c->claims.merchant, page.after, page.limit + 1, entry_add, &page);
    api_page_answer(c, er, &page);
}
