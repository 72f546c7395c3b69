// SPDX-License-Identifier: Apache-2.0
/* A conductor with everything it needs, in one thread and virtual time: a store in memory, a fake
 * media engine, and clients that speak to it without sockets. */
#ifndef LOUPE_TESTS_CALLS_WORLD_H
#define LOUPE_TESTS_CALLS_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/auth.h"
#include "server/calls.h"
#include "server/store.h"

struct merkle_hash;

struct world {
    uint64_t now_us;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct store *store;
    struct dbq *dbq;
    struct media *media;
    struct auth *auth;
    struct calls *calls;
    char data[64];
    bool seals; /* clips are sealed; set by world_seal */
    struct sealer *sealer;
    /* The authority of time stamps, as in server/sealer.h; NULL: none. For world_seal. */
    int (*stamp)(void *ctx, const struct merkle_hash *hash, char **ret);
    void *stamp_ctx;
    bool drained;
};

struct client {
    struct world *world;
    struct link *link;
    json_t *inbox;   /* what came and was not taken */
    unsigned closed; /* the close code, or 0 */
    uint64_t seq;    /* highest */
    char session[ID_TEXT_BYTES];
    bool no_pong;
};

void world_start(struct world *w);
void world_stop(struct world *w);
/** Take the conductor down and bring it up again on the same store. */
void world_restart(struct world *w);
/** Clips are sealed from here on: their files must be there. */
void world_seal(struct world *w);
/** Let everything happen that can happen now. */
void world_settle(struct world *w);
/** Let time pass, in steps of at most a second. */
void world_pass(struct world *w, uint64_t ms);

/** A new case with this buyer, as the API would make it. */
struct store_case world_case(struct world *w, const char *buyer);
/** A token: case and room may be NULL. Static buffer of the caller. */
void world_token(struct world *w, const char *identity, enum role role, const struct id *case_id,
                 char ret_token[AUTH_TOKEN_BYTES]);
struct claims world_claims(const char *identity, enum role role, const struct id *case_id);
/** How many events of this type the case's timeline has. */
size_t world_events(struct world *w, const struct id *case_id, const char *type);

void client_open(struct client *c, struct world *w);
/** Open, hello, welcome. */
void client_hello(struct client *c, struct world *w, const char *identity, enum role role,
                  const struct id *case_id);
/** A peer connection of its, from which a picture comes. */
void client_publish(struct client *c, const struct id *room, const char *identity);
/** The connection breaks off. */
void client_cut(struct client *c);
/** A new connection with `session` and `received`. */
void client_resume(struct client *c, const char *identity, enum role role,
                   const struct id *case_id);
/** Cut, and forget what came. */
void client_free(struct client *c);
/** Send JSON (single quotes stand for double ones). */
void client_say(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The first message of this type, taken out (valid until client_forget or client_free);
 *  fails the test when there is none. */
json_t *client_expect(struct client *c, const char *type);
/** None of this type has come. */
bool client_has(struct client *c, const char *type);
void client_forget(struct client *c);
/** A fixture: the buyer of a case, "bo", in its room. */
struct in_room {
    struct world w;
    struct store_case c;
    struct client buyer;
};
int room_setup(void **state);
int room_teardown(void **state);

/** A text inside, by a path such as "person.identity"; "" when it is not there. */
const char *text_at(json_t *message, const char *path);

#endif
