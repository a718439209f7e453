"""Metrics: defined once as data, asked by name."""
