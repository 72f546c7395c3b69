// SPDX-License-Identifier: Apache-2.0
/* `/ws` on libwebsockets: whole messages in, one frame per writeable callback out. What they mean
 * and when a connection ends is decided by the session table. */
#include "signaling/ws.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/er.h"
#include "base/limits.h"

#define CLOSE_SECONDS 5    /* for what is queued before a close */
#define SCRATCH_KEPT 16384 /* a larger buffer is given back after use */
#define ORIGIN_BYTES 512

struct ws {
    struct ws_config config;
    unsigned char *scratch; /* LWS_PRE bytes, then a frame */
    size_t scratch_size;
};

/** What lws keeps for each connection; zeroed by it. */
struct conn {
    struct ws *ws;
    struct lws *wsi;
    struct link *link;
    char *rx;
    size_t rx_len;
    bool too_long;
    bool closing; /* the timeout of the close is running */
};

static void wake(void *user)
{
    struct conn *c = user;
    enum link_state state = c->link ? link_state(c->link) : LINK_OPEN;
    if (state == LINK_DEAD) {
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
        return;
    }
    if (state == LINK_CLOSING && !c->closing) {
        c->closing = true;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_SECONDS);
    }
    lws_callback_on_writable(c->wsi);
}

int ws_new(struct ws **ret, const struct ws_config *config)
{
    *ret = calloc(1, sizeof **ret);
    if (!*ret)
        return ER_NOMEM;
    (*ret)->config = *config;
    sessions_set_wake(config->sessions, wake);
    return 0;
}

void ws_free(struct ws *ws)
{
    if (!ws)
        return;
    free(ws->scratch);
    free(ws);
}

static int close_with(struct lws *wsi, unsigned code, const char *reason, size_t len)
{
    lws_close_reason(wsi, (enum lws_close_status)code, (unsigned char *)(uintptr_t)reason, len);
    return -1;
}

static int on_filter(struct ws *ws, struct lws *wsi)
{
    if (!ws->config.origin_allowed)
        return 0;
    char origin[ORIGIN_BYTES] = "", host[ORIGIN_BYTES] = "";
    bool has = lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0;
    if (has && lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) < 0)
        return -1;
    if (lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) < 0)
        return -1;
    return ws->config.origin_allowed(ws->config.ctx, has ? origin : NULL, host) ? 0 : -1;
}

/** Its address; "" where a proxy stands before it, which says so by one of these. */
static void from_of(struct lws *wsi, char ret[ADDR_TEXT_BYTES])
{
    static const char *const names[] = {"forwarded:", "x-forwarded-host:"};
    bool forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                     lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0 ||
                     lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        forwarded |= lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) > 0;
    char text[64] = "";
    struct addr addr;
    (void)lws_get_peer_simple(wsi, text, sizeof text);
    ret[0] = '\0';
    if (!forwarded && addr_parse_ip(text, 0, &addr) == 0)
        addr_format_ip(&addr, ret);
}

static int on_established(struct ws *ws, struct lws *wsi, struct conn *c)
{
    *c = (struct conn){.ws = ws, .wsi = wsi};
    c->link = link_open(ws->config.sessions, c, clock_now_us());
    char from[ADDR_TEXT_BYTES];
    from_of(wsi, from);
    if (c->link)
        link_set_from(c->link, from);
    return c->link ? 0 : close_with(wsi, LINK_CLOSE_LATER, "full", 4);
}

static void on_message(struct conn *c)
{
    char *text = c->rx;
    size_t len = c->rx_len;
    c->rx = NULL;
    c->rx_len = 0;
    link_on_text(c->link, text ? text : "", len, clock_now_us());
    free(text);
}

static int on_receive(struct lws *wsi, struct conn *c, const void *data, size_t len)
{
    if (!c->link || c->too_long)
        return 0;
    if (lws_frame_is_binary(wsi)) {
        link_fail(c->link, LINK_CLOSE_BINARY);
        return 0;
    }
    if (len > LIMIT_WS_FRAME - c->rx_len) {
        c->too_long = true;
        link_fail(c->link, LINK_CLOSE_TOO_BIG);
        return 0;
    }
    if (len) {
        char *grown = realloc(c->rx, c->rx_len + len);
        if (!grown)
            return close_with(wsi, LINK_CLOSE_INTERNAL, "memory", 6);
        memcpy(grown + c->rx_len, data, len);
        c->rx = grown;
        c->rx_len += len;
    }
    if (lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi))
        on_message(c);
    return 0;
}

static int write_frame(struct ws *ws, struct lws *wsi, const struct link_frame *frame)
{
    size_t need = LWS_PRE + frame->len;
    if (need > ws->scratch_size) {
        unsigned char *grown = realloc(ws->scratch, need);
        if (!grown)
            return -1;
        ws->scratch = grown;
        ws->scratch_size = need;
    }
    if (frame->len)
        memcpy(ws->scratch + LWS_PRE, frame->data, frame->len);
    enum lws_write_protocol how = frame->type == LINK_PING ? LWS_WRITE_PING : LWS_WRITE_TEXT;
    int written = lws_write(wsi, ws->scratch + LWS_PRE, frame->len, how);
    if (ws->scratch_size > SCRATCH_KEPT) {
        free(ws->scratch);
        ws->scratch = NULL;
        ws->scratch_size = 0;
    }
    return written < (int)frame->len ? -1 : 0;
}

static int on_writeable(struct ws *ws, struct lws *wsi, struct conn *c)
{
    struct link_frame frame;
    if (!c->link)
        return 0;
    if (link_state(c->link) == LINK_DEAD)
        return -1;
    if (!link_next(c->link, &frame))
        return 0;
    if (frame.type == LINK_CLOSE)
        return close_with(wsi, frame.code, frame.data, frame.len);
    if (write_frame(ws, wsi, &frame) < 0)
        return -1;
    if (link_has_next(c->link))
        lws_callback_on_writable(wsi);
    return 0;
}

static void on_closed(struct conn *c)
{
    if (c->link)
        link_gone(c->link, clock_now_us());
    free(c->rx);
    *c = (struct conn){0};
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    struct ws *ws = protocol ? protocol->user : NULL;
    struct conn *c = user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return ws ? on_filter(ws, wsi) : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return ws ? on_established(ws, wsi, c) : -1;
    case LWS_CALLBACK_RECEIVE:
        return on_receive(wsi, c, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
        if (c->link)
            link_on_pong(c->link, in, len, clock_now_us());
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return ws ? on_writeable(ws, wsi, c) : -1;
    case LWS_CALLBACK_CLOSED:
        on_closed(c);
        return 0;
    default:
        return 0;
    }
}

struct lws_protocols ws_protocol(struct ws *ws)
{
    return (struct lws_protocols){.name = WS_PROTOCOL_NAME,
                                  .callback = on_event,
                                  .per_session_data_size = sizeof(struct conn),
                                  .rx_buffer_size = 4096,
                                  .user = ws};
}
