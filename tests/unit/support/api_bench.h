// SPDX-License-Identifier: Apache-2.0
/* REST handlers called straight, in one thread: the conductor's world, a case in it, and the answer as it
 * would go out. Links with http_reply_send and http_read_counters wrapped. */
#ifndef LOUPE_TESTS_API_BENCH_H
#define LOUPE_TESTS_API_BENCH_H

#include <jansson.h>

#include "server/api.h"
#include "tests/unit/support/calls_world.h"

struct api_bench {
    struct world w;
    struct app app;
    struct config config;
    struct store_case sc; /* of the buyer "lin" */
    uint64_t unix_us;
    const char *peer; /* where requests come from, "ADDRESS:PORT"; NULL: nowhere */
    /* The last answer: */
    unsigned answers;
    struct http_response response;
    json_t *body; /* parsed, or NULL */
};

/** What is asked for; what is left out is not there. Parameters are those of the route. */
struct api_ask {
    enum role role;
    const char *who; /* "me" */
    bool nobody;     /* without a token */
    bool foreign;    /* with another merchant's token */
    const struct id
        *of_case; /* the token is bound to it; a buyer's is to the bench's case anyhow */
    struct role_grants *grants; /* the role's own */
    unsigned roles, scopes;     /* of the token's key; all */
    const char *jti;            /* of an invite */
    enum http_method method;
    const char *param[2];
    const char *body; /* JSON; single quotes stand for double ones */
    const char *query, *if_match, *if_none_match, *range, *if_range, *idempotency_key;
    const char *content_type, *upload_offset, *upload_complete, *repr_digest;
    const char *raw; /* a body that is no JSON, as it came */
    bool forwarded, draining, clips_unsaved;
};

void api_bench_start(struct api_bench *b);
void api_bench_stop(struct api_bench *b);
/** The same as a test's fixture. */
int api_bench_setup(void **state);
int api_bench_teardown(void **state);
/** A file with this text; its name is `path` and `suffix`. */
void api_bench_file(const char *path, const char *suffix, const char *text);

/** Handlers of the store thread and of the signalling thread: the status they answer, 0 if they have
 *  not yet. */
int api_on_store(struct api_bench *b, void (*handler)(struct store *s, struct api_call *c),
                 struct api_ask ask);
int api_on_loop(struct api_bench *b, void (*handler)(struct api_call *c), struct api_ask ask);

/** A text in the answer's body by a path such as "items.0.title"; "" when it is not there. */
const char *api_text(const struct api_bench *b, const char *path);
/** A header of the answer, or NULL. */
const char *api_header(const struct api_bench *b, const char *name);

#endif
