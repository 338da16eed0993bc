"""Datasets: read, checked, split and audited."""
