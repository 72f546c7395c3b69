// SPDX-License-Identifier: Apache-2.0
/* The yardstick: what this machine can do at best. The packets of a room (frames of ten, and Opus) are
 * encrypted for N viewers and sent to N sockets, a frame's packets to a viewer as one GSO send; nothing
 * else is done: no reading, no copy of the payload, no bookkeeping.
 *
 *   loupe-bench drain ADDRESS N                    N sockets on ports in a row, read and forgotten
 *   loupe-bench limit ADDRESS FIRST_PORT N SECONDS [evp] [plain] [video]
 *
 * `drain` prints {"first_port"} and ends with its standard input, printing {"received"}. `limit` prints
 * packets sent and CPU seconds: with libsrtp, or OpenSSL directly (evp); without GSO (plain: sendmmsg);
 * without the Opus packets (video). Both end with 0 when all went well. */
#ifndef LOUPE_TESTS_BENCH_LIMIT_H
#define LOUPE_TESTS_BENCH_LIMIT_H

int limit_main(int argc, char **argv);
int drain_main(int argc, char **argv);

#endif
