// SPDX-License-Identifier: Apache-2.0
/* A certificate of authentication, as anybody may fetch it: what it says, whether it held when it was signed, and
 * whether it goes by the files that are given with it. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/seal/verify_case.h"

/** What it says of itself, and of whether it holds. */
static void check_said(struct report *r, const json_t *document)
{
    const char *number = json_text(document, "number", 32),
               *state = json_text(document, "state", 16);
    const char *verdict = json_text(document, "verdict", 32),
               *at = json_text(document, "signed_at", 24);
    const char *merchant = json_text(document, "merchant", 200);
    const char *since = json_text(document, "revoked_at", 24),
               *why = json_text(document, "reason", 32);
    bool revoked = state && strcmp(state, "revoked") == 0;
    if (!number || !verdict || !at || !merchant || !state ||
        (!revoked && strcmp(state, "valid") != 0) || (revoked && (!since || !why)))
        report_add(r, REPORT_IS_WRONG, "certificate", REPORT_ANYWHERE,
                   "it does not say what was found by whom, and whether that holds");
    else if (revoked)
        report_add(r, REPORT_IS_WRONG, "certificate", REPORT_ANYWHERE,
                   "the certificate %s (%s) was revoked at %s: %s", number, verdict, since, why);
    else
        report_add(r, REPORT_NOTE, "certificate", REPORT_ANYWHERE,
                   "the certificate %s of %s says %s; it was not revoked at %s, when it was signed",
                   number, merchant, verdict, at);
}

int verify_certificate(struct report *r, const struct verify_trust *trust, const char *text,
                       size_t len, json_t **ret_document)
{
    *ret_document = NULL;
    int er = verify_document(r, trust, VERIFY_CERTIFICATE_FORMAT, VERIFY_CERTIFICATE_CONTEXT, text,
                             len, ret_document);
    if (er == 0)
        check_said(r, *ret_document);
    return er;
}

void verify_certified(struct report *r, const json_t *document, const struct merkle_hash *hash)
{
    char hex[2 * sizeof hash->bytes + 1];
    const json_t *points = json_object_get(document, "points"), *point, *piece;
    size_t i, j;
    hex_encode(hex, hash->bytes, sizeof hash->bytes);
    json_array_foreach(points, i, point)
    {
        json_array_foreach(json_object_get(point, "evidence"), j, piece)
        {
            const char *told = json_text(piece, "sha256", sizeof hex - 1);
            const char *id = json_text(point, "id", 64);
            if (!told || strcmp(told, hex) != 0)
                continue;
            report_add(r, REPORT_NOTE, "certificate", REPORT_ANYWHERE,
                       "it goes by this file for the point %s", id ? id : "without a name");
            return;
        }
    }
    report_add(r, REPORT_IS_WRONG, "certificate", REPORT_ANYWHERE, "it does not go by this file");
}
