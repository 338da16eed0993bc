"""The headless engine: data, training, probes and statistics. Knows no screen."""
