// SPDX-License-Identifier: Apache-2.0
/* What a clip's manifest says of its take, put so that it can be told to people. */
#ifndef LOUPE_SERVER_EXPORT_TAKE_H
#define LOUPE_SERVER_EXPORT_TAKE_H

#include <jansson.h>

/** {"continuous": true, false or null (not known), "from_ms": 0, "to_ms", "lens_checked", "breaks": [{"from_ms",
 *  "to_ms", "kind"}, ..]}, times counted from the clip's own begin: of a trimmed one, what is said of its part of the
 *  original. A break that is told as a moment lasts to the mark that ends it. NULL: no memory. */
json_t *export_take(const json_t *manifest);

#endif
