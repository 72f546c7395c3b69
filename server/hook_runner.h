// SPDX-License-Identifier: Apache-2.0
/* Carries events from the database to webhooks: asks the store what is due, signs it, hands it to the poster's
 * thread, and writes down what became of it. Signalling thread. */
#ifndef LOUPE_SERVER_HOOK_RUNNER_H
#define LOUPE_SERVER_HOOK_RUNNER_H

#include <stdint.h>

#include "base/entropy.h"
#include "base/log.h"
#include "server/dbq.h"
#include "server/hook_target.h"
#include "server/store_hooks.h"

struct auth;
struct hook_runner;

struct hook_runner_config {
    struct store *store; /* store_hooks_news alone is asked of it here */
    struct dbq *dbq;
    struct log *log;
    struct entropy entropy;
    enum hook_reach reach;
    const char *authorities; /* as of http_poster_new */
    struct auth *auth;       /* signs links for buyers (booking_link.h); NULL: there are none */
    const char *base_url;    /* of those */
};

/** Starts the poster's thread. ER_NOMEM, ER_IO. */
int hook_runner_new(struct hook_runner **ret, const struct hook_runner_config *config);
/** No more is sent; what is under way is broken off, and sent again after the next start. Before dbq_free. */
void hook_runner_stop(struct hook_runner *r);
/** After dbq_free. NULL is fine. */
void hook_runner_free(struct hook_runner *r);

/** Do what is to be done; the next moment (monotonic) to be called at the latest. */
uint64_t hook_runner_tick(struct hook_runner *r, uint64_t now_us);
/** Readable while a tick has answers to take. */
int hook_runner_fd(const struct hook_runner *r);

struct hook_counters {
    uint64_t delivered, failed, dead,
        gone;                        /* attempts that failed, deliveries that were given up, 410 */
    uint64_t refused;                /* connections not made: the address is not allowed */
    uint64_t flights, troubled;      /* now */
    struct store_hook_figures store; /* as looked at last */
};
void hook_runner_read_counters(const struct hook_runner *r, struct hook_counters *ret);

#endif
