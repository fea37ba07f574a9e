"""The regions of the service tests, for those of the audit."""

from tests.service.pair import pair, regions_on_disk, three

__all__ = ["pair", "regions_on_disk", "three"]
