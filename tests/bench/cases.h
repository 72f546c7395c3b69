// SPDX-License-Identifier: Apache-2.0
/* A store of very many cases.
 *
 *   loupe-bench cases FOLDER CASES SECONDS
 *
 * Makes CASES of them by the same calls as the server (0: takes those that it has made there before), nine in ten of one
 * merchant, with the events, tags and states of cases of all ages; then lists and searches in every way there is, with pages of 50 as the API builds them; then writes
 * events for SECONDS, each a transaction of its own with synchronous=FULL, and fsyncs a plain file as often as it can, for
 * comparison. Prints one JSON object. */
#ifndef LOUPE_TESTS_BENCH_CASES_H
#define LOUPE_TESTS_BENCH_CASES_H

int cases_main(int argc, char **argv);

#endif
