// SPDX-License-Identifier: Apache-2.0
/* loupe-grid: runs the grid of impaired networks, or the cells whose name holds a text, and prints a
 * JSON object for each run. `loupe-grid [-s SEEDS] [-p PART/PARTS] [TEXT]`: every PARTS-th cell from
 * PART on, so that several processes share the work (tests/bench/loss.mjs). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "tests/sim/grid.h"

static json_t *step_json(const struct grid_case *c, const struct grid_result *r, size_t i)
{
    const struct grid_step *s = &r->steps[i];
    json_int_t settled = s->settled_ms == UINT32_MAX ? -1 : (json_int_t)s->settled_ms;
    json_int_t changed = s->changed_ms == UINT32_MAX ? -1 : (json_int_t)s->changed_ms;
    json_int_t reached = s->reached_ms == UINT32_MAX ? -1 : (json_int_t)s->reached_ms;
    return json_pack("{s:I, s:f, s:i, s:i, s:i, s:I, s:I, s:I, s:i}", "rate_bps",
                     (json_int_t)c->steps[i].rate_bps, "used", s->used, "wait_ms", (int)s->wait_ms,
                     "worst_ms", (int)s->worst_ms, "after_ms", (int)s->after_ms, "settled_ms",
                     settled, "changed_ms", changed, "reached_ms", reached, "width", (int)s->width);
}

static void print(size_t cell, const struct grid_case *c, uint64_t seed,
                  const struct grid_result *r)
{
    json_int_t recovery = r->recovery_ms == UINT32_MAX ? -1 : (json_int_t)r->recovery_ms;
    json_t *o = json_pack(
        "{s:I, s:s, s:I, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:i, s:i, s:i, s:i,"
        " s:i, s:I, s:I, s:I}",
        "cell", (json_int_t)cell, "name", c->name, "seed", (json_int_t)seed, "fps", r->fps, "kbps",
        r->kbps, "sent_kbps", r->sent_kbps, "key_frames", r->key_frames, "freezes", (int)r->freezes,
        "long_freezes", (int)r->long_freezes, "frozen_ms", (int)r->frozen_ms, "longest_ms",
        (int)r->longest_ms, "delay_ms", (int)r->delay_ms, "late_ms", (int)r->late_ms, "concealed",
        r->concealed, "silent_ms", (int)r->silent_ms, "sound_ms", (int)r->sound_ms, "nacked",
        (int)r->nacked, "resent", (int)r->resent, "plis", (int)r->plis, "recovery_ms", recovery,
        "broken", (json_int_t)r->broken, "corrupt", (json_int_t)r->corrupt);
    json_t *steps = json_array();
    for (size_t i = 0; i < r->step_count; i++)
        json_array_append_new(steps, step_json(c, r, i));
    json_object_set_new(o, "steps", steps);
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(5));
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(o);
}

int main(int argc, char **argv)
{
    unsigned long seeds = 5, part = 0, parts = 1;
    int option;
    while ((option = getopt(argc, argv, "s:p:")) != -1) {
        char *end = optarg;
        if (option == 's') {
            seeds = strtoul(optarg, NULL, 10);
        } else if (option == 'p') {
            part = strtoul(optarg, &end, 10);
            parts = *end == '/' ? strtoul(end + 1, NULL, 10) : 1;
        } else {
            return 2;
        }
    }
    const char *text = optind < argc ? argv[optind] : "";
    struct grid_case c;
    for (size_t i = 0; grid_at(i, &c); i++) {
        for (uint64_t seed = 1; strstr(c.name, text) && seed <= seeds; seed++) {
            struct grid_result r;
            if ((i * seeds + seed) % parts != part)
                continue;
            int er = grid_run(&c, seed, &r);
            if (er != 0) {
                fprintf(stderr, "%s, seed %llu: %s\n", c.name, (unsigned long long)seed,
                        er_name(er));
                return 1;
            }
            print(i, &c, seed, &r);
        }
    }
    return 0;
}
