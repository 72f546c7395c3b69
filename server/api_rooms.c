// SPDX-License-Identifier: Apache-2.0
/* What REST asks of a live room: passed on to the conductor, answered when it has. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api.h"
#include "server/calls.h"

static void finish(struct api_call *c, int status, int er, const char *why, const json_t *body)
{
    if (er == ER_FULL) {
        http_header_add(&c->response, "retry-after", "1");
        api_problem(c, 429, why);
    } else if (er) {
        api_problem_er(c, er, why);
    } else if (!body) {
        c->response.status = 204;
    } else {
        api_json(c, status, json_deep_copy(body));
    }
    api_answer(c);
}

/** Clips get their addresses here: each viewer's own. */
static void finish_clip(struct api_call *c, int status, int er, const char *why, const json_t *body)
{
    json_t *clip = er || !body ? NULL : json_deep_copy(body);
    if (clip && !json_object_get(clip, "media_url"))
        (void)api_clip_sign(&c->app->media_key, clip, true, c->claims.identity,
                            c->unix_us / 1000000);
    finish(c, status, er, why, clip);
    json_decref(clip);
}

static void on_viewed(void *ctx, int er, const char *why, const json_t *body)
{
    finish(ctx, 200, er, why, body);
}

static void on_clip_started(void *ctx, int er, const char *why, const json_t *body)
{
    finish_clip(ctx, 201, er, why, body);
}

static void on_clip_stopped(void *ctx, int er, const char *why, const json_t *body)
{
    finish_clip(ctx, 200, er, why, body);
}

static void on_still(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    json_t *still = er || !body ? NULL : json_deep_copy(body);
    if (still)
        (void)api_still_sign(&c->app->media_key, still, c->claims.identity, c->unix_us / 1000000);
    finish(c, 201, er, why, still);
    json_decref(still);
}

static void on_consent(void *ctx, int er, const char *why, const json_t *body)
{
    finish(ctx, 200, er, why, body);
}

void api_room_get(struct api_call *c)
{
    calls_room_view(c->app->calls, &c->claims, c->params.values[0], on_viewed, c);
}

/** An optional text; false: the problem has been answered. */
static bool optional(struct api_call *c, const char *name, size_t max, const char **ret)
{
    *ret = json_text(c->body, name, max);
    if (*ret || !json_object_get(c->body, name))
        return true;
    api_problem(c, 400, "`publisher` or `label` is no text, or too long");
    api_answer(c);
    return false;
}

static void start_clip(struct api_call *c, int64_t seconds, bool ends)
{
    const char *publisher, *label;
    const struct calls_past past = {.seconds = (unsigned)seconds, .ends = ends};
    if (!optional(c, "publisher", LIMIT_IDENTITY, &publisher) ||
        !optional(c, "label", LIMIT_NAME, &label))
        return;
    calls_clip_start_past(c->app->calls, &c->claims, c->params.values[0], publisher, label, &past,
                          on_clip_started, c);
}

void api_room_clip(struct api_call *c)
{
    int64_t seconds = 0;
    if (json_object_get(c->body, "preroll_seconds") &&
        json_int(c->body, "preroll_seconds", 0, LIMIT_LOOKBACK_SECONDS, &seconds)) {
        api_problem(c, 400, "`preroll_seconds` is no number of seconds that could be kept");
        api_answer(c);
        return;
    }
    start_clip(c, seconds, false);
}

void api_room_lookback(struct api_call *c)
{
    int64_t seconds;
    if (json_int(c->body, "seconds", 1, LIMIT_LOOKBACK_SECONDS, &seconds)) {
        api_problem(c, 400, "`seconds` is no number of seconds that could be kept");
        api_answer(c);
        return;
    }
    start_clip(c, seconds, true);
}

void api_room_still(struct api_call *c)
{
    const char *publisher, *label;
    if (!optional(c, "publisher", LIMIT_IDENTITY, &publisher) ||
        !optional(c, "label", LIMIT_NAME, &label))
        return;
    calls_still(c->app->calls, &c->claims, c->params.values[0], publisher, label, on_still, c);
}

void api_clip_stop(struct api_call *c)
{
    calls_clip_stop(c->app->calls, &c->claims, c->params.values[0], on_clip_stopped, c);
}

void api_clip_trim(struct api_call *c)
{
    int64_t from_ms, to_ms;
    if (json_int(c->body, "from_ms", 0, LIMIT_CLIP_SECONDS * INT64_C(1000), &from_ms) ||
        json_int(c->body, "to_ms", from_ms + 1, LIMIT_CLIP_SECONDS * INT64_C(2000), &to_ms)) {
        api_problem(c, 400, "`from_ms` and, behind it, `to_ms` are milliseconds of the clip");
        api_answer(c);
        return;
    }
    calls_clip_trim(c->app->calls, &c->claims, c->params.values[0], (uint64_t)from_ms,
                    (uint64_t)to_ms, on_clip_started, c);
}

void api_room_consent(struct api_call *c)
{
    const json_t *recording = json_object_get(c->body, "recording");
    if (!json_is_boolean(recording)) {
        api_problem(c, 400, "`recording` is true or false");
        api_answer(c);
        return;
    }
    calls_consent(c->app->calls, &c->claims, c->params.values[0], json_is_true(recording),
                  on_consent, c);
}
