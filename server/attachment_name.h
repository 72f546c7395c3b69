// SPDX-License-Identifier: Apache-2.0
/* What attachments are called: without characters that nobody sees or that turn others around, and saved under the suffix of
 * the type that their bytes have, so that nothing runs which only calls itself something else. Pure. */
#ifndef LOUPE_SERVER_ATTACHMENT_NAME_H
#define LOUPE_SERVER_ATTACHMENT_NAME_H

#include <stddef.h>

#include "server/attachment_type.h"

#define ATTACHMENT_SAVED_BYTES(name_bytes) ((name_bytes) + 8) /* of a name with its suffix */

/** `name` without controls, marks of direction, and what is not seen at all (but for the joiners that scripts and emoji
 *  need); without blanks around it. "" when nothing is left. `ret` holds as many bytes as `name` at least. */
void attachment_name_clean(const char *name, char *ret, size_t size);
/** Under which name it is saved: clean, of one folder, its last suffix one of the type. */
void attachment_name_saved(const char *name, enum attachment_type type, char *ret, size_t size);

#endif
