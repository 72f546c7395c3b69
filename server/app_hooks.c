// SPDX-License-Identifier: Apache-2.0
/* Webhooks as a part of the server: how far they reach by the settings, and who wakes them. */
#include "server/app_hooks.h"

#include "base/clock.h"
#include "server/hook_runner.h"

static void on_answer(void *ctx)
{
    struct app *app = ctx;
    (void)hook_runner_tick(app->hooks, clock_now_us());
}

enum hook_reach app_hooks_reach(const struct config *config)
{
    return config->webhook_private ? HOOK_ANYWHERE : config->demo ? HOOK_LOOPBACK : HOOK_PUBLIC;
}

int app_hooks_start(struct app *app)
{
    app->hook_reach = app_hooks_reach(app->config);
    const struct hook_runner_config h = {.store = app->store,
                                         .dbq = app->dbq,
                                         .log = app->log,
                                         .entropy = app->entropy,
                                         .reach = app->hook_reach,
                                         .authorities = app->config->webhook_authorities[0]
                                                            ? app->config->webhook_authorities
                                                            : NULL,
                                         .auth = app->auth,
                                         .base_url = app->base_url};
    int er = hook_runner_new(&app->hooks, &h);
    return er ? er : http_watch(app->http, hook_runner_fd(app->hooks), on_answer, app);
}
