// SPDX-License-Identifier: Apache-2.0
/* The table of deeds. */
#include "server/case_deeds.h"

#include "server/cases.h"

#define IN(state) (1u << (state))
#define BY(role) (1u << (role))

#define ALL_STATES (IN(CASE_STATES) - 1)
#define OVER (IN(CASE_CLOSED) | IN(CASE_CANCELLED))
#define STAFF (BY(ROLE_AGENT) | BY(ROLE_APPRAISER) | BY(ROLE_HOST))
#define OFFICE (STAFF | BY(ROLE_ARBITER) | BY(ROLE_SERVICE))

static const struct {
    unsigned roles;
    unsigned states;
} deeds[CASE_DEEDS] = {
    [CASE_CHANGE_FACTS] = {STAFF | BY(ROLE_SERVICE), ALL_STATES & ~OVER},
    [CASE_NOTE] = {OFFICE | BY(ROLE_SUPERVISOR) | BY(ROLE_BOT), ALL_STATES},
    [CASE_NOTE_VISIBLE] = {OFFICE, ALL_STATES},
    [CASE_TAG] = {OFFICE | BY(ROLE_SUPERVISOR), ALL_STATES},
    [CASE_LINK] = {OFFICE | BY(ROLE_SUPERVISOR), ALL_STATES},
    [CASE_ATTACH] = {OFFICE, ALL_STATES},
    [CASE_ATTACH_VISIBLE] = {OFFICE | BY(ROLE_BUYER), ALL_STATES & ~IN(CASE_CANCELLED)},
    [CASE_WRAP_UP] = {BY(ROLE_AGENT) | BY(ROLE_APPRAISER) | BY(ROLE_SUPERVISOR), ALL_STATES},
    [CASE_BOOK] = {STAFF | BY(ROLE_BUYER) | BY(ROLE_SERVICE), ALL_STATES & ~OVER},
};

#define SEES_INTERNAL (OFFICE | BY(ROLE_SUPERVISOR) | BY(ROLE_BOT))

bool case_role_may_do(enum case_deed deed, enum role role)
{
    return (unsigned)deed < CASE_DEEDS && (unsigned)role < ROLE_COUNT &&
           (deeds[deed].roles & BY(role));
}

unsigned case_states_of_deed(enum case_deed deed)
{
    return (unsigned)deed < CASE_DEEDS ? deeds[deed].states : 0;
}

bool case_role_sees_internal(enum role role)
{
    return (unsigned)role < ROLE_COUNT && (SEES_INTERNAL & BY(role));
}

json_t *case_json_for(enum role role, json_t *whole)
{
    static const char *const shown[] = {"id",    "room",  "number",  "merchant",  "kind",
                                        "state", "title", "version", "created_at"};
    if (role != ROLE_VIEWER)
        return json_incref(whole);
    json_t *o = json_object();
    for (size_t i = 0; o && i < sizeof shown / sizeof shown[0]; i++) {
        json_t *value = json_object_get(whole, shown[i]);
        if (value && json_object_set(o, shown[i], value)) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}
