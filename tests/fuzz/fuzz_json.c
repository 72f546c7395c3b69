// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JSON message: what is taken in comes out in a canonical form that is taken in
// again as the same value, and typed access keeps to its bounds.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_access(const json_t *object)
{
    static const char *const keys[] = {"type", "id", "sdp", "n", ""};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = json_text(object, keys[i], 16);
        require(!text || (strlen(text) <= 16 && utf8_is_clean(text, strlen(text))));
        int64_t v = 0;
        int er = json_int(object, keys[i], -100, 100, &v);
        require(er == ER_NOT_FOUND || er == ER_MALFORMED || (er == 0 && v >= -100 && v <= 100));
        (void)json_flag(object, keys[i], true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value;
    const char *why = NULL;
    int er = json_parse((const char *)data, size, &value, &why);
    if (er < 0) {
        require(!value && why);
        return 0;
    }
    require(json_is_object(value));
    check_access(value);
    char *text = json_canonical(value);
    require(text != NULL);
    json_t *again;
    require(json_parse(text, strlen(text), &again, NULL) == 0);
    char *text_again = json_canonical(again);
    require(text_again && strcmp(text, text_again) == 0);
    free(text_again);
    json_decref(again);
    free(text);
    json_decref(value);
    return 0;
}
