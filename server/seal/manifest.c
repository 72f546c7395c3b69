// SPDX-License-Identifier: Apache-2.0
/* Manifests made: of a finished clip, and what making a trimmed one shares with it. */
#include "server/seal/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

enum {
    FRAME_TEXT_BYTES = 128, /* a frame's text with all around it, at most; */
    SECOND_TEXT_BYTES = 48, /* likewise what a second has besides */
    FRAMES_TEXT_BYTES = 16, /* and all of them */
    SIGNATURE_TEXT_BYTES = 2 * KEYS_SIGNATURE_BYTES + 24,
};

/* Frames */

static int compare(const void *a, const void *b)
{
    const struct seal_frame *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->track == y->track ? 0 : x->track < y->track ? -1 : 1;
}

int manifest_sort(struct seal_frame *items, size_t count)
{
    if (count)
        qsort(items, count, sizeof *items, compare);
    for (size_t i = 1; i < count; i++) {
        if (compare(&items[i - 1], &items[i]) == 0)
            return ER_MALFORMED;
    }
    return 0;
}

json_t *manifest_hash_json(const struct merkle_hash *hash)
{
    char text[2 * sizeof hash->bytes + 1];
    hex_encode(text, hash->bytes, sizeof hash->bytes);
    return json_string(text);
}

static void put(struct wr *w, const char *text)
{
    wr_bytes(w, text, strlen(text));
}

static void put_frame(struct wr *w, const struct seal_frame *f)
{
    char hash[2 * sizeof f->hash.bytes + 1];
    hex_encode(hash, f->hash.bytes, sizeof f->hash.bytes);
    wr_u8(w, '"');
    wr_decimal(w, f->track);
    wr_u8(w, ' ');
    wr_decimal(w, f->at_ms);
    wr_bytes(w, f->key ? " k " : " - ", 3);
    wr_decimal(w, f->len);
    wr_u8(w, ' ');
    wr_bytes(w, hash, sizeof hash - 1);
    wr_u8(w, '"');
}

/** `,"frames":[{"frames": ["<track> <at_ms> <k or -> <bytes> <sha256>", ..], "second"}, ..]`, canonical: there
 *  are too many of them for a json_t each. */
static void put_frames(struct wr *w, const struct manifest_frames *f)
{
    put(w, ",\"frames\":[");
    for (size_t i = 0; i < f->count; i++) {
        uint64_t second = f->frames[i].at_ms / 1000;
        bool begins = i == 0 || second != f->frames[i - 1].at_ms / 1000;
        put(w, !begins ? "," : i == 0 ? "{\"frames\":[" : ",{\"frames\":[");
        put_frame(w, &f->frames[i]);
        if (i + 1 < f->count && second == f->frames[i + 1].at_ms / 1000)
            continue;
        put(w, "],\"second\":");
        wr_decimal(w, second);
        wr_u8(w, '}');
    }
    wr_u8(w, ']');
}

/** At most. */
static size_t frames_size(const struct manifest_frames *f)
{
    size_t seconds = f->count ? (size_t)(f->frames[f->count - 1].at_ms / 1000) + 1 : 0;
    return FRAMES_TEXT_BYTES + f->count * FRAME_TEXT_BYTES +
           (seconds < f->count ? seconds : f->count) * SECOND_TEXT_BYTES;
}

json_t *manifest_file_json(const struct matroska_file *file)
{
    json_t *parts = json_array();
    int bad = !parts;
    for (size_t i = 0; !bad && i < file->part_count; i++) {
        const struct matroska_part *p = &file->parts[i];
        bad = json_array_append_new(parts, json_pack("{s:s,s:I,s:I,s:o}", "element",
                                                     matroska_part_name(p->id), "at",
                                                     (json_int_t)p->at, "bytes", (json_int_t)p->len,
                                                     "sha256", manifest_hash_json(&p->hash)));
    }
    json_t *o = bad ? NULL
                    : json_pack("{s:I,s:o,s:O}", "bytes", (json_int_t)file->bytes, "sha256",
                                manifest_hash_json(&file->hash), "parts", parts);
    json_decref(parts);
    return o;
}

/* Seconds */

/** All that is sealed, in order. */
struct sealed {
    struct seal_frame *frames;
    struct merkle_hash *leaves; /* of the media, or of the voices, of one second at a time */
    size_t count, media_count;
    const struct matroska_file *voices;
    struct merkle_hash head;
    json_t *seconds;
};

static bool is_voice(const struct sealed *s, uint32_t track)
{
    for (size_t i = 0; s->voices && i < s->voices->track_count; i++) {
        if (s->voices->tracks[i].number == track)
            return true;
    }
    return false;
}

static int tree_of(struct sealed *s, size_t first, size_t end, bool voices, struct merkle_hash *ret,
                   size_t *ret_count)
{
    size_t count = 0;
    int er = 0;
    for (size_t i = first; er == 0 && i < end; i++) {
        if (is_voice(s, s->frames[i].track) == voices)
            er = merkle_leaf(&s->frames[i], &s->leaves[count++]);
    }
    *ret_count = count;
    return er ? er : merkle_root(s->leaves, count, ret);
}

static int second_add(struct sealed *s, uint64_t second, size_t first, size_t end)
{
    struct merkle_hash media, voices;
    size_t media_count, voices_count;
    int er = tree_of(s, first, end, false, &media, &media_count);
    if (er == 0)
        er = tree_of(s, first, end, true, &voices, &voices_count);
    if (er == 0)
        er = merkle_chain_step(&s->head, second, &media, &voices);
    if (er)
        return er;
    json_t *o = json_pack("{s:I,s:o,s:I,s:o}", "second", (json_int_t)second, "media",
                          manifest_hash_json(&media), "media_frames", (json_int_t)media_count,
                          "chain", manifest_hash_json(&s->head));
    int bad = !o;
    if (!bad && s->voices)
        bad = json_object_set_new(o, "voices", manifest_hash_json(&voices)) ||
              json_object_set_new(o, "voices_frames", json_integer((json_int_t)voices_count));
    return json_array_append_new(s->seconds, bad ? NULL : o) ? ER_NOMEM : 0;
}

/** Every second from the first to the last that has a frame, also those that have none. */
static int seconds_make(struct sealed *s, const char *clip)
{
    size_t at = 0;
    int er = merkle_chain_begin(clip, &s->head);
    for (uint64_t second = 0; er == 0 && at < s->count; second++) {
        size_t first = at;
        while (at < s->count && s->frames[at].at_ms / 1000 == second)
            at++;
        er = second_add(s, second, first, at);
    }
    return er;
}

static bool shares_tracks(const struct matroska_file *a, const struct matroska_file *b)
{
    for (size_t i = 0; i < a->track_count; i++) {
        for (size_t k = 0; k < b->track_count; k++) {
            if (a->tracks[i].number == b->tracks[k].number)
                return true;
        }
    }
    return false;
}

static int sealed_make(struct sealed *s, const char *clip, const struct matroska_file *media,
                       const struct matroska_file *voices, const char **ret_why)
{
    s->count = media->frame_count + (voices ? voices->frame_count : 0);
    s->voices = voices;
    *ret_why = "there are no frames in it";
    if (media->frame_count == 0)
        return ER_NOT_FOUND;
    *ret_why = "sound and voices have a track's number in common";
    if (voices && shares_tracks(media, voices))
        return ER_MALFORMED;
    s->frames = calloc(s->count, sizeof *s->frames);
    s->leaves = calloc(s->count, sizeof *s->leaves);
    s->seconds = json_array();
    if (!s->frames || !s->leaves || !s->seconds)
        return ER_NOMEM;
    memcpy(s->frames, media->frames, media->frame_count * sizeof *s->frames);
    if (voices && voices->frame_count)
        memcpy(s->frames + media->frame_count, voices->frames,
               voices->frame_count * sizeof *s->frames);
    *ret_why = "two frames of one track have the same time";
    int er = manifest_sort(s->frames, s->count);
    *ret_why = "it is longer than any clip";
    if (er == 0 && s->frames[s->count - 1].at_ms / 1000 >= MANIFEST_SECONDS)
        er = ER_MALFORMED;
    return er ? er : seconds_make(s, clip);
}

static void sealed_clear(struct sealed *s)
{
    free(s->frames);
    free(s->leaves);
    json_decref(s->seconds);
}

/* The seal */

static int tracks_add(json_t *tracks, const struct matroska_file *file, const char *name)
{
    for (size_t i = 0; file && i < file->track_count; i++) {
        const struct matroska_track *t = &file->tracks[i];
        const char *kind = t->type == 1 ? "video" : t->type == 2 ? "audio" : "other";
        if (json_array_append_new(tracks,
                                  json_pack("{s:I,s:s,s:s,s:s}", "number", (json_int_t)t->number,
                                            "kind", kind, "codec", t->codec, "file", name)))
            return ER_NOMEM;
    }
    return 0;
}

void manifest_time(const struct manifest_signer *signer, char ret[static CLOCK_TEXT_BYTES])
{
    const struct key *key = keys_active(signer->keys);
    clock_format(signer->unix_us, ret);
    if (key && strcmp(ret, key->created_at) < 0)
        (void)str_copy(ret, CLOCK_TEXT_BYTES, key->created_at);
}

static json_t *seal_json(const struct manifest_signer *signer, const char *clip,
                         const json_t *facts, const struct matroska_file *media,
                         const struct sealed *s)
{
    char sealed_at[CLOCK_TEXT_BYTES];
    json_t *o = json_copy((json_t *)(uintptr_t)facts); /* only read */
    json_t *tracks = json_array();
    int bad = !o || !tracks || tracks_add(tracks, media, "media") ||
              tracks_add(tracks, s->voices, "voices");
    manifest_time(signer, sealed_at);
    bad = bad || json_object_set_new(o, "clip", json_string(clip)) ||
          json_object_set(o, "tracks", tracks) ||
          json_object_set_new(o, "sealed_at", json_string(sealed_at)) ||
          json_object_set_new(o, "media", manifest_file_json(media)) ||
          json_object_set(o, "seconds", s->seconds) ||
          json_object_set_new(o, "head", manifest_hash_json(&s->head)) ||
          json_object_set_new(o, "key", keys_jwk(keys_active(signer->keys)));
    if (!bad && s->voices)
        bad = json_object_set_new(o, "voices", manifest_file_json(s->voices));
    json_decref(tracks);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static int signature_add(const struct keys *keys, json_t *o, const char *member,
                         const char *context, const char *text, uint8_t *ret)
{
    char hex[2 * KEYS_SIGNATURE_BYTES + 1];
    int er = keys_sign(keys, context, text, strlen(text), ret);
    if (er)
        return er;
    hex_encode(hex, ret, KEYS_SIGNATURE_BYTES);
    return json_object_set_new(o, member, json_string(hex)) ? ER_NOMEM : 0;
}

/** A canonical text, and where in it the frames and the signature belong. */
struct unsigned_text {
    const char *text;
    size_t len, frames_at, signature_at;
};

/** The text with the signature in it. `all` has `head` bytes of it and room for the rest. */
static size_t insert_signature(char *all, size_t size, size_t head, const struct unsigned_text *t,
                               const uint8_t signature[static KEYS_SIGNATURE_BYTES])
{
    char hex[2 * KEYS_SIGNATURE_BYTES + 1];
    struct wr w = wr_make(all + head, size - head);
    hex_encode(hex, signature, KEYS_SIGNATURE_BYTES);
    put(&w, ",\"signature\":\"");
    put(&w, hex);
    wr_u8(&w, '"');
    wr_bytes(&w, t->text + t->signature_at, t->len - t->signature_at + 1); /* its NUL, too */
    return head + wr_len(&w) - 1;
}

/** One block of memory holds first what is signed, the context in front, and then what is made of it. */
static int sign_text(const struct manifest_signer *signer, const char *context,
                     const struct unsigned_text *t, const struct manifest_frames *frames,
                     char **ret, size_t *ret_len)
{
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    size_t before = strlen(context) + 1;
    size_t size = before + t->len + (frames ? frames_size(frames) : 0) + SIGNATURE_TEXT_BYTES;
    char *all = malloc(size);
    if (!all)
        return ER_NOMEM;
    struct wr w = wr_make(all, size);
    wr_bytes(&w, context, before);
    wr_bytes(&w, t->text, t->frames_at);
    if (frames)
        put_frames(&w, frames);
    wr_bytes(&w, t->text + t->frames_at, t->signature_at - t->frames_at);
    size_t head = wr_len(&w) - before;
    wr_bytes(&w, t->text + t->signature_at, t->len - t->signature_at);
    int er = w.bad ? ER_INTERNAL : keys_sign_message(signer->keys, all, wr_len(&w), signature);
    if (er) {
        free(all);
        return er;
    }
    memmove(all, all + before, head);
    *ret_len = insert_signature(all, size, head, t, signature);
    *ret = all;
    return 0;
}

/** Takes `document` over. `frames` NULL: all that is to be signed is in it. */
static int sign(const struct manifest_signer *signer, const char *context, json_t *document,
                const struct manifest_frames *frames, char **ret, size_t *ret_len)
{
    static const char *const names[] = {"signature", "frames"};
    size_t at[2] = {0, 0};
    int er = json_object_set_new(document, "key", keys_jwk(keys_active(signer->keys))) ? ER_NOMEM
                                                                                       : 0;
    char *text = er ? NULL : json_canonical_but(document, names, frames ? 2 : 1, at);
    json_decref(document);
    if (!text)
        return ER_NOMEM;
    const struct unsigned_text t = {text, strlen(text), at[1], at[0]};
    er = sign_text(signer, context, &t, frames, ret, ret_len);
    free(text);
    return er;
}

int manifest_sign(const struct manifest_signer *signer, const char *context, json_t *document,
                  char **ret, size_t *ret_len)
{
    return sign(signer, context, document, NULL, ret, ret_len);
}

int manifest_finish(const struct manifest_signer *signer, json_t *document,
                    const struct manifest_frames *frames, char **ret, size_t *ret_len)
{
    if (json_object_set_new(document, "format", json_string(MANIFEST_FORMAT))) {
        json_decref(document);
        return ER_NOMEM;
    }
    return sign(signer, MANIFEST_CONTEXT, document, frames, ret, ret_len);
}

/** The document around a seal, which is taken over. */
static int document_make(const struct manifest_signer *signer, json_t *seal, const struct sealed *s,
                         char **ret, size_t *ret_len)
{
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    char *text = json_canonical(seal);
    json_t *document = text ? json_pack("{s:O}", "seal", seal) : NULL;
    json_decref(seal);
    int er = document ? signature_add(signer->keys, document, "seal_signature",
                                      MANIFEST_SEAL_CONTEXT, text, signature)
                      : ER_NOMEM;
    free(text);
    const struct manifest_frames frames = {s->frames, s->count};
    if (er == 0)
        return manifest_finish(signer, document, &frames, ret, ret_len);
    json_decref(document);
    return er;
}

int manifest_seal(const struct manifest_signer *signer, const char *clip, const json_t *facts,
                  const struct matroska_file *media, const struct matroska_file *voices, char **ret,
                  size_t *ret_len, const char **ret_why)
{
    struct sealed s = {0};
    if (!keys_active(signer->keys)) {
        *ret_why = "there is no key to sign with";
        return ER_CONFLICT;
    }
    int er = sealed_make(&s, clip, media, voices, ret_why);
    if (er == 0) {
        json_t *seal = seal_json(signer, clip, facts, media, &s);
        er = seal ? document_make(signer, seal, &s, ret, ret_len) : ER_NOMEM;
    }
    sealed_clear(&s);
    return er;
}
