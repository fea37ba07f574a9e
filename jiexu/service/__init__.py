"""The loops of an agency service: intake, steps, followers; what both roles share."""
