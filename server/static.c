// SPDX-License-Identifier: Apache-2.0
/* Static files from memory. */
#include "server/static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/er.h"
#include "base/map.h"
#include "base/str.h"

#define FILES_MAX 4096
#define FILE_BYTES_MAX (16u << 20)
#define PATH_BYTES 1024
#define DEPTH_MAX 8
#define HOST_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]"
#define HOST_MAX 255
#define CONNECT_BYTES (2 * (HOST_MAX + 16))

struct static_file {
    char *bytes;
    size_t len;
    const char *type;
    char etag[40];
    bool hashed; /* its name changes with its content */
    bool page;
};

struct statics {
    struct map *files; /* by path, "/c/index.html" */
    char connect[CONNECT_BYTES];
};

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".ts", "text/plain; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
};

static bool ends_with(const char *text, const char *suffix)
{
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcmp(text + a - b, suffix) == 0;
}

static const char *type_of(const char *path)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (ends_with(path, types[i].suffix))
            return types[i].type;
    }
    return "application/octet-stream";
}

/** "name-ABCD1234.js": eight or more letters and digits behind the last hyphen. */
static bool is_hashed(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *hash = name ? strrchr(name, '-') : NULL;
    const char *dot = hash ? strchr(hash, '.') : NULL;
    if (!dot || dot - hash < 9)
        return false;
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return strspn(hash + 1, letters) == (size_t)(dot - hash - 1);
}

static int read_all(const char *path, size_t len, char *dst)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ER_IO;
    size_t have = 0;
    while (have < len) {
        ssize_t n = read(fd, dst + have, len - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    (void)close(fd);
    return have == len ? 0 : ER_IO;
}

static void file_free(struct static_file *f)
{
    if (f)
        free(f->bytes);
    free(f);
}

static int load_file(struct statics *s, const char *disk, const char *path, size_t len)
{
    if (len > FILE_BYTES_MAX)
        return ER_FULL;
    struct static_file *f = calloc(1, sizeof *f);
    if (!f)
        return ER_NOMEM;
    f->bytes = malloc(len + 1);
    f->len = len;
    f->type = type_of(path);
    f->page = ends_with(path, ".html");
    f->hashed = is_hashed(path);
    uint8_t hash[32];
    int er = f->bytes ? read_all(disk, len, f->bytes) : ER_NOMEM;
    if (!er && !EVP_Digest(f->bytes, len, hash, NULL, EVP_sha256(), NULL))
        er = ER_INTERNAL;
    if (!er) {
        f->etag[0] = '"';
        hex_encode(f->etag + 1, hash, 16);
        (void)str_copy(f->etag + 33, 2, "\"");
        er = map_add_str(s->files, path, f);
    }
    if (er)
        file_free(f);
    return er;
}

static int load_folder(struct statics *s, const char *disk, const char *path, unsigned depth)
{
    DIR *dir = opendir(disk);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? ER_NOT_FOUND : ER_IO;
    int er = 0;
    const struct dirent *entry;
    while (!er && (entry = readdir(dir)) != NULL) {
        char inner_disk[PATH_BYTES], inner_path[PATH_BYTES];
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        int a = snprintf(inner_disk, sizeof inner_disk, "%s/%s", disk, entry->d_name);
        int b = snprintf(inner_path, sizeof inner_path, "%s/%s", path, entry->d_name);
        if (a < 0 || b < 0 || a >= PATH_BYTES || b >= PATH_BYTES || stat(inner_disk, &st))
            er = ER_IO;
        else if (S_ISDIR(st.st_mode))
            er = depth < DEPTH_MAX ? load_folder(s, inner_disk, inner_path, depth + 1) : ER_FULL;
        else if (S_ISREG(st.st_mode))
            er = load_file(s, inner_disk, inner_path, (size_t)st.st_size);
    }
    (void)closedir(dir);
    return er;
}

int statics_load(struct statics **ret, const char *folder)
{
    struct statics *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    struct entropy entropy = entropy_system();
    int er = map_new(&s->files, FILES_MAX, entropy_u64(&entropy));
    if (!er)
        er = load_folder(s, folder, "", 0);
    if (er) {
        statics_free(s);
        return er;
    }
    *ret = s;
    return 0;
}

void statics_free(struct statics *s)
{
    if (!s)
        return;
    size_t cursor = 0;
    void *file;
    while (s->files && map_next(s->files, &cursor, NULL, NULL, &file))
        file_free(file);
    map_free(s->files);
    free(s);
}

/* Pages whose address goes on behind their name: /live/{room}, /certificate/{id}. */
static const char *const spread[] = {"/live/", "/certificate/"};

static const struct static_file *find(const struct statics *s, const char *path)
{
    char text[PATH_BYTES];
    const struct static_file *f = map_get_str(s->files, path);
    if (f)
        return f;
    size_t len = strlen(path);
    const char *join = len && path[len - 1] == '/' ? "index.html" : "/index.html";
    int n = snprintf(text, sizeof text, "%s%s", path, join);
    if (n > 0 && n < PATH_BYTES && (f = map_get_str(s->files, text)) != NULL)
        return f;
    for (size_t i = 0; i < sizeof spread / sizeof spread[0]; i++) {
        size_t head = strlen(spread[i]);
        if (strncmp(path, spread[i], head) != 0 || strchr(path + head, '/'))
            continue;
        (void)snprintf(text, sizeof text, "%sindex.html", spread[i]);
        return map_get_str(s->files, text);
    }
    return NULL;
}

void statics_set_origin(struct statics *s, const char *url)
{
    bool tls = strncmp(url, "https://", 8) == 0;
    const char *host = url + (tls ? 8 : 7);
    size_t len = strspn(host, HOST_ALPHABET);
    s->connect[0] = '\0';
    if ((!tls && strncmp(url, "http://", 7) != 0) || len == 0 || len > HOST_MAX)
        return;
    (void)snprintf(s->connect, sizeof s->connect, " %s://%.*s %s://%.*s", tls ? "https" : "http",
                   (int)len, host, tls ? "wss" : "ws", (int)len, host);
}

/* "self" holds for WebSockets, too (CSP level 3). */
#define POLICY                                                                                     \
    "default-src 'self'; connect-src 'self'%s; img-src 'self' data: blob:;"                        \
    " media-src 'self' blob: mediastream:; style-src 'self' 'unsafe-inline'; object-src 'none';"   \
    " base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

void statics_respond(const struct statics *s, enum http_method method, const char *path,
                     struct http_response *response)
{
    const struct static_file *f = s ? find(s, path) : NULL;
    if (!f) {
        http_problem(response, 404, NULL);
        return;
    }
    if (method != HTTP_GET && method != HTTP_HEAD) {
        http_header_add(response, "allow", "GET, HEAD, OPTIONS");
        http_problem(response, 405, NULL);
        return;
    }
    response->status = 200;
    response->content_type = f->type;
    response->constant = f->bytes;
    response->body_len = f->len;
    (void)str_copy(response->etag, sizeof response->etag, f->etag);
    http_header_add(response, "cache-control", "%s",
                    f->hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (f->page) {
        http_header_add(response, "content-security-policy", POLICY, s->connect);
        http_header_add(response, "permissions-policy",
                        "camera=(self), microphone=(self), display-capture=(self), geolocation=()");
        http_header_add(response, "x-frame-options", "SAMEORIGIN");
    }
    /* The library is meant for other people's pages. */
    if (strncmp(path, "/sdk/", 5) == 0)
        http_header_add(response, "cross-origin-resource-policy", "cross-origin");
}
