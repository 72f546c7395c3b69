// SPDX-License-Identifier: Apache-2.0
/* ICE credentials in offers, answers and fragments, line by line. */
#include "server/whip_sdp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"

#define UFRAG "a=ice-ufrag:"
#define PWD "a=ice-pwd:"

/** The next line without its end. */
static struct span next_line(struct span *rest)
{
    return span_trim(span_cut(rest, '\n'));
}

static bool is_ice_text(struct span s, size_t min)
{
    if (s.len < min || s.len >= WHIP_ICE_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!isalnum((unsigned char)c) && c != '+' && c != '/')
            return false;
    }
    return true;
}

static struct span behind(struct span line, const char *prefix)
{
    size_t n = strlen(prefix);
    return (struct span){.at = line.at + n, .len = line.len - n};
}

int whip_ice_read(const char *sdp, struct whip_ice *ret)
{
    struct span rest = span_of(sdp);
    bool has_ufrag = false, has_pwd = false;
    memset(ret, 0, sizeof *ret);
    while (rest.at && !(has_ufrag && has_pwd)) {
        struct span line = next_line(&rest);
        bool is_ufrag = !has_ufrag && span_starts(line, UFRAG);
        bool is_pwd = !has_pwd && span_starts(line, PWD);
        struct span value = is_ufrag ? behind(line, UFRAG) : is_pwd ? behind(line, PWD) : line;
        if ((is_ufrag && !is_ice_text(value, 4)) || (is_pwd && !is_ice_text(value, 22)))
            return ER_MALFORMED;
        if (is_ufrag)
            (void)str_copy_span(ret->ufrag, sizeof ret->ufrag, value);
        if (is_pwd)
            (void)str_copy_span(ret->pwd, sizeof ret->pwd, value);
        has_ufrag |= is_ufrag;
        has_pwd |= is_pwd;
    }
    if (has_ufrag != has_pwd)
        return ER_MALFORMED;
    return has_ufrag ? 0 : ER_NOT_FOUND;
}

bool whip_offer_sends(const char *sdp)
{
    struct span rest = span_of(sdp);
    bool media = false, otherwise = true; /* what the session says, for m-lines that say nothing */
    bool counts = false, sends = false;
    while (rest.at) {
        struct span line = next_line(&rest);
        bool yes = span_equal(line, "a=sendrecv") || span_equal(line, "a=sendonly");
        bool no = span_equal(line, "a=recvonly") || span_equal(line, "a=inactive");
        if (span_starts(line, "m=")) {
            if (counts && sends)
                return true;
            media = true;
            counts = span_starts(line, "m=audio") || span_starts(line, "m=video");
            sends = otherwise;
        } else if ((yes || no) && media) {
            sends = yes;
        } else if (yes || no) {
            otherwise = yes;
        }
    }
    return counts && sends;
}

bool whip_offer_has_mid(const char *sdp, const char *mid)
{
    struct span rest = span_of(sdp);
    while (rest.at) {
        struct span line = next_line(&rest);
        if (span_starts(line, "a=mid:") && span_equal(behind(line, "a=mid:"), mid))
            return true;
    }
    return false;
}

bool whip_is_fragment(const char *text)
{
    struct span rest = span_of(text);
    bool attribute = false;
    while (rest.at) {
        struct span line = next_line(&rest);
        if (!line.len)
            continue;
        if (line.len < 3 || line.at[1] != '=' || !islower((unsigned char)line.at[0]))
            return false;
        attribute |= line.at[0] == 'a';
    }
    return attribute;
}

/** "o=<user> <id> <version> .." with the version counted up, as far as it can be read. */
static void write_origin(FILE *out, struct span line)
{
    struct span rest = line;
    struct span user = span_cut(&rest, ' '), id = span_cut(&rest, ' '),
                version = span_cut(&rest, ' ');
    unsigned long long n = 0;
    for (size_t i = 0; rest.at && i < version.len && isdigit((unsigned char)version.at[i]); i++)
        n = n * 10 + (unsigned)(version.at[i] - '0');
    if (rest.at)
        (void)fprintf(out, "%.*s %.*s %llu %.*s\r\n", (int)user.len, user.at, (int)id.len, id.at,
                      n + 1, (int)rest.len, rest.at);
    else
        (void)fprintf(out, "%.*s\r\n", (int)line.len, line.at);
}

/** The text written to `out`, or NULL when something failed. */
static char *finish(FILE *out, char **text)
{
    if (fclose(out) == 0)
        return *text;
    free(*text);
    return NULL;
}

char *whip_offer_restart(const char *offer, const struct whip_ice *ice)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    struct span rest = span_of(offer);
    while (rest.at) {
        struct span line = next_line(&rest);
        if (!line.len || span_starts(line, "a=candidate:") ||
            span_starts(line, "a=end-of-candidates"))
            continue;
        if (span_starts(line, "o="))
            write_origin(out, line);
        else if (span_starts(line, UFRAG))
            (void)fprintf(out, UFRAG "%s\r\n", ice->ufrag);
        else if (span_starts(line, PWD))
            (void)fprintf(out, PWD "%s\r\n", ice->pwd);
        else
            (void)fprintf(out, "%.*s\r\n", (int)line.len, line.at);
    }
    return finish(out, &text);
}

/** Whether the line belongs into a fragment: of the session (m-line 0), or of the m-line that
 *  carries the bundle. */
static bool is_of_fragment(struct span line, unsigned media)
{
    static const char *const session_lines[] = {"a=ice-lite", "a=ice-options:", "a=group:", UFRAG,
                                                PWD};
    static const char *const media_lines[] = {"m=", "a=mid:",       UFRAG,
                                              PWD,  "a=candidate:", "a=end-of-candidates"};
    const char *const *lines = media ? media_lines : session_lines;
    size_t count = media ? sizeof media_lines / sizeof media_lines[0]
                         : sizeof session_lines / sizeof session_lines[0];
    for (size_t i = 0; media < 2 && i < count; i++) {
        if (span_starts(line, lines[i]))
            return true;
    }
    return false;
}

char *whip_answer_fragment(const char *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    unsigned media = 0;
    struct span rest = span_of(answer);
    while (rest.at) {
        struct span line = next_line(&rest);
        media += span_starts(line, "m=");
        if (is_of_fragment(line, media))
            (void)fprintf(out, "%.*s\r\n", (int)line.len, line.at);
    }
    return finish(out, &text);
}
