// SPDX-License-Identifier: Apache-2.0
/* Brands checked: contrasts are those of what the pages make of an accent (web/ui/brand.ts). */
#include "server/brand.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/auth.h"

#define NAME_BYTES 60
#define URL_BYTES 500

/* Colours */

int brand_colour(const char *text, uint32_t *ret)
{
    uint8_t rgb[3];
    if (!text || strlen(text) != 7 || text[0] != '#' ||
        hex_decode(rgb, sizeof rgb, (struct span){text + 1, 6}))
        return ER_MALFORMED;
    *ret = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    return 0;
}

static double linear(uint32_t colour, unsigned shift)
{
    double c = (double)(colour >> shift & 0xff) / 255;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t c)
{
    return 0.2126 * linear(c, 16) + 0.7152 * linear(c, 8) + 0.0722 * linear(c, 0);
}

double brand_contrast(uint32_t a, uint32_t b)
{
    double la = luminance(a), lb = luminance(b);
    return (fmax(la, lb) + 0.05) / (fmin(la, lb) + 0.05);
}

static uint32_t mixed(uint32_t a, uint32_t b, double share)
{
    uint32_t ret = 0;
    for (unsigned shift = 0; shift <= 16; shift += 8) {
        double x = (double)(a >> shift & 0xff) * share + (double)(b >> shift & 0xff) * (1 - share);
        ret |= (uint32_t)lround(x) << shift;
    }
    return ret;
}

/** What an accent meets on a page: text in it on card, paper and its own tint; text on it. */
static const struct theme {
    const char *name;
    uint32_t card, paper, on;
    double tint;
} themes[] = {{"light", 0xffffff, 0xf3f5f2, 0xffffff, 0.12},
              {"dark", 0x181f1d, 0x101514, 0x04211a, 0.15}};

static int accent_check(const json_t *accent, const struct theme *t, char why[BRAND_WHY_BYTES])
{
    uint32_t c;
    if (brand_colour(json_text(accent, t->name, 7), &c)) {
        (void)snprintf(why, BRAND_WHY_BYTES, "`accent.%s` is a colour like #0a7357", t->name);
        return ER_INVALID;
    }
    const uint32_t against[] = {t->card, t->paper, mixed(c, t->card, t->tint), t->on};
    static const char *const what[] = {"as text on cards", "as text on the page",
                                       "as text on its own tint", "under the text of buttons"};
    for (size_t i = 0; i < sizeof against / sizeof against[0]; i++) {
        double ratio = brand_contrast(c, against[i]);
        if (ratio >= BRAND_CONTRAST)
            continue;
        (void)snprintf(why, BRAND_WHY_BYTES,
                       "`accent.%s` %s (#%06x) has a contrast of %.2f:1; 4.5:1 is needed for it to "
                       "be read: take a %s one",
                       t->name, what[i], (unsigned)against[i], floor(ratio * 100) / 100,
                       t->card == 0xffffff ? "darker" : "lighter");
        return ER_INVALID;
    }
    return 0;
}

/* The document */

static bool url_ok(const char *url)
{
    static const char begin[] = "https://";
    size_t len = strlen(url);
    if (len > URL_BYTES || strncmp(url, begin, sizeof begin - 1) != 0)
        return false;
    const char *host = url + sizeof begin - 1;
    size_t host_len = strcspn(host, "/?#");
    for (const char *p = url; *p; p++) {
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("\"'<>\\^`{|}", *p))
            return false;
    }
    return host_len > 0 && host[0] != '.' && !memchr(host, '@', host_len);
}

static bool languages_ok(const json_t *list)
{
    static const char *const known[] = {"en", "zh-CN"};
    unsigned seen = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        unsigned bit = 0;
        for (unsigned k = 0; tag && k < sizeof known / sizeof known[0]; k++)
            bit |= strcmp(tag, known[k]) == 0 ? 1u << k : 0;
        if (!bit || (seen & bit))
            return false;
        seen |= bit;
    }
    return json_is_array(list) && seen;
}

static int wrong(char why[BRAND_WHY_BYTES], const char *text)
{
    (void)snprintf(why, BRAND_WHY_BYTES, "%s", text);
    return ER_INVALID;
}

static int member_check(const char *name, const json_t *value, char why[BRAND_WHY_BYTES])
{
    const char *text = json_string_value(value);
    if (strcmp(name, "name") == 0)
        return text && strlen(text) <= NAME_BYTES && claims_text_ok(text)
                   ? 0
                   : wrong(why, "`name` is a line of 1 to 60 bytes");
    if (strcmp(name, "languages") == 0)
        return languages_ok(value) ? 0 : wrong(why, "`languages` are some of en and zh-CN");
    if (strcmp(name, "privacy_url") == 0 || strcmp(name, "terms_url") == 0)
        return text && url_ok(text)
                   ? 0
                   : wrong(
                         why,
                         "`privacy_url` and `terms_url` are https addresses of 500 bytes at most");
    if (strcmp(name, "accent") != 0 || !json_is_object(value) || json_object_size(value) != 2)
        return wrong(why, "members are name, accent {light, dark}, languages, privacy_url and "
                          "terms_url");
    int er = 0;
    for (size_t i = 0; !er && i < sizeof themes / sizeof themes[0]; i++)
        er = accent_check(value, &themes[i], why);
    return er;
}

int brand_check(const json_t *document, char why[static BRAND_WHY_BYTES])
{
    json_t *walked = (json_t *)(uintptr_t)document; /* jansson walks, but does not change it */
    int er = 0;
    for (void *at = json_object_iter(walked); !er && at; at = json_object_iter_next(walked, at))
        er = member_check(json_object_iter_key(at), json_object_iter_value(at), why);
    return er;
}

/* Logos */

static uint32_t le24(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/** WebP's three kinds of a first chunk (RFC 9649). */
static bool webp_size(const uint8_t *d, size_t len, unsigned *w, unsigned *h)
{
    if (len < 30 || memcmp(d, "RIFF", 4) != 0 || memcmp(d + 8, "WEBP", 4) != 0)
        return false;
    if (memcmp(d + 12, "VP8X", 4) == 0 && !(d[20] & 0x02)) { /* not one that moves */
        *w = le24(d + 24) + 1;
        *h = le24(d + 27) + 1;
    } else if (memcmp(d + 12, "VP8L", 4) == 0 && d[20] == 0x2f) {
        uint32_t bits = le24(d + 21) | (uint32_t)d[24] << 24;
        *w = (bits & 0x3fff) + 1;
        *h = (bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(d + 12, "VP8 ", 4) == 0 && memcmp(d + 23, "\x9d\x01\x2a", 3) == 0) {
        *w = (d[26] | (unsigned)d[27] << 8) & 0x3fff;
        *h = (d[28] | (unsigned)d[29] << 8) & 0x3fff;
    } else {
        return false;
    }
    return true;
}

static bool png_size(const uint8_t *d, size_t len, unsigned *w, unsigned *h)
{
    static const uint8_t begin[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                    0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    if (len < 33 || memcmp(d, begin, sizeof begin) != 0 || d[16] || d[17] || d[20] || d[21])
        return false;
    *w = (unsigned)d[18] << 8 | d[19];
    *h = (unsigned)d[22] << 8 | d[23];
    return true;
}

const char *brand_logo(const uint8_t *data, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    unsigned w = 0, h = 0;
    const char *type = png_size(data, len, &w, &h)    ? "image/png"
                       : webp_size(data, len, &w, &h) ? "image/webp"
                                                      : NULL;
    *ret_width = w;
    *ret_height = h;
    return type && w > 0 && h > 0 && w <= BRAND_LOGO_SIDE && h <= BRAND_LOGO_SIDE ? type : NULL;
}
