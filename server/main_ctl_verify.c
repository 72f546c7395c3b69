// SPDX-License-Identifier: Apache-2.0
/* loupectl: the whole store checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/main_ctl.h"

struct fsck {
    struct id *ids;
    size_t count, size;
    bool failed;
};

static void fsck_case(void *ctx, const struct store_case *c)
{
    struct fsck *k = ctx;
    if (k->count == k->size) {
        size_t size = k->size ? k->size * 2 : 256;
        struct id *ids = realloc(k->ids, size * sizeof *ids);
        if (!ids) {
            k->failed = true;
            return;
        }
        k->ids = ids;
        k->size = size;
    }
    k->ids[k->count++] = c->id;
}

/** The ids of all cases, page by page. */
static int fsck_collect(struct store *s, struct fsck *k)
{
    struct store_case_filter f = {.limit = LIMIT_PAGE_ITEMS};
    for (;;) {
        size_t before = k->count;
        int er = store_cases_list(s, &f, fsck_case, k);
        if (er || k->failed)
            return er ? er : ER_NOMEM;
        if (k->count == before)
            return 0;
        f.before = k->ids[k->count - 1];
    }
}

static int fsck_store(struct store *s)
{
    char why[512] = "";
    struct fsck k = {0};
    size_t bad = 0;
    int er = store_check(s, why, sizeof why);
    (void)printf("database: %s\n", er ? why : "ok");
    if (!er)
        er = fsck_collect(s, &k);
    for (size_t i = 0; !er && i < k.count; i++) {
        uint64_t seq;
        int chain = store_chain_verify(s, &k.ids[i], &seq);
        if (!chain)
            continue;
        bad++;
        (void)printf("case %s: broken at event %llu (%s)\n", k.ids[i].text, (unsigned long long)seq,
                     er_name(chain));
    }
    if (!er)
        (void)printf("cases: %zu, broken chains: %zu\n", k.count, bad);
    free(k.ids);
    return er || bad ? 1 : 0;
}

int ctl_fsck(int argc, char **argv)
{
    static const char *const known[] = {"--data", NULL};
    struct ctl_flags f = {0};
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    int code = s ? fsck_store(s) : 1;
    store_close(s);
    return code;
}
