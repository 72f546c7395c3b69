// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a still's record, as an exported case's list, as a certificate and as published keys: each check comes to an
 * end, keys are written as they were read, and nothing verifies that nobody trusted signed. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/keys.h"
#include "server/seal/verify_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_documents(const char *text, size_t len)
{
    const struct verify_trust trust = {0};
    const struct merkle_hash jpeg = {{0}};
    struct report report;
    json_t *document = NULL;
    require(report_init(&report) == 0);
    verify_still(&report, &trust, text, len, &jpeg, 5, NULL);
    require(report_verdict(&report) != REPORT_VERIFIES);
    int er = verify_document(&report, &trust, VERIFY_EXPORT_FORMAT, VERIFY_EXPORT_CONTEXT, text,
                             len, &document);
    require((er == 0) == (document != NULL));
    json_decref(document);
    er = verify_certificate(&report, &trust, text, len, &document);
    require((er == 0) == (document != NULL));
    verify_certified(&report, document, &jpeg);
    require(report_verdict(&report) != REPORT_VERIFIES);
    json_decref(document);
    report_clear(&report);
}

static void check_keys(const json_t *document)
{
    struct keys *keys, *again;
    if (keys_parse(&keys, document))
        return;
    json_t *written = keys_json(keys);
    require(written && keys_parse(&again, written) == 0 && keys_count(again) == keys_count(keys));
    for (size_t i = 0; i < keys_count(keys); i++)
        require(keys_find(again, keys_at(keys, i)->public) == keys_at(again, i));
    keys_free(again);
    json_decref(written);
    keys_free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *why = NULL;
    json_t *document = NULL;
    check_documents(text, size);
    if (json_parse(text, size, &document, &why))
        return 0;
    check_keys(document);
    struct report report;
    require(report_init(&report) == 0);
    verify_timeline(&report, document);
    report_clear(&report);
    json_decref(document);
    return 0;
}
