"""The parts of the page Overview that are more than a chart beside a table: one module a tab."""
