// SPDX-License-Identifier: Apache-2.0
/* Days of a contact centre in virtual time, by the pairing queue and by first come, first served within each
 * skill, under the same load (tests/sim/centre.h).
 *
 *   loupe-bench centre SEED CALLS AGENTS
 *
 * Printed is one JSON object: {"seed", "queue", "fifo"}. */
#ifndef LOUPE_TESTS_BENCH_CENTRE_H
#define LOUPE_TESTS_BENCH_CENTRE_H

int centre_main(int argc, char **argv);

#endif
