// SPDX-License-Identifier: Apache-2.0
/* The settings: flags over environment over file, by one table of keys. */
#ifndef LOUPE_SERVER_CONFIG_H
#define LOUPE_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "server/pace.h"

#define CONFIG_TEXT_BYTES 512
#define CONFIG_LIST_MAX 32

/** A setting given several times. */
struct config_list {
    size_t count;
    char *items[CONFIG_LIST_MAX]; /* owned */
};

struct config {
    char file[CONFIG_TEXT_BYTES]; /* --config */
    char data[CONFIG_TEXT_BYTES];
    struct addr http;
    struct addr media;
    struct addr media_tcp;
    bool has_media_tcp; /* else no media over TCP */
    unsigned workers;   /* 0: as many as processors */
    bool media_realtime;
    struct config_list public_addresses; /* IP addresses, checked */
    struct config_list api_keys;         /* "ID:SECRET", checked */
    struct config_list allowed_origins;
    struct config_list stun_urls, turn_urls; /* checked */
    char turn_secret[CONFIG_TEXT_BYTES];     /* shared with the TURN servers */
    unsigned turn_ttl_seconds;
    char tls_cert[CONFIG_TEXT_BYTES], tls_key[CONFIG_TEXT_BYTES];
    char database[CONFIG_TEXT_BYTES];            /* "" : <data>/loupe.db */
    char blobs[CONFIG_TEXT_BYTES];               /* "" : <data>/clips */
    char storage_key_file[CONFIG_TEXT_BYTES];    /* keys of what is recorded; "" : plain */
    char storage_key[CONFIG_TEXT_BYTES];         /* or the keys themselves */
    char timestamp_authority[CONFIG_TEXT_BYTES]; /* "" : none */
    char web[CONFIG_TEXT_BYTES];                 /* folder of the pages; "" : look for it */
    char public_url[CONFIG_TEXT_BYTES];          /* base of links; "" : from `http` */
    bool demo, check, version, help;
    bool allow_plain_http;
    char webhook_authorities[CONFIG_TEXT_BYTES]; /* "" : the system's */
    bool webhook_private; /* they may go to http:// and to private addresses */
    bool log_json;
    enum log_level log_level;
    unsigned min_free_mib; /* where clips go; 0: never mind */
    unsigned drain_seconds;
    unsigned ring_seconds, wrap_up_seconds;
    unsigned lookback_seconds;
    struct pace_limits rates; /* how often anybody may ask */
};

/** Fill in defaults, then file, environment (`environ`-like, NULL-terminated, may be NULL) and
 *  flags. 0, or ER_INVALID (exit 2) with exactly one line, without its end, in `ret_why`. */
int config_load(struct config *ret, int argc, char **argv, char **environment, char *ret_why,
                size_t why_size);
/** Media threads: what `workers` says, or one per processor. */
unsigned config_workers(const struct config *c);
/** Whether media over TCP and HTTP are at one port. */
bool config_shares_port(const struct config *c);
/** The next variable of the environment that begins with LOUPE_ and is no setting, from *cursor (0
 *  first) on; its name (`*ret_len` bytes), or NULL. */
const char *config_unknown(char **environment, size_t *cursor, size_t *ret_len);
/** Frees what it owns; not the struct. */
void config_clear(struct config *c);
/** What --help prints: a constant made from the table; the caller frees it. NULL without memory. */
char *config_help(void);

#endif
