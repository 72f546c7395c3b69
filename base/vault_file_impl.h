// SPDX-License-Identifier: Apache-2.0
/* What vault_file.c (records, writing) and vault_file_read.c share. */
#ifndef LOUPE_BASE_VAULT_FILE_IMPL_H
#define LOUPE_BASE_VAULT_FILE_IMPL_H

#include <openssl/evp.h>

#include "base/vault_file.h"

enum {
    NONCE_AT = 8,
    NONCE_BYTES = 12,
    TEXT_AT = NONCE_AT + NONCE_BYTES,
    TAG_BYTES = 16,
    AAD_BYTES = 16,
    BATCH = 4, /* records written, or read, by one system call */
    END_BYTES = 12,
    REWRITE_BYTES = 8,
    FOOT_BYTES = 4,
};
#define VAULT_IS_END 0x80000000u
#define VAULT_NO_RECORD UINT64_MAX

struct vault_rewrite {
    uint32_t number, generation;
};

struct vault_file {
    struct vault *vault;
    int fd;
    enum vault_kind kind;
    bool ended;
    uint32_t chunk;
    EVP_CIPHER_CTX *cipher;
    uint64_t size;  /* of the text */
    uint64_t count; /* of the records on the disk, the end not counted */
    uint64_t began_size, began_count;
    bool salvaged;    /* generations are what the records say */
    uint64_t spare;   /* where a record lies that was being written again; 0: none does */
    uint64_t *starts; /* VAULT_LOG, reading: where each record's text begins; `count` of them */
    struct vault_rewrite *rewrites;
    size_t rewrite_count;
    /* The text of one record: that which is being filled (writing), or the one read last. */
    uint8_t *page;
    uint64_t page_number; /* reading */
    uint8_t *raw;         /* writing: BATCH records */
};

int vault_file_make(struct vault_file **ret, struct vault *vault, int fd);
/** The key is in the cipher from here on, and nowhere else. */
int vault_file_take_key(struct vault_file *f, struct vault_file_key *key);

/** ER_IO. */
int vault_raw_write(const struct vault_file *f, uint64_t at, const uint8_t *data, size_t len);
/** ER_TRUNCATED: the file ends before; ER_IO. */
int vault_raw_read(const struct vault_file *f, uint64_t at, uint8_t *data, size_t len);

/** In place: `text` is what was read, and becomes what it says. ER_UNAUTHENTIC. */
int vault_record_decrypt(struct vault_file *f, uint64_t number, uint32_t generation, bool is_end,
                         const uint8_t head[static TEXT_AT], uint8_t *text, size_t len,
                         const uint8_t tag[static TAG_BYTES]);
uint32_t vault_record_generation(const struct vault_file *f, uint64_t number);
/** Of a full one, on the disk. */
size_t vault_record_size(const struct vault_file *f);
/** Where a record's text begins in the text, */
uint64_t vault_record_start(const struct vault_file *f, uint64_t number);
/** and where that record lies in the file. */
uint64_t vault_record_place(uint64_t number, uint64_t start);

#endif
