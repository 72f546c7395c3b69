// SPDX-License-Identifier: Apache-2.0
/* A case's record over HTTP: its facts put right, by those who have seen what they change. */
#include "base/er.h"
#include "server/api.h"
#include "server/case_deeds.h"
#include "server/case_facts.h"

/** False: the problem is set. */
static bool may_do(struct api_call *c, enum case_deed deed, const struct store_case *sc)
{
    if (!case_role_may_do(deed, c->claims.role))
        api_problem(c, 403, "this role does not change cases");
    else if (!(case_states_of_deed(deed) & 1u << sc->state))
        api_case_wrong_state(c, case_states_of_deed(deed), sc);
    else
        return true;
    return false;
}

/** Whoever changes facts says which case they have before them. False: the problem is set. */
static bool has_seen(struct api_call *c, const struct store_case *sc)
{
    if (!c->request->if_match)
        api_problem(c, 428, "If-Match is needed: the case's ETag (or * for whatever it is)");
    else if (!api_case_matches(c, sc))
        api_case_stale(c, sc);
    else
        return true;
    return false;
}

static void change(struct store *s, struct api_call *c, struct store_case *sc)
{
    json_t *changes = NULL;
    struct store_case after;
    const char *why = case_facts_diff(sc, c->body, &changes);
    if (why && why[0])
        api_problem(c, 400, why);
    else if (why)
        api_problem_er(c, ER_NOMEM, NULL);
    if (why)
        return;
    if (json_object_size(changes) == 0) {
        json_decref(changes);
        api_case_answer(c, 200, sc);
        return;
    }
    const struct store_change what = {.case_id = sc->id,
                                      .actor = c->claims.identity,
                                      .changes = changes,
                                      .if_version = sc->version};
    int er = store_case_change(s, &what, c->unix_us, &after);
    json_decref(changes);
    if (er == 0) {
        c->changed = after.id;
        c->recorded = true;
        api_case_answer(c, 200, &after);
    } else if (er == ER_STALE) {
        api_case_stale(c, &after);
        store_case_clear(&after);
    } else {
        api_problem_er(c, er, NULL);
    }
}

void api_case_change(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    if (may_do(c, CASE_CHANGE_FACTS, &sc) && has_seen(c, &sc))
        change(s, c, &sc);
    store_case_clear(&sc);
}
