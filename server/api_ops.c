// SPDX-License-Identifier: Apache-2.0
/* For those who run it: health, metrics, the description of the interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/vault.h"
#include "media/media.h"
#include "server/api.h"
#include "server/calls.h"
#include "server/hook_runner.h"
#include "server/seal/durable.h"

static void text_answer(struct api_call *c, int status, const char *text)
{
    http_body_take(&c->response, status, "text/plain; charset=utf-8", strdup(text));
}

void api_healthz(struct api_call *c)
{
    text_answer(c, 200, "ok\n");
    api_answer(c);
}

void api_readyz(struct store *s, struct api_call *c)
{
    if (store_ping(s, c->unix_us))
        text_answer(c, 503, "the database cannot be written to\n");
    else if (c->disk_low)
        text_answer(c, 503, "the disk is nearly full: nothing new is recorded\n");
    else if (c->clips_unsaved)
        text_answer(c, 503, "a clip cannot be finished: the disk is full or failed\n");
    else if (c->draining)
        text_answer(c, 503, "draining\n");
    else
        text_answer(c, 200, "ok\n");
}

#define KEYS_BYTES 1048576

/** As the folder has it now: loupectl may have changed it. */
void api_keys(struct store *s, struct api_call *c)
{
    char path[PATH_MAX + 16], *text;
    size_t len;
    (void)s;
    (void)snprintf(path, sizeof path, "%s/keys/keys.json", c->app->data);
    int er = durable_read(path, KEYS_BYTES, &text, &len);
    if (er) {
        api_problem_er(c, er, "the keys cannot be read");
        return;
    }
    http_body_take(&c->response, 200, "application/json", text);
    http_header_add(&c->response, "cache-control", "public, max-age=60");
    http_header_add(&c->response, "access-control-allow-origin", "*");
}

struct metric {
    const char *name;
    const char *type;
    uint64_t value;
    const char *help;
};

static void write_metrics(FILE *f, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(f, "# HELP loupe_%s %s\n# TYPE loupe_%s %s\nloupe_%s %llu\n", metrics[i].name,
                      metrics[i].help, metrics[i].name, metrics[i].type, metrics[i].name,
                      (unsigned long long)metrics[i].value);
}

/** Prometheus wants the counts cumulative and the seconds whole numbers' fractions. */
static void write_histogram(FILE *f, const char *name, const char *help, const struct histogram *h)
{
    uint64_t total = 0;
    (void)fprintf(f, "# HELP loupe_%s %s\n# TYPE loupe_%s histogram\n", name, help, name);
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        total += h->counts[i];
        (void)fprintf(f, "loupe_%s_bucket{le=\"%g\"} %llu\n", name, histogram_bounds_us[i] / 1e6,
                      (unsigned long long)total);
    }
    total = histogram_total(h);
    (void)fprintf(f, "loupe_%s_bucket{le=\"+Inf\"} %llu\nloupe_%s_sum %.6f\nloupe_%s_count %llu\n",
                  name, (unsigned long long)total, name, (double)h->sum_us / 1e6, name,
                  (unsigned long long)total);
}

#define C "counter"
#define G "gauge"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void write_packets(FILE *f, const struct media_counters *n)
{
    const struct metric metrics[] = {
        {"media_packets_in_total", C, n->packets_in, "Datagrams that came in."},
        {"media_bytes_in_total", C, n->bytes_in, "Bytes of datagrams that came in."},
        {"media_packets_out_total", C, n->packets_out, "Datagrams sent."},
        {"media_bytes_out_total", C, n->bytes_out, "Bytes of datagrams sent."},
        {"media_packets_dropped_send_total", C, n->packets_dropped_send,
         "Datagrams that the system did not take."},
        {"media_nacks_sent_total", C, n->nacks_sent, "Packets asked for again."},
        {"media_nacks_received_total", C, n->nacks_received,
         "Packets that viewers asked for again."},
        {"media_retransmissions_sent_total", C, n->retransmissions_sent, "Packets sent again."},
        {"media_retransmissions_received_total", C, n->retransmissions_received,
         "Packets that came when asked for again."},
        {"media_plis_sent_total", C, n->plis_sent, "Key frames asked for."},
        {"media_plis_received_total", C, n->plis_received, "Key frames that viewers asked for."},
        {"media_probes_sent_total", C, n->probes_sent,
         "Packets sent to measure what viewers' paths carry."},
        {"media_feedback_sent_total", C, n->feedback_sent,
         "Transport-wide feedback sent to publishers."},
        {"media_feedback_received_total", C, n->feedback_received,
         "Transport-wide feedback that came from viewers."},
        {"media_reports_received_total", C, n->reports_received,
         "Sender and receiver reports that came."},
        {"media_layer_switches_total", C, n->layer_switches,
         "Changes of the encoding or the layers that a viewer is sent."},
        {"media_stun_bad_total", C, n->stun_bad, "STUN messages that could not be read."},
        {"media_stun_unauthentic_total", C, n->stun_unauthentic,
         "STUN messages with a wrong integrity."},
        {"media_dtls_bad_total", C, n->dtls_bad, "DTLS datagrams refused."},
        {"media_rtp_bad_total", C, n->rtp_bad, "RTP packets that could not be read."},
        {"media_rtp_unauthentic_total", C, n->rtp_unauthentic,
         "SRTP packets that failed authentication or replay checks."},
        {"media_rtcp_bad_total", C, n->rtcp_bad, "RTCP packets refused."},
        {"media_unknown_path_total", C, n->unknown_path, "Datagrams from addresses of no peer."},
        {"media_handshakes_total", C, n->handshakes_ok, "DTLS handshakes completed."},
        {"media_handshakes_failed_total", C, n->handshakes_failed, "DTLS handshakes that failed."},
        {"media_mirror_dropped_total", C, n->mirror_dropped,
         "Packets of a room on several workers that one of them was too slow for."},
        {"media_record_healed_total", C, n->record_healed,
         "Packets that clips have though they came too late for viewers."},
        {"media_record_missing_total", C, n->record_missing,
         "Packets that clips lack because they never came."},
        {"media_lookbacks_total", C, n->lookbacks,
         "Clips made of what was before they were asked for."},
        {"media_record_dropped_total", C, n->record_dropped,
         "Packets that the recorder had no room for."},
    };
    write_metrics(f, metrics, COUNT(metrics));
}

static void write_media(FILE *f, const struct media *m)
{
    struct media_counters n = {0};
    media_read_counters(m, &n);
    write_packets(f, &n);
    const struct metric metrics[] = {
        {"media_peers", G, n.peers, "Peer connections."},
        {"media_rooms", G, n.rooms, "Rooms that carry media."},
        {"media_tracks", G, n.tracks, "Published tracks."},
        {"media_realtime_workers", G, n.realtime, "Media threads at real-time priority."},
        {"media_tcp_connections", G, n.tcp_connections, "Media connections over TCP."},
        {"media_tcp_delivered_total", C, n.tcp_delivered,
         "Media connections over TCP that named a peer."},
        {"media_tcp_refused_total", C, n.tcp_refused, "Media connections over TCP beyond a bound."},
        {"media_tcp_dismissed_total", C, n.tcp_dismissed,
         "Media connections over TCP that said nothing in time, or nothing that fits."},
        {"media_tcp_queued_bytes", G, n.tcp_queued, "Memory for what waits for viewers over TCP."},
        {"media_tcp_dropped_total", C, n.tcp_dropped,
         "Packets dropped because too much waited for viewers over TCP."},
        {"media_views", G, n.views, "Receiving lines of video."},
        {"media_views_slideshow", G, n.views_slideshow,
         "Of those, the ones whose path carries one sharp picture a second."},
        {"media_views_audio_only", G, n.views_audio_only,
         "Of those, the ones whose path carries sound alone."},
        {"media_views_paused", G, n.views_paused, "Of those, the ones paused as wished."},
        {"media_hints_told_total", C, n.hints_told, "Publishers told what their viewers can take."},
        {"media_clips_recording", G, n.clips_recording, "Clips being written by media threads."},
    };
    write_metrics(f, metrics, COUNT(metrics));
    write_histogram(f, "media_join_seconds", "From a peer's first offer until it is connected.",
                    &n.join);
    write_histogram(
        f, "media_first_picture_seconds",
        "From the offer, or the publisher's first packet if that is later, to the first "
        "video packet sent.",
        &n.first_picture);
    write_histogram(
        f, "media_relay_delay_seconds",
        "Of each turn of a worker: from its oldest packet's arrival until all was sent.",
        &n.relay_delay);
}

static void write_queue(FILE *f, const struct queue_counts *counts)
{
    const struct queue_counts n = *counts;
    const struct metric metrics[] = {
        {"queue_waits_total", C, n.waited, "Buyers who began to wait."},
        {"queue_kept_total", C, n.kept,
         "Buyers who waited when the last process ended, and had their places kept."},
        {"queue_answered_total", C, n.accepted, "Of them, those whom an agent took."},
        {"queue_answered_milliseconds_total", C, n.wait_us / 1000, "What those waited, together."},
        {"queue_given_up_total", C, n.stopped, "Waits given up, or begun as calls elsewhere."},
        {"queue_lost_total", C, n.lost, "Waits of buyers who did not come back."},
        {"queue_widened_language_total", C, n.widened[QUEUE_ANY_LANGUAGE],
         "Waits so long that agents of other languages were asked."},
        {"queue_widened_team_total", C, n.widened[QUEUE_ANY_TEAM],
         "Waits so long that other teams were asked."},
        {"queue_aged_total", C, n.aged, "Waits so long that they came before all others."},
        {"offers_total", C, n.offers, "Calls offered to agents."},
        {"offers_to_bots_total", C, n.bot_offers, "Of those, the ones to bots."},
        {"bot_answers_total", C, n.bot_accepted, "And that bots took."},
        {"offers_declined_total", C, n.declined, "Offers that agents declined."},
        {"offers_expired_total", C, n.expired, "Offers that rang out."},
        {"offers_withdrawn_total", C, n.withdrawn,
         "Offers taken back: somebody left, or was not to be reached."},
    };
    write_metrics(f, metrics, COUNT(metrics));
}

static void write_hours(FILE *f, const struct calls_gauges *n)
{
    const struct metric metrics[] = {
        {"queue_closed_total", C, n->closed_to, "Buyers who came outside of business hours."},
        {"bookings_rung_total", C, n->bookings_rung,
         "Call-backs and appointments whose time came, each try."},
        {"bookings_kept_total", C, n->bookings_kept, "Bookings that became calls."},
        {"bookings_no_shows_total", C, n->bookings_no_shows,
         "Tries at which an agent was there and the buyer was not."},
        {"bookings_given_up_total", C, n->bookings_given_up,
         "Bookings left open for staff: after all tries, or as no time was free."},
        {"booking_reminders_total", C, n->bookings_reminded, "Reminders of appointments."},
        {"queue_closed_waiting_total", C, n->closed_on,
         "Buyers who waited at closing time, and were told after the grace."},
    };
    write_metrics(f, metrics, COUNT(metrics));
}

static void write_calls(FILE *f, const struct calls *calls)
{
    struct calls_gauges n = {0};
    calls_read_gauges(calls, &n);
    const struct metric metrics[] = {
        {"ws_links", G, n.links, "Open WebSocket connections."},
        {"ws_sessions", G, n.sessions, "Sessions, also those that wait to be resumed."},
        {"rooms", G, n.rooms, "Open rooms."},
        {"people", G, n.people, "People in rooms."},
        {"queue_waiting", G, n.waiting, "Buyers waiting for an agent."},
        {"agents_available", G, n.agents_available, "Agents ready to take a call."},
        {"calls", G, n.calls, "Calls under way."},
        {"whip_sessions", G, n.whip, "WHIP sessions."},
        {"whep_sessions", G, n.whep, "WHEP sessions."},
        {"clips_recording", G, n.clips_recording, "Clips being recorded."},
        {"clips_unsaved", G, n.clips_unsaved, "Clips that could not be sealed or entered yet."},
        {"disk_free_bytes", G, n.disk_free_bytes, "Free where clips go; 0: not looked at."},
        {"clips_sealed_total", C, n.seals, "Manifests written."},
        {"clips_seal_failures_total", C, n.seals_failed, "Manifests that could not be, each try."},
        {"clips_unstamped", G, n.unstamped, "Clips that wait for a time stamp."},
        {"clips_stamped_total", C, n.stamped, "Time stamps put into manifests."},
        {"clips_stamp_failures_total", C, n.stamp_tries_failed,
         "Tries to get a time stamp that failed."},
        {"clips_stamps_given_up_total", C, n.stamps_given_up,
         "Clips that will have no time stamp."},
        {"evidence_deleted_total", C, n.deleted,
         "Clips, stills and attachments that were deleted."},
        {"evidence_deleted_due_total", C, n.deleted_due, "Of those, the ones whose time was over."},
        {"case_timers_total", C, n.timers_run,
         "Times that a case's state, or what somebody was asked in it, ran out."},
        {"wrap_ups", G, n.wraps_owed, "Wrap-ups that agents owe."},
        {"wrap_ups_overdue", G, n.wraps_late, "Of those, the ones whose time is over."},
        {"wrap_ups_total", C, n.wraps_given, "Wrap-ups given."},
        {"wrap_ups_overdue_total", C, n.wraps_overdue, "Wrap-ups that were not given in time."},
        {"case_timers_put_off_total", C, n.timers_put_off,
         "Times that what a timer leads to could not be done, and was put off for an hour."},
        {"desk_messages_total", C, n.desks_told, "Messages that told desks of changed cases."},
        {"evidence_deletion_failures_total", C, n.deletions_failed,
         "Deletions that could not be carried out yet, each try."},
        {"camera_wishes_total", C, n.camera_wishes, "Wishes for somebody's camera."},
        {"shapes_drawn_total", C, n.shapes_drawn, "Shapes drawn over pictures."},
        {"stills_taken_total", C, n.stills_taken, "Stills taken."},
        {"attachments_added_total", C, n.attachments_added, "Files put to cases."},
        {"attachments_refused_total", C, n.attachments_refused,
         "Files that were sent whole, and not taken: of other types, or not what they should be."},
        {"attachments_given_up_total", C, n.attachments_given_up,
         "Files that whoever sent them gave up before they were whole."},
        {"attachment_bytes_total", C, n.attachment_bytes, "Bytes of the files put to cases."},
        {"clips_lens_covered_total", C, n.lenses_covered,
         "Stretches of clips with a covered lens."},
        {"clips_pictures_hashed_before_total", C, n.pictures_hashed,
         "Pictures of clips that were hashed when they came, before the clip was asked for."},
        {"seen_logs_total", C, n.seen_logs, "Logs kept of what participants were shown."},
        {"seen_bytes_total", C, n.seen_bytes, "Their bytes."},
        {"seen_dropped_total", C, n.seen_dropped, "Such logs that could not be kept."},
        {"ws_messages_in_total", C, n.messages_in, "Messages that came over WebSockets."},
        {"ws_errors_out_total", C, n.errors_out, "Errors answered over WebSockets."},
        {"calls_started_total", C, n.calls_started, "Calls begun."},
        {"calls_passed_on_total", C, n.calls_passed_on,
         "Transfers of calls and of waiting buyers."},
        {"calls_taken_over_total", C, n.calls_taken_over, "Calls that another agent went on with."},
    };
    write_metrics(f, metrics, COUNT(metrics));
    write_hours(f, &n);
    write_queue(f, &n.queue);
}

static void write_hooks(FILE *f, const struct hook_runner *hooks)
{
    struct hook_counters n;
    hook_runner_read_counters(hooks, &n);
    uint64_t now_us = clock_unix_us(), oldest_us = n.store.oldest_us;
    const struct metric metrics[] = {
        {"webhooks", G, n.store.hooks, "Webhooks."},
        {"webhooks_disabled", G, n.store.disabled, "Of those, the ones that are sent nothing."},
        {"webhooks_troubled", G, n.troubled, "Webhooks whose last attempt failed."},
        {"webhook_deliveries_waiting", G, n.store.waiting, "Events that wait for webhooks."},
        {"webhook_deliveries_dead", G, n.store.dead, "Dead letters."},
        {"webhook_oldest_seconds", G,
         oldest_us && now_us > oldest_us ? (now_us - oldest_us) / 1000000 : 0,
         "How long the oldest event waits."},
        {"webhook_flights", G, n.flights, "Requests to webhooks under way."},
        {"webhook_delivered_total", C, n.delivered, "Events delivered to webhooks."},
        {"webhook_failures_total", C, n.failed, "Attempts to deliver that failed."},
        {"webhook_given_up_total", C, n.dead, "Deliveries given up."},
        {"webhook_gone_total", C, n.gone, "Webhooks that were disabled by 410."},
        {"webhook_refused_total", C, n.refused,
         "Attempts to deliver to addresses that are not allowed."},
    };
    write_metrics(f, metrics, COUNT(metrics));
}

static void write_judged(FILE *f, const struct app *app)
{
    const uint64_t *n = app->judged;
    const struct metric metrics[] = {
        {"points_examined_total", C, n[JUDGED_EXAMINED], "Points of checklists written down."},
        {"opinions_committed_total", C, n[JUDGED_COMMITTED], "Blind opinions committed to."},
        {"opinions_revealed_total", C, n[JUDGED_REVEALED], "Of those, the ones revealed."},
        {"verdicts_total", C, n[JUDGED_VERDICT], "Verdicts of authentications."},
        {"certificates_issued_total", C, n[JUDGED_CERTIFIED], "Certificates issued."},
        {"certificates_revoked_total", C, n[JUDGED_REVOKED], "Certificates revoked."},
        {"certificate_looks_total", C, n[JUDGED_LOOKED], "Certificates looked up by anybody."},
        {"dispute_statements_total", C, n[JUDGED_STATED], "Further statements made in disputes."},
        {"dispute_questions_total", C, n[JUDGED_ASKED], "Questions that arbiters asked."},
        {"dispute_answers_total", C, n[JUDGED_ANSWERED], "Of those, the ones answered."},
        {"dispute_rulings_total", C, n[JUDGED_RULED], "Rulings."},
        {"dispute_appeals_total", C, n[JUDGED_APPEALED], "Appeals against rulings."},
    };
    write_metrics(f, metrics, COUNT(metrics));
}

static void write_http(FILE *f, const struct app *app)
{
    struct http_counters n = {0};
    struct vault_counters v;
    http_read_counters(app->http, &n);
    vault_read_counters(app->vault, &v);
    const struct metric metrics[] = {
        {"http_connections", G, n.connections, "Open connections."},
        {"http_connections_total", C, n.connections_total, "Connections accepted."},
        {"http_requests_total", C, n.requests, "Requests read."},
        {"http_requests_paced_total", C, pace_refused(app->pace),
         "Requests refused because too many came from one person or address."},
        {"http_bad_requests_total", C, n.bad_requests,
         "Requests refused before they were handed on."},
        {"http_refused_upgrades_total", C, n.refused_upgrades, "Upgrades to WebSocket refused."},
        {"http_bytes_out_total", C, n.bytes_out, "Bytes of answers."},
        {"store_jobs", G, dbq_count(app->dbq), "Jobs waiting for the database."},
        {"bookings_total", C, app->bookings, "Bookings and messages made, or moved, over HTTP."},
        {"case_changes_total", C, app->case_changes,
         "Changes of what cases say, beside their state."},
        {"case_conflicts_total", C, app->case_conflicts,
         "Changes refused with 412: somebody else had changed the case meanwhile."},
        {"evidence_views_total", C, app->views,
         "Views and downloads of clips, stills and attachments that stand on access logs."},
        {"export_files_missing_total", C, app->exports_missing,
         "Files that could not be read for exported cases, and were left out."},
        {"exports_broken_total", C, app->exports_broken,
         "Exports that broke off because a file changed or could not be read on."},
        {"brand_changes_total", C, app->brand_changes, "Brands of merchants that were changed."},
        {"retention_changes_total", C, app->retention_changes,
         "Periods of keeping that were changed over HTTP."},
        {"storage_keys", G, vault_key_names(app->vault, NULL, 0),
         "Keys that recordings can be decrypted with; 0: they lie plain."},
        {"storage_encrypted_bytes_total", C, v.bytes_encrypted, "Bytes of recordings encrypted."},
        {"storage_decrypted_bytes_total", C, v.bytes_decrypted, "Bytes of recordings decrypted."},
        {"storage_unauthentic_total", C, v.unauthentic,
         "Encrypted records that were not as they had been written."},
        {"storage_no_key_total", C, v.no_key, "Times that an encrypted file's key was not there."},
        {"draining", G, app->drain_until_us != 0,
         "1 while calls are ended before the server stops."},
    };
    write_metrics(f, metrics, COUNT(metrics));
    (void)fprintf(f,
                  "# HELP loupe_http_responses_total Answers by the first digit of their status.\n"
                  "# TYPE loupe_http_responses_total counter\n");
    for (unsigned i = 1; i < COUNT(n.responses); i++)
        (void)fprintf(f, "loupe_http_responses_total{class=\"%uxx\"} %llu\n", i,
                      (unsigned long long)n.responses[i]);
}

/** Those on this machine, unless they speak for others elsewhere; else a token of the right role, by a key
 *  of who runs the server: the figures are of all merchants together. */
static bool metrics_allowed(const struct api_call *c)
{
    const struct claims *who = &c->claims;
    if (c->has_claims)
        return (who->role == ROLE_SERVICE || who->role == ROLE_SUPERVISOR) &&
               !claims_is_bound(who) && strcmp(who->merchant, AUTH_MERCHANT_DEFAULT) == 0;
    return !c->app->config->allow_plain_http && !c->request->forwarded &&
           addr_is_loopback(&c->request->peer);
}

void api_metrics(struct api_call *c)
{
    char *text = NULL;
    size_t len = 0;
    if (!metrics_allowed(c)) {
        api_problem(c, c->has_claims ? 403 : 401,
                    "metrics are for service and supervisor of who runs the server");
        api_answer(c);
        return;
    }
    FILE *f = open_memstream(&text, &len);
    if (f) {
        (void)fprintf(f,
                      "# HELP loupe_info Always 1; the version is the label.\n"
                      "# TYPE loupe_info gauge\nloupe_info{version=\"%s\"} 1\n",
                      LOUPE_VERSION);
        write_http(f, c->app);
        write_judged(f, c->app);
        write_calls(f, c->app->calls);
        if (c->app->hooks)
            write_hooks(f, c->app->hooks);
        write_media(f, c->app->media);
        if (fclose(f) != 0) {
            free(text);
            text = NULL;
        }
    }
    http_body_take(&c->response, 200, "text/plain; version=0.0.4; charset=utf-8", text);
    api_answer(c);
}
