// SPDX-License-Identifier: Apache-2.0
/* What a seal hashes: frames to leaves, the leaves of a second to a tree, the seconds to a chain.
 * Trees are those of RFC 6962, 2.1: a leaf is SHA-256(0x00 || ..), a node SHA-256(0x01 || left ||
 * right), a tree without leaves SHA-256 of nothing. docs/EVIDENCE.md has the whole of it. */
#ifndef LOUPE_SERVER_SEAL_MERKLE_H
#define LOUPE_SERVER_SEAL_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_PROOF_MAX 128 /* hashes of a range's proof: two for each level */

struct merkle_hash {
    uint8_t bytes[32];
};

/** A frame as it is sealed. */
struct seal_frame {
    uint32_t track;
    uint32_t len;   /* bytes */
    uint64_t at_ms; /* in the container */
    uint64_t byte;  /* where its payload begins in the file; 0: not known. Not sealed */
    struct merkle_hash hash;
    bool key;
};

/** SHA-256 of some bytes. ER_NOMEM, as all the others here. */
int merkle_sha256(const void *data, size_t len, struct merkle_hash *ret);
bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);

/** SHA-256(0x00 || u32 track || u64 at_ms || u8 key || u32 len || SHA-256(frame)), big-endian. */
int merkle_leaf(const struct seal_frame *frame, struct merkle_hash *ret);
/** The tree's hash over `count` leaves. */
int merkle_root(const struct merkle_hash *leaves, size_t count, struct merkle_hash *ret);

/** The proof that leaves `first`..`end` - 1 stand at their place in the tree of `count`: the hashes of
 *  the largest subtrees without any of them, from left to right. ER_INVALID: no such range, or empty. */
int merkle_prove(const struct merkle_hash *leaves, size_t count, size_t first, size_t end,
                 struct merkle_hash ret[static MERKLE_PROOF_MAX], size_t *ret_count);
/** The tree's hash from a range of its leaves and their proof. ER_MALFORMED: the proof has too few or
 *  too many hashes; ER_INVALID. */
int merkle_prove_root(const struct merkle_hash *kept, size_t count, size_t first, size_t end,
                      const struct merkle_hash *proof, size_t proof_count, struct merkle_hash *ret);

/** The chain before the first second: SHA-256 of the clip's id text. */
int merkle_chain_begin(const char *clip, struct merkle_hash *ret);
/** chain = SHA-256("loupe-second" || 0x00 || chain || u64 second || media || voices). */
int merkle_chain_step(struct merkle_hash *chain, uint64_t second, const struct merkle_hash *media,
                      const struct merkle_hash *voices);

#endif
