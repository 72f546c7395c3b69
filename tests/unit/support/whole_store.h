// SPDX-License-Identifier: Apache-2.0
/* A data folder with some of everything: a case with people, consents, a sealed clip with voices, a still, a
 * clip that was deleted, a hold, what was seen; and a second case. For tests of the store as a whole. */
#ifndef LOUPE_TESTS_WHOLE_STORE_H
#define LOUPE_TESTS_WHOLE_STORE_H

#include "server/sealer.h"
#include "server/store_keep.h"
#include "tests/unit/support/scratch.h"

#define WHOLE_T0 UINT64_C(1790000000000000)

struct whole_store {
    struct scratch scratch;
    struct entropy_seeded random;
    struct entropy entropy;
    char data[96]; /* the folder, with loupe.db, keys and blobs */
    struct store *store;
    struct sealer *sealer;
    struct keys *keys;
    struct store_case c, other;
    struct id clip, still, buried, hold;
};

/** Fails the test when it cannot. */
void whole_store_make(struct whole_store *w);
void whole_store_free(struct whole_store *w);
/** A file of a clip or a still, valid until the next call. */
const char *whole_store_path(struct whole_store *w, const struct id *id, const char *suffix);
/** One more clip of the case, being recorded: it has a .part. */
struct store_clip whole_store_begin(struct whole_store *w);
/** And sealed. */
void whole_store_end(struct whole_store *w, struct store_clip *c);
/** One more sealed clip of the case. */
struct id whole_store_clip(struct whole_store *w);
/** The same of another case. */
struct id whole_store_clip_of(struct whole_store *w, const struct store_case *sc);
/** Deleted as the server does it; not of the case itself, once it is disputed. */
void whole_store_bury(struct whole_store *w, const struct id *clip);

#endif
