// SPDX-License-Identifier: Apache-2.0
/* The keys under which files lie on the disk. A master key encrypts nothing itself: each file has a key
 * of its own, derived from it (HKDF, RFC 5869) and from the file's head, which names the master key: so
 * there may be several, the newest writes, all read. base/file.h is what uses it. */
#ifndef LOUPE_BASE_VAULT_H
#define LOUPE_BASE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/limits.h"
#include "base/str.h"

#define VAULT_KEY_BYTES 32
#define VAULT_KEY_ID_BYTES 8
#define VAULT_HEAD_BYTES 64

/** Any thread may use it. Where a `struct vault *` may be NULL, there are no keys. */
struct vault;

/** Without keys. `entropy` must be one that any thread may use. ER_NOMEM. */
int vault_new(struct vault **ret, struct entropy entropy);
/** NULL is fine. */
void vault_free(struct vault *v);

/** Takes the keys of `text` instead of those it had: each 64 hexadecimal digits, between them blanks,
 *  commas or line ends; `#` and what follows on its line is a comment. The last one writes. Files that are
 *  open stay readable. ER_MALFORMED, *ret_line of the text; ER_FULL beyond LIMIT_VAULT_KEYS;
 *  ER_NOT_FOUND without any: those it had stay. */
int vault_set_keys(struct vault *v, struct span text, size_t *ret_line);
/** Whether there is a key to write under. */
bool vault_has_key(struct vault *v);
/** How many keys there are; the names of the last `size` of them, hexadecimal: the last one writes. */
size_t vault_key_names(struct vault *v, char (*ret)[2 * VAULT_KEY_ID_BYTES + 1], size_t size);
/** A key's name, by which heads of files tell it: of SHA-256. */
void vault_key_name(const uint8_t key[static VAULT_KEY_BYTES],
                    char ret[static 2 * VAULT_KEY_ID_BYTES + 1]);

/** How the records of a file lie. */
enum vault_kind {
    VAULT_LOG = 1,   /* as they were appended; it ends where they end */
    VAULT_WHOLE = 2, /* all of the same length but the last one, and an end that says how many */
};

/** What the head of a file says, and its key. */
struct vault_file_key {
    enum vault_kind kind;
    unsigned chunk_log2; /* of the bytes in a record, at most */
    uint8_t key[VAULT_KEY_BYTES];
};

/** Whether a file that begins like this has a head. */
bool vault_is_head(const void *bytes, size_t len);
/** A head for a new file: `kind` and `chunk_log2` are the caller's, the key comes back. ER_NOT_FOUND
 *  without keys. */
int vault_make_head(struct vault *v, struct vault_file_key *key,
                    uint8_t ret_head[static VAULT_HEAD_BYTES]);
/** Reads one. ER_DENIED: its master key is not here; ER_UNAUTHENTIC: it was changed; ER_UNSUPPORTED:
 *  of another version. `v` may be NULL. */
int vault_read_head(struct vault *v, const uint8_t head[static VAULT_HEAD_BYTES],
                    struct vault_file_key *ret);

/** Since the start. */
struct vault_counters {
    uint64_t bytes_encrypted, bytes_decrypted;
    uint64_t unauthentic; /* records and heads that were not as they were written */
    uint64_t no_key;      /* files that could not be opened for want of their key */
};
void vault_read_counters(struct vault *v, struct vault_counters *ret);
/** What is counted by who reads and writes. NULL is fine. */
void vault_count(struct vault *v, uint64_t encrypted, uint64_t decrypted, uint64_t unauthentic);

/** Randomness for a nonce. */
void vault_nonce(struct vault *v, uint8_t *ret, size_t len);

#endif
