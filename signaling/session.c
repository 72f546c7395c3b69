// SPDX-License-Identifier: Apache-2.0
/* Outbox, acknowledgement, duplicate requests, rate limit and pings of one session. */
#include "signaling/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/heap.h"
#include "base/siphash.h"
#include "base/str.h"

#define MILLI 1000u
#define OUTBOX_FIRST 16u /* LIMIT_OUTBOX is this times a power of two */
#define PING_US (LIMIT_PING_MS * (uint64_t)1000)

static struct session_frame *slot_of(struct session *s, uint64_t seq)
{
    return &s->outbox[seq % s->outbox_size];
}

static void forget_oldest(struct session *s)
{
    struct session_frame *frame = slot_of(s, s->seq_first);
    s->outbox_bytes -= frame->len;
    free(frame->text);
    *frame = (struct session_frame){0};
    s->seq_first++;
}

static void forget_fleeting(struct session *s)
{
    free(s->fleeting.text);
    free(s->fleeting_given.text);
    s->fleeting = s->fleeting_given = (struct session_frame){0};
}

void session_init(struct session *s, const struct id *id, const struct session_who *who,
                  const uint64_t seed[2], uint64_t now_us)
{
    memset(s, 0, sizeof *s);
    s->id = *id;
    s->who = *who;
    s->seq_first = 1;
    s->hash_key[0] = seed[0];
    s->hash_key[1] = seed[1];
    s->tokens_milli = SESSION_BURST * MILLI;
    s->tokens_at_us = now_us;
    s->ping_at_us = HEAP_NEVER;
}

void session_clear(struct session *s)
{
    while (s->seq_first <= s->seq_last)
        forget_oldest(s);
    free(s->outbox);
    s->outbox = NULL;
    s->outbox_size = 0;
    forget_fleeting(s);
}

static int grow_outbox(struct session *s)
{
    size_t size = s->outbox_size ? 2 * s->outbox_size : OUTBOX_FIRST;
    struct session_frame *grown = calloc(size, sizeof *grown);
    if (!grown)
        return ER_NOMEM;
    for (uint64_t seq = s->seq_first; seq <= s->seq_last; seq++)
        grown[seq % size] = *slot_of(s, seq);
    free(s->outbox);
    s->outbox = grown;
    s->outbox_size = size;
    return 0;
}

int session_attach(struct session *s, uint64_t received, uint64_t now_us)
{
    if (received > s->seq_last)
        return ER_INVALID;
    if (received + 1 < s->seq_first)
        return ER_STALE;
    session_acknowledge(s, received);
    forget_fleeting(s);
    s->seq_sent = received;
    s->pings_open = 0;
    s->ping_due = false;
    s->ping_at_us = now_us + PING_US;
    return 0;
}

int session_push(struct session *s, const char *body, size_t len)
{
    if (len < 2 || body[0] != '{')
        return ER_INVALID;
    bool overrun = false;
    while (s->seq_first <= s->seq_last && (s->seq_last - s->seq_first + 1 >= LIMIT_OUTBOX ||
                                           s->outbox_bytes + len > LIMIT_OUTBOX_BYTES)) {
        overrun |= s->seq_first > s->seq_sent;
        forget_oldest(s);
    }
    if (s->seq_last - s->seq_first + 1 == s->outbox_size && grow_outbox(s) < 0)
        return ER_NOMEM;
    size_t size = len + 32;
    char *text = malloc(size);
    if (!text)
        return ER_NOMEM;
    uint64_t seq = ++s->seq_last;
    int head = snprintf(text, size, "{\"seq\":%llu%s", (unsigned long long)seq,
                        body[1] == '}' ? "" : ",");
    memcpy(text + head, body + 1, len - 1);
    text[(size_t)head + len - 1] = '\0';
    struct session_frame *frame = slot_of(s, seq);
    *frame = (struct session_frame){.seq = seq, .len = (size_t)head + len - 1, .text = text};
    s->outbox_bytes += frame->len;
    if (s->seq_last - s->seq_first >= LIMIT_OUTBOX / 2 && !s->pings_open) {
        s->ping_due = true; /* ask early what has arrived */
        s->pings_open = 1;
    }
    if (overrun && s->seq_sent + 1 < s->seq_first)
        s->seq_sent = s->seq_first - 1;
    return overrun ? ER_FULL : 0;
}

int session_push_fleeting(struct session *s, const char *body, size_t len)
{
    char *text = malloc(len + 1);
    if (!text)
        return ER_NOMEM;
    memcpy(text, body, len);
    text[len] = '\0';
    free(s->fleeting.text);
    s->fleeting = (struct session_frame){.len = len, .text = text};
    return 0;
}

bool session_has_next(const struct session *s)
{
    return s->seq_sent < s->seq_last || s->fleeting.text;
}

const struct session_frame *session_next(struct session *s)
{
    if (s->seq_sent < s->seq_last)
        return slot_of(s, ++s->seq_sent);
    if (!s->fleeting.text)
        return NULL;
    free(s->fleeting_given.text);
    s->fleeting_given = s->fleeting;
    s->fleeting = (struct session_frame){0};
    return &s->fleeting_given;
}

void session_acknowledge(struct session *s, uint64_t seq)
{
    if (seq > s->seq_last)
        return;
    while (s->seq_first <= seq)
        forget_oldest(s);
    if (seq > s->seq_acked)
        s->seq_acked = seq;
}

static bool take_token(struct session *s, uint64_t now_us)
{
    uint64_t passed_us = now_us > s->tokens_at_us ? now_us - s->tokens_at_us : 0;
    uint64_t gained = passed_us * LIMIT_MESSAGES_PER_SECOND / 1000;
    if (gained) {
        uint64_t sum = s->tokens_milli + gained;
        s->tokens_milli = sum > SESSION_BURST * MILLI ? SESSION_BURST * MILLI : (uint32_t)sum;
        s->tokens_at_us = now_us;
    }
    if (s->tokens_milli < MILLI)
        return false;
    s->tokens_milli -= MILLI;
    return true;
}

enum session_admit session_admit(struct session *s, const char *id, uint64_t now_us)
{
    if (!take_token(s, now_us))
        return SESSION_TOO_FAST;
    if (!id || !id[0])
        return SESSION_CARRY_OUT;
    uint64_t hash = siphash13(s->hash_key, id, strlen(id));
    hash += hash == 0;
    for (size_t i = 0; i < SESSION_RECENT_IDS; i++) {
        if (s->recent[i] == hash)
            return SESSION_DUPLICATE;
    }
    s->recent[s->recent_at] = hash;
    s->recent_at = (s->recent_at + 1) % SESSION_RECENT_IDS;
    return SESSION_CARRY_OUT;
}

bool session_tick(struct session *s, uint64_t now_us)
{
    if (now_us < s->ping_at_us)
        return true;
    if (s->pings_open >= SESSION_PINGS_MISSED)
        return false;
    s->ping_due = true;
    s->pings_open++;
    s->ping_at_us = now_us + PING_US;
    return true;
}

uint64_t session_deadline_us(const struct session *s)
{
    return s->ping_at_us;
}

bool session_take_ping(struct session *s, char ret_payload[24], size_t *ret_len)
{
    if (!s->ping_due)
        return false;
    s->ping_due = false;
    *ret_len = (size_t)snprintf(ret_payload, 24, "%llu", (unsigned long long)s->seq_sent);
    return true;
}

void session_on_pong(struct session *s, const void *payload, size_t len)
{
    uint64_t seq;
    s->pings_open = 0;
    if (span_u64((struct span){.at = payload, .len = len}, UINT64_MAX, &seq) == 0 &&
        seq <= s->seq_sent)
        session_acknowledge(s, seq);
}
