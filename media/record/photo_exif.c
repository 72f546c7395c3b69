// SPDX-License-Identifier: Apache-2.0
/* Exif is a TIFF (6.0, section 2) within a JPEG: directories of entries, in either byte order. */
#include "media/record/photo_exif.h"

#include <math.h>
#include <string.h>

enum { TIFF_MAGIC = 42, TIFF_HEAD = 8, ENTRY_BYTES = 12, RATIONAL_BYTES = 8, EXIF_HEAD = 6 };
enum { TYPE_BYTE = 1, TYPE_ASCII = 2, TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_RATIONAL = 5 };
enum { TAG_ORIENTATION = 0x0112, TAG_GPS = 0x8825 };
enum { GPS_VERSION, GPS_LATITUDE_REF, GPS_LATITUDE, GPS_LONGITUDE_REF, GPS_LONGITUDE };
enum { E7 = 10000000, LATITUDE_MOST = 90, LONGITUDE_MOST = 180 };

struct tiff {
    const uint8_t *data;
    size_t len;
    bool little;
};

struct entry {
    unsigned type, count;
    const uint8_t *value; /* the four bytes of it */
};

static unsigned tiff_u16(const struct tiff *t, const uint8_t *p)
{
    return t->little ? (unsigned)p[0] | (unsigned)p[1] << 8 : (unsigned)p[0] << 8 | p[1];
}

static unsigned tiff_u32(const struct tiff *t, const uint8_t *p)
{
    return t->little ? tiff_u16(t, p) | tiff_u16(t, p + 2) << 16
                     : tiff_u16(t, p) << 16 | tiff_u16(t, p + 2);
}

static bool tiff_open(const uint8_t *data, size_t len, struct tiff *ret)
{
    if (len < EXIF_HEAD + TIFF_HEAD || memcmp(data, "Exif\0", EXIF_HEAD) != 0)
        return false;
    *ret = (struct tiff){data + EXIF_HEAD, len - EXIF_HEAD, data[EXIF_HEAD] == 'I'};
    char order = ret->little ? 'I' : 'M';
    return ret->data[0] == order && ret->data[1] == order &&
           tiff_u16(ret, ret->data + 2) == TIFF_MAGIC;
}

/** The entry of a tag in the directory at an offset. */
static bool find(const struct tiff *t, size_t at, unsigned tag, struct entry *ret)
{
    if (at < TIFF_HEAD || t->len < 2 || at > t->len - 2)
        return false;
    unsigned count = tiff_u16(t, t->data + at);
    at += 2;
    for (unsigned i = 0; i < count && t->len - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        const uint8_t *e = t->data + at;
        if (tiff_u16(t, e) != tag)
            continue;
        *ret = (struct entry){tiff_u16(t, e + 2), tiff_u32(t, e + 4), e + 8};
        return true;
    }
    return false;
}

/** Degrees, minutes and seconds as three rationals; NAN: none. */
static double degrees(const struct tiff *t, const struct entry *e)
{
    static const double parts[] = {1, 60, 3600};
    size_t at = tiff_u32(t, e->value);
    double sum = 0;
    if (e->type != TYPE_RATIONAL || e->count != 3 || t->len < 3 * (size_t)RATIONAL_BYTES ||
        at > t->len - 3 * (size_t)RATIONAL_BYTES)
        return NAN;
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *p = t->data + at + i * RATIONAL_BYTES;
        unsigned over = tiff_u32(t, p), under = tiff_u32(t, p + 4);
        if (under == 0)
            return NAN;
        sum += (double)over / under / parts[i];
    }
    return sum;
}

static bool angle(const struct tiff *t, size_t gps, unsigned ref_tag, const char signs[2],
                  unsigned most, int32_t *ret)
{
    struct entry ref, value;
    if (!find(t, gps, ref_tag, &ref) || !find(t, gps, ref_tag + 1, &value) ||
        ref.type != TYPE_ASCII || (ref.value[0] != signs[0] && ref.value[0] != signs[1]))
        return false;
    double sum = degrees(t, &value);
    if (!(sum >= 0 && sum <= most))
        return false;
    int32_t e7 = (int32_t)lround(sum * E7);
    *ret = ref.value[0] == signs[0] ? e7 : -e7;
    return true;
}

void photo_exif_read(const uint8_t *data, size_t len, struct photo_exif *ret)
{
    struct tiff t;
    struct entry e;
    *ret = (struct photo_exif){.orientation = 1};
    if (!tiff_open(data, len, &t))
        return;
    size_t first = tiff_u32(&t, t.data + 4);
    if (find(&t, first, TAG_ORIENTATION, &e) && e.type == TYPE_SHORT) {
        unsigned value = tiff_u16(&t, e.value);
        ret->orientation = value >= 1 && value <= 8 ? value : 1;
    }
    if (!find(&t, first, TAG_GPS, &e) || e.type != TYPE_LONG)
        return;
    struct photo_place p = {.known = true};
    size_t gps = tiff_u32(&t, e.value);
    if (angle(&t, gps, GPS_LATITUDE_REF, "NS", LATITUDE_MOST, &p.latitude_e7) &&
        angle(&t, gps, GPS_LONGITUDE_REF, "EW", LONGITUDE_MOST, &p.longitude_e7))
        ret->place = p;
}

static void write_entry(struct wr *out, unsigned tag, unsigned type, unsigned count, uint32_t value)
{
    wr_u16(out, (uint16_t)tag);
    wr_u16(out, (uint16_t)type);
    wr_u32(out, count);
    wr_u32(out, value);
}

static uint32_t letter(int32_t value, const char signs[2])
{
    return (uint32_t)(uint8_t)signs[value < 0] << 24;
}

/** All of it in the degrees: no minutes, no seconds. */
static void write_angle(struct wr *out, int32_t e7)
{
    wr_u32(out, (uint32_t)(e7 < 0 ? -e7 : e7));
    wr_u32(out, E7);
    for (int i = 0; i < 2; i++) {
        wr_u32(out, 0);
        wr_u32(out, 1);
    }
}

/** The directory of the place, which begins at `at`, with its values behind it. */
static void write_place(struct wr *out, unsigned at, const struct photo_place *p)
{
    unsigned values = at + 2 + 5 * ENTRY_BYTES + 4;
    wr_u16(out, 5);
    write_entry(out, GPS_VERSION, TYPE_BYTE, 4, 0x02030000);
    write_entry(out, GPS_LATITUDE_REF, TYPE_ASCII, 2, letter(p->latitude_e7, "NS"));
    write_entry(out, GPS_LATITUDE, TYPE_RATIONAL, 3, values);
    write_entry(out, GPS_LONGITUDE_REF, TYPE_ASCII, 2, letter(p->longitude_e7, "EW"));
    write_entry(out, GPS_LONGITUDE, TYPE_RATIONAL, 3, values + 3 * RATIONAL_BYTES);
    wr_u32(out, 0);
    write_angle(out, p->latitude_e7);
    write_angle(out, p->longitude_e7);
}

void photo_exif_write(struct wr *out, const struct photo_exif *exif)
{
    bool turned = exif->orientation != 1, placed = exif->place.known;
    unsigned entries = (unsigned)turned + (unsigned)placed;
    unsigned place_at = TIFF_HEAD + 2 + entries * ENTRY_BYTES + 4;
    unsigned end = place_at + (placed ? 2 + 5 * ENTRY_BYTES + 4 + 6 * RATIONAL_BYTES : 0);
    static const uint8_t head[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, TIFF_MAGIC, 0, 0, 0, 8};
    if (!entries)
        return;
    wr_u16(out, 0xffe1);
    wr_u16(out, (uint16_t)(2 + EXIF_HEAD + end));
    wr_bytes(out, head, sizeof head);
    wr_u16(out, (uint16_t)entries);
    if (turned)
        write_entry(out, TAG_ORIENTATION, TYPE_SHORT, 1, exif->orientation << 16);
    if (placed)
        write_entry(out, TAG_GPS, TYPE_LONG, 1, place_at);
    wr_u32(out, 0);
    if (placed)
        write_place(out, place_at, &exif->place);
}
