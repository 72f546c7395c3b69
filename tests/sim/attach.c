// SPDX-License-Identifier: Apache-2.0
/* Browser and node, tied together. */
#include "tests/sim/attach.h"

#include <stdlib.h>

#include "base/er.h"

static void on_send(void *ctx, const struct addr *to, const uint8_t *data, size_t len)
{
    struct attached *a = ctx;
    netsim_send(a->node, to, data, len);
}

void attached_touch(struct attached *a)
{
    netsim_timer_set(a->sim, &a->timer, browser_deadline_us(a->browser));
}

static void on_receive(void *ctx, uint64_t now_us, const struct addr *from, const uint8_t *data,
                       size_t len)
{
    struct attached *a = ctx;
    if (!a->browser)
        return;
    browser_input(a->browser, now_us, from, data, len);
    attached_touch(a);
}

static void on_timer(void *ctx, uint64_t now_us)
{
    struct attached *a = ctx;
    browser_expire(a->browser, now_us);
    attached_touch(a);
}

int attached_new(struct attached **ret, struct netsim *sim, const struct addr *address,
                 const struct netsim_link *up, const struct netsim_link *down,
                 const struct browser_config *config)
{
    struct attached *a = *ret = calloc(1, sizeof *a);
    if (!a)
        return ER_NOMEM;
    struct browser_config c = *config;
    c.send = on_send;
    c.ctx = a;
    a->sim = sim;
    a->timer = (struct netsim_timer){.fn = on_timer, .ctx = a};
    int er = netsim_add_node(sim, address, up, down, on_receive, a, &a->node);
    if (!er)
        er = browser_new(&a->browser, &c);
    if (er) {
        free(a);
        *ret = NULL;
    }
    return er;
}

void attached_free(struct attached *a)
{
    if (!a)
        return;
    netsim_timer_set(a->sim, &a->timer, HEAP_NEVER);
    netsim_silence(a->node);
    browser_free(a->browser);
    free(a);
}
