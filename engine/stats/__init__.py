"""Intervals and tests, each with the name of its source."""
