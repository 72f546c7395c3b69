// SPDX-License-Identifier: Apache-2.0
/* What stands in the place of a clip, a still or an attachment that was deleted. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/seal/verify_case.h"

int verify_tombstone(struct report *r, const struct verify_trust *trust, const char *text,
                     size_t len, json_t **ret_document)
{
    *ret_document = NULL;
    int er = verify_document(r, trust, VERIFY_TOMBSTONE_FORMAT, VERIFY_TOMBSTONE_CONTEXT, text, len,
                             ret_document);
    if (er)
        return er;
    const json_t *t = json_object_get(*ret_document, "tombstone");
    const char *object = json_text(t, "object", 15), *id = json_text(t, "id", 26);
    const char *at = json_text(t, "deleted_at", 24), *by = json_text(t, "deleted_by", 128);
    const char *reason = json_text(t, "reason", 200);
    if (!object || !id || !at || !by || !reason)
        report_add(r, REPORT_IS_WRONG, "tombstone", REPORT_ANYWHERE,
                   "it does not say what was deleted, when, by whom and why");
    else
        report_add(r, REPORT_NOTE, "tombstone", REPORT_ANYWHERE,
                   "the %s %s was deleted at %s by %s: %s", object, id, at, by, reason);
    return 0;
}

void verify_buried(struct report *r, const json_t *document, const char *member,
                   const struct merkle_hash *hash)
{
    char hex[2 * sizeof hash->bytes + 1], before[40];
    const json_t *t = json_object_get(document, "tombstone");
    (void)snprintf(before, sizeof before, "sealed_%s", member);
    const char *told = json_text(t, member, sizeof hex - 1);
    const char *first = json_text(t, before, sizeof hex - 1);
    hex_encode(hex, hash->bytes, sizeof hash->bytes);
    if (!told || (strcmp(told, hex) != 0 && (!first || strcmp(first, hex) != 0)))
        report_add(r, REPORT_IS_WRONG, "tombstone", REPORT_ANYWHERE,
                   "what was deleted is not what was given with it");
}
