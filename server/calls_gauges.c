// SPDX-License-Identifier: Apache-2.0
/* What the conductor has of everything, for /metrics. */
#include "server/calls_impl.h"

void calls_read_gauges(const struct calls *c, struct calls_gauges *ret)
{
    *ret = (struct calls_gauges){.links = sessions_link_count(c->sessions),
                                 .sessions = sessions_count(c->sessions),
                                 .rooms = map_count(c->rooms),
                                 .waiting = queue_waiting_count(c->queue),
                                 .agents_available = queue_available_count(c->queue),
                                 .calls = c->calls_on,
                                 .whip = c->whip,
                                 .whep = c->whep,
                                 .clips_recording = map_count(c->clips) - c->clips_unsaved,
                                 .clips_unsaved = c->clips_unsaved,
                                 .shapes_drawn = c->shapes_drawn,
                                 .camera_wishes = c->camera_wishes,
                                 .stills_taken = c->stills_taken,
                                 .attachments_added = c->attachments_added,
                                 .attachments_refused = c->attachments_refused,
                                 .attachments_given_up = c->attachments_given_up,
                                 .attachment_bytes = c->attachment_bytes,
                                 .deleted = c->deleted,
                                 .deleted_due = c->deleted_due,
                                 .wraps_owed = c->wraps.count,
                                 .wraps_late = calls_wraps_overdue(c),
                                 .wraps_given = c->wraps.given,
                                 .wraps_overdue = c->wraps.overdue,
                                 .timers_run = c->timers.run,
                                 .timers_put_off = c->timers.put_off,
                                 .desks_told = c->desk.told,
                                 .closed_to = c->hours.turned_away,
                                 .closed_on = c->hours.sent_away,
                                 .bookings_rung = c->bookings.rung,
                                 .bookings_reminded = c->bookings.reminders,
                                 .bookings_kept = c->bookings.kept,
                                 .bookings_no_shows = c->bookings.no_shows,
                                 .bookings_given_up = c->bookings.given_up,
                                 .deletions_failed = c->deletions_failed,
                                 .lenses_covered = c->lenses_covered,
                                 .pictures_hashed = c->pictures_hashed,
                                 .seen_logs = c->seen_logs,
                                 .seen_bytes = c->seen_bytes,
                                 .seen_dropped = c->seen_dropped,
                                 .seals = c->seals,
                                 .seals_failed = c->seals_failed,
                                 .unstamped = c->stamps.waiting,
                                 .stamped = c->stamps.stamped,
                                 .stamp_tries_failed = c->stamps.tries_failed,
                                 .stamps_given_up = c->stamps.given_up,
                                 .disk_free_bytes = c->space_free_bytes,
                                 .messages_in = c->messages_in,
                                 .errors_out = c->errors_out,
                                 .calls_started = c->calls_started,
                                 .calls_passed_on = c->calls_passed_on,
                                 .calls_taken_over = c->calls_taken_over};
    queue_read_counts(c->queue, &ret->queue);
    size_t cursor = 0;
    void *value;
    while (map_next(c->rooms, &cursor, NULL, NULL, &value))
        ret->people += roster_count(((const struct room *)value)->roster);
}
