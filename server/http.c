// SPDX-License-Identifier: Apache-2.0
/* The listening side and the loop: libwebsockets' callbacks, which exchange belongs to which
 * connection, upgrades, watched descriptors. */
#include "server/http.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/er.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "server/http_direct.h"
#include "server/http_exchange.h"

#define WATCHES_MAX 8
#define HEADER_BYTES 16384
#define HEADER_SECONDS 5 /* for the whole head of a request */
#define WS_PATH "/ws"
#define WS_NAME "loupe.v1"
#define TICK_LEAST_US 500 /* between two looks at what is due */
#define TICK_MOST_US 60000000
#define STALL_SECONDS 30 /* a client that takes in nothing for so long is cut */

struct watch {
    int fd;
    void (*on_readable)(void *ctx);
    void *ctx;
};

struct http {
    struct http_config config;
    char iface[ADDR_TEXT_BYTES];
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[4];
    struct http_files *files;
    struct map *exchanges; /* by number */
    uint64_t last_number;
    struct watch watches[WATCHES_MAX];
    size_t watch_count;
    lws_sorted_usec_list_t timer;
    struct http_counters counters;
    size_t connections_max;
    bool draining;
    bool stop;
    bool ending;
};

/** What libwebsockets keeps for each connection. */
struct connection {
    struct exchange *exchange;
};

static struct http *http_of(struct lws *wsi)
{
    struct lws_context *context = lws_get_context(wsi);
    return context ? lws_context_user(context) : NULL;
}

/** The connection is done with its exchange; a piece under way keeps it a while. */
static void exchange_leave(struct http *h, struct connection *c)
{
    struct exchange *x = c->exchange;
    c->exchange = NULL;
    if (!x)
        return;
    (void)map_remove_u64(h->exchanges, x->number);
    x->wsi = NULL;
    if (!x->piece_asked)
        exchange_free(x);
}

static void count_answer(struct http *h, const struct exchange *x)
{
    int hundreds = x->response.status / 100;
    if (hundreds >= 0 && hundreds < 6)
        h->counters.responses[hundreds]++;
    if (x->refused)
        h->counters.bad_requests++;
}

static void hand_over(struct http *h, struct exchange *x)
{
    struct http_request *r = x->request;
    x->request = NULL;
    h->counters.requests++;
    if (!r->body)
        r->body = calloc(1, 1);
    /* What follows waits until this is answered. */
    (void)lws_rx_flow_control(x->wsi, 0);
    h->config.on_request(h->config.ctx, r);
}

static int on_head(struct http *h, struct lws *wsi, struct connection *c)
{
    if (c->exchange) {
        c->exchange->asked.close = true;
        return 0;
    }
    bool body;
    int er = exchange_new(&c->exchange, wsi, ++h->last_number, &body);
    struct exchange *x = c->exchange;
    if (!x)
        return -1;
    const char *origin = x->asked.allowed_origin;
    if (origin && !http_origin_allowed(h->config.origins, h->config.origin_count, origin, NULL)) {
        free((void *)(uintptr_t)origin);
        x->asked.allowed_origin = NULL;
    }
    if (map_add_u64(h->exchanges, x->number, x)) {
        exchange_free(x);
        c->exchange = NULL;
        return -1;
    }
    if (!er && x->asked.method == HTTP_GET && strcmp(x->request->path, WS_PATH) == 0) {
        exchange_refuse_plain(x);
        er = ER_UNSUPPORTED;
    }
    if (!er && x->continues && !exchange_continue(x))
        return -1;
    if (!er && !body)
        hand_over(h, x);
    else if (er && !body)
        lws_callback_on_writable(wsi);
    return 0;
}

static int on_body_end(struct http *h, struct lws *wsi, struct connection *c)
{
    struct exchange *x = c->exchange;
    if (!x)
        return -1;
    if (x->refused)
        lws_callback_on_writable(wsi);
    else if (x->request)
        hand_over(h, x);
    return 0;
}

/** Whether more than this request has come already, on this connection or, rarely, on another.
 *  libwebsockets takes the head of such a request for its body, and reads it for ever: so the
 *  connection ends with the answer, and the client sends the rest anew (RFC 9112, 9.3.2). */
static bool more_has_come(struct http *h)
{
    return lws_service_adjust_timeout(h->lws, 1, 0) == 0;
}

static int on_writeable(struct http *h, struct lws *wsi, struct connection *c)
{
    struct exchange *x = c->exchange;
    if (!x)
        return 0;
    if (x->answered && !x->head_len && (h->draining || more_has_come(h)))
        x->asked.close = true;
    switch (exchange_write(x, h->files, &h->counters.bytes_out)) {
    case EXCHANGE_WAIT:
        return 0;
    case EXCHANGE_MORE:
        /* libwebsockets counts from the request on: a long clip would end in the middle. */
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, STALL_SECONDS);
        lws_callback_on_writable(wsi);
        return 0;
    case EXCHANGE_BROKEN:
        return -1;
    case EXCHANGE_DONE:
        break;
    }
    count_answer(h, x);
    bool close = x->asked.close || h->draining || more_has_come(h);
    exchange_leave(h, c);
    if (close)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static bool upgrade_origin_ok(struct http *h, struct lws *wsi)
{
    char origin[256], host[256];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN);
    if (len == 0)
        return true;
    if (lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) < 0 ||
        lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) < 0)
        return false;
    return http_origin_allowed(h->config.origins, h->config.origin_count, origin, host);
}

/** Our own subprotocol must be on the client's list, and none of the other names that libwebsockets
 *  knows here: it would take the first that fits, and nobody would look after that connection. */
static bool upgrade_protocol_ok(const struct http *h, const char *list)
{
    struct span rest = span_of(list);
    bool ours = false;
    while (rest.at) {
        struct span one = span_trim(span_cut(&rest, ','));
        for (const struct lws_protocols *p = h->protocols; p->name; p++) {
            if (!span_equal(one, p->name))
                continue;
            if (strcmp(p->name, WS_NAME) != 0)
                return false;
            ours = true;
        }
    }
    return ours;
}

/** Only to WebSocket, only at its path, only with our subprotocol, only for pages that are allowed.
 *  Answers itself and closes. */
static int on_upgrade(struct http *h, struct lws *wsi)
{
    /* Where libwebsockets has answered already, the header table may be gone. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0)
        return -1;
    char text[256];
    int status = 0;
    char *uri = NULL;
    int uri_len = 0;
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_UPGRADE) < 0 ||
        strcasecmp(text, "websocket") != 0)
        status = 426;
    else if (lws_http_get_uri_and_method(wsi, &uri, &uri_len) != 0 || !uri ||
             !span_equal((struct span){.at = uri, .len = (size_t)uri_len}, WS_PATH))
        status = 404;
    else if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_VERSION) < 0 || strcmp(text, "13") != 0)
        status = 426;
    else if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) != 24)
        status = 400;
    else if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_PROTOCOL) < 0 ||
             !upgrade_protocol_ok(h, text))
        status = 400;
    else if (!upgrade_origin_ok(h, wsi))
        status = 403;
    else if (h->draining)
        status = 503;
    if (!status)
        return 0;
    h->counters.refused_upgrades++;
    http_direct_problem(wsi, status, NULL, status == 426 ? "websocket" : NULL);
    return -1;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct connection *c = user;
    struct http *h = http_of(wsi);
    if (!h)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return h->counters.connections >= h->connections_max;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        h->counters.connections_total++;
        return 0;
    case LWS_CALLBACK_WSI_CREATE:
        h->counters.connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (h->counters.connections)
            h->counters.connections--;
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(h, wsi);
    case LWS_CALLBACK_HTTP:
        return c ? on_head(h, wsi, c) : -1;
    case LWS_CALLBACK_HTTP_BODY:
        if (c && c->exchange && exchange_body(c->exchange, in, len) == ER_FULL)
            return -1;
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return c ? on_body_end(h, wsi, c) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return c ? on_writeable(h, wsi, c) : -1;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (c)
            exchange_leave(h, c);
        return 0;
    default:
        return 0;
    }
}

static int on_watched(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    struct watch *w = lws_get_opaque_user_data(wsi);
    struct http *h = http_of(wsi);
    if (reason == LWS_CALLBACK_RAW_RX_FILE && w && h && !h->ending)
        w->on_readable(w->ctx);
    return 0;
}

/* Pieces of files */

static void wake_from_thread(void *ctx)
{
    http_wake(ctx);
}

static void pieces_take(struct http *h)
{
    struct http_piece p;
    while (http_files_next(h->files, &p)) {
        struct exchange *x = p.who;
        x->piece_asked = false;
        x->piece_ready = true;
        x->piece.len = p.len;
        if (x->wsi)
            lws_callback_on_writable(x->wsi);
        else
            exchange_free(x);
    }
}

/* Starting and stopping */

static void fill_info(struct http *h, struct lws_context_creation_info *info)
{
    const struct http_config *config = &h->config;
    h->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = on_http, .per_session_data_size = sizeof(struct connection)};
    h->protocols[1] = (struct lws_protocols){.name = "loupe-watch", .callback = on_watched};
    if (config->ws)
        h->protocols[2] = *config->ws;
    info->protocols = h->protocols;
    info->port = config->adopts ? CONTEXT_PORT_NO_LISTEN_SERVER : config->address.port;
    info->user = h;
    info->gid = (gid_t)-1;
    info->uid = (uid_t)-1;
    info->vhost_name = "loupe";
    info->server_string = "loupe";
    info->alpn = "http/1.1";
    info->max_http_header_data = HEADER_BYTES;
    /* One for every connection, made when it is needed: half a request keeps nobody else out. */
    info->max_http_header_pool = LIMIT_HTTP_CONNECTIONS;
    info->timeout_secs_ah_idle = HEADER_SECONDS;
    info->pt_serv_buf_size = 16384;
    info->timeout_secs = 20;
    info->keepalive_timeout = 60;
    info->options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                    LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                    LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    if (addr_is_v4(&config->address))
        info->options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    addr_format_ip(&config->address, h->iface);
    if (strcmp(h->iface, "0.0.0.0") != 0 && strcmp(h->iface, "::") != 0)
        info->iface = h->iface;
    if (config->tls_cert) {
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info->ssl_cert_filepath = config->tls_cert;
        info->ssl_private_key_filepath = config->tls_key;
    }
}

/** A quarter of the process's descriptors stays free for clips, the database and media: who only
 *  opens connections must not be able to stop a recording. */
static size_t connections_allowed(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY)
        return LIMIT_HTTP_CONNECTIONS;
    rlim_t share = files.rlim_cur - files.rlim_cur / 4;
    return share < LIMIT_HTTP_CONNECTIONS ? (size_t)share : LIMIT_HTTP_CONNECTIONS;
}

int http_new(struct http **ret, const struct http_config *config)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return ER_NOMEM;
    h->config = *config;
    h->connections_max = connections_allowed();
    lws_set_log_level(0, NULL);
    struct entropy entropy = entropy_system();
    int er = map_new(&h->exchanges, LIMIT_HTTP_CONNECTIONS * 2, entropy_u64(&entropy));
    struct lws_context_creation_info info = {0};
    fill_info(h, &info);
    if (!er) {
        h->lws = lws_create_context(&info);
        h->vhost = h->lws ? lws_get_vhost_by_name(h->lws, "loupe") : NULL;
        if (!h->vhost)
            er = ER_IO;
    }
    if (!er)
        er = http_files_new(&h->files, wake_from_thread, h);
    if (er) {
        http_free(h);
        return er;
    }
    *ret = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    h->ending = true;
    /* First the reader, so that no piece is under way when its exchange goes. */
    struct http_files *files = h->files;
    if (h->lws && files) {
        http_files_close(files);
        pieces_take(h);
    }
    if (h->lws)
        lws_context_destroy(h->lws);
    http_files_free(files);
    map_free(h->exchanges);
    free(h);
}

struct addr http_address(const struct http *h)
{
    struct addr a = h->config.address;
    if (!h->config.adopts)
        a.port = (uint16_t)lws_get_vhost_listen_port(h->vhost);
    return a;
}

void http_adopt(struct http *h, int fd)
{
    if (h->ending || h->counters.connections >= h->connections_max)
        (void)close(fd);
    else
        (void)lws_adopt_socket_vhost(h->vhost, fd); /* which closes it when that fails */
}

/** Waking up is all. What is due before libwebsockets waits for its sockets it calls first, and then waits
 *  all the same, for as long as nothing else comes: so it is told not to. */
static void on_timer(lws_sorted_usec_list_t *timer)
{
    lws_cancel_service(container_of(timer, struct http, timer)->lws);
}

void http_run(struct http *h)
{
    uint64_t next_us = h->config.on_tick(h->config.ctx, clock_now_us());
    while (!h->stop) {
        uint64_t now_us = clock_now_us();
        uint64_t wait_us = next_us <= now_us ? 0 : next_us - now_us;
        if (wait_us < TICK_LEAST_US)
            wait_us = TICK_LEAST_US;
        if (wait_us > TICK_MOST_US)
            wait_us = TICK_MOST_US;
        lws_sul_schedule(h->lws, 0, &h->timer, on_timer, (lws_usec_t)wait_us);
        if (lws_service(h->lws, 0) < 0)
            break;
        pieces_take(h);
        next_us = h->config.on_tick(h->config.ctx, clock_now_us());
    }
    lws_sul_schedule(h->lws, 0, &h->timer, on_timer, LWS_SET_TIMER_USEC_CANCEL);
}

void http_wake(struct http *h)
{
    lws_cancel_service(h->lws);
}

void http_stop(struct http *h)
{
    h->stop = true;
}

void http_drain(struct http *h)
{
    h->draining = true;
}

int http_watch(struct http *h, int fd, void (*on_readable)(void *ctx), void *ctx)
{
    if (h->watch_count == WATCHES_MAX)
        return ER_FULL;
    /* libwebsockets closes what it adopts. */
    int own = dup(fd);
    if (own < 0)
        return ER_IO;
    lws_sock_file_fd_type type = {.filefd = own};
    struct lws *wsi = lws_adopt_descriptor_vhost(h->vhost, LWS_ADOPT_RAW_FILE_DESC, type,
                                                 "loupe-watch", NULL);
    if (!wsi) {
        (void)close(own);
        return ER_IO;
    }
    struct watch *w = &h->watches[h->watch_count++];
    *w = (struct watch){.fd = own, .on_readable = on_readable, .ctx = ctx};
    lws_set_opaque_user_data(wsi, w);
    return 0;
}

int http_reload_tls(struct http *h)
{
    const struct http_config *config = &h->config;
    if (!config->tls_cert)
        return 0;
    int failed = lws_tls_cert_updated(h->lws, config->tls_cert, config->tls_key, NULL, 0, NULL, 0);
    return failed ? ER_IO : 0;
}

void http_reply_send(struct http *h, struct http_reply reply, struct http_response *response)
{
    struct exchange *x = reply.number ? map_get_u64(h->exchanges, reply.number) : NULL;
    if (!x || x->answered || !x->wsi) {
        http_response_clear(response);
        return;
    }
    exchange_answer(x, response);
    /* Held back, it would not be written to either. */
    (void)lws_rx_flow_control(x->wsi, 1);
    lws_callback_on_writable(x->wsi);
}

void http_read_counters(const struct http *h, struct http_counters *ret)
{
    *ret = h->counters;
    /* The watched descriptors are counted with them. */
    ret->connections -= h->watch_count < ret->connections ? h->watch_count : ret->connections;
}
