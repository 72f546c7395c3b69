// SPDX-License-Identifier: Apache-2.0
// Any bytes as an exported case: what is taken for an archive reads back as the same bytes, the check comes
// to an end, and nothing verifies that nobody trusted signed.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/seal/verify_case.h"
#include "server/seal/zip.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int read_input(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    const struct input *in = ctx;
    size_t left = at < in->size ? in->size - (size_t)at : 0;
    *ret_len = size < left ? size : left;
    if (*ret_len)
        memcpy(ret_bytes, in->data + at, *ret_len);
    return 0;
}

static void check_archive(const struct matroska_source *source, size_t size)
{
    struct zip *zip;
    uint64_t at;
    int er = zip_open(&zip, source, size, &at);
    require(er == 0 || (er == ER_UNSUPPORTED && at <= size));
    if (er)
        return;
    require(zip_size(zip) == size);
    uint64_t end = 0;
    for (size_t i = 0; i < zip_count(zip); i++) {
        const struct zip_entry *e = zip_at(zip, i);
        require(e->at > end && e->at + e->size <= size && zip_find(zip, e->name) == e);
        end = e->at + e->size;
    }
    zip_free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct matroska_source source = {.read = read_input, .ctx = &in};
    const struct verify_trust trust = {0};
    struct report report;
    check_archive(&source, size);
    require(report_init(&report) == 0);
    verify_case(&report, &trust, &source, size);
    require(report_verdict(&report) != REPORT_VERIFIES);
    report_clear(&report);
    return 0;
}
