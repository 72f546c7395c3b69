// SPDX-License-Identifier: Apache-2.0
/* Files told by how they begin; text by all of it. */
#include "server/attachment_type.h"

#include <string.h>

static const struct {
    const char *media_type, *suffix;
} types[ATTACHMENT_TYPES] = {
    [ATTACHMENT_JPEG] = {"image/jpeg", ".jpg"},     [ATTACHMENT_PNG] = {"image/png", ".png"},
    [ATTACHMENT_WEBP] = {"image/webp", ".webp"},    [ATTACHMENT_HEIC] = {"image/heic", ".heic"},
    [ATTACHMENT_PDF] = {"application/pdf", ".pdf"}, [ATTACHMENT_MP4] = {"video/mp4", ".mp4"},
    [ATTACHMENT_WEBM] = {"video/webm", ".webm"},    [ATTACHMENT_TEXT] = {"text/plain", ".txt"},
};

const char *attachment_media_type(enum attachment_type type)
{
    return (unsigned)type < ATTACHMENT_TYPES ? types[type].media_type : NULL;
}

const char *attachment_suffix(enum attachment_type type)
{
    return (unsigned)type < ATTACHMENT_TYPES ? types[type].suffix : NULL;
}

enum attachment_type attachment_type_of(const char *media_type)
{
    unsigned i = 0;
    while (i < ATTACHMENT_TYPES && strcmp(types[i].media_type, media_type) != 0)
        i++;
    return (enum attachment_type)i;
}

/* Text */

static bool is_control(uint32_t c)
{
    return c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f');
}

/** The first byte of a character: what is to follow. */
static void begin_code(struct attachment_look *l, uint8_t b)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    l->pending = b < 0x80 ? 0 : b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
    l->not_text |= (b >= 0x80 && b < 0xc2) || b > 0xf4 || is_control(b);
    l->code = b & (0x7fu >> (l->pending ? l->pending + 1 : 0));
    l->least = least[l->pending];
}

static void take_text(struct attachment_look *l, uint8_t b)
{
    if (!l->pending) {
        begin_code(l, b);
        return;
    }
    l->not_text |= (b & 0xc0) != 0x80;
    l->code = l->code << 6 | (b & 0x3f);
    if (--l->pending)
        return;
    l->not_text |= l->code < l->least || l->code > 0x10ffff ||
                   (l->code >= 0xd800 && l->code < 0xe000) || (l->code >= 0x80 && l->code < 0xa0);
}

void attachment_look_on(struct attachment_look *l, const uint8_t *data, size_t len)
{
    size_t room = sizeof l->head - l->head_len, more = len < room ? len : room;
    if (more)
        memcpy(l->head + l->head_len, data, more);
    l->head_len += more;
    l->bytes += len;
    for (size_t i = 0; i < len && !l->not_text; i++)
        take_text(l, data[i]);
}

/* The others */

static bool has(const struct attachment_look *l, size_t at, const void *bytes, size_t len)
{
    return at + len <= l->head_len && memcmp(l->head + at, bytes, len) == 0;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_png(const struct attachment_look *l)
{
    static const uint8_t begin[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                    0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    return has(l, 0, begin, sizeof begin) && l->bytes > 32;
}

static bool is_webp(const struct attachment_look *l)
{
    static const char *const chunks[] = {"VP8 ", "VP8L", "VP8X"};
    bool chunk = false;
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++)
        chunk |= has(l, 12, chunks[i], 4);
    return has(l, 0, "RIFF", 4) && has(l, 8, "WEBP", 4) && chunk;
}

static bool is_pdf(const struct attachment_look *l)
{
    return has(l, 0, "%PDF-", 5) && l->head_len > 7 && l->head[5] >= '1' && l->head[5] <= '2' &&
           l->head[6] == '.';
}

/** Is one of the brands of the file-type box (ISO/IEC 14496-12, 4.3) in the list? */
static bool has_brand(const struct attachment_look *l, const char *const *brands)
{
    uint32_t size = l->head_len >= 16 && has(l, 4, "ftyp", 4) ? be32(l->head) : 0;
    if (size < 16 || size % 4 || size > l->head_len || size >= l->bytes)
        return false;
    for (size_t at = 8; at + 4 <= size; at += at == 8 ? 8 : 4) { /* behind the first: its version */
        for (size_t i = 0; brands[i]; i++) {
            if (has(l, at, brands[i], 4))
                return true;
        }
    }
    return false;
}

/** A number of EBML (RFC 8794, 4); its length, 0: none. */
static size_t ebml_number(const struct attachment_look *l, size_t at, bool id, uint64_t *ret)
{
    uint8_t first = at < l->head_len ? l->head[at] : 0;
    size_t len = 1;
    while (len <= 8 && !(first & 0x80u >> (len - 1)))
        len++;
    if (len > 8 || at + len > l->head_len)
        return 0;
    *ret = id ? first : first & (0xffu >> len);
    for (size_t i = 1; i < len; i++)
        *ret = *ret << 8 | l->head[at + i];
    return len;
}

/** The DocType in the head of Matroska (RFC 9559, 12). */
static bool is_webm(const struct attachment_look *l)
{
    static const uint8_t begin[] = {0x1a, 0x45, 0xdf, 0xa3};
    uint64_t size, id;
    size_t at = sizeof begin,
           len = has(l, 0, begin, sizeof begin) ? ebml_number(l, at, false, &size) : 0;
    if (!len || size > l->head_len)
        return false;
    at += len;
    for (size_t end = at + (size_t)size; at < end;) {
        size_t id_len = ebml_number(l, at, true, &id);
        len = id_len ? ebml_number(l, at + id_len, false, &size) : 0;
        at += id_len + len;
        if (!len || size > l->head_len || at + size > end)
            return false;
        if (id == 0x4282)
            return size >= 4 && has(l, at, "webm", 4) && (size == 4 || l->head[at + 4] == 0);
        at += (size_t)size;
    }
    return false;
}

enum attachment_type attachment_look_end(const struct attachment_look *l)
{
    static const char *const heic[] = {"heic", "heix", "heim", "heis", NULL};
    static const char *const other[] = {"avif", "avis", NULL}; /* whatever it is compatible with */
    static const char *const mp4[] = {"isom", "iso2", "iso4", "iso5", "iso6",
                                      "mp41", "mp42", "avc1", "M4V ", NULL};
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    if (has(l, 0, jpeg, sizeof jpeg))
        return ATTACHMENT_JPEG;
    if (is_png(l))
        return ATTACHMENT_PNG;
    if (is_webp(l))
        return ATTACHMENT_WEBP;
    if (has_brand(l, other))
        return ATTACHMENT_TYPES;
    if (has_brand(l, heic))
        return ATTACHMENT_HEIC;
    if (has_brand(l, mp4))
        return ATTACHMENT_MP4;
    if (is_webm(l))
        return ATTACHMENT_WEBM;
    if (is_pdf(l))
        return ATTACHMENT_PDF;
    return l->bytes && !l->not_text && !l->pending ? ATTACHMENT_TEXT : ATTACHMENT_TYPES;
}
