// SPDX-License-Identifier: Apache-2.0
/* The access log: who looked at which clip, still, attachment or archive, and when. It is part of the case's timeline,
 * so that no entry can be taken out; here it is written and read. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_access.h"
#include "server/api_page.h"
#include "server/http_range.h"
#include "server/store_keep.h"

bool access_is_sent(const struct api_call *c)
{
    const struct http_request *r = c->request;
    return r->method == HTTP_GET &&
           !(r->if_none_match && http_etag_listed(r->if_none_match, c->response.etag, false));
}

/** Pieces of a file that do not begin it. */
static bool goes_on(const struct api_call *c, bool *ret_nothing)
{
    const struct http_request *r = c->request;
    struct http_slice part = {0};
    bool of_another = r->if_range && !http_etag_listed(r->if_range, c->response.etag, true);
    bool whole = !r->range || of_another; /* RFC 9110, 13.1.5 */
    int er = whole ? 0 : http_range_parse(r->range, c->response.file_size, &part);
    *ret_nothing = er == ER_NOT_FOUND; /* 416 */
    return er >= 0 && part.first != 0;
}

static int append(struct store *s, struct api_call *c, const struct access *a)
{
    char type[32];
    (void)snprintf(type, sizeof type, "%s_viewed", a->object);
    json_t *data = json_pack("{s:s,s:s}", a->object, a->id->text, "what", a->what);
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, a->case_id, a->person, type, data, c->unix_us, NULL);
    json_decref(data);
    c->viewed |= er == 0;
    return er;
}

int access_tell(struct store *s, struct api_call *c, const struct access *a)
{
    bool nothing = false, told = false;
    if (!access_is_sent(c))
        return 0;
    bool later = goes_on(c, &nothing);
    uint64_t within_us = a->once_us ? a->once_us : later ? ACCESS_PIECES_US : 0;
    int er = 0;
    if (within_us && !nothing)
        er = store_viewed_since(s, a->case_id, a->object, a->id, a->what, a->person,
                                c->unix_us > within_us ? c->unix_us - within_us : 0, &told);
    return er || nothing || told ? er : append(s, c, a);
}

/* Reading it */

/** As it is answered; NULL: the event tells of no access. */
static json_t *entry_json(const struct store_event *e)
{
    const char *object = "case", *id = e->case_id.text, *what = "export";
    json_t *event = store_event_json(e), *data = json_object_get(event, "data");
    for (unsigned i = 0; i < KEPT_OBJECTS; i++) {
        const char *kept = keep_object_name((enum keep_object)i);
        if (strncmp(e->type, kept, strlen(kept)) != 0)
            continue;
        object = kept;
        id = json_string_value(json_object_get(data, object));
        what = json_string_value(json_object_get(data, "what"));
    }
    json_t *o = json_pack("{s:O,s:O,s:O,s:s,s:s,s:s}", "seq", json_object_get(event, "seq"), "at",
                          json_object_get(event, "at"), "actor", json_object_get(event, "actor"),
                          "object", object, "id", id ? id : "", "what", what ? what : "media");
    json_decref(event);
    return o;
}

static void page_add(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items, entry_json(e));
}

void api_accesses(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct api_page page;
    if (!api_page_read(c, &page))
        return;
    if (!api_case_evidence(s, c, &sc)) {
        api_page_drop(&page);
        return;
    }
    int er = store_accesses_list(s, &sc.id, page.after, page.limit + 1, page_add, &page);
    store_case_clear(&sc);
    api_page_answer(c, er, &page);
}
