// SPDX-License-Identifier: Apache-2.0
/* The whole server as one tree: what owns what, in which order it starts and ends. What is in here
 * is for the signalling thread, but for what a comment says. */
#ifndef LOUPE_SERVER_APP_H
#define LOUPE_SERVER_APP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/log.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/dbq.h"
#include "server/hook_target.h"
#include "server/http.h"
#include "server/ice_servers.h"
#include "server/store.h"

struct calls;
struct hook_runner;
struct media;
struct sealer;
struct statics;
struct pace;
struct vault;
struct whip;
struct ws;

/** What is counted of authentications and disputes. */
enum judged {
    JUDGED_EXAMINED,
    JUDGED_COMMITTED,
    JUDGED_REVEALED,
    JUDGED_VERDICT,
    JUDGED_CERTIFIED,
    JUDGED_REVOKED,
    JUDGED_LOOKED,
    JUDGED_STATED,
    JUDGED_ASKED,
    JUDGED_ANSWERED,
    JUDGED_RULED,
    JUDGED_APPEALED,
    JUDGED_COUNT,
};

struct app {
    struct config *config;
    int argc; /* kept for a reload */
    char **argv;
    unsigned workers;
    struct log *log;        /* any thread */
    struct entropy entropy; /* any thread */
    struct auth *auth;      /* any thread */
    struct store *store;    /* the store thread's, once dbq runs */
    struct dbq *dbq;
    struct vault *vault; /* any thread; without keys, what is recorded lies plain */
    struct sealer *sealer;
    struct media *media;
    struct ice_servers ice_servers;
    struct calls *calls;
    struct hook_runner *hooks;
    enum hook_reach hook_reach; /* constant after start */
    struct ws *ws;
    struct whip *whip;
    struct statics *statics; /* the pages; NULL: none found */
    struct http *http;
    struct media_key media_key; /* constant after start */
    unsigned exports;           /* under way */
    uint64_t exports_missing;   /* files that exported cases lack */
    uint64_t exports_broken;    /* archives that broke off */
    uint64_t case_changes;      /* of cases' records */
    uint64_t case_conflicts;    /* refused: the case had been changed meanwhile */
    uint64_t bookings;          /* made, or moved */
    uint64_t views;             /* entries of access logs */
    uint64_t brand_changes;     /* of names, colours, logos .. */
    struct pace *pace;          /* of requests; NULL: none are kept to. Signalling thread */
    uint64_t retention_changes; /* periods that were changed */
    uint64_t judged[JUDGED_COUNT];
    char base_url[128]; /* "http://127.0.0.1:8080", for links */
    int signal_fd;
    int lock_fd;
    char data[PATH_MAX];     /* the data folder, absolute; any thread once started */
    uint64_t drain_until_us; /* 0: not draining */
};

/** Start everything in order, print the ready line, run until told to stop. The process's exit code:
 *  0, 1 a runtime failure, 2 configuration. */
int app_main(int argc, char **argv);

#endif
