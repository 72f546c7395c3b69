// SPDX-License-Identifier: Apache-2.0
/* Uploads of photographs in pieces, after the IETF's draft on resumable uploads (Upload-Offset,
 * Upload-Complete); the last piece carries the hash of all (Repr-Digest, RFC 9530). */
#include <openssl/evp.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api.h"
#include "server/calls.h"

void api_put_offset(struct api_call *c, const json_t *stands)
{
    const json_t *offset = json_object_get(stands, "offset");
    if (!offset)
        return;
    http_header_add(&c->response, "upload-offset", "%lld", (long long)json_integer_value(offset));
    http_header_add(&c->response, "upload-complete",
                    json_is_true(json_object_get(stands, "complete")) ? "?1" : "?0");
    http_header_add(&c->response, "cache-control", "no-store");
}

static void on_piece(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    api_put_offset(c, body);
    if (er == ER_STALE) {
        api_problem(c, 409, why);
    } else if (er == ER_FULL) {
        api_problem(c, 413, why);
    } else if (er) {
        api_problem_er(c, er, why);
    } else if (json_object_get(body, "offset")) {
        c->response.status = 204;
    } else {
        json_t *still = json_deep_copy(body);
        if (still)
            (void)api_still_sign(&c->app->media_key, still, c->claims.identity,
                                 c->unix_us / 1000000);
        api_json(c, 200, still);
    }
    api_answer(c);
}

void api_photo_look(struct api_call *c)
{
    const struct calls_photo_piece look = {.only_look = true};
    calls_photo_piece(c->app->calls, &c->claims, c->params.values[0], &look, on_piece, c);
}

/** sha-256=:<base64>: among the digests of the header. */
static bool digest_read(const char *header, uint8_t ret[32])
{
    static const char name[] = "sha-256=:";
    const char *at = header ? strstr(header, name) : NULL;
    uint8_t bytes[33];
    if (!at)
        return false;
    at += sizeof name - 1;
    if (strnlen(at, 45) < 45 || at[43] != '=' || at[44] != ':' ||
        EVP_DecodeBlock(bytes, (const uint8_t *)at, 44) != 33)
        return false;
    memcpy(ret, bytes, 32);
    return true;
}

static bool type_fits(const struct http_request *r)
{
    struct span rest = span_of(r->content_type ? r->content_type : "");
    struct span type = span_trim(span_cut(&rest, ';'));
    return span_equal_nocase(type, "application/partial-upload") ||
           span_equal_nocase(type, "application/offset+octet-stream");
}

/** What is wrong with the request, or NULL. */
static const char *piece_read(const struct http_request *r, struct calls_photo_piece *ret)
{
    *ret = (struct calls_photo_piece){.data = r->body, .len = r->body_len};
    if (!r->upload_offset || span_u64(span_of(r->upload_offset), INT64_MAX, &ret->offset))
        return "Upload-Offset: a number is needed";
    const char *complete = r->upload_complete ? r->upload_complete : "?0";
    ret->complete = strcmp(complete, "?1") == 0;
    if (!ret->complete && strcmp(complete, "?0") != 0)
        return "Upload-Complete: ?0 or ?1";
    char place[8];
    int er = http_query(r, "place", place, sizeof place);
    if (er == 0 ? strcmp(place, "keep") != 0 : er != ER_NOT_FOUND)
        return "place: keep";
    ret->keep_place = er == 0;
    if (ret->complete && !digest_read(r->repr_digest, ret->sha256))
        return "Repr-Digest: sha-256 is needed with the last piece";
    return NULL;
}

bool api_piece_taken(struct api_call *c, struct calls_photo_piece *ret)
{
    const char *wrong = NULL;
    if (!type_fits(c->request))
        api_problem(c, 415, "a piece is taken as application/partial-upload");
    else if ((wrong = piece_read(c->request, ret)) != NULL)
        api_problem(c, 400, wrong);
    else
        return true;
    return false;
}

void api_photo_piece(struct api_call *c)
{
    struct calls_photo_piece piece;
    if (!api_piece_taken(c, &piece)) {
        api_answer(c);
        return;
    }
    calls_photo_piece(c->app->calls, &c->claims, c->params.values[0], &piece, on_piece, c);
}
