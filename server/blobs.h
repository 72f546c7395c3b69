// SPDX-License-Identifier: Apache-2.0
/* The files of a clip or a still, which lie beside each other under one name with several suffixes. */
#ifndef LOUPE_SERVER_BLOBS_H
#define LOUPE_SERVER_BLOBS_H

/** Removes every <path>.*, whatever its suffix, and sees to it that they stay gone. 0 also when there is
 *  none; ER_IO: some may be there yet. Blocks on the disk. */
int blobs_remove(const char *path);

#endif
