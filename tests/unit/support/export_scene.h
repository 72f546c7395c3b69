// SPDX-License-Identifier: Apache-2.0
/* A fixture: a case in Chinese with a chat message, a sealed clip with voices and two breaks, and a still;
 * exported. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_EXPORT_SCENE_H
#define LOUPE_TESTS_UNIT_SUPPORT_EXPORT_SCENE_H

#include "server/seal/report.h"
#include "server/sealer.h"
#include "server/store.h"
#include "tests/unit/support/authority.h"
#include "tests/unit/support/scratch.h"

#define EXPORT_SCENE_US UINT64_C(1790000000000000)

struct export_scene {
    struct scratch scratch; /* the clip's and the still's files are in it, by their ids */
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *store;
    struct authority authority; /* of the sealer */
    struct sealer *sealer;
    struct keys *keys;
    struct store_case sc;
    struct id clip, still;
    uint8_t *zip;
    size_t len;
};

int export_scene_setup(void **state);
int export_scene_teardown(void **state);
/** Anew, as it is now. */
void export_scene_export(struct export_scene *s);
/** loupe-verify of the first `len` bytes of it. */
void export_scene_verify(struct export_scene *s, size_t len, struct report *ret);
/** Clears the report. */
void export_scene_expect(struct report *r, enum report_verdict verdict);
/** Whether a finding is of that kind and its text has `part` in it. */
bool export_scene_says(const struct report *r, const char *what, const char *part);
/** An entry's text, to free(). */
char *export_scene_entry(struct export_scene *s, const char *name);

#endif
