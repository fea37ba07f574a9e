"""Seeded simulation of regions at work while everything that can go wrong goes wrong (docs/faults.md)."""
