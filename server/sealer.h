// SPDX-License-Identifier: Apache-2.0
/* Seals finished clips on threads of its own: reads what was recorded, and writes the manifest beside
 * it. Keys are looked up anew for each, so that what loupectl does to them holds from the next one on. */
#ifndef LOUPE_SERVER_SEALER_H
#define LOUPE_SERVER_SEALER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/entropy.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/vault.h"
#include "server/dbq.h"

struct merkle_hash;
struct sealer;

struct sealer_config {
    const char *keys;      /* the folder, made with a first key if need be */
    const char *authority; /* of time stamps, an http address; NULL or "": none */
    /** In its place, for tests: as timestamp_get. NULL: none. */
    int (*stamp)(void *ctx, const struct merkle_hash *hash, char **ret);
    void *stamp_ctx;
    uint64_t unix_us; /* now */
    struct entropy entropy;
    struct log *log;     /* may be NULL; outlives it */
    struct vault *vault; /* the clips' files; likewise */
};

/** ER_IO, ER_MALFORMED (the keys), ER_NOMEM. Copies the texts. */
int sealer_new(struct sealer **ret, const struct sealer_config *config);
/** Finishes what was asked for. NULL is fine. */
void sealer_free(struct sealer *s);
#define SEALER_LONG_MS 60000u /* a longer clip takes long */

/** A thread: jobs with a store of NULL. Its descriptor is to be watched as the store's. */
struct dbq *sealer_queue(struct sealer *s);
/** Another one, for what takes long: what is short does not wait for it. */
struct dbq *sealer_slow_queue(struct sealer *s);
/** Another one, which waits for the authority of time stamps: nothing else waits for that. */
struct dbq *sealer_stamp_queue(struct sealer *s);
static inline struct dbq *sealer_queue_for(struct sealer *s, uint64_t duration_ms)
{
    return duration_ms > SEALER_LONG_MS ? sealer_slow_queue(s) : sealer_queue(s);
}

#define SEALER_HASH_BYTES 65

/** SHA-256 in hexadecimal. */
struct sealer_hashes {
    char
        media[SEALER_HASH_BYTES]; /* <path>.webm; also of one that cannot be sealed. "": not read */
    char manifest[SEALER_HASH_BYTES]; /* "": there is none */
};

/** On such a thread: seal the clip at `path` (without suffix), so that <path>.manifest.json is durable on
 *  return. `facts` (borrowed) is what the case says of the clip. ER_NOT_FOUND: no clip; ER_UNAUTHENTIC:
 *  the file is not what was recorded; ER_MALFORMED: it cannot be sealed; ER_IO, ER_NOMEM: perhaps later. */
int sealer_seal(struct sealer *s, const struct id *clip, const char *path, const json_t *facts,
                uint64_t unix_us, struct sealer_hashes *ret);

/** A part of a clip that was copied into a file of its own. */
struct sealer_trim {
    struct id clip;               /* its own */
    char path[512], of_path[512]; /* its own, and the original's; without suffix */
    char asked_by[LIMIT_IDENTITY + 1];
    uint64_t asked_from_ms, asked_to_ms; /* and what came of them: */
    uint64_t from_ms, to_ms;
};
/** On such a thread: where a part of the sealed clip at `path` can begin and end that is to have
 *  [*from_ms, *to_ms) in it. ER_NOT_FOUND: no manifest; ER_INVALID: nothing lies there; ER_UNSUPPORTED: a
 *  trimmed clip; ER_MALFORMED, ER_IO, ER_NOMEM. */
int sealer_find_cut(const char *path, uint64_t *from_ms, uint64_t *to_ms);
/** As sealer_seal. */
int sealer_trim(struct sealer *s, const struct sealer_trim *trim, uint64_t unix_us,
                struct sealer_hashes *ret);

/* Time stamps, on that thread of theirs, one clip at a time. A stamped manifest lies beside the sealed one,
 * durable, until the timeline tells of it; then it takes its place. */

struct sealer_stamped {
    char *text; /* to free() */
    size_t len;
    char sha256[SEALER_HASH_BYTES];
};
/** The manifest of the sealed clip at `path` with a time stamp; asks the authority for one, unless it lies
 *  there from before. `sealed_sha256`: what the timeline tells of the manifest. ER_STALE: it has a stamp;
 *  ER_NOT_FOUND: there is no manifest; ER_MALFORMED: it is none, or not the one that was sealed; ER_AGAIN,
 *  ER_UNAUTHENTIC, ER_INVALID: the authority gave none (not `ask`: it was not asked); ER_IO, ER_NOMEM. */
int sealer_stamp_get(struct sealer *s, const char *path, const char *sealed_sha256, bool ask,
                     uint64_t unix_us, struct sealer_stamped *ret);
/** Lays it beside, durable. ER_NOT_FOUND: the clip is gone; ER_IO, ER_NOMEM. */
int sealer_stamp_keep(const char *path, const struct sealer_stamped *stamped);
/** It takes the place of the sealed one, durable. ER_IO, ER_NOMEM. */
int sealer_stamp_put(const char *path);

/* Any thread */

/** Whether there is an authority to ask. */
bool sealer_stamps(const struct sealer *s);
/** The published document of keys, to free(). ER_IO, ER_NOMEM. */
int sealer_keys_text(const struct sealer *s, char **ret, size_t *ret_len);

/** Sign a document of another kind, which is taken over: adds "key" (the public key), "signed_at" and "signature",
 *  Ed25519 over `context`, a NUL, and the canonical document without it. *ret is its text, canonical, to
 *  free(). ER_IO, ER_NOMEM. */
int sealer_sign(struct sealer *s, const char *context, json_t *document, uint64_t unix_us,
                char **ret, size_t *ret_len);

/* Shared by the parts of the module */

struct matroska_file;
/** What the recorder noted into *facts: gaps, marks, the unbroken take; and whether the files hold what it
 *  wrote. 0 also where there is no log. ER_UNAUTHENTIC: frames of the files have other bytes; ER_IO,
 *  ER_NOMEM. `voices` may be NULL. */
int sealer_take_log(struct sealer *s, const char *path, const struct matroska_file *media,
                    const struct matroska_file *voices, json_t *facts);
struct log *sealer_log(const struct sealer *s);
struct vault *sealer_vault(const struct sealer *s);
/** As timestamp_get. */
int sealer_ask_authority(struct sealer *s, const struct merkle_hash *hash, char **ret);
/** Who signs now. The caller frees keys. */
struct manifest_signer;
int sealer_signer(struct sealer *s, uint64_t unix_us, struct manifest_signer *ret);
/** The clip's own file, read to be sealed; its hash into *ret, the rest of which is empty. As matroska_read_path. */
int sealer_read(struct sealer *s, const char *path, struct matroska_file *media,
                struct sealer_hashes *ret);
/** Writes a manifest that was made, to free() after it. */
int sealer_write(const char *path, const char *text, size_t len, struct sealer_hashes *ret);

#endif
