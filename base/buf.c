// SPDX-License-Identifier: Apache-2.0
/* Formatted text into a checked writer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void wr_decimal(struct wr *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    wr_bytes(w, digits + at, sizeof digits - at);
}

void wr_printf(struct wr *w, const char *fmt, ...)
{
    if (w->bad)
        return;
    size_t room = (size_t)(w->end - w->at);
    va_list args;
    va_start(args, fmt);
    int len = room ? vsnprintf((char *)w->at, room, fmt, args) : -1;
    va_end(args);
    if (len < 0 || (size_t)len >= room) {
        w->bad = true;
        return;
    }
    w->at += len;
}
