// SPDX-License-Identifier: Apache-2.0
/* Texts to words, by one scanner for what is kept and what is asked for. */
#include "server/case_words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/store.h"

enum letter { LETTER_NONE, LETTER_WORD, LETTER_PAIRED };

/** One code point of valid UTF-8; 0 at the end. */
static uint32_t next_code(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    uint32_t code = p[0];
    size_t more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0 ? 1 : 0;
    if (code == 0)
        return 0;
    code = more == 3 ? code & 7 : more == 2 ? code & 15 : more == 1 ? code & 31 : code;
    size_t i = 1;
    for (; i <= more && (p[i] & 0xc0) == 0x80; i++)
        code = code << 6 | (p[i] & 0x3f);
    *at += i;
    return code;
}

static uint32_t fold(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* full width */
        c -= 0xff01 - 0x21;
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
        return c | 1;
    return c;
}

/** Of a folded code point. */
static enum letter letter_of(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? LETTER_WORD : LETTER_NONE;
    if ((c >= 0x3041 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
        (c >= 0xac00 && c <= 0xd7af) || (c >= 0xf900 && c <= 0xfaff) ||
        (c >= 0x20000 && c <= 0x3ffff))
        return LETTER_PAIRED;
    if (c < 0xc0 || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x2bff) ||
        (c >= 0x2e00 && c <= 0x303f) || (c >= 0xe000 && c <= 0xf8ff) ||
        (c >= 0xfe00 && c <= 0xffff) || (c >= 0x1f000 && c <= 0x1ffff))
        return LETTER_NONE;
    return LETTER_WORD;
}

struct out {
    char *text;
    size_t len, size;
    bool full;
};

static void put(struct out *o, const char *bytes, size_t len)
{
    o->full |= o->len + len + 2 > o->size;
    if (o->full)
        return;
    memcpy(o->text + o->len, bytes, len);
    o->len += len;
    o->text[o->len] = '\0';
}

static void put_code(struct out *o, uint32_t c)
{
    unsigned char b[4];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (unsigned char)c;
    } else if (c < 0x800) {
        b[n++] = (unsigned char)(0xc0 | c >> 6);
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        b[n++] = (unsigned char)(0xe0 | c >> 12);
        b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    } else {
        b[n++] = (unsigned char)(0xf0 | c >> 18);
        b[n++] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    }
    put(o, (const char *)b, n);
}

/** The next run of letters of one kind: the word, or for paired ones the pairs with blanks between, and with `last` the last
 *  one alone as well, so that it begins a word like every other. How many letters; 0: no more. */
static size_t next_run(const char **at, struct out *o, bool last, enum letter *ret)
{
    uint32_t c, before = 0;
    size_t count = 0;
    enum letter kind = LETTER_NONE;
    for (const char *look = *at; (c = fold(next_code(&look))) != 0; *at = look) {
        enum letter is = letter_of(c);
        if (kind != LETTER_NONE && is != kind)
            break;
        if (is == LETTER_NONE)
            continue;
        if (is == LETTER_PAIRED && count > 0) {
            if (count > 1)
                put(o, " ", 1);
            put_code(o, before);
            put_code(o, c);
        } else if (is == LETTER_WORD) {
            put_code(o, c);
        }
        kind = is;
        before = c;
        count++;
    }
    if (kind == LETTER_PAIRED && (last || count == 1)) {
        if (count > 1)
            put(o, " ", 1);
        put_code(o, before);
    }
    *ret = kind;
    return count;
}

static void add_text(struct out *o, const char *text)
{
    enum letter kind;
    const char *at = text ? text : "";
    for (;;) {
        size_t len = o->len;
        if (!next_run(&at, o, true, &kind))
            return;
        if (o->full) { /* half of a word is none */
            o->len = len;
            o->text[len] = '\0';
            return;
        }
        put(o, " ", 1);
    }
}

/** "C-2026-000012" as one word, and the last part without its zeros. */
static void add_number(struct out *o, const char *number)
{
    const char *tail = strrchr(number, '-');
    char word[32];
    size_t len = 0;
    for (const char *p = number; *p && len + 1 < sizeof word; p++) {
        if (*p != '-')
            word[len++] = (char)fold((unsigned char)*p);
    }
    word[len] = '\0';
    add_text(o, word);
    if (!tail)
        return;
    add_text(o, tail + 1);
    size_t zeros = strspn(tail + 1, "0");
    if (zeros)
        add_text(o, tail + 1 + zeros);
}

void case_words(const struct store_case *c, char ret[CASE_WORDS_BYTES])
{
    static const char *const members[] = {"brand", "category", "reason"};
    static const char *const of_order[] = {"number", "id"};
    struct out o = {.text = ret, .size = CASE_WORDS_BYTES};
    put(&o, " ", 1);
    add_number(&o, c->number);
    add_text(&o, c->title);
    add_text(&o, c->buyer_name);
    add_text(&o, c->buyer);
    const json_t *order = json_object_get(c->more, "order");
    for (size_t i = 0; i < 2; i++)
        add_text(&o, json_string_value(json_object_get(order, of_order[i])));
    for (size_t i = 0; i < 3; i++)
        add_text(&o, json_string_value(json_object_get(c->more, members[i])));
}

/* What is looked for */

/** A case's number, or how one begins: 'C', a year or some of it, then perhaps more digits. */
static bool is_number(const char *text)
{
    size_t year = (text[0] == 'C' || text[0] == 'c') && text[1] == '-'
                      ? strspn(text + 2, "0123456789")
                      : 0;
    const char *rest = text + 2 + year;
    return year > 0 && year <= 4 &&
           (*rest == '\0' || (*rest == '-' && strspn(rest + 1, "0123456789") == strlen(rest + 1)));
}

static void term_add(struct case_query *q, struct out *o, size_t from, bool begins)
{
    if (o->full || q->count == CASE_QUERY_TERMS)
        return;
    q->terms[q->count++] = (struct case_term){.text = q->bytes + from, .begins = begins};
    o->len++; /* its NUL */
}

void case_query_read(struct case_query *q, const char *text)
{
    enum letter kind;
    struct out o = {.text = q->bytes, .size = sizeof q->bytes};
    q->count = 0;
    if (is_number(text)) {
        for (const char *p = text; *p; p++) {
            if (*p != '-')
                put_code(&o, fold((unsigned char)*p));
        }
        term_add(q, &o, 0, true);
        return;
    }
    while (!o.full && q->count < CASE_QUERY_TERMS) {
        size_t from = o.len;
        size_t letters = next_run(&text, &o, false, &kind);
        if (!letters)
            return;
        /* A single letter is meant as it stands: too much begins with it. */
        term_add(q, &o, from, kind == LETTER_WORD ? letters > 1 : letters == 1);
    }
}

bool case_query_fits(const struct case_query *q, const char *words)
{
    char look[CASE_QUERY_BYTES + 2];
    for (size_t i = 0; i < q->count; i++) {
        (void)snprintf(look, sizeof look, " %s%s", q->terms[i].text, q->terms[i].begins ? "" : " ");
        if (!strstr(words, look))
            return false;
    }
    return q->count > 0;
}

/** The word as far as the index knows how words begin. */
static size_t begin_of(struct span word)
{
    size_t at = 0;
    for (size_t letters = 0; at < word.len; at++) {
        letters += ((unsigned char)word.at[at] & 0xc0) != 0x80;
        if (letters > CASE_BEGIN_LETTERS)
            break;
    }
    return at;
}

void case_query_match(const struct case_query *q, const char *more, char ret[CASE_MATCH_BYTES])
{
    struct out o = {.text = ret, .size = CASE_MATCH_BYTES};
    ret[0] = '\0';
    if (more) {
        put(&o, "\"", 1);
        put(&o, more, strlen(more));
        put(&o, "\" ", 2);
    }
    for (size_t i = 0; i < q->count; i++) {
        struct span rest = span_of(q->terms[i].text);
        while (rest.len) {
            struct span word = span_cut(&rest, ' ');
            size_t len = o.len;
            put(&o, "\"", 1);
            put(&o, word.at, q->terms[i].begins ? begin_of(word) : word.len);
            put(&o, q->terms[i].begins ? "\"* " : "\" ", q->terms[i].begins ? 3 : 2);
            if (o.full) { /* what is left out here is compared all the same */
                ret[len] = '\0';
                return;
            }
        }
    }
}
