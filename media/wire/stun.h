// SPDX-License-Identifier: Apache-2.0
/* STUN (RFC 8489) as far as ICE connectivity checks (RFC 8445) need it: Binding requests,
 * success and error responses, with MESSAGE-INTEGRITY (HMAC-SHA1) and FINGERPRINT. */
#ifndef LOUPE_MEDIA_WIRE_STUN_H
#define LOUPE_MEDIA_WIRE_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

enum stun_type {
    STUN_BINDING_REQUEST = 0x0001,
    STUN_BINDING_INDICATION = 0x0011,
    STUN_BINDING_SUCCESS = 0x0101,
    STUN_BINDING_ERROR = 0x0111,
};

#define STUN_TRANSACTION_BYTES 12

/** A parsed message. Spans and pointers borrow from the parsed bytes. */
struct stun_message {
    uint16_t type;
    uint8_t transaction[STUN_TRANSACTION_BYTES];
    struct span username; /* at == NULL: absent */
    bool has_priority;
    uint32_t priority;
    bool use_candidate;
    bool ice_controlling;
    bool ice_controlled;
    uint64_t tie_breaker;
    bool has_mapped; /* XOR-MAPPED-ADDRESS, decoded */
    struct addr mapped;
    uint16_t error_code;       /* 0: no ERROR-CODE */
    uint16_t unknown_required; /* first comprehension-required attribute we do not know; 0: none */
    size_t integrity_at;       /* offset of MESSAGE-INTEGRITY; 0: absent */
    bool has_fingerprint;      /* present; it was checked: a wrong one is ER_MALFORMED */
};

/** Cheap test of RFC 7983: could these bytes be STUN (first two bits zero, cookie, length)? */
bool stun_looks_like(const uint8_t *data, size_t len);
/** 0, ER_TRUNCATED or ER_MALFORMED. Attributes behind MESSAGE-INTEGRITY other than FINGERPRINT are
 *  ignored. Does not check the integrity: see stun_check_integrity. */
int stun_parse(const uint8_t *data, size_t len, struct stun_message *ret);
/** 0 when the HMAC-SHA1 over the message with `password` fits; ER_UNAUTHENTIC when it does not or
 *  is absent. `data` and `len` are what `msg` was parsed from. Constant-time comparison. */
int stun_check_integrity(const uint8_t *data, size_t len, const struct stun_message *msg,
                         const char *password);

/* Writers return the length written, or a negative error (ER_TRUNCATED: `size` is too small, or the
 * message is longer than a datagram). All close with MESSAGE-INTEGRITY under `password` and
 * FINGERPRINT. */

/** Binding success with XOR-MAPPED-ADDRESS `mapped`. */
int stun_write_success(uint8_t *buf, size_t size, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                       const struct addr *mapped, const char *password);
/** Binding error response; `unknown_attribute` (0: none) adds UNKNOWN-ATTRIBUTES.
 *  `password` NULL: without integrity (RFC 8489, 9.1.3: 400 and 401 carry none). */
int stun_write_error(uint8_t *buf, size_t size, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                     unsigned code, const char *reason, uint16_t unknown_attribute,
                     const char *password);

/** What a full ICE agent puts into its check (used by clients: tests, bench, cascade). */
struct stun_request {
    uint8_t transaction[STUN_TRANSACTION_BYTES];
    const char *username; /* "remote:local" */
    uint32_t priority;
    uint64_t tie_breaker;
    bool controlling;
    bool use_candidate;
};
int stun_write_request(uint8_t *buf, size_t size, const struct stun_request *req,
                       const char *password);

#endif
