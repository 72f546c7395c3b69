// SPDX-License-Identifier: Apache-2.0
/* The people of a room. */
#include "signaling/roster.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/map.h"
#include "base/str.h"

struct roster {
    struct list people;
    struct map *by_identity;
};

int roster_new(struct roster **ret, uint64_t seed)
{
    *ret = NULL;
    struct roster *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    list_init(&r->people);
    int er = map_new(&r->by_identity, LIMIT_PEERS_PER_ROOM, seed);
    if (er < 0) {
        free(r);
        return er;
    }
    *ret = r;
    return 0;
}

void roster_free(struct roster *r)
{
    if (!r)
        return;
    list_each_safe (person, &r->people, struct roster_person, node) {
        json_decref(person->camera);
        free(person);
    }
    map_free(r->by_identity);
    free(r);
}

int roster_add(struct roster *r, const char *identity, const char *name, enum role role,
               struct roster_person **ret)
{
    struct roster_person *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    int er = map_add_str(r->by_identity, identity, p);
    if (er < 0) {
        free(p);
        return er;
    }
    (void)str_copy(p->identity, sizeof p->identity, identity);
    (void)str_copy(p->name, sizeof p->name, name);
    p->role = role;
    list_append(&r->people, &p->node);
    *ret = p;
    return 0;
}

void roster_remove(struct roster *r, struct roster_person *p)
{
    map_remove_str(r->by_identity, p->identity);
    list_remove(&p->node);
    json_decref(p->camera);
    free(p);
}

struct roster_person *roster_find(const struct roster *r, const char *identity)
{
    return map_get_str(r->by_identity, identity);
}

size_t roster_count(const struct roster *r)
{
    return map_count(r->by_identity);
}

struct list *roster_people(struct roster *r)
{
    return &r->people;
}

json_t *roster_network_json(const struct roster_network *n)
{
    const char *quality = proto_quality_name(n->quality), *why = proto_trouble_name(n->why);
    if (!quality)
        return json_null();
    json_t *network = json_pack("{s:s}", "quality", quality);
    if (why)
        json_object_set_new(network, "why", json_string(why));
    if (n->has_rtt)
        json_object_set_new(network, "rtt_ms", json_integer(n->rtt_ms));
    return network;
}

json_t *roster_person_json(const struct roster_person *p)
{
    char joined[CLOCK_TEXT_BYTES];
    clock_format(p->joined_unix_us, joined);
    json_t *person = json_pack("{s:s,s:s,s:s,s:b,s:b,s:b,s:b,s:s}", "identity", p->identity, "name",
                               p->name, "role", role_name(p->role), "online", p->online, "consent",
                               p->consent, "audio", p->audio, "video", p->video, "joined_at",
                               joined);
    const char *facing = proto_facing_name(p->facing);
    if (facing)
        json_object_set_new(person, "facing", json_string(facing));
    if (p->camera)
        json_object_set(person, "camera", p->camera);
    if (p->network.quality)
        json_object_set_new(person, "network", roster_network_json(&p->network));
    return person;
}

json_t *roster_json(struct roster *r)
{
    json_t *people = json_array();
    list_each (person, &r->people, struct roster_person, node)
        json_array_append_new(people, roster_person_json(person));
    return people;
}
