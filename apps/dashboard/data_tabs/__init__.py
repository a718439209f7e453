"""The parts of the page Data that are more than a table: one module a tab."""
