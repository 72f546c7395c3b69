// SPDX-License-Identifier: Apache-2.0
/* What the generator says about all of its peers. */
#ifndef LOUPE_TESTS_BENCH_REPORT_H
#define LOUPE_TESTS_BENCH_REPORT_H

#include <jansson.h>
#include <stddef.h>

#include "tests/bench/load_meter.h"
#include "tests/bench/load_peer.h"

#define LOAD_PEERS 8192

struct load_peers {
    size_t count;
    struct load_peer *all[LOAD_PEERS];
};

/** Counts since the last reset, delays in milliseconds, this process's CPU seconds. The caller owns
 *  the object. */
json_t *load_report(const struct load_peers *peers, struct load_meter *meter);

#endif
