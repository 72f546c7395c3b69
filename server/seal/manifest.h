// SPDX-License-Identifier: Apache-2.0
/* Manifests: what was recorded, signed. Made here, and read back into structs; whether one is true is
 * for verify.h. The format is told in docs/EVIDENCE.md. */
#ifndef LOUPE_SERVER_SEAL_MANIFEST_H
#define LOUPE_SERVER_SEAL_MANIFEST_H

#include <jansson.h>

#include "server/seal/keys.h"
#include "server/seal/matroska.h"

#define MANIFEST_FORMAT "loupe-manifest/1"
#define MANIFEST_SEAL_CONTEXT "loupe-seal-1"
#define MANIFEST_CONTEXT "loupe-manifest-1"
#define MANIFEST_BYTES_MAX 268435456u /* a longer one is not read: 256 MiB, four hours of speech */
#define MANIFEST_SECONDS 18000        /* more are malformed */

/** Who signs, and when. */
struct manifest_signer {
    const struct keys *keys;
    uint64_t unix_us;
};

/** Seal a finished clip. `facts` (an object, borrowed) is what there is to say of it beyond its bytes;
 *  `clip` its id. `voices` may be NULL. *ret is the file's text, to free(). ER_MALFORMED: the files are
 *  none that can be sealed (*ret_why, static); ER_NOT_FOUND: there is nothing in them; ER_CONFLICT: no
 *  key; ER_NOMEM. */
int manifest_seal(const struct manifest_signer *signer, const char *clip, const json_t *facts,
                  const struct matroska_file *media, const struct matroska_file *voices, char **ret,
                  size_t *ret_len, const char **ret_why);

/* Reading */

struct manifest_second {
    struct merkle_hash media, voices, chain;
    size_t media_frames, voices_frames; /* as the seal says */
    size_t first, count;                /* in manifest.frames */
};

struct manifest {
    json_t *document;
    json_t *seal; /* borrowed from it, as the next */
    json_t *trim; /* NULL: not trimmed */
    /* When its time stamp was added; NULL: it is as it was sealed. Before that it was signed so: */
    json_t *stamped;
    struct key first_key;
    uint8_t first_signature[KEYS_SIGNATURE_BYTES];
    struct key key, seal_key;
    uint8_t signature[KEYS_SIGNATURE_BYTES], seal_signature[KEYS_SIGNATURE_BYTES];
    const char *clip; /* the sealed one's id */
    struct merkle_hash head;
    size_t second_count, frame_count, voice_count;
    struct manifest_second *seconds;
    struct seal_frame *frames; /* in order of at_ms, then track, as in the original */
    uint32_t voice_tracks[MATROSKA_TRACKS];
    uint64_t from_ms, to_ms; /* of a trimmed one: what is left of the original */
};

/** Takes what a document says into structs; checks the form, but nothing of what it says. ER_MALFORMED
 *  with *ret_why (static); ER_NOMEM. Clear *ret in any case. */
int manifest_read(const char *text, size_t len, struct manifest *ret, const char **ret_why);
void manifest_clear(struct manifest *m);
/** Whether a track is one of the voices' file. */
bool manifest_is_voice(const struct manifest *m, uint32_t track);
/** The number that a track of a trimmed clip's file has in the original; 0: none. Not trimmed: its own. */
uint32_t manifest_track(const struct manifest *m, uint32_t track);
/** The hash and size of a file as told by `o` ({"bytes", "sha256"}). ER_MALFORMED. */
int manifest_file(const json_t *o, struct merkle_hash *ret_hash, uint64_t *ret_bytes);
/** A member that is a hash. ER_MALFORMED. */
int manifest_hash(const json_t *o, const char *name, struct merkle_hash *ret);

/** A part of a clip, copied frame by frame into `media`, that begins `from_ms` into the original. */
struct manifest_cut {
    const struct manifest *original;
    const char *clip; /* its own id */
    uint64_t from_ms, to_ms;
    const json_t *facts; /* who asked for what; an object, may be NULL */
    const struct matroska_file *media;
};
/** As manifest_seal. */
int manifest_trim(const struct manifest_signer *signer, const struct manifest_cut *cut, char **ret,
                  size_t *ret_len, const char **ret_why);

/* Time stamps that come after the sealing */

/** The same manifest with `token` (base64 of an RFC 3161 token over SHA-256(the seal's signature)), signed
 *  anew. *ret as manifest_seal. ER_STALE: it has one; ER_CONFLICT: no key; ER_NOMEM. */
int manifest_stamp(const struct manifest_signer *signer, const struct manifest *m,
                   const char *token, char **ret, size_t *ret_len);
/** What a stamp is to be over. */
int manifest_stamp_hash(const struct manifest *m, struct merkle_hash *ret);
/** The document as it was before its stamp was added, a new one; the same where none was. NULL: no memory. */
json_t *manifest_as_sealed(const struct manifest *m);
/** The hash of the file that it was then. ER_NOMEM. */
int manifest_sealed_hash(const struct manifest *m, struct merkle_hash *ret);

/** When something is signed: now, but never before the key was made, which may have been since `unix_us`
 *  was taken. */
void manifest_time(const struct manifest_signer *signer, char ret[static CLOCK_TEXT_BYTES]);

/* Shared by the parts of the module */

/** `items` in order of at_ms, then track. ER_MALFORMED: two are of one track and time. */
int manifest_sort(struct seal_frame *items, size_t count);
json_t *manifest_hash_json(const struct merkle_hash *hash);
/** {"bytes", "sha256", "parts": [..]} */
json_t *manifest_file_json(const struct matroska_file *file);
/** Signs any `document` (taken over): adds "key" and "signature", and gives its canonical text. */
int manifest_sign(const struct manifest_signer *signer, const char *context, json_t *document,
                  char **ret, size_t *ret_len);
/** Sorted. */
struct manifest_frames {
    const struct seal_frame *frames;
    size_t count;
};
/** The same of a manifest, whose "frames" are these; NULL: it has them. */
int manifest_finish(const struct manifest_signer *signer, json_t *document,
                    const struct manifest_frames *frames, char **ret, size_t *ret_len);

#endif
