// SPDX-License-Identifier: Apache-2.0
/* Settings against each other and against the files they name. Used by server/config.c only. */
#ifndef LOUPE_SERVER_CONFIG_CHECK_H
#define LOUPE_SERVER_CONFIG_CHECK_H

#include <stddef.h>

#include "server/config.h"

/** What is wrong with `c`, or NULL: the setting at fault in `ret_name`, as the table names it.
 *  `buf` may hold the text that is returned. */
const char *config_check(const struct config *c, const char **ret_name, char *buf, size_t size);

#endif
