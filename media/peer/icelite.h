// SPDX-License-Identifier: Apache-2.0
/* The lite side of ICE (RFC 8445, 2.4 and 6.1.1; RFC 8839): answers connectivity checks, knows which
 * addresses are validated and which one is nominated, and notices when consent lapses (RFC 7675). */
#ifndef LOUPE_MEDIA_PEER_ICELITE_H
#define LOUPE_MEDIA_PEER_ICELITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/str.h"
#include "media/peer/path.h"
#include "media/wire/stun.h"

#define ICE_UFRAG_LEN 8
#define ICE_PWD_LEN 24
#define ICE_REMOTE_MAX 256
#define ICE_SILENT_US 6000000u /* a selected path without checks for so long may be replaced */
#define ICE_PATHS 8 /* validated addresses remembered; the one longest silent gives way */

struct icelite_path {
    struct path path;
    uint64_t last_check_us; /* 0: free */
};

/** A value; embed it. */
struct icelite {
    char mark; /* what our ufrags begin with; 0: any letter */
    char ufrag[ICE_UFRAG_LEN + 1];
    char pwd[ICE_PWD_LEN + 1];
    char remote_ufrag[ICE_REMOTE_MAX + 1];
    char remote_pwd[ICE_REMOTE_MAX + 1];
    struct icelite_path paths[ICE_PATHS];
    bool has_selected;
    bool restarted; /* no check under the new credentials yet */
    bool nominated; /* the selected path came by USE-CANDIDATE */
    struct path selected;
    uint64_t last_check_us; /* of any path */
};

enum ice_outcome {
    ICE_NOTHING,   /* answered, nothing new */
    ICE_VALIDATED, /* the path is validated now (DTLS may come from it); the selected one stays */
    ICE_SELECTED,  /* the path is the selected one now: first validated, or nominated */
};

/** The letter that begins the ufrags of a worker (less than LIMIT_WORKERS), so that the first message
 *  of a TCP connection says whose it is without a table that workers share. */
char icelite_mark(unsigned worker);
/** The worker of a letter, or -1. */
int icelite_marked(char mark);

/** Fresh local credentials; remote ones empty. `mark`: what our ufrags begin with; 0: any letter. */
void icelite_init(struct icelite *ice, char mark, const struct entropy *entropy);
/** Fresh local credentials for an ICE restart (RFC 8445, 9); validated paths stay usable until the
 *  first check under the new credentials is answered. */
void icelite_restart(struct icelite *ice, const struct entropy *entropy);
/** 0, or ER_INVALID (length out of RFC 8839's bounds: ufrag 4..256, pwd 22..256). */
int icelite_set_remote(struct icelite *ice, struct span ufrag, struct span pwd);

/** A Binding request whose USERNAME begins with our ufrag. Checks the full "ours:theirs" pair and
 *  MESSAGE-INTEGRITY, then writes the response into `reply`: success, or an error (420 unknown
 *  attribute, 487 role conflict: RFC 8489, 6.3.1 and RFC 8445, 7.3.1.1) that changes nothing.
 *  The latest check with USE-CANDIDATE selects its path; one without selects only when no path is
 *  selected, or the selected one has been silent for ICE_SILENT_US.
 *  Returns the response's length (> 0), or ER_UNAUTHENTIC, ER_MALFORMED (not a request),
 *  ER_TRUNCATED: nothing changed, nothing to send. */
int icelite_check(struct icelite *ice, uint64_t now_us, const struct path *from,
                  const uint8_t *data, size_t len, const struct stun_message *msg, uint8_t *reply,
                  size_t reply_size, enum ice_outcome *ret_outcome);

bool icelite_is_valid_path(const struct icelite *ice, const struct path *path);
/** Nothing can be sent on this path any more (a TCP connection ended). When it was the selected one,
 *  the valid path that was checked last takes its place; true then, and when there is none. */
bool icelite_drop_path(struct icelite *ice, const struct path *path);
/** When consent lapses if no further check comes: last check + LIMIT_CONSENT_TIMEOUT_US; UINT64_MAX
 *  before the first. */
uint64_t icelite_consent_deadline_us(const struct icelite *ice);

#endif
