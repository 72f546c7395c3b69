// SPDX-License-Identifier: Apache-2.0
/* The sealing thread's work. */
#include "server/sealer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/seal/timestamp.h"

#define PATH_BYTES 4200 /* of the keys */
#define NAME_BYTES 600  /* of a file of a clip */

struct sealer {
    char *keys;
    char *authority; /* NULL: none */
    struct entropy entropy;
    struct log *log;
    struct vault *vault;
    int (*stamp)(void *ctx, const struct merkle_hash *hash, char **ret); /* NULL: the authority */
    void *stamp_ctx;
    struct dbq *queue, *slow, *stamps;
};

int sealer_new(struct sealer **ret, const struct sealer_config *config)
{
    struct sealer *s = calloc(1, sizeof *s);
    struct keys *keys = NULL;
    if (!s)
        return ER_NOMEM;
    s->entropy = config->entropy;
    s->log = config->log;
    s->vault = config->vault;
    s->stamp = config->stamp;
    s->stamp_ctx = config->stamp_ctx;
    s->keys = strdup(config->keys);
    if (config->authority && config->authority[0])
        s->authority = strdup(config->authority);
    int er = s->keys ? keys_open(&keys, s->keys, &s->entropy, config->unix_us) : ER_NOMEM;
    keys_free(keys);
    if (er == 0)
        er = dbq_new(&s->queue, "sealing", NULL, NULL, NULL);
    if (er == 0)
        er = dbq_new(&s->slow, "sealing long", NULL, NULL, NULL);
    if (er == 0)
        er = dbq_new(&s->stamps, "stamping", NULL, NULL, NULL);
    if (er == 0)
        *ret = s;
    else
        sealer_free(s);
    return er;
}

void sealer_free(struct sealer *s)
{
    if (!s)
        return;
    dbq_free(s->queue);
    dbq_free(s->slow);
    dbq_free(s->stamps);
    free(s->keys);
    free(s->authority);
    free(s);
}

struct dbq *sealer_queue(struct sealer *s)
{
    return s->queue;
}

struct dbq *sealer_slow_queue(struct sealer *s)
{
    return s->slow;
}

struct dbq *sealer_stamp_queue(struct sealer *s)
{
    return s->stamps;
}

struct log *sealer_log(const struct sealer *s)
{
    return s->log;
}

struct vault *sealer_vault(const struct sealer *s)
{
    return s->vault;
}

bool sealer_stamps(const struct sealer *s)
{
    return s->authority || s->stamp;
}

int sealer_ask_authority(struct sealer *s, const struct merkle_hash *hash, char **ret)
{
    return s->stamp ? s->stamp(s->stamp_ctx, hash, ret)
                    : timestamp_get(s->authority, hash, &s->entropy, ret);
}

int sealer_signer(struct sealer *s, uint64_t unix_us, struct manifest_signer *ret)
{
    struct keys *keys;
    int er = keys_open(&keys, s->keys, &s->entropy, unix_us);
    if (er)
        return er == ER_MALFORMED ? ER_IO : er; /* mended by hand, perhaps */
    *ret = (struct manifest_signer){.keys = keys, .unix_us = unix_us};
    return 0;
}

int sealer_read(struct sealer *s, const char *path, struct matroska_file *media,
                struct sealer_hashes *ret)
{
    char name[NAME_BYTES];
    *ret = (struct sealer_hashes){0};
    (void)snprintf(name, sizeof name, "%s.webm", path);
    int er = matroska_read_path(s->vault, name, media);
    if (er == 0 || er == ER_MALFORMED)
        hex_encode(ret->media, media->hash.bytes, sizeof media->hash.bytes);
    return er;
}

int sealer_write(const char *path, const char *text, size_t len, struct sealer_hashes *ret)
{
    char name[NAME_BYTES];
    struct merkle_hash hash;
    (void)snprintf(name, sizeof name, "%s.manifest.json", path);
    int er = merkle_sha256(text, len, &hash);
    if (er == 0)
        er = durable_write(name, text, len, 0640);
    if (er == 0)
        hex_encode(ret->manifest, hash.bytes, sizeof hash.bytes);
    return er;
}

int sealer_keys_text(const struct sealer *s, char **ret, size_t *ret_len)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/keys.json", s->keys);
    int er = durable_read(path, 1048576, ret, ret_len);
    return er == ER_NOMEM ? er : er ? ER_IO : 0;
}

int sealer_sign(struct sealer *s, const char *context, json_t *document, uint64_t unix_us,
                char **ret, size_t *ret_len)
{
    struct manifest_signer signer;
    char at[CLOCK_TEXT_BYTES];
    int er = document ? sealer_signer(s, unix_us, &signer) : ER_NOMEM;
    if (er) {
        json_decref(document);
        return er;
    }
    manifest_time(&signer, at);
    if (json_object_set_new(document, "signed_at", json_string(at))) {
        json_decref(document);
        er = ER_NOMEM;
    } else {
        er = manifest_sign(&signer, context, document, ret, ret_len);
    }
    keys_free((struct keys *)(uintptr_t)signer.keys);
    return er;
}

static int seal_files(struct sealer *s, const struct id *clip, const char *path,
                      const json_t *facts, uint64_t unix_us, const struct matroska_file *media,
                      const struct matroska_file *voices, struct sealer_hashes *ret)
{
    struct manifest_signer signer = {0};
    const char *why = "";
    char *text = NULL;
    size_t len;
    json_t *all = json_copy((json_t *)(uintptr_t)facts); /* only read */
    int er = all ? sealer_take_log(s, path, media, voices, all) : ER_NOMEM;
    if (er == 0)
        er = sealer_signer(s, unix_us, &signer);
    if (er == 0) {
        er = manifest_seal(&signer, clip->text, all, media, voices, &text, &len, &why);
        if (er)
            log_event(s->log, LOG_ERROR, "seal_failed", "clip=%s er=%s why=\"%s\"", clip->text,
                      er_name(er), why);
    }
    if (er == 0)
        er = sealer_write(path, text, len, ret);
    free(text);
    keys_free((struct keys *)(uintptr_t)signer.keys);
    json_decref(all);
    return er;
}

int sealer_seal(struct sealer *s, const struct id *clip, const char *path, const json_t *facts,
                uint64_t unix_us, struct sealer_hashes *ret)
{
    char name[NAME_BYTES];
    struct matroska_file media = {0}, voices = {0};
    int er = sealer_read(s, path, &media, ret), spoken = ER_NOT_FOUND;
    if (er == ER_MALFORMED)
        log_event(s->log, LOG_ERROR, "clip_malformed", "clip=%s byte=%llu why=\"%s\"", clip->text,
                  (unsigned long long)media.wrong_at, media.wrong);
    if (er == 0) {
        (void)snprintf(name, sizeof name, "%s.voices.mka", path);
        spoken = matroska_read_path(s->vault, name, &voices);
        er = spoken == ER_NOT_FOUND ? 0 : spoken;
    }
    if (er == 0)
        er = seal_files(s, clip, path, facts, unix_us, &media, spoken == 0 ? &voices : NULL, ret);
    matroska_clear(&media);
    matroska_clear(&voices);
    return er;
}
