// SPDX-License-Identifier: Apache-2.0
/* The timeline of a case, and the figures over many. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_page.h"
#include "server/case_deeds.h"
#include "server/store_record.h"

static void page_add_whole(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items, store_event_json_internal(e));
}

/** To which cases this one is linked is for those who see them all. */
static void page_add_of_this(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    bool link = strcmp(e->type, "case_linked") == 0 || strcmp(e->type, "case_unlinked") == 0;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items,
                                    link ? store_event_json(e) : store_event_json_internal(e));
}

static void page_add(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items, store_event_json(e));
}

void api_timeline(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct api_page page;
    if (!api_page_read(c, &page))
        return;
    if (!api_case_evidence(s, c, &sc)) {
        api_page_drop(&page);
        return;
    }
    api_case_was_read(s, c, &sc);
    bool all = !claims_is_bound(&c->claims) && !role_describe(c->claims.role)->rules;
    int er = store_events_list(s, &sc.id, page.after, page.limit + 1,
                               !case_role_sees_internal(c->claims.role) ? page_add
                               : all                                    ? page_add_whole
                                                                        : page_add_of_this,
                               &page);
    store_case_clear(&sc);
    api_page_answer(c, er, &page);
}
