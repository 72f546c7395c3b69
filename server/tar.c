// SPDX-License-Identifier: Apache-2.0
/* Heads of tar archives. */
#include "server/tar.h"

#include <stdio.h>
#include <string.h>

#include "base/er.h"

/* Where fields lie. */
enum { MODE = 100, SIZE = 124, TIME = 136, SUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };
enum { NUMBER = 12 };

static unsigned sum_of(const uint8_t *block)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += i >= SUM && i < SUM + 8 ? ' ' : block[i];
    return sum;
}

static void put_octal(uint8_t *at, size_t size, uint64_t n)
{
    at[size - 1] = '\0';
    for (size_t i = size - 1; i-- > 0; n >>= 3)
        at[i] = (uint8_t)('0' + (n & 7));
}

static void put_size(uint8_t *at, uint64_t n)
{
    if (n >> 33 == 0) {
        put_octal(at, NUMBER, n);
        return;
    }
    memset(at, 0, NUMBER);
    at[0] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        at[NUMBER - 1 - i] = (uint8_t)(n >> (8 * i));
}

int tar_head_write(uint8_t ret[static TAR_BLOCK], const struct tar_entry *e, uint64_t unix_s)
{
    size_t len = strlen(e->name);
    if (len == 0 || len > 100)
        return ER_INVALID;
    memset(ret, 0, TAR_BLOCK);
    memcpy(ret, e->name, len);
    put_octal(ret + MODE, 8, 0600);
    put_octal(ret + MODE + 8, 8, 0);
    put_octal(ret + MODE + 16, 8, 0);
    put_size(ret + SIZE, e->size);
    put_octal(ret + TIME, NUMBER, unix_s);
    ret[TYPE] = e->folder ? '5' : '0';
    memcpy(ret + MAGIC, "ustar\00000", 8);
    put_octal(ret + SUM, 7, sum_of(ret));
    ret[SUM + 7] = ' ';
    return 0;
}

/** Octal digits, with blanks before and a blank or NUL behind them. */
static bool get_octal(const uint8_t *at, size_t size, uint64_t *ret)
{
    size_t i = 0, digits = 0;
    uint64_t n = 0;
    while (i < size && at[i] == ' ')
        i++;
    for (; i < size && at[i] >= '0' && at[i] <= '7'; i++, digits++)
        n = n << 3 | (uint64_t)(at[i] - '0');
    for (; i < size && (at[i] == ' ' || at[i] == '\0'); i++)
        continue;
    *ret = n;
    return digits > 0 && digits <= 21 && i == size;
}

static bool get_size(const uint8_t *at, uint64_t *ret)
{
    if (!(at[0] & 0x80))
        return get_octal(at, NUMBER, ret);
    *ret = 0;
    for (unsigned i = 4; i < NUMBER; i++)
        *ret = *ret << 8 | at[i];
    return at[0] == 0x80 && !at[1] && !at[2] && !at[3] && *ret <= INT64_MAX;
}

int tar_head_read(const uint8_t block[static TAR_BLOCK], struct tar_entry *ret)
{
    uint64_t sum;
    size_t zeros = 0;
    memset(ret, 0, sizeof *ret);
    while (zeros < TAR_BLOCK && !block[zeros])
        zeros++;
    if (zeros == TAR_BLOCK)
        return ER_NOT_FOUND;
    if (memcmp(block + MAGIC, "ustar", 5) != 0 || !get_octal(block + SUM, 8, &sum) ||
        sum != sum_of(block) || !get_size(block + SIZE, &ret->size))
        return ER_MALFORMED;
    uint8_t type = block[TYPE];
    if ((type != '0' && type != '\0' && type != '5') || block[PREFIX])
        return ER_UNSUPPORTED;
    ret->folder = type == '5';
    const char *name = (const char *)block;
    size_t len = strnlen(name, 100), skip = len >= 2 && memcmp(name, "./", 2) == 0 ? 2 : 0;
    memcpy(ret->name, name + skip, len - skip);
    return ret->folder || (ret->name[0] && ret->name[len - skip - 1] != '/') ? 0 : ER_MALFORMED;
}
