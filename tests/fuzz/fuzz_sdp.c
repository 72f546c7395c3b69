// SPDX-License-Identifier: Apache-2.0
/* Session descriptions: parse, and look at everything that borrows from the text. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void look(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum += (uint8_t)s.at[i];
}

static void look_media(const struct sdp_media *m)
{
    look(m->kind_text);
    look(m->protocol);
    look(m->formats);
    look(m->mid);
    look(m->ice_ufrag);
    look(m->ice_pwd);
    look(m->fingerprint.algorithm);
    look(m->fingerprint.value);
    look(m->msid_stream);
    look(m->msid_track);
    for (size_t i = 0; i < m->codec_count; i++) {
        const struct sdp_codec *c = sdp_find_codec(m, m->codecs[i].payload_type);
        if (c != &m->codecs[i] || !c->name.at || c->clock_rate == 0)
            abort();
        look(c->name);
        look(sdp_fmtp_get(c->fmtp, "apt"));
    }
    for (size_t i = 0; i < m->extension_count; i++) {
        if (m->extensions[i].id == 0)
            abort();
        look(m->extensions[i].uri);
    }
    for (size_t i = 0; i < m->rid_count; i++)
        look(m->rids[i]);
    if (m->ssrc_count > LIMIT_SDP_SSRCS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp *s = NULL;
    const char *why = NULL;
    if (sdp_parse((const char *)data, size, &s, &why) < 0) {
        if (s || !why)
            abort();
        return 0;
    }
    look(s->origin);
    look(s->bundle);
    for (size_t i = 0; i < s->media_count; i++)
        look_media(&s->media[i]);
    sdp_free(s);
    return 0;
}
