// SPDX-License-Identifier: Apache-2.0
/* The description of the interface, server/openapi.json, as part of the program. */
#include <stdlib.h>
#include <string.h>

#include "server/api.h"

/* clang-format off */
__asm__(".pushsection .rodata\n"
        ".global loupe_openapi_text\n"
        "loupe_openapi_text:\n"
        ".incbin \"server/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");
/* clang-format on */
extern const char loupe_openapi_text[];

void api_openapi(struct api_call *c)
{
    http_body_take(&c->response, 200, "application/json", strdup(loupe_openapi_text));
    http_header_add(&c->response, "cache-control", "no-cache");
    api_answer(c);
}
