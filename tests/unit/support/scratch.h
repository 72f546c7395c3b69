// SPDX-License-Identifier: Apache-2.0
/* A folder of its own for a test, and whole files read, written and cut in one call. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_SCRATCH_H
#define LOUPE_TESTS_UNIT_SUPPORT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scratch {
    char folder[64];
    char path[128];
};

/** Fails the test when it cannot. */
void scratch_make(struct scratch *s);
/** Removes the folder and the files in it. */
void scratch_remove(struct scratch *s);
/** Full path of `name`, valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);
bool scratch_exists(struct scratch *s, const char *name);
/** To free(). */
uint8_t *scratch_read(struct scratch *s, const char *name, size_t *ret_len);
void scratch_write(struct scratch *s, const char *name, const uint8_t *data, size_t len);
/** Files in the folder. */
unsigned scratch_count(struct scratch *s);

#endif
