// SPDX-License-Identifier: Apache-2.0
/* The words by which a case is found, and what is looked for in them. Words are letters and digits, folded to lower case; of
 * Chinese, Japanese and Korean, which write without blanks, each two neighbours are a word. Pure. */
#ifndef LOUPE_SERVER_CASE_WORDS_H
#define LOUPE_SERVER_CASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct store_case;

#define CASE_WORDS_BYTES 2048 /* of all of a case's words; more are left out */
#define CASE_QUERY_TERMS 12   /* further ones of a query are let go */
#define CASE_QUERY_BYTES 640
#define CASE_MATCH_BYTES 1024
#define CASE_BEGIN_LETTERS                                                                         \
    16 /* the index knows how words begin so far; what is longer is compared */

/** Of number, title, buyer, reason, category, brand, the order's number: with a blank before and after each. */
void case_words(const struct store_case *c, char ret[CASE_WORDS_BYTES]);

/** What was asked for, ready to be compared. */
struct case_query {
    size_t count;
    struct case_term {
        const char *text; /* into `bytes`: a word, or neighbours as words with blanks between */
        bool begins;      /* words that begin so will do */
    } terms[CASE_QUERY_TERMS];
    char bytes[CASE_QUERY_BYTES];
};
/** Without terms (of blanks and signs alone) it finds nothing. */
void case_query_read(struct case_query *q, const char *text);
/** Do these words have all of it? */
bool case_query_fits(const struct case_query *q, const char *words);
/** The same for SQLite's FTS5, beside further words that must be there (`more` may be NULL). It may find more than fits,
 *  never less. */
void case_query_match(const struct case_query *q, const char *more, char ret[CASE_MATCH_BYTES]);

#endif
