// SPDX-License-Identifier: Apache-2.0
/* loupectl: backups of a data folder while louped uses it, and data folders made of them. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/er.h"
#include "server/backup_tar.h"
#include "server/main_ctl.h"

static int tell(const char *done, int er, const struct backup_told *told)
{
    if (er) {
        (void)fprintf(stderr, "loupectl: %s\n", told->why[0] ? told->why : er_name(er));
        return er == ER_INVALID ? 2 : 1;
    }
    (void)printf("%s %" PRIu64 " files, %" PRIu64 " bytes\n", done, told->files, told->bytes);
    if (told->lost)
        (void)fprintf(stderr,
                      "loupectl: %" PRIu64 " files are missing in the data folder itself: %s\n",
                      told->lost, told->why);
    return told->lost ? 1 : 0;
}

int ctl_backup(int argc, char **argv)
{
    static const char *const known[] = {"TO", "--data", "--database", "--blobs", NULL};
    struct ctl_flags f = {0};
    struct backup_told told;
    char data[PATH_MAX];
    (void)umask(077); /* also what is not complete is for nobody else */
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data") || !ctl_flag(&f, "TO"))
        return ctl_usage(stderr);
    if (!realpath(ctl_flag(&f, "--data"), data)) {
        (void)fprintf(stderr, "loupectl: %s: there is no such folder\n", ctl_flag(&f, "--data"));
        return 2;
    }
    const struct backup_from from = {
        .data = data, .database = ctl_flag(&f, "--database"), .blobs = ctl_flag(&f, "--blobs")};
    const char *to = ctl_flag(&f, "TO");
    int er = backup_is_tar(to) ? backup_tar_make(&from, to, clock_unix_us(), &told)
                               : backup_make(&from, to, clock_unix_us(), &told);
    return tell("backed up", er, &told);
}

int ctl_restore(int argc, char **argv)
{
    static const char *const known[] = {"FROM", "--data", NULL};
    struct ctl_flags f = {0};
    struct backup_told told;
    (void)umask(077);
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data") || !ctl_flag(&f, "FROM"))
        return ctl_usage(stderr);
    const char *from = ctl_flag(&f, "FROM"), *data = ctl_flag(&f, "--data");
    int er = backup_is_tar(from) ? backup_tar_restore(from, data, &told)
                                 : backup_restore(from, data, &told);
    return tell("restored", er, &told);
}
