// SPDX-License-Identifier: Apache-2.0
/* louped, the server. */
#include "server/app.h"

int main(int argc, char **argv)
{
    return app_main(argc, argv);
}
