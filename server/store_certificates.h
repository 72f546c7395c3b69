// SPDX-License-Identifier: Apache-2.0
/* Certificates in the store: issued and revoked by events of their case, found by id or number. Part of the
 * store (store.h). */
#ifndef LOUPE_SERVER_STORE_CERTIFICATES_H
#define LOUPE_SERVER_STORE_CERTIFICATES_H

#include "server/certificate.h"
#include "server/store_examination.h"

struct store_certificate {
    struct id id;
    char number[CERTIFICATE_NUMBER_BYTES];
    struct id case_id;
    uint64_t seq; /* of the event that issued it */
};

/** "certificate_issued", of a case with a verdict other than inconclusive and no certificate that holds; *ret is it, and
 *  *ret_document (the caller's) what it says. ER_CONFLICT and why. */
int store_certificate_issue(struct store *s, const struct examiner *who, const char *item,
                            struct store_certificate *ret, json_t **ret_document,
                            struct refusal *ret_why);
/** "certificate_revoked", once; `note` (may be NULL) is its internal part. ER_CONFLICT. */
int store_certificate_revoke(struct store *s, const struct store_certificate *c,
                             const struct examiner *who, const char *reason, const char *note,
                             struct refusal *ret_why);
/** The verdict did not stand in a dispute: the certificate that holds, if there is one, is revoked for that. */
int store_certificate_falls(struct store *s, const struct examiner *who);
/** By id, or by number as people type it. ER_NOT_FOUND. */
int store_certificate_find(struct store *s, const char *text, struct store_certificate *ret);
int store_certificates_of_case(struct store *s, const struct id *case_id,
                               void (*each)(void *ctx, const struct store_certificate *c),
                               void *ctx);
/** What everybody may know of it: the document, with "state" valid or revoked, and then "revoked_at" and "reason";
 *  "disputed" while the verdict is.
 *  *ret is the caller's. */
int store_certificate_public(struct store *s, const struct store_certificate *c, json_t **ret);

#endif
