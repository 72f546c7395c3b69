// SPDX-License-Identifier: Apache-2.0
/* What a backup from elsewhere says of itself: the list of its files and the heads of its archive. No name that is
 * taken leads out of the folder, and what is taken reads back as it was written. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/backup_files.h"
#include "server/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name)
{
    require(name[0] != '/' && name[0] != '.' && !strstr(name, "/.") && !strstr(name, "//"));
    require(strcmp(name, "loupe.db") == 0 || strncmp(name, "blobs/", 6) == 0 ||
            strncmp(name, "keys/", 5) == 0);
}

static void check_list(const char *text, size_t size)
{
    struct backup_list list = {0}, again = {0};
    size_t len;
    int er = backup_list_parse(&list, text, size);
    require(er == 0 || er == ER_MALFORMED);
    for (size_t i = 0; er == 0 && i < list.count; i++)
        check_name(list.files[i].name);
    if (er == 0) {
        char *written = backup_list_text(&list, &len);
        require(written != NULL && backup_list_parse(&again, written, len) == 0);
        require(again.count == list.count);
        free(written);
    }
    backup_list_clear(&list);
    backup_list_clear(&again);
}

static void check_head(const uint8_t *block)
{
    struct tar_entry e, again;
    uint8_t written[TAR_BLOCK];
    int er = tar_head_read(block, &e);
    require(er == 0 || er == ER_NOT_FOUND || er == ER_MALFORMED || er == ER_UNSUPPORTED);
    if (er || !e.name[0])
        return;
    require(tar_head_write(written, &e, 1) == 0 && tar_head_read(written, &again) == 0);
    require(again.size == e.size && again.folder == e.folder);
    if (strncmp(e.name, "./", 2) != 0)
        require(strcmp(again.name, e.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_list(text, size);
    free(text);
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK)
        check_head(data + at);
    return 0;
}
