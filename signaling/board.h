// SPDX-License-Identifier: Apache-2.0
/* What is drawn over one person's picture: shapes as vectors, whose points are shares of the picture's width and
 * height, so that everybody sees them at the same place however large the picture is shown. Sans-IO. */
#ifndef LOUPE_SIGNALING_BOARD_H
#define LOUPE_SIGNALING_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/list.h"

#define BOARD_ID_BYTES (LIMIT_SHAPE_ID + 1)
#define BOARD_COLORS 6
#define BOARD_WHOLE 10000 /* of the width or height: points are kept to a ten-thousandth */

enum board_kind {
    BOARD_LINE,   /* freehand: points are added */
    BOARD_ARROW,  /* from the first point to the second, which follows the hand */
    BOARD_CIRCLE, /* within the box of two points */
    BOARD_TEXT,   /* at its point */
    BOARD_KINDS,
};

struct board_point {
    uint16_t x, y; /* of BOARD_WHOLE */
};

/** Its id is its author's own: two people may have the same. */
struct board_shape {
    struct list node;
    char id[BOARD_ID_BYTES];
    char by[LIMIT_IDENTITY + 1];
    enum board_kind kind;
    unsigned color; /* below BOARD_COLORS */
    bool done;      /* nothing is added to it any more */
    char text[LIMIT_SHAPE_TEXT + 1];
    uint64_t began_us; /* the caller's clock */
    struct board_point *points;
    size_t point_count, point_size;
};

/** In the order in which the shapes were begun. */
struct board {
    struct list shapes;
    size_t count;
};

void board_init(struct board *b);
void board_clear(struct board *b);

/** Begins a shape, or goes on with one of the same person that is not done. `said` is
 *  {"id", "kind"?, "color"?, "text"?, "points": [[x, y], ..], "done"?}, x and y from 0 to 1; `kind`, and `text` of a
 *  text, when it begins. A line's points are added, the others' last one is moved. What is wrong leaves the board
 *  as it was. ER_INVALID and *ret_why; ER_CONFLICT: it is done; ER_FULL: so many shapes, or points in one;
 *  ER_NOMEM. *ret is the board's, and *ret_first its first point that is new. */
int board_draw(struct board *b, const char *by, const json_t *said, uint64_t now_us,
               const struct board_shape **ret, size_t *ret_first, const char **ret_why);
/** Takes off one's shape of that id, or without an id (NULL, "") the one begun last. ER_NOT_FOUND. */
int board_undo(struct board *b, const char *by, const char *id, char ret_id[static BOARD_ID_BYTES]);
/** Takes off all of one person, or with NULL of everybody. How many. */
size_t board_wipe(struct board *b, const char *by);

/** "line", .. */
const char *board_kind_name(enum board_kind kind);
/** {"id", "kind", "color", "text"?, "points", "done"} with the points from `first` on. NULL without memory. */
json_t *board_shape_json(const struct board_shape *shape, size_t first);
/** All of them, each with its author as "by". */
json_t *board_json(const struct board *b);

#endif
