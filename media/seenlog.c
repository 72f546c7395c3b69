// SPDX-License-Identifier: Apache-2.0
/* The compact form of what viewers were shown. */
#include "media/seenlog.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"

#define OP_STEP 0x80u
#define OP_FIELDS 0xc0u
#define RUN_MOST 0x7fu
#define STEP_LOW (-4)
#define STEP_HIGH 3
#define VARINT_BYTES 10

enum field { FIELD_RATES = 1, FIELD_FROZEN = 2, FIELD_LOST = 4, FIELD_LAYER = 8, FIELDS = 15 };

/* Numbers */

static void put_varint(struct wr *w, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        wr_u8(w, (uint8_t)(v | 0x80));
    wr_u8(w, (uint8_t)v);
}

/** Sets `bad` for one that is too large, or longer than need be. */
static uint64_t get_varint(struct rd *r, uint64_t most)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        uint8_t byte = rd_u8(r);
        uint64_t bits = byte & 0x7fu;
        if (i == VARINT_BYTES - 1 && bits > 1)
            break;
        v |= bits << (7 * i);
        if (byte & 0x80u)
            continue;
        if (r->bad || (i > 0 && byte == 0) || v > most)
            break;
        return v;
    }
    r->bad = true;
    return 0;
}

static void put_maybe(struct wr *w, uint16_t v)
{
    put_varint(w, v == SEENLOG_UNKNOWN ? 0 : v + 1u);
}

static uint16_t get_maybe(struct rd *r, uint16_t most)
{
    uint64_t v = get_varint(r, most + 1u);
    return v == 0 ? SEENLOG_UNKNOWN : (uint16_t)(v - 1);
}

/* Writing */

static bool same_layer(const struct seenlog_layer *a, const struct seenlog_layer *b)
{
    return a->state == b->state && a->encoding == b->encoding && a->spatial == b->spatial &&
           a->temporal == b->temporal && a->width == b->width && a->height == b->height;
}

static unsigned fields_changed(const struct seenlog_second *a, const struct seenlog_second *b)
{
    return (a->sent != b->sent || a->arrived != b->arrived ? FIELD_RATES : 0u) |
           (a->frozen_ms != b->frozen_ms ? FIELD_FROZEN : 0u) |
           (a->lost != b->lost ? FIELD_LOST : 0u) |
           (same_layer(&a->layer, &b->layer) ? 0u : FIELD_LAYER);
}

static bool is_step(uint16_t before, uint16_t now)
{
    int step = now - before;
    return step >= STEP_LOW && step <= STEP_HIGH && now != SEENLOG_UNKNOWN &&
           before != SEENLOG_UNKNOWN;
}

static void put_fields(struct wr *w, unsigned fields, const struct seenlog_second *s)
{
    wr_u8(w, (uint8_t)(OP_FIELDS | fields));
    if (fields & FIELD_RATES) {
        put_varint(w, s->sent);
        put_maybe(w, s->arrived);
    }
    if (fields & FIELD_FROZEN)
        put_maybe(w, s->frozen_ms);
    if (fields & FIELD_LOST)
        put_maybe(w, s->lost);
    if (!(fields & FIELD_LAYER))
        return;
    wr_u8(w, s->layer.state);
    wr_u8(w, s->layer.encoding);
    wr_u8(w, s->layer.spatial);
    wr_u8(w, s->layer.temporal);
    put_varint(w, s->layer.width);
    put_varint(w, s->layer.height);
}

bool seenlog_put(struct seenlog_writer *w, uint32_t at, const struct seenlog_second *s)
{
    unsigned fields = fields_changed(&w->last, s);
    struct wr out = wr_make(w->bytes + w->len, sizeof w->bytes - w->len);
    if (sizeof w->bytes - w->len < SEENLOG_SECOND_BYTES || w->count == SEENLOG_LINE_SECONDS)
        return false;
    if (w->count++ == 0)
        w->first = at;
    if (fields == 0 && w->runs && w->bytes[w->len - 1] < RUN_MOST) {
        w->bytes[w->len - 1]++;
        return true;
    }
    if (fields == 0)
        wr_u8(&out, 0);
    else if (fields == FIELD_RATES && is_step(w->last.sent, s->sent) &&
             is_step(w->last.arrived, s->arrived))
        wr_u8(&out, (uint8_t)(OP_STEP | (unsigned)(s->sent - w->last.sent - STEP_LOW) << 3 |
                              (unsigned)(s->arrived - w->last.arrived - STEP_LOW)));
    else
        put_fields(&out, fields, s);
    w->runs = fields == 0;
    w->last = *s;
    w->len = (uint16_t)(w->len + wr_len(&out));
    return true;
}

size_t seenlog_begin(uint8_t *ret, size_t size)
{
    if (size == 0)
        return 0;
    ret[0] = SEENLOG_VERSION;
    return 1;
}

static void put_text(struct wr *w, const char *before, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > LIMIT_IDENTITY)
        w->bad = true;
    if (before && strcmp(before, text) == 0)
        len = 0;
    wr_u8(w, (uint8_t)len);
    wr_bytes(w, text, len);
}

size_t seenlog_append(uint8_t *log, size_t len, size_t size, const struct seenlog_head *before,
                      const struct seenlog_head *head, const struct seenlog_writer *w)
{
    struct wr out = wr_make(log + len, size - len);
    if (w->count == 0)
        return len;
    wr_u8(&out, (uint8_t)head->kind);
    put_text(&out, before ? before->viewer : NULL, head->viewer);
    put_text(&out, before ? before->publisher : NULL, head->publisher);
    put_varint(&out, head->peer);
    put_varint(&out, head->number);
    put_varint(&out, w->first);
    put_varint(&out, w->len);
    wr_bytes(&out, w->bytes, w->len);
    return out.bad ? len : len + wr_len(&out);
}

/* Reading */

struct seenlog_reader seenlog_read(const void *log, size_t len)
{
    const uint8_t *at = log;
    return (struct seenlog_reader){.at = at, .end = len ? at + len : at};
}

static int malformed(struct seenlog_reader *r)
{
    r->at = r->end;
    r->line_end = NULL;
    r->begun = true;
    return ER_MALFORMED;
}

static void get_text(struct rd *r, char ret[LIMIT_IDENTITY + 1])
{
    uint8_t len = rd_u8(r);
    const uint8_t *bytes = len > LIMIT_IDENTITY ? NULL : rd_bytes(r, len);
    if (len == 0 && ret[0])
        return;
    if (!bytes || len == 0 || memchr(bytes, 0, len)) {
        r->bad = true;
        return;
    }
    memcpy(ret, bytes, len);
    ret[len] = '\0';
}

int seenlog_next_line(struct seenlog_reader *r)
{
    if (!r->begun && r->at < r->end && *r->at++ != SEENLOG_VERSION)
        return malformed(r);
    r->begun = true;
    if (r->line_end)
        r->at = r->line_end;
    r->line_end = NULL;
    if (r->at == r->end)
        return ER_NOT_FOUND;
    struct rd in = rd_make(r->at, (size_t)(r->end - r->at));
    uint8_t kind = rd_u8(&in);
    get_text(&in, r->line.viewer);
    get_text(&in, r->line.publisher);
    r->line.peer = get_varint(&in, UINT64_MAX);
    r->line.number = (uint32_t)get_varint(&in, UINT32_MAX);
    r->line.first = (uint32_t)get_varint(&in, UINT32_MAX - SEENLOG_LINE_SECONDS);
    size_t len = (size_t)get_varint(&in, UINT32_MAX);
    if (in.bad || kind >= SEENLOG_KINDS || len == 0 || len > rd_left(&in))
        return malformed(r);
    r->line.kind = (enum seenlog_kind)kind;
    r->at = in.at;
    r->line_end = in.at + len;
    r->last = (struct seenlog_second){0};
    r->run = r->read = 0;
    return 0;
}

static void get_layer(struct rd *in, struct seenlog_layer *ret)
{
    ret->state = rd_u8(in);
    ret->encoding = rd_u8(in);
    ret->spatial = rd_u8(in);
    ret->temporal = rd_u8(in);
    ret->width = (uint16_t)get_varint(in, UINT16_MAX);
    ret->height = (uint16_t)get_varint(in, UINT16_MAX);
    if (ret->state >= SEENLOG_STATES || ret->encoding > INT8_MAX || ret->spatial > INT8_MAX ||
        ret->temporal > INT8_MAX)
        in->bad = true;
}

/** One that may be changed so far, and no further. */
static uint16_t stepped(struct rd *in, uint16_t before, unsigned code)
{
    int now = before + (int)code + STEP_LOW;
    if (before == SEENLOG_UNKNOWN || now < 0 || now >= SEENLOG_UNKNOWN)
        in->bad = true;
    return (uint16_t)now;
}

static void get_operation(struct rd *in, struct seenlog_reader *r)
{
    struct seenlog_second *s = &r->last;
    uint8_t op = rd_u8(in);
    if (op < OP_STEP) {
        r->run = op;
    } else if (op < OP_FIELDS) {
        s->sent = stepped(in, s->sent, op >> 3 & 7u);
        s->arrived = stepped(in, s->arrived, op & 7u);
    } else if (op == OP_FIELDS || (op & ~OP_FIELDS) > FIELDS) {
        in->bad = true;
    } else {
        if (op & FIELD_RATES) {
            s->sent = (uint16_t)get_varint(in, UINT16_MAX - 1);
            s->arrived = get_maybe(in, UINT16_MAX - 1);
        }
        if (op & FIELD_FROZEN)
            s->frozen_ms = get_maybe(in, SEENLOG_FROZEN_MOST);
        if (op & FIELD_LOST)
            s->lost = get_maybe(in, UINT16_MAX - 1);
        if (op & FIELD_LAYER)
            get_layer(in, &s->layer);
    }
}

int seenlog_next(struct seenlog_reader *r, struct seenlog_second *ret)
{
    if (!r->line_end || (r->run == 0 && r->at == r->line_end))
        return ER_NOT_FOUND;
    if (r->read++ == SEENLOG_LINE_SECONDS)
        return malformed(r);
    if (r->run > 0) {
        r->run--;
    } else {
        struct rd in = rd_make(r->at, (size_t)(r->line_end - r->at));
        get_operation(&in, r);
        if (in.bad)
            return malformed(r);
        r->at = in.at;
    }
    *ret = r->last;
    return 0;
}
