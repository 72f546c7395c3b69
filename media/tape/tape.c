// SPDX-License-Identifier: Apache-2.0
/* The tape's index, its slabs and their life. Frames are kept in frames.c. */
#include "media/tape/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/fetch.h"
#include "media/tape/frames.h"

/** A slab with the number of its packets that the index still names. */
struct reel {
    struct reel *next; /* among the spare ones */
    struct slab *slab; /* NULL: a bare one */
    uint32_t live;
    bool shared; /* another tape writes it */
};

struct entry {
    const struct tape_packet *packet; /* NULL: nothing here */
    struct reel *reel;
};

struct tape {
    struct tape_limits limits;
    struct tape_keeping keeping; /* zeroed: none */
    uint32_t size;               /* of the index */
    struct entry *entries;
    struct frames frames;
    struct reel *writing; /* the reel that takes new packets, or the last shared one */
    int64_t head;         /* highest sequence number here; 0: empty */
    int64_t tail;         /* nothing below is here */
    int64_t floor;        /* nothing below is taken any more */
    size_t bytes;
    /* To be used again, so that steady relay takes no memory. */
    struct reel *spare, *newest_spare; /* with their slabs, the oldest first */
    struct reel *bare;
    unsigned spare_count, bare_count;
};

int tape_new(struct tape **ret, const struct tape_limits *limits)
{
    if (limits->packets == 0 || (limits->packets & (limits->packets - 1)))
        return ER_INVALID;
    struct tape *t = calloc(1, sizeof *t);
    if (!t)
        return ER_NOMEM;
    t->limits = *limits;
    t->size = limits->packets;
    t->entries = calloc(t->size, sizeof *t->entries);
    if (!t->entries || frames_init(&t->frames, limits->frames) != 0) {
        tape_free(t);
        return ER_NOMEM;
    }
    *ret = t;
    return 0;
}

static void add_bytes(struct tape *t, size_t bytes)
{
    t->bytes += bytes;
    if (t->keeping.budget)
        t->keeping.budget->bytes += bytes;
}

static void take_bytes(struct tape *t, size_t bytes)
{
    t->bytes -= bytes;
    if (t->keeping.budget)
        t->keeping.budget->bytes -= bytes;
}

static void reel_free(struct tape *t, struct reel *r)
{
    if (r->slab)
        take_bytes(t, r->slab->size);
    slab_release(r->slab);
    free(r);
}

static void keep_spare(struct tape *t, struct reel *r)
{
    if (t->spare)
        t->newest_spare->next = r;
    else
        t->spare = r;
    t->newest_spare = r;
    t->spare_count++;
}

static void keep_bare(struct tape *t, struct reel *r)
{
    take_bytes(t, r->slab->size);
    slab_release(r->slab);
    *r = (struct reel){.next = t->bare};
    t->bare = r;
    t->bare_count++;
}

/** No packet of it is named any more. Its slab may be held by others still: mirrors and the recorder
 *  come a little later. */
static void reel_retire(struct tape *t, struct reel *r)
{
    if (r->shared && t->bare_count < LIMIT_TAPE_SPARES)
        keep_bare(t, r);
    else if (!r->shared && t->spare_count < LIMIT_TAPE_SPARES)
        keep_spare(t, r);
    else
        reel_free(t, r);
}

static struct reel *oldest_spare(struct tape *t)
{
    struct reel *r = t->spare;
    t->spare = r->next;
    t->spare_count--;
    r->next = NULL;
    return r;
}

/** One with a slab that nobody else holds any more, most often the oldest; or NULL. */
static struct reel *spare_take(struct tape *t)
{
    for (unsigned tried = t->spare_count; tried > 0; tried--) {
        struct reel *r = oldest_spare(t);
        if (slab_is_held_once(r->slab)) {
            r->slab->used = 0;
            return r;
        }
        keep_spare(t, r);
    }
    return NULL;
}

static struct reel *bare_take(struct tape *t)
{
    struct reel *r = t->bare;
    if (!r)
        return calloc(1, sizeof *r);
    t->bare = r->next;
    t->bare_count--;
    r->next = NULL;
    return r;
}

static struct reel *reel_new(struct tape *t)
{
    struct reel *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->slab = slab_new(LIMIT_SLAB_BYTES);
    if (!r->slab) {
        free(r);
        return NULL;
    }
    add_bytes(t, r->slab->size);
    return r;
}

static struct entry *entry_at(const struct tape *t, int64_t seq)
{
    return &t->entries[(uint64_t)seq & (t->size - 1)];
}

static void entry_drop(struct tape *t, struct entry *e)
{
    if (!e->packet)
        return;
    struct reel *r = e->reel;
    e->packet = NULL;
    e->reel = NULL;
    if (--r->live == 0 && r != t->writing)
        reel_retire(t, r);
}

/** Forget everything below `seq`. */
static void drop_below(struct tape *t, int64_t seq)
{
    for (; t->tail < seq && t->tail <= t->head; t->tail++)
        entry_drop(t, entry_at(t, t->tail));
    if (t->tail < seq)
        t->tail = seq;
    if (t->floor < seq)
        t->floor = seq;
    frames_drop_below(&t->frames, seq);
}

void tape_free(struct tape *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->entries && i < t->size; i++)
        entry_drop(t, &t->entries[i]);
    if (t->writing)
        reel_free(t, t->writing);
    for (struct reel *r = t->spare, *next; r; r = next) {
        next = r->next;
        reel_free(t, r);
    }
    for (struct reel *r = t->bare, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    frames_clear(&t->frames);
    free(t->entries);
    free(t);
}

/** The reel that is written from now on; the one before it lives on while its packets do. */
static struct reel *reel_begin(struct tape *t, struct reel *r)
{
    struct reel *old = t->writing;
    t->writing = r;
    if (old && old->live == 0)
        reel_retire(t, old);
    return r;
}

/** No more slabs may be taken; the oldest has to go for a new one. */
static bool is_full(const struct tape *t)
{
    const struct tape_keeping *k = &t->keeping;
    return (k->bytes && t->bytes + LIMIT_SLAB_BYTES > k->bytes) ||
           (k->budget && k->budget->bytes + LIMIT_SLAB_BYTES > k->budget->limit);
}

/** Forgets the oldest of what is kept, up to what any tape has, until there is a slab to write again. */
static void make_room(struct tape *t)
{
    enum { AT_ONCE = 16 };
    int64_t stop = t->head - t->limits.packets - AT_ONCE;
    while (is_full(t) && t->tail < stop && !t->spare)
        drop_below(t, t->tail + AT_ONCE);
}

/** A reel with room for `need` bytes. */
static struct reel *reel_for(struct tape *t, uint32_t need)
{
    struct reel *old = t->writing;
    if (old && !old->shared && old->slab->size - old->slab->used >= need)
        return old;
    make_room(t);
    struct reel *r = spare_take(t);
    if (!r)
        r = reel_new(t);
    return r ? reel_begin(t, r) : NULL;
}

static struct reel *reel_for_shared(struct tape *t, struct slab *slab)
{
    if (t->writing && t->writing->slab == slab)
        return t->writing;
    struct reel *r = bare_take(t);
    if (!r)
        return NULL;
    slab_hold(slab);
    r->slab = slab;
    r->shared = true;
    add_bytes(t, slab->size);
    return reel_begin(t, r);
}

static const struct tape_packet *write_packet(struct reel *r, const struct tape_input *in,
                                              uint32_t need)
{
    struct slab *s = r->slab;
    struct tape_packet *p = (struct tape_packet *)(void *)(s->bytes + s->used);
    *p = *in->head;
    if (in->head->payload_len)
        memcpy(p->payload, in->payload, in->head->payload_len);
    if (in->head->descriptor_len)
        memcpy(p->payload + p->payload_len, in->descriptor, p->descriptor_len);
    s->used += need;
    return p;
}

/** The index at another size, which holds all that is here. */
static bool resize(struct tape *t, uint32_t size)
{
    struct entry *entries = calloc(size, sizeof *entries);
    if (!entries)
        return false;
    for (int64_t seq = t->tail; t->head && seq <= t->head; seq++)
        entries[(uint64_t)seq & (size - 1)] = *entry_at(t, seq);
    free(t->entries);
    t->entries = entries;
    t->size = size;
    return true;
}

/** Make the index ready for `seq`: 0 or ER_STALE. */
static int make_place(struct tape *t, int64_t seq)
{
    uint32_t far = t->keeping.packets / 8 > t->limits.packets ? t->keeping.packets / 8
                                                              : t->limits.packets;
    bool leap = t->head && seq - t->head >= far;
    while (t->head && !leap && seq - t->tail >= t->size && t->size < t->keeping.packets)
        if (!resize(t, t->size * 2))
            break;
    int64_t size = t->size;
    if (t->head == 0) {
        if (seq < t->floor)
            return ER_STALE;
        t->head = t->tail = seq;
        if (t->floor < seq - size + 1)
            t->floor = seq - size + 1;
        return 0;
    }
    if (seq < t->floor || seq <= t->head - size)
        return ER_STALE;
    if (seq <= t->head)
        return entry_at(t, seq)->packet ? ER_STALE : 0;
    drop_below(t, leap && far < size ? seq - far + 1 : seq - size + 1);
    t->head = seq;
    return 0;
}

/** The index names `p`, which lies in the reel `r`. */
static void place(struct tape *t, struct reel *r, const struct tape_packet *p)
{
    r->live++;
    *entry_at(t, p->seq) = (struct entry){.packet = p, .reel = r};
    if (p->seq < t->tail)
        t->tail = p->seq;
    if (p->payload_len > 0) /* padding belongs to no picture */
        frames_add(&t->frames, p);
}

int tape_append(struct tape *t, const struct tape_input *in, const struct tape_packet **ret_packet)
{
    int64_t seq = in->head->seq;
    uint32_t need = (uint32_t)((sizeof(struct tape_packet) + in->head->payload_len +
                                in->head->descriptor_len + 7u) &
                               ~(size_t)7u);
    if (seq <= 0 || in->head->payload_len > LIMIT_RTP_PACKET)
        return ER_INVALID;
    struct reel *r = reel_for(t, need);
    if (!r)
        return ER_NOMEM;
    int er = make_place(t, seq);
    if (er != 0)
        return er;
    const struct tape_packet *p = write_packet(r, in, need);
    place(t, r, p);
    *ret_packet = p;
    return 0;
}

int tape_append_shared(struct tape *t, struct slab *slab, const struct tape_packet *packet)
{
    if (packet->seq <= 0)
        return ER_INVALID;
    struct reel *r = reel_for_shared(t, slab);
    if (!r)
        return ER_NOMEM;
    int er = make_place(t, packet->seq);
    if (er == 0)
        place(t, r, packet);
    return er;
}

void tape_trim(struct tape *t, uint64_t now_us)
{
    uint64_t keep_us = t->limits.keep_us;
    if (t->keeping.keep_us > keep_us)
        keep_us = t->keeping.keep_us;
    if (t->head == 0 || now_us < keep_us)
        return;
    const struct tape_frame *key = tape_last_key(t);
    uint32_t longest = t->limits.gop_packets;
    if (key && longest && t->head - key->first_seq >= longest)
        key = NULL; /* of no use to a joiner any more */
    int64_t keep_from = key ? key->first_seq : t->head + 1;
    int64_t seq = t->tail;
    for (; seq < keep_from && seq <= t->head; seq++) {
        const struct tape_packet *p = entry_at(t, seq)->packet;
        if (p && p->arrival_us > now_us - keep_us)
            break;
    }
    if (seq > t->tail)
        drop_below(t, seq);
    if (t->tail > t->head)
        t->head = t->tail = 0;
}

void tape_keep(struct tape *t, const struct tape_keeping *keeping, uint64_t now_us)
{
    if (t->keeping.budget)
        t->keeping.budget->bytes -= t->bytes;
    t->keeping = keeping ? *keeping : (struct tape_keeping){0};
    if (t->keeping.budget)
        t->keeping.budget->bytes += t->bytes;
    if (keeping)
        return;
    if (t->head - t->tail >= t->limits.packets)
        drop_below(t, t->head - t->limits.packets + 1);
    tape_trim(t, now_us);
    if (t->size > t->limits.packets)
        (void)resize(t, t->limits.packets);
    while (t->spare)
        reel_free(t, oldest_spare(t));
}

const struct tape_packet *tape_find(const struct tape *t, int64_t seq)
{
    if (seq < t->tail || seq > t->head || t->head == 0)
        return NULL;
    return entry_at(t, seq)->packet;
}

const struct tape_packet *tape_find_hold(const struct tape *t, int64_t seq, struct slab **ret_slab)
{
    const struct tape_packet *p = tape_find(t, seq);
    if (p) {
        *ret_slab = entry_at(t, seq)->reel->slab;
        slab_hold(*ret_slab);
    }
    return p;
}

int64_t tape_head(const struct tape *t)
{
    return t->head;
}

int64_t tape_tail(const struct tape *t)
{
    return t->head == 0 ? 0 : t->tail;
}

const struct tape_frame *tape_last_key(const struct tape *t)
{
    return frames_last_key(&t->frames);
}

const struct tape_frame *tape_find_frame(const struct tape *t, int64_t timestamp)
{
    return frames_find(&t->frames, timestamp);
}

size_t tape_bytes(const struct tape *t)
{
    return t->bytes + t->size * sizeof *t->entries + t->limits.frames * sizeof(struct tape_frame);
}

void tape_fetch(const struct tape *t, unsigned step)
{
    if (step == 0) {
        fetch(t, sizeof *t);
        return;
    }
    fetch(entry_at(t, t->head + 1), sizeof *t->entries);
    fetch(t->writing, sizeof *t->writing);
}
