// SPDX-License-Identifier: Apache-2.0
/* The checklists that come with the program: server/checklists/, as part of it. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/checklist.h"

/* clang-format off */
#define SHIP(name, file)                                                                           \
    __asm__(".pushsection .rodata\n"                                                               \
            "loupe_checklist_" #name ":\n"                                                         \
            ".incbin \"server/checklists/" file ".json\"\n"                                        \
            ".byte 0\n"                                                                            \
            ".global loupe_checklist_" #name "\n"                                                  \
            ".popsection\n");                                                                      \
    extern const char loupe_checklist_##name[];
/* clang-format on */

SHIP(handbag, "handbag")
SHIP(jewellery, "jewellery")
SHIP(phone, "phone")
SHIP(sneaker, "sneaker")
SHIP(trading_card, "trading-card")
SHIP(watch, "watch")

static const char *const texts[] = {loupe_checklist_handbag,      loupe_checklist_jewellery,
                                    loupe_checklist_phone,        loupe_checklist_sneaker,
                                    loupe_checklist_trading_card, loupe_checklist_watch};

size_t checklist_shipped_count(void)
{
    return sizeof texts / sizeof texts[0];
}

int checklist_shipped(size_t number, json_t **ret)
{
    json_t *body;
    const char *why;
    *ret = NULL;
    if (number >= checklist_shipped_count())
        return ER_INVALID;
    int er = json_parse(texts[number], strlen(texts[number]), &body, &why);
    if (er)
        return er;
    const char *id = json_text(body, "id", CHECKLIST_ID_BYTES - 1);
    json_int_t version = json_integer_value(json_object_get(body, "version"));
    er = checklist_id_ok(id) && version > 0 && version <= INT32_MAX
             ? checklist_make(body, id, (unsigned)version, ret, &why)
             : ER_MALFORMED;
    json_decref(body);
    return er;
}
