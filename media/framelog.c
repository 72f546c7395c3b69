// SPDX-License-Identifier: Apache-2.0
/* Lines of a frame log, written and read. A line is good when writing what was read of it makes it
 * again; of frames, which are many, each field is looked at for that instead. */
#include "media/framelog.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"

#define HEAD "loupe-framelog"

static const char *const track_kinds[] = {
    [FRAMELOG_VIDEO] = "video", [FRAMELOG_MIX] = "mix", [FRAMELOG_VOICE] = "voice"};
enum { TRACK_KINDS = sizeof track_kinds / sizeof track_kinds[0] };

const char *framelog_mark_name(enum framelog_mark mark)
{
    static const char *const names[FRAMELOG_MARKS] = {
        [FRAMELOG_TRACK_CHANGED] = "track_changed",
        [FRAMELOG_TRACK_ENDED] = "track_ended",
        [FRAMELOG_ENCODING] = "encoding",
        [FRAMELOG_SIZE] = "size",
        [FRAMELOG_CODEC] = "codec",
        [FRAMELOG_MUTED] = "muted",
        [FRAMELOG_UNMUTED] = "unmuted",
        [FRAMELOG_CAMERA] = "camera",
        [FRAMELOG_COVERED] = "covered",
        [FRAMELOG_UNCOVERED] = "uncovered",
        [FRAMELOG_CONSENT] = "consent",
        [FRAMELOG_WITHDRAWN] = "withdrawn",
        [FRAMELOG_OVERRUN] = "overrun",
        [FRAMELOG_LENS_CHECKED] = "lens_checked",
    };
    return (unsigned)mark < FRAMELOG_MARKS ? names[mark] : NULL;
}

/* Text */

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._~:@/+-", c) != NULL);
}

static void write_text(struct wr *w, const char *text)
{
    size_t len = strlen(text);
    if (!utf8_is_clean(text, len) || strpbrk(text, "\t\n"))
        w->bad = true;
    if (len == 0)
        wr_u8(w, '-');
    for (size_t i = 0; i < len; i++) {
        if (is_plain(text[i]) && !(len == 1 && text[i] == '-'))
            wr_u8(w, (uint8_t)text[i]);
        else
            wr_printf(w, "%%%02X", (unsigned)(uint8_t)text[i]);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_text(struct span from, char *ret, size_t size)
{
    size_t len = 0;
    if (span_equal(from, "-"))
        from.len = 0;
    for (size_t i = 0; i < from.len; i++) {
        int c = (uint8_t)from.at[i];
        if (c == '%') {
            int high = i + 2 < from.len ? hex_digit(from.at[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(from.at[i + 2]);
            c = low < 0 ? 0 : high << 4 | low;
            i += 2;
        }
        if (c == 0 || len + 1 >= size)
            return false;
        ret[len++] = (char)c;
    }
    ret[len] = '\0';
    return true;
}

/* Writing */

static void write_number(struct wr *w, uint64_t number)
{
    wr_u8(w, ' ');
    wr_decimal(w, number);
}

static void write_head(struct wr *w, const struct framelog_record *r)
{
    wr_printf(w, HEAD " 1");
    write_number(w, r->unix_us);
}

static void write_track(struct wr *w, const struct framelog_record *r)
{
    if ((unsigned)r->kind >= TRACK_KINDS || r->codec[0] == '\0')
        w->bad = true;
    else
        wr_printf(w, "track %u %s ", (unsigned)r->track, track_kinds[r->kind]);
    write_text(w, r->codec);
    wr_u8(w, ' ');
    write_text(w, r->text);
}

static void write_frame(struct wr *w, const struct framelog_record *r)
{
    char hash[2 * sizeof r->sha256 + 1];
    hex_encode(hash, r->sha256, sizeof r->sha256);
    wr_bytes(w, "frame ", 6);
    wr_decimal(w, r->track);
    write_number(w, r->at_ms);
    write_number(w, r->unix_us);
    write_number(w, r->timestamp);
    write_number(w, r->seq);
    wr_u8(w, ' ');
    wr_u8(w, r->key ? 'k' : '-');
    wr_u8(w, r->recovered ? 'r' : '-');
    write_number(w, r->len);
    wr_u8(w, ' ');
    wr_bytes(w, hash, sizeof hash - 1);
}

static void write_gap(struct wr *w, const struct framelog_record *r)
{
    wr_printf(w, "gap");
    write_number(w, r->at_ms);
    write_number(w, r->to_ms);
    write_number(w, r->packets);
    write_number(w, r->frames);
}

static void write_voice_gap(struct wr *w, const struct framelog_record *r)
{
    wr_printf(w, "voice_gap %u", (unsigned)r->track);
    write_number(w, r->at_ms);
    write_number(w, r->to_ms);
    write_number(w, r->packets);
}

static void write_mark(struct wr *w, const struct framelog_record *r)
{
    const char *name = framelog_mark_name(r->mark);
    wr_printf(w, "mark");
    write_number(w, r->at_ms);
    wr_printf(w, " %s", name ? name : "");
    if (!name)
        w->bad = true;
    if (r->text[0] == '\0')
        return;
    wr_u8(w, ' ');
    write_text(w, r->text);
}

static void write_end(struct wr *w, const struct framelog_record *r)
{
    wr_printf(w, "end");
    write_number(w, r->at_ms);
}

int framelog_write(char *ret, size_t size, const struct framelog_record *record)
{
    static void (*const writers[])(struct wr *, const struct framelog_record *) = {
        [FRAMELOG_HEAD] = write_head,
        [FRAMELOG_TRACK] = write_track,
        [FRAMELOG_FRAME] = write_frame,
        [FRAMELOG_GAP] = write_gap,
        [FRAMELOG_VOICE_GAP] = write_voice_gap,
        [FRAMELOG_MARK] = write_mark,
        [FRAMELOG_END] = write_end,
    };
    if ((unsigned)record->type >= sizeof writers / sizeof writers[0])
        return ER_INVALID;
    char line[FRAMELOG_LINE_BYTES + 1];
    struct wr w = wr_make(line, sizeof line);
    writers[record->type](&w, record);
    wr_u8(&w, '\n');
    wr_u8(&w, '\0');
    if (w.bad)
        return ER_INVALID;
    if (wr_len(&w) > size)
        return ER_TRUNCATED;
    memcpy(ret, line, wr_len(&w));
    return (int)wr_len(&w) - 1;
}

/* Reading. Fields beyond the last one give empty spans, which are no numbers and no words. */

static bool number(struct span *rest, uint64_t max, uint64_t *ret)
{
    struct span digits = span_cut(rest, ' ');
    return span_u64(digits, max, ret) == 0 && (digits.at[0] != '0' || digits.len == 1);
}

static bool number32(struct span *rest, uint32_t *ret)
{
    uint64_t n;
    if (!number(rest, UINT32_MAX, &n))
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool read_head(struct span rest, struct framelog_record *ret)
{
    return span_equal(span_cut(&rest, ' '), "1") && number(&rest, UINT64_MAX, &ret->unix_us);
}

static bool read_track(struct span rest, struct framelog_record *ret)
{
    if (!number32(&rest, &ret->track))
        return false;
    struct span word = span_cut(&rest, ' ');
    unsigned kind = 0;
    while (kind < TRACK_KINDS && !span_equal(word, track_kinds[kind]))
        kind++;
    ret->kind = (enum framelog_track_kind)kind;
    return kind < TRACK_KINDS && read_text(span_cut(&rest, ' '), ret->codec, sizeof ret->codec) &&
           read_text(rest, ret->text, sizeof ret->text);
}

static bool read_frame(struct span rest, struct framelog_record *ret)
{
    if (!number32(&rest, &ret->track) || !number(&rest, INT64_MAX, &ret->at_ms) ||
        !number(&rest, UINT64_MAX, &ret->unix_us) || !number(&rest, INT64_MAX, &ret->timestamp) ||
        !number(&rest, INT64_MAX, &ret->seq))
        return false;
    struct span flags = span_cut(&rest, ' ');
    if (flags.len != 2 || !number32(&rest, &ret->len))
        return false;
    ret->key = flags.at[0] == 'k';
    ret->recovered = flags.at[1] == 'r';
    bool good = (ret->key || flags.at[0] == '-') && (ret->recovered || flags.at[1] == '-') &&
                hex_decode(ret->sha256, sizeof ret->sha256, rest) == 0;
    for (size_t i = 0; good && i < rest.len; i++)
        good = rest.at[i] < 'A' || rest.at[i] > 'F';
    return good;
}

static bool read_gap(struct span rest, struct framelog_record *ret)
{
    return number(&rest, INT64_MAX, &ret->at_ms) && number(&rest, INT64_MAX, &ret->to_ms) &&
           number32(&rest, &ret->packets) && number32(&rest, &ret->frames);
}

static bool read_voice_gap(struct span rest, struct framelog_record *ret)
{
    return number32(&rest, &ret->track) && number(&rest, INT64_MAX, &ret->at_ms) &&
           number(&rest, INT64_MAX, &ret->to_ms) && number32(&rest, &ret->packets);
}

static bool read_mark(struct span rest, struct framelog_record *ret)
{
    if (!number(&rest, INT64_MAX, &ret->at_ms))
        return false;
    struct span word = span_cut(&rest, ' ');
    unsigned mark = 0;
    while (mark < FRAMELOG_MARKS && !span_equal(word, framelog_mark_name(mark)))
        mark++;
    ret->mark = (enum framelog_mark)mark;
    return mark < FRAMELOG_MARKS && (!rest.at || read_text(rest, ret->text, sizeof ret->text));
}

static bool read_end(struct span rest, struct framelog_record *ret)
{
    return number(&rest, INT64_MAX, &ret->at_ms);
}

static bool is_written(struct span line, const struct framelog_record *record)
{
    char again[FRAMELOG_LINE_BYTES + 1];
    int len = framelog_write(again, sizeof again, record);
    return len > 0 && (size_t)len == line.len + 1 && memcmp(again, line.at, line.len) == 0;
}

int framelog_parse(struct span line, struct framelog_record *ret)
{
    static const struct {
        const char *word;
        bool (*read)(struct span, struct framelog_record *);
    } readers[] = {
        [FRAMELOG_HEAD] = {HEAD, read_head},
        [FRAMELOG_TRACK] = {"track", read_track},
        [FRAMELOG_FRAME] = {"frame", read_frame},
        [FRAMELOG_GAP] = {"gap", read_gap},
        [FRAMELOG_MARK] = {"mark", read_mark},
        [FRAMELOG_VOICE_GAP] = {"voice_gap", read_voice_gap},
        [FRAMELOG_END] = {"end", read_end},
    };
    struct span rest = line;
    struct span word = span_cut(&rest, ' ');
    *ret = (struct framelog_record){0};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (!span_equal(word, readers[i].word))
            continue;
        ret->type = (enum framelog_type)i;
        bool good = readers[i].read(rest, ret) && (i == FRAMELOG_FRAME || is_written(line, ret));
        return good ? 0 : ER_MALFORMED;
    }
    return ER_MALFORMED;
}

/* A whole log */

struct framelog_reader framelog_read(struct span text)
{
    return (struct framelog_reader){.rest = text};
}

/** Is there a track of that number, as far as was read? */
static struct framelog_reader_track *find_track(struct framelog_reader *r, uint32_t track)
{
    for (size_t i = 0; i < r->track_count; i++)
        if (r->tracks[i].number == track)
            return &r->tracks[i];
    return NULL;
}

static bool note_track(struct framelog_reader *r, const struct framelog_record *record)
{
    if (find_track(r, record->track) || r->track_count == FRAMELOG_TRACKS)
        return false;
    r->tracks[r->track_count++] = (struct framelog_reader_track){.number = record->track};
    return true;
}

/** May the record stand where it does? */
static bool may_stand(struct framelog_reader *r, const struct framelog_record *record)
{
    if (r->ended || r->begun != (record->type != FRAMELOG_HEAD))
        return false;
    r->begun = true;
    r->ended = record->type == FRAMELOG_END;
    if (record->type == FRAMELOG_TRACK)
        return note_track(r, record);
    if (record->type != FRAMELOG_FRAME && record->type != FRAMELOG_VOICE_GAP)
        return true;
    struct framelog_reader_track *track = find_track(r, record->track);
    if (!track || record->type == FRAMELOG_VOICE_GAP)
        return track != NULL;
    if (record->at_ms < track->next_ms)
        return false;
    track->next_ms = record->at_ms + 1;
    return true;
}

int framelog_next(struct framelog_reader *r, struct framelog_record *ret)
{
    const char *end = r->rest.len ? memchr(r->rest.at, '\n', r->rest.len) : NULL;
    if (!end)
        return ER_NOT_FOUND;
    struct span line = {.at = r->rest.at, .len = (size_t)(end - r->rest.at)};
    r->line++;
    if (framelog_parse(line, ret) < 0 || !may_stand(r, ret))
        return ER_MALFORMED;
    r->rest.at += line.len + 1;
    r->rest.len -= line.len + 1;
    return 0;
}
