// SPDX-License-Identifier: Apache-2.0
/* An authentication over HTTP: a bench whose case is of a hat, with a checklist of its merchant's and a still. */
#ifndef LOUPE_TESTS_HAT_BENCH_H
#define LOUPE_TESTS_HAT_BENCH_H

#include "tests/unit/support/api_bench.h"

#define SHA "abababababababababababababababababababababababababababababababab"
#define NONCE "00000000000000000000000000000000000000000000000000000000000000aa"
#define HATS                                                                                       \
    "{'name':{'en':'Hats'},'categories':['hat'],'points':["                                        \
    "{'id':'label','title':{'en':'Label'},'evidence':'still'},"                                    \
    "{'id':'seam','title':{'en':'Seam'}},"                                                         \
    "{'id':'box','title':{'en':'Box'},'optional':true}]}"
#define GROUNDS "'grounds':[{'text':'The label fits.','evidence':['" SHA "']}]"

struct hat_bench {
    struct api_bench api;
    struct store_case hat; /* an authentication */
    struct store_still still, foreign;
    const char *jti; /* of the tokens from now on: a link's; NULL: none */
};

/** A finished still of that hash. */
struct store_still hat_still(struct api_bench *b, const struct store_case *of, const char *sha);
/** An answer's status; the case is the hat's. */
int hat_ask(struct hat_bench *b, void (*handler)(struct store *s, struct api_call *c),
            enum role role, const char *who, const char *param, const char *body);
/** What ann finds at a point; "%s" in it is the still's id. */
int hat_point(struct hat_bench *b, const char *name, const char *format);
/** Ann's verdict. */
int hat_verdict(struct hat_bench *b, enum role role, const char *body);
/** All that a verdict wants. */
void hat_fill(struct hat_bench *b);
/** A test's fixture. */
int hat_setup(void **state);
int hat_teardown(void **state);

#endif
