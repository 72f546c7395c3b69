// SPDX-License-Identifier: Apache-2.0
/* Ids to and from Crockford's base 32. */
#include "base/id.h"

#include <string.h>

#include "base/er.h"

#define ID_DIGITS (ID_TEXT_BYTES - 1)

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct id id_make(uint64_t unix_us, const struct entropy *entropy)
{
    uint8_t bytes[16];
    uint64_t ms = unix_us / 1000;
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    entropy_fill(entropy, bytes + 6, 10);
    struct id id = {0};
    // 26 digits are 130 bits: the first has two zero bits in front.
    unsigned bits = 2;
    unsigned held = 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        held = held << 8 | bytes[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            id.text[at++] = digits[held >> bits & 31];
        }
        held &= (1u << bits) - 1;
    }
    return id;
}

int id_parse(const char *text, struct id *ret)
{
    *ret = (struct id){0};
    if (strnlen(text, ID_TEXT_BYTES) != ID_DIGITS || text[0] < '0' || text[0] > '7')
        return ER_MALFORMED;
    struct id id = {0};
    for (size_t i = 0; i < ID_DIGITS; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        if (!memchr(digits, c, sizeof digits - 1))
            return ER_MALFORMED;
        id.text[i] = c;
    }
    *ret = id;
    return 0;
}

bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}
