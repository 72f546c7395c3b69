// SPDX-License-Identifier: Apache-2.0
/* A call with a finished, sealed clip, for tests of what becomes of it. */
#ifndef LOUPE_TESTS_BURIED_H
#define LOUPE_TESTS_BURIED_H

#include "server/store_keep.h"
#include "tests/unit/support/calls_world.h"

struct buried {
    struct world w;
    struct client buyer;
    struct store_case c;
    struct claims agent, shop, arbiter; /* the shop may delete */
    struct id clip;
};

/** As a test's fixture. */
int buried_setup(void **state);
int buried_teardown(void **state);
/** One more clip of the call, of 5 s, sealed. */
struct id buried_clip(struct buried *b);
/** A part of it, ready. */
struct id buried_part(struct buried *b, const struct id *of);
/** The row, which must be there. */
struct store_clip buried_row(struct buried *b, const struct id *clip);
bool buried_is_gone(struct buried *b, const struct id *clip);
/** Files that begin with the clip's or still's name. */
unsigned buried_files(struct buried *b, const struct id *of);
/** A file of its, of any suffix; removed with everything else. */
void buried_put(struct buried *b, const struct id *of, const char *suffix, const char *text);

/** What came of deleting. */
struct buried_answer {
    int er;
    unsigned count;
    char *document; /* canonical, until the next one; "" without */
    char why[128];
};
struct buried_answer *buried_delete(struct buried *b, const struct claims *who, const char *id,
                                    bool still, bool parts);
/** Does the server's own key vouch for this document (and for `manifest` with it, may be NULL)? */
bool buried_verifies(struct buried *b, const char *document, const char *manifest);

#endif
