// SPDX-License-Identifier: Apache-2.0
/* Time stamps that came after the sealing: put into a manifest, which says what it was before, so that the
 * file as it was sealed can be had back from it, byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/manifest.h"

int manifest_stamp_hash(const struct manifest *m, struct merkle_hash *ret)
{
    return merkle_sha256(m->seal_signature, sizeof m->seal_signature, ret);
}

int manifest_stamp(const struct manifest_signer *signer, const struct manifest *m,
                   const char *token, char **ret, size_t *ret_len)
{
    char at[CLOCK_TEXT_BYTES];
    if (json_object_get(m->document, "timestamp"))
        return ER_STALE;
    if (!keys_active(signer->keys))
        return ER_CONFLICT;
    manifest_time(signer, at);
    json_t *stamped = json_pack("{s:s,s:O,s:O}", "at", at, "key",
                                json_object_get(m->document, "key"), "signature",
                                json_object_get(m->document, "signature"));
    json_t *document = json_copy(m->document);
    if (!document || !stamped || json_object_set(document, "stamped", stamped) ||
        json_object_set_new(document, "timestamp", json_string(token)) ||
        json_object_del(document, "signature")) {
        json_decref(stamped);
        json_decref(document);
        return ER_NOMEM;
    }
    json_decref(stamped);
    return manifest_finish(signer, document, NULL, ret, ret_len);
}

json_t *manifest_as_sealed(const struct manifest *m)
{
    json_t *document = json_copy(m->document);
    if (!document || !m->stamped)
        return document;
    if (!(json_object_set(document, "key", json_object_get(m->stamped, "key")) |
          json_object_set(document, "signature", json_object_get(m->stamped, "signature")) |
          json_object_del(document, "timestamp") | json_object_del(document, "stamped")))
        return document;
    json_decref(document);
    return NULL;
}

int manifest_sealed_hash(const struct manifest *m, struct merkle_hash *ret)
{
    json_t *document = manifest_as_sealed(m);
    char *text = document ? json_canonical(document) : NULL;
    int er = text ? merkle_sha256(text, strlen(text), ret) : ER_NOMEM;
    free(text);
    json_decref(document);
    return er;
}
