// SPDX-License-Identifier: Apache-2.0
/* Formatted text into a checked writer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void wr_decimal(struct wr *w, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;
    while (number >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number > 0 || at == sizeof digits)
        digits[--at] = (char)('0' + number);
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
