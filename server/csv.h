// SPDX-License-Identifier: Apache-2.0
/* Comma-separated values (RFC 4180) that a spreadsheet takes for what they are: no text of a stranger is a
 * formula there. Pure. */
#ifndef LOUPE_SERVER_CSV_H
#define LOUPE_SERVER_CSV_H

#include <stdbool.h>
#include <stdio.h>

/** One field, behind a comma unless it is the line's first (`first` is kept up). What begins with '=', '+', '-',
 *  '@', a tab or a line end gets an apostrophe before it; quotes, commas and line ends are quoted. */
void csv_text(FILE *f, bool *first, const char *text);
/** The same for what is made here, such as numbers. printf. */
void csv_field(FILE *f, bool *first, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void csv_end(FILE *f, bool *first);

#endif
