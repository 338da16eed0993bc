"""Sentinel probes: answers sampled, breaks found in them, rates with intervals."""
