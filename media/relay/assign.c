// SPDX-License-Identifier: Apache-2.0
/* Which slot shows which track. A slot keeps what it shows while that is still right, so that nobody's
 * picture jumps because somebody else came. */
#include <string.h>

#include "media/relay/relay.h"

static bool can_show(const struct slot *s, const struct track *t)
{
    return t->kind == s->kind && (s->codecs & 1u << t->codec);
}

static bool same_person(const struct track *t, const char *identity)
{
    return strcmp(t->identity, identity) == 0;
}

/** Higher rank first, then whoever has been there longer (the list is in order of age). */
static bool better(const struct track *t, const struct track *than)
{
    return !than || t->rank > than->rank;
}

/** Does another line of the same viewer show it; with `of_its_own`, without having been told to? */
static bool shown_beside(const struct slot *s, const struct track *t, bool of_its_own)
{
    list_each (other, &s->beside, struct slot, beside) {
        if (other->track == t && (!of_its_own || other->pick == SLOT_PICK_OTHERS))
            return true;
    }
    return false;
}

static struct track *pick_person(const struct room *r, const struct slot *s)
{
    list_each (t, &r->tracks, struct track, in_room) {
        if (can_show(s, t) && same_person(t, s->person) &&
            (s->person_track == 0 || s->person_track == t->id))
            return t;
    }
    return NULL;
}

static struct track *pick_main(const struct room *r, const struct slot *s)
{
    struct track *main = NULL;
    list_each (t, &r->tracks, struct track, in_room) {
        if (better(t, main))
            main = t;
    }
    if (!main)
        return NULL;
    list_each (t, &r->tracks, struct track, in_room) {
        if (can_show(s, t) && same_person(t, main->identity))
            return t;
    }
    return NULL;
}

static struct track *pick_others(const struct room *r, const struct slot *s)
{
    if (s->track && !same_person(s->track, s->identity) && !shown_beside(s, s->track, true))
        return s->track;
    struct track *best = NULL;
    list_each (t, &r->tracks, struct track, in_room) {
        if (can_show(s, t) && !same_person(t, s->identity) && better(t, best) &&
            !shown_beside(s, t, false))
            best = t;
    }
    return best;
}

void room_assign_slot(struct room *r, struct slot *s, uint64_t now_us)
{
    struct track *t = s->pick == SLOT_PICK_PERSON ? pick_person(r, s)
                      : s->pick == SLOT_PICK_MAIN ? pick_main(r, s)
                                                  : pick_others(r, s);
    if (t == s->track)
        return;
    slot_show(s, t, now_us);
    r->config.ops->slot_changed(r->config.ops_ctx, s);
}

void room_assign(struct room *r, uint64_t now_us)
{
    list_each (s, &r->slots, struct slot, in_room)
        room_assign_slot(r, s, now_us);
}
