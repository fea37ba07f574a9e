-- The tables of a SQLite journal of version 1, as it was first released.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    incarnation BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE TABLE events (
    position INTEGER PRIMARY KEY REFERENCES log,
    case_id BLOB NOT NULL,
    hand TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    type TEXT NOT NULL,
    void INTEGER NOT NULL,
    own INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_place ON events (case_id, hand, seq);
CREATE UNIQUE INDEX events_id ON events (event_id);
CREATE TABLE payment_references (
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    case_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, reference, case_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE bundles (
    position INTEGER PRIMARY KEY REFERENCES log,
    issuer_role TEXT NOT NULL,
    region TEXT,
    role TEXT
) STRICT;
CREATE INDEX bundles_destination ON bundles (region, role, position);
CREATE TABLE leaves (
    bundle INTEGER NOT NULL REFERENCES bundles,
    leaf INTEGER NOT NULL,
    event INTEGER NOT NULL REFERENCES events,
    PRIMARY KEY (event, bundle, leaf)
) STRICT, WITHOUT ROWID;
CREATE TABLE destinations (
    issuer_role TEXT NOT NULL,
    region TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (issuer_role, region, role)
) STRICT, WITHOUT ROWID;
CREATE TABLE unreceipted (
    position INTEGER PRIMARY KEY REFERENCES events,
    region TEXT NOT NULL,
    role TEXT NOT NULL
) STRICT;
CREATE TABLE receipts (
    position INTEGER PRIMARY KEY REFERENCES log,
    given INTEGER NOT NULL,
    peer_region TEXT NOT NULL,
    peer_role TEXT NOT NULL,
    case_id BLOB NOT NULL,
    hand TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    batch INTEGER
) STRICT;
CREATE INDEX receipts_case ON receipts (case_id, hand, seq);
CREATE INDEX receipts_to_give ON receipts (peer_role, position) WHERE given = 1 AND batch IS NULL;
CREATE TABLE receipt_batches (
    region TEXT NOT NULL,
    role TEXT NOT NULL,
    batch INTEGER NOT NULL,
    position INTEGER NOT NULL REFERENCES log,
    PRIMARY KEY (region, role, batch)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX receipt_batches_position ON receipt_batches (region, role, position);
CREATE TABLE facts (position INTEGER PRIMARY KEY REFERENCES log, kind TEXT NOT NULL) STRICT;
CREATE TABLE claims (
    position INTEGER PRIMARY KEY REFERENCES log,
    case_id BLOB NOT NULL,
    hand TEXT NOT NULL,
    seq INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    ended INTEGER
) STRICT;
CREATE UNIQUE INDEX claims_open ON claims (case_id, hand) WHERE ended IS NULL;
CREATE TABLE cases (
    case_id BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    partner TEXT NOT NULL,
    person_key TEXT NOT NULL,
    from_scheme TEXT NOT NULL,
    to_scheme TEXT NOT NULL,
    status TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    position INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cases_person ON cases (person_key, case_id);
CREATE INDEX cases_status ON cases (status, case_id);
CREATE INDEX cases_open ON cases (is_open, role, case_id);
CREATE TABLE agenda (
    case_id BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    not_before INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX agenda_changed ON agenda (role, position) WHERE changed = 1;
CREATE INDEX agenda_timed ON agenda (role, not_before) WHERE not_before IS NOT NULL;
CREATE TABLE claim_owners (
    claim INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    presumed_begun INTEGER NOT NULL
) STRICT;
CREATE TABLE sendings (event INTEGER PRIMARY KEY, last_sent_at INTEGER NOT NULL, times INTEGER NOT NULL) STRICT;
CREATE TABLE open_moves (
    person_key TEXT NOT NULL,
    scheme TEXT NOT NULL,
    case_id BLOB NOT NULL,
    PRIMARY KEY (person_key, scheme)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_moves_case ON open_moves (case_id);
CREATE TABLE disclosures (
    case_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    field TEXT NOT NULL,
    salt BLOB,
    value TEXT,
    PRIMARY KEY (case_id, event_id, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE offsets (
    topic_id TEXT NOT NULL,
    topic_partition INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (topic_id, topic_partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, lease_until INTEGER NOT NULL) STRICT;
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE held (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id BLOB NOT NULL,
    hand TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    issuer TEXT NOT NULL,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL,
    skeleton BLOB NOT NULL,
    disclosures TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_partition INTEGER NOT NULL,
    topic_offset INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    held_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX held_place ON held (case_id, hand, seq, hash);
CREATE INDEX held_issuer ON held (issuer);
CREATE TABLE parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    topic_partition INTEGER NOT NULL,
    topic_offset INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    code TEXT NOT NULL,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    sender TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    settled TEXT
) STRICT;
CREATE INDEX parked_unsettled ON parked (code, id) WHERE settled IS NULL;
CREATE TABLE todo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    same BLOB NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    case_id BLOB,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    data TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    cleared_at INTEGER
) STRICT;
CREATE UNIQUE INDEX todo_uncleared ON todo (same) WHERE cleared_at IS NULL;
