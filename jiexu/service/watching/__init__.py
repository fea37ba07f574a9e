"""Watching a service from outside: metrics, health, and whether it is ready.

    catalog           every metric: name, kind, labels, help
    pulse             what the loop says of itself, in memory
    looks             a look at something that may hang: a thread of its own, a bounded share of the time
    *_figures, due,   what is looked at: journal, exchange, set-up
    event_counts
    health, server    the two questions, and the HTTP endpoint

Nothing here is needed for the service's work, and nothing that fails here stops it.
"""
