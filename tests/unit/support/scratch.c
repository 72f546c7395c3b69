// SPDX-License-Identifier: Apache-2.0
/* The tests' folders. */
#include "tests/unit/support/scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void scratch_make(struct scratch *s)
{
    const char *base = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%s/loupe-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(s->folder));
}

const char *scratch_path(struct scratch *s, const char *name)
{
    snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
    return s->path;
}

static unsigned each(struct scratch *s, bool remove_it)
{
    unsigned count = 0;
    DIR *folder = opendir(s->folder);
    assert_non_null(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (remove_it)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    return count;
}

void scratch_remove(struct scratch *s)
{
    each(s, true);
    rmdir(s->folder);
}

unsigned scratch_count(struct scratch *s)
{
    return each(s, false);
}

bool scratch_exists(struct scratch *s, const char *name)
{
    return access(scratch_path(s, name), F_OK) == 0;
}

uint8_t *scratch_read(struct scratch *s, const char *name, size_t *ret_len)
{
    FILE *f = fopen(scratch_path(s, name), "rb");
    assert_non_null(f);
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    *ret_len = (size_t)st.st_size;
    uint8_t *data = malloc(*ret_len + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *ret_len, f), *ret_len);
    fclose(f);
    return data;
}

void scratch_write(struct scratch *s, const char *name, const uint8_t *data, size_t len)
{
    FILE *f = fopen(scratch_path(s, name), "wb");
    assert_non_null(f);
    assert_true(len == 0 || fwrite(data, 1, len, f) == len);
    assert_int_equal(fclose(f), 0);
}
