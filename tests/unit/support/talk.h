// SPDX-License-Identifier: Apache-2.0
/* A session table with a conductor that lets everybody in whose token is a name, and says what it
 * was told. For tests of sessions and links. */
#ifndef LOUPE_TESTS_TALK_H
#define LOUPE_TESTS_TALK_H

#include <stdbool.h>

#include "base/entropy.h"
#include "signaling/sessions.h"

struct talk {
    struct entropy_seeded seeded;
    struct sessions *table;
    uint64_t now_us;
    bool hold;            /* do not welcome at once */
    const char *merchant; /* of who says hello now; NULL: "default" */
    struct id opening;
    char log[4096]; /* "opening bo;opened bo;request ping;.." */
};

void talk_start(struct talk *t);
void talk_stop(struct talk *t);
void talk_pass(struct talk *t, uint64_t ms);
struct link *talk_connect(struct talk *t);
/** Single quotes stand for double ones. */
void talk_say(struct talk *t, struct link *l, const char *text);
/** The next text as it is (until the next call); "ping <payload>", "close <code>", "dead", or "". */
const char *talk_hear(struct link *l);

#endif
