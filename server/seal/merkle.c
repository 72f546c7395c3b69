// SPDX-License-Identifier: Apache-2.0
/* Merkle trees and the chain of seconds. Recursion is as deep as a tree: 64 levels at most. */
#include "server/seal/merkle.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/er.h"

int merkle_sha256(const void *data, size_t len, struct merkle_hash *ret)
{
    digest_sha256(data, len, ret->bytes);
    return 0;
}

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int merkle_leaf(const struct seal_frame *frame, struct merkle_hash *ret)
{
    uint8_t bytes[1 + 4 + 8 + 1 + 4 + sizeof frame->hash.bytes];
    struct wr w = wr_make(bytes, sizeof bytes);
    wr_u8(&w, 0);
    wr_u32(&w, frame->track);
    wr_u64(&w, frame->at_ms);
    wr_u8(&w, frame->key);
    wr_u32(&w, frame->len);
    wr_bytes(&w, frame->hash.bytes, sizeof frame->hash.bytes);
    return merkle_sha256(bytes, wr_len(&w), ret);
}

static int node(const struct merkle_hash *left, const struct merkle_hash *right,
                struct merkle_hash *ret)
{
    uint8_t bytes[1 + 2 * sizeof left->bytes];
    bytes[0] = 1;
    memcpy(bytes + 1, left->bytes, sizeof left->bytes);
    memcpy(bytes + 1 + sizeof left->bytes, right->bytes, sizeof right->bytes);
    return merkle_sha256(bytes, sizeof bytes, ret);
}

/** The largest power of two below `count`, which is 2 at least. */
static size_t split_of(size_t count)
{
    size_t split = 1;
    while (split < count - split)
        split *= 2;
    return split;
}

int merkle_root(const struct merkle_hash *leaves, size_t count, struct merkle_hash *ret)
{
    if (count == 0)
        return merkle_sha256("", 0, ret);
    if (count == 1) {
        *ret = leaves[0];
        return 0;
    }
    struct merkle_hash left, right;
    size_t split = split_of(count);
    int er = merkle_root(leaves, split, &left);
    if (er == 0)
        er = merkle_root(leaves + split, count - split, &right);
    return er ? er : node(&left, &right, ret);
}

/** A range of a tree's leaves, and the hashes of what is not in it. */
struct range {
    size_t first, end;
    const struct merkle_hash *leaves; /* proving: all; checking: those of the range */
    struct merkle_hash *made;
    const struct merkle_hash *given;
    size_t count, size; /* of the proof: used so far, and there at most */
};

/** Subtree of the leaves from..to: what the proof needs of it. */
static int prove(struct range *r, size_t from, size_t to)
{
    if (from >= r->first && to <= r->end)
        return 0;
    if (to <= r->first || from >= r->end) {
        if (r->count == r->size)
            return ER_INVALID;
        return merkle_root(r->leaves + from, to - from, &r->made[r->count++]);
    }
    size_t middle = from + split_of(to - from);
    int er = prove(r, from, middle);
    return er ? er : prove(r, middle, to);
}

int merkle_prove(const struct merkle_hash *leaves, size_t count, size_t first, size_t end,
                 struct merkle_hash ret[static MERKLE_PROOF_MAX], size_t *ret_count)
{
    if (first >= end || end > count)
        return ER_INVALID;
    struct range r = {
        .first = first, .end = end, .leaves = leaves, .made = ret, .size = MERKLE_PROOF_MAX};
    int er = prove(&r, 0, count);
    *ret_count = r.count;
    return er;
}

static int prove_root(struct range *r, size_t from, size_t to, struct merkle_hash *ret)
{
    if (from >= r->first && to <= r->end)
        return merkle_root(r->leaves + (from - r->first), to - from, ret);
    if (to <= r->first || from >= r->end) {
        if (r->count == r->size)
            return ER_MALFORMED;
        *ret = r->given[r->count++];
        return 0;
    }
    struct merkle_hash left, right;
    size_t middle = from + split_of(to - from);
    int er = prove_root(r, from, middle, &left);
    if (er == 0)
        er = prove_root(r, middle, to, &right);
    return er ? er : node(&left, &right, ret);
}

int merkle_prove_root(const struct merkle_hash *kept, size_t count, size_t first, size_t end,
                      const struct merkle_hash *proof, size_t proof_count, struct merkle_hash *ret)
{
    if (first >= end || end > count)
        return ER_INVALID;
    struct range r = {
        .first = first, .end = end, .leaves = kept, .given = proof, .size = proof_count};
    int er = prove_root(&r, 0, count, ret);
    return er == 0 && r.count != proof_count ? ER_MALFORMED : er;
}

int merkle_chain_begin(const char *clip, struct merkle_hash *ret)
{
    return merkle_sha256(clip, strlen(clip), ret);
}

int merkle_chain_step(struct merkle_hash *chain, uint64_t second, const struct merkle_hash *media,
                      const struct merkle_hash *voices)
{
    static const char name[] = "loupe-second"; /* with its NUL */
    uint8_t bytes[sizeof name + 3 * sizeof chain->bytes + 8];
    struct wr w = wr_make(bytes, sizeof bytes);
    wr_bytes(&w, name, sizeof name);
    wr_bytes(&w, chain->bytes, sizeof chain->bytes);
    wr_u64(&w, second);
    wr_bytes(&w, media->bytes, sizeof media->bytes);
    wr_bytes(&w, voices->bytes, sizeof voices->bytes);
    return merkle_sha256(bytes, wr_len(&w), chain);
}
