// SPDX-License-Identifier: Apache-2.0
/* What sessions.c (the table) and link.c (the connections) share, and nobody else sees. */
#ifndef LOUPE_SIGNALING_SESSIONS_IMPL_H
#define LOUPE_SIGNALING_SESSIONS_IMPL_H

#include "base/addr.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "signaling/sessions.h"

/** A text that waits on a link, outside of any outbox. */
struct note {
    struct list node;
    size_t len;
    char text[];
};

struct entry {
    struct session session; /* first: a session's address is its entry's */
    struct link *link;      /* NULL: dropped */
    struct entry *older;    /* the same person's */
    struct heap_node timer;
    bool opening;
    char hello_id[PROTO_ID_BYTES];
};

struct link {
    struct list node;
    struct sessions *table;
    void *user;
    struct entry *entry;
    struct heap_node timer; /* until hello */
    struct list notes;      /* to be written, before the outbox */
    struct list held;       /* came while opening */
    size_t held_count;
    unsigned refused;   /* messages beyond the rate, less those within it */
    struct note *shown; /* given out by link_next */
    char ping[24];
    char from[ADDR_TEXT_BYTES]; /* "": not known */
    enum link_state state;
    unsigned close_code;
    bool close_given;
};

struct sessions {
    struct sessions_ops ops;
    struct entropy entropy;
    void (*wake)(void *user);
    struct map *by_id;
    struct map *by_person; /* by person_key -> the newest entry */
    struct list links;
    size_t link_count;
    struct heap link_timers;
    struct heap entry_timers;
    uint64_t now_us;
    uint64_t unix_offset_us;
    uint64_t seed[2];
};

static inline struct entry *entry_of(const struct session *s)
{
    return container_of(s, struct entry, session);
}

/** NULL at a limit or without memory. */
struct entry *entry_new(struct sessions *t, const struct session_who *who);
void entry_free(struct sessions *t, struct entry *e);
/** Arm the next deadline: pings while there is a link, else the end of the wait for a resume. */
void entry_arm(struct sessions *t, struct entry *e);
/** Part a session from its connection. What it has not handed over goes with the link when `flush`
 *  is set. */
void entry_detach(struct entry *e, bool flush);
/** The connection is lost. An opening session ends with it. */
void entry_drop(struct sessions *t, struct entry *e);
/** Room for one more session of this person, who has been let in: the oldest dropped one goes, else
 *  the oldest. Those that are still opening do not count, they may yet be refused. */
void entry_make_room(struct sessions *t, const struct entry *newcomer);
/** `l` carries it from now on. The old connection, which may not have noticed yet that it is dead,
 *  is closed. */
void entry_take_over(struct sessions *t, struct entry *e, struct link *l);
/** NULL without memory. */
json_t *entry_new_welcome(struct sessions *t, struct entry *e, bool resumed);

void link_wake(struct link *l);
/** A text that goes out past any outbox, before what is there. */
struct note *note_add(struct list *notes, const char *text, size_t len);
/** The same from JSON, which it takes over. */
void link_note(struct link *l, json_t *body);
void link_close(struct link *l, unsigned code);
void link_refuse(struct link *l, const char *re, enum proto_error code, const char *why,
                 enum link_close close);
void link_kill(struct link *l);
void link_free(struct link *l);

#endif
