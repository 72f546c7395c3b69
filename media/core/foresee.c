// SPDX-License-Identifier: Apache-2.0
/* What a batch of datagrams will need is fetched ahead. With many peers nothing of one is in the cache
 * when its next packet comes, and to follow its pointers is to wait for memory again and again. Here
 * that is done for all of a batch side by side, one step further each time: what a step reads the one
 * before has fetched. Only time is won or lost by what is fetched, or forgotten. */
#include "base/fetch.h"
#include "media/core/hub_private.h"
#include "media/wire/rtcp.h"

#define AHEAD 16 /* as many at a time: more would push each other out of the cache */

/** Of one datagram, what has been reached so far; NULL: there is none. */
struct ahead {
    const uint8_t *data;
    size_t len;
    const struct member *member;
    const struct member_line *line;
    const struct encoding *encoding;
    const struct slot *slot; /* the first that it goes to, */
    const struct member_line *to;
    const struct peer *viewer; /* and whose that is */
};

/** The line that the datagram's SSRC is known to be of. */
static const struct member_line *find_line(const struct ahead *a)
{
    const struct member *m = a->member;
    const struct peer *p = m->peer;
    if (a->len < RTP_HEADER_BYTES || rtcp_looks_like(a->data, a->len))
        return NULL;
    uint32_t ssrc = get_u32(a->data + 8);
    for (size_t i = 0; i < p->source_count; i++)
        if (p->sources[i].ssrc == ssrc && p->sources[i].line < m->line_count)
            return m->lines[p->sources[i].line];
    return NULL;
}

/* The steps; the keys of both sides are four pointers away (srtp_pair_fetch). */

static void step_member(struct ahead *a)
{
    const struct member *m = a->member;
    fetch(&m->timer, sizeof m->timer);
    fetch(&m->peer, sizeof m->peer);
    fetch(&m->line_count, offsetof(struct member, rtcp_ssrc) - offsetof(struct member, line_count));
}

static void step_peer(struct ahead *a)
{
    const struct member *m = a->member;
    fetch(&m->peer->srtp, sizeof m->peer->srtp + sizeof m->peer->negotiation.line_count +
                              sizeof m->peer->negotiation.lines);
    fetch(&m->peer->source_count, 4 * sizeof m->peer->sources[0]);
    fetch(m->lines, sizeof *m->lines);
    fetch(&m->room->relay, sizeof m->room->relay);
    if (m->uplink)
        fetch(m->uplink, FETCH_LINE);
}

static void step_line(struct ahead *a)
{
    srtp_pair_fetch(a->member->peer->srtp, SRTP_FETCH_PAIR);
    fetch(a->member->room->relay, sizeof(struct room));
    a->line = find_line(a);
    if (!a->line)
        return;
    fetch(a->line, offsetof(struct member_line, slot));
    fetch(&a->member->peer->negotiation.lines[a->line->index], sizeof(struct line));
}

static void step_encoding(struct ahead *a)
{
    srtp_pair_fetch(a->member->peer->srtp, SRTP_FETCH_IN);
    a->encoding = a->line ? a->line->sources[0].encoding : NULL;
    if (!a->encoding)
        return;
    fetch(a->encoding, offsetof(struct encoding, pending[1]));
    fetch(&a->encoding->timer,
          offsetof(struct encoding, reader) + FETCH_LINE - offsetof(struct encoding, timer));
    fetch(&a->encoding->meter, sizeof a->encoding->meter + FETCH_LINE);
}

static void step_tape(struct ahead *a)
{
    srtp_pair_fetch(a->member->peer->srtp, SRTP_FETCH_IN + 1);
    if (!a->encoding)
        return;
    tape_fetch(a->encoding->tape, 0);
    fetch(a->encoding->track, sizeof *a->encoding->track);
    if (list_empty(&a->encoding->slots))
        return;
    a->slot = container_of(a->encoding->slots.next, struct slot, in_encoding);
    fetch(a->slot, sizeof *a->slot);
}

static void step_slot(struct ahead *a)
{
    srtp_pair_fetch(a->member->peer->srtp, SRTP_FETCH_IN + 2);
    if (a->encoding)
        tape_fetch(a->encoding->tape, 1);
    if (!a->slot)
        return;
    a->to = a->slot->owner;
    fetch(a->to, offsetof(struct member_line, sources));
    if (a->slot->downlink)
        downlink_fetch(a->slot->downlink, 0);
    if (a->slot->sent)
        fetch(&a->slot->sent[(uint64_t)(a->slot->noted + 1) & (a->slot->sent_size - 1)],
              sizeof *a->slot->sent);
}

static void step_viewer(struct ahead *a)
{
    if (!a->slot)
        return;
    fetch(&a->to->member->peer, sizeof a->to->member->peer);
    if (a->slot->downlink)
        downlink_fetch(a->slot->downlink, 1);
}

static void step_viewer_peer(struct ahead *a)
{
    if (!a->slot)
        return;
    a->viewer = a->to->member->peer;
    fetch(&a->viewer->srtp, sizeof a->viewer->srtp + sizeof a->viewer->negotiation.line_count +
                                sizeof a->viewer->negotiation.lines);
    fetch(&a->viewer->ice.selected, sizeof a->viewer->ice.selected);
    fetch(&a->viewer->ice.has_selected, sizeof a->viewer->ice.has_selected);
    if (a->slot->downlink)
        downlink_fetch(a->slot->downlink, 2);
}

static void step_viewer_keys(struct ahead *a)
{
    if (!a->viewer)
        return;
    srtp_pair_fetch(a->viewer->srtp, SRTP_FETCH_PAIR);
    fetch(&a->viewer->negotiation.lines[a->to->index], sizeof(struct line));
}

static void step_viewer_cipher(struct ahead *a)
{
    if (a->viewer)
        srtp_pair_fetch(a->viewer->srtp, SRTP_FETCH_OUT);
}

static void step_viewer_context(struct ahead *a)
{
    if (a->viewer)
        srtp_pair_fetch(a->viewer->srtp, SRTP_FETCH_OUT + 1);
}

void hub_foresee(const struct hub *h, const struct datagram *batch, size_t count)
{
    static void (*const steps[])(struct ahead *) = {
        step_member,      step_peer,          step_line,          step_encoding,
        step_tape,        step_slot,          step_viewer,        step_viewer_peer,
        step_viewer_keys, step_viewer_cipher, step_viewer_context};
    struct ahead ahead[AHEAD];
    size_t n = 0;
    for (size_t i = 0; i < count && n < AHEAD; i++) {
        const struct datagram *d = &batch[i];
        const struct member *m = map_get(h->paths, &d->from, sizeof d->from);
        if (m && (n == 0 || m != ahead[n - 1].member))
            ahead[n++] = (struct ahead){.data = d->data, .len = d->len, .member = m};
    }
    for (size_t step = 0; step < sizeof steps / sizeof *steps; step++)
        for (size_t i = 0; i < n; i++)
            steps[step](&ahead[i]);
}
