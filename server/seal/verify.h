// SPDX-License-Identifier: Apache-2.0
/* Whether manifests and the clips they tell of are as they were sealed. Nothing here trusts what it is
 * given but the keys' document; all that is wrong goes into the report, by second, frame and byte. */
#ifndef LOUPE_SERVER_SEAL_VERIFY_H
#define LOUPE_SERVER_SEAL_VERIFY_H

#include "server/seal/manifest.h"
#include "server/seal/report.h"

/** What is believed beforehand. */
struct verify_trust {
    const struct keys *keys;    /* NULL: whose seal it is cannot be told */
    const char *authority_path; /* certificates of time stamping authorities, PEM; NULL: none */
};

/** Reads a manifest and checks it alone: form, signatures, key, frames against the seconds' trees, their
 *  chain. 0: *ret is set, whatever the report says; else it could not be read, and the report says so.
 *  Clear *ret in any case. */
int verify_manifest(struct report *r, const struct verify_trust *trust, const char *text,
                    size_t len, struct manifest *ret);

/** The .webm (or, with `voices`, the .voices.mka) that the manifest tells of. `er` is what reading it
 *  gave: 0 or ER_MALFORMED. */
void verify_media(struct report *r, const struct manifest *m, const struct matroska_file *file,
                  int er, bool voices);
/** Which of the two a file is to be, by its hash, else by its tracks. */
bool verify_is_voices(const struct manifest *m, const struct matroska_file *file);

/* Shared by the parts of the module */

/** The seconds of a trimmed clip against those of its original. */
void verify_trim(struct report *r, const struct manifest *m);
/** Whether the key may have sealed then. `what`: "seal" or "manifest". */
void verify_key(struct report *r, const struct verify_trust *trust, const struct key *key,
                const char *what, const char *at, const char *stamped_at);

#endif
