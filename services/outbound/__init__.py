"""转出地: what the transfer-out agency checks, decides and does."""

from services.outbound.steps import OutboundPart

__all__ = ["OutboundPart"]
