// SPDX-License-Identifier: Apache-2.0
/* The table of deeds. */
#include "server/case_deeds.h"

#include "server/cases.h"

#define IN(state) (1u << (state))
#define BY(role) (1u << (role))

#define ALL_STATES (IN(CASE_STATES) - 1)
#define OVER (IN(CASE_CLOSED) | IN(CASE_CANCELLED))
#define STAFF (BY(ROLE_AGENT) | BY(ROLE_APPRAISER) | BY(ROLE_HOST))

static const struct {
    unsigned roles;
    unsigned states;
} deeds[CASE_DEEDS] = {
    [CASE_CHANGE_FACTS] = {STAFF | BY(ROLE_SERVICE), ALL_STATES & ~OVER},
};

bool case_role_may_do(enum case_deed deed, enum role role)
{
    return (unsigned)deed < CASE_DEEDS && (unsigned)role < ROLE_COUNT &&
           (deeds[deed].roles & BY(role));
}

unsigned case_states_of_deed(enum case_deed deed)
{
    return (unsigned)deed < CASE_DEEDS ? deeds[deed].states : 0;
}
