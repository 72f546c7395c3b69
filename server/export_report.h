// SPDX-License-Identifier: Apache-2.0
/* An exported case for people: one page of HTML that prints well, in the case's language. */
#ifndef LOUPE_SERVER_EXPORT_REPORT_H
#define LOUPE_SERVER_EXPORT_REPORT_H

#include <jansson.h>

/** What is told; all borrowed. */
struct report_facts {
    const char *language;      /* BCP 47; what begins with zh is Chinese, all else English */
    const json_t *about;       /* the case as the API gives it */
    const json_t *events;      /* of the timeline, as the API gives them */
    const json_t *clips;       /* as the API gives them */
    const json_t *stills;      /* likewise */
    const json_t *attachments; /* likewise; NULL: none */
    const json_t *seen;        /* by clip: as GET /clips/{id}/seen gives it */
    const json_t *takes;       /* by clip: as export_take gives it; NULL: nothing is said of them */
    const json_t
        *missing; /* [{"name", "why"}, ..] of files that are not in the archive; NULL: none */
    const char *exported_at, *exported_by;
};

/** The page, to free(); NULL without memory. Nothing of the case gets into it but as text. */
char *report_html(const struct report_facts *facts);

#endif
