-- The tables of a PostgreSQL journal of version 1, as it was first released.
CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value text COLLATE "C" NOT NULL);
CREATE TABLE head (
    one bigint PRIMARY KEY CHECK (one = 1),
    last bigint NOT NULL,
    recorded_at bigint NOT NULL
);
CREATE TABLE log (
    position bigint PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    recorded_at bigint NOT NULL,
    incarnation bytea NOT NULL,
    payload bytea NOT NULL
);
CREATE TABLE events (
    position bigint PRIMARY KEY,
    case_id bytea NOT NULL,
    hand text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    event_id bytea NOT NULL,
    type text COLLATE "C" NOT NULL,
    void bigint NOT NULL,
    own bigint NOT NULL,
    occurred_at bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE UNIQUE INDEX events_place ON events (case_id, hand, seq);
CREATE UNIQUE INDEX events_id ON events (event_id);
CREATE TABLE payment_references (
    kind text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    case_id bytea NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (kind, reference, case_id)
);
CREATE TABLE bundles (
    position bigint PRIMARY KEY,
    issuer_role text COLLATE "C" NOT NULL,
    region text COLLATE "C",
    role text COLLATE "C"
);
CREATE INDEX bundles_destination ON bundles (region, role, position);
CREATE TABLE leaves (
    bundle bigint NOT NULL,
    leaf bigint NOT NULL,
    event bigint NOT NULL REFERENCES events,
    PRIMARY KEY (event, bundle, leaf)
);
CREATE TABLE destinations (
    issuer_role text COLLATE "C" NOT NULL,
    region text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    PRIMARY KEY (issuer_role, region, role)
);
CREATE TABLE unreceipted (
    position bigint PRIMARY KEY,
    region text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL
);
CREATE TABLE receipts (
    position bigint PRIMARY KEY,
    given bigint NOT NULL,
    peer_region text COLLATE "C" NOT NULL,
    peer_role text COLLATE "C" NOT NULL,
    case_id bytea NOT NULL,
    hand text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    batch bigint
);
CREATE INDEX receipts_case ON receipts (case_id, hand, seq);
CREATE INDEX receipts_to_give ON receipts (peer_role, position) WHERE given = 1 AND batch IS NULL;
CREATE TABLE receipt_batches (
    region text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    batch bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (region, role, batch)
);
CREATE UNIQUE INDEX receipt_batches_position ON receipt_batches (region, role, position);
CREATE TABLE facts (position bigint PRIMARY KEY, kind text COLLATE "C" NOT NULL);
CREATE TABLE claims (
    position bigint PRIMARY KEY,
    case_id bytea NOT NULL,
    hand text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    begun bigint NOT NULL,
    ended bigint
);
CREATE UNIQUE INDEX claims_open ON claims (case_id, hand) WHERE ended IS NULL;
CREATE TABLE cases (
    case_id bytea PRIMARY KEY,
    role text COLLATE "C" NOT NULL,
    partner text COLLATE "C" NOT NULL,
    person_key text COLLATE "C" NOT NULL,
    from_scheme text COLLATE "C" NOT NULL,
    to_scheme text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    is_open bigint NOT NULL,
    position bigint NOT NULL,
    opened_at bigint NOT NULL
);
CREATE INDEX cases_person ON cases (person_key, case_id);
CREATE INDEX cases_status ON cases (status, case_id);
CREATE INDEX cases_open ON cases (is_open, role, case_id);
CREATE TABLE agenda (
    case_id bytea PRIMARY KEY,
    role text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    changed bigint NOT NULL,
    not_before bigint
);
CREATE INDEX agenda_changed ON agenda (role, position) WHERE changed = 1;
CREATE INDEX agenda_timed ON agenda (role, not_before) WHERE not_before IS NOT NULL;
CREATE TABLE claim_owners (
    claim bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    lease_until bigint NOT NULL,
    presumed_begun bigint NOT NULL
);
CREATE TABLE sendings (event bigint PRIMARY KEY, last_sent_at bigint NOT NULL, times bigint NOT NULL);
CREATE TABLE open_moves (
    person_key text COLLATE "C" NOT NULL,
    scheme text COLLATE "C" NOT NULL,
    case_id bytea NOT NULL,
    PRIMARY KEY (person_key, scheme)
);
CREATE INDEX open_moves_case ON open_moves (case_id);
CREATE TABLE disclosures (
    case_id bytea NOT NULL,
    event_id bytea NOT NULL,
    field text COLLATE "C" NOT NULL,
    salt bytea,
    value text COLLATE "C",
    PRIMARY KEY (case_id, event_id, field)
);
CREATE TABLE offsets (
    topic_id text COLLATE "C" NOT NULL,
    topic_partition bigint NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (topic_id, topic_partition)
);
CREATE TABLE cursors (name text COLLATE "C" PRIMARY KEY, position bigint NOT NULL);
CREATE TABLE leases (name text COLLATE "C" PRIMARY KEY, owner text COLLATE "C" NOT NULL, lease_until bigint NOT NULL);
CREATE TABLE notes (name text COLLATE "C" PRIMARY KEY, value text COLLATE "C" NOT NULL);
CREATE TABLE held (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    case_id bytea NOT NULL,
    hand text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL,
    skeleton bytea NOT NULL,
    disclosures text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    topic_partition bigint NOT NULL,
    topic_offset bigint NOT NULL,
    appended_at bigint NOT NULL,
    held_at bigint NOT NULL
);
CREATE UNIQUE INDEX held_place ON held (case_id, hand, seq, hash);
CREATE INDEX held_issuer ON held (issuer);
CREATE TABLE parked (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    topic_partition bigint NOT NULL,
    topic_offset bigint NOT NULL,
    appended_at bigint NOT NULL,
    bytes bytea NOT NULL,
    code text COLLATE "C" NOT NULL,
    zh text COLLATE "C" NOT NULL,
    en text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    parked_at bigint NOT NULL,
    settled text COLLATE "C"
);
CREATE INDEX parked_unsettled ON parked (code, id) WHERE settled IS NULL;
CREATE TABLE todo (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    same bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    case_id bytea,
    zh text COLLATE "C" NOT NULL,
    en text COLLATE "C" NOT NULL,
    data text COLLATE "C" NOT NULL,
    raised_at bigint NOT NULL,
    cleared_at bigint
);
CREATE UNIQUE INDEX todo_uncleared ON todo (same) WHERE cleared_at IS NULL;
