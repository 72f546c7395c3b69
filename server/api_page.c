// SPDX-License-Identifier: Apache-2.0
/* A page of what has numbers: what was asked for, what is found, and where the next one begins. */
#include "server/api_page.h"

#include <stdio.h>

#include "base/er.h"
#include "base/str.h"

/** An optional number of the query; false: the problem is set. */
static bool number_read(struct api_call *c, const char *name, uint64_t *value)
{
    char text[32];
    int er = http_query(c->request, name, text, sizeof text);
    if (er == ER_NOT_FOUND || (er == 0 && span_u64(span_of(text), INT64_MAX, value) == 0))
        return true;
    api_problem(c, 400, "`cursor` and `limit` are numbers");
    return false;
}

bool api_page_read(struct api_call *c, struct api_page *ret)
{
    uint64_t limit = LIMIT_PAGE_ITEMS;
    *ret = (struct api_page){0};
    if (!number_read(c, "cursor", &ret->after) || !number_read(c, "limit", &limit))
        return false;
    if (limit == 0) {
        api_problem(c, 400, "`limit` is a number from 1");
        return false;
    }
    ret->limit = limit < LIMIT_PAGE_ITEMS ? (size_t)limit : LIMIT_PAGE_ITEMS;
    ret->items = json_array();
    if (!ret->items)
        api_problem_er(c, ER_NOMEM, NULL);
    return ret->items;
}

void api_page_drop(struct api_page *p)
{
    json_decref(p->items);
    p->items = NULL;
}

bool api_page_takes(struct api_page *p, uint64_t number)
{
    p->more = json_array_size(p->items) == p->limit;
    if (!p->more)
        p->last = number;
    return !p->more;
}

void api_page_answer(struct api_call *c, int er, struct api_page *p)
{
    if (er) {
        api_page_drop(p);
        api_problem_er(c, er, NULL);
        return;
    }
    json_t *answer = json_pack("{s:o}", "items", p->items);
    p->items = NULL;
    if (answer && p->more) {
        char cursor[32];
        (void)snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)p->last);
        (void)json_object_set_new(answer, "next_cursor", json_string(cursor));
    }
    api_json(c, 200, answer);
}
