// SPDX-License-Identifier: Apache-2.0
/* Manifests read: from text that may be anything, into structs whose form is right. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/manifest.h"

#define TRIM_EDGES 2 /* a clip has a beginning and an end */

static int fail(const char **ret_why, const char *why)
{
    *ret_why = why;
    return ER_MALFORMED;
}

int manifest_hash(const json_t *o, const char *name, struct merkle_hash *ret)
{
    const json_t *text = json_object_get(o, name);
    if (!json_is_string(text))
        return ER_MALFORMED;
    struct span hex = {json_string_value(text), json_string_length(text)};
    return hex_decode(ret->bytes, sizeof ret->bytes, hex);
}

int manifest_file(const json_t *o, struct merkle_hash *ret_hash, uint64_t *ret_bytes)
{
    int64_t bytes;
    if (!json_is_object(o) || json_int(o, "bytes", 0, INT64_MAX, &bytes))
        return ER_MALFORMED;
    *ret_bytes = (uint64_t)bytes;
    return manifest_hash(o, "sha256", ret_hash);
}

static int signature_take(const json_t *o, const char *name, uint8_t *ret)
{
    const json_t *text = json_object_get(o, name);
    if (!json_is_string(text))
        return ER_MALFORMED;
    char again[2 * KEYS_SIGNATURE_BYTES + 1];
    struct span hex = {json_string_value(text), json_string_length(text)};
    if (hex_decode(ret, KEYS_SIGNATURE_BYTES, hex))
        return ER_MALFORMED;
    /* Nothing signs the signature: it is to be spelled in one way only. */
    hex_encode(again, ret, KEYS_SIGNATURE_BYTES);
    return span_equal(hex, again) ? 0 : ER_MALFORMED;
}

static int tracks_take(struct manifest *m)
{
    const json_t *tracks = json_object_get(m->seal, "tracks");
    int64_t number;
    if (!json_is_array(tracks) || json_array_size(tracks) > 2 * MATROSKA_TRACKS)
        return ER_MALFORMED;
    for (size_t i = 0; i < json_array_size(tracks); i++) {
        const json_t *t = json_array_get(tracks, i);
        const char *file = json_text(t, "file", 8);
        if (!file || json_int(t, "number", 1, UINT32_MAX, &number))
            return ER_MALFORMED;
        if (strcmp(file, "voices") != 0)
            continue;
        if (m->voice_count == MATROSKA_TRACKS)
            return ER_MALFORMED;
        m->voice_tracks[m->voice_count++] = (uint32_t)number;
    }
    return 0;
}

bool manifest_is_voice(const struct manifest *m, uint32_t track)
{
    for (size_t i = 0; i < m->voice_count; i++) {
        if (m->voice_tracks[i] == track)
            return true;
    }
    return false;
}

uint32_t manifest_track(const struct manifest *m, uint32_t track)
{
    const json_t *tracks = json_object_get(m->trim, "tracks"), *t;
    size_t i;
    int64_t number, of;
    if (!m->trim)
        return track;
    json_array_foreach(tracks, i, t)
    {
        if (json_int(t, "number", 1, UINT32_MAX, &number) == 0 && (uint32_t)number == track &&
            json_int(t, "of", 1, UINT32_MAX, &of) == 0)
            return (uint32_t)of;
    }
    return 0;
}

static int second_take(const struct manifest *m, size_t i, const json_t *o)
{
    struct manifest_second *s = &m->seconds[i];
    int64_t second, frames;
    bool voices = json_object_get(m->seal, "voices") != NULL;
    if (json_int(o, "second", (int64_t)i, (int64_t)i, &second) ||
        json_int(o, "media_frames", 0, UINT32_MAX, &frames) ||
        manifest_hash(o, "media", &s->media) || manifest_hash(o, "chain", &s->chain))
        return ER_MALFORMED;
    s->media_frames = (size_t)frames;
    if (!voices)
        return merkle_root(NULL, 0, &s->voices);
    if (json_int(o, "voices_frames", 0, UINT32_MAX, &frames) ||
        manifest_hash(o, "voices", &s->voices))
        return ER_MALFORMED;
    s->voices_frames = (size_t)frames;
    return 0;
}

static int seconds_take(struct manifest *m)
{
    const json_t *seconds = json_object_get(m->seal, "seconds");
    size_t count = json_array_size(seconds);
    int er = 0;
    if (count == 0 || count > MANIFEST_SECONDS)
        return ER_MALFORMED;
    m->seconds = calloc(count, sizeof *m->seconds);
    if (!m->seconds)
        return ER_NOMEM;
    m->second_count = count;
    for (size_t i = 0; er == 0 && i < count; i++)
        er = second_take(m, i, json_array_get(seconds, i));
    return er;
}

/** "<track> <at_ms> <k or -> <bytes> <sha256>" */
static int frame_take(const json_t *text, struct seal_frame *ret)
{
    uint64_t track, at_ms, len;
    if (!json_is_string(text))
        return ER_MALFORMED;
    struct span rest = {json_string_value(text), json_string_length(text)};
    if (span_u64(span_cut(&rest, ' '), UINT32_MAX, &track) ||
        span_u64(span_cut(&rest, ' '), UINT64_C(1000) * MANIFEST_SECONDS, &at_ms))
        return ER_MALFORMED;
    struct span key = span_cut(&rest, ' ');
    ret->key = span_equal(key, "k");
    if ((!ret->key && !span_equal(key, "-")) || span_u64(span_cut(&rest, ' '), UINT32_MAX, &len) ||
        !rest.at)
        return ER_MALFORMED;
    ret->track = (uint32_t)track;
    ret->at_ms = at_ms;
    ret->len = (uint32_t)len;
    return hex_decode(ret->hash.bytes, sizeof ret->hash.bytes, rest);
}

static bool in_order(const struct seal_frame *a, const struct seal_frame *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->track < b->track);
}

static int second_frames_take(struct manifest *m, const json_t *o)
{
    const json_t *list = json_object_get(o, "frames");
    int64_t second;
    if (json_int(o, "second", 0, (int64_t)m->second_count - 1, &second) || !json_is_array(list))
        return ER_MALFORMED;
    struct manifest_second *s = &m->seconds[second];
    if (s->count) /* told a second time: no tree would be over the frames of the first */
        return ER_MALFORMED;
    s->first = m->frame_count;
    s->count = json_array_size(list);
    for (size_t i = 0; i < s->count; i++) {
        struct seal_frame *f = &m->frames[m->frame_count];
        if (frame_take(json_array_get(list, i), f) || f->at_ms / 1000 != (uint64_t)second ||
            (m->frame_count && !in_order(f - 1, f)))
            return ER_MALFORMED;
        m->frame_count++;
    }
    return 0;
}

static int frames_take(struct manifest *m)
{
    const json_t *seconds = json_object_get(m->document, "frames");
    size_t count = 0, i;
    const json_t *o;
    if (!json_is_array(seconds) || json_array_size(seconds) == 0)
        return ER_MALFORMED;
    json_array_foreach(seconds, i, o) count += json_array_size(json_object_get(o, "frames"));
    m->frames = calloc(count + 1, sizeof *m->frames);
    if (!m->frames)
        return ER_NOMEM;
    json_array_foreach(seconds, i, o)
    {
        int er = second_frames_take(m, o);
        if (er)
            return er;
    }
    return m->frame_count ? 0 : ER_MALFORMED;
}

static int trim_take(struct manifest *m)
{
    int64_t from, to;
    if (!json_is_object(m->trim) || !json_text(m->trim, "clip", 26) ||
        json_int(m->trim, "from_ms", 0, INT64_C(1000) * MANIFEST_SECONDS, &from) ||
        json_int(m->trim, "to_ms", from + 1, INT64_C(1000) * MANIFEST_SECONDS, &to))
        return ER_MALFORMED;
    if (json_array_size(json_object_get(m->trim, "tracks")) > 2 * MATROSKA_TRACKS ||
        json_array_size(json_object_get(m->trim, "edges")) > TRIM_EDGES)
        return ER_MALFORMED;
    m->from_ms = (uint64_t)from;
    m->to_ms = (uint64_t)to;
    return 0;
}

/** What a manifest was signed with before its time stamp came. */
static int stamped_take(struct manifest *m)
{
    m->stamped = json_object_get(m->document, "stamped");
    if (!m->stamped)
        return 0;
    if (!json_text(m->stamped, "at", 24) || json_object_size(m->stamped) != 3 ||
        !json_is_string(json_object_get(m->document, "timestamp")) ||
        keys_from_jwk(json_object_get(m->stamped, "key"), &m->first_key))
        return ER_MALFORMED;
    return signature_take(m->stamped, "signature", m->first_signature);
}

static int members_take(struct manifest *m, const char **ret_why)
{
    const char *format = json_text(m->document, "format", 32);
    m->seal = json_object_get(m->document, "seal");
    m->trim = json_object_get(m->document, "trim");
    if (!format || strcmp(format, MANIFEST_FORMAT) != 0)
        return fail(ret_why, "it is no manifest of a format known here");
    if (!json_is_object(m->seal))
        return fail(ret_why, "it has no seal");
    if (keys_from_jwk(json_object_get(m->document, "key"), &m->key) ||
        keys_from_jwk(json_object_get(m->seal, "key"), &m->seal_key))
        return fail(ret_why, "a key in it cannot be read");
    if (signature_take(m->document, "signature", m->signature) ||
        signature_take(m->document, "seal_signature", m->seal_signature))
        return fail(ret_why, "a signature in it cannot be read");
    m->clip = json_text(m->seal, "clip", 26);
    if (!m->clip || manifest_hash(m->seal, "head", &m->head))
        return fail(ret_why, "the clip's id or the head of its chain is missing");
    if (m->trim && trim_take(m))
        return fail(ret_why, "how it was trimmed cannot be read");
    if (stamped_take(m))
        return fail(ret_why, "what it was before its time stamp cannot be read");
    return 0;
}

int manifest_read(const char *text, size_t len, struct manifest *ret, const char **ret_why)
{
    *ret = (struct manifest){0};
    int er = json_parse(text, len, &ret->document, ret_why);
    if (er == 0)
        er = members_take(ret, ret_why);
    if (er)
        return er;
    er = tracks_take(ret);
    *ret_why = "the tracks cannot be read";
    if (er == 0) {
        er = seconds_take(ret);
        *ret_why = "the seconds cannot be read";
    }
    if (er == 0) {
        er = frames_take(ret);
        *ret_why = "the frames cannot be read";
    }
    return er;
}

void manifest_clear(struct manifest *m)
{
    json_decref(m->document);
    free(m->seconds);
    free(m->frames);
    *m = (struct manifest){0};
}
