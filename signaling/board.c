// SPDX-License-Identifier: Apache-2.0
/* Shapes in a list. What a client says of one is read whole before the board is touched. */
#include "signaling/board.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

/** What was said, read. */
struct said {
    const char *id, *text; /* text NULL: none */
    bool has_kind;
    enum board_kind kind;
    int64_t color;
    bool done;
    size_t count;
    struct board_point points[LIMIT_SHAPE_POINTS];
};

static const char *const kinds[BOARD_KINDS] = {[BOARD_LINE] = "line",
                                               [BOARD_ARROW] = "arrow",
                                               [BOARD_CIRCLE] = "circle",
                                               [BOARD_TEXT] = "text"};

const char *board_kind_name(enum board_kind kind)
{
    return (unsigned)kind < BOARD_KINDS ? kinds[kind] : kinds[BOARD_LINE];
}

static void shape_free(struct board *b, struct board_shape *shape)
{
    list_remove(&shape->node);
    b->count--;
    free(shape->points);
    free(shape);
}

void board_init(struct board *b)
{
    *b = (struct board){0};
    list_init(&b->shapes);
}

void board_clear(struct board *b)
{
    (void)board_wipe(b, NULL);
}

/* Reading */

static bool read_share(const json_t *value, uint16_t *ret)
{
    double share = json_number_value(value);
    if (!json_is_number(value) || !(share >= 0 && share <= 1))
        return false;
    *ret = (uint16_t)(share * BOARD_WHOLE + 0.5);
    return true;
}

static bool read_points(const json_t *points, struct said *ret)
{
    size_t count = json_array_size(points);
    if (!json_is_array(points) || count > LIMIT_SHAPE_POINTS)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(points, i);
        if (!json_is_array(point) || json_array_size(point) != 2 ||
            !read_share(json_array_get(point, 0), &ret->points[i].x) ||
            !read_share(json_array_get(point, 1), &ret->points[i].y))
            return false;
    }
    ret->count = count;
    return true;
}

static bool read_kind(const json_t *value, struct said *ret)
{
    const char *name = json_string_value(value);
    ret->has_kind = value != NULL;
    for (unsigned i = 0; name && i < BOARD_KINDS; i++) {
        if (strcmp(kinds[i], name) == 0) {
            ret->kind = (enum board_kind)i;
            return true;
        }
    }
    return !value;
}

/** NULL, or what is wrong. */
static const char *read_said(const json_t *json, struct said *ret)
{
    const json_t *text = json_object_get(json, "text"), *done = json_object_get(json, "done");
    ret->id = json_text(json, "id", BOARD_ID_BYTES - 1);
    if (!ret->id || !ret->id[0])
        return "shape.id: 1 to 32 bytes";
    if (!read_kind(json_object_get(json, "kind"), ret))
        return "shape.kind: line, arrow, circle or text";
    int er = json_int(json, "color", 0, BOARD_COLORS - 1, &ret->color);
    if (er != 0 && er != ER_NOT_FOUND)
        return "shape.color: 0 to 5";
    ret->text = json_text(json, "text", LIMIT_SHAPE_TEXT);
    if (text && (!ret->text || !ret->text[0]))
        return "shape.text: 1 to 200 bytes";
    if (done && !json_is_boolean(done))
        return "shape.done: true or false";
    ret->done = json_is_true(done);
    if (!read_points(json_object_get(json, "points"), ret))
        return "shape.points: up to 1,000 pairs of numbers from 0 to 1";
    return NULL;
}

/* Drawing */

static struct board_shape *shape_of(const struct board *b, const char *by, const char *id)
{
    list_each (shape, &b->shapes, struct board_shape, node)
        if (strcmp(shape->id, id) == 0 && strcmp(shape->by, by) == 0)
            return shape;
    return NULL;
}

static int reserve(struct board_shape *shape, size_t count)
{
    size_t size = shape->point_size ? shape->point_size : 4;
    while (size < count)
        size *= 2;
    if (size == shape->point_size)
        return 0;
    struct board_point *points = realloc(shape->points, size * sizeof *points);
    if (!points)
        return ER_NOMEM;
    shape->points = points;
    shape->point_size = size;
    return 0;
}

/** How many points a kind has at most. */
static size_t most_points(enum board_kind kind)
{
    static const size_t most[BOARD_KINDS] = {
        [BOARD_LINE] = LIMIT_SHAPE_POINTS, [BOARD_ARROW] = 2, [BOARD_CIRCLE] = 2, [BOARD_TEXT] = 1};
    return most[kind];
}

static int add_points(struct board_shape *shape, const struct said *said, size_t *ret_first)
{
    size_t most = most_points(shape->kind), count = shape->point_count + said->count;
    if (shape->kind == BOARD_LINE && count > most)
        return ER_FULL;
    int er = reserve(shape, count < most ? count : most);
    if (er < 0)
        return er;
    *ret_first = shape->point_count;
    for (size_t i = 0; i < said->count; i++) {
        if (shape->point_count == most)
            shape->point_count--; /* the one that follows the hand */
        if (shape->point_count < *ret_first)
            *ret_first = shape->point_count;
        shape->points[shape->point_count++] = said->points[i];
    }
    return 0;
}

static int begin(struct board *b, const char *by, const struct said *said, uint64_t now_us,
                 struct board_shape **ret, const char **ret_why)
{
    if (!said->has_kind || said->count == 0 || (said->kind == BOARD_TEXT) != (said->text != NULL)) {
        *ret_why = "shape: one that begins has a kind and a point, and a text if it is one";
        return ER_INVALID;
    }
    if (b->count == LIMIT_BOARD_SHAPES)
        return ER_FULL;
    struct board_shape *shape = calloc(1, sizeof *shape);
    if (!shape)
        return ER_NOMEM;
    (void)str_copy(shape->id, sizeof shape->id, said->id);
    (void)str_copy(shape->by, sizeof shape->by, by);
    (void)str_copy(shape->text, sizeof shape->text, said->text ? said->text : "");
    shape->kind = said->kind;
    shape->color = (unsigned)said->color;
    shape->began_us = now_us;
    list_append(&b->shapes, &shape->node);
    b->count++;
    *ret = shape;
    return 0;
}

int board_draw(struct board *b, const char *by, const json_t *json, uint64_t now_us,
               const struct board_shape **ret, size_t *ret_first, const char **ret_why)
{
    struct said said = {0};
    *ret_why = read_said(json, &said);
    if (*ret_why)
        return ER_INVALID;
    struct board_shape *shape = shape_of(b, by, said.id);
    bool begins = !shape;
    if (shape && shape->done)
        return ER_CONFLICT;
    int er = shape ? 0 : begin(b, by, &said, now_us, &shape, ret_why);
    if (er < 0)
        return er;
    er = add_points(shape, &said, ret_first);
    if (er < 0) {
        if (begins)
            shape_free(b, shape);
        return er;
    }
    shape->done = said.done;
    *ret = shape;
    return 0;
}

int board_undo(struct board *b, const char *by, const char *id, char ret_id[static BOARD_ID_BYTES])
{
    struct board_shape *found = NULL;
    if (id && id[0])
        found = shape_of(b, by, id);
    else
        list_each (shape, &b->shapes, struct board_shape, node)
            if (strcmp(shape->by, by) == 0)
                found = shape;
    if (!found)
        return ER_NOT_FOUND;
    (void)str_copy(ret_id, BOARD_ID_BYTES, found->id);
    shape_free(b, found);
    return 0;
}

size_t board_wipe(struct board *b, const char *by)
{
    size_t count = 0;
    list_each_safe (shape, &b->shapes, struct board_shape, node) {
        if (by && strcmp(shape->by, by) != 0)
            continue;
        shape_free(b, shape);
        count++;
    }
    return count;
}

/* JSON */

json_t *board_shape_json(const struct board_shape *shape, size_t first)
{
    json_t *points = json_array();
    for (size_t i = first; i < shape->point_count; i++)
        json_array_append_new(points, json_pack("[f,f]", shape->points[i].x / (double)BOARD_WHOLE,
                                                shape->points[i].y / (double)BOARD_WHOLE));
    json_t *json = json_pack("{s:s,s:s,s:i,s:o,s:b}", "id", shape->id, "kind",
                             board_kind_name(shape->kind), "color", (int)shape->color, "points",
                             points, "done", shape->done);
    if (shape->text[0])
        json_object_set_new(json, "text", json_string(shape->text));
    return json;
}

json_t *board_json(const struct board *b)
{
    json_t *all = json_array();
    list_each (shape, &b->shapes, struct board_shape, node) {
        json_t *one = board_shape_json(shape, 0);
        json_object_set_new(one, "by", json_string(shape->by));
        json_array_append_new(all, one);
    }
    return all;
}
