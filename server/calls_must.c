// SPDX-License-Identifier: Apache-2.0
/* Commands to the media engine that cannot be refused to anybody, because they take something away: a
 * consent, a clip's going on, a peer, a room. With the engine's queue full they wait here, in order. */
#include <stdlib.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

#define RETRY_US 20000u

struct must {
    struct list node;
    enum must_type type;
    struct id room, clip;
    uint64_t peer;
    bool recording;
    char identity[LIMIT_IDENTITY + 1];
};

static int tell(struct calls *c, const struct must *m)
{
    struct media *media = c->config.media;
    switch (m->type) {
    case MUST_CONSENT:
        return media_consent(media, &m->room, m->identity, m->recording);
    case MUST_CLIP_STOP:
        return media_clip_stop(media, &m->room, &m->clip);
    case MUST_PEER_REMOVE:
        return media_peer_remove(media, &m->room, m->peer);
    case MUST_ROOM_CLOSE:
        return media_room_close(media, &m->room);
    }
    return 0;
}

static bool is_busy(int er)
{
    return er == ER_FULL || er == ER_NOMEM;
}

static void run(struct calls *c, const struct must *m)
{
    if (list_empty(&c->musts) && !is_busy(tell(c, m)))
        return;
    struct must *kept = malloc(sizeof *kept);
    log_event(c->config.log, LOG_WARN, kept ? "media_busy" : "media_command_lost", "type=%d",
              (int)m->type);
    if (!kept)
        return;
    *kept = *m;
    list_append(&c->musts, &kept->node);
}

void must_consent(struct calls *c, const struct id *room, const char *identity, bool recording)
{
    struct must m = {.type = MUST_CONSENT, .room = *room, .recording = recording};
    (void)str_copy(m.identity, sizeof m.identity, identity);
    run(c, &m);
}

void must_clip_stop(struct calls *c, const struct id *room, const struct id *clip)
{
    run(c, &(struct must){.type = MUST_CLIP_STOP, .room = *room, .clip = *clip});
}

void must_peer_remove(struct calls *c, const struct id *room, uint64_t peer)
{
    run(c, &(struct must){.type = MUST_PEER_REMOVE, .room = *room, .peer = peer});
}

void must_room_close(struct calls *c, const struct id *room)
{
    run(c, &(struct must){.type = MUST_ROOM_CLOSE, .room = *room});
}

void must_retry(struct calls *c)
{
    list_each_safe (must, &c->musts, struct must, node) {
        if (is_busy(tell(c, must)))
            return;
        list_remove(&must->node);
        free(must);
    }
}

uint64_t must_deadline_us(const struct calls *c)
{
    bool none = c->musts.next == &c->musts;
    return none ? HEAP_NEVER : calls_now_us(c) + RETRY_US;
}

void must_clear(struct calls *c)
{
    if (!c->musts.next)
        return;
    list_each_safe (must, &c->musts, struct must, node)
        free(must);
    list_init(&c->musts);
}
