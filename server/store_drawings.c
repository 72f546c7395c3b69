// SPDX-License-Identifier: Apache-2.0
/* Drawings: rows by the picture's owner and time. */
#include "server/store_drawings.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_sql.h"

static const char *const ops[DRAWING_OPS] = {[DRAWING_DRAW] = "draw",
                                             [DRAWING_UNDO] = "undo",
                                             [DRAWING_CLEAR] = "clear",
                                             [DRAWING_FREEZE] = "freeze",
                                             [DRAWING_RESUME] = "resume"};

const char *drawing_op_name(enum drawing_op op)
{
    return (unsigned)op < DRAWING_OPS ? ops[op] : "unknown";
}

int store_drawing_add(struct store *s, const struct store_drawing *d)
{
    int changes = 0;
    char *data = json_dumps(d->data, JSON_COMPACT);
    if (!data)
        return ER_NOMEM;
    int er = sql_run(s, &changes,
                     "INSERT INTO drawings(case_id, publisher, author, op, began_us, at_us, data)"
                     " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) < ?8 AND"
                     " total(length(data)) + length(?7) <= ?9 FROM drawings WHERE case_id = ?1)",
                     "ttttiitii", d->case_id.text, d->publisher, d->author, drawing_op_name(d->op),
                     (int64_t)d->began_us, (int64_t)d->at_us, data, (int64_t)LIMIT_DRAWINGS,
                     (int64_t)LIMIT_DRAWING_BYTES);
    free(data);
    return er == 0 && changes == 0 ? ER_FULL : er == ER_CONFLICT ? ER_NOT_FOUND : er;
}

int store_drawings_restart(struct store *s, uint64_t now_us)
{
    return sql_run(
        s, NULL,
        "INSERT INTO drawings(case_id, publisher, author, op, began_us, at_us, data)"
        " SELECT d.case_id, d.publisher, 'system', o.op, ?1, ?1, '{}' FROM (SELECT DISTINCT"
        " case_id, publisher FROM drawings x WHERE x.op IN ('draw', 'freeze') AND NOT "
        "EXISTS(SELECT 1 FROM drawings y WHERE"
        " y.case_id = x.case_id AND y.publisher = x.publisher AND y.n > x.n AND y.op ="
        " 'clear' AND y.data = '{}')) d, (SELECT 'resume' AS op UNION ALL SELECT 'clear') o",
        "i", (int64_t)now_us);
}

int store_drawings_settle(struct store *s, const struct id *case_id)
{
    return sql_run(
        s, NULL,
        "DELETE FROM drawings WHERE case_id = ? AND NOT EXISTS(SELECT 1 FROM clips c WHERE"
        " c.case_id = drawings.case_id AND c.publisher = drawings.publisher AND (c.state"
        " NOT IN ('ready', 'failed') OR at_us <= c.started_us + c.duration_ms * 1000))",
        "t", case_id->text);
}

/* Over a clip */

/** What a row takes away of what was there when the clip began. */
static void take_away(json_t *there, const char *op, const char *by, const json_t *data)
{
    bool undo = strcmp(op, ops[DRAWING_UNDO]) == 0, clear = strcmp(op, ops[DRAWING_CLEAR]) == 0;
    bool thaw = strcmp(op, ops[DRAWING_RESUME]) == 0 || strcmp(op, ops[DRAWING_FREEZE]) == 0;
    const char *shape = json_text(data, "shape", LIMIT_SHAPE_ID);
    const char *whose = json_text(data, "whose", LIMIT_IDENTITY);
    for (size_t i = json_array_size(there); i-- > 0;) {
        const json_t *one = json_array_get(there, i);
        const char *its_by = json_text(one, "by", LIMIT_IDENTITY);
        const char *its_id = json_text(one, "id", LIMIT_SHAPE_ID);
        if ((undo && its_id && shape && strcmp(its_id, shape) == 0 && strcmp(its_by, by) == 0) ||
            (clear && its_id && (!whose || strcmp(its_by, whose) == 0)) || (thaw && !its_id))
            (void)json_array_remove(there, i);
    }
}

static json_t *row_json(sqlite3_stmt *st, uint64_t start_us)
{
    char op[16], by[STORE_IDENTITY_BYTES];
    uint64_t began_us = sql_u64(st, 2), at_us = sql_u64(st, 3);
    sql_text(st, 0, op, sizeof op);
    sql_text(st, 1, by, sizeof by);
    json_t *item = sql_json(st, 4);
    json_object_set_new(item, "op", json_string(op));
    json_object_set_new(item, "by", json_string(by));
    json_object_set_new(
        item, "began_ms",
        json_integer(began_us > start_us ? (json_int_t)((began_us - start_us) / 1000) : 0));
    json_object_set_new(
        item, "at_ms",
        json_integer(at_us > start_us ? (json_int_t)((at_us - start_us) / 1000) : 0));
    return item;
}

int store_drawings_of_clip(struct store *s, const struct store_clip *clip, json_t **ret)
{
    sqlite3_stmt *st;
    uint64_t end_us = clip->started_us + clip->duration_ms * 1000;
    json_t *all = json_array();
    bool begun = false; /* the rows are of the clip's own time */
    *ret = NULL;
    int er = !all ? ER_NOMEM
                  : sql_begin(s, &st,
                              "SELECT op, author, began_us, at_us, data FROM drawings WHERE case_id"
                              " = ? AND publisher = ? AND at_us <= ? ORDER BY at_us, n",
                              "tti", clip->case_id.text, clip->publisher, (int64_t)end_us);
    if (er < 0) {
        json_decref(all);
        return er;
    }
    while ((er = sql_step(s, st)) == 1) {
        json_t *item = row_json(st, clip->started_us);
        const char *op = json_string_value(json_object_get(item, "op"));
        begun = begun || sql_u64(st, 3) >= clip->started_us;
        if (!begun)
            take_away(all, op, json_string_value(json_object_get(item, "by")), item);
        bool adds = strcmp(op, ops[DRAWING_DRAW]) == 0 || strcmp(op, ops[DRAWING_FREEZE]) == 0;
        if (begun || adds)
            json_array_append_new(all, item);
        else
            json_decref(item);
    }
    sql_end(st);
    if (er < 0)
        json_decref(all);
    else
        *ret = all;
    return er;
}
