// SPDX-License-Identifier: Apache-2.0
// Any JSON as a checklist and as an opinion on one: what is taken is taken again as the same, with the same hash,
// and nothing that was not asked for gets into it.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/certificate.h"
#include "server/checklist.h"
#include "server/examination.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_checklist(const json_t *body)
{
    json_t *made, *again;
    const char *why;
    char a[CHECKLIST_HASH_BYTES], b[CHECKLIST_HASH_BYTES];
    int er = checklist_make(body, "goods", 2, &made, &why);
    require(er == 0 || (er == ER_MALFORMED && !made && why[0]));
    if (er)
        return;
    require(checklist_make(made, "goods", 2, &again, &why) == 0 && json_equal(made, again));
    require(checklist_hash(made, a) == 0 && checklist_hash(again, b) == 0 && strcmp(a, b) == 0);
    json_t *missing = examination_lacks(NULL, made, EXAMINATION_NOTE);
    require(json_array_size(missing) <= json_array_size(json_object_get(made, "points")));
    json_decref(missing);
    json_decref(again);
    json_decref(made);
}

static void try_opinion(const json_t *body)
{
    const struct id case_id = {"01hzzzzzzzzzzzzzzzzzzzzzz1"};
    char hash[STORE_HASH_BYTES];
    struct refusal why = {0};
    json_t *checklist = json_pack("{s:[{s:s}]}", "points", "id", "logo");
    int er = examination_opinion_check(body, checklist, &why);
    require(er == 0 || (er == ER_MALFORMED && why.why[0]));
    require(examination_commitment(&case_id, "ann", body, hash) == 0 && strlen(hash) == 64);
    refusal_clear(&why);
    json_decref(checklist);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *body;
    char number[CERTIFICATE_NUMBER_BYTES], *text = strndup((const char *)data, size);
    if (certificate_number_parse(text, number) == 0)
        require(strlen(number) == CERTIFICATE_NUMBER_BYTES - 1);
    free(text);
    if (json_parse((const char *)data, size, &body, NULL))
        return 0;
    try_checklist(body);
    try_opinion(body);
    json_decref(body);
    return 0;
}
