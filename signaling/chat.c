// SPDX-License-Identifier: Apache-2.0
/* Chat: cleaning and history. */
#include "signaling/chat.h"

#include <string.h>

#include "base/er.h"
#include "base/str.h"

void chat_clear(struct chat *c)
{
    for (size_t i = 0; i < CHAT_HISTORY; i++)
        json_decref(c->messages[i]);
    memset(c, 0, sizeof *c);
}

/** Embeddings, overrides and isolates of the bidirectional algorithm (UAX 9), and the separators
 *  that some terminals take for line ends. */
static bool is_unwanted(uint32_t code)
{
    if (code == '\n' || code == '\t')
        return false;
    return utf8_is_control(code) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029 || code == 0xfeff;
}

int chat_clean(const char *text, char ret_text[CHAT_TEXT_BYTES])
{
    size_t len = strlen(text), out = 0;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step = utf8_next(text + at, len - at, &code);
        if (!step)
            return ER_INVALID;
        if (!is_unwanted(code)) {
            if (out + step >= CHAT_TEXT_BYTES)
                return ER_INVALID;
            memcpy(ret_text + out, text + at, step);
            out += step;
        }
        at += step;
    }
    struct span trimmed = span_trim((struct span){.at = ret_text, .len = out});
    if (!trimmed.len)
        return ER_INVALID;
    memmove(ret_text, trimmed.at, trimmed.len);
    ret_text[trimmed.len] = '\0';
    return 0;
}

static void forget_oldest(struct chat *c)
{
    size_t at = (c->next + CHAT_HISTORY - c->count) % CHAT_HISTORY;
    json_decref(c->messages[at]);
    c->messages[at] = NULL;
    c->bytes -= c->sizes[at];
    c->count--;
}

void chat_add(struct chat *c, json_t *message)
{
    size_t size = json_dumpb(message, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    while (c->count && (c->count == CHAT_HISTORY || c->bytes + size > CHAT_HISTORY_BYTES))
        forget_oldest(c);
    c->messages[c->next] = json_incref(message);
    c->sizes[c->next] = size;
    c->bytes += size;
    c->next = (c->next + 1) % CHAT_HISTORY;
    c->count++;
}

json_t *chat_history(const struct chat *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->count; i++) {
        size_t at = (c->next + CHAT_HISTORY - c->count + i) % CHAT_HISTORY;
        json_array_append(list, c->messages[at]);
    }
    return list;
}
