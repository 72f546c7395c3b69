// SPDX-License-Identifier: Apache-2.0
/* loupectl: webhooks. A server that runs takes up what has changed within a second or so. */
#include <stdio.h>

#include "base/clock.h"
#include "base/er.h"
#include "server/auth.h"
#include "server/ctl_hooks.h"
#include "server/main_ctl.h"

int ctl_webhooks(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--merchant", "--url",         "--types", "--id",
                                        "--case", "--delivery", "--description", NULL};
    struct ctl_flags f = {0};
    if (argc < 1 || ctl_flags_read(&f, argc - 1, argv + 1, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    if (!s)
        return 1;
    const char *merchant = ctl_flag(&f, "--merchant"), *why = NULL;
    const struct ctl_hooks args = {.merchant = merchant ? merchant : AUTH_MERCHANT_DEFAULT,
                                   .url = ctl_flag(&f, "--url"),
                                   .types = ctl_flag(&f, "--types"),
                                   .description = ctl_flag(&f, "--description"),
                                   .id = ctl_flag(&f, "--id"),
                                   .delivery = ctl_flag(&f, "--delivery"),
                                   .case_id = ctl_flag(&f, "--case")};
    int er = ctl_hooks_run(s, argv[0], &args, clock_unix_us(), stdout, &why);
    store_close(s);
    if (er)
        (void)fprintf(stderr, "loupectl: webhooks %s: %s\n", argv[0], why ? why : er_name(er));
    return er == ER_INVALID ? 2 : er != 0;
}
