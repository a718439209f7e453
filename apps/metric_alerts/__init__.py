"""Alerts on metrics: rules as data, judged after each publish, told once when something changes."""
