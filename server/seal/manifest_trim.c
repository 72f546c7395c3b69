// SPDX-License-Identifier: Apache-2.0
/* Manifests of trimmed clips: the original's seal, the frames that were kept, and for the seconds that
 * were cut the proof that the frames kept stood there. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/manifest.h"

struct kept {
    const struct manifest *original;
    struct seal_frame *frames; /* of picture and mix, at the original's times */
    size_t count;
    uint64_t from_ms, to_ms;
};

/** Of one second of the original: the leaves of picture and mix, and which of them are kept. */
static int leaves_of(const struct kept *k, const struct manifest_second *s,
                     struct merkle_hash *leaves, size_t *ret_count, size_t *ret_first,
                     size_t *ret_end)
{
    const struct manifest *m = k->original;
    *ret_count = *ret_end = 0;
    *ret_first = SIZE_MAX;
    for (size_t i = s->first; i < s->first + s->count; i++) {
        const struct seal_frame *f = &m->frames[i];
        if (manifest_is_voice(m, f->track))
            continue;
        if (f->at_ms >= k->from_ms && f->at_ms < k->to_ms) {
            *ret_first = *ret_first == SIZE_MAX ? *ret_count : *ret_first;
            *ret_end = *ret_count + 1;
        }
        int er = merkle_leaf(f, &leaves[(*ret_count)++]);
        if (er)
            return er;
    }
    return 0;
}

static json_t *edge_json(uint64_t second, size_t first, const struct merkle_hash *proof,
                         size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, manifest_hash_json(&proof[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list ? json_pack("{s:I,s:I,s:o}", "second", (json_int_t)second, "first",
                            (json_int_t)first, "proof", list)
                : NULL;
}

static int edge_add(const struct kept *k, size_t second, struct merkle_hash *leaves, json_t *edges)
{
    struct merkle_hash proof[MERKLE_PROOF_MAX];
    size_t count, first, end, proof_count;
    int er = leaves_of(k, &k->original->seconds[second], leaves, &count, &first, &end);
    if (er || first == SIZE_MAX || (first == 0 && end == count))
        return er; /* nothing kept of it, or all */
    er = merkle_prove(leaves, count, first, end, proof, &proof_count);
    if (er == 0 && json_array_append_new(edges, edge_json(second, first, proof, proof_count)))
        er = ER_NOMEM;
    return er;
}

static json_t *edges_json(const struct kept *k)
{
    const struct manifest *m = k->original;
    struct merkle_hash *leaves = calloc(m->frame_count + 1, sizeof *leaves);
    json_t *edges = json_array();
    int er = leaves && edges ? 0 : ER_NOMEM;
    for (size_t i = 0; er == 0 && i < m->second_count; i++)
        er = edge_add(k, i, leaves, edges);
    free(leaves);
    if (er == 0)
        return edges;
    json_decref(edges);
    return NULL;
}

static int kept_make(struct kept *k, const struct manifest_cut *cut, const char **ret_why)
{
    const struct manifest *m = cut->original;
    *k = (struct kept){.original = m, .from_ms = cut->from_ms, .to_ms = cut->to_ms};
    k->frames = calloc(m->frame_count + 1, sizeof *k->frames);
    if (!k->frames)
        return ER_NOMEM;
    for (size_t i = 0; i < m->frame_count; i++) {
        const struct seal_frame *f = &m->frames[i];
        if (f->at_ms >= k->from_ms && f->at_ms < k->to_ms && !manifest_is_voice(m, f->track))
            k->frames[k->count++] = *f;
    }
    *ret_why = "there are no frames in it";
    return k->count ? 0 : ER_NOT_FOUND;
}

/** The original's track of this codec, of which it has one at most; 0: none. */
static uint32_t track_of(const struct manifest *m, const char *codec)
{
    const json_t *tracks = json_object_get(m->seal, "tracks"), *t;
    size_t i;
    json_array_foreach(tracks, i, t)
    {
        const char *is = json_text(t, "codec", MATROSKA_CODEC_BYTES);
        const char *file = json_text(t, "file", 8);
        if (is && file && strcmp(is, codec) == 0 && strcmp(file, "media") == 0)
            return (uint32_t)json_integer_value(json_object_get(t, "number"));
    }
    return 0;
}

/** A codec that came later in the original may come first here: tracks are then numbered otherwise. */
static uint32_t track_in(const struct kept *k, const struct matroska_file *media, uint32_t number)
{
    for (size_t i = 0; i < media->track_count; i++) {
        if (media->tracks[i].number == number)
            return track_of(k->original, media->tracks[i].codec);
    }
    return 0;
}

static json_t *tracks_json(const struct kept *k, const struct matroska_file *media)
{
    json_t *tracks = json_array();
    int bad = !tracks;
    for (size_t i = 0; !bad && i < media->track_count; i++) {
        const struct matroska_track *t = &media->tracks[i];
        bad = json_array_append_new(
            tracks, json_pack("{s:I,s:I,s:s}", "number", (json_int_t)t->number, "of",
                              (json_int_t)track_of(k->original, t->codec), "codec", t->codec));
    }
    if (!bad)
        return tracks;
    json_decref(tracks);
    return NULL;
}

/** Whether the new file holds exactly the frames that are kept. */
static int same_frames(const struct kept *k, const struct matroska_file *media)
{
    struct seal_frame *frames = calloc(media->frame_count + 1, sizeof *frames);
    if (!frames)
        return ER_NOMEM;
    if (media->frame_count)
        memcpy(frames, media->frames, media->frame_count * sizeof *frames);
    for (size_t i = 0; i < media->frame_count; i++)
        frames[i].track = track_in(k, media, frames[i].track);
    bool same = media->frame_count == k->count && manifest_sort(frames, media->frame_count) == 0;
    for (size_t i = 0; same && i < k->count; i++)
        same = frames[i].at_ms + k->from_ms == k->frames[i].at_ms &&
               frames[i].track == k->frames[i].track && frames[i].key == k->frames[i].key &&
               frames[i].len == k->frames[i].len &&
               merkle_equal(&frames[i].hash, &k->frames[i].hash);
    free(frames);
    return same ? 0 : ER_MALFORMED;
}

static json_t *trim_json(const struct manifest_signer *signer, const struct manifest_cut *cut,
                         const struct kept *k)
{
    char made_at[CLOCK_TEXT_BYTES];
    json_t *o = cut->facts ? json_copy((json_t *)(uintptr_t)cut->facts) : json_object();
    manifest_time(signer, made_at);
    int bad = !o || json_object_set_new(o, "clip", json_string(cut->clip)) ||
              json_object_set_new(o, "of", json_string(cut->original->clip)) ||
              json_object_set_new(o, "from_ms", json_integer((json_int_t)cut->from_ms)) ||
              json_object_set_new(o, "to_ms", json_integer((json_int_t)cut->to_ms)) ||
              json_object_set_new(o, "made_at", json_string(made_at)) ||
              json_object_set_new(o, "media", manifest_file_json(cut->media)) ||
              json_object_set_new(o, "tracks", tracks_json(k, cut->media)) ||
              json_object_set_new(o, "edges", edges_json(k));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *document_json(const struct manifest_signer *signer, const struct manifest_cut *cut,
                             const struct kept *k)
{
    json_t *from = cut->original->document, *stamp = json_object_get(from, "timestamp");
    json_t *o = json_object();
    int bad = !o || json_object_set(o, "seal", cut->original->seal) ||
              json_object_set(o, "seal_signature", json_object_get(from, "seal_signature")) ||
              json_object_set_new(o, "trim", trim_json(signer, cut, k));
    if (!bad && stamp)
        bad = json_object_set(o, "timestamp", stamp);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

int manifest_trim(const struct manifest_signer *signer, const struct manifest_cut *cut, char **ret,
                  size_t *ret_len, const char **ret_why)
{
    struct kept k;
    if (cut->original->trim || !keys_active(signer->keys)) {
        *ret_why = cut->original->trim ? "it is a trimmed clip itself" : "there is no key";
        return cut->original->trim ? ER_INVALID : ER_CONFLICT;
    }
    int er = kept_make(&k, cut, ret_why);
    if (er == 0) {
        *ret_why = "the frames in it are not those of the original";
        er = same_frames(&k, cut->media);
    }
    if (er == 0) {
        const struct manifest_frames frames = {k.frames, k.count};
        json_t *document = document_json(signer, cut, &k);
        er = document ? manifest_finish(signer, document, &frames, ret, ret_len) : ER_NOMEM;
    }
    free(k.frames);
    return er;
}
