// SPDX-License-Identifier: Apache-2.0
/* Two merchants' cases in a store in memory, webhooks, and receivers that answer what the test says: rounds of
 * what is due, sent, answered and written down, in virtual time. */
#ifndef LOUPE_TESTS_HOOK_SCENE_H
#define LOUPE_TESTS_HOOK_SCENE_H

#include "server/store_hooks.h"

#define HOOK_S UINT64_C(1000000)
#define HOOK_T0 (UINT64_C(1795298400) * HOOK_S)
#define HOOK_CASES 4 /* of "m" */

struct hook_scene {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct store *store;
    struct hooks *hooks;
    struct id cases[HOOK_CASES];
    uint64_t now_us;
    /* What was taken by receivers (2xx), in order: */
    struct store_delivery *got;
    size_t got_count, got_size;
    size_t sent;     /* attempts */
    char body[8192]; /* of the last one */
    char old_secret[HOOK_SECRET_BYTES];
    /* Answers, when hook_scene_round is not told one. */
    int (*answer)(void *ctx, const struct store_delivery *d);
    void *ctx;
    /* The round that goes on: */
    struct store_outcome outcomes[LIMIT_HOOK_FLIGHTS];
    size_t outcome_count;
    int status;
};

int hook_scene_setup(void **state);
int hook_scene_teardown(void **state);
struct store_hook hook_scene_hook(struct hook_scene *s, const char *merchant, const char *types);
/** An event of a case of "m", at s->now_us. */
void hook_scene_event(struct hook_scene *s, unsigned of_case, const char *type);
/** All that is due goes out once, is answered with `status` (-1: as s->answer says), and written down. How many. */
size_t hook_scene_round(struct hook_scene *s, uint64_t now_us, int status);

#endif
