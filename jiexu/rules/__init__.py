"""Checks, rulesets (data) and continuity of benefits. Pure: facts in, verdicts out."""
