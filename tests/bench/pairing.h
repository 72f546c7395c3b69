// SPDX-License-Identifier: Apache-2.0
/* What one decision of the pairing queue takes, with many waiting and many agents.
 *
 *   loupe-bench pairing WAITING AGENTS KINDS DECISIONS
 *
 * So many cases wait, of so many kinds at most (what they need), while all agents, each with abilities of
 * their own, are in calls; then agents hang up, take what they are offered or decline it, and new cases come.
 * Then again with all agents free whom nobody who waits has use for. Printed is one JSON object: microseconds
 * of CPU time for each kind of decision, its events fetched: median, p99, the longest. */
#ifndef LOUPE_TESTS_BENCH_PAIRING_H
#define LOUPE_TESTS_BENCH_PAIRING_H

int pairing_main(int argc, char **argv);

#endif
