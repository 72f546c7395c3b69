// SPDX-License-Identifier: Apache-2.0
/* Attachments against the timeline, and their files against both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/file.h"
#include "base/str.h"
#include "server/store_attachments.h"
#include "server/store_audit_impl.h"

enum { PIECE = 1 << 18 };

static void same(struct audit *a, const char *column, const char *is, const json_t *told,
                 const char *member)
{
    const char *text = json_string_value(json_object_get(told, member));
    if (!text || strcmp(is, text) != 0)
        audit_wrong(a, "%s is \"%.60s\", but the timeline says \"%.60s\"", column, is,
                    text ? text : "nothing");
}

static int hash_file(struct audit *a, const char *name, char ret[STORE_HASH_BYTES],
                     uint64_t *ret_bytes)
{
    struct digest digest;
    uint8_t hash[DIGEST_BYTES], *piece = malloc(PIECE);
    struct file *f = NULL;
    size_t len = 1;
    int er = piece ? file_open(&f, a->config->vault, name) : ER_NOMEM;
    digest_begin(&digest);
    for (*ret_bytes = 0; er == 0 && len > 0; *ret_bytes += len) {
        er = file_read_at(f, *ret_bytes, piece, PIECE, &len);
        if (er == 0 && len > 0)
            digest_add(&digest, piece, len);
    }
    digest_end(&digest, hash);
    hex_encode(ret, hash, sizeof hash);
    file_close(f);
    free(piece);
    return er;
}

static void check_file(struct audit *a, const struct store_attachment *at)
{
    char name[STORE_PATH_BYTES + 24], hex[STORE_HASH_BYTES];
    uint64_t bytes;
    (void)snprintf(name, sizeof name, "%s%s", at->path, STORE_ATTACHMENT_SUFFIX);
    int er = hash_file(a, name, hex, &bytes);
    if (er)
        audit_cannot_read(a, STORE_ATTACHMENT_SUFFIX, er);
    else if (strcmp(hex, at->sha256) != 0 || bytes != at->bytes)
        audit_wrong(a, "sha256 or bytes is not that of its file");
}

static void check_attachment(void *ctx, const struct store_attachment *at)
{
    struct audit *a = ctx;
    json_t *told = json_object_get(a->tale.attachments, at->id.text);
    const char *type = attachment_media_type(at->type);
    audit_at(a, "attachments", at->id.text, NULL);
    a->config->attachments++;
    if (!told) {
        audit_wrong(a, "the timeline knows of no such row");
        return;
    }
    if (json_is_true(json_object_get(told, "gone")))
        audit_wrong(a, "the timeline says that it was deleted");
    (void)json_object_set_new(told, "there", json_true());
    same(a, "merchant", at->merchant, a->tale.opened, "merchant");
    same(a, "name", at->name, told, "name");
    same(a, "type", type ? type : "", told, "content_type");
    same(a, "sha256", at->sha256, told, "sha256");
    same(a, "added_by", at->added_by, told, "by");
    if (at->bytes != (uint64_t)json_integer_value(json_object_get(told, "bytes")))
        audit_wrong(a, "bytes is not what the timeline says");
    if (at->added_us != (uint64_t)json_integer_value(json_object_get(told, "at_us")))
        audit_wrong(a, "added_us is not when the timeline says");
    if (at->visible != json_is_true(json_object_get(told, "visible")))
        audit_wrong(a, "visible is not what the timeline says");
    check_file(a, at);
}

int audit_attachments(struct audit *a)
{
    int er = store_attachments_of_case(a->store, &a->case_id, true, check_attachment, a);
    audit_missing(a, "attachments", a->tale.attachments);
    return er;
}
