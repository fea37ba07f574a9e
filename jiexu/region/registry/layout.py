"""The default registry's tables: money in cents, months YYYY-MM, days as ISO text, flags 0, 1 or NULL (not said)."""

LAYOUT_VERSION = 1

LAYOUT = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE persons (
  person_number TEXT PRIMARY KEY, name TEXT NOT NULL, document_type TEXT NOT NULL, document_number TEXT NOT NULL,
  sex TEXT, birth_date TEXT, phone TEXT, retired INTEGER, of_retirement_age INTEGER, in_hospital INTEGER,
  family_sharing INTEGER, unsettled_costs INTEGER, unfinished_transfer_in INTEGER,
  unfinished_transfer_out INTEGER) WITHOUT ROWID;
CREATE INDEX persons_document ON persons (document_number, document_type);
CREATE TABLE employers (code TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE relations (
  person_number TEXT NOT NULL REFERENCES persons, scheme TEXT NOT NULL, status TEXT NOT NULL, kind TEXT NOT NULL,
  employer TEXT, coverage_year INTEGER, paid_through TEXT, ended_to TEXT, imported TEXT NOT NULL,
  PRIMARY KEY (person_number, scheme)) WITHOUT ROWID;
CREATE TABLE case_relations (
  case_id TEXT NOT NULL, person_number TEXT NOT NULL, scheme TEXT NOT NULL, status_before TEXT NOT NULL,
  ended_to_before TEXT, status_set TEXT NOT NULL, PRIMARY KEY (case_id, person_number, scheme)) WITHOUT ROWID;
CREATE INDEX case_relations_person ON case_relations (person_number, scheme);
CREATE TABLE periods (
  person_number TEXT NOT NULL REFERENCES persons, region TEXT NOT NULL, scheme TEXT NOT NULL,
  first_month TEXT NOT NULL, kind TEXT NOT NULL, last_month TEXT NOT NULL, months INTEGER NOT NULL,
  PRIMARY KEY (person_number, region, scheme, first_month, kind)) WITHOUT ROWID;
CREATE TABLE case_months (
  case_id TEXT NOT NULL, place INTEGER NOT NULL, person_number TEXT NOT NULL, region TEXT NOT NULL,
  scheme TEXT NOT NULL, first_month TEXT NOT NULL, last_month TEXT NOT NULL, months INTEGER NOT NULL,
  kind TEXT NOT NULL, brought_in INTEGER NOT NULL, PRIMARY KEY (case_id, place)) WITHOUT ROWID;
CREATE INDEX case_months_person ON case_months (person_number);
CREATE TABLE accounts (
  person_number TEXT PRIMARY KEY REFERENCES persons, imported INTEGER NOT NULL, balance INTEGER NOT NULL,
  interest INTEGER NOT NULL, unearned_allocation INTEGER NOT NULL, settled_claims INTEGER NOT NULL,
  other_lines TEXT NOT NULL, opened_on TEXT) WITHOUT ROWID;
CREATE TABLE arrears (
  person_number TEXT NOT NULL REFERENCES persons, scheme TEXT NOT NULL, month TEXT NOT NULL, amount INTEGER,
  PRIMARY KEY (person_number, scheme, month)) WITHOUT ROWID;
CREATE TABLE cases (case_id TEXT PRIMARY KEY, person_number TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE case_levels (
  case_id TEXT PRIMARY KEY, person_number TEXT NOT NULL, level INTEGER NOT NULL CHECK (level >= 0)) WITHOUT ROWID;
CREATE INDEX case_levels_person ON case_levels (person_number);
CREATE TABLE acts (
  case_id TEXT NOT NULL, step TEXT NOT NULL, n TEXT NOT NULL, act TEXT NOT NULL, digest TEXT NOT NULL,
  value TEXT NOT NULL, done_at TEXT NOT NULL, PRIMARY KEY (case_id, step, n, act)) WITHOUT ROWID;
CREATE TABLE sent (
  reference TEXT PRIMARY KEY, case_id TEXT NOT NULL, to_region TEXT NOT NULL, amount INTEGER NOT NULL,
  serial TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE returned (
  return_reference TEXT PRIMARY KEY, reference TEXT NOT NULL, case_id TEXT NOT NULL, to_region TEXT NOT NULL,
  amount INTEGER NOT NULL, attempts INTEGER NOT NULL, serial TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX returned_reference ON returned (reference);
CREATE TABLE credited (
  id INTEGER PRIMARY KEY, case_id TEXT NOT NULL, person_number TEXT NOT NULL, reference TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0), taken_back INTEGER NOT NULL);
CREATE INDEX credited_reference ON credited (reference);
CREATE INDEX credited_person ON credited (person_number);
CREATE TABLE paid_out (
  bank_reference TEXT PRIMARY KEY, case_id TEXT NOT NULL, amount INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX paid_out_case ON paid_out (case_id);
CREATE TABLE bank_lines (
  number INTEGER PRIMARY KEY, bank_number INTEGER UNIQUE, kind TEXT NOT NULL, reference TEXT NOT NULL,
  for_reference TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), bank_date TEXT NOT NULL,
  serial TEXT NOT NULL, reason TEXT, UNIQUE (serial, kind));
CREATE INDEX bank_lines_reference ON bank_lines (reference, kind)
"""
