// SPDX-License-Identifier: Apache-2.0
/* louped, the server. */
#include <sys/stat.h>

#include "server/app.h"

int main(int argc, char **argv)
{
    (void)umask(077); /* what it keeps of people is for nobody else on the machine */
    return app_main(argc, argv);
}
