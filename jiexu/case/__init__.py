"""The case: events, protocol table, state. Pure: no I/O, no clock, no randomness."""
