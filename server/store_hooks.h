// SPDX-License-Identifier: Apache-2.0
/* Webhooks in the database: the webhooks themselves, and for each what waits for it, was delivered, or is a
 * dead letter. An event is put down for them in the transaction that makes it. Store thread, but for
 * store_hooks_news. Errors as in store.h. */
#ifndef LOUPE_SERVER_STORE_HOOKS_H
#define LOUPE_SERVER_STORE_HOOKS_H

#include "server/hook_sign.h"
#include "server/hook_target.h"
#include "server/hooks.h"
#include "server/store.h"

#define STORE_HOOK_TYPES_BYTES (LIMIT_HOOK_TYPES * 48 + 2)

struct store_hook {
    struct id id;
    char merchant[STORE_SHORT_BYTES];
    char url[HOOK_URL_BYTES];
    char description[STORE_TEXT_BYTES];
    char types[STORE_HOOK_TYPES_BYTES]; /* ",case_opened,closed,"; "": every type */
    bool enabled;
    char why[16]; /* not enabled: "asked", "gone" (410), "backlog" (LIMIT_HOOK_WAITING) */
    char secret[HOOK_SECRET_BYTES], old_secret[HOOK_SECRET_BYTES]; /* the latter may be "" */
    uint64_t old_until_us;
    uint64_t created_us, changed_us;
    uint64_t waiting, dead; /* how many; counted by the store */
};

/** Fills in id, secret and times, enables it. ER_FULL: the merchant has LIMIT_HOOKS. */
int store_hook_add(struct store *s, struct store_hook *hook, uint64_t now_us);
/** ER_NOT_FOUND, also of another merchant's. NULL: any merchant's. */
int store_hook_get(struct store *s, const char *merchant, const struct id *id,
                   struct store_hook *ret);
/** Oldest first; merchant NULL: all. */
int store_hooks_list(struct store *s, const char *merchant,
                     void (*each)(void *ctx, const struct store_hook *hook), void *ctx);
/** Writes url, description, types, enabled and why. What waits for one that is not enabled becomes dead letters,
 *  by and by. */
int store_hook_change(struct store *s, struct store_hook *hook, uint64_t now_us);
/** A new secret; the one before signs, too, for `overlap_us`. */
int store_hook_rotate(struct store *s, struct store_hook *hook, uint64_t overlap_us,
                      uint64_t now_us);
/** With all that waits for it, by and by. */
int store_hook_remove(struct store *s, const struct store_hook *hook, uint64_t now_us);
/** As GET /webhooks/{id} gives it, without secrets; NULL without memory. */
json_t *store_hook_json(const struct store_hook *hook);

enum delivery_state { DELIVERY_WAITING, DELIVERY_DELIVERED, DELIVERY_DEAD, DELIVERY_STATES };
const char *delivery_state_name(enum delivery_state state);

struct store_delivery {
    int64_t id;
    struct hook_lane lane; /* no case: a test */
    uint64_t seq;          /* of the event */
    char type[48];
    char case_state[16]; /* when it was put down */
    enum delivery_state state;
    unsigned attempts;
    uint64_t since_us, changed_us;
    uint64_t next_us; /* of the first that waits in its lane; 0: unknown */
    int status;       /* of the last answer; 0: none */
    char error[32];   /* why there was none; "" */
};
/** "evt_<case>_<seq>": what `webhook-id` says, the same at each attempt. */
#define HOOK_ID_BYTES 64
void store_delivery_name(const struct store_delivery *d, char ret[static HOOK_ID_BYTES]);
json_t *store_delivery_json(const struct store_delivery *d);
/** Newest first, before `before` (0: from the newest); `state` DELIVERY_STATES: of all. */
int store_deliveries_list(struct store *s, const struct id *hook, enum delivery_state state,
                          int64_t before, size_t limit,
                          void (*each)(void *ctx, const struct store_delivery *d), void *ctx);
int store_delivery_get(struct store *s, const struct id *hook, int64_t id,
                       struct store_delivery *ret);

/** One that says "webhook_test", tried once. ER_FULL while another of that webhook waits. */
int store_hook_test(struct store *s, const struct store_hook *hook, uint64_t now_us,
                    struct store_delivery *ret);
/** One once more, whatever became of it, with three days of trying. ER_NOT_FOUND. */
int store_hook_replay(struct store *s, const struct id *hook, int64_t id, uint64_t now_us);
/** Dead letters once more, LIMIT_HOOK_STEP at most, oldest first. */
int store_hook_replay_dead(struct store *s, const struct id *hook, uint64_t now_us,
                           uint64_t *ret_count);
/** A case's events from after `seq` that the webhook wants once more, of LIMIT_HOOK_STEP at most; *ret_last: the
 *  last one looked at (0: none). The case must be the merchant's. */
int store_hook_replay_case(struct store *s, const struct store_hook *hook, const struct id *case_id,
                           uint64_t seq, uint64_t now_us, uint64_t *ret_count, uint64_t *ret_last);

/* Sending */

/** One event on its way. */
struct store_due {
    const struct store_hook *hook;
    const struct store_delivery *delivery;
    const char *body; /* JSON, the same at each attempt */
};
/** The first of each lane that is due and that there is room for, which is taken. `each` copies what it keeps. */
int store_hooks_due(struct store *s, struct hooks_room *room, uint64_t now_us,
                    void (*each)(void *ctx, const struct store_due *due), void *ctx);

struct store_outcome {
    struct hook_lane lane;
    int64_t delivery;
    int status;
    const char *error; /* a constant, "" */
    uint64_t sent_us;  /* when its webhook was looked at for it */
    struct hook_verdict verdict;
};
/** What became of attempts, all in one transaction. */
int store_hooks_done(struct store *s, const struct store_outcome *outcomes, size_t count,
                     uint64_t now_us);

/** A step of tidying up: what had its three days and more is dead, what waits for what is disabled or removed,
 *  what was kept long enough. *ret_more: there is more to do at once. */
int store_hooks_sweep(struct store *s, uint64_t now_us, bool *ret_more);

struct store_hook_figures {
    uint64_t hooks, disabled, waiting, dead;
    uint64_t oldest_us; /* since when the oldest waits; 0: nothing does */
};
int store_hooks_figures(struct store *s, struct store_hook_figures *ret);
/** Differs from before when something new waits. Any thread. */
uint64_t store_hooks_news(struct store *s);

#endif
