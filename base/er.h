// SPDX-License-Identifier: Apache-2.0
/* The errors of the whole project: one enum, so that a caller can pass on what it got. */
#ifndef LOUPE_BASE_ER_H
#define LOUPE_BASE_ER_H

/** Functions that can fail return 0 or one of these. "Ignored" outcomes are errors of their own,
 *  so that a caller can count what was dropped and why. */
enum er {
    ER_OK = 0,
    ER_NOMEM = -1,       /**< an allocation failed */
    ER_FULL = -2,        /**< a bound of base/limits.h is reached */
    ER_MALFORMED = -3,   /**< bytes that break their format */
    ER_TRUNCATED = -4,   /**< the input ends too early, or the output buffer is too small */
    ER_UNSUPPORTED = -5, /**< well formed, but not something we do */
    ER_UNAUTHENTIC = -6, /**< an integrity check failed */
    ER_STALE = -7,       /**< a replay, a duplicate or something too old */
    ER_IO = -8,          /**< the operating system refused */
    ER_NOT_FOUND = -9,   /**< no such thing */
    ER_DENIED = -10,     /**< known, but not allowed */
    ER_CONFLICT = -11,   /**< the state does not allow it */
    ER_AGAIN = -12,      /**< nothing to do now; come back later */
    ER_INVALID = -13,    /**< an argument out of its range */
    ER_CLOSED = -14,     /**< the other end is gone */
    ER_INTERNAL = -15,   /**< a library failed in a way that should not happen */
};

/** A short, stable, lower-case name ("malformed") for logs, metrics and protocol errors.
 *  Never NULL; an unknown value gives "unknown". */
const char *er_name(int er);

#endif
