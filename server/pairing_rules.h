// SPDX-License-Identifier: Apache-2.0
/* What a merchant wants of pairing: wrap-up after calls, and which cases begin with a bot. One document, checked when it is
 * set, and read by those who ask. Pure. */
#ifndef LOUPE_SERVER_PAIRING_RULES_H
#define LOUPE_SERVER_PAIRING_RULES_H

#include <jansson.h>
#include <stdbool.h>

#include "server/cases.h"

/** Of the wrap-up after an agent's call. */
struct wrap_rule {
    bool required;                          /* nothing is offered before it is given */
    unsigned seconds;                       /* so much time there is for it */
    unsigned extension_seconds, extensions; /* what may be had in addition, and how often */
};

/** Whether the document holds what it may: {"wrap_up"?: {"required"?, "seconds"?, "extension_seconds"?, "extensions"?,
 *  "teams"?: {NAME: {the same, but for "teams"}}}, "first_line"?: [{"kind"?, "category"?}]}. NULL, or what is wrong. */
const char *pairing_rules_check(const json_t *rules);
/** What holds for agents of that team ("": none); `rules` may be NULL: required, two minutes, and three times two more. */
void pairing_rules_wrap(const json_t *rules, const char *team, struct wrap_rule *ret);
/** Whether such a case is offered to bots first. `category` may be NULL. */
bool pairing_rules_bot_first(const json_t *rules, enum case_kind kind, const char *category);
/** All of it, with what holds where nothing was said. NULL without memory. */
json_t *pairing_rules_whole(const json_t *rules);

/** What a call may have come to, where no outcome was proposed in it: by number, NULL behind the last. */
const char *wrap_disposition(unsigned i);
bool wrap_disposition_ok(const char *word);

#endif
