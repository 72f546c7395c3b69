// SPDX-License-Identifier: Apache-2.0
/* Certificates: what is published of an examination. */
#include "server/certificate.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "server/seal/verify_case.h"

#define DIGITS 12

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's */

static void number_write(const char plain[DIGITS], char ret[CERTIFICATE_NUMBER_BYTES])
{
    size_t at = 0;
    ret[at++] = 'L';
    ret[at++] = 'C';
    for (size_t i = 0; i < DIGITS; i++) {
        if (i % 4 == 0)
            ret[at++] = '-';
        ret[at++] = plain[i];
    }
    ret[at] = '\0';
}

void certificate_number_make(const struct entropy *entropy, char ret[CERTIFICATE_NUMBER_BYTES])
{
    uint8_t bytes[DIGITS];
    char plain[DIGITS];
    entropy_fill(entropy, bytes, sizeof bytes);
    for (size_t i = 0; i < DIGITS; i++)
        plain[i] = digits[bytes[i] & 31];
    number_write(plain, ret);
}

int certificate_number_parse(const char *text, char ret[CERTIFICATE_NUMBER_BYTES])
{
    char plain[DIGITS];
    size_t count = 0;
    if ((text[0] | 32) == 'l' && (text[1] | 32) == 'c' && text[2] == '-')
        text += 3;
    for (; *text; text++) {
        char c = (char)toupper((unsigned char)*text);
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (c == '-' || c == ' ')
            continue;
        if (count == DIGITS || !memchr(digits, c, sizeof digits - 1))
            return ER_MALFORMED;
        plain[count++] = c;
    }
    if (count < DIGITS)
        return ER_MALFORMED;
    number_write(plain, ret);
    return 0;
}

bool certificate_reason_ok(const char *word)
{
    static const char *const words[] = {"error", "superseded", "fraud", "disputed", "withdrawn"};
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static json_t *evidence_public(const json_t *found)
{
    const json_t *pieces = json_object_get(found, "evidence");
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(pieces); i++) {
        const json_t *piece = json_array_get(pieces, i);
        (void)json_array_append_new(
            list, json_pack("{s:s,s:O*,s:O*}", "object",
                            json_object_get(piece, "clip") ? "clip" : "still", "sha256",
                            json_object_get(piece, "sha256"), "at", json_object_get(piece, "at")));
    }
    return list;
}

/** What two or three said, each on its own; the one that spoke alone has said it on the sheet. */
static json_t *judgements_of(const json_t *exam, const char *point, const json_t *found)
{
    const json_t *all = json_object_get(exam, "opinions");
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(all); i++) {
        const json_t *points = json_object_get(json_array_get(all, i), "points");
        json_t *judgement = json_object_get(json_object_get(points, point), "judgement");
        if (judgement)
            (void)json_array_append(list, judgement);
    }
    json_t *said = json_object_get(found, "judgement");
    if (json_array_size(list) == 0 && said)
        (void)json_array_append(list, said);
    return list;
}

static json_t *points_public(const struct certificate_facts *f)
{
    const json_t *points = json_object_get(f->checklist, "points");
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        const char *id = json_string_value(json_object_get(point, "id"));
        const json_t *found = json_object_get(json_object_get(f->exam, "points"), id ? id : "");
        json_t *judgements = id ? judgements_of(f->exam, id, found) : NULL;
        if (json_array_size(judgements))
            (void)json_array_append_new(list,
                                        json_pack("{s:s,s:O*,s:O,s:o}", "id", id, "title",
                                                  json_object_get(point, "title"), "judgements",
                                                  judgements, "evidence", evidence_public(found)));
        json_decref(judgements);
    }
    return list;
}

struct judged {
    size_t opinions; /* that say something */
    size_t blind;    /* of them, those committed to before another was known */
};

static struct judged judged_by(const json_t *exam)
{
    const json_t *all = json_object_get(exam, "opinions");
    struct judged n = {0};
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *o = json_array_get(all, i);
        bool revealed = json_object_get(o, "revealed_at") != NULL;
        n.opinions += revealed;
        n.blind += revealed && json_is_true(json_object_get(o, "blind"));
    }
    return n;
}

json_t *certificate_make(const struct certificate_facts *f)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(f->unix_us, at);
    const json_t *verdict = json_object_get(f->exam, "verdict");
    const json_t *pinned = json_object_get(f->exam, "checklist");
    const struct judged by = judged_by(f->exam);
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:O*,s:O*,s:b,s:I,s:{s:O*,s:O*,s:O*,s:O*},s:o,s:{s:I,s:s}}", "format",
        VERIFY_CERTIFICATE_FORMAT, "id", f->id, "number", f->number, "issued_at", at, "merchant",
        f->merchant, "verdict", json_object_get(verdict, "verdict"), "examined_at",
        json_object_get(verdict, "at"), "blind", by.blind >= 2, "appraisers",
        (json_int_t)(by.opinions ? by.opinions : 1), "checklist", "id",
        json_object_get(pinned, "id"), "version", json_object_get(pinned, "version"), "sha256",
        json_object_get(pinned, "sha256"), "name", json_object_get(f->checklist, "name"), "points",
        points_public(f), "timeline", "seq", (json_int_t)f->seq, "hash", f->hash);
    static const char *const shown[] = {"category", "brand"};
    for (size_t i = 0; o && i < 2; i++) {
        json_t *value = json_object_get(f->sc->more, shown[i]);
        if (value)
            (void)json_object_set(o, shown[i], value);
    }
    if (o && f->item)
        (void)json_object_set_new(o, "item", json_string(f->item));
    return o;
}
