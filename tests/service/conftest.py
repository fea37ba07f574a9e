"""The regions of `pair.py` for every test here."""

from tests.service.pair import pair, regions_on_disk, three

__all__ = ["pair", "regions_on_disk", "three"]
