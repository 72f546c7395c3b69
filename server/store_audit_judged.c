// SPDX-License-Identifier: Apache-2.0
/* What a case was judged by, and certified as, against what its events say. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/store_audit_impl.h"
#include "server/store_certificates.h"
#include "server/store_checklists.h"

static int check_pins(struct audit *a)
{
    const char *hash;
    json_t *told;
    int er = 0;
    json_object_foreach(a->tale.pins, hash, told)
    {
        json_t *document = NULL;
        char is[STORE_HASH_BYTES] = "";
        if (er)
            break;
        er = store_checklist_kept(a->store, hash, &document);
        audit_at(a, "checklists_kept", hash, NULL);
        if (er == ER_NOT_FOUND)
            audit_wrong(a, "there is no such row, but the timeline tells of it");
        else if (!er)
            er = checklist_hash(document, is);
        if (!er && strcmp(is, hash) != 0)
            audit_wrong(a, "the checklist is not the one that was pinned");
        er = er == ER_NOT_FOUND ? 0 : er;
        json_decref(document);
    }
    return er;
}

static void check_certificate(void *ctx, const struct store_certificate *c)
{
    struct audit *a = ctx;
    json_t *told = json_object_get(a->tale.certificates, c->id.text);
    audit_at(a, "certificates", c->id.text, NULL);
    if (!told) {
        audit_wrong(a, "the timeline knows of no such row");
        return;
    }
    const char *number = json_text(told, "number", CERTIFICATE_NUMBER_BYTES);
    if (!number || strcmp(number, c->number) != 0)
        audit_wrong(a, "number is not what the timeline says");
    if ((uint64_t)json_integer_value(json_object_get(told, "event")) != c->seq)
        audit_wrong(a, "seq is not that of the event that tells of it");
    (void)json_object_set_new(told, "there", json_true());
}

int audit_judged(struct audit *a)
{
    const char *id;
    json_t *told;
    int er = check_pins(a);
    if (!er)
        er = store_certificates_of_case(a->store, &a->case_id, check_certificate, a);
    json_object_foreach(a->tale.certificates, id, told)
    {
        audit_at(a, "certificates", id, NULL);
        if (!er && !json_is_true(json_object_get(told, "there")))
            audit_wrong(a, "there is no such row, but the timeline tells of it");
    }
    return er;
}
