// SPDX-License-Identifier: Apache-2.0
/* The walk through a JPEG's segments. What is kept is copied, everything else is not. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/limits.h"
#include "media/record/photo.h"
#include "media/record/photo_exif.h"

enum marker {
    SOF0 = 0xc0,
    SOF2 = 0xc2,
    DHT = 0xc4,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP2 = 0xe2,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe,
};

/** For what goes in front of the picture: the start of image and an Exif segment. */
#define HEAD_ROOM (2 + PHOTO_EXIF_BYTES)

struct walk {
    struct rd in;
    struct wr out;
    struct photo *photo;
    struct photo_exif exif;
    bool has_exif;
    bool has_frame;
    unsigned scans;
};

static bool begins(const uint8_t *data, size_t len, const char *name, size_t name_len)
{
    return len >= name_len && memcmp(data, name, name_len) == 0;
}

/* Segments */

static void keep(struct walk *w, uint8_t marker, const uint8_t *data, size_t len)
{
    wr_u8(&w->out, 0xff);
    wr_u8(&w->out, marker);
    wr_u16(&w->out, (uint16_t)(len + 2));
    wr_bytes(&w->out, data, len);
}

/** Of the segments of applications those that say how the samples are to be understood. */
static bool is_needed(uint8_t marker, const uint8_t *data, size_t len)
{
    if (marker == APP0)
        return begins(data, len, "JFIF", 5) && len == 14; /* without a thumbnail */
    if (marker == APP2)
        return begins(data, len, "ICC_PROFILE", 12);
    return marker == APP14 && begins(data, len, "Adobe", 5);
}

static int take_frame_head(struct walk *w, const uint8_t *data, size_t len)
{
    if (len < 9 || w->has_frame)
        return ER_MALFORMED;
    w->photo->height = get_u16(data + 1);
    w->photo->width = get_u16(data + 3);
    w->has_frame = true;
    uint64_t pixels = (uint64_t)w->photo->width * w->photo->height;
    if (data[0] != 8 || (data[5] != 1 && data[5] != 3) || pixels > PHOTO_PIXELS_MAX)
        return ER_UNSUPPORTED;
    return pixels ? 0 : ER_UNSUPPORTED;
}

/** What is coded, up to the next marker that is not part of it. */
static int copy_scan(struct walk *w)
{
    if (++w->scans > LIMIT_PHOTO_SCANS)
        return ER_UNSUPPORTED;
    const uint8_t *from = w->in.at;
    for (const uint8_t *p = from; w->in.end - p >= 2; p++) {
        if (p[0] != 0xff || p[1] == 0 || (p[1] >= RST0 && p[1] <= RST7) || p[1] == 0xff)
            continue;
        wr_bytes(&w->out, from, (size_t)(p - from));
        rd_skip(&w->in, (size_t)(p - from));
        return 0;
    }
    return ER_MALFORMED;
}

static int take_segment(struct walk *w, uint8_t marker, const uint8_t *data, size_t len)
{
    int er = 0;
    switch (marker) {
    case DHT:
    case DQT:
    case DRI:
        break;
    case SOS:
        if (!w->has_frame)
            return ER_MALFORMED;
        keep(w, marker, data, len);
        return copy_scan(w);
    case APP1:
        if (!w->has_exif && begins(data, len, "Exif", 5)) {
            photo_exif_read(data, len, &w->exif);
            w->has_exif = true;
        }
        return 0;
    default:
        if (marker >= SOF0 && marker <= SOF2)
            er = take_frame_head(w, data, len);
        else if (marker > SOF2 && marker <= SOF15)
            return ER_UNSUPPORTED;
        else if (marker == COM ||
                 (marker >= APP0 && marker <= APP15 && !is_needed(marker, data, len)))
            return 0;
        else if (marker < APP0 || marker > APP15)
            return ER_MALFORMED;
    }
    if (er == 0)
        keep(w, marker, data, len);
    return er;
}

/** Behind the start of image. */
static int walk(struct walk *w)
{
    for (;;) {
        if (rd_u8(&w->in) != 0xff || w->in.bad)
            return ER_MALFORMED;
        uint8_t marker;
        do
            marker = rd_u8(&w->in);
        while (marker == 0xff);
        if (w->in.bad)
            return ER_MALFORMED;
        if (marker == EOI)
            return w->scans ? 0 : ER_MALFORMED;
        size_t len = rd_u16(&w->in);
        const uint8_t *data = len >= 2 ? rd_bytes(&w->in, len - 2) : NULL;
        if (!data || w->in.bad)
            return ER_MALFORMED;
        int er = take_segment(w, marker, data, len - 2);
        if (er < 0)
            return er;
    }
}

int photo_strip(const uint8_t *data, size_t len, bool keep_place, struct photo *ret,
                uint8_t **ret_jpeg, size_t *ret_len)
{
    *ret = (struct photo){0};
    if (len < 4 || data[0] != 0xff || data[1] != SOI)
        return ER_UNSUPPORTED;
    uint8_t *jpeg = malloc(len + HEAD_ROOM);
    if (!jpeg)
        return ER_NOMEM;
    struct walk w = {.in = rd_make(data + 2, len - 2), .photo = ret, .exif = {.orientation = 1}};
    uint8_t *body = jpeg + HEAD_ROOM; /* in front of it goes what the walk has to find first */
    w.out = wr_make(body, len);
    int er = walk(&w);
    if (er == 0 && w.out.bad)
        er = ER_MALFORMED;
    if (er < 0) {
        free(jpeg);
        return er;
    }
    if (!keep_place)
        w.exif.place = (struct photo_place){0};
    ret->orientation = w.exif.orientation;
    ret->place = w.exif.place;
    struct wr out = wr_make(jpeg, len + HEAD_ROOM);
    wr_u8(&out, 0xff);
    wr_u8(&out, SOI);
    photo_exif_write(&out, &w.exif);
    size_t head = wr_len(&out), body_len = wr_len(&w.out);
    memmove(jpeg + head, body, body_len);
    jpeg[head + body_len] = 0xff;
    jpeg[head + body_len + 1] = EOI;
    *ret_jpeg = jpeg;
    *ret_len = head + body_len + 2;
    return 0;
}

int photo_orient(const uint8_t *jpeg, size_t len, unsigned orientation, uint8_t **ret,
                 size_t *ret_len)
{
    if (len < 2)
        return ER_MALFORMED;
    uint8_t *out = malloc(len + HEAD_ROOM);
    if (!out)
        return ER_NOMEM;
    struct wr w = wr_make(out, len + HEAD_ROOM);
    wr_bytes(&w, jpeg, 2);
    photo_exif_write(&w, &(struct photo_exif){.orientation = orientation});
    wr_bytes(&w, jpeg + 2, len - 2);
    *ret = out;
    *ret_len = wr_len(&w);
    return 0;
}
