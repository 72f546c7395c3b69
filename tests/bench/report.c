// SPDX-License-Identifier: Apache-2.0
/* Sums over the peers, as JSON. */
#include "tests/bench/report.h"

#include <stdio.h>
#include <sys/resource.h>

#define PORTS 64

static double cpu_seconds(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double ms(uint64_t us)
{
    return (double)us / 1000;
}

static json_t *percentiles(const struct histogram *h)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "p50_ms", ms(histogram_at(h, 0.5)), "p90_ms",
                     ms(histogram_at(h, 0.9)), "p99_ms", ms(histogram_at(h, 0.99)), "max_ms",
                     ms(h->max), "count", (json_int_t)h->count);
}

/** Is anybody always last? The viewers' mean delays, and the share of frames that the one who was last
 *  most often was last for. */
static json_t *fairness(const struct load_peers *peers, struct load_meter *meter)
{
    double fastest = -1, slowest = 0;
    uint64_t often = 0;
    meter_settle(meter);
    for (size_t i = 0; i < peers->count; i++) {
        const struct load_sink *s = load_peer_sink(peers->all[i]);
        if (s->delay_count == 0)
            continue;
        double mean = (double)s->delay_sum_us / (double)s->delay_count / 1000;
        if (fastest < 0 || mean < fastest)
            fastest = mean;
        if (mean > slowest)
            slowest = mean;
        if (s->last_count > often)
            often = s->last_count;
    }
    return json_pack("{s:o, s:f, s:f, s:f}", "spread", percentiles(&meter->spread),
                     "fastest_viewer_mean_ms", fastest, "slowest_viewer_mean_ms", slowest,
                     "most_often_last",
                     meter->frames ? (double)often / (double)meter->frames : 0.0);
}

/** Packets received from each port of the server: one worker each. */
static json_t *by_port(const struct load_peers *peers)
{
    struct {
        uint16_t port;
        json_int_t viewers;
        uint64_t received;
    } ports[PORTS];
    size_t count = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < peers->count; i++) {
        struct load_counts c = {0};
        size_t at = 0;
        load_peer_count(peers->all[i], &c);
        if (c.received == 0)
            continue;
        while (at < count && ports[at].port != load_peer_port(peers->all[i]))
            at++;
        if (at == PORTS)
            continue;
        if (at == count) {
            ports[count].port = load_peer_port(peers->all[i]);
            ports[count].viewers = 0;
            ports[count++].received = 0;
        }
        ports[at].viewers++;
        ports[at].received += c.received;
    }
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:i, s:I, s:I}", "port", (int)ports[i].port,
                                              "viewers", ports[i].viewers, "received",
                                              (json_int_t)ports[i].received));
    return list;
}

json_t *load_report(const struct load_peers *peers, struct load_meter *meter)
{
    struct load_counts sum = {0};
    json_int_t connected = 0;
    json_int_t watching = 0;
    for (size_t i = 0; i < peers->count; i++) {
        connected += load_peer_connected(peers->all[i]);
        watching += load_peer_watching(peers->all[i]);
        load_peer_count(peers->all[i], &sum);
    }
    json_t *report = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "peers",
        (json_int_t)peers->count, "connected", connected, "watching", watching, "streams",
        (json_int_t)sum.streams, "sent", (json_int_t)sum.sent, "received", (json_int_t)sum.received,
        "expected", (json_int_t)sum.expected, "repeated", (json_int_t)sum.repeated, "padding",
        (json_int_t)sum.padding, "checked", (json_int_t)sum.checked, "corrupt",
        (json_int_t)sum.corrupt, "reordered", (json_int_t)sum.reordered, "nacks",
        (json_int_t)sum.nacks, "refused", (json_int_t)sum.refused);
    json_object_set_new(report, "begun_with_key_frame", json_integer((json_int_t)sum.clean));
    json_object_set_new(report, "cpu_seconds", json_real(cpu_seconds()));
    json_object_set_new(report, "video_delay", percentiles(&meter->video));
    json_object_set_new(report, "audio_delay", percentiles(&meter->audio));
    json_object_set_new(report, "fairness", fairness(peers, meter));
    json_object_set_new(report, "by_port", by_port(peers));
    return report;
}
