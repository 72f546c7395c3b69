// SPDX-License-Identifier: Apache-2.0
/* Comma-separated values. */
#include "server/csv.h"

#include <stdarg.h>
#include <string.h>

static void comma(FILE *f, bool *first)
{
    if (!*first)
        (void)fputc(',', f);
    *first = false;
}

void csv_text(FILE *f, bool *first, const char *text)
{
    bool formula = text[0] && strchr("=+-@\t\r\n", text[0]);
    bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;
    comma(f, first);
    if (!quoted) {
        (void)fputs(text, f);
        return;
    }
    (void)fputs(formula ? "\"'" : "\"", f);
    for (; *text; text++)
        (void)fputs(*text == '"' ? "\"\"" : (const char[]){*text, '\0'}, f);
    (void)fputc('"', f);
}

void csv_field(FILE *f, bool *first, const char *fmt, ...)
{
    va_list args;
    comma(f, first);
    va_start(args, fmt);
    (void)vfprintf(f, fmt, args);
    va_end(args);
}

void csv_end(FILE *f, bool *first)
{
    (void)fputs("\r\n", f);
    *first = true;
}
