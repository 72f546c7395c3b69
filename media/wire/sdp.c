// SPDX-License-Identifier: Apache-2.0
/* Session descriptions: one pass over the lines, and what the session says handed down to every
 * m-line that does not say it itself. */
#include "media/wire/sdp.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/wire/sdp_attribute.h"

int sdp_refuse(struct sdp_parser *p, const char *why)
{
    p->why = why;
    return ER_MALFORMED;
}

bool sdp_same_span(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

struct span sdp_next_word(struct span *rest)
{
    struct span word = span_cut(rest, ' ');
    while (rest->len && rest->at[0] == ' ') {
        rest->at++;
        rest->len--;
    }
    return word;
}

/** The payload types that mean something without an rtpmap (RFC 3551, 6). */
static const struct static_codec {
    uint8_t payload_type;
    const char *name;
    uint32_t clock_rate;
} static_codecs[] = {
    {0, "PCMU", 8000},
    {8, "PCMA", 8000},
    {9, "G722", 8000},
    {13, "CN", 8000},
};

static void add_codec(struct sdp_media *m, uint8_t payload_type)
{
    if (m->codec_count == LIMIT_SDP_CODECS || sdp_find_codec(m, payload_type))
        return;
    struct sdp_codec c = {.payload_type = payload_type, .channels = 1};
    for (size_t i = 0; i < sizeof static_codecs / sizeof static_codecs[0]; i++)
        if (static_codecs[i].payload_type == payload_type) {
            c.name = span_of(static_codecs[i].name);
            c.clock_rate = static_codecs[i].clock_rate;
        }
    m->codecs[m->codec_count++] = c;
}

static bool is_rtp(struct span protocol)
{
    struct span rest = protocol;
    while (rest.at)
        if (span_equal(span_cut(&rest, '/'), "RTP"))
            return true;
    return false;
}

static const struct kind_name {
    const char *name;
    enum sdp_kind kind;
} kind_names[] = {
    {"audio", SDP_AUDIO},
    {"video", SDP_VIDEO},
    {"application", SDP_APPLICATION},
};

/* m=<kind> <port>[/<number>] <protocol> <formats>. */
static int parse_media_line(struct sdp_parser *p, struct sdp_media *m, struct span value)
{
    struct span rest = value;
    uint64_t port = 0;
    m->kind = SDP_OTHER;
    m->kind_text = sdp_next_word(&rest);
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (span_equal(m->kind_text, kind_names[i].name))
            m->kind = kind_names[i].kind;
    struct span ports = sdp_next_word(&rest);
    if (m->kind_text.len == 0 || span_u64(span_cut(&ports, '/'), UINT16_MAX, &port) < 0)
        return sdp_refuse(p, "an m-line without kind or port");
    m->port = (uint16_t)port;
    m->protocol = sdp_next_word(&rest);
    m->formats = rest.at ? span_trim(rest) : rest;
    if (m->protocol.len == 0 || m->formats.len == 0)
        return sdp_refuse(p, "an m-line without protocol or formats");
    if (!is_rtp(m->protocol))
        return 0;
    for (rest = m->formats; rest.at;) {
        uint64_t type = 0;
        if (span_u64(sdp_next_word(&rest), 127, &type) < 0)
            return sdp_refuse(p, "an RTP m-line with a format that is no payload type");
        add_codec(m, (uint8_t)type);
    }
    return 0;
}

/** Payload types nobody described cannot be used. */
static void drop_nameless_codecs(struct sdp_media *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->codec_count; i++)
        if (m->codecs[i].name.at)
            m->codecs[kept++] = m->codecs[i];
    m->codec_count = kept;
}

/** Only what a=simulcast names, in its order; of alternatives the first. */
static void order_rids(struct sdp_media *m, struct span simulcast)
{
    struct span ordered[SDP_RIDS_MAX];
    size_t count = 0;
    while (simulcast.at) {
        struct span alternatives = span_cut(&simulcast, ';');
        struct span id = span_cut(&alternatives, ',');
        if (id.len && id.at[0] == '~') { /* paused at first */
            id.at++;
            id.len--;
        }
        bool known = false;
        for (size_t i = 0; i < m->rid_count; i++)
            known |= sdp_same_span(m->rids[i], id);
        for (size_t i = 0; i < count; i++)
            known &= !sdp_same_span(ordered[i], id);
        if (known) /* at most once each, so they fit */
            ordered[count++] = id;
    }
    if (count == 0)
        return;
    memcpy(m->rids, ordered, count * sizeof ordered[0]);
    m->rid_count = count;
}

static void inherit_extensions(struct sdp_media *m, const struct sdp_media *session)
{
    size_t own = m->extension_count;
    for (size_t i = 0; i < session->extension_count; i++) {
        bool taken = m->extension_count == LIMIT_SDP_EXTENSIONS;
        for (size_t k = 0; k < own; k++)
            taken |= m->extensions[k].id == session->extensions[i].id;
        if (!taken)
            m->extensions[m->extension_count++] = session->extensions[i];
    }
}

/** The end of an m-line's section: what it left out comes from the session. */
static void finish_media(struct sdp_parser *p)
{
    struct sdp_media *m = p->media;
    const struct sdp_media *session = &p->session;
    if (m == session)
        return;
    if (!p->has_direction)
        m->direction = session->direction;
    if (!m->ice_ufrag.at)
        m->ice_ufrag = session->ice_ufrag;
    if (!m->ice_pwd.at)
        m->ice_pwd = session->ice_pwd;
    if (!m->fingerprint.value.at)
        m->fingerprint = session->fingerprint;
    if (m->setup == SDP_SETUP_NONE)
        m->setup = session->setup;
    inherit_extensions(m, session);
    if (!m->msid_stream.at && p->legacy_msid.at) {
        struct span rest = p->legacy_msid;
        m->msid_stream = sdp_next_word(&rest);
        m->msid_track = rest.at ? sdp_next_word(&rest) : rest;
    }
    drop_nameless_codecs(m);
    order_rids(m, p->simulcast);
}

static int begin_media(struct sdp_parser *p, struct span value)
{
    finish_media(p);
    p->has_direction = false;
    p->simulcast = (struct span){.at = NULL, .len = 0};
    p->legacy_msid = p->simulcast;
    p->media = &p->sdp->media[p->sdp->media_count++];
    return parse_media_line(p, p->media, value);
}

static int parse_line(struct sdp_parser *p, struct span line)
{
    if (line.len > LIMIT_SDP_LINE)
        return sdp_refuse(p, "a line too long");
    for (size_t i = 0; i < line.len; i++)
        if ((uint8_t)line.at[i] < ' ' && line.at[i] != '\t')
            return sdp_refuse(p, "a control character");
    if (line.len < 2 || line.at[1] != '=' || line.at[0] < 'a' || line.at[0] > 'z')
        return sdp_refuse(p, "a line that does not begin with a letter and =");
    struct span value = {.at = line.at + 2, .len = line.len - 2};
    switch (line.at[0]) {
    case 'a':
        return sdp_take_attribute(p, value);
    case 'm':
        return begin_media(p, value);
    case 'o':
        p->sdp->origin = value;
        return 0;
    default:
        return 0;
    }
}

/** The next line without its end; empty ones are passed over. False at the end. */
static bool next_line(struct span *rest, struct span *ret_line)
{
    while (rest->at) {
        struct span line = span_cut(rest, '\n');
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (line.len) {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

static int parse_lines(struct sdp_parser *p, struct span text)
{
    struct span line;
    if (!next_line(&text, &line) || !span_equal(line, "v=0"))
        return sdp_refuse(p, "it does not begin with v=0");
    while (next_line(&text, &line)) {
        int er = parse_line(p, line);
        if (er < 0)
            return er;
    }
    finish_media(p);
    if (!p->sdp->origin.at)
        return sdp_refuse(p, "there is no o= line");
    return 0;
}

static size_t count_media_lines(struct span text)
{
    struct span line;
    size_t count = 0;
    while (next_line(&text, &line))
        count += span_starts(line, "m=");
    return count;
}

int sdp_parse(const char *text, size_t len, struct sdp **ret, const char **ret_why)
{
    const char *why = NULL;
    struct span whole = {.at = text, .len = len};
    size_t media_count = len <= LIMIT_SDP_BYTES ? count_media_lines(whole) : 0;
    *ret = NULL;
    if (!ret_why)
        ret_why = &why;
    *ret_why = media_count > LIMIT_SDP_MEDIA ? "too many m-lines" : "too long";
    if (len > LIMIT_SDP_BYTES || media_count > LIMIT_SDP_MEDIA)
        return ER_FULL;

    *ret_why = "out of memory";
    struct sdp *s = calloc(1, sizeof *s);
    struct sdp_parser *p = calloc(1, sizeof *p);
    if (s)
        s->media = calloc(media_count + 1, sizeof *s->media);
    int er = ER_NOMEM;
    if (s && s->media && p) {
        p->sdp = s;
        p->media = &p->session;
        er = parse_lines(p, whole);
        *ret_why = p->why;
    }
    free(p);
    if (er < 0) {
        sdp_free(s);
        return er;
    }
    *ret = s;
    return 0;
}

void sdp_free(struct sdp *s)
{
    if (!s)
        return;
    free(s->media);
    free(s);
}

const struct sdp_codec *sdp_find_codec(const struct sdp_media *m, uint8_t payload_type)
{
    for (size_t i = 0; i < m->codec_count; i++)
        if (m->codecs[i].payload_type == payload_type)
            return &m->codecs[i];
    return NULL;
}

struct span sdp_fmtp_get(struct span fmtp, const char *name)
{
    while (fmtp.at) {
        struct span value = span_trim(span_cut(&fmtp, ';'));
        struct span key = span_trim(span_cut(&value, '='));
        if (span_equal_nocase(key, name))
            return value.at ? span_trim(value) : (struct span){.at = key.at + key.len, .len = 0};
    }
    return (struct span){.at = NULL, .len = 0};
}
