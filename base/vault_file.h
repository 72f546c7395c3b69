// SPDX-License-Identifier: Apache-2.0
/* What lies encrypted in a file: AES-256-GCM in records, so that any place can be read by itself, and
 * nothing can be changed, cut, moved or exchanged unnoticed. base/file.h is the face of it.
 *
 * A head (base/vault.h), then records: u32 length of the text (its highest bit: this is the end), u32
 * generation, 12 bytes of nonce, the text encrypted, 16 bytes of tag. Authenticated with each are its
 * number, its generation and its length; the key is the file's own. Numbers are big-endian.
 *
 * A VAULT_LOG is appended to and never overwritten, so that nothing that was on the disk can be lost; its
 * records are as long as what was written at once. It ends before the first one that is not as it was
 * written: a machine that died may have left such.
 *
 * In a VAULT_WHOLE all records have the same length but the last one. What is written again before the end
 * gets another nonce and the next generation, and is put behind the last record first, so that a process
 * that dies over it leaves one of the two. The end has u64 length of the file, u32 number of records
 * written again, and of each u32 its number, u32 its generation; behind it stands, as u32, how long it is.
 * Without its end such a file can be read by who asks for what there is of it, and by nobody else.
 */
#ifndef LOUPE_BASE_VAULT_FILE_H
#define LOUPE_BASE_VAULT_FILE_H

#include "base/vault.h"

#define VAULT_CHUNK_LOG2 14
#define VAULT_RECORD_BYTES 36 /* of a record, beside its text */

struct vault_file;

/** Writes the head of a new file into `fd`, which is empty and stays the caller's. ER_IO, ER_NOMEM,
 *  ER_NOT_FOUND without keys. */
int vault_file_begin(struct vault_file **ret, struct vault *vault, int fd, enum vault_kind kind);
enum vault_use {
    VAULT_READ,
    VAULT_SALVAGE, /* to read it; a VAULT_WHOLE may lack its end, and goes as far as it goes then */
    VAULT_APPEND,  /* to a VAULT_LOG: what is half written at its end is cut off */
};
/** A file that begins as vault_is_head says. ER_DENIED, ER_UNAUTHENTIC, ER_UNSUPPORTED as
 *  vault_read_head; ER_TRUNCATED: a VAULT_WHOLE without its end; ER_INVALID: one that is to be appended to;
 *  ER_IO, ER_NOMEM. */
int vault_file_open(struct vault_file **ret, struct vault *vault, int fd, enum vault_use use);
/** NULL is fine. What was not ended is lost (of a VAULT_WHOLE), or there (of a VAULT_LOG). */
void vault_file_free(struct vault_file *f);

/** Of the text. */
uint64_t vault_file_size(const struct vault_file *f);
/** As many of `size` bytes from `at` as there are. ER_UNAUTHENTIC, ER_IO. */
int vault_file_read(struct vault_file *f, uint64_t at, void *buf, size_t size, size_t *ret_len);
/** At the end of a VAULT_LOG, anywhere up to the end of a VAULT_WHOLE. ER_INVALID: elsewhere, or it was
 *  ended; ER_FULL: LIMIT_VAULT_REWRITES; ER_IO. */
int vault_file_write(struct vault_file *f, uint64_t at, const void *data, size_t len);
/** All is handed to the system; a VAULT_WHOLE has its end then and takes nothing more. ER_IO. */
int vault_file_end(struct vault_file *f);
/** A VAULT_LOG open to append: as it was when it was opened. ER_IO. */
int vault_file_undo(struct vault_file *f);

#endif
