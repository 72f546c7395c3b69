// SPDX-License-Identifier: Apache-2.0
/* A manifest by itself: its signatures, its key, its trees and their chain. */
#include "server/seal/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/timestamp.h"

/** The first byte in which the file is not what its values make. */
static void check_canonical(struct report *r, const struct manifest *m, const char *text,
                            size_t len)
{
    char *again = json_canonical(m->document);
    if (!again) {
        report_add(r, REPORT_IS_UNSURE, "manifest", REPORT_ANYWHERE, "no memory");
        return;
    }
    size_t same = 0, again_len = strlen(again);
    while (same < len && same < again_len && text[same] == again[same])
        same++;
    if (same != len || len != again_len)
        report_add(r, REPORT_IS_WRONG, "manifest", report_at_byte(same),
                   "the manifest is not in canonical form from byte %zu on", same);
    free(again);
}

static void check_signature(struct report *r, const struct key *key, const char *context,
                            const json_t *value, const uint8_t *signature, const char *why)
{
    char *text = json_canonical(value);
    if (!text || keys_check(key->public, context, text, strlen(text), signature))
        report_add(r, REPORT_IS_WRONG, "signature", REPORT_ANYWHERE, "%s", why);
    free(text);
}

static void check_signatures(struct report *r, const struct manifest *m)
{
    check_signature(r, &m->seal_key, MANIFEST_SEAL_CONTEXT, m->seal, m->seal_signature,
                    "the seal's signature does not fit: the seal, its key or its signature were "
                    "changed");
    json_t *document = json_copy(m->document);
    if (document)
        (void)json_object_del(document, "signature");
    check_signature(r, &m->key, MANIFEST_CONTEXT, document, m->signature,
                    "the manifest's signature does not fit: something in it was changed");
    json_decref(document);
    if (!m->stamped)
        return;
    document = manifest_as_sealed(m);
    if (document)
        (void)json_object_del(document, "signature");
    check_signature(r, &m->first_key, MANIFEST_CONTEXT, document, m->first_signature,
                    "what the manifest was signed with before its time stamp does not fit: "
                    "something else than the stamp was changed");
    json_decref(document);
}

void verify_key(struct report *r, const struct verify_trust *trust, const struct key *key,
                const char *what, const char *at, const char *stamped_at)
{
    if (!trust->keys) {
        report_add(r, REPORT_IS_UNSURE, "key", REPORT_ANYWHERE,
                   "the %s is signed by key %s; whose that is cannot be told without --keys", what,
                   key->kid);
        return;
    }
    const struct key *known = keys_find(trust->keys, key->public);
    if (!known) {
        report_add(r, REPORT_IS_WRONG, "key", REPORT_ANYWHERE,
                   "the %s is signed by key %s, which is none of the keys given", what, key->kid);
        return;
    }
    if (!at || strcmp(at, known->created_at) < 0 ||
        (known->retired_at[0] && strcmp(at, known->retired_at) > 0))
        report_add(r, REPORT_IS_WRONG, "key", REPORT_ANYWHERE,
                   "the %s is of %s, but key %s was in use from %s to %s", what,
                   at ? at : "no time", known->kid, known->created_at,
                   known->retired_at[0] ? known->retired_at : "now");
    if (!known->revoked_at[0])
        return;
    if (stamped_at && strcmp(stamped_at, known->revoked_at) < 0)
        report_add(r, REPORT_NOTE, "key", REPORT_ANYWHERE,
                   "key %s was revoked at %s (%s); a time stamp proves that the %s is older",
                   known->kid, known->revoked_at, known->reason, what);
    else
        report_add(r, REPORT_IS_WRONG, "key", REPORT_ANYWHERE,
                   "key %s was revoked at %s (%s), and nothing proves that the %s is older",
                   known->kid, known->revoked_at, known->reason, what);
}

/* Trees and chain */

static void check_chain(struct report *r, const struct manifest *m)
{
    struct merkle_hash chain;
    int er = merkle_chain_begin(m->clip, &chain);
    bool broken = false;
    for (size_t i = 0; er == 0 && i < m->second_count; i++) {
        const struct manifest_second *s = &m->seconds[i];
        er = merkle_chain_step(&chain, i, &s->media, &s->voices);
        if (er == 0 && !merkle_equal(&chain, &s->chain)) {
            report_add(r, REPORT_IS_WRONG, "second", report_at_second(i),
                       "second %zu does not continue the chain", i);
            broken = true;
        }
        chain = s->chain;
    }
    if (er == 0 && !broken && !merkle_equal(&chain, &m->head))
        report_add(r, REPORT_IS_WRONG, "seal", REPORT_ANYWHERE,
                   "the head is not the end of the chain");
    if (er)
        report_add(r, REPORT_IS_UNSURE, "manifest", REPORT_ANYWHERE, "no memory");
}

/** The tree over the frames of one second that are of the voices, or are not. */
static int tree_of(const struct manifest *m, const struct manifest_second *s, bool voices,
                   struct merkle_hash *leaves, size_t *ret_count, struct merkle_hash *ret)
{
    size_t count = 0;
    int er = 0;
    for (size_t i = s->first; er == 0 && i < s->first + s->count; i++) {
        if (manifest_is_voice(m, m->frames[i].track) == voices)
            er = merkle_leaf(&m->frames[i], &leaves[count++]);
    }
    *ret_count = count;
    return er ? er : merkle_root(leaves, count, ret);
}

static int check_second(struct report *r, const struct manifest *m, size_t i, bool voices,
                        struct merkle_hash *leaves)
{
    const struct manifest_second *s = &m->seconds[i];
    const char *name = voices ? "voices" : "picture and mix";
    size_t count, wanted = voices ? s->voices_frames : s->media_frames;
    struct merkle_hash root;
    int er = tree_of(m, s, voices, leaves, &count, &root);
    if (er)
        return er;
    if (count != wanted)
        report_add(r, REPORT_IS_WRONG, "second", report_at_second(i),
                   "second %zu (%s): %zu frames are listed, %zu were sealed", i, name, count,
                   wanted);
    else if (!merkle_equal(&root, voices ? &s->voices : &s->media))
        report_add(r, REPORT_IS_WRONG, "second", report_at_second(i),
                   "second %zu (%s): the frames listed are not those that were sealed", i, name);
    return 0;
}

static void check_trees(struct report *r, const struct manifest *m)
{
    struct merkle_hash *leaves = calloc(m->frame_count + 1, sizeof *leaves);
    int er = leaves ? 0 : ER_NOMEM;
    for (size_t i = 0; er == 0 && i < m->second_count; i++) {
        er = check_second(r, m, i, false, leaves);
        if (er == 0)
            er = check_second(r, m, i, true, leaves);
    }
    free(leaves);
    if (er)
        report_add(r, REPORT_IS_UNSURE, "manifest", REPORT_ANYWHERE, "no memory");
}

/** The moment that an authority vouches for, if it can be believed; else NULL. */
static const char *check_stamp(struct report *r, const struct verify_trust *trust,
                               const struct manifest *m, char ret[static CLOCK_TEXT_BYTES])
{
    struct merkle_hash hash;
    const json_t *token = json_object_get(m->document, "timestamp");
    if (!token)
        return NULL;
    if (manifest_stamp_hash(m, &hash))
        return NULL;
    int er = timestamp_check(json_string_value(token), &hash, trust->authority_path, ret);
    if (er == 0)
        return ret;
    if (er == ER_AGAIN)
        report_add(r, REPORT_NOTE, "timestamp", REPORT_ANYWHERE,
                   "a time stamp says %s; to check who says so, give --authority", ret);
    else
        report_add(r, REPORT_IS_WRONG, "timestamp", REPORT_ANYWHERE,
                   "the time stamp is not one of this seal by that authority");
    return NULL;
}

int verify_manifest(struct report *r, const struct verify_trust *trust, const char *text,
                    size_t len, struct manifest *ret)
{
    char stamp[CLOCK_TEXT_BYTES] = "";
    const char *why = "it cannot be read";
    int er = manifest_read(text, len, ret, &why);
    if (er) {
        report_add(r, er == ER_NOMEM ? REPORT_IS_UNSURE : REPORT_IS_WRONG, "manifest",
                   REPORT_ANYWHERE, "the manifest: %s", er == ER_NOMEM ? "no memory" : why);
        return er;
    }
    check_canonical(r, ret, text, len);
    check_signatures(r, ret);
    check_chain(r, ret);
    if (ret->trim)
        verify_trim(r, ret);
    else
        check_trees(r, ret);
    const char *stamped_at = check_stamp(r, trust, ret, stamp);
    const struct key *key = ret->stamped ? &ret->first_key : &ret->key;
    verify_key(r, trust, &ret->seal_key, "seal", json_text(ret->seal, "sealed_at", 24), stamped_at);
    if (ret->stamped) /* adds nothing but what proves itself */
        verify_key(r, trust, &ret->key, "time-stamped manifest", json_text(ret->stamped, "at", 24),
                   stamped_at);
    if (ret->trim)
        verify_key(r, trust, key, "trimmed clip", json_text(ret->trim, "made_at", 24), NULL);
    else if (memcmp(key->public, ret->seal_key.public, sizeof key->public) != 0)
        report_add(r, REPORT_IS_WRONG, "key", REPORT_ANYWHERE,
                   "the manifest is signed by another key than its seal");
    return 0;
}
