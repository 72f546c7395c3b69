// SPDX-License-Identifier: Apache-2.0
/* What encryption at rest costs at base/file.h itself.
 *
 *   loupe-bench storage FOLDER MIB ROUNDS
 *
 * A file of MIB is written as a recorder does (200 ms at 1.6 Mbit/s at once, fsync each second), copied as
 * when a clip is finished (64 KiB at once, fsync at the end), and read in 64 KiB at random places, all of
 * it in the page cache. Plain and encrypted take turns; printed are the medians as one JSON object: MiB per
 * second for what waits for the disk, else per second of CPU time. */
#ifndef LOUPE_TESTS_BENCH_STORAGE_H
#define LOUPE_TESTS_BENCH_STORAGE_H

int storage_main(int argc, char **argv);

#endif
