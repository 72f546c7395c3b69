// SPDX-License-Identifier: Apache-2.0
/* Names of attachments, made harmless. */
#include "server/attachment_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define SUFFIX_BYTES 8 /* longer ones, and ones of other characters, are part of the name */

/** Turns what is around it, or is not seen (Unicode: Cf, Zl, Zp, and their like). */
static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e},   {0x200b, 0x200b},
        {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
    };
    bool hidden = utf8_is_control(c);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        hidden |= c >= ranges[i].from && c <= ranges[i].to;
    return hidden;
}

void attachment_name_clean(const char *name, char *ret, size_t size)
{
    size_t len = strlen(name), kept = 0;
    uint32_t code;
    for (size_t at = 0, step; at < len; at += step) {
        step = utf8_next(name + at, len - at, &code);
        if (!step)
            break;
        if (is_hidden(code) || (code == ' ' && !kept))
            continue;
        if (kept + step >= size)
            break;
        memcpy(ret + kept, name + at, step);
        kept += step;
    }
    while (kept && ret[kept - 1] == ' ')
        kept--;
    ret[kept] = '\0';
}

static bool is_suffix_of(const char *suffix, enum attachment_type type)
{
    const char *usual = attachment_suffix(type);
    return strcasecmp(suffix, usual) == 0 ||
           (type == ATTACHMENT_JPEG && strcasecmp(suffix, ".jpeg") == 0) ||
           (type == ATTACHMENT_HEIC && strcasecmp(suffix, ".heif") == 0);
}

/** Where the last suffix begins; the end when there is none. */
static char *suffix_find(char *name)
{
    char *dot = strrchr(name, '.'), *end = name + strlen(name);
    size_t len = dot ? strlen(dot + 1) : 0;
    if (!len || len > SUFFIX_BYTES)
        return end;
    for (const char *p = dot + 1; *p; p++) {
        bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                     (*p >= 'A' && *p <= 'Z');
        if (!plain)
            return end;
    }
    return dot;
}

void attachment_name_saved(const char *name, enum attachment_type type, char *ret, size_t size)
{
    const char *suffix = attachment_suffix(type);
    size_t most = size - strlen(suffix);
    attachment_name_clean(name, ret, most);
    for (char *p = ret; *p; p++) {
        if (strchr("/\\:*?\"<>|", *p))
            *p = '_';
    }
    size_t len = strlen(ret);
    while (len && (ret[len - 1] == '.' || ret[len - 1] == ' ')) /* not part of it on some systems */
        ret[--len] = '\0';
    char *old = suffix_find(ret);
    if (is_suffix_of(old, type) && old > ret)
        return;
    *old = '\0';
    if (strspn(ret, ". ") == strlen(ret))
        (void)str_copy(ret, most, "file");
    len = strlen(ret);
    (void)snprintf(ret + len, size - len, "%s", suffix);
}
