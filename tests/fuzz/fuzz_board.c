// SPDX-License-Identifier: Apache-2.0
/* What clients say of shapes and cameras: each line is one of a person's; whatever it is, the board stays within its
 * bounds, and what it gives out can be said to another board; what is read of a camera reads as the same again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "signaling/board.h"
#include "signaling/camera.h"

static void check(const struct board *b)
{
    struct board copy;
    json_t *all = board_json(b), *one;
    size_t i, first;
    board_init(&copy);
    assert(json_array_size(all) == b->count && b->count <= LIMIT_BOARD_SHAPES);
    json_array_foreach(all, i, one)
    {
        const struct board_shape *shape;
        const char *why, *by = json_string_value(json_object_get(one, "by"));
        assert(board_draw(&copy, by, one, 0, &shape, &first, &why) == 0);
        json_t *again = board_shape_json(shape, 0);
        json_object_del(one, "by");
        assert(json_equal(again, one));
        json_decref(again);
    }
    json_decref(all);
    board_clear(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
static void check_camera(const json_t *said)
{
    int (*const readers[])(const json_t *, json_t **, const char **) = {camera_read_wish,
                                                                        camera_read_state};
    for (size_t i = 0; i < 2; i++) {
        json_t *once, *twice;
        const char *why = NULL;
        if (readers[i](said, &once, &why) < 0) {
            assert(why);
            continue;
        }
        assert(readers[i](once, &twice, &why) == 0 && json_equal(once, twice));
        json_decref(once);
        json_decref(twice);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct board b;
    char id[BOARD_ID_BYTES];
    board_init(&b);
    while (len > 0) {
        const uint8_t *end = memchr(data, '\n', len);
        size_t line = end ? (size_t)(end - data) : len;
        const char *by = line && data[0] == ' ' ? "bo" : "ann", *why = NULL;
        json_t *said = NULL;
        if (line > 0 && data[0] == '-') {
            (void)board_undo(&b, by, NULL, id);
        } else if (line > 0 && data[0] == '!') {
            (void)board_wipe(&b, by);
        } else if (json_parse((const char *)data, line, &said, NULL) == 0) {
            const struct board_shape *shape;
            size_t first;
            check_camera(said);
            int er = board_draw(&b, by, said, 1, &shape, &first, &why);
            if (er == 0) {
                assert(shape->point_count <= LIMIT_SHAPE_POINTS && first <= shape->point_count);
                json_decref(board_shape_json(shape, first));
            }
        }
        json_decref(said);
        data += end ? line + 1 : line;
        len -= end ? line + 1 : line;
    }
    check(&b);
    board_clear(&b);
    return 0;
}
