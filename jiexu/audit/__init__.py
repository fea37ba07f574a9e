"""Replay from zero, comparison of journals, the money account against the books, verification, rebuilding."""
