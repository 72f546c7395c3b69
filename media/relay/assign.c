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

/** The person shown under PICK_MAIN; NULL: nobody. */
static const char *main_person(const struct room *r)
{
    const struct track *main = NULL;
    list_each (t, &r->tracks, struct track, in_room) {
        if (better(t, main))
            main = t;
    }
    return main ? main->identity : NULL;
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
    const char *main = main_person(r);
    list_each (t, &r->tracks, struct track, in_room) {
        if (can_show(s, t) && same_person(t, main))
            return t;
    }
    return NULL;
}

static struct track *pick_others(const struct room *r, const struct slot *s)
{
    if (s->track && can_show(s, s->track) && !same_person(s->track, s->identity) &&
        !shown_beside(s, s->track, true))
        return s->track;
    struct track *best = NULL;
    list_each (t, &r->tracks, struct track, in_room) {
        if (can_show(s, t) && !same_person(t, s->identity) && better(t, best) &&
            !shown_beside(s, t, false))
            best = t;
    }
    return best;
}

static bool is_wished(const struct room *r, const struct slot *s, const struct track *t)
{
    if (s->pick == SLOT_PICK_OTHERS)
        return !same_person(t, s->identity);
    if (s->pick == SLOT_PICK_MAIN)
        return same_person(t, main_person(r));
    return same_person(t, s->person) && (s->person_track == 0 || s->person_track == t->id);
}

/** Is there a track for a slot that shows nothing, only in a codec that its viewer does not take? */
static bool lacks_codec(const struct room *r, const struct slot *s)
{
    list_each (t, &r->tracks, struct track, in_room) {
        if (t->kind == s->kind && !can_show(s, t) && is_wished(r, s, t))
            return true;
    }
    return false;
}

void slot_set_codecs(struct slot *s, uint32_t codecs, uint64_t now_us)
{
    if (s->codecs == codecs)
        return;
    s->codecs = codecs;
    room_assign_slot(s->room, s, now_us);
}

void room_assign_slot(struct room *r, struct slot *s, uint64_t now_us)
{
    struct track *t = s->pick == SLOT_PICK_PERSON ? pick_person(r, s)
                      : s->pick == SLOT_PICK_MAIN ? pick_main(r, s)
                                                  : pick_others(r, s);
    bool lacks = !t && lacks_codec(r, s);
    if (t == s->track && lacks == s->lacks_codec)
        return;
    s->lacks_codec = lacks;
    if (t != s->track)
        slot_show(s, t, now_us);
    r->config.ops->slot_changed(r->config.ops_ctx, s);
}

void room_assign(struct room *r, uint64_t now_us)
{
    list_each (s, &r->slots, struct slot, in_room)
        room_assign_slot(r, s, now_us);
}
