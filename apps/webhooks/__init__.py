"""What providers send us over HTTP: signed bodies, taken once, durably, and left to the ordinary ingestion."""
