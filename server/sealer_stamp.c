// SPDX-License-Identifier: Apache-2.0
/* Time stamps for clips that are sealed already: asked for, and put into their manifests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/seal/timestamp.h"
#include "server/sealer.h"

#define NAME_BYTES 600
#define SEALED ".manifest.json"
#define STAMPED ".manifest.json.stamped"

static const char *name_of(char ret[static NAME_BYTES], const char *path, const char *suffix)
{
    (void)snprintf(ret, NAME_BYTES, "%s%s", path, suffix);
    return ret;
}

static int read_one(const char *path, const char *suffix, struct manifest *ret,
                    struct sealer_stamped *ret_file)
{
    char name[NAME_BYTES];
    const char *why;
    *ret = (struct manifest){0};
    *ret_file = (struct sealer_stamped){0};
    int er = durable_read(name_of(name, path, suffix), MANIFEST_BYTES_MAX, &ret_file->text,
                          &ret_file->len);
    return er ? er : manifest_read(ret_file->text, ret_file->len, ret, &why);
}

static int hash_it(struct sealer_stamped *s, struct merkle_hash *ret)
{
    int er = merkle_sha256(s->text, s->len, ret);
    hex_encode(s->sha256, ret->bytes, sizeof ret->bytes);
    return er;
}

/** Whether the manifest is as it was signed when its stamp came, and the stamp is its seal's. Whose key
 *  signed is for those to judge who verify it. */
static int check(const struct manifest *m)
{
    char at[CLOCK_TEXT_BYTES];
    struct merkle_hash hash;
    json_t *document = json_copy(m->document);
    if (!document || json_object_del(document, "signature")) {
        json_decref(document);
        return ER_NOMEM;
    }
    char *text = json_canonical(document);
    json_decref(document);
    int er = text ? keys_check(m->key.public, MANIFEST_CONTEXT, text, strlen(text), m->signature)
                  : ER_NOMEM;
    free(text);
    if (er == 0)
        er = manifest_stamp_hash(m, &hash);
    if (er == 0)
        er = timestamp_check(json_string_value(json_object_get(m->document, "timestamp")), &hash,
                             NULL, at);
    return er == ER_AGAIN ? 0 : er; /* which authorities are good is not known here */
}

/** One that lies there from before, and is the sealed one with its stamp. */
static int find(const char *path, struct sealer_stamped *sealed, struct sealer_stamped *ret)
{
    struct manifest m;
    struct merkle_hash was, is;
    int er = read_one(path, STAMPED, &m, ret);
    if (er == 0 && !m.stamped)
        er = ER_MALFORMED;
    if (er == 0)
        er = manifest_sealed_hash(&m, &was);
    if (er == 0)
        er = hash_it(sealed, &is);
    if (er == 0 && !merkle_equal(&was, &is))
        er = ER_NOT_FOUND;
    if (er == 0)
        er = check(&m);
    if (er == 0)
        er = hash_it(ret, &is);
    manifest_clear(&m);
    if (er) {
        free(ret->text);
        *ret = (struct sealer_stamped){0};
    }
    return er;
}

static int make(struct sealer *s, const struct manifest *m, uint64_t unix_us,
                struct sealer_stamped *ret)
{
    struct merkle_hash hash;
    struct manifest_signer signer;
    char *token = NULL;
    int er = manifest_stamp_hash(m, &hash);
    if (er == 0)
        er = sealer_ask_authority(s, &hash, &token);
    if (er == 0)
        er = sealer_signer(s, unix_us, &signer);
    if (er) {
        free(token);
        return er;
    }
    er = manifest_stamp(&signer, m, token, &ret->text, &ret->len);
    keys_free((struct keys *)(uintptr_t)signer.keys);
    free(token);
    return er ? er : hash_it(ret, &hash);
}

int sealer_stamp_get(struct sealer *s, const char *path, const char *sealed_sha256, bool ask,
                     uint64_t unix_us, struct sealer_stamped *ret)
{
    struct manifest m;
    struct sealer_stamped sealed;
    struct merkle_hash hash;
    *ret = (struct sealer_stamped){0};
    int er = read_one(path, SEALED, &m, &sealed);
    if (er == 0 && json_object_get(m.document, "timestamp"))
        er = ER_STALE;
    if (er == 0)
        er = hash_it(&sealed, &hash);
    if (er == 0 && strcmp(sealed.sha256, sealed_sha256) != 0)
        er = ER_MALFORMED; /* what was put in its place is not to be signed */
    if (er == 0 && find(path, &sealed, ret))
        er = ask ? make(s, &m, unix_us, ret) : ER_AGAIN;
    manifest_clear(&m);
    free(sealed.text);
    return er == ER_FULL ? ER_MALFORMED : er;
}

int sealer_stamp_keep(const char *path, const struct sealer_stamped *stamped)
{
    char name[NAME_BYTES];
    if (access(name_of(name, path, SEALED), F_OK))
        return ER_NOT_FOUND;
    return durable_write(name_of(name, path, STAMPED), stamped->text, stamped->len, 0640);
}

int sealer_stamp_put(const char *path)
{
    char from[NAME_BYTES], to[NAME_BYTES];
    return file_commit(name_of(from, path, STAMPED), name_of(to, path, SEALED));
}
