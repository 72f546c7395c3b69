// SPDX-License-Identifier: Apache-2.0
/* A table of members, each with a function that copies it if it is right. */
#include "signaling/camera.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/er.h"

#define EDGE 1.000001 /* what sums of shares may come to */
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/** A new reference, or NULL: it is wrong. */
typedef json_t *member_copy(const json_t *value);

struct member {
    const char *name;
    member_copy *copy;
    const char *why;
};

static bool number_in(const json_t *value, double least, double most, double *ret)
{
    *ret = json_number_value(value);
    return json_is_number(value) && *ret >= least && *ret <= most;
}

static json_t *copy_flag(const json_t *value)
{
    return json_is_boolean(value) ? json_boolean(json_is_true(value)) : NULL;
}

static json_t *copy_word(const json_t *value, const char *one, const char *other)
{
    const char *word = json_string_value(value);
    return word && (strcmp(word, one) == 0 || strcmp(word, other) == 0) ? json_string(word) : NULL;
}

static json_t *copy_facing(const json_t *value)
{
    return copy_word(value, "user", "environment");
}

static json_t *copy_priority(const json_t *value)
{
    return copy_word(value, "detail", "motion");
}

static json_t *copy_zoom(const json_t *value)
{
    double zoom;
    return number_in(value, 0.1, 100, &zoom) ? json_real(zoom) : NULL;
}

static json_t *copy_pair(const json_t *value, double least, double most)
{
    double first, second;
    if (!json_is_array(value) || json_array_size(value) != 2 ||
        !number_in(json_array_get(value, 0), least, most, &first) ||
        !number_in(json_array_get(value, 1), least, most, &second))
        return NULL;
    return json_pack("[f,f]", first, second);
}

static json_t *copy_zoom_range(const json_t *value)
{
    return copy_pair(value, 0.1, 100);
}

static json_t *copy_focus(const json_t *value)
{
    return json_is_null(value) ? json_null() : copy_pair(value, 0, 1);
}

static json_t *copy_region(const json_t *value)
{
    double x, y, width, height;
    if (json_is_null(value))
        return json_null();
    if (!number_in(json_object_get(value, "x"), 0, 1, &x) ||
        !number_in(json_object_get(value, "y"), 0, 1, &y) ||
        !number_in(json_object_get(value, "width"), CAMERA_REGION_LEAST, 1, &width) ||
        !number_in(json_object_get(value, "height"), CAMERA_REGION_LEAST, 1, &height) ||
        x + width > EDGE || y + height > EDGE)
        return NULL;
    return json_pack("{s:f,s:f,s:f,s:f}", "x", x, "y", y, "width", width, "height", height);
}

static int copy_members(const json_t *said, const struct member *members, size_t count,
                        json_t **ret, const char **ret_why)
{
    json_t *all = json_object();
    int er = all ? 0 : ER_NOMEM;
    for (size_t i = 0; er == 0 && i < count; i++) {
        const json_t *value = json_object_get(said, members[i].name);
        json_t *copy = value ? members[i].copy(value) : NULL;
        if (value && !copy) {
            *ret_why = members[i].why;
            er = ER_INVALID;
        } else if (copy && json_object_set_new(all, members[i].name, copy) < 0) {
            er = ER_NOMEM;
        }
    }
    if (er < 0)
        json_decref(all);
    else
        *ret = all;
    return er;
}

static json_t *copy_can(const json_t *value)
{
    static const struct member members[] = {{"torch", copy_flag, ""},
                                            {"flip", copy_flag, ""},
                                            {"focus", copy_flag, ""},
                                            {"region", copy_flag, ""},
                                            {"zoom", copy_zoom_range, ""}};
    json_t *can;
    const char *why;
    if (!json_is_object(value) || copy_members(value, members, COUNT_OF(members), &can, &why) != 0)
        return NULL;
    return can;
}

#define WISHES                                                                                     \
    {"torch", copy_flag, "torch: true or false"},                                                  \
        {"facing", copy_facing, "facing: user or environment"},                                    \
        {"zoom", copy_zoom, "zoom: 0.1 to 100"},                                                   \
        {"focus", copy_focus, "focus: two numbers from 0 to 1, or null"},                          \
        {"priority", copy_priority, "priority: detail or motion"},                                 \
    {                                                                                              \
        "region", copy_region, "region: x, y, width and height within the picture, or null"        \
    }

int camera_read_wish(const json_t *said, json_t **ret, const char **ret_why)
{
    static const struct member members[] = {WISHES};
    int er = copy_members(said, members, COUNT_OF(members), ret, ret_why);
    if (er == 0 && json_object_size(*ret) == 0) {
        json_decref(*ret);
        *ret_why = "wish: nothing that is known is wished for";
        er = ER_INVALID;
    }
    return er;
}

int camera_read_state(const json_t *said, json_t **ret, const char **ret_why)
{
    static const struct member members[] = {
        WISHES,
        {"allowed", copy_flag, "allowed: true or false"},
        {"can", copy_can, "can: flags, and zoom as [least, most]"}};
    return copy_members(said, members, COUNT_OF(members), ret, ret_why);
}
