// SPDX-License-Identifier: Apache-2.0
/* What of a case those in its room are told: all of it, and viewers what it is about, with nothing of people. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "server/calls_impl.h"
#include "server/case_deeds.h"

json_t *room_case_message(const struct room *r, enum role role)
{
    return json_pack("{s:s,s:o}", "type", "case", "case", case_json_for(role, r->case_json));
}

void room_tell_case(struct room *r)
{
    json_t *messages[] = {room_case_message(r, ROLE_AGENT), room_case_message(r, ROLE_VIEWER)};
    char *texts[2];
    for (size_t i = 0; i < 2; i++) {
        texts[i] = messages[i] ? json_dumps(messages[i], JSON_COMPACT) : NULL;
        json_decref(messages[i]);
    }
    list_each (person, roster_people(r->roster), struct roster_person, node) {
        const char *text = texts[person->role == ROLE_VIEWER];
        if (person->session && text)
            sessions_send_text(r->calls->sessions, person->session, text, strlen(text));
    }
    free(texts[0]);
    free(texts[1]);
}
