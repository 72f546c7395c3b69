// SPDX-License-Identifier: Apache-2.0
/* Matching paths against patterns. */
#include "server/router.h"

#include <string.h>

#include "base/er.h"
#include "base/str.h"

static bool is_part(struct span s)
{
    return s.len >= 2 && s.at[0] == '{' && s.at[s.len - 1] == '}';
}

static bool pattern_fits(const char *pattern, const char *path, struct route_params *ret)
{
    ret->count = 0;
    struct span want = span_of(pattern);
    struct span have = span_of(path);
    while (want.at && have.at) {
        struct span w = span_cut(&want, '/');
        struct span h = span_cut(&have, '/');
        if (is_part(w)) {
            if (h.len == 0 || ret->count == ROUTE_PARAMS_MAX ||
                str_copy_span(ret->values[ret->count], ROUTE_PARAM_BYTES, h))
                return false;
            ret->count++;
        } else if (w.len != h.len || (w.len && memcmp(w.at, h.at, w.len) != 0)) {
            return false;
        }
    }
    return !want.at && !have.at;
}

int router_find(const struct route *routes, size_t count, enum http_method method, const char *path,
                const struct route **ret, struct route_params *ret_params, unsigned *ret_allowed)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    *ret_allowed = 0;
    for (size_t i = 0; i < count; i++) {
        struct route_params params;
        if (!pattern_fits(routes[i].pattern, path, &params))
            continue;
        if (routes[i].method == wanted) {
            *ret = &routes[i];
            *ret_params = params;
            return 0;
        }
        *ret_allowed |= 1u << routes[i].method;
        if (routes[i].method == HTTP_GET)
            *ret_allowed |= 1u << HTTP_HEAD;
    }
    return *ret_allowed ? ER_UNSUPPORTED : ER_NOT_FOUND;
}

void router_allow(unsigned allowed, char *ret, size_t size)
{
    size_t len = 0;
    ret[0] = '\0';
    allowed |= 1u << HTTP_OPTIONS;
    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        if (!(allowed & 1u << m))
            continue;
        if (len)
            (void)str_copy(ret + len, size - len, ", ");
        len = strlen(ret);
        (void)str_copy(ret + len, size - len, http_method_name((enum http_method)m));
        len = strlen(ret);
    }
}
