// SPDX-License-Identifier: Apache-2.0
/* The schema of the SQLite store, version by version. */
#include "server/store_sql.h"

/* One entry per version; never changed once released. user_version counts them. */
const char *const store_migrations[] = {
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE merchants(id TEXT PRIMARY KEY, name TEXT NOT NULL, created_us INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE numbers(year TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cases("
    " id TEXT PRIMARY KEY, room TEXT NOT NULL UNIQUE, number TEXT NOT NULL UNIQUE,"
    " merchant TEXT NOT NULL REFERENCES merchants(id), kind TEXT NOT NULL, state TEXT NOT NULL,"
    " title TEXT NOT NULL, language TEXT NOT NULL, priority INTEGER NOT NULL,"
    " buyer TEXT NOT NULL, buyer_name TEXT NOT NULL, created_us INTEGER NOT NULL,"
    " changed_us INTEGER NOT NULL, waiting_since_us INTEGER NOT NULL, version INTEGER NOT NULL,"
    " more TEXT NOT NULL) STRICT;"
    "CREATE INDEX cases_merchant ON cases(merchant, id);"
    "CREATE INDEX cases_state ON cases(merchant, state, id);"
    "CREATE TABLE events("
    " case_id TEXT NOT NULL REFERENCES cases(id), seq INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " actor TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL,"
    " hash TEXT NOT NULL, PRIMARY KEY(case_id, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX events_type ON events(type, at_us);"
    "CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events never change'); END;"
    "CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events never go'); END;"
    "CREATE TABLE people("
    " case_id TEXT NOT NULL REFERENCES cases(id), identity TEXT NOT NULL, name TEXT NOT NULL,"
    " role TEXT NOT NULL, consent INTEGER, PRIMARY KEY(case_id, identity)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE clips("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), room TEXT NOT NULL,"
    " merchant TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,"
    " publisher TEXT NOT NULL, started_by TEXT NOT NULL, path TEXT NOT NULL,"
    " reason TEXT NOT NULL, created_us INTEGER NOT NULL, started_us INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, gaps INTEGER NOT NULL,"
    " gap_ms INTEGER NOT NULL, has_video INTEGER NOT NULL, has_audio INTEGER NOT NULL,"
    " has_poster INTEGER NOT NULL, repaired INTEGER NOT NULL) STRICT;"
    "CREATE INDEX clips_case ON clips(case_id, id);"
    "CREATE INDEX clips_state ON clips(state) WHERE state = 'recording';"
    "CREATE TABLE invites("
    " jti TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), identity TEXT NOT NULL,"
    " role TEXT NOT NULL, single_use INTEGER NOT NULL, used_us INTEGER NOT NULL,"
    " expires_us INTEGER NOT NULL) STRICT;"
    "CREATE TABLE idempotency("
    " owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " case_id TEXT NOT NULL REFERENCES cases(id), at_us INTEGER NOT NULL,"
    " PRIMARY KEY(owner, key)) STRICT, WITHOUT ROWID;",
    "ALTER TABLE clips ADD COLUMN video_codec TEXT NOT NULL DEFAULT 'VP8';",
    "CREATE TABLE stills("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), room TEXT NOT NULL,"
    " merchant TEXT NOT NULL, ready INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,"
    " publisher TEXT NOT NULL, taken_by TEXT NOT NULL, path TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, at_us INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    " facts TEXT NOT NULL) STRICT;"
    "CREATE INDEX stills_case ON stills(case_id, id);"
    "CREATE INDEX stills_unfinished ON stills(ready) WHERE ready = 0;",
    "CREATE TABLE api_keys("
    " id TEXT PRIMARY KEY, merchant TEXT NOT NULL REFERENCES merchants(id), secret TEXT NOT NULL,"
    " created_us INTEGER NOT NULL) STRICT;",
    "CREATE TABLE retention("
    " merchant TEXT NOT NULL, kind TEXT NOT NULL, seconds INTEGER NOT NULL,"
    " changed_us INTEGER NOT NULL, PRIMARY KEY(merchant, kind)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE holds("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), object TEXT NOT NULL,"
    " of TEXT NOT NULL, firm INTEGER NOT NULL, reason TEXT NOT NULL, placed_by TEXT NOT NULL,"
    " placed_us INTEGER NOT NULL, lift_reason TEXT NOT NULL, lifted_by TEXT NOT NULL,"
    " lifted_us INTEGER NOT NULL) STRICT;"
    "CREATE INDEX holds_case ON holds(case_id, id);"
    "CREATE TABLE tombstones("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), object TEXT NOT NULL,"
    " path TEXT NOT NULL, document TEXT NOT NULL, deleted_us INTEGER NOT NULL,"
    " cleared INTEGER NOT NULL) STRICT;"
    "CREATE INDEX tombstones_case ON tombstones(case_id, id);"
    "CREATE INDEX tombstones_left ON tombstones(cleared) WHERE cleared = 0;",
    "CREATE TABLE seen("
    " id INTEGER PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id),"
    " at_us INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL,"
    " log BLOB NOT NULL) STRICT;"
    "CREATE INDEX seen_case ON seen(case_id, from_s);",
    "CREATE INDEX people_identity ON people(identity);"
    "CREATE INDEX invites_case ON invites(case_id, identity);",
    "ALTER TABLE clips ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX clips_unstamped ON clips(id) WHERE state = 'ready' AND stamp = 0;",
    "CREATE TABLE retention_changes("
    " merchant TEXT NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL,"
    " kind TEXT NOT NULL, from_seconds INTEGER NOT NULL, to_seconds INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER retention_changes_stay BEFORE UPDATE ON retention_changes BEGIN"
    " SELECT RAISE(ABORT, 'what was changed stays as it was'); END;"
    "CREATE TRIGGER retention_changes_last BEFORE DELETE ON retention_changes BEGIN"
    " SELECT RAISE(ABORT, 'what was changed stays known'); END;",
    "CREATE TABLE webhooks("
    " id TEXT PRIMARY KEY, merchant TEXT NOT NULL, url TEXT NOT NULL, description TEXT NOT NULL,"
    " types TEXT NOT NULL, enabled INTEGER NOT NULL, why TEXT NOT NULL, removed INTEGER NOT NULL,"
    " secret TEXT NOT NULL, old_secret TEXT NOT NULL, old_until_us INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, waiting INTEGER NOT NULL,"
    " dead INTEGER NOT NULL) STRICT;"
    "CREATE INDEX webhooks_merchant ON webhooks(merchant, id);"
    /* case_id and seq name the event; case_id '' is a test. state: 0 waiting, 1 delivered, 2 dead */
    "CREATE TABLE hook_deliveries("
    " id INTEGER PRIMARY KEY, hook TEXT NOT NULL, case_id TEXT NOT NULL, seq INTEGER NOT NULL,"
    " type TEXT NOT NULL, case_state TEXT NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, since_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
    " status INTEGER NOT NULL, error TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX hook_deliveries_event ON hook_deliveries(case_id, seq, hook);"
    "CREATE INDEX hook_deliveries_state ON hook_deliveries(hook, state, id);"
    "CREATE INDEX hook_deliveries_next ON hook_deliveries(hook, case_id, seq) WHERE state = 0;"
    "CREATE INDEX hook_deliveries_waiting ON hook_deliveries(since_us) WHERE state = 0;"
    "CREATE INDEX hook_deliveries_over ON hook_deliveries(state, changed_us) WHERE state > 0;"
    /* One for each webhook and case of which something waits: when its first is due. */
    "CREATE TABLE hook_lanes("
    " hook TEXT NOT NULL, case_id TEXT NOT NULL, next_us INTEGER NOT NULL,"
    " PRIMARY KEY(hook, case_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX hook_lanes_due ON hook_lanes(hook, next_us);",
    /* Of those made before it is not known by whom: they count as a service's. */
    "ALTER TABLE invites ADD COLUMN by_role TEXT NOT NULL DEFAULT 'service';",
    /* store_stats.h: dim is all, team, agent or reason; span are the seconds from at_s on. */
    "CREATE TABLE stats_keys("
    " merchant TEXT NOT NULL, dim TEXT NOT NULL, key TEXT NOT NULL,"
    " PRIMARY KEY(merchant, dim, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE stats_cells("
    " merchant TEXT NOT NULL, dim TEXT NOT NULL, span INTEGER NOT NULL, at_s INTEGER NOT NULL,"
    " key TEXT NOT NULL, cell BLOB NOT NULL,"
    " PRIMARY KEY(merchant, dim, span, at_s, key)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE internals("
    " case_id TEXT NOT NULL, seq INTEGER NOT NULL, salt TEXT NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY(case_id, seq), FOREIGN KEY(case_id, seq) REFERENCES events(case_id, seq))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE tags("
    " merchant TEXT NOT NULL, tag TEXT NOT NULL, case_id TEXT NOT NULL REFERENCES cases(id),"
    " PRIMARY KEY(merchant, tag, case_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tags_case ON tags(case_id, tag);"
    "CREATE TABLE links("
    " case_id TEXT NOT NULL REFERENCES cases(id), other TEXT NOT NULL REFERENCES cases(id),"
    " relation TEXT NOT NULL, PRIMARY KEY(case_id, other, relation)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE workers("
    " merchant TEXT NOT NULL REFERENCES merchants(id), identity TEXT NOT NULL, name TEXT NOT NULL,"
    " role TEXT NOT NULL, created_us INTEGER NOT NULL, PRIMARY KEY(merchant, identity))"
    " STRICT, WITHOUT ROWID;",
    /* What cases are found by, in step with them by store_case_index; n counts them as they came. */
    "CREATE TABLE case_texts("
    " n INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE REFERENCES cases(id),"
    " scope TEXT NOT NULL, words TEXT NOT NULL) STRICT;"
    "CREATE VIRTUAL TABLE case_index USING fts5(scope, words, content='case_texts',"
    " content_rowid='n', tokenize='ascii', detail='none', columnsize=0, prefix='2 3');"
    "ALTER TABLE cases ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0;" /* ever */
    "UPDATE cases SET disputed = 1 WHERE json_type(more, '$.dispute') IS NOT NULL;"
    "CREATE INDEX cases_disputed ON cases(merchant, id) WHERE disputed = 1;"
    "CREATE INDEX cases_live ON cases(state, id) WHERE state IN ('waiting', 'in_call');",
    /* case_timers.h; what was in a state before has its time from now on. */
    "CREATE TABLE timers("
    " merchant TEXT NOT NULL, state TEXT NOT NULL, seconds INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, state)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE cases ADD COLUMN due_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE cases SET due_us = (unixepoch() + 86400 * CASE state WHEN 'open' THEN 30"
    " WHEN 'proposed' THEN 3 WHEN 'disputed' THEN 2 ELSE 7 END) * 1000000"
    " WHERE state NOT IN ('waiting', 'in_call', 'closed', 'cancelled');"
    "CREATE INDEX cases_due ON cases(due_us) WHERE due_us > 0;",
    /* A version without a document takes the merchant's own back. */
    "CREATE TABLE checklists("
    " merchant TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " document TEXT NOT NULL, made_by TEXT NOT NULL, made_us INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, id, version)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER checklists_stay BEFORE UPDATE ON checklists BEGIN"
    " SELECT RAISE(ABORT, 'versions never change'); END;"
    "CREATE TRIGGER checklists_last BEFORE DELETE ON checklists BEGIN"
    " SELECT RAISE(ABORT, 'versions never go'); END;"
    "CREATE TABLE checklists_kept(sha256 TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER checklists_kept_stay BEFORE UPDATE ON checklists_kept BEGIN"
    " SELECT RAISE(ABORT, 'what was examined by stays'); END;"
    "CREATE TRIGGER checklists_kept_last BEFORE DELETE ON checklists_kept BEGIN"
    " SELECT RAISE(ABORT, 'what was examined by stays'); END;"
    /* seq is that of the event that issued it */
    "CREATE TABLE certificates("
    " id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE,"
    " case_id TEXT NOT NULL REFERENCES cases(id), seq INTEGER NOT NULL) STRICT;"
    "CREATE INDEX certificates_case ON certificates(case_id, id);",
    "ALTER TABLE api_keys ADD COLUMN old_secret TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE api_keys ADD COLUMN old_until_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE api_keys ADD COLUMN changed_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE api_keys ADD COLUMN roles TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE log("
    " merchant TEXT NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL,"
    " action TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL,"
    " PRIMARY KEY(merchant, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX log_subject ON log(merchant, subject, actor, action, at_us);"
    "CREATE TRIGGER log_stay BEFORE UPDATE ON log BEGIN"
    " SELECT RAISE(ABORT, 'what was done stays as it was'); END;"
    "CREATE TRIGGER log_last BEFORE DELETE ON log BEGIN"
    " SELECT RAISE(ABORT, 'what was done stays known'); END;",
    /* The same with an index for every length that words are begun with: others are gathered whole. */
    "DROP TABLE case_index;"
    "CREATE VIRTUAL TABLE case_index USING fts5(scope, words, content='case_texts',"
    " content_rowid='n', tokenize='ascii', detail='none', columnsize=0, prefix='2 3 4 5 6 7 8');"
    "INSERT INTO case_index(case_index) VALUES('rebuild');"
    "CREATE INDEX cases_kind ON cases(merchant, kind, id);"
    "CREATE INDEX cases_filter ON cases(id, merchant, state, kind, disputed);", /* all in one */
    /* Figures left out verdicts, and the team and the reason that cases were given later: they are summed up anew. */
    "DELETE FROM stats_cells;"
    "DELETE FROM stats_keys;",
    /* store_alarms.h; what was asked before has one too. */
    "CREATE TABLE alarms("
    " due_us INTEGER NOT NULL, case_id TEXT NOT NULL REFERENCES cases(id),"
    " PRIMARY KEY(due_us, case_id)) STRICT, WITHOUT ROWID;"
    "INSERT OR IGNORE INTO alarms SELECT e.at_us + json_extract(e.data, '$.within_seconds')"
    " * 1000000, e.case_id FROM events e JOIN cases k ON k.id = e.case_id"
    " WHERE e.type = 'question_asked' AND k.state = 'in_review';",
    /* Opinions that wait to be revealed have three days, also those committed to before. */
    "INSERT OR IGNORE INTO alarms SELECT max(e.at_us) + 259200001000, e.case_id FROM events e"
    " JOIN cases k ON k.id = e.case_id WHERE e.type = 'opinion_committed' AND k.state"
    " NOT IN ('executed', 'closed', 'cancelled') GROUP BY e.case_id;",
    /* Without a document they were removed: their version goes on. */
    "CREATE TABLE hours("
    " merchant TEXT NOT NULL REFERENCES merchants(id), team TEXT NOT NULL,"
    " version INTEGER NOT NULL, changed_us INTEGER NOT NULL, changed_by TEXT NOT NULL,"
    " document TEXT NOT NULL, PRIMARY KEY(merchant, team)) STRICT, WITHOUT ROWID;",
    /* store_waits.h; n counts them as they came. */
    "CREATE TABLE waits("
    " n INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE REFERENCES cases(id),"
    " waits INTEGER NOT NULL, talks INTEGER NOT NULL, since_us INTEGER NOT NULL,"
    " from_us INTEGER NOT NULL, counted_us INTEGER NOT NULL) STRICT;"
    "INSERT INTO waits(case_id, waits, talks, since_us, from_us, counted_us)"
    " SELECT id, state = 'waiting', state = 'in_call', waiting_since_us, max(waiting_since_us,"
    " CASE state WHEN 'waiting' THEN (SELECT coalesce(max(at_us), 0) FROM events"
    " WHERE case_id = id AND type = 'transferred') ELSE 0 END), 0"
    " FROM cases WHERE state IN ('waiting', 'in_call') ORDER BY waiting_since_us;",
    /* Beginnings of a letter, and of more than eight, were gathered whole (CASE_BEGIN_LETTERS). */
    "DROP TABLE case_index;"
    "CREATE VIRTUAL TABLE case_index USING fts5(scope, words, content='case_texts',"
    " content_rowid='n', tokenize='ascii', detail='none', columnsize=0,"
    " prefix='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16');"
    "INSERT INTO case_index(case_index) VALUES('rebuild');",
    /* store_drawings.h; those that are on no clip any more go with the last that they were on. */
    "CREATE TABLE drawings("
    " n INTEGER PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), publisher TEXT NOT NULL,"
    " author TEXT NOT NULL, op TEXT NOT NULL, began_us INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " data TEXT NOT NULL) STRICT;"
    "CREATE INDEX drawings_of ON drawings(case_id, publisher, at_us);"
    "CREATE TRIGGER drawings_go AFTER DELETE ON clips BEGIN DELETE FROM drawings"
    " WHERE case_id = OLD.case_id AND publisher = OLD.publisher AND NOT EXISTS("
    "SELECT 1 FROM clips c WHERE c.case_id = drawings.case_id AND c.publisher = drawings.publisher "
    "AND (c.state ="
    " 'recording' OR drawings.at_us BETWEEN c.started_us AND c.started_us + c.duration_ms * 1000));"
    " END;",
    "CREATE TABLE attachments("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), merchant TEXT NOT NULL,"
    " ready INTEGER NOT NULL, visible INTEGER NOT NULL, name TEXT NOT NULL,"
    " added_by TEXT NOT NULL, path TEXT NOT NULL, created_us INTEGER NOT NULL,"
    " added_us INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " type TEXT NOT NULL) STRICT;"
    "CREATE INDEX attachments_case ON attachments(case_id, id);"
    "CREATE INDEX attachments_unfinished ON attachments(ready) WHERE ready = 0;",
    /* store_wraps.h: what agents owe after their calls, and what merchants want of pairing. */
    "CREATE TABLE wrap_ups("
    " case_id TEXT NOT NULL REFERENCES cases(id), agent TEXT NOT NULL, merchant TEXT NOT NULL,"
    " since_us INTEGER NOT NULL, seconds INTEGER NOT NULL, extensions INTEGER NOT NULL,"
    " required INTEGER NOT NULL, PRIMARY KEY(case_id, agent)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX wrap_ups_agent ON wrap_ups(merchant, agent);"
    "CREATE TABLE pairing("
    " merchant TEXT PRIMARY KEY, rules TEXT NOT NULL) STRICT;",
    "ALTER TABLE workers ADD COLUMN team TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE workers ADD COLUMN skills TEXT NOT NULL DEFAULT '[]';"
    "ALTER TABLE workers ADD COLUMN languages TEXT NOT NULL DEFAULT '[]';"
    "ALTER TABLE workers ADD COLUMN capacity INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE workers ADD COLUMN active INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE workers ADD COLUMN changed_us INTEGER NOT NULL DEFAULT 0;",
    /* live: a case has one such; holds: its seat is taken. pool: the team whose hours it is by, or ''. */
    "CREATE TABLE bookings("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), merchant TEXT NOT NULL,"
    " pool TEXT NOT NULL, seat INTEGER NOT NULL, agent TEXT NOT NULL, kind TEXT NOT NULL,"
    " state TEXT NOT NULL, live INTEGER NOT NULL, holds INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " ends_us INTEGER NOT NULL, next_us INTEGER NOT NULL, key TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX bookings_case ON bookings(case_id) WHERE live = 1;"
    "CREATE INDEX bookings_at ON bookings(merchant, at_us);"
    "CREATE INDEX bookings_next ON bookings(next_us) WHERE next_us > 0;"
    "CREATE INDEX bookings_ringing ON bookings(state) WHERE state = 'ringing';"
#define ONCE(name, when)                                                                           \
    "CREATE TRIGGER " name " BEFORE " when " ON bookings WHEN NEW.holds = 1 AND EXISTS("           \
    "SELECT 1 FROM bookings b WHERE b.merchant = NEW.merchant AND b.holds = 1 AND b.id <> NEW.id"  \
    " AND b.at_us < NEW.ends_us AND b.ends_us > NEW.at_us AND b.at_us > NEW.at_us - 14400000000"   \
    " AND ((b.pool = NEW.pool AND b.seat = NEW.seat) OR (b.agent <> '' AND b.agent = NEW.agent)))" \
    " BEGIN SELECT RAISE(ABORT, 'this time is taken'); END;"
    ONCE("bookings_once", "INSERT") ONCE("bookings_once_moved", "UPDATE"),
#undef ONCE
    "CREATE TABLE brands("
    " merchant TEXT PRIMARY KEY REFERENCES merchants(id), version INTEGER NOT NULL,"
    " changed_us INTEGER NOT NULL, changed_by TEXT NOT NULL, document TEXT NOT NULL, logo BLOB,"
    " logo_type TEXT NOT NULL, logo_sha256 TEXT NOT NULL) STRICT;"
    "CREATE INDEX brands_logo ON brands(logo_sha256) WHERE logo_sha256 <> '';",
    /* A clip shows what was drawn before it and still stood: all stays that was before the end of one. */
    "DROP TRIGGER drawings_go;"
    "CREATE TRIGGER drawings_go AFTER DELETE ON clips BEGIN DELETE FROM drawings"
    " WHERE case_id = OLD.case_id AND publisher = OLD.publisher AND NOT EXISTS("
    "SELECT 1 FROM clips c WHERE c.case_id = OLD.case_id AND c.publisher = OLD.publisher AND"
    " (c.state NOT IN ('ready', 'failed') OR at_us <= c.started_us + c.duration_ms * 1000)); END;",
    /* Whose page it is that an invite for single use was used by: it may come back. */
    "ALTER TABLE invites ADD COLUMN session TEXT NOT NULL DEFAULT '';",
};

const int store_schema_version = (int)(sizeof store_migrations / sizeof store_migrations[0]);
