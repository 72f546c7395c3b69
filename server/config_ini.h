// SPDX-License-Identifier: Apache-2.0
/* The lines of an INI file: sections, `key = value`, comments behind ; or #. Used by
 * server/config.c only. */
#ifndef LOUPE_SERVER_CONFIG_INI_H
#define LOUPE_SERVER_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_LINE_BYTES 4096

/** One line that was read; texts last for the call. false: reading ends here. */
typedef bool config_ini_line(void *ctx, unsigned line, const char *section, const char *key,
                             const char *value);

/** Every key of a file in turn. White space around keys and values goes, wherever a line begins; no
 *  line goes on in the next. ER_INVALID with `ret_line` 0 when the file cannot be read, else with
 *  the line that is at fault and, in `ret_why`, what is wrong (NULL: `on_line` knows). */
int config_ini_read(const char *path, config_ini_line *on_line, void *ctx, unsigned *ret_line,
                    const char **ret_why);

#endif
