// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an attachment, in pieces as they may come: what it is said to be does not depend on the pieces, and text has
 * no control character in it. */
#include <stdlib.h>
#include <string.h>

#include "server/attachment_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static enum attachment_type told(const uint8_t *data, size_t len, size_t piece)
{
    struct attachment_look l = {.bytes = 0};
    for (size_t at = 0; at < len; at += piece)
        attachment_look_on(&l, data + at, len - at < piece ? len - at : piece);
    require(l.bytes == len);
    return attachment_look_end(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum attachment_type type = told(data, size, size + 1);
    require(told(data, size, 1) == type && told(data, size, 7) == type);
    require((attachment_media_type(type) == NULL) == (type == ATTACHMENT_TYPES));
    for (size_t i = 0; type == ATTACHMENT_TEXT && i < size; i++)
        require(data[i] >= 0x20 || (data[i] >= 9 && data[i] <= 13 && data[i] != 11));
    return 0;
}
