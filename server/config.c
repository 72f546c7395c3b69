// SPDX-License-Identifier: Apache-2.0
/* One table of settings, read three times: from the file, the environment, the flags. */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"
#include "server/config_check.h"
#include "server/config_ini.h"
#include "server/ice_servers.h"

/** Sets a value; false when it is a bad one. */
typedef bool setting_set(struct config *c, void *place, const char *value);

struct setting {
    const char *name;     /* as a flag, without the dashes, and as a key of the file */
    const char *argument; /* NULL: a switch */
    setting_set *set;
    size_t place;
    const char *help;
    bool only_flag; /* neither in the file nor in the environment */
};

static bool set_text(struct config *c, void *place, const char *value)
{
    (void)c;
    return value[0] && str_copy(place, CONFIG_TEXT_BYTES, value) == 0;
}

static bool set_switch(struct config *c, void *place, const char *value)
{
    (void)c;
    static const struct {
        const char *word;
        bool on;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(words[i].word, value) == 0) {
            *(bool *)place = words[i].on;
            return true;
        }
    }
    return false;
}

static bool set_address(struct config *c, void *place, const char *value)
{
    (void)c;
    return addr_parse(value, place) == 0;
}

static bool set_media_tcp(struct config *c, void *place, const char *value)
{
    c->has_media_tcp = addr_parse(value, place) == 0;
    return c->has_media_tcp;
}

static bool set_number(const char *value, uint64_t min, uint64_t max, unsigned *ret)
{
    uint64_t n;
    if (span_u64(span_of(value), max, &n) || n < min)
        return false;
    *ret = (unsigned)n;
    return true;
}

static bool set_workers(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 1, LIMIT_WORKERS, place);
}

static bool set_seconds(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 1, 3600, place);
}

static bool set_wrap_up(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 0, 3600, place);
}

static bool set_mib(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 0, 1u << 30, place);
}

static bool set_lookback(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 0, LIMIT_LOOKBACK_SECONDS, place);
}

static bool set_rate(struct config *c, void *place, const char *value)
{
    (void)c;
    return rate_limit_parse(value, place) == 0;
}

static bool list_add(struct config_list *list, struct span item)
{
    if (list->count == CONFIG_LIST_MAX || item.len == 0)
        return false;
    char *text = strndup(item.at, item.len);
    if (!text)
        return false;
    list->items[list->count++] = text;
    return true;
}

static bool set_public_address(struct config *c, void *place, const char *value)
{
    (void)c;
    struct addr addr;
    return addr_parse_ip(value, 0, &addr) == 0 && list_add(place, span_of(value));
}

static bool set_api_key(struct config *c, void *place, const char *value)
{
    (void)c;
    const char *colon = strchr(value, ':');
    if (!colon || colon == value || !colon[1] || colon - value > 64 || strlen(colon + 1) > 256)
        return false;
    size_t id = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return id == (size_t)(colon - value) && list_add(place, span_of(value));
}

static bool set_origin(struct config *c, void *place, const char *value)
{
    (void)c;
    struct span s = span_of(value);
    bool any = strcmp(value, "*") == 0;
    const char *host = strstr(value, "://");
    if (!any && (!(span_starts(s, "http://") || span_starts(s, "https://")) || !host[3] ||
                 strchr(host + 3, '/')))
        return false;
    return list_add(place, s);
}

static bool set_stun_url(struct config *c, void *place, const char *value)
{
    (void)c;
    struct config_list *list = place;
    return list->count < LIMIT_ICE_URLS && ice_url_check(value, false) &&
           list_add(list, span_of(value));
}

static bool set_turn_url(struct config *c, void *place, const char *value)
{
    (void)c;
    struct config_list *list = place;
    return list->count < LIMIT_ICE_URLS && ice_url_check(value, true) &&
           list_add(list, span_of(value));
}

static bool set_ttl(struct config *c, void *place, const char *value)
{
    (void)c;
    return set_number(value, 60, 604800, place);
}

static bool set_level(struct config *c, void *place, const char *value)
{
    (void)c;
    return log_parse_level(value, place) == 0;
}

static bool set_format(struct config *c, void *place, const char *value)
{
    (void)c;
    bool json = strcmp(value, "json") == 0;
    *(bool *)place = json;
    return json || strcmp(value, "text") == 0;
}

static bool set_database(struct config *c, void *place, const char *value)
{
    const char *scheme = strstr(value, "://");
    if (!scheme)
        return set_text(c, place, value);
    return strncmp(value, "sqlite://", 9) == 0 && set_text(c, place, value + 9);
}

static bool set_authority(struct config *c, void *place, const char *value)
{
    return span_starts(span_of(value), "http://") && value[7] && set_text(c, place, value);
}

static bool set_blobs(struct config *c, void *place, const char *value)
{
    const char *scheme = strstr(value, "://");
    if (!scheme)
        return set_text(c, place, value);
    return strncmp(value, "file://", 7) == 0 && set_text(c, place, value + 7);
}

static bool set_url(struct config *c, void *place, const char *value)
{
    struct span s = span_of(value);
    if (!span_starts(s, "http://") && !span_starts(s, "https://"))
        return false;
    if (!set_text(c, place, value))
        return false;
    char *text = place;
    size_t len = strlen(text);
    while (len && text[len - 1] == '/')
        text[--len] = '\0';
    return true;
}

#define AT(member) offsetof(struct config, member)

static const struct setting settings[] = {
    {"config", "FILE", set_text, AT(file), "settings from an INI file", true},
    {"data", "DIR", set_text, AT(data), "where everything is kept (./var)", false},
    {"http", "ADDR:PORT", set_address, AT(http), "HTTP and WebSocket (127.0.0.1:8080)", false},
    {"media", "ADDR:PORT", set_address, AT(media),
     "media over UDP; worker i takes PORT + i (127.0.0.1:10000)", false},
    {"media-tcp", "ADDR:PORT", set_media_tcp, AT(media_tcp),
     "media over TCP too, for all workers; may be the port of http (off)", false},
    {"workers", "N", set_workers, AT(workers), "media threads (one per processor)", false},
    {"media-realtime", NULL, set_switch, AT(media_realtime),
     "media threads at real-time priority: for machines that have other work too", false},
    {"public-address", "IP", set_public_address, AT(public_addresses),
     "announced to browsers instead of --media's; may be repeated", false},
    {"stun-urls", "URL", set_stun_url, AT(stun_urls),
     "stun:HOST:PORT that clients are told of; may be repeated", false},
    {"turn-urls", "URL", set_turn_url, AT(turn_urls),
     "turn:HOST:PORT, likewise; credentials are made with turn-secret", false},
    {"turn-secret", "SECRET", set_text, AT(turn_secret),
     "shared with the TURN servers (coturn's static-auth-secret)", false},
    {"turn-ttl-seconds", "N", set_ttl, AT(turn_ttl_seconds),
     "how long TURN credentials hold (86400)", false},
    {"api-key", "ID:SECRET", set_api_key, AT(api_keys),
     "key that tokens are signed with; may be repeated", false},
    {"tls-cert", "FILE", set_text, AT(tls_cert), "certificate chain, PEM", false},
    {"tls-key", "FILE", set_text, AT(tls_key), "its private key, PEM", false},
    {"database", "URL", set_database, AT(database), "sqlite://PATH (DIR/loupe.db)", false},
    {"blobs", "URL", set_blobs, AT(blobs), "file://PATH, where clips go (DIR)", false},
    {"min-free-mib", "N", set_mib, AT(min_free_mib),
     "free space there below which nothing new is recorded; 0: any (512)", false},
    {"storage-key-file", "FILE", set_text, AT(storage_key_file),
     "keys to encrypt recordings with, made by loupectl storage-key (none: plain)", false},
    {"storage-key", "KEYS", set_text, AT(storage_key),
     "the keys themselves, for LOUPE_STORAGE_KEY; the last one writes", false},
    {"timestamp-authority", "URL", set_authority, AT(timestamp_authority),
     "http://.., RFC 3161: time stamps on the seals of clips (none)", false},
    {"web", "DIR", set_text, AT(web), "the pages (beside the program)", false},
    {"public-url", "URL", set_url, AT(public_url), "what links begin with (http://ADDR:PORT)",
     false},
    {"allowed-origins", "ORIGIN", set_origin, AT(allowed_origins),
     "other sites whose pages may use the API; may be repeated", false},
    {"allow-plain-http", NULL, set_switch, AT(allow_plain_http),
     "serve beyond loopback without TLS, for use behind a proxy", false},
    {"webhook-authorities", "FILE", set_text, AT(webhook_authorities),
     "PEM: who signs certificates of webhooks' receivers (the system's)", false},
    {"webhook-private", NULL, set_switch, AT(webhook_private),
     "webhooks may go to http:// and into private networks: for tests", false},
    {"drain-seconds", "N", set_seconds, AT(drain_seconds), "time to end calls at SIGTERM (30)",
     false},
    {"ring-seconds", "N", set_seconds, AT(ring_seconds),
     "time to accept a call before it passes on (20)", false},
    {"wrap-up-seconds", "N", set_wrap_up, AT(wrap_up_seconds),
     "time after a call before the agent is offered the next, 0 to 3600 (0)", false},
    {"lookback-seconds", "N", set_lookback, AT(lookback_seconds),
     "kept of those who have consented, to be saved later, 0 to 180 (60)", false},
    {"rate-service", "N/BURST", set_rate, AT(rates.service),
     "requests a second, and at once, of a back end (2000/4000)", false},
    {"rate-person", "N/BURST", set_rate, AT(rates.person), "of anybody else (100/400)", false},
    {"rate-refused", "N/BURST", set_rate, AT(rates.refused),
     "of an address, with tokens that are none (20/200)", false},
    {"log-level", "LEVEL", set_level, AT(log_level), "debug, info, warn or error (info)", false},
    {"log-format", "FORMAT", set_format, AT(log_json), "text or json (text)", false},
    {"demo", NULL, set_switch, AT(demo), "sample cases and links to open; loopback only", false},
    {"check", NULL, set_switch, AT(check), "check the settings and exit", true},
    {"version", NULL, set_switch, AT(version), "print the version and exit", true},
    {"help", NULL, set_switch, AT(help), "print this and exit", true},
};
#define SETTINGS (sizeof settings / sizeof settings[0])

static const struct setting *setting_find(struct span name)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (span_equal(name, settings[i].name))
            return &settings[i];
    }
    return NULL;
}

static bool is_list(const struct setting *s)
{
    return s->set == set_public_address || s->set == set_api_key || s->set == set_origin ||
           s->set == set_stun_url || s->set == set_turn_url;
}

static void list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
        list->items[i] = NULL;
    }
    list->count = 0;
}

enum place { PLACE_DEFAULT, PLACE_FILE, PLACE_ENVIRONMENT, PLACE_FLAG };

/** Where each setting's value comes from. */
struct origin {
    enum place place;
    unsigned line; /* of the file */
};

/** One place settings come from. A list given there replaces what an earlier place gave. */
struct source {
    struct config *config;
    bool fresh[SETTINGS]; /* a list has been begun by this source */
    enum place place;
    unsigned line;
    struct origin *origins; /* SETTINGS, or NULL */
    char *why;
    size_t why_size;
    const char *file;
};

static bool apply(struct source *src, const struct setting *s, const char *value)
{
    size_t index = (size_t)(s - settings);
    void *place = (char *)src->config + s->place;
    if (is_list(s) && !src->fresh[index]) {
        list_clear(place);
        src->fresh[index] = true;
    }
    if (src->origins)
        src->origins[index] = (struct origin){.place = src->place, .line = src->line};
    return s->set(src->config, place, value);
}

/** In the file and the environment a list may stand in one line, parted by commas or blanks. */
static bool apply_words(struct source *src, const struct setting *s, const char *value)
{
    if (!is_list(s))
        return apply(src, s, value);
    char word[CONFIG_TEXT_BYTES];
    const char *at = value;
    bool any = false;
    while (*at) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (len == 0)
            break;
        if (str_copy_span(word, sizeof word, (struct span){.at = at, .len = len}) ||
            !apply(src, s, word))
            return false;
        any = true;
        at += len;
    }
    return any;
}

static bool on_line(void *ctx, unsigned line, const char *section, const char *name,
                    const char *value)
{
    struct source *src = ctx;
    char key[64];
    src->line = line;
    bool fits = str_copy(key, sizeof key, name) == 0;
    for (char *p = key; *p; p++) {
        if (*p == '_')
            *p = '-';
    }
    const struct setting *s = fits ? setting_find(span_of(key)) : NULL;
    const char *wrong = NULL;
    if ((section[0] && strcmp(section, "loupe") != 0) || !s || s->only_flag)
        wrong = "unknown key";
    else if (!apply_words(src, s, value))
        wrong = "bad value for";
    if (!wrong)
        return true;
    (void)snprintf(src->why, src->why_size, "%s:%u: %s %.100s%s%.100s", src->file, line, wrong,
                   section, section[0] ? "." : "", name);
    return false;
}

static int read_file(struct source *src)
{
    unsigned line;
    const char *why;
    int er = config_ini_read(src->file, on_line, src, &line, &why);
    if (er && line == 0)
        (void)snprintf(src->why, src->why_size, "%s: cannot be read", src->file);
    else if (er && why)
        (void)snprintf(src->why, src->why_size, "%s:%u: %s", src->file, line, why);
    return er;
}

/** "LOUPE_TLS_CERT" */
static void variable_name(const struct setting *s, char *ret, size_t size)
{
    (void)snprintf(ret, size, "LOUPE_%s", s->name);
    for (char *p = ret; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

static bool in_environment(const struct setting *s)
{
    return !s->only_flag || strcmp(s->name, "config") == 0;
}

const char *config_unknown(char **environment, size_t *cursor, size_t *ret_len)
{
    while (environment && environment[*cursor]) {
        const char *e = environment[(*cursor)++];
        bool known = false;
        if (strncmp(e, "LOUPE_", 6) != 0)
            continue;
        *ret_len = strcspn(e, "=");
        for (size_t i = 0; i < SETTINGS && !known; i++) {
            char name[64];
            variable_name(&settings[i], name, sizeof name);
            known = in_environment(&settings[i]) && strlen(name) == *ret_len &&
                    strncmp(e, name, *ret_len) == 0;
        }
        if (!known)
            return e;
    }
    return NULL;
}

static int read_environment(struct source *src, char **environment)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings[i];
        char name[64];
        if (!in_environment(s))
            continue;
        variable_name(s, name, sizeof name);
        size_t len = strlen(name);
        for (char **e = environment; e && *e; e++) {
            if (strncmp(*e, name, len) != 0 || (*e)[len] != '=')
                continue;
            if (apply_words(src, s, *e + len + 1))
                continue;
            (void)snprintf(src->why, src->why_size, "environment: bad value for %s", name);
            return ER_INVALID;
        }
    }
    return 0;
}

static int read_flags(struct source *src, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct span value = span_of(argv[i]);
        struct span name = span_cut(&value, '=');
        const struct setting *s = NULL;
        if (span_starts(name, "--"))
            s = setting_find((struct span){.at = name.at + 2, .len = name.len - 2});
        if (!s) {
            (void)snprintf(src->why, src->why_size, "unknown argument %.100s", argv[i]);
            return ER_INVALID;
        }
        const char *text = value.at;
        if (!text)
            text = !s->argument ? "true" : i + 1 < argc ? argv[++i] : "";
        if (!apply(src, s, text)) {
            (void)snprintf(src->why, src->why_size, "bad value for --%s", s->name);
            return ER_INVALID;
        }
    }
    return 0;
}

/** The line names the place that the setting at fault comes from. */
static int cross_check(const struct config *c, const struct origin *origins, char *why, size_t size)
{
    char text[256], name[64];
    const char *key = NULL;
    const char *wrong = config_check(c, &key, text, sizeof text);
    if (!wrong)
        return 0;
    const struct setting *s = setting_find(span_of(key));
    const struct origin *from = &origins[s - settings];
    variable_name(s, name, sizeof name);
    if (from->place == PLACE_FILE)
        (void)snprintf(why, size, "%s:%u: %s: %s", c->file, from->line, key, wrong);
    else if (from->place == PLACE_ENVIRONMENT)
        (void)snprintf(why, size, "environment: %s: %s", name, wrong);
    else
        (void)snprintf(why, size, "--%s: %s", key, wrong);
    return ER_INVALID;
}

int config_load(struct config *ret, int argc, char **argv, char **environment, char *ret_why,
                size_t why_size)
{
    memset(ret, 0, sizeof *ret);
    ret_why[0] = '\0';
    (void)str_copy(ret->data, sizeof ret->data, "./var");
    (void)addr_parse("127.0.0.1:8080", &ret->http);
    (void)addr_parse("127.0.0.1:10000", &ret->media);
    ret->log_level = LOG_INFO;
    ret->min_free_mib = 512;
    ret->drain_seconds = 30;
    ret->ring_seconds = 20;
    ret->lookback_seconds = 60;
    ret->turn_ttl_seconds = 86400;
    ret->rates = (struct pace_limits){
        .service = {LIMIT_REQUESTS_SERVICE, LIMIT_REQUESTS_SERVICE_BURST},
        .person = {LIMIT_REQUESTS_PERSON, LIMIT_REQUESTS_PERSON_BURST},
        .refused = {LIMIT_REQUESTS_REFUSED, LIMIT_REQUESTS_REFUSED_BURST}};

    /* A first pass over flags and environment finds the file; it then comes first. */
    struct config first = *ret;
    struct source probe = {.config = &first, .why = ret_why, .why_size = why_size};
    int er = read_environment(&probe, environment);
    if (!er)
        er = read_flags(&probe, argc, argv);
    (void)str_copy(ret->file, sizeof ret->file, first.file);
    config_clear(&first);
    if (er)
        return er;
    struct origin origins[SETTINGS] = {0};
    struct source file = {.config = ret,
                          .why = ret_why,
                          .why_size = why_size,
                          .place = PLACE_FILE,
                          .origins = origins,
                          .file = ret->file};
    struct source environ_ = file, flags = file;
    environ_.place = PLACE_ENVIRONMENT;
    flags.place = PLACE_FLAG;
    if (ret->file[0])
        er = read_file(&file);
    if (!er)
        er = read_environment(&environ_, environment);
    if (!er)
        er = read_flags(&flags, argc, argv);
    if (!er && !ret->help && !ret->version)
        er = cross_check(ret, origins, ret_why, why_size);
    if (er)
        config_clear(ret);
    return er;
}

void config_clear(struct config *c)
{
    list_clear(&c->public_addresses);
    list_clear(&c->api_keys);
    list_clear(&c->allowed_origins);
    list_clear(&c->stun_urls);
    list_clear(&c->turn_urls);
}

char *config_help(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    (void)fprintf(f, "usage: louped [flags]\n\n");
    for (size_t i = 0; i < SETTINGS; i++) {
        char flag[64];
        const struct setting *s = &settings[i];
        (void)snprintf(flag, sizeof flag, "--%s %s", s->name, s->argument ? s->argument : "");
        (void)fprintf(f, "  %-28s %s\n", flag, s->help);
    }
    (void)fprintf(f,
                  "\nEach is also a key of the INI file (section [loupe] or none) and, in capitals"
                  " with LOUPE_\nin front and _ for -, a variable of the environment. Flags come"
                  " before the environment,\nthe environment before the file.\n");
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
