// SPDX-License-Identifier: Apache-2.0
/* The frames of a trimmed clip against the trees of its original: whole seconds by their root, the cut
 * ones at both ends by the proof of a range. */
#include <stdlib.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/verify.h"

static const json_t *edge_of(const struct manifest *m, size_t second)
{
    const json_t *edges = json_object_get(m->trim, "edges"), *edge;
    size_t i;
    int64_t number;
    json_array_foreach(edges, i, edge)
    {
        if (json_int(edge, "second", 0, MANIFEST_SECONDS, &number) == 0 && (size_t)number == second)
            return edge;
    }
    return NULL;
}

/** The range that an edge tells, and its proof. ER_MALFORMED. */
static int edge_take(const json_t *edge, int64_t *ret_first, struct merkle_hash *proof,
                     size_t *ret_count)
{
    const json_t *list = json_object_get(edge, "proof");
    if (json_int(edge, "first", 0, UINT32_MAX, ret_first) || !json_is_array(list) ||
        json_array_size(list) > MERKLE_PROOF_MAX)
        return ER_MALFORMED;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        struct span hex = {json_string_value(text), json_string_length(text)};
        if (!json_is_string(text) || hex_decode(proof[i].bytes, sizeof proof[i].bytes, hex))
            return ER_MALFORMED;
    }
    *ret_count = json_array_size(list);
    return 0;
}

/** The root from the frames that were kept. Those of the first second reach to its end, those of the last
 *  one begin at its beginning: nothing is left out between the two. */
static int root_of(const struct manifest *m, size_t second, const struct merkle_hash *leaves,
                   struct merkle_hash *ret)
{
    const struct manifest_second *s = &m->seconds[second];
    struct merkle_hash proof[MERKLE_PROOF_MAX];
    size_t proof_count = 0;
    int64_t first = 0;
    if (s->count == s->media_frames)
        return merkle_root(leaves, s->count, ret);
    const json_t *edge = edge_of(m, second);
    if (!edge || edge_take(edge, &first, proof, &proof_count))
        return ER_MALFORMED;
    size_t end = (size_t)first + s->count;
    if ((second != m->from_ms / 1000 && first != 0) ||
        (second != (m->to_ms - 1) / 1000 && end != s->media_frames))
        return ER_MALFORMED;
    return merkle_prove_root(leaves, s->media_frames, (size_t)first, end, proof, proof_count, ret);
}

static void check_second(struct report *r, const struct manifest *m, size_t second,
                         struct merkle_hash *leaves)
{
    const struct manifest_second *s = &m->seconds[second];
    bool cut = second == m->from_ms / 1000 || second == (m->to_ms - 1) / 1000;
    struct merkle_hash root;
    int er = 0;
    if (s->count == 0 && (s->media_frames == 0 || cut))
        return;
    for (size_t i = 0; er == 0 && i < s->count; i++)
        er = merkle_leaf(&m->frames[s->first + i], &leaves[i]);
    if (er == 0)
        er = s->count ? root_of(m, second, leaves, &root) : ER_MALFORMED;
    if (er || !merkle_equal(&root, &s->media))
        report_add(r, er == ER_NOMEM ? REPORT_IS_UNSURE : REPORT_IS_WRONG, "second",
                   report_at_second(second),
                   "second %zu: the frames kept are not those that were sealed there, or their "
                   "proof is not theirs",
                   second);
}

void verify_trim(struct report *r, const struct manifest *m)
{
    struct merkle_hash *leaves = calloc(m->frame_count + 1, sizeof *leaves);
    if (!leaves) {
        report_add(r, REPORT_IS_UNSURE, "manifest", REPORT_ANYWHERE, "no memory");
        return;
    }
    const char *of = json_text(m->trim, "of", 26);
    if (!of || !span_equal(span_of(of), m->clip))
        report_add(r, REPORT_IS_WRONG, "manifest", REPORT_ANYWHERE,
                   "it is said to be trimmed from another clip than the one sealed");
    for (size_t i = 0; i < m->frame_count; i++) {
        const struct seal_frame *f = &m->frames[i];
        if (f->at_ms < m->from_ms || f->at_ms >= m->to_ms || manifest_is_voice(m, f->track))
            report_add(r, REPORT_IS_WRONG, "frame", report_at_frame(f->track, f->at_ms, 0),
                       "the frame of track %u at %llu ms is not of what was kept", f->track,
                       (unsigned long long)f->at_ms);
    }
    for (size_t i = m->from_ms / 1000; i < m->second_count && i <= (m->to_ms - 1) / 1000; i++)
        check_second(r, m, i, leaves);
    free(leaves);
}
