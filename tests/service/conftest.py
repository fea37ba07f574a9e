"""The regions of `pair.py` for every test here."""

from tests.service.pair import pair, pair_on_postgres, regions_on_disk, three

__all__ = ["pair", "pair_on_postgres", "regions_on_disk", "three"]
