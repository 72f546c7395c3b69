// SPDX-License-Identifier: Apache-2.0
/* What loupe-verify is given: files of any kind in any order, told apart by their first bytes. */
#ifndef LOUPE_SERVER_SEAL_VERIFY_FILES_H
#define LOUPE_SERVER_SEAL_VERIFY_FILES_H

#include "server/seal/verify.h"

#define VERIFY_FILES_MAX 16

/** Checks the files against the manifest that is one of them. What cannot be read or does not belong
 *  together is in the report. */
void verify_files(struct report *r, const struct verify_trust *trust, const char *const *paths,
                  size_t count);

#endif
