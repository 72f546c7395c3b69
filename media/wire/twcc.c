// SPDX-License-Identifier: Apache-2.0
/* Transport-wide feedback: arrivals noted per packet, written as run-length and status-vector
 * chunks, whichever covers more, and parsed back. */
#include "media/wire/twcc.h"

#include <string.h>

#include "base/er.h"

/* With what surrounds it (an RR, SRTCP's trailer) the feedback stays within 1200 bytes. */
enum { FEEDBACK_BYTES_MAX = 1120, HEADER_BYTES = 20 };
enum { TICK_US = 250, REFERENCE_TICKS = 256 /* 64 ms */ };
enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE, SYMBOL_RESERVED };
enum { RUN_MAX = 8191, VECTOR_1BIT = 14, VECTOR_2BIT = 7 };
enum { CHUNK_VECTOR = 0x8000, CHUNK_2BIT = 0x4000 };

static size_t slot_of(int64_t number)
{
    return (size_t)number % TWCC_WINDOW;
}

void twcc_record(struct twcc_recorder *r, uint16_t transport_seq, uint64_t now_us)
{
    int64_t number = seq_extend(&r->extender, transport_seq);
    uint64_t *slot = &r->arrival_us[slot_of(number)];
    if (number >= r->end) {
        /* The numbers stepped over take slots of a window ago: empty them. */
        int64_t from = r->end;
        if (from < number - TWCC_WINDOW)
            from = number - TWCC_WINDOW;
        for (; from < number; from++)
            r->arrival_us[slot_of(from)] = 0;
        r->end = number + 1;
        *slot = 0;
        if (r->next != 0 && r->next < r->end - TWCC_WINDOW)
            r->next = r->end - TWCC_WINDOW;
    } else if (number < r->next || number < r->end - TWCC_WINDOW) {
        return;
    }
    if (*slot == 0)
        *slot = now_us ? now_us : 1;
    r->heard_us = now_us;
}

void twcc_skip_outage(struct twcc_recorder *r, uint16_t transport_seq, uint64_t now_us)
{
    struct seq_extender extender = r->extender;
    int64_t number = seq_extend(&extender, transport_seq);
    bool reported = r->next != 0 && r->next == r->end;
    if (reported && number > r->end && now_us - r->heard_us >= TWCC_OUTAGE_US)
        r->next = number;
}

void twcc_count(const struct twcc_recorder *r, size_t *ret_expected, size_t *ret_lost)
{
    *ret_expected = *ret_lost = 0;
    if (r->next == 0)
        return;
    for (int64_t number = r->next; number < r->end; number++) {
        ++*ret_expected;
        *ret_lost += r->arrival_us[slot_of(number)] == 0;
    }
}

bool twcc_pending(const struct twcc_recorder *r)
{
    /* The number before `end` has always arrived. */
    return r->next < r->end;
}

/** What one feedback packet will say. */
struct plan {
    int64_t base;       /* number of the first status */
    size_t count;       /* statuses; the last one has arrived */
    uint32_t reference; /* 64 ms */
    uint8_t symbols[TWCC_WINDOW];
    int16_t deltas[TWCC_WINDOW];
};

/** First number to report: behind the last report, or the first arrival before any report or behind
 *  what is passed over. */
static int64_t plan_base(const struct twcc_recorder *r)
{
    if (r->next != 0 && !r->arrived_only)
        return r->next;
    int64_t number = r->next;
    if (number == 0)
        number = r->end > TWCC_WINDOW ? r->end - TWCC_WINDOW : 0;
    while (r->arrival_us[slot_of(number)] == 0)
        number++;
    return number;
}

/** Take in as many statuses as surely fit `room` bytes and can be told from one reference. */
static void plan_make(const struct twcc_recorder *r, size_t room, struct plan *p)
{
    uint64_t last = 0;
    size_t delta_bytes = 0;
    p->base = plan_base(r);
    p->count = 0;
    for (size_t i = 0; p->base + (int64_t)i < r->end; i++) {
        p->symbols[i] = SYMBOL_LOST;
        uint64_t arrival_us = r->arrival_us[slot_of(p->base + (int64_t)i)];
        if (arrival_us == 0 && r->arrived_only)
            return;
        if (arrival_us == 0)
            continue;
        uint64_t ticks = arrival_us / TICK_US;
        if (p->count == 0) {
            p->reference = (uint32_t)(ticks / REFERENCE_TICKS);
            last = ticks - ticks % REFERENCE_TICKS;
        }
        int64_t delta = (int64_t)(ticks - last);
        if (delta < INT16_MIN || delta > INT16_MAX)
            return;
        bool small = delta >= 0 && delta <= UINT8_MAX;
        delta_bytes += small ? 1 : 2;
        /* A chunk covers seven statuses or more, the last one what is left. */
        size_t chunk_bytes = 2 * ((i + VECTOR_2BIT) / VECTOR_2BIT);
        if (((HEADER_BYTES + chunk_bytes + delta_bytes + 3) & ~(size_t)3) > room)
            return;
        p->symbols[i] = small ? SYMBOL_SMALL : SYMBOL_LARGE;
        p->deltas[i] = (int16_t)delta;
        p->count = i + 1;
        last = ticks;
    }
}

static uint16_t vector_chunk(const uint8_t *symbols, size_t count, bool two_bit)
{
    unsigned chunk = two_bit ? CHUNK_VECTOR | CHUNK_2BIT : CHUNK_VECTOR;
    unsigned width = two_bit ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        chunk |= (unsigned)symbols[i] << (14 - width * (i + 1));
    return (uint16_t)chunk;
}

static void write_chunks(struct wr *w, const uint8_t *symbols, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t left = count - i;
        size_t run = 1;
        while (run < left && run < RUN_MAX && symbols[i + run] == symbols[i])
            run++;
        /* How far a vector of single bits reaches; it needs 14 of them, or the end. */
        size_t reach = left < VECTOR_1BIT ? left : VECTOR_1BIT;
        size_t bits = 0;
        while (bits < reach && symbols[i + bits] != SYMBOL_LARGE)
            bits++;
        bool two_bit = bits < reach;
        if (two_bit)
            reach = left < VECTOR_2BIT ? left : VECTOR_2BIT;
        if (run >= reach) {
            wr_u16(w, (uint16_t)((unsigned)symbols[i] << 13 | run));
            i += run;
        } else {
            wr_u16(w, vector_chunk(symbols + i, reach, two_bit));
            i += reach;
        }
    }
}

void twcc_write(struct twcc_recorder *r, struct wr *w, uint32_t sender, uint32_t media)
{
    struct plan p;
    if (!twcc_pending(r) || w->bad)
        return;
    size_t room = (size_t)(w->end - w->at);
    plan_make(r, room < FEEDBACK_BYTES_MAX ? room : FEEDBACK_BYTES_MAX, &p);
    if (p.count == 0) {
        w->bad = true;
        return;
    }
    uint8_t *header = w->at;
    wr_u8(w, 2 << 6 | RTCP_RTPFB_TWCC);
    wr_u8(w, RTCP_RTPFB);
    wr_u16(w, 0);
    wr_u32(w, sender);
    wr_u32(w, media);
    wr_u16(w, (uint16_t)p.base);
    wr_u16(w, (uint16_t)p.count);
    wr_u24(w, p.reference & 0xffffff);
    wr_u8(w, r->feedback_count++);
    write_chunks(w, p.symbols, p.count);
    for (size_t i = 0; i < p.count; i++) {
        if (p.symbols[i] == SYMBOL_SMALL)
            wr_u8(w, (uint8_t)p.deltas[i]);
        else if (p.symbols[i] == SYMBOL_LARGE)
            wr_u16(w, (uint16_t)p.deltas[i]);
    }
    size_t padding = -(size_t)(w->at - header) & 3;
    for (size_t i = padding; i > 0; i--)
        wr_u8(w, i == 1 ? (uint8_t)padding : 0);
    if (w->bad)
        return;
    if (padding)
        header[0] |= 0x20;
    put_u16(header + 2, (uint16_t)((w->at - header) / 4 - 1));
    r->next = p.base + (int64_t)p.count;
}

/** One status chunk taken apart: a symbol repeated, or up to 14 of them. */
struct chunk {
    size_t count;
    bool run;
    uint16_t bits;
};

static struct chunk chunk_read(struct rd *r, size_t left)
{
    uint16_t bits = rd_u16(r);
    struct chunk c = {.bits = bits, .run = !(bits & CHUNK_VECTOR)};
    if (c.run)
        c.count = bits & RUN_MAX;
    else
        c.count = bits & CHUNK_2BIT ? VECTOR_2BIT : VECTOR_1BIT;
    if (c.count > left)
        c.count = left;
    return c;
}

static unsigned chunk_symbol(const struct chunk *c, size_t i)
{
    if (c->run)
        return c->bits >> 13 & 3;
    if (c->bits & CHUNK_2BIT)
        return c->bits >> (12 - 2 * i) & 3;
    return c->bits >> (13 - i) & 1;
}

/** Walk over the chunks of `count` statuses: `r` then stands at the deltas. */
static int skip_chunks(struct rd *r, size_t count)
{
    while (count && !r->bad)
        count -= chunk_read(r, count).count;
    return r->bad ? ER_MALFORMED : 0;
}

int twcc_parse(const struct rtcp_packet *p, int64_t *ret_reference_us, struct twcc_arrival *ret,
               size_t size, size_t *ret_count)
{
    *ret_count = 0;
    if (p->type != RTCP_RTPFB || p->count != RTCP_RTPFB_TWCC || p->body_len < HEADER_BYTES - 4)
        return ER_MALFORMED;
    struct rd chunks = rd_make(p->body, p->body_len);
    rd_skip(&chunks, 8);
    uint16_t base = rd_u16(&chunks);
    size_t count = rd_u16(&chunks);
    int64_t at_us = (int64_t)rd_u24(&chunks) * REFERENCE_TICKS * TICK_US;
    rd_skip(&chunks, 1);
    *ret_reference_us = at_us;

    struct rd deltas = chunks;
    if (count == 0 || skip_chunks(&deltas, count) < 0)
        return ER_MALFORMED;
    for (size_t done = 0; done < count;) {
        struct chunk c = chunk_read(&chunks, count - done);
        for (size_t i = 0; i < c.count; i++, done++) {
            unsigned symbol = chunk_symbol(&c, i);
            if (symbol == SYMBOL_RESERVED)
                return ER_MALFORMED;
            if (symbol == SYMBOL_SMALL)
                at_us += (int64_t)rd_u8(&deltas) * TICK_US;
            else if (symbol == SYMBOL_LARGE)
                at_us += (int64_t)(int16_t)rd_u16(&deltas) * TICK_US;
            if (done < size)
                ret[done] = (struct twcc_arrival){.seq = (uint16_t)(base + done),
                                                  .received = symbol != SYMBOL_LOST,
                                                  .at_us = symbol == SYMBOL_LOST ? 0 : at_us};
        }
    }
    if (deltas.bad)
        return ER_MALFORMED;
    *ret_count = count < size ? count : size;
    return 0;
}
