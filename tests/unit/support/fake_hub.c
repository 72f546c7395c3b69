// SPDX-License-Identifier: Apache-2.0
/* The hub's outside, played by arrays, and the road between it and the clients. */
#include "tests/unit/support/fake_hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/fake_client.h"

#define KEPT 512
#define STILLS (sizeof((struct fake_hub *)0)->stills / sizeof(struct still_batch *))
#define OUT (sizeof((struct fake_hub *)0)->out / sizeof(struct fake_datagram))

static uint8_t *reserve(void *ctx, const struct path *to, size_t size)
{
    struct fake_hub *f = ctx;
    if (f->link_full)
        return NULL;
    assert_true(f->out_count < OUT && size <= sizeof f->out[0].bytes);
    f->out[f->out_count].to = *to;
    return f->out[f->out_count].bytes;
}

static void commit(void *ctx, size_t len)
{
    struct fake_hub *f = ctx;
    assert_true(len <= sizeof f->out[0].bytes);
    f->out[f->out_count].len = len;
    f->out_count += len > 0;
}

static void release(void *ctx, const struct path *path)
{
    struct fake_hub *f = ctx;
    f->released_count++;
    f->released = *path;
}

static void event(void *ctx, const struct media_event *e)
{
    struct fake_hub *f = ctx;
    struct media_event *place = &f->events[f->event_count++ % KEPT];
    media_event_clear(place);
    *place = *e;
}

static int record(void *ctx, struct record_batch *batch)
{
    struct fake_hub *f = ctx;
    if (f->recorder_full)
        return ER_FULL;
    struct record_batch **place = &f->batches[f->batch_count++ % KEPT];
    record_batch_free(*place);
    *place = batch;
    return 0;
}

static int still(void *ctx, struct still_batch *batch)
{
    struct fake_hub *f = ctx;
    if (f->recorder_full)
        return ER_FULL;
    struct still_batch **place = &f->stills[f->still_count++ % STILLS];
    still_batch_free(*place);
    *place = batch;
    return 0;
}

static size_t post_room(void *ctx, unsigned worker)
{
    const struct fake_hub *f = ctx;
    size_t limit = sizeof f->mail / sizeof f->mail[0];
    (void)worker;
    if (f->mail_limit && f->mail_limit < limit)
        limit = f->mail_limit;
    return f->mail_full || f->mail_count >= limit ? 0 : limit - f->mail_count;
}

static int post(void *ctx, unsigned worker, const struct mirror_message *letter)
{
    struct fake_hub *f = ctx;
    if (post_room(f, worker) == 0)
        return ER_FULL;
    f->mail[f->mail_count++] = (struct fake_letter){.to = worker, .letter = *letter};
    return 0;
}

struct fake_hub *fake_hub_new(void)
{
    static const struct hub_io io = {.reserve = reserve,
                                     .commit = commit,
                                     .release = release,
                                     .event = event,
                                     .record = record,
                                     .still = still,
                                     .post = post,
                                     .post_room = post_room};
    struct fake_hub *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->entropy = entropy_seeded_init(&f->seeded, 23);
    f->now_us = 7000000;
    f->room = id_make(FAKE_HUB_UNIX_US, &f->entropy);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(dtls_identity_new(&f->identity), 0);
    assert_int_equal(dtls_identity_new(&f->client_identity), 0);
    assert_int_equal(addr_parse_ip("192.0.2.10", 10000, &f->candidate), 0);
    const struct hub_config config = {.io = &io,
                                      .io_ctx = f,
                                      .entropy = f->entropy,
                                      .identity = f->identity,
                                      .candidates = &f->candidate,
                                      .candidate_count = 1,
                                      .unix_offset_us = FAKE_HUB_UNIX_US,
                                      .first_track = 3,
                                      .track_step = 4};
    assert_int_equal(hub_new(&f->hub, &config), 0);
    assert_int_equal(hub_room_open(f->hub, &f->room), 0);
    return f;
}

void fake_hub_forget(struct fake_hub *f)
{
    for (size_t i = 0; i < KEPT; i++) {
        media_event_clear(&f->events[i]);
        record_batch_free(f->batches[i]);
        f->batches[i] = NULL;
    }
    for (size_t i = 0; i < STILLS; i++) {
        still_batch_free(f->stills[i]);
        f->stills[i] = NULL;
    }
    f->event_count = f->batch_count = f->still_count = 0;
    while (f->mail_count > 0)
        mirror_message_clear(&f->mail[--f->mail_count].letter);
}

void fake_hub_free(struct fake_hub *f)
{
    fake_hub_forget(f);
    hub_free(f->hub);
    assert_int_equal(f->event_count + f->batch_count, 0); /* it goes in silence */
    for (size_t i = 0; i < f->client_count; i++)
        fake_client_free(f->clients[i]);
    dtls_identity_free(f->identity);
    dtls_identity_free(f->client_identity);
    free(f);
}

void fake_hub_pump(struct fake_hub *f)
{
    for (unsigned turns = 0; f->out_count > 0; turns++) {
        assert_true(turns < 1000);
        size_t count = f->out_count;
        struct fake_datagram *carried = calloc(count, sizeof *carried);
        assert_non_null(carried);
        memcpy(carried, f->out, count * sizeof *carried);
        f->out_count = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < f->client_count; k++)
                if (path_equal(&f->clients[k]->at, &carried[i].to))
                    fake_client_datagram(f->clients[k], carried[i].bytes, carried[i].len);
        free(carried);
    }
}

void fake_hub_run(struct fake_hub *f, uint64_t us)
{
    uint64_t until_us = f->now_us + us;
    fake_hub_pump(f);
    for (unsigned turns = 0; hub_deadline_us(f->hub) <= until_us; turns++) {
        assert_true(turns < 1000000);
        if (hub_deadline_us(f->hub) > f->now_us)
            f->now_us = hub_deadline_us(f->hub);
        hub_expire(f->hub, f->now_us);
        fake_hub_pump(f);
    }
    f->now_us = until_us;
}

size_t fake_hub_count(const struct fake_hub *f, enum media_event_type type)
{
    size_t count = 0;
    assert_true(f->event_count <= KEPT);
    for (size_t i = 0; i < f->event_count; i++)
        count += f->events[i].type == type;
    return count;
}

const struct media_event *fake_hub_last(const struct fake_hub *f, enum media_event_type type)
{
    for (size_t i = f->event_count; i-- > 0 && i + KEPT > f->event_count;)
        if (f->events[i % KEPT].type == type)
            return &f->events[i % KEPT];
    return NULL;
}

size_t fake_hub_items(const struct fake_hub *f, enum record_item_kind kind, uint64_t source)
{
    size_t count = 0;
    assert_true(f->batch_count <= KEPT);
    for (size_t i = 0; i < f->batch_count; i++)
        for (size_t k = 0; k < f->batches[i]->count; k++)
            count += f->batches[i]->items[k].kind == kind &&
                     (source == 0 || f->batches[i]->items[k].source == source);
    return count;
}

size_t fake_hub_steps(const struct fake_hub *f, enum record_step step)
{
    size_t count = 0;
    assert_true(f->batch_count <= KEPT);
    for (size_t i = 0; i < f->batch_count; i++)
        count += f->batches[i]->step == step;
    return count;
}
