// SPDX-License-Identifier: Apache-2.0
/* Frame logs: what is read of a log makes the same lines again, up to where it is bad or torn. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/framelog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct framelog_reader reader = framelog_read((struct span){.at = text, .len = size});
    struct framelog_record record;
    char line[FRAMELOG_LINE_BYTES + 1];
    size_t at = 0;
    int er;
    while ((er = framelog_next(&reader, &record)) == 0) {
        int len = framelog_write(line, sizeof line, &record);
        if (len <= 0 || (size_t)len > size - at || memcmp(line, text + at, (size_t)len) != 0)
            abort();
        at += (size_t)len;
        if (at != size - reader.rest.len)
            abort();
    }
    if (er != ER_NOT_FOUND && er != ER_MALFORMED)
        abort();
    if (er == ER_NOT_FOUND && at < size && memchr(text + at, '\n', size - at))
        abort();
    return 0;
}
