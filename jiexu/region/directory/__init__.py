"""The directory of regions: which area pools where, and what each participating region has published.

- `regions`: the pooling regions (统筹区) of the mainland and the way from any code to one of them
- `search`: finding a region by a name or part of one, as a clerk types it
- `entries`: what a participating region publishes: keys, accounts, promises, when it is online
- `signing`: the bytes that are signed, and the checks of the signatures
- `participants`: the signed directory file of a deployment, and what the services ask of it
- `file`: reading and writing that file
- `problem`: what can be wrong, in words for the clerk

Nothing is imported here: the search answers without loading pydantic or the signature library.
"""
