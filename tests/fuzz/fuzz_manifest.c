// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest: what is taken in has frames in order and within its seconds, and a check of it
// comes to an end; nothing verifies that nobody trusted signed.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/seal/verify.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_form(const struct manifest *m)
{
    require(m->frame_count > 0 && m->second_count > 0);
    for (size_t i = 0; i < m->frame_count; i++) {
        const struct seal_frame *f = &m->frames[i];
        const struct manifest_second *s = &m->seconds[f->at_ms / 1000];
        require(f->at_ms / 1000 < m->second_count);
        require(i >= s->first && i < s->first + s->count);
        require(i == 0 || f[-1].at_ms < f->at_ms ||
                (f[-1].at_ms == f->at_ms && f[-1].track < f->track));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct verify_trust trust = {0};
    struct report report;
    struct manifest m;
    struct matroska_file none = {.wrong = "nothing there"};
    require(report_init(&report) == 0);
    if (verify_manifest(&report, &trust, (const char *)data, size, &m) == 0) {
        check_form(&m);
        verify_media(&report, &m, &none, ER_MALFORMED, false);
    }
    require(report_verdict(&report) != REPORT_VERIFIES);
    manifest_clear(&m);
    report_clear(&report);
    return 0;
}
