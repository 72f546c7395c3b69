// SPDX-License-Identifier: Apache-2.0
/* Real pictures for a load peer to publish, over and over: a VP8 stream from an IVF file that begins with a
 * key frame. What is decoded at the server, stills for one, has something to decode then. */
#ifndef LOUPE_TESTS_BENCH_LOAD_FILM_H
#define LOUPE_TESTS_BENCH_LOAD_FILM_H

#include <stddef.h>
#include <stdint.h>

struct load_film;

/** ER_IO; ER_MALFORMED: no IVF, or no VP8 in it; ER_NOMEM. */
int load_film_open(struct load_film **ret, const char *path);
void load_film_free(struct load_film *f);
/** The frame at `index`, counted round the end, the film's for as long as it lives. */
const uint8_t *load_film_frame(const struct load_film *f, size_t index, size_t *ret_len);

#endif
