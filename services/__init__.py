"""The agency services, one per role."""
