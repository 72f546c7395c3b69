// SPDX-License-Identifier: Apache-2.0
// Encrypted files that somebody tampered with: what can be read of them is what was written, from its
// begin, or nothing. The first byte says what kind of file; then come changes of it: three bytes where,
// one what. A second way in: any bytes behind a good head.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/vault_file.h"

enum { TEXT = 3 * (1 << VAULT_CHUNK_LOG2) + 99, FILE_MAX = TEXT + 65536 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct vault *vault_of(struct entropy_seeded *seeded)
{
    static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    struct vault *v;
    size_t line;
    require(vault_new(&v, entropy_seeded_init(seeded, 1)) == 0);
    require(vault_set_keys(v, span_of(key), &line) == 0);
    return v;
}

/** A file of the text, in pieces that differ; the first chunk of a whole one is written twice. */
static void write_file(struct vault *v, int fd, enum vault_kind kind, const uint8_t *text)
{
    struct vault_file *f;
    require(vault_file_begin(&f, v, fd, kind) == 0);
    for (size_t at = 0, n = 1; at < TEXT; at += n, n = 2 * n + 1) {
        if (n > TEXT - at)
            n = TEXT - at;
        require(vault_file_write(f, at, text + at, n) == 0);
    }
    if (kind == VAULT_WHOLE)
        require(vault_file_write(f, 5, text + 5, 9) == 0);
    require(vault_file_end(f) == 0);
    vault_file_free(f);
}

static void read_file(struct vault *v, int fd, enum vault_use use, const uint8_t *text)
{
    static uint8_t read[FILE_MAX];
    struct vault_file *f;
    size_t len;
    int er = vault_file_open(&f, v, fd, use);
    require(er == 0 || er == ER_DENIED || er == ER_UNAUTHENTIC || er == ER_UNSUPPORTED ||
            er == ER_TRUNCATED || er == ER_INVALID || er == ER_MALFORMED);
    if (er < 0)
        return;
    require(vault_file_size(f) <= FILE_MAX);
    if (use != VAULT_APPEND) {
        er = vault_file_read(f, 0, read, sizeof read, &len);
        require(er == 0 || er == ER_UNAUTHENTIC);
        require(len <= TEXT && memcmp(read, text, len) == 0);
        er = vault_file_read(f, 20000, read, 30000, &len);
        require(len <= TEXT && memcmp(read, text + (len ? 20000 : 0), len) == 0);
    }
    vault_file_free(f);
}

static void tamper(int fd, size_t size, const uint8_t *data, size_t len)
{
    for (; len >= 4; data += 4, len -= 4) {
        size_t at = ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % (size + 1);
        uint8_t byte;
        if (data[3] == 0) {
            require(ftruncate(fd, (off_t)at) == 0);
        } else if (pread(fd, &byte, 1, (off_t)at) == 1) {
            byte ^= data[3];
            require(pwrite(fd, &byte, 1, (off_t)at) == 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[TEXT];
    struct entropy_seeded seeded;
    if (size < 1 || size > 4096)
        return 0;
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (uint8_t)(i * 31 + (i >> 8));
    struct vault *v = vault_of(&seeded);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0);
    write_file(v, fd, data[0] & 1 ? VAULT_LOG : VAULT_WHOLE, text);
    off_t end = lseek(fd, 0, SEEK_END);
    require(end > TEXT && end < FILE_MAX);
    if (data[0] & 2) { /* a stranger's records */
        require(ftruncate(fd, VAULT_HEAD_BYTES) == 0);
        require(pwrite(fd, data + 1, size - 1, VAULT_HEAD_BYTES) == (ssize_t)(size - 1));
    } else {
        tamper(fd, (size_t)end, data + 1, size - 1);
    }
    static const enum vault_use uses[] = {VAULT_READ, VAULT_SALVAGE, VAULT_APPEND};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        read_file(v, fd, uses[i], text);
    (void)close(fd);
    vault_free(v);
    return 0;
}
