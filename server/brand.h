// SPDX-License-Identifier: Apache-2.0
/* How a merchant's pages look to buyers: a name, an accent for light and dark pages, a logo, languages, links. What could not be
 * read on the pages is refused. Pure. */
#ifndef LOUPE_SERVER_BRAND_H
#define LOUPE_SERVER_BRAND_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define BRAND_CONTRAST 4.5 /* of text against what it stands on (WCAG 2.2, 1.4.3) */
#define BRAND_WHY_BYTES 240
#define BRAND_LOGO_SIDE 1024 /* pixels */

/** Contrast of two colours 0xrrggbb, 1 to 21 (WCAG 2.2, "relative luminance"). */
double brand_contrast(uint32_t a, uint32_t b);
/** "#rrggbb". 0 or ER_MALFORMED. */
int brand_colour(const char *text, uint32_t *ret);

/** What is wrong with {"name"?, "accent"?: {"light", "dark"}, "languages"?, "privacy_url"?, "terms_url"?}, into `why`: 0 or
 *  ER_INVALID. */
int brand_check(const json_t *document, char why[static BRAND_WHY_BYTES]);

/** "image/png" or "image/webp", by the bytes, with its size; NULL: it is neither, or larger than BRAND_LOGO_SIDE. */
const char *brand_logo(const uint8_t *data, size_t len, unsigned *ret_width, unsigned *ret_height);

#endif
