// SPDX-License-Identifier: Apache-2.0
/* One thread with one of libcurl's multi handles. */
#include "server/http_post.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/er.h"
#include "base/msgq.h"
#include "base/str.h"
#include "base/thread.h"

#define POLL_MS 1000

struct http_poster {
    enum hook_reach reach;
    char *authorities; /* NULL: the system's */
    CURLM *multi;
    struct msgq *in, *out;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    size_t under_way; /* of the caller's thread */
    struct transfer *active[LIMIT_HOOK_FLIGHTS];
    size_t active_count;
};

/** What the thread keeps of one. */
struct transfer {
    struct http_poster *poster;
    struct http_post *post;
    CURL *easy;
    struct curl_slist *headers;
    size_t read; /* of the answer's body */
};

void http_post_free(struct http_post *post)
{
    if (!post)
        return;
    free(post->body);
    free(post->tag);
    free(post);
}

static bool is_plain(const struct http_post *post)
{
    return span_starts(span_of(post->url), "http://");
}

/** A connection is about to be made to what the name resolved to. */
static curl_socket_t open_checked(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *t = ctx;
    struct addr a;
    (void)purpose;
    if (addr_from_sockaddr(&to->addr, &a) ||
        !hook_address_ok(t->poster->reach, is_plain(t->post), &a)) {
        t->post->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/** The answer's body is read, so that the connection can serve again; too long a one is not. */
static size_t read_away(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    (void)bytes;
    t->read += size * count;
    return t->read > LIMIT_HOOK_ANSWER_BYTES ? 0 : size * count;
}

static void transfer_free(struct transfer *t)
{
    if (!t)
        return;
    curl_slist_free_all(t->headers);
    if (t->easy)
        curl_easy_cleanup(t->easy);
    free(t);
}

static bool header_add(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer)
        t->headers = longer;
    return longer != NULL;
}

static bool transfer_set(struct transfer *t)
{
    CURL *e = t->easy;
    bool good = header_add(t, "Content-Type: application/json") && header_add(t, "Expect:");
    for (size_t i = 0; good && i < HTTP_POST_HEADERS; i++)
        good = !t->post->headers[i][0] || header_add(t, t->post->headers[i]);
    const char *protocols = t->poster->reach == HOOK_PUBLIC ? "https" : "https,http";
#define SET(option, value) (good = good && curl_easy_setopt(e, option, value) == CURLE_OK)
    SET(CURLOPT_URL, t->post->url);
    SET(CURLOPT_PROTOCOLS_STR, protocols);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT,
        1L); /* a resolver that does not answer is left to itself, not waited for */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "loupe/" LOUPE_VERSION);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, t->post->body);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->post->len);
    SET(CURLOPT_CONNECTTIMEOUT, (long)LIMIT_HOOK_CONNECT_SECONDS);
    SET(CURLOPT_TIMEOUT, (long)LIMIT_HOOK_SECONDS);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_checked);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_WRITEFUNCTION, read_away);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_PRIVATE, t);
    if (t->poster->authorities)
        SET(CURLOPT_CAINFO, t->poster->authorities);
#undef SET
    return good;
}

static void finish(struct http_poster *p, struct http_post *post)
{
    /* Never full: it has room for all that is under way. */
    (void)msgq_push(p->out, &post);
}

static void begin(struct http_poster *p, struct http_post *post)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (t) {
        t->poster = p;
        t->post = post;
        t->easy = curl_easy_init();
    }
    if (t && t->easy && transfer_set(t) && curl_multi_add_handle(p->multi, t->easy) == CURLM_OK) {
        p->active[p->active_count++] = t;
        return;
    }
    transfer_free(t);
    post->error = "request";
    finish(p, post);
}

static const char *error_of(const struct transfer *t, CURLcode code)
{
    static const struct {
        CURLcode code;
        const char *name;
    } names[] = {{CURLE_OPERATION_TIMEDOUT, "timeout"},
                 {CURLE_COULDNT_RESOLVE_HOST, "resolve"},
                 {CURLE_COULDNT_CONNECT, "connect"},
                 {CURLE_SSL_CONNECT_ERROR, "tls"},
                 {CURLE_PEER_FAILED_VERIFICATION, "certificate"},
                 {CURLE_GOT_NOTHING, "closed"},
                 {CURLE_RECV_ERROR, "closed"},
                 {CURLE_SEND_ERROR, "closed"}};
    if (code == CURLE_COULDNT_CONNECT && t->post->refused)
        return "address";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code)
            return names[i].name;
    }
    return "request";
}

static void unlist(struct transfer *t)
{
    struct http_poster *p = t->poster;
    size_t i = 0;
    while (p->active[i] != t)
        i++;
    p->active[i] = p->active[--p->active_count];
    (void)curl_multi_remove_handle(p->multi, t->easy);
}

static void end(struct transfer *t, CURLcode code)
{
    long status = 0;
    curl_off_t after = 0;
    struct http_post *post = t->post;
    /* An answer that is longer than anybody should send is an answer. */
    bool cut = code == CURLE_WRITE_ERROR && t->read > LIMIT_HOOK_ANSWER_BYTES;
    post->error = code == CURLE_OK || cut ? "" : error_of(t, code);
    if (!post->error[0]) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
    }
    post->status = (int)status;
    post->retry_after_s = after > 0 ? (uint64_t)after : 0;
    unlist(t);
    finish(t->poster, post);
    transfer_free(t);
}

static void take_finished(struct http_poster *p)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        if (m->msg == CURLMSG_DONE &&
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) == CURLE_OK && t)
            end(t, code);
    }
}

static void *poster_thread(void *arg)
{
    struct http_poster *p = arg;
    struct http_post *post;
    int running;
    while (!atomic_load(&p->stop)) {
        (void)curl_multi_poll(p->multi, NULL, 0, POLL_MS, NULL);
        while (msgq_pop(p->in, &post))
            begin(p, post);
        (void)curl_multi_perform(p->multi, &running);
        take_finished(p);
    }
    return NULL;
}

int http_poster_new(struct http_poster **ret, enum hook_reach reach, const char *authorities)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ER_NOMEM;
    struct http_poster *p = calloc(1, sizeof *p);
    if (!p) {
        curl_global_cleanup();
        return ER_NOMEM;
    }
    p->reach = reach;
    p->authorities = authorities ? strdup(authorities) : NULL;
    p->multi = curl_multi_init();
    int er = p->multi && !p->authorities == !authorities ? 0 : ER_NOMEM;
    if (!er &&
        (curl_multi_setopt(p->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_HOOK_FLIGHTS) !=
             CURLM_OK ||
         curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_HOOK_FLIGHTS) != CURLM_OK))
        er = ER_INTERNAL;
    if (!er)
        er = msgq_new(&p->in, sizeof(struct http_post *), LIMIT_HOOK_FLIGHTS);
    if (!er)
        er = msgq_new(&p->out, sizeof(struct http_post *), LIMIT_HOOK_FLIGHTS);
    if (!er)
        er = thread_start(&p->thread, "posting", poster_thread, p);
    if (er) {
        http_poster_free(p);
        return er;
    }
    p->started = true;
    *ret = p;
    return 0;
}

static void break_off(struct http_poster *p)
{
    struct http_post *post;
    while (p->active_count) {
        struct transfer *t = p->active[0];
        unlist(t);
        http_post_free(t->post);
        transfer_free(t);
    }
    for (struct msgq *q = p->in; q; q = q == p->in ? p->out : NULL) {
        while (msgq_pop(q, &post))
            http_post_free(post);
    }
}

void http_poster_free(struct http_poster *p)
{
    if (!p)
        return;
    if (p->started) {
        atomic_store(&p->stop, true);
        (void)curl_multi_wakeup(p->multi);
        (void)pthread_join(p->thread, NULL);
    }
    break_off(p);
    msgq_free(p->in);
    msgq_free(p->out);
    if (p->multi)
        (void)curl_multi_cleanup(p->multi);
    free(p->authorities);
    free(p);
    curl_global_cleanup();
}

int http_poster_send(struct http_poster *p, struct http_post *post)
{
    if (p->under_way == LIMIT_HOOK_FLIGHTS)
        return ER_FULL;
    post->error = "";
    int er = msgq_push(p->in, &post);
    if (er)
        return er;
    p->under_way++;
    (void)curl_multi_wakeup(p->multi);
    return 0;
}

bool http_poster_take(struct http_poster *p, struct http_post **ret)
{
    if (!msgq_pop(p->out, ret)) {
        msgq_clear_wake(p->out);
        if (!msgq_pop(p->out, ret))
            return false;
    }
    p->under_way--;
    return true;
}

int http_poster_fd(const struct http_poster *p)
{
    return msgq_fd(p->out);
}
