// SPDX-License-Identifier: Apache-2.0
/* Signed documents, and stills among them. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/verify_case.h"

static int signature_of(const json_t *document, uint8_t ret[static KEYS_SIGNATURE_BYTES])
{
    char again[2 * KEYS_SIGNATURE_BYTES + 1];
    const char *text = json_text(document, "signature", 2 * KEYS_SIGNATURE_BYTES);
    if (!text || hex_decode(ret, KEYS_SIGNATURE_BYTES, span_of(text)))
        return ER_MALFORMED;
    hex_encode(again, ret, KEYS_SIGNATURE_BYTES);
    return strcmp(again, text) == 0 ? 0 : ER_MALFORMED;
}

static bool is_signed(const json_t *document, const char *context, const struct key *key)
{
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    json_t *copy = json_copy((json_t *)(uintptr_t)document);
    if (copy)
        (void)json_object_del(copy, "signature");
    char *text = copy ? json_canonical(copy) : NULL;
    bool good = text && signature_of(document, signature) == 0 &&
                keys_check(key->public, context, text, strlen(text), signature) == 0;
    free(text);
    json_decref(copy);
    return good;
}

int verify_document(struct report *r, const struct verify_trust *trust, const char *format,
                    const char *context, const char *text, size_t len, json_t **ret_document)
{
    struct key key;
    const char *why = "";
    int er = json_parse(text, len, ret_document, &why);
    const char *is = er ? NULL : json_text(*ret_document, "format", 32);
    if (!is || strcmp(is, format) != 0 ||
        keys_from_jwk(json_object_get(*ret_document, "key"), &key)) {
        report_add(r, REPORT_IS_WRONG, "signature", REPORT_ANYWHERE,
                   "it is no document of the format %s with a key", format);
        json_decref(*ret_document);
        *ret_document = NULL;
        return er ? er : ER_MALFORMED;
    }
    char *again = json_canonical(*ret_document);
    if (!again || strlen(again) != len || memcmp(again, text, len) != 0)
        report_add(r, REPORT_IS_WRONG, "signature", REPORT_ANYWHERE, "it is not in canonical form");
    free(again);
    if (!is_signed(*ret_document, context, &key))
        report_add(r, REPORT_IS_WRONG, "signature", REPORT_ANYWHERE,
                   "its signature does not fit: something in it was changed");
    verify_key(r, trust, &key, "document", json_text(*ret_document, "signed_at", 24), NULL);
    return 0;
}

static bool in_clip(const struct manifest *m, const struct merkle_hash *frame)
{
    for (size_t i = 0; i < m->frame_count; i++) {
        if (merkle_equal(&m->frames[i].hash, frame))
            return true;
    }
    return false;
}

void verify_still(struct report *r, const struct verify_trust *trust, const char *record,
                  size_t len, const struct merkle_hash *jpeg, uint64_t jpeg_bytes,
                  const struct manifest *m)
{
    json_t *document = NULL;
    struct merkle_hash told, frame;
    uint64_t bytes;
    if (verify_document(r, trust, VERIFY_STILL_FORMAT, VERIFY_STILL_CONTEXT, record, len,
                        &document))
        return;
    const json_t *still = json_object_get(document, "still");
    if (manifest_file(still, &told, &bytes) || bytes != jpeg_bytes || !merkle_equal(&told, jpeg))
        report_add(r, REPORT_IS_WRONG, "still", REPORT_ANYWHERE,
                   "the picture is not the one that was taken");
    if (m &&
        (manifest_hash(json_object_get(still, "frame"), "sha256", &frame) || !in_clip(m, &frame)))
        report_add(r, REPORT_IS_WRONG, "still", REPORT_ANYWHERE,
                   "the frame that the picture is of is not in the clip");
    json_decref(document);
}
