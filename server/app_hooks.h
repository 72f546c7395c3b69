// SPDX-License-Identifier: Apache-2.0
/* Webhooks as a part of the server. */
#ifndef LOUPE_SERVER_APP_HOOKS_H
#define LOUPE_SERVER_APP_HOOKS_H

#include "server/app.h"

/** How far webhooks reach by these settings: the public Internet, unless somebody said otherwise. */
enum hook_reach app_hooks_reach(const struct config *config);
/** Once the store thread runs and HTTP is there. An error of hook_runner_new or http_watch. */
int app_hooks_start(struct app *app);

#endif
