// SPDX-License-Identifier: Apache-2.0
/* What an agent wishes of somebody's camera, and what its page says of it: read member by member, so that nothing else
 * goes through. Sans-IO. */
#ifndef LOUPE_SIGNALING_CAMERA_H
#define LOUPE_SIGNALING_CAMERA_H

#include <jansson.h>

#define CAMERA_REGION_LEAST 0.02 /* of the picture's width or height */

/** {"torch"?: bool, "facing"?: "user" or "environment", "zoom"?: 0.1 to 100, "focus"?: [x, y] or null (by itself),
 *  "priority"?: "detail" or "motion", "region"?: {"x", "y", "width", "height"} in shares of the whole picture, or null
 *  (the whole)}; at least one. *ret is a copy of what is known, the caller's. ER_INVALID and *ret_why; ER_NOMEM. */
int camera_read_wish(const json_t *said, json_t **ret, const char **ret_why);
/** The same of how it is now, with "allowed"?: bool (its owner lets others do that; left out: was not asked) and
 *  "can"?: {"torch"?, "flip"?, "focus"?, "region"?: bool, "zoom"?: [least, most]}; all may be left out. */
int camera_read_state(const json_t *said, json_t **ret, const char **ret_why);

#endif
