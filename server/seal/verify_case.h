// SPDX-License-Identifier: Apache-2.0
/* Signed documents of other kinds than manifests, and all of an exported case. */
#ifndef LOUPE_SERVER_SEAL_VERIFY_CASE_H
#define LOUPE_SERVER_SEAL_VERIFY_CASE_H

#include "server/seal/verify.h"

#define VERIFY_STILL_FORMAT "loupe-still/1"
#define VERIFY_STILL_CONTEXT "loupe-still-1"
#define VERIFY_TOMBSTONE_FORMAT "loupe-tombstone/1"
#define VERIFY_TOMBSTONE_CONTEXT "loupe-tombstone-1"
#define VERIFY_EXPORT_FORMAT "loupe-export/1"
#define VERIFY_EXPORT_CONTEXT "loupe-export-1"
#define VERIFY_CERTIFICATE_FORMAT "loupe-certificate/1"
#define VERIFY_CERTIFICATE_CONTEXT "loupe-certificate-1"

/** A document of that format with "key", "signed_at" and "signature": its form, key and signature. 0 and
 *  *ret_document, which is the caller's; else it cannot be read, and the report says so. */
int verify_document(struct report *r, const struct verify_trust *trust, const char *format,
                    const char *context, const char *text, size_t len, json_t **ret_document);

/** A still's record ({"format", "still": {"sha256", "bytes", "frame": {"sha256"}, ..}, "key",
 *  "signature"}) against its JPEG; with `m` (may be NULL) its frame has to be in that clip. */
void verify_still(struct report *r, const struct verify_trust *trust, const char *record,
                  size_t len, const struct merkle_hash *jpeg, uint64_t jpeg_bytes,
                  const struct manifest *m);

/** A tombstone by itself; the report notes what it is of. 0 and *ret_document, which is the caller's; else it
 *  cannot be read, and the report says so. */
int verify_tombstone(struct report *r, const struct verify_trust *trust, const char *text,
                     size_t len, json_t **ret_document);
/** Whether `member` of it ("manifest_sha256", "record_sha256") is this hash, of a file given with it; or that
 *  of the manifest before its time stamp came ("sealed_manifest_sha256"). */
void verify_buried(struct report *r, const json_t *document, const char *member,
                   const struct merkle_hash *hash);

/** A certificate by itself; one that was revoked does not verify. 0 and *ret_document, which is the caller's; else it
 *  cannot be read, and the report says so. */
int verify_certificate(struct report *r, const struct verify_trust *trust, const char *text,
                       size_t len, json_t **ret_document);
/** Whether it names the file of this hash as what it goes by. */
void verify_certified(struct report *r, const json_t *document, const struct merkle_hash *hash);

/** {"case", "events": [..]}: each event's hash, and that it holds the one before. */
void verify_timeline(struct report *r, const json_t *timeline);

/** An exported case: a ZIP of `size` bytes. */
void verify_case(struct report *r, const struct verify_trust *trust,
                 const struct matroska_source *source, uint64_t size);

#endif
