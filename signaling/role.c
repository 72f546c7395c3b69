// SPDX-License-Identifier: Apache-2.0
/* The table of roles. */
#include "signaling/role.h"

#include <string.h>

#include "base/er.h"

static const struct role_info roles[ROLE_COUNT] = {
    [ROLE_BUYER] = {.name = "buyer",
                    .grants = {.publish = true, .subscribe = true},
                    .enters = true,
                    .evidence = true,
                    .waits = true,
                    .media_rank = 1},
    [ROLE_AGENT] = {.name = "agent",
                    .grants = {.publish = true, .subscribe = true, .record = true},
                    .enters = true,
                    .evidence = true,
                    .any_room = true,
                    .takes_calls = true},
    [ROLE_APPRAISER] = {.name = "appraiser",
                        .grants = {.publish = true, .subscribe = true, .record = true},
                        .enters = true,
                        .evidence = true,
                        .any_room = true,
                        .takes_calls = true},
    [ROLE_ARBITER] = {.name = "arbiter",
                      .grants = {.publish = true, .subscribe = true, .record = true},
                      .enters = true,
                      .evidence = true,
                      .rules = true,
                      .holds = true},
    [ROLE_HOST] = {.name = "host",
                   .grants = {.publish = true, .subscribe = true, .record = true},
                   .enters = true,
                   .evidence = true,
                   .any_room = true,
                   .media_rank = 2},
    [ROLE_VIEWER] = {.name = "viewer", .grants = {.subscribe = true}, .enters = true},
    [ROLE_SUPERVISOR] = {.name = "supervisor",
                         .grants = {.subscribe = true},
                         .enters = true,
                         .evidence = true,
                         .any_room = true,
                         .sees_queue = true,
                         .holds = true,
                         .forgets = true,
                         .hooks = true},
    [ROLE_SERVICE] =
        {.name = "service", .holds = true, .forgets = true, .hooks = true, .evidence = true},
    [ROLE_BOT] = {.name = "bot",
                  .grants = {.publish = true, .subscribe = true},
                  .enters = true,
                  .evidence = true,
                  .first_line = true},
};

const struct role_info *role_describe(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? &roles[role] : NULL;
}

const char *role_name(enum role role)
{
    const struct role_info *info = role_describe(role);
    return info ? info->name : "unknown";
}

int role_parse(const char *name, enum role *ret)
{
    *ret = ROLE_COUNT;
    if (!name)
        return ER_NOT_FOUND;
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *ret = (enum role)i;
            return 0;
        }
    }
    return ER_NOT_FOUND;
}

struct role_grants role_narrow(struct role_grants a, struct role_grants b)
{
    return (struct role_grants){.publish = a.publish && b.publish,
                                .subscribe = a.subscribe && b.subscribe,
                                .record = a.record && b.record};
}
