// SPDX-License-Identifier: Apache-2.0
/* One day, twice, and what it came to as JSON. */
#include "tests/bench/centre.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/er.h"
#include "tests/sim/centre.h"

static json_t *waits_json(const struct centre_waits *w)
{
    return json_pack("{s:i, s:i, s:f, s:i, s:i, s:f, s:f, s:f}", "came", (int)w->came, "answered",
                     (int)w->answered, "in_time", w->came ? (double)w->in_time / w->came : 0.0,
                     "abandoned", (int)w->abandoned, "lost", (int)w->lost, "median_s", w->median_s,
                     "p90_s", w->p90_s, "longest_s", w->longest_s);
}

static json_t *result_json(const struct centre_result *r)
{
    json_t *tiers = json_array();
    for (size_t i = 0; i < QUEUE_TIERS; i++)
        json_array_append_new(tiers, waits_json(&r->tiers[i]));
    return json_pack(
        "{s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f,"
        " s:i, s:f}",
        "all", waits_json(&r->all), "tiers", tiers, "offers", (int)r->offers, "declined",
        (int)r->declined, "rang_out", (int)r->rang_out, "withdrawn", (int)r->withdrawn,
        "other_language", (int)r->other_language, "other_team", (int)r->other_team, "preferred_met",
        (int)r->preferred_met, "preferred_wanted", (int)r->preferred_wanted, "doubled",
        (int)r->doubled, "overloaded", (int)r->overloaded, "astray", (int)r->astray, "overtaken",
        (int)r->overtaken, "unsound", (int)r->unsound, "first_error", r->first_error, "any_error",
        r->any_error, "told", (int)r->told, "busy", r->busy);
}

int centre_main(int argc, char **argv)
{
    struct centre_result queue, fifo;
    if (argc != 3)
        return 2;
    struct centre_config config = {.seed = strtoull(argv[0], NULL, 10),
                                   .calls = (unsigned)strtoul(argv[1], NULL, 10),
                                   .agents = (unsigned)strtoul(argv[2], NULL, 10),
                                   .hours = 24};
    if (!config.calls || !config.agents)
        return 2;
    int er = centre_run(&config, &queue);
    config.fifo = true;
    if (er == 0)
        er = centre_run(&config, &fifo);
    if (er < 0) {
        fprintf(stderr, "loupe-bench: centre: %s\n", er_name(er));
        return 1;
    }
    json_t *o = json_pack("{s:I, s:o, s:o}", "seed", (json_int_t)config.seed, "queue",
                          result_json(&queue), "fifo", result_json(&fifo));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(5));
    puts(text);
    free(text);
    json_decref(o);
    return 0;
}
