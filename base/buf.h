// SPDX-License-Identifier: Apache-2.0
/* Checked cursors over bytes: every parser of outside data reads through a `struct rd`, every
 * serialiser writes through a `struct wr`. Overruns do not trap and do not read: they set `bad`,
 * which the caller checks once at the end. */
#ifndef LOUPE_BASE_BUF_H
#define LOUPE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A reader. It borrows the bytes. After an overrun `bad` is set; further reads give 0. */
struct rd {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

/** A writer into the caller's memory. After an overrun `bad` is set and nothing more is written. */
struct wr {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct rd rd_make(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct rd){.at = p, .end = len ? p + len : p, .bad = false};
}

static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->at);
}

/** The next `n` bytes and a step over them, or NULL (and `bad`). Asking for none may give NULL. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || rd_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    if (n)
        r->at += n;
    return p;
}

static inline void rd_skip(struct rd *r, size_t n)
{
    (void)rd_bytes(r, n);
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 1);
    return p ? p[0] : 0;
}

/** Network byte order, as all the readers and writers below. */
static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 2);
    if (!p)
        return 0;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rd_u24(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 3);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
    uint64_t hi = rd_u32(r);
    return hi << 32 | rd_u32(r);
}

static inline struct wr wr_make(void *data, size_t size)
{
    uint8_t *p = data;
    return (struct wr){.start = p, .at = p, .end = size ? p + size : p, .bad = false};
}

/** Bytes written so far. */
static inline size_t wr_len(const struct wr *w)
{
    return (size_t)(w->at - w->start);
}

/** Room for `n` bytes and a step over it, or NULL (and `bad`). Asking for none may give NULL. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
    if (w->bad || (size_t)(w->end - w->at) < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->at;
    if (n)
        w->at += n;
    return p;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = wr_room(w, 1);
    if (p)
        p[0] = v;
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *p = wr_room(w, 2);
    if (p) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
    }
}

static inline void wr_u24(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_room(w, 3);
    if (p) {
        p[0] = (uint8_t)(v >> 16);
        p[1] = (uint8_t)(v >> 8);
        p[2] = (uint8_t)v;
    }
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_room(w, 4);
    if (p) {
        p[0] = (uint8_t)(v >> 24);
        p[1] = (uint8_t)(v >> 16);
        p[2] = (uint8_t)(v >> 8);
        p[3] = (uint8_t)v;
    }
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
    wr_u32(w, (uint32_t)(v >> 32));
    wr_u32(w, (uint32_t)v);
}

static inline void wr_bytes(struct wr *w, const void *data, size_t len)
{
    uint8_t *p = wr_room(w, len);
    if (p && len)
        memcpy(p, data, len);
}

/** As printf's %llu, where there are too many of them to ask it. */
void wr_decimal(struct wr *w, uint64_t number);
/** printf into the writer. The closing NUL is not part of what was written, but needs room for
 *  itself. What does not fit whole sets `bad`. */
void wr_printf(struct wr *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Put a big-endian 16-bit value at a place already written (a length known only later). */
static inline void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
