"""The journal of one region: inbox, outbox and truth."""
