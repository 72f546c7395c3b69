// SPDX-License-Identifier: Apache-2.0
/* Where merchants want their webhooks sent, a line each, and what names resolve to. What is taken for public is so by
 * each wider reach, too; nothing that is not https, or has a control character, is; no private address gets through
 * in other clothes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "server/hook_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_url(const char *url)
{
    bool to_public = !hook_url_check(HOOK_PUBLIC, url);
    bool to_loopback = !hook_url_check(HOOK_LOOPBACK, url);
    bool anywhere = !hook_url_check(HOOK_ANYWHERE, url);
    require(!to_public || (to_loopback && anywhere));
    require(!to_loopback || anywhere);
    if (to_public)
        require(strncasecmp(url, "https://", 8) == 0);
    if (anywhere) {
        require(strlen(url) < HOOK_URL_BYTES && strncasecmp(url, "http", 4) == 0);
        require(!strpbrk(url, " \t\r\n\\\"<>"));
    }
}

static void check_address(const uint8_t *bytes, bool v6)
{
    char text[64];
    struct addr a;
    if (v6)
        (void)snprintf(text, sizeof text, "[%x:%x:%x:%x:%x:%x:%x:%x]:443", bytes[0] << 8 | bytes[1],
                       bytes[2] << 8 | bytes[3], bytes[4] << 8 | bytes[5], bytes[6] << 8 | bytes[7],
                       bytes[8] << 8 | bytes[9], bytes[10] << 8 | bytes[11],
                       bytes[12] << 8 | bytes[13], bytes[14] << 8 | bytes[15]);
    else
        (void)snprintf(text, sizeof text, "%u.%u.%u.%u:443", bytes[0], bytes[1], bytes[2],
                       bytes[3]);
    if (addr_parse(text, &a))
        return;
    bool global = hook_address_global(&a);
    require(hook_address_ok(HOOK_PUBLIC, false, &a) == global);
    require(!hook_address_ok(HOOK_PUBLIC, true, &a) || global);
    require(hook_address_ok(HOOK_ANYWHERE, true, &a));
    if (!v6 && (bytes[0] == 127 || bytes[0] == 10 || bytes[0] == 0 || bytes[0] >= 224))
        require(!global);
    if (v6 && memcmp(bytes, (const uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12) == 0 &&
        (bytes[12] == 127 || bytes[12] == 10))
        require(!global);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        check_url(line);
    }
    free(text);
    for (size_t at = 0; at + 16 <= size; at += 16) {
        check_address(data + at, true);
        check_address(data + at, false);
    }
    return 0;
}
