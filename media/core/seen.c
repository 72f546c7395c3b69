// SPDX-License-Identifier: Apache-2.0
/* From packets and reports to seconds, and from those to the server. */
#include "media/core/seen.h"

#include <stdlib.h>
#include <string.h>

#include "media/core/hub_private.h"
#include "media/relay/viewing.h"

#define NUMBERS 2048 /* a power of two: packets whose fate may be told */
#define NUMBERS_BYTES 2
#define HAND_OVER_US 30000000u
#define UNTOLD_MS 600u /* so much may lost reports have told of: more, and the path was dark */
#define OFFSET_JUMP_US 10000000
#define OFFSET_DRIFT_US 50 /* between two reports: clocks run apart */

struct seen_path {
    bool told;         /* the viewer has reported arrivals */
    uint16_t next;     /* and does so from this number on */
    bool has_offset;   /* of its clock to ours */
    int64_t offset_us; /* the least: without what delayed the reports */
    struct seen_number {
        uint16_t number, seq, line;
        bool there;
        uint32_t sent_ms;
    } numbers[NUMBERS];
};

/** What was shown of one track. */
struct stretch {
    char publisher[MEDIA_IDENTITY_BYTES]; /* "": nothing was */
    struct seenlog_writer writer;
};

struct seen_line {
    struct viewing *viewing;
    enum seenlog_kind kind;
    uint64_t track;             /* 0: none */
    struct stretch now, before; /* what is shown, and what was until lately */
};

/* Lines */

void seen_path_free(struct seen_path *p)
{
    free(p);
}

static bool is_on(const struct member_line *l)
{
    return l->seen && l->seen->track;
}

void seen_line_begin(struct member_line *l, enum media_kind kind, uint64_t now_us)
{
    struct member *m = l->member;
    struct hub_room *r = m->room;
    if (!m->config.keep_seen || l->seen || r->seen_lines >= LIMIT_SEEN_LINES)
        return;
    if (!m->seen)
        m->seen = calloc(1, sizeof *m->seen);
    l->seen = m->seen ? calloc(1, sizeof *l->seen) : NULL;
    if (!l->seen)
        return;
    if (viewing_new(&l->seen->viewing, kind, hub_unix_us(m->hub, now_us)) != 0) {
        free(l->seen);
        l->seen = NULL;
        return;
    }
    l->seen->kind = kind == MEDIA_VIDEO ? SEENLOG_VIDEO : SEENLOG_AUDIO;
    r->seen_lines++;
}

/** The layer that a line shows. */
static struct seenlog_layer layer_of(const struct member_line *l)
{
    const struct slot *s = l->slot;
    struct seenlog_layer layer = {.state = (uint8_t)l->shown_told};
    int8_t spatial, temporal;
    unsigned width, height;
    if (s->kind != MEDIA_VIDEO)
        return (struct seenlog_layer){0};
    slot_layers(s, &spatial, &temporal);
    slot_size(s, &width, &height);
    layer.encoding = s->encoding ? s->encoding->index : 0;
    layer.spatial = spatial > 0 ? (uint8_t)spatial : 0;
    layer.temporal = temporal > 0 ? (uint8_t)temporal : 0;
    layer.width = (uint16_t)width;
    layer.height = (uint16_t)height;
    return layer;
}

/* Seconds */

static bool is_told(const struct member_line *l)
{
    return l->member->seen->told;
}

/** Seconds that are settled, or with `all` those up to now; false: there is no room for them. */
static bool take(struct member_line *l, uint64_t unix_us, bool all)
{
    struct seenlog_second second;
    uint32_t at;
    while (l->seen->now.writer.len + SEENLOG_SECOND_BYTES <= SEENLOG_BUFFER_BYTES) {
        if (!viewing_take(l->seen->viewing, unix_us, all, is_told(l), &at, &second))
            return true;
        (void)seenlog_put(&l->seen->now.writer, at, &second);
    }
    return false;
}

/** The slot shows another track since: what was shown before is closed, and handed over soon. A change
 *  that follows another before that takes its place. */
static void follow_track(struct member_line *l, uint64_t now_us)
{
    const struct track *t = l->slot ? l->slot->track : NULL;
    struct seen_line *s = l->seen;
    uint64_t unix_us = hub_unix_us(l->member->hub, now_us);
    if (s->track == (t ? t->id : 0))
        return;
    if (s->track) {
        (void)take(l, unix_us, true);
        s->before = s->now;
        l->member->room->seen_at_us = now_us;
    }
    s->track = t ? t->id : 0;
    s->now.writer = (struct seenlog_writer){0};
    (void)str_copy(s->now.publisher, sizeof s->now.publisher, t ? t->identity : "");
    viewing_restart(s->viewing, unix_us);
}

/* Packets and reports */

void seen_sent(struct member_line *l, const struct relay_packet *out, const uint8_t *number,
               unsigned redundancy)
{
    struct member *m = l->member;
    uint64_t unix_us = hub_unix_us(m->hub, out->now_us);
    const struct tape_packet *from = out->from;
    const struct viewing_packet packet = {.seq = out->seq,
                                          .timestamp = out->timestamp,
                                          .numbered = number != NULL,
                                          .again = out->retransmission,
                                          .empty = out->empty,
                                          .starts = from->flags & TAPE_FRAME_START,
                                          .ends = out->marker,
                                          .key = from->flags & TAPE_KEY_FRAME,
                                          .reference = !(from->flags & TAPE_NON_REFERENCE),
                                          .temporal = from->temporal_id,
                                          .redundancy = (uint8_t)redundancy};
    follow_track(l, out->now_us);
    if (packet.starts && l->slot->kind == MEDIA_VIDEO) {
        struct seenlog_layer layer = layer_of(l);
        viewing_layer(l->seen->viewing, &layer);
    }
    viewing_sent(l->seen->viewing, unix_us, &packet);
    if (!number)
        return;
    uint16_t n = get_u16(number);
    m->seen->numbers[n % NUMBERS] = (struct seen_number){.number = n,
                                                         .seq = out->seq,
                                                         .line = (uint16_t)l->index,
                                                         .there = true,
                                                         .sent_ms = (uint32_t)(unix_us / 1000)};
}

static struct seen_number *find(struct seen_path *p, uint16_t number)
{
    struct seen_number *n = &p->numbers[number % NUMBERS];
    return n->there && n->number == number ? n : NULL;
}

static struct viewing *viewing_of(const struct member *m, const struct seen_number *n)
{
    const struct member_line *l = n && n->line < m->line_count ? m->lines[n->line] : NULL;
    return l && is_on(l) ? l->seen->viewing : NULL;
}

/** The least of what lies between an arrival and its report is taken for the clocks' difference. */
static void follow_clock(struct seen_path *p, uint64_t unix_us, const struct twcc_arrival *arrivals,
                         size_t count)
{
    size_t last = count;
    for (size_t i = 0; i < count; i++)
        if (arrivals[i].received && (last == count || arrivals[i].at_us > arrivals[last].at_us))
            last = i;
    if (last == count)
        return;
    int64_t offset_us = (int64_t)unix_us - arrivals[last].at_us;
    int64_t more_us = offset_us - p->offset_us;
    if (!p->has_offset || more_us > OFFSET_JUMP_US || more_us < OFFSET_DRIFT_US)
        p->offset_us = offset_us;
    else
        p->offset_us += OFFSET_DRIFT_US;
    p->has_offset = true;
}

/** Numbers before those told of now that no report has told of: it was lost, and says nothing of them. */
static void presume(struct member *m, const struct twcc_arrival *arrivals, size_t count)
{
    struct seen_path *p = m->seen;
    const struct seen_number *first = NULL;
    int64_t first_us = 0;
    uint16_t untold = (uint16_t)(arrivals[0].seq - p->next);
    for (size_t i = 0; i < count && !first; i++) {
        first = arrivals[i].received ? find(p, arrivals[i].seq) : NULL;
        first_us = arrivals[i].at_us + p->offset_us;
    }
    if (!first || untold >= NUMBERS / 2)
        return;
    for (uint16_t number = p->next; number != arrivals[0].seq; number++) {
        const struct seen_number *n = find(p, number);
        struct viewing *v = viewing_of(m, n);
        uint32_t before_ms = v ? first->sent_ms - n->sent_ms : UINT32_MAX;
        if (before_ms < UNTOLD_MS)
            viewing_presumed(v, (uint64_t)(first_us - (int64_t)before_ms * 1000), n->seq);
    }
}

void seen_feedback(struct member *m, uint64_t now_us, const struct twcc_arrival *arrivals,
                   size_t count)
{
    struct seen_path *p = m->seen;
    if (!p || count == 0)
        return;
    follow_clock(p, hub_unix_us(m->hub, now_us), arrivals, count);
    if (p->told && seq_diff(arrivals[0].seq, p->next) > 0)
        presume(m, arrivals, count);
    for (size_t i = 0; i < count; i++) {
        const struct seen_number *n = arrivals[i].received ? find(p, arrivals[i].seq) : NULL;
        struct viewing *v = viewing_of(m, n);
        if (v)
            viewing_arrived(v, (uint64_t)(arrivals[i].at_us + p->offset_us), n->seq);
    }
    uint16_t next = (uint16_t)(arrivals[count - 1].seq + 1);
    if (!p->told || seq_diff(next, p->next) > 0)
        p->next = next;
    p->told = true;
}

void seen_nacked(struct member_line *l, uint64_t now_us, const uint16_t *seqs, size_t count)
{
    uint64_t unix_us = hub_unix_us(l->member->hub, now_us);
    for (size_t i = 0; is_on(l) && i < count; i++)
        viewing_nacked(l->seen->viewing, unix_us, l->member->rtt_us, seqs[i]);
}

/* Handing over */

/** What is to be told of the line now. */
static struct seenlog_writer told_now(struct member_line *l, uint64_t unix_us, enum seen_flush how)
{
    if (how == SEEN_ALL)
        (void)take(l, unix_us, true);
    struct seenlog_writer w = l->seen->now.writer;
    struct seenlog_second second;
    uint32_t at;
    for (unsigned i = 0;
         how == SEEN_SO_FAR && viewing_peek(l->seen->viewing, unix_us, i, is_told(l), &at, &second);
         i++)
        (void)seenlog_put(&w, at, &second);
    return w;
}

struct handing_over {
    struct media_seen *seen;
    size_t size;
    struct seenlog_head last; /* appended; none: viewer NULL */
};

static void append(struct handing_over *o, const struct member_line *l, const char *publisher,
                   const struct seenlog_writer *w)
{
    const struct seenlog_head head = {.kind = l->seen->kind,
                                      .viewer = l->member->config.identity,
                                      .publisher = publisher,
                                      .peer = l->member->config.peer,
                                      .number = (uint32_t)l->index};
    size_t len = seenlog_append(o->seen->bytes, o->seen->len, o->size,
                                o->last.viewer ? &o->last : NULL, &head, w);
    if (len != o->seen->len)
        o->last = head;
    o->seen->len = len;
}

static void append_line(struct handing_over *o, struct member_line *l, uint64_t unix_us,
                        enum seen_flush how)
{
    struct seen_line *s = l->seen;
    append(o, l, s->before.publisher, &s->before.writer);
    if (is_on(l)) {
        struct seenlog_writer w = told_now(l, unix_us, how);
        append(o, l, s->now.publisher, &w);
    }
    if (how == SEEN_SO_FAR)
        return;
    s->before.writer = s->now.writer = (struct seenlog_writer){0};
}

/** Of all in the room, or of one member, or one line of it. */
static void hand_over(struct hub_room *r, uint64_t now_us, enum seen_flush how,
                      const struct member *whose, const struct member_line *line)
{
    uint64_t unix_us = hub_unix_us(r->hub, now_us);
    size_t lines = 2 * r->seen_lines;
    struct handing_over o = {.size = 1 + lines * (SEENLOG_HEAD_BYTES + SEENLOG_BUFFER_BYTES)};
    o.seen = lines ? malloc(sizeof *o.seen + o.size) : NULL;
    if (!o.seen)
        return; /* next time, with what there is room for then */
    o.seen->len = seenlog_begin(o.seen->bytes, o.size);
    list_each (m, &r->members, struct member, in_room) {
        for (size_t i = 0; (!whose || m == whose) && i < m->line_count; i++)
            if (m->lines[i]->seen && (!line || m->lines[i] == line))
                append_line(&o, m->lines[i], unix_us, how);
    }
    struct media_event event = {.type = MEDIA_SEEN, .unix_us = unix_us, .seen = o.seen};
    if (o.seen->len > 1)
        hub_tell(r, &event);
    else
        free(o.seen);
}

void seen_flush(struct hub_room *r, uint64_t now_us, enum seen_flush how)
{
    if (how == SEEN_SETTLED)
        r->seen_at_us = now_us + HAND_OVER_US;
    hand_over(r, now_us, how, NULL, NULL);
}

void seen_tick(struct member *m, uint64_t now_us)
{
    struct hub_room *r = m->room;
    uint64_t unix_us = hub_unix_us(m->hub, now_us);
    if (!m->seen)
        return;
    for (size_t i = 0; i < m->line_count; i++) {
        struct member_line *l = m->lines[i];
        if (l->seen)
            follow_track(l, now_us);
        if (!is_on(l))
            continue;
        struct seenlog_layer layer = layer_of(l);
        viewing_layer(l->seen->viewing, &layer);
        if (!take(l, unix_us, false))
            r->seen_at_us = now_us;
    }
    if (r->seen_at_us == 0)
        r->seen_at_us = now_us + HAND_OVER_US;
    if (now_us >= r->seen_at_us)
        seen_flush(r, now_us, SEEN_SETTLED);
}

void seen_member_end(struct member *m, uint64_t now_us)
{
    if (m->seen)
        hand_over(m->room, now_us, SEEN_ALL, m, NULL);
}

void seen_line_end(struct member_line *l, uint64_t now_us)
{
    if (!l->seen)
        return;
    hand_over(l->member->room, now_us, SEEN_ALL, l->member, l);
    l->member->room->seen_lines--;
    viewing_free(l->seen->viewing);
    free(l->seen);
    l->seen = NULL;
}
