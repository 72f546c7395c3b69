// SPDX-License-Identifier: Apache-2.0
/* Reading an INI file line by line. */
#include "server/config_ini.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/er.h"

#define BLANK " \t\r\n\f\v"

static char *trim(char *text)
{
    text += strspn(text, BLANK);
    size_t len = strlen(text);
    while (len && strchr(BLANK, text[len - 1]))
        text[--len] = '\0';
    return text;
}

/** A comment begins at the line's start, or with ; behind white space. */
static void cut_comment(char *text)
{
    for (char *p = text; (p = strchr(p, ';')) != NULL; p++) {
        if (p == text || p[-1] == ' ' || p[-1] == '\t') {
            *p = '\0';
            return;
        }
    }
}

/** NULL, or what is wrong; *ret_go goes false when `on_line` has had enough. */
static const char *take(char *text, char *section, unsigned line, config_ini_line *on_line,
                        void *ctx, bool *ret_go)
{
    text = trim(text);
    if (text[0] == '#')
        return NULL;
    cut_comment(text);
    text = trim(text);
    if (!text[0])
        return NULL;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (!end || end[1])
            return "not `[section]`";
        *end = '\0';
        memcpy(section, text + 1, (size_t)(end - text));
        return NULL;
    }
    char *value = strpbrk(text, "=:");
    if (!value)
        return "not `key = value`";
    *value++ = '\0';
    *ret_go = on_line(ctx, line, section, trim(text), trim(value));
    return NULL;
}

/** The NUL that ends it is the last one in `text`: one before it was in the file. */
static bool line_read(FILE *f, char *text, size_t size)
{
    memset(text, ' ', size);
    return fgets(text, (int)size, f) != NULL;
}

int config_ini_read(const char *path, config_ini_line *on_line, void *ctx, unsigned *ret_line,
                    const char **ret_why)
{
    char text[CONFIG_LINE_BYTES + 2], section[sizeof text] = "";
    struct stat st;
    bool go = true;
    *ret_line = 0;
    *ret_why = NULL;
    FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    if (!f)
        return ER_INVALID;
    while (go && !*ret_why && line_read(f, text, sizeof text)) {
        size_t len = strlen(text);
        ++*ret_line;
        if (memrchr(text, '\0', sizeof text) != text + len)
            *ret_why = "the line has a NUL";
        else if (len == sizeof text - 1 && text[len - 1] != '\n')
            *ret_why = "the line is longer than 4096 bytes";
        else
            *ret_why = take(*ret_line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3
                                                                                    : text,
                            section, *ret_line, on_line, ctx, &go);
    }
    bool bad = ferror(f) != 0;
    if (bad)
        *ret_line = 0;
    (void)fclose(f);
    return bad || !go || *ret_why ? ER_INVALID : 0;
}
