"""转入地: what the transfer-in agency checks, decides and does."""

from services.inbound.steps import InboundPart

__all__ = ["InboundPart"]
