"""Files of source systems → canonical rows → `raw`, exactly once."""
