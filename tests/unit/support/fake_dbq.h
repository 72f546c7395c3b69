// SPDX-License-Identifier: Apache-2.0
/* server/dbq.h in one thread, for tests. */
#ifndef LOUPE_TESTS_FAKE_DBQ_H
#define LOUPE_TESTS_FAKE_DBQ_H

#include <stdbool.h>

#include "server/dbq.h"

/** Further jobs are refused. */
void fake_dbq_full(struct dbq *q, bool full);

#endif
