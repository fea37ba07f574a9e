"""The journal's tables. Words in braces are the dialect's: `{int}`, `{bytes}`, `{text}` (compared byte by byte),
`{serial}`, `{end}`, `{clustered}` (a table kept in the order of its primary key, where the database can), `{of_log}`,
`{of_bundle}`, `{of_event}` (a foreign key to what the same line makes, where looking it up again costs little).

`DERIVED` are a function of the log and are given back by a rebuild; the others are not (port.py says which and why).
Event bytes stand once, in the payload of their log line: `events` is an index.
"""

import re
from collections.abc import Mapping

VERSION = 2

DERIVED = (
    "events",
    "payment_references",
    "bundles",
    "leaves",
    "destinations",
    "unreceipted",
    "receipts",
    "receipt_batches",
    "facts",
    "claims",
)

_LOG = """
CREATE TABLE meta (name {text} PRIMARY KEY, value {text} NOT NULL){end};

CREATE TABLE head (
    one {int} PRIMARY KEY CHECK (one = 1),
    last {int} NOT NULL,
    recorded_at {int} NOT NULL
){end};

CREATE TABLE log (
    position {int} PRIMARY KEY,
    kind {text} NOT NULL,
    recorded_at {int} NOT NULL,
    incarnation {bytes} NOT NULL,
    payload {bytes} NOT NULL
){end};
"""

_DERIVED = """
CREATE TABLE events (
    position {int} PRIMARY KEY{of_log},
    case_id {bytes} NOT NULL,
    hand {text} NOT NULL,
    seq {int} NOT NULL,
    event_id {bytes} NOT NULL,
    type {text} NOT NULL,
    void {int} NOT NULL,
    own {int} NOT NULL,
    occurred_at {int} NOT NULL,
    hash {bytes} NOT NULL
){end};
CREATE UNIQUE INDEX events_place ON events (case_id, hand, seq);
CREATE UNIQUE INDEX events_id ON events (event_id);

CREATE TABLE payment_references (
    kind {text} NOT NULL,
    reference {text} NOT NULL,
    case_id {bytes} NOT NULL,
    position {int} NOT NULL,
    PRIMARY KEY (kind, reference, case_id)
){clustered};

CREATE TABLE bundles (
    position {int} PRIMARY KEY{of_log},
    issuer_role {text} NOT NULL,
    region {text},
    role {text}
){end};
CREATE INDEX bundles_destination ON bundles (region, role, position);

CREATE TABLE leaves (
    bundle {int} NOT NULL{of_bundle},
    leaf {int} NOT NULL,
    event {int} NOT NULL REFERENCES events,
    PRIMARY KEY (event, bundle, leaf)
){clustered};

CREATE TABLE destinations (
    issuer_role {text} NOT NULL,
    region {text} NOT NULL,
    role {text} NOT NULL,
    PRIMARY KEY (issuer_role, region, role)
){clustered};

CREATE TABLE unreceipted (
    position {int} PRIMARY KEY{of_event},
    region {text} NOT NULL,
    role {text} NOT NULL
){end};

CREATE TABLE receipts (
    position {int} PRIMARY KEY{of_log},
    given {int} NOT NULL,
    peer_region {text} NOT NULL,
    peer_role {text} NOT NULL,
    case_id {bytes} NOT NULL,
    hand {text} NOT NULL,
    seq {int} NOT NULL,
    hash {bytes} NOT NULL,
    batch {int}
){end};
CREATE INDEX receipts_case ON receipts (case_id, hand, seq);
CREATE INDEX receipts_to_give ON receipts (peer_role, position) WHERE given = 1 AND batch IS NULL;

CREATE TABLE receipt_batches (
    region {text} NOT NULL,
    role {text} NOT NULL,
    batch {int} NOT NULL,
    position {int} NOT NULL{of_log},
    PRIMARY KEY (region, role, batch)
){clustered};
CREATE UNIQUE INDEX receipt_batches_position ON receipt_batches (region, role, position);

CREATE TABLE facts (position {int} PRIMARY KEY{of_log}, kind {text} NOT NULL){end};

CREATE TABLE claims (
    position {int} PRIMARY KEY{of_log},
    case_id {bytes} NOT NULL,
    hand {text} NOT NULL,
    seq {int} NOT NULL,
    begun {int} NOT NULL,
    ended {int}
){end};
CREATE UNIQUE INDEX claims_open ON claims (case_id, hand) WHERE ended IS NULL;
"""

_WORK = """
CREATE TABLE cases (
    case_id {bytes} PRIMARY KEY,
    role {text} NOT NULL,
    partner {text} NOT NULL,
    person_key {text} NOT NULL,
    from_scheme {text} NOT NULL,
    to_scheme {text} NOT NULL,
    status {text} NOT NULL,
    is_open {int} NOT NULL,
    position {int} NOT NULL,
    opened_at {int} NOT NULL
){end};
CREATE INDEX cases_person ON cases (person_key, case_id);
CREATE INDEX cases_status ON cases (status, case_id);
CREATE INDEX cases_open ON cases (is_open, role, case_id);

CREATE TABLE agenda (
    case_id {bytes} PRIMARY KEY,
    role {text} NOT NULL,
    position {int} NOT NULL,
    changed {int} NOT NULL,
    not_before {int}
){clustered};
CREATE INDEX agenda_changed ON agenda (role, position) WHERE changed = 1;
CREATE INDEX agenda_timed ON agenda (role, not_before) WHERE not_before IS NOT NULL;

CREATE TABLE claim_owners (
    claim {int} PRIMARY KEY,
    owner {text} NOT NULL,
    lease_until {int} NOT NULL,
    presumed_begun {int} NOT NULL
){end};

CREATE TABLE sendings (event {int} PRIMARY KEY, last_sent_at {int} NOT NULL, times {int} NOT NULL){end};

CREATE TABLE open_moves (
    person_key {text} NOT NULL,
    scheme {text} NOT NULL,
    case_id {bytes} NOT NULL,
    PRIMARY KEY (person_key, scheme)
){clustered};
CREATE INDEX open_moves_case ON open_moves (case_id);

CREATE TABLE disclosures (
    case_id {bytes} NOT NULL,
    event_id {bytes} NOT NULL,
    field {text} NOT NULL,
    salt {bytes},
    value {text},
    PRIMARY KEY (case_id, event_id, field)
){clustered};

CREATE TABLE offsets (
    topic_id {text} NOT NULL,
    topic_partition {int} NOT NULL,
    next {int} NOT NULL,
    PRIMARY KEY (topic_id, topic_partition)
){clustered};

CREATE TABLE cursors (name {text} PRIMARY KEY, position {int} NOT NULL){end};
CREATE TABLE leases (name {text} PRIMARY KEY, owner {text} NOT NULL, lease_until {int} NOT NULL){end};
CREATE TABLE notes (name {text} PRIMARY KEY, value {text} NOT NULL){end};
"""

_DESK = """
CREATE TABLE held (
    id {serial},
    case_id {bytes} NOT NULL,
    hand {text} NOT NULL,
    seq {int} NOT NULL,
    hash {bytes} NOT NULL,
    issuer {text} NOT NULL,
    reason {text} NOT NULL,
    bytes {bytes} NOT NULL,
    skeleton {bytes} NOT NULL,
    disclosures {text} NOT NULL,
    topic {text} NOT NULL,
    topic_partition {int} NOT NULL,
    topic_offset {int} NOT NULL,
    appended_at {int} NOT NULL,
    held_at {int} NOT NULL
){end};
CREATE UNIQUE INDEX held_place ON held (case_id, hand, seq, hash);
CREATE INDEX held_issuer ON held (issuer);

CREATE TABLE parked (
    id {serial},
    topic {text} NOT NULL,
    topic_partition {int} NOT NULL,
    topic_offset {int} NOT NULL,
    appended_at {int} NOT NULL,
    bytes {bytes} NOT NULL,
    code {text} NOT NULL,
    zh {text} NOT NULL,
    en {text} NOT NULL,
    sender {text} NOT NULL,
    parked_at {int} NOT NULL,
    settled {text}
){end};
CREATE INDEX parked_unsettled ON parked (code, id) WHERE settled IS NULL;
CREATE INDEX parked_open ON parked (id) WHERE settled IS NULL;

CREATE TABLE todo (
    id {serial},
    same {bytes} NOT NULL,
    kind {text} NOT NULL,
    code {text} NOT NULL,
    case_id {bytes},
    zh {text} NOT NULL,
    en {text} NOT NULL,
    data {text} NOT NULL,
    raised_at {int} NOT NULL,
    cleared_at {int}
){end};
CREATE UNIQUE INDEX todo_uncleared ON todo (same) WHERE cleared_at IS NULL;
CREATE INDEX todo_standing ON todo (kind, code, id) WHERE cleared_at IS NULL;
"""


def statements(words: Mapping[str, str]) -> list[str]:
    """The statements that create an empty journal, with the dialect's words in place."""
    return spelled(_LOG + _DERIVED + _WORK + _DESK, words)


def spelled(text: str, words: Mapping[str, str]) -> list[str]:
    """The statements of a text, with the dialect's words in place."""
    for word, meaning in words.items():
        text = text.replace("{" + word + "}", meaning)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def keys() -> dict[str, tuple[str, ...]]:
    """All tables, parents first, with the columns of their primary keys."""
    found: dict[str, tuple[str, ...]] = {}
    for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\)\{", _LOG + _DERIVED + _WORK + _DESK, re.DOTALL):
        several = re.search(r"PRIMARY KEY \(([\w, ]+)\)", body)
        one = re.search(r"(\w+) (?:\{serial\}|\{\w+\} PRIMARY KEY)", body)
        assert several or one, table
        found[table] = tuple(several[1].split(", ")) if several else (one[1],) if one else ()
    return found


SERIALS = ("held", "parked", "todo")
"""Tables whose ids the database gives."""
