// SPDX-License-Identifier: Apache-2.0
/* What is sent in pieces: each is on the disk before it is answered, so that an upload goes on where it was left. */
#include "base/er.h"
#include "base/file.h"
#include "server/calls_impl.h"

int calls_upload_size(struct vault *vault, const char *name, uint64_t *ret)
{
    struct file *f;
    *ret = 0;
    int er = file_open(&f, vault, name);
    if (er < 0)
        return er == ER_NOT_FOUND ? 0 : ER_IO;
    er = file_size(f, ret);
    file_close(f);
    return er;
}

int calls_upload_append(struct vault *vault, const char *name, uint64_t at, const uint8_t *data,
                        size_t len)
{
    struct file *f;
    int er = file_append(&f, vault, name);
    if (er < 0)
        return ER_IO;
    if (file_position(f) != at) /* begun anew: it was of before there was a key */
        er = ER_STALE;
    if (er == 0)
        er = file_write(f, data, len);
    if (er == 0)
        er = file_sync(f);
    if (er < 0 && er != ER_STALE)
        (void)file_undo(f);
    file_close(f);
    return er;
}
